"""What every grade report of a folder said of each learner, so that changes have a day.

A report is read once, however often it lies there, and only what it says differently from the one
before is kept. Which report counts today is for `exports` and `edx_versions` to say; here is what was
said when. What follows from it is `facts.run_states`.
"""

from collections.abc import Collection
from datetime import datetime

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import columns_of, write_table
from edu_pipeline.landing.sources.edx.edx_versions import (
    ACCEPTED,
    OF_ACCEPTED,
    Difference,
    create_accepted,
    losses,
)
from edu_pipeline.model.programmes import ReportHistory, ReportVersions

HISTORY, VERSIONS = "report_history", "report_versions"
_SAID = (
    *("grade", "track", "verification"),
    *("certificate_eligible", "certificate_delivered", "certificate_type", "enrolled"),
)
_CELLS = ", ".join(_SAID)
_OF_RUN = "programme_id = $programme and run = $run"


def create_history(con: duckdb.DuckDBPyConnection) -> None:
    """Make the empty tables, unless they are there."""
    for name, schema in ((HISTORY, ReportHistory), (VERSIONS, ReportVersions)):
        if columns_of(con, name) is None:
            write_table(con, name, schema.create_empty())


def recorded(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, int], bool]:
    """Path and size of every report that was read, and whether what it says was taken in."""
    rows = con.execute(f"select path, size, doubt is null from {VERSIONS}").fetchall()
    return {(path, size): taken for path, size, taken in rows}


def record(
    con: duckdb.DuckDBPyConnection,
    programme: str,
    run: str,
    path: str,
    size: int,
    said: str,
    *,
    counts: bool,
) -> None:
    """Remember what a grade report says of its learners.

    Reports may come in any order: what an older one says is put before what is known already.

    Args:
        con: The warehouse, after `create_history`.
        programme: Its id.
        run: The run's whole key.
        path: The report's, which the raw table has with a row at least.
        size: Of the file, in bytes.
        said: SQL of its learners, one row for each, with `clean_…` cells.
        counts: Whether it is the one in force; any other is left out where it lost too much of the
            one before it.
    """
    of = {"programme": programme, "run": run}
    ((stamp,),) = con.execute(
        "select any_value(_version) from raw_grade_reports where _file = ?", [path]
    ).fetchall()
    differs = " or ".join(f"now.{name} is distinct from before.{name}" for name in _SAID)
    con.execute(
        f"""
        create or replace temp table reported as
        with before as (
          select learner_id, there, {_CELLS} from {HISTORY}
          where {_OF_RUN} and stamp < $stamp
          qualify row_number() over (partition by learner_id order by stamp desc) = 1
        ),
        now as (
          select learner_id, {", ".join(f"clean_{name} as {name}" for name in _SAID)}
          from ({said})
        )
        select coalesce(now.learner_id, before.learner_id) as learner_id,
               now.learner_id is not null as there, coalesce(before.there, false) as was,
               now.* exclude (learner_id),
               {", ".join(f"before.{name} as was_{name}" for name in _SAID)},
               (now.learner_id is not null) <> was or (now.learner_id is not null and ({differs}))
                 as changed
        from now full join before using (learner_id)
        """,
        {**of, "stamp": stamp},
    )
    doubt = None if counts else "; ".join(losses(_difference(con), "the one before")) or None
    if doubt is None:
        _insert(con, of, stamp)
    ((learners,),) = con.execute("select count(*) filter (there) from reported").fetchall()
    note_version(con, programme, run, path, size, stamp, learners, doubt)
    con.execute("drop table reported")


def note_version(
    con: duckdb.DuckDBPyConnection,
    programme: str,
    run: str,
    path: str,
    size: int,
    stamp: datetime,
    learners: int,
    doubt: str | None,
) -> None:
    """Note that a grade report was read, and why nothing of it is taken in where it is doubted."""
    con.execute(f"delete from {VERSIONS} where path = ?", [path])
    con.execute(
        f"insert into {VERSIONS} by name select $path as path, $programme as programme_id, $run as run, "
        "$stamp as stamp, $size as size, $learners as learners, $doubt as doubt",
        {"programme": programme, "run": run, "path": path, "stamp": stamp, "size": size}
        | {"learners": learners, "doubt": doubt},
    )


def _difference(con: duckdb.DuckDBPyConnection) -> Difference:
    """`reported` against what was known before it."""
    found: pl.DataFrame = con.sql(
        """
        select count(*) filter (there) as learners, count(*) filter (was) as before,
               count(*) filter (was and there) as met,
               coalesce(bool_or(not enrolled), false) as lists_leavers,
               count(*) filter (was and was_grade > 0) as grades,
               count(*) filter (was and was_grade > 0 and grade is null) as grades_gone,
               count(*) filter (was and was_certificate_delivered) as certificates,
               count(*) filter (was and was_certificate_delivered
                                and not coalesce(certificate_delivered, false))
                 as certificates_gone
        from reported
        """
    ).pl()
    return Difference(**found.row(0, named=True), cut=False)


def _insert(con: duckdb.DuckDBPyConnection, of: dict[str, str], stamp: object) -> None:
    """Put what `reported` says differently into the history, and what was said after it stays said."""
    parameters = {**of, "stamp": stamp}
    con.execute(
        f"delete from {HISTORY} where {_OF_RUN} and stamp = $stamp "
        "and learner_id in (select learner_id from reported where changed)",
        parameters,
    )
    ((after,),) = con.execute(
        f"select min(stamp) from {VERSIONS} where {_OF_RUN} and stamp > $stamp and doubt is null",
        parameters,
    ).fetchall()
    if after is not None:
        con.execute(
            f"""
            insert into {HISTORY} by name
            select $programme as programme_id, $run as run, learner_id, $after as stamp, was as there,
                   {", ".join(f"was_{name} as {name}" for name in _SAID)}
            from reported
            where changed and learner_id not in (
              select learner_id from {HISTORY} where {_OF_RUN} and stamp = $after
            )
            """,
            {**of, "after": after},
        )
    con.execute(
        f"""
        insert into {HISTORY} by name
        select $programme as programme_id, $run as run, learner_id, $stamp as stamp, there, {_CELLS}
        from reported where changed
        """,
        parameters,
    )


def forget_reported(con: duckdb.DuckDBPyConnection, learners: Collection[str]) -> None:
    """Take people out of what reports said and of what was accepted, so that nobody is missed.

    Args:
        con: The warehouse.
        learners: Their ids.
    """
    if columns_of(con, ACCEPTED) is not None:
        create_accepted(con)  # in an older warehouse another table has them
    for table in (OF_ACCEPTED, HISTORY):
        if columns_of(con, table) is not None:
            con.execute(
                f"delete from {table} where learner_id in (select unnest(?::varchar[]))",
                [list(learners)],
            )
