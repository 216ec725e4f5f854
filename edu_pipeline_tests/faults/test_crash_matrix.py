"""The sender dies at each step of a letter; what happens next is worked out step by step."""

from collections import Counter

import pytest

from edu_pipeline.mail.states import State
from edu_pipeline_tests.faults.campaign import GRACE
from edu_pipeline_tests.faults.conftest import CampaignMaker
from edu_pipeline_tests.faults.sender import STEPS

EARLIER, LATER = 45, GRACE.total_seconds()

UNTOUCHED = {"claim written"}
NOT_TAKEN = {"claim committed", "connecting", "connected", "headers sent"}
TAKEN = {"body sent", "answered", "outcome written"}
RECORDED = {"outcome committed"}


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
    key = "teachers:2026-W40:t_2"
    assert campaign.states()[key] is _left(step)

    campaign.later(EARLIER)
    early = campaign.send(grace=GRACE)
    doubtful = step in NOT_TAKEN | TAKEN
    assert campaign.states()[key] is (State.unknown if doubtful else State.sent)
    assert campaign.fake.counts()[key] == (0 if step in NOT_TAKEN else 1)
    assert early.counts == ({State.sent: 2, State.unknown: 1} if doubtful else {State.sent: 3})

    campaign.later(LATER)
    assert campaign.send(grace=GRACE).counts == {State.sent: 3}
    assert set(campaign.fake.counts().values()) == {1}
    settled = campaign.settled()
    assert settled == Counter({State.sent: step in TAKEN, State.pending: step in NOT_TAKEN})


def _left(step: str) -> State:
    if step in UNTOUCHED:
        return State.pending
    return State.sent if step in RECORDED else State.claimed
