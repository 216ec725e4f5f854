"""A tiny programme's exports on disk, taken through the edX landing without Dagster."""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from types import MappingProxyType

import duckdb
import polars as pl
import pytest

from edu_pipeline.ground.warehouse import read_table, transaction, write_table
from edu_pipeline.landing.sources.edx.edx_evidence import counted
from edu_pipeline.landing.sources.edx.edx_problems import find_programme_problems
from edu_pipeline.landing.sources.edx.edx_reading import unknown_headers
from edu_pipeline.landing.sources.edx.exports import land, programme_files
from edu_pipeline.landing.sources.edx.lists import land_lists
from edu_pipeline.landing.sources.edx.stage import stage_all
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.home import Settings

PROGRAMME = """
[[programmes]]
id = "buslead"
title = "Business Leadership"
capstone = "buslead5x"

[[programmes.courses]]
id = "buslead1x"
title = "UQx_BUSLEAD1x"
pass_mark = 0.65

[[programmes.courses]]
id = "buslead5x"
title = "Capstone"
key = "course-v1:UQx+BUSLEAD5x"
pass_mark = 0.65

[[programmes.runs]]
course = "buslead5x"
run = "1T2099"
starts = 2099-02-01
"""
TODAY = date(2026, 10, 1)
NOBODY = pl.DataFrame(schema={"hash": pl.String, "salt": pl.String})
Files = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Landed:
    """What became of the files."""

    con: duckdb.DuckDBPyConnection
    exports: pl.DataFrame
    problems: pl.DataFrame

    def table(self, name: str) -> pl.DataFrame:
        return read_table(self.con, name)

    @property
    def results(self) -> pl.DataFrame:
        return self.table("stg_run_results").sort("programme_id", "run", "learner_id")

    @property
    def learners(self) -> pl.DataFrame:
        return self.table("stg_learners").sort("learner_id")

    def grades(self) -> dict[str, float | None]:
        """Learner → grade, where each is in one run."""
        return dict(self.results.select("learner_id", "grade").iter_rows())

    def rejected(self) -> list[tuple[str, int, str, str | None]]:
        """Table, line, rule and value."""
        parts = [
            self.table(f"rejected_{table}").select("table", "line", "rule", "value")
            for table in (
                "profiles",
                "grade_reports",
                "grade_errors",
                "opt_ins",
                "programme_certificates",
                "course_certificates",
                "course_enrolments",
            )
        ]
        return pl.concat(parts).sort("table", "line", "rule").rows()


Land = Callable[..., Landed]


@pytest.fixture
def land_files(tmp_path: Path, another: Callable[[], duckdb.DuckDBPyConnection]) -> Land:
    """Puts files below `micromasters/buslead/` (or where their path says) and stages them.

    `again` is what landed before in the same warehouse, `released` the problems that somebody let go.
    """
    numbers = count()

    def landed(
        files: Files,
        settings: str = PROGRAMME,
        forgotten: pl.DataFrame = NOBODY,
        *,
        again: Landed | None = None,
        released: Collection[str] = (),
        columns: Mapping[str, str] = MappingProxyType({}),
    ) -> Landed:
        folder = tmp_path / str(next(numbers))
        for name, content in files.items():
            path = name if name.startswith("micromasters/") else f"micromasters/buslead/{name}"
            target = folder / "landing" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        zone = Zone((folder / "landing").as_uri())
        programmes = Settings.model_validate(tomllib.loads(settings)).programmes
        con = again.con if again else another()
        with transaction(con):  # as the steps are made
            exports = land(con, zone, programmes, forgotten, released, columns)
            lists = land_lists(con, zone, programmes, forgotten)
            write_table(con, "edx_exports", exports)
            write_table(con, "edx_lists", lists)
        with transaction(con):
            stage_all(con, exports, lists, programmes)
        _, strays = programme_files(zone.list(), programmes)
        evidence = counted(con, exports)
        headers = unknown_headers(zone, evidence["bare"]["file"], columns)
        problems = find_programme_problems(
            programmes, strays, exports, lists, evidence, headers, TODAY
        )
        return Landed(con, exports, problems)

    return landed
