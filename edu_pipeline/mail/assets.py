"""The mail room as Dagster sees it: periods recorded, letters queued, delivered and counted."""

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl
from pydantic import Field

from edu_pipeline.ground.one_run import is_older_than, require_one_run
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment
from edu_pipeline.mail.checks import hold_reasons
from edu_pipeline.mail.corrections import corrected, unfit
from edu_pipeline.mail.delivery import DeliveryReport, deliver
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.engagement import campaign_engagement as engagement_of
from edu_pipeline.mail.frames import letters_from
from edu_pipeline.mail.landed import Zone, record_landed
from edu_pipeline.mail.ledger import remembered
from edu_pipeline.mail.ledger.approvals import approve, review
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.reports import events_frame
from edu_pipeline.mail.ledger.store import Ledger, Queueing
from edu_pipeline.mail.ledger.suppressions import note_all
from edu_pipeline.mail.ledger.tombstones import tombstones_frame
from edu_pipeline.mail.lists import EVERY_CAMPAIGN
from edu_pipeline.mail.mailing import Mailing
from edu_pipeline.mail.names import Names
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.plan import to_rehearse
from edu_pipeline.mail.proofs import write_proofs
from edu_pipeline.mail.rehearsal import RehearsalReport, rehearse
from edu_pipeline.mail.room import MailRoom, MissingSecretError
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.sendgrid import SendGridTransport
from edu_pipeline.mail.transports.sendgrid_api import SendGridError

GROUP = "mail"
REMEMBERED = "ledger"
"""Group of what is read from the ledger before anything is computed."""
OWNERS = ["team:data"]
CORRECTION_TAG = "edu_pipeline/correction"
"""Of a run whose letters correct those that went out; its value says why."""

LETTERS_ASSET = "ledger_letters"

_asset = functools.partial(dg.asset, owners=OWNERS)
WritePage = Callable[[Ledger], object]


def recorded_periods(mailing: Mailing) -> dg.AssetsDefinition:
    """The asset that records a mailing's periods."""

    @_asset(
        name=mailing.recorded,
        group_name=GROUP,
        kinds={"sqlite"},
        tags={"pii": "none"},
        ins={"periods": dg.AssetIn(mailing.periods)},
    )
    def record(
        periods: pl.DataFrame, mail_room: dg.ResourceParam[MailRoom]
    ) -> dg.MaterializeResult[None]:
        """What may be sent, written to the ledger, where sensors can read it during a run."""
        with mail_room.open_ledger() as ledger:
            ledger.record_periods(
                mailing.campaign, [Period(**row) for row in periods.iter_rows(named=True)]
            )
        return dg.MaterializeResult(
            metadata={"periods": periods.height, "held": periods["held"].count()}
        )

    return record


def said_before(weeks: dg.PartitionsDefinition[str], campaign: str) -> dg.AssetsDefinition:
    """The asset that tells a week's letters what was said before, so that they can correct it.

    Args:
        weeks: One partition per week.
        campaign: Such as `teachers`.
    """

    @_asset(
        name="said_before",
        group_name=REMEMBERED,
        kinds={"sqlite"},
        tags={"pii": "ids"},
        partitions_def=weeks,
    )
    def said(
        context: dg.AssetExecutionContext, mail_room: dg.ResourceParam[MailRoom]
    ) -> pl.DataFrame:
        """The figures of the newest earlier period whose letters arrived, from the ledger.

        One row per letter and figure: `period`, `recipient_key`, `subject`, `numerator`,
        `denominator`; `week_start` is the week of the letters that may correct them.
        """
        with mail_room.open_ledger() as ledger:
            return ledger.figures_before(campaign, date.fromisoformat(context.partition_key))

    return said


