"""However an export is laid out, a figure stays what it was or somebody is told; no row is without a fate."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import duckdb
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edu_pipeline_tests.landing.conftest import look_for_problems

Land = Callable[..., duckdb.DuckDBPyConnection]
Fates = Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
Rows = list[list[str]]

STUDENTS = ("007", "008")
DAYS = ("2026-09-07", "2026-09-08")
FILES = ("attendance.csv", "attendance_b.csv", "attendance (1).csv")
CODES = ("present", "absent", "late")


def text(rows: Sequence[Sequence[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


def laid_out(
    header: list[str], rows: Rows, how: str, order: Sequence[int], column: int
) -> dict[str, str | None]:
    """The files that an export becomes."""
    files: dict[str, str | None] = dict.fromkeys(FILES)
    mixed = [rows[n] for n in order]
    if how == "columns the other way round":
        header, mixed = header[::-1], [row[::-1] for row in mixed]
    if how == "a column has an unknown name":
        header = [*header[:column], "Vorgang", *header[column + 1 :]]
    if how == "two files":
        half = len(mixed) // 2
        files["attendance.csv"] = text([header, *mixed[:half]])
        files["attendance_b.csv"] = text([header, *mixed[half:]])
    else:
        files["attendance.csv"] = text([header, *mixed])
    if how == "downloaded twice":
        files["attendance (1).csv"] = files["attendance.csv"]
    if how == "appended to itself":
        files["attendance.csv"] = text([header, *mixed, *mixed])
    return files


WAYS = (
    "rows in another order",
    "columns the other way round",
    "a column has an unknown name",
    "two files",
    "downloaded twice",
    "appended to itself",
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), per_day=st.sampled_from([1, 2]), how=st.sampled_from(WAYS))
def test_no_figure_changes_in_silence(
    stage: Land,
    tmp_path: Path,
    messages: Messages,
    fates: Fates,
    data: st.DataObject,
    per_day: int,
    how: str,
) -> None:
    sessions = ("AM", "PM")[:per_day]
    slots = list(product(STUDENTS, DAYS, sessions))
    codes = [data.draw(st.sampled_from(CODES)) for _ in slots]
    order = data.draw(st.permutations(range(len(slots))))
    header = ["student_id", "date", "code", "session"][: 3 + (per_day > 1)]
    column = data.draw(st.integers(0, len(header) - 1))
    rows = [
        [student, day, code, session][: len(header)]
        for (student, day, session), code in zip(slots, codes, strict=True)
    ]
    toml = f"[landing.attendance]\nsessions_per_day = {per_day}"
    con = stage(laid_out(header, rows, how, order, column), toml)
    missed = sum(code == "absent" for code in codes) / per_day
    figures = con.sql(
        "select coalesce(sum(possible), 0), coalesce(sum(possible - attended), 0) from stg_attendance"
    ).fetchall()
    if figures != [(len(STUDENTS) * len(DAYS), missed)]:
        look_for_problems(con, tmp_path, toml)
        assert messages(con), (how, codes)
    read = fates(con).filter(pl.col("table") == "attendance", pl.col("rule") != "newer_file")
    assert con.sql("select count(*) from raw_attendance").fetchall() == [(read["rows"].sum(),)]
