"""Whether a webhook's post is from SendGrid: ECDSA P-256 with SHA-256 over the time and raw body.

The sendgrid package's own helper raises on a malformed signature, wants text instead of the bytes
that were signed, and takes a post of any age; hence these lines. Both agree on what is genuine.
"""

import base64
import re
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
WINDOW = timedelta(hours=26)
"""SendGrid posts an event again for 24 hours until it is taken; the rest is for clocks."""
AHEAD = timedelta(minutes=10)
"""How far its clock may be ahead of ours."""

_SECONDS = re.compile(r"\d{1,11}", re.ASCII)
_PEM = re.compile(r"-----(BEGIN|END) PUBLIC KEY-----|\s")


class WebhookKeyError(ValueError):
    """The public key cannot be used; the message says where to find the right one."""


def load(public_key: str) -> ec.EllipticCurvePublicKey:
    """The key that SendGrid shows as "verification key": base64, with or without PEM's lines.

    Raises:
        WebhookKeyError: It is something else.
    """
    try:
        key = load_der_public_key(base64.b64decode(_PEM.sub("", public_key), validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise WebhookKeyError(
            "mail.sendgrid.webhook_key is not a verification key. Copy it from SendGrid: Settings, "
            "Mail Settings, Event Webhook, Signed Event Webhook; it begins with MFkwEwYHKoZI."
        )
    return key


def verify(
    public_key: str, raw: bytes, signature: str | None, timestamp: str | None, now: datetime
) -> bool:
    """Whether a post was signed with the key's other half, and not too long ago.

    Args:
        public_key: As SendGrid shows it.
        raw: The body's bytes as they came, its last line break included.
        signature: Header `SIGNATURE_HEADER`, None where it is missing.
        timestamp: Header `TIMESTAMP_HEADER`, None where it is missing.
        now: With time zone.

    Returns:
        False for anything that is odd; nothing is raised.
    """
    if signature is None or timestamp is None or not _SECONDS.fullmatch(timestamp):
        return False
    if not -AHEAD.total_seconds() <= now.timestamp() - int(timestamp) <= WINDOW.total_seconds():
        return False
    try:
        signed = base64.b64decode(signature, validate=True)
        load(public_key).verify(signed, timestamp.encode() + raw, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
