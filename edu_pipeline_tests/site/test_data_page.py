from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from edu_pipeline.ground.warehouse import open_warehouse, write_table
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingReport
from edu_pipeline.settings.home import Settings
from edu_pipeline.site.data_page import Landed, landed_in

AT = datetime(2026, 10, 2, 15, tzinfo=UTC)
FILES = {"path": pl.String, "source": pl.String, "table": pl.String, "current": pl.Boolean}
FATES = {
    "file": pl.String,
    "table": pl.String,
    "fate": pl.String,
    "rule": pl.String,
    "rows": pl.Int64,
}


def landed(
    tmp_path: Path,
    files: list[tuple[str, str | None, str, bool]],
    fates: list[tuple[str, str, str, str, int]],
) -> Landed:
    with (
        Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger,
        open_warehouse(tmp_path / "warehouse.duckdb") as con,
    ):
        of_files = pl.DataFrame(files, schema=FILES, orient="row").with_columns(
            format=pl.lit(""),
            landed_at=pl.lit(AT.replace(tzinfo=None)),
            listed_at=pl.lit(AT.replace(tzinfo=None)),
            error=pl.lit(None, pl.String),
        )
        write_table(con, "landing_files", of_files)
        write_table(con, "landing_fates", pl.DataFrame(fates, schema=FATES, orient="row"))
        return landed_in(con, ledger, Settings())


def test_a_file_has_its_rows_whatever_their_table_is_called(tmp_path: Path) -> None:
    found = landed(
        tmp_path,
        [("a_grades.csv", "edx", "grades", True), ("older.csv", "edx", "grades", False)],
        [("a_grades.csv", "grade_reports", "counted", "", 268)],
    )
    told = {file.path: file.fates for source in found.sources for file in source.files}
    assert told == {"a_grades.csv": "268 counted", "older.csv": "A newer version counts."}


def test_the_sheets_of_a_workbook_have_each_its_own_rows(tmp_path: Path) -> None:
    found = landed(
        tmp_path,
        [("all.xlsx", "school", "classes", True), ("all.xlsx", "school", "staff", True)],
        [("all.xlsx", "classes", "counted", "", 7), ("all.xlsx", "staff", "counted", "", 5)],
    )
    assert [file.fates for file in found.sources[0].files] == ["7 counted", "5 counted"]


def test_what_came_along_is_told_from_what_is_taken_for_nothing(tmp_path: Path) -> None:
    found = landed(
        tmp_path, [("problem_grades.csv", "edx", "", True), ("notes.csv", None, "", True)], []
    )
    assert (found.unknown, found.not_needed) == (["notes.csv"], ["problem_grades.csv"])


def test_how_an_export_was_understood_is_told_line_by_line(tmp_path: Path) -> None:
    told = [
        ("staff: 5 rows", "columns", "email ← Mail", False),
        ("staff: 5 rows", "role", "?", True),
    ]
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        report = pl.DataFrame(told, schema=dtypes(LandingReport), orient="row")
        write_table(con, "landing_report", report)
    found = landed(tmp_path, [("staff.csv", "school", "staff", True)], [])
    assert found.understood == {
        "staff: 5 rows": [("columns", "email ← Mail", False), ("role", "?", True)]
    }
