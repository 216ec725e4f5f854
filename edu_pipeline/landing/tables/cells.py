"""The cells of a CSV file in DuckDB, each row with the line it stands in.

One fast path, which DuckDB reads, where its rows can be told to be the file's records; and one careful
path, record by record, for all others: blank lines, rows of another width, a header over two lines.
"""

import glob
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from edu_pipeline.ground.parts import in_parts
from edu_pipeline.landing.tables.csvfile import Layout, records

BATCH = 100_000
_NO_CELL = "\x01"
"""What no cell is, so that an empty cell is told from one that is not there."""


@contextmanager
def cells_of(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    shape: Layout,
    places: Sequence[int] | None = None,
    *,
    missing: int = 0,
) -> Iterator[None]:
    """Have a file's records as `cells`, a view or a temporary table, until the end of the block.

    Its columns are `line`, `missing` (so many cells the row has fewer than the header), `overflow`
    (what it has beyond it) and the cells as `c<place>`. A cell that is not there is null, and so is an
    empty one unless rows may be shorter.

    Args:
        con: A database.
        path: The file in UTF-8, quotation marks doubled.
        shape: Its layout.
        places: Of the cells wanted, from 0; else all.
        missing: So many cells are often missing in a row; these files are read by DuckDB all the same,
            and have no line breaks in cells.

    Raises:
        UnreadableFileError: A quotation mark is not closed where its cell ends.
    """
    wanted = range(len(shape.header)) if places is None else places
    view = _view(con, path, shape, wanted, missing)
    if not view:
        table_of(con, records(path, shape), shape, wanted, empty="" if missing else None)
    try:
        yield
    finally:
        con.execute(f"drop {'view' if view else 'table'} cells")


def is_read_by_duckdb(path: Path, shape: Layout) -> bool:
    """Whether the fast path reads a file, and so its quotation marks make cells."""
    with duckdb.connect(config={"python_enable_replacements": False}) as con:
        return _view(con, path, shape, range(len(shape.header)), 0)


def table_of(
    con: duckdb.DuckDBPyConnection,
    rows: Iterable[tuple[int, int | None, Sequence[str | None]]],
    shape: Layout,
    places: Sequence[int],
    *,
    empty: str | None = None,
) -> None:
    """Make `cells` of records as `csvfile.records` gives them.

    Args:
        con: A database.
        rows: Line, number of cells where it is short, and cells with the overflow as the last.
        shape: Of their file.
        places: Of the cells wanted.
        empty: What an empty cell is.
    """
    width = len(shape.header)
    schema = {
        "line": pl.Int64,
        "missing": pl.Int64,
        "overflow": pl.String,
        **dict.fromkeys((f"c{n}" for n in places), pl.String),
    }
    columns = ", ".join(
        f"{name} {'varchar' if kind == pl.String else 'bigint'}" for name, kind in schema.items()
    )
    con.execute(f"create or replace temp table cells ({columns})")

    def picked() -> Iterator[tuple[object, ...]]:
        for line, short, cells in rows:
            there = width if short is None else short
            wanted = (cells[n] or empty if n < there else None for n in places)
            yield (line, width - there, cells[-1], *wanted)

    for batch in in_parts(picked(), BATCH):
        con.register("batch", pl.DataFrame(batch, schema=schema, orient="row"))
        con.execute("insert into cells by name from batch")
        con.unregister("batch")


def _view(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    shape: Layout,
    places: Sequence[int],
    missing: int,
) -> bool:
    """Make the view `cells` where every line of the file is accounted for by DuckDB's rows."""
    if shape.header_lines - shape.preamble != 1:
        return False
    # where no cell has a line break a row is a line, which is quicker to count
    for breaks in (False, True)[: 2 if shape.quotes and not missing else 1]:
        rows = _rows_sql(path, shape, places, missing, breaks=breaks)
        # a row that DuckDB cannot read would end a transaction of `con`
        with con.cursor() as apart:
            try:
                (last,) = apart.execute(
                    f"select coalesce(max(line + breaks), 0) from ({rows})"
                    if breaks
                    else f"select count(*) + {shape.header_lines} from ({rows})"
                ).fetchall()[0]
            except duckdb.Error:
                last = None
        # outside the handler: DuckDB's error quotes the row, and would travel with a later one
        if last == shape.lines:
            con.execute(f"create or replace temp view cells as {rows}")
            return True
        if last is None:
            break
    return False


def _rows_sql(
    path: Path, shape: Layout, places: Sequence[int], missing: int, *, breaks: bool
) -> str:
    width = len(shape.header)
    line, broken = f"row_number() over () + {shape.header_lines}", "0"
    if breaks:
        broken = " + ".join(
            f"coalesce(length(c{n}) - length(replace(c{n}, chr(10), '')), 0)" for n in range(width)
        )
        line = f"{shape.header_lines} + sum(1 + breaks) over (rows unbounded preceding) - breaks"
    lacking = " ".join(
        f"when c{width - 1 - n} is not null then {n}" for n in range(min(missing + 1, width))
    )
    columns = ", ".join(f"c{n}: 'VARCHAR'" for n in range(width))
    cells = ", ".join(f"{_unwrapped(f'c{n}') if shape.quotes else f'c{n}'} as c{n}" for n in places)
    return f"""
        select ({line})::bigint as line, breaks, missing, null::varchar as overflow, {cells}
        from (
          select *, {broken} as breaks, {f"case {lacking} else {width} end" if missing else "0"} as missing
          from read_csv({_literal(glob.escape(str(path)))}, auto_detect = false, header = true,
                        skip = {shape.preamble}, delim = {_literal(shape.delimiter)}, quote = '"',
                        escape = '"', columns = {{{columns}}}, nullstr = {_literal(_NO_CELL if missing else "")},
                        null_padding = {bool(missing)}, encoding = 'utf-8')
        )
        """


def _unwrapped(cell: str) -> str:
    """SQL of a cell without the formula that spreadsheets keep text in."""
    return f"""if(starts_with({cell}, '="') and ends_with({cell}, '"'), {cell}[3:-2], {cell})"""


def _literal(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
