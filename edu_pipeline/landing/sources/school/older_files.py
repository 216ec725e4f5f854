"""The newest file of an export held against the one before that still lies there: what it has lost.

What was accepted last (`changes`) says nothing of it on a first run, nor of a small class.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import duckdb
import polars as pl

from edu_pipeline.ground.wording import day_month
from edu_pipeline.landing.sources.school.canonical import CODES, read_export, resolved_headers
from edu_pipeline.landing.sources.school.fields import DATES
from edu_pipeline.landing.sources.school.school_problems import few, school_problem
from edu_pipeline.landing.sources.school.stage_facts import distinct_texts, register_days
from edu_pipeline.landing.tables.raw import load_raw
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.problems import Problem
from edu_pipeline.model.school_calendar import LONG_GAP_DAYS
from edu_pipeline.settings.landing import Landing, TableExport

ENOUGH_STUDENTS = 3
MOST = 0.5
"""Share of a class's students who are in no other class either; else they have moved."""
_GIVEN = "_rule is null and class_id is not null and person_id is not null"


def classes_lost(
    con: duckdb.DuckDBPyConnection, zone: Zone, files: pl.DataFrame, export: TableExport
) -> list[Problem]:
    """Classes of which the newest enrollments have nobody, though the dated file before had some.

    Args:
        con: The warehouse, with `read_enrollments` and `stg_staff`.
        zone: Where exports land.
        files: `LandingFiles`.
        export: How enrollments are read.

    Raises:
        LandingError: A file has changed since it was listed.
    """
    dated = files.filter(
        (pl.col("table") == "enrollments") & pl.col("stamped") & pl.col("error").is_null()
    )
    problems = []
    for of in dated.partition_by("series"):
        newest = of.filter("current")
        before = _before(of)
        if newest.is_empty() or before.is_empty() or export.export == "delta":
            continue
        gap = newest["version"][0] - before["version"][0]
        headers = resolved_headers("enrollments", pl.concat([newest, before]), export).values()
        readable = not any(found.missing for found in headers)
        if gap.days >= LONG_GAP_DAYS or not readable:  # or of another school year
            continue
        with _read_beside(zone, "enrollments", before, export) as beside:
            ends = distinct_texts(beside, "enrollments", "end_date")["end_date"]
            register_days(beside, ends, export)
            older: pl.DataFrame = beside.sql(
                "select distinct class_id, person_id from read_enrollments left join days "
                f"on days.text = end_date where {_GIVEN} and (day is null or day > $newest)",
                params={"newest": newest["version"][0].date()},
            ).pl()
        con.register("older", older)
        lost = con.execute(
            f"""
            with pupils as (
              select person_id, class_id from read_enrollments
              where {_GIVEN} and person_id not in (select staff_id from stg_staff)
            )
            select class_id from older
            where person_id not in (select staff_id from stg_staff)
              and class_id not in (select class_id from pupils)
            group by class_id
            having count(*) >= {ENOUGH_STUDENTS} and {MOST} * count(*) < count(*) filter (
              person_id not in (select person_id from pupils))
            order by class_id
            """
        ).fetchall()
        con.unregister("older")
        if lost:
            path, other = newest["path"][0], before["path"][0]
            classes = few([class_id for (class_id,) in lost])
            message = (
                f"{path} has no student of {'class' if len(lost) == 1 else 'classes'} {classes}, and "
                f"most of those that {other} has are in no other class: they count nowhere. If the "
                "file was cut short, export enrollments again."
            )
            problem = school_problem("enrollments", "classes_lost", classes, message)
            problems.append(problem.releasable("If they have left"))
    return problems


def days_replaced(
    con: duckdb.DuckDBPyConnection, zone: Zone, files: pl.DataFrame, landing: Landing
) -> list[Problem]:
    """Days of a file with a date in its name that the file which replaces it, as it changed later, lacks.

    Args:
        con: The warehouse, with `read_…`.
        zone: Where exports land.
        files: `LandingFiles`.
        landing: How exports are read.

    Raises:
        LandingError: A file has changed since it was listed.
    """
    problems = []
    for table in CODES:
        export = landing.export(table)
        usable = files.filter((pl.col("table") == table) & pl.col("error").is_null())
        for of in usable.partition_by("series") if export.export != "delta" else ():
            newest = of.filter("current")
            before = _before(of)
            if newest.is_empty() or newest["stamped"].any() or before.is_empty():
                continue
            headers = resolved_headers(table, before, export).values()
            if any(found.missing for found in headers):
                continue
            with _read_beside(zone, table, before, export) as beside:
                older = _last_day(beside, table, before, export)
            newer = _last_day(con, table, newest, export)
            if older and newer and older > newer:
                path, other = newest["path"][0], before["path"][0]
                message = (
                    f"{path} counts because it was changed last, though {other}, which it replaces, goes on "
                    f"to {day_month(older)} and it ends on {day_month(newer)}: files that are copied or "
                    "unpacked have the time of that. Delete the older one, or write the day of the "
                    "export into the name of both."
                )
                problem = school_problem(table, "days_replaced", path, message)
                problems.append(problem.releasable("If it is the newer one"))
    return problems


def _before(of: pl.DataFrame) -> pl.DataFrame:
    """Of the files of a series the newest dated one that is replaced, as if it were not; or none."""
    replaced = of.filter(~pl.col("current") & pl.col("stamped")).sort("version").tail(1)
    return replaced.with_columns(current=pl.lit(value=True))


@contextmanager
def _read_beside(
    zone: Zone, table: str, files: pl.DataFrame, export: TableExport
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own with `read_<table>` of these files."""
    with duckdb.connect(config={"python_enable_replacements": False}) as beside:
        load_raw(beside, zone, table, files)
        read_export(beside, table, files, export)
        yield beside


def _last_day(
    con: duckdb.DuckDBPyConnection, table: str, files: pl.DataFrame, export: TableExport
) -> date | None:
    (column,) = DATES[table]
    register_days(con, distinct_texts(con, table, column)[column], export)
    ((day,),) = con.execute(
        f"select max(day) from read_{table} join days on text = {column} "
        "where _rule is null and list_contains($files, _file)",
        {"files": files["path"].to_list()},
    ).fetchall()
    con.unregister("days")
    found: date | None = day
    return found
