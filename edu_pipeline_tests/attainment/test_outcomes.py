from typing import Any

import polars as pl
import pytest

from edu_pipeline.attainment.outcomes import (
    attainment_outcomes,
    comparison_sentence,
    half_grade_sentence,
    series_columns,
)
from edu_pipeline.model.attainment import AttainmentOutcomes
from edu_pipeline_tests.attainment.conftest import Entry, Grade, landed, settings, stated, tables


def outcomes(*entries: Entry, **changes: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """(student, subject) → its row."""
    found = attainment_outcomes(landed(entries), settings(**changes))
    AttainmentOutcomes.validate(found)
    return {(row["student_id"], row["subject"]): row for row in found.iter_rows(named=True)}


def of_one(grades: list[Grade], **changes: Any) -> dict[str, Any]:
    """The row of one student whose class has sat everything."""
    full: Entry = ("full", "Maths", [5, 5, 5, 5])
    return outcomes(full, ("ana", "Maths", grades), **changes)["ana", "Maths"]


@pytest.mark.parametrize(
    ("final", "baseline", "difference", "outcome"),
    [
        (4, 5, -1, "below"),
        (5, 5, 0, "met"),
        (7, 5, 2, "exceeded"),
        (5, 4.5, 0.5, "exceeded"),
        (4, 4.5, -0.5, "below"),
        (5, None, None, "no baseline"),
        (None, 5, None, "no result"),
        (None, None, None, "no result"),
        (0, 4, -4, "below"),
        ("X", 4, None, "no result"),
    ],
)
def test_the_final_less_the_baseline_makes_the_outcome(
    final: Grade, baseline: Grade, difference: float | None, outcome: str
) -> None:
    row = of_one([3, 3, final, baseline])

    assert (row["difference"], row["outcome"]) == (difference, outcome)
    assert row["matched"] == (difference is not None)
    assert row["absent"] == (final == "X")


def test_every_series_has_a_column_and_the_range_leaves_the_baseline_out() -> None:
    row = of_one([2, 6, 4, 9])

    columns = ("mock_1", "mock_2", "gcse", "baseline", "final", "lowest", "highest")
    assert [row[name] for name in columns] == [2, 6, 4, 9, 4, 2, 6]


def test_while_nobody_has_a_final_the_newest_series_sat_stands_in_and_says_so() -> None:
    found = outcomes(
        ("ana", "Maths", [4, 6, None, 5]),
        ("bo", "Maths", [4, None, None, 3]),
        ("ana", "Art", [4, None, None, 5]),
        ("bo", "Music", [None, None, None, 5]),
    )

    maths = found["ana", "Maths"]
    assert (maths["compared"], maths["provisional"], maths["outcome"]) == (
        "MOCK 2",
        True,
        "exceeded",
    )
    assert maths["final"] is None
    # a student without the newest series has no result: an older mock is not the same comparison
    assert found["bo", "Maths"]["outcome"] == "no result"
    assert (found["ana", "Art"]["compared"], found["ana", "Art"]["outcome"]) == ("MOCK 1", "below")
    music = found["bo", "Music"]
    assert (music["compared"], music["provisional"], music["outcome"]) == (None, False, "no result")


def test_a_student_who_missed_the_final_has_no_result_although_there_are_mocks() -> None:
    row = of_one([4, 4, None, 5])

    assert (row["compared"], row["provisional"], row["result"]) == ("GCSE", False, None)


def test_what_is_compared_is_said_in_words() -> None:
    said = settings()
    assert comparison_sentence("GCSE", said) == "GCSE against baseline"
    assert comparison_sentence("MOCK 2", said) == "MOCK 2 against baseline; GCSE not sat"
    assert comparison_sentence(None, said) == "No exam series was sat yet"
    early = comparison_sentence("GCSE and MOCK 2", said)
    assert early == "GCSE and MOCK 2 against baseline; GCSE not sat in every subject"
    mock = settings(series=("PRE-GCSE", "GCSE", "BASELINE"))
    assert comparison_sentence("PRE-GCSE", mock) == "PRE-GCSE against baseline; GCSE not sat"


@pytest.mark.parametrize(
    ("final", "baseline", "outcome"),
    [(4, 4.5, "met"), (5, 4.5, "met"), (3, 4.5, "below"), (6, 5.4, "exceeded"), (5.3, 5.8, "met")],
)
def test_a_tolerance_lets_a_result_near_the_baseline_meet_it(
    final: float, baseline: float, outcome: str
) -> None:
    assert of_one([3, 3, final, baseline], tolerance=0.5)["outcome"] == outcome


@pytest.mark.parametrize(
    ("how", "expected", "difference"), [("none", 4.5, 0.5), ("nearest", 5, 0), ("down", 4, 1)]
)
def test_a_rounded_baseline_is_compared_and_the_real_one_kept(
    how: str, expected: float, difference: float
) -> None:
    row = of_one([3, 3, 5, 4.5], baseline_rounding=how)

    assert (row["baseline"], row["expected"], row["difference"]) == (4.5, expected, difference)


def test_decimals_are_not_told_apart_by_the_error_of_the_arithmetic() -> None:
    # 0.1 + 0.2 is not 0.3 for a computer
    assert of_one([3, 3, 0.3, 0.1 + 0.2])["outcome"] == "met"


def test_a_student_is_complete_with_every_series_that_the_subject_has() -> None:
    found = outcomes(
        ("ana", "Maths", [4, None, 5, 5]),
        ("bo", "Maths", [None, None, 5, 5]),
        ("cy", "Maths", [4, None, 5, None]),
    )

    complete = {student for (student, _), row in found.items() if row["complete_series"]}
    assert complete == {"ana"}


def test_the_residual_is_against_the_other_subjects_without_this_one() -> None:
    found = outcomes(
        ("ana", "Maths", [None, None, 5, 5]),
        ("ana", "Art", [None, None, 7, None]),
        ("ana", "Music", [None, None, 9, None]),
        ("bo", "Maths", [None, None, 5, 5]),
    )

    assert [found["ana", name]["residual"] for name in ("Maths", "Art", "Music")] == [-3, 0, 3]
    assert found["bo", "Maths"]["residual"] is None


def test_a_mock_is_no_measure_for_a_final_in_another_subject() -> None:
    found = outcomes(
        ("ana", "English Literature", [None, 4, 9, 5]),
        ("ana", "Maths", [None, 4, None, 5]),
        ("ana", "Art", [None, 6, None, 5]),
    )

    assert found["ana", "English Literature"]["residual"] is None
    assert found["ana", "Maths"]["residual"] == -2


HALVES: list[Entry] = [
    ("ana", "Maths", [None, None, 5, 4.5]),
    ("bo", "Maths", [None, None, 5, 5.5]),
    ("cy", "Maths", [None, None, 5, 6.3]),
    ("di", "Maths", [None, None, 5, 5]),
    ("ed", "Maths", [None, None, 5, None]),
]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "none of these can be 'met'."),
        ({"tolerance": 0.5}, "a result within 0.5 of its baseline counts as 'met'."),
        ({"baseline_rounding": "down"}, "they are rounded down before comparing."),
        (
            {"baseline_rounding": "nearest"},
            "they are rounded to the nearest grade before comparing.",
        ),
    ],
)
def test_the_share_of_baselines_between_grades_is_said_with_what_it_means(
    changes: dict[str, Any], said: str
) -> None:
    rows = attainment_outcomes(landed(HALVES), settings(**changes))

    sentence = half_grade_sentence(rows, settings(**changes))
    assert sentence == f"75\u00a0% of baselines are not whole grades; {said}"


