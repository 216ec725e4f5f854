"""What is said of all sources at once: which check a problem fails, and what of notes is a problem."""

import polars as pl

from edu_pipeline.landing.problems_of_all import messages_of
from edu_pipeline.landing.sources.results.asking import Note
from edu_pipeline.landing.sources.results.result_problems import (
    as_frame,
    result_problems,
    without_id,
)
from edu_pipeline.model.problems import Problem, problems_frame


def problems(*kinds: str) -> pl.DataFrame:
    return problems_frame(
        Problem(
            "edx", "reports", kind, kind, f"Look at {kind}.", "nudges" if kind == "cut" else None
        )
        for kind in kinds
    )


def test_a_kind_that_no_check_names_fails_the_last_check_of_its_source() -> None:
    found = problems("unknown_file", "cut")
    others = ["unknown_file"]
    assert messages_of(found, "edx", ("unknown_file",), ()) == (["Look at unknown_file."], False)
    assert messages_of(found, "edx", None, others) == (["Look at cut."], True)
    assert messages_of(found, "school", None, ()) == ([], False)


def test_what_was_done_without_being_told_is_no_problem_and_names_stay_with_the_notes() -> None:
    notes = as_frame(
        [
            Note("taken_for", "2026", "2026: taken “Autumn” for MOCK 1."),
            Note("unmatched_baseline", "2026", "1 of 2 unmatched.", 1, who=["Ada Moss"]),
        ]
    )
    (problem,) = result_problems(notes).rows(named=True)
    assert (problem["kind"], problem["part"], problem["rows"]) == ("unmatched_baseline", "2026", 1)
    assert problem["id"] == notes["id"][1]
    assert "Ada" not in str(problem)
    assert notes["who"].to_list() == [None, "Ada Moss"]


def test_students_told_apart_by_name_stay_released_when_one_more_joins() -> None:
    (before,) = without_id("2026", {"ada moss"}, {"results.csv"})
    (after,) = without_id("2026", {"ada moss", "bo li"}, {"results.csv"})
    assert before.problem.message != after.problem.message
    assert before.problem.id == after.problem.id
