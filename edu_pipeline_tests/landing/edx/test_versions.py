"""The newest report of a run, held against the one before: what is lost, and what counts then."""

from collections.abc import Sequence

import polars as pl
import pytest

from edu_pipeline.landing.sources.edx.edx_fates import edx_fates
from edu_pipeline.landing.sources.edx.edx_versions import Difference, asked, losses
from edu_pipeline.landing.sources.edx.report_history import forget_reported
from edu_pipeline_tests.landing.edx.conftest import PROGRAMME, Land, Landed
from edu_pipeline_tests.landing.edx.test_traps import ERA_D, GRADES, PEOPLE, PROFILE, report

NEWER = GRADES.replace("2024-08-01", "2024-09-01")
NEWEST = GRADES.replace("2024-08-01", "2024-10-01")
PEOPLE_NEWER = PROFILE.replace("2024-08-01", "2024-09-01")


def learner(number: int, *, track: str = "verified", grade: float = 0.9, given: str = "Y") -> str:
    return (
        f"{number},u{number}@x.example,u{number},{grade},1,1,1,1,{track},ID Verified,{given},{given},"
        f"{track},enrolled"
    )


def learners(*numbers: int) -> list[str]:
    return [learner(number) for number in numbers]


def seen(**counts: int | bool | Sequence[str]) -> Difference:
    whole = {"learners": 100, "before": 100, "met": 100, "lists_leavers": True, "cut": False}
    return Difference(**{**whole, **counts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (seen(learners=0, met=0), "it is empty"),
        (
            seen(learners=60, met=60),
            "40 of the 100 learners (40.0\u00a0%) of old are missing in it",
        ),
        (seen(met=3), "it is about other people: of the 100 learners of old 3 are among its 100"),
        (seen(cut=True), "it ends in the middle of a row"),
        (seen(grades=50, grades_gone=10), "10 of the 50 learners with a grade in old have none"),
        (seen(certificates=20, certificates_gone=4), "4 of the 20 certificates delivered in old"),
        (
            seen(tracks=40, tracks_gone=20),
            "20 of the 40 learners on a paid track in old are on none",
        ),
    ],
)
def test_what_a_report_lost_is_said_with_its_numbers(difference: Difference, said: str) -> None:
    (sentence,) = losses(difference, "old")
    assert said in sentence


@pytest.mark.parametrize(
    "difference",
    [
        seen(before=0, met=0),
        seen(learners=140),
        seen(met=96, grades=50, grades_gone=2, tracks=40, tracks_gone=5),
        seen(learners=1, before=2, met=1),
        # a profile lists only who is still in the run
        seen(met=85, lists_leavers=False),
    ],
)
def test_what_goes_from_week_to_week_is_nothing_to_ask_about(difference: Difference) -> None:
    assert not losses(difference, "old")


def test_a_single_certificate_that_is_gone_is_asked_about() -> None:
    (sentence,) = asked(seen(certificates=20, certificates_gone=1), "old")
    assert sentence.startswith("1 of the 20 certificates delivered in old is gone in it")
    assert not asked(seen(certificates=20), "old")


def test_a_newest_report_that_is_empty_leaves_the_one_before_in_force(land_files: Land) -> None:
    landed = land_files(
        {
            GRADES: report(*learners(1, 2, 3)),
            NEWER: report(),
            PROFILE: f"{PEOPLE}1,u1,One,u1@x.example,AU\n",
            PEOPLE_NEWER: PEOPLE,
        }
    )
    assert landed.grades() == {"1": 0.9, "2": 0.9, "3": 0.9}
    assert landed.learners["name"].drop_nulls().to_list() == ["One"]
    assert landed.exports.filter("current")["path"].str.contains("2024-08-01").all()


def test_of_two_bad_reports_in_a_row_neither_counts(land_files: Land) -> None:
    landed = land_files(
        {
            GRADES: report(*learners(*range(1, 31))),
            NEWER: report(*learners(*range(1, 9))),
            NEWEST: report(*learners(*range(1, 8))),
        }
    )
    assert len(landed.grades()) == 30
    (doubt,) = landed.exports["doubt"].drop_nulls()
    assert (
        f"23 of the 30 learners (76.7\u00a0%) of micromasters/buslead/{GRADES} are missing" in doubt
    )


