"""One CSV file: its encoding, delimiter and header, and its records with their line numbers.

What the columns mean is not decided here; every cell stays text.
"""

import codecs
import csv
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

DELIMITERS = (",", ";", "\t", "|")
CHUNK = 8 * 1024 * 1024
OVERFLOW = "_overflow"
"""Column of the cells that a row has beyond the header; a row with any is rejected later."""
CELLS = "_cells"
"""Column of the number of cells of a row that has fewer than the header."""
HEADER_WITHIN = 20
"""Lines among which the header is looked for."""
ENOUGH_NAMES = 2
"""Known column names that make a line the header."""

ROW_LIKE = 3
"""Filled cells that tell a row from a title, where the header has as many."""

UTF_8, WINDOWS = "utf-8", "cp1252"
MIXED = "utf-8 with cp1252 bytes"
"""UTF-8 but for single bytes; followed by the first line that has one."""
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""First bytes of a file → its encoding."""
MANY_NULS = 0.3
"""Share of a file's even or odd bytes that are 0 in UTF-16 and in nothing else that is text."""
_WINDOWS_CHARACTERS = "".join(
    bytes([byte]).decode(WINDOWS, errors="ignore") or chr(byte) for byte in range(256)
)
"""What bytes mean in cp1252; the five that it leaves open mean what they do in Latin-1."""


_STRAY = {0xDC00 + byte: _WINDOWS_CHARACTERS[byte] for byte in range(0x80, 0x100)}
"""What `surrogateescape` makes of bytes that are no UTF-8 → what they mean in cp1252."""


