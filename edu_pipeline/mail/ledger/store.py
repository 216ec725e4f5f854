"""The letters of the ledger: how they are frozen, and the rules by which their state changes.

One letter per campaign, period, recipient and revision, frozen with its images when it is queued.
Every change of state is one durable transaction that checks `TRANSITIONS` and appends to `changes`;
every attempt to send is appended to `attempts`; a content that is replaced before it goes out stays
in `contents`. Who approves, pauses or opts out stands in the modules beside this one; nothing is
sent from here.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.ground.spilled import SpilledSet, spilled_set
from edu_pipeline.mail.checks import NO_ADDRESSEE
from edu_pipeline.mail.corrections import corrected
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.events import fold
from edu_pipeline.mail.ledger.addressees import is_addressee, replace_addressees
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.history import Abouts, sent_before
from edu_pipeline.mail.ledger.journal import Line, note
from edu_pipeline.mail.ledger.memory import KEPT, UNMET, hashed, of_letter
from edu_pipeline.mail.ledger.reading import (
    FROZEN,
    FrozenLetter,
    LedgerReader,
    Release,
    of_period,
    row_of,
)
from edu_pipeline.mail.ledger.suppressions import reason_not_to_write
from edu_pipeline.mail.ledger.tables import (
    ABSENCES,
    ADDRESSEES,
    APPROVALS,
    ARRIVED,
    ATTEMPTS,
    CHANGES,
    CONTENT_IMAGES,
    CONTENTS,
    CONTROLS,
    ELSEWHERE,
    EVENTS,
    FIGURES,
    FOLDER,
    IMAGES,
    LETTERS,
    NEWEST_CONTROL,
    OUT,
    PERIODS,
    RELEASES,
    SUPPRESSIONS,
    WAITING,
    Text,
)
from edu_pipeline.mail.ledger.tombstones import is_forgotten
from edu_pipeline.mail.letter import Letter, letter_key
from edu_pipeline.mail.states import State
from edu_pipeline.mail.suppressed import Reason

_REPLACEABLE = WAITING | {State.cancelled, State.expired, State.failed}
_ENDED = frozenset({State.expired, State.cancelled})
_TOLD = OUT | {State.unknown}
"""Where evidence takes a letter: the carrier's, or that of the journal, which may not know the end."""

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.draft: WAITING | _ENDED | _TOLD,
    State.approved: WAITING | _ENDED | _TOLD,
    State.pending: WAITING | _ENDED | _TOLD | {State.claimed},
    State.held: WAITING | _ENDED | _TOLD,
    State.suppressed: WAITING | _ENDED | _TOLD,
    State.claimed: frozenset({State.sent, State.failed, State.pending, State.unknown}),
    State.unknown: OUT | {State.pending, State.cancelled},
    State.failed: WAITING | _TOLD | {State.cancelled},
    State.expired: WAITING | _TOLD,
    State.cancelled: WAITING | _TOLD | {State.cancelled},
    # what went only into the folder may still go to people
    State.sent: (OUT - {State.sent}) | WAITING,
    State.delivered: frozenset({State.dropped, State.bounced, State.complained}),
    State.dropped: frozenset({State.bounced, State.complained}),
    State.bounced: frozenset({State.complained}),
}
"""From each state the states it may go to; one that is missing is final.

Evidence of the carrier takes a letter out of any state but a claim, whose sender is at work.
"""


class TransitionError(LedgerError):
    """A change of state that the rules do not allow."""


class ConcurrentChangeError(LedgerError):
    """Another process changed the letter since it was read."""


@dataclass(frozen=True)
class Cause:
    """When something changed, who or what did it, and why."""

    at: datetime
    by: str
    why: str


class Step(NamedTuple):
    """A letter goes from one state to another."""

    key: str
    from_state: State
    to_state: State
    cause: Cause
    values: Mapping[str, Any]
    """What else changes in its row."""


@dataclass(frozen=True)
class Ended:
    """How an attempt at a letter ended."""

    key: str
    state: State
    """Sent, failed, unknown, or pending where it provably did not go."""
    detail: str = ""
    transport_id: str | None = None


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
    forgotten: int = 0
    """To people who were erased: not kept."""
    corrections: int = 0
    """Among the new and changed: revisions of letters that went out."""


@dataclass(frozen=True)
class Queueing:
    """Under which rules a batch is queued."""

    approval: bool = False
    """A person must approve each content before it goes out."""
    leaves: bool = False
    """Letters leave the house: what went only into the folder is still to go out."""
    correction: str | None = None
    """Why letters that went out are corrected, where their content changed."""


_PLAIN = Queueing()
_AT_ONCE = 50
"""Letters that are queued in one transaction, which is slow to become durable."""
_Verdict = Literal[
    "new", "unchanged", "changed", "already_sent", "cancelled", "forgotten", "correction"
]


