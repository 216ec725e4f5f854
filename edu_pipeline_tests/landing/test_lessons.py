"""Marks of parts of a day: sessions, periods and lessons."""

from collections.abc import Callable, Collection

import duckdb
import pytest

from edu_pipeline.landing.sources.school.lessons import days_and_lessons, lesson_problems
from edu_pipeline.landing.sources.school.parts_of_day import PartsOfDay, parts_of_day
from edu_pipeline.settings.landing import AttendanceExport
from edu_pipeline_tests.landing.conftest import Facts, Land

Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
Stage = Callable[..., Facts]

HEADER = "student_id,date,section_id,attendance_status\n"
EXCEPTIONS = '[landing.attendance]\nshape = "exceptions"\n'
ENROLLED = (
    "class_id,person_id,role,begin_date,end_date\n"
    "HR-7A,007,student,2026-09-01,\nHR-7A,008,student,2026-09-01,\nHR-7A,T1,teacher,2026-09-01,\n"
    "MAT,007,student,2026-09-01,\nMAT,008,student,2026-09-01,\n"
    "ART,007,student,2026-09-01,\nART,008,student,2026-09-01,\n"
)
CLASSES = (
    "class_id,class_name,class_type,grade\n"
    "HR-7A,7A,homeroom,7\nMAT,Maths,scheduled,7\nART,Art,scheduled,7\n"
)
ROSTERS = {"classes.csv": CLASSES, "enrollments.csv": ENROLLED}


def lessons(days: Collection[int], classes: Collection[str] = ("MAT", "ART")) -> str:
    """Present, both students, in each of these classes."""
    return "".join(
        f"{student},2026-09-{day:02},{name},present\n"
        for student in ("007", "008")
        for day in days
        for name in classes
    )


@pytest.mark.parametrize(
    ("names", "lessons", "said", "parts"),
    [
        ([""], False, {}, PartsOfDay(1)),
        (["AM", "PM"], False, {}, PartsOfDay(2)),
        (["Afternoon", "Morning"], False, {"shape": "exceptions"}, PartsOfDay(2)),
        (["ALL", "AM", "PM"], False, {"shape": "exceptions"}, PartsOfDay(2, whole=("ALL",))),
        (["AM", "PM"], False, {"sessions_per_day": 3}, PartsOfDay(3)),
        (["PM"], False, {}, PartsOfDay(1)),
        (["1", "2", "3"], False, {}, PartsOfDay(1, by_day=True)),
        (["1", "2", "3"], False, {"shape": "exceptions"}, PartsOfDay(1)),
        (["3"], False, {}, PartsOfDay(1)),
        (["801", "802"], False, {}, PartsOfDay(1)),
        (["U", "V"], False, {}, PartsOfDay(1)),
        ([""], True, {}, PartsOfDay(1, by_day=True)),
        ([""], True, {"sessions_per_day": 6}, PartsOfDay(6)),
        ([""], True, {"shape": "exceptions"}, PartsOfDay(1)),
    ],
)
def test_how_marks_divide_a_day(
    names: list[str], lessons: bool, said: dict[str, object], parts: PartsOfDay
) -> None:
    export = AttendanceExport.model_validate(said)
    assert parts_of_day(names, export, lessons=lessons) == parts


def test_a_day_is_divided_by_the_lessons_that_took_place_for_the_student(
    land: Land, messages: Messages
) -> None:
    """Who is not expected in one of two has a day of one; whose register is out, half of a day."""
    codes = '[attendance.codes]\nX = "not_expected"\nA = "unexcused"\n'
    marks = (
        "007,2026-09-07,MAT,A\n007,2026-09-07,ART,present\n"
        "008,2026-09-07,MAT,A\n008,2026-09-07,ART,X\n"
        "007,2026-09-08,MAT,present\n007,2026-09-08,ART,\n"
        "008,2026-09-08,MAT,present\n008,2026-09-08,ART,\n"
    )
    con = land(ROSTERS | {"attendance.csv": HEADER + marks}, codes)
    assert messages(con) == []
    assert con.sql(
        "select student_id, day(date), sum(possible), sum(attended), count(lesson), sum(lesson) "
        "from stg_attendance group by all order by 2, 1"
    ).fetchall() == [
        ("007", 7, 1.0, 0.5, 2, 1.0),
        ("008", 7, 1.0, 0.0, 1, 0.0),
        ("007", 8, 0.5, 0.5, 1, 1.0),
        ("008", 8, 0.5, 0.5, 1, 1.0),
    ]


