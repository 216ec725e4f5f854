"""Files and their versions: what counts, what changed, what must not lie together."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from edu_pipeline.landing import zone
from edu_pipeline.landing.glance import Glance, look
from edu_pipeline.landing.sources.school.manifest import landing_fingerprint, survey
from edu_pipeline.landing.stores import LandingError
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.landing import Landing
from edu_pipeline_tests.landing.conftest import Facts

Stage = Callable[..., Facts]
Land = Callable[..., duckdb.DuckDBPyConnection]

STUDENTS = "select student_id, grade from stg_students order by 1"


class CountingZone(Zone):
    """A zone that remembers which files were read."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.read: list[str] = []

    def content(self, path: str) -> str:
        self.read.append(path)
        return super().content(path)


def test_a_workbook_is_a_version_of_a_csv_file(read_exports: Stage) -> None:
    students = {"students.csv": "student_id\n007\n", "students_2026-11-20.txt": "student_id\n009\n"}
    files = read_exports(students).files
    assert files.select("path", "series", "current").sort("path").rows() == [
        ("school/students.csv", "school/students", True),
        ("school/students_2026-11-20.txt", "school/students", False),
    ]


def test_an_old_dated_snapshot_does_not_bring_back_what_the_newest_file_lacks(people: Land) -> None:
    con = people(
        {
            "students.csv": "student_id\n007\n",
            "students_2020-09-07.csv": "student_id\n007\n008\n",
        }
    )
    assert con.sql("select student_id from stg_students").fetchall() == [("007",)]


def test_of_dated_snapshots_the_newest_is_the_whole_truth(stage: Land) -> None:
    """So a corrected absence vanishes."""
    header = "student_id,date,code\n"
    con = stage(
        {
            "students.csv": None,
            "students_2026-09-14.csv": "student_id,grade\n007,8\n008,8\n",
            "students_2026-09-07.csv": "student_id,grade\n007,7\n008,7\n009,7\n",
            "attendance.csv": None,
            "attendance_2026-09-08.csv": f"{header}007,2026-09-07,absent\n008,2026-09-07,absent\n",
            "attendance_2026-09-09.csv": f"{header}008,2026-09-07,absent\n",
        }
    )
    assert con.sql(STUDENTS).fetchall() == [("007", "8"), ("008", "8")]
    assert con.sql(
        "select path, current from landing_files where \"table\" = 'students' order by 1"
    ).fetchall() == [
        ("school/students_2026-09-07.csv", False),
        ("school/students_2026-09-14.csv", True),
    ]
    assert con.sql("select student_id from stg_attendance").fetchall() == [("008",)]


def test_a_new_snapshot_that_cannot_be_read_is_not_replaced_by_an_old_one(people: Land) -> None:
    con = people(
        {
            "students.csv": None,
            "students_2026-09-14.csv": b"",
            "students_2026-09-07.csv": "student_id\n007\n",
        }
    )
    assert con.sql(STUDENTS).fetchall() == []


def test_parts_without_a_full_date_all_count(facts: Stage) -> None:
    header = "student_id,date,code\n"
    con, *_ = facts(
        {
            "attendance_2026-08.csv": f"{header}007,2026-09-07,present\n",
            "attendance_2026-09.csv": f"{header}007,2026-09-08,present\n",
        }
    )
    assert con.sql("select count(*) from stg_attendance").fetchall() == [(2,)]


def test_in_a_delta_later_files_replace_rows_of_the_same_key_and_keep_the_others(
    stage: Land,
) -> None:
    header = "student_id,date,code\n"
    con = stage(
        {
            "attendance.csv": None,
            "attendance_2026-09-09.csv": f"{header}007,2026-09-07,tardy\n",
            "attendance_2026-09-08.csv": f"{header}007,2026-09-07,absent\n008,2026-09-07,absent\n",
            "students.csv": None,
            "students_2026-09-01.csv": "student_id,grade\n007,6\n008,6\n",
            "students_2026-09-02.csv": "student_id,grade\n007,7\n",
        },
        '[landing.attendance]\nexport = "delta"\n[landing.students]\nexport = "delta"',
    )
    assert con.sql("select student_id, code from stg_attendance order by 1").fetchall() == [
        ("007", "tardy"),
        ("008", "absent"),
    ]
    assert con.sql(STUDENTS).fetchall() == [("007", "7"), ("008", "6")]
    assert con.sql("select count(*) from rejected_rows").fetchall() == [(0,)]


def test_files_are_found_by_the_patterns_of_the_settings(read_exports: Stage) -> None:
    con, *_ = read_exports(
        {"sis/pupils 1.csv": "student_id\n007\n", "sis/pupils 2.csv": "student_id\n008\n"},
        '[landing.students]\nfiles = ["school/sis/pupils*.csv"]',
    )
    assert con.sql("select count(distinct _file) from raw_students").fetchall() == [(2,)]


def test_touching_a_file_changes_no_fingerprint_and_new_content_does(tmp_path: Path) -> None:
    path = tmp_path / "school" / "students.csv"
    path.parent.mkdir()
    path.write_text("student_id\n007\n", encoding="utf-8")
    zone = Zone(tmp_path.as_uri())
    seen = look(zone, zone.list(), "", Glance())
    surveyed = landing_fingerprint(survey(zone, Landing()))
    os.utime(path, (1, 1))
    assert look(zone, zone.list(), "", seen).content == seen.content
    assert landing_fingerprint(survey(zone, Landing())) == surveyed
    path.write_text("student_id\n008\n", encoding="utf-8")
    assert look(zone, zone.list(), "", seen).content != seen.content
    assert landing_fingerprint(survey(zone, Landing())) != surveyed


