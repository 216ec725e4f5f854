"""`programmes nudge`: a whole round for learners, from what landed to letters."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from edu_pipeline.commands import rounds
from edu_pipeline.commands.console import HELD, EvenIfOld, UserError, out, read_tables
from edu_pipeline.settings.home import Home, command, load_settings
from edu_pipeline.settings.programmes import Programme

MOST_REASONS = 6


def nudge(
    context: typer.Context,
    programme: Annotated[
        str | None,
        typer.Argument(help="Id of a programme. Default: all of them.", show_default=False),
    ] = None,
    even_if_old: EvenIfOld = False,
) -> None:
    """Refresh every table, then write this week's letters to learners and deliver them.

    Where [mail] approval is required, they wait for `mail approve` first. Nobody is told the same
    twice. Exit code 3 says that something is held, in doubt, or waits for you.
    """
    from edu_pipeline.programmes.nudges import campaign_of
    from edu_pipeline.wiring.environment import mail_room
    from edu_pipeline.wiring.runs import RunFailedError

    home: Home = context.obj
    programmes = wanted(home, programme)
    room = mail_room(home)
    done = rounds.refresh(room)
    look, failure = bool(done.problems), None
    for each in programmes:
        print_summary(home, each, most=MOST_REASONS)
        to_send = [period for period in done.periods if period.campaign == campaign_of(each.id)]
        for period in to_send:
            try:
                look |= rounds.send(room, period, even_if_old=even_if_old)
            except RunFailedError as error:  # the other programmes need not wait for it
                out.print(Text(str(error)), soft_wrap=True)
                failure = failure or error
        if not to_send:
            out.print("Nobody gets a letter.")
        out.print()
    if failure:
        raise failure
    raise typer.Exit(HELD if look else 0)


def wanted(home: Home, programme: str | None) -> Sequence[Programme]:
    """The programme of an id, else all.

    Raises:
        UserError: There is none.
    """
    known = load_settings(home).programmes
    if found := [each for each in known if programme in {None, each.id}]:
        return found
    ids = ", ".join(each.id for each in known)
    raise UserError(
        f"No programme has that id. There are: {ids}."
        if ids
        else "There are no [[programmes]] in pipeline.toml. How to add one: edu-pipeline docs programmes"
    )


def print_summary(home: Home, programme: Programme, *, most: int | None = None) -> None:
    """How many learners get a letter or none, and why, as of the last refresh.

    Args:
        home: Whose.
        programme: The programme.
        most: Reasons of one decision to print at most, those of most learners first.
    """
    (rows,) = read_tables(home, ["nudge_summary"])
    rows = rows.filter(programme_id=programme.id)
    out.print(Text.assemble((programme.title, "bold"), f" ({programme.id})"))
    if rows.is_empty():
        out.print("  No export has a learner of it.")
    for _, alike in rows.group_by("decision", maintain_order=True):
        for sentence in alike["sentence"][:most]:
            out.print(f"  {sentence}", markup=False, soft_wrap=True)
        if rest := alike["learners"][len(alike["sentence"][:most]) :].to_list():
            every = command(home, f"programmes summary --programme {programme.id}")
            more = f"  {sum(rest):,} more, for {len(rest)} other reasons: {every}"
            out.print(more, markup=False, soft_wrap=True)
