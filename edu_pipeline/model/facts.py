"""Attendance and homework: rows by the million, filled and checked in SQL.

The schemas say what the columns are; the same rules stand in SQL in `landing`, because checking
rows by the million in polars costs several times the memory.
"""

import dataframely as dy

HOMEWORK_STATUSES = ("complete", "late", "missing", "exempt", "not_due", "unknown")


class Attendance(dy.Schema):
    """A student's mark for one session of one day, as exported.

    In an exceptions-only export a student who was there all day has no row here.
    """

    student_id = dy.String(primary_key=True, description="The student")
    date = dy.Date(primary_key=True, description="The school day")
    session = dy.String(primary_key=True, description="Session or period; empty for a whole day")
    class_id = dy.String(
        nullable=True,
        description="The class that the mark was taken in, where the export says; part of the key",
    )
    code = dy.String(nullable=True, description="The code as received")
    possible = dy.Float64(min=0, max=1, description="Fraction of a day the student was expected")
    attended = dy.Float64(min=0, max=1, description="Fraction of a day the student was there")
    tardy = dy.Bool(description="Came late; still counted as there")
    excused = dy.Bool(nullable=True, description="Whether an absence was excused; empty: not said")
    submitted = dy.Bool(description="False where the mark is blank: the register was not taken")
    share = dy.Float64(
        min=0,
        max=1,
        description=(
            "Fraction of the day that the mark is about: 1, ½ of two sessions, 1 ÷ the lessons that "
            "took place for the student that day; 0 of a lesson beside a mark of the whole day"
        ),
    )
    lesson = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        description=(
            "Of a lesson: how much of it the student was there; empty: no lesson, not expected, "
            "register not taken, or an exceptions-only export"
        ),
    )
    file = dy.String(description="File of the row that counts, below the landing zone's root")
    line = dy.Int64(description="Line where that row starts")
    heading = dy.String(
        description="Header of its cell, in a file with a column per day or assignment; else empty"
    )


class Homework(dy.Schema):
    """One assignment for one student: of several classes, or with several due dates, one each."""

    student_id = dy.String(primary_key=True, description="The student")
    assignment_id = dy.String(primary_key=True, description="The assignment")
    class_id = dy.String(nullable=True, description="The class that set it, where the export says")
    due_date = dy.Date(primary_key=True, description="When it was due")
    status = dy.String(
        check=lambda c: c.is_in(HOMEWORK_STATUSES),
        description="complete, late, missing, exempt, not_due or unknown",
    )
    file = dy.String(description="File of the row that counts, below the landing zone's root")
    line = dy.Int64(description="Line where that row starts")
    heading = dy.String(
        description="Header of its cell, in a file with a column per day or assignment; else empty"
    )
