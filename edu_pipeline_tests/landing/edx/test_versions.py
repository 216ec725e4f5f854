"""The newest report of a run, held against the one before: what is lost, and what counts then."""

from collections.abc import Sequence

import pytest

from edu_pipeline.landing.sources.edx.versions import Difference, asked, losses
from edu_pipeline_tests.landing.edx.conftest import Land
from edu_pipeline_tests.landing.edx.test_traps import GRADES, PEOPLE, PROFILE, report

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
    assert sentence.startswith("1 of the 20 certificate delivered in old is gone in it")
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


def test_rows_that_all_lack_an_average_are_not_cut(land_files: Land) -> None:
    short = [row.replace(",1,1,1,1,", ",1,1,1,") for row in learners(1, 2, 3)]
    assert land_files({GRADES: report(*short)}).exports["doubt"].to_list() == [None]
