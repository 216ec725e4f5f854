import functools
import itertools
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment, phrase
from edu_pipeline.model.teachers import SchoolWeek, TeacherWeek
from edu_pipeline.settings.letters import Targets
from edu_pipeline.teachers.charts import (
    ATTENDANCE,
    HOMEWORK,
    ChartSpec,
    Point,
    Rate,
    chart_facts,
    chart_specs,
    class_histories,
    rate_chart,
    spread,
    teacher_histories,
    x_ticks,
    y_axis,
)
from edu_pipeline.teachers.drawings import DRAWN, drawings_of_week, preview
from edu_pipeline.teachers.letter import WORDS
from edu_pipeline_tests.teachers.conftest import FIRST_MONDAY, HistoryMaker

words = functools.partial(phrase, environment([shipped("templates")]), WORDS)

BELOW = {
    "attendance_rate_verdict": "below",
    "attendance_rate_usual_low": 0.887,
    "attendance_rate_usual_high": 0.972,
}


def chart(history: pl.DataFrame, rate: Rate, *, target: float) -> dict[str, Any]:
    return rate_chart(history, rate, chart_facts(history, rate, target=target), words)


def alt_text(history: pl.DataFrame, rate: Rate = ATTENDANCE, *, target: float = 0.95) -> str:
    return plain(words("chart_alt", chart_facts(history, rate, target=target)))


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def line(spec: dict[str, Any], series: str, field: str = "value") -> list[Any]:
    return [row[field] for row in spec["datasets"]["lines"] if row["series"] == series]


def param(spec: dict[str, Any], name: str) -> Any:
    return next(p["value"] for p in spec["params"] if p["name"] == name)


def title(spec: dict[str, Any]) -> tuple[str, str]:
    return plain(" ".join(spec["title"]["text"])), plain(" ".join(spec["title"]["subtitle"]))


def labels(spec: dict[str, Any]) -> list[str]:
    return [plain(row["label"]) for row in spec["datasets"]["ends"]]


def test_the_title_says_the_result_and_the_subtitle_what_it_is(make_history: HistoryMaker) -> None:
    spec = chart(make_history([0.945, 0.833], **BELOW), ATTENDANCE, target=0.95)

    assert title(spec) == (
        "Attendance in 7B is 83.3 %, below its usual range",
        "Weekly attendance, September. Shaded: usual range.",
    )


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("within", "Homework in 7B is 60.0 %, within its usual range"),
        ("above", "Homework in 7B is 60.0 %, above its usual range"),
        ("below", "Homework in 7B is 60.0 %, below its usual range"),
        ("too_few_weeks", "Homework in 7B is 60.0 %"),
    ],
)
def test_the_title_has_the_verdict_and_no_change(
    make_history: HistoryMaker, verdict: str, expected: str
) -> None:
    history = make_history([0.95, 0.95], [0.8, 0.6], homework_rate_verdict=verdict)

    assert title(chart(history, HOMEWORK, target=0.85))[0] == expected
    assert alt_text(history, HOMEWORK).startswith(f"Line chart: {expected}. This week: ")


def test_the_usual_range_is_a_band_that_fits_into_the_picture(make_history: HistoryMaker) -> None:
    spec = chart(make_history([0.95, 0.94], **BELOW), ATTENDANCE, target=0.95)

    ends = {"from": 88.7, "to": 97.2}
    assert spec["datasets"]["band"] == [{"week": 0} | ends, {"week": 1} | ends]
    assert param(spec, "low") <= 88.7
    assert param(spec, "high") >= 97.2
    assert "band" in [layer.get("data", {}).get("name") for layer in spec["layer"]]


def in_phases(
    history: pl.DataFrame, rate: Rate, *phases: tuple[int, dict[str, object]]
) -> pl.DataFrame:
    """A history whose rows, from each of these on, have these columns of a phase."""
    row = pl.int_range(pl.len())
    for first, columns in phases:
        history = history.with_columns(
            pl.when(row >= first).then(pl.lit(value)).otherwise(name).alias(name)
            for part, value in columns.items()
            for name in [f"{rate.column}_phase{part}"]
        )
    return history


def level(start: int, share: float, before: float | None = None) -> dict[str, object]:
    return {
        "": "level",
        "_start": FIRST_MONDAY + timedelta(weeks=start),
        "_first": share,
        "_last": share,
        "_before": before,
    }


