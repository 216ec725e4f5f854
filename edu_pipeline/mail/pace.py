"""How fast and when letters may leave: the brake, the sending window, so many an hour and a second.

Knows no letter. What has gone out in the last hour, and whether somebody paused, the ledger says.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from edu_pipeline.mail.ledger.controls import Pause
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.mail import WEEKDAYS, Window
from edu_pipeline.settings.post import Allowed

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Rules:
    """How letters may leave."""

    allowed: Allowed | None = None
    """Whom letters may reach where they leave the machine; None is anybody."""
    approval: bool = False
    """Only what somebody approved leaves the machine."""
    window: Window = field(default_factory=Window)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    connections: int = 1
    per_second: float | None = None
    per_hour: int | None = None
    stop_after: int = 5
    auto_requeue: timedelta | None = None
    """After how long a letter that the carrier's records do not have is sent again."""

    @classmethod
    def of(cls, settings: Settings, campaign: str) -> "Rules":
        """As a home's settings say of a campaign's letters."""
        mail = settings.mail
        minutes = mail.auto_requeue_minutes
        return cls(
            allowed=settings.post(campaign).allowed or (),
            approval=mail.approval == "required",
            window=mail.window,
            zone=settings.zone,
            connections=mail.connections,
            per_second=mail.per_second,
            per_hour=mail.per_hour,
            stop_after=mail.stop_after,
            auto_requeue=timedelta(minutes=minutes) if minutes else None,
        )


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
    if per_hour is None or len(sent) - bisect_right(sent, now - HOUR) < per_hour:
        return None
    return sent[-per_hour] + HOUR


def standstill(rules: Rules, pause: Pause | None, now: datetime) -> str | None:
    """Why no letter at all may leave now, and until when; None where one may.

    Args:
        rules: How letters may leave.
        pause: Who paused all sending.
        now: With time zone.
    """
    if pause:
        return f"Sending is paused by {pause.by} since {pause.at:%Y-%m-%d %H:%M} UTC: {pause.why}"
    if opens := opens_at(rules.window, now, rules.zone):
        return f"The sending window opens on {shown(opens, rules.zone)}."
    return None


def full(rules: Rules, gone: Sequence[datetime], now: datetime) -> str | None:
    """That the hour has no more room, and until when; None where it has.

    Args:
        rules: How letters may leave.
        gone: When letters went out in the last hour, of any period; in order.
        now: By the same clock as those.
    """
    if room := room_at(gone, rules.per_hour, now):
        return (
            f"{rules.per_hour} letters an hour are allowed; it goes on at "
            f"{shown(room, rules.zone)}."
        )
    return None


def shown(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as people read it, such as `Friday, 02 October at 17:00`."""
    return f"{moment.astimezone(zone):%A, %d %B at %H:%M}"


class Pace:
    """Lets letters through one by one, at most `per_second`, and none while it is to wait.

    By a clock in seconds that nobody sets, such as `time.monotonic`.
    """

    def __init__(self, per_second: float | None, clock: Callable[[], float]) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._next = clock()

    def seconds(self) -> float:
        """How long until the next may go; 0: now."""
        return max(self._next - self._clock(), 0)

    def take(self) -> None:
        """One goes now."""
        self._next = max(self._next, self._clock()) + self._gap

    def hold(self, wait: timedelta) -> None:
        """Let nobody through for so long."""
        self._next = max(self._next, self._clock() + wait.total_seconds())
