"""What a cohort may get that has not sat its final: by what became of earlier cohorts' mocks.

A distribution and never one number. It assumes that this year's mock is as hard, and as kindly marked, as
the earlier ones; where there are two earlier cohorts or more, how far the conversion moved between them is
part of the intervals. Pure, and the same each time.

The conversion of a subject is a table of probabilities, from each whole grade of the mock to each of the
final. It is made of three things. What all subjects of the scale show together for that grade; moved by as
much as the subject differs from them (a subject of few is drawn towards the others, as in `noise.shrunk`);
and the subject's own students, who count the more the more they are: rows are Dirichlet, with that as prior,
whose weight is the one under which the earlier results are likeliest (empirical Bayes). A prediction draws
conversions from this posterior, and then each student's final.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl
from scipy import special

from edu_pipeline.attainment.outcomes import COHORT, STUDENT, SUBJECT, as_table
from edu_pipeline.attainment.years import Year, earlier
from edu_pipeline.chance.noise import FloatArray, IntArray
from edu_pipeline.model.attainment import AttainmentForecast, ForecastGrades
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.grades import KS4, SCALES

THRESHOLDS = (4, 5, 7)
GRADES = 10
"""Whole grades, 0 to 9."""
DRAWS = 1000
FEWEST = 20
"""Earlier entries on a scale, in all subjects, under which there is no forecast."""
_SMOOTH = 5.0
"""How many students the common shape counts in a row of all subjects."""
_FLOOR = 0.05
"""Of the common shape: students at every distance from the mock, so that no final is impossible."""
_WEIGHTS = np.array([2.0, 4, 8, 16, 32, 64, 128, 256])
"""Of the prior of a row, in students; one of them is the likeliest."""
_LEAST = 1e-6
"""Instead of a probability that is 0, of which no logarithm is there."""
_FEWEST_TO_MOVE = 5
"""Students with both grades from which on a subject's year tells how the conversion moves."""


@dataclass(frozen=True)
class Conversion:
    """What is known of a scale's conversions."""

    counts: IntArray
    """Subject, grade of the mock, grade of the final: students of earlier cohorts."""
    common: FloatArray
    """Grade of the mock, grade of the final: all subjects, as weights of a Dirichlet distribution."""
    shift: FloatArray
    """Of each subject: how far its finals lie above those of all, drawn towards them, in grades."""
    unsure: FloatArray
    """Standard deviation of that."""
    moves: float
    """Standard deviation of this year's shift of a subject from what is known of earlier ones."""
    weight: float
    """Of the prior of a row, in students."""


