"""`edu-pipeline forget`: erasing a person, and what is then left for somebody to do elsewhere."""

from collections.abc import Iterator, Sized
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from edu_pipeline.commands.console import HELD, By, UserError, Yes, confirm, err, out, who
from edu_pipeline.ground.wording import listed
from edu_pipeline.settings.home import Home, command

if TYPE_CHECKING:
    from edu_pipeline.mail.room import MailRoom
    from edu_pipeline.wiring.forget import Found


class Kind(StrEnum):
    """What the person is in the exports."""

    student = "student"
    staff = "staff"
    learner = "learner"


def forget(
    context: typer.Context,
    person: Annotated[
        str, typer.Argument(help="A student's, staff member's or learner's id, or an address.")
    ],
    kind: Annotated[
        Kind | None,
        typer.Option(
            help="Whose id it is, where that cannot be told from the exports.", show_default=False
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="A full name that letters may also show, such as one of before. Repeatable.",
            show_default=False,
        ),
    ] = None,
    carrier: Annotated[
        bool, typer.Option("--carrier", help="Have SendGrid erase what it keeps of them, too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be erased.")
    ] = False,
    yes: Yes = False,
    by: By = None,
) -> None:
    """Erase a student, a member of staff or a learner from everything that this home keeps.

    Says first what it will erase, and asks; says at the end what must be erased elsewhere. Their rows
    do not come in again, and nothing is sent to them. It cannot be undone.
    """
    from edu_pipeline.ground.warehouse import hold
    from edu_pipeline.wiring.environment import mail_room
    from edu_pipeline.wiring.forget import find
    from edu_pipeline.wiring.forget import forget as forget_person

    home: Home = context.obj
    room = mail_room(home)
    with room.open_ledger() as ledger:
        with (
            err.status("Looking through exports, letters and pages …"),
            hold(home.lock, "`forget`"),
        ):
            found = find(room, ledger, person, kind=kind and kind.value, names=name or ())
        _print_plan(found)
        if dry_run:
            _print_elsewhere(room, found, carrier=carrier)
            return
        confirm("Erase this for good?", yes=yes)
        if carrier:
            _erase_at_carrier(room, found)
        has_tables = home.warehouse.exists()
        with err.status("Erasing …"), hold(home.lock, "`forget`"):
            gone = forget_person(room, ledger, found.person, now=datetime.now(UTC), by=who(by))
    try:
        if has_tables:
            _refresh(room, found)
    finally:
        _print_elsewhere(room, found, carrier=carrier)
    out.print()
    out.print("Erased. Nothing is sent to them or read of them again.")
    if not gone:
        out.print(
            "But another program has the ledger open, and SQLite keeps the old pages for it. Close "
            f"the UI and run the same again: {command(home, 'forget')} …",
            soft_wrap=True,
        )
        raise typer.Exit(HELD)


def _print_plan(found: "Found") -> None:
    kinds = {"student": "A student", "staff": "A member of staff", "learner": "A learner"}
    kind = kinds.get(found.kind or "", "Somebody known by address alone")
    again = ", who was forgotten before" if found.before else ""
    names = listed(sorted(found.person.names))
    out.print(f"{kind}{f', {names}' if names else ''}{again}. To be erased:", markup=False)
    ledger = found.traces
    for label, text in (
        ("ledger", f"{_number(ledger.letters, 'letter')} to them; only their counts stay"),
        (
            "",
            f"{_number(len(ledger.naming), 'letter')} to others that {_s(ledger.naming, 'name')} "
            f"them: the content; {ledger.waiting} of them wait, and the next run writes them anew",
        ),
        ("", f"{_number(ledger.lines, 'line')} on whom not to write to, or was written to before"),
        ("outbox, site", _number(len(found.pages), "file")),
        ("warehouse", "everything; made anew from the exports without them"),
        *(
            [("reports", f"{_number(len(found.reports), 'file')}; made anew")]
            if found.reports
            else []
        ),
    ):
        out.print(Text(f"  {label:<14}{text}"), soft_wrap=True)
    if found.copies:
        copies = _number(len(found.copies), "copy", "copies")
        out.print(Text(f"  {'':<14}{copies} of the ledger from before an upgrade"), soft_wrap=True)
    if found.namesakes:
        out.print(
            f"{_number(found.namesakes, 'other person has', 'others have')} the same name: letters "
            "that name them cannot be told apart and lose their content, too.",
            soft_wrap=True,
        )
    if found.shared:
        out.print(
            "Somebody else in the exports has the same address, so the address stays.",
            soft_wrap=True,
        )
    out.print(
        "Figures of earlier weeks are computed again without them; letters that state such a figure "
        "again say that it was corrected.",
        soft_wrap=True,
    )


