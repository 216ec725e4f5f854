"""The attainment page as people use it: by mouse, keyboard and touch, in both editions."""

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, Locator, Page
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from edu_pipeline.attainment.page import (
    Cohort,
    Edition,
    Frame,
    cohort_page,
)
from edu_pipeline.attainment.publish import write_shared
from edu_pipeline.attainment.scripts import scripts_beside, scripts_inside
from edu_pipeline.attainment.shareable import shareable
from edu_pipeline.charting.bundle import vega_bundle
from edu_pipeline.cli import app
from edu_pipeline.model.attainment import StatedDifferences
from edu_pipeline.model.columns import dtypes
from edu_pipeline.settings.attainment import Attainment
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.browser.cohort import ATTAINMENT, KNOWN, NASTY, SMALL, cohort, landed
from edu_pipeline_tests.browser.conftest import Opener, barriers
from edu_pipeline_tests.browser.letters import ENV

NADIA, QUENTIN, WILHELMINA, _ = KNOWN
WIDE = 1280
FORMULA = '=HYPERLINK("https://example.org")'
ROUNDED = Attainment(baseline_rounding="nearest")


@pytest.fixture(scope="module")
def cohorts() -> dict[str, Cohort]:
    """A cohort after its exams, between its mocks and its exams, and with exams in but two subjects."""
    partly = landed(60, 9)
    partly["results"] = partly["results"].filter(
        (pl.col("series") != "GCSE") | pl.col("subject").is_in(["Art", "History"])
    )
    partly["students"] = partly["students"].with_columns(
        name=pl.when(student_id="k1").then(pl.lit(FORMULA)).otherwise("name")
    )
    partly["stated"] = pl.DataFrame(
        [("Year 11, 2026", "k0", "History", 1.5), ("Year 11, 2026", "k0", "Art", 0)],
        schema=dtypes(StatedDifferences),
        orient="row",
    )
    return {
        "final": cohort(landed(60, 9)),
        "waiting": cohort(landed(60, 9, final=False)),
        "partly": cohort(partly, ROUNDED),
    }


@pytest.fixture(scope="module")
def pages(
    cohorts: dict[str, Cohort], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Edition], Path]:
    folder = tmp_path_factory.mktemp("site")
    write_shared(folder, ENV)
    frame = Frame(ENV, Settings(), scripts_beside("../"), "Riverside School", "../index.html")

    def page(name: str, edition: Edition) -> Path:
        path = folder / edition / f"{name}.html"
        if not path.exists():
            found = cohorts[name]
            if edition == "shareable":
                found = replace(found, tables=shareable(found.tables, ATTAINMENT))
            path.parent.mkdir(exist_ok=True)
            settings = Settings(attainment=ROUNDED if name == "partly" else ATTAINMENT)
            html = cohort_page(replace(frame, settings=settings), found, edition)
            path.write_text(html, encoding="utf-8")
        return path

    return page


@pytest.fixture
def staff(pages: Callable[[str, Edition], Path], open_page: Opener) -> Callable[..., Page]:
    def opened(name: str = "final", subject: str = "Maths", width: int = WIDE) -> Page:
        page = ready(open_page(pages(name, "staff"), width))
        page.select_option("#subject", label=subject)
        return page

    return opened


def ready(page: Page) -> Page:
    page.wait_for_selector("html.drawn", state="attached")
    return page


def search(page: Page, text: str) -> None:
    page.fill("#search", text)
    page.press("#search", "Enter")


def dot_of(page: Page, name: str, colour: str) -> tuple[float, float]:
    """Where a student's dot of the series with this colour is, with nobody pinned."""
    search(page, name)
    mark = page.locator(f"#distribution-chart path[fill='var(--{colour})']").last
    x, y = mark.evaluate("(e) => [e.getScreenCTM().e, e.getScreenCTM().f]")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Escape")
    return x, y


def words(page: Page, chart: str) -> list[str]:
    """Every text of a chart."""
    return [text for text in page.locator(f"#{chart}-chart svg text").all_text_contents() if text]


def drawn(page: Page, chart: str, attribute: str, selector: str = "path") -> list[str]:
    found = page.locator(f"#{chart}-chart svg {selector}[{attribute}^='var(--']")
    return [str(each.get_attribute(attribute)) for each in found.all()]


def cells(rows: Locator) -> list[list[str]]:
    return [
        [cell.strip() for cell in row]
        for row in rows.evaluate_all(
            "rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
        )
    ]


def test_hovering_a_dot_shows_that_students_progress_in_the_subject(
    staff: Callable[..., Page],
) -> None:
    page = staff()
    x, y = dot_of(page, NADIA, "below")
    assert page.inner_text("#progress-title") == f"Last hovered: {NADIA}"
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    assert page.inner_text("#progress-title") == f"Hovering: {NADIA}"
    assert page.inner_text("#progress-verdict") == "Maths: ▼ 1 below BASELINE"
    assert page.inner_text("#tip").split("\n") == [NADIA, "GCSE: 6", "GCSE: ▼ 1 below BASELINE"]
    assert {"4", "3", "6", "BASELINE 7", "highest 6 (−1)", "lowest 3 (−4)"} <= set(
        words(page, "progress")
    )
    assert "Hovering" not in page.inner_text("#subjects")


