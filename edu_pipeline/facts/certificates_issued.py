"""Certificates that edX issued, beside what is computed here: of programmes, and of courses.

Only where a list of issued certificates is there, or edX's own table of them. Who is complete, and who has a
certificate of a run, is decided elsewhere.
"""

from collections.abc import Iterable, Mapping

import duckdb
import polars as pl

from edu_pipeline.facts.run_results import HELD_COMPLETION, HELD_PROGRESS, query_frame
from edu_pipeline.ground.sql import literal
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import DELIVERED, CertificatesIssued
from edu_pipeline.model.programmes import DOWNLOADABLE
from edu_pipeline.settings.programmes import Programme

AGREE = "issued, and complete"
ANOTHER_ACCOUNT = "issued, and complete with another account"
UNKNOWN = "issued, and no export of a run has the learner"
INCOMPLETE = "issued, and not complete by the exports"
LATER = "complete since the list was made"
NOT_ISSUED = "complete, and none issued"
AGREE_OF_COURSE = "issued, and delivered"
ISSUED_LATER = "issued, and not delivered by an older report"
NOT_DELIVERED = "issued, and not delivered by the newest report"
DELIVERED_LATER = "delivered since edX's table was made"
TABLE_WITHOUT = "delivered, and not in edX's table"
IN_TABLE = " in edX's table"
"""Of certificates of courses; one that is in the table with another status has that in words."""


def certificates_issued(
    con: duckdb.DuckDBPyConnection, programmes: Iterable[Programme]
) -> pl.DataFrame:
    """Who was issued a programme's certificate or is complete, and why the two differ.

    A person with several accounts counts by all of them: complete under one and issued to another is
    no difference. Whoever is in no list has none issued by the newest one.

    Args:
        con: The warehouse, with `stg_programme_certificates`, `programme_progress`,
            `person_progress`, `stg_people`, `course_completion`, and `person_completion`.
        programmes: The settings.

    Returns:
        `CertificatesIssued`.
    """
    held = query_frame(
        con,
        f"""
        select programme_id, learner_id, list(course_id) as courses
        from {HELD_COMPLETION} where certificate group by all
        """,
    )
    holds: Mapping[tuple[str, str], list[str]] = {
        (programme_id, learner): courses for programme_id, learner, courses in held.iter_rows()
    }
    found = query_frame(con, _BESIDE)
    needed = {each.id: each for each in programmes}
    missing = [
        _missing(
            needed[row["programme_id"]], holds.get((row["programme_id"], row["learner_id"]), [])
        )
        if row["reason"] == INCOMPLETE
        else None
        for row in found.iter_rows(named=True)
    ]
    schema = dtypes(CertificatesIssued)
    rows = found.with_columns(missing=pl.Series(missing, dtype=pl.String))
    return CertificatesIssued.validate(rows.select(list(schema)).cast(schema))


def _missing(programme: Programme, held: list[str]) -> str:
    """Courses of a programme without a certificate, in sequence; of a choice perhaps more than needed."""
    wanted = {*programme.requirement.courses(), programme.capstone}
    return ", ".join(
        course.id for course in programme.courses if course.id in wanted and course.id not in held
    )


_BESIDE = f"""
with listed as (
  select programme_id, max(listed_on) as newest from stg_programme_certificates group by all
),
issued_to as (
  select programme_id, person_id from stg_programme_certificates
  join stg_people using (learner_id) where issued
),
beside as (
  select programme_id, learner_id, coalesce(issued, false) as issued, issued_on,
         coalesce(progress.complete, false) as complete, progress.completed_on, newest,
         progress.learner_id is not null as known,
         coalesce(held.complete, false) as person_complete,
         issued_to.person_id is not null as person_issued
  from stg_programme_certificates as certificate
  full join programme_progress as progress using (programme_id, learner_id)
  join listed using (programme_id)
  left join {HELD_PROGRESS} as held using (programme_id, learner_id)
  left join stg_people as people using (learner_id)
  left join (select distinct * from issued_to) as issued_to
    using (programme_id, person_id)
)
select programme_id, learner_id, issued, issued_on, complete, completed_on,
       case when issued and complete then '{AGREE}'
            when issued and person_complete then '{ANOTHER_ACCOUNT}'
            when issued and not known then '{UNKNOWN}'
            when issued then '{INCOMPLETE}'
            when person_issued then '{ANOTHER_ACCOUNT}'
            when completed_on > newest then '{LATER}'
            else '{NOT_ISSUED}' end as reason
from beside where issued or complete
order by programme_id, learner_id
"""


def build_course_certificates(con: duckdb.DuckDBPyConnection) -> None:
    """Make `course_certificates_issued`: edX's own table of certificates beside what reports deliver.

    Of runs that the table is of, who has a certificate by either; where reports are silent the table was
    believed, and the two agree.

    Args:
        con: The warehouse, with `stg_data_packages`, `stg_run_results` and `run_states`.
    """
    con.execute(
        f"""
        create or replace table course_certificates_issued as
        with tabled as (
          select programme_id, run, max(issued_listed_at) as newest
          from stg_data_packages where status is not null group by all
        ),
        beside as (
          select programme_id, states.course_id, run, learner_id, state, package.status, issued_on,
                 coalesce(package.status = {literal(DOWNLOADABLE)} and certificate_paid, false) as issued,
                 result.stamp, coalesce(issued_listed_at, newest) as listed_at
          from run_states as states
          join tabled using (programme_id, run)
          join (select programme_id, run, learner_id, stamp from stg_run_results) as result
            using (programme_id, run, learner_id)
          left join (
            select programme_id, run, learner_id, status, issued_on, certificate_paid, issued_listed_at
            from stg_data_packages where status is not null
          ) as package using (programme_id, run, learner_id)
        )
        select programme_id, course_id, run, learner_id, status, issued_on, state,
               case when issued and state = {literal(DELIVERED)} then {literal(AGREE_OF_COURSE)}
                    when issued and stamp < listed_at then {literal(ISSUED_LATER)}
                    when issued then {literal(NOT_DELIVERED)}
                    when stamp > listed_at then {literal(DELIVERED_LATER)}
                    when status is null then {literal(TABLE_WITHOUT)}
                    else concat('delivered, and ', status, {literal(IN_TABLE)}) end as reason
        from beside where issued or state = {literal(DELIVERED)}
        """
    )
