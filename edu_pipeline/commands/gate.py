"""`edu-pipeline gate`: what must be looked at, what waits for it, and letting it go all the same."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from edu_pipeline.commands.console import HELD, By, UserError, out, reading, who
from edu_pipeline.ground.weeks import monday, week_name
from edu_pipeline.ground.wording import listed
from edu_pipeline.settings.home import Home, Settings, command, load_settings, with_home

if TYPE_CHECKING:
    import polars as pl

    from edu_pipeline.mail.room import MailRoom

CLASSES_NAMED = 6
SOURCES_CALLED = {"school": "school", "edx": "edX", "results": "exam results"}

app = typer.Typer(
    name="gate",
    help="What must be looked at, what waits for it, and letting it go.",
    no_args_is_help=True,
)


@dataclass(frozen=True)
class _Problem:
    """What somebody may release."""

    id: str
    since: datetime
    """UTC, without zone."""
    holds: str | None
    """Letters, nudges or page; None: nothing waits for it."""
    about: str
    """What is concerned, for people."""
    message: str
    part: str | None
    """The programme or cohort."""

    @property
    def again(self) -> str:
        """The command by which a release takes effect."""
        nudges = self.holds == "nudges" and self.part is not None
        return f"programmes nudge {self.part}" if nudges else "run"


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
def show(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="The same for machines, as JSON.")
    ] = False,
) -> None:
    """What must be looked at, what waits for it and why, and what was released by whom.

    Exit code 3 says that there is something, be it that nothing waits for it.
    """
    from edu_pipeline.model.gate import in_force
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    recorded = _recorded(home)
    releases = releases_of(mail_room(home))
    live = in_force(recorded.frame(), releases)
    released = set(live["id"])
    found = [problem for problem in recorded.problems if problem.id not in released]
    if as_json:
        typer.echo(_json(found, recorded, releases, live))
        raise typer.Exit(HELD if found else 0)
    nudges = [each.part for each in found if each.holds == "nudges"]
    headlines = [
        *_of_letters([each for each in found if each.holds == "letters"], recorded.weeks, home),
        *_of_nudges(list(dict.fromkeys(nudges)), recorded.programmes, home),
        *_of_pages([each for each in found if each.holds == "page"]),
        *_of_nothing([each for each in found if each.holds is None]),
    ]
    for line in headlines or [Text("Nothing is held.")]:
        out.print(line)
    for problem in found:
        out.print()
        since = f" · since {problem.since:%Y-%m-%d %H:%M} UTC"
        out.print(Text.assemble((problem.id, "bold"), f"  {problem.about}{since}"))
        out.print(Padding(Text(with_home(home, problem.message)), (0, 0, 0, 2)))
    if found:
        out.print()
        held = any(problem.holds for problem in found)
        when = "To mail all the same, as it stands" if held else "If it may stay as it is"
        release = command(home, 'gate release ID --reason "…"')
        out.print(f"{when}: {release}", markup=False, soft_wrap=True)
    _print_releases(releases, live)
    raise typer.Exit(HELD if found else 0)


def _json(
    found: Sequence[_Problem],
    recorded: _Recorded,
    releases: "pl.DataFrame",
    live: "pl.DataFrame",
) -> str:
    counting = set(live.select("id", "at").iter_rows())
    said = {
        "problems": [asdict(problem) for problem in found],
        "held": {"weeks": recorded.weeks, "programmes": recorded.programmes},
        "releases": [
            {**row, "counts": (row["id"], row["at"]) in counting}
            for row in releases.iter_rows(named=True)
        ],
    }
    return json.dumps(said, ensure_ascii=False, indent=2, default=str)


@app.command()
def release(
    context: typer.Context,
    problem: Annotated[str, typer.Argument(metavar="ID", help="As `gate show` names it.")],
    reason: Annotated[str, typer.Option(help="Why it may stay as it is; it is kept.")],
    by: By = None,
) -> None:
    """Let go what waits for a problem, as it stands; where nothing does, it is not told any more.

    If it changes, or goes and comes back, it counts again.
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
    live = in_force(recorded.frame(), releases_of(mail_room(home)))
    for earlier in live.filter(id=problem).iter_rows(named=True):
        raise UserError(
            f"{problem} was released already, by {earlier['by']} on {earlier['at']:%Y-%m-%d}: "
            f"{earlier['reason']}"
        )
    with mail_room(home).open_ledger() as ledger:
        ledger.release(Release(problem, reason, who(by), datetime.now(UTC)))
    if known[problem].holds is None:
        out.print(f"Released {problem}. Nothing waited for it, and it is not told any more.")
        return
    again = command(home, known[problem].again)
    out.print(f"Released {problem}. It takes effect with: {again}", soft_wrap=True)


