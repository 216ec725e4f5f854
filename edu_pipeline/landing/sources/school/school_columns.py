"""Which header of an export is which of our columns.

Pure: names in, names or sentences out.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import cached_property
from typing import Literal

from edu_pipeline.ground.toml import toml_text
from edu_pipeline.landing.sources.school.wide import (
    WideColumn,
    said_by,
    wide_columns,
    wide_question,
)
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.settings.landing import TableExport


@dataclass(frozen=True)
class Field:
    """One of our columns, and what exports call it."""

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    before: tuple[str, ...] = ()
    """Names that are more telling than our own."""
    flags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """What columns of yes and no say in its place, and what exports call them; the first must be there."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name, the most telling first."""
        return (*self.before, self.name, *self.aliases)

    @cached_property
    def spellings(self) -> frozenset[str]:
        """The names as they are compared: most lines that may be a header have none of them."""
        return frozenset(map(normal, self.names))


How = Literal["setting", "format", "name", "alias", "flags", "likeness"]

ENOUGH_FLAGS = 2
"""Columns of yes and no that are read in place of one; a single one may have anything in it."""

ALIKE = 0.88
"""How alike a misspelt header must be (`Stduent ID`); `edit date` is not `exit date`."""


@dataclass(frozen=True)
class Resolved:
    """One file's header, understood."""

    headers: Mapping[str, str]
    """Our column → the file's header."""
    how: Mapping[str, How]
    """Our column → what it was found by: a setting, the file's format, our own name, an alias, columns of
    yes and no whose first is its header, or likeness to a name."""
    flags: Mapping[str, str]
    """What columns of yes and no say in place of a column → the file's header."""
    repeated: Mapping[str, tuple[str, ...]]
    """Our column → further headers of the same name, which are not read: the first counts."""
    constants: Mapping[str, str]
    """Our column → the value of every row that has none of its own."""
    filters: Mapping[str, tuple[str, ...]]
    """The file's header → the values whose rows are kept."""
    cells: tuple[WideColumn, ...]
    """The headers each of whose cells is a row of its own."""
    said: frozenset[str]
    """Our columns that these headers and their cells say."""
    unread: tuple[str, ...]
    """The file's other headers."""
    missing: tuple[str, ...]
    """A sentence for every column that is needed and was not found."""

    @property
    def found(self) -> frozenset[str]:
        """Every column of ours that rows of the file have."""
        return frozenset({*self.headers, *self.constants, *self.said})


def resolve(
    table: str, fields: Sequence[Field], header: Sequence[str], export: TableExport
) -> Resolved:
    """Match a file's header with our columns: as `pipeline.toml` says, else by alias.

    Aliases are tried in order, so the more telling name wins where a file has two. A required column
    that is found by none of them is taken from the one header that is nearly one, if there is.
    """
    by_normal = _by_normal(header)
    headers = dict(known(fields, header, export))
    cells = wide_columns(table, header, headers, export)
    said = said_by(table, cells)
    wide = {cell.header for cell in cells}
    headers = {
        ours: name for ours, name in headers.items() if name not in wide and ours not in said
    }
    how: dict[str, How] = {
        field.name: "setting"
        if field.name in export.columns
        else "name"
        if normal(headers[field.name]) == normal(field.name)
        else "alias"
        for field in fields
        if field.name in headers
    }
    free = [name for name in header if name not in wide]
    flags: Mapping[str, str] = {}
    for field in fields:
        if field.name in {*headers, *said, *export.columns, *export.constants}:
            continue
        if found_flags := _flags(field, free, by_normal):
            flags = found_flags
            headers[field.name], how[field.name] = next(iter(flags.values())), "flags"
    have = {**headers, **dict.fromkeys(said, "")}
    for name, alike in _alike(fields, free, have, export).items():
        headers[name], how[name] = alike, "likeness"
    found = {_found(name, header, by_normal): kept for name, kept in export.where.items()}
    filters = {name: kept for name, kept in found.items() if name is not None}
    return Resolved(
        headers=headers,
        how=how,
        flags=flags,
        repeated={
            name: copies for name, first in headers.items() if (copies := _copies(first, header))
        },
        constants=export.constants,
        filters=filters,
        cells=cells,
        said=said,
        unread=tuple(
            name for name in free if name not in {*headers.values(), *flags.values(), *filters}
        ),
        missing=_missing(table, fields, header, {**have, **headers}, export),
    )


