"""Dates as exports write them."""

from collections.abc import Callable
from datetime import date

import duckdb
import polars as pl
import pytest

from edu_pipeline.landing.sources.school.disagreements import date_order_problems
from edu_pipeline.landing.tables.date_order import date_orders
from edu_pipeline.landing.tables.dates import parsed_date
from edu_pipeline.settings.landing import Landing

Land = Callable[..., duckdb.DuckDBPyConnection]
MONDAY = date(2026, 9, 7)
TEXTS: dict[str, date | None] = {
    "2026-09-07": MONDAY,
    "2026-9-7": MONDAY,
    "2026-09-07T00:00:00Z": MONDAY,
    "2026-09-07T23:30:00-05:00": MONDAY,
    "2026-09-07T08:15:30.123+01:00": MONDAY,
    "2026-09-07 08:15": MONDAY,
    "2026-09-07 08:15:30": MONDAY,
    "2026/09/07": MONDAY,
    "20260907": MONDAY,
    "7-Sep-2026": MONDAY,
    "07-SEP-2026": MONDAY,
    "7 September 2026": MONDAY,
    "7 Sep 2026 8:15 PM": MONDAY,
    "Sep 7, 2026": MONDAY,
    "September 7, 2026": MONDAY,
    "07 Sep 2026 AM": MONDAY,
    "07-SEP-26": MONDAY,
    "7 sep 26": MONDAY,
    "07 Sept 2026": MONDAY,
    "46272": MONDAY,
    "46272.0": MONDAY,
    "46272.5": MONDAY,
    "46271.9999999": MONDAY,
    "46272.9999": MONDAY,
    "32874": date(1990, 1, 1),
    "58806": date(2060, 12, 31),
    "32873": None,
    "58807": None,
    "4627": None,
    "1/2/2026": None,
    "07.09.2026": None,
    "26-09-07": None,
    "0026-09-07": None,
    "+2026-09-07": None,
    "2026-09/07": None,
    "2026-02-30": None,
    "20260931": None,
    "2026-09": None,
    "soon": None,
}


@pytest.mark.parametrize(("text", "day"), TEXTS.items())
def test_what_can_only_be_read_in_one_way_is_read_without_a_setting(
    text: str, day: date | None
) -> None:
    frame = pl.DataFrame({"text": [text]})
    assert frame.select(parsed_date(pl.col("text"), ())).item() == day


@pytest.mark.parametrize(
    ("formats", "text", "day"),
    [
        (("%d/%m/%Y",), "1/2/2026", date(2026, 2, 1)),
        (("%m/%d/%Y",), "1/2/2026", date(2026, 1, 2)),
        (("%m/%d/%Y",), "1/2/2026 12:00:00 AM", date(2026, 1, 2)),
        (("%m/%d/%Y %H:%M",), "1/2/2026 12:00", date(2026, 1, 2)),
        (("%m/%d/%Y", "%m/%d/%y"), "1/2/26", date(2026, 1, 2)),
        (("%Y-%d-%m",), "2026-01-02", date(2026, 2, 1)),
        (("%Y-%d-%m",), "2026-01-31", date(2026, 1, 31)),
    ],
)
def test_formats_of_the_settings_go_first(
    formats: tuple[str, ...], text: str, day: date | None
) -> None:
    frame = pl.DataFrame({"text": [text]})
    assert frame.select(parsed_date(pl.col("text"), formats)).item() == day


