"""Who is where and when in an invented school: the year's days, the classes, the students' moves.

Time is counted in days since the school year's first Monday, so that random draws, moves and
weeks are plain integers; dates appear when a table is written out. Not here: people's names and
what happens on a day.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]

# Homerooms in which something happens. All of them exist from 132 students on.
CO_TAUGHT = "HR-7A"  # two teachers all year
FALLING = "HR-7B"  # attendance drops in the last two weeks
RISING = "HR-8A"  # attendance recovers in the last two weeks
TEACHER_CHANGES = "HR-8B"  # a new homeroom teacher after the first term
SHARED_TEACHER = ("HR-9A", "HR-9B")  # one teacher for both

WEEKS_OF_DATA = 37  # the week of `through` is the last of them
_WEEKS_IN_YEAR = 40
_SCHOOL_SIZE = 750
_HOMEROOM_SIZE = 22
_MOST_HOMEROOMS = 30
_MOST_GRADES = 6
_LOWEST_GRADE = 7
OPEN = 10_000  # an end that lies beyond every year

SUBJECTS = {"ENG": "English", "MAT": "Mathematics", "SCI": "Science", "HIS": "History"}
BREAK_WEEKS = {
    7: "Autumn break",
    15: "Winter break",
    16: "Winter break",
    24: "Mid-year break",
    32: "Spring break",
    33: "Spring break",
}
# (week, weekday): the first week is short, and so is the one with two holidays.
_DAYS_OFF = {
    (0, 0): "Staff training",
    (0, 1): "Staff training",
    (4, 0): "Public holiday",
    (11, 3): "Public holiday",
    (11, 4): "Public holiday",
    (18, 2): "Snow day",
    (20, 0): "Public holiday",
    (27, 3): "Storm",
    (29, 4): "Staff training",
    (38, 0): "Public holiday",
}
TERM_STARTS = {0: "Trimester 1", 12: "Trimester 2", 25: "Trimester 3"}


@dataclass(frozen=True)
class SchoolYear:
    """The year's days; `day` counts from the first Monday and runs over school days with data."""

    start: date
    calendar: pl.DataFrame  # every weekday: date, in_session, term, note
    day: IntArray

    @property
    def week(self) -> IntArray:
        """The week of each of these days, 0 for the first."""
        return self.day // 7

    @property
    def dates(self) -> pl.Series:
        """These days as ISO dates."""
        return iso_dates(pl.Series(self.day), self.start)


def school_year(through: date) -> SchoolYear:
    """The year in which `through` lies in the 37th week."""
    start = through - timedelta(days=through.weekday(), weeks=WEEKS_OF_DATA - 1)
    rows = []
    term = ""
    for week in range(_WEEKS_IN_YEAR):
        term = TERM_STARTS.get(week, term)
        for weekday in range(5):
            note = BREAK_WEEKS.get(week) or _DAYS_OFF.get((week, weekday))
            rows.append((7 * week + weekday, "N" if note else "Y", term, note))
    calendar = pl.DataFrame(rows, schema=["day", "in_session", "term", "note"], orient="row")
    with_data = calendar.filter(
        pl.col("in_session") == "Y", pl.col("day") <= (through - start).days
    )
    return SchoolYear(
        start=start,
        calendar=calendar.select(
            iso_dates(calendar["day"], start).alias("date"), "in_session", "term", "note"
        ),
        day=with_data["day"].to_numpy(),
    )


def iso_dates(day: pl.Series, start: date) -> pl.Series:
    """Days since the start as ISO dates; an open end is blank."""
    days = day.set(day >= OPEN, None).to_frame("days")
    return days.select((start + pl.duration(days="days")).dt.to_string("%Y-%m-%d")).to_series()


