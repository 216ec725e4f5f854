"""Erasing a person from the ledger: the only place that deletes or overwrites what is kept there.

Letters to the person stay as counts: without name, address, content and figures, under a new key
that nothing leads to. Letters to others that name the person lose their content; those still
waiting are cancelled, so that the next run writes them anew. Tombstones keep the person from
coming back. Where else a person's data lie is for `edu_pipeline.wiring.forget` to know.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.ledger.addressees import strike
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.reading import row_of
from edu_pipeline.mail.ledger.store import Cause, Ledger, cancel_in
from edu_pipeline.mail.ledger.tables import (
    ABSENCES,
    APPROVALS,
    ATTEMPTS,
    CHANGES,
    CONTENT_IMAGES,
    CONTENTS,
    EVENTS,
    FIGURES,
    HISTORY,
    IMAGES,
    LETTERS,
    METADATA,
    REHEARSALS,
    SUPPRESSIONS,
    WAITING,
)
from edu_pipeline.mail.ledger.tombstones import bury
from edu_pipeline.mail.letter import letter_key
from edu_pipeline.mail.names import Names
from edu_pipeline.mail.states import State

ERASED = "(erased)"
ERASED_CONTENT = "The content of this letter was erased, because a person in it was forgotten."
_WHY = "a person was forgotten"
_NOT_SWEPT = frozenset(
    {
        # looked at as a whole, by `_naming`
        CONTENTS.c.html,
        CONTENTS.c.text,
        # somebody else of the same name or address
        LETTERS.c.email,
        LETTERS.c.name,
        # who sends, as `pipeline.toml` has it
        CONTENTS.c.sender_email,
        CONTENTS.c.sender_name,
        CONTENTS.c.reply_to,
    }
)


@dataclass(frozen=True)
class Person:
    """Somebody, by all that a ledger may know them by."""

    identifiers: frozenset[str]
    """Ids with their kind, as exports have them, such as `student:100234`; only for tombstones."""
    recipient_keys: frozenset[str]
    addresses: frozenset[str]
    """As `same_address` writes them; nobody else's."""
    names: frozenset[str]
    """Full names, as letters may show them."""

    def named_in(self, *texts: str, html: str = "") -> bool:
        """Whether a text shows one of the names or addresses."""
        return (
            any(address in part.lower() for address in self.addresses for part in (*texts, html))
            or any(map(self._names.in_text, texts))
            or self._names.in_html(html)
        )

    @cached_property
    def _names(self) -> Names:
        return Names(self.names)


@dataclass(frozen=True)
class Traces:
    """What a ledger has of a person."""

    letters: int
    """To them, corrections included."""
    naming: frozenset[str]
    """Keys of letters to others that name them, now or in a content that was replaced."""
    waiting: int
    """Of those naming them, the ones that are still to go out."""
    doubtful: tuple[str, ...]
    """Of those naming them, the ones of which it is not known whether they went out."""
    lines: int
    """Suppressions, and what went out before this ledger."""
    periods: frozenset[tuple[str, str]]
    """Campaigns and periods of all these letters."""


def as_known(ledger: Ledger, person: Person, *, taken: Collection[str] = ()) -> Person:
    """The person with the names, addresses and keys that letters to them add.

    Args:
        ledger: An open ledger.
        person: By what is known from elsewhere.
        taken: Addresses that are somebody else's as well.
    """
    keys, addresses = person.recipient_keys, person.addresses
    with ledger.connect() as connection:
        own = connection.execute(sa.select(LETTERS).where(_to(person))).all()
        keys |= {row.recipient_key for row in own}
        for email in {same_address(row.email) for row in own} - addresses - {*taken}:
            others = sa.select(LETTERS.c.recipient_key).where(
                sa.func.lower(LETTERS.c.email) == email
            )
            if set(connection.scalars(others)) <= keys:
                addresses |= {email}
    names = person.names | {row.name for row in own if row.name}
    return replace(person, recipient_keys=keys, addresses=addresses, names=names)


def traces(ledger: Ledger, person: Person) -> Traces:
    """What there is of a person, by `as_known`; changes nothing."""
    with ledger.connect() as connection:
        return _traces(connection, person)


