"""Letters to learners as they really leave: thousands of domains, and a server that says who got one."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.parser import BytesHeaderParser
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pytest

from edu_pipeline.facts.nudge_letters import courses_to_name
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.mail.delivery import DeliveryReport, deliver
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.queueing import Batch, queue_letters
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.protocol import Transport
from edu_pipeline.mail.transports.sendgrid import SendGridTransport
from edu_pipeline.mail.transports.smtp import SmtpTransport
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.nudges import Nudges
from edu_pipeline.model.programmes import Learners
from edu_pipeline.programmes.assets import addressees, nudge_batch
from edu_pipeline.programmes.letter import nudge_letters
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.fake_sendgrid.process import FakeSendGrid
from edu_pipeline_tests.mail.smtp_office import Door, Office
from edu_pipeline_tests.programmes.conftest import frame
from edu_pipeline_tests.programmes.test_nudge_letter import ADDRESS, PROGRAMME, edition, row

NOW = datetime(2027, 3, 9, 9, tzinfo=UTC)
CAMPAIGN, PERIOD = "nudges.lead", "2027-W10"
LEARNERS = 1_100
"""More than the ledger takes or looks for at once."""
LEFT, STRANGER = "l7@domain7.example", "stranger@elsewhere.example"
SETTINGS = Settings.model_validate(
    {
        "school": {"time_zone": "UTC"},
        "letters": {"from_email": "school@hill.example"},
        "mail": {
            "transport": "smtp",
            "approval": "none",
            "public_url": "https://letters.lumen.example",
            "allowed": ["hill.example"],
        },
        "programmes": [
            {
                **PROGRAMME.model_dump(exclude={"post", "requirement"}),
                "post": {
                    "from_name": "Lumen Online",
                    "from_email": "hello@lumen.example",
                    "reply_to": "desk@lumen.example",
                    "postal_address": ADDRESS,
                    "allowed": "learners",
                },
            }
        ],
    }
)
Deliver = Callable[[Ledger], tuple[DeliveryReport, Sequence[tuple[str, str, str]]]]
"""What a delivery did, and to whom, from whom and with which Reply-To letters arrived."""


def land(con: duckdb.DuckDBPyConnection, addresses: dict[str, str]) -> None:
    """Make `nudges` and `stg_learners`: id → address, everybody with news."""
    people = [
        {"learner_id": of, "username": f"u{of}", "name": f"Kim {of}", "email": address}
        for of, address in addresses.items()
    ]
    rows = [row(learner_id=of) for of in addresses]
    names = dtypes(Nudges)
    write_table(con, "stg_learners", frame(people, dtypes(Learners)))
    write_table(con, "nudges", frame([{n: r[n] for n in names if n in r} for r in rows], names))


def queue(ledger: Ledger, batch: Batch) -> Mapping[str, int]:
    return queue_letters(
        ledger,
        batch,
        known=None,
        of=(CAMPAIGN, PERIOD),
        by="test",
        settings=SETTINGS,
        correction=None,
    )


def sent(ledger: Ledger, transport: Transport) -> DeliveryReport:
    return deliver(
        ledger,
        transport,
        campaign=CAMPAIGN,
        period=PERIOD,
        now=lambda: NOW,
        owner="test",
        rules=Rules.of(SETTINGS, CAMPAIGN),
    )


@contextmanager
def by_smtp(_: Path) -> Iterator[Deliver]:
    office, headers = Office(), BytesHeaderParser(policy=policy.default)
    with ExitStack() as stack:
        door = Door(office, None)
        stack.callback(door.stop)
        server = SETTINGS.mail.smtp.model_copy(
            update={"host": "127.0.0.1", "port": door.port, "security": "none"}
        )
        transport = stack.enter_context(closing(SmtpTransport(server, None)))

        def delivered(ledger: Ledger) -> tuple[DeliveryReport, Sequence[tuple[str, str, str]]]:
            report = sent(ledger, transport)
            arrived = []
            for each in office.letters:
                assert isinstance(each.original_content, bytes)
                message: Any = headers.parsebytes(each.original_content)
                (to,) = each.rcpt_tos
                assert message["To"].addresses[0].addr_spec == to
                arrived.append((to, str(message["From"]), str(message["Reply-To"])))
            return report, arrived

        yield delivered


@contextmanager
def by_sendgrid(folder: Path) -> Iterator[Deliver]:
    with FakeSendGrid(folder) as fake:
        fake.set(clock=NOW)
        mail = SETTINGS.mail.model_copy(
            update={"sendgrid": SETTINGS.mail.sendgrid.model_copy(update={"url": fake.url})}
        )
        with closing(SendGridTransport(fake.key, mail, clock=lambda: NOW)) as transport:

            def delivered(ledger: Ledger) -> tuple[DeliveryReport, Sequence[tuple[str, str, str]]]:
                report = sent(ledger, transport)
                return report, [
                    (
                        each.email,
                        "{name} <{email}>".format(**each.payload["from"]),
                        each.payload["reply_to"]["email"],
                    )
                    for each in fake.accepted()
                ]

            yield delivered


EXPORTS = {str(n): f"l{n}@domain{n}.example" for n in range(1, LEARNERS + 1)}


@pytest.fixture(scope="module")
def queued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with a letter to every learner and to a stranger; to be copied.

    Since they were written one learner has left the exports.
    """
    file = tmp_path_factory.mktemp("queued") / "ledger.db"
    with duckdb.connect() as con, Ledger(f"sqlite:///{file}") as ledger:
        land(con, EXPORTS)
        ledger.record_periods("nudges", [], addressees(con, SETTINGS))
        of_all = edition(post=SETTINGS.post(CAMPAIGN))
        known = nudge_batch(con, of_all)
        stranger = nudge_letters([row(learner_id="0", email=STRANGER)], of_all)
        queue(ledger, replace(known, letters=chain(known.letters, stranger)))
        land(con, {of: address for of, address in EXPORTS.items() if address != LEFT})
        ledger.record_periods("nudges", [], addressees(con, SETTINGS))
    return file


