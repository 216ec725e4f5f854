"""DuckDB: one way to open the warehouse, its tables in and out, and the lock that a run holds.

Everything in the warehouse can be computed again from the landing zone. The ledger, which cannot,
is not here. A run that writes holds the home's lock from its first to its last step.
"""

import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from errno import EACCES, EPERM, EROFS
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from filelock import FileLock, Timeout

LOCK_PATIENCE_SECONDS = 3600
Connection = duckdb.DuckDBPyConnection
"""For signatures of those who hand it on."""
OutOfMemoryError = duckdb.OutOfMemoryException
"""A query needs more than it may take; see `give_memory`."""


MEGABYTES_PER_CORE = 125
"""Of memory that a query may always take."""
PART_OF_FILE = 2
"""It may take as much: what rows by the million are joined with grows with them."""
ROOM_IN_ANY_CASE = 100_000_000
TABLES_PER_EXPORT = 3
ROWS_AT_ONCE = 1000
MOMENT_SECONDS = 3
"""How long the shell waits for a home: whoever only reads is through by then."""


class WarehouseBusyError(Exception):
    """Another process has the warehouse open; the message says what to do."""


class WarehouseBrokenError(Exception):
    """The warehouse is no database that can be read; the message says what to do."""


class NoRoomError(Exception):
    """The disk has too little room for a run; the message says how much it takes."""


class HomeBusyError(Exception):
    """Another process holds the home; the message says which, and since when."""


