"""One file of edX: its columns in all eras, and its rows into a raw table, as text.

Grade reports have hundreds of columns, one per problem; the few that count are picked by DuckDB while
it reads, the others never come to lie in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import duckdb
import polars as pl

from edu_pipeline.ground.sql import among, trimmed
from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.sources.edx.edx_names import Kind
from edu_pipeline.landing.tables.cells import cells_of
from edu_pipeline.landing.tables.csvfile import CELLS, OVERFLOW
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.tables.opened import Look, as_text, measured
from edu_pipeline.landing.tombstones import buried

OPT_INS: Final = "opt_ins"
CERTIFICATES: Final = "programme_certificates"
ISSUED: Final = "course_certificates"
ENROLMENTS: Final = "course_enrolments"
List = Literal["opt_ins", "programme_certificates", "course_certificates", "course_enrolments"]
"""An institution's list: of e-mail preferences, or of certificates of whole programmes; and edX's own tables
of what it issued in runs, and who was enrolled."""
Source = Kind | List
"""What a file is read as: a report of a run, or a list."""
TABLES: Mapping[Source, str] = {
    "profile": "profiles",
    "grades": "grade_reports",
    "grade_errors": "grade_errors",
    "opt_ins": "opt_ins",
    "programme_certificates": "programme_certificates",
    "course_certificates": "course_certificates",
    "course_enrolments": "course_enrolments",
}
"""What a source is called in `raw_…` and `rejected_…`."""
REPORTS: Mapping[Kind, str] = {kind: TABLES[kind] for kind in get_args(Kind)}
"""Those of runs."""
_ID = ("id", "student id", "user id")
_BLOCKS: Mapping[Source, Sequence[Sequence[str]]] = {
    "profile": (("id", "username", "name", "email"), ("id", "username")),
    "grades": (
        ("student id", "email", "username", "grade"),
        ("id", "email", "username", "grade"),
        (
            *("enrollment track", "verification status"),
            *("certificate eligible", "certificate delivered", "certificate type"),
        ),
    ),
}
"""Labels that stand side by side in reports as edX writes them, whatever a site puts around them:
there they are edX's own, and what is called so elsewhere is not."""
_OF_A_PLUGIN = {"course": ("course_id",), "course_run": ("course_run",)}
"""Which run a row is of, where a site says so."""
COLUMNS: Mapping[Source, Mapping[str, Sequence[str]]] = {
    "profile": {
        "user_id": _ID,
        "username": ("username",),
        "email": ("email",),
        "name": ("name",),
        "country": ("country",),
        "language": ("language",),
        "track": ("enrollment_mode",),
        "verification": ("verification_status",),
        **_OF_A_PLUGIN,
    },
    "grades": {
        "user_id": _ID,
        "username": ("username",),
        "email": ("email",),
        "grade": ("grade",),
        "track": ("enrollment track",),
        "verification": ("verification status",),
        "certificate_eligible": ("certificate eligible",),
        "certificate_delivered": ("certificate delivered",),
        "certificate_type": ("certificate type",),
        "enrolled": ("enrollment status",),
        **_OF_A_PLUGIN,
    },
    "grade_errors": {"user_id": _ID, "username": ("username",)},
    "opt_ins": {
        "user_id": _ID,
        "username": ("username",),
        "email": ("email",),
        "opted_in": ("is_opted_in_for_email",),
        "set_at": ("preference_set_datetime",),
    },
    "programme_certificates": {
        "user_id": ("user id", "id", "lms user id"),
        "username": ("username",),
        "email": ("email", "user email"),
        "program": ("program title", "program", "programme", "program name"),
        "program_uuid": ("program uuid",),
        "issued_at": (
            *("date program certificate awarded", "certificate date", "issue date", "issued on"),
            *("awarded on", "date issued", "date awarded", "awarded at", "issued at"),
        ),
        "status": ("status", "certificate status"),
    },
    "course_certificates": {
        "user_id": ("user_id",),
        "course": ("course_id",),
        "status": ("status",),
        "mode": ("mode",),
        "grade": ("grade",),
        "created_at": ("created_date",),
        "modified_at": ("modified_date",),
    },
    "course_enrolments": {
        "user_id": ("user_id",),
        "course": ("course_id",),
        "is_active": ("is_active",),
        "mode": ("mode",),
    },
}
"""Source → our column → what headers call it, in any case; the more telling name wins."""
_REQUIRED: Mapping[Source, Sequence[str]] = {
    "profile": ("email",),
    "grades": ("grade",),
    "opt_ins": ("opted_in",),
    "programme_certificates": ("issued_at", "status"),
    "course_certificates": ("status",),
    "course_enrolments": ("is_active",),
}
"""Source → our columns of which it needs one, or it says nothing."""
_WHO: Mapping[Source, Sequence[str]] = dict.fromkeys(
    ("opt_ins", "programme_certificates"), ("user_id", "username", "email")
)
"""Source → our columns of which one must be there, where that is not an id or a username."""
_TAIL = (
    *("track", "verification"),
    *("certificate_eligible", "certificate_delivered", "certificate_type"),
)
"""Our columns that follow the assignments of a grade report, in edX's order."""
MISSING = ("", "None", "nan", "NaN", "null", "NULL", "[unassigned]", "[unavailable]")
"""Cells that mean: nothing here. Never `NA`, which is Namibia."""
NO_GRADE = ("", "none", "nan", "null", "n/a", "not attempted", "not available")
"""Grades, in small letters, that are none."""
MOST_MISSING = 12
"""So many averages without a grader may be missing in a row before the certificates."""


