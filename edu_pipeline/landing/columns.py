"""Which header of an export is which of our columns.

Pure: names in, names or sentences out.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from edu_pipeline.settings import TableExport


@dataclass(frozen=True)
class Field:
    """One of our columns, and what exports call it."""

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Resolved:
    """One file's header, understood."""

    headers: Mapping[str, str]
    """Our column → the file's header."""
    filters: Mapping[str, tuple[str, ...]]
    """The file's header → the values whose rows are kept."""
    missing: tuple[str, ...]
    """A sentence for every column that is needed and was not found."""


def normal(header: str) -> str:
    """A header without case, punctuation and PowerSchool's `[1]`, so spellings compare equal."""
    return re.sub(r"[\W_]", "", re.sub(r"^\s*\[\d+\]", "", header.casefold()))


def resolve(
    table: str, fields: Sequence[Field], header: Sequence[str], export: TableExport
) -> Resolved:
    """Match a file's header with our columns: as `pipeline.toml` says, else by alias.

    Aliases are tried in order, so the more telling name wins where a file has two.
    """
    by_normal = {normal(name): name for name in reversed(header)}
    seen = f"Its columns are: {', '.join(header)}."
    headers: dict[str, str] = {}
    missing: list[str] = []
    for field in fields:
        named = export.columns.get(field.name)
        wanted = (named,) if named else (field.name, *field.aliases)
        found = next(filter(None, (_found(name, header, by_normal) for name in wanted)), None)
        if found is not None:
            headers[field.name] = found
        elif named:
            missing.append(
                f"[landing.{table}.columns] says {field.name} = {toml_text(named)}, but the file has "
                f"no such column. {seen}"
            )
        elif field.required and field.name not in export.constants:
            guess = get_close_matches(normal(field.name), list(by_normal), n=1)
            example = by_normal[guess[0]] if guess else "…"
            missing.append(
                f"no column for {field.name}. {seen} "
                f"Add to [landing.{table}.columns]: {field.name} = {toml_text(example)}"
            )
    filters = {_found(name, header, by_normal): kept for name, kept in export.where.items()}
    missing += [
        f"[landing.{table}.where] names {toml_text(name)}, but the file has no such column. {seen}"
        for name in export.where
        if _found(name, header, by_normal) is None
    ]
    return Resolved(headers, {k: v for k, v in filters.items() if k is not None}, tuple(missing))


def _found(name: str, header: Sequence[str], by_normal: Mapping[str, str]) -> str | None:
    """The header spelt like this, else the first that differs in case and punctuation only."""
    return name if name in header else by_normal.get(normal(name))


def toml_text(text: str) -> str:
    """A text as a TOML string, ready to paste."""
    return json.dumps(text, ensure_ascii=False)
