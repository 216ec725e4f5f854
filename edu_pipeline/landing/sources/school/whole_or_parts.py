"""Whether files of attendance and homework are whole exports or parts of one, by the days they tell of.

Their names say it first (`versions`); here what they hold is held against their names.
"""

import re
from collections.abc import Collection, Iterator

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal
from edu_pipeline.ground.wording import counted, day_month
from edu_pipeline.landing.rules import AFTER
from edu_pipeline.landing.sources.school.canonical import CODES
from edu_pipeline.landing.sources.school.fields import DATES
from edu_pipeline.landing.sources.school.school_problems import school_problem
from edu_pipeline.landing.sources.school.stage_facts import (
    HOMES,
    distinct_texts,
    lesson_files,
    register_days,
)
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.home import Settings

MOST = 0.5
GROWTH = 1.5
"""Times the pieces of the first export of homework that a whole one of the next week has at least."""
_NUMBERS = re.compile(r"\d+")


def whole_or_parts(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> list[Problem]:
    """Files of attendance and homework that may be read as something else than they are.

    Args:
        con: The warehouse, with `read_attendance`, `read_homework`, `rejected_attendance`,
            `stg_school_days`, `stg_student_schools`, `stg_classes` and `stg_enrollments`.
        files: `LandingFiles`.
        settings: How both are read, and what the codes of attendance mean.
    """
    found: list[Problem] = []
    for table in CODES:
        export = settings.landing.export(table)
        if export.export == "delta" or table not in files["table"]:
            continue
        (day,) = DATES[table]
        texts = distinct_texts(con, table, day)[day]
        register_days(con, texts, export, settings.known_zone)
        found += _parts_named_by_date(con, files, table)
        if table == "attendance" and settings.landing.attendance.shape == "exceptions":
            found += _versions_with_other_names(con, lesson_files(files))
            found += _named_by_first_day(con, files, settings)
            found += _parts_left_behind(con, files)
        con.unregister("days")
    return found


def _delta(table: str) -> str:
    return f'add to [landing.{table}]: export = "delta"'


def _parts_named_by_date(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, table: str
) -> Iterator[Problem]:
    """The newest of several dated files, if it has no day up to the date of the one before.

    A whole export would have the days of that one, too, but for that of another school year. A single
    row that is gone may have been corrected. All homework of the year's first export may be due after
    its date; the next one then has that and more.
    """
    dated = files.filter(
        (pl.col("table") == table) & pl.col("stamped") & pl.col("error").is_null()
    ).with_columns(rows=pl.col("lines") - pl.col("header_lines"))
    for of in dated.partition_by("series"):
        newest = of.filter("current")
        before = of.filter(~pl.col("current") & (pl.col("rows") > 1)).sort("version")
        if newest.is_empty() or before.is_empty():
            continue
        has_grown = int(newest["rows"].sum()) >= GROWTH * int(before["rows"].sum())
        if table == "homework" and before.height == 1 and has_grown:
            continue
        path, last = newest["path"][0], before.row(-1, named=True)
        ((first, same_year),) = con.execute(
            f"""
            select min(day), min(day) <= any_value(year.last) and any_value(year.first) <= $stamp
            from read_{table} join days on days.text = {DATES[table][0]}, (
              select min(date) as first, max(date) as last from stg_school_days
              where in_session
                and year_start = (select max(year_start) from stg_school_days where date <= $newest)
            ) as year
            where _file in (select unnest($paths)) and _rule is null
            """,
            {
                "paths": newest["path"].to_list(),
                "stamp": last["version"].date(),
                "newest": newest["version"].max().date(),  # type: ignore[union-attr]
            },
        ).fetchall()
        if first is None or first <= last["version"].date() or not same_year:
            continue
        message = (
            f"{path} has no row before {day_month(first)} {first.year}, which is after the date of "
            f"{last['path']}, and that is left out as an older version of it. If each file has its own "
            f"days only, so that all count, {_delta(table)}; else export {table} again, from the first day "
            "of school on."
        )
        problem = school_problem(table, "parts_by_date", newest["series"][0], message)
        yield problem.releasable("If the older ones are to be left out")


def _versions_with_other_names(
    con: duckdb.DuckDBPyConnection, by_lesson: Collection[str]
) -> Iterator[Problem]:
    """Files of exceptions that are added up, though they tell of the same days of the same people.

    Parts are of lessons beside days, of other days, of other classes (where there are no homerooms, of other students), of
    other codes or sessions, or have numbered names.
    """
    found = con.execute(
        f"""
        with homes as {HOMES},
        lines as (
          select _file as file, day, code, session, coalesce(homes.class_id, item.student_id) as whose
          from read_attendance as item
          join days on days.text = item.date
          left join homes on homes.student_id = item.student_id
            and day >= begin_date and day < end_date
          where _rule is null
        ),
        files as (
          select file, min(day) as first, max(day) as last, list(distinct whose) as whose,
                 list(distinct code) as codes,
                 coalesce(list(distinct session) filter (session is not null), []) as sessions
          from lines group by all
        ),
        pairs as (
          select one.file as one, other.file as other, greatest(one.first, other.first) as first,
                 least(one.last, other.last) as last,
                 least(one.last - one.first, other.last - other.first) + 1 as shorter,
                 list_intersect(one.whose, other.whose) as shared,
                 least(len(one.whose), len(other.whose)) as fewer
          from files as one join files as other on one.file < other.file
          where (one.file in $by_lesson) = (other.file in $by_lesson)
            and list_has_any(one.codes, other.codes)
            and (one.sessions = [] or other.sessions = []
                 or list_has_any(one.sessions, other.sessions))
        )
        select one, other, first, last from pairs
        where last - first + 1 > {MOST} * shorter and len(shared) > {MOST} * fewer
        order by all
        """,
        {"by_lesson": [*by_lesson]},
    ).fetchall()
    for one, other, first, last in found:
        if _NUMBERS.sub("", one) == _NUMBERS.sub("", other):
            continue
        message = (
            f"{one} and {other} are added up, though both tell of the days from {day_month(first)} to "
            f"{day_month(last)} {last.year} and of the same classes, as two versions of one export do: "
            "what was corrected in one would count all the same. Leave only the newer, or write the "
            "day of the export into the names, such as attendance_2026-09-18.csv."
        )
        problem = school_problem(
            "attendance", "versions_added", f"{one} {other}", message, known_as=one + other
        )
        yield problem.releasable("If both count")


def _named_by_first_day(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """Exceptions of days after the date in a file's name that nobody can have planned.

    Such as late arrivals and unexcused absences, or most of a file.
    """
    stamped = files.filter((pl.col("table") == "attendance") & pl.col("stamped"))
    found = con.execute(
        f"""
        select lost.file, list(item.code), min(lost.day), max(lost.day),
               (select count(*) from read_attendance as every
                where every._file = lost.file and every._rule is null)
        from rejected_attendance as lost
        join read_attendance as item
          on item._file = lost.file and item._line = lost.line and item._heading = lost.heading
        where lost.file in (select unnest($stamped)) and rule = {literal(AFTER)}
        group by lost.file order by lost.file
        """,
        {"stamped": stamped["path"].to_list()},
    ).fetchall()
    for file, codes, first, last, of in found:
        marks = [mark for code in codes if (mark := settings.attendance.mark(code))]
        happened = [mark for mark in marks if mark.tardy or mark.excused is False]
        if len(happened) <= 1 and len(codes) <= MOST * of:
            continue
        message = (
            f"{counted(len(codes), 'row')} of {of} in {file} {'is' if len(codes) == 1 else 'are'} of "
            f"days after the date in its name, from {day_month(first)} to {day_month(last)} "
            f"{last.year}, and taken for planned absences, which count nowhere yet. If that date is the "
            "file's first day, or of its last week, give it the last one, such as "
            f"attendance_{last}.csv, or {_delta('attendance')}."
        )
        problem = school_problem(
            "attendance", "named_by_first_day", file, message, len(codes), first=first
        )
        yield problem.releasable("If they are planned")


def _parts_left_behind(con: duckdb.DuckDBPyConnection, files: pl.DataFrame) -> Iterator[Problem]:
    """Parts of exceptions that are older than another: who was away after their date, is there.

    A part of days after that date is none that should have replaced them, if only the numbers in
    their names differ.
    """
    parts = files.filter(
        (pl.col("table") == "attendance") & pl.col("current") & pl.col("stamped")
    ).select("path", "series", stamp=pl.col("version").dt.date())
    if parts["series"].n_unique() <= 1:
        return
    con.register("parts", parts)
    found = con.execute(
        r"""
        with lines as (
          select _file as path, school_id, min(day) as first, max(day) as last
          from read_attendance as item join days on days.text = item.date
          join parts on path = _file and day <= stamp
          join stg_student_schools as pupil on pupil.student_id = item.student_id
            and day >= pupil.begin_date and day < pupil.end_date
          where _rule is null group by all
        )
        select old.path, any_value(old.stamp), arg_max(new.path, last), max(last),
               count(distinct date)
        from parts as old join parts as new on old.stamp < new.stamp and old.series <> new.series
        join lines on lines.path = new.path
          and (lines.school_id in (select school_id from lines as own where own.path = old.path)
               or old.path not in (select path from lines))
        join stg_school_days as open on open.school_id = lines.school_id and in_session
          and date > old.stamp and date <= last and year_start <= old.stamp
        where first <= old.stamp
           or regexp_replace(old.path, '\d+', '', 'g') <> regexp_replace(new.path, '\d+', '', 'g')
        group by old.path order by old.path
        """
    ).fetchall()
    con.unregister("parts")
    for path, stamp, other, last, days in found:
        message = (
            f"{path} tells of nothing after the date in its name, {day_month(stamp)} {stamp.year}, and "
            f"{other} of days up to {day_month(last)}: on {counted(days, 'school day')} whoever is in the "
            "older one only counts as there, as nobody exported who was not. Export it again, or take "
            "it away if another file has its rows."
        )
        problem = school_problem(
            "attendance", "parts_left_behind", path, message, first=stamp, last=last, known_as=path
        )
        yield problem.releasable("If nobody was away")
