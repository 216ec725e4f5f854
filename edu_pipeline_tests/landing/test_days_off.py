"""Calendars per grade, track or class: whose days are whose."""

from collections.abc import Callable

import duckdb
import polars as pl
import pytest

from edu_pipeline.landing.sources.school.agreement import without_a_calendar
from edu_pipeline.landing.sources.school.disagreements import group_problems
from edu_pipeline_tests.landing.conftest import Land

STUDENTS = "student_id,given_name,family_name,grade\n007,Ada,Moss,7\n008,Benedict,Oakley,8\n"
CLASSES = "class_id,class_type,grade\nHR-7A,homeroom,7\nHR-8B,homeroom,8\nMAT,scheduled,\n"
ENROLLMENTS = (
    "class_id,person_id,role,begin_date,end_date\n"
    "HR-7A,007,student,2026-09-01,\nHR-8B,008,student,2026-09-01,\n"
    "MAT,007,student,2026-09-01,\nMAT,008,student,2026-09-01,\n"
)
ROSTER = {"students.csv": STUDENTS, "classes.csv": CLASSES, "enrollments.csv": ENROLLMENTS}


def off(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Students and the days of September 2026 that they have off."""
    return con.sql(
        "select student_id, strftime(date, '%d') from stg_days_off order by all"
    ).fetchall()


def asked(con: duckdb.DuckDBPyConnection) -> list[str]:
    return [problem.message for problem in group_problems(without_a_calendar(con))]


@pytest.mark.parametrize(
    "calendar",
    [
        pytest.param(
            "date,grade,in_session\n2026-09-07,7,Y\n2026-09-07,8,Y\n2026-09-08,7,N\n2026-09-08,8,Y\n",
            id="a row per grade",
        ),
        pytest.param(
            'date,grades,in_session\n2026-09-07,"7,8",Y\n2026-09-08,7,N\n2026-09-08,8,Y\n',
            id="lists of grades",
        ),
        pytest.param(
            "date,grade\n2026-09-07,07\n2026-09-07,08\n2026-09-08,08\n", id="days in session only"
        ),
        pytest.param(
            "date,grade,in_session\n2026-09-07,,Y\n2026-09-08,,Y\n2026-09-08,7,N\n",
            id="everybody's, and one that is other for a grade",
        ),
        pytest.param(
            "date,class_id,in_session\n2026-09-07,HR-7A,Y\n2026-09-07,HR-8B,Y\n2026-09-08,HR-7A,N\n"
            "2026-09-08,HR-8B,Y\n",
            id="a row per class",
        ),
    ],
)
def test_who_has_another_calendar_has_other_days(roster: Land, calendar: str) -> None:
    con = roster({**ROSTER, "calendar.csv": calendar})
    assert off(con) == [("007", "08")]
    assert asked(con) == []
    open_days = con.sql("select strftime(date, '%d') from stg_school_days where in_session")
    assert open_days.pl().to_series().sort().to_list() == ["07", "08"]


def test_a_track_is_a_column_of_the_students(roster: Land) -> None:
    days = "date,track,in_session\n2026-09-07,A,Y\n2026-09-07,B,N\n2026-09-08,A,Y\n2026-09-08,B,Y\n"
    students = "student_id,grade,track\n007,7,A\n008,8,B\n"
    con = roster({**ROSTER, "students.csv": students, "calendar.csv": days})
    assert off(con) == [("008", "07")]


def test_calendars_that_are_the_same_for_all_ask_nobody_s_grade(roster: Land) -> None:
    days = "date,grade,in_session\n2026-09-07,1,Y\n2026-09-07,2,Y\n"
    con = roster({**ROSTER, "calendar.csv": days})
    assert (off(con), asked(con)) == ([], [])


def test_a_school_is_judged_by_its_own_calendars(roster: Land) -> None:
    days = (
        "date,school_id,grade,in_session\n2026-09-07,1,7,N\n2026-09-07,1,8,Y\n"
        "2026-09-07,2,7,Y\n2026-09-07,2,8,N\n"
    )
    students = "student_id,grade,school_id\n007,7,1\n008,8,1\n009,7,2\n"
    classes = "class_id,class_type,school_id\nHR-7A,homeroom,1\nHR-8B,homeroom,1\nHR-2,homeroom,2\n"
    spells = ENROLLMENTS.replace("MAT,008", "HR-2,009").replace("MAT,007,student,2026-09-01,\n", "")
    con = roster(
        {
            "students.csv": students,
            "classes.csv": classes,
            "enrollments.csv": spells,
            "calendar.csv": days,
        }
    )
    assert off(con) == [("007", "07")]


def test_days_of_an_earlier_year_are_those_of_the_homeroom_s_grade(roster: Land) -> None:
    # 007 is in grade 8 now, was in 7 last year, and had the 8th of May off with it
    days = "date,grade,in_session\n" + "".join(
        f"{day},{grade},{'N' if (day[-5:], grade) in {('05-08', 7), ('09-08', 8)} else 'Y'}\n"
        for day in ("2026-05-07", "2026-05-08", "2026-09-07", "2026-09-08")
        for grade in (7, 8)
    )
    spells = (
        "class_id,person_id,role,begin_date,end_date\n"
        "HR-7A,007,student,2025-09-01,2026-07-01\nHR-8B,007,student,2026-09-01,\n"
    )
    students = STUDENTS.replace("Moss,7", "Moss,8")
    con = roster(
        {**ROSTER, "students.csv": students, "enrollments.csv": spells, "calendar.csv": days}
    )
    assert con.sql(
        "select date::varchar from stg_days_off where student_id = '007' order by 1"
    ).fetchall() == [
        ("2026-05-08",),
        ("2026-09-08",),
    ]


def test_students_whose_grade_the_calendar_does_not_have_are_a_question(roster: Land) -> None:
    days = (
        "date,grade,in_session\n2026-09-07,Grade 7,N\n2026-09-07,8,Y\n2026-09-08,Grade 7,Y\n"
        "2026-09-08,8,Y\n"
    )
    con = roster({**ROSTER, "calendar.csv": days})
    assert off(con) == []
    message = asked(con)[0]
    assert "the calendar has days of grade 8, Grade 7, and 1 student is in none" in message
    assert '[landing.calendar.values.grade]: "Grade 7" = "7"' in message
    assert "(grade 7)" in message
    said = '[landing.calendar.values.grade]\n"Grade 7" = "7"'
    con = roster({**ROSTER, "calendar.csv": days}, said)
    assert (off(con), asked(con)) == ([("007", "07")], [])


def test_a_track_by_another_word_is_told_with_the_line(roster: Land) -> None:
    """7, which is a grade of students and no track, is no word for theirs; B is a student's."""
    students = "student_id,given_name,family_name,grade,track\n007,Ada,Moss,7,A\n008,Ben,Oak,7,B\n"
    days = "date,track,in_session\n2026-09-07,7,Y\n2026-09-07,B,N\n2026-09-08,B,Y\n"
    con = roster({**ROSTER, "students.csv": students, "calendar.csv": days})
    assert '[landing.calendar.values.track]: 7 = "A"' in asked(con)[0]


def test_tracks_that_no_student_has_are_a_question(roster: Land) -> None:
    days = "date,track,in_session\n2026-09-07,A,Y\n2026-09-07,B,N\n2026-09-08,B,Y\n"
    con = roster({**ROSTER, "calendar.csv": days})
    message = asked(con)[0]
    assert "2 students are in none of them, so nobody knows" in message
    assert '[landing.students.columns]: track = "…"' in message


def test_marks_of_a_day_off_are_outside(stage: Land) -> None:
    days = "date,grade,in_session\n2026-09-07,7,Y\n2026-09-07,8,Y\n2026-09-08,7,N\n2026-09-08,8,Y\n"
    marks = "student_id,date,code\n" + "".join(
        f"{student},2026-09-0{day},present\n" for student in ("007", "008") for day in (7, 8)
    )
    con = stage({**ROSTER, "calendar.csv": days, "attendance.csv": marks})
    rejected = con.sql("select student_id, day::varchar, rule from rejected_attendance").fetchall()
    assert rejected == [("007", "2026-09-08", "school_closed")]


def test_every_row_of_a_calendar_per_grade_counts(
    stage: Land, fates: Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]
) -> None:
    days = "date,grade,in_session\n2026-09-07,7,Y\n2026-09-07,8,Y\n2026-09-07,8,Y\n"
    con = stage({**ROSTER, "calendar.csv": days})
    rows = fates(con).filter(table="calendar").select("fate", "rows").sort("fate").rows()
    assert rows == [("counted", 2), ("same", 1)]
