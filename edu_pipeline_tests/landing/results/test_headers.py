"""Headers of a subject and something beside it: a series, a difference, or what is asked about."""

import re
import tomllib
from collections.abc import Mapping
from itertools import takewhile

import polars as pl
import pytest

from edu_pipeline.landing.sources.results.header import pair
from edu_pipeline.landing.sources.results.result_reading import Landed
from edu_pipeline.model.attainment import QUESTIONS
from edu_pipeline.model.subjects import subject_key
from edu_pipeline.settings.attainment import Attainment
from edu_pipeline_tests.landing.results.conftest import Read, held, kinds, problems

SUBJECTS = ("Maths", "English Language")


def wide(columns: Mapping[str, str]) -> Mapping[str, str]:
    """A file with these columns in each of two subjects: header beside the subject → cells."""
    header = [f"{subject} {name}".strip() for subject in SUBJECTS for name in columns]
    rows = zip(*(cells.split() for cells in columns.values()), strict=True)
    lines = [",".join([f"A{n}", *row, *row]) for n, row in enumerate(rows, start=1)]
    return {"2026/tracker.csv": "\n".join([",".join(["UPN", *header]), *lines])}


def maths(landed: Landed) -> dict[str, list[float]]:
    """Points in maths by series; that English has the same."""
    by_series: dict[str, dict[str, list[float]]] = {"Maths": {}, "English Language": {}}
    for subject, series, points in landed.results.select("subject", "series", "points").rows():
        by_series[subject].setdefault(series, []).append(points)
    assert by_series["Maths"] == by_series["English Language"]
    return by_series["Maths"]


FINAL = {"Mock 1": "4 5 6", "GCSE": "5 6 2"}
RESULTS = {"MOCK 1": [4, 5, 6], "GCSE": [5, 6, 2]}


@pytest.mark.parametrize("rest", ["WAG", "+/-", "%", "Paper 1 Mock 1"])
def test_what_is_unknown_beside_a_subject_is_asked_about_once_and_makes_no_subject(
    read: Read, rest: str
) -> None:
    files = wide({**FINAL, rest: "1 0 2"})
    landed = read(files)
    assert maths(landed) == RESULTS
    (message,) = problems(landed, "which_column")["message"]
    assert f"“{rest}” is no series" in message
    assert f'ignore = ["{rest}"]' in message
    told = read(files, {"ignore": [rest]})
    assert maths(told) == RESULTS
    assert not kinds(told)


def test_what_is_unknown_may_be_the_result_while_there_is_none(read: Read) -> None:
    files = wide({"Mock 1": "4 5 6", "WAG": "5 6 7"})
    landed = read(files)
    assert held(landed) == [("2026", "")]
    # what it means is for somebody to say
    assert '"WAG" = "…"' in problems(landed, "which_column")["message"][0]
    told = read(files, {"series_names": {"WAG": "MOCK 2"}})
    assert maths(told) == {"MOCK 1": [4, 5, 6], "MOCK 2": [5, 6, 7]}


def test_a_subject_that_the_settings_name_is_one_whatever_it_is_called(read: Read) -> None:
    files = {"2026/GCSE.csv": "UPN,Maths,Sport,Sport BTEC\nA1,5,6,M"}
    assert "which_column" in kinds(read(files))
    told = read(files, {"subjects": {"Sport BTEC": "Sport BTEC"}})
    assert "Sport BTEC" in told.results["subject"]
    assert not kinds(told)


def test_two_subjects_in_one_header_are_one_of_that_name(read: Read) -> None:
    landed = read({"2026/GCSE.csv": "UPN,Science,Science Biology\nA1,5,6"})
    assert set(landed.results["subject"]) == {"Science", "Science Biology"}
    assert not kinds(landed)


def test_beside_a_bare_subject_no_other_is_made_of_it(read: Read) -> None:
    files = {"2026/GCSE.csv": wide({"": "5 6 2", "WAG": "5 6 7"})["2026/tracker.csv"]}
    landed = read(files)
    assert maths(landed) == {"GCSE": [5, 6, 2]}
    assert kinds(landed) == {"which_column"}