def test_the_band_begins_with_the_level_that_it_is_of_and_the_level_before_is_a_line(
    make_history: HistoryMaker,
) -> None:
    rates = [0.80] * 10 + [0.95] * 9
    usual = {"attendance_rate_usual_low": 0.9, "attendance_rate_usual_high": 0.99}
    history = in_phases(
        make_history(rates, attendance_rate_verdict="within", **usual),
        ATTENDANCE,
        (7, level(0, 0.80)),
        (17, level(10, 0.95, before=0.80)),
    )
    spec = chart(history, ATTENDANCE, target=0.95)

    ends = {"from": 90, "to": 99}
    assert spec["datasets"]["band"] == [{"week": 10} | ends, {"week": 18} | ends]
    assert spec["datasets"]["level"] == [{"week": 0, "value": 80}, {"week": 9, "value": 80}]
    assert title(spec)[1] == (
        "Weekly attendance, September to January. Shaded: usual range since November. "
        "Dashed: level before."
    )
    assert "Up to 95 % on average since November, from 80 %" in alt_text(history)


def test_in_the_week_in_which_a_level_is_found_the_band_is_still_that_of_all_weeks(
    make_history: HistoryMaker,
) -> None:
    usual = {"attendance_rate_usual_low": 0.6, "attendance_rate_usual_high": 1.0}
    history = in_phases(
        make_history([0.80] * 10 + [0.95] * 8, attendance_rate_verdict="within", **usual),
        ATTENDANCE,
        (7, level(0, 0.80)),
        (17, level(10, 0.95, before=0.80)),
    )
    spec = chart(history, ATTENDANCE, target=0.95)

    assert [row["week"] for row in spec["datasets"]["band"]] == [0, 17]
    assert spec["datasets"]["level"] == []


def test_in_a_climb_the_band_climbs_with_it(make_history: HistoryMaker) -> None:
    climbing = {**level(0, 0.60), "": "climbing", "_last": 0.80}
    usual = {"attendance_rate_usual_low": 0.7, "attendance_rate_usual_high": 0.95}
    history = in_phases(
        make_history(
            [0.6 + 0.02 * n for n in range(12)], attendance_rate_verdict="within", **usual
        ),
        ATTENDANCE,
        (7, climbing),
    )
    spec = chart(history, ATTENDANCE, target=0.95)

    assert spec["datasets"]["band"] == [
        {"week": 0, "from": 50, "to": 75},
        {"week": 11, "from": 70, "to": 95},
    ]
    assert "Climbing since the start of the year, from about 60 %." in alt_text(history)


def test_without_a_usual_range_there_is_no_band_and_no_word_of_one(
    make_history: HistoryMaker,
) -> None:
    history = make_history([0.95, 0.94])

    spec = chart(history, ATTENDANCE, target=0.95)

    assert spec["datasets"]["band"] == []
    assert "usual" not in f"{title(spec)} {alt_text(history)}"


def test_the_first_week_is_compared_with_nothing(make_history: HistoryMaker) -> None:
    spec = chart(make_history([0.933]), ATTENDANCE, target=0.95)

    assert title(spec) == ("Attendance in 7B is 93.3 %", "Weekly attendance, week of 31 August.")
    assert param(spec, "first") < param(spec, "last")


def test_a_missing_school_week_is_a_gap_and_is_explained(make_history: HistoryMaker) -> None:
    spec = chart(make_history([0.95, 0.94, 0.93], weeks=[0, 1, 3]), ATTENDANCE, target=0.95)

    assert line(spec, "mine") == [95, 94, None, 93]
    assert line(spec, "school") == [93, 93, None, 93]
    assert title(spec) == (
        "Attendance in 7B is 93.0 %",
        "Weekly attendance, September. Gaps: school breaks.",
    )


def test_a_week_without_a_register_is_a_gap_of_its_own_kind(make_history: HistoryMaker) -> None:
    spec = chart(make_history([0.95, None, 0.93]), ATTENDANCE, target=0.95)

    assert line(spec, "mine") == [95, None, 93]
    assert title(spec)[1] == "Weekly attendance, September. Gaps: no register."


def test_all_that_needs_explaining_fits_into_the_width(make_history: HistoryMaker) -> None:
    usual = {"homework_rate_usual_low": 0.7, "homework_rate_usual_high": 0.9}
    history = make_history([0.95, None, 0.93], [0.8, None, 0.8], weeks=[0, 1, 13], **usual)

    subtitle = title(chart(history, HOMEWORK, target=0.85))[1]

    assert subtitle == (
        "Homework handed in, September to December. Shaded: usual range. Gaps: breaks, no data."
    )
    assert len(subtitle) <= 88  # 536 pixels at about 6 pixels a character


def test_a_week_between_gaps_is_a_dot_since_it_makes_no_line(make_history: HistoryMaker) -> None:
    spec = chart(make_history([0.95, None, 0.93, 0.92]), ATTENDANCE, target=0.95)

    lone, gap, inner, end = line(spec, "mine", "dot")
    assert lone > 0
    assert (gap, inner) == (0, 0)
    assert end > lone


