"""The completion report of a programme, as its team knows it, and its files.

The names of its columns are those of the notebooks' report, so that what people built on it goes on
working; who completed the programme stands behind them. What is in them is decided in
`facts.run_results` and `completion`.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]

from edu_pipeline.facts.files import write_csv
from edu_pipeline.ground.files import replaced, write_whole

MOST_ROWS = 1_048_575
"""Below a heading in a sheet of Excel."""
_WIDEST, _NARROWEST, _ROOM = 40, 8, 2


class TooManyRowsError(Exception):
    """A table that no sheet of Excel holds; the message says what to open instead."""


def completion_report(rows: pl.DataFrame, courses: Sequence[str]) -> pl.DataFrame:
    """The report: one row per learner.

    Args:
        rows: `facts.run_results.report_rows`.
        courses: The programme's courses, as for `rows`.

    Returns:
        `student_id`, `username`, `email`, `name`; of every course `<course>_enrollment_track` and
        `<course>_passed` (`Y`, `N`, empty where the learner was never enrolled), those of the best
        run; `no_certificate_eligible`, `no_audited_passed`, `country`; `core_complete` and
        `complete` (`Y`, `N`), `completed_on`. In the order of `rows`.
    """
    told = pl.col("^(passed_.*|core_complete|complete)$")
    words = told.replace_strict({True: "Y", False: "N"}, return_dtype=pl.String)
    return rows.with_columns(words, pl.col("completed_on").cast(pl.String)).rename(
        {f"track_{n}": f"{course}_enrollment_track" for n, course in enumerate(courses)}
        | {f"passed_{n}": f"{course}_passed" for n, course in enumerate(courses)}
    )


def write_report(
    report: pl.DataFrame, folder: Path, programme: str, held: str | None
) -> Sequence[str]:
    """Write a programme's report as CSV and as a workbook; what a person should know of it.

    Args:
        report: By `completion_report`.
        folder: Of all reports.
        programme: Its id.
        held: Why it should not be passed on yet, if so: that stands in a file beside it.
    """
    path = folder / f"{programme}_completion.csv"
    write_csv(report, path)
    note = path.with_name(f"{programme}_completion_HELD.txt")
    if held:
        write_whole(note, f"{path.name} waits for a person. {held}\n".encode())
    else:
        note.unlink(missing_ok=True)
    workbook = path.with_suffix(".xlsx")
    try:
        write_xlsx(report, workbook)
    except TooManyRowsError as error:
        workbook.unlink(missing_ok=True)
        return [str(error)]
    return []


def write_xlsx(table: pl.DataFrame, path: Path) -> None:
    """Write a workbook of one sheet, whole or not at all, in memory that does not grow with it.

    Text is written as text, so that it is as it came and no formula.

    Raises:
        TooManyRowsError: Excel has no room for it.
    """
    if table.height > MOST_ROWS:
        raise TooManyRowsError(
            f"{path.name} would have {table.height:,} rows and Excel opens {MOST_ROWS:,} at most. "
            f"Open {path.with_suffix('.csv').name} in another program."
        )
    with (
        replaced(path) as draft,
        xlsxwriter.Workbook(draft, {"constant_memory": True, "tmpdir": draft.parent}) as book,
    ):
        sheet = book.add_worksheet(path.stem[:31])
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, table.height, table.width - 1)
        bold = book.add_format({"bold": True})
        for number, (name, width) in enumerate(_widths(table).items()):
            sheet.set_column(number, number, width)
            sheet.write_string(0, number, name, bold)
        writers = [
            sheet.write_number if dtype.is_numeric() else sheet.write_string
            for dtype in table.dtypes
        ]
        for line, cells in enumerate(table.iter_rows(), start=1):
            for number, (write, cell) in enumerate(zip(writers, cells, strict=True)):
                if cell is not None:
                    write(line, number, cell)


def _widths(table: pl.DataFrame) -> dict[str, int]:
    """Column → characters that most of its cells need."""
    found = {}
    for name in table.columns:
        longest = table[name].cast(pl.String).str.len_chars().max()
        needed = max(len(name), longest if isinstance(longest, int) else 0) + _ROOM
        found[name] = min(max(needed, _NARROWEST), _WIDEST)
    return found
