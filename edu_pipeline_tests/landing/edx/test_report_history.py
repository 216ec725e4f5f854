"""What every grade report of a folder said, kept once, and only where something changed."""

from datetime import date

import polars as pl

from edu_pipeline.landing.sources.edx.report_history import forget_reported
from edu_pipeline_tests.landing.edx.conftest import Land, Landed
from edu_pipeline_tests.landing.edx.test_traps import GRADES, report
from edu_pipeline_tests.landing.edx.test_versions import NEWER, NEWEST, learner, learners

AUGUST, SEPTEMBER, OCTOBER = 8, 9, 10


def told(landed: Landed, who: str) -> list[tuple[int, bool, float | None, bool | None]]:
    """Month, there, grade, delivered: the learner's lines of the history."""
    lines = landed.table("report_history").filter(learner_id=who).sort("stamp")
    return lines.select(
        pl.col("stamp").dt.month(), "there", "grade", "certificate_delivered"
    ).rows()


def test_a_learner_has_a_line_for_the_first_report_and_for_each_that_changed_something(
    land_files: Land,
) -> None:
    landed = land_files(
        {
            GRADES: report(learner(1, given="N"), *learners(2, 3)),
            NEWER: report(learner(1, given="N"), *learners(2, 3)),
            NEWEST: report(*learners(1, 2, 3)),
        }
    )

    assert told(landed, "1") == [(AUGUST, True, 0.9, False), (OCTOBER, True, 0.9, True)]
    assert told(landed, "2") == [(AUGUST, True, 0.9, True)]
    assert landed.grades() == {"1": 0.9, "2": 0.9, "3": 0.9}
    assert landed.table("raw_grade_reports").height == 3


def test_who_is_missing_in_a_report_is_said_to_be_missing(land_files: Land) -> None:
    landed = land_files({GRADES: report(*learners(1, 2)), NEWER: report(*learners(2))})

    assert told(landed, "1") == [(AUGUST, True, 0.9, True), (SEPTEMBER, False, None, None)]


def test_an_older_report_that_lands_later_is_put_in_its_place(land_files: Land) -> None:
    before = land_files({GRADES: report(*learners(1, 2, 3)), NEWEST: report(*learners(1, 2, 3))})
    assert told(before, "1") == [(AUGUST, True, 0.9, True)]

    after = land_files(
        {
            NEWER: report(learner(1, given="N"), *learners(2, 3, 4)),
            NEWEST: report(*learners(1, 2, 3)),
        },
        again=before,
    )

    assert told(after, "1") == [
        (AUGUST, True, 0.9, True),
        (SEPTEMBER, True, 0.9, False),
        (OCTOBER, True, 0.9, True),
    ]
    assert told(after, "4") == [(SEPTEMBER, True, 0.9, True), (OCTOBER, False, None, None)]


def test_an_older_report_that_lost_too_much_says_nothing(land_files: Land) -> None:
    whole = report(*learners(*range(1, 31)))
    landed = land_files({GRADES: whole, NEWER: report(*learners(1, 2)), NEWEST: whole})

    assert told(landed, "9") == [(AUGUST, True, 0.9, True)]
    doubts = landed.table("report_versions").sort("stamp")["doubt"].to_list()
    assert doubts[0] is None
    assert "28 of the 30 learners" in doubts[1]
    assert doubts[2] is None


def test_a_report_that_was_released_is_remembered_though_it_was_left_out_before(
    land_files: Land,
) -> None:
    files = {GRADES: report(*learners(*range(1, 31))), NEWER: report(*learners(1, 2))}
    held = land_files(files)
    assert told(held, "9") == [(AUGUST, True, 0.9, True)]
    versions = held.table("report_versions").sort("stamp")
    assert versions["learners"].to_list() == [30, 2]
    assert versions["doubt"].to_list() == [None, held.exports["doubt"].drop_nulls().item()]

    (problem,) = held.problems.filter(holds="nudges")["id"]
    released = land_files(files, again=held, released=[problem])

    assert told(released, "9") == [(AUGUST, True, 0.9, True), (SEPTEMBER, False, None, None)]
    assert released.table("report_versions")["doubt"].to_list() == [None, None]


def test_what_a_deleted_report_said_is_still_known(land_files: Land) -> None:
    before = land_files({GRADES: report(learner(1, given="N"), *learners(2, 3))})
    after = land_files({NEWER: report(*learners(1, 2, 3))}, again=before)

    assert told(after, "1") == [(AUGUST, True, 0.9, False), (SEPTEMBER, True, 0.9, True)]
    stamps = after.table("report_versions")["stamp"].sort()
    assert stamps.dt.date().to_list() == [date(2024, 8, 1), date(2024, 9, 1)]


def test_who_is_forgotten_has_no_history(land_files: Land) -> None:
    landed = land_files({GRADES: report(*learners(1, 2))})

    forget_reported(landed.con, ["1"])

    assert landed.table("report_history")["learner_id"].to_list() == ["2"]
