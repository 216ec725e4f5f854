"""What became of the rows of edX's exports that were read: of every file its rows, told apart."""

import duckdb
import polars as pl

from edu_pipeline.landing.rules import NEWER_FILE, SUPERSEDED
from edu_pipeline.landing.sources.edx.edx_reports import (
    CERTIFICATES,
    REPORTS,
    TABLES,
    bare_id,
    said,
)
from edu_pipeline.landing.sources.edx.lists import OF_PACKAGES
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingFates

HELD = "held_until_released"
"""Rows of a newest report that lost too much of what the one before had."""
NO_LEARNER = "no_learner_of_ours"
"""Preferences of people whom no export that counts has."""


def edx_fates(
    con: duckdb.DuckDBPyConnection, exports: pl.DataFrame, lists: pl.DataFrame
) -> pl.DataFrame:
    """What became of the rows of each file.

    Of files that nobody had to read the rows are not known, and they have no fates; rows of people
    who were erased never came in.

    Args:
        con: The warehouse, with the raw, staged and rejected tables of edX.
        exports: `EdxExports`.
        lists: `EdxLists`.

    Returns:
        `LandingFates`.
    """
    received = pl.concat(
        [
            exports.select(
                "path", "rows", "current", "doubt", table=pl.col("kind").replace_strict(REPORTS)
            ),
            lists.select("path", "rows", table=pl.col("kind").replace_strict(TABLES))
            .unique()
            .with_columns(current=True, doubt=pl.lit(None, pl.String)),
        ],
        how="diagonal",
    ).filter(pl.col("rows") > 0)
    held = pl.when(pl.col("doubt").is_not_null())
    whole = received.filter(~pl.col("current")).with_columns(
        fate=held.then(pl.lit("not_read")).otherwise(pl.lit("superseded")),
        rule=held.then(pl.lit(HELD)).otherwise(pl.lit(NEWER_FILE)),
    )
    rejected = " union all ".join(f"from rejected_{table}" for table in TABLES.values())
    outside = " union all ".join(
        f"from outside_{TABLES[kind]}" for kind in (CERTIFICATES, *OF_PACKAGES)
    )
    lost: pl.DataFrame = con.sql(
        f"""
        select file as path, rule, if(rule = '{SUPERSEDED}', 'superseded', 'rejected') as fate,
               count(*)::bigint as rows
        from ({rejected}) group by all
        union all ({_OUTSIDE})
        union all select file, rule, 'outside', rows from ({outside})
        """
    ).pl()
    read = received.filter("current")
    counted = (
        read.join(lost.group_by("path").agg(lost=pl.col("rows").sum()), on="path", how="left")
        .with_columns(rows=pl.col("rows") - pl.col("lost").fill_null(0))
        .filter(pl.col("rows") > 0)
        .with_columns(fate=pl.lit("counted"), rule=pl.lit(""))
    )
    lost = lost.join(read.select("path", "table"), on="path")
    columns = ("table", "path", "fate", "rule", "rows")
    found = pl.concat([each.select(columns) for each in (whole, lost, counted)])
    frame = found.rename({"path": "file"}).with_columns(source=pl.lit("edx"))
    schema = dtypes(LandingFates)
    return LandingFates.validate(
        frame.select(list(schema)).cast(schema).sort("table", "file", "fate", "rule")
    )


_OUTSIDE = f"""
select _file as path, '{NO_LEARNER}' as rule, 'outside' as fate, count(*)::bigint as rows
from (
  select _file, _line, {bare_id()} as id, {said("username")} as name, lower({said("email")}) as address
  from raw_opt_ins
) as said
anti join rejected_opt_ins as bad on bad.file = said._file and bad.line = said._line
anti join stg_learners as known on known.learner_id = said.id
anti join (select username from stg_learners) as named on named.username = said.name
anti join (
  select lower(trim(email)) as address from stg_learners
  union select address from stg_former_addresses
) as addressed on coalesce(said.id, said.name) is null and addressed.address = said.address
group by all
"""
