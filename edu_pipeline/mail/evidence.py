"""What the carrier's own records say of letters: it settles doubts, and finds letters we do not know.

Its log of a period is searched once, for both. What each unknown line in it is costs one more
request, of which a carrier may allow few: those that may be letters which the ledger does not know
are looked at first, and waited for, because nothing may go out before; those that are a doubt's go as
far as they may, and the next delivery goes on.
"""

import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.place import send_from_here
from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.ledger.store import Cause, ConcurrentChangeError, Ledger, TransitionError
from edu_pipeline.mail.ledger.tables import OUT
from edu_pipeline.mail.ledger.tombstones import is_forgotten
from edu_pipeline.mail.mailing import options
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.protocol import (
    AskedTooOftenError,
    CarrierError,
    Log,
    Logged,
    Outcome,
    Transport,
    group,
    group_of,
)

LONGEST_LOOK = timedelta(minutes=5)
"""So long is waited in all to be told what unknown lines are, before they count as strangers."""
_NAMED = 5


class RestoredLedgerError(LedgerError):
    """The carrier sent letters that this ledger does not know to be out."""


@dataclass
class Evidence:
    """What one delivery is told by the carrier's records."""

    ledger: Ledger
    transport: Transport
    now: Callable[[], datetime]
    by: str
    auto_requeue: timedelta | None
    sleep: Callable[[float], None]
    patient: bool
    """Wait until every unknown line was looked at, however long it takes."""
    found: Counter[State] = field(default_factory=Counter)
    """Doubts, by where they ended."""
    strangers: list[tuple[Logged, str | None]] = field(default_factory=list)
    """Lines of the period that are no doubt's, and whose letters they are."""

    def __post_init__(self) -> None:
        self._delivery = secrets.token_hex(8)
        self._waited = 0.0
        self._untimed = 0
        self._not_asked = 0
        self._left: list[str] = []

    def gather(self, campaign: str, period: str) -> str | None:
        """Settle every doubt that can be, and find the strangers of a period.

        Returns:
            Why nothing may be sent, where the records of the period cannot be asked.

        Raises:
            OtherPlaceError: Letters that leave the machine were last sent from elsewhere.
        """
        if self.transport.leaves:
            send_from_here(self.ledger, now=self.now())
        doubts: dict[str, list[FrozenLetter]] = defaultdict(list)
        of_period = group_of(self.ledger.id, campaign, period)
        doubts[of_period] = []
        for key in self.ledger.unknown(self.transport.name):
            letter = self.ledger.letter(key)
            doubts[group(letter)].append(letter)
        blocked = None
        for name, letters in doubts.items():
            about = (letters[0].campaign, letters[0].period) if letters else (campaign, period)
            known = self.ledger.transport_ids(*about)
            try:
                log = self.transport.log(name)
            except Exception as error:  # noqa: BLE001 - whatever broke, a restored ledger would be missed
                self._left += [letter.key for letter in letters]
                self.found[State.unknown] += len(letters)
                blocked = _not_asked(error) if name == of_period else blocked
                continue
            if log is None:
                for letter in letters:
                    self._settle(letter, _find(self.transport, letter))
                continue
            others = self._in_log(log, letters, known, of_period=name == of_period)
            if name == of_period:
                self.strangers = others
        return blocked

    def notes(self) -> Sequence[str]:
        """What a person should know of the doubts that are left, in sentences."""
        said = []
        name = self.transport.name
        if self._not_asked:
            said.append(
                f"{self._not_asked} entries of {name}'s log that may be letters in doubt were not "
                "looked at, because it may be asked only so often. The next delivery goes on, in "
                "a minute or later."
            )
        if self._untimed:
            said.append(
                f"{self._untimed} in doubt are not in {name}'s records, which did not say what time "
                "it is. So auto_requeue_minutes does not send them again."
            )
        if self._left:
            more = len(self._left) - _NAMED
            named = ", ".join(self._left[:_NAMED]) + (f" and {more} more" if more > 0 else "")
            requeue = (
                f", and sends again what is still missing {self.auto_requeue // timedelta(minutes=1)}"
                " minutes after it was first"
                if self.auto_requeue
                else ""
            )
            said.append(
                f"In doubt: {named}. The next delivery asks again{requeue}. Whoever knows better "
                "says so: edu-pipeline mail resolve arrived KEY (or send-again, give-up)"
            )
        return said

    def _in_log(
        self, log: Log, letters: Sequence[FrozenLetter], known: Collection[str], *, of_period: bool
    ) -> list[tuple[Logged, str | None]]:
        """Settle the doubts of one group; gives the lines that are none of them."""
        doubted = {same_address(letter.recipient.email) for letter in letters}
        lines = [line for line in log.lines if line.transport_id not in known]
        lines.sort(key=lambda line: same_address(line.email) in doubted)
        told: dict[Logged, str | None] = {}
        unseen: set[Logged] = set()
        for line in lines:
            expected = same_address(line.email) in doubted
            try:
                told[line] = self._letter_key(line, wait=of_period and not expected)
            except AskedTooOftenError:
                unseen.add(line)
                self._not_asked += expected
            except CarrierError:
                unseen.add(line)
        every = {line: told.get(line) for line in lines}
        for letter in letters:
            self._settle(letter, outcome_of(letter, every, log, doubted, self.transport.name))
        own = {letter.key for letter in letters}
        return [
            (line, told.get(line))
            for line in lines
            if told.get(line) not in own
            and not (line in unseen and same_address(line.email) in doubted)
        ]

    def _letter_key(self, line: Logged, *, wait: bool) -> str | None:
        while True:
            try:
                return self.transport.letter_key(line)
            except AskedTooOftenError as error:
                self._waited += error.seconds
                longest = LONGEST_LOOK.total_seconds()
                if not wait or (self._waited > longest and not self.patient):
                    raise
                self.sleep(error.seconds)

    def _settle(self, letter: FrozenLetter, outcome: Outcome) -> None:
        if outcome.absent and self.auto_requeue:
            if outcome.asked_at:
                first = self.ledger.absent_since(letter.key, outcome.asked_at, self._delivery)
                outcome = self._missed_again(outcome, outcome.asked_at, *first, self.auto_requeue)
            else:
                self._untimed += 1
        if outcome.state is State.unknown:
            self._left.append(letter.key)
        else:
            cause = Cause(self.now(), self.by, outcome.detail)
            try:
                self.ledger.resolve(letter.key, outcome.state, cause, outcome.transport_id)
            except (TransitionError, ConcurrentChangeError):
                return  # the carrier's events, or a person, settled it meanwhile
        self.found[outcome.state] += 1

    def _missed_again(
        self,
        outcome: Outcome,
        asked_at: datetime,
        first_at: datetime,
        first_in: str,
        grace: timedelta,
    ) -> Outcome:
        """Absent for good, where two deliveries were told so, far enough apart by the carrier's clock."""
        waited = asked_at - first_at
        if self._delivery == first_in or waited < grace:
            return outcome
        return Outcome.not_sent(
            "not in the carrier's records, and again not "
            f"{waited // timedelta(minutes=1)} minutes later"
        )

    def take_over(self, campaign: str, period: str, *, adopt: bool) -> str | None:
        """Look whether strangers are letters that the ledger holds for unsent.

        Args:
            campaign: Of the period.
            period: Such as `2026-W40`.
            adopt: Note them to be out; then nothing is sent now, whether there are any or not.

        Returns:
            Why nothing is sent now.

        Raises:
            RestoredLedgerError: There are some, and they are not to be noted or cannot be.
        """
        name = self.transport.name
        if not self.strangers and not adopt:
            return None
        states = {entry.key: entry.state for entry in self.ledger.entries(campaign, period)}
        cause = Cause(self.now(), self.by, "in the carrier's records")
        strangers = taken = 0
        for line, key in self.strangers:
            state = states.get(key or "")
            if state in OUT or self._erased(key):
                continue
            if key and (state is State.unknown or (adopt and state)):
                self.ledger.adopt(key, cause, line.transport_id, name)
                taken += state is not State.unknown
            else:
                strangers += 1
        if strangers and adopt:
            raise RestoredLedgerError(
                f"{name} has sent {strangers} letters of {period} of which it does not say to whom "
                "they belong, so whoever got them might get them again. What could be told is noted, "
                "nothing was sent. Find them in the carrier's records, cancel what arrived with "
                "edu-pipeline mail cancel, and set ask_logs = false for one delivery of the rest."
            )
        if strangers:
            raise RestoredLedgerError(
                f"{name} has sent {strangers} letters of {period} that this ledger does not know to "
                "be out: it may have been restored from a backup. Nothing was sent. To take over "
                "what the carrier knows: edu-pipeline mail send "
                f"{options(campaign, period, self.ledger.campaigns())} --adopt"
            )
        if not taken and not adopt:
            return None
        told = (
            f"{taken} letters that {name} had sent were taken over"
            if taken
            else f"There was nothing to take over from {name}'s records of {period}, which come late or "
            "may be none"
        )
        return (
            f"{told}, and nothing was sent now. What the carrier does not know is still missing since "
            "a backup: opt-outs by the link, who was forgotten, pauses, cancelled letters. Settle that "
            "first, then send without --adopt."
        )

    def _erased(self, key: str | None) -> bool:
        """Whether it is a letter to somebody who was forgotten since."""
        with self.ledger.connect() as connection:
            return bool(key) and is_forgotten(connection, f"letter:{key}")


