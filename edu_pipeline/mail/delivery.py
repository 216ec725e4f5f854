"""Delivery: takes a period's pending letters out, each at most once, whatever breaks.

One sender at a time. A letter is claimed in the ledger, committed, before its first byte goes
out; a claim whose sender died becomes unknown and is settled on the transport's evidence, never
by waiting. What may go out was decided when the letter was queued; how it goes is the
transport's.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from edu_pipeline.mail.ledger import Cause, FrozenLetter, Ledger
from edu_pipeline.mail.ledger_tables import State
from edu_pipeline.mail.transports.protocol import Outcome, Transport


class DeliveryBusyError(Exception):
    """Another sender is at work on this ledger."""


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
    found_sent: int
    """Of any period: interrupted earlier, and found to have gone out."""
    found_unsent: int
    """Of any period: interrupted earlier, found not to have gone out, and pending again."""
    counts: Mapping[State, int]
    """All letters of this campaign and period by state, afterwards."""


def deliver(
    ledger: Ledger,
    transport: Transport,
    *,
    campaign: str,
    period: str,
    now: Callable[[], datetime],
    owner: str,
    lock_path: Path,
    on_progress: Callable[[int, int], None] | None = None,
) -> DeliveryReport:
    """Send every letter of a campaign and period that is pending and still news.

    One letter's failure does not keep the others. `owner` names this sender in the ledger,
    `on_progress` hears how many letters of how many are done.

    Raises:
        DeliveryBusyError: Another sender holds the lock.
    """
    with _only_sender(lock_path):
        found = _reconcile(ledger, transport, now, owner)
        expired = ledger.expire(now=now(), by=owner)
        keys = ledger.waiting(campaign, period)
        outcomes: Counter[State] = Counter()
        for done, key in enumerate(keys, start=1):
            if ledger.claim(key, owner=owner, transport=transport.name, now=now()):
                outcome = _send(transport, ledger.letter(key), now())
                ledger.record(
                    key,
                    outcome.state,
                    now=now(),
                    detail=outcome.detail,
                    transport_id=outcome.transport_id,
                )
                outcomes[outcome.state] += 1
            if on_progress:
                on_progress(done, len(keys))
        return DeliveryReport(
            sent=outcomes[State.sent],
            failed=outcomes[State.failed],
            not_sent=outcomes[State.pending],
            unknown=outcomes[State.unknown],
            expired=expired,
            found_sent=found[State.sent],
            found_unsent=found[State.pending],
            counts=ledger.counts(campaign, period),
        )


@contextmanager
def _only_sender(lock_path: Path) -> Iterator[None]:
    lock_path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise DeliveryBusyError(
            "Another delivery is under way. Wait until it has ended; what is then still pending "
            "goes out with the next one."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _reconcile(
    ledger: Ledger, transport: Transport, now: Callable[[], datetime], owner: str
) -> Counter[State]:
    """Settle what earlier senders left open, where the transport has evidence."""
    ledger.abandon_claims(now=now(), by=owner)
    found: Counter[State] = Counter()
    for key in ledger.unknown(transport.name):
        outcome = _find(transport, ledger.letter(key))
        if outcome.state is not State.unknown:
            ledger.resolve(
                key, outcome.state, Cause(now(), owner, outcome.detail), outcome.transport_id
            )
        found[outcome.state] += 1
    return found


def _send(transport: Transport, letter: FrozenLetter, now: datetime) -> Outcome:
    try:
        return transport.send(letter, now)
    except Exception as error:  # noqa: BLE001 - whatever broke, the letter may be out
        # only the kind: the text of a foreign error may hold an address
        return Outcome.unknown(f"The transport broke off ({type(error).__name__}); it may be out.")


def _find(transport: Transport, letter: FrozenLetter) -> Outcome:
    try:
        return transport.find(letter)
    except Exception as error:  # noqa: BLE001 - no evidence, so still unknown
        return Outcome.unknown(f"unexpected {type(error).__name__}")
