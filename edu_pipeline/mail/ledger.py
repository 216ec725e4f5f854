"""The ledger: what was queued, claimed, sent or refused, kept for good.

One letter per campaign, period and recipient, frozen with its images when it is queued. Every
change of state is one durable transaction that checks `TRANSITIONS` and appends to `changes`;
every attempt to send is appended to `attempts`. Nothing is sent from here, and nothing is known
of schools. SQLite by default; but for `_prepare_sqlite` there is only portable SQL.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger_tables import (
    ATTEMPTS,
    CHANGES,
    FIGURES,
    IMAGES,
    LETTERS,
    METADATA,
    PERIODS,
    RELEASES,
    SCHEMA_VERSIONS,
    State,
)
from edu_pipeline.mail.letter import Address, Figure, Image, Letter

SCHEMA_VERSION = 1
"""Tables may be added to a version; an older ledger gets them when it is opened."""

ARRIVED = frozenset({State.sent, State.delivered, State.complained})
"""Out of the house and, as far as is known, seen by its recipient."""

WAITING = frozenset({State.pending, State.held})
_REPLACEABLE = WAITING | {State.cancelled, State.expired, State.failed}

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.pending: WAITING | {State.claimed, State.expired, State.cancelled},
    State.held: WAITING | {State.expired, State.cancelled},
    State.claimed: frozenset({State.sent, State.failed, State.pending, State.unknown}),
    State.unknown: frozenset({State.sent, State.pending}),
    State.failed: WAITING,
    State.expired: WAITING,
    State.cancelled: WAITING,
}
"""From each state the states it may go to; one that is missing is final."""


class LedgerError(Exception):
    """The ledger refuses; the message says what to do."""


class TransitionError(LedgerError):
    """A change of state that the rules do not allow."""


class ConcurrentChangeError(LedgerError):
    """Another process changed the letter since it was read."""


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


@dataclass(frozen=True)
class Entry:
    """A letter's line in the ledger: everything but its content."""

    key: str
    recipient_key: str
    recipient_name: str
    subject: str
    state: State
    reason: str
    """Why it is in this state."""
    notes: tuple[str, ...]
    sent_at: datetime | None


@dataclass(frozen=True)
class PeriodSummary:
    """How the letters of one campaign and period stand."""

    campaign: str
    period: str
    counts: Mapping[State, int]


@dataclass(frozen=True)
class Cause:
    """When something changed, who or what did it, and why."""

    at: datetime
    by: str
    why: str


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
    """One line of a letter's story: a change of state, or an attempt to send."""

    at: datetime
    what: str
    by: str
    why: str


@dataclass(frozen=True)
class QueueResult:
    """What queueing a batch did, in letters."""

    new: int
    unchanged: int
    changed: int
    already_sent: int
    """Out of the house, or perhaps out: left as they are."""
    cancelled: int
    """Were waiting and are no longer in the batch."""


_Verdict = Literal["new", "unchanged", "changed", "already_sent"]


