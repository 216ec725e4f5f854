"""The heartbeat: the operator hears once a week that all is well, and within a day that it is not.

What is wrong is for `mail.pulse` to say. The front page is written again with every beat, so that it
does not say for days what was true at the last refresh.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from edu_pipeline.ground.warehouse import (
    Connection,
    HomeBusyError,
    WarehouseBrokenError,
    WarehouseBusyError,
    hold,
    open_warehouse,
)
from edu_pipeline.mail.alerts import to_operator
from edu_pipeline.mail.due import newest_of_each
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.letter import Address
from edu_pipeline.mail.pulse import Pulse, concerns
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home
from edu_pipeline.site.data_page import expected_by
from edu_pipeline.wiring.automation import is_tried_again, why_not_told
from edu_pipeline.wiring.jobs import REFRESH
from edu_pipeline.wiring.mailings import TEACHERS

HOUR_SECONDS = 3600
WEEK = timedelta(days=7)
_RECENT_RUNS = 100
AGAIN = timedelta(days=7)
"""After which what is still wrong is told again."""


@dataclass(frozen=True)
class Told:
    """What the operator has been told, as a sensor's cursor."""

    well: str | None = None
    """The day on which all was said to be well."""
    wrong: Mapping[str, str] = field(default_factory=dict)
    """Kind of concern → the day on which it was told."""

    @classmethod
    def of(cls, cursor: str | None) -> "Told":
        """From a cursor; of one that is none it knows nothing."""
        try:
            return cls(**json.loads(cursor or "{}"))
        except (ValueError, TypeError):
            return cls()


def news(found: Mapping[str, str], told: Told, today: date) -> tuple[str | None, Told]:
    """What to write to the operator today, and what they will have been told then.

    Args:
        found: Kind of concern → sentence; nothing where all is well.
        told: Before.
        today: The day.
    """
    day = today.isoformat()
    if found:
        due = {
            kind
            for kind in found
            if kind not in told.wrong or today - date.fromisoformat(told.wrong[kind]) >= AGAIN
        }
        kept = {kind: day if kind in due else told.wrong[kind] for kind in found}
        text = "\n\n".join(found.values()) if due else None
        return text, Told(told.well, kept)
    if told.wrong:
        return "What was wrong is put right. All is well.", Told(day, {})
    if told.well is None or today - date.fromisoformat(told.well) >= WEEK:
        return (
            "All is well: the last refresh succeeded, no registers are late, and no letter waits for anybody.",
            Told(day, {}),
        )
    return None, told


WriteHome = Callable[[Connection, Ledger, Sequence[str]], object]
"""Writes the front page, with what somebody should look at."""


def heartbeat(write_home: WriteHome) -> dg.SensorDefinition:
    """The sensor that looks once an hour."""

    @dg.sensor(
        name="heartbeat",
        minimum_interval_seconds=HOUR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Looks whether the home needs somebody, writes the front page again, and tells [mail] "
            "operator: at once what is wrong, once a week that all is well."
        ),
    )
    def sensor(
        context: dg.SensorEvaluationContext, mail_room: dg.ResourceParam[MailRoom]
    ) -> dg.SkipReason:
        now, zone = datetime.now(UTC), mail_room.settings.zone
        with ExitStack() as opened:
            con, broken = None, False
            try:
                con = opened.enter_context(_at_rest(mail_room.home))
            except (
                HomeBusyError,
                WarehouseBusyError,
            ):  # what is not known is neither wrong nor well
                return dg.SkipReason("A run is at work. The next beat looks again.")
            except WarehouseBrokenError:
                broken = True
            ledger = opened.enter_context(mail_room.open_ledger())
            known = pulse_of(context.instance, mail_room.home, ledger, con)
            pulse = replace(known, broken=broken)
            found = concerns(pulse, now, zone)
            if con is not None:
                write_home(con, ledger, list(found.values()))
        if not found and pulse.refreshed is None:
            return dg.SkipReason("No refresh has succeeded yet.")
        text, told = news(found, Told.of(context.cursor), now.astimezone(zone).date())
        if text and not _sent(mail_room, text, well=not found, now=now):
            return dg.SkipReason("The operator could not be told, and will be at the next beat.")
        context.update_cursor(json.dumps(asdict(told)))
        return dg.SkipReason(" ".join(found.values()) or "All is well.")

    return sensor


@contextmanager
def _at_rest(home: Home) -> Iterator[Connection | None]:
    """The warehouse, if there is one.

    Raises:
        HomeBusyError: A run is at work.
        WarehouseBusyError: Somebody looks into it with another program.
        WarehouseBrokenError: It cannot be read.
    """
    with hold(home.lock, "The heartbeat"):
        if not home.warehouse.is_file():
            yield None
            return
        with open_warehouse(home.warehouse, read_only=True) as con:
            yield con


def pulse_of(
    instance: dg.DagsterInstance,
    home: Home,
    ledger: Ledger,
    con: Connection | None,
) -> Pulse:
    """What is known of a home.

    Args:
        instance: Its history.
        home: Whose.
        ledger: Read only.
        con: The warehouse; None: there is none that can be read.
    """
    records = [
        record
        for record in instance.get_run_records(limit=_RECENT_RUNS)
        if record.dagster_run.job_name.startswith(REFRESH)
    ]
    runs = [record.dagster_run for record in records]
    ended = (
        record.end_time
        for run, record in zip(runs, records, strict=True)
        if run.status is dg.DagsterRunStatus.SUCCESS and record.end_time
    )
    last = next(ended, None)
    newest = newest_of_each(ledger.recorded_periods())
    letters: Counter[State] = Counter()
    for each in ledger.periods():
        letters.update(each.counts)
    return Pulse(
        refreshed=datetime.fromtimestamp(last, UTC) if last else None,
        failed=any(
            run.status is dg.DagsterRunStatus.FAILURE and not is_tried_again(instance, run)
            for run in _that_count(runs)
        ),
        expected=None if con is None else expected_by(con, newest.get(TEACHERS.campaign)),
        free=shutil.disk_usage(home.data).free,
        drafts=letters[State.draft],
        trouble=letters[State.unknown] + letters[State.failed],
        held=next((each.held for each in newest.values() if each.held), None),
    )


def _that_count(runs: Sequence[dg.DagsterRun]) -> Iterator[dg.DagsterRun]:
    """The newest refresh of each source, up to one of everything; that, too, if it is the newest of all."""
    jobs: set[str] = set()
    for run in runs:
        if run.job_name == REFRESH:
            if not jobs:
                yield run
            if run.status is dg.DagsterRunStatus.SUCCESS:
                return
        elif run.job_name not in jobs:
            yield run
        jobs.add(run.job_name)


def _sent(room: MailRoom, text: str, *, well: bool, now: datetime) -> bool:
    """Write to the operator, where there is one; whether nothing is left to be said."""
    to = room.settings.mail.operator
    if not to:
        return True
    letter = to_operator(
        "all is well" if well else "something needs you",
        text,
        key=f"h_{now:%H%M%S}",
        at=now,
        sender=Address(*room.settings.letters.sender),
        to=to,
    )
    return why_not_told(room, letter) is None
