"""Running a Dagster job from the shell, with its progress on the screen."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edu_pipeline.commands.console import out, progress

if TYPE_CHECKING:
    from edu_pipeline.mail.room import MailRoom


@contextmanager
def _for_good() -> Iterator[None]:
    """What is made in the block stays, so the garbage collector need not look through it again and again.

    Hundreds of thousands of objects of libraries took it a second of a run.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def run_job(
    room: "MailRoom",
    job: str,
    title: str,
    partition: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Run a job of a home in this process, in the home's history.

    Raises:
        HomeBusyError: Another process holds the home.
        NoRoomError: The disk would not take it.
        RunFailedError: A step failed, or there is no such partition.
    """
    with _for_good():
        from edu_pipeline.definitions import build_definitions
        from edu_pipeline.ground.warehouse import hold, require_room
        from edu_pipeline.wiring.environment import landing_zone
        from edu_pipeline.wiring.history import history_at_hand
        from edu_pipeline.wiring.runs import LOGGER, ShellLog, execute, share_history

    room.home.data.mkdir(parents=True, exist_ok=True)
    require_room(room.home.warehouse, landing_zone(room).here)
    with hold(room.home.lock, f"“{title}” from the shell"), progress(title) as on_step:
        share_history(room.home)
        log = ShellLog(on_step, lambda text: out.print(text, markup=False, soft_wrap=True))
        with _for_good():
            definitions = build_definitions(room, {LOGGER: log.as_dagster_logger()})
        with history_at_hand(room.home.dagster):
            execute(definitions, job, log, partition=partition, tags=tags)
