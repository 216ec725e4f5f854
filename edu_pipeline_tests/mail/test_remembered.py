"""What a job is told of the past: who was told what, and who wants nothing."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from edu_pipeline.mail.ledger.history import import_history
from edu_pipeline.mail.ledger.remembered import OPTED_OUT, TOLD_BEFORE, opted_out, told_before
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.suppressions import import_suppressions, lift, stop, suppress
from edu_pipeline.mail.letter import Figure, Letter
from edu_pipeline.mail.links import Subscription
from edu_pipeline.mail.states import State
from edu_pipeline_tests.mail.letters import claimed, letter, recorded

# half past midnight of Tuesday in Brisbane
NOW = datetime(2026, 11, 16, 14, 30, tzinfo=UTC)
BRISBANE = ZoneInfo("Australia/Brisbane")
WEEK = "2026-W47"
VERIFY = "verify/UQx_BUSLEAD1x_1T2027"


def nudge(recipient: str, about: str | None = VERIFY, campaign: str = "nudges.buslead") -> Letter:
    """A letter that states one figure, or none."""
    made = letter(
        recipient,
        period=WEEK,
        email=f"{recipient}@x.example",
        text=f"About {about}",
        not_after=datetime(2026, 11, 30, tzinfo=UTC),
        figures=(Figure(about, "Grade", 0.8, 1),) if about else (),
    )
    return replace(made, campaign=campaign)


def went(
    ledger: Ledger,
    *letters: Letter,
    outcome: State = State.sent,
    transport: str = "folder",
) -> None:
    ledger.queue(letters, now=NOW, by="run 1")
    for one in letters:
        assert claimed(ledger, one.key, owner="run 1", transport=transport, now=NOW)
        if outcome is not State.claimed:
            recorded(ledger, one.key, outcome, now=NOW)


def told(ledger: Ledger, campaign: str = "nudges") -> list[tuple[object, ...]]:
    frame = told_before(ledger, campaign, zone=BRISBANE)
    assert frame.schema == TOLD_BEFORE
    return frame.rows()


def out(ledger: Ledger) -> list[tuple[object, ...]]:
    frame = opted_out(ledger, "nudges")
    assert frame.schema == OPTED_OUT
    return frame.rows()


def test_a_new_ledger_remembers_nothing(ledger: Ledger) -> None:
    assert told(ledger) == []
    assert out(ledger) == []


@pytest.mark.parametrize("outcome", [State.sent, State.unknown, State.claimed])
def test_what_is_out_or_may_be_was_told_on_the_day_that_it_was_where_people_are(
    ledger: Ledger, outcome: State
) -> None:
    went(ledger, nudge("l_1"), outcome=outcome)
    assert told(ledger) == [("nudges.buslead", WEEK, "l_1", None, VERIFY, date(2026, 11, 17))]


def test_what_went_only_into_the_folder_was_told_to_nobody_once_letters_leave(
    ledger: Ledger,
) -> None:
    went(ledger, nudge("l_1"))
    went(ledger, nudge("l_2"), transport="smtp")
    frame = told_before(ledger, "nudges", zone=BRISBANE, leaves=True)
    assert frame["recipient_key"].to_list() == ["l_2"]
    assert [row[2] for row in told(ledger)] == ["l_1", "l_2"]


def test_what_waits_was_refused_or_is_no_longer_news_was_not_told(ledger: Ledger) -> None:
    went(ledger, nudge("l_1"), outcome=State.failed)
    ledger.queue([nudge("l_2")], now=NOW, by="run 1")
    assert told(ledger) == []


def test_only_what_the_letter_said_that_went_out_was_told(ledger: Ledger) -> None:
    ledger.queue([nudge("l_1", "verify/before")], now=NOW, by="run 1")
    went(ledger, nudge("l_1", "verify/after"), nudge("l_2", about=None))
    assert [(row[2], row[4]) for row in told(ledger)] == [("l_1", "verify/after"), ("l_2", None)]


def test_other_campaigns_are_not_asked_for(ledger: Ledger) -> None:
    went(ledger, nudge("l_1", campaign="nudges.engy"))
    went(ledger, nudge("l_2", campaign="nudgesXbuslead"))
    went(ledger, nudge("l_3", campaign="teachers"))
    assert [row[0] for row in told(ledger)] == ["nudges.engy"]
    assert [row[0] for row in told(ledger, "teachers")] == ["teachers"]


def test_history_says_by_address_what_was_told(ledger: Ledger) -> None:
    content = (
        "campaign,period,email,date,about\n"
        f"nudges.buslead,2026-W30,Ada@X.example,2026-07-21,{VERIFY}\n"
        "nudges.buslead,2026-W31,ada@x.example,2026-07-28,\n"
        "teachers,2026-W31,ada@x.example,2026-07-28,\n"
    )
    import_history(ledger, content.encode(), source="old.csv")
    went(ledger, nudge("l_1"))
    assert told(ledger)[1:] == [
        ("nudges.buslead", "2026-W30", None, "ada@x.example", VERIFY, date(2026, 7, 21)),
        ("nudges.buslead", "2026-W31", None, "ada@x.example", None, date(2026, 7, 28)),
    ]


def test_suppressions_of_these_campaigns_and_of_all_hold(ledger: Ledger) -> None:
    content = (
        b"email,scope,reason\n"
        b"A@x.example,*,\nb@x.example,nudges.buslead,bounce\n"
        b"c@x.example,nudges,\nd@x.example,teachers,\n"
    )
    import_suppressions(ledger, content, now=NOW, by="office")
    assert out(ledger) == [
        ("*", None, "a@x.example", "unsubscribe"),
        ("*", None, "c@x.example", "unsubscribe"),
        ("nudges.buslead", None, "b@x.example", "bounce"),
    ]
    suppress(ledger, "e@x.example", "*", "invalid", source="person", now=NOW, by="office")
    lift(ledger, "e@x.example", "*", source="person", now=NOW, by="office")
    assert len(out(ledger)) == 3


def test_a_wish_goes_with_the_person_to_a_new_address_and_a_full_mailbox_does_not(
    ledger: Ledger,
) -> None:
    went(ledger, nudge("l_1"), nudge("l_2"))
    assert stop(ledger, Subscription("nudges.buslead", "l_1"), now=NOW)
    suppress(ledger, "l_2@x.example", "*", "bounce", source="webhook", now=NOW, by="event")
    assert out(ledger) == [
        ("*", None, "l_2@x.example", "bounce"),
        ("nudges.buslead", None, "l_1@x.example", "unsubscribe"),
        ("nudges.buslead", "l_1", None, "unsubscribe"),
    ]


def test_who_opted_out_before_the_first_letter_gets_none(ledger: Ledger) -> None:
    """Of one programme, of all nudges, of everything; and not whoever left another programme."""
    scopes = {"l_1": "nudges.buslead", "l_2": "nudges", "l_3": "*", "l_4": "nudges.engy"}
    content = "email,scope\n" + "".join(
        f"{who}@x.example,{scope}\n" for who, scope in scopes.items()
    )
    import_suppressions(ledger, content.encode(), now=NOW, by="office")
    ledger.queue([nudge(who) for who in scopes], now=NOW, by="run 1")
    states = {e.recipient_key: e.state for e in ledger.entries("nudges.buslead", WEEK)}
    assert states == {
        "l_1": State.suppressed,
        "l_2": State.suppressed,
        "l_3": State.suppressed,
        "l_4": State.pending,
    }


def test_a_letter_of_history_is_not_written_again_in_its_period(ledger: Ledger) -> None:
    line = f"nudges.buslead,{WEEK},l_1@x.example,2026-11-16,{VERIFY}\n"
    content = f"campaign,period,email,date,about\n{line}"
    import_history(ledger, content.encode(), source="mailer.csv")
    ledger.queue([nudge("l_1"), nudge("l_2")], now=NOW, by="run 1")
    states = [(e.recipient_key, e.state) for e in ledger.entries("nudges.buslead", WEEK)]
    assert states == [("l_1", State.suppressed), ("l_2", State.pending)]


def test_what_another_tool_said_in_another_week_stops_a_letter_that_waits(ledger: Ledger) -> None:
    same, other = nudge("l_1"), nudge("l_2", "verify/UQx_BUSLEAD2x_1T2027")
    ledger.queue([same, other], now=NOW, by="run 1")
    import_history(
        ledger,
        b"campaign,period,email,date,about\n"
        b"nudges.buslead,2026-W45,L_1@x.example,2026-11-05,verify/UQx_BUSLEAD1x_1T2027\n"
        b"nudges.buslead,2026-W45,L_2@x.example,2026-11-05,verify/UQx_BUSLEAD1x_1T2027\n",
        source="another tool",
    )
    assert not claimed(ledger, same.key, owner="run 1", transport="folder", now=NOW)
    assert claimed(ledger, other.key, owner="run 1", transport="folder", now=NOW)
    entries = {entry.key: entry for entry in ledger.entries("nudges.buslead", WEEK)}
    assert entries[same.key].state is State.suppressed
    assert "2026-11-05" in entries[same.key].reason
