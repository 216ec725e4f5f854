import numpy as np
import polars as pl
import pytest

from edu_pipeline.attainment.forecast import (
    GRADES,
    all_subjects,
    conversion,
    drawn,
    interval,
    moved,
    predicted,
)
from edu_pipeline.attainment.metrics import Tables
from edu_pipeline.chance.noise import IntArray
from edu_pipeline_tests.attainment.conftest import Entry
from edu_pipeline_tests.attainment.test_years import of_cohorts

Pairs = dict[tuple[int, int | None], int]
"""Grade in MOCK 2 and in GCSE → students."""


def cohort(subject: str, pairs: Pairs, prefix: str = "s") -> list[Entry]:
    """So many students of a subject with these grades in MOCK 2 and GCSE."""
    return [
        (f"{prefix}{mock}{final}{n}", subject, [None, mock, final, 5])
        for (mock, final), count in pairs.items()
        for n in range(count)
    ]


ONE_UP: Pairs = {(4, 5): 60, (4, 4): 30, (4, 6): 10, (5, 6): 60, (5, 5): 30, (5, 7): 10}
MATHS = cohort("Maths", ONE_UP)
SAT_NOT = cohort("Maths", {(4, None): 50, (5, None): 50})


def of_grade(found: Tables, subject: str, grade: int) -> dict[int, float]:
    rows = found.forecast_grades.filter(pl.col("subject") == subject, pl.col("grade") == grade)
    return dict(rows.select("final_grade", "share").iter_rows())


def test_a_mock_becomes_what_it_became_last_year() -> None:
    found = of_cohorts({"2025": MATHS, "2026": SAT_NOT})

    shares = of_grade(found, "Maths", 4)
    assert sum(shares.values()) == pytest.approx(1)
    for final, share in {4: 0.3, 5: 0.6, 6: 0.1}.items():
        assert shares[final] == pytest.approx(share, abs=0.03)
    rows = {row["threshold"]: row for row in found.attainment_forecast.to_dicts()}
    # at 5: 70 % of fours and all of fives
    assert rows[5]["share"] == pytest.approx(0.85, abs=0.02)
    assert rows[5]["n"] == 100
    assert rows[5]["low95"] <= rows[5]["low80"] < 85 < rows[5]["high80"] <= rows[5]["high95"]
    # 50 draws alone spread by √(50 · 0.7 · 0.3) = 3.2, and the rate by 0.05 · 50 beside
    assert 8 <= rows[5]["high80"] - rows[5]["low80"] <= 14
    assert (rows[5]["series"], rows[5]["from_cohorts"], rows[5]["from_n"]) == (
        *("MOCK 2", "2025"),
        200,
    )
    assert rows[5]["moves"] is None
    told = found.forecast_grades.filter(pl.col("grade") == 4, pl.col("final_grade") == 5)
    assert told.select("n", "row_n").row(0) == (60, 100)


def test_a_subject_of_few_is_drawn_towards_all_subjects() -> None:
    of_two: Pairs = {(4, 4): 2}
    last = [*MATHS, *cohort("Art", of_two), *cohort("History", ONE_UP)]
    this = [*SAT_NOT, *cohort("Art", {(4, None): 20}), *cohort("Dance", {(4, None): 20})]
    found = of_cohorts({"2025": last, "2026": this})

    assert 0.3 < of_grade(found, "Art", 4)[4] < 0.5
    # a subject that last year had not is forecast by all of them, and says so
    assert of_grade(found, "Dance", 4)[5] == pytest.approx(0.6, abs=0.07)
    of_dance = found.attainment_forecast.filter(pl.col("subject") == "Dance")
    assert set(of_dance["from_n"]) == {0}


def test_there_is_no_forecast_of_what_is_sat_nor_without_a_last_cohort() -> None:
    sat = [*SAT_NOT, ("early", "Maths", [None, 4, 6, 5])]
    other_mock: list[Entry] = [
        (student, subject, [grades[1], None, *grades[2:]]) for student, subject, grades in MATHS
    ]

    for cohorts in (
        {"2025": MATHS, "2026": sat},
        {"2024": MATHS, "2026": SAT_NOT},
        {"2025": other_mock, "2026": SAT_NOT},
        {"2025": MATHS[:10], "2026": SAT_NOT},
    ):
        assert of_cohorts(cohorts).attainment_forecast.is_empty()
        assert of_cohorts(cohorts).forecast_grades.is_empty()


