"""Which students a letter points out: the good news, and who needs a look, with reason and distance.

Pure: one class's `StudentOfWeek` rows and the settings in, notes out. How a note reads is for the
templates to say.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import polars as pl

from edu_pipeline.settings.letters import Notice

NameStyle = Literal["full", "initials", "none"]
FEWEST_SHOWN = 3
"""Characters of an id."""
_ENOUGH = 1e-9
"""Days are sums of fractions; a sum may miss a whole number by less than this."""


class Kind(StrEnum):
    """Why a student is named."""

    absent = "absent"
    """At least `Notice.absent_days` absent this week, not all of it excused."""
    excused = "excused"
    """As `absent`, but all of it excused."""
    missed = "missed"
    """`Notice.missed_share` of the school year's days, or more, missed."""
    close = "close"
    """`Notice.missed_ahead` more absences, or fewer, would reach that share."""
    homework = "homework"
    """`Notice.homework_missing` of the week's homework, or more, missing."""
    back = "back"
    """Here all week, after at least `Notice.absent_days` absent in the school week before."""
    caught_up = "caught_up"
    """All homework handed in, after so much was missing the week before."""


GOOD = frozenset({Kind.back, Kind.caught_up})
_NOTICE = frozenset({Kind.absent, Kind.missed, Kind.close, Kind.homework})
IN_LESSONS = frozenset({Kind.absent, Kind.homework, Kind.caught_up})
"""What concerns who teaches a subject; the rest is the homeroom teacher's to follow up."""


@dataclass(frozen=True)
class Reason:
    """One reason with its numbers; what `count` and `of` count depends on the kind."""

    kind: Kind
    count: float
    """Days absent or missed, or pieces missing; for `back` and `caught_up`, the week before."""
    of: float
    """Days expected, or pieces due, in the same window; for `caught_up`, this week's pieces."""
    excused: float = 0.0
    """Of the days, those excused."""
    more: int = 0
    """For `close`: absences until the share is reached."""


@dataclass(frozen=True)
class StudentNote:
    """One student with all reasons to be named."""

    student_id: str
    name: str
    """As the settings want it shown."""
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class ClassNotes:
    """The students of one class who are named, or only counted."""

    news: tuple[StudentNote, ...] = ()
    notice: tuple[StudentNote, ...] = ()
    """Most pressing first."""
    excused: tuple[StudentNote, ...] = ()
    """Absent as long, all of it excused."""

    @property
    def empty(self) -> bool:
        """Whether there is nobody to name."""
        return not (self.news or self.notice or self.excused)


def class_notes(
    students: pl.DataFrame,
    names: Mapping[str, str],
    notice: Notice,
    kinds: Collection[Kind] = frozenset(Kind),
) -> ClassNotes:
    """Whom to name in one class, and why.

    Args:
        students: The class's rows of `StudentOfWeek`.
        names: `student_id` → the name as it is to be shown.
        notice: From the settings.
        kinds: The reasons that concern the reader.
    """
    groups: dict[frozenset[Kind], list[StudentNote]] = {
        GOOD: [],
        _NOTICE: [],
        frozenset({Kind.excused}): [],
    }
    for row in students.sort("student_id").iter_rows(named=True):
        reasons = [
            reason
            for reason in (*_absence(row, notice), *_homework(row, notice))
            if reason.kind in kinds
        ]
        name = names.get(row["student_id"], row["student_id"])
        for group, notes in groups.items():
            found = tuple(reason for reason in reasons if reason.kind in group)
            if found:
                notes.append(StudentNote(row["student_id"], name, found))
    news, wanted, excused = groups.values()
    return ClassNotes(
        news=tuple(sorted(news, key=lambda note: note.name.casefold())),
        notice=tuple(sorted(wanted, key=_urgency)),
        excused=tuple(sorted(excused, key=_urgency)),
    )


def missed_ahead(missed: float, expected: float, share: float) -> int:
    """How many more days in a row would bring the days missed to a share of the days expected.

    The smallest whole k with (missed + k) ÷ (expected + k) ≥ share; 0 where it is reached.
    """
    return max(0, math.ceil((share * expected - missed) / (1 - share) - _ENOUGH))


def shown_names(students: pl.DataFrame, style: NameStyle) -> dict[str, str]:
    """`student_id` → the name that letters show.

    Args:
        students: `Students`.
        style: Of the settings; with `initials` students may share theirs, as in `A. K.`.
    """
    shown = {}
    for row in students.select("student_id", "given_name", "family_name").iter_rows(named=True):
        parts = [" ".join(part.split()) for part in (row["given_name"], row["family_name"]) if part]
        parts = [part for part in parts if part]
        if style == "initials":
            parts = [f"{part[0]}." for part in parts]
        shown[row["student_id"]] = " ".join(parts) or f"student {row['student_id']}"
    return shown


