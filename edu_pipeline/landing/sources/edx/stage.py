"""Learners and what they have in each run, from the raw tables, in SQL and run by run.

One run at a time, so that memory is bounded by the largest run, however many there are.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import duckdb
import polars as pl

from edu_pipeline.ground.sql import among, literal, trimmed
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.landing.rules import SUPERSEDED, TOO_MANY_CELLS, UNPARSEABLE
from edu_pipeline.landing.sources.edx.data_packages import packaged_runs, stage_data_packages
from edu_pipeline.landing.sources.edx.edx_names import Kind
from edu_pipeline.landing.sources.edx.edx_reports import (
    COLUMNS,
    MISSING,
    NO_GRADE,
    REPORTS,
    bare_id,
    said,
)
from edu_pipeline.landing.sources.edx.edx_versions import accept, accepted
from edu_pipeline.landing.sources.edx.opt_ins import stage_opt_ins
from edu_pipeline.landing.sources.edx.programme_certificates import stage_programme_certificates
from edu_pipeline.landing.sources.edx.report_history import record, recorded
from edu_pipeline.landing.sources.edx.same_person import stage_people
from edu_pipeline.landing.tables.csvfile import OVERFLOW
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.programmes import DOWNLOADABLE, UNVERIFIED, Learners, RunResults, Tracks
from edu_pipeline.settings.programmes import Programme

_OLDEST_FIRST: Sequence[Kind] = ("grade_errors", "grades", "profile")
"""Of exports made in the same minute the profile says best who somebody is."""
Rules = Mapping[str, tuple[str, str]]
"""Rule → (SQL that is true where it is broken, SQL of the value to show), in order."""


def _yes(cell: str) -> str:
    return f"case upper({cell}) when 'Y' then true when 'N' then false end"


_SAID: Mapping[Kind, Mapping[str, str]] = {
    "profile": {name: said(name) for name in ("track", "verification")},
    "grade_errors": {},
    "grades": {
        **{
            name: said(name)
            for name in (
                *("track", "verification", "certificate_eligible", "certificate_delivered"),
                "certificate_type",
            )
        },
        **{name: trimmed(name) for name in ("grade", "enrolled")},
    },
}
"""SQL of the cells without what is no part of them; what else is made of a cell rests on it."""
_ENROLLED = ("enrolled", "unenrolled")
_NUMBER = "try_cast(replace(grade, ',', '.') as double)"
_GRADED = f"not {among('lower(grade)', NO_GRADE)}"
_ODD = (
    f"case when certificate_eligible is not null and {_yes('certificate_eligible')} is null"
    " then certificate_eligible "
    f"when certificate_delivered is not null and {_yes('certificate_delivered')} is null"
    " then certificate_delivered "
    f"when try_cast(verification as double) is not null or {among('upper(verification)', ('Y', 'N'))}"
    " then verification "
    f"when try_cast(track as double) is not null or {among('lower(track)', NO_GRADE[5:])} then track "
    f"when not {among('enrolled', MISSING)} and not {among('lower(enrolled)', _ENROLLED)} then enrolled end"
)
"""What stands in the columns of the certificate and cannot be meant by them."""
_OF_ALL: Rules = {
    TOO_MANY_CELLS: (f"{OVERFLOW} is not null", "null"),
    "missing_id": ("learner_id is null", "null"),
    "id_is_no_number": ("not regexp_full_match(id, '[0-9]+')", "id"),
}
RULES: Mapping[Kind, Rules] = {
    "profile": _OF_ALL,
    "grade_errors": _OF_ALL,
    "grades": {
        "too_few_cells": ("grade is null", "null"),
        **_OF_ALL,
        f"{UNPARSEABLE}grade": ("graded and number is null", "grade"),
        "grade_not_between_0_and_1": ("graded and number not between 0 and 1", "grade"),
        "columns_do_not_fit": ("odd is not null", "odd"),
    },
}
_LOOKED_AT: Mapping[Kind, str] = {
    "profile": "*",
    "grade_errors": "*",
    "grades": f"*, {_GRADED} as graded, {_NUMBER} as number, {_ODD} as odd",
}
"""SQL of the columns that rules and cells are made of, each worked out once."""
_CLEANED: Mapping[Kind, Mapping[str, str]] = {
    "profile": {"track": "lower(track)", "verification": "verification"},
    "grade_errors": {},
    "grades": {
        "grade": "if(graded, number, null)",
        "track": "lower(track)",
        "verification": "verification",
        "certificate_eligible": _yes("certificate_eligible"),
        "certificate_delivered": _yes("certificate_delivered"),
        "certificate_type": "certificate_type",
        # a report without that column lists only who is enrolled
        "says_enrolled": f"coalesce(not {among('enrolled', MISSING)}, false)",
        "enrolled": (
            "case when enrolled is null then true else case lower(enrolled) "
            "when 'enrolled' then true when 'unenrolled' then false end end"
        ),
    },
}


_LOOKS_BACK: Mapping[Kind, str] = {
    "profile": """
        select called as learner_id, false as graded, false as scored, false as delivered,
               clean_track as track
        from judged_profile where called is not null
    """,
    "grades": """
        select called as learner_id, clean_grade is not null as graded,
               coalesce(clean_grade > 0, false) as scored,
               coalesce(clean_certificate_delivered, false) as delivered, clean_track as track
        from judged_grades where called is not null
    """,
}
"""Of the reports that must not lose too much of the one before, SQL of all their rows for `accept`."""
DIFFERENT = "another_row_of_the_learner_differs"
"""Of two rows of one learner in a file, where they do not say the same: the last one counts."""
SHARES, PERCENT, UNCLEAR = "shares", "percent", "unclear"
SEVERAL = 0.2
"""So many grades above 1, as a share of those above 0, are more than slips of single rows."""


def grade_scales(con: duckdb.DuckDBPyConnection, path: str | None = None) -> pl.DataFrame:
    """What the grades of each grade report are: shares from 0 to 1 as edX writes them, or else.

    Percentages are proven where none is above 100 and none between 0 and 1, so that a 1 is one per
    cent; several grades above 1 beside others between 0 and 1 may be either, and prove nothing.

    Args:
        con: The warehouse, with the raw tables.
        path: Of one report; None: all.

    Returns:
        One row per `file` with grades: `scale`, and how many are above 1 (`above`) of those above 0
        (`grades`).
    """
    return cast(
        "pl.DataFrame",
        con.sql(
            f"""
            with numbers as (
              select _file as file, {_NUMBER} as grade
              from (select _file, {trimmed("grade")} as grade from raw_grade_reports)
              where {_GRADED} and ($path is null or _file = $path)
            )
            select file, count(*) filter (grade > 1) as above, count(*) filter (grade > 0) as grades,
                   case when above = 0 or above <= {SEVERAL} * grades then {literal(SHARES)}
                        when max(grade) <= 100 and count(*) filter (grade > 0 and grade < 1) = 0
                          then {literal(PERCENT)}
                        else {literal(UNCLEAR)} end as scale
            from numbers group by file
            """,
            params={"path": path},
        ).pl(),
    )


def stage_all(
    con: duckdb.DuckDBPyConnection,
    exports: pl.DataFrame,
    lists: pl.DataFrame,
    programmes: Sequence[Programme],
) -> None:
    """Make every staged table of edX, in the one order in which they rest on each other.

    Args:
        con: The warehouse, with the raw tables.
        exports: `EdxExports`.
        lists: `EdxLists`.
        programmes: As `pipeline.toml` has them.
    """
    write_table(con, "stg_tracks", tracks(programmes))
    stage_data_packages(con, exports, lists, programmes)
    stage(con, exports, programmes)
    stage_opt_ins(con, lists)
    stage_programme_certificates(con, lists, programmes)
    stage_people(con)


def stage(
    con: duckdb.DuckDBPyConnection, exports: pl.DataFrame, programmes: Sequence[Programme]
) -> None:
    """Make `stg_run_results`, `stg_learners`, `stg_former_addresses` and `rejected_…`.

    What the grade reports say that nobody has read before is remembered, and whom the reports that count
    have, so that the next ones are held against them.

    Args:
        con: The warehouse, with the raw tables, `stg_tracks`, `stg_data_packages` and the history.
        exports: `EdxExports`.
        programmes: As `pipeline.toml` has them.
    """
    marks = {(of.id, course.id): course.pass_mark for of in programmes for course in of.courses}
    read = exports.filter("current")
    for table in REPORTS.values():
        con.execute(
            f"create or replace table rejected_{table} "
            '("table" varchar, file varchar, line bigint, rule varchar, value varchar)'
        )
    write_table(con, "stg_run_results", RunResults.create_empty())
    _name_the_nameless(con)
    scales = dict(grade_scales(con).select("file", "scale").iter_rows())
    known, before = recorded(con), accepted(con)
    runs = read.select("programme_id", "course_id", "run")
    runs = pl.concat([runs, packaged_runs(con).select(runs.columns)]).unique(maintain_order=True)
    for programme, course, run in runs.iter_rows():
        files = read.filter(pl.col("programme_id") == programme, pl.col("run") == run)
        for kind in REPORTS:
            of_kind = files.filter(pl.col("kind") == kind)
            path = of_kind["path"][0] if of_kind.height else None
            _judge(con, kind, path, scales.get(path, SHARES))
            if path and kind in _LOOKS_BACK and of_kind["doubt"][0] is None:
                sha256, key = of_kind["sha256"][0], (programme, run, kind)
                if before.get(key) != (path, sha256):
                    accept(con, key, path, sha256, _LOOKS_BACK[kind])
            _reject(con, kind)
            if kind == "grades" and path and of_kind["rows"][0]:
                size = of_kind["size"][0]
                if not known.get((path, size)):
                    record(con, programme, run, path, size, "from judged_grades", counts=True)
        _find_missing(con, programme, run, marks[programme, course])
        _add_results(con, programme, course, run)
    _stage_learners(con, read)
    for name in (*(f"judged_{kind}" for kind in REPORTS), "missing", "usernames"):
        con.execute(f"drop table if exists {name}")


def _name_the_nameless(con: duckdb.DuckDBPyConnection) -> None:
    """Make `usernames`: the ids, from any export, of learners whom some have by username only."""
    con.execute("create or replace temp table usernames (username varchar, known_id varchar)")
    nameless = " union ".join(
        f"select trim(username) as username from raw_{table} where {said('user_id')} is null"
        for table in REPORTS.values()
    )
    con.execute(f"create or replace temp table nameless as {nameless}")
    if con.execute("from nameless limit 1").fetchall():
        everybody = " union all ".join(
            f"select trim(username) as username, {bare_id()} as id, _version from raw_{table}"
            for table in REPORTS.values()
        )
        con.execute(
            f"""
            insert into usernames
            select username, arg_max(id, _version) from ({everybody}) semi join nameless using (username)
            where regexp_full_match(id, '[0-9]+') group by username
            """
        )
    con.execute("drop table nameless")


def _identified(table: str) -> str:
    """SQL of a raw table's rows with `id`, `learner_id`, and what the row itself calls the learner."""
    return f"""
        select raw.*, {bare_id("raw.user_id")} as id,
               coalesce(id, 'u:' || nullif({trimmed("raw.username")}, '')) as called,
               coalesce(id, known_id, called) as learner_id
        from raw_{table} as raw
        left join usernames
          on usernames.username = if({said("raw.user_id")} is null, trim(raw.username), null)
    """


