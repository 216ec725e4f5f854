"""Delivery: takes a period's letters out, each at most once, whatever breaks.

One sender at a time, with several letters under way inside it. A letter is claimed in the ledger,
committed, before its first byte goes out; a claim whose sender died becomes unknown and is settled
on the carrier's evidence or by a person, never by waiting alone. What may go out was decided when
the letter was queued and approved; how it goes is the transport's.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

from edu_pipeline.mail.evidence import Evidence
from edu_pipeline.mail.ledger.controls import Pause, paused
from edu_pipeline.mail.ledger.store import (
    Cause,
    Ended,
    Ledger,
)
from edu_pipeline.mail.limits import not_to_leave
from edu_pipeline.mail.pace import HOUR, Pace, Rules, full, shown, standstill
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.protocol import (
    Outcome,
    Transport,
    attempt,
)
from edu_pipeline.settings.post import LEARNERS

FIRST_PAUSE = timedelta(minutes=1)
"""Before letters are brought again that are taken later; each further one is twice as long."""
LONGEST_WAIT = timedelta(minutes=5)
"""A carrier that asks for more patience in all ends the delivery; the rest goes with the next."""

FAR_AHEAD = timedelta(days=14)
"""A clock that is so long after all that the ledger knows may be wrong: no letter expires by it."""


@dataclass(frozen=True)
class DeliveryReport:
    """What one delivery did, in letters, and how the period stands after it."""

    sent: int
    failed: int
    not_sent: int
    """Provably did not go out; pending again."""
    unknown: int
    expired: int
    """Of any period: were waiting and are no longer news."""
    suppressed: int
    """Of any period: must not be written to by now."""
    found_sent: int
    """Of any period: interrupted earlier, and found to have gone out."""
    found_unsent: int
    """Of any period: interrupted earlier, found not to have gone out, and pending again."""
    stopped: str | None
    """Why it ended before every pending letter was tried."""
    trouble: bool
    """That is something which a person must look at, not just a matter of waiting."""
    counts: Mapping[State, int]
    """All letters of this campaign and period by state, afterwards."""
    notes: tuple[str, ...] = ()
    """What a person should know besides, in sentences."""


def deliver(
    ledger: Ledger,
    transport: Transport,
    *,
    campaign: str,
    period: str,
    now: Callable[[], datetime],
    owner: str,
    rules: Rules,
    adopt: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> DeliveryReport:
    """Send every letter of a campaign and period that is approved or pending, and still news.

    One letter's failure does not keep the others.

    Args:
        ledger: An open ledger.
        transport: The carrier.
        campaign: Such as `teachers`.
        period: Such as `2026-W40`.
        now: The clock on the wall. Nothing is waited for by it but the sending window.
        owner: Names this sender in the ledger.
        rules: How letters may leave.
        adopt: Take over what the carrier's records have and the ledger does not; where that is
            anything, nothing is sent.
        on_progress: Hears how many letters of how many are done.
        sleep: Waits so many seconds.
        monotonic: The clock by which is waited, in seconds; nobody sets it.

    Raises:
        SenderBusyError: Another sender is at work.
        RestoredLedgerError: The carrier knows letters of this period to be out that the ledger
            holds for unsent: it may have been restored from a backup. Nothing was sent.
    """
    with ledger.only_sender():
        known_time = ledger.last_known_time()
        ledger.abandon_claims(now=now(), by=owner)
        evidence = Evidence(ledger, transport, now, owner, rules.auto_requeue, sleep, patient=adopt)
        blocked = evidence.gather(campaign, period)
        blocked = blocked or evidence.take_over(campaign, period, adopt=adopt)
        found = evidence.found
        expired, clock = _expire(ledger, now(), known_time, owner, rules)
        suppressed = ledger.suppress_waiting(now=now(), by=owner)
        run = _Run(
            ledger=ledger,
            transport=transport,
            campaign=campaign,
            period=period,
            now=now,
            owner=owner,
            rules=rules,
            sleep=sleep,
            monotonic=monotonic,
            stopped=blocked,
            trouble=bool(blocked),
        )
        if run.may_go_on():
            if transport.leaves and rules.approval:
                ledger.demand_approval(campaign, period, now=now(), by=owner)
            ledger.release_approved(campaign, period, now=now(), by=owner)
            if transport.leaves:
                # they may have been queued under other settings
                for key, why in not_to_leave(ledger, campaign, period, rules.allowed).items():
                    ledger.hold(key, Cause(now(), owner, why))
            run.send_all(on_progress)
        outcomes = Counter(run.ends.values())
        return DeliveryReport(
            sent=outcomes[State.sent],
            failed=outcomes[State.failed],
            not_sent=outcomes[State.pending],
            unknown=outcomes[State.unknown],
            expired=expired,
            suppressed=suppressed,
            found_sent=found[State.sent],
            found_unsent=found[State.pending],
            stopped=run.stopped,
            trouble=run.trouble,
            counts=ledger.counts(campaign, period),
            notes=(*evidence.notes(), *clock),
        )


@dataclass
class _Run:
    """One delivery under way.

    One thread keeps the books, others send. What ended and what goes out next is one transaction,
    because a durable one takes longer than a letter: while it is written, more letters end. No more
    letters are claimed than there are connections, so no more are in doubt when the sender dies.
    """

    ledger: Ledger
    transport: Transport
    campaign: str
    period: str
    now: Callable[[], datetime]
    owner: str
    rules: Rules
    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    stopped: str | None
    trouble: bool
    ends: dict[str, State] = field(default_factory=dict)
    """Letter → how its last attempt ended."""

    def __post_init__(self) -> None:
        self._connections = max(1, min(self.rules.connections, self.transport.connections))
        self._pace = Pace(self.rules.per_second, self.monotonic)
        self._begin, self._started = self.now(), self.monotonic()
        self._waiting: deque[str] = deque()
        self._under_way: dict[Future[Outcome], str] = {}
        self._done: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self._ended: list[Ended] = []
        self._bad_in_a_row = 0
        self._waited = timedelta()
        self._again = False
        self._not_yet: dict[str, str] = {}
        self._pauses = 0
        self._gone = [*self.ledger.attempts_since(self._begin - HOUR, self.transport.name)]

    def send_all(self, on_progress: Callable[[int, int], None] | None) -> None:
        """Every pending letter once, and those again that the carrier asked to bring later."""
        with ThreadPoolExecutor(1) as keeper:
            try:
                # not in this thread: what a person breaks off by Ctrl-C must not be a claim
                kept = keeper.submit(self._keep_books, on_progress)
                while wait([kept], timeout=1).not_done:
                    pass  # a Ctrl-C just before a wait without an end would not be heard
                kept.result()
            except BaseException:
                self.stopped = "interrupted"  # so that the threads come to an end
                raise

    def _keep_books(self, on_progress: Callable[[int, int], None] | None) -> None:
        with ThreadPoolExecutor(self._connections) as senders:
            try:
                self._again = True
                while self._again and not self.stopped:
                    self._again = False
                    self._waiting.extend(self.ledger.waiting(self.campaign, self.period))
                    self._not_yet.clear()
                    self._one_round(senders, on_progress)
                    if self._not_yet and not self.stopped:
                        self._bring_again()
            except BaseException:
                self.stopped = "interrupted"
                self._one_round(senders, None)  # what is under way
                raise

    def _one_round(
        self, senders: ThreadPoolExecutor, on_progress: Callable[[int, int], None] | None
    ) -> None:
        total, heard = len(self._waiting), 0
        while self._under_way or self._ended or (self._waiting and not self.stopped):
            self._wait()
            now = self.now()
            keys = self._next()
            if not keys and not self._ended:
                continue
            letters = self.ledger.exchange(
                self._ended,
                keys,
                owner=self.owner,
                transport=self.transport.name,
                now=now,
                # a refresh may end while letters go out
                only_addressees=self.transport.leaves and self.rules.allowed == LEARNERS,
            )
            self._ended.clear()
            if len(letters) < len(keys):
                self.may_go_on()
            for letter in letters:
                attempted = senders.submit(attempt, self.transport, letter, now)
                self._under_way[attempted] = letter.key
                attempted.add_done_callback(self._done.put)
            done = total - len(self._waiting) - len(self._under_way)
            if on_progress and done > heard:
                heard = done
                on_progress(done, total)

    def _wait(self) -> None:
        """Until an attempt has ended, or the next letter may go on a free connection."""
        free = len(self._under_way) < self._connections
        seconds = self._pace.seconds() if free and self._waiting and not self.stopped else None
        if not self._under_way:
            if seconds:
                self.sleep(seconds)
            return
        with suppress(Empty):
            self._take(self._done.get(timeout=seconds))
            while True:
                self._take(self._done.get_nowait())

    def _take(self, attempted: Future[Outcome]) -> None:
        key = self._under_way.pop(attempted)
        outcome = attempted.result()
        self._ended.append(Ended(key, outcome.state, outcome.detail, outcome.transport_id))
        self._note(key, outcome)

    def _next(self) -> list[str]:
        """The letters that go out now: no more than connections are free, and the rules allow."""
        keys: list[str] = []
        free = self._connections - len(self._under_way)
        while self._waiting and not self.stopped and len(keys) < free and not self._pace.seconds():
            if why := self._at_rest(None):
                self._stop(why)
                break
            keys.append(self._waiting.popleft())
            self._gone.append(self._steady())
            self._pace.take()
        return keys

    def may_go_on(self) -> bool:
        """Stop where nothing may go out now: paused, outside the window, too many this hour.

        Or where the gate holds the period by now: a refresh may end while letters go out.
        """
        held = self.ledger.held(self.campaign, self.period)
        if why := held or self._at_rest(paused(self.ledger)):
            self._stop(why)
        return not self.stopped

    def _steady(self) -> datetime:
        """What the clock would say if nobody had set it since the delivery began."""
        return self._begin + timedelta(seconds=self.monotonic() - self._started)

    def _at_rest(self, pause: Pause | None) -> str | None:
        resting = standstill(self.rules, pause, self.now())
        return resting or full(self.rules, self._gone, self._steady())

    def _note(self, key: str, outcome: Outcome) -> None:
        self.ends[key] = outcome.state
        if outcome.state is State.pending:
            self._gone.pop()
        if outcome.stops:
            self._stop(outcome.detail, trouble=True)
        elif outcome.retry_after:
            self._later(outcome.retry_after)
        elif outcome.not_yet:
            self._not_yet[key] = outcome.detail
        elif outcome.state is State.sent or outcome.checked:
            self._bad_in_a_row = 0
        else:
            self._bad_in_a_row += 1
            if self._bad_in_a_row >= self.rules.stop_after:
                self._stop(
                    f"{self._bad_in_a_row} letters in a row did not go out or are in doubt. "
                    f"The last: {outcome.detail}",
                    trouble=True,
                )

    def _later(self, wait: timedelta) -> None:
        if not self._has_patience(wait):
            until = shown(self.now() + wait, self.rules.zone)
            self._stop(f"The carrier takes no more until {until}.")

    def _bring_again(self) -> None:
        """What is taken later, after a pause; at last with the next delivery."""
        wait = FIRST_PAUSE * 2**self._pauses
        self._pauses += 1
        if not self._has_patience(wait):
            self._stop(
                f"{len(self._not_yet)} letters are not taken yet. The last: "
                f"{list(self._not_yet.values())[-1]} They wait for the next delivery."
            )

    def _has_patience(self, wait: timedelta) -> bool:
        self._waited += wait
        if self._waited > LONGEST_WAIT:
            return False
        self._again = True
        self._pace.hold(wait)
        return True

    def _stop(self, why: str, *, trouble: bool = False) -> None:
        if not self.stopped:
            self.stopped, self.trouble = why, trouble


def _expire(
    ledger: Ledger, now: datetime, known: datetime | None, owner: str, rules: Rules
) -> tuple[int, Sequence[str]]:
    """Let letters expire that are no longer news, but not by a clock that is far ahead."""
    if known is None:
        return 0, ()
    expired = ledger.expire(now=known if now > known + FAR_AHEAD else now, by=owner)
    kept = ledger.lapsed(now)
    if not kept:
        return expired, ()
    return expired, (
        f"{kept} letters are no longer news by this machine's clock ({shown(now, rules.zone)}), but "
        f"the last that is known to have gone out or come back was on {shown(known, rules.zone)}. "
        "They wait and are not sent. If the clock is wrong, set it; if it is right, the next letters "
        "that go out settle it, or cancel these: edu-pipeline mail cancel",
    )
