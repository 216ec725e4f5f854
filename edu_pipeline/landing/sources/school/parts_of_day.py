"""What part of a day a mark of attendance is about: all of it, a session of several, one lesson.

Pure. What is not proven by names, by the shape or by `pipeline.toml` is a whole day here and a question
elsewhere.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from string import ascii_uppercase

from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.settings.landing import AttendanceExport

MOST_SESSIONS = 12
"""A higher number in the name of a session is an id or a time of day."""

FEWEST_IN_TURN = 3
"""Numbers or letters that are the sessions of a day."""

WHOLE_DAY = frozenset(
    {
        *("all", "allday", "full", "fullday", "whole", "wholeday", "day", "daily", "both", "ampm"),
        *("fd", "journée", "journee", "todoeldía", "todoeldia", "jornada", "ganztags", "ganztägig"),
    }
)
"""What systems call a session that is all of them, without punctuation."""

ALL_OF_A_DAY = WHOLE_DAY - {"day", "daily"}
"""Of these, what can be no single session: there may be a Day and an Evening."""
HALF_DAY = frozenset({"am", "pm", "morning", "afternoon"})
"""What they call one of two."""
HALVES = ({"am", "pm"}, {"morning", "afternoon"})


_PERIOD = r"((p|per|periods?|lessons?|sessions?|blocks?|hours?)\.?\s*)?"
_SPAN = re.compile(
    rf"{_PERIOD}\d+(\s*([-–—,;&+]|to|thru|through|until|and)\s*{_PERIOD}\d+)+(\(.*)?", re.IGNORECASE
)


@dataclass(frozen=True)
class PartsOfDay:
    """How marks divide a day."""

    per_day: int
    """Rows of a full day, where that is one number for everybody."""
    by_day: bool = False
    """Whether a row is worth 1 ÷ those of its student on its day instead."""
    whole: tuple[str, ...] = ()
    """What sessions are called that are all of the day, beside others that are not."""


def parts_of_day(
    sessions: Collection[str], export: AttendanceExport, *, lessons: bool
) -> PartsOfDay:
    """How the marks of an export divide a day.

    AM and PM are halves. Lessons, and periods with numbers, are what took place for each student, where
    everybody has a row for each; of exceptions nobody knows how many there were.

    Args:
        sessions: What the sessions of marks are called; empty for none.
        export: How attendance is exported: what it says of `sessions_per_day` counts.
        lessons: Whether marks name the class that they were taken in.
    """
    whole = tuple(sorted(name for name in sessions if normal(name) in ALL_OF_A_DAY))
    parts = [name for name in sessions if name and name not in whole]
    if "sessions_per_day" in export.model_fields_set:
        return PartsOfDay(export.sessions_per_day, whole=whole if parts else ())
    if {normal(name) for name in parts} in HALVES and not lessons:
        return PartsOfDay(2, whole=whole)
    if export.shape == "daily" and (lessons or _are_numbered(parts)):
        return PartsOfDay(1, by_day=True, whole=whole)
    return PartsOfDay(export.sessions_per_day)


def _are_numbered(sessions: Collection[str]) -> bool:
    numbers = {number_of(name) for name in sessions}
    return (
        len(numbers) == len(sessions) > 1
        and max(numbers) <= MOST_SESSIONS
        and not any(span_of(name) or not re.search(r"\d", name) for name in sessions)
    )


def are_called_sessions(cells: Collection[str]) -> bool:
    """Whether what stands in a column reads like all sessions of a day: halves, or a row of numbers or letters.

    Two numbers or letters may also be two kinds of marks.
    """
    if {normal(cell) for cell in cells} in HALVES:
        return True
    numbers = {number_of(cell) for cell in cells} if _are_numbered(cells) else set()
    letters = {cell.upper() for cell in cells if len(cell) == 1}
    in_turn = ({*range(1, len(cells) + 1)}, {*range(len(cells))})
    return len(cells) >= FEWEST_IN_TURN and (
        numbers in in_turn
        or (len(cells) <= MOST_SESSIONS and letters == {*ascii_uppercase[: len(cells)]})
    )


def sessions_likely(sessions: Iterable[str]) -> int:
    """How many sessions a full day has, going by what some of them are called.

    Args:
        sessions: Such as `AM`, of which there are two, `3` or `Period 6`.

    Returns:
        At least 1; words for the whole day are no session of it.
    """
    sessions = [name for name in sessions if name and normal(name) not in WHOLE_DAY]
    parts = [name for name in sessions if not span_of(name)]
    numbers = [number for name in parts if (number := number_of(name)) <= MOST_SESSIONS]
    halves = 2 if any(normal(name) in HALF_DAY for name in parts) else 1
    # a single one may be the period in which the day's attendance is taken
    ends = [span_of(name) for name in sessions]
    return max(len(parts), halves, 1, *(numbers if len(parts) > 1 else []), *ends)


def span_of(session: str) -> int:
    """The last of several periods that one session stands for: 3 of `1-3` or `P1, P2, P3`; else 0."""
    numbers = [int(number) for number in re.findall(r"\d+", session)]
    rising = numbers == sorted({*numbers}) and numbers[-1:] <= [MOST_SESSIONS]
    return numbers[-1] if rising and _SPAN.fullmatch(session) else 0


def number_of(session: str) -> int:
    """The number of a session: 3 of `Period 3`, `P3` and `3(A-B)`; 0 where it has none."""
    found = re.search(r"\d+", session)
    return int(found[0]) if found else 0
