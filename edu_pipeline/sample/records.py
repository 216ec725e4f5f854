"""What happens in an invented school year: attendance and homework, with a few bad rows.

Millions of rows are drawn at once as numpy matrices of days by students. Not here: who is
enrolled where, which the roster says.
"""

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from edu_pipeline.sample.plan import (
    BREAK_WEEKS,
    FALLING,
    RISING,
    WEEKS_OF_DATA,
    FloatArray,
    Roster,
    SchoolYear,
    iso_dates,
)

# Attendance codes as in the export, and their positions in a matrix of codes.
_CODES = ("P", "T", "A", "E", "H")
_PRESENT, _TARDY, _ABSENT, _EXCUSED, _HALF = range(len(_CODES))
_STATUSES = ("complete", "late", "missing", "exempt", None)
_COMPLETE, _LATE, _MISSING, _EXEMPT, _BLANK = range(len(_STATUSES))

_WINTER_WEEKS = range(17, 24)
_SPELL_LENGTHS = {1: 0.45, 2: 0.3, 3: 0.25}  # school days absent in a row: share of spells
_HALF_DAYS = 0.006  # of student-days
_WEEKLY_WORK = 0.92  # chance that a class has work due on its weekday
_MORE_WORK = 0.1  # and on another one
_HANDED_IN_LATE = 0.08  # of what is handed in
_EXEMPTED = 0.015  # of all homework, as is the next
_LEFT_BLANK = 0.01


def attendance(
    year: SchoolYear,
    roster: Roster,
    homerooms: pl.DataFrame,
    shape: Literal["daily", "exceptions"],
    rng: np.random.Generator,
) -> pl.DataFrame:
    """One row per student and school day (see `make_school` for `shape`), bad rows last."""
    codes = _attendance_codes(year, roster, homerooms, rng)
    day = year.day[:, None]
    listed = (roster.begins <= day) & (day < roster.ends)
    if shape == "exceptions":
        listed &= codes != _PRESENT
    days, students = np.nonzero(listed)
    frame = pl.DataFrame(
        [
            roster.student_id.gather(students).alias("student_id"),
            year.dates.gather(days).alias("date"),
            pl.Series("code", _CODES).gather(codes[listed]),
        ]
    )
    known, a_day = roster.student_id[0], year.dates[-1]
    dirty = pl.DataFrame(
        [
            (roster.unknown_id, a_day, "A"),
            (roster.unknown_id, a_day, "T"),
            (known, f"{year.start.year}-13-45", "T"),
        ],
        schema=frame.schema,
        orient="row",
    )
    corrected = frame.filter(pl.col("code") == "A").tail(1).with_columns(code=pl.lit("T"))
    return pl.concat([frame, dirty, corrected])