def judged(kind: Kind, path: str | None, scale: str) -> str:
    """SQL of the rows of a report: `learner_id`, `called`, the `rule` that is broken, `clean_…` cells.

    Args:
        kind: What it is.
        path: The report's; None: there is none, and no row.
        scale: Of its grades, by `grade_scales`.
    """
    columns, rules = dict(_CLEANED[kind]), dict(RULES[kind])
    if kind == "grades" and scale != SHARES:
        del rules["grade_not_between_0_and_1"]
    if kind == "grades" and scale == PERCENT:
        columns["grade"] = "if(graded, number / 100, null)"
    if kind == "grades" and scale == UNCLEAR:
        rules["grade_a_share_or_a_percentage"] = ("graded", "grade")
    rule = " ".join(f"when {broken} then {literal(name)}" for name, (broken, _) in rules.items())
    value = " ".join(f"when {broken} then {shown}" for broken, shown in rules.values())
    cleaned = "".join(f", {sql} as clean_{name}" for name, sql in columns.items())
    cells = ", ".join(f"{sql} as {name}" for name, sql in _SAID[kind].items())
    return f"""
        select _file, _line, _version, learner_id, called, case {rule} end as rule, case {value} end as value
               {cleaned}
        from (
          select {_LOOKED_AT[kind]} from (
            select * {f"replace ({cells})" if cells else ""} from ({_identified(REPORTS[kind])})
            where _file = {literal(path or "")}
          )
        )
        """


