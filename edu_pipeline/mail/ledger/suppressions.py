"""Who is not written to: an append-only log of suppressions, and what it means for a letter.

An address is suppressed for a campaign with those below it (`nudges.buslead` is below `nudges`), or
for all. The newest line of an address, scope and reason counts: what somebody wished outlives a
mailbox that was full in between, and nothing is lost when a line is lifted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl
import sqlalchemy as sa

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.ledger import journal
from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.memory import of_address
from edu_pipeline.mail.ledger.tables import LETTERS, SUPPRESSIONS, Text
from edu_pipeline.mail.ledger.tombstones import is_forgotten, salt_of
from edu_pipeline.mail.links import Subscription
from edu_pipeline.mail.lists import EVERY_CAMPAIGN, BadLine, read_suppressions, write_csv
from edu_pipeline.mail.suppressed import Reason, Suppressed

Source = Literal["link", "webhook", "sendgrid", "import", "person", "journal"]
"""Where a line is from: the recipient's link, an event, the carrier's list, a file, somebody here, or
what an older ledger took over from its journal."""

OF_THE_PERSON = frozenset({"unsubscribe", "complaint"})
"""What somebody wants goes with them to a new address; a full mailbox does not."""


@dataclass(frozen=True)
class Imported:
    """What reading a list did, in lines."""

    new: int
    known: int
    """Were there already, or something newer is known."""
    bad: tuple[BadLine, ...]
    undated: int = 0
    """Of letters that did not go out: left out."""


def reason_not_to_write(
    *, campaign: Text, recipient_key: Text, email: Text
) -> sa.ScalarSelect[str]:
    """Why a letter must not go to this person at this address; null where it may.

    A wish to be left alone also holds when the person has a new address since.

    Args:
        campaign: A column of `LETTERS`, or what a letter would have there.
        recipient_key: Likewise.
        email: Likewise, as `same_address` writes it.
    """
    line, newer, other = SUPPRESSIONS.c, SUPPRESSIONS.alias().c, LETTERS.alias().c
    earlier = sa.select(sa.func.lower(other.email)).where(other.recipient_key == recipient_key)
    above = sa.func.substr(campaign, 1, sa.func.length(line.scope) + 1) == line.scope + "."
    outdated = sa.exists().where(
        newer.email == line.email,
        newer.scope == line.scope,
        newer.reason == line.reason,
        newer.id > line.id,
    )
    return (
        sa.select(line.reason)
        .where(
            (line.email == email)
            | (line.email.in_(earlier.correlate(LETTERS)) & line.reason.in_(OF_THE_PERSON)),
            line.scope.in_([campaign, EVERY_CAMPAIGN]) | above,
            line.suppressed,
            ~outdated,
        )
        .order_by(line.id)
        .limit(1)
        .correlate(LETTERS)
        .scalar_subquery()
    )


def suppress(
    ledger: Database,
    address: str,
    scope: str,
    reason: Reason,
    *,
    source: Source,
    now: datetime,
    by: str,
) -> bool:
    """Write no more to an address; False where that is already so for this reason.

    Args:
        ledger: An open ledger.
        address: In any case.
        scope: A campaign, or `EVERY_CAMPAIGN`.
        reason: Why.
        source: Where that is known from.
        now: With time zone.
        by: Who or what did it.
    """
    with ledger.begin() as connection:
        email = same_address(address)
        newest = newest_line(connection, email, scope, reason)
        if (newest is not None and newest.suppressed) or is_forgotten(connection, email):
            return False
        append_line(connection, (email, scope), True, reason, source, now, by)
        return True


def lift(
    ledger: Database,
    address: str,
    scope: str,
    *,
    source: Source,
    now: datetime,
    by: str,
    reason: Reason | None = None,
) -> tuple[Reason, ...]:
    """Write to an address again, as far as a scope goes.

    Args:
        ledger: An open ledger.
        address: In any case.
        scope: A campaign, or `EVERY_CAMPAIGN`; the other stays as it is.
        source: Who says so.
        now: With time zone.
        by: Who or what did it.
        reason: Lift only this one; the default is all in force.

    Returns:
        What is lifted, oldest first; empty where nothing kept from writing.
    """
    with ledger.begin() as connection:
        found = _in_force(
            connection,
            SUPPRESSIONS.c.email == same_address(address),
            SUPPRESSIONS.c.scope == scope,
            *([SUPPRESSIONS.c.reason == reason] if reason else []),
        )
        for row in found:
            append_line(connection, (row.email, scope), False, row.reason, source, now, by)
        return tuple(row.reason for row in found)


def note(
    connection: sa.Connection,
    line: Suppressed,
    *,
    scope: str,
    source: Source,
    by: str,
) -> bool:
    """Take over what a carrier or a file says, unless it is known; whether it was new.

    Known is what is in force for the same reason, or was lifted since. A single refusal by the recipient's server
    suppresses nobody, and of people who were erased nothing is kept.
    """
    email = same_address(line.email)
    newest = newest_line(connection, email, scope, line.reason)
    if line.reason == "block" or (
        newest is not None and (newest.suppressed or newest.at >= line.at)
    ):
        return False
    if is_forgotten(connection, email):
        return False
    append_line(connection, (email, scope), True, line.reason, source, line.at, by)
    return True


def note_all(
    ledger: Database, lines: Iterable[Suppressed], *, scope: str, source: Source, by: str
) -> int:
    """Take over a carrier's own list, in one transaction; how many lines were new."""
    with ledger.begin() as connection:
        return sum(note(connection, line, scope=scope, source=source, by=by) for line in lines)


