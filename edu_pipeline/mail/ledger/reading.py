"""What can be read of the letters in the ledger: their content, how they stand, and their story.

Changes nothing; the rules by which letters change are in `store`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

import polars as pl
import sqlalchemy as sa

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger.database import Database, LedgerError
from edu_pipeline.mail.ledger.tables import (
    ABSENCES,
    APPROVALS,
    ARRIVED,
    ATTEMPTS,
    CHANGES,
    CONTENT_IMAGES,
    CONTENTS,
    EVENTS,
    FIGURES,
    IMAGES,
    LETTERS,
    METADATA,
    PERIODS,
    REHEARSALS,
    RELEASES,
    WAITING,
)
from edu_pipeline.mail.letter import Address, Figure, Image
from edu_pipeline.mail.states import State


@dataclass(frozen=True)
class FrozenLetter:
    """What goes out, exactly as it was queued."""

    key: str
    campaign: str
    period: str
    recipient_key: str
    recipient: Address
    sender: Address
    reply_to: str
    subject: str
    html: str
    text: str
    images: tuple[Image, ...]
    digest: str
    ledger_id: str
    """Which ledger it is from."""
    headers: Mapping[str, str]
    revision: int = 1
    claimed_at: datetime | None = None
    """When its last attempt began."""


@dataclass(frozen=True)
class Entry:
    """A letter's line in the ledger: everything but its content."""

    key: str
    campaign: str
    period: str
    recipient_key: str
    recipient_name: str
    email: str
    subject: str
    state: State
    reason: str
    """Why it is in this state."""
    notes: tuple[str, ...]
    digest: str
    revision: int
    transport: str | None
    queued_at: datetime
    claimed_at: datetime | None
    sent_at: datetime | None
    not_after: datetime


@dataclass(frozen=True)
class PeriodSummary:
    """How the letters of one campaign and period stand."""

    campaign: str
    period: str
    counts: Mapping[State, int]


@dataclass(frozen=True)
class Release:
    """A person looked at a problem with the data and lets letters go out on top of it."""

    id: str
    """The problem's."""
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Event:
    """One line of a letter's story: a change of state, an attempt to send, or what came back."""

    at: datetime
    what: str
    by: str
    why: str


def of_period(campaign: str, period: str) -> sa.ColumnElement[bool]:
    """Letters of a campaign and period."""
    return sa.and_(LETTERS.c.campaign == campaign, LETTERS.c.period == period)


_ITS_CONTENT = sa.and_(
    CONTENTS.c.letter_key == LETTERS.c.key, CONTENTS.c.digest == LETTERS.c.digest
)
_ITS_FIGURES = sa.and_(FIGURES.c.letter_key == LETTERS.c.key, FIGURES.c.digest == LETTERS.c.digest)


FROZEN = sa.select(
    *LETTERS.c["key", "campaign", "period", "recipient_key", "revision", "email", "name"],
    *LETTERS.c["digest", "claimed_at"],
    *CONTENTS.c["sender_email", "sender_name", "reply_to", "subject", "html", "text", "headers"],
).join_from(LETTERS, CONTENTS, _ITS_CONTENT)
"""All of a letter but its images."""
_PICTURES = (
    sa.select(LETTERS.c.key, CONTENT_IMAGES.c.name, IMAGES.c.png)
    .join_from(
        LETTERS,
        CONTENT_IMAGES,
        (CONTENT_IMAGES.c.letter_key == LETTERS.c.key)
        & (CONTENT_IMAGES.c.digest == LETTERS.c.digest),
    )
    .join(IMAGES)
    .where(LETTERS.c.key.in_(sa.bindparam("keys", expanding=True)))
    .order_by(LETTERS.c.key, CONTENT_IMAGES.c.position)
)


