import math
from datetime import date

import pytest

from edu_pipeline.facts.run_results import (
    certificates_delivered,
    completions,
    course_counts,
    course_pairs,
    days_to_next_course,
    progress_counts,
)
from edu_pipeline.model.completion import (
    CertificateDifferences,
    CertificateReconciliation,
    CourseRetention,
    ProgrammeBridge,
    ProgrammeCompletions,
    ProgrammeFunnel,
    TimeToNextCourse,
)
from edu_pipeline.programmes.funnel import (
    bridge_sentences,
    course_retention,
    programme_bridge,
    programme_completions,
    programme_funnel,
    time_to_next_course,
)
from edu_pipeline_tests.programmes.conftest import (
    TODAY,
    Build,
    Row,
    Tables,
    certified,
    programme,
    result,
    run_of,
)


def finished(learner: str, run: str = "1T2025") -> list[Row]:
    return [certified(learner, course, run) for course in "abcz"]


def bridge_of(tables: Tables) -> dict[str, int]:
    rows = ProgrammeBridge.validate(
        programme_bridge(tables.programmes, progress_counts(tables.con))
    )
    return dict(rows.select("line", "learners").iter_rows())


def test_the_funnel_counts_learners_once_at_every_stage(build: Build) -> None:
    tables = build(
        [
            *finished("1"),
            certified("2", "a"),
            result("2", "a", "2T2025", grade=0.1),
            result("2", "b", grade=0.7),
            result("3", "a"),
        ]
    )

    rows = ProgrammeFunnel.validate(
        programme_funnel(tables.programmes, course_counts(tables.con), progress_counts(tables.con))
    )
    assert list(rows.select("course_id", "stage", "learners").iter_rows()) == [
        ("a", "enrolled", 3),
        ("a", "passed", 2),
        ("a", "certificate", 2),
        ("b", "enrolled", 2),
        ("b", "passed", 2),
        ("b", "certificate", 1),
        ("c", "enrolled", 1),
        ("c", "passed", 1),
        ("c", "certificate", 1),
        ("z", "enrolled", 1),
        ("z", "passed", 1),
        ("z", "certificate", 1),
        (None, "enrolled", 3),
        (None, "certificate", 2),
        (None, "core_complete", 1),
        (None, "complete", 1),
    ]
    assert rows.filter(course_id="a", stage="passed")["share"].item() == pytest.approx(2 / 3)


def test_a_programme_without_learners_has_a_funnel_of_zeros_and_no_shares(build: Build) -> None:
    tables = build([certified("1", "a")], programmes=(programme(), programme(id="new")))

    rows = programme_funnel(
        tables.programmes, course_counts(tables.con), progress_counts(tables.con)
    ).filter(programme_id="new")
    assert rows["learners"].unique().to_list() == [0]
    assert rows["share"].null_count() == rows.height


def test_completer_means_the_same_in_the_funnel_the_bridge_and_the_progress(build: Build) -> None:
    tables = build([*finished("1"), *finished("2")[:3], certified("3", "a")])

    funnel = programme_funnel(
        tables.programmes, course_counts(tables.con), progress_counts(tables.con)
    )
    complete = tables.read("programme_progress")["complete"].sum()
    assert complete == 1
    assert funnel.filter(stage="complete")["learners"].item() == complete
    assert bridge_of(tables)["with the capstone"] == complete
    assert completions(tables.con)["learners"].sum() == complete


def test_retention_is_who_passed_a_course_and_ever_began_the_next(build: Build) -> None:
    tables = build(
        [
            *(result(str(n), "a", grade=0.7) for n in range(10)),
            *(result(str(n), "b") for n in range(4)),
            result("90", "a", grade=0.1),
            result("90", "b"),
        ],
        [run_of("c")],
    )

    row = (
        CourseRetention.validate(course_retention(course_pairs(tables.con)))
        .filter(course_id="a")
        .row(0, named=True)
    )
    assert (row["to_course"], row["passed"], row["went_on"], row["share"]) == ("b", 10, 4, 0.4)
    # Wilson's interval of 4 of 10, as in textbooks
    assert (row["share_low"], row["share_high"]) == (
        pytest.approx(0.1682, abs=1e-4),
        pytest.approx(0.6873, abs=1e-4),
    )


