"""Who could go on since nudges began, and whether they did: what tells what letters are good for."""

from datetime import date

import duckdb
import polars as pl

from edu_pipeline.facts.run_results import query_frame


def followed_passes(
    con: duckdb.DuckDBPyConnection, programme_id: str, since: date, until: date, days: int
) -> pl.DataFrame:
    """Learners whose first pass was in a span of days, and whether they began another course soon.

    A pass counts on the last day of its run. Left out is who had begun every other course by that day,
    and who joined a run of another course whose start is not known. Accounts with one address are one
    learner.

    Args:
        con: The warehouse, with `course_completion`, `programme_runs` and `stg_learners`.
        programme_id: The programme.
        since: First day of the span.
        until: Last day; everybody must have been followed for `days` by now.
        days: How long each is followed.

    Returns:
        One row per address: `address` in small letters, `began` whether a run of another course that
        they joined started within `days`.
    """
    return query_frame(
        con,
        """
        with done as (
          select lower(trim(email)) as address, course_completion.*
          from course_completion join stg_learners using (learner_id)
          where programme_id = $programme_id and trim(email) <> ''
        ),
        begun as (
          select address, done.course_id, min(starts) as starts, bool_or(starts is null) as undated
          from done join programme_runs as run
            on run.programme_id = done.programme_id and run.course_id = done.course_id
            and run.run = first_run
          group by all
        ),
        passed as (
          select address, arg_min(done.course_id, ends) as course_id, min(ends) as ends
          from done join programme_runs as run
            on run.programme_id = done.programme_id and run.course_id = done.course_id
            and run.run = first_passed_run
          group by address
          having min(ends) between $since and $until
        ),
        followed as (
          select passed.address,
                 count(begun.course_id) filter (starts <= ends) as before,
                 coalesce(bool_or(undated), false) as unsure,
                 coalesce(bool_or(starts > ends and starts <= ends + $days::int), false) as began
          from passed left join begun
            on begun.address = passed.address and begun.course_id <> passed.course_id
          group by passed.address
        )
        select address, began from followed
        where not unsure and before < (
          select count(distinct course_id) - 1 from programme_runs where programme_id = $programme_id
        )
        order by address
        """,
        {"programme_id": programme_id, "since": since, "until": until, "days": days},
    )
