"""What became of every row of a school's exports: counted where they lie.

Of every file the fates add up to its rows; of a table with a column per day or assignment to its lines
times these columns. Which rows break a rule is for staging to say, and which of
them a person must look at for the problems.
"""

from collections.abc import Mapping

import duckdb
import polars as pl

from edu_pipeline.ground.sql import end_of_week, literal, literals
from edu_pipeline.ground.warehouse import columns_of, read_table
from edu_pipeline.landing.rules import (
    ELSEWHERE,
    FORGOTTEN,
    NEWER_FILE,
    NO_COLUMN,
    NO_OUTCOME,
    NOT_ENROLLED,
    NOT_TAKEN,
    NOT_YET_DUE,
    OTHER_ROLE,
    SAME,
    SUPERSEDED,
    fate_of,
)
from edu_pipeline.landing.sources.school.canonical import CODES, rows_per_line
from edu_pipeline.landing.sources.school.fields import KEYS, OTHER_ROLES
from edu_pipeline.landing.sources.school.school_staging import STAGED_AS
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingFates
from edu_pipeline.model.school_calendar import WeekBegins, week_begins_of
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import Landing

_STRETCHES = """
    select {keys}, min(begin_date) as begin_date, max(end_date) as end_date
    from (
      select {keys}, begin_date, end_date,
             count(*) filter (ended is null or begin_date > ended) over (
               partition by {keys} order by begin_date, end_date
             ) as stretch
      from (
        select {keys}, begin_date, end_date, max(end_date) over (
                 partition by {keys} order by begin_date, end_date
                 rows between unbounded preceding and 1 preceding
               ) as ended
        from (
          select person_id as student_id, class_id, begin_date, end_date
          from stg_enrollments semi join stg_classes using (class_id) where role = 'student'
        )
      )
    )
    group by {keys}, stretch
"""
"""SQL of the days on which somebody is in a class, without overlaps."""


