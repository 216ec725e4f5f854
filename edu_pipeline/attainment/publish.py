"""The files of the attainment pages: both editions of every cohort, their pictures, what they share.

A cohort that is no longer there leaves no page behind.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any, get_args

import jinja2

from edu_pipeline.attainment.page import Cohort, Edition, Frame, cohort_page
from edu_pipeline.attainment.pictures import pictures
from edu_pipeline.attainment.scripts import CODE, STYLE, scripts_beside, source
from edu_pipeline.attainment.shareable import shareable
from edu_pipeline.attainment.waiting import NOTHING, Waiting
from edu_pipeline.charting.bundle import BUNDLE, first_line, vega_bundle
from edu_pipeline.charting.render import drawn_from, render_pictures
from edu_pipeline.ground.files import replaced
from edu_pipeline.ground.templates import render_text

INDEX = "index.html"
_INDEX_TEMPLATE = "site/attainment/index.html.j2"
_PICTURES = "charts"
_DRAWN = ".drawn.json"
"""Picture → digest of what it shows."""


def publish(
    folder: Path, frame: Frame, cohorts: Sequence[Cohort], waiting: Waiting = NOTHING
) -> Path | None:
    """Write everything, and remove what is of cohorts that are gone.

    Args:
        folder: Where: `staff/`, `shareable/` and what they share are put into it.
        frame: What all pages have in common.
        cohorts: With all their tables.
        waiting: What is not shown: a cohort has no page then, and the list of cohorts says why.

    Returns:
        The page that leads to the others; None where there is no cohort: the folder is gone then.
    """
    if not cohorts and not waiting.cohorts():
        rmtree(folder, ignore_errors=True)
        return None
    names = file_names([cohort.name for cohort in cohorts])
    write_shared(folder, frame.env)
    drawings = []
    for cohort in cohorts:
        to_share = replace(cohort, tables=shareable(cohort.tables, cohort.attainment))
        of_editions: Sequence[tuple[Cohort, Edition]] = ((cohort, "staff"), (to_share, "shareable"))
        for one, edition in of_editions:
            _write_page(folder / edition / f"{names[one.name]}.html", frame, one, edition)
            charts = dict(pictures(one, edition))
            drawings.append(_drawing(folder / edition / _PICTURES / names[one.name], charts))
    _draw(drawings)
    for edition in get_args(Edition):
        _remove_others(folder / edition, set(names.values()))
    listed = [
        {
            "name": cohort.name,
            "file": names[cohort.name],
            "students": cohort.students.height,
            "as_of": cohort.as_of,
            "waits": cohort.waits,
            "asked": [*cohort.doubts, *cohort.asked()],
        }
        for cohort in cohorts
    ]
    context = {
        "cohorts": listed,
        "held": {name: waiting.why(name) for name in waiting.cohorts()},
        "school": frame.school,
        "students": sum(cohort.students.height for cohort in cohorts),
        "as_of": max((cohort.as_of for cohort in cohorts if cohort.as_of), default=None),
    }
    index = folder / INDEX
    _write(index, render_text(frame.env, _INDEX_TEMPLATE, context).encode())
    return index


def _write_page(path: Path, frame: Frame, cohort: Cohort, edition: Edition) -> None:
    # who opens the edition to share is not led to the other
    index = f"../{INDEX}" if edition == "staff" else None
    inside = replace(frame, scripts=scripts_beside("../"), index=index)
    _write(path, cohort_page(inside, cohort, edition).encode())


def file_names(names: Sequence[str]) -> Mapping[str, str]:
    """Name → a name for a file, each another one, also where case makes no difference."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "cohort"
        number, own = 1, plain
        while own.casefold() in taken:
            number += 1
            own = f"{plain}-{number}"
        taken.add(own.casefold())
        found[name] = own
    return found


def write_shared(folder: Path, env: jinja2.Environment) -> None:
    """Write what pages with `scripts_beside` need; the bundle only if another renderer made it."""
    for name in (CODE, STYLE):
        _write(folder / name, source(env, name).encode())
    bundle = folder / BUNDLE
    if not bundle.is_file() or not bundle.read_bytes().startswith(first_line().encode()):
        _write(bundle, vega_bundle().encode())


@dataclass(frozen=True)
class _Drawing:
    """The pictures of a cohort in one edition."""

    folder: Path
    charts: Mapping[str, dict[str, Any]]
    """File's name without its ending → specification."""
    digests: Mapping[str, str]
    """The same → digest of what it shows."""
    new: Sequence[str]
    """Those that look otherwise than they did, or are not there."""


def _drawing(folder: Path, charts: Mapping[str, dict[str, Any]]) -> _Drawing:
    """What is to be drawn, which costs more than all the rest; what is drawn no more is removed."""
    names = file_names(list(charts))
    own = {names[name]: chart for name, chart in charts.items()}
    digests = {name: drawn_from(chart) for name, chart in own.items()}
    notes = folder / _DRAWN
    before = json.loads(notes.read_text(encoding="utf-8")) if notes.is_file() else {}
    for path in folder.glob("*.*"):
        if path != notes and path.stem not in own:
            path.unlink()
    there = {path.name for path in folder.glob("*.*")}
    new = [
        name
        for name, digest in digests.items()
        if before.get(name) != digest or not {f"{name}.png", f"{name}.svg"} <= there
    ]
    return _Drawing(folder, own, digests, new)


def _draw(drawings: Sequence[_Drawing]) -> None:
    """All at once: only many pay for more than one process."""
    todo = [(drawing, name) for drawing in drawings for name in drawing.new]
    pictures = render_pictures([drawing.charts[name] for drawing, name in todo])
    for (drawing, name), (svg, png) in zip(todo, pictures, strict=True):
        _write(drawing.folder / f"{name}.png", png)
        _write(drawing.folder / f"{name}.svg", svg.encode())
    for drawing in drawings:
        _write(drawing.folder / _DRAWN, json.dumps(drawing.digests).encode())


def _remove_others(folder: Path, names: set[str]) -> None:
    for page in folder.glob("*.html"):
        if page.stem not in names:
            page.unlink()
    for pictured in (folder / _PICTURES).glob("*"):
        if pictured.name not in names:
            rmtree(pictured)


def _write(path: Path, content: bytes) -> None:
    with replaced(path) as draft:
        draft.write_bytes(content)
