"""Tables of edX's data packages: what it issued in each run, and who was ever enrolled.

`{Org}-{Course}-{Run}-certificates_generatedcertificate-{site}-analytics.sql` and `…-student_courseenrollment-…`:
tab-separated, with the names of columns above, `NULL` for nothing, backslashes before what is special. Each
row says its run, whatever the file is called. They speak where reports are silent (`stage`); where the two
differ is for `facts` to say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals
from edu_pipeline.landing.rules import TOO_MANY_CELLS, UNPARSEABLE
from edu_pipeline.landing.sources.edx.edx_reports import (
    ENROLMENTS,
    ISSUED,
    TABLES,
    List,
    bare_id,
    said,
)
from edu_pipeline.landing.tables.csvfile import OVERFLOW
from edu_pipeline.model.course_keys import canonical, course_of, folded
from edu_pipeline.model.programmes import STATUSES
from edu_pipeline.settings.programmes import Programme

OTHER_COURSE = "another_course"
"""Rows of runs that are of no course of ours."""
_YES, _NO = ("1", "true"), ("0", "false")


@dataclass(frozen=True)
class _Table:
    """What is read of a table: SQL of the rule that a row breaks, if any, and of its cells."""

    odd: str
    rule: str
    cells: str


_TABLES: Mapping[List, _Table] = {
    ISSUED: _Table(
        f"coalesce(lower({said('status')}), '') not in {literals(STATUSES)}",
        "unknown_status",
        f"""lower({said("status")}) as status, lower({said("mode")}) as certificate_track,
        if(try_cast(grade as double) between 0 and 1, try_cast(grade as double), null) as grade,
        try_cast(coalesce({said("created_at")}, {said("modified_at")}) as timestamp)::date as issued_on""",
    ),
    ENROLMENTS: _Table(
        f"coalesce(lower(trim(is_active)), '') not in {literals((*_YES, *_NO))}",
        f"{UNPARSEABLE}is_active",
        f"lower({said('mode')}) as track, lower(trim(is_active)) in {literals(_YES)} as enrolled",
    ),
}


def stage_data_packages(
    con: duckdb.DuckDBPyConnection,
    exports: pl.DataFrame,
    lists: pl.DataFrame,
    programmes: Sequence[Programme],
) -> None:
    """Make `stg_data_packages`, and of both tables what is rejected or outside.

    Of a learner in a run the newest table counts.

    Args:
        con: The warehouse, with the raw tables and `stg_tracks`.
        exports: `EdxExports`, whose spelling of a run counts.
        lists: `EdxLists`.
        programmes: As `pipeline.toml` has them.
    """
    con.register("lists", lists.select("programme_id", "path"))
    for kind, of in _TABLES.items():
        table = TABLES[kind]
        said_runs = con.execute(f"select distinct course from raw_{table}").fetchall()
        runs = _runs([text for (text,) in said_runs if text], exports, programmes)
        con.register("known_runs", runs)
        con.execute(
            f"""
            create or replace temp table judged as
            select _file, _line, _version, course, {bare_id()} as learner_id, {of.cells},
                   case when {OVERFLOW} is not null then {literal(TOO_MANY_CELLS)}
                        when learner_id is null then 'missing_id'
                        when not regexp_full_match(learner_id, '[0-9]+') then 'id_is_no_number'
                        when {of.odd} then {literal(of.rule)} end as rule
            from raw_{table}
            """
        )
        con.execute(
            f"""
            create or replace table rejected_{table} as
            select {literal(table)} as "table", _file as file, _line as line, rule,
                   null::varchar as value
            from judged where rule is not null
            """
        )
        con.execute(
            f"""
            create or replace temp table of_{table} as
            select programme_id, course_id, run, judged.* exclude (course, rule)
            from judged
            join lists on lists.path = _file
            join known_runs using (programme_id)
            where said = course and rule is null
            """
        )
        con.execute(
            f"""
            create or replace table outside_{table} as
            select _file as file, {literal(OTHER_COURSE)} as rule, count(*)::bigint as rows
            from judged anti join of_{table} using (_file, _line)
            where rule is null group by all
            """
        )
        con.execute(
            f"""
            create or replace temp table of_{table} as
            from of_{table}
            qualify row_number() over (
              partition by programme_id, run, learner_id order by _version desc, _file desc, _line desc
            ) = 1
            """
        )
        con.unregister("known_runs")
        con.execute("drop table judged")
    con.unregister("lists")
    con.execute(
        f"""
        create or replace table stg_data_packages as
        select programme_id, coalesce(issued.course_id, enrolment.course_id) as course_id, run,
               learner_id, enrolment.track, enrolled, status, certificate_track, paid as certificate_paid, grade,
               issued_on, issued._version as issued_listed_at,
               greatest(issued._version, enrolment._version) as listed_at,
               coalesce(issued._file, enrolment._file) as file,
               coalesce(issued._line, enrolment._line) as line
        from of_{TABLES[ISSUED]} as issued
        full join of_{TABLES[ENROLMENTS]} as enrolment using (programme_id, run, learner_id)
        left join (
          select programme_id, track as certificate_track, paid from stg_tracks
        ) as tracks using (programme_id, certificate_track)
        """
    )
    for kind in _TABLES:
        con.execute(f"drop table of_{TABLES[kind]}")


def packaged_runs(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The runs that data packages are of: `programme_id`, `course_id`, `run`.

    Args:
        con: The warehouse, with `stg_data_packages`.
    """
    found: pl.DataFrame = con.sql(
        "select distinct programme_id, course_id, run from stg_data_packages order by all"
    ).pl()
    return found


def _runs(
    said_runs: Iterable[str], exports: pl.DataFrame, programmes: Sequence[Programme]
) -> pl.DataFrame:
    """Of each programme the runs that rows are of: `said`, `programme_id`, `course_id`, `run`."""
    seen = {
        (programme_id, folded(run)): run
        for programme_id, run in exports.select("programme_id", "run").unique().iter_rows()
    }
    seen |= {
        (of.id, folded(of.run_key(run))): of.run_key(run) for of in programmes for run in of.runs
    }
    rows = [
        (text, of.id, course[0], seen.get((of.id, folded(text)), canonical(text)))
        for text in said_runs
        for of in programmes
        if (course := course_of(text, of.course_keys)) is not None
    ]
    names = ("said", "programme_id", "course_id", "run")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