@dataclass(frozen=True)
class Landed:
    """Where a row comes from."""

    path: str
    """Below the landing zone's root."""
    landed_at: object
    stamp: object


def create_raw(con: duckdb.DuckDBPyConnection) -> None:
    """Make the empty tables `raw_…` of all sources."""
    for kind, table in TABLES.items():
        columns = ", ".join(f"{name} varchar" for name in COLUMNS[kind])
        con.execute(
            f"create or replace table raw_{table} (_file varchar, _line bigint, "
            f"_landed_at timestamp, _version timestamp, {CELLS} bigint, {OVERFLOW} varchar, {columns})"
        )


def said(cell: str) -> str:
    """SQL of what a cell says; null where it says nothing."""
    return f"if({among(trimmed(cell), MISSING)}, null, {trimmed(cell)})"


def bare_id(of: str = "user_id") -> str:
    """The id in a cell; a pass through pandas makes 123.0 of it."""
    whole = rf"regexp_replace(trim({of}), '\.0+$', '')"
    return f"if(contains({of}, '.'), {whole}, {said(of)})"


def forgotten_rows(kind: Source, tombstones: pl.DataFrame) -> str:
    """SQL that is true of rows about somebody who was erased, for `load`.

    Args:
        kind: What the file is read as.
        tombstones: `hash` and `salt`, registered as `tombstones` where there are any.
    """
    if tombstones.is_empty():
        return "false"
    is_one = buried(tombstones)
    named = {
        "user_id": is_one("learner", bare_id()),
        "username": is_one("learner", "'u:' || trim(username)"),
        "email": is_one("address", "email"),
    }
    return " or ".join(sql for column, sql in named.items() if column in COLUMNS[kind])


def load(
    con: duckdb.DuckDBPyConnection,
    kind: Source,
    local: Path,
    landed: Landed,
    forgotten: str,
    columns: Mapping[str, str],
) -> int:
    """Add a file's rows to the raw table of its kind.

    Args:
        con: The warehouse, after `create_raw`.
        kind: What the file's name says it is.
        local: The file.
        landed: Where it comes from.
        forgotten: SQL of the rows that must not come in, by `forgotten_rows`.
        columns: `[landing.edx.columns]`.

    Returns:
        How many rows it has.

    Raises:
        UnreadableFileError: It is no such export. Nothing of it is added.
    """
    found = measured(local, look_for(kind, columns))
    shape = found.layout
    at = _positions(kind, shape.header, columns)
    most = _most_missing(kind, at)
    behind = [place for place in at.values() if "grade" in at and place > at["grade"]]
    # of what stands behind the grades of assignments, also to the left
    moved = {place - n for place in behind for n in range(most + 1)}
    needed = sorted({*at.values(), *moved, len(shape.header) - 1})
    cells = {name: _cell(name, at, behind, most) for name in COLUMNS[kind]}
    missing = MOST_MISSING if kind == "grades" else 0
    blank = " and ".join(f"trim(coalesce({cell}, '')) = ''" for cell in cells.values())
    with (
        as_text(local, found.encoding, found.sheet, found.dialect) as text,
        cells_of(con, text, shape, needed, missing=missing),
    ):
        ((rows,),) = con.execute(
            f"""
        insert into raw_{TABLES[kind]} by name
        from (
          select ? as _file, line as _line, ?::timestamp as _landed_at, ?::timestamp as _version,
                 if(missing > 0, {len(shape.header)} - missing, null) as {CELLS},
                 overflow as {OVERFLOW},
                 {", ".join(f"{cell} as {name}" for name, cell in cells.items())}
          from cells where not ({blank})
        )
        where not coalesce({forgotten}, false)
        """,
            [landed.path, landed.landed_at, landed.stamp],
        ).fetchall()
    return int(rows)


def look_for(kind: Source, columns: Mapping[str, str]) -> Look:
    """How a report's header is told from other lines."""
    return Look(known=lambda names: _places(kind, names, columns).keys())


