"""The commands of `edu-pipeline mail`, in the order in which they are needed."""

import typer

from edu_pipeline.commands.mail import (
    correcting,
    keeping,
    lists,
    look,
    receiving,
    sending,
    steering,
)

app = typer.Typer(
    name="mail", help="Look at letters, approve them, send them.", no_args_is_help=True
)
app.command()(look.status)
app.command()(look.show)
app.command()(sending.approve)
app.command()(sending.send)
app.command("test")(sending.send_to_oneself)
app.command()(correcting.correct)
app.command()(steering.pause)
app.command()(steering.resume)
app.command()(steering.cancel)
app.command()(steering.resolve)
app.add_typer(lists.suppress)
app.add_typer(lists.history)
app.command()(keeping.backup)
app.command()(keeping.restore)
app.command()(receiving.webhook)
app.command()(receiving.events)
