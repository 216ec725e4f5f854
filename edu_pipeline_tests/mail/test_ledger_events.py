"""Events kept once and folded into letters, on SQLite and on PostgreSQL."""

import json
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from edu_pipeline.mail.events import MailEvent, parse
from edu_pipeline.mail.ledger.events import EventCounts, record_events
from edu_pipeline.mail.ledger.store import Cause, Ledger
from edu_pipeline.mail.ledger.suppressions import in_force, lift
from edu_pipeline.mail.ledger.tables import EVENTS
from edu_pipeline.mail.states import State
from edu_pipeline_tests.mail.conftest import LetterMaker
from edu_pipeline_tests.mail.letters import claimed, recorded

MONDAY = datetime(2026, 10, 5, 8, tzinfo=UTC)
LATER = MONDAY + timedelta(hours=3)
KEY = "teachers:2026-W40:t_1"

EventMaker = Callable[..., MailEvent]


@pytest.fixture
def event(ledger: Ledger) -> EventMaker:
    """One event of a letter of this ledger, an hour after it was sent."""

    def make(name: str = "delivered", key: str | None = KEY, **fields: Any) -> MailEvent:
        item = {
            "event": name,
            "timestamp": int(MONDAY.timestamp()) + 3600,
            "sg_event_id": f"id-{name}-{key}",
            "sg_message_id": f"{key}.filter.0",
            "email": f"{(key or '').rpartition(':')[2] or 'whoever'}@riverside.example",
            "edu_ledger": ledger.id,
        } | ({"edu_letter": key} if key else {})
        (read,) = parse(json.dumps([item | fields]).encode()).events
        return read

    return make


@pytest.fixture
def sent(ledger: Ledger, make_letter: LetterMaker) -> None:
    """Two letters that went out on Monday."""
    letters = [make_letter("t_1"), make_letter("t_2")]
    ledger.queue(letters, now=MONDAY, by="test")
    for letter in letters:
        assert claimed(ledger, letter.key, owner="test", transport="sendgrid", now=MONDAY)
        recorded(ledger, letter.key, State.sent, now=MONDAY, transport_id="x")


def state_of(ledger: Ledger, key: str = KEY) -> State:
    return {entry.key: entry.state for entry in ledger.entries("teachers", "2026-W40")}[key]


def kept(ledger: Ledger) -> list[dict[str, Any]]:
    with ledger.connect() as connection:
        return [
            row._asdict() for row in connection.execute(sa.select(EVENTS).order_by(EVENTS.c.id))
        ]


def counts(**expected: int) -> EventCounts:
    none = {"new": 0, "known": 0, "foreign": 0, "untracked": 0, "suppressed": 0}
    return EventCounts(**(none | expected))


@pytest.mark.usefixtures("sent")
def test_an_event_takes_its_letter_along(ledger: Ledger, event: EventMaker) -> None:
    done = record_events(ledger, [event("delivered")], now=LATER, tracking="off")
    assert done == counts(new=1)
    assert state_of(ledger) is State.delivered
    assert state_of(ledger, "teachers:2026-W40:t_2") is State.sent
    (row,) = kept(ledger)
    assert row["letter_key"] == KEY
    assert (row["campaign"], row["period"], row["kind"]) == ("teachers", "2026-W40", "delivered")
    assert row["at"] == MONDAY + timedelta(hours=1)
    assert row["received_at"] == LATER


@pytest.mark.usefixtures("sent")
def test_the_same_batch_again_changes_nothing(ledger: Ledger, event: EventMaker) -> None:
    batch = [event("processed"), event("delivered"), event("bounce")]
    record_events(ledger, batch, now=LATER, tracking="off")
    before = (kept(ledger), in_force(ledger).rows(), ledger.story(KEY))
    assert record_events(ledger, batch, now=LATER, tracking="off") == counts(known=3)
    assert (kept(ledger), in_force(ledger).rows(), ledger.story(KEY)) == before


@pytest.mark.usefixtures("sent")
def test_an_event_under_a_new_id_is_known_by_its_fingerprint(
    ledger: Ledger, event: EventMaker
) -> None:
    batch = [event("open", sg_event_id="one"), event("open", sg_event_id="two")]
    assert record_events(ledger, batch, now=LATER, tracking="individual") == counts(new=1, known=1)
    third = [event("open", sg_event_id="three")]
    assert record_events(ledger, third, now=LATER, tracking="individual") == counts(known=1)


