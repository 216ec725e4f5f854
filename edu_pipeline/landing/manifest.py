"""The list of landed files: which export each is taken for, which counts, how it is laid out."""

from collections.abc import Sequence
from datetime import UTC
from fnmatch import fnmatchcase

import polars as pl

from edu_pipeline.landing.columns import resolve
from edu_pipeline.landing.csvfile import Layout, UnreadableFileError, as_utf8, layout
from edu_pipeline.landing.school import FIELDS
from edu_pipeline.landing.zone import (
    SAMPLE_MARKER,
    LandedFile,
    LandingError,
    Zone,
    digest,
    fingerprint,
    invented_with_real,
    version_of,
)
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import LandingFiles
from edu_pipeline.settings import SCHOOL_TABLES, Landing, TableExport

SCHOOL_FOLDER = "school/"
ENOUGH_NAMES = 2
"""Known column names that make a first line a header also when no required one is among them."""


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
    rows = [
        {**_row(zone, file, table, landing.export(table)), "refresh": refresh}
        for table in SCHOOL_TABLES
        for file in files
        if matches(file.path, table, landing.export(table))
    ]
    frame = pl.DataFrame(rows, schema=dtypes(LandingFiles), orient="row")
    return LandingFiles.validate(_mark_current(frame, landing))


def landing_fingerprint(files: pl.DataFrame) -> str:
    """The fingerprint of `LandingFiles`: what tables computed from them rest on."""
    return fingerprint(dict(files.select("path", "sha256").iter_rows()))


def unclaimed(zone: Zone, landing: Landing) -> list[str]:
    """Paths of the school's files that no export's patterns match: perhaps a misspelt name."""
    return [
        file.path
        for file in zone.list()
        if file.path.startswith(SCHOOL_FOLDER)
        and not any(matches(file.path, table, landing.export(table)) for table in SCHOOL_TABLES)
    ]


def matches(path: str, table: str, export: TableExport) -> bool:
    """Whether a path is one of an export's files, in any case."""
    patterns = export.files or (f"{SCHOOL_FOLDER}{table}*.csv",)
    return any(fnmatchcase(path.casefold(), pattern.casefold()) for pattern in patterns)


def _refuse_a_mix(zone: Zone, paths: list[str]) -> None:
    if SAMPLE_MARKER not in paths:
        return
    with zone.local(SAMPLE_MARKER) as marker:
        sentence = invented_with_real(
            (path for path in paths if path != SAMPLE_MARKER), marker.read_text(encoding="utf-8")
        )
    if sentence:
        raise LandingError(sentence)


def _row(zone: Zone, file: LandedFile, table: str, export: TableExport) -> dict[str, object]:
    version = version_of(file)
    with zone.local(file.path) as path:
        sha256 = digest(path)
        error = None
        try:
            with as_utf8(path, export.encoding) as text:
                shape = layout(text, export.delimiter)
            _refuse_strange_names(table, shape.header, export)
        except UnreadableFileError as reason:
            shape, error = Layout((), export.delimiter or ",", 0, 0), f"{reason}."
            if reason.setting:
                error += f" Add to [landing.{table}]: {reason.setting}"
    return {
        "path": file.path,
        "table": table,
        "version": version.at,
        "landed_at": file.last_modified.astimezone(UTC).replace(tzinfo=None),
        "stamped": version.stamped,
        "series": version.series,
        "size": file.size,
        "sha256": sha256,
        "current": True,
        "header": list(shape.header),
        "delimiter": shape.delimiter,
        "lines": shape.lines,
        "header_lines": shape.header_lines,
        "error": error,
    }


def _refuse_strange_names(table: str, header: Sequence[str], export: TableExport) -> None:
    """A file without a header has a student for one, whom nobody may read in a message."""
    found = resolve(table, FIELDS[table], header, export)
    known = found.headers.keys()
    if len(known) < ENOUGH_NAMES and not known & {f.name for f in FIELDS[table] if f.required}:
        column = next(field.name for field in FIELDS[table] if field.required)
        raise UnreadableFileError(
            "none of its column names is known. If its first line has no column names, export it "
            f"with them; else say in [landing.{table}.columns] which is which, such as "
            f'{column} = "…"'
        )


def _mark_current(files: pl.DataFrame, landing: Landing) -> pl.DataFrame:
    """Of a snapshot's versions only the newest counts; of a delta all do."""
    snapshots = [table for table in SCHOOL_TABLES if landing.export(table).export == "snapshot"]
    newest = pl.col("version") == pl.col("version").max().over("table", "series")
    return files.with_columns(current=~pl.col("table").is_in(snapshots) | newest)
