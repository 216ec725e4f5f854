"""Runs passed, by the million, reduced to those that a nudge may be about, and who the learners are.

What a run that was passed means on a day is for `programmes.nudges` to say, run by run.
"""

from collections.abc import Iterable, Sequence

import duckdb
import polars as pl

from edu_pipeline.facts.completion_doubts import DOUBTS, IN_WORDS, MISSING, TWO_ACCOUNTS
from edu_pipeline.facts.run_results import HELD_COMPLETION, HELD_PROGRESS, query_frame
from edu_pipeline.facts.run_states import FREE, OUT_ON, REACHED
from edu_pipeline.ground.sql import literal, literals
from edu_pipeline.model.completion import (
    DELIVERED,
    DUE,
    ENROLLED,
    EXPECTED,
    LEFT,
    NOT_VERIFIED,
    PASSED_FREE,
    REVOKED,
)

HOW = f"""case state
    when {literal(DELIVERED)} then 'certificate' when {literal(REVOKED)} then 'revoked'
    when {literal(NOT_VERIFIED)} then 'identity'
    when {literal(EXPECTED)} then 'paid' when {literal(DUE)} then 'paid'
    when {literal(LEFT)} then if({FREE}, 'left', 'refunded')
    when {literal(PASSED_FREE)} then 'free' else 'unknown' end"""
"""SQL of how a run was passed, on a row `result` of `stg_run_results` with its `state`: with a
certificate, or one that is there no more; on a paid track without one, of these with an identity that is
not verified, and of those who have left, `refunded`; on a free one, which `left` have left; on none that
is known."""
PASSED = f"({REACHED} or state in {literals((DELIVERED, REVOKED, NOT_VERIFIED, EXPECTED, DUE))})"
"""SQL of whether it was passed, by grade or by edX's own word."""


def standings(
    con: duckdb.DuckDBPyConnection, programme_id: str, learner_id: str | None = None
) -> pl.DataFrame:
    """One row per learner of a programme, with what the person has by all accounts together.

    Args:
        con: The warehouse, with `programme_progress`, `course_completion`, `person_progress`,
            `person_completion`, `stg_people`, `stg_run_results`, `run_states`, `programme_runs` and
            `course_certificates_issued`.
        programme_id: The programme.
        learner_id: Only this learner.

    Returns:
        `learner_id`, `complete`, `core_complete`, `core_certificates`, `core_missing`, `capstone`,
        `next_course`, `next_run`, `other_run`, `next_again` (whether that course was passed on a free
        track; empty without one), `runs` (the numbers of those that they are or were in) and `in_doubt`
        (what keeps it from being sure what they completed, in words; empty: nothing. A certificate
        to come can add nothing where all is complete, and some never come).
    """
    return query_frame(
        con,
        f"""
        with audited as (
          select learner_id, course_id from {HELD_COMPLETION}
          where programme_id = $programme_id and audit_passed
        ),
        taken as (
          select coalesce(person_id, learner_id) as person, list(number) as runs
          from run_states join programme_runs using (programme_id, run)
          left join stg_people using (learner_id)
          where programme_id = $programme_id
          group by person
        ),
        doubtful as (
          select coalesce(person_id, learner_id) as person, min_by({IN_WORDS}, (position, doubt)) as words,
                 min_by({IN_WORDS}, (position, doubt))
                   filter (doubt not in {literals((EXPECTED, DUE, MISSING))}) as words_of_complete
          from ({DOUBTS}) left join stg_people using (learner_id)
          where programme_id = $programme_id
            and doubt not in {literals((NOT_VERIFIED, TWO_ACCOUNTS))}
          group by person
        ),
        alone as (
          select person_id as person, bool_or(complete) as complete,
                 bool_or(core_complete) as core_complete
          from programme_progress join stg_people using (learner_id)
          where programme_id = $programme_id
          group by person
        )
        select progress.learner_id, progress.complete, progress.core_complete, core_certificates,
               core_missing, capstone, next_course, next_run, other_run,
               if(next_course is null, null, audited.learner_id is not null) as next_again, runs,
               case when progress.complete <> alone.complete
                      or progress.core_complete <> alone.core_complete
                      then 'completed by several accounts together, which edX counts apart'
                    when progress.complete then words_of_complete
                    else doubtful.words end as in_doubt
        from {HELD_PROGRESS} as progress
        semi join programme_progress using (programme_id, learner_id)
        left join stg_people using (learner_id)
        left join taken on taken.person = coalesce(person_id, progress.learner_id)
        left join doubtful on doubtful.person = coalesce(person_id, progress.learner_id)
        left join alone on alone.person = coalesce(person_id, progress.learner_id)
        left join audited
          on audited.learner_id = progress.learner_id and course_id = next_course
        where programme_id = $programme_id
          and ($learner_id is null or progress.learner_id = $learner_id)
        """,
        {"programme_id": programme_id, "learner_id": learner_id},
    )


