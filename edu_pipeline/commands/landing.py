"""`edu-pipeline landing`: looking at exports before any run."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from edu_pipeline.commands.console import HELD, UserError, err, out, reading
from edu_pipeline.settings.home import Home, Settings, command, load_settings, with_home

if TYPE_CHECKING:
    from edu_pipeline.landing.described import Block
    from edu_pipeline.landing.inspection import Inspection
    from edu_pipeline.landing.zone import Zone
    from edu_pipeline.mail.room import MailRoom

app = typer.Typer(name="landing", help="Look at exports before any run.", no_args_is_help=True)


@app.callback()
def landing() -> None:
    """Look at exports before any run."""


@app.command()
def inspect(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Any folder with exports. Default: the home's landing zone.", show_default=False
        ),
    ] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Print only the lines to add to pipeline.toml.")
    ] = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Add the lines to pipeline.toml; what it says already stays."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The same for machines, as JSON.")
    ] = False,
) -> None:
    """What each file is taken for and why, what its cells say, and what to do, in order.

    Of a school's exports, edX's and exam results, whatever there is. Reads the files, and writes
    nothing without --write. No student's name is shown. Exit code 0: nothing has to be done; 3:
    something has.
    """
    from edu_pipeline.landing.inspection import inspect_zone
    from edu_pipeline.landing.sources.school.suggestions import toml_lines

    home: Home = context.obj
    if suggest + write + as_json > 1:
        raise UserError(
            "--suggest prints the lines, --write adds them, --json prints all there is: say one of them."
        )
    settings = load_settings(home) if home.config.is_file() or folder is None else Settings()
    zone = _zone(home, settings, folder)
    elsewhere = zone.url != home.landing_url(settings)
    if write and elsewhere:
        raise UserError(
            f"--write is for the exports in the landing zone, {home.landing_url(settings)}. "
            f"Put the files there, then run: {command(home, 'landing inspect --write')}"
        )
    with err.status("Reading the files …"):
        released = () if elsewhere or not home.config.is_file() else _released(home)
        seen = inspect_zone(zone, settings, released)
    if write:
        _write(home, seen)
        seen = inspect_zone(zone, load_settings(home), released)
        if not seen.ready:
            look = command(home, "landing inspect")
            out.print(
                Text(f"\nBefore a refresh something must be looked at: {look}"), soft_wrap=True
            )
        raise typer.Exit(0 if seen.ready else HELD)
    if as_json:
        typer.echo(_json(seen))
        raise typer.Exit(0 if seen.ready else HELD)
    lines = "\n\n".join(filter(None, (toml_lines(seen.lines, settings), seen.more_lines)))
    if elsewhere and lines:
        lines = f"# files = […] is below {zone.url}: put the files into the landing zone\n{lines}"
    if suggest and lines:
        typer.echo(lines)
    elif suggest:
        err.print("Nothing to add to pipeline.toml.")
    else:
        _show(home, seen, lines)
    raise typer.Exit(0 if seen.ready else HELD)


@app.command()
def fetch(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Of [[sources]]. Default: all.", show_default=False),
    ] = None,
) -> None:
    """Fetch exports from the systems of [[sources]], each whole or not at all.

    They land as an archive each, beside what people put there. Exit code 1: one could not be fetched.
    """
    from edu_pipeline.wiring.environment import mail_room

    room = mail_room(context.obj)
    known = {source.name for source in room.settings.sources}
    if unknown := set(names or ()) - known:
        raise UserError(f"pipeline.toml has no [[sources]] named {', '.join(sorted(unknown))}.")
    if not known:
        raise UserError(
            "pipeline.toml names no [[sources]] to fetch from. How: edu-pipeline docs exports"
        )
    fetch_all(room, names)


def fetch_all(room: "MailRoom", names: Sequence[str] | None = None) -> None:
    """Fetch from the sources of a home, or some of them; where one fails, end after all were asked."""
    from edu_pipeline.landing.stores import LandingError
    from edu_pipeline.wiring.fetching import fetch_source

    known = {source.name: source for source in room.settings.sources}
    failed = False
    for name in names or known:
        try:
            with err.status(f"Asking {name} …"):
                landed = fetch_source(room, known[name])
        except LandingError as error:
            failed = True
            err.print(Text.assemble(("! ", "bold red"), f"{name}: {error}"), soft_wrap=True)
            continue
        what = f"landed as {landed}" if landed else "has what it had"
        out.print(Text(f"{name}: {what}"), soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _show(home: Home, seen: "Inspection", lines: str) -> None:
    from edu_pipeline.landing.report import to_do

    _print(seen.blocks)
    if lines:
        out.print("Lines for pipeline.toml, assumed in all of the above", style="bold")
        out.print(Text(lines), soft_wrap=True)
        out.print()
    for block in to_do(with_home(home, each) for each in seen.to_do):
        out.print(Text(block.title, style="bold"))
        for row in block.rows:  # a line to paste must not be broken
            said = (f"  {row.label}  ", ("! ", "bold red"), row.text)
            out.print(Text.assemble(*said), soft_wrap=True)
        out.print()
    if seen.ready:
        out.print(Text(f"Nothing stands in the way of: {command(home, 'run')}"), soft_wrap=True)
    else:
        again = command(home, "landing inspect")
        out.print(Text(f"Then look again: {again}"), soft_wrap=True)


def _released(home: Home) -> list[str]:
    """Ids of what the last refresh found and somebody let go; without a refresh nobody has."""
    from edu_pipeline.commands.gate import recorded_problems, releases_of
    from edu_pipeline.ground.warehouse import HomeBusyError, WarehouseBrokenError
    from edu_pipeline.mail.ledger.database import LedgerError
    from edu_pipeline.model.gate import in_force
    from edu_pipeline.wiring.environment import mail_room

    room = mail_room(home)
    try:
        with reading(home, ["landing_problems"]) as con:
            problems = recorded_problems(con, room.settings)
        releases = releases_of(room)
    except UserError:
        return []
    except (WarehouseBrokenError, HomeBusyError, LedgerError) as error:
        # looking at files needs none of these
        err.print(Text(f"{error}\nUntil then what was let go is told here, too.\n"), soft_wrap=True)
        return []
    return list(in_force(problems, releases)["id"].unique())


def _json(seen: "Inspection") -> str:
    """For machines: everything that the screen has, and the problems as in `landing_problems`."""
    said = {
        "ready": seen.ready,
        "jobs": seen.jobs,
        "files": [asdict(file) for file in seen.taken],
        "blocks": [asdict(block) for block in seen.blocks],
        "lines": [{**asdict(line), "toml": line.toml()} for line in seen.lines],
        "more_lines": seen.more_lines,
        "problems": seen.problems.drop("since").to_dicts(),
        "to_do": seen.to_do,
    }
    return json.dumps(said, ensure_ascii=False, indent=2, default=str)


def _zone(home: Home, settings: Settings, folder: Path | None) -> "Zone":
    from edu_pipeline.landing.zone import Zone
    from edu_pipeline.wiring.environment import landing_zone, mail_room

    if folder is None:
        return landing_zone(mail_room(home))
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder.")
    return Zone(folder.resolve().as_uri(), settings.landing)


def _write(home: Home, seen: "Inspection") -> None:
    from edu_pipeline.landing.settings_file import append_sections, write_lines
    from edu_pipeline.landing.sources.school.suggestions import toml_lines

    added, left = write_lines(home, seen.lines)
    if seen.more_lines:
        append_sections(home, seen.more_lines)
        out.print(
            "Added to the end of pipeline.toml, for you to correct and complete:", style="bold"
        )
        out.print(Text(seen.more_lines), soft_wrap=True)
        out.print()
    if added:
        out.print("Added to pipeline.toml; as it was: pipeline.toml.bak", style="bold")
        out.print(Text(toml_lines(added, Settings())), soft_wrap=True)
    elif not seen.more_lines:
        out.print("Nothing to add to pipeline.toml.")
    if left:
        out.print()
        out.print("Left as it is, for pipeline.toml has another value. Suggested:", style="bold")
        out.print(Text(toml_lines(left, Settings())), soft_wrap=True)


def _print(found: "Iterable[Block]") -> None:
    for block in found:
        out.print(Text(block.title, style="bold"))
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim", max_width=max(12, out.width // 4), overflow="fold")
        table.add_column(overflow="fold")
        for row in block.rows:
            text = Text.assemble(("! ", "bold red") if row.wrong else "", row.text)
            table.add_row(Text(f"  {row.label}"), text)
        out.print(table)
        out.print()
