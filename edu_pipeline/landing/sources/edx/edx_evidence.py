"""What the staged tables show of edX's exports, counted where it lies, for `edx_problems` to judge."""

from collections.abc import Mapping
from typing import cast

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal
from edu_pipeline.landing.sources.edx.edx_reports import TABLES, bare_id, said
from edu_pipeline.landing.sources.edx.programme_certificates import ANOTHER
from edu_pipeline.landing.sources.edx.stage import grade_scales

Evidence = Mapping[str, pl.DataFrame]
"""Counts of what landed and was staged, by `scales` (`stage.grade_scales`) and by what `_QUERIES` counts."""


def counted(con: duckdb.DuckDBPyConnection, exports: pl.DataFrame) -> Evidence:
    """Count.

    Args:
        con: The warehouse, with the raw and staged tables of edX.
        exports: `EdxExports`.
    """
    con.register("counting", exports.filter("current"))
    found = {
        name: cast("pl.DataFrame", con.sql(f"{query} order by all").pl())
        for name, query in _QUERIES.items()
    }
    con.unregister("counting")
    return {**found, "scales": grade_scales(con)}


_REJECTED = f"""
select file, rule, count(*) as rows, min(line) as line
from ({" union all ".join(f"from rejected_{table}" for table in TABLES.values())}) group by all
"""
"""Rows that did not make it: per `file` and `rule` `rows` and the first `line`."""
_BARE = """
select raw._file as file
from raw_grade_reports as raw join counting on counting.path = raw._file
group by raw._file
having count(coalesce(track, verification, certificate_eligible, certificate_delivered)) = 0
"""
"""Grade reports that say nothing of tracks and certificates: `file`."""
_PROGRAM = f"coalesce({said('program')}, {said('program_uuid')})"
_OF_OTHERS = f"""
with outside as (
  select file, sum(rows) as rows, sum(rows) filter (rule = {literal(ANOTHER)}) as another
  from outside_programme_certificates group by file
),
bad as (select file, count(*) as rows from rejected_programme_certificates group by file)
select _file as path, count(*) as rows, list(distinct {_PROGRAM} order by {_PROGRAM}) as programs
from raw_programme_certificates
join outside on outside.file = _file left join bad on bad.file = _file
group by _file
having any_value(another) > 0
  and count(*) = any_value(outside.rows) + coalesce(any_value(bad.rows), 0)
"""
"""Lists of programme certificates of which no row is of a programme whose list it is: `path`, `rows`, and the
`programs` that they name."""
# what is no word, such as a name that slipped in, is not told
_TRACKS = """
select programme_id, count(*) as rows,
       case when regexp_full_match(track, '[a-z0-9]+([-_][a-z0-9]+)*') then track
            else '(no word)' end as track
from stg_run_results where track is not null and paid is null
group by all
"""
"""Tracks in no list: per `programme_id` and `track` `rows`."""
_UNPAID = """
select programme_id, track, count(*) as rows
from stg_run_results
where certificate_delivered and not paid and programme_id not in (
  select programme_id from stg_run_results
  where certificate_delivered and (paid or certificate_paid)
)
group by all
"""
"""Certificates delivered on a free track in a programme that has none on a paid one: per `programme_id`
and `track` `rows`."""
_APART = """
with alone as (
  select result.file as profile, programme_id, run, result.learner_id, username
  from stg_run_results as result
  join (select distinct _file from raw_profiles) as profiles on profiles._file = result.file
  left join stg_learners using (learner_id)
),
graded as (
  select programme_id, run, username
  from stg_run_results as result
  join (select distinct _file from raw_grade_reports) as reports on reports._file = result.file
  semi join (select distinct programme_id, run from alone) using (programme_id, run)
  join stg_learners using (learner_id)
  where username is not null
)
select profile, count(*) as learners, count(graded.username) as renamed
from alone left join (select distinct * from graded) as graded using (programme_id, run, username)
group by profile
"""
"""Learners whom of a run only the profile has: per `profile` (its path) `learners`, and how many of them
(`renamed`) have their username in the run's grade report under another id."""
_SHARED = """
with passed as (
  select distinct programme_id, learner_id from stg_run_results
  where certificate_eligible or certificate_delivered
),
same as (
  select lower(trim(email)) as address from stg_learners where email is not null
  group by address having count(*) > 1
),
accounts as (
  select programme_id, learner_id, coalesce(person_id, learner_id) as person_id, address
  from passed
  join (
    select learner_id, lower(trim(email)) as address from stg_learners
    semi join same on same.address = lower(trim(email))
  ) using (learner_id)
  left join stg_people using (learner_id)
)
select programme_id, list(person_id order by person_id) as learner_ids
from (select distinct programme_id, person_id, address from accounts)
group by programme_id, address having count(*) > 1
"""
"""Accounts with one address, not known to be one person's, that all have some certificate of a programme: per
`programme_id` and address `learner_ids`."""
_SEVERAL = """
select programme_id, list(distinct learner_id order by learner_id) as learner_ids
from stg_run_results join stg_people using (learner_id)
where certificate_eligible or certificate_delivered
group by programme_id, person_id having count(distinct learner_id) > 1
"""
"""Accounts of one person that all have some certificate of a programme: per `programme_id` and person
`learner_ids`."""
_TWINS = """
with graded as (
  select programme_id, course_id, run, file, count(*) as learners, count(distinct grade) as grades,
         bit_xor(hash(learner_id, grade)) as content
  from stg_run_results where grade is not null
  group by all having max(grade) > 0
)
select programme_id, one.file, two.file as other, learners as rows
from graded as one join graded as two using (programme_id, learners, content)
where one.run < two.run and if(one.course_id = two.course_id, learners > 1, one.grades > 2)
"""
"""Grade reports of two runs that say the same of the same learners: `programme_id`, `file`, `other`,
`rows` (learners)."""


