"""Few rows that say who is whom and in which class: each is asked about."""

from collections.abc import Callable
from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

from edu_pipeline.ground.warehouse import read_table, write_table
from edu_pipeline.landing.sources.school.agreement import homerooms_at_once
from edu_pipeline.landing.sources.school.belonging import (
    causes_of_unknown,
    classes_of_several_schools,
    homerooms_by_name,
    people_without_ids,
    rival_problems,
    stranger_problems,
    students_twice,
    zero_problems,
    zeros_lost,
)
from edu_pipeline.landing.sources.school.disagreements import apart_problems, homeroom_problems
from edu_pipeline.landing.sources.school.losses import worse_rows_lost, worse_rows_problems
from edu_pipeline.landing.sources.school.rejections import unmapped_codes
from edu_pipeline.landing.sources.school.school_problems import code_problems
from edu_pipeline.landing.sources.school.stage_roster import stage_classes
from edu_pipeline.model.problems import problems_frame
from edu_pipeline.model.roster import Students
from edu_pipeline.settings.landing import AttendanceExport, EnrollmentsExport, Landing
from edu_pipeline_tests.landing.conftest import Facts, rosters_of

Stage = Callable[..., Facts]
Land = Callable[..., duckdb.DuckDBPyConnection]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]

WEEK = [date(2026, 9, 7) + timedelta(days=n) for n in range(5)]
HEADER = "student_id,date,code\n"
EXCEPTIONS = '[landing.attendance]\nshape = "exceptions"'
IDS = [*range(1000, 1024), 412]
"""25 students; the last one is 0412."""
STUDENTS = "student_id\n" + "".join(f"{n:04}\n" for n in IDS)
ENROLLED = "class_id,person_id,role,begin_date,end_date\n" + "".join(
    f"HR-7A,{n:04},student,2026-09-01,\n" for n in IDS
)
ROSTER = rosters_of(f"{n:04}" for n in IDS)
MARKS = "".join(f"{n:04},{day},present\n" for n in IDS[:-1] for day in WEEK)


def asked(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str | None, date | None]]:
    return con.sql(
        "select kind, class_id, first_date from landing_problems where holds = 'letters' order by all"
    ).fetchall()


def test_an_id_that_lost_its_zero_is_asked_about_with_the_line_that_gives_it_back(
    land: Land, messages: Messages, facts: Stage
) -> None:
    lost = "".join(f"412,{day},absent\n" for day in WEEK)
    con = land(
        {
            "students.csv": STUDENTS,
            "enrollments.csv": ENROLLED,
            "attendance.csv": HEADER + MARKS + lost,
        }
    )
    assert asked(con) == [("zeros_lost", None, None)]
    (message,) = messages(con)
    assert "Add to [landing.attendance.width]: student_id = 4" in message
    found, *_ = facts({}, "[landing.attendance.width]\nstudent_id = 4", ROSTER)
    assert found.sql("select * from rejected_attendance").fetchall() == []
    assert found.sql("select sum(attended), sum(possible) from stg_attendance").fetchall() == [
        (120, 125)
    ]


@pytest.mark.parametrize(
    ("students", "told"),
    [
        (["412"], "Add to [landing.students.width]: student_id = 4"),
        (["00412", "99"], "Write the ids alike in students and attendance"),
        (["00412"], "Add to [landing.attendance.width]: student_id = 5"),
    ],
)
def test_zeros_are_given_back_where_that_spoils_no_other_id(
    facts: Stage, students: list[str], told: str
) -> None:
    marks = {"attendance.csv": f"{HEADER}0412,2026-09-07,present\n"}
    con, *_ = facts(marks, rosters=rosters_of(students))
    con.execute("create table rejected_enrollments as from rejected_attendance limit 0")
    (problem,) = zero_problems(zeros_lost(con))
    assert told in problem.message


