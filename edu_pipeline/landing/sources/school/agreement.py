"""A school's facts held against each other: counts of where they disagree.

Of each student and day: enrolled, in session, marked? SQL and frames in, counts out; which of them
are ordinary and what is said of the others stands in `disagreements`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals, quoted, week_of
from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.landing.rules import CLOSED, OUTSIDE
from edu_pipeline.landing.sources.school.canonical import resolved_headers, unread_names
from edu_pipeline.landing.sources.school.fields import CO_TEACHERS, KEYS
from edu_pipeline.landing.sources.school.school_columns import Resolved
from edu_pipeline.landing.sources.school.stage_facts import HOMES
from edu_pipeline.landing.sources.school.stage_roster import days_that_differ
from edu_pipeline.landing.sources.school.suggestions import as_sentence, join_lines
from edu_pipeline.landing.versions import pattern_of
from edu_pipeline.model.school_calendar import WeekBegins
from edu_pipeline.settings.landing import FilesOfExport, Landing

FEW_WEEKS = 3
"""Of marks, after which it is no accident that somebody has none at all."""
NEARLY_ALL_NAMES = 0.9
"""Share of the names of an export, from which a column of students has the same."""


@contextmanager
def marks_at_hand(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """`marks` (student × day, whether they came, and were expected) and `stays` (of students in classes), which the counts of marks look at."""
    several = "select count(distinct session) > 1 or count(class_id) > 0 from stg_attendance"
    ((is_several,),) = con.execute(several).fetchall()
    each, of_day = ("bool_or", "group by student_id, date") if is_several else ("", "")
    con.execute(
        f"""
        create or replace temp table marks as
        select student_id, date, {each}(attended > 0) as came, {each}(possible > 0) as expected
        from stg_attendance where submitted {of_day}
        """
    )
    con.execute(
        """
        create or replace temp view stays as
        select person_id as student_id, class_id, begin_date, end_date
        from stg_enrollments where role = 'student'
        """
    )
    try:
        yield
    finally:
        con.execute("drop table marks")
        con.execute("drop view stays")


def _away(of: str) -> str:
    """SQL of the days from `first` until before `last` on which those of `stays` have not begun, or have paused."""
    return f"""
        select {of}, coalesce(covered, date '0001-01-01') as first, begin_date as last
        from (
          select {of}, begin_date, max(end_date) over (
            partition by {of} order by begin_date rows between unbounded preceding and 1 preceding
          ) as covered
          from stays
        ) where covered is null or covered < begin_date"""


def marks_outside(
    con: duckdb.DuckDBPyConnection, week_begins: WeekBegins | None = None
) -> pl.DataFrame:
    """Days with a mark of a student who is in no class on that day, and days marked in all.

    Returns:
        One row per `class_id` (of those that the student is ever in; empty: in none) and
        `week_start`: `outside`, `before` (the first enrollment), `after` (the last), `marked` (of those
        in no class: of everybody), `first_date`, `last_date` of those outside.
    """
    found: pl.DataFrame = con.sql(
        f"""
        -- few, so what all have in a week is counted only for theirs
        with away as ({_away("student_id")} union all
          select student_id, max(end_date), null from stays group by all),
        strays as (
          select student_id, date, {week_of("date", week_begins)} as week_start from (
            select student_id, date from marks join away using (student_id)
            where date >= away.first and coalesce(date < away.last, true)
            union all select student_id, date from marks anti join stays using (student_id)
          )
        ),
        theirs as (
          select student_id, class_id, min(begin_date) as first, max(end_date) as last
          from stays group by all
        ),
        bounds as (
          select student_id, min(first) as first, max(last) as last from theirs group by all
        ),
        lost as (
          select class_id, week_start, count(*) as outside,
                 count(*) filter (bounds.first > date) as before,
                 count(*) filter (bounds.last <= date) as after,
                 min(date) as first_date, max(date) as last_date
          from strays left join bounds using (student_id) left join theirs using (student_id)
          group by all
        ),
        days as (
          select student_id, {week_of("date", week_begins)} as week_start, count(*) as days
          from marks semi join strays on {week_of("marks.date", week_begins)} = strays.week_start
          group by all
        ),
        sums as (
          select class_id, week_start, sum(days)::bigint as marked
          from (
            select theirs.class_id, week_start, days from days join theirs using (student_id)
            union all select null, week_start, days from days
          ) group by all
        )
        select lost.class_id, week_start, outside, before, after, marked, first_date, last_date
        from lost join sums using (week_start)
        where lost.class_id is not distinct from sums.class_id
        order by all
        """
    ).pl()
    return found


def homework_outside(
    con: duckdb.DuckDBPyConnection, week_begins: WeekBegins | None = None
) -> pl.DataFrame:
    """Homework with an outcome that counts nowhere, since its student is in other classes on the day.

    What is due after the student has left the class is rightly left out, and so is that of who has
    left school.

    Returns:
        One row per `class_id` (with students at any time) and `week_start`: `outside`, `pieces` of
        the class in all, `first_date`, `last_date` of those outside.
    """
    found: pl.DataFrame = con.sql(
        f"""
        with pieces as (
          select student_id, class_id, due_date, count(*) as pieces
          from stg_homework semi join stays using (class_id)
          where status in ('complete', 'late', 'missing') group by all
        ),
        away as ({_away("student_id, class_id")}),
        strays as (
          from (
            select pieces.* from pieces join away using (student_id, class_id)
            where due_date >= away.first and due_date < away.last
            union all from pieces anti join stays using (student_id, class_id)
          ) as apart where exists (
            from stays where stays.student_id = apart.student_id
              and due_date >= begin_date and due_date < end_date
          )
        ),
        lost as (
          select class_id, {week_of("due_date", week_begins)} as week_start,
                 sum(pieces)::bigint as outside, min(due_date) as first_date,
                 max(due_date) as last_date
          from strays group by all
        )
        select lost.class_id, week_start, any_value(outside) as outside,
               sum(pieces)::bigint as pieces, any_value(first_date) as first_date,
               any_value(last_date) as last_date
        from lost join pieces on pieces.class_id = lost.class_id
          and {week_of("due_date", week_begins)} = week_start
        group by all order by all
        """
    ).pl()
    return found


def enrollment_days(con: duckdb.DuckDBPyConnection) -> tuple[int, int, str, str]:
    """Days marked, those of students in a class, and the first and last day that students are enrolled."""
    found: tuple[int, int, str, str] = con.execute(
        """
        select (select count(*) from marks),
               (select count(*) from marks semi join stays on marks.student_id = stays.student_id
                  and date >= begin_date and date < end_date),
               (select min(begin_date)::varchar from stays),
               (select max(end_date)::varchar from stays)
        """
    ).fetchall()[0]
    return found


def marks_on_end_dates(con: duckdb.DuckDBPyConnection) -> tuple[int, int, int, list[str]]:
    """Days on which students left, for good or for a while, and on which others of their school are marked.

    Returns:
        How many there are; on how many the student has a mark, other than that nobody expected them; after
        how many, while in no class; and the classes that those of the second were in until then.
    """
    found: tuple[int, int, int, list[str]] = con.execute(
        f"""
        with leavers as (
          select student_id, away.first as day, away.last as back from ({_away("student_id")}) as away
          where day > date '0001-01-01'
          union all
          select student_id, max(end_date) as day, null from stays group by student_id
          having day < date '9999-12-31'
        ),
        taken as (
          select distinct school_id, date
          from marks join stg_student_schools as pupil using (student_id)
          where date >= pupil.begin_date and date < pupil.end_date
        ),
        outside as (
          select student_id, day, bool_or(date = day) as on_it, bool_or(date > day) as later
          from leavers join marks using (student_id)
          where date >= day and coalesce(date < back, true) and expected group by all
        )
        select count(*), count(*) filter (on_it), count(*) filter (later),
               list_sort(list_distinct(flatten(coalesce(list(classes) filter (on_it), []))))
        from leavers as leaver
        join stg_student_schools as pupil on pupil.student_id = leaver.student_id
          and day >= pupil.begin_date and day < pupil.end_date
        join taken on taken.school_id = pupil.school_id and taken.date = leaver.day
        left join outside on outside.student_id = leaver.student_id and outside.day = leaver.day
        left join (
          select student_id, end_date, list(class_id) as classes from stays group by all
        ) as ended on ended.student_id = leaver.student_id and ended.end_date = leaver.day
        """
    ).fetchall()[0]
    return found


def moves_apart(con: duckdb.DuckDBPyConnection) -> tuple[int, int, list[str]]:
    """Students in no class on the one school day between two, which is the end date of the first.

    Returns:
        How many such moves there are, and how many without a day between; the classes that the first left.
    """
    found: tuple[int, int, list[str]] = con.execute(
        f"""
        with gaps as (
          select away.student_id, away.first
          from ({_away("student_id")}) as away
          join stg_student_schools as pupil on pupil.student_id = away.student_id
            and first >= pupil.begin_date and first < pupil.end_date
          join stg_school_days as open on open.school_id = pupil.school_id and open.in_session
            and open.date >= first and open.date < last
          where first > date '0001-01-01' group by all
          having count(*) = 1 and min(open.date) = first
        )
        select (select count(*) from gaps),
               (select count(distinct student_id) from stays semi join stays as former
                on former.student_id = stays.student_id and former.end_date = stays.begin_date),
               (select coalesce(list(distinct class_id order by class_id), [])
                from stays join gaps using (student_id) where end_date = first)
        """
    ).fetchall()[0]
    return found


def terms_that_end_in_school(con: duckdb.DuckDBPyConnection, *, exclusive: bool) -> pl.DataFrame:
    """Terms whose end date is a day in session that counts, for schools of their classes.

    None where the dates prove that they do not belong to the terms: one ends as another begins.

    Args:
        con: The warehouse, with the staging tables.
        exclusive: Whether end dates are read as the first day no longer.

    Returns:
        One row per `term_id`: `day`, the end date; `class_ids`, of classes that end with it.
    """
    found: pl.DataFrame = con.sql(
        f"""
        with ends as (select term_id, last_day, last_day + {int(exclusive)} as day from stg_terms)
        select term_id, ends.day, list(distinct class_id order by class_id) as class_ids
        from ends join stg_enrollments on role = 'student' and end_date = last_day + 1
        join stg_classes using (class_id)
        join stg_school_days as open
          on open.school_id = stg_classes.school_id and open.date = ends.day and in_session
        where ends.day <= (select max(date) from stg_attendance where submitted)
          and not ({exclusive} and exists (from ends semi join stg_terms on day = first_day))
        group by all order by all
        """
    ).pl()
    return found


def registers(
    con: duckdb.DuckDBPyConnection, week_begins: WeekBegins | None = None
) -> pl.DataFrame:
    """Homerooms, or in schools without them all classes, and their days on which some are marked.

    Returns:
        One row per `class_id` and `week_start`: `days` with a mark, `fewest` (the smallest share of
        its students who are marked on one of them), `came` (student-days marked as present), `marked` and
        `expected` (student-days with a mark, and of all who are enrolled, on these days),
        `students` enrolled on all of them, `unmarked` (of these, without a single mark).
    """
    found: pl.DataFrame = con.sql(
        f"""
        with rooms as (
          select class_id from stg_classes
          where class_type = 'homeroom' or not exists (from stg_classes where class_type = 'homeroom')
        ),
        long as (
          select class_id from marks join stays using (student_id)
          group by all having count(distinct {week_of("date", week_begins)}) > {FEW_WEEKS}
        ),
        -- who never has a mark in many weeks is on the roster only
        members as (
          select * from stays semi join rooms using (class_id)
          where student_id in (select student_id from marks)
             or class_id not in (select class_id from long)
        ),
        dates as (
          select class_id, date, count(*) as marked, count(*) filter (came) as came
          from marks join members using (student_id)
          where date >= begin_date and date < end_date group by all
        ),
        open as (
          select dates.* from dates join stg_classes using (class_id)
          join stg_school_days as day using (school_id, date) where in_session
        ),
        size as (
          select open.class_id, open.date, any_value(marked) as marked, any_value(came) as came,
                 count(*) as enrolled
          from open join members using (class_id) anti join stg_days_off using (student_id, date)
          where date >= begin_date and date < end_date group by all
        ),
        away as (
          select distinct student_id, {week_of("date", week_begins)} as week_start from stg_days_off
        ),
        weeks as (
          select class_id, {week_of("date", week_begins)} as week_start, count(*) as days,
                 min(marked / enrolled) as fewest, sum(came) as came,
                 sum(marked) as marked, sum(enrolled) as expected,
                 min(date) as first, max(date) as last
          from size group by all
        ),
        pupils as (
          select weeks.class_id, week_start, student_id
          from weeks join members using (class_id) anti join away using (student_id, week_start)
          where begin_date <= first and end_date > last
          group by all
        ),
        theirs as (
          -- a register that was not taken is none that lacks somebody
          select distinct student_id, {week_of("date", week_begins)} as week_start
          from stg_attendance
        )
        select weeks.class_id, weeks.week_start, any_value(days) as days, any_value(fewest) as fewest,
               any_value(came)::bigint as came, any_value(marked)::bigint as marked,
               any_value(expected)::bigint as expected,
               count(pupils.student_id) as students,
               count(pupils.student_id) filter (theirs.student_id is null) as unmarked
        from weeks
        left join pupils using (class_id, week_start)
        left join theirs on theirs.student_id = pupils.student_id
          and theirs.week_start = weeks.week_start
        group by all
        order by all
        """
    ).pl()
    return found


def schools_without_days(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Schools that students are at and that have no day in session.

    Returns:
        One row per `school_id`: `students`, and `class_ids` of the classes of that school.
    """
    found: pl.DataFrame = con.sql(
        """
        with places as (
          select pupil.school_id, count(distinct pupil.student_id) as students
          from stg_student_schools as pupil
          join stg_enrollments as spell
            on spell.role = 'student' and spell.person_id = pupil.student_id
            and spell.begin_date < pupil.end_date and spell.end_date > pupil.begin_date
          group by all
        )
        select school_id, students,
               (select coalesce(list(class_id order by class_id), []) from stg_classes
                where stg_classes.school_id = places.school_id) as class_ids
        from places
        where school_id not in (select school_id from stg_school_days where in_session)
        order by all
        """
    ).pl()
    return found


