"""Files that no pattern matches: which export each is likely to be, by its columns."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import PurePosixPath

import polars as pl
from python_calamine import CalamineError, load_workbook

from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.sources.school.columns import resolve
from edu_pipeline.landing.sources.school.fields import FIELDS
from edu_pipeline.landing.sources.school.manifest import SCHOOL_FOLDER, matches, survey
from edu_pipeline.landing.sources.school.suggestions import Line
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.tables.workbook import is_workbook
from edu_pipeline.landing.versions import version_of
from edu_pipeline.landing.zone import ENDINGS, LandedFile, Zone
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER
from edu_pipeline.settings.landing import (
    EVENTS_FOLDER,
    PROGRAMMES_FOLDER,
    SAMPLE_MARKER,
    SCHOOL_TABLES,
    Landing,
    TableExport,
)

SAID_ONCE = frozenset({"class_type", "role"})
"""Required columns that may be a constant instead."""
HINTS: Mapping[str, tuple[str, ...]] = {
    "email": ("mail",),
    "date": ("date", "datum"),
    "due_date": ("date", "due"),
    "code": ("code", "mark", "status", "attend"),
    "status": ("status", "submi"),
}
"""Required column → what headers say that may be it; what the cells are decides later."""
GENERIC_IDS = frozenset({"id", "sourcedid", "sisid"})
"""Headers of ids, as compared, that files of every kind have: alone they prove nothing."""
TIE = 0.1
"""A difference of scores below which two readings are equally likely."""
ENOUGH_COLUMNS = 2
"""Columns that must be found before a file is taken for an export."""


@dataclass(frozen=True)
class Placing:
    """What became of the files that no pattern matches."""

    lines: tuple[Line, ...]
    """The patterns that would match them."""
    why: Mapping[str, str]
    """Path → why it is taken for what it is."""
    unplaced: Mapping[str, str]
    """Path → why it is taken for nothing, and what to do."""

    def unread(self) -> Mapping[str, str]:
        """Path → why a refresh does not read it, with what is in `pipeline.toml` now."""
        advice = (
            "No pattern matches it, so it is not read. See: edu-pipeline landing inspect --suggest"
        )
        return {**{path: f"{why}. {advice}" for path, why in self.why.items()}, **self.unplaced}


@dataclass(frozen=True)
class _Guess:
    path: str
    table: str
    score: float
    header: tuple[str, ...]
    found: tuple[str, ...]
    sheet: str | None = None
    doubt: str = ""
    """Why it may be something else; blank: it has no rival."""


def place(zone: Zone, landing: Landing, elsewhere: Mapping[str, str] | None = None) -> Placing:
    """Look at the files that no export's patterns match.

    Args:
        zone: Where they lie.
        landing: The section of `pipeline.toml`.
        elsewhere: Path → why it is another source's, and where it belongs.
    """
    elsewhere = elsewhere or {}
    files = [
        file
        for file in zone.list()
        if file.path != SAMPLE_MARKER
        and not file.path.startswith((EVENTS_FOLDER, PROGRAMMES_FOLDER, ATTAINMENT_FOLDER))
    ]
    strange = [
        file
        for file in files
        if not any(matches(file.path, table, landing.export(table)) for table in SCHOOL_TABLES)
    ]
    if any(
        file.path.startswith(SCHOOL_FOLDER) for file in files
    ):  # other folders are not the school's
        strange = [f for f in strange if f.path.startswith(SCHOOL_FOLDER) or "/" not in f.path]
    if not strange:
        return Placing((), {}, {})
    claimed = {
        table
        for table in SCHOOL_TABLES
        if any(matches(file.path, table, landing.export(table)) for file in files)
    }
    guesses, unplaced = _guesses(
        zone, landing, [file.path for file in strange if file.path not in elsewhere]
    )
    unplaced |= {file.path: elsewhere[file.path] for file in strange if file.path in elsewhere}
    why: dict[str, str] = {}
    lines: list[Line] = []
    for table in SCHOOL_TABLES:
        likely = sorted(
            (guess for guess in guesses if guess.table == table),
            key=lambda guess: (-guess.score, guess.path),
        )
        taken = [guess for guess in likely if guess.header == likely[0].header]
        if table in claimed:
            taken = []
        for guess in likely:
            if guess not in taken:
                unplaced[guess.path] = _second(table, landing)
        if taken:
            why |= {
                guess.path: f"likely {table}: its columns look like it ({', '.join(guess.found)})"
                for guess in taken
            }
            lines += _lines(table, taken, files)
    return Placing(
        tuple(lines), why, {path: unplaced[path] for path in sorted(unplaced) if path not in why}
    )


def _lines(table: str, taken: Sequence[_Guess], files: Sequence[LandedFile]) -> list[Line]:
    section, paths = ("landing", table), {guess.path for guess in taken}
    patterns: list[str] = []
    for file in files:
        if file.path in paths:
            pattern = _pattern(file)
            others = [other.path for other in files if other.path not in paths]
            if any(matches(other, table, TableExport(files=(pattern,))) for other in others):
                pattern = _escaped(file.path)
            patterns.append(pattern)
    doubt = next((guess.doubt for guess in taken if guess.doubt), "")
    why = f"its columns look like {table}: {', '.join(taken[0].found)}{doubt}"
    sure = not doubt
    lines = [Line(section, "files", tuple(dict.fromkeys(patterns)), why, certain=sure)]
    if taken[0].sheet:
        said = "the sheet with these columns"
        lines.append(Line(section, "sheet", taken[0].sheet, said, certain=sure))
    return lines


def _pattern(file: LandedFile) -> str:
    """A file's path, with a star where the date of its export stands."""
    version = version_of(file)
    if not version.stamped:
        return _escaped(file.path)
    pairs = zip(file.path, version.series, strict=False)
    start = "".join(left for left, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    ending = PurePosixPath(file.path).suffix
    rest = version.series[len(start) :].removeprefix("*")
    rest += ending if ending.casefold() in ENDINGS else ""
    start += re.match(r"[-_. ]*", file.path[len(start) :])[0]  # type: ignore[index]
    return f"{_escaped(start)}*{_escaped(rest)}"


def _escaped(path: str) -> str:
    return re.sub(r"([\[*?])", r"[\1]", path)


def _guesses(
    zone: Zone, landing: Landing, paths: Sequence[str]
) -> tuple[list[_Guess], dict[str, str]]:
    guesses: list[_Guess] = []
    unplaced: dict[str, str] = {}
    for path in paths:
        if not path.casefold().endswith(ENDINGS):
            unplaced[path] = f"Not read: the name of an export ends in {', '.join(ENDINGS)}."
            continue
        found, error = _likely(zone, landing, path, None)
        if not found:
            for sheet in _sheets(zone, path):
                found, _ = _likely(zone, landing, path, sheet)
                if found:
                    break
        if found:
            guesses += found
        else:
            unplaced[path] = (
                error
                or "Its columns are those of no export. If it is one, name it in "
                "[landing.<table>] files = […] and say in [landing.<table>.columns] which is which; "
                "else move it out of the folder."
            )
    return guesses, unplaced


def _sheets(zone: Zone, path: str) -> list[str]:
    """The sheets of a workbook; none of what is no workbook or cannot be opened."""
    with zone.local(path) as local:
        if not is_workbook(local):
            return []
        try:
            with load_workbook(local) as book:
                return list(book.sheet_names)
        except CalamineError:
            return []


def _likely(
    zone: Zone, landing: Landing, path: str, sheet: str | None
) -> tuple[list[_Guess], str | None]:
    """The export that a file looks most like; students and staff where it looks like both."""
    exports = {
        table: landing.export(table).model_copy(update={"files": (_escaped(path),), "sheet": sheet})
        for table in SCHOOL_TABLES
    }
    rows = survey(zone, landing.model_copy(update=exports)).filter(path=path)
    guesses: list[_Guess] = []
    generic: set[str] = set()
    for row in rows.filter(pl.col("error").is_null()).iter_rows(named=True):
        table, header = row["table"], tuple(row["header"])
        found = resolve(table, FIELDS[table], header, exports[table])
        needed = {field.name for field in FIELDS[table] if field.required} - SAID_ONCE
        lacking = needed - {*found.headers, *exports[table].constants}
        hinted = all(_hinted(name, header) for name in lacking)
        if hinted and len(found.headers) >= ENOUGH_COLUMNS:
            named = table.rstrip("s") in path.casefold()
            score = len(found.headers) + len(needed) / 10 + named / 20 - 2 * len(lacking)
            guesses.append(_Guess(path, table, score, header, tuple(found.headers), sheet))
            key = next(field.name for field in FIELDS[table] if field.required)
            if not named and normal(found.headers.get(key, "")) in GENERIC_IDS:
                generic.add(table)
    if not guesses:
        errors = set(rows["error"].drop_nulls())
        strange = any("column names" in error for error in errors)
        return [], None if strange or len(errors) != 1 else errors.pop()
    best = max(guesses, key=lambda guess: guess.score)
    people = [guess for guess in guesses if guess.table in ("students", "staff")]
    has_role = any(normal(name) == "role" for name in best.header)
    if best in people and len(people) > 1 and has_role:
        return people, None
    rivals = [g.table for g in guesses if g is not best and g.score >= best.score - TIE]
    if rivals:
        return [replace(best, doubt=f", and as well like {listed(rivals)}: say which it is")], None
    if best.table in generic:
        doubt = ", but its ids may be anything's: say whether it is"
        return [replace(best, doubt=doubt)], None
    return [best], None


def _hinted(column: str, header: Sequence[str]) -> bool:
    """Whether some header speaks of a column that none is surely."""
    return any(hint in normal(name) for hint in HINTS.get(column, ()) for name in header)


def _second(table: str, landing: Landing) -> str:
    patterns = landing.export(table).files or (f"school/{table}*",)
    return (
        f"It looks like {table}, of which there is another file with other columns. If it is part of "
        f"it, say so in [landing.{table}] files, beside {', '.join(patterns)}; else move it out of "
        "the folder."
    )
