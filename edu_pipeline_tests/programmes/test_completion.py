import itertools
import random
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from edu_pipeline.programmes.completion import (
    certificates_counted,
    certificates_missing,
    complete_since,
    still_needed,
)
from edu_pipeline.settings.programmes import Requirement
from edu_pipeline_tests.programmes.conftest import (
    Build,
    Row,
    at,
    certified,
    programme,
    result,
    run_of,
)

OPEN = {"starts": date(2027, 2, 1), "enrolment_closes": date(2027, 2, 14)}
"""A run that can be joined."""
ALL_OPEN = [run_of(course, "1T2027", **OPEN) for course in "abcz"]
CHOICE = {"all_of": ["a", {"min_number_of": 1, "of": ["b", "c"]}]}
NESTED = {
    "all_of": ["a", {"min_number_of": 1, "of": [{"all_of": ["b", "c"]}, {"all_of": ["d", "e"]}]}]
}


def requirement(node: Any) -> Requirement:
    return Requirement.model_validate(node)


def states(courses: str) -> pl.DataFrame:
    """Every set of courses certified, in runs numbered as the courses are."""
    rows = itertools.product([False, True], repeat=len(courses))
    return pl.DataFrame(
        [
            {
                course: n if has else None
                for n, (course, has) in enumerate(zip(courses, row, strict=True), 1)
            }
            for row in rows
        ],
        schema=dict.fromkeys(courses, pl.Int64),
    )


def when(courses: str) -> dict[str, pl.Expr]:
    return {course: pl.col(course) for course in courses}


@pytest.mark.parametrize("node", ["a", CHOICE, NESTED, {"min_number_of": 2, "of": list("abcde")}])
def test_the_expression_agrees_with_the_settings_rule_for_every_set_of_certificates(
    node: Any,
) -> None:
    tree = requirement(node)
    rows = states("abcde").with_columns(
        since=complete_since(tree, when("abcde")),
        missing=certificates_missing(tree, when("abcde")),
    )

    for row in rows.iter_rows(named=True):
        held = {course for course in "abcde" if row[course] is not None}
        assert (row["since"] is not None) == tree.complete(held)
        assert (row["missing"] == 0) == tree.complete(held)


@pytest.mark.parametrize("node", [CHOICE, NESTED, {"min_number_of": 2, "of": list("abc")}])
def test_what_is_missing_is_the_smallest_set_that_completes(node: Any) -> None:
    tree = requirement(node)
    rows = states("abcde").with_columns(missing=certificates_missing(tree, when("abcde")))

    for row in rows.iter_rows(named=True):
        held = {course for course in "abcde" if row[course] is not None}
        fewest = min(
            len(more)
            for size in range(6)
            for more in itertools.combinations(sorted(set("abcde") - held), size)
            if tree.complete(held | set(more))
        )
        assert row["missing"] == fewest


@pytest.mark.parametrize(
    "empty",
    [
        Requirement.model_construct(course=None, all_of=(), min_number_of=None, of=None),
        Requirement.model_construct(course=None, all_of=None, min_number_of=0, of=()),
        Requirement.model_construct(
            course=None, all_of=None, min_number_of=0, of=(requirement("a"),)
        ),
    ],
)
def test_a_requirement_that_asks_for_nothing_is_never_complete(empty: Requirement) -> None:
    whole = Requirement.model_construct(
        course=None, all_of=(requirement("a"), empty), min_number_of=None, of=None
    )
    rows = states("ab").select(
        alone=complete_since(empty, when("ab")), inside=complete_since(whole, when("ab"))
    )

    assert rows.null_count().row(0) == (4, 4)


def test_a_choice_is_complete_since_the_last_certificate_it_asks_for_and_no_later() -> None:
    rows = pl.DataFrame({"a": [1, 1, 9], "b": [5, None, 2], "c": [3, 7, None]})

    since = rows.select(complete_since(requirement(CHOICE), when("abc"))).to_series()
    assert since.to_list() == [3, 7, 9]


