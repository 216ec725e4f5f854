"""The sender dies at each step of a letter; what happens next is worked out step by step."""

from collections import Counter

import pytest

from edu_pipeline.mail.states import State
from edu_pipeline_tests.faults.campaign import GRACE
from edu_pipeline_tests.faults.conftest import CampaignMaker
from edu_pipeline_tests.faults.sender import STEPS

KEYS = [f"teachers:2026-W40:t_{number}" for number in (1, 2, 3)]
EARLIER, LATER = 45, GRACE.total_seconds()

UNTOUCHED = {"claim written"}
NOT_TAKEN = {
    "claim in the ledger alone",
    "claim committed",
    "connecting",
    "connected",
    "headers sent",
}
TAKEN = {"body sent", "answered", "outcome written"}
RECORDED = {"outcome in the ledger alone", "outcome committed"}
"""Of the second letter, which is claimed together with the outcome of the first, as the third is
with its own."""


def test_every_step_is_sorted() -> None:
    assert {*STEPS} == UNTOUCHED | NOT_TAKEN | TAKEN | RECORDED


@pytest.mark.parametrize(
    ("url", "step"),
    [("sqlite", step) for step in STEPS]
    + [("postgresql", step) for step in ("claim committed", "outcome written")],
    indirect=["url"],
)
def test_a_letter_whose_sender_died_at_any_step_arrives_once(
    campaign_of: CampaignMaker, step: str
) -> None:
    campaign = campaign_of(3)
    # the connection ends after the first letter, so that the second needs a new one
    campaign.later(0, "cut_body")
    with campaign.sender(halts=(step, "t_2"), grace=GRACE) as dying:
        assert dying.end() is None
    doubtful = 1 if step in UNTOUCHED else 3 if step in RECORDED else 2
    taken = step in UNTOUCHED | TAKEN
    left = [*[State.sent] * (doubtful - 1), State.claimed, *[State.pending] * (3 - doubtful)]
    assert [campaign.states()[key] for key in KEYS] == left

    campaign.later(EARLIER)
    campaign.send(grace=GRACE)
    early = [State.unknown if n == doubtful else State.sent for n in (1, 2, 3)]
    assert [campaign.states()[key] for key in KEYS] == early
    assert campaign.fake.counts() == {
        key: 1 for n, key in enumerate(KEYS, start=1) if taken or n != doubtful
    }

    campaign.later(LATER)
    assert campaign.send(grace=GRACE).counts == {State.sent: 3}
    assert campaign.fake.counts() == dict.fromkeys(KEYS, 1)
    assert campaign.settled() == Counter({State.sent: taken, State.pending: not taken})

    if journal := campaign.ledger.journal:
        assert {line["key"]: line["state"] for line in journal.lines()} == campaign.states()
