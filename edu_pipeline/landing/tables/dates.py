"""Text to dates.

The formats of the settings go first, then those that can only be read in one way, whatever stands
beside them: one column may hold several. A time of day or a session after the date is left out.
"""

import functools
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
    "%d-%b-%y",
    "%d %b %y",
)
EARLIEST_YEAR = 1900
"""A date before it is a misread year: `9/7/26` fits `%m/%d/%Y`, in the year 26."""
EXCEL_DAY_0 = date(1899, 12, 30)
EXCEL_DAYS = (
    (date(1990, 1, 1) - EXCEL_DAY_0).days,
    (date(2060, 12, 31) - EXCEL_DAY_0).days,
)
"""First and last serial number of Excel's that is taken for a date; others are typing errors."""
_ISO = r"^\d{4}-\d{2}-\d{2}$"
_SERIAL = r"^(\d{5}(?:\.\d+)?)$"
HALF_A_SECOND = 0.5 / 86_400
"""Of a day: so little before midnight a number is the next day, as which Excel shows it."""
_WITH_TIME = (
    r"^(.*?\d)(?:"
    r"(?:T|\s+)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s?(?:[AaPp][Mm])?"
    r"\s?(?:Z|UTC|[+-]\d{2}:?\d{2})?"
    r"|\s+[AaPp][Mm])$"
)
"""A date with a time of day, or with AM or PM as the session: `21 Sep 2026 AM`."""
_SHAPE = (
    r"^(?:\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{8}"
    r"|\d{1,2}-[A-Za-z]{3,9}-\d{4}|\d{1,2} [A-Za-z]{3,9} \d{4}|[A-Za-z]{3,9} \d{1,2}, \d{4}"
    r"|\d{1,2}-[A-Za-z]{3}-\d{2}|\d{1,2} [A-Za-z]{3} \d{2})$"
)
"""What the unambiguous formats look like; `%Y` alone would take fewer digits, and a sign."""
_SEPT = r"(?i)\bsept\b"
_MOMENT = r"^(\d{4}-\d{2}-\d{2})(?:T|\s)(\d{2}:\d{2})(?::\d{2}(?:[.,]\d+)?)?\s?(?:Z|UTC|\+00:?00)$"
"""A moment in UTC, whose day depends on where one is."""
MANY_MIDNIGHTS = 0.1
"""Share of moments that are midnights in UTC from which these are no time of day."""


def parsed_date(text: pl.Expr, formats: Sequence[str]) -> pl.Expr:
    """A date read with the first format that fits, else null. A zone does not shift it.

    Args:
        text: Trimmed text.
        formats: Of the settings.
    """
    without_time = text.str.replace(_WITH_TIME, "${1}").str.replace(_SEPT, "Sep")
    shaped = pl.when(without_time.str.contains(_SHAPE)).then(without_time)
    tried = [
        *((text, form) for form in formats),
        *((without_time, form) for form in formats),
        *((shaped, form) for form in UNAMBIGUOUS),
    ]
    dates = [cell.str.to_date(form, strict=False, exact=True) for cell, form in tried]
    days = (text.str.extract(_SERIAL, 1).cast(pl.Float64) + HALF_A_SECOND).floor().cast(pl.Int32)
    return pl.coalesce(
        *(pl.when(day.dt.year() >= EARLIEST_YEAR).then(day) for day in dates),
        pl.when(days.is_between(*EXCEL_DAYS)).then(pl.lit(EXCEL_DAY_0) + pl.duration(days=days)),
    )


def is_moment(text: pl.Expr) -> pl.Expr:
    """Whether a text is a moment in UTC other than midnight, which stands for the day itself."""
    found = text.str.extract(_MOMENT, 2)
    return (found.is_not_null() & (found != "00:00")).fill_null(value=False)


@functools.lru_cache(maxsize=64)
def _day_of_text(formats: tuple[str, ...]) -> pl.Expr:
    return parsed_date(pl.col("text"), formats)


def with_days(texts: pl.DataFrame, formats: Sequence[str]) -> pl.DataFrame:
    """Rows with the `day` that each `text` is, empty where it is no date.

    As `parsed_date`, and twenty times as quick where all are written as ISO 8601 has it, which only a
    format with hyphens could read in another way.
    """
    text = pl.col("text")
    if any("-" in form for form in formats) or not texts["text"].str.contains(_ISO).all():
        return texts.with_columns(day=_day_of_text(tuple(formats)))
    day = text.str.to_date("%Y-%m-%d", strict=False)
    return texts.with_columns(day=pl.when(day.dt.year() >= EARLIEST_YEAR).then(day))


def days_read(texts: pl.Series, formats: Sequence[str], zone: str | None = None) -> pl.DataFrame:
    """The days that the texts of one column are.

    Moments in UTC are days of the school's zone where that is known. Midnights are among them, unless they
    are many: then they stand for the days themselves.

    Args:
        texts: As received, in any number.
        formats: Of the settings, with those that the column itself proves.
        zone: Of the school, such as Europe/Berlin.

    Returns:
        Each different `text` with its `day`, empty where it is no date.
    """
    days = with_days(pl.DataFrame({"text": texts.unique()}), formats)
    if zone is None or not days.select(is_moment(pl.col("text")).any()).item():
        return days
    clock = pl.col("text").str.extract(_MOMENT, 2)
    midnights = days.select((clock == "00:00").sum() / clock.is_not_null().sum()).item()
    moment = pl.concat_str(
        [pl.col("text").str.extract(_MOMENT, 1), pl.col("text").str.extract(_MOMENT, 2)],
        separator=" ",
    ).str.to_datetime("%Y-%m-%d %H:%M", strict=False, time_zone="UTC")
    moves = clock.is_not_null() & ((clock != "00:00") | (midnights < MANY_MIDNIGHTS))
    there = pl.when(moves).then(moment.dt.convert_time_zone(zone).dt.date())
    return days.with_columns(day=pl.coalesce(there, "day"))
