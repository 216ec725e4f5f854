"""Lines for `pipeline.toml` that the exports themselves give reason for.

Pure: what was found in, lines out. A line is certain where the cells leave no other reading; the
others are comments, for a person to finish.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edu_pipeline.ground.toml import toml_key, toml_list, toml_text
from edu_pipeline.landing.sources.school.school_problems import CODE_MEANINGS
from edu_pipeline.landing.tables.date_order import DateOrder, replaced
from edu_pipeline.settings.home import Settings

Value = str | int | tuple[str, ...]
OPEN = "…"
"""Where a person must write."""


@dataclass(frozen=True)
class Line:
    """One line of `pipeline.toml`."""

    section: tuple[str, ...]
    key: str
    value: Value
    why: str
    certain: bool = True

    def bare(self) -> str:
        """Key and value."""
        return f"{toml_key(self.key)} = {_toml_value(self.value)}"

    def toml(self) -> str:
        """As it is pasted; what is not certain is a comment."""
        why = re.sub(r"\s+", " ", self.why).strip()
        text = f"{self.bare()}  # {why}"
        return text if self.certain else f"# {text}"


def toml_lines(lines: Iterable[Line], settings: Settings) -> str:
    """Lines by section, valid as they stand; says where `pipeline.toml` has the section already."""
    written: Mapping[str, Any] = settings.model_dump(exclude_unset=True)
    sections: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        sections.setdefault(line.section, []).append(line)
    parts = []
    for section, found in sections.items():
        there = _at(written, section)
        note = (
            "# pipeline.toml has this section: add the lines to it, in place of those they replace"
        )
        head = f"[{'.'.join(map(toml_key, section))}]"
        meanings = CODE_MEANINGS.get(section[0]) if section[1:] else None
        one_of = f"# what a code means is one of: {', '.join(meanings)}" if meanings else None
        parts.append(
            [
                *filter(None, (note if there else None, head, one_of)),
                *(line.toml() for line in found),
            ]
        )
    return "\n\n".join("\n".join(part) for part in parts)


def _at(data: Mapping[str, Any], section: Sequence[str]) -> Mapping[str, Any]:
    for part in section:
        data = data.get(part) or {}
    return data


def _toml_value(value: Value) -> str:
    if isinstance(value, tuple):
        return toml_list(value)
    return toml_text(value) if isinstance(value, str) else str(value)


def join_lines(
    part: tuple[str, ...],
    column: str,
    target: tuple[str, str],
    files: tuple[str, ...],
    link: tuple[str, str],
    why: str,
) -> list[Line]:
    """What finds the ids of one of our columns by what stands beside them in another export: a join.

    Args:
        part: The section of the files that are joined.
        column: Ours.
        target: The other export, and its header of the ids.
        files: Its patterns.
        link: The header here, and the one there that has the same cells.
        why: They do.
    """
    table, theirs = target
    on, key = link
    join = (*part, "join", table)
    return [
        Line(join, "files", files, f"their {key} is the {on} of {part[1]}"),
        Line(join, "on", on, why),
        Line(join, "key", key, f"of {table}"),
        Line((*part, "columns"), column, f"{table}.{theirs}", "as others have it"),
    ]


def as_sentence(part: tuple[str, ...], lines: Iterable[Line]) -> str:
    """Lines of a section and those below it, for a message."""
    said = [".".join((*line.section[len(part) :], line.bare())) for line in lines]
    return f"add to [{'.'.join(map(toml_key, part))}]: {'; '.join(said)}"


def with_lines(settings: Settings, lines: Iterable[Line]) -> Settings:
    """The settings as they would be with the certain lines pasted."""
    data: dict[str, Any] = settings.model_dump(exclude_unset=True)
    for line in lines:
        if line.certain:
            place = data
            for part in line.section:
                place = place.setdefault(part, {})
            place[line.key] = line.value
    return Settings.model_validate(data)


def format_lines(
    orders: Mapping[str, Sequence[DateOrder]], settings: Settings, rows: Mapping[str, int]
) -> list[Line]:
    """`date_formats` of each export, where the dates decide them.

    Dates that could be read in both ways are read as those of the other exports, where these all
    agree: one system wrote them.

    Args:
        orders: Export → what its unread dates say.
        settings: What is set already.
        rows: Export → rows with such dates.
    """
    decided = {
        (order.separator, order.formats[0].startswith("%m"))
        for found in orders.values()
        for order in found
        if len(order.formats) == 1
    }
    lines = []
    for table, found in orders.items():
        known = settings.landing.export(table).date_formats
        for order in found:
            agreed = {first for mark, first in decided if mark == order.separator}
            formats, why = order.formats, order.why
            if len(formats) > 1 and len(agreed) == 1:
                formats = formats[:1] if agreed == {True} else formats[1:]
                why = f"{why}; read like those of the other exports"
            if len(formats) == 1 and (old := replaced(known, formats[0])):
                new = (*(form for form in known if form not in old), formats[0])
                why = f"{why}: instead of {' and '.join(old)}"
                lines.append(Line(("landing", table), "date_formats", new, why, certain=False))
            elif len(formats) == 1:
                known = (*known, formats[0])
                lines.append(Line(("landing", table), "date_formats", known, why))
            else:
                example = " or ".join(map(toml_text, formats)) if formats else "one per column"
                why = f"{rows[table]:,} rows, {why}: say which, {example}"
                lines.append(Line(("landing", table), "date_formats", (OPEN,), why, certain=False))
    last = {(line.section, line.certain): line for line in lines}
    return list(last.values())
