"""Files that no pattern matches: which export each is likely to be, by its columns."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from edu_pipeline.ground.toml import toml_list, toml_text
from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.archives import ARCHIVE, NOT_READ, OTHER_ARCHIVES, DamagedFileError
from edu_pipeline.landing.sources.school.canonical import CODES
from edu_pipeline.landing.sources.school.fields import FIELDS
from edu_pipeline.landing.sources.school.formats.recognition import companion_of
from edu_pipeline.landing.sources.school.manifest import (
    OTHER_SOURCES,
    Piece,
    any_known,
    claims,
    formats_in,
    is_for,
    is_ignored,
    matches,
    of_school,
    pieces_of,
    rows_of,
)
from edu_pipeline.landing.sources.school.school_columns import resolve
from edu_pipeline.landing.sources.school.school_problems import school_problem
from edu_pipeline.landing.sources.school.suggestions import Line
from edu_pipeline.landing.sources.school.wide import column_per_day
from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.tables.interchange import BrokenInterchangeError
from edu_pipeline.landing.tables.opened import Look, columns_of
from edu_pipeline.landing.versions import pattern_of, version_of
from edu_pipeline.landing.zone import (
    ENDINGS,
    INTERCHANGE,
    NOBODYS,
    Zone,
    exactly,
    is_like,
    names_of,
)
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.landing import (
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
ALSO_CALLED = {"classes": ("section",), "staff": ("teacher",)}
"""What is in the names of files besides the export's own."""
GENERIC_IDS = frozenset({"id", "sourcedid", "sisid"})
"""Headers of ids, as compared, that files of every kind have: alone they prove nothing."""
TIE = 0.1
"""A difference of scores below which two readings are equally likely."""
ENOUGH_COLUMNS = 2
"""Columns that must be found before a file is taken for an export."""
LIKELY_EXPORT = "likely_export"
COUNTED = ("enrollments", "attendance", "homework", "calendar")
"""Exports of which a second file would change figures."""


@dataclass(frozen=True)
class Placing:
    """What became of the files that no pattern matches."""

    lines: tuple[Line, ...]
    """The patterns that would match them."""
    why: Mapping[str, str]
    """Path → why it is taken for what it is."""
    unplaced: Mapping[str, str]
    """Path → why it is taken for nothing, and what to do."""
    doubtful: frozenset[str]
    """Of these, the ones that may be part of an export whose rows count."""
    companions: Mapping[str, str]
    """Path → why nobody needs it."""

    def unread(self) -> Mapping[str, str]:
        """Path → why a refresh does not read it, with what is in `pipeline.toml` now."""
        advice = (
            "No pattern matches it, so it is not read. See: edu-pipeline landing inspect --suggest"
        )
        return {**{path: f"{why}. {advice}" for path, why in self.why.items()}, **self.unplaced}

    def problems(self) -> Sequence[Problem]:
        """What a person must say of these files: what is surely an export holds letters."""
        by_table: dict[str, list[Line]] = {}
        for line in self.lines:
            by_table.setdefault(line.section[1], []).append(line)
        patterns = {table: lines[0].value for table, lines in by_table.items()}
        shared = [value for value in patterns.values() if list(patterns.values()).count(value) > 1]
        told = [
            _question(table, lines, alone=lines[0].value not in shared)
            for table, lines in by_table.items()
        ]
        for path, why in self.unplaced.items():
            holds = path in self.doubtful
            told.append(
                school_problem("files", "unknown_file", path, f"{path}: {why}", holds=holds)
            )
        return told


def _question(table: str, lines: Sequence[Line], *, alone: bool) -> Problem:
    """What to say of files that look like an export.

    Args:
        table: The export.
        lines: What would make them be read; the first names them.
        alone: Whether they look like no other export, too.
    """
    files, sure = lines[0], lines[0].certain
    assert isinstance(files.value, tuple)  # noqa: S101 - patterns
    what = (
        f"likely {table}, but no pattern matches it. Add to [landing.{table}]: "
        f"{'; '.join(line.bare() for line in lines)}"
        if sure and alone
        else f"no pattern matches it; {files.why}. See: edu-pipeline landing inspect --suggest"
    )
    names = ", ".join(files.value)
    ignored = f"ignore = {toml_list(files.value)}"
    return school_problem(
        table,
        LIKELY_EXPORT if sure else "unknown_file",
        names,
        f"{names}: {what}; if it is not ours, add to [landing]: {ignored}",
        holds=sure,
    )


