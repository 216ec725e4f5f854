"""What weeks are called: the only converter of week names.

A week is Monday to Sunday and is keyed by its Monday; `2026-W40` is what people read and type.
Needs no library, so that commands answer at once.
"""

import re
from datetime import date, timedelta

_WEEK_NAME = re.compile(r"^(\d{4})-?W(\d{2})$", re.IGNORECASE)


def monday(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def week_name(day: date) -> str:
    """The ISO name of a day's week, such as `2026-W40`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def parse_week(text: str) -> date:
    """The Monday meant by `2026-W40`, or by any date of that week as `2026-09-30`.

    Raises:
        ValueError: It is neither; the message says what is.
    """
    try:
        if match := _WEEK_NAME.match(text.strip()):
            return date.fromisocalendar(int(match[1]), int(match[2]), 1)
        return monday(date.fromisoformat(text.strip()))
    except ValueError:
        raise ValueError(
            f"{text!r} is no week. Write it as 2026-W40, or as a date in it: 2026-09-30."
        ) from None
