"""What starts a refresh, and what starts sending: shells over one pure function each.

What has changed is for `landing.glance` to say, what is due for `mail.due.due_periods`.
"""

import hashlib
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.tags import MAX_RETRIES_TAG, WILL_RETRY_TAG

from edu_pipeline.ground.one_run import is_older_than
from edu_pipeline.landing.glance import Glance, listing_of, look
from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.zone import Zone
from edu_pipeline.mail.alerts import alert
from edu_pipeline.mail.due import Period, due_periods
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.letter import Address
from edu_pipeline.mail.mailing import Mailing
from edu_pipeline.mail.plan import Fate, conditions_of, plan
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.mail import WEEKDAYS, SendMode
from edu_pipeline.wiring.jobs import REFRESH, Source, jobs_of
from edu_pipeline.wiring.lost_runs import LOST_TAG
from edu_pipeline.wiring.mailings import campaigns_of, mailing_of, mailings_of

_PARTITION_TAG = "dagster/partition"
LANDED_TAG = "edu_pipeline/landed"
"""Of a run that takes up what has landed: which state of it."""
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (2, 10, 60))
"""After a refresh that failed, until it is tried again: a store may be out of reach for an hour."""
_CUT_OFF = 3
"""Runs for one landing that may be cut off: the fault may be theirs, as when memory runs out."""
_RECENT_RUNS = 20
_BEFORE_ANY_FIGURES = "2015-01-05"
"""Until a refresh has found some, any week may turn out to have them."""
NOTHING_DUE = "No week is due: registers are still missing, or its letters are no longer news."


def letter_weeks(room: MailRoom) -> dg.WeeklyPartitionsDefinition:
    """One partition per week, named by its Monday, from the first with figures to the running one."""
    weeks: list[str] = []
    with suppress(LedgerError), room.open_ledger() as ledger:  # whoever needs it will say it
        weeks = [period.partition.rpartition("|")[2] for period in ledger.recorded_periods()]
    return dg.WeeklyPartitionsDefinition(
        start_date=min(weeks, default=_BEFORE_ANY_FIGURES),
        timezone=room.settings.zone.key,
        day_offset=1,
        end_offset=1,
    )


def nudge_partitions(
    settings: Settings, weeks: dg.WeeklyPartitionsDefinition
) -> dg.MultiPartitionsDefinition:
    """One partition per programme and week, such as `buslead|2026-09-28`."""
    programmes = [programme.id for programme in settings.programmes]
    return dg.MultiPartitionsDefinition(
        {"programme": dg.StaticPartitionsDefinition(programmes), "week": weeks}
    )


def landing_sensor(source: Source) -> dg.SensorDefinition:
    """Starts a refresh of a source when its files have changed, until one has succeeded."""

    @dg.sensor(
        name=source.sensor,
        job_name=source.job,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Starts {source.job} when what has landed has changed: {source.about}.",
    )
    def sensor(
        context: dg.SensorEvaluationContext,
        zone: dg.ResourceParam[Zone],
        settings: dg.ResourceParam[Settings],
    ) -> dg.SensorResult | dg.SkipReason:
        before = Glance.of(context.cursor)
        files = [file for file in zone.glimpse() if source.claims(file.path)]
        read_with = source.read_with(settings)
        seen = listing_of(files, read_with)
        if seen not in {before.listing, before.waiting}:
            # what is being written is another at the next look
            context.update_cursor(replace(before, waiting=seen).to_text())
            return dg.SkipReason(_still_growing(files))
        now = look(zone, files, read_with, before)
        context.update_cursor(now.to_text())
        if not now.turn:
            return dg.SkipReason("Nothing has landed yet.")
        # exports that change and change back are refreshed twice, so the turn is in the key
        landed = f"{now.turn}:{now.content}"
        step = next_attempt(_attempts(context.instance, source.job, landed), datetime.now(UTC))
        if isinstance(step, str):
            return dg.SkipReason(step)
        # what landed last is what has to be taken up, whichever run was cut off
        tags = {LANDED_TAG: landed, MAX_RETRIES_TAG: "0"}
        return dg.SensorResult([dg.RunRequest(run_key=f"{landed}:{step}", tags=tags)])

    return sensor


