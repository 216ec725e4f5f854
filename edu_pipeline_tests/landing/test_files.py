"""What bytes become: encodings, delimiters, quotes, odd rows, odd names, their line numbers."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.sources.school.school_problems import file_problems, row_problems
from edu_pipeline.landing.stores import LandingError
from edu_pipeline.landing.tables.csvfile import Layout, layout
from edu_pipeline.landing.tables.encodings import as_utf8, encoding_but_utf_8
from edu_pipeline.landing.tables.raw import load_raw
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.landing import Landing
from edu_pipeline_tests.landing.conftest import Facts

Land = Callable[..., duckdb.DuckDBPyConnection]
Stage = Callable[..., Facts]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
Paste = Callable[[duckdb.DuckDBPyConnection], str]

STUDENTS = "select student_id, given_name, family_name from stg_students order by 1"


LINES = "select _line, student_id from raw_students order by 1"


def test_a_file_with_a_byte_order_mark_is_utf_8_whatever_the_settings_say(people: Land) -> None:
    con = people(
        {"students.csv": "\ufeffstudent_id,given_name\n007,Zoë\n"},
        '[landing.students]\nencoding = "cp1252"',
    )
    assert con.sql(STUDENTS).fetchall() == [("007", "Zoë", None)]


def as_read(folder: Path, content: bytes) -> tuple[str, str]:
    """The encoding of a file that is not UTF-8 throughout, and its text."""
    path = folder / "students.csv"
    path.write_bytes(content)
    encoding = encoding_but_utf_8(path)
    with as_utf8(path, encoding) as text:
        return encoding, text.read_text(encoding="utf-8")


NAMED = "student_id,given_name\n008,x\n007,Zoë’s\n"


def test_the_encoding_is_found_and_told(read_exports: Stage) -> None:
    """And a byte order mark is no part of the first header."""
    encoded: dict[str, Callable[[str], bytes]] = {
        "utf-8": lambda text: text.encode(),
        "utf-8-sig": lambda text: text.encode("utf-8-sig"),
        "cp1252": lambda text: text.encode("cp1252"),
        "utf-16": lambda text: text.encode("utf-16"),
        "utf-16 (big)": lambda text: f"\ufeff{text}".encode("utf-16-be"),
        "utf-16-le": lambda text: text.encode("utf-16-le"),
        "utf-16-be": lambda text: text.encode("utf-16-be"),
    }
    con, listed, _ = read_exports(
        {
            f"students_{name}.csv": encode(NAMED.replace("00", f"{number}0"))
            for number, (name, encode) in enumerate(encoded.items(), start=1)
        }
    )
    assert con.sql(
        "select student_id, given_name from read_students where student_id like '_07' order by 1"
    ).fetchall() == [(f"{number}07", "Zoë’s") for number in range(1, 8)]
    assert dict(listed.select("path", "encoding").iter_rows()) == {
        f"school/students_{name}.csv": name.partition(" ")[0] for name in encoded
    }
    assert not [name for name in con.table("raw_students").columns if "\ufeff" in name]


def test_one_windows_byte_far_down_makes_the_whole_file_cp1252(tmp_path: Path) -> None:
    """Also where the first pieces of the file are plain, and where cp1252 leaves the byte open."""
    rows = "".join(f"{number},x\n" for number in range(1000, 9000))
    encoding, text = as_read(tmp_path, rows.encode() + b"007,Zo\xeb\n008,\x81\n")
    assert (encoding, text) == ("cp1252", f"{rows}007,Zoë\n008,\x81\n")


def test_one_bad_byte_does_not_garble_the_names_of_a_utf_8_file(read_exports: Stage) -> None:
    names = "".join(f"{number},Zoë’s\n" for number in range(100, 103))
    con, listed, _ = read_exports(
        {"students.csv": f"student_id,given_name\n{names}".encode() + b"007,Ren\xe9\n008,x\n"}
    )
    assert con.sql("select distinct given_name from read_students order by 1").fetchall() == [
        ("René",),
        ("Zoë’s",),
        ("x",),
    ]
    assert listed["encoding"].to_list() == ["utf-8 with cp1252 bytes, first in line 5"]


def test_a_character_cut_in_two_by_the_pieces_of_a_file_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edu_pipeline.landing.tables.encodings.CHUNK", 1)
    _, text = as_read(tmp_path, "007,Zoë’s\n008,é".encode() + b"\x93\n")
    assert text == "007,Zoë’s\n008,é“\n"


def test_a_file_with_as_many_strange_bytes_as_characters_is_cp1252(tmp_path: Path) -> None:
    found = as_read(tmp_path, "007,Ã©\n".encode("cp1252") + b"008,\xe9\n")
    assert found == ("cp1252", "007,Ã©\n008,é\n")


def test_an_encoding_of_the_settings_is_checked(read_exports: Stage) -> None:
    found = read_exports(
        {"students.csv": NAMED.encode("cp1252"), "students_b.csv": NAMED.encode("utf-16")},
        '[landing.students]\nencoding = "utf-8"',
    )
    assert found.files["error"].to_list() == [
        'not utf-8 (near line 1). Add to [landing.students]: encoding = "cp1252"',
        'not utf-8 but UTF-16. Add to [landing.students]: encoding = "utf-16"',
    ]


def test_the_delimiter_is_found(people: Land) -> None:
    header = "student_id", "given_name", "family_name"
    parts = {
        f"students_{name}.csv": "".join(
            f"{delimiter.join(row)}\n" for row in (header, (name, "Zoë", "Noe"))
        )
        for name, delimiter in (("a", ","), ("b", ";"), ("c", "\t"), ("d", "|"))
    }
    con = people(parts)
    assert con.sql(STUDENTS).fetchall() == [(name, "Zoë", "Noe") for name in "abcd"]


def test_a_delimiter_that_cannot_be_found_is_said_in_the_settings(people: Land) -> None:
    con = people(
        {"students.csv": "student_id~grade\n007~7\n"}, '[landing.students]\ndelimiter = "~"'
    )
    assert con.sql("select student_id, grade from stg_students").fetchall() == [("007", "7")]


def test_lines_count_on_across_quoted_line_breaks_and_blank_lines(people: Land) -> None:
    text = (
        'student_id,comment\n007,"one\ntwo"\n\n008,"said ""no"""\n   ,\n009,\n'
        "\n010,last without a line end"
    )
    con = people({"students.csv": text})
    assert con.sql(LINES).fetchall() == [(2, "007"), (5, "008"), (7, "009"), (9, "010")]
    assert con.sql("select comment from raw_students where _line = 2").fetchall() == [("one\ntwo",)]