_KEY_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Ledger(LedgerReader):
    """The ledger behind a database URL, such as `sqlite:///data/ledger.db`.

    A context manager: leaving it closes the connections. Every method that changes something
    has committed when it returns. May be used from several threads.
    """

    # What may be sent, as the last refresh has it

    def record_periods(
        self,
        campaign: str,
        periods: Iterable[Period],
        addressees: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Replace what is known of a campaign's periods and addressees, in one transaction.

        With those of the campaigns below it, as `nudges.buslead` is of `nudges`; none is none.

        Args:
            campaign: Such as `nudges`.
            periods: What may be sent.
            addressees: Campaign and address: whom alone the letters may reach of a campaign whose
                settings say so.
        """
        rows = [asdict(period) for period in periods]
        with self.begin() as connection:
            connection.execute(PERIODS.delete().where(_and_below(PERIODS.c.campaign, campaign)))
            if rows:
                connection.execute(PERIODS.insert(), rows)
            replaced = _and_below(ADDRESSEES.c.campaign, campaign)
            replace_addressees(connection, self.salt, replaced, addressees)

    def release(self, release: Release) -> None:
        """Note that a problem holds no letters any more; kept for good.

        One that went and came back may be released again.

        Raises:
            LedgerError: The release has no reason.
        """
        if not release.reason.strip():
            raise LedgerError("A release needs a reason: say why letters may go out all the same.")
        with self.begin() as connection:
            connection.execute(RELEASES.insert().values(asdict(release)))

    # Queueing

    def queue(
        self,
        letters: Iterable[Letter],
        *,
        now: datetime,
        by: str,
        rules: Queueing = _PLAIN,
        of: tuple[str, str] | None = None,
    ) -> QueueResult:
        """Freeze a batch: all letters of its campaigns and periods, some of them in each transaction.

        Queueing the same batch again changes nothing. A letter that has not gone out is replaced
        where it differs, and has to be approved anew; one that has, or may have, is never touched,
        but a correction adds a revision of it where its content changed. Letters that wait but are
        no longer in the batch are cancelled; one that a person cancelled stays so. `of`, a
        campaign and period, says of what the batch is where it may be empty.

        Raises:
            LedgerError: A key is unusable or twice in the batch, an image name twice in a letter;
                those before it are queued.
        """
        tally: Counter[_Verdict] = Counter()
        of_all = {of} if of else set()
        part: list[Letter] = []
        with spilled_set() as keys:
            try:
                for letter in letters:
                    _check(letter, keys)
                    of_all.add((letter.campaign, letter.period))
                    part.append(letter)
                    if len(part) == _AT_ONCE:
                        tally.update(self._queue_part(part, now, by, rules))
                        part = []
            finally:
                tally.update(self._queue_part(part, now, by, rules))
            gone = [key for each in sorted(of_all) for key in self._waiting_but(keys, *each)]
        cause = Cause(now, by, "no longer in the batch")
        cancelled = tally["cancelled"] + sum(self.cancel(k, cause, for_good=False) for k in gone)
        return QueueResult(
            new=tally["new"] + tally["correction"],
            unchanged=tally["unchanged"],
            changed=tally["changed"],
            already_sent=tally["already_sent"],
            cancelled=cancelled,
            forgotten=tally["forgotten"],
            corrections=tally["correction"],
        )

    def _waiting_but(self, batch: SpilledSet, campaign: str, period: str) -> Sequence[str]:
        """The keys of a period's letters that wait, revisions too, and are not in a batch."""
        query = (
            sa.select(LETTERS.c.key, LETTERS.c.recipient_key)
            .where(of_period(campaign, period), LETTERS.c.state.in_(WAITING))
            .order_by(LETTERS.c.key)
            .execution_options(yield_per=_AT_ONCE)
        )
        # not in SQL: a database takes no statement with a hundred thousand values
        with self.connect() as connection:
            return [
                key
                for key, recipient in connection.execute(query)
                if letter_key(campaign, period, recipient) not in batch
            ]

    def _queue_part(
        self, letters: Sequence[Letter], now: datetime, by: str, rules: Queueing
    ) -> Sequence[_Verdict]:
        try:
            return self._put_all(letters, now, by, rules)
        except (ConcurrentChangeError, IntegrityError):
            # another process had one of them between reading and writing
            return self._put_all(letters, now, by, rules)

    def _put_all(
        self, letters: Sequence[Letter], now: datetime, by: str, rules: Queueing
    ) -> Sequence[_Verdict]:
        if not letters:
            return []
        with self.begin() as connection:
            if not connection.scalar(_MORE_REMEMBERED):
                return [_put(connection, letter, now, by, rules) for letter in letters]
            verdicts = []
            for letter in letters:
                _meet_wishes(connection, self.salt, letter)
                verdicts.append(_put(connection, letter, now, by, rules))
                _meet_elsewhere(connection, self.salt, letter, by)
            return verdicts

    def cancel(self, key: str, cause: Cause, *, for_good: bool = True) -> bool:
        """Take a waiting letter out of the post; False where it does not wait any more.

        Args:
            key: The letter's.
            cause: Who does it, and why.
            for_good: It stays cancelled until somebody takes that back.
        """
        with self.begin() as connection:
            row = row_of(connection, key)
            return row.state in WAITING and cancel_in(connection, row, cause, for_good=for_good)

    def take_back_cancelling(self, key: str, cause: Cause) -> bool:
        """Let a letter that somebody cancelled come back with the next batch.

        Returns:
            False where it is not cancelled, or may have gone out before it was.
        """
        tried = sa.exists().where(
            ATTEMPTS.c.letter_key == key, ATTEMPTS.c.outcome.in_({State.sent, State.unknown})
        )
        with self.begin() as connection:
            values = {"reason": "to be written anew", "cancelled_for_good": False}
            step = Step(key, State.cancelled, State.cancelled, cause, values)
            return not connection.scalar(sa.select(tried)) and move(connection, step)

    def hold(self, key: str, cause: Cause) -> bool:
        """Let a pending letter wait for a person; False where it is not pending any more."""
        with self.begin() as connection:
            return move(connection, _step(key, State.pending, State.held, cause))

    # Delivering

    def release_approved(self, campaign: str, period: str, *, now: datetime, by: str) -> int:
        """Make a period's approved letters pending; how many."""
        return self._move_all(
            State.approved,
            State.pending,
            Cause(now, by, "approved"),
            of_period(campaign, period),
        )

    def suppress_waiting(self, *, now: datetime, by: str) -> int:
        """Take letters out of the post that must not go out by now; how many.

        To people who are not written to any more, or who got theirs by other means.
        """
        with self.begin() as connection:
            rows = _unwanted(connection, _TO_GO.with_for_update())
            move(connection, *(_suppressing(row, now, by) for row in rows))
        return len(rows)

    def not_to_be_sent(self) -> Mapping[str, str]:
        """The letters that `suppress_waiting` would take, by key, and why."""
        with self.connect() as connection:
            return {row.key: _why_not(row) for row in _unwanted(connection, _TO_GO)}

    def demand_approval(self, campaign: str, period: str, *, now: datetime, by: str) -> int:
        """Make pending letters drafts whose content nobody approved; how many.

        They were queued when none was needed.
        """
        approved = sa.exists().where(
            APPROVALS.c.letter_key == LETTERS.c.key, APPROVALS.c.digest == LETTERS.c.digest
        )
        return self._move_all(
            State.pending,
            State.draft,
            Cause(now, by, "needs approval"),
            of_period(campaign, period),
            ~approved,
        )

    def exchange(
        self,
        ended: Collection[Ended],
        keys: Collection[str],
        *,
        owner: str,
        transport: str,
        now: datetime,
        only_addressees: bool = False,
    ) -> Sequence[FrozenLetter]:
        """Note how attempts ended and claim what goes out next, in one transaction.

        What the carrier reported in the meantime is taken into account.

        Args:
            ended: Of letters that are claimed.
            keys: Of the letters to claim.
            owner: Names this sender.
            transport: By which it sends.
            now: With time zone.
            only_addressees: Hold letters to addresses that the last refresh did not find.

        Returns:
            The letters that are claimed now, committed before their first byte goes out: those that
            were pending and still news, unless the gate holds them or somebody paused all sending.
            Whose recipients must not be written to by now are suppressed instead.

        Raises:
            TransitionError: An attempt ended of a letter that is not claimed, or cannot go there.
            SenderBusyError: Another sender has begun meanwhile.
        """
        with self.begin() as connection:
            self.check_turn(connection)
            rows = connection.execute(_CLAIMABLE, {"keys": keys, "now": now}).all() if keys else []
            strangers = {
                row.key
                for row in rows
                if only_addressees
                and not is_addressee(connection, self.salt, row.campaign, row.email)
            }
            claims = [
                _step(row.key, row.state, State.held, Cause(now, owner, NO_ADDRESSEE))
                if row.key in strangers
                else _claiming(row, owner, transport, now)
                for row in rows
            ]
            _end_attempts(connection, ended, now, owner, *claims)
            claimed = [row for row in rows if row.key not in strangers and not _why_not(row)]
            for row in claimed:
                to = hashed(self.salt, row.email)
                note(connection, of_letter(row.key, State.claimed, now, to=to, by=transport))
            return self.letters_from(connection, claimed, claimed_at=now) if claimed else []

    def abandon_claims(self, *, now: datetime, by: str) -> int:
        """Make left-over claims unknown; only right while no other sender can be at work."""
        why = "the sender stopped before it noted the outcome"
        left_over = sa.select(LETTERS.c.key).where(LETTERS.c.state == State.claimed)
        with self.begin() as connection:
            keys = connection.scalars(left_over.with_for_update()).all()
            _end_attempts(connection, [Ended(key, State.unknown, why) for key in keys], now, by)
        return len(keys)

    def absent_since(self, key: str, asked_at: datetime, delivery: str) -> tuple[datetime, str]:
        """Note that the carrier's records do not have a letter in doubt, unless that was noted before.

        Args:
            key: The letter's.
            asked_at: The carrier's own time.
            delivery: Tells this delivery from others.

        Returns:
            When, by the carrier's time, and in which delivery its last attempt was first missing.
        """
        with self.begin() as connection:
            attempt = row_of(connection, key).attempts
            first = sa.select(ABSENCES.c.asked_at, ABSENCES.c.delivery).where(
                ABSENCES.c.letter_key == key, ABSENCES.c.attempt == attempt
            )
            if (known := connection.execute(first).one_or_none()) is not None:
                return known.asked_at, known.delivery
            connection.execute(
                ABSENCES.insert().values(
                    letter_key=key, attempt=attempt, asked_at=asked_at, delivery=delivery
                )
            )
            return asked_at, delivery

    def resolve(
        self, key: str, outcome: State, cause: Cause, transport_id: str | None = None
    ) -> None:
        """Settle an unknown or failed letter: sent on evidence, pending again, or cancelled.

        Raises:
            TransitionError: The letter is neither, or cannot go to that state.
        """
        with self.begin() as connection:
            row = row_of(connection, key)
            if row.state not in {State.unknown, State.failed}:
                raise TransitionError(f"{key} is {row.state}: there is nothing to resolve.")
            values = _outcome_values(outcome, cause, transport_id)
            if outcome is State.cancelled:
                values["cancelled_for_good"] = True  # it may be out
            if not move(connection, Step(key, row.state, outcome, cause, values)):
                raise ConcurrentChangeError(f"{key} changed while it was resolved.")

    def adopt(self, key: str, cause: Cause, transport_id: str, transport: str) -> bool:
        """Note that the carrier's records have a letter that was not known to be out.

        Returns:
            False where that was known, or its sender is at work.
        """
        values = {
            "reason": cause.why,
            "sent_at": cause.at,
            "transport": transport,
            "transport_id": transport_id,
        }
        with self.begin() as connection:
            row = row_of(connection, key)
            if row.state in OUT or row.state is State.claimed:
                return False
            return move(connection, Step(key, row.state, State.sent, cause, values))

    def expire(self, *, now: datetime, by: str) -> int:
        """Make every waiting letter expired that is no longer news; how many."""
        cause = Cause(now, by, "no longer news")
        return sum(
            self._move_all(state, State.expired, cause, LETTERS.c.not_after <= now)
            for state in sorted(WAITING)
        )

    def _move_all(
        self, state: State, to: State, cause: Cause, *conditions: sa.ColumnElement[bool]
    ) -> int:
        with self.begin() as connection:
            keys = connection.scalars(
                sa.select(LETTERS.c.key)
                .where(LETTERS.c.state == state, *conditions)
                .with_for_update()
            ).all()
            move(connection, *(_step(key, state, to, cause) for key in keys))
            return len(keys)


def _and_below(column: sa.Column[str], campaign: str) -> sa.ColumnElement[bool]:
    return (column == campaign) | column.startswith(f"{campaign}.", autoescape=True)


def _check(letter: Letter, before: SpilledSet) -> None:
    for part in ("campaign", "period", "recipient_key"):
        if not _KEY_PART.fullmatch(getattr(letter, part)):
            raise LedgerError(
                f"A letter's {part} cannot be used in its key: it may have letters, digits, "
                ". _ and -, and must begin with a letter or digit."
            )
    if len({image.name for image in letter.images}) < len(letter.images):
        raise LedgerError(f"{letter.key} has two images of one name; give each its own.")
    if not before.add(letter.key):
        raise LedgerError(
            f"{letter.key} is twice in the batch; a recipient gets one letter a period."
        )


@dataclass(frozen=True)
class _Draft:
    """A letter about to be frozen, as the revision that it will be."""

    letter: Letter
    revision: int
    correction: str | None

    @cached_property
    def frozen(self) -> Letter:
        return corrected(self.letter, self.correction) if self.correction else self.letter

    @property
    def key(self) -> str:
        letter = self.letter
        return letter_key(letter.campaign, letter.period, letter.recipient_key, self.revision)

    @property
    def values(self) -> dict[str, Any]:
        """What the row of the letter says of its content."""
        return {
            "correction": self.correction,
            "email": self.letter.recipient.email,
            "name": self.letter.recipient.name,
            "digest": self.frozen.digest,
            "substance": self.letter.substance,
        }


def _put(
    connection: sa.Connection, letter: Letter, now: datetime, by: str, rules: Queueing
) -> _Verdict:
    address = same_address(letter.recipient.email)
    if is_forgotten(connection, letter.recipient_key, address):
        return "forgotten"
    whose = {
        "campaign": letter.campaign,
        "period": letter.period,
        "recipient_key": letter.recipient_key,
    }
    revisions = connection.execute(_REVISIONS, whose).all()
    if not revisions:
        _insert(connection, _Draft(letter, 1, None), now, by, rules)
        return "new"
    return _requeue(connection, revisions, letter, now, by, rules)


_REVISIONS = (
    sa.select(LETTERS)
    .where(
        *(LETTERS.c[name] == sa.bindparam(name) for name in ("campaign", "period", "recipient_key"))
    )
    .order_by(LETTERS.c.revision)
    .with_for_update()
)


def _requeue(
    connection: sa.Connection,
    revisions: Sequence[sa.Row[Any]],
    letter: Letter,
    now: datetime,
    by: str,
    rules: Queueing,
) -> _Verdict:
    """What a letter of the batch does to those of its key that are there already."""
    row, earlier = revisions[-1], revisions[:-1]
    only_in_folder = row.state is State.sent and row.transport == FOLDER and rules.leaves
    if row.state in _REPLACEABLE and earlier and letter.substance == earlier[-1].substance:
        cause = Cause(now, by, "nothing to correct any more")
        waits = row.state in WAITING and cancel_in(connection, row, cause, for_good=False)
        return "cancelled" if waits else "unchanged"
    if row.state is State.cancelled and row.cancelled_for_good:
        return "unchanged"  # a person's word holds until a person takes it back
    if row.state in _REPLACEABLE or (only_in_folder and letter.not_after > now):
        # who got nothing so far but files in the folder has nothing that could be corrected
        reached = any(each.transport != FOLDER for each in earlier) or not rules.leaves
        correction = (rules.correction or row.correction) if earlier and reached else None
        draft = _Draft(letter, row.revision, correction)
        return _replace(connection, row, draft, now, by, rules)
    if rules.correction and row.state in ARRIVED and row.substance != letter.substance:
        draft = _Draft(letter, row.revision + 1, rules.correction)
        _insert(connection, draft, now, by, rules)
        return "correction"
    return "already_sent"


_MORE_REMEMBERED = sa.select(
    sa.exists().select_from(ELSEWHERE)
    | sa.exists().where(SUPPRESSIONS.c.email.startswith(UNMET, autoescape=True))
)
"""Whether the ledger took over from its journal what it could not place."""


def _meet_wishes(connection: sa.Connection, salt: str, letter: Letter) -> None:
    """Give what somebody wished, who was known by a hash alone, their address."""
    email = same_address(letter.recipient.email)
    of_hash = SUPPRESSIONS.c.email == f"{UNMET}{hashed(salt, email)}"
    connection.execute(SUPPRESSIONS.update().where(of_hash).values(email=email))


def _meet_elsewhere(connection: sa.Connection, salt: str, letter: Letter, by: str) -> None:
    """Put a letter, just queued, where the journal alone remembers it to stand."""
    for row in connection.execute(
        sa.select(LETTERS).where(
            of_period(letter.campaign, letter.period),
            LETTERS.c.recipient_key == letter.recipient_key,
            LETTERS.c.state.in_(WAITING),
        )
    ).all():
        same = ELSEWHERE.c.key == row.key
        if row.revision == 1:
            to = hashed(salt, row.email)
            same |= sa.and_(
                ELSEWHERE.c.campaign == row.campaign,
                ELSEWHERE.c.period == row.period,
                ELSEWHERE.c.email_hash == to,
            )
        for known in connection.execute(sa.select(ELSEWHERE).where(same).limit(1)):
            why = "as the journal remembers; its content is not what it said then"
            of = remembered_step(
                row,
                known.state,
                Cause(known.at, by, why),
                at=known.at,
                transport=known.transport,
                transport_id=known.transport_id,
            )
            move(connection, of)


def remembered_step(
    row: sa.Row[Any],
    state: State,
    cause: Cause,
    *,
    at: datetime,
    transport: str | None,
    transport_id: str | None,
) -> Step:
    """The step that takes a letter, a row of `LETTERS`, to where the journal remembers it since `at`."""
    values = {
        "reason": cause.why,
        "attempts": max(row.attempts, 1),
        "transport": transport,
        "transport_id": transport_id,
        "claimed_at": at,
        "sent_at": at if state in OUT else None,
        "cancelled_for_good": state is State.cancelled,
    }
    return Step(row.key, row.state, state, cause, values)


def _insert(
    connection: sa.Connection, draft: _Draft, now: datetime, by: str, rules: Queueing
) -> None:
    letter = draft.letter
    state, reason = _first_state(connection, draft, draft.frozen.digest, rules)
    connection.execute(
        LETTERS.insert().values(
            key=draft.key,
            campaign=letter.campaign,
            period=letter.period,
            recipient_key=letter.recipient_key,
            revision=draft.revision,
            not_after=letter.not_after,
            notes=list(letter.notes),
            state=state,
            reason=reason,
            queued_at=now,
            **draft.values,
        )
    )
    _insert_content(connection, draft, now)
    _append_changes(connection, (draft.key, None, state, Cause(now, by, reason or "queued")))


def _replace(
    connection: sa.Connection,
    row: sa.Row[Any],
    draft: _Draft,
    now: datetime,
    by: str,
    rules: Queueing,
) -> _Verdict:
    """Bring a letter that has not gone out up to date; what it said before stays in `contents`."""
    letter = draft.letter
    same = (row.substance, row.correction) == (letter.substance, draft.correction)
    state, reason = _first_state(
        connection, draft, row.digest if same else draft.frozen.digest, rules
    )
    if same and (row.state, state) == (State.pending, State.approved):
        state = State.pending
    lapsed = row.state is State.expired and letter.not_after <= now
    refused = row.state is State.failed and same
    differences = _differences(row, letter, (state, reason), same=same)
    if lapsed or refused or not differences:
        return "unchanged"
    values = {
        "not_after": letter.not_after,
        "notes": list(letter.notes),
        "reason": reason,
        "sent_at": None,
        "transport_id": None,
    }
    if not same:
        values |= {**draft.values, "queued_at": now}
        _insert_content(connection, draft, now)
    cause = Cause(now, by, "; ".join(differences))
    if not move(connection, Step(row.key, row.state, state, cause, values)):
        raise ConcurrentChangeError(f"{row.key} changed while it was queued.")
    return "changed"


def _first_state(
    connection: sa.Connection, draft: _Draft, digest: str, rules: Queueing
) -> tuple[State, str]:
    """Where a letter stands that is about to wait, and why."""
    letter = draft.letter
    whose = {
        "campaign": letter.campaign,
        "period": letter.period,
        "recipient_key": letter.recipient_key,
        "email": same_address(letter.recipient.email),
        "abouts": sorted({figure.subject for figure in letter.figures}),
    }
    if why := _why_not(connection.execute(_NEW_ONE_KEPT_FROM, whose).one()):
        return State.suppressed, why
    if letter.hold:
        return State.held, letter.hold
    if rules.approval:
        # who cancels a letter takes its approval back
        cancelled = (
            sa.select(sa.func.max(CHANGES.c.at))
            .where(CHANGES.c.letter_key == draft.key, CHANGES.c.to_state == State.cancelled)
            .scalar_subquery()
        )
        approved = sa.exists().where(
            APPROVALS.c.letter_key == draft.key,
            APPROVALS.c.digest == digest,
            sa.or_(cancelled.is_(None), APPROVALS.c.at > cancelled),
        )
        return (State.approved if connection.scalar(sa.select(approved)) else State.draft), ""
    return State.pending, ""


def _kept_from(
    campaign: Text, period: Text, recipient_key: Text, email: Text, abouts: Abouts
) -> tuple[sa.Label[Any], ...]:
    """Why somebody gets no letter about a period, as two columns: sent by other means, not wanted.

    `abouts` are the subjects of the figures that it states.
    """
    day = sent_before(campaign=campaign, period=period, email=email, abouts=abouts)
    reason = reason_not_to_write(campaign=campaign, recipient_key=recipient_key, email=email)
    return day.label("day"), reason.label("not_wanted")


def _why_not(row: sa.Row[Any]) -> str:
    """The columns of `_kept_from` in words; empty where nothing keeps from writing."""
    if row.day:
        return f"It went out by other means, on {row.day}."
    return _UNWANTED[row.not_wanted] if row.not_wanted else ""


_KEPT_FROM = _kept_from(
    LETTERS.c.campaign,
    LETTERS.c.period,
    LETTERS.c.recipient_key,
    sa.func.lower(sa.func.trim(LETTERS.c.email)),
    sa.select(FIGURES.c.subject)
    .where(FIGURES.c.letter_key == LETTERS.c.key, FIGURES.c.digest == LETTERS.c.digest)
    .correlate(LETTERS),
)


_NEW_ONE_KEPT_FROM = sa.select(
    *_kept_from(
        sa.bindparam("campaign", type_=sa.String),
        sa.bindparam("period", type_=sa.String),
        sa.bindparam("recipient_key", type_=sa.String),
        sa.bindparam("email", type_=sa.String),
        sa.bindparam("abouts", type_=sa.String, expanding=True),
    )
)
"""The same of a letter that is not there yet."""


_TO_GO = sa.select(LETTERS.c.key, LETTERS.c.state, *_KEPT_FROM).where(
    LETTERS.c.state.in_({State.draft, State.approved, State.pending})
)


def _unwanted(connection: sa.Connection, query: sa.Select[Any]) -> list[sa.Row[Any]]:
    return [row for row in connection.execute(query) if _why_not(row)]


def _suppressing(row: sa.Row[Any], now: datetime, by: str) -> Step:
    return _step(row.key, row.state, State.suppressed, Cause(now, by, _why_not(row)))


_UNWANTED: Mapping[Reason, str] = {
    "bounce": "An earlier letter to this address came back.",
    "block": "The recipient's mail server refused an earlier letter.",
    "complaint": "An earlier letter was reported as spam.",
    "invalid": "The carrier says that there is no such address.",
    "unsubscribe": "The recipient paused these letters, or unsubscribed.",
}


def _insert_content(connection: sa.Connection, draft: _Draft, now: datetime) -> None:
    letter, digest = draft.frozen, draft.frozen.digest
    key = {"letter_key": draft.key, "digest": digest}
    known = sa.exists().where(CONTENTS.c.letter_key == draft.key, CONTENTS.c.digest == digest)
    if connection.scalar(sa.select(known)):
        return
    connection.execute(
        CONTENTS.insert().values(
            **key,
            subject=letter.subject,
            html=letter.html,
            text=letter.text,
            sender_email=letter.sender.email,
            sender_name=letter.sender.name,
            reply_to=letter.reply_to,
            headers=dict(letter.headers),
            frozen_at=now,
        )
    )
    for position, image in enumerate(letter.images):
        sha256 = hashlib.sha256(image.png).hexdigest()
        if not connection.scalar(sa.select(sa.exists().where(IMAGES.c.sha256 == sha256))):
            connection.execute(IMAGES.insert().values(sha256=sha256, png=image.png))
        connection.execute(
            CONTENT_IMAGES.insert().values(**key, name=image.name, position=position, sha256=sha256)
        )
    if letter.figures:
        connection.execute(
            FIGURES.insert(),
            [{**key, "position": n, **asdict(figure)} for n, figure in enumerate(letter.figures)],
        )


def _differences(
    row: sa.Row[Any], letter: Letter, to: tuple[State, str], *, same: bool
) -> list[str]:
    state, reason = to
    found = {
        "content changed": not same,
        "notes changed": row.notes != list(letter.notes),
        "not-after changed": row.not_after != letter.not_after,
        "back in the batch": row.state is State.cancelled,
        "it went only into the folder": row.state is State.sent,
        "hold lifted": row.state is State.held and state is not State.held,
        "written to again": row.state is State.suppressed and state is not State.suppressed,
        "needs approval": state is State.draft and row.state in {State.approved, State.pending},
        "needs no approval": state is State.pending and row.state is State.draft,
        "approved before": state is State.approved and row.state is not State.approved,
        reason: (state, reason) != (row.state, row.reason)
        and state in {State.held, State.suppressed},
    }
    return [why for why, applies in found.items() if applies]


def fold_events(connection: sa.Connection, keys: Collection[str], now: datetime) -> None:
    """Bring letters to where all that the carrier reported of them puts them.

    Order and repetitions do not matter. A letter whose sender is at work is left to `exchange`, and
    one that was never tried cannot be out, whatever is reported.
    """
    reported: dict[str, list[sa.Row[Any, Any, Any]]] = {}
    for event in connection.execute(_REPORTED, {"keys": keys}):
        reported.setdefault(event.letter_key, []).append(event)
    steps = []
    for key, events in reported.items():
        row = row_of(connection, key)
        state = fold([event.kind for event in events])
        never_tried = row.attempts == 0 and row.state not in OUT
        if (
            state is None
            or never_tried
            or row.state is State.claimed
            or state not in TRANSITIONS.get(row.state, ())
        ):
            continue
        said = [each.detail for each in events if each.detail and fold([each.kind]) is state]
        cause = Cause(now, "events", said[-1] if said else "reported by the carrier")
        sent_at = row.sent_at or min(event.at for event in events)
        values = {"reason": cause.why, "sent_at": sent_at}
        steps.append(Step(key, row.state, state, cause, values))
    move(connection, *steps)


_REPORTED = (
    sa.select(*EVENTS.c["letter_key", "kind", "detail", "at"])
    .where(EVENTS.c.letter_key.in_(sa.bindparam("keys", expanding=True)))
    .order_by(EVENTS.c.id)
)


def cancel_in(connection: sa.Connection, row: sa.Row[Any], cause: Cause, *, for_good: bool) -> bool:
    """Cancel a letter in a transaction that does more; False where it changed in between."""
    values = {"reason": cause.why, "cancelled_for_good": for_good}
    return move(connection, Step(row.key, row.state, State.cancelled, cause, values))


def _append_changes(
    connection: sa.Connection, *changes: tuple[str, State | None, State, Cause]
) -> None:
    connection.execute(
        CHANGES.insert(),
        [
            {
                "letter_key": key,
                "at": cause.at,
                "from_state": from_state,
                "to_state": to_state,
                "by": cause.by,
                "why": cause.why,
            }
            for key, from_state, to_state, cause in changes
        ],
    )


def _step(key: str, from_state: State, to_state: State, cause: Cause) -> Step:
    return Step(key, from_state, to_state, cause, {"reason": cause.why})


_MOVE = LETTERS.update().where(
    LETTERS.c.key == sa.bindparam("of"), LETTERS.c.state == sa.bindparam("from_state")
)


def move(connection: sa.Connection, *steps: Step) -> bool:
    """Take letters from a state to another, if they are still in the former.

    The only writer of a state after the first.

    Returns:
        False where a single letter was not; then nothing has changed.

    Raises:
        ConcurrentChangeError: One of several was not; the transaction must not be committed.
    """
    for key, from_state, to_state, *_ in steps:
        if to_state not in TRANSITIONS.get(from_state, frozenset()):
            raise TransitionError(f"{key} cannot go from {from_state} to {to_state}.")
    if not steps:
        return True
    moved = 0
    for _, alike in groupby(steps, lambda step: step.values.keys()):
        rows = [
            {"of": key, "from_state": from_state, "state": to_state, **values}
            for key, from_state, to_state, _, values in alike
        ]
        moved += connection.execute(_MOVE, rows).rowcount
    if moved == len(steps):
        _append_changes(connection, *(step[:4] for step in steps))
        note(connection, *map(_remembered, filter(_is_kept, steps)))
        return True
    if len(steps) > 1:
        raise ConcurrentChangeError("A letter changed while others were changed with it.")
    return False


def _is_kept(step: Step) -> bool:
    """Whether the journal hears of it; of claims it hears from `exchange`, with the address."""
    return step.to_state is not State.claimed and not KEPT.isdisjoint(step[1:3])


def _remembered(step: Step) -> Line:
    values = step.values
    return of_letter(
        step.key,
        step.to_state,
        step.cause.at,
        by=values.get("transport"),
        transport_id=values.get("transport_id"),
        for_good=bool(values.get("cancelled_for_good")),
    )


def _outcome_values(outcome: State, cause: Cause, transport_id: str | None) -> dict[str, Any]:
    sent_at, its_id = (cause.at, transport_id) if outcome is State.sent else (None, None)
    return {"reason": cause.why, "sent_at": sent_at, "transport_id": its_id}


_PAUSED = NEWEST_CONTROL.with_only_columns(CONTROLS.c.paused).scalar_subquery()
_HELD = sa.exists().where(
    PERIODS.c.campaign == LETTERS.c.campaign,
    PERIODS.c.period == LETTERS.c.period,
    PERIODS.c.held.is_not(None),
)
_CLAIMABLE = (
    FROZEN.add_columns(LETTERS.c.state, LETTERS.c.attempts, *_KEPT_FROM)
    .where(
        LETTERS.c.key.in_(sa.bindparam("keys", expanding=True)),
        LETTERS.c.state == State.pending,
        LETTERS.c.not_after > sa.bindparam("now"),
        ~_HELD,
        ~sa.func.coalesce(_PAUSED, sa.false()),
    )
    .order_by(LETTERS.c.key)
    .with_for_update(of=LETTERS)
)


def _claiming(row: sa.Row[Any], owner: str, transport: str, now: datetime) -> Step:
    """What becomes of a letter that may go out, unless its recipient must not be written to."""
    if _why_not(row):
        return _suppressing(row, now, owner)
    cause = Cause(now, owner, f"to be sent by {transport}")
    values = {"owner": owner, "transport": transport, "claimed_at": now, "reason": ""}
    values["attempts"] = row.attempts + 1
    return Step(row.key, row.state, State.claimed, cause, values)


_APPEND_ATTEMPT = ATTEMPTS.insert().values(
    {
        name: sa.select(column).where(LETTERS.c.key == sa.bindparam("of")).scalar_subquery()
        for name, column in (("attempt", LETTERS.c.attempts), ("transport", LETTERS.c.transport))
    }
)


def _end_attempts(
    connection: sa.Connection, ended: Collection[Ended], now: datetime, by: str, *also: Step
) -> None:
    """Note how attempts ended, and take other steps together with them."""
    steps, attempts = [], []
    for each in ended:
        cause = Cause(now, by, each.detail)
        values = _outcome_values(each.state, cause, each.transport_id)
        steps.append(Step(each.key, State.claimed, each.state, cause, values))
        attempt = {"of": each.key, "letter_key": each.key, "at": now, "outcome": each.state}
        attempts.append(attempt | {"detail": each.detail, "transport_id": each.transport_id})
    if not move(connection, *steps, *also):
        row = row_of(connection, (*steps, *also)[0].key)
        raise TransitionError(f"{row.key} is {row.state}, not claimed; nothing to record.")
    if ended:
        connection.execute(_APPEND_ATTEMPT, attempts)
        fold_events(connection, [each.key for each in ended], now)
