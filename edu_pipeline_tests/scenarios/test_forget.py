"""A student and a teacher are forgotten: no byte of them is left, and they do not come back."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edu_pipeline.cli import app
from edu_pipeline.commands.jobs import run_job as with_history
from edu_pipeline.ground.files import write_whole
from edu_pipeline.ground.warehouse import open_warehouse, read_table, tables
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline.wiring.forget import find, forget
from edu_pipeline_tests.conftest import WEEK, run_job

PERIOD = "2026-W20"
Command = Callable[..., Result]


@pytest.fixture
def call(sample_home: Home, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A command on the sample's home, with its own run history on disk."""
    for name in ("DAGSTER_HOME", "EDU_PIPELINE_HOME"):  # which runs set; taken back afterwards
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["--home", str(sample_home.root), *arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def all_that_is_kept(home: Home) -> bytes:
    """Every byte below the home but the exports', and every cell of the warehouse.

    DuckDB compresses texts, so they are read as well.
    """
    landing = home.data / "landing"
    files = [path for path in sorted(home.root.rglob("*")) if path.is_file()]
    parts = [
        b"%s\n%s" % (path.name.encode(), path.read_bytes())
        for path in files
        if landing not in path.parents
    ]
    cells = home.root.with_name("cells.csv")
    with open_warehouse(home.warehouse, read_only=True) as con:
        for table in sorted(tables(con)):
            con.table(table).write_csv(str(cells))
            parts.append(cells.read_bytes())
    return b"\n".join(parts)


def traces(home: Home, words: list[str]) -> set[str]:
    kept = all_that_is_kept(home).lower()
    assert all(map(str.isascii, words))  # of bytes, only these are lowered
    sought = {word: word.lower().encode() for word in words}
    return {
        word
        for word, text in sought.items()
        if text in kept and re.search(rb"\b%s\b" % re.escape(text), kept)
    }


def letters(home: Home) -> dict[str, tuple[str, str]]:
    """Letter → its digest and text."""
    with mail_room(home).open_ledger() as ledger:
        frozen = [ledger.letter(entry.key) for entry in ledger.entries("teachers", PERIOD)]
    return {letter.key: (letter.digest, letter.text) for letter in frozen}


def outbox(home: Home) -> dict[str, bytes]:
    folder = home.outbox / "teachers" / PERIOD
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.eml"))}


def test_nothing_of_a_student_and_a_teacher_is_left_and_nothing_of_them_comes_back(
    sample_home: Home, call: Command
) -> None:
    home = sample_home
    with_history(mail_room(home), "send_letters", "Sending", WEEK.isoformat())
    before = letters(home)
    with open_warehouse(home.warehouse, read_only=True) as con:
        students, staff = read_table(con, "stg_students"), read_table(con, "stg_staff")
    named = {
        f"{row['given_name']} {row['family_name']}": row for row in students.iter_rows(named=True)
    }
    name = next(n for n in sorted(named) if sum(n in text for _, text in before.values()) > 1)
    student = named[name]
    naming = {key for key, (_, text) in before.items() if name in text}
    with mail_room(home).open_ledger() as ledger:
        to = {e.email: e for e in ledger.entries("teachers", PERIOD) if e.key not in naming}
    teacher = next(row for row in staff.iter_rows(named=True) if row["email"] in to)
    own = to[teacher["email"]].key
    of_student = [name, f"{student['family_name']}, {student['given_name']}", student["student_id"]]
    write_whole(home.preview / "t_0.html", f"<p>{name}</p>".encode())
    of_teacher = [
        f"{teacher['given_name']} {teacher['family_name']}",
        teacher["email"],
        teacher["staff_id"],
    ]
    assert traces(home, [*of_student, *of_teacher]) == {*of_student, *of_teacher} - {of_student[1]}
    sent = outbox(home)

    planned = call("forget", student["student_id"], "--dry-run").stdout
    assert f"{len(naming)} letters to others that name them" in planned
    assert "school/attendance.csv" in planned
    assert f"A student, {name}." in planned  # so that nobody erases the wrong child
    assert letters(home) == before

    room = mail_room(home)
    with room.open_ledger() as ledger:
        found = find(room, ledger, student["student_id"])
        assert forget(room, ledger, found.person, now=datetime.now(UTC), by="clerk")
    told = call("forget", teacher["email"], "--yes", "--by", "clerk").stdout
    assert "1 letter to them" in told
    assert "school/staff.csv" in told

    def is_forgotten() -> None:
        assert traces(home, [*of_student, *of_teacher]) == set()
        after = letters(home)
        others = before.keys() - naming - {own}
        assert {key: after[key] for key in others} == {key: before[key] for key in others}
        assert len(after) == len(before)
        assert own not in after
        assert all("was erased" in after[key][1] for key in naming)
        with mail_room(home).open_ledger() as ledger:
            assert ledger.counts("teachers", PERIOD) == {State.sent: len(before)}
            assert ledger.letters_frame()["attempts"].to_list() == [1] * len(before)
            assert ledger.letters_to(teacher["email"]) == []
        kept = {key.rpartition(":")[2] for key in others}
        assert outbox(home) == {n: raw for n, raw in sent.items() if Path(n).stem in kept}

    # the command has read the exports again, where they still are
    is_forgotten()
    run_job(home, "send_letters", week=WEEK)
    is_forgotten()
    with open_warehouse(home.warehouse, read_only=True) as con:
        assert read_table(con, "forgotten_rows").filter(table="students")["rows"].to_list() == [1]
        assert read_table(con, "landing_changes")["held"].any() is False


def test_an_unknown_id_is_told_what_to_do(sample_home: Home, call: Command) -> None:
    with pytest.raises(Exception, match="--kind student --name"):
        call("forget", "nobody", "--yes")
    assert not (sample_home.data / "outbox").exists()
