import random
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from edu_pipeline.attainment.metrics import Tables
from edu_pipeline.attainment.shareable import shareable, small_numbers
from edu_pipeline_tests.attainment.conftest import (
    Entry,
    by_subject,
    grouped,
    settings,
    tables,
)


def edition(entries: Sequence[Entry], groups: pl.DataFrame | None = None, **changes: Any) -> Tables:
    found = tables(entries, *([] if groups is None else [groups]), **changes)
    return shareable(found, settings(**changes))


def numbers(
    prefix: str, count: int, subject: str, difference: float = 0, base: float = 5
) -> list[Entry]:
    """So many students with this difference."""
    return [(f"{prefix}{n}", subject, [None, None, base + difference, base]) for n in range(count)]


def progress(found: Tables, subject: str, column: str = "all") -> dict[str, tuple[Any, ...]]:
    rows = found.attainment_progress.filter(
        pl.col("subject") == subject, pl.col("group_column") == column
    )
    return {
        row["group"]: (row["students"], row["mean_difference"])
        for row in rows.iter_rows(named=True)
    }


def test_no_row_of_a_student_is_in_it() -> None:
    found = edition(numbers("secret", 30, "Maths"), grouped("Gender", {"secret0": "F"}))

    for name, table in found.named().items():
        assert "student_id" not in table.columns or table.is_empty(), name
        assert "secret" not in table.write_csv(), name


def test_a_subject_of_few_has_no_numbers() -> None:
    found = edition([*numbers("m", 10, "Maths"), *numbers("a", 9, "Art")])

    assert progress(found, "Maths") == {"all": (10, 0)}
    assert progress(found, "Art") == {"all": (None, None)}
    boxes = found.attainment_subjects.filter(pl.col("subject") == "Art")
    assert boxes.select("n", "q1", "median", "q3", "mean").null_count().row(0) == (2,) * 5


def test_the_lowest_and_the_highest_are_one_student_each() -> None:
    boxes = edition(numbers("m", 10, "Maths")).attainment_subjects

    assert boxes["median"].to_list() == [5, 5]
    assert boxes["lowest"].null_count() == boxes["highest"].null_count() == 2


def test_a_small_group_is_hidden_with_the_one_that_would_give_it_away() -> None:
    genders = {f"s{n}": "F" if n < 4 else "M" for n in range(34)}
    found = edition(numbers("s", 34, "Maths"), grouped("Gender", genders))

    assert progress(found, "Maths") == {"all": (34, 0)}
    assert progress(found, "Maths", "Gender") == {"F": (None, None), "M": (None, None)}
    assert progress(found, "all", "Gender") == {"F": (None, None), "M": (None, None)}


def test_groups_of_many_are_shown() -> None:
    genders = {f"s{n}": "F" if n < 14 else "M" for n in range(34)}
    found = edition(numbers("s", 34, "Maths"), grouped("Gender", genders))

    assert progress(found, "Maths", "Gender") == {"F": (14, 0), "M": (20, 0)}


def test_columns_that_may_name_a_colleague_are_left_out() -> None:
    tutors = grouped("Tutor", {f"s{n}": f"Mx {n % 2}" for n in range(40)})
    pupil_premium = grouped("Pupil_Premium", {f"s{n}": "YN"[n % 2] for n in range(40)})
    teachers = by_subject("Teacher", {(f"s{n}", "Maths"): f"Mx {n % 2}" for n in range(40)})
    found = edition(numbers("s", 40, "Maths"), pl.concat([tutors, pupil_premium, teachers]))

    for table in found.named().values():
        assert "Mx" not in table.write_csv()
    assert set(found.attainment_progress["group_column"]) == {"all", "Pupil_Premium"}


def test_means_are_given_to_a_tenth() -> None:
    found = edition([*numbers("a", 10, "Maths", 1), *numbers("b", 11, "Maths", 0)])

    assert progress(found, "Maths") == {"all": (21, 0.5)}


def outcome_counts(found: Tables, subject: str) -> list[int | None]:
    rows = found.attainment_progress.filter(
        pl.col("subject") == subject, pl.col("group_column") == "all"
    )
    return [rows[name].item() for name in ("below", "met", "exceeded")]


def test_outcomes_of_few_are_hidden_with_one_that_would_give_them_away() -> None:
    found = edition(
        [
            *numbers("a", 20, "Maths", -1),
            *numbers("b", 12, "Maths", 0),
            *numbers("c", 3, "Maths", 1),
            *numbers("a", 20, "Art", -1),
            *numbers("b", 12, "Art", 0),
        ]
    )

    assert outcome_counts(found, "Maths") == [20, None, None]
    assert outcome_counts(found, "Art") == [20, 12, 0]
    # over all subjects the sum would tell what one of them hides
    assert outcome_counts(found, "all") == [None, None, None]
    matrix = found.attainment_transitions.select("subject", "baseline_grade", "final_grade", "n")
    assert sorted(matrix.rows(), key=str) == [
        ("Art", 5, 4, 20),
        ("Art", 5, 5, 12),
        ("Maths", 5, 4, 20),
        ("Maths", 5, 5, None),
        ("Maths", 5, 6, None),
    ]