def test_only_the_result_carries_the_outcome_and_mocks_do_not(staff: Callable[..., Page]) -> None:
    page = staff()
    search(page, NADIA)
    symbols = page.locator("#progress-chart .mark-symbol path")
    looks = [(each.get_attribute("fill"), each.get_attribute("stroke")) for each in symbols.all()]
    assert looks.count(("var(--below)", "var(--paper)")) == 1
    assert looks.count(("var(--paper)", "var(--none)")) == 2
    assert drawn(page, "progress", "stroke", ".mark-line path") == ["var(--below)"]
    # in the box plots, too
    assert sorted(
        drawn(page, "distribution", "fill", ".mark-symbol path[stroke='var(--paper)']")
    ) == [
        "var(--below)",
        *["var(--none)"] * 3,
    ]


def test_while_the_final_is_not_sat_everything_says_provisional(
    staff: Callable[..., Page],
) -> None:
    page = staff("waiting")
    assert page.locator("#comparison option").first.inner_text() == (
        "MOCK 2 against BASELINE; GCSE not sat"
    )
    assert "everything is provisional" in page.inner_text("header")
    # said once more where it is of the subject, and not again below
    outcomes = page.inner_text("#outcomes")
    assert outcomes.startswith("MOCK 2 against BASELINE; GCSE not sat:")
    assert "Provisional" not in outcomes
    search(page, NADIA)
    assert page.inner_text("#progress-verdict") == (
        "Maths: ▼ 4 below BASELINE so far: provisional, MOCK 2 stands in, GCSE not sat"
    )
    line = page.locator("#progress-chart .mark-line path")
    assert line.get_attribute("stroke-dasharray") == "3,4"
    assert drawn(page, "progress", "fill", ".mark-symbol path[stroke='var(--below)']") == [
        "var(--paper)"
    ]
    assert "▼ 4 below" in words(page, "subjects")
    assert "hollow where MOCK 2 stands in (provisional)" in page.inner_text("#subjects-notes")


def test_clicking_a_dot_pins_the_student_over_all_subjects_and_clicking_again_lets_go(
    staff: Callable[..., Page],
) -> None:
    page = staff()
    at = dot_of(page, NADIA, "below")
    page.mouse.move(*at)
    page.mouse.click(*at)
    assert page.inner_text("#subjects-title") == f"Pinned: {NADIA}"
    assert page.inner_text("#subjects-verdict") == (
        "3 subjects, GCSE against BASELINE: ▲ 1 exceeded, ● 1 met, ▼ 1 below"
    )
    assert {"Art", "History", "Maths", "● met", "▲ 1.5 above", "▼ 1 below"} <= set(
        words(page, "subjects")
    )
    page.mouse.move(5, 5)
    assert page.inner_text("#progress-title") == f"Pinned: {NADIA}"
    page.mouse.move(*at)
    page.mouse.click(*at)
    assert page.inner_text("#subjects-title") == "Nobody pinned"


def test_the_keyboard_reaches_what_the_mouse_does_and_says_it(staff: Callable[..., Page]) -> None:
    page = staff()
    search(page, NADIA)
    page.focus("#distribution-chart")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    for key, series in (("End", "9"), ("Home", "U")):
        page.keyboard.press(key)
        assert page.inner_text("#spoken").split(", ")[1].endswith(f": {series}")
    page.keyboard.press("ArrowUp")
    name = page.inner_text("#spoken").split(", ")[0]
    assert page.inner_text("#progress-title") == f"Hovering: {name}"
    page.keyboard.press("Enter")
    assert page.inner_text("#subjects-title") == f"Pinned: {name}"
    page.keyboard.press("Escape")
    assert page.inner_text("#subjects-title") == "Nobody pinned"
    assert page.inner_text("#progress-title") == f"Last hovered: {name}"


def test_a_tap_shows_and_pins(pages: Callable[[str, Edition], Path], chromium: Browser) -> None:
    context = chromium.new_context(
        offline=True, has_touch=True, viewport={"width": 375, "height": 800}
    )
    page = context.new_page()
    page.goto(pages("final", "staff").as_uri())
    ready(page).select_option("#subject", label="Maths")
    at = page.locator("#distribution-chart .mark-symbol path").first
    at.scroll_into_view_if_needed()
    at.tap(force=True)
    name = page.inner_text("#progress-title").removeprefix("Hovering: ")
    assert page.inner_text("#subjects-title") == f"Pinned: {name}"
    # the answer is on the screen, and what lies over the page goes away again
    width = page.locator("#progress-chart svg").bounding_box()
    assert width is not None
    assert 0 <= width["y"] < 700
    assert page.locator("#tip").is_hidden()
    page.click("#close-people")
    assert page.locator("#progress").is_hidden()
    context.close()


