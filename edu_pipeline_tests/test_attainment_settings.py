"""`[attainment]` of `pipeline.toml`."""

import tomllib

import pytest
from pydantic import ValidationError

from edu_pipeline.chance.disclosure import FEWEST_SHOWN
from edu_pipeline.ground.shipped import PROJECT
from edu_pipeline.landing.sources.results.result_reading import read_cohort
from edu_pipeline.model.subjects import in_school_order
from edu_pipeline.settings.attainment import Attainment, series_column

EXAMPLES = PROJECT / "docs" / "examples"


def test_the_defaults_are_two_mocks_the_gcse_and_a_baseline() -> None:
    settings = Attainment()
    assert settings.sat == ("MOCK 1", "MOCK 2", "GCSE")
    assert (settings.final, settings.baseline, settings.tolerance) == ("GCSE", "BASELINE", 0)
    assert settings.fewest == FEWEST_SHOWN
    assert [series_column(name) for name in settings.series] == [
        *("mock_1", "mock_2", "gcse", "baseline"),
    ]


def test_a_list_of_series_without_the_baseline_has_it_last() -> None:
    settings = Attainment.model_validate({"series": ["Autumn", "Summer"], "final": "Summer"})
    assert settings.series == ("Autumn", "Summer", "BASELINE")


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"series": ["A", "B"]}, "final = 'GCSE' is none of series"),
        ({"final": "BASELINE"}, "final and baseline must be two different series"),
        ({"series": ["GCSE", "Mock 1", "mock-1"]}, "two series are called 'Mock 1'"),
        ({"series_names": {"Nov": "MOCK 9"}}, "'Nov' = 'MOCK 9' is none of series"),
        ({"grades": {"5+": 12}}, "less than or equal to 9"),
        ({"grades": {"wb": 0}, "no_grade": ["WB"]}, "'WB' is in grades and in no_grade"),
        ({"columns": {"pupil": "x"}}, "Input should be 'student_id'"),
    ],
)
def test_what_does_not_fit_together_is_said(section: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Attainment.model_validate(section)


def test_the_examples_of_the_documentation_are_read() -> None:
    text = (EXAMPLES / "attainment.toml").read_text(encoding="utf-8")
    settings = Attainment.model_validate(tomllib.loads(text)["attainment"])
    assert settings.series_names["Target"] == "BASELINE"
    folder = EXAMPLES / "attainment"
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.csv"))
    }
    landed = read_cohort(files, Attainment())
    assert landed.rejected.is_empty()
    assert set(landed.notes["kind"]) == {"not_read"}  # Latin, which nobody takes
    assert landed.results.height == 8 + 4


def test_subjects_are_in_the_schools_order_else_english_maths_sciences_humanities_languages() -> (
    None
):
    subjects = ["Art", "French", "Geog", "Biology", "Maths", "dance", "Eng Lit", "English Language"]
    assert in_school_order(subjects) == [
        *("English Language", "Eng Lit", "Maths", "Biology", "Geog", "French", "Art", "dance"),
    ]
    # in any spelling; what it does not have comes behind by its name
    assert in_school_order(subjects, ["Geography", "Mathematics"]) == [
        *("Geog", "Maths", "Art", "Biology", "dance", "Eng Lit", "English Language", "French"),
    ]