def test_a_mark_of_the_day_beside_lessons_decides_the_day_where_the_export_says_which_it_is(
    land: Land, messages: Messages
) -> None:
    header = "student_id,date,section_id,attendance_type,attendance_status\n"
    marks = "".join(
        f"{student},2026-09-07,{name},{kind},{status}\n"
        for student in ("007", "008")
        for name, kind, status in (
            ("", "daily", "present"),
            ("MAT", "section", "absent"),
            ("ART", "section", "present"),
        )
    )
    con = land(ROSTERS | {"attendance.csv": header + marks})
    assert messages(con) == []
    assert con.sql(
        "select sum(possible), sum(attended), sum(lesson), count(lesson) from stg_attendance"
    ).fetchall() == [(2.0, 2.0, 2.0, 4)]
    untold = (header + marks).replace("attendance_type", "remark")
    (message,) = messages(land({"attendance.csv": untold}))
    assert message.startswith("2 marks of attendance name no class, on days on which")


def asked(land: Land, marks: str, toml: str = "") -> list[str]:
    found = land(ROSTERS | {"attendance.csv": HEADER + marks}, toml)
    export = AttendanceExport(shape="exceptions") if toml else AttendanceExport()
    return [problem.message for problem in lesson_problems(found, export)]


def test_lessons_of_unknown_classes_and_of_students_who_are_not_in_them_are_told(
    stage: Land,
) -> None:
    assert asked(stage, lessons(range(7, 12))) == []
    (message,) = asked(stage, lessons(range(7, 12), ("MAT", "ART", "LAT")))
    assert message.startswith(
        "10 of 30 marks of lessons are of classes that are not in the classes"
    )
    # one of 20 is ordinary
    assert asked(stage, lessons(range(7, 12)) + "007,2026-09-07,LAT,present\n") == []
    late = ENROLLED.replace("ART,008,student,2026-09-01", "ART,008,student,2026-09-09")
    found = stage(
        ROSTERS | {"attendance.csv": HEADER + lessons(range(7, 12)), "enrollments.csv": late}
    )
    (problem,) = lesson_problems(found, AttendanceExport())
    assert problem.message.startswith(
        "2 of 10 marks taken in class ART are of students who are not"
    )
    assert (problem.class_id, problem.holds) == ("ART", "letters")


def test_days_by_lessons_and_days_by_one_mark_of_the_same_students_are_told(stage: Land) -> None:
    (message,) = asked(stage, lessons([7, 8, 9]) + lessons([10, 11], [""]))
    assert message.startswith(
        "Students with marks of lessons have only one of the whole day on 4 of 10 days"
    )


def test_days_judged_by_a_few_of_their_lessons_are_told_and_short_days_are_not(
    stage: Land,
) -> None:
    every = ("MAT", "ART", "HR-7A")
    # a short day for all
    assert asked(stage, lessons([7, 8, 9, 10], every) + lessons([11], ["MAT"])) == []
    one = "".join(
        line
        for line in lessons([7, 8, 9, 10], every).splitlines(keepends=True)
        if not (line.startswith("007,2026-09-10") and "MAT" not in line)
    )
    three = one + lessons([], every)
    students = "student_id,given_name,family_name,grade\n" + "".join(
        f"{n:03},Given{n},Family{n},7\n" for n in (7, 8, 9)
    )
    third = lessons([7, 8, 9, 10], every).replace("008,", "009,")
    marks = three + "".join(line for line in third.splitlines(keepends=True) if line[:3] == "009")
    enrolled = ENROLLED + "".join(f"{name},009,student,2026-09-01,\n" for name in every)
    found = stage(
        ROSTERS
        | {"students.csv": students, "enrollments.csv": enrolled, "attendance.csv": HEADER + marks}
    )
    (problem,) = lesson_problems(found, AttendanceExport())
    assert problem.message.startswith("On 1 of 12 student-days fewer than half of the lessons")


