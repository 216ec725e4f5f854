"""A second column of codes or of days beside the one that is read, and that says something else."""

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass

import duckdb

from edu_pipeline.ground.toml import toml_key, toml_text
from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.sources.school.canonical import CODES
from edu_pipeline.landing.sources.school.fields import DATES, FALSE, TRUE
from edu_pipeline.landing.sources.school.school_columns import Resolved
from edu_pipeline.landing.sources.school.unread import (
    BACK,
    BEGINNINGS,
    ENDS,
    cells_of,
    few_cells,
    rows_by_day,
    rows_with,
    shown_cells,
    unread_question,
    words_of,
)
from edu_pipeline.landing.tables.headers import word_set
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.home import Settings

UNDONE = "incomplete"
"""What is no status of homework, and is one beside `complete`."""
BEFORE = word_set("original previous prior old initial")
"""What headers say of what counted once."""
AFTER = word_set("corrected correction final amended revised adjusted override")
"""What headers say of what counts instead, where anything stands there."""
DAYS = {
    "attendance": word_set("absence absent lesson missed"),
    "homework": word_set("due deadline extended extension"),
}
"""What headers say of the day that a row is about."""
OTHER_DAYS = BEFORE | {
    *("created", "entered", "modified", "updated", "recorded", "reported", "notified", "birth"),
    *("submitted", "available", "first", "next"),
}
MOST_CODES = 40
ENOUGH_ROWS = 3
"""Of one code, for what stands beside it to be its meaning."""
MANY, ROWS_OF_EACH = 10, 5
"""Students or days, and rows of each, of which it is no accident that all have the same."""


@dataclass(frozen=True)
class Meaning:
    """What a code says of its row."""

    counts: Hashable
    """An outcome of homework, or what was possible and attended."""
    tardy: bool = False
    excused: bool | None = None


NOTHING = Meaning(None)


def second_columns(
    con: duckdb.DuckDBPyConnection,
    table: str,
    names: Sequence[str],
    found: Collection[Resolved],
    settings: Settings,
) -> Iterator[Problem]:
    """Which of two columns counts, unless somebody said in `pipeline.toml` which is read.

    Args:
        con: The warehouse, with `raw_…`, `read_…` and the staging tables.
        table: attendance or homework.
        names: `unread_names`.
        found: Its headers, understood.
        settings: How it is read, and what its codes mean.
    """
    copies = {name for each in found for copied in each.repeated.values() for name in copied}
    others = [name for name in names if name not in copies]
    said = {ours for each in found for ours, how in each.how.items() if how == "setting"}
    if CODES[table] not in said:
        yield from _codes(con, table, others, settings)
        if table == "attendance":
            yield from _codes_by_school(con, others)
    if said.isdisjoint(DATES[table]):
        yield from _days(con, table, others, settings)


def _codes(
    con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str], settings: Settings
) -> Iterator[Problem]:
    """Columns in which nothing but known codes stand, where they do not mean what is read."""
    for name in names:
        cells = few_cells(con, table, name, MOST_CODES) or []
        said = {cell: _meaning(table, cell, settings) for cell in cells}
        flags = {cell.casefold() for cell in cells} <= {*TRUE, *FALSE}
        words, one = words_of(name), len(cells) <= 1
        if (one and not words & AFTER) or flags or None in said.values() or words & BEFORE:
            continue
        pairs = con.execute(
            f"select {CODES[table]}, cell, count(*) from {rows_with(table, name)} "
            "where cell <> '' group by all"
        ).fetchall()
        read = {code: _meaning(table, code, settings) for code, _, _ in pairs}
        if set(read.values()) <= {NOTHING}:
            continue  # which is asked elsewhere
        # where one code stands, it is what the others were corrected to
        all_said = [*said.values(), *(read.values() if one else ())]
        count = sum(rows for code, cell, rows in pairs if _differ(read[code], said[cell], all_said))
        if count and not _is_of_others(con, table, name):
            undone = [toml_key(cell) for cell in cells if cell.casefold() == UNDONE]
            codes = ", ".join(f'{cell} = "missing"' for cell in undone if table == "homework")
            yield _which(
                con,
                table,
                name,
                CODES[table],
                f"has codes ({shown_cells(cells)}) which mean something else than those that are read",
                count,
                f"  # and to [homework.codes]: {codes}" if codes else "",
            )


