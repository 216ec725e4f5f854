"""A sender in a process of its own that tells every step it takes, to be killed at any of them.

The ledger, the transport and the delivery are the real ones: their subclasses here, and httpx's own
trace, only say how far they are. Everything but the clock is real, so that hours pass in no time.
"""

import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

import httpx
import sqlalchemy as sa

from edu_pipeline.mail.delivery import deliver
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.journal import Journal, Line, Point
from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.ledger.store import Ended, Ledger
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.protocol import Outcome
from edu_pipeline.mail.transports.sendgrid import SendGridTransport
from edu_pipeline.settings.mail import Mail, SendGrid
from edu_pipeline_tests.ledgers import FORKS

Step = tuple[str, str]
"""One of `STEPS` or another, and the key of the recipient whom the letter is to, or nothing."""

CAMPAIGN, PERIOD = "teachers", "2026-W40"

STEPS = (
    "claim written",
    "claim in the ledger alone",
    "claim committed",
    "connecting",
    "connected",
    "headers sent",
    "body sent",
    "answered",
    "outcome written",
    "outcome in the ledger alone",
    "outcome committed",
)
"""What happens to a letter, in order; `written` is before its commit, `committed` after the journal."""

_TRACED = {
    "connection.connect_tcp.started": "connecting",
    "connection.connect_tcp.complete": "connected",
    "http11.send_request_headers.complete": "headers sent",
    "http11.send_request_body.complete": "body sent",
    "http11.receive_response_headers.complete": "answered",
}
_TLS = httpx.create_ssl_context()
"""Read once, not by every sender: these speak http."""


@dataclass(frozen=True)
class Order:
    """What a sender is to do."""

    ledger: str
    api: str
    key: str
    begin: datetime
    """What time it is when it starts."""
    grace: timedelta | None = None
    connections: int = 1
    timeout: float = 30
    adopt: bool = False
    halts: Step | None = None
    """Here it dies, or waits to be told to go on."""
    waits: bool = False
    forgetful: bool = False
    """It takes what it does not know to be out for unsent, as senders do that mark after sending."""


@dataclass(frozen=True)
class Result:
    """How a sender ended."""

    counts: Mapping[State, int]
    stopped: str | None
    error: str | None = None
    """The kind of error where it refused to begin."""


class Sender:
    """The process, from outside: hears its steps, kills it, lets it go on."""

    def __init__(self, order: Order) -> None:
        self._wire, theirs = FORKS.Pipe()
        self._process = FORKS.Process(target=_run, args=(order, theirs))
        self._process.start()
        theirs.close()
        self.result: Result | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._wire.close()
        self._process.close()

    def step(self) -> Step | None:
        """The next step that it took; None when it has ended or died."""
        try:
            told = self._wire.recv()
        except (EOFError, ConnectionError):
            return None
        if isinstance(told, Result):
            self.result = told
            return None
        assert isinstance(told, tuple)
        return told

    def steps(self, number: int) -> int:
        """How many steps it took until it ended, at most so many."""
        return sum(1 for _ in range(number) if self.step())

    def reach(self, step: Step) -> None:
        """Wait until it has come so far."""
        while (taken := self.step()) != step:
            assert taken, f"it never came to: {step}"

    def go_on(self) -> None:
        self._wire.send(None)

    def end(self) -> Result | None:
        """Wait until it ends; None where it died."""
        while self.step():
            pass
        self._process.join()
        if self._process.exitcode:
            assert self._process.exitcode in {-9, 9}, "it broke down; its error is above"
            return None
        return self.result

    def kill(self) -> None:
        """SIGKILL: it has no say in it."""
        self._process.kill()
        self._process.join()


class Clock:
    """Runs as fast as the real one, and jumps where somebody sleeps."""

    def __init__(self, begin: datetime) -> None:
        self._begin, self._started, self._slept = begin, time.monotonic(), 0.0

    def __call__(self) -> datetime:
        return self._begin + timedelta(seconds=time.monotonic() - self._started + self._slept)

    def monotonic(self) -> float:
        return time.monotonic() + self._slept

    def sleep(self, seconds: float) -> None:
        self._slept += seconds


