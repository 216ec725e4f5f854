"""The page on words: every metric and term as the glossary defines it for this home."""

from pathlib import Path

import jinja2

from edu_pipeline.glossary.metrics import definitions
from edu_pipeline.ground.files import write_whole
from edu_pipeline.settings.home import Home, Settings


def glossary_page(home: Home) -> Path:
    """Where the page is."""
    return home.site / "glossary" / "index.html"


def write_glossary_page(home: Home, settings: Settings, templates: jinja2.Environment) -> Path:
    """Write the page.

    Args:
        home: Whose.
        settings: By which some definitions differ, such as when a result has met its baseline.
        templates: From `render.environment`; escapes what is put into `.html.j2`.

    Returns:
        The page.
    """
    page = glossary_page(home)
    said = sorted(definitions(settings).values(), key=lambda each: each[0].casefold())
    html = templates.get_template("site/glossary.html.j2").render(
        school=settings.called, definitions=said
    )
    write_whole(page, html.encode())
    return page
