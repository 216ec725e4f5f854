"""One person with several accounts counts once, by what all of them hold together."""

from datetime import date

from edu_pipeline.facts.nudges import certificates_seen, standings
from edu_pipeline.facts.run_results import (
    completions,
    course_counts,
    people_counts,
    progress_counts,
)
from edu_pipeline_tests.programmes.conftest import Build, certified, result, run_of

ACCOUNTS = {"1": "1", "2": "1"}


def test_two_accounts_complete_together_what_neither_has_alone(build: Build) -> None:
    tables = build(
        [
            certified("1", "a"),
            certified("1", "b"),
            certified("2", "c"),
            result("2", "a", grade=0.9),
            certified("3", "a"),
        ],
        people=ACCOUNTS,
    )

    assert not tables.read("programme_progress")["core_complete"].any()
    (person,) = tables.read("person_progress").iter_rows(named=True)
    assert (person["learner_id"], person["core_complete"], person["attempts"]) == ("1", True, 4)
    assert not person["no_audited_passed"]
    course = tables.read("person_completion").filter(course_id="a").row(0, named=True)
    assert (course["attempts"], course["certificate"], course["audit_passed"]) == (2, True, False)


def test_counts_are_of_people(build: Build) -> None:
    both = [certified(account, "a") for account in "123"]
    tables = build([*both, *(certified("2", course) for course in "bcz")], people=ACCOUNTS)

    a = course_counts(tables.con).filter(course_id="a").row(0, named=True)
    assert (a["enrolled"], a["certificate"]) == (2, 2)
    assert progress_counts(tables.con)["learners"].sum() == 2
    assert completions(tables.con)["learners"].to_list() == [1]
    assert people_counts(tables.con).rows() == [("lead", 1, 2)]


def test_every_account_stands_where_the_person_stands(build: Build) -> None:
    runs = [run_of(course, "1T2027", starts=date(2027, 2, 1)) for course in "abcz"]
    tables = build(
        [certified("1", "a"), certified("2", "b"), result("3", "a")],
        runs,
        people={**ACCOUNTS, "8": "8", "9": "8"},
    )

    rows = standings(tables.con, "lead").sort("learner_id")
    assert rows.select("learner_id", "core_certificates", "next_course").rows() == [
        ("1", 2, "c"),
        ("2", 2, "c"),
        ("3", 0, "a"),
    ]
    assert standings(tables.con, "lead", "2").height == 1


def test_who_completes_with_two_accounts_is_congratulated_by_one_of_them(build: Build) -> None:
    tables = build(
        [
            *(certified("1", course) for course in "ab"),
            *(certified("2", course) for course in "cz"),
            *(certified("3", course) for course in "abcz"),
            certified("4", "a"),
        ],
        [run_of("z", certificates_available=date(2026, 3, 1))],
        people=ACCOUNTS,
    )
    seen = certificates_seen(tables.con, "lead", [*"abcz"]).sort("learner_id")

    z = (date(2026, 3, 1) - date(1970, 1, 1)).days
    assert seen.rows() == [("1", 0, 0, 0, z), ("3", 0, 0, 0, z)]
    assert certificates_seen(tables.con, "lead", [*"abcz"], "2").is_empty()
