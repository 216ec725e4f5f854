"""What holds the mail, and whether the advice in the message really helps."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import duckdb
import pytest

from edu_pipeline.landing.sources.school.problems import shape_problems
from edu_pipeline.model.gate import known_since
from edu_pipeline.settings.landing import AttendanceExport, Landing

Land = Callable[..., duckdb.DuckDBPyConnection]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
Paste = Callable[[duckdb.DuckDBPyConnection], str]

SECTION = "[landing.attendance]\n"
EXCEPTIONS = 'shape = "exceptions"\n'


def test_a_clean_school_has_no_problem(land: Land, messages: Messages) -> None:
    assert messages(land()) == []


@pytest.mark.parametrize(
    ("header", "advice"),
    [
        (
            "pupil,date,code",
            "no column for student_id. Its columns are: pupil, date, code. "
            'Add to [landing.attendance.columns]: student_id = "…"',
        ),
        (
            'Student "Ident",date,code',
            'no column for student_id. Its columns are: Student "Ident", date, code. '
            'Add to [landing.attendance.columns]: student_id = "Student \\"Ident\\""',
        ),
    ],
)
def test_a_missing_column_is_told_with_the_line_to_paste(
    land: Land, messages: Messages, header: str, advice: str
) -> None:
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in header.split(","))
    con = land({"attendance.csv": f"{quoted}\n007,2026-09-07,present\n"})
    assert messages(con) == [f"school/attendance.csv: {advice}"]
    assert con.sql("select kind, class_id, first_date from landing_problems").fetchall() == [
        ("missing_column", None, None)
    ]


def test_the_pasted_column_works(land: Land, messages: Messages, paste: Paste) -> None:
    con = land({"attendance.csv": '"Student ""Ident""",date,code\n007,2026-09-07,present\n'})
    fixed = land({}, paste(con))
    assert messages(fixed) == []
    assert fixed.sql("select student_id from stg_attendance").fetchall() == [("007",)]


def test_a_mapped_header_that_is_not_there_is_a_problem(land: Land, messages: Messages) -> None:
    con = land({}, '[landing.students.columns]\ngrade = "Form Year"')
    assert messages(con) == [
        'school/students.csv: [landing.students.columns] says grade = "Form Year", but the file '
        "has no such column. Its columns are: student_id, given_name, family_name, grade."
    ]


def test_a_misspelt_column_in_the_settings_is_a_problem(land: Land, messages: Messages) -> None:
    con = land({}, '[landing.staff.constants]\nschol_id = "1"')
    assert messages(con) == [
        "[landing.staff.constants] has schol_id, which is none of its columns: staff_id, "
        "given_name, family_name, full_name, preferred_name, email, school_id."
    ]


def test_an_unmapped_code_names_its_classes_and_the_finished_line_works(
    land: Land, messages: Messages, paste: Paste
) -> None:
    con = land(
        {
            "attendance.csv": (
                "student_id,date,code\n007,2026-09-08,QT\n008,2026-09-07,QT\n007,2026-09-09,present\n"
            )
        }
    )
    assert messages(con) == [
        "'QT' appears 2 times from 2026-09-07 to 2026-09-08 (7A), and nobody has said what it means. "
        'Add to [attendance.codes]: QT = "…"  # present, tardy, absent, excused, unexcused, half_day, '
        "half_day_excused, not_expected, not_taken"
    ]
    assert con.sql(
        "select kind, subject, rows, first_date, last_date, class_id from landing_problems"
    ).fetchall() == [
        ("unmapped_code", "QT", 2, date(2026, 9, 7), date(2026, 9, 8), "HR-7A"),
    ]
    fixed = land({}, paste(con).replace("…", "absent"))
    assert messages(fixed) == []
    assert fixed.sql("select sum(attended) from stg_attendance").fetchall() == [(1,)]


@pytest.mark.parametrize("code", ["'", '"', "\\", "a b", "[x]", "é", "#"])
def test_any_code_can_be_pasted(land: Land, messages: Messages, paste: Paste, code: str) -> None:
    cell = '"' + code.replace('"', '""') + '"'
    con = land({"attendance.csv": f"student_id,date,code\n007,2026-09-07,{cell}\n"})
    fixed = land({}, paste(con).replace("…", "absent"))
    assert messages(fixed) == []
    assert fixed.sql("select code, attended from stg_attendance").fetchall() == [(code, 0)]


