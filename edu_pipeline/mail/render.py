"""Templates to letters: the Jinja2 environment, CSS inlining, and a lint for mail clients.

Which template, with what in it, is the business of the job that writes the letter.
"""

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

import jinja2
from css_inline import CSSInliner

from edu_pipeline import wording

MOST_BYTES = 90_000
"""Gmail cuts a letter at 102 kB; the rest is room for what senders add."""


class TemplateError(Exception):
    """A template cannot be used; the message says which and where."""


def environment(search_path: Sequence[Path]) -> jinja2.Environment:
    """Templates and the filters for figures and dates.

    Args:
        search_path: Folders of templates; the first that has a template wins, so a home's own
            folder comes before `shipped("templates")`.

    Returns:
        An environment in which an unknown variable is an error, and everything put into a
        `.html.j2` template is escaped.
    """
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(search_path),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "percent": wording.percent,
        "whole_percent": wording.whole_percent,
        "points": wording.points,
        "compared": wording.compared,
        "day_month": wording.day_month,
        "day_month_short": wording.day_month_short,
        "long_date": wording.long_date,
    }
    return env


def render_text(env: jinja2.Environment, template: str, context: Mapping[str, object]) -> str:
    """Fill a template.

    Raises:
        TemplateError: It is missing, malformed or uses something that is not there.
    """
    try:
        return env.get_template(template).render(context)
    except jinja2.TemplateNotFound as error:
        raise TemplateError(
            f"There is no template {error.name}. Put it into the home's templates folder, "
            "or remove what refers to it."
        ) from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            f"Template {error.name or template}, line {error.lineno}: {error.message}. Correct it, "
            "or delete it from the home's templates folder to use the shipped one."
        ) from error
    except jinja2.UndefinedError as error:
        raise TemplateError(
            f"Template {template} uses something that letters do not have: {error.message}. "
            "Correct it, or delete it from the home's templates folder to use the shipped one."
        ) from error


def render_html(env: jinja2.Environment, template: str, context: Mapping[str, object]) -> str:
    """Fill an HTML template and write its CSS into the elements.

    `@media` rules cannot be inlined: they belong into a `<style data-css-inline="keep">`, which
    stays where it is.

    Raises:
        TemplateError: As for `render_text`.
    """
    inliner = CSSInliner(load_remote_stylesheets=False)
    return inliner.inline(render_text(env, template, context))


def lint(html: str) -> list[str]:
    """What mail clients would cut, block or not show, as sentences; empty for a good letter."""
    problems = []
    if (size := len(html.encode())) > MOST_BYTES:
        problems.append(
            f"The letter has {size // 1000} kB; keep it below {MOST_BYTES // 1000} kB, "
            "or Gmail cuts it."
        )
    checker = _Checker()
    checker.feed(html)
    checker.close()
    if not checker.lang:
        problems.append("<html> has no lang; screen readers need it.")
    if not checker.title.strip():
        problems.append("There is no <title>.")
    return problems + checker.problems


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.lang = False
        self.title = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title"
        if tag == "html":
            self.lang = bool(attributes.get("lang"))
        elif tag in {"script", "svg"}:
            self.problems.append(f"<{tag}> is removed by mail clients.")
        elif tag == "img":
            self._image(attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def _image(self, attributes: Mapping[str, str]) -> None:
        source = attributes.get("src", "")
        shown = source[:40]
        if source.startswith("data:"):
            self.problems.append(f"Image {shown}: data: images are not shown by Gmail; use cid:.")
        if source.partition("?")[0].casefold().endswith((".svg", ".webp")):
            self.problems.append(f"Image {shown}: not shown everywhere; use PNG.")
        if "alt" not in attributes:
            self.problems.append(f"Image {shown} has no alt text.")
        styles = [part.partition(":")[0].strip() for part in attributes.get("style", "").split(";")]
        if not attributes.get("width") or "width" not in styles:
            self.problems.append(
                f"Image {shown} needs its width both as an attribute and in its style."
            )
