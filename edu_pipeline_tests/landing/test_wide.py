"""Tables with a column per day, session or assignment: a row for every line and cell."""

import json
from collections.abc import Callable
from datetime import date

import duckdb
import polars as pl
import pytest

from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.landing.sources.school.fields import FIELDS
from edu_pipeline.landing.sources.school.school_columns import resolve
from edu_pipeline.landing.sources.school.school_fates import school_fates
from edu_pipeline.landing.sources.school.school_problems import file_problems
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import AttendanceExport, WideExport
from edu_pipeline_tests.landing.conftest import Facts

Stage = Callable[..., Facts]
Land = Callable[..., duckdb.DuckDBPyConnection]

MARKS = "select student_id, date::varchar, session, code, line, heading from stg_attendance order by all"
CODES = '[attendance.codes]\nP = "present"\nA = "absent"\n'


def _says(*header: str, **settings: object) -> list[dict[str, str]]:
    """What the headers of a register say of each cell."""
    export = AttendanceExport.model_validate(settings)
    found = resolve("attendance", FIELDS["attendance"], ["student_id", *header], export)
    return [dict(cell.says) for cell in found.cells]


def _asked(table: str, *header: str, **settings: object) -> str:
    kind = {"attendance": AttendanceExport, "homework": WideExport}[table]
    found = resolve(table, FIELDS[table], header, kind.model_validate(settings))
    assert found.cells == ()
    return " ".join(found.missing)


def test_a_register_with_a_column_per_day_is_a_mark_per_student_and_day(facts: Stage) -> None:
    register = (
        "student_id,name,2026-09-07,2026-09-08,2026-09-09\n007,Ada Moss,P,A,\n008,Ben Oakley,P,,P\n"
    )
    con, *_ = facts({"attendance.csv": register}, CODES)
    assert con.sql(MARKS).fetchall() == [
        ("007", "2026-09-07", "", "P", 2, "2026-09-07"),
        ("007", "2026-09-08", "", "A", 2, "2026-09-08"),
        ("007", "2026-09-09", "", "", 2, "2026-09-09"),
        ("008", "2026-09-07", "", "P", 3, "2026-09-07"),
        ("008", "2026-09-08", "", "", 3, "2026-09-08"),
        ("008", "2026-09-09", "", "P", 3, "2026-09-09"),
    ]
    # a blank is no presence: nobody knows
    assert con.sql(
        "select sum(attended), sum(possible), count(*) filter (not submitted) from stg_attendance"
    ).fetchall() == [(3, 4, 2)]


TITLE = "Riverside School,,,,,,\nRegister of 7A,,,,,,\n\n"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(
            "Adm No,Name,Reg,07/09/2026,,08/09/2026,\n,,,AM,PM,AM,PM\n", id="days beside the names"
        ),
        pytest.param(
            ",,,07/09/2026,,08/09/2026,\nAdm No,Name,Reg,AM,PM,AM,PM\n", id="days above the names"
        ),
        pytest.param(
            ",,,Mon 7 Sep 2026,,Tue 8 Sep 2026\nAdm No,Name,Reg,AM,PM,AM,PM\n",
            id="a line that ends early",
        ),
    ],
)
def test_days_in_a_line_above_their_sessions_are_read(facts: Stage, header: str) -> None:
    """Two pupils, two days: 007 missed Tuesday afternoon, 008 all of Monday: 2.5 of 4 days."""
    rows = "007,Ada Moss,7A,/,\\,/,N\n008,Ben Oakley,7A,I,I,/,\\\n"
    con, *_ = facts(
        {"attendance.csv": TITLE + header + rows},
        '[landing.attendance]\ndate_formats = ["%d/%m/%Y"]\n[attendance]\ncode_set = "dfe-2024"',
    )
    first = [mark[:5] for mark in con.sql(MARKS).fetchall()[:4]]
    assert first == [
        ("007", "2026-09-07", "AM", "/", 6),
        ("007", "2026-09-07", "PM", "\\", 6),
        ("007", "2026-09-08", "AM", "/", 6),
        ("007", "2026-09-08", "PM", "N", 6),
    ]
    assert con.sql(
        "select sum(attended), sum(possible), count(*) from stg_attendance"
    ).fetchall() == [(2.5, 4, 8)]
    assert con.sql("select count(*) from rejected_attendance").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "text",
    [
        # names twice below a title; a row whose first cells are blank; marks below blank names
        "Sheet,,,\nstudent_id,date,code,code\n007,2026-09-07,P,P\n",
        "student_id,date,code,note\n,,P,P\n007,2026-09-07,P,x\n",
        "student_id,date,code,\n,,P,P\n007,2026-09-07,P,x\n",
    ],
)
def test_other_lines_are_no_second_line_of_a_header(facts: Stage, text: str) -> None:
    con, *_ = facts({"attendance.csv": text}, CODES)
    assert con.sql("select student_id, code from stg_attendance").fetchall() == [("007", "P")]


