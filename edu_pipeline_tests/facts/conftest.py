"""A warehouse with a few hand-written staging rows.

Days are written as `2wed`, the Wednesday of the second week; week 1 begins on 31 August 2026.
"""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest

from edu_pipeline.facts.attendance import (
    build_attendance_class_week,
    build_attendance_group_day,
    build_attendance_teacher_week,
    build_counted_through,
    build_student_attendance,
    build_student_days,
    build_student_weeks,
)
from edu_pipeline.facts.homework import (
    build_homework_class_week,
    build_homework_days,
    build_homework_group_day,
    build_homework_items,
    build_homework_teacher_week,
    build_student_homework,
)
from edu_pipeline.facts.roster import (
    build_class_days_off,
    build_class_spells,
    build_class_students,
    build_student_spells,
    build_teacher_spells,
)
from edu_pipeline.ground.warehouse import read_table, write_table
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.facts import Attendance, Homework
from edu_pipeline.model.quality import LandingFiles
from edu_pipeline.model.roster import (
    Classes,
    DaysOff,
    Enrollments,
    SchoolDays,
    Students,
    student_schools,
)
from edu_pipeline.model.school_calendar import WeekBegins, with_weeks
from edu_pipeline.settings.landing import AttendanceExport
from edu_pipeline.settings.mail import WEEKDAYS, Weekday

FIRST_MONDAY = date(2026, 8, 31)
OPEN_BEGIN, OPEN_END = date(1, 1, 1), date(9999, 12, 31)
# code: possible, attended, tardy, excused, submitted
CODES: dict[str, tuple[float, float, bool, bool | None, bool]] = {
    "present": (1, 1, False, None, True),
    "tardy": (1, 1, True, None, True),
    "absent": (1, 0, False, None, True),
    "excused": (1, 0, False, True, True),
    "unexcused": (1, 0, False, False, True),
    "half": (1, 0.5, False, None, True),
    "half_excused": (1, 0.5, False, True, True),
    "not_expected": (0, 0, False, None, True),
    "not_taken": (0, 0, False, None, False),
}
Rows = list[tuple[Any, ...]]
Facts = Callable[..., "Query"]
Query = Callable[[str], Rows]


def day(name: str) -> date:
    """`2wed` as a date."""
    weekday = [full[:3] for full in WEEKDAYS].index(name[-3:])
    return FIRST_MONDAY + timedelta(weeks=int(name[:-3]) - 1, days=weekday)


def days(text: str) -> list[date]:
    """`1mon-fri 2wed` as six dates."""
    found = []
    for part in text.split():
        first, _, last = part.partition("-")
        end = day(first[:-3] + last) if last else day(first)
        found += [day(first) + timedelta(days=n) for n in range((end - day(first)).days + 1)]
    return found


def lines(text: str) -> list[list[str | None]]:
    """A table as text, one row per line; a dash is an empty cell."""
    return [
        [None if cell == "-" else cell for cell in line.split()]
        for line in text.splitlines()
        if line.strip()
    ]


