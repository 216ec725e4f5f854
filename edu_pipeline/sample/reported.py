"""What a carrier would have reported of a made-up school's letters, as SendGrid posts it.

Not here: which letters there are, and where the file lands.
"""

import json
import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256

_BOUNCE_OF = 40
"""One letter in so many comes back, and of the last week's one at least."""
_FULL: dict[str, object] = {"type": "blocked", "reason": "452 4.2.2 mailbox full"}
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
    opened = first + (last - first) * week
    keys = sorted(letters)
    bounces = max(len(keys) // _BOUNCE_OF, int(week == 1))
    bounced = set(random.Random(ledger).sample(keys, min(bounces, len(keys))))  # noqa: S311
    events = [
        {
            "event": kind,
            "timestamp": int((at + timedelta(hours=hours)).timestamp()),
            "sg_event_id": sha256(f"{key} {kind} {other}".encode()).hexdigest()[:20],
            "sg_message_id": sha256(key.encode()).hexdigest()[:20],
            "edu_letter": key,
            "edu_ledger": ledger,
            **other,
        }
        for key in keys
        for kind, hours, other in (
            [("bounce", 0.01, _FULL)] if key in bounced else _read(random.Random(key), opened)  # noqa: S311 - nothing depends on it
        )
    ]
    return json.dumps(events, indent=1).encode()


def _read(chance: random.Random, opened: float) -> Iterator[tuple[str, float, dict[str, object]]]:
    """What is reported of one that arrived: the kind of event, hours after it was sent, what else it says."""
    yield "delivered", 0.01, {}
    if chance.random() < _OPENED_BY_PROGRAMS:
        yield "open", 0.02, {"sg_machine_open": True}
    if chance.random() < opened:
        yield "open", 1 + 20 * chance.random(), {}
