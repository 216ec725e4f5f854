"""The journal: what must not be sent twice and who must not be written to, outside the ledger.

An append-only file, made durable with every line, so that a ledger that is lost, emptied, older or
another is recognised, whatever carries the letters, and so that what it has forgotten comes back.
What belongs here: which ledger it is of, letters by key with what became of them, addresses and
people as hashes with what they wished, pauses. No name, address, content, figure or free text, and
no rule: `memory` says what a ledger has to remember, `adoption` how it takes over what it lacks.
It holds the ledger's secrets, so it is as confidential as the ledger.

A line is `crc json`. Each has the `Point` up to which the ledger had counted in the transaction that
it tells of; the ledger commits first. A torn or damaged line is passed over: where the ledger is one
transaction further than the journal, because its writer died in between, it writes all down again.
"""

import json
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock

from edu_pipeline.mail.ledger.tables import FOLDER

Line = Mapping[str, Any]
"""Something to remember: `kind` is letter, address, tombstone or pause; see `memory`."""

_TAILS = (4 * 1024, 256 * 1024)
"""So much of the end is looked at for a whole line, before all is read."""
_NOTED = "journal"


@dataclass(frozen=True)
class Head:
    """Of which ledger a journal is."""

    id: str
    salt: str = field(repr=False)
    token_key: str = field(repr=False)


@dataclass(frozen=True)
class Point:
    """How far a ledger and its journal have come: a count of lines, and a mark of the transaction.

    By the count it is known which of two is older, by the mark that they went apart.
    """

    n: int = 0
    mark: str = ""

    def after(self, lines: int) -> "Point":
        """That of a new transaction with so many lines."""
        return Point(self.n + lines, secrets.token_hex(4))


def note(connection: sa.Connection, *lines: Line) -> None:
    """Have lines written as soon as the transaction is committed."""
    connection.info.setdefault(_NOTED, []).extend(lines)


def noted(connection: sa.Connection) -> list[Line]:
    """What was noted in this transaction; it is taken away."""
    lines: list[Line] = connection.info.pop(_NOTED, [])
    return lines


class DamagedJournalError(Exception):
    """A journal does not say of which ledger it is."""


class Journal:
    """A journal's file, in a folder that is there. Whoever compares or appends holds `locked`."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out until the block is left or the process dies.

        Raises:
            NotADirectoryError: Its folder is not there; none is made, for a disk may not be mounted.
        """
        if not self.path.parent.is_dir():
            raise NotADirectoryError(self.path.parent)
        with FileLock(self.path.with_name(f"{self.path.name}.lock"), mode=0o600):
            yield

    def head(self) -> Head | None:
        """Of which ledger it is; None where there is no journal.

        Raises:
            DamagedJournalError: Its first line does not say so; it may have been cut off.
        """
        if not self.path.is_file():
            return None
        with self.path.open("rb") as file:
            line = _read(file.readline())
        if not line or "ledger" not in line:
            raise DamagedJournalError(self.path)
        return Head(**line["ledger"])

    def last(self) -> Point:
        """Up to where it goes."""
        with self.path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            for tail in (*_TAILS, size):
                file.seek(max(0, size - tail))
                for raw in reversed(file.read(tail).splitlines()):
                    if (line := _read(raw)) is not None:
                        return Point(int(line["n"]), line.get("m", ""))
        return Point()

    def lines(self) -> Iterator[Line]:
        """All lines but the first that are whole, oldest first."""
        if self.path.is_file():
            with self.path.open("rb") as file:
                for raw in file:
                    line = _read(raw)
                    if line is not None and "ledger" not in line:
                        yield line

    def damaged(self) -> int:
        """How many lines are not whole."""
        with self.path.open("rb") as file:
            return sum(_read(raw) is None for raw in file if raw.strip())

    def forbids_a_new_ledger(self) -> bool:
        """Whether anything in it matters to a ledger that knows nothing: more than folder copies."""
        by: dict[str, str] = {}
        for line in self.lines():
            if line["kind"] != "letter":
                return True
            by[line["key"]] = line.get("by") or by.get(line["key"], "")
        return any(transport != FOLDER for transport in by.values())

    def begin(self, head: Head, at: Point, lines: Iterable[Line] = ()) -> None:
        """Begin a new journal with these lines in the place of what is there, whole or not at all."""
        new = self.path.with_name(f"{self.path.name}.new")
        new.unlink(missing_ok=True)
        _append(new, at, [{"ledger": asdict(head)}, *lines])
        new.replace(self.path)
        make_name_durable(self.path)

    def append(self, at: Point, lines: Iterable[Line]) -> None:
        """Write lines of one transaction; they are durable afterwards."""
        _append(self.path, at, lines)


def _append(path: Path, at: Point, lines: Iterable[Line]) -> None:
    of = {"n": at.n, "m": at.mark}
    written = b"".join(_written({**line, **of}) for line in lines)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.lseek(handle, 0, os.SEEK_END)
        if size:
            os.lseek(handle, -1, os.SEEK_END)
            if os.read(handle, 1) != b"\n":  # its last writer died
                written = b"\n" + written
        while written:
            written = written[os.write(handle, written) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def make_name_durable(path: Path) -> None:
    """Have the disk know of a file that was made or renamed."""
    if os.name == "posix":
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _written(line: Line) -> bytes:
    text = json.dumps(line, separators=(",", ":"), sort_keys=True).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read(raw: bytes) -> Line | None:
    crc, _, text = raw.rstrip(b"\n").partition(b" ")
    if crc != b"%08x" % zlib.crc32(text) or not text:
        return None
    line: Line = json.loads(text)
    return line