def test_search_finds_by_any_part_of_a_name_without_its_accents_and_hyphens(
    staff: Callable[..., Page],
) -> None:
    page = staff()
    for text in ("okonkwolind", "o’konkwo-lind", "lindqvist nad"):
        page.fill("#search", text)
        assert page.locator("#search-found [role=option]").all_inner_texts() == [NADIA]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.inner_text("#subjects-title") == f"Pinned: {NADIA}"
    page.fill("#search", "zzz")
    assert page.inner_text("#search-more") == "nobody by that name"


def test_what_is_left_out_or_not_compared_is_said_with_who_and_why(
    staff: Callable[..., Page], cohorts: dict[str, Cohort]
) -> None:
    page = staff()
    outcomes = cohorts["final"].tables.attainment_outcomes.filter(subject="Maths")["outcome"]
    missing = [(outcomes == reason).sum() for reason in ("no baseline", "no result")]
    said = f"{sum(missing)} not compared ({missing[0]} no BASELINE, {missing[1]} no GCSE)"
    assert said in page.inner_text("#outcomes")
    assert said in page.inner_text("#left-out")

    def why(name: str) -> str:
        page.click("#left-out button")
        rows = {row[0]: row[1] for row in cells(page.locator("#list tbody tr"))}
        page.keyboard.press("Escape")
        return rows[name]

    assert why(WILHELMINA) == "no MOCK 2 and no GCSE; not compared"
    assert why(QUENTIN) == "absent in MOCK 1 and no BASELINE; not compared"
    before = page.inner_text("#distribution-title")
    page.check("#matched")
    assert why(QUENTIN) == "absent in MOCK 1 and no BASELINE; left out"
    assert why(WILHELMINA) == "no MOCK 2 and no GCSE; left out"
    assert before != page.inner_text("#distribution-title")


def test_titles_counts_boxes_and_the_table_are_those_of_the_tables(
    staff: Callable[..., Page], cohorts: dict[str, Cohort]
) -> None:
    tables = cohorts["final"].tables
    maths = tables.attainment_outcomes.filter(subject="Maths")
    page = staff()
    assert page.inner_text("#distribution-title") == f"Maths: {maths.height} students"
    count = dict(maths["outcome"].value_counts().iter_rows())
    for sign, outcome in (("▼", "below"), ("●", "met"), ("▲", "exceeded")):
        assert f"{sign} {count[outcome]} {outcome}" in page.inner_text("#outcomes")
    page.click("#distribution-table > summary")
    page.wait_for_selector("#distribution-table tbody tr")
    boxes, students = (
        cells(page.locator("#distribution-table table").nth(n).locator("tbody tr")) for n in (0, 1)
    )
    expected = tables.attainment_subjects.filter(subject="Maths", group_column="all")
    for series, n, low, q1, median, q3, high, mean, absent in boxes:
        row = expected.row(by_predicate=pl.col("series") == series, named=True)
        assert [int(n), int(absent)] == [row["n"], row["absent"]]
        points = [0.0 if cell == "U" else float(cell) for cell in (low, q1, median, q3, high, mean)]
        keys = ("lowest", "q1", "median", "q3", "highest", "mean")
        assert points == pytest.approx([row[key] for key in keys], abs=0.006)
    names = dict(cohorts["final"].students.select("student_id", "name").iter_rows())
    outcomes = {names[row["student_id"]]: row for row in maths.iter_rows(named=True)}
    assert len(students) == maths.height
    for name, *_, difference, outcome in students:
        row = outcomes[name]
        if row["difference"] is None:
            assert (difference, outcome[:2]) == ("", "no")
        else:
            assert float(difference.replace("−", "-")) == pytest.approx(
                row["difference"], abs=0.005
            )
            assert outcome.split()[1] == row["outcome"]


def test_a_group_filters_what_is_drawn_and_counted(
    staff: Callable[..., Page], cohorts: dict[str, Cohort]
) -> None:
    found = cohorts["final"]
    maths = found.tables.attainment_outcomes.filter(subject="Maths")
    for column, value in (("Gender", "Female"), ("Class", "Ma1")):
        inside = found.groups.filter(column=column, value=value)["student_id"].unique()
        number = maths.filter(pl.col("student_id").is_in(inside.implode())).height
        page = staff()
        page.fill("#group", value)
        page.press("#group", "Enter")
        assert page.input_value("#group") == f"{column}: {value}"
        assert page.inner_text("#distribution-title") == f"Maths: {number} students"
        assert f"{column} {value}, {number} of them" in page.inner_text("#distribution-notes")


def test_a_subject_without_a_result_keeps_its_place(staff: Callable[..., Page]) -> None:
    page = staff()
    search(page, WILHELMINA)
    assert [word for word in words(page, "subjects") if word.isalpha()][-2:] == ["Maths", "Spanish"]


