"""What is computed from a cohort's exam results: frames in, frames out.

Only numbers; how they look is for `charts` and `page`, what of them may leave the school for
`shareable`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from edu_pipeline.attainment.cohort_settings import NO_SERIES, cohort_settings
from edu_pipeline.attainment.exclusions import attainment_uniqueness, exclusion_ledger
from edu_pipeline.attainment.forecast import forecasts
from edu_pipeline.attainment.groups import GROUP, by_group
from edu_pipeline.attainment.outcomes import (
    BELOW,
    COHORT,
    ENTRY,
    EXCEEDED,
    GOOD,
    MET,
    STRONG,
    STUDENT,
    SUBJECT,
    as_table,
    attainment_disagreements,
    attainment_outcomes,
    commonest_scales,
    english_and_maths,
    is_one_of,
    series_compared,
    up_to_final,
    whole_grades_of,
)
from edu_pipeline.attainment.performance import (
    attainment_measures,
    attainment_performance,
    of_whole_files,
)
from edu_pipeline.attainment.waiting import NOTHING, Waiting
from edu_pipeline.attainment.years import Year, attainment_years
from edu_pipeline.chance.noise import shrunk, t_half_width, wilson
from edu_pipeline.model.attainment import (
    ALL,
    AttainmentHeadlines,
    AttainmentProgress,
    AttainmentSubjects,
    AttainmentTransitions,
    MockCalibration,
)
from edu_pipeline.model.grades import KS4, STAGES
from edu_pipeline.model.subjects import subject_key
from edu_pipeline.settings.attainment import Attainment


@dataclass(frozen=True)
class Tables:
    """Everything that is computed of cohorts; each frame is the table of its name."""

    attainment_outcomes: pl.DataFrame
    attainment_subjects: pl.DataFrame
    attainment_progress: pl.DataFrame
    attainment_transitions: pl.DataFrame
    mock_calibration: pl.DataFrame
    attainment_headlines: pl.DataFrame
    attainment_measures: pl.DataFrame
    attainment_performance: pl.DataFrame
    attainment_years: pl.DataFrame
    attainment_forecast: pl.DataFrame
    forecast_grades: pl.DataFrame
    attainment_left_out: pl.DataFrame
    attainment_exclusions: pl.DataFrame
    attainment_uniqueness: pl.DataFrame
    attainment_disagreements: pl.DataFrame

    def named(self) -> Mapping[str, pl.DataFrame]:
        """Name → table."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def cohort_tables(
    results: pl.DataFrame,
    students: pl.DataFrame,
    groups: pl.DataFrame,
    stated: pl.DataFrame,
    attainment: Attainment,
    waiting: Waiting = NOTHING,
    exam_series: pl.DataFrame = NO_SERIES,
) -> Tables:
    """Everything, from what has landed, of each cohort by its own series.

    A cohort or a subject that waits is in no table, and a cohort has no headlines while one of the
    subjects that count in them waits. Targets and predictions are in none.

    Args:
        results: `Results`.
        students: `CohortStudents`.
        groups: `ResultGroups`.
        stated: `StatedDifferences`.
        attainment: The settings.
        waiting: What is not shown.
        exam_series: `ExamSeries`.
    """
    results, students, groups, stated = map(waiting.without, (results, students, groups, stated))
    own = cohort_settings(exam_series, attainment)
    years = [
        Year(
            cohort,
            own.get(cohort, attainment),
            results.filter(pl.col(COHORT) == cohort),
            students.filter(pl.col(COHORT) == cohort),
            waits=cohort in waiting.rows[COHORT],
        )
        for cohort in results[COHORT].unique().sort()
    ]
    parts = [
        _tables(
            year.results,
            year.students,
            *(frame.filter(pl.col(COHORT) == year.name) for frame in (groups, stated)),
            attainment=year.attainment,
            waiting=waiting,
        )
        for year in years
    ] or [_tables(results, students, groups, stated, attainment=attainment, waiting=waiting)]
    forecast, grades = forecasts(years)
    return Tables(
        **{
            # a cohort has columns of outcomes for its own series
            name: pl.concat([part[name] for part in parts], how="diagonal")
            for name in parts[0]
        },
        attainment_years=attainment_years(years),
        attainment_forecast=forecast,
        forecast_grades=grades,
    )


