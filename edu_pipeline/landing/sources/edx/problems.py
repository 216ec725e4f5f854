"""What is wrong with a programme's exports, in sentences that say what to do.

Pure: frames and settings in, frames out. They hold no teacher's letter; because of some, nudges wait.
"""

from collections.abc import Sequence
from itertools import groupby

import polars as pl

from edu_pipeline.ground.wording import percent
from edu_pipeline.landing.sources.edx.exports import Stray
from edu_pipeline.landing.sources.edx.names import why_not
from edu_pipeline.model.course_keys import folded
from edu_pipeline.model.problems import Problem, problems_frame
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER
from edu_pipeline.settings.programmes import Programme

MANY_REJECTED = 0.05
"""Share of an export's rows whose rejection by one rule is a problem of the export."""
NAMED = 3
HOLDING = ("unreadable_file", "unreadable_opt_ins", "unclaimed_export", "many_rejected")
"""Because of these, somebody may be told what is not so, or who wants no mail: nudges wait."""


def find_programme_problems(
    programmes: Sequence[Programme],
    strays: Sequence[Stray],
    exports: pl.DataFrame,
    lists: pl.DataFrame,
    rejected: pl.DataFrame,
    tracks: pl.DataFrame,
) -> pl.DataFrame:
    """What a person must look at.

    Args:
        programmes: As `pipeline.toml` has them.
        strays: Files that are no exports of a programme.
        exports: `EdxExports`.
        lists: `OptInLists`.
        rejected: `stage.reject_counts`.
        tracks: `stage.unknown_tracks`.

    Returns:
        `LandingProblems`, without `since`.
    """
    found = [
        *_stray_problems(strays),
        *_unclaimed(exports),
        *_unreadable(exports),
        *_unreadable_lists(lists),
        *_without_export(programmes, exports),
        *_many_rejected(exports, lists, rejected),
        *_unknown_tracks(tracks),
    ]
    return problems_frame(
        each.releasable("Or, if nudges may rest on it as it is") if each.holds else each
        for each in found
    )


def without_programmes(strays: Sequence[Stray]) -> pl.DataFrame:
    """What to do about edX's exports in a home whose settings have no programmes.

    Args:
        strays: Files below `micromasters/`.

    Returns:
        `LandingProblems`, without `since`.
    """
    return problems_frame(_stray_problems(strays, " How: docs/programmes.md."))


def _problem(
    programme_id: str | None,
    kind: str,
    subject: str,
    message: str,
    *,
    rows: int = 0,
    table: str = "reports",
) -> Problem:
    """A problem of edX's exports; see `HOLDING`."""
    return Problem(
        "edx",
        table,
        kind,
        subject,
        message,
        "nudges" if kind in HOLDING else None,
        rows=rows,
        part=programme_id,
    )


def _stray_problems(strays: Sequence[Stray], hint: str = "") -> list[Problem]:
    found = [
        _problem(
            stray.programme_id,
            "unknown_file",
            stray.path,
            f"{stray.path} is not read: {why_not(stray.path)}",
        )
        for stray in strays
        if stray.programme_id is not None
    ]
    nobodys = sorted(stray.path for stray in strays if stray.programme_id is None)
    for folder, paths in groupby(nobodys, key=_folder):
        files = list(paths)
        if folder is None:
            message = (
                f"{_several(files)} not read: exports lie in the folder of their programme, such as "
                f"{PROGRAMMES_FOLDER}buslead/."
            )
        else:
            message = (
                f"{PROGRAMMES_FOLDER}{folder}/ is not read ({len(files)} "
                f"{'file' if len(files) == 1 else 'files'}): no programme has this id. Add "
                f'[[programmes]] with id = "{folder}" to pipeline.toml, or correct the name of the '
                "folder."
            )
        found.append(
            _problem(None, "unknown_folder", folder or PROGRAMMES_FOLDER, f"{message}{hint}")
        )
    return found


def _folder(path: str) -> str | None:
    folder, _, below = path.removeprefix(PROGRAMMES_FOLDER).partition("/")
    return folder if below else None


def _several(files: Sequence[str]) -> str:
    shown = ", ".join(files[:NAMED]) + (" and others" if len(files) > NAMED else "")
    return f"{shown} {'is' if len(files) == 1 else 'are'}"


