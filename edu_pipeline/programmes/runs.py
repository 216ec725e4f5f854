"""What follows from the dates of course runs: their order, whether they are over, who can join."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import polars as pl

from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import ProgrammeRuns
from edu_pipeline.model.course_keys import course_of
from edu_pipeline.settings.programmes import Programme

_YEAR = r"(?:^|\D)((?:19|20)\d\d)(?:\D|$)"
_LATE = timedelta(days=14)
"""After its first day, from when on whoever joins a run that is not self-paced cannot finish it."""
_JOINED_UNTIL = pl.min_horizontal(
    pl.coalesce(pl.min_horizontal("enrolment_closes", "upgrade_deadline", "ends"), "starts"),
    pl.when(~pl.col("self_paced")).then(pl.col("starts") + _LATE),
)


def programme_runs(
    programmes: Iterable[Programme], course_runs: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """Every run of every programme, in the order in which they were held.

    That is by the start, else the end, else the year in the run's name, else last; of one day, by
    the order in the settings, the course's place in the sequence and the run's name.

    Certificates are dated to the end of a run, else to the day from which they can be had, once that
    has come. A run is over after its end; where that is not said, after the last date that is known
    of it; and where none is, always. It can be joined until enrolment closes, the upgrade deadline or the
    end, whichever of those said is first, because later there is no certificate, but for two weeks
    at most unless it is self-paced; where only the start is said, until the start; and without a
    date, or while no export knows it that should, never.

    Args:
        programmes: The settings.
        course_runs: `CourseRuns`.
        as_of: The day on which runs are over or can be joined.

    Returns:
        `ProgrammeRuns`.
    """
    keys = {programme.id: programme.course_keys for programme in programmes}
    names = [
        (found[1] if (found := course_of(run, keys.get(programme_id, {}))) else run)
        for programme_id, run in course_runs.select("programme_id", "run").iter_rows()
    ]
    dated = pl.coalesce("ends", "certificates_available")
    # of a run that goes on some have theirs already, of a day that nobody says
    dated = pl.when(dated <= as_of).then(dated)
    last_known = pl.max_horizontal(
        "starts", "enrolment_closes", "upgrade_deadline", "certificates_available"
    )
    year = pl.col("run_name").str.extract(_YEAR).cast(pl.Int32)
    today = pl.lit(as_of)
    return (
        course_runs.with_columns(run_name=pl.Series(names, dtype=pl.String))
        .with_columns(
            held=pl.coalesce("starts", "ends", pl.date(year, 1, 1)),
            certified_on=dated,
            period=pl.coalesce(pl.coalesce(dated, "starts").dt.year(), year),
            under_way=(pl.coalesce("ends", last_known) >= today).fill_null(value=False),
            verifiable=(today <= pl.col("verification_deadline")).fill_null(value=True),
            joined_until=_JOINED_UNTIL,
            joinable=pl.col("listed")
            & ~pl.col("unknown")
            & (today <= _JOINED_UNTIL).fill_null(value=False),
        )
        .sort("programme_id", "held", "run_position", "position", "run_name", nulls_last=True)
        .with_columns(number=pl.int_range(1, pl.len() + 1).over("programme_id"))
        .select(ProgrammeRuns.column_names())
        .cast(dtypes(ProgrammeRuns))
    )


def offers(runs: pl.DataFrame, as_of: date) -> Mapping[str, tuple[str, str | None]]:
    """What somebody is offered who is to take a course next.

    Args:
        runs: `ProgrammeRuns` of one programme.
        as_of: The day.

    Returns:
        Of every course with a run that can be joined: the run that begins next, where none does the
        one that began last, else a self-paced one; and another that can be begun at once, where the
        first is not self-paced and there is one.
    """
    starts = pl.col("starts")
    begun = (starts < as_of).fill_null(value=False)
    at_once = begun | (pl.col("self_paced") & (starts <= as_of).fill_null(value=True))
    ordered = (
        runs.filter("joinable")
        .with_columns(at_once=at_once)
        .sort(
            "self_paced",
            begun,
            pl.when(begun).then(as_of - starts),
            "number",
        )
    )
    found: dict[str, tuple[str, str | None]] = {}
    for (course,), of_course in ordered.group_by("course_id", maintain_order=True):
        first, *others = of_course.iter_rows(named=True)
        beside = [each["run"] for each in others if each["at_once"] and not first["self_paced"]]
        found[str(course)] = first["run"], next(iter(beside), None)
    return found
