"""The ledger as frames for the warehouse: no content, no names, no addresses."""

import polars as pl
import sqlalchemy as sa

from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.tables import EVENTS


def events_frame(ledger: Database) -> pl.DataFrame:
    """One row per event that the carrier reported.

    Opens and clicks that were recorded without saying whose they are have no `letter_key`.

    Returns:
        `letter_key`, `campaign`, `period`, `kind`, `machine`, `at`.
    """
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "letter_key": pl.String,
        "campaign": pl.String,
        "period": pl.String,
        "kind": pl.String,
        "machine": pl.Boolean,
        "at": pl.Datetime("us", "UTC"),
    }
    query = sa.select(*(EVENTS.c[name] for name in schema)).order_by(EVENTS.c.id)
    with ledger.connect() as connection:
        rows = [row._asdict() for row in connection.execute(query)]
    return pl.DataFrame(rows, schema=schema)
