"""The landing room as Dagster sees it: files, raw tables, staging, rejected rows, problems."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from inspect import cleandoc

import dagster as dg
import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import Warehouse, read_earlier, read_table, table_metadata
from edu_pipeline.landing.inspection import Inspection, describe
from edu_pipeline.landing.problems import problems_of_all
from edu_pipeline.landing.rejected import (
    STAGED,
    collect_rejected,
    reject_counts,
)
from edu_pipeline.landing.report import blocks, markdown
from edu_pipeline.landing.sources.school.canonical import canonical_query
from edu_pipeline.landing.sources.school.changes import accept, compare
from edu_pipeline.landing.sources.school.forgotten import keep_out
from edu_pipeline.landing.sources.school.manifest import landing_fingerprint, survey
from edu_pipeline.landing.sources.school.placing import place
from edu_pipeline.landing.sources.school.problems import change_problems
from edu_pipeline.landing.sources.school.stage_facts import (
    attendance_dates,
    stage_attendance,
    stage_homework,
)
from edu_pipeline.landing.sources.school.stage_roster import (
    school_days_seen,
    stage_classes,
    stage_enrollments,
    stage_school_days,
    stage_staff,
    stage_students,
)
from edu_pipeline.landing.tables.raw import load_raw
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.facts import Attendance, Homework
from edu_pipeline.model.gate import in_force, known_since
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.model.roster import Classes, Enrollments, SchoolDays, Staff, Students
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import SCHOOL_TABLES

GROUP = "landing"
OWNERS = ["team:data"]
NAMES = {"pii": "names"}
IDS = {"pii": "ids"}
NOBODY = {"pii": "none"}
STALE_AFTER = timedelta(days=8)
REJECTED = "Which of these rows did not make it, and by which rule."


@dg.asset(group_name=GROUP, kinds={"python"}, owners=OWNERS, tags=NOBODY)
def landing_files(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    zone: dg.ResourceParam[Zone],
) -> pl.DataFrame:
    """The files of the landing zone: what each is taken for, its version, its columns, its digest.

    Everything later in the run reads exactly these files; one that changes meanwhile stops the run.
    """
    files = survey(zone, settings.landing, context.run.run_id)
    ignored = place(zone, settings.landing).unread()
    for path, why in ignored.items():
        context.log.warning("%s: %s", path, why)
    context.add_output_metadata(
        {
            "fingerprint": landing_fingerprint(files),
            "files": files.height,
            "taken for nothing": len(ignored),
            "replaced by a newer snapshot": files.filter(~pl.col("current")).height,
        }
    )
    return files


def _raw_asset(table: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"raw_{table}",
        group_name=GROUP,
        kinds={"csv", "duckdb"},
        owners=OWNERS,
        tags=NAMES if table in ("students", "staff", "classes") else IDS,
        description=f"Every row of the {table} exports as received, with its file and line.",
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER),
    )
    def raw_table(
        landing_files: pl.DataFrame,
        forgotten: pl.DataFrame,
        settings: dg.ResourceParam[Settings],
        zone: dg.ResourceParam[Zone],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.MaterializeResult[None]:
        export = settings.landing.export(table)
        with warehouse.connect() as con:
            load_raw(
                con,
                zone,
                table,
                landing_files,
                lambda: keep_out(con, table, landing_files, export, forgotten),
            )
            return dg.MaterializeResult(metadata=table_metadata(con, f"raw_{table}"))

    return raw_table


RAW_ASSETS: Sequence[dg.AssetsDefinition] = [_raw_asset(table) for table in SCHOOL_TABLES]


def _rows(
    table: str, files: pl.DataFrame, settings: Settings, warehouse: Warehouse
) -> pl.DataFrame:
    query = canonical_query(table, files, settings.landing.export(table))
    with warehouse.connect() as con:
        rows: pl.DataFrame = con.sql(query).pl()
        return rows


def _outs(table: str, tags: Mapping[str, str], description: str) -> dict[str, dg.AssetOut]:
    return {
        f"stg_{table}": dg.AssetOut(
            group_name=GROUP, kinds={"polars"}, owners=OWNERS, tags=tags, description=description
        ),
        f"rejected_{table}": dg.AssetOut(
            group_name=GROUP, kinds={"polars"}, owners=OWNERS, tags=tags, description=REJECTED
        ),
    }


def _specs(table: str, needs: Sequence[str], description: str) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            name,
            group_name=GROUP,
            kinds={"duckdb"},
            owners=OWNERS,
            tags=IDS,
            deps=["landing_files", f"raw_{table}", *needs],
            description=text,
        )
        for name, text in ((f"stg_{table}", description), (f"rejected_{table}", REJECTED))
    ]


@dg.multi_asset(
    outs=_outs("students", NAMES, cleandoc(Students.__doc__ or "")), deps=["raw_students"]
)
def stage_students_export(
    landing_files: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Students, checked."""
    rows = _rows("students", landing_files, settings, warehouse)
    return stage_students(rows, settings.landing.students)


