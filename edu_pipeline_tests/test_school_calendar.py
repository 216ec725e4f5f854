"""Weeks and school years."""

from datetime import date, timedelta

import polars as pl
import pytest

from edu_pipeline.ground.weeks import monday, parse_week, week_name
from edu_pipeline.model.school_calendar import (
    WeekBegins,
    closing_day,
    next_registers,
    school_weeks,
    term_days,
    with_weeks,
)


def days_of(*spans: tuple[date, int], school: str = "1", in_session: bool = True) -> pl.DataFrame:
    """Consecutive days from each date on."""
    dates = [first + timedelta(days=n) for first, count in spans for n in range(count)]
    return pl.DataFrame(
        {
            "date": dates,
            "school_id": [school] * len(dates),
            "in_session": [in_session] * len(dates),
        },
        schema={"date": pl.Date, "school_id": pl.String, "in_session": pl.Boolean},
    )


@pytest.mark.parametrize(
    ("day", "name", "first"),
    [
        (date(2026, 9, 30), "2026-W40", date(2026, 9, 28)),
        (date(2026, 9, 28), "2026-W40", date(2026, 9, 28)),
        (date(2026, 10, 4), "2026-W40", date(2026, 9, 28)),
        (date(2027, 1, 1), "2026-W53", date(2026, 12, 28)),
        (date(2024, 12, 30), "2025-W01", date(2024, 12, 30)),
    ],
)
def test_a_week_is_named_by_its_iso_number_and_begins_on_monday(
    day: date, name: str, first: date
) -> None:
    assert (week_name(day), monday(day), parse_week(name)) == (name, first, first)


@pytest.mark.parametrize("text", ["2026-W40", "2026w40", " 2026-W40 ", "2026-09-30", "2026-10-04"])
def test_people_may_write_a_week_in_several_ways(text: str) -> None:
    assert parse_week(text) == date(2026, 9, 28)


@pytest.mark.parametrize("text", ["W40", "2026-W54", "2025-W53", "next week", "2026-13-01", ""])
def test_what_is_no_week_is_answered_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no week\. Write it as 2026-W40"):
        parse_week(text)


@pytest.mark.parametrize(
    ("close_week", "week_begins", "days"),
    [
        (None, None, 6),
        (3, None, 3),
        (None, "sunday", 5),  # Saturday
        (3, "sunday", 3),
        (6, "sunday", 5),  # Sunday opens that week
        (None, "saturday", 4),  # Friday
        (5, "saturday", 4),
        (6, "saturday", 4),
    ],
)
def test_a_week_closes_as_said_or_on_its_last_day(
    close_week: int | None, week_begins: WeekBegins | None, days: int
) -> None:
    assert closing_day(close_week, week_begins) == days


def test_a_summer_separates_school_years_and_a_winter_break_does_not() -> None:
    days = with_weeks(
        days_of(
            (date(2025, 9, 1), 5),
            (date(2025, 10, 6), 5),  # 31 days after the 5th
            (date(2026, 8, 31), 5),
        )
    )
    assert days.select("date", "year_start").rows()[::5] == [
        (date(2025, 9, 1), date(2025, 9, 1)),
        (date(2025, 10, 6), date(2025, 9, 1)),
        (date(2026, 8, 31), date(2026, 8, 31)),
    ]


@pytest.mark.parametrize(("gap", "years"), [(35, 1), (36, 2)])
def test_more_than_five_weeks_without_school_are_a_summer(gap: int, years: int) -> None:
    first = date(2026, 6, 1)
    days = with_weeks(days_of((first, 1), (first + timedelta(days=gap), 1)))
    assert days["year_start"].n_unique() == years


def test_days_before_the_first_in_session_belong_to_the_year_that_follows() -> None:
    closed = days_of((date(2026, 8, 31), 1), in_session=False)
    days = with_weeks(pl.concat([days_of((date(2026, 9, 2), 1)), closed])).sort("date")
    assert days["year_start"].to_list() == [date(2026, 9, 2)] * 2
    assert days["week_start"].to_list() == [date(2026, 8, 31)] * 2


