from datetime import date
from typing import Any

import polars as pl

from edu_pipeline.mail.due import Period
from edu_pipeline.mail.engagement import campaign_engagement
from edu_pipeline.mail.ledger.reading import PeriodSummary
from edu_pipeline.mail.states import State
from edu_pipeline.mail.status import Status, status_of

EVENTS: dict[str, Any] = {
    "letter_key": pl.String,
    "campaign": pl.String,
    "period": pl.String,
    "kind": pl.String,
    "machine": pl.Boolean,
    "at": pl.Datetime("us", "UTC"),
}


def status(*weeks: tuple[str, dict[State, int]], opened: int = 0) -> Status:
    """Of weeks, newest first; `opened` of each week's letters were opened."""
    letters = [
        (f"teachers:{week}:{state}-{n}", "teachers", week, str(state), None)
        for week, counts in weeks
        for state, number in counts.items()
        for n in range(number)
    ]
    schema: dict[str, Any] = dict.fromkeys(("key", "campaign", "period", "state"), pl.String)
    frame = pl.DataFrame(
        letters, schema={**schema, "sent_at": pl.Datetime("us", "UTC")}, orient="row"
    )
    events = [
        (key, "teachers", week, "opened", False, None)
        for week, _ in weeks
        for key in frame.filter(period=week)["key"].head(opened)
    ]
    monday = date(2026, 9, 28)
    return status_of(
        [PeriodSummary("teachers", week, counts) for week, counts in weeks],
        [Period("teachers", "2026-W40", str(monday), monday, complete=True, held="A file is odd.")],
        campaign_engagement(
            frame, pl.DataFrame(events, schema=EVENTS, orient="row"), tracking="individual"
        ),
    )


def test_what_is_unknown_comes_first_with_what_to_do() -> None:
    found = status(("2026-W40", {State.draft: 3, State.held: 1, State.unknown: 2}))
    assert [(each.state, each.number) for each in found.to_do] == [
        (State.unknown, 2),
        (State.held, 1),
        (State.draft, 3),
    ]
    assert found.to_do[0].step == (
        'mail resolve arrived|send-again|give-up --week 2026-W40 --reason "…"'
    )


def test_what_came_back_is_said_of_the_newest_week_alone_and_doubts_of_every_week() -> None:
    old = {State.bounced: 1, State.unknown: 1}
    found = status(("2026-W41", {State.bounced: 2}), ("2026-W40", old))
    assert [(each.period, each.state, each.number) for each in found.to_do] == [
        ("2026-W40", State.unknown, 1),
        ("2026-W41", State.bounced, 2),
    ]


def test_a_week_that_the_gate_holds_says_why() -> None:
    found = status(("2026-W41", {State.sent: 1}), ("2026-W40", {State.held: 1}))
    assert [standing.held for standing in found.campaigns["teachers"]] == [None, "A file is odd."]


def test_a_period_that_is_queued_while_the_page_is_written_comes_with_the_next_one() -> None:
    schema: dict[str, Any] = dict.fromkeys(("key", "campaign", "period", "state"), pl.String)
    none_yet = campaign_engagement(
        pl.DataFrame(schema={**schema, "sent_at": pl.Datetime("us", "UTC")}),
        pl.DataFrame(schema=EVENTS),
        tracking="off",
    )
    new = PeriodSummary("teachers", "2026-W41", {State.draft: 1})
    assert status_of([new], [], none_yet) == Status([], {})


def test_few_letters_make_counts_and_no_rate() -> None:
    found = status(
        ("2026-W41", {State.delivered: 10}), ("2026-W40", {State.delivered: 9}), opened=4
    )
    ten, nine = (standing.opened for standing in found.campaigns["teachers"])
    assert (ten.people, ten.rate) == (4, (0.4, 0.4))
    assert (nine.people, nine.rate) == (4, None)