class _Steps:
    """Tells each step, and dies or waits at the one that was ordered."""

    def __init__(self, order: Order, wire: Connection) -> None:
        self._order, self._wire = order, wire
        self._lock = threading.Lock()
        self._thread = threading.local()

    def about(self, key: str) -> None:
        """What this thread does from now on is about this letter."""
        self._thread.recipient = key.split(":")[2]

    def reach(self, name: str, recipient: str | None = None) -> None:
        step = (name, recipient or getattr(self._thread, "recipient", ""))
        halts = step == self._order.halts
        if halts and not self._order.waits:
            os._exit(9)
        with self._lock:
            self._wire.send(step)
        if halts:
            self._wire.recv()

    def trace(self, event: str, info: object) -> None:
        """Hears from httpcore how far a request is."""
        del info
        if event in _TRACED:
            self.reach(_TRACED[event])


class _Journal(Journal):
    """Tells when the ledger alone has what it is to write."""

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        super().__init__(path)
        self._tell = tell

    def append(self, at: Point, lines: Iterable[Line]) -> None:
        self._tell("in the ledger alone")
        super().append(at, lines)


class _Ledger(Ledger):
    def __init__(self, url: str, steps: _Steps) -> None:
        self._steps = steps
        self._changes: list[Step] = []
        super().__init__(url)
        if self.journal:
            self.journal = _Journal(self.journal.path, self._tell)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        with super().begin() as connection:
            yield connection
            self._tell("written")
        self._tell("committed")

    def _tell(self, moment: str) -> None:
        """Of each letter in the transaction; of one that is about none, that there was one."""
        for what, recipient in self._changes or [("other", "")]:
            self._steps.reach(f"{what} {moment}", recipient)

    def exchange(
        self,
        ended: Collection[Ended],
        keys: Collection[str],
        *,
        owner: str,
        transport: str,
        now: datetime,
        only_addressees: bool = False,
    ) -> Sequence[FrozenLetter]:
        self._changes = [
            *(("outcome", each.key.split(":")[2]) for each in ended),
            *(("claim", key.split(":")[2]) for key in keys),
        ]
        try:
            return super().exchange(
                ended,
                keys,
                owner=owner,
                transport=transport,
                now=now,
                only_addressees=only_addressees,
            )
        finally:
            self._changes = []


class _Telling(SendGridTransport):
    """Says of which letter this thread's steps on the wire are."""

    steps: _Steps

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
        self.steps.about(letter.key)
        return super().send(letter, now)


class _Forgetful(_Telling):
    def find(self, letter: FrozenLetter) -> Outcome:
        del letter
        return Outcome.not_sent("no note of it")

    def log(self, letter_group: str) -> None:
        del letter_group


class _Wire(httpx.BaseTransport):
    """Has httpcore tell how far each request is."""

    def __init__(self, wire: httpx.BaseTransport, steps: _Steps) -> None:
        self._wire, self._steps = wire, steps

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "trace": self._steps.trace}
        return self._wire.handle_request(request)


def transport(order: Order, clock: Clock) -> _Telling:
    """As an order says."""
    kind = _Forgetful if order.forgetful else _Telling
    settings = SendGrid(url=order.api, timeout_seconds=order.timeout)
    mail = Mail(connections=order.connections, tracking="individual", sendgrid=settings)
    return kind(order.key, mail, clock=clock, monotonic=clock.monotonic)


def _run(order: Order, wire: Connection) -> None:
    httpx._transports.default.create_ssl_context = lambda **_: _TLS  # type: ignore[attr-defined]
    steps = _Steps(order, wire)
    clock = Clock(order.begin)
    carrier = transport(order, clock)
    carrier.steps = steps
    carrier.api._wire = _Wire(carrier.api._wire, steps)
    with _Ledger(order.ledger, steps) as ledger:
        try:
            report = deliver(
                ledger,
                carrier,
                campaign=CAMPAIGN,
                period=PERIOD,
                now=clock,
                owner="sender",
                rules=Rules(connections=order.connections, auto_requeue=order.grace),
                adopt=order.adopt,
                sleep=clock.sleep,
                monotonic=clock.monotonic,
            )
        except LedgerError as error:
            result = Result(ledger.counts(CAMPAIGN, PERIOD), None, type(error).__name__)
        else:
            result = Result(report.counts, report.stopped)
    carrier.close()
    wire.send(result)
