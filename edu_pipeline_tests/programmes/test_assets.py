from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from edu_pipeline.ground.resources import Warehouse
from edu_pipeline.ground.steps import step
from edu_pipeline.ground.warehouse import open_warehouse, read_table, write_table
from edu_pipeline.landing.sources.edx.stage import tracks
from edu_pipeline.mail.ledger.remembered import OPTED_OUT, TOLD_BEFORE
from edu_pipeline.model.catalogue import SCHEMAS
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.programmes import (
    CourseRuns,
    DataPackages,
    EdxExports,
    FormerAddresses,
    Learners,
    OptIns,
    People,
    ProgrammeCertificates,
    ReportHistory,
    ReportVersions,
    RunResults,
    Tracks,
)
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.programmes.assets import COMPUTED, TABLES
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline.settings.programmes import Programme
from edu_pipeline_tests.programmes.conftest import (
    Row,
    at,
    certified,
    frame,
    key,
    programme,
    result,
    run_of,
)

LANDED: dict[str, list[Row]] = {
    "stg_run_results": [certified("1", "a"), result("2", "a", grade=0.9)],
    "stg_learners": [
        {"learner_id": "1", "username": "ana", "email": "ana@example.org", "name": "=Ana"},
        {"learner_id": "2", "username": "bo", "email": "bo@example.org", "name": "Bo"},
    ],
    "stg_tracks": [*tracks([programme()]).iter_rows(named=True)],
    "report_history": [],
    "report_versions": [],
    "stg_people": [],
    "stg_data_packages": [],
    "course_runs": [run_of("a")],
    "edx_exports": [
        {
            "path": "grades.csv",
            "programme_id": "lead",
            "course_id": "a",
            "run": key("a", "1T2025"),
            "kind": "grades",
            "stamp": at(2026, 1, 1),
            "current": True,
        }
    ],
}
STAGING: Mapping[str, pl.Schema] = {
    "stg_run_results": dtypes(RunResults),
    "stg_tracks": dtypes(Tracks),
    "report_history": dtypes(ReportHistory),
    "report_versions": dtypes(ReportVersions),
    "stg_people": dtypes(People),
    "stg_data_packages": dtypes(DataPackages),
    "stg_learners": dtypes(Learners),
    "stg_former_addresses": dtypes(FormerAddresses),
    "stg_opt_ins": dtypes(OptIns),
    "stg_programme_certificates": dtypes(ProgrammeCertificates),
    "course_runs": dtypes(CourseRuns),
    "edx_exports": dtypes(EdxExports),
    "landing_problems": dtypes(LandingProblems),
    "told_before": TOLD_BEFORE,
    "opted_out": OPTED_OUT,
    "gate_releases": pl.Schema({"id": pl.String(), "at": pl.Datetime("us", "UTC")}),
    "ledger_identity": pl.Schema({"salt": pl.String()}),
}
SALT: dict[str, list[Row]] = {"ledger_identity": [{"salt": "5a17"}]}


def refresh(root: Path, landed: dict[str, list[Row]], programmes: Sequence[Programme]) -> Home:
    home = Home(root)
    with open_warehouse(home.warehouse) as con:
        for name, schema in STAGING.items():
            write_table(con, name, frame((SALT | landed).get(name, []), schema))
    warehouse = Warehouse(
        path=str(home.warehouse), lock_path=str(home.lock), exports=str(home.data)
    )
    computed = step("compute_programmes", COMPUTED)
    with dg.DagsterInstance.ephemeral() as instance:
        result_of_run = dg.materialize(
            [computed, *(dg.AssetSpec(name) for name in STAGING)],
            selection=[computed],
            instance=instance,
            resources={
                "warehouse": warehouse,
                "home": home,
                "settings": Settings(programmes=tuple(programmes)),
            },
        )
    assert result_of_run.success
    return home


def test_a_refresh_makes_every_table_as_its_schema_says_and_all_files(tmp_path: Path) -> None:
    home = refresh(tmp_path, LANDED, [programme()])

    with open_warehouse(home.warehouse, read_only=True) as con:
        for name in TABLES:
            SCHEMAS[name].validate(read_table(con, name))
    reports = home.data / "reports"
    assert {path.name for path in (reports / "tables").iterdir()} == {
        f"{name}.{kind}" for name in TABLES for kind in ("csv", "parquet")
    }
    assert {path.name for path in (reports / "programmes").iterdir()} == {
        "lead_completion.csv",
        "lead_completion.xlsx",
        "lead_doubtful.csv",
        "lead_new.csv",
    }
    report = pl.read_csv(reports / "programmes" / "lead_completion.csv")
    assert report.select(
        "student_id", "name", "a_passed", "no_certificate_eligible", "no_audited_passed"
    ).rows() == [(1, "'=Ana", "Y", 1, 0), (2, "Bo", "Y", 0, 1)]


@pytest.mark.parametrize("programmes", [[], [programme()]], ids=["no programme", "no export"])
def test_without_programmes_or_exports_every_table_is_there_and_fits_its_schema(
    tmp_path: Path, programmes: list[Programme]
) -> None:
    home = refresh(tmp_path, {}, programmes)

    with open_warehouse(home.warehouse, read_only=True) as con:
        for name in TABLES:
            SCHEMAS[name].validate(read_table(con, name))


def test_every_table_of_the_job_has_a_schema_and_is_exported() -> None:
    others = {"programme_reports", "nudge_problems", "nudge_periods"}
    made = {table.name for table in COMPUTED} - others

    assert made == set(TABLES)
    assert made <= set(SCHEMAS)
