"""Events that landed as files: each file read once more whenever it is there, each event kept once."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from edu_pipeline.mail.events import parse
from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.events import Tracking, record_events
from edu_pipeline.settings.landing import EVENTS_FOLDER


class Zone(Protocol):
    """What this room needs of the landing zone."""

    def list(self) -> Sequence[Any]:
        """Its files, each with a `path` below the zone."""
        ...

    def local(self, path: str) -> AbstractContextManager[Path]:
        """A file as a path of this machine."""
        ...


def record_landed(
    ledger: Database, zone: Zone, *, now: datetime, tracking: Tracking
) -> pl.DataFrame:
    """Record the events of every file of `EVENTS_FOLDER`; again and in any order changes nothing.

    Returns:
        `LandedEvents`, by file.
    """
    rows = []
    for path in _event_files(file.path for file in zone.list()):
        with zone.local(path) as file:
            read = parse(file.read_bytes())
        counts = record_events(ledger, read.events, now=now, tracking=tracking)
        rows.append(
            (path, counts.new, counts.known, counts.foreign, counts.untracked, read.malformed)
        )
    numbers = ("new", "known", "foreign", "untracked", "malformed")
    return pl.DataFrame(
        rows, schema={"file": pl.String, **dict.fromkeys(numbers, pl.Int64)}, orient="row"
    )


def _event_files(paths: Iterable[str]) -> Iterable[str]:
    return sorted(p for p in paths if p.startswith(EVENTS_FOLDER) and p.endswith(".json"))
