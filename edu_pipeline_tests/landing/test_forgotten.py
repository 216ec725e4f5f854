"""Rows of people who were erased do not come in, whatever the exports have."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import duckdb
import polars as pl
import pytest

from edu_pipeline.ground.warehouse import open_warehouse, rewrite, tables
from edu_pipeline.landing.sightings import PersonSeen, find_person
from edu_pipeline.landing.sources.school.canonical import canonical_query
from edu_pipeline.landing.sources.school.forgotten import keep_out
from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.tables.raw import load_raw
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.home import Settings

SALT = "5a17"
NOBODY = pl.DataFrame(schema={"hash": pl.String, "salt": pl.String})
STUDENTS = (
    "student_id,given_name,family_name,Homeroom Teacher\n"
    "007,Ada,Moss,Carla Reed\n008,Ben,Oakley,Carla Reed\n"
)
STAFF = (
    "staff_id,given_name,family_name,email\n"
    "T1,Carla,Reed,Carla.Reed@riverside.example\n007,Dora,Finn,dora@riverside.example\n"
)

Load = Callable[..., pl.DataFrame]


def tombstones(*identifiers: str) -> pl.DataFrame:
    """As the ledger gives them."""
    hashes = [hashlib.sha256(f"{SALT}:{name}".encode()).hexdigest() for name in identifiers]
    return NOBODY.clear().vstack(
        pl.DataFrame({"hash": hashes}, schema={"hash": pl.String}).with_columns(salt=pl.lit(SALT))
    )


def write(folder: Path, files: Mapping[str, str]) -> Zone:
    for name, text in files.items():
        path = folder / "landing" / "school" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Zone((folder / "landing").as_uri())


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


@pytest.fixture
def load(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Load:
    """Loads one export without these people, gives its raw table; `canonical` the rows as read."""

    def loaded(
        table: str,
        text: str,
        forgotten: pl.DataFrame,
        config: Mapping[str, object] | None = None,
        *,
        canonical: bool = False,
    ) -> pl.DataFrame:
        zone = write(tmp_path, {f"{table}.csv": text})
        settings = Settings.model_validate({"landing": {table: config or {}}})
        export = settings.landing.export(table)
        files = survey(zone, settings.landing)
        load_raw(con, zone, table, files, keep_out(con, table, files, export, forgotten))
        query = canonical_query(table, files, export) if canonical else f"from raw_{table}"
        frame: pl.DataFrame = con.sql(f"from ({query}) order by _line").pl()
        return frame

    return loaded


def kept_out(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = con.execute(
        'select "table", rows from forgotten_rows order by all'
    ).fetchall()
    return found


def test_where_nobody_is_forgotten_every_row_and_cell_comes_in(
    load: Load, con: duckdb.DuckDBPyConnection
) -> None:
    raw = load("students", STUDENTS, NOBODY)
    assert raw["Homeroom Teacher"].to_list() == ["Carla Reed", "Carla Reed"]
    assert kept_out(con) == []


@pytest.mark.parametrize(
    ("table", "text", "left"),
    [
        ("students", STUDENTS, ["008"]),
        ("attendance", "student_id,date,code\n007,2026-09-07,P\n008,2026-09-07,P\n", ["008"]),
        (
            "homework",
            "student_id,assignment_id,due_date,status\n007,A,2026-09-07,late\n",
            [],
        ),
    ],
)
def test_a_students_rows_do_not_come_in(
    load: Load, con: duckdb.DuckDBPyConnection, table: str, text: str, left: list[str]
) -> None:
    raw = load(table, text, tombstones("student:007"))
    assert raw["student_id"].to_list() == left
    assert kept_out(con) == [(table, 1)]


def test_ids_count_as_the_settings_read_them(load: Load) -> None:
    padded = {"columns": {"student_id": "Pupil"}, "width": {"student_id": 3}}
    text = "Pupil,given_name\n7,Ada\n8,Ben\n"
    assert load("students", text, tombstones("student:007"), padded)["Pupil"].to_list() == ["8"]


def test_a_member_of_staff_is_known_by_id_and_by_address(load: Load) -> None:
    assert load("staff", STAFF, tombstones("staff:T1"))["staff_id"].to_list() == ["007"]
    by_address = tombstones("carla.reed@riverside.example")
    assert load("staff", STAFF, by_address)["staff_id"].to_list() == ["007"]
    assert load("staff", STAFF, tombstones("student:007")).height == 2


def test_an_enrollment_goes_with_its_person_and_not_with_their_double_of_another_role(
    load: Load,
) -> None:
    text = "class_id,person_id,role\nA,007,student\nB,007,Teacher\nC,007,Lernende\nD,007,?\nE,8,student\n"
    german = {"values": {"role": {"Lernende": "student"}}}
    student = load("enrollments", text, tombstones("student:007"), german)
    assert student["class_id"].to_list() == ["B", "E"]
    teacher = load("enrollments", text, tombstones("staff:007"), german)
    assert teacher["class_id"].to_list() == ["A", "C", "E"]


def test_a_class_goes_on_without_its_teacher(load: Load, con: duckdb.DuckDBPyConnection) -> None:
    text = (
        "class_id,class_name,class_type,teacher_id,Teacher Name\n"
        'A,7A,homeroom,T1,"Reed, Carla"\nB,7B,homeroom,T2,"Finn, Dora"\n'
    )
    rows = load("classes", text, tombstones("staff:T1"), canonical=True)
    assert rows.select("class_id", "teacher_id").rows() == [("A", None), ("B", "T2")]
    assert con.sql('select "Teacher Name" from raw_classes').fetchall() == [(None,), (None,)]
    assert kept_out(con) == []


def test_what_is_not_read_is_not_kept_once_somebody_is_forgotten(
    load: Load, con: duckdb.DuckDBPyConnection
) -> None:
    raw = load("students", STUDENTS, tombstones("staff:T1"))
    assert raw["given_name"].to_list() == ["Ada", "Ben"]
    assert raw["Homeroom Teacher"].to_list() == [None, None]
    only_here = {"where": {"Campus": ["North"]}}
    text = "student_id,given_name,Campus\n1,Ada,North\n2,Carla,South\n"
    assert load("students", text, tombstones("staff:T1"), only_here)["student_id"].to_list() == [
        "1"
    ]
    # a file that gives no rows may hold anybody
    assert load("students", "pupil,given_name\n2,Carla\n", tombstones("staff:T1")).is_empty()
    assert kept_out(con) == []


def test_totals_and_deleted_records_are_still_told_from_rows(load: Load) -> None:
    text = "Campus,student_id,given_name,Status\nN,1,Ada,active\nN,2,Ben,tobedeleted\nTotal,,,\n"
    rows = load("students", text, tombstones("staff:T1"), canonical=True)
    assert rows["_rule"].to_list() == [None, "to_be_deleted", "totals_row"]


def test_rows_kept_out_are_counted_by_file(load: Load, con: duckdb.DuckDBPyConnection) -> None:
    load("students", STUDENTS, tombstones("student:007"))
    ((table, file, rows),) = con.execute(
        'select "table", file, rows from forgotten_rows'
    ).fetchall()
    assert (table, rows) == ("students", 1)
    assert file.endswith("students.csv")


def test_somebody_is_found_in_every_file_old_versions_included(tmp_path: Path) -> None:
    zone = write(
        tmp_path,
        {
            "students_2026-09-01.csv": STUDENTS.replace("Moss", "Mossberg"),
            "students_2026-10-01.csv": STUDENTS,
            "staff.csv": STAFF,
            "enrollments.csv": "class_id,person_id,role\nA,007,teacher\n",
            "attendance.csv": "student_id,date,code\n008,2026-09-07,P\n",
            "homework.csv": "student_id,assignment_id\n007,A\n",
        },
    )
    seen = find_person(zone, Settings(), "007")
    assert seen.files == {
        ("student", "007", "school/students_2026-09-01.csv"),
        ("student", "007", "school/students_2026-10-01.csv"),
        ("staff", "007", "school/staff.csv"),
        ("staff", "007", "school/enrollments.csv"),
    }
    assert {p.family_name for p in seen.rosters if (p.kind, p.id) == ("student", "007")} == {
        "Moss",
        "Mossberg",
    }
    assert seen.unread == set()


def test_an_address_finds_its_member_of_staff(tmp_path: Path) -> None:
    zone = write(tmp_path, {"staff.csv": STAFF, "students.csv": STUDENTS})
    seen = find_person(zone, Settings(), " carla.reed@RIVERSIDE.example")
    assert seen.files == {("staff", "T1", "school/staff.csv")}
    carla = PersonSeen("staff", "T1", "Carla", "Reed", "Carla.Reed@riverside.example")
    assert carla in seen.rosters


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    zone = write(tmp_path, {"staff.csv": STAFF, "students.csv": ""})
    assert find_person(zone, Settings(), "007").unread == {"school/students.csv"}


def test_a_warehouse_that_is_rewritten_has_no_page_of_what_it_lost(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with open_warehouse(path) as con:
        con.execute("pragma force_compression = 'uncompressed'")
        con.execute("create table people as select 'Ada Moss ' || range as name from range(5000)")
        con.execute("create table accepted_people as select 1 as key")
    assert b"Ada Moss" in path.read_bytes()
    rewrite(path, ["accepted_people", "not_there"])
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert b"Ada Moss" not in path.read_bytes()
    with open_warehouse(path) as con:
        assert tables(con) == {"accepted_people"}
        assert con.sql("from accepted_people").fetchall() == [(1,)]
