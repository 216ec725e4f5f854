"""What becomes of grades, absences, series, duplicates and students' ids."""

import tomllib
from collections.abc import Sequence

import polars as pl
import pytest

from edu_pipeline.landing.sources.results.exam_order import read_series
from edu_pipeline.landing.sources.results.names import match_key, normal_name
from edu_pipeline.landing.sources.results.series import series_of
from edu_pipeline.settings.attainment import Attainment
from edu_pipeline_tests.landing.results.conftest import (
    Read,
    held,
    kinds,
    problems,
    rejected,
    results,
)

HEADER = "UPN,Name,Subject,Series,Grade\n"


def long(*lines: str) -> dict[str, str]:
    return {"2026/r.csv": HEADER + "\n".join(lines) + "\n"}


def test_a_zero_is_a_u_an_x_is_absent_and_a_blank_is_nothing(read: Read) -> None:
    landed = read(
        long(
            "A1,Ada Moss,Maths,MOCK 1,0",
            "A1,Ada Moss,Maths,MOCK 2,X",
            "A1,Ada Moss,Maths,GCSE,U",
            "A1,Ada Moss,Art,MOCK 1,",
            "A1,Ada Moss,Art,MOCK 2,Abs",
            "A1,Ada Moss,Art,GCSE,N/A",
        )
    )
    assert results(landed, "subject", "series", "points", "absent") == [
        ("Art", "MOCK 2", None, True),
        ("Maths", "GCSE", 0.0, False),
        ("Maths", "MOCK 1", 0.0, False),
        ("Maths", "MOCK 2", None, True),
    ]
    assert landed.rejected.is_empty()


def test_settings_may_count_an_absence_from_the_final_exam_and_never_from_a_mock(
    read: Read,
) -> None:
    landed = read(
        long("A1,Ada Moss,Maths,MOCK 1,X", "A1,Ada Moss,Maths,GCSE,X"), {"grades": {"X": 0}}
    )
    assert results(landed, "series", "points", "absent") == [
        ("GCSE", 0.0, False),
        ("MOCK 1", None, True),
    ]


def test_an_unknown_grade_is_a_rejected_row_and_the_settings_can_know_it(read: Read) -> None:
    files = long(
        "A1,Ada Moss,Maths,MOCK 1,5?", "A1,Ada Moss,Maths,GCSE,5", "A2,Bo Li,Maths,GCSE,5?"
    )
    landed = read(files)
    assert results(landed) == [("A1", "Maths", "GCSE", 5.0)]
    assert rejected(landed) == [(2, "unknown_grade", "5?"), (4, "unknown_grade", "5?")]
    assert '"UPN": "A1"' in landed.rejected["row"][0]
    (row,) = problems(landed, "unknown_grade").rows(named=True)
    assert row["number"] == 2
    assert row["message"].endswith(
        '[attainment.grades]\n"5?" = …\nor, of what is no grade: [attainment]\nno_grade = ["5?"]'
    )
    known = read(files, {"grades": {"5?": 5.33}})
    assert known.results["points"].to_list() == [5.0, 5.33, 5.33]
    assert not kinds(known)


def test_what_the_settings_call_no_grade_is_counted_and_neither_a_grade_nor_lost(
    read: Read,
) -> None:
    lines = [f"A{n},N{n} Moss,Maths,GCSE,{'WB' if n < 4 else 5}" for n in range(8)]
    asked = read(long(*lines))
    assert held(asked) == [("2026", "Maths")]
    (message,) = problems(asked, "unknown_grade")["message"]
    pasted = tomllib.loads(message[message.index("[attainment]\nno_grade") :])["attainment"]
    landed = read(long(*lines), pasted)
    assert [points for *_, points in results(landed)] == [5.0] * 4
    assert rejected(landed) == []
    (row,) = landed.notes.rows(named=True)
    assert (row["kind"], row["number"]) == ("not_read", 4)
    assert "4 cells are no grade, as [attainment] no_grade says: “WB” (4)." in row["message"]
    assert landed.fates.select("fate", "rule", "rows").rows() == [
        ("counted", "", 4),
        ("outside", "no_grade", 4),
    ]


