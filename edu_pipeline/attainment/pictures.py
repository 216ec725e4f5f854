"""A cohort's charts as pictures, for those who paste into documents. No picture has a name in it.

The charts of single students are on the page, which saves what it shows as a picture.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from edu_pipeline.attainment import charts
from edu_pipeline.attainment.page import Cohort, Edition, apart, drawn_series, scales_of, waiting
from edu_pipeline.ground.wording import day_month
from edu_pipeline.model.attainment import ALL
from edu_pipeline.model.grades import SCALES
from edu_pipeline.settings.attainment import Attainment

_PLOT = (620, 340)
_MEANS_WIDTH, _CELL = 460, 44
_DOTS = 400


def pictures(cohort: Cohort, edition: Edition) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each picture is called, and its complete Vega-Lite specification.

    Args:
        cohort: As for `cohort_page`.
        edition: Only that for staff has a dot for every student.
    """
    attainment, tables = cohort.attainment, cohort.tables
    as_of = f" {day_month(cohort.as_of)} {cohort.as_of.year}." if cohort.as_of else ""
    progress = tables.attainment_progress.filter(
        pl.col("group_column") == ALL, pl.col("subject") != ALL
    ).sort("subject")
    said = {row["subject"]: row for row in progress.iter_rows(named=True)}
    boxes = tables.attainment_subjects.filter(pl.col("group_column") == ALL)
    series = drawn_series(cohort)
    template, scales = charts.distribution(series), scales_of(cohort)
    for (subject,), rows in boxes.sort("subject").group_by("subject", maintain_order=True):
        found = {
            row["series"]: row for row in rows.iter_rows(named=True) if row["median"] is not None
        }
        if found:
            # the edition to share does not tell of each series how many have it
            most = max((row["n"] or 0 for row in found.values()), default=0)
            how_many = f": up to {most} students in a series" if most else ""
            yield (
                str(subject),
                charts.drawn(
                    template,
                    {
                        "boxes": [_box(series.index(name), row) for name, row in found.items()],
                        "dots": list(_dots(cohort, str(subject), series))
                        if edition == "staff"
                        else [],
                    },
                    title=f"{cohort.name}, {subject}{how_many}",
                    subtitle=f"{_outcomes(said.get(str(subject)), attainment)}{as_of}".strip(),
                    size=_PLOT,
                    **charts.axis_of(scales.of[str(subject)]),
                    labels=[
                        [name, str(found[name]["n"] or "") if name in found else "–"]
                        for name in series
                    ],
                ),
            )
    told = progress.filter(pl.col("mean_difference").is_not_null())
    if told.height:
        yield "progress", _means(cohort, told, attainment, as_of)
    subjects = apart(progress, attainment)
    if subjects["rows"]:
        yield "value added and residual", _apart(cohort, subjects, attainment, as_of)
    transitions = tables.attainment_transitions.filter(
        pl.col("subject") == ALL, pl.col("group_column") == ALL
    )
    if transitions.height:
        yield "baseline to result", _transitions(cohort, transitions, attainment, as_of)


def _box(place: int, row: Mapping[str, Any]) -> dict[str, Any]:
    ends = {"low": row["lowest"], "high": row["highest"]}
    return {"x": place, **{name: row[name] for name in ("q1", "median", "q3")}, **ends}


