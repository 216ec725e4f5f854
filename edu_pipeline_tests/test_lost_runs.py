import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher import WorkerStatus

from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.lost_runs import (
    HERE,
    HOST_TAG,
    LAUNCHED_TAG,
    LOST_TAG,
    WatchedRunLauncher,
    end_lost_runs,
)
from edu_pipeline.wiring.runs import share_history

STARTING, STARTED = dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED
FAILURE = dg.DagsterRunStatus.FAILURE
CANCELING, CANCELED = dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED


@pytest.fixture
def history() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """One that lives until it is killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as lives:
        yield lives
        lives.kill()


def run_of(
    history: dg.DagsterInstance,
    pid: int | None,
    status: dg.DagsterRunStatus = STARTED,
    host: str = HERE,
) -> dg.DagsterRun:
    """A run that is executed by a process, as the history shows it."""
    run = dg.DagsterRun("refresh", status=status, tags={HOST_TAG: host})
    history.add_run(run)
    if pid is not None:
        history.report_engine_event("Executing", run, EngineEventData.in_process(pid))
    return run


def after(history: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    end_lost_runs(history)
    found = history.get_run_by_id(run.run_id)
    assert found
    return found.status


def test_a_run_whose_process_lives_goes_on(
    history: dg.DagsterInstance, process: subprocess.Popen[bytes]
) -> None:
    assert after(history, run_of(history, process.pid)) is STARTED


@pytest.mark.parametrize(("before", "end"), [(STARTED, FAILURE), (CANCELING, CANCELED)])
def test_a_run_whose_process_was_killed_has_ended(
    history: dg.DagsterInstance,
    process: subprocess.Popen[bytes],
    before: dg.DagsterRunStatus,
    end: dg.DagsterRunStatus,
) -> None:
    run = run_of(history, process.pid, before)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it stays as a zombie
    assert after(history, run) is end
    ended = history.get_run_by_id(run.run_id)
    assert ended
    assert ended.tags[LOST_TAG] == "true"


def test_a_process_that_is_younger_than_the_run_is_another(
    history: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as yesterday:
        yesterday.setattr("time.time", lambda: 1_790_000_000.0)
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as lives:
            run = run_of(history, lives.pid)
            assert after(history, run) is FAILURE
            lives.kill()


def test_of_a_run_on_another_machine_nothing_is_known(
    history: dg.DagsterInstance, process: subprocess.Popen[bytes]
) -> None:
    run = run_of(history, process.pid, host="another")
    process.kill()
    process.wait()
    assert after(history, run) is STARTED


@pytest.mark.parametrize(("killed", "end"), [(False, STARTING), (True, FAILURE)])
def test_a_run_that_has_not_begun_has_ended_with_the_process_that_launched_it(
    history: dg.DagsterInstance,
    process: subprocess.Popen[bytes],
    killed: bool,
    end: dg.DagsterRunStatus,
) -> None:
    run = run_of(history, None, STARTING)
    history.add_run_tags(run.run_id, {LAUNCHED_TAG: f"{process.pid}@{time.time():.0f}"})
    if killed:
        process.kill()
        process.wait()
    assert after(history, run) is end


def test_a_run_that_has_not_said_who_executes_it_is_left_alone(
    history: dg.DagsterInstance,
) -> None:
    assert after(history, run_of(history, None)) is STARTED


def test_dagster_s_monitoring_hears_of_it_in_every_home(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    home = Home(tmp_path)
    of_a_version_before = "storage:\n  sqlite:\n    base_dir: data/dagster\n"
    (home.root / "dagster.yaml").write_text(of_a_version_before, encoding="utf-8")
    share_history(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        launcher = instance.run_launcher
        assert isinstance(launcher, WatchedRunLauncher)
        assert instance.run_monitoring_enabled
        run = run_of(instance, process.pid)
        assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
        process.kill()
        process.wait()
        assert launcher.check_run_worker_health(run).status is WorkerStatus.FAILED
        failed = instance.get_run_by_id(run.run_id)
        assert failed
        assert failed.tags[LOST_TAG] == "true"
