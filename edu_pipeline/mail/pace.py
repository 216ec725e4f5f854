"""How fast and when letters may leave: the sending window, and so many a second.

Knows no letter and no ledger. What has gone out in the last hour is the ledger's to say.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from edu_pipeline.settings import WEEKDAYS, Window

HOUR = timedelta(hours=1)


def opens_at(window: Window, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the window opens next, in UTC; None while it is open."""
    local = now.astimezone(zone)
    for ahead in range(len(WEEKDAYS) + 1):
        day = local.date() + timedelta(days=ahead)
        if WEEKDAYS[day.weekday()] not in window.days:
            continue
        opens = datetime.combine(day, window.opens, zone)
        closes = datetime.combine(day, window.closes, zone)
        if opens <= local <= closes:
            return None
        if local < opens:
            return opens.astimezone(UTC)
    raise AssertionError


def room_at(sent: Sequence[datetime], per_hour: int | None, now: datetime) -> datetime | None:
    """When the next letter may go by the hourly limit; None: now.

    Args:
        sent: When letters went out in the last hour, in order.
        per_hour: At most so many in any hour; None is no limit.
        now: With time zone.
    """
    recent = [moment for moment in sent if moment > now - HOUR]
    if per_hour is None or len(recent) < per_hour:
        return None
    return recent[-per_hour] + HOUR


class Pace:
    """Lets threads through one by one, at most `per_second`, and none before a moment that is set."""

    def __init__(
        self,
        per_second: float | None,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._gap = timedelta(seconds=1 / per_second) if per_second else timedelta()
        self._now, self._sleep = now, sleep
        self._next = now()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when it is this caller's turn."""
        with self._lock:
            moment = max(self._next, self._now())
            self._next = moment + self._gap
        if (seconds := (moment - self._now()).total_seconds()) > 0:
            self._sleep(seconds)

    def hold_until(self, moment: datetime) -> None:
        """Let nobody through before a moment."""
        with self._lock:
            self._next = max(self._next, moment)
