"""Rehearsal: copies of real letters to an operator, marked as a test and counted nowhere.

The letters stay where they stand in the ledger; what was rehearsed is noted beside them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.ledger.rehearsals import has_rehearsed, record_rehearsal
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import State
from edu_pipeline.mail.letter import Address
from edu_pipeline.mail.render import with_note
from edu_pipeline.mail.transports.protocol import REHEARSAL, Outcome, Transport

MARK = "[TEST] "


@dataclass(frozen=True)
class RehearsalReport:
    """What a rehearsal did, in letters."""

    sent: int
    known: int
    """Went to this operator before, with the same content."""
    not_sent: int
    stopped: str | None
    """Why it ended before every letter was tried, or what was wrong with the last one."""


def rehearse(
    ledger: Ledger,
    transport: Transport,
    keys: Iterable[str],
    *,
    to: str,
    now: Callable[[], datetime],
    by: str,
    again: bool = False,
) -> RehearsalReport:
    """Send copies of letters to an operator.

    Args:
        ledger: An open ledger.
        transport: The carrier.
        keys: Of the letters, in any state.
        to: The operator's address.
        now: The clock.
        by: Who rehearses.
        again: Also those that went to this operator before, with the same content.
    """
    sent = known = not_sent = 0
    stopped = None
    for key in keys:
        letter = ledger.letter(key)
        if not again and has_rehearsed(ledger, key, letter.digest, to):
            known += 1
            continue
        outcome = _send(transport, rehearsed(letter, to), now())
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
            sent += 1
            continue
        not_sent += 1
        stopped = outcome.detail
        if outcome.stops:
            break
    return RehearsalReport(sent=sent, known=known, not_sent=not_sent, stopped=stopped)


def rehearsed(letter: FrozenLetter, to: str) -> FrozenLetter:
    """The copy of a letter that goes to an operator."""
    name = letter.recipient.name or "somebody without a name"
    html, text = with_note(
        letter.html, letter.text, f"This is a test. The letter itself would go to {name}."
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


def _send(transport: Transport, letter: FrozenLetter, now: datetime) -> Outcome:
    try:
        return transport.send(letter, now)
    except Exception as error:  # noqa: BLE001 - the operator sees whether it arrived
        return Outcome.unknown(f"The transport broke off ({type(error).__name__}).")