def test_nobody_or_everybody_going_on_has_an_interval_too(build: Build) -> None:
    tables = build([result("1", "a", grade=0.7), result("1", "b", grade=0.7), result("2", "c")])

    rows = course_retention(course_pairs(tables.con))
    assert rows["share"].to_list() == [1.0, 0.0]
    assert rows["share_high"].to_list() == pytest.approx([1.0, 0.7935], abs=1e-4)
    assert rows["share_low"].to_list() == pytest.approx([0.2065, 0.0], abs=1e-4)


A_ENDS = date(2026, 1, 31)
DATED = [
    run_of("a", "1T2026", starts=date(2026, 1, 1), ends=A_ENDS),
    run_of("b", "1T2026", starts=date(2026, 2, 10), ends=date(2026, 6, 1)),
    run_of("c", "2T2026", starts=date(2026, 5, 11), ends=date(2026, 8, 1)),
    run_of("a", "old", starts=date(2024, 1, 1), ends=date(2024, 2, 1)),
    run_of("z", "1T2026", starts=date(2026, 1, 15), ends=date(2026, 6, 1)),
    run_of("z", "old", starts=date(2024, 1, 1), ends=date(2024, 2, 1)),
]


def test_time_to_the_next_course_counts_those_who_still_may(build: Build) -> None:
    passed = [result(str(n), "a", "1T2026", grade=0.7) for n in range(1, 5)]
    tables = build(
        [
            *passed,
            result("1", "b", "1T2026"),
            result("2", "c", "2T2026"),
            result("9", "b", "1T2026"),
        ],
        DATED,
    )

    days = days_to_next_course(tables.con, TODAY).filter(course_id="a")
    rows = TimeToNextCourse.validate(time_to_next_course(days))
    # the others have waited from 31 January to 1 October
    assert list(rows.select("days", "at_risk", "went_on", "share").iter_rows()) == [
        (10, 4, 1, pytest.approx(0.25)),
        (100, 3, 1, pytest.approx(0.5)),
        (243, 2, 0, pytest.approx(0.5)),
    ]
    # Greenwood: 0.75 stay, and 1 of 4 * 3 is the sum; 0.75 to the power of exp(1.96 √(1/12) ÷ ln 0.75)
    wide = math.exp(1.959964 * math.sqrt(1 / 12) / -math.log(0.75))
    assert rows["share_low"][0] == pytest.approx(1 - 0.75 ** (1 / wide))
    assert rows["share_high"][0] == pytest.approx(1 - 0.75**wide)


def test_a_learner_is_followed_only_from_the_run_that_was_passed(build: Build) -> None:
    tables = build(
        [
            result("1", "a", "old", grade=0.2),
            result("1", "a", "1T2026", grade=0.9),
            result("1", "b", "1T2026"),
            # began before the run that was passed, so it is not what comes next
            result("2", "z", "old"),
            result("2", "a", "1T2026", grade=0.9),
        ],
        DATED,
    )

    found = days_to_next_course(tables.con, TODAY).filter(course_id="a").sort("days")
    assert list(found.select("days", "went_on", "waiting").iter_rows()) == [
        (10, 1, 0),
        (243, 0, 1),
    ]


def test_who_had_begun_every_course_is_not_waited_for(build: Build) -> None:
    begun = [result("1", course, "1T2024") for course in "bcz"]
    before = [
        run_of(course, "1T2024", starts=date(2024, 1, 1), ends=date(2024, 2, 1)) for course in "bcz"
    ]
    tables = build([*begun, result("1", "a", "1T2026", grade=0.9)], [*DATED, *before])

    assert days_to_next_course(tables.con, TODAY).is_empty()


def test_a_run_that_overlaps_is_next_after_no_days(build: Build) -> None:
    tables = build([result("1", "a", "1T2026", grade=0.9), result("1", "z", "1T2026")], DATED)

    found = days_to_next_course(tables.con, TODAY).filter(course_id="a")
    assert found["days"].to_list() == [0]


def test_a_pass_in_a_run_without_an_end_cannot_be_counted(build: Build) -> None:
    tables = build([result("1", "a", grade=0.9), result("1", "b", "1T2026")], DATED)

    assert days_to_next_course(tables.con, TODAY).is_empty()


