"""What was made up goes from every room with the sample, and nothing of anybody's own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edu_pipeline.mail.ledger.controls import pause
from edu_pipeline.mail.ledger.invented import take_out_invented
from edu_pipeline.mail.ledger.reading import Release
from edu_pipeline.mail.ledger.store import Ledger, Queueing
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.folder import FolderTransport
from edu_pipeline.sample.landing import write_files
from edu_pipeline.settings.home import Home
from edu_pipeline.site.mail_page import write_mail_pages
from edu_pipeline.wiring import clearing
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.conftest import make_home
from edu_pipeline_tests.mail.letters import NOW, claimed, letter, recorded

MADE_UP, OWN = "t_1", "t_2"
LATER = NOW + timedelta(days=1)


def sent(ledger: Ledger, *addresses: str) -> None:
    """A letter to each, t_1 first, that has gone out."""
    letters = [letter(f"t_{n}", email=email) for n, email in enumerate(addresses, start=1)]
    ledger.queue(letters, now=NOW, by="run", rules=Queueing(approval=False, leaves=False))
    for each in letters:
        key = f"teachers:2026-W40:{each.recipient_key}"
        assert claimed(ledger, key, owner="me", transport="folder", now=NOW)
        recorded(ledger, key, State.sent, now=NOW, transport_id="x")


def test_a_ledger_of_made_up_people_alone_is_empty_afterwards(ledger: Ledger) -> None:
    sent(ledger, "a@riverside.example", "b@learners.EXAMPLE")
    taken = take_out_invented(ledger, NOW)
    assert {key for _, _, key in taken.letters} == {"t_1", "t_2"}
    assert taken.left == {}
    filled = {name for name, (rows, _) in ledger.extent().items() if rows}
    assert filled == {"identity"}


def test_letters_to_people_stay_as_they_are(ledger: Ledger) -> None:
    sent(ledger, "a@riverside.example", "b@school.org")
    taken = take_out_invented(ledger, NOW)
    assert taken.left == {"letter": 1}
    (entry,) = ledger.entries("teachers", "2026-W40")
    assert (entry.recipient_key, entry.state) == (OWN, State.sent)
    assert ledger.letter(entry.key).images == letter().images
    rows = {name: rows for name, (rows, _) in ledger.extent().items()}
    assert (rows["contents"], rows["attempts"], rows["images"]) == (1, 1, 1)


def test_what_a_person_decided_before_the_sample_or_for_safety_stays(ledger: Ledger) -> None:
    ledger.release(Release("p_1", "looked at", "Ada", NOW))
    assert take_out_invented(ledger, NOW - timedelta(days=1)).left == {}
    pause(ledger, "look first", now=NOW, by="Ada")
    assert take_out_invented(ledger, LATER).left == {"release": 1, "pause": 1}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """With a sample, and whatever a run makes of it."""
    home = make_home(tmp_path, {})
    write_files(home.data / "landing", {"school/students.csv": b"", "mail/events/w.json": b"[]"})
    for made in ("site/school/index.html", "reports/tables/a.csv", "warehouse.duckdb"):
        path = home.data / made
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"made up")
    return home


def write(home: Home, *addresses: str) -> None:
    """Letters, in the ledger and in the outbox."""
    room = mail_room(home)
    with room.open_ledger() as ledger:
        sent(ledger, *addresses)
        for entry in ledger.entries("teachers", "2026-W40"):
            FolderTransport(home.outbox).send(ledger.letter(entry.key), datetime.now(UTC))
        week = ("teachers", "2026-W40")
        write_mail_pages(home, room.settings, ledger, week)


def left(home: Home) -> set[str]:
    files = (path for path in home.data.rglob("*") if path.is_file())
    return {path.relative_to(home.data).as_posix() for path in files} - {".lock"}


def test_a_home_with_a_sample_alone_is_what_it_was_before(home: Home) -> None:
    write(home, "a@riverside.example")
    (home.data / "notes.txt").touch()
    cleared = clearing.clear(mail_room(home), home.data / "landing")
    assert cleared
    assert (cleared.files, cleared.letters, cleared.own) == (3, 1, False)
    assert left(home) == {"notes.txt"}
    assert (home.data / "landing" / "school").is_dir()
    assert not (home.data / "landing" / "mail").exists()
    assert clearing.clear(mail_room(home), home.data / "landing") is None


def test_exports_and_letters_of_one_s_own_stay(home: Home) -> None:
    write(home, "a@riverside.example", "b@school.org")
    own = home.data / "landing" / "attainment" / "results.csv"
    own.parent.mkdir()
    own.touch()
    cleared = clearing.clear(mail_room(home), home.data / "landing")
    assert cleared
    assert (cleared.exports, cleared.ledger) == (1, {"letter": 1})
    week = "outbox/teachers/2026-W40"
    assert {path for path in left(home) if not path.startswith("ledger")} == {
        "landing/attainment/results.csv",
        f"{week}/index.html",
        *(f"{week}/{OWN}.{ending}" for ending in ("eml", "html", "txt")),
    }
    assert MADE_UP not in (home.data / week / "index.html").read_text(encoding="utf-8")


def test_nothing_is_touched_while_the_ui_works_in_what_would_go(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.dagster.mkdir()
    monkeypatch.chdir(home.dagster)
    before = left(home)
    with pytest.raises(clearing.ServedError, match="End it first"):
        clearing.clear(mail_room(home), home.data / "landing")
    assert before <= left(home)
