"""What holds the mail, and whether the advice in the message really helps."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import duckdb
import polars as pl
import pytest

from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.landing.rules import SUPERSEDED
from edu_pipeline.landing.sources.school.agreement import marks_on_closed_days
from edu_pipeline.landing.sources.school.disagreements import closed_problems
from edu_pipeline.landing.sources.school.rejections import unmapped_codes
from edu_pipeline.landing.sources.school.school_problems import (
    MEANINGS,
    code_problems,
    date_advice,
    exception_problems,
    file_problems,
    row_problems,
    shape_problems,
    word_problems,
)
from edu_pipeline.landing.sources.school.stage_facts import marks_found
from edu_pipeline.landing.sources.school.telling_apart import several_problem, several_rows
from edu_pipeline.landing.tables.dates import parsed_date
from edu_pipeline.model.gate import known_since
from edu_pipeline.model.problems import Problem, problems_frame
from edu_pipeline.model.quality import LandingFiles
from edu_pipeline.settings.landing import AttendanceExport, Landing
from edu_pipeline_tests.landing.conftest import ROSTERS, Facts, lines_told, rosters_of

Land = Callable[..., duckdb.DuckDBPyConnection]
Stage = Callable[..., Facts]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
Paste = Callable[[duckdb.DuckDBPyConnection], str]

SECTION = "[landing.attendance]\n"
EXCEPTIONS = 'shape = "exceptions"\n'


def of_files(found: Facts) -> list[Problem]:
    """What is wrong with files, but for exports of which there is none."""
    problems = file_problems(found.files, found.settings.landing)
    return [problem for problem in problems if problem.kind != "missing_export"]


def test_a_clean_school_has_no_problem(land: Land, messages: Messages) -> None:
    assert messages(land()) == []


def test_a_missing_column_is_told_with_the_line_to_paste(read_exports: Stage) -> None:
    found = read_exports(
        {
            "attendance.csv": "pupil,date,code\n007,2026-09-07,present\n",
            "attendance_b.csv": '"Student ""Ident""",date,code\n007,2026-09-08,present\n',
        }
    )
    problems = of_files(found)
    assert [problem.message for problem in problems] == [
        "school/attendance.csv: no column for student_id. Its other columns are: pupil. "
        'Add to [landing.attendance.columns]: student_id = "pupil"',
        'school/attendance_b.csv: no column for student_id. Its other columns are: Student "Ident". '
        'Add to [landing.attendance.columns]: student_id = "Student \\"Ident\\""',
    ]
    assert {(each.kind, each.class_id, each.first_date) for each in problems} == {
        ("missing_column", None, None)
    }


def test_the_pasted_column_works(facts: Stage) -> None:
    marks = '"Student ""Ident""",date,code\n007,2026-09-07,present\n'
    (problem,) = of_files(facts({"attendance.csv": marks}))
    fixed = facts({}, lines_told(problem.message))
    assert of_files(fixed) == []
    assert fixed.con.sql("select student_id from stg_attendance").fetchall() == [("007",)]


def test_a_column_of_the_settings_that_is_not_there_is_a_problem(read_exports: Stage) -> None:
    found = read_exports(
        {"students.csv": "student_id,given_name,family_name,grade\n"},
        '[landing.students.columns]\ngrade = "Form Year"\n'
        '[landing.staff.constants]\nschol_id = "1"',
    )
    assert [problem.message for problem in of_files(found)] == [
        'school/students.csv: [landing.students.columns] says grade = "Form Year", but the file '
        "has no such column. Its columns are: student_id, given_name, family_name, grade.",
        "[landing.staff.constants] has schol_id, which is none of its columns: staff_id, "
        "given_name, family_name, full_name, preferred_name, suffix, email, school_id.",
    ]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ('values = { clas_id = { "a" = "b" } }', "clas_id, which is none of its columns"),
        ('beside = { staus = "Late" }', "staus, which is none of its columns"),
        ('lists = ["clas_id"]', "clas_id, which is none of its columns"),
        ('where = { Kiend = ["x"] }', 'names "Kiend", but the file has no such column'),
        (
            'join = { task = { files = ["school/task*"], on = "Tsak", key = "id" } }',
            'its join task: on = "Tsak", but the file has no such column',
        ),
        (
            'join = { task = { files = ["school/task*"], on = "Task", key = "idd" } }',
            'its join task: key = ["idd"], but no file of school/task* has such columns',
        ),
        ('columns = { due_date = "tsk.due" }', 'due_date = "tsk.due", but the file has no such'),
    ],
)
def test_a_misspelling_in_a_part_is_told(read_exports: Stage, part: str, said: str) -> None:
    found = read_exports(
        {
            "homework.csv": "student_id,assignment_id,due_date,status,Task\n",
            "tasks.csv": "id,due\n",
        },
        f'[landing.homework.parts."*homework*"]\n{part}',
    )
    assert said in " ".join(problem.message for problem in of_files(found))