def _calendar(calendar: str | dict[str, str], week_begins: WeekBegins | None) -> pl.DataFrame:
    """School days, and every other day between the first and the last as a closed one."""
    rows = []
    for school, text in (calendar if isinstance(calendar, dict) else {"1": calendar}).items():
        in_session = days(text)
        span = (max(in_session) - min(in_session)).days
        rows += [
            (date_, school, date_ in in_session, None)
            for date_ in (min(in_session) + timedelta(days=n) for n in range(span + 1))
        ]
    schema = {"date": pl.Date, "school_id": pl.String, "in_session": pl.Boolean, "term": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return with_weeks(frame, week_begins=week_begins)


def _classes(text: str) -> Rows:
    """Class, type, team and school, of which the last may be left out."""
    return [
        (
            class_id,
            class_id,
            "homeroom" if kind == "homeroom" else "scheduled",
            "7",
            team,
            *(rest or ["1"]),
            None,
        )
        for class_id, kind, team, *rest in lines(text)
    ]


def _spells(text: str) -> Rows:
    """Class, person, first day, first day after and role; what is left out is open or a student."""
    rows = []
    for class_id, person_id, *rest in lines(text):
        begin, end, role = (*rest, *(None, None, "student")[len(rest) :])
        rows.append(
            (
                class_id,
                person_id,
                role,
                day(begin) if begin else OPEN_BEGIN,
                day(end) if end else OPEN_END,
            )
        )
    return rows


def _marks(text: str, per_day: int) -> Rows:
    """Student, days, code and, if any, session or `@` and class: of lessons, so many as stand here a day."""
    marks = [
        (student_id, date_, code or "", (more or [""])[0] or "")
        for student_id, on, code, *more in lines(text)
        for date_ in days(on or "")
    ]
    lessons = Counter((student, date_) for student, date_, _, more in marks if more[:1] == "@")
    rows: Rows = []
    for number, (student_id, date_, code, more) in enumerate(marks):
        possible, attended, tardy, excused, submitted = CODES[code]
        parts = lessons[student_id, date_] or per_day
        lesson = more[:1] == "@"
        rows.append(
            (
                student_id,
                date_,
                "" if lesson else more,
                more[1:] if lesson else None,
                code,
                possible / parts,
                attended / parts,
                tardy,
                excused,
                submitted,
                1 / parts,
                attended / possible if lesson and possible else None,
                "attendance.csv",
                2 + number,
                None,
            )
        )
    return rows


def _homework(text: str) -> Rows:
    """Student, assignment, class, due day and status."""
    return [
        (student_id, assignment, class_id, day(due or ""), status, "homework.csv", 2 + number, None)
        for number, (student_id, assignment, class_id, due, status) in enumerate(lines(text))
    ]


def _files(stamps: str) -> Rows:
    """A current attendance file for each day that a name has, all of different series."""
    rows: Rows = []
    for name in stamps.split():
        at = datetime.combine(day(name), time())
        path = f"school/attendance_{name}.csv"
        read = ("utf-8", None, None, ",", 1, 1, 0, None, None, None, "run", None)
        rows.append((path, "school", "attendance", at, at, True, path, 1, "0", True, [], *read))
    return rows


@pytest.fixture
def facts(con: duckdb.DuckDBPyConnection) -> Facts:
    """Writes staging tables, builds every fact but spreads and returns a function that runs a query.

    Every student named in a spell, and every one in `students`, has a row in `stg_students`.
    """

    def build(
        *,
        calendar: str | dict[str, str],
        classes: str,
        spells: str,
        marks: str = "",
        homework: str = "",
        students: str = "",
        off: str = "",
        stamp: str = "",
        close_week: Weekday | None = None,
        week_begins: WeekBegins | None = None,
        absent_from: float | None = None,
        **export: Any,
    ) -> Query:
        attendance = AttendanceExport(**export)
        people = {student: (grade, school) for student, grade, school in lines(students)}
        people = {row[1]: ("7", "1") for row in _spells(spells)} | people
        rows: dict[str, tuple[Any, Any]] = {
            "stg_students": (
                Students,
                [
                    (student, None, None, grade, school, None)
                    for student, (grade, school) in people.items()
                ],
            ),
            "stg_classes": (Classes, _classes(classes)),
            "stg_enrollments": (Enrollments, _spells(spells)),
            "stg_attendance": (Attendance, _marks(marks, attendance.sessions_per_day)),
            "stg_homework": (Homework, _homework(homework)),
            "landing_files": (LandingFiles, _files(stamp)),
        }
        for name, (schema, values) in rows.items():
            write_table(con, name, pl.DataFrame(values, schema=dtypes(schema), orient="row"))
        off_ = [(student, each) for student, text in lines(off) for each in days(str(text))]
        write_table(con, "stg_days_off", pl.DataFrame(off_, schema=dtypes(DaysOff), orient="row"))
        days_ = _calendar(calendar, week_begins)
        write_table(con, "stg_school_days", days_.select(SchoolDays.column_names()))
        frames = [read_table(con, f"stg_{name}") for name in ("students", "classes", "enrollments")]
        write_table(con, "stg_student_schools", student_schools(*frames))
        build_class_spells(con)
        build_teacher_spells(con)
        build_student_spells(con)
        build_class_students(con)
        build_class_days_off(con)
        build_counted_through(con, attendance, close_week, week_begins)
        build_student_days(con, attendance, absent_from)
        build_student_weeks(con)
        build_attendance_class_week(con)
        build_attendance_group_day(con)
        build_attendance_teacher_week(con)
        build_student_attendance(con)
        build_homework_items(con, week_begins)
        build_homework_days(con)
        build_homework_class_week(con)
        build_homework_group_day(con)
        build_homework_teacher_week(con)
        build_student_homework(con)
        return lambda query: con.execute(query).fetchall()

    return build
