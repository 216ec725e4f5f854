"""People who were erased: their rows do not come in again, whatever exports still have them.

Whom that concerns is told by tombstones, salted hashes of an id with its kind (`student:100234`)
or of an address; who they were is not known here. An id counts as the settings read it.
"""

from collections.abc import Callable, Mapping
from functools import partial

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literals, quoted
from edu_pipeline.landing.sources.school.canonical import (
    canonical_query,
    headings,
    resolved_headers,
)
from edu_pipeline.landing.sources.school.fields import CO_TEACHERS, WORDS
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.tables.raw import RECEIVED
from edu_pipeline.landing.tombstones import IsOne, buried
from edu_pipeline.settings.landing import TableExport

PEOPLE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "students": (("student", "student_id"),),
    "staff": (("staff", "staff_id"), ("address", "email")),
    "classes": tuple(("staff", column) for column in ("teacher_id", *CO_TEACHERS)),
    "enrollments": (("student", "person_id"), ("staff", "person_id")),
    "attendance": (("student", "student_id"),),
    "homework": (("student", "student_id"),),
}
"""Export → whom its rows are about, and the column that says so."""

ABOUT_OTHERS = ("classes",)
"""Exports whose rows stay without the person: a class goes on when its teacher is forgotten."""


def about(table: str, export: TableExport, is_one: IsOne) -> str:
    """SQL that is true for an export's rows about somebody looked for; never null.

    An enrollment whose role is a teacher's is about no student, and the reverse: ids of the two may
    be alike. Where nobody knows what the role means, it may be about either.
    """
    roles = {**WORDS["enrollments", "role"], "student": "student", "teacher": "teacher"}
    roles |= {word.casefold(): ours for word, ours in export.values.get("role", {}).items()}
    said = {
        "student": [word for word, ours in roles.items() if ours == "teacher"],
        "staff": [word for word, ours in roles.items() if ours == "student"],
    }
    conditions = [
        f"({is_one(kind, column)} and coalesce(lower(role), '') not in {literals(said[kind])})"
        if column == "person_id"
        else is_one(kind, column)
        for kind, column in PEOPLE.get(table, ())
    ]
    return f"coalesce({' or '.join(conditions)}, false)" if conditions else "false"


def keep_out(
    con: duckdb.DuckDBPyConnection,
    table: str,
    files: pl.DataFrame,
    export: TableExport,
    tombstones: pl.DataFrame,
) -> Callable[[], str] | None:
    """What gives `load_raw` the SQL of the `incoming_rows` that may come in; None: all may.

    Where anybody was forgotten, only rows that belong to the export and cells of columns that are
    read come in: in any other cell a forgotten name might stand. How many rows are kept out is noted
    in `forgotten_rows`, without what was in them.

    Args:
        con: The warehouse.
        table: One of `SCHOOL_TABLES`.
        files: `LandingFiles`.
        export: Its section of `pipeline.toml`.
        tombstones: `hash` and `salt`.
    """
    con.execute(
        'create table if not exists forgotten_rows ("table" varchar, file varchar, rows bigint)'
    )
    con.execute("alter table forgotten_rows add column if not exists file varchar")
    con.execute('delete from forgotten_rows where "table" = ?', [table])
    if tombstones.is_empty():
        return None
    return partial(_known, con, table, files, export, tombstones)


def _known(
    con: duckdb.DuckDBPyConnection,
    table: str,
    files: pl.DataFrame,
    export: TableExport,
    tombstones: pl.DataFrame,
) -> str:
    query = canonical_query(table, files, export, rows="incoming_rows")
    con.register("tombstones", tombstones)
    con.execute(
        "create or replace temp table known_rows as select _file, _line, "
        f"{about(table, export, buried(tombstones))} as forgotten from ({query})"
    )
    con.unregister("tombstones")
    if table not in ABOUT_OTHERS:
        con.execute(
            'insert into forgotten_rows ("table", file, rows) select ?, _file, count(*) from known_rows '
            "where forgotten group by all",
            [table],
        )
        con.execute("delete from known_rows where forgotten")
    cells = ", ".join(_cells(con, table, files, export))
    if table in ABOUT_OTHERS:
        return f"select {cells} from incoming_rows join known_rows using (_file, _line)"
    # a line of a wide table is several known rows
    left = (
        "select *, false as forgotten from incoming_rows semi join known_rows using (_file, _line)"
    )
    return f"select {cells} from ({left})"


def _cells(
    con: duckdb.DuckDBPyConnection, table: str, files: pl.DataFrame, export: TableExport
) -> list[str]:
    """SQL of every received column: itself, nothing, or nothing where it names the person."""
    first = dict(files.filter(pl.col("table") == table).select("path", "header").iter_rows())
    read: set[str] = set()
    people: set[str] = set()
    for path, found in resolved_headers(table, files, export).items():
        # the first column tells totals from rows
        read |= {*found.headers.values(), *found.filters, *headings(found), first[path][0]}
        people |= {
            found.headers[column] for _, column in PEOPLE.get(table, ()) if column in found.headers
        }

    def cell(name: str) -> str:
        if name in RECEIVED:
            return name
        if name in people:
            return f"case when not forgotten then {quoted(name)} end as {quoted(name)}"
        if name in read or normal(name) == "status":  # which tells what is to be deleted
            return quoted(name)
        return f"null::varchar as {quoted(name)}"

    return [cell(name) for name in con.table("incoming_rows").columns]
