"""Taking over what a ledger lacks from its journal: after a backup was put back, or all was lost.

Nothing is sent from here, and nothing is let go: what may have gone out is unknown until somebody
or the carrier's records settle it, and where journal and ledger differ about what somebody wished,
the journal is right. Wishes, erasures and pauses come first, in one transaction with the rest.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.ledger.database import Standing, set_standing, standing_of
from edu_pipeline.mail.ledger.journal import Line, Point
from edu_pipeline.mail.ledger.memory import UNMET, hashed
from edu_pipeline.mail.ledger.store import (
    TRANSITIONS,
    Cause,
    Ledger,
    cancel_in,
    move,
    remembered_step,
)
from edu_pipeline.mail.ledger.suppressions import append_line, newest_line
from edu_pipeline.mail.ledger.tables import (
    CHANGES,
    CONTROLS,
    ELSEWHERE,
    HISTORY,
    LETTERS,
    NEWEST_CONTROL,
    OUT,
    SUPPRESSIONS,
    WAITING,
)
from edu_pipeline.mail.ledger.tombstones import is_forgotten, set_tombstones
from edu_pipeline.mail.states import State

_WHY = "taken over from the journal"


@dataclass(frozen=True)
class Adoption:
    """What a ledger took over from its journal."""

    known_until: datetime | None
    """The newest thing that the ledger itself knew; None where it was made anew."""
    wishes: int
    """Opt-outs, complaints, bounces, and what was lifted of them."""
    erased: int
    """Tombstones: whoever was forgotten since is in the ledger again, and is not written to."""
    paused: bool
    """All sending is paused, which the ledger did not know."""
    out: int
    """Letters that went out."""
    doubtful: int
    """Letters that may have gone out; they are unknown now."""
    cancelled: int
    """Letters that somebody cancelled for good, or that wait for somebody who was erased."""
    elsewhere: int
    """Of those out, doubtful or cancelled: letters that the ledger does not have (any more)."""
    damaged: int
    """Lines of the journal that cannot be read; what they said is lost."""


def adopt(url: str, journal: Path | None, *, now: datetime, by: str) -> Adoption:
    """Bring a ledger up to what its journal remembers; one that is gone is made anew.

    Raises:
        SenderBusyError: Letters are being delivered.
        LedgerError: It is another ledger, or cannot be opened.
    """
    with Ledger(url, journal, adopt=True) as ledger, ledger.only_sender():
        kept = ledger.journal
        known, damaged, last = _Known(), 0, Point()
        if kept:
            known, damaged, last = _known(kept.lines()), kept.damaged(), kept.last()
        with ledger.begin() as connection:
            known_until = connection.scalar(sa.select(sa.func.max(CHANGES.c.at)))
            if kept:  # from here on, all that it knows is written down with the next line
                at = standing_of(connection).at
                set_standing(connection, Standing(Point(max(at.n, last.n)).after(1), last))
            wishes = _take_wishes(connection, ledger.salt, known.wishes.values())
            erased = set_tombstones(connection, known.tombstones, now=now, by=by)
            paused = known.paused and _take_pause(connection, now, by)
            cancelled = _cancel_forgotten(connection, Cause(now, by, _WHY))
            letters = _take_letters(connection, known.letters, Cause(now, by, _WHY))
        return Adoption(
            known_until=known_until,
            wishes=wishes,
            erased=erased,
            paused=paused,
            out=sum(letters[state] for state in OUT),
            doubtful=letters[State.unknown],
            cancelled=cancelled + letters[State.cancelled],
            elsewhere=letters["elsewhere"],
            damaged=damaged,
        )


@dataclass
class _Known:
    """The newest that a journal says, of each thing."""

    wishes: dict[tuple[str, str, str], Line] = field(default_factory=dict)
    tombstones: set[str] = field(default_factory=set)
    paused: bool = False
    letters: dict[str, dict[str, Any]] = field(default_factory=dict)


def _known(lines: Iterable[Line]) -> _Known:
    known = _Known()
    for line in lines:
        match line["kind"]:
            case "address":
                known.wishes[line["to"], line["scope"], line["reason"]] = line
            case "tombstone":
                known.tombstones.add(line["hash"])
            case "pause":
                known.paused = line["paused"]
            case "letter":
                known.letters.setdefault(line["key"], {}).update({"good": False, **line})
    return known


def _take_wishes(connection: sa.Connection, salt: str, newest: Iterable[Line]) -> int:
    """How many were not known."""
    emails = {
        hashed(salt, email): same_address(email)
        for table in (LETTERS, HISTORY, SUPPRESSIONS)
        for email in connection.scalars(sa.select(table.c.email).distinct())
        if email
    }
    taken = 0
    for line in newest:
        email = emails.get(line["to"], f"{UNMET}{line['to']}")
        known = newest_line(connection, email, line["scope"], line["reason"])
        if line["suppressed"] != bool(known and known.suppressed):
            place, at = (email, line["scope"]), datetime.fromisoformat(line["at"])
            append_line(
                connection, place, line["suppressed"], line["reason"], "journal", at, "journal"
            )
            taken += 1
    return taken


def _take_pause(connection: sa.Connection, now: datetime, by: str) -> bool:
    """Only a pause: where the ledger has one that was ended since, a person ends it again."""
    known = NEWEST_CONTROL.with_only_columns(CONTROLS.c.paused)
    if connection.scalar(known):
        return False
    connection.execute(CONTROLS.insert().values(paused=True, why=_WHY, at=now, by=by))
    return True


def _cancel_forgotten(connection: sa.Connection, cause: Cause) -> int:
    waiting = connection.execute(sa.select(LETTERS).where(LETTERS.c.state.in_(WAITING))).all()
    return sum(
        cancel_in(connection, row, cause, for_good=True)
        for row in waiting
        if is_forgotten(connection, row.recipient_key, same_address(row.email))
    )


def _take_letters(
    connection: sa.Connection, letters: Mapping[str, Line], cause: Cause
) -> Counter[str]:
    """Take letters to where the journal has them; how many changed, by where they stand now."""
    rows = {row.key: row for row in connection.execute(sa.select(LETTERS))}
    taken: Counter[str] = Counter()
    for key, line in letters.items():
        state = State(line["state"])
        state = State.unknown if state is State.claimed else state
        if state is State.cancelled and not line["good"]:
            continue
        row, at = rows.get(key), datetime.fromisoformat(line["at"])
        if row is None:
            if state in _TAKEN and _put_elsewhere(connection, key, state, line, at):
                taken.update([state, "elsewhere"])
        elif state in _TAKEN & TRANSITIONS.get(row.state, frozenset()) and state != row.state:
            of = remembered_step(
                row,
                state,
                cause,
                at=at,
                transport=line.get("by", row.transport),
                transport_id=line.get("id"),
            )
            move(connection, of)
            taken[state] += 1
    return taken


_TAKEN = OUT | {State.unknown, State.cancelled}
"""The others did provably not go out, so that they may go."""


def _put_elsewhere(
    connection: sa.Connection, key: str, state: State, line: Line, at: datetime
) -> bool:
    """Remember a letter that the ledger does not have, until it is queued."""
    known = sa.exists().where(ELSEWHERE.c.key == key)
    if is_forgotten(connection, f"letter:{key}") or connection.scalar(sa.select(known)):
        return False
    campaign, period, *_ = key.split(":")
    connection.execute(
        ELSEWHERE.insert().values(
            key=key,
            campaign=campaign,
            period=period,
            email_hash=line.get("to", ""),
            state=state,
            transport=line.get("by", ""),
            transport_id=line.get("id"),
            at=at,
        )
    )
    return True