def test_learners_of_one_track_that_are_all_missing_are_told_by_their_track(
    land_files: Land,
) -> None:
    audit = [learner(number, track="audit", given="N") for number in range(11, 21)]
    landed = land_files(
        {GRADES: report(*learners(1, 2, 3), *audit), NEWER: report(*learners(1, 2, 3))}
    )
    (doubt,) = landed.exports["doubt"].drop_nulls()
    assert "among them everybody on audit; it has 3" in doubt


def test_a_report_cut_in_a_row_is_doubted_though_nothing_is_older(land_files: Land) -> None:
    landed = land_files({GRADES: report(*learners(1, 2), "3,u3@x.example,u3,0.9,1,1")})
    assert landed.grades() == {"1": 0.9, "2": 0.9}
    assert landed.exports["doubt"].to_list() == [
        "it ends in the middle of a row, as where a download was cut off"
    ]


def in_force_and_missing(landed: Landed) -> tuple[int, int]:
    """Learners whom the report that counts has, and those who had a certificate by older ones only."""
    rows = landed.results
    return rows.drop_nulls("line").height, rows.filter("missing").height


def test_a_report_that_took_the_place_of_a_whole_one_is_doubted_until_somebody_releases_it(
    land_files: Land,
) -> None:
    whole, fewer = report(*learners(*range(1, 11))), report(*learners(1, 2))
    before = land_files({GRADES: whole})
    assert before.problems.is_empty()

    # the whole one was deleted: what is left counts, and a person must look, however often it is read
    for _ in range(2):
        held = land_files({NEWER: fewer}, again=before)
        assert in_force_and_missing(held) == (2, 8)
        (problem,) = held.problems.filter(holds="nudges").rows(named=True)
        assert "8 of the 10 learners (80.0\u00a0%)" in problem["message"]
        assert "It counts all the same, and nudges of buslead wait." in problem["message"]
        assert f"gate release {problem['id']}" in problem["message"]
    # beside the whole one it does not count
    beside = land_files({GRADES: whole, NEWER: fewer}, again=before)
    assert in_force_and_missing(beside) == (10, 0)
    (problem,) = beside.problems.rows(named=True)
    assert f"Until somebody has looked, micromasters/buslead/{GRADES} counts." in problem["message"]

    released = land_files({GRADES: whole, NEWER: fewer}, again=before, released=[problem["id"]])
    assert in_force_and_missing(released) == (2, 8)
    assert released.problems.is_empty()
    # and it is what the next report is held against
    assert land_files({NEWER: fewer}, again=before).problems.is_empty()


def test_what_was_accepted_is_known_of_a_warehouse_that_had_one_table_of_it(
    land_files: Land,
) -> None:
    before = land_files({GRADES: report(*learners(*range(1, 31)))})
    before.con.execute(
        "create or replace table accepted_reports as select accepted_reports.* exclude (report), "
        "accepted_learners.* exclude (report) "
        "from accepted_reports join accepted_learners using (report)"
    )
    before.con.execute("drop table accepted_learners")
    held = land_files({NEWER: report(*learners(*range(1, 9)))}, again=before)
    (doubt,) = held.exports["doubt"].drop_nulls()
    assert (
        f"22 of the 30 learners (73.3\u00a0%) of micromasters/buslead/{GRADES} are missing" in doubt
    )


def test_who_was_forgotten_is_not_missed(land_files: Land) -> None:
    before = land_files({GRADES: report(*learners(1, 2))})
    forget_reported(before.con, ["1"])
    assert land_files({NEWER: report(*learners(2))}, again=before).problems.is_empty()


def test_a_certificate_that_is_gone_holds_nudges_and_the_report_counts(land_files: Land) -> None:
    landed = land_files(
        {
            GRADES: report(*learners(1, 2)),
            NEWER: report(learner(1), learner(2).replace("Y,Y,verified", "Y,N,N/A")),
        }
    )
    assert landed.results["certificate_delivered"].to_list() == [True, False]
    (problem,) = landed.problems.rows(named=True)
    assert problem["holds"] == "nudges"
    assert "1 of the 2 certificates delivered in" in problem["message"]


def test_a_grade_report_without_most_of_the_learners_of_an_older_profile_is_told(
    land_files: Land,
) -> None:
    people = "".join(f"{n},u{n},U,u{n}@x.example,AU\n" for n in range(1, 11))
    landed = land_files({NEWER: report(*learners(1, 2)), PROFILE: PEOPLE + people})
    (message,) = landed.problems.filter(kind="reports_apart")["message"]
    assert "8 of the 10 learners of" in message
    # who joined after the report was made cannot be in it
    later = land_files({GRADES: report(*learners(1, 2)), PEOPLE_NEWER: PEOPLE + people})
    assert later.problems.is_empty()


