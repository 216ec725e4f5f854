"""The teachers job's numbers: reduced facts in, `ClassWeek` and the student tables out.

Pure functions on frames. What a metric means stands in `glossary`; what is counted, in `facts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.teachers import ClassWeek, StudentAttendance, StudentHomework
from edu_pipeline.school_calendar import school_weeks


def rate(numerator: str, denominator: str) -> pl.Expr:
    """Numerator ÷ denominator as a share; empty where nothing was possible."""
    whole = pl.col(denominator)
    return pl.when(whole > 0).then(pl.col(numerator) / whole)


BOTH_RATES = {
    "attendance_rate": rate("attended_days", "possible_days"),
    "homework_rate": rate("homework_complete", "homework_due"),
}
RATES = tuple(BOTH_RATES)


def homework_counts(items: pl.DataFrame, by: Sequence[str], *, late_counts: bool) -> pl.DataFrame:
    """Homework due and complete.

    Args:
        items: `by` × `status` with `items`.
        by: The grain.
        late_counts: Whether late homework is handed in.

    Returns:
        One row per `by`: `homework_due`, `homework_complete`, `homework_late`, `homework_missing`.
    """
    complete = ["complete", "late"] if late_counts else ["complete"]
    status = pl.col("status")
    return items.group_by(by).agg(
        homework_due=pl.col("items").sum(),
        homework_complete=pl.col("items").filter(status.is_in(complete)).sum(),
        homework_late=pl.col("items").filter(status == "late").sum(),
        homework_missing=pl.col("items").filter(status == "missing").sum(),
    )


def class_week(
    *,
    classes: pl.DataFrame,
    school_days: pl.DataFrame,
    students: pl.DataFrame,
    attendance: pl.DataFrame,
    attendance_groups: pl.DataFrame,
    homework: pl.DataFrame,
    homework_groups: pl.DataFrame,
    counted_through: pl.DataFrame,
    late_counts: bool,
) -> pl.DataFrame:
    """Every class in every school week up to the latest data, beside its past and its peers.

    Args:
        classes: `Classes`.
        school_days: `SchoolDays`.
        students: class × week: `students`.
        attendance: class × week: `days_submitted`, `possible_days`, `attended_days`.
        attendance_groups: school × team (empty: school) × week: `possible_days`, `attended_days`.
        homework: class × week × status: `items`.
        homework_groups: school × team (empty: school) × week × status: `items`.
        counted_through: school: `counted_through`.
        late_counts: Whether late homework is handed in.

    Returns:
        `ClassWeek`.
    """
    weeks = school_weeks(school_days).join(counted_through, on="school_id", how="semi")
    # up to the latest of any school: one that is behind has not handed in its registers
    latest = pl.lit(counted_through["counted_through"].max(), pl.Date)
    weeks = weeks.filter(pl.col("week_start") <= latest)
    rows = (
        classes.select("class_id", "class_name", "class_type", "grade", "team", "school_id")
        .join(weeks, on="school_id")
        .join(students, on=["class_id", "week_start"])
        .join(attendance, on=["class_id", "week_start"], how="left")
        .join(
            homework_counts(homework, ["class_id", "week_start"], late_counts=late_counts),
            on=["class_id", "week_start"],
            how="left",
        )
        .with_columns(
            pl.col(
                "days_submitted",
                "possible_days",
                "attended_days",
                "homework_due",
                "homework_complete",
            ).fill_null(0)
        )
        .with_columns(**BOTH_RATES)
    )
    groups = group_rates(attendance_groups, homework_groups, late_counts=late_counts)
    team = groups.filter(pl.col("team").is_not_null())
    school = groups.filter(pl.col("team").is_null()).drop("team")
    rows = rows.join(
        team.rename({name: f"{name}_team" for name in RATES}),
        on=["school_id", "team", "week_start"],
        how="left",
    ).join(
        school.rename({name: f"{name}_school" for name in RATES}),
        on=["school_id", "week_start"],
        how="left",
    )
    for suffix, week in (("previous", "previous_week"), ("start", "start_week")):
        then = rows.select(
            "class_id",
            pl.col("week_start").alias(week),
            **{f"{name}_{suffix}": name for name in RATES},
        )
        rows = rows.join(then, on=["class_id", week], how="left")
        not_yet = pl.col(week) > pl.col("week_start")
        rows = rows.with_columns(
            pl.when(~not_yet).then(f"{name}_{suffix}").alias(f"{name}_{suffix}") for name in RATES
        ).with_columns(
            (pl.col(name) - pl.col(f"{name}_{suffix}")).alias(f"{name}_change_{suffix}")
            for name in RATES
        )
    wanted = dtypes(ClassWeek)
    return ClassWeek.validate(
        rows.select(wanted.names()).cast(wanted).sort("week_start", "class_type", "class_id")
    )


def group_rates(
    attendance: pl.DataFrame, homework: pl.DataFrame, *, late_counts: bool
) -> pl.DataFrame:
    """Rates of grade teams and schools: sums over sums.

    Args:
        attendance: school × team (empty: school) × week: `possible_days`, `attended_days`.
        homework: school × team (empty: school) × week × status: `items`.
        late_counts: Whether late homework is handed in.

    Returns:
        school × team × week: `attendance_rate`, `homework_rate`.
    """
    by = ["school_id", "team", "week_start"]
    counts = homework_counts(homework, by, late_counts=late_counts)
    return (
        attendance.join(counts, on=by, how="full", coalesce=True, nulls_equal=True)
        .with_columns(**BOTH_RATES)
        .select(*by, *RATES)
    )


def student_attendance(sums: pl.DataFrame) -> pl.DataFrame:
    """`StudentAttendance` from each student's sums over the running school year."""
    rows = sums.with_columns(attendance_rate=rate("attended_days", "possible_days"))
    wanted = dtypes(StudentAttendance)
    return StudentAttendance.validate(rows.select(wanted.names()).cast(wanted))