def test_of_a_choice_no_more_certificates_count_than_it_asks_for() -> None:
    rows = pl.DataFrame(
        {"a": [1, None], "b": [5, 4], "c": [3, 7]}, schema_overrides={"a": pl.Int64}
    )

    counted = rows.select(certificates_counted(requirement(CHOICE), when("abc"))).to_series()
    assert counted.to_list() == [2, 1]


def test_a_course_is_needed_only_while_its_choice_is_open() -> None:
    rows = pl.DataFrame({"a": [None], "b": [5], "c": [None]}, schema=dict.fromkeys("abc", pl.Int64))

    needed = {
        course: rows.select(expression).item()
        for course, expression in still_needed(requirement(CHOICE), when("abc"))
    }
    assert needed == {"a": True, "b": False, "c": False}


def test_the_capstone_does_not_stand_in_for_a_course(build: Build) -> None:
    row = build([certified("1", course) for course in "abz"]).progress("1")

    assert (row["core_certificates"], row["core_missing"], row["capstone"]) == (2, 1, True)
    assert not row["core_complete"]
    assert not row["complete"]
    assert row["no_certificate_eligible"] == 3


def test_a_course_does_not_stand_in_for_the_capstone(build: Build) -> None:
    row = build([certified("1", course) for course in "abc"]).progress("1")

    assert row["core_complete"]
    assert not row["complete"]


def test_the_core_and_the_capstone_complete_the_programme(build: Build) -> None:
    row = build([certified("1", course) for course in "abcz"]).progress("1")

    assert (row["core_complete"], row["capstone"], row["complete"]) == (True, True, True)


def test_without_a_capstone_the_requirement_is_all(build: Build) -> None:
    flat = programme(courses=programme().courses[:3], capstone=None)
    row = build([certified("1", course) for course in "abc"], programmes=(flat,)).progress("1")

    assert row["complete"]
    assert not row["capstone"]


def test_a_certificate_in_any_course_does_not_complete_a_programme(build: Build) -> None:
    row = build([certified("1", "a")]).progress("1")

    assert (row["no_certificate_eligible"], row["complete"]) == (1, False)


def test_audit_passes_do_not_complete_a_programme(build: Build) -> None:
    row = build(
        [result("1", course, grade=0.9, certificate_eligible=True) for course in "abcz"]
    ).progress("1")

    assert (row["no_audited_passed"], row["no_certificate_eligible"]) == (4, 0)
    assert (row["core_complete"], row["eligible_any_track"]) == (False, 4)


def test_failed_repeats_take_nothing_away(build: Build) -> None:
    tries = [result("1", "a", f"{n}T2025", grade=0.1) for n in range(2, 4)]
    row = build([*tries, *(certified("1", course) for course in "abcz")]).progress("1")

    assert (row["complete"], row["attempts"], row["courses"]) == (True, 6, 4)


def test_a_programme_is_complete_with_the_run_of_its_last_certificate(build: Build) -> None:
    ends = {"a": date(2025, 3, 1), "b": date(2025, 6, 1), "c": date(2024, 12, 31)}
    runs = [
        run_of(course, "old", starts=date(2024, 10, 1), ends=end) for course, end in ends.items()
    ] + [
        run_of("z", "cap", starts=date(2025, 8, 1), ends=date(2026, 1, 30)),
        run_of("b", "again", starts=date(2026, 3, 1), ends=date(2026, 6, 1)),
    ]
    row = build(
        [
            *(certified("1", course, "old") for course in "abc"),
            certified("1", "z", "cap"),
            certified("1", "b", "again"),
        ],
        runs,
    ).progress("1")

    assert (row["completion_run"], row["completion_period"]) == ("cap", "2026")
    assert row["completed_on"] == date(2026, 1, 30)
    assert row["completion_days"] == 486  # 1 October 2024 to 30 January 2026
    # certificates of 31 December, 1 March, 1 June and 30 January: 395 days, three steps
    assert row["days_between_courses"] == pytest.approx(395 / 3)


