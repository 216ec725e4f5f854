"""What holds a programme's nudges, and that it does so until somebody has looked."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest

from edu_pipeline.facts.audience import ACCEPTED, accept_audiences, audiences
from edu_pipeline.facts.hashed import forget_keys
from edu_pipeline.ground.resources import Warehouse
from edu_pipeline.ground.steps import step
from edu_pipeline.ground.warehouse import open_warehouse, read_table, write_table
from edu_pipeline.mail.due import PERIODS
from edu_pipeline.mail.ledger.remembered import TOLD_BEFORE
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.nudges import Nudges
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.programmes import assets
from edu_pipeline.programmes.gate import holding, nudge_periods, nudge_problems
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline_tests.programmes.conftest import Row, frame, programme

AS_OF = date(2026, 11, 18)
LEAD = programme(nudges_since=AS_OF)
ENGY = programme(id="engy", audience_moves=0.5, nudges_since=AS_OF)
BOTH = (LEAD, ENGY)
NO_PROBLEMS = pl.DataFrame(schema=dtypes(LandingProblems))
RELEASES = pl.Schema({"id": pl.String(), "at": pl.Datetime("us", "UTC")})
NO_RELEASES = pl.DataFrame(schema=RELEASES)
NOTHING_TOLD = pl.DataFrame(schema=TOLD_BEFORE)
OURS = {
    "campaign": "nudges.lead",
    "period": "2026-W40",
    "recipient_key": "l_1",
    "sent_on": date(2026, 10, 1),
}
"""A letter to a learner of `lead` that went out."""


def decided(con: duckdb.DuckDBPyConnection, **learners: Iterable[int]) -> None:
    """Make `nudges`: of every programme the learners with a reason, and one without."""
    rows: list[Row] = [
        {
            "programme_id": of,
            "learner_id": str(learner),
            "decision": "letter" if learner % 2 else "none",
            "about": None if learner == 0 else f"verify/{learner}",
            "reason": "because",
            "as_of": AS_OF,
        }
        for of, numbers in learners.items()
        for learner in (0, *numbers)
    ]
    write_table(con, "nudges", frame(rows, dtypes(Nudges)))


def moves(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int, int, int]]:
    columns = ("programme_id", "learners", "learners_before", "entered", "gone")
    return audiences(con, ["lead", "engy"]).select(columns).rows()


def problems(
    con: duckdb.DuckDBPyConnection, told_before: pl.DataFrame = NOTHING_TOLD
) -> pl.DataFrame:
    return nudge_problems(BOTH, audiences(con, ["lead", "engy"]), told_before)


def test_a_first_audience_is_compared_with_nothing_and_holds_nothing(
    con: duckdb.DuckDBPyConnection,
) -> None:
    decided(con, lead=range(1, 101))
    assert moves(con) == [("lead", 100, 0, 100, 0)]
    assert problems(con).is_empty()


@pytest.mark.parametrize(
    ("since", "told", "holds"),
    [
        (None, [], True),
        (AS_OF, [], False),
        (None, [{**OURS, "recipient_key": None, "email": "ana@example.org"}], False),
        (None, [{**OURS, "campaign": "nudges.engy"}], True),
    ],
    ids=["nothing said", "nudges_since", "an imported history", "another programme's"],
)
def test_a_first_audience_is_held_until_somebody_says_from_when_news_counts_or_who_was_told(
    con: duckdb.DuckDBPyConnection, since: date | None, told: list[Row], *, holds: bool
) -> None:
    decided(con, lead=range(1, 4))
    lead = programme(nudges_since=since)
    found = nudge_problems([lead], audiences(con, ["lead"]), frame(told, TOLD_BEFORE))
    assert found["kind"].to_list() == ["first_audience"] * holds
    if holds:
        message = found["message"].item()
        assert "3 learners would be told at once" in message
        assert "nudges_since = 2026-11-18" in message
        assert "edu-pipeline mail history import" in message
        assert f"edu-pipeline gate release {found['id'].item()}" in message
        assert list(holding(["lead"], found, NO_RELEASES)) == ["lead"]
        accept_audiences(con, ["lead"])
        assert nudge_problems([lead], audiences(con, ["lead"]), NOTHING_TOLD).is_empty()


def test_a_release_of_a_first_audience_holds_tomorrow_and_not_for_another_audience(
    con: duckdb.DuckDBPyConnection,
) -> None:
    def found(learners: range, as_of: date = AS_OF) -> str:
        decided(con, lead=learners)
        write_table(con, "nudges", read_table(con, "nudges").with_columns(as_of=as_of))
        problems = nudge_problems([programme()], audiences(con, ["lead"]), NOTHING_TOLD)
        return str(problems["id"].item())

    today = found(range(1, 4))
    assert found(range(1, 4), date(2026, 11, 19)) == today
    assert found(range(1, 5)) != today


def test_a_programme_without_an_audience_is_not_held_for_its_first(
    con: duckdb.DuckDBPyConnection,
) -> None:
    decided(con, lead=())
    assert nudge_problems([programme()], audiences(con, ["lead"]), NOTHING_TOLD).is_empty()


def test_who_enters_after_an_empty_audience_was_accepted_is_looked_at(
    con: duckdb.DuckDBPyConnection,
) -> None:
    for accepted in (range(1, 101), (), ()):
        decided(con, lead=accepted)
        accept_audiences(con, ["lead"])
    assert moves(con) == []
    decided(con, lead=range(1, 11))
    assert problems(con).is_empty()
    decided(con, lead=range(1, 5001))
    (message,) = problems(con)["message"]
    assert message.startswith(
        "5,000 learners are in the audience of lead, and nobody was in the last one that was accepted."
    )


def test_a_programme_without_learners_has_no_audience_to_be_compared_with(
    con: duckdb.DuckDBPyConnection,
) -> None:
    decided(con, lead=())
    accept_audiences(con, ["lead", "engy"])
    decided(con, lead=range(1, 5001))
    assert problems(con).is_empty()


@pytest.mark.parametrize(
    ("letter", "holds"),
    [
        (OURS, True),
        ({**OURS, "campaign": "nudges.engy"}, False),
        ({**OURS, "recipient_key": None, "email": "ana@example.org"}, False),
    ],
    ids=["ours", "of another programme", "history of another mailer"],
)
def test_after_letters_went_out_a_warehouse_without_an_audience_was_deleted(
    con: duckdb.DuckDBPyConnection, letter: Row, holds: bool
) -> None:
    decided(con, lead=range(1, 101))
    found = problems(con, frame([letter], TOLD_BEFORE))
    assert found["part"].to_list() == ["lead"] * holds
    if holds:
        assert (
            found["message"].item().startswith("100 learners are in the audience of lead. Letters")
        )
        accept_audiences(con, ["lead"])
        assert problems(con, frame([letter], TOLD_BEFORE)).is_empty()


def test_learners_with_a_reason_are_compared_with_those_accepted_last(
    con: duckdb.DuckDBPyConnection,
) -> None:
    decided(con, lead=range(1, 101), engy=range(1, 11))
    accept_audiences(con, ["lead"])
    decided(con, lead=range(31, 151), engy=range(1, 21))
    assert moves(con) == [("engy", 20, 0, 20, 0), ("lead", 120, 100, 50, 30)]
    accept_audiences(con, ["lead", "engy"])
    assert moves(con) == [("engy", 20, 20, 0, 0), ("lead", 120, 120, 0, 0)]


def test_what_learners_would_be_told_is_not_compared(con: duckdb.DuckDBPyConnection) -> None:
    decided(con, lead=range(1, 101))
    accept_audiences(con, ["lead"])
    told = read_table(con, "nudges").with_columns(
        about=pl.when(pl.col("about").is_not_null()).then(pl.lit("next_course/a/b"))
    )
    write_table(con, "nudges", told.with_columns(decision=pl.lit("none")))
    assert moves(con) == [("lead", 100, 100, 0, 0)]


def test_no_learner_can_be_told_from_what_is_remembered(con: duckdb.DuckDBPyConnection) -> None:
    decided(con, lead=[100234])
    accept_audiences(con, ["lead"])
    remembered = read_table(con, "accepted_audience")
    assert remembered.columns == ["programme_id", "key"]
    assert "100234" not in str(remembered.rows())


def test_who_is_forgotten_is_missed_nowhere(con: duckdb.DuckDBPyConnection) -> None:
    decided(con, lead=range(1, 5), engy=[1, 2])
    accept_audiences(con, ["lead", "engy"])
    forget_keys(con, [ACCEPTED], ["1"])
    decided(con, lead=range(2, 5), engy=[2])
    assert moves(con) == [("engy", 1, 1, 0, 0), ("lead", 3, 3, 0, 0)]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (range(1, 126), None),
        (range(1, 127), "26 learners (26.0\u00a0%) entered it"),
        (range(26, 101), None),
        (range(27, 101), "26 learners (26.0\u00a0%) left it"),
        (range(21, 121), None),
        (
            range(31, 131),
            "30 learners (30.0\u00a0%) entered it and 30 learners (30.0\u00a0%) left it",
        ),
        ((), "100 learners (100\u00a0%) left it"),
    ],
)
def test_an_audience_of_which_more_than_the_allowed_share_is_new_or_gone_is_held(
    con: duckdb.DuckDBPyConnection, now: Iterable[int], told: str | None
) -> None:
    decided(con, lead=range(1, 101))
    accept_audiences(con, ["lead"])
    decided(con, lead=now)
    messages = problems(con)["message"].to_list()
    assert len(messages) == (told is not None)
    if told:
        (key,) = problems(con)["id"]
        assert messages[0].startswith(f"The audience of lead moved: {told} since")
        assert "of 100; audience_moves allows 25\u00a0%." in messages[0]
        assert f'edu-pipeline gate release {key} --reason "…"' in messages[0]


def test_a_programme_says_what_it_allows_and_ten_may_always_move(
    con: duckdb.DuckDBPyConnection,
) -> None:
    decided(con, lead=range(1, 5), engy=range(1, 101))
    accept_audiences(con, ["lead", "engy"])
    decided(con, lead=range(1, 15), engy=range(1, 151))
    assert problems(con).is_empty()
    decided(con, lead=range(1, 16), engy=range(1, 152))
    assert problems(con)["part"].to_list() == ["engy", "lead"]


def test_who_moved_decides_which_problem_it_is(con: duckdb.DuckDBPyConnection) -> None:
    decided(con, lead=range(1, 101))
    accept_audiences(con, ["lead"])
    ids = []
    for first in (101, 101, 102):
        decided(con, lead=[*range(1, 101), *range(first, first + 40)])
        ids.append(problems(con)["id"].item())
    assert ids[0] == ids[1] != ids[2]


SINCE = datetime(2026, 11, 18, 12, tzinfo=UTC).replace(tzinfo=None)


def problem(key: str, part: str | None = "lead", holds: str | None = "nudges") -> Row:
    return {
        "id": key,
        "source": "edx",
        "part": part,
        "holds": holds,
        "message": f"Look at {key}.",
        "since": SINCE,
    }


def why(*rows: Row, releases: pl.DataFrame | None = None) -> Mapping[str, str]:
    if releases is None:
        releases = pl.DataFrame(schema=RELEASES)
    return holding(["lead", "engy"], frame(rows, dtypes(LandingProblems)), releases)


def test_nudges_of_a_programme_wait_for_the_problems_that_hold_them() -> None:
    assert why(problem("a"), problem("b"), problem("c", holds=None), problem("d", "former")) == {
        "lead": "Look at a. Look at b."
    }
    assert why(problem("letters", None, "letters")) == {}


def test_a_problem_of_no_programme_holds_the_nudges_of_all() -> None:
    assert why(problem("a", None)) == {"lead": "Look at a.", "engy": "Look at a."}


def test_a_release_opens_what_has_stood_since() -> None:
    at = (SINCE + timedelta(hours=1)).replace(tzinfo=UTC)
    releases = pl.DataFrame({"id": ["a", "b"], "at": [at] * 2}, schema=RELEASES)
    later = {**problem("b"), "since": SINCE + timedelta(hours=2)}
    assert why(problem("a"), later, releases=releases) == {"lead": "Look at b."}


def test_the_running_week_of_a_programme_with_an_audience_is_a_period(
    con: duckdb.DuckDBPyConnection,
) -> None:
    decided(con, lead=[1], engy=[2], none=[])
    found = nudge_periods(
        audiences(con, ["lead", "engy", "none"]), {"engy": "Look at b.", "none": "Look at d."}
    )
    assert found.schema == PERIODS
    assert found.rows() == [
        ("nudges.engy", "2026-W47", "engy|2026-11-16", AS_OF, True, "Look at b."),
        ("nudges.lead", "2026-W47", "lead|2026-11-16", AS_OF, True, None),
    ]


# As Dagster does it


def refresh(
    root: Path,
    learners: Iterable[int],
    *released: str,
    told_before: pl.DataFrame = NOTHING_TOLD,
) -> tuple[list[str], str | None]:
    """Ids of what a refresh finds, and why it holds the nudges of `lead`."""
    home = Home(root)
    releases = [{"id": key, "at": datetime.now(UTC)} for key in released]
    with open_warehouse(home.warehouse) as con:
        decided(con, lead=learners)
        write_table(con, "gate_releases", pl.DataFrame(releases, schema=RELEASES))
        write_table(con, "landing_problems", NO_PROBLEMS)
        write_table(con, "told_before", told_before)
    warehouse = Warehouse(
        path=str(home.warehouse), lock_path=str(home.lock), exports=str(home.data)
    )
    made = [step("nudges_held", [assets.nudge_problems, assets.nudge_periods])]
    names = ("nudges", "gate_releases", "landing_problems", "told_before")
    inputs = [dg.AssetSpec(name) for name in names]
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            [*made, *inputs],
            selection=made,
            instance=instance,
            resources={"warehouse": warehouse, "settings": Settings(programmes=(LEAD,))},
        )
    with open_warehouse(home.warehouse) as con:
        found = LandingProblems.validate(read_table(con, "nudge_problems"))
        return found["id"].to_list(), read_table(con, "nudge_periods")["held"].item()


def test_an_audience_that_moved_is_held_until_it_is_released_and_is_then_accepted(
    tmp_path: Path,
) -> None:
    assert refresh(tmp_path, range(100)) == ([], None)
    (key,), why = refresh(tmp_path, range(50))
    assert why is not None
    assert f"gate release {key}" in why
    assert refresh(tmp_path, range(50), key) == ([key], None)
    assert refresh(tmp_path, range(50), key) == ([], None)


def test_a_deleted_warehouse_holds_nudges_until_its_audience_is_released(tmp_path: Path) -> None:
    letters = frame([OURS], TOLD_BEFORE)
    (key,), why = refresh(tmp_path, range(100), told_before=letters)
    assert why is not None
    assert refresh(tmp_path, range(100), key, told_before=letters) == ([key], None)
    assert refresh(tmp_path, range(100), told_before=letters) == ([], None)
