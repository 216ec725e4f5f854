"""People, classes, who is in them, and the school's days: the small tables behind every fact.

The words are OneRoster's. Identifiers are text, so leading zeros survive.
"""

from collections import defaultdict
from datetime import date
from itertools import pairwise

import dataframely as dy
import polars as pl

from edu_pipeline.model.columns import dtypes

CLASS_TYPES = ("homeroom", "scheduled")
ROLES = ("student", "teacher")
DEFAULT_SCHOOL = "1"
"""Of whom and what no export says the school."""
OPEN_BEGIN = date(1, 1, 1)
OPEN_END = date(9999, 12, 31)
"""Of spells whose first or last day is not known."""


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


class StudentSchools(dy.Schema):
    """The school that a student's days belong to: `begin_date` ≤ day < `end_date`, without gaps.

    That of the homeroom that the student was in on the day; in none, the student's own, unless their
    classes say that they moved.
    """

    student_id = dy.String(primary_key=True, description="The student")
    school_id = dy.String(description="The school")
    begin_date = dy.Date(primary_key=True, description="First day; 0001-01-01 of the first stretch")
    end_date = dy.Date(description="First day no longer; 9999-12-31 of the last stretch")


class CalendarDays(dy.Schema):
    """One date of one calendar: a school's, or that of a grade, a track or a class of it."""

    date = dy.Date(primary_key=True, description="The date")
    school_id = dy.String(primary_key=True, description="The school")
    grade = dy.String(primary_key=True, description="Whose days these are; blank: every grade's")
    track = dy.String(primary_key=True, description="Track or calendar code; blank: every one's")
    class_id = dy.String(primary_key=True, description="The class; blank: every class's")
    in_session = dy.Bool(description="Whether these students were expected")
    term = dy.String(nullable=True, description="Term or trimester, as the calendar names it")
    school_year = dy.String(nullable=True, description="School year, as the calendar names it")


class DaysOff(dy.Schema):
    """A day on which a student's school is in session, and their grade, track or class is not."""

    student_id = dy.String(primary_key=True, description="The student")
    date = dy.Date(primary_key=True, description="The date")


class SchoolDays(dy.Schema):
    """One date of one school's calendar."""

    date = dy.Date(primary_key=True, description="The date")
    school_id = dy.String(primary_key=True, description="The school")
    in_session = dy.Bool(description="Whether students were expected, if only those of a grade")
    term = dy.String(nullable=True, description="Term or trimester, as the calendar names it")
    week_start = dy.Date(description="Monday of the date's week")
    year_start = dy.Date(nullable=True, description="First day in session of the school year")


class Terms(dy.Schema):
    """One term or school year that classes name."""

    term_id = dy.String(primary_key=True, min_length=1, description="As classes write it")
    first_day = dy.Date(nullable=True, description="First day")
    last_day = dy.Date(nullable=True, description="Last day")


def student_schools(
    students: pl.DataFrame, classes: pl.DataFrame, enrollments: pl.DataFrame
) -> pl.DataFrame:
    """Whose calendar each student's days are judged by.

    A homeroom decides. Other classes do for a student whose own school is that of some of their
    classes, who moved then, and where the school is not known: a class at another school alone is a
    visit. Days outside all classes belong to the student's own school, or, where that is not known,
    to that of the next class, else of the last.

    Args:
        students: `Students`.
        classes: `Classes`.
        enrollments: `Enrollments`.

    Returns:
        `StudentSchools`.
    """
    spells = (
        enrollments.filter(role="student")
        .join(classes.select("class_id", "class_type", at="school_id"), on="class_id")
        .join(students.select("student_id", "school_id"), left_on="person_id", right_on="student_id")
        .select(
            "person_id", "begin_date", "end_date", "class_id", "at", "school_id",
            is_homeroom=pl.col("class_type") == "homeroom",
        )
    )  # fmt: skip
    elsewhere = spells.filter((pl.col("at") != pl.col("school_id")).any().over("person_id"))
    stay = students.join(elsewhere, left_on="student_id", right_on="person_id", how="anti").select(
        "student_id", "school_id", begin_date=pl.lit(OPEN_BEGIN), end_date=pl.lit(OPEN_END)
    )
    unknown = {DEFAULT_SCHOOL} - set(classes["school_id"])
    theirs: dict[str, list[tuple[date, date, bool, str, str]]] = defaultdict(list)
    own: dict[str, str | None] = {}
    for person, begin, end, class_id, at, school, is_homeroom in elsewhere.iter_rows():
        theirs[person].append((begin, end, is_homeroom, class_id, at))
        own[person] = None if school in unknown else school
    rows = [
        (person, school, begin, end)
        for person, found in theirs.items()
        for moved in [own[person] is None or own[person] in {spell[-1] for spell in found}]
        for school, begin, end in _stretches(
            [spell for spell in found if spell[2] or moved], own[person]
        )
    ]
    elsewhere = pl.DataFrame(rows, schema=stay.schema, orient="row")
    return StudentSchools.validate(
        pl.concat([stay, elsewhere]).sort("student_id", "begin_date").cast(dtypes(StudentSchools))
    )


def _stretches(
    spells: list[tuple[date, date, bool, str, str]], own: str | None
) -> list[tuple[str, date, date]]:
    """(school, first day, first day no longer), of the class that began last, a homeroom before others."""
    edges = sorted(
        {OPEN_BEGIN, OPEN_END, *(day for begin, end, *_ in spells for day in (begin, end))}
    )
    schools: list[str | None] = []
    for begin, end in pairwise(edges):
        over = [spell for spell in spells if spell[0] <= begin and spell[1] >= end]
        last = max(over, key=lambda spell: (spell[2], spell[0], spell[3]), default=None)
        schools.append(last[4] if last else own)
    for place in range(len(schools) - 1, 0, -1):
        schools[place - 1] = schools[place - 1] or schools[place]
    stretches: list[tuple[str, date, date]] = []
    for (begin, end), found in zip(pairwise(edges), schools, strict=True):
        school = found or stretches[-1][0]
        if stretches and stretches[-1][0] == school:
            stretches[-1] = (school, stretches[-1][1], end)
        else:
            stretches.append((school, begin, end))
    return stretches
