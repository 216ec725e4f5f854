"""What the carrier reports, signed, through the real receiver: in any order, early, and twice."""

import itertools
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment
from edu_pipeline.mail import web
from edu_pipeline.mail.delivery import deliver
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import EVENTS
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.protocol import Log
from edu_pipeline.mail.transports.sendgrid import SendGridTransport
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.mail import Mail, SendGrid
from edu_pipeline_tests.fake_sendgrid.process import FakeSendGrid
from edu_pipeline_tests.faults.campaign import GRACE, Campaign
from edu_pipeline_tests.faults.conftest import CampaignMaker
from edu_pipeline_tests.faults.sender import CAMPAIGN, PERIOD, Clock
from edu_pipeline_tests.mail.serving import serving

ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

STORIES = (
    (("processed",), State.sent),
    (("deferred",), State.sent),
    (("processed", "deferred", "delivered"), State.delivered),
    (("processed", "delivered", "machine_open", "open", "click"), State.delivered),
    (("machine_open",), State.delivered),
    (("processed", "bounce"), State.bounced),
    (("processed", "deferred", "blocked"), State.bounced),
    (("processed", "delivered", "bounce"), State.bounced),
    (("dropped",), State.dropped),
    (("processed", "delivered", "open", "spamreport"), State.complained),
    (("processed", "delivered", "unsubscribe"), State.delivered),
    ((), State.sent),
)
"""What happens to a letter, and where it then stands."""


@contextmanager
def receiver(ledger: Ledger, fake: FakeSendGrid, clock: Clock) -> Iterator[str]:
    """The URL that takes events for a ledger."""
    mail = Mail(tracking="individual", sendgrid=SendGrid(webhook_key=fake.public_key()))
    templates = environment([shipped("templates")])
    application = web.app(ledger, Settings(mail=mail), templates, clock)
    with serving(application) as (host, port):
        yield f"http://{host}:{port}/events"


def report(campaign: Campaign, url: str, *kinds: str) -> None:
    """Have the fake say this of the first letter."""
    told = campaign.fake.events(plan={"teachers:2026-W40:t_1": kinds}, url=url)
    assert told["statuses"] == [204]


@ON_SQLITE
def test_events_in_every_order_and_twice_leave_the_same_state(campaign_of: CampaignMaker) -> None:
    kinds = ("processed", "delivered", "open", "spamreport")
    orders = list(itertools.permutations(range(len(kinds))))
    campaign = campaign_of(len(orders))
    campaign.send(connections=4)
    keys = sorted(campaign.states())
    told = campaign.fake.events(plan=dict.fromkeys(keys, kinds), batch=1)["requests"]
    by_letter: dict[str, list[Mapping[str, Any]]] = {key: [] for key in keys}
    for request in told:
        by_letter[json.loads(request["body"])[0]["edu_letter"]].append(request)
    with (
        receiver(campaign.ledger, campaign.fake, campaign.clock) as url,
        httpx.Client(trust_env=False) as client,
    ):
        for key, order in zip(keys, orders, strict=True):
            for number in (*order, order[0]):
                request = by_letter[key][number]
                body = request["body"].encode()
                answer = client.post(url, content=body, headers=request["headers"])
                assert answer.status_code == httpx.codes.NO_CONTENT
    assert campaign.counts() == {State.complained: len(orders)}
    assert _kept(campaign.ledger) == len(orders) * len(kinds)


@ON_SQLITE
def test_events_shuffled_repeated_and_reissued_leave_the_ledger_the_same(
    campaign_of: CampaignMaker, tmp_path: Path
) -> None:
    campaign = campaign_of(2 * len(STORIES))
    campaign.send(connections=4)
    keys = sorted(campaign.states())
    stories = dict(zip(keys, STORIES * 2, strict=True))
    plan = {key: kinds for key, (kinds, _) in stories.items()}
    for seed, batch in enumerate((1, 5, 100)):
        copy = tmp_path / f"copy{seed}.db"
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as source:
            source.execute("pragma wal_checkpoint(truncate)")
        for end in ("db", "journal"):
            shutil.copy(tmp_path / f"ledger.{end}", copy.with_suffix(f".{end}"))
        with (
            Ledger(f"sqlite:///{copy}") as ledger,
            receiver(ledger, campaign.fake, campaign.clock) as url,
        ):
            told = campaign.fake.events(
                plan=plan,
                duplicates=0.4,
                reissued=0.4,
                shuffle=True,
                batch=batch,
                seed=seed,
                url=url,
            )
            assert set(told["statuses"]) == {204}
            states = {entry.key: entry.state for entry in ledger.entries(CAMPAIGN, PERIOD)}
            assert states == {key: state for key, (_, state) in stories.items()}
            assert _kept(ledger) == sum(len(kinds) for kinds in plan.values())


@pytest.mark.parametrize("dies", [False, True])
def test_a_report_that_comes_before_the_sender_has_noted_the_outcome_is_not_lost(
    campaign_of: CampaignMaker,
    dies: bool,
) -> None:
    campaign = campaign_of(2)
    answered = ("answered", "t_1")
    with campaign.sender(halts=answered, waits=True) as sender:
        sender.reach(answered)
        with receiver(campaign.ledger, campaign.fake, campaign.clock) as url:
            report(campaign, url, "processed", "delivered")
        assert campaign.counts() == {State.claimed: 1, State.pending: 1}
        if dies:
            sender.kill()
        else:
            sender.go_on()
            sender.end()
    # the logs have nothing yet: what is known is known from the report
    result = campaign.send(grace=GRACE)
    assert result.counts == {State.delivered: 1, State.sent: 1}
    assert campaign.fake.counts() == dict.fromkeys(campaign.states(), 1)


@ON_SQLITE
def test_a_report_alone_settles_a_doubt(campaign_of: CampaignMaker) -> None:
    campaign = campaign_of(1)
    campaign.later(0, "close_after_body")
    assert campaign.send().counts == {State.unknown: 1}
    with receiver(campaign.ledger, campaign.fake, campaign.clock) as url:
        report(campaign, url, "processed")
    assert campaign.counts() == {State.sent: 1}
    campaign.later(GRACE.total_seconds())
    assert campaign.send(grace=GRACE).counts == {State.sent: 1}
    assert campaign.fake.counts().total() == 1


@ON_SQLITE
def test_a_report_that_comes_while_the_logs_are_asked_disturbs_nothing(
    campaign_of: CampaignMaker,
) -> None:
    campaign = campaign_of(2)
    campaign.later(0, "close_after_body")
    assert campaign.send().counts == {State.unknown: 1, State.sent: 1}
    campaign.later(GRACE.total_seconds())
    with receiver(campaign.ledger, campaign.fake, campaign.clock) as url:

        class Slow(SendGridTransport):
            def log(self, letter_group: str) -> Log | None:
                found = super().log(letter_group)
                report(campaign, url, "delivered")
                return found

        transport = Slow(
            campaign.fake.key,
            Mail(sendgrid=SendGrid(url=campaign.fake.url)),
            clock=campaign.clock,
        )
        done = deliver(
            campaign.ledger,
            transport,
            campaign=CAMPAIGN,
            period=PERIOD,
            now=campaign.clock,
            owner="test",
            rules=Rules(),
        )
        transport.close()
    assert done.counts == {State.delivered: 1, State.sent: 1}


def _kept(ledger: Ledger) -> int:
    with ledger.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(EVENTS)) or 0
