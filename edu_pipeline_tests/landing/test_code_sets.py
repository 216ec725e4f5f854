"""Published sets of attendance codes: what they mean, when they are asked about, and of which days they are."""

from collections.abc import Callable
from datetime import date

import pytest

from edu_pipeline.landing.sources.school.code_sets import (
    IN_WORDS,
    asked_as_set,
    code_set_problems,
    likely_set,
    said_in_words,
)
from edu_pipeline.landing.sources.school.rejections import unmapped_codes
from edu_pipeline.settings.marks import CODE_SETS, MARKS, Attendance
from edu_pipeline_tests.landing.conftest import ROSTERS, Facts, lines_told

Stage = Callable[..., Facts]
DAY = date(2026, 9, 7)
DFE = Attendance(code_set="dfe-2024")
TODAY = dict.fromkeys(("/", "\\", "L", "T", "C2"), DAY)
HEADER = "student_id,date,session,code\n"


@pytest.mark.parametrize(
    ("codes", "meaning"),
    [
        (("/", "\\", "B", "K", "P", "V", "W"), "present"),
        (("L",), "tardy"),
        (("C", "C1", "C2", "E", "I", "J1", "M", "R", "S", "T"), "excused"),
        (("G", "N", "O", "U"), "unexcused"),
        (("D", "Q", "X", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "Z", "#"), "not_expected"),
        (("-", ""), "not_taken"),
    ],
)
def test_the_codes_of_august_2024_mean_what_the_guidance_says(
    codes: tuple[str, ...], meaning: str
) -> None:
    assert [DFE.mark(code) for code in codes] == [MARKS[meaning]] * len(codes)


def test_what_ended_in_august_2024_and_what_schools_add_means_nothing_in_the_set() -> None:
    assert [code for code in ("H", "J", "Y", "F", "A", "0", "@", "t") if DFE.mark(code)] == []
    before = Attendance(code_set="dfe-2022")
    assert [before.mark(code) for code in ("H", "J", "Y")] == [
        MARKS[meaning] for meaning in ("excused", "present", "not_expected")
    ]
    assert before.mark("K") is None


def test_what_the_school_says_wins_over_the_set_in_the_case_that_it_writes() -> None:
    attendance = Attendance(
        code_set="dfe-2024", codes={"T": "tardy", "b": "absent", "@": "present"}
    )
    found = [attendance.mark(code) for code in ("T", "B", "b", "@")]
    assert found == [MARKS[name] for name in ("tardy", "present", "absent", "present")]


def test_every_code_of_a_set_has_words_by_which_it_is_known() -> None:
    codes = {code for known in CODE_SETS.values() for code in known.codes}
    assert codes - IN_WORDS.keys() == {"-"}


@pytest.mark.parametrize(
    ("codes", "name"),
    [
        (TODAY, "dfe-2024"),
        ({**TODAY, "@": DAY, "3": DAY}, "dfe-2024"),  # as schools add
        ({**TODAY, "A": DAY}, None),
        ({**TODAY, "H": DAY}, "dfe-2024"),  # which has ended, and is asked about
        (dict.fromkeys(("/", "\\", "H"), date(2024, 7, 19)), "dfe-2022"),
        (dict.fromkeys(("/", "\\", "T"), date(2019, 7, 19)), None),
        (dict.fromkeys("PTHEA", DAY), None),
        (dict.fromkeys("LTCEM/", DAY), None),
        (dict.fromkeys(TODAY), None),  # of no day
    ],
)
def test_a_set_is_named_where_its_own_marks_stand_and_every_letter_is_of_some_set(
    codes: dict[str, date | None], name: str | None
) -> None:
    assert likely_set(codes) == name


def test_words_beside_the_codes_prove_a_set_only_if_they_say_it_of_every_code() -> None:
    told = [("/", "Present (AM)"), ("\\", "Present (PM)"), ("T", "Traveller absence"), ("-", "")]
    assert said_in_words("/\\T-", told)
    assert not said_in_words("/\\T-", [*told, ("T", "Tardy")])
    assert not said_in_words("/\\TM-", told)
    assert not said_in_words("L", [("L", "Late after registers closed")])
    assert not said_in_words("/\\T", [("/", ""), ("\\", ""), ("T", "")])


def test_one_question_asks_for_the_set_and_its_line_works(facts: Stage) -> None:
    marks = (
        "007,2026-09-07,AM,/\n007,2026-09-07,PM,\\\n008,2026-09-07,AM,T\n008,2026-09-07,PM,N\n"
        "007,2026-09-08,AM,@\n007,2026-09-08,PM,H\n"
    )
    per_day = "[landing.attendance]\nsessions_per_day = 2\n"
    con, *_ = facts({"attendance.csv": HEADER + marks}, per_day)
    (problem,), others = asked_as_set(unmapped_codes(con))
    assert problem.message == (
        "Nobody has said what the codes of attendance mean. 4 codes of 4 marks are among DfE's register codes of "
        "August 2024: '/' and '\\' present, 'T' excused, 'N' unexcused. If the school means another thing by one "
        'of them, [attendance.codes] wins over the set. Add to [attendance]: code_set = "dfe-2024"'
    )
    assert sorted(others["code"].unique()) == ["@", "H"]
    con, *_ = facts({}, per_day + lines_told(problem.message))
    assert con.sql(
        "select code, attended, excused from stg_attendance order by line"
    ).fetchall() == [("/", 0.5, None), ("\\", 0.5, None), ("T", 0, True), ("N", 0, False)]


@pytest.mark.parametrize(
    ("name", "day", "code", "told"),
    [
        (
            "dfe-2024",
            "2024-06-03",
            "K",
            "'K' appears 1 time on 2024-06-03, when DfE's register codes of September 2022 held, in which it is "
            "none; it is read as one of DfE's register codes of August 2024. Say in [attendance.codes] what it "
            "means.",
        ),
        (
            "dfe-2022",
            "2026-09-07",
            "H",
            "'H' appears 1 time on 2026-09-07, when DfE's register codes of August 2024 held, in which it is none; "
            "it is read as one of DfE's register codes of September 2022. Say in [attendance.codes] what it means.",
        ),
        ("dfe-2024", "2024-06-03", "T", None),
        ("dfe-2024", "2026-09-07", "K", None),
    ],
)
def test_a_code_of_a_day_on_which_another_set_held_is_asked_about(
    name: str, day: str, code: str, told: str | None, facts: Stage
) -> None:
    rosters = ROSTERS.replace("2026-09-07", day).replace("2026-09-01", "2022-09-01")
    marks = f"student_id,date,code\n007,{day},{code}\n"
    con, _, settings = facts(
        {"attendance.csv": marks}, f'[attendance]\ncode_set = "{name}"', rosters
    )
    found = [problem.message for problem in code_set_problems(con, settings.attendance)]
    assert found == ([told] if told else [])
    said = settings.attendance.model_copy(update={"codes": {code: "present"}})
    assert [*code_set_problems(con, said)] == []
