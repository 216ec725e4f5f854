"""How the letters of every campaign and period stand, and what somebody should do about them.

Pure: for pages. Letters are counted here, never named; who they are to is on the proof sheet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from edu_pipeline.mail.due import Period
from edu_pipeline.mail.engagement import FEWEST_DELIVERED
from edu_pipeline.mail.ledger.reading import PeriodSummary
from edu_pipeline.mail.mailing import options
from edu_pipeline.mail.states import LOOKS, State, step_for

_PASSING = frozenset({State.bounced, State.dropped, State.complained})
"""Said of the newest period alone: nothing ends these states."""


@dataclass(frozen=True)
class ToDo:
    """Something that somebody should look at."""

    campaign: str
    period: str
    state: State
    number: int
    what: str
    """A sentence, before the command if there is one."""
    step: str | None = None
    """That command, without `edu-pipeline`."""


@dataclass(frozen=True)
class Opened:
    """What is known of how letters were read; None where nothing is."""

    tracking: str
    delivered: int
    people: int | None
    programs_only: int | None
    clicked: int | None
    opens: int | None
    clicks: int | None
    rate: tuple[float, float] | None
    """From people to people and programs; None also below `FEWEST_DELIVERED`."""


@dataclass(frozen=True)
class Standing:
    """The letters of one campaign and period."""

    campaign: str
    period: str
    counts: Mapping[State, int]
    held: str | None
    """Why the gate lets none of them go."""
    opened: Opened


@dataclass(frozen=True)
class Status:
    """Everything, newest first."""

    to_do: Sequence[ToDo]
    campaigns: Mapping[str, Sequence[Standing]]


def status_of(
    summaries: Iterable[PeriodSummary], recorded: Iterable[Period], engagement: pl.DataFrame
) -> Status:
    """How all letters stand.

    Args:
        summaries: From `Ledger.periods`, newest first.
        recorded: From `Ledger.recorded_periods`.
        engagement: `CampaignEngagement`. A period that is not in both was queued, or erased, while
            they were read, and is left to the next page.
    """
    held = {(period.campaign, period.period): period.held for period in recorded}
    rows = {(row["campaign"], row["period"]): row for row in engagement.iter_rows(named=True)}
    campaigns: dict[str, list[Standing]] = {}
    for summary in summaries:
        key = (summary.campaign, summary.period)
        if key not in rows:
            continue
        campaigns.setdefault(summary.campaign, []).append(
            Standing(
                *key,
                counts=summary.counts,
                held=held.get(key),
                opened=_opened(rows[key]),
            )
        )
    found = [
        ToDo(campaign, standing.period, state, number, look.to_do, step_for(state, of))
        for campaign, standings in campaigns.items()
        for standing in standings
        for state, look in LOOKS.items()
        if look.to_do
        and (number := standing.counts.get(state, 0))
        and (state not in _PASSING or standing is standings[0])
        for of in [options(campaign, standing.period, campaigns)]
    ]
    urgency = list(LOOKS)
    return Status(sorted(found, key=lambda each: urgency.index(each.state)), campaigns)


def _opened(row: Mapping[str, object]) -> Opened:
    low, high, delivered = row["open_rate_low"], row["open_rate_high"], row["delivered"]
    assert isinstance(delivered, int)  # noqa: S101 - the schema says so
    rate = (
        (low, high)
        if isinstance(low, float) and isinstance(high, float) and delivered >= FEWEST_DELIVERED
        else None
    )

    def number(name: str) -> int | None:
        value = row[name]
        return value if isinstance(value, int) else None

    return Opened(
        tracking=str(row["tracking"]),
        delivered=delivered,
        people=number("opened_people"),
        programs_only=number("opened_by_programs_only"),
        clicked=number("clicked_people"),
        opens=number("opens"),
        clicks=number("clicks"),
        rate=rate,
    )