def test_lines_are_counted_whatever_ends_them(people: Land) -> None:
    ends = {"a": "\n", "b": "\r\n", "c": "\r"}
    parts = {
        f"students_{name}.csv": end.join(["student_id,grade", f"{name}7,7", f"{name}8,7", ""])
        for name, end in ends.items()
    }
    con = people(parts)
    assert con.sql("select student_id, _line from raw_students order by 1").fetchall() == [
        *(("a7", 2), ("a8", 3)),
        *(("b7", 2), ("b8", 3)),
        *(("c7", 2), ("c8", 3)),
    ]
    assert con.sql("select distinct grade from raw_students").fetchall() == [("7",)]


def test_a_header_over_two_lines_pushes_the_rows_down(people: Land) -> None:
    con = people({"students.csv": 'student_id,"family\nname"\n007,Noe\n'})
    assert con.sql(LINES).fetchall() == [(3, "007")]
    assert con.sql(STUDENTS).fetchall() == [("007", None, "Noe")]


def test_a_short_row_has_empty_cells_and_a_long_one_is_rejected(people: Land) -> None:
    con = people(
        {"students.csv": "student_id,grade,given_name\n007,7\n008,7,Ben,x,y\n009,8,Cy,,\n"}
    )
    assert con.sql("select student_id, grade, given_name from stg_students").fetchall() == [
        ("007", "7", None),
        ("009", "8", "Cy"),
    ]
    assert con.sql("select line, rule, value from rejected_students").fetchall() == [
        (3, "too_many_cells", "x,y")
    ]


def test_repeated_and_empty_headers_get_names_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("role,Role,,_file,,role_2\n", encoding="utf-8")
    assert layout(path, None) == Layout(
        ("role", "Role_2", "column_3", "file", "column_5", "role_2_2"), ",", 1, 1, quotes=False
    )


def test_headers_and_cells_are_never_sql(stage: Land) -> None:
    evil = 'x"; drop table stg_students; --'
    header = evil.replace('"', '""')
    con = stage(
        {
            "students.csv": f"student_id,\"{header}\",it's\n007,'); drop table x; --,o'k\n",
            "attendance.csv": "student_id,date,code\n007,2026-09-07,'; drop table x\n",
        },
        """
        [attendance.codes]
        "'; drop table x" = "present"
        [landing.students.where]
        "it's" = ["o'k"]
        """,
    )
    assert con.sql("select student_id from stg_students").fetchall() == [("007",)]
    assert evil in con.table("raw_students").columns
    assert con.sql("select attended from stg_attendance").fetchall() == [(1,)]


