"""Exports of which each is whole and which together do not show what is to be told: a test each."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from edu_pipeline.model.programmes import outdated
from edu_pipeline_tests.landing.edx.conftest import PROGRAMME, TODAY, Land, Landed
from edu_pipeline_tests.landing.edx.test_traps import ERA_D, GRADES, PEOPLE, PROFILE, report
from edu_pipeline_tests.landing.edx.test_versions import PEOPLE_NEWER, learner, learners

NEWER = GRADES.replace("2024-08-01", "2024-09-01")
OTHER = GRADES.replace("1T2024", "2T2024")


def dated(*lines: str) -> str:
    listed = '[[programmes.runs]]\ncourse = "buslead1x"\nrun = "1T2024"\nstarts = 2024-02-01'
    return "\n".join([PROGRAMME, listed, *lines])


def people(*numbers: int, track: str | None = None, name: str = "u{}") -> str:
    """A profile, with the column of tracks if there is one."""
    header = PEOPLE if track is None else PEOPLE.replace("country", "country,enrollment_mode")
    more = "" if track is None else f",{track}"
    rows = [f"{n},{name.format(n)},One,u{n}@x.example,AU{more}\n" for n in numbers]
    return "".join([header, *rows])


def told(landed: Landed) -> list[tuple[str, str, str | None]]:
    return landed.problems.select("kind", "subject", "holds").rows()


def test_a_run_with_a_profile_and_no_grade_report_is_told(land_files: Land) -> None:
    landed = land_files({PROFILE: people(1)})
    assert told(landed) == [("no_grade_report", "UQx_BUSLEAD1x_1T2024", "nudges")]
    # of a run that begins later nobody has a grade
    later = dated().replace("2024-02-01", "2024-08-02")
    assert told(land_files({PROFILE: people(1)}, later)) == []


@pytest.mark.parametrize(
    ("stamp", "today", "is_old"),
    [
        (date(2024, 6, 13), date(2024, 6, 14), True),
        (date(2024, 6, 14), date(2024, 6, 14), False),
        # while the run is under way
        (date(2024, 4, 1), date(2024, 6, 13), False),
    ],
)
def test_an_export_is_outdated_once_there_are_certificates(
    stamp: date, today: date, *, is_old: bool
) -> None:
    made = datetime(stamp.year, stamp.month, stamp.day)  # noqa: DTZ001 - UTC by convention
    run = {"stamp": made, "certificates_available": date(2024, 6, 14), "ends": date(2024, 5, 31)}
    assert pl.DataFrame([run]).select(outdated(pl.lit(today))).item() is is_old


@pytest.mark.parametrize("newest", [GRADES, PROFILE])
def test_a_grade_report_from_before_the_certificates_is_told_once_others_are_of_later(
    land_files: Land, newest: str
) -> None:
    early = GRADES.replace("2024-08-01", "2024-04-01")
    of_later = {newest: people(1)} if newest == PROFILE else {newest: report(*learners(1))}
    landed = land_files({early: report(*learners(1)), **of_later}, dated("ends = 2024-05-31"))
    old = [("outdated_grade_report", "UQx_BUSLEAD1x_1T2024", "nudges")]
    assert told(landed) == (old if newest == PROFILE else [])
    assert landed.problems.is_empty() or "is of 2024-04-01" in landed.problems["message"][0]


@pytest.mark.parametrize(("days", "kinds"), [(30, ["outdated_grade_report"]), (29, [])])
def test_a_grade_report_is_waited_for_some_weeks_where_nothing_is_of_later(
    land_files: Land, days: int, kinds: Sequence[str]
) -> None:
    ends = TODAY - timedelta(days=days)
    settings = dated(f"ends = {ends}")
    assert land_files({GRADES: report(*learners(1))}, settings).problems["kind"].to_list() == kinds


def test_a_course_that_is_needed_and_of_which_nothing_landed_is_told(land_files: Land) -> None:
    files = {GRADES: report(*learners(1))}
    nothing_listed = PROGRAMME.partition("[[programmes.runs]]")[0]
    landed = land_files(files, nothing_listed)
    assert told(landed) == [("course_without_export", "buslead5x", "nudges")]
    # its first run is listed, and yet to come
    assert told(land_files(files)) == []


@pytest.mark.parametrize("columns", [3, 5])
def test_a_grade_report_has_all_columns_of_the_certificate_or_none(
    land_files: Land, columns: int
) -> None:
    whole = ERA_D.split(",")
    row = learner(1).split(",")
    left = [*range(13 - columns), 13]
    cut = report(",".join(row[n] for n in left), header=",".join(whole[n] for n in left))
    landed = land_files({GRADES: cut})
    assert landed.grades() == ({} if columns == 3 else {"1": 0.9})
    assert [kind for kind, _, _ in told(landed)] == (["unreadable_file"] if columns == 3 else [])
    if columns == 3:
        assert "no column of Certificate Eligible and none of" in landed.problems["message"][0]


def test_two_rows_of_a_learner_that_differ_are_told_and_equal_ones_count_once(
    land_files: Land,
) -> None:
    same = land_files({GRADES: report(*learners(1, 2, 1))})
    assert same.grades() == {"1": 0.9, "2": 0.9}
    assert told(same) == []
    for other in (learner(1, grade=0.2), learner(1, given="N")):
        landed = land_files({GRADES: report(*learners(1, 2), other)})
        assert told(landed) == [("rows_differ", f"micromasters/buslead/{GRADES}", "nudges")]
        assert "(1 of its rows, first in line 2)" in landed.problems["message"][0]


@pytest.mark.parametrize(
    ("verdicts", "below", "above"),
    [
        # edX's mark is higher than ours of 0.65, whoever is on which track
        ({0.9: "Y", 0.8: "Y", 0.7: "N", 0.3: "N"}, 0, 1),
        # lower
        ({0.9: "Y", 0.6: "Y", 0.5: "Y", 0.3: "N"}, 2, 0),
        # by no mark at all
        ({0.9: "Y", 0.85: "N", 0.8: "Y", 0.7: "N"}, 0, 2),
        ({0.9: "Y", 0.65: "Y", 0.64: "N"}, 0, 0),
        # single ones on a list, or in an embargoed country
        ({0.9: "Y", 0.8: "N", 0.7: "Y", 0.3: "N"}, 0, 0),
        ({0.9: "Y", 0.8: "Y", 0.4: "N", 0.3: "Y"}, 0, 0),
        # where everybody is eligible, that says nothing of grades
        ({0.9: "Y", 0.2: "Y", 0.1: "Y"}, 0, 0),
    ],
)
def test_a_pass_mark_that_edx_contradicts_is_told(
    land_files: Land, verdicts: dict[float, str], below: int, above: int
) -> None:
    rows = [
        learner(n, grade=grade, given=given)
        for n, (grade, given) in enumerate(verdicts.items(), start=1)
    ]
    # an audit pass is eligible in old reports only
    landed = land_files({GRADES: report(*rows, learner(9, track="audit", given="N"))})
    kinds = [("other_pass_mark", "UQx_BUSLEAD1x_1T2024", "nudges")] if below or above else []
    if set(verdicts.values()) == {"Y"}:
        landed = land_files({GRADES: report(*rows)})
    assert told(landed) == kinds
    for message in landed.problems["message"]:
        assert f"calls {below} learners below" in message
        assert f"and {above} from there on" in message


def test_one_report_under_the_names_of_two_runs_is_told(land_files: Land) -> None:
    landed = land_files({GRADES: report(*learners(1, 2)), OTHER: report(*learners(2, 1))})
    assert told(landed) == [("saved_twice", f"micromasters/buslead/{OTHER}", "nudges")]


@pytest.mark.parametrize(
    "other",
    [
        {OTHER: report(learner(1), learner(2, grade=0.8))},
        {OTHER: report(*learners(1, 2, 3))},
        # two who are as good in another course
        {OTHER.replace("LEAD1x", "LEAD5x"): report(*learners(1, 2))},
    ],
)
def test_learners_who_take_another_run_are_no_copy(land_files: Land, other: dict[str, str]) -> None:
    assert told(land_files({GRADES: report(*learners(1, 2)), **other})) == []


@pytest.mark.parametrize(
    ("cells", "kinds"),
    [
        ("course-v1:UQx+BUSLEAD1x+2T2024,2T2024", ["other_run"]),
        ("BUSLEAD1x,2T2024", ["other_run"]),
        ("course-v1:UQx+BUSLEAD1x+1T2024,1t2024", []),
        ("17,2024", []),
        (",", []),
    ],
)
def test_rows_that_name_another_run_than_the_file_are_told(
    land_files: Land, cells: str, kinds: Sequence[str]
) -> None:
    rows = [f"{cells},{row}" for row in learners(1, 2)]
    landed = land_files({GRADES: report(*rows, header=f"course_id,course_run,{ERA_D}")})
    assert landed.problems["kind"].to_list() == kinds
    assert all("run (2T2024) than its name" in each for each in landed.problems["message"])


def test_columns_that_were_sorted_without_the_others_are_told(land_files: Land) -> None:
    rows = [learner(n, track="verified" if n > 2 else "audit") for n in (1, 2, 3, 4)]
    profile = people(1, 2, track="verified") + people(3, 4, track="audit").partition("\n")[2]
    (problem,) = land_files({GRADES: report(*rows), PROFILE: profile}).problems.rows(named=True)
    assert (problem["kind"], problem["holds"]) == ("rows_crossed", "nudges")
    assert "4 are on another track" in problem["message"]
    # people upgrade, and between exports of different weeks in both directions
    upgraded = people(1, 2, 3, 4, track="audit")
    assert told(land_files({GRADES: report(*rows), PROFILE: upgraded})) == []
    assert told(land_files({GRADES: report(*rows), PEOPLE_NEWER: profile})) == []


def test_ids_with_the_names_of_others_are_told(land_files: Land) -> None:
    files = {GRADES: report(*learners(1, 2)), PROFILE: people(1, 2, name="v{}")}
    (message,) = land_files(files).problems["message"]
    assert "2 have another username or address there" in message
    assert "@" not in message


def test_who_has_left_by_the_grade_report_is_not_missed_in_a_profile(land_files: Land) -> None:
    rows = learners(1, 2, 3, 4)
    gone = [row.replace(",enrolled", ",unenrolled") for row in learners(5, 6)]
    before = {PROFILE: people(*range(1, 7)), PEOPLE_NEWER: people(1, 2, 3, 4)}
    assert told(land_files({**before, NEWER: report(*rows, *gone)})) == []
    lost = land_files({**before, NEWER: report(*rows, *learners(5, 6))})
    assert [kind for kind, _, _ in told(lost)] == ["report_lost"]


def test_two_copies_of_one_report_that_differ_are_told(land_files: Land) -> None:
    copy = GRADES.replace(".csv", " (1).csv")
    whole = report(*learners(1, 2, 3))
    landed = land_files({GRADES: whole, copy: report(*learners(1))})
    assert told(landed) == [("copies_differ", f"micromasters/buslead/{GRADES}", "nudges")]
    assert told(land_files({GRADES: whole, copy: whole})) == []


def test_who_is_in_rejected_rows_is_not_told_to_be_missing(land_files: Land) -> None:
    rows = [learner(n).replace("0.9", "90%") for n in (1, 2)]
    landed = land_files({GRADES: report(*rows), PROFILE: people(1, 2)})
    assert [kind for kind, _, _ in told(landed)] == ["many_rejected"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("exports.zip", "it is packed (.zip)"),
        (f"{NEWER}.crdownload", "its download was not finish"),
    ],
)
def test_archives_and_unfinished_downloads_are_told_to_be_that(
    land_files: Land, name: str, said: str
) -> None:
    (message,) = land_files({GRADES: report(*learners(1)), name: "?"}).problems["message"]
    assert said in message
