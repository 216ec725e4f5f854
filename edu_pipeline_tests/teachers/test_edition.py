from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from edu_pipeline.gate import mail_gate
from edu_pipeline.mail.due import PERIODS
from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.render import environment
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.model.roster import Classes, Enrollments, Staff
from edu_pipeline.settings import Letters, Targets
from edu_pipeline.shipped import shipped
from edu_pipeline.teachers.edition import (
    Envelope,
    homeroom_teachers,
    homerooms_without_teacher,
    letters_of_week,
    periods_of,
)
from edu_pipeline.teachers.letter import Edition, LetterWeek, Teacher
from edu_pipeline.teachers.metrics import WeekState
from edu_pipeline_tests.teachers.conftest import FIRST_MONDAY, HistoryMaker

WEEK = FIRST_MONDAY
FRIDAY = WEEK + timedelta(days=4)
ALWAYS = (date(1, 1, 1), date(9999, 12, 31))
NOT_AFTER = datetime(2026, 9, 10, tzinfo=UTC)


def roster(*spells: tuple[str, str, date, date], role: str = "teacher") -> pl.DataFrame:
    rows = [(class_id, person, role, begin, end) for class_id, person, begin, end in spells]
    return pl.DataFrame(rows, schema=dtypes(Enrollments), orient="row")


def classes(**kinds: str) -> pl.DataFrame:
    rows = [(name, f"Room {name}", kind, "7", "Seven", "1", None) for name, kind in kinds.items()]
    return pl.DataFrame(rows, schema=dtypes(Classes), orient="row")


def staff(*ids: str) -> pl.DataFrame:
    rows = [(one, one.title(), "Moss", f"{one}@riverside.example", "1") for one in ids]
    return pl.DataFrame(rows, schema=dtypes(Staff), orient="row")


def taught(*spells: tuple[str, str, date, date], day: date = FRIDAY) -> dict[str, list[str]]:
    """Teacher → homerooms on a day."""
    kinds = {"A": "homeroom", "B": "homeroom", "MAT": "scheduled"}
    found = homeroom_teachers(roster(*spells), classes(**kinds), staff("ada", "ben"), day)
    return {staff_id: class_ids for staff_id, (_, class_ids) in found.items()}


def test_the_teacher_of_the_last_counted_day_gets_the_letter() -> None:
    thursday = WEEK + timedelta(days=3)
    change = (("A", "ada", ALWAYS[0], thursday), ("A", "ben", thursday, ALWAYS[1]))

    assert taught(*change, day=thursday) == {"ben": ["A"]}
    assert taught(*change, day=thursday - timedelta(days=1)) == {"ada": ["A"]}


def test_a_teacher_of_two_homerooms_has_both_in_one_letter() -> None:
    assert taught(("B", "ada", *ALWAYS), ("A", "ada", *ALWAYS)) == {"ada": ["A", "B"]}


def test_co_teachers_both_get_a_letter() -> None:
    assert taught(("A", "ada", *ALWAYS), ("A", "ben", *ALWAYS)) == {"ada": ["A"], "ben": ["A"]}


def test_overlapping_spells_name_a_homeroom_once() -> None:
    assert taught(("A", "ada", *ALWAYS), ("A", "ada", WEEK, ALWAYS[1])) == {"ada": ["A"]}


def test_teaching_a_subject_brings_no_letter() -> None:
    assert taught(("MAT", "ada", *ALWAYS)) == {}


def test_a_student_in_a_homeroom_is_not_its_teacher() -> None:
    spells = roster(("A", "ada", *ALWAYS), role="student")

    assert homeroom_teachers(spells, classes(A="homeroom"), staff("ada"), FRIDAY) == {}


def test_homerooms_that_nobody_teaches_are_named(make_history: HistoryMaker) -> None:
    weeks = pl.concat(
        [
            make_history([0.9], class_id="A", class_name="7A"),
            make_history([0.9], class_id="B", class_name="7B"),
            make_history([0.9], class_id="MAT", class_name="Maths", class_type="scheduled"),
        ]
    )
    teachers = {"ada": (Teacher("ada", "Ada", "Moss", "ada@riverside.example"), ["A"])}

    assert homerooms_without_teacher(weeks, teachers, WEEK) == ["7B"]
    assert homerooms_without_teacher(weeks, teachers, WEEK + timedelta(weeks=1)) == []


def problems(*rows: dict[str, Any]) -> pl.DataFrame:
    blank = {
        "table": "attendance",
        "kind": "unmapped_code",
        "subject": "QT",
        "rows": 1,
        "first_date": None,
        "last_date": None,
        "class_id": None,
        "message": "Map QT.",
    }
    return pl.DataFrame([blank | row for row in rows], schema=dtypes(LandingProblems), orient="row")


OPEN_GATE = mail_gate(problems(), [WEEK], "run-1", on_problem="hold")


def letters(
    make_history: HistoryMaker,
    *teachers: tuple[str, list[str]],
    gate: pl.DataFrame = OPEN_GATE,
    email: str | None = None,
    reply_to: str | None = None,
) -> list[Letter]:
    """The week's letters to teachers (staff_id, homerooms) in a school of homerooms A and B."""
    return letters_of_week(
        [
            (
                Teacher(one, "Ada", "Moss", f"{one}@riverside.example" if email is None else email),
                class_ids,
            )
            for one, class_ids in teachers
        ],
        pl.concat(make_history([0.9], class_id=room, class_name=f"7{room}") for room in "AB"),
        {},
        gate,
        Targets(),
        Edition(
            week=LetterWeek(WEEK, FRIDAY),
            school="Riverside School",
            definitions=[],
            env=environment([shipped("templates")]),
        ),
        Envelope(
            Letters(
                from_name="School data", from_email="data@riverside.example", reply_to=reply_to
            ),
            NOT_AFTER,
        ),
    )


