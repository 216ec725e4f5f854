"""Few rows whose loss moves a figure all the same: those that say who is whom, and in which class.

A student whose id lost its zero, one who is enrolled and in no export of students, a class that stands
there for two schools: hardly a row of the export, and all that there is of somebody.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals, quoted
from edu_pipeline.ground.toml import toml_text
from edu_pipeline.ground.wording import counted, rounded_percent
from edu_pipeline.landing.rules import SUPERSEDED, UNKNOWN
from edu_pipeline.landing.sources.school.fields import WORDS
from edu_pipeline.landing.sources.school.school_problems import classes_told, school_problem
from edu_pipeline.landing.sources.school.stage_facts import HOMES, distinct_texts, register_days
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.tables.raw import RECEIVED
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.landing import AttendanceExport, EnrollmentsExport

_IDS = {"attendance": "student_id", "homework": "student_id", "enrollments": "person_id"}
"""Export → its column of ids of students."""
DIGITS = 15
"""Of a number that Excel keeps; it writes 0 for those behind."""
_AS_NUMBER = r"\d([.,]\d+)?[eE]\+?\d+"
MOST = 0.5
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


def causes_of_unknown(con: duckdb.DuckDBPyConnection) -> Mapping[tuple[str, str], str]:
    """Export and rule → why most of its ids are nobody's and what to do, where they tell.

    Args:
        con: The warehouse, with `raw_classes`, `raw_students`, the staging tables and `rejected_…`.
    """
    causes = {}
    for table, column in (*_IDS.items(), ("enrollments", "class_id"), ("homework", "class_id")):
        rule = f"{UNKNOWN}{column}"
        found = con.execute(
            f"select distinct value from rejected_{table} where rule = ?", [rule]
        ).fetchall()
        if not (ids := [value for (value,) in found]):
            continue
        export = "classes" if column == "class_id" else "students"
        cause = (
            (_cut_short(con, table, ids) if export == "students" else None)
            or _in_another_column(con, table, export, ids)
            or _in_other_letters(con, table, column, ids)
        )
        if cause:
            causes[table, rule] = f" {cause}"
    return causes


def _cut_short(con: duckdb.DuckDBPyConnection, table: str, ids: Sequence[str]) -> str | None:
    """Ids with more digits than Excel keeps of a number."""
    known = con.execute(
        f"select distinct left(student_id, {DIGITS}) from stg_students "
        f"where regexp_full_match(student_id, '\\d{{{DIGITS + 1},}}')"
    ).fetchall()
    starts = {start for (start,) in known}
    cut = [each for each in ids if each[:DIGITS] in starts or re.fullmatch(_AS_NUMBER, each)]
    if len(cut) <= MOST * len(ids):
        return None
    lost = table if not any(each[DIGITS:].strip("0") for each in cut) else "students"
    return (
        f"Excel keeps {DIGITS} digits of a number, and these ids have more, so their last digits became 0 in "
        f"{lost}: export {lost} again with ids as text, and do not save it from Excel before it lands."
    )


def _in_other_letters(
    con: duckdb.DuckDBPyConnection, table: str, column: str, ids: Sequence[str]
) -> str | None:
    """Ids that are known but for case, blanks and punctuation, such as `s07` or `1,007`."""
    export, ours = ("classes", "class_id") if column == "class_id" else ("students", "student_id")
    known = {normal(each) for (each,) in con.execute(f"select {ours} from stg_{export}").fetchall()}
    if sum(normal(each) in known for each in ids) <= MOST * len(ids):
        return None
    return (
        f"They stand in {export} in other letters, or with other blanks and punctuation (as s07 is S07, and 1,007 "
        f"is 1007): export {table} and {export} with the same ids."
    )


def _in_another_column(
    con: duckdb.DuckDBPyConnection, table: str, export: str, ids: Sequence[str]
) -> str | None:
    """Names of classes, or another number of students, where their export has other ids."""
    column = "class_id" if export == "classes" else "student_id"
    known = {each for (each,) in con.execute(f"select {column} from stg_{export}").fetchall()}
    names: dict[str, float] = {}
    single = []
    for name in con.table(f"raw_{export}").columns:
        if name in RECEIVED:
            continue
        rows = con.execute(f"select trim({quoted(name)}) from raw_{export}").fetchall()
        cells = {cell for (cell,) in rows}
        share = sum(each in cells for each in ids) / len(ids)
        if share > MOST and known <= cells:  # the ids themselves
            return (
                f"They stand in {export}, in rows that are left out, such as those to be deleted: see what became "
                "of its rows."
            )
        if share > MOST:
            names[name] = share
            single += [name] if len(cells) == len(rows) else []
    if not names:
        return None
    line = ""
    if single and export == "students":
        line = ", or see whether a line tells which is which: edu-pipeline landing inspect"
    elif single:
        others = f"  # or {', '.join(single[1:])}" if single[1:] else ""
        line = f", or add to [landing.classes.columns]: class_id = {toml_text(single[0])}{others}"
    return (
        f"{rounded_percent(max(names.values()))} of the ids stand in {' and in '.join(names)} of {export}, and its ids in "
        f"another column: export {table} with the ids that {export} has{line or '.'}"
    )


_STUDENTS_TWICE = f"""
    replaced as (from rejected_students where rule = {literal(SUPERSEDED)}),
    twice as (
      select student_id, min(replaced.file) as file,
             arg_min(replaced.line, (replaced.file, replaced.line)) as line,
             count(replaced.line) as rows,
             count(distinct lower(concat_ws(' ', given_name, family_name, full_name))) > 1 as named
      from read_students left join replaced on _file = file and _line = line
      where _rule is null and student_id in (select value from replaced)
      group by student_id
      having named or count(distinct homeroom_id) > 1 or (
        count(distinct ltrim(lower(school_id), '0')) > 1
        and student_id not in (select student_id from {HOMES})
      )
    )