def erase(ledger: Ledger, person: Person, *, now: datetime, by: str) -> Traces:
    """Erase a person, by `as_known`, and set their tombstones, in one transaction.

    Erasing again changes nothing. The bytes are gone after `compact`.

    Returns:
        What there was.

    Raises:
        SenderBusyError: Letters are being delivered.
        LedgerError: A letter that names the person may or may not have gone out.
    """
    with ledger.only_sender():
        ledger.abandon_claims(now=now, by=by)
        with ledger.begin() as connection:
            found = _traces(connection, person)
            if found.doubtful:
                raise LedgerError(
                    "It is not known whether some letters that name this person went out, and "
                    "without their content nobody can find out. Settle them first, with "
                    f"edu-pipeline mail resolve: {', '.join(found.doubtful)}"
                )
            own = sa.select(LETTERS.c.key).where(_to(person))
            bury(
                connection,
                ledger.salt,
                person.identifiers
                | person.recipient_keys
                | person.addresses
                # so that the carrier's records of them surprise nobody
                | {f"letter:{key}" for key in connection.scalars(own)},
                now=now,
                by=by,
            )
            cause = Cause(now, by, _WHY)
            _erase_own(connection, person, cause)
            _erase_naming(connection, person, cause)
            strike(connection, ledger.salt, person.addresses)
            for table in (SUPPRESSIONS, HISTORY):
                connection.execute(table.delete().where(table.c.email.in_(person.addresses)))
            used = sa.select(CONTENT_IMAGES.c.sha256)
            connection.execute(IMAGES.delete().where(IMAGES.c.sha256.not_in(used)))
            _sweep(connection, person)
    return found


def compact(ledger: Ledger, *, wait_seconds: float = 5) -> bool:
    """Write the database anew, so that nothing erased is left in its files.

    Args:
        ledger: An open ledger.
        wait_seconds: How long to wait for others to have read what they read.

    Returns:
        False where another program has the ledger open, so that SQLite's log still holds it.
    """
    with ledger.connect() as pooled:
        connection = pooled.execution_options(isolation_level="AUTOCOMMIT")
        try:
            if connection.dialect.name != "sqlite":
                connection.exec_driver_sql("VACUUM FULL")
                return True
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {wait_seconds * 1000:.0f}")
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            return not busy
        finally:
            connection.invalidate()  # it is not set up for transactions any more


def copies(ledger: Ledger) -> Sequence[Path]:
    """The copies of a SQLite ledger that were kept before an upgrade."""
    with ledger.connect() as connection:
        url = connection.engine.url
    if url.get_backend_name() != "sqlite" or not url.database:
        return ()
    file = Path(url.database)
    return sorted(file.parent.glob(f"{file.stem}.*.before-*.db*"))


def _to(person: Person) -> sa.ColumnElement[bool]:
    return sa.or_(
        LETTERS.c.recipient_key.in_(person.recipient_keys),
        sa.func.lower(LETTERS.c.email).in_(person.addresses),
    )


def _traces(connection: sa.Connection, person: Person) -> Traces:
    own = connection.execute(
        sa.select(LETTERS.c.key, LETTERS.c.campaign, LETTERS.c.period).where(_to(person))
    ).all()
    named = _naming(connection, person)
    others = [row_of(connection, key) for key in sorted(named)]
    now = [row for row in others if row.digest in named[row.key]]
    lines = sum(
        connection.scalar(
            sa.select(sa.func.count()).select_from(table).where(table.c.email.in_(person.addresses))
        )
        or 0
        for table in (SUPPRESSIONS, HISTORY)
    )
    return Traces(
        letters=len(own),
        naming=frozenset(named),
        waiting=sum(row.state in WAITING for row in now),
        doubtful=tuple(row.key for row in now if row.state in {State.unknown, State.claimed}),
        lines=lines,
        periods=frozenset((row.campaign, row.period) for row in (*own, *others)),
    )


def _naming(connection: sa.Connection, person: Person) -> Mapping[str, set[str]]:
    """Letters to others of which a content names the person → the digests of these contents."""
    contents = (
        sa.select(CONTENTS)
        .join(LETTERS, LETTERS.c.key == CONTENTS.c.letter_key)
        .where(~_to(person))
        .execution_options(yield_per=50)  # they may be many, and large
    )
    found: dict[str, set[str]] = {}
    for row in connection.execute(contents):
        if person.named_in(row.subject, row.text, html=row.html):
            found.setdefault(row.letter_key, set()).add(row.digest)
    return found


