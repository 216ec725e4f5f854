"""The jobs by which a person approves, in the UI, exactly the letters that they looked at."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from edu_pipeline.mail.assets import WritePages, show_now
from edu_pipeline.mail.attention import counted
from edu_pipeline.mail.ledger.approvals import approve, review
from edu_pipeline.mail.mailing import Mailing
from edu_pipeline.mail.outgoing import recorded_period
from edu_pipeline.mail.room import MailRoom


class Approval(dg.Config):
    """Who approves what."""

    by: str = Field("", description="Your name, which must be said; it stands in the ledger.")
    digest: str = Field(
        "",
        description=(
            "Of the drafts that you looked at, which must be said: it stands on the proof sheet "
            "and in the check letters_wait_for_approval."
        ),
    )


def approval_jobs(
    partitions: Mapping[Mailing, dg.PartitionsDefinition[str]], write_pages: WritePages
) -> Sequence[dg.JobDefinition]:
    """The jobs by which a person approves a partition's drafts.

    Args:
        partitions: Of every mailing.
        write_pages: Writes the pages on letters.
    """
    mailings = {mailing.approve: mailing for mailing in partitions}

    @dg.op
    def approve_drafts(
        context: dg.OpExecutionContext, config: Approval, mail_room: dg.ResourceParam[MailRoom]
    ) -> None:
        """Approve exactly the drafts that the digest stands for, or nothing."""
        if not config.by.strip():
            raise dg.Failure(
                "Nothing was approved: say in the launchpad who approves, such as by: carla",
                allow_retries=False,
            )
        if not config.digest.strip():
            raise dg.Failure(
                "Nothing was approved: say in the launchpad which letters you looked at, such as "
                "digest: 3f9a0c51d2e4. It stands on the week's proof sheet in data/outbox and in "
                "the check letters_wait_for_approval.",
                allow_retries=False,
            )
        with mail_room.open_ledger() as ledger:
            recorded = recorded_period(ledger, mailings[context.job_name], context.partition_key)
            campaign, period = recorded.campaign, recorded.period
            seen = review(ledger, campaign, period)
            if config.digest.strip() != seen.digest:
                raise dg.Failure(
                    "What waits for approval is not what this digest stands for, so nothing was "
                    "approved. Look at the proof sheet again; the digest is now "
                    f"{seen.digest}.",
                    allow_retries=False,
                )
            number = approve(ledger, seen.drafts, now=datetime.now(UTC), by=config.by.strip())
            write_pages(ledger, campaign, period)
        show_now(context.instance, mail_room)
        context.log.info("Approved %s of %s, digest %s.", counted(number), period, seen.digest)
        context.add_output_metadata({"approved": number, "digest": seen.digest})

    def job(mailing: Mailing) -> dg.JobDefinition:
        @dg.job(
            name=mailing.approve,
            partitions_def=partitions[mailing],
            description=(
                f"Approve exactly the {mailing.noun} of a week that the digest stands for. Nothing "
                f"is sent by it; they leave with {mailing.deliver}."
            ),
        )
        def approving() -> None:
            approve_drafts()

        return approving

    return [job(mailing) for mailing in partitions]
