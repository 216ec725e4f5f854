"""A cohort of a few students, written by hand."""

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from edu_pipeline.attainment.metrics import Tables, cohort_tables
from edu_pipeline.model.attainment import (
    CohortStudents,
    ResultGroups,
    Results,
    StatedDifferences,
)
from edu_pipeline.model.columns import dtypes
from edu_pipeline.settings.attainment import Attainment

COHORT = "2026"
SERIES = ("MOCK 1", "MOCK 2", "GCSE", "BASELINE")
Grade = float | str | None
"""Points, `X` for absent, None for nothing."""
Entry = tuple[str, str, Sequence[Grade]]
"""Student, subject, and grades in MOCK 1, MOCK 2, GCSE and BASELINE."""


def settings(**changes: Any) -> Attainment:
    return Attainment(**changes)


def landed(entries: Iterable[Entry], series: Sequence[str] = SERIES) -> pl.DataFrame:
    """`stg_results` of these entries."""
    rows = [
        {
            "cohort": COHORT,
            "student_id": student,
            "subject": subject,
            "series": name,
            "grade": str(grade),
            "scale": "gcse",
            "points": None if isinstance(grade, str) else float(grade),
            "whole": None if isinstance(grade, str) else int(grade),
            "absent": isinstance(grade, str),
            "file": "attainment/2026/results.csv",
            "line": 2,
        }
        for student, subject, grades in entries
        for name, grade in zip(series, grades, strict=True)
        if grade is not None
    ]
    return pl.DataFrame(rows, schema=dtypes(Results))


def students_of(results: pl.DataFrame) -> pl.DataFrame:
    """`cohort_students` of everybody in these results."""
    return (
        results.select("cohort", "student_id")
        .unique(maintain_order=True)
        .with_columns(
            name=pl.lit("Made Up"),
            by_name=pl.lit(value=False),
            in_results=pl.lit(value=True),
            in_baseline=pl.lit(value=True),
        )
        .cast(dtypes(CohortStudents))
    )


def grouped(column: str, values: dict[str, str]) -> pl.DataFrame:
    """`result_groups` of a column that is the same over a student's subjects."""
    rows = [(COHORT, student, None, column, value) for student, value in values.items()]
    return pl.DataFrame(rows, schema=dtypes(ResultGroups), orient="row")


def by_subject(column: str, values: dict[tuple[str, str], str]) -> pl.DataFrame:
    """`result_groups` of a column that differs by subject."""
    rows = [(COHORT, *key, column, value) for key, value in values.items()]
    return pl.DataFrame(rows, schema=dtypes(ResultGroups), orient="row")


def stated(values: dict[tuple[str, str], float]) -> pl.DataFrame:
    """`stated_differences`."""
    rows = [(COHORT, *key, value) for key, value in values.items()]
    return pl.DataFrame(rows, schema=dtypes(StatedDifferences), orient="row")


NO_GROUPS = pl.DataFrame(schema=dtypes(ResultGroups))
NOTHING_STATED = pl.DataFrame(schema=dtypes(StatedDifferences))


def tables(
    entries: Iterable[Entry],
    groups: pl.DataFrame = NO_GROUPS,
    differences: pl.DataFrame = NOTHING_STATED,
    **changes: Any,
) -> Tables:
    """Every table of these entries."""
    results = landed(entries)
    return cohort_tables(results, students_of(results), groups, differences, settings(**changes))
