"""A workbook's sheets as CSV: row n of a sheet is line n.

Reads what calamine does (.xlsx, .xls, .xlsb, .ods), the web pages and SpreadsheetML that are called so, and
Ed-Fi's interchanges. Sheets that are hidden are not there.
"""

import csv
import re
import shutil
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.tables.interchange import entities_in, is_interchange
from edu_pipeline.landing.tables.markup import Place, is_markup, tables_in

STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx and .ods files begin, and .xls, whatever their name."""
WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
"""How they are called."""
_A_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_CELL = re.compile(rb'[":]([A-Z]{1,3})([0-9]{1,7})"')
_LOOKED_AT = 1 << 24
"""Bytes of a sheet in which far cells are looked for: what is larger has so many near ones."""
_MOST_CELLS = 150_000_000
"""Of a sheet as it is read: a full one of Excel's longest with 140 columns."""
Cell = float | str | bool | time | date | timedelta


def is_workbook(path: Path) -> bool:
    """Whether a file has sheets: its bytes are a workbook's, another archive's, or a page's.

    Raises:
        UnreadableFileError: It is XML or a web archive, which nobody reads.
    """
    return _is_book(path) or is_interchange(path) or is_markup(path)


def _is_book(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(STARTS)


def shown_sheets(path: Path) -> Sequence[str]:
    """The sheets of a workbook that people see, in their order.

    Raises:
        UnreadableFileError: It cannot be opened, or has none.
    """
    if not _is_book(path):
        return (
            [*entities_in(path)]
            if is_interchange(path)
            else [table.name for table in tables_in(path)]
        )
    with _opened(path) as book:
        return _shown(book)


def write_csv(path: Path, sheet: str | None, target: Path) -> tuple[str, Sequence[Place]]:
    """Write a sheet of a workbook as CSV in UTF-8; gives its name, and where a cell reaches down.

    Args:
        path: The workbook.
        sheet: Its name; else the first that is shown.
        target: Of the copy.

    Raises:
        UnreadableFileError: The workbook cannot be opened, or has no such sheet.
    """
    if is_interchange(path):
        entities = entities_in(path)
        name = _named(sheet, [*entities], [*entities])
        shutil.copyfile(entities[name], target)
        return name, []
    if not _is_book(path):
        tables = {table.name: table for table in reversed(tables_in(path))}
        name = _named(sheet, list(reversed(tables)), list(reversed(tables)))
        _write(tables[name].rows, target)
        return name, tables[name].reaching_down
    _refuse_far_cells(path)
    try:
        with _opened(path) as book:
            name = _named(sheet, _shown(book), book.sheet_names)
            found = book.get_sheet_by_name(name)
            _write((map(text, row) for row in found.to_python(skip_empty_area=False)), target)
            merged = found.merged_cell_ranges or ()
            return name, [
                start for start, end in merged if start[0] < end[0] and start[1] == end[1]
            ]
    except CalamineError:
        raise _broken() from None


def counts_from_1904(path: Path) -> bool:
    """Whether a workbook's dates are days since 1904, as old Macs wrote them."""
    try:
        with ZipFile(path) as book, book.open("xl/workbook.xml") as said:
            return re.search(rb"""date1904\s*=\s*["'](1|true)""", said.read()) is not None
    except (BadZipFile, KeyError, OSError, RuntimeError):
        return False


def _refuse_far_cells(path: Path) -> None:
    """Stop at a sheet with a cell so far from the others that there is no room for what lies between.

    The reader makes room for every cell up to the last, and ends the process where there is none. All of
    the first cells are looked at, and what the sheet says of its size.
    """
    try:
        with ZipFile(path) as book:
            for name in book.namelist():
                if not _A_SHEET.fullmatch(name):
                    continue
                with book.open(name) as sheet:
                    cells = _CELL.findall(sheet.read(_LOOKED_AT))
                rows = max((int(row) for _, row in cells), default=0)
                columns = max((_column(letters) for letters, _ in set(cells)), default=0)
                if rows * columns > _MOST_CELLS:
                    raise UnreadableFileError(
                        f"a workbook with a cell far from all others: {name} reaches over {rows:,} rows and "
                        f"{columns:,} columns. Delete the empty rows and columns around the table and save it "
                        "again, or export it as CSV"
                    )
    except (BadZipFile, KeyError, OSError, RuntimeError):
        return  # another kind of workbook, or a broken one


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _opened(path: Path) -> CalamineWorkbook:
    try:
        return load_workbook(path)
    except PasswordError:
        raise UnreadableFileError(
            "a workbook with a password. Save it without one and put that here"
        ) from None
    except CalamineError:
        raise _broken() from None


def _broken() -> UnreadableFileError:
    return UnreadableFileError(
        "a workbook or archive that cannot be opened. Save it in Excel as .xlsx or as “CSV "
        "UTF-8” and put that here"
    )


def _shown(book: CalamineWorkbook) -> list[str]:
    shown = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    if not shown:
        raise UnreadableFileError("a workbook without a sheet. Export it again")
    return shown


def _named(name: str | None, shown: Sequence[str], known: Sequence[str]) -> str:
    """The named sheet, else the first."""
    if name is None:
        return shown[0]
    if name not in known:
        raise UnreadableFileError(
            f"it has no sheet “{name}”. Its sheets are: {', '.join(known)}", f'sheet = "{shown[0]}"'
        )
    return name


def _write(rows: Iterable[Iterable[str]], target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def text(cell: Cell) -> str:
    """A cell as text: what people see of it, dates as ISO dates, on one line."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime():
            cell += timedelta(milliseconds=500)
            return cell.isoformat(sep=" ", timespec="seconds").removesuffix(" 00:00:00")
        case date() | time():
            return cell.isoformat()
        case str():
            return " ".join(cell.splitlines())
        case _:
            return str(cell)
