"""A ledger is put back as it was in the middle of a campaign: the carrier knows better."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edu_pipeline.mail.states import State
from edu_pipeline_tests.faults.campaign import GRACE
from edu_pipeline_tests.faults.conftest import CampaignMaker
from edu_pipeline_tests.faults.sender import CAMPAIGN, PERIOD


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_restored_ledger_sends_nothing_until_it_has_taken_over_what_the_carrier_knows(
    campaign_of: CampaignMaker, tmp_path: Path
) -> None:
    campaign = campaign_of(9)
    with campaign.sender(halts=("body sent", "t_4"), grace=GRACE) as dying:
        dying.end()
    # the whole home is restored, journal and all: only the carrier knows better
    backup(tmp_path / "ledger.db", tmp_path / "backup.db")
    shutil.copy(tmp_path / "ledger.journal", tmp_path / "backup.journal")
    campaign.later(GRACE.total_seconds())
    with campaign.sender(halts=("claim written", "t_7"), grace=GRACE) as dying:
        dying.end()
    assert campaign.fake.counts().total() == 6

    backup(tmp_path / "backup.db", tmp_path / "ledger.db")
    shutil.copy(tmp_path / "backup.journal", tmp_path / "ledger.journal")
    assert campaign.counts() == {State.sent: 3, State.claimed: 1, State.pending: 5}
    campaign.later(GRACE.total_seconds())
    for _ in range(2):
        refused = campaign.send(grace=GRACE)
        assert refused.error == "RestoredLedgerError"
        assert refused.counts == {State.sent: 4, State.pending: 5}
    assert campaign.fake.counts().total() == 6

    assert campaign.send(grace=GRACE, adopt=True).counts == {State.sent: 6, State.pending: 3}
    assert campaign.fake.counts().total() == 6
    assert campaign.send(grace=GRACE).counts == {State.sent: 9}
    assert campaign.fake.counts() == dict.fromkeys(campaign.states(), 1)
    taken = {mail.message_id for mail in campaign.fake.accepted()}
    assert campaign.ledger.transport_ids(CAMPAIGN, PERIOD) == taken


def backup(source: Path, target: Path) -> None:
    """Copy a database while it is open, as `sqlite3 .backup` does."""
    with opened(source) as old, opened(target) as new:
        old.backup(new)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection
