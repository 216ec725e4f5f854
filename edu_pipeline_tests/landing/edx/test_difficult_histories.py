"""What was reported in public about edX's reports, in made-up learners, from the files to who completed.

Each was wrong somewhere: a certificate that `Certificate Eligible` promised and nobody had, one that was taken
back, one that a learner who has left keeps.
"""

import tomllib
from datetime import date

import polars as pl

from edu_pipeline.facts.certificates_issued import build_course_certificates
from edu_pipeline.facts.completion_doubts import doubts
from edu_pipeline.facts.run_results import build_course_completion, learner_rows
from edu_pipeline.facts.run_states import build_run_states
from edu_pipeline.ground.warehouse import read_table, write_table
from edu_pipeline.landing.sources.edx.data_packages import packaged_runs
from edu_pipeline.landing.sources.edx.exports import course_runs
from edu_pipeline.programmes.completion import programme_progress
from edu_pipeline.programmes.runs import programme_runs
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.landing.edx.conftest import PROGRAMME, TODAY, Land

RUN = """
[[programmes.runs]]
course = "buslead1x"
run = "1T2026"
ends = 2026-03-01
certificates_available = 2026-05-01
"""
HEADER = (
    "Student ID,Email,Username,Grade,Homework (Avg),Enrollment Track,Verification Status,"
    "Certificate Eligible,Certificate Delivered,Certificate Type,Enrollment Status\n"
)
VERIFIED = "verified,ID Verified,Y,Y,verified,enrolled"
OWED = "verified,ID Verified,Y,N,N/A,enrolled"
OTHERS = {str(n): ("0.8", VERIFIED, VERIFIED) for n in range(100, 200)}
"""So many that one certificate less is no report that lost its certificates."""
MISSING = ""
HISTORIES = {
    # Eligible stays Y for who has left or was refunded, and nothing is delivered (mitxpro 669)
    "1": ("0.9", OWED, "verified,N/A,Y,N,N/A,unenrolled"),
    # nor to who never verified who they are, whatever Eligible says
    "2": ("0.9", OWED, "verified,Not ID Verified,Y,N,N/A,enrolled"),
    # delivered and then invalidated (openedx 12666, micromasters 5250)
    "3": ("0.9", VERIFIED, OWED),
    # on the list of exceptions: a certificate, and no pass of that grade (edx-documentation 1692)
    "4": ("0.1", VERIFIED, VERIFIED),
    # a certificate of a track without a fee or an identity does not count
    "5": ("0.9", "honor,N/A,Y,Y,honor,enrolled", "honor,N/A,Y,Y,honor,enrolled"),
    "6": ("0.9", "audit,N/A,N,N,N/A,enrolled", "audit,N/A,N,N,N/A,enrolled"),
    # who has left keeps a certificate that was delivered (micromasters 3969)
    "7": ("0.9", VERIFIED, "verified,ID Verified,Y,Y,verified,unenrolled"),
    # certificates are out since May, and theirs is not there
    "8": ("0.9", OWED, OWED),
    # upgraded after the pass
    "9": ("0.9", "audit,N/A,N,N,N/A,enrolled", VERIFIED),
    # paid, and below the mark
    "10": (
        "0.64",
        "verified,ID Verified,N,N,N/A,enrolled",
        "verified,ID Verified,N,N,N/A,enrolled",
    ),
    # in the newest report no more: with a certificate, with a pass that was paid for, and without fee;
    # of 14 and 15 an older profile says that they are enrolled
    "11": ("0.9", VERIFIED, MISSING),
    "12": ("0.9", OWED, MISSING),
    "13": ("0.9", "audit,N/A,N,N,N/A,enrolled", MISSING),
    "14": ("0.9", VERIFIED, MISSING),
    "15": ("0.4", "verified,ID Verified,N,N,N/A,unenrolled", MISSING),
}
PROFILE = "id,username,email\n" + "".join(f"{n},u{n},u{n}@x.example\n" for n in (14, 15))


def report(newest: int) -> str:
    rows = {**OTHERS, **HISTORIES}.items()
    return HEADER + "".join(
        f"{who},u{who}@x.example,u{who},{grade},0.5,{said[newest]}\n"
        for who, (grade, *said) in rows
        if said[newest] != MISSING
    )


def test_learners_stand_where_they_stand_and_three_of_them_completed_the_core(
    land_files: Land,
) -> None:
    landed = land_files(
        {
            "UQx_BUSLEAD1x_1T2026_grade_report_2026-04-01-0900.csv": report(0),
            "UQx_BUSLEAD1x_1T2026_grade_report_2026-09-01-0900.csv": report(1),
            "UQx_BUSLEAD1x_1T2026_student_profile_info_2026-08-01-0900.csv": PROFILE,
        },
        PROGRAMME + RUN,
    )
    con = landed.con
    programmes = Settings.model_validate(tomllib.loads(PROGRAMME + RUN)).programmes
    runs = programme_runs(
        programmes, course_runs(programmes, landed.exports, packaged_runs(con)), TODAY
    )
    write_table(con, "programme_runs", runs)
    build_run_states(con)
    build_course_completion(con)
    build_course_certificates(con)

    states = read_table(con, "run_states").filter(pl.col("learner_id").is_in([*HISTORIES]))
    april, may, september = date(2026, 4, 1), date(2026, 5, 1), date(2026, 9, 1)
    states = states.sort(pl.col("learner_id").cast(pl.Int64))
    found = states.select("state", "since").rows()
    assert found == [
        ("left", september),
        ("not_verified", september),
        ("revoked", september),
        ("delivered", april),
        ("passed_free", april),
        ("passed_free", april),
        ("delivered", april),
        ("due", may),
        ("delivered", september),
        ("enrolled", april),
        ("revoked", september),
        ("left", september),
        ("revoked", september),
        ("left", april),
    ]
    assert states.filter("missing")["learner_id"].to_list() == ["11", "12", "14"]
    courses = [course.id for course in programmes[0].courses]
    progress = programme_progress(programmes[0], learner_rows(con, "buslead", courses), runs, TODAY)
    complete = progress.filter("core_complete")["learner_id"].to_list()
    assert sorted({*complete} - OTHERS.keys()) == ["4", "7", "9"]
    assert not progress["complete"].any()
    done = read_table(con, "course_completion").filter(learner_id="4").row(0, named=True)
    assert (done["certificate"], done["passed"], done["grade"]) == (True, False, 0.1)
    nobody = pl.DataFrame(
        schema={"learner_id": pl.String, "milestone": pl.String, "new": pl.Boolean}
    )
    asked = doubts(con, "buslead", nobody).select("student_id", "doubt").rows()
    assert sorted(asked, key=lambda row: int(row[0])) == [
        ("2", "not_verified"),
        ("3", "revoked"),
        ("8", "due"),
        ("11", "revoked"),
        ("12", "missing"),
        ("14", "revoked"),
    ]
    waiting = read_table(con, "course_completion").filter("awaited")["learner_id"].to_list()
    assert sorted(waiting, key=int) == ["2", "3", "8", "11", "12", "14"]
