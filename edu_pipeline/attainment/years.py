"""Cohorts beside each other: which is the one before, and how this one stands beside it at the same point.

Pure.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from edu_pipeline.attainment.outcomes import (
    COHORT,
    ENTRY,
    GOOD,
    STRONG,
    STUDENT,
    SUBJECT,
    as_table,
    english_and_maths,
    up_to_final,
)
from edu_pipeline.attainment.performance import attainment_measures, of_whole_files
from edu_pipeline.chance.noise import difference_of_means, difference_of_shares
from edu_pipeline.model.attainment import ALL, AttainmentYears
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.grades import KS4, STAGES
from edu_pipeline.model.subjects import subject_key
from edu_pipeline.settings.attainment import Attainment

_YEARS = re.compile(r"(?<!\d)(20\d\d)(?:\s?[-/–_]\s?(?:20)?(\d\d)(?!\d))?(?!\d)")
"""`2026`, or a school year such as `2025-26`, which is left in its second part."""
_MOST = 0.5
"""A series that more of a cohort's entries than this have is one that it has sat."""
SHARES = {"share_4": GOOD, "share_5": STRONG}


@dataclass(frozen=True)
class Year:
    """A cohort as it is held beside others."""

    name: str
    attainment: Attainment
    """Its own settings."""
    results: pl.DataFrame
    """`Results` of exams and the baseline."""
    students: pl.DataFrame
    """`CohortStudents`."""
    waits: bool = False
    """Whether something of it waits, so that no measure over subjects is known."""

    @property
    def sat(self) -> pl.DataFrame:
        """Results with points in the series up to the final, with `key`, what a subject is in any year."""
        keys = {name: subject_key(name) for name in self.results[SUBJECT].unique()}
        return self.results.filter(
            pl.col("points").is_not_null(), pl.col("series").is_in(up_to_final(self.attainment))
        ).with_columns(key=pl.col(SUBJECT).replace_strict(keys, return_dtype=pl.String))


def leaving_year(cohort: str) -> int | None:
    """The year in which a cohort sits its final, as its name says; None where it says none, or several."""
    found = set()
    for first, second in _YEARS.findall(cohort):
        following = second and int(second) == (int(first) + 1) % 100
        found.add(int(first) + 1 if following else int(first))
    return found.pop() if len(found) == 1 else None


def earlier(year: Year, years: Sequence[Year]) -> list[Year]:
    """The cohorts of the years before, without a gap, the last one first.

    Of the same stage: not those of 16 to 18 beside those of GCSEs. Where a year has two cohorts it cannot be
    said which of them is meant, and there is none.
    """
    own = leaving_year(year.name)
    if own is None:
        return []
    of_year: dict[int, list[Year]] = {}
    for other in years:
        left = leaving_year(other.name)
        if left is not None and _of_ks4(other) == _of_ks4(year):
            of_year.setdefault(left, []).append(other)
    if len(of_year[own]) > 1:
        return []
    found: list[Year] = []
    while len(before := of_year.get(own - 1 - len(found), [])) == 1:
        found += before
    return found


def _of_ks4(year: Year) -> bool:
    return not year.results.filter(pl.col("scale").is_in(STAGES[KS4])).is_empty()


def attainment_years(years: Sequence[Year]) -> pl.DataFrame:
    """Each cohort beside the one before, at the newest point that both have sat.

    By subject the newest series that both have grades in, by name; over subjects the newest that most entries
    of both have.

    Returns:
        `AttainmentYears`.
    """
    rows = [
        {COHORT: year.name, "last_cohort": before[0].name, **row}
        for year in years
        for before in [earlier(year, years)]
        if before
        for row in [*_by_subject(year, before[0]), *_over_subjects(year, before[0])]
    ]
    return as_table(AttainmentYears, pl.DataFrame(rows, schema=dtypes(AttainmentYears)))


def _by_subject(year: Year, before: Year) -> Iterator[Mapping[str, Any]]:
    keys = ["key", "scale", "series"]
    whole, points = pl.col("whole"), pl.col("points")

    def of(each: Year) -> pl.DataFrame:
        return each.sat.group_by(keys).agg(
            names=pl.col(SUBJECT).n_unique(),
            subject=pl.col(SUBJECT).first(),
            n=pl.len(),
            mean=points.mean(),
            variance=points.var(),
            **{name: (whole >= least).sum() for name, least in SHARES.items()},
        )

    order = pl.Enum(list(up_to_final(year.attainment)))
    both = (
        of(year)
        .join(of(before), on=keys, suffix="_last")
        .filter(pl.col("names") == 1, pl.col("names_last") == 1)
        .sort(pl.col("series").cast(order))
        .group_by("key", "scale", maintain_order=True)
        .last()
        .sort(SUBJECT)
    )
    for row in both.iter_rows(named=True):
        of_both = {name: row[name] for name in (SUBJECT, "series")}
        these, those = (_numbers(row, end) for end in ("", "_last"))
        yield {**of_both, "measure": "mean", **_means(these, those)}
        if row["scale"] in STAGES[KS4]:
            for name in SHARES:
                yield {
                    **of_both,
                    "measure": name,
                    **_shares((row[name], row["n"]), (row[f"{name}_last"], row["n_last"])),
                }


