"""Readings of the calendar and of classes that have a rival: questions, never guesses.

Those about attendance and homework stand in `doubts`.
"""

import re
from collections.abc import Collection, Iterator

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals, quoted
from edu_pipeline.ground.toml import toml_key, toml_text
from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.rules import CLOSED
from edu_pipeline.landing.sources.school.canonical import CODES, resolved_headers, unread_names
from edu_pipeline.landing.sources.school.fields import DATES, WORDS
from edu_pipeline.landing.sources.school.school_problems import school_problem
from edu_pipeline.landing.sources.school.stage_facts import distinct_texts
from edu_pipeline.landing.tables.dates import days_read, is_moment, parsed_date
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.home import Settings

NO_SCHOOL = r"holiday|closed|closure|vacation|no school|no students|non[- ]?instruction|day off"
"""In what calendars say of days without school, besides the words that are known."""
_TERM_HEADER = (
    r"(course|class|section)?(term|semester|trimester|quarter|(school|academic)(year|term|session))s?"
    r"(name|code|abbr|abbreviation|id|sourcedids?)?"
)
"""Headers, normal, of the term or year that a class is of."""
_YEAR = r"(?:\d{4}|\d{2}(?=[-/–]\d{2}))"
_PARTS = r"s|q|t|h|sem(?:ester)?|term|tri(?:mester)?|quarter|qtr|half"
_TERM = (
    rf"(?:sy ?)?(?P<year>{_YEAR})?(?:[-/–](?:\d{{4}}|\d{{2}}))?[ _/,:-]*"
    rf"(?:(?P<part>{_PARTS})[ ._]?(?P<number>\d)|(?P<first>\d)(?:st|nd|rd|th)? (?P<th>{_PARTS})"
    r"|(?P<season>fall|autumn|winter|spring|summer)|(?P<bare>\d)|(?:full |school )?(?:year|yr|fy)|annual)?"
    rf"[ _/,:-]*(?P<after>{_YEAR})?(?:[-/–](?:\d{{4}}|\d{{2}}))?"
)
"""`2024-25`, `SY24-25`, `S2`, `2nd semester`, `Fall 2024`, `2024-25 Q1`, `Full year`."""
_SESSION_NAME = "sessionname"
SHOWN = 4
MOST = 0.5


def roster_doubts(
    con: duckdb.DuckDBPyConnection,
    files: pl.DataFrame,
    settings: Settings,
    holidays: Collection[Problem] = (),
) -> Iterator[Problem]:
    """Every question about the calendar and classes that the data raise.

    Args:
        con: The warehouse, with `raw_…`, `read_…`, the staging tables and `rejected_…`.
        files: `LandingFiles`.
        settings: How the exports are read.
        holidays: `holidays_only`.
    """
    yield from holidays or _days_without_a_word(con, files, settings)
    yield from terms_without_days(con, files, settings)
    yield from terms_not_landed(con, files, settings)
    yield from _moments_in_rosters(con, files, settings)


