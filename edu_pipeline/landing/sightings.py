"""Where the landing zone has somebody: by id or address, in every file, old versions included.

For who must be erased from the exports, too. The files are read into a database in memory; nothing
is kept or changed.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal
from edu_pipeline.landing.sources.edx.edx_people import find_learners
from edu_pipeline.landing.sources.results.result_zone import seen_in_results
from edu_pipeline.landing.sources.school.canonical import canonical_query
from edu_pipeline.landing.sources.school.forgotten import PEOPLE, about
from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.sources.school.stage_roster import stage_staff, stage_students
from edu_pipeline.landing.stores import LandingError
from edu_pipeline.landing.tables.raw import load_raw
from edu_pipeline.landing.tombstones import IsOne
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.home import Settings

_ID = {"student": "student_id", "staff": "staff_id"}


@dataclass(frozen=True)
class PersonSeen:
    """Somebody as one version of an export has them."""

    kind: str
    """`student`, `staff` or `learner`."""
    id: str
    given_name: str | None = None
    """Of learners the full name, which edX has in one."""
    family_name: str | None = None
    email: str | None = None
    username: str | None = None

    @property
    def name(self) -> str:
        """In full; empty where there is none."""
        return " ".join(" ".join(filter(None, (self.given_name, self.family_name))).split())

    def is_meant_by(self, who: str) -> bool:
        """Whether it is their id or their address."""
        return who == self.id or bool(self.email and folded(self.email) == folded(who))


def folded(address: str) -> str:
    """As addresses are compared."""
    return address.strip().lower()


@dataclass(frozen=True)
class Sightings:
    """What the files of a landing zone say of people."""

    rosters: frozenset[PersonSeen]
    """Everybody, once under each of their names and addresses; but of learners, who are many, only
    who was looked for and who shares an address or a name with them."""
    files: frozenset[tuple[str, str, str]]
    """(kind, id, path) of the files with rows about whom was looked for."""
    read: frozenset[str]
    """Files that are taken for exports."""
    unread: frozenset[str]
    """Of these, the ones that cannot be read."""


@dataclass
class _Reader:
    con: duckdb.DuckDBPyConnection
    zone: Zone
    settings: Settings
    files: pl.DataFrame
    unread: set[str]

    def each(self, table: str) -> Iterator[tuple[str, str]]:
        """Path and query of every file of an export that can be read, one at a time."""
        export = self.settings.landing.export(table)
        for path in self.files.filter(pl.col("table") == table)["path"].to_list():
            file = self.files.filter((pl.col("table") == table) & (pl.col("path") == path))
            try:
                load_raw(self.con, self.zone, table, file, beside=self.files)
            except LandingError:
                self.unread.add(path)
            else:
                yield path, canonical_query(table, file, export)

    def people(self, kind: str) -> Iterator[PersonSeen]:
        """Everybody of the students' or the staff's exports."""
        students = self.settings.landing.students
        for _, query in self.each("students" if kind == "student" else "staff"):
            rows = self.con.sql(query).pl()
            staged = (
                stage_students(rows, students)
                if kind == "student"
                else stage_staff(rows, self.settings.landing.staff)
            )
            for row in staged.good.iter_rows(named=True):
                email = row.get("email")
                yield PersonSeen(kind, row[_ID[kind]], row["given_name"], row["family_name"], email)


def find_person(zone: Zone, settings: Settings, who: str) -> Sightings:
    """Look somebody up in every export.

    Args:
        zone: Where exports land.
        settings: How they are read.
        who: An id, or an address as the exports of staff and learners may have it.

    Raises:
        LandingError: The zone cannot be listed.
    """
    files = survey(zone, settings.landing).with_columns(current=True)
    unread = set(files.filter(pl.col("error").is_not_null())["path"])
    with closing(duckdb.connect(config={"python_enable_replacements": False})) as con:
        reader = _Reader(con, zone, settings, files, unread)
        rosters = {person for kind in _ID for person in reader.people(kind)}
        meant = {person for person in rosters if person.is_meant_by(who)}
        learners = find_learners(
            con,
            zone,
            settings.programmes,
            settings.landing.edx.columns,
            who,
            addresses={folded(person.email) for person in meant if person.email},
            names={person.name.lower() for person in meant if person.name},
        )
        ids = {("student", who), ("staff", who)} | {(person.kind, person.id) for person in meant}
        found = set()
        for table in PEOPLE:
            export = settings.landing.export(table)
            for path, query in reader.each(table):
                for kind, person_id in ids:
                    theirs = about(table, export, _is(kind, person_id))
                    rows = con.execute(f"from ({query}) where {theirs} limit 1").fetchall()
                    if rows:
                        found.add((kind, person_id, path))
    results = seen_in_results(zone, settings.attainment, who)
    return Sightings(
        frozenset(rosters)
        | learners_among(learners.people)
        | {PersonSeen("student", student, name) for student, name in results.students},
        frozenset(found)
        | {("learner", *each) for each in learners.files}
        | {("student", *each) for each in results.files},
        frozenset(files["path"]) | learners.read | results.read,
        frozenset(unread) | learners.unread | results.unread,
    )


def learners_among(people: pl.DataFrame) -> frozenset[PersonSeen]:
    """Learners as `edx_people.related_learners` has them."""
    return frozenset(
        PersonSeen("learner", learner_id, name, None, email, username)
        for learner_id, username, email, name in people.iter_rows()
    )


def _is(kind: str, person_id: str) -> IsOne:
    return lambda of, column: f"{column} = {literal(person_id)}" if of == kind else "false"
