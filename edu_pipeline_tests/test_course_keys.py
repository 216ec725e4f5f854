import pytest

from edu_pipeline.model.course_keys import canonical, course_of, folded


@pytest.mark.parametrize(
    "spelling",
    [
        "course-v1:UQx+ENGY3x+1T2019",
        "UQx/ENGY3x/1T2019",
        "UQx_ENGY3x_1T2019",
        "course-v1:UQx_ENGY3x_1T2019",
        "course-v1_UQx_ENGY3x_1T2019",
        "course-v1%3AUQx%2BENGY3x%2B1T2019",
        " UQx_ENGY3x_1T2019 ",
    ],
)
def test_all_spellings_of_a_run_are_one_key(spelling: str) -> None:
    assert canonical(spelling) == "UQx_ENGY3x_1T2019"


def test_case_is_kept_to_show_and_dropped_to_compare() -> None:
    assert canonical("uqx/engy3x/1t2019") == "uqx_engy3x_1t2019"
    assert folded("uqx/engy3x/1t2019") == folded("course-v1:UQx+ENGY3x+1T2019")


def test_a_custom_course_has_the_key_that_its_files_have() -> None:
    assert canonical("ccx-v1:Org+Course+Run+ccx@5") == "Org_Course_Run_ccx_5"


def test_a_key_is_written_as_in_names_of_files() -> None:
    assert canonical("course-v1:UTPL+MAATE'1~x+2024 2") == "UTPL_MAATE1x_2024_2"


def test_keys_are_not_taken_apart_at_underscores() -> None:
    courses = {"air": "Partner_2/MAATE-UTPL", "sea": "Partner_2/SEA_1"}
    assert course_of("Partner_2_MAATE-UTPL_2025_fall", courses) == ("air", "2025_fall")
    assert course_of("course-v1:Partner_2+SEA_1+Jan_2015", courses) == ("sea", "Jan_2015")


def test_the_longest_key_counts_and_a_course_whose_name_only_begins_alike_does_not() -> None:
    courses = {"one": "UQx/ENGY1", "two": "UQx/ENGY1_2"}
    assert course_of("UQx_ENGY1_2_1T2019", courses) == ("two", "1T2019")
    assert course_of("UQx_ENGY1x_1T2019", courses) is None
    assert course_of("UQx_ENGY1", courses) is None


def test_a_run_is_of_its_course_in_any_case() -> None:
    assert course_of("uqx_engy1x_2T2018a", {"one": "UQx_ENGY1x"}) == ("one", "2T2018a")
