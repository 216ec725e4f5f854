"""What is made up comes with its settings, and goes with them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edu_pipeline.cli import app
from edu_pipeline.commands.console import UserError
from edu_pipeline.landing.sources.edx.exports import programme_files
from edu_pipeline.landing.zone import Zone
from edu_pipeline.sample.landing import SampleError
from edu_pipeline.settings.home import Home, Settings, load_settings, own_settings
from edu_pipeline_tests.conftest import make_home

BLOCK = '[[programmes]]\nid = "lead"\n'


def sample(home: Home, *options: str) -> Result:
    result = CliRunner().invoke(app, ["--home", str(home.root), "sample", *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_sample_school_brings_what_its_codes_mean_and_takes_it_away_again(tmp_path: Path) -> None:
    home = make_home(
        tmp_path, {}, '[school]\nname = ""  # blank\n[attendance.codes]\nP = "absent"\n'
    )
    before = home.config.read_bytes()
    told = " ".join(sample(home, "--students", "12").output.split())
    assert "What pipeline.toml says itself wins: attendance.codes.P." in told
    settings = load_settings(home)
    assert settings.called == "Riverside School"
    assert settings.attendance.codes == {
        "P": "absent",
        "T": "tardy",
        "A": "unexcused",
        "E": "excused",
        "H": "half_day",
    }
    sample(home, "--clear")
    assert home.config.read_bytes() == before
    assert load_settings(home) == own_settings(home)
    assert not home.brought.exists()


def test_what_a_sample_brought_acts_only_while_the_sample_lies_there(tmp_path: Path) -> None:
    home = make_home(tmp_path, {}, "")
    sample(home, "--students", "12")
    (home.data / "landing" / "SAMPLE.json").unlink()
    assert load_settings(home) == Settings()


def test_the_sample_of_a_programme_can_be_read_with_its_settings_and_goes_as_it_came(
    tmp_path: Path,
) -> None:
    home = make_home(tmp_path, {}, "[letters]\n")
    told = sample(home, "--programme", "--through", "2026-11-20").output
    assert str(home.brought / "programme.toml") in told.replace("\n", "")
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
