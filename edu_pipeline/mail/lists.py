"""Lists that people keep outside: suppressed addresses and earlier mailings, from and to CSV.

Pure. A line that cannot be used is named by its number and what is wrong with it, never by what it
says; the others are taken.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Generic, TypeVar, get_args

from edu_pipeline.ground.addresses import is_address, same_address
from edu_pipeline.mail.suppressed import Reason

EVERY_CAMPAIGN = "*"
"""Scope of a suppression that holds for all letters."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SUBJECT = re.compile(r"[\w.~:+/-]+")
"""Of a figure, such as `verify/UQx_BUSLEAD1x_1T2027`."""
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Row = TypeVar("Row")


class ListError(Exception):
    """Nothing of a file can be used; the message says what to do."""


@dataclass(frozen=True)
class SuppressionLine:
    """One address that is not to be written to."""

    email: str
    """As it is compared."""
    scope: str
    """A campaign, or `EVERY_CAMPAIGN`."""
    reason: Reason
    at: datetime


@dataclass(frozen=True)
class HistoryLine:
    """One letter that went out by other means."""

    campaign: str
    period: str
    email: str
    """As it is compared."""
    sent_on: date
    about: str = ""
    """What it was about, as the subject of a figure; empty: not said."""


@dataclass(frozen=True)
class BadLine:
    """A line that was left out."""

    number: int
    """As an editor counts: the heading is line 1."""
    problem: str


@dataclass(frozen=True)
class Read(Generic[Row]):
    """What a file holds."""

    rows: Sequence[Row]
    bad: Sequence[BadLine]
    undated: int = 0
    """Lines of letters that have not gone out."""


class _BadValueError(ValueError):
    """The message may be shown: it quotes nothing."""


class _NotSentError(ValueError):
    """A line of a letter that has not gone out."""


def read_suppressions(content: bytes, *, now: datetime) -> Read[SuppressionLine]:
    """Read `email`, and where they are there `scope`, `reason`, `at`.

    Without them an address has unsubscribed from everything, now.

    Raises:
        ListError: It is not a text in UTF-8, or has no column `email`.
    """

    def line(cells: Mapping[str, str]) -> SuppressionLine:
        return SuppressionLine(
            email=_address(cells["email"]),
            scope=_scope(cells.get("scope", "")),
            reason=_reason(cells.get("reason", "")),
            at=_moment(cells.get("at", ""), now),
        )

    return _read(content, ("email",), line)


def read_history(content: bytes) -> Read[HistoryLine]:
    """Read `campaign`, `period`, `email`, `date`, and where it is there `about`.

    A line without a date is of a letter that has not gone out: it is only counted, so that a list
    of whom to write to can come back once whoever was written to has a date.

    Raises:
        ListError: It is not a text in UTF-8, or a column is missing.
    """

    def line(cells: Mapping[str, str]) -> HistoryLine:
        if not cells["date"]:
            raise _NotSentError
        return HistoryLine(
            campaign=_name("campaign", cells["campaign"]),
            period=_name("period", cells["period"]),
            email=_address(cells["email"]),
            sent_on=_date(cells["date"]),
            about=_subject(cells.get("about", "")),
        )

    return _read(content, ("campaign", "period", "email", "date"), line)


def write_csv(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A CSV that a spreadsheet opens without running anything that is in it.

    A cell that would begin a formula gets an apostrophe in front, which reading takes off again.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heading)
    writer.writerows([_inert(cell) for cell in row] for row in rows)
    return text.getvalue()


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _as_written(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def _read(
    content: bytes, needed: Sequence[str], line: Callable[[Mapping[str, str]], Row]
) -> Read[Row]:
    try:
        lines = _LINE_ENDS.split(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ListError("The file is not UTF-8. Save it as CSV UTF-8.") from None
    delimiter = ";" if lines[0].count(";") > lines[0].count(",") else ","
    try:
        names = [name.strip().casefold() for name in _cells(lines[0], delimiter)]
    except _BadValueError:
        names = []
    if missing := [name for name in needed if name not in names]:
        raise ListError(
            f"The first line must name the columns, and there is no {' and no '.join(missing)}. "
            f"Begin the file with: {','.join(needed)}"
        )
    rows: list[Row] = []
    bad: list[BadLine] = []
    undated = 0
    for number, text in enumerate(lines[1:], start=2):
        if not text.strip():
            continue
        try:
            rows.append(line(_by_name(names, _cells(text, delimiter))))
        except _BadValueError as error:
            bad.append(BadLine(number, str(error)))
        except _NotSentError:
            undated += 1
    return Read(rows, bad, undated)


def _cells(text: str, delimiter: str) -> list[str]:
    """One line at a time: a quote that is never closed must not swallow the lines after it."""
    try:
        return [
            _as_written(cell) for cell in next(csv.reader([text], delimiter=delimiter, strict=True))
        ]
    except (csv.Error, StopIteration):
        raise _BadValueError("its quotes do not match") from None


def _by_name(names: Sequence[str], cells: Sequence[str]) -> Mapping[str, str]:
    if len(cells) != len(names):
        raise _BadValueError(f"it has {len(cells)} cells, the first line {len(names)}")
    return dict(zip(names, map(str.strip, cells), strict=True))


def _address(text: str) -> str:
    if not is_address(text):
        raise _BadValueError("email is not an address")
    return same_address(text)


def _scope(text: str) -> str:
    return EVERY_CAMPAIGN if text in {"", EVERY_CAMPAIGN} else _name("scope", text)


def _name(column: str, text: str) -> str:
    if not _NAME.fullmatch(text):
        raise _BadValueError(f"{column} may have letters, digits, . _ and - only")
    return text


def _subject(text: str) -> str:
    if text and not _SUBJECT.fullmatch(text):
        raise _BadValueError("about may have letters, digits, . _ ~ : + / and - only")
    return text


def _reason(text: str) -> Reason:
    for reason in get_args(Reason):
        if reason == (text.casefold() or "unsubscribe"):
            found: Reason = reason
            return found
    raise _BadValueError(f"reason is none of {', '.join(get_args(Reason))}")


def _moment(text: str, now: datetime) -> datetime:
    if not text:
        return now
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        later = at > now
    except (ValueError, OverflowError):
        raise _BadValueError("at is not a time such as 2026-09-28T10:00:00+00:00") from None
    if later:
        raise _BadValueError("at is in the future")
    return at


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _BadValueError("date is not a day such as 2026-09-28") from None