def test_without_a_register_this_week_the_last_known_value_is_dated(
    make_history: HistoryMaker,
) -> None:
    spec = chart(make_history([0.95, 0.921, None]), ATTENDANCE, target=0.95)

    assert title(spec)[0] == "Attendance in 7B was 92.1 % in the week of 7 September"


def test_a_class_name_without_room_leaves_the_title_and_the_label(
    make_history: HistoryMaker,
) -> None:
    name = "International Baccalaureate 7B"
    spec = chart(make_history([0.945, 0.833], class_name=name, **BELOW), ATTENDANCE, target=0.95)

    assert title(spec)[0] == "Attendance is 83.3 %, below its usual range"
    assert "83.3 %" in labels(spec)


def test_labels_of_equal_values_do_not_overlap(make_history: HistoryMaker) -> None:
    spec = chart(
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
    spec = chart(make_history([0.5, 0.52]), ATTENDANCE, target=0.95)

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
    first = chart(make_history([0.95], class_name="7A"), ATTENDANCE, target=0.95)
    second = chart(make_history([0.9], class_name="9C"), HOMEWORK, target=0.85)

    assert first["layer"] is second["layer"]
    assert "7A" not in str(second)
    assert title(first)[0] == "Attendance in 7A is 95.0 %"


def test_a_rate_without_any_data_has_no_chart(make_history: HistoryMaker) -> None:
    charts = chart_specs(make_history([0.95, 0.94], [None, None]), Targets(), words)

    assert list(charts) == ["attendance"]


def test_a_rate_whose_columns_are_not_there_has_no_chart(make_history: HistoryMaker) -> None:
    history = make_history([0.95]).drop(cs.starts_with("attendance_rate"))

    assert list(chart_specs(history, Targets(), words)) == ["homework"]


def test_the_grades_own_target_is_drawn(make_history: HistoryMaker) -> None:
    targets = Targets.model_validate(
        {"attendance": {"met": 0.95, "near": 0.9, "grades": {"7": {"met": 0.925, "near": 0.9}}}}
    )

    made = chart_specs(make_history([0.95]), targets, words)["attendance"]

    assert "target 92.5 %" in labels(made.spec)
    assert plain(made.alt).endswith(" Target 92.5 %.")


def test_alt_text_tells_the_numbers(make_history: HistoryMaker) -> None:
    history = make_history([0.95, 0.91, 0.833], **BELOW)

    assert alt_text(history) == (
        "Line chart: Attendance in 7B is 83.3 %, below its usual range. "
        "This week: Grade 7 94.0 %, School 93.0 %. Usual range: 88.7 to 97.2 %. "
        "Highest 95.0 % in the week of 31 August. Lowest 83.3 % in the week of 14 September. "
        "Target 95 %."
    )


def test_alt_text_of_one_week_has_no_highest_and_lowest(make_history: HistoryMaker) -> None:
    assert alt_text(make_history([0.95])) == (
        "Line chart: Attendance in 7B is 95.0 %. "
        "This week: Grade 7 94.0 %, School 93.0 %. Target 95 %."
    )


def test_facts_of_a_week_without_a_figure_have_the_last_known_one(
    make_history: HistoryMaker,
) -> None:
    history = make_history([0.95, 0.92, None], weeks=[0, 1, 3])

    facts = chart_facts(history, ATTENDANCE, target=0.95)

    assert (facts.value, facts.verdict) == (None, None)
    assert facts.known == Point(FIRST_MONDAY + timedelta(weeks=1), 0.92)
    assert (facts.breaks, facts.empty_weeks) == (True, True)


def test_a_team_that_is_only_a_number_gets_a_word(make_history: HistoryMaker) -> None:
    history = make_history([0.95]).with_columns(grade=pl.lit("7"))

    by_grade = alt_text(history.with_columns(team=pl.lit("7")))
    by_number = alt_text(history.with_columns(team=pl.lit("3")))

    assert "Grade 7 94.0 %" in by_grade
    assert "Team 3 94.0 %" in by_number


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


def teacher_weeks(staff_id: str, *rates: float) -> pl.DataFrame:
    """A teacher's weeks from the first Monday on."""
    rows = [
        {
            "week_start": FIRST_MONDAY + timedelta(weeks=n),
            "staff_id": staff_id,
            "school_id": "s1",
            "attendance_rate": 0.95,
            "homework_rate": rate,
            "homework_rate_previous": None,
            "homework_rate_usual_low": 0.7,
            "homework_rate_usual_high": 0.9,
            "homework_rate_verdict": "within",
            "homework_rate_phase": "level",
            "homework_rate_phase_start": FIRST_MONDAY,
            "homework_rate_phase_first": 0.8,
            "homework_rate_phase_last": 0.8,
            "homework_rate_phase_before": None,
        }
        for n, rate in enumerate(rates)
    ]
    empty = ("homework_rate_previous", "homework_rate_phase_before")
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(empty, pl.Float64))


