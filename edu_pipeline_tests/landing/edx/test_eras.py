"""Exports of every era, written by hand as edX wrote them, and what they say of the learners."""

from datetime import datetime

import polars as pl

from edu_pipeline.model.programmes import Learners, RunResults
from edu_pipeline_tests.landing.edx.conftest import Land

RESULT = ("learner_id", "grade", "track", "verification", "certificate_eligible")
CERTIFICATE = ("learner_id", "certificate_delivered", "certificate_type", "enrolled", "has_error")


def test_era_a_has_grades_and_no_certificates(land_files: Land) -> None:
    landed = land_files(
        {
            "UQx_BUSLEAD1x_1T2014_grade_report_2014-08-01-0900.csv": (
                "id,email,username,grade,HW 01,HW 02,HW Avg,Final 01\r\n"
                "11,ada@x.example,ada,0.87,1.0,0.5,0.75,1.0\r\n"
                "12,ben@x.example,ben,0.0,0.0,0.0,0.0,0.0\r\n"
            )
        }
    )
    assert landed.results.select(RESULT).rows() == [
        ("11", 0.87, None, None, None),
        ("12", 0.0, None, None, None),
    ]
    # reports of that time list only who is enrolled
    assert landed.results.select(CERTIFICATE).rows() == [
        ("11", None, None, True, False),
        ("12", None, None, True, False),
    ]
    assert landed.results["run"].unique().to_list() == ["UQx_BUSLEAD1x_1T2014"]
    assert landed.rejected() == []


def test_era_b_has_cohorts_and_teams_before_the_certificates(land_files: Land) -> None:
    landed = land_files(
        {
            "UQx_BUSLEAD1x_1T2016_grade_report_2016-08-01-0900.csv": (
                "id,email,username,grade,HW 01,Cohort Name,Experiment Group (Colour),Team Name,"
                "Enrollment Track,Verification Status,Certificate Eligible,Certificate Delivered,"
                "Certificate Type\r\n"
                "11,ada@x.example,ada,0.91,1.0,Default,red,[unassigned],verified,ID Verified,Y,Y,verified\r\n"
                "12,ben@x.example,ben,0.7,1.0,,,,honor,N/A,Y,N,N/A\r\n"
            )
        }
    )
    assert landed.results.select(RESULT).rows() == [
        ("11", 0.91, "verified", "ID Verified", True),
        ("12", 0.7, "honor", "N/A", True),
    ]
    assert landed.results.select(CERTIFICATE).rows() == [
        ("11", True, "verified", True, False),
        ("12", False, "N/A", True, False),
    ]


def test_era_c_has_labels_with_commas_and_grades_that_were_not_attempted(land_files: Land) -> None:
    landed = land_files(
        {
            "UQx_BUSLEAD1x_1T2018_grade_report_2018-08-01-0900.csv": (
                'Student ID,Email,Username,Grade,"Quiz 1: People, teams","Quiz (Avg)",Exam,'
                "Enrollment Track,Verification Status,Certificate Eligible,Certificate Delivered,"
                "Certificate Type\r\n"
                "11,ada@x.example,ada,0.65,0.5,0.166666666667,Not Available,audit,N/A,N,N,N/A\r\n"
                "12,ben@x.example,ben,0.0,Not Attempted,0.0,Not Attempted,verified,Not ID Verified,N,N,N/A\r\n"
            )
        }
    )
    assert landed.results.select(RESULT).rows() == [
        ("11", 0.65, "audit", "N/A", False),
        ("12", 0.0, "verified", "Not ID Verified", False),
    ]


def test_era_d_lists_who_has_left_too(land_files: Land) -> None:
    landed = land_files(
        {
            "UQx_BUSLEAD1x_1T2024_grade_report_2024-08-01-0900.csv": (
                'Student ID,Email,Username,Grade,"Quiz 1: People",Enrollment Track,'
                "Verification Status,Certificate Eligible,Certificate Delivered,Certificate Type,"
                "Enrollment Status\r\n"
                "11,ada@x.example,ada,0.9,0.9,verified,ID Verified,Y,Y,verified,enrolled\r\n"
                "12,ben@x.example,ben,0.8,0.8,audit,N/A,N,N,N/A,unenrolled\r\n"
            )
        }
    )
    assert landed.results.select("learner_id", "enrolled").rows() == [("11", True), ("12", False)]


def test_profiles_of_all_years_are_read_by_the_names_of_their_columns(land_files: Land) -> None:
    landed = land_files(
        {
            "UQx_BUSLEAD1x_1T2013_student_profile_info_2013-08-01-0900.csv": (
                "username,name,email,language,location,year_of_birth,gender,level_of_education,"
                "mailing_address,goals\r\n"
                "old,Olga Old,olga@x.example,English,Perth,1980,f,m,None,None\r\n"
            ),
            "UQx_BUSLEAD1x_1T2016_student_profile_info_2016-08-01-0900.csv": (
                "id,username,name,email,language,location,year_of_birth,gender,level_of_education,"
                "mailing_address,goals,cohort,team,city,country\r\n"
                '11,ada,Ada Moss,ada@x.example,None,None,1990,f,b,"1 Road,\n""Perth""",None,'
                "[unassigned],[unavailable],None,AU\r\n"
                "12,ben,Ben Oak,ben@x.example,None,None,1991,m,b,None,None,,,None,NA\r\n"
            ),
            "UQx_BUSLEAD1x_1T2022_student_profile_info_2022-08-01-0900.csv": (
                "id,username,name,email,language,location,year_of_birth,gender,level_of_education,"
                "mailing_address,goals,enrollment_mode,verification_status,last_login,date_joined,"
                "external_user_key,city,country\r\n"
                "13,cho,Cho Lee,cho@x.example,,,nan,,,,,verified,ID Verified,"
                "2022-07-01,2020-01-01,,,None\r\n"
            ),
        }
    )
    assert landed.learners.drop("stamp").rows() == [
        ("11", "ada", "ada@x.example", "Ada Moss", "AU", None),
        ("12", "ben", "ben@x.example", "Ben Oak", "NA", None),
        ("13", "cho", "cho@x.example", "Cho Lee", None, None),
        ("u:old", "old", "olga@x.example", "Olga Old", None, "English"),
    ]
    # in a run without a grade report they are enrolled and have no grade
    assert landed.results.select("learner_id", "grade", "track", "enrolled").rows() == [
        ("u:old", None, None, True),
        ("11", None, None, True),
        ("12", None, None, True),
        ("13", None, "verified", True),
    ]
    lines = landed.results.filter(pl.col("run") == "UQx_BUSLEAD1x_1T2016")["line"].to_list()
    assert lines == [2, 4]


def test_staging_has_the_columns_that_the_model_says(land_files: Land) -> None:
    landed = land_files(
        {
            "UQx_BUSLEAD1x_1T2024_grade_report_2024-08-01-0900.csv": (
                "Student ID,Email,Username,Grade\r\n11,ada@x.example,ada,0.9\r\n"
            )
        }
    )
    RunResults.validate(landed.results)
    Learners.validate(landed.learners)
    assert landed.results["stamp"].to_list() == [datetime(2024, 8, 1, 9, 0)]  # noqa: DTZ001