def test_a_result_between_grades_can_meet_such_a_baseline() -> None:
    rows = attainment_outcomes(landed([*HALVES, ("fi", "Art", [None, None, 5.5, 5.5])]), settings())

    sentence = half_grade_sentence(rows, settings())
    assert sentence is not None
    assert sentence.endswith("; only a result between grades can have 'met' one of these.")


def test_nothing_is_said_where_every_baseline_is_a_grade_or_there_is_none() -> None:
    for baseline in (5, None):
        rows = attainment_outcomes(
            landed([("ana", "Maths", [None, None, 5, baseline])]), settings()
        )
        assert half_grade_sentence(rows, settings()) is None


@pytest.mark.parametrize(("between", "said"), [(1, "1"), (299, "99")])
def test_some_is_never_said_to_be_none_or_all(between: int, said: str) -> None:
    rows = pl.DataFrame(
        {"baseline": [4.5] * between + [5.0] * (300 - between), "result": [5.0] * 300}
    )

    sentence = half_grade_sentence(rows, settings())
    assert sentence is not None
    assert sentence.startswith(f"{said}\u00a0% of")


def test_a_series_called_like_another_column_keeps_a_column_of_its_own() -> None:
    said = settings(
        series=("Compared", "Final", "YELLIS", "Baseline"), final="Final", baseline="YELLIS"
    )

    assert series_columns(said) == {
        "Compared": "compared_series",
        "Final": "final",
        "YELLIS": "yellis",
        "Baseline": "baseline_series",
    }
    rows = attainment_outcomes(
        landed([("ana", "Maths", [3, 5, 4, 8])], ("Compared", "Final", "YELLIS", "Baseline")), said
    )
    row = rows.row(0, named=True)
    assert (row["compared_series"], row["compared"]) == (3, "Final")
    assert (row["yellis"], row["baseline"], row["baseline_series"], row["final"]) == (4, 4, 8, 5)


def test_a_stated_difference_that_is_not_the_computed_one_is_listed() -> None:
    found = tables(
        [
            ("ana", "Maths", [None, None, 5, 4.7]),
            ("bo", "Maths", [None, None, 5, 6]),
            ("cy", "Maths", [None, None, 5, None]),
        ],
        differences=stated(
            {("ana", "Maths"): 0.3, ("bo", "Maths"): 1.0, ("cy", "Maths"): 0.0, ("no", "Art"): 1.0}
        ),
    ).attainment_disagreements

    assert found.select("student_id", "stated", "computed").rows() == [
        ("bo", 1.0, -1.0),
        ("cy", 0.0, None),
        ("no", 1.0, None),
    ]


def test_a_difference_stated_to_a_tenth_agrees() -> None:
    found = tables(
        [("ana", "Maths", [None, None, 5, 4.65])], differences=stated({("ana", "Maths"): 0.4})
    )

    assert found.attainment_disagreements.is_empty()
