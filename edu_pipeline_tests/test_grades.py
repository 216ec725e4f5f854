"""Grades as points, by the table of the Department for Education and the spellings of exports."""

import pytest

from edu_pipeline.model.grades import (
    SCALES,
    is_absent,
    is_nothing,
    points_of,
    speaks_of_vocation,
    whole_of,
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


def test_points_read_as_grades_of_their_scale() -> None:
    gcse, a_level, award = (SCALES[key] for key in ("gcse", "a_level", "level_3"))
    assert [gcse.label(points) for points in (0, 4.5, 7.0, 13 / 3)] == ["U", "4.5", "7", "4.33"]
    assert [a_level.label(points) for points in (0, 4.5, 6)] == ["U", "4.5", "A*"]
    assert [award.label(points) for points in (1.5, 2, 5)] == ["P", "2", "D*"]
    assert [award.whole(points) for points in (0, 1, 2, 3, 5)] == ["U", "P", "M", "D", "D*"]
    assert SCALES["letters"].whole(1) == "G/F"


@pytest.mark.parametrize(
    ("text", "scale", "points", "whole"),
    [
        ("5+", "gcse", 16 / 3, 5),
        ("5-", "gcse", 14 / 3, 5),
        ("5a", "gcse", 16 / 3, 5),
        ("5C", "gcse", 14 / 3, 5),
        ("5 =", "gcse", 5, 5),
        ("9+", "gcse", 9, 9),
        ("B+", "letters", 6, 5),
        ("B-", "a_level", 11 / 3, 4),
        ("D-", "level_3", 3.5 - 1 / 3, 3),
        ("M+", "level_2", 6, 5),
        ("5-4", "gcse", 4.5, 4),
        ("DMM", "level_3", 17 / 6, 2),
        ("D*D*", "level_3", 5, 5),
    ],
)
def test_a_fine_grade_is_a_third_of_a_grade_away_and_still_that_grade(
    text: str, scale: str, points: float, whole: int
) -> None:
    found = points_of(text, scale=scale)
    assert found == pytest.approx(points, abs=1e-6)
    assert found is not None
    assert whole_of(text, found, scale) == whole


def test_a_grade_of_another_stage_is_none_on_a_scale() -> None:
    assert [points_of(text, scale="a_level") for text in ("5", "A*", "G", "M")] == [
        *(None, 6, None, None)
    ]
    assert [points_of(text, scale="level_3") for text in ("A", "PPPP", "L2 P", "D")] == [
        *(None, None, None, 3.5)
    ]