def _who(table: str) -> str:
    """SQL of who stands in a raw table and how, so that a join finds equal ids by their hash."""
    return f"""
      select _file, {bare_id()} as id, lower({said("track")}) as track,
             lower(trim(username)) as username, lower({said("email")}) as email
      from {table}
    """


_CROSSED = f"""
with one as ({_who("raw_profiles")}),
two as ({_who("raw_grade_reports")}),
known as (
  select lists.programme_id, lists.run, lists.path as profile, grades.path as grades,
         one.track as one_track, two.track as two_track,
         one.username <> two.username or one.email <> two.email as renamed
  from counting as lists
  join counting as grades using (programme_id, run)
  join one on one._file = lists.path
  join two on two._file = grades.path and two.id = one.id
  where lists.kind = 'profile' and grades.kind = 'grades'
    and abs(epoch(lists.stamp) - epoch(grades.stamp)) <= 24 * 60 * 60
)
select programme_id, run, profile, grades, count(*) as rows, count(*) filter (renamed) as renamed,
       count(*) filter (one_track < two_track) as up, count(*) filter (one_track > two_track) as down
from known group by all
"""
"""Of a profile and a grade report of one run and day how many `rows` are of the same learner, how many are
on another track, in one direction (`up`) and the other (`down`), and how many are called otherwise
(`renamed`)."""
_VERDICTS = """
select programme_id, run, grade, certificate_eligible or certificate_delivered as eligible,
       coalesce(paid and enrolled, false) as paid, count(*) as rows
from stg_run_results where grade is not null and eligible is not null group by all
"""
"""What edX says of grades: per `programme_id`, `run`, `grade`, whether it calls them `eligible` for a
certificate and whether their learners are on a paid track (`paid`) `rows`."""
_NAMED = " union all ".join(
    f"select _file as file, course, course_run, count(*) as rows from raw_{table} "
    "where coalesce(course, course_run) is not null group by all"
    for table in ("profiles", "grade_reports")
)
"""What the columns `course_id` and `course_run` of reports say: per `file` and both of them `rows`."""
_QUERIES = {
    "rejected": _REJECTED,
    "bare": _BARE,
    "of_others": _OF_OTHERS,
    "tracks": _TRACKS,
    "unpaid": _UNPAID,
    "apart": _APART,
    "shared": _SHARED,
    "several": _SEVERAL,
    "twins": _TWINS,
    "crossed": _CROSSED,
    "verdicts": _VERDICTS,
    "named": _NAMED,
}
