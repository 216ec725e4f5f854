"""Who completed since the exports before these, by what was reported then.

`reported_completers` holds hashes of who was complete by the exports in force and by those before them,
so that a refresh of the same exports does not make its own news old; and an empty one for each, because
nobody may have been complete. What was held was not to be passed on, and makes no news old either: it is
not remembered before somebody has let it go.
"""

from collections.abc import Collection

import duckdb
import polars as pl

from edu_pipeline.facts.hashed import KEY
from edu_pipeline.facts.run_results import query_frame

TABLE = "reported_completers"
CORE, WHOLE = "core", "programme"
_NOW = f"""
select programme_id, learner_id, milestone, {KEY} as key
from (
  select programme_id, learner_id, '{CORE}' as milestone from programme_progress where core_complete
  union all
  select programme_id, learner_id, '{WHOLE}' from programme_progress where complete
)
"""
_DIGEST = """
select md5(string_agg(sha256, ' ' order by path)) from edx_exports
where programme_id = $programme and current
"""


def report_completers(con: duckdb.DuckDBPyConnection, programmes: Collection[str]) -> None:
    """Remember who is complete by the exports in force, and by those before them.

    Args:
        con: The warehouse, with `edx_exports` and `programme_progress`.
        programmes: Ids of those that are not held.
    """
    con.execute(
        f"create table if not exists {TABLE} (programme_id varchar, digest varchar, "
        "latest boolean, milestone varchar, key ubigint)"
    )
    for programme in programmes:
        of = {"programme": programme}
        ((digest,),) = con.execute(_DIGEST, of).fetchall()
        if digest is None:  # nothing landed: what was known stays
            continue
        now = {**of, "digest": digest}
        moved = con.execute(
            f"select count(*) from {TABLE} where programme_id = $programme and latest "
            "and digest <> $digest",
            now,
        ).fetchall()[0][0]
        if moved:
            con.execute(f"delete from {TABLE} where programme_id = $programme and not latest", of)
            con.execute(f"update {TABLE} set latest = false where programme_id = $programme", of)
        con.execute(f"delete from {TABLE} where programme_id = $programme and latest", of)
        con.execute(
            f"""
            insert into {TABLE}
            select $programme, $digest, true, milestone, key
            from ({_NOW}) where programme_id = $programme
            union all select $programme, $digest, true, null, null
            """,
            now,
        )


def newcomers(con: duckdb.DuckDBPyConnection, programme_id: str) -> pl.DataFrame:
    """Who is complete now and was not by the exports before, and who was and is not any more.

    Before is what was remembered last of other exports than those in force.

    Args:
        con: The warehouse, after `report_completers`.
        programme_id: The programme.

    Returns:
        `learner_id`, `milestone` (`core`, `programme`), `new` (false: not any more); none where
        these exports are the first.
    """
    return query_frame(
        con,
        f"""
        with before as (
          select milestone, key from {TABLE}
          where programme_id = $programme and latest = coalesce(
            (select any_value(digest) from {TABLE} where programme_id = $programme and latest)
            <> ({_DIGEST}), false)
        ),
        now as (from ({_NOW}) where programme_id = $programme),
        known as (
          select learner_id, {KEY} as key
          from programme_progress where programme_id = $programme
        )
        select learner_id, milestone, true as new from now anti join before using (milestone, key)
        where exists (from before)
        union all
        select learner_id, milestone, false as new
        from before join known using (key) anti join now using (milestone, key)
        order by all
        """,
        {"programme": programme_id},
    )
