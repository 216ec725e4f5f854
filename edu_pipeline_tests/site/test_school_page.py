from datetime import date, timedelta

import polars as pl
import pytest

from edu_pipeline.site.school_page import headlines, homerooms, large_enough, missed, terms

NO_TERMS = pl.DataFrame(schema={"year_start": pl.Date})
SEPTEMBER = date(2026, 9, 7)


def weeks(*attended: float, complete: int = 8) -> pl.DataFrame:
    """School weeks of 100 days and 10 pieces of homework each."""
    return pl.DataFrame(
        {
            "week_start": [SEPTEMBER + timedelta(weeks=n) for n in range(len(attended))],
            "attended_days": [float(number) for number in attended],
            "possible_days": 100.0,
            "attendance_rate": [number / 100 for number in attended],
            "homework_complete": complete,
            "homework_due": 10,
            "homework_rate": complete / 10,
        }
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
    begun = pl.DataFrame({"year_start": [SEPTEMBER + timedelta(weeks=1)]})
    attendance, _ = headlines(weeks(10, *[90] * 8), begun)
    assert attendance.startswith("Attendance has held: 90.0\u00a0%")


def test_terms_are_those_of_two_years_with_the_change_since_the_term_before() -> None:
    row = {"homework_rate": None, "homework_rate_change_previous": None, "finished": True}
    rows = [
        ("Old", 2024, 0.8, None),
        ("Term 3", 2025, 0.91, None),
        ("Term 1", 2026, 0.95, 0.04),
    ]
    found = terms(
        pl.DataFrame(
            [
                {
                    **row,
                    "term": term,
                    "year_start": date(year, 9, 1),
                    "first_date": date(year, 9, 1),
                    "attendance_rate": rate,
                    "attendance_rate_change_previous": change,
                }
                for term, year, rate, change in rows
            ]
        )
    )
    assert [each["term"] for each in found] == ["Term 3", "Term 1"]
    assert found[1]["attendance_rate"] == "95.0\u00a0%"
    assert [each["attendance_rate_change"] for each in found] == ["", "+4.0\u00a0points"]


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
        "Attendance since the year began: of 3 homerooms, 2 are where chance alone could put a part "
        "of their grade team; 1 is below that."
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
