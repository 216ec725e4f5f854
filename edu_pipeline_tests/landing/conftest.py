"""A tiny school's exports on disk, taken through the landing room without Dagster."""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl
import pytest

from edu_pipeline.ground.warehouse import read_table, write_table
from edu_pipeline.landing.rejected import collect_rejected
from edu_pipeline.landing.sources.school.canonical import CODES, read_export
from edu_pipeline.landing.sources.school.finding import find_problems
from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.sources.school.school_fates import school_fates
from edu_pipeline.landing.sources.school.school_staging import STAGED, stage_table
from edu_pipeline.landing.sources.school.stage_roster import stage_staff, stage_students
from edu_pipeline.landing.tables.raw import load_raw
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.quality import LandingChanges
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import SCHOOL_TABLES

Files = Mapping[str, str | bytes | None]
Land = Callable[..., duckdb.DuckDBPyConnection]
Another = Callable[[], duckdb.DuckDBPyConnection]

SCHOOL = {
    "students.csv": (
        "student_id,given_name,family_name,grade\n007,Ada,Moss,7\n008,Benedict,Oakley,7\n"
    ),
    "staff.csv": "staff_id,given_name,family_name,email\nT1,Carla,Reed,carla.reed@riverside.example\n",
    "classes.csv": "class_id,class_name,class_type,grade\nHR-7A,7A,homeroom,7\nMAT,Maths,scheduled,7\n",
    "enrollments.csv": (
        "class_id,person_id,role,begin_date,end_date\n"
        "HR-7A,007,student,2026-09-01,\n"
        "HR-7A,008,student,2026-09-01,\n"
        "HR-7A,T1,teacher,2026-09-01,\n"
    ),
    "calendar.csv": (
        "date,in_session\n2026-09-07,Y\n2026-09-08,Y\n2026-09-09,Y\n2026-09-10,Y\n2026-09-11,Y\n"
        "2026-09-12,N\n"
    ),
    "attendance.csv": "student_id,date,code\n007,2026-09-07,present\n008,2026-09-07,absent\n",
}
NAMES = ("Ada", "Moss", "Benedict", "Oakley", "Carla", "Reed")
ROSTERS = """
create table stg_students as select unnest(['007', '008']) as student_id, '1' as school_id, '7' as grade;
create table stg_student_schools as
  select *, date '0001-01-01' as begin_date, date '9999-12-31' as end_date from stg_students;
create table stg_classes as from (
  values ('HR-7A', '7A', 'homeroom', '1'), ('MAT', 'Maths', 'scheduled', '1')
) as classes (class_id, class_name, class_type, school_id);
create table stg_enrollments as
  select 'HR-7A' as class_id, student_id as person_id, 'student' as role,
         date '2026-09-01' as begin_date, date '9999-12-31' as end_date from stg_students;
create table stg_school_days as
  select date '2026-09-07' + day::int as date, '1' as school_id, day < 5 as in_session,
         date '2026-09-07' as year_start from range(6) as days (day);
create table stg_days_off (student_id varchar, date date);
"""
"""The rosters of this school and its calendar, as they are staged."""


def rosters_of(students: Iterable[str]) -> str:
    """`ROSTERS` with other students, all of 7A."""
    return ROSTERS.replace("['007', '008']", str([*students]))


class Facts(NamedTuple):
    """What is asked about, and by what settings it was read."""

    con: duckdb.DuckDBPyConnection
    files: pl.DataFrame
    settings: Settings


def _put(school: Path, files: Files) -> None:
    for name, content in files.items():
        path = school / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def _stage(con: duckdb.DuckDBPyConnection, zone: Zone, settings: Settings) -> None:
    files = survey(zone, settings.landing)
    write_table(con, "landing_files", files)
    for table in SCHOOL_TABLES:
        load_raw(con, zone, table, files)
        read_export(con, table, files, settings.landing.export(table))
    for table in STAGED:
        stage_table(con, table, files, settings)
    collect_rejected(con)


@pytest.fixture
def stage(tmp_path: Path, another: Another) -> Land:
    """Lands files (name below `school/` → content) and `pipeline.toml`, gives a warehouse in memory.

    It has the staging tables and what they reject, for tests that look at nothing else. The files
    come on top of a tiny school's; `None` takes one away. Called again, it reads what lies there
    by then.
    """
    school = tmp_path / "landing" / "school"

    def run(files: Files | None = None, toml: str = "") -> duckdb.DuckDBPyConnection:
        _put(school, {**({} if school.exists() else SCHOOL), **(files or {})})
        con = another()
        settings = Settings.model_validate(tomllib.loads(toml))
        _stage(con, Zone((tmp_path / "landing").as_uri(), settings.landing), settings)
        return con

    return run


