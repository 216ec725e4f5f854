"""What a person must look at in the exports of all sources: one table, whatever landed.

Which facts are a problem is for each source to say (`sources/…/problems`), what a problem is for
`model.problems`.
"""

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import read_table, tables
from edu_pipeline.landing.sources.edx.exports import programme_files
from edu_pipeline.landing.sources.edx.problems import find_programme_problems, without_programmes
from edu_pipeline.landing.sources.edx.stage import reject_counts, unknown_tracks
from edu_pipeline.landing.sources.results.problems import result_problems
from edu_pipeline.landing.sources.school.finding import find_problems
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.problems import problems_frame
from edu_pipeline.settings.home import Settings


def problems_of_all(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    files: pl.DataFrame,
    changes: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:
    """What a person must look at, the school's problems first.

    A source that was not refreshed yet has none; a home that has programmes or exam results and no
    file of a school misses none.

    Args:
        con: The warehouse, with the school's tables; those of the other sources need not be there.
        zone: Where exports land.
        files: `LandingFiles`.
        changes: `LandingChanges`.
        settings: How the exports are read.

    Returns:
        `LandingProblems`, without `since`.

    Raises:
        LandingError: The zone cannot be listed.
    """
    there = tables(con)
    has_results = "attainment_files" in there and not read_table(con, "attainment_files").is_empty()
    others_only = files.is_empty() and (bool(settings.programmes) or has_results)
    return pl.concat(
        [
            problems_frame([]) if others_only else find_problems(con, files, changes, settings),
            _of_programmes(con, zone, settings, there),
            *(
                [result_problems(read_table(con, "attainment_notes"))]
                if "attainment_notes" in there
                else []
            ),
        ]
    )


def _of_programmes(
    con: duckdb.DuckDBPyConnection, zone: Zone, settings: Settings, there: set[str]
) -> pl.DataFrame:
    """What is wrong with edX's exports; without `[[programmes]]`, that they are there."""
    _, strays = programme_files(zone.list(), settings.programmes)
    if not settings.programmes:
        return without_programmes(strays)
    if "stg_run_results" not in there:
        return problems_frame([])
    return find_programme_problems(
        settings.programmes,
        strays,
        read_table(con, "edx_exports"),
        read_table(con, "opt_in_lists"),
        reject_counts(con),
        unknown_tracks(con),
    )
