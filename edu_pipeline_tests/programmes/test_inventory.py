from datetime import date, datetime

import polars as pl

from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import ExportInventory
from edu_pipeline.model.programmes import CourseRuns, EdxExports
from edu_pipeline.programmes.inventory import export_inventory, sentences
from edu_pipeline.programmes.runs import programme_runs
from edu_pipeline_tests.programmes.conftest import Row, at, frame, key, programme, run_of

TODAY = date(2026, 10, 1)


def export(course: str, run: str, kind: str, stamp: datetime, **cells: object) -> Row:
    return {
        "path": f"{course}{run}{kind}{stamp}",
        "programme_id": "lead",
        "course_id": course,
        "run": key(course, run),
        "kind": kind,
        "stamp": stamp,
        "current": True,
    } | cells


def both(course: str, run: str, stamp: datetime) -> list[Row]:
    return [export(course, run, kind, stamp) for kind in ("profile", "grades")]


def inventory(exports: list[Row], runs: list[Row], tabled: list[Row] | None = None) -> pl.DataFrame:
    dated = programme_runs([programme()], frame(runs, dtypes(CourseRuns)), TODAY)
    names = ("programme_id", "course_id", "run")
    of_tables = frame(tabled or [], pl.Schema(dict.fromkeys(names, pl.String)))
    found = export_inventory(frame(exports, dtypes(EdxExports)), dated, of_tables, TODAY)
    return ExportInventory.validate(found)


def test_what_is_missing_and_how_old_the_rest_is_stands_in_one_sentence() -> None:
    running = run_of("c", "3T2026", starts=date(2026, 8, 1), ends=date(2026, 12, 1))

    found = inventory([export("c", "3T2026", "grades", at(2026, 8, 21))], [running])

    assert sentences(found) == ["c/3T2026: profile missing; grade report 41 days old"]
    assert found.select("kind", "age_days", "needed").rows() == [
        ("profile", None, True),
        ("grades", 41, True),
    ]


def test_a_listed_run_without_any_export_is_missed_once_it_has_begun() -> None:
    begun = run_of("a", "3T2026", starts=date(2026, 10, 1))
    to_come = run_of("b", "1T2027", starts=date(2026, 10, 2))

    assert sentences(inventory([], [begun, to_come])) == [
        "a/3T2026: profile missing; grade report missing"
    ]


def test_of_a_run_that_is_over_edxs_own_tables_will_do() -> None:
    over = run_of("a", "2T2019", starts=date(2019, 2, 1), ends=date(2019, 6, 1))
    running = run_of("b", "3T2026", starts=date(2026, 8, 1), ends=date(2026, 12, 1))
    unlisted = run_of("c", "1T2018", listed=False)
    tabled: list[Row] = [
        {name: run[name] for name in ("programme_id", "course_id", "run")}
        for run in (over, running, unlisted)
    ]

    assert sentences(inventory([], [over, running, unlisted], tabled)) == [
        "b/3T2026: profile missing; grade report missing"
    ]
    assert sentences(inventory([], [over])) == ["a/2T2019: profile missing; grade report missing"]


def test_an_export_from_before_the_certificates_is_needed_again() -> None:
    over = run_of("a", "2T2026", ends=date(2026, 6, 1), certificates_available=date(2026, 6, 10))

    assert sentences(inventory(both("a", "2T2026", at(2026, 6, 9)), [over])) == [
        "a/2T2026: profile 114 days old, from before its certificates; "
        "grade report 114 days old, from before its certificates"
    ]
    assert sentences(inventory(both("a", "2T2026", at(2026, 6, 10)), [over])) == []


def test_an_export_of_a_run_that_goes_on_is_needed_again_after_a_week() -> None:
    running = run_of("a", "3T2026", ends=date(2026, 12, 1))

    assert sentences(inventory(both("a", "3T2026", at(2026, 9, 24)), [running])) == []
    assert sentences(inventory(both("a", "3T2026", at(2026, 9, 23)), [running])) == [
        "a/3T2026: profile 8 days old; grade report 8 days old"
    ]


def test_of_a_run_without_dates_any_export_will_do_and_it_says_that_it_is_not_listed() -> None:
    unlisted = {**run_of("a", "1T2016"), "listed": False}
    found = inventory(both("a", "1T2016", at(2026, 9, 30)), [unlisted])

    assert sentences(found) == []
    assert sentences(found, needed=False) == [
        "a/1T2016: profile 1 day old; grade report 1 day old (not listed in pipeline.toml)"
    ]


def test_only_the_exports_that_are_read_count() -> None:
    running = run_of("a", "3T2026", ends=date(2026, 12, 1))
    newer = export("a", "3T2026", "grades", at(2026, 9, 30), current=False, error="unreadable")

    found = inventory([*both("a", "3T2026", at(2026, 9, 28)), newer], [running])
    assert found["age_days"].to_list() == [3, 3]


def test_runs_that_need_something_come_first() -> None:
    runs = [run_of("a", "1T2016"), run_of("b", "1T2017")]
    exports = [
        *both("a", "1T2016", at(2026, 9, 1)),
        export("b", "1T2017", "grades", at(2026, 9, 1)),
    ]

    assert sentences(inventory(exports, runs), needed=False) == [
        "b/1T2017: profile missing; grade report 30 days old",
        "a/1T2016: profile 30 days old; grade report 30 days old",
    ]
