"""Nasty traits of real exports (`exports.md` §4), each in a tiny file taken to staging."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from edu_pipeline.landing.tables.csvfile import Layout
from edu_pipeline_tests.landing.conftest import NAMES, Facts

Land = Callable[..., duckdb.DuckDBPyConnection]
Stage = Callable[..., Facts]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]

MONDAY = date(2026, 9, 7)
STUDENTS = "select student_id, given_name, family_name from stg_students order by 1"
MARKS = "select student_id, date, code, line from stg_attendance order by line"
REJECTED = "select line, rule, value from rejected_attendance order by all"
SET_ASIDE = "select right(file, 5), line, rule, value from rejected_attendance order by 1"


def test_lines_above_the_header_are_skipped_and_counted(
    facts: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the delimiter, and where they hold other delimiters and a single known word."""

    def refuse(path: Path, shape: Layout) -> None:
        raise AssertionError(path, shape)

    top = "Riverside, School; 12 | Export\n\nDate,2026-09-11\n"
    header = "Student ID", "Date", "Code"
    files = {}
    for name, day, delimiter in ("a", 7, ","), ("b", 8, ";"), ("c", 9, "\t"), ("d", 10, "|"):
        rows = header, ("007", f"2026-09-{day:02}", "present")
        table = "".join(f"{delimiter.join(row)}\n" for row in rows)
        files[f"attendance_{name}.csv"] = top + table
    # too slow for millions
    monkeypatch.setattr("edu_pipeline.landing.tables.cells.records", refuse)
    con, listed, _ = facts(files)
    read = con.sql("select right(file, 5), day(date), code, line from stg_attendance order by 1")
    assert read.fetchall() == [
        ("a.csv", 7, "present", 5),
        ("b.csv", 8, "present", 5),
        ("c.csv", 9, "present", 5),
        ("d.csv", 10, "present", 5),
    ]
    assert con.sql(REJECTED).fetchall() == []
    assert listed.select("lines", "header_lines", "preamble").rows() == [(5, 4, 3)] * 4


def test_lines_above_the_header_count_where_rows_are_read_one_by_one(facts: Stage) -> None:
    con, *_ = facts(
        {"attendance.csv": 'The 12" "note"\n\nstudent_id,date,code,x\n007,2026-09-07,present,"a\nb"\n\n'
         "008,2026-09-07,absent\n"}
    )  # fmt: skip
    assert con.sql(MARKS).fetchall() == [
        ("007", MONDAY, "present", 4),
        ("008", MONDAY, "absent", 7),
    ]


def test_the_settings_can_say_where_the_header_is(people: Land, read_exports: Stage) -> None:
    text = "student_id,grade\nNr,Kl\n007,7\n"
    settings = """
    [landing.students]
    header_line = 2
    columns = { student_id = "Nr", grade = "Kl" }
    """
    con = people({"students.csv": text}, settings)
    assert con.sql("select student_id, grade from stg_students").fetchall() == [("007", "7")]
    too_far = read_exports({}, settings.replace("= 2", "= 9"))
    assert too_far.files["error"].to_list() == ["it has no line 9, which header_line names."]


def test_a_file_without_a_header_is_a_problem_that_shows_nobody(read_exports: Stage) -> None:
    found = read_exports({"students.csv": "007,Ada,Moss,7\n008,Benedict,Oakley,7\n"})
    (told,) = found.files["error"]
    assert told.startswith("none of its column names is known.")
    assert not [name for name in NAMES if name in told]


def test_a_second_header_with_one_more_name_does_not_hide_what_stands_above_it(
    land: Land, messages: Messages
) -> None:
    """Two exports put together, of which the later has sessions."""
    con = land(
        {
            "attendance.csv": (
                "student_id,date,code\n007,2026-09-07,present\n008,2026-09-07,absent\n"
                "student_id,date,code,session\n007,2026-09-08,present,AM\n"
            )
        }
    )
    assert con.sql(MARKS).fetchall() == [
        ("007", MONDAY, "present", 2),
        ("008", MONDAY, "absent", 3),
    ]
    assert con.sql(REJECTED).fetchall() == [
        (4, "repeated_header", None),
        (5, "too_many_cells", "AM"),
    ]
    assert any("too many cells" in message for message in messages(con))