def test_a_glance_reads_nothing_where_the_listing_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    (tmp_path / ".hidden").write_text("1", encoding="utf-8")
    zone = CountingZone(tmp_path.as_uri())
    first = look(zone, zone.list(), "", Glance())
    assert zone.read == ["a.csv"]
    assert look(zone, zone.list(), "", Glance.of(first.to_text())) == first
    assert zone.read == ["a.csv"]
    (tmp_path / "a.csv").unlink()
    gone = look(zone, zone.list(), "", first)
    assert (gone.turn, gone.content) == (2, "")


def test_files_that_are_read_with_other_settings_have_changed_and_no_files_have_not(
    tmp_path: Path,
) -> None:
    zone = CountingZone(tmp_path.as_uri())
    nothing = look(zone, zone.list(), "P = present", Glance())
    assert look(zone, zone.list(), "P = absent", nothing).content == nothing.content == ""
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    first = look(zone, zone.list(), "P = present", nothing)
    assert look(zone, zone.list(), "P = absent", first).turn == first.turn + 1


def test_what_a_sensor_remembers_is_short_however_many_files_there_are(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.csv").write_text("1", encoding="utf-8")
    zone = Zone(tmp_path.as_uri())
    assert len(look(zone, zone.list(), "", Glance()).to_text()) < 140


@pytest.mark.parametrize("cursor", [None, "", "3 {}", "one two three"])
def test_a_sensor_that_has_seen_nothing_or_remembers_otherwise_knows_nothing(
    cursor: str | None,
) -> None:
    assert Glance.of(cursor) == Glance()


def test_real_exports_beside_the_sample_are_refused(read_exports: Stage, tmp_path: Path) -> None:
    marker = tmp_path / "landing" / "SAMPLE.json"
    marker.parent.mkdir()
    names = ["students", "staff", "classes", "enrollments", "calendar", "attendance"]
    files = [f"school/{name}.csv" for name in names]
    marker.write_text(json.dumps({"files": files}), encoding="utf-8")
    (tmp_path / "landing" / "README.txt").write_text("hello", encoding="utf-8")
    read_exports({"students.csv": "student_id\n007\n"})
    with pytest.raises(LandingError, match=r"^school/students_real\.csv lies beside the sample"):
        read_exports({"students_real.csv": "student_id\n1\n"})
    marker.write_text("{}", encoding="utf-8")
    with pytest.raises(LandingError, match="not a marker this program wrote"):
        read_exports({})


def test_a_zone_that_cannot_be_listed_is_not_an_empty_one(tmp_path: Path) -> None:
    zone = Zone((tmp_path / "zone").as_uri())
    (tmp_path / "zone").rmdir()
    with pytest.raises(LandingError, match=r"cannot be listed.*Check \[landing\] url"):
        zone.list()


def test_a_file_that_is_still_written_waits_and_is_not_read_in_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "students.csv"
    file.write_text("student_id\n007\n", encoding="utf-8")
    rows = ["008\n"]

    def pass_by(_: float) -> None:
        for row in rows:
            file.write_text(file.read_text(encoding="utf-8") + row, encoding="utf-8")

    monkeypatch.setattr(zone, "SETTLING", 60)
    monkeypatch.setattr(time, "sleep", pass_by)
    growing = Zone(tmp_path.as_uri())
    with pytest.raises(LandingError, match=r"^students\.csv changed while being looked at"):
        growing.list()
    assert Zone(tmp_path.as_uri(), Landing(ignore=("students*",))).list()
    rows.clear()
    os.utime(file, (1, 1))
    assert [each.path for each in growing.list()] == ["students.csv"]


def test_what_is_uploaded_under_a_name_of_its_own_is_no_export_yet(tmp_path: Path) -> None:
    for name in ("students.csv.filepart", "students.csv.part", "students.tmp", "students.csv"):
        (tmp_path / name).write_text("1", encoding="utf-8")
    assert [file.path for file in Zone(tmp_path.as_uri()).ours()] == ["students.csv"]


def test_a_link_to_nothing_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "school").mkdir()
    (tmp_path / "school" / "students.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(
        LandingError, match=r"^school/students\.csv is a link to a file that is not"
    ):
        Zone(tmp_path.as_uri()).list()


def test_a_file_larger_than_the_settings_allow_is_a_problem_of_its_own(
    read_exports: Stage,
) -> None:
    long = "student_id\n" + "1234567\n" * 200_000
    files = read_exports(
        {"students.csv": long, "staff.csv": "staff_id\nT1\n"}, "[landing]\nmax_file_mb = 1"
    )
    assert files.files.select("path", "error").rows() == [
        (
            "school/students.csv",
            "1 MB, more than a file may have. If it is an export, raise in [landing]: max_file_mb = 2.",
        ),
        ("school/staff.csv", None),
    ]
    files = read_exports({"students.csv": "student_id\n1\n2\n3\n"}, "[landing]\nmax_rows = 3")
    (told, _) = files.files["error"]
    assert (
        told
        == "4 lines, more than a file may have. If it is an export, raise in [landing]: max_rows = 4."
    )
