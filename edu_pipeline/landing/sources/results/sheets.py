"""Files as tables of text: a CSV file is one, a workbook has one per sheet that people see.

What a column means is not decided here; where the header is, by names that the caller knows.
"""

import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from edu_pipeline.landing.tables.csvfile import Layout, reader_of, records
from edu_pipeline.landing.tables.encodings import UTF_8, UnreadableFileError, likely_encoding
from edu_pipeline.landing.tables.opened import Look, as_text, measured
from edu_pipeline.landing.tables.workbook import WORKBOOKS, is_workbook, shown_sheets

_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_NO_WORKBOOK = (
    "it is called a workbook and is none; it may be damaged. Open it in Excel, save it as .xlsx or as "
    "“CSV UTF-8” and put that here"
)
Known = Callable[[Sequence[str]], Collection[str]]
"""Which of our columns a line's cells are surely the names of."""


@dataclass(frozen=True)
class Row:
    """One record that is not blank."""

    line: int
    cells: tuple[str, ...]
    """As many as there are headers, blank ones empty."""
    beyond: str | None
    """What it has beyond the header."""


@dataclass(frozen=True)
class Sheet:
    """A table of text."""

    path: str
    """Of its file."""
    name: str | None
    """Of the sheet; none where the file is no workbook."""
    header: tuple[str, ...]
    """Unique names."""
    over: tuple[str, ...]
    """The line above the header, cell by cell, as far as there is one; else empty texts."""
    rows: tuple[Row, ...]

    @property
    def file(self) -> str:
        """Where its rows stand, as tables say it."""
        return _where(self.path, self.name)


@dataclass(frozen=True)
class Stray:
    """A file or sheet that is not read."""

    path: str
    name: str | None
    reason: str
    """A sentence, with what to do."""
    rows: int | None = None
    """How many it has; None: it could not even be read as a table."""

    @property
    def file(self) -> str:
        """Where it stands, as tables say it."""
        return _where(self.path, self.name)


def _where(path: str, sheet: str | None) -> str:
    return path if sheet is None else f"{path}#{sheet}"


def sheets_of(
    path: str, content: bytes, known: Known, required: Collection[str]
) -> Iterator[Sheet | Stray]:
    """The tables of one file.

    Args:
        path: What messages call it.
        content: Its bytes.
        known: What tells the header from the lines above it.
        required: Of these, what the header should have.
    """
    with TemporaryDirectory(prefix="edu-results-") as scratch:
        local = Path(scratch) / "export"
        local.write_bytes(content)
        try:
            names = _sheet_names(path, content, local)
        except UnreadableFileError as error:
            yield Stray(path, None, f"{error}.")
            return
        for name in names:
            try:
                yield _read(path, local, Look(known=known, required=required), name)
            except UnreadableFileError as error:
                yield Stray(path, name, f"{error}.")


def _sheet_names(path: str, content: bytes, local: Path) -> Sequence[str | None]:
    """The sheets of a workbook; of text one without a name. Exports of text are called .xls, too."""
    if is_workbook(local):
        return shown_sheets(local)
    named_so = path.casefold().endswith(WORKBOOKS)
    if named_so and likely_encoding(local) == UTF_8 and _NO_TEXT.search(content) is not None:
        raise UnreadableFileError(_NO_WORKBOOK)
    return [None]


def _read(path: str, local: Path, look: Look, name: str | None) -> Sheet:
    found = measured(local, look, name)
    shape = found.layout
    with as_text(local, found.encoding, found.sheet, found.dialect) as text:
        rows = tuple(
            Row(line, tuple(cell or "" for cell in cells[:-1]), cells[-1])
            for line, _, cells in records(text, shape)
        )
        return Sheet(path, found.sheet, shape.header, _over(text, shape), rows)


def _over(text: Path, shape: Layout) -> tuple[str, ...]:
    """The cells of the line above the header."""
    with text.open(encoding="utf-8-sig", newline="") as file:
        lines = list(islice(file, shape.preamble))
    above = next(reader_of(io.StringIO(lines[-1]), shape.delimiter), []) if lines else []
    width = len(shape.header)
    return tuple((above + [""] * width)[:width])