def test_only_classes_in_which_a_student_was_on_that_day_are_concerned(
    land: Land, messages: Messages
) -> None:
    con = land(
        {
            "classes.csv": (
                "class_id,class_name,class_type\nHR-7A,7A,homeroom\nHR-7B,7B,homeroom\n"
                "MAT,Maths,scheduled\nART,Art,scheduled\n"
            ),
            "enrollments.csv": (
                "class_id,person_id,role,begin_date,end_date\n"
                "HR-7A,007,student,2026-09-01,2026-09-08\nHR-7B,007,student,2026-09-08,\n"
                "MAT,007,student,,\nART,008,student,,\n"
            ),
            "attendance.csv": "student_id,date,code\n007,2026-09-08,QT\n008,2026-09-08,present\n",
        }
    )
    assert messages(con)[0].startswith("'QT' appears once on 2026-09-08 (7B), and nobody")
    assert con.sql("select class_id from landing_problems order by 1").fetchall() == [
        ("HR-7B",),
        ("MAT",),
    ]


def test_a_column_of_free_text_is_not_shown_as_codes(land: Land, messages: Messages) -> None:
    """The `land` fixture asserts that no name is in any message."""
    students = "".join(f"{i},Ada{i},Moss,7\n" for i in range(30))
    marks = "".join(f"{i},2026-09-07,Ada{i} Moss\n" for i in range(30))
    con = land(
        {
            "students.csv": f"student_id,given_name,family_name,grade\n{students}",
            "enrollments.csv": "class_id,person_id,role\nHR-7A,1,student\n",
            "attendance.csv": f"student_id,date,code\n{marks}",
        }
    )
    assert messages(con) == [
        "The column of attendance taken for its codes holds 30 different texts that nobody mapped, "
        'so it is likely the wrong one. Say in [landing.attendance.columns] which it is: code = "…"'
    ]
    assert con.sql("select rows from landing_problems").fetchall() == [(30,)]


def test_a_column_of_free_text_is_not_shown_as_words(land: Land, messages: Messages) -> None:
    rows = "".join(f"C{i},7A,Ada{i} Moss\n" for i in range(30))
    con = land({"classes.csv": f"class_id,class_name,class_type\n{rows}"})
    assert any(
        message.startswith("The column of classes taken for class_type holds 30 different texts")
        for message in messages(con)
    )


@pytest.mark.parametrize(
    ("table", "text", "column", "word", "meaning"),
    [
        (
            "classes",
            "class_id,class_name,class_type\nHR-7A,7A,Base Group\n",
            "class_type",
            "Base Group",
            "homeroom",
        ),
        (
            "enrollments",
            "class_id,person_id,role\nHR-7A,007,enrolled\n",
            "role",
            "enrolled",
            "student",
        ),
        ("calendar", "date,in_session\n2026-09-07,open\n", "in_session", "open", "true"),
    ],
)
def test_an_unmapped_word_is_a_problem_whose_fix_works(
    land: Land, messages: Messages, table: str, text: str, column: str, word: str, meaning: str
) -> None:
    con = land({f"{table}.csv": text})
    (told,) = [m for m in messages(con) if m.startswith(column)]
    section, _, line = told.partition("Add to ")[2].partition(": ")
    assert told.startswith(f"{column} '{word}' appears once in {table}. Add to [landing.{table}.")
    assert messages(land({}, f"{section}\n{line.replace('…', meaning)}")) == []


@pytest.mark.parametrize(
    ("cells", "fix"),
    [
        (["9/7/2026", "09/08/2026"], '["…"]  # say which, "%m/%d/%Y" or "%d/%m/%Y"'),
        (["9/13/26", "9/14/26"], '["%m/%d/%y"]'),
        (["10.9.2026", "11.9.2026"], '["%d.%m.%Y"]'),
    ],
)
def test_a_wrong_date_format_is_one_problem_whose_fix_works(
    land: Land, messages: Messages, paste: Paste, cells: list[str], fix: str
) -> None:
    marks = "".join(f"007,{cell},present\n" for cell in cells)
    con = land({"calendar.csv": None, "attendance.csv": f"student_id,date,code\n{marks}"})
    (message,) = messages(con)
    assert message.startswith("2 of 2 rows of attendance are rejected: unparseable date, such as ")
    assert message.endswith(
        f"(school/attendance.csv, line 2). Add to [landing.attendance]: date_formats = {fix}"
    )
    fixed = land({}, paste(con).replace("…", "%m/%d/%Y"))
    assert messages(fixed) == []
    (days,) = fixed.execute("select list(date order by date) from stg_attendance").fetchall()
    assert [day.year for day in days[0]] == [2026, 2026]
    assert days[0][1] - days[0][0] == timedelta(days=1)


