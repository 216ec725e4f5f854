"""How a learner stands in a run: one rule per test, each answer worked out by hand."""

from datetime import date
from typing import Any

import pytest

from edu_pipeline_tests.programmes.conftest import (
    Build,
    Row,
    at,
    certified,
    key,
    package,
    result,
    run_of,
)

JUNE, BEFORE, AFTER = date(2026, 6, 15), at(2026, 6, 1), at(2026, 9, 1)
OUT = {"ends": date(2026, 6, 1), "certificates_available": JUNE}


def earlier(row: Row, **cells: Any) -> Row:
    """What a report of August said of a learner of a result."""
    return {**row, "stamp": at(2026, 8, 1), **cells}


@pytest.mark.parametrize(
    ("cells", "run", "state"),
    [
        ({"certificate_delivered": True}, OUT, "delivered"),
        ({}, OUT, "due"),
        ({"certificate_delivered": None}, OUT, "due"),
        ({"certificate_eligible": False}, OUT, "due"),
        # allow-listed: edX's word is enough, at any grade
        ({"grade": 0.1}, OUT, "due"),
        ({"stamp": BEFORE}, OUT, "expected"),
        ({}, {"ends": JUNE}, "due"),
        ({"stamp": BEFORE}, {"ends": JUNE}, "expected"),
        ({}, {}, "expected"),
        ({"verification": "Not ID Verified"}, OUT, "not_verified"),
        ({"verification": "Not ID Verified", "enrolled": False}, OUT, "left"),
        ({"enrolled": False}, OUT, "left"),
        ({"track": "audit"}, OUT, "passed_free"),
        ({"track": "audit", "enrolled": False}, OUT, "left"),
        ({"track": "scholarship"}, OUT, "passed_unknown"),
        # edX called every pass eligible once, and on a free track a grade below the mark is none
        ({"track": "audit", "grade": 0.1}, OUT, "enrolled"),
        ({"grade": 0.1, "certificate_eligible": False}, OUT, "enrolled"),
    ],
)
def test_a_state_follows_from_track_grade_identity_and_what_was_delivered(
    build: Build, cells: dict[str, Any], run: dict[str, date], state: str
) -> None:
    passed: dict[str, Any] = {
        "certificate_delivered": False,
        "certificate_type": "N/A",
        "stamp": AFTER,
    }
    row = certified("1", "a", **(passed | cells))

    assert build([row], [run_of("a", "1T2025", **run)]).state("1", "a")[0] == state


def test_without_dates_certificates_are_out_once_somebody_has_one(build: Build) -> None:
    waits = certified("1", "a", certificate_delivered=False, certificate_type="N/A")
    has = certified("2", "a")

    tables = build([waits, has], earlier=[earlier(has)])

    assert tables.state("1", "a") == ("due", date(2026, 9, 1))
    assert tables.state("2", "a") == ("delivered", date(2026, 8, 1))


def test_a_certificate_that_an_earlier_report_had_is_revoked_since_it_was_gone(
    build: Build,
) -> None:
    row = certified("1", "a", certificate_delivered=False, certificate_type="N/A")
    had = {"certificate_delivered": True, "certificate_type": "verified"}

    tables = build(
        [row],
        [run_of("a", "1T2025", **OUT)],
        earlier=[
            earlier(row, stamp=at(2026, 7, 1), **had),
            earlier(row, stamp=at(2026, 8, 1)),
        ],
    )

    assert tables.state("1", "a") == ("revoked", date(2026, 8, 1))
    assert not tables.course("1", "a")["certificate"]


def test_a_state_began_with_the_first_report_of_those_in_a_row_that_say_so(build: Build) -> None:
    row = certified("1", "a")
    none = {"certificate_delivered": False}

    tables = build(
        [row],
        [run_of("a", "1T2025", **OUT)],
        earlier=[
            earlier(row, stamp=at(2026, 6, 20)),
            earlier(row, stamp=at(2026, 7, 1), **none),
            earlier(row, stamp=at(2026, 8, 1)),
        ],
    )

    assert tables.state("1", "a") == ("delivered", date(2026, 8, 1))


def test_a_certificate_is_due_from_the_day_that_they_are_out_though_the_pass_is_older(
    build: Build,
) -> None:
    row = certified("1", "a", certificate_delivered=False)

    tables = build([row], [run_of("a", "1T2025", **OUT)], earlier=[earlier(row, stamp=BEFORE)])

    assert tables.state("1", "a") == ("due", JUNE)


def test_who_was_missing_in_a_report_and_is_back_is_enrolled_since_then(build: Build) -> None:
    row = result("1", "a")

    tables = build(
        [row],
        earlier=[
            earlier(row, stamp=at(2026, 7, 1)),
            {"programme_id": "lead", "run": key("a", "1T2025"), "learner_id": "1"}
            | {"stamp": at(2026, 8, 1), "there": False},
        ],
    )

    assert tables.state("1", "a") == ("enrolled", date(2026, 9, 1))


def test_a_report_newer_than_the_one_in_force_says_nothing(build: Build) -> None:
    row = certified("1", "a")
    later = earlier(row, stamp=at(2026, 9, 20), certificate_delivered=False)

    tables = build([row], earlier=[later])

    assert tables.state("1", "a") == ("delivered", date(2026, 9, 1))


def test_edx_s_table_says_why_a_certificate_was_not_delivered(build: Build) -> None:
    none: dict[str, Any] = {"certificate_delivered": False, "certificate_type": "N/A"}
    tables = build(
        [
            certified("1", "a", **none),
            certified("2", "a", **none),
            certified("3", "a", **none),
            certified("4", "a"),
            certified("5", "a", **none),
        ],
        packages=[
            package("1", "a", status="invalidated"),
            package("2", "a", status="unverified"),
            package("3", "a", status="unavailable"),
            package("4", "a", status="invalidated"),
            package("5", "a", status="invalidated", certificate_paid=False),
        ],
    )
    assert [tables.state(learner, "a")[0] for learner in "12345"] == [
        "revoked",
        "not_verified",
        "due",  # they are out: somebody has one
        "delivered",
        "due",
    ]