def in_force(ledger: Database) -> pl.DataFrame:
    """What keeps from writing: a row per `email`, `scope` and `reason`, with `source`, `at`, `by`."""
    columns = ("email", "scope", "reason", "source", "at", "by")
    with ledger.connect() as connection:
        rows = [{name: getattr(row, name) for name in columns} for row in _in_force(connection)]
    return pl.DataFrame(
        rows,
        schema=dict.fromkeys(columns, pl.String) | {"at": pl.Datetime("us", "UTC")},
    ).sort("email", "scope", "reason")


def import_suppressions(ledger: Database, content: bytes, *, now: datetime, by: str) -> Imported:
    """Take over a CSV of `email`, `scope`, `reason`, `at`; see `lists.read_suppressions`.

    Raises:
        ListError: Nothing of it can be used.
    """
    read = read_suppressions(content, now=now)
    with ledger.begin() as connection:
        new = sum(
            note(
                connection,
                Suppressed(line.email, line.reason, line.at),
                scope=line.scope,
                source="import",
                by=by,
            )
            for line in read.rows
        )
    return Imported(new=new, known=len(read.rows) - new, bad=tuple(read.bad))


def export_suppressions(ledger: Database) -> str:
    """What is in force as a CSV that `import_suppressions` reads and a spreadsheet opens safely."""
    rows = in_force(ledger).select("email", "scope", "reason", "at")
    return write_csv(
        rows.columns,
        [(email, scope, reason, at.isoformat()) for email, scope, reason, at in rows.iter_rows()],
    )


# What a recipient does with the link in a letter


def has_stopped(ledger: Database, subscription: Subscription) -> bool | None:
    """Whether a recipient stopped a campaign's letters; None where no letter to them is known."""
    with ledger.connect() as connection:
        address = _address_of(connection, subscription)
        if address is None:
            return None
        return bool(_own_stops(connection, subscription))


def stop(ledger: Database, subscription: Subscription, *, now: datetime) -> bool:
    """A recipient wants no more of a campaign; False where no letter to them is known."""
    with ledger.begin() as connection:
        address = _address_of(connection, subscription)
        if address is None:
            return False
        if not _own_stops(connection, subscription):
            place = (same_address(address), subscription.campaign)
            append_line(connection, place, True, "unsubscribe", "link", now, "recipient")
        return True


def resume(ledger: Database, subscription: Subscription, *, now: datetime) -> bool:
    """A recipient wants a campaign again; False where no letter to them is known.

    Lifts only what was wished for this campaign: not a bounce, and nothing that holds for all.
    """
    with ledger.begin() as connection:
        for row in _own_stops(connection, subscription):
            place = (row.email, row.scope)
            append_line(connection, place, False, row.reason, "link", now, "recipient")
        return _address_of(connection, subscription) is not None


def _address_of(connection: sa.Connection, subscription: Subscription) -> str | None:
    return connection.scalar(
        sa.select(LETTERS.c.email)
        .where(
            LETTERS.c.recipient_key == subscription.recipient_key,
            LETTERS.c.campaign == subscription.campaign,
        )
        .order_by(LETTERS.c.queued_at.desc(), LETTERS.c.key.desc())
        .limit(1)
    )


def _own_stops(connection: sa.Connection, subscription: Subscription) -> list[sa.Row[Any]]:
    addresses = sa.select(sa.func.lower(LETTERS.c.email)).where(
        LETTERS.c.recipient_key == subscription.recipient_key
    )
    found = _in_force(
        connection,
        SUPPRESSIONS.c.scope == subscription.campaign,
        SUPPRESSIONS.c.email.in_(addresses),
    )
    return [row for row in found if row.reason == "unsubscribe"]


def _in_force(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[sa.Row[Any]]:
    newest = (
        sa.select(sa.func.max(SUPPRESSIONS.c.id))
        .where(*conditions)
        .group_by(SUPPRESSIONS.c.email, SUPPRESSIONS.c.scope, SUPPRESSIONS.c.reason)
    )
    query = (
        sa.select(SUPPRESSIONS)
        .where(SUPPRESSIONS.c.id.in_(newest), SUPPRESSIONS.c.suppressed)
        .order_by(SUPPRESSIONS.c.id)
    )
    return list(connection.execute(query))


def newest_line(
    connection: sa.Connection, email: str, scope: str, reason: Reason
) -> sa.Row[Any] | None:
    """The newest line of an address, scope and reason, which counts."""
    return connection.execute(
        sa.select(SUPPRESSIONS)
        .where(
            SUPPRESSIONS.c.email == email,
            SUPPRESSIONS.c.scope == scope,
            SUPPRESSIONS.c.reason == reason,
        )
        .order_by(SUPPRESSIONS.c.id.desc())
        .limit(1)
    ).one_or_none()


def append_line(
    connection: sa.Connection,
    place: tuple[str, str],
    suppressed: bool,
    reason: str,
    source: Source,
    at: datetime,
    by: str,
) -> None:
    """Append a line; `place` is an address, as `same_address` writes it, and a scope."""
    email, scope = place
    connection.execute(
        SUPPRESSIONS.insert().values(
            email=email,
            scope=scope,
            suppressed=suppressed,
            reason=reason,
            source=source,
            at=at,
            by=by,
        )
    )
    line = of_address(
        salt_of(connection), email, scope=scope, suppressed=suppressed, reason=reason, at=at
    )
    journal.note(connection, line)
