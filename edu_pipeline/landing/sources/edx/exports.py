"""edX's exports in a landing zone: which there are, whose they are, which count; their raw tables."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import read_earlier
from edu_pipeline.landing.archives import DamagedFileError
from edu_pipeline.landing.sources.edx.edx_guesses import LIKE, alike, same_numbers
from edu_pipeline.landing.sources.edx.edx_names import Kind, Name, is_edx_s_own, parsed
from edu_pipeline.landing.sources.edx.edx_reports import (
    REPORTS,
    Landed,
    create_raw,
    forgotten_rows,
    load,
)
from edu_pipeline.landing.sources.edx.edx_versions import (
    Difference,
    Key,
    accept,
    accepted,
    asked,
    create_accepted,
    difference,
    loss_problem,
    losses,
)
from edu_pipeline.landing.sources.edx.lists import lists_of
from edu_pipeline.landing.sources.edx.report_history import (
    create_history,
    note_version,
    record,
    recorded,
)
from edu_pipeline.landing.sources.edx.stage import reported
from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.zone import Zone, digest
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.course_keys import course_of, folded
from edu_pipeline.model.programmes import CourseRuns, EdxExports
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER
from edu_pipeline.settings.programmes import Programme, Run

_GRADES_FIRST: Sequence[Kind] = ("grades", "profile", "grade_errors")
"""The grade report says who has left a run, and from when on an error is settled."""


@dataclass(frozen=True)
class _Export:
    """A row of `EdxExports`: a file of a programme's folder that is read where it counts."""

    file: LandedFile
    programme_id: str
    course_id: str | None
    run: str
    kind: Kind
    stamp: datetime
    current: bool = False
    rows: int | None = None
    sha256: str | None = None
    error: str | None = None
    doubt: str | None = None

    @property
    def key(self) -> Key:
        return self.programme_id, self.run, self.kind

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def size(self) -> int:
        return self.file.size


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
        if not file.path.startswith(PROGRAMMES_FOLDER) or lists_of(file.path, programmes)[0]:
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
    released: Collection[str] = (),
    columns: Mapping[str, str] = MappingProxyType({}),
) -> pl.DataFrame:
    """Make the raw tables of the exports that count, and remember what the grade reports before said.

    Of each run and kind that is the newest file that can be read, unless it lost too much of what the
    one before had (see `edx_versions`); then that one counts until somebody releases the newest. Of
    errors it is only one that no grade report is newer than: who was graded since has no error any
    more.

    Args:
        con: The warehouse.
        zone: Where the files lie.
        programmes: As `pipeline.toml` has them.
        forgotten: Tombstones; rows of who was forgotten do not come in.
        released: Ids of problems that somebody has released.
        columns: `[landing.edx.columns]`.

    Returns:
        `EdxExports`.

    Raises:
        LandingError: The zone cannot be listed, or a file is not there any more.
    """
    create_raw(con)
    create_accepted(con)
    create_history(con)
    found, _ = programme_files(zone.ours(), programmes)
    con.register("tombstones", forgotten)
    known, let_go, seen = accepted(con), frozenset(released), recorded(con)
    before = read_earlier(con, "edx_exports", EdxExports.create_empty())
    rows_read = {
        (path, size): rows for path, size, rows in before["path", "size", "rows"].iter_rows()
    }
    exports = [
        export
        for programme in programmes
        for versions in _by_run(programme, found[programme.id])
        for export in _Reading(
            con, zone, forgotten, let_go, known, seen, rows_read, programme.paid_tracks, columns
        ).of_run(versions)
    ]
    con.unregister("tombstones")
    schema = dtypes(EdxExports)
    rows = [{name: getattr(export, name) for name in schema} for export in exports]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
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
        if (kind := name.kind) is not None:  # others are no exports of these
            export = _Export(file, programme.id, course and course[0], run, kind, name.stamp)
            runs.setdefault(run, {each: [] for each in _GRADES_FIRST})[kind].append(export)
    for kinds in runs.values():
        yield {
            kind: sorted(each, key=lambda e: (e.stamp, is_edx_s_own(e.path), e.path), reverse=True)
            for kind, each in kinds.items()
        }


