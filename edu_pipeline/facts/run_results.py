"""Grade reports by the million, reduced to learner × course and to counts that add up.

A course's run that counts and what counts as a pass are decided here and nowhere else; what is a
certificate, in `run_states`. Whether a programme is complete is `programmes.completion`.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb
import polars as pl

from edu_pipeline.facts.run_states import AWAITED, FREE, GIVEN, NOT_ID_VERIFIED, PAID, REACHED

OF_A_COURSE = {
    "certificate": "certificate",
    "grade": "grade",
    "run": "run_name",
    "best_grade": "best_grade",
    "attempts": "attempts",
}
"""What the completion report has of every course behind the columns of old → where it is from."""


ACCOUNTS, PERSONS = "course_completion", "person_completion"
_OF_PEOPLE = (
    "(select result.* replace (person_id as learner_id), learner_id as account "
    "from stg_run_results as result join stg_people using (learner_id))"
)
"""Results of people with several accounts, as one learner's."""


def build_person_completion(con: duckdb.DuckDBPyConnection) -> None:
    """Make `person_completion`: `course_completion` of people with several accounts.

    Args:
        con: The warehouse, as for `build_course_completion`, and with `stg_people`.
    """
    _build_completion(con, PERSONS, _OF_PEOPLE)


def build_course_completion(con: duckdb.DuckDBPyConnection) -> None:
    """Make `course_completion`: programme × learner × course with at least one run.

    Of several runs the one counts that has a certificate, then the one with the higher grade, then
    the one exported last, then by name. A certificate is one that is delivered on a paid track. A
    pass is a grade at or above the pass mark on any track; grades are compared as exported, rounded
    to two decimals. A missing grade is neither a pass nor a fail.

    Args:
        con: The warehouse, with `stg_run_results`, `run_states` and `programme_runs`.
    """
    _build_completion(con, ACCOUNTS, "(select *, null::varchar as account from stg_run_results)")


def _build_completion(con: duckdb.DuckDBPyConnection, table: str, results: str) -> None:
    con.execute(
        f"""
        create or replace table {table} as
        with awaits as (
          select programme_id, run, learner_id as account
          from run_states join programme_runs using (programme_id, run) where {AWAITED}
        ),
        judged as (
          select result.programme_id, result.learner_id, result.course_id, result.run, result.account,
                 number, grade, track, verification, stamp, under_way and enrolled is not false
                 as going, {REACHED} as reached, {GIVEN} as certified,
                 {REACHED} and {FREE} as free_pass, awaits.account is not null as awaited,
                 coalesce(certificate_eligible, false) as eligible
          from {results} as result
          join programme_runs
            on programme_runs.programme_id = result.programme_id
            and programme_runs.course_id = result.course_id and programme_runs.run = result.run
          left join awaits
            on awaits.programme_id = result.programme_id and awaits.run = result.run
            and awaits.account = coalesce(result.account, result.learner_id)
        ),
        reduced as (
          select programme_id, learner_id, course_id, count(*) as attempts,
                 -- compared field by field, and no two runs have one name; three times as fast as
                 -- arg_max
                 max({{certified: certified, score: coalesce(grade, -1),
                      stamp: coalesce(stamp, '-infinity'), run: run,
                      track: track, verification: verification, account: account}}) as best,
                 max(grade) as best_grade, bool_or(reached) as passed, bool_or(certified) as certificate,
                 bool_or(free_pass) as free_pass, bool_or(eligible) as eligible_any_track,
                 bool_or(going) as going, bool_or(awaited) as awaited,
                 min(number) as first_number, max(number) as last_number,
                 min(number) filter (reached) as passed_number,
                 min(number) filter (certified) as certified_number
          from judged
          group by programme_id, learner_id, course_id
        )
        select reduced.programme_id, reduced.learner_id, reduced.course_id, attempts,
               best_grade, nullif(best.score, -1) as grade, best.run as best_run, state,
               best.track as enrollment_track, best.verification as verification, passed, certificate,
               free_pass and not certificate as audit_passed,
               going and not certificate as in_progress,
               awaited and not certificate as awaited, eligible_any_track,
               first.run as first_run, first_passed.run as first_passed_run,
               first_certified.run as first_certified_run, last.run as last_run
        from reduced
        join run_states as states
          on states.programme_id = reduced.programme_id and states.run = best.run
          and states.learner_id = coalesce(best.account, reduced.learner_id)
        join programme_runs as first
          on first.programme_id = reduced.programme_id and first.number = first_number
        join programme_runs as last
          on last.programme_id = reduced.programme_id and last.number = last_number
        left join programme_runs as first_passed
          on first_passed.programme_id = reduced.programme_id
          and first_passed.number = passed_number
        left join programme_runs as first_certified
          on first_certified.programme_id = reduced.programme_id
          and first_certified.number = certified_number
        """
    )


