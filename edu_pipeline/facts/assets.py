"""The facts room as Dagster sees it: every table that SQL reduces, in one step."""

from collections.abc import Callable, Mapping, Sequence
from inspect import cleandoc
from types import MappingProxyType

import duckdb

from edu_pipeline.facts.attendance import (
    build_attendance_class_week,
    build_attendance_group_day,
    build_attendance_teacher_week,
    build_counted_through,
    build_student_attendance,
    build_student_days,
    build_student_weeks,
)
from edu_pipeline.facts.homework import (
    build_homework_class_week,
    build_homework_days,
    build_homework_group_day,
    build_homework_items,
    build_homework_teacher_week,
    build_student_homework,
    homework_of_empty_classes,
)
from edu_pipeline.facts.roster import (
    build_class_days_off,
    build_class_spells,
    build_class_students,
    build_student_spells,
    build_teacher_spells,
)
from edu_pipeline.facts.students import build_class_spread, build_team_spread
from edu_pipeline.ground.resources import table_metadata
from edu_pipeline.ground.steps import Notes, Table, table
from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.model.school_calendar import week_begins_of
from edu_pipeline.settings.home import Settings


def _as_found(con: duckdb.DuckDBPyConnection, settings: Settings) -> Settings:
    """Settings with what the formats of files and the weeks of the calendar say where nobody else does."""
    parts = con.execute(
        'select "table", part from landing_files where current and error is null'
    ).fetchall()
    begins = week_begins_of(read_table(con, "stg_school_days"), settings.school.week_begins)
    return settings.model_copy(
        update={
            "landing": settings.landing.as_formats_say(parts),
            "school": settings.school.model_copy(update={"week_begins": begins}),
        }
    )


def _fact(
    name: str,
    build: Callable[..., None],
    deps: Sequence[str],
    arguments: Callable[[Settings], Mapping[str, object]] | None = None,
    remarks: Mapping[str, Callable[[duckdb.DuckDBPyConnection], int]] = MappingProxyType({}),
) -> Table:
    """A table that is made by `build(con, **arguments(settings))` and described by it.

    Remarks are counted when it is made and shown with it.
    """

    @table(
        "facts",
        source="school",
        name=name,
        description=cleandoc(build.__doc__ or "").partition("\n\nArgs:")[0],
        kinds={"duckdb"},
        pii="ids",
        deps=deps,
    )
    def fact(con: duckdb.DuckDBPyConnection, settings: Settings) -> Notes:
        build(con, **(arguments(_as_found(con, settings)) if arguments else {}))
        return {**table_metadata(con, name), **{what: of(con) for what, of in remarks.items()}}

    return fact


TABLES: Sequence[Table] = [
    _fact("class_spells", build_class_spells, ["stg_enrollments", "stg_classes"]),
    _fact("teacher_spells", build_teacher_spells, ["stg_enrollments", "stg_classes"]),
    _fact(
        "student_spells",
        build_student_spells,
        ["class_spells", "teacher_spells", "stg_classes", "stg_students", "stg_student_schools"],
    ),
    _fact(
        "class_students",
        build_class_students,
        [
            "class_spells",
            "stg_classes",
            "stg_student_schools",
            "stg_school_days",
            "stg_days_off",
        ],
    ),
    _fact("class_days_off", build_class_days_off, ["class_spells", "stg_days_off"]),
    _fact(
        "counted_through",
        build_counted_through,
        [
            "landing_files",
            "stg_attendance",
            "stg_homework",
            "stg_student_schools",
            "stg_school_days",
        ],
        lambda settings: {
            "export": settings.landing.attendance,
            "close_week": settings.mail.close_week,
            "week_begins": settings.school.week_begins,
        },
    ),
    _fact(
        "student_days",
        build_student_days,
        [
            "stg_attendance",
            "stg_school_days",
            "stg_days_off",
            "student_spells",
            "counted_through",
        ],
        lambda settings: {
            "export": settings.landing.attendance,
            "absent_from": settings.attendance.absent_from,
        },
    ),
    _fact("student_weeks", build_student_weeks, ["student_days"]),
    _fact(
        "attendance_class_week",
        build_attendance_class_week,
        ["student_days", "student_weeks", "class_spells", "stg_attendance"],
    ),
    _fact("attendance_group_day", build_attendance_group_day, ["student_days"]),
    _fact(
        "attendance_teacher_week",
        build_attendance_teacher_week,
        [
            "student_weeks",
            "student_spells",
            "class_spells",
            "teacher_spells",
            "stg_student_schools",
            "stg_school_days",
            "stg_days_off",
            "counted_through",
        ],
    ),
    _fact("student_attendance_sums", build_student_attendance, ["student_days"]),
    _fact(
        "homework_items",
        build_homework_items,
        [
            "landing_files",
            "stg_homework",
            "stg_school_days",
            "class_spells",
            "student_spells",
            "counted_through",
        ],
        lambda settings: {"week_begins": settings.school.week_begins},
        remarks={"rows of classes without enrollments": homework_of_empty_classes},
    ),
    _fact("homework_days", build_homework_days, ["homework_items"]),
    _fact("homework_class_week", build_homework_class_week, ["homework_days"]),
    _fact("homework_group_day", build_homework_group_day, ["homework_days"]),
    _fact(
        "homework_teacher_week", build_homework_teacher_week, ["homework_days", "teacher_spells"]
    ),
    _fact(
        "student_homework_counts",
        build_student_homework,
        ["homework_items", "stg_school_days", "counted_through"],
    ),
    _fact(
        "class_spread",
        build_class_spread,
        ["student_weeks", "class_spells", "homework_items", "stg_classes", "stg_school_days"],
        lambda settings: {"late_counts": settings.homework.late_counts},
    ),
    _fact("team_spread", build_team_spread, ["student_weeks", "homework_items", "stg_school_days"]),
]