def test_nobody_completes_on_a_day_to_come(build: Build) -> None:
    """Of a run that learners take at their own pace a certificate is there before its end."""
    runs = [run_of(course, "1T2025", ends=date(2025, 6, 20)) for course in "abc"]
    running = run_of("z", "3T2026", starts=date(2026, 7, 1), ends=date(2027, 1, 15))
    results = [*(certified("1", course) for course in "abc"), certified("1", "z", "3T2026")]

    row = build(results, [*runs, running]).progress("1")
    assert row["complete"]
    assert (row["completed_on"], row["completion_period"]) == (None, "2026")


def test_a_run_without_dates_still_completes_in_the_year_of_its_name(build: Build) -> None:
    row = build([certified("1", course, "2T2018a") for course in "abcz"]).progress("1")

    assert (row["complete"], row["completion_period"], row["completed_on"]) == (True, "2018", None)
    assert row["days_between_courses"] is None


def test_who_has_not_completed_has_no_completion_period(build: Build) -> None:
    row = build([certified("1", "a", "2T2018")]).progress("1")

    assert (row["completion_run"], row["completion_period"]) == (None, None)


def test_the_next_course_is_the_first_in_sequence_without_a_certificate(build: Build) -> None:
    row = build([certified("1", "b")], ALL_OPEN).progress("1")

    assert (row["next_course"], row["next_run"]) == ("a", "1T2027")


def test_an_audit_passer_with_three_certificates_has_a_next_course(build: Build) -> None:
    row = build(
        [*(certified("1", course) for course in "ab"), result("1", "c", grade=0.9)], ALL_OPEN
    ).progress("1")

    assert row["next_course"] == "c"


def test_a_course_in_progress_is_not_suggested(build: Build) -> None:
    running = run_of("b", "3T2026", ends=date(2026, 12, 1))
    row = build([certified("1", "a"), result("1", "b", "3T2026")], [running, *ALL_OPEN]).progress(
        "1"
    )

    assert row["next_course"] == "c"


def test_a_course_whose_runs_cannot_be_joined_is_passed_over(build: Build) -> None:
    closed = [run_of("b", "3T2026", enrolment_closes=date(2026, 9, 30)), run_of("b", "4T2026")]
    row = build([certified("1", "a")], [*closed, run_of("c", "1T2027", **OPEN)]).progress("1")

    assert row["next_course"] == "c"


@pytest.mark.parametrize(
    ("dates", "joined"),
    [
        ({"enrolment_closes": date(2026, 10, 1)}, True),
        ({"enrolment_closes": date(2026, 9, 30), "ends": date(2026, 12, 1)}, False),
        ({"ends": date(2026, 12, 1)}, True),
        ({"ends": date(2026, 12, 1), "upgrade_deadline": date(2026, 9, 30)}, False),
        ({"enrolment_closes": date(2026, 12, 1), "upgrade_deadline": date(2026, 9, 30)}, False),
        ({"enrolment_closes": date(2026, 12, 1), "upgrade_deadline": date(2026, 10, 1)}, True),
        ({"enrolment_closes": date(2026, 12, 1), "ends": date(2026, 9, 30)}, False),
        ({"starts": date(2026, 9, 17), "upgrade_deadline": date(2026, 10, 1)}, True),
        # who joins in its third week cannot finish it
        ({"starts": date(2026, 9, 16), "upgrade_deadline": date(2026, 10, 1)}, False),
        ({"starts": date(2026, 9, 1), "ends": date(2026, 12, 1), "self_paced": True}, True),
        ({"starts": date(2026, 10, 1)}, True),
        ({"starts": date(2026, 9, 30)}, False),
        ({}, False),
    ],
)
def test_a_run_can_be_joined_until_enrolment_or_the_upgrade_closes_or_it_ends(
    build: Build, dates: dict[str, date | bool], joined: bool
) -> None:
    row = build([result("1", "b")], [run_of("a", "next", **dates)]).progress("1")

    assert row["next_run"] == ("next" if joined else None)


def test_a_run_that_began_months_ago_is_not_named_before_the_one_that_begins_next(
    build: Build,
) -> None:
    running = run_of("a", "3T2026", starts=date(2026, 7, 1), ends=date(2026, 10, 20))
    next_one = run_of("a", "4T2026", starts=date(2026, 12, 1), ends=date(2027, 3, 1))

    assert build([result("1", "b")], [running, next_one]).progress("1")["next_run"] == "4T2026"


