"""What a carrier would have reported of a made-up school's letters, as SendGrid posts it.

Not here: which letters there are, and where the file lands.
"""

import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

_BOUNCE_OF = 40
"""One letter in so many comes back."""
_OPENED_BY_PROGRAMS = 0.2
_OPENED = (0.4, 0.75)
"""The share of letters that people open, in the first week and in the last."""


def reports(letters: Iterable[str], ledger: str, at: datetime, week: float) -> bytes:
    """The events of one week's letters.

    Args:
        letters: Their keys.
        ledger: Id of the ledger that they are in.
        at: When they were sent.
        week: 0 for the first week, 1 for the last: ever more letters are opened.

    Returns:
        JSON; the same for the same letters.
    """
    first, last = _OPENED
    events: list[dict[str, object]] = []
    for key in sorted(letters):
        chance = random.Random(key)  # noqa: S311 - nothing depends on it

        def event(kind: str, hours: float, key: str = key, **other: object) -> None:
            name = sha256(f"{key} {kind} {other}".encode()).hexdigest()[:20]
            moment = int((at + timedelta(hours=hours)).timestamp())
            events.append(
                {
                    "event": kind,
                    "timestamp": moment,
                    "sg_event_id": name,
                    "sg_message_id": sha256(key.encode()).hexdigest()[:20],
                    "edu_letter": key,
                    "edu_ledger": ledger,
                    **other,
                }
            )

        if chance.random() < 1 / _BOUNCE_OF:
            event("bounce", 0.01, type="blocked", reason="452 4.2.2 mailbox full")
            continue
        event("delivered", 0.01)
        if chance.random() < _OPENED_BY_PROGRAMS:
            event("open", 0.02, sg_machine_open=True)
        if chance.random() < first + (last - first) * week:
            event("open", 1 + 20 * chance.random())
    return json.dumps(events, indent=1).encode()
