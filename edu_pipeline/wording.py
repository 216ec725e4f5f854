"""How figures and dates read wherever a person meets them: letters, chart titles, pages.

Only formats and the words for a change. What is said about a figure belongs to the job.
"""

from datetime import date

NBSP = "\u00a0"
NOTHING = "–"
SMALL_CHANGE = 0.5
"""Percentage points below which a change of a class's rate is not worth a word."""

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def percent(share: float | None) -> str:
    """A share as `93.3 %`, without the decimal at both ends: `100 %`, `0 %`; `–` for none."""
    if share is None:
        return NOTHING
    tenths = in_points(share)
    return f"{tenths:.0f}{NBSP}%" if tenths in {0.0, 100.0} else f"{tenths:.1f}{NBSP}%"


def whole_percent(share: float) -> str:
    """A round share such as a target as `95 %`, with a decimal only where it has one."""
    return f"{in_points(share):g}{NBSP}%"


def in_points(change: float) -> float:
    """A share or a difference of shares times 100, to the tenth that is shown."""
    return round(change * 100, 1)


def points(change: float) -> str:
    """The size of a difference of shares: `0.7 points`."""
    return f"{abs(in_points(change)):.1f}{NBSP}points"


def compared(change: float, reference: str) -> str:
    """A difference of shares in words: `down 1.2 points on last week`."""
    if abs(in_points(change)) < SMALL_CHANGE:
        return f"about the same as {reference}"
    return f"{'up' if change > 0 else 'down'} {points(change)} on {reference}"


def month(day: date) -> str:
    """`September`."""
    return _MONTHS[day.month - 1]


def day_month(day: date) -> str:
    """`28 September`."""
    return f"{day.day}{NBSP}{month(day)}"


def day_month_short(day: date) -> str:
    """`28 Sep`."""
    return f"{day.day}{NBSP}{month(day)[:3]}"


def long_date(day: date) -> str:
    """`Thursday 1 October 2026`."""
    return f"{weekday(day)} {day_month(day)} {day.year}"


def weekday(day: date) -> str:
    """`Thursday`."""
    return _WEEKDAYS[day.weekday()]


def listed(parts: list[str]) -> str:
    """`7B`, `7B and 8A`, `7B, 8A and 9C`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
