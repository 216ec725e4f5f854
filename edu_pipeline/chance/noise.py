"""Whether a difference between groups is more than luck: groups beside their team, limits, intervals.

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

FALSE_ALARMS_GROUP = 0.002
"""Share of groups like all others that are called different: the 99.8 % limits of a funnel plot
(Spiegelhalter 2005, doi 10.1002/sim.1970)."""
FEWEST_STUDENTS = 2
WITHIN, ABOVE, BELOW = "within", "above", "below"


_SYMMETRIC = 1e-3
"""Skewness that makes no difference."""


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


def difference_of_means(
    these: tuple[float, float, int], those: tuple[float, float, int]
) -> tuple[float, float]:
    """Ends of the 95 % interval of the difference of two means of different people (Welch 1947).

    Args:
        these: Mean, variance and number.
        those: The same; it is subtracted.

    Returns:
        NaN with fewer than two of either.
    """
    (mean, variance, n), (other, other_variance, other_n) = these, those
    if min(n, other_n) < FEWEST_STUDENTS:
        return np.nan, np.nan
    parts = (variance / n, other_variance / other_n)
    error = float(np.sqrt(sum(parts)))
    squares = parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (other_n - 1)
    freedom = sum(parts) ** 2 / squares if squares else float(n + other_n - 2)
    half = float(t_half_width(np.array([error]), np.array([freedom]))[0])
    return mean - other - half, mean - other + half


def difference_of_shares(these: tuple[int, int], those: tuple[int, int]) -> tuple[float, float]:
    """Ends of the 95 % interval of the difference of two shares of different people.

    From the Wilson intervals of both (Newcombe 1998, Statistics in Medicine 17, method 10).

    Args:
        these: How many, of how many, at least one.
        those: The same; it is subtracted.
    """
    (low, high), (other_low, other_high) = (
        (float(end[0]) for end in wilson(np.array([float(part)]), np.array([float(n)])))
        for part, n in (these, those)
    )
    share, other = (part / n for part, n in (these, those))
    down = np.hypot(share - low, other_high - other)
    up = np.hypot(high - share, other - other_low)
    return share - other - float(down), share - other + float(up)


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
