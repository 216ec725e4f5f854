"""The teachers job as Dagster sees it: metrics, the gate, and each week's charts and letters."""

import base64
from collections.abc import Sequence
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl

from edu_pipeline.charting.render import render_pngs
from edu_pipeline.gate import mail_gate as mail_gate_of
from edu_pipeline.glossary import GLOSSARY, definition
from edu_pipeline.mail.due import not_after
from edu_pipeline.mail.frames import letters_frame
from edu_pipeline.mail.render import environment
from edu_pipeline.one_run import require_one_refresh, require_one_run
from edu_pipeline.settings import WEEKDAYS, Home, Settings
from edu_pipeline.shipped import shipped
from edu_pipeline.teachers.charts import chart_specs, class_histories
from edu_pipeline.teachers.edition import (
    Envelope,
    homeroom_teachers,
    homerooms_without_teacher,
    letters_of_week,
    periods_of,
)
from edu_pipeline.teachers.letter import Edition, LetterWeek
from edu_pipeline.teachers.metrics import class_week as class_week_of
from edu_pipeline.teachers.metrics import last_counted_day, week_states
from edu_pipeline.teachers.metrics import student_attendance as student_attendance_of
from edu_pipeline.teachers.metrics import student_homework as student_homework_of

GROUP = "teachers"
OWNERS = ["team:data"]


@dg.asset(group_name=GROUP, kinds={"polars"}, owners=OWNERS, tags={"pii": "groups"})
def class_week(
    stg_classes: pl.DataFrame,
    stg_school_days: pl.DataFrame,
    class_students: pl.DataFrame,
    attendance_class_week: pl.DataFrame,
    attendance_group_week: pl.DataFrame,
    homework_class_week: pl.DataFrame,
    homework_group_week: pl.DataFrame,
    counted_through: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
) -> pl.DataFrame:
    """One class in one school week, beside its past, its grade team and its school."""
    return class_week_of(
        classes=stg_classes,
        school_days=stg_school_days,
        students=class_students,
        attendance=attendance_class_week,
        attendance_groups=attendance_group_week,
        homework=homework_class_week,
        homework_groups=homework_group_week,
        counted_through=counted_through,
        late_counts=settings.homework.late_counts,
    )


@dg.asset(group_name=GROUP, kinds={"polars"}, owners=OWNERS, tags={"pii": "ids"})
def student_attendance(student_attendance_sums: pl.DataFrame) -> pl.DataFrame:
    """One student's attendance from the first day of the school year to the latest data."""
    return student_attendance_of(student_attendance_sums)


@dg.asset(group_name=GROUP, kinds={"polars"}, owners=OWNERS, tags={"pii": "ids"})
def student_homework(
    student_homework_counts: pl.DataFrame, settings: dg.ResourceParam[Settings]
) -> pl.DataFrame:
    """One student's homework from the first day of the school year to the latest data."""
    return student_homework_of(student_homework_counts, late_counts=settings.homework.late_counts)


@dg.asset(group_name=GROUP, kinds={"polars"}, owners=OWNERS, tags={"pii": "none"})
def mail_gate(
    context: dg.AssetExecutionContext,
    landing_problems: pl.DataFrame,
    class_week: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
) -> pl.DataFrame:
    """Whether each week's letters may go out. Sending reads this and obeys."""
    require_one_run(context, "refresh")
    return mail_gate_of(
        landing_problems,
        class_week["week_start"].unique().sort().to_list(),
        context.run.run_id,
        on_problem=settings.mail.on_problem,
    )


@dg.asset(group_name=GROUP, kinds={"polars"}, owners=OWNERS, tags={"pii": "none"})
def teacher_periods(
    class_week: pl.DataFrame,
    stg_school_days: pl.DataFrame,
    mail_gate: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
) -> pl.DataFrame:
    """The weeks that letters can be about: how far the registers are in, and what holds them."""
    states = week_states(
        class_week, stg_school_days, close_weekday=WEEKDAYS.index(settings.mail.close_week)
    )
    return periods_of(states, mail_gate)


