"""What exports of edX are taken for: programmes, courses, runs, kinds of reports, tracks.

Not here: what is wrong with them (`edx_problems`).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import duckdb
import polars as pl

from edu_pipeline.ground.toml import toml_list, toml_text
from edu_pipeline.ground.warehouse import write_table
from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.described import Block, Described, Row, Taken
from edu_pipeline.landing.sources.edx.edx_guesses import course_and_run, courses_of, guessed_mark
from edu_pipeline.landing.sources.edx.edx_names import Name, parsed, why_not
from edu_pipeline.landing.sources.edx.edx_reading import UnknownHeader, read_results
from edu_pipeline.landing.sources.edx.exports import land, programme_files
from edu_pipeline.landing.sources.edx.lists import CALLED as LISTS
from edu_pipeline.landing.sources.edx.lists import SETTING, land_lists, lists_of
from edu_pipeline.landing.sources.edx.stage import stage_all
from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER
from edu_pipeline.settings.programmes import ID, Programme

NAMED = 8
DATES = (
    *("starts", "ends", "upgrade_deadline", "verification_deadline"),
    *("certificates_available", "enrolment_closes"),
)
CALLED = {"profile": "student profiles", "grades": "grade report", "grade_errors": "grading errors"}
UNNEEDED = "reports of edX that are not needed"


def describe(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    programmes: Sequence[Programme],
    columns: Mapping[str, str],
) -> Described:
    """Read edX's exports into a database, as a refresh does, and say what they are.

    Args:
        con: Of its own; it has the tables of a refresh then.
        zone: Where the files lie.
        programmes: As `pipeline.toml` has them.
        columns: `[landing.edx.columns]`.

    Raises:
        LandingError: The zone cannot be listed, or a file is not there any more.
    """
    nobody = pl.DataFrame(schema={"hash": pl.String, "salt": pl.String})
    exports = land(con, zone, programmes, nobody, (), columns)
    lists = land_lists(con, zone, programmes, nobody, columns)
    stage_all(con, exports, lists, programmes)
    write_table(con, "edx_exports", exports)
    write_table(con, "edx_lists", lists)
    files = [file for file in zone.ours() if file.path.startswith(PROGRAMMES_FOLDER)]
    of_courses = {programme.id for programme in programmes}
    of_lists = [
        Taken(
            row["path"],
            "edx",
            LISTS[row["kind"]],
            f"its name is that of such a list ([[programmes]] {SETTING[row['kind']]})"
            if row["kind"] in SETTING
            else "its name is that of a table of edX's data packages",
            rows=row["rows"],
            error=row["error"],
        )
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
        elif file.path in strange and not lists_of(file.path, programmes)[0]:
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
            rows.append(Row(course.id, f"no export of it, by its key {' or '.join(course.key)}"))
    unclaimed = exports.filter(pl.col("course_id").is_null())
    rows += [
        _run(con, "no course", of_run, wrong=True)
        for of_run in unclaimed.partition_by("run", maintain_order=True)
    ]
    rows += [
        Row(
            LISTS[row["kind"]],
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
        "select track, paid, count(*) from stg_run_results "
        "where run = ? and programme_id = ? and line is not null group by all order by count(*) desc, track",
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
        runs = ", ".join(sorted({course_and_run(name.run)[1] for name in of_course}))
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
        found.setdefault(course_and_run(name.run)[0], []).append(name)
    return found


def header_blocks(headers: Sequence[UnknownHeader]) -> Iterator[Block]:
    """What is not known of the headers of reports."""
    for each in headers:
        names = [f"“{name}”" for name in each.unknown]
        shown = ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
        lacks = (
            f"it lacks {' and '.join(each.lacking)}" if each.lacking else "it can be read in part"
        )
        files = f"{each.files[0]}{' and others' if each.files[1:] else ''}"
        text = f"{counted(len(each.unknown), 'header')} not known: {shown}; {lacks}"
        yield Block(
            f"edX: headers of {CALLED[each.kind]}s that are not edX's",
            (Row(files, text, wrong=True),),
        )


def programme_lines(
    zone: Zone, programmes: Sequence[Programme], columns: Mapping[str, str], today: date
) -> str:
    """`[[programmes]]` for folders that no programme has, with what only a person can say as comments.

    A course whose pass mark nothing in its exports gives reason for is a comment as a whole.

    Args:
        zone: Where the files lie.
        programmes: As `pipeline.toml` has them.
        columns: `[landing.edx.columns]`.
        today: From when on there would be letters.

    Raises:
        LandingError: The zone cannot be listed.
    """
    known = {programme.id for programme in programmes}
    files = [file for file in zone.ours() if file.path.startswith(PROGRAMMES_FOLDER)]
    parts = []
    for folder, named in _by_folder(files).items():
        names = [name for _, name in named if name is not None and name.kind is not None]
        runs = [name.run for name in sorted(names, key=lambda name: (name.stamp, name.run))]
        if not folder or folder in known or not runs:
            continue
        if not re.fullmatch(ID, folder):
            parts.append(
                f"# {PROGRAMMES_FOLDER}{folder}/: the folder of a programme is called by its id, in small "
                "letters, digits, - and _. Rename it."
            )
            continue
        parts.append(_lines_of(zone, folder, dict(courses_of(runs)), columns, today))
    return "\n\n".join(parts)


def _lines_of(
    zone: Zone,
    folder: str,
    courses: Mapping[str, Sequence[str]],
    columns: Mapping[str, str],
    today: date,
) -> str:
    ids: dict[str, str] = {}
    for key in courses:
        short = re.sub(r"[^a-z0-9-]", "-", key.rpartition("_")[2].casefold())
        ids[key] = short if short not in ids.values() else f"{short}-{len(ids) + 1}"
    provisional = Programme.model_validate(
        {
            "id": folder,
            "title": folder,
            "courses": [
                {"id": ids[key], "title": key, "key": key, "pass_mark": 0.5} for key in courses
            ],
        }
    )
    results = read_results(zone, provisional, columns)
    marks = {key: guessed_mark(results.filter(course_id=ids[key])) for key in courses}
    head = [
        "[[programmes]]",
        f"id = {toml_text(folder)}",
        f"title = {toml_text(folder)}  # what learners read: the programme's name",
        f"nudges_since = {today}  # learners are not told what was news before this day",
        '# capstone = "…"  # id of the course that comes last and is no part of the core, if there is one',
        *_track_lines(results, provisional),
    ]
    lines = _as(head, said=any(marks.values()))  # a programme has courses
    for key in courses:
        mark = marks[key]
        first = "  # in the order in which they are taken" if key == next(iter(courses)) else ""
        course = [
            f"[[programmes.courses]]{first}",
            f"id = {toml_text(ids[key])}",
            f"title = {toml_text(key)}  # what learners read: the course's name",
            f"key = {toml_text(key)}  # by the names of its exports",
            f"pass_mark = {mark.mark:g}  # {mark.sentence}"
            if mark
            else "pass_mark = …  # the exports do not say it: write it, and take the # from its lines",
            '# link = "https://…"  # where learners enrol',
        ]
        lines += ["", *_as(course, said=mark is not None)]
    for key, runs in courses.items():
        for run in runs:
            listed = [
                "[[programmes.runs]]",
                f"course = {toml_text(ids[key])}",
                f"run = {toml_text(run)}",
            ]
            lines += [
                "",
                *_as([*listed, *(f"# {name} = " for name in DATES)], said=marks[key] is not None),
            ]
    return "\n".join(lines)


def _as(lines: Sequence[str], *, said: bool) -> list[str]:
    """Lines as they are, or as comments."""
    return [line if said or not line else f"# {line}" for line in lines]


def _track_lines(results: pl.DataFrame, programme: Programme) -> Iterator[str]:
    """A question for each track that edX does not have."""
    tracks = results.filter(pl.col("paid").is_null()).drop_nulls("track")["track"].value_counts()
    for track, rows in tracks.sort("count", "track", descending=[True, False]).iter_rows():
        yield f"# Track {track} ({counted(rows, 'result')}): do its certificates count, or is it free? One of:"
        yield f"# paid_tracks = {toml_list((*programme.paid_tracks, track))}"
        yield f"# free_tracks = {toml_list((*programme.free_tracks, track))}"