def test_a_column_is_still_one_of_grades_where_most_of_its_cells_are_said_to_be_none(
    read: Read,
) -> None:
    csv = "UPN,Maths,Art\nA1,WB,4\nA2,wb ,4\nA3,5,4\n"
    landed = read({"2026/GCSE.csv": csv}, {"no_grade": ["WB"]})
    assert results(landed, "student_id", "subject", "points") == [
        ("A1", "Art", 4.0),
        ("A2", "Art", 4.0),
        ("A3", "Art", 4.0),
        ("A3", "Maths", 5.0),
    ]


def test_marks_are_said_to_be_none(read: Read) -> None:
    landed = read(long(*(f"A{n},N{n} Moss,Maths,GCSE,{40 + n}" for n in range(8))))
    assert landed.results.is_empty()
    (message,) = problems(landed, "which_scale")["message"]
    assert "“Grade” has marks, or scores, and no grades: 8 of 8 in GCSE are above 9." in message


def test_a_cell_that_may_hold_a_name_is_shown_in_no_sentence(read: Read) -> None:
    slipped = [f"A1,Ada Moss,{subject},MOCK 1,MOSS" for subject in ("Art", "Maths", "PE")]
    landed = read(long("A1,Ada Moss,Maths,GCSE,Bo Li", *slipped))
    (message,) = problems(landed, "unknown_grade")["message"]
    assert message == "2026: 4 cells are no grades that we know. Look at them in rejected_rows."


@pytest.mark.parametrize(
    "text",
    [
        "jsmith07@school.uk",
        "js@x",
        "A823432112001",
        "12 High Street",
        "07700 900123",
        "Mr Blake 2pm",
        "01/09/2010",
    ],
)
def test_a_cell_that_may_tell_who_it_is_is_shown_in_no_sentence(read: Read, text: str) -> None:
    # however often it stands in one student's rows
    slipped = [f"A1,Ada Moss,{subject},GCSE,{text}" for subject in ("Art", "Maths", "PE")]
    landed = read(long(*slipped, "A2,Bo Li,Maths,GCSE,5?"))
    (message,) = problems(landed, "unknown_grade")["message"]
    assert "4 cells are no grades that we know: “5?” (1) and others." in message
    assert text not in message
    landed = read(long(*(line.replace("GCSE", text) for line in slipped)))
    (message,) = problems(landed, "unknown_series")["message"]
    assert text not in message


@pytest.mark.parametrize("text", ["07700 900123", "A823432112001", "office@school.uk"])
def test_a_number_or_an_address_is_shown_in_no_sentence_however_many_have_it(
    read: Read, text: str
) -> None:
    landed = read(long(*(f"A{n},Ada Moss,Maths,GCSE,{text}" for n in range(4))))
    (message,) = problems(landed, "unknown_grade")["message"]
    assert message == "2026: 4 cells are no grades that we know. Look at them in rejected_rows."


def test_a_word_that_several_students_have_for_a_grade_is_shown(read: Read) -> None:
    lines = [f"A{n},Ada Moss,Maths,GCSE,Working towards" for n in range(3)]
    (message,) = problems(read(long(*lines)), "unknown_grade")["message"]
    assert '[attainment.grades]\n"Working towards" = …\n' in message
    (message,) = problems(read(long(*lines[:2])), "unknown_grade")["message"]
    assert "Working" not in message


_UNKNOWN = ("A1,Ada Moss,Art,GCSE,W", "A2,Bo Li,Art,GCSE,W")


def test_two_figures_are_a_double_award_in_science_and_a_mark_elsewhere(read: Read) -> None:
    landed = read(
        long(
            "A1,Ada Moss,Combined Science,GCSE,54",
            "A1,Ada Moss,Combined Science,MOCK 1,5/4",
            "A1,Ada Moss,Maths,GCSE,54",
        )
    )
    assert results(landed) == [
        ("A1", "Combined Science", "GCSE", 4.5),
        ("A1", "Combined Science", "MOCK 1", 4.5),
    ]
    assert rejected(landed) == [(4, "unknown_grade", "54")]
    (message,) = problems(read(long("A1,Ada Moss,Maths,GCSE,54", *_UNKNOWN)), "unknown_grade")[
        "message"
    ]
    assert "“54” may be a mark or, like 5-4, a double award" in message
    assert message.endswith(
        '[attainment.grades]\n"W" = …\nor, of what is no grade: [attainment]\nno_grade = ["W"]'
    )


