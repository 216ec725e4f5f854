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
    or (state = {literal(NOT_VERIFIED)} and verifiable))"""
"""SQL on a run with a learner's `state`: a certificate may still come, so nobody takes it again."""
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
  select history.*, own.paid, certified.paid as certificate_paid, latest.stamp as counted
  from report_history as history
  left join stg_run_results as latest using ({_KEY})
  left join stg_tracks as own
    on own.programme_id = history.programme_id
    and own.track = coalesce(history.track, latest.track)
  left join stg_tracks as certified
    on certified.programme_id = history.programme_id
    and certified.track = lower(history.certificate_type)
"""
"""SQL of `report_history` with whether its tracks are paid, and `counted`: the stamp of the result that counts,
whose track stands where a report has none; empty: the learner has no result any more."""


def build_run_states(con: duckdb.DuckDBPyConnection) -> None:
    """Make `run_states`: how each learner stands in each run, and since when.

    Certificates are out from the day on which they can be had, else from the end of the run; where
    nobody says either, from the first report in which somebody has one. Why one is not delivered, edX's
    own table of certificates may say.

    Args:
        con: The warehouse, with `stg_run_results`, `stg_tracks`, `stg_data_packages`,
            `report_history` and `programme_runs`.
    """
    con.execute(
        f"""
        create or replace table run_states as
        with earlier as (
          select {_KEY}, stamp, there, grade, verification, certificate_eligible,
                 certificate_delivered, enrolled, paid, certificate_paid,
                 null::varchar as certificate
          from ({HISTORY}) where stamp < counted
        ),
        latest as (
          select {_KEY}, stamp, true as there, grade, verification, certificate_eligible,
                 certificate_delivered, enrolled, paid, result.certificate_paid, certificate
          from stg_run_results as result
          left join (
            select {_KEY}, status as certificate from stg_data_packages
            where certificate_paid and status in {literals((*TAKEN_BACK, UNVERIFIED))}
          ) as package using ({_KEY})
        ),
        told as (
          select *, false as was_given from latest anti join earlier using ({_KEY})
          union all by name
          select result.*,
                 coalesce(bool_or({GIVEN}) over (
                   partition by {_KEY} order by stamp
                   rows between unbounded preceding and 1 preceding
                 ), false) as was_given
          from (from earlier union all by name (from latest semi join earlier using ({_KEY})))
            as result
        ),
        based as (
          select {_KEY}, course_id, stamp, {GIVEN} as given, {OUT_ON} as out_on, {_BASE} as base
          from told as result join programme_runs using (programme_id, run)
        ),
        begun as (
          select *, base is distinct from lag(base) over (partition by {_KEY} order by stamp) as new
          from based semi join earlier using ({_KEY})
          union all by name
          select *, true as new from based anti join earlier using ({_KEY})
        ),
        last as (
          select {_KEY}, any_value(course_id) as course_id, arg_max(base, stamp) as base,
                 max(stamp) as stamp, max(stamp) filter (new)::date as since,
                 any_value(out_on) as out_on
          from begun group by {_KEY}
        ),
        given as (
          select programme_id, run, min(stamp)::date as first_on from based where given
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
               if(state = {literal(DUE)}, greatest(since, out_on), since) as since
        from dated
        """
    )
