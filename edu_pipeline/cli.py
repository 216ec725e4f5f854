"""`edu-pipeline`: the commands, what they print, and what they say when something is wrong.

What a command does stands elsewhere; Dagster and polars are imported only by commands that need
them, so that `--help` answers at once.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from edu_pipeline.commands import explain, forget, gate, landing
from edu_pipeline.commands.console import (
    HELD,
    UserError,
    command,
    err,
    out,
    read_tables,
    with_home,
)
from edu_pipeline.commands.jobs import run_job
from edu_pipeline.commands.mail.app import app as mail_app
from edu_pipeline.commands.mail.periods import outlook, print_outlook
from edu_pipeline.settings import Home, Settings, load_settings
from edu_pipeline.shipped import PROJECT, shipped
from edu_pipeline.weeks import parse_week, week_name

if TYPE_CHECKING:
    from edu_pipeline.commands.mail.periods import Outlook
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
app.add_typer(mail_app)


@app.callback()
def choose_home(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home",
            envvar="EDU_PIPELINE_HOME",
            help="Folder with pipeline.toml and data/. Default: the project's root.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Raw exports in, letters out. Start with: edu-pipeline demo."""
    context.obj = Home((home or PROJECT).expanduser().resolve())


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="The new home; made if it is not there.")],
) -> None:
    """Make a home: a folder with a commented pipeline.toml, for one school or organisation."""
    home = Home(folder.expanduser().resolve())
    if home.config.exists():
        raise UserError(f"{home.config} is there already; nothing was changed.")
    (home.data / "landing" / "school").mkdir(parents=True, exist_ok=True)
    for name in ("pipeline.toml", "dagster.yaml"):
        shutil.copyfile(shipped(name), home.root / name)
    out.print(f"A new home in [bold]{home.root}[/].")
    out.print("  1. Say in pipeline.toml who you are and what your attendance codes mean.")
    out.print(f"  2. Put your exports into {home.data / 'landing' / 'school'}.")
    out.print(f"  3. edu-pipeline --home {folder} run")


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
    clear: Annotated[bool, typer.Option("--clear", help="Remove the sample again.")] = False,
) -> None:
    """Write a made-up school's exports into the landing zone, or remove them again."""
    from edu_pipeline.sample.landing import clear_sample

    home: Home = context.obj
    landing = _landing_folder(home, load_settings(home))
    if clear:
        removed = clear_sample(landing)
        out.print(
            f"Removed the sample: {len(removed)} files." if removed else "There is no sample."
        )
        return
    _write_sample(landing, students, through.date() if through else _last_friday(), seed)


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
) -> None:
    """Refresh every table from what has landed, then write a week's letters and deliver them.

    Where [mail] approval is required, they wait for `mail approve` first. Letters that went out
    before are never sent again. Exit code 3 says that something is held, in doubt, or waits for you.
    """
    _refresh_and_send(context.obj, week)


@app.command()
def demo(context: typer.Context) -> None:
    """Everything once, with a made-up school if nothing has landed yet."""
    home: Home = context.obj
    landing = _landing_folder(home, load_settings(home))
    if not any(path.is_file() for path in landing.rglob("*.csv")):
        _write_sample(landing, 660, _last_friday(), 20)
    _refresh_and_send(home, None)


@app.command()
def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open Dagster's web UI on this home, with the landing sensor on. Ctrl+C ends it."""
    from edu_pipeline.runs import share_history

    home: Home = context.obj
    load_settings(home)
    share_history(home)
    out.print(f"The UI will be at [bold]http://127.0.0.1:{port}[/] in a few seconds.")
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(shipped("workspace.yaml"))]
    try:
        code = subprocess.run(  # noqa: S603 - our own arguments
            [*command, "-h", "127.0.0.1", "-p", str(port)], cwd=home.dagster, check=False
        ).returncode
    except KeyboardInterrupt:
        code = 0
    raise typer.Exit(code)


app.command()(explain.explain)
app.command()(forget.forget)


def main() -> None:
    """The console script: one sentence for what users can put right, a traceback for the rest."""
    try:
        app()
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "edu_pipeline":
            raise
        err.print(Text.assemble(("Error: ", "bold red"), str(error)), soft_wrap=True)
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


def _write_sample(landing: Path, students: int, through: date, seed: int) -> None:
    from edu_pipeline.sample.landing import write_sample
    from edu_pipeline.sample.school import make_school

    with out.status(f"Inventing a school of {students} students …"):
        written = write_sample(landing, make_school(students=students, through=through, seed=seed))
    out.print(f"Wrote a made-up school of {students} students: {len(written)} files in {landing}.")


