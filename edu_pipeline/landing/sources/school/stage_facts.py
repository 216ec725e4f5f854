"""Attendance and homework, from text to checked tables, in SQL.

The rules are those of `model.facts`; they stand here in SQL because these are the rows that come
by the million. Both exports go the same way: parse, meaning of the code, rules, later rows win.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal
from edu_pipeline.landing.rules import (
    CLOSED,
    NOT_EXPECTED,
    SUPERSEDED,
    UNKNOWN,
    UNMAPPED,
    UNPARSEABLE,
)
from edu_pipeline.landing.sources.school.fields import KEYS
from edu_pipeline.landing.tables.dates import parsed_date
from edu_pipeline.settings.landing import AttendanceExport, TableExport
from edu_pipeline.settings.marks import Attendance, Homework


@dataclass(frozen=True)
class _Fact:
    """What differs between the two exports."""

    table: str
    day: str
    code: str
    columns: Mapping[str, str]
    """Column of the staging table → SQL over `parsed`."""
    rules: Mapping[str, tuple[str, str]]
    """Rule → (SQL that is true where it is broken, SQL of the value to show), in order."""


def distinct_texts(con: duckdb.DuckDBPyConnection, query: str, *columns: str) -> pl.DataFrame:
    """The few different texts that stand in columns of rows by the million.

    Args:
        con: Where the query can be run.
        query: Of all the rows.
        columns: Its columns; of several, the combinations that occur.
    """
    found: pl.DataFrame = con.sql(f"select distinct {', '.join(columns)} from ({query})").pl()
    return found


def register_days(con: duckdb.DuckDBPyConnection, texts: pl.Series, export: TableExport) -> None:
    """Make `days`: each `text` and the `day` that it is, read as those of small tables are.

    Args:
        con: Where to; it is for the caller to unregister them.
        texts: As received, in any number.
        export: How its dates are written.
    """
    days = pl.DataFrame({"text": texts.unique()}).with_columns(
        day=parsed_date(pl.col("text"), export.date_formats)
    )
    con.register("days", days)


def stage_attendance(
    con: duckdb.DuckDBPyConnection, query: str, export: AttendanceExport, meanings: Attendance
) -> None:
    """Make `stg_attendance` and `rejected_attendance`.

    Args:
        con: The warehouse, with `stg_students` and `stg_school_days`.
        query: `canonical_query("attendance")`.
        export: Its section of `pipeline.toml`.
        meanings: What the codes mean.
    """
    per_day = export.sessions_per_day
    texts = distinct_texts(con, query, "date", "code")
    marks = {code: meanings.mark(code) for code in texts["code"].unique().sort()}
    con.register(
        "code_meanings",
        pl.DataFrame(
            [
                (code, mark.possible, mark.attended, mark.tardy, mark.excused, mark.submitted)
                for code, mark in marks.items()
                if mark
            ],
            schema={
                "word": pl.String,
                "possible": pl.Float64,
                "attended": pl.Float64,
                "tardy": pl.Boolean,
                "excused": pl.Boolean,
                "submitted": pl.Boolean,
            },
            orient="row",
        ),
    )
    share = (
        "(try_cast(replace(rtrim(parsed.duration, '% \u00a0\u202f'), ',', '.') as double)"
        " / if(ends_with(parsed.duration, '%'), 100, 1))"
    )
    fact = _Fact(
        table="attendance",
        day="date",
        code="code",
        columns={
            "student_id": "parsed.student_id",
            "date": "days.day",
            # some write it beside the date: `21 Sep 2026 AM`
            "session": (
                "coalesce(parsed.session, case when right(parsed.date, 1) in ('M', 'm') "
                "and not contains(parsed.date, ':') then upper(right(parsed.date, 2)) end, '')"
            ),
            "code": "parsed.code",
            "possible": f"meaning.possible / {per_day}",
            # a duration says how much of the session was missed by those the code calls absent
            "attended": (
                f"case when meaning.attended < meaning.possible and {share} is not null "
                f"then meaning.possible * (1 - {share}) else meaning.attended end / {per_day}"
            ),
            "tardy": "meaning.tardy",
            "excused": "meaning.excused",
            "submitted": "meaning.submitted",
        },
        rules={
            "duration_not_between_0_and_1": (
                f"parsed.duration is not null and not coalesce({share} between 0 and 1, false)",
                "parsed.duration",
            ),
            NOT_EXPECTED: ("open.date is null and meaning.possible = 0", "parsed.date"),
            CLOSED: ("open.date is null", "parsed.date"),
        },
    )
    _stage(con, query, texts, export, fact)


def stage_homework(
    con: duckdb.DuckDBPyConnection, query: str, export: TableExport, meanings: Homework
) -> None:
    """Make `stg_homework` and `rejected_homework`.

    Args:
        con: The warehouse, with `stg_students`, `stg_classes` and `stg_school_days`.
        query: `canonical_query("homework")`.
        export: Its section of `pipeline.toml`.
        meanings: What the statuses mean.
    """
    texts = distinct_texts(con, query, "due_date", "status")
    statuses = {code: meanings.status(code) for code in texts["status"].unique().sort()}
    con.register(
        "code_meanings",
        pl.DataFrame(
            [(code, status) for code, status in statuses.items() if status],
            schema={"word": pl.String, "status": pl.String},
            orient="row",
        ),
    )
    fact = _Fact(
        table="homework",
        day="due_date",
        code="status",
        columns={
            "student_id": "parsed.student_id",
            "assignment_id": "parsed.assignment_id",
            "class_id": "parsed.class_id",
            "due_date": "days.day",
            "status": "meaning.status",
        },
        rules={
            "missing_assignment_id": ("parsed.assignment_id is null", "null"),
            f"{UNKNOWN}class_id": (
                "parsed.class_id is not null and parsed.class_id not in (select class_id from stg_classes)",
                "parsed.class_id",
            ),
        },
    )
    _stage(con, query, texts, export, fact)


def _stage(
    con: duckdb.DuckDBPyConnection,
    query: str,
    texts: pl.DataFrame,
    export: TableExport,
    fact: _Fact,
) -> None:
    day, table = fact.day, fact.table
    register_days(con, texts[day], export)
    rules: Mapping[str, tuple[str, str]] = {
        "missing_student_id": ("parsed.student_id is null", "null"),
        f"missing_{day}": (f"parsed.{day} is null", "null"),
        f"{UNPARSEABLE}{day}": ("days.day is null", f"parsed.{day}"),
        f"{UNKNOWN}student_id": ("student.student_id is null", "parsed.student_id"),
        UNMAPPED: ("meaning.word is null", f"parsed.{fact.code}"),
        **fact.rules,
    }
    rule = " ".join(f"when {broken} then {literal(name)}" for name, (broken, _) in rules.items())
    value = " ".join(f"when {broken} then {shown}" for broken, shown in rules.values())
    con.execute(
        f"""
        create or replace temp table judged as
        select parsed._file, parsed._line, parsed._version,
               case when parsed._rule is not null then parsed._rule {rule} end as rule,
               case when parsed._rule is not null then parsed._value {value} end as value,
               days.day as _day, parsed.student_id as _student_id,
               {", ".join(f"{sql} as {name}" for name, sql in fact.columns.items())}
        from ({query}) as parsed
        left join days on days.text = parsed.{day}
        left join stg_students as student on student.student_id = parsed.student_id
        left join code_meanings as meaning on meaning.word = parsed.{fact.code}
        left join stg_school_days as open
          on open.date = days.day and open.school_id = student.school_id and open.in_session
        """
    )
    con.unregister("code_meanings")
    con.unregister("days")
    con.execute(
        f"""
        create or replace table rejected_{table} as
        select {literal(table)} as "table", _file as file, _line as line, rule, value,
               _student_id as student_id, _day as day
        from judged where rule is not null
        """
    )
    _set_superseded_apart(con, export, fact)
    con.execute(
        f"""
        create or replace table stg_{table} as
        select {", ".join(fact.columns)}, _file as file, _line as line
        from judged where rule is null
        """
    )
    con.execute("drop table judged")


def _set_superseded_apart(con: duckdb.DuckDBPyConnection, export: TableExport, fact: _Fact) -> None:
    """Of rows with the same key the latest counts; a snapshot's others are reported."""
    key = ", ".join(KEYS[fact.table])
    con.execute(
        f"""
        create or replace temp table superseded as
        with twice as (
          select {key} from judged where rule is null group by all having count(*) > 1
        ),
        ranked as (
          select _file, _line,
                 row_number() over (
                   partition by {key} order by _version desc, _file desc, _line desc
                 ) as place,
                 first_value(({", ".join(fact.columns)})) over (
                   partition by {key} order by _version desc, _file desc, _line desc
                 ) is distinct from ({", ".join(fact.columns)}) as differs,
                 _student_id, _day
          from judged semi join twice using ({key})
          where rule is null
        )
        select _file, _line, differs, _student_id, _day from ranked where place > 1
        """
    )
    con.execute(
        """
        delete from judged using superseded
        where judged._file = superseded._file and judged._line = superseded._line
        """
    )
    if export.export == "snapshot":
        con.execute(
            f"""
            insert into rejected_{fact.table} by name
            select {literal(fact.table)} as "table", _file as file, _line as line,
                   {literal(SUPERSEDED)} as rule, _student_id as student_id, _day as day
            from superseded where differs
            """
        )
    con.execute("drop table superseded")


