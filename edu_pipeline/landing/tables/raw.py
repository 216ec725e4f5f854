"""Raw tables: every row as received, as text, with its file, its line and when it landed.

Files whose records stand one to a line, nearly all, are read by DuckDB. The others (quoted line
breaks, blank lines, rows of another width) are read record by record, so that the line is right.
"""

import glob
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from edu_pipeline.ground.sql import quoted
from edu_pipeline.landing.tables.csvfile import (
    CELLS,
    OVERFLOW,
    Layout,
    UnreadableFileError,
    above,
    records,
)
from edu_pipeline.landing.tables.workbook import as_csv
from edu_pipeline.landing.zone import LandingError, Zone, digest

BATCH = 200_000

RECEIVED = ("_file", "_line", "_landed_at", "_version", CELLS, OVERFLOW)
"""What raw tables add to the columns of the files."""


def load_raw(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    table: str,
    files: pl.DataFrame,
    select: Callable[[], str] = lambda: "from incoming_rows",
) -> None:
    """Make `raw_<table>` from an export's current, readable files.

    Args:
        con: The warehouse.
        zone: Where the files lie.
        table: One of `SCHOOL_TABLES`.
        files: `LandingFiles` of all exports.
        select: SQL of the rows to keep, asked for when all are in `incoming_rows`.

    The columns are `RECEIVED` and the union of the files' headers, all text.

    Raises:
        LandingError: A file has changed since it was listed, or its quotation marks make no cells.
    """
    con.execute(
        "create or replace temp table incoming_rows (_file varchar, _line bigint, "
        f"_landed_at timestamp, _version timestamp, {CELLS} bigint, {OVERFLOW} varchar)"
    )
    usable = files.filter(
        (pl.col("table") == table) & pl.col("current") & pl.col("error").is_null()
    ).sort("version", "path")
    for file in usable.iter_rows(named=True):
        _add_columns(con, file["header"])
        with zone.local(file["path"]) as path:
            if digest(path) != file["sha256"]:
                raise LandingError(
                    f"{file['path']} changed while it was being read. Run again when the export "
                    "has finished."
                )
            try:
                with as_csv(path, file["encoding"], file["sheet"]) as (text, _):
                    _append(con, text, file)
            except UnreadableFileError as error:
                raise LandingError(f"{file['path']}: {error}.") from None
    con.execute(f"create or replace table raw_{table} as {select()}")
    con.execute("drop table incoming_rows")


def _add_columns(con: duckdb.DuckDBPyConnection, header: list[str]) -> None:
    for name in header:
        con.execute(f"alter table incoming_rows add column if not exists {quoted(name)} varchar")


def _append(con: duckdb.DuckDBPyConnection, path: Path, file: Mapping[str, Any]) -> None:
    shape = Layout(
        tuple(file["header"]),
        file["delimiter"],
        file["lines"],
        file["header_lines"],
        file["preamble"],
    )
    con.execute("begin")
    one_to_a_line = True
    try:
        _append_by_line(con, path, file, shape)
        con.execute("commit")
    except (duckdb.Error, _NotOneToALineError):
        con.execute("rollback")
        one_to_a_line = False
    # outside the handler: DuckDB's error quotes the row, and would travel with a later one
    if not one_to_a_line:
        _append_records(con, file, shape, records(path, shape))
    rows = ((line, None, [*cells, None]) for line, cells in above(path, shape))
    _append_records(con, file, shape, rows)


class _NotOneToALineError(Exception):
    """DuckDB's row numbers are not line numbers in this file."""


def _append_by_line(
    con: duckdb.DuckDBPyConnection, path: Path, file: Mapping[str, Any], shape: Layout
) -> None:
    names = ", ".join(quoted(name) for name in shape.header)
    if shape.header_lines - shape.preamble != 1:
        raise _NotOneToALineError
    con.execute(
        f"""
        insert into incoming_rows by name
        select ? as _file, row_number() over () + ? as _line, ?::timestamp as _landed_at,
               ?::timestamp as _version, {names}
        from read_csv(?, auto_detect = false, header = true, skip = ?, delim = ?, quote = '"',
                      escape = '"', columns = ?, nullstr = '', encoding = 'utf-8')
        """,
        [
            file["path"],
            shape.header_lines,
            file["landed_at"],
            file["version"],
            glob.escape(str(path)),
            shape.preamble,
            shape.delimiter,
            dict.fromkeys(shape.header, "VARCHAR"),
        ],
    )
    counted = con.execute(
        "select count(*) from incoming_rows where _file = ?", [file["path"]]
    ).fetchall()[0][0]
    if counted + shape.header_lines != shape.lines:
        raise _NotOneToALineError
    blank = " and ".join(f"trim(coalesce({quoted(name)}, '')) = ''" for name in shape.header)
    con.execute(f"delete from incoming_rows where _file = ? and {blank}", [file["path"]])


def _append_records(
    con: duckdb.DuckDBPyConnection,
    file: Mapping[str, Any],
    shape: Layout,
    rows: Iterator[tuple[int, int | None, list[str | None]]],
) -> None:
    schema = {
        "_line": pl.Int64,
        CELLS: pl.Int64,
        **dict.fromkeys((*shape.header, OVERFLOW), pl.String),
    }
    while batch := [(line, short, *cells) for line, short, cells in islice(rows, BATCH)]:
        con.register("batch", pl.DataFrame(batch, schema=schema, orient="row"))
        con.execute(
            "insert into incoming_rows by name select *, ? as _file, ?::timestamp as _landed_at, "
            "?::timestamp as _version from batch",
            [file["path"], file["landed_at"], file["version"]],
        )
        con.unregister("batch")
