"""The page of a cohort, in two editions: for staff with every student, and one to share without any.

Frames in, HTML out. What may stand in the edition to share is decided in `shareable`; this module
never puts a student, an id or a name into it. What people can do on the page is in
`templates/site/attainment/app.js` and the modules beside it, which get everything from the data block
made here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from hashlib import sha256
from typing import Any, Literal

import jinja2
import polars as pl
from markupsafe import Markup

from edu_pipeline.attainment import charts, panels
from edu_pipeline.attainment.cohort_settings import NO_SERIES, cohort_settings
from edu_pipeline.attainment.groups import group_columns
from edu_pipeline.attainment.metrics import Tables
from edu_pipeline.attainment.outcomes import (
    AND,
    commonest_scales,
    comparison_sentence,
    english_and_maths,
    half_grade_sentence,
    scale_by_subject,
    series_columns,
)
from edu_pipeline.attainment.scripts import Scripts
from edu_pipeline.attainment.waiting import NOTHING, Waiting
from edu_pipeline.glossary.metrics import definitions
from edu_pipeline.ground.templates import render_text
from edu_pipeline.ground.wording import NBSP, isolated
from edu_pipeline.model.attainment import ALL, INCLUDED, NOT_STATED, QUESTIONS, REFERENCES, read_as
from edu_pipeline.model.grades import GCSE, SCALES, is_fine
from edu_pipeline.model.subjects import in_school_order
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER, Attainment
from edu_pipeline.settings.home import Settings

Edition = Literal["staff", "shareable"]
TEMPLATE = "site/attainment/page.html.j2"
DEFINED = (
    *(
        "baseline",
        "outcome",
        "grade_spread",
        "complete_series",
        "value_added",
        "value_added_shrunk",
    ),
    *("subject_residual", "headlines", "attainment_8", "ebacc", "last_year", "forecast"),
    *("transitions", "mock_calibration", "left_out", "uniqueness"),
)
"""What of the glossary the page explains."""
_SAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_FIGURES: Mapping[str, str] = {
    "grades": "Grades of each series",
    "progress": "Result against baseline",
    "residual": "Against own other subjects",
    "calibration": "From mock to final",
    "headlines": "English and maths",
}
_HOW_MEANS_ARE_DRAWN = "● the mean (○ provisional), ━ its interval, ◇ the mean shrunk; n students. "
_RESIDUAL_ENDS = ("residual_low", "residual_high")
_DOT_AREA = (60, 240)
"""Of a subject with hardly anybody and of the largest, in square pixels."""


@dataclass(frozen=True)
class Cohort:
    """What is known of one cohort."""

    name: str
    attainment: Attainment
    """Its own settings, with its own series."""
    results: pl.DataFrame
    """`Results` of exams and the baseline."""
    students: pl.DataFrame
    """`CohortStudents`."""
    groups: pl.DataFrame
    """`ResultGroups`."""
    problems: pl.DataFrame
    """`AttainmentNotes`, those of no cohort as well."""
    tables: Tables
    as_of: date | None = None
    """When the newest of its files landed."""
    waits: Sequence[str] = ()
    """Subjects of which nothing is shown."""
    doubts: Sequence[str] = ()
    """What has to be answered for these: sentences with what to do."""
    references: pl.DataFrame | None = None
    """`Results` of targets and predictions, with the `role` and `place` of each series."""
    columns: pl.DataFrame | None = None
    """`ResultColumns` of its files."""

    def asked(self) -> list[str]:
        """Questions for which nothing waits, though something is left out until they are answered."""
        of = self.problems.filter(pl.col("kind").is_in(QUESTIONS), pl.col("holds").is_null())
        return of["message"].unique(maintain_order=True).to_list()


@dataclass(frozen=True)
class Frame:
    """What all pages of one build have in common."""

    env: jinja2.Environment
    settings: Settings
    scripts: Scripts
    school: str | None = None
    index: str | None = None
    """Link to the list of cohorts."""


def cohorts(
    tables: Tables,
    files: pl.DataFrame,
    results: pl.DataFrame,
    students: pl.DataFrame,
    groups: pl.DataFrame,
    problems: pl.DataFrame,
    *,
    attainment: Attainment,
    exam_series: pl.DataFrame = NO_SERIES,
    columns: pl.DataFrame | None = None,
    waiting: Waiting = NOTHING,
    zone: tzinfo = UTC,
) -> list[Cohort]:
    """Every cohort that has results to show, in the order of their names.

    Args:
        tables: Of all cohorts.
        files: `AttainmentFiles`; one of several cohorts counts for all.
        results: `Results`.
        students: `CohortStudents`.
        groups: `ResultGroups`.
        problems: `AttainmentNotes`.
        attainment: The settings.
        exam_series: `ExamSeries`.
        columns: `ResultColumns`.
        waiting: What is not shown.
        zone: Whose day it was when a file landed.
    """
    cohort = pl.col("cohort")
    own = cohort_settings(exam_series, attainment)
    exams = pl.concat(
        [
            results.clear(),
            *(
                rows.filter(pl.col("series").is_in(own.get(str(name), attainment).series))
                for (name,), rows in waiting.without(results).group_by("cohort")
            ),
        ]
    )
    roles = exam_series.filter(pl.col("role").is_in(REFERENCES))
    references = waiting.without(results).join(
        roles.select("cohort", "series", "role", "place"), on=["cohort", "series"]
    )
    students, groups = map(waiting.without, (students, groups))

    def of(name: str, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(cohort == name)

    def landed(name: str) -> date | None:
        read = files.filter(cohort.is_null() | (cohort == name), pl.col("kind") != "not_read")
        newest = read["landed_at"].max()
        if not isinstance(newest, datetime):
            return None
        return newest.replace(tzinfo=UTC).astimezone(zone).date()

    def columns_of(name: str) -> pl.DataFrame | None:
        if columns is None:
            return None
        theirs = files.filter(cohort.is_null() | (cohort == name))["file"]
        return columns.filter(pl.col("file").is_in(theirs.implode())).sort("file", "place")

    return [
        Cohort(
            name,
            settings,
            of(name, exams),
            of(name, students),
            of(name, groups),
            problems.filter(cohort.is_null() | (cohort == name)),
            Tables(**{key: of(name, table) for key, table in tables.named().items()}),
            landed(name),
            waiting.subjects(name),
            waiting.why(name),
            of(name, references),
            columns_of(name),
        )
        for name in exams["cohort"].unique().sort()
        for settings in [own.get(name, attainment)]
    ]


def cohort_page(frame: Frame, cohort: Cohort, edition: Edition) -> str:
    """One cohort's page.

    Args:
        frame: What all pages have in common.
        cohort: For the edition to share with tables from `shareable`; its results, students, groups
            and problems are not looked at then.
        edition: Whom it is for.
    """
    attainment, tables = cohort.attainment, cohort.tables
    data = (staff_data if edition == "staff" else shareable_data)(cohort)
    baseline = attainment.baseline if data["baseline"] is not None else None
    known = definitions(frame.settings)
    said = {name: sentence for name, (_, sentence) in known.items()}
    headings, headlines = _headline_groups(tables.attainment_headlines, edition)
    context = {
        "edition": edition,
        "cohort": cohort.name,
        "school": frame.school,
        "index": frame.index,
        "as_of": cohort.as_of,
        "students": len(data.get("students", ())),
        "fewest": attainment.fewest,
        "headline": _headline(tables.attainment_headlines),
        "headings": headings,
        "headlines": headlines,
        "provisional": _provisional(cohort),
        "said": _said(cohort, edition) if baseline else [],
        "classes": bool(data.get("groups")),
        "baseline": baseline,
        "baseline_said": f"{attainment.baseline}: {said['baseline']}",
        "headlines_said": said["headlines"],
        "panels": {name: data.get(name) for name in ("measures", "years", "forecast")},
        "panels_said": {
            "measures": f"{said['attainment_8']} {said['ebacc']}",
            "years": said["last_year"],
            "forecast": said["forecast"],
        },
        "means_said": f"{_HOW_MEANS_ARE_DRAWN}{said['value_added']} {said['value_added_shrunk']}",
        "apart": bool(data["apart"]["rows"]),
        "residual_said": said["subject_residual"],
        "matrices": data["matrices"],
        "definitions": [known[name] for name in DEFINED],
        "ledger": _ledger(tables.attainment_exclusions),
        "waits": cohort.waits,
        "doubts": cohort.doubts if edition == "staff" else [],
        "asked": cohort.asked() if edition == "staff" else [],
        "read_as": _read_as(cohort) if edition == "staff" else [],
        "problems": _problems(cohort) if edition == "staff" else [],
        "disagreements": _disagreements(cohort) if edition == "staff" else [],
        "policy": frame.scripts.policy,
        "style": frame.scripts.style,
        "code": frame.scripts.code,
        "scripts": frame.scripts.beside,
        "payload": _payload(data),
    }
    return render_text(frame.env, TEMPLATE, context)


def _payload(data: Mapping[str, Any]) -> Markup:
    """A data block that no name in it can end."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escaped in _SAFE.items():
        text = text.replace(character, escaped)
    return Markup(f'<script type="application/json" id="data">{text}</script>')  # noqa: S704 - escaped