@pytest.mark.parametrize("long", [False, True])
def test_a_version_of_the_final_competes_with_it(read: Read, *, long: bool) -> None:
    files = wide({**FINAL, "GCSE after review": "5 6 3"})
    if long:
        rows = [f"A1,{s},4,2,3\nA2,{s},5,6,6" for s in SUBJECTS]
        header = "UPN,Subject,Mock 1,GCSE,GCSE after review"
        files = {"2026/r.csv": "\n".join([header, *rows])}
    landed = read(files)
    assert "GCSE" not in maths(landed)
    assert held(landed) == [("2026", "")]
    for name, points in (("GCSE", 2), ("GCSE after review", 3)):
        assert f'"{name}" = "GCSE"' in problems(landed, "which_series")["message"].item()
        told = read(files, {"series_names": {name: "GCSE"}})
        assert min(maths(told)["GCSE"]) == points
        assert not kinds(told)


def test_a_version_that_says_the_same_is_no_question(read: Read) -> None:
    landed = read(wide({**FINAL, "GCSE after review": FINAL["GCSE"]}))
    assert maths(landed) == RESULTS
    assert not kinds(landed)


def test_each_subject_may_state_its_difference(read: Read) -> None:
    landed = read(wide({"GCSE": "5 6 2", "Baseline": "4 6 3", "Diff": "1 0 -1"}))
    assert not kinds(landed)
    assert landed.differences.filter(subject="Maths")["difference"].to_list() == [1, 0, -1]
    assert set(landed.differences["subject"]) == set(SUBJECTS)


@pytest.mark.parametrize("marks", ["Mock 1 %", "Mock 1 Mark"])
def test_marks_do_not_compete_with_the_grades_beside_them(read: Read, marks: str) -> None:
    landed = read(wide({marks: "39 52 61", "Mock 1 Grade": "4 5 6", "GCSE": "5 6 2"}))
    assert maths(landed) == RESULTS
    assert not kinds(landed)


def test_subjects_without_the_series_that_others_have_are_named(read: Read) -> None:
    landed = read({"2026/r.csv": "UPN,Maths GCSE,Art\nA1,5,6"})
    (message,) = problems(landed, "which_series")["message"]
    assert "says no series of “Art”" in message
    assert "“Art GCSE”" in message
    assert not kinds(read({"2026/r.csv": "UPN,Maths GCSE,Art\nA1,5,6"}, {"ignore": ["Art"]}))


@pytest.mark.parametrize(
    ("header", "both"),
    [
        ("English Language MEG", ("English Language", "MEG")),
        ("English Language GCSE Target", ("English Language", "GCSE Target")),
        ("Mock 1 English Language", ("English Language", "Mock 1")),
    ],
)
def test_a_header_is_not_cut_through_a_subject(header: str, both: tuple[str, str]) -> None:
    assert pair(header, Attainment()) == both


def test_a_paper_of_a_mock_is_no_subject_whatever_else_there_is(read: Read) -> None:
    text = "UPN,Maths Mock 1 P1,Maths Mock 1 P2,Art Mock 1 P1,Art Mock 1\nA1,4,5,6,5\nA2,4,4,5,5\n"
    landed = read({"2026/r.csv": text})
    assert set(landed.results["subject"]) == {"Art"}
    (message,) = problems(landed, "which_column")["message"]
    assert "“Mock 1 P1” and “Mock 1 P2” are no series that we know" in message


def test_last_summers_exam_gets_a_place_by_the_line_that_is_printed(read: Read) -> None:
    files = {"2025/r.csv": "UPN,Subject,Nov 24,Jun 24\nA1,Maths,5,4\nA2,Maths,6,5\n"}
    assert held(read(files)) == [("2025", "")]
    (message,) = problems(read(files), "which_series")["message"]
    assert 'series = ["JUN 24", "MOCK 1", "MOCK 2", "GCSE", "BASELINE"]' in message
    told = read(files, {"series": ["JUN 24", "MOCK 1", "MOCK 2", "NOV 24", "GCSE"]})
    assert set(told.results["series"]) == {"JUN 24", "NOV 24"}
    assert not kinds(told)