@pytest.mark.usefixtures("sent")
def test_an_event_with_another_fingerprint_is_known_by_its_id(
    ledger: Ledger, event: EventMaker
) -> None:
    batch = [event("open", ip="203.0.113.7"), event("open", ip="203.0.113.8")]
    assert record_events(ledger, batch, now=LATER, tracking="individual") == counts(new=1, known=1)


def test_any_order_and_repetition_in_any_batches_ends_the_same(
    ledger: Ledger, event: EventMaker, make_letter: LetterMaker
) -> None:
    chance = random.Random(11)  # noqa: S311 - no secret, a seed
    names = ["processed", "deferred", "delivered", "open", "click"]
    recipients = [f"t_{number}" for number in range(10)]
    letters = [make_letter(recipient) for recipient in recipients]
    ledger.queue(letters, now=MONDAY, by="test")
    for letter in letters:
        claimed(ledger, letter.key, owner="test", transport="sendgrid", now=MONDAY)
        recorded(ledger, letter.key, State.sent, now=MONDAY, transport_id="x")
        story = [event(name, letter.key) for name in names] * 2
        chance.shuffle(story)
        cut = chance.randrange(len(story))
        for batch in (story[:cut], story[cut:]):
            record_events(ledger, batch, now=LATER, tracking="individual")
    assert len(kept(ledger)) == 50
    assert ledger.counts("teachers", "2026-W40") == {State.delivered: 10}


@pytest.mark.usefixtures("sent")
def test_a_bounce_after_the_delivery_wins_whichever_comes_first(
    ledger: Ledger, event: EventMaker
) -> None:
    record_events(ledger, [event("bounce")], now=LATER, tracking="off")
    record_events(ledger, [event("delivered")], now=LATER, tracking="off")
    assert state_of(ledger) is State.bounced


def test_an_event_proves_that_a_doubtful_letter_went_out(
    ledger: Ledger, event: EventMaker, make_letter: LetterMaker
) -> None:
    ledger.queue([make_letter("t_1")], now=MONDAY, by="test")
    claimed(ledger, KEY, owner="test", transport="sendgrid", now=MONDAY)
    recorded(ledger, KEY, State.unknown, now=MONDAY, detail="no answer")
    record_events(ledger, [event("processed")], now=LATER, tracking="off")
    assert state_of(ledger) is State.sent


def test_a_letter_under_way_is_left_to_its_sender_and_the_event_counts_afterwards(
    ledger: Ledger, event: EventMaker, make_letter: LetterMaker
) -> None:
    ledger.queue([make_letter("t_1")], now=MONDAY, by="test")
    claimed(ledger, KEY, owner="test", transport="sendgrid", now=MONDAY)
    record_events(ledger, [event("delivered")], now=LATER, tracking="off")
    assert state_of(ledger) is State.claimed
    recorded(ledger, KEY, State.unknown, now=LATER, detail="no answer")
    assert state_of(ledger) is State.delivered


@pytest.mark.usefixtures("sent")
def test_events_of_other_ledgers_and_of_letters_nobody_knows_are_left_out(
    ledger: Ledger, event: EventMaker
) -> None:
    others = [
        event("bounce", edu_ledger="ffffffff"),
        event("bounce", "teachers:2026-W40:t_99"),
        event("delivered", None, edu_ledger=None),
        event("unsubscribe", None, edu_ledger=None, email="t_1@riverside.example"),
    ]
    own = event("processed")
    done = record_events(ledger, [*others, own], now=LATER, tracking="off")
    assert done == counts(new=1, foreign=4)
    assert [row["kind"] for row in kept(ledger)] == ["processed"]
    assert in_force(ledger).is_empty()
    assert state_of(ledger) is State.sent


@pytest.mark.usefixtures("sent")
def test_without_tracking_opens_and_clicks_are_not_kept(ledger: Ledger, event: EventMaker) -> None:
    batch = [event("open"), event("click"), event("delivered")]
    assert record_events(ledger, batch, now=LATER, tracking="off") == counts(new=1, untracked=2)
    assert [row["kind"] for row in kept(ledger)] == ["delivered"]


