"""Tables with a column per day, session or assignment: which headers have cells, and what they say.

Such a table is read as one row per line and cell. Pure: names in, names or sentences out.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from edu_pipeline.ground.toml import toml_text
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.settings.landing import AttendanceExport, TableExport, WideExport

HEADED: Mapping[str, tuple[str, str]] = {
    "attendance": ("date", "code"),
    "homework": ("assignment_id", "status"),
}
"""Export → our column that headers say, and the one that cells say."""
MANY_ALIKE = 3
"""So many columns of one kind make a table wide."""
SHOWN = 3
"""Headers shown of many."""
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAY = r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)(?:day|nesday|rsday|urday|sday)?\.?"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_SESSION = r"(?P<session>[ap]m|morning|afternoon|(?:p|period|session|lesson)\s*\d{1,2})"
_APART = r"[\s_,:-]*"
_DAY = re.compile(
    rf"(?:{_WEEKDAY}{_APART})?(?P<date>\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}|20\d{{6}}"
    rf"|\d{{1,2}}([-/.])\d{{1,2}}\2(?:\d{{4}}|\d{{2}})|\d{{1,2}}[ -]{_MONTH},?[ -]\d{{4}}"
    rf"|{_MONTH} \d{{1,2}}, \d{{4}})(?:[ T]00:00(?::00)?)?(?:{_APART}{_SESSION})?",
    re.IGNORECASE,
)
"""A header that is a day: `2026-09-07`, `Mon 7 Sep 2026`, `07/09/2026 AM`."""
_SOME_DAY = re.compile(
    rf"(?=.*\d|{_WEEKDAY})(?:(?P<weekday>{_WEEKDAY}){_APART})?(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?)?"
    rf"(?:{_APART}(?P<month>{_MONTH}))?(?:{_APART}(?P<after>\d{{1,2}})(?:st|nd|rd|th)?)?"
    rf"(?:{_APART}{_SESSION})?",
    re.IGNORECASE,
)
"""A header that is one of several days: `7 Sep`, `Mon 7`, `Mon`, `14`."""
_PAIR = re.compile(r"\d{1,2}\s*[-/.]\s*\d{1,2}\.?")
"""`7/9`, of which the order is not known either."""
_ONE_SESSION = re.compile(
    rf"(?:(?:code|mark){_APART})?{_SESSION}(?:{_APART}(?:code|mark))?", re.IGNORECASE
)
_NUMBERED = re.compile(r"\d+|\b(am|pm)\b|morning|afternoon|\b(first|second)\b")
"""What tells headers of sessions apart."""
A_YEAR = timedelta(days=366)


@dataclass(frozen=True)
class WideColumn:
    """One header whose cells are codes of their own."""

    header: str
    says: Mapping[str, str]
    """Our column → what the header says of it."""


def wide_columns(
    table: str, header: Sequence[str], found: Mapping[str, str], export: TableExport
) -> tuple[WideColumn, ...]:
    """The headers whose cells are codes, as the settings say or the headers leave no doubt.

    Args:
        table: One of `SCHOOL_TABLES`.
        header: All headers of the file.
        found: Our column → the header that is surely it.
        export: How it is read.
    """
    if not isinstance(export, WideExport):
        return ()
    if export.cells is not None:
        return tuple(_said(table, header, re.compile(export.cells)))
    if not isinstance(export, AttendanceExport):
        return ()
    of_header, of_cell = HEADED[table]
    have = {*found, *export.constants, *export.columns}
    free = [name for name in header if name not in found.values()]
    if of_header in have:
        return () if of_cell in have else _sessions(free)
    days = tuple(_days(free)) or tuple(_days_from(free, export.first_day))
    return days if of_cell not in have or len(days) >= MANY_ALIKE else ()


def said_by(table: str, cells: Collection[WideColumn]) -> frozenset[str]:
    """Our columns that the headers and cells of a wide table say."""
    ours = {name for cell in cells for name in cell.says}
    return frozenset({*ours, HEADED[table][1]} if cells else ())


def _said(table: str, header: Sequence[str], pattern: re.Pattern[str]) -> Iterator[WideColumn]:
    for name in header:
        if match := pattern.fullmatch(name):
            named = {ours: text.strip() for ours, text in match.groupdict().items() if text}
            text = next(filter(None, match.groups()), name)
            yield WideColumn(name, named or {HEADED[table][0]: text.strip()})


def _days(header: Sequence[str]) -> Iterator[WideColumn]:
    """Days with their year, unless others have none."""
    found = {name: match for name in header if (match := _DAY.fullmatch(name))}
    if len(_some_days([name for name in header if name not in found])) < MANY_ALIKE:
        for name, match in found.items():
            yield WideColumn(name, _without_none(date=match["date"], session=match["session"]))


def _days_from(header: Sequence[str], first: date | None) -> Iterator[WideColumn]:
    """Days without a year: from left to right each the next such day, from the first day on.

    None at all where one of them may be two days.
    """
    if first is None:
        return
    found = []
    day, sessions = first, frozenset[str]()
    for name in _some_days(header):
        match = _SOME_DAY.fullmatch(_without_copy(name, header))
        wanted = None if match is None else _wanted(match)
        if match is None or wanted is None:
            return
        session = match["session"] or ""
        if sessions and (not session or session.casefold() in sessions):
            day, sessions = day + timedelta(days=1), frozenset()
        nearest = _next(day, *wanted)
        if nearest is None:
            return
        sessions = (sessions if nearest == day else frozenset()) | {session.casefold()}
        day = nearest
        found.append(WideColumn(name, _without_none(date=str(day), session=session or None)))
    yield from found


def _wanted(match: re.Match[str]) -> tuple[int | None, int | None, int | None] | None:
    """Day, month and weekday of a header; None where it has two days."""
    if match["day"] and match["after"]:
        return None
    day = match["day"] or match["after"]
    return (
        int(day) if day else None,
        _MONTHS.index(match["month"][:3].casefold()) + 1 if match["month"] else None,
        _WEEKDAYS.index(match["weekday"][:3].casefold()) if match["weekday"] else None,
    )


def _next(first: date, day: int | None, month: int | None, weekday: int | None) -> date | None:
    """The first such day from a day on, within a year."""
    days = (first + timedelta(days=n) for n in range(A_YEAR.days))
    return next(
        (
            each
            for each in days
            if day in (None, each.day)
            and month in (None, each.month)
            and weekday in (None, each.weekday())
        ),
        None,
    )


def _sessions(header: Sequence[str]) -> tuple[WideColumn, ...]:
    """A column for each session of the day that the line has."""
    found = {name: match for name in header if (match := _ONE_SESSION.fullmatch(name))}
    if len(found) <= 1:
        return ()
    return tuple(WideColumn(name, {"session": match["session"]}) for name, match in found.items())


def _without_none(**texts: str | None) -> Mapping[str, str]:
    return {name: text for name, text in texts.items() if text is not None}


def _without_copy(name: str, header: Sequence[str]) -> str:
    """A header as it was before `csvfile` made it unique."""
    bare = re.sub(r"_\d+$", "", name)
    return bare if bare in header else name


def _some_days(header: Sequence[str]) -> Sequence[str]:
    """Headers that are days without a year."""
    return [
        name
        for name in header
        if _PAIR.fullmatch(name)
        or (
            (match := _SOME_DAY.fullmatch(_without_copy(name, header)))
            and any(match[part] for part in ("weekday", "day", "after"))
        )
    ]


def wide_question(
    table: str, header: Sequence[str], lacking: frozenset[str], export: TableExport
) -> str | None:
    """What to ask of a table that lacks columns because it is wide: no other header would do.

    Args:
        table: The export.
        header: Headers that are none of our columns.
        lacking: Our columns that it needs and has not.
        export: How it is read.
    """
    if isinstance(export, WideExport) and export.cells and lacking.intersection(HEADED[table]):
        return (
            f"[landing.{table}] says cells = {toml_text(export.cells)}, and no header of the file is like "
            f"that. Its other columns are: {', '.join(header)}."
        )
    if table == "attendance" and lacking & {"date", "code"}:
        return column_per_day(header) or _column_per_session(header)
    if table == "homework" and len(lacking - {"student_id"}) > 1 and len(header) >= MANY_ALIKE:
        return (
            f"it has no column for {' and none for '.join(sorted(lacking))}, and columns of its own "
            f"({_some(header)}): it may be a gradebook with a column per assignment. If it is, say which "
            f"columns are assignments. Add to [landing.homework]: {_pattern(header)}"
        )
    return None


def column_per_day(header: Sequence[str]) -> str | None:
    """What to ask of a register that has a column per day; None where it has none."""
    days = [name for name in header if _DAY.fullmatch(name)]
    others = _some_days([name for name in header if name not in days])
    if len(others) < MANY_ALIKE:
        return None
    return (
        f"it has a column per day ({_some(others)}), and does not say of which year. If the columns go "
        "on from left to right, add to [landing.attendance]: first_day = 2026-09-01  # the day of the "
        "first of them, or the last one before it; else write the whole dates into the header."
    )


def _column_per_session(header: Sequence[str]) -> str | None:
    alike: dict[str, list[str]] = {}
    for name in header:
        bare = _NUMBERED.sub("", name.casefold())
        if bare != name.casefold():
            alike.setdefault(normal(bare), []).append(name)
    sessions = max(alike.values(), key=len, default=[])
    if len(sessions) <= 1:
        return None
    return (
        f"it has a column per session ({_some(sessions)}). If their cells are the codes, add to "
        f"[landing.attendance]: {_pattern(sessions, '(?P<session>{})')}"
    )


def _pattern(header: Sequence[str], group: str = "{}") -> str:
    """The line that says which headers have cells, or how it begins."""
    names = [re.sub(r"([.^$*+?{}\[\]|()\\])", r"\\\1", name) for name in header[:SHOWN]]
    pattern = group.format("|".join([*names, *(["…"] if len(header) > SHOWN else [])]))
    # without escapes, if it can be
    return "cells = " + (toml_text(pattern) if "'" in pattern else f"'{pattern}'")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (
        f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    )