@pytest.mark.parametrize("carrier", [by_smtp, by_sendgrid], ids=["SMTP", "SendGrid"])
def test_every_learner_of_the_exports_gets_one_letter_and_nobody_else_gets_any(
    queued: Path, tmp_path: Path, carrier: Any
) -> None:
    copy = shutil.copy(queued, tmp_path / "ledger.db")
    with Ledger(f"sqlite:///{copy}") as ledger, carrier(tmp_path) as delivered:
        report, arrived = delivered(ledger)
        assert report.counts == {State.sent: LEARNERS - 1, State.held: 2}
        assert (report.stopped, report.trouble) == (None, False)
        assert Counter(to for to, *_ in arrived) == dict.fromkeys(set(EXPORTS.values()) - {LEFT}, 1)
        assert {(sender, answers) for _, sender, answers in arrived} == {
            ("Lumen Online <hello@lumen.example>", "desk@lumen.example")
        }
        held = {e.email for e in ledger.entries(CAMPAIGN, PERIOD) if e.state is State.held}
        assert held == {LEFT, STRANGER}
        again, after = delivered(ledger)
        assert (again.sent, len(after)) == (0, LEARNERS - 1)


def test_letters_are_durable_before_the_next_are_written(tmp_path: Path) -> None:
    there = []
    with duckdb.connect() as con, Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:

        def written(key: str) -> str:
            there.append(sum(ledger.counts(CAMPAIGN, PERIOD).values()))
            return f"https://letters.lumen.example/out/{key}"

        land(con, {str(n): f"l{n}@lake.example" for n in range(120)})
        queue(ledger, nudge_batch(con, edition(opt_out_url=written)))
    assert there == [0] * 50 + [50] * 50 + [100] * 20


def test_learners_who_share_an_address_wait_however_it_is_spelt(tmp_path: Path) -> None:
    with duckdb.connect() as con, Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        land(con, {"1": "kim@lake.example", "2": "ada@lake.example", "3": " Kim@lake.example"})
        ledger.record_periods("nudges", [], addressees(con, SETTINGS))
        queue(ledger, nudge_batch(con, edition(post=SETTINGS.post(CAMPAIGN))))
        waits = {e.email: "the same address" in e.reason for e in ledger.entries(CAMPAIGN, PERIOD)}
    assert waits == {
        "kim@lake.example": True,
        "ada@lake.example": False,
        " Kim@lake.example": True,
    }


def test_the_courses_that_letters_name_are_known_before_one_is_written() -> None:
    with duckdb.connect() as con:
        land(con, {"1": "kim@lake.example", "2": "ada@lake.example"})
        assert sorted(courses_to_name(con, "lead")) == ["lead1x", "lead2x"]
        assert [*courses_to_name(con, "buslead")] == []
