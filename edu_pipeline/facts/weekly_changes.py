"""When learners got or lost a certificate, a pass, a paid track, by what the reports said at the time.

What a team believed in a week is what the reports of that week said, whatever is known since.
"""

import duckdb
import polars as pl

from edu_pipeline.facts.run_results import query_frame
from edu_pipeline.facts.run_states import GIVEN, HISTORY, PAID, REACHED

CERTIFICATE, PASSED, VERIFIED = "certificate", "passed", "verified"


def weekly_changes(con: duckdb.DuckDBPyConnection, programme_id: str) -> pl.DataFrame:
    """What changed for whom in which week.

    Args:
        con: The warehouse, with `report_history`, `stg_run_results`, `stg_tracks` and `programme_runs`.
        programme_id: The programme.

    Returns:
        `measure` (`certificate` and `passed` of a course, in any run; `verified`: on a paid track in
        some run), `learner_id`, `course_id` (empty for `verified`), `week` (its Monday), `has`:
        whether from that week on.
    """
    return query_frame(
        con,
        f"""
        with said as (
          select result.learner_id, runs.course_id, run, stamp,
                 date_trunc('week', stamp)::date as week, there and {GIVEN} as certificate,
                 there and {REACHED} as passed,
                 there and {PAID} and enrolled is not false as verified
          from ({HISTORY}) as result
          join programme_runs as runs using (programme_id, run)
          where programme_id = $programme
        ),
        of_week as (
          select learner_id, course_id, run, week,
                 max({{stamp: stamp, certificate: certificate, passed: passed,
                      verified: verified}}) as last
          from said group by learner_id, course_id, run, week
        ),
        long as (
          unpivot (
            select learner_id, course_id, run, week, last.certificate as certificate,
                   last.passed as passed, last.verified as verified from of_week
          ) on certificate, passed, verified into name measure value has
        ),
        moved as (
          select measure, learner_id, if(measure = '{VERIFIED}', '', course_id) as course_id, week,
                 has::int - coalesce(lag(has::int) over (
                   partition by measure, learner_id, run order by week), 0) as step
          from long
        ),
        stepped as (
          select measure, learner_id, course_id, week, sum(step) as step
          from moved where step <> 0 group by all
        ),
        runs_with as (
          select measure, learner_id, course_id, week,
                 sum(step) over (
                   partition by measure, learner_id, course_id order by week
                 ) > 0 as has
          from stepped
        )
        select measure, learner_id, nullif(course_id, '') as course_id, week, has
        from runs_with
        qualify has is distinct from
          coalesce(lag(has) over (partition by measure, learner_id, course_id order by week), false)
        order by all
        """,
        {"programme": programme_id},
    )


def report_weeks(con: duckdb.DuckDBPyConnection, programme_id: str) -> pl.Series:
    """The Mondays of the weeks in which a report of the programme was made, in order."""
    found = query_frame(
        con,
        """
        select distinct date_trunc('week', stamp)::date as week from report_versions
        where programme_id = $programme and doubt is null order by week
        """,
        {"programme": programme_id},
    )
    return found["week"].cast(pl.Date)
