from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
import pytest

from edu_pipeline.attainment.metrics import Tables, cohort_tables
from edu_pipeline.attainment.years import leaving_year
from edu_pipeline_tests.attainment.conftest import (
    NO_GROUPS,
    NOTHING_STATED,
    Entry,
    landed,
    settings,
    students_of,
)


@pytest.mark.parametrize(
    ("cohort", "year"),
    [
        ("2026", 2026),
        ("Year 11 2025", 2025),
        ("2024-25", 2025),
        ("2024/2025", 2025),
        ("Y11 2099-00", 2100),
        ("2024 to 2026", None),
        ("Year 11", None),
        ("12026", None),
    ],
)
def test_the_year_in_which_a_cohort_leaves_is_in_its_name(cohort: str, year: int | None) -> None:
    assert leaving_year(cohort) == year


def of_cohorts(cohorts: Mapping[str, Iterable[Entry]], **scale: str) -> Tables:
    results = pl.concat(
        landed(entries).with_columns(
            cohort=pl.lit(name), scale=pl.lit(scale.get(f"of_{name}", "gcse"))
        )
        for name, entries in cohorts.items()
    )
    return cohort_tables(results, students_of(results), NO_GROUPS, NOTHING_STATED, settings())


def entries(subject: str, *grades: list[Any]) -> list[Entry]:
    return [(f"s{n}", subject, of) for n, of in enumerate(grades)]


LAST = entries("Maths", *([2, grade, grade + 1, 5] for grade in (3, 4, 4, 5)))
THIS = entries("Maths", *([9, grade, None, 5] for grade in (4, 5, 6)))


def rows(found: Tables) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["subject"], row["measure"]): row for row in found.attainment_years.to_dicts()}


def test_a_cohort_stands_beside_the_last_at_the_newest_exam_that_both_have_sat() -> None:
    found = rows(of_cohorts({"2025": LAST, "2026": THIS}))
    mean = found["Maths", "mean"]

    assert {row["cohort"] for row in found.values()} == {"2026"}
    assert (mean["last_cohort"], mean["series"], mean["n"], mean["last_n"]) == (
        *("2025", "MOCK 2"),
        *(3, 4),
    )
    assert (mean["value"], mean["last_value"], mean["difference"]) == (5, 4, 1)
    # variances 1 and 2/3, error √(1/3 + 1/6), 3.857 degrees of freedom: t = 2.81747
    assert mean["low"] == pytest.approx(1 - 0.707107 * 2.81747, abs=1e-3)
    assert mean["high"] == pytest.approx(1 + 0.707107 * 2.81747, abs=1e-3)
    good, strong = found["Maths", "share_4"], found["Maths", "share_5"]
    assert (good["value"], good["last_value"]) == (1, 0.75)
    assert (strong["value"], strong["last_value"]) == (2 / 3, 0.25)
    assert strong["low"] < 0 < strong["difference"] < strong["high"]


def test_one_student_has_no_interval_of_a_mean() -> None:
    found = rows(of_cohorts({"2025": LAST, "2026": THIS[:1]}))

    assert (found["Maths", "mean"]["low"], found["Maths", "mean"]["high"]) == (None, None)


@pytest.mark.parametrize(
    "names", [("2024", "2026"), ("Year 11", "2026"), ("2025", "2026", "Y11 2026")]
)
def test_without_one_cohort_of_the_year_before_there_is_no_comparison(names: list[str]) -> None:
    assert of_cohorts(dict.fromkeys(names, LAST)).attainment_years.is_empty()


def test_those_of_16_to_18_do_not_stand_beside_those_of_gcses() -> None:
    both = {"2025": LAST, "2026": THIS}

    assert of_cohorts(both, of_2026="a_level").attainment_years.is_empty()
    of_a_levels = rows(of_cohorts(both, of_2025="a_level", of_2026="a_level"))
    assert set(of_a_levels) == {("Maths", "mean")}


def test_subjects_are_the_same_in_any_spelling() -> None:
    this = [(student, "Ma", grades) for student, _, grades in THIS]
    found = rows(of_cohorts({"2025": LAST, "2026": this}))

    assert found["Ma", "mean"]["difference"] == 1


def test_measures_over_subjects_are_of_an_exam_that_most_of_both_have_sat() -> None:
    last = [*LAST, *entries("English Language", *([3, 5, 5, 5] for _ in range(4)))]
    # only one of six has the second mock
    this = [
        *entries("Maths", [4, 4, None, 5], [5, None, None, 5], [6, None, None, 5]),
        *entries("English Language", *([grade, None, None, 5] for grade in (3, 5, 5))),
    ]
    # four further slots with a 1 each
    for of, number in ((last, 4), (this, 3)):
        for subject in ("History", "French", "Biology", "Art"):
            of.extend(entries(subject, *([1, None, None, None] for _ in range(number))))
    found = rows(of_cohorts({"2025": last, "2026": this}))

    assert found["Maths", "mean"]["series"] == "MOCK 2"
    eight = found["all", "attainment_8"]
    # English once and maths twice: 3 + 8, 5 + 10, 5 + 12; and 3 + twice 2
    assert (eight["series"], eight["value"], eight["last_value"]) == ("MOCK 1", 55 / 3, 7 + 4)
    both = found["all", "both_4"]
    assert (both["value"], both["n"], both["last_value"], both["last_n"]) == (2 / 3, 3, 0, 4)
    assert (found["all", "ebacc_entered"]["value"], found["all", "ebacc_points"]["n"]) == (0, 3)
