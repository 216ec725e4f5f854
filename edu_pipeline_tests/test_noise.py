"""Usual ranges and team differences: by hand, and in schools in which nothing, or something, happens.

Simulated schools have 24 homerooms of 22 pupils, identical by construction: each pupil is there with
a probability of their own, mean 94 %, standard deviation 6 points. Seeds are fixed; bounds are four
standard errors of a share whose cases are homerooms (a homeroom's weeks share its past).
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from edu_pipeline.chance.noise import (
    FALSE_ALARMS_GROUP,
    FALSE_ALARMS_USUAL,
    Moments,
    effective_size,
    group_verdict,
    pooled_spread,
    shrunk,
    t_half_width,
    usual_range,
    wilson,
)

POOL = np.array([0, 0])
HOMEROOMS, PUPILS, TEAM, WEEKS, DAYS = 24, 22, 4, 36, 5
FloatArray = NDArray[np.float64]


def pupils(
    random: np.random.Generator, shape: tuple[int, ...], mean: float, sd: float
) -> FloatArray:
    """A probability for each pupil."""
    size = mean * (1 - mean) / sd**2 - 1
    return random.beta(mean * size, (1 - mean) * size, shape)


def days_of_stretches(
    random: np.random.Generator, chance: FloatArray, goes_on: float, *, half_days: bool = False
) -> FloatArray:
    """Homeroom × week: attended, from homeroom × pupil chances of being there on a day.

    A pupil who is away is away on the next school day with a chance of `goes_on`, or of their own
    absence where it is larger; how often they are away does not depend on it. Of the days away,
    three in ten are half days where there are any.
    """
    away = 1 - chance
    stays = np.maximum(goes_on, away)
    begins = away * (1 - stays) / chance
    absent = random.random(chance.shape) < away
    attended = np.zeros((len(chance), WEEKS))
    for day in range(WEEKS * DAYS):
        absent = random.random(chance.shape) < np.where(absent, stays, begins)
        part = np.where(random.random(chance.shape) < 0.3, 0.5, 1.0) if half_days else 1.0
        attended[:, day // DAYS] += (1 - absent * part).sum(axis=1)
    return attended


def days_there(random: np.random.Generator, chance: FloatArray, days: int) -> FloatArray:
    return random.binomial(days, np.clip(chance, 0, 1)).astype(float)


def year(
    random: np.random.Generator, chance: FloatArray, sizes: list[int]
) -> tuple[FloatArray, FloatArray]:
    """Homeroom × week: attended and expected, from homeroom × pupil chances."""
    attended = np.stack([days_there(random, chance, size).sum(axis=1) for size in sizes], axis=1)
    expected = np.tile(np.array(sizes, float) * chance.shape[1], (len(chance), 1))
    return attended, expected


def verdicts(attended: list[float], expected: list[float]) -> list[str | None]:
    found = usual_range(np.array([attended], float), np.array([expected], float))
    return list(found.verdict[0])


def share_outside(verdict: NDArray[np.object_]) -> tuple[float, float]:
    """Share of judged weeks called a change, and four standard errors of it over units."""
    judged = np.isin(verdict, ["within", "above", "below"])
    outside = np.isin(verdict, ["above", "below"])
    by_unit = outside.sum(axis=1) / judged.sum(axis=1)
    return float(by_unit.mean()), float(4 * by_unit.std() / np.sqrt(len(by_unit)))


# --- the usual range -------------------------------------------------------------------------


def test_the_range_is_that_of_the_weeks_before_and_not_of_the_week_itself() -> None:
    past = [90.0, 92, 91, 93, 90, 92, 91, 93]
    quiet = usual_range(np.array([[*past, 92.0]]), np.full((1, 9), 100.0))
    wild = usual_range(np.array([[*past, 10.0]]), np.full((1, 9), 100.0))

    assert (quiet.low[0, 8], quiet.high[0, 8]) == (wild.low[0, 8], wild.high[0, 8])
    assert (quiet.verdict[0, 8], wild.verdict[0, 8]) == ("within", "below")
    assert np.isnan(quiet.low[0, :8]).all()


def test_limits_are_the_mean_and_the_mean_moving_range() -> None:
    # around one half the scale of judgement is nearly straight, so the textbook's formula holds
    past = np.array([50, 52, 50, 49, 51, 50, 48, 50, 52, 50.0])
    mean, moving = past.mean() / 100, np.abs(np.diff(past)).mean() / 100
    student = special.stdtrit(0.68 * 9 + 1, 1 - 0.0027 / 2)
    half = student * moving / 1.128379 * np.sqrt(1 + 1 / 10)

    found = usual_range(np.array([[*past, 50.0]]), np.full((1, 11), 100.0))

    assert found.low[0, 10] == pytest.approx(mean - half, abs=2e-4)
    assert found.high[0, 10] == pytest.approx(mean + half, abs=2e-4)
    assert found.weeks[0, 10] == 10


def test_where_weeks_in_a_row_are_alike_limits_are_the_mean_and_the_standard_deviation() -> None:
    # of nine moving ranges one is 2 and eight are 0; the deviations are all 1
    past = np.array([49.0] * 5 + [51] * 5)
    student = special.stdtrit(0.68 * 9 + 1, 1 - 0.0027 / 2)
    half = student * np.sqrt(10 * 0.01**2 / 9) * np.sqrt(1 + 1 / 10)

    found = usual_range(np.array([[*past, 50.0]]), np.full((1, 11), 100.0))

    assert found.low[0, 10] == pytest.approx(0.5 - half, abs=2e-4)
    assert found.high[0, 10] == pytest.approx(0.5 + half, abs=2e-4)


def test_seven_weeks_are_too_few_and_weeks_without_a_value_are_none() -> None:
    attended = [90, 92, 91, 0, 90, 92, 91, 93, 90, 92.0]
    expected = [100, 100, 100, 0, 100, 100, 100, 100, 100, 100.0]

    assert verdicts(attended, expected) == [
        *["too_few_weeks"] * 3,
        None,
        *["too_few_weeks"] * 5,
        "within",
    ]


def test_a_week_without_a_value_has_no_range() -> None:
    found = usual_range(np.array([[90.0] * 8 + [0]]), np.array([[100.0] * 8 + [0]]))

    assert np.isnan(found.low[0, 8])
    assert found.verdict[0, 8] is None
    assert found.weeks[0, 8] == 8


def test_a_short_week_has_wider_limits() -> None:
    past = [90.0, 92, 91, 93, 90, 92, 91, 93]
    full = usual_range(np.array([[*past, 80.0]]), np.array([[100.0] * 9]))
    short = usual_range(np.array([[*past, 16.0]]), np.array([[100.0] * 8 + [20]]))

    assert short.low[0, 8] < full.low[0, 8]
    assert (full.verdict[0, 8], short.verdict[0, 8]) == ("below", "within")


@pytest.mark.parametrize(
    ("missing", "verdict"), [(0, "within"), (1, "within"), (2, "within"), (6, "below")]
)
@pytest.mark.parametrize("weeks", [8, 30])
def test_a_class_that_was_always_complete_is_not_changed_by_one_absence(
    weeks: int, missing: int, verdict: str
) -> None:
    assert verdicts([110.0] * weeks + [110 - missing], [110.0] * (weeks + 1))[-1] == verdict


def test_one_absence_is_no_change_in_a_class_of_one() -> None:
    assert verdicts([5.0] * 20 + [4], [5.0] * 21)[-1] == "within"


def test_where_nobody_came_for_weeks_one_who_comes_is_no_change() -> None:
    assert verdicts([0.0] * 10 + [1], [110.0] * 11)[-1] == "within"
    assert verdicts([0.0] * 10 + [10], [110.0] * 11)[-1] == "above"


def test_shown_limits_stay_within_0_and_100_per_cent_and_the_verdict_agrees_with_them() -> None:
    random = np.random.default_rng(1)
    attended = random.binomial(20, 0.97, (200, 20)).astype(float)
    found = usual_range(attended, np.full((200, 20), 20.0))
    rate, judged = attended / 20, np.isfinite(found.low)

    assert found.low[judged].min() >= 0
    assert found.high[judged].max() == 1
    assert ((found.verdict == "below") == (judged & (rate < found.low - 1e-12)))[judged].all()


def test_no_units_and_no_weeks_are_no_trouble() -> None:
    assert usual_range(np.zeros((0, 0)), np.zeros((0, 0))).verdict.shape == (0, 0)
    assert usual_range(np.zeros((0, 40)), np.zeros((0, 40))).verdict.shape == (0, 40)


SHORT = [5, 5, 3, 5, 5, 5, 5, 5, 4, 5, 5, 5, 1, 5, 5, 5, 5, 2, *[5] * (WEEKS - 18)]
PIECES = [8, 6, 9, 7, 8, 12, 5, 8, 7, 9, 8, 6, *[8, 7, 10, 6] * 6]


@pytest.mark.parametrize(
    ("mean", "sd", "sizes"),
    [(0.94, 0.06, [DAYS] * WEEKS), (0.94, 0.06, SHORT), (0.85, 0.12, PIECES)],
    ids=["attendance", "short weeks", "homework"],
)
def test_where_nothing_happens_for_a_year_few_weeks_are_called_a_change(
    mean: float, sd: float, sizes: list[int]
) -> None:
    random = np.random.default_rng(20261121)
    chance = pupils(random, (80 * HOMEROOMS, PUPILS), mean, sd)
    share, error = share_outside(usual_range(*year(random, chance, sizes)).verdict)

    # the larger of two sigmas is a little large where weeks are independent
    assert 0.3 * FALSE_ALARMS_USUAL < share < 0.8 * FALSE_ALARMS_USUAL
    assert error < 0.4 * FALSE_ALARMS_USUAL


@pytest.mark.parametrize("half_days", [False, True], ids=["whole days", "half days"])
@pytest.mark.parametrize(
    ("size", "goes_on", "most"),
    [(22, 0.6, 0.0027), (22, 0.8, 0.0027), (10, 0.6, 0.0035), (10, 0.8, 0.005)],
)
def test_where_absences_last_for_days_few_weeks_are_called_a_change(
    size: int, goes_on: float, most: float, *, half_days: bool
) -> None:
    """With moving ranges alone there are three to eight times as many."""
    random = np.random.default_rng(20261122)
    chance = pupils(random, (1500, size), 0.94, 0.06)
    attended = days_of_stretches(random, chance, goes_on, half_days=half_days)
    share, error = share_outside(
        usual_range(attended, np.full_like(attended, float(DAYS * size))).verdict
    )

    assert 0.0005 < share < most
    assert error < 0.0016


def test_a_drop_of_15_points_is_mostly_found_also_where_absences_last_for_days() -> None:
    random = np.random.default_rng(13)
    chance = pupils(random, (1000, PUPILS), 0.94, 0.06)
    attended = days_of_stretches(random, chance, 0.6, half_days=True)
    attended[:, 24] -= 0.15 * PUPILS * DAYS
    verdict = usual_range(attended, np.full_like(attended, float(PUPILS * DAYS))).verdict

    assert (verdict[:, 24] == "below").mean() > 0.65


def test_whole_weeks_of_illness_do_not_make_it_cry_wolf() -> None:
    """The scale is bent for these: on a straight one five times as many would be called."""
    random = np.random.default_rng(7)
    chance = pupils(random, (100 * HOMEROOMS, PUPILS), 0.94, 0.06)
    weeks = [DAYS * days_there(random, chance, 1).sum(axis=1) for _ in range(WEEKS)]
    attended = np.stack(weeks, axis=1)
    share, _ = share_outside(usual_range(attended, np.full_like(attended, PUPILS * DAYS)).verdict)

    assert 0.15 * FALSE_ALARMS_USUAL < share < 0.6 * FALSE_ALARMS_USUAL


def test_a_young_year_has_no_more_false_alarms_than_an_old_one() -> None:
    random = np.random.default_rng(11)
    values = 500 + 20 * random.standard_normal((20_000, 13))
    share, error = share_outside(usual_range(values, np.full_like(values, 1000.0)).verdict[:, :12])

    assert 0.2 * FALSE_ALARMS_USUAL < share < FALSE_ALARMS_USUAL
    assert error < 0.4 * FALSE_ALARMS_USUAL


@pytest.mark.parametrize(("week", "found"), [(12, 0.8), (24, 0.95)])
def test_a_drop_of_15_points_for_two_weeks_is_found(week: int, found: float) -> None:
    random = np.random.default_rng(3)
    chance = pupils(random, (500, PUPILS), 0.94, 0.06)
    attended, expected = year(random, chance, [DAYS] * WEEKS)
    for each in (week, week + 1):
        attended[:, each] = days_there(random, chance - 0.15, DAYS).sum(axis=1)
    verdict = usual_range(attended, expected).verdict

    assert (verdict[:, week : week + 2] == "below").any(axis=1).mean() > found


# --- a class beside its team -----------------------------------------------------------------


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