def surely_known(
    table: str, fields: Sequence[Field], header: Sequence[str], export: TableExport
) -> frozenset[str]:
    """Which of our columns a line has the names of, if it is the header: for telling which line is."""
    headers = known(fields, header, export)
    return frozenset(headers) | (
        said_by(table, wide_columns(table, header, headers, export)) if headers else frozenset()
    )


def known(fields: Sequence[Field], header: Sequence[str], export: TableExport) -> Mapping[str, str]:
    """Our column → the header that is surely it: named in the settings, or spelt like an alias."""
    by_normal = _by_normal(header)
    headers = {}
    for field in fields:
        named = export.columns.get(field.name)
        if not named and field.spellings.isdisjoint(by_normal):
            continue
        wanted = (named,) if named else field.names
        found = next(filter(None, (_found(name, header, by_normal) for name in wanted)), None)
        if found is not None:
            headers[field.name] = found
    return headers


def _flags(field: Field, header: Sequence[str], by_normal: Mapping[str, str]) -> Mapping[str, str]:
    """What columns of yes and no say in place of one → their headers; none where the first is not there."""
    found = {
        word: name
        for word, names in field.flags
        if (name := next(filter(None, (_found(each, header, by_normal) for each in names)), None))
    }
    return found if len(found) >= ENOUGH_FLAGS and field.flags[0][0] in found else {}


def _by_normal(header: Sequence[str]) -> Mapping[str, str]:
    return {normal(name): name for name in reversed(header)}


def _alike(
    fields: Sequence[Field], header: Sequence[str], found: Mapping[str, str], export: TableExport
) -> Mapping[str, str]:
    """Our required column → the header that can only be a misspelling of it.

    An optional one is not worth the risk: `send date` is no `end date`, and nobody would notice.
    One letter more or less at most, and the same digits: `DateUnenrolled` is no `DateEnrolled`,
    `period 2` no `period 1`.
    """
    free = [name for name in header if name not in found.values() and name not in export.where]
    pairs = [
        (field.name, name)
        for field in fields
        if field.required
        and field.name not in found
        and field.name not in export.columns
        and field.name not in export.constants
        for name in free
        if any(_misspelt(normal(name), normal(known)) for known in field.names)
    ]
    fields_of, headers_of = Counter(ours for ours, _ in pairs), Counter(name for _, name in pairs)
    return {ours: name for ours, name in pairs if fields_of[ours] == headers_of[name] == 1}


def _misspelt(name: str, known: str) -> bool:
    return (
        abs(len(name) - len(known)) <= 1
        and re.sub(r"\D", "", name) == re.sub(r"\D", "", known)
        and SequenceMatcher(None, name, known, autojunk=False).ratio() >= ALIKE
    )


def _copies(first: str, header: Sequence[str]) -> tuple[str, ...]:
    """Headers that were the same before `csvfile` made them unique."""
    return tuple(
        name for name in header if re.fullmatch(rf"{re.escape(first)}_\d+", name, re.IGNORECASE)
    )


def _missing(
    table: str,
    fields: Sequence[Field],
    header: Sequence[str],
    headers: Mapping[str, str],
    export: TableExport,
) -> tuple[str, ...]:
    """A sentence for every column and filter that the file should have and has not."""
    needed = {field.name for field in fields if field.required}
    lacking = frozenset(needed - {*headers, *export.constants, *export.columns})
    free = [name for name in header if name not in headers.values()]
    if wide := wide_question(table, free, lacking, export):
        return (wide,)
    by_normal = _by_normal(header)
    seen = f"Its columns are: {', '.join(header)}."
    others = f"Its other columns are: {', '.join(free)}." if free else "It has no other column."
    missing = []
    for field in fields:
        named = export.columns.get(field.name)
        if field.name in headers:
            continue
        if named:
            missing.append(
                f"[landing.{table}.columns] says {field.name} = {toml_text(named)}, but the file has "
                f"no such column. {seen}"
            )
        elif field.required and field.name not in export.constants:
            guess = get_close_matches(normal(field.name), list(by_normal), n=1)
            likely = [by_normal[each] for each in guess] or free
            example = likely[0] if len(likely) == 1 else "…"
            missing.append(
                f"no column for {field.name}. {others} "
                f"Add to [landing.{table}.columns]: {field.name} = {toml_text(example)}"
            )
    missing += [
        f"[landing.{table}.where] names {toml_text(name)}, but the file has no such column. {seen}"
        for name in export.where
        if _found(name, header, by_normal) is None
    ]
    return tuple(missing)


def _found(name: str, header: Sequence[str], by_normal: Mapping[str, str]) -> str | None:
    """The header spelt like this, else the first that differs in case and punctuation only."""
    return name if name in header else by_normal.get(normal(name))