def test_absences_from_lessons_ask_how_many_lessons_a_day_has(
    land: Land, messages: Messages
) -> None:
    marks = "007,2026-09-07,MAT,absent\n007,2026-09-08,MAT,absent\n007,2026-09-08,ART,absent\n"
    con = land(ROSTERS | {"attendance.csv": HEADER + marks}, EXCEPTIONS)
    assert any("sessions_per_day = 2  # or more" in message for message in messages(con))
    con = land({}, f"{EXCEPTIONS}sessions_per_day = 4\n")
    assert not any("sessions_per_day" in message for message in messages(con))
    # who was there in them is not known, so the class has no rate of its own
    assert con.sql("select sum(possible), count(lesson) from stg_attendance").fetchall() == [
        (0.75, 0)
    ]


def test_the_calendar_says_how_many_periods_a_day_has(stage: Land) -> None:
    calendar = "date,in_session,periods\n2026-09-07,Y,6\n2026-09-08,Y,4\n2026-09-12,N,\n"
    marks = "student_id,date,code,period\n" + "".join(
        f"007,2026-09-08,absent,{period}\n" for period in range(1, 5)
    )
    con = stage({"calendar.csv": calendar, "attendance.csv": marks}, EXCEPTIONS)
    assert con.sql("select distinct share from stg_attendance").fetchall() == [(0.25,)]
    # a column of that name in which there are fewer than the absences are about is something else
    con = stage({"calendar.csv": calendar.replace(",6", ",2").replace(",4", ",2")}, EXCEPTIONS)
    assert con.sql("select distinct share from stg_attendance").fetchall() == [(1.0,)]


def test_a_session_that_is_all_of_the_day_counts_as_one_and_not_beside_its_halves(
    land: Land, messages: Messages
) -> None:
    marks = "student_id,date,code,session\n007,2026-09-07,absent,ALL\n008,2026-09-08,absent,PM\n"
    rows = f"{marks}008,2026-09-09,absent,AM\n"
    con = land({"attendance.csv": rows}, EXCEPTIONS)
    assert messages(con) == []
    assert con.sql("select session, possible from stg_attendance order by 1").fetchall() == [
        ("ALL", 1.0),
        ("AM", 0.5),
        ("PM", 0.5),
    ]
    (message,) = messages(land({"attendance.csv": f"{rows}007,2026-09-07,absent,AM\n"}, EXCEPTIONS))
    assert message.startswith("1 row of attendance with 'ALL' stands where others have AM")


def test_marks_of_halves_that_nothing_tells_apart_hold_though_all_are_alike(land: Land) -> None:
    marks = "".join(f"007,2026-09-07,present,{half}\n" for half in ("AM", "PM"))
    con = land(
        {"attendance.csv": f"student_id,date,code,Hälfte\n{marks}"},
        "[landing.attendance]\nsessions_per_day = 2",
    )
    assert con.sql("select kind, holds from landing_problems").fetchall() == [
        ("fewer_sessions", "letters")
    ]


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
def test_days_and_lessons_that_would_be_added_up_are_asked_about(facts: Stage, shape: str) -> None:
    rows = "008,2026-09-07,A,ATT_ModeDaily,\n" + "".join(
        f"008,2026-09-07,A,ATT_ModeMeeting,{period}\n" for period in (1, 2)
    )
    files = {"attendance.csv": f"student_id,date,code,Att_Mode_Code,period\n{rows}"}
    toml = f'[attendance.codes]\nA = "absent"\n[landing.attendance]\nshape = "{shape}"\n'
    line = '[landing.attendance.where]\nAtt_Mode_Code = ["ATT_ModeDaily"]\n'
    asked, answered = facts(files, toml), facts({}, toml + line)
    (problem,) = days_and_lessons(asked.con, asked.settings.landing.attendance)
    assert "1 mark of attendance is of whole days" in problem.message
    assert '[landing.attendance.where]: Att_Mode_Code = ["ATT_ModeDaily"]' in problem.message
    assert [*days_and_lessons(answered.con, answered.settings.landing.attendance)] == []