@dataclass(frozen=True)
class _Guess:
    stray: Piece
    table: str
    score: float
    header: tuple[str, ...]
    found: tuple[str, ...]
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
        for file in zone.exports()
        if file.path != SAMPLE_MARKER
        and (
            is_ignored(file.path, landing)  # whosever it would be
            or not file.path.startswith(OTHER_SOURCES)
        )
    ]
    companions = {
        file.path: "Ignored, as [landing] ignore says."
        if is_ignored(file.path, landing)
        else "No export."
        for file in files
        if is_ignored(file.path, landing) or NOBODYS.search(file.path)
    }
    files = [file for file in files if file.path not in companions]
    pieces = pieces_of(zone, files)
    ours, sets = of_school(pieces.keys()), formats_in(zone, pieces)
    companions |= {
        path: f"Read together with {found.read_beside}."
        if found.read_beside
        else f"A file of {found.format} that is not needed."
        for path, found in sets.items()
        if not any(is_for(path, table, landing, sets) for table in SCHOOL_TABLES)
    }
    parts_said = [part for table in SCHOOL_TABLES for part in landing.export(table).parts.values()]
    joined = [name for part in parts_said for join in part.join.values() for name in join.files]
    named, others = claims(zone, pieces, landing, sets)
    claimed = {table for table, _ in named}
    beside = {each.path: "Joined with others." for each in others if is_like(each.path, joined)}
    companions |= beside
    strays = [each for each in others if each.file.path in ours and each.path not in beside]
    guesses, unplaced, known, broken = _guesses(
        zone,
        landing,
        [stray for stray in strays if stray.path not in elsewhere],
        {piece.file.path for table, piece in named if landing.export(table).sheet},
    )
    unplaced |= {stray.path: elsewhere[stray.path] for stray in strays if stray.path in elsewhere}
    return _placed(landing, files, claimed, guesses, unplaced, {**companions, **known}, broken)


def _placed(
    landing: Landing,
    files: Sequence[LandedFile],
    claimed: Collection[str],
    guesses: Sequence[_Guess],
    unplaced: dict[str, str],
    companions: Mapping[str, str],
    broken: Collection[str],
) -> Placing:
    """Of the files that look like one export those that look most like it, and are alike."""
    why: dict[str, str] = {}
    lines: list[Line] = []
    doubtful = {*broken}
    for table in SCHOOL_TABLES:
        likely = sorted(
            (guess for guess in guesses if guess.table == table),
            key=lambda guess: (-guess.score, guess.stray.path),
        )
        taken = [guess for guess in likely if guess.header == likely[0].header]
        if table in claimed:
            taken = []
        for guess in likely:
            if guess not in taken:
                unplaced[guess.stray.path] = _second(guess, landing)
                doubtful |= {guess.stray.path} if table in COUNTED else set()
        if taken:
            why |= {
                guess.stray.path: f"likely {table}: its columns look like it ({', '.join(guess.found)})"
                for guess in taken
            }
            lines += _lines(table, taken, files)
    left = {path: unplaced[path] for path in sorted(unplaced) if path not in why}
    return Placing(tuple(lines), why, left, frozenset(doubtful & left.keys()), companions)


def _lines(table: str, taken: Sequence[_Guess], files: Sequence[LandedFile]) -> list[Line]:
    section, paths = ("landing", table), {guess.stray.file.path for guess in taken}
    patterns: list[str] = []
    for file in files:
        if file.path in paths:
            pattern = pattern_of(file.path)
            others = [other.path for other in files if other.path not in paths]
            if any(matches(other, table, TableExport(files=(pattern,))) for other in others):
                pattern = exactly(file.path)
            patterns.append(pattern)
    doubt = next((guess.doubt for guess in taken if guess.doubt), "")
    why = f"its columns look like {table}: {', '.join(taken[0].found)}{doubt}"
    sure = not doubt
    lines = [Line(section, "files", tuple(dict.fromkeys(patterns)), why, certain=sure)]
    sheets = tuple(dict.fromkeys(guess.stray.sheet for guess in taken if guess.stray.sheet))
    if sheets:
        value = sheets if len(sheets) > 1 else sheets[0]
        lines.append(Line(section, "sheet", value, "the sheets with these columns", certain=sure))
    return lines