def school_fates(
    con: duckdb.DuckDBPyConnection,
    files: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:
    """What became of the rows of a school's exports.

    Of files that are not read the rows are counted by lines.

    Args:
        con: The warehouse, with `raw_…`, `read_…`, `stg_…`, `rejected_…` and `repeated_…` of every export.
        files: `LandingFiles`.
        settings: How the exports are read.

    Returns:
        `LandingFates`.
    """
    begins = week_begins_of(read_table(con, "stg_school_days"), settings.school.week_begins)
    landing = settings.landing
    found = []
    for table, staged in STAGED_AS.items():
        per_line = rows_per_line(table, files, landing.export(table))
        found.append(_unread(table, files, per_line))
        times = "".join(f" when {literal(path)} then {rows}" for path, rows in per_line.items())
        used = _FACTS[table](con, begins) if table in _FACTS else _small(con, table, landing)
        beside = con.sql(
            f"""
            select _file as file,
                   count(*) * {f"case _file{times} else 1 end" if times else 1} - coalesce(any_value(used.rows), 0) as rows,
                   case when any_value(used.rows) is null then {literal(NO_COLUMN)}
                        else {literal(ELSEWHERE)} end as rule
            from raw_{table} left join (
              select _file, count(*) as rows from read_{table} group by all
            ) as used using (_file) group by _file
            """
        ).pl()
        lost = con.sql(
            f"select file, rule, count(*) as rows from ({_first_rule(staged)}) group by all"
        ).pl()
        found += [
            _as_fates(table, beside.with_columns(fate=pl.lit("not_read"))),
            _as_fates(table, lost.with_columns(fate=_mapped(lost["rule"]))),
            _as_fates(table, used),
        ]
    if columns_of(con, "forgotten_rows"):
        kept_out = con.sql(
            f"select \"table\", file, rows, {literal(FORGOTTEN)} as rule, 'not_read' as fate "
            "from forgotten_rows"
        ).pl()
        found += [_as_fates(str(table), of) for (table,), of in kept_out.group_by("table")]
    return LandingFates.validate(
        pl.concat(found)
        .group_by("source", "table", "file", "fate", "rule")
        .agg(pl.col("rows").sum())
        .filter(pl.col("rows") > 0)
        .sort("table", "file", "fate", "rule")
        .cast(dtypes(LandingFates))
    )


def _first_rule(staged: str) -> str:
    """SQL of each rejected row once: one that breaks several rules has one fate."""
    row = "file, line, heading" if staged in CODES else "file, line"
    return f"select {row}, min(rule) as rule from rejected_{staged} group by {row}"


def _mapped(rules: pl.Series) -> pl.Series:
    return pl.Series([fate_of(rule) for rule in rules], dtype=pl.String)


def _as_fates(table: str, counts: pl.DataFrame) -> pl.DataFrame:
    return (
        counts.with_columns(source=pl.lit("school"), table=pl.lit(table))
        .select(LandingFates.column_names())
        .cast(dtypes(LandingFates))
    )


def _unread(table: str, files: pl.DataFrame, per_line: Mapping[str, int]) -> pl.DataFrame:
    """Snapshots that a newer one replaces."""
    older = files.filter(~pl.col("current") & (pl.col("table") == table))
    lines = (pl.col("lines") - pl.col("header_lines")).cast(pl.Int64)
    return older.select(
        source=pl.lit("school"),
        table="table",
        file="path",
        fate=pl.lit("superseded"),
        rule=pl.lit(NEWER_FILE),
        rows=lines * pl.col("path").replace_strict(per_line, default=1, return_dtype=pl.Int64),
    ).cast(dtypes(LandingFates))


def _small(con: duckdb.DuckDBPyConnection, table: str, landing: Landing) -> pl.DataFrame:
    """Of a small table: rows that are neither rejected nor sent elsewhere, by the last of their key."""
    export, staged = landing.export(table), STAGED_AS[table]
    again = SAME if export.export == "snapshot" else SUPERSEDED
    fate = "same" if export.export == "snapshot" else "superseded"
    other = f"lower(role) in {literals(sorted(OTHER_ROLES))}" if table == "enrollments" else "false"
    found: pl.DataFrame = con.sql(
        f"""
        with good as (
          select _file, coalesce({other}, false) as other, row_number() over (
                   partition by {", ".join(KEYS[table])} order by _version desc, _file desc, _line desc
                 ) as place
          from read_{table} as parsed
          anti join rejected_{staged} as bad on bad.file = parsed._file and bad.line = parsed._line
        )
        select _file as file,
               case when other then 'not_read' when place > 1 then {literal(fate)} else 'counted' end
                 as fate,
               case when other then {literal(OTHER_ROLE)} when place > 1 then {literal(again)} else '' end
                 as rule,
               count(*) as rows
        from good group by all
        """
    ).pl()
    return found


def _attendance(con: duckdb.DuckDBPyConnection, _: WeekBegins | None) -> pl.DataFrame:
    return _facts(
        con,
        "attendance",
        """
        left join stretches on stretches.student_id = item.student_id
          and item.date >= stretches.begin_date and item.date < stretches.end_date
        """,
        f"case when not submitted then {literal(NOT_TAKEN)} "
        f"when stretches.student_id is null then {literal(NOT_ENROLLED)} else '' end",
        f"stretches as ({_STRETCHES.format(keys='student_id')})",
    )


def _homework(con: duckdb.DuckDBPyConnection, week_begins: WeekBegins | None) -> pl.DataFrame:
    """As `facts.homework` counts it, but for the running week, of which a part may not count yet."""
    return _facts(
        con,
        "homework",
        """
        left join filled on filled.class_id = item.class_id
        left join taught on taught.class_id = item.class_id and taught.student_id = item.student_id
          and item.due_date >= taught.begin_date and item.due_date < taught.end_date
        left join stretches on stretches.student_id = item.student_id
          and item.due_date >= stretches.begin_date and item.due_date < stretches.end_date
        left join stg_students as student on student.student_id = item.student_id
        left join through on through.school_id = student.school_id
        """,
        f"case when status not in ('complete', 'late', 'missing') then {literal(NO_OUTCOME)} "
        f"when through.last is null or item.due_date > through.last then {literal(NOT_YET_DUE)} "
        "when filled.class_id is not null and taught.class_id is null "
        f"or stretches.student_id is null then {literal(NOT_ENROLLED)} else '' end",
        f"""
        taught as ({_STRETCHES.format(keys="student_id, class_id")}),
        stretches as ({_STRETCHES.format(keys="student_id")}),
        filled as (select distinct class_id from taught),
        through as (
          select school_id, {end_of_week("max(day)", week_begins)} as last
          from (
            select student_id, date as day from stg_attendance where submitted
            union all
            select student_id, due_date from stg_homework where status in ('complete', 'late')
              and not exists (from stg_attendance where submitted)
          ) join stg_students using (student_id) group by all
        )
        """,
    )


def _facts(
    con: duckdb.DuckDBPyConnection, table: str, joins: str, rule: str, parts: str
) -> pl.DataFrame:
    """Of rows by the million: those in the table, and those that another of the same key repeats."""
    found: pl.DataFrame = con.sql(
        f"""
        with {parts},
        staged as (select item.file, {rule} as rule, count(*) as rows from stg_{table} as item {joins} group by all)
        select file, if(rule = '', 'counted', 'outside') as fate, rule, rows from staged
        union all by name
        select file, if(differs, 'superseded', 'same') as fate,
               if(differs, {literal(SUPERSEDED)}, {literal(SAME)}) as rule,
               sum(repeated.rows)::bigint as rows
        from repeated_{table} as repeated
        -- those of a snapshot that differ are rejected rows
        where not differs or not exists (
          from rejected_{table} where rule = {literal(SUPERSEDED)}
        )
        group by all
        """
    ).pl()
    return found


_FACTS = {"attendance": _attendance, "homework": _homework}
