"""Senders killed again and again while the carrier misbehaves; the carrier's ledger counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from edu_pipeline_tests.faults.campaign import LOG_DELAY, Storm, weather
from edu_pipeline_tests.faults.conftest import CampaignMaker

ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("url", ["postgresql"], indirect=True)

FOUL = Storm(seed=5, letters=24, faults=0.3, kills=4)
DOUBTFUL = replace(FOUL, kinds=("reset_before_body", "close_after_body"))


@ON_SQLITE
def test_killed_senders_and_faults_neither_lose_a_letter_nor_send_one_twice(
    campaign_of: CampaignMaker,
) -> None:
    tally = weather(campaign_of(120), Storm(seed=1, letters=120, faults=0.08, kills=10))
    assert (tally.times, tally.silent) == ({1: 120}, 0)
    assert tally.kills >= 3
    assert tally.found + tally.absent > 0, "nothing was in doubt"


@ON_POSTGRESQL
def test_neither_do_they_on_postgresql(campaign_of: CampaignMaker) -> None:
    tally = weather(campaign_of(FOUL.letters), FOUL)
    assert (tally.times, tally.silent) == ({1: FOUL.letters}, 0)
    assert tally.kills >= 1


@ON_SQLITE
def test_without_automatic_requeueing_what_nobody_can_prove_is_shown_and_not_sent_again(
    campaign_of: CampaignMaker,
) -> None:
    campaign = campaign_of(FOUL.letters)
    tally = weather(campaign, replace(DOUBTFUL, grace=None))
    assert (tally.twice, tally.lost, tally.silent, tally.absent) == (0, 0, 0, 0)
    assert tally.shown > 0, "nothing was in doubt"


@ON_SQLITE
def test_negative_control_a_grace_shorter_than_the_logs_are_late_sends_twice(
    campaign_of: CampaignMaker,
) -> None:
    short = timedelta(seconds=LOG_DELAY / 6)
    assert weather(campaign_of(FOUL.letters), replace(DOUBTFUL, grace=short)).twice > 0


@ON_SQLITE
def test_negative_control_a_sender_that_only_marks_after_sending_sends_twice(
    campaign_of: CampaignMaker,
) -> None:
    assert weather(campaign_of(FOUL.letters), replace(DOUBTFUL, forgetful=True)).twice > 0
