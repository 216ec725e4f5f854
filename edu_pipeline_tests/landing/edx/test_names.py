from datetime import datetime

import pytest

from edu_pipeline.landing.sources.edx.edx_names import parsed

STAMP = datetime(2024, 1, 26, 10, 30)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("file", "run", "kind"),
    [
        ("UQx_ENGY3x_1T2019_grade_report_2024-01-26-1030.csv", "UQx_ENGY3x_1T2019", "grades"),
        ("UQx_ENGY3x_2T2018a_student_profile_info_2024-01-26-1030.csv", "UQx_ENGY3x_2T2018a", "profile"),
        ("UQx_ENGY3x_1T2019_grade_report_err_2024-01-26-1030.csv", "UQx_ENGY3x_1T2019", "grade_errors"),
        ("UQx_ENGY3x_1T2019_problem_grade_report_2024-01-26-1030.csv", "UQx_ENGY3x_1T2019", None),
        ("UQx_ENGY3x_1T2019_problem_grade_report_err_2024-01-26-1030.csv", "UQx_ENGY3x_1T2019", None),
        ("UQx_ENGY3x_1T2019_may_enroll_info_2024-01-26-1030.csv", "UQx_ENGY3x_1T2019", None),
        ("UQx_ENGY3x_1T2019_anonymized_ids_2024-01-26-1030.csv", "UQx_ENGY3x_1T2019", None),
        ("UQx_ENGY3x_1T2019_ORA_data_2024-01-26-1030.csv", "UQx_ENGY3x_1T2019", None),
        ("UQx_A_1_student_state_from_block-v1_UQx_2024-01-26-1030.csv", "UQx_A_1", None),
        ("Partner_2_MAATE-UTPL_2025_fall_grade_report_2024-01-26-1030.csv", "Partner_2_MAATE-UTPL_2025_fall", "grades"),
        ("course-v1_edX_DemoX_Demo_Course_grade_report_2024-01-26-1030.csv", "edX_DemoX_Demo_Course", "grades"),
        ("course-v1%3AMITx%2B6.00%2BJan_2015_grade_report_2024-01-26-1030.csv", "MITx_6.00_Jan_2015", "grades"),
        ("Org_Course_Run_ccx_5_grade_report_2024-01-26-1030.csv", "Org_Course_Run_ccx_5", "grades"),
        ("UQx_ENGY3x_1T2019_grade_report_2024-01-26-1030 (1).csv", "UQx_ENGY3x_1T2019", "grades"),
        ("UQx_ENGY3x_1T2019_grade_report_2024-01-26-1030 - Copy.CSV", "UQx_ENGY3x_1T2019", "grades"),
        ("UQx_ENGY3x_1T2019_grade_report_2024-01-26-1030.xlsx", "UQx_ENGY3x_1T2019", "grades"),
        ("UQx_ENGY3x_1T2019_grade_report_2024-01-26-1030 (2).csv.GZ", "UQx_ENGY3x_1T2019", "grades"),
        ("2019/UQx_ENGY3x_1T2019_grade_report_2024-01-26-1030.csv", "UQx_ENGY3x_1T2019", "grades"),
    ],
)  # fmt: skip
def test_names_are_read_from_the_right(file: str, run: str, kind: str | None) -> None:
    name = parsed(f"micromasters/engy/{file}")
    assert name is not None
    assert (name.run, name.kind, name.stamp) == (run, kind, STAMP)


@pytest.mark.parametrize(
    "file",
    [
        "grades.csv",
        "UQx_ENGY3x_1T2019_grade_report.csv",
        "UQx_ENGY3x_1T2019_grade_report_2024-02-31-1030.csv",
        "UQx_ENGY3x_1T2019_something_else_2024-01-26-1030.csv",
        "UQx_ENGY3x_1T2019_grade_report_2024-01-26-1030.zip",
        "_grade_report_2024-01-26-1030.csv",
    ],
)
def test_what_edx_names_otherwise_is_no_report(file: str) -> None:
    assert parsed(file) is None
