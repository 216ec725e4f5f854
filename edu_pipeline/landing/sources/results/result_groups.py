"""What else exports say of students: gender, class, teacher; and the difference that they state."""

import polars as pl

from edu_pipeline.landing.sources.results.header import normal
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
ONE_PER_STUDENT = frozenset(
    {
        *("gender", "sex", "form", "reg", "reg group", "registration group", "tutor group"),
        "house",
    }
)
"""Of these, what one file says once of a student."""
_OUTCOMES = frozenset({"colour", "color", "rag", "rag rating", "outcome"})
"""Headers of columns that say whether a result is above its baseline."""
_ENOUGH = 5
"""Entries of the second-commonest value, of four times as many, from which on an order is no chance."""
_MOST_VALUES = 9
FACTS = pl.Schema(
    {
        **dict.fromkeys(("cohort", "student_id", "name", "subject"), pl.String()),
        **dict.fromkeys(("column", "like", "value"), pl.String()),
        **dict.fromkeys(("table", "rank", "order"), pl.Int64()),
        **dict.fromkeys(("by_name", "final", "stated", "taught"), pl.Boolean()),
    }
)
"""What rows say besides results: `like` is the column's header as spellings of it have in common,
`rank` the place of the row's series, `stated` whether it is a difference, `taught` whether it is a class or
a teacher of one subject."""


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
    alike = facts.group_by(key).agg(pl.col("taught").any(), values=pl.col("value").n_unique())
    constant = alike.group_by("cohort", "column").agg(
        constant=(pl.col("values").max() == 1) & ~pl.col("taught").any()
    )
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


def two_in_one(facts: pl.DataFrame) -> pl.DataFrame:
    """Students known by name of whom one file says two genders, forms or houses.

    Args:
        facts: `FACTS`, without differences.

    Returns:
        cohort, column and `names`, the first of a cohort's columns; not of a column that says several
        of most students, because it is not what it is called.
    """
    values = (
        facts.filter("by_name", pl.col("like").is_in(list(ONE_PER_STUDENT)))
        .group_by("cohort", "table", "like", "student_id")
        .agg(
            pl.col("column", "name").first(),
            several=pl.col("value").str.to_lowercase().n_unique() > 1,
            order=pl.col("order").min(),
        )
        .filter(pl.col("several").mean().over("cohort", "table", "like") < 0.5)  # noqa: PLR2004
        .filter("several")
    )
    return (
        values.sort("order")
        .unique(["cohort", "student_id"], keep="first", maintain_order=True)
        .group_by("cohort", "column", maintain_order=True)
        .agg(names=pl.col("name").unique().sort())
    )


def restating(groups: pl.DataFrame, differences: pl.DataFrame) -> pl.DataFrame:
    """Columns that say again how the result compares with the baseline: their values follow it.

    Args:
        groups: `ResultGroups`.
        differences: `cohort`, `student_id`, `subject`, `difference`; stated or computed ones.

    Returns:
        cohort, column.
    """
    named = groups.filter(
        pl.col("column").map_elements(_is_outcome, return_dtype=pl.Boolean)
    ).select("cohort", "column")
    by_subject = pl.col("subject").is_not_null()
    columns = ["cohort", "column", "value", "difference"]
    told = pl.concat(
        [
            groups.filter(by_subject)
            .join(differences, on=["cohort", "student_id", "subject"])
            .select(columns),
            groups.filter(~by_subject)
            .join(differences, on=["cohort", "student_id"])
            .select(columns),
        ]
    )
    by_value = (
        told.group_by("cohort", "column", "value")
        .agg(n=pl.len(), low=pl.col("difference").min(), high=pl.col("difference").max())
        .sort("cohort", "column", "low")
    )
    below = pl.col("high").shift(1).over("cohort", "column")
    fixed = (
        by_value.with_columns(apart=(below < pl.col("low")).fill_null(value=True))
        .group_by("cohort", "column")
        .agg(
            pl.col("apart").all(),
            values=pl.len(),
            entries=pl.col("n").sum(),
            second=pl.col("n").sort(descending=True).get(1, null_on_oob=True),
        )
        .filter(
            "apart",
            pl.col("values") <= _MOST_VALUES,
            pl.col("second") >= _ENOUGH,
            pl.col("entries") >= 4 * _ENOUGH,
        )
    )
    found = pl.concat([named, fixed.select("cohort", "column")]).unique()
    return found.sort("cohort", "column")


def _is_outcome(column: str) -> bool:
    return normal(column) in _OUTCOMES


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