def test_the_other_order_of_day_and_month_replaces_the_one_that_is_set(
    land: Land, messages: Messages
) -> None:
    said = '[landing.attendance]\ndate_formats = ["%m/%d/%Y", "%d.%m.%Y"]'
    con = land({"attendance.csv": "student_id,date,code\n007,13/09/2026,present\n"}, said)
    (message,) = messages(con)
    assert message.endswith(
        'Replace in [landing.attendance]: date_formats = ["%d.%m.%Y", "%d/%m/%Y"]  # instead of '
        "%m/%d/%Y: with both, days and months would be swapped"
    )


def test_a_cell_that_looks_like_no_date_is_not_shown(land: Land, messages: Messages) -> None:
    con = land({"attendance.csv": "student_id,date,code\n007,Ada Moss 3,present\n"})
    assert messages(con) == [
        "1 of 1 rows of attendance are rejected: unparseable date (school/attendance.csv, line 2). "
        'Add to [landing.attendance]: date_formats = ["…"]'
    ]


def test_a_few_bad_rows_are_rejected_and_hold_nothing(land: Land, messages: Messages) -> None:
    students = "".join(f"{i},7\n" for i in range(100, 140))
    spells = "".join(f"HR-7A,{i},student\n" for i in range(100, 140))
    marks = "".join(f"{i},2026-09-07,present\n" for i in range(100, 139))
    con = land(
        {
            "students.csv": f"student_id,grade\n{students}",
            "enrollments.csv": f"class_id,person_id,role\n{spells}",
            "attendance.csv": f"student_id,date,code\n{marks}139,yesterday,present\n",
        }
    )
    assert messages(con) == []
    assert con.sql("select file, line, rule, value from rejected_rows").fetchall() == [
        ("school/attendance.csv", 41, "unparseable_date", "yesterday")
    ]


def test_one_file_of_many_that_fails_altogether_is_a_problem(
    land: Land, messages: Messages
) -> None:
    students = "".join(f"{i},7\n" for i in range(100, 140))
    marks = "".join(f"{i},2026-09-07,present\n" for i in range(100, 140))
    con = land(
        {
            "students.csv": f"student_id,grade\n{students}",
            "enrollments.csv": "class_id,person_id,role\nHR-7A,100,student\n",
            "attendance.csv": f"student_id,date,code\n{marks}",
            "attendance_new.csv": "student_id,date,code\n100,08.09.2026,present\n",
        }
    )
    assert messages(con) == [
        "1 of 1 rows of school/attendance_new.csv are rejected: unparseable date, such as "
        "'08.09.2026' (school/attendance_new.csv, line 2). Add to [landing.attendance]: "
        'date_formats = ["%d.%m.%Y"]'
    ]


def test_exports_that_do_not_know_each_other_are_a_problem(land: Land, messages: Messages) -> None:
    con = land({"attendance.csv": "student_id,date,code\n7,2026-09-07,present\n"})
    assert messages(con) == [
        "1 of 1 rows of attendance are rejected: unknown student id (school/attendance.csv, line 2). "
        "The exports do not fit together: export them again on the same day, or say in "
        "[landing.attendance.columns] which column holds the same ids."
    ]


def test_attendance_on_closed_days_only_is_a_problem(land: Land, messages: Messages) -> None:
    con = land({"attendance.csv": "student_id,date,code\n007,2026-09-12,present\n"})
    assert messages(con)[0].startswith("1 of 1 rows of attendance are rejected: school closed")


def test_rows_that_say_nobody_was_expected_on_a_closed_day_hold_nothing(
    land: Land, messages: Messages
) -> None:
    con = land(
        {"attendance.csv": "student_id,date,code\n007,2026-09-12,#\n007,2026-09-11,present\n"},
        '[attendance.codes]\n"#" = "not_expected"',
    )
    assert messages(con) == []
    assert con.sql("select line, rule from rejected_rows").fetchall() == [
        (2, "not_expected_on_a_closed_day")
    ]


def test_several_marks_for_one_key_are_a_problem(land: Land, messages: Messages) -> None:
    con = land(
        {"attendance.csv": "student_id,date,code\n007,2026-09-07,present\n007,2026-09-07,absent\n"}
    )
    assert messages(con)[0].startswith(
        "Up to 2 rows of attendance are about the same student and day, and no column is known"
    )