def test_where_only_some_subjects_are_sat_each_says_what_stands_in(
    staff: Callable[..., Page], cohorts: dict[str, Cohort]
) -> None:
    page = staff("partly", "History")
    search(page, NADIA)
    # 6.5 is rounded up
    assert page.inner_text("#progress-verdict") == "History: ▲ 1 above expected 7 (BASELINE 6.5)"
    assert "expected 7 (BASELINE 6.5)" in words(page, "progress")
    page.click("#tab-summary")
    page.wait_for_selector("#means-chart svg")
    progress = cohorts["partly"].tables.attainment_progress.filter(group_column="all")
    number = {row["subject"]: row["students"] for row in progress.iter_rows(named=True)}
    assert {f"n {number['History']}", f"n {number['Maths']}, MOCK 2 so far"} <= set(
        words(page, "means")
    )
    assert "GCSE not sat there, MOCK 2 so far" in page.inner_text("#means-notes")
    assert page.locator("#matrix-kind option").first.inner_text() == "BASELINE to GCSE or MOCK 2"
    page.select_option("#matrix-subject", label="Maths")
    assert page.inner_text("#matrix caption") == (
        f"BASELINE to MOCK 2, Maths: {number['Maths']} students"
    )
    page.click("#tab-reading")
    assert cells(page.locator("#disagreements tbody tr")) == [
        [NADIA, "History", "+1.5", "+1", "GCSE 8, BASELINE 6.5"]
    ]


def test_the_menu_says_what_is_compared_with_what(staff: Callable[..., Page]) -> None:
    page = staff()
    assert page.locator("#comparison option").all_inner_texts() == [
        "GCSE against BASELINE",
        "MOCK 2 against BASELINE",
        "MOCK 1 against BASELINE",
        "GCSE against MOCK 1",
        "MOCK 2 against MOCK 1",
        "GCSE against MOCK 2",
    ]
    search(page, NADIA)
    page.select_option("#comparison", label="GCSE against MOCK 2")
    assert page.inner_text("#progress-verdict") == "Maths: ▲ 3 higher than MOCK 2"
    page.select_option("#comparison", label="MOCK 1 against BASELINE")
    assert page.inner_text("#progress-verdict") == "Maths: ▼ 3 below BASELINE"
    # what was sat later does not look as if it were compared
    assert sorted(drawn(page, "progress", "stroke", ".mark-line path")) == ["var(--none)"]


def test_a_name_that_is_a_script_is_a_name(staff: Callable[..., Page]) -> None:
    page = staff()
    search(page, "hacked")
    assert page.inner_text("#subjects-title") == f"Pinned: {NASTY}"
    assert page.evaluate("window.hacked") is None


def test_the_page_says_whom_it_is_for_and_what_a_baseline_is(staff: Callable[..., Page]) -> None:
    page = staff()
    banner = page.inner_text(".banner")
    assert "Names and grades of 64 students, as of Friday 21" in banner
    assert "Do not forward it" in banner
    assert "a mean expectation, which about half of all students fall below. It is no target" in (
        page.inner_text("#distribution")
    )
    page.click("#tab-reading")
    assert re.search(r"\d+\s% of baselines are not whole grades; none", page.inner_text("#reading"))


def test_the_cohort_is_summed_up_as_the_tables_have_it(
    staff: Callable[..., Page], cohorts: dict[str, Cohort]
) -> None:
    tables = cohorts["final"].tables
    page = staff()
    page.click("#tab-summary")
    assert page.locator("#explore").is_hidden()
    page.wait_for_selector("#means-chart svg")
    page.click("#means-table > summary")
    page.wait_for_selector("#means-table tbody tr")
    rows = {row[0]: row for row in cells(page.locator("#means-table tbody tr"))}
    everybody = tables.attainment_progress.filter(pl.col("group_column") == "all")
    for row in everybody.filter(pl.col("subject") != "all", pl.col("n") > 0).iter_rows(named=True):
        shown = rows[row["subject"]]
        assert int(shown[1]) == row["students"]
        assert float(shown[2].replace("−", "-")) == pytest.approx(row["mean_difference"], abs=0.006)
        assert [int(cell) for cell in shown[6:9]] == [row["below"], row["met"], row["exceeded"]]
    page.select_option("#matrix-subject", label="Maths")
    one = tables.attainment_transitions.filter(subject="Maths", group_column="all")
    numbers = page.locator("#matrix tbody tr").evaluate_all(
        "rows => rows.map((row) => Number(row.cells[row.cells.length - 1].textContent))"
    )
    assert sum(numbers) == one["n"].sum()
    left_out = tables.attainment_exclusions.filter(figure="progress", subject="Maths")
    reasons = {row["reason"]: row["students"] for row in left_out.iter_rows(named=True)}
    assert (
        f"In it: {reasons['included']} of {sum(reasons.values())} students. Left out in Maths: "
        f"{reasons['no baseline']} no baseline"
    ) in page.inner_text("#matrix-notes")
    page.select_option("#matrix-kind", label="MOCK 2 to GCSE")
    assert "MOCK 2 to GCSE, Maths" in page.inner_text("#matrix caption")


