"""Exports that list only who was there, or only what was handed in."""

import tomllib
from collections.abc import Callable, Collection

import duckdb
import pytest

from edu_pipeline.landing.sources.school.doubts import doubts
from edu_pipeline.landing.sources.school.finding import column_questions
from edu_pipeline_tests.landing.conftest import Facts, lines_told, rosters_of

EXCEPTIONS = '[landing.attendance]\nshape = "exceptions"\n'
STUDENTS = [f"{number:03}" for number in range(1, 26)]
Land = Callable[..., duckdb.DuckDBPyConnection]
Asked = Callable[..., list[str]]


@pytest.fixture
def asked(facts: Callable[..., Facts]) -> Asked:
    """An export of all of 7A's 25 students → the kinds of what is asked."""
    return lambda files: [each.kind for each in doubts(*facts(files, "", rosters_of(STUDENTS)))]


def marks(without: Collection[str] = (), absent: Collection[str] = ()) -> dict[str, str]:
    """Of 25 students on five days but for the first day of some."""
    rows = [
        f"{student},2026-09-{day:02},{'absent' if student in absent else 'present'}\n"
        for student in STUDENTS
        for day in range(7, 12)
        if day > 7 or student not in without
    ]
    return {"attendance.csv": f"student_id,date,code\n{''.join(rows)}"}


def test_marks_that_are_all_present_are_asked_about_where_some_have_none(asked: Asked) -> None:
    assert asked(marks(without=STUDENTS[:2])) == ["nobody_absent"]
    # somebody who is forgotten in a register is none
    assert asked(marks(without=STUDENTS[:1])) == []
    assert asked(marks()) == []
    assert asked(marks(without=STUDENTS[:2], absent=STUDENTS[2:3])) == []


def homework(without: int, status: str = "submitted") -> dict[str, str]:
    """A piece of 7A of all but some students; the first one's has this status."""
    rows = [
        f"{student},A,HR-7A,2026-09-08,{status if student == STUDENTS[0] else 'submitted'}\n"
        for student in STUDENTS[: len(STUDENTS) - without]
    ]
    header = "student_id,assignment_id,class_id,due_date,status"
    return {"homework.csv": f"{header}\n{''.join(rows)}"}


def test_homework_of_which_none_is_missing_is_asked_about_where_some_have_no_row(
    asked: Asked,
) -> None:
    assert asked(homework(without=2)) == ["nothing_missing"]
    # of one in twenty-five it may have been asked of others only
    assert asked(homework(without=1)) == []
    assert asked(homework(without=2, status="missing")) == []


def test_students_without_any_homework_among_others_with_all_are_asked_about(asked: Asked) -> None:
    """Of 25 five have none, as where the file ends early."""
    assert asked(homework(without=5, status="missing")) == ["students_without_homework"]
    assert asked(homework(without=4, status="missing")) == []
    # of pieces for a part of the class each it may be right
    halves = homework(without=5, status="missing")["homework.csv"].replace("010,A", "010,B")
    for student in STUDENTS[10:20]:
        halves = halves.replace(f"{student},A", f"{student},B")
    assert asked({"homework.csv": halves}) == []


def exceptions(*per_day: int) -> dict[str, str]:
    """So many absences of 7A on each day of a week."""
    rows = [
        f"{student},2026-09-{day:02},absent\n"
        for day, count in enumerate(per_day, start=7)
        for student in STUDENTS[:count]
    ]
    return {"attendance.csv": f"student_id,date,code\n{''.join(rows)}"}


def test_a_day_without_exceptions_is_asked_about_where_many_are_usual(
    facts: Callable[..., Facts],
) -> None:
    def asked(*per_day: int) -> list[str]:
        shape = '[landing.attendance]\nshape = "exceptions"'
        return [
            each.message
            for each in doubts(*facts(exceptions(*per_day), shape, rosters_of(STUDENTS)))
        ]

    (message,) = asked(12, 11, 0, 10, 12)
    assert (
        "absent or late on 9\u00a0September 2026, where about 12 students a day are usual"
        in message
    )
    # of few it may be chance, and after the last one nobody knows
    assert asked(9, 9, 0, 9, 9) == []
    assert asked(12, 11, 10, 12, 0) == []
    assert asked(12, 11, 1, 10, 12) == []


