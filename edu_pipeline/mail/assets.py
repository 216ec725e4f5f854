"""The mail room as Dagster sees it: periods recorded, letters queued, delivered and counted."""

import functools
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl

from edu_pipeline.ground.one_run import is_older_than
from edu_pipeline.ground.steps import Check, Notes, Table, check, table
from edu_pipeline.ground.warehouse import Connection
from edu_pipeline.mail import attention
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.engagement import campaign_engagement as engagement_of
from edu_pipeline.mail.landed import Zone, record_landed
from edu_pipeline.mail.ledger import remembered
from edu_pipeline.mail.ledger.remembered import tombstones_frame
from edu_pipeline.mail.ledger.reports import events_frame
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.suppressions import note_all
from edu_pipeline.mail.lists import EVERY_CAMPAIGN
from edu_pipeline.mail.mailing import CARRIER, Mailing
from edu_pipeline.mail.outgoing import recorded_period, send_period, why_not_by
from edu_pipeline.mail.queueing import Batch, queue_letters
from edu_pipeline.mail.room import MailRoom, MissingSecretError
from edu_pipeline.mail.transports.protocol import CarrierError
from edu_pipeline.settings.home import Home, Settings

CORRECTION_TAG = "edu_pipeline/correction"
"""Of a run whose letters correct those that went out; its value says why."""
LETTERS_ASSET = "ledger_letters"
_BACKFILL_TAG = "dagster/backfill"

_mail = functools.partial(table, "mail")
_remembered = functools.partial(table, "ledger", kinds={"sqlite"})
"""What is read from the ledger before anything is computed."""
WritePages = Callable[[Ledger, str, str], object]
"""Writes the pages on letters, with the proof sheet of a campaign and period."""

Writes = Callable[[dg.AssetExecutionContext, Connection, Home, Settings, Period], Batch]
"""Writes a period's letters; each only when it is taken."""
Addressees = Callable[[Connection, Settings], Iterable[tuple[str, str]]]
"""Campaign and address of everybody whom alone the letters may reach of campaigns that say so."""


def _nobody(_con: Connection, _settings: Settings) -> Iterable[tuple[str, str]]:
    return ()


def recorded_periods(
    mailing: Mailing, addressees: Addressees = _nobody, rests_on: Sequence[str] = ()
) -> Table:
    """The asset that records a mailing's periods.

    Args:
        mailing: What is sent.
        addressees: Read from the warehouse.
        rests_on: The tables that they are read from.
    """

    @_mail(
        name=mailing.recorded,
        source=mailing.source,
        kinds={"sqlite"},
        pii="none",
        reads={"periods": mailing.periods},
        deps=rests_on,
    )
    def record(periods: pl.DataFrame, con: Connection, mail_room: MailRoom) -> Notes:
        """What may be sent, written to the ledger, where sensors can read it during a run."""
        with mail_room.open_ledger() as ledger:
            ledger.record_periods(
                mailing.campaign,
                [Period(**row) for row in periods.iter_rows(named=True)],
                addressees(con, mail_room.settings),
            )
        return {"periods": periods.height, "held": periods["held"].count()}

    return record


def said_before(campaign: str) -> Table:
    """The asset that tells a week's letters what was said before, so that they can correct it.

    Args:
        campaign: Such as `teachers`.
    """

    @_remembered(pii="ids")
    def said_before(context: dg.AssetExecutionContext, mail_room: MailRoom) -> pl.DataFrame:
        """The figures of the newest earlier period whose letters arrived, from the ledger.

        One row per letter and figure: `period`, `recipient_key`, `subject`, `numerator`,
        `denominator`; `week_start` is the week of the letters that may correct them.
        """
        with mail_room.open_ledger() as ledger:
            return ledger.figures_before(campaign, date.fromisoformat(context.partition_key))

    return said_before


def queued(mailing: Mailing, write: Writes, rests_on: Sequence[str] = ()) -> Table:
    """The asset that writes one partition's letters and queues them.

    Args:
        mailing: What is sent.
        write: The job's.
        rests_on: The tables that it reads.
    """
    reads = {"known": mailing.names} if mailing.names else {}

    def queue(
        context: dg.AssetExecutionContext,
        con: Connection,
        mail_room: MailRoom,
        known: pl.DataFrame | None = None,
    ) -> Notes:
        """The week's letters, written, checked one by one and frozen in the ledger.

        What already went out stays as it is; what has not changed stays approved. Letters that
        must wait are held, each with the reason in the ledger and on the proof sheet. A run with
        the tag `edu_pipeline/correction` (its value says why) also queues corrections of letters
        that went out and would now say something else.
        """
        home, settings = mail_room.home, mail_room.settings
        with mail_room.open_ledger() as ledger:
            period = recorded_period(ledger, mailing, context.partition_key)
            return queue_letters(
                ledger,
                write(context, con, home, settings, period),
                known=None if known is None else known["name"].drop_nulls().to_list(),
                of=(period.campaign, period.period),
                by=f"run {context.run.run_id}",
                settings=settings,
                correction=context.run.tags.get(CORRECTION_TAG) or None,
            )

    return _mail(
        name=mailing.queued,
        kinds={"jinja", "sqlite"},
        pii="names",
        deps=rests_on,
        reads=reads,
        whole=(mailing.send,),
    )(queue)