def marked_days(con: duckdb.DuckDBPyConnection) -> list[date]:
    """Days that attendance has marks of, in order, also closed days and days to come."""
    found = con.execute(
        f"""
        select date from stg_attendance union
        select day from rejected_attendance where rule in {literals(OUTSIDE)} and day is not null
        order by 1
        """
    ).fetchall()
    return [day for (day,) in found]


def marks_on_closed_days(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Days that have marks and are closed, of schools that the calendar has days of.

    Returns:
        One row per `school_id` and closed `date`: `marks`; `missed`, of these, those of who was not there
        all the time; `usual`, the marks of one of its other days; `ahead`, whether it is on a weekday of
        school before the first or after the last day in session; `alone`, whether its week has marks on
        no day in session; `open`, the days in session between the first and the last mark; `file`,
        `line` of the first mark.
    """
    found: pl.DataFrame = con.sql(
        f"""
        with closed as (
          select school_id, day as date, count(*) as marks,
                 count(*) filter (attended < possible) as missed,
                 min(file) as file, arg_min(line, (file, line)) as line
          from rejected_attendance as mark join stg_student_schools as pupil
            on pupil.student_id = mark.student_id and day >= begin_date and day < end_date
          where rule = {literal(CLOSED)} group by all
        ),
        taken as (
          select school_id, date, count(*) as marks
          from stg_attendance as mark join stg_student_schools as pupil
            on pupil.student_id = mark.student_id and date >= begin_date and date < end_date
          group by all
        ),
        bounds as (
          select school_id, min(date) as first, max(date) as last,
                 list(distinct isodow(date)) as weekdays
          from stg_school_days where in_session group by all
        ),
        marked as (
          select school_id, min(date) as first, max(date) as last
          from (select school_id, date from closed union all select school_id, date from taken)
          group by all
        )
        select school_id, date, marks, missed,
               (select median(marks) from taken where taken.school_id = closed.school_id) as usual,
               (date < bounds.first or date > bounds.last)
                 and list_contains(weekdays, isodow(date)) as ahead,
               not exists (
                 from taken where taken.school_id = closed.school_id
                   and date_trunc('week', taken.date) = date_trunc('week', closed.date)
               ) as alone,
               (select count(*) from stg_school_days as day
                where day.school_id = closed.school_id and in_session
                  and day.date between marked.first and marked.last) as open,
               file, line
        from closed join bounds using (school_id) join marked using (school_id)
        order by all
        """
    ).pl()
    return found


def homerooms_at_once(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Pairs of homerooms that students are in on the same days.

    Returns:
        One row per `one` and `other` (ids of classes): `shared` students, on the same days, `together`
        (of these, from the same day on), `smaller`, the students of the smaller one, the days on which
        `one_began` and `other_began` for any of them, and whether they are `apart`, in two schools.
    """
    found: pl.DataFrame = con.sql(
        f"""
        with homes as (select distinct * from {HOMES}),
        sizes as (select class_id, count(distinct student_id) as students from homes group by all),
        pairs as (
          select one.class_id as one, other.class_id as other,
                 count(distinct one.student_id) as shared,
                 count(distinct one.student_id) filter (one.begin_date = other.begin_date) as together,
                 min(one.begin_date) as one_began, min(other.begin_date) as other_began
          from homes as one join homes as other
            on one.student_id = other.student_id and one.class_id < other.class_id
            and one.begin_date < other.end_date and other.begin_date < one.end_date
          group by all
        )
        select one, other, shared, together, least(a.students, b.students) as smaller,
               one_began, other_began, here.school_id <> there.school_id as apart
        from pairs join sizes as a on a.class_id = one join sizes as b on b.class_id = other
        join stg_classes as here on here.class_id = one join stg_classes as there on there.class_id = other
        order by all
        """
    ).pl()
    return found


def calendar_rivals(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, schools: list[str], landing: Landing
) -> tuple[pl.DataFrame, list[str]]:
    """Rows of the calendar that contradict each other, and the columns that tell them apart.

    Returns:
        `days_that_differ`, and headers of the files that are not read and whose cells differ in every
        such date and school.
    """
    export = landing.calendar
    differ = days_that_differ(read_table(con, "read_calendar"), schools, export)
    if differ.is_empty():
        return differ, []
    con.register("differ", differ)
    telling = []
    for header in unread_names(con, "calendar", files, export):
        cell = f"coalesce(raw.{quoted(header)}, '')"
        ((apart,),) = con.execute(
            f"""
            select coalesce(bool_and(cells), false) from (
              select count(distinct {cell}) > 1 and count(distinct ({cell}, differ.in_session)) = count(distinct {cell}) as cells
              from differ join raw_calendar as raw using (_file, _line)
              group by differ.date, differ.school_id
            )
            """
        ).fetchall()
        if apart:
            telling.append(header)
    con.unregister("differ")
    return differ, telling


def without_a_calendar(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Students of whom the calendar has no days, in schools of which it has several calendars.

    Returns:
        One row per school: `school_id`, `kind` (grade, track or class_id: what they lack), `students`,
        `theirs` (their grades or tracks), `known` (those of the calendar), `strange` (of these, those
        of no student or class at all), `class_ids`.
    """
    found: pl.DataFrame = con.sql(
        """
        with classes as (
          select school_id, list(distinct class_id order by class_id) as class_ids
          from students_without_calendar as pupil join stg_enrollments as spell
            on spell.person_id = pupil.student_id and role = 'student'
          group by all
        )
        select school_id, kind, count(*) as students,
               list(distinct value order by value) filter (value <> '') as theirs,
               any_value(known) as known, any_value(class_ids) as class_ids
        from students_without_calendar join classes using (school_id)
        group by school_id, kind order by all
        """
    ).pl()
    taken = con.sql(
        """
        select 'grade' as kind, list(distinct grade) as taken from stg_students
        union all
        select 'track', list(distinct track) from read_students
        union all
        select 'class_id', list(distinct class_id) from stg_classes
        """
    ).pl()
    return (
        found.join(taken, on="kind", how="left", maintain_order="left")
        .with_columns(
            pl.col("theirs").fill_null([]),
            strange=pl.col("known").list.set_difference("taken").list.sort(),
        )
        .drop("taken")
    )


def names_for_ids(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, landing: Landing
) -> pl.DataFrame:
    """Columns taken for ids of students whose cells read like names: with a comma or a blank inside.

    Returns:
        One row per `table` of which most different cells do: `header`, `file`, `ids`, `names`; `line`, what
        finds the ids by a column of students that has the same names, each once, if there is one.
    """
    rows = []
    students = resolved_headers("students", files, landing.students)
    for table in ("students", "enrollments", "attendance", "homework"):
        column = "person_id" if table == "enrollments" else "student_id"
        ids, names = con.execute(
            f"""
            select count(*), count(*) filter (regexp_matches(id, '\\p{{L}}.*[, ].*\\p{{L}}'))
            from (select distinct {column} as id from read_{table}
                  where {column} is not null and _rule is null)
            """
        ).fetchall()[0]
        if names > ids / 2:
            path, found = next(
                (path, found.headers[column])
                for path, found in resolved_headers(table, files, landing.export(table)).items()
                if column in found.headers
            )
            line = _ids_by_name(con, table, found, path, students)
            rows.append((table, found, path, ids, names, line))
    schema = {
        "table": pl.String,
        "header": pl.String,
        "file": pl.String,
        "ids": pl.Int64,
        "names": pl.Int64,
        "line": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _ids_by_name(
    con: duckdb.DuckDBPyConnection,
    table: str,
    header: str,
    path: str,
    students: Mapping[str, Resolved],
) -> str | None:
    """The lines by which rows find their student's id, by names that no two students share."""
    if table in ("students", "enrollments") or len(students) != 1:
        return None
    ((of, found),) = students.items()
    for name in found.unread + tuple(found.headers.values()):
        ((once,),) = con.execute(
            f"""
            with named as (select trim({quoted(name)}) as name from raw_students),
            theirs as (select distinct trim({quoted(header)}) as name from raw_{table} where _file = ?)
            select not exists (select name from named where name <> '' group by all having count(*) > 1)
                   and (select count(*) from theirs semi join named using (name))
                       >= {NEARLY_ALL_NAMES} * (select count(*) from theirs)
            """,
            [path],
        ).fetchall()
        if once:
            part = ("landing", table, "parts", pattern_of(path))
            target = ("students", found.headers["student_id"])
            return as_sentence(
                part, join_lines(part, "student_id", target, (pattern_of(of),), (header, name), "")
            )
    return None


def parts_that_repeat(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, landing: Landing
) -> pl.DataFrame:
    """Files of a snapshot that are taken for parts, though one has most of the other's rows.

    Returns:
        One row per `table`, `one` and `other` (paths): `rows` of the smaller by their keys, and how
        many of them are `shared`.
    """
    found = [pl.DataFrame(schema=_REPEATED)]
    for table, paths in (
        files.filter(pl.col("current") & pl.col("error").is_null() & (pl.col("table") != ""))
        .group_by("table", maintain_order=True)
        .agg("path")
        .filter(pl.col("path").list.len() > 1)
        .iter_rows()
    ):
        if landing.export(table).export == "delta" or table == "staff":
            continue
        key = ", ".join(f"coalesce({name}, '')" for name in KEYS[table])
        shared: pl.DataFrame = con.sql(
            f"""
            with keys as (
              select distinct _file, hash({key}) as key
              from read_{table} where _rule is null
            ),
            sizes as (select _file, count(*) as rows from keys group by all),
            pairs as (
              select one._file as one, other._file as other, count(*) as shared
              from keys as one join keys as other on one.key = other.key and one._file < other._file
              group by all
            )
            select {literal(table)} as "table", one, other, least(a.rows, b.rows) as rows, shared
            from pairs join sizes as a on a._file = one join sizes as b on b._file = other
            """
        ).pl()
        found.append(shared.filter(pl.col("one").is_in(paths)).cast(_REPEATED))
    return pl.concat(found)


_REPEATED = pl.Schema(
    {"table": pl.String, "one": pl.String, "other": pl.String, "rows": pl.Int64, "shared": pl.Int64}
)


def schools_of_sets(con: duckdb.DuckDBPyConnection, files: pl.DataFrame) -> pl.DataFrame:
    """Schools whose students stand in several sets of one format.

    Args:
        con: The warehouse, with `read_students`.
        files: `LandingFiles`.

    Returns:
        One row per `school_id`: `format`, and the `paths` of its students.
    """
    sets = files.filter(
        (pl.col("table") == "students")
        & pl.col("current")
        & pl.col("format").is_not_null()
        & pl.col("part").map_elements(
            lambda part: FilesOfExport.of(part).export != "delta", return_dtype=pl.Boolean
        )
    ).select("path", "format", folder=pl.col("path").str.replace(r"[^/#]*$", ""))
    con.register("sets", sets)
    found: pl.DataFrame = con.sql(
        """
        select school_id, format, list(distinct path order by path) as paths
        from read_students join sets on path = _file
        where _rule is null and school_id is not null
        group by all having count(distinct folder) > 1 order by all
        """
    ).pl()
    con.unregister("sets")
    return found


def without_a_domain(con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Addresses of staff without an @, and all."""
    ((logins, of),) = con.execute(
        "select count(*) filter (not contains(email, '@')), count(email) from stg_staff"
    ).fetchall()
    return logins, of


def teachers_unknown(con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Classes with students whose export names teachers, and those of which one is in no export of staff."""
    found: tuple[int, int] = con.execute(
        f"""
        select count(distinct class_id), count(distinct class_id) filter (teacher not in (select staff_id from stg_staff))
        from (
          unpivot (select class_id, teacher_id, {", ".join(CO_TEACHERS)} from read_classes where _rule is null)
          on * exclude (class_id) into name column_name value teacher
        )
        where class_id in (select class_id from stg_enrollments where role = 'student')
        """
    ).fetchall()[0]
    return found
