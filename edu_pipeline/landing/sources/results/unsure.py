"""Subjects and series of which so many results are unsure that those left are no figure. Pure."""

from collections.abc import Mapping

import polars as pl

from edu_pipeline.landing.sources.results.asking import FEW, Note

ORDINARY_LOSS = 0.05
"""Share of a subject's students in a series whose results may be unsure without moving its figures."""


def losses(
    cells: pl.DataFrame, good: pl.DataFrame, order: pl.DataFrame, reasons: Mapping[str, str]
) -> tuple[pl.DataFrame, list[Note]]:
    """Subjects and series of which too many results are unsure to show the others.

    A series beside a newer one is left out; of the newest the subject waits. Who has a grade and who has
    none is not chance where only some were written wrongly.

    Args:
        cells: Every grade and absence whose series is known: `cohort`, `student_id`, `subject`,
            `series`, `why` (a key of `reasons`; empty where it is sure).
        good: Of these, the ones that count.
        order: `cohort`, `series`, `rank` of exams in their order; other series are never the newest.
        reasons: What happened to those that do not.

    Returns:
        `cohort`, `subject`, `series` of which no result counts and others of the subject do; and what
        is said of these and of subjects that wait.
    """
    key = ["cohort", "subject", "series"]
    entry = [*key, "student_id"]
    known = cells.drop_nulls(entry)
    counts = (
        known.group_by(entry)
        .agg(pl.col("why").drop_nulls().first())
        .join(good.select(entry).unique(), on=entry, how="anti")
        .drop_nulls("why")
        .group_by(key)
        .agg(lost=pl.len(), why=pl.col("why").mode().sort().first())
        .join(known.group_by(key).agg(of=pl.col("student_id").n_unique()), on=key)
        .filter(pl.col("lost") >= FEW, pl.col("lost") > ORDINARY_LOSS * pl.col("of"))
        .sort(key)
    )
    of_subject = known.select(key).unique().join(order, on=["cohort", "series"])
    newest = of_subject.group_by("cohort", "subject").agg(newest=pl.col("rank").max())
    counts = (
        counts.join(order, on=["cohort", "series"], how="left")
        .join(newest, on=["cohort", "subject"], how="left")
        .with_columns(holds=(pl.col("rank") == pl.col("newest")).fill_null(value=False))
        .sort(key)
    )
    questions = []
    for row in counts.iter_rows(named=True):
        what = (
            "Nothing of the subject is shown"
            if row["holds"]
            else f"{row['series']} is left out of the subject"
        )
        questions.append(
            Note(
                "too_much_unsure",
                row["cohort"],
                f"{row['cohort']}: in {row['subject']}, {row['lost']} of {row['of']} results of "
                f"{row['series']} are not sure, because {reasons[row['why']]}; figures of the others would "
                f"be figures of chance. {what} until the export is corrected.",
                row["lost"],
                row["subject"],
                holds=row["holds"],
            )
        )
    return counts.filter(~pl.col("holds")).select(key), questions