def outcome_of(
    letter: FrozenLetter,
    told: Mapping[Logged, str | None],
    log: Log,
    doubted: Collection[str],
    name: str,
) -> Outcome:
    """What a log says of a letter in doubt.

    Args:
        letter: In doubt.
        told: The log's lines of which the ledger knows nothing, and whose letters they are.
        log: All of it.
        doubted: The addresses of all letters in doubt of its group.
        name: The carrier's.
    """
    for line, key in told.items():
        if key == letter.key:
            return Outcome.sent(line.transport_id, "found in the carrier's records")
    dark = {same_address(line.email) for line, key in told.items() if key is None}
    # a line to nobody in doubt may be to an address that the log writes in another way
    if any(at == same_address(letter.recipient.email) or at not in doubted for at in dark):
        return Outcome.unknown(
            "The carrier's records have a mail that cannot be told from this one."
        )
    if letter.claimed_at is None or letter.claimed_at < log.since:
        return Outcome.unknown(f"{name}'s records do not go back so far.")
    return Outcome.missing("not in the carrier's records so far", log.asked_at)


def _not_asked(error: Exception) -> str:
    if isinstance(error, CarrierError):
        return f"Nothing was sent, because what went out before could not be asked for. {error}"
    return (
        f"The carrier's records of what went out could not be asked ({type(error).__name__}), "
        "so nothing was sent. Try again later."
    )


def _find(transport: Transport, letter: FrozenLetter) -> Outcome:
    try:
        return transport.find(letter)
    except Exception as error:  # noqa: BLE001 - no evidence, so still unknown
        return Outcome.unknown(f"unexpected {type(error).__name__}")
