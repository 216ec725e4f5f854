"""`edu-pipeline gate`: what holds the letters, and letting them go all the same."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from edu_pipeline.commands.console import (
    HELD,
    By,
    UserError,
    command,
    out,
    read_tables,
    who,
)
from edu_pipeline.settings import Home, load_settings
from edu_pipeline.weeks import monday, week_name
from edu_pipeline.wording import listed

if TYPE_CHECKING:
    import polars as pl

CLASSES_NAMED = 6

app = typer.Typer(
    name="gate", help="What holds the letters, and letting them go.", no_args_is_help=True
)


@app.command()
def show(context: typer.Context) -> None:
    """What is held, for which weeks and why, and what was released by whom.

    Exit code 3 says that something is held.
    """
    from edu_pipeline.gate import in_force

    home: Home = context.obj
    problems, closed = _recorded(home)
    releases = _releases(home)
    live = in_force(problems, releases)
    released = set(live["id"])
    held = [row for row in problems.iter_rows(named=True) if row["id"] not in released]
    out.print(_headline(held, closed, home))
    for row in held:
        out.print()
        out.print(
            Text.assemble(
                (row["id"], "bold"),
                f"  {row['table']} · {_weeks(row['first_date'])} · {_classes(row['class_ids'])}"
                f" · since {row['since']:%Y-%m-%d %H:%M} UTC",
            )
        )
        out.print(Padding(Text(row["message"]), (0, 0, 0, 2)))
    if held:
        out.print()
        release = command(home, 'gate release ID --reason "…"')
        out.print(f"To mail all the same, as it stands: {release}", markup=False, soft_wrap=True)
    _print_releases(releases, live)
    raise typer.Exit(HELD if held else 0)


@app.command()
def release(
    context: typer.Context,
    problem: Annotated[str, typer.Argument(metavar="ID", help="As `gate show` names it.")],
    reason: Annotated[str, typer.Option(help="Why letters may go out all the same; it is kept.")],
    by: By = None,
) -> None:
    """Let letters go out although of a problem, as it stands.

    If it changes, or goes and comes back, it holds again.
    """
    from edu_pipeline.environment import mail_room
    from edu_pipeline.gate import in_force
    from edu_pipeline.mail.ledger.reading import Release

    home: Home = context.obj
    problems, _ = _recorded(home)
    known = problems["id"].to_list()
    if problem not in known:
        there = f"There are: {', '.join(known)}." if known else "Nothing is held."
        raise UserError(
            f"No problem of the last refresh has the id {problem}; it may have changed since, and a "
            f"release is only for what you have seen. {there} Look with: {command(home, 'gate show')}"
        )
    for earlier in in_force(problems, _releases(home)).filter(id=problem).iter_rows(named=True):
        raise UserError(
            f"{problem} was released already, by {earlier['by']} on {earlier['at']:%Y-%m-%d}: "
            f"{earlier['reason']}"
        )
    with mail_room(home).open_ledger() as ledger:
        ledger.release(Release(problem, reason, who(by), datetime.now(UTC)))
    out.print(f"Released {problem}. It takes effect with: {command(home, 'run')}", soft_wrap=True)


def _recorded(home: Home) -> tuple["pl.DataFrame", list[date]]:
    """Each problem of the last refresh once, and the weeks whose letters it held."""
    import polars as pl

    from edu_pipeline.gate import standing

    load_settings(home)
    problems, gate = read_tables(home, ["landing_problems", "mail_gate"])
    weeks = gate.filter(~pl.col("open"))["week_start"].unique().sort().to_list()
    return standing(problems), weeks


def _releases(home: Home) -> "pl.DataFrame":
    from edu_pipeline.environment import mail_room

    with mail_room(home).open_ledger() as ledger:
        return ledger.releases_frame()


def _headline(held: Sequence[object], closed: Sequence[date], home: Home) -> Text:
    if not held and closed:
        run = command(home, "run")
        return Text(f"What held the letters has been released. It takes effect with: {run}")
    if not held:
        return Text("Nothing is held.")
    if not closed:
        return Text("No week has figures yet; these would hold its letters.")
    weeks = (
        f"{week_name(closed[0])} to {week_name(closed[-1])}" if closed[1:] else week_name(closed[0])
    )
    count = "1 week" if len(closed) == 1 else f"{len(closed)} weeks"
    return Text.assemble(("Held: ", "bold red"), f"letters about {weeks} ({count}).")


def _weeks(first: date | None) -> str:
    return "every week" if first is None else f"{week_name(monday(first))} and later"


def _classes(class_ids: Sequence[str]) -> str:
    if not class_ids:
        return "every class"
    more = len(class_ids) - CLASSES_NAMED
    names = [*class_ids[:CLASSES_NAMED], *([f"{more} more"] if more > 0 else [])]
    return listed(names)


def _print_releases(releases: "pl.DataFrame", live: "pl.DataFrame") -> None:
    if not releases.is_empty():
        out.print()
        out.print("Released", style="bold")
    counting = set(live.select("id", "at").iter_rows())
    for known, reason, by, at in releases.select("id", "reason", "by", "at").iter_rows():
        state = "" if (known, at) in counting else " (does not count any more)"
        line = f"{known}  by {by} on {at:%Y-%m-%d %H:%M} UTC{state}: {reason}"
        out.print(Padding(Text(line), (0, 0, 0, 2)))
