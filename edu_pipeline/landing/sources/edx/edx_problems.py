"""What is wrong with a programme's exports, in sentences that say what to do.

Pure: frames and settings in, frames out. They hold no teacher's letter; because of some, nudges wait.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from edu_pipeline.ground.toml import toml_list, toml_text
from edu_pipeline.ground.wording import counted, percent
from edu_pipeline.landing.rules import SUPERSEDED
from edu_pipeline.landing.sources.edx.edx_evidence import Evidence
from edu_pipeline.landing.sources.edx.edx_guesses import LIKE, alike, courses_of
from edu_pipeline.landing.sources.edx.edx_names import is_edx_s_own, parsed, why_not
from edu_pipeline.landing.sources.edx.edx_reading import UnknownHeader
from edu_pipeline.landing.sources.edx.edx_reports import CERTIFICATES, ENROLMENTS, ISSUED, OPT_INS
from edu_pipeline.landing.sources.edx.edx_versions import loss_problem
from edu_pipeline.landing.sources.edx.exports import Stray, course_runs, unknown_runs
from edu_pipeline.landing.sources.edx.stage import DIFFERENT, PERCENT, SHARES, UNCLEAR
from edu_pipeline.model.course_keys import folded
from edu_pipeline.model.problems import Problem, problems_frame
from edu_pipeline.model.programmes import FINAL, outdated
from edu_pipeline.settings.landing import PROGRAMMES_FOLDER
from edu_pipeline.settings.programmes import Programme

MANY_REJECTED = 0.05
"""Share of an export's rows whose rejection by one rule is a problem of the export."""
NAMED = 3
LONG_AGO = timedelta(days=30)
"""So long after a run's certificates could be had, its grade report is not waited for any more."""
APART = 0.2
"""Share of a profile's learners whom a grade report, made at the same time or later, may not have."""
CROSSED = 0.05
"""So many learners of two reports of one day may have changed between them, as a share."""
NEARLY_ALL = 0.9
_UNREAD = {
    OPT_INS: "who wants no e-mail",
    CERTIFICATES: "who was issued the programme's certificate",
    ISSUED: "who was issued a certificate of the run",
    ENROLMENTS: "who is or was enrolled in the run",
}
TWICE = (SUPERSEDED, DIFFERENT)
"""Rows of learners who stand there again."""
Row = Mapping[str, Any]
ONLY_SAID = (
    *("unknown_file", "unknown_folder", "no_exports", "several_accounts"),
    "certificates_of_others",
)
"""Because of all others somebody may be told what is not so, or who wants no mail: nudges wait."""


def find_programme_problems(
    programmes: Sequence[Programme],
    strays: Sequence[Stray],
    exports: pl.DataFrame,
    lists: pl.DataFrame,
    evidence: Evidence,
    headers: Sequence[UnknownHeader],
    today: date,
) -> pl.DataFrame:
    """What a person must look at.

    Args:
        programmes: As `pipeline.toml` has them.
        strays: Files that are no exports of a programme.
        exports: `EdxExports`.
        lists: `EdxLists`.
        evidence: `edx_evidence.counted`.
        headers: `unknown_headers` of the reports that are `bare` by it.
        today: The day on which this is looked at.

    Returns:
        `LandingProblems`, without `since`.
    """
    found = [
        *_stray_problems(strays),
        *_unclaimed(programmes, exports),
        *_unreadable(exports),
        *_told(
            lists.drop_nulls("error").with_columns(table="kind"),
            "unreadable_list",
            "path",
            lambda row: (
                f"{row['path']}: {row['error']} Until then nobody knows from it {_UNREAD[row['kind']]}."
            ),
        ),
        *_of_others(lists, evidence["of_others"]),
        *_without_export(programmes, exports, evidence["packaged"]),
        *_without_grades(programmes, exports, today),
        *_unknown_columns(exports, headers),
        *_many_rejected(exports, lists, evidence["rejected"]),
        *_in_percent(exports, evidence["scales"]),
        *_unknown_tracks(programmes, evidence["tracks"]),
        *_unpaid_certificates(programmes, evidence["unpaid"]),
        *_rows_differ(exports, evidence["rejected"]),
        *_copies_differ(exports),
        *_told(
            evidence["twins"],
            "saved_twice",
            "other",
            "{file} and {other} have the same {rows:,} learners with the same grades: one report was "
            "saved under the names of two runs. Download both again.",
        ),
        *_rows_crossed(evidence["crossed"]),
        *_other_run(exports, evidence["named"]),
        *_other_mark(programmes, exports, evidence["verdicts"]),
        *_apart(exports, evidence["apart"], evidence["rejected"]),
        *_shared_addresses(evidence["shared"]),
        *_several_accounts(evidence["several"]),
    ]
    return problems_frame(
        [
            *_lost(exports),
            *(
                each.releasable("Or, if nudges may rest on it as it is") if each.holds else each
                for each in found
            ),
        ]
    )