@dataclass(frozen=True)
class Attempt:
    """A run that was to take up what had landed."""

    run: dg.DagsterRun
    ended: datetime | None

    @property
    def ended_well(self) -> bool:
        """Whether nothing of it has to be done again."""
        return self.run.status is dg.DagsterRunStatus.SUCCESS

    @property
    def lost(self) -> bool:
        """Whether it was cut off."""
        return self.run.tags.get(LOST_TAG) == "true"


def _attempts(instance: dg.DagsterInstance, job: str, landed: str) -> Sequence[Attempt]:
    """The runs for what has landed, the newest first; and a later one of everything, by whomever."""
    own = instance.get_run_records(dg.RunsFilter(job_name=job, tags={LANDED_TAG: landed}))
    if not own:
        return []
    since = own[-1].create_timestamp
    whole = instance.get_run_records(
        dg.RunsFilter(
            job_name=REFRESH, created_after=since, statuses=[dg.DagsterRunStatus.SUCCESS]
        ),
        limit=1,
    )
    return [
        Attempt(
            record.dagster_run,
            datetime.fromtimestamp(record.end_time, UTC) if record.end_time else None,
        )
        for record in (*whole, *own)
    ]


def next_attempt(attempts: Sequence[Attempt], now: datetime) -> int | str:
    """The number of the attempt that is to be made now, the first being 0, or why none is.

    Args:
        attempts: The runs so far, the newest first.
        now: The time.
    """
    if not attempts:
        return 0
    if any(each.ended_well for each in attempts):
        return "Nothing has landed or changed since the last look."
    last, number, failed = attempts[0], len(attempts), _failed(attempts)
    if not last.run.is_finished:
        return "A run is at work on what has landed."
    cancelled = last.run.status is dg.DagsterRunStatus.CANCELED
    if cancelled or are_all(attempts):
        why = "somebody cancelled the last run" if cancelled else f"{failed} attempts failed"
        return (
            f"What has landed was not taken up: {why}. Look at that run, and launch the job again."
        )
    at = (last.ended or now) + (PAUSES[failed - 1] if failed else timedelta(0))
    if now < at:
        return f"The last run failed. It is tried again after {at:%H:%M} UTC."
    return number


def are_all(attempts: Sequence[Attempt]) -> bool:
    """Whether no other attempt follows by itself, however these end."""
    return _failed(attempts) > len(PAUSES)


def _failed(attempts: Sequence[Attempt]) -> int:
    """How many failed: of those that were cut off, all but the first few, which are tried again at once."""
    return len(attempts) - min(_CUT_OFF, sum(each.lost for each in attempts))


def _still_growing(files: Sequence[LandedFile]) -> str:
    newest = max(files, key=lambda file: file.last_modified, default=None)
    which = f"{newest.path} is the newest file. It" if newest else "What lies there"
    return f"Something has changed: {which} waits until the next look, for a file may still be growing."


def due(mail_room: MailRoom, now: datetime) -> list[Period]:
    """The periods of a home that are to be sent without being asked."""
    settings = mail_room.settings
    with mail_room.open_ledger() as ledger:
        periods = _recorded(ledger, settings)
    return due_periods(periods, now=now, mail=settings.mail, zone=settings.zone)


def _recorded(ledger: Ledger, settings: Settings) -> Sequence[Period]:
    """What the last refresh recorded; a programme may have left the settings since."""
    campaigns = campaigns_of(settings)
    return [period for period in ledger.recorded_periods() if period.campaign in campaigns]


def _requests(periods: Sequence[Period], cause: str) -> list[dg.RunRequest]:
    """A run of the sending job per period; the ledger sees to it that nothing goes out twice."""
    return [
        dg.RunRequest(
            run_key=f"{period.campaign}:{period.period}:{cause}",
            partition_key=period.partition,
            job_name=mailing_of(period.campaign).send,
        )
        for period in periods
    ]


