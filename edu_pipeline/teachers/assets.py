"""The teachers job as Dagster sees it: metrics, the gate, and each week's charts and letters."""

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl

from edu_pipeline.facts.students import students_of_week as students_of_week_of
from edu_pipeline.ground.one_run import require_one_refresh
from edu_pipeline.ground.steps import Notes, Parts, Table, picture, table
from edu_pipeline.ground.templates import phrase, templates_of
from edu_pipeline.ground.warehouse import Connection, read_earlier
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.queueing import Batch
from edu_pipeline.model.gate import mail_gate as mail_gate_of
from edu_pipeline.model.school_calendar import closing_day, week_begins_of
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline.settings.mail import weekday_number
from edu_pipeline.teachers.drawings import DRAWN, drawings_of_week, preview
from edu_pipeline.teachers.edition import (
    calendar_of_week,
    gaps,
    periods_of,
    subject_teachers,
    teachers_of,
)
from edu_pipeline.teachers.letter import WORDS, SchoolWeek
from edu_pipeline.teachers.metrics import (
    Calendar,
    Groups,
    Spreads,
    grade_week,
    school_term,
    school_week,
    student_of_week,
    week_states,
)
from edu_pipeline.teachers.metrics import class_week as class_week_of
from edu_pipeline.teachers.metrics import student_attendance as student_attendance_of
from edu_pipeline.teachers.metrics import student_homework as student_homework_of
from edu_pipeline.teachers.metrics import teacher_week as teacher_week_of
from edu_pipeline.teachers.students import known_names as known_names_of
from edu_pipeline.teachers.week_of_letters import (
    OF_ALL,
    OF_WEEK,
    NoFiguresError,
    tables_of,
    week_of_letters,
)

_table = functools.partial(table, "teachers", source="school")


