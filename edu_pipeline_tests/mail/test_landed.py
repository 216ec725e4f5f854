import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edu_pipeline.landing.zone import Zone
from edu_pipeline.mail.landed import record_landed
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.states import State
from edu_pipeline.model.mail import LandedEvents
from edu_pipeline_tests.mail.conftest import LetterMaker
from edu_pipeline_tests.mail.letters import claimed, recorded

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
KEY = "teachers:2026-W40:t_1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    events = tmp_path / "landing" / "mail" / "events"
    events.mkdir(parents=True)
    return events


@pytest.fixture
def sent(tmp_path: Path, make_letter: LetterMaker) -> Ledger:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.queue([make_letter()], now=NOW, by="test")
    claimed(ledger, KEY, owner="me", transport="sendgrid", now=NOW)
    recorded(ledger, KEY, State.sent, now=NOW, transport_id="x")
    return ledger


def event(ledger: Ledger, kind: str, number: int) -> dict[str, object]:
    return {
        "event": kind,
        "sg_event_id": f"e{number}",
        "sg_message_id": f"x.{number}",
        "timestamp": 1_790_000_000 + number,
        "email": "t_1@riverside.example",
        "edu_letter": KEY,
        "edu_ledger": ledger.id,
    }


def test_events_that_landed_as_files_reach_their_letters_once(folder: Path, sent: Ledger) -> None:
    zone = Zone((folder.parents[1]).as_uri())
    first = [event(sent, "delivered", 1), event(sent, "open", 2)]
    (folder / "a.json").write_text(json.dumps(first))
    (folder / "b.json").write_text(json.dumps(first[:1]))
    files = record_landed(sent, zone, now=NOW, tracking="off")
    assert LandedEvents.validate(files).select("file", "new", "known", "untracked").rows() == [
        ("mail/events/a.json", 1, 0, 1),
        ("mail/events/b.json", 0, 1, 0),
    ]
    assert sent.counts("teachers", "2026-W40") == {State.delivered: 1}
    again = record_landed(sent, zone, now=NOW, tracking="off")
    assert again["new"].sum() == 0


def test_what_cannot_be_read_is_counted_and_the_rest_is_taken(folder: Path, sent: Ledger) -> None:
    (folder / "a.json").write_text(json.dumps([event(sent, "delivered", 1), {"event": "?"}]))
    (folder / "b.json").write_bytes(b"\xff{")
    (folder / "notes.txt").write_text("not an event")
    files = record_landed(sent, Zone((folder.parents[1]).as_uri()), now=NOW, tracking="off")
    assert files.select("file", "new", "malformed").rows() == [
        ("mail/events/a.json", 1, 1),
        ("mail/events/b.json", 0, 1),
    ]


def test_a_landing_zone_without_events_is_an_empty_table(folder: Path, sent: Ledger) -> None:
    zone = Zone((folder.parents[1]).as_uri())
    assert LandedEvents.validate(record_landed(sent, zone, now=NOW, tracking="off")).is_empty()