def send_after_refresh(settings: Settings) -> dg.SensorDefinition:
    """Sends what a refresh has made due, where `[mail] send = "after_refresh"`."""
    status = dg.DefaultSensorStatus
    on = settings.mail.send is SendMode.after_refresh
    mailings = mailings_of(settings)
    jobs = jobs_of(mailings)
    makes_due = [source for source in jobs.of_sources if source.mailing]
    of_job = {source.job: source.mailing for source in makes_due}

    @dg.run_status_sensor(
        name="send_after_refresh",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[jobs.everything, *(jobs.of_sources[source] for source in makes_due)],
        request_jobs=list(jobs.send.values()),
        minimum_interval_seconds=5,
        default_status=status.RUNNING if on else status.STOPPED,
        description='Sends the weeks that a refresh has made due ([mail] send = "after_refresh").',
    )
    def sensor(
        context: dg.RunStatusSensorContext, mail_room: dg.ResourceParam[MailRoom]
    ) -> dg.SensorResult | dg.SkipReason:
        mailing = of_job.get(context.dagster_run.job_name)
        periods = [
            period
            for period in due(mail_room, datetime.now(UTC))
            if mailing is None or mailing.owns(period.campaign)
        ]
        if not periods:
            return dg.SkipReason(NOTHING_DUE)
        return dg.SensorResult(run_requests=_requests(periods, context.dagster_run.run_id))

    return sensor


def mail_sensor(settings: Settings) -> dg.SensorDefinition:
    """Goes on with letters that may leave: approved since, or left by the window or the hour.

    Not after a delivery that failed: what a person must look at is not tried again by a timer.
    """
    status = dg.DefaultSensorStatus
    on = settings.mail.send is not SendMode.manual
    jobs = jobs_of(mailings_of(settings))

    @dg.sensor(
        name="mail_sensor",
        jobs=[*jobs.deliver.values(), *jobs.send.values()],
        minimum_interval_seconds=60,
        default_status=status.RUNNING if on else status.STOPPED,
        description=(
            "Delivers letters that were approved, or that the sending window or the hourly limit "
            'kept back, as soon as they may leave (not with [mail] send = "manual").'
        ),
    )
    def sensor(
        context: dg.SensorEvaluationContext, mail_room: dg.ResourceParam[MailRoom]
    ) -> dg.SensorResult | dg.SkipReason:
        now = datetime.now(UTC)
        requests, reasons = [], []
        for period, waiting in ready_to_go(mail_room, now):
            mailing = mailing_of(period.campaign)
            reason = _why_not_now(context.instance, mail_room, period, mailing)
            if reason:
                reasons.append(f"{period.campaign} {period.period}: {reason}")
                continue
            written_before = is_older_than(
                context.instance, mailing.queued, period.partition, mailing.recorded
            )
            requests.append(
                dg.RunRequest(
                    # once an hour for the same letters, so that nothing is tried without end
                    run_key=f"{period.campaign}:{period.period}:{waiting}:{now:%Y-%m-%dT%H}",
                    partition_key=period.partition,
                    job_name=mailing.send if written_before else mailing.deliver,
                )
            )
        if not requests:
            return dg.SkipReason(" ".join(reasons) or "No letter waits that may go out now.")
        return dg.SensorResult(run_requests=requests)

    return sensor


def ready_to_go(mail_room: MailRoom, now: datetime) -> list[tuple[Period, str]]:
    """The periods with letters that may leave now, each with a digest of these letters."""
    if mail_room.settings.mail.mode != "live":
        return []
    found = []
    with mail_room.open_ledger() as ledger:
        for period in _recorded(ledger, mail_room.settings):
            entries = ledger.entries(period.campaign, period.period)
            conditions = conditions_of(
                ledger,
                period.campaign,
                period.period,
                now=now,
                settings=mail_room.settings,
                held=period.held,
            )
            going = [
                line
                for line in plan(entries, conditions).lines
                # a delivery makes those wait visibly that need a person first
                if line.fate in {Fate.now, Fate.person}
                and line.entry.state in {State.approved, State.pending}
            ]
            if going:
                lines = "\n".join(f"{line.entry.key} {line.entry.digest}" for line in going)
                found.append((period, hashlib.sha256(lines.encode()).hexdigest()[:12]))
    return found


def _why_not_now(
    instance: dg.DagsterInstance, mail_room: MailRoom, period: Period, mailing: Mailing
) -> str | None:
    """Why a period's letters are not for a sensor to send: its last run, or its last attempts."""
    launch = f"launch {mailing.deliver} for {period.partition}."
    if _went_badly(mail_room, period):
        return (
            "the last letters were refused or are in doubt. Look at: edu-pipeline mail status. "
            f"Then {launch}"
        )
    last = instance.get_runs(
        dg.RunsFilter(tags={_PARTITION_TAG: period.partition}), limit=_RECENT_RUNS
    )
    for run in last:
        if run.job_name in {mailing.send, mailing.deliver}:
            if not run.is_finished:
                return "a run is at work on it."
            if run.status is not dg.DagsterRunStatus.SUCCESS:
                return f"the last delivery failed. Look at its run, then {launch}"
            return None
    return None