def test_fates_of_a_wide_register_add_up_to_its_lines_times_its_days(stage: Land) -> None:
    con = stage(
        {
            "attendance.csv": (
                "Register of 7A\n"
                "student_id,name,kind,2026-09-07,2026-09-08,2026-09-12\n"
                ",,,Mon,Tue,Sat\n"
                "007,Ada Moss,main,P,Q,P\n"
                "008,Ben Oakley,main,A,,\n"
                "999,Nobody,main,P,P,P\n"
                "008,Ben Oakley,club,P,P,P\n"
                "Total,,main,2,1,1\n"
            )
        },
        CODES + '[landing.attendance.where]\nkind = ["main", ""]\n',
    )
    fates = school_fates(
        con,
        read_table(con, "landing_files"),
        Settings.model_validate({"landing": {"attendance": {"where": {"kind": ["main", ""]}}}}),
    )
    of = fates.filter(table="attendance").select("fate", "rule", "rows").rows()
    assert of == [
        ("counted", "", 2),
        ("not_read", "not_for_this_export", 3),
        ("not_read", "totals_row", 3),
        ("not_read", "units_row", 3),
        ("outside", "not_expected_on_a_closed_day", 1),
        ("outside", "register_not_taken", 1),
        ("outside", "school_closed", 1),
        ("rejected", "unknown_student_id", 3),
        ("rejected", "unmapped_code", 1),
    ]
    assert sum(rows for *_, rows in of) == 6 * 3


def test_a_rejected_cell_is_named_with_its_header_and_its_own_row(stage: Land) -> None:
    con = stage(
        {"attendance.csv": 'student_id,"the ""name""",2026-09-07,2026-09-08\n007,,P,Q\n'}, CODES
    )
    ((line, heading, rule, value, row),) = con.sql(
        "select line, heading, rule, value, row from rejected_rows where \"table\" = 'attendance'"
    ).fetchall()
    assert (line, heading, rule, value) == (2, "2026-09-08", "unmapped_code", "Q")
    assert json.loads(row) == {"student_id": "007", 'the "name"': None, "2026-09-08": "Q"}


def test_of_two_lines_of_one_student_the_later_counts_and_each_cell_has_one_fate(
    facts: Stage,
) -> None:
    con, *_ = facts(
        {"attendance.csv": "student_id,2026-09-07,2026-09-08\n007,P,A\n007,P,P\n"}, CODES
    )
    assert con.sql(
        "select date::varchar, code, line from stg_attendance order by all"
    ).fetchall() == [
        ("2026-09-07", "P", 3),
        ("2026-09-08", "P", 3),
    ]
    assert con.sql("select line, heading, rule from rejected_attendance").fetchall() == [
        (2, "2026-09-08", "same_key_later_row_counts")
    ]
    assert con.sql("select differs, rows from repeated_attendance order by all").fetchall() == [
        (False, 1),
        (True, 1),
    ]


def test_wide_and_long_files_of_one_export_are_read_together(facts: Stage) -> None:
    con, *_ = facts(
        {
            "attendance_a.csv": "student_id,07/09/2026 AM,07/09/2026 PM,15/09/2026 AM\n007,P,A,P\n",
            "attendance_b.csv": "student_id,date,session,code\n008,2026-09-08,AM,P\n",
            "attendance_c.csv": "student_id,date,AM,PM\n008,2026-09-09,P,A\n",
        },
        CODES + "[landing.attendance]\nsessions_per_day = 2\n",
    )
    assert con.sql(MARKS).fetchall() == [
        ("007", "2026-09-07", "AM", "P", 2, "07/09/2026 AM"),
        ("007", "2026-09-07", "PM", "A", 2, "07/09/2026 PM"),
        ("008", "2026-09-08", "AM", "P", 2, ""),
        ("008", "2026-09-09", "AM", "P", 2, "AM"),
        ("008", "2026-09-09", "PM", "A", 2, "PM"),
    ]


@pytest.mark.parametrize(
    ("header", "day"),
    [
        ("2026-09-07", "2026-09-07"),
        ("2026/9/7", "2026/9/7"),
        ("Mon 7 Sep 2026", "7 Sep 2026"),
        ("Monday, 07/09/2026", "07/09/2026"),
        ("Sep 7, 2026", "Sep 7, 2026"),
        ("20260907", "20260907"),
        ("2026-09-07 00:00:00", "2026-09-07"),
        ("7.9.26", "7.9.26"),
    ],
)
def test_a_header_with_a_whole_date_is_that_day(header: str, day: str) -> None:
    assert _says(header) == [{"date": day}]


def test_a_session_beside_the_day_is_read_too() -> None:
    assert _says("2026-09-07 AM", "2026-09-07 Period 2") == [
        {"date": "2026-09-07", "session": "AM"},
        {"date": "2026-09-07", "session": "Period 2"},
    ]


