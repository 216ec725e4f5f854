"""One period's letters on their way out: who may start it, and what is told of it afterwards.

How a letter leaves is in `delivery`, a rehearsal in `rehearsal`. Whether a week's letters may go
out is asked here, in the act of sending, so that nothing that starts a run can get round it.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from edu_pipeline.mail.delivery import DeliveryReport, deliver
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.mailing import Mailing
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.plan import to_rehearse
from edu_pipeline.mail.rehearsal import RehearsalReport, rehearse
from edu_pipeline.mail.room import MailRoom, MissingSecretError
from edu_pipeline.mail.transports.protocol import CarrierError


class NotRecordedError(Exception):
    """The last refresh has no such period; the message says what to do."""


@dataclass(frozen=True)
class Sent:
    """What came of sending a period."""

    trouble: str | None = None
    """What a person must look at."""
    warning: str | None = None
    """Why letters did not go out although nothing is wrong."""
    told: Mapping[str, int | str] = field(default_factory=dict)
    """What was done, in numbers and words."""


def recorded_period(ledger: Ledger, mailing: Mailing, partition: str) -> Period:
    """A partition's period, as the last refresh recorded it.

    Raises:
        NotRecordedError: There is none.
    """
    campaign = mailing.campaign_of(partition)
    for period in ledger.recorded_periods():
        if (period.campaign, period.partition) == (campaign, partition):
            return period
    raise NotRecordedError(
        "The last refresh has no figures for this week. Run the refresh job, or choose a week that "
        "has some."
    )


def why_not_by(job: str, *, backfill: bool, mailing: Mailing, partition: str) -> str | None:
    """Why a run does not send, whatever it makes: only these jobs do, and for one week at a time.

    Args:
        job: The run's.
        backfill: Whether the run is one of many that were launched together.
        mailing: Of the letters.
        partition: Theirs.
    """
    if job in {mailing.send, mailing.deliver} and not backfill:
        return None
    return (
        "Letters leave by the jobs "
        f"{mailing.send} and {mailing.deliver} alone, one week at a time, never with all assets or "
        f"in a backfill. To send these, launch {mailing.deliver} for {partition}."
    )


def send_period(room: MailRoom, ledger: Ledger, period: Period, owner: str) -> Sent:
    """Deliver what may go out of a period, or rehearse it, as the settings say.

    Args:
        room: The home's.
        ledger: An open ledger.
        period: As it was recorded.
        owner: Names this sender in the ledger.
    """
    if period.held is not None:
        return Sent(
            warning="Held, nothing delivered.",
            told={"not delivered, because": period.held},
        )
    try:
        return _sent(room, ledger, period, owner)
    except (LedgerError, MissingSecretError, CarrierError) as error:
        return Sent(trouble=str(error))


def _sent(room: MailRoom, ledger: Ledger, period: Period, owner: str) -> Sent:
    mail = room.settings.mail
    rules = Rules.of(room.settings, period.campaign)
    with closing(room.transport()) as transport:
        if mail.mode == "redirect":
            return _rehearsed(
                rehearse(
                    ledger,
                    transport,
                    to_rehearse(ledger.entries(period.campaign, period.period)),
                    to=mail.redirect_to or "",
                    now=lambda: datetime.now(UTC),
                    by=owner,
                    rules=rules,
                )
            )
        return _delivered(
            deliver(
                ledger,
                transport,
                campaign=period.campaign,
                period=period.period,
                now=lambda: datetime.now(UTC),
                owner=owner,
                rules=rules,
            )
        )


def _delivered(report: DeliveryReport) -> Sent:
    numbers = {
        "sent now": report.sent,
        "refused": report.failed,
        "not out, to be tried again": report.not_sent,
        "unknown": report.unknown,
        "no longer news": report.expired,
        "not to be written to": report.suppressed,
        "from before, found to be out": report.found_sent,
        "from before, found not to be out": report.found_unsent,
    }
    told: dict[str, int | str] = {"sent now": report.sent}
    if report.notes:
        told["to know"] = " ".join(report.notes)
    told |= {what: number for what, number in numbers.items() if number}
    if report.stopped:
        told["ended early, because"] = report.stopped
    if report.trouble:
        return Sent(trouble=report.stopped or None, told=told)
    stopped = [f"Not all letters went out: {report.stopped}"] if report.stopped else []
    return Sent(warning=" ".join([*stopped, *report.notes]) or None, told=told)


def _rehearsed(report: RehearsalReport) -> Sent:
    told: dict[str, int | str] = {
        "copies sent to the operator": report.sent,
        "copies the operator had already": report.known,
        "copies not sent": report.not_sent,
    }
    if report.stopped and not report.not_sent:
        told["ended early, because"] = report.stopped
    return Sent(trouble=report.stopped if report.not_sent else None, told=told)
