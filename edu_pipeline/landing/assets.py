"""The landing room as Dagster sees it: files, raw tables, staging, and what is to be said of them."""

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl

from edu_pipeline.ground.one_run import sources_made
from edu_pipeline.ground.resources import table_metadata
from edu_pipeline.ground.steps import Check, Notes, Table, check, table
from edu_pipeline.ground.warehouse import Connection, read_earlier
from edu_pipeline.landing.fates import fates_of_all
from edu_pipeline.landing.files import files_of_all
from edu_pipeline.landing.problems_of_all import accepted_changes, messages_of, problems_of_all
from edu_pipeline.landing.rejected import collect_rejected, rejected_by_rule
from edu_pipeline.landing.report import markdown, to_do, told_of_files
from edu_pipeline.landing.sources.school.canonical import read_export
from edu_pipeline.landing.sources.school.forgotten import keep_out
from edu_pipeline.landing.sources.school.manifest import landing_fingerprint
from edu_pipeline.landing.sources.school.school_problems import change_problems
from edu_pipeline.landing.sources.school.school_staging import STAGED, stage_table
from edu_pipeline.landing.tables.raw import load_raw
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingFiles, LandingReport
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import SCHOOL_TABLES

STALE_AFTER = timedelta(days=8)
_OF_STAGING: Mapping[str, tuple[str, Sequence[str]]] = {
    "terms": ("none", ["raw_terms"]),
    "students": ("names", ["raw_students", "raw_classes"]),
    "staff": ("names", ["raw_staff"]),
    "classes": ("ids", ["raw_classes", "raw_calendar", "raw_enrollments", "stg_students"]),
    "enrollments": (
        "ids",
        [
            "raw_enrollments",
            "raw_students",
            "raw_classes",
            "stg_terms",
            "stg_classes",
            "stg_students",
            "stg_staff",
        ],
    ),
    "student_schools": (
        "ids",
        ["stg_students", "stg_classes", "stg_enrollments"],
    ),
    "school_days": ("none", ["raw_calendar", "raw_attendance", "stg_student_schools"]),
    "days_off": (
        "ids",
        [
            "raw_calendar",
            "raw_students",
            "stg_students",
            "stg_student_schools",
            "stg_classes",
            "stg_enrollments",
            "stg_school_days",
        ],
    ),
    "attendance": (
        "ids",
        [
            "raw_attendance",
            "raw_calendar",
            "raw_students",
            "stg_students",
            "stg_student_schools",
            "stg_classes",
            "stg_enrollments",
            "stg_school_days",
            "stg_days_off",
        ],
    ),
    "homework": (
        "ids",
        [
            "raw_homework",
            "raw_students",
            "stg_students",
            "stg_student_schools",
            "stg_classes",
            "stg_school_days",
            "stg_days_off",
        ],
    ),
}
"""Staging table → whom it tells of, what it is made from."""

_table = functools.partial(table, "landing")
_of_school = functools.partial(_table, source="school")


@_table(kinds={"python"}, pii="none")
def landing_files(
    context: dg.AssetExecutionContext, con: Connection, settings: Settings, zone: Zone
) -> tuple[pl.DataFrame, Notes]:
    """The files of the landing zone: whose each is, what it is taken for, its version, its columns.

    Everything later in the run reads exactly these files; one that changes meanwhile stops the run.
    """
    before = read_earlier(con, "landing_files", LandingFiles.create_empty())
    made = sources_made(context)
    files = files_of_all(
        zone,
        settings,
        context.run.run_id,
        school=before.filter(source="school") if made and "school" not in made else None,
    )
    now = datetime.now(UTC).replace(tzinfo=None)
    files = files.with_columns(pl.col("listed_at").fill_null(now))
    return files, {
        "fingerprint": landing_fingerprint(files),
        "files": files.height,
        "taken for nothing": files["source"].null_count(),
        "replaced by a newer snapshot": files.filter(~pl.col("current")).height,
    }


def _raw(of: str) -> Table:
    @_of_school(
        name=f"raw_{of}",
        description=f"Every row of the {of} exports as received, with its file and line.",
        kinds={"csv", "duckdb"},
        pii="names" if of in ("students", "staff", "classes") else "ids",
        freshness=dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER),
    )
    def raw(
        con: Connection,
        landing_files: pl.DataFrame,
        forgotten: pl.DataFrame,
        settings: Settings,
        zone: Zone,
    ) -> None:
        export = settings.landing.export(of)
        load_raw(
            con,
            zone,
            of,
            landing_files,
            keep_out(con, of, landing_files, export, forgotten),
        )
        read_export(con, of, landing_files, export)

    return raw


def _staged(of: str) -> Table:
    pii, needs = _OF_STAGING[of]

    @_of_school(name=f"stg_{of}", kinds={"duckdb"}, pii=pii, deps=needs)
    def staged(con: Connection, landing_files: pl.DataFrame, settings: Settings) -> None:
        stage_table(con, of, landing_files, settings)

    return staged


