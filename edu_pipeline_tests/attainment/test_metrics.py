from typing import Any

import polars as pl
import pytest

from edu_pipeline.model.catalogue import SCHEMAS
from edu_pipeline_tests.attainment.conftest import (
    Entry,
    by_subject,
    grouped,
    tables,
)


def row(table: pl.DataFrame, subject: str | None = None, **where: str) -> dict[str, Any]:
    """The one row of everybody, or of the group named, with these values."""
    where = {"group_column": "all", "group": "all"} | where
    if subject is not None:
        where["subject"] = subject
    return table.row(
        by_predicate=pl.all_horizontal(pl.col(k) == v for k, v in where.items()), named=True
    )


def test_a_box_has_quartiles_between_grades_and_counts_who_was_absent() -> None:
    finals = (1, 2, 3, 4, "X", "X", None)
    found = tables(
        [(f"s{n}", "Maths", [None, None, grade, 5]) for n, grade in enumerate(finals)]
    ).attainment_subjects

    box = row(found, "Maths", series="GCSE")
    # type 7: a quarter of the way along the three steps from 1 to 4
    assert [box[name] for name in ("q1", "median", "q3")] == [1.75, 2.5, 3.25]
    assert [box[name] for name in ("n", "absent", "mean", "lowest", "highest")] == [4, 2, 2.5, 1, 4]
    assert row(found, "Maths", series="BASELINE")["n"] == 7


def test_boxes_are_drawn_by_group_as_well() -> None:
    found = tables(
        [(f"s{n}", "Maths", [None, None, grade, 5]) for n, grade in enumerate((2, 4, 7, 9))],
        grouped("Gender", {"s0": "F", "s1": "F", "s2": "M", "s3": "M"}),
    ).attainment_subjects

    medians = {
        group: row(found, "Maths", series="GCSE", group_column="Gender", group=group)["median"]
        for group in "FM"
    }
    assert medians == {"F": 3, "M": 8}


def finals(subject: str, differences: list[float], start: int = 0) -> list[Entry]:
    """Students with a baseline of 5 and these differences, and one without a baseline."""
    entries: list[Entry] = [
        (f"s{start + n}", subject, [None, None, 5 + difference, 5])
        for n, difference in enumerate(differences)
    ]
    return entries


def test_value_added_is_the_mean_difference_with_a_t_interval() -> None:
    found = tables(
        [
            *finals("Maths", [-1, 0, 1, 2]),
            ("none", "Maths", [5, 5, 5, None]),
            ("gone", "Maths", [5, 5, None, 5]),
        ]
    ).attainment_progress
    maths = row(found, "Maths")

    assert (maths["n"], maths["students"], maths["mean_difference"]) == (4, 4, 0.5)
    # s = 1.290994, s/√4 = 0.645497, t(3) = 3.182446
    assert maths["low"] == pytest.approx(0.5 - 2.054260, abs=1e-6)
    assert maths["high"] == pytest.approx(0.5 + 2.054260, abs=1e-6)
    assert (maths["below"], maths["met"], maths["exceeded"]) == (1, 1, 2)
    assert maths["compared"] == "GCSE"


def test_one_student_has_no_interval() -> None:
    maths = row(tables(finals("Maths", [2])).attainment_progress, "Maths")

    assert (maths["mean_difference"], maths["low"], maths["high"]) == (2, None, None)
    assert maths["shrunk"] is None


def test_a_subject_without_a_match_is_there_with_nothing_to_say() -> None:
    art = row(tables([("ana", "Art", [None, None, 5, None])]).attainment_progress, "Art")

    assert (art["n"], art["students"], art["mean_difference"]) == (0, 0, None)
    assert art["n_residual"] == 0