@pytest.mark.parametrize(
    ("over", "below"),
    [
        ("UPN,English,,Maths", ",Lang,Lit,"),
        ("UPN,English,,Maths", ",Language,Literature,Grade"),
        (",English,,", "UPN,Lang,Lit,Maths"),
        (",English,,Maths", "UPN,Lang,Lit,GCSE"),
        (",English,,Maths", "UPN,Lang GCSE,Lit GCSE,GCSE"),
    ],
)
def test_two_lines_that_have_a_part_of_a_subject_each_say_the_whole(
    read: Read, over: str, below: str
) -> None:
    landed = read({"2026/GCSE.csv": f"{over}\n{below}\nA1,4,5,6\nA2,5,6,7\n"})
    found = {
        subject_key(subject): points
        for subject, points in landed.results.group_by("subject").agg("points").rows()
    }
    assert found == {
        "english language": [4, 5],
        "english literature": [5, 6],
        "mathematics": [6, 7],
    }
    assert not kinds(landed)


@pytest.mark.parametrize("path", ["2026/r.csv", "2026/GCSE.csv"])
@pytest.mark.parametrize(
    "header",
    [
        "Maths Mock 1,BTEC Dip Mock,BTEC Dip GCSE",
        "Maths Mock 1,BTEC Dip Mock 1,Zumba Mock 1",
        "Maths,BTEC Mock 1,BTEC Mock 2",
        "Maths GCSE,BTEC Dip Mock 1,Autumn 1",
        "BTEC Dip Mock 1,BTEC Dip Mock 2",
        "Maths Mock 1,Maths WAG,BTEC Dip Mock 1",
    ],
)
def test_what_is_printed_ends_the_questions_when_it_is_pasted_round_by_round(
    read: Read, header: str, path: str
) -> None:
    columns = header.count(",") + 1
    rows = "".join(f"A{n},{','.join([str(n)] * columns)}\n" for n in range(3, 9))
    files = {path: f"UPN,{header}\n{rows}"}
    own: dict[str, object] = {}
    for _ in range(3):
        landed = read(files, own)
        asked = landed.notes.filter(pl.col("kind").is_in([*QUESTIONS, "not_understood"]))
        if asked.is_empty():
            break
        for message in asked["message"]:
            _paste(own, message)
    assert asked.is_empty()
    assert set(landed.results["subject"]) >= {
        name for name in ("Maths", "BTEC Dip", "Zumba") if name in header
    }


def _paste(own: dict[str, object], message: str) -> None:
    """Put the first lines that a message prints into the settings, `…` as the first mock."""
    section, rest = re.split(r"(?=\[attainment[.\w]*\]\n)", message)[1].split("\n", 1)
    lines = list(takewhile(lambda line: " = " in line, rest.splitlines()))
    found = tomllib.loads("\n".join([section, *lines]).replace("…", "MOCK 1"))["attainment"]
    for key, value in found.items():
        there = own.get(key)
        own[key] = {**there, **value} if isinstance(there, dict) else value


def test_an_award_in_a_subject_that_we_know_is_a_subject_of_its_own(read: Read) -> None:
    text = "UPN,BTEC IT Mock 1,IT Mock 1,Maths Mock 1\nA1,M,5,6\nA2,P,6,7\n"
    landed = read({"2026/r.csv": text})
    assert set(landed.results["subject"]) == {"BTEC IT", "IT", "Maths"}
    assert not kinds(landed)


@pytest.mark.parametrize("header", ["Target", "Autumn 1", "Baseline", "Mock 1"])
def test_a_series_of_no_subject_beside_others_that_have_one_is_asked_about_and_left_out(
    read: Read, header: str
) -> None:
    files = {"2026/r.csv": f"UPN,Maths GCSE,English GCSE,{header}\nA1,4,5,6\nA2,5,5,6\n"}
    landed = read(files)
    assert set(landed.results["series"]) == {"GCSE"}
    assert not held(landed)
    (message,) = problems(landed, "which_column")["message"]
    assert f"“{header}” says no subject, and other columns do" in message
    told = read(files, {"ignore": [header]})
    assert not kinds(told)
    assert told.results.equals(landed.results)
