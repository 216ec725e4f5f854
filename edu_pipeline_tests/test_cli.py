import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from edu_pipeline.cli import init, main
from edu_pipeline.ground.shipped import PROJECT
from edu_pipeline.ground.warehouse import hold
from edu_pipeline.sample.landing import write_sample
from edu_pipeline.sample.school import make_school
from edu_pipeline.settings.home import Home, home_around
from edu_pipeline.wiring.runs import share_history
from edu_pipeline_tests.conftest import CODES, THROUGH


def cli(
    *arguments: str | Path, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, without this one's home."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("EDU_PIPELINE_HOME", "DAGSTER_HOME")
    }
    return subprocess.run(
        [sys.executable, "-m", "edu_pipeline.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=inherited | environment | {"COLUMNS": "200"},
        check=False,
        timeout=120,
    )


Here = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The command as it starts, in this process."""
    for name in ("EDU_PIPELINE_HOME", "DAGSTER_HOME"):  # a run sets them
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        line = ["edu-pipeline", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", line)
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return subprocess.CompletedProcess(line, left.value.code, said.out, said.err)

    return call


def new_home(root: Path, students: int = 0) -> Home:
    """A home as `init` makes it, with a sample school of that size."""
    init(root)
    home = Home(root)
    if students:
        write_sample(home.data / "landing", make_school(students=students, through=THROUGH))
    return home


def test_help_names_the_commands() -> None:
    shown = cli("--help").stdout
    for command in ("init", "sample", "run", "demo", "ui", "gate", "mail"):
        assert f" {command} " in shown


def test_a_home_is_the_one_that_one_is_in(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home(tmp_path / "school")
    monkeypatch.chdir(home.data / "landing")
    assert here("sample", "--students", "12").returncode == 0
    assert (home.data / "landing" / "school" / "students.csv").exists()
    # elsewhere nothing is taken for one
    (tmp_path / "pipeline.toml").write_text("", encoding="utf-8")
    assert home_around(tmp_path).root == PROJECT


def test_a_new_home_has_settings_and_a_place_for_exports(tmp_path: Path) -> None:
    done = cli("init", tmp_path / "school")
    assert done.returncode == 0
    assert (tmp_path / "school" / "pipeline.toml").is_file()
    assert (tmp_path / "school" / "dagster.yaml").is_file()
    assert (tmp_path / "school" / "data" / "landing" / "school").is_dir()


def test_a_home_is_never_made_twice(tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text("# mine\n", encoding="utf-8")
    done = cli("init", tmp_path)
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert (tmp_path / "pipeline.toml").read_text(encoding="utf-8") == "# mine\n"


def test_a_folder_without_settings_says_how_to_make_a_home(tmp_path: Path, here: Here) -> None:
    done = here("--home", tmp_path, "run")
    assert done.returncode == 1
    assert "edu-pipeline init" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_setting_is_named_with_its_place(tmp_path: Path, here: Here) -> None:
    (tmp_path / "pipeline.toml").write_text("[mail]\nsned = 'weekly'\n", encoding="utf-8")
    done = here("--home", tmp_path, "run")
    assert done.returncode == 1
    assert "mail.sned" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_week_that_is_none_is_refused_before_anything_runs(tmp_path: Path, here: Here) -> None:
    new_home(tmp_path)
    done = here("--home", tmp_path, "run", "--week", "2026-W60")
    assert done.returncode == 1
    assert "2026-W40" in done.stderr
    assert not (tmp_path / "data" / "warehouse.duckdb").exists()


def test_a_code_that_means_nothing_is_refused_in_one_line(tmp_path: Path, here: Here) -> None:
    config = '[attendance.codes]\nA = "unexcussed"\n'
    (tmp_path / "pipeline.toml").write_text(config, encoding="utf-8")
    done = here("--home", tmp_path, "run")
    assert done.stderr.count("attendance.codes.A: ") == 1
    assert "'unexcused'" in done.stderr
    assert "literal" not in done.stderr


def test_the_demo_runs_through_once_and_goes_as_it_came(tmp_path: Path, here: Here) -> None:
    new_home(tmp_path, students=6)
    first = cli("--home", tmp_path, "demo")
    assert first.returncode == 0, first.stderr
    assert "attendance" in first.stdout
    assert "2026-W20" in first.stdout
    files = sorted(
        (path, path.stat().st_mtime_ns) for path in (tmp_path / "data" / "outbox").rglob("*.eml")
    )
    second = here("--home", tmp_path, "demo")
    assert second.returncode == 0
    assert "were not sent again" in second.stdout
    assert files == sorted(
        (path, path.stat().st_mtime_ns) for path in (tmp_path / "data" / "outbox").rglob("*.eml")
    )
    assert (tmp_path / "data" / "site" / "mail" / "to" / "index.html").is_file()
    (tmp_path / "data" / "preview").mkdir()
    (tmp_path / "data" / "preview" / "t_0.html").touch()
    assert "Kept" not in here("--home", tmp_path, "sample", "--clear").stdout
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {"pipeline.toml", "dagster.yaml", "data/.lock"}


def test_the_docs_that_messages_name_are_there(here: Here) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (PROJECT / "edu_pipeline").rglob("*.py")]
    texts.append((PROJECT / "pipeline.toml").read_text(encoding="utf-8"))
    named = {page for text in texts for page in re.findall(r"edu-pipeline docs (\w+)", text)}
    assert "configuration" in named
    for page in named:
        assert Path(here("docs", page).stdout.strip()).is_file()
    assert "There are: attainment, " in here("docs", "nonsense").stderr


@pytest.mark.parametrize("arguments", [["run"], ["gate", "show"]])
def test_who_finds_the_home_held_says_by_whom_and_goes(
    tmp_path: Path, arguments: list[str]
) -> None:
    home = new_home(tmp_path)
    home.warehouse.touch()
    with hold(home.lock, "The nightly refresh"):
        done = cli("--home", tmp_path, *arguments)
    assert done.returncode == 1
    assert f"The nightly refresh (process {os.getpid()}, since 20" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in home.data.glob(".lock*")) == [".lock"]


def test_history_is_kept_in_the_home_wherever_the_command_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "elsewhere")
    monkeypatch.setenv("EDU_PIPELINE_HOME", "elsewhere")
    home = Home(tmp_path)
    home.config.write_text(CODES, encoding="utf-8")
    share_history(home)
    config = yaml.safe_load((home.dagster / "dagster.yaml").read_text(encoding="utf-8"))
    assert config["storage"]["sqlite"]["base_dir"] == str(home.dagster)
    assert config["telemetry"] == {"enabled": False}
    assert os.environ["DAGSTER_HOME"] == str(home.dagster)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has rights of another kind")
def test_a_new_home_s_data_are_its_owner_s_alone(tmp_path: Path, here: Here) -> None:
    assert here("init", tmp_path / "new").returncode == 0
    assert (tmp_path / "new" / "data").stat().st_mode & 0o077 == 0


def test_the_front_page_is_opened_where_there_is_one(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", opened.append)
    home = new_home(tmp_path)
    none = here("--home", tmp_path, "open")
    assert none.returncode == 1
    assert "There is no page yet. Make them:" in none.stderr
    home.site.mkdir(parents=True)
    (home.site / "index.html").touch()
    assert here("--home", tmp_path, "open").returncode == 0
    assert opened == [(home.site / "index.html").as_uri()]
