"""Readings of the calendar that have a rival: questions, never guesses.

Those about attendance and homework stand in `doubts`.
"""

from collections.abc import Collection, Iterator

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals, quoted
from edu_pipeline.ground.toml import toml_text
from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.rules import CLOSED
from edu_pipeline.landing.sources.school.canonical import resolved_headers
from edu_pipeline.landing.sources.school.fields import WORDS
from edu_pipeline.landing.sources.school.school_problems import school_problem
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.home import Settings

NO_SCHOOL = r"holiday|closed|closure|vacation|no school|no students|non[- ]?instruction|day off"
"""In what calendars say of days without school, besides the words that are known."""
SHOWN = 4
MOST = 0.5


def roster_doubts(
    con: duckdb.DuckDBPyConnection,
    files: pl.DataFrame,
    settings: Settings,
    holidays: Collection[Problem] = (),
) -> Iterator[Problem]:
    """Every question about the calendar that the data raise.

    Args:
        con: The warehouse, with `raw_…`, the staging tables and `rejected_…`.
        files: `LandingFiles`.
        settings: How the exports are read.
        holidays: `holidays_only`.
    """
    yield from holidays or _days_without_a_word(con, files, settings)


def _days_without_a_word(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """A calendar in which every day is in session, beside a column that says that some are none."""
    export = settings.landing.calendar
    words = [word for word, ours in WORDS["calendar", "in_session"].items() if ours == "false"]
    known = [word for word in words if len(word) > 1]  # a 0 or an N may say anything
    for path, found in resolved_headers("calendar", files, export).items():
        if "in_session" in found.headers or "in_session" in export.constants:
            continue
        for name in _unread(files, "calendar", path, found.headers.values()):
            cell = f"lower(trim({quoted(name)}))"
            rows = con.execute(
                f"""
                select trim({quoted(name)}) as word, count(*) from raw_calendar
                where _file = ? and ({cell} in {literals(known)}
                  or regexp_matches({cell}, {literal(NO_SCHOOL)}))
                group by all order by all
                """,
                [path],
            ).fetchall()
            if rows:
                days = sum(number for _, number in rows)
                shown = listed([f"'{word}'" for word, _ in rows[:SHOWN]])
                problem = school_problem(
                    "calendar",
                    "no_in_session",
                    name,
                    f"{path} has no column that says whether school is in session, so each of its days "
                    f"counts as one, and {name} has {shown} on {counted(days, 'day')}. Add to "
                    f"[landing.calendar.columns]: in_session = {toml_text(name)}",
                    days,
                    known_as=f"{path} has no in_session beside {name}.",
                )
                yield problem.releasable("If school is in session on all of them")


def holidays_only(con: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    """A calendar whose days in session have no marks, while most marks are of other days."""
    marked, closed, without, days = con.execute(
        f"""
        with taken as (select distinct date from stg_attendance),
        outside as (
          select distinct day from rejected_attendance where rule = {literal(CLOSED)}
        ),
        listed as (
          select distinct date from stg_school_days where in_session
            and date >= (select min(day) from outside)
        )
        select (select count(*) from taken), (select count(*) from outside),
               (select count(*) from listed where date not in (from taken)),
               (select count(*) from listed)
        """
    ).fetchall()[0]
    if closed > 1 and closed > MOST * (closed + marked) and days and without > MOST * days:
        yield school_problem(
            "calendar",
            "holidays_only",
            "in_session",
            f"Marks are of {counted(closed, 'day')} that the calendar does not have in session, and hardly "
            f"any is of the {counted(days, 'day')} that it has: it seems to list the days without school. "
            "Export every school day, or both with a column that says which is which, and say in "
            '[landing.calendar.columns] which one it is: in_session = "…"',
            closed,
        )


def _unread(files: pl.DataFrame, table: str, path: str, read: Collection[str]) -> list[str]:
    header = files.filter(table=table, path=path)["header"].to_list()[0]
    return [name for name in header if name not in read]
