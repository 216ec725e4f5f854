"""What a programme's team reads of all its learners together: counts in, shares with limits out.

Pure functions on small frames from `facts.run_results`. Everybody counts once, so that intervals are
those of independent outcomes.
"""

from collections.abc import Iterable, Sequence

import dataframely as dy
import polars as pl

from edu_pipeline.chance.disclosure import suppressed
from edu_pipeline.chance.noise import wilson
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import (
    CourseRetention,
    ProgrammeBridge,
    ProgrammeCompletions,
    ProgrammeFunnel,
    TimeToNextCourse,
)
from edu_pipeline.settings.programmes import Programme

Z_95 = 1.959963984540054
COURSE_STAGES = ("enrolled", "passed", "certificate")
PROGRAMME_STAGES = ("enrolled", "certificate", "core_complete", "complete")
FEWEST_FOLLOWED = 10
"""Learners at risk below whom a curve is not read: each is a large step of it."""
OLD_RULE, AUDIT_PASSES, CAPSTONE_COUNTED, OTHERS, NEW_RULE, COMPLETE = (
    "old rule",
    "audit passes",
    "the capstone or a second choice counted as a course",
    "certificates that the old rule did not see",
    "new rule",
    "with the capstone",
)


def _as(schema: type[dy.Schema], rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(schema.column_names()).cast(dtypes(schema))


def programme_funnel(
    programmes: Iterable[Programme], courses: pl.DataFrame, progress: pl.DataFrame
) -> pl.DataFrame:
    """Every course in sequence, then the programme: how many learners reached each stage.

    A course that nobody is enrolled in has its stages with 0.

    Args:
        programmes: The settings.
        courses: `facts.run_results.course_counts`.
        progress: `facts.run_results.progress_counts`.

    Returns:
        `ProgrammeFunnel`.
    """
    learners = pl.col("learners")
    whole = progress.group_by("programme_id").agg(
        enrolled=learners.sum(),
        certificate=learners.filter(pl.col("no_certificate_eligible") > 0).sum(),
        core_complete=learners.filter("core_complete").sum(),
        complete=learners.filter("complete").sum(),
    )
    counts = {
        (row["programme_id"], row.get("course_id")): row
        for frame in (courses, whole)
        for row in frame.iter_rows(named=True)
    }
    rows = []
    for programme in programmes:
        places = [
            *((course.id, COURSE_STAGES) for course in programme.courses),
            (None, PROGRAMME_STAGES),
        ]
        for position, (course, stages) in enumerate(places, start=1):
            found = counts.get((programme.id, course), {})
            enrolled = found.get("enrolled", 0)
            for stage in stages:
                reached = found.get(stage, 0)
                share = reached / enrolled if enrolled else None
                rows.append((programme.id, position, course, stage, reached, share))
    return pl.DataFrame(rows, schema=dtypes(ProgrammeFunnel), orient="row")


def course_retention(pairs: pl.DataFrame) -> pl.DataFrame:
    """Of those who passed a course, the share that ever began the next in sequence.

    The interval is Wilson's (1927), which holds for few learners too.

    Args:
        pairs: `facts.run_results.course_pairs`.

    Returns:
        `CourseRetention`.
    """
    low, high = wilson(*(pairs[name].cast(pl.Float64).to_numpy() for name in ("went_on", "passed")))
    rows = pairs.with_columns(
        share=pl.col("went_on") / pl.col("passed"),
        share_low=pl.Series(low),
        share_high=pl.Series(high),
    )
    return _as(CourseRetention, rows).sort("programme_id", "course_id")


def time_to_next_course(days: pl.DataFrame) -> pl.DataFrame:
    """Kaplan–Meier curves: the share that has begun another course so many days after a pass.

    Those who have not begun one count for as long as they have been followed. The interval is
    Greenwood's on the log-log scale; there is none where the share is 0 or 1.

    Args:
        days: `facts.run_results.days_to_next_course`.

    Returns:
        `TimeToNextCourse`: the days on which somebody began, and of each curve the first day that
        anybody was followed to, so that it has everybody at risk, the last, and the last that
        `FEWEST_FOLLOWED` were.
    """
    curve = ["programme_id", "course_id"]
    day, gone, still = pl.col("days"), pl.col("went_on"), pl.col("at_risk")
    stay = (1 - gone / still).log().cum_sum().over(curve)
    # Greenwood's sum; infinite where the last one goes
    spread = (gone / (still * (still - gone))).cum_sum().over(curve).sqrt()
    rows = (
        days.sort(*curve, "days")
        .with_columns(
            at_risk=(gone + pl.col("waiting")).cum_sum(reverse=True).over(curve),
        )
        .with_columns(log_stay=stay, spread=spread)
        .filter(
            (gone > 0)
            | (day == day.min().over(curve))
            | (day == day.max().over(curve))
            | (day == day.filter(still >= FEWEST_FOLLOWED).max().over(curve))
        )
    )
    some = (pl.col("log_stay") < 0) & pl.col("log_stay").is_finite()
    wide = (Z_95 * pl.col("spread") / pl.col("log_stay").abs()).exp()
    bounds = {
        name: pl.when(some).then(1 - (pl.col("log_stay") * factor).exp())
        for name, factor in (("share_low", 1 / wide), ("share_high", wide))
    }
    return _as(TimeToNextCourse, rows.with_columns(share=1 - pl.col("log_stay").exp(), **bounds))


def well_followed(curves: pl.DataFrame) -> pl.DataFrame:
    """Curves as far as they may be read: until fewer than `FEWEST_FOLLOWED` are at risk.

    Args:
        curves: `TimeToNextCourse`.
    """
    return curves.filter(pl.col("at_risk") >= FEWEST_FOLLOWED)


def after_days(curves: pl.DataFrame, marks: Sequence[int]) -> pl.DataFrame:
    """Curves read at a few days.

    Args:
        curves: `TimeToNextCourse`.
        marks: Days, rising.

    Returns:
        programme × course × `mark`, as far as anybody was followed: `share`, `share_low`,
        `share_high`.
    """
    curve = ["programme_id", "course_id"]
    shares = ["share", "share_low", "share_high"]
    last = curves.group_by(curve, maintain_order=True).agg(last=pl.col("days").max())
    sought = last.join(pl.DataFrame({"mark": marks}, schema={"mark": pl.Int64}), how="cross")
    return (
        sought.filter(pl.col("mark") <= pl.col("last"))
        .sort("mark", maintain_order=True)
        .join_asof(
            curves.select(*curve, "days", *shares).sort("days"),
            left_on="mark",
            right_on="days",
            by=curve,
            check_sortedness=False,  # within curves they are
        )
        .with_columns(pl.col("share").fill_null(0))
        .select(*curve, "mark", *shares)
    )


def programme_completions(completions: pl.DataFrame) -> pl.DataFrame:
    """Completions by year and country, with small numbers and what gives them away left out.

    Args:
        completions: `facts.run_results.completions`.

    Returns:
        `ProgrammeCompletions`.
    """
    parts = [
        suppressed(rows, "period", "country", "learners").with_columns(
            programme_id=pl.lit(programme_id)
        )
        for (programme_id,), rows in completions.group_by("programme_id", maintain_order=True)
    ]
    found = pl.concat(parts) if parts else pl.DataFrame(schema=dtypes(ProgrammeCompletions))
    return _as(ProgrammeCompletions, found).sort("programme_id", maintain_order=True)


def programme_bridge(programmes: Iterable[Programme], progress: pl.DataFrame) -> pl.DataFrame:
    """From the number of learners who finished by the old rule to that of the new one.

    The old rule: as many courses called eligible as the programme has besides the capstone, on any
    track, the capstone counted like every course. The new one: the requirement, by certificates on
    a paid track. The lines between add up.

    Args:
        programmes: The settings; those that ask for it (`old_rule`) have a bridge.
        progress: `facts.run_results.progress_counts`.

    Returns:
        `ProgrammeBridge`.
    """
    rows = []
    for programme in filter(lambda each: each.old_rule, programmes):
        enough = len([course for course in programme.courses if course.id != programme.capstone])
        old = pl.col("eligible_any_track") >= enough
        paid = pl.col("no_certificate_eligible") >= enough
        new = pl.col("core_complete")
        lines = {
            OLD_RULE: (old, 1),
            AUDIT_PASSES: (old & ~new & ~paid, -1),
            CAPSTONE_COUNTED: (old & ~new & paid, -1),
            OTHERS: (new & ~old, 1),
            NEW_RULE: (new, 1),
            COMPLETE: (pl.col("complete"), 1),
        }
        of_programme = progress.filter(pl.col("programme_id") == programme.id)
        for position, (line, (who, sign)) in enumerate(lines.items(), start=1):
            if line != COMPLETE or programme.capstone is not None:
                count = of_programme.filter(who)["learners"].sum()
                rows.append((programme.id, position, line, sign * count))
    return pl.DataFrame(rows, schema=dtypes(ProgrammeBridge), orient="row")


def bridge_sentences(bridge: pl.DataFrame) -> Sequence[str]:
    """One sentence per programme: `lead: old rule 1,204; new 1,131; 73 were audit passes`."""
    return [
        f"{programme_id}: {bridge_words(rows)}"
        for (programme_id,), rows in bridge.group_by("programme_id", maintain_order=True)
    ]


def bridge_words(bridge: pl.DataFrame) -> str:
    """From the old rule's number to the new one's: `old rule 1,204; new 1,131; 73 were …`.

    Args:
        bridge: `ProgrammeBridge` of one programme.
    """
    count = dict(bridge.select("line", "learners").iter_rows())
    parts = [f"old rule {count[OLD_RULE]:,}", f"new {count[NEW_RULE]:,}"]
    if count[AUDIT_PASSES]:
        parts.append(f"{-count[AUDIT_PASSES]:,} were audit passes")
    if count[CAPSTONE_COUNTED]:
        parts.append(f"{-count[CAPSTONE_COUNTED]:,} had {CAPSTONE_COUNTED}")
    if count[OTHERS]:
        parts.append(f"{count[OTHERS]:,} have {OTHERS}")
    return "; ".join(parts)
