"""What may go wrong at the fake, on request: by a script, by address, or by seeded chance."""

import random
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

Fault = Literal[
    "reset_before_body",  # not accepted
    "reset_after_body",  # accepted, the connection is reset
    "close_after_body",  # accepted, the connection is closed without an answer
    "hang",  # accepted, never answered
    "hang_before",  # not accepted, never answered
    "error_500_before",  # not accepted, answered 500
    "error_500_after",  # accepted, answered 500 all the same
    "error_503_after",
    "rate_limited",  # 429 with X-RateLimit-Reset
    "redirect",  # 302 to `elsewhere`
    "portal",  # 200 with a login page, as a captive portal has it
    "no_message_id",  # 202 without X-Message-Id
    "cut_body",  # 202 whose body ends before its Content-Length
    "bad_request",  # 400 that quotes the recipient's address
    "unauthorized",  # 401
    "forbidden",  # 403
    "not_found",  # 404
    "too_large",  # 413 as nginx writes it, in HTML
]
ACCEPTED = frozenset(
    {
        "reset_after_body",
        "close_after_body",
        "hang",
        "error_500_after",
        "error_503_after",
        "no_message_id",
        "cut_body",
    }
)
"""The mail is in the fake's ledger although the answer does not say so."""

AMBIGUOUS: Sequence[Fault] = (
    "reset_before_body",
    "reset_after_body",
    "close_after_body",
    "error_500_before",
    "error_503_after",
    "rate_limited",
)
"""What a sender meets on a bad day, without those that keep it waiting."""


class Faults:
    """The next fault for a request; None where all is well."""

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        settings = settings or {}
        self.elsewhere = str(settings.get("elsewhere", ""))
        self.reset_after_seconds = int(settings.get("reset_after_seconds", 30))
        self._script: deque[Fault | None] = deque(settings.get("script", ()))
        self._by_address: dict[str, deque[Fault | None]] = {
            address: deque(faults) for address, faults in settings.get("by_address", {}).items()
        }
        self._reads: deque[Fault | None] = deque(settings.get("reads", ()))
        self._probability = float(settings.get("probability", 0))
        self._kinds: Sequence[Fault] = settings.get("kinds", AMBIGUOUS)
        self._dice = random.Random(settings.get("seed", 0))  # noqa: S311 - no secret
        known = {*get_args(Fault), None}
        asked = [*self._script, *self._reads, *self._kinds]
        asked += [fault for faults in self._by_address.values() for fault in faults]
        assert set(asked) <= known, f"no such fault: {set(asked) - known}"

    def before_body(self) -> Fault | None:
        """For the next mail, whosoever it is to."""
        if self._script:
            return self._script.popleft()
        if self._dice.random() < self._probability:
            return self._dice.choice(self._kinds)
        return None

    def for_body(self, body: str) -> Fault | None:
        """For a mail that has this address in it."""
        for address, faults in self._by_address.items():
            if faults and address in body:
                return faults.popleft()
        return None

    def for_read(self) -> Fault | None:
        return self._reads.popleft() if self._reads else None
