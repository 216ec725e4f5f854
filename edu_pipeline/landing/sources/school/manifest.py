"""The list of landed files: which export each is taken for, which counts, how it is laid out."""

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import polars as pl

from edu_pipeline.ground.toml import toml_list
from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.archives import DamagedFileError, bare_path
from edu_pipeline.landing.sources.school.canonical import as_said, own_part
from edu_pipeline.landing.sources.school.fields import FIELDS
from edu_pipeline.landing.sources.school.formats.recognition import Lying, Recognised, recognised
from edu_pipeline.landing.sources.school.school_columns import known, resolve, surely_known
from edu_pipeline.landing.stores import LandedFile, LandingError
from edu_pipeline.landing.tables.csvfile import ENOUGH_NAMES, Layout
from edu_pipeline.landing.tables.encodings import UTF_8, UnreadableFileError
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.tables.opened import (
    STANDARD,
    Look,
    Measured,
    columns_of,
    measured,
    proven,
)
from edu_pipeline.landing.tables.workbook import WORKBOOKS, is_workbook, shown_sheets
from edu_pipeline.landing.versions import Version, months_first, newest, replaced_sheets, version_of
from edu_pipeline.landing.zone import (
    ENDINGS,
    INTERCHANGE,
    SHEET,
    Zone,
    digest,
    fingerprint,
    invented_with_real,
    is_like,
    names_of,
)
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingFiles
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER
from edu_pipeline.settings.landing import (
    EVENTS_FOLDER,
    PROGRAMMES_FOLDER,
    SAMPLE_MARKER,
    SCHOOL_TABLES,
    FilesOfExport,
    Landing,
    TableExport,
)

SCHOOL_FOLDER = "school/"
AUTO = "auto"
CALLED = {"terms": "academicSessions"}
"""What files of an export are called where it is not its name."""
PEOPLE = ("students", "staff")
"""Exports that are told from those of other people by columns which nobody reads."""
JOINED = ""
"""The export of files that only tell more about rows of others."""
OTHER_SOURCES = (EVENTS_FOLDER, PROGRAMMES_FOLDER, ATTAINMENT_FOLDER)


def survey(zone: Zone, landing: Landing, refresh: str = "") -> pl.DataFrame:
    """Read every file that some export's patterns match once.

    Args:
        zone: Where exports land.
        landing: The section of `pipeline.toml`.
        refresh: The run that asks.

    Returns:
        `LandingFiles`, file × table. A file that cannot be read has its reason in `error`.

    Raises:
        LandingError: The zone cannot be listed, or real exports lie beside invented ones.
    """
    files = exports_in(zone, landing)
    _refuse_a_mix(zone, [file.path for file in zone.list()])
    order = months_first(file.path for file in files)
    pieces = pieces_of(zone, files)
    sets = formats_in(zone, pieces)
    claimed, _ = claims(zone, pieces, landing, sets)
    rows: list[dict[str, Any]] = []
    for table in SCHOOL_TABLES:
        theirs = [piece for of, piece in claimed if of == table]
        rows += _versions(zone, theirs, table, landing.export(table), sets, order, refresh)
    joins = [join.files for row in rows for join in FilesOfExport.of(row["part"]).join.values()]
    listed = {row["path"] for row in rows}
    others = [
        piece
        for parts in pieces.values()
        for piece in parts
        if piece.path not in listed and any(is_like(piece.path, patterns) for patterns in joins)
    ]
    rows += _versions(zone, others, JOINED, TableExport(), sets, order, refresh)
    frame = pl.DataFrame(rows, schema=dtypes(LandingFiles), orient="row")
    return LandingFiles.validate(frame)