def _unclaimed(exports: pl.DataFrame) -> list[Problem]:
    runs = (
        exports.filter(pl.col("course_id").is_null())
        .group_by("programme_id", "run", maintain_order=True)
        .agg(pl.col("path").sort())
    )
    return [
        _problem(
            programme,
            "unclaimed_export",
            run,
            f"{_several(paths)} not read: no course of {programme} has a key that {run} begins with. "
            f"Add the course to [[programmes.courses]] of {programme}, correct its key, or move what "
            "is of another programme into its folder.",
        )
        for programme, run, paths in runs.iter_rows()
    ]


def _unreadable(exports: pl.DataFrame) -> list[Problem]:
    problems = []
    for export in exports.filter(pl.col("error").is_not_null()).iter_rows(named=True):
        instead = exports.filter(
            "current",
            pl.col("programme_id") == export["programme_id"],
            pl.col("run") == export["run"],
            pl.col("kind") == export["kind"],
        )
        older = f" Until then {instead['path'][0]} counts." if instead.height else ""
        message = f"{export['path']}: {export['error']}{older}"
        problems.append(
            _problem(
                export["programme_id"],
                "unreadable_file",
                export["path"],
                message,
                table=export["kind"],
            )
        )
    return problems


def _unreadable_lists(lists: pl.DataFrame) -> list[Problem]:
    return [
        _problem(
            programme,
            "unreadable_opt_ins",
            path,
            f"{path}: {error} Until then nobody knows from it who wants no e-mail.",
            table="opt_ins",
        )
        for programme, path, error in lists.drop_nulls("error")
        .select("programme_id", "path", "error")
        .iter_rows()
    ]


def _without_export(programmes: Sequence[Programme], exports: pl.DataFrame) -> list[Problem]:
    """Listed runs that no export mentions, but for those that begin after the newest export."""
    problems = []
    for programme in programmes:
        of = exports.filter(pl.col("programme_id") == programme.id)
        if of.is_empty():
            message = (
                f"No export of {programme.id} has landed. Put each run's student profile and grade "
                f"report into {PROGRAMMES_FOLDER}{programme.id}/ of the landing zone."
            )
            problems.append(_problem(programme.id, "no_exports", programme.id, message))
            continue
        mentioned = {folded(run) for run in of["run"]}
        newest = of.select(pl.col("stamp").max().dt.date()).item()
        for run in programme.runs:
            key = programme.run_key(run)
            if folded(key) in mentioned or (run.starts is not None and run.starts > newest):
                continue
            message = (
                f"{run.course}/{run.run} is listed in pipeline.toml, and no export is of it: none in "
                f"{PROGRAMMES_FOLDER}{programme.id}/ begins with {key}. Download its student profile "
                "and grade report, or correct the run; one that has yet to start needs its starts = …"
            )
            problems.append(_problem(programme.id, "run_without_export", key, message))
    return problems


def _many_rejected(
    exports: pl.DataFrame, lists: pl.DataFrame, rejected: pl.DataFrame
) -> list[Problem]:
    columns = ("programme_id", "path", "rows")
    received = pl.concat([exports.select(columns), lists.select(columns)])
    many = (
        rejected.join(received, left_on="file", right_on="path", suffix="_received")
        .filter(pl.col("rows") > MANY_REJECTED * pl.col("rows_received"))
        .sort("file", "rule", "programme_id")
    )
    return [
        _problem(
            row["programme_id"],
            "many_rejected",
            row["file"],
            f"{row['file']}: {row['rows']:,} of {row['rows_received']:,} rows "
            f"({percent(row['rows'] / row['rows_received'])}) are not counted: "
            f"{row['rule'].replace('_', ' ')}, first in line {row['line']}. Look at them in "
            "rejected_rows, and download the report again if it was changed by another program.",
            rows=row["rows"],
        )
        for row in many.iter_rows(named=True)
    ]


def _unknown_tracks(tracks: pl.DataFrame) -> list[Problem]:
    return [
        _problem(
            programme,
            "unknown_track",
            track,
            f"Track {track} of {rows:,} {'result' if rows == 1 else 'results'} of {programme} is in "
            "no list of its tracks: a pass on it is neither an audit pass nor, unless one of a paid "
            f'track was delivered, a certificate. Add "{track}" to paid_tracks of {programme} in '
            "pipeline.toml if its certificates count, else to free_tracks (docs/configuration.md has "
            "the default); if it is no track, download the report again.",
            rows=rows,
        )
        for programme, track, rows in tracks.select("programme_id", "track", "rows").iter_rows()
    ]
