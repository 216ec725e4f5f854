"""The learners of a programme who get a letter, with what an envelope needs, and whom letters may reach."""

import duckdb
import polars as pl


def nudges_to_write(con: duckdb.DuckDBPyConnection, programme_id: str) -> pl.DataFrame:
    """Who gets a letter, in the order of ids.

    Args:
        con: The warehouse, with `nudges` and `stg_learners`.
        programme_id: The programme.

    Returns:
        `Nudges` that say `letter`, and of each learner `name`, `email` and `language` as received.
    """
    frame: pl.DataFrame = con.sql(
        """
        select nudges.*, name, email, language
        from nudges join stg_learners using (learner_id)
        where programme_id = $programme_id and decision = 'letter'
        order by learner_id
        """,
        params={"programme_id": programme_id},
    ).pl()
    return frame


def addresses_of_learners(con: duckdb.DuckDBPyConnection, programme_id: str) -> list[str]:
    """The addresses that the exports have now of everybody in a programme, as received.

    Args:
        con: The warehouse, with `nudges` and `stg_learners`.
        programme_id: The programme.
    """
    found = con.sql(
        """
        select distinct email
        from nudges join stg_learners using (learner_id)
        where programme_id = $programme_id and email is not null
        """,
        params={"programme_id": programme_id},
    )
    return [email for (email,) in found.fetchall()]
