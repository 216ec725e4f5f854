"""Runs whose process is gone, as after a power cut.

Dagster's own launcher cannot tell whether the process of a run lives, so a run that was cut off would
stand in the queue's way for ever. Whether it is launched again is for `dagster.yaml` to say.
"""

import os
import socket
import time

import dagster as dg
import psutil
from dagster._core.events import DagsterEventType
from dagster._core.launcher import (
    CheckRunHealthResult,
    DefaultRunLauncher,
    LaunchRunContext,
    WorkerStatus,
)

_UNFINISHED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_GONE = (
    "The process of this run is gone without a word: the machine was switched off, or somebody or "
    "something ended it."
)
_CLOCKS_DIFFER_SECONDS = 2
HOST_TAG = "edu_pipeline/host"
"""Of a run: the machine that its process is on; of another's processes nobody here knows anything."""
LAUNCHED_TAG = "edu_pipeline/launched"
"""Of a run: the process that launched it, and when; it speaks for a run that has not begun to speak."""
LOST_TAG = "edu_pipeline/lost"
"""Of a run that did not end by itself."""
HERE = socket.gethostname()


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's launcher of processes, which also says whether the process of a run still lives."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """As Dagster does, with the name of this machine."""
        by = f"{os.getpid()}@{time.time():.0f}"
        tags = {HOST_TAG: HERE, LAUNCHED_TAG: by}
        self._instance.add_run_tags(context.dagster_run.run_id, tags)
        super().launch_run(context)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes, so that Dagster's monitoring asks."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Failed where the process is gone."""
        if is_lost(self._instance, run):
            self._instance.add_run_tags(run.run_id, {LOST_TAG: "true"})
            return CheckRunHealthResult(WorkerStatus.FAILED, _GONE)
        return CheckRunHealthResult(WorkerStatus.RUNNING)


def end_lost_runs(instance: dg.DagsterInstance) -> None:
    """End the runs of a history that wait for a process that is gone."""
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)):
        if is_lost(instance, run):
            instance.add_run_tags(run.run_id, {LOST_TAG: "true"})
            canceling = run.status is dg.DagsterRunStatus.CANCELING
            (instance.report_run_canceled if canceling else instance.report_run_failed)(run, _GONE)


def is_lost(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the process that executed a run is gone, or the one that launched it, while it has said nothing.

    Should it live after all, it finds its run ended, and does nothing.
    """
    if run.tags.get(HOST_TAG, HERE) != HERE:
        return False
    for event in instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT):
        said = event.get_dagster_event().engine_event_data.metadata.get("pid")
        if said is not None:
            return not _lives(int(str(said.value)), since=event.timestamp)
    pid, _, since = run.tags.get(LAUNCHED_TAG, "").partition("@")
    return bool(since) and not _lives(int(pid), since=float(since))


def _lives(pid: int, since: float) -> bool:
    """Whether a process that was there at a time is still there; its number may be another's by now."""
    try:
        process = psutil.Process(pid)
        return (
            process.create_time() <= since + _CLOCKS_DIFFER_SECONDS
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False
