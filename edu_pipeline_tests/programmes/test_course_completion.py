from datetime import date

import pytest

from edu_pipeline_tests.programmes.conftest import Build, at, certified, programme, result, run_of


def test_the_best_run_wins_not_the_latest(build: Build) -> None:
    tables = build(
        [result("1", "a", "1T2024", grade=0.9), result("1", "a", "1T2025", grade=0.3)],
    )

    row = tables.course("1", "a")
    assert (row["best_run"], row["best_grade"], row["attempts"]) == ("1T2024", 0.9, 2)


def test_a_run_with_a_certificate_is_better_than_one_with_a_higher_grade(build: Build) -> None:
    tables = build(
        [certified("1", "a", "1T2024", grade=0.7), result("1", "a", "1T2025", grade=0.95)],
    )

    row = tables.course("1", "a")
    assert (row["best_run"], row["grade"], row["best_grade"]) == ("1T2024", 0.7, 0.95)
    assert (row["enrollment_track"], row["verification"]) == ("verified", "ID Verified")


@pytest.mark.parametrize("order", [1, -1])
def test_of_equal_certificates_the_one_exported_last_wins_in_any_order(
    build: Build, order: int
) -> None:
    rows = [
        certified("1", "a", "1T2024", stamp=at(2026, 3, 1), verification="later export"),
        certified("1", "a", "2T2024", stamp=at(2026, 2, 1)),
    ]

    row = build(rows[::order]).course("1", "a")
    assert (row["best_run"], row["verification"]) == ("1T2024", "later export")


@pytest.mark.parametrize("order", [1, -1])
def test_of_runs_alike_in_everything_the_last_by_name_wins(build: Build, order: int) -> None:
    rows = [result("1", "a", "1T2024", grade=0.5), result("1", "a", "2T2024", grade=0.5)]

    assert build(rows[::order]).course("1", "a")["best_run"] == "2T2024"


@pytest.mark.parametrize("track", ["audit", "honor", None, "unpaid-executive-education"])
def test_an_old_export_that_calls_a_free_pass_eligible_gives_no_certificate(
    build: Build, track: str | None
) -> None:
    tables = build([result("1", "a", grade=0.9, track=track, certificate_eligible=True)])

    row = tables.course("1", "a")
    assert row["passed"]
    assert not row["certificate"]
    assert row["eligible_any_track"]


@pytest.mark.parametrize(
    "track",
    [
        *("verified", "professional", "no-id-professional", "credit", "masters"),
        *("executive-education", "paid-executive-education", "paid-bootcamp"),
    ],
)
def test_every_paid_track_gives_a_certificate(build: Build, track: str) -> None:
    tables = build([certified("1", "a", track=track, certificate_type="N/A")])

    assert tables.course("1", "a")["certificate"]


@pytest.mark.parametrize("delivered", [False, None])
def test_whom_edx_only_calls_eligible_has_passed_and_holds_no_certificate(
    build: Build, delivered: bool | None
) -> None:
    tables = build([certified("1", "a", certificate_delivered=delivered)])

    row = tables.course("1", "a")
    assert (row["passed"], row["certificate"], row["audit_passed"]) == (True, False, False)


def test_a_certificate_delivered_counts_though_edx_no_longer_calls_it_eligible(
    build: Build,
) -> None:
    tables = build(
        [
            certified("1", "a", certificate_eligible=False),
            certified("2", "a", certificate_eligible=False, track="audit"),
            result("3", "a", certificate_delivered=True, certificate_type="honor", track="honor"),
        ]
    )

    assert tables.course("1", "a")["certificate"]
    assert tables.course("2", "a")["certificate"]  # of the verified type, so it was paid for
    assert not tables.course("3", "a")["certificate"]


def test_a_pass_on_a_paid_track_without_eligibility_is_no_certificate_and_no_audit_pass(
    build: Build,
) -> None:
    row = build([result("1", "a", grade=0.9, track="verified")]).course("1", "a")

    assert (row["passed"], row["certificate"], row["audit_passed"]) == (True, False, False)


def test_a_grade_at_the_pass_mark_passes_as_rounded(build: Build) -> None:
    tables = build([result("1", "a", grade=0.65), result("2", "a", grade=0.64)])

    assert tables.course("1", "a")["passed"]
    assert not tables.course("2", "a")["passed"]


