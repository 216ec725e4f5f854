"""Two processes send the same letters at the same time."""

import pytest

from edu_pipeline.mail.states import State
from edu_pipeline_tests.faults.conftest import CampaignMaker


def test_while_one_sender_is_at_work_another_is_refused(campaign_of: CampaignMaker) -> None:
    campaign = campaign_of(4)
    on_its_way = ("answered", "t_2")
    with campaign.sender(halts=on_its_way, waits=True) as first:
        first.reach(on_its_way)
        refused = campaign.send()
        assert refused.error == "SenderBusyError"
        assert refused.counts == {State.sent: 1, State.claimed: 1, State.pending: 2}
        first.go_on()
        done = first.end()
    assert done
    assert done.counts == {State.sent: 4}
    assert campaign.fake.counts() == dict.fromkeys(campaign.states(), 1)


def test_when_the_one_at_work_is_killed_the_other_may_send_at_once(
    campaign_of: CampaignMaker,
) -> None:
    campaign = campaign_of(4)
    on_its_way = ("answered", "t_2")
    with campaign.sender(halts=on_its_way, waits=True) as first:
        first.reach(on_its_way)
        first.kill()
    after = campaign.send()
    assert (after.error, after.counts) == (None, {State.sent: 3, State.unknown: 1})
    assert campaign.fake.counts() == dict.fromkeys(campaign.states(), 1)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_of_two_that_begin_together_no_letter_goes_out_twice(campaign_of: CampaignMaker) -> None:
    campaign = campaign_of(12)
    with campaign.sender(connections=4) as one, campaign.sender(connections=4) as other:
        errors = {result.error for result in (one.end(), other.end()) if result}
    assert errors <= {None, "SenderBusyError"}
    assert None in errors
    assert campaign.fake.counts() == dict.fromkeys(campaign.states(), 1)
