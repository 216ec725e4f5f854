"""Whom the exports have as recipients of a campaign now, where its letters may go to nobody else.

Every refresh replaces the list; a letter is looked up in it when it is queued and again when it is
claimed, so that whoever left the exports or was erased is not written to any more. It holds hashes:
that somebody is on it tells only who knows the address and this ledger's salt.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.ground.parts import in_parts
from edu_pipeline.ground.spilled import spilled_set
from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.tables import ADDRESSEES
from edu_pipeline.mail.ledger.tombstones import tombstone

_AT_ONCE = 1000
"""Lines that are in memory together."""


def mark(salt: str, email: str) -> str:
    """What stands for an address on the list."""
    return tombstone(salt, same_address(email))


def replace_addressees(
    connection: sa.Connection,
    salt: str,
    of: sa.ColumnElement[bool],
    addresses: Iterable[tuple[str, str]],
) -> None:
    """Make a list anew.

    Args:
        connection: In a transaction.
        salt: The ledger's.
        of: The lines that are replaced.
        addresses: Campaign and address, as often as they come.
    """
    connection.execute(ADDRESSEES.delete().where(of))
    with spilled_set() as known:
        lines = ((campaign, mark(salt, email)) for campaign, email in addresses)
        new = ({"campaign": of_it, "hash": to} for of_it, to in lines if known.add(f"{of_it} {to}"))
        for rows in filter(None, in_parts(new, _AT_ONCE)):
            connection.execute(ADDRESSEES.insert(), rows)


def addressees(ledger: Database, campaign: str) -> frozenset[str]:
    """The marks of everybody on a campaign's list."""
    query = sa.select(ADDRESSEES.c.hash).where(ADDRESSEES.c.campaign == campaign)
    with ledger.connect() as connection:
        return frozenset(connection.scalars(query))


def is_addressee(connection: sa.Connection, salt: str, campaign: str, email: str) -> bool:
    """Whether an address is on a campaign's list."""
    line = ADDRESSEES.c.campaign == campaign, ADDRESSEES.c.hash == mark(salt, email)
    return bool(connection.scalar(sa.select(sa.exists().where(*line))))


def strike(connection: sa.Connection, salt: str, addresses: Iterable[str]) -> None:
    """Take addresses off every list."""
    marks = [mark(salt, email) for email in addresses]
    connection.execute(ADDRESSEES.delete().where(ADDRESSEES.c.hash.in_(marks)))