@dg.multi_asset(outs=_outs("staff", NAMES, cleandoc(Staff.__doc__ or "")), deps=["raw_staff"])
def stage_staff_export(
    landing_files: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Staff, checked."""
    rows = _rows("staff", landing_files, settings, warehouse)
    return stage_staff(rows, settings.landing.staff)


@dg.multi_asset(outs=_outs("classes", IDS, cleandoc(Classes.__doc__ or "")), deps=["raw_classes"])
def stage_classes_export(
    landing_files: pl.DataFrame,
    stg_students: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Classes, checked, with the homerooms that are a column of the students."""
    rows = _rows("classes", landing_files, settings, warehouse)
    return stage_classes(rows, stg_students, settings.landing.classes)


@dg.multi_asset(
    outs=_outs("enrollments", IDS, cleandoc(Enrollments.__doc__ or "")), deps=["raw_enrollments"]
)
def stage_enrollments_export(
    landing_files: pl.DataFrame,
    stg_classes: pl.DataFrame,
    stg_students: pl.DataFrame,
    stg_staff: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Enrollments, checked and resolved, with those that other exports imply."""
    rows = _rows("enrollments", landing_files, settings, warehouse)
    return stage_enrollments(
        rows, stg_classes, stg_students, stg_staff, settings.landing.enrollments
    )


@dg.multi_asset(
    outs=_outs("school_days", NOBODY, cleandoc(SchoolDays.__doc__ or "")),
    deps=["raw_calendar", "raw_attendance"],
)
def stage_calendar_export(
    landing_files: pl.DataFrame,
    stg_students: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The calendar, checked; without one, the dates on which attendance was taken."""
    rows = _rows("calendar", landing_files, settings, warehouse)
    schools = stg_students["school_id"].unique().sort().to_list()
    staged = stage_school_days(rows, schools, settings.landing.calendar)
    if "calendar" in landing_files["table"]:
        return staged
    export = settings.landing.attendance
    with warehouse.connect() as con:
        dates = attendance_dates(con, canonical_query("attendance", landing_files, export), export)
    return school_days_seen(dates), staged.rejected


@dg.multi_asset(
    specs=_specs(
        "attendance", ["stg_students", "stg_school_days"], cleandoc(Attendance.__doc__ or "")
    )
)
def stage_attendance_export(
    settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.MaterializeResult[None]]:
    """Attendance, parsed and checked where it lies."""
    export = settings.landing.attendance
    with warehouse.connect() as con:
        query = canonical_query("attendance", read_table(con, "landing_files"), export)
        stage_attendance(con, query, export, settings.attendance)
        yield from _materialized(con, "attendance")


@dg.multi_asset(
    specs=_specs(
        "homework",
        ["stg_students", "stg_classes", "stg_school_days"],
        cleandoc(Homework.__doc__ or ""),
    )
)
def stage_homework_export(
    settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[dg.MaterializeResult[None]]:
    """Homework, parsed and checked where it lies."""
    export = settings.landing.homework
    with warehouse.connect() as con:
        query = canonical_query("homework", read_table(con, "landing_files"), export)
        stage_homework(con, query, export, settings.homework)
        yield from _materialized(con, "homework")


def _materialized(
    con: duckdb.DuckDBPyConnection, table: str
) -> Iterator[dg.MaterializeResult[None]]:
    for name in (f"stg_{table}", f"rejected_{table}"):
        yield dg.MaterializeResult(asset_key=name, metadata=table_metadata(con, name))


def rejected_rows(more: Sequence[str] = ()) -> dg.AssetsDefinition:
    """The asset that collects every rejected row.

    Args:
        more: Tables of rejected rows besides the school's.
    """

    @dg.asset(
        name="rejected_rows",
        group_name=GROUP,
        kinds={"duckdb"},
        owners=OWNERS,
        tags=NAMES,
        deps=[*(f"rejected_{table}" for table in STAGED), *more],
    )
    def collect(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
        """Every received row that did not make it to staging: where it stands, why, and the row."""
        with warehouse.connect() as con:
            collect_rejected(con)
            counts = reject_counts(con).group_by("table", "rule").agg(pl.col("rows").sum())
            return dg.MaterializeResult(
                metadata={
                    **table_metadata(con, "rejected_rows"),
                    **{
                        f"{table}: {rule}": rows
                        for table, rule, rows in counts.sort("table", "rule").iter_rows()
                    },
                }
            )

    return collect


@dg.asset(
    group_name=GROUP,
    kinds={"duckdb"},
    owners=OWNERS,
    tags=NOBODY,
    deps=[f"raw_{table}" for table in SCHOOL_TABLES],
)
def landing_changes(
    context: dg.AssetExecutionContext,
    landing_files: pl.DataFrame,
    gate_releases: pl.DataFrame,
    mailed_before: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> pl.DataFrame:
    """Rows added, changed and gone of every export, against what was accepted of it last.

    What is not held, or was released, is accepted: the next refresh compares with it.
    """
    with warehouse.connect() as con:
        changes = compare(con, landing_files, settings, mailed=mailed_before["mailed"].any())
        found = known_since(change_problems(changes), _before(con), _now())
        held = found.join(in_force(found, gate_releases), on="id", how="anti")
        accept(con, changes, landing_files, settings, set(held["table"]))
    context.add_output_metadata(
        {name: int(changes[name].sum()) for name in ("added", "changed", "gone", "held")}
    )
    return changes


def landing_problems(more: Sequence[str] = ()) -> dg.AssetsDefinition:
    """The asset with what a person must look at.

    Args:
        more: Tables of other sources than the school that it looks at.
    """

    @dg.asset(
        name="landing_problems",
        group_name=GROUP,
        kinds={"duckdb"},
        owners=OWNERS,
        tags=NOBODY,
        deps=[
            *(f"raw_{table}" for table in SCHOOL_TABLES),
            *(f"{kind}_{table}" for table in STAGED for kind in ("stg", "rejected")),
            *more,
        ],
    )
    def found(
        landing_files: pl.DataFrame,
        landing_changes: pl.DataFrame,
        settings: dg.ResourceParam[Settings],
        zone: dg.ResourceParam[Zone],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> pl.DataFrame:
        """What a person must look at, what waits for it, and what to do about it."""
        with warehouse.connect() as con:
            problems = problems_of_all(con, zone, landing_files, landing_changes, settings)
            return known_since(problems, _before(con), _now())

    return found


def _now() -> datetime:
    """UTC without zone, as the warehouse has it."""
    return datetime.now(UTC).replace(tzinfo=None)


def _before(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The problems of the refresh before."""
    return read_earlier(con, "landing_problems", LandingProblems.create_empty())


@dg.asset(
    group_name=GROUP,
    kinds={"duckdb"},
    owners=OWNERS,
    tags=NOBODY,
    deps=[f"raw_{table}" for table in SCHOOL_TABLES],
)
def landing_report(
    landing_files: pl.DataFrame,
    landing_problems: pl.DataFrame,
    settings: dg.ResourceParam[Settings],
    zone: dg.ResourceParam[Zone],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult[None]:
    """What each file is taken for and what its cells say, as `edu-pipeline landing inspect` does."""
    placing = place(zone, settings.landing)
    with warehouse.connect() as con:
        exports = describe(con, landing_files, settings, placing)
    seen = Inspection(
        exports=exports,
        unplaced=placing.unread(),
        absent=tuple(table for table in SCHOOL_TABLES if table not in landing_files["table"]),
        lines=(),
        problems=tuple(landing_problems["message"].unique(maintain_order=True)),
    )
    text = markdown(blocks(seen, _now()))
    return dg.MaterializeResult(metadata={"report": dg.MetadataValue.md(text)})


def _problem_check(
    name: str, source: str, kinds: Sequence[str] | None, description: str
) -> dg.AssetChecksDefinition:
    """A check that a source has no problem of these kinds; None: of none that another check is about."""
    others = [kind for _, of, told, _ in PROBLEM_CHECKS if of == source for kind in told or ()]

    @dg.asset_check(asset="landing_problems", name=name, description=description)
    def no_problem(landing_problems: pl.DataFrame) -> dg.AssetCheckResult:
        kind = pl.col("kind")
        found = landing_problems.filter(
            pl.col("source") == source, ~kind.is_in(others) if kinds is None else kind.is_in(kinds)
        )
        messages = found["message"].unique(maintain_order=True).to_list()
        holds = found["holds"].is_not_null().any()
        return dg.AssetCheckResult(
            passed=not messages,
            severity=dg.AssetCheckSeverity.ERROR if holds else dg.AssetCheckSeverity.WARN,
            description="\n".join(messages) or "Nothing to do.",
            metadata={"problems": len(messages)},
        )

    return no_problem


PROBLEM_CHECKS: Sequence[tuple[str, str, Sequence[str] | None, str]] = (
    (
        "files_are_there",
        "school",
        ("unreadable_file", "missing_export", "empty_export"),
        "Every export is there and readable.",
    ),
    (
        "columns_are_found",
        "school",
        ("missing_column", "unknown_column"),
        "Every required column is found.",
    ),
    (
        "codes_are_mapped",
        "school",
        ("unmapped_code", "unmapped_word"),
        "Every code and word is mapped.",
    ),
    (
        "rows_fit",
        "school",
        None,
        "No export fails in more than a few rows, nor lacks nearly all of a week or who was there.",
    ),
    (
        "edx_files_are_read",
        "edx",
        ("unknown_folder", "unknown_file", "unreadable_file", "unreadable_opt_ins"),
        "Every file below micromasters/ is an export or an opt-in list of a programme, and readable.",
    ),
    (
        "every_export_has_a_course",
        "edx",
        ("unclaimed_export",),
        "Every export is of a course that pipeline.toml has.",
    ),
    (
        "every_listed_run_has_exports",
        "edx",
        ("no_exports", "run_without_export"),
        "Every listed run that has begun is in some export.",
    ),
    (
        "edx_tracks_are_known",
        "edx",
        ("unknown_track",),
        "Every track of a result is known to be paid or free.",
    ),
    ("edx_rows_fit", "edx", None, "No edX export fails in more than a few rows."),
    (
        "grades_are_known",
        "results",
        ("unknown_grade", "unknown_series"),
        "Every grade and every exam series is known.",
    ),
    (
        "results_stand_once",
        "results",
        ("duplicate_result",),
        "No student has two different results in one subject and series.",
    ),
    (
        "students_have_ids",
        "results",
        ("id_is_name", "ambiguous_name"),
        "Every student has an id, so that two of one name are two.",
    ),
    (
        "baselines_are_matched",
        "results",
        ("unmatched_baseline", "unknown_subject", "overall_baseline"),
        "Every baseline is of a student and a subject of the results.",
    ),
    (
        "results_are_read",
        "results",
        None,
        "Every file below attainment/ is understood, and every row of it.",
    ),
)
"""Name, source, kinds of problems (None: all that no other check is about), what is true."""


@dg.asset_check(asset="landing_changes", description="No export shrank or changed by much.")
def little_changed(landing_changes: pl.DataFrame) -> dg.AssetCheckResult:
    """An export that lost or changed more than a tenth of its rows may be cut short."""
    messages = change_problems(landing_changes)["message"].to_list()
    return dg.AssetCheckResult(
        passed=not messages,
        severity=dg.AssetCheckSeverity.ERROR,
        description="\n".join(messages) or "Nothing to do.",
        metadata={"series held": len(messages)},
    )


CHECKS: Sequence[dg.AssetChecksDefinition] = [
    *(_problem_check(*each) for each in PROBLEM_CHECKS),
    little_changed,
]
"""They fail without stopping the run: what waits for a problem waits, the tables stay up to date."""

ASSETS: Sequence[dg.AssetsDefinition] = [
    landing_files,
    *RAW_ASSETS,
    stage_students_export,
    stage_staff_export,
    stage_classes_export,
    stage_enrollments_export,
    stage_calendar_export,
    stage_attendance_export,
    stage_homework_export,
    landing_changes,
    landing_report,
]
