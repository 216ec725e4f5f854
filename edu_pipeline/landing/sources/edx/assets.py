"""edX's exports as Dagster sees them: files, raw tables, learners, results, runs."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

import dagster as dg

from edu_pipeline.ground.resources import Warehouse, table_metadata
from edu_pipeline.ground.steps import spec_of
from edu_pipeline.ground.warehouse import (
    one_thread,
    read_earlier,
    read_table,
    transaction,
    write_table,
)
from edu_pipeline.landing.sources.edx.data_packages import packaged_runs
from edu_pipeline.landing.sources.edx.edx_reports import TABLES
from edu_pipeline.landing.sources.edx.exports import course_runs as runs_of
from edu_pipeline.landing.sources.edx.exports import land
from edu_pipeline.landing.sources.edx.lists import land_lists
from edu_pipeline.landing.sources.edx.report_history import HISTORY, VERSIONS
from edu_pipeline.landing.sources.edx.stage import stage_all
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.gate import in_force
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.settings.home import Settings

STALE_AFTER = timedelta(days=8)
NEEDED = ("forgotten", "gate_releases")
RAW = tuple(f"raw_{table}" for table in TABLES.values())
STAGED: Mapping[str, str] = {
    "stg_learners": "names",
    "stg_former_addresses": "names",
    "stg_run_results": "ids",
    "stg_tracks": "none",
    "stg_opt_ins": "names",
    "stg_programme_certificates": "ids",
    "stg_data_packages": "ids",
    "stg_people": "ids",
    "course_runs": "none",
    HISTORY: "ids",
    VERSIONS: "none",
}
"""Table → whom it tells of."""


_spec = functools.partial(spec_of, group="landing", kinds={"duckdb"}, source="edx")


def _materialized(
    warehouse: Warehouse, names: Iterable[str]
) -> Iterator[dg.MaterializeResult[None]]:
    with warehouse.connect() as con:
        for name in names:
            yield dg.MaterializeResult(asset_key=name, metadata=table_metadata(con, name))


@dg.multi_asset(
    specs=[
        _spec("edx_exports", pii="none", deps=NEEDED),
        _spec("edx_lists", pii="none", deps=NEEDED),
        *(
            _spec(
                name,
                pii="names",
                deps=NEEDED,
                description=(
                    "The rows of the edX exports that count: the columns that are read, as received."
                ),
                freshness=dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER),
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
    # small writes, each slow to be durable
    with warehouse.connect() as con, one_thread(con), transaction(con):
        forgotten = read_table(con, "forgotten")
        known = read_earlier(con, "landing_problems", LandingProblems.create_empty())
        released = in_force(known, read_table(con, "gate_releases"))["id"]
        columns = settings.landing.edx.columns
        exports = land(con, zone, settings.programmes, forgotten, released, columns)
        write_table(con, "edx_exports", exports)
        lists = land_lists(con, zone, settings.programmes, forgotten, columns)
        write_table(con, "edx_lists", lists)
    yield from _materialized(warehouse, ("edx_exports", "edx_lists", *RAW))


@dg.multi_asset(
    specs=[
        _spec(name, pii=pii, deps=["edx_exports", "edx_lists", *RAW])
        for name, pii in STAGED.items()
    ]
)
def stage_edx_exports(
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.MaterializeResult[None]]:
    """Learners, their results and who wants e-mail, parsed and checked where they lie."""
    with warehouse.connect() as con, one_thread(con), transaction(con):
        exports = read_table(con, "edx_exports")
        stage_all(con, exports, read_table(con, "edx_lists"), settings.programmes)
        packaged = packaged_runs(con)
        write_table(con, "course_runs", runs_of(settings.programmes, exports, packaged))
    yield from _materialized(warehouse, STAGED)


ASSETS: Sequence[dg.AssetsDefinition] = [land_edx_exports, stage_edx_exports]