def test_a_d_is_a_distinction_in_a_subject_with_merits_and_passes(read: Read) -> None:
    landed = read(
        long(
            "A1,Ada Moss,Sport,GCSE,D",
            "A2,Bo Li,Sport,GCSE,M",
            "A1,Ada Moss,Latin,GCSE,D",
            "A2,Bo Li,Latin,GCSE,C",
        )
    )
    assert results(landed, "subject", "points") == [
        ("Latin", 3.0),
        ("Sport", 7.0),
        ("Latin", 4.0),
        ("Sport", 5.5),
    ]


def test_of_different_results_for_one_series_none_counts_and_others_stay(read: Read) -> None:
    landed = read(
        long(
            "A1,Ada Moss,Maths,GCSE,5",
            "A1,Ada Moss,Maths,GCSE,6",
            "A1,Ada Moss,Maths,MOCK 1,4",
            "A2,Bo Li,Maths,GCSE,7",
            "A2,Bo Li,Maths,GCSE,7.0",
            "A3,Cy Day,Maths,MOCK 1,X",
            "A3,Cy Day,Maths,MOCK 1,3",
        )
    )
    assert results(landed) == [("A1", "Maths", "MOCK 1", 4.0), ("A2", "Maths", "GCSE", 7.0)]
    assert rejected(landed) == [
        (2, "different_results_for_one_series", "5"),
        (3, "different_results_for_one_series", "6"),
        (7, "different_results_for_one_series", "X"),
        (8, "different_results_for_one_series", "3"),
    ]
    (row,) = problems(landed, "duplicate_result").rows(named=True)
    assert row["number"] == 2
    assert row["who"] == "Ada Moss (Maths, GCSE); Cy Day (Maths, MOCK 1)"
    assert "in 2026/r.csv line 2 and 2026/r.csv line 3" in row["message"]


def test_a_name_of_which_a_file_says_two_genders_may_be_of_two_students(read: Read) -> None:
    header = "Student,Gender,Subject,Exam_Series,Score\n"
    rows = (
        "John Smith,M,Maths,GCSE,5\nJohn Smith,F,Art,GCSE,8\n"
        "Ann Lee,F,Maths,GCSE,5\nAnn Lee,f,Art,GCSE,5\nBo Li,M,Art,GCSE,5\n"
    )
    (row,) = problems(read({"2026/r.csv": header + rows}), "ambiguous_name").rows(named=True)
    assert row["message"].startswith(
        "2026: 1 name has two values of Gender in one file: two students?"
    )
    assert row["who"] == "John Smith"
    # two files may write it in two ways, and with an id nobody is merged
    apart = {
        "2026/a.csv": header + "Jo Fox,M,Maths,GCSE,5\n",
        "2026/b.csv": header + "Jo Fox,Male,Art,GCSE,5\n",
    }
    assert problems(read(apart), "ambiguous_name").is_empty()
    with_id = "UPN," + header + "".join(f"A{line[:4]},{line}\n" for line in rows.splitlines())
    assert problems(read({"2026/r.csv": with_id}), "ambiguous_name").is_empty()


def test_a_name_is_normalised_to_plain_small_words() -> None:
    assert normal_name("O’Brien-Łuk,  Siân") == "sian o brien luk"
    assert match_key("SIAN OBRIEN LUK") == match_key("O'Brien Luk, Siân")
    assert match_key("Ann Lee") != match_key("Anne Lee")


def test_without_an_id_the_normalised_name_is_the_key_and_that_is_said(read: Read) -> None:
    landed = read(
        {
            "2026/mock 1.csv": 'Pupil,Maths\n"O\'Brien, Zoë",4\nBO LI,3\n',
            "2026/GCSE.csv": "Forename,Surname,Maths\nZoe,O Brien,5\nBo , Li,4\n",
        }
    )
    assert results(landed) == [
        ("bo li", "Maths", "GCSE", 4.0),
        ("bo li", "Maths", "MOCK 1", 3.0),
        ("zoe o brien", "Maths", "GCSE", 5.0),
        ("zoe o brien", "Maths", "MOCK 1", 4.0),
    ]
    assert landed.students["by_name"].all()
    (row,) = problems(landed, "id_is_name").rows(named=True)
    assert row["number"] == 2
    assert "2026/GCSE.csv and 2026/mock 1.csv have no student id" in row["message"]


