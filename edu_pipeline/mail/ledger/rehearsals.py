"""Copies of letters that went to an operator: kept apart, so that they count nowhere."""

from datetime import datetime

import sqlalchemy as sa

from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.tables import REHEARSALS
from edu_pipeline.mail.states import State


def has_rehearsed(ledger: Database, key: str, digest: str, email: str) -> bool:
    """Whether this content of a letter went to this operator."""
    query = sa.exists().where(
        REHEARSALS.c.letter_key == key,
        REHEARSALS.c.digest == digest,
        REHEARSALS.c.email == email,
        REHEARSALS.c.outcome == State.sent,
    )
    with ledger.connect() as connection:
        return bool(connection.scalar(sa.select(query)))


def record_rehearsal(
    ledger: Database,
    key: str,
    digest: str,
    email: str,
    *,
    outcome: State,
    detail: str,
    transport: str,
    now: datetime,
    by: str,
) -> None:
    """Note that a copy was sent, or was not."""
    with ledger.begin() as connection:
        connection.execute(
            REHEARSALS.insert().values(
                letter_key=key,
                digest=digest,
                email=email,
                outcome=outcome,
                detail=detail,
                transport=transport,
                at=now,
                by=by,
            )
        )