def _refresh_and_send(home: Home, week: str | None) -> None:
    from edu_pipeline.environment import mail_room
    from edu_pipeline.mail.due import newest_ready
    from edu_pipeline.runs import RunFailedError

    room = mail_room(home)
    settings = room.settings
    wanted = _monday(week) if week else None
    run_job(room, "refresh", "Refreshing every table")
    with room.open_ledger() as ledger:
        periods = ledger.recorded_periods()
    problems = _print_landed(home)
    chosen = _wanted_period(periods, wanted) if wanted else None
    if not chosen:
        now = datetime.now(UTC)
        chosen = newest_ready(periods, now=now, mail=settings.mail, zone=settings.zone)
    if chosen is None:
        out.print(f"There are no letters. {_why_not_due(periods)}", soft_wrap=True)
        raise typer.Exit(HELD if problems else 0)
    before = _out_since(room, chosen)
    try:
        run_job(room, "send_letters", f"Letters about {chosen.period}", chosen.partition)
    except RunFailedError:
        with room.open_ledger() as ledger:  # some may have gone out before
            print_outlook(outlook(room, ledger, chosen.campaign, chosen.period), home)
        raise
    _print_gaps(home, chosen)
    seen = _print_letters(room, chosen, before)
    raise typer.Exit(HELD if chosen.held or seen.needs_a_person or not seen.counts else 0)


def _out_since(room: "MailRoom", period: "Period") -> Mapping[str, datetime | None]:
    """The letters of a period that are out, and since when."""
    from edu_pipeline.mail.ledger.tables import OUT

    with room.open_ledger() as ledger:
        entries = ledger.entries(period.campaign, period.period)
    return {entry.key: entry.sent_at for entry in entries if entry.state in OUT}


def _wanted_period(periods: Sequence["Period"], week: date) -> "Period":
    found = next((p for p in periods if p.partition == week.isoformat()), None)
    if found is None:
        raise UserError(f"There are no figures for {week_name(week)}. {_why_not_due(periods)}")
    return found


def _why_not_due(periods: Sequence["Period"]) -> str:
    if not periods:
        return (
            "No week has figures: no mark is of a student who is enrolled in a homeroom of the same "
            "school on a day in session. Look at what is rejected above, and whether school_id is "
            "the same in students, classes and calendar."
        )
    newest = periods[-1]
    waiting = (
        "" if newest.complete else f" {newest.period} waits for registers up to {newest.last_day}."
    )
    return f"Weeks with figures: {periods[0].period} to {newest.period}.{waiting}"


def _monday(week: str) -> date:
    try:
        return parse_week(week)
    except ValueError as error:
        raise UserError(str(error)) from None


def _print_landed(home: Home) -> list[str]:
    """Print what landed; returns the problems."""
    from edu_pipeline.landing.report import landed, problem_messages
    from edu_pipeline.warehouse import home_lock, open_warehouse

    with home_lock(home.lock), open_warehouse(home.warehouse) as con:
        exports, problems = landed(con), problem_messages(con)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("export")
    table.add_column("rows", justify="right")
    table.add_column("rejected", justify="right")
    table.add_column("in the table", justify="right")
    table.add_column("because")
    for export in exports:
        because = ", ".join(
            f"{rule.replace('_', ' ')} {n:,}" for rule, n in export.rejected.items()
        )
        rejected = sum(export.rejected.values())
        row = (f"{export.received:,}", f"{rejected:,}", f"{export.used:,}", because)
        table.add_row(export.table, *row)
    out.print()
    out.print(table)
    for message in problems:
        out.print(Text.assemble(("! ", "bold red"), with_home(home, message)), soft_wrap=True)
    out.print()
    return problems


def _print_gaps(home: Home, period: "Period") -> None:
    (gaps,) = read_tables(home, ["letter_gaps"])
    for week, sentence in gaps.select("week_start", "sentence").iter_rows():
        if week.isoformat() == period.partition:
            out.print(sentence, markup=False, soft_wrap=True)


def _print_letters(
    room: "MailRoom", period: "Period", before: Mapping[str, datetime | None]
) -> "Outlook":
    """Say how a week's letters stand, and what is next."""
    from edu_pipeline.mail.transports.folder import period_folder

    home, mail = room.home, room.settings.mail
    now_out = _out_since(room, period)
    with room.open_ledger() as ledger:
        seen = outlook(room, ledger, period.campaign, period.period)
    if seen.redirect:
        out.print(
            f'A rehearsal ([mail] mode = "redirect"): copies go to {mail.redirect_to}, and nobody '
            "else is written to.",
            markup=False,
            soft_wrap=True,
        )
    print_outlook(seen, home)
    if again := sum(sent_at == now_out.get(key) for key, sent_at in before.items()):
        out.print(f"{again} of them went out in an earlier run and were not sent again.")
    page = period_folder(home.outbox, period.campaign, period.period) / "index.html"
    out.print(f"Look at them: {page}", soft_wrap=True)
    out.print(f"Runs and tables: {command(home, 'ui')}", soft_wrap=True)
    return seen


if __name__ == "__main__":
    main()
