"""A university's home: no school, a programme's exports, a refresh."""

from datetime import date

import dagster as dg
import polars as pl
import pytest

from edu_pipeline.sample.programme import ProgrammeSample, make_programme
from edu_pipeline.settings import Home
from edu_pipeline.warehouse import open_warehouse, read_table
from edu_pipeline_tests.conftest import make_home, run_job

Refreshed = tuple[Home, ProgrammeSample, dg.ExecuteInProcessResult]


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    sample = make_programme(date(2027, 3, 1), learners=20)
    home = make_home(tmp_path_factory.mktemp("university"), {}, sample.settings)
    files = {
        **sample.files,
        "micromasters/lead/notes.txt": b"remember",
        "micromasters/lead/Lumen_2_LEAD-1x_1T2020_grade_report_2020-08-01-0900.csv": (
            b"Student ID,Email,Username,Grade\n7,o@x.example,o,0.5\n8,p@x.example,p,fine\n"
        ),
    }
    for path, content in files.items():
        target = home.data / "landing" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return home, sample, run_job(home, "refresh")


def table(refreshed: Refreshed, name: str) -> pl.DataFrame:
    with open_warehouse(refreshed[0].warehouse) as con:
        return read_table(con, name)


def test_a_refresh_fills_the_tables_of_the_programmes(refreshed: Refreshed) -> None:
    _, sample, result = refreshed
    assert result.success
    assert table(refreshed, "stg_run_results").height == sample.results.height + 1
    assert table(refreshed, "stg_learners").height == sample.learners.height + 1
    assert table(refreshed, "edx_exports").filter("current")["rows"].sum() > 0
    listed = table(refreshed, "course_runs").group_by("listed").len().sort("listed").rows()
    assert listed == [(False, 21), (True, 5)]


def test_a_rejected_row_is_kept_with_its_place_and_its_cells(refreshed: Refreshed) -> None:
    (row,) = table(refreshed, "rejected_rows").rows(named=True)
    assert (row["table"], row["line"], row["rule"], row["value"]) == (
        "grade_reports",
        3,
        "unparseable_grade",
        "fine",
    )
    assert '"username":"p"' in row["row"]


def test_problems_of_programmes_fail_their_checks_and_hold_no_school_mail(
    refreshed: Refreshed,
) -> None:
    failed = {
        check.check_name
        for check in refreshed[2].get_asset_check_evaluations()
        if check.asset_key.path == ["programme_problems"] and not check.passed
    }
    assert failed == {"edx_files_are_read", "edx_rows_fit"}
    # nor does anybody miss the exports of a school that there is not
    assert table(refreshed, "landing_problems").is_empty()


def test_exports_of_programmes_are_not_taken_for_those_of_a_school(refreshed: Refreshed) -> None:
    assert table(refreshed, "landing_files").is_empty()
