from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from edu_pipeline.school_calendar import with_weeks
from edu_pipeline.settings import WEEKDAYS
from edu_pipeline.teachers.metrics import (
    WeekState,
    class_week,
    group_rates,
    last_counted_day,
    student_attendance,
    student_homework,
    week_states,
)
from edu_pipeline_tests.teachers.conftest import FIRST_MONDAY

FRIDAY = 4


def week(number: int) -> date:
    """Monday of a week; week 1 begins on 31 August 2026."""
    return FIRST_MONDAY + timedelta(weeks=number - 1)


def calendar(days_by_week: Mapping[int, int], school: str = "1") -> pl.DataFrame:
    """School days: the first so many of each week, and a closed Saturday in each."""
    return with_weeks(
        pl.DataFrame(
            [
                (week(number) + timedelta(days=n), school, n < in_session, None)
                for number, in_session in days_by_week.items()
                for n in [*range(in_session), 5]
            ],
            schema={
                "date": pl.Date,
                "school_id": pl.String,
                "in_session": pl.Boolean,
                "term": pl.String,
            },
            orient="row",
        )
    )


def through(**day_by_school: date) -> pl.DataFrame:
    return pl.DataFrame(
        [(school.removeprefix("s"), day) for school, day in day_by_school.items()],
        schema={"school_id": pl.String, "counted_through": pl.Date},
        orient="row",
    )


def class_weeks(
    days: pl.DataFrame,
    attendance: Mapping[tuple[str, int], tuple[int, float, float]],
    *,
    homework: Mapping[tuple[str, int], Mapping[str, int]] | None = None,
    teams: Mapping[tuple[str, str | None, int], tuple[float, float]] | None = None,
    classes: Mapping[str, str] | None = None,
    students: Mapping[tuple[str, int], int] | None = None,
    counted_through: pl.DataFrame | None = None,
    late_counts: bool = True,
) -> pl.DataFrame:
    """`class_week` from (class, week) → days submitted, possible, attended.

    Classes are homerooms of team Seven in school 1 unless `classes` says (class → school).
    """
    schools = classes or {class_id: "1" for class_id, _ in attendance}
    sizes = students or dict.fromkeys(attendance, 2)
    last = max((number for _, number in attendance), default=1)
    return class_week(
        classes=pl.DataFrame(
            [
                (name, name, "homeroom", "7", "Seven", school, None)
                for name, school in schools.items()
            ],
            schema=[
                "class_id",
                "class_name",
                "class_type",
                "grade",
                "team",
                "school_id",
                ("teacher_id", pl.String),
            ],
            orient="row",
        ),
        school_days=days,
        students=_frame(
            [(name, week(n), size) for (name, n), size in sizes.items()],
            class_id=pl.String,
            week_start=pl.Date,
            students=pl.Int64,
        ),
        attendance=_frame(
            [(name, week(n), *sums) for (name, n), sums in attendance.items()],
            class_id=pl.String,
            week_start=pl.Date,
            days_submitted=pl.Int64,
            possible_days=pl.Float64,
            attended_days=pl.Float64,
        ),
        attendance_groups=_attendance_groups(teams or {}),
        homework=_frame(
            [
                (name, week(n), status, items)
                for (name, n), statuses in (homework or {}).items()
                for status, items in statuses.items()
            ],
            class_id=pl.String,
            week_start=pl.Date,
            status=pl.String,
            items=pl.Int64,
        ),
        homework_groups=_homework_groups({}),
        counted_through=through(s1=week(last) + timedelta(days=FRIDAY))
        if counted_through is None
        else counted_through,
        late_counts=late_counts,
    )


def _frame(rows: list[tuple[Any, ...]], **schema: Any) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def _attendance_groups(
    sums: Mapping[tuple[str, str | None, int], tuple[float, float]],
) -> pl.DataFrame:
    return _frame(
        [(school, team, week(n), *pair) for (school, team, n), pair in sums.items()],
        school_id=pl.String,
        team=pl.String,
        week_start=pl.Date,
        possible_days=pl.Float64,
        attended_days=pl.Float64,
    )


def _homework_groups(
    items: Mapping[tuple[str, str | None, int], Mapping[str, int]],
) -> pl.DataFrame:
    return _frame(
        [
            (school, team, week(n), status, count)
            for (school, team, n), statuses in items.items()
            for status, count in statuses.items()
        ],
        school_id=pl.String,
        team=pl.String,
        week_start=pl.Date,
        status=pl.String,
        items=pl.Int64,
    )


