"""The learners of a programme who get a letter, with what an envelope needs, and whom letters may reach."""

from collections.abc import Iterator

import duckdb

from edu_pipeline.ground.warehouse import rows_of


def nudges_to_write(con: duckdb.DuckDBPyConnection, programme_id: str) -> duckdb.DuckDBPyRelation:
    """Who gets a letter, in the order of ids.

    Args:
        con: The warehouse, with `nudges` and `stg_learners`.
        programme_id: The programme.

    Returns:
        `Nudges` that say `letter`, and of each learner `name`, `email` and `language` as received.
    """
    return _in(con, programme_id).filter("decision = 'letter'").order("learner_id")


def courses_to_name(con: duckdb.DuckDBPyConnection, programme_id: str) -> Iterator[str]:
    """The courses of `nudges_to_write`, by id."""
    named = nudges_to_write(con, programme_id).select("unnest([course_id, next_course]) as course")
    return (row["course"] for row in rows_of(named.filter("course is not null").distinct()))


def addresses_of_learners(con: duckdb.DuckDBPyConnection, programme_id: str) -> Iterator[str]:
    """The addresses that the exports have now of everybody in a programme, as received.

    Args:
        con: The warehouse, with `nudges` and `stg_learners`.
        programme_id: The programme.
    """
    found = _in(con, programme_id).filter("email is not null").select("email").distinct()
    return (row["email"] for row in rows_of(found))


def _in(con: duckdb.DuckDBPyConnection, programme_id: str) -> duckdb.DuckDBPyRelation:
    """Everybody of whom there is a row."""
    learners = (
        "select nudges.*, name, email, language from nudges join stg_learners using (learner_id)"
    )
    of = duckdb.ColumnExpression("programme_id") == duckdb.ConstantExpression(programme_id)
    return con.sql(learners).filter(of)
