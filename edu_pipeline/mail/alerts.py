"""What an operator is told. Nothing personal: a foreign error is not quoted."""

import re
from datetime import UTC, datetime

from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.letter import Address

CAMPAIGN = "alerts"
_OUR_OWN = re.compile(r"(?:edu_pipeline|dagster)\.[\w.]*?(?P<kind>\w+): (?P<text>.+)", re.DOTALL)
_SENTENCE = re.compile(r".*?[.!?](?=\s|$)", re.DOTALL)
_NO_LEDGER = "00000000"
"""Of no ledger: what a carrier reports of alerts is nobody's."""


def alert(
    run_id: str, job: str, step: str | None, error: str, at: datetime, sender: Address, to: str
) -> FrozenLetter:
    """The letter about a failed run; it is in no ledger and counts nowhere.

    Args:
        run_id: Of the run.
        job: Which job it ran.
        step: Which step failed, if one did.
        error: What it raised, as Python writes it: the class, a colon, the message.
        at: When, with time zone.
        sender: Who it is from.
        to: The operator's address.
    """
    where = f", at the step {step}" if step else ""
    return to_operator(
        f"{job} failed",
        f"The job {job} failed on {at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC{where}.\n\n"
        f"{what_happened(error)}\n\n"
        f"Look at the run {run_id[:8]} in the UI (edu-pipeline ui). What had gone out is in the "
        "ledger and is not sent again: when the cause is gone, launch the job again.\n",
        key=f"r_{run_id.replace('-', '')[:12]}",
        at=at,
        sender=sender,
        to=to,
    )


def to_operator(
    subject: str, text: str, *, key: str, at: datetime, sender: Address, to: str
) -> FrozenLetter:
    """A letter to the operator; it is in no ledger and counts nowhere.

    Args:
        subject: What it is about.
        text: Paragraphs with an empty line between them.
        key: Tells it from others of the day.
        at: When, with time zone.
        sender: Who it is from.
        to: The operator's address.
    """
    paragraphs = "".join(f"<p>{_escaped(part)}</p>" for part in text.strip().split("\n\n"))
    period = f"{at.astimezone(UTC):%Y-%m-%d}"
    return FrozenLetter(
        key=f"{CAMPAIGN}:{period}:{key}",
        campaign=CAMPAIGN,
        period=period,
        recipient_key=key,
        recipient=Address(to),
        sender=sender,
        reply_to=sender.email,
        subject=f"edu-pipeline: {subject}",
        html=f'<!doctype html><html lang="en"><title>{_escaped(subject)}</title><body>{paragraphs}</body></html>',
        text=text,
        images=(),
        digest="",
        ledger_id=_NO_LEDGER,
        headers={},
    )


def what_happened(error: str) -> str:
    """The first sentence of an error that was written for people, else only its kind.

    Args:
        error: As `traceback.format_exception_only` writes it.
    """
    ours = _OUR_OWN.match(error.strip())
    if ours and (error.startswith("edu_pipeline.") or ours["kind"] == "Failure"):
        sentence = _SENTENCE.match(ours["text"])
        return " ".join((sentence[0] if sentence else ours["text"].splitlines()[0]).split())
    kind = error.partition(":")[0].strip().rpartition(".")[2]
    return (
        f"It was an unexpected error ({kind}); the run's log has the rest."
        if kind.isidentifier()
        else "The run's log says why."
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