def student_homework(items: pl.DataFrame, *, late_counts: bool) -> pl.DataFrame:
    """`StudentHomework` from each student's items by status over the running school year."""
    counts = homework_counts(items, ["student_id"], late_counts=late_counts)
    rows = counts.with_columns(homework_rate=rate("homework_complete", "homework_due"))
    wanted = dtypes(StudentHomework)
    return StudentHomework.validate(rows.select(wanted.names()).cast(wanted).sort("student_id"))


@dataclass(frozen=True)
class WeekState:
    """How far a week's registers are in: what decides whether its letters are due."""

    week_start: date
    last_closed_day: date
    """The last day in session that the week's letters are about."""
    homerooms: int
    homerooms_missing: int
    """Homerooms without the register of some closed day."""

    @property
    def complete(self) -> bool:
        """Whether every homeroom's registers for its closed days are in."""
        return self.homerooms_missing == 0


def week_states(
    class_weeks: pl.DataFrame, school_days: pl.DataFrame, *, close_weekday: int
) -> list[WeekState]:
    """The state of every week that has figures, oldest first.

    All days of a past week are closed; of the running one, the week of the latest register, those
    up to `close_weekday`.

    Args:
        class_weeks: `ClassWeek`.
        school_days: `SchoolDays`.
        close_weekday: 0 for Monday to 6 for Sunday.
    """
    homerooms = class_weeks.filter(pl.col("class_type") == "homeroom")
    if homerooms.is_empty():
        return []
    running = homerooms["week_start"].max()
    day = pl.col("date")
    closed = (
        school_days.filter("in_session")
        .filter((pl.col("week_start") != running) | (day.dt.weekday() - 1 <= close_weekday))
        .group_by("school_id", "week_start")
        .agg(days_closed=day.n_unique(), last_closed_day=day.max())
    )
    states = (
        homerooms.join(closed, on=["school_id", "week_start"])
        .group_by("week_start")
        .agg(
            last_closed_day=pl.col("last_closed_day").max(),
            homerooms=pl.len(),
            homerooms_missing=(pl.col("days_submitted") < pl.col("days_closed")).sum(),
        )
        .sort("week_start")
    )
    return [WeekState(**row) for row in states.iter_rows(named=True)]


def last_counted_day(
    school_days: pl.DataFrame, counted_through: pl.DataFrame, week: date
) -> date | None:
    """The last day of a week that its figures include; None where there are none.

    Args:
        school_days: `SchoolDays`.
        counted_through: school: `counted_through`.
        week: Monday of the week.
    """
    days = school_days.filter(pl.col("in_session") & (pl.col("week_start") == week)).join(
        counted_through, on="school_id"
    )
    counted = days.filter(pl.col("date") <= pl.col("counted_through"))["date"]
    return counted.max() if len(counted) else None  # type: ignore[return-value]
