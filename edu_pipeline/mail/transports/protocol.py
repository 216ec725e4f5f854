"""What delivery asks of a transport, and the answers a transport may give."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, Self

from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.states import State

REHEARSAL = "test:"
"""Begins the key of a letter that only tries something out and is counted nowhere."""


class CarrierError(Exception):
    """The carrier's records could not be asked; the message says what to do and quotes nothing."""


class AskedTooOftenError(CarrierError):
    """The carrier's records may be asked only so often; nothing was asked."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: After so many it may be asked again."""
        super().__init__("The carrier's records may be asked only so often; try again in a minute.")
        self.seconds = seconds


@dataclass(frozen=True)
class Outcome:
    """What became of a letter: the state that follows, why, and the carrier's own id."""

    state: State
    detail: str = ""
    transport_id: str | None = None
    """Empty where the carrier took the letter and gave no id."""
    stops: bool = False
    """No other letter could go out either, so the run should end; the letter is pending."""
    retry_after: timedelta | None = None
    """The carrier takes nothing for so long; the letter is pending."""
    not_yet: bool = False
    """The carrier takes this letter later, as greylisting has it; nothing is wrong, and the letter is
    pending."""
    absent: bool = False
    """The carrier's records do not have the letter. Records come late, so this is proof only
    after a while; the letter stays unknown."""
    asked_at: datetime | None = None
    """When the carrier said so, by its own clock; None where that is not known."""
    checked: bool = False
    """The carrier only looked at it, as the settings say. Nothing is wrong with the letter, which is
    pending, nor with the carrier."""

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
    def only_checked(cls, reason: str) -> Self:
        """The carrier found it in order and sent nothing, because nothing is to be sent."""
        return cls(State.pending, reason, checked=True)

    @classmethod
    def stop(cls, reason: str) -> Self:
        """It provably did not go out, and until somebody changes something nothing will."""
        return cls(State.pending, reason, stops=True)

    @classmethod
    def later(cls, reason: str, retry_after: timedelta) -> Self:
        """It provably did not go out; the carrier said when to try again."""
        return cls(State.pending, reason, retry_after=retry_after)

    @classmethod
    def taken_later(cls, reason: str) -> Self:
        """It provably did not go out; this letter, and perhaps no other, is to be brought again."""
        return cls(State.pending, reason, not_yet=True)

    @classmethod
    def unknown(cls, reason: str) -> Self:
        """It may have gone out; a person or the carrier's records must tell."""
        return cls(State.unknown, reason)

    @classmethod
    def missing(cls, reason: str, asked_at: datetime | None) -> Self:
        """It may have gone out, but the carrier's records do not have it so far."""
        return cls(State.unknown, reason, absent=True, asked_at=asked_at)


@dataclass(frozen=True)
class Logged:
    """One letter in the carrier's own records."""

    transport_id: str
    """The same as in the outcome of sending it."""
    reference: str
    """By which the carrier can be asked whose letter it is."""
    at: datetime
    """When the carrier took it."""
    email: str = field(default="", repr=False)
    """To whom, as the carrier writes it."""


@dataclass(frozen=True)
class Log:
    """All letters of a `group` in the carrier's own records."""

    lines: Sequence[Logged]
    since: datetime
    """How far they go back."""
    asked_at: datetime | None = None
    """When the carrier said so, by its own clock; None where that is not known."""


class Transport(Protocol):
    """A carrier. Ordinary faults are outcomes; an exception counts as unknown.

    Reasons are read by people and logged: no names, no addresses.
    """

    @property
    def name(self) -> str:
        """Written to the ledger; only the transport of this name may look for the letter."""
        ...

    @property
    def connections(self) -> int:
        """How many letters may be under way at once, each in its own thread."""
        ...

    @property
    def leaves(self) -> bool:
        """Whether letters leave the machine."""
        ...

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
        """Try once."""
        ...

    def find(self, letter: FrozenLetter) -> Outcome:
        """What became of a letter whose sender stopped, where the carrier has no `log`."""
        ...

    def log(self, letter_group: str) -> Log | None:
        """All letters of a `group` in the carrier's records; None: it keeps none.

        Raises:
            CarrierError: The carrier could not be asked.
        """
        ...

    def letter_key(self, line: Logged) -> str | None:
        """Whose letter a line of the log is; None where that cannot be told.

        Raises:
            AskedTooOftenError: The carrier may not be asked now.
            CarrierError: It could not be asked.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def is_rehearsal(letter: FrozenLetter) -> bool:
    """Whether it only tries something out, so that nothing about it may be counted."""
    return letter.key.startswith(REHEARSAL)


def group(letter: FrozenLetter) -> str:
    """What the letters of one ledger, campaign and period have in common at a carrier; opaque."""
    if is_rehearsal(letter):
        return "edu_test"
    return group_of(letter.ledger_id, letter.campaign, letter.period)


def group_of(ledger_id: str, campaign: str, period: str) -> str:
    """The `group` of a ledger's letters of a campaign and period."""
    return f"edu_{ledger_id}_{campaign}_{period}"


def attempt(transport: Transport, letter: FrozenLetter, now: datetime) -> Outcome:
    """Try once; whatever breaks in the transport, the letter may be out."""
    try:
        return transport.send(letter, now)
    except Exception as error:  # noqa: BLE001 - any fault at all leaves the letter in doubt
        # only the kind: the text of a foreign error may hold an address
        return Outcome.unknown(f"The transport broke off ({type(error).__name__}); it may be out.")
