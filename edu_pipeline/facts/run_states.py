"""How every learner stands in every run: one state, and since when, from all versions of the reports.

edX's `Certificate Eligible` alone is no certificate: it is Y for people who left, were refunded, never
verified who they are, or whose certificate was taken back. What is there is `Certificate Delivered`.
Which runs are over and what completes a programme is decided elsewhere.
"""

import duckdb

from edu_pipeline.ground.sql import literal, literals
from edu_pipeline.model.completion import (
    DELIVERED,
    DUE,
    ENROLLED,
    EXPECTED,
    LEFT,
    NOT_VERIFIED,
    PASSED_FREE,
    PASSED_UNKNOWN,
    REVOKED,
)
from edu_pipeline.model.programmes import TAKEN_BACK, UNVERIFIED

PAID = "coalesce(result.paid, false)"
FREE = "coalesce(not result.paid, false)"
GIVEN = "coalesce(result.certificate_delivered and (result.paid or result.certificate_paid), false)"
REACHED = "coalesce(result.grade >= pass_mark, false)"
"""SQL on a row `result` of `stg_run_results` with its run's `pass_mark`, never empty: on a paid track, on
a free one, with a certificate of a paid one, and with a grade that passes."""
NOT_ID_VERIFIED = "result.verification is not distinct from 'Not ID Verified'"
OUT_ON = "coalesce(certificates_available, ends)"
"""SQL on a run: the day from which its certificates can be had; empty: nobody said."""

AWAITED = f"""(state in {literals((EXPECTED, DUE, REVOKED))}
    or (state = {literal(NOT_VERIFIED)} and verifiable) or missing)"""
"""SQL on a run with a learner's row of `run_states`: there may be a certificate, or one may still come, so
nobody takes it again."""
_TO_COME = "to come"
_BASE = f"""
    case when {GIVEN} then {literal(DELIVERED)}
         when was_given or coalesce(certificate in {literals(TAKEN_BACK)}, false)
           then {literal(REVOKED)}
         when not there or result.enrolled is false then {literal(LEFT)}
         when {PAID} and ({REACHED} or coalesce(result.certificate_eligible, false))
           then if({NOT_ID_VERIFIED} or certificate is not distinct from {literal(UNVERIFIED)},
                   {literal(NOT_VERIFIED)}, {literal(_TO_COME)})
         when not {REACHED} then {literal(ENROLLED)}
         when {FREE} then {literal(PASSED_FREE)}
         else {literal(PASSED_UNKNOWN)} end
"""
_KEY = "programme_id, run, learner_id"
HISTORY = f"""
  select history.*, own.paid, certified.paid as certificate_paid
  from (
    from report_history where track is not null
    union all by name
    select history.* replace (latest.track as track)
    from report_history as history left join stg_run_results as latest using ({_KEY})
    where history.track is null
  ) as history
  left join stg_tracks as own
    on own.programme_id = history.programme_id and own.track = history.track
  left join stg_tracks as certified
    on certified.programme_id = history.programme_id
    and certified.track = lower(history.certificate_type)
"""
"""SQL of `report_history` with whether its tracks are paid; where a report has none, that of the result that
counts stands."""


def build_run_states(con: duckdb.DuckDBPyConnection) -> None:
    """Make `run_states`: how each learner stands in each run, and since when.

    Certificates are out from the day on which they can be had, else from the end of the run; where
    nobody says either, from the first report in which somebody has one. Why one is not delivered, edX's
    own table of certificates may say.

    Args:
        con: The warehouse, with `stg_run_results`, `stg_tracks`, `stg_data_packages`,
            `report_history` and `programme_runs`.
    """
    # a table, because no plan would guess that most learners stand in one report only
    con.execute(
        f"""
        create or replace temp table earlier as
        with said as materialized (
          select history.* from ({HISTORY}) as history
          join (
            select programme_id, run, max(stamp) as newest from stg_run_results group by all
          ) using (programme_id, run)
          where stamp < newest
        )
        select {_KEY}, said.stamp, said.there, said.grade, said.verification,
               said.certificate_eligible, said.certificate_delivered, said.enrolled, said.paid,
               said.certificate_paid, null::varchar as certificate, false as missing
        from said join stg_run_results as result using ({_KEY})
        where said.stamp < result.stamp
        """
    )
    con.execute(
        f"""
        create or replace table run_states as
        with latest as not materialized (
          select {_KEY}, stamp, true as there, grade, verification, certificate_eligible,
                 certificate_delivered, enrolled, paid, result.certificate_paid, certificate,
                 missing
          from stg_run_results as result
          left join (
            select {_KEY}, status as certificate from stg_data_packages
            where certificate_paid and status in {literals((*TAKEN_BACK, UNVERIFIED))}
          ) as package using ({_KEY})
        ),
        told as not materialized (
          select *, false as was_given, true as alone from latest anti join earlier using ({_KEY})
          union all by name
          select result.*,
                 coalesce(bool_or({GIVEN}) over (
                   partition by {_KEY} order by stamp
                   rows between unbounded preceding and 1 preceding
                 ), false) as was_given, false as alone
          from (from earlier union all by name (from latest semi join earlier using ({_KEY})))
            as result
        ),
        based as not materialized (
          select {_KEY}, course_id, stamp, alone, missing, {OUT_ON} as out_on, {_BASE} as base
          from told as result join programme_runs using (programme_id, run)
        ),
        begun as (
          select *, base is distinct from lag(base) over (partition by {_KEY} order by stamp) as new
          from based where not alone
        ),
        last as (
          select {_KEY}, any_value(course_id) as course_id, arg_max(base, stamp) as base,
                 max(stamp) as stamp, max(stamp) filter (new)::date as since,
                 any_value(out_on) as out_on, bool_or(missing) as missing
          from begun group by {_KEY}
          union all by name
          select {_KEY}, course_id, base, stamp, stamp::date as since, out_on, missing
          from based where alone
        ),
        given as (
          select programme_id, run, min(stamp)::date as first_on
          from (from earlier union all by name from latest) as result where {GIVEN}
          group by programme_id, run
        ),
        dated as (
          select last.* replace (coalesce(out_on, first_on) as out_on)
          from last left join given using (programme_id, run)
        )
        select programme_id, course_id, run, learner_id,
               case when base <> {literal(_TO_COME)} then base
                    when stamp::date >= out_on then {literal(DUE)}
                    else {literal(EXPECTED)} end as state,
               if(state = {literal(DUE)}, greatest(since, out_on), since) as since, missing
        from dated
        """
    )
    con.execute("drop table earlier")
