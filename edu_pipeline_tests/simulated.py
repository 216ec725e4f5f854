"""Schools in which nothing, or something, happens.

24 homerooms of 22 pupils, identical by construction: each pupil is there with a probability of their
own, mean 94 %, standard deviation 6 points.
"""

import numpy as np
from numpy.typing import NDArray

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


def share_outside(verdict: NDArray[np.object_]) -> tuple[float, float]:
    """Share of judged weeks called a change, and four standard errors of it over units."""
    judged = np.isin(verdict, ["within", "above", "below"])
    outside = np.isin(verdict, ["above", "below"])
    by_unit = outside.sum(axis=1) / judged.sum(axis=1)
    return float(by_unit.mean()), float(4 * by_unit.std() / np.sqrt(len(by_unit)))
