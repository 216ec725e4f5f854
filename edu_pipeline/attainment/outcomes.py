"""What became of every student's baseline in every subject, and what is said of it.

Pure: frames in, frames and sentences out.
"""

from collections.abc import Mapping, Sequence

import dataframely as dy
import polars as pl

from edu_pipeline.ground.wording import NBSP
from edu_pipeline.model.attainment import AttainmentDisagreements, AttainmentOutcomes
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.subjects import subject_key
from edu_pipeline.settings.attainment import Attainment, series_column

COHORT, STUDENT, SUBJECT = "cohort", "student_id", "subject"
ENTRY = (COHORT, STUDENT, SUBJECT)
BELOW, MET, EXCEEDED, NO_BASELINE, NO_RESULT = (
    "below",
    "met",
    "exceeded",
    "no baseline",
    "no result",
)
GOOD, STRONG = 4, 5
"""Whole grades of the headline measures."""
AND = " and "
_EXACT = 6
"""Decimals to which differences are meant; what is behind them is the error of the arithmetic."""
_AS_STATED = 0.05 + 1e-9
"""Differences are stated to a tenth of a grade at the coarsest."""


def series_columns(attainment: Attainment) -> Mapping[str, str]:
    """Series → its column in `attainment_outcomes`.

    A series whose name would be that of another column there gets `_series` behind it.
    """
    taken = set(AttainmentOutcomes.column_names())
    own = {attainment.baseline: "baseline", attainment.final: "final"}
    found = {}
    for name in attainment.series:
        column = series_column(name)
        found[name] = f"{column}_series" if column in taken - {own.get(name)} else column
    return found


def up_to_final(attainment: Attainment) -> tuple[str, ...]:
    """The series that may stand against the baseline, oldest first: the final is the last."""
    sat = attainment.sat
    return sat[: sat.index(attainment.final) + 1]


def attainment_outcomes(results: pl.DataFrame, attainment: Attainment) -> pl.DataFrame:
    """Every entry of every student: its series, and what became of the baseline.

    The result is that of the final series. While nobody of the cohort has one in the subject, it is
    that of the newest series before it that anybody sat in the subject, and the outcome provisional.

    Args:
        results: `Results`.
        attainment: The settings.

    Returns:
        `AttainmentOutcomes`, with one more column per series (`series_columns`).
    """
    columns = series_columns(attainment)
    points, series = pl.col("points"), pl.col("series")
    rows = (
        results.group_by(ENTRY)
        .agg(
            *(
                points.filter(series == name).first().alias(column)
                for name, column in columns.items()
            ),
            missed=series.filter("absent"),
            scale=pl.col("scale").first(),
        )
        .with_columns(
            baseline=pl.col(columns[attainment.baseline]), final=pl.col(columns[attainment.final])
        )
    )
    candidates = up_to_final(attainment)
    anybody = {name: pl.col(columns[name]).is_not_null().any() for name in candidates}
    compared = pl.coalesce(
        *(
            pl.when(anybody[name].over(COHORT, SUBJECT)).then(pl.lit(name))
            for name in reversed(candidates)
        )
    )
    sat = [pl.col(columns[name]) for name in attainment.sat]
    there = [pl.col(column).is_not_null() for column in columns.values()]
    complete = [each | ~each.any().over(COHORT, SUBJECT) for each in there]
    rows = rows.with_columns(compared=compared).with_columns(
        provisional=(pl.col("compared") != attainment.final).fill_null(value=False),
        result=_points_in(pl.col("compared"), columns),
        absent=pl.col("missed").list.contains(pl.col("compared")).fill_null(value=False),
        lowest=pl.min_horizontal(sat),
        highest=pl.max_horizontal(sat),
        complete_series=pl.all_horizontal(complete) & pl.any_horizontal(there),
    )
    rows = rows.with_columns(_held_against(pl.col("result"), pl.col("baseline"), attainment))
    rows = rows.join(whole_grades_of(results, "whole"), on=[*ENTRY, "compared"], how="left")
    rows = rows.with_columns(
        matched=pl.col("difference").is_not_null(), residual=_against_other_subjects()
    )
    extra = [column for column in columns.values() if column not in dtypes(AttainmentOutcomes)]
    types = dtypes(AttainmentOutcomes)
    return (
        rows.select(*ENTRY, *extra, *(name for name in types if name not in ENTRY))
        .cast(types)
        .sort(ENTRY)
    )


def commonest_scales(outcomes: pl.DataFrame) -> pl.DataFrame:
    """`cohort` and `scale`: of each cohort the one on which most of its entries are."""
    return outcomes.group_by(COHORT).agg(pl.col("scale").mode().sort().first())


def scale_by_subject(table: pl.DataFrame) -> Mapping[str, str]:
    """Subject → its scale, of one cohort's `attainment_outcomes` or `attainment_subjects`."""
    return dict(table.select(SUBJECT, "scale").unique(SUBJECT).sort(SUBJECT).iter_rows())


def whole_grades_of(results: pl.DataFrame, name: str) -> pl.DataFrame:
    """Whole grades by entry and `compared`, the series, under this name."""
    return results.select(*ENTRY, compared="series", **{name: pl.col("whole")})


def _points_in(series: pl.Expr, columns: Mapping[str, str]) -> pl.Expr:
    return pl.coalesce(
        *(pl.when(series == name).then(pl.col(column)) for name, column in columns.items())
    )


def _rounded(baseline: pl.Expr, attainment: Attainment) -> pl.Expr:
    """The baseline as compared; a half is rounded up."""
    match attainment.baseline_rounding:
        case "nearest":
            return (baseline + 0.5).floor()
        case "down":
            return baseline.floor()
        case _:
            return baseline