def _went_badly(mail_room: MailRoom, period: Period) -> bool:
    """Whether a delivery, from the shell perhaps, ended because too many letters went wrong."""
    number = mail_room.settings.mail.stop_after
    with mail_room.open_ledger() as ledger:
        last = ledger.last_outcomes(period.campaign, period.period, number)
    return len(last) == number and set(last) <= {State.failed, State.unknown}


def tell_operator(settings: Settings) -> dg.SensorDefinition:
    """Writes to `[mail] operator` when a run fails, once a run."""
    status = dg.DefaultSensorStatus
    mail = settings.mail

    @dg.run_failure_sensor(
        name="tell_operator",
        default_status=status.RUNNING if mail.operator else status.STOPPED,
        description="Writes to the operator when a run fails ([mail] operator in pipeline.toml).",
    )
    def sensor(
        context: dg.RunFailureSensorContext, mail_room: dg.ResourceParam[MailRoom]
    ) -> dg.SkipReason | None:
        if not mail.operator:
            return dg.SkipReason("[mail] operator is empty, so nobody is told.")
        run, step, error = context.dagster_run, *_first_failure(context)
        if is_tried_again(context.instance, run):
            return dg.SkipReason("It is tried again by itself before anybody is told.")
        letter = alert(
            run_id=run.run_id,
            job=run.job_name,
            step=step,
            error=error,
            at=_ended(context.instance, run.run_id),
            sender=Address(*settings.letters.sender),
            to=mail.operator,
        )
        why_not = why_not_told(mail_room, letter)
        return dg.SkipReason(why_not) if why_not else None

    return sensor


def why_not_told(room: MailRoom, letter: FrozenLetter) -> str | None:
    """Send the operator a letter; why it did not go, or None where it did."""
    try:
        with closing(room.transport()) as transport:
            outcome = transport.send(letter, datetime.now(UTC))
    except Exception as problem:  # noqa: BLE001 - an alert must not fail, or it comes again
        return f"The operator was not told ({type(problem).__name__})."
    return None if outcome.state is State.sent else f"The operator was not told. {outcome.detail}"


def is_tried_again(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a run that failed is followed by another without anybody's doing."""
    landed = run.tags.get(LANDED_TAG)
    return run.tags.get(WILL_RETRY_TAG) == "true" or (
        landed is not None and not are_all(_attempts(instance, run.job_name, landed))
    )


def _ended(instance: dg.DagsterInstance, run_id: str) -> datetime:
    record = instance.get_run_record_by_id(run_id)
    end = record.end_time if record else None
    return datetime.fromtimestamp(end, UTC) if end else datetime.now(UTC)


def _first_failure(context: dg.RunFailureSensorContext) -> tuple[str | None, str]:
    """The step that failed first and what it raised, without Dagster's wrapping."""
    for event in context.get_step_failure_events():
        error = event.step_failure_data.error
        raised = error.cause or error if error else None
        if raised:
            return event.step_key, raised.message
    return None, ""


def send_weekly(settings: Settings, mailing: Mailing) -> dg.ScheduleDefinition:
    """Sends what is due of a mailing at the hour of the week, where `[mail] send = "weekly"`."""
    mail = settings.mail
    status = dg.DefaultScheduleStatus
    weekday = (WEEKDAYS.index(mail.day) + 1) % 7

    @dg.schedule(
        name=mailing.schedule,
        job=jobs_of(mailings_of(settings)).send[mailing],
        cron_schedule=f"{mail.time.minute} {mail.time.hour} * * {weekday}",
        execution_timezone=settings.zone.key,
        default_status=status.RUNNING if mail.send is SendMode.weekly else status.STOPPED,
        description=f'Sends the {mailing.noun} that are due, once a week ([mail] send = "weekly").',
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, mail_room: dg.ResourceParam[MailRoom]
    ) -> list[dg.RunRequest] | dg.SkipReason:
        at = context.scheduled_execution_time
        periods = [period for period in due(mail_room, at) if mailing.owns(period.campaign)]
        return _requests(periods, at.isoformat()) if periods else dg.SkipReason(NOTHING_DUE)

    return schedule
