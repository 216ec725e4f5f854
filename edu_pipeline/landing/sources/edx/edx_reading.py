"""edX's reports read before `pipeline.toml` says what they are: their headers, and whole folders.

What is made of them is for `edx_guesses`, what is printed for `edx_described`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import duckdb
import polars as pl

from edu_pipeline.landing.archives import DamagedFileError
from edu_pipeline.landing.sources.edx.edx_guesses import guessed_columns
from edu_pipeline.landing.sources.edx.edx_names import Kind, parsed
from edu_pipeline.landing.sources.edx.edx_reports import (
    Source,
    look_for,
    missing_columns,
    unknown_columns,
)
from edu_pipeline.landing.sources.edx.exports import land
from edu_pipeline.landing.sources.edx.stage import stage_all
from edu_pipeline.landing.tables.csvfile import records
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.tables.opened import as_text, columns_of, measured
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.programmes import EdxLists
from edu_pipeline.settings.programmes import Programme

ROWS = 5_000
"""Of a report whose header is not known: from so many of them it is told what its columns are."""


@dataclass(frozen=True)
class UnknownHeader:
    """A header with which a report cannot be read, or not whole."""

    kind: Source
    files: tuple[str, ...]
    lacking: tuple[str, ...]
    """What it lacks, as edX calls it."""
    unknown: tuple[str, ...]
    """Its names that edX does not have, and that may be meant."""
    guessed: Mapping[str, str]
    """Of these → what edX calls it, where the cells leave no other reading."""


def unknown_headers(
    zone: Zone, paths: Iterable[str], columns: Mapping[str, str]
) -> Sequence[UnknownHeader]:
    """The headers that lack what their report must have, each once.

    Args:
        zone: Where the files lie.
        paths: Of edX's reports; of each run and kind the newest is looked at.
        columns: `[landing.edx.columns]`.
    """
    found: dict[tuple[Source, tuple[str, ...]], UnknownHeader] = {}
    for path, kind in _newest(paths):
        try:
            with zone.unpacked(path) as local:
                look = look_for(kind, columns)
                header = columns_of(local, look)
                if (kind, header) in found:
                    of = found[kind, header]
                    found[kind, header] = UnknownHeader(
                        kind, (*of.files, path), of.lacking, of.unknown, of.guessed
                    )
                    continue
                lacking = missing_columns(kind, header, columns)
                unknown = unknown_columns(kind, header, columns)
                if not unknown:
                    continue
                shape = measured(local, look)
                with as_text(local, shape.encoding, shape.sheet, shape.dialect) as text:
                    rows = [row[:-1] for _, _, row in islice(records(text, shape.layout), ROWS)]
        except (UnreadableFileError, DamagedFileError):
            continue  # that is told of the file
        cells = pl.DataFrame(
            rows, schema=dict.fromkeys(shape.layout.header, pl.String), orient="row"
        )
        said = guessed_columns(kind, cells)
        guessed = {name: edx_s for name, edx_s in said.items() if name in unknown}
        if lacking or guessed:
            meant = tuple(n for n in unknown if n in guessed or not _is_numbers(cells[n]))
            found[kind, header] = UnknownHeader(kind, (path,), (*lacking,), meant, guessed)
    return list(found.values())


def _is_numbers(cells: pl.Series) -> bool:
    """Whether a column has numbers between 0 and 1, as those of assignments have."""
    return bool(cells.cast(pl.Float64, strict=False).is_between(0, 1).any())


def _newest(paths: Iterable[str]) -> Iterator[tuple[str, Kind]]:
    newest: dict[tuple[str, Kind], str] = {}
    named = [(path, name) for path in paths if (name := parsed(path)) is not None]
    for path, name in sorted(named, key=lambda each: each[1].stamp):
        if name.kind is not None:
            newest[name.run, name.kind] = path
    yield from ((path, kind) for (_, kind), path in newest.items())


def read_results(zone: Zone, programme: Programme, columns: Mapping[str, str]) -> pl.DataFrame:
    """What the exports of a folder say of its learners, read as a refresh would.

    Args:
        zone: Where they lie.
        programme: One of the folder's name with the courses of its exports.
        columns: `[landing.edx.columns]`.

    Returns:
        `course_id`, `run`, `track`, `paid`, `grade`, `certificate_eligible`: a row per learner and run.

    Raises:
        LandingError: The zone cannot be listed.
    """
    nobody = pl.DataFrame(schema={"hash": pl.String, "salt": pl.String})
    with duckdb.connect(config={"python_enable_replacements": False}) as con:
        exports = land(con, zone, [programme], nobody, (), columns)
        stage_all(con, exports, EdxLists.create_empty(), [programme])
        found: pl.DataFrame = con.sql(
            "select course_id, run, track, paid, grade, certificate_eligible from stg_run_results"
        ).pl()
    return found