def _tables(
    results: pl.DataFrame,
    students: pl.DataFrame,
    groups: pl.DataFrame,
    stated: pl.DataFrame,
    *,
    attainment: Attainment,
    waiting: Waiting,
) -> Mapping[str, pl.DataFrame]:
    """Those of one cohort; of a cohort of which a subject waits there are no measures over subjects."""
    results = results.filter(pl.col("series").is_in(attainment.series))
    core = {subject_key(name) for name in (*attainment.english, *attainment.maths)}
    headless = waiting.rows.filter(
        pl.col(SUBJECT).map_elements(lambda name: subject_key(name) in core, pl.Boolean)
    )
    some_wait = waiting.rows[COHORT].to_list()
    outcomes = attainment_outcomes(results, attainment)
    left_out, exclusions = exclusion_ledger(results, students, outcomes, attainment)
    measures = of_whole_files(attainment_measures(outcomes, students, attainment)).filter(
        ~pl.col(COHORT).is_in(some_wait)
    )
    return {
        "attainment_outcomes": outcomes,
        "attainment_subjects": attainment_subjects(results, groups),
        "attainment_progress": attainment_progress(outcomes, groups, attainment),
        "attainment_transitions": attainment_transitions(results, outcomes, groups, attainment),
        "mock_calibration": mock_calibration(results, outcomes, groups, attainment),
        "attainment_headlines": attainment_headlines(outcomes, students, groups, attainment).filter(
            ~pl.col(COHORT).is_in(headless[COHORT].to_list())
        ),
        "attainment_measures": measures,
        "attainment_performance": attainment_performance(measures, outcomes, groups, attainment),
        "attainment_left_out": left_out,
        "attainment_exclusions": exclusions,
        "attainment_uniqueness": attainment_uniqueness(results, attainment),
        "attainment_disagreements": attainment_disagreements(outcomes, stated),
    }


