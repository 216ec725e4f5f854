"""Text to dates.

The formats of the settings go first, then those that can only be read in one way, whatever stands
beside them: one column may hold several. A time of day or a session after the date is left out.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

UNAMBIGUOUS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d-%b-%Y",
    "%d-%B-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
EARLIEST_YEAR = 1900
"""A date before it is a misread year: `9/7/26` fits `%m/%d/%Y`, in the year 26."""
EXCEL_DAY_0 = date(1899, 12, 30)
EXCEL_DAYS = (
    (date(1990, 1, 1) - EXCEL_DAY_0).days,
    (date(2060, 12, 31) - EXCEL_DAY_0).days,
)
"""First and last serial number of Excel's that is taken for a date; others are typing errors."""
_SERIAL = r"^(\d{5})(?:\.\d+)?$"
_WITH_TIME = (
    r"^(.*?\d)(?:"
    r"(?:T|\s+)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s?(?:[AaPp][Mm])?"
    r"\s?(?:Z|UTC|[+-]\d{2}:?\d{2})?"
    r"|\s+[AaPp][Mm])$"
)
"""A date with a time of day, or with AM or PM as the session: `21 Sep 2026 AM`."""
_SHAPE = (
    r"^(?:\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{8}"
    r"|\d{1,2}-[A-Za-z]{3,9}-\d{4}|\d{1,2} [A-Za-z]{3,9} \d{4}|[A-Za-z]{3,9} \d{1,2}, \d{4})$"
)
"""What the unambiguous formats look like; `%Y` alone would take fewer digits, and a sign."""


def parsed_date(text: pl.Expr, formats: Sequence[str]) -> pl.Expr:
    """A date read with the first format that fits, else null. A zone does not shift it.

    Args:
        text: Trimmed text.
        formats: Of the settings.
    """
    without_time = text.str.replace(_WITH_TIME, "${1}")
    shaped = pl.when(without_time.str.contains(_SHAPE)).then(without_time)
    tried = [
        *((text, form) for form in formats),
        *((without_time, form) for form in formats),
        *((shaped, form) for form in UNAMBIGUOUS),
    ]
    dates = [cell.str.to_date(form, strict=False, exact=True) for cell, form in tried]
    days = text.str.extract(_SERIAL, 1).cast(pl.Int32)
    return pl.coalesce(
        *(pl.when(day.dt.year() >= EARLIEST_YEAR).then(day) for day in dates),
        pl.when(days.is_between(*EXCEL_DAYS)).then(pl.lit(EXCEL_DAY_0) + pl.duration(days=days)),
    )