def _numbers(row: Mapping[str, Any], end: str) -> tuple[float, float | None, int]:
    return row[f"mean{end}"], row[f"variance{end}"], row[f"n{end}"]


def _means(
    these: tuple[float | None, float | None, int], those: tuple[float | None, float | None, int]
) -> Mapping[str, Any]:
    """Means with their variance and number, beside each other."""
    (mean, variance, n), (last, last_variance, last_n) = these, those
    if mean is None or last is None:
        return _beside(mean, last, n, last_n, None)
    low, high = difference_of_means(
        (mean, np.nan if variance is None else variance, n),
        (last, np.nan if last_variance is None else last_variance, last_n),
    )
    return _beside(mean, last, n, last_n, (low, high))


def _shares(these: tuple[int, int], those: tuple[int, int]) -> Mapping[str, Any]:
    """Shares, of how many reached of how many, beside each other."""
    (reached, n), (last, last_n) = these, those
    if not n or not last_n:
        return _beside(None, None, n, last_n, None)
    return _beside(reached / n, last / last_n, n, last_n, difference_of_shares(these, those))


def _beside(
    value: float | None,
    last: float | None,
    n: int,
    last_n: int,
    interval: tuple[float, float] | None,
) -> Mapping[str, Any]:
    low, high = interval or (None, None)
    return {
        "n": n,
        "last_n": last_n,
        "value": value,
        "last_value": last,
        "difference": None if value is None or last is None else value - last,
        "low": None if low is None or np.isnan(low) else low,
        "high": None if high is None or np.isnan(high) else high,
    }


def _over_subjects(year: Year, before: Year) -> Iterator[Mapping[str, Any]]:
    """The headline measures in the newest series that both have sat; none while something waits."""
    sat = [_mostly_sat(each) for each in (year, before)]
    common = [name for name in up_to_final(year.attainment) if name in sat[0] and name in sat[1]]
    if not common or not _of_ks4(year) or year.waits or before.waits:
        return
    series = common[-1]
    of_both = {SUBJECT: ALL, "series": series}
    outcomes = [_outcomes_in(series, each) for each in (year, before)]
    cores = [
        english_and_maths(rows, each.students, each.attainment).drop_nulls()
        for rows, each in zip(outcomes, (year, before), strict=True)
    ]
    for name, least in (("both_4", GOOD), ("both_5", STRONG)):
        reached = [
            core.filter(pl.min_horizontal("english", "maths") >= least).height for core in cores
        ]
        these, those = zip(reached, [core.height for core in cores], strict=True)
        yield {**of_both, "measure": name, **_shares(these, those)}
    measures = [
        of_whole_files(attainment_measures(rows, each.students, each.attainment)).drop_nulls(
            "attainment_8"
        )
        for rows, each in zip(outcomes, (year, before), strict=True)
    ]
    if any(rows.is_empty() for rows in measures):
        return
    for name in ("attainment_8", "ebacc_points"):
        these_, those_ = (_moments(rows[name]) for rows in measures)
        yield {**of_both, "measure": name, **_means(these_, those_)}
    entered = [(int(rows["ebacc_entered"].sum()), rows.height) for rows in measures]
    yield {**of_both, "measure": "ebacc_entered", **_shares(entered[0], entered[1])}


def _moments(values: pl.Series) -> tuple[float | None, float | None, int]:
    mean, variance = values.mean(), values.var()
    return (
        mean if isinstance(mean, float) else None,
        variance if isinstance(variance, float) else None,
        values.len(),
    )


def _mostly_sat(year: Year) -> Collection[str]:
    """Series that most of the cohort's entries have grades in."""
    sat = year.sat
    entries = sat.select(ENTRY).n_unique()
    counts = sat.group_by("series").agg(n=pl.struct(STUDENT, SUBJECT).n_unique())
    return set(counts.filter(pl.col("n") > _MOST * entries)["series"])


def _outcomes_in(series: str, year: Year) -> pl.DataFrame:
    """Results in one series, in the columns of `attainment_outcomes` that measures are made of."""
    return year.sat.filter(pl.col("series") == series).select(
        *ENTRY, "scale", "whole", result="points", provisional=pl.lit(value=False)
    )