def attendance_dates(
    con: duckdb.DuckDBPyConnection, query: str, export: AttendanceExport
) -> pl.DataFrame:
    """School days where no calendar was exported: dates with a row for every student.

    A date with less than a tenth of the rows of a school's median date is taken for a typing error.

    Args:
        con: The warehouse, with `stg_students`.
        query: `canonical_query("attendance")`.
        export: Its section of `pipeline.toml`; an exceptions-only export gives no dates.

    Returns:
        date × school: `date`, `school_id`.
    """
    if export.shape == "exceptions":
        return pl.DataFrame(schema={"date": pl.Date, "school_id": pl.String})
    con.execute(
        f"""
        create or replace temp table marked as
        select parsed.date as text, school_id, count(*) as marks
        from ({query}) as parsed join stg_students using (student_id)
        group by all
        """
    )
    register_days(con, con.table("marked").pl()["text"], export)
    dates: pl.DataFrame = con.sql(
        """
        with dated as (
          select day as date, school_id, sum(marks) as marks
          from marked join days using (text) where day is not null group by all
        ),
        usual as (select school_id, median(marks) as marks from dated group by all)
        select date, school_id
        from dated join usual using (school_id)
        where dated.marks >= usual.marks / 10
        order by all
        """
    ).pl()
    con.unregister("days")
    con.execute("drop table marked")
    return dates


def sessions_found(con: duckdb.DuckDBPyConnection) -> int:
    """The most rows that a student has on one day.

    Args:
        con: The warehouse, with `stg_attendance`.
    """
    most: int = con.execute(
        """
        select coalesce(max(marks), 0)
        from (select count(*) as marks from stg_attendance group by student_id, date)
        """
    ).fetchall()[0][0]
    return most


def marks_found(con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Marks that count in a rate, and how many of them are present and on time.

    Args:
        con: The warehouse, with `stg_attendance`.
    """
    ((marks, present),) = con.execute(
        """
        select count(*), count(*) filter (attended >= possible and not tardy)
        from stg_attendance where submitted and possible > 0
        """
    ).fetchall()
    return marks, present