def without_programmes(strays: Sequence[Stray]) -> pl.DataFrame:
    """What to do about edX's exports in a home whose settings have no programmes.

    Args:
        strays: Files below `micromasters/`.

    Returns:
        `LandingProblems`, without `since`.
    """
    return problems_frame(_stray_problems(strays, " How: edu-pipeline docs programmes"))


def _problem(
    programme_id: str | None,
    kind: str,
    subject: str,
    message: str,
    *,
    rows: int = 0,
    table: str = "reports",
) -> Problem:
    """A problem of edX's exports; see `ONLY_SAID`."""
    return Problem(
        "edx",
        table,
        kind,
        subject,
        message,
        None if kind in ONLY_SAID else "nudges",
        rows=rows,
        part=programme_id,
    )


def _told(
    found: pl.DataFrame, kind: str, subject: str, sentence: str | Callable[[Row], str]
) -> list[Problem]:
    """A problem per row of a frame with `programme_id`, perhaps `rows` and `table`.

    Args:
        found: What is told.
        kind: See `ONLY_SAID`.
        subject: Name of the column.
        sentence: With names of columns in braces, as for `str.format`; or what makes one of a row.
    """
    return [
        _problem(
            row["programme_id"],
            kind,
            row[subject],
            sentence.format_map(row) if isinstance(sentence, str) else sentence(row),
            rows=row.get("rows") or 0,
            table=row.get("table", "reports"),
        )
        for row in found.iter_rows(named=True)
    ]


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
    nobodys: dict[str | None, list[str]] = {}
    for path in sorted(stray.path for stray in strays if stray.programme_id is None):
        folder, slash, _ = path.removeprefix(PROGRAMMES_FOLDER).partition("/")
        nobodys.setdefault(folder if slash else None, []).append(path)
    for of, files in nobodys.items():
        if of is None:
            message = (
                f"{_several(files)} not read: exports lie in the folder of their programme, such as "
                f"{PROGRAMMES_FOLDER}buslead/."
            )
        else:
            message = (
                f"{PROGRAMMES_FOLDER}{of}/ is not read ({counted(len(files), 'file')}): no programme has "
                f'this id. Add [[programmes]] with id = "{of}" to pipeline.toml{_courses_seen(files)}, or '
                "correct the name of the folder."
            )
        subject = of or PROGRAMMES_FOLDER
        found.append(_problem(None, "unknown_folder", subject, f"{message}{hint}"))
    return found


def _courses_seen(paths: Sequence[str]) -> str:
    """The keys of the courses in the names of some exports, to paste."""
    runs = sorted({name.run for path in paths if (name := parsed(path)) is not None})
    keys = [f'key = "{course}"' for course, _ in courses_of(runs)]
    if not keys:
        return ""
    shown = ", ".join(keys[:NAMED]) + (" …" if len(keys) > NAMED else "")
    return f" and a [[programmes.courses]] for each of its courses (by the names of the files: {shown})"


def _several(files: Sequence[str]) -> str:
    shown = ", ".join(files[:NAMED]) + (" and others" if len(files) > NAMED else "")
    return f"{shown} {'is' if len(files) == 1 else 'are'}"


