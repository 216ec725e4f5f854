"""What the commands share: the screen, what a user can put right, who asks, a home's warehouse."""

import getpass
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from edu_pipeline.ground.weeks import parse_week
from edu_pipeline.settings.home import Home, command

if TYPE_CHECKING:
    import polars as pl

READS = "A command that reads"
HELD = 3
"""Exit code where something must be looked at."""
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
OnStep = Callable[[str, int, int], None]
"""Called with what is done, how much is done, and how much there is."""
By = Annotated[
    str | None,
    typer.Option(
        "--by", help="Who decides. Default: the name you are logged in with.", show_default=False
    ),
]
EvenIfOld = Annotated[
    bool,
    typer.Option("--even-if-old", help="Also letters that are no longer news ([mail] valid_days)."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class UserError(Exception):
    """Something that the user can put right; the message says how."""


def monday_of(week: str) -> date:
    """The Monday of a week as users say it, such as 2026-W40.

    Raises:
        UserError: It is none; the message says what is.
    """
    try:
        return parse_week(week)
    except ValueError as error:
        raise UserError(str(error)) from None


def who(by: str | None) -> str:
    """Who decides: as said, else the name of the login.

    Raises:
        UserError: This machine does not say.
    """
    try:
        return by or getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise UserError("This machine does not say who you are. Add: --by NAME") from None


def confirm(question: str, *, yes: bool) -> None:
    """Ask, and end here on no; `yes` is the answer given beforehand."""
    if not yes:
        typer.confirm(question, abort=True)


def print_aligned(rows: Sequence[Sequence[str]]) -> None:
    """Print columns below each other, indented; a long last one is not folded, also in a pipe."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for *cells, last in rows:
        padded = [
            cell + " " * (width - cell_len(cell))
            for cell, width in zip(cells, widths, strict=False)
        ]
        out.print(Text(f"  {'  '.join([*padded, last])}".rstrip()), soft_wrap=True)


@contextmanager
def progress(title: str) -> Iterator[OnStep]:
    """A bar where there is a screen, a line per step where there is none."""
    if not out.is_terminal:
        out.print(title, markup=False)
        printed = {""}

        def print_once(step: str, done: int, steps: int) -> None:
            if step not in printed:
                printed.add(step)
                out.print(f"  {done + 1}/{steps} {step}", soft_wrap=True)

        yield print_once
        return
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[step]}"),
    )
    with Progress(*columns, console=out) as bar:
        task = bar.add_task(title, total=None, step="")
        yield lambda step, done, steps: bar.update(task, completed=done, total=steps, step=step)


def read_tables(home: Home, names: Sequence[str]) -> "list[pl.DataFrame]":
    """Tables of a home's warehouse, while no run writes to it.

    Raises:
        HomeBusyError: A run does.
        UserError: No refresh has come to its end yet.
    """
    from edu_pipeline.ground.warehouse import read_table

    with reading(home, names) as con:
        return [read_table(con, name) for name in names]


@contextmanager
def reading(home: Home, names: Sequence[str]) -> Iterator[Any]:
    """A connection to a home's warehouse, which has these tables, while no run writes to it.

    Raises:
        HomeBusyError: A run does.
        UserError: No refresh has come to its end yet.
    """
    from edu_pipeline.ground.warehouse import hold, open_warehouse, tables

    if home.warehouse.is_file():
        with (
            hold(home.lock, READS, reads=True),
            open_warehouse(home.warehouse, read_only=True) as con,
        ):
            if set(names) <= tables(con):
                yield con
                return
    raise UserError(f"No refresh has come to its end yet. Run: {command(home, 'run')}")