@pytest.mark.usefixtures("sent")
def test_aggregate_tracking_does_not_keep_whose_opens_they_are(
    ledger: Ledger, event: EventMaker
) -> None:
    batch = [event("open", sg_machine_open=True), event("click"), event("delivered")]
    assert record_events(ledger, batch, now=LATER, tracking="aggregate") == counts(new=3)
    rows = {row["kind"]: row for row in kept(ledger)}
    assert rows["opened"]["letter_key"] is rows["clicked"]["letter_key"] is None
    assert rows["opened"]["machine"]
    assert rows["opened"]["period"] == "2026-W40"
    assert rows["delivered"]["letter_key"] == KEY
    assert record_events(ledger, batch, now=LATER, tracking="aggregate") == counts(known=3)


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("bounce", {}, "bounce"),
        ("spamreport", {}, "complaint"),
        ("unsubscribe", {}, "unsubscribe"),
        ("dropped", {"reason": "Spam Reporting Address"}, "complaint"),
        ("dropped", {"reason": "Spam Content"}, None),
        ("bounce", {"type": "blocked"}, None),
        ("delivered", {}, None),
    ],
)
def test_the_letters_own_address_is_not_written_to_after_an_event_about_it(
    ledger: Ledger, event: EventMaker, name: str, fields: dict[str, str], reason: str | None
) -> None:
    done = record_events(ledger, [event(name, **fields)], now=LATER, tracking="off")
    assert done == counts(new=1, suppressed=1 if reason else 0)
    found = in_force(ledger).select("email", "scope", "reason", "source").rows()
    assert found == ([("t_1@riverside.example", "*", reason, "webhook")] if reason else [])


@pytest.mark.usefixtures("sent")
def test_an_old_event_does_not_undo_what_a_person_decided_since(
    ledger: Ledger, event: EventMaker
) -> None:
    record_events(ledger, [event("bounce")], now=LATER, tracking="off")
    assert lift(ledger, "T_1@riverside.example", "*", source="person", now=LATER, by="office")
    record_events(ledger, [event("bounce", ip="203.0.113.9")], now=LATER, tracking="off")
    earlier = event("dropped", reason="Bounced Address")
    record_events(ledger, [earlier], now=LATER, tracking="off")
    assert in_force(ledger).is_empty()


@pytest.mark.usefixtures("sent")
def test_a_bounce_that_does_not_say_of_which_letter_counts_for_addresses_written_to(
    ledger: Ledger, event: EventMaker
) -> None:
    late = [
        event("bounce", None, edu_ledger=None, email="T_2@riverside.example"),
        event("bounce", None, edu_ledger=None, email="stranger@elsewhere.example"),
    ]
    assert record_events(ledger, late, now=LATER, tracking="off") == counts(foreign=2, suppressed=1)
    assert in_force(ledger)["email"].to_list() == ["t_2@riverside.example"]


# An earlier attempt, at an address that the letter no longer has

OLD, NEW = "t_1@riverside.example", "moss@riverside.example"


@pytest.fixture
def readdressed(ledger: Ledger, make_letter: LetterMaker) -> None:
    """In doubt at the old address, then sent again, which is still to come, to the new one."""
    ledger.queue([make_letter("t_1", email=OLD)], now=MONDAY, by="test")
    claimed(ledger, KEY, owner="test", transport="sendgrid", now=MONDAY)
    recorded(ledger, KEY, State.unknown, now=MONDAY, detail="no answer")
    ledger.resolve(KEY, State.pending, Cause(MONDAY, "office", "send again"))
    ledger.queue([make_letter("t_1", email=NEW)], now=MONDAY, by="test")
    assert state_of(ledger) is State.pending


@pytest.mark.usefixtures("readdressed")
@pytest.mark.parametrize("name", ["processed", "delivered", "bounce", "spamreport", "open"])
def test_an_event_of_an_earlier_address_does_not_move_the_letter(
    ledger: Ledger, event: EventMaker, name: str
) -> None:
    earlier = event(name, email=OLD.upper())
    done = record_events(ledger, [earlier], now=LATER, tracking="individual")
    assert (done.new, done.foreign) == (0, 1)
    assert state_of(ledger) is State.pending
    if name != "spamreport":  # after which it must not go out at all
        assert claimed(ledger, KEY, owner="test", transport="sendgrid", now=MONDAY)
        recorded(ledger, KEY, State.sent, now=MONDAY, transport_id="y")
        assert state_of(ledger) is State.sent