def conversion(counts: Sequence[IntArray]) -> Conversion:
    """What earlier cohorts tell.

    Args:
        counts: Of each cohort: subject, grade of the mock, grade of the final.
    """
    each = np.stack([np.asarray(one, np.float64) for one in counts])
    whole = each.sum(0)
    common = _common(whole)
    shape = common / common.sum(-1, keepdims=True)
    grades = np.arange(GRADES)
    expected = shape @ grades
    away = grades[None, :] - expected[:, None]
    n = whole.sum((1, 2))
    total, squares = (whole * away).sum((1, 2)), (whole * away**2).sum((1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n > 0, total / n, 0.0)
    within = (squares - n * mean**2).sum() / max(n.sum() - (n > 0).sum(), 1)
    # the years that the counts are of had shifts of their own
    moves = _moves(each, away, within) * np.sqrt(1 + 1 / len(each))
    between = _between(mean, n, within)
    with np.errstate(divide="ignore"):
        luck = np.where(n > 0, within / n, np.inf)
        trust = np.where(between > 0, between / (between + luck), 0.0)
        unsure = np.sqrt(between * (1 - trust))
    shift = trust * mean
    weight = _weight(whole, moved(np.broadcast_to(shape, (len(n), GRADES, GRADES)), shift))
    return Conversion(np.asarray(whole, np.int64), common, shift, unsure, moves, weight)


def _common(whole: FloatArray) -> FloatArray:
    """All subjects' rows, each with a little of the shape that all rows have in common."""
    rows = whole.sum(0)
    by_distance = np.full(2 * GRADES - 1, _FLOOR)
    place = np.arange(GRADES)[None, :] - np.arange(GRADES)[:, None] + GRADES - 1
    np.add.at(by_distance, place.ravel(), rows.ravel())
    shape = by_distance[place]
    return np.asarray(rows + _SMOOTH * shape / shape.sum(-1, keepdims=True))


def _between(mean: FloatArray, n: FloatArray, within: float) -> float:
    """Variance between subjects beyond luck (analysis of variance for unequal sizes, none below 0)."""
    there = n > 0
    mean, n = mean[there], n[there]
    if len(n) < 2 or n.sum() <= (n**2).sum() / n.sum():  # noqa: PLR2004
        return 0.0
    around = (n * (mean - (n * mean).sum() / n.sum()) ** 2).sum()
    return float(max((around - (len(n) - 1) * within) / (n.sum() - (n**2).sum() / n.sum()), 0.0))


def _moves(each: FloatArray, away: FloatArray, within: float) -> float:
    """How far a subject's finals shift from a year to the next beyond luck; 0 with one earlier cohort."""
    n = each.sum((2, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (each * away).sum((2, 3)) / n
    squares, freedom = 0.0, 0
    for subject in range(each.shape[1]):
        years = n[:, subject] >= _FEWEST_TO_MOVE
        if years.sum() > 1:
            of = mean[years, subject]
            luck = within * (1 / n[years, subject]).mean()
            squares += float(((of - of.mean()) ** 2).sum()) - (len(of) - 1) * luck
            freedom += len(of) - 1
    return float(np.sqrt(max(squares / freedom, 0.0))) if freedom else 0.0


def _weight(whole: FloatArray, prior: FloatArray) -> float:
    """The prior's weight under which the rows are likeliest (Dirichlet-multinomial)."""
    n = whole.sum(-1)

    def likelihood(weight: float) -> float:
        prior_counts = weight * np.maximum(prior, _LEAST)
        rows = special.gammaln(weight) - special.gammaln(weight + n)
        cells = special.gammaln(prior_counts + whole) - special.gammaln(prior_counts)
        return float(rows.sum() + cells.sum())

    return float(max(_WEIGHTS, key=likelihood))


def moved(rows: FloatArray, by: FloatArray) -> FloatArray:
    """Distributions over grades, each moved up by a real number of grades; nobody leaves the scale.

    Of a part of a grade that part of the students moves, so that the mean moves by as much.

    Args:
        rows: In its last dimension a distribution over grades.
        by: One number for each of the first dimension.
    """
    down = np.floor(by).astype(np.int64)
    rest = by - down
    found = np.zeros_like(rows)
    for steps in np.unique(down):
        of = down == steps
        share = rest[of].reshape(-1, *([1] * (rows.ndim - 1)))
        found[of] = (1 - share) * _steps(rows[of], int(steps)) + share * _steps(
            rows[of], int(steps) + 1
        )
    return found


def _steps(rows: FloatArray, steps: int) -> FloatArray:
    target = np.clip(np.arange(GRADES) + steps, 0, GRADES - 1)
    found = np.zeros_like(rows)
    for grade, to in enumerate(target):
        found[..., to] += rows[..., grade]
    return found


def all_subjects(known: Conversion) -> FloatArray:
    """The conversion of all subjects as it may be: draw, grade of the mock, grade of the final."""
    draw = np.random.default_rng(0)
    return _dirichlet(draw, np.broadcast_to(known.common, (DRAWS, GRADES, GRADES)))


def drawn(
    known: Conversion, of_all: FloatArray, subject: int, grades: IntArray, seed: int
) -> FloatArray:
    """The conversion of a subject as it may be this year.

    Args:
        known: Of its scale.
        of_all: `all_subjects` of it.
        subject: Its place.
        grades: Of the mock, that anybody has.
        seed: Of its draws.

    Returns:
        Draw, one of these grades, grade of the final.
    """
    draw = np.random.default_rng(seed)
    by = known.shift[subject] + known.unsure[subject] * draw.standard_normal(DRAWS)
    prior = moved(of_all[:, grades], by)
    rows = _dirichlet(draw, known.weight * prior + known.counts[subject, grades])
    return moved(rows, known.moves * draw.standard_normal(DRAWS))


def _dirichlet(draw: np.random.Generator, weights: FloatArray) -> FloatArray:
    parts = draw.standard_gamma(np.maximum(weights, _LEAST))
    total = parts.sum(-1, keepdims=True)
    return np.asarray(parts / np.where(total > 0, total, 1.0))


def predicted(rows: FloatArray, mocks: IntArray, threshold: int, seed: int) -> IntArray:
    """How many reach a grade, in each draw: of so many students with each grade of the mock."""
    draw = np.random.default_rng(seed + threshold)
    reach = np.clip(rows[..., threshold:].sum(-1), 0, 1)
    return np.asarray(draw.binomial(mocks[None, :], reach).sum(-1), np.int64)


def interval(reached: IntArray, probability: float) -> tuple[int, int]:
    """Ends between which a number lies in so many of the draws, as many below as above."""
    places = (len(reached) - 1) * np.array([1 - probability, 1 + probability]) / 2
    ordered = np.sort(reached)
    return int(ordered[int(np.floor(places[0]))]), int(ordered[int(np.ceil(places[1]))])


def forecasts(years: Sequence[Year]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What every cohort may get in the subjects whose final nobody of it has sat.

    By the newest mock that earlier cohorts have sat too, of whom all count that lie without a gap before this
    one.

    Returns:
        `AttainmentForecast` and `ForecastGrades`.
    """
    counts: list[Mapping[str, Any]] = []
    grades: list[Mapping[str, Any]] = []
    for year in years:
        before = earlier(year, years)
        for scale in sorted(SCALES) if before else ():
            for mock, subjects in _waiting(year, before, scale).items():
                _of_mock(year, before, scale, mock, subjects, counts, grades)
    return (
        as_table(AttainmentForecast, pl.DataFrame(counts, schema=dtypes(AttainmentForecast))),
        as_table(ForecastGrades, pl.DataFrame(grades, schema=dtypes(ForecastGrades))),
    )


def _waiting(year: Year, before: Sequence[Year], scale: str) -> Mapping[str, list[str]]:
    """Mock → keys of the subjects that are forecast by it."""
    sat = year.sat.filter(pl.col("scale") == scale)
    final = (pl.col("series") == year.attainment.final).any().over("key")
    enough = {
        mock
        for mock in sat["series"].unique()
        if sum(_pairs(each, mock, scale).height for each in before) >= FEWEST
    }
    found: dict[str, list[str]] = {}
    waiting = sat.filter(~final, pl.col("series").is_in(enough))
    # two subjects of one key cannot be told apart in another year
    one = waiting.filter(pl.col(SUBJECT).n_unique().over("key") == 1)
    for key, mocks in one.group_by("key").agg(pl.col("series").unique()).sort("key").iter_rows():
        found.setdefault(max(mocks, key=year.attainment.series.index), []).append(key)
    return found


def _pairs(year: Year, mock: str, scale: str) -> pl.DataFrame:
    """`key`, `grade` and `final_grade` of every entry with both."""
    sat = year.sat.filter(pl.col("scale") == scale)
    entry = [STUDENT, "key"]
    final = sat.filter(pl.col("series") == year.attainment.final)
    return (
        sat.filter(pl.col("series") == mock, pl.col("series") != year.attainment.final)
        .select(*entry, grade="whole")
        .join(final.select(*entry, final_grade="whole"), on=entry)
        .drop(STUDENT)
    )


def _of_mock(
    year: Year,
    before: Sequence[Year],
    scale: str,
    mock: str,
    subjects: Sequence[str],
    counts: list[Mapping[str, Any]],
    grades: list[Mapping[str, Any]],
) -> None:
    of_years = {each.name: _pairs(each, mock, scale) for each in before}
    of_years = {name: pairs for name, pairs in of_years.items() if pairs.height}
    keys = sorted({*subjects, *(key for pairs in of_years.values() for key in pairs["key"])})
    known = conversion([_counted(pairs, keys) for pairs in of_years.values()])
    of_all = all_subjects(known)
    sat = year.sat.filter(pl.col("scale") == scale, pl.col("series") == mock)
    for key in subjects:
        rows = sat.filter(pl.col("key") == key)
        at, seed = keys.index(key), crc32(f"{year.name} {key}".encode())
        of_mock, mocks = np.unique(rows["whole"].to_numpy(), return_counts=True)
        may_be = drawn(known, of_all, at, of_mock, seed)
        common = {COHORT: year.name, SUBJECT: rows[SUBJECT][0], "series": mock}
        for threshold in THRESHOLDS if SCALES[scale].stage == KS4 else ():
            reached = predicted(may_be, mocks, threshold, seed)
            counts.append(
                {
                    **common,
                    "threshold": threshold,
                    "n": rows.height,
                    "share": float(reached.mean()) / rows.height,
                    **{
                        f"{end}{level}": value
                        for level in (80, 95)
                        for end, value in zip(
                            ("low", "high"), interval(reached, level / 100), strict=True
                        )
                    },
                    "from_cohorts": ", ".join(of_years),
                    "from_n": int(known.counts[at].sum()),
                    "moves": float(known.moves) if len(of_years) > 1 else None,
                }
            )
        mean = may_be.mean(0)
        grades += [
            {
                **common,
                "grade": int(grade),
                "final_grade": final,
                "n": int(known.counts[at, grade, final]),
                "row_n": int(known.counts[at, grade].sum()),
                "share": float(mean[place, final]),
            }
            for place, grade in enumerate(of_mock)
            for final in range(GRADES)
        ]


def _counted(pairs: pl.DataFrame, keys: Sequence[str]) -> IntArray:
    found = np.zeros((len(keys), GRADES, GRADES), np.int64)
    places = [
        pairs["key"].replace_strict(dict(zip(keys, range(len(keys)), strict=True))).to_numpy(),
        pairs["grade"].to_numpy(),
        pairs["final_grade"].to_numpy(),
    ]
    np.add.at(found, tuple(places), 1)
    return found
