"""What changed in the exports since they were last accepted: rows added, changed and gone.

Rows are compared as received, by hashes, where they lie. `accepted_<table>` and `accepted_exports`
hold what was accepted last. They stay as they are while an export is held, so that one that was cut
short remains a problem until somebody looks, and a whole one that replaces it is none.
"""

import hashlib
import json
from collections.abc import Collection, Iterable

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals
from edu_pipeline.ground.warehouse import columns_of, read_table
from edu_pipeline.landing.sources.school.canonical import CODES, canonical_query, resolved_headers
from edu_pipeline.landing.sources.school.fields import DATES, FIELDS, KEYS
from edu_pipeline.landing.sources.school.forgotten import ABOUT_OTHERS, about
from edu_pipeline.landing.sources.school.stage_facts import distinct_texts, register_days
from edu_pipeline.landing.tombstones import buried
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingChanges
from edu_pipeline.model.school_calendar import DAYS_BEFORE_MONDAY, week_begins_of
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import SCHOOL_TABLES, TableExport

MANY_ROWS = {"attendance": 10, "homework": 10, "enrollments": 10}
FEW_ROWS = 2
MANY_SHARE = 0.10
"""More rows than `MANY_ROWS`, in other exports `FEW_ROWS`, and more than this share, and a person
must look (Student Insights' rule, stricter where ten rows are a class of people)."""
MOST_OF_A_WEEK = 0.5
EVERY_EXPORT = "every export"
UNDECIDED = ("not_due", "unknown")
"""Homework statuses that say nothing yet; a word that replaces them is no change."""


def compare(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings, *, mailed: bool = False
) -> pl.DataFrame:
    """Every export against what was accepted of it last.

    Leaves `incoming_<table>` behind, for `accept`. An export with a file that cannot be used is not
    compared: that file is a problem already. Where the settings that say how an export is read have
    changed since, only the numbers of rows can be compared.

    Args:
        con: The warehouse, with `read_…`.
        files: `LandingFiles`.
        settings: How the exports are read, and what their codes mean.
        mailed: Whether letters went out before: then exports that nothing can be compared with,
            because the warehouse was deleted, are held as well.

    Returns:
        `LandingChanges`, export × series.
    """
    unknown = mailed and not any(_is_accepted(con, table) for table in SCHOOL_TABLES)
    found = [
        _compare_export(con, table, files, settings)
        for table in SCHOOL_TABLES
        if (table in files["table"] or _is_accepted(con, table))
        and not _unusable(table, files, settings.landing.export(table))
    ]
    changes = pl.concat([LandingChanges.create_empty(), *found])
    return LandingChanges.validate(
        changes.with_columns(held=pl.col("held") | unknown).sort("table", "series")
    )


def accept(
    con: duckdb.DuckDBPyConnection, changes: pl.DataFrame, files: pl.DataFrame, settings: Settings,
    held: Collection[str],
) -> None:  # fmt: skip
    """Make what has landed what the next refresh compares with, but for exports that are held.

    Args:
        con: The connection that `compare` was called with.
        changes: Its result.
        files: `LandingFiles`.
        settings: As for `compare`.
        held: The exports that somebody must look at first; `EVERY_EXPORT` is all of them.
    """
    con.execute(
        'create table if not exists accepted_exports ("table" varchar, series varchar, '
        "version timestamp, reading varchar, most bigint)"
    )
    con.execute("alter table accepted_exports add column if not exists most bigint")
    for table in changes["table"].unique(maintain_order=True):
        if table in held or EVERY_EXPORT in held:
            continue
        con.execute(f"create or replace table accepted_{table} as from incoming_{table}")
        con.execute('delete from accepted_exports where "table" = ?', [table])
        reading = _reading(table, settings.landing.export(table))
        # who accepts a loss starts counting from what is left
        most = pl.when("held").then("rows").otherwise(pl.max_horizontal("rows", "rows_most"))
        marks = changes.filter(pl.col("table") == table).select("series", most=most)
        for row in _series(table, files).join(marks, on="series", how="left").iter_rows():
            con.execute(
                "insert into accepted_exports values (?, ?, ?, ?, ?)",
                [table, *row[:2], reading, row[2]],
            )


def forget_accepted(
    con: duckdb.DuckDBPyConnection, settings: Settings, tombstones: pl.DataFrame
) -> None:
    """Take people who were erased out of what was accepted, so that they are missed nowhere.

    Args:
        con: The warehouse, with `raw_…` as it was before they were erased.
        settings: How the exports are read.
        tombstones: `hash` and `salt`.
    """
    if tombstones.is_empty() or columns_of(con, "landing_files") is None:
        return
    files = read_table(con, "landing_files")
    con.register("tombstones", tombstones)
    for table in SCHOOL_TABLES:
        if not _is_accepted(con, table) or columns_of(con, f"raw_{table}") is None:
            continue
        export = settings.landing.export(table)
        con.execute(
            f"create or replace temp table theirs as select distinct hash({', '.join(KEYS[table])}) "
            f"as key from ({canonical_query(table, files, export)}) "
            f"where {about(table, export, buried(tombstones))}"
        )
        if table not in ABOUT_OTHERS:
            con.execute(
                f"""
                update accepted_exports set most = most - lost.rows
                from (
                  select series, count(*) as rows
                  from accepted_{table} semi join theirs using (key) group by series
                ) as lost
                where "table" = ? and accepted_exports.series = lost.series
                """,
                [table],
            )
        con.execute(f"delete from accepted_{table} where key in (from theirs)")
    con.unregister("tombstones")


