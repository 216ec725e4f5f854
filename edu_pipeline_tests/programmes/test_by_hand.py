"""The tables beside the same rules written once more, learner by learner, in plain Python."""

from collections import defaultdict

import pytest

from edu_pipeline_tests.programmes.conftest import Build, Row, key
from edu_pipeline_tests.programmes.test_completion import ALL_OPEN, some_results

PAID = {
    "verified",
    "professional",
    "no-id-professional",
    "credit",
    "masters",
    "executive-education",
}


def has_certificate(row: Row) -> bool:
    return bool(row["certificate_delivered"] and PAID & {row["track"], row["certificate_type"]})


def has_passed(row: Row) -> bool:
    return row["grade"] is not None and row["grade"] >= 0.65


def may_have_one_yet(row: Row) -> bool:
    """Passed on a paid track, and did not leave: edX has the last word on the certificate."""
    passed = has_passed(row) or row["certificate_eligible"]
    return bool(row["track"] in PAID and passed and row["enrolled"] is not False)


def course_by_hand(rows: list[Row]) -> Row:
    best = max(
        rows,
        key=lambda r: (
            has_certificate(r),
            -1 if r["grade"] is None else r["grade"],
            r["stamp"],
            r["run"],
        ),
    )
    certificate = any(map(has_certificate, rows))
    return {
        "attempts": len(rows),
        "best_run": best["run"],
        "grade": best["grade"],
        "best_grade": max((r["grade"] for r in rows if r["grade"] is not None), default=None),
        "enrollment_track": best["track"],
        "passed": any(map(has_passed, rows)),
        "certificate": certificate,
        "awaited": not certificate and any(map(may_have_one_yet, rows)),
        "audit_passed": not certificate
        and any(has_passed(row) and row["track"] in {"audit", "honor"} for row in rows),
    }


@pytest.mark.parametrize("seed", range(20, 24))
def test_every_learner_and_course_is_as_computed_by_hand(build: Build, seed: int) -> None:
    rows = some_results(seed)
    tables = build(rows, ALL_OPEN)

    by_course: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_course[row["learner_id"], row["course_id"]].append(row)
    found = {
        (row["learner_id"], row["course_id"]): row
        for row in tables.read("course_completion").iter_rows(named=True)
    }
    assert found.keys() == by_course.keys()
    for of, taken in by_course.items():
        expected = course_by_hand(taken)
        assert {name: found[of][name] for name in expected} == expected

    by_learner: dict[str, dict[str, Row]] = defaultdict(dict)
    for (learner, course), taken in by_course.items():
        by_learner[learner][course] = course_by_hand(taken)
    for row in tables.read("programme_progress").iter_rows(named=True):
        courses = by_learner[row["learner_id"]]
        held = {course for course, done in courses.items() if done["certificate"]}
        awaited = {course for course, done in courses.items() if done["awaited"]}
        still = "abc" if set("abc") - held else "z"
        needed = [course for course in still if course not in held | awaited]
        assert row["core_certificates"] == len(held - {"z"})
        assert row["core_missing"] == len(set("abc") - held)
        assert row["no_certificate_eligible"] == len(held)
        assert row["no_audited_passed"] == sum(done["audit_passed"] for done in courses.values())
        assert row["capstone"] == ("z" in held)
        assert row["complete"] == (held == set("abcz"))
        assert row["next_course"] == (needed[0] if needed else None)
        assert row["next_run"] == (key(needed[0], "1T2027") if needed else None)
