"""`edu-pipeline gate`: what holds letters and nudges, and letting them go all the same."""

from collections.abc import Sequence
from dataclasses import dataclass
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
from edu_pipeline.ground.weeks import monday, week_name
from edu_pipeline.ground.wording import listed
from edu_pipeline.settings.home import Home, load_settings

if TYPE_CHECKING:
    import polars as pl

CLASSES_NAMED = 6

app = typer.Typer(
    name="gate", help="What holds the letters, and letting them go.", no_args_is_help=True
)


@dataclass(frozen=True)
class _Problem:
    """What somebody may release."""

    id: str
    since: datetime
    """UTC, without zone."""
    holds: str
    """Which letters, for people."""
    message: str
    programme: str | None
    """Whose nudges it holds; None: it holds letters to teachers."""

    @property
    def again(self) -> str:
        """The command by which a release takes effect."""
        return "run" if self.programme is None else f"programmes nudge {self.programme}"


@dataclass(frozen=True)
class _Recorded:
    """What the last refresh left behind."""

    problems: Sequence[_Problem]
    weeks: Sequence[date]
    """Mondays of the weeks whose letters it held."""
    programmes: Sequence[str]
    """Those whose nudges it held."""

    def frame(self) -> "pl.DataFrame":
        """`id` and `since`, as `edu_pipeline.model.gate` has problems."""
        import polars as pl

        rows = [(problem.id, problem.since) for problem in self.problems]
        return pl.DataFrame(rows, schema={"id": pl.String, "since": pl.Datetime}, orient="row")


@app.command()
def show(context: typer.Context) -> None:
    """What is held, for which weeks or programmes and why, and what was released by whom.

    Exit code 3 says that something is held.
    """
    from edu_pipeline.model.gate import in_force

    home: Home = context.obj
    recorded = _recorded(home)
    releases = _releases(home)
    live = in_force(recorded.frame(), releases)
    released = set(live["id"])
    held = [problem for problem in recorded.problems if problem.id not in released]
    letters = [problem for problem in held if problem.programme is None]
    nudges = [problem.programme for problem in held if problem.programme is not None]
    headlines = [
        *_of_letters(letters, recorded.weeks, home),
        *_of_nudges(list(dict.fromkeys(nudges)), recorded.programmes, home),
    ]
    for line in headlines or [Text("Nothing is held.")]:
        out.print(line)
    for problem in held:
        out.print()
        since = f" · since {problem.since:%Y-%m-%d %H:%M} UTC"
        out.print(Text.assemble((problem.id, "bold"), f"  {problem.holds}{since}"))
        out.print(Padding(Text(problem.message), (0, 0, 0, 2)))
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
    from edu_pipeline.mail.ledger.reading import Release
    from edu_pipeline.model.gate import in_force
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    recorded = _recorded(home)
    known = {each.id: each for each in recorded.problems}
    if problem not in known:
        there = f"There are: {', '.join(known)}." if known else "Nothing is held."
        raise UserError(
            f"No problem of the last refresh has the id {problem}; it may have changed since, and a "
            f"release is only for what you have seen. {there} Look with: {command(home, 'gate show')}"
        )
    live = in_force(recorded.frame(), _releases(home))
    for earlier in live.filter(id=problem).iter_rows(named=True):
        raise UserError(
            f"{problem} was released already, by {earlier['by']} on {earlier['at']:%Y-%m-%d}: "
            f"{earlier['reason']}"
        )
    with mail_room(home).open_ledger() as ledger:
        ledger.release(Release(problem, reason, who(by), datetime.now(UTC)))
    again = command(home, known[problem].again)
    out.print(f"Released {problem}. It takes effect with: {again}", soft_wrap=True)


def _recorded(home: Home) -> _Recorded:
    """Each problem of the last refresh once, those that hold letters to teachers first."""
    import polars as pl

    from edu_pipeline.model.gate import standing

    of_nudges = ["nudge_problems", "nudge_periods"] if load_settings(home).programmes else []
    problems, gate, *nudges = read_tables(home, ["landing_problems", "mail_gate", *of_nudges])
    found = [
        _Problem(
            id=row["id"],
            since=row["since"],
            holds=f"{row['table']} · {_weeks(row['first_date'])} · {_classes(row['class_ids'])}",
            message=row["message"],
            programme=None,
        )
        for row in standing(problems).iter_rows(named=True)
    ]
    held: list[str] = []
    if nudges:
        found += [
            _Problem(
                id=row["id"],
                since=row["since"],
                holds=f"nudges of {row['programme_id']}",
                message=row["message"],
                programme=row["programme_id"],
            )
            for row in nudges[0].iter_rows(named=True)
        ]
        partitions = nudges[1].filter(pl.col("held").is_not_null())["partition"]
        held = [partition.rpartition("|")[0] for partition in partitions]
    weeks = gate.filter(~pl.col("open"))["week_start"].unique().sort().to_list()
    return _Recorded(found, weeks, held)


def _releases(home: Home) -> "pl.DataFrame":
    from edu_pipeline.wiring.environment import mail_room

    with mail_room(home).open_ledger() as ledger:
        return ledger.releases_frame()


def _of_letters(held: Sequence[_Problem], closed: Sequence[date], home: Home) -> list[Text]:
    """How letters to teachers stand, if there is anything to say."""
    if not held and closed:
        run = command(home, "run")
        return [Text(f"What held the letters has been released. It takes effect with: {run}")]
    if not held:
        return []
    if not closed:
        return [Text("No week has figures yet; these would hold its letters.")]
    weeks = (
        f"{week_name(closed[0])} to {week_name(closed[-1])}" if closed[1:] else week_name(closed[0])
    )
    count = "1 week" if len(closed) == 1 else f"{len(closed)} weeks"
    return [Text.assemble(("Held: ", "bold red"), f"letters about {weeks} ({count}).")]


def _of_nudges(held: Sequence[str], closed: Sequence[str], home: Home) -> list[Text]:
    """How the nudges of programmes stand, by their ids."""
    lines = [
        Text(
            f"What held nudges of {programme} has been released. It takes effect with: "
            f"{command(home, f'programmes nudge {programme}')}"
        )
        for programme in closed
        if programme not in held
    ]
    if held:
        lines.insert(0, Text.assemble(("Held: ", "bold red"), f"nudges of {listed(held)}."))
    return lines


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