def _moments_in_rosters(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """Moments in UTC in rosters and calendars, where only their date is read: another day at the school."""
    for table in sorted({*DATES}.difference(CODES).intersection(files["table"])):
        for day in DATES[table]:
            texts = distinct_texts(con, table, day)[day].drop_nulls()
            moments = texts.filter(texts.to_frame().select(is_moment(pl.col(day))).to_series())
            if settings.known_zone is not None:
                there = days_read(moments, (), settings.known_zone)
                moments = there.filter(pl.col("day") != parsed_date(pl.col("text"), ()))["text"]
            if moments.len():
                problem = school_problem(
                    table,
                    "moments_in_rosters",
                    day,
                    f"{day} of {table} is written as moments in UTC, such as {moments.sort()[0]}, and only their "
                    "date is read, though at the school it may be another day. Export dates, such as 2026-09-18.",
                    moments.len(),
                    known_as=f"{day} of {table} is written in UTC.",
                )
                yield problem.releasable("If it is right as it is read")


def _days_without_a_word(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """A calendar in which every day is in session, beside a column that says that some are none."""
    export = settings.landing.calendar
    words = [word for word, ours in WORDS["calendar", "in_session"].items() if ours == "false"]
    known = [word for word in words if len(word) > 1]  # a 0 or an N may say anything
    for path, found in resolved_headers("calendar", files, export).items():
        if "in_session" in {**found.headers, **found.constants}:
            continue
        for name in found.unread:
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


def terms_without_days(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """Classes of several terms or school years, where no day says which of them are on.

    Args:
        con: The warehouse, with `raw_…`, `read_…` and `stg_enrollments`.
        files: `LandingFiles`.
        settings: How the exports are read.
    """
    for table in ("classes", "enrollments"):
        if table not in files["table"]:
            continue
        export = settings.landing.export(table)
        of_terms = {
            found.headers["term_ids"]
            for found in resolved_headers(table, files, export).values()
            if "term_ids" in found.headers
        }
        for name in [*unread_names(con, table, files, export), *sorted(of_terms)]:
            if not re.fullmatch(_TERM_HEADER, normal(name)):
                continue
            rows = con.execute(
                f"""
                with dated as (
                  select class_id from read_classes where coalesce(first_day, last_day) is not null
                  union all
                  select class_id from (select class_id, unnest(split(term_ids, ',')) as term_id from read_classes) as named
                  join stg_terms on stg_terms.term_id = trim(named.term_id)
                  where coalesce(first_day, last_day) is not null
                  union all
                  select class_id from read_enrollments
                  where coalesce(begin_date, end_date) is not null
                    and person_id in (select student_id from stg_students)
                )
                select distinct trim(raw.{quoted(name)}) as cell, parsed.class_id
                from read_{table} as parsed join raw_{table} as raw using (_file, _line)
                semi join (from stg_enrollments where role = 'student') as spell
                  on spell.class_id = parsed.class_id
                anti join dated on dated.class_id = parsed.class_id
                where parsed._rule is null and cell <> '' order by all
                """
            ).fetchall()
            cells = sorted({cell for cell, _ in rows})
            of_ids = normal(name).endswith(("id", "ids"))
            rivals = [
                one for one in cells if any(_are_rivals(one, other, of_ids) for other in cells)
            ]
            shown = listed([f"'{cell}'" for cell in rivals[:SHOWN]])
            for class_id in sorted({class_id for cell, class_id in rows if cell in rivals}):
                problem = school_problem(
                    table,
                    "terms_without_days",
                    name,
                    f"The column {name} of {table}, which is not read, has several terms or school years "
                    f"({shown}), and no day says when their classes "
                    "begin and end, so all of them count as if they were on. Export begin_date and end_date "
                    "of enrollments, or first_day and last_day of classes; or leave out what is not on: add to "
                    f'[landing.{table}.where]: {toml_key(name)} = ["…"]  # the terms that are on',
                    class_id=class_id,
                    known_as=f"{name} of {table} has several terms: {' '.join(rivals)}.",
                )
                yield problem.releasable("If all of them are on")


def terms_not_landed(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """Classes of a published format that are of several terms, whose days stand in what has not landed.

    Whoever has left a class that is over may still be listed in it, so only an end says that it is over.

    Args:
        con: The warehouse, with `raw_classes`, `read_classes`, `stg_terms` and `stg_enrollments`.
        files: `LandingFiles`.
        settings: How the exports are read.
    """
    classes = files.filter(pl.col("table") == "classes", pl.col("format").is_not_null())
    if classes.is_empty():
        return
    there = con.table("raw_classes").columns
    for name in sorted(_term_names(classes, settings) & set(there)):
        rows = con.execute(
            f"""
            select distinct trim(raw.{quoted(name)}) as cell, parsed.class_id
            from read_classes as parsed join raw_classes as raw using (_file, _line)
            semi join (
              from stg_enrollments where role = 'student' and end_date = date '9999-12-31'
            ) as spell on spell.class_id = parsed.class_id
            where parsed._rule is null and parsed.last_day is null and cell <> ''
              and not exists (from stg_terms where list_contains(
                list_transform(split(cell, ','), lambda each: trim(each)), term_id))
            order by all
            """
        ).fetchall()
        cells = sorted({cell for cell, _ in rows})
        if not cells[1:]:
            continue
        shown = listed([f"'{cell}'" for cell in cells[:SHOWN]])
        for class_id in sorted({class_id for _, class_id in rows}):
            problem = school_problem(
                "classes",
                "terms_not_landed",
                name,
                f"Classes are of several terms ({shown}; {name}), and no file that has landed says when these "
                "begin and end, so classes that are over count as if they were on. Put the file with the "
                "days of terms beside the others (academicSessions of OneRoster, sessions of Ed-Fi); or leave "
                f'out what is not on: add to [landing.classes.where]: {toml_key(name)} = ["…"]  # the terms that are on',
                class_id=class_id,
                known_as=f"{name} of classes has terms without days: {' '.join(cells)}.",
            )
            yield problem.releasable("If all of them are on")


def _term_names(classes: pl.DataFrame, settings: Settings) -> set[str]:
    """The headers of classes that name their terms: ids of a table, or names in Ed-Fi's file of sessions."""
    export = settings.landing.export("classes")
    found = resolved_headers("classes", classes, export).values()
    of_ids = {each.headers["term_ids"] for each in found if "term_ids" in each.headers}
    headers = {name for names in classes["header"].drop_nulls() for name in names}
    return of_ids | {name for name in headers if normal(name).endswith(_SESSION_NAME)}


def _are_rivals(one: str, other: str, of_ids: bool) -> bool:
    """Whether no class can be on in both terms; of ids nobody knows: they are."""
    first, second = _term(one), _term(other)
    if first is None or second is None:
        return of_ids and set(re.split("[,;|]", one)).isdisjoint(re.split("[,;|]", other))
    (year, kind, number), (another, its_kind, its_number) = first, second
    if year and another and year != another:
        return True
    return bool(kind) and kind == its_kind and number != its_number


def _term(text: str) -> tuple[str, str, str] | None:
    """The year in which it begins, what part of it, such as a semester, and which one; None of other texts."""
    found = re.fullmatch(_TERM, text.strip().casefold())
    if not found:
        return None
    year = (found["year"] or found["after"] or "")[-2:]
    if found["season"]:
        return year, "season", found["season"].replace("autumn", "fall")
    if found["bare"]:
        return year, "term", found["bare"]
    return year, (found["part"] or found["th"] or "")[:1], found["number"] or found["first"] or ""
