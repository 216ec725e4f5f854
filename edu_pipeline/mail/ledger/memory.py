"""What a ledger has to remember beyond itself, as lines of the journal.

A line's `kind` says what it is about: `letter` (its key, where it stands, by which transport, to
whom as a hash), `address` (as a hash, with scope, reason and whether it is suppressed),
`tombstone` (as the ledger has it), `pause`. Nothing is written from here.
"""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.ledger.journal import Line
from edu_pipeline.mail.ledger.tables import (
    ELSEWHERE,
    LETTERS,
    NEWEST_CONTROL,
    OUT,
    SUPPRESSIONS,
    TOMBSTONES,
)
from edu_pipeline.mail.ledger.tombstones import salt_of, tombstone
from edu_pipeline.mail.states import State

KEPT = OUT | {State.claimed, State.unknown, State.failed, State.cancelled}
"""What a ledger must not have forgotten of a letter."""

UNMET = "#"
"""Begins what stands for the address of somebody who wished something and is known by hash alone."""


def of_letter(
    key: str,
    state: State,
    at: datetime,
    *,
    to: str | None = None,
    by: str | None = None,
    transport_id: str | None = None,
    for_good: bool = False,
) -> Line:
    """Where a letter stands; `to` is a hash of its address."""
    line: dict[str, object] = {"kind": "letter", "key": key, "state": state, "at": at.isoformat()}
    more = {"to": to, "by": by, "id": transport_id, "good": for_good or None}
    return line | {name: value for name, value in more.items() if value is not None}


def of_address(
    salt: str, email: str, *, scope: str, suppressed: bool, reason: str, at: datetime
) -> Line:
    """What keeps from writing to an address, or does so no more."""
    return {
        "kind": "address",
        "to": hashed(salt, email),
        "scope": scope,
        "reason": reason,
        "suppressed": suppressed,
        "at": at.isoformat(),
    }


def of_pause(at: datetime, *, paused: bool) -> Line:
    """All sending was paused or resumed."""
    return {"kind": "pause", "paused": paused, "at": at.isoformat()}


def hashed(salt: str, email: str) -> str:
    """What stands for an address outside the ledger."""
    if email.startswith(UNMET):
        return email.removeprefix(UNMET)
    return tombstone(salt, same_address(email))


def memory(connection: sa.Connection) -> Iterator[Line]:
    """All that this ledger has to remember, as of now."""
    salt = salt_of(connection)
    newest = sa.select(sa.func.max(SUPPRESSIONS.c.id)).group_by(
        SUPPRESSIONS.c.email, SUPPRESSIONS.c.scope, SUPPRESSIONS.c.reason
    )
    wishes = sa.select(SUPPRESSIONS).where(SUPPRESSIONS.c.id.in_(newest))
    for row in connection.execute(wishes.order_by(SUPPRESSIONS.c.id)):
        yield of_address(
            salt,
            row.email,
            scope=row.scope,
            suppressed=row.suppressed,
            reason=row.reason,
            at=row.at,
        )
    for row in connection.execute(sa.select(TOMBSTONES)):
        yield {"kind": "tombstone", "hash": row.hash, "at": row.at.isoformat()}
    for row in connection.execute(NEWEST_CONTROL):
        yield of_pause(row.at, paused=row.paused)
    kept = LETTERS.c.state.in_(KEPT - {State.cancelled}) | LETTERS.c.cancelled_for_good
    for row in connection.execute(sa.select(LETTERS).where(kept)):
        yield of_letter(
            row.key,
            row.state,
            row.sent_at or row.claimed_at or row.queued_at,
            to=hashed(salt, row.email) if row.email else None,
            by=row.transport,
            transport_id=row.transport_id,
            for_good=row.cancelled_for_good,
        )
    for row in connection.execute(sa.select(ELSEWHERE)):
        yield of_letter(
            row.key,
            row.state,
            row.at,
            to=row.email_hash,
            by=row.transport,
            transport_id=row.transport_id,
            for_good=row.state is State.cancelled,
        )
