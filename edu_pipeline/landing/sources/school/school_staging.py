"""The school's staging tables, one after the other, from the raw ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import read_table, write_table
from edu_pipeline.landing.sources.school.canonical import as_found, ids_left_out
from edu_pipeline.landing.sources.school.days_off import stage_days_off
from edu_pipeline.landing.sources.school.stage_facts import (
    attendance_dates,
    stage_attendance,
    stage_homework,
)
from edu_pipeline.landing.sources.school.stage_roster import (
    Staged,
    co_teachers_of,
    day_lengths,
    members_of,
    school_days,
    school_days_seen,
    stage_calendar,
    stage_classes,
    stage_enrollments,
    stage_staff,
    stage_students,
    stage_terms,
    stays_of,
    terms_of,
    tracks_of,
)
from edu_pipeline.model.roster import student_schools
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import SCHOOL_TABLES


@dataclass(frozen=True)
class _Room:
    """What a staging table is made from."""

    con: duckdb.DuckDBPyConnection
    files: pl.DataFrame
    settings: Settings

    def rows(self, table: str) -> pl.DataFrame:
        """An export's rows, with our columns."""
        return read_table(self.con, f"read_{table}")

    def staged(self, table: str) -> pl.DataFrame:
        """A staging table that was made before."""
        return read_table(self.con, f"stg_{table}")

    def calendar(self) -> Staged:
        """The calendar, before it is told whose days are whose."""
        return stage_calendar(
            self.rows("calendar"), schools_of(self.con), self.settings.landing.calendar
        )

    def keep(self, table: str, staged: Staged) -> None:
        """Put a staging table, and what was rejected of it, into the warehouse."""
        write_table(self.con, f"stg_{table}", staged.good)
        write_table(self.con, f"rejected_{table}", staged.rejected)


def stage_table(
    con: duckdb.DuckDBPyConnection, table: str, files: pl.DataFrame, settings: Settings
) -> None:
    """Make `stg_<table>` and, of an export, `rejected_<table>`.

    Args:
        con: The warehouse, with `read_…`, and with the staging tables before this one in `STAGED`.
        table: One of `STAGED`.
        files: `LandingFiles`.
        settings: How the exports are read, and what their codes mean.
    """
    STAGED[table](_Room(con, files, as_found(settings, files)))


def schools_of(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Ids of the schools that students are of, or are in classes of."""
    found = con.execute(
        "select school_id from stg_students union select school_id from stg_student_schools order by 1"
    ).fetchall()
    return [school for (school,) in found]


def _students(room: _Room) -> None:
    homerooms = room.rows("classes")["class_id"].drop_nulls().to_list()
    export = room.settings.landing.students
    room.keep("students", stage_students(room.rows("students"), export, homerooms))


def _staff(room: _Room) -> None:
    room.keep("staff", stage_staff(room.rows("staff"), room.settings.landing.staff))


def _classes(room: _Room) -> None:
    export = room.settings.landing.classes
    staged = stage_classes(
        room.rows("classes"),
        room.staged("students"),
        export,
        room.rows("calendar")["school_id"],
        members_of(room.rows("enrollments"), room.settings.landing.enrollments),
    )
    room.keep("classes", staged)


def _terms(room: _Room) -> None:
    room.keep("terms", stage_terms(room.rows("terms"), room.settings.landing.terms))


def _enrollments(room: _Room) -> None:
    landing = room.settings.landing
    left_out = {
        table: room.con.sql(ids_left_out(table, column, room.files, landing.export(table))).pl()[
            column
        ]
        for table, column in (("classes", "class_id"), ("students", "student_id"))
    }
    staged = stage_enrollments(
        room.rows("enrollments"),
        room.staged("classes"),
        room.staged("students"),
        room.staged("staff"),
        landing.enrollments,
        stays=stays_of(room.rows("students"), landing.students, landing.enrollments),
        terms=terms_of(room.rows("classes"), landing.classes, room.staged("terms")),
        co_teachers=co_teachers_of(room.rows("classes")),
        left_out=left_out,
    )
    room.keep("enrollments", staged)


def _student_schools(room: _Room) -> None:
    frames = [room.staged(table) for table in ("students", "classes", "enrollments")]
    write_table(room.con, "stg_student_schools", student_schools(*frames))


def _school_days(room: _Room) -> None:
    """The calendar; without one, the dates on which attendance was taken."""
    landing = room.settings.landing
    school = room.settings.school
    staged = room.calendar()
    if "calendar" in room.files["table"]:
        days = school_days(staged.good, school)
    else:
        days = school_days_seen(attendance_dates(room.con, landing.attendance), school)
    room.keep("school_days", Staged(days, staged.rejected))


def _days_off(room: _Room) -> None:
    stage_days_off(room.con, room.calendar().good, tracks_of(room.rows("students")))


def _attendance(room: _Room) -> None:
    landing = room.settings.landing
    lengths = None
    if landing.attendance.shape == "exceptions":
        lengths = day_lengths(room.rows("calendar"), schools_of(room.con), landing.calendar)
    stage_attendance(room.con, room.settings, room.files, lengths)


def _homework(room: _Room) -> None:
    stage_homework(room.con, room.settings, room.files)


STAGED: Mapping[str, Callable[[_Room], None]] = MappingProxyType(
    {
        "students": _students,
        "staff": _staff,
        "classes": _classes,
        "terms": _terms,
        "enrollments": _enrollments,
        "student_schools": _student_schools,
        "school_days": _school_days,
        "days_off": _days_off,
        "attendance": _attendance,
        "homework": _homework,
    }
)
"""Staging table → what makes it, each after those that it rests on."""
STAGED_AS: Mapping[str, str] = MappingProxyType(
    {table: "school_days" if table == "calendar" else table for table in SCHOOL_TABLES}
)
"""Export → its staging table."""