def test_each_teacher_gets_one_letter_about_their_own_homerooms(make_history: HistoryMaker) -> None:
    one, two = letters(make_history, ("ada", ["A"]), ("ben", ["A", "B"]))

    assert "7A" in one.text
    assert "7B" not in one.text + one.html + one.subject
    assert "7A" in two.text
    assert "7B" in two.text
    assert one.hold is None
    assert (one.campaign, one.period, one.not_after) == ("teachers", "2026-W36", NOT_AFTER)


def test_a_homeroom_without_figures_brings_no_letter(make_history: HistoryMaker) -> None:
    assert letters(make_history, ("ada", ["C"])) == []
    assert "7A" in letters(make_history, ("ada", ["C", "A"]))[0].text


def test_keys_are_opaque_stable_and_different_for_each_teacher(make_history: HistoryMaker) -> None:
    teachers = ("ada", ["A"]), ("ben", ["A"])
    first, again = letters(make_history, *teachers), letters(make_history, *teachers)
    keys = [letter.key for letter in first]

    assert keys == [letter.key for letter in again]
    assert len(set(keys)) == 2
    assert not any(word in key for key in keys for word in ("ada", "ben", "moss", "Moss"))


def test_only_the_recipient_is_named(make_history: HistoryMaker) -> None:
    (letter,) = letters(make_history, ("ada", ["A"]))

    assert letter.names == {"Ada", "Moss"}
    assert "Moss" not in letter.subject
    assert "Ada" not in letter.subject


@pytest.mark.parametrize(
    ("reply_to", "expected"),
    [(None, "data@riverside.example"), ("office@riverside.example", "office@riverside.example")],
)
def test_answers_go_where_the_settings_say(
    make_history: HistoryMaker, reply_to: str | None, expected: str
) -> None:
    (letter,) = letters(make_history, ("ada", ["A"]), reply_to=reply_to)

    assert letter.reply_to == expected
    assert (letter.sender.name, letter.sender.email) == ("School data", "data@riverside.example")


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("", "The teacher has no e-mail address. Add it to the staff export."),
        ("moss(at)riverside", "is not valid. Correct it in the staff export."),
        ("ada@riverside.example, ben@riverside.example", "is not valid."),
    ],
)
def test_a_letter_without_a_usable_address_is_made_and_held(
    make_history: HistoryMaker, email: str, reason: str
) -> None:
    (letter,) = letters(make_history, ("ada", ["A"]), email=email)

    assert reason in (letter.hold or "")
    assert not email or email not in (letter.hold or "")


def test_a_problem_holds_every_letter_of_the_week(make_history: HistoryMaker) -> None:
    gate = mail_gate(problems({"class_id": "A"}), [WEEK], "run-1", on_problem="hold")

    held = letters(make_history, ("ada", ["A"]), ("ben", ["B"]), gate=gate)

    assert [letter.hold for letter in held] == ["Map QT.", "Map QT."]


def test_a_problem_holds_only_letters_about_its_classes_where_settings_say_so(
    make_history: HistoryMaker,
) -> None:
    gate = mail_gate(problems({"class_id": "A"}), [WEEK], "run-1", on_problem="hold_affected")

    made = letters(make_history, ("ada", ["A"]), ("ben", ["B"]), ("cy", ["B", "A"]), gate=gate)

    assert [letter.hold for letter in made] == ["Map QT.", None, "Map QT."]


def test_a_problem_of_no_class_in_particular_holds_every_letter(
    make_history: HistoryMaker,
) -> None:
    gate = mail_gate(problems({"class_id": None}), [WEEK], "run-1", on_problem="hold_affected")

    assert [letter.hold for letter in letters(make_history, ("ben", ["B"]), gate=gate)] == [
        "Map QT."
    ]


def test_a_letter_is_held_for_every_reason_that_there_is(make_history: HistoryMaker) -> None:
    gate = mail_gate(problems({}), [WEEK], "run-1", on_problem="hold")

    (letter,) = letters(make_history, ("ada", ["A"]), gate=gate, email="")

    assert (letter.hold or "").startswith("Map QT. The teacher has no e-mail address.")


def state(weeks: int, *, missing: int = 0) -> WeekState:
    monday = WEEK + timedelta(weeks=weeks)
    return WeekState(monday, monday + timedelta(days=4), homerooms=3, homerooms_missing=missing)


def test_periods_say_how_far_a_week_is_and_what_holds_it() -> None:
    later = WEEK + timedelta(weeks=1)
    gate = mail_gate(problems({"first_date": later}), [WEEK, later], "run-1", on_problem="hold")

    periods = periods_of([state(0), state(1, missing=1)], gate)

    assert periods.schema == PERIODS
    assert periods.rows() == [
        ("teachers", "2026-W36", "2026-08-31", date(2026, 9, 4), True, None),
        ("teachers", "2026-W37", "2026-09-07", date(2026, 9, 11), False, "Map QT."),
    ]


def test_a_problem_of_some_classes_does_not_hold_the_period() -> None:
    gate = mail_gate(problems({"class_id": "A"}), [WEEK], "run-1", on_problem="hold_affected")

    assert periods_of([state(0)], gate)["held"].to_list() == [None]


def test_without_weeks_there_are_no_periods() -> None:
    gate = mail_gate(problems(), [], "run-1", on_problem="hold")

    assert periods_of([], gate).rows() == []
