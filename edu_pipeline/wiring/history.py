"""Dagster's history of runs, as SQLite keeps it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection

import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage

_STORAGES = (vars(sqlite_event_log), vars(sqlite_run_storage))
_NAME = "create_engine"
"""By which they make an engine."""


@contextmanager
def history_at_hand(folder: Path) -> Iterator[None]:
    """Keep the history in a folder open while a run writes to it, an event at a time.

    Dagster opens the file for each event anew, with an engine that has to learn every statement again;
    the last one that closes it, copies all of it and waits for the disk. After a power cut the last events
    may be missing, never the ledger's.
    """
    own, theirs = folder.resolve(), sa.create_engine
    kept: dict[str, sa.Engine] = {}

    def engine_of(
        url: str, poolclass: type[sa.Pool], connect_args: dict[str, object] | None = None
    ) -> sa.Engine:
        if not Path(sa.make_url(url).database or "").is_relative_to(own):
            return theirs(url, poolclass=poolclass, connect_args=connect_args or {})
        if url not in kept:
            engine = kept[url] = theirs(url, connect_args=connect_args or {})
            sa.event.listen(engine, "connect", _lightly)
            engine.dispose = lambda close=True: None  # type: ignore[method-assign]  # noqa: ARG005
        return kept[url]

    for storage in _STORAGES:
        storage[_NAME] = engine_of
    try:
        yield
    finally:
        for storage in _STORAGES:
            storage[_NAME] = theirs
        for engine in kept.values():
            sa.Engine.dispose(engine)


def _lightly(connection: Connection, record: object) -> None:
    del record
    connection.execute("pragma journal_mode = wal")  # as Dagster does afterwards
    connection.execute("pragma synchronous = normal")