def test_value_added_stands_beside_the_residual_in_quadrants_with_words(
    staff: Callable[..., Page], cohorts: dict[str, Cohort]
) -> None:
    page = staff()
    page.click("#tab-summary")
    page.wait_for_selector("#apart-chart svg")
    progress = cohorts["final"].tables.attainment_progress.filter(group_column="all")
    both = progress.filter(pl.col("mean_difference").is_not_null(), subject="Maths").row(
        0, named=True
    )
    assert page.locator("#apart-chart .mark-symbol path").count() == (
        progress["subject"].n_unique() - 1
    )
    assert {"below BASELINE,", "better than in others"} <= set(
        page.locator("#apart-chart svg tspan").all_text_contents()
    )
    page.locator("#apart-chart .mark-symbol path").nth(
        page.evaluate(
            "JSON.parse(document.getElementById('data').textContent).apart.rows"
            ".findIndex((row) => row.name === 'Maths')"
        )
    ).hover(force=True)
    name, added, residual, _ = page.inner_text("#apart-tip").split("\n")
    figures = [re.findall(r"[−\d.]+", line) for line in (added, residual)]
    found = [[float(figure.replace("−", "-")) for figure in line] for line in figures]
    assert name == "Maths"
    assert found == [
        [pytest.approx(both["mean_difference"], abs=0.006), both["students"]],
        [pytest.approx(both["residual"], abs=0.006), both["n_residual"]],
    ]


def test_it_prints_on_one_sheet(staff: Callable[..., Page]) -> None:
    page = staff()
    # with nobody pinned the sheet is all the chart's
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    box = page.locator("#distribution-chart svg").bounding_box()
    assert box is not None
    assert box["width"] > 1000
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="null")
    search(page, NADIA)
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    (sides,) = set(re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf))
    width, height = (float(side) for side in sides.split()[2:])
    assert width > height


@pytest.mark.parametrize("edition", ["staff", "shareable"])
def test_the_page_can_be_read_on_a_telephone_and_on_a_wide_screen(
    pages: Callable[[str, Edition], Path], open_page: Opener, edition: Edition
) -> None:
    page = ready(open_page(pages("final", edition), WIDE))
    page.select_option("#subject", label="Maths")
    for tab in ("explore", "classes", "summary", "reading"):
        if edition == "shareable" and tab == "classes":
            continue
        page.click(f"#tab-{tab}")
        for width in (WIDE, 375):
            page.set_viewport_size({"width": width, "height": 900})
            if edition == "staff" and tab == "explore" and width == WIDE:
                search(page, NADIA)
            page.wait_for_timeout(50)
            for check in ("sideways", "squeezed"):
                assert page.evaluate(f"looks.{check}()") == [], (tab, width, check)
            if page.locator("#close-people").is_visible():
                # the panels lie over the page
                page.click("#close-people")
            assert page.evaluate("looks.overlapping()") == [], (tab, width)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("looks.contrast(false)") == [], (tab, scheme)


def test_the_edition_to_share_has_no_student_in_its_file(
    pages: Callable[[str, Edition], Path], open_page: Opener, cohorts: dict[str, Cohort]
) -> None:
    path = pages("final", "shareable")
    text = path.read_text(encoding="utf-8")
    for name, student_id in cohorts["final"].students.select("name", "student_id").iter_rows():
        assert name not in text
        assert f'"{student_id}"' not in text
    assert "Otis" not in text
    page = ready(open_page(path, WIDE))
    assert SMALL not in text
    page.select_option("#subject", label="Maths")
    assert page.locator("#distribution-chart .mark-rect path[fill='var(--box)']").count() == 4
    assert page.locator("#distribution-chart .mark-symbol path").count() == 0
    assert page.locator("#search, #progress, #subjects").count() == 0


@pytest.fixture
def alone(cohorts: dict[str, Cohort], tmp_path: Path) -> Path:
    frame = Frame(ENV, Settings(), scripts_inside(ENV, vega_bundle()))
    path = tmp_path / "cohort.html"
    path.write_text(cohort_page(frame, cohorts["final"], "staff"), encoding="utf-8")
    return path


def test_one_file_works_alone_and_runs_nothing_but_its_own_scripts(
    alone: Path, open_page: Opener
) -> None:
    page = ready(open_page(alone, WIDE))
    page.select_option("#subject", label="Maths")
    search(page, NADIA)
    assert page.inner_text("#progress-verdict") == "Maths: ▼ 1 below BASELINE"
    assert page.evaluate("getComputedStyle(document.querySelector('.panels')).display") == "grid"
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), "
        "{ textContent: 'window.hacked = true' }))"
    )
    assert page.evaluate("window.hacked") is None


