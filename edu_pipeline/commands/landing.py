"""`edu-pipeline landing`: looking at exports before any run."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from edu_pipeline.commands.console import HELD, UserError, command, err, out
from edu_pipeline.settings.home import Home, Settings, load_settings

if TYPE_CHECKING:
    from edu_pipeline.landing.report import Block
    from edu_pipeline.landing.sources.school.suggestions import Line

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
) -> None:
    """What each file is taken for and why, what its cells say, and what to add to pipeline.toml.

    Reads the files, and writes nothing without --write. No student's name is shown. Exit code 3
    says that something must be looked at before a refresh.
    """
    from edu_pipeline.landing.inspection import inspect_zone
    from edu_pipeline.landing.report import blocks
    from edu_pipeline.landing.sources.school.suggestions import toml_lines
    from edu_pipeline.landing.zone import Zone

    home: Home = context.obj
    if suggest and write:
        raise UserError("--suggest prints the lines, --write adds them: say one of the two.")
    settings = load_settings(home) if home.config.is_file() or folder is None else Settings()
    url = _exports(home, settings, folder)
    elsewhere = url != home.landing_url(settings)
    if write and elsewhere:
        raise UserError(
            f"--write is for the exports in the landing zone, {home.landing_url(settings)}. "
            f"Put the files there, then run: {command(home, 'landing inspect --write')}"
        )
    with err.status("Reading the files …"):
        seen = inspect_zone(Zone(url), settings)
    if write:
        _write(home, seen.lines)
        if not seen.ready:
            look = command(home, "landing inspect")
            out.print(
                Text(f"\nBefore a refresh something must be looked at: {look}"), soft_wrap=True
            )
        raise typer.Exit(0 if seen.ready else HELD)
    lines = toml_lines(seen.lines, settings)
    if elsewhere and lines:
        lines = f"# files = […] is below {url}: put the files into the landing zone\n{lines}"
    if suggest:
        if lines:
            typer.echo(lines)
        else:
            err.print("Nothing to add to pipeline.toml.")
    else:
        _print(blocks(seen, datetime.now(UTC).replace(tzinfo=None)))
        if lines:
            out.print("Lines for pipeline.toml, assumed in all of the above", style="bold")
            out.print(Text(lines), soft_wrap=True)
            out.print()
        if seen.ready:
            out.print(Text(f"Nothing stands in the way of: {command(home, 'run')}"), soft_wrap=True)
    raise typer.Exit(0 if seen.ready else HELD)


def _exports(home: Home, settings: Settings, folder: Path | None) -> str:
    if folder is None:
        return home.landing_url(settings)
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder.")
    return folder.resolve().as_uri()


def _write(home: Home, lines: "Sequence[Line]") -> None:
    from edu_pipeline.landing.settings_file import write_lines
    from edu_pipeline.landing.sources.school.suggestions import toml_lines

    added, left = write_lines(home, lines)
    if added:
        out.print("Added to pipeline.toml; as it was: pipeline.toml.bak", style="bold")
        out.print(Text(toml_lines(added, Settings())), soft_wrap=True)
    else:
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
