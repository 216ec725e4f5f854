"""Rehearsal: copies of real letters to an operator, marked as a test and counted nowhere.

The letters stay where they stand in the ledger; what was rehearsed is noted beside them.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from edu_pipeline.mail.ledger.controls import paused
from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.ledger.rehearsals import has_rehearsed, record_rehearsal
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.letter import Address
from edu_pipeline.mail.links import disarmed
from edu_pipeline.mail.pace import Pace, Rules, standstill
from edu_pipeline.mail.render import with_note
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.protocol import REHEARSAL, Transport, attempt

MARK = "[TEST] "
_ANY_TIME = Rules()


@dataclass(frozen=True)
class RehearsalReport:
    """What a rehearsal did, in letters."""

    sent: int
    known: int
    """Went to this operator before, with the same content."""
    not_sent: int
    stopped: str | None
    """Why it ended before every letter was tried, or what was wrong with the last that failed."""


def rehearse(
    ledger: Ledger,
    transport: Transport,
    keys: Iterable[str],
    *,
    to: str,
    now: Callable[[], datetime],
    by: str,
    rules: Rules,
    again: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> RehearsalReport:
    """Send copies of letters to an operator, unless all sending is paused.

    Args:
        ledger: An open ledger.
        transport: The carrier.
        keys: Of the letters, in any state.
        to: The operator's address.
        now: The clock.
        by: Who rehearses.
        rules: How fast copies go, and after how many failures in a row none goes any more. The
            sending window and the hourly limit are for letters to recipients.
        again: Also those that went to this operator before, with the same content.
        sleep: Waits so many seconds.
        monotonic: The clock by which it waits.
    """
    sent = known = not_sent = in_a_row = 0
    stopped = None
    pace = Pace(rules.per_second, monotonic)
    for key in keys:
        if brake := standstill(_ANY_TIME, paused(ledger), now()):
            stopped = brake
            break
        letter = ledger.letter(key)
        if not again and has_rehearsed(ledger, key, letter.digest, to):
            known += 1
            continue
        if seconds := pace.seconds():
            sleep(seconds)
        pace.take()
        outcome = attempt(transport, rehearsed(letter, to), now())
        record_rehearsal(
            ledger,
            key,
            letter.digest,
            to,
            outcome=outcome.state,
            detail=outcome.detail,
            transport=transport.name,
            now=now(),
            by=by,
        )
        if outcome.state is State.sent:
            sent, in_a_row = sent + 1, 0
            continue
        not_sent, in_a_row = not_sent + 1, in_a_row + 1
        stopped = outcome.detail
        if outcome.stops or outcome.retry_after or in_a_row >= rules.stop_after:
            break
    return RehearsalReport(sent=sent, known=known, not_sent=not_sent, stopped=stopped)


def rehearsed(letter: FrozenLetter, to: str) -> FrozenLetter:
    """The copy of a letter that goes to an operator; nobody can be unsubscribed by it."""
    name = letter.recipient.name or "somebody without a name"
    html, text = with_note(
        disarmed(letter.html),
        disarmed(letter.text),
        f"This is a test. The letter itself would go to {name}.",
    )
    return replace(
        letter,
        key=f"{REHEARSAL}{letter.key}",
        recipient=Address(to),
        subject=f"{MARK}{letter.subject}",
        html=html,
        text=text,
        headers={},
    )