def test_nothing_goes_wrong_in_silence_and_what_is_drawn_can_be_saved(
    staff: Callable[..., Page],
) -> None:
    heard: list[str] = []
    page = staff()
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    search(page, NADIA)
    page.click("#tab-summary")
    page.click("#tab-explore")
    with page.expect_download() as download:
        page.click("[data-save=progress]")
    assert download.value.suggested_filename == "progress.png"
    assert heard == []


def saved(page: Page, kind: str, to: Path) -> Path:
    """What the list that is open is saved as."""
    with page.expect_download() as download:
        page.click(f"#list .tools button:text-is('{kind}')")
    download.value.save_as(to)
    return to


def test_a_number_leads_to_its_names_and_they_to_excel(
    staff: Callable[..., Page], cohorts: dict[str, Cohort], tmp_path: Path
) -> None:
    names = dict(cohorts["final"].students.select("student_id", "name").iter_rows())
    outcomes = cohorts["final"].tables.attainment_outcomes.filter(subject="Maths")
    below = outcomes.filter(outcome="below")
    page = staff()
    page.click("#outcomes button.below")
    rows = cells(page.locator("#list tbody tr"))
    assert {row[0] for row in rows} == {names[each] for each in below["student_id"]}
    book = CalamineWorkbook.from_path(saved(page, "Excel", tmp_path / "list.xlsx"))
    head, *lines = book.get_sheet_by_index(0).to_python()
    assert head[:6] == ["Student", "MOCK 1", "MOCK 2", "GCSE", "BASELINE", "Difference"]
    (nadia,) = (line for line in lines if line[0] == NADIA)
    assert nadia[1:7] == [4, 3, 6, 7, -1, "below"]
    assert len(lines) == below.height
    # once Esc, and the focus is where it was
    page.keyboard.press("Escape")
    assert page.locator("#list").is_hidden()
    assert page.evaluate("document.activeElement.className") == "number outcome below"


def test_a_name_that_is_a_formula_stays_a_text(staff: Callable[..., Page], tmp_path: Path) -> None:
    page = staff("partly")
    page.click("#lists > summary")
    page.click("#lists button:has-text('everybody who is shown')")
    book = CalamineWorkbook.from_path(saved(page, "Excel", tmp_path / "list.xlsx"))
    assert FORMULA in [line[0] for line in book.get_sheet_by_index(0).to_python()]
    text = saved(page, "CSV", tmp_path / "list.csv").read_text(encoding="utf-8-sig")
    assert f"'{FORMULA}" in [line[0] for line in csv.reader(text.splitlines())]


def test_lists_are_of_those_who_fell_and_of_those_one_grade_from_a_boundary(
    staff: Callable[..., Page], cohorts: dict[str, Cohort]
) -> None:
    maths = cohorts["final"].tables.attainment_outcomes.filter(subject="Maths")
    page = staff()
    page.click("#lists > summary")
    offered = page.locator("#lists .popup button")
    offered.first.wait_for()
    said = {
        text.rsplit(" ", 1)[0].strip(): int(text.rsplit(" ", 1)[1].replace(",", ""))
        for text in (" ".join(each.split()) for each in offered.all_text_contents())
    }
    fell = maths.filter(pl.col("gcse") < pl.col("mock_2"))
    assert said["fell from MOCK 2 to GCSE, most first"] == fell.height
    assert said["at 3, one grade from 4"] == maths.filter(pl.col("gcse") == 3).height
    near = maths.filter(pl.col("difference").is_between(-1, -1e-9))
    assert said["below BASELINE by one grade or less"] == near.height
    page.click("#lists button:has-text('fell from MOCK 2')")
    falls = [row[5] for row in cells(page.locator("#list tbody tr"))]
    assert falls == sorted(falls, reverse=True)
    assert len(falls) == fell.height


def test_one_list_has_who_fell_in_any_subject_and_names_the_subjects(
    staff: Callable[..., Page], cohorts: dict[str, Cohort]
) -> None:
    outcomes = cohorts["final"].tables.attainment_outcomes
    fell = outcomes.filter(pl.col("final") < pl.col("mock_2"))
    by_student = fell.group_by("student_id").len()
    page = staff()
    page.click("#lists summary")
    page.click("#lists .popup button:has-text('fell from MOCK 2 in any subject')")
    rows = cells(page.locator("#list tbody tr"))
    assert len(rows) == by_student.height
    numbers = [int(row[1]) for row in rows]
    assert numbers == sorted(by_student["len"], reverse=True)
    assert all(row[4].count("−") == n for row, n in zip(rows, numbers, strict=True))
    # the tabs and the bar stay free
    bar = page.locator(".bar").bounding_box()
    drawer = page.locator("#list").bounding_box()
    assert bar is not None
    assert drawer is not None
    assert drawer["y"] == pytest.approx(bar["y"] + bar["height"], abs=1)
    page.click("#tab-summary")
    assert page.is_visible("#summary")
    page.click("#list .close")
    assert page.is_hidden("#list")


