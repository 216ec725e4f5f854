"""An Excel workbook's sheet as CSV: row n of the sheet is line n.

Also reads what else calamine does: .xls, .xlsb and .ods.
"""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from edu_pipeline.landing.tables.csvfile import UnreadableFileError, as_utf8

STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx and .ods files begin, and .xls, whatever their name."""
Cell = float | str | bool | time | date | timedelta


def is_workbook(path: Path) -> bool:
    """Whether a file's bytes are a workbook's, or another archive's."""
    with path.open("rb") as file:
        return file.read(4).startswith(STARTS)


@contextmanager
def as_csv(path: Path, encoding: str, sheet: str | None) -> Iterator[tuple[Path, str | None]]:
    """The file itself where it is UTF-8, else a copy of it, or of its sheet, as CSV in UTF-8.

    Gives the sheet's name, too; none where it is no workbook.

    Args:
        path: A text file or a workbook.
        encoding: The text file's.
        sheet: The workbook's sheet; else the first that is shown.

    Raises:
        UnreadableFileError: It is neither, not of that encoding, or has no such sheet.
    """
    if not is_workbook(path):
        with as_utf8(path, encoding) as text_file:
            yield text_file, None
        return
    with TemporaryDirectory(prefix="edu-sheet-") as scratch:
        copy = Path(scratch) / "sheet.csv"
        yield copy, _write_csv(path, sheet, copy)


def _write_csv(path: Path, sheet: str | None, target: Path) -> str:
    try:
        with load_workbook(path) as book, target.open("w", encoding="utf-8", newline="") as file:
            found = _sheet(book, sheet)
            cells = book.get_sheet_by_name(found).to_python(skip_empty_area=False)
            csv.writer(file, lineterminator="\n").writerows(map(text, row) for row in cells)
    except PasswordError:
        raise UnreadableFileError(
            "a workbook with a password. Save it without one and put that here"
        ) from None
    except CalamineError:
        raise UnreadableFileError(
            "a workbook or archive that cannot be opened. Save it in Excel as .xlsx or as “CSV "
            "UTF-8” and put that here"
        ) from None
    return found


def _sheet(book: CalamineWorkbook, name: str | None) -> str:
    """The named sheet, else the first with cells that people see."""
    shown = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    if name is None:
        if not shown:
            raise UnreadableFileError("a workbook without a sheet. Export it again")
        return shown[0]
    if name not in book.sheet_names:
        example = f'sheet = "{shown[0]}"' if shown else None
        raise UnreadableFileError(
            f"it has no sheet “{name}”. Its sheets are: {', '.join(book.sheet_names)}", example
        )
    return name


def text(cell: Cell) -> str:
    """A cell as text: what people see of it, dates as ISO dates, on one line."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime():
            return cell.isoformat(sep=" ", timespec="seconds").removesuffix(" 00:00:00")
        case date() | time():
            return cell.isoformat()
        case str():
            return " ".join(cell.splitlines())
        case _:
            return str(cell)