def _dots(cohort: Cohort, subject: str, series: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Beside each other, the wider the more students have about the same grade."""
    about = ["series", "about"]
    rows = (
        cohort.results.filter(pl.col("subject") == subject, pl.col("points").is_not_null())
        .with_columns(about=(2 * pl.col("points")).round())
        .sort("series", "points", "student_id")
        .with_columns(
            rank=pl.int_range(pl.len()).over(about),
            alike=pl.len().over(about),
            every=(pl.len().over("series") / _DOTS).ceil(),
        )
    )
    most = max([12, *rows["alike"]])
    for row in rows.iter_rows(named=True):
        if row["series"] in series and row["rank"] % row["every"] == 0:
            across, up = (charts.evenly(row["rank"] + 1, base) - 0.5 for base in (2, 3))
            crowded = row["alike"] > charts.CROWD and row["points"] == row["about"] / 2
            yield {
                "x": series.index(row["series"])
                + (
                    across * charts.SPREAD * (row["alike"] / most) ** 0.5 if row["alike"] > 1 else 0
                ),
                "y": row["points"] + (up * charts.LIFT if crowded else 0),
                "outcome": "none",
            }


def _outcomes(row: Mapping[str, Any] | None, attainment: Attainment) -> str:
    if row is None or row["compared"] is None:
        return ""
    counts = [
        f"{charts.SYMBOLS[outcome]} {row[outcome]} {outcome}"
        for outcome in ("below", "met", "exceeded")
        if row[outcome] is not None
    ]
    if not counts:
        return ""
    waiting = (
        "" if row["compared"] == attainment.final else f" (provisional: no {attainment.final} yet)"
    )
    return f"{row['compared']} against {attainment.baseline}{waiting}: {', '.join(counts)}."


def _means(
    cohort: Cohort, rows: pl.DataFrame, attainment: Attainment, as_of: str
) -> dict[str, Any]:
    means = [
        {
            "row": row["subject"],
            "mean": row["mean_difference"],
            "low": row["low"],
            "high": row["high"],
            "shrunk": row["shrunk"],
            "hollow": stands_in is not None,
            "text": ", ".join(
                [
                    *([] if row["students"] is None else [f"n {row['students']}"]),
                    *([] if stands_in is None else [f"{stands_in} so far"]),
                ]
            ),
        }
        for row in rows.iter_rows(named=True)
        for stands_in in [waiting(row["compared"], attainment)]
    ]
    ends = [mean[end] for mean in means for end in ("mean", "low", "high") if mean[end] is not None]
    there = set(rows["compared"])
    compared = " or ".join(name for name in reversed(attainment.series) if name in there)
    hollow = ", hollow where provisional" if any(mean["hollow"] for mean in means) else ""
    return charts.drawn(
        charts.mean_differences(),
        {"means": means},
        title=f"{cohort.name}: mean difference of {compared} from {attainment.baseline}",
        subtitle=[
            # a sign that the font does not have would set the line in another font
            f"Dot: mean with its 95 % interval{hollow}. Diamond: drawn towards the mean of all.{as_of}",
            f"{attainment.baseline} is a mean expectation; about half of all students fall below it.",
        ],
        size=(_MEANS_WIDTH, charts.ROW_HEIGHT * len(means)),
        most=charts.reach(ends),
    )


def _apart(
    cohort: Cohort, subjects: Mapping[str, Any], attainment: Attainment, as_of: str
) -> dict[str, Any]:
    rows = [
        {**row, "hollow": row["waiting"] is not None, "side": row["wide"]}
        for row in subjects["rows"]
    ]
    unnamed = sum(not row["side"] for row in rows)
    hollow = " Hollow: provisional." if any(row["hollow"] for row in rows) else ""
    without = f" {unnamed} without room for their name." if unnamed else ""
    return charts.drawn(
        charts.apart(attainment.baseline),
        {"apart": rows},
        title=f"{cohort.name}: value added beside the residual against own other subjects",
        subtitle=f"A dot for each of {len(rows)} subjects, larger for more students.{hollow}{without}{as_of}",
        size=(charts.APART_WIDTHS["wide"], charts.APART_HEIGHT),
        most=subjects["most"],
    )


def _transitions(
    cohort: Cohort, rows: pl.DataFrame, attainment: Attainment, as_of: str
) -> dict[str, Any]:
    compared = " or ".join(rows["compared"].drop_nulls().unique()) or attainment.final
    scale = SCALES[scales_of(cohort).commonest]
    cells = [
        {
            "row": scale.whole(row["baseline_grade"]),
            "column": scale.whole(row["final_grade"]),
            "share": row["n"] / row["row_n"],
            "text": str(row["n"]),
        }
        for row in rows.sort("baseline_grade", "final_grade", descending=[True, False]).to_dicts()
    ]
    grades = [scale.whole(points) for points in range(10)]
    return charts.drawn(
        charts.matrix(cohort.attainment.baseline, compared, grades),
        {"cells": cells},
        title=f"{cohort.name}: what became of each {attainment.baseline}, all subjects together",
        subtitle=f"Results; shaded by their share of the row.{as_of}",
        size=(
            _CELL * len({cell["column"] for cell in cells}),
            charts.ROW_HEIGHT * len({cell["row"] for cell in cells}),
        ),
    )
