"""Rows of one file that have the same key: counted before any is thrown away, with what tells them apart.

A mark per period whose period is in a column that nobody knows, several attempts at one piece of
homework: which of them counts is for a person to say, never for their order.
"""

from dataclasses import dataclass

import duckdb
import polars as pl

from edu_pipeline.ground.sql import quoted
from edu_pipeline.ground.toml import toml_key, toml_text
from edu_pipeline.landing.sources.school.canonical import unread_names
from edu_pipeline.landing.sources.school.fields import DATES, KEYS
from edu_pipeline.landing.sources.school.school_problems import MANY_REJECTED, school_problem
from edu_pipeline.landing.sources.school.stage_facts import distinct_texts, register_days
from edu_pipeline.landing.sources.school.unread import words_of
from edu_pipeline.landing.tables.headers import word_set
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.home import Settings

SHOWN = 4
SOURCES = word_set("source system origin provider vendor database quelle origen")
"""What headers say that hold where a row comes from."""
FEW_REPEATED = 0.5
"""Rows that repeat a key to a key; of two sessions a day there is one."""


@dataclass(frozen=True)
class Several:
    """Rows of which more than one has the same key in the same file."""

    table: str
    rows: int
    """That are neither the last of their key nor the same as it in all columns."""
    of: int
    most: int
    """The most rows of one key."""
    fewest: int
    """The fewest rows of a key that has several."""
    apart: tuple[tuple[str, int], ...]
    """Columns that nobody reads in which each of them has another value, and how many there are."""
    differ: tuple[str, ...]
    """Columns that nobody reads in which they differ at all."""
    uneven: bool = False
    """Whether they are equal absences, of some days more than of others."""
    corrects: bool = False
    """Whether so few have several rows, where everybody has one, that they hardly are a day's sessions."""


def several_rows(
    con: duckdb.DuckDBPyConnection, table: str, files: pl.DataFrame, settings: Settings
) -> Several | None:
    """Rows that share their key with others, where a figure depends on which of them counts.

    Args:
        con: The warehouse, with `raw_…`, `read_…`, `stg_…` and `repeated_…`.
        table: attendance or homework.
        files: `LandingFiles`.
        settings: How it is read.

    Returns:
        None where there are none, or so few that nothing but their order tells them apart. Absences of
        which some days have two equal rows and others six may be periods without their name.
    """
    ((repeated, contradicting, staged),) = con.execute(
        f"""
        select coalesce(sum(rows) filter (here), 0), coalesce(sum(rows) filter (here and differs), 0),
               (select count(*) from stg_{table})
        from repeated_{table}
        """
    ).fetchall()
    many = repeated > MANY_REJECTED * (repeated + staged)
    doubtful = contradicting or (many and table == "homework")
    periods = table == "attendance" and settings.landing.attendance.shape == "exceptions"
    if not repeated or not (doubtful or periods):
        return None
    export = settings.landing.export(table)
    (day,) = DATES[table]
    register_days(con, distinct_texts(con, table, day)[day], export, settings.known_zone)
    key = ", ".join(["_file", *(name for name in KEYS[table] if name != day), "days.day"])
    unread = unread_names(con, table, files, export)
    cells = "".join(f", raw.{quoted(name)}" for name in unread)
    con.execute(
        f"""
        create or replace temp table sharing as
        with keyed as (
          select _file, _line, hash({key}) as key
          from read_{table} as parsed join days on days.text = parsed.{day} where _rule is null
        )
        select key{cells}
        from keyed semi join (
          select key from keyed group by all having count(*) > 1
        ) using (key) join raw_{table} as raw using (_file, _line)
        """
    )
    con.unregister("days")
    counts = "".join(
        f", count(distinct (key, {quoted(name)})), count(distinct {quoted(name)}), count({quoted(name)})"
        for name in unread
    )
    whole = ", ".join(["key", *map(quoted, unread)])
    ((rows, keys, distinct, *found),) = con.execute(
        f"select count(*), count(distinct key), count(distinct ({whole})){counts} from sharing"
    ).fetchall()
    ((most, fewest),) = con.execute(
        "select coalesce(max(rows), 0), coalesce(min(rows), 0) "
        "from (select count(*) as rows from sharing group by key)"
    ).fetchall()
    con.execute("drop table sharing")
    columns = [(name, *found[3 * n : 3 * n + 3]) for n, name in enumerate(unread)]
    # one that differs in every row is the row's own number
    apart = [
        (name, values)
        for name, pairs, values, filled in columns
        if pairs == distinct > keys and filled == rows and 2 * values <= rows
    ]
    differ = [name for name, pairs, _, _ in columns if pairs > keys]
    if not (periods and most > fewest) and not (doubtful and (many or differ)):
        return None
    return Several(
        table,
        int(repeated),
        int(repeated + staged),
        int(most),
        int(fewest),
        tuple(sorted(apart, key=lambda pair: pair[1])),
        tuple(differ),
        uneven=periods and most > fewest and not contradicting,
        corrects=settings.landing.attendance.shape == "daily" and repeated < FEW_REPEATED * staged,
    )


def several_problem(several: Several) -> Problem:
    """What is asked about rows of one key, with the line to paste where the data suggest it."""
    what, advice = _of_homework(several) if several.table == "homework" else _of_attendance(several)
    sentence = (
        f"{what}, and no column is known to tell them apart: {several.rows:,} of {several.of:,} rows "
        f"would be left out. {advice}"
    )
    names = " ".join(name for name, _ in several.apart) or " ".join(several.differ)
    problem = school_problem(
        several.table,
        "several_rows",
        several.table,
        sentence,
        several.rows,
        known_as=f"Several rows of one key in {several.table}, told apart by {names or 'nothing'}.",
    )
    return problem.releasable("If the last of them in the file is the one that counts")


def _of_attendance(several: Several) -> tuple[str, str]:
    what = f"Up to {several.most} rows of attendance are about the same student and day"
    if several.apart and several.corrects:
        (name, values), *_ = several.apart
        return what, (
            f"{name} has {values} values and another one in each of these rows, but few students have "
            "several, so these are likely corrections and no sessions. Export only the rows that count."
        )
    if several.apart and words_of(several.apart[0][0]) & SOURCES:
        name = several.apart[0][0]
        return what, (
            f"{name} has another value in each of these rows, so they are likely the same days as several "
            "systems have them. Add to [landing.attendance.where]: "
            f'{toml_key(name)} = ["…"]  # the one that counts.'
        )
    if several.apart:
        (name, values), *others = several.apart
        rivals = f" So has {' and '.join(other for other, _ in others[:SHOWN])}." if others else ""
        return what, (
            f"{name} has {values} values and another one in each of these rows, so it is likely the "
            f"session.{rivals} Add to [landing.attendance.columns]: session = {toml_text(name)}."
        )
    seen = f" They differ in {', '.join(several.differ[:SHOWN])}." if several.differ else ""
    if several.uneven:
        return what, (
            f"On other days it is {several.fewest}, so each row may be a period that was missed. Export the "
            f"period as well, or one row per student and day.{seen}"
        )
    return what, (
        f"Export one row per student and day, or say in [landing.attendance.where] which rows count.{seen}"
    )


def _of_homework(several: Several) -> tuple[str, str]:
    what = f"Up to {several.most} rows of homework are about the same piece of a student"
    seen = f" They differ in {', '.join(several.differ[:SHOWN])}." if several.differ else ""
    return what, (
        "If they are several attempts, export the one that counts, or say in [landing.homework.where] "
        f"which rows count; if they are different pieces, give each an id of its own.{seen}"
    )