@pytest.mark.parametrize(
    "header",
    [
        ("Mon", "Tue", "Wed"),
        ("Mon 7", "Tue 8", "Wed 9"),
        ("7 Sep", "8 Sep", "9 Sep"),
        ("Sep 7th", "Sep 8th", "Sep 9th"),
        ("7", "8", "9"),
        ("7/9", "8/9", "9/9"),
        ("2026-09-07", "8 Sep", "9 Sep", "10 Sep"),
    ],
)
def test_days_without_a_year_are_a_question(header: tuple[str, ...]) -> None:
    asked = _asked("attendance", "student_id", "name", *header)
    assert "column per day" in asked
    assert "first_day = " in asked


@pytest.mark.parametrize(
    ("header", "days"),
    [
        (("Mon", "Tue", "Fri", "Mon_2", "Tue_2"), ("09-07", "09-08", "09-11", "09-14", "09-15")),
        (("Mon AM", "Mon PM", "Tue AM"), ("09-07", "09-07", "09-08")),
        (("7 Sep", "9 Sep", "4 Jan"), ("09-07", "09-09", "01-04")),
        (("7", "30", "1"), ("09-07", "09-30", "10-01")),
    ],
)
def test_from_the_first_day_on_columns_go_on_from_left_to_right(
    header: tuple[str, ...], days: tuple[str, ...]
) -> None:
    said = _says(*header, first_day=date(2026, 9, 7))
    assert [each["date"][5:] for each in said] == list(days)
    assert {each["date"][:4] for each in said} <= {"2026", "2027"}


def test_a_header_that_can_be_two_days_leaves_the_question_open() -> None:
    asked = _asked("attendance", "student_id", "7/9", "8/9", "9/9", first_day=date(2026, 9, 1))
    assert "column per day" in asked


@pytest.mark.parametrize(
    "header",
    [
        ("student_id", "date", "code", "2026-09-07"),
        ("student_id", "status", "note of 2026"),
        ("student_id", "date", "AM"),
        ("student_id", "code", "P1", "P2"),
    ],
)
def test_other_columns_make_no_table_wide(header: tuple[str, ...]) -> None:
    found = resolve("attendance", FIELDS["attendance"], header, AttendanceExport())
    assert found.cells == ()


def test_a_gradebook_says_which_columns_are_assignments_before_it_is_read(facts: Stage) -> None:
    gradebook = "student_id,Essay (12),Quiz (13),Total\n007,done,,1\n008,late,EX,2\n"
    asked = _asked("homework", "student_id", "Essay (12)", "Quiz (13)", "Total")
    assert "cells = " in asked
    con, *_ = facts(
        {"homework.csv": gradebook},
        r"""
        [landing.homework]
        cells = '.* \((\d+)\)'
        constants = { due_date = "2026-09-08" }
        [homework.codes]
        done = "complete"
        EX = "exempt"
        """,
    )
    assert con.sql(
        "select student_id, assignment_id, status, line, heading from stg_homework order by all"
    ).fetchall() == [
        ("007", "12", "complete", 2, "Essay (12)"),
        ("007", "13", "unknown", 2, "Quiz (13)"),
        ("008", "12", "late", 3, "Essay (12)"),
        ("008", "13", "exempt", 3, "Quiz (13)"),
    ]


def test_a_due_date_in_the_header_is_a_column_of_its_own(facts: Stage) -> None:
    con, *_ = facts(
        {"homework.csv": "student_id,Essay due 2026-09-08,Quiz due 2026-09-09\n007,late,missing\n"},
        "[landing.homework]\ncells = '(?P<assignment_id>.*) due (?P<due_date>.*)'\n",
    )
    assert con.sql(
        "select assignment_id, due_date::varchar, status from stg_homework order by all"
    ).fetchall() == [("Essay", "2026-09-08", "late"), ("Quiz", "2026-09-09", "missing")]


def test_a_pattern_that_no_header_fits_is_told(read_exports: Stage) -> None:
    found = read_exports(
        {"homework.csv": "student_id,Essay,Quiz,Poster\n007,late,missing,\n"},
        '[landing.homework]\ncells = "HW.*"\n',
    )
    (problem,) = (
        each
        for each in file_problems(found.files, found.settings.landing)
        if each.kind == "missing_column"
    )
    assert "HW.*" in problem.message


def test_columns_of_days_to_come_are_no_news_while_they_are_blank(land: Land) -> None:
    con = land(
        {
            "attendance_2026-09-08.csv": (
                "student_id,2026-09-07,2026-09-08,2026-09-09,2026-09-10\n007,P,P,,\n008,P,A,,\n"
            ),
            "attendance.csv": None,
        },
        CODES,
    )
    told = read_table(con, "landing_problems")
    assert told.filter(pl.col("table") == "attendance")["message"].to_list() == []
    assert con.sql("select count(*) from stg_attendance").fetchall() == [(4,)]
