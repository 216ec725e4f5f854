"""What went out before this ledger, so that a first run does not repeat it."""

from datetime import date

import sqlalchemy as sa

from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.suppressions import Imported
from edu_pipeline.mail.ledger.tables import HISTORY
from edu_pipeline.mail.ledger.tombstones import is_forgotten
from edu_pipeline.mail.lists import read_history
from edu_pipeline.mail.suppressed import same_address


def sent_before(
    connection: sa.Connection, *, campaign: str, period: str, email: str
) -> date | None:
    """The day on which another tool wrote to this address about this period; None if it did not."""
    return connection.scalar(
        sa.select(HISTORY.c.sent_on).where(
            HISTORY.c.campaign == campaign,
            HISTORY.c.period == period,
            HISTORY.c.email == same_address(email),
        )
    )


def import_history(ledger: Database, content: bytes, *, source: str) -> Imported:
    """Take over a CSV of `campaign`, `period`, `email`, `date`.

    Args:
        ledger: An open ledger.
        content: The file.
        source: Where it is from, such as the file's name.

    Raises:
        ListError: Nothing of it can be used.
    """
    read = read_history(content)
    new = 0
    with ledger.begin() as connection:
        for line in read.rows:
            known = sent_before(
                connection, campaign=line.campaign, period=line.period, email=line.email
            )
            if known is None and not is_forgotten(connection, same_address(line.email)):
                connection.execute(
                    HISTORY.insert().values(
                        campaign=line.campaign,
                        period=line.period,
                        email=line.email,
                        sent_on=line.sent_on,
                        source=source,
                    )
                )
                new += 1
    return Imported(new=new, known=len(read.rows) - new, bad=tuple(read.bad))
