"""What stands for a learner where a refresh remembers people and not their ids."""

from collections.abc import Collection

import duckdb

from edu_pipeline.ground.warehouse import columns_of

KEY = "md5_number_lower(programme_id || ' ' || learner_id)"
"""SQL on a row with a programme and a learner; another of each programme."""


def forget_keys(
    con: duckdb.DuckDBPyConnection, tables: Collection[str], learners: Collection[str]
) -> None:
    """Take learners out of tables of keys: a hash of an id leads back to it.

    Args:
        con: The warehouse.
        tables: Have `programme_id` and `key`, or are not there.
        learners: Their ids.
    """
    for table in tables:
        if columns_of(con, table) is not None:
            con.execute(
                f"""
                delete from {table} using (select unnest($learners::varchar[]) as learner_id) as gone
                where key = {KEY}
                """,
                {"learners": list(learners)},
            )
