"""Who is new in the completion report since the exports before, and what is doubtful in it."""

from datetime import date
from typing import Any

import polars as pl

from edu_pipeline.facts.completion_doubts import doubts
from edu_pipeline.facts.hashed import forget_keys
from edu_pipeline.facts.newcomers import TABLE, newcomers, report_completers
from edu_pipeline.facts.run_results import report_rows
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.programmes.reports import completion_report, new_completers
from edu_pipeline_tests.programmes.conftest import (
    Build,
    Row,
    Tables,
    at,
    certified,
    result,
    run_of,
)


def refreshed(build: Build, exports: str, rows: list[Row], *, held: bool = False) -> Tables:
    """The tables after exports of a digest landed, and were reported."""
    tables = build(rows)
    landed = {"programme_id": ["lead"], "path": ["a.csv"], "sha256": [exports], "current": [True]}
    write_table(tables.con, "edx_exports", pl.DataFrame(landed))
    report_completers(tables.con, [] if held else ["lead"])
    return tables


def moved(tables: Tables) -> list[tuple[str, str, bool]]:
    return newcomers(tables.con, "lead").select("learner_id", "milestone", "new").rows()


def core(learner: str) -> list[Row]:
    return [certified(learner, course) for course in "abc"]


def test_nobody_is_new_in_the_first_report(build: Build) -> None:
    assert moved(refreshed(build, "one", core("1"))) == []


def test_who_completed_by_newer_exports_is_new_until_newer_ones_land(build: Build) -> None:
    refreshed(build, "one", [*core("1"), *core("2"), result("3", "a")])
    both = [*core("1"), certified("1", "z"), *core("2"), *core("3")]
    expected = [("1", "programme", True), ("3", "core", True)]

    assert moved(refreshed(build, "two", both)) == expected
    assert moved(refreshed(build, "two", both)) == expected
    assert moved(refreshed(build, "three", both)) == []


def test_what_is_held_makes_nobody_new_before_it_is_let_go(build: Build) -> None:
    refreshed(build, "one", [*core("1"), result("2", "a")])
    both = [*core("1"), *core("2")]
    expected = [("2", "core", True)]

    assert moved(refreshed(build, "two", both, held=True)) == expected
    assert moved(refreshed(build, "again", both, held=True)) == expected
    assert moved(refreshed(build, "again", both)) == expected
    assert moved(refreshed(build, "again", both)) == expected
    assert moved(refreshed(build, "three", both)) == []


def test_nobody_is_new_in_a_first_report_that_is_held(build: Build) -> None:
    assert moved(refreshed(build, "one", core("1"), held=True)) == []


def test_new_since_exports_by_which_nobody_was_complete(build: Build) -> None:
    refreshed(build, "one", [result("1", "a")])

    assert moved(refreshed(build, "two", core("1"))) == [("1", "core", True)]


def test_who_is_complete_no_more_is_told_of(build: Build) -> None:
    refreshed(build, "one", core("1"))
    tables = refreshed(build, "two", [result("1", "a")])

    assert moved(tables) == [("1", "core", False)]
    rows = doubts(tables.con, "lead", newcomers(tables.con, "lead"))
    assert rows.select("student_id", "doubt").rows() == [("1", "no_longer_core")]


def test_who_is_forgotten_leaves_no_hash(build: Build) -> None:
    tables = refreshed(build, "one", [*core("1"), *core("2")])

    forget_keys(tables.con, [TABLE], ["1"])

    left = tables.read("reported_completers").filter(pl.col("key").is_not_null())
    assert left.height == 1


def test_the_sheet_of_new_ones_names_them_and_what_is_new(build: Build) -> None:
    refreshed(build, "one", [result("1", "a"), result("2", "a")])
    tables = refreshed(build, "two", [*core("1"), certified("1", "z"), *core("2")])
    courses = [course.id for course in tables.programmes[0].courses]
    report = completion_report(report_rows(tables.con, "lead", courses), courses)

    found = new_completers(report, newcomers(tables.con, "lead"))
    assert found.select("student_id", "username", "new").rows() == [
        ("1", "user1", "core, programme"),
        ("2", "user2", "core"),
    ]


def test_a_certificate_that_is_owed_awaited_or_gone_is_doubtful_unless_another_run_has_one(
    build: Build,
) -> None:
    out = {"ends": date(2026, 6, 1)}
    none: dict[str, Any] = {"certificate_delivered": False, "certificate_type": "N/A"}
    had = {"certificate_delivered": True, "stamp": at(2026, 7, 1)}
    gone = certified("4", "a", **none)
    tables = build(
        [
            certified("1", "a", **none),
            certified("2", "a", verification="Not ID Verified", **none),
            certified("3", "b", **none),
            gone,
            certified("5", "a", **none),
            certified("5", "a", "1T2024"),
            certified("6", "a"),
            # of older runs, and missing in their newest report: with a certificate, and paid for
            certified("6", "a", "1T2024", missing=True, enrolled=False, **none),
            certified("7", "a", missing=True, enrolled=False, **none),
        ],
        [run_of("a", "1T2025", **out)],
        earlier=[{**gone, **had}, certified("6", "a", "1T2024", stamp=at(2026, 7, 1))],
    )

    nobody = pl.DataFrame(
        schema={"learner_id": pl.String, "milestone": pl.String, "new": pl.Boolean}
    )
    rows = doubts(tables.con, "lead", nobody)
    assert rows.select("student_id", "course", "run", "doubt", "since").rows() == [
        ("6", "a", "1T2024", "revoked", date(2026, 9, 1)),
        ("1", "a", "1T2025", "due", date(2026, 9, 1)),
        ("7", "a", "1T2025", "missing", date(2026, 9, 1)),
        ("2", "a", "1T2025", "not_verified", date(2026, 9, 1)),
        ("4", "a", "1T2025", "revoked", date(2026, 9, 1)),
        ("3", "b", "1T2025", "expected", date(2026, 9, 1)),
    ]
    assert rows["in_words"][1] == (
        "passed on a paid track; certificates are out, and none was delivered"
    )