class UnreadableFileError(Exception):
    """A file cannot be read as a table; the message says why or what to do.

    Attributes:
        setting: What to add to the export's section of `pipeline.toml`, where that helps.
    """

    def __init__(self, message: str, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting


class NotThisEncodingError(UnreadableFileError):
    """The bytes are not of the encoding."""


class _WindowsDecoder(codecs.IncrementalDecoder):
    """cp1252 as browsers read it: every byte is a character."""

    def decode(self, input: bytes, final: bool = False) -> str:  # type: ignore[override]  # noqa: A002, ARG002
        """Bytes as text."""
        return codecs.charmap_decode(input, "strict", _WINDOWS_CHARACTERS)[0]


class _MixedDecoder(codecs.IncrementalDecoder):
    """UTF-8, and cp1252 for the bytes that are none."""

    def __init__(self) -> None:
        super().__init__()
        self._utf_8 = codecs.getincrementaldecoder(UTF_8)("surrogateescape")

    def decode(self, input: bytes, final: bool = False) -> str:  # type: ignore[override]  # noqa: A002
        """Bytes as text."""
        return self._utf_8.decode(input, final).translate(_STRAY)


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


def likely_encoding(path: Path) -> str:
    """The encoding that a file's first bytes show; UTF-8 where they show none."""
    with path.open("rb") as file:
        start = file.read(4096)
    for bom, encoding in BOMS.items():
        if start.startswith(bom):
            return encoding
    for first, encoding in enumerate(("utf-16-be", "utf-16-le")):
        if start[first::2].count(0) > MANY_NULS * len(start) / 2 > start[1 - first :: 2].count(0):
            return encoding
    return UTF_8


def encoding_but_utf_8(path: Path) -> str:
    """The encoding of a file that is not UTF-8 throughout: cp1252, or UTF-8 with strange bytes.

    In UTF-8 most characters beyond ASCII are right; in cp1252 hardly any sequence is.
    """
    decoder = codecs.getincrementaldecoder(UTF_8)("surrogateescape")
    beyond = stray = first = 0
    lines = 1
    for chunk in _chunks(path):
        text = decoder.decode(chunk)
        found = re.search("[\udc80-\udcff]", text)
        if found and not first:
            first = lines + text.count("\n", 0, found.start())
        lines += text.count("\n")
        beyond += len(re.findall(r"[^\x00-\x7f]", text))
        stray += len(re.findall("[\udc80-\udcff]", text))
    return f"{MIXED}, first in line {first}" if beyond - stray > stray else WINDOWS


@contextmanager
def as_utf8(path: Path, encoding: str) -> Iterator[Path]:
    """The file itself where it is UTF-8, else a copy of it in UTF-8.

    Raises:
        UnreadableFileError: It is no text, or its bytes are not of that encoding.
    """
    mixed = encoding.startswith(MIXED)
    try:
        codec = codecs.lookup(UTF_8 if mixed else encoding)
    except LookupError:
        raise UnreadableFileError(
            f"{encoding!r} is no known encoding. Try utf-8, cp1252, latin-1 or utf-16."
        ) from None
    found = likely_encoding(path)
    if found == "utf-16" and not codec.name.startswith("utf-16"):
        raise UnreadableFileError(f"not {encoding} but UTF-16", 'encoding = "utf-16"')
    if not mixed and (codec.name.startswith("utf-8") or found == "utf-8-sig"):
        yield path
        return
    if mixed:
        decoder: codecs.IncrementalDecoder = _MixedDecoder()
    else:
        decoder = _WindowsDecoder() if codec.name == WINDOWS else codec.incrementaldecoder()
    with TemporaryDirectory(prefix="edu-decode-") as scratch:
        copy = Path(scratch) / "utf8.csv"
        with copy.open("w", encoding="utf-8", newline="") as target:
            target.writelines(_decoded(_chunks(path), decoder, encoding))
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
        other = WINDOWS if encoding.replace("_", "-").lower().startswith("utf") else UTF_8
        raise NotThisEncodingError(
            f"not {encoding} (near line {line})", f'encoding = "{other}"'
        ) from error


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
        UnreadableFileError: It is empty, its header has no name at all, or a quotation mark is
            never closed.
    """
    lines = quotes = blank = 0
    last = ""
    for text in _decoded(_chunks(path), codecs.getincrementaldecoder(UTF_8)(), UTF_8):
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
    shape = Layout(
        _unique(header.names),
        header.delimiter,
        lines,
        header.preamble + header.lines,
        header.preamble,
    )
    quotes -= sum(line.count('"') for line in top[: header.preamble])
    if quotes % 2:  # one may never be closed, and would swallow the rows after it
        for _ in records(path, shape):
            pass
    return shape


@dataclass(frozen=True)
class _Header:
    names: Sequence[str]
    delimiter: str
    preamble: int
    lines: int
    known: frozenset[str]


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
            (_header_in(top, line, mark, known) for mark in (delimiter or DELIMITERS)),
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


def _header_in(
    top: Sequence[str], line: int, delimiter: str, known: Callable[[Sequence[str]], Collection[str]]
) -> _Header:
    reader = csv.reader(top[line:], delimiter=delimiter)
    try:
        names = next(reader)
    except (StopIteration, csv.Error):
        names = []
    return _Header(names, delimiter, line, reader.line_num, frozenset(known(_unique(names))))


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
            cells = next(csv.reader([text], delimiter=shape.delimiter), [])
            filled = sum(bool(cell.strip()) for cell in cells)
            if len(cells) == width >= ENOUGH_NAMES and filled >= min(ROW_LIKE, width):
                yield line, [cell or None for cell in cells]


def records(path: Path, shape: Layout) -> Iterator[tuple[int, int | None, list[str | None]]]:
    """Line, number of cells where it is short, and cells of every record that is not blank.

    Cells are padded to the header; the last one holds what a row has beyond it, else nothing.

    Raises:
        UnreadableFileError: A quotation mark is not closed where its cell ends.
    """
    width = len(shape.header)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for _ in range(shape.preamble):
            file.readline()
        reader = csv.reader(file, delimiter=shape.delimiter, strict=True)
        line = shape.preamble + 1
        try:
            next(reader)
            line = shape.preamble + reader.line_num + 1
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    row = [cell or None for cell in cells[:width]]
                    row += [None] * (width - len(row))
                    beyond = cells[width:] if any(cells[width:]) else []
                    short = len(cells) if len(cells) < width else None
                    yield line, short, [*row, shape.delimiter.join(beyond) or None]
                line = shape.preamble + reader.line_num + 1
        except csv.Error as error:
            raise UnreadableFileError(
                f"a quotation mark in the row that begins in line {line} is not closed. Export it "
                "again with cells quoted"
            ) from error