def test_each_cell_of_a_matrix_leads_to_as_many_names(staff: Callable[..., Page]) -> None:
    page = staff()
    page.click("#tab-summary")
    for kind in ("BASELINE to GCSE", "MOCK 2 to GCSE"):
        page.select_option("#matrix-kind", label=kind)
        page.select_option("#matrix-subject", label="Maths")
        found = page.evaluate(
            "[...document.querySelectorAll('#matrix td button')].map((button) => { button.click(); "
            "return [Number(button.textContent), "
            "document.querySelectorAll('#list tbody tr').length]; })"
        )
        assert len(found) > 5
        assert [number for number, _ in found] == [listed for _, listed in found]
    page.keyboard.press("Escape")
    page.click(".headline [data-core='4']")
    assert page.locator("#list tbody tr").count() == 64


def test_a_link_holds_the_state_and_no_name(
    staff: Callable[..., Page], pages: Callable[[str, Edition], Path], open_page: Opener
) -> None:
    page = staff(subject="Art")
    page.select_option("#comparison", label="GCSE against MOCK 2")
    page.fill("#group", "female")
    page.press("#group", "Enter")
    search(page, NADIA)
    link, title = page.url, page.inner_text("#distribution-title")
    assert not set(re.findall(r"[a-z]+", NADIA.lower())) & set(re.findall(r"[a-z]+", link.lower()))

    def follow(address: str) -> None:
        open_page("")
        page.goto(address)
        ready(page)

    follow(link)
    assert page.inner_text("#distribution-title") == title
    assert page.inner_text("#subjects-title") == f"Pinned: {NADIA}"
    assert page.input_value("#group") == "Gender: Female"
    # of a page with other students, places in a link are of others
    follow(re.sub("people=[0-9a-f]+", "people=0", link))
    assert page.inner_text("#subjects-title") == "Nobody pinned"
    assert page.input_value("#group") == ""
    # and it opens on what a school lists first
    follow(pages("final", "staff").as_uri())
    assert page.inner_text("#distribution-title").startswith("English Language: ")


def test_several_students_stand_beside_each_other(staff: Callable[..., Page]) -> None:
    page = staff()
    search(page, NADIA)
    page.click("#several")
    search(page, WILHELMINA)
    assert {NADIA, WILHELMINA} <= set(words(page, "progress"))
    rows = {row[0]: row[1:] for row in cells(page.locator("#beside tbody tr"))}
    assert rows["Maths"] == ["6 ▼ −1", "–"]
    page.click(f"[aria-label='Let go of {WILHELMINA}']")
    assert page.inner_text("#subjects-title") == f"Pinned: {NADIA}"


def test_classes_have_their_figures_and_what_chance_may_do(
    staff: Callable[..., Page], cohorts: dict[str, Cohort]
) -> None:
    progress = cohorts["final"].tables.attainment_progress
    page = staff()
    page.click("#tab-classes")
    rows = {row[0]: row for row in cells(page.locator("#classes-table tbody tr"))}
    for group in ("Ma1", "Ma2", "Ma3"):
        row = progress.row(
            by_predicate=(pl.col("subject") == "Maths") & (pl.col("group") == group), named=True
        )
        shown = rows[group]
        assert [int(cell) for cell in shown[2:5]] == [
            row["below"],
            row["met"],
            row["exceeded"],
        ]
        figures = [float(each.replace("−", "-")) for each in re.findall(r"[−\d.]+", shown[5])]
        assert figures == pytest.approx(
            [row["mean_difference"], row["low"], row["high"]], abs=0.006
        )
        unsure = row["low"] <= 0 <= row["high"]
        assert ("may be chance" in shown[6], "by more than chance" in shown[6]) == (
            unsure,
            not unsure,
        )
    page.select_option("#subject", label=SMALL)
    chances = [row[6] for row in cells(page.locator("#classes-table tbody tr"))]
    assert set(chances) == {"one student is too few to say"}


def test_sheets_are_one_of_a_class_and_a_students_names_nobody_else(
    staff: Callable[..., Page], cohorts: dict[str, Cohort]
) -> None:
    page = staff()
    page.evaluate("window.print = () => {}")
    search(page, NADIA)

    def printed(what: str) -> str:
        page.click("#printing > summary")
        page.click(f"#printing button:has-text('{what}')")
        text = str(page.locator("#sheets").text_content())
        pdf = page.pdf(prefer_css_page_size=True)
        assert set(re.findall(rb"/MediaBox\s*\[0 0 (\d+)", pdf)) == {b"594"}
        return text

    sheet = printed("those who are pinned")
    others = set(cohorts["final"].students["name"]) - {NADIA}
    assert NADIA in sheet
    assert [name for name in others if name in sheet] == []
    classes = printed("Maths, each Class")
    assert [f"Class {name}:" in classes for name in ("Ma1", "Ma2", "Ma3")] == [True] * 3


