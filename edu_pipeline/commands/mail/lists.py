"""Lists kept outside: `mail suppress` for who is not written to, `mail history` for earlier mail."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from edu_pipeline.commands.console import HELD, By, UserError, Yes, confirm, err, out, who
from edu_pipeline.settings.home import Home, command

if TYPE_CHECKING:
    from edu_pipeline.mail.ledger.suppressions import Imported

BAD_SHOWN = 20

suppress = typer.Typer(
    name="suppress", help="Who is not written to, and why.", no_args_is_help=True
)
history = typer.Typer(
    name="history", help="What went out by other means, so that it is not repeated."
)
Address = Annotated[str, typer.Argument(help="In any case.")]
Campaign = Annotated[
    str,
    typer.Option(
        "--campaign",
        help="Such as teachers. Default: whatever this tool writes.",
        show_default=False,
    ),
]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
EVERY = "*"


@suppress.command()
def add(
    context: typer.Context,
    address: Address,
    campaign: Campaign = EVERY,
    because: Annotated[
        Literal["unsubscribe", "bounce", "complaint", "invalid"],
        typer.Option(help="A wish, a letter that came back, a complaint, or no such address."),
    ] = "unsubscribe",
    by: By = None,
) -> None:
    """Write no more to an address."""
    from edu_pipeline.ground.addresses import is_address
    from edu_pipeline.mail.ledger import suppressions
    from edu_pipeline.wiring.environment import mail_room

    if not is_address(address):
        raise UserError("That is no address.")
    home: Home = context.obj
    with mail_room(home).open_ledger() as ledger:
        new = suppressions.suppress(
            ledger,
            address,
            campaign,
            because,
            source="person",
            now=datetime.now(UTC),
            by=who(by),
        )
    out.print("Not written to from now on." if new else "It was not written to already.")


@suppress.command()
def lift(
    context: typer.Context,
    address: Address,
    campaign: Campaign = EVERY,
    yes: Yes = False,
    by: By = None,
) -> None:
    """Write to an address again. Only if its owner wants that, or the address is good again."""
    from edu_pipeline.ground.addresses import same_address
    from edu_pipeline.mail.ledger import suppressions
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    with mail_room(home).open_ledger() as ledger:
        own = suppressions.in_force(ledger).filter(email=same_address(address))
        this = own.filter(scope=campaign)
        if this.is_empty():
            scopes = [scope for scope in own["scope"].unique().sort() if scope != EVERY]
            whole = [] if EVERY not in own["scope"] else ["without --campaign"]
            options = ", or ".join([*whole, *(f"with --campaign {scope}" for scope in scopes)])
            raise UserError(
                f"Nothing keeps from it in that campaign. Try {options}."
                if options
                else "Nothing keeps from writing to that address."
            )
        for reason, source, by_whom in this.select("reason", "source", "by").iter_rows():
            out.print(
                f"Not written to because of: {reason} ({source}, by {by_whom}).", markup=False
            )
        if "unsubscribe" in this["reason"]:
            out.print("Whoever unsubscribed must have asked for letters again.")
        confirm("Write to it again?", yes=yes)
        suppressions.lift(
            ledger, address, campaign, source="person", now=datetime.now(UTC), by=who(by)
        )
    out.print("Written to again.")
    out.print("A carrier that keeps a list of its own still refuses it: take it off there, too.")


@suppress.command(name="list")
def list_(context: typer.Context) -> None:
    """Who is not written to. Shows addresses."""
    from edu_pipeline.mail.ledger.suppressions import in_force
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    with room.open_ledger() as ledger:
        rows = in_force(ledger)
    if rows.is_empty():
        out.print("There is nobody who is not written to.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("address", "for", "because of", "from", "since", "by"):
        table.add_column(heading, overflow="fold")
    for email, scope, reason, source, at, by in rows.iter_rows():
        since = f"{at.astimezone(room.settings.zone):%Y-%m-%d}"
        scope_name = "everything" if scope == EVERY else scope
        table.add_row(*map(Text, (email, scope_name, reason, source, since, by)))
    out.print(table)


@suppress.command(name="import")
def import_(context: typer.Context, file: File, by: By = None) -> None:
    """Take over a CSV with a column `email`, and perhaps `scope`, `reason`, `at`."""
    from edu_pipeline.mail.ledger.suppressions import import_suppressions
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    with mail_room(home).open_ledger() as ledger:
        done = import_suppressions(ledger, file.read_bytes(), now=datetime.now(UTC), by=who(by))
    _print_imported(done, "addresses")


@suppress.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A new CSV file. It will hold addresses.")],
) -> None:
    """Write who is not written to into a CSV that `import` reads."""
    from edu_pipeline.mail.ledger.suppressions import export_suppressions, in_force
    from edu_pipeline.wiring.environment import mail_room

    if file.exists():
        raise UserError(f"{file} is there already; nothing was written.")
    home: Home = context.obj
    with mail_room(home).open_ledger() as ledger:
        file.write_text(export_suppressions(ledger), encoding="utf-8", newline="")
        number = in_force(ledger).height
    out.print(f"Wrote {number} lines to {file}.", markup=False, soft_wrap=True)


@suppress.command()
def pull(context: typer.Context, by: By = None) -> None:
    """Take over SendGrid's own lists: bounces, complaints, invalid addresses, unsubscribes."""
    from contextlib import closing

    from edu_pipeline.mail.ledger.suppressions import note_all
    from edu_pipeline.mail.transports.sendgrid_api import SendGridApi
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    key = room.secrets.sendgrid_key
    if not key:
        raise UserError(
            "There is no SendGrid API key. Set the environment variable SENDGRID_API_KEY."
        )
    with (
        room.open_ledger() as ledger,
        closing(SendGridApi(key, room.settings.mail.sendgrid)) as api,
        err.status("Reading SendGrid's lists …"),
    ):
        lines = api.suppressions()
        new = note_all(ledger, lines, scope=EVERY, source="sendgrid", by=who(by))
    out.print(f"{len(lines)} lines in SendGrid's lists, {new} of them new.")
    out.print(f"All: {command(home, 'mail suppress list')}", markup=False, soft_wrap=True)


@history.callback()
def _history() -> None:
    """What went out by other means, so that it is not repeated."""


@history.command(name="import")
def import_history(context: typer.Context, file: File) -> None:
    """Take over a CSV with the columns `campaign`, `period`, `email`, `date`, perhaps `about`.

    Letters of such a campaign and period to such an address are not written to it again, nor
    nudges about the same. Lines without a date did not go out, and are left out.
    """
    from edu_pipeline.mail.ledger import history as ledger_history
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    with mail_room(home).open_ledger() as ledger:
        done = ledger_history.import_history(ledger, file.read_bytes(), source=file.name)
    _print_imported(done, "letters")


def _print_imported(done: "Imported", what: str) -> None:
    out.print(f"{done.new} {what} new, {done.known} known before, {len(done.bad)} lines left out.")
    if done.undated:
        count = "1 line has" if done.undated == 1 else f"{done.undated} lines have"
        out.print(f"{count} no date: not sent, and not taken.")
    shown: Sequence[str] = [f"  line {bad.number}: {bad.problem}" for bad in done.bad[:BAD_SHOWN]]
    for line in shown:
        out.print(line, markup=False, soft_wrap=True)
    if len(done.bad) > BAD_SHOWN:
        out.print(f"  and {len(done.bad) - BAD_SHOWN} more")
    raise typer.Exit(HELD if done.bad else 0)
