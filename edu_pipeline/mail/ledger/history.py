"""What went out by other means, before this ledger or beside it, so that it is not repeated."""

from collections.abc import Collection
from datetime import date

import sqlalchemy as sa

from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.suppressions import Imported
from edu_pipeline.mail.ledger.tables import HISTORY, LETTERS, Text
from edu_pipeline.mail.ledger.tombstones import is_forgotten
from edu_pipeline.mail.lists import HistoryLine, read_history

Abouts = Collection[str] | sa.Select[tuple[str]] | sa.BindParameter[str]
"""What letters are about, or a query for it."""


def sent_before(
    *, campaign: Text, period: Text, email: Text, abouts: Abouts = ()
) -> sa.ScalarSelect[date]:
    """The first day on which another tool wrote to this address about this period, if it did.

    Or, in whatever period, about one of `abouts`. The others are columns of `LETTERS`, or what a
    letter would have there; `email` as `same_address` writes it.
    """
    return (
        sa.select(sa.func.min(HISTORY.c.sent_on))
        .where(
            HISTORY.c.campaign == campaign,
            sa.or_(HISTORY.c.period == period, HISTORY.c.about.in_(abouts)),
            HISTORY.c.email == email,
        )
        .correlate(LETTERS)
        .scalar_subquery()
    )


def import_history(ledger: Database, content: bytes, *, source: str) -> Imported:
    """Take over a CSV of `campaign`, `period`, `email`, `date` and perhaps `about`.

    A line is known where there is one of the same campaign, period, address and `about`. Lines
    without a date are of letters that did not go out.

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
            if not _is_known(connection, line) and not is_forgotten(connection, line.email):
                connection.execute(
                    HISTORY.insert().values(
                        campaign=line.campaign,
                        period=line.period,
                        email=line.email,
                        about=line.about,
                        sent_on=line.sent_on,
                        source=source,
                    )
                )
                new += 1
    return Imported(new=new, known=len(read.rows) - new, bad=tuple(read.bad), undated=read.undated)


def _is_known(connection: sa.Connection, line: HistoryLine) -> bool:
    same = sa.exists().where(
        HISTORY.c.campaign == line.campaign,
        HISTORY.c.period == line.period,
        HISTORY.c.email == line.email,
        HISTORY.c.about == line.about,
    )
    return bool(connection.scalar(sa.select(same)))