_KEY_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Ledger:
    """The ledger behind a database URL, such as `sqlite:///data/ledger.db`.

    A context manager: leaving it closes the connections. Every method that changes something
    has committed when it returns.
    """

    def __init__(self, url: str) -> None:
        # errors must not carry names, addresses and letters into logs
        self._engine = sa.create_engine(url, hide_parameters=True)
        if self._engine.dialect.name == "sqlite":
            _prepare_sqlite(self._engine)
        try:
            self._create_tables()
        except BaseException:
            self._engine.dispose()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._engine.dispose()

    def _create_tables(self) -> None:
        with self._engine.begin() as connection:
            for table in METADATA.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(CreateIndex(index, if_not_exists=True))
        try:
            with self._engine.begin() as connection:
                if connection.scalar(sa.select(SCHEMA_VERSIONS.c.version)) is None:
                    connection.execute(SCHEMA_VERSIONS.insert().values(version=SCHEMA_VERSION))
        except IntegrityError:
            pass  # another process opened the new ledger at the same moment
        with self._engine.connect() as connection:
            version = connection.scalar(sa.select(SCHEMA_VERSIONS.c.version))
        if version != SCHEMA_VERSION:
            raise LedgerError(
                f"The ledger has schema version {version}, this edu-pipeline knows "
                f"{SCHEMA_VERSION}. Use the release that wrote the ledger, or a newer one."
            )

    # What may be sent, as the last refresh has it

    def record_periods(self, campaign: str, periods: Iterable[Period]) -> None:
        """Replace what is known of a campaign's periods, in one transaction; none is none."""
        rows = [asdict(period) for period in periods]
        with self._engine.begin() as connection:
            connection.execute(PERIODS.delete().where(PERIODS.c.campaign == campaign))
            if rows:
                connection.execute(PERIODS.insert(), rows)

    def recorded_periods(self) -> Sequence[Period]:
        """Every period that the last refresh recorded, oldest first."""
        query = sa.select(PERIODS).order_by(PERIODS.c.last_day, PERIODS.c.campaign)
        with self._engine.connect() as connection:
            return [Period(**row._asdict()) for row in connection.execute(query)]

    def release(self, release: Release) -> None:
        """Note that a problem holds no letters any more; kept for good.

        One that went and came back may be released again.

        Raises:
            LedgerError: The release has no reason.
        """
        if not release.reason.strip():
            raise LedgerError("A release needs a reason: say why letters may go out all the same.")
        with self._engine.begin() as connection:
            connection.execute(RELEASES.insert().values(asdict(release)))

    def releases(self) -> Sequence[Release]:
        """Every release, oldest first."""
        query = sa.select(RELEASES).order_by(RELEASES.c.at, RELEASES.c.id)
        with self._engine.connect() as connection:
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

    # Queueing

    def queue(self, letters: Iterable[Letter], *, now: datetime, by: str) -> QueueResult:
        """Freeze a batch: all letters of its campaigns and periods, each in a transaction.

        Queueing the same batch again changes nothing. A letter that has not gone out is replaced
        where it differs; one that has, or may have, is never touched. Letters that wait but are
        no longer in the batch are cancelled. An empty batch changes nothing.

        Raises:
            LedgerError: A key is unusable or twice in the batch, an image name twice in a letter.
        """
        batch = list(letters)
        _check_batch(batch)
        tally = Counter(self._queue_one(letter, now, by) for letter in batch)
        kept = {letter.key for letter in batch}
        cancelled = 0
        for campaign, period in sorted({(letter.campaign, letter.period) for letter in batch}):
            gone = set(self._keys(_of_period(campaign, period), LETTERS.c.state.in_(WAITING)))
            for key in sorted(gone - kept):
                cancelled += self._cancel(key, now, by)
        return QueueResult(
            new=tally["new"],
            unchanged=tally["unchanged"],
            changed=tally["changed"],
            already_sent=tally["already_sent"],
            cancelled=cancelled,
        )

    def _queue_one(self, letter: Letter, now: datetime, by: str) -> _Verdict:
        try:
            return self._put(letter, now, by)
        except (ConcurrentChangeError, IntegrityError):
            return self._put(letter, now, by)  # another process had it between reading and writing

    def _put(self, letter: Letter, now: datetime, by: str) -> _Verdict:
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.select(LETTERS).where(LETTERS.c.key == letter.key)
            ).one_or_none()
            to = State.held if letter.hold else State.pending
            if row is None:
                connection.execute(
                    LETTERS.insert().values(
                        key=letter.key, state=to, reason=letter.hold or "", **_frozen(letter, now)
                    )
                )
                _insert_parts(connection, letter)
                cause = Cause(now, by, letter.hold or "queued")
                _append_change(connection, letter.key, None, to, cause)
                return "new"
            if row.state not in _REPLACEABLE:
                return "already_sent"
            differences = _differences(row, _figures(connection, letter.key), letter, to)
            lapsed = row.state is State.expired and letter.not_after <= now
            refused = row.state is State.failed and row.digest == letter.digest
            if lapsed or refused or not differences:
                return "unchanged"
            moved = _move(
                connection,
                (letter.key, row.state, to),
                Cause(now, by, "; ".join(differences)),
                _frozen(letter, now) | {"reason": letter.hold or ""},
            )
            if not moved:
                raise ConcurrentChangeError(f"{letter.key} changed while it was queued.")
            for parts in (IMAGES, FIGURES):
                connection.execute(parts.delete().where(parts.c.letter_key == letter.key))
            _insert_parts(connection, letter)
            return "changed"

    def _cancel(self, key: str, now: datetime, by: str) -> bool:
        cause = Cause(now, by, "no longer in the batch")
        with self._engine.begin() as connection:
            row = _row(connection, key)
            return row.state in WAITING and _move(
                connection, (key, row.state, State.cancelled), cause, {"reason": cause.why}
            )

    # Delivering

    def claim(self, key: str, *, owner: str, transport: str, now: datetime) -> bool:
        """Take a pending letter that is still news; committed before the first byte goes out.

        Returns:
            False where somebody else has it, or it is not pending any more.
        """
        with self._engine.begin() as connection:
            return _move(
                connection,
                (key, State.pending, State.claimed),
                Cause(now, owner, f"to be sent by {transport}"),
                {
                    "owner": owner,
                    "transport": transport,
                    "claimed_at": now,
                    "attempts": LETTERS.c.attempts + 1,
                    "reason": "",
                },
                LETTERS.c.not_after > now,
            )

    def record(
        self,
        key: str,
        outcome: State,
        *,
        now: datetime,
        detail: str = "",
        transport_id: str | None = None,
    ) -> None:
        """Note how the attempt ended: sent, failed, unknown, or pending if it provably did not go.

        Raises:
            TransitionError: The letter is not claimed, or cannot go to that state.
        """
        with self._engine.begin() as connection:
            row = _row(connection, key)
            if row.state is not State.claimed:
                raise TransitionError(f"{key} is {row.state}, not claimed; nothing to record.")
            _end_attempt(connection, row, outcome, Cause(now, row.owner, detail), transport_id)

    def abandon_claims(self, *, now: datetime, by: str) -> int:
        """Make left-over claims unknown; only right while no other sender can be at work."""
        cause = Cause(now, by, "the sender stopped before it noted the outcome")
        with self._engine.begin() as connection:
            rows = connection.execute(
                sa.select(LETTERS).where(LETTERS.c.state == State.claimed)
            ).all()
            for row in rows:
                _end_attempt(connection, row, State.unknown, cause, None)
        return len(rows)

    def resolve(
        self, key: str, outcome: State, cause: Cause, transport_id: str | None = None
    ) -> None:
        """Settle an unknown letter on evidence: sent, or pending again.

        Raises:
            TransitionError: The letter is not unknown, or cannot go to that state.
        """
        values = _outcome_values(outcome, cause, transport_id)
        with self._engine.begin() as connection:
            if not _move(connection, (key, State.unknown, outcome), cause, values):
                raise TransitionError(f"{key} is not unknown; nothing to resolve.")

    def expire(self, *, now: datetime, by: str) -> int:
        """Make every waiting letter expired that is no longer news; how many."""
        cause = Cause(now, by, "no longer news")
        with self._engine.begin() as connection:
            rows = connection.execute(
                sa.select(LETTERS.c.key, LETTERS.c.state).where(
                    LETTERS.c.state.in_(WAITING), LETTERS.c.not_after <= now
                )
            ).all()
            return sum(
                _move(connection, (key, state, State.expired), cause, {"reason": cause.why})
                for key, state in rows
            )

    # Reading

    def waiting(self, campaign: str, period: str) -> Sequence[str]:
        """Keys of the letters that may go out, in order."""
        return self._keys(_of_period(campaign, period), LETTERS.c.state == State.pending)

    def unknown(self, transport: str) -> Sequence[str]:
        """Keys of the letters of which it is not known whether this transport sent them."""
        return self._keys(LETTERS.c.transport == transport, LETTERS.c.state == State.unknown)

    def letter(self, key: str) -> FrozenLetter:
        """The content of one letter.

        Raises:
            LedgerError: There is no such letter.
        """
        with self._engine.connect() as connection:
            row = _row(connection, key)
            images = connection.execute(
                sa.select(IMAGES.c.name, IMAGES.c.png)
                .where(IMAGES.c.letter_key == key)
                .order_by(IMAGES.c.position)
            ).all()
        return FrozenLetter(
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
            images=tuple(Image(name, png) for name, png in images),
            digest=row.digest,
        )

    def entries(self, campaign: str, period: str) -> Sequence[Entry]:
        """The letters of a period, by key, without their content."""
        query = (
            sa.select(
                LETTERS.c.key,
                LETTERS.c.recipient_key,
                LETTERS.c.name,
                LETTERS.c.subject,
                LETTERS.c.state,
                LETTERS.c.reason,
                LETTERS.c.notes,
                LETTERS.c.sent_at,
            )
            .where(_of_period(campaign, period))
            .order_by(LETTERS.c.key)
        )
        with self._engine.connect() as connection:
            return [
                Entry(
                    key=row.key,
                    recipient_key=row.recipient_key,
                    recipient_name=row.name,
                    subject=row.subject,
                    state=row.state,
                    reason=row.reason,
                    notes=tuple(row.notes),
                    sent_at=row.sent_at,
                )
                for row in connection.execute(query)
            ]

    def stated(self, campaign: str, period: str) -> Mapping[str, Sequence[Figure]]:
        """The figures that each letter of a period states; letters without any are left out."""
        query = (
            sa.select(FIGURES)
            .join(LETTERS)
            .where(_of_period(campaign, period))
            .order_by(FIGURES.c.letter_key, FIGURES.c.position)
        )
        with self._engine.connect() as connection:
            found: dict[str, list[Figure]] = {}
            for row in connection.execute(query):
                found.setdefault(row.letter_key, []).append(_figure(row))
        return found

    def figures(self, campaign: str, period: str) -> pl.DataFrame:
        """What recipients were told about a period, by the letters that arrived.

        Returns:
            `recipient_key`, `subject`, `numerator`, `denominator`: a row per figure.
        """
        columns = (
            LETTERS.c.recipient_key,
            FIGURES.c.subject,
            FIGURES.c.numerator,
            FIGURES.c.denominator,
        )
        query = (
            sa.select(*columns)
            .select_from(FIGURES.join(LETTERS))
            .where(_of_period(campaign, period), LETTERS.c.state.in_(ARRIVED))
            .order_by(LETTERS.c.recipient_key, FIGURES.c.position)
        )
        with self._engine.connect() as connection:
            rows = [row._asdict() for row in connection.execute(query)]
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
            .where(_of_period(campaign, period))
            .group_by(LETTERS.c.state)
        )
        with self._engine.connect() as connection:
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
        with self._engine.connect() as connection:
            found = connection.execute(query).all()
        return [
            PeriodSummary(campaign, period, self.counts(campaign, period))
            for campaign, period in found
        ]

    def has_sent(self) -> bool:
        """Whether any letter ever went out."""
        query = sa.select(sa.exists().where(LETTERS.c.sent_at.is_not(None)))
        with self._engine.connect() as connection:
            return bool(connection.scalar(query))

    def letters_frame(self) -> pl.DataFrame:
        """One row per letter for the warehouse: no content, no names, no addresses."""
        schema: dict[str, pl.DataType | type[pl.DataType]] = {
            "key": pl.String,
            "campaign": pl.String,
            "period": pl.String,
            "state": pl.String,
            "queued_at": pl.Datetime("us", "UTC"),
            "sent_at": pl.Datetime("us", "UTC"),
            "attempts": pl.Int64,
            "digest": pl.String,
        }
        query = sa.select(*(LETTERS.c[name] for name in schema)).order_by(LETTERS.c.key)
        with self._engine.connect() as connection:
            rows = [row._asdict() | {"state": str(row.state)} for row in connection.execute(query)]
        return pl.DataFrame(rows, schema=schema)

    def story(self, key: str) -> Sequence[Event]:
        """Everything that happened to a letter, oldest first."""
        with self._engine.connect() as connection:
            changes = connection.execute(
                sa.select(CHANGES).where(CHANGES.c.letter_key == key).order_by(CHANGES.c.id)
            ).all()
            attempts = connection.execute(
                sa.select(ATTEMPTS).where(ATTEMPTS.c.letter_key == key).order_by(ATTEMPTS.c.id)
            ).all()
        lines = [
            Event(row.at, f"{row.from_state or 'new'} → {row.to_state}", row.by, row.why)
            for row in changes
        ]
        lines += [
            Event(row.at, f"attempt {row.attempt}: {row.outcome}", row.transport, row.detail)
            for row in attempts
        ]
        return sorted(lines, key=lambda line: line.at)

    def _keys(self, *conditions: sa.ColumnElement[bool]) -> Sequence[str]:
        with self._engine.connect() as connection:
            return list(
                connection.scalars(
                    sa.select(LETTERS.c.key).where(*conditions).order_by(LETTERS.c.key)
                )
            )


