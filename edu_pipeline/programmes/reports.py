"""The completion report of a programme: who completed, who is new, what is doubtful; and its files.

The names of its first columns are those of the notebooks' report, so that what people built on it goes on
working; who completed the programme, and each course's certificate, stand behind them. What is in them
is decided in `facts.run_results`, `facts.completion_doubts` and `completion`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]

from edu_pipeline.facts.files import write_csv
from edu_pipeline.facts.run_results import OF_A_COURSE
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

    Text is written as text, so that it is as it came and no formula.

    Raises:
        TooManyRowsError: Excel has no room for it.
    """
    for table in sheets.values():
        if table.height > MOST_ROWS:
            raise TooManyRowsError(
                f"{path.name} would have {table.height:,} rows and Excel opens {MOST_ROWS:,} at most. "
                f"Open {path.with_suffix('.csv').name} in another program."
            )
    with (
        replaced(path) as draft,
        xlsxwriter.Workbook(draft, {"constant_memory": True, "tmpdir": draft.parent}) as book,
    ):
        bold = book.add_format({"bold": True})
        for name, table in sheets.items():
            _write_sheet(book.add_worksheet(name[:31]), table, bold)


def _write_sheet(sheet: Any, table: pl.DataFrame, bold: object) -> None:  # noqa: ANN401 - untyped
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, table.height, table.width - 1)
    for number, (name, width) in enumerate(_widths(table).items()):
        sheet.set_column(number, number, width)
        sheet.write_string(0, number, name, bold)
    writers = [
        sheet.write_number if dtype.is_numeric() else sheet.write_string for dtype in table.dtypes
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