def test_how_the_conversion_moved_between_earlier_cohorts_is_in_the_interval() -> None:
    subjects = ("Maths", "Art", "History")
    up: Pairs = {(4, 5): 40, (4, 6): 60}
    down: Pairs = {(4, 4): 60, (4, 5): 40}
    this = [entry for name in subjects for entry in cohort(name, {(4, None): 50})]
    steady = {
        year: [entry for name in subjects for entry in cohort(name, up)]
        for year in ("2024", "2025")
    }
    moving = steady | {"2024": [entry for name in subjects for entry in cohort(name, down)]}

    widths = []
    for earlier in (steady, moving):
        found = of_cohorts({**earlier, "2026": this}).attainment_forecast
        row = found.row(
            by_predicate=(pl.col("subject") == "Art") & (pl.col("threshold") == 5), named=True
        )
        assert row["from_cohorts"] == "2025, 2024"
        widths.append((row["high80"] - row["low80"], row["moves"]))
    assert widths[0][1] < 0.1
    # finals moved by 1.2 grades: 0.85 about their mean, √1.5 of it from there to this year
    assert widths[1][1] == pytest.approx(1.2 / 2**0.5 * 1.5**0.5, abs=0.05)
    assert widths[1][0] > 2 * widths[0][0]


def test_a_forecast_is_the_same_in_any_order_of_rows() -> None:
    one = of_cohorts({"2025": MATHS, "2026": SAT_NOT})
    other = of_cohorts({"2026": SAT_NOT[::-1], "2025": MATHS[::-1]})

    assert one.attainment_forecast.equals(other.attainment_forecast)
    assert one.forecast_grades.equals(other.forecast_grades)


def test_a_distribution_moves_by_parts_of_a_grade_and_stays_on_the_scale() -> None:
    rows = np.zeros((2, GRADES))
    rows[0, 4], rows[1, 8], rows[1, 0] = 1, 0.5, 0.5
    up = moved(rows, np.array([0.25, 1.5]))
    down = moved(rows, np.array([-0.25, -1.5]))

    assert {g: up[0, g] for g in (4, 5)} == {4: 0.75, 5: 0.25}
    assert {g: up[1, g] for g in (1, 2, 9)} == {1: 0.25, 2: 0.25, 9: 0.5}
    assert {g: down[0, g] for g in (3, 4)} == {3: 0.25, 4: 0.75}
    assert {g: down[1, g] for g in (0, 6, 7)} == {0: 0.5, 6: 0.25, 7: 0.25}


def finals(draw: np.random.Generator, students: int, effect: float) -> tuple[IntArray, IntArray]:
    """Grades in a mock and a final, of students who differ."""
    able = draw.normal(5, 1.7, students)
    mock, final = (
        np.clip(np.round(able + up + draw.normal(0, noise, students)), 0, 9).astype(np.int64)
        for up, noise in ((-0.5, 0.5), (effect, 0.8))
    )
    return mock, final


@pytest.mark.parametrize(("earlier", "moves"), [(1, 0.0), (2, 0.3)])
def test_intervals_hold_what_comes_as_often_as_they_say(earlier: int, moves: float) -> None:
    held: dict[float, list[bool]] = {0.8: [], 0.95: []}
    for seed in range(10):
        draw = np.random.default_rng(seed)
        effects, sizes = draw.normal(0, 0.3, 10), draw.integers(10, 120, 10)
        counts = np.zeros((earlier, 10, GRADES, GRADES), np.int64)
        for year in range(earlier):
            for subject, size in enumerate(sizes):
                pairs = finals(draw, size, effects[subject] + draw.normal(0, moves))
                np.add.at(counts[year, subject], pairs, 1)
        known = conversion(list(counts))
        of_all = all_subjects(known)
        for subject, size in enumerate(sizes):
            mock, final = finals(draw, size, effects[subject] + draw.normal(0, moves))
            grades, mocks = np.unique(mock, return_counts=True)
            rows = drawn(known, of_all, subject, grades, seed)
            for threshold in (4, 5, 7):
                reached = predicted(rows, mocks, threshold, seed)
                for probability, of in held.items():
                    low, high = interval(reached, probability)
                    of.append(low <= (final >= threshold).sum() <= high)

    # whole numbers of students make intervals hold a little more
    assert 0.77 <= np.mean(held[0.8]) <= 0.93
    assert 0.92 <= np.mean(held[0.95]) <= 0.99
