"""What a delivery would do, on hand-made lines of the ledger."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from edu_pipeline.mail.checks import NOT_ALLOWED
from edu_pipeline.mail.ledger.controls import Pause
from edu_pipeline.mail.ledger.history import import_history
from edu_pipeline.mail.ledger.reading import Entry
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import OUT
from edu_pipeline.mail.letter import Figure, Moved, moved
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.plan import (
    Conditions,
    Fate,
    conditions_of,
    corrections,
    plan,
    to_rehearse,
)
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.mail import Window
from edu_pipeline_tests.mail.conftest import LetterMaker

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
"""A Friday."""
FREE = Conditions(NOW, Rules())
SCHOOL_HOURS = Rules(window=Window(days=("monday",), opens=time(8), closes=time(17)))


def entry(
    name: str = "t_1",
    state: State = State.pending,
    *,
    reason: str = "",
    revision: int = 1,
    not_after: datetime = NOW + timedelta(days=1),
) -> Entry:
    return Entry(
        campaign="teachers",
        period="2026-W40",
        key=f"teachers:2026-W40:{name}{'' if revision == 1 else f':{revision}'}",
        recipient_key=name,
        recipient_name="Ada Moss",
        email=f"{name}@riverside.example",
        subject="Your week",
        state=state,
        reason=reason,
        notes=(),
        digest="d" * 64,
        revision=revision,
        transport=None,
        queued_at=NOW,
        claimed_at=None,
        sent_at=None,
        not_after=not_after,
    )


def fates(*entries: Entry, conditions: Conditions = FREE) -> list[tuple[str, Fate, str]]:
    return [
        (line.entry.recipient_key, line.fate, line.why) for line in plan(entries, conditions).lines
    ]


def test_what_is_approved_or_pending_goes_in_the_order_of_the_keys() -> None:
    assert fates(entry("t_2"), entry("t_1", State.approved)) == [
        ("t_1", Fate.now, ""),
        ("t_2", Fate.now, ""),
    ]


@pytest.mark.parametrize("state", [State.draft, State.held, State.unknown, State.failed])
def test_what_only_a_person_can_settle_says_why(state: State) -> None:
    assert fates(entry(state=state, reason="Look.")) == [("t_1", Fate.person, "Look.")]


@pytest.mark.parametrize("state", [State.suppressed, State.expired, State.cancelled])
def test_what_does_not_go_out_says_why(state: State) -> None:
    assert fates(entry(state=state, reason="Because.")) == [("t_1", Fate.never, "Because.")]


@pytest.mark.parametrize("state", sorted(OUT | {State.claimed}))
def test_what_is_out_or_under_way_is_left_alone(state: State) -> None:
    assert fates(entry(state=state, reason="sent")) == [("t_1", Fate.out, "")]


def test_every_state_has_a_fate() -> None:
    assert len(fates(*(entry(state.value, state) for state in State))) == len(State)


@pytest.mark.parametrize("state", [State.pending, State.approved, State.draft, State.held])
def test_what_waits_until_it_is_no_news_never_goes(state: State) -> None:
    late = entry(state=state, not_after=NOW)
    assert fates(late) == [("t_1", Fate.never, "It is no longer news.")]
    just = entry(state=State.pending, not_after=NOW + timedelta(seconds=1))
    assert fates(just) == [("t_1", Fate.now, "")]


def test_who_opted_out_since_the_letter_was_queued_is_left_out() -> None:
    without = Conditions(NOW, Rules(), unwanted={"teachers:2026-W40:t_1": "They unsubscribed."})
    assert fates(entry("t_1"), entry("t_2"), conditions=without) == [
        ("t_1", Fate.never, "They unsubscribed."),
        ("t_2", Fate.now, ""),
    ]
    assert fates(entry("t_1", State.draft), conditions=without) == [
        ("t_1", Fate.never, "They unsubscribed.")
    ]


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        ({"not_to_leave": {"teachers:2026-W40:t_1": NOT_ALLOWED}}, "outside [mail] allowed"),
        ({"rules": Rules(approval=True)}, "needs approval now"),
    ],
)
def test_letters_that_leave_wait_for_a_person_as_a_delivery_would_have_it(
    said: dict[str, Any], waits: str
) -> None:
    unapproved = {"teachers:2026-W40:t_1"}
    leaving = replace(FREE, leaves=True, unapproved=unapproved, **said)
    ((_, fate, why),) = fates(entry(), conditions=leaving)
    assert fate is Fate.person
    assert waits in why
    staying = replace(leaving, leaves=False)
    assert fates(entry(), conditions=staying) == [("t_1", Fate.now, "")]
    kept = replace(leaving, held="A file is cut.")
    assert fates(entry(), conditions=kept) == [("t_1", Fate.later, "A file is cut.")]


def test_the_conditions_are_what_the_ledger_says_of_the_letters(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    ledger.queue([make_letter("t_1"), make_letter("t_2")], now=NOW, by="test")
    before = b"campaign,period,email,date\nteachers,2026-W40,t_1@riverside.example,2026-10-02\n"
    import_history(ledger, before, source="test")
    found = conditions_of(
        ledger,
        "teachers",
        "2026-W40",
        now=NOW,
        settings=Settings.model_validate(
            {
                "school": {"time_zone": "UTC"},
                "letters": {"from_email": "data@lake.example"},
                "mail": {"transport": "smtp", "allowed": ["riverside.example"]},
            }
        ),
        held=None,
    )
    assert found.unwanted == {"teachers:2026-W40:t_1": "It went out by other means, on 2026-10-02."}
    assert found.unapproved == {"teachers:2026-W40:t_1", "teachers:2026-W40:t_2"}
    assert found.leaves


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        (Conditions(NOW, Rules(), held="600 rows are gone."), "600 rows are gone."),
        (
            Conditions(NOW, Rules(), pause=Pause("storm", NOW - timedelta(hours=1), "Kim")),
            "Sending is paused by Kim since 2026-10-02 14:00 UTC: storm",
        ),
        (
            Conditions(NOW, SCHOOL_HOURS),
            "The sending window opens on Monday, 05 October at 08:00.",
        ),
        (
            Conditions(NOW, Rules(per_hour=1), gone=[NOW - timedelta(minutes=20)]),
            "1 letters an hour are allowed; it goes on at Friday, 02 October at 15:40.",
        ),
    ],
)
def test_what_holds_all_letters_makes_those_wait_that_would_go(
    conditions: Conditions, why: str
) -> None:
    assert fates(entry("t_1"), entry("t_2", State.draft), conditions=conditions) == [
        ("t_1", Fate.later, why),
        ("t_2", Fate.person, ""),
    ]


def test_the_gate_is_told_before_the_brake() -> None:
    both = Conditions(NOW, Rules(), held="A file is cut.", pause=Pause("storm", NOW, "Kim"))
    assert plan([], both).blocked == "A file is cut."


def test_the_hour_has_room_for_so_many_and_the_others_follow() -> None:
    an_hour_ago = [NOW - timedelta(minutes=61), NOW - timedelta(minutes=59)]
    conditions = Conditions(NOW, Rules(per_hour=3), gone=an_hour_ago)
    assert [fate for _, fate, _ in fates(*map(entry, "abc"), conditions=conditions)] == [
        Fate.now,
        Fate.now,
        Fate.later,
    ]


def test_an_operator_rehearses_what_could_go_out_approved_or_not() -> None:
    entries = [entry(state.value, state) for state in State]
    assert [key.rpartition(":")[2] for key in to_rehearse(entries)] == [
        "approved",
        "draft",
        "pending",
    ]


def attendance(numerator: float, denominator: float = 1000) -> Figure:
    return Figure("c_1/attendance_rate", "7B attendance", numerator, denominator)


HOMEWORK = Figure("c_1/homework_rate", "7B homework", 50, 100)


def test_only_figures_that_differ_have_moved() -> None:
    assert moved([attendance(921), HOMEWORK], [attendance(919), HOMEWORK]) == (
        Moved("7B attendance", 0.921, 0.919),
    )
    assert moved([attendance(921)], [attendance(1842, 2000)]) == ()


def test_a_figure_that_came_or_went_has_moved() -> None:
    assert moved([attendance(921)], [HOMEWORK]) == (
        Moved("7B homework", None, 0.5),
        Moved("7B attendance", 0.921, None),
    )


def test_a_waiting_correction_stands_beside_the_letter_that_it_corrects() -> None:
    entries = [
        entry("t_1", State.delivered),
        entry("t_1", State.draft, revision=2),
        entry("t_2", State.sent),
        entry("t_3", State.sent),
        entry("t_3", State.sent, revision=2),
    ]
    stated = {entries[0].key: [attendance(921)], entries[1].key: [attendance(919)]}
    assert corrections(entries, stated) == {
        "teachers:2026-W40:t_1:2": (Moved("7B attendance", 0.921, 0.919),)
    }
