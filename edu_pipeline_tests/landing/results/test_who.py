"""Whose a row is: what an id is believed, and what is no student."""

import polars as pl
import pytest

from edu_pipeline.landing.sources.results.result_people import unlike_names
from edu_pipeline_tests.landing.results.conftest import (
    Read,
    held,
    kinds,
    problems,
    rejected,
    results,
)

HEADERS = {"a.csv": "ID", "b.csv": "No"}


def named(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """Rows of file, id and name."""
    frame = pl.DataFrame(rows, schema=["file", "student_id", "name"], orient="row")
    return frame.with_columns(cohort=pl.lit("2026"), how=pl.lit("id"))


def test_ids_that_join_unlike_names_of_two_files_are_not_of_one_kind() -> None:
    rows = named(
        *(("a.csv", "1", "Ann Ash"), ("a.csv", "2", "Ben Birch")),
        *(("b.csv", "1", "Birch, Ben"), ("b.csv", "2", "Ash, Ann")),
    )
    (asked,) = unlike_names(rows, HEADERS)
    assert asked.holds
    assert 'ignore = ["ID", "No"]' in asked.message
    assert not any(name in asked.message for name in ("Ann", "Ash", "Ben", "Birch"))
    (one,) = unlike_names(rows.filter(student_id="1"), HEADERS)
    assert not one.holds  # a single name may have been changed


def test_one_id_with_two_unlike_names_in_a_file_is_two_students() -> None:
    (asked,) = unlike_names(named(("a.csv", "1", "Ann Ash"), ("a.csv", "1", "Ben Birch")), HEADERS)
    assert asked.holds
    assert "ignore" not in asked.message


def test_a_student_who_changes_one_name_keeps_another() -> None:
    rows = named(("a.csv", "1", "Ann Ash"), ("b.csv", "1", "Oak, Ann"), ("b.csv", "1", "Ánn Ash"))
    assert not list(unlike_names(rows, HEADERS))


def test_numbers_of_rows_called_ids_hold_the_page_until_they_are_left_out(read: Read) -> None:
    files = {
        "2026/GCSE.csv": "ID,Name,Maths,History\n1,Ann Ash,5,5\n2,Ben Birch,7,7",
        "2026/Mock 1.csv": "ID,Name,Maths,History\n1,Ben Birch,6,6\n2,Ann Ash,4,4",
    }
    assert held(read(files)) == [("2026", "")]
    by_name = read(files, {"ignore": ["ID"]})
    assert not held(by_name)
    assert results(by_name, "student_id", "points")[:2] == [("ann ash", 5), ("ann ash", 4)]


STUDENTS = "Ash,Ann,A1,5\nBirch,Ben,A2,7\nCole,Cy,A3,4\n"


@pytest.mark.parametrize("who", ["National,", "Girls average,", "No of entries,", "Dale,Di"])
def test_a_row_without_the_id_that_others_have_is_nobodys(read: Read, who: str) -> None:
    landed = read({"2026/r.csv": f"Surname,Forename,UPN,Maths GCSE\n{STUDENTS}{who},,9"})
    assert landed.students["student_id"].to_list() == ["A1", "A2", "A3"]
    assert landed.results["points"].sum() == 16
    assert held(landed) == [("2026", "")]
    assert "(line 5)" in problems(landed, "ambiguous_name")["message"].item()
    assert [line for line, *_ in rejected(landed)] == [5]


@pytest.mark.parametrize("row", ["Boys", "% 4+", "Grade 4 from", "Girls average"])
def test_among_whole_names_one_word_or_a_figure_is_no_student(read: Read, row: str) -> None:
    names = "Name,Maths GCSE\nAnn Ash,5\nBen Birch,7\nCy Cole,4\n"
    landed = read({"2026/r.csv": f"{names}{row},9"})
    assert landed.students.height == 3
    assert held(landed) == [("2026", "")]


def test_a_row_without_an_id_is_known_by_the_name_that_an_id_has(read: Read) -> None:
    second = "Surname,Forename,UPN,Maths GCSE\nAsh,Ann,A1,6\nBirch,Ben,A2,8\nCole,Cy,,5\nNote,,,\n"
    files = {"2026/r.csv": f"Surname,Forename,UPN,Maths Mock 1\n{STUDENTS}", "2026/s.csv": second}
    landed = read(files)
    assert not kinds(landed)
    assert landed.results.filter(student_id="A3")["points"].to_list() == [5, 4]


def test_where_all_names_are_one_word_they_are_names(read: Read) -> None:
    landed = read({"2026/r.csv": "Name,Maths GCSE\nAnn,5\nBen,7\nCy,4"})
    assert landed.students.height == 3
    assert not held(landed)
