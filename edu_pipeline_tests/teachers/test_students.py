from typing import Any

import polars as pl
import pytest

from edu_pipeline.settings.letters import Notice
from edu_pipeline.teachers.students import (
    IN_LESSONS,
    ClassNotes,
    Kind,
    Reason,
    StudentNote,
    class_notes,
    first,
    known_names,
    missed_ahead,
    shown_names,
    told_apart,
)

HERE_ALL_YEAR: dict[str, Any] = {
    "student_id": "0001",
    "possible_days": 5.0,
    "attended_days": 5.0,
    "excused_days": 0.0,
    "tardy_days": 0,
    "homework_due": 8,
    "homework_complete": 8,
    "homework_missing": 0,
    "possible_days_previous": 5.0,
    "absent_days_previous": 0.0,
    "homework_due_previous": 8,
    "homework_missing_previous": 0,
    "possible_days_to_date": 100.0,
    "absent_days_to_date": 0.0,
    "excused_days_to_date": 0.0,
    "homework_due_to_date": 200,
    "homework_missing_to_date": 0,
}


def notes_of(*students: dict[str, Any], kinds: frozenset[Kind] = frozenset(Kind)) -> ClassNotes:
    rows = pl.DataFrame([HERE_ALL_YEAR | student for student in students])
    return class_notes(rows, {}, Notice(), kinds)


def reasons_of(group: tuple[StudentNote, ...]) -> list[Reason]:
    return [reason for note in group for reason in note.reasons]


def test_everybody_is_known_by_their_full_name_once() -> None:
    def people(*names: tuple[str | None, str | None]) -> pl.DataFrame:
        schema = {"given_name": pl.String, "family_name": pl.String}
        return pl.DataFrame(names, schema=schema, orient="row")

    students = people(("Tom", "Lee"), ("Ana  María", "de la\nCruz"), (None, "Moss"), (None, None))
    staff = people(("Ada", "Moss"), ("Tom", "Lee"), ("", ""), ("Cher", None))

    assert known_names(students, staff)["name"].to_list() == [
        *("Ada Moss", "Ana María de la Cruz", "Cher", "Moss", "Tom Lee"),
    ]


def test_a_student_who_is_always_there_is_not_named() -> None:
    assert notes_of({}).empty


@pytest.mark.parametrize(("attended", "named"), [(3.5, False), (3.0, True), (0.0, True)])
def test_from_two_days_absent_a_student_is_pointed_out(attended: float, named: bool) -> None:
    found = reasons_of(notes_of({"attended_days": attended}).notice)

    assert found == ([Reason(Kind.absent, 5 - attended, 5.0)] if named else [])


def test_excused_days_alone_put_a_student_into_the_list_apart() -> None:
    notes = notes_of({"attended_days": 2.0, "excused_days": 3.0})

    assert not notes.notice
    assert reasons_of(notes.excused) == [Reason(Kind.excused, 3.0, 5.0, 3.0)]


def test_who_was_absent_even_partly_without_excuse_is_not_listed_as_excused() -> None:
    notes = notes_of({"attended_days": 3.0, "excused_days": 1.0})

    assert reasons_of(notes.notice) == [Reason(Kind.absent, 2.0, 5.0, 1.0)]
    assert not notes.excused


@pytest.mark.parametrize(
    ("missed", "expected", "more"),
    [
        (0, 20, 3),  # (0 + 3) ÷ (20 + 3) = 13.0 %, with two it is 9.1 %
        (8, 100, 3),  # 11 ÷ 103 = 10.7 %, with two 9.8 %
        (9, 99, 1),  # 10 ÷ 100 is the share itself
        (9, 90, 0),
        (20, 90, 0),
        (0.5, 5, 0),
    ],
)
def test_the_distance_is_the_fewest_absences_in_a_row_that_reach_the_share(
    missed: float, expected: float, more: int
) -> None:
    assert missed_ahead(missed, expected, 0.10) == more


def test_who_was_absent_this_week_and_is_near_the_share_hears_how_near() -> None:
    year = {"possible_days_to_date": 100.0, "absent_days_to_date": 8.0, "excused_days_to_date": 3.0}

    absent_once = notes_of({"attended_days": 4.0, **year})
    there_all_week = notes_of(year)

    assert reasons_of(absent_once.notice) == [Reason(Kind.close, 8.0, 100.0, 3.0, more=3)]
    assert there_all_week.empty


def test_who_is_further_away_than_the_settings_say_is_not_told() -> None:
    # (7 + 4) ÷ (100 + 4) = 10.6 %, with three 9.7 %
    year = {"possible_days_to_date": 100.0, "absent_days_to_date": 7.0}

    assert notes_of({"attended_days": 4.0, **year}).empty


