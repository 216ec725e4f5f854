"""Blank cells beside others that all mean the same, and sessions of which only absences are listed."""

import tomllib
from collections.abc import Callable

import duckdb
import pytest

from edu_pipeline.landing.sources.school.doubts import doubts
from edu_pipeline.landing.sources.school.school_problems import session_problems
from edu_pipeline.landing.sources.school.telling_apart import several_problem, several_rows
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.landing.conftest import Facts, Land

Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]
Asked = Callable[..., list[str]]
"""Exports of attendance, homework and a calendar, and `pipeline.toml` → what is asked about them."""

EXCEPTIONS = '[landing.attendance]\nshape = "exceptions"\n'
HOMEWORK = "student_id,assignment_id,class_id,due_date,status"


@pytest.fixture
def asked(facts: Callable[..., Facts]) -> Asked:
    return lambda *exports: [problem.message for problem in doubts(*facts(*exports))]


def _register(*marks: str) -> dict[str, str]:
    """Marks of 007 and 008 on 7 September, then on the 8th and so on."""
    days = [f"00{7 + n % 2},2026-09-{7 + n // 2:02}" for n in range(len(marks))]
    rows = [f"{day},{mark}" for day, mark in zip(days, marks, strict=True)]
    return {"attendance.csv": "\n".join(["student_id,date,code", *rows]) + "\n"}


@pytest.mark.parametrize(
    ("mark", "meaning", "blank", "attended"),
    [("1", "present", "absent", 3), ("X", "absent", "present", 1)],
)
def test_a_blank_beside_marks_of_one_meaning_is_asked_about(
    asked: Asked, facts: Callable[..., Facts], mark: str, meaning: str, blank: str, attended: int
) -> None:
    codes, marks = f'[attendance.codes]\n{mark} = "{meaning}"\n', _register(mark, mark, "", mark)
    (message,) = asked(marks, codes)
    assert f'Add to [attendance.codes]: "" = "…"  # {blank}, or not_taken' in message
    said = facts({}, f'{codes}"" = "{blank}"')
    assert list(doubts(*said)) == []
    figures = said.con.sql("select sum(attended), sum(possible) from stg_attendance").fetchall()
    assert figures == [(attended, 4)]
    assert asked({}, f'{codes}"" = "not_taken"') == []


@pytest.mark.parametrize(
    "marks",
    [
        ("present", "absent", "present", "", "present", "present"),
        ("present", "present", "", ""),
    ],
)
def test_registers_that_were_not_taken_are_not_asked_about(
    asked: Asked, marks: tuple[str, ...]
) -> None:
    assert asked(_register(*marks)) == []


def test_absences_without_a_code_are_asked_about_where_all_others_are_absent(asked: Asked) -> None:
    (message,) = asked(_register("absent", "", "late", "absent"), EXCEPTIONS)
    assert message.startswith("1 mark of attendance is blank")


def test_homework_without_a_status_long_past_due_is_asked_about_beside_complete_only(
    land: Land, messages: Messages, facts: Callable[..., Facts]
) -> None:
    rows = "007,A,MAT,2026-09-08,submitted\n008,A,MAT,2026-09-08,\n"
    (message,) = messages(land({"homework.csv": f"{HOMEWORK}\n{rows}"}))
    assert 'Add to [homework.codes]: "" = "…"  # missing, or unknown' in message
    said = facts({}, '[homework.codes]\n"" = "missing"')
    assert list(doubts(*said)) == []
    assert said.con.sql("select status from stg_homework order by student_id").fetchall() == [
        ("complete",),
        ("missing",),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        "007,A,MAT,2026-09-08,submitted\n008,A,MAT,2026-09-08,\n007,B,MAT,2026-09-09,missing\n",
        "007,A,MAT,2026-09-08,submitted\n008,B,MAT,2099-09-08,\n",
    ],
)
def test_homework_that_is_not_yet_due_or_beside_missing_ones_is_not_asked_about(
    asked: Asked, rows: str
) -> None:
    assert asked({"homework.csv": f"{HOMEWORK}\n{rows}"}) == []