def test_a_file_may_have_an_odd_name(people: Land) -> None:
    """One with brackets is not read as a pattern, either."""
    names = {
        "students it's 50%25 é [1] #2?.csv": "007",
        "STUDENTS Export.CSV": "008",
        "students/2026/all.csv": "009",
        "students[1].csv": "010",
    }
    odd = {name: f"student_id\n{student}\n" for name, student in names.items()}
    con = people(odd)
    found = [(f"school/{name}", student) for name, student in names.items()]
    read = "select _file, student_id from raw_students order by 2"
    assert con.sql(read).fetchall() == found
    again = people({"students1.csv": "student_id\n011\n"})
    assert again.sql(read).fetchall() == [*found, ("school/students1.csv", "011")]


def test_files_that_cannot_be_read_hold_all_mail(land: Land, messages: Messages) -> None:
    contents = {
        "a": (b"", "the file is empty. Export it again."),
        "b": (b"\n\n", "the first line has no column names. Export it with a header."),
        "c": (
            b"PK\x03\x04\x14\x00workbook",
            "a workbook or archive that cannot be opened. Save it in Excel as .xlsx or as “CSV "
            "UTF-8” and put that here.",
        ),
        "d": (
            b'student_id,date,code\n007,2026-09-07,"present\n008,2026-09-07,absent\n',
            "a quotation mark in the row that begins in line 2 is not closed. Export it again with "
            "cells quoted.",
        ),
        "e": (
            b"007,Ada Moss,2026-09-07\n",
            "none of its column names is known. If its first line has no column names, export it "
            "with them; else say in [landing.attendance.columns] which is which, such as "
            'student_id = "…".',
        ),
    }
    parts = {f"attendance_{name}.csv": content for name, (content, _) in contents.items()}
    con = land({"attendance.csv": None, **parts})
    assert messages(con) == [
        f"school/attendance_{name}.csv: {told}" for name, (_, told) in contents.items()
    ]
    assert con.sql("select kind, first_date, class_id from landing_problems").fetchall() == [
        ("unreadable_file", None, None)
    ] * len(contents)
    assert con.sql("select count(*) from raw_attendance").fetchall() == [(0,)]
    assert con.sql("select count(*) from stg_students").fetchall() == [(2,)], "others are read"


def test_a_quotation_mark_inside_a_cell_is_a_character(people: Land) -> None:
    con = people({"students.csv": 'student_id,grade\n007,5" class\n008,7\n'})
    assert con.sql("select student_id, grade from stg_students").fetchall() == [
        ("007", '5" class'),
        ("008", "7"),
    ]


def test_two_marks_that_would_swallow_the_rows_between_are_a_problem_of_their_file(
    read_exports: Stage,
) -> None:
    found = read_exports({"homework.csv": 'student_id,title,due,status\n007,"7\n008,7\n009,"7\n'})
    assert found.files["error"].to_list() == [
        "a quotation mark in the row that begins in line 2 is not closed. Export it again with cells "
        "quoted."
    ]
    assert found.con.sql("select * from raw_homework").fetchall() == []


def test_an_export_without_rows_holds_all_mail(land: Land, messages: Messages) -> None:
    headers = {
        "attendance": "student_id,date,code",
        "calendar": "date",
        "enrollments": "class_id,person_id,role",
        "staff": "staff_id,email",
        "students": "student_id",
    }
    con = land({f"{table}.csv": f"{header}\n" for table, header in headers.items()})
    assert messages(con) == [
        f"The {table} export has no row. Export it again; if it has rows, look at "
        f"[landing.{table}] where and columns."
        for table in headers
    ]


def _without_rows(found: Facts) -> list[str]:
    """What is said of exports that have none."""
    received = found.con.sql(
        """select 'attendance' as "table", _file as file, count(*) as rows
        from read_attendance group by all"""
    ).pl()
    rejected = received.clear().with_columns(rule=pl.lit(""))
    problems = row_problems(rejected, received, found.files, found.settings.landing)
    return [problem.message for problem in problems]


def test_a_part_without_rows_holds_nothing(read_exports: Stage) -> None:
    header, row = "student_id,date,code\n", "007,2026-09-07,present\n"
    parts = {"attendance_2026-09.csv": header + row, "attendance_2026-10.csv": header}
    assert _without_rows(read_exports(parts)) == []


