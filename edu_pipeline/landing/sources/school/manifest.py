"""The list of landed files: which export each is taken for, which counts, how it is laid out."""

from collections.abc import Sequence
from datetime import UTC
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import polars as pl

from edu_pipeline.landing.sources.school.columns import known, resolve
from edu_pipeline.landing.sources.school.fields import FIELDS
from edu_pipeline.landing.tables.csvfile import (
    ENOUGH_NAMES,
    UTF_8,
    Layout,
    NotThisEncodingError,
    UnreadableFileError,
    encoding_but_utf_8,
    layout,
    likely_encoding,
)
from edu_pipeline.landing.tables.workbook import as_csv, is_workbook
from edu_pipeline.landing.versions import months_first, newest, version_of
from edu_pipeline.landing.zone import (
    ENDINGS,
    LandedFile,
    LandingError,
    Zone,
    digest,
    fingerprint,
    invented_with_real,
)
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingFiles
from edu_pipeline.settings.landing import (
    EVENTS_FOLDER,
    SAMPLE_MARKER,
    SCHOOL_TABLES,
    Landing,
    TableExport,
)

SCHOOL_FOLDER = "school/"
AUTO = "auto"


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
    files = zone.list()
    _refuse_a_mix(zone, [file.path for file in files])
    order = months_first(file.path for file in files)
    rows = []
    for table in SCHOOL_TABLES:
        export = landing.export(table)
        theirs = [file for file in files if matches(file.path, table, export)]
        counts = newest(theirs, month_first=order)
        rows += [
            {
                **_row(zone, file, table, export, order),
                # of a snapshot's versions only the newest counts; of a delta all do
                "current": export.export == "delta" or file.path in counts,
                "refresh": refresh,
            }
            for file in theirs
        ]
    frame = pl.DataFrame(rows, schema=dtypes(LandingFiles), orient="row")
    return LandingFiles.validate(frame)


def landing_fingerprint(files: pl.DataFrame) -> str:
    """The fingerprint of a school's `LandingFiles`: what tables computed from them rest on."""
    return fingerprint(dict(files.filter(source="school").select("path", "sha256").iter_rows()))


def matches(path: str, table: str, export: TableExport) -> bool:
    """Whether a path is one of an export's files, in any case."""
    patterns = export.files or tuple(f"{SCHOOL_FOLDER}{table}*{ending}" for ending in ENDINGS)
    return any(fnmatchcase(path.casefold(), pattern.casefold()) for pattern in patterns)


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


def _row(
    zone: Zone, file: LandedFile, table: str, export: TableExport, month_first: bool | None
) -> dict[str, object]:
    version = version_of(file, month_first=month_first)
    with zone.local(file.path) as path:
        sha256 = digest(path)
        encoding, sheet, shape, error = UTF_8, None, Layout((), ",", 0, 0), None
        try:
            encoding, sheet, shape = _read(path, table, export)
            _refuse_strange_names(table, shape.header, export)
        except UnreadableFileError as reason:
            error = f"{reason}."
            if reason.setting:
                error += f" Add to [landing.{table}]: {reason.setting}"
    return {
        "path": file.path,
        "source": "school",
        "table": table,
        "version": version.at,
        "landed_at": file.last_modified.astimezone(UTC).replace(tzinfo=None),
        "stamped": version.stamped,
        "series": version.series,
        "size": file.size,
        "sha256": sha256,
        "header": list(shape.header),
        "encoding": encoding,
        "sheet": sheet,
        "delimiter": shape.delimiter,
        "lines": shape.lines,
        "header_lines": shape.header_lines,
        "preamble": shape.preamble,
        "error": error,
    }


def _read(path: Path, table: str, export: TableExport) -> tuple[str, str | None, Layout]:
    """The encoding, sheet and layout of a file."""
    book = is_workbook(path)
    said = None if export.encoding == AUTO else export.encoding
    encoding = UTF_8 if book else said or likely_encoding(path)
    measure = partial(
        layout,
        delimiter="," if book else export.delimiter,
        header_line=export.header_line,
        known=lambda names: known(FIELDS[table], names, export).keys(),
        required={field.name for field in FIELDS[table] if field.required},
    )
    try:
        with as_csv(path, encoding, export.sheet) as (text, sheet):
            return encoding, sheet, measure(text)
    except NotThisEncodingError:
        if said or encoding != UTF_8:
            raise
    encoding = encoding_but_utf_8(path)
    with as_csv(path, encoding, export.sheet) as (text, sheet):
        return encoding, sheet, measure(text)


def _refuse_strange_names(table: str, header: Sequence[str], export: TableExport) -> None:
    """A file without a header has a student for one, whom nobody may read in a message."""
    found = resolve(table, FIELDS[table], header, export)
    ours = found.headers.keys()
    if len(ours) < ENOUGH_NAMES and not ours & {f.name for f in FIELDS[table] if f.required}:
        column = next(field.name for field in FIELDS[table] if field.required)
        raise UnreadableFileError(
            "none of its column names is known. If its first line has no column names, export it "
            f"with them; else say in [landing.{table}.columns] which is which, such as "
            f'{column} = "…"'
        )