def partitioned_assets(
    mailing: Mailing, partitions: dg.PartitionsDefinition[str], write_page: WritePage
) -> Sequence[dg.AssetsDefinition]:
    """The steps of sending one partition of a mailing.

    Args:
        mailing: What is sent.
        partitions: Such as one per week.
        write_page: Writes the page on how letters stand; called after a delivery, also a bad one.
    """
    tables = {"letters": mailing.letters, **({"known": mailing.names} if mailing.names else {})}

    @_asset(
        name=mailing.queued,
        group_name=GROUP,
        kinds={"sqlite"},
        tags={"pii": "names"},
        partitions_def=partitions,
        ins={name: dg.AssetIn(table) for name, table in tables.items()},
    )
    def queued(
        context: dg.AssetExecutionContext,
        mail_room: dg.ResourceParam[MailRoom],
        letters: pl.DataFrame,
        **tables: pl.DataFrame,
    ) -> dg.MaterializeResult[None]:
        """The week's letters, checked one by one and frozen in the ledger.

        What already went out stays as it is; what has not changed stays approved. Letters that
        must wait are held, each with the reason in the ledger and on the proof sheet. A run with
        the tag `edu_pipeline/correction` (its value says why) also queues corrections of letters
        that went out and would now say something else.
        """
        require_one_run(context, mailing.send, partitioned_only=True)
        mail = mail_room.settings.mail
        campaign = mailing.campaign_of(context.partition_key)
        written = letters_from(letters)
        names = tables.get("known", letters)["name"].drop_nulls().to_list()
        correction = context.run.tags.get(CORRECTION_TAG) or None
        if correction and (problem := unfit(correction, Names(names))):
            raise dg.Failure(f"Nothing was queued. {problem}", allow_retries=False)
        as_sent = [corrected(letter, correction) if correction else letter for letter in written]
        reasons = hold_reasons(as_sent, names if mailing.names else (), mail)
        held = [replace(letter, hold=reasons.get(letter.key)) for letter in written]
        with mail_room.open_ledger() as ledger:
            period = _recorded(ledger, mailing, context.partition_key).period
            result = ledger.queue(
                held,
                of=(campaign, period),
                now=datetime.now(UTC),
                by=f"run {context.run.run_id}",
                rules=Queueing(
                    approval=mail.leaves and mail.approval == "required",
                    leaves=mail.leaves,
                    correction=correction,
                ),
            )
            counts = ledger.counts(campaign, period)
        return dg.MaterializeResult(
            metadata={
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
        )

    @_asset(
        name=mailing.delivered,
        group_name=GROUP,
        kinds={"email"},
        tags={"pii": "names"},
        partitions_def=partitions,
        deps=[queued],
    )
    def delivered(
        context: dg.AssetExecutionContext, mail_room: dg.ResourceParam[MailRoom]
    ) -> dg.MaterializeResult[None]:
        """The week's letters that may go out, delivered; each at most once.

        Sends what is approved, or needs no approval, as it was frozen. A week that the gate holds
        is refused. With `[mail] mode = "redirect"` copies go to the operator instead, and nothing
        of it counts. The proof sheet in `data/outbox` and the page in `data/site/mail` show all.
        """
        _require_fresh(context, mailing)
        with mail_room.open_ledger() as ledger:
            period = _recorded(ledger, mailing, context.partition_key)
            trouble, told = None, dict[str, int | str]()
            try:
                trouble, told = _send(context, mail_room, ledger, period)
            except (LedgerError, MissingSecretError, SendGridError) as error:
                trouble = str(error)
            templates = environment([mail_room.home.templates, shipped("templates")])
            write_proofs(mail_room.home.outbox, ledger, period.campaign, period.period, templates)
            write_page(ledger)
            counts = ledger.counts(period.campaign, period.period)
        metadata = {**told, **{f"letters {state}": number for state, number in counts.items()}}
        if trouble:
            _show_now(context.instance, mail_room)
            raise dg.Failure(trouble, metadata=metadata, allow_retries=False)
        return dg.MaterializeResult(metadata=metadata)

    return [queued, delivered]


def _require_fresh(context: dg.AssetExecutionContext, mailing: Mailing) -> None:
    """A refresh may have found a problem with what letters rest on that were queued before it."""
    if is_older_than(context.instance, mailing.queued, context.partition_key, mailing.recorded):
        raise dg.Failure(
            "The exports were read again after this week's letters were written. Launch the job "
            f"{mailing.send} for {context.partition_key}: it writes them again, and what has not "
            "changed stays approved.",
            allow_retries=False,
        )


def _recorded(ledger: Ledger, mailing: Mailing, partition: str) -> Period:
    campaign = mailing.campaign_of(partition)
    for period in ledger.recorded_periods():
        if (period.campaign, period.partition) == (campaign, partition):
            return period
    raise dg.Failure(
        "The last refresh has no figures for this week. Run the refresh job, or choose a week that "
        "has some.",
        allow_retries=False,
    )


def _send(
    context: dg.AssetExecutionContext, mail_room: MailRoom, ledger: Ledger, period: Period
) -> tuple[str | None, dict[str, int | str]]:
    """What a person must look at, if anything, and what was done."""
    if period.held is not None:
        context.log.warning("Held, nothing delivered: %s", period.held)
        return None, {"not delivered, because": period.held}
    mail, owner = mail_room.settings.mail, f"run {context.run.run_id}"
    rules = Rules.of(mail, mail_room.settings.zone)
    with closing(mail_room.transport()) as transport:
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
        report = deliver(
            ledger,
            transport,
            campaign=period.campaign,
            period=period.period,
            now=lambda: datetime.now(UTC),
            owner=owner,
            rules=rules,
        )
    if report.stopped and not report.trouble:
        context.log.warning("Not all letters went out: %s", report.stopped)
    return (report.stopped or None) if report.trouble else None, _told(report)


def _told(report: DeliveryReport) -> dict[str, int | str]:
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
    stopped = {"ended early, because": report.stopped} if report.stopped else {}
    return {"sent now": report.sent, **{k: n for k, n in numbers.items() if n}, **stopped}


def _rehearsed(report: RehearsalReport) -> tuple[str | None, dict[str, int | str]]:
    told: dict[str, int | str] = {
        "copies sent to the operator": report.sent,
        "copies the operator had already": report.known,
        "copies not sent": report.not_sent,
    }
    if report.stopped and not report.not_sent:
        told["ended early, because"] = report.stopped
    return (report.stopped if report.not_sent else None), told


@_asset(group_name=GROUP, kinds={"sendgrid"}, tags={"pii": "none"})
def landed_events(
    context: dg.AssetExecutionContext,
    mail_room: dg.ResourceParam[MailRoom],
    zone: dg.ResourceParam[Zone],
) -> pl.DataFrame:
    """What the carrier reported of letters, from `mail/events/*.json` in the landing zone.

    One row per file. Each event is kept once in the ledger, however often it is read.
    """
    with mail_room.open_ledger() as ledger:
        files = record_landed(
            ledger, zone, now=datetime.now(UTC), tracking=mail_room.settings.mail.tracking
        )
    odd = files.filter(pl.col("malformed") > 0)
    if not odd.is_empty():
        context.log.warning(
            "%s events in %s files are not what SendGrid documents, and were left out.",
            odd["malformed"].sum(),
            odd.height,
        )
    numbers = ("new", "known", "foreign", "untracked", "malformed")
    context.add_output_metadata({name: int(files[name].sum()) for name in numbers})
    return files


@_asset(group_name=GROUP, kinds={"sendgrid"}, tags={"pii": "names"})
def carrier_suppressions(
    context: dg.AssetExecutionContext, mail_room: dg.ResourceParam[MailRoom]
) -> dg.MaterializeResult[None]:
    """Addresses that SendGrid does not deliver to, taken over into the ledger.

    So that nothing is written to them and a letter does not count as sent that SendGrid drops.
    Where SendGrid cannot be asked, what the ledger knows goes on holding.
    """
    if mail_room.settings.mail.transport != "sendgrid":
        return dg.MaterializeResult(
            metadata={"new": 0, "asked": "no: letters do not go by SendGrid"}
        )
    try:
        with closing(mail_room.transport()) as transport:
            assert isinstance(transport, SendGridTransport)  # noqa: S101 - as the settings say
            lines = transport.api.suppressions()
    except (MissingSecretError, SendGridError) as error:
        context.log.warning("SendGrid's list of suppressed addresses was not read: %s", error)
        return dg.MaterializeResult(metadata={"new": 0, "asked": f"without success: {error}"})
    with mail_room.open_ledger() as ledger:
        new = note_all(
            ledger,
            lines,
            scope=EVERY_CAMPAIGN,
            source="sendgrid",
            by=f"run {context.run.run_id}",
        )
    return dg.MaterializeResult(metadata={"new": new, "asked": "yes", "on its lists": len(lines)})


def ledger_letters(mailings: Sequence[Mailing]) -> dg.AssetsDefinition:
    """The asset that copies how letters stand, after any of the mailings was delivered."""

    @_asset(
        name=LETTERS_ASSET,
        group_name=GROUP,
        kinds={"duckdb"},
        tags={"pii": "none"},
        deps=[*(mailing.delivered for mailing in mailings), landed_events],
    )
    def copied(mail_room: dg.ResourceParam[MailRoom]) -> pl.DataFrame:
        """A copy of the ledger for analysis: a row per letter, no content, names or addresses."""
        with mail_room.open_ledger() as ledger:
            return ledger.letters_frame()

    return copied


@_asset(group_name=GROUP, kinds={"polars"}, tags={"pii": "none"})
def campaign_engagement(
    ledger_letters: pl.DataFrame, mail_room: dg.ResourceParam[MailRoom]
) -> pl.DataFrame:
    """What became of each campaign's letters, period by period, and how many were opened."""
    with mail_room.open_ledger() as ledger:
        events = events_frame(ledger)
    return engagement_of(ledger_letters, events, tracking=mail_room.settings.mail.tracking)


@_asset(group_name=REMEMBERED, kinds={"sqlite"}, tags={"pii": "names"})
def gate_releases(mail_room: dg.ResourceParam[MailRoom]) -> pl.DataFrame:
    """The problems that a person released, and why: the gate holds nothing because of these."""
    with mail_room.open_ledger() as ledger:
        return ledger.releases_frame()


@_asset(group_name=REMEMBERED, kinds={"sqlite"}, tags={"pii": "none"})
def mailed_before(mail_room: dg.ResourceParam[MailRoom]) -> pl.DataFrame:
    """Whether letters ever went out: then a warehouse without a past was deleted."""
    with mail_room.open_ledger() as ledger:
        return pl.DataFrame({"mailed": [ledger.has_sent()]})


@_asset(group_name=REMEMBERED, kinds={"sqlite"}, tags={"pii": "ids"})
def ledger_identity(mail_room: dg.ResourceParam[MailRoom]) -> pl.DataFrame:
    """What makes this ledger itself, one row: `ledger_id`, `salt` and `token_key`.

    With `salt` recipients get keys that nobody else can make; with `token_key` links are signed by
    which a recipient stops letters. Whoever has them can tell from a staff id whose a key is, and
    stop or restart anybody's letters.
    """
    with mail_room.open_ledger() as ledger:
        return pl.DataFrame(
            {
                "ledger_id": [ledger.id],
                "salt": [ledger.salt],
                "token_key": [ledger.identity("token_key")],
            }
        )


@_asset(group_name=REMEMBERED, kinds={"sqlite"}, tags={"pii": "ids"})
def forgotten(mail_room: dg.ResourceParam[MailRoom]) -> pl.DataFrame:
    """Tombstones of people who were erased, so that their rows do not come in again.

    One row each: `hash`, of an id with its kind or of an address, and the `salt` that made it.
    Whoever knows an id or address can tell from it whether that person was erased.
    """
    with mail_room.open_ledger() as ledger:
        return tombstones_frame(ledger)


def memory(campaign: str) -> Sequence[dg.AssetsDefinition]:
    """The assets that tell a job whom not to write to, and what it need not say again.

    Args:
        campaign: Such as `teachers`, or what campaigns such as `nudges.buslead` begin with.
    """

    @_asset(group_name=REMEMBERED, kinds={"sqlite"}, tags={"pii": "names"})
    def told_before(mail_room: dg.ResourceParam[MailRoom]) -> pl.DataFrame:
        """Who was told what: letters that are or may be out, and what went out by other means.

        One row per letter and subject: `campaign`, `period`, `recipient_key` or, of imported
        history, `email`, `about` and `sent_on`.
        """
        with mail_room.open_ledger() as ledger:
            return remembered.told_before(
                *(ledger, campaign),
                zone=mail_room.settings.zone,
                leaves=mail_room.settings.mail.leaves,
            )

    @_asset(
        group_name=REMEMBERED,
        kinds={"sqlite"},
        tags={"pii": "names"},
        deps=[landed_events, carrier_suppressions],
    )
    def opted_out(mail_room: dg.ResourceParam[MailRoom]) -> pl.DataFrame:
        """Who is not written to: `scope` (a campaign, or `*`), `recipient_key` or `email`, `reason`."""
        with mail_room.open_ledger() as ledger:
            return remembered.opted_out(ledger, campaign)

    return [told_before, opted_out]


# What a person looks at


def newest_is_not_held(mailing: Mailing) -> dg.AssetChecksDefinition:
    """The check that shows the gate of a mailing."""

    @dg.asset_check(
        name="newest_week_is_not_held",
        asset=mailing.recorded,
        description="The newest week's letters may go out.",
    )
    def check(mail_room: dg.ResourceParam[MailRoom]) -> dg.AssetCheckResult:
        """Shows the gate; sending does not rely on this check but on the record."""
        with mail_room.open_ledger() as ledger:
            # the newest comes last
            newest = {p.campaign: p for p in ledger.recorded_periods() if mailing.owns(p.campaign)}
        held = [period.held for period in newest.values() if period.held]
        if not newest:
            return dg.AssetCheckResult(
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,  # a home may have no such letters
                description="No week has figures.",
            )
        return dg.AssetCheckResult(passed=not held, description=" ".join(held) or "Not held.")

    return check


@dg.asset_check(asset=LETTERS_ASSET, description="It is known of every letter whether it is out.")
def no_letter_is_unknown(mail_room: dg.ResourceParam[MailRoom]) -> dg.AssetCheckResult:
    """Fails while anything is unknown; nothing of it is sent again without a decision."""
    return _unknown(mail_room)


@dg.asset_check(asset=LETTERS_ASSET, description="No letter waits for somebody to approve it.")
def letters_wait_for_approval(mail_room: dg.ResourceParam[MailRoom]) -> dg.AssetCheckResult:
    """Shows how many wait, and the digest that stands for exactly these."""
    return _drafts(mail_room)


def _unknown(mail_room: MailRoom) -> dg.AssetCheckResult:
    with mail_room.open_ledger() as ledger:
        found = _periods_with(ledger, State.unknown)
    if not found:
        return dg.AssetCheckResult(passed=True, description="None is unknown.")
    return dg.AssetCheckResult(
        passed=False,
        description=(
            f"{_letters(sum(found.values()))} may or may not have gone out: {_listed(found)}. A "
            "delivery asks the carrier again before it sends anything. If it cannot tell, ask a "
            "recipient whether the letter came, then decide: edu-pipeline mail resolve --help"
        ),
        metadata={f"unknown in {period}": number for period, number in found.items()},
    )


def _drafts(mail_room: MailRoom) -> dg.AssetCheckResult:
    digests: dict[str, str] = {}
    with mail_room.open_ledger() as ledger:
        found = _periods_with(ledger, State.draft)
        for summary in ledger.periods():
            if State.draft in summary.counts:
                seen = review(ledger, summary.campaign, summary.period)
                digests[f"digest of {summary.campaign} {summary.period}"] = seen.digest
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{_letters(sum(found.values()))} to be approved: {_listed(found)}. Look at the proof "
            "sheet in data/outbox, then launch the job that approves them, or: "
            "edu-pipeline mail approve"
            if found
            else "None waits."
        ),
        metadata={**{f"waiting in {period}": n for period, n in found.items()}, **digests},
    )


