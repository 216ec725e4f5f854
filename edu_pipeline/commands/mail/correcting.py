"""`mail correct`: new revisions of letters that went out and were wrong."""

from typing import Annotated

import typer
from rich.text import Text

from edu_pipeline.commands.console import HELD, UserError, Yes, confirm, out, read_tables
from edu_pipeline.commands.jobs import run_job
from edu_pipeline.commands.mail.periods import (
    Campaign,
    Week,
    chosen,
    letters,
    outlook,
    partition_of,
    print_outlook,
)
from edu_pipeline.commands.mail.sending import moves
from edu_pipeline.settings.home import Home, command
from edu_pipeline.wiring.mailings import mailing_of


def correct(
    context: typer.Context,
    reason: Annotated[
        str,
        typer.Option(
            help="What was wrong, in a sentence. Every corrected letter says it, and the run's "
            "history keeps it: no names."
        ),
    ],
    week: Week = None,
    campaign: Campaign = None,
    yes: Yes = False,
) -> None:
    """Write a week's letters anew, as corrections for those whose figures changed since.

    Refresh first (`run`). Whoever's letter says the same as before gets nothing. Corrections are
    approved and sent like any letter; who got the first one gets each correction at most once.
    """
    from edu_pipeline.mail.assets import CORRECTION_TAG
    from edu_pipeline.mail.corrections import unfit
    from edu_pipeline.mail.due import EVEN_IF_OLD_TAG
    from edu_pipeline.mail.ledger.tables import ARRIVED
    from edu_pipeline.mail.names import Names
    from edu_pipeline.mail.plan import corrections
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    if not reason.strip():
        raise UserError("Say what was wrong: --reason must not be empty. Readers will see it.")
    with room.open_ledger() as ledger:
        summary = chosen(ledger, week, campaign, home)
        arrived = sum(number for state, number in summary.counts.items() if state in ARRIVED)
        seen = outlook(room, ledger, summary.campaign, summary.period)
        partition = partition_of(ledger, summary)
        before = {line.entry.key: line.entry.recipient_name for line in seen.plan.lines}
    mailing = mailing_of(summary.campaign)
    if not arrived:
        write = command(home, mailing.write_again(summary.campaign, summary.period))
        raise UserError(
            f"No letter about {seen.name} went out, so there is nothing to correct. To bring "
            f"those that wait up to date: {write}"
        )
    if seen.conditions.held or partition is None:
        out.print(Text(f"Nothing was written. {seen.conditions.held}"), soft_wrap=True)
        raise typer.Exit(HELD)
    known = read_tables(home, [mailing.names])[0]["name"] if mailing.names else before.values()
    if problem := unfit(reason.strip(), Names(known)):
        raise UserError(problem)
    out.print(f"{letters(arrived)} about {seen.name} went out. A correction will say:")
    out.print(Text(f"  This letter corrects an earlier one. {reason.strip()}"), soft_wrap=True)
    confirm("Write corrections where the content changed?", yes=yes)
    run_job(
        room,
        mailing.send,
        f"Corrections of {seen.name}",
        partition,
        {CORRECTION_TAG: reason.strip(), EVEN_IF_OLD_TAG: "true"},
    )
    with room.open_ledger() as ledger:
        entries = ledger.entries(summary.campaign, summary.period)
        stated = ledger.stated(summary.campaign, summary.period)
        moved = corrections(entries, stated)
        written = [entry for entry in entries if entry.revision > 1 and entry.key not in before]
        seen = outlook(room, ledger, summary.campaign, summary.period)
    if not (written or moved):
        out.print("Every letter says what it said before: nobody gets a correction.")
    for entry in entries:
        if entry in written or entry.key in moved:
            told = moves(moved[entry.key])
            out.print(Text(f"  {entry.recipient_name}: {told}"), soft_wrap=True)
    print_outlook(seen, home)
    raise typer.Exit(HELD if seen.needs_a_person else 0)
