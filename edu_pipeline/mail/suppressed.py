"""Addresses that are not written to: the reasons there are, and how an address is compared."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Reason = Literal["bounce", "block", "complaint", "invalid", "unsubscribe"]
"""`block`: refused once by the recipient's server; it alone suppresses nobody."""

_ADDRESS = re.compile(r"""[^@\s<>()\[\]\\,;:"]{1,64}@[^@\s<>()\[\]\\,;:"]{1,255}""")


@dataclass(frozen=True)
class Suppressed:
    """One line of a carrier's own list of addresses that it does not write to."""

    email: str
    reason: Reason
    at: datetime


def same_address(email: str) -> str:
    """An address as it is compared: without spaces around it, in lower case."""
    return email.strip().lower()


def is_address(email: str) -> bool:
    """Whether it has the form of a mailbox; not whether there is one."""
    return bool(_ADDRESS.fullmatch(email)) and email.isprintable()
