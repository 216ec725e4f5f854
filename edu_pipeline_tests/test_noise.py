"""Groups beside their team, and limits: by hand, and in simulated schools.

Seeds are fixed; bounds are four standard errors of a share whose cases are homerooms.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from edu_pipeline.chance.noise import (
    FALSE_ALARMS_GROUP,
    Moments,
    difference_of_means,
    difference_of_shares,
    effective_size,
    group_verdict,
    pooled_spread,
    shrunk,
    t_half_width,
    wilson,
)
from edu_pipeline_tests.simulated import (
    DAYS,
    HOMEROOMS,
    PUPILS,
    TEAM,
    FloatArray,
    days_there,
    pupils,
    share_outside,
)

POOL = np.array([0, 0])


def moments(part: FloatArray, whole: FloatArray) -> Moments:
    """Of groups × students."""
    return Moments(
        students=(whole > 0).sum(axis=-1).astype(float),
        whole_1=whole.sum(axis=-1),
        whole_2=(whole**2).sum(axis=-1),
        whole_3=(whole**3).sum(axis=-1),
        part_1=part.sum(axis=-1),
        part_2=(part**2).sum(axis=-1),
        part_3=(part**3).sum(axis=-1),
        part_1_whole_1=(part * whole).sum(axis=-1),
        part_2_whole_1=(part**2 * whole).sum(axis=-1),
        part_1_whole_2=(part * whole**2).sum(axis=-1),
    )


def judged(part: FloatArray, whole: FloatArray, team: int = TEAM) -> NDArray[np.object_]:
    """Verdicts of the classes of schools: school × class × student."""
    schools, classes, _ = part.shape
    flat = part.reshape(schools * classes, -1), whole.reshape(schools * classes, -1)
    sums = moments(*flat)
    pool = np.repeat(np.arange(schools), classes)

    def of_team(values: FloatArray) -> FloatArray:
        return np.repeat(values.reshape(-1, team).sum(axis=1), team)

    found = group_verdict(
        sums.rate,
        of_team(sums.part_1) / of_team(sums.whole_1),
        pooled_spread(sums, pool),
        effective_size(sums.whole_1, sums.whole_2),
        effective_size(of_team(sums.whole_1), of_team(sums.whole_2)),
    )
    return found.reshape(schools, classes)


def test_the_spread_is_pooled_within_classes() -> None:
    # rates 1, .8 and .6, .2: residuals ±.1 and ±.2, so s² = (.02 + .08) ÷ 2
    part = np.array([[5.0, 4], [3, 1]])
    spread = pooled_spread(moments(part, np.full((2, 2), 5.0)), np.array([0, 0]))

    assert spread.deviation == pytest.approx([np.sqrt(0.05)] * 2)
    assert spread.freedom.tolist() == [2, 2]
    assert spread.skewness == pytest.approx([0, 0])


def test_pools_do_not_mix() -> None:
    part = np.array([[5.0, 4], [3, 1]])
    spread = pooled_spread(moments(part, np.full((2, 2), 5.0)), np.array([0, 1]))

    assert spread.deviation == pytest.approx([np.sqrt(0.02), np.sqrt(0.08)])
    assert spread.freedom.tolist() == [1, 1]


def test_a_student_of_a_few_days_counts_for_little() -> None:
    assert effective_size(np.array([300.0]), np.array([30_000.0])) == pytest.approx(3)
    assert effective_size(np.array([202.0]), np.array([20_004.0])) == pytest.approx(2.04, abs=0.01)


def test_there_is_no_verdict_without_something_to_compare() -> None:
    rng = np.random.default_rng(1)
    whole = np.full((1, 2, 10), 5.0)
    part = rng.integers(3, 6, (1, 2, 10)).astype(float)
    assert judged(part, whole, team=1).tolist() == [[None, None]]  # the class is the team

    alone = np.where(np.arange(10) < 1, whole, 0)
    assert judged(np.minimum(part, alone), alone, team=2).tolist() == [[None, None]]

    sums = moments(part[0], whole[0])
    nothing = np.array([np.nan, np.nan])
    args = pooled_spread(sums, np.array([0, 0])), np.full(2, 10.0), np.full(2, 20.0)
    assert group_verdict(nothing, sums.rate, *args).tolist() == [None, None]
    assert group_verdict(sums.rate, nothing, *args).tolist() == [None, None]


def test_where_all_are_alike_all_are_within() -> None:
    whole = np.full((1, 4, 10), 5.0)

    assert judged(whole, whole).tolist() == [["within"] * 4]


@pytest.mark.parametrize(
    ("days", "schools"), [(DAYS, 1200), (18 * DAYS, 1200)], ids=["week", "half a year"]
)
def test_identical_homerooms_are_hardly_ever_called_different_from_their_team(
    days: int, schools: int
) -> None:
    random = np.random.default_rng(5)
    chance = pupils(random, (schools, HOMEROOMS, PUPILS), 0.94, 0.06)
    verdict = judged(days_there(random, chance, days), np.full_like(chance, float(days)))
    share, error = share_outside(verdict)

    assert abs(share - FALSE_ALARMS_GROUP) < error
    assert error < 0.75 * FALSE_ALARMS_GROUP
    # neither side alone: rates are skewed
    for side in ("above", "below"):
        assert (verdict == side).mean() < FALSE_ALARMS_GROUP


def test_a_binomial_interval_on_pupil_days_would_have_called_half_of_them_different() -> None:
    """Why none is used: a pupil's days are no independent draws, so intervals are far too narrow.

    95 % intervals here, against the school's mean, as Wilson would have them: over half a year
    they flag near half of the homerooms, where five in a hundred are promised.
    """
    random = np.random.default_rng(5)
    days = 18 * DAYS
    chance = pupils(random, (100, HOMEROOMS, PUPILS), 0.94, 0.06)
    attended = days_there(random, chance, days).sum(axis=2)
    count = PUPILS * days
    rate, school = attended / count, attended.mean(axis=1, keepdims=True) / count
    z = (rate - school) / np.sqrt(school * (1 - school) / count)

    assert (np.abs(z) > special.ndtri(0.975)).mean() > 0.35


def test_a_gap_of_10_points_over_a_term_is_found() -> None:
    random = np.random.default_rng(9)
    days = 12 * DAYS
    chance = pupils(random, (100, HOMEROOMS, PUPILS), 0.94, 0.06)
    chance[:, 0] -= 0.1
    verdict = judged(days_there(random, chance, days), np.full_like(chance, float(days)))

    assert (verdict[:, 0] == "below").mean() > 0.95
    assert (verdict[:, TEAM:] == "below").mean() < 2 * FALSE_ALARMS_GROUP


def test_wilsons_interval_is_that_of_the_tables_and_holds_at_the_ends() -> None:
    low, high = wilson(np.array([8.0, 0.0, 10.0]), np.array([10.0, 10.0, 10.0]))

    # 8 of 10: 0.4902 to 0.9433 (Newcombe 1998); 0 of 10: up to z²/(10 + z²)
    assert low == pytest.approx([0.490162, 0, 0.722467], abs=1e-6)
    assert high == pytest.approx([0.943318, 0.277533, 1], abs=1e-6)


def test_of_nobody_there_is_no_interval() -> None:
    low, high = wilson(np.array([0.0]), np.array([0.0]))

    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_a_t_interval_needs_two_people() -> None:
    half = t_half_width(np.array([1.0, 1.0]), np.array([0.0, 4.0]))

    # t(4) = 2.776445
    assert np.isnan(half[0])
    assert half[1] == pytest.approx(2.776445, abs=1e-6)


def test_a_small_group_is_drawn_further_towards_the_mean_than_a_large_one() -> None:
    # σ² = 4; overall mean 0.8; τ² = (2 · 3.2² + 8 · 0.8² - 4) ÷ (10 - 68/10) = 21.6 ÷ 3.2 = 6.75;
    # weights 1 ÷ (6.75 + 4/2) and 1 ÷ (6.75 + 4/8)
    found = shrunk(np.array([4.0, 0.0]), np.array([2.0, 8.0]), np.array([4.0, 4.0]), POOL)

    centre = 4 / 8.75 / (1 / 8.75 + 1 / 7.25)
    expected = [centre + 6.75 / 8.75 * (4 - centre), centre + 6.75 / 7.25 * (0 - centre)]
    assert found == pytest.approx(expected)


def test_groups_no_further_apart_than_luck_have_one_mean() -> None:
    found = shrunk(np.array([1.0, -1.0]), np.array([2.0, 6.0]), np.array([100.0, 100.0]), POOL)

    assert found == pytest.approx([-0.5, -0.5])


def test_alike_students_leave_nothing_to_luck() -> None:
    found = shrunk(np.array([1.0, -1.0]), np.array([2.0, 6.0]), np.array([0.0, 0.0]), POOL)

    assert found.tolist() == [1, -1]


def test_a_group_without_others_or_spread_is_not_drawn_anywhere() -> None:
    alone = shrunk(np.array([1.0]), np.array([5.0]), np.array([2.0]), np.array([0]))
    unknown = shrunk(np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.array([np.nan] * 2), POOL)

    assert np.isnan(alone).all()
    assert np.isnan(unknown).all()


def test_the_difference_of_two_shares_has_the_published_interval() -> None:
    # Newcombe 1998, table II, example a: 56 of 70 and 48 of 80
    low, high = difference_of_shares((56, 70), (48, 80))

    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_the_difference_of_two_means_is_of_welch() -> None:
    # 4, 5, 6 and 3, 4, 4, 5
    low, high = difference_of_means((5, 1, 3), (4, 2 / 3, 4))

    assert (low, high) == pytest.approx((1 - 1.992255, 1 + 1.992255), abs=1e-6)
    assert np.isnan(difference_of_means((5, 0, 1), (4, 1, 3))).all()
