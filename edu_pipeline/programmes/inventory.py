"""Which exports are there, how old they are and which are missing: sixty are downloaded by hand."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import NEEDED_KINDS, ExportInventory
from edu_pipeline.model.programmes import outdated

FRESH_DAYS = 7
"""Age from which an export of a run that goes on is called old."""
_CALLED = {"profile": "profile", "grades": "grade report"}


def export_inventory(
    exports: pl.DataFrame, runs: pl.DataFrame, tabled: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """Every kind of export of every run that has an export or, by its dates, has begun.

    An export is needed where there is none. One is needed again where it is older than the day that
    the run's certificates could be had (else its end), once that day has come; and while the run
    goes on, where it is more than `FRESH_DAYS` old. Of a run without dates any export will do; and
    of one that is over and that edX's own tables tell of, there need be none.

    Args:
        exports: `edx_exports`.
        runs: `ProgrammeRuns`.
        tabled: `packaged_runs` of edX's landing.
        as_of: The day for which ages are told.

    Returns:
        `ExportInventory`: what is needed first, then by programme, course, run and kind.
    """
    key = ["programme_id", "course_id", "run"]
    newest = exports.filter("current", pl.col("kind").is_in(NEEDED_KINDS)).select(
        *key, "kind", "stamp"
    )
    today = pl.lit(as_of)
    age = (today - pl.col("stamp").dt.date()).dt.total_days()
    missing = pl.col("stamp").is_null()
    old = pl.col("under_way") & (age > FRESH_DAYS)
    called = pl.col("kind").replace_strict(_CALLED, return_dtype=pl.String)
    seen = newest.select(key).unique().with_columns(seen=True)
    told = pl.col("tabled").fill_null(value=False) & ~pl.col("under_way")
    return (
        runs.join(seen, on=key, how="left")
        .join(tabled.select(key).with_columns(tabled=True), on=key, how="left")
        .filter(pl.col("seen") | ((pl.coalesce("starts", "ends") <= today) & ~told))
        .join(pl.DataFrame({"kind": NEEDED_KINDS}), how="cross")
        .join(newest, on=[*key, "kind"], how="left")
        .with_columns(
            as_of=today,
            age_days=age,
            needed=missing | outdated(today) | old.fill_null(value=False),
            sentence=pl.when(missing)
            .then(pl.format("{} missing", called))
            .when(outdated(today))
            .then(pl.format("{} {} old, from before its certificates", called, _days(age)))
            .otherwise(pl.format("{} {} old", called, _days(age))),
        )
        .sort(
            ~pl.col("needed").any().over(key),
            "programme_id",
            "number",
            pl.col("kind").replace_strict({kind: n for n, kind in enumerate(NEEDED_KINDS)}),
        )
        .select(ExportInventory.column_names())
        .cast(dtypes(ExportInventory))
    )


def _days(age: pl.Expr) -> pl.Expr:
    return pl.when(age == 1).then(pl.lit("1 day")).otherwise(pl.format("{} days", age))


def sentences(inventory: pl.DataFrame, *, needed: bool = True) -> Sequence[str]:
    """One sentence per run: `buslead3x/3T2026: profile missing; grade report 41 days old`.

    Args:
        inventory: `ExportInventory`.
        needed: Only runs of which an export is needed.
    """
    key = ["programme_id", "course_id", "run", "run_name"]
    of_runs = inventory.group_by(key, maintain_order=True).agg(
        pl.col("sentence").str.join("; "), pl.col("needed").any(), pl.col("listed").all()
    )
    return [
        f"{row['course_id']}/{row['run_name']}: {row['sentence']}"
        + ("" if row["listed"] else " (not listed in pipeline.toml)")
        for row in of_runs.iter_rows(named=True)
        if row["needed"] or not needed
    ]