def _unclaimed(programmes: Sequence[Programme], exports: pl.DataFrame) -> list[Problem]:
    runs = (
        exports.filter(pl.col("course_id").is_null())
        .group_by("programme_id", "run", maintain_order=True)
        .agg(pl.col("path").sort())
    )
    of = {programme.id: programme for programme in programmes}
    claimed = set(exports.select("programme_id", "course_id").drop_nulls().iter_rows())

    def sentence(row: Row) -> str:
        programme, run = row["programme_id"], row["run"]
        return (
            f"{_several(row['path'])} not read: no course of {programme} has a key that {run} begins with. "
            f"{_nearest_course(of[programme], run, claimed)}Add the course to [[programmes.courses]] of "
            f"{programme}, correct its key, or move what is of another programme into its folder."
        )

    return _told(runs, "unclaimed_export", "run", sentence)


def _nearest_course(programme: Programme, run: str, claimed: set[tuple[str, str]]) -> str:
    """The course that a run may be of, if its key were written otherwise, with the line to paste."""
    found = []
    keys = ((course, key) for course, keys in programme.course_keys.items() for key in keys)
    for course, key in keys:
        # the course's key has as many parts as the one in the settings
        seen = "_".join(run.split("_")[: key.count("_") + 1])
        found.append((alike(seen, key), (programme.id, course) not in claimed, course, seen))
    likeness, _, course, seen = max(found, default=(0.0, False, "", ""))
    if likeness < LIKE:
        return ""
    known = programme.course_keys[course]
    more = (*known, seen) if len(known) > 1 or (programme.id, course) in claimed else None
    return f"If it is the course {course}, paste there: key = {toml_list(more) if more else toml_text(seen)}. "


def _unreadable(exports: pl.DataFrame) -> list[Problem]:
    key = ["programme_id", "run", "kind"]
    older = exports.filter("current").select(
        *key, older=pl.format(" Until then {} counts.", "path")
    )
    found = exports.drop_nulls("error").drop("rows").join(older, on=key, how="left")
    return _told(
        found.with_columns(pl.col("older").fill_null(""), table="kind").sort(
            "programme_id", "path"
        ),
        "unreadable_file",
        "path",
        "{path}: {error}{older}",
    )


def _unknown_columns(exports: pl.DataFrame, headers: Sequence[UnknownHeader]) -> list[Problem]:
    """Grade reports without certificates, of which columns with other names have the words of edX's."""
    said = [
        (
            path,
            ", ".join(
                f"{toml_text(name)} = {toml_text(edx_s)}" for name, edx_s in of.guessed.items()
            ),
        )
        for of in headers
        if of.guessed
        for path in of.files
    ]
    found = pl.DataFrame(said, schema={"path": pl.String, "lines": pl.String}, orient="row")
    return _told(
        found.join(exports.drop("rows"), on="path", maintain_order="left"),
        "unknown_columns",
        "path",
        "{path}: it has no column of tracks and certificates that edX would call so, but others in which all "
        "cells look like it: nobody has a certificate by it. Say what edX calls them under "
        "[landing.edx.columns] of pipeline.toml: {lines}.",
    )


def _of_others(lists: pl.DataFrame, found: pl.DataFrame) -> list[Problem]:
    """Lists of programme certificates that are of no programme whose they are by their place."""

    def sentence(row: Row) -> str:
        names = row["programs"]
        shown = ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
        return (
            f"{row['path']}: none of its rows is of {row['programme_id']}; they name {shown}. If one of these "
            f"is it, paste into its [[programmes]]: program = {toml_text(names[0])}. Else move the list to "
            "the folder of its programme."
        )

    of = lists.filter(kind=CERTIFICATES).select("programme_id", "path")
    return _told(
        found.join(of, on="path", maintain_order="left"),
        "certificates_of_others",
        "path",
        sentence,
    )