def test_rows_above_the_only_header_that_has_what_is_needed_are_rejected(
    land: Land, messages: Messages
) -> None:
    """However the file is read; a title above them and one with a date are no rows."""
    top = "Riverside,,\nStudent,7A,\n\nStudent,Day,Kl\n007,2026-09-07,present\n"
    text = f"{top}student_id,date,code\n008,2026-09-07,absent\n"
    record_by_record = f'{text}009,2026-09-08,"one\ntwo"\n'.replace("008,", "007,")
    con = land({"attendance.csv": text, "attendance_b.csv": record_by_record})
    read = con.sql("select right(file, 5), student_id, date, code, line from stg_attendance")
    assert read.order("all").fetchall() == [
        ("b.csv", "007", MONDAY, "absent", 7),
        ("e.csv", "008", MONDAY, "absent", 7),
    ]
    above = con.sql("select right(file, 5), line, rule from rejected_attendance where line < 8")
    assert above.order("all").fetchall() == [
        ("b.csv", 4, "above_the_header"),
        ("b.csv", 5, "above_the_header"),
        ("e.csv", 4, "above_the_header"),
        ("e.csv", 5, "above_the_header"),
    ]
    assert any("above the header (school/attendance.csv, line 4)" in told for told in messages(con))


def test_lines_above_the_header_that_the_settings_name_are_no_rows(facts: Stage) -> None:
    con, *_ = facts(
        {"attendance.csv": "Nr,Tag,Kl\nstudent_id,date,code\n007,2026-09-07,present\n"},
        "[landing.attendance]\nheader_line = 2",
    )
    assert con.sql(MARKS).fetchall() == [("007", MONDAY, "present", 3)]
    assert con.sql(REJECTED).fetchall() == []


def test_people_and_things_called_total_are_no_totals(stage: Land) -> None:
    con = stage(
        {
            "students.csv": "family_name,given_name,student_id\nTotal,Ada,007\nMoss,Ben,Total\n",
            "classes.csv": "class_name,class_id,class_type\nSum,Sum,homeroom\n",
            "homework.csv": "title,student_id,due_date,status\nAverage,007,2026-09-07,done\n",
        },
        '[homework.codes]\ndone = "complete"',
    )
    assert con.sql(STUDENTS).fetchall() == [("007", "Ada", "Total"), ("Total", "Ben", "Moss")]
    assert con.sql("select class_id from stg_classes").fetchall() == [("Sum",)]
    assert con.sql("select assignment_id from stg_homework").fetchall() == [("Average",)]


def test_what_is_no_row_is_set_apart_and_holds_nothing(land: Land, messages: Messages) -> None:
    """Go4Schools and SIMS close lists with totals, and OneRoster has records that are none any more."""
    con = land(
        {
            "students.csv": (
                "name,student_id,grade,status\nMoss Ada,007,7,active\nSum,008,7,\nTotal: 2,,,\n"
                ",Grand total,2,\nMoss Ben,009,7,tobedeleted\n"
            ),
            "classes.csv": "class_id,class_name,class_type\n(id),(text),(text)\nHR-7A,7A,homeroom\n",
            "calendar.csv": "date,in_session\nYYYY-MM-DD,Y/N\n2026-09-07,Y\n2026-09-08,Y\n",
            "attendance.csv": (
                "student_id,date,code,days\n007,2026-09-07,present,1\nTOTAL,,,1\nAverage (%),,,100\n"
                "student_id,date,code,days\n008,2026-09-07,absent,1\n"
            ),
        }
    )
    assert con.sql("select student_id from stg_students order by 1").fetchall() == [
        ("007",),
        ("008",),
    ]
    assert con.sql("select count(*) from stg_attendance").fetchall() == [(2,)]
    assert con.sql('select "table", line, rule from rejected_rows order by all').fetchall() == [
        ("attendance", 3, "totals_row"),
        ("attendance", 4, "totals_row"),
        ("attendance", 5, "repeated_header"),
        ("calendar", 2, "units_row"),
        ("classes", 2, "units_row"),
        ("students", 4, "totals_row"),
        ("students", 5, "totals_row"),
        ("students", 6, "to_be_deleted"),
    ]
    assert messages(con) == []


