"""What is not shown while a question about exports of results is open."""

from datetime import UTC, datetime

import polars as pl

from edu_pipeline.attainment.metrics import cohort_tables
from edu_pipeline.attainment.waiting import NOTHING, Waiting, waiting_in
from edu_pipeline.model.problems import Holds, Problem, problems_frame
from edu_pipeline.settings.attainment import Attainment
from edu_pipeline_tests.attainment.conftest import (
    COHORT,
    Entry,
    grouped,
    landed,
    stated,
    students_of,
)

ENTRIES: list[Entry] = [
    (f"s{n}", subject, [4, 4, 5, 4.5]) for n in range(4) for subject in ("Maths", "English", "Art")
]
NOW = datetime(2026, 9, 1)  # noqa: DTZ001 - as the warehouse has it
RELEASES = pl.DataFrame(schema={"id": pl.String, "at": pl.Datetime("us", "UTC")})


def problem(subject: str = "", part: str | None = COHORT, *, holds: bool = True) -> Problem:
    held: Holds | None = "page" if holds else None
    return Problem(
        "results", "results", "which_scale", subject, f"What? {subject}", held, part=part
    )


def waiting(*problems: Problem, releases: pl.DataFrame = RELEASES) -> Waiting:
    frame = problems_frame(problems).with_columns(since=pl.lit(NOW))
    return waiting_in(frame, releases)


def shown(waits: Waiting) -> dict[str, int]:
    """Rows of outcomes and of headlines."""
    results = landed(ENTRIES)
    tables = cohort_tables(
        results, students_of(results), grouped("Sex", {}), stated({}), Attainment(), waits
    )
    return {
        "outcomes": tables.attainment_outcomes.height,
        "headlines": tables.attainment_headlines.height,
    }


def test_a_cohort_that_waits_is_in_no_table_and_says_why() -> None:
    assert shown(NOTHING) == {"outcomes": 12, "headlines": 1}
    held = waiting(problem(part=COHORT))
    assert shown(held) == {"outcomes": 0, "headlines": 0}
    assert held.cohorts() == [COHORT]
    assert held.why(COHORT) == ["What? "]
    assert shown(waiting(problem(part=None))) == {"outcomes": 0, "headlines": 0}
    assert shown(waiting(problem(part="another"))) == {"outcomes": 12, "headlines": 1}


def test_a_subject_that_waits_takes_the_headlines_along_if_it_counts_in_them() -> None:
    assert shown(waiting(problem("Art", COHORT))) == {"outcomes": 8, "headlines": 1}
    held = waiting(problem("Maths", COHORT))
    assert shown(held) == {"outcomes": 8, "headlines": 0}
    assert (held.cohorts(), held.subjects(COHORT)) == ([], ["Maths"])


def test_what_only_is_said_or_was_released_holds_nothing() -> None:
    assert not waiting(problem(part=COHORT, holds=False)).cohorts()
    one = problem(part=COHORT)
    later = pl.DataFrame({"id": [one.id], "at": [datetime(2026, 9, 2, tzinfo=UTC)]})
    assert not waiting(one, releases=later.cast(RELEASES.schema)).cohorts()