def test_over_all_subjects_a_student_counts_as_one_who_was_looked_at_twice() -> None:
    found = tables([*finals("Maths", [1, -1, 0]), *finals("Art", [1, -1])]).attainment_progress
    everything = row(found, "all")

    assert (everything["n"], everything["students"]) == (5, 3)
    assert everything["mean_difference"] == 0
    # sums of students 2, -2, 0 over 2, 2, 1 entries: as 25/9 students; variance 8 ÷ 5.76;
    # error √(1.388889 ÷ 2.777778) = 0.707107; t(2) = 4.302653
    assert everything["high"] == pytest.approx(3.042435, abs=1e-6)
    assert everything["residual"] is None


def test_subjects_are_drawn_towards_each_other() -> None:
    found = tables([*finals("Maths", [1, 3]), *finals("Art", [-1, -3])]).attainment_progress

    # σ² = 2, σ²/n = 1; between: 16 - 2 over 4 - 8/4: τ² = 7; mu = 0; 7/8 of 2
    shrunk = {name: row(found, name)["shrunk"] for name in ("Maths", "Art")}
    assert shrunk == {"Maths": pytest.approx(1.75), "Art": pytest.approx(-1.75)}
    assert row(found, "Maths")["mean_difference"] == 2
    assert row(found, "all")["shrunk"] is None


def test_groups_are_drawn_towards_the_others_of_their_column_in_the_subject() -> None:
    # Art is far from Maths, and must not matter to groups within Maths
    found = tables(
        [*finals("Maths", [1, 3, -1, -3]), *finals("Art", [4, 4, 4, 4])],
        grouped("Gender", {"s0": "F", "s1": "F", "s2": "M", "s3": "M"}),
    ).attainment_progress

    girls = row(found, "Maths", group_column="Gender", group="F")
    assert (girls["mean_difference"], girls["shrunk"]) == (2, pytest.approx(1.75))


def test_the_residual_stands_beside_value_added() -> None:
    found = tables(
        [
            ("ana", "Maths", [None, None, 4, 4]),
            ("ana", "Art", [None, None, 6, 4]),
            ("bo", "Maths", [None, None, 5, 4]),
            ("bo", "Art", [None, None, 5, 4]),
            ("cy", "Art", [None, None, 9, 4]),
        ]
    ).attainment_progress
    maths, art = row(found, "Maths"), row(found, "Art")

    assert (maths["residual"], maths["n_residual"], maths["mean_difference"]) == (-1, 2, 0.5)
    assert (art["residual"], art["n_residual"]) == (1, 2)
    # -2 and 0: s = 1.414214, s/√2 = 1, t(1) = 12.706205
    assert maths["residual_low"] == pytest.approx(-13.706205, abs=1e-6)


def test_classes_are_compared_within_their_subject() -> None:
    found = tables(
        finals("Maths", [1, 1, -1, -1]),
        by_subject(
            "Class",
            {
                ("s0", "Maths"): "a",
                ("s1", "Maths"): "a",
                ("s2", "Maths"): "b",
                ("s3", "Maths"): "b",
            },
        ),
    ).attainment_progress

    assert row(found, "Maths", group_column="Class", group="b")["mean_difference"] == -1


def test_subjects_that_were_sat_early_are_named_beside_the_rest() -> None:
    found = tables(
        [("ana", "English Literature", [None, 4, 9, 5]), ("ana", "Maths", [None, 4, None, 5])]
    ).attainment_progress

    assert row(found, "English Literature")["compared"] == "GCSE"
    assert row(found, "Maths")["compared"] == "MOCK 2"
    assert row(found, "all")["compared"] == "GCSE and MOCK 2"


def test_transitions_count_from_the_grade_of_the_baseline_to_that_of_the_result() -> None:
    found = tables(
        [
            ("ana", "Maths", [None, None, 5, 4.5]),
            ("bo", "Maths", [None, None, 5, 4]),
            ("cy", "Maths", [None, None, 4, 4.9]),
            ("di", "Maths", [None, None, 0, 5]),
            ("ed", "Maths", [None, None, 7, None]),
            ("ana", "Art", [None, None, 5.5, 4]),
        ]
    ).attainment_transitions.filter(pl.col("group_column") == "all")

    cells = found.select("subject", "baseline_grade", "final_grade", "n", "row_n").rows()
    assert sorted(cells) == [
        ("Art", 4, 5, 1, 1),
        ("Maths", 4, 4, 1, 3),
        ("Maths", 4, 5, 2, 3),
        ("Maths", 5, 0, 1, 1),
        ("all", 4, 4, 1, 4),
        ("all", 4, 5, 3, 4),
        ("all", 5, 0, 1, 1),
    ]
    assert found["compared"].unique().to_list() == ["GCSE"]