def test_a_total_with_a_date_is_a_row(facts: Stage) -> None:
    con, *_ = facts({"attendance.csv": "student_id,date,code\nTotal,2026-09-07,present\n"})
    assert con.sql(REJECTED).fetchall() == [(2, "unknown_student_id", "Total")]


def test_units_below_the_header_are_set_apart(facts: Stage) -> None:
    units = {
        "a": "(text),YYYY-MM-DD,(code),1",
        "b": "[id],dd/mm/yyyy,,points",
        "c": "string,date,text,",
        "d": "    Points Possible,,,10",
    }
    parts = {
        f"attendance_{name}.csv": f"student_id,date,code,x\n{row}\n007,2026-09-{day:02},present,1\n"
        for day, (name, row) in enumerate(units.items(), start=7)
    }
    con, *_ = facts(parts)
    rejected = con.sql(SET_ASIDE).fetchall()
    assert rejected == [(f"{name}.csv", 2, "units_row", None) for name in "abcd"]
    read = con.sql("select right(file, 5), day(date), code, line from stg_attendance order by 1")
    assert read.fetchall() == [
        ("a.csv", 7, "present", 3),
        ("b.csv", 8, "present", 3),
        ("c.csv", 9, "present", 3),
        ("d.csv", 10, "present", 3),
    ]


def test_what_looks_like_units_further_down_is_a_row(people: Land) -> None:
    con = people({"students.csv": "student_id,grade\n007,7\n008,7\n009,7\n010,7\nID,(text)\n"})
    assert con.sql("select grade from stg_students where student_id = 'ID'").fetchall() == [
        ("(text)",)
    ]


def test_blank_rows_at_the_end_are_no_rows(facts: Stage) -> None:
    ends = {"a": "\n\n", "b": ",,\n,,\n", "c": "  , ,\n", "d": "\n   \n", "e": "\r\n\r\n"}
    parts = {
        f"attendance_{name}.csv": f"student_id,date,code\n007,2026-09-{day:02},present\n{end}"
        for day, (name, end) in enumerate(ends.items(), start=7)
    }
    con, *_ = facts(parts)
    rows = con.sql("select right(_file, 5), count(*) from raw_attendance group by all order by 1")
    assert dict(rows.fetchall()) == {f"{name}.csv": 1 for name in ends}
    assert con.sql(REJECTED).fetchall() == []


def test_a_last_column_of_sentinels_is_left_where_it_is(people: Land) -> None:
    """D2L ends every line with `#`."""
    con = people(
        {
            "students.csv": (
                "student_id,First Name,Last Name,End-of-Line Indicator\n007,Zoë,Noe,#\n008,Al,Li,#\n"
            )
        }
    )
    assert con.sql(STUDENTS).fetchall() == [("007", "Zoë", "Noe"), ("008", "Al", "Li")]
    assert con.sql("select * from rejected_students").fetchall() == []


def test_a_row_that_ends_before_a_required_cell_is_rejected_and_other_short_ones_count(
    facts: Stage,
) -> None:
    con, *_ = facts(
        {
            "attendance.csv": (
                "student_id,date,code,note,more\n007,2026-09-07,present\n007,2026-09-08\n007\n"
                "007,2026-09-09,\n"
            )
        }
    )
    assert con.sql(MARKS).fetchall() == [
        ("007", MONDAY, "present", 2),
        ("007", date(2026, 9, 9), "", 5),
    ]
    assert con.sql(REJECTED).fetchall() == [
        (3, "missing_code", None),
        (4, "missing_code", None),
    ]


