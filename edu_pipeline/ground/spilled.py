"""Sets that may grow with a home: in a temporary file, so that they take no memory with them."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager


class SpilledSet:
    """Texts that were added, by SQLite in a file that is gone with the process at the latest."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute("create table texts (text text primary key) without rowid")

    def add(self, text: str) -> bool:
        """Add a text; whether it was new."""
        added = self._connection.execute("insert or ignore into texts values (?)", [text])
        return added.rowcount == 1

    def __contains__(self, text: str) -> bool:
        found = self._connection.execute("select 1 from texts where text = ?", [text])
        return found.fetchone() is not None


@contextmanager
def spilled_set() -> Iterator[SpilledSet]:
    """A new set, empty."""
    with closing(sqlite3.connect("")) as connection:  # a file without a name, where there is need
        yield SpilledSet(connection)


def repeated(texts: Iterable[str]) -> frozenset[str]:
    """Those that come more than once."""
    with spilled_set() as seen:
        return frozenset(text for text in texts if not seen.add(text))
