"""Suggested lines into a `pipeline.toml` that a person wrote: what is there stays as it is.

`merged` is pure, text in and text out; `write_lines` replaces the file, if the result can be used.
"""

import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.items import Comment, InlineTable, Item, Key, Table, Whitespace

from edu_pipeline.ground.toml import toml_key
from edu_pipeline.landing.sources.school.suggestions import Line, toml_lines
from edu_pipeline.settings.home import Home, Settings, SettingsError, load_settings

Section = tuple[str, ...]
Body = list[tuple[Key | None, Item]]
Merged = tuple[str, tuple[Line, ...], tuple[Line, ...]]
"""The new text, the lines that are new in it, and those whose key has another value already."""
_HERE = "\0\n"
"""Marks a place in a document: no TOML has it, and it ends the line, or tomlkit would."""
_BOM = "\ufeff"


def merged(text: str, lines: Sequence[Line]) -> Merged:
    """The text of a `pipeline.toml` with the lines in their tables.

    A value that is there is never changed, and no comment or blank line either. Lines that are not
    certain come in as comments, once.

    Args:
        text: Valid TOML.
        lines: What is suggested.
    """
    data = tomllib.loads(text.replace("\r\n", "\n"))
    newline = "\r\n" if "\r\n" in text else "\n"
    document = tomlkit.parse(text)
    added: list[Line] = []
    left: list[Line] = []
    for line in lines:
        there = _at(data, line.section)
        if not isinstance(there, dict) or line.key in there:
            if not isinstance(there, dict) or there[line.key] != _plain(line):
                left.append(line)
        elif line.certain or not _asked(document, line):
            added.append(line)
    if added and not text.endswith("\n"):
        text += newline
    for section in dict.fromkeys(line.section for line in added):
        text = _with_section(text, [line for line in added if line.section == section], newline)
    return text, tuple(added), tuple(left)


