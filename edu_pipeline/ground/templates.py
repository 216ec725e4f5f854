"""Jinja environments: templates of the package and of a home, and words from them.

Which template, with what in it, is the business of the room that asks.
"""

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from types import CodeType

import jinja2
from jinja2.bccache import Bucket

from edu_pipeline.ground import wording
from edu_pipeline.ground.shipped import shipped

_SPACES = re.compile(r"[ \t\n]+")  # but not the ones that keep a number and its unit together

_IN_TEMPLATES = (
    *(jinja2.TemplateError, ArithmeticError, AttributeError, LookupError),
    *(RuntimeError, TypeError, ValueError),
)
"""What an expression of a template can raise, its filters included."""

_OR_DELETE = "or delete it from the home's templates folder to use the shipped one."


class TemplateError(Exception):
    """A template cannot be used; the message says which and where."""


class _Compiled(jinja2.BytecodeCache):
    """Templates as they were compiled last in this process, for environments to come."""

    def __init__(self) -> None:
        self._codes: dict[str, tuple[str, CodeType]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the code of a template whose source is the same."""
        checksum, code = self._codes.get(bucket.key, ("", None))
        bucket.code = code if checksum == bucket.checksum else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        if bucket.code is not None:
            self._codes[bucket.key] = bucket.checksum, bucket.code


_COMPILED = _Compiled()


def templates_of(*own: Path) -> jinja2.Environment:
    """The templates of a home: its own, and the shipped ones for what it has none of.

    Args:
        own: Its folders of templates, what wins first.
    """
    return environment([*own, shipped("templates")])


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
        bytecode_cache=_COMPILED,
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
        "week_of": wording.week_of,
        "headed": wording.headed,
    }
    return env


@contextmanager
def _template_errors(
    env: jinja2.Environment, template: str, macro: str | None = None
) -> Iterator[None]:
    """Tells what is wrong with a template, and quotes of it only what stands in its source."""
    try:
        yield
    except jinja2.TemplateNotFound as error:
        raise TemplateError(
            f"There is no template {error.name}. Put it into the home's templates folder, "
            "or remove what refers to it."
        ) from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            f"Template {error.name or template}, line {error.lineno}: {error.message}; correct it, "
            f"{_OR_DELETE}"
        ) from error
    except _IN_TEMPLATES as error:
        where, what = _what_went_wrong(env, error) or (
            f"{template}, macro {macro}," if macro else template,
            _cannot_be_filled(error),
        )
        # the chain would carry what the error says of a person into logs
        raise TemplateError(f"Template {where} {what}. Correct it, {_OR_DELETE}") from None


def _what_went_wrong(env: jinja2.Environment, error: Exception) -> tuple[str, str] | None:
    """Template and line, and what is wrong there; None where no line of a template is."""
    frames = [
        (frame.filename, frame.lineno or 1)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.endswith(".j2")
    ]
    if not frames:
        return None
    path, line = frames[-1]
    folders = env.loader.searchpath if isinstance(env.loader, jinja2.FileSystemLoader) else []
    name = next(
        (
            Path(path).relative_to(folder).as_posix()
            for folder in folders
            if Path(path).is_relative_to(folder)
        ),
        Path(path).name,
    )
    source = " ".join(Path(path).read_text(encoding="utf-8").splitlines()[line - 1 : line])
    missing = [
        quoted
        for quoted in re.findall(r"'([^']+)'", str(error))
        if isinstance(error, jinja2.UndefinedError) and quoted in source
    ]
    what = (
        f"uses something that letters do not have: {missing[-1]!r}"
        if missing
        else _cannot_be_filled(error)
    )
    return f"{name}, line {line},", what


def _cannot_be_filled(error: Exception) -> str:
    return f"cannot be filled ({type(error).__name__})"


def render_text(env: jinja2.Environment, template: str, context: Mapping[str, object]) -> str:
    """Fill a template.

    Raises:
        TemplateError: It is missing, malformed or uses something that is not there.
    """
    with _template_errors(env, template):
        return env.get_template(template).render(context)


def phrase(env: jinja2.Environment, template: str, macro: str, *values: object) -> str:
    """What one macro of a template says, on one line: for subjects, chart titles and alt texts.

    Raises:
        TemplateError: As for `render_text`.
    """
    with _template_errors(env, template, macro):
        words = getattr(env.get_template(template).module, macro, None)
        if words is None:
            raise TemplateError(f"Template {template} has no macro {macro}. Add it, {_OR_DELETE}")
        try:
            said = str(words(*values))
        except _IN_TEMPLATES:
            env.handle_exception()  # raises it again, with lines of the template
        return _SPACES.sub(" ", said).strip(" ")


def in_html(words: str) -> str:
    """Words as the text of a letter's HTML has them, after inlining."""
    return escape(words, quote=False).replace(wording.NBSP, "&nbsp;")