def test_nothing_keeps_anybody_out_in_any_state(staff: Callable[..., Page]) -> None:
    page = staff()
    found: dict[str, list[str]] = {}

    def look(state: str) -> None:
        found[state] = barriers(page)

    page.fill("#search", "a")
    look("more hits than are shown")
    page.press("#search", "Enter")
    page.click("#several")
    search(page, NADIA)
    for table in ("distribution", "progress", "subjects"):
        page.click(f"#{table}-table > summary")
    look("two are pinned, tables are open")
    page.click("#lists > summary")
    look("a menu is open")
    page.click("#lists button:has-text('everybody')")
    look("a list is open")
    page.keyboard.press("Escape")
    page.click("#tab-classes")
    page.click("#classes-table tbody button.name >> nth=0")
    look("a class")
    page.click("#tab-summary")
    page.wait_for_selector("#apart-chart svg")
    for table in ("means", "apart"):
        page.click(f"#{table}-table > summary")
    look("the whole cohort")
    page.click("#tab-reading")
    look("how to read it")
    assert {state: findings for state, findings in found.items() if findings} == {}


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    """A page of 120 students whose mock is a 4- for all who have a 4 in it."""
    frames = landed(120, 4)
    fours = (pl.col("series") == "MOCK 1") & (pl.col("points") == 4)
    frames["results"] = frames["results"].with_columns(
        grade=pl.when(fours).then(pl.lit("4-")).otherwise("grade"),
        points=pl.when(fours).then(4 - 1 / 3).otherwise("points"),
    )
    frame = Frame(ENV, Settings(), scripts_inside(ENV, vega_bundle()))
    path = tmp_path / "fine.html"
    path.write_text(cohort_page(frame, cohort(frames), "staff"), encoding="utf-8")
    return path


def test_a_fine_grade_is_counted_and_listed_as_the_whole_grade_that_it_names(
    fine: Path, open_page: Opener
) -> None:
    page = ready(open_page(fine, WIDE))
    page.click("#tab-summary")
    page.select_option("#matrix-kind", label="MOCK 1 to GCSE")
    page.select_option("#matrix-subject", label="Maths")
    row = page.locator("#matrix tbody tr").filter(
        has=page.locator("th", has_text=re.compile("^4$"))
    )
    cell = row.locator("td button").first
    n = int(cell.inner_text())
    cell.click()
    grades = [row[1] for row in cells(page.locator("#list tbody tr"))]
    assert grades == ["4-"] * n


def test_a_levels_stand_on_the_axis_of_their_own_grades(tmp_path: Path, open_page: Opener) -> None:
    frames = landed(60, 6)
    # from U to A*, a grade each
    frames["results"] = frames["results"].with_columns(
        scale=pl.lit("a_level"), points=pl.col("points").floor().clip(0, 6)
    )
    frame = Frame(ENV, Settings(), scripts_inside(ENV, vega_bundle()))
    path = tmp_path / "alevels.html"
    path.write_text(cohort_page(frame, cohort(frames), "staff"), encoding="utf-8")
    page = ready(open_page(path, WIDE))
    page.select_option("#subject", label="Maths")

    def heights(chart: str) -> list[float]:
        """Where the lines of the grades are, from U up."""
        found = []
        for grade in ("U", "E", "D", "C", "B", "A", "A*"):
            text = page.locator(f"#{chart}-chart svg text").get_by_text(grade, exact=True).first
            box = text.bounding_box()
            assert box is not None
            found.append(box["y"])
        return found

    for chart in ("distribution", "progress"):
        search(page, NADIA)
        steps = [low - high for low, high in zip(heights(chart), heights(chart)[1:], strict=False)]
        assert steps == pytest.approx([steps[0]] * 6, abs=1)
        assert steps[0] > 5
        assert not {"7", "8", "9"} & set(words(page, chart))


def test_a_list_and_a_sheet_name_the_target_that_a_difference_is_from(
    tmp_path: Path, open_page: Opener
) -> None:
    tracker = "UPN,Name,Maths GCSE,Maths Target\nA1,Ada Finch,5,7\nA2,Bo Larch,6,6\n"
    (tmp_path / "tracker.csv").write_text(tracker, encoding="utf-8")
    target = tmp_path / "page.html"
    line = ["--home", tmp_path, "attainment", tmp_path / "tracker.csv", "-o", target]
    assert CliRunner().invoke(app, list(map(str, line))).exit_code == 0
    page = open_page(target)
    page.wait_for_selector("html.drawn", state="attached")

    page.click("#lists > summary")
    page.click("#lists button:has-text('everybody')")

    heads = cells(page.locator("#list thead tr"))[0]
    assert heads[1:4] == ["GCSE", "Target", "Difference"]
    assert cells(page.locator("#list tbody tr"))[0][1:4] == ["5", "7", "−2"]
