"""Which periods' letters are due: one pure function of time, ledger and settings.

The sensor, the schedule and the command line all ask here. That a letter goes out at most once is
the ledger's promise, not this module's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from edu_pipeline.settings.mail import Mail

EVEN_IF_OLD_TAG = "edu_pipeline/even_if_old"
"""Of a run whose letters go out though they are no longer news, because a person wants it."""


@dataclass(frozen=True)
class Period:
    """One period of one campaign, as the last refresh recorded it."""

    campaign: str
    period: str
    """Such as `2026-W40`."""
    partition: str
    """Its key in Dagster, such as `2026-09-28`."""
    last_day: date
    """The last day that its letters are about."""
    complete: bool
    """Whether everything that is waited for is in."""
    held: str | None
    """Why none of its letters may go out."""


def newest_of_each(recorded: Iterable[Period]) -> Mapping[str, Period]:
    """Campaign → its newest period.

    Args:
        recorded: From `Ledger.recorded_periods`, oldest first.
    """
    return {period.campaign: period for period in recorded}


PERIODS = pl.Schema(
    {
        "campaign": pl.String,
        "period": pl.String,
        "partition": pl.String,
        "last_day": pl.Date,
        "complete": pl.Boolean,
        "held": pl.String,
    }
)
"""A frame of periods, one row each."""


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Midnight after a day, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def ready(period: Period, *, now: datetime, mail: Mail, zone: ZoneInfo) -> bool:
    """Whether everything is in, or the wait for it is over; not before the last day has come."""
    last_day_begins = end_of(period.last_day - timedelta(days=1), zone)
    cut_off = end_of(period.last_day, zone) + timedelta(hours=mail.cut_off_hours)
    return now >= (last_day_begins if period.complete else cut_off)


def newest_ready(
    periods: Iterable[Period], *, now: datetime, mail: Mail, zone: ZoneInfo
) -> Period | None:
    """The newest period whose letters can be written, however old it is."""
    candidates = [p for p in periods if ready(p, now=now, mail=mail, zone=zone)]
    return max(candidates, key=lambda period: period.last_day, default=None)


def due_periods(
    periods: Iterable[Period], *, now: datetime, mail: Mail, zone: ZoneInfo
) -> list[Period]:
    """The periods to send without being asked: per campaign the newest, while it is still news."""
    by_campaign: dict[str, list[Period]] = {}
    for period in periods:
        by_campaign.setdefault(period.campaign, []).append(period)
    newest = [newest_ready(those, now=now, mail=mail, zone=zone) for those in by_campaign.values()]
    return [
        period
        for period in newest
        if period and now < end_of(period.last_day, zone) + timedelta(days=mail.valid_days)
    ]


def not_after(
    last_day: date, *, now: datetime, mail: Mail, zone: ZoneInfo, tags: Mapping[str, str]
) -> datetime:
    """Until when a letter about a period may go out: as long as it is news.

    Whatever makes it, it goes no later, unless a person said so, or it goes no further than a folder.

    Args:
        last_day: Of the period.
        now: The time.
        mail: The settings.
        zone: The school's.
        tags: Of the run that makes it.
    """
    own = end_of(last_day, zone) + timedelta(days=mail.valid_days)
    though_old = EVEN_IF_OLD_TAG in tags or not mail.leaves
    return max(own, now + timedelta(days=1)) if though_old else own
