"""Templates to letters: the Jinja2 environment, CSS inlining, and a lint for mail clients.

Which template, with what in it, is the business of the job that writes the letter.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final, NamedTuple

import jinja2
from css_inline import CSSInliner

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment, render_text

MOST_BYTES = 90_000
"""Gmail cuts a letter at 102 kB; the rest is room for a note and for what servers on the way add."""

_TRACKED_LINK = 1_000

_TRACKING_PIXEL = 2_000

NOTE = "<!-- edu:note -->"
"""Where the mail room puts its own words into a letter's HTML."""

_BODY = re.compile(r"<body(?:\s[^>]*)?>", re.IGNORECASE)


class Written(NamedTuple):
    """What a letter says."""

    subject: str
    html: str
    text: str


_UNWRITTEN = "This letter could not be written"

UNWRITTEN: Final = Written(
    subject=_UNWRITTEN,
    html=(
        f'<!DOCTYPE html><html lang="en"><head><title>{_UNWRITTEN}</title></head>'
        f"<body><p>{_UNWRITTEN}.</p></body></html>"
    ),
    text=f"{_UNWRITTEN}.\n",
)
"""In the place of a letter that a template fails for; always held."""


def render_html(env: jinja2.Environment, template: str, context: Mapping[str, object]) -> str:
    """Fill an HTML template and write its CSS into the elements.

    `@media` rules cannot be inlined: they belong into a `<style data-css-inline="keep">`, which
    stays where it is.

    Raises:
        TemplateError: As for `render_text`.
    """
    inliner = CSSInliner(load_remote_stylesheets=False)
    return inliner.inline(render_text(env, template, context))


def with_note(html: str, text: str, note: str) -> tuple[str, str]:
    """A letter with a few words of the mail room on top, such as that it is a test.

    Args:
        html: With `NOTE` where the words belong, which stays; else they come first in `<body>`.
        text: The same letter as text.
        note: A sentence or two, without markup.
    """
    box = _note_template().render(note=note).strip()
    if NOTE in html:
        html = html.replace(NOTE, f"{box}\n{NOTE}", 1)
    else:
        body = _BODY.search(html)
        at = body.end() if body else 0
        html = f"{html[:at]}{box}{html[at:]}"
    return html, f"{note}\n\n{text}"


@functools.cache
def _note_template() -> jinja2.Template:
    return environment([shipped("templates")]).get_template("letters/_note.html.j2")


def lint(html: str) -> list[str]:
    """What mail clients would cut, block or not show, as sentences; empty for a good letter.

    They quote nothing that could be about a person. The size is the one that arrives if opens and
    clicks are counted, whether they are or not: every link then grows to up to 1000 bytes and twice
    its own length, and 2000 bytes are added for the pixel. That is more than the links of 400 to
    1150 characters and the pixels of 600 to 1600 bytes that SendGrid is seen to write.

    Args:
        html: After inlining. What clients show is from caniemail.com.
    """
    problems = []
    checker = _checked(html)
    size = _arriving(html, checker)
    if size > MOST_BYTES:
        problems.append(
            f"The letter has {size // 1000} kB with what counting opens and clicks may add; keep "
            f"it below {MOST_BYTES // 1000} kB, or Gmail cuts it."
        )
    if not checker.lang:
        problems.append("<html> has no lang; screen readers need it.")
    if not checker.title.strip():
        problems.append("There is no <title>; write one.")
    return list(dict.fromkeys([*problems, *checker.problems, *_css_problems(checker.css)]))


def is_too_long(html: str) -> bool:
    """Whether a letter would arrive with more than `MOST_BYTES`, as `lint` counts them."""
    return _arriving(html, _checked(html)) > MOST_BYTES


def _arriving(html: str, checker: "_Checker") -> int:
    return len(html.encode()) + _TRACKING_PIXEL + checker.tracking


def _checked(html: str) -> "_Checker":
    checker = _Checker()
    checker.feed(html)
    checker.close()
    return checker


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
    for part in dict.fromkeys(re.split(r"[;{}]", _CSS_COMMENT.sub("", css))):  # most come often
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
        self.tracking = 0
        """Bytes by which its links may grow."""
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
        if scheme and scheme[0].casefold() in {"http:", "https:"}:
            self.tracking += _TRACKED_LINK + len(address.encode())

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
