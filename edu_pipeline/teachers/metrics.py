"""The teachers job's numbers: reduced facts in, the tables of `model.teachers` out.

Pure functions on frames. What a metric means stands in `glossary`; what is counted, in `facts`.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

import dataframely as dy
import numpy as np
import polars as pl

from edu_pipeline.chance.noise import Moments, effective_size, group_verdict, pooled_spread
from edu_pipeline.chance.usual import FEWEST_STUDENTS_USUAL, TOO_FEW_STUDENTS, usual_range
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.school_calendar import (
    WeekBegins,
    days_of_classes,
    school_weeks,
    term_days,
    week_of,
)
from edu_pipeline.model.teachers import (
    ClassWeek,
    GradeWeek,
    SchoolTerm,
    SchoolWeek,
    StudentAttendance,
    StudentHomework,
    StudentOfWeek,
    TeacherWeek,
)


def rate(numerator: str, denominator: str) -> pl.Expr:
    """Numerator ÷ denominator as a share; empty where nothing was possible."""
    whole = pl.col(denominator)
    return pl.when(whole > 0).then(pl.col(numerator) / whole)


PARTS = {
    "attendance_rate": ("attended_days", "possible_days"),
    "homework_rate": ("homework_complete", "homework_due"),
}
"""Rate → its numerator and denominator."""
RATES = tuple(PARTS)
BOTH_RATES = {name: rate(*parts) for name, parts in PARTS.items()}
COUNTS = tuple(column for part in PARTS.values() for column in part)
CLASSES_AT_ONCE = 1_000
_PHASE = ("start", "first", "last", "before")


def homework_counts(items: pl.DataFrame, by: Sequence[str], *, late_counts: bool) -> pl.DataFrame:
    """Homework due and complete.

    Args:
        items: `by` × `status` with `items`.
        by: The grain.
        late_counts: Whether late homework is handed in.

    Returns:
        One row per `by`: `homework_due`, `homework_complete`, `homework_late`, `homework_missing`.
    """
    complete = ["complete", "late"] if late_counts else ["complete"]
    status = pl.col("status")
    return items.group_by(by).agg(
        homework_due=pl.col("items").sum(),
        homework_complete=pl.col("items").filter(status.is_in(complete)).sum(),
        homework_late=pl.col("items").filter(status == "late").sum(),
        homework_missing=pl.col("items").filter(status == "missing").sum(),
    )


@dataclass(frozen=True)
class Calendar:
    """The school weeks that the tables have rows for."""

    days: pl.DataFrame
    """`SchoolDays`."""
    counted_through: pl.DataFrame
    """school: `counted_through`."""
    days_off: pl.DataFrame | None = None
    """`class_days_off`; None: of no class."""

    def weeks_of(self, classes: pl.DataFrame, weeks: pl.DataFrame) -> pl.DataFrame:
        """Class × week: those of its school among these `weeks`, or of its own calendar."""
        theirs = classes.select("class_id", "school_id").join(weeks, on="school_id")
        if self.days_off is None or self.days_off.is_empty():
            return theirs
        days = days_of_classes(self.days, classes, self.days_off)
        own = (
            school_weeks(days, "class_id")
            .join(classes.select("class_id", "school_id"), on="class_id")
            .join(weeks, on=["school_id", "week_start"], how="semi")
        )
        return pl.concat([theirs.join(own, on="class_id", how="anti"), own.select(theirs.columns)])

    @property
    def weeks(self) -> pl.DataFrame:
        """`school_weeks` of the schools with data.

        Up to the latest of any school: one that is behind has not handed in its registers.
        """
        latest = pl.lit(self.counted_through["counted_through"].max(), pl.Date)
        return (
            school_weeks(self.days)
            .join(self.counted_through, on="school_id", how="semi")
            .filter(pl.col("week_start") <= latest)
        )


@dataclass(frozen=True)
class Groups:
    """Grade teams and schools by day."""

    attendance: pl.DataFrame
    """school × team (empty: school) × `date`: `possible_days`, `attended_days`."""
    homework: pl.DataFrame
    """school × team (empty: school) × `due_date` × status: `items`."""
    week_begins: WeekBegins | None = None
    """First day of the school week."""


@dataclass(frozen=True)
class Spreads:
    """Sums of powers over students, from which limits for differences follow."""

    classes: pl.DataFrame
    """`class_spread`."""
    teams: pl.DataFrame
    """`team_spread`."""


def class_week(
    *,
    classes: pl.DataFrame,
    calendar: Calendar,
    students: pl.DataFrame,
    attendance: pl.DataFrame,
    homework: pl.DataFrame,
    groups: Groups,
    spreads: Spreads,
    late_counts: bool,
) -> pl.DataFrame:
    """Every class in every school week up to the latest data, beside its past and its peers.

    Some schools at a time: what is worked out on the way is several times as large as the result.

    Args:
        classes: `Classes`.
        calendar: Days and how far they count.
        students: class × week: `students`.
        attendance: class × week: `days_submitted`, `possible_days`, `attended_days`, `lessons`.
        homework: class × week × status: `items`.
        groups: Teams and schools by day.
        spreads: For the comparison with the team.
        late_counts: Whether late homework is handed in.

    Returns:
        `ClassWeek`.
    """
    pieces = homework_counts(homework, ["class_id", "week_start"], late_counts=late_counts)
    weeks = calendar.weeks
    peers = (
        ("team", ["school_id", "team"], team_weeks(groups, late_counts=late_counts)),
        ("school", ["school_id"], whole_school_weeks(groups, late_counts=late_counts)),
    )
    before = pl.col("classes").cum_sum() - pl.col("classes")
    batches = (
        classes.group_by("school_id")
        .agg(classes=pl.len())
        .sort("school_id")
        .with_columns(batch=before // CLASSES_AT_ONCE)
        .join(classes, on="school_id")
        .partition_by("batch")
    )
    made = []
    for batch in batches or [classes]:
        mine, ours = (
            functools.partial(pl.DataFrame.join, other=batch, on=key, how="semi")
            for key in ("class_id", "school_id")
        )
        made.append(
            _class_week(
                batch,
                ours(weeks),
                calendar.weeks_of(batch, ours(weeks)),
                mine(students),
                mine(attendance),
                mine(pieces),
                [(suffix, unit, ours(counts)) for suffix, unit, counts in peers],
                Spreads(mine(spreads.classes), ours(spreads.teams)),
            )
        )
    return pl.concat(made)


def _class_week(
    classes: pl.DataFrame,
    weeks: pl.DataFrame,
    theirs: pl.DataFrame,
    students: pl.DataFrame,
    attendance: pl.DataFrame,
    pieces: pl.DataFrame,
    peers: Sequence[tuple[str, Sequence[str], pl.DataFrame]],
    spreads: Spreads,
) -> pl.DataFrame:
    rows = (
        classes.select("class_id", "class_name", "class_type", "grade", "team", "school_id")
        .join(theirs, on=["class_id", "school_id"])
        .join(students, on=["class_id", "week_start"])
        .join(attendance, on=["class_id", "week_start"], how="left")
        .join(pieces, on=["class_id", "week_start"], how="left")
        .with_columns(
            pl.col("days_submitted", *COUNTS).fill_null(0),
            lessons=pl.when(pl.col("lessons").is_not_null().any().over("class_id")).then(
                pl.col("lessons").fill_null(0)
            ),
        )
        .with_columns(**BOTH_RATES)
    )
    both = attendance.join(pieces, on=["class_id", "week_start"], how="full", coalesce=True).join(
        classes.select("class_id", "school_id"), on="class_id"
    )
    rows = rows.join(
        to_date(both, ["class_id"], weeks, rows), on=["class_id", "week_start"], how="left"
    )
    for suffix, unit, counts in peers:
        key = [*unit, "week_start"]
        rows = rows.join(
            counts.select(*key, **{f"{name}_{suffix}": each for name, each in BOTH_RATES.items()}),
            on=key,
            how="left",
        ).join(
            to_date(counts, unit, weeks, rows).rename(
                {f"{name}_to_date": f"{name}_{suffix}_to_date" for name in RATES}
            ),
            on=key,
            how="left",
        )
    rows = _of_enough_students(_beside_past(rows, ["class_id"]))
    rows = _as(ClassWeek, _beside_team(rows, spreads))
    return rows.sort("week_start", "class_type", "class_id")


def teacher_week(
    *, calendar: Calendar, attendance: pl.DataFrame, homework: pl.DataFrame, late_counts: bool
) -> pl.DataFrame:
    """Every teacher in every week in which their classes had students, beside their past.

    Args:
        calendar: Days and how far they count.
        attendance: `attendance_teacher_week`.
        homework: teacher × week × status: `items`.
        late_counts: Whether late homework is handed in.

    Returns:
        `TeacherWeek`.
    """
    key = ["staff_id", "week_start"]
    rows = (
        attendance.join(homework_counts(homework, key, late_counts=late_counts), on=key, how="left")
        .with_columns(pl.col(*COUNTS).fill_null(0))
        .with_columns(**BOTH_RATES)
        .join(calendar.weeks, on=["school_id", "week_start"], how="left")
    )
    rows = _of_enough_students(_beside_past(rows, ["staff_id"]))
    return _as(TeacherWeek, rows).sort("week_start", "staff_id")


def grade_week(*, calendar: Calendar, groups: Groups, late_counts: bool) -> pl.DataFrame:
    """`GradeWeek`: every grade team in every school week with figures."""
    counts = team_weeks(groups, late_counts=late_counts)
    rows = counts.with_columns(**BOTH_RATES).join(calendar.weeks, on=["school_id", "week_start"])
    return _as(GradeWeek, _beside_past(rows, ["school_id", "team"])).sort(
        "week_start", "school_id", "team"
    )


def school_week(*, calendar: Calendar, groups: Groups, late_counts: bool) -> pl.DataFrame:
    """`SchoolWeek`: every school in every school week with figures."""
    counts = whole_school_weeks(groups, late_counts=late_counts)
    rows = counts.with_columns(**BOTH_RATES).join(calendar.weeks, on=["school_id", "week_start"])
    return _as(SchoolWeek, _beside_past(rows, ["school_id"])).sort("week_start", "school_id")


def school_term(*, calendar: Calendar, groups: Groups, late_counts: bool) -> pl.DataFrame:
    """`SchoolTerm`: every school in every term that the data have reached."""
    days = term_days(calendar.days)
    key = ["school_id", "year_start", "term"]

    def of_term(rows: pl.DataFrame, day: str) -> pl.DataFrame:
        whole = rows.filter(pl.col("team").is_null()).drop("team").sort(day)
        return whole.join_asof(
            days.sort("date"),
            left_on=day,
            right_on="date",
            by="school_id",
            strategy="backward",
            check_sortedness=False,
        )

    attended = of_term(groups.attendance, "date").group_by(key)
    pieces = homework_counts(of_term(groups.homework, "due_date"), key, late_counts=late_counts)
    terms = (
        days.join(calendar.counted_through, on="school_id")
        .group_by(key)
        .agg(
            first_date=pl.col("date").min(),
            last_date=pl.col("date").max(),
            days_in_session=pl.col("date").n_unique(),
            finished=pl.col("date").max() <= pl.col("counted_through").first(),
            reached=pl.col("date").min() <= pl.col("counted_through").first(),
        )
        .filter("reached")
    )
    rows = (
        terms.join(attended.agg(pl.col("possible_days", "attended_days").sum()), on=key, how="left")
        .join(pieces, on=key, how="left")
        .with_columns(pl.col(*COUNTS).fill_null(0))
        .with_columns(**BOTH_RATES)
        .sort("school_id", "first_date")
    )
    before = {
        f"{name}_previous": pl.col(name).shift(1).over("school_id", "year_start") for name in RATES
    }
    rows = rows.with_columns(**before).with_columns(
        (pl.col(name) - pl.col(f"{name}_previous")).alias(f"{name}_change_previous")
        for name in RATES
    )
    return _as(SchoolTerm, rows)


def team_weeks(groups: Groups, *, late_counts: bool) -> pl.DataFrame:
    """School × team × week, also weeks without school: `COUNTS`."""
    named = pl.col("team").is_not_null()
    return _group_weeks(
        groups.attendance.filter(named),
        groups.homework.filter(named),
        ["school_id", "team"],
        groups.week_begins,
        late_counts=late_counts,
    )


def whole_school_weeks(groups: Groups, *, late_counts: bool) -> pl.DataFrame:
    """School × week, also weeks without school: `COUNTS`."""
    whole = pl.col("team").is_null()
    return _group_weeks(
        groups.attendance.filter(whole),
        groups.homework.filter(whole),
        ["school_id"],
        groups.week_begins,
        late_counts=late_counts,
    )


def _group_weeks(
    attendance: pl.DataFrame,
    homework: pl.DataFrame,
    unit: Sequence[str],
    week_begins: WeekBegins | None,
    *,
    late_counts: bool,
) -> pl.DataFrame:
    key = [*unit, "week_start"]
    days = attendance.with_columns(week_start=week_of(pl.col("date"), week_begins))
    pieces = homework.with_columns(week_start=week_of(pl.col("due_date"), week_begins))
    return (
        days.group_by(key)
        .agg(pl.col("possible_days", "attended_days").sum())
        .join(
            homework_counts(pieces, key, late_counts=late_counts),
            on=key,
            how="full",
            coalesce=True,
        )
        .select(*key, pl.col(*COUNTS).fill_null(0))
    )


def to_date(
    counts: pl.DataFrame, unit: Sequence[str], weeks: pl.DataFrame, rows: pl.DataFrame
) -> pl.DataFrame:
    """Rates from the first day of the school year to each week, sums over sums.

    Args:
        counts: `unit` × week, also weeks without school: `COUNTS` and `school_id`.
        unit: The grain without the week.
        weeks: `school_weeks`.
        rows: `unit` × school week: those that want a rate.

    Returns:
        `unit` × week of `rows`: `attendance_rate_to_date`, `homework_rate_to_date`.
    """
    years = weeks.select("school_id", "week_start", "year_start").sort("week_start")
    by = [*unit, "year_start"]
    so_far = (
        counts.sort("week_start")
        .join_asof(
            years, on="week_start", by="school_id", strategy="backward", check_sortedness=False
        )
        .with_columns(pl.col(*COUNTS).fill_null(0).cum_sum().over(by))
        .select(*by, "week_start", **{f"{name}_to_date": each for name, each in BOTH_RATES.items()})
    )
    return (
        rows.select(*by, "week_start")
        .unique()
        .sort("week_start")
        .join_asof(so_far, on="week_start", by=by, strategy="backward", check_sortedness=False)
        .drop("year_start")
    )


def _beside_past(rows: pl.DataFrame, unit: Sequence[str]) -> pl.DataFrame:
    """Each row beside the week before, the start of the year and its usual range.

    Args:
        rows: `unit` × week: `COUNTS`, both rates and the columns of `school_weeks`.
        unit: The grain without the week.
    """
    for suffix, week in (("previous", "previous_week"), ("start", "start_week")):
        then = rows.select(
            *unit,
            pl.col("week_start").alias(week),
            **{f"{name}_{suffix}": name for name in RATES},
        )
        not_yet = pl.col(week) > pl.col("week_start")
        rows = (
            rows.join(then, on=[*unit, week], how="left")
            .with_columns(
                pl.when(~not_yet).then(f"{name}_{suffix}").alias(f"{name}_{suffix}")
                for name in RATES
            )
            .with_columns(
                (pl.col(name) - pl.col(f"{name}_{suffix}")).alias(f"{name}_change_{suffix}")
                for name in RATES
            )
        )
    rows = rows.sort(*unit, "year_start", "week_start")
    year = pl.struct(*unit, "year_start").rank("dense")
    places = rows.select(year=year - 1, week=pl.int_range(pl.len()).over(*unit, "year_start")).cast(
        pl.Int64
    )
    place = places["year"].to_numpy(), places["week"].to_numpy()
    shape = (max(place[0], default=-1) + 1, max(place[1], default=-1) + 1)
    for name, (numerator, denominator) in PARTS.items():
        part, whole = np.zeros(shape), np.zeros(shape)
        part[place], whole[place] = rows[numerator].to_numpy(), rows[denominator].to_numpy()
        usual = usual_range(part, whole)
        phase = usual.phase
        begun = rows["week_start"].gather(np.arange(rows.height) - place[1] + phase.start[place])
        known = pl.Series(phase.kind[place].tolist(), dtype=pl.String)
        of_phase = {
            "start": begun,
            **{end: pl.Series(getattr(phase, end)[place], nan_to_null=True) for end in _PHASE[1:]},
        }
        rows = rows.with_columns(
            pl.Series(f"{name}_usual_low", usual.low[place], nan_to_null=True),
            pl.Series(f"{name}_usual_high", usual.high[place], nan_to_null=True),
            pl.Series(f"{name}_usual_weeks", usual.weeks[place]),
            pl.Series(f"{name}_verdict", usual.verdict[place].tolist(), dtype=pl.String),
            known.alias(f"{name}_phase"),
        ).with_columns(
            pl.when(pl.col(f"{name}_phase").is_not_null())
            .then(values)
            .alias(f"{name}_phase_{what}")
            for what, values in of_phase.items()
        )
    return rows


def _of_enough_students(rows: pl.DataFrame) -> pl.DataFrame:
    """No usual range or phase for rows of few `students`, whose rates a single long illness moves."""
    few = pl.col("students") < FEWEST_STUDENTS_USUAL
    ends = *("usual_low", "usual_high", "phase"), *(f"phase_{part}" for part in _PHASE)
    return rows.with_columns(
        *(
            pl.when(~few).then(f"{name}_{end}").alias(f"{name}_{end}")
            for name in RATES
            for end in ends
        ),
        *(
            pl.when(few & pl.col(name).is_not_null())
            .then(pl.lit(TOO_FEW_STUDENTS))
            .otherwise(f"{name}_verdict")
            .alias(f"{name}_verdict")
            for name in RATES
        ),
    )


def _beside_team(rows: pl.DataFrame, spreads: Spreads) -> pl.DataFrame:
    """Each class beside its grade team, in the week and in the year to date."""
    for name in RATES:
        for window, suffix in (("week", ""), ("to_date", "_to_date")):
            verdicts = _team_verdicts(
                rows.select(
                    *("class_id", "class_type", "school_id", "team", "week_start", "year_start"),
                    rate=pl.col(f"{name}{suffix}")
                    if name == "homework_rate"
                    else pl.when(pl.col("lessons").is_null()).then(f"{name}{suffix}"),
                    team_rate=pl.col(f"{name}_team{suffix}"),
                ),
                *(
                    table.filter(metric=name, window=window).drop("metric", "window")
                    for table in (spreads.classes, spreads.teams)
                ),
            )
            rows = rows.join(
                verdicts.rename({"verdict": f"{name}_team_verdict{suffix}"}),
                on=["class_id", "week_start"],
                how="left",
            )
    return rows


def _team_verdicts(rows: pl.DataFrame, classes: pl.DataFrame, teams: pl.DataFrame) -> pl.DataFrame:
    """Class × week: `verdict`, for the classes that have a rate and students to compare.

    Args:
        rows: class × week: `class_type`, `school_id`, `team`, `year_start`, `rate`, `team_rate`.
        classes: `class_spread` of one metric and window.
        teams: `team_spread` of the same.
    """
    own, whole = ["class_id", "year_start"], ["school_id", "team", "year_start"]
    sizes = teams.select(
        *whole, "week_start", team_size=pl.col("whole_1").pow(2) / pl.col("whole_2")
    )
    found = rows.drop_nulls(["rate", "team_rate"]).sort("week_start")
    for by, table in ((own, classes), (whole, sizes)):
        # a week without a row of its own is as far as the row before it
        found = found.join_asof(
            table.sort("week_start"),
            on="week_start",
            by=by,
            strategy="backward",
            check_sortedness=False,
        )
    found = found.drop_nulls("students")
    pool = found.select(
        pl.struct("school_id", "class_type", "week_start").rank("dense").cast(pl.Int64) - 1
    ).to_series()
    moments = Moments(**{each.name: found[each.name].to_numpy() for each in fields(Moments)})
    verdict = group_verdict(
        found["rate"].to_numpy(),
        found["team_rate"].to_numpy(),
        pooled_spread(moments, pool.to_numpy()),
        effective_size(moments.whole_1, moments.whole_2),
        found["team_size"].fill_null(0).to_numpy(),
    )
    return found.select(
        "class_id", "week_start", verdict=pl.Series(verdict.tolist(), dtype=pl.String)
    )


def student_of_week(rows: pl.DataFrame) -> pl.DataFrame:
    """`StudentOfWeek` from the facts of one week."""
    return _as(StudentOfWeek, rows)


def _as(schema: type[dy.Schema], rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of a schema, checked."""
    wanted = dtypes(schema)
    return schema.validate(rows.select(wanted.names()).cast(wanted))


