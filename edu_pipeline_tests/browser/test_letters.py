"""Letters as they are seen: on a computer and on telephones, light and dark, with and without pictures."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page

from edu_pipeline.ground import wording
from edu_pipeline.mail.render import MOST_BYTES, lint, with_note
from edu_pipeline_tests.browser.conftest import Opener, as_seen
from edu_pipeline_tests.browser.letters import SAMPLES, Sample

WIDTHS = (600, 375, 320)
SampleOf = Callable[[str], Sample]
every_letter = pytest.mark.parametrize("name", SAMPLES)


def seen_at_every_width(page: Page, *checks: str) -> list[str]:
    """What these checks of looks.js find, with the width at which they find it."""
    found: list[str] = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for check in checks:
            found += [f"{width} px: {problem}" for problem in page.evaluate(f"looks.{check}()")]
    return found


@every_letter
def test_everything_has_its_place_at_every_width(
    name: str, sample_of: SampleOf, open_page: Opener
) -> None:
    page = open_page(as_seen(sample_of(name).content))
    checks = ("sideways", "cut", "overlapping", "squeezed", "figures", "reordered")
    assert seen_at_every_width(page, *checks) == []


@every_letter
def test_every_text_stands_out_from_its_background_in_light_and_dark(
    name: str, sample_of: SampleOf, open_page: Opener
) -> None:
    page = open_page(as_seen(sample_of(name).content))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("looks.contrast(false)") == [], scheme


@every_letter
def test_without_pictures_their_words_are_there_in_full_and_every_figure_is_stated(
    name: str, sample_of: SampleOf, open_page: Opener
) -> None:
    sample = sample_of(name)
    page = open_page(sample.content.html)  # nobody resolves its cid: addresses
    assert seen_at_every_width(page, "sideways", "overlapping") == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for picture in page.evaluate("looks.altTexts()"):
            assert picture["alt"]
            assert picture["width"] <= width
            assert picture["height"] >= picture["needed"]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("looks.contrast(true)") == [], scheme
    text = page.inner_text("body")
    for view in sample.views:
        assert view.name in text
        for rate in view.rates:
            assert wording.percent(rate.value) in text


@every_letter
def test_mail_clients_show_all_of_it(name: str, sample_of: SampleOf) -> None:
    html = sample_of(name).content.html
    assert lint(html) == []
    assert len(html.encode()) < MOST_BYTES


@pytest.mark.parametrize("name", ["right to left", "an ordinary homeroom"])
def test_the_reason_stands_to_the_right_of_the_name_whatever_its_script(
    name: str, sample_of: SampleOf, open_page: Opener
) -> None:
    page = open_page(as_seen(sample_of(name).content))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        lines: list[dict[str, Any]] = page.evaluate("looks.names()")
        assert lines
        for line in lines:
            assert line["dir"] == "auto"
            assert line["nameEnd"] <= line["dash"], line
            assert line["reason"] is None or line["dashEnd"] < line["reason"], line


def test_a_quiet_letter_fits_on_one_screen(sample_of: SampleOf, open_page: Opener) -> None:
    page = open_page(as_seen(sample_of("a quiet week").content))
    assert page.evaluate("document.documentElement.scrollHeight") <= 900


def test_a_note_of_the_mail_room_fits_and_can_be_read_in_light_and_dark(
    sample_of: SampleOf, open_page: Opener
) -> None:
    content = sample_of("a quiet week").content
    note = "Corrected: Last week’s 92.1 % attendance in 7B was 91.9 %. " * 3
    html, _ = with_note(content.html, content.text, note)

    page = open_page(as_seen(replace(content, html=html)))

    assert seen_at_every_width(page, "sideways", "cut", "overlapping", "squeezed") == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("looks.contrast(false)") == [], scheme
    box = page.locator("text=Corrected:").bounding_box()
    greeting = page.locator("text=Hello").bounding_box()
    assert box
    assert greeting
    assert box["y"] + box["height"] < greeting["y"]
