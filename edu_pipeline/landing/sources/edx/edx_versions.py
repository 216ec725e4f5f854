"""Whether the newest report of a run may take the place of the one that counted before.

A report is held against the one that was accepted last, which the warehouse remembers learner by
learner; where nothing is remembered, against older ones in the folder. Which files are read, and in
what order, is for `exports` to say; here is what was lost, and when that is too much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals, trimmed
from edu_pipeline.ground.warehouse import columns_of
from edu_pipeline.ground.wording import listed, percent
from edu_pipeline.landing.sources.edx.edx_names import Kind
from edu_pipeline.landing.sources.edx.edx_reports import COLUMNS, REPORTS, bare_id, said
from edu_pipeline.landing.tables.csvfile import CELLS
from edu_pipeline.model.problems import Problem

Key = tuple[str, str, Kind]
"""Programme, run and kind of report."""

ACCEPTED, OF_ACCEPTED = "accepted_reports", "accepted_learners"
"""The tables of what was accepted: the last report of each run and kind, and a row per learner of each."""
FEW = 0.05
"""So many learners, grades or certificates may go from one report to the next, as a share."""
FEW_WHO_LEFT = 0.2
"""The same of learners in reports that do not list who has left the run, and of paid tracks."""
ALONE = 1
"""One is no share of anything, however few there are; but a certificate is asked about by itself."""


@dataclass(frozen=True)
class Difference:
    """A report against the one before it, in learners; all 0 where there was none before."""

    learners: int
    before: int
    met: int
    """Of those before, still there."""
    lists_leavers: bool
    """Whether the report says who has left the run, so that nobody goes missing."""
    cut: bool
    """Its last row is shorter than all others."""
    grades: int = 0
    """Learners with a grade above 0 before."""
    grades_gone: int = 0
    """Of these, without any now; all of them where nobody has one above 0 any more."""
    certificates: int = 0
    """Learners with a certificate delivered before."""
    certificates_gone: int = 0
    tracks: int = 0
    """Learners on a paid track before who are still there."""
    tracks_gone: int = 0
    """Of these, on none now."""
    left_out: Sequence[str] = ()
    """Tracks of which every learner is gone, where others stayed."""

    @property
    def gone(self) -> int:
        """Learners before who are not in it."""
        return self.before - self.met


def losses(now: Difference, older: str) -> Sequence[str]:
    """What makes a report doubtful: too much of what the one before had is not in it.

    Args:
        now: The report.
        older: What to call the one before.

    Returns:
        Half sentences about the report, such as `it is empty`; none where nothing is doubtful.
    """
    most = FEW if now.lists_leavers else FEW_WHO_LEFT
    if now.before and not now.learners:
        return [
            f"it is empty: no row of a learner below the header, and {older} had {now.before:,}"
        ]
    found = []
    if now.cut:
        found.append("it ends in the middle of a row, as where a download was cut off")
    if _many(now.gone, now.before, most):
        share = percent(now.gone / now.before)
        if 2 * now.met < now.before <= 2 * now.learners:
            found.append(
                f"it is about other people: of the {now.before:,} learners of {older} {now.met:,} are "
                f"among its {now.learners:,}"
            )
        else:
            only = f", among them everybody on {listed(list(now.left_out))}" if now.left_out else ""
            found.append(
                f"{now.gone:,} of the {now.before:,} learners ({share}) of {older} are missing in it"
                f"{only}; it has {now.learners:,}"
            )
    elif _many(now.grades_gone, now.grades, FEW):
        found.append(
            f"{now.grades_gone:,} of the {now.grades:,} learners with a grade in {older} have none above 0 in "
            "it"
        )
    if _many(now.certificates_gone, now.certificates, FEW):
        found.append(
            f"{now.certificates_gone:,} of the {now.certificates:,} certificates delivered in {older} "
            "are gone"
        )
    if _many(now.tracks_gone, now.tracks, FEW_WHO_LEFT):
        found.append(
            f"{now.tracks_gone:,} of the {now.tracks:,} learners on a paid track in {older} are on none"
        )
    return found


def asked(now: Difference, older: str) -> Sequence[str]:
    """What a person must look at though the report counts: single certificates that are gone.

    Args:
        now: The report.
        older: What to call the one before.
    """
    if not now.certificates_gone:
        return []
    one = now.certificates_gone == 1
    return [
        f"{now.certificates_gone:,} of the {now.certificates:,} certificates delivered in {older} "
        f"{'is' if one else 'are'} gone in it: revoked, or the learner is missing"
    ]


def loss_problem(
    key: Key, path: str, doubt: str, sha256: str, instead: str | None = None
) -> Problem:
    """What a person must say of a report that lost something.

    Args:
        key: Programme, run and kind.
        path: The report's.
        doubt: What it lost, by `losses` or `asked`.
        sha256: Digest of its content: a release is of this very file.
        instead: The report that counts until then; None: this one does.
    """
    programme, _, kind = key
    until = (
        f"Until somebody has looked, {instead} counts."
        if instead is not None
        else f"It counts all the same, and nudges of {programme} wait."
    )
    return Problem(
        source="edx",
        table=REPORTS[kind],
        kind="report_lost",
        subject=path,
        part=programme,
        holds="nudges",
        message=f"{path}: {doubt}. {until} If edX's report is right in the instructor dashboard, "
        "download it again.",
        content=sha256,
        known_as=doubt,
    ).releasable("If this one is right")


def _many(gone: int, before: int, most: float) -> bool:
    return gone > ALONE and gone > most * before


def create_accepted(con: duckdb.DuckDBPyConnection) -> None:
    """Make the empty tables of what was accepted, unless they are there."""
    # an older warehouse had one table of both
    if "learner_id" in (columns_of(con, ACCEPTED) or ()):
        con.execute(
            f"create table {OF_ACCEPTED} as select dense_rank() over (order by {_KEY}) as report, "
            f"learner_id, graded, scored, delivered, track from {ACCEPTED}"
        )
        con.execute(
            f"create or replace table {ACCEPTED} as select distinct on ({_KEY}) "
            f"dense_rank() over (order by {_KEY}) as report, {_KEY}, path, sha256 from {ACCEPTED}"
        )
    con.execute(
        f"create table if not exists {ACCEPTED} (report bigint, programme_id varchar, run varchar, "
        "kind varchar, path varchar, sha256 varchar)"
    )
    con.execute(
        f"create table if not exists {OF_ACCEPTED} (report bigint, learner_id varchar, graded boolean, "
        "scored boolean, delivered boolean, track varchar)"
    )


def accepted(con: duckdb.DuckDBPyConnection) -> dict[Key, tuple[str, str]]:
    """Path and digest of the report of each run and kind that was accepted last."""
    rows = con.execute(f"select {_KEY}, path, sha256 from {ACCEPTED}").fetchall()
    return {(programme, run, kind): (path, sha256) for programme, run, kind, path, sha256 in rows}


def accept(
    con: duckdb.DuckDBPyConnection, key: Key, path: str, sha256: str, rows: str | None = None
) -> None:
    """Remember a report as what the next one is held against.

    Args:
        con: The warehouse, after `create_accepted`.
        key: Programme, run and kind.
        path: The report's.
        sha256: Digest of its content.
        rows: SQL of what `accepted_learners` has of its rows; None: as its raw table has them.
    """
    con.execute(f"delete from {OF_ACCEPTED} where report = ({_REPORT})", _named(key))
    con.execute(f"delete from {ACCEPTED} where {_OF_KEY}", _named(key))
    con.execute(
        f"""
        insert into {ACCEPTED}
        select coalesce(max(report), 0) + 1, $programme, $run, $kind, $path, $sha256 from {ACCEPTED}
        """,
        {**_named(key), "path": path, "sha256": sha256},
    )
    # not told apart by learner here: that takes longer than all else, and most are never held against one
    con.execute(
        f"insert into {OF_ACCEPTED} by name select ({_REPORT}) as report, * from "
        f"({rows or _facts(key[2], literal(path))})",
        _named(key),
    )


def difference(
    con: duckdb.DuckDBPyConnection,
    key: Key,
    path: str,
    before: str | None,
    paid_tracks: Sequence[str],
    graded: str | None,
) -> Difference:
    """A report, which its raw table has, against the one before.

    Who has left the run, as its grade report says, is not missed in a profile.

    Args:
        con: The warehouse, after `create_accepted`.
        key: Programme, run and kind.
        path: The report's.
        before: Path of another report in the raw table; None: the one that was accepted last.
        paid_tracks: Of the programme.
        graded: Path of the run's grade report that counts, of a profile; None: there is none.
    """
    kind = key[2]
    cut = _is_cut(con, kind, path)
    if before is None and not con.execute(_REPORT, _named(key)).fetchall():
        learners = con.execute(f"from ({_facts(kind, '$path')}) limit 1", {"path": path}).fetchall()
        return Difference(len(learners), 0, 0, lists_leavers=False, cut=cut)
    parameters: dict[str, str | None] = {"path": path, "graded": graded}
    if before is None:
        earlier = f"select * exclude (report) from {OF_ACCEPTED} where report = ({_REPORT})"
        parameters |= _named(key)
    else:
        earlier = _facts(kind, "$before")
        parameters |= {"before": before}
    # a profile without the column of tracks says nothing: the grade report has them
    paid = f"{{}}.track in {literals(paid_tracks)}" if kind == "grades" else "false"
    lists_leavers = f"bool_or({'enrolled is not null' if kind == 'grades' else False})"
    found: pl.DataFrame = con.sql(
        f"""
        with has_left as (
          select {bare_id()} as learner_id from raw_grade_reports
          where _file = $graded and lower(trim(enrolled)) = 'unenrolled'
        ),
        now as ({_by_learner(_facts(kind, "$path"))}),
        before as (from ({_by_learner(earlier)}) anti join has_left using (learner_id)),
        pairs as (
          select now.learner_id is not null as there, before.learner_id is not null as was,
                 was and there as met, before.scored as had_grade,
                 coalesce(now.scored, false) as has_score,
                 before.scored and not coalesce(now.graded, false) as grade_gone,
                 before.delivered as had_certificate,
                 before.delivered and not coalesce(now.delivered, false) as certificate_gone,
                 met and {paid.format("before")} as was_paid,
                 was_paid and not coalesce({paid.format("now")}, false) as track_gone,
                 before.track as track_before
          from now full join before using (learner_id)
        ),
        tracks as (
          select track_before, bool_and(not there) as all_gone from pairs
          where was and track_before is not null group by track_before
        )
        select count(*) filter (there) as learners, count(*) filter (was) as before,
               count(*) filter (met) as met,
               coalesce((select {lists_leavers} from raw_{REPORTS[kind]} where _file = $path), false)
                 as lists_leavers,
               count(*) filter (had_grade) as grades,
               count(*) filter (if(scores = 0, had_grade, grade_gone)) as grades_gone,
               count(*) filter (had_certificate) as certificates,
               count(*) filter (certificate_gone) as certificates_gone,
               count(*) filter (was_paid) as tracks, count(*) filter (track_gone) as tracks_gone,
               coalesce((
                 select if(bool_and(all_gone), [], list(track_before order by track_before)
                   filter (all_gone)) from tracks
               ), []) as left_out
        from pairs, (select count(*) filter (has_score) as scores from pairs)
        """,
        params=parameters,
    ).pl()
    return Difference(**found.row(0, named=True), cut=cut)


def _is_cut(con: duckdb.DuckDBPyConnection, kind: Kind, path: str) -> bool:
    """Whether the last row of a report has fewer cells than any other."""
    ((cut,),) = con.execute(
        f"""
        with rows as (
          select _line, coalesce({CELLS}, {_WHOLE}) as cells, max(_line) over () as last
          from raw_{REPORTS[kind]} where _file = $path
        )
        select coalesce(max(cells) filter (_line = last) < min(cells) filter (_line < last), false)
        from rows
        """,
        {"path": path},
    ).fetchall()
    return bool(cut)


_KEY = "programme_id, run, kind"
_OF_KEY = "programme_id = $programme and run = $run and kind = $kind"
_REPORT = f"select report from {ACCEPTED} where {_OF_KEY}"
_WHOLE = 1_000_000
"""Cells of a row of which none is missing, where they are not counted: more than any that are."""


def _named(key: Key) -> dict[str, str]:
    return dict(zip(("programme", "run", "kind"), key, strict=True))


def _facts(kind: Kind, path: str) -> str:
    """SQL of a raw report's rows: the learner, whether there is a grade, one above 0, a certificate; the track.

    Rows without a learner are nobody's.
    """
    has = COLUMNS[kind]
    grade = (
        f"try_cast(replace({trimmed('grade')}, ',', '.') as double)" if "grade" in has else "null"
    )
    delivered = f"upper({trimmed('certificate_delivered')}) = 'Y'" if "grade" in has else "false"
    track = f"lower({said('track')})" if "track" in has else "null::varchar"
    return f"""
        select coalesce({bare_id()}, 'u:' || nullif({trimmed("username")}, '')) as learner_id,
               {grade} is not null as graded, coalesce({grade} > 0, false) as scored,
               coalesce({delivered}, false) as delivered, {track} as track
        from raw_{REPORTS[kind]} where _file = {path} and learner_id is not null
    """


def _by_learner(rows: str) -> str:
    return f"""
        select learner_id, bool_or(graded) as graded, bool_or(scored) as scored,
               bool_or(delivered) as delivered, max(track) as track
        from ({rows}) group by learner_id
    """
