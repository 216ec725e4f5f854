"""Rejected rows, gathered from every export, with the rows themselves fetched from raw."""

from collections.abc import Mapping, Sequence

import duckdb

from edu_pipeline.ground.sql import literal, quoted
from edu_pipeline.ground.warehouse import columns_of, tables, write_table
from edu_pipeline.landing.sources.edx.edx_reports import TABLES as EDX_TABLES
from edu_pipeline.landing.sources.school.school_staging import STAGED_AS
from edu_pipeline.landing.tables.raw import RECEIVED
from edu_pipeline.model.quality import RejectedRows

OF_RESULTS = "rejected_results"
"""Rejected rows of exam results, which have the rows themselves."""


def collect_rejected(con: duckdb.DuckDBPyConnection) -> None:
    """Make `rejected_rows`, `RejectedRows` of all exports, each with its row as JSON.

    Args:
        con: The warehouse, with `rejected_…` and `raw_…`; those of a source need not be there.
    """
    there = tables(con)
    of_school = [("school", table, staged) for table, staged in STAGED_AS.items()]
    of_edx = [("edx", table, table) for table in EDX_TABLES.values()]
    parts = [
        f"""
        select {literal(source)} as source, bad.table, bad.file, bad.line,
               {"bad.heading" if "heading" in (columns_of(con, f"rejected_{staged}") or ()) else "''"} as heading,
               bad.rule, bad.value, {_as_json(con, table)} as row
        from rejected_{staged} as bad
        join raw_{table} as raw on raw._file = bad.file and raw._line = bad.line
        """
        for source, table, staged in [*of_school, *of_edx]
        if f"rejected_{staged}" in there
    ]
    if OF_RESULTS in there:
        parts.append(f"from {OF_RESULTS}")
    if parts:
        con.execute(
            f"create or replace table rejected_rows as {' union all '.join(parts)} order by all"
        )
    else:
        write_table(con, "rejected_rows", RejectedRows.create_empty())


def _as_json(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """SQL for a raw row as it was received, without what the raw table added.

    Of a wide table it is the one cell, and what stands beside all of them.
    """
    names = [name for name in con.table(f"raw_{table}").columns if name not in RECEIVED]
    whole = _object(names)
    headings = _headings(con, table)
    if not headings:
        return whole
    beside = _object([name for name in names if name not in headings])
    cells = " ".join(f"when {literal(name)} then raw.{quoted(name)}" for name in headings)
    cell = f"json_object(bad.heading, case bad.heading {cells} end)"
    # DuckDB's own way to merge two objects drops members that are null
    return f"if(bad.heading = '', {whole}, {beside}[:-2] || ',' || {cell}[2:])"


def _headings(con: duckdb.DuckDBPyConnection, table: str) -> Sequence[str]:
    """The headers of an export's wide tables."""
    if "_heading" not in (columns_of(con, f"read_{table}") or ()):
        return ()
    found = con.execute(
        f"select distinct _heading from read_{table} where _heading <> '' order by 1"
    ).fetchall()
    return [heading for (heading,) in found]


def _object(names: Sequence[str]) -> str:
    cells = ", ".join(f"{literal(name)}: raw.{quoted(name)}" for name in names)
    return f"cast(to_json({{{cells}}}) as varchar)" if cells else "'{}'"


def rejected_by_rule(con: duckdb.DuckDBPyConnection) -> Mapping[str, int]:
    """Table and rule, in words, → how many rows."""
    counts = con.execute(
        'select "table", rule, count(*) from rejected_rows group by all order by all'
    ).fetchall()
    return {f"{table}: {rule}": rows for table, rule, rows in counts}
