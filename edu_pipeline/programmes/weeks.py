"""How a programme stood at the end of every week, by what was reported then."""

import polars as pl

from edu_pipeline.facts.weekly_changes import CERTIFICATE, PASSED, VERIFIED
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import ProgrammeWeeks
from edu_pipeline.programmes.completion import complete_since
from edu_pipeline.settings.programmes import Programme


def programme_weeks(programme: Programme, changes: pl.DataFrame, weeks: pl.Series) -> pl.DataFrame:
    """Completers, certificates, passes and verified learners at the end of every week with a report.

    Args:
        programme: Its courses and requirement.
        changes: `facts.weekly_changes.weekly_changes` of it.
        weeks: `facts.weekly_changes.report_weeks`.

    Returns:
        `ProgrammeWeeks`.
    """
    step = pl.when("has").then(1).otherwise(-1)
    counted = [
        changes.filter(measure=measure).group_by("week").agg(step.sum().alias(name))
        for measure, name in (
            (CERTIFICATE, "certificates"),
            (PASSED, "passes"),
            (VERIFIED, "verified"),
        )
    ]
    found = weeks.alias("week").to_frame()
    for each in (*counted, _completed(programme, changes)):
        found = found.join(each, on="week", how="left")
    return (
        found.sort("week")
        .with_columns(pl.exclude("week").fill_null(0).cum_sum(), programme_id=pl.lit(programme.id))
        .select(ProgrammeWeeks.column_names())
        .cast(dtypes(ProgrammeWeeks))
    )


def _completed(programme: Programme, changes: pl.DataFrame) -> pl.DataFrame:
    """Of every week in which somebody's certificates changed how many more have completed."""
    courses = [course.id for course in programme.courses]
    held = (
        changes.filter(measure=CERTIFICATE)
        .pivot(on="course_id", on_columns=courses, index=["learner_id", "week"], values="has")
        .sort("learner_id", "week")
        .with_columns(pl.col(courses).forward_fill().over("learner_id"))
    )
    certified = {course: pl.when(pl.col(course)).then(pl.lit(1, pl.Int64)) for course in courses}
    core = complete_since(programme.requirement, certified).is_not_null()
    whole = core & pl.col(programme.capstone).fill_null(value=False) if programme.capstone else core
    return (
        held.select("learner_id", "week", core_complete=core, complete=whole)
        .with_columns(
            pl.col("core_complete", "complete").cast(pl.Int64)
            - pl.col("core_complete", "complete")
            .cast(pl.Int64)
            .shift(fill_value=0)
            .over("learner_id")
        )
        .group_by("week")
        .agg(pl.col("core_complete", "complete").sum())
    )
