"""What exports of edX are taken for: programmes, courses, runs, kinds of reports, tracks.

Not here: what is wrong with them (`edx_problems`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import duckdb
import polars as pl

from edu_pipeline.ground.toml import toml_text
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.described import Block, Described, Row, Taken
from edu_pipeline.landing.sources.edx.edx_names import Name, parsed, why_not
from edu_pipeline.landing.sources.edx.exports import land, programme_files
from edu_pipeline.landing.sources.edx.opt_ins import land_opt_ins, lists_of, stage_opt_ins
from edu_pipeline.landing.sources.edx.stage import stage
from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER
from edu_pipeline.settings.programmes import Programme

CALLED = {"profile": "student profiles", "grades": "grade report", "grade_errors": "grading errors"}
UNNEEDED = "reports of edX that are not needed"


def describe(
    con: duckdb.DuckDBPyConnection, zone: Zone, programmes: Sequence[Programme]
) -> Described:
    """Read edX's exports into a database, as a refresh does, and say what they are.

    Args:
        con: Of its own; it has the tables of a refresh then.
        zone: Where the files lie.
        programmes: As `pipeline.toml` has them.

    Raises:
        LandingError: The zone cannot be listed, or a file is not there any more.
    """
    nobody = pl.DataFrame(schema={"hash": pl.String, "salt": pl.String})
    exports = land(con, zone, programmes, nobody)
    lists = land_opt_ins(con, zone, programmes, nobody)
    stage(con, exports, programmes)
    stage_opt_ins(con, lists)
    write_table(con, "edx_exports", exports)
    write_table(con, "opt_in_lists", lists)
    files = [file for file in zone.ours() if file.path.startswith(PROGRAMMES_FOLDER)]
    of_courses = {programme.id for programme in programmes}
    why = "its name is that of an opt-in list ([[programmes]] opt_in)"
    of_lists = [
        Taken(row["path"], "edx", "e-mail opt-in list", why, rows=row["rows"], error=row["error"])
        for row in lists.unique("path", maintain_order=True).iter_rows(named=True)
    ]
    taken = [*_exports(exports), *of_lists, *_others(files, programmes)]
    blocks = [
        _programme(con, programme, exports.filter(programme_id=programme.id), lists, taken)
        for programme in programmes
    ]
    blocks += [
        _nobodys(folder, names)
        for folder, names in _by_folder(files).items()
        if folder not in of_courses
    ]
    return Described(tuple(taken), tuple(blocks))


def _exports(exports: pl.DataFrame) -> Iterator[Taken]:
    for export in exports.iter_rows(named=True):
        what = f"{CALLED[export['kind']]} of {export['run']}"
        course = export["course_id"]
        why = f"its name says run, report and time ({export['stamp']:%Y-%m-%d %H:%M} UTC)"
        why += f", its folder the programme; course {course}" if course else ""
        counts, rows, error = export["current"], export["rows"], export["error"]
        yield Taken(export["path"], "edx", what, why, counts, rows, error)


def _others(files: Sequence[LandedFile], programmes: Sequence[Programme]) -> Iterator[Taken]:
    """What is not read: reports that nobody needs, and what has no programme or no name of edX's."""
    ids = {programme.id for programme in programmes}
    _, strays = programme_files(files, programmes)
    strange = {stray.path for stray in strays}
    for file in files:
        name = parsed(file.path)
        folder = file.path.removeprefix(PROGRAMMES_FOLDER).partition("/")[0]
        if name is not None and name.kind is None and folder in ids:
            yield Taken(file.path, "edx", None, "a report of edX that is not needed", counts=False)
        elif file.path in strange and not lists_of(file.path, programmes):
            why = (
                why_not(file.path).rstrip(".")
                if name is None
                else f"no programme of pipeline.toml has the folder {folder}"
            )
            yield Taken(file.path, "edx", None, why, counts=False)


def _programme(
    con: duckdb.DuckDBPyConnection,
    programme: Programme,
    exports: pl.DataFrame,
    lists: pl.DataFrame,
    taken: Sequence[Taken],
) -> Block:
    folder = f"{PROGRAMMES_FOLDER}{programme.id}/"
    rows = []
    for course in programme.courses:
        runs = exports.filter(course_id=course.id).partition_by("run", maintain_order=True)
        rows += [_run(con, course.id, of_run) for of_run in runs]
        if not runs:
            rows.append(Row(course.id, f"no export of it, by its key {course.key}"))
    unclaimed = exports.filter(pl.col("course_id").is_null())
    rows += [
        _run(con, "no course", of_run, wrong=True)
        for of_run in unclaimed.partition_by("run", maintain_order=True)
    ]
    rows += [
        Row(
            "opt-in list",
            row["error"] or f"{row['path']}: {counted(row['rows'], 'row')}",
            wrong=bool(row["error"]),
        )
        for row in lists.filter(programme_id=programme.id).iter_rows(named=True)
    ]
    unneeded = sum(
        each.path.startswith(folder) and each.taken_for is None and parsed(each.path) is not None
        for each in taken
    )
    if unneeded:
        rows.append(Row("not needed", f"{counted(unneeded, 'other report')} of edX"))
    return Block(
        f"edX: {programme.id}, {counted(exports.height, 'export')} of "
        f"{counted(exports['run'].n_unique(), 'run')}",
        tuple(rows),
    )


