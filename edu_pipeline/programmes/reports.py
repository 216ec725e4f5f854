"""The completion report of a programme: who completed, who is new, what is doubtful; and its files.

The names of its first columns are those of the notebooks' report, so that what people built on it goes on
working; who completed the programme, and each course's certificate, stand behind them. What is in them
is decided in `facts.run_results`, `facts.completion_doubts` and `completion`.
"""

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.utility import (  # type: ignore[import-untyped]
    xl_col_to_name,
    xl_rowcol_to_cell,
)

from edu_pipeline.facts.files import write_csv
from edu_pipeline.facts.run_results import OF_A_COURSE
from edu_pipeline.ground.files import replaced, write_whole

MOST_ROWS = 1_048_575
"""Below a heading in a sheet of Excel."""
_WIDEST, _NARROWEST, _ROOM = 40, 8, 2
_AT_ONCE = 2_000
_PACKED = 3
"""In a third of the time that zlib's own level takes, and a fifth larger."""
_LONGEST = 32_767
"""Characters in a cell of Excel."""
_NOT_IN_XML = (*range(9), 11, 12, *range(13, 32), 0xFFFE, 0xFFFF)
_ESCAPED = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    **{chr(code): f"_x{code:04X}_" for code in _NOT_IN_XML},
}
"""Characters that cells of a workbook write in another way; a carriage return would become a line feed."""


class TooManyRowsError(Exception):
    """A table that no sheet of Excel holds; the message says what to open instead."""


def completion_report(rows: pl.DataFrame, courses: Sequence[str]) -> pl.DataFrame:
    """The report: one row per learner.

    Args:
        rows: `facts.run_results.report_rows`.
        courses: The programme's courses, as for `rows`.

    Returns:
        `student_id`, `username`, `email`, `name`; of every course `<course>_enrollment_track` and
        `<course>_passed` (`Y`, `N`, empty where the learner was never enrolled), those of the run
        that counts and of any run; `no_certificate_eligible`, `no_audited_passed`, `country`;
        `core_complete` and `complete` (`Y`, `N`), `completed_on`; of every course again
        `<course>_certificate` (`Y`, `N`), `<course>_grade` and `<course>_run` (of the run that
        counts), `<course>_best_grade` and `<course>_attempts`. In the order of `rows`.
    """
    told = pl.col("^(passed_.*|certificate_.*|core_complete|complete)$")
    words = told.replace_strict({True: "Y", False: "N"}, return_dtype=pl.String)
    called = {"track": "enrollment_track", "passed": "passed", **{n: n for n in OF_A_COURSE}}
    return rows.with_columns(words, pl.col("completed_on").cast(pl.String)).rename(
        {
            f"{ours}_{n}": f"{course}_{theirs}"
            for n, course in enumerate(courses)
            for ours, theirs in called.items()
        }
    )