def passes(
    con: duckdb.DuckDBPyConnection,
    programme_id: str,
    news: pl.DataFrame,
    learner_id: str | None = None,
) -> pl.DataFrame:
    """The runs that each learner passed, as far as the news of them matters.

    Passed is a run with a grade at or above the pass mark, or that edX calls passed on a paid track.
    Where another run has the course's certificate, nothing is to be done about this one. Of every
    learner all runs are kept in which something is to be done by a day, and of the others the
    strongest of each kind.

    Args:
        con: The warehouse, with `stg_run_results`, `run_states`, `programme_runs`,
            `course_completion`, `person_completion` and `stg_people`.
        programme_id: The programme.
        news: Of every run and `how` (see `HOW`; `again` where another run has the course's
            certificate): `number`, the higher the stronger, `kind`, and the day by which something
            is to be done (`until`).
        learner_id: Only this learner.

    Returns:
        `learner_id`, `number` and `grade`.
    """
    con.register("news", news.select("run", "how", "number", "kind", "until"))
    try:
        return query_frame(
            con,
            f"""
            with sense as (
              select news.run, news.how, news.number, news.kind, news.until,
                     again.number as again, again.kind as again_kind
              from news
              left join news as again
                on (news.until is not null or news.how in ('paid', 'identity', 'revoked'))
                and again.run = news.run and again.how = 'again'
            ),
            passed as (
              select result.learner_id, result.course_id, result.run, grade, {HOW} as how
              from stg_run_results as result
              join run_states using (programme_id, course_id, run, learner_id)
              join programme_runs using (programme_id, course_id, run)
              -- the first is part of the second, and leaves fewer to join
              where result.programme_id = $programme_id and state <> {literal(ENROLLED)} and {PASSED}
                and ($learner_id is null or learner_id = $learner_id)
            ),
            has as (
              select learner_id, course_id from {HELD_COMPLETION}
              where programme_id = $programme_id and certificate
            ),
            told as (
              select passed.learner_id, grade,
                     if(has.learner_id is null, number, again) as number,
                     if(has.learner_id is null, kind, again_kind) as kind,
                     if(has.learner_id is null, until, null) as until
              from passed join sense using (run, how)
              left join has
                on again is not null and has.learner_id = passed.learner_id
                and has.course_id = passed.course_id
            )
            select learner_id, best.number as number, best.grade as grade
            from (
              select learner_id, max({{number: number, grade: grade}}) as best
              from told group by learner_id, kind, if(until is null, null, number)
            )
            """,
            {"programme_id": programme_id, "learner_id": learner_id},
        )
    finally:
        con.unregister("news")


def certificates_seen(
    con: duckdb.DuckDBPyConnection,
    programme_id: str,
    courses: Sequence[str],
    learner_id: str | None = None,
) -> pl.DataFrame:
    """Since when at the earliest those with a complete core can have each certificate.

    That is the day from which a run's certificates can be had, or of the last report without the
    learner's, whichever is later; but no later than the first report that has it, whatever the dates of
    the run say. Whoever has several accounts is there once, by the lowest id in the
    programme, with the certificates of all.

    Args:
        con: The warehouse, with `run_states`, `report_versions`, `programme_runs`, `stg_people`,
            `programme_progress` and `person_progress`.
        programme_id: The programme.
        courses: Its courses; the n-th is meant by the column that ends in n.
        learner_id: Only this learner.

    Returns:
        `learner_id` and `seen_n`: days since 1970; 0 where nobody knows, empty without a certificate.
    """
    columns = ", ".join(
        f"min(day) filter (course_id = $c{n}) as seen_{n}" for n in range(len(courses))
    )
    return query_frame(
        con,
        f"""
        with complete as (
          select coalesce(person_id, learner_id) as person,
                 min_by(learner_id, (length(learner_id), learner_id)) as learner_id
          from {HELD_PROGRESS}
          semi join programme_progress using (programme_id, learner_id)
          left join stg_people using (learner_id)
          where programme_id = $programme_id and core_complete
          group by person
        ),
        reported as (
          select distinct programme_id, run, stamp::date as on_day from report_versions
          where programme_id = $programme_id and doubt is null
        ),
        given as (
          select coalesce(person_id, run_states.learner_id) as person, run_states.course_id,
                 greatest({OUT_ON}, on_day) as not_before,
                 if(not_before is null, 0, least(not_before, since) - date '1970-01-01')::bigint as day
          from run_states
          join programme_runs using (programme_id, run)
          left join stg_people on stg_people.learner_id = run_states.learner_id
          asof left join reported
            on reported.programme_id = run_states.programme_id
            and reported.run = run_states.run and reported.on_day < run_states.since
          where run_states.programme_id = $programme_id and state = {literal(DELIVERED)}
        )
        select complete.learner_id, {columns}
        from complete join given using (person)
        where $learner_id is null or complete.learner_id = $learner_id
        group by complete.learner_id
        """,
        {
            "programme_id": programme_id,
            "learner_id": learner_id,
            **{f"c{n}": course for n, course in enumerate(courses)},
        },
    )