def _print_elsewhere(room: "MailRoom", found: "Found", *, carrier: bool) -> None:
    out.print()
    out.print("What you must erase elsewhere", style="bold")
    for line in _elsewhere(room, found, carrier=carrier):
        out.print(f"  - {line}", markup=False, soft_wrap=True)


def _elsewhere(room: "MailRoom", found: "Found", *, carrier: bool) -> Iterator[str]:
    if found.exports:
        yield (
            "their rows in the exports, and in the system that these come from; until then they are "
            f"left out at every refresh: {', '.join(found.exports)}"
        )
    if found.others:
        yield f"other files of the landing zone that name them: {', '.join(found.others)}"
    if found.unread:
        yield f"exports that cannot be read; look yourself: {', '.join(found.unread)}"
    settings = room.settings.mail
    if settings.transport == "sendgrid" and not carrier and found.person.addresses:
        yield "what SendGrid keeps of them: run this again with --carrier, or erase it there"
    if settings.leaves:
        yield "the letters in the mailboxes of those who got them, and on the mail server"
    if room.secrets.ledger_url or settings.ledger:
        yield "backups and archived logs of the ledger's database server"
    yield "backups of this home, and copies of its exports, letters, pages and reports"
    config = room.home.config.read_text(encoding="utf-8") if room.home.config.is_file() else ""
    if found.person.named_in(config):
        yield "pipeline.toml, which names them"


def _erase_at_carrier(room: "MailRoom", found: "Found") -> None:
    from edu_pipeline.mail.transports.sendgrid_api import SendGridApi

    if not room.secrets.sendgrid_key:
        raise UserError(
            "There is no SendGrid API key, so nothing was erased. Set the environment variable "
            "SENDGRID_API_KEY, or leave out --carrier."
        )
    if not found.person.addresses:
        return
    api = SendGridApi(room.secrets.sendgrid_key, room.settings.mail.sendgrid)
    try:
        jobs = api.erase(found.person.addresses)
    finally:
        api.close()
    out.print(f"SendGrid was asked to erase them: job {', '.join(jobs)}")


def _refresh(room: "MailRoom", found: "Found") -> None:
    from edu_pipeline.commands.jobs import run_job
    from edu_pipeline.ground.warehouse import hold
    from edu_pipeline.wiring.forget import left_over
    from edu_pipeline.wiring.runs import RunFailedError

    home = room.home
    try:
        run_job(room, "refresh", "Making every table anew, without them")
    except RunFailedError as error:
        raise UserError(
            "They are erased, but the refresh after it failed, so there are no tables yet. Put it "
            f"right, then: {command(home, 'run')}. {error}"
        ) from None
    with hold(home.lock, "`forget`"):
        left = left_over(home, found.person)
    for table, column, rows in left:
        out.print(
            f"{table} still has the name in {column}, in {_number(rows, 'row')}: a cell about "
            "something else. Change it in the exports; the next refresh then forgets it.",
            markup=False,
            soft_wrap=True,
        )


def _number(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def _s(several: Sized, verb: str) -> str:
    return f"{verb}s" if len(several) == 1 else verb
