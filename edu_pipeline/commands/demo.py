"""`edu-pipeline demo` in an empty home: all three jobs, with a few weeks of letters behind them."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edu_pipeline.commands import rounds, samples
from edu_pipeline.commands.console import out
from edu_pipeline.commands.jobs import run_job
from edu_pipeline.settings.home import Home, command
from edu_pipeline.settings.landing import EVENTS_FOLDER
from edu_pipeline.wiring.mailings import TEACHERS

if TYPE_CHECKING:
    from edu_pipeline.mail.due import Period
    from edu_pipeline.mail.room import MailRoom

STUDENTS = 300
SEED = 20
WEEKS = 3
"""Weeks whose letters are written; programs and people open them ever more often."""


def show_all(home: Home, landing: Path, last: date) -> None:
    """Invent a school, exam results and a programme, and do all that is done for them.

    Args:
        home: Whose landing zone is empty.
        landing: Its folder.
        last: The last day with data.
    """
    from edu_pipeline.charting.render import warm
    from edu_pipeline.ground.warehouse import hold
    from edu_pipeline.wiring.environment import mail_room

    samples.write_school(home, landing, STUDENTS, last, SEED)
    samples.write_cohorts(landing, last, SEED, finished_only=True)
    samples.write_programme(home, landing, last, SEED)
    room = mail_room(home)
    with hold(home.lock, "`edu-pipeline demo`"):
        done = rounds.refresh(room)
        periods = [period for period in done.periods if TEACHERS.owns(period.campaign)][-WEEKS:]
        for period in periods:
            warm()
            run_job(room, TEACHERS.send, f"Letters about {period.period}", period.partition)
        _report(room, landing, periods)
        run_job(room, "refresh_letters", "What became of the letters")
    out.print()
    out.print("Everybody and everything in it is made up; some of it is wrong on purpose.")
    out.print(f"Learners of programmes: {command(home, 'programmes nudge')}", soft_wrap=True)
    out.print(f"Runs and tables: {command(home, 'ui')}", soft_wrap=True)
    out.print(f"To take it away again: {command(home, 'sample --clear')}", soft_wrap=True)
    out.print(f"[bold]Open this: {home.site / 'index.html'}[/]", soft_wrap=True)


def _report(room: "MailRoom", landing: Path, periods: list["Period"]) -> None:
    """Land what a carrier would have reported of the letters of these periods."""
    from edu_pipeline.sample.landing import write_files
    from edu_pipeline.sample.reported import reports

    with room.open_ledger() as ledger:
        files = {
            f"{EVENTS_FOLDER}{period.period}.json": reports(
                [entry.key for entry in ledger.entries(period.campaign, period.period)],
                ledger.id,
                datetime.now(UTC),
                number / max(1, len(periods) - 1),
            )
            for number, period in enumerate(periods)
        }
    write_files(landing, files)
