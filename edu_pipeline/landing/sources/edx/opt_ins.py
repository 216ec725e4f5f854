"""edX's lists of who wants an institution's e-mail: `{org}-email_opt_in-{site}-analytics.csv`.

A list has a row per learner and course run of the institution, and the same preference in all rows of
a learner: the one that they set last, or edX's default `True` of 1 December 2014. Lists before 2017
have no user ids. A preference that cannot be read is rejected, and nobody is written to because of
it: until the list is corrected, it counts as a no.
"""

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals
from edu_pipeline.landing.rules import TOO_MANY_CELLS, UNPARSEABLE
from edu_pipeline.landing.sources.edx.edx_reports import OPT_INS, bare_id, said
from edu_pipeline.landing.sources.edx.lists import WHOSE
from edu_pipeline.landing.tables.csvfile import OVERFLOW

YES = ("true", "t", "yes", "y", "1")
NO = ("false", "f", "no", "n", "0")


def stage_opt_ins(con: duckdb.DuckDBPyConnection, lists: pl.DataFrame) -> None:
    """Make `stg_opt_ins` and `rejected_opt_ins`.

    Of each learner the preference that was set last counts, whichever list has it; of contradictions
    of one moment the no. What a list does not say when, was said when the list was made.

    Args:
        con: The warehouse, with `raw_opt_ins`, `stg_learners` and `stg_former_addresses`.
        lists: `EdxLists`.
    """
    con.execute(f"create or replace temp table preferences as {_PREFERENCES}")
    con.execute(
        """
        create or replace table rejected_opt_ins as
        select 'opt_ins' as "table", _file as file, _line as line, rule, value
        from preferences where rule is not null
        """
    )
    of_opt_ins = lists.filter(kind=OPT_INS).select("programme_id", "path")
    con.register("lists", of_opt_ins.with_row_index("list"))
    con.execute(f"create or replace table stg_opt_ins as {_NEWEST}")
    con.unregister("lists")
    con.execute("drop table preferences")


_SET_AT = (
    # what has an offset from UTC must be a time with one, or the offset would be dropped
    r"if(regexp_matches(set_at, ':\d\d(\.\d+)? ?[+-]\d\d(:?\d\d)?$'), "
    "make_timestamp(epoch_us(try_cast(set_at as timestamptz))), try_cast(trim(set_at) as timestamp))"
)
_PREFERENCES = f"""
with cells as (
  select _file, _line, _version, {OVERFLOW}, opted_in, {said("set_at")} as set_at,
         {bare_id()} as id, {said("username")} as name, lower({said("email")}) as address,
         case when lower(trim(opted_in)) in {literals(YES)} then true
              when lower(trim(opted_in)) in {literals(NO)} then false end as yes
  from raw_opt_ins
)
select _file, _line, _version, id, name, address, yes,
       {_SET_AT} as moment,
       case when {OVERFLOW} is not null then {literal(TOO_MANY_CELLS)}
            when coalesce(id, name, address) is null then 'missing_learner'
            when not regexp_full_match(id, '[0-9]+') then 'id_is_no_number'
            when yes is null then '{UNPARSEABLE}opted_in'
            when set_at is not null and moment is null then '{UNPARSEABLE}set_at' end as rule,
       case rule when 'id_is_no_number' then id
            when '{UNPARSEABLE}opted_in' then opted_in
            when '{UNPARSEABLE}set_at' then set_at end as value
from cells
"""
"""What a list's rows say: of rejected ones too."""
_NEWEST = f"""
with {WHOSE},
known as (
  select list, _line, _version, moment, coalesce(rule is null and yes, false) as opted_in,
         coalesce(people.learner_id, named_id, if(sharing = 1, addressed_id, null)) as learner_id,
         if(sharing > 1 and named_id is null, preferences.address, null) as email
  from preferences
  join lists on lists.path = preferences._file
  left join (select learner_id from stg_learners) as people
    on people.learner_id = preferences.id
  left join named using (name)
  left join addressed
    on addressed.address = if(coalesce(id, name) is null, preferences.address, null)
  -- of a yes at a time that cannot be read nobody knows whether a no came after it
  where not (coalesce(yes, false) and rule is not distinct from '{UNPARSEABLE}set_at')
),
newest as (
  select programme_id, learner_id, email,
         max({{moment: coalesce(moment, _version), no: not opted_in, version: _version,
               list: known.list, line: _line}}) as row
  from known join lists using (list)
  where coalesce(learner_id, email) is not null
  group by programme_id, learner_id, email
)
select newest.programme_id, learner_id, email, not row.no as opted_in, row.moment as set_at,
       lists.path as file, row.line as line
from newest join lists on lists.list = row.list
order by newest.programme_id, learner_id, email
"""
"""Preferences of learners whom an export has, a row per programme and learner or shared address."""
