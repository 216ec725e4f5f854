"""What was rejected of a school's exports, counted where it lies."""

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal
from edu_pipeline.landing.rules import UNMAPPED, UNPARSEABLE
from edu_pipeline.landing.sources.school.school_staging import STAGED_AS
from edu_pipeline.settings.landing import SCHOOL_TABLES

VALUES_SHOWN = 200


def reject_counts(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Rejected rows, counted where they lie: a wrong setting rejects them by the million.

    Returns:
        One row per `table`, `rule` and `file`: `rows`, the first `line`, and of dates that could
        not be read the `first_value` and some `values`.
    """
    parts = " union all by name ".join(
        f'select "table", rule, file, line, value from rejected_{staged}'
        for staged in STAGED_AS.values()
    )
    counts: pl.DataFrame = con.sql(
        f"""
        select "table", rule, file, count(*) as rows, min(line) as line,
               arg_min(value, line) filter (starts_with(rule, {literal(UNPARSEABLE)})) as first_value,
               (list(distinct value) filter (starts_with(rule, {literal(UNPARSEABLE)})))[:{VALUES_SHOWN}] as values
        from ({parts})
        group by all
        order by all
        """
    ).pl()
    return counts


def rows_received(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Rows that belong to each export: not blank, not sent elsewhere by `where`.

    Returns:
        One row per `table` and `file` that has any: `rows`.
    """
    parts = " union all ".join(
        f"""
        select {literal(table)} as "table", _file as file, count(*) as rows
        from read_{table} group by all
        """
        for table in SCHOOL_TABLES
    )
    received: pl.DataFrame = con.sql(f"{parts} order by all").pl()
    return received


def unmapped_codes(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Codes that nobody mapped, and the classes whose students they stand beside.

    Args:
        con: The warehouse, with the staging tables and `rejected_…`.

    Returns:
        One row per `table`, `code` and class concerned: `rows`, `first_date` and `last_date` of the
        code; `class_id`, `class_name` and `class_type`, empty where it concerns no class.
    """
    parts = " union all ".join(
        f"""
        select "table", value as code, student_id, day, count(*) as rows
        from rejected_{table} where rule = {literal(UNMAPPED)} group by all
        """
        for table in ("attendance", "homework")
    )
    codes: pl.DataFrame = con.sql(
        f"""
        with marks as ({parts}),
        codes as (
          select "table", code, sum(rows)::bigint as rows,
                 min(day) as first_date, max(day) as last_date
          from marks group by all
        ),
        concerned as (
          select distinct marks.table, marks.code, class_id, class_name, class_type
          from marks
          join stg_enrollments as spell
            on spell.role = 'student' and spell.person_id = marks.student_id
            and marks.day >= spell.begin_date and marks.day < spell.end_date
          join stg_classes using (class_id)
        )
        from codes left join concerned using ("table", code)
        order by "table", code, class_type, class_name, class_id
        """
    ).pl()
    return codes
