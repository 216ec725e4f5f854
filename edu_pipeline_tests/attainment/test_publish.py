import shutil
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from edu_pipeline.attainment.page import Cohort, Frame, cohort_page, cohorts
from edu_pipeline.attainment.publish import file_names, publish
from edu_pipeline.attainment.scripts import scripts_beside
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment
from edu_pipeline.model.attainment import AttainmentFiles, AttainmentNotes
from edu_pipeline.model.columns import dtypes
from edu_pipeline.settings.attainment import Attainment
from edu_pipeline.settings.home import Settings
from edu_pipeline_tests.attainment.conftest import (
    Entry,
    grouped,
    landed,
    students_of,
    tables,
)

ENV = environment([shipped("templates")])
ENTRIES: list[Entry] = [
    (f"secret{n}", subject, [4 + n % 2, 4 + n % 3, 3 + n % 4, 4.5 + n % 2])
    for n in range(12)
    for subject in ("Maths", "Art")
]


WHOLE = ("progress", "value-added-and-residual")
FRAME = Frame(ENV, Settings(), scripts_beside("../"))


def cohort(entries: list[Entry] = ENTRIES, name: str = "2026") -> Cohort:
    results = landed(entries)
    groups = grouped("Gender", {student: "F" for student, *_ in entries[::2]})
    (found,) = cohorts(
        tables(entries, groups=groups),
        pl.DataFrame(schema=dtypes(AttainmentFiles)),
        results,
        students_of(results),
        groups,
        pl.DataFrame(schema=dtypes(AttainmentNotes)),
        attainment=Attainment(),
    )
    return replace(found, name=name)


def test_a_cohort_is_as_of_the_day_on_which_it_landed_where_the_school_is() -> None:
    results, groups = landed(ENTRIES), grouped("Gender", {})
    late = pl.DataFrame(
        {"cohort": "2026", "kind": "results", "landed_at": datetime(2026, 12, 2, 0, 53)}  # noqa: DTZ001
    )
    notes = pl.DataFrame(schema=dtypes(AttainmentNotes))
    of_all = (tables(ENTRIES), late, results, students_of(results), groups, notes)

    (here,) = cohorts(*of_all, attainment=Attainment())
    (there,) = cohorts(*of_all, attainment=Attainment(), zone=ZoneInfo("America/New_York"))
    assert (here.as_of, there.as_of) == (date(2026, 12, 2), date(2026, 12, 1))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a cohort; to be looked at only."""
    folder = tmp_path_factory.mktemp("site") / "attainment"
    assert publish(folder, FRAME, [cohort(name="2026/a")]) == folder / "index.html"
    return folder


@pytest.fixture
def site(published: Path, tmp_path: Path) -> Path:
    """A copy of those pages."""
    return Path(shutil.copytree(published, tmp_path / "attainment"))


def test_each_cohort_has_a_page_and_pictures_in_both_editions_and_shares_the_scripts(
    published: Path,
) -> None:
    folder = published
    pictures = {f"{name}.{kind}" for name in ("Maths", "Art", *WHOLE) for kind in ("svg", "png")}
    matrix = {f"baseline-to-result.{kind}" for kind in ("svg", "png")}
    assert files(folder) == {
        *("index.html", "app.js", "app.css", "vega-bundle.js"),
        *("staff/2026-a.html", "shareable/2026-a.html"),
        *(f"staff/charts/2026-a/{name}" for name in {*pictures, *matrix, ".drawn.json"}),
        *(f"shareable/charts/2026-a/{name}" for name in {*pictures, ".drawn.json"}),
    }
    listed = (folder / "index.html").read_text(encoding="utf-8")
    assert 'href="staff/2026-a.html"' in listed
    assert "For staff only." in listed
    assert "names and grades of 12 students" in listed
    assert (folder / "shareable/charts/2026-a/Maths.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_in_the_edition_to_share_tells_of_a_student(published: Path) -> None:
    for path in (published / "shareable").rglob("*"):
        if path.suffix in {".html", ".svg", ".json"}:
            text = path.read_text(encoding="utf-8")
            assert "secret" not in text
            assert "Made Up" not in text
    assert "Made Up" in (published / "staff/2026-a.html").read_text(encoding="utf-8")


def test_a_picture_is_drawn_again_only_when_it_shows_something_else_and_none_is_left_of_who_is_gone(
    site: Path,
) -> None:
    charts = site / "staff/charts/2026-a"
    for edition in ("staff", "shareable"):
        (site / edition / "2025.html").write_text("gone")
        shutil.copytree(charts, site / edition / "charts" / "2025")
    for path in charts.glob("*.png"):
        path.write_bytes(b"old")
    before = files(site)
    changed = [("secret0", "Maths", [4, 4, 9, 4.5]), *ENTRIES[1:]]
    publish(site, FRAME, [cohort(changed, name="2026/a")])

    kept = {path.name for path in charts.glob("*.png") if path.read_bytes() == b"old"}
    assert kept == {"Art.png"}
    assert files(site) == {name for name in before if "2025" not in name}


def test_without_a_cohort_nothing_is_left(site: Path) -> None:
    assert publish(site, FRAME, []) is None
    assert not site.exists()


def test_names_of_files_differ_even_where_case_does_not() -> None:
    names = file_names(["Year 11/2026", "year 11 2026", "Ünïcode", "../..", "..."])

    assert list(names.values()) == [
        "Year-11-2026",
        "year-11-2026-2",
        "Ünïcode",
        "cohort",
        "cohort-2",
    ]


def test_the_page_compares_grades_as_exactly_as_the_tables() -> None:
    # a tolerance of half a grade is missed by 0.0004
    page = cohort_page(FRAME, cohort([("secret0", "Maths", [4, 4, 5, 5.5004])]), "staff")
    assert "5.5004" in page
