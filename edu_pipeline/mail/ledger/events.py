"""Events of letters in the ledger: each kept once, then folded into its letter's state.

What came twice, late or out of order changes nothing: an event counts by its id and by its
fingerprint, and `mail.events.fold` knows no order.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.events import MailEvent
from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.store import fold_events
from edu_pipeline.mail.ledger.suppressions import OF_THE_PERSON, note
from edu_pipeline.mail.ledger.tables import EVENTS, LETTERS
from edu_pipeline.mail.lists import EVERY_CAMPAIGN
from edu_pipeline.mail.suppressed import Suppressed

Tracking = Literal["off", "aggregate", "individual"]

Line = sa.Row[Any, Any, Any, Any]
"""Of a letter: `key`, `campaign`, `period`, `email`."""

_BY = "SendGrid"
_TRIES = 3
_AT_ONCE = 500
_ENGAGEMENT = frozenset({"opened", "clicked"})


@dataclass(frozen=True)
class EventCounts:
    """What recording a batch did, in events."""

    new: int
    known: int
    """Came before, under this id or another."""
    foreign: int
    """Of letters that this ledger does not have, or has under another address by now; left out,
    but for what they say of that address."""
    untracked: int
    """Opens and clicks that nobody asked for; left out."""
    suppressed: int
    """After which an address is not written to any more."""


def record_events(
    ledger: Database, events: Iterable[MailEvent], *, now: datetime, tracking: Tracking
) -> EventCounts:
    """Keep what is new of a batch, fold it into the letters, suppress whom it says to.

    One transaction: committed when this returns, and nothing of it is kept when it raises. The same
    batch again changes nothing.

    Args:
        ledger: An open ledger.
        events: In any order, as often as they come.
        now: With time zone.
        tracking: `off` keeps no opens and clicks, `aggregate` keeps them without whose they are.
    """
    batch = sorted(events, key=lambda event: (event.at, event.fingerprint))
    own = ledger.identity("id")

    def once() -> EventCounts:
        with ledger.begin() as connection:
            return _record(connection, batch, own, now, tracking)

    for _ in range(_TRIES - 1):
        with suppress(IntegrityError):  # another process got one of them meanwhile
            return once()
    return once()


def _record(
    connection: sa.Connection,
    batch: Sequence[MailEvent],
    own: str,
    now: datetime,
    tracking: Tracking,
) -> EventCounts:
    letters = _letters(connection, {event.letter_key for event in batch if event.ledger_id == own})
    known = [event for event in batch if event.ledger_id == own and event.letter_key in letters]
    ours = [event for event in known if not _of_an_earlier_address(event, letters)]
    wanted = [e for e in ours if tracking != "off" or e.kind not in _ENGAGEMENT]
    new = _unknown(connection, wanted)
    if new:
        connection.execute(
            EVENTS.insert(),
            [_row(event, letters[str(event.letter_key)], now, tracking) for event in new],
        )
    suppressed = sum(
        _suppress(connection, event, letters[str(event.letter_key)].email) for event in new
    )
    for event in known:
        if _of_an_earlier_address(event, letters):
            suppressed += _suppress_earlier(connection, event, letters[str(event.letter_key)].email)
    for event in batch:
        if event.letter_key is None and event.ledger_id in {None, own}:
            suppressed += _late_bounce(connection, event)
    for some in _parts(sorted({str(event.letter_key) for event in new})):
        fold_events(connection, some, now)
    return EventCounts(
        new=len(new),
        known=len(wanted) - len(new),
        foreign=len(batch) - len(ours),
        untracked=len(ours) - len(wanted),
        suppressed=suppressed,
    )


def _letters(connection: sa.Connection, keys: Collection[str | None]) -> Mapping[str, Line]:
    """The letters of a batch, kept from other receivers and the sender until the end.

    Or two events of one letter could each be folded without the other. SQLite knows no such lock
    and needs none: there the first write keeps all other writers out.
    """
    columns = (LETTERS.c.key, LETTERS.c.campaign, LETTERS.c.period, LETTERS.c.email)
    found: dict[str, Line] = {}
    for some in _parts(sorted(key for key in keys if key)):
        query = sa.select(*columns).where(LETTERS.c.key.in_(some)).order_by(LETTERS.c.key)
        found |= {row.key: row for row in connection.execute(query.with_for_update())}
    return found


def _unknown(connection: sa.Connection, events: Sequence[MailEvent]) -> list[MailEvent]:
    """Those whose id and fingerprint are both new, each once."""
    seen: set[str] = set()
    for column, values in (
        (EVENTS.c.event_id, [event.event_id for event in events]),
        (EVENTS.c.fingerprint, [event.fingerprint for event in events]),
    ):
        for some in _parts(values):
            seen |= set(connection.scalars(sa.select(column).where(column.in_(some))))
    new = []
    for event in events:
        if not seen & {event.event_id, event.fingerprint}:
            new.append(event)
        seen |= {event.event_id, event.fingerprint}
    return new


def _row(event: MailEvent, letter: Line, now: datetime, tracking: Tracking) -> dict[str, Any]:
    anonymous = tracking == "aggregate" and event.kind in _ENGAGEMENT
    return {
        "event_id": event.event_id,
        "fingerprint": event.fingerprint,
        "letter_key": None if anonymous else event.letter_key,
        "campaign": letter.campaign,
        "period": letter.period,
        "kind": event.kind,
        "machine": event.machine,
        "detail": event.detail,
        "at": event.at,
        "received_at": now,
    }


def _of_an_earlier_address(event: MailEvent, letters: Mapping[str, Line]) -> bool:
    """Whether it is of an attempt before the letter was addressed anew: it says nothing of the next."""
    letter = letters[str(event.letter_key)]
    return event.email is not None and event.email != same_address(letter.email)


def _suppress(connection: sa.Connection, event: MailEvent, email: str) -> bool:
    """For all campaigns: the carrier drops whatever else is sent to that address, too."""
    return event.suppresses is not None and note(
        connection,
        Suppressed(email, event.suppresses, event.at),
        scope=EVERY_CAMPAIGN,
        source="webhook",
        by=_BY,
    )


def _suppress_earlier(connection: sa.Connection, event: MailEvent, email: str) -> bool:
    """The address that the event is about; what its owner wants goes along to the new one."""
    new = event.email is not None and _suppress(connection, event, event.email)
    if event.suppresses in OF_THE_PERSON:
        new = _suppress(connection, event, email) or new
    return new


def _late_bounce(connection: sa.Connection, event: MailEvent) -> bool:
    """A bounce that came days later does not say of which letter; its address is still no good.

    Only an address that this ledger has written to: the account may have other users.
    """
    if event.suppresses != "bounce" or event.email is None:
        return False
    written_to = sa.exists().where(sa.func.lower(LETTERS.c.email) == event.email)
    return bool(connection.scalar(sa.select(written_to))) and _suppress(
        connection, event, event.email
    )


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many as a statement may have as parameters."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