def test_an_audit_pass_is_told_by_grade_and_track_not_by_eligibility(build: Build) -> None:
    tables = build(
        [
            result("1", "a", grade=0.9),
            result("2", "a", grade=0.9, certificate_eligible=True),
            result("3", "a", grade=0.9, track="honor"),
            result("4", "a", grade=0.2, certificate_eligible=True),
            result("5", "a", grade=0.9, track=None),
            result("6", "a", grade=0.9, track="unpaid-executive-education"),
            result("7", "a", grade=0.9, track="unpaid-bootcamp"),
        ]
    )

    found = {learner: tables.course(learner, "a")["audit_passed"] for learner in "1234567"}
    assert [learner for learner, passed in found.items() if passed] == ["1", "2", "3", "6", "7"]


def test_who_has_a_certificate_is_no_audit_pass_any_more(build: Build) -> None:
    tables = build([result("1", "a", "1T2024", grade=0.9), certified("1", "a", "1T2025")])

    row = tables.course("1", "a")
    assert (row["certificate"], row["audit_passed"]) == (True, False)


def test_a_learner_who_could_not_be_graded_has_no_grade_and_one_attempt(build: Build) -> None:
    tables = build(
        [result("1", "a", "1T2024", grade=0.1), result("1", "a", "1T2025", has_error=True)]
    )

    row = tables.course("1", "a")
    assert (row["best_run"], row["best_grade"], row["attempts"]) == ("1T2024", 0.1, 2)
    only_error = build([result("1", "a", has_error=True)]).course("1", "a")
    assert (only_error["best_grade"], only_error["passed"]) == (None, False)


def test_the_first_run_passed_goes_by_when_runs_were_held_not_by_their_names(
    build: Build,
) -> None:
    tables = build(
        [
            result("1", "a", "Jan_2025", grade=0.7),
            result("1", "a", "2T2018a", grade=0.9),
            result("1", "a", "3T2017", grade=0.2),
        ],
    )

    row = tables.course("1", "a")
    assert (row["first_run"], row["first_passed_run"]) == ("3T2017", "2T2018a")
    assert row["last_run"] == "Jan_2025"


def test_dates_in_the_settings_win_over_the_year_in_a_runs_name(build: Build) -> None:
    tables = build(
        [result("1", "a", "1T2025", grade=0.7), result("1", "a", "self-paced", grade=0.7)],
        [run_of("a", "self-paced", starts=date(2016, 1, 1))],
    )

    assert tables.course("1", "a")["first_passed_run"] == "self-paced"


def test_a_run_that_the_settings_do_not_list_counts_with_its_courses_pass_mark(
    build: Build,
) -> None:
    tables = build([certified("1", "a", "1T2017")], [run_of("a", "1T2027")])

    assert tables.course("1", "a")["certificate"]
    assert tables.course("1", "a")["passed"]
    runs = tables.read("programme_runs")
    assert dict(runs.select("run_name", "listed").iter_rows()) == {"1T2017": False, "1T2027": True}
    assert runs.filter(run_name="1T2017")["period"].item() == 2017


@pytest.mark.parametrize(
    ("dates", "going"),
    [
        ({"ends": date(2026, 10, 1)}, True),
        ({"ends": date(2026, 9, 30)}, False),
        ({"ends": date(2026, 9, 30), "certificates_available": date(2026, 12, 1)}, False),
        ({"starts": date(2027, 1, 1)}, True),
        ({"starts": date(2026, 8, 1), "upgrade_deadline": date(2026, 10, 20)}, True),
        ({}, False),
    ],
)
def test_a_course_is_in_progress_until_its_run_ends(
    build: Build, dates: dict[str, date], going: bool
) -> None:
    tables = build([result("1", "a", "3T2026")], [run_of("a", "3T2026", **dates)])

    assert tables.course("1", "a")["in_progress"] is going


def test_who_left_the_run_or_has_the_certificate_is_not_in_progress(build: Build) -> None:
    running = [run_of("a", "3T2026", ends=date(2026, 12, 1))]
    tables = build(
        [
            result("1", "a", "3T2026", enrolled=False),
            result("2", "a", "3T2026", enrolled=None),
            result("3", "a", "3T2026"),
            certified("3", "a", "1T2024"),
        ],
        running,
    )

    found = {learner: tables.course(learner, "a")["in_progress"] for learner in "123"}
    assert found == {"1": False, "2": True, "3": False}


def test_the_same_learner_in_two_programmes_is_two_rows(build: Build) -> None:
    other = {**certified("1", "a"), "programme_id": "other"}
    tables = build(
        [result("1", "a", grade=0.1), other], programmes=(programme(), programme(id="other"))
    )

    rows = tables.read("course_completion").sort("programme_id")
    assert rows["certificate"].to_list() == [False, True]
