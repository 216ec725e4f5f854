"""The page that leads to all others: whatever there is of a home's site."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2

from edu_pipeline.ground.files import write_whole
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline.site.mail_page import mail_page
from edu_pipeline.site.programme_page import programme_page


@dataclass(frozen=True)
class Link:
    """A page, as it is named to people."""

    page: Path
    title: str
    about: str


def write_index_page(home: Home, settings: Settings, templates: jinja2.Environment) -> Path:
    """Write `data/site/index.html`, after any page that is new.

    Args:
        home: Whose pages.
        settings: The home's name, and what it has.
        templates: From `render.environment`; escapes what is put into `.html.j2`.

    Returns:
        The page.
    """
    index = home.site / "index.html"
    pages = [
        {
            "href": link.page.relative_to(home.site).as_posix(),
            "title": link.title,
            "about": link.about,
        }
        for link in _links(home, settings)
        if link.page.exists()
    ]
    html = templates.get_template("site/index.html.j2").render(
        school=settings.school.called, pages=pages
    )
    write_whole(index, html.encode())
    return index


def attainment_page(home: Home) -> Path:
    """Where the page is that leads to the cohorts' pages."""
    return home.site / "attainment" / "index.html"


def _links(home: Home, settings: Settings) -> Iterator[Link]:
    for programme in settings.programmes:
        about = "Who completed it, how far the others are, and which exports are missing."
        yield Link(programme_page(home, programme.id), programme.title, about)
    about = (
        "Exam results of each cohort against their baselines, to explore; with names and without."
    )
    yield Link(attainment_page(home), "Attainment", about)
    yield Link(mail_page(home), "Letters", "How they stand, what to look at, how many were opened.")
