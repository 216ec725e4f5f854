"""What has landed, in a few lines for the person who started a run."""

from dataclasses import dataclass

import duckdb

from edu_pipeline.landing.rejected import STAGED
from edu_pipeline.settings import SCHOOL_TABLES


@dataclass(frozen=True)
class Landed:
    """One export: rows received, how many were rejected by which rule, rows of its table."""

    table: str
    received: int
    rejected: dict[str, int]
    used: int


def landed(con: duckdb.DuckDBPyConnection) -> list[Landed]:
    """Every export, in the order of `SCHOOL_TABLES`.

    Args:
        con: The warehouse after a refresh.
    """
    rejected: dict[str, dict[str, int]] = {table: {} for table in SCHOOL_TABLES}
    for table, rule, rows in con.execute(
        'select "table", rule, count(*) from rejected_rows group by all order by all'
    ).fetchall():
        rejected[table][rule] = rows
    return [
        Landed(
            table,
            con.execute(f"select count(*) from raw_{table}").fetchall()[0][0],
            rejected[table],
            con.execute(f"select count(*) from stg_{staged}").fetchall()[0][0],
        )
        for table, staged in zip(SCHOOL_TABLES, STAGED, strict=True)
    ]


def problem_messages(con: duckdb.DuckDBPyConnection) -> list[str]:
    """What is wrong with the exports and what to do, each once."""
    query = "select distinct message from landing_problems order by 1"
    return [message for (message,) in con.execute(query).fetchall()]
