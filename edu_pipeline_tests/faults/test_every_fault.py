"""Each thing that can go wrong at the carrier, once, each with another letter."""

from typing import get_args

import pytest

from edu_pipeline.mail.states import State
from edu_pipeline_tests.fake_sendgrid.faults import ACCEPTED, Fault
from edu_pipeline_tests.faults.campaign import GRACE
from edu_pipeline_tests.faults.conftest import CampaignMaker

KINDS: tuple[Fault, ...] = get_args(Fault)
REFUSED = {"bad_request", "too_large"}
CLEAR = {
    "rate_limited",
    "redirect",
    "unauthorized",
    "forbidden",
    "not_found",
    "no_message_id",
    "cut_body",
}
"""It is plain whether the carrier took the letter; where it did not, the next sender brings it."""


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_whatever_goes_wrong_each_letter_arrives_once_and_is_in_doubt_only_where_it_must_be(
    campaign_of: CampaignMaker,
) -> None:
    campaign = campaign_of(len(KINDS))
    faults = {f"t_{n}": kind for n, kind in enumerate(KINDS, start=1)}
    by_address = {f"{who}@riverside.example": [kind] for who, kind in faults.items()}
    campaign.later(0, by_address=by_address)
    while State.pending in campaign.counts():  # some faults end a delivery
        campaign.send(grace=GRACE, timeout=0.5)
    for who, kind in faults.items():
        state = campaign.states()[f"teachers:2026-W40:{who}"]
        plain = State.failed if kind in REFUSED else State.sent if kind in CLEAR else State.unknown
        assert (kind, state) == (kind, plain)

    campaign.send(grace=GRACE)  # all that is in doubt is looked for once
    campaign.send_again_what_was_refused()
    campaign.later(GRACE.total_seconds())
    campaign.send(grace=GRACE)  # there is more in the logs than may be looked at in a minute
    assert campaign.send(grace=GRACE).counts == {State.sent: len(KINDS)}
    assert campaign.fake.counts() == dict.fromkeys(campaign.states(), 1)
    found = len(ACCEPTED - CLEAR)
    doubts = len(KINDS) - len(REFUSED | CLEAR)
    assert campaign.settled() == {State.sent: found, State.pending: doubts - found}
