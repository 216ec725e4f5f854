"""A made-up programme comes with its settings, and goes with them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edu_pipeline.cli import app
from edu_pipeline.commands.console import UserError
from edu_pipeline.landing.sources.edx.exports import programme_files
from edu_pipeline.landing.zone import Zone
from edu_pipeline.sample.block import with_programme, without_programme
from edu_pipeline.sample.landing import SampleError
from edu_pipeline.settings.home import Home, load_settings
from edu_pipeline_tests.conftest import make_home

OWN = '[school]\nname = "Ünï"  # a comment\r\n'
BLOCK = '[[programmes]]\nid = "lead"\n'


def sample(home: Home, *options: str) -> Result:
    result = CliRunner().invoke(app, ["--home", str(home.root), "sample", *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_programme_is_put_at_the_end_of_the_settings_once_and_taken_out_again() -> None:
    with_it = with_programme(OWN, BLOCK)
    assert with_it.startswith(OWN)
    assert BLOCK in with_it
    assert with_programme(with_it, BLOCK) == with_it
    assert without_programme(with_it) == OWN
    assert without_programme(OWN) == OWN
    assert without_programme(with_it.replace("\n", "\r\n")) == OWN.replace("\n", "\r\n")


def test_the_sample_of_a_programme_can_be_read_with_its_settings_and_goes_as_it_came(
    tmp_path: Path,
) -> None:
    home = make_home(tmp_path, {}, "[letters]\n")
    told = sample(home, "--programme", "--through", "2026-11-20").output
    assert str(home.config) in told.replace("\n", "")
    (programme,) = load_settings(home).programmes
    found, strays = programme_files(Zone((home.data / "landing").as_uri()).list(), [programme])
    assert len(found["lead"]) > 50
    assert strays == []
    sample(home, "--programme")
    assert len(load_settings(home).programmes) == 1
    sample(home, "--clear")
    assert home.config.read_text(encoding="utf-8") == "[letters]\n"
    assert not any(path.is_file() for path in (home.data / "landing").rglob("*"))


def test_a_programme_of_the_same_id_stays_as_it_is(tmp_path: Path) -> None:
    own = BLOCK + ('title = "Mine"\ncourses = [{ id = "a", title = "UQx_A", pass_mark = 0.5 }]\n')
    home = make_home(tmp_path, {}, own)
    with pytest.raises(UserError, match="nothing was changed"):
        sample(home, "--programme")
    assert home.config.read_text(encoding="utf-8") == own
    assert not (home.data / "landing" / "SAMPLE.json").exists()


def test_beside_real_exports_nothing_is_made_up(tmp_path: Path) -> None:
    home = make_home(tmp_path, {"students.csv": "student_id\n1\n"}, "[letters]\n")
    with pytest.raises(SampleError, match="must not mix"):
        sample(home, "--programme")
    assert home.config.read_text(encoding="utf-8") == "[letters]\n"


def test_the_sample_of_cohorts_is_the_last_one_and_the_running_one_and_goes_as_it_came(
    tmp_path: Path,
) -> None:
    home = make_home(tmp_path, {}, "")
    told = sample(home, "--cohort", "--through", "2026-11-20").output
    assert "exam results of 360 students" in told
    landing = home.data / "landing"
    assert sorted(path.relative_to(landing).as_posix() for path in landing.rglob("*.csv")) == [
        "attainment/2026/results.csv",
        "attainment/2026/yellis_baseline.csv",
        "attainment/2027/results.csv",
        "attainment/2027/yellis_baseline.csv",
    ]
    assert "5 files" in sample(home, "--clear").output
    assert not [path for path in landing.rglob("*") if path.is_file()]
