"""Headline measures, the year before and the forecast, as people use them on the page for staff."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page

from edu_pipeline.attainment.metrics import cohort_tables
from edu_pipeline.attainment.page import Cohort, Frame, cohort_page, cohorts
from edu_pipeline.attainment.publish import write_shared
from edu_pipeline.attainment.scripts import scripts_beside
from edu_pipeline.model.attainment import StatedDifferences
from edu_pipeline.model.columns import dtypes
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.browser.cohort import ATTAINMENT, landed
from edu_pipeline_tests.browser.conftest import Opener, barriers, out_of_place
from edu_pipeline_tests.browser.letters import ENV

THIS, LAST = "Year 11, 2026", "Year 11, 2025"
WIDE = 1280


def two_years() -> list[Cohort]:
    """A cohort that has sat its mocks, after one that has its results."""
    last = {
        name: frame.with_columns(cohort=pl.lit(LAST))
        for name, frame in landed(90, 9, seed=7).items()
    }
    this = landed(60, 9, final=False)
    frames = {name: pl.concat([last[name], frame]) for name, frame in this.items()}
    results, students, groups = (frames[name] for name in ("results", "students", "groups"))
    nothing_stated = pl.DataFrame(schema=dtypes(StatedDifferences))
    tables = cohort_tables(results, students, groups, nothing_stated, ATTAINMENT)
    return cohorts(
        tables,
        frames["files"],
        results,
        students,
        groups,
        frames["problems"],
        attainment=ATTAINMENT,
    )


@pytest.fixture(scope="module")
def years() -> dict[str, Cohort]:
    return {cohort.name: cohort for cohort in two_years()}


@pytest.fixture(scope="module")
def pages(years: dict[str, Cohort], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("site")
    write_shared(folder, ENV)
    frame = Frame(ENV, Settings(), scripts_beside("../"), "Riverside School")
    (folder / "staff").mkdir()
    found = {}
    for name, cohort in years.items():
        found[name] = folder / "staff" / f"{name}.html"
        found[name].write_text(cohort_page(frame, cohort, "staff"), encoding="utf-8")
    return found


@pytest.fixture
def summary(pages: dict[str, Path], open_page: Opener) -> Callable[..., Page]:
    def opened(name: str = THIS, width: int = WIDE) -> Page:
        page = open_page(pages[name], width)
        page.wait_for_selector("html.drawn", state="attached")
        page.click("#tab-summary")
        if name == THIS:
            page.wait_for_selector("#forecast-chart svg text")
        return page

    return opened


def cells(page: Page, table: str, row: str) -> list[str]:
    """What stands in the row that begins so."""
    found = page.locator(f"{table} tbody tr", has=page.locator(f"th:text-is('{row}')"))
    return found.first.locator("td").all_inner_texts()


def test_a_mean_of_attainment_8_leads_to_who_has_which(
    summary: Callable[..., Page], years: dict[str, Cohort]
) -> None:
    page = summary(LAST)
    tables = years[LAST].tables
    women = tables.attainment_performance.row(
        by_predicate=(pl.col("group_column") == "Gender") & (pl.col("group") == "Female"),
        named=True,
    )
    shown = cells(page, "#measures-table", "Gender Female")
    assert shown[:3] == [str(women["students"]), str(women["n"]), f"{women['attainment_8']:.1f}"]

    page.locator("#measures-table tr", has_text="Gender Female").locator("button").first.click()
    assert page.inner_text("#list-title") == "Attainment 8: Gender Female"
    rows = page.locator("#list tbody tr")
    assert rows.count() == women["students"]
    lowest = rows.first.locator("td").all_inner_texts()
    women_only = years[LAST].groups.filter(value="Female").select("student_id")
    known = (
        tables.attainment_measures.join(women_only, on="student_id")
        .sort("attainment_8", nulls_last=True)
        .row(0, named=True)
    )
    assert float(lowest[0]) == known["attainment_8"]
    page.keyboard.press("Escape")
    assert page.is_hidden("#list")


def test_what_no_file_says_is_said_under_the_measures(summary: Callable[..., Page]) -> None:
    said = summary(LAST).inner_text("#measures")

    assert "not told by any file: all count" in said
    assert "There is no Progress 8" in said


def test_the_cohort_stands_beside_the_last(
    summary: Callable[..., Page], years: dict[str, Cohort]
) -> None:
    page = summary()
    rows = years[THIS].tables.attainment_years
    maths = rows.row(
        by_predicate=(pl.col("subject") == "Maths") & (pl.col("measure") == "mean"), named=True
    )
    assert maths["series"] == "MOCK 2"
    page.click("#years-table summary")
    page.wait_for_selector("#years-table tbody tr")
    assert cells(page, "#years-table", "Maths")[:2] == ["Mean grade", "MOCK 2"]
    both = cells(page, "#years-over", "9–4 in English and maths")
    assert both[0] == "MOCK 2"
    assert both[1].endswith(f" of {rows.filter(measure='both_4')['n'].item()}")

    assert "less those of Year 11, 2025" in page.inner_text("#years-title")


def test_the_first_cohort_says_that_there_is_none_before(summary: Callable[..., Page]) -> None:
    page = summary(LAST)

    assert page.locator("#years").count() == 0
    assert "there is no cohort of 2024" in page.inner_text("#summary")


def test_a_forecast_is_ranges_for_the_grade_that_is_chosen(
    summary: Callable[..., Page], years: dict[str, Cohort]
) -> None:
    page = summary()
    page.select_option("#forecast-grade", label="7 or better")
    page.click("#forecast-table summary")
    page.wait_for_selector("#forecast-table tbody tr")
    known = years[THIS].tables.attainment_forecast.row(
        by_predicate=(pl.col("subject") == "Maths") & (pl.col("threshold") == 7), named=True
    )

    assert "may get 7 or better" in page.inner_text("#forecast-title")
    shown = cells(page, "#forecast-table", "Maths")
    assert shown[2:4] == [
        f"{known['low80']} to {known['high80']}",
        f"{known['low95']} to {known['high95']}",
    ]
    texts = page.locator("#forecast-chart svg text").all_text_contents()
    assert f"{known['low80']}–{known['high80']} of {known['n']}" in texts
    assert "assumes that the mock was as hard" in page.inner_text("#forecast-how")


def test_a_student_who_is_pinned_has_a_strip_of_what_each_mock_may_become(
    summary: Callable[..., Page],
) -> None:
    page = summary()
    page.click("#tab-explore")
    page.fill("#search", "Nadia")
    page.press("#search", "Enter")

    # Nadia has a 3 in the second mock of maths
    strip = cells(page, "#may-be", "Maths")
    assert strip[0] == "3"
    assert 97 <= sum(int(share) for share in strip[1:] if share) <= 102


@pytest.mark.parametrize("width", [390, WIDE])
def test_the_panels_fit_and_keep_nobody_out(summary: Callable[..., Page], width: int) -> None:
    page = summary(width=width)

    assert [each for each in out_of_place(page, width) if "sideways" in each] == []
    assert barriers(page) == []
