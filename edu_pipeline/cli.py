"""`edu-pipeline`: the commands, what they print, and what they say when something is wrong.

What a command does stands elsewhere; Dagster and polars are imported only by commands that need
them, so that `--help` answers at once.
"""

import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from edu_pipeline.commands import (
    attainment,
    explain,
    forget,
    gate,
    landing,
    letters,
    programmes,
    rounds,
    samples,
    serving,
)
from edu_pipeline.commands.beginning import begin, placing
from edu_pipeline.commands.console import (
    HELD,
    EvenIfOld,
    UserError,
    err,
    monday_of,
    out,
)
from edu_pipeline.commands.mail.app import app as mail_app
from edu_pipeline.ground.mishaps import sentence
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.weeks import week_name
from edu_pipeline.settings.home import Home, Settings, command, home_around, load_settings
from edu_pipeline.wiring.mailings import TEACHERS

if TYPE_CHECKING:
    from edu_pipeline.mail.due import Period
    from edu_pipeline.mail.room import MailRoom

app = typer.Typer(
    name="edu-pipeline",
    help="Raw exports in, letters out. Start with: edu-pipeline demo",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(landing.app)
app.add_typer(gate.app)
app.add_typer(programmes.app)
app.add_typer(letters.app)
app.add_typer(mail_app)


@app.callback()
def choose_home(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home",
            envvar="EDU_PIPELINE_HOME",
            help="Folder with pipeline.toml and data/. Default: the one that you are in, else the project's root.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Raw exports in, letters out. Start with: edu-pipeline demo."""
    context.obj = Home(home.expanduser().resolve()) if home else home_around(Path.cwd())


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The new home; made if it is not there.")],
    programmes: Annotated[
        Path | None,
        typer.Option(
            "--programmes",
            help="A folder with edX's exports, of one programme or with a folder for each: "
            "[[programmes]] is written from what lies there.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a home: a folder with a commented pipeline.toml, for one school or organisation."""
    home = Home(folder.expanduser().resolve())
    if home.config.exists():
        raise UserError(f"{home.config} is there already; nothing was changed.")
    placed = placing(programmes.expanduser().resolve()) if programmes else None
    if placed is None:
        (home.data / "landing" / "school").mkdir(parents=True, exist_ok=True)
    else:
        home.data.mkdir(parents=True, exist_ok=True)
    home.data.chmod(0o700)
    for name in ("pipeline.toml", "dagster.yaml"):
        shutil.copyfile(shipped(name), home.root / name)
    if placed is not None:
        begin(home, placed)
        return
    out.print(f"A new home in [bold]{home.root}[/].")
    lines = (
        f"  1. Put your exports into {home.data / 'landing' / 'school'}, grade reports of edX into",
        "     ../micromasters, exam results into ../attainment.",
        f"  2. {command(home, 'landing inspect')} says what each is taken for and what is missing.",
        f"  3. {command(home, 'run')}",
    )
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


@app.command()
def sample(
    context: typer.Context,
    students: Annotated[int, typer.Option(min=1, help="Size of the invented school.")] = 660,
    through: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Last day with data. Default: last Friday.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed invents another school.")] = 20,
    cohort: Annotated[
        bool, typer.Option("--cohort", help="Exam results of two cohorts, not a school.")
    ] = False,
    programme: Annotated[
        bool,
        typer.Option(
            "--programme",
            help="A MicroMasters programme and its settings, not a school.",
        ),
    ] = False,
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove the samples, and what was made of them.")
    ] = False,
) -> None:
    """Write a made-up school's exports into the landing zone, or remove them again.

    The settings that come with a sample stand in data/sample/ and go with it; pipeline.toml is left
    as it is. Samples of different kinds stay beside each other.
    """
    home: Home = context.obj
    landing = _landing_folder(home, load_settings(home))
    if clear:
        samples.clear(home, landing)
        return
    last = through.date() if through else _last_friday()
    if cohort:
        samples.write_cohorts(landing, last, seed)
    elif programme:
        samples.write_programme(home, landing, last, seed)
    else:
        samples.write_school(home, landing, students, last, seed)


@app.command()
def run(
    context: typer.Context,
    week: Annotated[
        str | None,
        typer.Option(
            help="Week of the letters, such as 2026-W40. Default: the newest with all registers in.",
            show_default=False,
        ),
    ] = None,
    even_if_old: EvenIfOld = False,
) -> None:
    """Fetch from the sources there are, refresh every table, then write a week's letters and deliver them.

    Where [mail] approval is required, they wait for `mail approve` first. Letters that went out
    before are never sent again. Exit code 3 says that something is held, in doubt, or waits for you;
    1, that a source could not be fetched: nothing was read or sent then.
    """
    from edu_pipeline.wiring.environment import mail_room

    room = mail_room(context.obj)  # nothing is touched in a folder that is no home
    wanted = monday_of(week) if week else None
    if room.settings.sources:
        landing.fetch_all(room)
    _refresh_and_send(room, wanted, even_if_old=even_if_old)


@app.command()
def demo(context: typer.Context) -> None:
    """All three jobs once, in a home where nothing has landed yet: everybody in it is made up.

    Where something has landed it is a run, and nothing is invented.
    """
    from edu_pipeline.commands.demo import show_all
    from edu_pipeline.sample.landing import files_in
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    landing = _landing_folder(home, load_settings(home))
    if files_in(landing):
        if samples.has_school(home, landing):
            samples.bring_school(home)
        _refresh_and_send(mail_room(home), None)
    else:
        show_all(home, landing, _last_friday())


@app.command("open")
def open_site(context: typer.Context) -> None:
    """Open the home's front page in the browser: how this week stands, and every other page."""
    home: Home = context.obj
    load_settings(home)
    index = home.site / "index.html"
    if not index.is_file():
        raise UserError(f"There is no page yet. Make them: {command(home, 'run')}")
    out.print(f"{index}", markup=False, soft_wrap=True)
    typer.launch(index.as_uri())


@app.command()
def docs(
    page: Annotated[str, typer.Argument(help="Such as `exports`; default: which there are.")] = "",
) -> None:
    """Say where a page of the documentation lies."""
    pages = {path.stem: path for path in sorted(shipped("docs").rglob("*.md"))}
    if page and page not in pages:
        raise UserError(f"There is no page {page}. There are: {', '.join(pages)}")
    for path in [pages[page]] if page else pages.values():
        out.print(f"{path}", markup=False, soft_wrap=True)


app.command()(serving.ui)
app.command()(serving.serve)
app.command()(explain.explain)
app.command()(attainment.attainment)
app.command()(forget.forget)


def main() -> None:
    """The console script: one sentence for what users can put right, a traceback for the rest."""
    os.umask(0o077)  # what is in a home concerns nobody else on this machine
    try:
        app()
    except Exception as error:
        told = sentence(error)
        if told is None:
            raise
    else:
        return
    # not within the block, where the error still holds what the program had open
    err.print(Text.assemble(("Error: ", "bold red"), told), soft_wrap=True)
    sys.exit(1)


def _landing_folder(home: Home, settings: Settings) -> Path:
    if "://" in settings.landing.url:
        raise UserError(
            "The sample is written into a folder only, and this home's landing zone is "
            f"{settings.landing.url}. Make another home with: edu-pipeline init DIR"
        )
    return home.root / settings.landing.url


def _last_friday() -> date:
    today = datetime.now(UTC).date()
    return today - timedelta(days=(today.weekday() - 4) % 7)


def _refresh_and_send(room: "MailRoom", wanted: date | None, *, even_if_old: bool = False) -> None:
    from edu_pipeline.ground.warehouse import hold

    with hold(room.home.lock, "`edu-pipeline run`"):
        _round(room, wanted, even_if_old=even_if_old)


def _round(room: "MailRoom", wanted: date | None, *, even_if_old: bool) -> None:
    from edu_pipeline.mail.due import newest_ready
    from edu_pipeline.wiring import unchanged

    home, settings = room.home, room.settings
    last = unchanged.last_round(room) if wanted is None else None
    if last:
        ended = last.ended.astimezone(settings.zone)
        out.print(f"Nothing has changed since the run of {ended:%Y-%m-%d %H:%M}.", markup=False)
        done = rounds.refreshed(room)
    else:
        landed = unchanged.begin(room)
        done = rounds.refresh(room)
    periods = [period for period in done.periods if TEACHERS.owns(period.campaign)]
    if settings.programmes:
        nudge = command(home, "programmes nudge")
        out.print(f"Letters to learners of programmes: {nudge}", markup=False, soft_wrap=True)
    chosen = _wanted_period(periods, wanted) if wanted else None
    if not chosen:
        now = datetime.now(UTC)
        chosen = newest_ready(periods, now=now, mail=settings.mail, zone=settings.zone)
    look = False
    if chosen and last and rounds.is_written(room, chosen):
        look = rounds.tell(room, chosen, done.problems)
    elif chosen:
        look = rounds.send(room, chosen, done.problems, even_if_old=even_if_old)
    elif done.school:
        why = _why_not_due(periods) if done.attendance else "No attendance has landed."
        out.print(f"There are no letters. {why}", soft_wrap=True)
        look = done.attendance and not periods
    if not last:
        unchanged.end(room, landed)
    raise typer.Exit(HELD if look or done.problems else 0)


def _wanted_period(periods: Sequence["Period"], week: date) -> "Period":
    found = next((p for p in periods if p.partition == week.isoformat()), None)
    if found is None:
        raise UserError(f"There are no figures for {week_name(week)}. {_why_not_due(periods)}")
    return found


def _why_not_due(periods: Sequence["Period"]) -> str:
    if not periods:
        return (
            "No week has figures: no mark is of a student who is enrolled in a class of the same "
            "school on a day in session. Look above at what became of attendance and why, and "
            "whether school_id is the same in students, classes and calendar."
        )
    newest = periods[-1]
    waiting = (
        "" if newest.complete else f" {newest.period} waits for registers up to {newest.last_day}."
    )
    return f"Weeks with figures: {periods[0].period} to {newest.period}.{waiting}"


if __name__ == "__main__":
    main()
