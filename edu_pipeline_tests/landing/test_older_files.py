"""The newest file of an export held against the one before that still lies there."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.sources.school.older_files import classes_lost
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.landing import Landing
from edu_pipeline_tests.landing.conftest import Land

Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
Lost = Callable[..., list[str]]
"""Enrollments by the name of their file → what is asked about them."""
OLDER, NEWER = "enrollments_2026-09-11.csv", "enrollments_2026-09-18.csv"
ADA, BEN = ("HR-7A,007", "HR-7B,008"), ("HR-7B,009", "HR-7B,010")
ALL = (*ADA, *BEN)


@pytest.fixture
def lost(roster: Callable[..., duckdb.DuckDBPyConnection], tmp_path: Path) -> Lost:
    def lost(
        newer: tuple[str, ...], older: tuple[str, ...] = ALL, *, end: str = "", name: str = OLDER
    ) -> list[str]:
        def text(rows: tuple[str, ...], end: str = "") -> str:
            lines = "".join(f"{row},student,2026-09-01,{end}\n" for row in rows)
            return f"class_id,person_id,role,begin_date,end_date\n{lines}HR-7B,T1,teacher,2026-09-01,\n"

        people = "".join(f"{n:03},7\n" for n in range(7, 11))
        files = {
            "enrollments.csv": None,
            "classes.csv": "class_id,class_name,class_type\nHR-7A,7A,homeroom\nHR-7B,7B,homeroom\n",
            "students.csv": f"student_id,grade\n{people}",
            name: text(older, end),
            NEWER: text(newer),
        }
        con = roster(files)
        zone, landing = Zone((tmp_path / "landing").as_uri()), Landing()
        found = classes_lost(con, zone, survey(zone, landing), landing.enrollments)
        return [problem.message for problem in found]

    return lost


def test_a_class_that_the_newest_roster_has_lost_is_asked_about(lost: Lost) -> None:
    (message,) = lost(("HR-7A,007",))
    assert message.startswith(
        "school/enrollments_2026-09-18.csv has no student of class HR-7B, and most of those that "
        "school/enrollments_2026-09-11.csv has are in no other class: they count nowhere. If the file "
        "was cut short, export enrollments again. If they have left: edu-pipeline gate release"
    )


def test_students_who_moved_or_left_are_no_class_lost(lost: Lost) -> None:
    moved = ("HR-7A,007", "HR-7A,008", "HR-7A,009", "HR-7A,010")
    assert lost(moved) == []
    assert lost(("HR-7A,007", "HR-7B,008")) == []  # one is left
    assert lost(("HR-7A,007",), (*ADA, "HR-7B,009")) == []  # two are no class
    assert lost(("HR-7A,007",), end="2026-09-16") == []  # it ended


def test_the_roster_of_another_school_year_is_none_to_compare_with(lost: Lost) -> None:
    assert lost(("HR-7A,007",), name="enrollments_2026-06-11.csv") == []


def test_a_file_with_later_days_that_is_replaced_by_one_without_a_date_is_asked_about(
    land: Land, messages: Messages
) -> None:
    first, second = "student_id,date,code\n007,2026-09-07,present\n", "007,2026-09-08,absent\n"
    (message,) = (
        text
        for text in messages(
            land({"attendance.csv": first, "attendance_2026-09-08.csv": first + second})
        )
        if "changed last" in text
    )
    assert message.startswith(
        "school/attendance.csv counts because it was changed last, though "
        "school/attendance_2026-09-08.csv, which it replaces, goes on to 8\u00a0September and it ends on "
        "7\u00a0September"
    )
    found = messages(land({"attendance.csv": first + second, "attendance_2026-09-08.csv": first}))
    assert not any("changed last" in text for text in found)