def missing_columns(kind: Source, header: Sequence[str], columns: Mapping[str, str]) -> list[str]:
    """What a header lacks, as edX calls it, without which the report says nothing.

    That is whom a row is about and what it says of them: edX always wrote all columns of `_TAIL`, or
    none.

    Args:
        kind: What it is read as.
        header: Its header.
        columns: `[landing.edx.columns]`.
    """
    at = _places(kind, header, columns)
    who = _WHO.get(kind, ("user_id", "username"))
    lacking = [] if {*who} & at.keys() else [f"a learner's id or {who[-1]}"]
    required = _REQUIRED.get(kind, ())
    if required and not {*required} & at.keys():
        lacking.append(" or ".join(COLUMNS[kind][column][0] for column in required))
    if kind == "grades" and at.keys() & {*_TAIL}:
        lacking += [COLUMNS[kind][column][0].title() for column in _TAIL if column not in at]
    return lacking


def unknown_columns(kind: Source, header: Sequence[str], columns: Mapping[str, str]) -> list[str]:
    """The names in a header that neither edX nor the settings have for what is read of a report."""
    known = {normal(name) for names in COLUMNS[kind].values() for name in names}
    known |= {normal(name) for name in columns}
    return [name for name in header if normal(name) not in known]


def _places(
    kind: Source, header: Sequence[str], columns: Mapping[str, str]
) -> Mapping[str, Sequence[int]]:
    """Our column → all places that may be meant: one where it stands as edX writes it."""
    said = {normal(theirs): edx_s for theirs, edx_s in columns.items()}
    labels: list[str] = []
    for name in header:
        base, _, copy = name.rpartition("_")  # a label that stood before was numbered
        again = copy.isdigit() and normal(base) in labels
        label = normal(base if again else name)
        labels.append(normal(said.get(label, label)))
    own = _own_places(kind, labels)
    places: dict[str, Sequence[int]] = {}
    for column, names in COLUMNS[kind].items():
        called = [normal(name) for name in names]
        if kind != "grades":  # elsewhere edX always called it by the name that comes first
            called = [name for name in called if name in labels][:1]
        found = [place for place, label in enumerate(labels) if label in called]
        if found:
            places[column] = [place for place in found if place in own][:1] or found
    return places


def _own_places(kind: Source, labels: Sequence[str]) -> frozenset[int]:
    """The places of `_BLOCKS`, each where it stands first."""
    own: set[int] = set()
    for block in _BLOCKS.get(kind, ()):
        wanted = [normal(name) for name in block]
        ends = range(len(labels) - len(wanted) + 1)
        at = next((n for n in ends if labels[n : n + len(wanted)] == wanted), None)
        if at is not None and not own & {at}:
            own |= set(range(at, at + len(wanted)))
    return frozenset(own)


def _positions(
    kind: Source, header: Sequence[str], columns: Mapping[str, str]
) -> Mapping[str, int]:
    """Our column → its place in the header.

    Raises:
        UnreadableFileError: Columns are missing, or nobody knows which of two it is.
    """
    places = _places(kind, header, columns)
    for column, rivals in places.items():
        if len(rivals) > 1:
            named = listed([f"“{header[place]}” (column {place + 1})" for place in rivals])
            raise UnreadableFileError(
                f"{len(rivals)} of its columns may be a learner's {column.replace('_', ' ')}: {named}. "
                "Rename those that edX did not put there"
            )
    if lacking := missing_columns(kind, header, columns):
        again = "" if kind in get_args(List) else " from the instructor dashboard"
        raise UnreadableFileError(
            f"it has no column of {' and none of '.join(lacking)}. Download it again{again}; or, if it has "
            "them under other names, `edu-pipeline landing inspect` prints the lines that say so"
        )
    return {column: found[0] for column, found in places.items()}


def _cell(column: str, at: Mapping[str, int], behind: Sequence[int], most: int) -> str:
    """SQL over `cells` of one of our columns; the grade is null where too many cells are missing.

    An assignment type without a grader has an average in the header and none in the rows, so what
    comes after the averages is counted from the right.
    """
    if column not in at:
        return "null::varchar"
    place = at[column]
    if column == "grade" and behind:
        return f"if(missing <= {most}, c{place}, null)"
    if place not in behind:
        return f"c{place}"
    moved = " ".join(f"when {n} then c{place - n}" for n in range(most + 1))
    return f"case missing {moved} end"


def _most_missing(kind: Source, at: Mapping[str, int]) -> int:
    """So many cells may be missing in a row: at most as many as the assignments have.

    None where the columns of the certificate do not stand side by side: then nobody knows which.
    """
    first = at.get(_TAIL[0], 0)
    whole = [at.get(column) for column in _TAIL] == list(range(first, first + len(_TAIL)))
    return min(MOST_MISSING, first - at["grade"] - 1) if kind == "grades" and whole else 0
