"""edX's lists of who wants e-mail: which count, whose they are, and what is not understood."""

import hashlib
from datetime import UTC, datetime

import polars as pl
import pytest

from edu_pipeline_tests.landing.edx.conftest import PROGRAMME, Land, Landed

LIST = "UQx-email_opt_in-edx-analytics.csv"
HEADER = "user_id,username,email,full_name,course_id,is_opted_in_for_email,preference_set_datetime"
OLD = "email,full_name,course_id,is_opted_in_for_email,preference_set_datetime"
PROFILE = "UQx_BUSLEAD1x_1T2024_student_profile_info_2024-08-01-0901.csv"
GRADES = "UQx_BUSLEAD1x_1T2024_grade_report_2024-08-01-0900.csv"
PEOPLE = {
    GRADES: (
        "Student ID,Email,Username,Grade\n11,Ada@x.example,ada,0.9\n12,ben@x.example,ben,0.7\n"
        "13,both@x.example,cho,0.1\n14,Both@x.example,dee,0.1\n"
    )
}
ENGY = """
[[programmes]]
id = "engy"
title = "Energy"
courses = [{ id = "engy0x", title = "UQx_ENGY0x", pass_mark = 0.7 }]
"""


def opt_ins(*rows: str, header: str = HEADER) -> str:
    return "\r\n".join([header, *rows, ""])


def ada(opted_in: str, set_at: str = "2024-03-01 10:20:30", course: str = "BUSLEAD1x") -> str:
    return f"11,ada,ada@x.example,Ada Moss,course-v1:UQx+{course}+1T2024,{opted_in},{set_at}"


def ben(opted_in: str, set_at: str = "2024-03-01 10:20:30") -> str:
    return f"12,ben,ben@x.example,Ben Lake,course-v1:UQx+BUSLEAD1x+1T2024,{opted_in},{set_at}"


def preferences(landed: Landed) -> dict[str, bool]:
    """Learner or shared address → whether they opted in, where there is one programme."""
    rows = landed.table("stg_opt_ins").select(pl.coalesce("learner_id", "email"), "opted_in")
    assert rows["learner_id"].is_unique().all()
    return dict(rows.iter_rows())


def rejected(landed: Landed) -> list[tuple[int, str, str | None]]:
    return landed.table("rejected_opt_ins").select("line", "rule", "value").sort("line").rows()


def test_what_a_list_says_of_learners_with_its_place(land_files: Land) -> None:
    landed = land_files(
        {**PEOPLE, LIST: opt_ins(ada("True"), ada("True", course="X"), ben("False"))}
    )
    set_at = datetime(2024, 3, 1, 10, 20, 30, tzinfo=UTC).replace(tzinfo=None)
    path = f"micromasters/buslead/{LIST}"
    assert landed.table("stg_opt_ins").rows() == [
        ("buslead", "11", None, True, set_at, path, 3),
        ("buslead", "12", None, False, set_at, path, 4),
    ]
    assert rejected(landed) == []
    assert landed.problems.is_empty()


def test_names_and_whoever_is_no_learner_of_ours_stay_outside(land_files: Land) -> None:
    other = "77,eve,eve@x.example,Eve,course-v1:UQx+OTHER+1T2024,False,2024-03-01 10:20:30"
    landed = land_files({**PEOPLE, LIST: opt_ins(ada("True"), other)})
    assert preferences(landed) == {"11": True}
    assert "Moss" not in str(landed.table("raw_opt_ins").rows())


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_newest_preference_counts_whichever_list_has_it(
    land_files: Land, newest_first: bool
) -> None:
    now = opt_ins(ada("False", "2024-05-01 00:00:00"), ben("True", "2024-05-01 00:00:00"))
    before = opt_ins(ada("True", "2024-04-30 23:59:59"), ben("False", "2014-12-01 00:00:00"))
    names = ("a-email_opt_in.csv", "b/z-email_opt_in.csv")
    first, second = (now, before) if newest_first else (before, now)
    landed = land_files({**PEOPLE, names[0]: first, names[1]: second})
    assert preferences(landed) == {"11": False, "12": True}


