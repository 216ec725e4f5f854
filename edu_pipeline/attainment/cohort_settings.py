"""The settings of a cohort: those of the home with the series that its own exports have. Pure."""

from collections.abc import Mapping

import polars as pl

from edu_pipeline.model.attainment import REFERENCES, ExamSeries
from edu_pipeline.model.columns import dtypes
from edu_pipeline.settings.attainment import Attainment

NO_SERIES = pl.DataFrame(schema=dtypes(ExamSeries))
"""Of cohorts that have those of the settings and no other."""


def cohort_settings(exam_series: pl.DataFrame, attainment: Attainment) -> Mapping[str, Attainment]:
    """Cohort → its settings: `series` are its exams and the baseline in their order.

    Args:
        exam_series: `ExamSeries`; cohorts that are not there have the settings as they are.
        attainment: The section of `pipeline.toml`.
    """
    exams = exam_series.filter(~pl.col("role").is_in(REFERENCES)).sort("cohort", "place")
    found = {}
    for (cohort,), rows in exams.group_by("cohort", maintain_order=True):
        roles = dict(rows.select("role", "series").iter_rows())
        found[str(cohort)] = attainment.model_copy(
            update={
                "series": tuple(rows["series"]),
                "final": roles["final"],
                "baseline": roles["baseline"],
            }
        )
    return found
