"""One CSV file: its encoding, delimiter and header, and its records with their line numbers.

What the columns mean is not decided here; every cell stays text.
"""

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
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

UTF_8, WINDOWS = "utf-8", "cp1252"
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
    found = likely_encoding(path)
    if found == "utf-16" and not codec.name.startswith("utf-16"):
        raise UnreadableFileError(f"not {encoding} but UTF-16", 'encoding = "utf-16"')
    if codec.name.startswith("utf-8") or found == "utf-8-sig":
        yield path
        return
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
    known: Callable[[Sequence[str]], int] = len,
) -> Layout:
    """Read a UTF-8 file once: is it text, where is the header, how many lines has it.

    Args:
        path: The file.
        delimiter: As the settings say; else the one that gives the header the most known names.
        header_line: As the settings say; else the line with the most known names among the first
            ones, or the first line where no line has enough.
        known: How many of a line's cells are known as column names.

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
    header = _header(top, delimiter, header_line, known)
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
    known: int


def _header(
    top: Sequence[str],
    delimiter: str | None,
    header_line: int | None,
    known: Callable[[Sequence[str]], int],
) -> _Header:
    """The header among a file's first lines."""
    if header_line is not None and header_line > len(top):
        raise UnreadableFileError(f"it has no line {header_line}, which header_line names")
    first = 0 if header_line is None else header_line - 1
    after = HEADER_WITHIN if header_line is None else header_line
    candidates = [
        max(
            (_header_in(top, line, mark, known) for mark in (delimiter or DELIMITERS)),
            key=lambda found: (found.known, top[line].count(found.delimiter)),
        )
        for line in range(first, min(after, len(top)))
        if top[line].strip()
    ]
    candidates = [found for found in candidates if any(name.strip() for name in found.names)]
    if not candidates:
        raise UnreadableFileError("the first line has no column names. Export it with a header")
    best = max(candidates, key=lambda found: found.known)
    return best if best.known >= ENOUGH_NAMES else candidates[0]


def _header_in(
    top: Sequence[str], line: int, delimiter: str, known: Callable[[Sequence[str]], int]
) -> _Header:
    reader = csv.reader(top[line:], delimiter=delimiter)
    try:
        names = next(reader)
    except (StopIteration, csv.Error):
        names = []
    return _Header(names, delimiter, line, reader.line_num, known(_unique(names)))


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
