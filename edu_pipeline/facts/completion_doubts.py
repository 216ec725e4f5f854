"""What is doubtful about who completed: certificates awaited, owed, gone or said two ways, and two accounts.

Who is complete is decided elsewhere.
"""

import duckdb
import polars as pl

from edu_pipeline.facts.certificates_issued import (
    AGREE_OF_COURSE,
    DELIVERED_LATER,
    ISSUED_LATER,
    NOT_DELIVERED,
)
from edu_pipeline.facts.newcomers import CORE, WHOLE
from edu_pipeline.facts.run_results import query_frame
from edu_pipeline.ground.sql import among, literal, literals
from edu_pipeline.model.completion import DELIVERED, DUE, EXPECTED, NOT_VERIFIED, REVOKED

TWO_ACCOUNTS, MISSING = "two_accounts", "missing"
ISSUED_ONLY, DELIVERED_ONLY = "issued_not_delivered", "delivered_not_issued"
WHAT = {
    EXPECTED: "passed on a paid track; the run's certificates are not out yet",
    DUE: "passed on a paid track; certificates are out, and none was delivered",
    REVOKED: "had a certificate of the run, by an earlier report or by edX's table, and has none any more: "
    "it was taken back, or they are missing in the newest report",
    MISSING: "had passed on a paid track by an earlier report, and is missing in the newest",
    NOT_VERIFIED: "passed on a paid track; edX has not verified who they are",
    ISSUED_ONLY: "edX's table has a certificate of the run, and the grade report has none",
    DELIVERED_ONLY: "the grade report has a certificate of the run, and edX's table, which is newer, has none",
    TWO_ACCOUNTS: "is taken for one person with another account, and both have passed something",
    f"no_longer_{CORE}": "had completed the core by the exports before, and has not any more",
    f"no_longer_{WHOLE}": "had completed the programme by the exports before, and has not any more",
}
"""What is doubtful, in words."""
_WORDS = " ".join(f"when {literal(doubt)} then {literal(words)}" for doubt, words in WHAT.items())
IN_WORDS = f"case doubt {_WORDS} end"
_BESIDE = f"""
  case when reason in {literals((ISSUED_LATER, NOT_DELIVERED))} then {literal(ISSUED_ONLY)}
       when reason not in {literals((AGREE_OF_COURSE, DELIVERED_LATER))} then {literal(DELIVERED_ONLY)} end
"""
DOUBTS = f"""
  with asked as materialized (
    from (
      select programme_id, course_id, run, learner_id, since, missing,
             unnest(case when beside is not null and state = {literal(REVOKED)} then [state, beside]
                         when missing and state not in {literals((REVOKED, DELIVERED))} then [{literal(MISSING)}]
                         else [coalesce(beside, state)] end) as doubt
      from run_states left join (
        select programme_id, run, learner_id, {_BESIDE} as beside from course_certificates_issued
      ) using (programme_id, run, learner_id)
    )
    where {among("doubt", (EXPECTED, DUE, REVOKED, MISSING, NOT_VERIFIED, ISSUED_ONLY, DELIVERED_ONLY))}
  )
  select asked.programme_id, learner_id, position, asked.course_id as course, run_name as run, since,
         result.grade, doubt
  from asked
  join course_completion as done using (programme_id, course_id, learner_id)
  join (select programme_id, run, learner_id, grade from stg_run_results) as result
    using (programme_id, run, learner_id)
  join programme_runs using (programme_id, run)
  where not done.certificate or doubt = {literal(DELIVERED_ONLY)}
     or (doubt = {literal(REVOKED)} and missing)
  union all by name
  select programme_id, unnest(accounts) as learner_id, 0 as position, {literal(TWO_ACCOUNTS)} as doubt
  from (
    select programme_id, list(distinct learner_id) as accounts
    from course_completion join stg_people using (learner_id)
    where passed or certificate
    group by programme_id, person_id having len(accounts) > 1
  )
"""
"""SQL of what is doubtful: `programme_id`, `learner_id`, `course`, its `position`, `run`, `doubt` (of `WHAT`),
`since`, `grade`. Of a course with a certificate from any run there is nothing to ask but whether edX's own
table has it, and where one is that an older run had: the day of completion may rest on it."""


def doubts(con: duckdb.DuckDBPyConnection, programme_id: str, moved: pl.DataFrame) -> pl.DataFrame:
    """What a team must look at before it relies on who completed, and who it is about.

    Args:
        con: The warehouse, with `run_states`, `course_completion`, `course_certificates_issued`,
            `stg_run_results`, `stg_people` and `stg_learners`.
        programme_id: The programme.
        moved: `newcomers.newcomers` of it.

    Returns:
        `student_id`, `username`, `email`, `name`, `course`, `run`, `doubt` (of `WHAT`), `since`, `grade`,
        `in_words`; courses in sequence, then by state and id.
    """
    gone = moved.filter(~pl.col("new")).select(
        "learner_id", doubt=pl.format("no_longer_{}", "milestone")
    )
    con.register("gone", gone)
    try:
        return query_frame(
            con,
            f"""
            with found as (
              select * exclude (programme_id) from ({DOUBTS}) where programme_id = $programme
              union all by name
              select learner_id, 0 as position, doubt from gone
            )
            select learner_id as student_id, username, email, name, course, run, doubt, since, grade,
                   {IN_WORDS} as in_words
            from found left join stg_learners using (learner_id)
            order by position, run, doubt, length(learner_id), learner_id
            """,
            {"programme": programme_id},
        )
    finally:
        con.unregister("gone")