def test_who_is_enrolled_and_has_marks_and_is_not_among_students_is_missed(
    land: Land, messages: Messages
) -> None:
    without = STUDENTS.replace("0412\n", "")
    marks = "".join(f"0412,{day},present\n" for day in WEEK)
    files = {
        "students.csv": without,
        "enrollments.csv": ENROLLED,
        "attendance.csv": HEADER + MARKS + marks,
    }
    con = land(files)
    assert asked(con) == [("not_among_students", "HR-7A", WEEK[0])]
    assert messages(con)[0].startswith(
        "1 student of 7A is in enrollments (school/enrollments.csv, line 26) and in attendance, but not in "
        "students, so 5 rows of attendance count nowhere."
    )
    strangers = pl.DataFrame(
        {
            "class_id": ["HR-7A"],
            "class_name": "7A",
            "class_type": "homeroom",
            "people": 1,
            "days": 1,
        }
    )
    assert stranger_problems(strangers, AttendanceExport()) == []


def test_where_only_absences_have_rows_one_of_nobody_is_somebody_who_seems_present(
    land: Land, messages: Messages, facts: Stage
) -> None:
    late = "".join(f"{n},{WEEK[0]},tardy\n" for n in IDS[:24])
    files = {
        "students.csv": STUDENTS,
        "enrollments.csv": ENROLLED,
        "attendance.csv": f"{HEADER}{late},{WEEK[1]},absent\n",
    }
    con = land(files, EXCEPTIONS)
    assert asked(con) == [("absences_lost", None, None)]
    assert messages(con)[0].startswith(
        "1 of 1 absences in attendance is rejected: missing student id (school/attendance.csv, line 26)."
    )
    late_too = {"attendance.csv": f"{HEADER}{late},{WEEK[1]},tardy\n"}
    con, _, settings = facts(late_too, EXCEPTIONS, ROSTER)
    assert con.sql("select rule from rejected_attendance").fetchall() == [("missing_student_id",)]
    assert worse_rows_problems(worse_rows_lost(con), (), settings.landing.attendance) == []


@pytest.mark.parametrize(("end", "holds"), [("2026-09-10", True), ("2027-06-18", False)])
def test_one_enrollment_that_ended_and_did_not_is_asked_about_where_a_figure_depends_on_it(
    land: Land, end: str, *, holds: bool
) -> None:
    twice = ENROLLED.replace(
        "HR-7A,0412,student,2026-09-01,\n",
        f"HR-7A,0412,student,2026-09-01,{end}\nHR-7A,0412,student,2026-09-01,\n",
    )
    con = land(
        {
            "students.csv": STUDENTS,
            "enrollments.csv": twice,
            "attendance.csv": f"{HEADER}1000,{WEEK[4]},absent\n",
        },
        EXCEPTIONS,
    )
    assert asked(con) == ([("different_ends", "HR-7A", date(2026, 9, 10))] if holds else [])


@pytest.mark.parametrize(("second", "asks"), [("2", True), ("01", False)])
def test_one_class_id_of_two_schools_is_asked_about_among_many_classes(
    read_exports: Stage, second: str, *, asks: bool
) -> None:
    others = "".join(f"EL{n},Elective {n},scheduled,1\n" for n in range(30))
    both = f"HR-7A,7A,homeroom,1\nHR-7A,7A,homeroom,{second}\n"
    classes = f"class_id,class_name,class_type,school_id\n{others}{both}"
    con, _, settings = read_exports({"classes.csv": classes})
    rows = read_table(con, "read_classes")
    staged = stage_classes(rows, Students.create_empty(), settings.landing.classes)
    write_table(con, "rejected_classes", staged.rejected)
    nothing = pl.DataFrame()
    found = [*rival_problems(classes_of_several_schools(con), nothing, nothing, ())]
    assert [problem.message.partition(", and only")[0] for problem in found] == [
        "Class HR-7A stands in classes more than once, for several schools (school/classes.csv, line 32)"
    ] * asks


NAMED = "student_id,given_name,family_name,homeroom,school_id"


