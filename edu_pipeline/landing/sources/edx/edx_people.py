"""Whom edX's exports are about, old versions included: for who must be erased from them, too.

Learners are many, so of a landing zone only those are looked at who were asked for, and who shares
an address or a name with them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import duckdb
import polars as pl

from edu_pipeline.landing.sources.edx.edx_reports import (
    COLUMNS,
    TABLES,
    Landed,
    Source,
    bare_id,
    create_raw,
    load,
    said,
)
from edu_pipeline.landing.sources.edx.exports import programme_files
from edu_pipeline.landing.sources.edx.lists import as_csv, lists_of
from edu_pipeline.landing.stores import LandedFile, LandingError
from edu_pipeline.landing.tables.encodings import UnreadableFileError
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.programmes import Programme


@dataclass(frozen=True)
class LearnersSeen:
    """What the exports of a landing zone say of some learners."""

    people: pl.DataFrame
    """`learner_id`, `username`, `email`, `name`: once under each of their names and addresses."""
    files: frozenset[tuple[str, str]]
    """(learner_id, path) of the files with rows about whom was looked for."""
    read: frozenset[str]
    """Files that are taken for exports."""
    unread: frozenset[str]
    """Of these, the ones that cannot be read."""


def find_learners(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    programmes: Sequence[Programme],
    columns: Mapping[str, str],
    who: str,
    *,
    addresses: Collection[str],
    names: Collection[str],
) -> LearnersSeen:
    """Look somebody up in every export and every opt-in list.

    Args:
        con: A database in memory.
        zone: Where exports land.
        programmes: As `pipeline.toml` has them.
        columns: `[landing.edx.columns]`.
        who: A user id, `u:` and a username, or an address.
        addresses: In small letters: whoever has one of them is of interest as well.
        names: The same of full names.

    Raises:
        LandingError: The zone cannot be listed.
    """
    con.execute(
        "create or replace temp table cells_seen "
        "(id varchar, username varchar, email varchar, name varchar, file varchar)"
    )
    read, unread = set(), set()
    for file, kind in _exports(zone, programmes):
        read.add(file.path)
        if not _take(con, zone, file, kind, columns):
            unread.add(file.path)
    con.execute(
        """
        create or replace temp table learners_seen as
        select coalesce(id, if(username is null, null, max(id) over (partition by username)),
                        'u:' || username) as learner_id, username, email, name, file
        from cells_seen
        """
    )
    people = related_learners(con, "learners_seen", who, addresses=addresses, names=names)
    files = con.execute(
        f"""
        with meant as ({_MEANT.format(table="learners_seen")})
        select distinct meant.learner_id, file
        from learners_seen as seen join meant
          on seen.learner_id = meant.learner_id
          or (seen.learner_id is null and lower(seen.email) = lower(meant.email))
        """,
        {"who": who, "address": who.strip().lower()},
    ).fetchall()
    return LearnersSeen(people, frozenset(files), frozenset(read), frozenset(unread))


_MEANT = """
select distinct learner_id, email, name from {table} where learner_id in (
  select learner_id from {table} where learner_id = $who or lower(trim(email)) = $address
)
"""


def related_learners(
    con: duckdb.DuckDBPyConnection,
    table: str,
    who: str,
    *,
    addresses: Iterable[str],
    names: Iterable[str],
) -> pl.DataFrame:
    """Who is meant, and everybody who has an address or a name of theirs, or one of these.

    Args:
        con: A database with the table.
        table: Has `learner_id`, `username`, `email` and `name`, such as `stg_learners`.
        who: As for `find_learners`.
        addresses: As for `find_learners`.
        names: As for `find_learners`.

    Returns:
        `learner_id`, `username`, `email`, `name`, without duplicates.
    """
    found: pl.DataFrame = con.sql(
        f"""
        with meant as ({_MEANT.format(table=table)})
        select distinct learner_id, username, email, name from {table}
        where learner_id is not null and (
          learner_id in (select learner_id from meant)
          or lower(trim(email)) in (
            select lower(trim(email)) from meant union all select unnest($addresses::varchar[])
          )
          or lower(trim(name)) in (
            select lower(trim(name)) from meant union all select unnest($names::varchar[])
          )
        )
        order by all
        """,
        params={
            "who": who,
            "address": who.strip().lower(),
            "addresses": list(addresses),
            "names": list(names),
        },
    ).pl()
    return found


def _exports(zone: Zone, programmes: Sequence[Programme]) -> Iterator[tuple[LandedFile, Source]]:
    files = zone.list()
    by_programme, _ = programme_files(files, programmes)
    for file, name in chain.from_iterable(by_programme.values()):
        if name.kind is not None:
            yield file, name.kind
    for file in files:
        if (kind := lists_of(file.path, programmes)[0]) is not None:
            yield file, kind


def _take(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    file: LandedFile,
    kind: Source,
    columns: Mapping[str, str],
) -> bool:
    """Add whom a file is about; False where it cannot be read."""
    create_raw(con)
    try:
        landed = Landed(file.path, file.landed_at, file.landed_at)
        with zone.unpacked(file.path) as path, as_csv(path, kind) as table:
            load(con, kind, table, landed, "false", columns)
    except (UnreadableFileError, LandingError):
        return False
    cells = ", ".join(
        f"{said(column) if column in COLUMNS[kind] else 'null'} as {column}"
        for column in ("username", "email", "name")
    )
    con.execute(
        f"insert into cells_seen select distinct {bare_id()} as id, {cells}, _file "
        f"from raw_{TABLES[kind]}"
    )
    return True