def test_blank_days_of_a_calendar_are_asked_about_and_the_line_works(
    land: Land, messages: Messages
) -> None:
    days = "date,in_session\n2026-09-07,Y\n2026-09-08,Y\n2026-09-12,\n"
    (message,) = messages(land({"calendar.csv": days}))
    assert 'Add to [landing.calendar.values.in_session]: "" = "…"  # true or false' in message
    con = land({}, '[landing.calendar.values.in_session]\n"" = "false"')
    assert messages(con) == []
    assert con.sql("select count(*) from stg_school_days where in_session").fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("names", "said", "likely"),
    [
        (("3", "5", "6"), None, 6),
        (("P4", "Period 3"), None, 4),
        (("AM", "PM"), None, 2),
        (("PM",), None, 2),
        (("A", "B", "C"), None, 3),
        (("801", "802", "803"), None, 3),
        (("3", "4"), 2, 4),
    ],
)
def test_absences_of_single_sessions_ask_how_many_a_day_has(
    names: tuple[str, ...], said: int | None, likely: int
) -> None:
    (problem,) = _asked_of_sessions(names, said)
    assert f"sessions_per_day = {likely}  # or more" in problem
    assert _asked_of_sessions(names, max(likely, 6)) == []


@pytest.mark.parametrize("names", [("2",), ("", "All day"), ("",)])
def test_a_single_session_or_the_whole_day_asks_nothing(names: tuple[str, ...]) -> None:
    assert _asked_of_sessions(names) == []


def _asked_of_sessions(names: tuple[str, ...], said: int | None = None) -> list[str]:
    """Of absences, one a day."""
    setting = f"sessions_per_day = {said}\n" if said else ""
    settings = Settings.model_validate(tomllib.loads(EXCEPTIONS + setting))
    return [problem.message for problem in session_problems(1, names, settings.landing)]


def test_the_sessions_of_an_export_are_asked_about_until_their_number_is_said(
    land: Land, messages: Messages
) -> None:
    rows = "007,2026-09-07,absent,3\n007,2026-09-08,absent,5\n007,2026-09-09,absent,5\n"
    (message,) = messages(
        land({"attendance.csv": f"student_id,date,code,period\n{rows}"}, EXCEPTIONS)
    )
    assert "sessions_per_day = 5  # or more" in message
    assert messages(land({}, f"{EXCEPTIONS}sessions_per_day = 6")) == []


def test_periods_that_come_in_turn_are_no_more_of_a_day(land: Land, messages: Messages) -> None:
    """Two a day: 1 and 2 on A days, which are the 7th, 9th and 11th, and 3 and 4 on the others."""
    two = f"{EXCEPTIONS}sessions_per_day = 2"
    turns = [
        f"007,2026-09-{day:02},absent,{period}\n"
        for day in range(7, 12)
        for period in ((1, 2) if day % 2 else (3, 4))
    ]
    header = "student_id,date,code,period\n"
    assert messages(land({"attendance.csv": header + "".join(turns)}, two)) == []
    # a day with one of both has more than two
    mixed = "".join(turns) + "008,2026-09-10,absent,1\n"
    (message,) = messages(land({"attendance.csv": header + mixed}, two))
    assert "sessions_per_day = 4  # or more" in message
    # few days of them may be an accident
    (message,) = messages(land({"attendance.csv": header + "".join(turns[:8])}, two))
    assert "sessions_per_day = 4  # or more" in message


def test_equal_absences_of_some_days_more_than_of_others_may_be_periods(
    facts: Callable[..., Facts],
) -> None:
    twice, thrice = "007,2026-09-07,absent\n" * 2, "008,2026-09-08,absent\n" * 3
    uneven = facts({"attendance.csv": f"student_id,date,code\n{twice}{thrice}"}, EXCEPTIONS)
    found = several_rows(uneven.con, "attendance", uneven.files, uneven.settings)
    assert found
    assert "each row may be a period that was missed" in several_problem(found).message
    even = f"student_id,date,code\n{twice}{twice.replace('07,', '08,')}"
    again = facts({"attendance.csv": even}, EXCEPTIONS)
    assert several_rows(again.con, "attendance", again.files, again.settings) is None
