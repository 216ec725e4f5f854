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
    stepped = " union all ".join(
        f"select '{measure}' as measure, learner_id, {course} as course_id, week, "
        f"sum({measure}) as step from moved group by all having step <> 0"
        for measure, course in ((CERTIFICATE, "course_id"), (PASSED, "course_id"), (VERIFIED, "''"))
    )
    return query_frame(
        con,
        f"""
        with said as (
          select learner_id, course_id, number, stamp, begun, there and {GIVEN} as certificate,
                 there and {REACHED} as passed,
                 there and {PAID} and enrolled is not false as verified
          from ({HISTORY}) as result
          join programme_runs using (programme_id, run)
          join (
            select programme_id, run, min(stamp) as begun from report_history group by all
          ) using (programme_id, run)
          where programme_id = $programme
        ),
        moved as (
          select learner_id, course_id, date_trunc('week', stamp)::date as week,
                 {_step(CERTIFICATE)}, {_step(PASSED)}, {_step(VERIFIED)}
          -- who has nothing by a run's first report has no step there, and needs none to be seen
          from said where certificate or passed or verified or stamp > begun
          window earlier as (partition by learner_id, number order by stamp)
        ),
        stepped as ({stepped}),
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
        """,
        {"programme": programme_id},
    )


def _step(measure: str) -> str:
    return f"{measure}::int - coalesce(lag({measure}::int) over earlier, 0) as {measure}"


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