def test_an_unmapped_code_names_its_classes_and_the_finished_line_works(
    land: Land, messages: Messages, paste: Paste, facts: Stage
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
    fixed, *_ = facts({}, paste(con).replace("…", "absent"))
    assert code_problems(unmapped_codes(fixed)) == []
    assert fixed.sql("select sum(attended) from stg_attendance").fetchall() == [(1,)]


def test_any_code_can_be_pasted(facts: Stage) -> None:
    codes = "'", '"', "\\", "a b", "[x]", "é", "#"
    cells = [code.replace('"', '""') for code in codes]
    marks = "".join(
        f'00{7 + number % 2},2026-09-{7 + number // 2:02},"{cell}"\n'
        for number, cell in enumerate(cells)
    )
    con, *_ = facts({"attendance.csv": f"student_id,date,code\n{marks}"})
    told = [problem.message for problem in code_problems(unmapped_codes(con))]
    section = "[attendance.codes]\n"
    lines = [message.partition(f"Add to {section.strip()}: ")[2] for message in told]
    assert len(lines) == len(codes)
    con, *_ = facts({}, section + "\n".join(lines).replace("…", "absent"))
    assert code_problems(unmapped_codes(con)) == []
    read = con.sql("select code, attended from stg_attendance order by line").fetchall()
    assert read == [(code, 0) for code in codes]


def test_only_classes_in_which_a_student_was_on_that_day_are_concerned(facts: Stage) -> None:
    moved = """
    insert into stg_classes values ('HR-7B', '7B', 'homeroom', '1'), ('ART', 'Art', 'scheduled', '1');
    update stg_enrollments set end_date = '2026-09-08' where person_id = '007';
    update stg_enrollments set class_id = 'ART' where person_id = '008';
    insert into stg_enrollments values
      ('HR-7B', '007', 'student', '2026-09-08', '9999-12-31'),
      ('MAT', '007', 'student', '0001-01-01', '9999-12-31');
    """
    marks = "student_id,date,code\n007,2026-09-08,QT\n008,2026-09-08,present\n"
    con, *_ = facts({"attendance.csv": marks}, rosters=ROSTERS + moved)
    problems = code_problems(unmapped_codes(con))
    assert problems[0].message.startswith("'QT' appears once on 2026-09-08 (7B), and nobody")
    assert sorted(str(problem.class_id) for problem in problems) == ["HR-7B", "MAT"]


def test_a_column_of_free_text_is_not_shown_as_codes_or_words(
    land: Land, messages: Messages
) -> None:
    """The `land` fixture asserts that no name is in any message."""
    students = "".join(f"{i},Ada{i},Moss,7\n" for i in range(30))
    marks = "".join(f"{i},2026-09-07,Ada{i} Moss\n" for i in range(30))
    classes = "".join(f"C{i},7A,Ada{i} Moss\n" for i in range(30))
    con = land(
        {
            "students.csv": f"student_id,given_name,family_name,grade\n{students}",
            "classes.csv": f"class_id,class_name,class_type\nHR-7A,7A,homeroom\n{classes}",
            "enrollments.csv": "class_id,person_id,role\nHR-7A,1,student\n",
            "attendance.csv": f"student_id,date,code\n{marks}",
        }
    )
    assert [told for told in messages(con) if told.startswith("The column")] == [
        "The column of attendance taken for its codes holds 30 different texts that nobody mapped, "
        'so it is likely the wrong one. Say in [landing.attendance.columns] which it is: code = "…"',
        "The column of classes taken for class_type holds 30 different texts that nobody mapped, so "
        'it is likely the wrong one. Say in [landing.classes.columns] which it is: class_type = "…"',
    ]
    assert con.sql(
        "select kind, rows from landing_problems where kind like 'unmapped%' order by 1"
    ).fetchall() == [("unmapped_code", 30), ("unmapped_word", 30)]


def test_an_unmapped_word_is_a_problem_whose_fix_works(read_exports: Stage) -> None:
    texts = {
        "classes": "class_id,class_name,class_type\nHR-7A,7A,Base Group\nMAT,Maths,scheduled\n",
        "enrollments": "class_id,person_id,role\nMAT,007,enrolled\nMAT,008,student\n",
        "calendar": "date,in_session\n2026-09-07,Y\n2026-09-08,open\n",
    }

    def told(toml: str = "") -> list[str]:
        con, _, settings = read_exports({f"{name}.csv": text for name, text in texts.items()}, toml)
        words = {(table, column): read_table(con, f"read_{table}") for table, column in MEANINGS}
        return [problem.message for problem in word_problems(words, settings.landing)]

    pasted, asked = "", told()
    for table, column, word, meaning in (
        ("classes", "class_type", "Base Group", "homeroom"),
        ("enrollments", "role", "enrolled", "student"),
        ("calendar", "in_session", "open", "true"),
    ):
        (message,) = [each for each in asked if each.startswith(column)]
        begins = f"{column} '{word}' appears once in {table}. Add to [landing.{table}."
        assert message.startswith(begins)
        pasted += lines_told(message).replace("…", meaning)
    assert told(pasted) == []


@pytest.mark.parametrize(
    ("cells", "fix", "formats"),
    [
        (
            ["9/7/2026", "09/08/2026"],
            '["…"]  # say which, "%m/%d/%Y" or "%d/%m/%Y"',
            ("%m/%d/%Y",),
        ),
        (["9/7/26", "9/8/26", "9/13/26"], '["%m/%d/%y"]', ("%m/%d/%y",)),
        (["7.9.2026", "8.9.2026"], '["%d.%m.%Y"]', ("%d.%m.%Y",)),
    ],
)
def test_the_advice_about_dates_is_a_format_that_reads_them(
    cells: list[str], fix: str, formats: tuple[str, ...]
) -> None:
    advice = date_advice(cells, "attendance", Landing())
    assert advice == f" Add to [landing.attendance]: date_formats = {fix}"
    read = pl.DataFrame({"text": cells}).select(parsed_date(pl.col("text"), formats)).to_series()
    assert read.to_list()[:2] == [date(2026, 9, 7), date(2026, 9, 8)]


def test_a_wrong_date_format_is_one_problem_whose_fix_works(
    land: Land, messages: Messages, paste: Paste, facts: Stage
) -> None:
    marks = "007,9/7/2026,present\n007,09/08/2026,present\n"
    con = land({"calendar.csv": None, "attendance.csv": f"student_id,date,code\n{marks}"})
    (message,) = messages(con)
    assert message.startswith("2 of 2 rows of attendance are rejected: unparseable date, such as ")
    assert message.endswith(
        "(school/attendance.csv, line 2). Add to [landing.attendance]: date_formats = "
        '["…"]  # say which, "%m/%d/%Y" or "%d/%m/%Y"'
    )
    fixed, *_ = facts({}, paste(con).replace("…", "%m/%d/%Y"))
    assert fixed.sql("select date from stg_attendance order by 1").fetchall() == [
        (date(2026, 9, 7),),
        (date(2026, 9, 8),),
    ]


def test_the_other_order_of_day_and_month_replaces_the_one_that_is_set() -> None:
    said = Landing(attendance=AttendanceExport(date_formats=("%m/%d/%Y", "%d.%m.%Y")))
    assert date_advice(["13/09/2026"], "attendance", said) == (
        ' Replace in [landing.attendance]: date_formats = ["%d.%m.%Y", "%d/%m/%Y"]  # instead of '
        "%m/%d/%Y: with both, days and months would be swapped"
    )


def _many_rejected(
    rule: str, *files: tuple[str, int, int, str | None], table: str = "attendance"
) -> list[str]:
    """What is said where of each file so many rows, of so many, broke a rule, the first with a value."""
    rejected = pl.DataFrame(
        [(table, rule, path, bad, 2, value, [value]) for path, bad, _, value in files if bad],
        schema=["table", "rule", "file", "rows", "line", "first_value", "values"],
        orient="row",
    )
    received = pl.DataFrame(
        [(table, path, of) for path, _, of, _ in files], ["table", "file", "rows"], orient="row"
    )
    problems = row_problems(rejected, received, LandingFiles.create_empty(), Landing())
    return [problem.message for problem in problems]


def test_a_cell_that_looks_like_no_date_is_not_shown() -> None:
    assert _many_rejected("unparseable_date", ("school/attendance.csv", 1, 1, "Ada Moss 3")) == [
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


def test_one_file_of_many_that_fails_altogether_is_a_problem() -> None:
    files = ("school/attendance.csv", 0, 40, None), ("school/new.csv", 1, 1, "08.09.2026")
    assert _many_rejected("unparseable_date", *files) == [
        "1 of 1 rows of school/new.csv are rejected: unparseable date, such as '08.09.2026' "
        '(school/new.csv, line 2). Add to [landing.attendance]: date_formats = ["%d.%m.%Y"]'
    ]


def test_exports_that_do_not_know_each_other_are_a_problem(land: Land, messages: Messages) -> None:
    con = land({"attendance.csv": "student_id,date,code\n9,2026-09-07,present\n"})
    assert messages(con) == [
        "1 of 1 rows of attendance are rejected: unknown student id (school/attendance.csv, line 2). "
        "The exports do not fit together: export them again on the same day, or say in "
        "[landing.attendance.columns] which column holds the same ids."
    ]


def test_attendance_on_closed_days_only_is_a_problem(facts: Stage) -> None:
    marks = "student_id,date,code\n007,2026-09-12,present\n"
    con, _, settings = facts({"attendance.csv": marks})
    (problem,) = closed_problems(marks_on_closed_days(con), settings.landing)
    assert problem.message.startswith(
        "The calendar has no school on 12\u00a0September 2026, and there is 1 mark of attendance on it "
        "(school/attendance.csv, line 2), which counts nowhere. If there was school, export the calendar "
        "again with these days in session."
    )


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


def test_several_marks_for_one_key_are_a_problem(facts: Stage) -> None:
    marks = "student_id,date,code\n007,2026-09-07,present\n007,2026-09-07,absent\n"
    con, files, settings = facts({"attendance.csv": marks})
    several = several_rows(con, "attendance", files, settings)
    assert several
    assert several_problem(several).message.startswith(
        "Up to 2 rows of attendance are about the same student and day, and no column is known"
    )


def test_a_teacher_of_two_schools_is_no_problem(people: Land) -> None:
    con = people({"staff.csv": "staff_id,email,school_id\nT1,c@x.example,1\nT1,c@x.example,2\n"})
    assert con.sql("select staff_id from stg_staff").fetchall() == [("T1",)]
    assert con.sql("select rule from rejected_staff").fetchall() == [(SUPERSEDED,)]
    assert _many_rejected(SUPERSEDED, ("school/staff.csv", 1, 2, None), table="staff") == []
    assert _many_rejected(SUPERSEDED, ("school/students.csv", 1, 2, None), table="students")


def test_an_export_that_is_needed_and_not_there_is_a_problem() -> None:
    problems = file_problems(LandingFiles.create_empty(), Landing())
    assert [(problem.kind, problem.message) for problem in problems] == [
        (
            "missing_export",
            f"No {table} export has landed. Put a file named like school/{table}*.csv into the "
            f"landing zone, or say in [landing.{table}] files = […] where it is.",
        )
        for table in ("students", "staff", "attendance")
    ]


def test_classes_and_enrollments_need_not_be_there_where_students_have_a_homeroom(
    land: Land, messages: Messages
) -> None:
    nothing = {"classes.csv": None, "enrollments.csv": None}
    homeroom = (
        "student_id,given_name,family_name,homeroom\n007,Ada,Moss,7A\n008,Benedict,Oakley,7A\n"
    )
    (message,) = messages(land(nothing))
    assert message.startswith(
        "No enrollments export has landed. Without it, or a homeroom column of students, nobody is in a class."
    )
    assert messages(land({**nothing, "students.csv": homeroom})) == []


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
    facts: Stage,
) -> None:
    codes = "A" * 15 + "T" * 5 + "P"
    marks = {"attendance.csv": list_of_marks(codes)["attendance.csv"]}
    rosters = rosters_of(f"{n:03}" for n in range(len(codes)))
    con, _, settings = facts(marks, LETTERS, rosters)
    told = problems_frame(shape_problems(*marks_found(con), settings.landing))
    ((found, kind, rows, first, message),) = told.select(
        "id", "kind", "rows", "first_date", "message"
    ).rows()
    assert (kind, rows, first) == ("only_exceptions", 21, None)
    assert message == (
        "Only 1 of 21 attendance marks are present, as if there were rows for absences and late "
        'arrivals only. If so, add to [landing.attendance]: shape = "exceptions". If everyone has '
        "a row, say in [attendance.codes] which code is present. If the marks are right: "
        f'edu-pipeline gate release {found} --reason "…"'
    )
    pasted = re.search(r"add to (\[[^\]]+\]): (.*?)\. If", message)
    assert pasted
    con, _, settings = facts({}, f"{LETTERS}{pasted[1]}\n{pasted[2]}\n", rosters)
    assert shape_problems(*marks_found(con), settings.landing) == []


def test_only_marks_that_count_in_a_rate_tell_the_shape(facts: Stage) -> None:
    codes = "A" * 19 + "X" * 9 + "O" * 9
    marks = {"attendance.csv": list_of_marks(codes)["attendance.csv"]}
    rosters = rosters_of(f"{n:03}" for n in range(len(codes)))
    con, _, settings = facts(marks, LETTERS, rosters)
    assert marks_found(con) == (19, 0)
    assert shape_problems(19, 0, settings.landing) == []


def test_marks_that_nobody_mapped_may_be_those_of_the_present(
    land: Land, messages: Messages
) -> None:
    con = land(list_of_marks("A" * 20 + "P" * 300), LETTERS.replace('P = "present"', ""))
    (message,) = messages(con)
    assert message.startswith("'P' appears 300 times")


def weeks_with(*exceptions: int) -> pl.DataFrame:
    """So many exceptions in each of a school's weeks, one after the other."""
    first = date(2026, 9, 7)
    return pl.DataFrame(
        {
            "school_id": "1",
            "week": [first + timedelta(weeks=week) for week in range(len(exceptions))],
            "days": 5,
            "rows": exceptions,
        }
    )


def test_a_week_with_hardly_any_exceptions_holds_the_letters_from_it_on(
    land: Land, messages: Messages
) -> None:
    """Of a school of 40, whose newest week has one, so it is known how far the export goes."""
    mondays = [date(2026, 9, 7) + timedelta(weeks=week) for week in range(4)]
    weeks = [[monday + timedelta(days=n) for n in range(5)] for monday in mondays]
    marks = [
        f"{student:03},{day},absent\n" for week in weeks[:3] for day in week for student in range(6)
    ]
    marks.append(f"039,{weeks[-1][-1]},absent\n")
    con = land(
        {
            "students.csv": "student_id,homeroom\n" + "".join(f"{i:03},7A\n" for i in range(40)),
            "classes.csv": None,
            "enrollments.csv": None,
            "calendar.csv": "date,in_session\n"
            + "".join(f"{day},Y\n" for week in weeks for day in week),
            "attendance.csv": "student_id,date,code\n" + "".join(marks),
        },
        SECTION + EXCEPTIONS,
    )
    ((kind, first, rows, found),) = con.sql(
        "select kind, first_date, rows, id from landing_problems"
    ).fetchall()
    assert (kind, first, rows) == ("few_exceptions", date(2026, 9, 28), 1)
    assert messages(con) == [
        "Attendance of the week of 28\u00a0September has 1 exception where about 30 are usual, so "
        "nearly everyone would count as present. Export it again, or, if that is right: "
        f'edu-pipeline gate release {found} --reason "…"'
    ]
    (same,) = exception_problems(weeks_with(30, 30, 30, 1))
    assert [same.message] == messages(con)


def test_a_quiet_week_or_a_small_school_is_no_problem() -> None:
    assert exception_problems(weeks_with(30, 30, 30, 11)) == []


def test_where_few_exceptions_are_usual_a_week_without_is_no_problem() -> None:
    assert exception_problems(weeks_with(15, 15, 15, 1)) == []


def test_an_empty_export_of_other_files_is_another_problem(read_exports: Stage) -> None:
    ids = set()
    for header in ("student_id,date,code\n", "student_id,date,code,note\n"):
        _, files, settings = read_exports({"attendance.csv": header})
        nothing = pl.DataFrame(schema=["table", "rule", "file", "rows"]).cast({"rule": pl.String})
        (problem,) = row_problems(nothing, nothing, files, settings.landing)
        assert problem.kind == "empty_export"
        ids.add(problem.id)
    assert len(ids) == 2


def test_a_problem_that_went_and_came_back_is_a_new_one() -> None:
    problems = problems_frame(
        [Problem("school", "attendance", "empty_export", "rows", "It has no row.", "letters")]
    )
    first, second, third = (datetime(2026, 9, day, 8, 30) for day in (7, 8, 9))  # noqa: DTZ001
    found = known_since(problems, problems.clear(), first)
    assert known_since(problems, found, second)["since"].unique().to_list() == [first]
    gone = known_since(problems.clear(), found, second)
    assert known_since(problems, gone, third)["since"].unique().to_list() == [third]
