import errno
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from edu_pipeline.ground.resources import Warehouse
from edu_pipeline.ground.steps import Parts, Table, check, step, table, thinned
from edu_pipeline.ground.warehouse import Connection, open_warehouse, read_table, write_table

NUMBERS = pl.DataFrame({"n": [1, 2]})


@table("sums", kinds={"polars"}, pii="none")
def doubled(numbers: pl.DataFrame) -> pl.DataFrame:
    """Twice each."""
    return numbers.select(pl.col("n") * 2)


@table("sums", kinds={"polars"}, pii="none", source="school")
def total(doubled: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """All together."""
    return doubled.sum(), {"largest": doubled["n"].to_list()[-1]}


@table("sums", kinds={"polars"}, pii="none")
def broken(total: pl.DataFrame) -> pl.DataFrame:
    """What cannot be computed."""
    raise ArithmeticError(total.height)


@table("sums", kinds={"polars"}, pii="none", name="total")
def total_in_parts(numbers: pl.DataFrame) -> Parts:
    """One by one; the number nine breaks it off."""
    for n in numbers["n"]:
        if n == 9:
            raise ArithmeticError(n)
        yield pl.DataFrame({"n": [n * 2]})
    return {"parts": numbers.height}


@check("total", "It is even.")
def is_even(total: pl.DataFrame) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=total["n"].sum() % 2 == 0)


class Room:
    """A warehouse with `numbers`, and a step that is run in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "warehouse.duckdb"
        self.warehouse = Warehouse(
            path=str(self.path), lock_path=str(folder / ".lock"), exports=str(folder)
        )
        self.instance = dg.DagsterInstance.ephemeral()
        self.keep(numbers=NUMBERS)

    def keep(self, **frames: pl.DataFrame) -> None:
        with open_warehouse(self.path) as con:
            for name, frame in frames.items():
                write_table(con, name, frame)

    def run(self, *made: Table, only: str | None = None) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [step("sum_up", made, checks=[is_even]), dg.AssetSpec("numbers")],
            selection=[only] if only else ["doubled", "total"] if broken not in made else None,
            instance=self.instance,
            resources={"warehouse": self.warehouse},
            raise_on_error=False,
        )

    def table(self, name: str) -> list[int]:
        with open_warehouse(self.path) as con:
            return read_table(con, name)["n"].to_list()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    with made.instance:
        yield made


@table("sums", kinds={"polars"}, pii="none", name="total")
def on_a_full_disk(numbers: pl.DataFrame) -> pl.DataFrame:
    """What the disk does not take."""
    raise OSError(errno.ENOSPC, "No space left on device", str(numbers.height))


def test_a_step_that_finds_the_disk_full_says_so_and_nothing_else(room: Room) -> None:
    (failure,) = room.run(doubled, on_a_full_disk).get_step_failure_events()
    error = failure.step_failure_data.error
    assert error
    assert error.cause is None
    assert "Failure: The disk is full. Make room on it" in error.message


def test_a_step_makes_its_tables_in_order_and_shows_their_rows_columns_and_notes(
    room: Room,
) -> None:
    result = room.run(doubled, total)
    assert result.success
    assert (room.table("doubled"), room.table("total")) == ([2, 4], [6])
    (last,) = [
        event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("total")
    ]
    assert last["dagster/row_count"].value == 1
    assert last["largest"].value == 4
    assert [each.passed for each in result.get_asset_check_evaluations()] == [True]


def test_a_table_that_is_made_alone_rests_on_the_others_as_they_are(room: Room) -> None:
    room.keep(doubled=pl.DataFrame({"n": [10, 20]}))
    assert room.run(doubled, total, only="total").success
    assert (room.table("doubled"), room.table("total")) == ([10, 20], [30])


def test_of_a_step_that_fails_nothing_stays(room: Room) -> None:
    room.keep(doubled=pl.DataFrame({"n": [7]}))
    result = room.run(doubled, total, broken)
    assert not result.success
    assert result.get_asset_materialization_events() == []
    assert room.table("doubled") == [7]


def test_a_table_that_comes_in_parts_is_whole_or_as_it_was(room: Room) -> None:
    room.keep(numbers=pl.DataFrame({"n": [1, 2, 3]}), total=pl.DataFrame({"n": [7]}))
    result = room.run(total_in_parts, only="total")
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["parts"].value == 3
    assert event.materialization.metadata["dagster/row_count"].value == 3
    assert room.table("total") == [2, 4, 6]

    room.keep(numbers=pl.DataFrame({"n": [5, 9]}))
    assert not room.run(total_in_parts, only="total").success
    assert room.table("total") == [2, 4, 6]


def test_what_needs_more_memory_than_is_usual_is_made_with_more(room: Room) -> None:
    limits: list[str] = []

    @table("sums", kinds={"duckdb"}, pii="none", name="total")
    def large(con: Connection, numbers: pl.DataFrame) -> pl.DataFrame:
        ((limit,),) = con.execute("select current_setting('memory_limit')").fetchall()
        limits.append(limit)
        if len(limits) == 1:
            con.execute("set memory_limit = '5MB'")
        con.execute("create or replace temp table t as select list(range) from range(3_000_000)")
        return numbers

    assert room.run(large, only="total").success
    assert room.table("total") == [1, 2]
    assert len(set(limits)) == 2


def test_a_table_that_is_not_there_yet_is_asked_for_in_a_sentence(room: Room) -> None:
    result = room.run(doubled, total, only="total")
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    error = failed.step_failure_data.error
    assert error
    assert "The table doubled is not there yet" in (error.cause or error).message


def test_a_table_before_what_it_rests_on_is_refused() -> None:
    with pytest.raises(ValueError, match="makes total before doubled"):
        step("sum_up", [total, doubled])


def test_a_table_is_tagged_by_its_source() -> None:
    assert [each.spec().tags.get("source") for each in (doubled, total)] == [None, "school"]


def named(name: str, *deps: str, source: str | None = None) -> Table:
    def make() -> pl.DataFrame:
        return NUMBERS

    return table("sums", kinds={"polars"}, pii="none", name=name, deps=deps, source=source)(make)


def test_a_table_names_what_lies_behind_another_only_where_runs_leave_that_one_out() -> None:
    made = [
        named("files"),
        named("school", "files", source="school"),
        named("edx", "files", source="edx"),
        named("staged", "files", "school", source="school"),
        # by way of the school alone: a run of edX would not know that the files come first
        named("told", "files", "staged"),
        named("all", "files", "edx", "school", "staged", "told"),
    ]
    (sums,) = thinned([step("sum_up", made)])
    deps = {spec.key.path[-1]: {dep.asset_key.path[-1] for dep in spec.deps} for spec in sums.specs}
    assert deps == {
        "files": set(),
        "school": {"files"},
        "edx": {"files"},
        "staged": {"school"},
        "told": {"files", "staged"},
        "all": {"edx", "told"},
    }