def test_small_tables_and_rows_by_the_million_read_the_same_dates(stage: Land) -> None:
    texts = [text for text in TEXTS if text]
    days = "".join(f'"{text}",S{number}\n' for number, text in enumerate(texts))
    marks = "".join(f'S{number},"{text}",present\n' for number, text in enumerate(texts))
    students = "".join(f"S{number},S{number}\n" for number in range(len(texts)))
    con = stage(
        {
            "students.csv": f"student_id,school_id\n{students}",
            "calendar.csv": f"date,school_id\n{days}",
            "attendance.csv": f"student_id,date,code\n{marks}",
        }
    )
    expected = {f"S{number}": day for number, text in enumerate(texts) if (day := TEXTS[text])}
    marked = dict(con.sql("select student_id, date from stg_attendance").fetchall())
    not_come = con.sql(
        "select student_id, day from rejected_attendance where rule = 'after_the_export'"
    )
    assert {**marked, **dict(not_come.fetchall())} == expected
    assert dict(con.sql("select school_id, date from stg_school_days").fetchall()) == expected


def test_several_formats_stand_in_one_column(stage: Land) -> None:
    """As in catalyst's exports: ISO with a zone, ISO, and day first, with the year in 4 digits or 2."""
    con = stage(
        {
            "attendance.csv": (
                "student_id,date,code\n007,2026-09-07T00:00:00.000Z,present\n"
                "007,2026-09-08,present\n007,9/09/2026,present\n007,46275,present\n"
                "007,11/09/26,present\n"
            )
        },
        '[landing.attendance]\ndate_formats = ["%d/%m/%Y", "%d/%m/%y"]',
    )
    assert [day for (day,) in con.sql("select date from stg_attendance order by 1").fetchall()] == [
        date(2026, 9, number) for number in (7, 8, 9, 10, 11)
    ]


def test_the_session_beside_the_date_is_a_session(stage: Land) -> None:
    """Arbor's rows; a time of day is none."""
    con = stage(
        {
            "attendance.csv": (
                "student_id,date,code\n007,07 Sep 2026 AM,present\n007,07 Sep 2026 PM,absent\n"
                "008,2026-09-07 10:00 AM,present\n"
            )
        },
        "[landing.attendance]\nsessions_per_day = 2",
    )
    assert con.sql(
        "select student_id, session, attended from stg_attendance order by all"
    ).fetchall() == [
        ("007", "AM", 0.5),
        ("007", "PM", 0),
        ("008", "", 0.5),
    ]


def test_a_first_number_that_never_changes_is_the_year(stage: Land) -> None:
    said = '[landing.attendance]\ndate_formats = ["%y-%m-%d"]'
    con = stage({"attendance.csv": "student_id,date,code\n007,26-09-10,present\n"}, said)
    assert con.sql("select date from stg_attendance").fetchall() == [(date(2026, 9, 10),)]
    september = {f"24-09-{day:02}": 1 for day in range(9, 21)}
    (order,) = date_orders(september)
    assert order.formats == ("%y-%m-%d",)
    (over_the_year,) = date_orders({"24-12-19": 1, "24-12-20": 1, "25-01-13": 1})
    assert over_the_year.formats == ("%y-%m-%d",)
    (birthdays,) = date_orders({"24-09-10": 1, "03-01-11": 1, "17-05-12": 1})
    assert birthdays.formats == ("%d-%m-%y",)


def test_dates_at_week_ends_as_the_settings_read_them_are_asked_about() -> None:
    # the first weeks of September and October, Monday to Friday, written month first
    texts = pl.Series([f"{month}/{day:02}/2026" for month in ("09", "10") for day in range(5, 12)])
    weekdays = texts.filter(texts.str.to_date("%m/%d/%Y").dt.weekday() <= 5)
    day_first, month_first = (
        Landing.model_validate({"attendance": {"date_formats": [form]}})
        for form in ("%d/%m/%Y", "%m/%d/%Y")
    )
    (problem,) = date_order_problems("attendance", weekdays, day_first)
    # 9 August and 10 May are Sundays
    assert problem.message.startswith("2 of 10 dates of attendance are at week-ends")
    assert 'date_formats = ["%m/%d/%Y"]' in problem.message
    assert date_order_problems("attendance", weekdays, month_first) == []
    assert date_order_problems("attendance", weekdays, Landing()) == []
