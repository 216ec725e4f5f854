"""Commands called in this process, on homes whose tables are written by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edu_pipeline.cli import app
from edu_pipeline_tests.conftest import NO_HISTORY

Command = Callable[..., Result]


@pytest.fixture
def no_history(tmp_path: Path) -> None:
    """For a home that is looked at after one run."""
    (tmp_path / "dagster.yaml").write_text(NO_HISTORY, encoding="utf-8")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Calls a command on the home in `tmp_path`; what a user can put right is raised."""
    for variable in ("EDU_PIPELINE_HOME", "DAGSTER_HOME"):  # a run sets them
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str | Path, answer: str | None = None) -> Result:
        line = ["--home", str(tmp_path), *map(str, arguments)]
        result = CliRunner().invoke(app, line, input=answer)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call
