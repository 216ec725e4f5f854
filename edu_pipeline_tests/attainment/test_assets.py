from pathlib import Path

import dagster as dg
import polars as pl

from edu_pipeline.attainment.assets import ASSETS, GATE, LANDED, TABLES
from edu_pipeline.attainment.cohort_settings import NO_SERIES
from edu_pipeline.attainment.shareable import SHARED
from edu_pipeline.ground.resources import Warehouse
from edu_pipeline.ground.warehouse import open_warehouse, read_table, write_table
from edu_pipeline.model.catalogue import SCHEMAS
from edu_pipeline.model.problems import problems_frame
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline_tests.attainment.conftest import (
    Entry,
    grouped,
    landed,
    stated,
    students_of,
)

ENTRIES: list[Entry] = [
    (f"secret{n}", subject, [4, 4, 5, 4.5]) for n in range(12) for subject in ("=Maths", "Art")
]
RELEASES = pl.DataFrame(schema={"id": pl.String, "at": pl.Datetime("us", "UTC")})


def refresh(home: Home, entries: list[Entry]) -> dg.ExecuteInProcessResult:
    results = landed(entries)
    genders = grouped("Gender", {student: "F" for student, *_ in entries[::2]})
    differences = stated({(student, subject): 1.0 for student, subject, _ in entries[:3]})
    frames = (results, students_of(results), genders, differences, NO_SERIES)
    with open_warehouse(home.warehouse) as con:
        for name, frame in zip(LANDED, frames, strict=True):
            write_table(con, name, frame)
        for name, nothing in zip(GATE, (problems_frame([]), RELEASES), strict=True):
            write_table(con, name, nothing)
    warehouse = Warehouse(
        path=str(home.warehouse), lock_path=str(home.lock), exports=str(home.data)
    )
    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.materialize(
            [*ASSETS, *(dg.AssetSpec(name) for name in (*LANDED, *GATE))],
            selection=[*ASSETS],
            instance=instance,
            resources={
                "warehouse": warehouse,
                "home": home,
                "settings": Settings(),
            },
        )
    assert run.success
    return run


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_cohort_has_every_table_and_file_and_one_that_is_gone_leaves_none(tmp_path: Path) -> None:
    home = Home(tmp_path)
    run = refresh(home, ENTRIES)

    with open_warehouse(home.warehouse, read_only=True) as con:
        for name in TABLES:
            SCHEMAS[name].validate(read_table(con, name))
    reports = home.data / "reports" / "attainment"
    names = {*TABLES, *(f"shareable/shareable_{name}" for name in SHARED)}
    assert files(reports) == {f"{name}.{kind}" for name in names for kind in ("csv", "parquet")}
    # what a spreadsheet would take for a formula is inert
    assert set(pl.read_csv(reports / "attainment_outcomes.csv")["subject"]) == {"'=Maths", "Art"}
    for path in (reports / "shareable").glob("*.csv"):
        assert "secret" not in path.read_text(encoding="utf-8")
    checks = {
        each.check_name: (each.passed, each.description)
        for each in run.get_asset_check_evaluations()
    }
    assert {name: passed for name, (passed, _) in checks.items()} == {
        "stated_differences_agree": False,
        "baselines_are_whole_grades": False,
        "shareable_edition_tells_of_nobody": True,
    }
    assert not any("secret" in (description or "") for _, description in checks.values())

    refresh(home, [])
    assert not files(reports)
    with open_warehouse(home.warehouse, read_only=True) as con:
        assert all(read_table(con, name).is_empty() for name in TABLES)


def test_every_table_of_the_job_has_a_schema() -> None:
    made = {key.path[-1] for asset in ASSETS for key in asset.keys}

    assert set(TABLES) <= made & set(SCHEMAS)
