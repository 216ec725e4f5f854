"""Exports of results written down in tests, and what is read from them."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO

import polars as pl
import pytest
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from edu_pipeline.landing.sources.results.result_reading import Landed, read_cohort
from edu_pipeline.settings.attainment import Attainment

Read = Callable[..., Landed]
Sheets = Mapping[str, Sequence[Sequence[object]]]


@pytest.fixture
def read() -> Read:
    def read(
        files: Mapping[str, str | bytes],
        settings: Mapping[str, object] | None = None,
        **options: object,
    ) -> Landed:
        contents = {
            path: text.encode() if isinstance(text, str) else text for path, text in files.items()
        }
        return read_cohort(contents, Attainment.model_validate(settings or {}), **options)  # type: ignore[arg-type]

    return read


def workbook(sheets: Sheets, hidden: Sequence[str] = ()) -> bytes:
    """An Excel file."""
    content = BytesIO()
    with Workbook(content, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
            if name in hidden:
                sheet.hide()
    return content.getvalue()


def results(landed: Landed, *columns: str) -> list[tuple[object, ...]]:
    """Results as rows: student, subject, series and points, or these columns."""
    return landed.results.select(columns or ("student_id", "subject", "series", "points")).rows()


def problems(landed: Landed, kind: str) -> pl.DataFrame:
    """What is said of a kind."""
    return landed.notes.filter(pl.col("kind") == kind)


def held(landed: Landed) -> list[tuple[object, ...]]:
    """Cohort and subject of what waits; no subject: all of the cohort."""
    return (
        landed.notes.filter(holds="page")
        .select("cohort", "subject")
        .unique()
        .sort("subject")
        .rows()
    )


def kinds(landed: Landed) -> set[str]:
    """Kinds of what is said."""
    return set(landed.notes["kind"])


def rejected(landed: Landed) -> list[tuple[object, ...]]:
    """Line, rule and text of every rejected row."""
    return landed.rejected.select("line", "rule", "value").rows()
