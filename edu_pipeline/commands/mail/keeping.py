"""Keeping the ledger: `mail backup`, and `mail restore` after it was lost or an old one put back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edu_pipeline.commands.console import By, UserError, Yes, confirm, out, who
from edu_pipeline.settings.home import Home, command

if TYPE_CHECKING:
    from edu_pipeline.mail.ledger.adoption import Adoption
    from edu_pipeline.mail.room import MailRoom


def backup(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; there must be nothing.")],
) -> None:
    """Write a copy of the ledger, also while it is in use. Keep it on another disk.

    The journal beside the ledger is not in it: it tells when an old copy is put back.
    """
    from edu_pipeline.mail.ledger.copying import back_up
    from edu_pipeline.wiring.environment import mail_room

    room = mail_room(context.obj)
    with room.open_ledger():
        pass
    back_up(_file_of(room), to)
    out.print(f"The ledger is copied to {to}.", markup=False, soft_wrap=True)


def restore(
    context: typer.Context,
    copy: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="A copy to put back. Without one, what is there takes over what its journal "
            "remembers; a ledger that is lost is made anew from it.",
            show_default=False,
        ),
    ] = None,
    here: Annotated[
        bool,
        typer.Option(
            "--here",
            help="The home was moved: letters are sent from here now, and from nowhere else.",
        ),
    ] = False,
    yes: Yes = False,
    by: By = None,
) -> None:
    """Bring the ledger up to what its journal remembers, perhaps from a copy. Sends nothing.

    Opt-outs, complaints, erasures and pauses come first. What may have gone out is unknown then.
    End the web server, the daemon and other commands before.
    """
    from edu_pipeline.mail.ledger.copying import put_back
    from edu_pipeline.mail.ledger.place import send_from_here
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    now = datetime.now(UTC)
    if copy:
        ledger = _file_of(room)
        confirm(f"Put {copy} in the place of {ledger}?", yes=yes)
        if kept := put_back(copy, ledger, now=now):
            out.print(f"What was there is kept: {kept}", markup=False, soft_wrap=True)
    _print(room.adopt_ledger(now=now, by=who(by)))
    if here:
        with room.open_ledger() as opened:
            send_from_here(opened, now=now, moved=True)
        out.print("Letters are sent from here from now on.")
    out.print(f"How letters stand: {command(home, 'mail status')}", markup=False, soft_wrap=True)


def _print(adoption: "Adoption") -> None:
    done = {
        "opt-outs, complaints, bounces or their lifting": adoption.wishes,
        "erased ids and addresses": adoption.erased,
        "letters that went out": adoption.out,
        "letters in doubt": adoption.doubtful,
        "letters cancelled": adoption.cancelled,
    }
    told = ", ".join(f"{number} {what}" for what, number in done.items() if number)
    out.print(f"Taken over from the journal: {told or 'nothing'}.", soft_wrap=True)
    if adoption.paused:
        out.print("All sending is paused, as it was.")
    if adoption.elsewhere:
        out.print(
            f"Of these letters, {adoption.elsewhere} are not in the ledger; they count as soon as "
            "they are written again, and do not go out twice.",
            soft_wrap=True,
        )
    if adoption.damaged:
        out.print(f"{adoption.damaged} lines of the journal cannot be read.", style="bold")
    since = f" since {adoption.known_until:%Y-%m-%d %H:%M} UTC" if adoption.known_until else ""
    out.print(
        f"Still missing{since}: letters that were written, approvals, opens and other events, "
        "releases, lists of what went out by other means. Who was forgotten since is not written "
        "to, but their data may be there again: repeat the command that forgets them. Nothing was "
        "sent.",
        soft_wrap=True,
    )


def _file_of(room: "MailRoom") -> Path:
    url = room.ledger_url
    if not url.startswith("sqlite:///"):
        raise UserError(
            "The ledger is on PostgreSQL: copy it and put it back with pg_dump and pg_restore, then "
            f"take over what its journal remembers: {command(room.home, 'mail restore')}"
        )
    return Path(url.removeprefix("sqlite:///"))