def reported(con: duckdb.DuckDBPyConnection, path: str) -> str:
    """SQL of the good rows of a grade report that does not count, one per learner, for `record`."""
    con.execute("create temp table if not exists usernames (username varchar, known_id varchar)")
    scales = dict(grade_scales(con, path).select("file", "scale").iter_rows())
    return f"""
        from ({judged("grades", path, scales.get(path, SHARES))}) where rule is null
        qualify row_number() over (partition by learner_id order by _line desc) = 1
        """


def _judge(con: duckdb.DuckDBPyConnection, kind: Kind, path: str | None, scale: str) -> None:
    """Make `judged_<kind>` of a file's rows."""
    con.execute(f"create or replace temp table judged_{kind} as {judged(kind, path, scale)}")


def _reject(con: duckdb.DuckDBPyConnection, kind: Kind) -> None:
    """Leave in `judged_<kind>` the good rows, one per learner; the others are rejected."""
    table = REPORTS[kind]
    con.execute(
        f"""
        insert into rejected_{table}
        select {literal(table)}, _file, _line, rule, value from judged_{kind} where rule is not null
        """
    )
    con.execute(f"delete from judged_{kind} where rule is not null")
    says = ", ".join(f"clean_{name}" for name in _CLEANED[kind]) or "null"
    differ = f"count(distinct row({says})) over (partition by learner_id) > 1"
    con.execute(
        f"""
        create or replace temp table superseded as
        with twice as (select learner_id from judged_{kind} group by all having count(*) > 1)
        select _file, _line, if({differ}, {literal(DIFFERENT)}, {literal(SUPERSEDED)}) as rule
        from judged_{kind} semi join twice using (learner_id)
        qualify row_number() over (partition by learner_id order by _line desc) > 1
        """
    )
    con.execute(
        f"""
        insert into rejected_{table}
        select {literal(table)}, _file, _line, rule, null from superseded
        """
    )
    con.execute(
        f"delete from judged_{kind} using superseded where judged_{kind}._line = superseded._line"
    )
    con.execute("drop table superseded")


