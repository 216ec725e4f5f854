"""Which columns of an export make groups of students, and who is in which."""

import polars as pl

from edu_pipeline.attainment.outcomes import COHORT, STUDENT, SUBJECT
from edu_pipeline.model.attainment import ALL, NOT_STATED

GROUP = ("group_column", "group")
_MOST_ALONE = 0.5
_MOST_NUMBERS = 12
"""Different numbers that still are groups, such as sets; what has more is a measurement."""
_NUMBER = r"^[-+−]?[\d.,]+\s*%?$"


def by_group(rows: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Every row once for everybody, and once for each column of the export that makes groups.

    Args:
        rows: By cohort, student and, where columns that differ by subject count too, subject.
        groups: `ResultGroups`.

    Returns:
        The rows with `group_column` and `group`; whom the export says nothing of is `not stated`.
    """
    parts = [rows.with_columns(pl.lit(ALL).alias(name) for name in GROUP)]
    for cohort, column, by_subject in group_columns(groups).iter_rows():
        if by_subject and SUBJECT not in rows.columns:
            continue
        keys = [STUDENT, SUBJECT] if by_subject else [STUDENT]
        values = groups.filter(
            pl.col(COHORT) == cohort, pl.col("column") == column, pl.col("value") != ""
        ).select(*keys, group="value")
        part = (
            rows.filter(pl.col(COHORT) == cohort)
            .filter(
                pl.col(SUBJECT).is_in(values[SUBJECT].implode())
                if by_subject
                else pl.lit(value=True)
            )
            .join(values, on=keys, how="left", maintain_order="left")
            .with_columns(
                pl.lit(column).alias("group_column"), pl.col("group").fill_null(NOT_STATED)
            )
        )
        if part["group"].n_unique() > 1:
            parts.append(part.select(parts[0].columns))
    return pl.concat(parts)


def group_columns(groups: pl.DataFrame) -> pl.DataFrame:
    """The columns of exports that make groups: at least half share their value with another.

    What nearly everybody has for themselves (a candidate number) makes none, nor does a measurement
    (a standardised score).

    Returns:
        cohort, column, by_subject; in the order of the names.
    """
    return (
        groups.filter(pl.col("value") != "")
        .group_by(COHORT, "column")
        .agg(
            by_subject=pl.col(SUBJECT).is_not_null().any(),
            alone=(~pl.struct(SUBJECT, "value").is_duplicated()).mean(),
            values=pl.col("value").n_unique(),
            numbers=pl.col("value").str.contains(_NUMBER).all(),
        )
        .filter(
            pl.col("alone") <= _MOST_ALONE,
            ~pl.col("numbers") | (pl.col("values") <= _MOST_NUMBERS),
        )
        .select(COHORT, "column", "by_subject")
        .sort(COHORT, "column")
    )
