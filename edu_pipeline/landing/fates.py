"""What became of the rows of all exports, in words that add up; of its own each source says it."""

from collections.abc import Mapping

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import read_table, tables
from edu_pipeline.landing.sources.edx.edx_fates import edx_fates
from edu_pipeline.landing.sources.school.school_fates import school_fates
from edu_pipeline.model.quality import FATES, LandingFates
from edu_pipeline.settings.home import Settings

IN_WORDS: Mapping[str, str] = {
    "counted": "counted",
    "same": "the same as another row",
    "superseded": "replaced by a later row or file",
    "rejected": "rejected",
    "outside": "outside",
    "not_read": "not read",
}
OF_RESULTS = "result_fates"
"""Fates of exam results, which are known when they are read."""


def fates_of_all(
    con: duckdb.DuckDBPyConnection,
    files: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:
    """What became of the rows of all exports.

    Args:
        con: The warehouse; the tables of a source need not be there.
        files: `LandingFiles`.
        settings: How the school's exports are read.

    Returns:
        `LandingFates`.
    """
    there = tables(con)
    found: list[pl.DataFrame] = [LandingFates.create_empty()]
    if "stg_attendance" in there:
        found.append(school_fates(con, files, settings))
    if "edx_exports" in there:
        exports, lists = read_table(con, "edx_exports"), read_table(con, "edx_lists")
        found.append(edx_fates(con, exports, lists))
    if OF_RESULTS in there:
        found.append(read_table(con, OF_RESULTS))
    return pl.concat(found)


def in_words(fates: pl.DataFrame) -> str:
    """What became of rows, such as `250 counted, 1,220 the same as another row, 30 rejected`.

    Args:
        fates: `LandingFates`, of one export.
    """
    counts = fates.group_by("fate").agg(pl.col("rows").sum())
    rows: Mapping[str, int] = dict(counts.select("fate", "rows").iter_rows())
    return ", ".join(f"{rows[fate]:,} {IN_WORDS[fate]}" for fate in FATES if rows.get(fate))


def reasons(fates: pl.DataFrame) -> list[str]:
    """Why rows are not counted, the commonest first: `unknown student id 2`.

    Args:
        fates: `LandingFates`, of one export.
    """
    found = (
        fates.filter(~pl.col("fate").is_in(["counted", "same"]))
        .group_by("rule")
        .agg(pl.col("rows").sum())
        .sort(-pl.col("rows"), "rule")
    )
    return [f"{rule.replace('_', ' ')} {rows:,}" for rule, rows in found.iter_rows()]
