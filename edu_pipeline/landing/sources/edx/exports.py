"""edX's exports in a landing zone: which there are, whose they are, which count; their raw tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC

import duckdb
import polars as pl

from edu_pipeline.landing.sources.edx.names import Kind, Name, parsed
from edu_pipeline.landing.sources.edx.opt_ins import lists_of
from edu_pipeline.landing.sources.edx.reports import (
    REPORTS,
    Landed,
    create_raw,
    forgotten_rows,
    load,
)
from edu_pipeline.landing.tables.csvfile import UnreadableFileError
from edu_pipeline.landing.zone import LandedFile, Zone, digest
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.course_keys import course_of
from edu_pipeline.model.programmes import CourseRuns, EdxExports
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER
from edu_pipeline.settings.programmes import Programme, Run


@dataclass(frozen=True)
class _Export:
    """A file of a programme's folder that is read where it counts."""

    file: LandedFile
    programme_id: str
    course_id: str | None
    run: str
    name: Name
    current: bool = False
    rows: int | None = None
    sha256: str | None = None
    error: str | None = None

    @property
    def kind(self) -> Kind:
        assert self.name.kind is not None  # noqa: S101 - others are no exports of these
        return self.name.kind


@dataclass(frozen=True)
class Stray:
    """A file below `micromasters/` that is no export of a programme."""

    path: str
    programme_id: str | None
    """None where no programme has the folder."""


def programme_files(
    files: Iterable[LandedFile], programmes: Sequence[Programme]
) -> tuple[dict[str, list[tuple[LandedFile, Name]]], list[Stray]]:
    """Files below `micromasters/`, by programme, and those that are nobody's or no reports of edX.

    Reports of edX that are not needed and opt-in lists are neither.

    Args:
        files: Of the landing zone.
        programmes: As `pipeline.toml` has them.
    """
    of = {programme.id: programme for programme in programmes}
    found: dict[str, list[tuple[LandedFile, Name]]] = {each: [] for each in of}
    strays: list[Stray] = []
    for file in files:
        if not file.path.startswith(PROGRAMMES_FOLDER) or lists_of(file.path, programmes):
            continue
        folder, _, below = file.path.removeprefix(PROGRAMMES_FOLDER).partition("/")
        if not below or folder not in of:
            strays.append(Stray(file.path, None))
            continue
        name = parsed(file.path)
        if name is None:
            strays.append(Stray(file.path, folder))
        elif name.kind is not None:
            found[folder].append((file, name))
    return found, strays


def land(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    programmes: Sequence[Programme],
    forgotten: pl.DataFrame,
) -> pl.DataFrame:
    """Make the raw tables of the exports that count.

    Of each run and kind that is the newest file that can be read, and of errors only one that no
    grade report is newer than: who was graded since has no error any more.

    Args:
        con: The warehouse.
        zone: Where the files lie.
        programmes: As `pipeline.toml` has them.
        forgotten: Tombstones; rows of who was forgotten do not come in.

    Returns:
        `EdxExports`.

    Raises:
        LandingError: The zone cannot be listed, or a file is not there any more.
    """
    create_raw(con)
    found, _ = programme_files(zone.list(), programmes)
    if not forgotten.is_empty():
        con.register("tombstones", forgotten)
    exports = [
        export
        for programme in programmes
        for versions in _by_run(programme, found[programme.id])
        for export in _loaded(con, zone, versions, forgotten)
    ]
    if not forgotten.is_empty():
        con.unregister("tombstones")
    rows = [
        {
            "path": export.file.path,
            "programme_id": export.programme_id,
            "course_id": export.course_id,
            "run": export.run,
            "kind": export.kind,
            "stamp": export.name.stamp,
            "current": export.current,
            "rows": export.rows,
            "sha256": export.sha256,
            "error": export.error,
        }
        for export in exports
    ]
    frame = pl.DataFrame(rows, schema=dtypes(EdxExports), orient="row")
    return EdxExports.validate(frame.sort("programme_id", "run", "kind", "stamp", "path"))


def _by_run(
    programme: Programme, files: Sequence[tuple[LandedFile, Name]]
) -> Iterator[Mapping[Kind, list[_Export]]]:
    """The exports of each run by kind, the newest of each first; a run is shown as seen first."""
    shown = {key.casefold(): key for key in map(programme.run_key, reversed(programme.runs))}
    runs: dict[str, dict[Kind, list[_Export]]] = {}
    for file, name in sorted(files, key=lambda each: each[0].path):
        run = shown.setdefault(name.run.casefold(), name.run)
        course = course_of(run, programme.course_keys)
        export = _Export(file, programme.id, course[0] if course else None, run, name)
        runs.setdefault(run, {kind: [] for kind in REPORTS})[export.kind].append(export)
    for kinds in runs.values():
        yield {
            kind: sorted(each, key=lambda e: (e.name.stamp, e.file.path), reverse=True)
            for kind, each in kinds.items()
        }


def _loaded(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    versions: Mapping[Kind, Sequence[_Export]],
    forgotten: pl.DataFrame,
) -> Iterator[_Export]:
    """The exports of one run, with what reading those that may count has shown."""
    graded = None
    for kind, newest_first in versions.items():
        done = False
        for export in newest_first:
            outdated = kind == "grade_errors" and graded is not None and export.name.stamp < graded
            if done or outdated or export.course_id is None:
                yield export
                continue
            read = _read(con, zone, export, forgotten)
            done = read.current
            if done and kind == "grades":
                graded = read.name.stamp
            yield read


def _read(
    con: duckdb.DuckDBPyConnection, zone: Zone, export: _Export, forgotten: pl.DataFrame
) -> _Export:
    file = export.file
    with zone.local(file.path) as path:
        sha256 = digest(path)
        landed = Landed(
            file.path, file.last_modified.astimezone(UTC).replace(tzinfo=None), export.name.stamp
        )
        try:
            rows = load(con, export.kind, path, landed, forgotten_rows(export.kind, forgotten))
        except UnreadableFileError as error:
            return replace(export, sha256=sha256, error=f"{error}.")
    return replace(export, sha256=sha256, rows=rows, current=True)


def course_runs(programmes: Sequence[Programme], exports: pl.DataFrame) -> pl.DataFrame:
    """Every run there is, listed in `pipeline.toml` or not.

    Args:
        programmes: As `pipeline.toml` has them.
        exports: `EdxExports`.

    Returns:
        `CourseRuns`, the listed ones of a programme in their order, then the others by key.
    """
    rows = []
    for programme in programmes:
        listed = {programme.run_key(run): run for run in programme.runs}
        claimed = exports.filter(
            pl.col("programme_id") == programme.id, pl.col("course_id").is_not_null()
        )
        of = {key: run.course for key, run in listed.items()}
        of |= dict(claimed.select("run", "course_id").unique().sort("run").iter_rows())
        places = {course.id: place for place, course in enumerate(programme.courses, start=1)}
        marks = {course.id: course.pass_mark for course in programme.courses}
        for place, (key, course) in enumerate(of.items(), start=1):
            dates = listed.get(key, Run(course=course, run=key))
            rows.append(
                {
                    "programme_id": programme.id,
                    "course_id": course,
                    "position": places[course],
                    "run_position": place if key in listed else None,
                    "run": key,
                    "pass_mark": marks[course],
                    **dates.model_dump(exclude={"course", "run"}),
                    "listed": key in listed,
                }
            )
    return CourseRuns.validate(pl.DataFrame(rows, schema=dtypes(CourseRuns), orient="row"))