@pytest.mark.usefixtures("readdressed")
@pytest.mark.parametrize(
    ("name", "reason", "addresses"),
    [
        ("bounce", "bounce", [OLD]),
        ("spamreport", "complaint", [NEW, OLD]),
        ("unsubscribe", "unsubscribe", [NEW, OLD]),
        ("delivered", None, []),
    ],
)
def test_an_event_suppresses_its_own_address_and_a_wish_the_new_one_too(
    ledger: Ledger, event: EventMaker, name: str, reason: str | None, addresses: list[str]
) -> None:
    batch = [event(name, email=OLD)]
    assert record_events(ledger, batch, now=LATER, tracking="off").suppressed == bool(addresses)
    assert in_force(ledger).select("email", "reason").rows() == [(a, reason) for a in addresses]
    assert record_events(ledger, batch, now=LATER, tracking="off").suppressed == 0


@pytest.mark.usefixtures("readdressed")
def test_an_event_of_the_new_address_is_the_letters(ledger: Ledger, event: EventMaker) -> None:
    claimed(ledger, KEY, owner="test", transport="sendgrid", now=MONDAY)
    recorded(ledger, KEY, State.sent, now=MONDAY, transport_id="y")
    batch = [event("bounce", email=OLD), event("delivered", email="Moss@Riverside.example")]
    assert record_events(ledger, batch, now=LATER, tracking="off").new == 1
    assert state_of(ledger) is State.delivered


@pytest.mark.usefixtures("sent")
def test_an_event_that_does_not_say_to_whom_it_went_is_the_letters(
    ledger: Ledger, event: EventMaker
) -> None:
    record_events(ledger, [event("bounce", email=None)], now=LATER, tracking="off")
    assert state_of(ledger) is State.bounced
    assert in_force(ledger)["email"].to_list() == ["t_1@riverside.example"]


@pytest.mark.usefixtures("sent")
def test_nothing_of_a_batch_is_kept_when_it_breaks_off(
    ledger: Ledger, event: EventMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise OSError("no space left")

    monkeypatch.setattr("edu_pipeline.mail.ledger.events.fold_events", full)
    with pytest.raises(OSError, match="no space"):
        record_events(ledger, [event("bounce")], now=LATER, tracking="off")
    monkeypatch.undo()
    assert kept(ledger) == []
    assert in_force(ledger).is_empty()
    assert record_events(ledger, [event("bounce")], now=LATER, tracking="off").new == 1


def at_once(*calls: Callable[[], object]) -> None:
    """Call each in a thread of its own, all at the same moment."""
    start = threading.Barrier(len(calls))
    errors: list[Exception] = []

    def run(call: Callable[[], object]) -> None:
        start.wait()
        try:
            call()
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.usefixtures("sent")
def test_receivers_of_the_same_events_at_once_keep_each_once(
    ledger: Ledger, event: EventMaker
) -> None:
    batch = [
        event("open", sg_event_id=f"id-{number}", ip=f"203.0.113.{number}") for number in range(40)
    ]
    receive = partial(record_events, ledger, batch, now=LATER, tracking="individual")
    at_once(receive, receive, receive, receive)
    assert len(kept(ledger)) == 40
    assert state_of(ledger) is State.delivered


def test_receivers_of_different_events_of_the_same_letters_at_once_miss_none(
    ledger: Ledger, event: EventMaker, make_letter: LetterMaker
) -> None:
    letters = [make_letter(f"t_{number}") for number in range(20)]
    ledger.queue(letters, now=MONDAY, by="test")
    for letter in letters:
        claimed(ledger, letter.key, owner="test", transport="sendgrid", now=MONDAY)
        recorded(ledger, letter.key, State.unknown, now=MONDAY)
    at_once(
        *(
            partial(
                record_events,
                ledger,
                [event(name, letter.key) for letter in letters],
                now=LATER,
                tracking="off",
            )
            for name in ("processed", "deferred", "delivered", "bounce")
        )
    )
    assert ledger.counts("teachers", "2026-W40") == {State.bounced: 20}


@pytest.mark.usefixtures("sent")
def test_more_events_than_a_statement_has_parameters_for(ledger: Ledger, event: EventMaker) -> None:
    batch = [event("open", sg_event_id=f"id-{number}", ip=str(number)) for number in range(1201)]
    assert record_events(ledger, batch, now=LATER, tracking="individual") == counts(new=1201)
    assert record_events(ledger, batch, now=LATER, tracking="individual") == counts(known=1201)