@_table(kinds={"polars"}, pii="groups")
def class_week(
    stg_classes: pl.DataFrame,
    stg_school_days: pl.DataFrame,
    class_students: pl.DataFrame,
    class_days_off: pl.DataFrame,
    attendance_class_week: pl.DataFrame,
    attendance_group_day: pl.DataFrame,
    homework_class_week: pl.DataFrame,
    homework_group_day: pl.DataFrame,
    class_spread: pl.DataFrame,
    team_spread: pl.DataFrame,
    counted_through: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:
    """One class in one school week, beside its past, its grade team and its school."""
    return class_week_of(
        classes=stg_classes,
        calendar=Calendar(stg_school_days, counted_through, class_days_off),
        students=class_students,
        attendance=attendance_class_week,
        homework=homework_class_week,
        groups=Groups(
            attendance_group_day,
            homework_group_day,
            week_begins_of(stg_school_days, settings.school.week_begins),
        ),
        spreads=Spreads(class_spread, team_spread),
        late_counts=settings.homework.late_counts,
    )


@_table(kinds={"polars"}, pii="groups")
def teacher_week(
    stg_school_days: pl.DataFrame,
    counted_through: pl.DataFrame,
    attendance_teacher_week: pl.DataFrame,
    homework_teacher_week: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:
    """One teacher in one school week, over all the classes they teach, beside their past."""
    return teacher_week_of(
        calendar=Calendar(stg_school_days, counted_through),
        attendance=attendance_teacher_week,
        homework=homework_teacher_week,
        late_counts=settings.homework.late_counts,
    )


def _of_groups(name: str, build: Callable[..., pl.DataFrame], grain: str) -> Table:
    """A table that is made by `build` of teams and schools by day."""

    @_table(name=name, description=grain, kinds={"polars"}, pii="groups")
    def of_groups(
        stg_school_days: pl.DataFrame,
        counted_through: pl.DataFrame,
        attendance_group_day: pl.DataFrame,
        homework_group_day: pl.DataFrame,
        settings: Settings,
    ) -> pl.DataFrame:
        return build(
            calendar=Calendar(stg_school_days, counted_through),
            groups=Groups(
                attendance_group_day,
                homework_group_day,
                week_begins_of(stg_school_days, settings.school.week_begins),
            ),
            late_counts=settings.homework.late_counts,
        )

    return of_groups


@_table(kinds={"polars"}, pii="ids")
def student_attendance(student_attendance_sums: pl.DataFrame) -> pl.DataFrame:
    """One student's attendance from the first day of the school year to the latest data."""
    return student_attendance_of(student_attendance_sums)


@_table(kinds={"polars"}, pii="ids")
def student_homework(student_homework_counts: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """One student's homework from the first day of the school year to the latest data."""
    return student_homework_of(student_homework_counts, late_counts=settings.homework.late_counts)


@_table(kinds={"polars"}, pii="names")
def known_names(stg_students: pl.DataFrame, stg_staff: pl.DataFrame) -> pl.DataFrame:
    """Everybody's full name: no letter may show one that its recipient is not meant to see."""
    return known_names_of(stg_students, stg_staff)


@_table(kinds={"polars"}, pii="none", whole=("refresh_school", "refresh"))
def mail_gate(
    context: dg.AssetExecutionContext,
    landing_problems: pl.DataFrame,
    gate_releases: pl.DataFrame,
    class_week: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:
    """Whether each week's letters may go out. Sending reads this and obeys."""
    return mail_gate_of(
        landing_problems,
        class_week["week_start"].unique().sort().to_list(),
        context.run.run_id,
        on_problem=settings.mail.on_problem,
        releases=gate_releases,
    )


@_table(kinds={"polars"}, pii="none")
def teacher_periods(
    class_week: pl.DataFrame,
    stg_school_days: pl.DataFrame,
    class_days_off: pl.DataFrame,
    mail_gate: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:
    """The weeks that letters can be about: how far the registers are in, and what holds them."""
    begins = week_begins_of(stg_school_days, settings.school.week_begins)
    last = closing_day(weekday_number(settings.mail.close_week), begins)
    states = week_states(class_week, stg_school_days, class_days_off, closing=last)
    return periods_of(states, mail_gate)


@table(
    "facts",
    kinds={"duckdb"},
    pii="ids",
    deps=[
        "class_spells",
        "student_spells",
        "student_weeks",
        "homework_items",
        "stg_school_days",
        "counted_through",
    ],
)
def students_of_week(
    context: dg.AssetExecutionContext, con: Connection, settings: Settings
) -> pl.DataFrame:
    """Every student of every class in a week: the week, the one before and the year so far."""
    late_counts = settings.homework.late_counts
    return student_of_week(students_of_week_of(con, _week(context), late_counts=late_counts))


@_table(kinds={"altair"}, pii="groups")
def letter_charts(
    context: dg.AssetExecutionContext,
    con: Connection,
    class_week: pl.DataFrame,
    teacher_week: pl.DataFrame,
    school_week: pl.DataFrame,
    stg_enrollments: pl.DataFrame,
    stg_classes: pl.DataFrame,
    home: Home,
    settings: Settings,
) -> Parts:
    """A picture per homeroom and rate and per subject teacher's homework, with its alt text."""
    if "charts" not in settings.letters.blocks:
        yield pl.DataFrame(schema=dict(DRAWN))
        return {}
    homerooms = class_week.filter(pl.col("class_type") == "homeroom")
    largest = None
    for drawn in drawings_of_week(
        homerooms,
        teacher_week.join(
            subject_teachers(stg_enrollments, stg_classes), on="staff_id", how="semi"
        ),
        school_week,
        _week(context),
        settings.targets,
        functools.partial(phrase, templates_of(home.templates), WORDS),
        read_earlier(con, "letter_charts", pl.DataFrame(schema=dict(DRAWN)), context.partition_key),
    ):
        largest = preview(drawn, homerooms.filter(week_start=_week(context))) or largest
        yield drawn
    return picture(largest)  # which the event log keeps


@_table(kinds={"polars"}, pii="none")
def letter_gaps(
    context: dg.AssetExecutionContext,
    class_week: pl.DataFrame,
    counted_through: pl.DataFrame,
    stg_school_days: pl.DataFrame,
    stg_enrollments: pl.DataFrame,
    stg_classes: pl.DataFrame,
    stg_staff: pl.DataFrame,
    settings: Settings,
) -> tuple[pl.DataFrame, Notes]:
    """Who gets no letter about the week and which classes nobody hears about, in sentences."""
    schools = _schools(stg_school_days, counted_through, _week(context))
    found = gaps(
        class_week,
        stg_staff,
        teachers_of(stg_enrollments, stg_classes, stg_staff, schools),
        _week(context),
        only_homerooms=settings.letters.to == "homeroom_teachers",
    )
    # the sentences are in the table: what a class is called may be a person's name
    return found, {"sentences": found.height}


WRITTEN_FROM = (*OF_ALL, *OF_WEEK)


def write_letters(
    context: dg.AssetExecutionContext, con: Connection, home: Home, settings: Settings, _: Period
) -> Batch:
    """The week's letter to every teacher; a staff's, with pictures that they share, fit into memory."""
    tables = tables_of(con, context.partition_key)
    require_one_refresh(tables["landing_files"], tables["mail_gate"])
    letters = [
        *week_of_letters(
            tables,
            _week(context),
            settings,
            templates_of(home.templates),
            now=datetime.now(UTC),
            tags=context.run.tags,
        )
    ]
    return Batch(
        letters,
        addresses=[letter.recipient.email for letter in letters],
        names=[letter.recipient.name for letter in letters],
    )


def _week(context: dg.AssetExecutionContext) -> date:
    return date.fromisoformat(context.partition_key)


def _schools(
    school_days: pl.DataFrame, counted_through: pl.DataFrame, week: date
) -> Mapping[str, SchoolWeek]:
    """The week in every school's calendar."""
    schools = calendar_of_week(school_days, counted_through, week)
    if not schools:
        raise NoFiguresError(f"There are no figures for the week of {week}.")
    return schools


TABLES: Sequence[Table] = [
    class_week,
    teacher_week,
    _of_groups("grade_week", grade_week, "One grade team in one school week, beside its past."),
    _of_groups("school_week", school_week, "One school in one school week, beside its past."),
    _of_groups(
        "school_term",
        school_term,
        "One school in one term of its calendar, beside the term before.",
    ),
    student_attendance,
    student_homework,
    known_names,
    mail_gate,
    teacher_periods,
]
OF_A_WEEK: Sequence[Table] = [students_of_week, letter_charts, letter_gaps]