def tracks(programmes: Sequence[Programme]) -> pl.DataFrame:
    """Whether a certificate of each track counts, as settings say.

    Args:
        programmes: As `pipeline.toml` has them.

    Returns:
        `Tracks`.
    """
    rows = [
        (programme.id, track.lower(), paid)
        for programme in programmes
        for of, paid in ((programme.paid_tracks, True), (programme.free_tracks, False))
        for track in of
    ]
    frame = pl.DataFrame(rows, schema=dtypes(Tracks), orient="row")
    return Tracks.validate(
        frame.unique(["programme_id", "track"], keep="first", maintain_order=True)
    )


def _find_missing(con: duckdb.DuckDBPyConnection, programme: str, run: str, mark: float) -> None:
    """Make `missing`: whom an older grade report of a run has, and the one that counts has no more.

    `matters`: with a certificate of a paid track, or with a pass on one by the last that has them.
    """
    con.execute(
        """
        create or replace temp table missing as
        with told as (
          select history.*, newest
          from report_history as history, (select max(_version) as newest from judged_grades)
          where programme_id = $programme and run = $run and stamp <= newest
        )
        -- where a report has nobody, nothing is said of them: no row of these tells of a track or certificate
        select learner_id, newest as missed_at, arg_max(told.track, stamp) as last_track,
               coalesce(
                 bool_or(certificate_delivered and (own.paid or certified.paid))
                 or arg_max(own.paid and (grade >= $mark or certificate_eligible), stamp), false
               ) as matters
        from told
        semi join (from told where not there) using (learner_id)
        anti join judged_grade_errors using (learner_id)
        left join stg_tracks as own on own.programme_id = $programme and own.track = told.track
        left join stg_tracks as certified
          on certified.programme_id = $programme and certified.track = lower(certificate_type)
        group by learner_id, newest having not arg_max(there, stamp)
        """,
        {"programme": programme, "run": run, "mark": mark},
    )


