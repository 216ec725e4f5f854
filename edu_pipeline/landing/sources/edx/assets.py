"""edX's exports as Dagster sees them: files, raw tables, learners, results, runs."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from inspect import cleandoc

import dagster as dg

from edu_pipeline.ground.one_run import SOURCE_TAG
from edu_pipeline.ground.warehouse import (
    Warehouse,
    read_earlier,
    read_table,
    table_metadata,
    write_table,
)
from edu_pipeline.landing.sources.edx.exports import course_runs as runs_of
from edu_pipeline.landing.sources.edx.exports import land
from edu_pipeline.landing.sources.edx.opt_ins import land_opt_ins, stage_opt_ins
from edu_pipeline.landing.sources.edx.reports import TABLES
from edu_pipeline.landing.sources.edx.stage import stage
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.gate import in_force
from edu_pipeline.model.programmes import (
    CourseRuns,
    EdxExports,
    FormerAddresses,
    Learners,
    OptInLists,
    OptIns,
    RunResults,
)
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.settings.home import Settings

GROUP = "landing"
OWNERS = ["team:data"]
NAMES = {"pii": "names"}
IDS = {"pii": "ids"}
NOBODY = {"pii": "none"}
STALE_AFTER = timedelta(days=8)
NEEDED = ("forgotten", "gate_releases")
RAW = tuple(f"raw_{table}" for table in TABLES.values())


def _spec(
    name: str,
    description: str,
    tags: dict[str, str],
    deps: Sequence[str] = (),
    freshness: dg.FreshnessPolicy | None = None,
) -> dg.AssetSpec:
    return dg.AssetSpec(
        name,
        group_name=GROUP,
        kinds={"duckdb"},
        owners=OWNERS,
        tags={**tags, SOURCE_TAG: "edx"},
        deps=deps,
        description=description,
        freshness_policy=freshness,
    )


def _materialized(
    warehouse: Warehouse, names: Sequence[str]
) -> Iterator[dg.MaterializeResult[None]]:
    with warehouse.connect() as con:
        for name in names:
            yield dg.MaterializeResult(asset_key=name, metadata=table_metadata(con, name))


@dg.multi_asset(
    specs=[
        _spec("edx_exports", cleandoc(EdxExports.__doc__ or ""), NOBODY, NEEDED),
        _spec("opt_in_lists", cleandoc(OptInLists.__doc__ or ""), NOBODY, NEEDED),
        *(
            _spec(
                name,
                "The rows of the edX exports that count: the columns that are read, as received.",
                NAMES,
                NEEDED,
                dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER),
            )
            for name in RAW
        ),
    ]
)
def land_edx_exports(
    settings: dg.ResourceParam[Settings],
    zone: dg.ResourceParam[Zone],
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.MaterializeResult[None]]:
    """The exports of all programmes, the newest of each run and kind read into raw tables."""
    with warehouse.connect() as con:
        forgotten = read_table(con, "forgotten")
        known = read_earlier(con, "landing_problems", LandingProblems.create_empty())
        released = in_force(known, read_table(con, "gate_releases"))["id"]
        exports = land(con, zone, settings.programmes, forgotten, released)
        write_table(con, "edx_exports", exports)
        lists = land_opt_ins(con, zone, settings.programmes, forgotten)
        write_table(con, "opt_in_lists", lists)
    yield from _materialized(warehouse, ("edx_exports", "opt_in_lists", *RAW))


@dg.multi_asset(
    specs=[
        _spec(name, description, tags, ["edx_exports", "opt_in_lists", *RAW])
        for name, description, tags in (
            ("stg_learners", cleandoc(Learners.__doc__ or ""), NAMES),
            ("stg_former_addresses", cleandoc(FormerAddresses.__doc__ or ""), NAMES),
            ("stg_run_results", cleandoc(RunResults.__doc__ or ""), IDS),
            ("stg_opt_ins", cleandoc(OptIns.__doc__ or ""), NAMES),
            ("course_runs", cleandoc(CourseRuns.__doc__ or ""), NOBODY),
        )
    ]
)
def stage_edx_exports(
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.MaterializeResult[None]]:
    """Learners, their results and who wants e-mail, parsed and checked where they lie."""
    with warehouse.connect() as con:
        exports = read_table(con, "edx_exports")
        stage(con, exports, settings.programmes)
        stage_opt_ins(con, read_table(con, "opt_in_lists"))
        write_table(con, "course_runs", runs_of(settings.programmes, exports))
    names = ("stg_learners", "stg_former_addresses", "stg_run_results", "stg_opt_ins")
    yield from _materialized(warehouse, (*names, "course_runs"))


ASSETS: Sequence[dg.AssetsDefinition] = [land_edx_exports, stage_edx_exports]
