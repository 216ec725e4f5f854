"""What a person should know of a cohort's tables, in sentences that name nobody.

Pure: tables in, whether all is well and a sentence per cohort out.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from edu_pipeline.attainment.metrics import Tables
from edu_pipeline.attainment.outcomes import COHORT, half_grade_sentence
from edu_pipeline.attainment.shareable import small_numbers
from edu_pipeline.ground.wording import counted
from edu_pipeline.settings.attainment import Attainment

Finding = tuple[bool, Sequence[str]]
"""Whether all is well, and what to say."""


def _cohorts(table: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (cohort,), rows in table.group_by(COHORT, maintain_order=True):
        yield str(cohort), rows


def agreement(disagreements: pl.DataFrame, stated: pl.DataFrame) -> Finding:
    """Whether exports that state the difference themselves state the one computed here.

    Args:
        disagreements: `AttainmentDisagreements`.
        stated: `StatedDifferences`.
    """
    sentences = []
    entries = dict(stated.group_by(COHORT).len().iter_rows())
    for cohort, rows in _cohorts(disagreements):
        said = (
            f"{cohort}: of {counted(entries[cohort], 'difference')} that the export states, "
            f"{rows.height:,} {'is' if rows.height == 1 else 'are'} not what is computed here. Whose "
            "and in what is on the staff page, “How to read it”, and in attainment_disagreements."
        )
        opposite = rows.filter((pl.col("stated") + pl.col("computed")).abs() < 0.1)  # noqa: PLR2004
        if opposite.height == rows.height:
            said += " All have the other sign: the export subtracts the result from the baseline."
        sentences.append(said)
    return not sentences, sentences


def whole_grades(tables: Tables, attainment: Attainment) -> Finding:
    """Whether every baseline can be met."""
    sentences = [
        f"{cohort}: {sentence} To allow for that set tolerance (0.5, perhaps) or baseline_rounding "
        "in [attainment] of pipeline.toml; the page says so either way."
        for cohort, rows in _cohorts(tables.attainment_outcomes)
        if (sentence := half_grade_sentence(rows, attainment))
    ]
    decided = bool(attainment.tolerance) or attainment.baseline_rounding != "none"
    return decided or not sentences, [] if decided else sentences


def anonymity(tables: Tables, to_share: Tables, attainment: Attainment) -> Finding:
    """Whether the shareable edition is without small numbers, and what a row of a student tells."""
    sentences = [
        f"{row[COHORT]}: {row['identified']:,} of {row['students']:,} students are the only one "
        f"with their set of subjects, and {row['in_small']:,} share it with fewer than "
        f"{attainment.fewest} in all. So no row of a student is in the shareable edition; do not "
        "pass any on, with or without the name."
        for row in tables.attainment_uniqueness.iter_rows(named=True)
    ]
    found = small_numbers(to_share, attainment.fewest) + to_share.attainment_outcomes.height
    if found:
        sentences.append(
            f"{found:,} numbers in the shareable edition, or differences between two of them, are of "
            "few people. Do not pass it on; report this as an error of edu-pipeline."
        )
    return not found, sentences