def student_attendance(sums: pl.DataFrame) -> pl.DataFrame:
    """`StudentAttendance` from each student's sums over the running school year."""
    rows = sums.with_columns(attendance_rate=rate("attended_days", "possible_days"))
    return _as(StudentAttendance, rows)


def student_homework(items: pl.DataFrame, *, late_counts: bool) -> pl.DataFrame:
    """`StudentHomework` from each student's items by status over the running school year."""
    counts = homework_counts(items, ["student_id"], late_counts=late_counts)
    rows = counts.with_columns(homework_rate=rate("homework_complete", "homework_due"))
    return _as(StudentHomework, rows).sort("student_id")


@dataclass(frozen=True)
class WeekState:
    """How far a week's registers are in: what decides whether its letters are due."""

    week_start: date
    last_closed_day: date
    """The last day in session that the week's letters are about."""
    classes: int
    """Whose registers are waited for: homerooms, in a school without any all its classes."""
    classes_missing: int
    """Of these, without the register of some closed day."""

    @property
    def complete(self) -> bool:
        """Whether the registers of all these classes for their closed days are in."""
        return self.classes_missing == 0


def week_states(
    class_weeks: pl.DataFrame,
    school_days: pl.DataFrame,
    days_off: pl.DataFrame | None = None,
    *,
    closing: int,
) -> list[WeekState]:
    """The state of every week that has figures, oldest first.

    All days of a past week are closed; of the running one, the week of the latest register, those
    up to its closing day.

    Args:
        class_weeks: `ClassWeek`.
        school_days: `SchoolDays`.
        days_off: `class_days_off`; None: of no class.
        closing: `school_calendar.closing_day`.
    """
    homeroom = pl.col("class_type") == "homeroom"
    classes = class_weeks.filter(homeroom | ~homeroom.any().over("school_id"))
    if classes.is_empty():
        return []
    running = classes["week_start"].max()
    day = pl.col("date")
    after_monday = (day - pl.col("week_start")).dt.total_days()
    days = school_days.filter("in_session").filter(
        (pl.col("week_start") != running) | (after_monday <= closing)
    )
    closed = days.group_by("school_id", "week_start").agg(
        days_closed=day.n_unique(), last_closed_day=day.max()
    )
    rows = classes.join(closed, on=["school_id", "week_start"])
    if days_off is not None and not days_off.is_empty():
        off = (
            classes.select("class_id", "school_id")
            .unique()
            .join(days_off, on="class_id")
            .join(days, on=["school_id", "date"])
            .group_by("class_id", "week_start")
            .agg(off=pl.len())
        )
        rows = rows.join(off, on=["class_id", "week_start"], how="left").with_columns(
            pl.col("days_closed") - pl.col("off").fill_null(0)
        )
    states = (
        rows.group_by("week_start")
        .agg(
            last_closed_day=pl.col("last_closed_day").max(),
            classes=pl.len(),
            classes_missing=(pl.col("days_submitted") < pl.col("days_closed")).sum(),
        )
        .sort("week_start")
    )
    return [WeekState(**row) for row in states.iter_rows(named=True)]
