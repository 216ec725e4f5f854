"""Fetching exports from `[[sources]]`: for the shell, and a job and a schedule for each in the UI.

A refresh is not started here: what has landed is seen by the landing sensor, as if it had been put there.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import dagster as dg

from edu_pipeline.landing.doors.fetch import fetch
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.sources import Fetched


def fetch_source(room: MailRoom, source: Fetched) -> Path | None:
    """Fetch what a source has into the home's landing zone; None where it is as it was.

    Raises:
        LandingError: The source does not give it whole; what had landed is as it was.
    """
    folder = Path(url2pathname(urlparse(room.home.landing_url(room.settings)).path))
    zone = room.settings.zone if room.settings.known_zone else None
    return fetch(source, folder, room.secrets.landing, zone)


def fetching(settings: Settings) -> Sequence[dg.ScheduleDefinition]:
    """A schedule for each source, with its job."""
    return [_schedule(source, settings) for source in settings.sources]


def _schedule(source: Fetched, settings: Settings) -> dg.ScheduleDefinition:
    @dg.op(name=f"ask_{source.name}")
    def ask(context: dg.OpExecutionContext, mail_room: dg.ResourceParam[MailRoom]) -> None:
        """Fetch what the source has, whole or not at all."""
        landed = fetch_source(mail_room, source)
        context.log.info(f"{landed.name} has landed." if landed else "It has what it had.")

    @dg.job(
        name=f"fetch_{source.name}",
        description=f"Fetch the exports of {source.name} into the landing zone. Reads and sends nothing.",
    )
    def job() -> None:
        ask()

    return dg.ScheduleDefinition(
        name=f"fetch_{source.name}_daily",
        job=job,
        cron_schedule=f"{source.at.minute} {source.at.hour} * * *",
        execution_timezone=settings.zone.key,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Fetches the exports of {source.name} once a day ([[sources]] at in pipeline.toml).",
    )
