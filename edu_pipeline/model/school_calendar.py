"""School days, school weeks, terms and school years, from a calendar.

Pure functions; nothing about attendance or letters. What a week is called stands in `weeks`.
"""

from datetime import date, timedelta
from typing import Literal

import polars as pl

WeekBegins = Literal["monday", "sunday", "saturday"]
DAYS_BEFORE_MONDAY: dict[WeekBegins | None, int] = {
    None: 0,
    "monday": 0,
    "sunday": 1,
    "saturday": 2,
}
"""First day of the school week → days by which it is before the Monday that the week is named by."""
LONG_GAP_DAYS = 35
"""A calendar gap this long is a summer: the day after it begins a new school year."""

SUNDAYS = 2
"""In session, from which it is no accident that school is on them."""

WHOLE_YEAR = "School year"
"""What the only term of a school year without terms is called."""


def week_of(day: pl.Expr, week_begins: WeekBegins | None = None) -> pl.Expr:
    """The Monday that names a day's school week, also where the week begins before it."""
    return (day + timedelta(days=DAYS_BEFORE_MONDAY[week_begins])).dt.truncate("1w")


def week_begins_of(days: pl.DataFrame, said: WeekBegins | None = None) -> WeekBegins | None:
    """The first day of the school week: as it is said, else as the weeks of a calendar have it.

    Args:
        days: `SchoolDays`.
        said: By the settings.
    """
    ahead = (days["week_start"] - days["date"]).dt.total_days().max()
    return said or next((day for day, n in DAYS_BEFORE_MONDAY.items() if day and n == ahead), None)


def proven_week_begins(days: pl.DataFrame) -> WeekBegins | None:
    """The first day of the school week where school is in session on Sundays, and never before it.

    Week for week on Sundays and never on Fridays or Saturdays; or on Saturdays as well. Schools that
    are open on neither fit every week.

    Args:
        days: date × school, with `date`, `school_id`, `in_session`.

    Returns:
        None where the days leave it open, as after some Fridays, or where schools differ.
    """
    weekday = pl.col("date").dt.weekday()
    counts = (
        days.filter("in_session")
        .group_by("school_id")
        .agg(
            weeks=pl.col("date").dt.truncate("1w").n_unique(),
            fridays=(weekday == 5).sum(),  # noqa: PLR2004
            saturdays=(weekday == 6).sum(),  # noqa: PLR2004
            sundays=(weekday == 7).sum(),  # noqa: PLR2004
        )
        .filter((pl.col("sundays") > 0) | (pl.col("saturdays") > 0))
    )
    often = {
        name: (pl.col(name) >= SUNDAYS) & (2 * pl.col(name) >= pl.col("weeks"))
        for name in ("sundays", "saturdays")
    }
    early = pl.col("fridays") == 0
    kinds = counts.select(
        pl.when(early & often["sundays"] & (pl.col("saturdays") == 0))
        .then(pl.lit("sunday"))
        .when(early & often["sundays"] & often["saturdays"])
        .then(pl.lit("saturday"))
        .when(pl.col("sundays") == 0)
        .then(pl.lit("monday"))
    ).to_series()
    found: list[WeekBegins | None] = kinds.unique().to_list()
    return found[0] if len(found) == 1 and found[0] != "monday" else None


def closing_day(close_week: int | None, week_begins: WeekBegins | None = None) -> int:
    """How many days after its Monday a running week closes.

    Args:
        close_week: Weekday, 0 for Monday to 6 for Sunday; None: the last day of the school week. So
            it is with a day before the week's Monday, which only opens the week.
        week_begins: First day of the school week.
    """
    last = 6 - DAYS_BEFORE_MONDAY[week_begins]
    return last if close_week is None else min(close_week, last)


def with_weeks(
    days: pl.DataFrame,
    *,
    week_begins: WeekBegins | None = None,
    year_begins: str | None = None,
) -> pl.DataFrame:
    """Add `week_start` and `year_start` to a calendar.

    Args:
        days: date × school, with `date`, `school_id`, `in_session` and, where the calendar names
            them, `school_year`.
        week_begins: First day of the school week.
        year_begins: Month and day from which the first day in session begins a school year.

    Returns:
        The same rows with `week_start` (Monday) and `year_start` (first day in session of the
        school year). A year begins as `year_begins` says; else where `school_year` changes, if
        every day in session has one and none comes back; else after `LONG_GAP_DAYS` without a day
        in session.
    """
    session = (
        days.filter("in_session")
        .select("school_id", "date", *({"school_year"} & set(days.columns)))
        .unique(["school_id", "date"], maintain_order=True)
        .sort("school_id", "date")
        .with_columns(_new_year(days, year_begins).fill_null(value=False).alias("begins"))
        .with_columns(year_no=pl.col("begins").cum_sum().over("school_id"))
    )
    years = session.group_by("school_id", "year_no").agg(year_start=pl.col("date").min())
    return (
        days.sort("date")
        .join_asof(
            years.select("school_id", "year_start", pl.col("year_start").alias("date")).sort(
                "date"
            ),
            on="date",
            by="school_id",
            strategy="backward",
            check_sortedness=False,
        )
        .with_columns(
            week_start=week_of(pl.col("date"), week_begins),
            # days before the first day in session belong to the year that follows
            year_start=pl.col("year_start").fill_null(strategy="backward").over("school_id"),
        )
    )


