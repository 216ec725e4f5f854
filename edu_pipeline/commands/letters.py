"""`edu-pipeline letters`: looking at a letter as it would be written now, before any run."""

import shutil
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from edu_pipeline.commands.console import UserError, monday_of, out, reading
from edu_pipeline.ground.wording import counted
from edu_pipeline.settings.home import Home, command, load_settings

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(
    name="letters",
    help="Looking at letters before any run, such as after a template was changed.",
    no_args_is_help=True,
)


@app.callback()
def _several() -> None:
    """Or Typer would make its only command the whole."""


@app.command()
def preview(
    context: typer.Context,
    teacher: Annotated[
        str | None,
        typer.Option(
            help="Id, address or a part of the name. Default: everybody.", show_default=False
        ),
    ] = None,
    week: Annotated[
        str | None,
        typer.Option(
            help="A week whose letters have been written, such as 2026-W40. Default: the newest.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write letters as they would read now into data/preview, from the last refresh and its charts.

    Nothing is queued or sent, and no table is changed.
    """
    from edu_pipeline.ground.templates import templates_of
    from edu_pipeline.ground.warehouse import read_table
    from edu_pipeline.mail.transports.folder import write_readable
    from edu_pipeline.teachers.week_of_letters import OF_ALL, OF_WEEK, tables_of, week_of_letters

    home: Home = context.obj
    settings = load_settings(home)
    monday = monday_of(week) if week else None
    with reading(home, [*OF_ALL, *OF_WEEK]) as con:
        written: list[date] = (
            read_table(con, "students_of_week", columns=("week_start",))["week_start"]
            .unique()
            .sort()
            .to_list()
        )
        if not written or monday not in {None, *written}:
            raise UserError(
                "No letters about that week have been written, so there are no charts and lists of "
                f"students to show. Write them once: {command(home, 'run')}"
            )
        chosen = monday or written[-1]
        tables = tables_of(con, chosen.isoformat())
    only = None if teacher is None else _found(tables["stg_staff"], teacher)
    env = templates_of(home.templates)
    letters = list(
        week_of_letters(tables, chosen, settings, env, now=datetime.now(UTC), tags={}, only=only)
    )
    if not letters:
        raise UserError("Nobody of that name gets a letter about this week.")
    folder = home.preview
    shutil.rmtree(folder, ignore_errors=True)  # of another week, or of somebody who has left
    for letter in letters:
        write_readable(folder, letter)
    out.print(f"{counted(len(letters), 'letter')} in {folder}", markup=False, soft_wrap=True)
    if only:
        out.print(f"Look at it: {folder / letters[0].recipient_key}.html", soft_wrap=True)


def _found(staff: "pl.DataFrame", wanted: str) -> list[str]:
    """The ids of the members of staff who are meant.

    Raises:
        UserError: Nobody is, or several are.
    """
    import polars as pl

    told = wanted.strip().casefold()
    name = pl.concat_str("given_name", "family_name", separator=" ", ignore_nulls=True)
    exact = staff.filter(
        (pl.col("staff_id") == wanted.strip()) | (pl.col("email").str.to_lowercase() == told)
    )
    found = (
        exact
        if exact.height
        else staff.filter(name.str.to_lowercase().str.contains(told, literal=True))
    )
    ids: list[str] = found["staff_id"].to_list()
    if not ids:
        raise UserError("Nobody on the staff has that id, address or name.")
    if len(ids) > 1:
        raise UserError(f"{len(ids)} people are meant. Say which by id: {', '.join(ids[:12])}")
    return ids