def test_junk_glued_to_a_value_is_rejected_with_it(facts: Stage) -> None:
    con, *_ = facts(
        {
            "attendance.csv": (
                "student_id,date,code\n007,2026-09-07,present11\nN/A11,2026-09-07,present\n"
                "007,2026-09-08N/A,present\n"
            )
        }
    )
    assert con.sql(REJECTED).fetchall() == [
        (2, "unmapped_code", "present11"),
        (3, "unknown_student_id", "N/A11"),
        (4, "unparseable_date", "2026-09-08N/A"),
    ]


def test_a_word_for_nothing_is_an_empty_cell(people: Land) -> None:
    nothing = (
        *("NULL", "null", "None", "N/A", "n/a", "NA", "nan", "-", "–", ".", "#N/A", '"  "', "NaN"),
        *(" ", " 7 "),
    )
    rows = "".join(f"S{number:02},{word},-\n" for number, word in enumerate(nothing))
    con = people({"students.csv": f"student_id,grade,family_name\n{rows}"})
    read = con.sql("select grade, family_name from stg_students order by student_id").fetchall()
    assert dict(zip(nothing, read, strict=True)) == {
        **dict.fromkeys(nothing, (None, None)),
        " 7 ": ("7", None),
    }


def test_in_a_column_of_codes_a_dash_is_a_code_and_null_is_an_empty_mark(facts: Stage) -> None:
    con, *_ = facts(
        {
            "attendance.csv": (
                "student_id,date,code\n007,2026-09-07,-\n007,2026-09-08,NULL\n"
                "007,2026-09-09,None\n007,2026-09-10,N/A\n"
            )
        },
        '[attendance.codes]\n"-" = "not_taken"\n"N/A" = "not_expected"',
    )
    assert con.sql(
        "select code, possible, submitted from stg_attendance order by line"
    ).fetchall() == [
        ("-", 0, False),
        ("", 0, False),
        ("", 0, False),
        ("N/A", 0, True),
    ]


def test_a_share_may_have_a_percent_sign_or_a_decimal_comma(facts: Stage) -> None:
    cells = "0.25", '"0,25"', "25%", "25 %", '"25,0 %"', "25\u00a0%"
    marks = [f"00{7 + n % 2},2026-09-{7 + n // 2:02},absent" for n in range(len(cells))]
    rows = "".join(f"{mark},{cell}\n" for mark, cell in zip(marks, cells, strict=True))
    whole = "007,2026-09-10,absent,110%\n"
    con, *_ = facts({"attendance.csv": f"student_id,date,code,duration\n{rows}{whole}"})
    read = con.sql("select attended from stg_attendance order by line").fetchall()
    assert dict(zip(cells, read, strict=True)) == dict.fromkeys(cells, (0.75,))
    # more than all of a day is none
    assert con.sql(REJECTED).fetchall() == [(8, "duration_not_between_0_and_1", "110%")]


def test_a_full_name_is_split_where_it_can_be(people: Land) -> None:
    """Whatever its column is called; columns of their own win."""
    names = {
        '"Noe, Zoë"': ("Zoë", "Noe"),
        '"de la Cruz,  María José"': ("María José", "de la Cruz"),
        "Zoë Noe": ("Zoë", "Noe"),
        "O'Brien-Núñez": ("O'Brien-Núñez", None),
        "Ana de la Cruz": ("Ana de la Cruz", None),
        '"Noe,"': (None, "Noe"),
        "NULL": (None, None),
    }
    first, second = (
        "".join(f"{file}{number},{name}\n" for number, name in enumerate(names)) for file in "AB"
    )
    con = people(
        {
            "students.csv": f"student_id,[1]LastFirst\n{first}",
            "students_b.csv": f"student_id,Student name\n{second}",
            "staff.csv": (
                'staff_id,email,Teacher Name,surname\nT1,t1@riverside.example,"Li, Al",\n'
                "T2,t2@riverside.example,A. Li,Liu\n"
            ),
        }
    )
    for file in "AB":
        split = con.execute(
            "select given_name, family_name from stg_students where left(student_id, 1) = ? "
            "order by student_id",
            [file],
        ).fetchall()
        assert dict(zip(names, split, strict=True)) == names, file
    assert con.sql(
        "select staff_id, given_name, family_name from stg_staff order by 1"
    ).fetchall() == [("T1", "Al", "Li"), ("T2", None, "Liu")]