def _codes_by_school(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> Iterator[Problem]:
    """A column that says of each code what it means, and of one something else at another school."""
    for name in names:
        if not few_cells(con, "attendance", name, MOST_CODES):
            continue
        twice, one_each, rows = con.execute(
            f"""
            with said as (
              select school_id, code, lower(cell) as cell, count(*) as rows
              from {rows_with("attendance", name)} join stg_students using (student_id)
              where cell <> '' group by all
            )
            select (select list(code order by code) from (
                      select code from said group by all having count(distinct cell) > 1
                    )),
                   count(*) > 1 and count(distinct (school_id, code)) = count(*)
                     and count(distinct (school_id, cell)) = count(*)
                     and max(rows) >= {ENOUGH_ROWS},
                   coalesce(sum(rows) filter (code in (
                     select code from said group by all having count(distinct cell) > 1
                   )), 0)
            from said
            """
        ).fetchall()[0]
        if twice and one_each:
            yield unread_question(
                "attendance",
                name,
                f"The column {name} of attendance, which is not read, says of each code what it means, and of "
                f"{shown_cells(twice)} something else at another school, where all count alike: "
                f"{counted(int(rows), 'row')}. If it is right, add to [landing.attendance.columns]: "
                f"code = {toml_text(name)}  # and its words to [attendance.codes].",
                int(rows),
            )


def _is_of_others(con: duckdb.DuckDBPyConnection, table: str, name: str) -> bool:
    """Whether always the same stands there of each of many students, or days: their year, or the term."""
    for of in ("student_id", *DATES[table]):
        ((rows, many, cells),) = con.execute(
            f"select count(*), count(distinct {of}), count(distinct ({of}, cell)) "
            f"from {rows_with(table, name)}"
        ).fetchall()
        if cells == many >= MANY and rows >= ROWS_OF_EACH * many:
            return True
    return False


def _days(
    con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str], settings: Settings
) -> Iterator[Problem]:
    """Columns in which nothing but days stand, by their header those that the rows are about."""
    (day,) = DATES[table]
    others = OTHER_DAYS | (BEGINNINGS | ENDS | BACK if table == "attendance" else frozenset())
    for name in names:
        words = words_of(name)
        if words.isdisjoint(DAYS[table]) or words & others:
            continue
        count = rows_by_day(con, table, name, settings, f"day <> found.{day}")
        if count:
            yield _which(con, table, name, day, "has other days than those that are read", count)


def _which(
    con: duckdb.DuckDBPyConnection,
    table: str,
    name: str,
    ours: str,
    what: str,
    count: int,
    also: str = "",
) -> Problem:
    """Which of both columns counts: the other one only where it is filled in all rows."""
    full = "" not in cells_of(con, rows_with(table, name))
    advice = (
        f"Add to [landing.{table}.columns]: {ours} = {toml_text(name)}{also}"
        if full
        else f"It is not filled in all rows: export one column with what counts, as {ours}."
    )
    return unread_question(
        table,
        name,
        f"The column {name} of {table}, which is not read, {what} as {ours}, in {counted(count, 'row')}: if it "
        f"is the one that counts, figures are wrong. {advice}",
        count,
    )


def _meaning(table: str, code: str, settings: Settings) -> Meaning | None:
    """What a code says of its row; None where nobody mapped it."""
    if table == "attendance":
        mark = settings.attendance.mark(code)
        if mark is None:
            return None
        known = Meaning((mark.possible, mark.attended), mark.tardy, mark.excused)
        return known if mark.submitted else NOTHING
    status = "missing" if code.casefold() == UNDONE else settings.homework.status(code)
    if status == "late" and settings.homework.late_counts:
        return Meaning("complete")
    return NOTHING if status == "unknown" else status and Meaning(status)


def _differ(
    read: Meaning | None, said: Meaning | None, all_said: Collection[Meaning | None]
) -> bool:
    """Whether a code contradicts the one that is read, and does not only say less than it."""
    if read is None or said is None or said == NOTHING:
        return False
    coarser = read != NOTHING and read.counts not in {each.counts for each in all_said if each}
    tardy = read.tardy != said.tardy and any(each.tardy for each in all_said if each)
    excused = None not in {read.excused, said.excused} and read.excused != said.excused
    return excused or (not coarser and (read.counts != said.counts or tardy))
