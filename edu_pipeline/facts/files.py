"""Tables as files, so that nobody needs to open the warehouse while a run writes."""

from pathlib import Path

import duckdb
import polars as pl

from edu_pipeline.ground.files import replaced

BEGINS_FORMULA = r"^[=+\-@\t\r＝＋－＠]"
"""What spreadsheets take for a formula when a text cell of a CSV begins with it."""


def export_table(con: duckdb.DuckDBPyConnection, name: str, folder: Path) -> None:
    """Write a table as `<name>.parquet` and `<name>.csv`, one after the other and each whole.

    Text of the CSV that a spreadsheet would take for a formula gets an apostrophe in front; the
    Parquet file has it as it is.

    Args:
        con: The warehouse, with the table.
        name: The table.
        folder: Where the files go; made where it is not there.
    """
    relation = con.table(name)
    inert = ", ".join(
        f"case when regexp_matches(\"{column}\", $formula) then '''' || \"{column}\" "
        f'else "{column}" end as "{column}"'
        for column, kind in zip(relation.columns, relation.types, strict=True)
        if str(kind) == "VARCHAR"
    )
    with replaced(folder / f"{name}.parquet") as draft:
        con.execute(
            f'copy (from "{name}") to $draft (format parquet, compression zstd)',
            {"draft": str(draft)},
        )
    with replaced(folder / f"{name}.csv") as draft:
        cells = f"* replace ({inert})" if inert else "*"
        con.execute(
            f'copy (select {cells} from "{name}") to $draft (format csv, header)',
            {"draft": str(draft)} | ({"formula": BEGINS_FORMULA} if inert else {}),
        )


def export_frame(
    con: duckdb.DuckDBPyConnection, frame: pl.DataFrame, name: str, folder: Path
) -> None:
    """Write a frame that is no table of the warehouse as `export_table` writes one."""
    con.register(name, frame)
    try:
        export_table(con, name, folder)
    finally:
        con.unregister(name)


def write_csv(table: pl.DataFrame, path: Path) -> None:
    """Write a CSV, UTF-8 with lines that end as RFC 4180 has it, whole or not at all.

    Text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    text = pl.col(pl.String)
    inert = pl.when(text.str.contains(BEGINS_FORMULA)).then("'" + text).otherwise(text)
    with replaced(path) as draft:
        table.with_columns(inert.name.keep()).write_csv(draft, line_terminator="\r\n")
