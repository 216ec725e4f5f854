"""Which ledger is this: what the journal recognises, and what a ledger takes over from it."""

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from edu_pipeline.mail.ledger import place
from edu_pipeline.mail.ledger.adoption import adopt
from edu_pipeline.mail.ledger.controls import pause, paused
from edu_pipeline.mail.ledger.copying import back_up, put_back
from edu_pipeline.mail.ledger.database import LedgerError, OtherLedgerError, SenderBusyError
from edu_pipeline.mail.ledger.place import OtherPlaceError, send_from_here
from edu_pipeline.mail.ledger.store import Ended, Ledger
from edu_pipeline.mail.ledger.suppressions import in_force, suppress
from edu_pipeline.mail.ledger.tables import METADATA
from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.states import State
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.commands.letters import home_with
from edu_pipeline_tests.mail.letters import NOW

LetterMaker = Callable[..., Letter]
PERIOD = ("teachers", "2026-W40")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def opened(file: Path) -> Ledger:
    return Ledger(f"sqlite:///{file}")


def send(ledger: Ledger, *keys: str, transport: str = "smtp", end: State | None = None) -> None:
    ledger.exchange([], keys, owner="test", transport=transport, now=NOW)
    if end:
        ended = [Ended(key, end) for key in keys]
        ledger.exchange(ended, [], owner="test", transport=transport, now=NOW)


def week(ledger: Ledger, make_letter: LetterMaker) -> list[str]:
    letters = [make_letter(f"t_{n}") for n in (1, 2, 3)]
    ledger.queue(letters, now=NOW, by="test")
    return [letter.key for letter in letters]


def states(ledger: Ledger) -> dict[str, State]:
    return {entry.recipient_key: entry.state for entry in ledger.entries(*PERIOD)}


def test_an_older_copy_is_refused_and_takes_over_what_its_journal_remembers(
    file: Path, tmp_path: Path, make_letter: LetterMaker
) -> None:
    with opened(file) as ledger:
        keys = week(ledger, make_letter)
        back_up(file, tmp_path / "copy.db")
        send(ledger, keys[0], end=State.sent)
        send(ledger, keys[1])
        email = "t_3@riverside.example"
        suppress(ledger, email, "teachers", "unsubscribe", source="link", now=NOW, by="x")
        pause(ledger, "look first", now=NOW, by="test")
    put_back(tmp_path / "copy.db", file, now=NOW)
    with pytest.raises(OtherLedgerError, match=r"is older than its journal .* mail restore"):
        opened(file)
    taken = adopt(f"sqlite:///{file}", None, now=NOW, by="test")
    assert (taken.wishes, taken.out, taken.doubtful, taken.paused) == (1, 1, 1, True)
    with opened(file) as ledger:
        ledger.suppress_waiting(now=NOW, by="test")
        assert states(ledger) == {
            "t_1": State.sent,
            "t_2": State.unknown,
            "t_3": State.suppressed,
        }
        assert paused(ledger)


def test_a_lost_or_emptied_ledger_is_no_new_one(file: Path, make_letter: LetterMaker) -> None:
    with opened(file) as ledger:
        send(ledger, week(ledger, make_letter)[0], end=State.sent)
        salt = ledger.salt
    for end in ("-wal", "-shm"):
        file.with_name(f"{file.name}{end}").unlink(missing_ok=True)
    file.write_bytes(b"")
    with pytest.raises(OtherLedgerError, match="0 bytes"):
        opened(file)
    file.unlink()
    with pytest.raises(OtherLedgerError, match="is gone or empty"):
        opened(file)
    assert adopt(f"sqlite:///{file}", None, now=NOW, by="test").elsewhere == 1
    with opened(file) as ledger:
        assert ledger.salt == salt
        week(ledger, make_letter)
        assert states(ledger) == {"t_1": State.sent, "t_2": State.pending, "t_3": State.pending}


def test_an_opt_out_of_somebody_whom_the_copy_does_not_know_holds(
    file: Path, tmp_path: Path, make_letter: LetterMaker
) -> None:
    with opened(file) as ledger:
        back_up(file, tmp_path / "copy.db")
        week(ledger, make_letter)
        email = "t_2@riverside.example"
        suppress(ledger, email, "*", "complaint", source="webhook", now=NOW, by="x")
    put_back(tmp_path / "copy.db", file, now=NOW)
    adopt(f"sqlite:///{file}", None, now=NOW, by="test")
    with opened(file) as ledger:
        week(ledger, make_letter)
        assert states(ledger)["t_2"] is State.suppressed
        assert in_force(ledger)["email"].to_list() == [email]


