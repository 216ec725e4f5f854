"""Who is in which figure, who is left out and why; and who could be told without a name.

Pure: frames in, frames out.
"""

from collections.abc import Iterator

import polars as pl

from edu_pipeline.attainment.outcomes import (
    COHORT,
    ENTRY,
    NO_BASELINE,
    NO_RESULT,
    STUDENT,
    SUBJECT,
    as_table,
    english_and_maths,
    series_columns,
    up_to_final,
)
from edu_pipeline.model.attainment import (
    ALL,
    INCLUDED,
    AttainmentExclusions,
    AttainmentLeftOut,
    AttainmentUniqueness,
)
from edu_pipeline.settings.attainment import Attainment

ABSENT, NEITHER, BASELINE_ONLY, ONLY_SUBJECT = (
    "absent",
    "no baseline and no result",
    "no result in any exam series",
    "no other subject",
)
NO_ENGLISH, NO_MATHS, NO_ENGLISH_NO_MATHS = (
    "no result in English",
    "no result in maths",
    "no result in English nor in maths",
)


def exclusion_ledger(
    results: pl.DataFrame, students: pl.DataFrame, outcomes: pl.DataFrame, attainment: Attainment
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Who is not in which figure and why, and how many are in it.

    Args:
        results: `Results`.
        students: `CohortStudents`.
        outcomes: `attainment_outcomes`.
        attainment: The settings.

    Returns:
        `AttainmentLeftOut` and `AttainmentExclusions`.
    """
    told = pl.concat(
        [
            part.select(COHORT, "figure", "series", SUBJECT, STUDENT, "reason")
            for part in _told(results, students, outcomes, attainment)
        ]
    )
    counts = told.group_by(COHORT, "figure", "series", SUBJECT, "reason").agg(students=pl.len())
    left_out = told.filter(pl.col("reason") != INCLUDED)
    return as_table(AttainmentLeftOut, left_out), as_table(AttainmentExclusions, counts)


def _told(
    results: pl.DataFrame, students: pl.DataFrame, outcomes: pl.DataFrame, attainment: Attainment
) -> Iterator[pl.DataFrame]:
    """Each figure's candidates, with `reason`: included, or why not."""
    columns = series_columns(attainment)
    missed = results.filter("absent").select(*ENTRY, "series", missed=pl.lit(value=True))
    entered = pl.any_horizontal(pl.col(columns[name]).is_not_null() for name in attainment.sat) | (
        pl.col("sat")
    )
    sat = missed.group_by(ENTRY).agg(sat=pl.lit(value=True))
    rows = outcomes.join(sat, on=ENTRY, how="left").with_columns(
        pl.col("sat").fill_null(value=False)
    )
    rows = rows.with_columns(entered=entered)

    def reasons(*because: tuple[pl.Expr, str]) -> pl.Expr:
        return pl.coalesce(
            *(pl.when(condition).then(pl.lit(reason)) for condition, reason in because),
            pl.lit(INCLUDED),
        ).alias("reason")

    baseline_only = (~pl.col("entered"), BASELINE_ONLY)
    for name, column in columns.items():
        # a series that nobody of the subject has is not drawn
        drawn = rows.filter(pl.col(column).is_not_null().any().over(COHORT, SUBJECT)).join(
            missed.filter(pl.col("series") == name).drop("series"), on=ENTRY, how="left"
        )
        none = pl.col(column).is_null()
        what = NO_BASELINE if name == attainment.baseline else NO_RESULT
        yield drawn.with_columns(
            reasons(
                (pl.col("missed") & none, ABSENT),
                (~pl.col("entered") & none, BASELINE_ONLY),
                (none, what),
            ),
            figure=pl.lit("grades"),
            series=pl.lit(name),
        )
        if name in up_to_final(attainment)[:-1]:
            final = pl.col("final").is_null()
            yield drawn.filter(
                pl.col("final").is_not_null().any().over(COHORT, SUBJECT)
            ).with_columns(
                reasons(
                    baseline_only,
                    (none, f"no result in {name}"),
                    (final, f"no result in {attainment.final}"),
                ),
                figure=pl.lit("calibration"),
                series=pl.lit(name),
            )
    none, no_baseline = pl.col("result").is_null(), pl.col("baseline").is_null()
    series = pl.col("compared")
    compared = rows.filter(series.is_not_null())
    why_none = [(pl.col("absent") & none, ABSENT), baseline_only]
    yield compared.with_columns(
        reasons(
            *why_none, (none & no_baseline, NEITHER), (none, NO_RESULT), (no_baseline, NO_BASELINE)
        ),
        figure=pl.lit("progress"),
        series=series,
    )
    yield compared.with_columns(
        reasons(*why_none, (none, NO_RESULT), (pl.col("residual").is_null(), ONLY_SUBJECT)),
        figure=pl.lit("residual"),
        series=series,
    )
    no_english, no_maths = pl.col("english").is_null(), pl.col("maths").is_null()
    yield english_and_maths(outcomes, students, attainment).with_columns(
        reasons(
            (no_english & no_maths, NO_ENGLISH_NO_MATHS),
            (no_english, NO_ENGLISH),
            (no_maths, NO_MATHS),
        ),
        pl.lit(ALL).alias(SUBJECT),
        figure=pl.lit("headlines"),
        series=pl.lit(ALL),
    )


def attainment_uniqueness(results: pl.DataFrame, attainment: Attainment) -> pl.DataFrame:
    """How many students could be told by their set of subjects alone, without a name.

    Args:
        results: `Results`.
        attainment: The settings.

    Returns:
        `AttainmentUniqueness`.
    """
    students = pl.col("students")
    rows = (
        results.filter(pl.col("series") != attainment.baseline)
        .group_by(COHORT, STUDENT)
        .agg(subjects=pl.col(SUBJECT).unique().sort())
        .group_by(COHORT, "subjects")
        .agg(students=pl.len())
        .group_by(COHORT)
        .agg(
            students.sum(),
            sets=pl.len(),
            identified=students.filter(students == 1).sum(),
            in_small=students.filter(students < attainment.fewest).sum(),
        )
    )
    return as_table(AttainmentUniqueness, rows)
