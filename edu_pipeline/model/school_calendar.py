"""School days, school weeks, terms and school years, from a calendar.

Pure functions; nothing about attendance or letters. What a week is called stands in `weeks`.
"""

import polars as pl

LONG_GAP_DAYS = 35
"""A calendar gap this long is a summer: the day after it begins a new school year."""

WHOLE_YEAR = "School year"
"""What the only term of a school year without terms is called."""


def with_weeks(days: pl.DataFrame) -> pl.DataFrame:
    """Add `week_start` and `year_start` to a calendar.

    Args:
        days: date × school, with `date`, `school_id`, `in_session`.

    Returns:
        The same rows with `week_start` (Monday) and `year_start` (first day in session of the
        school year; one begins after `LONG_GAP_DAYS` without a day in session).
    """
    session = (
        days.filter("in_session")
        .select("school_id", "date")
        .unique()
        .sort("school_id", "date")
        .with_columns(
            year_no=((pl.col("date") - pl.col("date").shift(1)).dt.total_days() > LONG_GAP_DAYS)
            .fill_null(value=False)
            .cum_sum()
            .over("school_id")
        )
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
            week_start=pl.col("date").dt.truncate("1w"),
            # days before the first day in session belong to the year that follows
            year_start=pl.col("year_start").fill_null(strategy="backward").over("school_id"),
        )
    )


def school_weeks(days: pl.DataFrame) -> pl.DataFrame:
    """The weeks with at least one day in session.

    Args:
        days: `stg_school_days`.

    Returns:
        school × week: `school_id`, `week_start`, `year_start`, `days_in_session`,
        `previous_week` (the school week before, also across a summer's gap empty),
        `start_week` (first full week of the school year: the first with the most common number of
        days in session, the larger number on a tie).
    """
    weeks = (
        days.filter("in_session")
        .group_by("school_id", "year_start", "week_start")
        .agg(days_in_session=pl.col("date").n_unique().cast(pl.Int64))
        .sort("school_id", "week_start")
    )
    usual = (
        weeks.group_by("school_id", "year_start", "days_in_session")
        .len()
        .sort("len", "days_in_session", descending=True)
        .group_by("school_id", "year_start", maintain_order=True)
        .agg(usual=pl.col("days_in_session").first())
    )
    start = (
        weeks.join(usual, on=["school_id", "year_start"])
        .filter(pl.col("days_in_session") >= pl.col("usual"))
        .group_by("school_id", "year_start")
        .agg(start_week=pl.col("week_start").min())
    )
    return weeks.join(start, on=["school_id", "year_start"], how="left").with_columns(
        previous_week=pl.col("week_start").shift(1).over("school_id", "year_start")
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