def learner_rows(
    con: duckdb.DuckDBPyConnection,
    programme_id: str,
    courses: Sequence[str],
    completion: str = ACCOUNTS,
) -> pl.DataFrame:
    """One row per learner of a programme, with what completion rests on.

    Args:
        con: The warehouse, with `course_completion` and `programme_runs`.
        programme_id: The programme.
        courses: Its courses; the n-th is meant by the columns that end in n.
        completion: The table of what each has in a course: of accounts, or of people with several.

    Returns:
        `learner_id`; `certified_n` (the number of the first run with a certificate, empty without
        one), `going_n` (in progress) and `awaited_n` (a certificate is awaited); `courses`, `attempts`, `no_audited_passed`, `eligible_any_track` (courses), `in_progress` (courses),
        `first_number`, `last_number` (runs), `dated` (courses whose certificate has a day),
        `first_dated` and `last_dated` (these days).
    """
    columns = ", ".join(
        f"min(certified.number) filter (done.course_id = $c{n}) as certified_{n}, "
        f"coalesce(bool_or(in_progress) filter (done.course_id = $c{n}), false) as going_{n}, "
        f"coalesce(bool_or(awaited) filter (done.course_id = $c{n}), false) as awaited_{n}"
        for n in range(len(courses))
    )
    return query_frame(
        con,
        f"""
        select learner_id, {columns}, count(*) as courses, sum(attempts)::bigint as attempts,
               count(*) filter (audit_passed) as no_audited_passed,
               count(*) filter (eligible_any_track) as eligible_any_track,
               count(*) filter (in_progress) as in_progress,
               min(first.number) as first_number, max(last.number) as last_number,
               count(certified.certified_on) as dated,
               min(certified.certified_on) as first_dated,
               max(certified.certified_on) as last_dated
        from {completion} as done
        join programme_runs as first
          on first.programme_id = done.programme_id and first.course_id = done.course_id
          and first.run = first_run
        join programme_runs as last
          on last.programme_id = done.programme_id and last.course_id = done.course_id
          and last.run = last_run
        left join programme_runs as certified
          on certified.programme_id = done.programme_id and certified.course_id = done.course_id
          and certified.run = first_certified_run
        where done.programme_id = $programme_id
        group by learner_id
        """,
        {"programme_id": programme_id, **{f"c{n}": course for n, course in enumerate(courses)}},
    )


def report_rows(
    con: duckdb.DuckDBPyConnection, programme_id: str, courses: Sequence[str]
) -> pl.DataFrame:
    """One row per learner of a programme, as the completion report shows them and in its order.

    Args:
        con: The warehouse, with `course_completion`, `programme_progress` and `stg_learners`.
        programme_id: The programme.
        courses: Its courses; the n-th is meant by the columns that end in n.

    Returns:
        `student_id`, `username`, `email`, `name`, `track_n`, `passed_n` (empty: never taken),
        `no_certificate_eligible`, `no_audited_passed`, `country`, `core_complete`, `complete`,
        `completed_on`, and of every course `certificate_n`, `grade_n` and `run_n` (of the run that
        counts), `best_grade_n`, `attempts_n`; most certificates first, then by id, as numbers where
        ids are.
    """
    told = ("enrollment_track", "passed", *OF_A_COURSE)
    columns = ", ".join(
        f"any_value({OF_A_COURSE.get(name, name)}) filter (done.course_id = $c{n}) "
        f"as {name.removeprefix('enrollment_')}_{n}"
        for n in range(len(courses))
        for name in told
    )
    shown = ", ".join(f"track_{n}, passed_{n}" for n in range(len(courses)))
    behind = "".join(f", {name}_{n}" for n in range(len(courses)) for name in OF_A_COURSE)
    return query_frame(
        con,
        f"""
        with wide as (
          select learner_id, {columns}
          from course_completion as done
          join programme_runs on programme_runs.programme_id = done.programme_id and run = best_run
          where done.programme_id = $programme_id
          group by learner_id
        )
        select learner_id as student_id, username, email, name, {shown},
               no_certificate_eligible, no_audited_passed, country,
               core_complete, complete, completed_on{behind}
        from wide
        join programme_progress using (learner_id)
        left join stg_learners using (learner_id)
        where programme_id = $programme_id
        order by no_certificate_eligible desc, length(student_id), student_id
        """,
        {"programme_id": programme_id, **{f"c{n}": course for n, course in enumerate(courses)}},
    )