def test_small_numbers_of_completions_are_left_out(build: Build) -> None:
    results, people = [], []
    for country, year, learners in (
        ("AU", 2024, 12),
        ("AU", 2025, 15),
        ("NZ", 2024, 2),
        ("NZ", 2025, 20),
    ):
        for n in range(learners):
            learner = f"{country}{year}{n}"
            results += finished(learner, f"1T{year}")
            people.append({"learner_id": learner, "country": country})
    tables = build(results, learners=people)

    rows = ProgrammeCompletions.validate(programme_completions(completions(tables.con)))
    found = {(row[1], row[2]): row[3] for row in rows.iter_rows()}
    assert found == {
        ("2024", "AU"): None,
        ("2024", "NZ"): None,
        ("2024", "all"): 14,
        ("2025", "AU"): None,
        ("2025", "NZ"): None,
        ("2025", "all"): 35,
        ("all", "AU"): 27,
        ("all", "NZ"): 22,
        ("all", "all"): 49,
    }


def test_nobody_complete_is_an_empty_table(build: Build) -> None:
    tables = build([certified("1", "a")])

    assert programme_completions(completions(tables.con)).is_empty()


def test_only_a_programme_that_asks_for_it_has_a_bridge_from_the_old_rule(build: Build) -> None:
    tables = build([certified("1", "a")])
    without = programme(old_rule=False)
    assert programme_bridge([without], progress_counts(tables.con)).is_empty()
    assert programme_bridge(tables.programmes, progress_counts(tables.con)).height > 0


def test_the_bridge_tells_audit_passes_from_capstones_counted(build: Build) -> None:
    def audits(learner: str) -> list[Row]:
        return [result(learner, course, grade=0.9, certificate_eligible=True) for course in "abc"]

    tables = build(
        [
            *finished("1"),
            *audits("2"),
            *audits("3"),
            *(certified("4", course) for course in "abz"),  # the capstone for c
            *(certified("5", course, certificate_eligible=False) for course in "abc"),
            certified("6", "a"),
        ]
    )

    assert bridge_of(tables) == {
        "old rule": 4,
        "audit passes": -2,
        "the capstone or a second choice counted as a course": -1,
        "certificates that the old rule did not see": 1,
        "new rule": 2,
        "with the capstone": 1,
    }
    rows = programme_bridge(tables.programmes, progress_counts(tables.con))
    assert bridge_sentences(rows) == [
        "lead: old rule 4; new 2; 2 were audit passes; 1 had the capstone or a second choice "
        "counted as a course; 1 have certificates that the old rule did not see"
    ]


def test_certificates_due_and_delivered_are_reconciled_with_reasons(build: Build) -> None:
    later = run_of("a", "3T2026", certificates_available=date(2026, 10, 2))
    tables = build(
        [
            certified("1", "a"),
            certified("2", "a", certificate_delivered=False),
            certified("3", "a", certificate_delivered=False, verification="Not ID Verified"),
            certified("4", "a", "3T2026", certificate_delivered=False),
            certified("5", "a", certificate_eligible=False),
            result("6", "a", certificate_delivered=True, track="honor", grade=0.9),
            result("7", "a", track="verified", grade=0.9),
            result("8", "a", grade=0.9),
            result("9", "a", track="verified", grade=0.1),
            result("10", "a", grade=0.9, track="verified", certificate_delivered=None),
            result("11", "a", certificate_delivered=True, track="golden", grade=0.9),
            certified("12", "a", track="paid-bootcamp", certificate_type="paid-bootcamp"),
        ],
        [later],
    )

    differences = CertificateDifferences.validate(tables.read("certificate_differences"))
    assert dict(differences.select("learner_id", "reason").iter_rows()) == {
        "2": "eligible, not delivered",
        "3": "eligible, identity not verified",
        "4": "eligible, certificates not available yet",
        "5": "delivered, not eligible",
        "6": "delivered on a free track",
        "7": "passed, not eligible",
        "11": "delivered on a track that is not known",
    }
    counts = CertificateReconciliation.validate(
        certificates_delivered(tables.con, TODAY), cast=True
    )
    assert counts.filter(reason="agree")["learners"].item() == 2
    assert counts["learners"].sum() == 9
