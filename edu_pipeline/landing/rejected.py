"""Rejected rows, gathered from every export, with the rows themselves fetched from raw."""

from collections.abc import Mapping

import duckdb
import polars as pl

from edu_pipeline.landing.canonical import literal
from edu_pipeline.landing.raw import RECEIVED, quoted
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import RejectedRows
from edu_pipeline.settings import SCHOOL_TABLES

STAGED = tuple("school_days" if table == "calendar" else table for table in SCHOOL_TABLES)
"""The staging table of each export, in the order of `SCHOOL_TABLES`."""


def collect_rejected(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """`RejectedRows` of all exports, each with its row as JSON.

    Args:
        con: The warehouse, with `rejected_…` and `raw_…` of every export.
    """
    parts = " union all ".join(
        f"""
        select bad.table, bad.file, bad.line, bad.rule, bad.value, {_as_json(con, f"raw_{table}")} as row
        from rejected_{staged} as bad
        join raw_{table} as raw on raw._file = bad.file and raw._line = bad.line
        """
        for table, staged in zip(SCHOOL_TABLES, STAGED, strict=True)
    )
    frame: pl.DataFrame = con.sql(f"{parts} order by all").pl()
    return RejectedRows.validate(frame.cast(dtypes(RejectedRows)))


def _as_json(con: duckdb.DuckDBPyConnection, raw: str) -> str:
    """SQL for a raw row as it was received, without what the raw table added."""
    cells = [
        f"{literal(name)}: raw.{quoted(name)}"
        for name in con.table(raw).columns
        if name not in RECEIVED
    ]
    return f"to_json({{{', '.join(cells)}}})::varchar" if cells else "'{}'"


def reject_counts(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Rejected rows with the student and the day as far as they could be read.

    Returns:
        One row per rejected row and rule: `table`, `file`, `line`, `rule`, `value`, `student_id`,
        `day`; the last two empty but for attendance and homework.
    """
    parts = " union all by name ".join(f"from rejected_{staged}" for staged in STAGED)
    rejected: pl.DataFrame = con.sql(parts).pl()
    return rejected


def rows_received(con: duckdb.DuckDBPyConnection) -> Mapping[str, int]:
    """Export → rows received, blank ones apart."""
    return {
        table: con.execute(f"select count(*) from raw_{table}").fetchall()[0][0]
        for table in SCHOOL_TABLES
    }