def recorded_problems(con: Any, settings: Settings) -> "pl.DataFrame":  # noqa: ANN401 - of DuckDB
    """`LandingProblems` as the last refresh left them, of exports and of audiences.

    Of audiences there are none yet where the settings name their first programme since.
    """
    import polars as pl

    from edu_pipeline.ground.warehouse import read_table, tables

    names = ["landing_problems"]
    if settings.programmes and "nudge_problems" in tables(con):
        names.append("nudge_problems")
    return pl.concat([read_table(con, name) for name in names])


def _recorded(home: Home) -> _Recorded:
    """Each problem of the last refresh once, those that hold letters to teachers first."""
    import polars as pl

    from edu_pipeline.ground.warehouse import read_table
    from edu_pipeline.model.gate import standing

    settings = load_settings(home)
    of_nudges = ["nudge_problems", "nudge_periods"] if settings.programmes else []
    with reading(home, ["landing_problems", "mail_gate", *of_nudges]) as con:
        problems, gate = recorded_problems(con, settings), read_table(con, "mail_gate")
        periods = read_table(con, "nudge_periods") if of_nudges else None
    found = [
        _Problem(
            id=row["id"],
            since=row["since"],
            holds=row["holds"],
            about=_about(row),
            message=row["message"],
            part=row["part"],
        )
        for row in standing(problems).iter_rows(named=True)
    ]
    held: list[str] = []
    if periods is not None:
        partitions = periods.filter(pl.col("held").is_not_null())["partition"]
        held = [partition.rpartition("|")[0] for partition in partitions]
    weeks = gate.filter(~pl.col("open"))["week_start"].unique().sort().to_list()
    return _Recorded(found, weeks, held)


def _about(row: Mapping[str, Any]) -> str:
    """What a problem is about, for people: what waits for it, or where it was found."""
    match row["holds"]:
        case "letters":
            return f"{row['table']} · {_weeks(row['first_date'])} · {_classes(row['class_ids'])}"
        case "nudges":
            return f"nudges of {row['part'] or 'every programme'}"
        case "page":
            return f"page of {row['part'] or 'every cohort'}"
    where = [SOURCES_CALLED[row["source"]], *([row["part"]] if row["part"] else [row["table"]])]
    return f"{' · '.join(where)} · holds nothing"


def releases_of(room: "MailRoom") -> "pl.DataFrame":
    """What anybody has released, as `model.gate` has it."""
    with room.open_ledger() as ledger:
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


def _of_nudges(held: Sequence[str | None], closed: Sequence[str], home: Home) -> list[Text]:
    """How the nudges of programmes stand, by their ids; None: of all."""
    lines = [
        Text(
            f"What held nudges of {programme} has been released. It takes effect with: "
            f"{command(home, f'programmes nudge {programme}')}"
        )
        for programme in closed
        if programme not in held and None not in held
    ]
    if held:
        which = listed([programme or "every programme" for programme in held])
        lines.insert(0, Text.assemble(("Held: ", "bold red"), f"nudges of {which}."))
    return lines


def _of_pages(held: Sequence[_Problem]) -> list[Text]:
    cohorts = listed(list(dict.fromkeys(each.part or "every cohort" for each in held)))
    return [Text.assemble(("Held: ", "bold red"), f"pages of {cohorts}.")] if held else []


def _of_nothing(found: Sequence[_Problem]) -> list[Text]:
    what = "1 thing" if len(found) == 1 else f"{len(found)} things"
    return [Text(f"To be looked at: {what} for which nothing waits.")] if found else []


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
