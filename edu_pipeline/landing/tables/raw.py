"""Raw tables: every row as received, as text, with its file, its line and when it landed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import duckdb
import polars as pl

from edu_pipeline.ground.sql import APART, literal, quoted
from edu_pipeline.landing.stores import LandingError
from edu_pipeline.landing.tables.cells import cells_of, table_of
from edu_pipeline.landing.tables.csvfile import CELLS, LISTED, OVERFLOW, Layout, above
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.tables.opened import as_text
from edu_pipeline.landing.zone import SHEET, Zone, digest, is_like
from edu_pipeline.settings.landing import FIRST_DAYS, LAST_DAYS, FilesOfExport

RECEIVED = ("_file", "_line", "_landed_at", "_version", CELLS, OVERFLOW)
"""What raw tables add to the columns of the files."""
_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)


def load_raw(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    table: str,
    files: pl.DataFrame,
    select: Callable[[], str] | None = None,
    beside: pl.DataFrame | None = None,
) -> None:
    """Make `raw_<table>` from an export's current, readable files.

    Args:
        con: The warehouse.
        zone: Where the files lie.
        table: One of `SCHOOL_TABLES`.
        files: `LandingFiles` of all exports.
        select: SQL of the rows to keep, asked for when all are in `incoming_rows`, which is not
            in the file of the database; None: all are kept.
        beside: `LandingFiles` with the files that these are joined with; else they are in `files`.

    The columns are `RECEIVED` and the union of the files' headers, then of what they are joined
    with, all text.

    Raises:
        LandingError: A file has changed since it was listed, or its quotation marks make no cells.
    """
    target = "incoming_rows" if select else f"raw_{table}"
    usable = files.filter(
        (pl.col("table") == table) & pl.col("current") & pl.col("error").is_null()
    ).sort("version", "path")
    found = [(file, FilesOfExport.of(file["part"])) for file in usable.iter_rows(named=True)]
    columns = _each_once(name for file, part in found for name in (*file["header"], *part.joined()))
    con.execute(
        f"create or replace {'temp ' if select else ''}table {target} (_file varchar, _line bigint, "
        f"_landed_at timestamp, _version timestamp, {CELLS} bigint, {OVERFLOW} varchar"
        f"{''.join(f', {quoted(name)} varchar' for name in columns)})"
    )
    for file, part in found:
        joined = [
            _joined(con, zone, name, part, files if beside is None else beside)
            for name, join in part.join.items()
        ]
        with _opened(zone, file) as text:
            _append(con, target, text, file, joined)
        for each in joined:
            con.execute(f"drop table {each.table}")
    if select:
        con.execute(f"create or replace table raw_{table} as {select()}")
        con.execute("drop table incoming_rows")


@contextmanager
def _opened(zone: Zone, file: Mapping[str, Any]) -> Iterator[Path]:
    """A file's text, where it is what it was when it was listed."""
    with zone.unpacked(container(file["path"], file["sheet"])) as path:
        if digest(path) != file["sha256"]:
            raise LandingError(
                f"{file['path']} changed while it was being read. Run again when the export "
                "has finished."
            )
        try:
            with as_text(path, file["encoding"], file["sheet"], file["dialect"]) as text:
                yield text
        except UnreadableFileError as error:
            raise LandingError(f"{file['path']}: {error}.") from None


@dataclass(frozen=True)
class _Joined:
    """Columns of another file, in a temporary table: `key`, and the columns by their names here."""

    table: str
    on: Sequence[str]
    """The headers here."""
    columns: Sequence[str]


def _joined(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    name: str,
    part: FilesOfExport,
    files: pl.DataFrame,
) -> _Joined:
    """What another file says of each key: its newest version does, and several values are a list.

    What is listed and has nothing is empty; what is not listed, null. Several days are one where they are read as a beginning or an end. Rows that OneRoster says are
    deleted say nothing.
    """
    join = part.join[name]
    columns = [column for column in part.joined() if column.startswith(f"{name}.")]
    table, rows = quoted(f"joined_{name}"), quoted(f"rows_{name}")
    cells = "".join(f", {quoted(column)} varchar" for column in columns)
    con.execute(
        f"create or replace temp table {rows} (key varchar, version timestamp, deleted bool{cells})"
    )
    paths = [path for path in files["path"].unique() if is_like(path, join.files)]
    usable = files.filter(
        pl.col("path").is_in(paths) & pl.col("current") & pl.col("error").is_null()
    ).unique("path")
    for file in usable.iter_rows(named=True):
        places = {header: f"c{n}" for n, header in enumerate(file["header"])}
        if not places.keys() >= {*join.key}:
            continue
        found = [places.get(column.partition(".")[2], "null::varchar") for column in columns]
        status = next((places[header] for header in places if normal(header) == "status"), "''")
        with _opened(zone, file) as text, cells_of(con, text, _layout_of(file)):
            con.execute(
                f"insert into {rows} select {_key(map(places.__getitem__, join.key))}, ?::timestamp, "
                f"lower(trim(coalesce({status}, ''))) = 'tobedeleted'"
                f"{''.join(f', {cell}' for cell in found)} from cells",
                [file["version"]],
            )
    ours = {column: our for our, column in part.columns.items()}
    lists = "".join(
        f", {_of_several(quoted(column), ours.get(column))} as {quoted(column)}"
        for column in columns
    )
    con.execute(
        f"create or replace temp table {table} as select key{lists} from ("
        f"from {rows} where trim(key, '{APART} ') <> '' qualify version = max(version) over (partition by key)"
        ") where not deleted group by key"
    )
    con.execute(f"drop table {rows}")
    return _Joined(table, join.on, columns)


