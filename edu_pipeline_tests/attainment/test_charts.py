from typing import Any

import altair as alt
import pytest
from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]

from edu_pipeline.attainment import charts
from edu_pipeline.attainment.pictures import pictures
from edu_pipeline.charting.render import render_svg
from edu_pipeline_tests.attainment.test_publish import cohort

SIGNS_OF_THE_FONT = "▼●▲−–’"
"""Besides Latin letters, what of Liberation Sans the charts use."""


def texts(part: object) -> list[str]:
    if isinstance(part, dict):
        return [text for value in part.values() for text in texts(value)]
    if isinstance(part, list | tuple):
        return [text for value in part for text in texts(value)]
    return [part] if isinstance(part, str) else []


def test_titles_of_pictures_have_only_signs_of_their_font() -> None:
    drawn = dict(pictures(cohort(), "staff"))
    for name, chart in drawn.items():
        for text in texts(chart["title"]):
            strange = [sign for sign in text if ord(sign) > 0xFF and sign not in SIGNS_OF_THE_FONT]
            assert strange == [], (name, text)


def test_dots_hide_no_line_of_the_box() -> None:
    order = [
        str(layer["encoding"]["y"]["field"]) for layer in charts.distribution(["GCSE"])["layer"]
    ]
    assert order.index("y") < min(order.index(line) for line in ("low", "high", "median"))


def test_a_picture_has_the_lines_and_words_that_are_the_same_for_all_data() -> None:
    svg = render_svg(charts.drawn(charts.apart("YELLIS"), {}, title="", size=(640, 380)))
    for across in ("above", "below"):
        assert svg.count(f"{across} YELLIS,") == 2


@pytest.mark.parametrize(
    ("points", "sides"),
    [
        ([(0.0, 0.0)], ["right"]),
        ([(0.9, 0.0)], ["left"]),
        ([(0.0, 0.0), (0.02, 0.0)], ["left", "right"]),
        ([(0.0, 0.0), (0.0, 0.02), (0.0, -0.02)], ["right", "left", "below"]),
        ([(0.0, 0.0)] * 5, ["right", "left", "above", "below", ""]),
    ],
)
def test_names_of_subjects_stand_where_there_is_room(
    points: list[tuple[float, float]], sides: list[str]
) -> None:
    rows: list[dict[str, Any]] = [{"name": "Geography", "x": x, "y": y} for x, y in points]
    assert charts.named_apart(rows, 1.0, 640, "BASELINE") == sides


@pytest.mark.parametrize(
    "template",
    [
        charts.distribution(["GCSE"]),
        charts.progress(["GCSE", "range"]),
        charts.across_subjects(),
        charts.mean_differences(),
        charts.forecast(),
        charts.apart("YELLIS"),
        charts.matrix("YELLIS", "GCSE", ["4", "5"]),
    ],
    ids=["distribution", "progress", "across", "means", "forecast", "apart", "matrix"],
)
def test_a_template_is_what_vega_lite_allows(template: dict[str, Any]) -> None:
    # whose paper lies under it is for the page
    template = {name: value for name, value in template.items() if name != "background"}
    alt.Chart.from_dict(template, validate=True)
    with pytest.raises(ValidationError, match="as wide"):
        alt.Chart.from_dict(template | {"width": "as wide as it gets"}, validate=True)