def _without_export(
    programmes: Sequence[Programme], exports: pl.DataFrame, packaged: pl.DataFrame
) -> list[Problem]:
    """Listed runs that nothing mentions, but for those that begin after the newest export.

    And courses that a programme needs, of which there is neither an export nor a run to come.
    """
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
        for run, seen in unknown_runs(programme, of, packaged).items():
            key = programme.run_key(run)
            message = (
                f"{run.course}/{run.run} is listed in pipeline.toml, and no export is of it: none in "
                f"{PROGRAMMES_FOLDER}{programme.id}/ begins with {key}. "
            )
            if seen is not None:
                message += (
                    f"{seen} has exports and is not listed. If it is this run, paste into its "
                    f'[[programmes.runs]]: run = "{seen}". Until then nobody is invited to it.'
                )
                problems.append(_problem(programme.id, "run_spelled_otherwise", key, message))
                continue
            message += (
                "Download its student profile and grade report, or correct the run; one that has yet "
                "to start needs its starts = … Until then nobody is invited to it."
            )
            problems.append(_problem(programme.id, "run_without_export", key, message))
        needed = {*programme.requirement.courses(), programme.capstone} - {None}
        tables = packaged.filter(programme_id=programme.id)["course_id"]
        known = {*of["course_id"], *tables, *(run.course for run in programme.runs)}
        problems += [
            _problem(
                programme.id,
                "course_without_export",
                course,
                f"{programme.id} needs the course {course}, and no export is of it: nobody knows who "
                f"completed it. Download the student profile and grade report of each of its runs "
                f"({programme.course_keys[course][0]}_…), or add its first run to [[programmes.runs]] with "
                "starts = … if there was none yet.",
            )
            for course in programme.course_keys
            if course in needed - known and of["course_id"].count()
        ]
    return problems


def _without_grades(
    programmes: Sequence[Programme], exports: pl.DataFrame, today: date
) -> list[Problem]:
    """Runs of which no grade report landed, or one from before their certificates only.

    Whoever comes back for later exports, or for none in `LONG_AGO`, has forgotten that one.
    """
    of_grades = pl.col("kind") == "grades"
    kept = (
        exports.drop_nulls("course_id")
        .with_columns(by=pl.col("stamp").max().over("programme_id").dt.date())
        .group_by("programme_id", "run", by=pl.max_horizontal("by", pl.lit(today - LONG_AGO)))
        .agg(
            pl.col("stamp").filter("current", of_grades).max(),
            graded=of_grades.any(),
            seen=pl.col("stamp").max().dt.date(),
        )
    )
    runs = course_runs(programmes, exports).with_columns(final=FINAL)
    runs = runs.join(kept, on=["programme_id", "run"], maintain_order="left")
    begun = (pl.col("starts") <= pl.col("seen")).fill_null(value=True)
    return [
        *_told(
            runs.filter(~pl.col("graded"), begun),
            "no_grade_report",
            "run",
            "{run} has exports and no grade report among them: nobody knows who passed it or has its "
            "certificate. Download its grade report from the instructor dashboard.",
        ),
        *_told(
            runs.filter(outdated(pl.col("by"))),
            "outdated_grade_report",
            "run",
            "The newest grade report of {run} is of {stamp:%Y-%m-%d}, from before its certificates "
            "could be had ({final}): nobody knows who passed it or has one. Download it again, or "
            "correct the dates of the run.",
        ),
    ]


def _many_rejected(
    exports: pl.DataFrame, lists: pl.DataFrame, rejected: pl.DataFrame
) -> list[Problem]:
    why = pl.format("{} {}", pl.col("rule").str.replace_all("_", " "), pl.col("rows"))
    files = (
        rejected.filter(~pl.col("rule").is_in(TWICE))
        .sort("file", "line")
        .group_by(path="file", maintain_order=True)
        .agg(pl.sum("rows"), pl.first("line"), why=why.str.join(", "))
    )
    received = pl.concat(
        each.select("programme_id", "path", received="rows") for each in (exports, lists)
    )
    many = files.join(received, on="path").filter(
        pl.col("rows") > MANY_REJECTED * pl.col("received")
    )
    share = (pl.col("rows") / pl.col("received")).map_elements(percent, pl.String)
    return _told(
        many.with_columns(share=share).sort("path", "programme_id"),
        "many_rejected",
        "path",
        "{path}: {rows:,} of {received:,} rows ({share}) are not counted: {why}, first in line {line}. "
        "Look at them in rejected_rows, and download the report again if it was changed by another "
        "program.",
    )


