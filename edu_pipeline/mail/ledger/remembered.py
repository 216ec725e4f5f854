"""What a job must know of the past before it decides to whom to write, as frames.

Of a campaign and those below it, as `nudges.buslead` is below `nudges`. What a letter is about is
the subject of its figures; what that means, only the job knows.
"""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import sqlalchemy as sa

from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.suppressions import OF_THE_PERSON, in_force
from edu_pipeline.mail.ledger.tables import FIGURES, FOLDER, HISTORY, LETTERS, OUT, TOMBSTONES
from edu_pipeline.mail.lists import EVERY_CAMPAIGN
from edu_pipeline.mail.states import State

TOLD = OUT | {State.claimed, State.unknown}
"""What went out, and what may have: nobody is to be told twice because it is not known."""
TOLD_BEFORE = pl.Schema(
    {
        "campaign": pl.String,
        "period": pl.String,
        "recipient_key": pl.String,
        "email": pl.String,
        "about": pl.String,
        "sent_on": pl.Date,
    }
)
OPTED_OUT = pl.Schema(
    {"scope": pl.String, "recipient_key": pl.String, "email": pl.String, "reason": pl.String}
)


def told_before(
    ledger: Database, campaign: str, *, zone: ZoneInfo, leaves: bool = False
) -> pl.DataFrame:
    """Who was told what, by these campaigns or, as history, by other means.

    Letters that only wait are left out. Those of the running period are written anew with every
    refresh, and must not be in their own way; those of an earlier one do not leave any more once it
    is not recorded.

    Args:
        ledger: An open ledger.
        campaign: Such as `nudges`.
        zone: Whose days `sent_on` has.
        leaves: Letters leave the house, so what went only into the folder was told to nobody.

    Returns:
        `TOLD_BEFORE`: a row per letter and figure that it states, with `recipient_key` and without
        `email`; a row per line of imported history, with `email` (in lower case) only. `about` is
        empty where a letter states no figure, or history does not say.
    """
    letters = (
        sa.select(
            LETTERS.c.campaign,
            LETTERS.c.period,
            LETTERS.c.recipient_key,
            FIGURES.c.subject,
            sa.func.coalesce(LETTERS.c.sent_at, LETTERS.c.claimed_at, LETTERS.c.queued_at),
        )
        .join_from(
            LETTERS,
            FIGURES,
            (FIGURES.c.letter_key == LETTERS.c.key) & (FIGURES.c.digest == LETTERS.c.digest),
            isouter=True,
        )
        .where(LETTERS.c.state.in_(TOLD), _is_of(LETTERS.c.campaign, campaign))
        .order_by(LETTERS.c.key, FIGURES.c.position)
    )
    if leaves:
        only_there = (LETTERS.c.state == State.sent) & (LETTERS.c.transport == FOLDER)
        letters = letters.where(~only_there)
    history = (
        sa.select(
            HISTORY.c.campaign,
            HISTORY.c.period,
            HISTORY.c.email,
            sa.func.nullif(HISTORY.c.about, ""),
            HISTORY.c.sent_on,
        )
        .where(_is_of(HISTORY.c.campaign, campaign))
        .order_by(*HISTORY.primary_key)
    )
    at = pl.Datetime("us", "UTC")
    with ledger.connect() as connection:
        ours = _frame(connection, letters, ("campaign", "period", "recipient_key", "about"), at=at)
        others = _frame(
            connection, history, ("campaign", "period", "email", "about"), sent_on=pl.Date()
        )
    sent_on = pl.col("at").dt.convert_time_zone(zone.key).dt.date()
    parts = [pl.DataFrame(schema=TOLD_BEFORE), ours.with_columns(sent_on=sent_on), others]
    return pl.concat(parts, how="diagonal").select(TOLD_BEFORE.names())


def opted_out(ledger: Database, campaign: str) -> pl.DataFrame:
    """Who is not written to by these campaigns.

    Args:
        ledger: An open ledger.
        campaign: Such as `nudges`.

    Returns:
        `OPTED_OUT`: what is in force for all of these campaigns (`scope` is `*`) or one of them,
        with `email` (in lower case); and what a person wished once more per `recipient_key` that
        letters to that address had, because it goes with them to a new one.
    """
    for_all = pl.col("scope").is_in([EVERY_CAMPAIGN, campaign])
    rows = (
        in_force(ledger)
        .filter(for_all | pl.col("scope").str.starts_with(f"{campaign}."))
        .with_columns(scope=pl.when(for_all).then(pl.lit(EVERY_CAMPAIGN)).otherwise("scope"))
    )
    wishes = rows.filter(pl.col("reason").is_in(list(OF_THE_PERSON)))
    addresses = sa.select(sa.func.lower(LETTERS.c.email), LETTERS.c.recipient_key).distinct()
    with ledger.connect() as connection:
        known = _frame(connection, addresses, ("email", "recipient_key"))
    people = wishes.join(known, on="email").drop("email")
    return (
        pl.concat([pl.DataFrame(schema=OPTED_OUT), rows, people], how="diagonal")
        .select(OPTED_OUT.names())
        .unique()
        .sort(OPTED_OUT.names())
    )


def _is_of(column: sa.Column[str], campaign: str) -> sa.ColumnElement[bool]:
    return (column == campaign) | column.startswith(f"{campaign}.", autoescape=True)


def _frame(
    connection: sa.Connection,
    query: sa.Select[Any],
    texts: Sequence[str],
    **others: pl.DataType,
) -> pl.DataFrame:
    """The rows of a query, whose columns are texts and, behind these, others."""
    schema = pl.Schema({**dict.fromkeys(texts, pl.String()), **others})
    rows = [tuple(row) for row in connection.execute(query)]
    return pl.DataFrame(rows, schema=schema, orient="row")


def tombstones_frame(ledger: Database) -> pl.DataFrame:
    """One row per tombstone, for whoever reads exports: `hash` and the `salt` that made it."""
    with ledger.connect() as connection:
        hashes = connection.scalars(sa.select(TOMBSTONES.c.hash).order_by(TOMBSTONES.c.hash)).all()
    return pl.DataFrame({"hash": hashes}, schema={"hash": pl.String}).with_columns(
        salt=pl.lit(ledger.identity("salt"))
    )
