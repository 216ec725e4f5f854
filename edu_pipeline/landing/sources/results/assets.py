"""Exam results as Dagster sees them: files, results, students, groups, differences, notes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import dagster as dg
import polars as pl

from edu_pipeline.ground.resources import Warehouse, table_metadata
from edu_pipeline.ground.steps import spec_of
from edu_pipeline.ground.warehouse import read_table, write_table
from edu_pipeline.landing.sources.results.result_reading import Landed, read_cohort
from edu_pipeline.landing.sources.results.result_zone import exports_in, with_landing_times
from edu_pipeline.landing.tombstones import forgotten_students
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.home import Settings

REJECTED, FATES = "rejected_results", "result_fates"
"""Parts of `rejected_rows` and of `landing_fates`."""
_TABLES: Mapping[str, tuple[str, Callable[[Landed], pl.DataFrame]]] = {
    "attainment_files": ("none", lambda landed: landed.files),
    "result_columns": ("none", lambda landed: landed.columns),
    "stg_results": ("ids", lambda landed: landed.results),
    "exam_series": ("none", lambda landed: landed.series),
    "cohort_students": ("names", lambda landed: landed.students),
    "result_groups": ("ids", lambda landed: landed.groups),
    "stated_differences": ("ids", lambda landed: landed.differences),
    "attainment_notes": ("names", lambda landed: landed.notes),
}
"""Table → whom it tells of, and what it is. Where an export has no id, the id is the name."""


@dg.multi_asset(
    specs=[
        spec_of(name, "landing", kinds={"polars"}, pii=pii, deps=["forgotten"], source="results")
        for name, (pii, _) in _TABLES.items()
    ]
)
def land_attainment(
    settings: dg.ResourceParam[Settings],
    zone: dg.ResourceParam[Zone],
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.MaterializeResult[None]]:
    """The exam results of all cohorts, with the baselines that came in files of their own."""
    exports = exports_in(zone)
    with warehouse.connect() as con:
        forgotten = forgotten_students(read_table(con, "forgotten"))
        landed = read_cohort(exports, settings.attainment, forgotten=forgotten)
        landed = replace(landed, files=with_landing_times(landed.files, zone))
        write_table(con, REJECTED, landed.rejected)
        write_table(con, FATES, landed.fates)
        for name, (_, frame) in _TABLES.items():
            write_table(con, name, frame(landed))
            yield dg.MaterializeResult(asset_key=name, metadata=table_metadata(con, name))


ASSETS: Sequence[dg.AssetsDefinition] = [land_attainment]