def _lost(exports: pl.DataFrame) -> list[Problem]:
    """Newest reports that lost what the one before had, with the one that counts until then."""
    problems = []
    for row in exports.drop_nulls("doubt").iter_rows(named=True):
        key = row["programme_id"], row["run"], row["kind"]
        counts = exports.filter("current", programme_id=key[0], run=key[1], kind=key[2])
        instead = None if row["current"] or counts.is_empty() else counts["path"][0]
        problems.append(loss_problem(key, row["path"], row["doubt"], row["sha256"], instead))
    return problems


def _in_percent(exports: pl.DataFrame, scales: pl.DataFrame) -> list[Problem]:
    """Grade reports whose grades are no shares from 0 to 1 as edX writes them."""
    said = {
        PERCENT: "all are read as percentages, a 1 as 1 %",
        UNCLEAR: "others are between 0 and 1, so that none can be read and none counts",
    }
    found = scales.filter(pl.col("scale") != SHARES).rename({"file": "path", "grades": "rows"})
    return _told(
        found.with_columns(pl.col("scale").replace_strict(said, return_dtype=pl.String))
        .join(exports.drop("rows"), on="path")
        .sort("path"),
        "grades_in_percent",
        "path",
        "{path}: {above:,} of {rows:,} grades are above 1, where edX writes grades between 0 and 1; "
        "{scale}. Download the report again and leave it as it comes.",
    )


def _rows_differ(exports: pl.DataFrame, rejected: pl.DataFrame) -> list[Problem]:
    return _told(
        rejected.filter(rule=DIFFERENT)
        .join(exports.drop("rows"), left_on="file", right_on="path")
        .sort("file"),
        "rows_differ",
        "file",
        "{file}: some learners stand there twice, with two grades, tracks or certificates ({rows:,} of its "
        "rows, first in line {line}). Which is right nobody knows; the later one counts. Download it "
        "again and leave it as it comes.",
    )


def _copies_differ(exports: pl.DataFrame) -> list[Problem]:
    """Files of one run, report and minute, one of which counts, that are not the same."""
    copies = (
        exports.filter(pl.col("error").is_null())
        .filter(pl.col("path").map_elements(is_edx_s_own, pl.Boolean))
        .group_by("programme_id", "run", "kind", "stamp", maintain_order=True)
        .agg(
            pl.col("sha256").drop_nulls().n_unique(),
            pl.col("doubt").count(),
            path=pl.col("path").str.join(" and "),
            counts=pl.col("path").filter("current").first(),
        )
    )
    return _told(
        copies.filter(pl.col("sha256") > 1, pl.col("doubt") == 0, pl.col("counts").is_not_null()),
        "copies_differ",
        "counts",
        "{path} are one report by their names, and differ: one was cut or changed. {counts} counts. "
        "Download it again, and delete these.",
    )


def _rows_crossed(crossed: pl.DataFrame) -> list[Problem]:
    """Reports of one run and day that say of too many learners what is another's."""
    few = pl.max_horizontal(pl.lit(1), CROSSED * pl.col("rows"))
    moved = pl.col("up") + pl.col("down")
    both_ways = (pl.min_horizontal("up", "down") > 1) & (moved > few)
    return _told(
        crossed.with_columns(moved=moved).filter(both_ways | (pl.col("renamed") > few)),
        "rows_crossed",
        "run",
        "Of {rows:,} learners whom both {profile} and {grades} have, {moved:,} are on another track in "
        "the other one, and {renamed:,} have another username or address there, though both are of one "
        "day: some columns were sorted without the others. Download both again and leave them as they "
        "come.",
    )


