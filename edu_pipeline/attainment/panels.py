"""What panels over a whole cohort get, as plain data: headline measures, the year before, the forecast.

Frames in, data for the page's data block out; how it looks is in modules of the same name in
`templates/site/attainment`. Only for staff.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from edu_pipeline.attainment.outcomes import scale_by_subject
from edu_pipeline.attainment.performance import PART_OF_A_FILE, taken_for_approved
from edu_pipeline.attainment.years import leaving_year
from edu_pipeline.ground.wording import listed
from edu_pipeline.model.attainment import ALL
from edu_pipeline.settings.attainment import Attainment

_OF_GROUP = (
    *("students", "n", "attainment_8", "attainment_8_low", "attainment_8_high"),
    *("mean_english", "mean_maths", "mean_ebacc", "mean_ebacc_filled", "mean_open"),
    *("mean_open_filled", "ebacc_entered", "ebacc_entered_share", "ebacc_entered_low"),
    *("ebacc_entered_high", "ebacc_points", "ebacc_points_low", "ebacc_points_high"),
)
_OF_STUDENT = (
    *("attainment_8", "english", "english_doubled", "maths", "ebacc", "ebacc_from", "open"),
    *("open_from", "ebacc_entered", "ebacc_points", "why_not"),
)
_NUMBERS_OF_YEARS = ("n", "last_n", "value", "last_value", "difference", "low", "high")
_ENDS = ("low80", "high80", "low95", "high95")


def measures(
    performance: pl.DataFrame,
    of_students: pl.DataFrame,
    outcomes: pl.DataFrame,
    labels: pl.DataFrame,
    attainment: Attainment,
) -> dict[str, Any] | None:
    """Headline measures by group, and of each student for the lists behind them, or `why` they are not shown.

    None: there are none.

    Args:
        performance: `AttainmentPerformance` of the cohort.
        of_students: `AttainmentMeasures` of it.
        outcomes: `attainment_outcomes` of it.
        labels: `student_id` in the order of the page's students.
        attainment: Its settings.
    """
    everybody = pl.col("group_column") == ALL
    if (of_students["why_not"] == PART_OF_A_FILE).any():
        held = f"Attainment 8 and the EBacc are not shown: {PART_OF_A_FILE}, and what else they take is not told."
        return {"why": held, "groups": []}
    if performance.is_empty():
        return None
    rows = performance.sort(~everybody, "group_column", "group")
    found = labels.select("student_id").join(
        of_students, on="student_id", how="left", maintain_order="left"
    )
    why = found["why_not"].drop_nulls().value_counts(sort=True)
    approved = taken_for_approved(scale_by_subject(outcomes), attainment)
    provisional = performance.filter(everybody)["provisional"].sum()
    return {
        "why": None,
        "rules": performance["rules"][0],
        "compared": performance["compared"][0],
        "notes": [
            *(f"{n} not counted: {reason}." for reason, n in why.iter_rows()),
            *([f"{provisional} with a mock for a final: provisional."] if provisional else []),
            *(
                [
                    f"Taken for approved awards: {listed(approved)}. What is not goes into [attainment] "
                    "uncounted."
                ]
                if approved
                else []
            ),
            "Entries that discount each other, and earlier ones, are not told by any file: all count.",
        ],
        "groups": [
            {
                "column": "" if row["group_column"] == ALL else row["group_column"],
                "group": row["group"],
                **{name: _rounded(row[name]) for name in _OF_GROUP},
            }
            for row in rows.iter_rows(named=True)
        ],
        "of": {name: [_rounded(value) for value in found[name]] for name in _OF_STUDENT},
    }


def years(beside: pl.DataFrame, cohort: str, subjects: Sequence[str]) -> dict[str, Any]:
    """This cohort beside the last: `last` and rows by subject, else `why` there is none.

    Args:
        beside: `AttainmentYears` of the cohort.
        cohort: Its name.
        subjects: In the page's order.
    """
    if beside.is_empty():
        year = leaving_year(cohort)
        return {
            "last": None,
            "why": (
                f"No comparison with last year: the name {cohort} says no year."
                if year is None
                else f"No comparison with last year: there is no cohort of {year - 1}, or more than one."
            ),
            "rows": [],
        }
    order = pl.Enum([ALL, *subjects])
    rows = beside.with_columns(pl.col("subject").cast(order)).sort("subject", "measure")
    return {
        "last": beside["last_cohort"][0],
        "why": None,
        "rows": [
            {
                "subject": subject,
                "series": part["series"][0],
                "of": {
                    row["measure"]: [_rounded(row[name]) for name in _NUMBERS_OF_YEARS]
                    for row in part.iter_rows(named=True)
                },
            }
            for (subject,), part in rows.group_by("subject", maintain_order=True)
        ],
    }


def forecast(
    numbers: pl.DataFrame,
    grades: pl.DataFrame,
    subjects: Sequence[str],
) -> dict[str, Any] | None:
    """How many may reach a grade, by subject, and what each grade of the mock may become; None: nothing.

    Args:
        numbers: `AttainmentForecast` of the cohort.
        grades: `ForecastGrades` of it.
        subjects: In the page's order.
    """
    if grades.is_empty():
        return None
    order = pl.Enum(subjects)
    told = numbers.with_columns(pl.col("subject").cast(order)).sort("subject", "threshold")
    return {
        "said": _assumed(numbers),
        "rows": [
            {
                **{name: row[name] for name in ("subject", "threshold", "series", "n", *_ENDS)},
                "share": _rounded(row["share"]),
                "from_n": row["from_n"],
            }
            for row in told.iter_rows(named=True)
        ],
        "grades": {
            subjects.index(subject): {
                "series": part["series"][0],
                "of": {
                    str(grade): [round(share, 3) for share in of["share"]]
                    for (grade,), of in part.sort("grade", "final_grade").group_by(
                        "grade", maintain_order=True
                    )
                },
            }
            for (subject,), part in grades.group_by("subject", maintain_order=True)
        },
    }


def _assumed(numbers: pl.DataFrame) -> str:
    if numbers.is_empty():
        return ""
    cohorts = numbers["from_cohorts"][0]
    moves = numbers["moves"].max()
    if not isinstance(moves, float):
        return (
            f"From {cohorts} alone: it assumes that the mock was as hard and as kindly marked this year. If "
            "not, the intervals are too narrow."
        )
    return (
        f"From {cohorts}. How far the same mock moved between those years (by {moves:.1f} grades in a "
        "subject) is in the intervals."
    )


def _rounded(value: Any) -> Any:  # noqa: ANN401 - a cell of any table
    return round(value, 4) if isinstance(value, float) else value