class LedgerReader(Database):
    """A ledger to read from."""

    @cached_property
    def id(self) -> str:
        """Eight characters that tell this ledger from any other."""
        return self.identity("id")

    @cached_property
    def salt(self) -> str:
        """Makes opaque keys that nobody else can make."""
        return self.identity("salt")

    def extent(self) -> Mapping[str, tuple[int, str]]:
        """Table → how many rows it has, and when the newest came: what is appended shows in it."""
        counted = {}
        with self.connect() as connection:
            for table in METADATA.sorted_tables:
                newest = sa.func.max(table.c.at) if "at" in table.c else sa.literal("")
                query = sa.select(sa.func.count(), newest).select_from(table)
                rows, at = connection.execute(query).one()
                counted[table.name] = (rows, str(at))
        return counted

    def recorded_periods(self) -> Sequence[Period]:
        """Every period that the last refresh recorded, oldest first."""
        query = sa.select(PERIODS).order_by(PERIODS.c.last_day, PERIODS.c.campaign)
        with self.connect() as connection:
            return [Period(**row._asdict()) for row in connection.execute(query)]

    def held(self, campaign: str, period: str) -> str | None:
        """Why the last refresh lets no letter of a period go; None where they may, or it has none."""
        query = sa.select(PERIODS.c.held).where(
            PERIODS.c.campaign == campaign, PERIODS.c.period == period
        )
        with self.connect() as connection:
            return connection.scalar(query)

    def releases(self) -> Sequence[Release]:
        """Every release, oldest first."""
        query = sa.select(RELEASES).order_by(RELEASES.c.at, RELEASES.c.id)
        with self.connect() as connection:
            return [Release(**row._asdict()) for row in connection.execute(query)]

    def releases_frame(self) -> pl.DataFrame:
        """One row per release, for the gate: `id`, `reason`, `by`, `at`."""
        return pl.DataFrame(
            [asdict(release) for release in self.releases()],
            schema={
                "id": pl.String,
                "reason": pl.String,
                "by": pl.String,
                "at": pl.Datetime("us", "UTC"),
            },
        )

    def waiting(self, campaign: str, period: str) -> Sequence[str]:
        """Keys of the letters that may go out, in order."""
        return self._keys(of_period(campaign, period), LETTERS.c.state == State.pending)

    def about_to_go(self, campaign: str, period: str) -> Sequence[tuple[str, str, Address]]:
        """Key, address and sender of the letters of a period that a delivery would take."""
        columns = LETTERS.c["key", "email"], CONTENTS.c["sender_email", "sender_name"]
        query = (
            sa.select(*columns[0], *columns[1])
            .join_from(LETTERS, CONTENTS, _ITS_CONTENT)
            .where(
                of_period(campaign, period), LETTERS.c.state.in_({State.approved, State.pending})
            )
        )
        with self.connect() as connection:
            return [(key, to, Address(*sender)) for key, to, *sender in connection.execute(query)]

    def unapproved(self) -> frozenset[str]:
        """Keys of the letters of any period that may go out and whose content nobody approved."""
        approved = sa.exists().where(
            APPROVALS.c.letter_key == LETTERS.c.key, APPROVALS.c.digest == LETTERS.c.digest
        )
        return frozenset(self._keys(LETTERS.c.state == State.pending, ~approved))

    def unknown(self, transport: str) -> Sequence[str]:
        """Keys of the letters of which it is not known whether this transport sent them."""
        return self._keys(LETTERS.c.transport == transport, LETTERS.c.state == State.unknown)

    def letter(self, key: str) -> FrozenLetter:
        """The content of one letter, as it would go out or went out last.

        Raises:
            LedgerError: There is no such letter.
        """
        with self.connect() as connection:
            rows = connection.execute(FROZEN.where(LETTERS.c.key == key)).all()
            if not rows:
                raise LedgerError(f"There is no letter {key} in the ledger.")
            return self.letters_from(connection, rows)[0]

    def letters_from(
        self,
        connection: sa.Connection,
        rows: Sequence[sa.Row[Any]],
        claimed_at: datetime | None = None,
    ) -> list[FrozenLetter]:
        """Letters from rows of `FROZEN`, with their images."""
        images: dict[str, list[Image]] = {}
        keys = [row.key for row in rows]
        for key, name, png in connection.execute(_PICTURES, {"keys": keys}):
            images.setdefault(key, []).append(Image(name, png))
        return [
            FrozenLetter(
                key=row.key,
                campaign=row.campaign,
                period=row.period,
                recipient_key=row.recipient_key,
                recipient=Address(row.email, row.name),
                sender=Address(row.sender_email, row.sender_name),
                reply_to=row.reply_to,
                subject=row.subject,
                html=row.html,
                text=row.text,
                images=tuple(images.get(row.key, ())),
                digest=row.digest,
                ledger_id=self.id,
                headers=row.headers,
                revision=row.revision,
                claimed_at=claimed_at or row.claimed_at,
            )
            for row in rows
        ]

    def entries(self, campaign: str, period: str) -> Sequence[Entry]:
        """The letters of a period, by key, without their content."""
        return self._entries(of_period(campaign, period))

    def letters_to(self, recipient: str) -> Sequence[Entry]:
        """All letters to a recipient, oldest first.

        Args:
            recipient: A recipient key, or an address.
        """
        return self._entries(
            sa.or_(
                LETTERS.c.recipient_key == recipient,
                sa.func.lower(LETTERS.c.email) == same_address(recipient),
            )
        )

    def entries_to(self, recipient_keys: Collection[str]) -> Sequence[Entry]:
        """All letters to some recipients, oldest first."""
        return self._entries(LETTERS.c.recipient_key.in_(recipient_keys))

    def _entries(self, condition: sa.ColumnElement[bool]) -> Sequence[Entry]:
        query = (
            sa.select(LETTERS, CONTENTS.c.subject)
            .join_from(LETTERS, CONTENTS, _ITS_CONTENT)
            .where(condition)
            .order_by(LETTERS.c.queued_at, LETTERS.c.key)
        )
        with self.connect() as connection:
            return [
                Entry(
                    key=row.key,
                    campaign=row.campaign,
                    period=row.period,
                    recipient_key=row.recipient_key,
                    recipient_name=row.name,
                    email=row.email,
                    subject=row.subject,
                    state=row.state,
                    reason=row.reason,
                    notes=tuple(row.notes),
                    digest=row.digest,
                    revision=row.revision,
                    transport=row.transport,
                    queued_at=row.queued_at,
                    claimed_at=row.claimed_at,
                    sent_at=row.sent_at,
                    not_after=row.not_after,
                )
                for row in connection.execute(query)
            ]

    def stated(self, campaign: str, period: str) -> Mapping[str, Sequence[Figure]]:
        """The figures that each letter of a period states; letters without any are left out."""
        query = (
            sa.select(FIGURES)
            .join(LETTERS, _ITS_FIGURES)
            .where(of_period(campaign, period))
            .order_by(FIGURES.c.letter_key, FIGURES.c.position)
        )
        with self.connect() as connection:
            found: dict[str, list[Figure]] = {}
            for row in connection.execute(query):
                found.setdefault(row.letter_key, []).append(_figure(row))
        return found

    def figures(self, campaign: str, period: str) -> pl.DataFrame:
        """What recipients were told about a period, by the letters that arrived.

        Where a correction arrived, it counts alone.

        Returns:
            `recipient_key`, `subject`, `numerator`, `denominator`: a row per figure.
        """
        last = sa.func.max(LETTERS.c.revision).over(partition_by=LETTERS.c.recipient_key)
        query = (
            sa.select(
                LETTERS.c.recipient_key,
                FIGURES.c.subject,
                FIGURES.c.numerator,
                FIGURES.c.denominator,
                FIGURES.c.position,
                (LETTERS.c.revision == last).label("newest"),
            )
            .select_from(FIGURES.join(LETTERS, _ITS_FIGURES))
            .where(of_period(campaign, period), LETTERS.c.state.in_(ARRIVED))
        ).subquery()
        columns = (
            query.c.recipient_key,
            query.c.subject,
            query.c.numerator,
            query.c.denominator,
        )
        newest = (
            sa.select(*columns)
            .where(query.c.newest)
            .order_by(query.c.recipient_key, query.c.position)
        )
        with self.connect() as connection:
            rows = [row._asdict() for row in connection.execute(newest)]
        return pl.DataFrame(
            rows,
            schema={
                "recipient_key": pl.String,
                "subject": pl.String,
                "numerator": pl.Float64,
                "denominator": pl.Float64,
            },
        )

    def figures_before(self, campaign: str, week: date) -> pl.DataFrame:
        """What recipients were last told before a week: `figures` of the newest period that has any.

        Only periods that the last refresh recorded: of others there is nothing to correct with.

        Args:
            campaign: Such as `teachers`.
            week: Monday of the week; in every row as `week_start`, the partition.

        Returns:
            `week_start`, `period` and the columns of `figures`.
        """
        said = self.figures(campaign, "")
        name = ""
        for period in self.recorded_periods():
            if period.campaign == campaign and date.fromisoformat(period.partition) < week:
                found = self.figures(campaign, period.period)
                if not found.is_empty():
                    said, name = found, period.period
        return said.select(pl.lit(week).alias("week_start"), pl.lit(name).alias("period"), pl.all())

    def counts(self, campaign: str, period: str) -> Mapping[State, int]:
        """Letters of a period by state; states without letters are left out."""
        query = (
            sa.select(LETTERS.c.state, sa.func.count().label("letters"))
            .where(of_period(campaign, period))
            .group_by(LETTERS.c.state)
        )
        with self.connect() as connection:
            return {row.state: row.letters for row in connection.execute(query)}

    def periods(self) -> Sequence[PeriodSummary]:
        """Every campaign and period with its counts, newest first."""
        same = (PERIODS.c.campaign == LETTERS.c.campaign) & (PERIODS.c.period == LETTERS.c.period)
        query = (
            sa.select(LETTERS.c.campaign, LETTERS.c.period)
            .select_from(LETTERS.outerjoin(PERIODS, same))
            .group_by(LETTERS.c.campaign, LETTERS.c.period)
            # a letter written late about an old week is valid longer than one about a newer week
            .order_by(
                sa.func.max(PERIODS.c.last_day).desc(),
                sa.func.max(LETTERS.c.not_after).desc(),
                LETTERS.c.campaign,
            )
        )
        with self.connect() as connection:
            found = connection.execute(query).all()
        return [
            PeriodSummary(campaign, period, self.counts(campaign, period))
            for campaign, period in found
        ]

    def campaigns(self) -> frozenset[str]:
        """Every campaign that has letters."""
        with self.connect() as connection:
            return frozenset(connection.scalars(sa.select(LETTERS.c.campaign).distinct()))

    def has_sent(self) -> bool:
        """Whether any letter ever went out."""
        query = sa.select(sa.exists().where(LETTERS.c.sent_at.is_not(None)))
        with self.connect() as connection:
            return bool(connection.scalar(query))

    def letters_frame(self) -> pl.DataFrame:
        """One row per letter for the warehouse: no content, no names, no addresses."""
        schema: dict[str, pl.DataType | type[pl.DataType]] = {
            "key": pl.String,
            "campaign": pl.String,
            "period": pl.String,
            "revision": pl.Int64,
            "state": pl.String,
            "transport": pl.String,
            "queued_at": pl.Datetime("us", "UTC"),
            "sent_at": pl.Datetime("us", "UTC"),
            "attempts": pl.Int64,
            "digest": pl.String,
        }
        query = sa.select(*(LETTERS.c[name] for name in schema)).order_by(LETTERS.c.key)
        with self.connect() as connection:
            rows = [row._asdict() | {"state": str(row.state)} for row in connection.execute(query)]
        return pl.DataFrame(rows, schema=schema)

    def story(self, key: str) -> Sequence[Event]:
        """Everything that happened to a letter, oldest first."""
        with self.connect() as connection:

            def of(table: sa.Table) -> Sequence[sa.Row[Any]]:
                return connection.execute(
                    sa.select(table).where(table.c.letter_key == key).order_by(table.c.id)
                ).all()

            lines = [
                *(
                    Event(row.at, f"{row.from_state or 'new'} → {row.to_state}", row.by, row.why)
                    for row in of(CHANGES)
                ),
                *(Event(row.at, "approved", row.by, "") for row in of(APPROVALS)),
                *(
                    Event(
                        row.at, f"attempt {row.attempt}: {row.outcome}", row.transport, row.detail
                    )
                    for row in of(ATTEMPTS)
                ),
                *(
                    Event(row.at, f"rehearsal: {row.outcome}", row.by, row.detail)
                    for row in of(REHEARSALS)
                ),
                *(
                    Event(
                        row.at,
                        f"{row.kind} by a program" if row.machine else row.kind,
                        "reported",
                        row.detail,
                    )
                    for row in of(EVENTS)
                ),
            ]
        return sorted(lines, key=lambda line: line.at)

    def transport_ids(self, campaign: str, period: str) -> frozenset[str]:
        """The carrier's ids of all attempts at a period's letters."""
        query = (
            sa.select(ATTEMPTS.c.transport_id)
            .join(LETTERS)
            .where(of_period(campaign, period), ATTEMPTS.c.transport_id.is_not(None))
        )
        adopted = sa.select(LETTERS.c.transport_id).where(
            of_period(campaign, period), LETTERS.c.transport_id.is_not(None)
        )
        with self.connect() as connection:
            return frozenset(connection.scalars(query)) | frozenset(connection.scalars(adopted))

    def last_known_time(self) -> datetime | None:
        """The latest moment of which there is more evidence than this machine's clock now.

        That of the last attempt to send, or what the carrier reported; while there is none, that of
        the first letter. What a refresh writes is by the clock that may be in question.
        """
        with self.connect() as connection:
            known = [
                connection.scalar(sa.select(sa.func.max(column)))
                for column in (ATTEMPTS.c.at, ABSENCES.c.asked_at, EVENTS.c.at)
            ]
            first: datetime | None = connection.scalar(sa.select(sa.func.min(CHANGES.c.at)))
        return max((at for at in known if at), default=first)

    def lapsed(self, now: datetime) -> int:
        """How many letters wait that are no longer news."""
        query = sa.select(sa.func.count()).where(
            LETTERS.c.state.in_(WAITING), LETTERS.c.not_after <= now
        )
        with self.connect() as connection:
            return connection.scalar(query) or 0

    def attempts_since(self, moment: datetime, transport: str) -> Sequence[datetime]:
        """When letters went out, or may have, by a transport since a moment; in order."""
        query = (
            sa.select(ATTEMPTS.c.at)
            .where(
                ATTEMPTS.c.at >= moment,
                ATTEMPTS.c.transport == transport,
                ATTEMPTS.c.outcome.in_({State.sent, State.unknown}),
            )
            .order_by(ATTEMPTS.c.at)
        )
        with self.connect() as connection:
            return connection.scalars(query).all()

    def last_outcomes(self, campaign: str, period: str, number: int) -> Sequence[State]:
        """How the last attempts at a period's letters ended, newest first."""
        query = (
            sa.select(ATTEMPTS.c.outcome)
            .join(LETTERS)
            .where(of_period(campaign, period))
            .order_by(ATTEMPTS.c.id.desc())
            .limit(number)
        )
        with self.connect() as connection:
            return connection.scalars(query).all()

    def _keys(self, *conditions: sa.ColumnElement[bool]) -> Sequence[str]:
        with self.connect() as connection:
            return list(
                connection.scalars(
                    sa.select(LETTERS.c.key).where(*conditions).order_by(LETTERS.c.key)
                )
            )


def figures_of(connection: sa.Connection, key: str, digest: str) -> list[Figure]:
    """The figures that one content of a letter states, in its order."""
    query = (
        sa.select(FIGURES)
        .where(FIGURES.c.letter_key == key, FIGURES.c.digest == digest)
        .order_by(FIGURES.c.position)
    )
    return [_figure(row) for row in connection.execute(query)]


def _figure(row: sa.Row[Any]) -> Figure:
    return Figure(
        subject=row.subject,
        label=row.label,
        numerator=row.numerator,
        denominator=row.denominator,
        change=row.change,
        unusual=row.unusual,
    )


def row_of(connection: sa.Connection, key: str) -> sa.Row[Any]:
    """A letter's row.

    Raises:
        LedgerError: There is none.
    """
    row = connection.execute(sa.select(LETTERS).where(LETTERS.c.key == key)).one_or_none()
    if row is None:
        raise LedgerError(f"There is no letter {key} in the ledger.")
    return row