def _other_run(exports: pl.DataFrame, named: pl.DataFrame) -> list[Problem]:
    """Files whose rows nearly all say that they are of another run than the file's name."""

    def stranger(row: dict[str, str | None]) -> bool:
        said = [text for text in (row["course"], row["course_run"]) if text]
        key = f"_{folded(row['run'] or '')}_"  # what is a number only is the site's own
        return any(
            f"_{folded(text)}_" not in key and re.search("[a-z]", text, re.IGNORECASE)
            for text in said
        )

    of = exports.select("programme_id", "run", file="path", received="rows")
    rows = named.join(of, on="file").sort("file", "rows", descending=[False, True])
    strange = pl.Series([stranger(row) for row in rows.iter_rows(named=True)], dtype=pl.Boolean)
    says = pl.coalesce("course_run", "course").first()
    others = (
        rows.filter(strange)
        .group_by(of.columns, maintain_order=True)
        .agg(pl.sum("rows"), says=says)
    )
    return _told(
        others.filter(pl.col("rows") > NEARLY_ALL * pl.col("received")),
        "other_run",
        "file",
        "{file}: by their columns course_id and course_run {rows:,} of its {received:,} rows are of another "
        "run ({says}) than its name says. Give it back the name that it was downloaded with, or download it "
        "again.",
    )


def _other_mark(
    programmes: Sequence[Programme], exports: pl.DataFrame, verdicts: pl.DataFrame
) -> list[Problem]:
    """Runs with another pass mark in edX, by whom it calls eligible for a certificate.

    A learner here and there is on a list of edX's whatever the grade, or in an embargoed country; and
    who is on no paid track is eligible in old reports only.
    """
    marks = course_runs(programmes, exports).select("programme_id", "run", "course_id", "pass_mark")
    grade, mark, rows, yes = (pl.col(name) for name in ("grade", "pass_mark", "rows", "eligible"))
    no = ~yes & pl.col("paid")
    below, above = yes & (grade < mark) & (~yes).any(), no & (grade >= mark)
    runs = (
        verdicts.join(marks, on=["programme_id", "run"])
        .group_by("programme_id", "run", "course_id", "pass_mark", maintain_order=True)
        .agg(
            rows=rows.filter(below | above).sum(),
            judged=rows.filter(yes | no).sum(),
            below=rows.filter(below).sum(),
            above=rows.filter(above).sum(),
            another=(grade.filter(no).max() < grade.filter(yes).min()).fill_null(value=True),
        )
    )
    several = rows > pl.when("another").then(0).otherwise(1)
    return _told(
        runs.filter(several, rows > CROSSED * pl.col("judged")),
        "other_pass_mark",
        "run",
        "{run}: by pipeline.toml {course_id} is passed from {pass_mark:g}. edX calls {below:,} learners below "
        "that eligible for a certificate, and {above:,} from there on, on a paid track, not: nobody knows "
        "who passed. Correct its pass_mark to what the course has in edX.",
    )


def _apart(exports: pl.DataFrame, apart: pl.DataFrame, rejected: pl.DataFrame) -> list[Problem]:
    """Profiles and grade reports of one run that are not about the same people."""
    lost = (
        rejected.filter(~pl.col("rule").is_in(TWICE))
        .group_by(grades="file")
        .agg(lost=pl.sum("rows"))
    )
    grades = exports.filter("current", kind="grades").select(
        "programme_id", "run", "stamp", grades="path"
    )
    pairs = (
        exports.filter("current", kind="profile")
        .rename({"path": "profile", "rows": "received"})
        .join(apart.rename({"learners": "rows"}), on="profile")
        .join(grades, on=["programme_id", "run"], suffix="_of_grades")
        .join(lost, on="grades", how="left")
        .filter(pl.col("rows") - pl.col("lost").fill_null(0) > APART * pl.col("received"))
        .sort("profile")
    )
    which = "{rows:,} of the {received:,} learners of {profile} are "
    later = pl.col("stamp_of_grades") >= pl.col("stamp")
    return [
        *_told(
            pairs.filter(pl.col("renamed") > 0),
            "ids_apart",
            "run",
            f"{which}not in {{grades}}, and {{renamed:,}} of them are there under the same username and "
            "another id: one of the two has a site's own number where edX's id should be. Download both "
            "again, with edX's column of ids (id, or Student ID in grade reports).",
        ),
        *_told(
            pairs.filter(later, pl.col("rows") > 1, pl.col("renamed") == 0),
            "reports_apart",
            "run",
            f"{which}missing in {{grades}}, though it is no older: it was cut, it is of other people, or "
            "it lists only some (verified ones). Download both again.",
        ),
    ]


