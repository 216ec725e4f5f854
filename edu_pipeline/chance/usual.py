"""What is usual week by week: the range of a week's rate from the weeks before it, and phases.

A school year is one phase until its level changes or it climbs or falls steadily; only the weeks of
the phase say what is usual, so that a long climb does not widen the range until nothing is ever
out of it. Pure arithmetic on arrays; no frames, no wording. Groups side by side are `noise`'s.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from edu_pipeline.chance.noise import ABOVE, BELOW, WITHIN, FloatArray, IntArray

FALSE_ALARMS_USUAL = 0.0027
"""Share of uneventful weeks that a usual range may call a change: that of three-sigma limits on a
normal variable, the convention of XmR charts (Wheeler, Understanding Variation, 1993). `test_usual`
measures what becomes of it where absences carry on from day to day."""
FALSE_ALARMS_PHASE = 0.0001
"""The same for one comparison of two levels, or one slope. A year has hundreds, which overlap:
`test_usual` measures what becomes of it, less than 1 in 100 uneventful years of a class."""
FEWEST_WEEKS = 8
"""Past weeks below which a usual range would be too wide to say anything, and the length of a run
that is a change of level in public-service SPC (NHS England, Making data count: 7)."""
FEWEST_STUDENTS_USUAL = 10
"""Students below whom one long illness is a change of the whole class."""

TOO_FEW_STUDENTS, TOO_FEW_WEEKS = "too_few_students", "too_few_weeks"
LEVEL, CLIMBING, FALLING = "level", "climbing", "falling"

_D2 = 1.1283791670955126
"""Mean range of two normal values in standard deviations: 2 ÷ √π."""
_BEND = 0.75
"""Rates are judged on the scale ∫ (p (1 − p))^(−1/4) dp, the regularised incomplete beta function
I(p; 3/4, 3/4), which pulls in the long tail that rates near 100 % have below. The exponent lies
between none and the 1/3 that makes a binomial share symmetric (Cox & Snell 1968, 'A general
definition of residuals'): with none, whole weeks of illness are called a change five times as
often, and with 1/3 scattered days are, above. `test_usual` measures it."""
_SIMPLER = 1.2
"""How much more a line may leave than the best two levels: of all places for a step, one follows
the noise."""
_FEWEST_ASIDE = 4
"""Weeks on either side of a place for a step: so that one of seven weeks is not taken for one of
eight that begins a week too early."""
_BEGINS, _LASTS = 2 / 3, 1 / 3
"""Share of its slope that a trend has in its later half when it is found, and for as long as it lasts.
They are apart so that it is not said, unsaid and said again as luck moves the one across the other."""


@dataclass(frozen=True)
class UsualRange:
    """The usual range of each unit in each week, from its weeks before; arrays unit × week."""

    low: FloatArray
    """Shares from 0 to 1; NaN without a value or with too few weeks before."""
    high: FloatArray
    weeks: IntArray
    """Weeks of the phase before with a value."""
    verdict: NDArray[np.object_]
    """`too_few_weeks`, `within`, `above` or `below`; None without a value."""
    phase: "Phase"
    """Where each week leaves the unit; of the next week's range."""


@dataclass(frozen=True)
class Phase:
    """The level or trend that a unit is in after each week; arrays unit × week."""

    start: IntArray
    """Column of its first week."""
    kind: NDArray[np.object_]
    """`level`, `climbing` or `falling`; None before it has `FEWEST_WEEKS` weeks."""
    first: FloatArray
    """Share in its first week: of a trend, on its line; of a level, in all of its weeks."""
    last: FloatArray
    """The same in this week."""
    before: FloatArray
    """Share in all weeks of the phase before; NaN in the year's first."""

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Self:
        """To be filled week by week."""
        return cls(
            np.zeros(shape, np.int64),
            np.full(shape, None, np.object_),
            *(np.full(shape, np.nan) for _ in range(3)),
        )


def usual_range(numerator: FloatArray, denominator: FloatArray) -> UsualRange:
    """XmR limits for each week's rate from the weeks of its phase before it, which do not include it.

    The individuals are rates on the scale of `_BEND`, less their mean, times the square root of
    how much each week rests on (as in Laney's p' chart: Quality Engineering 14(4), 2002), so that
    a short week counts for less and has wider limits. Sigma is their mean moving range ÷ 1.128
    over successive weeks with a value or their standard deviation, whichever is larger: illnesses
    that last over a weekend make successive weeks alike and their ranges too small, for up to
    eight times the false alarms. Sigma is at least one student-day or piece of homework of an
    average week, because no variation is finer than its unit of measurement (Wheeler's 'chunky
    data'): a class that was complete for months is not changed by one absence.

    In a trend the line takes the mean's place (Mandel, The Regression Control Chart, Journal of
    Quality Technology 1(1), 1969). How phases are found: `_next_phase`.

    Args:
        numerator: unit × week of one school year, in order of time.
        denominator: The same shape; 0 where there is no value. In whole student-days or pieces.
    """
    units, length = numerator.shape
    known = denominator > 0
    bent = _bend(np.divide(numerator, denominator, out=np.zeros_like(numerator), where=known))
    size = np.where(known, denominator, 0.0)
    root = np.sqrt(size)
    sums = _Sums.of(known, size, bent, numerator)
    place = np.arange(length)

    low = np.full((units, length), np.nan)
    high = np.full((units, length), np.nan)
    verdict = np.full((units, length), None, dtype=np.object_)
    weeks = np.zeros((units, length), np.int64)
    phase = Phase.empty((units, length))
    start, slope = np.zeros(units, np.int64), np.zeros(units)
    before = np.full(units, np.nan)
    for week in range(length):
        past = sums.between(start, week)
        weeks[:, week] = past.count
        verdict[known[:, week], week] = TOO_FEW_WEEKS
        judged = known[:, week] & (past.count >= FEWEST_WEEKS)
        if judged.any():
            past, tilt = past[judged], slope[judged]
            inside = known[judged, :week] & (place[:week] >= start[judged, None])
            fitted = past.centre[:, None] + tilt[:, None] * (place[:week] - past.middle[:, None])
            residual = root[judged, :week] * (bent[judged, :week] - fitted)
            freedom = past.count - 1 - (tilt != 0)
            sigma = np.maximum(_sigma(residual, inside, freedom), past.unit)
            leverage = np.where(tilt != 0, (week - past.middle) ** 2 / past.span, 0.0)
            spread = np.sqrt(1 / size[judged, week] + 1 / past.whole + leverage)
            expected = past.line(tilt, week)
            half = _quantile(freedom + 1) * sigma * spread
            low[judged, week] = _unbend(expected - half)
            high[judged, week] = _unbend(expected + half)
            beyond = bent[judged, week] - expected
            outside = np.where(beyond < 0, BELOW, ABOVE)
            verdict[judged, week] = np.where(np.abs(beyond) <= half, WITHIN, outside)
        begun, rate, slope = _next_phase(sums, known, start, slope, week)
        before = np.where(begun > start, rate, before)
        start = begun
        here = sums.between(start, week + 1)
        phase.start[:, week] = start
        long = here.count >= FEWEST_WEEKS
        kinds = np.where(slope > 0, CLIMBING, np.where(slope < 0, FALLING, LEVEL))
        phase.kind[long, week] = kinds[long]
        phase.before[:, week] = before
        phase.first[:, week] = phase.last[:, week] = here.rate
        if (steep := slope != 0).any():
            climb, tilt = here[steep], slope[steep]
            phase.first[steep, week] = _unbend(climb.line(tilt, start[steep]))
            phase.last[steep, week] = _unbend(climb.line(tilt, week))
    return UsualRange(low, high, weeks, verdict, phase)


@dataclass(frozen=True)
class _Stretch:
    """Weeks in a row of each unit: sums of their weights w, places x, bent rates y and numerators."""

    sums: FloatArray
    """n, Σw, Σwx, Σwx², Σwy, Σwxy, Σwy² and Σ numerators × unit (× stretches of it)."""

    def __getitem__(self, units: NDArray[np.bool_]) -> "_Stretch":
        return _Stretch(self.sums[:, units])

    def _sum(self, which: int) -> FloatArray:
        found: FloatArray = self.sums[which]
        return found

    @property
    def count(self) -> FloatArray:
        """Weeks with a value."""
        return self._sum(0)

    @property
    def whole(self) -> FloatArray:
        """Σw."""
        return np.maximum(self._sum(1), 1e-9)

    @property
    def middle(self) -> FloatArray:
        """Mean place."""
        return self._sum(2) / self.whole

    @property
    def span(self) -> FloatArray:
        """Σ w (x − middle)²."""
        return np.maximum(self._sum(3) - self._sum(2) * self.middle, 1e-9)

    @property
    def centre(self) -> FloatArray:
        """Mean of y."""
        return self._sum(4) / self.whole

    @property
    def slope(self) -> FloatArray:
        """Of the line of least squares, a week."""
        return (self._sum(5) - self._sum(2) * self.centre) / self.span

    def line(self, slope: FloatArray, place: FloatArray | IntArray | int) -> FloatArray:
        """What a line of this slope through the middle has in a place."""
        return self.centre + slope * (place - self.middle)

    @property
    def squares(self) -> FloatArray:
        """What their mean leaves: Σ w (y − centre)²."""
        return np.maximum(self._sum(6) - self._sum(4) * self.centre, 0.0)

    @property
    def squares_of_line(self) -> FloatArray:
        """What their line leaves."""
        return np.maximum(self.squares - self.slope**2 * self.span, 0.0)

    @property
    def rate(self) -> FloatArray:
        """Sum over sum; NaN of no week."""
        return np.where(self.count > 0, self._sum(7) / self.whole, np.nan)

    @property
    def unit(self) -> FloatArray:
        """Half the way from one unit less to one unit more in an average week, times its root."""
        average = self.whole / np.maximum(self.count, 1)
        rate = np.nan_to_num(self.rate)
        step = (_bend(rate + 1 / average) - _bend(rate - 1 / average)) / 2
        return np.asarray(step * np.sqrt(average), np.float64)


@dataclass(frozen=True)
class _Sums:
    """Of all weeks before each place: sums × unit × (week + 1)."""

    before: FloatArray

    @classmethod
    def of(
        cls, known: NDArray[np.bool_], size: FloatArray, bent: FloatArray, numerator: FloatArray
    ) -> Self:
        """From weights and bent rates."""
        x = np.arange(known.shape[1], dtype=np.float64)
        each = [np.ones_like(size), size, size * x, size * x**2]
        each += [size * bent, size * x * bent, size * bent**2, numerator]
        sums = np.cumsum(np.where(known, each, 0.0), axis=2)
        return cls(np.concatenate([np.zeros((*sums.shape[:2], 1)), sums], axis=2))

    def between(self, start: IntArray, end: int) -> _Stretch:
        """The weeks from each unit's own first to one of all, which is not included."""
        return _Stretch(self.before[:, :, end] - self.at(start))

    def at(self, start: IntArray) -> FloatArray:
        """Of all weeks before each unit's own."""
        return self.before[:, np.arange(len(start)), start]


def _next_phase(
    sums: _Sums, known: NDArray[np.bool_], start: IntArray, slope: FloatArray, week: int
) -> tuple[IntArray, FloatArray, FloatArray]:
    """The first week of each unit's phase after a week, the rate of one that it ends, and its slope.

    `start` and `slope` are those after the week before.

    A phase ends where two levels of at least `FEWEST_WEEKS` weeks each, parted at the place that
    leaves least, differ by more than luck (Student's t with the spread within both), unless one
    line explains the weeks about as well. Such a line is a trend where it still goes on; the slope
    of all others is 0.
    """
    splits = np.arange(_FEWEST_ASIDE, week + 2 - _FEWEST_ASIDE)
    if not splits.size or not len(start):
        return start, np.full(len(start), np.nan), np.zeros(len(start))
    parted = sums.before[:, :, splits]
    early = _Stretch(parted - sums.at(start)[:, :, None])
    late = _Stretch(sums.before[:, :, week + 1, None] - parted)
    weeks = np.minimum(early.count, late.count)
    possible = known[:, splits] & (splits > start[:, None]) & (weeks >= _FEWEST_ASIDE)
    left = np.where(possible, early.squares + late.squares, np.inf)
    best = np.argmin(left, axis=1)
    units = np.arange(len(start))
    early, late = (_Stretch(each.sums[:, units, best]) for each in (early, late))
    left = left[units, best]
    phase = sums.between(start, week + 1)
    straight = _steep(phase) & (phase.squares_of_line <= _SIMPLER * left)
    apart = (late.centre - early.centre) / np.sqrt(1 / early.whole + 1 / late.whole)
    long = np.isfinite(left) & (weeks[units, best] >= FEWEST_WEEKS)
    ends = long & _beyond_luck(apart, left, phase) & ~straight
    later = sums.between((start + week + 1) // 2, week + 1)
    least = np.where(slope * phase.slope > 0, _LASTS, _BEGINS)
    goes_on = later.slope * np.sign(phase.slope) >= least * np.abs(phase.slope)
    slope = np.where(straight & goes_on, phase.slope, 0.0)
    return np.where(ends, splits[best], start), early.rate, slope


def _steep(phase: _Stretch) -> NDArray[np.bool_]:
    """Whether the interval of the slope does not hold 0."""
    long = phase.count >= FEWEST_WEEKS
    return long & _beyond_luck(phase.slope * np.sqrt(phase.span), phase.squares_of_line, phase)


def _beyond_luck(effect: FloatArray, left: FloatArray, phase: _Stretch) -> NDArray[np.bool_]:
    """Whether a mean or slope, in its standard errors times sigma, is outside Student's interval.

    Args:
        effect: One per unit.
        left: The squares that a model of two parameters leaves, of which sigma is made.
        phase: What it was fitted to.
    """
    freedom = np.maximum(phase.count - 2, 1)
    limit = np.abs(effect) / special.stdtrit(freedom, 1 - FALSE_ALARMS_PHASE / 2)
    found: NDArray[np.bool_] = limit > np.sqrt(left / freedom)
    found[found] = limit[found] > phase[found].unit
    return found


def _bend(share: FloatArray) -> FloatArray:
    return np.asarray(special.betainc(_BEND, _BEND, np.clip(share, 0, 1)), np.float64)


def _unbend(bent: FloatArray) -> FloatArray:
    return np.asarray(special.betaincinv(_BEND, _BEND, np.clip(bent, 0, 1)), np.float64)


def _sigma(residual: FloatArray, known: NDArray[np.bool_], freedom: FloatArray) -> FloatArray:
    """The larger of mean moving range ÷ 1.128 and standard deviation, over the weeks with a value."""
    residual = np.where(known, residual, 0.0)
    latest = np.maximum.accumulate(np.where(known, np.arange(known.shape[1]), -1), axis=1)
    before = np.concatenate([np.full((len(known), 1), -1), latest[:, :-1]], axis=1)
    pairs = known & (before >= 0)
    ranges = np.abs(residual - np.take_along_axis(residual, np.maximum(before, 0), axis=1))
    moving = np.sum(ranges * pairs, axis=1) / np.sum(pairs, axis=1)
    deviation = np.sqrt(np.sum(residual**2, axis=1) / freedom)
    return np.asarray(np.maximum(moving / _D2, deviation), np.float64)


def _quantile(weeks: FloatArray) -> FloatArray:
    """How many sigmas of a mean moving range hold all but 0.27 % of what comes next.

    Where the standard deviation is the sigma, or the larger of two, they hold a little more.

    Student's quantile with 0.68 (m − 1) + 1 degrees of freedom: fitted to two million simulated
    normal histories, right to 2 % from 8 to 40 weeks. (Wheeler's 0.62 (m − 1), Advanced Topics in
    SPC, 1995, are those of the spread of the mean moving range; limits with them are too wide, by
    half of the alarms at 8 weeks.)
    """
    freedom = 0.68 * (weeks - 1) + 1
    return np.asarray(special.stdtrit(freedom, 1 - FALSE_ALARMS_USUAL / 2), np.float64)
