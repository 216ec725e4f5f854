"""Taking made-up people out of the ledger again, which nobody's mailbox has ever heard of.

By their addresses: what ends in `.example` is nobody's (RFC 2606).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from edu_pipeline.mail.ledger.controls import paused
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import (
    CONTENT_IMAGES,
    EVENTS,
    HISTORY,
    IMAGES,
    LETTERS,
    METADATA,
    PERIODS,
    RELEASES,
    SUPPRESSIONS,
    TOMBSTONES,
)

_NOBODY_S = "%.example"


@dataclass(frozen=True)
class TakenOut:
    """What became of a ledger."""

    letters: Collection[tuple[str, str, str]]
    """Campaign, period and recipient key of those that were taken out."""
    left: Mapping[str, int]
    """What is not made up → how much of it there is; empty: nothing, so that the ledger may go."""


def take_out_invented(ledger: Ledger, since: datetime) -> TakenOut:
    """Delete letters to made-up people with all that is known of them, in one transaction.

    Args:
        ledger: Open, and in nobody else's hands.
        since: When the sample came; a release from before it is about something else.
    """
    invented = LETTERS.c.email.ilike(_NOBODY_S)
    keys = sa.select(LETTERS.c.key).where(invented)
    in_period = (LETTERS.c.campaign == EVENTS.c.campaign) & (LETTERS.c.period == EVENTS.c.period)
    with ledger.only_sender(), ledger.begin() as connection:
        columns = (LETTERS.c.campaign, LETTERS.c.period, LETTERS.c.recipient_key)
        taken = {tuple(row) for row in connection.execute(sa.select(*columns).where(invented))}
        for table in reversed(METADATA.sorted_tables):
            if "letter_key" in table.c:
                connection.execute(table.delete().where(table.c.letter_key.in_(keys)))
        connection.execute(LETTERS.delete().where(invented))
        of_nobody = EVENTS.c.letter_key.is_(None) & ~sa.exists().where(in_period)
        connection.execute(EVENTS.delete().where(of_nobody))
        for table in (SUPPRESSIONS, HISTORY):
            connection.execute(table.delete().where(table.c.email.ilike(_NOBODY_S)))
        connection.execute(PERIODS.delete())  # the next refresh records those that there are
        used = sa.select(CONTENT_IMAGES.c.sha256)
        connection.execute(IMAGES.delete().where(IMAGES.c.sha256.not_in(used)))
        left = {
            word: connection.scalar(sa.select(sa.func.count()).select_from(of)) or 0
            for word, of in {
                "letter": LETTERS,
                "suppression": SUPPRESSIONS,
                "earlier letter": HISTORY,
                "erasure": TOMBSTONES,
                "release": sa.select(RELEASES).where(RELEASES.c.at < since).subquery(),
            }.items()
        }
    left["pause"] = int(paused(ledger) is not None)
    return TakenOut(taken, {word: number for word, number in left.items() if number})
