"""A school in whose exports and templates much is wrong: whom it concerns waits, the others go out."""

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import polars as pl

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import templates_of
from edu_pipeline.ground.warehouse import open_warehouse, read_table
from edu_pipeline.mail.letter import opaque_key
from edu_pipeline.mail.names import Names, foreign_names
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home, load_settings
from edu_pipeline.settings.mail import Mail
from edu_pipeline.teachers.week_of_letters import tables_of, week_of_letters
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.conftest import WEEK, WRITTEN_FROM, run_job
from edu_pipeline_tests.mail.holding import hold_reasons

PERIOD = "2026-W20"
NOW = datetime(2026, 5, 16, 8, tzinfo=UTC)
EMOJI = "🦊" * 40
INJECTED = "Freya\r\nBcc: everyone@riverside.example"
SHARED = "Another letter of the same period goes to the same address. Give each person their own in the source data."
Row = dict[str, str]


def rewrite(home: Home, name: str, change: Callable[[Row], Row]) -> None:
    path = home.data / "landing" / "school" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [change(row) for row in csv.DictReader(file)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def table(home: Home, name: str) -> pl.DataFrame:
    with open_warehouse(home.warehouse) as con:
        return read_table(con, name)


ILL = {
    "T00001": "The recipient's e-mail address is not valid. Correct it in the source data.",
    "T00002": "The recipient has no e-mail address. Add it in the source data.",
    "T00003": SHARED,
    "T00004": SHARED,
    "T00005": "The recipient's name would hold a line break or another control character, with which headers can be forged. Remove it in the source data.",
    "T00006": "Template letters/teacher.txt.j2, line 1, uses something that letters do not have: 'upper'. Correct it, or delete it from the home's templates folder to use the shipped one.",
}
"""Teacher → why their letter waits."""
WELL = ("T00007", "T00008", "T00009", "T00010")


def spoil_staff(row: Row) -> Row:
    bad = {
        "T00001": {"email": "t00001(at)riverside"},
        "T00002": {"email": ""},
        "T00003": {"email": "office@riverside.example"},
        "T00004": {"email": "Office@riverside.example"},
        "T00005": {"given_name": INJECTED},
        "T00006": {"given_name": ""},
    }
    return row | bad.get(row["staff_id"], {})


def spoil_student(row: Row) -> Row:
    if int(row["student_id"]) % 2:
        return row | {"family_name": EMOJI}
    return row | {"given_name": f"<b onclick='x()'>{row['given_name']}</b>"}


def never_take_a_register(home: Home, class_id: str) -> None:
    enrolled = table(home, "stg_enrollments").filter(class_id=class_id)["person_id"].to_list()
    for name, column in (("attendance", 0), ("homework", 1)):
        path = home.data / "landing" / "school" / f"{name}.csv"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.split(",")[column] not in enrolled]
        path.write_text("".join(kept), encoding="utf-8")


def add_to_template(home: Home, line: str) -> None:
    own = home.templates / "letters" / "teacher.txt.j2"
    own.parent.mkdir(parents=True)
    words = (shipped("templates") / "letters" / own.name).read_text(encoding="utf-8")
    own.write_text(f"{line}\n{words}", encoding="utf-8")


def test_whatever_is_wrong_with_one_letter_keeps_no_other_from_going_out(
    sample_home: Home,
) -> None:
    rewrite(sample_home, "staff", spoil_staff)
    rewrite(sample_home, "students", spoil_student)
    homerooms = table(sample_home, "class_week").filter(week_start=WEEK, class_type="homeroom")
    never_take_a_register(sample_home, homerooms.sort("students")["class_id"][-1])
    add_to_template(sample_home, "{{ given_name.upper() }}")
    sample_home.warehouse.unlink()  # these exports are the first, not ones with everybody renamed
    run_job(sample_home, "refresh_school")
    run_job(sample_home, "send_letters", week=WEEK)

    with mail_room(sample_home).open_ledger() as ledger:
        entries = {entry.recipient_key: entry for entry in ledger.entries("teachers", PERIOD)}
        keys = {
            staff_id: opaque_key("teacher", staff_id, ledger.salt)
            for staff_id in table(sample_home, "stg_staff")["staff_id"]
        }
    found = {
        staff_id: (entry.state, entry.reason)
        for staff_id, key in keys.items()
        if (entry := entries.pop(key, None))
    }
    assert entries == {}
    assert found == {
        **{staff_id: (State.held, reason) for staff_id, reason in ILL.items()},
        **dict.fromkeys(WELL, (State.sent, found[WELL[0]][1])),
    }

    named = 0
    for path in (sample_home.outbox / "teachers" / PERIOD).glob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        html, text = (
            message.get_body((kind,)).get_content()  # type: ignore[union-attr]
            for kind in ("html", "plain")
        )
        assert "<b onclick" not in html
        assert "Bcc" not in message
        assert EMOJI in html
        assert EMOJI in text
        named += html.count("&lt;b onclick='x()'&gt;")
    assert named


def test_every_letter_of_the_sample_school_names_only_its_own_people(sample_home: Home) -> None:
    run_job(sample_home, "send_letters", week=WEEK, only=WRITTEN_FROM)
    with open_warehouse(sample_home.warehouse) as con:
        tables = tables_of(con, f"{WEEK}")
    settings, env = load_settings(sample_home), templates_of(sample_home.templates)
    letters = [*week_of_letters(tables, WEEK, settings, env, now=NOW, tags={})]
    known = table(sample_home, "known_names")["name"].to_list()
    assert hold_reasons(letters, known, Mail()) == {}

    names = Names(known)
    for number, letter in enumerate(letters):
        others = [name for name in known if name not in letter.names]
        stranger = others[number * 7 % len(others)]
        given, _, family = stranger.rpartition(" ")
        for leak in (
            replace(letter, text=f"{letter.text}\n{stranger}: absent"),
            replace(letter, subject=f"{letter.subject} ({stranger.upper()})"),
            replace(
                letter, html=letter.html.replace("</body>", f"<!--{family}, {given}--></body>")
            ),
            replace(letter, html=letter.html.replace("<table", f'<table title="{stranger}"', 1)),
        ):
            assert foreign_names(leak, names) == 1
    (reason,) = hold_reasons([leak], known, Mail()).values()
    assert reason.startswith("It shows the full name of 1 person")
