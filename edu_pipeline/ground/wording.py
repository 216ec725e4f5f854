"""How figures and dates read wherever a person meets them: letters, chart titles, pages.

Only formats. What is said about a figure belongs to the templates.
"""

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from edu_pipeline.ground.weeks import parse_week

NBSP = "\u00a0"
NOTHING = "–"
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
    return NOTHING if share is None else f"{_tenths(share)}{NBSP}%"


def _tenths(share: float) -> str:
    points = in_points(share)
    return f"{points:.0f}" if points in {0.0, 100.0} else f"{points:.1f}"


def whole_percent(share: float) -> str:
    """A round share such as a target as `95 %`, with a decimal only where it has one."""
    return f"{in_points(share):g}{NBSP}%"


def rounded_percent(share: float) -> str:
    """A share as it is typed, without decimals: `93 %`."""
    return f"{share:.0%}".replace("%", " %")


def in_points(change: float) -> float:
    """A share or a difference of shares times 100, to the tenth that is shown."""
    return round(change * 100, 1)


def points(change: float) -> str:
    """The size of a difference of shares: `0.7 points`."""
    return f"{abs(in_points(change)):.1f}{NBSP}points"


def span(bounds: tuple[float, float]) -> str:
    """A range of shares: `88.7 to 97.2 %`, on one line."""
    return f"{f'{NBSP}to{NBSP}'.join(map(_tenths, bounds))}{NBSP}%"


def counted(number: int, word: str) -> str:
    """How many there are of something: `1 row`, `1,200 rows`, `2 entries`."""
    several = f"{word[:-1]}ies" if word.endswith("ry") else f"{word}s"
    return f"{number:,} {word if number == 1 else several}"


def plain(number: float) -> str:
    """A count that may be a fraction of a day: `3`, `9.5`, `0.33`."""
    return f"{round(number, 2):g}"


def month(day: date) -> str:
    """`September`."""
    return _MONTHS[day.month - 1]


def month_of_week(monday: date) -> str:
    """`October` for the week of 28 September: a week is of the month its Thursday lies in."""
    return month(monday + timedelta(days=3))


def day_month(day: date) -> str:
    """`28 September`."""
    return f"{day.day}{NBSP}{month(day)}"


def day_month_short(day: date) -> str:
    """`28 Sep`."""
    return f"{day.day}{NBSP}{month(day)[:3]}"


def long_date(day: date) -> str:
    """`Thursday 1 October 2026`."""
    return f"{weekday(day)} {day_month(day)} {day.year}"


def week_of(period: str) -> str:
    """`week of 23 November 2026` for `2026-W48`; what is the name of no week stays as it is."""
    try:
        first = parse_week(period)
    except ValueError:
        return period
    return f"week of {day_month(first)} {first.year}"


def headed(words: str) -> str:
    """Words as a heading begins: `Week of 23 November 2026`."""
    return words[:1].upper() + words[1:]


def moment(at: datetime) -> str:
    """`Thursday 1 October 2026, 15:04`."""
    return f"{long_date(at)}, {at:%H:%M}"


def weekday(day: date) -> str:
    """`Thursday`."""
    return _WEEKDAYS[day.weekday()]


def listed(parts: Sequence[str]) -> str:
    """`7B`, `7B and 8A`, `7B, 8A and 9C`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def isolated(name: str) -> str:
    """Keeps a name that runs from right to left from reordering the figures beside it."""
    turns = any(unicodedata.bidirectional(c) in {"R", "AL"} for c in name)
    return f"\u2068{name}\u2069" if turns else name
