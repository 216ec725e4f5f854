"""Rejected rows, gathered from every export, with the rows themselves fetched from raw."""

from collections.abc import Mapping

import duckdb

from edu_pipeline.ground.sql import literal, quoted
from edu_pipeline.ground.warehouse import tables, write_table
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
        select {literal(source)} as source, bad.table, bad.file, bad.line, bad.rule, bad.value, {_as_json(con, f"raw_{table}")} as row
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


def _as_json(con: duckdb.DuckDBPyConnection, raw: str) -> str:
    """SQL for a raw row as it was received, without what the raw table added."""
    cells = [
        f"{literal(name)}: raw.{quoted(name)}"
        for name in con.table(raw).columns
        if name not in RECEIVED
    ]
    return f"to_json({{{', '.join(cells)}}})::varchar" if cells else "'{}'"


def rejected_by_rule(con: duckdb.DuckDBPyConnection) -> Mapping[str, int]:
    """Table and rule, in words, → how many rows."""
    counts = con.execute(
        'select "table", rule, count(*) from rejected_rows group by all order by all'
    ).fetchall()
    return {f"{table}: {rule}": rows for table, rule, rows in counts}
