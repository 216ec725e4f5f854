"""Templates to letters: the Jinja2 environment, CSS inlining, and a lint for mail clients.

Which template, with what in it, is the business of the job that writes the letter.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import jinja2
from css_inline import CSSInliner

from edu_pipeline import wording

MOST_BYTES = 90_000
"""Gmail cuts a letter at 102 kB; the rest is room for what senders add."""


_SPACES = re.compile(r"[ \t\n]+")  # but not the ones that keep a number and its unit together


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
        "span": wording.span,
        "points": wording.points,
        "plain": wording.plain,
        "listed": wording.listed,
        "isolated": wording.isolated,
        "weekday": wording.weekday,
        "month_of_week": wording.month_of_week,
        "day_month": wording.day_month,
        "day_month_short": wording.day_month_short,
        "long_date": wording.long_date,
    }
    return env


@contextmanager
def _template_errors(template: str) -> Iterator[None]:
    try:
        yield
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
    except (jinja2.UndefinedError, TypeError, ValueError) as error:
        raise TemplateError(
            f"Template {template} uses something that letters do not have: {error}. "
            "Correct it, or delete it from the home's templates folder to use the shipped one."
        ) from error


def render_text(env: jinja2.Environment, template: str, context: Mapping[str, object]) -> str:
    """Fill a template.

    Raises:
        TemplateError: It is missing, malformed or uses something that is not there.
    """
    with _template_errors(template):
        return env.get_template(template).render(context)


def phrase(env: jinja2.Environment, template: str, macro: str, *values: object) -> str:
    """What one macro of a template says, on one line: for subjects, chart titles and alt texts.

    Raises:
        TemplateError: As for `render_text`.
    """
    with _template_errors(template):
        words = getattr(env.get_template(template).module, macro, env.undefined(name=macro))
        return _SPACES.sub(" ", str(words(*values))).strip(" ")


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
    """What mail clients would cut, block or not show, as sentences; empty for a good letter.

    They quote nothing that could be about a person.

    Args:
        html: After inlining. What clients show is from caniemail.com.
    """
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
        problems.append("There is no <title>; write one.")
    return list(dict.fromkeys([*problems, *checker.problems, *_css_problems(checker.css)]))


_REMOVED = frozenset(
    (
        *("script", "link", "base", "svg", "math", "canvas", "meter", "progress"),
        *("form", "input", "button", "select", "textarea"),
        *("video", "audio", "iframe", "object", "embed"),
    )
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NO_BACKGROUND = "Background pictures are not shown everywhere; use <img> with alt text."


def _css_problems(css: str) -> Iterator[str]:
    for part in re.split(r"[;{}]", _CSS_COMMENT.sub("", css)):
        name, _, value = (text.strip().casefold() for text in part.partition(":"))
        if name.startswith(("@import", "@font-face")):
            yield f"{name.split()[0]} is blocked by mail clients; use installed fonts, inlined CSS."
        if name.split("-")[0] in {"flex", "grid"} or (
            name == "display" and value.split("-")[-1].startswith(("flex", "grid"))
        ):
            yield "Flex and grid do not work in Outlook; use tables."
        if name == "position":
            yield "CSS position does not work in Gmail and Outlook; use tables."
        if "var(" in value:
            yield "CSS var() does not work in Gmail and Outlook; write the value itself."
        if name in {"background", "background-image"} and "url(" in value:
            yield _NO_BACKGROUND


@dataclass
class _Table:
    for_layout: bool
    scoped: bool = False
    """Whether some heading says what it is of."""


@dataclass
class _Heading:
    scoped: bool
    text: str = ""


class _Checker(HTMLParser):
    """Notes what is wrong with the elements; the CSS is only gathered."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.css = ""
        self.lang = False
        self.title = ""
        self._in = ""
        self._in_body = False
        self._tables: list[_Table] = []
        self._heading: _Heading | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: (value or "").strip() for name, value in attrs}
        self._in = tag
        self.css += attributes.get("style", "") + ";"
        if "background" in attributes:
            self.problems.append(_NO_BACKGROUND)
        if tag in _REMOVED:
            self.problems.append(f"<{tag}> is removed by mail clients; do without.")
        elif tag == "html":
            self.lang = bool(attributes.get("lang"))
        elif tag == "body":
            self._in_body = True
        elif tag == "style" and self._in_body:
            self.problems.append("<style> works only in <head>; move it there.")
        elif tag == "table":
            self._tables.append(_Table(attributes.get("role") in {"presentation", "none"}))
        elif tag == "th":
            self._heading = _Heading(bool(attributes.get("scope")))
        elif tag == "img":
            self._image(attributes)
        elif "href" in attributes:
            self._link(attributes["href"])

    def handle_endtag(self, tag: str) -> None:
        self._in = ""
        if tag == "th" and self._heading and self._tables:
            self._end_heading(self._heading, self._tables[-1])
        elif tag == "table" and self._tables:
            table = self._tables.pop()
            if not table.for_layout and not table.scoped:
                self.problems.append(
                    'A table has neither role="presentation" nor a <th scope>; give a layout table '
                    "the one, a table of figures the other."
                )

    def handle_data(self, data: str) -> None:
        if self._in == "title":
            self.title += data
        elif self._in == "style":
            self.css += data
        if self._heading:
            self._heading.text += data

    def _end_heading(self, heading: _Heading, table: _Table) -> None:
        self._heading = None
        if table.for_layout:
            self.problems.append('A table with role="presentation" has a <th>; make it a <td>.')
        elif heading.scoped:
            table.scoped = True
        elif heading.text.strip():
            self.problems.append('A <th> has no scope; add scope="col" or scope="row".')

    def _link(self, address: str) -> None:
        scheme = _SCHEME.match(address)
        if not scheme:
            self.problems.append("A link is not a whole address; begin it with https: or mailto:.")
        elif scheme[0].casefold() not in {"https:", "mailto:"}:
            self.problems.append(f"A link goes to {scheme[0]}; only https: and mailto: are safe.")

    def _image(self, attributes: Mapping[str, str]) -> None:
        source = attributes.get("src", "")
        shown = source[:40]
        if source.startswith("data:"):
            self.problems.append(f"Image {shown}: data: images are not shown by Gmail; use cid:.")
        elif not source.startswith(("cid:", "https:")):
            self.problems.append(f"Image {shown}: use cid:, or a whole https: address.")
        if source.partition("?")[0].casefold().endswith((".svg", ".webp")):
            self.problems.append(f"Image {shown}: not shown everywhere; use PNG.")
        if "alt" not in attributes:
            self.problems.append(f"Image {shown} has no alt text; say what it shows.")
        styles = [part.partition(":")[0].strip() for part in attributes.get("style", "").split(";")]
        if not attributes.get("width", "").isdecimal() or "width" not in styles:
            self.problems.append(
                f"Image {shown} needs its width both as an attribute, in pixels, and in its style."
            )