def test_a_file_without_ids_is_joined_by_name_to_one_that_has_them(read: Read) -> None:
    landed = read(
        {
            "2026/GCSE.csv": "UPN,Adno,Name,Maths\nA1,007,Ada Moss,5\nA2,008,Bo Li,4\nA3,9,Bo Li,3\n",
            "2026/mock 1.csv": 'Name,Maths\nMoss  Ada,4\n"Moss, Ada",4\nBo Li,2\n',
            "2026/mock 2.csv": "Adno,Name,Maths\n7,Ada Moss,6\n8,Bo Li,5\n9,Bo Li,1\n",
        }
    )
    assert results(landed, "student_id", "series", "points") == [
        ("A1", "GCSE", 5.0),
        ("A1", "MOCK 1", 4.0),
        ("A1", "MOCK 2", 6.0),
        ("A2", "GCSE", 4.0),
        ("A2", "MOCK 2", 5.0),
        ("A3", "GCSE", 3.0),
        ("A3", "MOCK 2", 1.0),
        ("moss ada", "MOCK 1", 4.0),
    ]
    assert rejected(landed) == [(4, "ambiguous_name", None)]
    assert problems(landed, "ambiguous_name")["who"].to_list() == ["Bo Li"]


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("mock1", "MOCK 1"),
        ("Mock Exam 2", "MOCK 2"),
        ("Y11 Mock 1 Grade", "MOCK 1"),
        ("PPE 2", "MOCK 2"),
        ("First mock", "MOCK 1"),
        ("GCSE Results 2026", "GCSE"),
        ("Final grade", "GCSE"),
        ("Summer 2026", "GCSE"),
        ("Yellis", "BASELINE"),
        ("FFT20", "BASELINE"),
        ("FFT Aspire 20 estimate", "BASELINE"),
        ("Y11 Summer", "GCSE"),
        ("Expected grade", None),
        ("SEN Cat", None),
        ("Y10 Summer", None),
        ("Year 10 Final", None),
        ("Summer", None),
        ("Predicted GCSE", None),
        ("Mock 3", None),
        ("Autumn", None),
        ("Target", None),
        ("Results", None),
        ("Gender", None),
    ],
)
def test_series_are_known_by_many_names(text: str, series: str | None) -> None:
    assert series_of(text, Attainment()) == series


def test_mocks_without_a_number_follow_the_school_year_and_that_is_said(read: Read) -> None:
    landed = read(
        long(
            "A1,Ada Moss,Maths,March mock,5",
            "A1,Ada Moss,Maths,November mock,4",
            "A1,Ada Moss,Maths,GCSE,6",
        )
    )
    assert results(landed, "series", "points") == [("GCSE", 6), ("MOCK 1", 4), ("MOCK 2", 5)]
    (note,) = problems(landed, "taken_for")["message"]
    assert "“November mock” for MOCK 1" in note
    assert read_series(["Mock", "Mock 1"], Attainment()).of == {"Mock 1": "MOCK 1"}
    assert read_series(["Mock", "May mock"], Attainment()).of == {}


def test_a_series_that_nobody_knows_is_rejected_with_the_line_to_paste(read: Read) -> None:
    theirs = "Sitting B 2026"
    files = long(
        f"A1,Ada Moss,Maths,{theirs},5",
        f"A2,Bo Li,Maths,{theirs},5",
        f"A3,Cy Day,Maths,{theirs},5",
        "A1,Ada Moss,Maths,GCSE,6",
    )
    landed = read(files)
    assert results(landed) == [("A1", "Maths", "GCSE", 6.0)]
    assert rejected(landed) == [(line, "unknown_series", theirs) for line in (2, 3, 4)]
    (message,) = problems(landed, "unknown_series")["message"]
    assert f'[attainment.series_names]\n"{theirs}" = "…"\n' in message
    assert message.endswith(f'ignore = ["{theirs}"]')
    known = read(files, {"series_names": {theirs: "MOCK 1"}})
    assert results(known, "student_id", "series", "points") == [
        ("A1", "GCSE", 6.0),
        ("A1", "MOCK 1", 5.0),
        ("A2", "MOCK 1", 5.0),
        ("A3", "MOCK 1", 5.0),
    ]
    assert not kinds(known)