def column(frame: pl.DataFrame, name: str) -> list[Any]:
    """A column by week and class."""
    return frame.sort("week_start", "class_id")[name].to_list()


def test_a_rate_is_attended_over_possible() -> None:
    rows = class_weeks(calendar({1: 5}), {("7A", 1): (5, 10, 9)})

    assert column(rows, "attendance_rate") == [0.9]
    assert column(rows, "days_in_session") == [5]


def test_where_no_register_was_taken_the_row_is_there_and_the_rate_is_empty() -> None:
    rows = class_weeks(
        calendar({1: 5, 2: 5}),
        {("7A", 1): (5, 10, 9), ("7B", 1): (5, 10, 10), ("7B", 2): (5, 10, 10)},
        students={("7A", 1): 2, ("7A", 2): 2, ("7B", 1): 2, ("7B", 2): 2},
    )
    silent = rows.filter(class_id="7A", week_start=week(2)).row(0, named=True)

    assert (silent["students"], silent["days_submitted"]) == (2, 0)
    assert (silent["possible_days"], silent["attended_days"]) == (0, 0)
    assert silent["attendance_rate"] is None
    assert silent["attendance_rate_previous"] == 0.9
    assert silent["attendance_rate_change_previous"] is None


def test_where_nobody_was_expected_the_rate_is_empty() -> None:
    rows = class_weeks(calendar({1: 5}), {("7A", 1): (5, 0, 0)})

    assert column(rows, "attendance_rate") == [None]
    assert column(rows, "days_submitted") == [5]


def test_a_week_with_one_school_day_is_a_week() -> None:
    rows = class_weeks(calendar({1: 5, 2: 1}), {("7A", 1): (5, 10, 9), ("7A", 2): (1, 2, 1)})

    assert column(rows, "days_in_session") == [5, 1]
    assert column(rows, "attendance_rate") == [0.9, 0.5]
    assert column(rows, "attendance_rate_change_previous") == [None, pytest.approx(-0.4)]


def test_a_closed_week_has_no_row_and_previous_is_the_school_week_before_it() -> None:
    rows = class_weeks(
        calendar({1: 5, 2: 0, 3: 0, 4: 5}), {("7A", 1): (5, 10, 9), ("7A", 4): (5, 10, 8)}
    )

    assert column(rows, "week_start") == [week(1), week(4)]
    assert column(rows, "attendance_rate_previous") == [None, 0.9]


def test_previous_is_empty_where_the_class_had_no_students_the_week_before() -> None:
    rows = class_weeks(calendar({1: 5, 2: 5, 3: 5}), {("7A", 1): (5, 10, 9), ("7A", 3): (5, 10, 8)})

    assert column(rows, "attendance_rate_previous") == [None, None]
    assert column(rows, "attendance_rate_start") == [0.9, 0.9]


def test_start_is_the_first_full_week_and_empty_before_it() -> None:
    rows = class_weeks(
        calendar({1: 3, 2: 5, 3: 5}),
        {("7A", 1): (3, 6, 3), ("7A", 2): (5, 10, 9), ("7A", 3): (5, 10, 10)},
    )

    assert column(rows, "attendance_rate_start") == [None, 0.9, 0.9]
    assert column(rows, "attendance_rate_change_start") == [None, 0, pytest.approx(0.1)]
    assert column(rows, "attendance_rate_previous") == [None, 0.5, 0.9]


@pytest.mark.parametrize(
    ("lengths", "start"),
    [({1: 4, 2: 4, 3: 5, 4: 5}, 3), ({1: 4, 2: 5, 3: 4, 4: 5}, 2), ({1: 5, 2: 4, 3: 4, 4: 4}, 1)],
)
def test_of_two_usual_week_lengths_the_longer_is_full(lengths: dict[int, int], start: int) -> None:
    rates = {("7A", number): (1, 10, number) for number in lengths}

    rows = class_weeks(calendar(lengths), rates)

    assert column(rows, "attendance_rate_start")[-1] == start / 10


def test_previous_and_start_do_not_cross_school_years() -> None:
    rows = class_weeks(
        calendar({1: 5, 2: 5, 10: 5, 11: 5}),
        {
            ("7A", 1): (5, 10, 1),
            ("7A", 2): (5, 10, 2),
            ("7A", 10): (5, 10, 3),
            ("7A", 11): (5, 10, 4),
        },
    )

    assert column(rows, "attendance_rate_previous") == [None, 0.1, None, 0.3]
    assert column(rows, "attendance_rate_start") == [0.1, 0.1, 0.3, 0.3]


