"""The invented programme: what staging finds in its files is what they were made from."""

import tomllib
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from edu_pipeline.sample.programme import PASS_MARK, ProgrammeSample, make_programme
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.landing.edx.conftest import Land, Landed

THROUGH = date(2027, 3, 1)


@pytest.fixture(scope="module")
def sample() -> ProgrammeSample:
    return make_programme(THROUGH, learners=250)


@pytest.fixture
def landed(sample: ProgrammeSample, land_files: Land) -> Landed:
    return land_files(sample.files, sample.settings)


def test_what_lands_of_the_sample_is_its_truth(sample: ProgrammeSample, landed: Landed) -> None:
    key = ["run", "learner_id"]
    assert sample.results.height > 900
    assert_frame_equal(
        landed.results.drop("file", "line", "paid", "certificate_paid", "missing").sort(key),
        sample.results.sort(key),
    )
    assert_frame_equal(landed.learners, sample.learners.sort("learner_id"))
    assert landed.rejected() == []
    assert landed.problems["message"].to_list() == []
    assert landed.exports.filter("current").height >= 50


def test_the_sample_has_the_traps_that_it_is_for(sample: ProgrammeSample) -> None:
    names = " ".join(sample.files)
    assert "%2B" in names
    assert "course-v1_" in names
    assert "_grade_report_err_" in names
    assert any(content.startswith(b"\xef\xbb\xbf") for content in sample.files.values())
    assert sample.results["has_error"].any()
    assert not sample.results["enrolled"].all()
    assert sample.learners["learner_id"].str.starts_with("u:").any()
    assert sample.learners["email"].str.contains(".new@").any()


def test_the_same_seed_makes_the_same_files() -> None:
    one, two, other = (make_programme(THROUGH, learners=20, seed=seed) for seed in (1, 1, 2))
    assert one.files == two.files
    assert one.files != other.files


def test_on_the_day_there_are_reasons_to_write_to_somebody(sample: ProgrammeSample) -> None:
    (programme,) = Settings.model_validate(tomllib.loads(sample.settings)).programmes
    going = {
        programme.run_key(run)
        for run in programme.runs
        if run.starts and run.upgrade_deadline and run.enrolment_closes
        if run.starts <= THROUGH < min(run.upgrade_deadline, run.enrolment_closes)
    }
    assert len(going) == len(programme.courses)
    free = sample.results.filter(pl.col("run").is_in(going), track="audit")
    assert free.filter(pl.col("grade") >= PASS_MARK).height > 0
    certified = sample.results.filter("certificate_delivered")["learner_id"]
    assert 0 < certified.n_unique() < sample.learners.height
    assert certified.len() > 2 * certified.n_unique()  # many work through it
