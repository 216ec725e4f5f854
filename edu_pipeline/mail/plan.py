"""What a delivery would do now: one pure function of the ledger's letters and the rules.

Sends nothing, changes nothing and asks no server. What only the carrier knows is not in it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from edu_pipeline.mail.ledger.controls import Pause, paused
from edu_pipeline.mail.ledger.reading import Entry
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import OUT, WAITING
from edu_pipeline.mail.letter import Figure, Moved, moved
from edu_pipeline.mail.limits import not_to_leave
from edu_pipeline.mail.pace import HOUR, Rules, full, standstill
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Settings

_TO_GO = frozenset({State.draft, State.approved, State.pending})
"""Go out, unless something keeps them; a delivery leaves out who must not be written to by now."""
NO_NEWS = "It is no longer news."


class Fate(StrEnum):
    """What a delivery would do with a letter."""

    now = "would go out"
    later = "would wait"
    person = "waits for a person"
    never = "does not go out"
    out = "is out"


@dataclass(frozen=True)
class Conditions:
    """What holds or slows the letters of a period at a moment."""

    now: datetime
    """With time zone."""
    rules: Rules
    held: str | None = None
    """Why the gate lets none of them go."""
    pause: Pause | None = None
    gone: Sequence[datetime] = ()
    """When letters went out in the last hour, of any period; in order."""
    leaves: bool = False
    """Letters leave the machine."""
    unwanted: Mapping[str, str] = field(default_factory=dict)
    """Key → why the letter must not go to its recipient by now."""
    unapproved: Collection[str] = field(default_factory=frozenset)
    """Keys of letters whose content nobody approved."""
    not_to_leave: Mapping[str, str] = field(default_factory=dict)
    """Key → why the letter must not leave the machine."""


def conditions_of(
    ledger: Ledger,
    campaign: str,
    period: str,
    *,
    now: datetime,
    settings: Settings,
    held: str | None,
) -> Conditions:
    """What the ledger and the settings say of a period's letters at a moment.

    Args:
        ledger: Read only.
        campaign: Such as `teachers`.
        period: Such as `2026-W40`.
        now: With time zone.
        settings: The home's.
        held: Why the gate lets none of them go.
    """
    mail, rules = settings.mail, Rules.of(settings, campaign)
    return Conditions(
        now=now,
        rules=rules,
        held=held,
        pause=paused(ledger),
        gone=ledger.attempts_since(now - HOUR, mail.transport),
        leaves=mail.leaves,
        unapproved=ledger.unapproved(),
        unwanted=ledger.not_to_be_sent(),
        not_to_leave=not_to_leave(ledger, campaign, period, rules.allowed),
    )


@dataclass(frozen=True)
class Line:
    """One letter."""

    entry: Entry
    fate: Fate
    why: str
    """Empty where the letter's state says it all."""


@dataclass(frozen=True)
class Plan:
    """What a delivery of a period would do."""

    blocked: str | None
    """Why no letter at all would go out."""
    lines: tuple[Line, ...]
    """By key, the order in which letters go out."""

    def of(self, fate: Fate) -> Sequence[Line]:
        """The letters with one fate."""
        return [line for line in self.lines if line.fate is fate]


_FATES: Mapping[State, Fate] = MappingProxyType(
    {
        State.draft: Fate.person,
        State.held: Fate.person,
        State.unknown: Fate.person,
        State.failed: Fate.person,
        State.suppressed: Fate.never,
        State.expired: Fate.never,
        State.cancelled: Fate.never,
        State.claimed: Fate.out,
        **dict.fromkeys(OUT, Fate.out),
    }
)
"""Of the letters that are not to go out."""


def plan(entries: Iterable[Entry], conditions: Conditions) -> Plan:
    """What would become of each letter of a period.

    In the order of a delivery: what is no longer news expires, who is not to be written to is left
    out, who is outside `allowed` or not approved waits, and of the others as many go as the hour has room for.
    """
    rules, now = conditions.rules, conditions.now
    blocked = (
        conditions.held
        or standstill(rules, conditions.pause, now)
        or full(rules, conditions.gone, now)
    )
    per_hour = conditions.rules.per_hour
    room = None
    if per_hour is not None:
        room = per_hour - sum(moment > conditions.now - HOUR for moment in conditions.gone)
    lines = []
    for entry in sorted(entries, key=lambda entry: entry.key):
        fate, why = _fate(entry, conditions, blocked)
        if fate is Fate.now and room is not None:
            if room <= 0:
                fate, why = Fate.later, f"{per_hour} letters an hour are allowed."
            room -= 1
        lines.append(Line(entry, fate, why))
    return Plan(blocked, tuple(lines))


def _fate(entry: Entry, conditions: Conditions, blocked: str | None) -> tuple[Fate, str]:
    if entry.state in {*WAITING, State.expired} and entry.not_after <= conditions.now:
        return Fate.never, NO_NEWS
    if entry.state in _TO_GO and (why := conditions.unwanted.get(entry.key)):
        return Fate.never, why
    if entry.state in {State.approved, State.pending}:
        if blocked:
            return Fate.later, blocked
        why = _not_yet(entry, conditions) if conditions.leaves else None
        return (Fate.person, why) if why else (Fate.now, "")
    fate = _FATES[entry.state]
    return fate, "" if fate is Fate.out else entry.reason


def _not_yet(entry: Entry, conditions: Conditions) -> str | None:
    """Why a letter may not leave the machine before somebody has done something."""
    if conditions.rules.approval and entry.key in conditions.unapproved:
        return "It was written when none was needed, and needs approval now."
    return conditions.not_to_leave.get(entry.key)


def to_rehearse(entries: Iterable[Entry]) -> Sequence[str]:
    """Keys of the letters of which an operator gets a copy, where the mode is `redirect`."""
    return sorted(entry.key for entry in entries if entry.state in _TO_GO)


def corrections(
    entries: Iterable[Entry], stated: Mapping[str, Sequence[Figure]]
) -> Mapping[str, tuple[Moved, ...]]:
    """What each waiting correction of a period states otherwise than the letter that it corrects.

    Args:
        entries: Of the period.
        stated: Letter key → its figures.
    """
    by_revision = {(entry.recipient_key, entry.revision): entry for entry in entries}
    return {
        entry.key: moved(stated.get(before.key, ()), stated.get(entry.key, ()))
        for (recipient, revision), entry in by_revision.items()
        if entry.state in WAITING and (before := by_revision.get((recipient, revision - 1)))
    }
