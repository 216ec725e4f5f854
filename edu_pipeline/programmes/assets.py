"""The programmes job as Dagster sees it: completion, what its team reads, and the files."""

import functools
from collections.abc import Callable, Sequence
from datetime import date, datetime
from inspect import cleandoc
from typing import Any

import dagster as dg
import polars as pl

from edu_pipeline.facts.files import export_table
from edu_pipeline.facts.run_results import (
    build_certificate_differences,
    build_course_completion,
    certificates_delivered,
    completions,
    course_counts,
    course_pairs,
    days_to_next_course,
    learner_rows,
    progress_counts,
    report_rows,
)
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import CertificateReconciliation, ProgrammeProgress
from edu_pipeline.programmes import funnel, inventory
from edu_pipeline.programmes.completion import programme_progress as programme_progress_of
from edu_pipeline.programmes.reports import (
    TooManyRowsError,
    completion_report,
    write_csv,
    write_xlsx,
)
from edu_pipeline.programmes.runs import programme_runs as programme_runs_of
from edu_pipeline.settings import Home, Settings
from edu_pipeline.warehouse import Warehouse, table_metadata

GROUP = "programmes"
OWNERS = ["team:data"]
_asset = functools.partial(dg.asset, group_name=GROUP, owners=OWNERS)


def _today(settings: Settings) -> date:
    """Runs are over, and can be joined, by the day of the refresh."""
    return datetime.now(settings.zone).date()


@_asset(kinds={"polars"}, tags={"pii": "none"})
def programme_runs(course_runs: pl.DataFrame, settings: dg.ResourceParam[Settings]) -> pl.DataFrame:
    """Every run of every programme in order, and whether it is over or can be joined."""
    return programme_runs_of(settings.programmes, course_runs, _today(settings))


def _fact(name: str, build: Callable[..., None], *, dated: bool) -> dg.AssetsDefinition:
    """An asset whose table is made by `build` of results and runs, `dated` if as of today."""

    @_asset(
        name=name,
        kinds={"duckdb"},
        tags={"pii": "ids"},
        deps=["stg_run_results", "programme_runs"],
        description=cleandoc(build.__doc__ or "").partition("\n\nArgs:")[0],
    )
    def fact(
        settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        with warehouse.connect() as con:
            build(con, *([_today(settings)] if dated else []))
            return dg.MaterializeResult(metadata=table_metadata(con, name))

    return fact


@_asset(kinds={"polars"}, tags={"pii": "ids"}, deps=["course_completion"])
def programme_progress(
    programme_runs: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> pl.DataFrame:
    """One learner in one programme: what is done and what comes next."""
    with warehouse.connect() as con:
        parts = [
            programme_progress_of(
                programme,
                learner_rows(con, programme.id, [course.id for course in programme.courses]),
                programme_runs,
                _today(settings),
            )
            for programme in settings.programmes
        ]
    return pl.concat([pl.DataFrame(schema=dtypes(ProgrammeProgress)), *parts])


def _summary(
    name: str,
    deps: Sequence[str],
    build: Callable[..., pl.DataFrame],
    description: str,
    sentences: Callable[[pl.DataFrame], Sequence[str]] | None = None,
) -> dg.AssetsDefinition:
    """An asset of few rows, made by `build(con, settings)`, and what it says in words."""

    @_asset(
        name=name,
        kinds={"polars"},
        tags={"pii": "none"},
        deps=deps,
        description=description,
    )
    def summary(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> pl.DataFrame:
        with warehouse.connect() as con:
            found = build(con, settings)
        if sentences:
            context.add_output_metadata(
                {"in words": dg.MetadataValue.md(_listed(sentences(found)))}
            )
        return found

    return summary


def _listed(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences) or "Nothing to do."


@_asset(kinds={"polars"}, tags={"pii": "none"})
def export_inventory(
    context: dg.AssetExecutionContext,
    edx_exports: pl.DataFrame,
    programme_runs: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
) -> pl.DataFrame:
    """Which exports of which runs are there, how old they are, and which are needed."""
    found = inventory.export_inventory(edx_exports, programme_runs, _today(settings))
    needed = dg.MetadataValue.md(_listed(inventory.sentences(found)))
    context.add_output_metadata({"needed": needed})
    return found


_SUMMARIES = [
    _summary(
        "programme_funnel",
        ["course_completion", "programme_progress"],
        lambda con, settings: funnel.programme_funnel(
            settings.programmes, course_counts(con), progress_counts(con)
        ),
        "Learners who reached each stage of every course, and of the programme.",
    ),
    _summary(
        "course_retention",
        ["course_completion", "programme_runs"],
        lambda con, _: funnel.course_retention(course_pairs(con)),
        "Of those who passed a course, the share that ever began the next.",
    ),
    _summary(
        "time_to_next_course",
        ["course_completion", "programme_runs"],
        lambda con, settings: funnel.time_to_next_course(
            days_to_next_course(con, _today(settings))
        ),
        "The share that has begun another course so many days after a pass.",
    ),
    _summary(
        "programme_completions",
        ["programme_progress", "stg_learners"],
        lambda con, _: funnel.programme_completions(completions(con)),
        "Completions by year and country, small numbers left out.",
    ),
    _summary(
        "programme_bridge",
        ["programme_progress"],
        lambda con, settings: funnel.programme_bridge(settings.programmes, progress_counts(con)),
        "From the old rule's number of learners who finished to the new one's.",
        funnel.bridge_sentences,
    ),
    _summary(
        "certificate_reconciliation",
        ["stg_run_results", "programme_runs"],
        lambda con, settings: certificates_delivered(con, _today(settings)).cast(
            dtypes(CertificateReconciliation)
        ),
        "Certificates due beside certificates delivered, with reasons.",
    ),
]
TABLES = (
    "programme_runs",
    "course_completion",
    "programme_progress",
    "certificate_differences",
    "export_inventory",
    "programme_funnel",
    "course_retention",
    "time_to_next_course",
    "programme_completions",
    "programme_bridge",
    "certificate_reconciliation",
)
"""What `data/reports/tables` has, as Parquet and as CSV."""


@_asset(kinds={"csv", "excel"}, tags={"pii": "names"}, deps=[*TABLES, "stg_learners"])
def programme_reports(
    context: dg.AssetExecutionContext,
    home: dg.ResourceParam[Home],
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult[None]:
    """`data/reports`: each programme's completion report, and every table of the job as files.

    Nothing is written where there is no programme.
    """
    folder = home.data / "reports"
    learners: dict[str, Any] = {}
    with warehouse.connect() as con:
        for programme in settings.programmes:
            courses = [course.id for course in programme.courses]
            report = completion_report(report_rows(con, programme.id, courses), courses)
            learners[f"learners, {programme.id}"] = report.height
            path = folder / "programmes" / f"{programme.id}_completion.csv"
            write_csv(report, path)
            workbook = path.with_suffix(".xlsx")
            try:
                write_xlsx(report, workbook)
            except TooManyRowsError as error:
                workbook.unlink(missing_ok=True)
                context.log.warning("%s", error)
        for table in TABLES if settings.programmes else ():
            export_table(con, table, folder / "tables")
    return dg.MaterializeResult(metadata=learners)


ASSETS: Sequence[dg.AssetsDefinition] = [
    programme_runs,
    _fact("course_completion", build_course_completion, dated=False),
    programme_progress,
    _fact("certificate_differences", build_certificate_differences, dated=True),
    export_inventory,
    *_SUMMARIES,
    programme_reports,
]