def look_for_problems(con: duckdb.DuckDBPyConnection, folder: Path, toml: str) -> None:
    """Find the problems of a school that `stage` has staged; none of them may ever show a name."""
    settings = Settings.model_validate(tomllib.loads(toml))
    zone, listed = Zone((folder / "landing").as_uri()), read_table(con, "landing_files")
    problems = find_problems(con, zone, listed, LandingChanges.create_empty(), settings)
    write_table(con, "landing_problems", problems)
    told = " ".join(problems["message"])
    assert not [name for name in NAMES if name in told]


@pytest.fixture
def land(stage: Land, tmp_path: Path) -> Land:
    """As `stage`, and finds the problems."""

    def run(files: Files | None = None, toml: str = "") -> duckdb.DuckDBPyConnection:
        con = stage(files, toml)
        look_for_problems(con, tmp_path, toml)
        return con

    return run


@pytest.fixture
def read_exports(tmp_path: Path, another: Another) -> Callable[..., Facts]:
    """Reads exports into a warehouse in memory: `among` those that lie there, and `also` some that may not."""

    def run(
        files: Files,
        toml: str = "",
        also: Collection[str] = (),
        among: Collection[str] = SCHOOL_TABLES,
    ) -> Facts:
        _put(tmp_path / "landing" / "school", files)
        con = another()
        settings = Settings.model_validate(tomllib.loads(toml))
        zone = Zone((tmp_path / "landing").as_uri(), settings.landing)
        listed = survey(zone, settings.landing)
        for table in sorted({*also, *listed["table"]} & {*also, *among}):
            load_raw(con, zone, table, listed)
            read_export(con, table, listed, settings.landing.export(table))
        return Facts(con, listed, settings)

    return run


@pytest.fixture
def facts(read_exports: Callable[..., Facts]) -> Callable[..., Facts]:
    """Stages exports of attendance and homework, and nothing else, in a school with `ROSTERS`.

    A third of what `stage` takes. A calendar is read, for what is asked about its file.
    """

    def run(files: Files, toml: str = "", rosters: str = ROSTERS) -> Facts:
        exports = "attendance", "calendar", "homework"
        found = read_exports(files, toml, also=exports, among=("students", "enrollments"))
        found.con.execute(rosters)
        for table in ("attendance", "homework"):
            stage_table(found.con, table, found.files, found.settings)
        return found

    return run


@pytest.fixture
def roster(read_exports: Callable[..., Facts]) -> Land:
    """As `stage`, without attendance and homework and in half the time."""

    def run(files: Files | None = None, toml: str = "") -> duckdb.DuckDBPyConnection:
        exports = {name: text for name, text in SCHOOL.items() if name != "attendance.csv"}
        tables = [table for table in SCHOOL_TABLES if table not in CODES]
        con, listed, settings = read_exports({**exports, **(files or {})}, toml, also=tables)
        for table in STAGED:
            if table not in CODES:
                stage_table(con, table, listed, settings)
        write_table(con, "landing_files", listed)
        collect_rejected(con)
        return con

    return run


@pytest.fixture
def people(read_exports: Callable[..., Facts]) -> Callable[..., duckdb.DuckDBPyConnection]:
    """Stages exports of students and staff, and nothing else."""

    def run(files: Files, toml: str = "") -> duckdb.DuckDBPyConnection:
        con, listed, settings = read_exports(files, toml)
        for table, stage_people in (("students", stage_students), ("staff", stage_staff)):
            if table in listed["table"]:
                export = settings.landing.export(table)
                good, rejected = stage_people(read_table(con, f"read_{table}"), export)
                write_table(con, f"stg_{table}", good)
                write_table(con, f"rejected_{table}", rejected)
        return con

    return run


@pytest.fixture
def fates() -> Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]:
    """What became of the rows of staged snapshots."""

    def counted(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        return school_fates(con, read_table(con, "landing_files"), Settings())

    return counted


def _messages(con: duckdb.DuckDBPyConnection) -> list[str]:
    found = con.execute("select distinct message from landing_problems order by 1").fetchall()
    return [row[0] for row in found]


@pytest.fixture
def messages() -> Callable[[duckdb.DuckDBPyConnection], list[str]]:
    """What a person is told about the exports."""
    return _messages


def lines_told(message: str) -> str:
    """The lines that a message tells people to add to `pipeline.toml`."""
    found = re.search(r"Add to (\[[^\]]+\]): (.*)$", message)
    assert found, message
    return f"{found[1]}\n{found[2]}\n"


@pytest.fixture
def paste() -> Callable[[duckdb.DuckDBPyConnection], str]:
    """The lines that the only problem tells people to add to `pipeline.toml`."""

    def pasted(con: duckdb.DuckDBPyConnection) -> str:
        (message,) = _messages(con)
        return lines_told(message)

    return pasted