def attainment_subjects(results: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """How the grades of each subject spread in each series.

    Args:
        results: `Results`.
        groups: `ResultGroups`.

    Returns:
        `AttainmentSubjects`.
    """
    points = pl.col("points")
    rows = (
        by_group(results.select(*ENTRY, "series", "scale", "points", "absent"), groups)
        .group_by(COHORT, SUBJECT, "series", *GROUP)
        .agg(
            scale=pl.col("scale").first(),
            n=points.count(),
            absent=pl.col("absent").sum(),
            q1=points.quantile(0.25, "linear"),
            median=points.median(),
            q3=points.quantile(0.75, "linear"),
            mean=points.mean(),
            lowest=points.min(),
            highest=points.max(),
        )
    )
    return as_table(AttainmentSubjects, rows)


def attainment_progress(
    outcomes: pl.DataFrame, groups: pl.DataFrame, attainment: Attainment
) -> pl.DataFrame:
    """Value added, raw and shrunk, and the residual against other subjects, with intervals.

    Args:
        outcomes: `attainment_outcomes`.
        groups: `ResultGroups`.
        attainment: The settings.

    Returns:
        `AttainmentProgress`: every subject and all together, for everybody and every group.
    """
    keys = [COHORT, SUBJECT, *GROUP]
    needed = outcomes.select(*ENTRY, "compared", "outcome", "difference", "residual")
    rows = _with_all_subjects(by_group(needed, groups))
    counts = rows.group_by(keys).agg(
        **{name: (pl.col("outcome") == name).sum() for name in (BELOW, MET, EXCEEDED)}
    )
    added = _means(rows, keys, "difference")
    residual = _means(rows.filter(pl.col(SUBJECT) != ALL), keys, "residual")
    found = (
        counts.join(added, on=keys, how="left")
        .join(
            residual.select(
                *keys,
                residual="mean",
                residual_low="low",
                residual_high="high",
                n_residual="entries",
            ),
            on=keys,
            how="left",
        )
        .join(series_compared(rows, attainment), on=[COHORT, SUBJECT], how="left")
        .with_columns(
            pl.col("entries", "students", "n_residual").fill_null(0),
            # subjects are drawn towards each other, groups towards the others of their column
            of=pl.when(pl.col("group_column") != ALL).then(pl.col(SUBJECT)).otherwise(pl.lit("")),
        )
        .rename({"entries": "n", "mean": "mean_difference"})
    )
    everything = (pl.col(SUBJECT) == ALL) & (pl.col("group_column") == ALL)
    drawn = found.filter(~everything, pl.col("n") > 0).sort(keys)
    kind = pl.struct(COHORT, "group_column", "of").rank("dense") - 1
    pool = drawn.select(kind.alias("kind"))["kind"].cast(pl.Int64).to_numpy()
    mean, size, squares, freedom = (
        drawn[name].to_numpy() for name in ("mean_difference", "size", "squares", "freedom")
    )
    within, degrees = (np.bincount(pool, weights=each)[pool] for each in (squares, freedom))
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = within / degrees
    values = drawn.select(
        *keys, shrunk=pl.Series(shrunk(mean, size, variance, pool)).fill_nan(None)
    )
    return as_table(AttainmentProgress, found.join(values, on=keys, how="left"))


def _with_all_subjects(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([rows, rows.with_columns(pl.lit(ALL).alias(SUBJECT))])


def _means(rows: pl.DataFrame, keys: Sequence[str], value: str) -> pl.DataFrame:
    """Means over entries with 95 % t intervals over students.

    A student's entries in several subjects are not independent. So the interval is that of a ratio,
    the sum of students' sums over the sum of their entries; with one entry each it is the usual one.

    Returns:
        keys, `entries`, `students`, `mean`, `low`, `high`; `size`, as how many students they count
        (Kish); `squares` ÷ `freedom`, the variance of students with one entry each. Only keys with
        a value.
    """
    entries, mean = pl.col("entries"), pl.col("mean")
    rest = pl.col("total") - mean * entries
    found = (
        rows.filter(pl.col(value).is_not_null())
        # sums in one order are the same sums to the last digit
        .sort(*keys, STUDENT)
        .group_by(*keys, STUDENT, maintain_order=True)
        .agg(entries=pl.len().cast(pl.Float64), total=pl.col(value).sum())
        .with_columns(mean=(pl.col("total").sum() / entries.sum()).over(keys))
        .group_by(keys, maintain_order=True)
        .agg(
            mean.first(),
            entries.sum(),
            students=pl.len(),
            squares=(rest**2).sum(),
            weights=(entries**2).sum(),
        )
        .with_columns(size=entries**2 / pl.col("weights"))
        .with_columns(freedom=pl.col("weights") * (1 - 1 / pl.col("size")))
    )
    several = pl.when(pl.col("students") > 1)
    error = several.then((pl.col("squares") / pl.col("freedom") / pl.col("size")).sqrt())
    errors = found.select(error.fill_null(0.0).alias("error"))["error"].to_numpy()
    half = pl.Series(t_half_width(errors, found["students"].cast(pl.Float64).to_numpy() - 1))
    half = half.fill_nan(None)
    return found.with_columns(low=mean - half, high=mean + half)


def _matrix(
    rows: pl.DataFrame, keys: Sequence[str], row: str, scales: pl.DataFrame
) -> pl.DataFrame:
    """`n` of each cell of each of these matrices, and `row_n` of its row.

    That of all subjects has those on the cohort's commonest scale: a grade is one of its scale.
    """
    alike = rows.join(scales, on=[COHORT, "scale"], how="semi", maintain_order="left")
    return (
        pl.concat([rows, alike.with_columns(pl.lit(ALL).alias(SUBJECT))])
        .group_by(*keys, row, "final_grade")
        .agg(n=pl.len())
        .with_columns(row_n=pl.col("n").sum().over(*keys, row))
    )


def attainment_transitions(
    results: pl.DataFrame, outcomes: pl.DataFrame, groups: pl.DataFrame, attainment: Attainment
) -> pl.DataFrame:
    """From each grade of the baseline to each grade of the result.

    Args:
        results: `Results`.
        outcomes: `attainment_outcomes`.
        groups: `ResultGroups`.
        attainment: The settings.

    Returns:
        `AttainmentTransitions`; cells of nobody have no row.
    """
    wholes = whole_grades_of(results, "baseline_whole").filter(
        pl.col("compared") == attainment.baseline
    )
    as_it_is = pl.when(pl.col("expected") == pl.col("baseline")).then("baseline_whole")
    matched = (
        outcomes.filter("matched")
        .join(wholes.drop("compared"), on=ENTRY, how="left")
        .select(
            *ENTRY,
            "compared",
            "scale",
            baseline_grade=pl.coalesce(as_it_is, pl.col("expected").floor().cast(pl.Int64)),
            final_grade="whole",
        )
    )
    rows = by_group(matched, groups)
    compared = series_compared(_with_all_subjects(rows), attainment)
    found = _matrix(rows, [COHORT, SUBJECT, *GROUP], "baseline_grade", commonest_scales(outcomes))
    return as_table(AttainmentTransitions, found.join(compared, on=[COHORT, SUBJECT], how="left"))


def mock_calibration(
    results: pl.DataFrame, outcomes: pl.DataFrame, groups: pl.DataFrame, attainment: Attainment
) -> pl.DataFrame:
    """Of those with a grade in a mock: what they got in the end.

    Args:
        results: `Results`.
        outcomes: `attainment_outcomes`.
        groups: `ResultGroups`.
        attainment: The settings.

    Returns:
        `MockCalibration`; cells of nobody have no row.
    """
    final = attainment.final
    wholes = whole_grades_of(results, "grade").drop_nulls("grade").rename({"compared": "series"})
    mocks = wholes.filter(pl.col("series").is_in(up_to_final(attainment)[:-1]))
    finished = wholes.filter(pl.col("series") == final).select(*ENTRY, final_grade="grade")
    both = mocks.join(finished, on=ENTRY).join(outcomes.select(*ENTRY, "scale"), on=ENTRY)
    rows = by_group(both, groups)
    keys = [COHORT, SUBJECT, *GROUP, "series"]
    return as_table(MockCalibration, _matrix(rows, keys, "grade", commonest_scales(outcomes)))


def attainment_headlines(
    outcomes: pl.DataFrame, students: pl.DataFrame, groups: pl.DataFrame, attainment: Attainment
) -> pl.DataFrame:
    """Students with 4 or better, and 5 or better, in both English and maths; none of 16 to 18.

    Args:
        outcomes: `attainment_outcomes`.
        students: `CohortStudents`.
        groups: `ResultGroups`; only columns that are the same over a student's subjects.
        attainment: The settings.

    Returns:
        `AttainmentHeadlines`.
    """
    english, maths = pl.col("english"), pl.col("maths")
    both = pl.min_horizontal(english, maths)
    outcomes = outcomes.filter(pl.col("scale").is_in(STAGES[KS4]))
    students = students.join(outcomes, on=COHORT, how="semi")
    rows = by_group(english_and_maths(outcomes, students, attainment), groups)
    known = english.is_not_null() & maths.is_not_null()
    found = rows.group_by(COHORT, *GROUP).agg(
        students=pl.len(),
        n=known.sum(),
        both_4=(known & (both >= GOOD)).sum(),
        both_5=(known & (both >= STRONG)).sum(),
    )
    core = outcomes.filter(is_one_of((*attainment.english, *attainment.maths), outcomes))
    compared = series_compared(core.with_columns(pl.lit(ALL).alias(SUBJECT)), attainment)
    n = found["n"].cast(pl.Float64)
    for name in ("both_4", "both_5"):
        reached = found[name].cast(pl.Float64)
        low, high = wilson(reached.to_numpy(), n.to_numpy())
        found = found.with_columns(
            (reached / n).fill_nan(None).alias(f"{name}_share"),
            pl.Series(f"{name}_low", low).fill_nan(None),
            pl.Series(f"{name}_high", high).fill_nan(None),
        )
    return as_table(AttainmentHeadlines, found.join(compared.drop(SUBJECT), on=COHORT, how="left"))