def told_apart(names: Mapping[str, str], homerooms: Mapping[str, str]) -> dict[str, str]:
    """Full names of students in one letter, those that several have with what tells them apart.

    That is the homeroom, or where they share it, the last characters of their ids.

    Args:
        names: `student_id` → name.
        homerooms: `student_id` → what their homeroom is called.
    """
    times = Counter(name.casefold() for name in names.values())
    namesakes: dict[str, list[str]] = {}
    for student, name in names.items():
        if times[name.casefold()] > 1:
            namesakes.setdefault(name.casefold(), []).append(student)
    apart = dict(names)
    for students in namesakes.values():
        marks = [homerooms.get(student, "") for student in students]
        if "" in marks or len({*marks}) < len(marks):
            marks = _ends(students)
        apart |= {
            student: f"{names[student]} ({mark})"
            for student, mark in zip(students, marks, strict=True)
        }
    return apart


def _ends(ids: Sequence[str]) -> list[str]:
    """The last characters of ids, as few as tell them apart."""
    longest = max(map(len, ids))
    length = next(
        n
        for n in range(FEWEST_SHOWN, longest + FEWEST_SHOWN)
        if len({one[-n:] for one in ids}) == len(ids)
    )
    return [one if len(one) <= length else f"…{one[-length:]}" for one in ids]


def known_names(students: pl.DataFrame, staff: pl.DataFrame) -> pl.DataFrame:
    """Everybody's full name, one row each: `name`. Letters are searched for those not theirs.

    Args:
        students: `Students`.
        staff: `Staff`.
    """
    people = pl.concat([one.select("given_name", "family_name") for one in (students, staff)])
    name = pl.concat_str("given_name", "family_name", separator=" ", ignore_nulls=True)
    return (
        people.select(name=name.str.replace_all(r"\s+", " ").str.strip_chars())
        .filter(pl.col("name") != "")
        .unique()
        .sort("name")
    )


def _absence(row: Mapping[str, Any], notice: Notice) -> list[Reason]:
    expected, attended = row["possible_days"], row["attended_days"]
    absent, excused = expected - attended, min(row["excused_days"], expected - attended)
    reasons = []
    if absent >= notice.absent_days - _ENOUGH:
        kind = Kind.absent if absent - excused > _ENOUGH else Kind.excused
        reasons.append(Reason(kind, absent, expected, excused))
    elif (
        expected > 0
        and absent < _ENOUGH
        and row["absent_days_previous"] >= notice.absent_days - _ENOUGH
    ):
        before = row["absent_days_previous"], row["possible_days_previous"]
        reasons.append(Reason(Kind.back, *before))
    year, missed = row["possible_days_to_date"], row["absent_days_to_date"]
    if year >= notice.missed_from_days:
        more = missed_ahead(missed, year, notice.missed_share)
        ever = Reason(
            Kind.missed if more == 0 else Kind.close,
            missed,
            year,
            row["excused_days_to_date"],
            more,
        )
        # who has long stopped missing days is not pointed out every week for the rest of the year
        if absent > _ENOUGH and more <= notice.missed_ahead:
            reasons.append(ever)
    return reasons


def _homework(row: Mapping[str, Any], notice: Notice) -> list[Reason]:
    due, missing = row["homework_due"], row["homework_missing"]
    if _much_missing(missing, due, notice):
        return [Reason(Kind.homework, missing, due)]
    before = row["homework_missing_previous"], row["homework_due_previous"]
    if due >= notice.homework_from and missing == 0 and _much_missing(*before, notice):
        return [Reason(Kind.caught_up, before[0], due)]
    return []


def _much_missing(missing: float, due: float, notice: Notice) -> bool:
    return due >= notice.homework_from and missing / due >= notice.homework_missing - _ENOUGH


def _urgency(note: StudentNote) -> tuple[float, float, str]:
    days = max((r.count for r in note.reasons if r.kind in {Kind.absent, Kind.excused}), default=0)
    return (-len(note.reasons), -days, note.name.casefold())


def first(notes: Sequence[StudentNote], most: int) -> tuple[Sequence[StudentNote], int]:
    """The notes to print, and how many more there are; one left over is printed as well."""
    return (notes, 0) if len(notes) <= most + 1 else (notes[:most], len(notes) - most)