def test_each_school_has_its_own_year() -> None:
    days = with_weeks(
        pl.concat(
            [
                days_of((date(2026, 9, 1), 1), school="north"),
                days_of((date(2026, 9, 7), 1), school="south"),
            ]
        )
    )
    assert dict(days.select("school_id", "year_start").iter_rows()) == {
        "north": date(2026, 9, 1),
        "south": date(2026, 9, 7),
    }


def test_the_previous_week_is_the_school_week_before_also_across_a_break() -> None:
    weeks = school_weeks(
        with_weeks(
            pl.concat(
                [
                    days_of((date(2026, 9, 7), 5), (date(2026, 9, 21), 3)),
                    days_of((date(2026, 9, 14), 5), in_session=False),
                ]
            )
        )
    )
    assert weeks.select("week_start", "previous_week", "days_in_session").rows() == [
        (date(2026, 9, 7), None, 5),
        (date(2026, 9, 21), date(2026, 9, 7), 3),
    ]


def test_no_previous_week_across_a_summer() -> None:
    weeks = school_weeks(with_weeks(days_of((date(2026, 5, 4), 5), (date(2026, 9, 7), 5))))
    assert weeks["previous_week"].to_list() == [None, None]
    assert weeks["start_week"].to_list() == [date(2026, 5, 4), date(2026, 9, 7)]


def test_the_start_is_the_first_week_as_long_as_most() -> None:
    weeks = school_weeks(
        with_weeks(
            days_of(
                (date(2026, 9, 3), 2),
                (date(2026, 9, 7), 4),
                (date(2026, 9, 14), 5),
                (date(2026, 9, 21), 4),
                (date(2026, 9, 28), 4),
            )
        )
    )
    assert weeks["start_week"].unique().to_list() == [date(2026, 9, 7)]


def test_of_two_lengths_equally_common_the_longer_is_a_full_week() -> None:
    weeks = school_weeks(with_weeks(days_of((date(2026, 9, 7), 4), (date(2026, 9, 14), 5))))
    assert weeks["start_week"].unique().to_list() == [date(2026, 9, 14)]


def test_no_day_in_session_is_no_week() -> None:
    days = with_weeks(days_of((date(2026, 9, 7), 5), in_session=False))
    assert school_weeks(days).is_empty()


def test_a_day_without_a_term_belongs_to_that_of_the_day_before() -> None:
    days = with_weeks(days_of((date(2026, 9, 7), 5), (date(2027, 9, 6), 2))).sort("date")
    named = days.with_columns(
        term=pl.Series([None, "A", None, "B", None, None, None], dtype=pl.String)
    )

    assert term_days(named)["term"].to_list() == ["A", "A", "A", "B", "B", *["School year"] * 2]


@pytest.mark.parametrize(
    ("days", "complete", "expected"),
    [
        ("2026-10-02 2026-10-05 2026-10-08", True, date(2026, 10, 8)),
        ("2026-10-02 2026-10-05 2026-10-08", False, date(2026, 10, 2)),
        ("2026-10-02 2026-10-19 2026-10-23 2026-10-26", True, date(2026, 10, 23)),  # a break
        ("2026-10-02", True, date(2026, 10, 9)),  # the calendar ends
        ("2026-10-02 -2026-10-05", True, None),  # school has ended
    ],
)
def test_the_next_registers_are_those_of_the_next_week_with_school(
    days: str, complete: bool, expected: date | None
) -> None:
    dates = [date.fromisoformat(day.removeprefix("-")) for day in days.split()]
    calendar = pl.DataFrame(
        {
            "date": dates,
            "week_start": [monday(day) for day in dates],
            "in_session": [not day.startswith("-") for day in days.split()],
        }
    )
    assert next_registers(date(2026, 10, 2), calendar, complete=complete) == expected
