from collections.abc import Callable, Iterator
from datetime import date, timedelta
from email import message_from_bytes, policy

import dagster as dg
import pytest
from filelock import FileLock

from edu_pipeline.ground.warehouse import open_warehouse
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline.wiring.heartbeat import Told, heartbeat, news, pulse_of

TODAY = date(2026, 10, 5)
WRONG = {"disk": "Make room."}


def days_until_told_again(found: dict[str, str], told: Told) -> int:
    """The first later day on which something is written, if all stays as it is."""
    return next(n for n in range(1, 30) if news(found, told, TODAY + timedelta(days=n))[0])


def test_that_all_is_well_is_said_once_a_week() -> None:
    text, told = news({}, Told(), TODAY)
    assert text
    assert text.startswith("All is well")
    assert news({}, told, TODAY)[0] is None
    assert days_until_told_again({}, told) == 7


def test_what_is_wrong_is_said_at_once_and_again_after_a_week() -> None:
    text, told = news(WRONG, Told("2026-10-04"), TODAY)
    assert text == "Make room."
    assert news(WRONG, told, TODAY)[0] is None
    assert days_until_told_again(WRONG, told) == 7


def test_something_else_that_is_wrong_is_said_with_what_was_wrong_before() -> None:
    _, told = news(WRONG, Told(), TODAY)
    text, _ = news({**WRONG, "drafts": "Approve."}, told, TODAY)
    assert text == "Make room.\n\nApprove."


def test_that_it_was_put_right_is_said_at_once() -> None:
    _, told = news(WRONG, Told(), TODAY)
    text, told = news({}, told, TODAY)
    assert text
    assert text.startswith("What was wrong is put right")
    assert days_until_told_again({}, told) == 7


@pytest.fixture
def history() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def expected(home: Home, history: dg.DagsterInstance) -> date | None:
    with mail_room(home).open_ledger() as ledger, open_warehouse(home.warehouse) as con:
        return pulse_of(history, home, ledger, con).expected


def test_the_next_school_week_is_waited_for_by_the_calendar(
    refreshed_sample: Home, history: dg.DagsterInstance
) -> None:
    # the sample's last week with figures is that of 11 May, and school goes on
    assert expected(refreshed_sample, history) == date(2026, 5, 22)


@pytest.mark.parametrize(
    ("ends", "failed"),
    [
        ("", False),
        ("school:SUCCESS", False),
        ("school:SUCCESS school:FAILURE", True),
        ("school:FAILURE school:SUCCESS", False),
        ("school:FAILURE school:STARTED", False),
        ("school:FAILURE programmes:SUCCESS", True),
        ("school:FAILURE all:SUCCESS", False),
        ("school:SUCCESS all:FAILURE", True),
        ("all:FAILURE school:SUCCESS", False),
    ],
)
def test_a_refresh_has_failed_where_the_last_one_of_a_source_did(
    refreshed_sample: Home, history: dg.DagsterInstance, ends: str, *, failed: bool
) -> None:
    for end in ends.split():
        of, status = end.split(":")
        job = "refresh" if of == "all" else f"refresh_{of}"
        history.add_run(dg.DagsterRun(job, status=dg.DagsterRunStatus(status)))
    history.add_run(dg.DagsterRun("send_letters", status=dg.DagsterRunStatus.FAILURE))
    with mail_room(refreshed_sample).open_ledger() as ledger:
        assert pulse_of(history, refreshed_sample, ledger, None).failed is failed


Beat = Callable[[Home, str | None], tuple[str, str | None, list[str]]]


@pytest.fixture
def beat(history: dg.DagsterInstance) -> Beat:
    """One tick: what the UI says, the new cursor, and what stands on the front page, if it was written."""

    def once(home: Home, cursor: str | None) -> tuple[str, str | None, list[str]]:
        pages: list[str] = []
        sensor = heartbeat(lambda _con, _ledger, concerns: pages.append(" ".join(concerns)))
        context = dg.build_sensor_context(
            instance=history, cursor=cursor, resources={"mail_room": mail_room(home)}
        )
        result = sensor(context)
        assert isinstance(result, dg.SkipReason)
        return str(result.skip_message), context.cursor, pages

    return once


def test_the_operator_hears_what_is_wrong_and_the_front_page_says_it(
    sample_home: Home, beat: Beat
) -> None:
    with sample_home.config.open("a", encoding="utf-8") as config:
        config.write('\n[mail]\noperator = "operator@riverside.example"\n')
    told, cursor, pages = beat(sample_home, None)
    assert "The registers of the week that ended on Friday 22\u00a0May 2026 have not come" in told
    assert pages == [told]
    (letter,) = (sample_home.outbox / "alerts").rglob("*.eml")
    message = message_from_bytes(letter.read_bytes(), policy=policy.default)
    assert message["To"] == "operator@riverside.example"
    assert message["Subject"] == "edu-pipeline: something needs you"
    beat(sample_home, cursor)
    assert len(list((sample_home.outbox / "alerts").rglob("*.eml"))) == 1


def test_while_a_run_is_at_work_nothing_is_said_to_be_put_right(
    sample_home: Home, beat: Beat
) -> None:
    cursor = '{"well": null, "wrong": {"exports": "2026-10-05"}}'
    with FileLock(sample_home.lock):
        told, after, pages = beat(sample_home, cursor)
    assert (told, after, pages) == ("A run is at work. The next beat looks again.", cursor, [])


def test_a_damaged_warehouse_is_told(sample_home: Home, beat: Beat) -> None:
    sample_home.warehouse.write_bytes(b"no database")
    told, _, _ = beat(sample_home, None)
    assert "The warehouse is damaged." in told


def test_all_is_not_well_before_anything_was_read(home_of: Callable[..., Home], beat: Beat) -> None:
    assert beat(home_of({}), None)[:2] == ("No refresh has succeeded yet.", None)
