"""What is doubtful about who completed: certificates awaited, owed or gone.

Who is complete is decided elsewhere.
"""

import duckdb
import polars as pl

from edu_pipeline.facts.newcomers import CORE, WHOLE
from edu_pipeline.facts.run_results import query_frame
from edu_pipeline.ground.sql import literals
from edu_pipeline.model.completion import DUE, EXPECTED, NOT_VERIFIED, REVOKED

WHAT = {
    EXPECTED: "passed on a paid track; the run's certificates are not out yet",
    DUE: "passed on a paid track; certificates are out, and none was delivered",
    REVOKED: "had a certificate of the run in an earlier report, and has none in the newest",
    NOT_VERIFIED: "passed on a paid track; edX has not verified who they are",
    f"no_longer_{CORE}": "had completed the core by the exports before, and has not any more",
    f"no_longer_{WHOLE}": "had completed the programme by the exports before, and has not any more",
}
"""What is doubtful, in words."""


def doubts(con: duckdb.DuckDBPyConnection, programme_id: str, moved: pl.DataFrame) -> pl.DataFrame:
    """What a team must look at before it relies on who completed, and who it is about.

    Of a course with a certificate from any run there is nothing to ask.

    Args:
        con: The warehouse, with `run_states`, `course_completion`, `stg_run_results`, and
            `stg_learners`.
        programme_id: The programme.
        moved: `newcomers.newcomers` of it.

    Returns:
        `student_id`, `username`, `email`, `name`, `course`, `run`, `doubt` (of `WHAT`), `since`, `grade`,
        `in_words`; courses in sequence, then by state and id.
    """
    gone = moved.filter(~pl.col("new")).select(
        "learner_id", doubt=pl.format("no_longer_{}", "milestone")
    )
    words = pl.DataFrame({"doubt": list(WHAT), "in_words": list(WHAT.values())})
    con.register("gone", gone)
    con.register("words", words)
    try:
        return query_frame(
            con,
            f"""
            with found as (
              select learner_id, position, states.course_id as course, run_name as run,
                     states.state as doubt, since, result.grade
              from run_states as states
              join course_completion as done using (programme_id, course_id, learner_id)
              join stg_run_results as result using (programme_id, run, learner_id)
              join programme_runs using (programme_id, run)
              where programme_id = $programme and not done.certificate
                and states.state in {literals((EXPECTED, DUE, REVOKED, NOT_VERIFIED))}
              union all by name
              select learner_id, 0 as position, doubt from gone
            )
            select learner_id as student_id, username, email, name, course, run, doubt, since, grade,
                   in_words
            from found join words using (doubt) left join stg_learners using (learner_id)
            order by position, run, doubt, length(learner_id), learner_id
            """,
            {"programme": programme_id},
        )
    finally:
        con.unregister("gone")
        con.unregister("words")
