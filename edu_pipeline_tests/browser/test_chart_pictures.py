"""Charts as they are drawn: nothing leaves the picture, and no label stands on another."""

import io
from collections.abc import Callable
from itertools import combinations
from typing import Any

import polars as pl
import pytest
import vl_convert
from PIL import Image
from playwright.sync_api import Page

from edu_pipeline.charting.render import SCALE, render_pngs
from edu_pipeline.teachers.charts import HEIGHT, WIDTH, chart_specs
from edu_pipeline_tests.browser.conftest import Opener
from edu_pipeline_tests.browser.letters import (
    ARABIC,
    BELOW,
    CJK,
    DROPPED,
    EDITION,
    HOMEWORK,
    LONG,
    SETTINGS,
    UNBROKEN,
    history,
)


def at_a_new_level() -> pl.DataFrame:
    """A year whose level changed in the middle, which is known for ten weeks."""
    year = history(DROPPED, usual=BELOW)
    late = pl.int_range(pl.len()) >= year.height - 10
    for rate in ("attendance_rate", "homework_rate"):
        begun = pl.when(late).then(year["week_start"][year.height - 18])
        year = year.with_columns(
            pl.lit("level").alias(f"{rate}_phase"),
            begun.otherwise(year["week_start"][0]).alias(f"{rate}_phase_start"),
            pl.lit(0.92).alias(f"{rate}_phase_first"),
            pl.lit(0.92).alias(f"{rate}_phase_last"),
            pl.when(late).then(0.86).alias(f"{rate}_phase_before"),
        )
    return year


HISTORIES: dict[str, Callable[[], pl.DataFrame]] = {
    "one week": lambda: history([0.93], [0.8], [0]),
    "three weeks": lambda: history([0.93, 0.95, 0.9], [0.8, 0.9, 0.85], [0, 1, 2]),
    "a year": history,
    "a year with a usual range": lambda: history(DROPPED, usual=BELOW),
    "a new level": at_a_new_level,
    "all equal": lambda: history([0.938] * 30, [0.938] * 30, team_rate=0.938),
    "0 %": lambda: history([0.0] * 30, [0.0] * 30, team_rate=0.0),
    "100 %": lambda: history([1.0] * 30, [1.0] * 30, team_rate=1.0),
    "all ends at the target": lambda: history([0.9] * 29 + [0.95], HOMEWORK, team_rate=0.95),
    "long names": lambda: history(DROPPED, usual=BELOW, class_name=LONG, team=UNBROKEN),
    "right to left": lambda: history(DROPPED, class_name="כיתה ז׳2", team=ARABIC),
    "Chinese characters": lambda: history(DROPPED, class_name="七年级二班", team=CJK),
    "no figure this week": lambda: history([0.93] * 29 + [None], [0.8] * 29 + [None]),
}
every_history = pytest.mark.parametrize("name", HISTORIES)

MEASURE = """() => {
  const box = (e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const words = (es) => es.filter((e) => e.textContent).map((e) => ({ text: e.textContent, box: box(e) }));
  const dots = all('.mark-symbol path').filter((e) => box(e)[2] - box(e)[0] > 9);
  return {
    picture: box(document.querySelector('svg')),
    texts: words(all('svg text')),
    titles: words(all('.role-title text')),
    ticks: words(all('.role-axis-label text')),
    labels: words(all('.mark-text.role-mark text')),
    dots: dots.map(box),
  };
}"""


def measured(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(MEASURE)
    return found


def overlap(a: list[float], b: list[float]) -> bool:
    """Whether boxes (left, top, right, bottom) share more than a hair."""
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.5 and min(a[3], b[3]) - max(a[1], b[1]) > 0.5


@every_history
def test_every_word_of_a_chart_is_inside_it_and_alone_in_its_place(
    name: str, open_page: Opener
) -> None:
    specs = chart_specs(HISTORIES[name](), SETTINGS.targets, EDITION.words)
    assert list(specs) == ["attendance", "homework"]
    page = open_page("", width=700)
    for spec in specs.values():
        page.set_content(vl_convert.vegalite_to_svg(spec.spec, allowed_base_urls=[]))
        seen = measured(page)
        left, top, right, bottom = seen["picture"]
        assert (right - left, bottom - top) == (WIDTH, HEIGHT)
        for text in seen["texts"]:
            a, b, c, d = text["box"]
            assert left <= a, text
            assert top <= b, text
            assert c <= right, text
            assert d <= bottom, text
        for one, other in combinations(seen["texts"], 2):
            assert not overlap(one["box"], other["box"]), (one["text"], other["text"])
        assert len(seen["titles"]) == 2
        assert not any("…" in title["text"] for title in seen["titles"]), seen["titles"]
        assert len(seen["dots"]) == 1
        for label in seen["labels"]:
            assert not overlap(label["box"], seen["dots"][0]), label


@every_history
def test_a_chart_is_a_small_picture_of_twice_its_size(name: str) -> None:
    specs = chart_specs(HISTORIES[name](), SETTINGS.targets, EDITION.words)
    for png in render_pngs([spec.spec for spec in specs.values()], alone=True):
        assert len(png) < 40_000
        assert Image.open(io.BytesIO(png)).size == (SCALE * WIDTH, SCALE * HEIGHT)


def test_the_usual_range_has_one_colour_in_all_charts() -> None:
    specs = chart_specs(history(DROPPED, usual=BELOW), SETTINGS.targets, EDITION.words)
    for png in render_pngs([spec.spec for spec in specs.values()], alone=True):
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        band = (0xD8, 0xE7, 0xF5)
        close = sum(
            number
            for number, colour in picture.getcolors() or ()
            if isinstance(colour, tuple)
            and all(abs(a - b) < 10 for a, b in zip(colour, band, strict=True))
        )
        assert close > 0.1 * picture.width * picture.height
