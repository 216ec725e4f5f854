from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from edu_pipeline.model.school_calendar import with_weeks
from edu_pipeline.settings.mail import WEEKDAYS
from edu_pipeline.teachers import metrics
from edu_pipeline.teachers.metrics import (
    Calendar,
    Groups,
    Spreads,
    WeekState,
    class_week,
    grade_week,
    school_term,
    school_week,
    student_attendance,
    student_homework,
    teacher_week,
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
    attendance: Mapping[tuple[str, int], tuple[int, float, float] | tuple[int, float, float, int]],
    *,
    homework: Mapping[tuple[str, int], Mapping[str, int]] | None = None,
    teams: Mapping[tuple[str, str | None, int], tuple[float, float]] | None = None,
    teams_homework: Mapping[tuple[str, str | None, int], Mapping[str, int]] | None = None,
    classes: Mapping[str, str] | None = None,
    students: Mapping[tuple[str, int], int] | None = None,
    pupils: Mapping[tuple[str, int], Sequence[tuple[float, float]]] | None = None,
    team_pupils: Mapping[int, Sequence[float]] | None = None,
    counted_through: pl.DataFrame | None = None,
    off: pl.DataFrame | None = None,
    late_counts: bool = True,
) -> pl.DataFrame:
    """`class_week` from (class, week) → days submitted, possible, attended.

    Classes are homerooms of team Seven in school 1 unless `classes` says (class → school).
    `pupils` have days attended and expected, `team_pupils` days expected.
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
        calendar=Calendar(
            days,
            through(s1=week(last) + timedelta(days=FRIDAY))
            if counted_through is None
            else counted_through,
            off,
        ),
        students=_frame(
            [(name, week(n), size) for (name, n), size in sizes.items()],
            class_id=pl.String,
            week_start=pl.Date,
            students=pl.Int64,
        ),
        attendance=_frame(
            [
                (name, week(n), *sums, *([None] if len(sums) == 3 else []))
                for (name, n), sums in attendance.items()
            ],
            class_id=pl.String,
            week_start=pl.Date,
            days_submitted=pl.Int64,
            possible_days=pl.Float64,
            attended_days=pl.Float64,
            lessons=pl.Int64,
        ),
        groups=Groups(_attendance_groups(teams or {}), _homework_groups(teams_homework or {})),
        spreads=_spreads(pupils or {}, team_pupils or {}),
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
        date=pl.Date,
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
        due_date=pl.Date,
        status=pl.String,
        items=pl.Int64,
    )


def _spreads(
    pupils: Mapping[tuple[str, int], Sequence[tuple[float, float]]],
    team_pupils: Mapping[int, Sequence[float]],
) -> Spreads:
    """Of attendance, in the week and, as if it were the year's first, to date."""
    powers = [(0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 2)]
    schema = {
        "metric": pl.String,
        "window": pl.String,
        "class_id": pl.String,
        "year_start": pl.Date,
        "week_start": pl.Date,
        "students": pl.Float64,
        **{
            "_".join(f"{name}_{power}" for name, power in (("part", a), ("whole", b)) if power): (
                pl.Float64
            )
            for a, b in powers
        },
    }
    windows = ("week", "to_date")
    classes = [
        (
            "attendance_rate",
            window,
            name,
            FIRST_MONDAY,
            week(number),
            len(rates),
            *tuple(sum(part**a * whole**b for part, whole in rates) for a, b in powers),
        )
        for (name, number), rates in pupils.items()
        for window in windows
    ]
    teams = [
        (
            "attendance_rate",
            window,
            "1",
            "Seven",
            FIRST_MONDAY,
            week(number),
            sum(wholes),
            sum(whole**2 for whole in wholes),
        )
        for number, wholes in team_pupils.items()
        for window in windows
    ]
    return Spreads(
        pl.DataFrame(classes, schema=schema, orient="row"),
        _frame(
            teams,
            metric=pl.String,
            window=pl.String,
            school_id=pl.String,
            team=pl.String,
            year_start=pl.Date,
            week_start=pl.Date,
            whole_1=pl.Float64,
            whole_2=pl.Float64,
        ),
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


def test_schools_that_are_worked_out_apart_have_the_figures_that_they_have_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def made() -> pl.DataFrame:
        return class_weeks(
            pl.concat([calendar({1: 5, 2: 5}), calendar({1: 5, 2: 4}, "2")]),
            {
                ("7A", 1): (5, 10, 9),
                ("7A", 2): (5, 10, 7),
                ("7X", 1): (5, 10, 8),
                ("7X", 2): (4, 8, 8),
            },
            classes={"7A": "1", "7X": "2"},
            teams={("1", "Seven", 1): (20, 19), ("2", "Seven", 1): (20, 11)},
            counted_through=through(s1=week(2) + timedelta(days=4), s2=week(2) + timedelta(days=3)),
        )

    together = made()
    monkeypatch.setattr(metrics, "CLASSES_AT_ONCE", 1)

    assert_frame_equal(
        made().sort("week_start", "class_id"), together.sort("week_start", "class_id")
    )
    assert together.filter(class_id="7X")["attendance_rate_team"].to_list()[0] == 0.55


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


def test_a_class_has_its_year_to_date_beside_its_teams_and_its_schools() -> None:
    rows = class_weeks(
        calendar({1: 5, 2: 0, 3: 5, 10: 5}),
        {("7A", 1): (5, 10, 9), ("7A", 3): (5, 30, 21), ("7A", 10): (5, 10, 10)},
        homework={
            ("7A", 1): {"complete": 1, "missing": 1},
            ("7A", 2): {"missing": 1},
            ("7A", 3): {"late": 1},
        },
        teams={
            ("1", "Seven", 1): (20, 10),
            ("1", "Seven", 3): (60, 60),
            ("1", None, 1): (40, 40),
            ("1", None, 3): (40, 20),
            ("1", None, 10): (10, 1),
        },
        teams_homework={("1", "Seven", 2): {"missing": 4}, ("1", "Seven", 3): {"complete": 1}},
    )

    assert column(rows, "attendance_rate_to_date") == [0.9, 0.75, 1.0]
    assert column(rows, "attendance_rate_team_to_date") == [0.5, 0.875, None]
    assert column(rows, "attendance_rate_school_to_date") == [1.0, 0.75, 0.1]
    # what was due in the break counts in the year though its week has no row
    assert column(rows, "homework_rate_to_date") == [0.5, 0.5, None]
    assert column(rows, "homework_rate_team_to_date") == [None, 0.2, None]
    assert column(rows, "homework_rate_school_to_date") == [None, None, None]


def test_to_date_goes_on_in_a_week_without_its_register() -> None:
    rows = class_weeks(
        calendar({1: 5, 2: 5}),
        {("7A", 1): (5, 10, 9), ("7B", 2): (5, 10, 9)},
        students={("7A", 1): 2, ("7A", 2): 2},
    )

    assert column(rows, "attendance_rate") == [0.9, None]
    assert column(rows, "attendance_rate_to_date") == [0.9, 0.9]


def test_a_usual_range_is_of_the_earlier_weeks_of_the_same_school_year() -> None:
    numbers = [*range(1, 11), *range(20, 30)]
    rates = [90, 92, 91, 93, 90, 92, 91, 93, 91, 70]
    rows = class_weeks(
        calendar(dict.fromkeys(numbers, 5)),
        {
            ("7A", number): (5, 100, rate)
            for number, rate in zip(numbers, [*rates, *rates], strict=True)
        },
        students={("7A", number): 20 for number in numbers},
    )

    assert column(rows, "attendance_rate_usual_weeks") == [*range(10)] * 2
    few = ["too_few_weeks"] * 8
    assert column(rows, "attendance_rate_verdict") == [*few, "within", "below"] * 2
    low, high = (column(rows, f"attendance_rate_usual_{end}") for end in ("low", "high"))
    assert low[:10] == low[10:] == [None] * 8 + low[8:10]
    assert 0.7 < low[9] < 0.91 < high[9] < 1
    assert column(rows, "homework_rate_verdict") == [None] * 20


def test_a_new_level_is_in_every_week_from_the_one_in_which_it_is_found() -> None:
    up_and_down = [1, -1, 2, 0, -2, 1, 0, -1, 1, -1, 0, 2]
    rates = [60 + each for each in up_and_down] + [80 + each for each in up_and_down]
    rows = class_weeks(
        calendar(dict.fromkeys(range(1, 25), 5)),
        {("7A", number): (5, 100, rate) for number, rate in enumerate(rates, start=1)},
        students={("7A", number): 20 if number < 24 else 9 for number in range(1, 25)},
    )

    def last_but_one(part: str) -> Any:
        return column(rows, f"attendance_rate_phase{part}")[22]

    assert column(rows, "attendance_rate_phase") == [None] * 7 + ["level"] * 16 + [None]
    starts = column(rows, "attendance_rate_phase_start")
    weeks = column(rows, "week_start")
    assert starts == [None] * 7 + [weeks[0]] * 12 + [weeks[12]] * 4 + [None]
    # the levels are sums over sums
    assert last_but_one("_first") == last_but_one("_last") == sum(rates[12:23]) / 1100
    assert last_but_one("_before") == sum(rates[:12]) / 1200
    assert column(rows, "attendance_rate_usual_weeks")[18:21] == [18, 19, 8]
    assert column(rows, "homework_rate_phase") == [None] * 24


def test_a_week_of_fewer_than_ten_students_has_no_usual_range_and_says_so() -> None:
    sizes = [20] * 8 + [9, 10, 20, 9]
    rows = class_weeks(
        calendar(dict.fromkeys(range(1, 13), 5)),
        {("7A", number): (5, 100, 90 + number % 3) for number in range(1, 12)}
        | {("7A", 12): (0, 0, 0)},
        homework={("7A", number): {"complete": 8, "missing": 2} for number in range(1, 12)},
        students={("7A", number): size for number, size in enumerate(sizes, start=1)},
    )[8:]

    verdicts = ["too_few_students", "within", "within", None]
    for name in ("attendance_rate", "homework_rate"):
        assert column(rows, f"{name}_verdict") == verdicts
        for end in ("low", "high"):
            limits = column(rows, f"{name}_usual_{end}")
            assert [limit is None for limit in limits] == [True, False, False, True]
        assert column(rows, f"{name}_usual_weeks") == [8, 9, 10, 11]


def pupils_of(weeks: Mapping[str, Sequence[float]]) -> dict[tuple[str, int], list[Any]]:
    return {(name, 1): [(days, 5.0) for days in attended] for name, attended in weeks.items()}


def test_a_class_beside_its_team_is_judged_by_how_much_students_differ() -> None:
    # students' rates differ by s = .167 (14 residuals of .2 among 21 students),
    # so 21 of 84 by .0316: 7A is 3.16 of these above .7, within 3.195; 7D is 9.5 below
    usual = [5.0, 4.0, 3.0] * 7
    attended = {"7A": usual, "7B": usual, "7C": usual, "7D": [3.0, 2.0, 1.0] * 7}
    rows = class_weeks(
        calendar({1: 5}),
        {(name, 1): (5, 105, sum(days)) for name, days in attended.items()},
        teams={("1", "Seven", 1): (420, sum(map(sum, attended.values())))},
        pupils=pupils_of(attended),
        team_pupils={1: [5.0] * 84},
    )
    verdicts = ["within", "within", "within", "below"]

    assert column(rows, "attendance_rate_team_verdict") == verdicts
    assert column(rows, "attendance_rate_team_verdict_to_date") == verdicts
    assert column(rows, "homework_rate_team_verdict") == [None] * 4


def test_a_class_that_is_the_whole_team_is_not_compared_with_it() -> None:
    rows = class_weeks(
        calendar({1: 5}),
        {("7A", 1): (5, 15, 12)},
        teams={("1", "Seven", 1): (15, 12)},
        pupils=pupils_of({"7A": [5, 4, 3]}),
        team_pupils={1: [5.0] * 3},
    )

    assert column(rows, "attendance_rate_team") == [0.8]
    assert column(rows, "attendance_rate_team_verdict") == [None]


def groups(
    attendance: Mapping[tuple[str, str | None, int], tuple[float, float]],
    homework: Mapping[tuple[str, str | None, int], Mapping[str, int]] | None = None,
) -> Groups:
    return Groups(_attendance_groups(attendance), _homework_groups(homework or {}))


def test_a_groups_week_is_a_sum_over_a_sum_of_its_days() -> None:
    days = calendar({1: 5, 2: 5})
    one = groups(
        {("1", "Seven", 1): (30, 19), ("1", None, 1): (130, 119), ("1", None, 2): (10, 5)},
        {("1", "Seven", 1): {"complete": 1, "late": 1, "missing": 2}},
    )
    more = Groups(
        pl.concat(
            [
                one.attendance,
                one.attendance.filter(team="Seven").with_columns(date=week(1) + timedelta(days=1)),
            ]
        ),
        one.homework,
    )
    calendar_ = Calendar(days, through(s1=week(2)))
    grade = grade_week(calendar=calendar_, groups=more, late_counts=True).row(0, named=True)
    school = school_week(calendar=calendar_, groups=more, late_counts=False)

    assert (grade["team"], grade["possible_days"], grade["attended_days"]) == ("Seven", 60, 38)
    assert (grade["homework_due"], grade["homework_rate"]) == (4, 0.5)
    assert (grade["days_in_session"], grade["attendance_rate_previous"]) == (5, None)
    assert school["attendance_rate"].to_list() == [119 / 130, 0.5]
    assert school["attendance_rate_change_previous"].to_list() == [None, 0.5 - 119 / 130]
    assert school["homework_rate"].to_list() == [None, None]


def test_homework_of_a_group_without_attendance_is_kept() -> None:
    rows = school_week(
        calendar=Calendar(calendar({1: 5}), through(s1=week(1))),
        groups=groups({}, {("1", None, 1): {"complete": 3, "missing": 1}}),
        late_counts=True,
    )

    assert rows.select("possible_days", "attendance_rate", "homework_rate").rows() == [
        (0.0, None, 0.75)
    ]


def teacher_weeks(rows: list[tuple[Any, ...]], homework: list[tuple[Any, ...]]) -> pl.DataFrame:
    return teacher_week(
        calendar=Calendar(calendar({1: 5, 2: 5, 3: 5}), through(s1=week(3))),
        attendance=_frame(
            rows,
            staff_id=pl.String,
            week_start=pl.Date,
            school_id=pl.String,
            classes=pl.Int64,
            students=pl.Int64,
            days_submitted=pl.Int64,
            possible_days=pl.Float64,
            attended_days=pl.Float64,
        ),
        homework=_frame(
            homework,
            staff_id=pl.String,
            week_start=pl.Date,
            status=pl.String,
            items=pl.Int64,
        ),
        late_counts=True,
    )


def test_a_teacher_has_their_week_beside_the_school_week_before_and_the_start() -> None:
    rows = teacher_weeks(
        [
            ("t1", week(1), "1", 2, 40, 5, 200, 180),
            ("t1", week(2), "1", 2, 40, 5, 200, 190),
            ("t2", week(1), "1", 1, 20, 5, 100, 90),
            ("t2", week(3), "1", 1, 20, 0, 0, 0),
        ],
        [("t1", week(2), "complete", 3), ("t1", week(2), "missing", 1)],
    )

    assert rows.select("week_start", "staff_id", "attendance_rate").rows() == [
        (week(1), "t1", 0.9),
        (week(1), "t2", 0.9),
        (week(2), "t1", 0.95),
        (week(3), "t2", None),
    ]
    assert rows["attendance_rate_previous"].to_list() == [None, None, 0.9, None]
    assert rows["attendance_rate_start"].to_list() == [0.9, 0.9, 0.9, 0.9]
    assert rows["homework_rate"].to_list() == [None, None, 0.75, None]
    assert rows["attendance_rate_verdict"].to_list() == [*["too_few_weeks"] * 3, None]


def test_a_teacher_of_fewer_than_ten_students_has_no_usual_range_and_it_says_so() -> None:
    rows = teacher_weeks(
        [("t1", week(1), "1", 1, 9, 5, 45, 40), ("t2", week(1), "1", 1, 10, 5, 50, 45)],
        [("t1", week(1), "complete", 3)],
    )

    assert rows["attendance_rate_verdict"].to_list() == ["too_few_students", "too_few_weeks"]
    assert rows["homework_rate_verdict"].to_list() == ["too_few_students", None]


def test_a_teacher_in_a_week_in_which_only_another_school_is_open_keeps_their_row() -> None:
    rows = teacher_weeks([("t1", week(7), "1", 1, 20, 5, 100, 90)], [])

    assert rows.select("attendance_rate", "attendance_rate_previous").rows() == [(0.9, None)]


def terms(names: Mapping[int, str | None]) -> pl.DataFrame:
    """A calendar whose weeks have five days in session and this term."""
    of_week = pl.DataFrame(
        {"week_start": [week(number) for number in names], "named": list(names.values())},
        schema={"week_start": pl.Date, "named": pl.String},
    )
    days = calendar(dict.fromkeys(names, 5)).join(of_week, on="week_start")
    return days.with_columns(term=pl.col("named")).drop("named")


def test_homework_up_seven_points_between_two_terms_is_read_off_one_row() -> None:
    rows = school_term(
        calendar=Calendar(
            terms({1: "T1", 2: "T1", 3: "T2", 4: "T2", 5: "T3"}), through(s1=week(4))
        ),
        groups=groups(
            {("1", None, 1): (100, 90), ("1", None, 2): (100, 94), ("1", None, 3): (100, 95)},
            {
                ("1", None, 2): {"complete": 8, "missing": 2},
                ("1", None, 3): {"complete": 80, "late": 7, "missing": 13},
                ("1", "Seven", 3): {"missing": 100},
            },
        ),
        late_counts=True,
    )
    first, second = rows.iter_rows(named=True)

    assert (first["term"], first["first_date"], first["last_date"]) == (
        "T1",
        week(1),
        week(2) + timedelta(days=4),
    )
    assert (first["finished"], first["days_in_session"]) == (True, 10)
    assert (first["attendance_rate"], first["attendance_rate_previous"]) == (0.92, None)
    assert (second["term"], second["finished"]) == ("T2", False)
    assert second["homework_rate_previous"] == 0.8
    assert second["homework_rate_change_previous"] == pytest.approx(0.07)
    assert second["attendance_rate_change_previous"] == pytest.approx(0.03)


def test_homework_due_on_a_day_without_school_belongs_to_the_term_before() -> None:
    days = terms({1: "T1", 4: "T2"})
    rows = school_term(
        calendar=Calendar(days, through(s1=week(4))),
        groups=groups(
            {("1", None, 1): (10, 9), ("1", None, 4): (10, 9)},
            {("1", None, 3): {"complete": 1}, ("1", None, 4): {"missing": 1}},
        ),
        late_counts=True,
    )

    assert rows.select("term", "homework_rate").rows() == [("T1", 1.0), ("T2", 0.0)]


def test_a_year_without_terms_is_one_and_terms_are_not_compared_across_years() -> None:
    rows = school_term(
        calendar=Calendar(terms({1: "T1", 10: None, 11: None}), through(s1=week(11))),
        groups=groups({("1", None, 1): (10, 9), ("1", None, 10): (10, 8)}),
        late_counts=True,
    )

    assert rows.select("year_start", "term", "attendance_rate_previous").rows() == [
        (week(1), "T1", None),
        (week(10), "School year", None),
    ]


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
    return week_states(rows, days, closing=WEEKDAYS.index(close_week))


def test_a_week_is_complete_when_every_homeroom_has_all_its_registers_in() -> None:
    found = states(calendar({1: 5, 2: 3}), {("7A", 1): 5, ("7B", 1): 4, ("7A", 2): 3, ("7B", 2): 3})

    assert found == [
        WeekState(week(1), week(1) + timedelta(days=4), classes=2, classes_missing=1),
        WeekState(week(2), week(2) + timedelta(days=2), classes=2, classes_missing=0),
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

    found = week_states(rows, days, closing=6)

    assert [state.classes_missing for state in found] == [0, 1]


def test_of_the_running_week_only_closed_days_are_waited_for() -> None:
    found = states(calendar({1: 5, 2: 5}), {("7A", 1): 4, ("7A", 2): 4}, close_week="thursday")

    assert [state.complete for state in found] == [False, True]
    assert [state.last_closed_day for state in found] == [
        week(1) + timedelta(days=4),
        week(2) + timedelta(days=3),
    ]


def test_the_sunday_that_opens_a_running_week_is_waited_for() -> None:
    days = calendar({1: 5, 2: 5}).with_columns(date=pl.col("date") - timedelta(days=1))
    found = states(days, {("7A", 1): 5, ("7A", 2): 3}, close_week="tuesday")

    assert [state.complete for state in found] == [True, True]
    assert found[1].last_closed_day == week(2) + timedelta(days=1)


def test_classes_that_are_no_homerooms_are_not_waited_for() -> None:
    days = calendar({1: 5})
    rows = class_weeks(days, {("7A", 1): (5, 10, 9), ("MAT", 1): (0, 0, 0)}).with_columns(
        class_type=pl.when(class_id="MAT").then(pl.lit("scheduled")).otherwise("class_type")
    )

    assert [state.classes for state in week_states(rows, days, closing=6)] == [1]


def test_a_running_week_with_no_closed_day_yet_is_no_period() -> None:
    days = calendar({1: 5, 2: 5}).filter(pl.col("date") != week(2))

    found = states(days, {("7A", 1): 5, ("7A", 2): 1}, close_week="monday")

    assert [state.week_start for state in found] == [week(1)]


def test_in_a_school_without_homerooms_all_its_classes_are_waited_for() -> None:
    days = pl.concat([calendar({1: 5}), calendar({1: 5}, "2")])
    rows = class_weeks(
        days,
        {("7A", 1): (5, 10, 9), ("MAT", 1): (5, 10, 9), ("ART", 1): (4, 8, 8)},
        classes={"7A": "1", "MAT": "2", "ART": "2"},
        students={(name, 1): 2 for name in ("7A", "MAT", "ART")},
        counted_through=through(s1=week(1) + timedelta(days=4), s2=week(1) + timedelta(days=4)),
    ).with_columns(
        class_type=pl.when(class_id="7A").then(pl.lit("homeroom")).otherwise(pl.lit("scheduled"))
    )

    (state,) = week_states(rows, days, closing=6)

    assert (state.classes, state.classes_missing) == (3, 1)


def test_without_classes_there_are_no_weeks() -> None:
    days = calendar({1: 5})
    none = class_weeks(days, {("7A", 1): (5, 10, 9)}).clear()

    assert week_states(none, days, closing=6) == []


def test_a_class_with_the_rate_of_its_lessons_is_not_held_against_the_days_of_its_team() -> None:
    """A week without a lesson has none, and the year to date goes on."""
    rows = class_weeks(
        calendar({1: 5, 2: 5}),
        {("MAT", 1): (5, 30, 24, 3), ("MAT", 2): (5, 0, 0, 0), ("7A", 1): (5, 10, 9)},
        students={("MAT", 1): 12, ("MAT", 2): 12, ("7A", 1): 12},
        pupils={("MAT", 1): [(2, 5)] * 12, ("7A", 1): [(5, 5)] * 12},
        teams={("1", "Seven", 1): (120, 118)},
        team_pupils={1: [5] * 24},
    ).filter(class_id="MAT")

    assert column(rows, "lessons") == [3, 0]
    assert column(rows, "attendance_rate") == [0.8, None]
    assert column(rows, "attendance_rate_to_date") == [0.8, 0.8]
    assert column(rows, "attendance_rate_team_verdict") == [None, None]


def test_a_class_with_days_off_has_its_own_weeks() -> None:
    days = calendar({1: 5, 2: 5, 3: 5})
    # 7A is at home on the Wednesday of the first week and in all of the second
    home = [week(1) + timedelta(days=2), *(week(2) + timedelta(days=n) for n in range(5))]
    off = pl.DataFrame({"class_id": ["7A"] * len(home), "date": home})
    rows = class_weeks(
        days,
        {
            ("7A", 1): (4, 8.0, 8.0),
            ("7A", 3): (5, 10.0, 9.0),
            ("7B", 1): (5, 10.0, 9.0),
            ("7B", 2): (5, 10.0, 9.0),
            ("7B", 3): (4, 8.0, 8.0),
        },
        off=off,
    )

    known = rows.select("class_id", "week_start", "days_in_session", "attendance_rate_previous")
    assert known.sort("class_id", "week_start").rows() == [
        ("7A", week(1), 4, None),
        ("7A", week(3), 5, 1.0),
        ("7B", week(1), 5, None),
        ("7B", week(2), 5, 0.9),
        ("7B", week(3), 5, 0.9),
    ]
    assert [state.classes_missing for state in week_states(rows, days, off, closing=6)] == [0, 0, 1]
