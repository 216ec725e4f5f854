"""Lists of programme certificates: which rows are of a learner and a programme, and what they say."""

from datetime import date

from edu_pipeline.landing.sources.edx.edx_fates import edx_fates
from edu_pipeline_tests.landing.edx.conftest import PROGRAMME, Land, Landed
from edu_pipeline_tests.landing.edx.test_traps import GRADES, PEOPLE, PROFILE, report
from edu_pipeline_tests.landing.edx.test_versions import learners

REPORT = "program_learner_report_2024-09-01.csv"
PARTNER = (
    "Program UUID,Program Title,Username,User ID,Course Run Key,Completed Program,"
    "Date Program Certificate Awarded\n"
    "aa-1,Business Leadership,u1,1,UQx+BUSLEAD1x+1T2024,true,2024-08-20 00:00:00\n"
    "aa-1,Business Leadership,u1,1,UQx+BUSLEAD5x+1T2024,true,2024-08-20 00:00:00\n"
    "aa-1,Business Leadership,u2,2,UQx+BUSLEAD1x+1T2024,false,null\n"
    "aa-1,Business Leadership,u900,900,UQx+BUSLEAD1x+1T2024,true,2024-08-21\n"
    "bb-2,Corporate Innovation,u1,1,UQx+CORPINN1x+1T2024,true,2023-01-01\n"
)


def issued(landed: Landed) -> list[tuple[str, bool, date | None]]:
    return (
        landed.table("stg_programme_certificates")
        .select("learner_id", "issued", "issued_on")
        .rows()
    )


def test_the_partner_s_report_says_who_was_awarded_the_programme_and_when(
    land_files: Land,
) -> None:
    # beside the folders it is everybody's, and its titles say whose a row is
    landed = land_files({GRADES: report(*learners(1, 2)), f"micromasters/{REPORT}": PARTNER})
    assert issued(landed) == [
        ("1", True, date(2024, 8, 20)),
        ("2", False, None),
        ("900", True, date(2024, 8, 21)),
    ]
    assert landed.problems.is_empty()
    fates = edx_fates(landed.con, landed.exports, landed.table("edx_lists"))
    of_list = fates.filter(table="programme_certificates")
    assert of_list.select("fate", "rule", "rows").rows() == [
        ("counted", "", 4),
        ("outside", "another_programme", 1),
    ]


def test_a_uuid_in_the_settings_finds_a_programme_of_another_title(land_files: Land) -> None:
    renamed = PROGRAMME.replace("Business Leadership", "Leading")
    files = {GRADES: report(*learners(1, 2)), f"micromasters/{REPORT}": PARTNER}
    assert issued(land_files(files, renamed)) == []
    said = renamed.replace('title = "Leading"', 'title = "Leading"\nprogram = "aa-1"')
    assert [learner for learner, _, _ in issued(land_files(files, said))] == ["1", "2", "900"]


def test_a_plain_list_with_addresses_and_a_status_is_read(land_files: Land) -> None:
    plain = (
        "Email,Status,Issue date\n"
        "U1@x.example,Awarded,12/08/2024\n"
        "u2@x.example,Revoked,2024-08-12\n"
        "nobody@x.example,awarded,2024-08-12\n"
        "u2@x.example,perhaps,2024-08-12\n"
    )
    people = "".join([PEOPLE, *(f"{n},u{n},One,u{n}@x.example,AU\n" for n in (1, 2))])
    landed = land_files(
        {
            GRADES: report(*learners(1, 2)),
            PROFILE: people,
            "program certificates 2024-09-01.csv": plain,
        }
    )
    # 12/08 is two days: the certificate is there, its day is not known
    assert issued(landed) == [("1", True, None), ("2", False, date(2024, 8, 12))]
    assert landed.rejected() == [("programme_certificates", 5, "unknown_status", "perhaps")]


def test_the_newest_list_that_has_a_learner_counts(land_files: Land) -> None:
    old = "user_id,status\n1,awarded\n2,awarded\n"
    new = "user_id,status\n1,revoked\n"
    landed = land_files(
        {
            GRADES: report(*learners(1, 2)),
            "program_certificates_2024-08-01.csv": old,
            "program_certificates_2024-09-01.csv": new,
        }
    )
    assert issued(landed) == [("1", False, None), ("2", True, None)]


def test_a_list_that_says_nothing_of_certificates_is_told(land_files: Land) -> None:
    landed = land_files(
        {GRADES: report(*learners(1)), "program_certificates.csv": "username\nu1\n"}
    )
    (problem,) = landed.problems.rows(named=True)
    assert problem["kind"] == "unreadable_list"
    assert (
        "Until then nobody knows from it who was issued the programme's certificate."
        in problem["message"]
    )


def test_a_list_that_names_other_programmes_only_is_told_of_and_holds_nothing(
    land_files: Land,
) -> None:
    renamed = PROGRAMME.replace("Business Leadership", "Leading")
    landed = land_files(
        {GRADES: report(*learners(1, 2)), f"micromasters/{REPORT}": PARTNER}, renamed
    )
    (problem,) = landed.problems.iter_rows(named=True)
    assert (problem["kind"], problem["holds"]) == ("certificates_of_others", None)
    assert "they name Business Leadership, Corporate Innovation." in problem["message"]
    assert 'program = "Business Leadership"' in problem["message"]