def delivered(mailing: Mailing, write_pages: WritePages) -> Table:
    """The asset that delivers one partition's letters.

    Args:
        mailing: What is sent.
        write_pages: Called after a delivery, also a bad one.
    """

    @_mail(name=mailing.delivered, kinds={"email"}, pii="names", deps=[mailing.queued])
    def deliver(context: dg.AssetExecutionContext, mail_room: MailRoom) -> Notes:
        """The week's letters that may go out, delivered; each at most once.

        Sends what is approved, or needs no approval, as it was frozen, in a run of the jobs that
        send or deliver, for one week. A week that the gate holds is refused. With `[mail] mode =
        "redirect"` copies go to the operator instead, and nothing of it counts. The proof sheet in
        `data/outbox` and the page in `data/site/mail` show all.
        """
        _require_leave(context, mailing)
        with mail_room.open_ledger() as ledger:
            period = recorded_period(ledger, mailing, context.partition_key)
            sent = send_period(mail_room, ledger, period, f"run {context.run.run_id}")
            write_pages(ledger, period.campaign, period.period)
            counts = ledger.counts(period.campaign, period.period)
        notes = {**sent.told, **{f"letters {state}": number for state, number in counts.items()}}
        if sent.warning:
            context.log.warning("%s", sent.warning)
        if sent.trouble:
            show_now(context.instance, mail_room)
            raise dg.Failure(sent.trouble, metadata=notes, allow_retries=False)
        return notes

    return deliver


def _require_leave(context: dg.AssetExecutionContext, mailing: Mailing) -> None:
    """Stop a run that must not send, or whose letters know nothing of the last refresh."""
    partition = context.partition_key
    why_not = why_not_by(
        context.run.job_name,
        backfill=_BACKFILL_TAG in context.run.tags,
        mailing=mailing,
        partition=partition,
    )
    # a refresh may have found a problem with what letters rest on that were queued before it
    if is_older_than(context.instance, mailing.queued, partition, mailing.recorded):
        why_not = why_not or (
            "The exports were read again after this week's letters were written. Launch the job "
            f"{mailing.send} for {partition}: it writes them again, and what has not changed stays "
            "approved."
        )
    if why_not:
        raise dg.Failure(why_not, allow_retries=False)


@_mail(source=CARRIER, kinds={"sendgrid"}, pii="none")
def landed_events(
    context: dg.AssetExecutionContext, mail_room: MailRoom, zone: Zone
) -> tuple[pl.DataFrame, Notes]:
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
    return files, {name: int(files[name].sum()) for name in numbers}


@_mail(source=CARRIER, kinds={"sendgrid"}, pii="names")
def carrier_suppressions(context: dg.AssetExecutionContext, mail_room: MailRoom) -> Notes:
    """Addresses that SendGrid does not deliver to, taken over into the ledger.

    So that nothing is written to them and a letter does not count as sent that SendGrid drops.
    Where SendGrid cannot be asked, what the ledger knows goes on holding.
    """
    if mail_room.settings.mail.transport != "sendgrid":
        return {"new": 0, "asked": "no: letters do not go by SendGrid"}
    try:
        with closing(mail_room.transport()) as transport:
            from edu_pipeline.mail.transports.sendgrid import SendGridTransport  # noqa: PLC0415

            assert isinstance(transport, SendGridTransport)  # noqa: S101 - as the settings say
            lines = transport.api.suppressions()
    except (MissingSecretError, CarrierError) as error:
        context.log.warning("SendGrid's list of suppressed addresses was not read: %s", error)
        return {"new": 0, "asked": f"without success: {error}"}
    with mail_room.open_ledger() as ledger:
        new = note_all(
            ledger,
            lines,
            scope=EVERY_CAMPAIGN,
            source="sendgrid",
            by=f"run {context.run.run_id}",
        )
    return {"new": new, "asked": "yes", "on its lists": len(lines)}


def ledger_letters(mailings: Sequence[Mailing]) -> Table:
    """The asset that copies how letters stand, after any of the mailings was delivered."""

    @_mail(
        source=CARRIER,
        kinds={"duckdb"},
        pii="none",
        deps=[*(mailing.delivered for mailing in mailings), "landed_events"],
    )
    def ledger_letters(mail_room: MailRoom) -> pl.DataFrame:
        """A copy of the ledger for analysis: a row per letter, no content, names or addresses."""
        with mail_room.open_ledger() as ledger:
            return ledger.letters_frame()

    return ledger_letters