def staff_data(cohort: Cohort) -> dict[str, Any]:
    """Every student with every grade, as columns: what `app.js` reads in the staff edition."""
    attainment = cohort.attainment
    columns, series = series_columns(attainment), drawn_series(cohort)
    labels = _labels(cohort)
    subjects = _subjects(cohort.tables, attainment)
    place = {name: n for n, name in enumerate(series)}
    entries = _entries(cohort)
    rows = (
        entries.filter("entered")
        .join(labels.select("student_id", student=pl.int_range(pl.len())), on="student_id")
        .join(pl.DataFrame({"subject": subjects}).with_row_index("s"), on="subject")
        .sort("s", "student")
        .with_row_index("row")
    )
    told = cohort.results.join(
        rows.select("row", "student_id", "subject"), on=["student_id", "subject"]
    )
    absent = told.filter("absent")
    return {
        "edition": "staff",
        "cohort": cohort.name,
        "series": series,
        "final": place[attainment.final],
        "baseline": place.get(attainment.baseline),
        "tolerance": attainment.tolerance,
        "rounding": attainment.baseline_rounding,
        "subjects": subjects,
        "students": [isolated(label) for label in labels["label"]],
        "people": sha256("\n".join(labels["student_id"]).encode()).hexdigest()[:8],
        "core": _core(cohort, labels),
        "who_left": _who_left(cohort, labels, subjects),
        "groups": _groups(cohort.groups, rows),
        "not_stated": NOT_STATED,
        "only_baseline": [
            entries.filter(~pl.col("entered"), pl.col("subject") == subject).height
            for subject in subjects
        ],
        "rows": {
            "student": rows["student"].to_list(),
            "subject": rows["s"].to_list(),
            "points": [_short(rows[columns[name]]) for name in series],
            "absent": [
                absent.filter(pl.col("series") == name)["row"].sort().to_list() for name in series
            ],
            "compared": [place.get(name, -1) for name in rows["compared"]],
            "against": _short(rows["expected"]),
        },
        "received": _received(told, series),
        "wholes": _wholes(told, series),
        "references": _references(cohort, rows),
        "row_height": charts.ROW_HEIGHT,
        "dots": {
            "spread": charts.SPREAD,
            "lift": charts.LIFT,
            "crowd": charts.CROWD,
        },
        "fewest": attainment.fewest,
        "specs": {
            "distribution": charts.distribution(series, charts.ON_PAGE),
            "progress": charts.progress(
                [*(name for name in series if name != attainment.baseline), "range"], charts.ON_PAGE
            ),
            "subjects": charts.across_subjects(charts.ON_PAGE),
            **_summary_specs(attainment),
            "years": charts.mean_differences(charts.ON_PAGE),
            "forecast": charts.forecast(charts.ON_PAGE),
        },
        **_scales(cohort),
        **_summary(cohort.tables, attainment),
        **_panels(cohort, labels, subjects),
    }