def _versions(
    zone: Zone,
    pieces: Sequence["Piece"],
    table: str,
    export: TableExport,
    sets: Mapping[str, Recognised],
    month_first: bool | None,
    refresh: str,
) -> Iterator[dict[str, Any]]:
    """`LandingFiles` of the files that are taken for one export: which of their versions count."""
    found = [
        (piece.file.path, row)
        for piece in pieces
        for row in rows_of(
            zone, piece, table, export, sets.get(piece.path), month_first=month_first
        )
    ]
    replaced = _replaced(found)
    adding = [row["path"] for _, row in found if _adds(row, export)]
    wholes = [piece.file for piece in pieces if piece.path not in adding]
    counts = newest(set(wholes), month_first=month_first)
    # changes count that are newer than the whole that they are changes of
    since = max((row["version"] for file, row in found if file in counts), default=None)
    for file, row in found:
        if export.export == "delta":
            current = True
        elif row["path"] in adding:
            current = since is None or row["version"] >= since
        else:
            current = file in counts and row["path"] not in replaced
        yield {**row, "current": current, "refresh": refresh}


def _adds(row: Mapping[str, Any], export: TableExport) -> bool:
    part = FilesOfExport.of(row["part"])
    return (part.export or export.export) == "delta"


def _replaced(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> frozenset[str]:
    """Paths of the sheets that another sheet of their workbook (path × `LandingFiles`) replaces."""
    books: dict[str, dict[str, str]] = defaultdict(dict)
    for file, row in rows:
        if row["sheet"] is not None:
            books[file][row["sheet"]] = row["path"]
    return frozenset(sheets[name] for sheets in books.values() for name in replaced_sheets(sheets))


def landing_fingerprint(files: pl.DataFrame) -> str:
    """The fingerprint of a school's `LandingFiles`: what tables computed from them rest on."""
    return fingerprint(dict(files.filter(source="school").select("path", "sha256").iter_rows()))


@dataclass(frozen=True)
class Piece:
    """A file, or a sheet of a workbook that is a file of its own."""

    file: LandedFile
    sheet: str | None = None

    @property
    def path(self) -> str:
        """What it is called."""
        return self.file.path if self.sheet is None else f"{self.file.path}{SHEET}{self.sheet}"


def pieces_of(zone: Zone, files: Iterable[LandedFile]) -> Mapping[str, Sequence[Piece]]:
    """Path → the file, or the sheets of a workbook that has several; of an interchange, whatever it has."""

    def parts(file: LandedFile) -> Sequence[Piece]:
        sheets = _shown_sheets(zone, file.path)
        several = len(sheets) > 1 or (sheets and _is_xml(file.path))
        return [Piece(file, sheet) for sheet in sheets] if several else [Piece(file)]

    return {file.path: parts(file) for file in files}


def of_school(paths: Collection[str]) -> frozenset[str]:
    """Of some paths those that may be a school's: where it has a folder of its own, no other folder's."""
    own = any(path.startswith(SCHOOL_FOLDER) for path in paths)
    return frozenset(
        path
        for path in paths
        if path.startswith(SCHOOL_FOLDER)
        or "/" not in path
        or not (own or path.startswith(OTHER_SOURCES))
    )


def _is_xml(path: str) -> bool:
    return bare_path(path).casefold().endswith(INTERCHANGE)


def formats_in(
    zone: Zone, pieces_by_file: Mapping[str, Sequence[Piece]]
) -> Mapping[str, Recognised]:
    """Path → what it is, of those of `pieces_of` that are of a published format."""
    ours = of_school(pieces_by_file.keys())
    pieces = {
        piece.path: piece
        for path, parts in pieces_by_file.items()
        if path in ours
        for piece in parts
    }

    def header(path: str) -> Sequence[str]:
        return columns_there(zone, pieces[path])

    def rows(path: str) -> Iterator[Mapping[str, str]]:
        piece = pieces[path]
        with zone.unpacked(piece.file.path) as local:
            if piece.sheet is None:
                with local.open(encoding="utf-8-sig", newline="", errors="replace") as file:
                    yield from csv.DictReader(file)

    return recognised([_lying(piece) for piece in pieces.values()], header, rows)


def _lying(piece: Piece) -> Lying:
    if piece.sheet is not None:
        # interchanges split one set over many files
        folder = INTERCHANGE if _is_xml(piece.file.path) else piece.file.path
        return Lying(piece.path, piece.sheet, folder)
    series = version_of(piece.file).series
    return Lying(piece.path, series.rpartition("/")[2], piece.path.rpartition("/")[0])


def columns_there(zone: Zone, piece: Piece, look: Look | None = None) -> Sequence[str]:
    """The columns of a file, whatever export it may be if not looked at as one; none of what cannot be read."""
    try:
        with zone.unpacked(piece.file.path) as path:
            return columns_of(path, look or Look(known=any_known), piece.sheet)
    except (DamagedFileError, UnreadableFileError):
        return ()


_SPELLINGS = frozenset(
    spelling for table in SCHOOL_TABLES for field in FIELDS[table] for spelling in field.spellings
)


def any_known(header: Sequence[str]) -> Collection[str]:
    """Headers that are some column of some export."""
    if _SPELLINGS.isdisjoint(map(normal, header)):  # as most lines that may be a header
        return frozenset()
    nothing_said = TableExport()
    return {
        name
        for table in SCHOOL_TABLES
        for name in known(FIELDS[table], header, nothing_said).values()
    }


def claims(
    zone: Zone,
    pieces_by_file: Mapping[str, Sequence[Piece]],
    landing: Landing,
    sets: Mapping[str, Recognised],
) -> tuple[Sequence[tuple[str, Piece]], Sequence[Piece]]:
    """The exports that files are for, by their format or their name, and what is for none.

    Args:
        zone: Where they lie.
        pieces_by_file: `pieces_of` them.
        landing: The section of `pipeline.toml`.
        sets: `formats_in` what lies there.
    """
    each = [_claims(parts, landing, sets) for parts in pieces_by_file.values()]
    found = [claim for claimed, _ in each for claim in claimed]
    other = {
        claim
        for table in SCHOOL_TABLES
        for claim in _of_other_columns(
            zone, table, [piece for of, piece in found if of == table], landing, sets
        )
    }
    return [claim for claim in found if claim not in other], [
        *(piece for _, left in each for piece in left),
        *(piece for claim in found if claim in other for piece in claim[1:]),
    ]


def _claims(
    pieces: Sequence[Piece], landing: Landing, sets: Mapping[str, Recognised]
) -> tuple[Sequence[tuple[str, Piece]], Sequence[Piece]]:
    """The exports that one file is for, and what of it is for none.

    A workbook that is named like none may have sheets that are.
    """

    def named(piece: Piece) -> list[tuple[str, Piece]]:
        return [
            (table, piece) for table in SCHOOL_TABLES if is_for(piece.path, table, landing, sets)
        ]

    found = named(Piece(pieces[0].file))
    said = [sheet for table, _ in found if (sheet := landing.export(table).sheet) is not None]
    if found and len(said) < len(found):
        return found, []
    # of a workbook whose sheets the settings name the others are still there
    others = [
        piece
        for piece in pieces
        if piece.sheet and not any(_said(sheet, [piece.sheet]) == [piece.sheet] for sheet in said)
    ]
    others = others if found else [*pieces]
    return [*found, *(claim for piece in others for claim in named(piece))], [
        piece for piece in others if piece.path not in sets and not named(piece)
    ]


def _of_other_columns(
    zone: Zone,
    table: str,
    pieces: Sequence[Piece],
    landing: Landing,
    sets: Mapping[str, Recognised],
) -> Iterator[tuple[str, Piece]]:
    """What is claimed for an export by one word of its name, and has not the columns that its files have.

    `students_guardians` are no `students`, `students_grade9` may be some of them. Of versions the newest
    decides. Where no file of people has the export's name alone, those do that have most of its columns.
    """
    export = landing.export(table)
    series: dict[tuple[str, str | None], list[Piece]] = defaultdict(list)
    for piece in pieces:
        series[version_of(piece.file).series, piece.sheet].append(piece)
    word = re.compile(rf"(?i:{CALLED.get(table, table)})[\W\d_]*")
    open_to_doubt = {
        key
        for key, theirs in series.items()
        if export.files is None
        and not any(word.fullmatch(name) for name in (*key[0].split("/"), key[1] or ""))
        and not any(piece.path in sets or _is_said(piece, export) for piece in theirs)
    }
    if len(series) == 1 or not open_to_doubt:
        return
    found: dict[tuple[str, str | None], frozenset[str]] = {}
    more: dict[tuple[str, str | None], frozenset[str]] = {}
    for key, theirs in series.items():
        header = columns_there(zone, _newest_of(theirs), _look(table, export))
        found[key] = surely_known(table, FIELDS[table], header, export)
        ours = {*known(FIELDS[table], header, export).values()}
        more[key] = frozenset(map(normal, {*header} - ours)) if table in PEOPLE else frozenset()
    certain = series.keys() - open_to_doubt
    most = max(map(len, found.values()))
    for key in open_to_doubt:
        like = (
            any(found[key] >= found[one] and more[key] <= more[one] for one in certain)
            if certain
            else len(found[key]) == most or table not in PEOPLE  # others say what they lack
        )
        # of what has no known column its reader says so
        if found[key] and not like:
            yield from ((table, piece) for piece in series[key])


def _is_said(piece: Piece, export: TableExport) -> bool:
    return own_part(piece.path, export) != FilesOfExport()


def _newest_of(pieces: Sequence[Piece]) -> Piece:
    counts = newest([piece.file for piece in pieces])
    return next(piece for piece in pieces if piece.file.path in counts)


def is_for(path: str, table: str, landing: Landing, sets: Mapping[str, Recognised]) -> bool:
    """Whether a file is one of an export: as the settings say, else its format, else its name."""
    export = landing.export(table)
    if export.files is None and (found := sets.get(path)):
        return table in found.read_as
    return matches(path, table, export)


def _shown_sheets(zone: Zone, path: str) -> Sequence[str]:
    """The sheets of a workbook; none of what is not called so or cannot be opened."""
    if not path.casefold().endswith(WORKBOOKS) and not _is_xml(path):
        return []
    try:
        with zone.unpacked(path) as local:
            return shown_sheets(local) if is_workbook(local) else []
    except (DamagedFileError, UnreadableFileError):
        return []


def exports_in(zone: Zone, landing: Landing) -> Sequence[LandedFile]:
    """The files of a zone, those of archives too, but for what is told to be ignored."""
    return [file for file in zone.exports() if not is_ignored(file.path, landing)]


def is_ignored(path: str, landing: Landing) -> bool:
    """Whether the settings say that a file is not ours."""
    return is_like(path, landing.ignore)


def matches(path: str, table: str, export: TableExport) -> bool:
    """Whether a path is one of an export's files, in any case; in an archive also by its name there."""
    if export.files:
        return is_like(path, export.files)
    # as a word of its own: studentSubmissions are no students
    called = re.compile(rf"(?i:{SCHOOL_FOLDER}{CALLED.get(table, table)})(?![a-z])")
    return any(called.match(name) and name.casefold().endswith(ENDINGS) for name in names_of(path))


def _refuse_a_mix(zone: Zone, paths: list[str]) -> None:
    if SAMPLE_MARKER not in paths:
        return
    with zone.local(SAMPLE_MARKER) as marker:
        sentence = invented_with_real(
            (p for p in paths if p != SAMPLE_MARKER and not p.startswith(EVENTS_FOLDER)),
            marker.read_text(encoding="utf-8"),
        )
    if sentence:
        raise LandingError(sentence)


def rows_of(
    zone: Zone,
    piece: Piece,
    table: str,
    export: TableExport,
    found_as: Recognised | None = None,
    *,
    month_first: bool | None = None,
) -> Iterator[dict[str, Any]]:
    """`LandingFiles` of a file taken for an export: one row, or one for each sheet that is part of it.

    Args:
        zone: Where it lies.
        piece: The file, or the sheet.
        table: One of `SCHOOL_TABLES`, or `JOINED`.
        export: How it is read.
        found_as: What it is, where its format is known.
        month_first: How names write dates, as `months_first` has it.
    """
    file = piece.file
    part = own_part(piece.path, export, found_as.read_as.get(table) if found_as else None)
    version = version_of(file, month_first=month_first)
    said = {
        "format": found_as.format if found_as else None,
        "part": part.model_dump_json(exclude_defaults=True) if part != FilesOfExport() else None,
    }
    # whoever says how a file is read knows what it lacks
    other = (
        found_as.lacking.get(table)
        if found_as and own_part(piece.path, export) == FilesOfExport()
        else None
    )
    lacking = other and UnreadableFileError(
        f"it cannot be read without {other} of {said['format']}, which does not lie beside it. Export both, "
        "or write such a file by hand"
    )
    try:
        with zone.unpacked(file.path) as path:
            sha256 = digest(path)
            for called, found in _parts(path, piece, table, export, part):
                short = _short(found, zone.most_rows)
                row = _row(replace(file, path=called), version, table, sha256, lacking or short)
                yield row | said
    except DamagedFileError as error:
        sha256 = hashlib.sha256(file.e_tag.encode()).hexdigest()
        yield _row(file, version, table, sha256, UnreadableFileError(str(error))) | said


def _short(found: Measured | UnreadableFileError, most_rows: int) -> Measured | UnreadableFileError:
    """A file, unless it has more lines than the settings allow."""
    if isinstance(found, Measured) and found.layout.lines > most_rows:
        return UnreadableFileError(
            f"{found.layout.lines:,} lines, more than a file may have. If it is an export, raise in "
            f"[landing]: max_rows = {found.layout.lines}"
        )
    return found


def _row(
    file: LandedFile,
    version: Version,
    table: str,
    sha256: str,
    found: Measured | UnreadableFileError,
) -> dict[str, Any]:
    error = None
    if isinstance(found, UnreadableFileError):
        error = f"{found}."
        if found.setting:
            error += f" Add to [landing.{table}]: {found.setting}"
        found = Measured(UTF_8, None, STANDARD, Layout((), ",", 0, 0))
    shape = found.layout
    return {
        "path": file.path,
        "source": "school",
        "table": table,
        "version": version.at,
        "landed_at": file.landed_at,
        "stamped": version.stamped,
        "series": version.series,
        "size": file.size,
        "sha256": sha256,
        "header": list(shape.header),
        "encoding": found.encoding,
        "sheet": found.sheet,
        "dialect": found.dialect,
        "delimiter": shape.delimiter,
        "lines": shape.lines,
        "header_lines": shape.header_lines,
        "preamble": shape.preamble,
        "error": error,
    }


Part = tuple[str, Measured | UnreadableFileError]
"""What a file, or a sheet of it, is called, and how it is read or why not."""


def _parts(
    path: Path, piece: Piece, table: str, said: TableExport, part: FilesOfExport
) -> list[Part]:
    """What of a file is part of an export.

    Args:
        path: The file on this machine.
        piece: The file, or the sheet of it.
        table: One of `SCHOOL_TABLES`, or `JOINED`.
        said: How the export is read.
        part: How this file is, where that differs.
    """
    export = as_said(piece.path, said, part)
    if piece.sheet is not None:
        return [(piece.path, _named(_read(path, table, export, piece.sheet), table, export))]
    try:
        sheets = shown_sheets(path) if is_workbook(path) else []
    except UnreadableFileError as error:
        return [(piece.path, error)]
    if sheets and export.sheet is not None:
        sheets = _said(export.sheet, sheets)
    names: Sequence[str | None] = sheets or [None]
    read = {sheet: _read(path, table, export, sheet) for sheet in names}
    if len(read) > 1 and export.sheet is None and table != JOINED:
        read = _of_one_export(read, table, export)
    return [
        (Piece(piece.file, sheet if len(read) > 1 else None).path, _named(found, table, export))
        for sheet, found in read.items()
    ]


def _said(said: str | Sequence[str], shown: Sequence[str]) -> Sequence[str]:
    """The sheets that the settings name, or name like; one that is hidden or not there, too."""
    wanted = (said,) if isinstance(said, str) else said
    like = [s for s in shown if s not in wanted and any(fnmatchcase(s, each) for each in wanted)]
    there = [each for each in wanted if each in shown or not like]
    return [*there, *like]


def _of_one_export(
    read: Mapping[str | None, Measured | UnreadableFileError], table: str, export: TableExport
) -> dict[str | None, Measured | UnreadableFileError]:
    """The sheets of a workbook that are one export, and those that may be and cannot be told.

    A sheet with the needed columns is part of it. What is narrower than these has no room for them,
    such as a legend of codes. Where no sheet has the columns, the first counts.
    """
    whole = {
        sheet: found
        for sheet, found in read.items()
        if isinstance(found, Measured)
        and not resolve(table, FIELDS[table], found.layout.header, export).missing
    }
    if not whole:
        return dict([next(iter(read.items()))])
    narrowest = min(len(found.layout.header) for found in whole.values())
    doubtful = {
        sheet: UnreadableFileError(
            "the workbook has other sheets with the columns of this export, and this one lacks some. "
            "Give it the same columns, or say which sheets are read",
            f"sheet = {toml_list(filter(None, whole))}",
        )
        for sheet, found in read.items()
        if sheet not in whole
        and isinstance(found, Measured)
        and len(found.layout.header) >= narrowest
        and found.layout.lines > found.layout.header_lines
    }
    return {
        sheet: doubtful.get(sheet, read[sheet]) for sheet in read if sheet in {*whole, *doubtful}
    }


def _read(
    path: Path, table: str, export: TableExport, sheet: str | None
) -> Measured | UnreadableFileError:
    """How a file or a sheet of it is read, or why not."""
    try:
        return proven(path, measured(path, _look(table, export), sheet))
    except UnreadableFileError as error:
        return error


def _look(table: str, export: TableExport) -> Look:
    fields = FIELDS.get(table, ())
    return Look(
        known=lambda names: (
            surely_known(table, fields, names, export) if fields else any_known(names)
        ),
        required={field.name for field in fields if field.required},
        encoding=None if export.encoding == AUTO else export.encoding,
        delimiter=export.delimiter,
        header_line=export.header_line,
    )


def _named(
    found: Measured | UnreadableFileError, table: str, export: TableExport
) -> Measured | UnreadableFileError:
    """A file without a header has a student for one, whom nobody may read in a message."""
    if isinstance(found, UnreadableFileError) or table == JOINED or export.header_line:
        return found
    header = found.layout.header
    headers = resolve(table, FIELDS[table], header, export).headers
    merged = [header[place] for place in sorted(found.merged) if place < len(header)]
    if read := [name for name in merged if name in headers.values()]:
        return UnreadableFileError(
            f"cells of {listed(read)} are merged over several rows, of which only the first has what stands "
            "there. Unmerge them in Excel, so that every row has its own, and export it again"
        )
    ours = headers.keys()
    if len(ours) < ENOUGH_NAMES and not ours & {f.name for f in FIELDS[table] if f.required}:
        column = next(field.name for field in FIELDS[table] if field.required)
        return UnreadableFileError(
            "none of its column names is known. If its first line has no column names, export it "
            f"with them; else say in [landing.{table}.columns] which is which, such as "
            f'{column} = "…"'
        )
    return found
