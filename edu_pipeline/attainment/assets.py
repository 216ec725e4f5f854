"""The attainment job as Dagster sees it: every table of its cohorts and their files, in one step."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import dagster as dg

from edu_pipeline.attainment.checks import agreement, anonymity, whole_grades
from edu_pipeline.attainment.metrics import Tables, cohort_tables
from edu_pipeline.attainment.shareable import SHARED, shareable
from edu_pipeline.attainment.waiting import waiting_in
from edu_pipeline.facts.files import export_frame, export_table
from edu_pipeline.ground.resources import Warehouse, table_metadata
from edu_pipeline.ground.steps import spec_of
from edu_pipeline.ground.warehouse import Connection, read_table, transaction, write_table
from edu_pipeline.settings.home import Home, Settings

LANDED = ("stg_results", "cohort_students", "result_groups", "stated_differences", "exam_series")
GATE = ("landing_problems", "gate_releases")
"""Which of it may be shown."""
REPORTS = "attainment_reports"
TABLES = tuple(field.name for field in fields(Tables))
_OF_STUDENTS = (
    "attainment_outcomes",
    "attainment_measures",
    "attainment_left_out",
    "attainment_disagreements",
)
"""Where an export has no id, the key of a student is the name."""
_SHAREABLE, _PREFIX = "shareable", "shareable_"
AGREE, WHOLE, NOBODY = (
    "stated_differences_agree",
    "baselines_are_whole_grades",
    "shareable_edition_tells_of_nobody",
)
_CHECKED: Mapping[str, tuple[str, str]] = {
    AGREE: (
        "attainment_disagreements",
        "Where an export states the difference itself, it is the one computed here.",
    ),
    WHOLE: (
        "attainment_outcomes",
        "No baseline lies between two grades, where no grade can meet it.",
    ),
    NOBODY: (
        "attainment_uniqueness",
        "No number of few people is in the shareable edition, nor a difference of few between its "
        "tables; how many students their set of subjects alone would identify.",
    ),
}


_spec = functools.partial(spec_of, group="attainment", source="results")


@dg.multi_asset(
    specs=[
        *(
            _spec(
                name,
                kinds={"polars"},
                pii="names" if name in _OF_STUDENTS else "groups",
                deps=(*LANDED, *GATE),
            )
            for name in TABLES
        ),
        _spec(
            REPORTS,
            kinds={"csv"},
            pii="names",
            deps=TABLES,
            description=(
                "`data/reports/attainment`: every table as CSV and Parquet, and in `shareable/` those "
                "without students and small numbers. Nothing where no results are shown."
            ),
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(name, asset=table, description=description)
        for name, (table, description) in _CHECKED.items()
    ],
    can_subset=True,
)
def compute_attainment(
    context: dg.AssetExecutionContext,
    home: dg.ResourceParam[Home],
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Every table of every cohort of which nothing waits, from what has landed."""
    wanted = {key.path[-1] for key in context.selected_asset_keys}
    attainment = settings.attainment
    with warehouse.connect() as con, transaction(con):
        results, students, groups, stated, series = (read_table(con, name) for name in LANDED)
        waiting = waiting_in(*(read_table(con, name) for name in GATE))
        tables = cohort_tables(results, students, groups, stated, attainment, waiting, series)
        for name in wanted.intersection(TABLES):
            write_table(con, name, tables.named()[name])
        made = {name: table_metadata(con, name) for name in wanted.intersection(TABLES)}
        to_share = shareable(tables, attainment)
        if REPORTS in wanted:
            folder = home.data / "reports" / "attainment"
            shown = tables.attainment_outcomes.height
            _write_files(con, folder, to_share) if shown else _remove_files(folder)
            made[REPORTS] = {}
    for name, metadata in made.items():
        yield dg.MaterializeResult(asset_key=name, metadata=metadata)
    looked_at = {key.name for key in context.selected_asset_check_keys}
    for name, (passed, sentences) in {
        AGREE: agreement(tables.attainment_disagreements, waiting.without(stated)),
        WHOLE: whole_grades(tables, attainment),
        NOBODY: anonymity(tables, to_share, attainment),
    }.items():
        if name in looked_at:
            yield dg.AssetCheckResult(
                asset_key=_CHECKED[name][0],
                check_name=name,
                passed=passed,
                severity=dg.AssetCheckSeverity.WARN,
                description="\n".join(sentences) or "Nothing to do.",
            )


def _write_files(con: Connection, folder: Path, to_share: Tables) -> None:
    for name in TABLES:
        export_table(con, name, folder)
    for name in SHARED:
        export_frame(con, to_share.named()[name], _PREFIX + name, folder / _SHAREABLE)


def _remove_files(folder: Path) -> None:
    """Of a cohort that is no longer landed nothing stays behind."""
    stems = [*TABLES, *(f"{_SHAREABLE}/{_PREFIX}{name}" for name in SHARED)]
    for stem in stems:
        for kind in ("csv", "parquet"):
            (folder / f"{stem}.{kind}").unlink(missing_ok=True)


ASSETS: Sequence[dg.AssetsDefinition] = [compute_attainment]
