"""Web pages and SpreadsheetML that systems call workbooks: their tables as rows of text.

Excel opens both without a word, so people take them for workbooks. What is no table is left out, and so
are tables that only hold other tables.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from edu_pipeline.landing.tables.encodings import (
    UTF_8,
    UnreadableFileError,
    encoding_but_utf_8,
    likely_encoding,
)

HEAD = 4096
"""Bytes by which a page is known."""
_SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_ROWS, _CELLS = ("tr", "row"), ("td", "th", "cell")
_MIDNIGHT = re.compile(r"^(\d{4}-\d{2}-\d{2})T00:00:00(?:\.0+)?$")
_WIDEST = 16_384
"""Columns of Excel's widest sheet; a page may claim any number."""
_LONGEST = 1_048_576
"""Its rows."""
_DIGITS = 9
"""Of a number that a page may say; what is longer is too large anyway."""


_MOST_BLANKS = 20_000_000
"""Cells of a page, all tables together, that only say that another reaches over them."""
_ENTITY = "<!ENTITY"
_ENTITIES = (
    "a page or XML file that defines words of its own (<!ENTITY …>), which no export does: they are not "
    "followed. Look at where it comes from, and export it as CSV or .xlsx"
)


Place = tuple[int, int]
"""Row and column, from 0."""


@dataclass
class MarkupTable:
    """A table of a page, or a sheet."""

    name: str
    rows: list[list[str]] = field(default_factory=list)
    reaching_down: list[Place] = field(default_factory=list)
    """Of cells of one column and several rows."""
    hidden: bool = False


def is_markup(path: Path) -> bool:
    """Whether a file is a web page or XML, whatever it is called.

    Raises:
        UnreadableFileError: It is, and has no table that could be read.
    """
    start = _text(path, HEAD).lstrip("\ufeff \t\r\n").casefold()
    if start.startswith("mime-version:") or "content-type: multipart/related" in start:
        raise UnreadableFileError(
            "a web archive, no workbook. Open it in Excel, save it as .xlsx and put that here"
        )
    if not start.startswith("<"):
        return False
    if _ENTITY.casefold() in start:
        raise UnreadableFileError(_ENTITIES)
    if any(f"<{tag}" in start for tag in ("html", "table", "!doctype html", "body", "head")):
        return True
    if _SPREADSHEET in start:
        return True
    if start.startswith("<?xml"):
        raise UnreadableFileError(
            "an XML file, which is not read. Export it as CSV or .xlsx and put that here"
        )
    return False


def tables_in(path: Path) -> list[MarkupTable]:
    """The tables of a page that have rows and are shown, in their order."""
    text = _text(path)
    if _ENTITY in text[:HEAD].upper():
        raise UnreadableFileError(_ENTITIES)
    parser = _Tables()
    parser.feed(text)
    parser.close()
    tables = [table for table in parser.tables if table.rows and not table.hidden]
    if not tables:
        raise UnreadableFileError("a web page without a table. Export it as CSV or .xlsx")
    return tables


def _text(path: Path, most: int = -1) -> str:
    with path.open("rb") as file:
        content = file.read(most)
    encoding = likely_encoding(path)
    if encoding == UTF_8:
        named = _CHARSET.search(content[:HEAD].decode("latin-1"))
        try:
            return content.decode(UTF_8)
        except UnicodeDecodeError:
            encoding = named[1] if named and named[1].casefold() != UTF_8 else ""
    try:
        return content.decode(encoding or encoding_but_utf_8(path).partition(" ")[0], "replace")
    except LookupError:
        return content.decode("cp1252", "replace")


class _Tables(HTMLParser):
    """Collects the innermost tables; both vocabularies have tables, rows and cells."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[MarkupTable] = []
        self._open: list[MarkupTable] = []
        self._sheet: MarkupTable | None = None
        self._sheet_name: str | None = None
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._width = 1
        self._below: dict[int, int] = {}
        self._visible = False
        self._said = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name.rpartition(":")[2]: value or "" for name, value in attrs}
        tag = tag.rpartition(":")[2]
        if tag == "worksheet":
            self._sheet_name = said.get("name")
        elif tag == "table":
            self._begin_table()
        elif tag in _ROWS:
            self._begin_row(_number(said.get("index")))
        elif tag in _CELLS and self._row is not None:
            self._begin_cell(self._row, said)
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")
        elif tag == "visible":
            self._visible = True

    def _begin_table(self) -> None:
        if self._open:
            self._open[-1].rows.clear()  # it only holds another
        self._end_row()
        self._open.append(MarkupTable(self._sheet_name or f"table {len(self.tables) + 1}"))
        self.tables.append(self._open[-1])

    def _begin_row(self, index: int) -> None:
        self._end_row()
        self._row = []
        if self._open:
            rows = self._open[-1].rows
            rows += [[] for _ in range(self._blanks(min(index - 1, _LONGEST) - len(rows)))]

    def _begin_cell(self, row: list[str], said: Mapping[str, str]) -> None:
        self._end_cell()
        self._cell = []
        index = _number(said.get("index"))
        row += [""] * self._blanks(min(index - 1, _WIDEST) - len(row))
        while self._below.get(len(row), 0) > 0:  # a cell of a row above reaches down
            row.append("")
        across = _number(said.get("colspan")) or _number(said.get("mergeacross")) + 1
        self._width = self._blanks(min(across, _WIDEST) - 1) + 1
        down = _number(said.get("rowspan")) or _number(said.get("mergedown")) + 1
        for place in range(len(row), len(row) + self._width) if down > 1 else ():
            self._below[place] = down
        if down > 1 and self._width == 1 and self._open:
            self._open[-1].reaching_down.append((len(self._open[-1].rows), len(row)))

    def _blanks(self, more: int) -> int:
        """So many cells or rows that only say that another reaches over them; none for less than none."""
        self._said += max(more, 0)
        if self._said > _MOST_BLANKS:
            raise UnreadableFileError(
                "a page whose cells reach over more rows and columns than any table has. Export it as CSV "
                "or .xlsx"
            )
        return max(more, 0)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag in _CELLS:
            self._end_cell()
        elif tag in _ROWS:
            self._end_row()
        elif tag == "table" and self._open:
            self._end_row()
            self._sheet = self._open.pop()
            self._below = {}
        elif tag == "worksheet":
            self._sheet_name = None
        elif tag == "visible":
            self._visible = False

    def handle_data(self, data: str) -> None:
        if self._visible and self._sheet:
            self._sheet.hidden = data.strip().startswith("SheetHidden") or "VeryHidden" in data
        elif self._cell is not None:
            self._cell.append(data)

    def _end_cell(self) -> None:
        if self._cell is None or self._row is None:
            return
        text = " ".join("".join(self._cell).split())
        self._row += [_MIDNIGHT.sub(r"\1", text), *[""] * (self._width - 1)]
        self._cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if self._row is not None and self._open:
            self._open[-1].rows.append(self._row)
            self._below = {place: rows - 1 for place, rows in self._below.items() if rows > 1}
        self._row = None


def _number(text: str | None) -> int:
    return int(text[:_DIGITS]) if text and text.isdecimal() else 0
