"""Letters as they are written into letters as they are queued: checked one by one, then frozen."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.ground.parts import in_parts
from edu_pipeline.ground.spilled import repeated
from edu_pipeline.mail.checks import hold_reason
from edu_pipeline.mail.corrections import corrected, unfit
from edu_pipeline.mail.ledger.store import Ledger, Queueing
from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.limits import limit_of
from edu_pipeline.mail.names import Names
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Settings

_NAMES_AT_ONCE = 1000


class UnfitReasonError(Exception):
    """A correction's reason cannot go into letters; nothing was queued."""


@dataclass(frozen=True)
class Batch:
    """All letters of a period, as a job hands them over."""

    letters: Iterable[Letter]
    """Written as they are taken, one by one, after all that is below: together they may be gigabytes."""
    addresses: Iterable[str | None]
    """To which they go."""
    names: Iterable[str]
    """Of those to whom they go."""


def queue_letters(
    ledger: Ledger,
    batch: Batch,
    *,
    known: Iterable[str] | None,
    of: tuple[str, str],
    by: str,
    settings: Settings,
    correction: str | None,
) -> Mapping[str, int]:
    """Queue a period's letters one after the other; those that must wait with the reason why.

    Some are durable before the next are written.

    Args:
        ledger: An open ledger.
        batch: The letters.
        known: The names that letters are searched for; None: they can name nobody else.
        of: Campaign and period.
        by: Who queues them.
        settings: The home's.
        correction: Why letters that went out are corrected, if they are.

    Returns:
        What came of them, in numbers.

    Raises:
        UnfitReasonError: The reason names somebody, or cannot be put into a letter.
    """
    if correction:
        _require_fit(correction, batch.names if known is None else known)
    names = Names(known or ())
    mail, post = settings.mail, settings.post(of[0])
    outside = mail.leaves and mail.mode == "live"
    limit = limit_of(ledger, of[0], post.allowed or ()) if outside else None
    shared = repeated(same_address(address or "") for address in batch.addresses)

    def checked() -> Iterator[Letter]:
        for letter in batch.letters:
            as_sent = corrected(letter, correction) if correction else letter
            alone = same_address(letter.recipient.email) not in shared
            hold = hold_reason(
                as_sent, names, alone=alone, limit=limit, postal_address=post.postal_address
            )
            yield replace(letter, hold=hold)

    result = ledger.queue(
        checked(),
        of=of,
        now=datetime.now(UTC),
        by=by,
        rules=Queueing(
            approval=mail.leaves and mail.approval == "required",
            leaves=mail.leaves,
            correction=correction,
        ),
    )
    counts = ledger.counts(*of)
    return {
        "new": result.new,
        "changed": result.changed,
        "unchanged": result.unchanged,
        "already sent": result.already_sent,
        "cancelled": result.cancelled,
        "corrections": result.corrections,
        "to people who were erased": result.forgotten,
        "waiting for approval": counts.get(State.draft, 0),
        "held": counts.get(State.held, 0),
        "suppressed": counts.get(State.suppressed, 0),
    }


def _require_fit(reason: str, names: Iterable[str]) -> None:
    for some in in_parts(names, _NAMES_AT_ONCE):
        if problem := unfit(reason, Names(some)):
            raise UnfitReasonError(f"Nothing was queued. {problem}")
