"""What a carrier reports of letters after it took them: SendGrid's event webhook, read and folded.

Pure: bytes in, events out. Nothing that tells who opened what from where is kept (no network
addresses, no programs, no links), and nothing of a malformed item is quoted anywhere.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from edu_pipeline.ground.addresses import is_address
from edu_pipeline.mail.states import State
from edu_pipeline.mail.suppressed import Reason

Kind = Literal[
    "processed",
    "deferred",
    "delivered",
    "blocked",
    "bounced",
    "dropped",
    "opened",
    "clicked",
    "complained",
    "unsubscribed",
]
"""`bounced`: the address is no good. `blocked`: this once its server refused; it may be tried again."""


@dataclass(frozen=True)
class MailEvent:
    """One thing that happened to one letter."""

    event_id: str
    """SendGrid's id; where it gives none, the fingerprint."""
    fingerprint: str
    """The same for every delivery of one event: retries may come with new ids."""
    letter_key: str | None
    """None where the carrier does not say, as for a bounce that came days later."""
    ledger_id: str | None
    """Which ledger the letter is from."""
    kind: Kind
    at: datetime
    detail: str
    """Codes and set phrases only: what a mail server wrote may quote an address."""
    machine: bool
    """Opened or fetched by a program, such as Apple's privacy proxy, not by a person."""
    suppresses: Reason | None
    """Why its recipient is not to be written to again."""
    email: str | None = field(repr=False)
    """To whom it went, in lower case, so that it is not taken for an event of a later attempt at
    another address. Kept only where it suppresses."""


@dataclass(frozen=True)
class Parsed:
    """One delivery of the webhook, in items."""

    events: tuple[MailEvent, ...]
    malformed: int
    """Not what SendGrid documents; left out."""
    ignored: int
    """Rehearsals, and what does not concern a letter."""


def parse(payload: bytes) -> Parsed:
    """Read what SendGrid's event webhook posts: a JSON array.

    Never raises: what cannot be read is counted, and the rest is taken.
    """
    try:
        items = json.loads(payload)
    except (ValueError, RecursionError):
        return Parsed((), malformed=1, ignored=0)
    if not isinstance(items, list):
        items = [items]
    read = [_read(item) for item in items]
    return Parsed(
        tuple(event for event in read if isinstance(event, MailEvent)),
        malformed=read.count("malformed"),
        ignored=read.count("ignored"),
    )


_ORDER: Mapping[State, int] = MappingProxyType(
    {
        State.sent: 0,
        State.delivered: 1,
        State.dropped: 2,
        State.bounced: 3,
        State.complained: 4,
    }
)
_PROVES: Mapping[Kind, State] = MappingProxyType(
    {
        "processed": State.sent,
        "deferred": State.sent,
        "delivered": State.delivered,
        "opened": State.delivered,
        "clicked": State.delivered,
        "unsubscribed": State.delivered,
        "dropped": State.dropped,
        "blocked": State.bounced,
        "bounced": State.bounced,
        "complained": State.complained,
    }
)


def fold(kinds: Collection[Kind]) -> State | None:
    """Where a letter stands by all that was reported of it; None where nothing was.

    Neither the order nor repetitions matter: what proves most wins. A letter that was taken for
    delivered and came back later is bounced.
    """
    return max((_PROVES[kind] for kind in kinds), key=_ORDER.__getitem__, default=None)


