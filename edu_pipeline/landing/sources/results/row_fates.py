"""What became of every row of an export of results. A row has several grades and one fate.

It counts if any of its grades does. Which rules reject it is for `result_reading`.
"""

from collections.abc import Collection

import polars as pl

from edu_pipeline.landing.sources.results.result_tables import Found, rows_of
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingFates
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER

SOURCE, TABLE = "results", "results"
NOT_UNDERSTOOD, NEWER_FILE, FORGOTTEN, NOT_TAKEN, NO_GRADE, SAME = (
    "not_understood",
    "newer_file",
    "forgotten",
    "subject_not_taken",
    "no_grade",
    "same_grade",
)
_ROW = ["table", "row"]


def fates_of(
    found: Found,
    people: pl.DataFrame,
    used: pl.DataFrame,
    graded: pl.DataFrame,
    rejects: pl.DataFrame,
    not_read: Collection[str],
) -> pl.DataFrame:
    """The fates of all rows; of each file they add up to its rows.

    Args:
        found: What lies there.
        people: `table`, `row`, `forgotten` of every row that is about somebody.
        used: `table`, `row` of the cells that count.
        graded: The same of every cell that is a grade, or a baseline that nobody needs.
        rejects: `table`, `row`, `rule` of what is rejected.
        not_read: Rules by which a row is about nobody, or left out by the settings.

    Returns:
        `LandingFates`.
    """
    rule = pl.col("rule")
    marks = rows_of(found.tables)
    buried = people.filter("forgotten")
    for name, cells in (("forgotten", buried), ("used", used), ("graded", graded)):
        mark = cells.select(_ROW).unique().with_columns(pl.lit(value=True).alias(name))
        marks = marks.join(mark, on=_ROW, how="left").with_columns(
            pl.col(name).fill_null(value=False)
        )
    marks = marks.join(rejects.group_by(_ROW).agg(rule.min()), on=_ROW, how="left")
    became = (
        pl.when("forgotten")
        .then(_fate("not_read", FORGOTTEN))
        .when("used")
        .then(_fate("counted", ""))
        .when(rule.is_in(list(not_read)))
        .then(_fate("not_read", rule))
        .when(rule.is_not_null())
        .then(_fate("rejected", rule))
        .when(pl.col("graded") & ~pl.col("baseline"))
        .then(_fate("same", SAME))
        .when("graded")
        .then(_fate("outside", NOT_TAKEN))
        .otherwise(_fate("outside", NO_GRADE))
    )
    marks = marks.select("file", became=became).unnest("became")
    counts = marks.group_by("file", "fate", "rule").len("rows")
    beside = [
        (stray.file, "not_read", NOT_UNDERSTOOD, stray.rows or 0) for stray in found.strays
    ] + [(path, "superseded", NEWER_FILE, rows) for path, (_, rows) in found.replaced.items()]
    others = pl.DataFrame(beside, schema=["file", "fate", "rule", "rows"], orient="row")
    every = pl.concat([counts, others.cast(counts.schema)]).filter(pl.col("rows") > 0)
    return LandingFates.validate(
        every.with_columns(
            source=pl.lit(SOURCE), table=pl.lit(TABLE), file=ATTAINMENT_FOLDER + pl.col("file")
        )
        .select(LandingFates.column_names())
        .cast(dtypes(LandingFates))
        .sort("file", "fate", "rule")
    )


def _fate(fate: str, rule: str | pl.Expr) -> pl.Expr:
    return pl.struct(fate=pl.lit(fate), rule=pl.lit(rule) if isinstance(rule, str) else rule)
