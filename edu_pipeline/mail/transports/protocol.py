"""What delivery asks of a transport, and the answers a transport may give."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from edu_pipeline.mail.ledger import FrozenLetter
from edu_pipeline.mail.ledger_tables import State


@dataclass(frozen=True)
class Outcome:
    """What became of a letter: the state that follows, why, and the carrier's own id."""

    state: State
    detail: str = ""
    transport_id: str | None = None

    @classmethod
    def sent(cls, transport_id: str, detail: str = "") -> Self:
        """The carrier took it."""
        return cls(State.sent, detail, transport_id)

    @classmethod
    def refused(cls, reason: str) -> Self:
        """The carrier answered no; the same letter would be refused again."""
        return cls(State.failed, reason)

    @classmethod
    def not_sent(cls, reason: str) -> Self:
        """It provably did not go out, so it may be tried again."""
        return cls(State.pending, reason)

    @classmethod
    def unknown(cls, reason: str) -> Self:
        """It may have gone out; a person or the carrier's records must tell."""
        return cls(State.unknown, reason)


class Transport(Protocol):
    """A carrier. Ordinary faults are outcomes; an exception counts as unknown.

    Reasons are read by people and logged: no names, no addresses.
    """

    @property
    def name(self) -> str:
        """Written to the ledger; only the transport of this name may look for the letter."""
        ...

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
        """Try once."""
        ...

    def find(self, letter: FrozenLetter) -> Outcome:
        """Look up a letter whose sender stopped: sent, provably not sent, or still unknown."""
        ...