def test_a_sites_own_number_does_not_take_the_place_of_edx_s_id(land_files: Land) -> None:
    own = "id,username,name,email,student_id,country\n1,u1,One,u1@x.example,999,AU\n"
    landed = land_files({GRADES: report(*learners(1)), PROFILE: own})
    assert landed.learners.select("learner_id", "name").rows() == [("1", "One")]
    assert landed.problems.is_empty()


def test_one_username_under_two_ids_in_the_reports_of_a_run_is_told(land_files: Land) -> None:
    own = "student_id,username,name,email,country\n999,u1,One,u1@x.example,AU\n"
    landed = land_files({GRADES: report(*learners(1)), PROFILE: own})
    (message,) = landed.problems.filter(kind="ids_apart")["message"]
    assert "under the same username and another id" in message


def test_two_columns_that_may_be_the_grade_are_a_question(land_files: Land) -> None:
    header = "Username,Student ID,Grade,Email,Grade"
    landed = land_files({GRADES: report("u1,1,0.9,u1@x.example,0.2", header=header)})
    (message,) = landed.problems.filter(kind="unreadable_file")["message"]
    assert (
        "2 of its columns may be a learner's grade: “Grade” (column 3) and “Grade_2” (column 5)"
        in (message)
    )


def test_a_custom_column_called_like_edx_s_own_is_not_read(land_files: Land) -> None:
    header = f"Grade,{ERA_D}"
    landed = land_files({GRADES: report(f"0.1,{learner(1)}", header=header)})
    assert landed.grades() == {"1": 0.9}


@pytest.mark.parametrize(
    ("grades", "read", "kinds"),
    [
        ((87, 100, 45, 1), (0.87, 1.0, 0.45, 0.01), ["grades_in_percent"]),
        # a mixture proves nothing: none counts
        ((87, 0.9, 45, 1), (), ["many_rejected", "grades_in_percent"]),
        # a slip in one row is that row's
        ((0.9, 0.8, 1, 0.7, 0.5, 85), (0.9, 0.8, 1.0, 0.7, 0.5), ["many_rejected"]),
    ],
)
def test_grades_above_1_are_percentages_only_where_that_is_proven(
    land_files: Land, grades: Sequence[float], read: Sequence[float], kinds: list[str]
) -> None:
    rows = [learner(n, grade=grade) for n, grade in enumerate(grades, start=1)]
    landed = land_files({GRADES: report(*rows)})
    assert list(landed.grades().values()) == list(read)
    assert landed.problems["kind"].to_list() == kinds


def test_certificates_on_tracks_that_are_held_to_be_free_are_told_where_there_are_no_others(
    land_files: Land,
) -> None:
    honor = [learner(1, track="honor"), learner(2, track="honor")]
    (message,) = land_files({GRADES: report(*honor)}).problems["message"]
    assert '"paid-bootcamp", "honor"] and free_tracks = ["audit", "unpaid-exec' in message
    # edX gave both for years
    assert land_files({GRADES: report(*honor, learner(3))}).problems.is_empty()
    settings = PROGRAMME.replace(
        'id = "buslead"\n', 'id = "buslead"\npaid_tracks = ["honor"]\nfree_tracks = ["audit"]\n', 1
    )
    landed = land_files({GRADES: report(*honor)}, settings)
    assert landed.problems.is_empty()
    assert landed.results["paid"].to_list() == [True, True]


def test_two_accounts_with_certificates_and_one_address_are_told(land_files: Land) -> None:
    twin = learner(2).replace("u2@x.example", "U1@x.example ")
    (problem,) = land_files({GRADES: report(learner(1), twin)}).problems.rows(named=True)
    assert (problem["kind"], problem["holds"]) == ("shared_address", "nudges")
    assert "1 and 2" in problem["message"]
    assert "@" not in problem["message"]


