"""Programme certificates that edX issued, beside who is complete: every way in which they may differ."""

from datetime import date
from typing import Any

import polars as pl

from edu_pipeline.facts.certificates_issued import certificates_issued
from edu_pipeline.facts.completion_doubts import doubts
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import CourseCertificatesIssued
from edu_pipeline.model.programmes import ProgrammeCertificates
from edu_pipeline_tests.programmes.conftest import (
    Build,
    Row,
    at,
    certified,
    frame,
    package,
    result,
    run_of,
)

ENDED = {"ends": date(2025, 6, 1)}
RUNS = [run_of(course, "1T2025", **ENDED) for course in "abcz"]


def whole(learner: str) -> list[Row]:
    return [certified(learner, course) for course in "abcz"]


def listed(learner: str, day: date | None, *, issued: bool = True) -> dict[str, object]:
    return {
        "programme_id": "lead",
        "learner_id": learner,
        "issued": issued,
        "issued_on": day,
        "listed_on": date(2025, 7, 1),
        "file": "micromasters/lead/program_certificates.csv",
        "line": 2,
    }


def test_both_ways_have_their_reasons(build: Build) -> None:
    tables = build(
        [*whole("1"), *whole("2"), certified("3", "a"), certified("3", "z"), certified("5", "a")],
        RUNS,
    )
    day = date(2025, 6, 20)
    rows = [listed("1", day), listed("3", day), listed("4", None), listed("5", None, issued=False)]
    write_table(
        tables.con, "stg_programme_certificates", frame(rows, dtypes(ProgrammeCertificates))
    )
    found = certificates_issued(tables.con, tables.programmes)
    assert found.select("learner_id", "issued", "complete", "reason", "missing").rows() == [
        ("1", True, True, "issued, and complete", None),
        ("2", False, True, "complete, and none issued", None),
        ("3", True, False, "issued, and not complete by the exports", "b, c"),
        ("4", True, False, "issued, and no export of a run has the learner", None),
    ]


def test_without_a_list_there_is_nothing_to_compare(build: Build) -> None:
    tables = build(whole("1"), RUNS)
    write_table(tables.con, "stg_programme_certificates", ProgrammeCertificates.create_empty())
    assert certificates_issued(tables.con, tables.programmes).is_empty()


def test_who_completed_after_the_list_was_made_is_no_difference(build: Build) -> None:
    late = [run_of(course, "1T2025", ends=date(2025, 8, 1)) for course in "abcz"]
    tables = build([*whole("1")], late)
    rows = [listed("9", None)]
    write_table(
        tables.con, "stg_programme_certificates", frame(rows, dtypes(ProgrammeCertificates))
    )
    found = certificates_issued(tables.con, tables.programmes)
    assert dict(found.select("learner_id", "reason").iter_rows())["1"] == (
        "complete since the list was made"
    )


def test_a_course_that_is_held_by_another_account_of_the_person_is_not_missing(
    build: Build,
) -> None:
    tables = build([certified("1", "a"), certified("2", "b")], RUNS, people={"1": "1", "2": "1"})
    rows = [listed("1", None)]
    write_table(
        tables.con, "stg_programme_certificates", frame(rows, dtypes(ProgrammeCertificates))
    )
    (found,) = certificates_issued(tables.con, tables.programmes)["missing"]
    assert found == "c, z"


NOT_DELIVERED: dict[str, Any] = {"certificate_delivered": False, "certificate_type": "N/A"}


def test_edx_s_table_of_certificates_stands_beside_the_reports_both_ways(build: Build) -> None:
    tables = build(
        [
            certified("1", "a"),
            certified("2", "a", **NOT_DELIVERED),
            certified("3", "a", **NOT_DELIVERED, stamp=at(2026, 11, 1)),
            certified("4", "a"),
            certified("5", "a"),
            certified("6", "a", stamp=at(2026, 11, 1)),
            certified("7", "a", **NOT_DELIVERED),
            certified("8", "b"),
        ],
        packages=[
            *(package(learner, "a") for learner in "123"),
            package("4", "a", status="invalidated"),
            package("7", "a", status="notpassing"),
        ],
    )
    found = tables.read("course_certificates_issued")
    CourseCertificatesIssued.validate(found.cast(dtypes(CourseCertificatesIssued)))
    assert dict(found.select("learner_id", "reason").iter_rows()) == {
        "1": "issued, and delivered",
        "2": "issued, and not delivered by an older report",
        "3": "issued, and not delivered by the newest report",
        "4": "delivered, and invalidated in edX's table",
        "5": "delivered, and not in edX's table",
        "6": "delivered since edX's table was made",
    }


def test_where_edx_s_table_and_the_reports_differ_is_doubtful(build: Build) -> None:
    tables = build(
        [
            certified("1", "a"),
            certified("2", "a", **NOT_DELIVERED),
            certified("2", "a", "1T2024"),
            certified("3", "a", **NOT_DELIVERED),
            certified("4", "a"),
            certified("6", "a", stamp=at(2026, 11, 1)),
        ],
        packages=[
            *(package(learner, "a") for learner in "123"),
            package("4", "a", status="deleted"),
        ],
    )
    nobody = newcomers_of_nobody()
    rows = doubts(tables.con, "lead", nobody)
    assert rows.select("student_id", "doubt").rows() == [
        ("4", "delivered_not_issued"),
        ("3", "issued_not_delivered"),
    ]


def test_what_was_taken_back_is_told_besides_what_edx_s_table_says(build: Build) -> None:
    tables = build(
        [certified("3", "a", **NOT_DELIVERED)],
        earlier=[certified("3", "a", stamp=at(2026, 8, 1))],
        packages=[package("3", "a")],
    )
    rows = doubts(tables.con, "lead", newcomers_of_nobody())
    assert rows.select("student_id", "doubt").rows() == [
        ("3", "issued_not_delivered"),
        ("3", "revoked"),
    ]


def test_accounts_of_one_person_that_have_each_passed_something_are_doubtful(build: Build) -> None:
    tables = build(
        [
            certified("1", "a"),
            result("2", "b", grade=0.9),
            certified("3", "a"),
            result("4", "b", grade=0.1),
        ],
        people={"1": "1", "2": "1", "3": "3", "4": "3"},
    )
    rows = doubts(tables.con, "lead", newcomers_of_nobody())
    assert rows.select("student_id", "username", "course", "doubt").rows() == [
        ("1", "user1", None, "two_accounts"),
        ("2", "user2", None, "two_accounts"),
    ]


def newcomers_of_nobody() -> pl.DataFrame:
    return pl.DataFrame(schema={"learner_id": pl.String, "milestone": pl.String, "new": pl.Boolean})
