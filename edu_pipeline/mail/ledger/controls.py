"""The brake: a person pauses all sending, and resumes it. Every use of it is kept."""

from dataclasses import dataclass
from datetime import datetime

from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.journal import note
from edu_pipeline.mail.ledger.memory import of_pause
from edu_pipeline.mail.ledger.tables import CONTROLS, NEWEST_CONTROL


@dataclass(frozen=True)
class Pause:
    """All sending is paused."""

    why: str
    at: datetime
    by: str


def paused(ledger: Database) -> Pause | None:
    """Who paused all sending, while it is."""
    with ledger.connect() as connection:
        row = connection.execute(NEWEST_CONTROL).one_or_none()
    return Pause(row.why, row.at, row.by) if row and row.paused else None


def pause(ledger: Database, why: str, *, now: datetime, by: str) -> bool:
    """Let no letter go out until somebody resumes; False where that is so already."""
    return _set(ledger, True, why, now, by)


def resume(ledger: Database, why: str, *, now: datetime, by: str) -> bool:
    """Let letters go out again; False where they do."""
    return _set(ledger, False, why, now, by)


def _set(ledger: Database, to: bool, why: str, now: datetime, by: str) -> bool:
    if bool(paused(ledger)) == to:
        return False
    with ledger.begin() as connection:
        connection.execute(CONTROLS.insert().values(paused=to, why=why, at=now, by=by))
        note(connection, of_pause(now, paused=to))
    return True