def people(con: duckdb.DuckDBPyConnection, learners: Iterable[pl.Series]) -> pl.DataFrame:
    """What is known of learners, and of others with the same address.

    Args:
        con: The warehouse, with `stg_learners`.
        learners: Ids of the learners, perhaps more than once.

    Returns:
        `learner_id`, `username`, `address` (as addresses are compared), in the order of ids.
    """
    ids = pl.concat([pl.Series(dtype=pl.String), *learners]).unique()
    con.register("wanted", ids.alias("learner_id").to_frame())
    try:
        return query_frame(
            con,
            """
            with everybody as (
              select learner_id, username, nullif(lower(trim(email)), '') as address
              from stg_learners
            ),
            asked as (select * from everybody semi join wanted using (learner_id)),
            others as (
              select * from everybody semi join asked using (address)
              anti join wanted using (learner_id)
            )
            from asked union all from others order by learner_id
            """,
        )
    finally:
        con.unregister("wanted")


def preferences(con: duckdb.DuckDBPyConnection, known: pl.DataFrame) -> pl.DataFrame:
    """What edX's opt-in lists say of learners.

    Args:
        con: The warehouse, with `stg_opt_ins`.
        known: From `people`.

    Returns:
        `OptIns`, without where they stand.
    """
    con.register("known", known)
    try:
        return query_frame(
            con,
            """
            select programme_id, learner_id, email, opted_in, set_at from stg_opt_ins
            where learner_id in (select learner_id from known)
               or email in (select address from known)
            """,
        )
    finally:
        con.unregister("known")


def at_current_addresses(con: duckdb.DuckDBPyConnection, remembered: pl.DataFrame) -> pl.DataFrame:
    """What is remembered of addresses, also of those that learners have now instead.

    Args:
        con: The warehouse, with `stg_learners` and `stg_former_addresses`.
        remembered: Has `email`, in small letters or empty.

    Returns:
        The same, and each row of an address that learners had before once more with their newest.
    """
    con.register("remembered", remembered)
    try:
        return query_frame(
            con,
            """
            from remembered
            union
            select remembered.* replace (lower(trim(learner.email)) as email)
            from remembered
            join stg_former_addresses as former on former.address = remembered.email
            join stg_learners as learner using (learner_id)
            where nullif(trim(learner.email), '') is not null
            order by all
            """,
        )
    finally:
        con.unregister("remembered")


def nudge_counts(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Learners by what was decided about them.

    Args:
        con: The warehouse, with `nudges`.

    Returns:
        programme × `decision` × `reason`: `learners`.
    """
    return query_frame(
        con, "select programme_id, decision, reason, count(*) as learners from nudges group by all"
    )


def learners_called(con: duckdb.DuckDBPyConnection, text: str) -> pl.DataFrame:
    """Learners by what a person calls them.

    Args:
        con: The warehouse, with `stg_learners` and `stg_former_addresses`.
        text: An id, else a username or an address, former ones too, in any case.

    Returns:
        `learner_id` and `username`.
    """
    return query_frame(
        con,
        """
        with found as (
          select learner_id, username, learner_id = $text as by_id from stg_learners
          where learner_id = $text or lower(username) = lower($text)
             or lower(trim(email)) = lower($text)
             or learner_id in (
               select learner_id from stg_former_addresses where address = lower($text)
             )
        )
        select learner_id, username from found
        where by_id or not (select bool_or(by_id) from found) order by learner_id
        """,
        {"text": text.strip()},
    )


def courses_of(con: duckdb.DuckDBPyConnection, learner_id: str) -> pl.DataFrame:
    """How a learner stands in the courses that they ever began, by all their accounts together.

    Args:
        con: The warehouse, with `course_completion`, `person_completion`, `stg_people`, `run_states` and
            `programme_runs`.
        learner_id: The learner.

    Returns:
        programme × course: `attempts`, `passed`, `certificate`, `audit_passed`, `in_progress`, and of
        the best run `state`, `missing`, `run_name`, `grade`, `track`, `verification` and `account` (which
        has it; empty: the one that is asked about).
    """
    return query_frame(
        con,
        f"""
        with own as (
          select $learner_id as learner_id
          union
          select other.learner_id from stg_people as asked join stg_people as other using (person_id)
          where asked.learner_id = $learner_id
        )
        select done.programme_id, done.course_id, attempts, passed, certificate, audit_passed, in_progress,
               done.state, missing, run_name, done.grade as grade, enrollment_track as track, verification,
               nullif(states.learner_id, $learner_id) as account
        from {HELD_COMPLETION} as done
        join programme_runs as best
          on best.programme_id = done.programme_id and best.run = best_run
        join (from run_states semi join own using (learner_id)) as states
          on states.programme_id = done.programme_id and states.run = best_run
          and states.state = done.state
        where done.learner_id = $learner_id
        qualify row_number() over (
          partition by done.programme_id, done.course_id order by account nulls first
        ) = 1
        """,
        {"learner_id": learner_id},
    )


def decisions(con: duckdb.DuckDBPyConnection, learner_id: str) -> pl.DataFrame:
    """What was decided about a learner.

    Args:
        con: The warehouse, with `nudges`.
        learner_id: The learner.

    Returns:
        `Nudges`: a row per programme that they are in.
    """
    return query_frame(
        con,
        "from nudges where learner_id = $learner_id order by programme_id",
        {"learner_id": learner_id},
    )