def plan_homerooms(students: int) -> pl.DataFrame:
    """One row per homeroom, all schools alike: school, grade, section and what the ids end in.

    Neighbouring rows are sections of one grade, which is how a move finds its new homeroom.
    """
    schools = -(-students // _SCHOOL_SIZE)
    homerooms = max(1, min(_MOST_HOMEROOMS, students // schools // _HOMEROOM_SIZE))
    grades = max(1, min(_MOST_GRADES, homerooms // 2))
    sections = homerooms // grades
    rows = [
        (str(school), str(grade), section, f"{grade}{'ABCDE'[section]}", sections)
        for school in range(1, schools + 1)
        for grade in range(_LOWEST_GRADE, _LOWEST_GRADE + grades)
        for section in range(sections)
    ]
    frame = pl.DataFrame(
        rows, schema=["school_id", "grade", "section", "class_name", "sections"], orient="row"
    )
    outside_school_1 = pl.when(pl.col("school_id") != "1").then("-" + pl.col("school_id"))
    return frame.with_columns(
        homeroom=pl.int_range(pl.len()),
        suffix="-" + pl.col("class_name") + outside_school_1.fill_null(""),
    )


def plan_classes(homerooms: pl.DataFrame) -> pl.DataFrame:
    """The classes export with `class` (row number), `homeroom` and `subject` (null for homerooms)."""
    kinds = pl.DataFrame(
        {
            "prefix": ["HR", *SUBJECTS],
            "subject": [None, *SUBJECTS.values()],
            "class_type": ["homeroom"] + ["scheduled"] * len(SUBJECTS),
        }
    )
    title = pl.concat_str("subject", "class_name", separator=" ", ignore_nulls=True)
    return homerooms.join(kinds, how="cross", maintain_order="left_right").select(
        pl.int_range(pl.len()).alias("class"),
        pl.concat_str("prefix", "suffix").alias("class_id"),
        title.alias("class_name"),
        "class_type",
        "grade",
        pl.concat_str(pl.lit("Grade "), "grade").alias("team"),
        "school_id",
        "homeroom",
        "subject",
    )


@dataclass(frozen=True)
class Roster:
    """Who is where and when: one element per student, in the order of their ids.

    A student is in `homeroom` from `begins`, and in `next_homeroom` from `moves` until `ends`.
    """

    student_id: pl.Series
    unknown_id: str  # formatted like the others, but nobody has it
    homeroom: IntArray
    next_homeroom: IntArray
    begins: IntArray
    moves: IntArray
    ends: IntArray
    absence: FloatArray  # the share of days this student tends to miss

    @property
    def spells(self) -> pl.DataFrame:
        """One row per student and homeroom: student, homeroom, begins, ends."""
        student = np.arange(len(self.student_id))
        moved = self.moves < OPEN
        first = pl.DataFrame(
            {
                "student": student,
                "homeroom": self.homeroom,
                "begins": self.begins,
                "ends": np.minimum(self.moves, self.ends),
            }
        )
        second = pl.DataFrame(
            {
                "student": student[moved],
                "homeroom": self.next_homeroom[moved],
                "begins": self.moves[moved],
                "ends": self.ends[moved],
            }
        )
        return pl.concat([first, second])


def plan_roster(students: int, homerooms: pl.DataFrame, rng: np.random.Generator) -> Roster:
    """Seat the students in homerooms of unequal size, and let some move, join late or leave."""
    numbers = np.sort(rng.choice(3 * students, students, replace=False)) + 1
    width = max(6, len(str(3 * students)) + 1)
    bounds = np.cumsum(rng.uniform(0.85, 1.15, homerooms.height))
    seats = np.searchsorted(bounds / bounds[-1], (np.arange(students) + 0.5) / students)
    homeroom = rng.permutation(seats)

    section = homerooms["section"].to_numpy()[homeroom]
    sections = homerooms["sections"].to_numpy()[homeroom]
    step = rng.integers(1, np.maximum(sections, 2))
    next_homeroom = homeroom - section + (section + step) % sections

    moving, joining, leaving = -(-students // 50), -(-students // 150), -(-students // 150)
    movers, joiners, leavers = np.split(
        rng.permutation(students)[: moving + joining + leaving], [moving, moving + joining]
    )
    movers = movers[sections[movers] > 1]

    def school_days(first_week: int, last_week: int, size: int) -> IntArray:
        return 7 * rng.integers(first_week, last_week, size) + rng.integers(0, 5, size)

    begins = np.zeros(students, np.int64)
    moves = np.full(students, OPEN)
    ends = np.full(students, OPEN)
    begins[joiners] = school_days(3, 22, joiners.size)
    moves[movers] = school_days(9, 31, movers.size)
    ends[leavers] = school_days(10, 33, leavers.size)
    return Roster(
        student_id=pl.Series(numbers).cast(pl.String).str.zfill(width),
        unknown_id="9" * width,
        homeroom=homeroom,
        next_homeroom=next_homeroom,
        begins=begins,
        moves=moves,
        ends=ends,
        absence=rng.beta(1.1, 18.5, students).astype(np.float32),
    )
