"""Runs started from the shell: the same jobs and the same history as in the UI.

Which job, and what to say of its result, is for `cli`; what a run does, for the assets.
"""

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.tags import MAX_RETRIES_TAG

from edu_pipeline.ground.one_run import is_older_than
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.lost_runs import HERE, HOST_TAG, end_lost_runs

LOGGER = "shell"
_TO_SCREEN = {
    "module": "dagster._core.storage.noop_compute_log_manager",
    "class": "NoOpComputeLogManager",
}
_CAME_LATER = ("run_launcher", "run_monitoring", "run_retries")
"""What the `dagster.yaml` of an older home does not speak of, and then is as in a new home's."""
OnStep = Callable[[str, int, int], None]
"""Called with a step, how many steps are done, and how many there are."""


class RunFailedError(Exception):
    """A run failed; the message is the first failing step's."""


def share_history(home: Home) -> None:
    """Make this process use the home's run history, as the UI does.

    Dagster reads its configuration from the folder that `DAGSTER_HOME` names, where a relative
    `base_dir` would mean the current folder; so the home's `dagster.yaml` is written there with the
    folder spelt out.
    """
    home.dagster.mkdir(parents=True, exist_ok=True)
    own = home.root / "dagster.yaml"
    config: dict[str, Any] = yaml.safe_load(shipped("dagster.yaml").read_text(encoding="utf-8"))
    if own.is_file():
        late = {key: config[key] for key in _CAME_LATER}
        config = late | (yaml.safe_load(own.read_text(encoding="utf-8")) or {})
    sqlite = config.get("storage", {}).get("sqlite", {})
    if isinstance(sqlite.get("base_dir"), str):
        sqlite["base_dir"] = str((home.root / sqlite["base_dir"]).resolve())
    target = home.dagster / "dagster.yaml"
    text = yaml.safe_dump(config, sort_keys=True)
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ["EDU_PIPELINE_HOME"] = str(home.root)


def recover(home: Home) -> None:
    """End what was cut off, before anything is served; where the history cannot be used, that is said."""
    known = home.dagster.is_dir()
    share_history(home)
    if not known:  # the web server and the daemon, started at once, would make it at the same time
        return
    with dg.DagsterInstance.get() as instance:
        end_lost_runs(instance)


class ShellLog(logging.Handler):
    """Turns Dagster's log of a run into a line of progress, and passes on what assets say."""

    def __init__(self, on_step: OnStep, say: Callable[[str], None]) -> None:
        super().__init__(logging.DEBUG)
        self._on_step, self._say = on_step, say
        self._done = self._steps = 0

    def begin(self, steps: int) -> None:
        """A run of that many steps begins."""
        self._done, self._steps = 0, steps

    def emit(self, record: logging.LogRecord) -> None:
        """Dagster's own events are steps; anything else from INFO up is for people."""
        event = getattr(record, "dagster_event", None)
        if event is None:
            text = str(getattr(record, "dagster_meta", {}).get("orig_message", record.msg))
            # that later steps were left out says nothing once one has failed
            if record.levelno >= logging.INFO and not text.startswith("Dependencies for step"):
                self._say(text)
        elif event.event_type is dg.DagsterEventType.STEP_START:
            self._on_step(str(event.step_key), self._done, self._steps)
        elif event.event_type is dg.DagsterEventType.STEP_SUCCESS:
            self._done += 1
            self._on_step(str(event.step_key), self._done, self._steps)

    def as_dagster_logger(self) -> dg.LoggerDefinition:
        """For `Definitions(loggers=…)` under the name `LOGGER`."""

        @dg.logger
        def shell(_: dg.InitLoggerContext) -> logging.Logger:
            logger = logging.Logger(LOGGER)  # noqa: LOG001 - of this run alone
            logger.addHandler(self)
            return logger

        return shell


def execute(
    definitions: dg.Definitions,
    job: str,
    log: ShellLog,
    *,
    partition: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Run a job in this process, in the history that `share_history` chose.

    Args:
        definitions: With a logger `LOGGER`.
        job: Its name.
        log: Hears what the run does.
        partition: For a job that has partitions.
        tags: For the steps to read; they stand in the history.

    Raises:
        RunFailedError: A step failed, or there is no such partition.
    """
    resolved = definitions.resolve_job_def(job)
    partitions = resolved.partitions_def
    if partition and partitions and not partitions.has_partition_key(partition):
        week = partition.rpartition("|")[2]
        raise RunFailedError(
            f"Letters cannot be made for the week of {week}: it has not begun yet, or is before the "
            "first with figures."
        )
    log.begin(len(resolved.graph.node_dict))
    # Dagster would take what a run prints to the screen by way of a file, and lose the last of it
    own = InstanceRef.from_dir(os.environ["DAGSTER_HOME"], overrides={"compute_logs": _TO_SCREEN})
    with dg.DagsterInstance.from_ref(own) as instance:
        end_lost_runs(instance)
        result = resolved.execute_in_process(
            run_config={"loggers": {LOGGER: {}}},
            instance=instance,
            partition_key=partition,
            tags={MAX_RETRIES_TAG: "0", HOST_TAG: HERE}
            | dict(tags or {}),  # only the shell can run it again
            raise_on_error=False,
        )
    failures = [event for event in result.all_events if event.is_step_failure]
    if failures:
        raise RunFailedError(_raised(failures[0]))
    if not result.success:
        raise RunFailedError("The run failed before its first step. Look at it in the UI.")


def is_older(home: Home, written: str, partition: str, refreshed: str) -> bool:
    """Whether a partition of an asset was last made before another asset was; see `is_older_than`.

    Where the home has no history there is nothing to be older than.
    """
    if not home.dagster.is_dir():
        return False
    share_history(home)
    with dg.DagsterInstance.get() as instance:
        return is_older_than(instance, written, partition, refreshed)


def _raised(event: dg.DagsterEvent) -> str:
    """What the step raised, without Dagster's wrapping and without what lies below it."""
    error = event.step_failure_data.error
    raised = error.cause or error if error else None
    text = raised.message.partition(": ")[2].strip() if raised else "no message"
    return f"The step {event.step_key} failed. {text}"
