import itertools
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from edu_pipeline.settings import Targets
from edu_pipeline.teachers.charts import (
    ATTENDANCE,
    HOMEWORK,
    alt_text,
    chart_specs,
    class_histories,
    rate_chart,
    spread,
    x_ticks,
    y_axis,
)
from edu_pipeline_tests.teachers.conftest import FIRST_MONDAY, HistoryMaker


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def line(spec: dict[str, Any], series: str, field: str = "value") -> list[Any]:
    return [row[field] for row in spec["datasets"]["lines"] if row["series"] == series]


def param(spec: dict[str, Any], name: str) -> Any:
    return next(p["value"] for p in spec["params"] if p["name"] == name)


def title(spec: dict[str, Any]) -> tuple[str, str]:
    return plain(spec["title"]["text"]), plain(spec["title"]["subtitle"])


def test_the_title_says_the_result_and_the_subtitle_what_it_is(make_history: HistoryMaker) -> None:
    spec = rate_chart(make_history([0.945, 0.933]), ATTENDANCE, target=0.95)

    assert title(spec) == (
        "Attendance in 7B is 93.3 %, down 1.2 points on last week",
        "Weekly attendance, September.",
    )


def test_a_change_below_half_a_point_is_about_the_same(make_history: HistoryMaker) -> None:
    spec = rate_chart(make_history([0.937, 0.933]), ATTENDANCE, target=0.95)

    assert title(spec)[0] == "Attendance in 7B is 93.3 %, about the same as last week"


def test_the_first_week_is_compared_with_nothing(make_history: HistoryMaker) -> None:
    spec = rate_chart(make_history([0.933]), ATTENDANCE, target=0.95)

    assert title(spec) == ("Attendance in 7B is 93.3 %", "Weekly attendance, week of 31 August.")
    assert param(spec, "first") < param(spec, "last")


def test_a_missing_school_week_is_a_gap_and_is_explained(make_history: HistoryMaker) -> None:
    spec = rate_chart(make_history([0.95, 0.94, 0.93], weeks=[0, 1, 3]), ATTENDANCE, target=0.95)

    assert line(spec, "mine") == [95, 94, None, 93]
    assert line(spec, "school") == [93, 93, None, 93]
    assert title(spec) == (
        "Attendance is 93.0 %, down 1.0 points on the last school week",
        "Weekly attendance, September. Gaps are school breaks.",
    )


def test_a_week_without_a_register_is_a_gap_of_its_own_kind(make_history: HistoryMaker) -> None:
    spec = rate_chart(make_history([0.95, None, 0.93]), ATTENDANCE, target=0.95)

    assert line(spec, "mine") == [95, None, 93]
    assert title(spec)[1] == "Weekly attendance, September. Gaps are weeks without a register."


def test_gaps_of_both_kinds_are_explained_within_the_width(make_history: HistoryMaker) -> None:
    history = make_history([0.95, None, 0.93], [0.8, None, 0.8], weeks=[0, 1, 17])

    assert title(rate_chart(history, HOMEWORK, target=0.85))[1] == (
        "Homework handed in, September to December. Gaps are school breaks and empty weeks."
    )


def test_a_week_between_gaps_is_a_dot_since_it_makes_no_line(make_history: HistoryMaker) -> None:
    spec = rate_chart(make_history([0.95, None, 0.93, 0.92]), ATTENDANCE, target=0.95)

    lone, gap, inner, end = line(spec, "mine", "dot")
    assert lone > 0
    assert (gap, inner) == (0, 0)
    assert end > lone


def test_without_a_register_this_week_the_last_known_value_is_dated(
    make_history: HistoryMaker,
) -> None:
    spec = rate_chart(make_history([0.95, 0.921, None]), ATTENDANCE, target=0.95)

    assert title(spec)[0] == "Attendance in 7B was 92.1 % in the week of 7 September"


def test_a_long_class_name_leaves_the_title_but_not_the_label(make_history: HistoryMaker) -> None:
    name = "International Baccalaureate 7B"
    spec = rate_chart(make_history([0.945, 0.933], class_name=name), ATTENDANCE, target=0.95)

    assert title(spec)[0] == "Attendance is 93.3 %, down 1.2 points on last week"
    assert f"93.3 %  {name}" in [plain(row["label"]) for row in spec["datasets"]["ends"]]


def test_labels_of_equal_values_do_not_overlap(make_history: HistoryMaker) -> None:
    spec = rate_chart(
        make_history([0.95, 0.95], team=[0.95, 0.95], school=[0.95, 0.95]), ATTENDANCE, target=0.95
    )

    pixels = 192 / (param(spec, "high") - param(spec, "low"))
    places = [row["label_at"] * pixels for row in spec["datasets"]["ends"]]
    assert [row["series"] for row in spec["datasets"]["ends"]] == [
        "target",
        "mine",
        "team",
        "school",
    ]
    assert all(above - below >= 17.9 for above, below in itertools.pairwise(places))


