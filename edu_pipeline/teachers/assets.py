"""The teachers job as Dagster sees it: metrics, the gate, and each week's charts and letters."""

from collections.abc import Sequence

import dagster as dg
import polars as pl

from edu_pipeline.settings import Settings
from edu_pipeline.teachers.metrics import class_week as class_week_of
from edu_pipeline.teachers.metrics import student_attendance as student_attendance_of
from edu_pipeline.teachers.metrics import student_homework as student_homework_of

GROUP = "teachers"
OWNERS = ["team:data"]


@dg.asset(group_name=GROUP, kinds={"polars"}, owners=OWNERS, tags={"pii": "none"})
def class_week(  # noqa: PLR0913 - one argument per fact table
    stg_classes: pl.DataFrame,
    stg_school_days: pl.DataFrame,
    class_students: pl.DataFrame,
    attendance_class_week: pl.DataFrame,
    attendance_group_week: pl.DataFrame,
    homework_class_week: pl.DataFrame,
    homework_group_week: pl.DataFrame,
    counted_through: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
) -> pl.DataFrame:
    """One class in one school week, beside its past, its grade team and its school."""
    return class_week_of(
        classes=stg_classes,
        school_days=stg_school_days,
        students=class_students,
        attendance=attendance_class_week,
        attendance_groups=attendance_group_week,
        homework=homework_class_week,
        homework_groups=homework_group_week,
        counted_through=counted_through,
        late_counts=settings.homework.late_counts,
    )


@dg.asset(group_name=GROUP, kinds={"polars"}, owners=OWNERS, tags={"pii": "ids"})
def student_attendance(student_attendance_sums: pl.DataFrame) -> pl.DataFrame:
    """One student's attendance from the first day of the school year to the latest data."""
    return student_attendance_of(student_attendance_sums)


@dg.asset(group_name=GROUP, kinds={"polars"}, owners=OWNERS, tags={"pii": "ids"})
def student_homework(
    student_homework_counts: pl.DataFrame, settings: dg.ResourceParam[Settings]
) -> pl.DataFrame:
    """One student's homework from the first day of the school year to the latest data."""
    return student_homework_of(
        student_homework_counts, late_counts=settings.homework.late_counts
    )


ASSETS: Sequence[dg.AssetsDefinition] = [class_week, student_attendance, student_homework]