"""
"""SQL of `replaced` rows of students, and of the ids (`twice`) of which these say something else."""


def students_twice_by_file(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Rows of the ids of `students_twice` that a later one replaces.

    Returns:
        One row per `file`: `table`, `rule`, `told`.
    """
    found: pl.DataFrame = con.sql(
        f"""
        with {_STUDENTS_TWICE}
        select 'students' as "table", rule, file, count(*) as told from replaced
        where value in (select student_id from twice) group by all
        """
    ).pl()
    return found


def students_twice(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Ids that stand in students more than once, with other names, homerooms or schools.

    Of schools only where the student is in no homeroom, which would say where the days belong.

    Args:
        con: The warehouse, with `read_students`, the staging tables and `rejected_students`.

    Returns:
        One row per `class_id` they are in (empty: in none): `class_name`, `class_type`; of all classes `ids`,
        how many of them are `named` otherwise, `rows` that a later one replaces, `file`, `line` of the first.
    """
    found: pl.DataFrame = con.sql(
        f"""
        with {_STUDENTS_TWICE},
        places as (
          select person_id as student_id, class_id from stg_enrollments where role = 'student'
          union select student_id, homeroom_id from read_students where homeroom_id is not null
        )
        select distinct class_id, class_name, class_type, ids, told.named, told.rows, told.file, told.line
        from (
          select count(*) as ids, count(*) filter (named) as named, sum(rows)::bigint as rows,
                 min(file) as file, arg_min(line, (file, line)) as line from twice
        ) as told, twice left join places using (student_id) left join stg_classes using (class_id)
        order by class_type, class_name, class_id
        """
    ).pl()
    return found


def people_without_ids(
    con: duckdb.DuckDBPyConnection, export: EnrollmentsExport
) -> Iterator[Problem]:
    """Rows of students of a class that have no id: their class's figures lack somebody.

    Args:
        con: The warehouse, with `read_…` of enrollments and students, the staging tables and `rejected_…`.
        export: How enrollments are read.
    """
    words = {**WORDS["enrollments", "role"], **export.values.get("role", {})}
    roles = [their.casefold() for their, ours in words.items() if ours == "student"]
    parts = [
        f"""
        select {literal(table)} as "table", {class_id} as class_id, lost.file, lost.line
        from rejected_{table} as lost
        join read_{table} on _file = file and _line = line
        where rule = {literal(f"missing_{column}")} and {where}
        """
        for table, class_id, column, where in (
            ("enrollments", "class_id", "person_id", f"lower(role) in {literals(roles)}"),
            ("students", "homeroom_id", "student_id", "true"),
        )
    ]
    found = con.execute(
        f"""
        select "table", class_id, class_name, count(*), min(file), arg_min(line, (file, line))
        from ({" union all ".join(parts)}) join stg_classes using (class_id)
        group by all order by all
        """
    ).fetchall()
    for table, class_id, name, people, file, line in found:
        message = (
            f"{counted(people, 'row')} of {table} about {name} {'has' if people == 1 else 'have'} no id "
            f"({file}, line {line}), so its figures lack {'a student' if people == 1 else 'students'}. Give "
            f"everybody an id, and export {table} again."
        )
        yield school_problem(
            table, "without_ids", class_id, message, people, class_id=class_id
        ).releasable("If nobody is missing")


def homerooms_by_name(con: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    """Homerooms that students name as classes calls them, not by its id: nobody teaches those."""
    found = con.execute(
        f"""
        select home.class_id, count(distinct student_id)
        from {HOMES} as home join stg_classes as named on named.class_name = home.class_id
        where named.class_id not in (select class_id from {HOMES})
          and home.class_id not in (select class_id from read_classes where class_id is not null)
        group by all order by all
        """
    ).fetchall()
    for class_id, students in found:
        message = (
            f"{class_id} is the homeroom of {counted(students, 'student')}, and classes has it as a name, "
            "with another id, so it is taken for another class, which nobody teaches. Export students with the ids "
            "of classes, or say in [landing.classes.columns] which column has what students have: "
            'class_id = "…"'
        )
        yield school_problem(
            "students", "homerooms_by_name", class_id, message, students, class_id=class_id
        ).releasable("If it is another class")


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
    classes: pl.DataFrame, enrollments: pl.DataFrame, students: pl.DataFrame, told: Collection[str]
) -> Iterator[Problem]:
    """Rows of one key of which one would count, though figures depend on which.

    Args:
        classes: `classes_of_several_schools`.
        students: `students_twice`.
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
    if not students.is_empty():
        yield from _twice(students, last)
    if enrollments.is_empty() or "enrollments" in told:
        return
    names, shown = classes_told(enrollments)
    count, first = int(shown["students"].sum()), shown.row(0, named=True)
    message = (
        f"{counted(count, 'student')} of {names} {'is' if count == 1 else 'are'} enrolled twice "
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


def _twice(students: pl.DataFrame, last: str) -> Iterator[Problem]:
    names, shown = classes_told(students)
    first = shown.row(0, named=True)
    what, cure = "homerooms or schools", "Leave only the row that is true."
    if first["named"]:
        what = "names"
        cure = "If an id is two people's, give each one of their own in all exports; else leave the true row."
    message = (
        f"{counted(first['ids'], 'id')}{f' of {names}' if names else ''} "
        f"{'stands' if first['ids'] == 1 else 'stand'} in students more than once, with different {what} "
        f"({first['file']}, line {first['line']}), and only the last row counts. {cure}"
    )
    for row in students.iter_rows(named=True):
        yield school_problem(
            "students",
            "student_twice",
            "student_id",
            message,
            row["rows"],
            class_id=row["class_id"],
        ).releasable(last)