def test_the_settings_name_series_of_their_own(read: Read) -> None:
    own = {"series": ["Autumn", "Spring", "A level"], "final": "A level"}
    landed = read(
        long(
            "A1,Ada Moss,Maths,Autumn,B", "A1,Ada Moss,Maths,A level,A", "A1,Ada Moss,Maths,FFT,C"
        ),
        own,
    )
    assert results(landed, "series", "points") == [("A level", 5), ("Autumn", 4), ("BASELINE", 3)]


def test_spellings_of_a_subject_are_one_called_as_most_rows_or_the_settings_do(read: Read) -> None:
    files = long(
        "A1,Ada Moss,Eng Lang,MOCK 1,4",
        "A1,Ada Moss,English Language,GCSE,5",
        "A2,Bo Li,English Language,GCSE,5",
        "A2,Bo Li, Computing ,GCSE,5",
        "A2,Bo Li,Welsh Bacc,GCSE,5",
    )
    assert set(read(files).results["subject"]) == {"English Language", "Computing", "Welsh Bacc"}
    own = {"subjects": {"English Language": "English", "welsh bacc": "WBQ"}}
    assert set(read(files, own).results["subject"]) == {"English", "Eng Lang", "Computing", "WBQ"}


HALVES = [
    ("Combined Science 1", "Combined Science 2"),
    ("Science (1st)", "Science (2nd)"),
    ("Trilogy GCSE (1st award)", "Trilogy GCSE (2nd award)"),
]


@pytest.mark.parametrize("names", HALVES)
def test_the_two_grades_of_a_double_award_are_never_two_subjects(
    read: Read, names: Sequence[str]
) -> None:
    header = f"UPN,Maths,{','.join(names)}"
    apart = read({"2026/GCSE.csv": f"{header}\nA1,5,5,4\nA2,6,6,6\nA3,4,4,3"})
    assert held(apart) == [("2026", "")]
    assert {subject for _, subject, *_ in results(apart)} == {"Maths"}
    assert "such as 5-4" in problems(apart, "which_series")["message"][0]
    # the whole award in both says it twice: (5 + 4) / 2, (6 + 6) / 2
    twice = read({"2026/GCSE.csv": f"{header}\nA1,5,5-4,54\nA2,6,66,6-6"})
    assert held(twice) == []
    points = twice.results.filter(pl.col("subject") != "Maths")["points"]
    assert points.to_list() == [4.5, 6.0]


@pytest.mark.parametrize("names", HALVES)
def test_the_two_grades_of_a_double_award_in_two_rows_are_told(
    read: Read, names: Sequence[str]
) -> None:
    rows = [f"A{n},{name},{5 + half}" for n in (1, 2) for half, name in enumerate(names)]
    landed = read({"2026/r.csv": "\n".join(["UPN,Subject,GCSE", *rows, "A1,Maths,5"])})
    assert results(landed) == [("A1", "Maths", "GCSE", 5.0)]
    assert "such as 5-4" in problems(landed, "duplicate_result")["message"][0]
    assert held(landed) == [("2026", names[0])]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("UPN,Subject,Qualification,Mock 1,GCSE", "Health and Social Care,BTEC Tech Award,D,D"),
        ("UPN,Subject,Mock 1,GCSE", "BTEC Sport,D,D"),
    ],
    ids=["in a column", "in the subject's name"],
)
def test_a_d_of_an_award_is_a_distinction_also_where_nothing_but_its_name_says_so(
    read: Read, header: str, row: str
) -> None:
    landed = read({"r.csv": f"{header}\nA1,{row}\nA2,{row}\n"})
    assert set(results(landed, "scale")) == {("level_2",)}


def test_an_award_among_a_levels_is_of_level_3(read: Read) -> None:
    text = (
        "UPN,Subject,Qualification,Mock 1,A Level\n"
        "A1,Biology,A Level,B,A\nA2,Biology,A Level,C,B\nA1,Applied Science,BTEC Ext Cert,D,D\n"
    )
    landed = read({"r.csv": text})
    assert set(results(landed, "subject", "scale")) == {
        ("Applied Science", "level_3"),
        ("Biology", "a_level"),
    }
