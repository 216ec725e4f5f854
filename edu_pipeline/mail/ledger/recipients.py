"""Who was written to, and what is new since: for the pages on which people find letters by recipient."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.tables import CHANGES, EVENTS, LETTERS
from edu_pipeline.mail.states import State


@dataclass(frozen=True)
class Reached:
    """How far the story of all letters goes: ids of the newest change and the newest event."""

    change: int = 0
    event: int = 0


@dataclass(frozen=True)
class Recipient:
    """Somebody to whom letters were written."""

    key: str
    campaign: str
    name: str
    email: str
    letters: int
    state: State
    """Of the newest letter."""


def reached(ledger: Database) -> Reached:
    """How far the story of all letters goes by now."""
    newest = (
        sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0)).scalar_subquery()
        for table in (CHANGES, EVENTS)
    )
    with ledger.connect() as connection:
        return Reached(*connection.execute(sa.select(*newest)).one())


def news_of(ledger: Database, since: Reached) -> frozenset[str]:
    """Keys of the recipients whose letters have changed, or of which something was reported."""
    letters = sa.union(
        sa.select(CHANGES.c.letter_key).where(CHANGES.c.id > since.change),
        sa.select(EVENTS.c.letter_key).where(EVENTS.c.id > since.event),
    )
    query = sa.select(LETTERS.c.recipient_key).where(LETTERS.c.key.in_(letters)).distinct()
    with ledger.connect() as connection:
        return frozenset(connection.scalars(query))


def recipients(ledger: Database) -> Sequence[Recipient]:
    """Everybody to whom letters were written, once per campaign, by name; not who was erased."""
    theirs = (LETTERS.c.campaign, LETTERS.c.recipient_key)
    newest = (LETTERS.c.period.desc(), LETTERS.c.revision.desc())
    letters = (
        sa.select(
            *LETTERS.c["recipient_key", "campaign", "name", "email"],
            sa.func.count().over(partition_by=theirs).label("letters"),
            LETTERS.c.state,
            sa.func.row_number().over(partition_by=theirs, order_by=newest).label("age"),
        )
        .where(sa.or_(LETTERS.c.name != "", LETTERS.c.email != ""))
        .subquery()
    )
    with ledger.connect() as connection:
        rows = connection.execute(sa.select(letters).where(letters.c.age == 1)).all()
    found = [Recipient(*row[:-1]) for row in rows]
    return sorted(found, key=lambda each: (each.name.casefold(), each.email, each.key))


def changed_periods(ledger: Database, since: Reached) -> Sequence[tuple[str, str]]:
    """Campaigns and periods of letters that stand otherwise since."""
    changed = sa.select(CHANGES.c.letter_key).where(CHANGES.c.id > since.change)
    query = sa.select(LETTERS.c.campaign, LETTERS.c.period).where(LETTERS.c.key.in_(changed))
    with ledger.connect() as connection:
        return [(row.campaign, row.period) for row in connection.execute(query.distinct())]


def opened_by_people(ledger: Database, recipient_keys: Collection[str]) -> frozenset[str]:
    """Keys of letters to some recipients that a person opened, as far as anybody counted."""
    query = (
        sa.select(EVENTS.c.letter_key)
        .join(LETTERS, LETTERS.c.key == EVENTS.c.letter_key)
        .where(
            EVENTS.c.kind == "opened",
            sa.not_(EVENTS.c.machine),
            LETTERS.c.recipient_key.in_(recipient_keys),
        )
    )
    with ledger.connect() as connection:
        return frozenset(connection.scalars(query))
