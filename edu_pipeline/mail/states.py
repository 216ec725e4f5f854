"""How a letter stands."""

from enum import StrEnum


class State(StrEnum):
    """Where a letter stands."""

    draft = "draft"
    approved = "approved"
    pending = "pending"
    claimed = "claimed"
    sent = "sent"
    failed = "failed"
    unknown = "unknown"
    suppressed = "suppressed"
    held = "held"
    expired = "expired"
    cancelled = "cancelled"
    delivered = "delivered"
    bounced = "bounced"
    dropped = "dropped"
    complained = "complained"
