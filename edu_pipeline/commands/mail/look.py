"""Looking at letters: `mail status`, and `mail show` for the story of one person's letters."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from edu_pipeline.commands.console import HELD, UserError, out, print_aligned
from edu_pipeline.commands.mail.periods import (
    Campaign,
    outlook,
    print_outlook,
)
from edu_pipeline.mail.states import LOOKS, State, in_words
from edu_pipeline.settings.home import Home, command

if TYPE_CHECKING:
    import polars as pl

    from edu_pipeline.mail.ledger.reading import Entry, PeriodSummary
    from edu_pipeline.mail.ledger.store import Ledger

NEWEST = 8
MOST_KEYS = 12


def status(
    context: typer.Context,
    every: Annotated[
        bool, typer.Option("--all", help=f"Every week, not only the newest {NEWEST}.")
    ] = False,
    campaign: Campaign = None,
) -> None:
    """How the letters stand: what is in doubt, what waits and for what, and what to do next.

    Exit code 3 says that letters wait for somebody to decide something.
    """
    from edu_pipeline.mail.ledger.controls import paused
    from edu_pipeline.mail.ledger.suppressions import in_force
    from edu_pipeline.mail.ledger.tables import WAITING
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    with room.open_ledger() as ledger:
        summaries = [each for each in ledger.periods() if campaign in {None, each.campaign}]
        open_ = [
            summary
            for summary in summaries
            if any(state in (*WAITING, State.unknown, State.failed) for state in summary.counts)
        ]
        doubtful = [
            entry
            for summary in open_
            for entry in ledger.entries(summary.campaign, summary.period)
            if entry.state is State.unknown
        ]
        seen = [outlook(room, ledger, summary.campaign, summary.period) for summary in open_]
        brake = paused(ledger)
        suppressed = in_force(ledger)
    if not summaries:
        out.print(f"No letters have been written yet. Write some: {command(home, 'run')}")
    if brake:
        since = _clock(brake.at, room.settings.zone)
        out.print(
            Text.assemble(
                ("! ", "bold red"),
                f"All sending is paused by {brake.by} since {since}: {brake.why}",
            ),
            soft_wrap=True,
        )
        out.print(f"  To go on: {command(home, 'mail resume')}\n", markup=False, soft_wrap=True)
    _print_doubtful(doubtful, home)
    if summaries:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("campaign", "period", "letters", "how they stand"):
            table.add_column(heading, justify="right" if heading == "letters" else "left")
        for summary in summaries if every else summaries[:NEWEST]:
            total = str(sum(summary.counts.values()))
            table.add_row(summary.campaign, summary.period, total, in_words(summary.counts))
        out.print(table)
        _print_returned(summaries[0])
    for each in seen:
        out.print()
        print_outlook(each, home)
    _print_suppressed(suppressed, home)
    raise typer.Exit(HELD if brake or any(each.needs_a_person for each in seen) else 0)


def _print_doubtful(entries: "Sequence[Entry]", home: Home) -> None:
    if not entries:
        return
    look = LOOKS[State.unknown]
    told = f"{len(entries)} {look.phrase}. {look.to_do}"
    out.print(Text.assemble(("! ", "bold red"), told), soft_wrap=True)
    for entry in entries[:MOST_KEYS]:
        out.print(Text(f"  {entry.key}  {entry.reason}"), soft_wrap=True)
    if (more := len(entries) - MOST_KEYS) > 0:
        out.print(f"  and {more} more")
    resolve = command(home, look.command.format(which="KEY"))
    out.print(f"  {resolve}\n", markup=False, soft_wrap=True)


def _print_returned(newest: "PeriodSummary") -> None:
    """What nothing can be done about any more but before the next week's letters."""
    from edu_pipeline.mail.ledger.tables import OUT

    for state, look in LOOKS.items():
        if look.to_do and state in OUT and (number := newest.counts.get(state)):
            told = f"{number} about {newest.period} {look.phrase}. {look.to_do}"
            out.print(Text.assemble(("! ", "bold red"), told), soft_wrap=True)


def _print_suppressed(suppressed: "pl.DataFrame", home: Home) -> None:
    if suppressed.is_empty():
        return
    reasons = (
        suppressed["reason"]
        .value_counts(sort=True)
        .sort("count", "reason", descending=[True, False])
    )
    told = ", ".join(f"{number} {reason}" for reason, number in reasons.iter_rows())
    listing = command(home, "mail suppress list")
    out.print(f"\nAddresses not written to: {told}. Which: {listing}", markup=False, soft_wrap=True)


def show(
    context: typer.Context,
    recipient: Annotated[
        str,
        typer.Argument(
            help="A staff or learner id, an address, or a key as `mail status` names it."
        ),
    ],
) -> None:
    """Everything that happened to one person's letters, oldest first.

    Shows names and addresses: it is for you, not for a ticket or a log.
    """
    from edu_pipeline.ground.addresses import same_address
    from edu_pipeline.mail.ledger.suppressions import in_force
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    zone = room.settings.zone
    with room.open_ledger() as ledger:
        letters = _letters_to(ledger, recipient)
        stories = [ledger.story(entry.key) for entry in letters]
        addresses = {same_address(entry.email) for entry in letters} | {same_address(recipient)}
        lines = [
            line for line in in_force(ledger).iter_rows(named=True) if line["email"] in addresses
        ]
    if not letters and not lines:
        raise UserError(
            "The ledger has no letter to that person. Give a staff or learner id, an address, or a key as "
            f"{command(home, 'mail status')} names it."
        )
    for entry, story in zip(letters, stories, strict=True):
        out.print(
            Text.assemble(
                (f"{entry.subject}\n", "bold"),
                f"  {entry.key} to {entry.recipient_name or 'no name'} <{entry.email}>: "
                f"{LOOKS[entry.state].phrase}",
            ),
            soft_wrap=True,
        )
        print_aligned(
            [(_clock(event.at, zone), event.what, _short(event.by), event.why) for event in story]
        )
        out.print()
    for line in lines:
        scope = "any campaign" if line["scope"] == "*" else line["scope"]
        out.print(
            f"Not written to for {scope} since {_clock(line['at'], zone)}: {line['reason']}, "
            f"by {line['by']} ({line['source']}), {line['email']}",
            markup=False,
            soft_wrap=True,
        )


def _letters_to(ledger: "Ledger", recipient: str) -> "Sequence[Entry]":
    from edu_pipeline.mail.letter import opaque_key

    parts = recipient.split(":")
    candidates = (
        parts[2] if len(parts) > 2 else recipient,  # noqa: PLR2004 - campaign:period:recipient
        opaque_key("teacher", recipient, ledger.salt),
        opaque_key("teacher", recipient),
        opaque_key("learner", recipient, ledger.salt),
    )
    return next((found for key in candidates if (found := ledger.letters_to(key))), [])


def _short(by: str) -> str:
    """Runs by the beginning of their id, as Dagster's UI shows them."""
    return by[:12] if by.startswith("run ") else by


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