def test_a_run_or_a_course_spelled_otherwise_is_named_as_it_stands_in_the_files(
    land_files: Land,
) -> None:
    listed = f'{PROGRAMME}\n[[programmes.runs]]\ncourse = "buslead1x"\nrun = "1T_2024"\n'
    (problem,) = land_files({GRADES: report(*learners(1))}, listed).problems.rows(named=True)
    assert (problem["kind"], problem["holds"]) == ("run_spelled_otherwise", "nudges")
    assert 'run = "UQx_BUSLEAD1x_1T2024"' in problem["message"]

    typo = GRADES.replace("BUSLEAD1x", "BUSLEED1x")
    (problem,) = land_files({typo: report(*learners(1))}).problems.rows(named=True)
    assert (
        'If it is the course buslead1x, paste there: key = "UQx_BUSLEED1x".' in problem["message"]
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (GRADES.replace(".csv", ".numbers"), "it is a workbook of Numbers"),
        (GRADES.replace(".csv", ""), "its ending is not .csv"),
        (GRADES.replace(".csv", ".csv.bak"), "its ending is not .csv"),
        (GRADES.replace("2024-08-01-0900", "final"), "the end of its name must be the report and"),
        ("notes.txt", "its name is none that edX gives a report"),
    ],
)
def test_a_file_that_is_not_read_is_told_the_right_reason(
    land_files: Land, name: str, said: str
) -> None:
    found = land_files({GRADES: report(*learners(1)), name: "?"}).problems
    (message,) = found.filter(kind="unknown_file")["message"]
    assert said in message


def test_the_fates_of_every_file_that_was_read_add_up_to_its_rows(land_files: Land) -> None:
    opt_ins = "UQx-email_opt_in-edx-analytics.csv"
    preferences = (
        "user_id,username,email,course_id,is_opted_in_for_email,preference_set_datetime\n"
        "1,u1,u1@x.example,c,True,2024-01-01 00:00:00\n"
        "900,u900,u900@x.example,c,True,2024-01-01 00:00:00\n"
        ",,U2@x.example,c,False,2024-01-01 00:00:00\n"
        "2,u2,u2@x.example,c,perhaps,2024-01-01 00:00:00\n"
    )
    twice = [
        *learners(1, 2, 3),
        learner(3),
        ",nobody@x.example,,0.5,1,1,1,1,audit,N/A,N,N,N/A,enrolled",
    ]
    landed = land_files(
        {GRADES: report(*twice), NEWER: report(learner(1)), opt_ins: preferences, PROFILE: PEOPLE}
    )
    old = GRADES[-24:]
    found = edx_fates(landed.con, landed.exports, landed.table("edx_lists"))
    assert found.select("table", pl.col("file").str.tail(24), "fate", "rule", "rows").rows() == [
        ("grade_reports", old, "counted", "", 3),
        ("grade_reports", old, "rejected", "missing_id", 1),
        (
            *("grade_reports", old, "superseded"),
            *("same_key_later_row_counts", 1),
        ),
        ("grade_reports", old.replace("-08-", "-09-"), "not_read", "held_until_released", 1),
        ("opt_ins", opt_ins[-24:], "counted", "", 2),
        ("opt_ins", opt_ins[-24:], "outside", "no_learner_of_ours", 1),
        ("opt_ins", opt_ins[-24:], "rejected", "unparseable_opted_in", 1),
    ]


def test_older_reports_have_the_same_fates_in_every_run(land_files: Land) -> None:
    files = {
        GRADES: report(*learners(1, 2)),
        NEWER: report(*learners(1, 2, 3)),
        NEWEST: report(*learners(1, 2, 3, 4)),
    }
    first = land_files(files)
    again = land_files(files, again=first)

    for landed in (first, again):
        fates = edx_fates(landed.con, landed.exports, landed.table("edx_lists"))
        assert fates.sort("rows")["fate", "rows"].rows() == [
            ("superseded", 2),
            ("superseded", 3),
            ("counted", 4),
        ]


def test_what_cannot_be_read_or_is_claimed_no_more_has_no_rows_of_a_run_before(
    land_files: Land,
) -> None:
    good = report(*learners(1, 2))
    before = land_files({GRADES: good, NEWER: good})
    broken = b"\x00" * len(good)

    unreadable = land_files({GRADES: good, NEWER: broken}, again=before).exports.sort("stamp")
    assert unreadable["rows"].to_list() == [2, None]
    assert unreadable["error"].is_null().to_list() == [True, False]

    other = PROGRAMME.replace("UQx_BUSLEAD1x", "UQx_OTHER1x")
    unclaimed = land_files({GRADES: good, NEWER: good}, other, again=before).exports
    assert unclaimed["rows"].to_list() == [None, None]


def test_rows_that_all_lack_an_average_are_not_cut(land_files: Land) -> None:
    short = [row.replace(",1,1,1,1,", ",1,1,1,") for row in learners(1, 2, 3)]
    assert land_files({GRADES: report(*short)}).exports["doubt"].to_list() == [None]
