"""What else exports say of students: gender, class, teacher; and the difference that they state."""

import polars as pl

from edu_pipeline.model.attainment import ResultGroups, StatedDifferences
from edu_pipeline.model.columns import dtypes

OF_STUDENTS = frozenset(
    {
        *("gender", "sex", "pp", "pupil premium", "disadvantaged", "sen", "sen status", "send"),
        *("sen need", "ehcp", "eal", "fsm", "fsm6", "ever6", "ever 6", "lac", "ethnicity"),
        *("first language", "year", "year group", "nc year", "form", "reg", "reg group", "house"),
        *("registration group", "tutor group", "tutor", "pa", "prior attainment", "ks2 band"),
    }
)
"""Headers of what is a student's, whatever the subject, even where an export contradicts itself."""
FACTS = pl.Schema(
    {
        "cohort": pl.String(),
        "student_id": pl.String(),
        "subject": pl.String(),
        "column": pl.String(),
        "like": pl.String(),
        "value": pl.String(),
        "rank": pl.Int64(),
        "order": pl.Int64(),
        "final": pl.Boolean(),
        "stated": pl.Boolean(),
    }
)
"""What rows say besides results: `like` is the column's header as spellings of it have in common,
`rank` the place of the row's series, `stated` whether it is a difference."""


def groups_of(facts: pl.DataFrame) -> pl.DataFrame:
    """Further columns, once per student, or per student and subject where they differ in these.

    Args:
        facts: `FACTS`, without differences.

    Returns:
        `ResultGroups`.
    """
    key = ["cohort", "student_id", "column"]
    facts = facts.with_columns(
        column=pl.col("column").sort_by("order").first().over("cohort", "like"),
    )
    alike = facts.group_by(key).agg(values=pl.col("value").n_unique())
    constant = alike.group_by("cohort", "column").agg(constant=pl.col("values").max() == 1)
    facts = facts.join(constant, on=["cohort", "column"]).with_columns(
        whole=pl.col("constant") | pl.col("like").is_in(list(OF_STUDENTS))
    )
    # of contradictions the commonest counts, then the newest
    common = (
        facts.filter("whole")
        .group_by([*key, "value"])
        .agg(rows=pl.len(), newest=pl.struct("rank", "order").max())
    )
    chosen = common.sort("rows", "newest", "value", descending=True).unique(key, keep="first")
    newest = (
        facts.filter(~pl.col("whole"))
        .sort("rank", "order", descending=True)
        .unique([*key, "subject"], keep="first", maintain_order=True)
    )
    columns = ["cohort", "student_id", "subject", "column", "value"]
    both = pl.concat(
        [
            chosen.with_columns(subject=pl.lit(None, pl.String)).select(columns),
            newest.select(columns),
        ]
    )
    return ResultGroups.validate(both.sort(columns, nulls_last=True))


def differences_of(stated: pl.DataFrame) -> pl.DataFrame:
    """Differences that exports state: the final series' row counts, else the one that all rows state.

    Args:
        stated: `FACTS`, differences only.

    Returns:
        `StatedDifferences`; a subject whose rows state several is left out.
    """
    key = ["cohort", "student_id", "subject"]
    number = (
        pl.col("value")
        .str.replace_all("−", "-")
        .str.replace(",", ".")
        .cast(pl.Float64, strict=False)
    )
    numbers = stated.drop_nulls(key).with_columns(difference=number).drop_nulls("difference")
    numbers = numbers.filter(pl.col("final") | ~pl.col("final").any().over(key))
    found = (
        numbers.group_by(key)
        .agg(pl.col("difference").first(), several=pl.col("difference").n_unique() > 1)
        .filter(~pl.col("several"))
        .drop("several")
        .sort(key)
    )
    return StatedDifferences.validate(found.select(list(dtypes(StatedDifferences))))
