"""One CSV file: its encoding, delimiter and header, and its records with their line numbers.

What the columns mean is not decided here; every cell stays text.
"""

import codecs
import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

DELIMITERS = (",", ";", "\t", "|")
CHUNK = 8 * 1024 * 1024
OVERFLOW = "_overflow"
"""Column of the cells that a row has beyond the header; a row with any is rejected later."""


BOM = codecs.BOM_UTF8
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx and .xls files begin, whatever their name."""
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableFileError(Exception):
    """A file cannot be read as a table; the message says why or what to do.

    Attributes:
        setting: What to add to the export's section of `pipeline.toml`, where that helps.
    """

    def __init__(self, message: str, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting


@dataclass(frozen=True)
class Layout:
    """How a CSV file is laid out."""

    header: tuple[str, ...]
    """Column names, unique regardless of case."""
    delimiter: str
    lines: int
    """Physical lines, the header's included."""
    header_lines: int


@contextmanager
def as_utf8(path: Path, encoding: str) -> Iterator[Path]:
    """The file itself where it is UTF-8, else a copy of it in UTF-8.

    Raises:
        UnreadableFileError: It is no text, or its bytes are not of that encoding.
    """
    try:
        codec = codecs.lookup(encoding)
    except LookupError:
        raise UnreadableFileError(
            f"{encoding!r} is no known encoding. Try utf-8, cp1252, latin-1 or utf-16."
        ) from None
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(WORKBOOKS):
        raise UnreadableFileError(
            "an Excel workbook, not a CSV file, whatever its name. Save it in Excel as "
            "“CSV UTF-8” and put that here"
        )
    if start.startswith(UTF_16) and not codec.name.startswith("utf-16"):
        raise UnreadableFileError(f"not {encoding} but UTF-16", 'encoding = "utf-16"')
    if codec.name == "utf-8" or start.startswith(BOM):
        yield path
        return
    with TemporaryDirectory(prefix="edu-decode-") as scratch:
        copy = Path(scratch) / "utf8.csv"
        with copy.open("w", encoding="utf-8", newline="") as target:
            target.writelines(_decoded(_chunks(path), codec.incrementaldecoder(), encoding))
        yield copy


def _chunks(path: Path) -> Iterator[bytes]:
    """The file's bytes in pieces that fit in memory."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _decoded(
    chunks: Iterator[bytes], decoder: codecs.IncrementalDecoder, encoding: str
) -> Iterator[str]:
    line = 1
    try:
        for chunk in chunks:
            text = decoder.decode(chunk)
            line += text.count("\n")
            yield text
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        other = "cp1252" if encoding.replace("_", "-").lower().startswith("utf") else "utf-8"
        raise UnreadableFileError(
            f"not {encoding} (near line {line})", f'encoding = "{other}"'
        ) from error


def layout(path: Path, delimiter: str | None) -> Layout:
    """Read a UTF-8 file once: is it text, where does the header end, how many lines has it.

    Raises:
        UnreadableFileError: It is empty, not UTF-8, its header has no name at all, or a quotation
            mark is never closed.
    """
    lines = quotes = 0
    last = ""
    for text in _decoded(_chunks(path), codecs.getincrementaldecoder("utf-8")(), "utf-8"):
        lines += text.count("\n")
        quotes += text.count('"')
        last = text[-1:] or last
    if not last:
        raise UnreadableFileError("the file is empty. Export it again")
    lines += last != "\n"
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        found = delimiter or max(DELIMITERS, key=first.count)
        reader = csv.reader(file, delimiter=found)
        try:
            names = next(reader)
        except (StopIteration, csv.Error):
            names = []
        header_lines = reader.line_num
    if not any(name.strip() for name in names):
        raise UnreadableFileError("the first line has no column names. Export it with a header")
    shape = Layout(_unique(names), found, lines, header_lines)
    if quotes % 2:  # one may never be closed, and would swallow the rows after it
        for _ in records(path, shape):
            pass
    return shape


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Names as databases want them: none empty, none twice in any case.

    Leading underscores are dropped: they mark the columns that raw tables add.
    """
    taken: set[str] = set()
    unique = []
    for position, name in enumerate(names, start=1):
        base = name.strip().lstrip("_") or f"column_{position}"
        candidate, copy = base, 1
        while candidate.casefold() in taken:
            copy += 1
            candidate = f"{base}_{copy}"
        taken.add(candidate.casefold())
        unique.append(candidate)
    return tuple(unique)


def records(path: Path, shape: Layout) -> Iterator[tuple[int, list[str | None]]]:
    """Line and cells of every record, padded to the header; blank lines are skipped.

    The last cell holds what a row has beyond the header, else nothing.

    Raises:
        UnreadableFileError: A quotation mark is not closed where its cell ends.
    """
    width = len(shape.header)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=shape.delimiter, strict=True)
        line = 1
        try:
            next(reader)
            line = reader.line_num + 1
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    row = [cell or None for cell in cells[:width]]
                    row += [None] * (width - len(row))
                    beyond = cells[width:] if any(cells[width:]) else []
                    yield line, [*row, shape.delimiter.join(beyond) or None]
                line = reader.line_num + 1
        except csv.Error as error:
            raise UnreadableFileError(
                f"a quotation mark in the row that begins in line {line} is not closed. Export it "
                "again with cells quoted"
            ) from error
