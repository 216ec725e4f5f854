"""Whether a difference is more than luck: usual ranges over weeks, groups beside their team, limits.

For repeated measures of the same people only what allows for them holds: absences come in stretches,
and students differ. An interval that takes every student-day for an independent draw does not;
`wilson` is for one outcome per person. Pure arithmetic on arrays; no frames, no wording.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FALSE_ALARMS_USUAL = 0.0027
"""Share of uneventful weeks that a usual range may call a change: that of three-sigma limits on a
normal variable, the convention of XmR charts (Wheeler, Understanding Variation, 1993). `test_noise`
measures what becomes of it where absences carry on from day to day."""
FALSE_ALARMS_GROUP = 0.002
"""Share of groups like all others that are called different: the 99.8 % limits of a funnel plot
(Spiegelhalter 2005, doi 10.1002/sim.1970)."""
FEWEST_WEEKS = 8
"""Past weeks below which a usual range would be too wide to say anything."""
FEWEST_STUDENTS_USUAL = 10
"""Students below whom one long illness is a change of the whole class."""
FEWEST_STUDENTS = 2

TOO_FEW_STUDENTS = "too_few_students"
TOO_FEW_WEEKS, WITHIN, ABOVE, BELOW = "too_few_weeks", "within", "above", "below"

_D2 = 1.1283791670955126
"""Mean range of two normal values in standard deviations: 2 ÷ √π."""
_BEND = 0.75
"""Rates are judged on the scale ∫ (p (1 − p))^(−1/4) dp, the regularised incomplete beta function
I(p; 3/4, 3/4), which pulls in the long tail that rates near 100 % have below. The exponent lies
between none and the 1/3 that makes a binomial share symmetric (Cox & Snell 1968, 'A general
definition of residuals'): with none, whole weeks of illness are called a change five times as
often, and with 1/3 scattered days are, above. `test_noise` measures it."""


_SYMMETRIC = 1e-3
"""Skewness that makes no difference."""


@dataclass(frozen=True)
class UsualRange:
    """The usual range of each unit in each week, from its weeks before; arrays unit × week."""

    low: FloatArray
    """Shares from 0 to 1; NaN without a value or with too few weeks before."""
    high: FloatArray
    weeks: IntArray
    """Weeks before with a value."""
    verdict: NDArray[np.object_]
    """`too_few_weeks`, `within`, `above` or `below`; None without a value."""


def usual_range(numerator: FloatArray, denominator: FloatArray) -> UsualRange:
    """XmR limits for each week's rate from the weeks before it, which do not include it.

    The individuals are rates on the scale of `_BEND`, less their mean, times the square root of
    how much each week rests on (as in Laney's p' chart: Quality Engineering 14(4), 2002), so that
    a short week counts for less and has wider limits. Sigma is their mean moving range ÷ 1.128
    over successive weeks with a value or their standard deviation, whichever is larger: illnesses
    that last over a weekend make successive weeks alike and their ranges too small, for up to
    eight times the false alarms. Sigma is at least one student-day or piece of homework of an
    average week, because no variation is finer than its unit of measurement (Wheeler's 'chunky
    data'): a class that was complete for months is not changed by one absence.

    Args:
        numerator: unit × week of one school year, in order of time.
        denominator: The same shape; 0 where there is no value. In whole student-days or pieces.
    """
    units, length = numerator.shape
    known = denominator > 0
    rate = np.divide(numerator, denominator, out=np.zeros_like(numerator), where=known)
    bent = _bend(rate)
    size = np.where(known, denominator, 0.0)
    root = np.sqrt(size)
    before = _latest_before(known)
    paired = known & (before >= 0)
    earlier = np.maximum(before, 0)
    # a moving range is |bent·root - mean·root| against the week before it, for every mean
    step = bent * root - np.take_along_axis(bent * root, earlier, axis=1)
    root_step = root - np.take_along_axis(root, earlier, axis=1)

    low = np.full((units, length), np.nan)
    high = np.full((units, length), np.nan)
    verdict = np.full((units, length), None, dtype=np.object_)
    weeks: IntArray = np.cumsum(known, axis=1) - known
    verdict[known & (weeks < FEWEST_WEEKS)] = TOO_FEW_WEEKS
    total, attended = np.cumsum(size, axis=1) - size, np.cumsum(numerator * known, axis=1)
    weighted = np.cumsum(bent * size, axis=1) - bent * size
    for week in range(FEWEST_WEEKS, length):
        judged = known[:, week] & (weeks[:, week] >= FEWEST_WEEKS)
        count: IntArray = weeks[judged, week]
        whole = total[judged, week]
        average = whole / count
        centre = weighted[judged, week] / whole
        pairs = paired[judged, :week]
        ranges = np.abs(step[judged, :week] - centre[:, None] * root_step[judged, :week])
        moving = np.sum(ranges * pairs, axis=1) / np.sum(pairs, axis=1)
        squares = (root[judged, :week] * (bent[judged, :week] - centre[:, None])) ** 2
        deviation = np.sqrt(np.sum(squares, axis=1) / (count - 1))
        mean_rate = attended[judged, week - 1] / whole
        noise = np.maximum(moving / _D2, deviation) / np.sqrt(average)
        sigma = np.maximum(noise, _one_unit(mean_rate, average))
        half = _quantile(count) * sigma * np.sqrt(average / size[judged, week] + 1 / count)
        value = bent[judged, week]
        low[judged, week] = _unbend(centre - half)
        high[judged, week] = _unbend(centre + half)
        outside = np.where(value < centre - half, BELOW, ABOVE)
        verdict[judged, week] = np.where(np.abs(value - centre) <= half, WITHIN, outside)
    return UsualRange(low, high, weeks, verdict)


def _bend(share: FloatArray) -> FloatArray:
    return np.asarray(special.betainc(_BEND, _BEND, np.clip(share, 0, 1)), np.float64)


def _unbend(bent: FloatArray) -> FloatArray:
    return np.asarray(special.betaincinv(_BEND, _BEND, np.clip(bent, 0, 1)), np.float64)


def _one_unit(rate: FloatArray, average: FloatArray) -> FloatArray:
    """Half the way from one unit less to one unit more, on the bent scale."""
    return (_bend(rate + 1 / average) - _bend(rate - 1 / average)) / 2


def _latest_before(known: NDArray[np.bool_]) -> IntArray:
    """Column of the latest week with a value before each; -1 where there is none."""
    columns = np.where(known, np.arange(known.shape[1]), -1)
    latest = np.maximum.accumulate(columns, axis=1)
    return np.concatenate([np.full((len(known), 1), -1), latest[:, :-1]], axis=1)


def _quantile(weeks: IntArray) -> FloatArray:
    """How many sigmas of a mean moving range hold all but 0.27 % of what comes next.

    Where the standard deviation is the sigma, or the larger of two, they hold a little more.

    Student's quantile with 0.68 (m − 1) + 1 degrees of freedom: fitted to two million simulated
    normal histories, right to 2 % from 8 to 40 weeks. (Wheeler's 0.62 (m − 1), Advanced Topics in
    SPC, 1995, are those of the spread of the mean moving range; limits with them are too wide, by
    half of the alarms at 8 weeks.)
    """
    freedom = 0.68 * (weeks - 1) + 1
    return np.asarray(special.stdtrit(freedom, 1 - FALSE_ALARMS_USUAL / 2), np.float64)


@dataclass(frozen=True)
class Spread:
    """How much students' rates differ within their groups, pooled over groups; one per row."""

    deviation: FloatArray
    """Pooled standard deviation of students' rates."""
    skewness: FloatArray
    freedom: FloatArray
    """Degrees of freedom: students less groups."""


@dataclass(frozen=True)
class Moments:
    """Sums over a group's students of powers of their numerator `part` and denominator `whole`."""

    students: FloatArray
    whole_1: FloatArray
    whole_2: FloatArray
    whole_3: FloatArray
    part_1: FloatArray
    part_2: FloatArray
    part_3: FloatArray
    part_1_whole_1: FloatArray
    part_2_whole_1: FloatArray
    part_1_whole_2: FloatArray

    @property
    def rate(self) -> FloatArray:
        """Sum over sum."""
        return self.part_1 / self.whole_1

    @property
    def squares(self) -> FloatArray:
        """Σ (part − rate · whole)²."""
        found = self.part_2 - 2 * self.rate * self.part_1_whole_1 + self.rate**2 * self.whole_2
        # what is left where all students are alike is the error of the arithmetic
        return np.where(found > 1e-9 * self.whole_2, found, 0.0)

    @property
    def cubes(self) -> FloatArray:
        """Σ (part − rate · whole)³."""
        rate = self.rate
        return (
            self.part_3
            - 3 * rate * self.part_2_whole_1
            + 3 * rate**2 * self.part_1_whole_2
            - rate**3 * self.whole_3
        )


def effective_size(whole_1: FloatArray, whole_2: FloatArray) -> FloatArray:
    """As how many students a group counts whose students were there for unequal times (Kish)."""
    return whole_1**2 / whole_2


def pooled_spread(groups: Moments, pool: IntArray) -> Spread:
    """The spread within groups, pooled over all groups of a pool, for each group.

    Residuals of the ratio: part − rate · whole of each student, weighted by `whole`, so that a
    student of a few days says little.

    Args:
        groups: One row per group of at least one student.
        pool: Number of each group's pool, from 0.
    """
    size = effective_size(groups.whole_1, groups.whole_2)

    def pooled(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(pool, weights=values), np.float64)[pool]

    with np.errstate(invalid="ignore", divide="ignore"):
        squares, cubes = pooled(groups.squares), pooled(groups.cubes)
        variance = squares / pooled(groups.whole_2 * (1 - 1 / size))
        raw = squares / pooled(groups.whole_2)
        skewness = cubes / pooled(groups.whole_3) / raw**1.5
    return Spread(
        np.sqrt(np.nan_to_num(variance, posinf=0.0)),
        np.nan_to_num(skewness, posinf=0.0, neginf=0.0),
        pooled(groups.students - 1),
    )


def group_verdict(
    rate: FloatArray,
    whole_rate: FloatArray,
    spread: Spread,
    size: FloatArray,
    whole_size: FloatArray,
) -> NDArray[np.object_]:
    """Whether each group differs from the whole that it is part of by more than luck.

    z = (rate − whole_rate) ÷ (s √(1/n − 1/N)), as a group of n of N students taken at random would
    have it. The limits are those of a gamma (Pearson III) variable as skewed as the difference,
    widened as Student's is for few degrees of freedom: a week's rates of students are mostly 100 %
    with a long tail, and with symmetric limits the low rooms would be called different too often.

    Args:
        rate: Of the group; NaN for none.
        whole_rate: Of the whole; NaN for none.
        spread: Of students within groups like this one.
        size: Students in the group, as `effective_size` counts them.
        whole_size: Students in the whole.

    Returns:
        `within`, `above` or `below`; None where there is nothing to compare. Where no student
        differs from the others in any group, luck cannot be told, and all are `within`.
    """
    comparable = (
        np.isfinite(rate)
        & np.isfinite(whole_rate)
        & (size > FEWEST_STUDENTS - 0.5)
        & (whole_size > size + 0.5)
        & (spread.freedom >= 1)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = whole_size - size
        error = spread.deviation * np.sqrt(1 / size - 1 / whole_size)
        share = rest / whole_size
        third = spread.skewness * spread.deviation**3 * share**3 * (1 / size**2 - 1 / rest**2)
        skewness = np.nan_to_num(third / error**3, posinf=0.0, neginf=0.0)
        z = np.nan_to_num((rate - whole_rate) / error, posinf=0.0, neginf=0.0)
        tail = FALSE_ALARMS_GROUP / 2
        wider = special.stdtrit(spread.freedom, 1 - tail) / special.ndtri(1 - tail)
    below = z < wider * _pearson3(tail, skewness)
    above = z > wider * _pearson3(1 - tail, skewness)
    verdict = np.where(below, BELOW, np.where(above, ABOVE, WITHIN)).astype(np.object_)
    verdict[~comparable] = None
    return verdict


def _pearson3(probability: float, skewness: FloatArray) -> FloatArray:
    """Quantile of a gamma variable shifted and scaled to mean 0 and variance 1."""
    skew = np.where(np.abs(skewness) < _SYMMETRIC, _SYMMETRIC, skewness)
    shape = 4 / skew**2
    tail = np.where(skew > 0, probability, 1 - probability)
    quantile = (special.gammaincinv(shape, tail) - shape) / np.sqrt(shape)
    return np.asarray(np.sign(skew) * quantile, np.float64)


def wilson(successes: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ends of the 95 % interval of a share (Wilson 1927), for one independent outcome per person.

    It holds for few people too. NaN for none.
    """
    z = float(special.ndtri(0.975))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = successes / n
        centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.clip(centre - half, 0, share), np.clip(centre + half, share, 1)


def t_half_width(error: FloatArray, freedom: FloatArray) -> FloatArray:
    """Half the width of the 95 % t interval of a mean with this standard error.

    NaN without a degree of freedom.
    """
    quantile = np.asarray(special.stdtrit(np.maximum(freedom, 1), 0.975), np.float64)
    return np.where(freedom >= 1, quantile * error, np.nan)


def shrunk(mean: FloatArray, size: FloatArray, variance: FloatArray, pool: IntArray) -> FloatArray:
    """Means of groups drawn towards the mean of their pool: mu + τ² ÷ (τ² + σ²/n) · (mean − mu).

    τ², the variance between groups beyond luck, is estimated from the variance between their means
    (analysis of variance for unequal sizes, none below 0), and mu is the mean weighted by
    1 ÷ (τ² + σ²/n). What a small group shows is mostly luck (Kane & Staiger 2002).

    Args:
        mean: Of each group.
        size: Its students.
        variance: σ², of students within the groups of its pool; NaN where it cannot be told.
        pool: Number of its pool, from 0.

    Returns:
        NaN where a pool has fewer than two groups, or no variance.
    """

    def pooled(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(pool, weights=values), np.float64)[pool]

    with np.errstate(invalid="ignore", divide="ignore"):
        groups, whole = pooled(np.ones_like(mean)), pooled(size)
        around = mean - pooled(size * mean) / whole
        beyond = pooled(size * around**2) - (groups - 1) * variance
        tau_2 = np.maximum(beyond / (whole - pooled(size**2) / whole), 0)
        luck = variance / size
        weight = 1 / (tau_2 + luck)
        centre = pooled(weight * mean) / pooled(weight)
        found = centre + tau_2 * weight * (mean - centre)
    # where all students of every group are alike, no mean is luck
    found = np.where(luck == 0, mean, found)
    return np.where((groups > 1) & np.isfinite(variance), found, np.nan)