def _unusable(table: str, files: pl.DataFrame, export: TableExport) -> bool:
    current = files.filter((pl.col("table") == table) & pl.col("current"))
    return bool(current["error"].count()) or any(
        found.missing for found in resolved_headers(table, files, export).values()
    )


def _series(table: str, files: pl.DataFrame) -> pl.DataFrame:
    """Series → version of its newest file."""
    current = files.filter((pl.col("table") == table) & pl.col("current"))
    return current.group_by("series").agg(pl.col("version").max()).sort("series")


def _reading(table: str, export: TableExport) -> str:
    """Digest of what decides which cells are compared, and of what hashes them."""
    settings = export.model_dump(include={"columns", "constants", "where", "width", "parts"})
    ours = [KEYS[table], [(field.name, field.aliases) for field in FIELDS[table]]]
    text = json.dumps([settings, ours, duckdb.__version__], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _compare_export(
    con: duckdb.DuckDBPyConnection, table: str, files: pl.DataFrame, settings: Settings
) -> pl.DataFrame:
    export = settings.landing.export(table)
    _hash_rows(con, table, files, settings)
    before, accepted, comparable = _accepted(con, table, _reading(table, export))
    many = MANY_ROWS.get(table, FEW_ROWS)
    days = read_table(con, "stg_school_days")
    ahead = DAYS_BEFORE_MONDAY[week_begins_of(days, settings.school.week_begins)]
    names = {"incoming": f"incoming_{table}", "before": before, "many": many, "ahead": ahead}
    if comparable:
        con.execute(f"create or replace temp table differing as {_DIFFERING.format(**names)}")
    counts: pl.DataFrame = con.sql((_BY_KEY if comparable else _BY_COUNT).format(**names)).pl()
    weeks: pl.DataFrame = con.sql(
        (_WEEKS_BY_KEY if comparable else _WEEKS_BY_COUNT).format(**names, most=MOST_OF_A_WEEK)
    ).pl()
    counts = counts.join(accepted, on="series", how="left").join(weeks, on="series", how="left")
    if export.export == "delta":
        # what it does not mention is not gone
        none = pl.lit(None)
        counts = counts.with_columns(gone=pl.lit(0, pl.Int64), most=none, weeks_lost=none)
    known_before = pl.when(pl.col("rows_before") > 0)
    most = pl.col("most") - pl.col("moved")
    much = [
        (number > many) & (number > MANY_SHARE * of)
        for number, of in (
            (pl.col("changed"), pl.col("rows_before")),
            (pl.col("gone"), pl.col("rows_before")),
            (most - pl.col("rows"), most),
            # a week's own share was judged where the weeks were counted
        )
    ]
    return (
        counts.with_columns(weeks_lost=pl.col("weeks_lost").fill_null([]), rows_most=most)
        .with_columns(
            table=pl.lit(table),
            held=(pl.col("rows_before") > 0)
            & pl.any_horizontal(
                *(one.fill_null(value=False) for one in much), pl.col("weeks_lost").list.len() > 0
            ),
            share=known_before.then(pl.max_horizontal("changed", "gone") / pl.col("rows_before")),
            rows_before=known_before.then(pl.col("rows_before")),
        )
        .select(pl.col(name).cast(kind) for name, kind in dtypes(LandingChanges).items())
    )


def _is_accepted(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether there is something to compare with, and of the form that this version writes."""
    return columns_of(con, f"accepted_{table}") == ["key", "row", "series", "day"]


def _accepted(
    con: duckdb.DuckDBPyConnection, table: str, reading: str
) -> tuple[str, pl.DataFrame, bool]:
    """SQL of the rows accepted last, their series, and whether they were read as now.

    Of each series the version, and the most rows that were ever accepted of it.
    """
    schema = {"series": pl.String, "version_before": pl.Datetime, "most": pl.Int64}
    if not _is_accepted(con, table):
        return f"(from incoming_{table} limit 0)", pl.DataFrame(schema=schema), True
    rows = con.execute(
        'select series, version, most, reading from accepted_exports where "table" = ?', [table]
    ).fetchall()
    accepted = pl.DataFrame([row[:3] for row in rows], schema=schema, orient="row")
    return f"accepted_{table}", accepted, {row[3] for row in rows} <= {reading}


_DIFFERING = """
select key, incoming.series as series, before.series as series_before, before.day,
       incoming.key is null as is_gone, coalesce(incoming.series <> before.series, false) as is_moved,
       not is_gone and before.row is not null and before.row is distinct from incoming.row as is_changed,
       incoming.row as now
from {before} as before left join {incoming} as incoming using (key)
where is_gone or is_moved or is_changed
"""
"""The rows that are not as they were: few, so what is counted of them costs nothing."""
_BY_KEY = """
select series, sum(rows)::bigint as rows, sum(rows_before)::bigint as rows_before,
       sum(rows - rows_before + gone + moved - arrived)::bigint as added, sum(changed)::bigint as changed,
       sum(gone)::bigint as gone, sum(moved)::bigint as moved, max(last_date) as last_date,
       printf('%016x', bit_xor(digest)) as digest
from (
  select series, count(*) as rows, 0 as rows_before, 0 as changed, 0 as gone, 0 as moved, 0 as arrived,
         max(day) as last_date, 0::ubigint as digest
  from {incoming} group by series
  union all select series, 0, count(*), 0, 0, 0, 0, null, 0 from {before} group by series
  union all select series, 0, 0, 0, 0, 0, count(*), null, 0 from differing where is_moved group by series
  union all
  select series_before, 0, 0, count(*) filter (is_changed), count(*) filter (is_gone),
         count(*) filter (is_moved), 0, null,
         coalesce(bit_xor(hash(key, is_gone, now)) filter (is_changed or is_gone), 0)
  from differing group by series_before
)
group by series
"""
_BY_COUNT = """
select series, rows, rows_before, greatest(rows - rows_before, 0) as added, 0 as changed,
       greatest(rows_before - rows, 0) as gone, 0 as moved, last_date,
       printf('%016x', digest) as digest
from (
  select series, count(*) filter (is_new) as rows, count(*) filter (not is_new) as rows_before,
         max(day) filter (is_new) as last_date, bit_xor(hash(key, row, is_new)) as digest
  from (
    select *, true as is_new from {incoming} union all select *, false from {before}
  )
  group by series
)
"""
_WEEKS_LOST = """
select series, list(week order by week) as weeks_lost
from ({counts})
where gone > {{many}} and gone > {{most}} * rows_before
group by series
"""
_WEEKS_BY_KEY = _WEEKS_LOST.format(
    counts="""
select series, week, rows_before, gone
from (
  select series_before as series, date_trunc('week', day + {ahead})::date as week, count(*) as gone
  from differing where is_gone group by all
) join (
  select series, date_trunc('week', day + {ahead})::date as week, count(*) as rows_before
  from {before} where day is not null group by all
) using (series, week)
"""
)
_WEEKS_BY_COUNT = _WEEKS_LOST.format(
    counts="""
select series, date_trunc('week', day + {ahead})::date as week,
       count(*) filter (not is_new) as rows_before, rows_before - count(*) filter (is_new) as gone
from (
  select series, day, true as is_new from {incoming}
  union all select series, day, false from {before}
)
where day is not null
group by all
"""
)


def _hash_rows(
    con: duckdb.DuckDBPyConnection, table: str, files: pl.DataFrame, settings: Settings
) -> None:
    """Make `incoming_<table>`: key, row, series, day; of rows with the same key the later counts.

    A row that says nothing yet (a register not taken, homework not due) has no row hash.
    """
    export = settings.landing.export(table)
    key = ", ".join(KEYS[table])
    content = f"hash({', '.join(field.name for field in FIELDS[table])})"
    day, days = "null::varchar", pl.Series(dtype=pl.String)
    if table in CODES:  # others have no rows that a school week can lack
        (day,), code = DATES[table], CODES[table]
        texts = distinct_texts(con, table, day, code)
        days = texts[day]
        if silent := _silent(texts[code].unique().sort().to_list(), table, settings):
            content = f"case when {code} not in {literals(silent)} then {content} end"
    register_days(con, days, export)
    series = files.filter((pl.col("table") == table) & pl.col("current")).select("path", "series")
    cases = " ".join(
        f"when {literal(path)} then {literal(name)}"
        for path, name in series.iter_rows()
        if path != name
    )
    in_series = f"case _file {cases} else _file end" if cases else "_file"
    con.execute(
        f"""
        create or replace temp table incoming_{table} as
        with hashed as (
          select hash({key}) as key, {content} as row, {in_series} as series, days.day,
                 _version, _file, _line
          from read_{table} left join days on days.text = {day} where coalesce({key}) is not null
        ),
        twice as (select key from hashed group by key having count(*) > 1)
        select key, row, series, day from hashed anti join twice using (key)
        union all
        select key, latest.row, latest.series, latest.day
        from (
          select key, arg_max({{'row': row, 'series': series, 'day': day}}, (_version, _file, _line)) as latest
          from hashed semi join twice using (key) group by key
        )
        """
    )
    con.unregister("days")


def _silent(codes: Iterable[str], table: str, settings: Settings) -> list[str]:
    """The codes that say nothing yet."""
    if table == "homework":
        return [code for code in codes if settings.homework.status(code) in UNDECIDED]
    marks = {code: settings.attendance.mark(code) for code in codes}
    return [code for code, mark in marks.items() if mark and not mark.submitted]