def test_weeks_after_the_last_counted_day_have_no_row() -> None:
    rows = class_weeks(
        calendar({1: 5, 2: 5}),
        {("7A", 1): (5, 10, 9)},
        students={("7A", 1): 2, ("7A", 2): 2},
    )

    assert column(rows, "week_start") == [week(1)]


def test_a_school_that_is_behind_has_rows_without_figures() -> None:
    rows = class_weeks(
        pl.concat([calendar({1: 5, 2: 5}), calendar({1: 5, 2: 5}, "2")]),
        {("7A", 1): (5, 10, 9), ("7A", 2): (5, 10, 9), ("7X", 1): (5, 10, 8)},
        classes={"7A": "1", "7X": "2"},
        students={(name, n): 2 for name in ("7A", "7X") for n in (1, 2)},
        counted_through=through(s1=week(2), s2=week(1) + timedelta(days=FRIDAY)),
    )

    assert column(rows.filter(class_id="7X"), "attendance_rate") == [0.8, None]


def test_a_school_without_any_data_has_no_rows() -> None:
    rows = class_weeks(
        pl.concat([calendar({1: 5}), calendar({1: 5}, "2")]),
        {("7A", 1): (5, 10, 9)},
        classes={"7A": "1", "7X": "2"},
        students={("7A", 1): 2, ("7X", 1): 2},
    )

    assert column(rows, "class_id") == ["7A"]


@pytest.mark.parametrize(("late_counts", "complete", "rate"), [(True, 4, 0.8), (False, 3, 0.6)])
def test_late_homework_counts_as_the_settings_say(
    late_counts: bool, complete: int, rate: float
) -> None:
    rows = class_weeks(
        calendar({1: 5}),
        {("7A", 1): (5, 10, 9)},
        homework={("7A", 1): {"complete": 3, "late": 1, "missing": 1}},
        late_counts=late_counts,
    )

    assert column(rows, "homework_due") == [5]
    assert column(rows, "homework_complete") == [complete]
    assert column(rows, "homework_rate") == [rate]


def test_a_class_without_homework_has_an_empty_homework_rate_and_no_change() -> None:
    rows = class_weeks(
        calendar({1: 5, 2: 5}),
        {("7A", 1): (5, 10, 9), ("7A", 2): (5, 10, 9)},
        homework={("7A", 1): {"complete": 1, "missing": 1}},
    )

    assert column(rows, "homework_due") == [2, 0]
    assert column(rows, "homework_rate") == [0.5, None]
    assert column(rows, "homework_rate_previous") == [None, 0.5]
    assert column(rows, "homework_rate_change_previous") == [None, None]


def test_team_and_school_stand_beside_the_class_in_the_same_week() -> None:
    rows = class_weeks(
        calendar({1: 5, 2: 5}),
        {("7A", 1): (5, 10, 9), ("7A", 2): (5, 10, 9)},
        teams={
            ("1", "Seven", 1): (20, 10),
            ("1", None, 1): (40, 30),
            ("1", "Eight", 1): (20, 20),
            ("1", "Seven", 2): (20, 12),
            ("2", "Seven", 2): (20, 1),
            ("2", None, 2): (20, 1),
        },
    )

    assert column(rows, "attendance_rate_team") == [0.5, 0.6]
    assert column(rows, "attendance_rate_school") == [0.75, None]


def test_a_groups_rate_is_a_sum_over_a_sum() -> None:
    rates = group_rates(
        _attendance_groups({("1", "Seven", 1): (30, 19), ("1", None, 1): (130, 119)}),
        _homework_groups(
            {
                ("1", "Seven", 1): {"complete": 1, "late": 1, "missing": 2},
                ("1", None, 1): {"complete": 1, "missing": 3},
            }
        ),
        late_counts=True,
    )

    assert rates.sort("team", nulls_last=True).rows() == [
        ("1", "Seven", week(1), 19 / 30, 0.5),
        ("1", None, week(1), 119 / 130, 0.25),
    ]


def test_homework_of_a_group_without_attendance_is_kept() -> None:
    rates = group_rates(
        _attendance_groups({}),
        _homework_groups({("1", None, 1): {"complete": 3, "missing": 1}}),
        late_counts=True,
    )

    assert rates.rows() == [("1", None, week(1), None, 0.75)]


