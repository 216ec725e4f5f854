"""The letter object: all that the mail room knows of what a job has to say.

No school, class or student is known here; a job fills the fields and the mail room delivers them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Image:
    """A picture that the letter's HTML shows as `<img src="cid:NAME">`."""

    name: str
    """Unique in the letter, such as `attendance`; the mail room makes it globally unique."""
    png: bytes
    shows: str = ""
    """Stands for what people can see in it: equal where pictures differ by less than that. Without
    it, every changed byte counts."""


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

    @property
    def share(self) -> float | None:
        """None where nothing was counted."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True)
class Moved:
    """A figure that one content of a letter states otherwise than another."""

    label: str
    before: float | None
    """A share; None where it was not stated."""
    now: float | None


def moved(before: Iterable[Figure], now: Iterable[Figure]) -> tuple[Moved, ...]:
    """The figures that one content states otherwise than another, in the order of the newer one."""
    then = {figure.subject: figure for figure in before}
    new = {figure.subject: figure for figure in now}

    def share(figures: Mapping[str, Figure], subject: str) -> float | None:
        return figures[subject].share if subject in figures else None

    return tuple(
        Moved((new.get(subject) or then[subject]).label, share(then, subject), share(new, subject))
        for subject in {**new, **then}
        if share(then, subject) != share(new, subject)
    )


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
    as_of: tuple[str, ...] = ()
    """Phrases in it that only say how fresh the data are: one that differs in nothing else is
    unchanged."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers, such as List-Unsubscribe."""
    opt_out: bool = False
    """It must offer a way out: headers, a link and a postal address."""

    @property
    def key(self) -> str:
        """The ledger's primary key, before any correction: a letter goes out at most once per key."""
        return letter_key(self.campaign, self.period, self.recipient_key)

    @property
    def columns(self) -> dict[str, Any]:
        """What one row of a frame can hold of it as it is, by column."""
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
            "opt_out": self.opt_out,
        }

    @property
    def digest(self) -> str:
        """SHA-256 over everything that goes out, and the figures that it states."""
        return self._hash(
            [self.subject, self.html, self.text],
            [hashlib.sha256(image.png).hexdigest() for image in self.images],
            [asdict(figure) for figure in self.figures],
        )

    @property
    def substance(self) -> str:
        """SHA-256 over what people can see in it, but for the phrases of `as_of`.

        A letter that is written again with equal substance says nothing new.
        """
        texts = [self.subject, self.html, self.text]
        for phrase in filter(None, self.as_of):
            texts = [text.replace(phrase, "") for text in texts]
        return self._hash(
            texts, [image.shows or hashlib.sha256(image.png).hexdigest() for image in self.images]
        )

    def _hash(self, *content: object) -> str:
        who = [asdict(self.recipient), asdict(self.sender), self.reply_to]
        names = [image.name for image in self.images]
        text = json.dumps([who, sorted(self.headers.items()), names, *content])
        return hashlib.sha256(text.encode()).hexdigest()


def letter_key(campaign: str, period: str, recipient_key: str, revision: int = 1) -> str:
    """The ledger's primary key, such as `teachers:2026-W40:t_3f9a0c51d2` or, corrected, `…:2`."""
    key = f"{campaign}:{period}:{recipient_key}"
    return key if revision == 1 else f"{key}:{revision}"


_DIGITS = MappingProxyType({"learner": 20})
"""Of keys, by kind; 12 of others. Learners come by the million, and two must not get one key."""


def opaque_key(kind: str, identifier: str, salt: str = "") -> str:
    """A short stable key for a person that does not show their id, such as `t_3f9a0c51d2e4`.

    Args:
        kind: Such as `teacher`.
        identifier: The id in the source system.
        salt: The ledger's own, so that who knows the ids cannot match the keys.
    """
    digest = hashlib.sha256(f"{salt}{kind}:{identifier}".encode()).hexdigest()
    return f"{kind[0]}_{digest[: _DIGITS.get(kind, 12)]}"