def _run(
    con: duckdb.DuckDBPyConnection, course: str, exports: pl.DataFrame, *, wrong: bool = False
) -> Row:
    """A run: what counts of it, and on which tracks its learners are."""
    run = exports["run"][0]
    parts = [run]
    for export in exports.filter("current").iter_rows(named=True):
        day = f"{export['stamp']:%Y-%m-%d}"
        parts.append(f"{CALLED[export['kind']]} of {day}, {counted(export['rows'], 'row')}")
    older = exports.filter(~pl.col("current"), pl.col("error").is_null()).height
    parts += [f"{counted(older, 'older export')}"] if older and not wrong else []
    lost = exports.drop_nulls("doubt").select("path", "doubt").rows()
    parts += [f"{path}: {doubt}" for path, doubt in lost]
    broken = exports.drop_nulls("error").height
    parts += [f"{counted(broken, 'file')} cannot be read"] if broken else []
    tracks = con.execute(
        "select track, paid, count(*) from stg_run_results where run = ? and programme_id = ? "
        "group by all order by count(*) desc, track",
        [run, exports["programme_id"][0]],
    ).fetchall()
    shown = [
        f"{track or 'no track'} {rows:,}{_PAID[paid] if track else ''}"
        for track, paid, rows in tracks
    ]
    unknown = any(track and paid is None for track, paid, _ in tracks)
    text = "; ".join([*parts, *([f"tracks: {', '.join(shown)}"] if shown else [])])
    return Row(course, text, wrong=wrong or bool(broken or lost) or unknown)


_PAID = {True: " (paid)", False: " (free)", None: " = ?"}


def _by_folder(files: Sequence[LandedFile]) -> dict[str, list[tuple[str, Name | None]]]:
    found: dict[str, list[tuple[str, Name | None]]] = {}
    for file in files:
        folder, slash, _ = file.path.removeprefix(PROGRAMMES_FOLDER).partition("/")
        found.setdefault(folder if slash else "", []).append((file.path, parsed(file.path)))
    return found


def _nobodys(folder: str, files: Sequence[tuple[str, Name | None]]) -> Block:
    """A folder that no programme has: what the names of its files say."""
    names = [name for _, name in files if name is not None]
    rows = []
    for course, of_course in sorted(_courses(names).items()):
        runs = ", ".join(sorted({name.run.rpartition("_")[2] for name in of_course}))
        kinds = Counter(CALLED[name.kind] if name.kind else UNNEEDED for name in of_course)
        days = sorted({f"{f(name.stamp for name in of_course):%Y-%m-%d}" for f in (min, max)})
        what = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        text = f"runs {runs}; {what}; of {' to '.join(days)}"
        rows.append(Row(course, text, wrong=True))
    if strangers := len(files) - len(names):
        rows.append(Row("no reports of edX", counted(strangers, "file"), wrong=True))
    title = f"edX: {PROGRAMMES_FOLDER}{folder}{'/' if folder else ''}"
    return Block(f"{title} {counted(len(files), 'file')} of no programme yet", tuple(rows))


def _courses(names: Sequence[Name]) -> dict[str, list[Name]]:
    found: dict[str, list[Name]] = {}
    for name in names:
        found.setdefault(name.run.rpartition("_")[0] or name.run, []).append(name)
    return found


def programme_lines(zone: Zone, programmes: Sequence[Programme]) -> str:
    """`[[programmes]]` for folders that no programme has, with what only a person can say left open.

    Args:
        zone: Where the files lie.
        programmes: As `pipeline.toml` has them.
    """
    known = {programme.id for programme in programmes}
    files = [file for file in zone.ours() if file.path.startswith(PROGRAMMES_FOLDER)]
    parts = []
    for folder, named in _by_folder(files).items():
        names = [name for _, name in named if name is not None and name.kind is not None]
        if not folder or folder in known or not names:
            continue
        lines = [
            "# [[programmes]]",
            f"# id = {toml_text(folder)}",
            '# title = "…"  # what learners read',
        ]
        for course in sorted(_courses(names)):
            short = course.rpartition("_")[2].casefold()
            lines += [
                "# [[programmes.courses]]  # in sequence",
                f"# id = {toml_text(short)}",
                f"# key = {toml_text(course)}",
                '# title = "…"',
                "# pass_mark = …  # the grade from which it is passed, such as 0.65",
            ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
