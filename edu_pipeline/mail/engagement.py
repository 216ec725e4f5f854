"""What became of the letters of each campaign and period, and how many were opened.

Pure: frames of the ledger in, a frame out. What the numbers mean stands in the glossary. An open
is a picture that was loaded: programs load pictures, and people who read may not, so a rate is a
range and never a proof.
"""

from typing import Literal

import polars as pl

from edu_pipeline.mail.ledger.tables import ARRIVED, OUT
from edu_pipeline.mail.states import State

Tracking = Literal["off", "aggregate", "individual"]

FEWEST_DELIVERED = 10
"""Fewer letters make no rate: one more open would move it by more than ten points."""
REACHED = ARRIVED - {State.sent}
"""States in which the carrier says that the letter reached its mailbox."""
WAITS = frozenset({State.draft, State.approved, State.pending, State.claimed})

_ENGAGEMENT = ("opened", "clicked")
_PEOPLE = ("opened_people", "opened_by_programs_only", "clicked_people")
_COUNTS = ("opens", "program_opens", "clicks")
_BY_STATE = (
    State.bounced,
    State.dropped,
    State.complained,
    State.failed,
    State.unknown,
    State.held,
    State.suppressed,
    State.expired,
    State.cancelled,
)


def campaign_engagement(
    letters: pl.DataFrame, events: pl.DataFrame, *, tracking: Tracking
) -> pl.DataFrame:
    """Count letters by what became of them.

    A correction is a letter of its own. Every letter is in exactly one of `waiting`, `sent`,
    `failed`, `unknown`, `held`, `suppressed`, `expired`, `cancelled`.

    Args:
        letters: From `Ledger.letters_frame`.
        events: From `ledger.reports.events_frame`.
        tracking: What is asked for now; it decides only where no open says what was asked then.

    Returns:
        `CampaignEngagement`, by campaign and period.
    """
    by_letter = (
        events.filter(pl.col("letter_key").is_not_null())
        .group_by("letter_key")
        .agg(
            _opened=_of("opened", machine=False).any(),
            _fetched=_of("opened", machine=True).any(),
            _clicked=(pl.col("kind") == "clicked").any(),
            _unsubscribed=(pl.col("kind") == "unsubscribed").any(),
        )
    )
    by_period = events.group_by("campaign", "period").agg(
        opens=_of("opened", machine=False).sum(),
        program_opens=_of("opened", machine=True).sum(),
        clicks=(pl.col("kind") == "clicked").sum(),
        _nobody=(_engaged() & pl.col("letter_key").is_null()).any(),
        _somebody=(_engaged() & pl.col("letter_key").is_not_null()).any(),
    )
    since = events.filter(_engaged()).group_by("campaign").agg(_tracked_since=pl.col("at").min())
    flags = [pl.col(name).fill_null(value=False) for name in by_letter.columns if name[0] == "_"]
    reached = pl.col("state").is_in([str(state) for state in REACHED])
    return (
        letters.join(by_letter, left_on="key", right_on="letter_key", how="left")
        .with_columns(flags)
        .group_by("campaign", "period")
        .agg(
            queued=pl.len(),
            waiting=_in(WAITS),
            sent=_in(OUT),
            delivered=reached.sum(),
            **{str(state): _in({state}) for state in _BY_STATE},
            unsubscribed=pl.col("_unsubscribed").sum(),
            opened_people=(reached & pl.col("_opened")).sum(),
            opened_by_programs_only=(reached & ~pl.col("_opened") & pl.col("_fetched")).sum(),
            clicked_people=(reached & pl.col("_clicked")).sum(),
            # DuckDB calls the same zone Etc/UTC
            _sent_from=pl.col("sent_at").dt.convert_time_zone("UTC").min(),
        )
        .join(by_period, on=["campaign", "period"], how="left")
        .join(since, on="campaign", how="left")
        .with_columns(tracking=_tracking(tracking))
        .with_columns(
            pl.when(pl.col("tracking") == "individual").then(pl.col(name)).alias(name)
            for name in _PEOPLE
        )
        .with_columns(
            pl.when(pl.col("tracking") != "off").then(pl.col(name).fill_null(0)).alias(name)
            for name in _COUNTS
        )
        .with_columns(
            open_rate_low=_share(pl.col("opened_people")),
            open_rate_high=_share(pl.col("opened_people") + pl.col("opened_by_programs_only")),
        )
        .select(
            "campaign",
            "period",
            pl.col("queued", "waiting", "sent", "delivered").cast(pl.Int64),
            pl.col(*map(str, _BY_STATE), "unsubscribed").cast(pl.Int64),
            "tracking",
            pl.col(*_PEOPLE, *_COUNTS).cast(pl.Int64),
            "open_rate_low",
            "open_rate_high",
        )
        .sort("campaign", "period")
    )


def _of(kind: str, *, machine: bool) -> pl.Expr:
    return (pl.col("kind") == kind) & (pl.col("machine") == machine)


def _engaged() -> pl.Expr:
    return pl.col("kind").is_in(_ENGAGEMENT)


def _in(states: frozenset[State] | set[State]) -> pl.Expr:
    return pl.col("state").is_in([str(state) for state in states]).sum()


def _share(opened: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("delivered") > 0).then(opened / pl.col("delivered"))


def _tracking(now: Tracking) -> pl.Expr:
    """What was asked for when the period's letters went out, going by what came back.

    Before the first open that was ever reported nothing tells "nobody opened" from "nobody asked".
    """
    return (
        pl.when(pl.col("_nobody"))
        .then(pl.lit("aggregate"))
        .when(pl.col("_somebody"))
        .then(pl.lit("individual"))
        .when(pl.col("_sent_from") >= pl.col("_tracked_since"))
        .then(pl.lit(now))
        .otherwise(pl.lit("off"))
    )
