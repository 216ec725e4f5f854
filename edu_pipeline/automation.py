"""Jobs, the landing sensor, and what starts a week's sending: shells over one pure function each.

What has changed is for `landing.zone.glance` to say, what is due for `mail.due.due_periods`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from edu_pipeline.landing.zone import Glance, Zone, glance
from edu_pipeline.mail.assets import open_ledger
from edu_pipeline.mail.due import Period, due_periods
from edu_pipeline.settings import WEEKDAYS, Home, SendMode, Settings

_SENDING = dg.AssetSelection.assets(
    "students_of_week",
    "letter_charts",
    "letter_gaps",
    "said_before",
    "teacher_letters",
    "queued_letters",
    "delivered_letters",
    "ledger_letters",
)
REFRESH = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all() - _SENDING,
    description="Read whatever lies in the landing zone and compute every table again.",
)
SEND = dg.define_asset_job(
    "send_letters",
    selection=_SENDING,
    description="Draw, write, queue and deliver one week's letters, each at most once.",
)
NOTHING_DUE = "No week is due: registers are still missing, or its letters are no longer news."


def letter_weeks(settings: Settings) -> dg.WeeklyPartitionsDefinition:
    """One partition per week, named by its Monday, the running week included."""
    return dg.WeeklyPartitionsDefinition(
        start_date=settings.school.first_week.isoformat(),
        timezone=settings.school.time_zone,
        day_offset=1,
        end_offset=1,
    )


@dg.sensor(
    job=REFRESH,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a refresh when the content of the landing zone has changed.",
)
def landing_sensor(
    context: dg.SensorEvaluationContext, zone: dg.ResourceParam[Zone]
) -> dg.SensorResult | dg.SkipReason:
    """Compare the zone with what the cursor remembers: a turn, and a glance."""
    turn, _, seen = (context.cursor or "0 ").partition(" ")
    before = Glance.from_json(seen)
    now = glance(zone, before)
    if now.fingerprint == before.fingerprint:
        return dg.SkipReason("Nothing has landed or changed since the last look.")
    turn = str(int(turn) + 1)
    # exports that change and change back are refreshed twice, so the turn is in the key
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{turn}:{now.fingerprint}")],
        cursor=f"{turn} {now.to_json()}",
    )


def due(home: Home, settings: Settings, now: datetime) -> list[Period]:
    """The periods of a home that are to be sent without being asked."""
    with open_ledger(home) as ledger:
        return due_periods(
            ledger.recorded_periods(), now=now, mail=settings.mail, zone=settings.zone
        )


def _requests(periods: Sequence[Period], cause: str) -> list[dg.RunRequest]:
    """A run of the sending job per period; the ledger sees to it that nothing goes out twice."""
    return [
        dg.RunRequest(
            run_key=f"{period.campaign}:{period.period}:{cause}", partition_key=period.partition
        )
        for period in periods
    ]


def send_after_refresh(settings: Settings) -> dg.SensorDefinition:
    """Sends what a refresh has made due, where `[mail] send = "after_refresh"`."""
    status = dg.DefaultSensorStatus
    on = settings.mail.send is SendMode.after_refresh

    @dg.run_status_sensor(
        name="send_after_refresh",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[REFRESH],
        request_job=SEND,
        default_status=status.RUNNING if on else status.STOPPED,
        description='Sends the weeks that a refresh has made due ([mail] send = "after_refresh").',
    )
    def sensor(
        context: dg.RunStatusSensorContext, home: dg.ResourceParam[Home]
    ) -> dg.SensorResult | dg.SkipReason:
        periods = due(home, settings, datetime.now(UTC))
        if not periods:
            return dg.SkipReason(NOTHING_DUE)
        return dg.SensorResult(run_requests=_requests(periods, context.dagster_run.run_id))

    return sensor


def send_weekly(settings: Settings) -> dg.ScheduleDefinition:
    """Sends what is due at the hour of the week, where `[mail] send = "weekly"`."""
    mail = settings.mail
    status = dg.DefaultScheduleStatus
    weekday = (WEEKDAYS.index(mail.day) + 1) % 7

    @dg.schedule(
        name="send_weekly",
        job=SEND,
        cron_schedule=f"{mail.time.minute} {mail.time.hour} * * {weekday}",
        execution_timezone=settings.school.time_zone,
        default_status=status.RUNNING if mail.send is SendMode.weekly else status.STOPPED,
        description='Sends the weeks that are due, once a week ([mail] send = "weekly").',
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, home: dg.ResourceParam[Home]
    ) -> list[dg.RunRequest] | dg.SkipReason:
        at = context.scheduled_execution_time
        periods = due(home, settings, at)
        return _requests(periods, at.isoformat()) if periods else dg.SkipReason(NOTHING_DUE)

    return schedule