def judged(others: Sequence[str]) -> Sequence[Table]:
    """The tables that say what is to be said of all sources.

    Args:
        others: Tables of other sources than the school that they look at.
    """
    of_school = [*(f"raw_{of}" for of in SCHOOL_TABLES), *(f"stg_{of}" for of in STAGED)]

    @_table(
        kinds={"duckdb"},
        pii="names",
        deps=[*of_school, *others],
    )
    def rejected_rows(con: Connection) -> Notes:
        collect_rejected(con)
        return {**table_metadata(con, "rejected_rows"), **rejected_by_rule(con)}

    @_table(
        kinds={"duckdb"},
        pii="none",
        deps=[*of_school, *others],
    )
    def landing_fates(
        con: Connection, landing_files: pl.DataFrame, settings: Settings
    ) -> pl.DataFrame:
        return fates_of_all(con, landing_files, settings)

    @_of_school(kinds={"duckdb"}, pii="none", deps=of_school)
    def landing_changes(
        con: Connection,
        landing_files: pl.DataFrame,
        gate_releases: pl.DataFrame,
        mailed_before: pl.DataFrame,
        settings: Settings,
    ) -> tuple[pl.DataFrame, Notes]:
        changes = accepted_changes(
            con,
            landing_files,
            settings,
            mailed=mailed_before["mailed"].any(),
            releases=gate_releases,
        )
        return changes, {
            name: int(changes[name].sum()) for name in ("added", "changed", "gone", "held")
        }

    @_table(
        kinds={"duckdb"},
        pii="none",
        deps=["rejected_rows", "landing_files", "landing_changes", *of_school, *others],
    )
    def landing_problems(
        con: Connection, gate_releases: pl.DataFrame, settings: Settings, zone: Zone
    ) -> pl.DataFrame:
        return problems_of_all(con, zone, settings, gate_releases)

    @_of_school(kinds={"python"}, pii="none", deps=of_school)
    def landing_report(
        con: Connection,
        landing_files: pl.DataFrame,
        landing_problems: pl.DataFrame,
        settings: Settings,
        zone: Zone,
    ) -> tuple[pl.DataFrame, Notes]:
        """What each file is taken for and what its cells say, as `edu-pipeline landing inspect` does."""
        told = told_of_files(con, zone, landing_files, landing_problems, settings)
        rows = [(each.title, row.label, row.text, row.wrong) for each in told for row in each.rows]
        frame = pl.DataFrame(rows, schema=dtypes(LandingReport), orient="row")
        messages = landing_problems["message"].unique(maintain_order=True)
        return frame, {"report": dg.MetadataValue.md(markdown([*told, *to_do(messages)]))}

    return [rejected_rows, landing_fates, landing_changes, landing_problems, landing_report]


def _problem_check(name: str, source: str, kinds: Sequence[str] | None, description: str) -> Check:
    """A check that a source has no problem of these kinds; None: of none that another check is about."""
    others = [kind for _, of, told, _ in PROBLEM_CHECKS if of == source for kind in told or ()]

    @check("landing_problems", description, name=name)
    def no_problem(landing_problems: pl.DataFrame) -> dg.AssetCheckResult:
        messages, holds = messages_of(landing_problems, source, kinds, others)
        return _result(messages, holds=holds)

    return no_problem


def _result(messages: Sequence[str], *, holds: bool) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not messages,
        severity=dg.AssetCheckSeverity.ERROR if holds else dg.AssetCheckSeverity.WARN,
        description="\n".join(messages) or "Nothing to do.",
        metadata={"problems": len(messages)},
    )


PROBLEM_CHECKS: Sequence[tuple[str, str, Sequence[str] | None, str]] = (
    (
        "files_are_there",
        "school",
        (
            "unreadable_file",
            "missing_export",
            "empty_export",
            "likely_export",
            "unknown_file",
            "changes_alone",
        ),
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
        ("unknown_folder", "unknown_file", "unreadable_file", "unreadable_list"),
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
        (
            *("no_exports", "run_without_export", "course_without_export"),
            *("no_grade_report", "outdated_grade_report"),
        ),
        "Every course that is needed, and every run that has begun, has a grade report of its end.",
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
        ("unknown_grade", "unknown_series", "which_series", "which_scale"),
        "Every exam series is known, which is the final, and every grade and its scale.",
    ),
    (
        "results_stand_once",
        "results",
        ("duplicate_result", "too_much_unsure"),
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
        ("unmatched_baseline", "unknown_subject", "overall_baseline", "which_baseline"),
        "One baseline counts, and all of it is of a student and a subject of the results.",
    ),
    (
        "results_are_read",
        "results",
        None,
        "Every file below attainment/ is understood, and every row of it.",
    ),
)
"""Name, source, kinds of problems (None: all that no other check is about), what is true."""


@check("landing_changes", "No export shrank or changed by much.")
def little_changed(landing_changes: pl.DataFrame) -> dg.AssetCheckResult:
    """An export that lost or changed more than a tenth of its rows may be cut short."""
    return _result([problem.message for problem in change_problems(landing_changes)], holds=True)


CHECKS: Sequence[Check] = [*(_problem_check(*each) for each in PROBLEM_CHECKS), little_changed]
"""They fail without stopping the run: what waits for a problem waits, the tables stay up to date."""
LANDED: Sequence[Table] = [_raw(of) for of in SCHOOL_TABLES]
STAGING: Sequence[Table] = [_staged(of) for of in STAGED]
