"""The one reader: what a file's bytes are, where its header is, and its text as CSV in UTF-8.

Sources say by which names a header is known; what a column means is theirs, too.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from edu_pipeline.landing.tables.cells import is_read_by_duckdb
from edu_pipeline.landing.tables.csvfile import Layout, layout, records
from edu_pipeline.landing.tables.encodings import (
    UTF_8,
    WINDOWS,
    NotThisEncodingError,
    UnreadableFileError,
    as_utf8,
    encoding_but_utf_8,
    likely_encoding,
)
from edu_pipeline.landing.tables.markup import Place
from edu_pipeline.landing.tables.workbook import counts_from_1904, is_workbook, write_csv

STANDARD, BACKSLASHES, FROM_1904 = "standard", "backslashes", "days since 1904"
"""How cells are written: quotation marks in them doubled; after backslashes, as databases dump them; in
workbooks whose days count from 1904."""


TOP = 2**18
"""Bytes of a file among which its header stands; even, as letters of two bytes are."""


@dataclass(frozen=True)
class Look:
    """What to look for in a file."""

    known: Callable[[Sequence[str]], Collection[str]]
    """Which of our columns a line's cells are surely the names of."""
    required: Collection[str] = ()
    """Columns that a header should have."""
    encoding: str | None = None
    """As the settings say; else it is found."""
    delimiter: str | None = None
    header_line: int | None = None


@dataclass(frozen=True)
class Measured:
    """How a file is read."""

    encoding: str
    sheet: str | None
    """None where it is no workbook."""
    dialect: str
    layout: Layout
    merged: frozenset[int] = frozenset()
    """Columns, from 0, with cells that reach over several rows below the header."""


def measured(path: Path, look: Look, sheet: str | None = None) -> Measured:
    """How a file is read.

    Args:
        path: Text, a workbook or a web page, whatever it is called.
        look: What to look for.
        sheet: The sheet of a workbook; else the first that is shown.

    Raises:
        UnreadableFileError: It is no table.
    """
    if is_workbook(path):
        dialect = FROM_1904 if counts_from_1904(path) else STANDARD
        with _sheet(path, sheet) as (text, name, merged):
            rows = _layout(text, replace(look, delimiter=","))
            below = frozenset(column for line, column in merged if line >= rows.header_lines)
            return Measured(UTF_8, name, dialect, rows, below)
    encoding = look.encoding or likely_encoding(path)
    try:
        return _measured(path, look, encoding)
    except NotThisEncodingError:
        if look.encoding or encoding != UTF_8:
            raise
    found = encoding_but_utf_8(path)
    try:
        return _measured(path, look, found)
    except NotThisEncodingError:
        return _measured(path, look, WINDOWS)


def columns_of(path: Path, look: Look, sheet: str | None = None) -> tuple[str, ...]:
    """A file's columns, found in its first lines.

    Args:
        path: Text, a workbook or a web page.
        look: What to look for.
        sheet: The sheet of a workbook; else the first that is shown.

    Raises:
        UnreadableFileError: It is no table.
    """
    if is_workbook(path) or path.stat().st_size <= TOP:
        return measured(path, look, sheet).layout.header
    with TemporaryDirectory(prefix="edu-top-") as scratch, path.open("rb") as file:
        top = Path(scratch) / "top"
        lines = file.read(TOP)
        # of two bytes a letter: a line may end between them
        top.write_bytes(lines if b"\0" in lines else lines[: lines.rfind(b"\n") + 1] or lines)
        return measured(top, look).layout.header


def proven(path: Path, found: Measured) -> Measured:
    """How a file is read, where its quotation marks make cells in one way in all rows.

    Raises:
        UnreadableFileError: They do not, with the first line where they do not.
    """
    if not found.layout.quotes:
        return found
    try:
        with as_text(path, found.encoding, found.sheet, found.dialect) as text:
            if not is_read_by_duckdb(text, found.layout):
                for _ in records(text, found.layout):
                    pass
    except UnreadableFileError:
        escaped = replace(found, dialect=BACKSLASHES)
        if found.sheet is None and _all_rows_fit(path, escaped):
            return escaped
        raise
    return found


@contextmanager
def as_text(path: Path, encoding: str, sheet: str | None, dialect: str) -> Iterator[Path]:
    """The file itself where it is standard CSV in UTF-8, else such a copy of it.

    Args:
        path: The file.
        encoding: As measured, and so are the others.
        sheet: Of a workbook.
        dialect: How its cells are written.

    Raises:
        UnreadableFileError: It is not of that encoding, or has no such sheet.
    """
    if is_workbook(path):
        with _sheet(path, sheet) as (text, *_):
            yield text
        return
    with as_utf8(path, encoding) as text:
        if dialect != BACKSLASHES:
            yield text
            return
        with TemporaryDirectory(prefix="edu-quotes-") as scratch:
            copy = Path(scratch) / "doubled.csv"
            with (
                text.open(encoding="utf-8", newline="") as file,
                copy.open("w", encoding="utf-8", newline="") as target,
            ):
                target.writelines(map(_doubled, file))
            yield copy


@contextmanager
def _sheet(path: Path, sheet: str | None) -> Iterator[tuple[Path, str, Sequence[Place]]]:
    with TemporaryDirectory(prefix="edu-sheet-") as scratch:
        copy = Path(scratch) / "sheet.csv"
        yield copy, *write_csv(path, sheet, copy)


def _measured(path: Path, look: Look, encoding: str) -> Measured:
    with as_text(path, encoding, None, STANDARD) as text:
        return Measured(encoding, None, STANDARD, _layout(text, look))


def _layout(text: Path, look: Look) -> Layout:
    return layout(text, look.delimiter, look.header_line, look.known, look.required)


_ESCAPED = re.compile(r'\\(["\\])')
_NULL = re.compile(r"(?<=[,;\t|])\\N(?=[,;\t|\r\n]|$)|^\\N(?=[,;\t|])")
"""What databases write for no value."""


def _doubled(line: str) -> str:
    """A line of a database's dump with its quotation marks doubled."""
    return _ESCAPED.sub(lambda found: '""' if found[1] == '"' else "\\", _NULL.sub("", line))


def _all_rows_fit(path: Path, found: Measured) -> bool:
    """Whether a file can only be read as escaped by backslashes: no row is short, none too long."""
    with as_utf8(path, found.encoding) as text, text.open(encoding="utf-8", newline="") as file:
        if any("\\" in _ESCAPED.sub("", _NULL.sub("", line)) for line in file):
            return False
    try:
        with as_text(path, found.encoding, None, BACKSLASHES) as text:
            return all(
                short is None and cells[-1] is None
                for _, short, cells in records(text, found.layout)
            )
    except UnreadableFileError:
        return False