@dataclass
class _Reading:
    """Reads the exports of one run, and finds which of them count."""

    con: duckdb.DuckDBPyConnection
    zone: Zone
    forgotten: pl.DataFrame
    released: frozenset[str]
    accepted: Mapping[Key, tuple[str, str]]
    """Path and digest of the report that was accepted last."""
    recorded: Container[tuple[str, int]]
    """Path and size of the grade reports that were read."""
    rows_read: Mapping[tuple[str, int], int | None]
    """Path and size → rows of the exports as the run before knew them."""
    paid_tracks: Sequence[str]
    columns: Mapping[str, str]
    graded: _Export | None = None
    """The grade report that counts, once it was read."""

    def of_run(self, versions: Mapping[Kind, Sequence[_Export]]) -> Iterator[_Export]:
        """The exports of one run, with what reading those that may count has shown."""
        for kind, newest_first in versions.items():
            if not newest_first or newest_first[0].course_id is None:
                yield from newest_first
                continue
            if kind == "grade_errors":
                settled = self.graded.stamp if self.graded else newest_first[-1].stamp
                read = self._newest(each for each in newest_first if each.stamp >= settled)
            else:
                read = self._whole(newest_first)
            for export in read.values():
                if not export.current and export.rows:
                    table = f"raw_{REPORTS[kind]}"
                    self.con.execute(f"delete from {table} where _file = ?", [export.path])
                if export.current and kind == "grades":
                    self.graded = export
            if kind == "grades" and self.graded is not None:
                read |= self._remember_before(self.graded, newest_first)
            stamps = {export.stamp for export in read.values() if export.current}
            for export in newest_first:
                found = read.get(export.path, export)
                if found.sha256 is None and found.stamp in stamps:
                    found = self._digested(found)
                yield self._in_the_books(found)

    def _in_the_books(self, export: _Export) -> _Export:
        """An export with its rows also where a run before read it, and this one had not to."""
        if export.rows is not None or export.error is not None:
            return export
        return replace(export, rows=self.rows_read.get((export.path, export.size)))

    def _remember_before(
        self, current: _Export, newest_first: Sequence[_Export]
    ) -> dict[str, _Export]:
        """Record the grade reports before the one that counts, which nobody has read; see `stage`."""
        found: dict[str, _Export] = {}
        for export in reversed(newest_first):
            if export.stamp > current.stamp or export.path == current.path:
                continue
            if (export.path, export.size) in self.recorded:
                continue
            read = self._read(export)
            if read.rows:
                found[export.path] = replace(read, current=False)
                said = reported(self.con, export.path)
                record(self.con, *current.key[:2], export.path, export.size, said, counts=False)
                self.con.execute("delete from raw_grade_reports where _file = ?", [export.path])
        return found

    def _newest(self, newest_first: Iterable[_Export]) -> dict[str, _Export]:
        """The newest that can be read, which counts, and before it those that cannot."""
        read: dict[str, _Export] = {}
        for export in newest_first:
            found = self._read(export)
            read[export.path] = found
            if found.current:
                break
        return read

    def _whole(self, newest_first: Sequence[_Export]) -> dict[str, _Export]:
        """Those that had to be read: the newest counts, or the one that it lost too much of."""
        read = self._newest(newest_first)
        newest = _current(read)
        if newest is None:
            return read
        others = [export for export in newest_first if export.path not in read]
        called, sha256 = self.accepted.get(newest.key, (None, None))
        if newest.sha256 == sha256:
            return read
        if called is not None:
            older = self._newest(each for each in others if each.path == called)
            before = next((each for each in older.values() if each.sha256 == sha256), None)
            seen = self._against(newest, None)
        else:
            older, before = self._older(others)
            called = before.path if before else None
            seen = self._against(newest, called)
        read |= {path: replace(each, current=False) for path, each in older.items()}
        lost = losses(seen, called or "")
        doubt = "; ".join(lost or asked(seen, called or ""))
        if (
            not doubt
            or loss_problem(newest.key, newest.path, doubt, str(newest.sha256)).id in self.released
        ):
            return read  # and is accepted as it is staged
        if before is not None and not lost and sha256 is None:
            accept(self.con, newest.key, before.path, str(before.sha256))
        read[newest.path] = replace(newest, doubt=doubt, current=not lost or before is None)
        if lost and before is not None:
            read[before.path] = replace(before, current=True)
            if newest.kind == "grades":
                note_version(
                    self.con,
                    *newest.key[:2],
                    newest.path,
                    newest.size,
                    newest.stamp,
                    seen.learners,
                    doubt,
                )
        return read

    def _older(self, newest_first: Sequence[_Export]) -> tuple[dict[str, _Export], _Export | None]:
        """Of older reports, of which none was ever accepted, those read and the one that counted.

        That is the newest of them, unless it lost too much of the largest: of two bad reports in a
        row the second looks like the first.
        """
        read = self._newest(newest_first)
        nearest = _current(read)
        if nearest is None:
            return read, None
        larger = [each for each in newest_first if each.file.size > nearest.file.size]
        more = self._newest(sorted(larger, key=lambda each: each.file.size, reverse=True))
        largest = _current(more)
        if largest is None:
            return read, nearest
        path = largest.path
        seen = self._against(nearest, path)
        return {**more, **read}, largest if losses(seen, path) else nearest

    def _against(self, export: _Export, before: str | None) -> Difference:
        graded = self.graded.path if self.graded else None
        return difference(self.con, export.key, export.path, before, self.paid_tracks, graded)

    def _digested(self, export: _Export) -> _Export:
        try:
            with self.zone.unpacked(export.path) as path:
                return replace(export, sha256=digest(path))
        except DamagedFileError as error:
            return replace(export, error=f"{error}.")

    def _read(self, export: _Export) -> _Export:
        kept_out = forgotten_rows(export.kind, self.forgotten)
        landed = Landed(export.path, export.file.landed_at, export.stamp)
        sha256 = None
        try:
            with self.zone.unpacked(export.path) as path:
                sha256 = digest(path)
                rows = load(self.con, export.kind, path, landed, kept_out, self.columns)
        except (UnreadableFileError, DamagedFileError) as error:
            return replace(export, sha256=sha256, error=f"{error}.")
        return replace(export, sha256=sha256, rows=rows, current=True)