def write_lines(home: Home, lines: Sequence[Line]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Merge the lines into the home's `pipeline.toml`; the former one is `pipeline.toml.bak`.

    Returns:
        The lines that were added, and those whose key has another value already.

    Raises:
        SettingsError: The result could not be used, so nothing was written.
    """
    before = _written(home)
    text, added, left = merged(before.removeprefix(_BOM), lines)
    if added:
        _replace(home, _BOM * before.startswith(_BOM) + text)
    return added, left


def append_sections(home: Home, sections: str) -> None:
    """Put sections that are not there yet behind the home's `pipeline.toml`, as `write_lines` does.

    Raises:
        SettingsError: The result could not be used, so nothing was written.
    """
    before = _written(home)
    if sections in before.replace("\r\n", "\n"):  # comments that were added before
        return
    newline = "\r\n" if "\r\n" in before else "\n"
    more = f"\n{sections}\n".replace("\n", newline)
    _replace(home, before if before.endswith("\n") or not before else before + newline, more)


def _written(home: Home) -> str:
    return home.config.resolve().read_bytes().decode("utf-8")


def _replace(home: Home, *parts: str) -> None:
    path = home.config.resolve()
    # in the same folder, so that the replacement is one step of the file system
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".pipeline-toml-") as folder:
        new = Home(Path(folder))
        new.config.write_bytes("".join(parts).encode())
        try:
            load_settings(new)
        except SettingsError as error:
            told = str(error).replace(str(new.config), "With the suggested lines pipeline.toml")
            raise SettingsError(
                f"{home.config} is as it was. {told}\n"
                "Add the lines by hand: edu-pipeline landing inspect --suggest"
            ) from error
        shutil.copymode(path, new.config)
        shutil.copy2(path, path.with_name("pipeline.toml.bak"))
        new.config.replace(path)


def _at(data: Any, section: Section) -> Any:  # noqa: ANN401 - whatever the file says
    for part in section:
        data = data.get(part, {}) if isinstance(data, dict) else data
    return data


def _plain(line: Line) -> object:
    return list(line.value) if isinstance(line.value, tuple) else line.value


def _asked(document: Container, line: Line) -> bool:
    """Whether the line's table has it as a comment already, whatever reason that gives."""
    around = [
        body
        for place, body in [((), document.body), *_tables(document.body, ())]
        if place == line.section[: len(place)]
    ]
    comments = [
        item.as_string().strip() for body in around for _, item in body if isinstance(item, Comment)
    ]
    asked = replace(line, why="").toml().rstrip().removesuffix("#").rstrip()
    prefixes = [".".join(map(toml_key, line.section[n:])) for n in range(len(line.section))]
    starts = (asked, *(asked.replace("# ", f"# {prefix}.", 1) for prefix in prefixes))
    return any(f"{comment} ".startswith(f"{start} ") for comment in comments for start in starts)


def _with_section(text: str, lines: Sequence[Line], newline: str) -> str:
    section = lines[0].section
    document = tomlkit.parse(text)
    tables = list(_tables(document.body, ()))
    for place, body in tables:
        if place == section:
            return _inserted(document, body, _end(body), [line.toml() for line in lines], newline)
    for place, body in [((), document.body), *tables]:
        rest = section[len(place) :]
        if section[: len(place)] == place:
            for index, (key, item) in enumerate(body):
                if key and key.key == rest[0] and isinstance(item, InlineTable):
                    _fill(item, rest[1:], [line for line in lines if line.certain])
                    open_ones = [line.toml() for line in lines if not line.certain]
                    return _inserted(document, body, index + 1, open_ones, newline)
                if key and key.key == rest[0] and key.is_dotted():
                    dotted = ".".join(map(toml_key, rest))
                    # a dotted key's table cannot have a header too
                    written = [_dotted(line, dotted) for line in lines]
                    return _inserted(document, body, index + 1, written, newline)
    new = ["", *toml_lines(lines, Settings()).splitlines()]
    # the last of those most akin, below what is said of its own last key
    akin, body = max(
        reversed(tables), key=lambda table: _shared(table[0], section), default=((), document.body)
    )
    if not _shared(akin, section):
        return text + newline.join([*new, ""])
    return _inserted(document, body, _after_comments(body, _end(body)), new, newline, apart=True)


def _dotted(line: Line, prefix: str) -> str:
    mark = "" if line.certain else "# "
    return f"{mark}{prefix}.{line.toml().removeprefix(mark)}"


def _tables(body: Body, place: Section) -> Iterator[tuple[Section, Body]]:
    """Every table with a header of its own, in the order of the file."""
    for key, item in body:
        if key and isinstance(item, Table) and not key.is_dotted():
            inner = (*place, key.key)
            if not item.is_super_table():
                yield inner, item.value.body
            yield from _tables(item.value.body, inner)


def _end(body: Body) -> int:
    """Where a table's own keys end; what follows may be about the next table."""
    own = [
        index
        for index, (key, item) in enumerate(body)
        if key and (key.is_dotted() or not isinstance(item, Table))
    ]
    return own[-1] + 1 if own else _after_comments(body, 0)


def _after_comments(body: Body, index: int) -> int:
    while index < len(body) and isinstance(body[index][1], Comment):
        index += 1
    return index


def _fill(table: InlineTable, rest: Section, lines: Sequence[Line]) -> None:
    for line in lines:
        place: Any = table
        for part in rest:
            if part not in place:
                place[part] = tomlkit.inline_table()
            place = place[part]
        place[line.key] = _plain(line)


def _shared(one: Section, other: Section) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


def _inserted(
    document: Container,
    body: Body,
    index: int,
    written: Sequence[str],
    newline: str,
    *,
    apart: bool = False,
) -> str:
    """The document's text with lines before the body's item `index`; `apart`: and a blank line."""
    body.insert(index, (None, Whitespace(_HERE)))
    before, after = document.as_string().split(_HERE)
    gap = newline if apart and after and not after.startswith(("\n", "\r")) else ""
    return before + "".join(f"{line}{newline}" for line in written) + gap + after
