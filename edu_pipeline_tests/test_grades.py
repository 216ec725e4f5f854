"""Grades as points, by the table of the Department for Education and the spellings of exports."""

import pytest

from edu_pipeline.model.grades import (
    grade_name,
    is_absent,
    is_nothing,
    points_of,
    speaks_of_vocation,
)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("9", 9),
        ("1", 1),
        (" 7 ", 7),
        ("7.0", 7),
        ("4.5", 4.5),
        ("4,5", 4.5),
        ("4½", 4.5),
        ("5.37", 5.37),
        ("U", 0),
        ("u", 0),
        ("0", 0),
        ("0.0", 0),
        ("U-U", 0),
        ("A*", 8.5),
        ("A", 7),
        ("B", 5.5),
        ("c", 4),
        ("D", 3),
        ("E", 2),
        ("F", 1.5),
        ("G", 1),
        ("D*2", 8.5),
        ("D*", 8.5),
        ("*2", 8.5),
        ("*", 8.5),
        ("Dist*", 8.5),
        ("Distinction*", 8.5),
        ("L2 D*", 8.5),
        ("D2", 7),
        ("Distinction", 7),
        ("M2", 5.5),
        ("Level 2 Merit", 5.5),
        ("P2", 4),
        ("Pass", 4),
        ("L2P", 4),
        ("L1P", 1.75),
        ("D1", 3),
        ("L1 M", 2),
        ("P1", 1.25),
    ],
)
def test_grades_of_every_kind_have_the_points_of_the_performance_tables(
    text: str, points: float
) -> None:
    assert points_of(text) == points


@pytest.mark.parametrize(
    "text", ["5-4", "54", "5/4", "5 4", "5–4", "4-5", "05-Apr", "5-Apr-26", "Apr-05", "2026-04-05"]
)
def test_a_double_award_is_the_mean_of_its_grades_even_where_excel_made_a_date_of_it(
    text: str,
) -> None:
    assert points_of(text) == 4.5


def test_two_figures_are_a_double_award_only_where_they_can_be_one() -> None:
    assert points_of("99") == 9
    assert [points_of(text) for text in ("45", "97", "10", "67", "9-7")] == [None] * 5
    assert points_of("54", double=False) is None
    assert points_of("5-4", double=False) == 4.5


@pytest.mark.parametrize("text", ["5+?", "9.5", "10", "-1", "H", "A**", "C*", "Merit?", "85 %", ""])
def test_what_is_no_grade_has_no_points(text: str) -> None:
    assert points_of(text) is None


def test_a_d_is_a_distinction_among_vocational_grades_and_a_letter_else() -> None:
    assert points_of("D") == 3
    assert points_of("D", scale="level_2") == 7
    assert speaks_of_vocation("M")
    assert speaks_of_vocation("D*2")
    assert not speaks_of_vocation("D")
    assert not speaks_of_vocation("7")


def test_the_settings_add_grades_and_win_over_the_table() -> None:
    own = {"5+": 5.33, "A": 7.5}
    assert points_of(" 5+", own) == 5.33
    assert points_of("a", own) == 7.5
    assert points_of("B", own) == 5.5


@pytest.mark.parametrize("text", ["X", "x", "Abs", "ABSENT", "Did not sit", "DNS", "X-X"])
def test_marks_of_absence_are_no_grade_and_not_nothing(text: str) -> None:
    assert is_absent(text)
    assert points_of(text) is None
    assert not is_nothing(text)


@pytest.mark.parametrize("text", ["", " ", "-", "–", "N/A", "#N/A", "None", "TBC"])
def test_blanks_in_their_spellings_are_nothing(text: str) -> None:
    assert is_nothing(text)
    assert not is_absent(text)


def test_a_zero_and_a_u_are_grades() -> None:
    assert not is_nothing("0")
    assert not is_absent("U")


def test_points_read_as_grades() -> None:
    assert [grade_name(points) for points in (0, 4.5, 7.0, 13 / 3)] == ["U", "4.5", "7", "4.33"]
