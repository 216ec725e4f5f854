"""A campaign against the fake SendGrid: senders, faults and hours pass; the server's ledger counts.

The time is made up: it runs on by itself and jumps between two senders, for the fake as for them.
"""

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import sqlalchemy as sa

from edu_pipeline.mail.ledger.store import Cause, Ledger
from edu_pipeline.mail.ledger.tables import CHANGES
from edu_pipeline.mail.states import State
from edu_pipeline_tests.fake_sendgrid.faults import Fault
from edu_pipeline_tests.fake_sendgrid.process import FakeSendGrid
from edu_pipeline_tests.faults.sender import CAMPAIGN, PERIOD, Clock, Order, Result, Sender
from edu_pipeline_tests.mail.letters import letter

FRIDAY = datetime(2026, 10, 2, 15, tzinfo=UTC)
LOG_DELAY = 1500.0
"""Seconds until a mail is in the fake's logs."""
GRACE = timedelta(minutes=40)
"""Longer than the log delay, and a step, together."""
LONGEST_STEP = 600.0
"""Seconds between two senders: what the first left on the wire may be taken after the step."""

_IN_DOUBT = frozenset({State.claimed, State.unknown})
_MOST_SENDERS = 400


class Campaign:
    """One week's letters, one fake SendGrid, and one sender after the other."""

    def __init__(self, fake: FakeSendGrid, ledger: Ledger, url: str, letters: int) -> None:
        self.fake, self.ledger = fake, ledger
        self.clock = Clock(FRIDAY)
        self._url = url
        ledger.queue((letter(f"t_{n}") for n in range(1, letters + 1)), now=FRIDAY, by="test")
        fake.reset()
        self.later(0)

    def later(self, seconds: float, *script: Fault | None, **faults: Any) -> None:
        """Let time pass; then these are the faults, as `FakeSendGrid.faults` takes them."""
        self.clock.sleep(seconds)
        self.fake.set(log_delay=LOG_DELAY, clock=self.clock())
        self.fake.faults(*script, **({"reset_after_seconds": 1} | faults))

    def sender(self, **order: Any) -> Sender:
        known = {"ledger": self._url, "api": self.fake.url, "key": self.fake.key}
        return Sender(Order(**(known | {"begin": self.clock()} | order)))

    def send(self, **order: Any) -> Result:
        """Have a sender do what it can."""
        with self.sender(**order) as sender:
            result = sender.end()
        assert result, "the sender died"
        return result

    def counts(self) -> Mapping[State, int]:
        """The letters by state, as the ledger has it."""
        return self.ledger.counts(CAMPAIGN, PERIOD)

    def states(self) -> Mapping[str, State]:
        return {entry.key: entry.state for entry in self.ledger.entries(CAMPAIGN, PERIOD)}

    def send_again_what_was_refused(self) -> None:
        """As a person would."""
        for key in sorted(self.in_state({State.failed})):
            self.ledger.resolve(key, State.pending, Cause(self.clock(), "carla", "refused"))

    def settled(self) -> Counter[State]:
        """How many doubts ended in which state."""
        query = sa.select(CHANGES.c.to_state).where(CHANGES.c.from_state == State.unknown)
        with self.ledger.connect() as connection:
            return Counter(connection.scalars(query))

    def in_state(self, states: Collection[State]) -> set[str]:
        return {key for key, state in self.states().items() if state in states}


@dataclass(frozen=True)
class Storm:
    """How bad the day is."""

    seed: int
    letters: int
    faults: float
    """Share of the letters' requests."""
    kills: int
    """Until there were so many, every sender is killed that does not end before."""
    grace: timedelta | None = GRACE
    forgetful: bool = False
    kinds: Sequence[Fault] = get_args(Fault)
    connections: int = 4

    @property
    def is_safe(self) -> bool:
        """Whether nothing may go out twice."""
        return not self.forgetful and (self.grace is None or self.grace >= GRACE)


@dataclass(frozen=True)
class Tally:
    """What became of the letters, by the server's ledger."""

    kills: int
    senders: int
    times: Counter[int]
    """How many letters the server has so many times."""
    shown: int
    """Not on the server, and shown as in doubt."""
    silent: int
    """The ledger says something else than the server and shows no doubt."""
    found: int
    """Were in doubt and found in the carrier's records."""
    absent: int
    """Were in doubt, and sent again because the carrier's records did not have them."""

    @property
    def twice(self) -> int:
        """Letters that the server has more than once."""
        return sum(letters for times, letters in self.times.items() if times > 1)

    @property
    def lost(self) -> int:
        """Letters that the server does not have, of which nobody is told."""
        return self.times[0] - self.shown


def weather(campaign: Campaign, storm: Storm) -> Tally:
    """Send one week's letters through a storm, until all is settled that can be.

    A sender is killed after as many steps as the seed says. Letters that the carrier refused are
    sent again by a person.
    """
    dice = random.Random(storm.seed)  # noqa: S311 - no secret
    most_steps = 12 * storm.letters // max(storm.kills, 1)
    kills, quiet = 0, 0.0
    before: Mapping[str, State] = {}
    for senders in range(1, _MOST_SENDERS):
        step = dice.uniform(LONGEST_STEP / 2, LONGEST_STEP)
        campaign.later(step, probability=storm.faults, kinds=storm.kinds, seed=dice.random())
        with campaign.sender(
            connections=storm.connections,
            grace=storm.grace,
            forgetful=storm.forgetful,
            timeout=0.5,
        ) as sender:
            if kills < storm.kills:
                sender.steps(dice.randint(1, most_steps))
                sender.kill()
            killed = sender.end() is None
        kills += killed
        if not storm.is_safe and sender.result and sender.result.error == "RestoredLedgerError":
            campaign.send(adopt=True)  # what went out twice is known once
        else:
            assert killed or (sender.result and not sender.result.error), "it refused to begin"
        if storm.is_safe:
            _assert_nothing_is_hidden(campaign)
        campaign.send_again_what_was_refused()
        states = campaign.states()
        quiet = quiet + step if states == before else 0
        before = states
        stand = set(states.values())
        stuck = storm.grace is None and stand <= {State.sent, State.unknown}
        if stand == {State.sent} or (stuck and quiet > LOG_DELAY + LONGEST_STEP):
            return _tally(campaign, kills, senders)
    raise AssertionError(f"It does not come to an end: {campaign.counts()}")


def _assert_nothing_is_hidden(campaign: Campaign) -> None:
    """Whenever a sender dies, what the server has is what the ledger says, or doubts."""
    sent, doubted = campaign.in_state({State.sent}), campaign.in_state(_IN_DOUBT)
    taken = campaign.fake.counts()
    assert max(taken.values(), default=0) <= 1
    assert sent <= set(taken) <= sent | doubted


def _tally(campaign: Campaign, kills: int, senders: int) -> Tally:
    taken = campaign.fake.counts()
    states = campaign.states()
    sent, doubted = campaign.in_state({State.sent}), campaign.in_state(_IN_DOUBT)
    settled = campaign.settled()
    return Tally(
        kills=kills,
        senders=senders,
        times=Counter(taken[key] for key in states),
        shown=len(doubted - set(taken)),
        silent=len(sent ^ set(taken)) - len(doubted & set(taken)),
        found=settled[State.sent],
        absent=settled[State.pending],
    )
