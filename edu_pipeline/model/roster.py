"""People, classes, who is in them, and the school's days: the small tables behind every fact.

The words are OneRoster's. Identifiers are text, so leading zeros survive.
"""

import dataframely as dy
import polars as pl

CLASS_TYPES = ("homeroom", "scheduled")
ROLES = ("student", "teacher")


class Students(dy.Schema):
    """One student."""

    student_id = dy.String(primary_key=True, min_length=1, description="The school's own id")
    given_name = dy.String(nullable=True, description="Given name")
    family_name = dy.String(nullable=True, description="Family name")
    grade = dy.String(nullable=True, description="Grade or year group, as the school writes it")
    school_id = dy.String(description="The student's school")
    homeroom_id = dy.String(nullable=True, description="Homeroom, where it is a student's column")


class Staff(dy.Schema):
    """One member of staff. The address is checked when a letter is made, not here."""

    staff_id = dy.String(primary_key=True, min_length=1, description="The school's own id")
    given_name = dy.String(nullable=True, description="Given name")
    family_name = dy.String(nullable=True, description="Family name")
    email = dy.String(nullable=True, description="Address that letters go to")
    school_id = dy.String(description="The school; staff listed for two schools keep the last")


class Classes(dy.Schema):
    """One class: a homeroom, or a scheduled class of a subject."""

    class_id = dy.String(primary_key=True, min_length=1, description="Unique in the whole home")
    class_name = dy.String(description="What people call it, such as 7B")
    class_type = dy.String(
        check=lambda c: c.is_in(CLASS_TYPES), description="homeroom or scheduled"
    )
    grade = dy.String(nullable=True, description="Grade or year group")
    team = dy.String(description="Grade team; the grade where the export names no team")
    school_id = dy.String(description="The school")
    teacher_id = dy.String(nullable=True, description="Teacher, where it is a class's column")


class Enrollments(dy.Schema):
    """A spell of one person in one class: `begin_date` ≤ day < `end_date`."""

    class_id = dy.String(primary_key=True, description="The class")
    person_id = dy.String(primary_key=True, description="A student_id or a staff_id, by role")
    role = dy.String(
        primary_key=True, check=lambda c: c.is_in(ROLES), description="student or teacher"
    )
    begin_date = dy.Date(primary_key=True, description="First day; 0001-01-01 when open")
    end_date = dy.Date(description="First day no longer in the class; 9999-12-31 when open")

    @dy.rule()
    def ends_after_it_begins(cls) -> pl.Expr:  # noqa: N805 - dataframely passes the schema
        """A spell lasts at least a day."""
        return pl.col("end_date") > pl.col("begin_date")


class SchoolDays(dy.Schema):
    """One date of one school's calendar."""

    date = dy.Date(primary_key=True, description="The date")
    school_id = dy.String(primary_key=True, description="The school")
    in_session = dy.Bool(description="Whether students were expected")
    term = dy.String(nullable=True, description="Term or trimester, as the calendar names it")
    week_start = dy.Date(description="Monday of the date's week")
    year_start = dy.Date(nullable=True, description="First day in session of the school year")
