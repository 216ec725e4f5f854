"""Exam results in a home: a refresh, its checks, and what is kept out of logs and tables."""

import json
from datetime import date
from hashlib import sha256
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from edu_pipeline.ground.warehouse import open_warehouse, read_table
from edu_pipeline.landing.report import landed
from edu_pipeline.landing.sources.results.result_reading import read_cohort
from edu_pipeline.landing.sources.results.result_zone import seen_in_results
from edu_pipeline.landing.tombstones import forgotten_students
from edu_pipeline.landing.zone import Zone, invented_with_real
from edu_pipeline.sample.cohort import make_cohort, make_cohorts
from edu_pipeline.settings.attainment import Attainment
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline_tests.conftest import make_home, run_job
from edu_pipeline_tests.landing.results.conftest import Read, results

FILES = {
    "2026/results.csv": (
        "Student,Gender,Subject,Exam_Series,Score\n"
        "Ada Moss,F,Maths,MOCK 1,4\nAda Moss,F,Maths,GCSE,5\nBo Li,M,Maths,GCSE,5?\n"
        "Bo Li,M,Maths,MOCK 1,3\nBo Li,M,Maths,MOCK 1,4\n"
    ),
    "2026/yellis.csv": "Name,Maths\nMOSS Ada,5.5\nAda Moss,5.5\n",
}


def land(home: Home) -> None:
    for path, text in FILES.items():
        target = home.data / "landing" / "attainment" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


Refreshed = tuple[Home, dg.ExecuteInProcessResult]


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    home = make_home(tmp_path_factory.mktemp("results"), {}, "")
    land(home)
    return home, run_job(home, "refresh")


def table(refreshed: Refreshed, name: str) -> pl.DataFrame:
    with open_warehouse(refreshed[0].warehouse) as con:
        return read_table(con, name)


def test_results_land_without_a_word_of_configuration(refreshed: Refreshed) -> None:
    assert refreshed[1].success
    found = table(refreshed, "stg_results").select("cohort", "student_id", "series", "points")
    assert found.rows() == [
        ("2026", "ada moss", "BASELINE", 5.5),
        ("2026", "ada moss", "GCSE", 5.0),
        ("2026", "ada moss", "MOCK 1", 4.0),
    ]
    assert table(refreshed, "attainment_files").height == 2
    # nobody misses the exports of a school that there is not
    assert set(table(refreshed, "landing_problems")["source"]) == {"results"}
    assert set(table(refreshed, "landing_files")["source"]) == {"results"}


def test_rejected_results_stand_among_all_rejected_rows(refreshed: Refreshed) -> None:
    rows = table(refreshed, "rejected_rows").sort("file", "line")
    assert rows.select("table", "line", "rule").rows() == [
        ("results", 4, "unknown_grade"),
        ("results", 5, "different_results_for_one_series"),
        ("results", 6, "different_results_for_one_series"),
        ("results", 2, "unmatched_baseline"),
    ]
    assert json.loads(rows["row"][0])["Score"] == "5?"


def test_problems_fail_checks_that_name_nobody(refreshed: Refreshed) -> None:
    checks = [
        check
        for check in refreshed[1].get_asset_check_evaluations()
        if check.asset_key.path == ["landing_problems"]
    ]
    assert {check.check_name for check in checks if not check.passed} == {
        "grades_are_known",
        "results_stand_once",
        "students_have_ids",
        "baselines_are_matched",
    }
    said = " ".join(
        f"{check.description} {check.metadata}"
        for check in refreshed[1].get_asset_check_evaluations()
    )
    metadata = [
        event.event_specific_data for event in refreshed[1].get_asset_materialization_events()
    ]
    for name in ("Ada", "Moss", "MOSS", "Bo Li"):
        assert name not in said
        assert name not in str(metadata)


def test_nothing_of_a_forgotten_student_comes_in_by_id_or_by_name(read: Read) -> None:
    files = {
        "2026/r.csv": "UPN,Name,Subject,Series,Grade\nA1,Ada Moss,Maths,GCSE,5?\nA2,Bo Li,Maths,GCSE,4\n",
        "2026/yellis.csv": "Name,Maths\nAda Moss,5.5\nBo Li,4.5\n",
        "2025/r.csv": ("Name,Subject,Series,Grade\nCy Day,Maths,GCSE,5\nCy Day,Maths,MOCK 1,5,5\n"),
        "2025/fft.csv": "Name,Maths\nCy Old,4\n",
    }
    landed = read(files, forgotten=lambda student: student in {"A1", "cy day", "cy old"})
    assert results(landed) == [("A2", "Maths", "BASELINE", 4.5), ("A2", "Maths", "GCSE", 4.0)]
    for frame in (landed.students, landed.groups, landed.notes, landed.rejected, landed.results):
        assert "Ada" not in str(frame.rows())
        assert "Cy" not in str(frame.rows())


