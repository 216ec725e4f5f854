"""What became of every row of an export of results. A row has several grades and one fate.

It counts if any of its grades does. Which rules reject it is for `result_reading`.
"""

from collections.abc import Collection, Sequence

import polars as pl

from edu_pipeline.landing.sources.results.result_tables import Found, Table
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
    rejected = rejects.group_by(_ROW).agg(rule.min())
    marks = (
        _rows(found.tables)
        .join(_marked(people.filter("forgotten"), "forgotten"), on=_ROW, how="left")
        .join(_marked(used, "used"), on=_ROW, how="left")
        .join(_marked(graded, "graded"), on=_ROW, how="left")
        .join(rejected, on=_ROW, how="left")
    )
    known = pl.col("forgotten").is_not_null()
    fate = (
        pl.when(known)
        .then(pl.lit("not_read"))
        .when(pl.col("used").is_not_null())
        .then(pl.lit("counted"))
        .when(rule.is_in(list(not_read)))
        .then(pl.lit("not_read"))
        .when(rule.is_not_null())
        .then(pl.lit("rejected"))
        .when(pl.col("graded").is_not_null() & ~pl.col("baseline"))
        .then(pl.lit("same"))
        .otherwise(pl.lit("outside"))
    )
    why = (
        pl.when(known)
        .then(pl.lit(FORGOTTEN))
        .when(fate == "counted")
        .then(pl.lit(""))
        .when(rule.is_not_null())
        .then(rule)
        .when(fate == "same")
        .then(pl.lit(SAME))
        .when(pl.col("graded").is_not_null())
        .then(pl.lit(NOT_TAKEN))
        .otherwise(pl.lit(NO_GRADE))
    )
    counts = marks.select("file", fate=fate, rule=why).group_by("file", "fate", "rule").len("rows")
    beside = [(stray.file, "not_read", NOT_UNDERSTOOD, stray.rows) for stray in found.strays] + [
        (path, "superseded", NEWER_FILE, rows) for path, rows in found.superseded.items()
    ]
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


def _rows(tables: Sequence[Table]) -> pl.DataFrame:
    schema = {"table": pl.Int64, "row": pl.Int64, "file": pl.String, "baseline": pl.Boolean}
    rows = [
        (number, place, table.sheet.file, table.baseline)
        for number, table in enumerate(tables)
        for place in range(len(table.sheet.rows))
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _marked(cells: pl.DataFrame, name: str) -> pl.DataFrame:
    return cells.select(_ROW).unique().with_columns(pl.lit(value=True).alias(name))