def _panels(cohort: Cohort, labels: pl.DataFrame, subjects: Sequence[str]) -> dict[str, Any]:
    """What each panel over the whole cohort gets; see `panels`."""
    tables = cohort.tables
    return {
        "measures": panels.measures(
            tables.attainment_performance,
            tables.attainment_measures,
            tables.attainment_outcomes,
            labels,
            cohort.attainment,
        ),
        "years": panels.years(tables.attainment_years, cohort.name, subjects),
        "forecast": panels.forecast(
            tables.attainment_forecast,
            tables.forecast_grades,
            subjects,
        ),
    }


def _core(cohort: Cohort, labels: pl.DataFrame) -> dict[str, list[float | None]]:
    """Each student's best English and maths, as headlines have them; none where there is no headline."""
    if cohort.tables.attainment_headlines.is_empty():
        return {}
    best = english_and_maths(cohort.tables.attainment_outcomes, cohort.students, cohort.attainment)
    rows = labels.join(best, on="student_id", how="left", maintain_order="left")
    return {name: _short(rows[name]) for name in ("english", "maths")}


def _who_left(
    cohort: Cohort, labels: pl.DataFrame, subjects: Sequence[str]
) -> list[tuple[str, str, int | None, str, list[int]]]:
    """Figure, series, subject (none: all), reason, and the students who are left out for it."""
    places = {ALL: None} | {name: n for n, name in enumerate(subjects)}
    rows = cohort.tables.attainment_left_out.join(
        labels.select("student_id", student=pl.int_range(pl.len())), on="student_id"
    )
    keys = ["figure", "series", "subject", "reason"]
    return [
        (figure, series, places[subject], reason, students)
        for figure, series, subject, reason, students in rows.sort(*keys, "student")
        .group_by(keys, maintain_order=True)
        .agg("student")
        .iter_rows()
    ]