def test_a_teacher_of_two_schools_is_no_problem(land: Land, messages: Messages) -> None:
    con = land(
        {
            "staff.csv": (
                "staff_id,email,school_id\nT1,c@riverside.example,1\nT1,c@riverside.example,2\n"
            )
        }
    )
    assert messages(con) == []
    assert con.sql("select staff_id from stg_staff").fetchall() == [("T1",)]


@pytest.mark.parametrize("table", ["students", "staff", "attendance"])
def test_an_export_that_is_needed_and_not_there_is_a_problem(
    land: Land, messages: Messages, table: str
) -> None:
    con = land({f"{table}.csv": None})
    assert (
        f"No {table} export has landed. Put a file named like school/{table}*.csv into the landing "
        f"zone, or say in [landing.{table}] files = […] where it is."
    ) in messages(con)
    assert con.sql("select distinct kind from landing_problems").fetchall() == [("missing_export",)]


def test_homework_classes_and_enrollments_need_not_be_there(land: Land, messages: Messages) -> None:
    con = land({"classes.csv": None, "enrollments.csv": None})
    assert messages(con) == []


@pytest.mark.parametrize("table", ["calendar", "enrollments"])
def test_exceptions_only_are_refused_without_what_says_who_was_expected(
    land: Land, messages: Messages, table: str
) -> None:
    con = land({f"{table}.csv": None}, SECTION + EXCEPTIONS)
    (message,) = messages(con)
    assert message.startswith(
        f"No {table} export has landed. Attendance comes as exceptions only, and without it nobody "
        "knows who was expected."
    )
    open_days = "select count(*) from stg_school_days where in_session"
    expected = "select count(*) from stg_enrollments where role = 'student'"
    (days,) = con.execute(open_days).fetchall()
    (spells,) = con.execute(expected).fetchall()
    assert days[0] * spells[0] == 0, "a rate could be computed"


def test_exceptions_only_are_counted_where_the_homeroom_is_a_column_of_the_students(
    land: Land, messages: Messages
) -> None:
    con = land(
        {
            "students.csv": "student_id,homeroom\n007,7A\n008,7A\n",
            "classes.csv": None,
            "enrollments.csv": None,
        },
        SECTION + EXCEPTIONS,
    )
    assert messages(con) == []
    assert con.sql("select count(*) from stg_enrollments").fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("marks", "present", "held"),
    [(19, 0, False), (20, 0, True), (20, 1, True), (20, 2, False), (70, 6, True), (70, 7, False)],
)
def test_hardly_any_present_mark_of_twenty_holds_the_mail(
    marks: int, present: int, held: bool
) -> None:
    assert bool(shape_problems(marks, present, Landing())) == held


def test_an_export_of_exceptions_has_no_present_marks_to_miss() -> None:
    assert shape_problems(500, 0, Landing(attendance=AttendanceExport(shape="exceptions"))) == []  # fmt: skip


def test_a_release_of_the_shape_stands_when_there_are_more_marks() -> None:
    (now,), (later,) = (shape_problems(marks, 1, Landing()) for marks in (40, 45))
    assert now.id == later.id
    assert now.message != later.message


def list_of_marks(codes: str, school_days: int = 5) -> dict[str, str]:
    """One student per code, each with this code on Monday, in a school of 7A."""
    students = [f"{n:03}" for n in range(len(codes))]
    days = [date(2026, 9, 7) + timedelta(days=n) for n in range(school_days)]
    return {
        "students.csv": "student_id,homeroom\n" + "".join(f"{each},7A\n" for each in students),
        "classes.csv": "class_id,class_type\n7A,homeroom\n",
        "enrollments.csv": "class_id,person_id,role\n"
        + "".join(f"7A,{each},student\n" for each in students),
        "calendar.csv": "date,in_session\n" + "".join(f"{day},Y\n" for day in days),
        "attendance.csv": "student_id,date,code\n"
        + "".join(f"{each},{days[0]},{code}\n" for each, code in zip(students, codes, strict=True)),
    }


LETTERS = """
[attendance.codes]
P = "present"
T = "tardy"
A = "absent"
X = "not_expected"
O = "not_taken"
"""