@pytest.mark.parametrize(("second", "told"), [
    ("007,Dora,Pine,HR-7A,1", "with different names"), ("007,Ada,Moss,HR-7B,1", "different homerooms"),
    ("007,Ada,Moss,HR-7A,2", ""), ("007,ada,Moss,HR-7A,1", ""),
])  # fmt: skip
def test_an_id_that_stands_twice_among_students_is_asked_about(
    roster: Land, second: str, told: str
) -> None:
    con = roster({"students.csv": f"{NAMED}\n007,Ada,Moss,HR-7A,1\n{second}\n008,B,O,HR-7A,1\n"})
    nothing = pl.DataFrame()
    found = [*rival_problems(nothing, nothing, students_twice(con), ())]
    assert [told in problem.message for problem in found] == [True] * len(found)
    classes = {problem.class_id for problem in found}
    assert classes == ({"HR-7A", "HR-7B"} if "homerooms" in told else {"HR-7A"} if told else set())
    if found:
        assert found[0].message.startswith("1 id of 7A")


def test_students_of_a_class_without_an_id_hold_it_and_no_other(roster: Land) -> None:
    rows = "HR-7A,007,student\nHR-7A,,student\nMAT,008,student\nMAT,,teacher\n"
    con = roster({"enrollments.csv": f"class_id,person_id,role\n{rows}"})
    (problem,) = people_without_ids(con, EnrollmentsExport())
    assert problem.class_id == "HR-7A"
    assert problem.message.startswith(
        "1 row of enrollments about 7A has no id (school/enrollments.csv, line 3), so its figures lack a student"
    )


def test_a_homeroom_by_its_name_is_asked_about(roster: Land) -> None:
    students = "student_id,homeroom\n007,{0}\n008,{0}\n"
    teachers = {"enrollments.csv": "class_id,person_id,role\nHR-7A,T1,teacher\n"}
    con = roster({"students.csv": students.format("7A"), **teachers})
    (problem,) = homerooms_by_name(con)
    assert problem.message.startswith(
        "7A is the homeroom of 2 students, and classes has it as a name"
    )
    assert [
        *homerooms_by_name(roster({"students.csv": students.format("HR-7A"), **teachers}))
    ] == []
    con = roster({}, '[landing.classes.columns]\nclass_id = "class_name"')
    assert [*homerooms_by_name(con)] == []


LONG = "123456789012345"
REJECTED = "create table rejected_{} as select '{}' as rule, unnest({}) as value;"


@pytest.mark.parametrize(("known", "unknown", "lost"), [
    (f"{LONG}67", f"{LONG}00", "in attendance"), (f"{LONG}00", f"{LONG}67", "in students"),
    (f"{LONG}67", "1.23457E+16", "in attendance"), (f"{LONG}67", "99", ""), ("12", "1200", ""),
])  # fmt: skip
def test_ids_with_more_digits_than_excel_keeps_are_told_as_such(
    known: str, unknown: str, lost: str
) -> None:
    with duckdb.connect() as con:
        con.execute(rosters_of([known]))
        con.execute("create table raw_students as select student_id from stg_students")
        for table in ("homework", "enrollments"):
            con.execute(REJECTED.format(table, "unknown_class_id", "[]::varchar[]"))
        con.execute(REJECTED.format("attendance", "unknown_student_id", [unknown]))
        causes = causes_of_unknown(con)
    assert [lost in cause for cause in causes.values()] == [True] * bool(lost)


@pytest.mark.parametrize(("known", "unknown", "told"), [
    ("S07", "s07", True), ("1007", "1,007", True), ("S-07", "S07", True), ("S07", "S08", False),
])  # fmt: skip
def test_ids_in_other_letters_are_told_as_such(known: str, unknown: str, told: bool) -> None:
    with duckdb.connect() as con:
        con.execute(rosters_of([known]))
        con.execute("create table raw_students as select student_id from stg_students")
        for table in ("homework", "enrollments"):
            con.execute(REJECTED.format(table, "unknown_class_id", "[]::varchar[]"))
        con.execute(REJECTED.format("attendance", "unknown_student_id", [unknown]))
        causes = causes_of_unknown(con)
    assert ["in other letters" in cause for cause in causes.values()] == [True] * told


