"""Which header is which of our columns, and how it was found."""

import pytest

from edu_pipeline.landing.sources.school.fields import FIELDS
from edu_pipeline.landing.sources.school.school_columns import Resolved, resolve
from edu_pipeline.settings.landing import TableExport


def _resolve(table: str, *header: str, **settings: object) -> Resolved:
    return resolve(table, FIELDS[table], header, TableExport.model_validate(settings))


def test_how_a_column_was_found_is_told() -> None:
    found = _resolve("attendance", "Stduent ID", "DATE", "Att_Code", columns={"session": "Block"})
    assert found.headers == {"student_id": "Stduent ID", "date": "DATE", "code": "Att_Code"}
    assert found.how == {"student_id": "likeness", "date": "name", "code": "alias"}
    named = _resolve("attendance", "x", "date", "code", columns={"student_id": "X"})
    assert named.how["student_id"] == "setting"


@pytest.mark.parametrize(
    ("table", "ours", "header"),
    [
        ("students", "student_id", "Stduent ID"),
        ("students", "student_id", "StudentIDs"),
        ("staff", "email", "Email Adress"),
        ("attendance", "code", "attendence_status"),
        ("enrollments", "person_id", "studnet_id"),
    ],
)
def test_a_misspelt_header_is_taken(table: str, ours: str, header: str) -> None:
    found = _resolve(table, header, "other")
    assert (found.headers.get(ours), found.how.get(ours)) == (header, "likeness")


@pytest.mark.parametrize(
    ("table", "header"),
    [
        ("enrollments", "DateUnenrolled"),
        ("enrollments", "edit date"),
        ("enrollments", "send date"),
        ("enrollments", "stat date"),
        ("students", "grader"),
        ("students", "prefferedGivenName"),
        ("attendance", "period_2"),
        ("attendance", "data"),
        ("students", "student_id_2"),
        ("students", "parent_id"),
        ("homework", "student name"),
    ],
)
def test_a_header_that_means_something_else_is_not_taken(table: str, header: str) -> None:
    assert _resolve(table, header, "other").headers == {}


def test_of_two_headers_that_are_alike_none_is_taken() -> None:
    assert "student_id" not in _resolve("students", "Stduent ID", "Studnet ID").headers


def test_a_misspelling_counts_only_where_the_column_is_not_found_otherwise() -> None:
    found = _resolve("students", "Stduent ID", "UPN")
    assert found.headers == {"student_id": "UPN"}
    said = _resolve("students", "Stduent ID", columns={"student_id": "Nr"})
    assert said.headers == {}
    constant = _resolve("students", "Stduent ID", constants={"student_id": "7A"})
    assert "student_id" not in constant.headers


def test_a_repeated_header_is_told() -> None:
    found = _resolve("students", "student_id", "Grade", "grade_2", "grade_3", "school_1")
    assert found.headers["grade"] == "Grade"
    assert found.repeated == {"grade": ("grade_2", "grade_3")}