def test_ids_that_lost_their_zeros_are_padded_to_their_width(people: Land, facts: Stage) -> None:
    width = "[landing.students.width]\nstudent_id = 4\n[landing.attendance.width]\nstudent_id = 3"
    con = people({"students.csv": "student_id\n7\n0008\nA9\n12345\n"}, width)
    assert con.sql("select student_id from stg_students order by 1").fetchall() == [
        ("0007",),
        ("0008",),
        ("12345",),
        ("A9",),
    ]
    con, *_ = facts({"attendance.csv": "student_id,date,code\n7,2026-09-07,present\n"}, width)
    assert con.sql("select student_id from stg_attendance").fetchall() == [("007",)]


def test_misspelt_empty_and_repeated_headers_are_read(people: Land, facts: Stage) -> None:
    con = people({"students.csv": "Stduent ID,,Grade,,Grade,\n007,x,7,y,8,z\n"})
    assert con.sql("select student_id, grade from stg_students").fetchall() == [("007", "7")]
    marks = "Student_id,Dtae,Date,Att_Code,,\n007,x,2026-09-07,present,,\n"
    con, *_ = facts({"attendance.csv": marks})
    assert con.sql(MARKS).fetchall() == [("007", MONDAY, "present", 2)]


def test_exports_may_end_otherwise_than_in_csv(facts: Stage) -> None:
    names = "attendance.txt", "attendance_b.TSV", "Attendance 2026.csv"
    text = "student_id\tdate\tcode\n007\t2026-09-{:02}\tpresent\n"
    parts = {name: text.format(day) for day, name in enumerate(names, start=7)}
    con, *_ = facts(parts)
    assert con.sql("select file, line from stg_attendance order by date").fetchall() == [
        (f"school/{name}", 2) for name in names
    ]


def test_the_row_that_counts_is_told_with_its_file_and_line(facts: Stage) -> None:
    homework = "student_id,assignment_id,due_date,status\n007,a1,2026-09-08,missing\n"
    con, *_ = facts(
        {
            "attendance_2026-09-10.csv": "student_id,date,code\n007,2026-09-07,absent\n",
            "attendance_2026-09-11.csv": (
                "student_id,date,code\n008,2026-09-07,absent\n007,2026-09-07,tardy\n"
            ),
            "homework.csv": f"{homework}007,a1,2026-09-08,late\n007,a1,2026-09-08,late\n",
        },
        '[landing.attendance]\nexport = "delta"',
    )
    assert con.sql("select student_id, file, line from stg_attendance order by 1").fetchall() == [
        ("007", "school/attendance_2026-09-11.csv", 3),
        ("008", "school/attendance_2026-09-11.csv", 2),
    ]
    assert con.sql("select status, file, line from stg_homework").fetchall() == [
        ("late", "school/homework.csv", 4)
    ]
    assert con.sql(REJECTED.replace("attendance", "homework")).fetchall() == [
        (2, "same_key_later_row_counts", None)
    ]


def test_oneroster_records_that_are_to_be_deleted_are_nobody(people: Land) -> None:
    con = people(
        {
            "students.csv": (
                "sourcedId,status,givenName,familyName\n"
                "007,active,Ada,Moss\n008,tobedeleted,Ben,Oakley\n009,,Cy,Poe\n"
            )
        }
    )

    assert con.sql("select student_id from stg_students order by 1").fetchall() == [
        ("007",),
        ("009",),
    ]
    rejected = con.sql("select line, rule from rejected_students")
    assert rejected.fetchall() == [(3, "to_be_deleted")]


def test_a_long_note_right_below_the_header_stops_nothing(people: Land) -> None:
    con = people({"students.csv": f"student_id,remark\n007,{'x' * 140_000}\n008,\n"})
    assert con.sql("select student_id from stg_students order by 1").fetchall() == [
        ("007",),
        ("008",),
    ]