def _guesses(
    zone: Zone, landing: Landing, strays: Sequence[Piece], books: Collection[str]
) -> tuple[list[_Guess], dict[str, str], dict[str, str], set[str]]:
    """What strays look like; of the others why they are nothing, or not needed; which of them are broken.

    Of `books` the settings name some sheets.
    """
    broken: set[str] = set()
    guesses: list[_Guess] = []
    unplaced: dict[str, str] = {}
    companions: dict[str, str] = {}
    placed_books = {*books}
    for stray in strays:
        name = names_of(stray.file.path)[-1].casefold()
        if name.endswith(OTHER_ARCHIVES):
            unplaced[stray.path] = f"Not read: {NOT_READ}."
            continue
        if stray.sheet and name.endswith(INTERCHANGE):
            companions[stray.path] = "A part of an Ed-Fi interchange that is not needed."
            continue
        if not name.endswith((*ENDINGS, INTERCHANGE, ARCHIVE)):
            companions[stray.path] = (
                f"Not read: the name of an export ends in {', '.join(ENDINGS)}."
            )
            continue
        try:
            with zone.unpacked(stray.file.path) as path:
                header = columns_of(path, Look(known=any_known), stray.sheet)
        except (DamagedFileError, UnreadableFileError) as error:
            unplaced[stray.path] = f"Not read: {error}."
            broken |= {stray.path} if isinstance(error, BrokenInterchangeError) else set()
            continue
        name = stray.sheet or version_of(stray.file).series.rpartition("/")[2]
        standard = companion_of(name, header)
        if standard:
            companions[stray.path] = f"A file of {standard} that is not needed."
            continue
        found, error_said = _likely(zone, landing, stray)
        guesses += found
        if found:
            placed_books.add(stray.file.path)
        else:
            unplaced[stray.path] = error_said or _nothing(stray.file.path, header)
    # beside sheets that are exports the others are notes
    return (
        guesses,
        {
            stray.path: unplaced[stray.path]
            for stray in strays
            if stray.path in unplaced and not (stray.sheet and stray.file.path in placed_books)
        },
        companions,
        broken,
    )


def _nothing(path: str, header: Sequence[str]) -> str:
    if shape := column_per_day(header):
        return f"As it is it is no export: {shape}"
    return (
        "Its columns are those of no export. If it is one, name it in [landing.<table>] files = […] "
        "and say in [landing.<table>.columns] which is which; if it is not ours, add to [landing]: "
        f"ignore = [{toml_text(path)}]"
    )


def _likely(zone: Zone, landing: Landing, stray: Piece) -> tuple[list[_Guess], str | None]:
    """The export that a file looks most like; students and staff where it looks like both."""
    guesses: list[_Guess] = []
    generic: set[str] = set()
    errors: set[str] = set()
    for table in SCHOOL_TABLES:
        export = landing.export(table)
        row = next(iter(rows_of(zone, stray, table, export)))
        if row["error"] is not None:
            errors.add(row["error"])
            continue
        header = row["header"]
        found = resolve(table, FIELDS[table], header, export)
        needed = {field.name for field in FIELDS[table] if field.required} - SAID_ONCE
        lacking = needed - found.found
        hinted = all(_hinted(name, header) for name in lacking)
        ours = [*found.headers, *sorted(found.said)]
        if hinted and len(ours) >= ENOUGH_COLUMNS:
            words = (table.rstrip("s"), *ALSO_CALLED.get(table, ()))
            named = any(word in stray.path.casefold() for word in words)
            score = len(ours) + len(needed) / 10 + named / 20 - 2 * len(lacking)
            # marks and pieces, with their session or class, may tell of their students as well
            if table in CODES and not lacking and len(ours) > len(needed):
                score += len(header)
            guesses.append(_Guess(stray, table, score, tuple(header), tuple(ours)))
            key = next(field.name for field in FIELDS[table] if field.required)
            if not named and normal(found.headers.get(key, "")) in GENERIC_IDS:
                generic.add(table)
    if not guesses:
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


def _second(guess: _Guess, landing: Landing) -> str:
    table, path = guess.table, guess.stray.file.path
    patterns = landing.export(table).files or (f"school/{table}*",)
    files = ", ".join(toml_text(name) for name in (*patterns, path))
    return (
        f"It looks like {table}, of which there is another file with other columns. If it is part of "
        f"it, add to [landing.{table}]: files = [{files}]; if it is not ours, add to [landing]: "
        f"ignore = [{toml_text(path)}]"
    )