def _prepare_sqlite(engine: sa.Engine) -> None:
    if engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
        # a write takes its lock at once, so it waits for another writer instead of failing
        connection.isolation_level = "IMMEDIATE"
        for pragma in (
            "busy_timeout = 30000",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")


def _check_batch(batch: Sequence[Letter]) -> None:
    for letter in batch:
        for part in ("campaign", "period", "recipient_key"):
            if not _KEY_PART.fullmatch(getattr(letter, part)):
                raise LedgerError(
                    f"A letter's {part} cannot be used in its key: it may have letters, digits, "
                    ". _ and -, and must begin with a letter or digit."
                )
        if len({image.name for image in letter.images}) < len(letter.images):
            raise LedgerError(f"{letter.key} has two images of one name; give each its own.")
    for key, number in Counter(letter.key for letter in batch).items():
        if number > 1:
            raise LedgerError(
                f"{key} is {number} times in the batch; a recipient gets one letter a period."
            )


def _of_period(campaign: str, period: str) -> sa.ColumnElement[bool]:
    return sa.and_(LETTERS.c.campaign == campaign, LETTERS.c.period == period)


def _frozen(letter: Letter, now: datetime) -> dict[str, Any]:
    return {**letter.columns, "digest": letter.digest, "queued_at": now}


def _insert_parts(connection: sa.Connection, letter: Letter) -> None:
    if letter.images:
        connection.execute(
            IMAGES.insert(),
            [
                {"letter_key": letter.key, "name": i.name, "position": n, "png": i.png}
                for n, i in enumerate(letter.images)
            ],
        )
    if letter.figures:
        connection.execute(
            FIGURES.insert(),
            [
                {"letter_key": letter.key, "position": n, **asdict(figure)}
                for n, figure in enumerate(letter.figures)
            ],
        )


def _figures(connection: sa.Connection, key: str) -> tuple[Figure, ...]:
    query = sa.select(FIGURES).where(FIGURES.c.letter_key == key).order_by(FIGURES.c.position)
    return tuple(_figure(row) for row in connection.execute(query))


def _figure(row: sa.Row[Any]) -> Figure:
    return Figure(
        subject=row.subject,
        label=row.label,
        numerator=row.numerator,
        denominator=row.denominator,
        change=row.change,
        unusual=row.unusual,
    )


def _differences(
    row: sa.Row[Any], stated: tuple[Figure, ...], letter: Letter, to: State
) -> list[str]:
    found = {
        "content changed": row.digest != letter.digest,
        "figures changed": stated != letter.figures,
        "notes changed": row.notes != list(letter.notes),
        "not-after changed": row.not_after != letter.not_after,
        "back in the batch": row.state is State.cancelled,
        "hold lifted": row.state is State.held and to is State.pending,
        f"held: {letter.hold}": to is State.held
        and (row.state is not State.held or row.reason != letter.hold),
    }
    return [why for why, applies in found.items() if applies]


def _row(connection: sa.Connection, key: str) -> sa.Row[Any]:
    row = connection.execute(sa.select(LETTERS).where(LETTERS.c.key == key)).one_or_none()
    if row is None:
        raise LedgerError(f"There is no letter {key} in the ledger.")
    return row


def _append_change(
    connection: sa.Connection, key: str, from_state: State | None, to_state: State, cause: Cause
) -> None:
    connection.execute(
        CHANGES.insert().values(
            letter_key=key,
            at=cause.at,
            from_state=from_state,
            to_state=to_state,
            by=cause.by,
            why=cause.why,
        )
    )


def _move(
    connection: sa.Connection,
    step: tuple[str, State, State],
    cause: Cause,
    values: Mapping[str, Any],
    *conditions: sa.ColumnElement[bool],
) -> bool:
    """Take a letter (key) from a state to another, if it is still in the former.

    The only writer of a state after the first.
    """
    key, from_state, to_state = step
    if to_state not in TRANSITIONS.get(from_state, frozenset()):
        raise TransitionError(f"{key} cannot go from {from_state} to {to_state}.")
    moved = connection.execute(
        LETTERS.update()
        .where(LETTERS.c.key == key, LETTERS.c.state == from_state, *conditions)
        .values(state=to_state, **values)
    )
    if moved.rowcount != 1:
        return False
    _append_change(connection, key, from_state, to_state, cause)
    return True


def _outcome_values(outcome: State, cause: Cause, transport_id: str | None) -> dict[str, Any]:
    if outcome is State.sent:
        return {"reason": cause.why, "sent_at": cause.at, "transport_id": transport_id}
    return {"reason": cause.why}


def _end_attempt(
    connection: sa.Connection,
    row: sa.Row[Any],
    outcome: State,
    cause: Cause,
    transport_id: str | None,
) -> None:
    values = _outcome_values(outcome, cause, transport_id)
    if not _move(connection, (row.key, State.claimed, outcome), cause, values):
        raise ConcurrentChangeError(f"{row.key} changed while its attempt was recorded.")
    connection.execute(
        ATTEMPTS.insert().values(
            letter_key=row.key,
            attempt=row.attempts,
            at=cause.at,
            transport=row.transport,
            outcome=outcome,
            detail=cause.why,
            transport_id=transport_id,
        )
    )
