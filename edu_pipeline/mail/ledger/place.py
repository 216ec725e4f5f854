"""Where a ledger's letters are sent from: a home that was copied is not taken for the one that sends.

What one copy sends, no other hears of, so a ledger keeps the place from which it last let letters
leave, and from another one nothing leaves until a person has said that the home was moved. A place
is a machine, by the id that its system gave it, and the ledger's file. Nothing here runs out, and
what cannot be known (a machine without an id, a machine that was cloned with its id) keeps nobody.
"""

import hashlib
import json
import re
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from edu_pipeline.mail.ledger.database import (
    Database,
    LedgerError,
    identity_in,
    set_identity,
)
from edu_pipeline.mail.ledger.tombstones import salt_of

MACHINE_ID = Path("/etc/machine-id")
_ID = re.compile("[0-9a-f]{32}")
_PLACE = "place"


class OtherPlaceError(LedgerError):
    """The ledger's letters are sent from elsewhere."""


@dataclass(frozen=True)
class Place:
    """A machine, and where on it the ledger is."""

    machine: str | None
    """A hash of its id; None where it has none."""
    file: str | None
    """The ledger's; None where it is on PostgreSQL."""
    host: str
    """For people: machines change their names."""
    at: str
    """When letters were last sent from it, in UTC."""

    def is_other(self, than: "Place") -> bool:
        """Whether both are known and differ."""
        pairs = (self.machine, than.machine), (self.file, than.file)
        return any(one and other and one != other for one, other in pairs)

    @property
    def told(self) -> str:
        """As people know it."""
        return f"{self.host}, {self.file}" if self.file else self.host


def send_from_here(ledger: Database, *, now: datetime, moved: bool = False) -> None:
    """Note that letters leave from here.

    Args:
        ledger: An open ledger.
        now: With time zone.
        moved: A person says that nothing is sent from elsewhere any more.

    Raises:
        OtherPlaceError: Letters last left from elsewhere. Nothing was noted.
    """
    with ledger.begin() as connection:
        here = _here(ledger, salt_of(connection), now)
        kept = identity_in(connection, _PLACE, lock=True)
        last = Place(**json.loads(kept)) if kept else here
        if last.is_other(here) and not moved:
            raise OtherPlaceError(
                f"The letters of this ledger were last sent from elsewhere ({last.told}, on "
                f"{last.at}); this is {here.told}. Nothing was sent. If the home was moved here and "
                "nothing is sent from there any more: edu-pipeline mail restore --here. If that home is "
                "still in use, this is a copy, and must send nothing: it would send the same again."
            )
        set_identity(connection, _PLACE, json.dumps(asdict(here)))


def _here(ledger: Database, salt: str, now: datetime) -> Place:
    file = str(ledger.file.resolve()) if ledger.file else None
    at = f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return Place(_machine(salt), file, socket.gethostname(), at)


def _machine(salt: str) -> str | None:
    """The id itself is not to be passed on."""
    try:
        known = MACHINE_ID.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
    if not _ID.fullmatch(known):
        return None
    return hashlib.sha256(f"{salt}:machine:{known}".encode()).hexdigest()
