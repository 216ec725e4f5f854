"""What exports of exam results are taken for: cohorts, columns, series, subjects, grades, baselines.

Not here: what is wrong with them (`result_problems`). Nobody is named.
"""

from collections.abc import Iterator

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.described import Block, Described, Row, Taken
from edu_pipeline.landing.sources.results.asking import some
from edu_pipeline.landing.sources.results.result_reading import Landed, read_cohort
from edu_pipeline.landing.sources.results.result_zone import exports_in
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.attainment import NOTICES, read_as
from edu_pipeline.settings.attainment import Attainment

MANY = 40
"""Grades or subjects that one line shows."""
_ROLES = {"sat": "", "final": ", the final", "baseline": ", the baseline"}
_WHY = {
    "results": "it lies below attainment/, and its columns say whose grades they are",
    "baseline": "its name or its columns say that it holds baselines only",
}


def describe(con: duckdb.DuckDBPyConnection, zone: Zone, settings: Attainment) -> Described:
    """Read exam results, as a refresh does, and say what they are.

    Args:
        con: Of its own; it has the tables of a refresh then that tell of files and problems.
        zone: Where the files lie.
        settings: The section of `pipeline.toml`.

    Raises:
        LandingError: The zone cannot be listed, or a file is not there any more.
    """
    landed = read_cohort(exports_in(zone), settings)
    write_table(con, "attainment_files", landed.files)
    write_table(con, "attainment_notes", landed.notes)
    told = dict(landed.notes.filter(pl.col("subject") != "").select("subject", "message").rows())
    cohorts = landed.students["cohort"].unique().sort().to_list()
    notices = landed.notes.filter(pl.col("kind").is_in(NOTICES))
    blocks = [_cohort(landed, cohort) for cohort in cohorts]
    if notices.height:
        rows = tuple(
            Row(row["kind"].replace("_", " "), row["message"])
            for row in notices.iter_rows(named=True)
        )
        blocks.append(Block("Exam results: read without being told so", rows))
    return Described(tuple(_taken(landed, told)), tuple(blocks))


def _taken(landed: Landed, told: dict[str, str]) -> Iterator[Taken]:
    for file in landed.files.iter_rows(named=True):
        read = file["kind"] != "not_read"
        of = f" of {file['cohort']}" if file["cohort"] else ""
        what = "baselines" if file["kind"] == "baseline" else "exam results"
        columns = f"; {file['read_as']}" if file["read_as"] else ""
        yield Taken(
            file["file"],
            "results",
            f"{what}{of}" if read else None,
            f"{_WHY[file['kind']]}{columns}" if read else told.get(file["path"], "it is not read"),
            counts=read,
            rows=file["rows"] if read else None,
        )


def _cohort(landed: Landed, cohort: str) -> Block:
    students = landed.students.filter(cohort=cohort)
    results = landed.results.filter(cohort=cohort)
    with_baseline = students.filter("in_results", "in_baseline").height
    in_results = students.filter("in_results").height
    files = landed.files.filter(cohort=cohort)
    points = results["points"].drop_nulls().to_list()
    scale = f"{min(points):g} to {max(points):g} points, of 9" if points else "no grade has points"
    rows = [
        *(
            Row(
                "file",
                f"{file['file']}: {file['shape']}, {counted(file['rows'], 'row')}",
            )
            for file in files.iter_rows(named=True)
        ),
        *(
            Row(columns, text)
            for columns, text in columns_in_words(
                landed.columns.filter(pl.col("file").is_in(files["file"].implode()))
            )
        ),
        Row("series", _series(landed, cohort)),
        Row("subjects", _counts(results["subject"])),
        Row("grades", _counts(results["grade"])),
        Row("scale", scale),
        Row(
            "baselines",
            f"{with_baseline:,} of {counted(in_results, 'student')} with results have one",
        ),
    ]
    ids = "by name" if students["by_name"].any() else "by id"
    title = f"Exam results: cohort {cohort}, {counted(students.height, 'student')} {ids}"
    return Block(title, tuple(rows))


def columns_in_words(columns: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Headers, and what they were taken for and why; those of one kind in one line.

    Args:
        columns: `ResultColumns`.
    """
    for row in read_as(columns).iter_rows(named=True):
        what = f"{row['role']} {row['series']}" if row["series"] else row["role"]
        text = f"{what}: {row['evidence']}"
        if row["otherwise"]:
            text += f"; else {row['otherwise']}: {' '.join(row['lines'].splitlines())}"
        yield some(row["columns"]), text


def _series(landed: Landed, cohort: str) -> str:
    results = landed.results.filter(cohort=cohort)
    counts = dict(results["series"].value_counts().rows())
    series = landed.series.filter(cohort=cohort).sort("place")
    return "; ".join(
        f"{name}{_ROLES.get(role, f', a {role}')}: {counted(counts.get(name, 0), 'grade')}"
        for name, role in series.select("series", "role").iter_rows()
    )


def _counts(texts: pl.Series) -> str:
    counts = texts.value_counts(sort=True).rows()
    shown = [f"{text} ({number:,})" for text, number in counts[:MANY]]
    more = [f"{len(counts) - MANY} more"] if len(counts) > MANY else []
    return ", ".join([*shown, *more])