def test_rows_that_where_leaves_out_altogether_are_no_rows(read_exports: Stage) -> None:
    marks = {"attendance.csv": "student_id,date,code,type\n007,2026-09-07,present,Daily\n"}
    found = read_exports(marks, '[landing.attendance.where]\ntype = ["daily"]')
    (message,) = _without_rows(found)
    assert message.startswith("The attendance export has no row.")


def test_a_file_that_lacks_a_filtered_column_is_a_problem(read_exports: Stage) -> None:
    marks = "student_id,date,code\n007,2026-09-07,present\n"
    where = '[landing.attendance.where]\n"Type" = ["daily"]'
    _, listed, settings = read_exports({"attendance.csv": marks}, where)
    assert [
        problem.message
        for problem in file_problems(listed, settings.landing)
        if problem.kind != "missing_export"
    ] == [
        'school/attendance.csv: [landing.attendance.where] names "Type", but the file has no such '
        "column. Its columns are: student_id, date, code."
    ]


def test_two_files_of_a_table_may_have_different_headers(facts: Stage) -> None:
    con, *_ = facts(
        {
            "attendance.csv": "student_id,date,code\n007,2026-09-07,present\n",
            "attendance_north.csv": "Student ID,Attendance Date,note,Mark\n008,2026-09-08,x,absent\n",
        }
    )
    assert con.sql("select * from rejected_attendance").fetchall() == []
    assert con.sql("select student_id, date, code from stg_attendance order by 1").fetchall() == [
        ("007", date(2026, 9, 7), "present"),
        ("008", date(2026, 9, 8), "absent"),
    ]


def test_raw_rows_say_when_they_landed(read_exports: Stage, tmp_path: Path) -> None:
    con, *_ = read_exports({"students.csv": "student_id\n007\n"})
    (landed,) = con.execute("select distinct _landed_at from raw_students").fetchall()
    changed = (tmp_path / "landing/school/students.csv").stat().st_mtime
    assert abs(landed[0].replace(tzinfo=UTC) - datetime.fromtimestamp(changed, UTC)).seconds < 1


def test_a_file_that_changes_after_the_survey_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "school" / "students.csv"
    path.parent.mkdir()
    path.write_text("student_id\n007\n", encoding="utf-8")
    zone = Zone(tmp_path.as_uri())
    files = survey(zone, Landing())
    path.write_text("student_id\n008\n", encoding="utf-8")
    with (
        duckdb.connect() as con,
        pytest.raises(LandingError, match=r"students\.csv changed while it was being read"),
    ):
        load_raw(con, zone, "students", files)


def test_a_file_that_vanishes_after_the_survey_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "school" / "students.csv"
    path.parent.mkdir()
    path.write_text("student_id\n007\n", encoding="utf-8")
    zone = Zone(tmp_path.as_uri())
    files = survey(zone, Landing())
    path.unlink()
    with (
        duckdb.connect() as con,
        pytest.raises(LandingError, match=r"students\.csv was listed but cannot be read"),
    ):
        load_raw(con, zone, "students", files)


def test_a_plain_file_is_not_read_record_by_record(
    read_exports: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten million rows would take minutes. Blank lines at its end do not matter."""

    def refuse(path: Path, shape: Layout) -> None:
        raise AssertionError(path, shape)

    monkeypatch.setattr("edu_pipeline.landing.tables.cells.records", refuse)
    con, *_ = read_exports(
        {
            "students.csv": 'student_id,grade\n007,"7, or ""8"""\n008,8\n',
            "attendance.csv": "student_id,date,code\n007,2026-09-07,present\n\n\n",
        }
    )
    assert con.sql(LINES).fetchall() == [(2, "007"), (3, "008")]
    assert con.sql("select grade from raw_students where _line = 2").fetchall() == [('7, or "8"',)]
    assert con.sql("select student_id, _line from read_attendance").fetchall() == [("007", 2)]


def test_the_name_of_an_export_stands_in_a_files_name_as_a_word(
    read_exports: Callable[..., Facts],
) -> None:
    text = "student_id,grade\n007,7\n"
    named = ("students.csv", "students2026.csv", "StudentsAll.csv", "STUDENTS_b.csv")
    files = read_exports(
        dict.fromkeys((*named, "studentSubmissions.csv", "studentship.csv"), text), among=()
    ).files
    found = files.filter(table="students")["path"].to_list()
    assert sorted(found) == sorted(f"school/{name}" for name in named)
