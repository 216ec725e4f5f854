"""The pages of a home with a school, as they are seen: the front page, the school, the data."""

import re
from pathlib import Path

import pytest

from edu_pipeline.settings.home import Home
from edu_pipeline_tests.browser.conftest import Opener, barriers, out_of_place

PAGES = (
    "index.html",
    "school/index.html",
    "data/index.html",
    "mail/index.html",
    "glossary/index.html",
)
every_page = pytest.mark.parametrize("path", PAGES)
MOST_BYTES = 100_000
"""Of the front page, as over a telephone's connection."""


@every_page
def test_everything_has_its_place_at_every_width(
    path: str, refreshed_sample: Home, open_page: Opener
) -> None:
    page = open_page(refreshed_sample.site / path)
    for width in (375, 800, 1200):
        assert out_of_place(page, width) == [], width


@every_page
def test_nothing_keeps_anybody_from_reading_in_light_and_dark(
    path: str, refreshed_sample: Home, open_page: Opener
) -> None:
    page = open_page(refreshed_sample.site / path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("looks.contrast(false)") == [], scheme
        assert barriers(page) == [], scheme


def test_the_front_page_answers_and_leads_to_every_other_and_back(
    refreshed_sample: Home, open_page: Opener
) -> None:
    index = refreshed_sample.site / "index.html"
    assert index.stat().st_size < MOST_BYTES
    page = open_page(index, width=375)
    assert "made up" in page.inner_text("header")
    assert "They have not been written yet." in page.inner_text("body")
    # of the home that the sample was refreshed in, of which this one is a copy
    assert re.search(r"Next: edu-pipeline --home \S+/sample run\b", page.inner_text("body"))
    for title in ("School", "Letters", "Data", "Words"):
        page.click(f".pages a:text-is('{title}')")
        assert page.inner_text("h1") == title
        page.click(".trail a")
        assert Path(page.url.removeprefix("file://")) == index


def test_the_page_on_data_says_what_became_of_every_file_s_rows(
    refreshed_sample: Home, open_page: Opener
) -> None:
    text = open_page(refreshed_sample.site / "data/index.html", width=1200).inner_text("body")
    for export in ("attendance", "calendar", "classes", "enrollments", "homework", "staff"):
        assert f"school/{export}.csv" in text
    assert "132 counted" in text  # students
    assert "unknown student id 2" in text


def test_the_school_s_page_shows_the_school_and_its_teams_for_both_metrics(
    refreshed_sample: Home, open_page: Opener
) -> None:
    page = open_page(refreshed_sample.site / "school/index.html", width=1200)
    captions = page.locator("figcaption").all_inner_texts()
    groups = [caption.splitlines()[0].split(" ")[0] for caption in captions]
    assert groups[0] == "School"
    assert captions[: len(captions) // 2] != captions[len(captions) // 2 :]
    assert page.locator("figure svg").count() == len(captions)
    # homework climbs in the made-up school, and attendance does not
    of_homework = captions[len(captions) // 2].splitlines()
    assert any("climbing since the start of the year, from about" in line for line in of_homework)
    assert "since" not in captions[0]
