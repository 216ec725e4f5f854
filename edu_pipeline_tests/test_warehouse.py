from datetime import date
from pathlib import Path

import polars as pl

from edu_pipeline.ground.warehouse import open_warehouse, read_table, rows_of, write_partition


def letters(programme: str, week: date, *subjects: str) -> pl.DataFrame:
    return pl.DataFrame({"subject": subjects}).with_columns(
        programme_id=pl.lit(programme), week_start=pl.lit(week)
    )


def test_a_partition_of_a_programme_and_a_week_replaces_only_itself(tmp_path: Path) -> None:
    monday, next_monday = date(2026, 9, 28), date(2026, 10, 5)
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        for programme, week in (("lead", monday), ("buslead", monday), ("lead", next_monday)):
            write_partition(con, "made", letters(programme, week, "old"), f"{programme}|{week}")
        write_partition(con, "made", letters("lead", monday, "new", "newer"), f"lead|{monday}")
        rows = read_table(con, "made").sort(pl.all()).rows()
    assert rows == [
        ("new", "lead", monday),
        ("newer", "lead", monday),
        ("old", "buslead", monday),
        ("old", "lead", next_monday),
    ]


def test_a_query_takes_no_more_memory_than_is_meant_for_its_cores(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        ((limit, threads),) = con.execute(
            "select current_setting('memory_limit'), current_setting('threads')"
        ).fetchall()
    number, unit = limit.split()
    assert unit == "MiB"
    assert 0 < float(number) <= 200 * threads


def test_rows_are_read_a_part_at_a_time_in_their_order(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "warehouse.duckdb") as con:
        rows = rows_of(con.sql("select range as n, date '2026-09-28' as day from range(2500)"))
        assert next(rows) == {"n": 0, "day": date(2026, 9, 28)}
        assert [row["n"] for row in rows] == [*range(1, 2500)]
        assert [*rows_of(con.sql("select 1 as n where false"))] == []