def _periods_with(ledger: Ledger, state: State) -> dict[str, int]:
    return {
        f"{summary.campaign} {summary.period}": summary.counts[state]
        for summary in ledger.periods()
        if summary.counts.get(state)
    }


def _listed(found: Mapping[str, int]) -> str:
    return ", ".join(f"{number} in {period}" for period, number in found.items())


def _letters(number: int) -> str:
    return f"{number} letter" if number == 1 else f"{number} letters"


def _show_now(instance: dg.DagsterInstance, mail_room: MailRoom) -> None:
    """Evaluate what a person looks at where no run will: after a bad delivery, and an approval."""
    for name, look in (
        ("no_letter_is_unknown", _unknown),
        ("letters_wait_for_approval", _drafts),
    ):
        result = look(mail_room)
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(LETTERS_ASSET),
                check_name=name,
                passed=bool(result.passed),
                metadata=result.metadata,
                severity=result.severity,
                description=result.description,
            )
        )


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
    partitions: Mapping[Mailing, dg.PartitionsDefinition[str]], write_page: WritePage
) -> Sequence[dg.JobDefinition]:
    """The jobs by which a person approves a partition's drafts.

    Args:
        partitions: Of every mailing.
        write_page: As for `partitioned_assets`.
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
            mailing = mailings[context.job_name]
            recorded = _recorded(ledger, mailing, context.partition_key)
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
            templates = environment([mail_room.home.templates, shipped("templates")])
            write_proofs(mail_room.home.outbox, ledger, campaign, period, templates)
            write_page(ledger)
        _show_now(context.instance, mail_room)
        context.log.info("Approved %s of %s, digest %s.", _letters(number), period, seen.digest)
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


ASSETS: Sequence[dg.AssetsDefinition] = [
    gate_releases,
    mailed_before,
    ledger_identity,
    forgotten,
    landed_events,
    carrier_suppressions,
    campaign_engagement,
]
CHECKS: Sequence[dg.AssetChecksDefinition] = [
    no_letter_is_unknown,
    letters_wait_for_approval,
]
