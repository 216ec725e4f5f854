"""How quickly the attainment page opens and answers, for cohorts of several sizes.

.venv/bin/python benchmarks/attainment_page.py --students 250 1000 5000

Each made-up student has 25 subjects and four series. A real browser (Chromium, headless) opens the
page from the disk, moves the pointer over dots and picks subjects; the times are those from the event
until everything is drawn, measured in the page.
"""

import argparse
import random
import shutil
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from playwright.sync_api import Page, sync_playwright

from edu_pipeline.attainment.metrics import cohort_tables
from edu_pipeline.attainment.page import Frame, cohort_page, cohorts
from edu_pipeline.attainment.publish import write_shared
from edu_pipeline.attainment.scripts import scripts_beside
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment
from edu_pipeline.model.attainment import (
    AttainmentFiles,
    AttainmentNotes,
    CohortStudents,
    ResultGroups,
    Results,
    StatedDifferences,
)
from edu_pipeline.model.columns import dtypes
from edu_pipeline.settings.home import Settings

SUBJECTS, HOVERS = 25, 60
SETTINGS = Settings()
HOVER = """
async ([x, y]) => {
  const chart = document.getElementById("distribution-chart");
  const started = performance.now();
  chart.dispatchEvent(new PointerEvent("pointermove", { clientX: x, clientY: y, bubbles: true }));
  const worked = performance.now() - started;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [worked, performance.now() - started];
}
"""
PICK = """
async (at) => {
  const select = document.getElementById("subject");
  const started = performance.now();
  select.value = String(at);
  select.dispatchEvent(new Event("change"));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - started;
}
"""


def frames(students: int) -> dict[str, pl.DataFrame]:
    """What lands: every student with every subject in every series."""
    draw = random.Random(1)  # noqa: S311 - invented grades
    results = []
    for n in range(students):
        ability = draw.gauss(5, 1.7)
        for subject in range(SUBJECTS):
            level = ability + draw.gauss(0, 0.8)
            for series in SETTINGS.attainment.series:
                points = min(9.0, max(0.0, level + draw.gauss(0, 0.8)))
                points = round(points, 1) if series == "BASELINE" else float(round(points))
                grade = (f"{points:g}", "gcse", points, int(points))
                row = (f"{n:05}", f"Subject {subject:02}", series, *grade)
                results.append(("2026", *row, False, "r.csv", len(results) + 2))
    people = [
        ("2026", f"{n:05}", f"Given{n} Family{n % 97}", False, True, True) for n in range(students)
    ]
    groups = [("2026", f"{n:05}", None, "Gender", "FM"[n % 2]) for n in range(students)]
    return {
        "results": pl.DataFrame(results, schema=dtypes(Results), orient="row"),
        "students": pl.DataFrame(people, schema=dtypes(CohortStudents), orient="row"),
        "groups": pl.DataFrame(groups, schema=dtypes(ResultGroups), orient="row"),
        "files": pl.DataFrame(schema=dtypes(AttainmentFiles)),
        "problems": pl.DataFrame(schema=dtypes(AttainmentNotes)),
    }


def measure(page: Page, path: Path) -> str:
    """Open a page and use it."""
    started = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("html.drawn", state="attached", timeout=120_000)
    opened = time.perf_counter() - started
    box = page.locator("#distribution-chart svg").bounding_box()
    assert box is not None  # noqa: S101 - the page is drawn
    draw = random.Random(2)  # noqa: S311 - places of a pointer
    hovers = [
        page.evaluate(
            HOVER,
            [
                box["x"] + box["width"] * draw.uniform(0.1, 0.95),
                box["y"] + box["height"] * draw.uniform(0.15, 0.7),
            ],
        )
        for _ in range(HOVERS)
    ]
    work, drawn = (sorted(each) for each in zip(*hovers, strict=True))
    picks = sorted(page.evaluate(PICK, at) for at in range(1, 11))
    p95 = int(0.95 * HOVERS)
    return (
        f"{path.stat().st_size / 1e6:6.2f} MB {opened:7.2f} s   hover {statistics.median(work):5.1f} / "
        f"{work[p95]:5.1f} ms of work, {statistics.median(drawn):5.1f} / {drawn[p95]:5.1f} ms until drawn   "
        f"subject {statistics.median(picks):6.1f} ms"
    )


def main() -> None:
    """Print a line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, nargs="+", default=[250, 1000, 5000])
    sizes = parser.parse_args().students
    env = environment([shipped("templates")])
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_shared(Path(folder), env)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        print(f"{SUBJECTS} subjects, 4 series; hover: median / 95 %")
        for students in sizes:
            landed = frames(students)
            started = time.perf_counter()
            nothing = pl.DataFrame(schema=dtypes(StatedDifferences))
            tables = cohort_tables(
                landed["results"],
                landed["students"],
                landed["groups"],
                nothing,
                SETTINGS.attainment,
            )
            counted = time.perf_counter()
            kinds = ("files", "results", "students", "groups", "problems")
            (cohort,) = cohorts(
                tables, *(landed[kind] for kind in kinds), attainment=SETTINGS.attainment
            )
            html = cohort_page(Frame(env, SETTINGS, scripts_beside("../")), cohort, "staff")
            path = Path(folder) / "staff" / f"{students}.html"
            path.parent.mkdir(exist_ok=True)
            path.write_text(html, encoding="utf-8")
            built = time.perf_counter()
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            print(
                f"{students:6} students: tables {counted - started:5.1f} s, page {built - counted:5.1f} s, "
                f"{measure(page, path)}",
                flush=True,
            )
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