@pytest.mark.parametrize(("ids", "told"), [
    ("HR-1,7A\nHR-2,7B", 'class_id = "class_name"'), ("HR-1,7A\nHR-2,7A", "with the ids that classes has."),
    ("HR-1,8A\nHR-2,8B", ""),
])  # fmt: skip
def test_names_of_classes_in_place_of_their_ids_are_told_as_such(
    roster: Land, ids: str, told: str
) -> None:
    classes = f"class_id,class_name\n{ids}\n"
    constants = '[landing.classes.constants]\nclass_type = "homeroom"'
    enrolled = "class_id,person_id,role\n7A,007,student\n7A,008,student\n"
    con = roster({"classes.csv": classes, "enrollments.csv": enrolled}, constants)
    for table in ("homework", "attendance"):
        con.execute(f"create table rejected_{table} as from rejected_enrollments limit 0")
    causes = causes_of_unknown(con)
    assert [told in cause for cause in causes.values()] == [True] * bool(told)


def test_a_school_that_the_calendar_writes_otherwise_is_translated(
    land: Land, messages: Messages, paste: Callable[[duckdb.DuckDBPyConnection], str]
) -> None:
    days = "".join(f"{day},Hill School,Y\n" for day in WEEK)
    files = {
        "students.csv": "student_id,school_id\n007,1\n008,1\n",
        "classes.csv": "class_id,class_name,class_type,school_id\nHR-7A,7A,homeroom,1\n",
        "calendar.csv": f"date,school_id,in_session\n{days}",
    }
    line = paste(land(files))
    assert line == '[landing.calendar.values.school_id]\n"Hill School" = "1"\n'
    said = land({}, line)
    assert messages(said) == []
    assert said.sql("select sum(attended), sum(possible) from stg_attendance").fetchall() == [
        (1, 2)
    ]


@pytest.mark.parametrize(
    ("begin", "told"),
    [
        (
            "2025-09-01",
            "HR-6A began on 1\u00a0September 2025, and nothing says that it has ended. If the one",
        ),
        ("2026-08-31", "or end the enrollments that are over. If the one counts that began later"),
        ("2026-09-01", "or end the enrollments that are over."),
    ],
)
def test_of_two_homerooms_the_one_of_last_year_is_named(begin: str, told: str) -> None:
    with duckdb.connect() as con:
        con.execute(ROSTER)
        con.execute("insert into stg_classes values ('HR-6A', '6A', 'homeroom', '1')")
        con.execute(
            "insert into stg_enrollments "
            "select 'HR-6A', student_id, 'student', ?, '9999-12-31' from stg_students",
            [begin],
        )
        found = problems_frame(homeroom_problems(homerooms_at_once(con)))
    (message,) = found["message"].unique()
    assert told in message
    assert ("gate release" in message) == ("If the one" in told)


def test_days_weeks_from_any_other_are_dates_the_wrong_way_round(
    land: Land, messages: Messages
) -> None:
    swapped = [date(2026, month, 9) for month in (10, 11, 12)]
    days = [*WEEK, *swapped]
    marks = "".join(f"{n},{day},present\n" for n in ("007", "008") for day in days)
    con = land({"attendance.csv": HEADER + marks, "calendar.csv": None})
    assert messages(con)[0].startswith(
        "3 days with marks of attendance, such as 9\u00a0October 2026, 9\u00a0November 2026 and "
        "9\u00a0December 2026, are weeks away from any other"
    )
    assert apart_problems(days[:-1], Landing()) == []


def test_corrections_that_the_office_appends_are_no_sessions(
    land: Land, messages: Messages
) -> None:
    rows = "".join(f"{n},{day},present,Teacher\n" for n in ("007", "008") for day in WEEK)
    corrected = f"007,{WEEK[1]},absent,Office\n008,{WEEK[2]},absent,Office\n"
    con = land({"attendance.csv": f"student_id,date,code,source\n{rows}{corrected}"})
    (message,) = messages(con)
    assert "so these are likely corrections and no sessions" in message
    assert "sessions_per_day" not in message


def test_the_status_of_a_record_is_no_outcome_of_homework(facts: Stage) -> None:
    header = "student_id,assignment_id,class_id,due_date,status"
    con, *_ = facts({"homework.csv": f"{header}\n007,a1,MAT,2026-09-08,active\n"})
    (problem,) = code_problems(unmapped_codes(con))
    assert 'status = "scoreStatus"' in problem.message