def test_a_teachers_homework_is_a_line_of_its_own_beside_the_schools() -> None:
    weeks = pl.concat([teacher_weeks("ada", 0.8, 0.82), teacher_weeks("ben", 0.5)])
    school = pl.DataFrame(
        {
            "school_id": ["s1", "s1", "s2"],
            "week_start": [FIRST_MONDAY, FIRST_MONDAY + timedelta(weeks=1), FIRST_MONDAY],
            "homework_rate": [0.76, 0.78, 0.1],
        }
    )

    histories = teacher_histories(weeks, school, FIRST_MONDAY + timedelta(weeks=1), words)
    charts = chart_specs(histories["ada"], Targets(), words)

    assert list(histories) == ["ada"]  # ben has no row in the letter's week
    assert list(charts) == ["homework"]
    spec = charts["homework"].spec
    assert title(spec) == (
        "Homework in your classes is 82.0 %, within its usual range",
        "Homework handed in, September. Shaded: usual range.",
    )
    assert line(spec, "mine") == [80, 82]
    assert line(spec, "school") == [76, 78]
    assert labels(spec) == ["target 85 %", "82.0 %  yours", "78.0 %  School"]
    assert "This week: School 78.0 %." in plain(charts["homework"].alt)


@pytest.mark.parametrize(
    ("rate", "looks_the_same"), [(0.82, True), (0.8204, True), (0.8206, False), (0.84, False)]
)
def test_a_chart_shows_something_else_only_where_people_could_see_it(
    rate: float, looks_the_same: bool
) -> None:
    school = pl.DataFrame(
        {
            "school_id": "s1",
            "week_start": [FIRST_MONDAY, FIRST_MONDAY + timedelta(weeks=1)],
            "homework_rate": [0.76, 0.78],
        }
    )

    def chart(last: float) -> ChartSpec:
        histories = teacher_histories(
            teacher_weeks("ada", 0.8, last), school, FIRST_MONDAY + timedelta(weeks=1), words
        )
        return chart_specs(histories["ada"], Targets(), words)["homework"]

    # 82.04 % is printed as 82.0 %, and drawn less than a hair's breadth higher
    before = chart(0.82)
    assert (chart(rate).shows == before.shows) is looks_the_same
    assert (chart(rate).spec == before.spec) is (rate == 0.82)


def test_the_preview_is_the_largest_homerooms_picture_and_none_where_it_has_none(
    make_history: HistoryMaker,
) -> None:
    homerooms = pl.concat(
        make_history([0.9], class_id=name, students=size) for name, size in (("A", 20), ("B", 24))
    )
    drawn = pl.DataFrame(
        [
            (FIRST_MONDAY, f"class:{name}", "attendance", name.encode(), "alt", "shows", name)
            for name in ("A", "B")
        ],
        schema=dict(DRAWN),
        orient="row",
    )
    assert preview(drawn, homerooms) == b"B"
    assert preview(drawn.filter(subject="class:A"), homerooms) is None


def test_a_picture_is_drawn_again_only_where_what_it_is_made_from_has_changed(
    make_history: HistoryMaker,
) -> None:
    def drawn(rates: Mapping[str, float], earlier: pl.DataFrame) -> pl.DataFrame:
        homerooms = pl.concat(
            make_history([0.9, rate], class_id=name) for name, rate in rates.items()
        )
        parts = drawings_of_week(
            homerooms,
            TeacherWeek.create_empty(),
            SchoolWeek.create_empty(),
            FIRST_MONDAY + timedelta(weeks=1),
            Targets(),
            words,
            earlier,
        )
        return pl.concat(parts)

    first = drawn({"A": 0.91, "B": 0.92}, pl.DataFrame(schema=dict(DRAWN)))
    marked = first.with_columns(png=pl.lit(b"kept"))
    again = drawn({"A": 0.91, "B": 0.95}, marked)

    new = again.filter(pl.col("png") != b"kept")
    assert new.select("subject", "kind").rows() == [("class:B", "attendance")]
    assert again.select("subject", "kind").rows() == first.select("subject", "kind").rows()
    assert (
        again.filter(subject="class:A")
        .drop("png")
        .equals(first.filter(subject="class:A").drop("png"))
    )