def _key(cells: Iterable[str]) -> str:
    """SQL of the key that cells make."""
    filled = ", ".join(f"coalesce(trim({cell}), '')" for cell in cells)
    return f"concat_ws('{APART}', {filled})"


def _of_several(cell: str, ours: str | None) -> str:
    """SQL of what several rows say: a list; of beginnings the first day, of ends the last, if none is open."""
    said = f"nullif(trim({cell}), '')"
    listed = f"coalesce(list_aggregate(list_sort(list_distinct(list({said}))), 'string_agg', '{LISTED}'), '')"
    if ours not in (*FIRST_DAYS, *LAST_DAYS):
        return listed
    day = f"max({said})" if ours in LAST_DAYS else f"min({said})"
    return (
        f"case when bool_or({said} is null) then null "
        rf"when bool_and(regexp_matches({said}, '^\d{{4}}-\d\d-\d\d')) then {day} else {listed} end"
    )


def container(path: str, sheet: str | None) -> str:
    """The path of a file, without the sheet that is a file of its own."""
    return path.removesuffix(f"{SHEET}{sheet}") if sheet else path


def _each_once(names: Iterable[str]) -> Iterable[str]:
    """Names of columns: DuckDB tells no capital letters of ASCII apart."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.translate(_SMALL), name)
    return first.values()


def _layout_of(file: Mapping[str, Any]) -> Layout:
    return Layout(
        tuple(file["header"]),
        file["delimiter"],
        file["lines"],
        file["header_lines"],
        file["preamble"],
    )


def _append(
    con: duckdb.DuckDBPyConnection,
    target: str,
    path: Path,
    file: Mapping[str, Any],
    joined: Sequence[_Joined],
) -> None:
    shape = _layout_of(file)
    with cells_of(con, path, shape):
        _insert(con, target, file, shape, joined)
    if rows := [(line, None, [*cells, None]) for line, cells in above(path, shape)]:
        table_of(con, rows, shape, range(len(shape.header)))
        _insert(con, target, file, shape, joined)
        con.execute("drop table cells")


def _insert(
    con: duckdb.DuckDBPyConnection,
    target: str,
    file: Mapping[str, Any],
    shape: Layout,
    joined: Sequence[_Joined],
) -> None:
    """The rows of `cells` that are not blank."""
    places = range(len(shape.header))
    names = ", ".join(f"c{n} as {quoted(name)}" for n, name in enumerate(shape.header))
    by_cell = [each for each in joined if {*each.on} <= {*shape.header}]
    names += "".join(f", {quoted(name)}" for each in by_cell for name in each.columns)
    more = " ".join(
        f"left join {each.table} on {each.table}.key = "
        f"{_key(f'c{shape.header.index(name)}' for name in each.on)}"
        for each in by_cell
    )
    for each in joined:
        if each not in by_cell:
            names += _by_header(con, each, shape.header)
    blank = " and ".join(f"trim(coalesce(c{n}, '')) = ''" for n in places)
    con.execute(
        f"""
        insert into {target} by name
        select ? as _file, line as _line, ?::timestamp as _landed_at, ?::timestamp as _version,
               if(missing > 0, {len(shape.header)} - missing, null) as {CELLS},
               overflow as {OVERFLOW}, {names}
        from cells {more} where not ({blank})
        """,
        [file["path"], file["landed_at"], file["version"]],
    )


def _by_header(con: duckdb.DuckDBPyConnection, joined: _Joined, header: Sequence[str]) -> str:
    """SQL of what another file says of columns: in every row all of it, a JSON object of keys in headers."""
    if not joined.columns:
        return ""
    objects = ", ".join(
        f"to_json(map_from_entries(list((key, {quoted(name)}))))::varchar"
        for name in joined.columns
    )
    (texts,) = con.execute(
        f"select {objects} from {joined.table} where list_bool_or([contains(name, key) for name in $header])",
        {"header": list(header)},
    ).fetchall()
    return "".join(
        f", {literal(text or '{}')} as {quoted(name)}"
        for text, name in zip(texts, joined.columns, strict=True)
    )
