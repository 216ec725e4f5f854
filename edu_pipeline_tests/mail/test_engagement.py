from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from edu_pipeline.mail.engagement import Tracking, campaign_engagement
from edu_pipeline.mail.states import State
from edu_pipeline.model.mail import CampaignEngagement

SENT = datetime(2026, 10, 2, 15, tzinfo=UTC)
LETTERS: dict[str, Any] = {
    "key": pl.String,
    "campaign": pl.String,
    "period": pl.String,
    "state": pl.String,
    "sent_at": pl.Datetime("us", "UTC"),
}
EVENTS: dict[str, Any] = {
    "letter_key": pl.String,
    "campaign": pl.String,
    "period": pl.String,
    "kind": pl.String,
    "machine": pl.Boolean,
    "at": pl.Datetime("us", "UTC"),
}


def letters(*states: State, period: str = "2026-W40", sent: datetime = SENT) -> pl.DataFrame:
    rows = [
        (f"teachers:{period}:t_{n}", "teachers", period, str(state), sent)
        for n, state in enumerate(states, start=1)
    ]
    return pl.DataFrame(rows, schema=LETTERS, orient="row")


def events(*rows: tuple[int | None, str, bool], period: str = "2026-W40") -> pl.DataFrame:
    """Of a letter's number (None: nobody says whose), its kind, and whether a program did it."""
    return pl.DataFrame(
        [
            (
                f"teachers:{period}:t_{number}" if number else None,
                "teachers",
                period,
                kind,
                machine,
                SENT + timedelta(hours=1),
            )
            for number, kind, machine in rows
        ],
        schema=EVENTS,
        orient="row",
    )


def engagement(
    of: pl.DataFrame, reported: pl.DataFrame | None = None, tracking: Tracking = "individual"
) -> dict[str, object]:
    frame = campaign_engagement(of, events() if reported is None else reported, tracking=tracking)
    return CampaignEngagement.validate(frame).row(-1, named=True)


def test_every_letter_is_counted_once_by_what_became_of_it() -> None:
    row = engagement(letters(*State))
    # draft, approved, pending, claimed | sent, delivered, bounced, dropped, complained
    assert (row["queued"], row["waiting"], row["sent"]) == (15, 4, 5)
    # a complaint is of a letter that was delivered
    assert row["delivered"] == 2
    ends = ("failed", "unknown", "held", "suppressed", "expired", "cancelled")
    assert [row[state] for state in ends] == [1] * 6
    assert [row[state] for state in ("bounced", "dropped", "complained")] == [1] * 3


def test_the_open_rate_is_a_range_from_people_to_people_and_programs() -> None:
    of = letters(*[State.delivered] * 8, State.sent, State.bounced)
    row = engagement(
        of,
        events(
            (1, "opened", False),
            (1, "opened", False),  # twice is one person
            (2, "opened", False),
            (2, "opened", True),  # a person as well, so not by programs only
            (3, "opened", True),
            (3, "clicked", False),
            (10, "opened", False),  # came back later: not delivered, so not in the rate
        ),
    )
    assert (row["delivered"], row["opened_people"], row["opened_by_programs_only"]) == (8, 2, 1)
    assert (row["open_rate_low"], row["open_rate_high"]) == (2 / 8, 3 / 8)
    assert (row["clicked_people"], row["clicks"]) == (1, 1)
    assert (row["opens"], row["program_opens"]) == (4, 2)


def test_without_tracking_there_are_no_rates_not_rates_of_zero() -> None:
    row = engagement(letters(State.delivered), events((1, "delivered", False)), "off")
    assert row["tracking"] == "off"
    counted = ("opened_people", "opens", "clicks", "open_rate_low", "open_rate_high")
    assert [row[name] for name in counted] == [None] * 5


def test_letters_from_before_the_first_open_ever_are_not_said_to_be_unread() -> None:
    earlier = letters(State.delivered, period="2026-W39", sent=SENT - timedelta(days=7))
    later = letters(State.delivered, period="2026-W41", sent=SENT + timedelta(days=7))
    frame = campaign_engagement(
        pl.concat([earlier, letters(State.delivered), later]),
        events((1, "opened", False)),
        tracking="individual",
    )
    assert frame["tracking"].to_list() == ["off", "individual", "individual"]
    assert frame["open_rate_low"].to_list() == [None, 1.0, 0.0]


def test_opens_in_the_aggregate_are_counted_and_tell_of_no_people() -> None:
    row = engagement(
        letters(State.delivered, State.delivered),
        events((None, "opened", False), (None, "opened", False), (None, "opened", True)),
        "aggregate",
    )
    assert (row["tracking"], row["opens"], row["program_opens"]) == ("aggregate", 2, 1)
    assert row["opened_people"] is None
    assert row["open_rate_low"] is None


def test_nothing_delivered_makes_no_rate() -> None:
    row = engagement(letters(State.bounced), events((1, "opened", False)))
    assert (row["opened_people"], row["open_rate_low"]) == (0, None)


def test_who_unsubscribed_through_the_carrier_is_counted_whatever_the_tracking() -> None:
    reported = events((1, "unsubscribed", False), (1, "unsubscribed", False))
    assert engagement(letters(State.delivered), reported, "off")["unsubscribed"] == 1


@pytest.mark.parametrize("tracking", ["off", "individual"])
def test_an_empty_ledger_makes_an_empty_table(tracking: Tracking) -> None:
    frame = campaign_engagement(letters(), events(), tracking=tracking)
    assert CampaignEngagement.validate(frame).is_empty()