def test_who_has_missed_the_share_is_told_with_the_days() -> None:
    year = {"possible_days_to_date": 90.0, "absent_days_to_date": 9.0}

    assert reasons_of(notes_of({"attended_days": 4.5, **year}).notice) == [
        Reason(Kind.missed, 9.0, 90.0)
    ]


def test_nothing_is_said_of_the_year_before_twenty_days() -> None:
    early = {"possible_days_to_date": 19.0, "absent_days_to_date": 6.0}

    assert notes_of({"attended_days": 4.0, **early}).empty


@pytest.mark.parametrize(
    ("due", "missing", "named"), [(8, 4, True), (8, 3, False), (2, 2, False), (3, 3, True)]
)
def test_half_of_at_least_three_pieces_missing_is_pointed_out(
    due: int, missing: int, named: bool
) -> None:
    found = reasons_of(notes_of({"homework_due": due, "homework_missing": missing}).notice)

    assert found == ([Reason(Kind.homework, missing, due)] if named else [])


def test_a_full_week_after_absence_and_all_work_after_missing_is_good_news() -> None:
    notes = notes_of({"absent_days_previous": 3.0, "homework_missing_previous": 5})

    assert reasons_of(notes.news) == [
        Reason(Kind.back, 3.0, 5.0),
        Reason(Kind.caught_up, 5, 8),
    ]
    assert not notes.notice


def test_one_piece_handed_in_is_no_catching_up() -> None:
    assert notes_of(
        {"homework_due": 1, "homework_complete": 1, "homework_missing_previous": 5}
    ).empty


def test_a_week_without_register_is_no_return() -> None:
    absent = {"possible_days": 0.0, "attended_days": 0.0, "absent_days_previous": 3.0}

    assert notes_of(absent).empty


def test_a_subject_teacher_hears_of_this_weeks_absence_and_of_homework_only() -> None:
    year = {"possible_days_to_date": 90.0, "absent_days_to_date": 12.0}
    student = {"attended_days": 2.0, "homework_missing": 8, "homework_complete": 0, **year}

    found = reasons_of(notes_of(student, kinds=IN_LESSONS).notice)

    assert [reason.kind for reason in found] == [Kind.absent, Kind.homework]


def test_the_most_pressing_student_stands_first() -> None:
    names = {"a": "Ann", "b": "Bea", "c": "Cem"}
    rows = pl.DataFrame(
        [
            HERE_ALL_YEAR | {"student_id": "a", "attended_days": 3.0},
            HERE_ALL_YEAR | {"student_id": "b", "attended_days": 1.0},
            HERE_ALL_YEAR | {"student_id": "c", "attended_days": 3.0, "homework_missing": 8},
        ]
    )

    notes = class_notes(rows, names, Notice())

    assert [note.name for note in notes.notice] == ["Cem", "Bea", "Ann"]


def test_names_are_shown_as_the_settings_say() -> None:
    students = pl.DataFrame(
        {
            "student_id": ["1", "2", "3"],
            "given_name": [" Zoë  Ann ", "ليلى", None],
            "family_name": ["O'Brien", None, " "],
        }
    )

    assert shown_names(students, "full") == {"1": "Zoë Ann O'Brien", "2": "ليلى", "3": "student 3"}
    assert shown_names(students, "initials") == {"1": "Z. O.", "2": "ل.", "3": "student 3"}


def test_a_list_is_cut_where_it_saves_more_than_one_line() -> None:
    notes = [StudentNote(str(n), str(n), ()) for n in range(5)]

    assert first(notes, 5) == (notes, 0)
    assert first(notes, 4) == (notes, 0)
    assert first(notes, 3) == (notes[:3], 2)


def test_students_of_one_name_are_told_apart_by_their_homerooms_or_ids() -> None:
    names = {"30117": "Ana Aalto", "30217": "ana aalto", "9": "Ben Berg"}
    assert told_apart(names, {"30117": "7A", "30217": "7B"}) == {
        "30117": "Ana Aalto (7A)",
        "30217": "ana aalto (7B)",
        "9": "Ben Berg",
    }
    assert told_apart(names, {"30117": "7A", "30217": "7A"}) == {
        "30117": "Ana Aalto (…117)",
        "30217": "ana aalto (…217)",
        "9": "Ben Berg",
    }
    # one of them is in no homeroom, their ids end alike, and one is the end of the other
    assert told_apart({"S12117": "A", "S22117": "A", "2117": "A"}, {"S12117": "7A"}) == {
        "S12117": "A (…12117)",
        "S22117": "A (…22117)",
        "2117": "A (2117)",
    }
    assert told_apart({"S1": "A", "S2": "A"}, {}) == {"S1": "A (S1)", "S2": "A (S2)"}
