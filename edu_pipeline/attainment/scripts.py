"""How a page comes by its script and style: beside it, or inside it.

The script is written as modules in `templates/site/attainment/`. Pages open from a disk, where browsers
refuse modules that lie beside a page, so `joined` makes them one script.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import jinja2
from markupsafe import Markup

from edu_pipeline.charting.bundle import BUNDLE
from edu_pipeline.ground.templates import TemplateError

CODE, STYLE = "app.js", "app.css"
_FOLDER = "site/attainment"
_NO_NETWORK = (
    "default-src 'none'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
)
_BESIDE = "script-src 'self' file:; style-src 'self' file:"
"""Firefox has no 'self' for files."""
_IMPORT = re.compile(r"""^import (\{[^}]*\}) from "\./([\w-]+)\.js";\n""", re.MULTILINE)
_EXPORT = re.compile(
    r"^export ((?:const|class|function|async function) (?:([\w$]+)|\{([^}]*)\}))", re.MULTILINE
)
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


@dataclass(frozen=True)
class Scripts:
    """How a page comes by its script and style."""

    policy: str
    style: Markup
    code: Markup
    beside: Sequence[str] = ()
    """Files that must lie where the page says."""


def scripts_beside(folder: str) -> Scripts:
    """For pages that share their scripts: what lies in this folder, seen from the page."""
    style = Markup('<link rel="stylesheet" href="{}{}">').format(folder, STYLE)
    code = Markup('<script src="{0}{1}"></script>\n<script src="{0}{2}"></script>')
    return Scripts(
        f"{_NO_NETWORK}; {_BESIDE}",
        style,
        code.format(folder, BUNDLE, CODE),
        (BUNDLE, CODE, STYLE),
    )


def scripts_inside(env: jinja2.Environment, bundle: str) -> Scripts:
    """For a page that stands alone; nothing but exactly these scripts may run in it."""
    style, code = source(env, STYLE), source(env, CODE)
    script_hashes = " ".join(_hash(text) for text in (bundle, code))
    return Scripts(
        f"{_NO_NETWORK}; script-src {script_hashes}; style-src {_hash(style)}",
        Markup(f"<style>{style}</style>"),  # noqa: S704 - shipped with the package
        Markup(f"<script>{bundle}</script>\n<script>{code}</script>"),  # noqa: S704 - the same
    )


def source(env: jinja2.Environment, name: str) -> str:
    """The script or the style; a home's own module or style goes before the shipped one."""
    return joined(env) if name == CODE else _text(env, name)


def joined(env: jinja2.Environment) -> str:
    """`app.js` and all that it imports, as one script in which each module is above those that use it.

    A module becomes a function that gives what it exports, so that its other names stay its own.

    Raises:
        TemplateError: They import each other in a circle, or import or export otherwise than by name
            at the beginning of a line, where the formatter has it.
        jinja2.TemplateNotFound: There is no such module.
    """
    found: dict[str, str] = {}
    _collect(env, CODE.removesuffix(".js"), found, ())
    return '"use strict";\n(() => {\n' + "".join(found.values()) + "})();\n"


def _collect(
    env: jinja2.Environment, module: str, found: dict[str, str], users: Sequence[str]
) -> None:
    if module in users:
        circle = " → ".join([*users[users.index(module) :], module])
        raise TemplateError(f"{_FOLDER}: modules import each other in a circle: {circle}")
    if module in found:
        return
    text = _text(env, f"{module}.js")
    for _, imported in _IMPORT.findall(text):
        _collect(env, imported, found, (*users, module))
    exported = [
        name
        for _, one, several in _EXPORT.findall(text)
        for name in ([one] if one else [each.strip() for each in several.split(",")])
    ]
    text = _IMPORT.sub(
        lambda line: f"const {line[1].replace(' as ', ': ')} = {_variable(line[2])};\n", text
    )
    text = _EXPORT.sub(r"\1", text)
    left = _LEFT.search(text)
    if left:
        raise TemplateError(f"{_FOLDER}/{module}.js cannot be joined with the others: {left[0]}")
    found[module] = (
        f"const {_variable(module)} = (() => {{\n{text}\nreturn {{ {', '.join(exported)} }};\n}})();\n"
    )


def _variable(module: str) -> str:
    return "module_" + module.replace("-", "_")


def _text(env: jinja2.Environment, name: str) -> str:
    if env.loader is None:
        raise jinja2.TemplateNotFound(name)
    return env.loader.get_source(env, f"{_FOLDER}/{name}")[0]


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