def _add_results(con: duckdb.DuckDBPyConnection, programme: str, course: str, run: str) -> None:
    """Everybody whom a run's grade report, profile or errors have, or edX's own tables, once.

    The tables speak where the reports are silent. Of those whom only older reports have, the ones with
    a certificate or a pass on a paid track are there without either, so that they are asked about.
    """
    downloadable, unverified = literal(DOWNLOADABLE), literal(UNVERIFIED)
    con.execute(
        f"""
        insert into stg_run_results by name
        with of_run as (
          select learner_id,
                 if(errors._line is null,
                    coalesce(grades.clean_grade, if(grades._line is null, package.grade, null)), null)
                   as grade,
                 coalesce(grades.clean_track, profile.clean_track, package.track, last_track,
                          certificate_track) as track,
                 coalesce(grades.clean_verification, profile.clean_verification,
                          if(status = {unverified}, 'Not ID Verified', null)) as verification,
                 coalesce(grades.clean_certificate_eligible,
                          if(status in ({downloadable}, {unverified}), true, null))
                   as certificate_eligible,
                 coalesce(grades.clean_certificate_delivered, status = {downloadable})
                   as certificate_delivered,
                 coalesce(grades.clean_certificate_type,
                          if(status = {downloadable}, certificate_track, null)) as certificate_type,
                 if(missed_at >= coalesce(greatest(profile._version, package.listed_at), missed_at), false,
                    coalesce(if(grades.clean_says_enrolled, grades.clean_enrolled, package.enrolled),
                             grades.clean_enrolled, if(profile._line is null, null, true)))
                   as enrolled,
                 coalesce(matters, false) as missing,
                 coalesce(grades._version, errors._version, greatest(profile._version, missed_at),
                          package.listed_at) as stamp,
                 errors._line is not null as has_error,
                 coalesce(grades._file, errors._file, profile._file, package.file) as file,
                 coalesce(grades._line, errors._line, profile._line, package.line) as line
          from judged_grades as grades
          full join judged_profile as profile using (learner_id)
          full join judged_grade_errors as errors using (learner_id)
          full join (
            from stg_data_packages where programme_id = $programme and run = $run
          ) as package using (learner_id)
          full join missing using (learner_id)
          where matters or coalesce(grades._line, errors._line, profile._line, package.line) is not null
        )
        select $programme as programme_id, $course as course_id, $run as run, of_run.*,
               own.paid as paid, certified.paid as certificate_paid
        from of_run
        left join stg_tracks as own on own.programme_id = $programme and own.track = of_run.track
        left join stg_tracks as certified
          on certified.programme_id = $programme and certified.track = lower(certificate_type)
        """,
        {"programme": programme, "course": course, "run": run},
    )


def _stage_learners(con: duckdb.DuckDBPyConnection, read: pl.DataFrame) -> None:
    """Make `stg_learners`: of every column what the newest export says that says anything.

    And `stg_former_addresses`: what older ones say of addresses.
    """
    order = pl.col("kind").replace_strict(
        {kind: place for place, kind in enumerate(_OLDEST_FIRST)}, return_dtype=pl.Int64
    )
    con.register(
        "places",
        read.sort("stamp", order, "path").select("path", "stamp").with_row_index("place"),
    )
    names = [name for name in Learners.column_names() if name not in ("learner_id", "stamp")]
    rows = " union all by name ".join(
        f"""
        select learner_id, place, stamp,
               {", ".join(name if name in COLUMNS[kind] else f"null as {name}" for name in names)}
        from ({_identified(table)}) as raw
        join places on places.path = raw._file
        anti join rejected_{table} as bad on bad.file = raw._file and bad.line = raw._line
        """
        for kind, table in REPORTS.items()
    )
    # numbers first, texts then: a text per learner and column, kept while rows come by, takes long
    places = ", ".join(f"max(if({_known(n)} is null, null, place)) as {n}_place" for n in names)
    address = f"if({said('email')} is null, null, hash(lower({said('email')})))"
    con.execute(
        f"""
        create or replace temp table newest as
        select learner_id, max(stamp) as newest_stamp, max(place) as last_place, {places},
               min({address}) < max({address}) as moved
        from ({rows}) group by learner_id
        """
    )
    shown = ", ".join(f"any_value(if(place = {n}_place, {_known(n)}, null)) as {n}" for n in names)
    con.execute(
        f"""
        create or replace table stg_learners as
        select learner_id, {shown}, any_value(newest_stamp) as stamp
        from ({rows}) join newest using (learner_id)
        where place in (last_place, {", ".join(f"{name}_place" for name in names)})
        group by learner_id
        """
    )
    con.execute(
        f"""
        create or replace table stg_former_addresses as
        select distinct learner_id, lower(trim(raw.email)) as address
        from ({rows}) as raw
        semi join (from newest where moved) using (learner_id)
        join stg_learners as learner using (learner_id)
        where {said("raw.email")} is not null
          and lower(trim(raw.email)) is distinct from lower(trim(learner.email))
        order by all
        """
    )
    con.execute("drop table newest")
    con.unregister("places")


def _known(name: str) -> str:
    # nobody is without a username, so `None` is somebody's
    return f"nullif({trimmed(name)}, '')" if name == "username" else said(name)
