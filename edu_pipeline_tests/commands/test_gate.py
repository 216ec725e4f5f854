"""Showing what holds the letters, and releasing it."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from edu_pipeline.commands.console import UserError
from edu_pipeline.ground.warehouse import open_warehouse, write_table
from edu_pipeline.mail.due import PERIODS
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.gate import mail_gate
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.conftest import CODES, make_home, run_job

Command = Callable[..., Result]

WEEKS = [date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 16)]
SINCE = datetime(2026, 11, 14, 8, 30)  # noqa: DTZ001 - as the warehouse has it
OF_LETTERS = {"source": "school", "holds": "letters", "table": "attendance"}
CUT = {**OF_LETTERS, "id": "3f9a0c51d2", "message": "600 of 1,000 rows are gone."}
CODE: Mapping[str, object] = {
    **OF_LETTERS,
    "id": "aa11bb22cc",
    "message": "Add to [attendance.codes]: QT",
    "first_date": date(2026, 11, 11),
    "class_id": "HR-7A",
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.config.write_text(CODES, encoding="utf-8")
    return home


def refreshed(home: Home, *problems: Mapping[str, object], since: datetime = SINCE) -> None:
    """What a refresh leaves behind."""
    frame = pl.DataFrame(
        [{**problem, "since": since} for problem in problems],
        schema=dtypes(LandingProblems),
        orient="row",
    )
    gate = mail_gate(frame, WEEKS, "run", on_problem="hold")
    with open_warehouse(home.warehouse) as con:
        write_table(con, "landing_problems", frame)
        write_table(con, "mail_gate", gate)


def test_nothing_is_held_where_there_is_no_problem(home: Home, command: Command) -> None:
    refreshed(home)
    shown = command("gate", "show")
    assert (shown.exit_code, shown.stdout) == (0, "Nothing is held.\n")


def test_what_is_held_is_shown_with_its_weeks_classes_age_and_what_to_do(
    home: Home, command: Command
) -> None:
    refreshed(home, CUT, CODE)
    shown = command("gate", "show")
    assert shown.exit_code == 3
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert lines == [
        "Held: letters about 2026-W45 to 2026-W47 (3 weeks).",
        "",
        "3f9a0c51d2  attendance · every week · every class · since 2026-11-14 08:30 UTC",
        "  600 of 1,000 rows are gone.",
        "",
        "aa11bb22cc  attendance · 2026-W46 and later · HR-7A · since 2026-11-14 08:30 UTC",
        "  Add to [attendance.codes]: QT",
        "",
        "To mail all the same, as it stands: "
        f'edu-pipeline --home {home.root} gate release ID --reason "…"',
    ]


def test_a_release_is_kept_with_who_why_and_says_what_to_do_next(
    home: Home, command: Command
) -> None:
    refreshed(home, CUT)
    done = command("gate", "release", CUT["id"], "--reason", "year 6 left", "--by", "Kim")
    assert done.exit_code == 0
    assert done.stdout == (
        f"Released 3f9a0c51d2. It takes effect with: edu-pipeline --home {home.root} run\n"
    )
    with mail_room(home).open_ledger() as ledger:
        assert [(each.id, each.by, each.reason) for each in ledger.releases()] == [
            ("3f9a0c51d2", "Kim", "year 6 left")
        ]
    shown = command("gate", "show")
    assert shown.exit_code == 0
    assert "has been released. It takes effect with: edu-pipeline" in shown.stdout
    assert "3f9a0c51d2  by Kim on " in shown.stdout
    assert "UTC: year 6 left" in shown.stdout


def test_a_release_of_what_is_gone_is_shown_and_does_not_count_any_more(
    home: Home, command: Command
) -> None:
    refreshed(home, CUT)
    command("gate", "release", CUT["id"], "--reason", "year 6 left", "--by", "Kim")
    refreshed(home)
    shown = command("gate", "show")
    assert shown.stdout.startswith("Nothing is held.\n\nReleased\n")
    assert "(does not count any more): year 6 left" in " ".join(shown.stdout.split())


def test_a_problem_that_came_back_is_held_and_can_be_released_again(
    home: Home, command: Command
) -> None:
    refreshed(home, CUT)
    command("gate", "release", CUT["id"], "--reason", "year 6 left", "--by", "Kim")
    with pytest.raises(UserError, match=r"was released already, by Kim on .*: year 6 left"):
        command("gate", "release", CUT["id"], "--reason", "again", "--by", "Robin")
    refreshed(home, CUT, since=datetime.now(UTC).replace(tzinfo=None))
    shown = command("gate", "show")
    assert shown.exit_code == 3
    assert "(does not count any more): year 6 left" in " ".join(shown.stdout.split())
    command("gate", "release", CUT["id"], "--reason", "year 6 left again", "--by", "Robin")
    assert command("gate", "show").exit_code == 0
    with mail_room(home).open_ledger() as ledger:
        assert [each.by for each in ledger.releases()] == ["Kim", "Robin"]


def test_the_rest_goes_on_being_held(home: Home, command: Command) -> None:
    refreshed(home, CUT, CODE)
    command("gate", "release", CUT["id"], "--reason", "year 6 left", "--by", "Kim")
    shown = command("gate", "show")
    assert shown.exit_code == 3
    assert "aa11bb22cc  attendance" in shown.stdout
    assert "3f9a0c51d2  attendance" not in shown.stdout


# Nudges

PROGRAMME = """
[[programmes]]
id = "lead"
title = "Leadership"
courses = [{ id = "a", title = "UQx_A", pass_mark = 0.65 }]
"""
MOVED = {"id": "5d5d5d5d5d", "message": "The audience of lead moved.", "subject": "lead"}


def with_nudges(home: Home, *problems: Mapping[str, object], held: bool = True) -> None:
    """What a refresh leaves behind of a programme."""
    home.config.write_text(CODES + PROGRAMME, encoding="utf-8")
    rows = [
        {"source": "edx", "part": "lead", "holds": "nudges", **problem, "since": SINCE}
        for problem in problems
    ]
    period = {
        "campaign": "nudges.lead",
        "period": "2026-W47",
        "partition": "lead|2026-11-16",
        "last_day": date(2026, 11, 18),
        "complete": True,
        "held": "It is held." if held else None,
    }
    with open_warehouse(home.warehouse) as con:
        write_table(con, "nudge_problems", pl.DataFrame(rows, schema=dtypes(LandingProblems)))
        write_table(con, "nudge_periods", pl.DataFrame([period], schema=PERIODS))


def test_exports_are_inspected_after_a_first_programme_was_named_and_before_the_next_run(
    home: Home, command: Command
) -> None:
    refreshed(home, CUT)
    home.config.write_text(CODES + PROGRAMME, encoding="utf-8")

    assert "UQx_A" in command("landing", "inspect").stdout


def test_what_holds_nudges_is_shown_with_what_holds_letters(home: Home, command: Command) -> None:
    refreshed(home, CUT)
    with_nudges(home, MOVED)
    shown = command("gate", "show")
    assert shown.exit_code == 3
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert lines[:2] == [
        "Held: letters about 2026-W45 to 2026-W47 (3 weeks).",
        "Held: nudges of lead.",
    ]
    assert lines[6:8] == [
        "5d5d5d5d5d  nudges of lead · since 2026-11-14 08:30 UTC",
        "  The audience of lead moved.",
    ]


def test_nudges_are_released_apart_from_letters_with_a_command_of_their_own(
    home: Home, command: Command
) -> None:
    refreshed(home)
    with_nudges(home, MOVED)
    assert command("gate", "show").stdout.startswith("Held: nudges of lead.\n")
    done = command("gate", "release", MOVED["id"], "--reason", "a new run", "--by", "Kim")
    again = f"edu-pipeline --home {home.root} programmes nudge lead"
    assert done.stdout == f"Released 5d5d5d5d5d. It takes effect with: {again}\n"
    shown = command("gate", "show")
    assert shown.exit_code == 0
    told = " ".join(shown.stdout.split())
    assert f"What held nudges of lead has been released. It takes effect with: {again}" in told
    with_nudges(home, MOVED, held=False)
    assert command("gate", "show").stdout.startswith("Nothing is held.\n\nReleased\n")


STRAY = {
    "id": "77ee77ee77",
    "source": "edx",
    "part": "lead",
    "table": "reports",
    "message": "notes.txt is not read.",
}


def test_what_holds_nothing_is_shown_as_well_until_it_is_released(
    home: Home, command: Command
) -> None:
    refreshed(home, STRAY)
    shown = command("gate", "show")
    assert shown.exit_code == 3
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert lines == [
        "To be looked at: 1 thing for which nothing waits.",
        "",
        "77ee77ee77  edX · lead · holds nothing · since 2026-11-14 08:30 UTC",
        "  notes.txt is not read.",
        "",
        f'If it may stay as it is: edu-pipeline --home {home.root} gate release ID --reason "…"',
    ]
    done = command("gate", "release", STRAY["id"], "--reason", "my notes", "--by", "Kim")
    assert done.stdout == (
        "Released 77ee77ee77. Nothing waited for it, and it is not told any more.\n"
    )
    shown = command("gate", "show")
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (0, "Nothing is held.")


def test_a_problem_of_exports_that_holds_nudges_is_released_for_its_programme(
    home: Home, command: Command
) -> None:
    refreshed(home, {**STRAY, "holds": "nudges"})
    with_nudges(home)
    assert command("gate", "show").stdout.startswith("Held: nudges of lead.\n")
    done = command("gate", "release", STRAY["id"], "--reason", "it is empty", "--by", "Kim")
    assert "programmes nudge lead" in done.stdout


def test_a_release_is_by_whoever_is_logged_in(
    home: Home, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "robin")
    refreshed(home, CUT)
    command("gate", "release", CUT["id"], "--reason", "year 6 left")
    with mail_room(home).open_ledger() as ledger:
        assert ledger.releases()[0].by == "robin"


def test_an_unknown_id_is_refused_with_those_there_are(home: Home, command: Command) -> None:
    refreshed(home, CUT)
    with pytest.raises(UserError, match=r"id 0000000000; it may have.*There are: 3f9a0c51d2\."):
        command("gate", "release", "0000000000", "--reason", "why not")
    with mail_room(home).open_ledger() as ledger:
        assert not ledger.releases()


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_release_without_a_reason_is_refused(home: Home, command: Command, reason: str) -> None:
    refreshed(home, CUT)
    with pytest.raises(LedgerError, match="needs a reason"):
        command("gate", "release", CUT["id"], "--reason", reason, "--by", "Kim")


def test_before_the_first_refresh_the_way_to_it_is_told(home: Home, command: Command) -> None:
    with pytest.raises(UserError, match=r"No refresh has come to its end yet\. Run: edu-pipeline"):
        command("gate", "show")
    assert not home.warehouse.exists()


def test_a_cut_short_export_holds_until_it_is_released_and_the_refresh_that_follows_opens(
    tmp_path: Path, command: Command
) -> None:
    students = range(100, 130)
    days = ("2026-11-02", "2026-11-03")
    marks = "".join(f"{i},{day},P\n" for day in days for i in students)
    home = make_home(
        tmp_path,
        {
            "students.csv": "student_id,homeroom\n" + "".join(f"{i},7A\n" for i in students),
            "staff.csv": "staff_id,email\nT1,c@riverside.example\n",
            "attendance.csv": f"student_id,date,code\n{marks}",
        },
    )
    export = home.data / "landing" / "school" / "attendance.csv"
    run_job(home, "refresh_school")
    export.write_text("".join(export.read_text(encoding="utf-8").splitlines(keepends=True)[:31]))
    run_job(home, "refresh_school")
    shown = command("gate", "show")
    assert "30 of 60 rows (50.0\u00a0%) are gone" in shown.stdout
    said = " ".join(shown.stdout.split())
    (told,) = re.findall(r"gate release (\w+) --reason", said.partition("To mail")[0])
    command("gate", "release", told, "--reason", "the others left", "--by", "Kim")
    run_job(home, "refresh_school")
    with mail_room(home).open_ledger() as ledger:
        assert [period.held for period in ledger.recorded_periods()] == [None]