@pytest.mark.parametrize(("header", "cells", "asks"), [
    ("FTE", ("1", "0.6"), True), ("FTE %", ("100", "60"), True), ("Student FTE", ("1,0", "0,5"), True),
    ("FTE", ("1.0", "1"), False), ("FTE", ("1", ""), False),
    ("Part-time", ("N", "Y"), True), ("PartTime", ("No", "No"), False),
    ("Enrollment Type", ("Full-time", "Part-time"), True), ("Enrollment Status", ("Full-Time", "Part-Time"), True),
    ("Percent Enrolled", ("100%", "40%"), True), ("Days per week", ("5", "3"), True),
    ("Part-time job", ("N", "Y"), False), ("Attendance percent", ("97", "88"), False),
])  # fmt: skip
def test_who_is_there_for_a_part_of_the_week_was_not_expected_each_day_without_a_row(
    facts: Callable[..., Facts], header: str, cells: tuple[str, str], *, asks: bool
) -> None:
    files = {
        "students.csv": f'student_id,{header}\n007,"{cells[0]}"\n008,"{cells[1]}"\n',
        "attendance.csv": "student_id,date,code\n007,2026-09-07,absent\n",
    }
    found = facts(files, EXCEPTIONS)
    problems = [*column_questions(*found)]
    assert [problem.class_id for problem in problems] == ["HR-7A"] * asks
    for problem in problems:
        assert "says of 1 student" in problem.message
        said = tomllib.loads(EXCEPTIONS + lines_told(problem.message.split(". If they")[0]))
        rows = said["landing"]["students"]["where"][header]
        assert cells[0] in rows
        assert cells[1] not in rows
    assert not [*column_questions(*facts(files))]
    told_apart = {"attendance.csv": f"{files['attendance.csv']}008,2026-09-08,O\n"}
    away = EXCEPTIONS + '[attendance.codes]\nO = "not_expected"\n'
    assert not [*column_questions(*facts({**files, **told_apart}, away))]


@pytest.mark.parametrize(("header", "day", "asks"), [
    ("Date of leaving", "2026-09-08", 'exit_date = "Date of leaving"'), ("Last Day", "2026-09-08", "exit_date"),
    ("Left on", "2026-09-30", ""), ("Start Date", "2026-09-09", "entry_date"), ("Start Date", "2026-09-01", ""),
    ("registration_date", "2026-09-09", 'entry_date = "registration_date"'), ("Enrolled on", "2026-09-09", "entry_date"),
    ("registration_date", "2026-09-01", ""), ("Registration end date", "2026-09-08", "exit_date"),
    ("Registration", "2026-09-09", ""), ("Date modified", "2026-09-08", ""), ("Left", "N", ""), ("IEP end date", "2026-09-08", ""),
])  # fmt: skip
def test_days_on_which_somebody_came_or_left_are_asked_about_where_they_are_enrolled_before_or_after(
    facts: Callable[..., Facts], header: str, day: str, asks: str
) -> None:
    files = {
        "students.csv": f"student_id,{header}\n007,\n008,{day}\n",
        "attendance.csv": "student_id,date,code\n007,2026-09-07,absent\n007,2026-09-10,absent\n",
    }
    problems = [*column_questions(*facts(files, EXCEPTIONS))]
    assert [problem.class_id for problem in problems] == ["HR-7A"] * bool(asks)
    assert all(asks in problem.message for problem in problems)
    enrolled = f"class_id,person_id,role,begin_date,{header}\nHR-7A,008,student,2026-09-01,{day}\n"
    of_spells = {**files, "students.csv": "student_id\n007\n008\n", "enrollments.csv": enrolled}
    problems = [*column_questions(*facts(of_spells, EXCEPTIONS))]
    assert [problem.table for problem in problems] == ["enrollments"] * bool(asks)
    assert not [*column_questions(*facts(files))]


def test_a_calendar_with_week_ends_in_session_is_asked_about_where_only_absences_are_listed(
    facts: Callable[..., Facts],
) -> None:
    rosters = rosters_of(STUDENTS).replace("day < 5", "true").replace("range(6)", "range(14)")
    absences = exceptions(2, 1, 2, 3, 2, 0, 0, 1, 2, 2, 1, 1)
    (problem,) = doubts(*facts(absences, EXCEPTIONS, rosters))
    assert problem.kind == "weekdays_without_exceptions"
    assert (
        "on Saturdays and Sundays, of which the calendar has 2 days in session" in problem.message
    )
    five = rosters.replace("true as in_session", "day % 7 < 5 as in_session")
    assert not [*doubts(*facts(absences, EXCEPTIONS, five))]


def test_a_homeroom_is_the_class_that_is_spelt_like_it(roster: Land) -> None:
    students = "student_id,homeroom\n007,hr-7a\n008,HR-7A\n"
    enrolled = "class_id,person_id,role\nHR-7A,T1,teacher\n"
    con = roster({"students.csv": students, "enrollments.csv": enrolled})
    assert con.sql("select distinct class_id from stg_enrollments").fetchall() == [("HR-7A",)]
