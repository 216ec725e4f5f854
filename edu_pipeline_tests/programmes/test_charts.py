"""What the charts of a programme's page show, by hand."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl
import pytest

from edu_pipeline.charting.render import render_pngs, render_svg
from edu_pipeline.charting.theme import TEXT_SIZE
from edu_pipeline.ground.wording import percent
from edu_pipeline.programmes.charts import (
    count_chart,
    funnel_chart,
    next_course_chart,
    retention_chart,
    weeks_chart,
)
from edu_pipeline.programmes.funnel import after_days, time_to_next_course, well_followed

WIDTHS = (340, 850)


def values(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every row of data in a specification."""
    for layer in spec["layer"]:
        yield from data(spec, layer)


def data(spec: Mapping[str, Any], layer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = spec["datasets"][layer["data"]["name"]]
    return found


def texts(spec: Mapping[str, Any]) -> list[str]:
    return [row["text"] for row in values(spec) if "text" in row]


def bars(spec: Mapping[str, Any]) -> list[float]:
    return [row["right"] - row["left"] for row in values(spec) if "right" in row]


def funnel(*stages: tuple[str | None, str, int, float | None]) -> pl.DataFrame:
    schema = {"course_id": pl.String, "stage": pl.String, "learners": pl.Int64, "share": pl.Float64}
    return pl.DataFrame(stages, schema=schema, orient="row").with_columns(
        position=pl.col("course_id").is_null().cast(pl.Int64)
    )


FUNNEL = funnel(
    ("a", "enrolled", 400, 1.0),
    ("a", "passed", 100, 0.25),
    ("a", "certificate", 1, 0.0025),
    (None, "enrolled", 800, 1.0),
    (None, "certificate", 0, 0.0),
)


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_are_as_long_as_their_learners_are_many_and_say_how_many(width: int) -> None:
    spec = funnel_chart(FUNNEL, width=width)
    assert [text for text in texts(spec) if text not in ("a", "Programme")] == [
        "400 enrolled",
        "100 passed · 25.0\u00a0%",
        "1 certificate · 0.2\u00a0%",
        "800 enrolled",
        "0 any certificate · 0\u00a0%",
    ]
    first, second, _, longest, none = bars(spec)
    assert [second / first, longest / first] == pytest.approx([0.25, 2])
    assert none == 1
    assert {"a", "Programme"} <= set(texts(spec))


def test_a_programme_without_learners_can_be_drawn_and_without_shares() -> None:
    nobody = funnel(("a", "enrolled", 0, None), ("a", "passed", 0, None))
    assert "0 passed" in texts(funnel_chart(nobody, width=340))


def test_with_a_title_it_is_a_picture_of_its_own() -> None:
    (png,) = render_pngs([funnel_chart(FUNNEL, width=400, title="Leadership")])
    assert png.startswith(b"\x89PNG")
    assert "Leadership" in render_svg(funnel_chart(FUNNEL, width=400, title="Leadership"))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_dot_stands_at_its_share_between_the_ends_of_its_interval(width: int) -> None:
    retention = pl.DataFrame(
        {
            "course_id": ["a", "b"],
            "to_course": ["b", "c"],
            "passed": [1000, 4],
            "share": [0.5, 1.0],
            "share_low": [0.4, 0.25],
            "share_high": [0.6, 1.0],
        }
    )
    spec = retention_chart(retention, width=width)
    left, middle, right = (
        next(row["x"] for row in values(spec) if row.get("text") == f"{tick}\u00a0%")
        for tick in (0, 50, 100)
    )
    assert middle == pytest.approx((left + right) / 2)
    one, other = [row for row in values(spec) if "at" in row][:2]
    assert (one["at"], one["low"]) == (
        pytest.approx(middle),
        pytest.approx(left + 0.4 * (right - left)),
    )
    assert (other["at"], other["high"]) == (pytest.approx(right), pytest.approx(right))
    assert {"a → b", "b → c", "50.0\u00a0% of 1,000", "100\u00a0% of 4"} <= set(texts(spec))


@pytest.mark.parametrize("width", WIDTHS)
def test_courses_have_their_titles_in_as_many_lines_as_they_need(width: int) -> None:
    title = "Leading change in very large organisations and small ones, a course for everybody"
    names = {"a": title, "b": "Short"}
    retention = pl.DataFrame(
        {
            "course_id": ["a", "b"],
            "to_course": ["b", "a"],
            "passed": [10, 20],
            "share": [0.5, 0.5],
            "share_low": [0.4, 0.4],
            "share_high": [0.6, 0.6],
        }
    )
    for spec, whole in (
        (funnel_chart(FUNNEL, width=width, names=names), title),
        (retention_chart(retention, width=width, names=names), f"{title} → Short"),
    ):
        headings = [row for row in values(spec) if "text" in row and row["x"] == 0]
        assert whole in " ".join(row["text"] for row in headings)
        assert len({row["y"] for row in headings}) == len(headings) > 2


def curve(*days: tuple[int, int, int]) -> pl.DataFrame:
    """From day, went on and waiting."""
    rows = [("lead", "a", *day) for day in days]
    columns = ["programme_id", "course_id", "days", "went_on", "waiting"]
    return time_to_next_course(pl.DataFrame(rows, schema=columns, orient="row"))


STEPS = curve((5, 0, 2), (10, 4, 0), (400, 4, 0), (500, 0, 8))


def test_a_curve_says_how_many_were_followed_though_nobody_went_on_at_first() -> None:
    assert STEPS.select("days", "at_risk", "went_on").rows() == [
        (5, 18, 0),
        (10, 16, 4),
        (400, 12, 4),
        (500, 8, 0),
    ]


def test_a_curve_rises_in_steps_from_nothing_and_has_an_interval_where_there_is_one() -> None:
    spec = next_course_chart(STEPS, width=268, days=450)
    band, line, end = (data(spec, layer) for layer in spec["layer"])
    assert [(row["days"], row["share"]) for row in line] == [
        (0, 0),
        (5, 0),
        (5, 0),
        (10, 0),
        (10, 0.25),
        (400, 0.25),
        (400, pytest.approx(0.5)),
        (450, pytest.approx(0.5)),  # nobody is shown to be followed beyond the axis
    ]
    assert [(row["days"], row["until"]) for row in band] == [(10, 400), (400, 450)]
    assert [(row["days"], row["share"]) for row in end] == [(450, pytest.approx(0.5))]


@pytest.mark.parametrize(
    ("days", "share", "place"),
    [
        (450, 0.5, {"align": "right", "baseline": "bottom"}),  # no room behind the end
        (4000, 0.5, {"align": "left", "baseline": "middle", "dx": 8, "dy": 0}),
    ],
)
def test_a_label_stands_behind_its_curve_or_else_above_it(
    days: int, share: float, place: dict[str, object]
) -> None:
    mark = next_course_chart(STEPS, width=268, days=days)["layer"][-1]["mark"]
    assert mark["text"] == percent(share)
    assert {key: mark[key] for key in place} == pytest.approx(place)


def test_a_label_of_nothing_stands_above_the_axis() -> None:
    nobody = curve((5, 0, 2), (50, 0, 20))
    (behind, above) = (
        next_course_chart(nobody, width=268, days=days)["layer"][-1]["mark"] for days in (900, 50)
    )
    assert behind["dy"] <= -TEXT_SIZE / 2 - 2
    assert (above["baseline"], above["dy"]) == ("bottom", -4)


def test_a_label_above_its_curve_is_clear_of_every_interval_below_it() -> None:
    steps = curve((1, 15, 0), (398, 1, 0), (400, 0, 14))
    mark = next_course_chart(steps, width=268, days=400)["layer"][-1]["mark"]
    (highest,) = steps.filter(days=398)["share_high"]
    assert mark["dy"] == pytest.approx(-(highest - steps["share"][-1]) * 126 - 4)


def test_a_curve_may_be_read_until_fewer_than_ten_are_at_risk() -> None:
    steps = curve((0, 10, 0), (30, 0, 8), (60, 0, 3), (90, 1, 6), (900, 0, 2))
    assert steps.select("days", "at_risk").rows() == [(0, 30), (60, 12), (90, 9), (900, 2)]
    assert well_followed(steps)["days"].to_list() == [0, 60]
    spec = next_course_chart(well_followed(steps), width=268, days=900)
    _, line, end = (data(spec, layer) for layer in spec["layer"])
    assert (line[-1]["days"], end[0]["days"]) == (60, 60)


def test_a_curve_is_read_as_far_as_anybody_was_followed() -> None:
    read = after_days(STEPS, [3, 91, 400, 730])
    assert read.select("mark", "share").rows() == [
        (3, 0),
        (91, 0.25),
        (400, pytest.approx(0.5)),
    ]
    assert read["share_low"].is_null().to_list() == [True, False, False]
    assert after_days(STEPS.clear(), [91]).is_empty()


def test_a_number_that_must_not_be_shown_has_words_and_no_bar() -> None:
    spec = count_chart([("2025", 40), ("2026", None), ("2027", 20), ("2028", 0)], width=340)
    assert {"40", "not shown", "20", "0"} <= set(texts(spec))
    long, short = bars(spec)
    assert short / long == pytest.approx(0.5)


def test_the_line_of_weeks_has_a_point_for_each_and_names_the_last() -> None:
    weeks = pl.DataFrame({"week": [date(2026, 3, 9), date(2026, 3, 2)], "complete": [1204, 1100]})
    spec = weeks_chart(weeks, width=340)
    line, label = spec["layer"]

    points = [
        {"week": "2026-03-02", "learners": 1100},
        {"week": "2026-03-09", "learners": 1204},
    ]
    of = spec["datasets"]
    assert of[line["data"]["name"]] == points
    assert of[label["data"]["name"]] == points[-1:]
    assert label["mark"]["text"] == "1,204"
