"""One CSV file in UTF-8: its delimiter and header, and its records with their line numbers.

What the columns mean is not decided here; every cell stays text.
"""

import codecs
import csv
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from edu_pipeline.landing.tables.encodings import UTF_8, UnreadableFileError, chunks, decoded

DELIMITERS = (",", ";", "\t", "|")
if TYPE_CHECKING:
    import _csv

OVERFLOW = "_overflow"
"""Column of the cells that a row has beyond the header; a row with any is rejected later."""
CELLS = "_cells"
"""Column of the number of cells of a row that has fewer than the header."""
LISTED = ","
"""Stands between several values in one cell."""
HEADER_WITHIN = 20
"""Lines among which the header is looked for."""
ENOUGH_NAMES = 2
"""Known column names that make a line the header."""

ROW_LIKE = 3
"""Filled cells that tell a row from a title, where the header has as many."""
LONGEST_CELL = 2**31 - 1
"""Characters; what Python's reader takes unless told otherwise is less than a pasted picture."""


@dataclass(frozen=True)
class Layout:
    """How a CSV file is laid out."""

    header: tuple[str, ...]
    """Column names, unique regardless of case."""
    delimiter: str
    lines: int
    """Physical lines, without blank ones at the end."""
    header_lines: int
    """Of these, down to the header's last."""
    preamble: int = 0
    """Of these, above the header."""
    quotes: bool = True
    """Whether it has quotation marks below the header's first line."""


def layout(
    path: Path,
    delimiter: str | None,
    header_line: int | None = None,
    known: Callable[[Sequence[str]], Collection[str]] = frozenset,
    required: Collection[str] = (),
) -> Layout:
    """Read a UTF-8 file once: is it text, where is the header, how many lines has it.

    Args:
        path: The file.
        delimiter: As the settings say; else the one that gives the header the most known names.
        header_line: As the settings say; else the first line with enough known names, unless a
            later one of the first ones has more of the required; the first line where none has.
        known: Which of our columns a line's cells are surely the names of.
        required: Columns that a header should have.

    Raises:
        NotThisEncodingError: It is not UTF-8.
        UnreadableFileError: It is empty, or its header has no name at all.
    """
    lines = quotes = blank = 0
    last = ""
    for text in decoded(chunks(path), codecs.getincrementaldecoder(UTF_8)(), UTF_8):
        breaks = text.count("\n")
        lines += breaks
        quotes += text.count('"')
        content = len(text.rstrip("\r\n"))
        blank = text.count("\n", content) if content else blank + breaks
        last = text[-1:] or last
    if not last:
        raise UnreadableFileError("the file is empty. Export it again")
    lines += (last != "\n") - max(blank - 1, 0)
    with path.open(encoding="utf-8-sig", newline="") as file:
        top = list(islice(file, (header_line or 0) + 2 * HEADER_WITHIN))
    header = _header(top, delimiter, header_line, known, frozenset(required))
    quotes -= sum(line.count('"') for line in top[: header.preamble])
    return Layout(
        _unique(header.names),
        header.delimiter,
        lines,
        header.preamble + header.lines,
        header.preamble,
        quotes=quotes > 0,
    )


@dataclass(frozen=True)
class _Header:
    names: Sequence[str]
    delimiter: str
    preamble: int
    lines: int
    known: frozenset[str]


def reader_of(lines: Iterable[str], delimiter: str = ",", *, strict: bool = False) -> "_csv.Reader":
    """Python's reader of CSV, for which no cell is too long."""
    csv.field_size_limit(LONGEST_CELL)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def _header(
    top: Sequence[str],
    delimiter: str | None,
    header_line: int | None,
    known: Callable[[Sequence[str]], Collection[str]],
    required: frozenset[str],
) -> _Header:
    """The header among a file's first lines."""
    if header_line is not None and header_line > len(top):
        raise UnreadableFileError(f"it has no line {header_line}, which header_line names")
    first = 0 if header_line is None else header_line - 1
    after = HEADER_WITHIN if header_line is None else header_line
    candidates = [
        max(
            (_header_in(top, line, mark, known) for mark in delimiter or _marks_of(top[line])),
            key=lambda found: (len(found.known), top[line].count(found.delimiter)),
        )
        for line in range(first, min(after, len(top)))
        if top[line].strip()
    ]
    candidates = [found for found in candidates if any(name.strip() for name in found.names)]
    if not candidates:
        raise UnreadableFileError("the first line has no column names. Export it with a header")
    named = [found for found in candidates if len(found.known) >= ENOUGH_NAMES] or candidates[:1]
    return max(named, key=lambda found: len(found.known & required))


