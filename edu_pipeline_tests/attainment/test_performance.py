"""Attainment 8 and the EBacc, worked out by hand by the published rules."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest

from edu_pipeline.attainment.metrics import cohort_tables
from edu_pipeline.attainment.outcomes import attainment_outcomes
from edu_pipeline.attainment.performance import (
    PART_OF_A_FILE,
    attainment_measures,
    attainment_performance,
    of_whole_files,
    taken_for_approved,
)
from edu_pipeline_tests.attainment.conftest import (
    NO_GROUPS,
    NOTHING_STATED,
    Entry,
    Grade,
    grouped,
    landed,
    settings,
    students_of,
    tables,
)
from edu_pipeline_tests.attainment.test_metrics import row

CORE = {"English Language": 4, "English Literature": 4, "Maths": 4}


def of_student(student: str, grades: Mapping[str, Grade]) -> list[Entry]:
    return [(student, subject, [None, None, grade, None]) for subject, grade in grades.items()]


def measures(grades: Mapping[str, Grade], **changes: Any) -> dict[str, Any]:
    """Those of a student with these grades."""
    return measures_of(landed(of_student("s", grades)), **changes)


def measures_of(results: pl.DataFrame, **changes: Any) -> dict[str, Any]:
    """Those of the only student, however few subjects there are."""
    return every_measure(results, **changes).row(0, named=True)


def every_measure(results: pl.DataFrame, **changes: Any) -> pl.DataFrame:
    own = settings(**changes)
    return attainment_measures(attainment_outcomes(results, own), students_of(results), own)


def performance_of(results: pl.DataFrame) -> pl.DataFrame:
    own, outcomes = settings(), attainment_outcomes(results, settings())
    return attainment_performance(every_measure(results), outcomes, NO_GROUPS, own)


WORKED: Mapping[str, tuple[Mapping[str, Grade], float, bool, float]] = {
    # twice 7 and twice 5; History 6, Combined 5.5 twice; Art 8, the lower English 6, French 4
    "all slots, combined science": (
        {
            "English Language": 6,
            "English Literature": 7,
            "Maths": 5,
            "Combined Science": 5.5,
            "History": 6,
            "French": 4,
            "Art": 8,
            "Drama": 3,
        },
        14 + 10 + 17 + 18,
        True,
        (7 + 5 + 11 + 6 + 4) / 6,
    ),
    # English counts once and is no pillar; the fourth EBacc subject, Geography, is open
    "language without literature": (
        {
            "English Language": 5,
            "Maths": 4,
            "Biology": 6,
            "Chemistry": 5,
            "Physics": 7,
            "Geography": 3,
            "Art": 2,
        },
        5 + 8 + 18 + 5,
        False,
        (0 + 4 + 13 + 3 + 0) / 6,
    ),
    # a U fills its slot with 0, an absence is no result
    "U in language, absent in literature": (
        {"English Language": 0, "English Literature": "X", "Maths": 3},
        6,
        False,
        3 / 6,
    ),
    "U in literature doubles language": (
        {"English Language": 5, "English Literature": 0, "Maths": 3},
        10 + 6 + 0,
        False,
        (5 + 3) / 6,
    ),
    "computer science as the third science": (
        {**CORE, "Computer Science": 8, "Biology": 4, "Chemistry": 6},
        8 + 8 + 18 + 4,
        False,
        (4 + 4 + 14) / 6,
    ),
    "two single sciences fill slots and are no pillar": (
        {"English Language": 5, "English Literature": 3, "Maths": 7, "Biology": 9, "Chemistry": 9},
        10 + 14 + 18 + 3,
        False,
        (5 + 7) / 6,
    ),
    # Latin 9, Spanish 8, French 7; Geography 6, the other English 4, History 5
    "languages, ancient ones too": (
        {**CORE, "French": 7, "Spanish": 8, "Latin": 9, "History": 5, "Geography": 6},
        8 + 8 + 24 + 15,
        False,
        (4 + 4 + 6 + 9) / 6,
    ),
    # History 7, French 6, Combined 4.5; Music 5, Combined 4.5, the other English 4
    "combined science between two buckets": (
        {**CORE, "Combined Science": 4.5, "History": 7, "French": 6, "Music": 5},
        8 + 8 + 17.5 + 13.5,
        True,
        (4 + 4 + 9 + 7 + 6) / 6,
    ),
    "of many open subjects the best three": (
        {**CORE, "Art": 9, "Drama": 8, "Music": 7, "BTEC Sport": 5.5, "Statistics": 6},
        8 + 8 + 0 + 24,
        False,
        8 / 6,
    ),
    "English beside literature is language": (
        {"English": 6, "Eng Lit": 5, "Ma": 5},
        12 + 10 + 5,
        False,
        11 / 6,
    ),
    "short courses do not count": (
        {**CORE, "Religious Studies (Short Course)": 9},
        8 + 8 + 4,
        False,
        8 / 6,
    ),
}


@pytest.mark.parametrize("example", WORKED)
def test_worked_examples(example: str) -> None:
    grades, total, entered, points = WORKED[example]
    found = measures(grades)

    assert found["attainment_8"] == total
    assert found["average_grade"] == total / 10
    assert found["ebacc_entered"] is entered
    assert found["ebacc_points"] == pytest.approx(points)
    assert (found["rules"], found["why_not"], found["provisional"]) == ("2024/25", None, False)


def test_each_bucket_says_what_is_in_it() -> None:
    found = measures(WORKED["combined science between two buckets"][0])

    assert (found["english"], found["english_doubled"], found["maths"]) == (4, True, 4)
    assert (found["ebacc"], found["ebacc_filled"]) == (17.5, 3)
    assert found["ebacc_from"] == "History, French, Combined Science"
    assert (found["open"], found["open_filled"]) == (13.5, 3)
    assert found["open_from"] == "Music, Combined Science, English Literature"
    empty = measures(WORKED["U in language, absent in literature"][0])
    assert (empty["ebacc"], empty["ebacc_filled"], empty["ebacc_from"]) == (0, 0, None)


def test_where_english_may_be_either_there_are_no_measures() -> None:
    found = measures({"English": 6, "Maths": 5})

    assert found["why_not"] == "English is language, literature or both: not said"
    none = ("attainment_8", "average_grade", "ebacc_entered", "ebacc_points", "ebacc", "open")
    assert [found[name] for name in none] == [None] * len(none)


def test_a_student_without_a_result_is_not_counted_as_nothing() -> None:
    found = landed([*of_student("s", CORE), *of_student("t", {"Maths": "X"})])

    assert every_measure(found).select("student_id", "attainment_8", "why_not").rows() == [
        ("s", 20, None),
        ("t", None, "no result in any subject"),
    ]
    everybody = row(performance_of(found))
    assert (everybody["students"], everybody["n"], everybody["attainment_8"]) == (2, 1, 20)


def test_what_does_not_count_is_for_the_school_to_say() -> None:
    grades = {**CORE, "BTEC Sport": 7, "iMedia": 5.5, "Art": 3}

    assert measures(grades)["attainment_8"] == 16 + 7 + 5.5 + 4
    assert measures(grades, uncounted=("BTEC Sport",))["attainment_8"] == 16 + 5.5 + 4 + 3
    assert taken_for_approved(dict.fromkeys(grades, "gcse"), settings()) == ["BTEC Sport", "iMedia"]
    assert taken_for_approved(dict.fromkeys(grades, "gcse"), settings(uncounted=("iMedia",))) == [
        "BTEC Sport"
    ]


def test_until_the_final_is_there_measures_are_provisional() -> None:
    entries: list[Entry] = [
        ("s", "Maths", [3, 5, None, None]),
        ("s", "History", [4, None, 6, None]),
        ("t", "History", [4, None, 2, None]),
    ]
    found = landed(entries)

    assert every_measure(found).select("student_id", "attainment_8", "provisional").rows() == [
        ("s", 16, True),
        ("t", 2, False),
    ]
    everybody = row(performance_of(found))
    assert (everybody["compared"], everybody["provisional"]) == ("GCSE and MOCK 2", 1)


def test_means_have_intervals_and_say_how_many_slots_are_filled() -> None:
    grades = [WORKED[name][0] for name in ("all slots, combined science", *list(WORKED)[6:8])]
    entries = [entry for n, of in enumerate(grades) for entry in of_student(f"s{n}", of)]
    found = tables(entries, grouped("Gender", {"s0": "F", "s1": "M", "s2": "M"}))

    everybody = row(found.attainment_performance)
    # 59, 55, 47: mean 161 ÷ 3, s = 6.110101, s ÷ √3 = 3.527668, t(2) = 4.302653
    assert everybody["attainment_8"] == pytest.approx(161 / 3)
    assert everybody["attainment_8_low"] == pytest.approx(161 / 3 - 15.178329, abs=1e-5)
    assert everybody["attainment_8_high"] == pytest.approx(161 / 3 + 15.178329, abs=1e-5)
    assert everybody["mean_english"] == pytest.approx((14 + 8 + 8) / 3)
    assert everybody["mean_maths"] == pytest.approx((10 + 8 + 8) / 3)
    assert everybody["mean_ebacc"] == pytest.approx((17 + 24 + 17.5) / 3)
    assert everybody["mean_open"] == pytest.approx((18 + 15 + 13.5) / 3)
    assert (everybody["mean_ebacc_filled"], everybody["mean_open_filled"]) == (3, 3)
    assert (everybody["ebacc_entered"], everybody["ebacc_entered_share"]) == (2, 2 / 3)
    # Wilson for 2 of 3
    assert everybody["ebacc_entered_low"] == pytest.approx(0.207655, abs=1e-5)
    assert everybody["ebacc_entered_high"] == pytest.approx(0.938508, abs=1e-5)
    men = row(found.attainment_performance, group_column="Gender", group="M")
    assert (men["n"], men["attainment_8"]) == (2, 51)
    assert men["ebacc_points"] == pytest.approx((23 / 6 + 5) / 2)
    assert (
        row(found.attainment_performance, group_column="Gender", group="F")["attainment_8_low"]
        is None
    )


def test_an_award_that_is_no_gcse_is_open_whatever_its_subject() -> None:
    results = landed(of_student("s", {**CORE, "Science": 5.5, "History": 6}))
    award = pl.when(pl.col("subject") == "Science").then(pl.lit("level_2")).otherwise("scale")
    found = measures_of(results.with_columns(scale=award))

    # Science is one award, beside the other English
    assert (found["ebacc_from"], found["open_from"]) == ("History", "Science, English Literature")
    assert found["attainment_8"] == 16 + 6 + 9.5


def test_a_fine_grade_counts_as_the_whole_one() -> None:
    results = landed(of_student("s", {"Maths": 5 - 1 / 3, "History": 6 + 1 / 3}))
    whole = results.with_columns(whole=pl.Series([5, 6]))

    assert measures_of(whole)["attainment_8"] == 2 * 5 + 6


def test_where_few_students_fill_six_of_the_eight_slots_no_measure_is_shown() -> None:
    six = {
        **CORE,
        "History": 5,
        "French": 5,
        "Biology": 5,
    }  # with the other English in an open slot
    five = {"English Language": 4, "Maths": 4, "History": 5, "French": 5, "Biology": 5}
    half = tables([*of_student("s", six), *of_student("t", five)])
    assert half.attainment_measures["attainment_8"].to_list() == [16 + 15 + 4, 4 + 8 + 15]
    assert row(half.attainment_performance)["n"] == 2

    few = tables([*of_student("s", six), *of_student("t", five), *of_student("u", five)])
    assert few.attainment_measures["why_not"].to_list() == [PART_OF_A_FILE] * 3
    figures = ("attainment_8", "average_grade", "ebacc_entered", "ebacc_points", "ebacc", "open")
    assert few.attainment_measures.select(pl.col(figures).count()).row(0) == (0,) * 6
    assert few.attainment_performance.is_empty()


def test_who_has_no_result_says_nothing_of_the_file() -> None:
    found = landed([*of_student("s", {"Maths": 4}), *of_student("t", {"Maths": "X"})])
    assert of_whole_files(every_measure(found))["why_not"].to_list() == [
        PART_OF_A_FILE,
        "no result in any subject",
    ]


def test_students_of_16_to_18_have_none() -> None:
    results = landed(of_student("s", {"Maths": 5})).with_columns(scale=pl.lit("a_level"))

    found = cohort_tables(results, students_of(results), NO_GROUPS, NOTHING_STATED, settings())
    assert found.attainment_measures.is_empty()
    assert found.attainment_performance.is_empty()
