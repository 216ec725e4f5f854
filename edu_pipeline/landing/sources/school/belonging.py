"""Few rows whose loss moves a figure all the same: those that say who is whom, and in which class.

A student whose id lost its zero, one who is enrolled and in no export of students, a class that stands
there for two schools: hardly a row of the export, and all that there is of somebody.
"""

from collections.abc import Collection, Iterator

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal
from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.rules import SUPERSEDED, UNKNOWN
from edu_pipeline.landing.sources.school.school_problems import classes_told, school_problem
from edu_pipeline.landing.sources.school.stage_facts import distinct_texts, register_days
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.landing import AttendanceExport, EnrollmentsExport

_IDS = {"attendance": "student_id", "homework": "student_id", "enrollments": "person_id"}
"""Export → its column of ids of students."""
_CHANCE_DAYS = 1
"""Days with marks of somebody unknown, in an export of everybody's, that are a slip of the pen."""


def zeros_lost(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Ids that nobody has and that are a student's but for leading zeros.

    Args:
        con: The warehouse, with the staging tables and `rejected_…`.

    Returns:
        One row per `table` that has any: `ids`, `rows` with them, `of` (all rows of unknown ids),
        `digits` (the length of the ids with zeros), `padded` (the export that lacks the zeros; empty where
        adding them would spoil others), `file`, `line` of the first.
    """
    parts = [
        f"""
        select {literal(table)} as "table", value as id, count(*) as rows, min(file) as file,
               arg_min(line, (file, line)) as line, sum(count(*)) over () as of
        from rejected_{table} where rule = {literal(UNKNOWN + column)} group by all
        """
        for table, column in _IDS.items()
    ]
    found: pl.DataFrame = con.sql(
        f"""
        with unknown as ({" union all ".join(parts)}),
        known as (
          select ltrim(student_id, '0') as plain, any_value(student_id) as id,
                 (select min(length(student_id)) from stg_students
                  where regexp_full_match(student_id, '\\d+')) as shortest
          from stg_students where regexp_full_match(student_id, '\\d+')
          group by plain having count(*) = 1
        )
        select unknown.table, count(*) as ids, sum(rows)::bigint as rows, any_value(of)::bigint as of,
               max(greatest(length(unknown.id), length(known.id)))::bigint as digits,
               case when min(length(unknown.id)) > max(length(known.id)) then 'students'
                 when min(shortest) >= max(length(known.id)) then unknown.table end as padded,
               min(file) as file, arg_min(line, (file, line)) as line
        from unknown join known
          on regexp_full_match(unknown.id, '\\d+') and ltrim(unknown.id, '0') = known.plain
        group by unknown.table order by all
        """
    ).pl()
    return found


def zero_problems(lost: pl.DataFrame) -> list[Problem]:
    """Ids without their zeros: a student's marks are not there, and the class looks complete.

    Args:
        lost: `zeros_lost`.
    """
    problems = []
    for row in lost.iter_rows(named=True):
        table, padded = row["table"], row["padded"]
        column = "student_id" if padded == "students" else _IDS[table]
        advice = (
            f"Add to [landing.{padded}.width]: {column} = {row['digits']}"
            if padded
            else f"Write the ids alike in students and {table}, and export again."
        )
        message = (
            f"{counted(row['rows'], 'row')} of {table} {'is' if row['rows'] == 1 else 'are'} about "
            f"{counted(row['ids'], 'id')} that no student has, and that "
            f"{'differs' if row['ids'] == 1 else 'differ'} from a student's in leading zeros only "
            f"({row['file']}, line {row['line']}), so the figures lack "
            f"{'that student' if row['ids'] == 1 else 'those students'}. {advice}"
        )
        problem = school_problem(
            table,
            "zeros_lost",
            _IDS[table],
            message,
            row["rows"],
            known_as=f"Ids of {table} lack zeros: {row['ids']}.",
        )
        problems.append(problem.releasable("If that is somebody else"))
    return problems


def strangers_enrolled(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Classes in which somebody is enrolled whom no export of people has, and who has marks.

    Args:
        con: The warehouse, with `read_enrollments`, the staging tables and `rejected_…`.

    Returns:
        One row per `class_id`: `class_name`, `class_type`, `people`, their `days` with marks and `rows`,
        `first_day`; `file`, `line` of the first enrollment.
    """
    found: pl.DataFrame = con.sql(
        f"""
        with strangers as (
          select distinct on (class_id, person_id) class_id, person_id as student_id, file, line
          from rejected_enrollments as lost
          join read_enrollments as enrolled on _file = file and _line = line
          where lost.rule = {literal(f"{UNKNOWN}person_id")} order by class_id, person_id, file, line
        ),
        marks as (
          select student_id, day from rejected_attendance
          where rule = {literal(f"{UNKNOWN}student_id")} and day is not null
        )
        select class_id, class_name, class_type, count(distinct student_id) as people,
               count(distinct (student_id, day)) as days, count(*) as rows, min(day) as first_day,
               min(file) as file, arg_min(line, (file, line)) as line
        from strangers join marks using (student_id) join stg_classes using (class_id)
        group by all order by class_type, class_name, class_id
        """
    ).pl()
    return found


def stranger_problems(found: pl.DataFrame, attendance: AttendanceExport) -> list[Problem]:
    """Students who are enrolled and have marks, and whom the export of students does not know.

    Args:
        found: `strangers_enrolled`.
        attendance: How attendance is exported: a single absence is much where nobody else has a row.
    """
    chance = 0 if attendance.shape == "exceptions" else _CHANCE_DAYS
    found = found.filter(pl.col("days") > chance * pl.col("people"))
    if found.is_empty():
        return []
    names, shown = classes_told(found)
    people, rows = int(shown["people"].sum()), int(shown["rows"].sum())
    first = shown.row(0, named=True)
    message = (
        f"{counted(people, 'student')} of {names} {'is' if people == 1 else 'are'} in enrollments "
        f"({first['file']}, line {first['line']}) and in attendance, but not in students, so "
        f"{counted(rows, 'row')} of attendance {'counts' if rows == 1 else 'count'} nowhere. Export "
        "students again with those who have left since the school year began."
    )
    return [
        school_problem(
            "students",
            "not_among_students",
            "student_id",
            message,
            row["rows"],
            first=row["first_day"],
            class_id=row["class_id"],
            known_as=f"{people} of {names} not among students.",
        ).releasable("If they do not belong to the class")
        for row in found.iter_rows(named=True)
    ]


def classes_of_several_schools(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Classes that stand in one export several times, for different schools or as different kinds.

    Args:
        con: The warehouse, with `read_classes` and `rejected_classes`.

    Returns:
        One row per `class_id`: `schools`, `kinds`, how many; `file`, `line` of the first row that a later
        one replaces.
    """
    found: pl.DataFrame = con.sql(
        f"""
        select class_id, count(distinct ltrim(lower(school_id), '0')) as schools,
               count(distinct lower(class_type)) as kinds, min(lost.file) as file,
               arg_min(lost.line, (lost.file, lost.line)) as line
        from read_classes left join (
          from rejected_classes where rule = {literal(SUPERSEDED)}
        ) as lost on _file = lost.file and _line = lost.line
        where _rule is null
          and class_id in (select value from rejected_classes where rule = {literal(SUPERSEDED)})
        group by class_id having schools > 1 or kinds > 1 order by class_id
        """
    ).pl()
    return found


def enrollments_that_differ(
    con: duckdb.DuckDBPyConnection, export: EnrollmentsExport, zone: str | None
) -> pl.DataFrame:
    """Enrollments of one student in one class from one day on that end on different days.

    Of ends after the last mark no figure depends on which it is.

    Args:
        con: The warehouse, with `read_enrollments`, the staging tables and `rejected_enrollments`.
        export: How enrollments are exported.
        zone: The school's, where it is known.

    Returns:
        One row per `class_id`: `class_name`, `class_type`, `students`, `first_end`; `file`, `line` of the first row that
        a later one replaces.
    """
    texts = distinct_texts(con, "enrollments", "end_date")["end_date"].drop_nulls()
    register_days(con, texts, export, zone)
    found: pl.DataFrame = con.sql(
        f"""
        with ends as (
          select enrolled.*, days.day, lost.line is null as kept
          from read_enrollments as enrolled
          left join days on days.text = enrolled.end_date
          left join (
            from rejected_enrollments where rule = {literal(SUPERSEDED)}
          ) as lost on _file = lost.file and _line = lost.line
          where _rule is null
        )
        select class_id, class_name, class_type, count(distinct lost.person_id) as students,
               min(least(lost.day, one.day)) as first_end, min(lost._file) as file,
               arg_min(lost._line, (lost._file, lost._line)) as line
        from ends as lost join ends as one using (class_id)
        join stg_classes using (class_id)
        where not lost.kept and one.kept and lost.person_id = one.person_id
          and lost.begin_date is not distinct from one.begin_date
          and lost.day is distinct from one.day
          and least(lost.day, one.day) <= (select max(date) from stg_attendance)
          and lost.person_id in (select student_id from stg_students)
        group by all order by class_type, class_name, class_id
        """
    ).pl()
    con.unregister("days")
    return found


def rival_problems(
    classes: pl.DataFrame, enrollments: pl.DataFrame, told: Collection[str]
) -> Iterator[Problem]:
    """Rows of one key of which one would count, though figures depend on which.

    Args:
        classes: `classes_of_several_schools`.
        enrollments: `enrollments_that_differ`.
        told: Exports of which a problem says already that many rows share their keys.
    """
    last = "If the last row in the file is the one that counts"
    for row in () if "classes" in told else classes.iter_rows(named=True):
        what = "for several schools" if row["schools"] > 1 else "as several kinds of class"
        cure = (
            "If each school has a class of this id, their students would be one class: export ids that "
            "differ from school to school, such as 1-7A."
            if row["schools"] > 1
            else "Leave only the row that is true."
        )
        message = (
            f"Class {row['class_id']} stands in classes more than once, {what} ({row['file']}, line "
            f"{row['line']}), and only the last row counts. {cure}"
        )
        problem = school_problem(
            "classes", "class_twice", row["class_id"], message, class_id=row["class_id"]
        )
        yield problem.releasable(last)
    if enrollments.is_empty() or "enrollments" in told:
        return
    names, shown = classes_told(enrollments)
    students, first = int(shown["students"].sum()), shown.row(0, named=True)
    message = (
        f"{counted(students, 'student')} of {names} {'is' if students == 1 else 'are'} enrolled twice "
        f"from the same day on, with different ends ({first['file']}, line {first['line']}), and only "
        "the last row counts. Leave only the row that is true; if somebody left and came back, the second "
        "begins on that day."
    )
    for row in enrollments.iter_rows(named=True):
        yield school_problem(
            "enrollments",
            "different_ends",
            "end_date",
            message,
            row["students"],
            first=row["first_end"],
            class_id=row["class_id"],
        ).releasable(last)