def shareable_data(cohort: Cohort) -> dict[str, Any]:
    """Figures of groups: what `app.js` reads in the edition without names."""
    attainment, boxes = cohort.attainment, cohort.tables.attainment_subjects
    series = drawn_series(cohort)
    everybody = boxes.filter(pl.col("group_column") == ALL)
    found = {(row["subject"], row["series"]): row for row in everybody.iter_rows(named=True)}
    subjects = _subjects(cohort.tables, attainment)
    return {
        "edition": "shareable",
        "cohort": cohort.name,
        "series": series,
        "baseline": series.index(attainment.baseline) if attainment.baseline in series else None,
        "subjects": subjects,
        "boxes": [[_box(found.get((subject, name))) for name in series] for subject in subjects],
        "row_height": charts.ROW_HEIGHT,
        "fewest": attainment.fewest,
        "specs": {
            "distribution": charts.distribution(series, charts.ON_PAGE),
            **_summary_specs(attainment),
        },
        **_scales(cohort),
        **_summary(cohort.tables, attainment),
    }


def _entries(cohort: Cohort) -> pl.DataFrame:
    """Outcomes with `entered`: not if the subject is sat and the student has but a baseline in it.

    A baseline file may have a figure for every subject, taken or not.
    """
    sat = cohort.results.filter(pl.col("series") != cohort.attainment.baseline)
    keys = ["student_id", "subject"]
    there = sat.select(keys).unique().with_columns(entered=pl.lit(value=True))
    rows = cohort.tables.attainment_outcomes.join(there, on=keys, how="left")
    entered = pl.col("entered").fill_null(value=False)
    return rows.with_columns(entered=entered | ~entered.any().over("subject"))