def test_headlines_hide_the_few_who_did_not_make_it() -> None:
    entries = [
        (f"s{n}", subject, [None, None, grade, 5])
        for n, grade in enumerate([3] * 4 + [4] * 15 + [7] * 31)
        for subject in ("English", "Maths")
    ]
    found = edition(entries, grouped("Gender", {f"s{n}": "FM"[n % 2] for n in range(50)}))

    shown = found.attainment_headlines.filter(pl.col("group_column") == "all").row(0, named=True)
    assert (shown["n"], shown["both_4"], shown["both_4_share"], shown["both_5"]) == (
        50,
        None,
        None,
        31,
    )
    assert shown["students"] is None
    groups = found.attainment_headlines.filter(pl.col("group_column") == "Gender")
    assert groups["both_4"].null_count() == 2


def test_groups_that_add_up_to_a_hidden_headline_have_none() -> None:
    grades = {"F": [3] * 4 + [4] * 40 + [7] * 31, "M": [4] * 40 + [7] * 30}
    entries = [
        (f"{gender}{n}", subject, [None, None, grade, 5])
        for gender, of_them in grades.items()
        for n, grade in enumerate(of_them)
        for subject in ("English", "Maths")
    ]
    genders = {student: student[0] for student, *_ in entries}
    rows = edition(entries, grouped("Gender", genders)).attainment_headlines

    counts = rows.select("group", "n", "both_4", "both_5").rows()
    # the 4 below show in both_4, and those with 5 would leave them to be counted from another column
    assert counts == [("F", None, None, None), ("M", None, None, None), ("all", 145, None, None)]


def test_a_group_that_is_too_few_to_count_has_no_share_that_tells_how_many() -> None:
    grades = {"E": [7] * 4, "N": [3] * 30 + [7] * 60, "K": [7] * 6}
    entries = [
        (f"{group}{n}", subject, [None, None, grade, 5])
        for group, of_them in grades.items()
        for n, grade in enumerate(of_them)
        for subject in ("English", "Maths")
    ]
    rows = edition(entries, grouped("SEN", {student: student[0] for student, *_ in entries}))
    few = rows.attainment_headlines.filter(pl.col("group").is_in(["E", "K"]))

    assert few.height == 2
    numbers_of = few.select(pl.exclude("cohort", "group_column", "group", "compared"))
    assert set(numbers_of.null_count().row(0)) == {2}


def test_headlines_of_large_groups_are_shown() -> None:
    entries = [
        (f"s{n}", subject, [None, None, grade, 5])
        for n, grade in enumerate([3] * 30 + [4] * 30 + [7] * 60)
        for subject in ("English", "Maths")
    ]
    found = edition(entries, grouped("Gender", {f"s{n}": "FM"[n % 2] for n in range(120)}))

    rows = found.attainment_headlines.select("group", "n", "both_4", "both_5").rows()
    assert rows == [("F", 60, 45, 30), ("M", 60, 45, 30), ("all", 120, 90, 60)]


def test_reasons_of_few_have_no_number_and_who_is_in_it_stands_elsewhere() -> None:
    found = edition(
        [
            *numbers("a", 20, "Maths"),
            *((f"x{n}", "Maths", [None, None, "X", 5]) for n in range(2)),
            *((f"y{n}", "Maths", [None, None, 5, None]) for n in range(12)),
        ]
    )

    progress_of = found.attainment_exclusions.filter(pl.col("figure") == "progress")
    assert progress_of.select("reason", "students").rows() == [
        ("absent", None),
        ("no baseline", 12),
    ]


def test_a_school_may_say_what_few_is() -> None:
    few = numbers("a", 5, "Art")

    assert progress(edition(few, fewest=5), "Art") == {"all": (5, 0)}
    assert progress(edition(few, fewest=6), "Art") == {"all": (None, None)}


def drawn(seed: int, students: int) -> Tables:
    """A large cohort by lot, with whole baselines."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    entries: list[Entry] = []
    for n in range(students):
        base = draw.choice([3, 4, 4, 5, 5, 5, 6])
        final = min(9, max(0, base + draw.choice([-2, -1, -1, 0, 0, 0, 1, 1])))
        entries.append((f"s{n}", "Maths", [base, None, final, base]))
    return tables(entries, grouped("Gender", {f"s{n}": draw.choice("FM") for n in range(students)}))


@pytest.mark.parametrize("seed", range(3))
def test_the_matrix_of_a_large_subject_is_shown(seed: int) -> None:
    whole = drawn(seed, 430)
    found = shareable(whole, settings())

    shown = found.attainment_transitions.filter(pl.col("n").is_not_null())
    assert shown.height
    keys = ["cohort", "subject", "group_column", "group", "baseline_grade", "final_grade", "n"]
    assert shown.join(whole.attainment_transitions, on=keys, how="anti").is_empty()
    # its columns are those of the matrix: what one leaves out the other would tell
    assert found.mock_calibration.is_empty()


@pytest.mark.parametrize("seed", range(4))
def test_no_small_number_is_in_it(seed: int) -> None:
    whole = drawn(seed, 60 + 100 * seed)

    assert small_numbers(whole, 10) > 0
    assert small_numbers(shareable(whole, settings()), 10) == 0