def test_of_a_yes_and_a_no_of_one_moment_the_no_counts(land_files: Land) -> None:
    landed = land_files({**PEOPLE, LIST: opt_ins(ada("False"), ada("True"), ben("True"))})
    assert preferences(landed) == {"11": False, "12": True}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2024-03-01T10:20:30.5", "2024-03-01 10:20:30.6"),
        ("2024-03-01 10:20:30+10:00", "2024-03-01 00:20:31"),
        ("2024-03-01", "2024-03-01T00:00:01Z"),
        ("2024-03-01 10:20:30+00:00", "2024-03-01 09:20:30-0200"),
    ],
)
def test_times_are_compared_in_utc(land_files: Land, earlier: str, later: str) -> None:
    landed = land_files({**PEOPLE, LIST: opt_ins(ada("True", later), ada("False", earlier))})
    assert preferences(landed) == {"11": True}


def test_old_lists_know_addresses_only_and_one_of_two_learners_stays_an_address(
    land_files: Land,
) -> None:
    rows = (
        " ADA@x.example,Ada,UQx/BUSLEAD1x/1T2014,False,2014-12-24 00:00:00",
        "both@X.example,Cho,UQx/BUSLEAD1x/1T2014,False,2014-12-24 00:00:00",
        "gone@x.example,Gus,UQx/BUSLEAD1x/1T2014,False,2014-12-24 00:00:00",
    )
    landed = land_files({**PEOPLE, LIST: opt_ins(*rows, header=OLD)})
    columns = ("learner_id", "email", "opted_in")
    assert landed.table("stg_opt_ins").select(columns).sort("email").rows() == [
        ("11", None, False),
        (None, "both@x.example", False),
    ]
    newer = {"new-email_opt_in.csv": opt_ins(ada("True"))}
    landed = land_files({**PEOPLE, LIST: opt_ins(*rows, header=OLD), **newer})
    assert preferences(landed)["11"]


def test_learners_without_an_id_are_known_by_username(land_files: Land) -> None:
    profile = "username,email,name\nada,ada@x.example,Ada\nben,ben@x.example,Ben\n"
    by_name = ",ben,,Ben,course-v1:UQx+BUSLEAD1x+1T2024,False,2024-03-01 10:20:30"
    landed = land_files({PROFILE: profile, LIST: opt_ins(ada("False"), by_name)})
    assert preferences(landed) == {"u:ada": False, "u:ben": False}


def test_what_cannot_be_read_is_rejected_and_counts_as_a_no(land_files: Land) -> None:
    rows = (
        ada("perhaps"),
        ben("False", "1/3/2024 10:20"),
        "13,cho,both@x.example,Cho,X,True,1/3/2024 10:20",
        "14,dee,both@x.example,Dee, Jr,X,True,2024-03-01 10:20:30",  # a comma without quotes
        ",,,Nobody,X,True,2024-03-01 10:20:30",
        "1e3,,,Odd,X,True,2024-03-01 10:20:30",
    )
    landed = land_files({**PEOPLE, LIST: opt_ins(*rows)})
    assert rejected(landed) == [
        (2, "unparseable_opted_in", "perhaps"),
        (3, "unparseable_set_at", "1/3/2024 10:20"),
        (4, "unparseable_set_at", "1/3/2024 10:20"),
        (5, "too_many_cells", None),
        (6, "missing_learner", None),
        (7, "id_is_no_number", "1e3"),
    ]
    assert preferences(landed) == {"11": False, "12": False, "14": False}
    assert set(landed.problems["kind"]) == {"many_rejected"}


