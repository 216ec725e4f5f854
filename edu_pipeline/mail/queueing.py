"""Letters as they are written into letters as they are queued: checked one by one, then frozen."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.checks import hold_reason
from edu_pipeline.mail.corrections import corrected, unfit
from edu_pipeline.mail.ledger.store import Ledger, Queueing
from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.limits import limit_of
from edu_pipeline.mail.names import Names
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Settings


class UnfitReasonError(Exception):
    """A correction's reason cannot go into letters; nothing was queued."""


def queue_letters(
    ledger: Ledger,
    letters: Iterable[Letter],
    addresses: Iterable[str | None],
    names: Iterable[str],
    *,
    searched: bool,
    of: tuple[str, str],
    by: str,
    settings: Settings,
    correction: str | None,
) -> Mapping[str, int]:
    """Queue a period's letters one after the other; those that must wait with the reason why.

    Args:
        ledger: An open ledger.
        letters: All of the period, taken one by one: together they may be gigabytes.
        addresses: To which they go.
        names: Of everybody whom a letter might name.
        searched: Whether letters are searched for them.
        of: Campaign and period.
        by: Who queues them.
        settings: The home's.
        correction: Why letters that went out are corrected, if they are.

    Returns:
        What came of them, in numbers.

    Raises:
        UnfitReasonError: The reason names somebody, or cannot be put into a letter.
    """
    known = Names(names)
    if correction and (problem := unfit(correction, known)):
        raise UnfitReasonError(f"Nothing was queued. {problem}")
    known = known if searched else Names(())
    mail, post = settings.mail, settings.post(of[0])
    outside = mail.leaves and mail.mode == "live"
    limit = limit_of(ledger, of[0], post.allowed or ()) if outside else None
    to = Counter(same_address(address or "") for address in addresses)

    def checked() -> Iterator[Letter]:
        for letter in letters:
            as_sent = corrected(letter, correction) if correction else letter
            alone = to[same_address(letter.recipient.email)] == 1
            hold = hold_reason(
                as_sent, known, alone=alone, limit=limit, postal_address=post.postal_address
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