def _people(accounts: str, persons: str) -> str:
    """SQL of a table in which everybody stands once: people with several accounts by what all have."""
    return (
        f"(select * from {accounts} anti join stg_people using (learner_id) "
        f"union all by name from {persons})"
    )


def _held(accounts: str, persons: str) -> str:
    """SQL of a table in which every account has what its person has."""
    return (
        f"(select * from {accounts} anti join stg_people using (learner_id) union all by name "
        f"select of.* replace (stg_people.learner_id as learner_id) from {persons} as of "
        "join stg_people on person_id = of.learner_id)"
    )


PEOPLE_COMPLETION = _people(ACCOUNTS, PERSONS)
PEOPLE_PROGRESS = _people("programme_progress", "person_progress")
HELD_COMPLETION = _held(ACCOUNTS, PERSONS)
HELD_PROGRESS = _held("programme_progress", "person_progress")
"""Of people with several accounts, perhaps also for accounts that were never in the programme."""


def people_counts(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """People who have several accounts in a programme.

    Args:
        con: The warehouse, with `stg_people` and `programme_progress`.

    Returns:
        programme: `people` and their `accounts`.
    """
    return query_frame(
        con,
        """
        select programme_id, count(*) as people, sum(accounts)::bigint as accounts
        from (
          select programme_id, count(*) as accounts
          from programme_progress join stg_people using (learner_id)
          group by programme_id, person_id having count(*) > 1
        )
        group by programme_id
        """,
    )


def course_counts(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Learners of every course; whoever has several accounts counts once.

    Args:
        con: The warehouse, with `course_completion` and `person_completion`.

    Returns:
        programme × course: `enrolled`, `passed`, `certificate`.
    """
    return query_frame(
        con,
        f"""
        select programme_id, course_id, count(*) as enrolled,
               count(*) filter (passed) as passed, count(*) filter (certificate) as certificate
        from {PEOPLE_COMPLETION} group by all
        """,
    )


def progress_counts(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Learners by how far they are, under the old rule and the new one; everybody counts once.

    Args:
        con: The warehouse, with `programme_progress` and `person_progress`.

    Returns:
        programme × `eligible_any_track` × `no_certificate_eligible` × `core_complete` × `complete`:
        `learners`.
    """
    return query_frame(
        con,
        f"""
        select programme_id, eligible_any_track, no_certificate_eligible, core_complete, complete,
               count(*) as learners
        from {PEOPLE_PROGRESS} group by all
        """,
    )


def course_pairs(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Those who passed a course, and how many of them ever began the next in sequence.

    Args:
        con: The warehouse, with `course_completion` and `programme_runs`.

    Returns:
        programme × course that is not the last: `course_id`, `to_course`, `passed`, `went_on`.
    """
    return query_frame(
        con,
        f"""
        with sequence as (
          select programme_id, course_id,
                 lead(course_id) over (partition by programme_id order by position) as to_course
          from (select distinct programme_id, course_id, position from programme_runs)
        )
        select passed.programme_id, passed.course_id, to_course, count(*) as passed,
               count(next.learner_id) as went_on
        from {PEOPLE_COMPLETION} as passed
        join sequence
          on sequence.programme_id = passed.programme_id
          and sequence.course_id = passed.course_id
        left join {PEOPLE_COMPLETION} as next
          on next.programme_id = passed.programme_id and next.learner_id = passed.learner_id
          and next.course_id = to_course
        where passed.passed and to_course is not null
        group by all
        """,
    )


def days_to_next_course(con: duckdb.DuckDBPyConnection, as_of: date) -> pl.DataFrame:
    """How long learners who passed a course took to begin another, or have not begun one since.

    Days run from the end of the first run that they passed to the start of the first later run of
    a course they had not begun; 0 where that run began earlier than the other ended. Learners who
    had begun every course are left out, and runs without dates cannot be counted.

    Args:
        con: The warehouse, with `course_completion` and `programme_runs`.
        as_of: Until when the others have been waited for.

    Returns:
        programme × course × days: `went_on` and `waiting` learners.
    """
    return query_frame(
        con,
        f"""
        with begun as (
          select done.programme_id, learner_id, done.course_id, starts, number
          from {PEOPLE_COMPLETION} as done
          join programme_runs as run
            on run.programme_id = done.programme_id and run.course_id = done.course_id
            and run.run = first_run
        ),
        passed as (
          select done.programme_id, learner_id, done.course_id, ends, number
          from {PEOPLE_COMPLETION} as done
          join programme_runs as run
            on run.programme_id = done.programme_id and run.course_id = done.course_id
            and run.run = first_passed_run
          where ends <= $as_of
        ),
        sizes as (
          select programme_id, count(distinct course_id) as size from programme_runs group by all
        ),
        followed as (
          select passed.programme_id, passed.learner_id, passed.course_id,
                 any_value(ends) as ends,
                 count(begun.course_id) filter (begun.number < passed.number) as before,
                 min(begun.starts) filter (begun.number > passed.number) as next
          from passed
          left join begun
            on begun.programme_id = passed.programme_id
            and begun.learner_id = passed.learner_id and begun.course_id <> passed.course_id
          group by passed.programme_id, passed.learner_id, passed.course_id
          having count(begun.course_id) filter (
            begun.number > passed.number and begun.starts is null
          ) = 0
        )
        select programme_id, course_id,
               greatest(0, coalesce(next, $as_of) - ends)::bigint as days,
               count(next) as went_on, count(*) - count(next) as waiting
        from followed join sizes using (programme_id)
        where before < size - 1
        group by all
        """,
        {"as_of": as_of},
    )


def completions(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """People who completed a programme, those with several accounts once.

    Args:
        con: The warehouse, with `programme_progress`, `person_progress` and `stg_learners`.

    Returns:
        programme × period × country: `learners`; what is not known is `unknown`.
    """
    return query_frame(
        con,
        f"""
        select programme_id, coalesce(completion_period, 'unknown') as period,
               coalesce(country, 'unknown') as country, count(*) as learners
        from {PEOPLE_PROGRESS} left join stg_learners using (learner_id)
        where complete
        group by all
        """,
    )


def build_certificate_differences(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Make `certificate_differences`: results for which the grade report disagrees with itself.

    Either a certificate is due and was not delivered, or one was delivered and is not due, or
    a grade on a paid track is enough and edX does not call it eligible. `reason` says which, and
    as far as the export tells, why.

    Args:
        con: The warehouse, with `stg_run_results` and `programme_runs`.
        as_of: The day on which certificates are available or not.
    """
    con.execute(
        f"""
        create or replace table certificate_differences as
        select programme_id, course_id, run, learner_id, reason
        from ({_reconciled()})
        where reason is not null and reason <> 'agree'
        order by all
        """,
        {"as_of": as_of},
    )


def certificates_delivered(con: duckdb.DuckDBPyConnection, as_of: date) -> pl.DataFrame:
    """Certificates due and certificates delivered, compared.

    Args:
        con: The warehouse, with `stg_run_results` and `programme_runs`.
        as_of: The day on which certificates are available or not.

    Returns:
        programme × course × run × reason (`agree` where both are there): `learners`.
    """
    return query_frame(
        con,
        f"""
        select programme_id, course_id, run, reason, count(*) as learners
        from ({_reconciled()})
        where reason is not null
        group by all
        """,
        {"as_of": as_of},
    )


def query_frame(
    con: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object] | None = None
) -> pl.DataFrame:
    """What a query finds."""
    frame: pl.DataFrame = con.sql(query, params=dict(parameters or {})).pl()
    return frame


def _reconciled() -> str:
    """SQL: every result of a run whose export tells of certificates, with its reason."""
    return f"""
        select result.programme_id, result.course_id, result.run, learner_id,
               case
                 when {GIVEN} and coalesce(certificate_eligible, false) then 'agree'
                 when {GIVEN} then 'delivered, not eligible'
                 when certificate_delivered and {_GIVEN_FREE} then 'delivered on a free track'
                 when certificate_delivered then 'delivered on a track that is not known'
                 when not {PAID} then null
                 when certificate_eligible and certificates_available > $as_of
                   then 'eligible, certificates not available yet'
                 when certificate_eligible and {NOT_ID_VERIFIED}
                   then 'eligible, identity not verified'
                 when certificate_eligible then 'eligible, not delivered'
                 when {REACHED} and {NOT_ID_VERIFIED}
                   then 'passed, not eligible: identity not verified'
                 when {REACHED} then 'passed, not eligible'
               end as reason
        from stg_run_results as result
        join programme_runs using (programme_id, course_id, run)
        where certificate_delivered is not null
    """


_GIVEN_FREE = "coalesce(not paid or not certificate_paid, false)"