def test_a_run_that_no_export_knows_though_it_should_is_not_offered(build: Build) -> None:
    later = run_of("a", "1T2027", **OPEN)
    sooner = run_of("a", "4T_2026", starts=date(2026, 11, 1), ends=date(2026, 12, 20), unknown=True)

    assert build([result("1", "b")], [later, sooner]).progress("1")["next_run"] == "1T2027"


BEGUN, BEGINS = date(2026, 9, 20), date(2026, 12, 1)
"""Eleven days ago, so that it can be joined still, and in two months."""
ENDS = date(2027, 6, 1)


@pytest.mark.parametrize(
    ("runs", "named", "beside"),
    [
        ({"begun": (BEGUN, False), "begins": (BEGINS, False)}, "begins", "begun"),
        ({"self": (date(2024, 1, 1), True), "begins": (BEGINS, False)}, "begins", "self"),
        ({"self": (None, True), "begun": (BEGUN, False)}, "begun", "self"),
        ({"self": (date(2024, 1, 1), True), "newer": (date(2025, 1, 1), True)}, "newer", None),
        ({"begins": (BEGINS, False), "later": (date(2027, 2, 1), False)}, "begins", None),
        # nobody can begin it at once
        ({"self": (date(2026, 11, 1), True), "begins": (BEGINS, False)}, "begins", None),
        ({"today": (date(2026, 10, 1), False), "self": (None, True)}, "today", "self"),
    ],
)
def test_beside_the_run_that_begins_next_stands_one_that_can_be_begun_at_once(
    build: Build, runs: dict[str, tuple[date | None, bool]], named: str, beside: str | None
) -> None:
    listed = [
        run_of("a", name, starts=starts, ends=ENDS, self_paced=self_paced)
        for name, (starts, self_paced) in runs.items()
    ]
    row = build([result("1", "b")], listed).progress("1")

    assert (row["next_run"], row["other_run"]) == (named, beside)


AWAITED: Mapping[str, Any] = {"certificate_delivered": False, "certificate_type": "N/A"}


@pytest.mark.parametrize(
    ("cells", "dates", "next_course"),
    [
        ({}, {"ends": date(2026, 8, 1)}, "c"),  # due
        ({}, {"ends": date(2026, 12, 1)}, "c"),  # expected
        ({"verification": "Not ID Verified"}, {}, "c"),
        (
            {"verification": "Not ID Verified"},
            {"verification_deadline": date(2026, 10, 1)},
            "c",
        ),
        (
            {"verification": "Not ID Verified"},
            {"verification_deadline": date(2026, 9, 30)},
            "b",
        ),
        ({"enrolled": False}, {}, "b"),  # refunded
        ({"track": "audit"}, {}, "b"),
    ],
)
def test_a_course_whose_certificate_may_still_come_is_not_suggested(
    build: Build, cells: dict[str, Any], dates: dict[str, Any], next_course: str
) -> None:
    passed = certified("1", "b", **{**AWAITED, **cells})
    tables = build([certified("1", "a"), passed], [run_of("b", **dates), *ALL_OPEN])

    assert tables.progress("1")["next_course"] == next_course
    assert tables.course("1", "b")["awaited"] is (next_course == "c")
    assert tables.progress("1")["core_missing"] == 2


def test_a_course_whose_certificate_was_taken_back_is_in_question_and_not_suggested(
    build: Build,
) -> None:
    gone = certified("1", "b", certificate_delivered=False, certificate_type="N/A")
    row = build(
        [certified("1", "a"), gone],
        ALL_OPEN,
        earlier=[certified("1", "b", stamp=at(2026, 6, 1))],
    ).progress("1")

    assert row["next_course"] == "c"