def _outcome(difference: pl.Expr, tolerance: float) -> pl.Expr:
    return (
        pl.when(difference < -tolerance)
        .then(pl.lit(BELOW))
        .when(difference > tolerance)
        .then(pl.lit(EXCEEDED))
        .when(difference.is_not_null())
        .then(pl.lit(MET))
    )


def _held_against(result: pl.Expr, baseline: pl.Expr, attainment: Attainment) -> Sequence[pl.Expr]:
    """`expected`, `difference` and `outcome` of a result beside a baseline."""
    expected = _rounded(baseline, attainment)
    difference = (result - expected).round(_EXACT)
    missing = pl.when(result.is_null()).then(pl.lit(NO_RESULT)).otherwise(pl.lit(NO_BASELINE))
    outcome = pl.coalesce(_outcome(difference, attainment.tolerance), missing)
    return [
        expected.alias("expected"),
        difference.alias("difference"),
        outcome.alias("outcome"),
    ]


def _against_other_subjects() -> pl.Expr:
    """A result less the mean of the same student's others: leaving itself out, and alike only."""
    result, alike = pl.col("result"), (COHORT, STUDENT, "compared")
    others = result.count().over(alike) - 1
    mean = (result.sum().over(alike) - result) / others
    return pl.when(others > 0).then(result - mean)


def comparison_sentence(compared: str | None, attainment: Attainment) -> str:
    """What is compared: `GCSE against baseline`, `MOCK 2 against baseline; GCSE not sat`."""
    if compared is None:
        return "No exam series was sat yet"
    against, final = f"{compared} against baseline", attainment.final
    if compared == final:
        return against
    several = final in compared.split(AND)
    return f"{against}; {final} not sat{' in every subject' if several else ''}"


def series_compared(rows: pl.DataFrame, attainment: Attainment) -> pl.DataFrame:
    """cohort, subject, `compared`: the series that stand against the baseline, newest first."""
    candidates = tuple(reversed(up_to_final(attainment)))
    named = [
        pl.when(pl.col(f"compared {n}")).then(pl.lit(name)) for n, name in enumerate(candidates)
    ]
    return (
        rows.group_by(COHORT, SUBJECT)
        .agg(
            (pl.col("compared") == name).any().alias(f"compared {n}")
            for n, name in enumerate(candidates)
        )
        .select(COHORT, SUBJECT, compared=pl.concat_str(named, separator=AND, ignore_nulls=True))
        .with_columns(pl.col("compared").replace("", None))
    )


def half_grade_share(outcomes: pl.DataFrame) -> float | None:
    """Share of baselines that are not whole grades; None without a baseline."""
    share = outcomes["baseline"].drop_nulls().ne(outcomes["baseline"].drop_nulls().floor()).mean()
    return share if isinstance(share, float) else None


def half_grade_sentence(outcomes: pl.DataFrame, attainment: Attainment) -> str | None:
    """What baselines between grades do to `met`; None where all are whole.

    Args:
        outcomes: Rows of `attainment_outcomes`: those drawn.
        attainment: The settings.
    """
    share = half_grade_share(outcomes)
    if not share:
        return None
    between = f"{_whole_percent(share)} of baselines are not whole grades"
    if attainment.baseline_rounding != "none":
        how = "down" if attainment.baseline_rounding == "down" else "to the nearest grade"
        return f"{between}; they are rounded {how} before comparing."
    if attainment.tolerance:
        return (
            f"{between}; a result within {attainment.tolerance:g} of its baseline counts as 'met'."
        )
    result = pl.col("result")
    if outcomes.filter(result != result.floor()).height:
        return f"{between}; only a result between grades can have 'met' one of these."
    return f"{between}; none of these can be 'met'."


def _whole_percent(share: float) -> str:
    """A share of some but not all is never said to be none or all."""
    percent = round(100 * share)
    return f"{percent if share == 1 else min(max(percent, 1), 99)}{NBSP}%"


def is_one_of(subjects: Sequence[str], outcomes: pl.DataFrame) -> pl.Expr:
    """Whether the subject of outcomes is one of these, in any spelling of it."""
    keys = {subject_key(subject) for subject in subjects}
    return pl.col(SUBJECT).is_in(
        [name for name in outcomes[SUBJECT].unique() if subject_key(name) in keys]
    )


def english_and_maths(
    outcomes: pl.DataFrame, students: pl.DataFrame, attainment: Attainment
) -> pl.DataFrame:
    """Students in the exports of results: their best `english` and `maths` in whole grades, empty for none."""
    best = outcomes.group_by(COHORT, STUDENT).agg(
        english=pl.col("whole").filter(is_one_of(attainment.english, outcomes)).max(),
        maths=pl.col("whole").filter(is_one_of(attainment.maths, outcomes)).max(),
    )
    return (
        students.filter("in_results")
        .select(COHORT, STUDENT)
        .join(best, on=[COHORT, STUDENT], how="left")
    )


def attainment_disagreements(outcomes: pl.DataFrame, stated: pl.DataFrame) -> pl.DataFrame:
    """Entries whose difference the export states otherwise, by more than a tenth's rounding.

    Args:
        outcomes: `attainment_outcomes`.
        stated: `StatedDifferences`.

    Returns:
        `AttainmentDisagreements`.
    """
    computed = pl.col("difference")
    rows = (
        stated.rename({"difference": "stated"})
        .join(outcomes, on=ENTRY, how="left")
        .filter(computed.is_null() | ((pl.col("stated") - computed).abs() > _AS_STATED))
        .with_columns(computed=computed)
    )
    return as_table(AttainmentDisagreements, rows)


def as_table(schema: type[dy.Schema], rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as the schema has them, in the order of its keys."""
    found = rows.select(schema.column_names()).cast(dtypes(schema))
    return found.sort(schema.primary_key())
