"""`edu-pipeline ui` and `serve`: Dagster's web server and its daemon on a home, together or apart.

Apart they are services that a machine starts by itself; docs/deploy.md has the units and the container.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from edu_pipeline.commands.console import err, out
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.settings.home import Home, load_settings

LOOK_SECONDS = 0.5
LINES = 12
"""Of what the processes said, where one ended by itself."""
END_SECONDS = 20
"""How long a process may take to end when it is told to: a run in it is ended first."""


class Part(StrEnum):
    """What can be served."""

    web = "web"
    daemon = "daemon"


Port = Annotated[int, typer.Option(help="Port of the web server.")]


def ui(
    context: typer.Context,
    port: Port = 3000,
    pages: Annotated[
        bool,
        typer.Option(
            help="The home's pages and letters, too, to whoever is logged in to this machine."
        ),
    ] = True,
) -> None:
    """Open Dagster's web UI on this home, with the landing sensors on. Ctrl+C ends it."""
    home = _prepared(context)
    out.print(
        f"The UI will be at [bold]http://127.0.0.1:{port}[/] in some seconds. Ctrl+C ends it."
    )
    hosts = "127.0.0.1,localhost" if pages else ""
    commands = [command_of(part, "127.0.0.1", port, pages_for=hosts) for part in Part]
    raise typer.Exit(together(commands, home))


def serve(
    context: typer.Context,
    part: Annotated[Part, typer.Argument(help="The web server, or the daemon with the sensors.")],
    host: Annotated[
        str, typer.Option(help="Address of the web server; it asks nobody to log in.")
    ] = "127.0.0.1",
    port: Port = 3000,
    pages: Annotated[
        bool,
        typer.Option(
            help="The home's pages and letters, too, to whoever reaches the address: behind a login only."
        ),
    ] = False,
) -> None:
    """Run the web server or the daemon alone, as a service does: until it is told to end."""
    home = _prepared(context)
    command = command_of(part, host, port, pages_for="*" if pages else "")
    if sys.platform == "win32":  # there a program cannot take the place of another
        raise typer.Exit(together([command], home))
    os.chdir(home.dagster)
    os.execv(command[0], command)  # noqa: S606 - our own arguments; it gets the service's signals


def command_of(part: Part, host: str, port: int, *, pages_for: str = "") -> list[str]:
    """How Dagster's part is started; `pages_for` is as `wiring.beside_ui` has it."""
    workspace = ["-w", str(shipped("workspace.yaml"))]
    if part is Part.web:
        return [
            *(sys.executable, "-m", "edu_pipeline.wiring.beside_ui", pages_for, *workspace),
            *("-h", host, "-p", str(port)),
            *("--dagster-log-level", "warning", "--code-server-log-level", "warning"),
        ]
    quiet = ["--log-level", "warning", "--code-server-log-level", "warning"]
    return [sys.executable, "-m", "dagster._daemon", "run", *workspace, *quiet]


def _prepared(context: typer.Context) -> Home:
    from edu_pipeline.wiring.runs import recover

    home: Home = context.obj
    load_settings(home)
    recover(home)
    return home


def together(commands: Sequence[Sequence[str]], home: Home) -> int:
    """Run processes until one of them ends, or this one is told to; the code of the first that did."""
    said = home.dagster / "ui.log"
    told = threading.Event()
    # an exception could come between the start of a process and its name, and leave it behind
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    with said.open("wb") as log:
        running = [
            subprocess.Popen(command, cwd=home.dagster, stdout=log, stderr=log)  # noqa: S603 - our own arguments
            for command in commands
        ]
        code: int | None = None
        while code is None and not told.wait(LOOK_SECONDS):
            code = next((each.returncode for each in running if each.poll() is not None), None)
        for each in running:
            each.terminate()
        for each in running:
            try:
                each.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                each.kill()
    if code is not None:
        err.print(f"It has ended by itself. The last it said, of {said}:", soft_wrap=True)
        err.print("".join(_last_lines(said)), markup=False, soft_wrap=True)
    return code or 0


def _last_lines(said: Path) -> list[str]:
    return said.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[-LINES:]
