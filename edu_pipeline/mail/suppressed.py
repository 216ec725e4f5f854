"""Addresses that are not written to: the reasons there are, and how an address is compared."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Reason = Literal["bounce", "block", "complaint", "invalid", "unsubscribe"]
"""`block`: refused once by the recipient's server; it alone suppresses nobody."""


@dataclass(frozen=True)
class Suppressed:
    """One line of a carrier's own list of addresses that it does not write to."""

    email: str
    reason: Reason
    at: datetime
