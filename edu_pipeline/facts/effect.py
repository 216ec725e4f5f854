"""Who could go on since nudges began, and whether they did: what tells what letters are good for."""

from datetime import date

import duckdb
import polars as pl

from edu_pipeline.facts.run_results import PEOPLE_COMPLETION, query_frame


def followed_passes(
    con: duckdb.DuckDBPyConnection, programme_id: str, since: date, until: date, days: int
) -> pl.DataFrame:
    """Learners whose first pass was in a span of days, and whether they began another course soon.

    A pass counts on the last day of its run. Left out is who had begun every other course by that day,
    and who joined a run of another course whose start is not known. People with several accounts are
    one learner.

    Args:
        con: The warehouse, with `course_completion`, `person_completion`, `programme_runs`,
            `stg_learners` and `stg_people`.
        programme_id: The programme.
        since: First day of the span.
        until: Last day; everybody must have been followed for `days` by now.
        days: How long each is followed.

    Returns:
        One row per learner with an address: `addresses` of all their accounts in small letters, `began`
        whether a run of another course that they joined started within `days`.
    """
    return query_frame(
        con,
        f"""
        with begun as (
          select learner_id, done.course_id, starts
          from {PEOPLE_COMPLETION} as done join programme_runs as run
            on run.programme_id = done.programme_id and run.course_id = done.course_id
            and run.run = first_run
          where done.programme_id = $programme_id
        ),
        passed as (
          select learner_id, arg_min(done.course_id, ends) as course_id, min(ends) as ends
          from {PEOPLE_COMPLETION} as done join programme_runs as run
            on run.programme_id = done.programme_id and run.course_id = done.course_id
            and run.run = first_passed_run
          where done.programme_id = $programme_id
          group by learner_id
          having min(ends) between $since and $until
        ),
        followed as (
          select passed.learner_id,
                 count(begun.course_id) filter (starts <= ends) as before,
                 coalesce(bool_or(starts is null) filter (begun.course_id is not null), false) as unsure,
                 coalesce(bool_or(starts > ends and starts <= ends + $days::int), false) as began
          from passed left join begun
            on begun.learner_id = passed.learner_id and begun.course_id <> passed.course_id
          group by passed.learner_id
        ),
        written as (
          select coalesce(person_id, learner_id) as learner_id,
                 list(distinct lower(trim(email))) as addresses
          from stg_learners left join stg_people using (learner_id)
          where trim(email) <> ''
          group by all
        )
        select addresses, began from followed join written using (learner_id)
        where not unsure and before < (
          select count(distinct course_id) - 1 from programme_runs where programme_id = $programme_id
        )
        order by learner_id
        """,
        {"programme_id": programme_id, "since": since, "until": until, "days": days},
    )
