from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from edu_pipeline.charting.render import Kept
from edu_pipeline.site.school_page import (
    headlines,
    homerooms,
    large_enough,
    missed,
    out_of_range,
    terms,
    weeks_chart,
)

TERM = {
    "year_start": pl.Date,
    "first_date": pl.Date,
    "term": pl.String,
    "finished": pl.Boolean,
    "attendance_rate": pl.Float64,
    "homework_rate": pl.Float64,
    "attendance_rate_change_previous": pl.Float64,
    "homework_rate_change_previous": pl.Float64,
}
NO_TERMS = pl.DataFrame(schema=TERM)
SEPTEMBER = date(2026, 9, 7)


def weeks(*attended: float, complete: int = 8, since: date = SEPTEMBER) -> pl.DataFrame:
    """School weeks of 100 days and 10 pieces of homework each."""
    return pl.DataFrame(
        {
            "week_start": [since + timedelta(weeks=n) for n in range(len(attended))],
            "attended_days": [float(number) for number in attended],
            "possible_days": 100.0,
            "attendance_rate": [number / 100 for number in attended],
            "homework_complete": complete,
            "homework_due": 10,
            "homework_rate": complete / 10,
        }
    )


def school_terms(
    *rows: tuple[str, int, bool, float | None, float | None],
) -> pl.DataFrame:
    """Name, year, whether it has ended, attendance and homework of terms that follow one another."""
    return pl.DataFrame(
        [
            (date(year, 9, 1), date(year, 9, 1) + timedelta(n), *(name, ended, *rates), None, None)
            for n, (name, year, ended, *rates) in enumerate(rows)
        ],
        schema=TERM,
        orient="row",
    )


def test_a_headline_holds_four_weeks_against_the_first_four_of_the_year() -> None:
    attendance, homework = headlines(weeks(90, 92, 91, 91, 50, 94, 95, 95, 94), NO_TERMS)
    assert attendance == (
        "Attendance is up 3.5\u00a0points: 94.5\u00a0% in the last four school weeks, "
        "91.0\u00a0% in the first four of the year."
    )
    assert homework.startswith("Homework has held: 80.0\u00a0%")


@pytest.mark.parametrize(("last", "said"), [(90.9, "has held"), (91, "is up 1.0\u00a0points")])
def test_less_than_a_point_is_no_change(last: float, said: str) -> None:
    attendance, _ = headlines(weeks(*[90] * 4, *[last] * 4), NO_TERMS)
    assert attendance.startswith(f"Attendance {said}:")


def test_a_year_that_has_just_begun_is_held_against_nothing() -> None:
    assert headlines(weeks(90, 92), NO_TERMS)[0] == "Attendance: 92.0\u00a0% in the last week."


def test_last_year_is_no_part_of_this_one() -> None:
    begun = school_terms(("Term 1", 2026, False, None, None))
    attendance, _ = headlines(weeks(10, *[90] * 8, since=SEPTEMBER - timedelta(weeks=2)), begun)
    assert attendance.startswith("Attendance has held: 90.0\u00a0%")


def test_the_last_weeks_are_held_against_the_same_weeks_of_last_year() -> None:
    begun = school_terms(("Term 1", 2026, False, None, None))
    before = weeks(*[80] * 4, 88, 87, 86, 87, 99, since=SEPTEMBER - timedelta(weeks=52))
    now = weeks(*[90] * 8)
    attendance, _ = headlines(pl.concat([before, now]), begun)
    assert attendance == (
        "Attendance has held: 90.0\u00a0% in the last four school weeks, 90.0\u00a0% in the first "
        "four of the year, 87.0\u00a0% in the same weeks of last year."
    )
    gap = before.filter(pl.col("attended_days") != 86)
    assert "last year" not in headlines(pl.concat([gap, now]), begun)[0]


def test_the_terms_of_the_year_that_have_ended_are_held_against_one_another() -> None:
    by_term = school_terms(
        ("Term 3", 2025, True, 0.5, 0.5),
        ("Term 1", 2026, True, 0.93, 0.71),
        ("Term 2", 2026, True, 0.933, 0.78),
        ("Term 3", 2026, False, 0.99, 0.99),
    )
    found = headlines(weeks(*[93] * 8), by_term)
    assert (
        found[1] == "Attendance has held between Term 1 and Term 2: 93.0\u00a0%, then 93.3\u00a0%."
    )
    assert found[3] == (
        "Homework is up 7.0\u00a0points between Term 1 and Term 2: 71.0\u00a0%, then 78.0\u00a0%."
    )


