"""Who has a reason for a nudge, against the audience of each programme that was accepted last.

`accepted_audience` holds hashes, and an empty one per programme of which an audience was ever
accepted, because that may have become empty. It stays as it is while a programme's nudges are held,
so that an audience that moved remains a problem until somebody looks.
"""

from collections.abc import Collection

import duckdb
import polars as pl

from edu_pipeline.facts.hashed import KEY

ACCEPTED = "accepted_audience"
_REMEMBERED = f"create table if not exists {ACCEPTED} (programme_id varchar, key ubigint)"
_NOW = f"""
select programme_id, {KEY} as key, as_of
from nudges where about is not null and programme_id in (select unnest($programmes::varchar[]))
"""


def audiences(con: duckdb.DuckDBPyConnection, programmes: Collection[str]) -> pl.DataFrame:
    """Each programme's audience, and how it moved since one was accepted.

    Learners are compared, not what they would be told: that changes when they are told something.

    Args:
        con: The warehouse, with `nudges`.
        programmes: Ids of those that there are.

    Returns:
        One row per programme that has an audience or had one: `programme_id`, `as_of` (empty: it has
        none), `accepted` (whether one ever was), `learners`, `learners_before`, `entered`, `gone`, and
        a `digest` of who moved.
    """
    con.execute(_REMEMBERED)
    found: pl.DataFrame = con.sql(
        f"""
        with now as ({_NOW}),
        before as (
          select * from accepted_audience
          where programme_id in (select unnest($programmes::varchar[])) and key is not null
        )
        select programme_id, max(as_of) as as_of,
               programme_id in (select programme_id from accepted_audience) as accepted,
               count(now.key) as learners,
               count(before.key) as learners_before,
               count(*) filter (before.key is null) as entered,
               count(*) filter (now.key is null) as gone,
               printf('%016x', coalesce(bit_xor(coalesce(now.key, before.key))
                 filter (now.key is null or before.key is null), 0)) as digest
        from now full join before using (programme_id, key)
        group by programme_id
        order by programme_id
        """,
        params={"programmes": list(programmes)},
    ).pl()
    return found


def accept_audiences(con: duckdb.DuckDBPyConnection, programmes: Collection[str]) -> None:
    """Make the audiences of these programmes what the next refresh compares with.

    Args:
        con: The warehouse, with `nudges`.
        programmes: Ids of those that are not held.
    """
    con.execute(_REMEMBERED)
    con.execute(
        f"""
        insert into accepted_audience
        select programme_id, null
        from (select programme_id from accepted_audience union select programme_id from ({_NOW}))
        where programme_id in (select unnest($programmes::varchar[]))
          and programme_id not in (select programme_id from accepted_audience where key is null)
        """,
        {"programmes": list(programmes)},
    )
    con.execute(
        """
        delete from accepted_audience
        where programme_id in (select unnest($programmes::varchar[])) and key is not null
        """,
        {"programmes": list(programmes)},
    )
    con.execute(
        f"insert into accepted_audience select programme_id, key from ({_NOW})",
        {"programmes": list(programmes)},
    )
