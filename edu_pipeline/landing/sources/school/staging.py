"""The school's staging tables, one after the other, from the raw ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import read_table, write_table
from edu_pipeline.landing.sources.school.canonical import canonical_query
from edu_pipeline.landing.sources.school.stage_facts import (
    attendance_dates,
    stage_attendance,
    stage_homework,
)
from edu_pipeline.landing.sources.school.stage_roster import (
    Staged,
    school_days_seen,
    stage_classes,
    stage_enrollments,
    stage_school_days,
    stage_staff,
    stage_students,
)
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import SCHOOL_TABLES


@dataclass(frozen=True)
class _Room:
    """What a staging table is made from."""

    con: duckdb.DuckDBPyConnection
    files: pl.DataFrame
    settings: Settings

    def query(self, table: str) -> str:
        """SQL of an export's rows, with our columns."""
        return canonical_query(table, self.files, self.settings.landing.export(table))

    def rows(self, table: str) -> pl.DataFrame:
        """The same as a frame."""
        frame: pl.DataFrame = self.con.sql(self.query(table)).pl()
        return frame

    def staged(self, table: str) -> pl.DataFrame:
        """A staging table that was made before."""
        return read_table(self.con, f"stg_{table}")

    def keep(self, table: str, staged: Staged) -> None:
        """Put a staging table, and what was rejected of it, into the warehouse."""
        write_table(self.con, f"stg_{table}", staged.good)
        write_table(self.con, f"rejected_{table}", staged.rejected)


def stage_table(
    con: duckdb.DuckDBPyConnection, table: str, files: pl.DataFrame, settings: Settings
) -> None:
    """Make `stg_<table>` and `rejected_<table>`.

    Args:
        con: The warehouse, with `raw_…`, and with the staging tables before this one in `STAGED`.
        table: One of `STAGED`.
        files: `LandingFiles`.
        settings: How the exports are read, and what their codes mean.
    """
    STAGED[table](_Room(con, files, settings))


def _students(room: _Room) -> None:
    room.keep("students", stage_students(room.rows("students"), room.settings.landing.students))


def _staff(room: _Room) -> None:
    room.keep("staff", stage_staff(room.rows("staff"), room.settings.landing.staff))


def _classes(room: _Room) -> None:
    export = room.settings.landing.classes
    room.keep("classes", stage_classes(room.rows("classes"), room.staged("students"), export))


def _enrollments(room: _Room) -> None:
    staged = stage_enrollments(
        room.rows("enrollments"),
        room.staged("classes"),
        room.staged("students"),
        room.staged("staff"),
        room.settings.landing.enrollments,
    )
    room.keep("enrollments", staged)


def _school_days(room: _Room) -> None:
    """The calendar; without one, the dates on which attendance was taken."""
    landing = room.settings.landing
    schools = room.staged("students")["school_id"].unique().sort().to_list()
    staged = stage_school_days(room.rows("calendar"), schools, landing.calendar)
    if "calendar" not in room.files["table"]:
        dates = attendance_dates(room.con, room.query("attendance"), landing.attendance)
        staged = Staged(school_days_seen(dates), staged.rejected)
    room.keep("school_days", staged)


def _attendance(room: _Room) -> None:
    stage_attendance(room.con, room.query("attendance"), room.settings, room.files)


def _homework(room: _Room) -> None:
    stage_homework(room.con, room.query("homework"), room.settings, room.files)


STAGED: Mapping[str, Callable[[_Room], None]] = MappingProxyType(
    {
        "students": _students,
        "staff": _staff,
        "classes": _classes,
        "enrollments": _enrollments,
        "school_days": _school_days,
        "attendance": _attendance,
        "homework": _homework,
    }
)
"""Staging table → what makes it, each after those that it rests on."""
STAGED_AS: Mapping[str, str] = MappingProxyType(
    {table: "school_days" if table == "calendar" else table for table in SCHOOL_TABLES}
)
"""Export → its staging table."""
