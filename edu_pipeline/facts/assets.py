"""The facts room as Dagster sees it: one asset per table that SQL reduces."""

from collections.abc import Callable, Sequence
from inspect import cleandoc

import dagster as dg

from edu_pipeline.facts.attendance import (
    build_attendance_class_week,
    build_attendance_group_week,
    build_counted_through,
    build_student_attendance,
    build_student_days,
)
from edu_pipeline.facts.homework import (
    build_homework_class_week,
    build_homework_group_week,
    build_homework_items,
    build_student_homework,
)
from edu_pipeline.facts.roster import (
    build_class_spells,
    build_class_students,
    build_student_spells,
)
from edu_pipeline.settings import Settings
from edu_pipeline.warehouse import Warehouse, table_metadata


def _fact(
    name: str,
    build: Callable[..., None],
    deps: Sequence[str],
    arguments: Callable[[Settings], Sequence[object]] = lambda _: (),
) -> dg.AssetsDefinition:
    """An asset whose table is made by `build(con, *arguments(settings))` and described by it."""

    @dg.asset(
        name=name,
        group_name="facts",
        kinds={"duckdb"},
        owners=["team:data"],
        tags={"pii": "ids"},
        deps=deps,
        description=cleandoc(build.__doc__ or "").partition("\n\nArgs:")[0],
    )
    def fact(
        settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[None]:
        with warehouse.connect() as con:
            build(con, *arguments(settings))
            return dg.MaterializeResult(metadata=table_metadata(con, name))

    return fact


ASSETS: Sequence[dg.AssetsDefinition] = [
    _fact("class_spells", build_class_spells, ["stg_enrollments", "stg_classes"]),
    _fact("student_spells", build_student_spells, ["class_spells", "stg_classes", "stg_students"]),
    _fact(
        "class_students", build_class_students, ["class_spells", "stg_classes", "stg_school_days"]
    ),
    _fact(
        "counted_through",
        build_counted_through,
        ["landing_files", "stg_attendance", "stg_homework", "stg_students", "stg_school_days"],
        lambda settings: (settings.landing.attendance, settings.mail.close_week),
    ),
    _fact(
        "student_days",
        build_student_days,
        ["stg_attendance", "stg_school_days", "student_spells", "counted_through"],
        lambda settings: (settings.landing.attendance,),
    ),
    _fact("attendance_class_week", build_attendance_class_week, ["student_days", "class_spells"]),
    _fact("attendance_group_week", build_attendance_group_week, ["student_days"]),
    _fact("student_attendance_sums", build_student_attendance, ["student_days"]),
    _fact(
        "homework_items",
        build_homework_items,
        ["stg_homework", "class_spells", "student_spells", "counted_through"],
    ),
    _fact("homework_class_week", build_homework_class_week, ["homework_items"]),
    _fact("homework_group_week", build_homework_group_week, ["homework_items"]),
    _fact(
        "student_homework_counts",
        build_student_homework,
        ["homework_items", "stg_school_days", "counted_through"],
    ),
]
