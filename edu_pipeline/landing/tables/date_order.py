"""What dates say of how they are written, and of whether their day or their month comes first.

Pure, over all texts of a column: one number above 12 tells. Reading dates is for `dates`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from edu_pipeline.landing.tables.dates import with_days

_NUMERIC = re.compile(r"^(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_FORMS: Sequence[tuple[str, str]] = (
    (r"^\d{4}-\d{1,2}-\d{1,2}", "%Y-%m-%d"),
    (r"^\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
    (r"^\d{8}$", "%Y%m%d"),
    (r"^\d{5}(\.\d+)?$", "Excel day numbers"),
    (r"^\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}", "%d %b %Y"),
    (r"^[A-Za-z]{3,9} \d{1,2}, \d{4}", "%b %d, %Y"),
)
_FEW_YEARS = 2
"""Years that the dates of a school year are of."""
MOST_DAYS = 12
"""A larger number than this is no month."""


@dataclass(frozen=True)
class DateForm:
    """How some of a column's dates are written."""

    text: str
    """Such as `%m/%d/%Y`; `?` where it is no date."""
    cells: int


@dataclass(frozen=True)
class DateOrder:
    """Whether the month or the day comes first in dates such as 9/7/2026."""

    separator: str
    year: str
    formats: tuple[str, ...]
    """One where the cells decide it, two where they do not, none where they contradict each other."""
    why: str


def unread(texts: Mapping[str, int], formats: Sequence[str]) -> Mapping[str, int]:
    """Of date texts, those that no format reads.

    Args:
        texts: Date as received → rows.
        formats: Of the settings.
    """
    frame = pl.DataFrame({"text": list(texts)}, schema={"text": pl.String})
    bad = with_days(frame, formats).filter(pl.col("day").is_null())["text"]
    return {text: texts[text] for text in bad}


def is_date(text: str) -> bool:
    """Whether a text is written like a date, read by any format or order."""
    return bool(_NUMERIC.match(text) or any(re.match(form, text) for form, _ in _FORMS[:3]))


def date_orders(texts: Mapping[str, int]) -> list[DateOrder]:
    """What the dates themselves say of the order of their day and month.

    Args:
        texts: Date as received → rows.
    """
    parts: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for text in texts:
        if found := _NUMERIC.match(text):
            year = "%Y" if len(found[4]) > len("26") else "%y"
            numbers = int(found[1]), int(found[3]), int(found[4])
            parts.setdefault((found[2], year), []).append(numbers)
    return [_order(mark, year, pairs) for (mark, year), pairs in sorted(parts.items())]


def with_proven(texts: Iterable[str], formats: Sequence[str]) -> tuple[str, ...]:
    """The formats of the settings, and those that a column's own dates leave no other reading for.

    An order of day and month is proven where no date contradicts it, the settings say no other, the
    year has four digits, and at least as many days prove it as could be read either way: one typing
    error proves nothing.

    Args:
        texts: The column's dates as received.
        formats: Of the settings.
    """
    known = [text for text in texts if text and _NUMERIC.match(text)]
    proven = []
    for order in date_orders(dict.fromkeys(known, 1)):
        if len(order.formats) != 1 or order.year != "%Y" or replaced(formats, order.formats[0]):
            continue
        days = {
            (int(found[1]), int(found[3]), found[4])
            for found in map(_NUMERIC.match, known)
            if found and found[2] == order.separator and len(found[4]) > len("26")
        }
        telling = sum(max(first, second) > MOST_DAYS for first, second, _ in days)
        either = sum(
            first != second and max(first, second) <= MOST_DAYS for first, second, _ in days
        )
        if telling and telling >= either:
            proven.append(order.formats[0])
    return (*formats, *(form for form in proven if form not in formats))


def replaced(formats: Sequence[str], form: str) -> tuple[str, ...]:
    """Of formats, those that differ from another only in the order of day and month.

    A list with both would read the 7th of September as the 9th of July, in silence.
    """
    plain = form.replace("%-", "%")
    swapped = plain.translate({ord("d"): "m", ord("m"): "d"})
    return tuple(one for one in formats if one.replace("%-", "%") == swapped != plain)


def _order(mark: str, year: str, numbers: Sequence[tuple[int, int, int]]) -> DateOrder:
    month_first, day_first = f"%m{mark}%d{mark}{year}", f"%d{mark}%m{mark}{year}"
    firsts, seconds, thirds = (set(part) for part in zip(*numbers, strict=True))
    left, right = max(firsts), max(seconds)
    if year == "%y" and min(firsts) > MOST_DAYS and len(firsts) <= _FEW_YEARS < len(thirds):
        why = f"the first number is {' or '.join(map(str, sorted(firsts)))}, the last another each day"
        return DateOrder(mark, year, (f"%y{mark}%m{mark}%d",), why)
    if left > MOST_DAYS >= right:
        return DateOrder(mark, year, (day_first,), f"the first number goes up to {left}")
    if right > MOST_DAYS >= left:
        return DateOrder(mark, year, (month_first,), f"the second number goes up to {right}")
    if left > MOST_DAYS:
        return DateOrder(mark, year, (), "in some the day comes first, in others the month")
    if mark == ".":
        return DateOrder(mark, year, (day_first,), "with dots the day comes first")
    return DateOrder(
        mark, year, (month_first, day_first), f"no number is above {MOST_DAYS}, so either can be"
    )


def date_forms(texts: Mapping[str, int], formats: Sequence[str]) -> tuple[DateForm, ...]:
    """How a column's dates are written, the commonest first.

    Args:
        texts: Date as received → rows.
        formats: Of the settings, for dates that can be read in two ways.
    """
    forms: dict[str, int] = {}
    bad = unread(texts, formats)
    for text, rows in texts.items():
        form = "?" if text in bad else _form(text, formats)
        forms[form] = forms.get(form, 0) + rows
    return tuple(DateForm(form, rows) for form, rows in sorted(forms.items(), key=lambda x: -x[1]))


def _form(text: str, formats: Sequence[str]) -> str:
    if found := _NUMERIC.match(text):
        year = "%Y" if len(found[4]) > len("26") else "%y"
        return next(
            (form for form in formats if form.endswith(f"{found[2]}{year}")), f"{found[2]}{year}"
        )
    known = next((name for pattern, name in _FORMS if re.match(pattern, text)), "as set")
    return f"{known} with time" if ":" in text else known
