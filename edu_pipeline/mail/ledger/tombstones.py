"""Tombstones: what is left of people who were erased, so that they are not taken in again.

A hash tells that somebody was erased and not who: nobody can read it without this ledger's salt.
"""

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa

from edu_pipeline.mail.ledger.journal import note
from edu_pipeline.mail.ledger.tables import IDENTITY, TOMBSTONES


def tombstone(salt: str, identifier: str) -> str:
    """The hash that stands for somebody.

    Args:
        salt: The ledger's.
        identifier: A recipient key, an address as `same_address` writes it, or an id with its kind
            as exports have it, such as `student:100234`.
    """
    return hashlib.sha256(f"{salt}:{identifier}".encode()).hexdigest()


def is_forgotten(connection: sa.Connection, *identifiers: str) -> bool:
    """Whether one of these is somebody who was erased."""
    salt = salt_of(connection)
    hashes = [tombstone(salt, identifier) for identifier in identifiers]
    return bool(connection.scalar(_STANDS, {"hashes": hashes}))


def salt_of(connection: sa.Connection) -> str:
    """The ledger's salt, in a transaction."""
    return str(connection.scalar(_SALT))


_SALT = sa.select(IDENTITY.c.value).where(IDENTITY.c.name == "salt")
_STANDS = sa.select(
    sa.exists().where(TOMBSTONES.c.hash.in_(sa.bindparam("hashes", expanding=True)))
)


def bury(
    connection: sa.Connection, salt: str, identifiers: Iterable[str], *, now: datetime, by: str
) -> None:
    """Set the tombstones of a person; those that stand stay as they are."""
    set_tombstones(connection, {tombstone(salt, each) for each in identifiers}, now=now, by=by)


def set_tombstones(
    connection: sa.Connection, hashes: Collection[str], *, now: datetime, by: str
) -> int:
    """Set tombstones; how many were new."""
    new = set(hashes).difference(connection.scalars(sa.select(TOMBSTONES.c.hash)))
    for each in sorted(new):
        connection.execute(TOMBSTONES.insert().values(hash=each, at=now, by=by))
        note(connection, {"kind": "tombstone", "hash": each, "at": now.isoformat()})
    return len(new)