def _new_year(days: pl.DataFrame, year_begins: str | None) -> pl.Expr:
    """Of days in session by school and date: whether a school year begins with it."""
    date_, school = pl.col("date"), "school_id"
    if year_begins is not None:
        first = date.fromisoformat(f"2000-{year_begins}")
        after = (date_.dt.month() > first.month) | (
            (date_.dt.month() == first.month) & (date_.dt.day() >= first.day)
        )
        year = date_.dt.year() - pl.when(after).then(0).otherwise(1)
        return year != year.shift(1).over(school)
    if years_are_named(days):
        year = pl.col("school_year")
        return year != year.shift(1).over(school)
    return (date_ - date_.shift(1).over(school)).dt.total_days() > LONG_GAP_DAYS


def years_are_named(days: pl.DataFrame) -> bool:
    """Whether a calendar says of every day in session which `school_year` it is of, each in one go."""
    if "school_year" not in days.columns:
        return False
    session = days.filter("in_session").sort("school_id", "date")
    year = pl.col("school_year")
    if session.is_empty() or session["school_year"].has_nulls():
        return False
    runs = session.select("school_id", "school_year").filter(
        (year != year.shift(1).over("school_id")).fill_null(value=True)
    )
    return runs.height == runs.unique().height


def school_weeks(days: pl.DataFrame, whose: str = "school_id") -> pl.DataFrame:
    """The weeks with at least one day in session.

    Args:
        days: `stg_school_days`, or `days_of_classes`.
        whose: The column of whom they are the days.

    Returns:
        school × week: `school_id`, `week_start`, `year_start`, `days_in_session`,
        `previous_week` (the school week before, also across a summer's gap empty),
        `start_week` (first full week of the school year: the first with the most common number of
        days in session, the larger number on a tie).
    """
    weeks = (
        days.filter("in_session")
        .group_by(whose, "year_start", "week_start")
        .agg(days_in_session=pl.col("date").n_unique().cast(pl.Int64))
        .sort(whose, "week_start")
    )
    usual = (
        weeks.group_by(whose, "year_start", "days_in_session")
        .len()
        .sort("len", "days_in_session", descending=True)
        .group_by(whose, "year_start", maintain_order=True)
        .agg(usual=pl.col("days_in_session").first())
    )
    start = (
        weeks.join(usual, on=[whose, "year_start"])
        .filter(pl.col("days_in_session") >= pl.col("usual"))
        .group_by(whose, "year_start")
        .agg(start_week=pl.col("week_start").min())
    )
    return weeks.join(start, on=[whose, "year_start"], how="left").with_columns(
        previous_week=pl.col("week_start").shift(1).over(whose, "year_start")
    )


def days_of_classes(
    days: pl.DataFrame, classes: pl.DataFrame, days_off: pl.DataFrame
) -> pl.DataFrame:
    """The days of the classes that have no school on some on which their school is in session.

    Args:
        days: `SchoolDays`.
        classes: `Classes`.
        days_off: class × `date`: `class_days_off`.

    Returns:
        date × class: the columns of `SchoolDays`, and `class_id`; none of the other classes.
    """
    apart = classes.select("class_id", "school_id").join(days_off, on="class_id", how="semi")
    off = days_off.with_columns(off=pl.lit(value=True))
    return (
        apart.join(days, on="school_id")
        .join(off, on=["class_id", "date"], how="left")
        .with_columns(in_session=pl.col("in_session") & pl.col("off").is_null())
        .drop("off")
    )


def term_days(days: pl.DataFrame) -> pl.DataFrame:
    """The days in session and the term of each.

    Args:
        days: `stg_school_days`.

    Returns:
        date × school: `date`, `school_id`, `year_start`, `term`. A day without a term belongs to
        that of the day before, one before the first term to the first; a year without any is one
        term, `WHOLE_YEAR`.
    """
    term = pl.col("term")
    return (
        days.filter("in_session")
        .sort("school_id", "date")
        .select(
            "date",
            "school_id",
            "year_start",
            term=term.forward_fill()
            .backward_fill()
            .over("school_id", "year_start")
            .fill_null(WHOLE_YEAR),
        )
    )


def next_registers(last_day: date, days: pl.DataFrame, *, complete: bool) -> date | None:
    """The last day of the first school week whose registers are not all in; None: no school is to come.

    Args:
        last_day: Of the newest week with figures.
        days: `SchoolDays`; where it ends there, nobody has said which days are to come, and
            school goes on a week later.
        complete: Whether that week's registers are all in.
    """
    if not complete:
        return last_day
    ahead = days.filter(pl.col("date") > last_day)
    if ahead.is_empty():
        return last_day + timedelta(weeks=1)
    weeks = ahead.filter("in_session").group_by("week_start").agg(pl.col("date").max())
    return weeks.sort("week_start")["date"].first() if weeks.height else None  # type: ignore[return-value]
