"""What a person should look at in the ledger: letters in doubt, letters to approve, a held week.

Sentences and numbers without names; where they are shown is for others to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edu_pipeline.mail.due import newest_of_each
from edu_pipeline.mail.ledger.approvals import review
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.mailing import Mailing, options
from edu_pipeline.mail.states import LOOKS, State, step_for


@dataclass(frozen=True)
class Concern:
    """Whether all is well, and what to do where it is not."""

    fine: bool
    sentence: str
    numbers: Mapping[str, int | str] = field(default_factory=dict)


def unknown(ledger: Ledger) -> Concern:
    """Whether it is known of every letter whether it is out."""
    found = _periods_with(ledger, State.unknown)
    if not found:
        return Concern(fine=True, sentence="None is unknown.")
    return Concern(
        fine=False,
        sentence=(
            f"{counted(sum(found.values()))} unknown: {_listed(found)}. {_advice(ledger, State.unknown)}"
        ),
        numbers={f"unknown in {period}": number for period, number in found.items()},
    )


def to_approve(ledger: Ledger) -> Concern:
    """Whether no letter waits for approval; else how many, and the digests that stand for them."""
    found = _periods_with(ledger, State.draft)
    if not found:
        return Concern(fine=True, sentence="None waits.")
    digests = {
        f"digest of {of.campaign} {of.period}": review(ledger, of.campaign, of.period).digest
        for of in ledger.periods()
        if State.draft in of.counts
    }
    return Concern(
        fine=False,
        sentence=(
            f"{counted(sum(found.values()))} to be approved: {_listed(found)}. Launch the job that "
            f"approves them with the digest; or: {_advice(ledger, State.draft)}"
        ),
        numbers={**{f"waiting in {period}": n for period, n in found.items()}, **digests},
    )


def newest_held(ledger: Ledger, mailing: Mailing) -> Concern | None:
    """Whether the newest period of every campaign may go out; None where none has figures."""
    every = newest_of_each(ledger.recorded_periods()).values()
    newest = [period for period in every if mailing.owns(period.campaign)]
    held = [period.held for period in newest if period.held]
    return Concern(fine=not held, sentence=" ".join(held) or "Not held.") if newest else None


def _advice(ledger: Ledger, state: State) -> str:
    """What is to be done about letters in a state, of every period that has some."""
    campaigns = ledger.campaigns()
    steps = [
        f"edu-pipeline {step_for(state, options(of.campaign, of.period, campaigns))}"
        for of in ledger.periods()
        if of.counts.get(state)
    ]
    return f"{LOOKS[state].to_do} {', or '.join(steps)}"


def counted(number: int) -> str:
    """`1 letter`, `2 letters`."""
    return f"{number} letter" if number == 1 else f"{number} letters"


def _periods_with(ledger: Ledger, state: State) -> dict[str, int]:
    return {
        f"{summary.campaign} {summary.period}": summary.counts[state]
        for summary in ledger.periods()
        if summary.counts.get(state)
    }


def _listed(found: Mapping[str, int]) -> str:
    return ", ".join(f"{number} in {period}" for period, number in found.items())