def new_completers(report: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """Who is complete and was not by the exports before.

    Args:
        report: By `completion_report`.
        moved: `facts.newcomers.newcomers`.

    Returns:
        `student_id`, `username`, `email`, `name`, `country`, `new` (`core`, `programme`, or both),
        `completed_on`. In the order of the report.
    """
    what = (
        moved.filter("new")
        .group_by("learner_id")
        .agg(new=pl.col("milestone").sort().str.join(", "))
    )
    return report.join(
        what, left_on="student_id", right_on="learner_id", maintain_order="left"
    ).select("student_id", "username", "email", "name", "country", "new", "completed_on")


def write_report(
    sheets: Mapping[str, pl.DataFrame], folder: Path, programme: str, held: str | None
) -> Sequence[str]:
    """Write a programme's report, each sheet as CSV and all in a workbook; what a person should know.

    Args:
        sheets: Name → table, of which the first is called `completion`.
        folder: Of all reports.
        programme: Its id.
        held: Why it should not be passed on yet, if so: that stands in a file beside it.
    """
    for name, table in sheets.items():
        write_csv(table, folder / f"{programme}_{name}.csv")
    workbook = folder / f"{programme}_completion.xlsx"
    note = folder / f"{programme}_completion_HELD.txt"
    if held:
        write_whole(note, f"{workbook.stem} waits for a person. {held}\n".encode())
    else:
        note.unlink(missing_ok=True)
    try:
        write_xlsx(sheets, workbook)
    except TooManyRowsError as error:
        workbook.unlink(missing_ok=True)
        return [str(error)]
    return []


def write_xlsx(sheets: Mapping[str, pl.DataFrame], path: Path) -> None:
    """Write a workbook, whole or not at all, in memory that does not grow with it.

    Text is written as text, so that it is as it came and no formula. The library writes headings and
    everything around them; a call of it for each cell would take longer than all else of a refresh, so
    polars writes the rows below.

    Raises:
        TooManyRowsError: Excel has no room for it.
    """
    for table in sheets.values():
        if table.height > MOST_ROWS:
            raise TooManyRowsError(
                f"{path.name} would have {table.height:,} rows and Excel opens {MOST_ROWS:,} at most. "
                f"Open {path.with_suffix('.csv').name} in another program."
            )
    tables = {
        f"xl/worksheets/sheet{n}.xml": table for n, table in enumerate(sheets.values(), start=1)
    }
    with (
        replaced(path) as draft,
        ZipFile(_headings(sheets)) as headings,
        ZipFile(draft, "w", ZIP_DEFLATED, compresslevel=_PACKED) as whole,
    ):
        for part in headings.infolist():
            content = headings.read(part)
            if part.filename not in tables:
                whole.writestr(part, content)
                continue
            table = tables[part.filename]
            above, end, below = content.partition(b"</sheetData>")
            corner = xl_rowcol_to_cell(table.height, table.width - 1)
            with whole.open(part.filename, "w") as to:
                to.write(re.sub(rb'(<dimension ref=")[^"]*', rf"\1A1:{corner}".encode(), above))
                for place in range(0, table.height, _AT_ONCE):
                    to.write(_rows(table.slice(place, _AT_ONCE), place + 2).encode())
                to.write(end + below)


def _headings(sheets: Mapping[str, pl.DataFrame]) -> BytesIO:
    """The workbook without its rows."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        bold = book.add_format({"bold": True})
        for name, table in sheets.items():
            sheet = book.add_worksheet(name[:31])
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, table.height, table.width - 1)
            for number, (heading, width) in enumerate(_widths(table).items()):
                sheet.set_column(number, number, width)
                sheet.write_string(0, number, heading, bold)
    return file


def _rows(table: pl.DataFrame, first: int) -> str:
    """Rows as SpreadsheetML, the first of them in the line `first`."""
    line = pl.int_range(first, first + pl.len()).cast(pl.String)
    cells = []
    for number, (name, dtype) in enumerate(table.schema.items()):
        at = pl.concat_str(pl.lit(f'<c r="{xl_col_to_name(number)}'), line)
        if dtype.is_numeric():
            cell = pl.format('{}"><v>{}</v></c>', at, pl.col(name))
        else:
            text = pl.col(name).cast(pl.String).str.head(_LONGEST)
            text = text.str.replace_all("_x([0-9A-Fa-f]{4}_)", "_x005F_x$1")
            text = text.str.replace_many(list(_ESCAPED), list(_ESCAPED.values()))
            cell = pl.format(
                '{}" t="inlineStr"><is><t xml:space="preserve">{}</t></is></c>', at, text
            )
        cells.append(cell.fill_null(""))
    row = pl.format(f'<row r="{{}}">{"{}" * len(cells)}</row>', line, *cells)
    return "".join(table.select(row).to_series().to_list())


def _widths(table: pl.DataFrame) -> dict[str, int]:
    """Column → characters that most of its cells need."""
    found = {}
    for name in table.columns:
        longest = table[name].cast(pl.String).str.len_chars().max()
        needed = max(len(name), longest if isinstance(longest, int) else 0) + _ROOM
        found[name] = min(max(needed, _NARROWEST), _WIDEST)
    return found