@_mail(source=CARRIER, kinds={"polars"}, pii="none")
def campaign_engagement(ledger_letters: pl.DataFrame, mail_room: MailRoom) -> pl.DataFrame:
    """What became of each campaign's letters, period by period, and how many were opened."""
    with mail_room.open_ledger() as ledger:
        events = events_frame(ledger)
    return engagement_of(ledger_letters, events, tracking=mail_room.settings.mail.tracking)


@_remembered(pii="names")
def gate_releases(mail_room: MailRoom) -> pl.DataFrame:
    """The problems that a person released, and why: the gate holds nothing because of these."""
    with mail_room.open_ledger() as ledger:
        return ledger.releases_frame()


@_remembered(pii="none")
def mailed_before(mail_room: MailRoom) -> pl.DataFrame:
    """Whether letters ever went out: then a warehouse without a past was deleted."""
    with mail_room.open_ledger() as ledger:
        return pl.DataFrame({"mailed": [ledger.has_sent()]})


@_remembered(pii="ids")
def ledger_identity(mail_room: MailRoom) -> pl.DataFrame:
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


@_remembered(pii="ids")
def forgotten(mail_room: MailRoom) -> pl.DataFrame:
    """Tombstones of people who were erased, so that their rows do not come in again.

    One row each: `hash`, of an id with its kind or of an address, and the `salt` that made it.
    Whoever knows an id or address can tell from it whether that person was erased.
    """
    with mail_room.open_ledger() as ledger:
        return tombstones_frame(ledger)


def memory(mailing: Mailing) -> Sequence[Table]:
    """The assets that tell a job whom not to write to, and what it need not say again."""
    campaign = mailing.campaign

    @_remembered(pii="names", source=mailing.source)
    def told_before(mail_room: MailRoom) -> pl.DataFrame:
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

    @_remembered(pii="names", source=mailing.source, deps=["landed_events", "carrier_suppressions"])
    def opted_out(mail_room: MailRoom) -> pl.DataFrame:
        """Who is not written to: `scope` (a campaign, or `*`), `recipient_key` or `email`, `reason`."""
        with mail_room.open_ledger() as ledger:
            return remembered.opted_out(ledger, campaign)

    return [told_before, opted_out]


# What a person looks at


def newest_is_not_held(mailing: Mailing) -> Check:
    """The check that shows the gate of a mailing; sending relies on the record, not on it."""

    @check(mailing.recorded, "The newest week's letters may go out.")
    def newest_week_is_not_held(mail_room: MailRoom) -> dg.AssetCheckResult:
        with mail_room.open_ledger() as ledger:
            found = attention.newest_held(ledger, mailing)
        if found is None:
            return dg.AssetCheckResult(
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,  # a home may have no such letters
                description="No week has figures.",
            )
        return _shown(found, dg.AssetCheckSeverity.ERROR)

    return newest_week_is_not_held


@check(LETTERS_ASSET, "It is known of every letter whether it is out.")
def no_letter_is_unknown(mail_room: MailRoom) -> dg.AssetCheckResult:
    """Fails while anything is unknown; nothing of it is sent again without a decision."""
    with mail_room.open_ledger() as ledger:
        return _shown(attention.unknown(ledger), dg.AssetCheckSeverity.ERROR)


@check(LETTERS_ASSET, "No letter waits for somebody to approve it.")
def letters_wait_for_approval(mail_room: MailRoom) -> dg.AssetCheckResult:
    """Shows how many wait, and the digest that stands for exactly these."""
    with mail_room.open_ledger() as ledger:
        return _shown(attention.to_approve(ledger), dg.AssetCheckSeverity.WARN)


def _shown(found: attention.Concern, severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=found.fine,
        severity=severity,
        description=found.sentence,
        metadata=dict(found.numbers),
    )


def show_now(instance: dg.DagsterInstance, mail_room: MailRoom) -> None:
    """Evaluate what a person looks at where no run will: after a bad delivery, and an approval."""
    for each in OF_LETTERS:
        result = each.look(mail_room)
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(each.of),
                check_name=each.name,
                passed=bool(result.passed),
                metadata=result.metadata,
                severity=result.severity,
                description=result.description,
            )
        )


LEDGER: Sequence[Table] = [gate_releases, mailed_before, ledger_identity, forgotten]
OF_CARRIER: Sequence[Table] = [landed_events, carrier_suppressions]
OF_LETTERS: Sequence[Check] = [no_letter_is_unknown, letters_wait_for_approval]