def test_a_forgotten_students_baseline_stays_out_under_another_id(read: Read) -> None:
    files = {
        "2026/r.csv": "UPN,Name,Maths GCSE\nA1,Ada Moss,5\nA2,Bo Li,4\n",
        "2026/yellis.csv": "UPN,Name,Maths\nB9,Ada Moss,5.5\nA2,Bo Li,4.5\n",
    }
    landed = read(files, forgotten=lambda student: student == "A1")
    for frame in (landed.students, landed.notes, landed.rejected, landed.seen):
        assert "Ada" not in str(frame.rows())


def test_tombstones_are_salted_hashes_of_a_student() -> None:
    digest = sha256(b"s:student:A1").hexdigest()
    forgotten = forgotten_students(pl.DataFrame({"hash": [digest], "salt": ["s"]}))
    assert forgotten("A1")
    assert not forgotten("A2")
    nobody = forgotten_students(pl.DataFrame(schema={"hash": pl.String, "salt": pl.String}))
    assert not nobody("A1")


def test_a_student_is_seen_in_every_file_old_versions_included(tmp_path: Path) -> None:
    home = make_home(tmp_path, {}, "")
    folder = home.data / "landing" / "attainment" / "2026"
    folder.mkdir(parents=True)
    for name in ("results_2026-08-20.csv", "results_2026-09-20.csv"):
        (folder / name).write_text("Name,Subject,Series,Grade\nZoë O'Brien,Maths,GCSE,5\n")
    zone = Zone(home.landing_url(Settings()))
    seen = seen_in_results(zone, Attainment(), "zoe o’brien")
    assert seen.students == {("zoe o brien", "Zoë O'Brien")}
    assert {path for _, path in seen.files} == {
        "attainment/2026/results_2026-08-20.csv",
        "attainment/2026/results_2026-09-20.csv",
    }
    assert not seen.unread


def test_a_real_cohort_may_lie_beside_an_invented_school_but_not_an_invented_cohort() -> None:
    school = json.dumps({"files": ["school/students.csv"]})
    assert invented_with_real(["school/students.csv", "attainment/2026/r.csv"], school) is None
    assert invented_with_real(["loose.csv"], school) is not None
    cohort = json.dumps({"files": ["attainment/2026/results.csv"]})
    assert invented_with_real(["attainment/r.csv"], cohort) is not None
    assert invented_with_real(["school/students.csv"], cohort) is None


@pytest.mark.parametrize("series", [("MOCK 1", "MOCK 2", "GCSE"), ("MOCK 1",)])
def test_of_a_made_up_cohort_exactly_the_truth_is_found(series: tuple[str, ...]) -> None:
    sample = make_cohort(2026, students=60, series=series)
    files = {path.removeprefix("attainment/"): content for path, content in sample.files.items()}
    landed = read_cohort(files, Attainment())
    columns = list(sample.results.columns)
    assert landed.results.select(columns).sort(columns).equals(sample.results.sort(columns))
    assert landed.students.height == sample.students
    said = dict(landed.notes.select("kind", "number").rows())
    assert said["unmatched_baseline"] == sample.unmatched
    assert said["duplicate_result"] == 2
    assert said["unknown_grade"] == 2
    assert set(said) == {"unmatched_baseline", "duplicate_result", "unknown_grade", "not_read"}


def test_the_made_up_cohorts_are_the_last_one_and_the_running_one() -> None:
    autumn = make_cohorts(through=date(2026, 11, 20))
    assert [sample.results["cohort"][0] for sample in autumn] == ["2026", "2027"]
    assert set(autumn[1].results["series"]) == {"MOCK 1", "BASELINE"}
    spring = make_cohorts(through=date(2026, 3, 1))
    assert [sample.results["cohort"][0] for sample in spring] == ["2025", "2026"]
    assert make_cohort(2026).files == make_cohort(2026).files


def test_a_run_says_what_landed_and_what_is_wrong(refreshed: Refreshed) -> None:
    with open_warehouse(refreshed[0].warehouse) as con:
        (export,) = landed(con)
        messages = read_table(con, "landing_problems")["message"].to_list()
    assert (export.table, export.received) == ("exam results", 7)
    assert export.fates == "3 counted, 4 rejected"
    assert len(messages) == 4
    assert not any("Ada" in message for message in messages)
