"""Whether letters may go out: a fact that a refresh records and sending obeys.

Pure: problems and weeks in, the gate out. What a problem is, is for `landing` to say; what a held
letter is, for `mail`.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

import polars as pl

from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import MailGate


def mail_gate(
    problems: pl.DataFrame,
    weeks: Sequence[date],
    refresh: str,
    *,
    on_problem: Literal["hold", "hold_affected"],
    releases: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Which weeks' letters may go out.

    A problem that holds letters holds those of every week from its first day on, because a letter
    also shows the weeks before; one that is released holds nothing (see `in_force`).

    Args:
        problems: `LandingProblems`; those that hold something else are not looked at.
        weeks: Mondays of the weeks that have figures.
        refresh: The run that all of this is from.
        on_problem: `hold`, or `hold_affected` to hold only the classes concerned.
        releases: `id` and `at` of what somebody released.

    Returns:
        `MailGate`: an open row per week, or a closed one per reason (and class).
    """
    rows: list[dict[str, object]] = []
    problems = problems.filter(pl.col("holds") == "letters")
    if releases is not None:
        problems = unreleased(problems, releases)
    for week in weeks:
        end = week + timedelta(days=6)
        held = problems.filter(pl.col("first_date").is_null() | (pl.col("first_date") <= end))
        reasons = held.select(
            "class_id"
            if on_problem == "hold_affected"
            else pl.lit(None, pl.String).alias("class_id"),
            "message",
        ).unique(maintain_order=True)
        rows += [
            {"week_start": week, "class_id": class_id, "open": False, "reason": message}
            for class_id, message in reasons.iter_rows()
        ] or [{"week_start": week, "class_id": None, "open": True, "reason": None}]
    return MailGate.validate(
        pl.DataFrame(
            [{**row, "refresh": refresh} for row in rows],
            schema=dtypes(MailGate),
            orient="row",
        )
    )


def holds(gate: pl.DataFrame, week: date, class_ids: Iterable[str]) -> str | None:
    """Why a letter about these classes must wait, or None where it may go.

    A week that no refresh has looked at must wait as well.
    """
    of_week = gate.filter(pl.col("week_start") == week)
    if of_week.is_empty():
        return "No refresh has looked at this week yet. Run one, then send."
    closed = of_week.filter(
        ~pl.col("open") & (pl.col("class_id").is_null() | pl.col("class_id").is_in(list(class_ids)))
    )
    return " ".join(closed["reason"].unique(maintain_order=True)) or None


_ABOUT = ("source", "part", "table", "kind", "subject")
"""What tells what a problem is about, however it has changed."""


def known_since(problems: pl.DataFrame, before: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Problems with the moment since which every refresh has found them.

    Args:
        problems: `LandingProblems` of this refresh.
        before: Those of the refresh before.
        now: When this refresh looked, UTC without zone.
    """
    earlier = before.group_by(_ABOUT).agg(earlier=pl.col("since").min())
    return (
        problems.join(earlier, on=_ABOUT, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(since=pl.coalesce("earlier", pl.lit(now)))
        .drop("earlier")
    )


def in_force(problems: pl.DataFrame, releases: pl.DataFrame) -> pl.DataFrame:
    """The releases that count: of a problem that has stood without a break ever since.

    Args:
        problems: `id` and `since` (UTC, without zone) of the problems that there are.
        releases: `id` and `at` of what somebody released.

    Returns:
        Rows of `releases`, with all their columns.
    """
    stands = problems.group_by("id").agg(pl.col("since").min())
    at = pl.col("at").dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return (
        releases.join(stands, on="id", maintain_order="left")
        .filter(at >= pl.col("since"))
        .drop("since")
    )


def unreleased(problems: pl.DataFrame, releases: pl.DataFrame) -> pl.DataFrame:
    """The problems that nobody has released as they stand.

    Args:
        problems: `LandingProblems`.
        releases: `id` and `at` of what somebody released.
    """
    return problems.join(in_force(problems, releases), on="id", how="anti", maintain_order="left")


def standing(problems: pl.DataFrame) -> pl.DataFrame:
    """Each problem once, for the person who decides whether to release it.

    Args:
        problems: `LandingProblems`, problem × class concerned.

    Returns:
        One row per `id`: `source`, `part`, `holds`, `table`, `message`, `since`, `first_date` (empty:
        every week is concerned) and `class_ids` (empty: every class).
    """
    return problems.group_by("id", maintain_order=True).agg(
        pl.col("source", "part", "holds", "table", "message", "since").first(),
        pl.col("first_date").min(),
        class_ids=pl.col("class_id").drop_nulls().sort(),
    )
