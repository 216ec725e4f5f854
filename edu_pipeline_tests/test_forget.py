"""Who is meant by an id or an address, and where else there is something of them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from edu_pipeline.environment import mail_room
from edu_pipeline.forget import ForgetError, Found, find, forget, left_over
from edu_pipeline.mail.letter import opaque_key
from edu_pipeline.settings import Home
from edu_pipeline.warehouse import open_warehouse, tables, write_table
from edu_pipeline_tests.conftest import CODES

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
FILES = {
    "students.csv": "student_id,given_name,family_name\n007,Ada,Moss\n008,Ben,Oakley\n009,Ada,Moss\n",
    "staff.csv": (
        "staff_id,given_name,family_name,email\n"
        "T1,Carla,Reed,carla@riverside.example\n"
        "T2,Dora,Finn,office@riverside.example\n"
        "T3,Evan,Finn,Office@riverside.example\n"
        "008,Finn,Gray,gray@riverside.example\n"
    ),
}
HomeOf = Callable[..., Home]


@pytest.fixture
def home(home_of: HomeOf) -> Home:
    return home_of(FILES)


def look_up(home: Home, who: str, **options: object) -> Found:
    room = mail_room(home)
    with room.open_ledger() as ledger:
        return find(room, ledger, who, **options)  # type: ignore[arg-type]


def forget_for_good(home: Home, found: Found) -> bool:
    room = mail_room(home)
    with room.open_ledger() as ledger:
        return forget(room, ledger, found.person, now=NOW, by="clerk")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_student_is_known_by_id(home: Home) -> None:
    found = look_up(home, "007")
    assert (found.kind, found.exports) == ("student", ("school/students.csv",))
    assert found.person.identifiers == {"student:007"}
    assert found.person.names == {"Ada Moss"}
    assert found.namesakes == 1
    assert not found.before


def test_a_member_of_staff_is_known_by_id_and_by_address(home: Home) -> None:
    found = look_up(home, " Carla@riverside.example")
    assert found == look_up(home, "T1")
    assert found.person.identifiers == {"staff:T1"}
    assert found.person.addresses == {"carla@riverside.example"}
    with mail_room(home).open_ledger() as ledger:
        assert opaque_key("teacher", "T1", ledger.salt) in found.person.recipient_keys


def test_an_address_of_two_people_stays_theirs(home: Home) -> None:
    found = look_up(home, "T2")
    assert found.shared
    assert found.person.addresses == set()
    with pytest.raises(ForgetError, match=r"2 people have this address.*T2, T3"):
        look_up(home, "office@riverside.example")


def test_an_id_of_two_kinds_has_to_say_which(home: Home) -> None:
    with pytest.raises(ForgetError, match="--kind student, or --kind staff"):
        look_up(home, "008")
    assert look_up(home, "008", kind="staff").person.names == {"Finn Gray"}
    assert look_up(home, "008", kind="student").person.names == {"Ben Oakley"}


def test_whoever_left_the_exports_is_known_by_the_warehouse_or_by_what_is_said(home: Home) -> None:
    with pytest.raises(ForgetError, match='--kind student --name "Given Family"'):
        look_up(home, "001")
    left = look_up(home, "001", kind="student", names=["Old Name"])
    assert left.person.identifiers == {"student:001"}
    assert left.person.names == {"Old Name"}
    row = {"student_id": "001", "given_name": "Zoe", "family_name": "Hale"}
    with open_warehouse(home.warehouse) as con:
        write_table(con, "stg_students", pl.DataFrame([row]))
    assert look_up(home, "001").person.names == {"Zoe Hale"}


@pytest.mark.parametrize(
    ("style", "row", "names"),
    [
        ("initials", "1,Ada,Moss", {"Ada Moss", "A. M."}),
        ("full", "1,,", {"student 1"}),
        ("full", "1,  Ada  Maria ,Moss", {"Ada Maria Moss"}),
    ],
)
def test_names_are_those_that_letters_show(
    home_of: HomeOf, style: str, row: str, names: set[str]
) -> None:
    files = {"students.csv": f"student_id,given_name,family_name\n{row}\n"}
    home = home_of(files, CODES.replace("[letters]", f'[letters]\nstudents = "{style}"'))
    assert look_up(home, "1").person.names == names


def test_letters_pages_and_mail_files_are_found_by_name_address_and_key(home: Home) -> None:
    key = min(look_up(home, "T1").person.recipient_keys)
    week = home.outbox / "teachers" / "2026-W40"
    theirs = {
        write(week / f"{key}.html", "<p>Hello Carla</p>"),
        write(week / f"{key}~2.txt", "Hello Carla"),
        write(home.outbox / "test" / "x.txt", "it would go to Carla Reed"),
        write(
            week / "t_9.eml",
            "To: t@riverside.example\nContent-Type: text/plain; charset=utf-8\n"
            "Content-Transfer-Encoding: quoted-printable\n\nHello, Carl=\na Reed is ill\n",
        ),
        write(week / "t_8.eml", "To: Carla@Riverside.example\n\nHello\n"),
        write(home.site / "cohort.html", "<td>Reed</td><td>Carla</td>"),
    }
    write(week / "t_2.html", "<p>Carla Reedman, Carl Reed</p>")
    events = [{"email": "carla@riverside.example", "event": "delivered"}]
    write(home.data / "landing" / "mail" / "events" / "1.json", json.dumps(events))
    found = look_up(home, "T1")
    assert set(found.pages) == theirs
    assert found.others == ("mail/events/1.json",)
    assert forget_for_good(home, found)
    assert not [path for path in theirs if path.exists()]
    assert (week / "t_2.html").exists()
    assert look_up(home, "T1").before


def test_copies_of_the_ledger_go_and_the_warehouse_keeps_what_a_refresh_compares_with(
    home: Home,
) -> None:
    copy = write(home.data / "ledger.20260102T030405.before-0002.db", "")
    with open_warehouse(home.warehouse) as con:
        for table in ("stg_students", "accepted_students", "landing_problems"):
            con.execute(f"create table {table} as select '1' as student_id")
            con.execute(f"alter table {table} add column given_name varchar default 'Ada'")
            con.execute(f"alter table {table} add column family_name varchar default 'Moss'")
    found = look_up(home, "007")
    assert found.copies == (copy,)
    forget_for_good(home, found)
    assert not copy.exists()
    with open_warehouse(home.warehouse) as con:
        assert tables(con) == {"accepted_students", "landing_problems"}


@pytest.mark.parametrize(
    "cell", ["Carla Reed", "7B (Reed, Carla)", "reed,carla", "write to CARLA@riverside.example"]
)
def test_a_name_in_a_cell_about_something_else_is_told(home: Home, cell: str) -> None:
    found = look_up(home, "T1")
    assert left_over(home, found.person) == []
    with open_warehouse(home.warehouse) as con:
        write_table(con, "stg_classes", pl.DataFrame({"class_name": [cell, "7A", None], "n": 1}))
        write_table(con, "nested", pl.DataFrame({"notes": [[cell], ["Carl Reed"]]}))
    assert left_over(home, found.person) == [
        ("nested", "notes", 1),
        ("stg_classes", "class_name", 1),
    ]
