"""Stopping letters and settling doubts: `mail pause`, `resume`, `cancel` and `resolve`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from edu_pipeline.commands.console import By, UserError, Yes, confirm, out, who
from edu_pipeline.commands.mail.periods import (
    Campaign,
    Week,
    chosen,
    letters,
    outlook,
    print_outlook,
    write_pages,
)
from edu_pipeline.mail.states import in_words
from edu_pipeline.settings.home import Home, command
from edu_pipeline.wiring.mailings import mailing_of

if TYPE_CHECKING:
    from edu_pipeline.mail.ledger.reading import Entry
    from edu_pipeline.mail.ledger.store import Ledger

Reason = Annotated[str, typer.Option(help="Why; it is kept.")]


def pause(context: typer.Context, reason: Reason, by: By = None) -> None:
    """Let no letter go out, of any campaign, until somebody resumes.

    A delivery that is under way stops before its next letter.
    """
    from edu_pipeline.mail.ledger import controls
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    with mail_room(home).open_ledger() as ledger:
        changed = controls.pause(ledger, _said(reason), now=datetime.now(UTC), by=who(by))
    out.print("All sending is paused." if changed else "All sending was paused already.")
    out.print(f"To go on: {command(home, 'mail resume')}", markup=False, soft_wrap=True)


def resume(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    by: By = None,
) -> None:
    """Let letters go out again. Sends nothing itself."""
    from edu_pipeline.mail.ledger import controls
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    with mail_room(home).open_ledger() as ledger:
        changed = controls.resume(ledger, reason, now=datetime.now(UTC), by=who(by))
    out.print("Letters may go out again." if changed else "Sending was not paused.")
    out.print(f"How they stand: {command(home, 'mail status')}", markup=False, soft_wrap=True)


def cancel(
    context: typer.Context,
    reason: Reason,
    week: Week = None,
    campaign: Campaign = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Let cancelled letters be written again.")
    ] = False,
    yes: Yes = False,
    by: By = None,
) -> None:
    """Take all letters of a week that have not gone out yet out of the post.

    They stay cancelled, whatever is run, until somebody takes it back with `--undo`.
    """
    from edu_pipeline.mail.ledger.store import Cause
    from edu_pipeline.mail.ledger.tables import WAITING
    from edu_pipeline.mail.states import State
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    with room.open_ledger() as ledger:
        summary = chosen(ledger, week, campaign, home)
        seen = outlook(room, ledger, summary.campaign, summary.period)
        cause = Cause(datetime.now(UTC), who(by), _said(reason))
        if undo:
            entries = ledger.entries(summary.campaign, summary.period)
            back = sum(ledger.take_back_cancelling(entry.key, cause) for entry in entries)
            again = command(
                home, mailing_of(summary.campaign).write_again(summary.campaign, summary.period)
            )
            told = f"{letters(back)} about {seen.name} may be written again: {again}"
            out.print(told, markup=False, soft_wrap=True)
            return
        waiting = [
            entry
            for entry in ledger.entries(summary.campaign, summary.period)
            if entry.state in WAITING - {State.suppressed}
        ]
        if not waiting:
            stand = in_words(summary.counts)
            out.print(f"Nothing about {seen.name} waits: {stand}.", soft_wrap=True)
            raise typer.Exit
        confirm(f"Cancel {letters(len(waiting))} about {seen.name}?", yes=yes)
        cancelled = sum(ledger.cancel(entry.key, cause) for entry in waiting)
        write_pages(room, ledger, summary.campaign, summary.period)
    out.print(f"Cancelled {letters(cancelled)} about {seen.name}.")
    again = command(home, f'mail cancel --undo {seen.options} --reason "…"')
    out.print(f"To take it back: {again}", markup=False, soft_wrap=True)


class Verdict(StrEnum):
    """What a person found out about a letter in doubt."""

    arrived = "arrived"
    send_again = "send-again"
    give_up = "give-up"


def resolve(
    context: typer.Context,
    verdict: Annotated[
        Verdict,
        typer.Argument(
            metavar="arrived|send-again|give-up",
            help="`arrived`: it went out, leave it. `send-again`: it did not, or twice is better than "
            "not at all. `give-up`: leave it, whatever became of it.",
        ),
    ],
    reason: Reason,
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY]...", help="Letters, as `mail status` names them."),
    ] = None,
    week: Annotated[
        str | None,
        typer.Option(help="All of a week that are in doubt or refused.", show_default=False),
    ] = None,
    campaign: Campaign = None,
    yes: Yes = False,
    by: By = None,
) -> None:
    """Settle letters of which nobody can tell whether they went out, or which were refused.

    An unknown letter may have arrived: send it again only if you know that it did not.
    """
    from edu_pipeline.mail.ledger.store import Cause
    from edu_pipeline.mail.states import State
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    outcome = {
        Verdict.arrived: State.sent,
        Verdict.send_again: State.pending,
        Verdict.give_up: State.cancelled,
    }[verdict]
    room = mail_room(home)
    now = datetime.now(UTC)
    with room.open_ledger() as ledger:
        found = _in_doubt(ledger, keys or [], (week, campaign), verdict, home)
        unknown = sum(entry.state is State.unknown for entry in found)
        out.print(f"{unknown} unknown, {len(found) - unknown} refused.")
        if verdict is Verdict.send_again:
            if unknown:
                out.print(f"Perhaps arrived, and then arriving twice: {letters(unknown)}.")
            if old := sum(entry.not_after <= now for entry in found):
                out.print(f"No longer news, so not going out again: {letters(old)}.")
        cause = Cause(now, who(by), _said(reason))
        confirm(f"Settle {len(found)} as {verdict}?", yes=yes)
        for entry in found:
            ledger.resolve(entry.key, outcome, cause)
        out.print(f"Settled {len(found)} as {verdict}.")
        for place in dict.fromkeys(_place(entry.key) for entry in found):
            write_pages(room, ledger, *place)
            print_outlook(outlook(room, ledger, *place), home)


def _in_doubt(
    ledger: "Ledger",
    keys: Sequence[str],
    of: tuple[str | None, str | None],
    verdict: Verdict,
    home: Home,
) -> "Sequence[Entry]":
    from edu_pipeline.mail.states import State

    week, campaign = of
    if bool(keys) == bool(week):
        raise UserError("Say which letters: their keys, or --week for all of a week.")
    states = {State.unknown} if verdict is Verdict.arrived else {State.unknown, State.failed}
    if week:
        summary = chosen(ledger, week, campaign, home)
        entries = ledger.entries(summary.campaign, summary.period)
        found = [entry for entry in entries if entry.state in states]
        if not found:
            raise UserError(f"No letter about {summary.period} can be settled as {verdict}.")
        return found
    places = {_place(key) for key in keys}
    known = {entry.key: entry for place in places for entry in ledger.entries(*place)}
    for key in keys:
        if key not in known:
            look = command(home, "mail status")
            raise UserError(f"There is no letter {key}. Those in doubt are named by: {look}")
        if known[key].state not in states:
            only = " Only an unknown letter can have arrived." if verdict is Verdict.arrived else ""
            raise UserError(f"{key} is {known[key].state}, so there is nothing to settle.{only}")
    return [known[key] for key in dict.fromkeys(keys)]


def _place(key: str) -> tuple[str, str]:
    """Campaign and period of a letter."""
    campaign, _, rest = key.partition(":")
    return campaign, rest.partition(":")[0]


def _said(reason: str) -> str:
    if not reason.strip():
        raise UserError("Say why: --reason must not be empty.")
    return reason.strip()
