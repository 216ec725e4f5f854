"""Whether a programme is complete, since when, and what comes next: learners' rows in, progress out.

Pure expressions on frames. What a pass and a certificate are is decided in `facts.run_results`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import ProgrammeProgress
from edu_pipeline.programmes.runs import offers
from edu_pipeline.settings.programmes import Programme, Requirement


def complete_since(node: Requirement, certified: Mapping[str, pl.Expr]) -> pl.Expr:
    """When a node became complete, in the terms of `certified`; null while it is not.

    A node without parts is never complete, nor is one that asks for none or for more than it has.

    Args:
        node: The requirement.
        certified: Course → when it was first certified, as a number; null for not.
    """
    if node.course is not None:
        return certified[node.course]
    parts, needed = _parts(node)
    if not 1 <= needed <= len(parts):
        return pl.lit(None, pl.Int64)
    since = [complete_since(part, certified) for part in parts]
    # the needed-th in order: the first that so many are not later than
    return pl.min_horizontal(
        pl.when(
            pl.sum_horizontal((other <= each).cast(pl.Int64) for other in since) >= needed
        ).then(each)
        for each in since
    )


def _parts(node: Requirement) -> tuple[Sequence[Requirement], int]:
    """The parts of a node that is no course, and how many of them it asks for."""
    if node.all_of is not None:
        return node.all_of, len(node.all_of)
    return node.of or (), node.min_number_of or 0


def certificates_counted(node: Requirement, certified: Mapping[str, pl.Expr]) -> pl.Expr:
    """Certificates that count towards a node: of a choice, no more than it asks for."""
    if node.course is not None:
        return certified[node.course].is_not_null().cast(pl.Int64)
    parts, needed = _parts(node)
    counts = [certificates_counted(part, certified) for part in parts]
    # the sum of the highest: every level adds those parts that reach it, up to the number needed
    return pl.sum_horizontal(
        pl.lit(0, pl.Int64),
        *(
            pl.sum_horizontal((count >= level).cast(pl.Int64) for count in counts).clip(0, needed)
            for level in _levels(parts)
        ),
    )


def certificates_missing(node: Requirement, certified: Mapping[str, pl.Expr]) -> pl.Expr:
    """The fewest certificates that still complete a node."""
    if node.course is not None:
        return certified[node.course].is_null().cast(pl.Int64)
    parts, needed = _parts(node)
    counts = [certificates_missing(part, certified) for part in parts]
    # the sum of the lowest: every level adds those needed that do not stay below it
    return pl.sum_horizontal(
        pl.lit(0, pl.Int64),
        *(
            (needed - pl.sum_horizontal((count < level).cast(pl.Int64) for count in counts)).clip(0)
            for level in _levels(parts)
        ),
    )


def _levels(parts: Sequence[Requirement]) -> Iterable[int]:
    """1 to the most courses that any part has."""
    return range(1, 1 + max((len(list(part.courses())) for part in parts), default=0))


def still_needed(
    node: Requirement, certified: Mapping[str, pl.Expr]
) -> Iterator[tuple[str, pl.Expr]]:
    """Each course of a node, with whether a certificate in it would still bring the node forward.

    A course that stands in several places comes once for each.
    """
    open_ = certificates_missing(node, certified) > 0
    if node.course is not None:
        yield node.course, open_
        return
    for part in _parts(node)[0]:
        for course, needed in still_needed(part, certified):
            yield course, open_ & needed


def programme_progress(
    programme: Programme, learners: pl.DataFrame, runs: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """How far every learner of a programme is, and what comes next.

    The capstone never counts towards the core. The programme is complete with the core and, where
    there is one, the capstone. The next course is the first in sequence that is still needed with
    every certificate that is awaited, not in progress, and has a run that can be joined (`offers`
    says which); the capstone comes when the core is complete.

    Args:
        programme: Its courses and requirement.
        learners: `facts.run_results.learner_rows` of it.
        runs: `ProgrammeRuns`.
        as_of: The day for which runs can be joined or not.

    Returns:
        `ProgrammeProgress`.
    """
    runs = runs.filter(programme_id=programme.id)
    ids = [course.id for course in programme.courses]
    certified = {course: pl.col(f"certified_{n}") for n, course in enumerate(ids)}
    going = {course: pl.col(f"going_{n}") for n, course in enumerate(ids)}
    promised = {
        course: pl.coalesce(certified[course], pl.when(f"awaited_{n}").then(pl.lit(0, pl.Int64)))
        for n, course in enumerate(ids)
    }
    core_since = complete_since(programme.requirement, certified)
    capstone = certified[programme.capstone] if programme.capstone else pl.lit(None, pl.Int64)
    since = (
        pl.when(core_since.is_not_null() & capstone.is_not_null()).then(
            pl.max_horizontal(core_since, capstone)
        )
        if programme.capstone
        else core_since
    )
    offered = offers(runs, as_of)
    next_course = _first(
        (needed & ~going[course], course)
        for course, needed in _in_sequence(programme, promised, core_since.is_not_null())
        if course in offered
    )
    held = runs.select(
        number="number", completion_run="run", completed_on="certified_on", year="period"
    )
    begun = runs.select(first_number="number", begun_on="starts")
    ended = runs.select(last_number="number", last_course="course_id", last_run="run")
    rows = (
        learners.with_columns(
            core_certificates=certificates_counted(programme.requirement, certified),
            core_missing=certificates_missing(programme.requirement, certified),
            core_complete=core_since.is_not_null(),
            no_certificate_eligible=pl.sum_horizontal(
                *(when.is_not_null().cast(pl.Int64) for when in certified.values())
            ),
            capstone=capstone.is_not_null(),
            number=since.cast(pl.Int64),
            next_course=next_course,
        )
        .join(held, on="number", how="left")
        .join(begun, on="first_number", how="left")
        .join(ended, on="last_number", how="left")
    )
    gaps = (pl.col("last_dated") - pl.col("first_dated")).dt.total_days() / (pl.col("dated") - 1)
    complete = pl.col("number").is_not_null()
    rows = rows.with_columns(
        programme_id=pl.lit(programme.id),
        complete=complete,
        completion_period=pl.when(complete).then(pl.col("year").cast(pl.String)),
        completion_days=(pl.col("completed_on") - pl.col("begun_on")).dt.total_days(),
        days_between_courses=pl.when(pl.col("dated") > 1).then(gaps),
        **{
            name: pl.col("next_course").replace_strict(
                {course: both[place] for course, both in offered.items()},
                default=None,
                return_dtype=pl.String,
            )
            for place, name in enumerate(("next_run", "other_run"))
        },
        as_of=pl.lit(as_of),
    )
    return rows.select(ProgrammeProgress.column_names()).cast(dtypes(ProgrammeProgress))


def _in_sequence(
    programme: Programme, certified: Mapping[str, pl.Expr], core_complete: pl.Expr
) -> Iterator[tuple[str, pl.Expr]]:
    """Every course of a programme in sequence, with whether it is still needed."""
    places: dict[str, list[pl.Expr]] = {}
    for course, needed in still_needed(programme.requirement, certified):
        places.setdefault(course, []).append(needed)
    for course in (each.id for each in programme.courses):
        if course == programme.capstone:
            yield course, core_complete & certified[course].is_null()
        elif course in places:
            yield course, pl.any_horizontal(places[course])


def _first(choices: Iterable[tuple[pl.Expr, str]]) -> pl.Expr:
    """The name of the first choice that is true; null where none is."""
    return pl.coalesce(
        *(pl.when(true).then(pl.lit(name)) for true, name in choices), pl.lit(None, pl.String)
    )