def _marks_of(line: str) -> Sequence[str]:
    """The delimiters of a line, and the first of the others: by each of these it is one cell."""
    if '"' in line:  # which may go on below
        return DELIMITERS
    missing = [mark for mark in DELIMITERS if mark not in line]
    return [mark for mark in DELIMITERS if mark in line or mark in missing[:1]]


def _header_in(
    top: Sequence[str], line: int, delimiter: str, known: Callable[[Sequence[str]], Collection[str]]
) -> _Header:
    reader = reader_of(top[line:], delimiter)
    try:
        names: Sequence[str] = next(reader)
    except (StopIteration, csv.Error):
        names = []
    lines = reader.line_num
    below = next(reader_of(top[line + lines :][:1], delimiter), [])
    if spread := _of_two_lines(names, below):
        names, lines = spread, lines + 1
    return _Header(names, delimiter, line, lines, frozenset(known(_unique(names))))


def _of_two_lines(upper: Sequence[str], lower: Sequence[str]) -> Sequence[str]:
    """Names such as `07/09/2026 AM`, where days stand above sessions, a day over several; else none.

    The other columns have their name in one of the lines, all of them in the same, and nothing in the other.
    """
    if len(upper) >= len(lower) and len({*filter(None, upper)}) == len(upper):
        return ()
    columns = [(high.strip(), low.strip()) for high, low in zip_longest(upper, lower, fillvalue="")]
    repeated = {
        low for low, times in Counter(low for _, low in columns).items() if low and times > 1
    }
    own = [pair for pair in columns if pair[1] not in repeated]
    days = {high for high, low in columns if high and low in repeated}
    one_line = any(map(any, own)) and any(not any(line) for line in zip(*own, strict=True))
    if not one_line or not 1 < len(days) < len(columns) - len(own):
        return ()
    names, day = [], ""
    for high, low in columns:
        day = (high or day) if low in repeated else ""
        names.append(f"{day} {low}" if day else high or low)
    filled = [*filter(None, names)]
    return names if len({*filled}) == len(filled) else ()


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


def above(path: Path, shape: Layout) -> Iterator[tuple[int, list[str | None]]]:
    """Line and cells of what stands above the header and looks like a row of the table.

    It is as wide as the header, and more of it is filled than a title and a date.
    """
    width = len(shape.header)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line, text in enumerate(islice(file, shape.preamble), start=1):
            cells = next(reader_of([text], shape.delimiter), [])
            filled = sum(bool(cell.strip()) for cell in cells)
            if len(cells) == width >= ENOUGH_NAMES and filled >= min(ROW_LIKE, width):
                yield line, [cell or None for cell in cells]


def _unwrapped(cell: str) -> str:
    """A cell without the formula that spreadsheets keep text in: `="007"`."""
    return cell[2:-1] if cell.startswith('="') and cell.endswith('"') else cell


def records(path: Path, shape: Layout) -> Iterator[tuple[int, int | None, list[str | None]]]:
    """Line, number of cells where it is short, and cells of every record that is not blank.

    Cells are padded to the header; the last one holds what a row has beyond it, else nothing.

    Raises:
        UnreadableFileError: A quotation mark is not closed where its cell ends.
    """
    width = len(shape.header)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for _ in range(shape.header_lines):
            file.readline()
        reader = reader_of(file, shape.delimiter, strict=True)
        line = shape.header_lines + 1
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    row = [_unwrapped(cell) or None for cell in cells[:width]]
                    row += [None] * (width - len(row))
                    beyond = cells[width:] if any(cells[width:]) else []
                    short = len(cells) if len(cells) < width else None
                    yield line, short, [*row, shape.delimiter.join(beyond) or None]
                line = shape.header_lines + reader.line_num + 1
        except csv.Error as error:
            raise UnreadableFileError(
                f"a quotation mark in the row that begins in line {line} is not closed. Export it "
                "again with cells quoted"
            ) from error