def _shared_addresses(shared: pl.DataFrame) -> list[Problem]:
    """Accounts that may be one person's: what they hold is not put together."""
    return _of_accounts(
        shared,
        "shared_address",
        "have the same e-mail address and names that share no word, and each has certificates",
        "They are likely one person, but are counted as several, and each may be told to take what "
        "another holds. Ask edX to merge them, or correct the address or the name.",
    )


def _several_accounts(several: pl.DataFrame) -> list[Problem]:
    """Accounts that are taken for one person's."""
    return _of_accounts(
        several,
        "several_accounts",
        "share an e-mail address and a name, and each has certificates",
        "They are taken for one person, who counts once and gets one letter by what the accounts hold "
        "together; the report has a row for each. Ask edX to merge them, so that one has the "
        "certificates of all.",
    )


def _of_accounts(found: pl.DataFrame, kind: str, how: str, then: str) -> list[Problem]:
    def sentence(row: Row) -> str:
        times = len(row["learner_ids"])
        shown = [" and ".join(ids) for ids in row["learner_ids"][:NAMED]]
        shown += [f"{times - NAMED:,} more"] if times > NAMED else []
        return (
            f"{'Accounts' if times == 1 else f'{times:,} times accounts'} of {row['programme_id']} {how}: "
            f"{'; '.join(shown)}. {then}"
        )

    accounts = found.group_by("programme_id", maintain_order=True).agg(
        "learner_ids", rows=pl.col("learner_ids").list.len().sum()
    )
    return _told(accounts, kind, "programme_id", sentence)


def _unknown_tracks(programmes: Sequence[Programme], tracks: pl.DataFrame) -> list[Problem]:
    of = {programme.id: programme for programme in programmes}

    def sentence(row: Row) -> str:
        programme, track = of[row["programme_id"]], row["track"]
        said = (
            f"Track {track} of {counted(row['rows'], 'result')} of {programme.id} is in "
            "no list of its tracks: a pass on it is neither an audit pass nor, unless one of a paid "
            "track was delivered, a certificate. "
        )
        if not track.isascii() or " " in track:
            return f"{said}It is no word that edX has for a track: download the report again."
        return (
            f"{said}If its certificates count, paste into [[programmes]] of {programme.id}: "
            f"{_tracks('paid_tracks', (*programme.paid_tracks, track))}; if it costs nothing: "
            f"{_tracks('free_tracks', (*programme.free_tracks, track))}. If it is no track, download the "
            "report again."
        )

    return _told(tracks, "unknown_track", "track", sentence)


def _tracks(name: str, tracks: Sequence[str]) -> str:
    return f"{name} = {toml_list(tracks)}"


def _unpaid_certificates(programmes: Sequence[Programme], unpaid: pl.DataFrame) -> list[Problem]:
    """Programmes in which every certificate was delivered on a track that is held to be free."""
    of = {programme.id: programme for programme in programmes}

    def sentence(row: Row) -> str:
        programme, track, rows = of[row["programme_id"]], row["track"], row["rows"]
        free = [each for each in programme.free_tracks if each != track]
        return (
            f"{counted(rows, 'certificate')} of {programme.id} "
            f"{'was' if rows == 1 else 'were'} delivered on the track {track} and none on a paid one, "
            f"and {track} is held to be free: nobody completes anything. If these certificates count, "
            f"paste into [[programmes]] of {programme.id}: "
            f"{_tracks('paid_tracks', (*programme.paid_tracks, track))} and {_tracks('free_tracks', free)}."
        )

    return _told(unpaid, "unpaid_certificates", "track", sentence)