def test_spread_leaves_labels_with_room_where_they_are() -> None:
    assert spread([10, 50, 90], [20, 20, 20], 0, 100) == [10, 50, 90]


def test_spread_moves_colliding_labels_apart_by_the_least() -> None:
    assert spread([50, 50, 100], [20, 20, 20], 0, 200) == [40, 60, 100]


def test_spread_keeps_labels_inside() -> None:
    assert spread([0, 0, 5], [20, 20, 20], 0, 200) == [0, 20, 40]
    assert spread([195, 200, 200], [20, 20, 20], 0, 200) == [160, 180, 200]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100.0, 100.0, 95.0], (94, 100, 1)),
        ([0.0, 95.0], (0, 100, 20)),
        ([92.0, 96.7, 95.0], (91, 97, 1)),
        ([64.7, 85.0], (60, 90, 5)),
        ([93.0], (90, 96, 1)),
        ([0.0], (0, 3, 1)),
    ],
)
def test_the_percent_axis_fits_the_values_and_stays_between_0_and_100(
    values: list[float], expected: tuple[int, int, int]
) -> None:
    assert y_axis(values) == expected


def test_the_target_is_always_in_the_picture(make_history: HistoryMaker) -> None:
    spec = rate_chart(make_history([0.5, 0.52]), ATTENDANCE, target=0.95)

    assert param(spec, "low") <= 50
    assert param(spec, "high") >= 95


def test_a_short_history_names_its_weeks_and_a_long_one_its_months() -> None:
    weeks = [FIRST_MONDAY + timedelta(weeks=n) for n in range(12)]

    assert {n: plain(label) for n, label in x_ticks(weeks[:3]).items()} == {
        0: "31 Aug",
        1: "7 Sep",
        2: "14 Sep",
    }
    # 31 August is in September's first week: its Thursday is the 3rd
    assert x_ticks(weeks) == {0: "Sep", 4: "Oct", 9: "Nov"}


def test_a_month_that_is_cut_short_at_the_start_gives_way_to_the_next() -> None:
    weeks = [date(2026, 9, 21) + timedelta(weeks=n) for n in range(8)]

    assert x_ticks(weeks) == {1: "Oct", 6: "Nov"}


def test_the_template_is_shared_but_no_data_of_another_class_stays_in_it(
    make_history: HistoryMaker,
) -> None:
    first = rate_chart(make_history([0.95], class_name="7A"), ATTENDANCE, target=0.95)
    second = rate_chart(make_history([0.9], class_name="9C"), HOMEWORK, target=0.85)

    assert first["layer"] is second["layer"]
    assert "7A" not in str(second)
    assert title(first)[0] == "Attendance in 7A is 95.0 %"


def test_a_rate_without_any_data_has_no_chart(make_history: HistoryMaker) -> None:
    charts = chart_specs(make_history([0.95, 0.94], [None, None]), Targets())

    assert list(charts) == ["attendance"]


def test_the_grades_own_target_is_drawn(make_history: HistoryMaker) -> None:
    targets = Targets.model_validate(
        {"attendance": {"met": 0.95, "near": 0.9, "grades": {"7": {"met": 0.925, "near": 0.9}}}}
    )

    spec = chart_specs(make_history([0.95]), targets)["attendance"].spec

    assert "target 92.5 %" in [plain(row["label"]) for row in spec["datasets"]["ends"]]


def test_alt_text_tells_the_numbers(make_history: HistoryMaker) -> None:
    history = make_history([0.95, 0.91, 0.933])

    assert plain(alt_text(history, ATTENDANCE, target=0.95)) == (
        "Line chart: Attendance in 7B is 93.3 %, up 2.3 points on last week. "
        "This week: Grade 7 94.0 %, school 93.0 %. "
        "Highest 95.0 % in the week of 31 August. Lowest 91.0 % in the week of 7 September. "
        "Target 95 %."
    )


def test_a_team_that_is_only_a_number_gets_a_word(make_history: HistoryMaker) -> None:
    history = make_history([0.95]).with_columns(grade=pl.lit("7"))

    by_grade = alt_text(history.with_columns(team=pl.lit("7")), ATTENDANCE, target=0.9)
    by_number = alt_text(history.with_columns(team=pl.lit("3")), ATTENDANCE, target=0.9)

    assert "Grade 7 94.0 %" in plain(by_grade)
    assert "Team 3 94.0 %" in plain(by_number)


def test_histories_end_with_the_letters_week_and_begin_with_the_school_year(
    make_history: HistoryMaker,
) -> None:
    # a summer of seven weeks lies between the third and the fourth row
    history = make_history([0.9, 0.9, 0.9, 0.95, 0.96, 0.97], weeks=[0, 1, 2, 9, 10, 11])
    gone = make_history([0.9]).with_columns(class_id=pl.lit("c2"))
    week = FIRST_MONDAY + timedelta(weeks=10)

    histories = class_histories(pl.concat([gone, history.reverse()]), week)

    assert list(histories) == ["c1"]
    assert histories["c1"]["attendance_rate"].to_list() == [0.95, 0.96]
