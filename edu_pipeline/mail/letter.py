"""The letter object: all that the mail room knows of what a job has to say.

No school, class or student is known here; a job fills the fields and the mail room delivers them.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Image:
    """A picture that the letter's HTML shows as `<img src="cid:NAME">`."""

    name: str
    """Unique in the letter, such as `attendance`; the mail room makes it globally unique."""
    png: bytes


@dataclass(frozen=True)
class Address:
    """A mailbox and the name shown with it."""

    email: str
    name: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure that a letter states; kept, so that a later letter can correct it."""

    subject: str
    """What it is about, opaque and stable, such as `c_3f9a0c51d2e4/attendance_rate`."""
    label: str
    """What people call it, such as `7B attendance`."""
    numerator: float
    denominator: float
    change: float | None = None
    """Difference of shares to the period before."""
    unusual: bool = False
    """Outside what is usual for it."""


@dataclass(frozen=True)
class Letter:
    """One letter to one person about one period."""

    campaign: str
    """Such as `teachers`."""
    period: str
    """Such as `2026-W40`."""
    recipient_key: str
    """Opaque and stable: never a name or an address."""
    recipient: Address
    sender: Address
    reply_to: str
    subject: str
    html: str
    text: str
    images: Sequence[Image]
    not_after: datetime
    """When the letter is no longer news, with time zone; it is not delivered later."""
    names: frozenset[str]
    """Every personal name that may appear in it."""
    notes: tuple[str, ...] = ()
    """For the person who looks at the proofs: what is unusual about this letter; no names."""
    figures: tuple[Figure, ...] = ()
    """The figures that it states."""
    hold: str | None = None
    """Why this letter must wait for a person; it is kept and shown but not delivered."""

    @property
    def key(self) -> str:
        """The ledger's primary key: a letter goes out at most once per key."""
        return f"{self.campaign}:{self.period}:{self.recipient_key}"

    @property
    def columns(self) -> dict[str, Any]:
        """What one row of a table can hold of it, by column; images and figures have rows of their own."""
        return {
            "campaign": self.campaign,
            "period": self.period,
            "recipient_key": self.recipient_key,
            "email": self.recipient.email,
            "name": self.recipient.name,
            "sender_email": self.sender.email,
            "sender_name": self.sender.name,
            "reply_to": self.reply_to,
            "subject": self.subject,
            "html": self.html,
            "text": self.text,
            "not_after": self.not_after,
            "notes": list(self.notes),
        }

    @property
    def digest(self) -> str:
        """SHA-256 over everything that the recipient would see."""
        content = json.dumps(
            [
                self.recipient.email,
                self.recipient.name,
                self.sender.email,
                self.sender.name,
                self.reply_to,
                self.subject,
                self.html,
                self.text,
                [[image.name, hashlib.sha256(image.png).hexdigest()] for image in self.images],
            ]
        )
        return hashlib.sha256(content.encode()).hexdigest()


def opaque_key(kind: str, identifier: str) -> str:
    """A short stable key for a person that does not show their id, such as `t_3f9a0c51d2`."""
    digest = hashlib.sha256(f"{kind}:{identifier}".encode()).hexdigest()
    return f"{kind[0]}_{digest[:12]}"
