"""Which file is the newest version of an export, by names and times."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import duckdb
import pytest

from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.versions import (
    months_first,
    newest,
    replaced_sheets,
    rival_versions,
    version_of,
)

Land = Callable[..., duckdb.DuckDBPyConnection]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]


def landed(path: str, hour: int = 12) -> LandedFile:
    return LandedFile(path, 1, "tag", datetime(2026, 11, 3, hour, tzinfo=UTC))


def rivals(*files: LandedFile) -> list[tuple[str, ...]]:
    paths = [file.path for file in files]
    digests = {path: path for path in paths}
    return list(rival_versions(files, digests, month_first=months_first(paths)))


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("attendance_2026-11-20.csv", "2026-11-20 00:00:00"),
        ("attendance_20261120.csv", "2026-11-20 00:00:00"),
        ("20261120-1430 attendance.csv", "2026-11-20 14:30:00"),
        ("attendance_2026-11-20T14:30:05.csv", "2026-11-20 14:30:05"),
        ("attendance_2026-09-01_2026-11-20.csv", "2026-11-20 00:00:00"),
    ],
)
def test_a_full_date_in_the_name_is_the_version(name: str, at: str) -> None:
    version = version_of(landed(f"school/{name}"))
    assert (str(version.at), version.stamped) == (at, True)


@pytest.mark.parametrize(
    "name", ["attendance.csv", "attendance_2026-11.csv", "a_2026-W47.csv", "a_2026-02-31.csv"]
)
def test_without_a_full_date_the_version_is_when_it_changed(name: str) -> None:
    version = version_of(landed(f"school/{name}"))
    assert (str(version.at), version.stamped) == ("2026-11-03 12:00:00", False)


def test_files_that_differ_in_their_date_only_are_versions_of_one_another() -> None:
    first, second, other = (
        version_of(landed(path)).series
        for path in ("a/x_2026-11-20.csv", "a/x_20261127.csv", "b/x_2026-11-20.csv")
    )
    assert first == second != other


@pytest.mark.parametrize(
    "dated", ["a/x_2026-11-20.csv", "a/2026-11-20 x.csv", "a/x-20261120.csv", "a/x_2026-11-20.XLSX"]
)
def test_a_file_without_a_date_is_a_version_of_those_with_one(dated: str) -> None:
    assert version_of(landed(dated)).series == version_of(landed("a/x.csv")).series == "a/x"


def test_a_name_that_is_only_a_date_has_a_series_that_can_be_read() -> None:
    assert version_of(landed("a/2026-11-20.csv")).series == "a/*"


@pytest.mark.parametrize(
    "copy",
    [
        "x (1).csv",
        "x(2).csv",
        "x - Copy.csv",
        "x - Copy (2).csv",
        "x copy 3.csv",
        "Copy of x.csv",
        "x_old.csv",
        "x (old).csv",
        "x_final.csv",
        "x corrected (1).csv",
        "x_2026-11-20 (1).csv",
        "x_11-20-2026.csv",
        "x 20.11.2026.csv",
    ],
)
def test_downloads_and_copies_are_versions(copy: str) -> None:
    assert version_of(landed(f"a/{copy}")).series == "a/x"


@pytest.mark.parametrize(
    "part", ["x 1.csv", "x (2026).csv", "x (7A).csv", "x_am.csv", "x-9.csv", "x_new.csv"]
)
def test_other_numbers_and_words_are_parts(part: str) -> None:
    assert version_of(landed(f"a/{part}")).series != "a/x"


def test_the_second_download_counts_and_a_copy_set_aside_never() -> None:
    files = [landed("x.csv"), landed("x (1).csv"), landed("x (2).csv"), landed("x_old.csv", 20)]
    assert newest(files) == {"x (2).csv"}
    assert rivals(*files) == []


def test_the_final_one_counts_unless_it_is_so_small_that_it_may_hold_corrections_only() -> None:
    first, final = landed("x.csv"), landed("x_final.csv", 13)
    assert newest([first, final]) == {"x_final.csv"}
    assert rivals(first, final) == []
    assert rivals(replace(first, size=100), replace(final, size=49)) == [("x.csv", "x_final.csv")]
    assert rivals(replace(first, size=100), replace(final, size=50)) == []


def test_a_sheet_that_another_replaces_says_so_in_words() -> None:
    assert replaced_sheets(["Absences", "Absences (old)", "Late"]) == {"Absences (old)"}
    assert replaced_sheets(["May", "May final"]) == {"May"}
    assert replaced_sheets(["May", "May (2)", "Old"]) == frozenset()


def test_names_and_times_that_contradict_each_other_are_a_question() -> None:
    assert rivals(landed("x.csv", 13), landed("x (1).csv", 12)) == [("x (1).csv", "x.csv")]


def test_files_that_all_have_numbers_may_be_parts() -> None:
    assert rivals(landed("x (1).csv"), landed("x (2).csv")) == [("x (1).csv", "x (2).csv")]


def test_one_date_above_twelve_says_how_the_others_are_written() -> None:
    files = [landed("x_09-11-2026.csv"), landed("x_09-18-2026.csv")]
    assert months_first(file.path for file in files) is True
    assert newest(files, month_first=True) == {"x_09-18-2026.csv"}
    version = version_of(files[0], month_first=True)
    assert (str(version.at), version.stamped) == ("2026-09-11 00:00:00", True)
    assert rivals(*files) == []


def test_dates_that_can_be_read_in_two_ways_order_files_only_where_both_agree() -> None:
    assert rivals(landed("x_09-04-2026.csv"), landed("x_09-11-2026.csv")) == []
    assert rivals(landed("x_09-11-2026.csv"), landed("x_10-02-2026.csv")) == [
        ("x_09-11-2026.csv", "x_10-02-2026.csv")
    ]
    assert not version_of(landed("x_09-04-2026.csv")).stamped


def test_two_files_of_one_date_are_a_question() -> None:
    files = landed("x_2026-11-20.csv"), landed("x-20261120.xlsx")
    assert rivals(*files) == [("x-20261120.xlsx", "x_2026-11-20.csv")]
    assert len(newest(files)) == 1


def test_only_the_newest_download_is_read_and_doubts_are_told(
    land: Land, messages: Messages
) -> None:
    header = "student_id,date,code\n"
    con = land(
        {
            "attendance (1).csv": f"{header}007,2026-09-07,present\n",
            "attendance (2).csv": f"{header}007,2026-09-07,present\n008,2026-09-07,present\n",
        }
    )
    assert con.sql("select student_id, code from stg_attendance order by 1").fetchall() == [
        ("007", "present"),
        ("008", "present"),
    ]
    assert messages(con) == []
    con = land({"attendance.csv": None})
    (message,) = messages(con)
    assert "school/attendance (1).csv and school/attendance (2).csv are versions" in message
