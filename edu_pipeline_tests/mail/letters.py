"""Made-up letters: as jobs write them, and as transports get them."""

from datetime import UTC, datetime
from typing import Any

from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.ledger.store import Ended, Ledger
from edu_pipeline.mail.letter import Address, Image, Letter
from edu_pipeline.mail.states import State

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
)


def letter(
    recipient_key: str = "t_1",
    *,
    subject: str = "Your week",
    name: str = "Ada Moss",
    email: str | None = None,
    period: str = "2026-W40",
    **other: object,
) -> Letter:
    """A letter of a job, with one picture."""
    fields: dict[str, object] = {
        "sender": Address("reports@lake.example", "Lake School"),
        "reply_to": "office@riverside.example",
        "html": '<p>Hello</p><img src="cid:attendance" alt="chart">',
        "text": "Hello\n",
        "images": (Image("attendance", PNG),),
        "not_after": datetime(2026, 10, 7, 18, tzinfo=UTC),
        "names": frozenset({name}),
    }
    return Letter(
        campaign="teachers",
        period=period,
        recipient_key=recipient_key,
        recipient=Address(email or f"{recipient_key}@riverside.example", name),
        subject=subject,
        **(fields | other),  # type: ignore[arg-type]
    )


def frozen_letter(
    recipient_key: str = "t_1",
    *,
    name: str = "Ada Moss",
    email: str | None = None,
    **fields: Any,
) -> FrozenLetter:
    """A letter in its first revision, with one picture."""
    defaults: dict[str, Any] = {
        "key": f"teachers:2026-W40:{recipient_key}",
        "campaign": "teachers",
        "period": "2026-W40",
        "recipient_key": recipient_key,
        "recipient": Address(email or f"{recipient_key}@riverside.example", name),
        "sender": Address("reports@riverside.example", "Riverside School"),
        "reply_to": "office@riverside.example",
        "subject": "Your week",
        "html": '<p>Hello</p><img src="cid:attendance" alt="chart">',
        "text": "Hello\n",
        "images": (Image("attendance", PNG),),
        "digest": "d" * 64,
        "ledger_id": "5f0c11aa",
        "headers": {},
        "claimed_at": NOW,
    }
    return FrozenLetter(**(defaults | fields))


def claimed(ledger: Ledger, key: str, *, owner: str, transport: str, now: datetime) -> bool:
    """Claim one letter, as a sender does; False where it may not be had."""
    return bool(ledger.exchange([], [key], owner=owner, transport=transport, now=now))


def recorded(
    ledger: Ledger,
    key: str,
    outcome: State,
    *,
    now: datetime,
    detail: str = "",
    transport_id: str | None = None,
) -> None:
    """Note how the attempt at one letter ended, as its sender does."""
    ended = [Ended(key, outcome, detail, transport_id)]
    ledger.exchange(ended, [], owner="me", transport="", now=now)