def _attendance_codes(
    year: SchoolYear, roster: Roster, homerooms: pl.DataFrame, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Codes (as positions in `_CODES`) of every student on every school day, days in rows.

    Absence comes in runs of one to three school days, each with one reason; the longer ones are
    mostly illness and excused.
    """
    size = (year.day.size, len(roster.student_id))
    risk = _absence_risk(year, roster, homerooms, rng)
    lengths, shares = [*_SPELL_LENGTHS], [*_SPELL_LENGTHS.values()]
    length = rng.choice(np.array(lengths, np.uint8), size, p=shares)
    length[rng.random(size, dtype=np.float32) >= risk / np.dot(lengths, shares)] = 0
    excused = rng.random(size, dtype=np.float32) < np.where(length > 1, 0.8, 0.35)

    tardiness = rng.beta(1, 26, size[1]).astype(np.float32)
    arrival = rng.random(size, dtype=np.float32)
    codes = np.full(size, _PRESENT, np.uint8)
    codes[arrival < tardiness] = _TARDY
    codes[arrival > 1 - _HALF_DAYS] = _HALF
    for lag in (2, 1, 0):  # the newest spell gives the reason
        began = length[: size[0] - lag] > lag
        reason = np.where(excused[: size[0] - lag], _EXCUSED, _ABSENT).astype(np.uint8)
        np.copyto(codes[lag:], reason, where=began)
    return codes


def _absence_risk(
    year: SchoolYear, roster: Roster, homerooms: pl.DataFrame, rng: np.random.Generator
) -> FloatArray:
    """The share of days that each student is expected to miss, by school day."""
    week = year.week
    weekday = np.array([1.15, 0.92, 0.88, 0.95, 1.2])[year.day % 7]
    winter = np.where(np.isin(week, _WINTER_WEEKS), 1.3, 1.0)
    last_break = np.array([-1, *BREAK_WEEKS])[np.searchsorted([*BREAK_WEEKS], week)]
    tiredness = 0.88 + 0.035 * (week - last_break - 1)
    rhythm = (weekday * winter * tiredness).astype(np.float32)

    room_factor = rng.normal(1, 0.1, homerooms.height).clip(0.7, 1.3)
    extra = np.zeros((homerooms.height, WEEKS_OF_DATA), np.float32)
    by_id = {f"HR{suffix}": row for row, suffix in enumerate(homerooms["suffix"])}
    if FALLING in by_id:
        extra[by_id[FALLING], -2:] = 0.10, 0.22
    if RISING in by_id:
        extra[by_id[RISING], -10:-2] = 0.1
        extra[by_id[RISING], -2:] = -0.03

    room = np.where(year.day[:, None] < roster.moves, roster.homeroom, roster.next_homeroom)
    risk: FloatArray = room_factor.astype(np.float32)[room] * roster.absence * rhythm[:, None]
    risk += extra[room, week[:, None]]
    return risk.clip(0, 0.7)


def homework(
    year: SchoolYear, roster: Roster, classes: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """One row per student and assignment due by the last day, bad rows last.

    Of the work that counts, the share handed in climbs from 70 to 86 % over the year.
    """
    scheduled = classes.filter(pl.col("class_type") == "scheduled")
    rows = (
        _assignments(year, scheduled, rng)
        .join(roster.spells, on="homeroom")
        .filter(pl.col("begins") <= pl.col("due"), pl.col("due") < pl.col("ends"))
        .sort("assignment", "student")
    )
    student, row, due = (rows[column].to_numpy() for column in ("student", "row", "due"))

    progress = (due / (7 * WEEKS_OF_DATA)).astype(np.float32)
    absence = roster.absence - roster.absence.mean()
    diligence = rng.normal(0, 0.1, absence.size) - absence
    class_effect = rng.normal(0, 0.03, scheduled.height)
    handed_in = 0.70 + 0.17 * progress + diligence[student] + class_effect[row]
    draw = rng.random((3, rows.height), dtype=np.float32)
    status = np.where(draw[0] < handed_in, _COMPLETE, _MISSING)
    status[(status == _COMPLETE) & (draw[1] < _HANDED_IN_LATE)] = _LATE
    status[draw[2] < _LEFT_BLANK + _EXEMPTED] = _EXEMPT
    status[draw[2] < _LEFT_BLANK] = _BLANK

    frame = pl.DataFrame(
        [
            rows["assignment_id"],
            roster.student_id.gather(student).alias("student_id"),
            scheduled["class_id"].gather(row),
            iso_dates(rows["due"], year.start).alias("due_date"),
            pl.Series("status", _STATUSES).gather(status),
        ]
    )
    some = frame.head(1)
    return pl.concat(
        [
            frame,
            some.with_columns(
                assignment_id=pl.lit("W900001"), due_date=pl.lit(f"{year.start.year}-02-30")
            ),
            some.with_columns(assignment_id=pl.lit("W900002"), class_id=pl.lit("MAT-99Z")),
        ]
    )


def _assignments(
    year: SchoolYear, scheduled: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """One row per assignment: assignment, assignment_id, row (of `scheduled`), homeroom, due.

    A class has work due on its own weekday in most weeks, and on a second one in some.
    """
    weekday = rng.integers(0, 5, scheduled.height)
    chance = rng.random((year.day.size, scheduled.height), dtype=np.float32)
    today = year.day[:, None] % 7
    is_due = (chance < _WEEKLY_WORK) & (today == weekday)
    is_due |= (chance < _MORE_WORK) & (today == (weekday + 2) % 5)
    day, row = np.nonzero(is_due)
    number = pl.int_range(1, pl.len() + 1)
    return pl.DataFrame(
        {"row": row, "homeroom": scheduled["homeroom"].gather(row), "due": year.day[day]}
    ).with_columns(assignment=number, assignment_id="W" + number.cast(pl.String).str.zfill(6))
