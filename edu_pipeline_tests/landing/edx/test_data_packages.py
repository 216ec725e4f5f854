"""What edX's data packages say of certificates and enrolments, where grade reports are silent."""

from edu_pipeline_tests.landing.edx.conftest import PROGRAMME, Land

RUN = "course-v1:UQx+BUSLEAD1x+1T2019"
CERTIFICATES = "UQx-BUSLEAD1x-1T2019-certificates_generatedcertificate-prod-analytics.sql"
ENROLMENTS = "UQx-BUSLEAD1x-1T2019-student_courseenrollment-prod-analytics.sql"
COLUMNS = (
    "id\tuser_id\tdownload_url\tgrade\tcourse_id\tkey\tdistinction\tstatus\tverify_uuid\tdownload_uuid\t"
    "name\tcreated_date\tmodified_date\terror_reason\tmode\n"
)


def issued(*rows: tuple[int, str, str], mode: str = "verified", run: str = RUN) -> str:
    """Rows of user id, grade and status."""
    return COLUMNS + "".join(
        f"{n}\t{user}\tNULL\t{grade}\t{run}\tNULL\t0\t{status}\ta1\tb2\t"
        f'"Bo" \\\\ O\\tHara\t2019-07-0{n} 08:00:00\t2019-07-09 08:00:00\tNULL\t{mode}\n'
        for n, (user, grade, status) in enumerate(rows, start=1)
    )


def enrolled(*rows: tuple[int, int, str]) -> str:
    """Rows of user id, is_active and mode."""
    return "id\tuser_id\tcourse_id\tcreated\tis_active\tmode\n" + "".join(
        f"{n}\t{user}\t{RUN}\t2019-02-01 00:00:00\t{active}\t{mode}\n"
        for n, (user, active, mode) in enumerate(rows, start=1)
    )


def test_a_run_without_reports_is_known_by_its_tables(land_files: Land) -> None:
    found = land_files(
        {
            CERTIFICATES: issued((7, "0.8", "downloadable"), (8, "0.3", "notpassing")),
            ENROLMENTS: enrolled((7, 1, "verified"), (8, 1, "verified"), (9, 0, "audit")),
        }
    )
    rows = found.results.select(
        "run",
        "learner_id",
        "grade",
        "track",
        "certificate_delivered",
        "certificate_paid",
        "enrolled",
    ).rows()
    run = "UQx_BUSLEAD1x_1T2019"
    assert rows == [
        (run, "7", 0.8, "verified", True, True, True),
        (run, "8", 0.3, "verified", False, None, True),
        (run, "9", None, "audit", None, None, False),
    ]
    assert found.problems.is_empty() or "unreadable_list" not in found.problems["kind"].to_list()
    package = found.table("stg_data_packages").sort("learner_id")
    assert str(package["issued_on"][0]) == "2019-07-01"


GRADES = (
    "id,email,username,grade,Enrollment Track,Verification Status,Certificate Eligible,"
    "Certificate Delivered,Certificate Type\n"
)


def test_what_a_report_says_stands_and_nobody_is_there_twice(land_files: Land) -> None:
    found = land_files(
        {
            "UQx_BUSLEAD1x_1T2019_grade_report_2019-08-01-0930.csv": GRADES
            + "7,g@x.example,g,0.9,verified,ID Verified,Y,N,N/A\n"
            + "8,h@x.example,h,0.7,verified,N/A,Y,Y,verified\n",
            CERTIFICATES: issued((7, "0.8", "downloadable"), (8, "0.7", "invalidated")),
            ENROLMENTS: enrolled((7, 1, "audit"), (8, 0, "verified")),
        }
    )
    rows = found.results.select(
        "learner_id", "grade", "track", "certificate_delivered", "enrolled"
    ).rows()
    # the report has no column of who left, so that the table may say it
    assert rows == [("7", 0.9, "verified", False, True), ("8", 0.7, "verified", True, False)]


def test_a_report_of_who_left_stands_against_the_table(land_files: Land) -> None:
    found = land_files(
        {
            "UQx_BUSLEAD1x_1T2019_grade_report_2019-08-01-0930.csv": GRADES.replace(
                "Type\n", "Type,Enrollment Status\n"
            )
            + "7,g@x.example,g,0.9,verified,ID Verified,Y,N,N/A,enrolled\n",
            ENROLMENTS: enrolled((7, 0, "audit")),
        }
    )
    assert found.results["enrolled"].to_list() == [True]


def test_a_report_from_before_the_columns_of_certificates_is_filled(land_files: Land) -> None:
    found = land_files(
        {
            "UQx_BUSLEAD1x_1T2019_grade_report_2014-08-01-0930.csv": "id,email,username,grade,HW 01\n"
            "7,g@x.example,g,0.9,1.0\n8,h@x.example,h,0.9,1.0\n",
            CERTIFICATES: issued((7, "0.8", "downloadable"), (8, "0.9", "unverified")),
        }
    )
    rows = found.results.select(
        "grade", "certificate_eligible", "certificate_delivered", "verification"
    ).rows()
    assert rows == [(0.9, True, True, None), (0.9, True, False, "Not ID Verified")]


def test_rows_of_other_courses_and_words_that_edx_does_not_have_are_no_evidence(
    land_files: Land,
) -> None:
    found = land_files(
        {
            f"micromasters/{CERTIFICATES}": issued((7, "0.8", "downloadable"), (8, "0.8", "lost"))
            + issued((9, "0.8", "downloadable"), run="OtherX/OTHER1/2014").removeprefix(COLUMNS)
        }
    )
    assert found.table("stg_data_packages")["learner_id"].to_list() == ["7"]
    assert [row[:3] for row in found.rejected()] == [("course_certificates", 3, "unknown_status")]
    assert found.table("outside_course_certificates").select("rule", "rows").rows() == [
        ("another_course", 1)
    ]


def test_an_old_table_that_was_saved_again_is_no_newer_than_it_was(land_files: Land) -> None:
    table = issued((7, "0.8", "downloadable"))
    first = land_files({CERTIFICATES: table})
    before = first.table("stg_data_packages")["listed_at"].item()

    again = land_files({CERTIFICATES: table}, again=first)
    assert again.table("stg_data_packages")["listed_at"].item() == before

    changed = land_files(
        {CERTIFICATES: issued((7, "0.8", "downloadable"), (8, "0.8", "downloadable"))}, again=again
    )
    assert changed.table("stg_data_packages")["listed_at"].min() > before


def test_a_listed_run_that_only_its_tables_are_of_is_no_run_that_nobody_knows(
    land_files: Land,
) -> None:
    listed = '\n[[programmes.runs]]\ncourse = "buslead1x"\nrun = "1T2019"\n'
    newer = {"UQx_BUSLEAD1x_1T2024_grade_report_2024-08-01-0600.csv": GRADES}
    asked = ("run_without_export", "UQx_BUSLEAD1x_1T2019")

    without = land_files(newer, PROGRAMME + listed)
    assert asked in without.problems.select("kind", "subject").rows()

    tables = {CERTIFICATES: issued((7, "0.8", "downloadable"))}
    found = land_files({**newer, **tables}, PROGRAMME + listed)
    assert asked not in found.problems.select("kind", "subject").rows()