def test_of_a_choice_that_an_awaited_certificate_makes_nothing_else_is_suggested(
    build: Build,
) -> None:
    choice = programme(capstone=None, requirement=CHOICE)
    results = [certified("1", "a"), certified("1", "c", **AWAITED)]

    assert build(results, ALL_OPEN, programmes=(choice,)).progress("1")["next_course"] is None


def test_the_capstone_waits_until_every_certificate_of_the_core_is_there(build: Build) -> None:
    results = [*(certified("1", course) for course in "ab"), certified("1", "c", **AWAITED)]

    assert build(results, ALL_OPEN).progress("1")["next_course"] is None


def test_the_capstone_is_suggested_when_the_core_is_complete_and_not_before(build: Build) -> None:
    capstone_only = [run_of("z", "1T2027", **OPEN)]
    tables = build(
        [*(certified("1", course) for course in "abc"), certified("2", "a")], capstone_only
    )

    assert tables.progress("1")["next_course"] == "z"
    assert tables.progress("2")["next_course"] is None


def test_who_completed_the_programme_has_no_next_course(build: Build) -> None:
    assert build([certified("1", c) for c in "abcz"], ALL_OPEN).progress("1")["next_course"] is None


def test_a_choice_already_made_is_not_suggested_again(build: Build) -> None:
    row = build(
        [certified("1", course) for course in "ab"],
        [run_of("c", "1T2027", **OPEN), run_of("z", "1T2027", **OPEN)],
        programmes=(programme(requirement=CHOICE),),
    ).progress("1")

    assert row["next_course"] == "z"


def test_the_last_run_says_where_a_learner_was_seen_last(build: Build) -> None:
    row = build([certified("1", "b", "1T2024"), result("1", "a", "3T2025")]).progress("1")

    assert (row["last_course"], row["last_run"]) == ("a", "3T2025")


def some_results(seed: int) -> list[Row]:
    """Three hundred results of forty learners, drawn by lot, no two of one run and learner."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    keys = list(
        itertools.product(
            (str(n) for n in range(40)), "abcz", ("1T2024", "2T2024", "1T2025", "3T2026")
        )
    )
    return [
        draw.choice((result, certified))(
            learner,
            course,
            run,
            grade=draw.choice([None, 0.2, 0.64, 0.65, 0.9]),
            track=draw.choice(["audit", "honor", "verified", None]),
            stamp=at(2026, draw.randint(1, 9), 1),
        )
        for learner, course, run in draw.sample(keys, 300)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_does_not_matter(build: Build, seed: int) -> None:
    rows = some_results(seed)
    shuffled = random.Random(seed).sample(rows, len(rows))  # noqa: S311 - no secret
    names = {
        "course_completion": ["learner_id", "course_id"],
        "programme_progress": ["learner_id"],
        "certificate_differences": ["learner_id", "course_id", "run"],
    }

    before = {name: build(rows, ALL_OPEN).read(name).sort(key) for name, key in names.items()}
    after = {name: build(shuffled, ALL_OPEN).read(name).sort(key) for name, key in names.items()}

    for name in names:
        assert_frame_equal(before[name], after[name])


def test_a_run_exported_again_later_changes_nothing(build: Build) -> None:
    rows = some_results(7)
    again = [
        {**row, "stamp": at(2026, 9, 30), "file": "later.csv"} if row["run"] == "1T2025" else row
        for row in rows
    ]
    # which of two equal runs is called the best may change; nobody's progress may
    figures = ["learner_id", "course_id", "attempts", "best_grade", "passed", "certificate"]

    def figures_of(results: list[Row]) -> tuple[pl.DataFrame, pl.DataFrame]:
        tables = build(results, ALL_OPEN)
        courses = tables.read("course_completion").select(figures).sort("learner_id", "course_id")
        return courses, tables.read("programme_progress").sort("learner_id")

    for before, after in zip(figures_of(rows), figures_of(again), strict=True):
        assert_frame_equal(before, after)


def test_nobody_is_moved_by_another_learners_rows(build: Build) -> None:
    rows = some_results(11)
    alone = [row for row in rows if row["learner_id"] == "7"]

    assert build(rows, ALL_OPEN).progress("7") == build(alone, ALL_OPEN).progress("7")