def test_a_mock_is_held_against_what_came_of_it() -> None:
    entries: list[Entry] = [
        ("ana", "Maths", [5, 5, 6, None]),
        ("bo", "Maths", [5, 5, 5, None]),
        ("cy", "Maths", ["X", 5, 6, None]),
        ("di", "Maths", [5, 4, None, None]),
    ]
    found = tables(entries).mock_calibration

    cells = found.filter(pl.col("subject") == "Maths")
    assert cells.select("series", "grade", "final_grade", "n", "row_n").rows() == [
        ("MOCK 1", 5, 5, 1, 2),
        ("MOCK 1", 5, 6, 1, 2),
        ("MOCK 2", 5, 5, 1, 3),
        ("MOCK 2", 5, 6, 2, 3),
    ]


def test_before_the_final_no_mock_is_calibrated() -> None:
    assert tables([("ana", "Maths", [5, 6, None, 5])]).mock_calibration.is_empty()


CORE: list[Entry] = [
    ("ana", "English Language", [None, None, 3, 5]),
    ("ana", "English Literature", [None, None, 5, 5]),
    ("ana", "Maths", [None, None, 6, 5]),
    ("bo", "English Language", [None, None, 4, 5]),
    ("bo", "Maths", [None, None, 5, 5]),
    ("cy", "English Language", [None, None, 9, 5]),
    ("cy", "Maths", [None, None, 0, 5]),
    ("di", "English Language", [None, None, 9, 5]),
    ("ed", "Art", [None, None, 9, 5]),
]


def test_headlines_take_the_better_english_and_count_who_has_both() -> None:
    all_of_them = row(tables(CORE).attainment_headlines)

    counts = [all_of_them[name] for name in ("students", "n", "both_4", "both_5")]
    assert counts == [5, 3, 2, 1]
    assert (all_of_them["both_4_share"], all_of_them["compared"]) == (pytest.approx(2 / 3), "GCSE")
    # Wilson, z = 1.959964: 2 of 3
    assert all_of_them["both_4_low"] == pytest.approx(0.207660, abs=1e-6)
    assert all_of_them["both_4_high"] == pytest.approx(0.938508, abs=1e-6)


def test_headlines_by_group_and_for_subjects_called_otherwise() -> None:
    found = tables(
        [
            (student, subject.replace("Maths", "Numeracy"), grades)
            for student, subject, grades in CORE
        ],
        grouped("PP", {"ana": "Y", "bo": "Y", "cy": "N", "di": "N", "ed": "N"}),
        maths=("NUMERACY",),
    ).attainment_headlines

    groups = found.filter(pl.col("group_column") == "PP").select("group", "n", "both_4", "both_5")
    assert groups.rows() == [("N", 1, 0, 0), ("Y", 2, 2, 1)]


def test_a_cohort_without_english_has_no_headlines_to_share() -> None:
    none = row(tables([("ana", "Maths", [None, None, 5, 5])]).attainment_headlines)

    assert (none["students"], none["n"], none["both_4_share"], none["both_4_low"]) == (
        1,
        0,
        None,
        None,
    )


@pytest.mark.parametrize("entries", [[], CORE], ids=["nothing has landed", "a cohort"])
def test_every_table_fits_its_schema(entries: list[Entry]) -> None:
    gender = grouped("Gender", {"ana": "F", "bo": "F", "cy": "M", "di": "M"})
    for name, table in tables(entries, gender if entries else gender.clear()).named().items():
        SCHEMAS[name].validate(table)
        assert table.is_empty() or entries
