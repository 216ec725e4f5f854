"""What comes back: `mail webhook` receives events and opt-outs, `mail events` reads event files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from edu_pipeline.commands.console import HELD, out
from edu_pipeline.settings.home import Home


def webhook(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=0, max=65535)] = 8025,
) -> None:
    """Receive SendGrid's events, and what recipients do with the links in letters. Ctrl+C ends it.

    Only this machine can reach it: put a proxy that speaks https in front of it, such as Caddy or
    nginx, and let nothing but POST /events and /out/… through.
    """
    from edu_pipeline.ground.templates import templates_of
    from edu_pipeline.mail.web import HOST, app, serve
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    mail = room.settings.mail
    base = (mail.public_url or "https://YOUR-NAME").rstrip("/")
    with room.open_ledger() as ledger:
        application = app(ledger, room.settings, templates_of(home.templates))
        out.print(f"Listening on http://{HOST}:{port}; Ctrl+C ends it.")
        out.print(f"  A proxy that speaks https hands on {base} to it.", soft_wrap=True)
        out.print(f"  SendGrid, Settings, Mail Settings, Event Webhook, Post URL: {base}/events")
        for problem in (
            None
            if mail.public_url
            else "[mail] public_url is not set: letters have no link to pause them.",
            None
            if mail.sendgrid.webhook_key
            else "[mail.sendgrid] webhook_key is not set: every event is refused. Switch on Signed "
            "Event Webhook Requests in SendGrid and copy its verification key.",
        ):
            if problem:
                out.print(f"  ! {problem}", markup=False, soft_wrap=True)
        serve(application, port=port)


def events(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="JSON as SendGrid's event webhook posts it.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ],
) -> None:
    """Take in event files by hand; the same events again change nothing.

    Their signature is not checked: read only what you trust.
    """
    from edu_pipeline.mail.events import parse
    from edu_pipeline.mail.ledger.events import record_events
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    malformed = 0
    with room.open_ledger() as ledger:
        for file in files:
            parsed = parse(file.read_bytes())
            counts = record_events(
                ledger, parsed.events, now=datetime.now(UTC), tracking=room.settings.mail.tracking
            )
            told = {
                "new": counts.new,
                "known before": counts.known,
                "of other letters": counts.foreign,
                "opens and clicks not kept": counts.untracked,
                "of rehearsals or of no letter": parsed.ignored,
                "unreadable": parsed.malformed,
                "addresses not written to any more": counts.suppressed,
            }
            words = ", ".join(f"{number} {what}" for what, number in told.items() if number)
            out.print(f"{file.name}: {words or 'no events'}", markup=False, soft_wrap=True)
            malformed += parsed.malformed
    raise typer.Exit(HELD if malformed else 0)
