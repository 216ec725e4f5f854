"""A university's home: no school, a programme's exports, a refresh."""

import html
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from edu_pipeline.ground.warehouse import open_warehouse, read_table
from edu_pipeline.landing.report import landed
from edu_pipeline.landing.sources.edx.edx_problems import without_programmes
from edu_pipeline.landing.sources.edx.exports import programme_files
from edu_pipeline.landing.zone import Zone
from edu_pipeline.sample.programme import ProgrammeSample, make_programme
from edu_pipeline.settings.home import Home
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
        "micromasters/Lumen_2-email_opt_in-edx-analytics.csv": (
            b"user_id,is_opted_in_for_email,preference_set_datetime\n"
            b"7,False,2020-08-01 09:00:00\n7,maybe,2020-08-02 09:00:00\n"
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
    assert listed == [(False, 6), (True, 20)]


def test_a_rejected_row_is_kept_with_its_place_and_its_cells(refreshed: Refreshed) -> None:
    grade, preference = table(refreshed, "rejected_rows").sort("table").rows(named=True)
    assert (grade["table"], grade["line"], grade["rule"], grade["value"]) == (
        "grade_reports",
        3,
        "unparseable_grade",
        "fine",
    )
    assert '"username":"p"' in grade["row"]
    assert (preference["table"], preference["rule"]) == ("opt_ins", "unparseable_opted_in")
    assert '"user_id":"7"' in preference["row"]


def test_a_refresh_knows_who_opted_out(refreshed: Refreshed) -> None:
    row = table(refreshed, "stg_opt_ins").select("programme_id", "learner_id", "opted_in").rows()
    assert row == [("lead", "7", False)]


def test_a_home_without_a_school_is_told_of_its_programmes_exports_only(
    refreshed: Refreshed,
) -> None:
    with open_warehouse(refreshed[0].warehouse) as con:
        exports = {export.table: export for export in landed(con)}
        notes = read_table(con, "landing_problems")["message"].to_list()
        counts = read_table(con, "raw_grade_reports").height - 1
    assert list(exports) == [
        "edX profiles",
        "edX grade reports",
        "edX opt ins",
    ]
    reports = exports["edX grade reports"]
    # older versions are read where nothing is known yet that the newest can be held against
    older = reports.received - counts - 1
    assert reports.because == f"newer file {older:,}, unparseable grade 1"
    assert reports.fates == (
        f"{counts:,} counted, {older:,} replaced by a later row or file, 1 rejected"
    )
    assert any("notes.txt is not read" in note for note in notes)


def test_exports_in_a_home_without_programmes_are_told_of_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "micromasters" / "buslead" / "UQx_B1x_1T2027_grade_report_2027-05-01-0930.csv"
    path.parent.mkdir(parents=True)
    path.write_text("id,grade\n", encoding="utf-8")
    zone = Zone(tmp_path.as_uri())
    _, strays = programme_files(zone.list(), ())
    (problem,) = without_programmes(strays).rows(named=True)
    assert 'Add [[programmes]] with id = "buslead" to pipeline.toml' in problem["message"]
    assert problem["holds"] is None


def test_there_is_a_page_that_names_no_learner(refreshed: Refreshed) -> None:
    home, sample, _ = refreshed
    page = (home.site / "programmes" / "lead" / "index.html").read_text(encoding="utf-8")
    assert "Leading Change" in page
    assert "notes.txt is not read" in page
    text = html.unescape(page)
    people = [sample.learners[column] for column in ("learner_id", "username", "email", "name")]
    assert [who for who in pl.concat(people).drop_nulls() if who in text] == []
    index = (home.site / "index.html").read_text(encoding="utf-8")
    assert 'href="programmes/lead/index.html"' in index
    assert 'href="mail/index.html"' in index


def test_problems_of_programmes_fail_their_checks_and_hold_no_school_mail(
    refreshed: Refreshed,
) -> None:
    failed = {
        check.check_name
        for check in refreshed[2].get_asset_check_evaluations()
        if check.asset_key.path == ["landing_problems"] and not check.passed
    }
    assert failed == {"edx_files_are_read", "edx_rows_fit"}
    # nor does anybody miss the exports of a school that there is not
    assert set(table(refreshed, "landing_problems").select("source", "holds").rows()) == {
        ("edx", None),
        ("edx", "nudges"),
    }


def test_exports_of_programmes_are_not_taken_for_those_of_a_school(refreshed: Refreshed) -> None:
    files = table(refreshed, "landing_files")
    assert set(files["source"]) == {"edx"}
    assert set(files["table"]) == {"", "profile", "grades", "opt_ins"}