def _erase_own(connection: sa.Connection, person: Person, cause: Cause) -> None:
    nobody: dict[str, str] = {}
    for key in connection.scalars(sa.select(LETTERS.c.key).where(_to(person))).all():
        row = row_of(connection, key)
        if row.state in WAITING | {State.failed, State.unknown}:
            cancel_in(connection, row, cause, for_good=True)
            row = row_of(connection, key)
        recipient_key = nobody.setdefault(row.recipient_key, f"x_{secrets.token_hex(6)}")
        new_key = letter_key(row.campaign, row.period, recipient_key, row.revision)
        anonymous = {
            "key": new_key,
            "recipient_key": recipient_key,
            "email": "",
            "name": "",
            "notes": [],
        }
        connection.execute(LETTERS.insert().values({**row._asdict(), **anonymous}))
        connection.execute(FIGURES.delete().where(FIGURES.c.letter_key == key))
        for digest in connection.scalars(
            sa.select(CONTENTS.c.digest).where(CONTENTS.c.letter_key == key)
        ).all():
            blank = {"subject": ERASED, "headers": {}}
            _erase_content(connection, (key, digest), (new_key, _after(digest)), blank)
        for table in (ABSENCES, ATTEMPTS, CHANGES, EVENTS):
            connection.execute(
                table.update().where(table.c.letter_key == key).values(letter_key=new_key)
            )
        connection.execute(LETTERS.delete().where(LETTERS.c.key == key))


def _erase_naming(connection: sa.Connection, person: Person, cause: Cause) -> None:
    for key, digests in _naming(connection, person).items():
        row = row_of(connection, key)
        if row.digest in digests and row.state in WAITING | {State.failed}:
            cancel_in(connection, row, cause, for_good=False)
        for digest in digests:
            subject = connection.scalar(
                sa.select(CONTENTS.c.subject).where(*_is_content(CONTENTS, (key, digest)))
            )
            shown = {"subject": ERASED} if person.named_in(subject or "") else {}
            _erase_content(connection, (key, digest), (key, _after(digest)), shown)


def _after(digest: str) -> str:
    """Of an erased content: a digest that no letter has, so that it is never taken for one."""
    return hashlib.sha256(f"erased:{digest}".encode()).hexdigest()


_Content = tuple[str, str]
"""A letter's key, and the digest of one of its contents."""


def _is_content(table: sa.Table, content: _Content) -> Sequence[sa.ColumnElement[bool]]:
    return (table.c.letter_key == content[0], table.c.digest == content[1])


def _erase_content(
    connection: sa.Connection, old: _Content, new: _Content, values: Mapping[str, object]
) -> None:
    row = connection.execute(sa.select(CONTENTS).where(*_is_content(CONTENTS, old))).one()
    place = {"letter_key": new[0], "digest": new[1]}
    erased = {"html": f"<p>{ERASED_CONTENT}</p>", "text": f"{ERASED_CONTENT}\n"}
    connection.execute(CONTENTS.insert().values({**row._asdict(), **place, **erased, **values}))
    for table in (APPROVALS, FIGURES, REHEARSALS):
        connection.execute(table.update().where(*_is_content(table, old)).values(place))
    for table in (CONTENT_IMAGES, CONTENTS):
        connection.execute(table.delete().where(*_is_content(table, old)))
    connection.execute(
        LETTERS.update()
        .where(LETTERS.c.key == new[0], LETTERS.c.digest == old[1])
        .values(digest=new[1], substance=new[1])
    )


def _sweep(connection: sa.Connection, person: Person) -> None:
    """Take the person out of whatever people and carriers wrote: reasons, notes, details."""
    pattern = _pattern(person)
    if pattern is None:
        return
    for table in METADATA.sorted_tables:
        keys = list(table.primary_key)
        texts = [
            column
            for column in table.columns
            if isinstance(column.type, sa.String | sa.JSON)
            and not isinstance(column.type, sa.Enum)
            and not (column.primary_key or column.foreign_keys or column in _NOT_SWEPT)
        ]
        for row in connection.execute(sa.select(*keys, *texts)).all() if texts else ():
            cells = row._asdict()
            swept = {
                column.name: after
                for column in texts
                if (after := _without(pattern, cells[column.name])) != cells[column.name]
            }
            if swept:
                here = [column == cells[column.name] for column in keys]
                connection.execute(table.update().where(*here).values(swept))


def _pattern(person: Person) -> re.Pattern[str] | None:
    """Addresses, and names of two words or more as `Given Family` or `Family, Given`."""
    found = [re.escape(address) for address in person.addresses]
    for name in person.names:
        words = [re.escape(word) for word in re.findall(r"[^\W_]+", name)]
        turns = [words[turn:] + words[:turn] for turn in range(len(words))]
        found += [r"[\s,.'’-]+".join(turn) for turn in turns if len(turn) > 1]
    return re.compile(rf"(?<!\w)({'|'.join(found)})(?!\w)", re.IGNORECASE) if found else None


def _without(pattern: re.Pattern[str], cell: Any) -> Any:  # noqa: ANN401 - text, JSON or nothing
    if isinstance(cell, str):
        return pattern.sub(ERASED, cell)
    if cell:
        return json.loads(pattern.sub(ERASED, json.dumps(cell, ensure_ascii=False)))
    return cell