def test_terms_are_those_of_two_years_with_the_change_since_the_term_before_and_last_year() -> None:
    found = terms(
        school_terms(
            ("Old", 2024, True, 0.8, None),
            ("Term 1", 2025, True, 0.91, None),
            ("Term 1", 2026, True, 0.95, 0.6),
            ("Term 2", 2026, False, 0.96, 0.6),
        ).with_columns(attendance_rate_change_previous=pl.Series([None, None, None, 0.01]))
    )
    assert [each["term"] for each in found] == ["Term 1", "Term 1", "Term 2, so far"]
    assert found[1]["attendance_rate"] == "95.0\u00a0%"
    assert [each["attendance_rate_change"] for each in found] == [
        *("", "on last year +4.0\u00a0points", "+1.0\u00a0points")
    ]
    assert [each["homework_rate_change"] for each in found] == ["", "", ""]


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (("within", "below", "above"), "Out of the usual range: Grade 7 and Grade 8."),
        (("within", "below", ""), "Out of the usual range: Grade 7."),
        (
            ("within", "within", "within"),
            "The school and its grade teams are in their usual range.",
        ),
        (("within", "within", "too_few_weeks"), ""),
        (("within", "within", ""), ""),
    ],
)
def test_the_groups_that_are_unusual_are_named_before_their_charts(
    verdicts: tuple[str, ...], said: str
) -> None:
    groups = ("School", "Grade 7", "Grade 8")
    assert out_of_range(dict(zip(groups, verdicts, strict=True))) == said


def test_a_chart_that_stands_in_the_page_is_not_drawn_again(tmp_path: Path) -> None:
    columns = {name: [0.8, 0.9] for name in ("low", "high")}
    rows = pl.DataFrame(
        {
            "week_start": [SEPTEMBER, SEPTEMBER + timedelta(weeks=1)],
            "attendance_rate": [0.91, 0.93],
            **{f"attendance_rate_usual_{name}": values for name, values in columns.items()},
            "attendance_rate_last_year": [None, 0.9],
        }
    )
    page = tmp_path / "index.html"
    first = Kept(page)(weeks_chart(rows, "attendance_rate", 0.8))
    assert first.count("<svg") == 1
    page.write_text(f"<p>{first.replace('</svg>', 'as it was</svg>')}</p>", encoding="utf-8")
    assert "as it was" in Kept(page)(weeks_chart(rows, "attendance_rate", 0.8))
    assert "as it was" not in Kept(page)(weeks_chart(rows.head(1), "attendance_rate", 0.8))
    assert "as it was" not in Kept(page)(weeks_chart(rows, "attendance_rate", 0.75))


def test_homerooms_are_counted_and_not_named() -> None:
    verdicts = ["within", "within", "below", None]
    classes = pl.DataFrame(
        {
            "class_type": ["homeroom"] * 4 + ["scheduled"],
            "week_start": SEPTEMBER,
            "attendance_rate_team_verdict_to_date": [*verdicts, "above"],
            "homework_rate_team_verdict_to_date": pl.Series([None] * 5, dtype=pl.String),
        }
    )
    assert homerooms(classes) == [
        "Attendance since the year began: of 3 homerooms, 1 is below the grade team by more than "
        "chance explains."
    ]


def test_students_are_counted_by_what_they_have_missed_and_small_numbers_are_hidden() -> None:
    absent = [0.0] * 20 + [6.0] * 12 + [10.0] * 11 + [0.0] * 30 + [10.0] * 3
    students = pl.DataFrame(
        {
            "grade": ["7"] * 43 + ["8"] * 33,
            "absent_days": absent,
            "possible_days": 100.0,
        }
    )
    found = missed(students, 0.1)
    assert found["bands"] == ["10\u00a0% or more", "5\u00a0% to 10\u00a0%", "less", "students"]
    rows = dict(found["rows"])
    # 3 of grade 8 would follow from 33 in all and 30, and from 14 and 11
    assert rows["8"][0] == "…"
    assert rows["All"][-1] == "76"
    shown = {number for numbers in rows.values() for number in numbers} - {"…"}
    assert "3" not in shown
    assert found["hidden"]


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ({"Grade 7": 20, "Grade 8": 30}, ["Grade 7", "Grade 8"]),
        ({"Grade 7": 9, "Grade 8": 30, "Grade 9": 40}, ["Grade 9"]),
        ({"Grade 7": 9, "Grade 8": 8, "Grade 9": 40}, ["Grade 9"]),
        ({"Grade 7": 9}, []),
    ],
)
def test_no_team_is_shown_from_which_few_students_could_be_told(
    sizes: dict[str, int], shown: list[str]
) -> None:
    teams = pl.DataFrame(
        {
            "team": list(sizes),
            "week_start": SEPTEMBER,
            "possible_days": [5.0 * size for size in sizes.values()],
            "days_in_session": 5,
        }
    )
    assert large_enough(teams) == shown


def test_without_a_day_nobody_has_missed_any() -> None:
    nobody = pl.DataFrame(
        schema={"grade": pl.String, "absent_days": pl.Float64, "possible_days": pl.Float64}
    )
    assert missed(nobody, 0.1) == {}