_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "processed": "processed",
        "deferred": "deferred",
        "delivered": "delivered",
        "bounce": "bounced",
        "dropped": "dropped",
        "open": "opened",
        "click": "clicked",
        "spamreport": "complained",
        "unsubscribe": "unsubscribed",
        "group_unsubscribe": "unsubscribed",
    }
)
_NOT_OF_A_LETTER = frozenset({"group_resubscribe", "account_status_change"})
_DROPS: Mapping[str, Reason | None] = MappingProxyType(
    {
        "bounced address": "bounce",
        "invalid": "invalid",
        "spam reporting address": "complaint",
        "unsubscribed address": "unsubscribe",
        "recipient list over package quota": None,
        "spam content": None,
        "invalid smtpapi header": None,
    }
)
"""SendGrid's reasons to drop a letter, and what they say about its recipient."""
_SUPPRESSES: Mapping[Kind, Reason] = MappingProxyType(
    {"bounced": "bounce", "complained": "complaint", "unsubscribed": "unsubscribe"}
)
_CLASSES = frozenset(
    {
        "content",
        "frequency or volume",
        "frequency/volume",
        "invalid address",
        "mailbox unavailable",
        "reputation",
        "technical",
        "technical failure",
        "unclassified",
    }
)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}", re.ASCII)
_REPLY = re.compile(r"[245]\d\d(?!\d)", re.ASCII)
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_LETTER_KEY = re.compile(r"[A-Za-z0-9._:-]{1,300}")
_LEDGER_ID = re.compile(r"[0-9a-f]{8}")
_GROUP = re.compile(r"edu_([0-9a-f]{8})_.+")
_TEST = "edu_test"


def _read(item: object) -> MailEvent | Literal["malformed", "ignored"]:
    if not isinstance(item, dict):
        return "malformed"
    name = _text(item, "event")
    if name in _NOT_OF_A_LETTER or _TEST in item or _TEST in _categories(item):
        return "ignored"
    kind = _KINDS.get(name)
    at = _moment(item.get("timestamp"))
    if kind is None or at is None:
        return "malformed"
    if kind == "bounced" and _text(item, "type") in {"blocked", "expired"}:
        kind = "blocked"
    fingerprint = _fingerprint(item)
    suppresses = _SUPPRESSES.get(kind)
    if kind == "dropped":
        suppresses = _DROPS.get(_text(item, "reason").casefold())
    email = _text(item, "email").strip().lower()
    return MailEvent(
        event_id=_matching(_ID, item.get("sg_event_id")) or fingerprint,
        fingerprint=fingerprint,
        letter_key=_matching(_LETTER_KEY, item.get("edu_letter")),
        ledger_id=_matching(_LEDGER_ID, item.get("edu_ledger")) or _ledger_of(item),
        kind=kind,
        at=at,
        detail=_detail(kind, item),
        machine=item.get("sg_machine_open") is True or _text(item, "sg_machine_open") == "true",
        suppresses=suppresses,
        email=email if is_address(email) else None,
    )


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _moment(value: object) -> datetime | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _categories(item: Mapping[str, Any]) -> list[str]:
    """SendGrid writes one category as a string and several as an array."""
    value = item.get("category")
    return [
        each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)
    ]


def _ledger_of(item: Mapping[str, Any]) -> str | None:
    """From the category of its group, for events that come without the letter's arguments."""
    groups = [match for each in _categories(item) if (match := _GROUP.fullmatch(each))]
    return groups[0][1] if groups else None


def _fingerprint(item: Mapping[str, Any]) -> str:
    """SHA-256 of what stays the same when SendGrid posts an event again under a new id.

    A late bounce has no message id: there its address keeps two of them apart.
    """
    message = _text(item, "sg_message_id") or _text(item, "smtp-id") or _text(item, "email")
    parts = [message, str(item.get("timestamp")), *(_text(item, k) for k in ("event", "url", "ip"))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _detail(kind: Kind, item: Mapping[str, Any]) -> str:
    match kind:
        case "dropped":
            reason = _text(item, "reason")
            return reason if reason.casefold() in _DROPS else ""
        case "bounced" | "blocked":
            named = _text(item, "bounce_classification")
            status = _STATUS.match(_text(item, "status")) or _STATUS.search(_text(item, "reason"))
            found = [status[0] if status else "", named if named.casefold() in _CLASSES else ""]
            return " ".join(part for part in found if part)
        case "deferred":
            reply = _REPLY.match(_text(item, "response"))
            return reply[0] if reply else ""
        case _:
            return ""
