"""Usual ranges and phases: by hand, and in schools in which nothing, or something, happens.

Seeds are fixed; bounds are four standard errors of a share whose cases are homerooms (a homeroom's
weeks share its past).
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from edu_pipeline.chance.usual import FALSE_ALARMS_USUAL, UsualRange, usual_range
from edu_pipeline_tests.simulated import (
    DAYS,
    HOMEROOMS,
    PUPILS,
    WEEKS,
    days_of_stretches,
    days_there,
    pupils,
    share_outside,
    year,
)


def verdicts(attended: list[float], expected: list[float]) -> list[str | None]:
    found = usual_range(np.array([attended], float), np.array([expected], float))
    return list(found.verdict[0])


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


# --- phases ----------------------------------------------------------------------------------


def one_unit(rates: list[float], size: float = 100.0) -> UsualRange:
    """Of one class whose weeks rest on `size` student-days each."""
    return usual_range(np.array([rates]) * size / 100, np.full((1, len(rates)), size))


UP_AND_DOWN = [1.0, -1, 2, 0, -2, 1, 0, -1, 1, -1, 0, 2, -1, 1, 0, -1]


def test_a_step_that_lasts_for_eight_weeks_begins_a_phase_and_its_weeks_say_what_is_usual() -> None:
    rates = [60 + each for each in UP_AND_DOWN] + [75 + each for each in UP_AND_DOWN]
    found = one_unit(rates)

    assert found.phase.start[0].tolist() == [0] * 23 + [16] * 9
    assert found.phase.kind[0].tolist() == [None] * 7 + ["level"] * 25
    assert found.phase.first[0, 15] == pytest.approx(sum(rates[:16]) / 1600)
    assert (
        found.phase.first[0, 31] == found.phase.last[0, 31] == pytest.approx(sum(rates[16:]) / 1600)
    )
    assert found.phase.before[0, 31] == pytest.approx(sum(rates[:16]) / 1600)
    assert np.isnan(found.phase.before[0, 22])
    # the week after the one that told of it is the first that is judged by its weeks
    assert found.weeks[0, 22:26].tolist() == [22, 23, 8, 9]
    assert found.low[0, 23] < 0.6
    assert found.low[0, 24] > 0.65


def test_seven_weeks_are_no_phase() -> None:
    found = one_unit([60 + each for each in UP_AND_DOWN] + [75 + each for each in UP_AND_DOWN[:7]])

    assert found.phase.start.max() == 0


def test_one_odd_week_begins_no_phase() -> None:
    rates = [90 + each for each in UP_AND_DOWN * 2]
    rates[20] = 40
    found = one_unit(rates)

    assert found.phase.start.max() == 0
    assert set(found.phase.kind[0, 7:]) == {"level"}


def test_a_steady_climb_is_one_and_its_line_says_what_is_usual() -> None:
    climb = [50 + week + each for week, each in enumerate(UP_AND_DOWN * 2)]
    found = one_unit(climb)
    last = found.phase.kind.shape[1] - 1

    assert found.phase.kind[0, 16:].tolist() == ["climbing"] * 16
    assert found.phase.start.max() == 0
    assert found.phase.first[0, last] == pytest.approx(0.50, abs=0.01)
    assert found.phase.last[0, last] == pytest.approx(0.81, abs=0.01)
    # going on is usual, and falling back to where the year began is not
    assert set(found.verdict[0, 16:]) == {"within"}
    assert one_unit([*climb, 60]).verdict[0, -1] == "below"
    assert found.high[0, last] - found.low[0, last] < 0.12


def test_a_fall_is_a_climb_upside_down() -> None:
    fall = [90 - week + each for week, each in enumerate(UP_AND_DOWN * 2)]

    assert one_unit(fall).phase.kind[0, -1] == "falling"


def test_a_climb_that_has_come_to_its_end_climbs_no_more() -> None:
    rates = [50 + 2 * min(week, 12) + each for week, each in enumerate(UP_AND_DOWN * 2)]
    found = one_unit(rates)

    assert found.phase.kind[0, 12] == "climbing"
    assert found.phase.kind[0, -1] == "level"
    assert 6 <= found.phase.start[0, -1] <= 12


def test_weeks_without_a_value_are_in_no_phase_and_change_none() -> None:
    rates = [60 + each for each in UP_AND_DOWN] + [75 + each for each in UP_AND_DOWN]
    sizes = [100.0] * 32
    without = {3, 4, 16, 20}
    counted = [0.0 if week in without else size for week, size in enumerate(sizes)]
    numerator = np.array([[rate * size / 100 for rate, size in zip(rates, counted, strict=True)]])
    found = usual_range(numerator, np.array([counted]))

    assert found.phase.start[0, -1] == 17
    assert found.phase.start[0, 24] == 0  # the seventh week with a value
    assert found.phase.start[0, 25] == 17


def told(found: UsualRange) -> NDArray[np.bool_]:
    """Whether a unit was told of any phase but its first level, in each week."""
    return (found.phase.start > 0) | np.isin(found.phase.kind, ["climbing", "falling"])


@pytest.mark.parametrize(
    ("mean", "sd", "sizes"),
    [(0.94, 0.06, [DAYS] * WEEKS), (0.94, 0.06, SHORT), (0.85, 0.12, PIECES)],
    ids=["attendance", "short weeks", "homework"],
)
def test_where_nothing_happens_one_class_in_a_hundred_is_told_of_a_change_in_a_year(
    mean: float, sd: float, sizes: list[int]
) -> None:
    random = np.random.default_rng(20261201)
    chance = pupils(random, (100 * HOMEROOMS, PUPILS), mean, sd)
    share = told(usual_range(*year(random, chance, sizes))).any(axis=1).mean()

    assert share < 0.01


@pytest.mark.parametrize(("goes_on", "most"), [(0.6, 0.04), (0.8, 0.15)])
def test_where_absences_last_for_days_few_classes_are_told_of_a_change_in_a_year(
    goes_on: float, most: float
) -> None:
    random = np.random.default_rng(20261202)
    chance = pupils(random, (1500, PUPILS), 0.94, 0.06)
    attended = days_of_stretches(random, chance, goes_on)
    found = usual_range(attended, np.full_like(attended, float(DAYS * PUPILS)))

    assert told(found).any(axis=1).mean() < most


@pytest.mark.parametrize(
    ("mean", "sd", "sizes", "step"),
    [(0.66, 0.12, PIECES, 0.08), (0.94, 0.06, [DAYS] * WEEKS, -0.05)],
    ids=["homework", "attendance"],
)
def test_a_new_level_is_mostly_found_within_ten_weeks_and_where_it_began(
    mean: float, sd: float, sizes: list[int], step: float
) -> None:
    random = np.random.default_rng(20261203)
    chance = pupils(random, (400, PUPILS), mean, sd)
    before = year(random, chance, sizes[:16])
    after = year(random, chance + step, sizes[16:])
    found = usual_range(
        *(np.concatenate(parts, axis=1) for parts in zip(before, after, strict=True))
    )
    start = found.phase.start[:, 25]

    assert (start > 0).mean() > 0.6
    assert (np.abs(start[start > 0] - 16) <= 3).mean() > 0.85


def test_a_climb_of_25_points_is_mostly_found_by_its_24th_week_with_its_ends() -> None:
    random = np.random.default_rng(20261204)
    chance = pupils(random, (400, PUPILS), 0.66, 0.12)
    weeks = [year(random, chance + 0.25 * week / 35, [DAYS]) for week in range(WEEKS)]
    found = usual_range(*(np.concatenate(parts, axis=1) for parts in zip(*weeks, strict=True)))
    kind, whole = found.phase.kind, found.phase.start[:, -1] == 0

    assert (kind[:, 23] == "climbing").mean() > 0.55
    assert (kind[:, -1] == "climbing").mean() > 0.8
    # one class in ten is told so, is not, and is again: with one bound for both, twice as many
    climbing = kind == "climbing"
    assert ((climbing[:, 1:] & ~climbing[:, :-1]).sum(axis=1) > 1).mean() < 0.15
    assert np.median(found.phase.first[whole, -1]) == pytest.approx(0.66, abs=0.02)
    assert np.median(found.phase.last[whole, -1]) == pytest.approx(0.91, abs=0.02)
    # and the range is half as wide as one that takes the climb for noise
    assert np.nanmedian(found.high[:, -1] - found.low[:, -1]) < 0.27