def test_a_preference_without_a_time_is_of_the_day_in_the_name_of_its_list(
    land_files: Land,
) -> None:
    files = {
        "email_opt_in_2024-05-01.csv": opt_ins(ada("False", ""), ben("False", "None")),
        "email_opt_in_2024-06-01.csv": opt_ins(ada("True", "2024-04-30 00:00:00")),
        "email_opt_in_2024-07-01.csv": opt_ins(ben("True", "2024-05-02 00:00:00")),
    }
    assert preferences(land_files({**PEOPLE, **files})) == {"11": False, "12": True}


def test_a_list_counts_for_its_programme_and_one_beside_the_folders_for_all(
    land_files: Land,
) -> None:
    def of_programmes(path: str) -> list[str]:
        landed = land_files({**PEOPLE, path: opt_ins(ada("False"))}, PROGRAMME + ENGY)
        assert set(landed.problems["kind"]) <= {"no_exports"}
        return landed.table("stg_opt_ins")["programme_id"].to_list()

    assert of_programmes(f"micromasters/engy/2024/{LIST}") == ["engy"]
    assert of_programmes(f"micromasters/{LIST}") == ["buslead", "engy"]


def test_lists_may_be_called_otherwise(land_files: Land) -> None:
    settings = PROGRAMME.replace('capstone = "', 'opt_in = "consent-*.csv"\ncapstone = "')
    files = {**PEOPLE, "Consent-1.csv": opt_ins(ada("False")), LIST: opt_ins(ben("False"))}
    landed = land_files(files, settings)
    assert preferences(landed) == {"11": False}
    assert landed.problems["subject"].to_list() == [f"micromasters/buslead/{LIST}"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "the file is empty. Export it again."),
        ("email,full_name\na@x.example,Ada\n", "it has no column of is_opted_in_for_email."),
        (
            "full_name,is_opted_in_for_email\nAda,True\n",
            "it has no column of a learner's id or email.",
        ),
    ],
)
def test_a_list_that_is_none_is_told_and_the_others_count(
    land_files: Land, content: str, told: str
) -> None:
    landed = land_files({**PEOPLE, LIST: opt_ins(ada("False")), "x-email_opt_in.csv": content})
    assert preferences(landed) == {"11": False}
    (problem,) = landed.problems.rows(named=True)
    assert (problem["part"], problem["kind"]) == ("buslead", "unreadable_list")
    assert f"micromasters/buslead/x-email_opt_in.csv: {told}" in problem["message"]


@pytest.mark.parametrize("identifier", ["learner:11", "address:ada@x.example"])
def test_who_was_forgotten_does_not_come_in_again(land_files: Land, identifier: str) -> None:
    known = identifier.removeprefix("address:")
    stone = hashlib.sha256(f"5a17:{known}".encode()).hexdigest()
    forgotten = pl.DataFrame({"hash": [stone], "salt": ["5a17"]})
    files = {**PEOPLE, LIST: opt_ins(ada("False"), ben("False"))}
    landed = land_files(files, forgotten=forgotten)
    assert preferences(landed) == {"12": False}
    assert landed.table("raw_opt_ins")["username"].to_list() == ["ben"]


def test_without_lists_the_tables_are_there_and_empty(land_files: Land) -> None:
    landed = land_files(PEOPLE)
    for table in ("raw_opt_ins", "stg_opt_ins", "rejected_opt_ins"):
        assert landed.table(table).is_empty()


def test_a_no_under_an_address_that_somebody_had_before_is_theirs(land_files: Land) -> None:
    earlier = "UQx_BUSLEAD1x_1T2023_grade_report_2023-08-01-0900.csv"
    landed = land_files(
        {
            **PEOPLE,
            earlier: "Student ID,Email,Username,Grade\n11,Ada.Old@x.example,ada,0.2\n",
            LIST: opt_ins("ada.old@x.example,Ada Moss,X,False,2024-03-01 10:20:30", header=OLD),
        }
    )
    assert landed.table("stg_former_addresses").rows() == [("11", "ada.old@x.example")]
    assert preferences(landed) == {"11": False}