def test_another_ledger_and_one_without_its_journal_are_refused(
    file: Path, tmp_path: Path, make_letter: LetterMaker
) -> None:
    with opened(file) as ledger:
        send(ledger, week(ledger, make_letter)[0])
    with opened(tmp_path / "other.db"):
        pass
    shutil.copy(tmp_path / "ledger.journal", tmp_path / "other.journal")
    with pytest.raises(OtherLedgerError, match="another ledger"):
        opened(tmp_path / "other.db")
    (tmp_path / "ledger.journal").unlink()
    with pytest.raises(OtherLedgerError, match=r"journal .* is gone"):
        opened(file)


def test_two_copies_that_share_a_journal_cannot_both_go_on(
    file: Path, tmp_path: Path, make_letter: LetterMaker
) -> None:
    journal = tmp_path / "ledger.journal"
    with opened(file) as ledger:
        keys = week(ledger, make_letter)
        back_up(file, tmp_path / "twin.db")
        with Ledger(f"sqlite:///{tmp_path / 'twin.db'}", journal) as twin:
            send(ledger, keys[0])
            with pytest.raises(OtherLedgerError, match="older than its journal"):
                send(twin, keys[0])
            assert set(states(twin).values()) == {State.pending}


def test_what_a_sender_wrote_that_died_before_the_journal_is_written_down_later(
    file: Path, make_letter: LetterMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(file) as ledger:
        keys = week(ledger, make_letter)
        assert ledger.journal
        with monkeypatch.context() as dying:
            dying.setattr(ledger.journal, "append", lambda _at, _lines: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                send(ledger, keys[0])
        with ledger.journal.path.open("ab") as torn:
            torn.write(b'1234 {"n":')
    with opened(file) as ledger:
        assert ledger.journal
        assert {line["key"] for line in ledger.journal.lines()} == {keys[0]}


def test_a_copy_that_went_on_elsewhere_and_is_put_back_is_recognised_and_takes_over(
    file: Path, tmp_path: Path, make_letter: LetterMaker
) -> None:
    with opened(file) as ledger:
        keys = week(ledger, make_letter)
        send(ledger, keys[2], end=State.sent)
    shutil.copytree(tmp_path, tmp_path / "elsewhere")
    with opened(file) as ledger:
        send(ledger, keys[0], end=State.sent)
    with opened(tmp_path / "elsewhere" / "ledger.db") as twin:
        send(twin, keys[1], end=State.sent)
        pause(twin, "so that it has come further", now=NOW, by="test")
    put_back(tmp_path / "elsewhere" / "ledger.db", file, now=NOW)
    with pytest.raises(OtherLedgerError, match="gone apart"):
        opened(file)
    assert adopt(f"sqlite:///{file}", None, now=NOW, by="test").out == 1
    with opened(file) as ledger:
        assert set(states(ledger).values()) == {State.sent}
    for end in ("", "-wal", "-shm"):
        file.with_name(f"{file.name}{end}").unlink(missing_ok=True)
    # what was merged is in the journal, too
    taken = adopt(f"sqlite:///{file}", None, now=NOW, by="test")
    assert (taken.out, taken.elsewhere, taken.paused) == (3, 3, True)


def test_what_only_the_journal_knew_outlives_the_journal_too(
    file: Path, make_letter: LetterMaker
) -> None:
    with opened(file) as ledger:
        send(ledger, week(ledger, make_letter)[0], end=State.sent)
    for lost in (file, file.with_suffix(".journal"), file):
        for end in ("", "-wal", "-shm"):
            lost.with_name(f"{lost.name}{end}").unlink(missing_ok=True)
        adopt(f"sqlite:///{file}", None, now=NOW, by="test")
    with opened(file) as ledger:
        week(ledger, make_letter)
        assert states(ledger)["t_1"] is State.sent


def test_the_journal_names_nobody_and_is_its_owners(file: Path, make_letter: LetterMaker) -> None:
    with opened(file) as ledger:
        send(ledger, *week(ledger, make_letter), end=State.sent)
        email = "t_1@riverside.example"
        suppress(ledger, email, "*", "bounce", source="webhook", now=NOW, by="Kim Dale")
    journal = file.with_suffix(".journal")
    assert "@" not in journal.read_text()
    assert "Kim" not in journal.read_text()
    assert journal.stat().st_mode & 0o077 == 0
    assert all(json.loads(line.partition(" ")[2]) for line in journal.read_text().splitlines())


def test_a_ledger_on_postgresql_that_lost_its_tables_is_recognised(
    postgres_url: str, tmp_path: Path, make_letter: LetterMaker
) -> None:
    (tmp_path / "elsewhere").mkdir()
    journal = tmp_path / "elsewhere" / "ledger.journal"
    with Ledger(postgres_url, journal) as ledger:
        send(ledger, week(ledger, make_letter)[0])
        with ledger.connect() as connection:
            connection.execute(
                METADATA.tables["identity"]
                .update()
                .where(METADATA.tables["identity"].c.name == "journalled")
                .values(value="0")
            )
            connection.commit()
    with pytest.raises(OtherLedgerError, match="is older"):
        Ledger(postgres_url, journal)


def test_a_damaged_copy_is_not_put_back(file: Path, tmp_path: Path) -> None:
    with opened(file):
        pass
    (tmp_path / "copy.db").write_bytes(b"no ledger" * 1000)
    before = file.read_bytes()
    with pytest.raises(LedgerError, match="damaged"):
        put_back(tmp_path / "copy.db", file, now=NOW)
    assert file.read_bytes() == before


def test_a_journal_without_its_beginning_is_no_journal_of_anybody_and_is_not_begun_anew(
    file: Path, make_letter: LetterMaker
) -> None:
    journal = file.with_suffix(".journal")
    with opened(file) as ledger:
        send(ledger, week(ledger, make_letter)[0], end=State.sent)
    lines = journal.read_bytes().splitlines(keepends=True)
    for damaged in (b"", b"x" + b"".join(lines)):
        journal.write_bytes(damaged)
        with pytest.raises(LedgerError, match=r"damaged at its beginning, or empty.*mail restore"):
            opened(file)
        assert journal.read_bytes() == damaged
    file.rename(file.with_name("lost.db"))
    with pytest.raises(LedgerError, match="damaged at its beginning"):
        adopt(f"sqlite:///{file}", None, now=NOW, by="test")
    file.unlink()
    file.with_name("lost.db").rename(file)
    assert adopt(f"sqlite:///{file}", None, now=NOW, by="test").out == 0
    with opened(file) as ledger:
        assert ledger.journal
        assert [line["state"] for line in ledger.journal.lines()] == ["sent"]


def test_the_journals_folder_is_not_made_because_its_disk_may_be_missing(
    file: Path, tmp_path: Path
) -> None:
    with pytest.raises(LedgerError, match="Is its disk or share mounted"):
        Ledger(f"sqlite:///{file}", tmp_path / "share" / "x.journal")
    assert not (tmp_path / "share").exists()


def test_a_journal_that_is_named_elsewhere_is_moved_there_by_a_person(
    tmp_path: Path, make_letter: LetterMaker
) -> None:
    (tmp_path / "disk").mkdir()
    home = home_with(tmp_path)
    with mail_room(home).open_ledger() as ledger:
        send(ledger, week(ledger, make_letter)[0])
    home_with(tmp_path, '[mail]\njournal = "disk/school.journal"\n')
    with pytest.raises(OtherLedgerError, match=r"disk/school.journal .*move the file there"):
        mail_room(home).open_ledger()
    (home.data / "ledger.journal").rename(tmp_path / "disk" / "school.journal")
    with mail_room(home).open_ledger() as ledger:
        assert ledger.journal
        assert ledger.journal.path == tmp_path / "disk" / "school.journal"
    other = home_with(tmp_path / "disk", '[mail]\njournal = "school.journal"\n')
    with pytest.raises(OtherLedgerError, match="Each home has a journal of its own"):
        mail_room(other).open_ledger()


def test_no_copy_is_put_back_while_letters_are_delivered(file: Path, tmp_path: Path) -> None:
    with opened(file) as ledger:
        back_up(file, tmp_path / "copy.db")
        before = file.read_bytes()
        with ledger.only_sender(), pytest.raises(SenderBusyError):
            put_back(tmp_path / "copy.db", file, now=NOW)
        assert file.read_bytes() == before


# Where letters are sent from


def test_a_copied_home_sends_nothing_until_a_person_says_that_it_was_moved(
    tmp_path: Path,
) -> None:
    (tmp_path / "home").mkdir()
    with opened(tmp_path / "home" / "ledger.db") as ledger:
        send_from_here(ledger, now=NOW)
        send_from_here(ledger, now=NOW)
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    with opened(tmp_path / "copy" / "ledger.db") as ledger:
        told = r"home/ledger.db, on 2026-10-02 15:00 UTC.*mail restore --here"
        for _ in range(2):
            with pytest.raises(OtherPlaceError, match=told):
                send_from_here(ledger, now=NOW)
        send_from_here(ledger, now=NOW, moved=True)
        send_from_here(ledger, now=NOW)


@pytest.mark.parametrize(
    ("before", "now", "other"),
    [
        ("a" * 32, "a" * 32, False),
        ("a" * 32, "b" * 32, True),
        ("a" * 32, None, False),
        (None, "b" * 32, False),
        ("a" * 32, "uninitialized", False),
    ],
)
def test_another_machine_is_known_by_its_id_and_one_without_keeps_nobody(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: str | None,
    now: str | None,
    other: bool,
) -> None:
    def on(machine: str | None) -> None:
        file = tmp_path / f"machine-{machine}"
        if machine:
            file.write_text(f"{machine}\n")
        monkeypatch.setattr(place, "MACHINE_ID", file)

    with Ledger(url) as ledger:
        on(before)
        send_from_here(ledger, now=NOW)
        on(now)
        with pytest.raises(OtherPlaceError) if other else nullcontext():
            send_from_here(ledger, now=NOW)
