"""What was believed in a week, by the reports of that week."""

from datetime import date
from typing import Any

import pytest

from edu_pipeline.facts.weekly_changes import report_weeks, weekly_changes
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.programmes import ReportVersions
from edu_pipeline.programmes.weeks import programme_weeks
from edu_pipeline_tests.programmes.conftest import (
    Build,
    Row,
    Tables,
    at,
    certified,
    frame,
    programme,
    result,
)

FIRST, SECOND, THIRD = at(2026, 8, 5), at(2026, 8, 12), at(2026, 8, 26)


def lines(row: Row, *said: tuple[Any, Row]) -> list[Row]:
    """What reports of some days said of a result."""
    return [{**row, "stamp": stamp, **cells} for stamp, cells in said]


def by_week(tables: Tables) -> dict[date, tuple[int, ...]]:
    versions = [
        {"path": f"{stamp}.csv", "programme_id": "lead", "run": "r", "stamp": stamp}
        | {"size": 1, "learners": 1, "doubt": None}
        for stamp in (FIRST, SECOND, THIRD)
    ]
    write_table(tables.con, "report_versions", frame(versions, dtypes(ReportVersions)))
    found = programme_weeks(
        tables.programmes[0], weekly_changes(tables.con, "lead"), report_weeks(tables.con, "lead")
    )
    return {
        row["week"]: tuple(
            row[name]
            for name in ("complete", "core_complete", "certificates", "passes", "verified")
        )
        for row in found.iter_rows(named=True)
    }


def test_every_week_counts_what_its_reports_said(build: Build) -> None:
    none = {"certificate_delivered": False, "certificate_type": "N/A"}
    a, b = certified("1", "a", stamp=THIRD), certified("1", "b", stamp=THIRD)
    other = result("2", "a", grade=0.9, stamp=THIRD)
    tables = build(
        [a, b, other],
        programmes=(programme(capstone=None, requirement={"all_of": ["a", "b"]}),),
        earlier=[
            *lines(a, (FIRST, {**none, "grade": 0.1}), (SECOND, none), (THIRD, {})),
            *lines(b, (FIRST, {})),
            *lines(other, (FIRST, {"grade": 0.2}), (THIRD, {})),
        ],
    )

    assert by_week(tables) == {
        date(2026, 8, 3): (0, 0, 1, 1, 1),
        date(2026, 8, 10): (0, 0, 1, 2, 1),
        date(2026, 8, 24): (1, 1, 2, 3, 1),
    }


def test_a_certificate_that_is_taken_back_counts_until_then(build: Build) -> None:
    rows = [certified("1", course, stamp=THIRD) for course in "abcz"]
    gone = {"certificate_delivered": False, "certificate_type": "N/A"}
    tables = build(
        rows,
        earlier=[
            *(line for row in rows[:3] for line in lines(row, (FIRST, {}))),
            *lines(rows[3], (FIRST, {}), (SECOND, gone)),
        ],
    )

    assert [counts[:3] for counts in by_week(tables).values()] == [
        (1, 1, 4),
        (0, 1, 3),
        (0, 1, 3),
    ]


@pytest.mark.parametrize("kept", ["1T2024", "1T2025"])
def test_of_two_runs_one_is_enough(build: Build, kept: str) -> None:
    runs = [certified("1", "a", run, stamp=THIRD) for run in ("1T2024", "1T2025")]
    none = {"there": False}
    tables = build(
        runs,
        earlier=[
            line
            for row in runs
            for line in lines(row, (FIRST, {}), *([] if kept in row["run"] else [(SECOND, none)]))
        ],
    )

    assert [counts[2:] for counts in by_week(tables).values()] == [(1, 1, 1)] * 3
