"""Who is meant by an id or an address, and where else there is something of them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from edu_pipeline.facts.audience import accept_audiences, audiences
from edu_pipeline.ground.warehouse import open_warehouse, tables, write_table
from edu_pipeline.mail.letter import opaque_key
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline.wiring.forget import ForgetError, Found, find, forget, left_over
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


def test_a_name_in_a_cell_about_something_else_is_told(home: Home) -> None:
    found = look_up(home, "T1")
    assert left_over(home, found.person) == []
    for cell in (
        *("Carla Reed", "7B (Reed, Carla)", "reed,carla"),
        "write to CARLA@riverside.example",
    ):
        with open_warehouse(home.warehouse) as con:
            write_table(con, "stg_classes", pl.DataFrame({"class_name": [cell, "7A", None]}))
            write_table(con, "nested", pl.DataFrame({"notes": [[cell], ["Carl Reed"]]}))
        assert left_over(home, found.person) == [
            ("nested", "notes", 1),
            ("stg_classes", "class_name", 1),
        ]


PROGRAMME = """
[[programmes]]
id = "lead"
title = "Leadership"
courses = [{ id = "lead1x", title = "UQx_LEAD1x", pass_mark = 0.65 }]
"""
EXPORTS = {
    # of before there were ids, when she had another name and address
    "UQx_LEAD1x_1T2014_student_profile_info_2014-06-01-0900.csv": (
        "username,name,email\nada,Ada Byron,ada@old.example\nben,Ben Oakley,ben@x.example\n"
    ),
    "UQx_LEAD1x_1T2026_grade_report_2026-06-01-0900.csv": (
        "Student ID,Email,Username,Grade\n11,Ada@x.example,ada,0.9\n12,ben@x.example,ben,0.8\n"
    ),
    "UQx_LEAD1x_1T2026_student_profile_info_2026-06-01-0900.csv": (
        "id,username,name,email\n11,ada,Ada Moss,Ada@x.example\n13,cat,ada moss,cat@x.example\n"
    ),
    "UQx_LEAD1x_1T2026_grade_report_err_2026-06-01-0900.csv": (
        "Student ID,Username,Error\n12,ben,no\n"
    ),
    "UQx_LEAD1x_1T2026_problem_grade_report_2026-06-01-0900.csv": (
        "Student ID,Email,Username,Grade\n11,ada@x.example,ada,0.9\n"
    ),
}
OF_ADA = {
    "UQx_LEAD1x_1T2014_student_profile_info_2014-06-01-0900.csv",
    "UQx_LEAD1x_1T2026_grade_report_2026-06-01-0900.csv",
    "UQx_LEAD1x_1T2026_student_profile_info_2026-06-01-0900.csv",
}
PROBLEMS = "UQx_LEAD1x_1T2026_problem_grade_report_2026-06-01-0900.csv"
FOLDER = "micromasters/lead/"


@pytest.fixture
def university(home_of: HomeOf) -> Home:
    home = home_of({}, PROGRAMME)
    for name, text in EXPORTS.items():
        write(home.data / "landing" / FOLDER / name, text)
    return home


@pytest.mark.parametrize("who", ["11", " ada@X.example", "ada@old.example"])
def test_a_learner_is_known_by_id_and_by_any_address_with_all_that_old_exports_say(
    university: Home, who: str
) -> None:
    found = look_up(university, who)
    assert found.kind == "learner"
    assert found.person.identifiers == {"learner:11", "learner:u:ada"}
    assert found.person.addresses == {"ada@x.example", "ada@old.example"}
    assert found.person.names == {"Ada Moss", "Ada Byron"}
    assert set(found.exports) == {f"{FOLDER}{name}" for name in OF_ADA}
    assert found.others == (f"{FOLDER}{PROBLEMS}",)
    assert found.namesakes == 1
    with mail_room(university).open_ledger() as ledger:
        assert opaque_key("learner", "11", ledger.salt) in found.person.recipient_keys


def test_a_learner_without_an_id_is_known_by_username(university: Home) -> None:
    profile = university.data / "landing" / FOLDER / min(EXPORTS)
    profile.write_text("username,name,email\ndot,Dot Finn,dot@x.example\n", encoding="utf-8")
    found = look_up(university, "dot@x.example")
    assert found.person.identifiers == {"learner:u:dot"}
    assert look_up(university, "u:dot").person == found.person


def test_a_learner_who_left_the_exports_is_known_by_the_warehouse(university: Home) -> None:
    row = {"learner_id": "99", "username": "eve", "email": "eve@x.example", "name": "Eve Gray"}
    with open_warehouse(university.warehouse) as con:
        write_table(con, "stg_learners", pl.DataFrame([row]))
    found = look_up(university, "99")
    assert found.kind == "learner"
    assert found.person.names == {"Eve Gray"}
    assert found.exports == ()
    assert found.person.identifiers == {"learner:99", "learner:u:eve"}


def test_a_learner_and_a_student_of_one_id_have_to_be_told_apart(university: Home) -> None:
    students = "student_id,given_name,family_name\n11,Finn,Reed\n"
    write(university.data / "landing" / "school" / "students.csv", students)
    with pytest.raises(ForgetError, match="--kind student, or --kind learner"):
        look_up(university, "11")
    assert look_up(university, "11", kind="student").person.names == {"Finn Reed"}


def test_tables_as_files_go_and_what_was_accepted_of_others_stays(university: Home) -> None:
    report = write(university.reports / "programmes" / "lead_completion.csv", "11,Ada Moss")
    nudges = pl.DataFrame({"programme_id": "lead", "learner_id": ["11", "12"], "about": "x"})
    with open_warehouse(university.warehouse) as con:
        write_table(con, "nudges", nudges.with_columns(as_of=pl.date(2026, 10, 1)))
        accept_audiences(con, ["lead"])
    found = look_up(university, "11")
    assert found.reports == (report,)
    assert forget_for_good(university, found)
    assert not report.exists()
    with open_warehouse(university.warehouse) as con:
        assert tables(con) == {"accepted_audience"}
        write_table(con, "nudges", nudges[1:].with_columns(as_of=pl.date(2026, 10, 1)))
        (moved,) = audiences(con, ["lead"]).rows(named=True)
    assert (moved["learners_before"], moved["entered"], moved["gone"]) == (1, 0, 0)
    assert look_up(university, "11").before


def test_a_namesake_among_the_learners_is_nothing_left_over(university: Home) -> None:
    found = look_up(university, "11")
    cat = pl.DataFrame({"name": ["Ada Moss"], "email": ["cat@x.example"], "note": ["of Ada Moss"]})
    with open_warehouse(university.warehouse) as con:
        write_table(con, "stg_learners", cat)
    assert left_over(university, found.person) == [("stg_learners", "note", 1)]


PACKAGE = "UQx-LEAD1x-1T2014-certificates_generatedcertificate-prod-analytics.sql"
ISSUED = (
    "id\tuser_id\tgrade\tcourse_id\tstatus\tname\tmode\n"
    '1\t77\t0.9\tcourse-v1:UQx+LEAD1x+1T2014\tdownloadable\t"Eve" Gray\tverified\n'
)


def test_a_learner_whom_only_a_data_package_has_is_known_and_kept_out(university: Home) -> None:
    write(university.data / "landing" / FOLDER / PACKAGE, ISSUED)
    found = look_up(university, "77")
    assert found.kind == "learner"
    assert found.person.identifiers == {"learner:77"}
    assert found.exports == (f"{FOLDER}{PACKAGE}",)
    assert found.unread == ()
