"""A fake SendGrid for a whole session, and campaigns against it."""

from collections.abc import Callable, Iterator

import pytest

from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline_tests.fake_sendgrid.process import FakeSendGrid
from edu_pipeline_tests.faults.campaign import Campaign

CampaignMaker = Callable[[int], Campaign]


@pytest.fixture(scope="session")
def fake_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeSendGrid]:
    with FakeSendGrid(tmp_path_factory.mktemp("sendgrid")) as process:
        yield process


@pytest.fixture
def campaign_of(fake_process: FakeSendGrid, ledger: Ledger, url: str) -> CampaignMaker:
    """A campaign of so many letters, on SQLite and on PostgreSQL."""
    return lambda letters: Campaign(fake_process, ledger, url, letters)
