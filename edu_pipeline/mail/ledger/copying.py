"""Copies of a ledger that is a file: made while it is in use, and put back in its place.

Whether a copy is the newest is not known here: the journal tells when the ledger is opened.
"""

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from edu_pipeline.mail.ledger.database import LedgerError, sender_lock
from edu_pipeline.mail.ledger.journal import make_name_durable


def back_up(ledger: Path, to: Path) -> None:
    """Write a whole copy of a ledger, readable by its owner only.

    Raises:
        LedgerError: There is something at `to`, or the copy is not whole.
    """
    try:
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise LedgerError(f"{to} cannot be written: {error.strerror}.") from None
    try:
        with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)
        _check(to)
    except sqlite3.Error:
        to.unlink(missing_ok=True)
        raise LedgerError("The copy could not be made: is the disk full?") from None


def put_back(copy: Path, ledger: Path, *, now: datetime) -> Path | None:
    """Put a copy in a ledger's place; what was there is kept, and its new place is returned.

    Only while nothing else has the ledger open; a sender is kept out.

    Raises:
        SenderBusyError: Letters are being delivered; nothing was changed.
        LedgerError: The copy is no whole ledger, or there is no room; nothing was changed.
    """
    _check(copy)
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with sender_lock(ledger):
        new = ledger.with_suffix(".restoring")
        new.unlink(missing_ok=True)
        back_up(copy, new)
        aside = ledger.with_suffix(
            f".{now:%Y%m%dT%H%M%S}.before-restore.db"
        )  # so that `forget` finds it
        kept = None
        for end in ("", "-wal", "-shm"):
            old = ledger.with_name(f"{ledger.name}{end}")
            if old.exists():
                kept = aside
                old.rename(aside.with_name(f"{aside.name}{end}"))
        new.rename(ledger)
        make_name_durable(ledger)
        return kept


def _check(file: Path) -> None:
    if not file.is_file() or not file.stat().st_size:
        raise LedgerError(f"{file} is no copy of a ledger: it is not there, or empty.")
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
            whole = database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            database.execute("SELECT value FROM identity WHERE name = 'id'").fetchone()
    except sqlite3.Error:
        whole = False
    if not whole:
        raise LedgerError(f"{file} is damaged, or no copy of a ledger.")