def home_lock(path: Path) -> FileLock:
    """The lock that whoever reads or writes the warehouse holds; entering it waits.

    One per process, so that who holds it can start a run, which takes it again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path, timeout=LOCK_PATIENCE_SECONDS, thread_local=False, is_singleton=True)


@contextmanager
def hold(path: Path, doing: str, *, reads: bool = False) -> Iterator[None]:
    """Hold a home's lock, or say at once who does.

    Args:
        path: The lock.
        doing: What for, as somebody else is told.
        reads: Whether that can be done without the lock where nothing may be written.

    Raises:
        HomeBusyError: Another process holds it.
    """
    try:
        lock = home_lock(path)
        lock.acquire(timeout=MOMENT_SECONDS)
        note_holder(lock, path, doing)
    except Timeout:
        raise HomeBusyError(
            f"{holder(path)} holds this home. Try again when it has ended; Dagster's UI shows it, too."
        ) from None
    except OSError as error:
        if not reads or error.errno not in (EACCES, EPERM, EROFS):
            raise
        yield  # whose disk takes nothing, has nobody who writes
        return
    try:
        yield
    finally:
        forget_holder(lock, path)


def note_holder(lock: FileLock, path: Path, doing: str) -> None:
    """Leave beside the lock who holds it, for those who find it held; whoever took it first is named."""
    if lock.lock_counter > 1:
        return
    now = datetime.now(UTC)
    note = {"pid": os.getpid(), "doing": doing, "since": f"{now:%Y-%m-%d %H:%M} UTC"}
    _note(path).write_text(json.dumps(note), encoding="utf-8")


def forget_holder(lock: FileLock, path: Path) -> None:
    """Let go of the lock once, and of the note where nobody of this process holds it any more."""
    if lock.lock_counter == 1:
        _note(path).unlink(missing_ok=True)
    lock.release()


def holder(path: Path) -> str:
    """Who holds a lock that somebody holds, for a sentence."""
    try:
        note = json.loads(_note(path).read_text(encoding="utf-8"))
        return f"{note['doing']} (process {note['pid']}, since {note['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "Another process"


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}-holder")


def room_needed(warehouse: int, exports: int) -> int:
    """Bytes that a run may take on the disk besides what is there.

    Tables are written anew beside those that there are; the first time, they take up to three times
    what the exports do. Letters, pages and the history fit into the rest.

    Args:
        warehouse: Its bytes, 0 for none.
        exports: Bytes of what has landed.
    """
    return ROOM_IN_ANY_CASE + max(warehouse, TABLES_PER_EXPORT * exports)


def require_room(path: Path, exports: Path) -> None:
    """Stop before a run of which the disk would not take the end.

    Args:
        path: The warehouse.
        exports: The folder that they lie in.

    Raises:
        NoRoomError: There is less room than `room_needed`.
    """
    landed = sum(file.stat().st_size for file in exports.rglob("*") if file.is_file())
    needed = room_needed(path.stat().st_size if path.is_file() else 0, landed)
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise NoRoomError(
            f"There is too little room on the disk of {path.parent}: {free / 1e6:,.0f} MB are free, and a run "
            f"may take {needed / 1e6:,.0f} MB. Nothing was begun. Make room, then run again."
        )


_DAMAGED = ("not a valid duckdb", "corrupt", "checksum", "could not read enough bytes")
"""What DuckDB says of a file that is none of its own, or is cut."""


@contextmanager
def open_warehouse(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one operation.

    Raises:
        WarehouseBusyError: Another process has it open.
        WarehouseBrokenError: It is no database, or not a whole one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        con = duckdb.connect(
            str(path), read_only=read_only, config={"python_enable_replacements": False}
        )
    except (duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException):
        raise WarehouseBrokenError(broken(path)) from None
    except duckdb.IOException as error:
        told = str(error).lower()
        if path.is_dir() or any(words in told for words in _DAMAGED):
            raise WarehouseBrokenError(broken(path)) from None
        if "lock" not in told:
            raise
        raise WarehouseBusyError(
            f"{path.name} is open in another program. Close it there (a DuckDB shell or a notebook, "
            "perhaps) and run again."
        ) from error
    try:
        limit_memory(con, path)
        yield con
    finally:
        con.close()


def limit_memory(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Say how much memory a query may take before it goes on in a file beside the warehouse."""
    size = path.stat().st_size if path.is_file() else 0
    megabytes = max(MEGABYTES_PER_CORE * (os.cpu_count() or 1), size // PART_OF_FILE // 1_000_000)
    con.execute(f"set memory_limit = '{megabytes}MB'")


def give_memory(con: duckdb.DuckDBPyConnection) -> None:
    """Let a query take what the machine has: not every one can go on in a file."""
    con.execute("reset memory_limit")


@contextmanager
def one_thread(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """For statements about some ten thousand rows each: to share one out takes as long as it saves."""
    con.execute("set threads = 1")
    try:
        yield
    finally:
        con.execute("reset threads")


def broken(path: Path) -> str:
    """What to do about a warehouse that cannot be read."""
    return (
        f"{path} cannot be read: it is damaged, or no database of this program. Delete it; it holds "
        "nothing that cannot be computed again from the exports. Then: edu-pipeline run"
    )


def tables(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Names of the tables that are there."""
    # duckdb_tables() counts rows as well, which takes five times as long
    here = "table_schema = 'main' and table_catalog = current_database()"
    names = f"select table_name from information_schema.tables where {here}"
    return {row[0] for row in con.execute(names).fetchall()}


def columns_of(con: duckdb.DuckDBPyConnection, name: str) -> list[str] | None:
    """Columns of a table; None where it is not there. Much quicker than `tables`."""
    try:
        return list(con.table(name).columns)
    except duckdb.CatalogException:
        return None


def read_table(
    con: duckdb.DuckDBPyConnection,
    name: str,
    partition: str | None = None,
    columns: Collection[str] = ("*",),
) -> pl.DataFrame:
    """A table as a frame: whole, or one partition of it."""
    of, values = _its_rows(partition) if partition else ("true", [])
    query = f'select {", ".join(columns)} from "{name}" where {of}'
    frame: pl.DataFrame = con.sql(query, params=values).pl()
    return frame


def rows_of(relation: duckdb.DuckDBPyRelation) -> Iterator[dict[str, Any]]:
    """A query's rows, a thousand of which are in memory; nothing else is asked in between."""
    for part in relation.to_arrow_reader(ROWS_AT_ONCE):
        yield from pl.DataFrame(part).iter_rows(named=True)


def read_earlier(
    con: duckdb.DuckDBPyConnection, name: str, nothing: pl.DataFrame, partition: str | None = None
) -> pl.DataFrame:
    """A table as the run before left it; `nothing` where there was none, or none of its columns."""
    as_now = columns_of(con, name) == nothing.columns
    return read_table(con, name, partition) if as_now else nothing


def write_table(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Replace a table in one step: readers see the old one or the new one."""
    _from_incoming(con, f'create or replace table "{name}" as', frame)


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All that is done in it, or nothing."""
    con.execute("begin")
    try:
        yield
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")


def append(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Add rows to a table."""
    _from_incoming(con, f'insert into "{name}" by name', frame)


def _from_incoming(con: duckdb.DuckDBPyConnection, doing: str, frame: pl.DataFrame) -> None:
    con.register("incoming", frame)
    try:
        con.execute(f"{doing} from incoming")
    finally:
        con.unregister("incoming")


def write_partition(
    con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame, key: str
) -> None:
    """Replace one partition of a table, within a transaction; other columns replace it whole."""
    if columns_of(con, name) != frame.columns:
        write_table(con, name, frame)
        return
    of, values = _its_rows(key)
    con.execute(f'delete from "{name}" where {of}', values)
    append(con, name, frame)


def _its_rows(partition: str) -> tuple[str, list[str | date]]:
    """Condition on a partition's rows: of `2026-09-28`, or of `buslead|2026-09-28`."""
    programme, _, week = partition.rpartition("|")
    monday = date.fromisoformat(week)
    if programme:
        return "week_start = ? and programme_id = ?", [monday, programme]
    return "week_start = ?", [monday]


def texts_with(con: duckdb.DuckDBPyConnection, texts: Iterable[str]) -> list[tuple[str, str, int]]:
    """Columns in whose cells one of these texts (in lower case) stands: table, column, rows."""
    sought = list(texts)
    found = []
    for table in sorted(tables(con)) if sought else ():
        relation = con.table(table)
        for column, kind in zip(relation.columns, relation.types, strict=True):
            if "VARCHAR" not in str(kind):
                continue
            rows = con.execute(
                f'select count(*) from "{table}" where list_bool_or('
                f'list_transform($1, lambda text: contains(lower("{column}"::varchar), text)))',
                [sought],
            ).fetchall()[0][0]
            if rows:
                found.append((table, column, rows))
    return found


def rewrite(path: Path, keep: Collection[str]) -> None:
    """Put a new file in the place of the warehouse's, with these of its tables, where it has them.

    What else was in it is gone from the disk: a table that is dropped leaves its pages in the file.

    Raises:
        WarehouseBusyError: Another process has it open.
    """
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with open_warehouse(path) as con:
        name = str(new).replace("'", "''")
        con.execute(f"attach '{name}' as rewritten")
        for table in sorted(tables(con) & set(keep)):
            con.execute(f'create table rewritten."{table}" as from main."{table}"')
        con.execute("detach rewritten")
    new.replace(path)
    for left in (path.with_name(f"{path.name}.wal"), new.with_name(f"{new.name}.wal")):
        left.unlink(missing_ok=True)
