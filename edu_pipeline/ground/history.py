"""Dagster's history of runs, as SQLite keeps it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa


@contextmanager
def history_at_hand(folder: Path) -> Iterator[None]:
    """Keep the history in a folder open while a run writes to it, an event at a time.

    Dagster opens the file for each event anew; the last one that closes it, copies all of it and waits
    for the disk. After a power cut the last events may be missing, never the ledger's.
    """
    kept: dict[str, sqlite3.Connection] = {}

    def keep(connection: object, record: object) -> None:
        del record
        if not isinstance(connection, sqlite3.Connection):
            return
        path = connection.execute("pragma database_list").fetchone()[2]
        if not Path(path).is_relative_to(folder.resolve()):
            return
        connection.execute("pragma journal_mode = wal")  # as Dagster does afterwards
        connection.execute("pragma synchronous = normal")
        if path not in kept:
            kept[path] = sqlite3.connect(path, check_same_thread=False)
            kept[path].execute("select count(*) from sqlite_master").fetchone()

    sa.event.listen(sa.Engine, "connect", keep)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "connect", keep)
        for connection in kept.values():
            connection.close()
