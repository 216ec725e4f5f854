"""Raw tables: every row as received, as text, with its file, its line and when it landed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from edu_pipeline.ground.sql import quoted
from edu_pipeline.landing.tables.cells import cells_of, table_of
from edu_pipeline.landing.tables.csvfile import CELLS, OVERFLOW, Layout, above
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.tables.opened import as_text
from edu_pipeline.landing.zone import SHEET, LandingError, Zone, digest

RECEIVED = ("_file", "_line", "_landed_at", "_version", CELLS, OVERFLOW)
"""What raw tables add to the columns of the files."""


def load_raw(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    table: str,
    files: pl.DataFrame,
    select: Callable[[], str] | None = None,
) -> None:
    """Make `raw_<table>` from an export's current, readable files.

    Args:
        con: The warehouse.
        zone: Where the files lie.
        table: One of `SCHOOL_TABLES`.
        files: `LandingFiles` of all exports.
        select: SQL of the rows to keep, asked for when all are in `incoming_rows`, which is not
            in the file of the database; None: all are kept.

    The columns are `RECEIVED` and the union of the files' headers, all text.

    Raises:
        LandingError: A file has changed since it was listed, or its quotation marks make no cells.
    """
    target = "incoming_rows" if select else f"raw_{table}"
    con.execute(
        f"create or replace {'temp ' if select else ''}table {target} (_file varchar, _line bigint, "
        f"_landed_at timestamp, _version timestamp, {CELLS} bigint, {OVERFLOW} varchar)"
    )
    usable = files.filter(
        (pl.col("table") == table) & pl.col("current") & pl.col("error").is_null()
    ).sort("version", "path")
    for file in usable.iter_rows(named=True):
        _add_columns(con, target, file["header"])
        with zone.unpacked(container(file["path"], file["sheet"])) as path:
            if digest(path) != file["sha256"]:
                raise LandingError(
                    f"{file['path']} changed while it was being read. Run again when the export "
                    "has finished."
                )
            try:
                with as_text(path, file["encoding"], file["sheet"], file["dialect"]) as text:
                    _append(con, target, text, file)
            except UnreadableFileError as error:
                raise LandingError(f"{file['path']}: {error}.") from None
    if select:
        con.execute(f"create or replace table raw_{table} as {select()}")
        con.execute("drop table incoming_rows")


def container(path: str, sheet: str | None) -> str:
    """The path of a file, without the sheet that is a file of its own."""
    return path.removesuffix(f"{SHEET}{sheet}") if sheet else path


def _add_columns(con: duckdb.DuckDBPyConnection, target: str, header: list[str]) -> None:
    for name in header:
        con.execute(f"alter table {target} add column if not exists {quoted(name)} varchar")


def _append(
    con: duckdb.DuckDBPyConnection, target: str, path: Path, file: Mapping[str, Any]
) -> None:
    shape = Layout(
        tuple(file["header"]),
        file["delimiter"],
        file["lines"],
        file["header_lines"],
        file["preamble"],
    )
    with cells_of(con, path, shape):
        _insert(con, target, file, shape)
    if rows := [(line, None, [*cells, None]) for line, cells in above(path, shape)]:
        table_of(con, rows, shape, range(len(shape.header)))
        _insert(con, target, file, shape)
        con.execute("drop table cells")


def _insert(
    con: duckdb.DuckDBPyConnection, target: str, file: Mapping[str, Any], shape: Layout
) -> None:
    """The rows of `cells` that are not blank."""
    places = range(len(shape.header))
    names = ", ".join(f"c{n} as {quoted(name)}" for n, name in enumerate(shape.header))
    blank = " and ".join(f"trim(coalesce(c{n}, '')) = ''" for n in places)
    con.execute(
        f"""
        insert into {target} by name
        select ? as _file, line as _line, ?::timestamp as _landed_at, ?::timestamp as _version,
               if(missing > 0, {len(shape.header)} - missing, null) as {CELLS},
               overflow as {OVERFLOW}, {names}
        from cells where not ({blank})
        """,
        [file["path"], file["landed_at"], file["version"]],
    )
