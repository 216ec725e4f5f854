import random
from collections.abc import Sequence
from dataclasses import replace
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
    """So many students with this difference, half of them a grade above the others."""
    return [
        (f"{prefix}{n}", subject, [None, None, base + n % 2 + difference, base + n % 2])
        for n in range(count)
    ]


def even(prefix: str, count: int, subject: str) -> list[Entry]:
    """So many students, half a grade up and half a grade down."""
    return [
        (f"{prefix}{n}", subject, [None, None, 5 + (-1) ** n, 5 + n // 2 % 2]) for n in range(count)
    ]


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


def test_a_subject_of_few_is_not_there_as_if_nobody_took_it() -> None:
    found = edition([*even("m", 12, "Maths"), *even("a", 9, "Art")])

    assert progress(found, "Maths") == {"all": (12, -0.5)}
    for name, table in found.named().items():
        assert "Art" not in table.write_csv(), name


def test_the_lowest_and_the_highest_are_one_student_each() -> None:
    boxes = edition(even("m", 12, "Maths")).attainment_subjects

    assert boxes["median"].to_list() == [5.5, 5]
    assert boxes["lowest"].null_count() == boxes["highest"].null_count() == 2


def test_a_small_group_is_hidden_with_the_one_that_would_give_it_away() -> None:
    genders = {f"s{n}": "F" if n < 4 else "M" for n in range(36)}
    found = edition(even("s", 36, "Maths"), grouped("Gender", genders))

    assert progress(found, "Maths") == {"all": (36, -0.5)}
    assert progress(found, "Maths", "Gender") == progress(found, "all", "Gender") == {}


def test_groups_of_many_are_shown() -> None:
    genders = {f"s{n}": "F" if n < 16 else "M" for n in range(36)}
    found = edition(even("s", 36, "Maths"), grouped("Gender", genders))

    assert progress(found, "Maths", "Gender") == {"F": (None, -0.5), "M": (None, -0.5)}


def test_a_subject_of_one_gender_has_no_rows_by_gender() -> None:
    genders = {f"s{n}": "F" if n < 40 else "M" for n in range(80)}
    everybodys = [entry for name in ("Maths", "English") for entry in even("s", 80, name)]
    entries = [*everybodys, *even("s", 40, "Dance"), *even("s", 44, "Drama")]
    found = edition(entries, grouped("Gender", genders))

    assert set(progress(found, "Maths", "Gender")) == {"F", "M"}
    # nobody of Dance is M, and four of Drama are
    for subject in ("Dance", "Drama"):
        assert progress(found, subject)["all"][0]
        for table in (found.attainment_subjects, found.attainment_progress):
            rows = table.filter(pl.col("subject") == subject)
            assert set(rows["group_column"]) == {"all"}


def test_that_a_value_is_anybodys_is_not_told() -> None:
    genders = {f"s{n}": "FM"[n % 2] for n in range(80)} | {"s7": "X"}
    found = edition(even("s", 80, "Maths"), grouped("Gender", genders))

    assert {
        column
        for table in found.named().values()
        if "group_column" in table.columns
        for column in table["group_column"]
    } == {"all"}


def test_where_all_have_the_same_grade_or_difference_it_is_not_told() -> None:
    same_grade: list[Entry] = [(f"s{n}", "Art", [None, None, 6, 4 + n % 3]) for n in range(30)]
    genders = {f"s{n}": "FM"[n % 2] for n in range(30)}
    f_all_alike: list[Entry] = [
        (f"s{n}", "Music", [None, None, 6 if n % 2 == 0 else 5 + n % 4, 4 + n % 5])
        for n in range(30)
    ]
    found = edition(
        [*same_grade, *numbers("s", 30, "Drama", 1), *f_all_alike], grouped("Gender", genders)
    )

    assert progress(found, "Art") == progress(found, "Drama") == {}
    assert progress(found, "Music")["all"][0] == 30
    assert progress(found, "Music", "Gender") == {}


def test_columns_that_may_name_a_colleague_are_left_out() -> None:
    tutors = grouped("Tutor", {f"s{n}": f"Mx {n % 2}" for n in range(40)})
    pupil_premium = grouped("Pupil_Premium", {f"s{n}": "YN"[n // 4 % 2] for n in range(40)})
    teachers = by_subject("Teacher", {(f"s{n}", "Maths"): f"Mx {n % 2}" for n in range(40)})
    found = edition(even("s", 40, "Maths"), pl.concat([tutors, pupil_premium, teachers]))

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


def matrix_of(found: Tables, subject: str) -> list[tuple[int | None, ...]]:
    rows = found.attainment_transitions.filter(pl.col("subject") == subject)
    return rows.select("baseline_grade", "final_grade", "n", "row_n").rows()


def test_outcomes_are_told_where_many_are_below_and_many_above() -> None:
    found = edition(
        [
            *numbers("a", 40, "Maths", -1),
            *numbers("b", 24, "Maths", 0),
            *numbers("c", 30, "Maths", 1),
            *numbers("a", 20, "Art", -0.5, 4.5),
            *numbers("c", 15, "Art", 0.5, 4.5),
            *numbers("a", 20, "Drama", -1),
            *numbers("b", 12, "Drama", 0),
            *numbers("c", 3, "Drama", 1),
            *numbers("a", 20, "Latin", -1),
            *numbers("b", 12, "Latin", 0),
        ]
    )

    assert outcome_counts(found, "Maths") == [40, 24, 30]
    # that no whole grade meets a decimal tells of nobody; that nobody is above does
    assert outcome_counts(found, "Art") == [20, 0, 15]
    assert outcome_counts(found, "Drama") == outcome_counts(found, "Latin") == [None, None, None]
    # over all subjects the sum would tell what one of them hides
    assert outcome_counts(found, "all") == [None, None, None]
    assert matrix_of(found, "Maths") == [
        (base, base + difference, n, 47)
        for base in (5, 6)
        for difference, n in ((-1, 20), (0, 12), (1, 15))
    ]


def test_a_row_of_few_is_not_in_the_matrix_nor_is_one_that_would_give_its_sum_away() -> None:
    many: list[Entry] = [
        (f"{base}{difference}{n}", "Maths", [None, None, base + difference, base])
        for base in (3, 4, 5, 6)
        for difference in (-1, 0, 1)
        for n in range(30 + base)
    ]
    few: list[Entry] = [(f"z{n}", "Maths", [None, None, 6, 7]) for n in range(3)]
    found = edition([*many, *few])

    # those at 3 are hidden with the three at 7; at 6 nothing is left to show
    rows = {row[0]: row[3] for row in matrix_of(found, "Maths")}
    assert rows == {4: 102, 5: 105}
    assert None not in found.attainment_transitions["n"]


def test_where_a_row_or_all_fared_alike_there_is_no_matrix() -> None:
    row = edition([*numbers("a", 20, "Maths"), *numbers("b", 12, "Maths", 1, 6)])
    everybody = edition([*numbers("a", 20, "Maths", 1), *numbers("b", 12, "Maths", 2)])

    assert row.attainment_transitions.is_empty()
    assert everybody.attainment_transitions.is_empty()


def headlines(grades: dict[str, list[int]]) -> list[tuple[Any, ...]]:
    """Group and the two shares, of groups with these grades in English and maths."""
    entries: list[Entry] = [
        (f"{group}{n}", subject, [None, None, grade, 5])
        for group, of_them in grades.items()
        for n, grade in enumerate(of_them)
        for subject in ("English", "Maths")
    ]
    found = edition(entries, grouped("Gender", {student: student[0] for student, *_ in entries}))
    rows = found.attainment_headlines
    untold = rows.select("students", "n", "both_4", "both_5", "both_4_low", "both_5_high")
    assert set(untold.null_count().row(0)) == {rows.height}
    return rows.select("group", "both_4_share", "both_5_share").rows()


def test_headline_shares_are_as_coarse_as_any_number_of_students_could_have_them() -> None:
    # of 45: 34 are 76 %, to the nearest 5; of 58: 39 are 67 % and 19 are 33 %, to even per cents
    f, m = [3] * 11 + [4] * 11 + [7] * 23, [3] * 19 + [4] * 20 + [7] * 19

    assert headlines({"F": f, "M": m}) == [
        ("F", 0.75, 0.5),
        ("M", 0.68, 0.32),
        ("all", 0.71, 0.41),
    ]


def test_headlines_of_few_or_of_nearly_all_are_left_out_of_all_groups_of_a_column() -> None:
    # 4 of F are below 4, nobody of M is; all are 145, of whom 4 are below 4
    assert headlines({"F": [3] * 4 + [4] * 40 + [7] * 31, "M": [4] * 40 + [7] * 30}) == [
        ("F", None, 0.42),
        ("M", None, 0.42),
        ("all", None, 0.42),
    ]
    # a group of 6 hides the others of its column
    few = headlines({"F": [3] * 30 + [4] * 20 + [7] * 60, "K": [7] * 6})
    assert few == [("all", 0.74, 0.57)]
    # 19 of 20 and 20 of 20
    assert headlines({"A": [3] + [7] * 19}) == []


def test_those_between_the_two_headlines_are_not_told_where_they_are_few() -> None:
    assert headlines({"A": [3] * 30 + [4] * 3 + [7] * 30}) == [("all", 0.52, None)]


def test_reasons_of_few_have_no_number_and_other_figures_no_reasons() -> None:
    found = edition(
        [
            *even("a", 20, "Maths"),
            *((f"x{n}", "Maths", [None, None, "X", 5]) for n in range(2)),
            *((f"y{n}", "Maths", [None, None, 5, None]) for n in range(12)),
        ]
    )

    assert found.attainment_exclusions.select("figure", "reason", "students").rows() == [
        ("progress", "no baseline", 12),
    ]


def test_which_groups_have_rows_does_not_tell_who_takes_a_subject_of_few() -> None:
    entries = even("a", 40, "Maths")
    few: list[Entry] = [(f"a{n}", "Latin", [4, 4, 5, 4]) for n in range(5)]
    found = edition([*entries, *few], grouped("SEN", {f"a{n}": "YN"[n >= 20] for n in range(40)}))

    for rows in (found.attainment_subjects, found.attainment_progress):
        of = rows.filter(pl.col("group_column") == "SEN")
        assert set(of.filter(pl.col("subject") == "Maths")["group"]) == {"Y", "N"}
        assert of.filter(pl.col("subject") == "Latin").is_empty()


def test_there_is_one_number_of_people_per_subject_and_none_of_a_group() -> None:
    genders = {f"a{n}": "FM"[n % 2] for n in range(40)}
    without: list[Entry] = [(f"b{n}", "Maths", [4, 4, 5, None]) for n in range(3)]
    entries: list[Entry] = [
        (f"a{n}", "Maths", [4 + n % 3, None, 5 + n // 2 % 2, 4 + n // 4 % 2]) for n in range(40)
    ]
    found = edition(
        [*entries, *without],
        grouped("Gender", {**genders, **dict.fromkeys(("b0", "b1", "b2"), "F")}),
    )

    boxes = found.attainment_subjects.filter(pl.col("group_column") == "all")
    # 43 have a GCSE and a first mock, 3 have a second one, which is not there, 40 have a baseline
    assert boxes.select("series", "n", "median").rows() == [
        ("BASELINE", 40, 4.5),
        ("GCSE", None, 5),
        ("MOCK 1", None, 5),
    ]
    told = found.attainment_progress.filter(pl.col("subject") == "Maths")
    assert told.select("group", "n", "students", "n_residual").rows() == [
        ("F", None, None, None),
        ("M", None, None, None),
        ("all", 40, 40, None),
    ]


def test_without_a_baseline_the_number_is_that_of_the_result() -> None:
    entries: list[Entry] = [
        (f"a{n}", "Maths", [4 + n % 2 if n else "X", None, 5 + n % 2, None]) for n in range(40)
    ]
    boxes = edition(entries).attainment_subjects

    assert boxes.select("series", "n").rows() == [("GCSE", 40), ("MOCK 1", None)]


def messy(seed: int, students: int) -> Tables:
    """A cohort by lot with gaps everywhere, and a band that only those with a baseline have."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    entries: list[Entry] = []
    groups: dict[str, dict[str, str]] = {"Gender": {}, "Band": {}, "PP": {}}
    for n in range(students):
        student, level = f"s{n}", draw.gauss(5, 1.6)
        has_baseline = draw.random() > 0.04
        groups["Gender"][student] = draw.choice("FM")
        groups["PP"][student] = draw.choice("YNN")
        if has_baseline:
            groups["Band"][student] = draw.choice("ABC")
        for subject in ("English", "Maths", *draw.sample(("Art", "French", "History"), 2)):
            grades: list[float | str | None] = [
                None
                if draw.random() < 0.03
                else "X"
                if draw.random() < 0.03
                else min(9, max(0, round(level + draw.gauss(0, 1))))
                for _ in range(3)
            ]
            entries.append((student, subject, [*grades, round(level) if has_baseline else None]))
    columns = pl.concat([grouped(name, values) for name, values in groups.items()])
    clipped: list[Entry] = [
        (student, subject, [*rest, None if base is None else min(9, max(0, float(base)))])
        for student, subject, (*rest, base) in entries
    ]
    return tables(clipped, columns)


Told = dict[tuple[str, str, str], dict[str, int]]
"""Subject, column and group → where a number of people stands → it."""
Seen = list[tuple[object, ...]]
CORE = ("English", "Maths")


def numbers_told(found: Tables) -> Told:
    told: Told = {}
    for name, table, of in (
        ("boxes", found.attainment_subjects, ("n",)),
        ("progress", found.attainment_progress, ("students", "n_residual")),
        ("headlines", found.attainment_headlines, ("n", "students")),
    ):
        for row in table.iter_rows(named=True):
            key = (row.get("subject", "all"), row["group_column"], row["group"])
            for number in of:
                if row[number] is not None and (number, key[0]) != ("n_residual", "all"):
                    told.setdefault(key, {})[f"{name} {row.get('series')} {number}"] = row[number]
    return told


def few_between(told: Told, fewest: int) -> Seen:
    """One group in two tables; those in English or maths, of those in any subject."""
    return [
        (subject, column, group, first, second)
        for (subject, column, group), here in told.items()
        for first, a in (
            here | (told.get(("all", column, group), {}) if subject in CORE else {})
        ).items()
        for second, b in here.items()
        if 0 < abs(a - b) < fewest
    ]


def few_left_over(told: Told, fewest: int) -> Seen:
    """Everybody, less the groups that any table tells."""
    return [
        (subject, column, name, n - known)
        for subject, column in {key[:2] for key in told if key[1] != "all"}
        for known in [
            sum(max(of.values()) for key, of in told.items() if key[:2] == (subject, column))
        ]
        for name, n in told.get((subject, "all", "all"), {}).items()
        if 0 < n - known < fewest
    ]


def rows_that_tell(found: Tables, fewest: int) -> Seen:
    """Which grade the few of a row have, and how many are left of a row."""
    rows: dict[tuple[str, int], list[tuple[int | None, int | None]]] = {}
    for row in found.attainment_transitions.iter_rows(named=True):
        rows.setdefault((row["subject"], row["baseline_grade"]), []).append(
            (row["n"], row["row_n"])
        )
    return [
        place
        for place, cells in rows.items()
        if cells[0][1] is None
        or cells[0][0] == cells[0][1]
        or 0 < cells[0][1] - sum(n or 0 for n, _ in cells) < fewest
    ]


def reasons_that_tell(found: Tables, fewest: int) -> Seen:
    """A reason counted in two figures."""
    rows = found.attainment_exclusions.drop_nulls("students").filter(pl.col("reason") != "included")
    pairs = rows.join(rows, on="subject").filter(
        pl.col("figure") != pl.col("figure_right"),
        (pl.col("students") - pl.col("students_right")).is_between(1, fewest - 1),
    )
    return pairs.select("subject", "reason", "reason_right").rows()


def ends(found: Tables) -> Seen:
    shares = found.attainment_headlines.select("both_4_share", "both_5_share")
    return [
        row for row in shares.rows() if any(s is not None and abs(s - 0.5) >= 0.45 for s in row)
    ]


def solved(found: Tables, fewest: int = 10) -> Seen:
    """What somebody finds who subtracts everything from everything: numbers of few people."""
    told = numbers_told(found)
    return [
        *few_between(told, fewest),
        *few_left_over(told, fewest),
        *rows_that_tell(found, fewest),
        *reasons_that_tell(found, fewest),
        *ends(found),
    ]


@pytest.mark.parametrize("students", [60, 180, 400])
@pytest.mark.parametrize("seed", range(2))
def test_nothing_of_few_people_can_be_solved_from_all_tables_together(
    seed: int, students: int
) -> None:
    whole = messy(seed, students)
    found = shareable(whole, settings())

    assert solved(whole)
    assert solved(found) == []
    assert small_numbers(found, 10) == 0
    # and yet something is left
    assert found.attainment_progress["students"].drop_nulls().len() > 0
    assert found.attainment_headlines["both_4_share"].drop_nulls().len() > 0


def test_the_check_finds_differences_of_few_in_any_pair_of_tables() -> None:
    whole = messy(0, 180)
    found = shareable(whole, settings())
    large = [pl.when(pl.col(name) >= 10).then(pl.col(name)) for name in ("n", "students")]
    for name in ("attainment_subjects", "attainment_progress", "attainment_headlines"):
        table = whole.named()[name]
        leaky = table.with_columns(
            each for each in large if each.meta.output_name() in table.columns
        )
        assert small_numbers(replace(found, **{name: leaky}), 10) > 0, name


def test_a_school_may_say_what_few_is() -> None:
    few = even("a", 6, "Art")

    assert progress(edition(few, fewest=6), "Art") == {"all": (6, -0.3)}
    assert progress(edition(few, fewest=7), "Art") == {}


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