def _box(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A box without its ends, which are single students."""
    return None if row is None else {name: row[name] for name in ("n", "q1", "median", "q3")}


def drawn_series(cohort: Cohort) -> list[str]:
    """Those that anybody has, and the final, which is waited for."""
    attainment, there = cohort.attainment, set(cohort.tables.attainment_subjects["series"])
    return [name for name in attainment.series if name in there or name == attainment.final]


def _subjects(tables: Tables, attainment: Attainment) -> list[str]:
    return in_school_order(tables.attainment_subjects["subject"].unique(), attainment.subject_order)


def _labels(cohort: Cohort) -> pl.DataFrame:
    """Students with results, and what tells each from the others: the name, else or also the id."""
    there = cohort.tables.attainment_outcomes.select("student_id").unique()
    name, key = pl.col("name"), pl.col("student_id")
    twice = name.is_duplicated() & name.is_not_null()
    label = pl.when(twice).then(pl.format("{} ({})", name, key)).otherwise(pl.coalesce(name, key))
    return (
        cohort.students.join(there, on="student_id", how="semi")
        .select("student_id", label=label)
        .sort(pl.col("label").str.to_lowercase().str.normalize("NFKD"), "student_id")
    )


@dataclass(frozen=True)
class Scales:
    """On which scale grades stand."""

    of: Mapping[str, str]
    """Subject → key of `grades.SCALES`."""
    commonest: str
    """That of figures of all subjects where they are of whole grades."""


def scales_of(cohort: Cohort) -> Scales:
    """The scales of a cohort's subjects."""
    of = scale_by_subject(cohort.tables.attainment_subjects)
    commonest = commonest_scales(cohort.tables.attainment_outcomes)["scale"].to_list()
    return Scales(of, next(iter([*commonest, *of.values()]), GCSE))


def _scales(cohort: Cohort) -> dict[str, Any]:
    """The scales that are there, which one each subject has, and that of all together."""
    scales = scales_of(cohort)
    return {
        "scales": {
            key: {
                "title": SCALES[key].title,
                **charts.axis_of(key),
                "wholes": [SCALES[key].whole(points) for points in range(10)],
            }
            for key in SCALES
            if key in {*scales.of.values(), scales.commonest}
        },
        "scale_of": [scales.of[subject] for subject in _subjects(cohort.tables, cohort.attainment)],
        "commonest": scales.commonest,
    }


def _short(points: pl.Series) -> list[float | None]:
    """Whole numbers without their decimals: a third of the page's size."""
    return [
        None if value is None else int(value) if value == int(value) else round(value, 6)
        for value in points
    ]


def _received(told: pl.DataFrame, series: Sequence[str]) -> list[dict[str, str]]:
    """Series → row → the grade as received, where it is not written as its points are."""
    pairs = told.filter(pl.col("points").is_not_null()).select("grade", "points", "scale").unique()
    texts = pairs.with_columns(
        text=pl.struct(pl.all()).map_elements(_as_received, return_dtype=pl.String)
    ).drop_nulls("text")
    rows = told.join(texts, on=["grade", "points", "scale"])
    return [
        {
            str(row): text
            for row, text in rows.filter(pl.col("series") == name)
            .sort("row")
            .select("row", "text")
            .iter_rows()
        }
        for name in series
    ]


def _wholes(told: pl.DataFrame, series: Sequence[str]) -> list[dict[str, int]]:
    """Series → row → the whole grade, where it is not that of the points rounded down: 5 of a 5-."""
    odd = told.filter(pl.col("whole") != pl.col("points").floor()).sort("row")
    return [
        {str(row): whole for row, whole in odd.filter(series=name).select("row", "whole").rows()}
        for name in series
    ]


def _as_received(pair: Mapping[str, Any]) -> str | None:
    """`A (7)` where letters have points of 9–1, `5+` as it stands; None where the grade says it all."""
    text, points, label = pair["grade"], pair["points"], SCALES[pair["scale"]].label(pair["points"])
    plain = text.strip().replace(",", ".")
    if plain.upper() == label:
        return None
    if is_fine(text):
        return str(plain)
    try:
        if abs(float(plain) - points) < 5e-4:  # noqa: PLR2004 - decimals that are written
            return None
    except ValueError:
        pass
    return f"{text} ({label})"


def _references(cohort: Cohort, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """What else results can be held against: name, role and the points of every row."""
    if cohort.references is None:
        return []
    on = ["student_id", "subject"]
    found = []
    for (name, role), of in cohort.references.sort("place").group_by(
        "series", "role", maintain_order=True
    ):
        points = rows.join(of.select(*on, "points"), on=on, how="left").sort("row")["points"]
        if points.count():
            found.append({"name": name, "role": role, "of": _short(points)})
    return found


def _groups(groups: pl.DataFrame, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """The export's further columns, each with its values and a code per student or per row."""
    found = []
    people = rows.select("student", "student_id").unique().sort("student")
    for _, column, by_subject in group_columns(groups).iter_rows():
        values = groups.filter(pl.col("column") == column, pl.col("value") != "")
        keys = ["student_id", "subject"] if by_subject else ["student_id"]
        told = (
            (rows if by_subject else people)
            .join(values.select(*keys, "value"), on=keys, how="left", maintain_order="left")[
                "value"
            ]
            .fill_null(NOT_STATED)
        )
        names = sorted(told.unique(), key=lambda name: (name == NOT_STATED, name))
        if len(names) > 1:
            code = {name: n for n, name in enumerate(names)}
            found.append(
                {
                    "name": column,
                    "values": names,
                    "per": "row" if by_subject else "student",
                    "of": [code[value] for value in told],
                }
            )
    return found


def _summary_specs(attainment: Attainment) -> dict[str, Any]:
    return {
        "means": charts.mean_differences(charts.ON_PAGE),
        "apart": charts.apart(attainment.baseline, charts.ON_PAGE),
    }


def _summary(tables: Tables, attainment: Attainment) -> dict[str, Any]:
    """What both editions say of the cohort as a whole."""
    return {
        "means": _means(tables, attainment),
        "apart": apart(tables.attainment_progress, attainment),
        "matrices": _matrices(tables, attainment),
        "left_out": _left_out(tables.attainment_exclusions),
        "final_name": attainment.final,
        "baseline_name": attainment.baseline,
    }


def waiting(compared: str | None, attainment: Attainment) -> str | None:
    """What stands in for the final; None where nothing has to."""
    return None if compared == attainment.final else compared


def _means(tables: Tables, attainment: Attainment) -> list[dict[str, Any]]:
    order = pl.Enum([ALL, *_subjects(tables, attainment)])
    rows = tables.attainment_progress.select(
        "subject",
        "group",
        pl.col("below", "met", "exceeded"),
        "n_residual",
        pl.col("low", "high", "shrunk", "residual", *_RESIDUAL_ENDS).round(3),
        column="group_column",
        n="students",
        mean=pl.col("mean_difference").round(3),
        waiting="compared",
    )
    kept = rows.filter(pl.col("n").is_null() | (pl.col("n") > 0)).sort(
        pl.col("subject").cast(order), pl.col("column") != ALL, "column", "group"
    )
    return [
        {**row, "waiting": waiting(row["waiting"], attainment)}
        for row in kept.iter_rows(named=True)
    ]


def apart(progress: pl.DataFrame, attainment: Attainment) -> dict[str, Any]:
    """Subjects with both a value added and a residual, as `charts.apart` draws them.

    Args:
        progress: `AttainmentProgress` of one cohort.
        attainment: The settings.

    Returns:
        `most`, and `rows`, the largest subjects first; `wide` and `narrow` are the side of the name.
    """
    drawn = progress.filter(
        pl.col("subject") != ALL,
        pl.col("group_column") == ALL,
        pl.col("mean_difference").is_not_null() & pl.col("residual").is_not_null(),
    ).sort(pl.col("students").fill_null(0), "subject", descending=[True, False])
    least, largest = _DOT_AREA
    top = max((number or 1 for number in drawn["students"]), default=1)
    rows = [
        {
            "name": row["subject"],
            "x": round(row["mean_difference"], 3),
            "y": round(row["residual"], 3),
            "n": row["students"],
            "n_residual": row["n_residual"],
            **{name: _thousandths(row[name]) for name in ("low", "high", *_RESIDUAL_ENDS)},
            "waiting": waiting(row["compared"], attainment),
            "size": round(least + (largest - least) * (row["students"] or 0) / top),
        }
        for row in drawn.iter_rows(named=True)
    ]
    most = charts.reach([row[axis] for row in rows for axis in ("x", "y")])
    for name, width in charts.APART_WIDTHS.items():
        sides = charts.named_apart(rows, most, width, attainment.baseline)
        for row, side in zip(rows, sides, strict=True):
            row[name] = side
    return {"most": most, "rows": rows}


def _thousandths(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _left_out(exclusions: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Figure → subject by subject and, of calibration, mock by mock, who is in it and who is not."""
    found: dict[str, list[dict[str, Any]]] = {}
    # the edition to share does not say here how many are in a figure
    none = 0 if INCLUDED in exclusions["reason"] else None
    rows = exclusions.filter(pl.col("figure").is_in(("progress", "residual", "calibration")))
    for (figure, series, subject), part in rows.sort("figure", "series", "subject").group_by(
        "figure", "series", "subject", maintain_order=True
    ):
        reasons = dict(part.select("reason", "students").sort("reason").iter_rows())
        included = reasons.pop(INCLUDED, none)
        entry = {"subject": subject, "included": included, "out": list(reasons.items())}
        found.setdefault(str(figure), []).append(entry | {"series": series})
    return found


def _matrices(tables: Tables, attainment: Attainment) -> list[dict[str, Any]]:
    """From baseline to result, and from each mock to the final."""
    found = []
    progress = tables.attainment_transitions
    if progress.height:
        there = set(progress.filter(pl.col("subject") != ALL)["compared"])
        results = [name for name in reversed(attainment.series) if name in there]
        titles = (attainment.baseline, " or ".join(results) or attainment.final)
        found.append(_matrix(progress, "baseline_grade", titles) | {"figure": "progress"})
    found += [
        _matrix(
            tables.mock_calibration.filter(pl.col("series") == mock),
            "grade",
            (mock, attainment.final),
        )
        | {"figure": "calibration", "series": mock}
        for mock in attainment.sat
        if mock in tables.mock_calibration["series"]
    ]
    return found


_OF_A_MATRIX = ("subject", "group_column", "group")


def _matrix(cells: pl.DataFrame, row: str, names: tuple[str, str]) -> dict[str, Any]:
    rows, columns = names
    one_series = "compared" in cells.columns
    fields = [row, "final_grade", "n", "row_n", *(["compared"] if one_series else [])]
    parts: dict[tuple[str, str, str], list[tuple[Any, ...]]] = {}
    whole = pl.col("row_n").max().over(*_OF_A_MATRIX, row)
    ordered = cells.with_columns(whole).sort(
        pl.col("subject") != ALL,
        "subject",
        pl.col("group_column") != ALL,
        "group_column",
        "group",
        row,
        "final_grade",
    )
    for subject, column, group, *cell in ordered.select(*_OF_A_MATRIX, *fields).iter_rows():
        parts.setdefault((subject, column, group), []).append(tuple(cell))
    tables = [
        {
            "subject": subject,
            "of": "everybody" if column == ALL else f"{column}: {group}",
            "columns": part[0][4] if one_series and subject != ALL else columns,
            "cells": [cell[:3] for cell in part],
            "totals": list({cell[0]: cell[3] for cell in part}.items()),
        }
        for (subject, column, group), part in parts.items()
    ]
    return {
        "title": f"{rows} to {columns}",
        "rows": rows,
        "columns": columns,
        "tables": tables,
    }


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}{NBSP}%"


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{100 * low:.0f} to {_percent(high)}"


def _headline(headlines: pl.DataFrame) -> list[tuple[int, str, str, str, str]]:
    """Grade, title, share, interval and numbers of 9–4 and 9–5 of everybody."""
    found = headlines.filter(pl.col("group_column") == ALL).to_dicts()
    return [
        (
            least,
            f"9–{least} in English and maths, {row['compared']}",
            _percent(row[f"{name}_share"]),
            _span(row[f"{name}_low"], row[f"{name}_high"]),
            f"{row[name]} of {row['n']} students" if row["n"] is not None else "",
        )
        for row in found
        for least in (4, 5)
        for name in [f"both_{least}"]
        if row[f"{name}_share"] is not None
    ]


def _headline_groups(
    headlines: pl.DataFrame, edition: Edition
) -> tuple[Sequence[str], list[tuple[str, list[dict[str, Any]]]]]:
    """Headings, and column of the export → its groups with their cells; everybody first.

    The edition to share has shares and no numbers, and only columns of which it tells any.
    """
    numbers = ("Students", "With both") if edition == "staff" else ()
    interval = ("95 % interval",) if edition == "staff" else ()
    headings = (*numbers, "9–4", *interval, "9–5", *interval)
    told = (pl.col("n") > 0) | pl.any_horizontal(pl.col("^both_[45]_share$").is_not_null())
    rows = headlines.filter(told.fill_null(value=False).any().over("group_column")).sort(
        pl.col("group_column") != ALL, "group_column", "group"
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.iter_rows(named=True):
        column = "" if row["group_column"] == ALL else row["group_column"]
        cells: list[tuple[str, int | None]] = [
            (_number(row[name]), None) for name in (("students", "n") if numbers else ())
        ]
        for least in (4, 5):
            name = f"both_{least}"
            cells.append((_percent(row[f"{name}_share"]), least))
            if interval:
                cells.append((_span(row[f"{name}_low"], row[f"{name}_high"]), None))
        found.setdefault(column, []).append(
            {"group": row["group"] if column else "Everybody", "cells": cells}
        )
    return headings, list(found.items())


def _number(count: int | None) -> str:
    return "too few" if count is None else f"{count:,}"


def _provisional(cohort: Cohort) -> str | None:
    """What is compared while the final is not sat."""
    attainment, progress = cohort.attainment, cohort.tables.attainment_progress
    found = progress.filter(pl.col("subject") == ALL, pl.col("group_column") == ALL)["compared"]
    compared = found[0] if len(found) else attainment.final
    if compared == attainment.final:
        return None
    if compared is None:
        return (
            f"No results of {attainment.final} yet, and of no exam before it: what is known is shown, and "
            "nobody can be compared."
        )
    if attainment.final in compared.split(AND):
        return f"{comparison_sentence(compared, attainment)}: provisional until then."
    against = (
        ""
        if cohort.tables.attainment_outcomes["baseline"].is_null().all()
        else " against the baseline"
    )
    return f"No results of {attainment.final} yet: {compared} stands in{against}, and everything is provisional."


def _said(cohort: Cohort, edition: Edition) -> list[str]:
    """What staff should know before they use the page."""
    if edition == "shareable":
        return []
    between = half_grade_sentence(cohort.tables.attainment_outcomes, cohort.attainment)
    unique = [
        f"{row['identified']} of {row['students']} students could be told by their set of subjects "
        "alone: a list without names would still give them away."
        for row in cohort.tables.attainment_uniqueness.iter_rows(named=True)
        if row["identified"]
    ]
    return ([between] if between else []) + unique


def _ledger(exclusions: pl.DataFrame) -> list[dict[str, Any]]:
    """Figure by figure: how many are in it, and how many are not for which reason."""
    order = {name: n for n, name in enumerate(_FIGURES)}
    found: dict[tuple[str, str, str], dict[str, int | None]] = {}
    for row in exclusions.iter_rows(named=True):
        key = (row["figure"], row["subject"], row["series"])
        found.setdefault(key, {})[row["reason"]] = row["students"]
    return [
        {
            "key": (figure, subject, series),
            "linked": subject != ALL,
            "figure": _FIGURES[figure],
            "subject": "" if subject == ALL else subject,
            "series": "" if series == ALL else series,
            "included": _number(reasons[INCLUDED]) if INCLUDED in reasons else "",
            "left_out": [
                (
                    reason,
                    f"{reason} (too few to say how many)"
                    if number is None
                    else f"{_number(number)} {reason}",
                )
                for reason, number in sorted(reasons.items())
                if reason != INCLUDED
            ],
        }
        for (figure, subject, series), reasons in sorted(
            found.items(), key=lambda item: (order[item[0][0]], item[0][1:])
        )
    ]


def _problems(cohort: Cohort) -> list[tuple[str, str]]:
    return [
        (message, who or "")
        for message, who in cohort.problems.select("message", "who").iter_rows()
    ]


def _disagreements(cohort: Cohort) -> list[dict[str, str]]:
    """Entries whose difference the export states otherwise, with what is computed from what."""
    rows = cohort.tables.attainment_disagreements.join(_labels(cohort), on="student_id", how="left")
    label, scales = pl.coalesce("label", "student_id"), scales_of(cohort).of
    return [
        {
            "student": isolated(row["label"]),
            "subject": row["subject"],
            "stated": _difference(row["stated"]),
            "computed": _difference(row["computed"]),
            "from": ", ".join(
                f"{name} {SCALES[scales.get(row['subject'], GCSE)].label(points)}"
                for name, points in (
                    (row["compared"] or cohort.attainment.final, row["result"]),
                    (cohort.attainment.baseline, row["baseline"]),
                )
                if points is not None
            ),
        }
        for row in rows.with_columns(label=label).sort("subject", "label").iter_rows(named=True)
    ]


def _read_as(cohort: Cohort) -> list[dict[str, Any]]:
    """File by file, which columns were taken for what (`read_as`)."""
    if cohort.columns is None:
        return []
    lines = read_as(cohort.columns)
    return lines.with_columns(pl.col("file").str.strip_prefix(ATTAINMENT_FOLDER)).to_dicts()


def _difference(value: float | None) -> str:
    if not value:
        return "none" if value is None else "0"
    return f"{value:+.4g}".replace("-", "−")