def _current(read: Mapping[str, _Export]) -> _Export | None:
    return next((export for export in read.values() if export.current), None)


def unknown_runs(
    programme: Programme, exports: pl.DataFrame, packaged: pl.DataFrame | None = None
) -> Mapping[Run, str | None]:
    """Listed runs that there may not be, each with the run of exports that it may be called like.

    That is a run of which no export is, nor a table of a data package, unless it begins after the
    newest export of its programme; and then, too, if a run that is not listed is called like it.

    Args:
        programme: As `pipeline.toml` has it.
        exports: `EdxExports` of the programme; without any, nothing is known of runs.
        packaged: As of `course_runs`.
    """
    keys, seen = programme.course_keys, dict(exports.select("run", "course_id").iter_rows())
    mentioned, listed = (
        {folded(key) for key in of} for of in (seen, map(programme.run_key, programme.runs))
    )
    if packaged is not None:
        mentioned |= {folded(key) for key in packaged.filter(programme_id=programme.id)["run"]}
    newest = exports["stamp"].max()

    def name(run: str, course: str) -> str:
        return (course_of(run, keys) or (course, run))[1]

    found: dict[Run, str | None] = {}
    for run in programme.runs if seen else ():
        key = programme.run_key(run)
        if folded(key) in mentioned:
            continue
        called = name(key, run.course)
        others = [
            (alike(name(other, run.course), called), other)
            for other, course in sorted(seen.items())
            if course == run.course and folded(other) not in listed
        ]
        likeness, other = max(others, default=(0.0, ""))
        nearest = other if likeness >= LIKE else None
        begun = run.starts is None or (isinstance(newest, datetime) and run.starts <= newest.date())
        if begun or (nearest is not None and same_numbers(name(nearest, run.course), called)):
            found[run] = nearest
    return found


def course_runs(
    programmes: Sequence[Programme], exports: pl.DataFrame, packaged: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Every run there is, listed in `pipeline.toml` or not.

    Args:
        programmes: As `pipeline.toml` has them.
        exports: `EdxExports`.
        packaged: `programme_id`, `course_id` and `run` of runs that data packages are of.

    Returns:
        `CourseRuns`, the listed ones of a programme in their order, then the others by key.
    """
    rows = []
    for programme in programmes:
        listed = {programme.run_key(run): run for run in programme.runs}
        of_programme = exports.filter(programme_id=programme.id)
        unknown = {*map(programme.run_key, unknown_runs(programme, of_programme, packaged))}
        claimed = of_programme.select("run", "course_id").drop_nulls("course_id")
        if packaged is not None:
            more = packaged.filter(programme_id=programme.id).select(claimed.columns)
            claimed = pl.concat([claimed, more])
        of = {key: run.course for key, run in listed.items()}
        of |= dict(claimed.unique().sort("run").iter_rows())
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
                    "unknown": key in unknown,
                }
            )
    return CourseRuns.validate(pl.DataFrame(rows, schema=dtypes(CourseRuns), orient="row"))
