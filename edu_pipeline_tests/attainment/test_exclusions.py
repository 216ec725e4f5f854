import polars as pl

from edu_pipeline_tests.attainment.conftest import Entry, tables

COHORT: list[Entry] = [
    ("ana", "Maths", [4, 4, 5, 5]),
    ("ana", "Art", [None, None, 6, None]),
    ("bo", "Maths", ["X", 4, "X", 5]),
    ("cy", "Maths", [4, None, None, 5]),
    ("di", "Maths", [4, 4, 5, None]),
    ("ed", "Maths", [None, 4, None, None]),
    ("fi", "Maths", [None, None, None, 5]),
]
FOUND = tables(COHORT)


def left_out(figure: str, series: str, subject: str = "Maths") -> dict[str, str]:
    """Student → why they are not in it."""
    rows = FOUND.attainment_left_out.filter(
        pl.col("figure") == figure, pl.col("series") == series, pl.col("subject") == subject
    )
    return dict(rows.select("student_id", "reason").iter_rows())


def test_a_box_plot_leaves_out_who_has_no_grade_in_the_series() -> None:
    assert left_out("grades", "GCSE") == {
        "bo": "absent",
        "cy": "no result",
        "ed": "no result",
        "fi": "no result in any exam series",
    }
    assert left_out("grades", "BASELINE") == {"di": "no baseline", "ed": "no baseline"}


def test_value_added_leaves_out_who_lacks_either_side() -> None:
    assert left_out("progress", "GCSE") == {
        "bo": "absent",
        "cy": "no result",
        "di": "no baseline",
        "ed": "no baseline and no result",
        "fi": "no result in any exam series",
    }


def test_the_residual_leaves_out_who_has_no_other_subject() -> None:
    reasons = left_out("residual", "GCSE")
    assert "ana" not in reasons
    assert reasons["di"] == "no other subject"


def test_calibration_leaves_out_who_lacks_the_mock_or_the_final() -> None:
    assert left_out("calibration", "MOCK 1") == {
        "bo": "no result in MOCK 1",
        "cy": "no result in GCSE",
        "ed": "no result in MOCK 1",
        "fi": "no result in any exam series",
    }


def test_headlines_leave_out_who_has_no_english_or_maths() -> None:
    reasons = left_out("headlines", "all", "all")
    assert reasons["ana"] == "no result in English"
    assert reasons["cy"] == "no result in English nor in maths"


def test_everybody_is_counted_in_or_out_of_each_figure() -> None:
    counts = FOUND.attainment_exclusions
    maths = counts.filter(pl.col("subject") == "Maths").group_by("figure", "series")
    assert {total for _, _, total in maths.agg(pl.col("students").sum()).iter_rows()} == {6}
    included = counts.filter(
        pl.col("figure") == "progress", pl.col("reason") == "included", pl.col("subject") == "Maths"
    )
    assert included["students"].to_list() == [1]


def test_a_set_of_subjects_that_nobody_else_has_tells_who_it_is() -> None:
    sets = {
        "ana": ["Maths", "Art"],
        "bo": ["Art", "Maths"],
        "cy": ["Maths"],
        "di": ["Maths", "Latin"],
        "ed": ["Music"],
        "fi": ["Music"],
    }
    entries: list[Entry] = [
        (student, subject, [None, None, 5, 5])
        for student, subjects in sets.items()
        for subject in subjects
    ]
    # a baseline alone is no subject that somebody sits
    entries.append(("ed", "Physics", [None, None, None, 5]))

    found = tables(entries, fewest=3).attainment_uniqueness.row(0, named=True)
    assert found == {"cohort": "2026", "students": 6, "sets": 4, "identified": 2, "in_small": 6}