def test_a_student_who_was_never_expected_has_an_empty_rate() -> None:
    sums = pl.DataFrame(
        {
            "student_id": ["a", "b"],
            "school_id": "1",
            "possible_days": [10.0, 0.0],
            "attended_days": [9.5, 0.0],
            "absent_days": [0.5, 0.0],
            "excused_days": [0.5, 0.0],
            "tardy_days": [3, 0],
            "first_date": week(1),
            "last_date": week(2),
        }
    )

    assert student_attendance(sums)["attendance_rate"].to_list() == [0.95, None]


def test_a_students_homework_is_counted_by_status() -> None:
    items = pl.DataFrame(
        {
            "student_id": ["b", "a", "a", "a"],
            "status": ["missing", "complete", "late", "missing"],
            "items": [2, 5, 1, 4],
        }
    )

    assert student_homework(items, late_counts=True).rows() == [
        ("a", 10, 6, 1, 4, 0.6),
        ("b", 2, 0, 0, 2, 0.0),
    ]
    assert student_homework(items, late_counts=False)["homework_rate"].to_list() == [0.5, 0.0]


def states(
    days: pl.DataFrame, submitted: Mapping[tuple[str, int], int], close_week: str = "sunday"
) -> list[WeekState]:
    rows = class_weeks(days, {key: (n, 10.0, 9.0) for key, n in submitted.items()})
    return week_states(rows, days, close_weekday=WEEKDAYS.index(close_week))


def test_a_week_is_complete_when_every_homeroom_has_all_its_registers_in() -> None:
    found = states(calendar({1: 5, 2: 3}), {("7A", 1): 5, ("7B", 1): 4, ("7A", 2): 3, ("7B", 2): 3})

    assert found == [
        WeekState(week(1), week(1) + timedelta(days=4), homerooms=2, homerooms_missing=1),
        WeekState(week(2), week(2) + timedelta(days=2), homerooms=2, homerooms_missing=0),
    ]
    assert [state.complete for state in found] == [False, True]


def test_a_week_waits_for_a_school_that_is_behind() -> None:
    days = pl.concat([calendar({1: 5, 2: 5}), calendar({1: 5, 2: 5}, "2")])
    rows = class_weeks(
        days,
        {("7A", 1): (5, 10, 9), ("7A", 2): (5, 10, 9), ("7X", 1): (5, 10, 9)},
        classes={"7A": "1", "7X": "2"},
        students={(name, n): 2 for name in ("7A", "7X") for n in (1, 2)},
        counted_through=through(s1=week(2) + timedelta(days=4), s2=week(1) + timedelta(days=4)),
    )

    found = week_states(rows, days, close_weekday=6)

    assert [state.homerooms_missing for state in found] == [0, 1]


def test_of_the_running_week_only_closed_days_are_waited_for() -> None:
    found = states(calendar({1: 5, 2: 5}), {("7A", 1): 4, ("7A", 2): 4}, close_week="thursday")

    assert [state.complete for state in found] == [False, True]
    assert [state.last_closed_day for state in found] == [
        week(1) + timedelta(days=4),
        week(2) + timedelta(days=3),
    ]


def test_classes_that_are_no_homerooms_are_not_waited_for() -> None:
    days = calendar({1: 5})
    rows = class_weeks(days, {("7A", 1): (5, 10, 9), ("MAT", 1): (0, 0, 0)}).with_columns(
        class_type=pl.when(class_id="MAT").then(pl.lit("scheduled")).otherwise("class_type")
    )

    assert [state.homerooms for state in week_states(rows, days, close_weekday=6)] == [1]


def test_a_running_week_with_no_closed_day_yet_is_no_period() -> None:
    days = calendar({1: 5, 2: 5}).filter(pl.col("date") != week(2))

    found = states(days, {("7A", 1): 5, ("7A", 2): 1}, close_week="monday")

    assert [state.week_start for state in found] == [week(1)]


def test_without_homerooms_there_are_no_weeks() -> None:
    days = calendar({1: 5})
    none = class_weeks(days, {("7A", 1): (5, 10, 9)}).clear()

    assert week_states(none, days, close_weekday=6) == []


def test_the_last_counted_day_of_a_past_week_is_its_last_in_session() -> None:
    days = calendar({1: 3, 2: 5})

    assert last_counted_day(days, through(s1=week(2)), week(1)) == week(1) + timedelta(days=2)
    assert last_counted_day(days, through(s1=week(2)), week(2)) == week(2)


def test_a_week_without_figures_has_no_last_counted_day() -> None:
    assert last_counted_day(calendar({1: 5, 2: 5}), through(s1=week(1)), week(2)) is None
    assert last_counted_day(calendar({1: 5, 2: 0}), through(s1=week(2)), week(2)) is None
