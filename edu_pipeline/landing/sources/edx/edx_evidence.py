"""What the staged tables show of edX's exports, counted where it lies, for `edx_problems` to judge."""

from collections.abc import Mapping
from typing import cast

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal
from edu_pipeline.landing.sources.edx.data_packages import packaged_runs
from edu_pipeline.landing.sources.edx.edx_reports import TABLES, bare_id, said
from edu_pipeline.landing.sources.edx.programme_certificates import ANOTHER
from edu_pipeline.landing.sources.edx.stage import grade_scales

Evidence = Mapping[str, pl.DataFrame]
"""Counts of what landed and was staged, by `scales` (`stage.grade_scales`), `packaged` (`packaged_runs`),
`crossed` (`_crossed`) and what `_QUERIES` counts."""


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
    crossed = _crossed(con)
    con.unregister("counting")
    return {
        **found,
        "crossed": crossed,
        "scales": grade_scales(con),
        "packaged": packaged_runs(con),
    }


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


_PAIRS = """
select programme_id, run, lists.path as profile, grades.path as grades
from counting as lists join counting as grades using (programme_id, run)
where lists.kind = 'profile' and grades.kind = 'grades'
  and abs(epoch(lists.stamp) - epoch(grades.stamp)) <= 24 * 60 * 60
order by all
"""
"""A profile and a grade report of one run and day: `programme_id`, `run` and the paths `profile` and `grades`."""


def _who(table: str, path: str) -> str:
    """SQL of who stands in a file, as it came but for the id, so that a join finds equal ids by their hash."""
    return f"select {bare_id()} as id, track, username, email from {table} where _file = ${path}"


_MET = f"""
({_who("raw_profiles", "profile")}) as one join ({_who("raw_grade_reports", "grades")}) as two using (id)
"""
_CROSSED = f"""
select coalesce(sum(rows), 0)::bigint as rows, coalesce(sum(other), 0)::bigint as renamed,
       coalesce(sum(rows) filter (one < two), 0)::bigint as up,
       coalesce(sum(rows) filter (one > two), 0)::bigint as down
from (
  select lower({said("one_track")}) as one, lower({said("two_track")}) as two, rows, other
  from (
    select one.track as one_track, two.track as two_track, count(*) as rows,
           count(*) filter (one.username <> two.username or one.email <> two.email) as other
    from {_MET} group by all
  )
)
"""
_RENAMED = f"""
select count(*)::bigint as renamed from {_MET}
where lower(trim(one.username)) <> lower(trim(two.username))
   or lower({said("one.email")}) <> lower({said("two.email")})
"""


def _crossed(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Of `_PAIRS`, how many `rows` are of one learner, and in how many of them the two files differ.

    One pair after the other, in memory that does not grow with them; and names are cleaned where some differ
    as they came.

    Returns:
        `_PAIRS` with `rows`; on another track, in one direction (`up`) and the other (`down`); and
        called otherwise (`renamed`).
    """
    found = [pl.DataFrame(schema=_OF_PAIRS)]
    for row in con.sql(_PAIRS).pl().iter_rows(named=True):
        files = {name: row[name] for name in ("profile", "grades")}
        counts = con.sql(_CROSSED, params=files).pl().row(0, named=True)
        if counts["renamed"]:
            counts |= con.sql(_RENAMED, params=files).pl().row(0, named=True)
        found.append(pl.DataFrame([row | counts], schema=_OF_PAIRS))
    return pl.concat(found)


_OF_PAIRS = {
    **dict.fromkeys(("programme_id", "run", "profile", "grades"), pl.String),
    **dict.fromkeys(("rows", "renamed", "up", "down"), pl.Int64),
}
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
    "verdicts": _VERDICTS,
    "named": _NAMED,
}
