"""What a person must look at in the exports of all sources: one table, whatever landed.

Which facts are a problem is for each source to say (`sources/…/problems`), what a problem is for
`model.problems`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import columns_of, read_earlier, read_table, tables
from edu_pipeline.landing.elsewhere import lying_elsewhere
from edu_pipeline.landing.sources.edx.edx_evidence import counted
from edu_pipeline.landing.sources.edx.edx_problems import (
    find_programme_problems,
    without_programmes,
)
from edu_pipeline.landing.sources.edx.edx_reading import unknown_headers
from edu_pipeline.landing.sources.edx.exports import programme_files
from edu_pipeline.landing.sources.results.result_problems import result_problems
from edu_pipeline.landing.sources.school.changes import accept, compare
from edu_pipeline.landing.sources.school.finding import find_problems
from edu_pipeline.landing.sources.school.placing import LIKELY_EXPORT, place
from edu_pipeline.landing.sources.school.school_problems import change_problems
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.gate import known_since, unreleased
from edu_pipeline.model.problems import problems_frame
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.settings.home import Settings


def accepted_changes(
    con: duckdb.DuckDBPyConnection,
    files: pl.DataFrame,
    settings: Settings,
    *,
    mailed: bool,
    releases: pl.DataFrame,
) -> pl.DataFrame:
    """What has changed since what was accepted last; what is not held, or was released, is accepted.

    Args:
        con: The warehouse, with `raw_…`.
        files: `LandingFiles`.
        settings: How the exports are read.
        mailed: Whether letters went out before.
        releases: `id` and `at` of what somebody released.

    Returns:
        `LandingChanges`. The next refresh compares with what is accepted here.
    """
    changes = compare(con, files, settings, mailed=mailed)
    found = _with_since(con, problems_frame(change_problems(changes)))
    accept(con, changes, files, settings, set(unreleased(found, releases)["table"]))
    return changes


def _with_since(con: duckdb.DuckDBPyConnection, problems: pl.DataFrame) -> pl.DataFrame:
    before = read_earlier(con, "landing_problems", LandingProblems.create_empty())
    return known_since(problems, before, datetime.now(UTC).replace(tzinfo=None))


def messages_of(
    problems: pl.DataFrame, source: str, kinds: Sequence[str] | None, others: Sequence[str]
) -> tuple[Sequence[str], bool]:
    """What problems of a source say, each once, and whether anything waits for one.

    Args:
        problems: `LandingProblems`.
        source: Of which.
        kinds: Of which kinds; None: of all but `others`.
        others: Kinds.
    """
    kind = pl.col("kind")
    chosen = ~kind.is_in(others) if kinds is None else kind.is_in(kinds)
    found = problems.filter(pl.col("source") == source, chosen)
    return found["message"].unique(maintain_order=True).to_list(), found["holds"].count() > 0


def problems_of_all(
    con: duckdb.DuckDBPyConnection, zone: Zone, settings: Settings, releases: pl.DataFrame
) -> pl.DataFrame:
    """What a person must look at, the school's problems first.

    A source that was not refreshed yet has none; a home with programmes, or with files of other
    sources, and none of a school misses none.

    Args:
        con: The warehouse; the tables of a source need not be there.
        zone: Where exports land.
        settings: How the exports are read.
        releases: `id` of what somebody released.

    Returns:
        `LandingProblems`.

    Raises:
        LandingError: The zone cannot be listed.
    """
    found = [_of_school(con, zone, settings, releases), problems_of_others(con, zone, settings)]
    return _with_since(con, pl.concat(found))


def problems_of_others(
    con: duckdb.DuckDBPyConnection, zone: Zone, settings: Settings
) -> pl.DataFrame:
    """What a person must look at in the exports of edX and of exam results.

    Args:
        con: A database, with the tables of the sources that were read.
        zone: Where exports land.
        settings: How the exports are read.

    Returns:
        `LandingProblems`, without `since`.

    Raises:
        LandingError: The zone cannot be listed.
    """
    there = tables(con)
    notes = [read_table(con, "attainment_notes")] if "attainment_notes" in there else []
    return pl.concat(
        [_of_programmes(con, zone, settings, there), *(result_problems(each) for each in notes)]
    )


def _of_school(
    con: duckdb.DuckDBPyConnection, zone: Zone, settings: Settings, releases: pl.DataFrame
) -> pl.DataFrame:
    """What is wrong with the school's exports, and with files that nobody reads.

    An export that lies there under another name is not missing.
    """
    elsewhere = lying_elsewhere(file.path for file in zone.list())
    strays = problems_frame(place(zone, settings.landing, elsewhere).problems())
    if columns_of(con, "landing_changes") is None:
        return strays
    files = read_table(con, "landing_files")
    sources = set(files["source"])
    if "school" not in sources and (
        settings.programmes or not sources.isdisjoint({"edx", "results"})
    ):
        return strays
    likely = strays.filter(pl.col("kind") == LIKELY_EXPORT)["table"].to_list()
    missing = (pl.col("kind") == "missing_export") & pl.col("table").is_in(likely)
    changes, released = read_table(con, "landing_changes"), releases["id"].to_list()
    found = find_problems(con, zone, files, changes, settings, released)
    return pl.concat([found.filter(~missing), strays])


def _of_programmes(
    con: duckdb.DuckDBPyConnection, zone: Zone, settings: Settings, there: set[str]
) -> pl.DataFrame:
    """What is wrong with edX's exports; without `[[programmes]]`, that they are there."""
    _, strays = programme_files(zone.ours(), settings.programmes)
    if not settings.programmes:
        return without_programmes(strays)
    if "stg_run_results" not in there:
        return problems_frame([])
    exports = read_table(con, "edx_exports")
    evidence = counted(con, exports)
    columns = settings.landing.edx.columns
    return find_programme_problems(
        settings.programmes,
        strays,
        exports,
        read_table(con, "edx_lists"),
        evidence,
        unknown_headers(zone, evidence["bare"]["file"], columns),
        datetime.now(settings.zone).date(),
    )