def weekly_assets(weeks: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """The assets that are made once per week of letters."""

    @dg.asset(
        group_name=GROUP,
        kinds={"altair"},
        owners=OWNERS,
        tags={"pii": "groups"},
        partitions_def=weeks,
    )
    def letter_charts(
        context: dg.AssetExecutionContext,
        class_week: pl.DataFrame,
        settings: dg.ResourceParam[Settings],
    ) -> pl.DataFrame:
        """A picture per homeroom and rate, with its alternative text."""
        week = date.fromisoformat(context.partition_key)
        homerooms = class_week.filter(pl.col("class_type") == "homeroom")
        specs = [
            (class_id, kind, chart)
            for class_id, history in class_histories(homerooms, week).items()
            for kind, chart in chart_specs(history, settings.targets).items()
        ]
        pngs = render_pngs([chart.spec for _, _, chart in specs])
        if pngs:
            # the event log keeps the preview, so it shows the class in which one student tells least
            sizes = dict(
                homerooms.filter(week_start=week).select("class_id", "students").iter_rows()
            )
            shown = max(range(len(specs)), key=lambda number: sizes[specs[number][0]])
            picture = base64.b64encode(pngs[shown]).decode()
            context.add_output_metadata(
                {"preview": dg.MetadataValue.md(f"![a chart](data:image/png;base64,{picture})")}
            )
        rows = [
            (week, class_id, kind, png, chart.alt)
            for (class_id, kind, chart), png in zip(specs, pngs, strict=True)
        ]
        return pl.DataFrame(
            rows,
            schema={
                "week_start": pl.Date,
                "class_id": pl.String,
                "kind": pl.String,
                "png": pl.Binary,
                "alt": pl.String,
            },
            orient="row",
        )

    @dg.asset(
        group_name=GROUP,
        kinds={"jinja"},
        owners=OWNERS,
        tags={"pii": "names"},
        partitions_def=weeks,
    )
    def teacher_letters(
        context: dg.AssetExecutionContext,
        class_week: pl.DataFrame,
        letter_charts: pl.DataFrame,
        counted_through: pl.DataFrame,
        stg_school_days: pl.DataFrame,
        stg_enrollments: pl.DataFrame,
        stg_classes: pl.DataFrame,
        stg_staff: pl.DataFrame,
        landing_files: pl.DataFrame,
        mail_gate: pl.DataFrame,
        home: dg.ResourceParam[Home],
        settings: dg.ResourceParam[Settings],
    ) -> pl.DataFrame:
        """The week's letter to every homeroom teacher."""
        week = date.fromisoformat(context.partition_key)
        require_one_refresh(landing_files, mail_gate)
        through = last_counted_day(stg_school_days, counted_through, week)
        if through is None:
            raise dg.Failure(
                f"There are no figures for the week of {week}. Run the refresh job, or choose a "
                "week that the class_week table has."
            )
        teachers = homeroom_teachers(stg_enrollments, stg_classes, stg_staff, through)
        late_counts = settings.homework.late_counts
        letters = letters_of_week(
            teachers.values(),
            class_week,
            {
                (row["class_id"], row["kind"]): (row["png"], row["alt"])
                for row in letter_charts.iter_rows(named=True)
            },
            mail_gate,
            settings.targets,
            Edition(
                week=LetterWeek(week, through),
                school=settings.school.name,
                definitions=[
                    (metric.title, definition(name, late_counts=late_counts))
                    for name, metric in GLOSSARY.items()
                ],
                env=environment([home.templates, shipped("templates")]),
            ),
            Envelope(
                settings.letters,
                not_after(through, now=datetime.now(UTC), mail=settings.mail, zone=settings.zone),
            ),
        )
        alone = homerooms_without_teacher(class_week, teachers, week)
        if alone:
            context.log.warning("Nobody teaches %s, so nobody gets a letter.", ", ".join(alone))
        context.add_output_metadata(
            {
                "letters": len(letters),
                "held": sum(letter.hold is not None for letter in letters),
                "homerooms without a teacher": len(alone),
            }
        )
        return letters_frame(letters, week)

    return [letter_charts, teacher_letters]


ASSETS: Sequence[dg.AssetsDefinition] = [
    class_week,
    student_attendance,
    student_homework,
    mail_gate,
    teacher_periods,
]
