"""Which header of an export is which of our columns.

Pure: names in, names or sentences out.
"""

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
    missing: tuple[str, ...]
    """A sentence for every required column that was not found."""


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
    headers: dict[str, str] = {}
    missing: list[str] = []
    for field in fields:
        named = export.columns.get(field.name)
        wanted = (named,) if named else (field.name, *field.aliases)
        found = next((by_normal[normal(w)] for w in wanted if normal(w) in by_normal), None)
        if found is not None:
            headers[field.name] = found
        elif named:
            missing.append(
                f"[landing.{table}.columns] says {field.name} = {named!r}, but the file has no such "
                f"column. Its columns are: {', '.join(header)}."
            )
        elif field.required and field.name not in export.constants:
            guess = get_close_matches(normal(field.name), list(by_normal), n=1)
            example = by_normal[guess[0]] if guess else "…"
            missing.append(
                f"no column for {field.name}. Its columns are: {', '.join(header)}. "
                f'Add to [landing.{table}.columns]: {field.name} = "{example}"'
            )
    return Resolved(headers, tuple(missing))