def test_a_list_of_absentees_under_daily_is_a_problem_that_the_pasted_shape_lifts(
    land: Land, messages: Messages
) -> None:
    con = land(list_of_marks("A" * 15 + "T" * 5 + "P"), LETTERS)
    ((found, kind, rows, first),) = con.sql(
        "select id, kind, rows, first_date from landing_problems"
    ).fetchall()
    assert (kind, rows, first) == ("only_exceptions", 21, None)
    (message,) = messages(con)
    assert message == (
        "Only 1 of 21 attendance marks are present, as if there were rows for absences and late "
        'arrivals only. If so, add to [landing.attendance]: shape = "exceptions". If everyone has '
        "a row, say in [attendance.codes] which code is present. If the marks are right: "
        f'edu-pipeline gate release {found} --reason "…"'
    )
    pasted = re.search(r"add to (\[[^\]]+\]): (.*?)\. If", message)
    assert pasted
    assert messages(land({}, f"{LETTERS}{pasted[1]}\n{pasted[2]}\n")) == []


def test_only_marks_that_count_in_a_rate_tell_the_shape(land: Land, messages: Messages) -> None:
    assert messages(land(list_of_marks("A" * 19 + "X" * 9 + "O" * 9), LETTERS)) == []


def test_marks_that_nobody_mapped_may_be_those_of_the_present(
    land: Land, messages: Messages
) -> None:
    con = land(list_of_marks("A" * 20 + "P" * 300), LETTERS.replace('P = "present"', ""))
    (message,) = messages(con)
    assert message.startswith("'P' appears 300 times")


def exceptions_of_weeks(land: Land, *per_day: int) -> duckdb.DuckDBPyConnection:
    """A school of 40 whose exceptions-only export has so many rows on each day of each week."""
    days = [[date(2026, 9, 7) + timedelta(weeks=week, days=n) for n in range(5)] for week in range(len(per_day))]  # fmt: skip
    marks = [
        f"{student:03},{day},absent\n"
        for week, number in zip(days, per_day, strict=True)
        for day in week
        for student in range(number)
    ]
    # the newest week has one exception, so it is known how far the export goes
    marks.append(f"039,{days[-1][-1]},absent\n")
    return land(
        {
            "students.csv": "student_id,homeroom\n" + "".join(f"{i:03},7A\n" for i in range(40)),
            "classes.csv": None,
            "enrollments.csv": None,
            "calendar.csv": "date,in_session\n" + "".join(f"{day},Y\n" for week in days for day in week),
            "attendance.csv": "student_id,date,code\n" + "".join(marks),
        },
        SECTION + EXCEPTIONS,
    )  # fmt: skip


def test_a_week_with_hardly_any_exceptions_holds_the_letters_from_it_on(
    land: Land, messages: Messages
) -> None:
    con = exceptions_of_weeks(land, 6, 6, 6, 0)
    ((kind, first, rows, found),) = con.sql(
        "select kind, first_date, rows, id from landing_problems"
    ).fetchall()
    assert (kind, first, rows) == ("few_exceptions", date(2026, 9, 28), 1)
    assert messages(con) == [
        "Attendance of the week of 28\u00a0September has 1 exception where about 30 are usual, so "
        "nearly everyone would count as present. Export it again, or, if that is right: "
        f'edu-pipeline gate release {found} --reason "…"'
    ]


def test_a_quiet_week_or_a_small_school_is_no_problem(land: Land, messages: Messages) -> None:
    assert messages(exceptions_of_weeks(land, 6, 6, 6, 2)) == []


def test_where_few_exceptions_are_usual_a_week_without_is_no_problem(
    land: Land, messages: Messages
) -> None:
    assert messages(exceptions_of_weeks(land, 3, 3, 3, 0)) == []


def test_an_empty_export_of_other_files_is_another_problem(land: Land) -> None:
    ids = set()
    for header in ("student_id,date,code\n", "student_id,date,code,note\n"):
        con = land({"attendance.csv": header})
        found = con.sql("select id from landing_problems where kind = 'empty_export'").fetchall()
        ids.update(found)
    assert len(ids) == 2


def test_a_problem_that_went_and_came_back_is_a_new_one(land: Land) -> None:
    problems = land({"attendance.csv": "student_id,date,code\n"}).table("landing_problems").pl()
    first, second, third = (datetime(2026, 9, day, 8, 30) for day in (7, 8, 9))  # noqa: DTZ001
    found = known_since(problems, problems.clear(), first)
    assert known_since(problems, found, second)["since"].unique().to_list() == [first]
    gone = known_since(problems.clear(), found, second)
    assert known_since(problems, gone, third)["since"].unique().to_list() == [third]
