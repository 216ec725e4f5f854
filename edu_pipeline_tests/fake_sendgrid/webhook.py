"""Signed event webhooks for mails that the fake accepted: in any order, and more than once."""

import base64
import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edu_pipeline_tests.fake_sendgrid.store import Accepted, Store

Event = dict[str, Any]

STATUS = {
    "delivered": "delivered",
    "bounce": "bounced",
    "blocked": "blocked",
    "dropped": "dropped",
    "deferred": "deferred",
}
LIST = {
    "bounce": "bounces",
    "blocked": "blocks",
    "spamreport": "spam_reports",
    "unsubscribe": "unsubscribes",
}
KINDS: Mapping[str, Mapping[str, Any]] = {
    "processed": {},
    "deferred": {"response": "421 try again later", "attempt": "1"},
    "delivered": {"ip": "192.0.2.1", "response": "250 2.0.0 OK", "tls": 1},
    "bounce": {
        "event": "bounce",
        "type": "bounce",
        "status": "5.1.1",
        "bounce_classification": "Invalid Address",
    },
    "blocked": {"event": "bounce", "type": "blocked", "status": "4.0.0"},
    "dropped": {},
    "open": {"ip": "192.0.2.7", "useragent": "Mozilla/5.0", "sg_content_type": "html"},
    "machine_open": {
        "event": "open",
        "sg_machine_open": True,
        "ip": "192.0.2.8",
        "useragent": "Mozilla/5.0",
        "sg_content_type": "html",
    },
    "click": {
        "ip": "192.0.2.7",
        "useragent": "Mozilla/5.0",
        "url": "https://school.example/report",
        "url_offset": {"index": 0, "type": "html"},
    },
    "spamreport": {},
    "unsubscribe": {},
}
"""What the fake calls an event, and the fields that it has beside those of all events."""

DEFAULT_CHANCES: Mapping[str, float] = {
    "deferred": 0.05,
    "bounce": 0.02,
    "blocked": 0.01,
    "open": 0.6,
    "machine_open": 0.25,
    "click": 0.3,
    "spamreport": 0.0,
    "unsubscribe": 0.0,
}


def story(mail: Accepted, chances: Mapping[str, float], seed: object) -> list[str]:
    """What becomes of a mail: kinds of events in the order in which they happen."""
    if mail.drop_reason:
        return ["dropped"]
    dice = random.Random(f"{seed}:{mail.letter or mail.sg_message_id}")  # noqa: S311 - no secret
    happens = {kind: dice.random() < chances.get(kind, 0) for kind in DEFAULT_CHANCES}
    kinds = ["processed", *(["deferred"] if happens["deferred"] else [])]
    for end in ("bounce", "blocked"):
        if happens[end]:
            return [*kinds, end]
    kinds.append("delivered")
    tracked = mail.payload.get("tracking_settings", {}).get("open_tracking", {}).get("enable")
    if tracked:
        kinds += [kind for kind in ("machine_open", "open") if happens[kind]]
        if happens["open"] and happens["click"]:
            kinds.append("click")
    return [*kinds, *(kind for kind in ("spamreport", "unsubscribe") if happens[kind])]


def events_of(mail: Accepted, kinds: Sequence[str]) -> Iterator[Event]:
    """One event per kind, a minute apart; the same mail and kinds give the same events."""
    for number, kind in enumerate(kinds):
        identity = hashlib.sha256(f"{mail.sg_message_id}:{number}:{kind}".encode()).digest()
        extra = dict(KINDS[kind])
        if kind in {"bounce", "blocked"}:
            extra["reason"] = f"550 5.1.1 <{mail.email}>: Recipient address rejected"
        if kind == "dropped":
            extra["reason"] = mail.drop_reason or "Bounced Address"
        yield {
            "email": mail.email,
            "timestamp": int(mail.at) + 60 * number,
            "smtp-id": f"<{mail.message_id}@geopod-ismtpd-1>",
            "event": kind,
            "category": mail.categories if len(mail.categories) > 1 else "".join(mail.categories),
            "sg_event_id": base64.urlsafe_b64encode(identity[:16]).decode().rstrip("="),
            "sg_message_id": mail.sg_message_id,
            **mail.custom_args,
            **extra,
        }


def disturbed(
    events: Sequence[Event], *, duplicates: float, reissued: float, shuffle: bool, seed: object
) -> list[Event]:
    """Some events twice, some of these under another sg_event_id, all in any order."""
    dice = random.Random(f"disturb:{seed}")  # noqa: S311 - no secret
    out = list(events)
    for event in events:
        if dice.random() < duplicates:
            out.append(dict(event))
        if dice.random() < reissued:
            out.append({**event, "sg_event_id": f"again-{event['sg_event_id']}"})
    if shuffle:
        dice.shuffle(out)
    return out


def body(events: Sequence[Event]) -> bytes:
    """The raw body as SendGrid writes it, with its trailing line break."""
    return b"[" + b",\r\n".join(json.dumps(event).encode() for event in events) + b"]\r\n"


def signed_headers(store: Store, raw: bytes, timestamp: str) -> dict[str, str]:
    """The headers that go with a raw body."""
    signature = _key(store).sign(timestamp.encode() + raw, ec.ECDSA(hashes.SHA256()))
    return {
        "Content-Type": "application/json",
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }


def public_key(store: Store) -> str:
    """The verification key as SendGrid shows it: base64 of DER, one line."""
    der = (
        _key(store)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return base64.b64encode(der).decode()


def _key(store: Store) -> ec.EllipticCurvePrivateKey:
    pem = store.signing_key()
    if pem is None:
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        store.keep_signing_key(pem)
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
