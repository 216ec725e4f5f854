"""Letting letters go: `mail approve`, `mail send`, and `mail test` for one letter to oneself."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from edu_pipeline.commands.console import (
    HELD,
    By,
    UserError,
    Yes,
    confirm,
    out,
    print_aligned,
    progress,
    who,
)
from edu_pipeline.commands.mail.periods import (
    Campaign,
    Outlook,
    Week,
    chosen,
    letters,
    outlook,
    partition_of,
    print_outlook,
    write_pages,
)
from edu_pipeline.ground.wording import percent
from edu_pipeline.mail.states import LOOKS
from edu_pipeline.settings.home import Home, command, with_home
from edu_pipeline.wiring.mailings import mailing_of

if TYPE_CHECKING:
    from edu_pipeline.mail.delivery import DeliveryReport
    from edu_pipeline.mail.ledger.approvals import Draft
    from edu_pipeline.mail.ledger.reading import Entry, PeriodSummary
    from edu_pipeline.mail.ledger.store import Ledger
    from edu_pipeline.mail.letter import Moved
    from edu_pipeline.mail.plan import Line
    from edu_pipeline.mail.rehearsal import RehearsalReport
    from edu_pipeline.mail.room import MailRoom

NAMED = 40


def approve(
    context: typer.Context,
    week: Week = None,
    campaign: Campaign = None,
    yes: Yes = False,
    digest: Annotated[
        str | None,
        typer.Option(
            help="For scripts: approve without asking, but only if this is still what waits.",
            show_default=False,
        ),
    ] = None,
    by: By = None,
) -> None:
    """Show what is new or changed in a week's letters, and agree that exactly this goes out.

    What changes after that waits for you again; the rest stays approved.
    """
    from edu_pipeline.mail.ledger import approvals
    from edu_pipeline.mail.transports.folder import period_folder
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    with room.open_ledger() as ledger:
        summary = chosen(ledger, week, campaign, home)
        seen = outlook(room, ledger, summary.campaign, summary.period)
        review = approvals.review(ledger, summary.campaign, summary.period)
        if digest is not None and digest != review.digest:
            look = command(home, f"mail approve {seen.options}")
            raise UserError(
                "What waits for approval is not what that digest stands for, so nothing was "
                f"approved. Look again: {look}"
            )
        if not review.drafts:
            out.print(f"Nothing about {seen.name} waits for approval.")
            raise typer.Exit
        _print_review(review.approved, _with_corrections(ledger, summary, review.drafts))
        page = period_folder(home.outbox, summary.campaign, summary.period) / "index.html"
        if page.is_file():
            out.print(f"Every letter as it would go out: {page}", markup=False, soft_wrap=True)
        this = command(home, f"mail approve {seen.options} --digest {review.digest}")
        out.print(f"From a script, exactly this: {this}", markup=False, soft_wrap=True)
        confirm(
            f"Approve {letters(len(review.drafts))} about {seen.name}?",
            yes=yes or digest is not None,
        )
        number = approvals.approve(ledger, review.drafts, now=datetime.now(UTC), by=who(by))
        write_pages(room, ledger, summary.campaign, summary.period)
        out.print(f"Approved {letters(number)} about {seen.name}.")
        print_outlook(outlook(room, ledger, summary.campaign, summary.period), home)


def _with_corrections(
    ledger: "Ledger", summary: "PeriodSummary", drafts: "Sequence[Draft]"
) -> "Sequence[Draft]":
    """Drafts of corrections beside what the letter said that went out."""
    from dataclasses import replace

    from edu_pipeline.mail.plan import corrections

    moved = corrections(
        ledger.entries(summary.campaign, summary.period),
        ledger.stated(summary.campaign, summary.period),
    )
    return [
        replace(draft, changed=True, moved=moved[draft.key])
        if draft.key in moved and not draft.changed
        else draft
        for draft in drafts
    ]


def _print_review(approved: int, drafts: "Sequence[Draft]") -> None:
    changed = [draft for draft in drafts if draft.changed]
    new = [draft for draft in drafts if not draft.changed]
    told = [
        *([f"{approved} unchanged, still approved"] if approved else []),
        *([f"{len(changed)} changed"] if changed else []),
        *([f"{len(new)} new"] if new else []),
    ]
    out.print(Text("; ".join(told), style="bold"))
    for draft in changed:
        out.print(Text(f"  {draft.recipient_name}: {moves(draft.moved)}"), soft_wrap=True)
    if new:
        names = [draft.recipient_name or draft.key for draft in new[:NAMED]]
        more = [f"and {len(new) - NAMED} more"] if len(new) > NAMED else []
        out.print(Text(f"  New: {', '.join([*names, *more])}"), soft_wrap=True)


def moves(moved: "Sequence[Moved]") -> str:
    """`7B attendance 92.1 % → 91.9 %`, for each figure that moved."""
    if not moved:
        return "its own figures are the same; what it compares them with has changed"
    return ", ".join(
        f"{figure.label} {percent(figure.before)} → {percent(figure.now)}" for figure in moved
    )


def send(
    context: typer.Context,
    week: Week = None,
    campaign: Campaign = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only say who would get what, and who would not and why. Asks no server.",
        ),
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="After a ledger was restored from a backup: take over what the carrier sent.",
        ),
    ] = False,
    by: By = None,
) -> None:
    """Deliver a week's letters that are approved, as they were frozen; nothing is written anew.

    With [mail] mode = "redirect" it is a rehearsal: copies go to the operator, nobody else is
    written to. Exit code 3 says that something is held, in doubt, or waits for you.
    """
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    with room.open_ledger() as ledger:
        summary = chosen(ledger, week, campaign, home)
        held = _written_before_refresh(room, ledger, summary)
        seen = outlook(room, ledger, summary.campaign, summary.period, held)
        if dry_run:
            _print_plan(room, seen)
            raise typer.Exit(HELD if seen.needs_a_person else 0)
        if seen.conditions.held:
            out.print(Text(f"Nothing was sent. {seen.conditions.held}"), soft_wrap=True)
            raise typer.Exit(HELD)
        if seen.redirect:
            trouble = _print_rehearsal(room, _rehearse(room, ledger, seen, who(by)))
        else:
            trouble = _print_delivery(_deliver(room, ledger, summary, who(by), adopt=adopt))
        write_pages(room, ledger, summary.campaign, summary.period)
        seen = outlook(room, ledger, summary.campaign, summary.period)
    print_outlook(seen, home)
    raise typer.Exit(HELD if trouble or seen.needs_a_person else 0)


def _written_before_refresh(
    room: "MailRoom", ledger: "Ledger", summary: "PeriodSummary"
) -> str | None:
    """Why letters may not go out that a refresh, and so the gate, knows nothing of."""
    from edu_pipeline.wiring.runs import is_older

    mailing = mailing_of(summary.campaign)
    partition = partition_of(ledger, summary)
    if partition is None or not is_older(room.home, mailing.queued, partition, mailing.recorded):
        return None
    again = command(room.home, mailing.write_again(summary.campaign, summary.period))
    return (
        "The exports were read again after these letters were written. Write them again; what has "
        f"not changed stays approved: {again}"
    )


def _deliver(
    room: "MailRoom", ledger: "Ledger", summary: "PeriodSummary", owner: str, *, adopt: bool
) -> "DeliveryReport":
    from contextlib import closing

    from edu_pipeline.mail.delivery import deliver
    from edu_pipeline.mail.evidence import RestoredLedgerError
    from edu_pipeline.mail.pace import Rules

    with (
        closing(room.transport()) as transport,
        progress(f"Letters about {summary.period}") as step,
    ):
        try:
            return deliver(
                ledger,
                transport,
                campaign=summary.campaign,
                period=summary.period,
                now=lambda: datetime.now(UTC),
                owner=owner,
                rules=Rules.of(room.settings, summary.campaign),
                adopt=adopt,
                on_progress=lambda done, total: step("", done, total),
            )
        except RestoredLedgerError as error:
            raise UserError(with_home(room.home, str(error))) from None


def _print_delivery(report: "DeliveryReport") -> bool:
    """Say what a delivery did; whether there is something to look at."""
    done = {
        "sent": report.sent,
        "refused": report.failed,
        "not out, to be tried again": report.not_sent,
        "unknown": report.unknown,
        "no longer news": report.expired,
        "not written to any more": report.suppressed,
        "from before: found to be out": report.found_sent,
        "from before: found not to be out, to be tried again": report.found_unsent,
    }
    told = ", ".join(f"{number} {what}" for what, number in done.items() if number)
    out.print(f"This time: {told or 'nothing went out'}.", soft_wrap=True)
    if report.stopped:
        out.print(Text(f"It ended early. {report.stopped}"), soft_wrap=True)
    for note in report.notes:
        out.print(Text(note), soft_wrap=True)
    return report.trouble


def _rehearse(room: "MailRoom", ledger: "Ledger", seen: Outlook, owner: str) -> "RehearsalReport":
    from contextlib import closing

    from edu_pipeline.mail.pace import Rules
    from edu_pipeline.mail.plan import to_rehearse
    from edu_pipeline.mail.rehearsal import rehearse

    keys = to_rehearse(line.entry for line in seen.plan.lines)
    with closing(room.transport()) as transport, progress(f"Rehearsal of {seen.period}") as step:

        def counted(position: int, key: str) -> str:
            step("", position, len(keys))
            return key

        return rehearse(
            ledger,
            transport,
            (counted(position, key) for position, key in enumerate(keys)),
            to=room.settings.mail.redirect_to or "",
            now=lambda: datetime.now(UTC),
            by=owner,
            rules=Rules.of(room.settings, seen.campaign),
        )


def _print_rehearsal(room: "MailRoom", report: "RehearsalReport") -> bool:
    """Say what a rehearsal did; whether there is something to look at."""
    to = room.settings.mail.redirect_to
    out.print(
        f'Rehearsal ([mail] mode = "redirect"): {letters(report.sent)} to {to}; nobody else '
        "was written to, and nothing of it counts.",
        markup=False,
        soft_wrap=True,
    )
    if report.known:
        out.print(f"{report.known} went there before, with the same content.")
    if report.stopped:
        failed = f"{report.not_sent} did not go. " if report.not_sent else "It ended early. "
        out.print(Text(f"{failed}{report.stopped}"), soft_wrap=True)
    return report.stopped is not None


def _print_plan(room: "MailRoom", seen: Outlook) -> None:
    from edu_pipeline.mail.plan import Fate, to_rehearse

    mail = room.settings.mail
    going = seen.plan.of(Fate.now)
    out.print(Text(f"Letters about {seen.name}, by {mail.transport}. Nothing is sent now."))
    if seen.redirect:
        copies = to_rehearse(line.entry for line in seen.plan.lines)
        out.print(
            f'[mail] mode = "redirect": copies of {letters(len(copies))} would go to '
            f"{mail.redirect_to}, none to a recipient. If it were live:",
            markup=False,
            soft_wrap=True,
        )
    out.print(Text(f"{len(going)} would go out", style="bold"))
    print_aligned([(_name(line.entry), line.entry.subject) for line in going])
    titles = {
        Fate.later: "would wait",
        Fate.person: "wait for somebody",
        Fate.never: "would not go out",
        Fate.out: "are out, or on the way",
    }
    for fate, title in titles.items():
        lines = seen.plan.of(fate)
        if not lines:
            continue
        out.print(Text(f"{len(lines)} {title}", style="bold"))
        if fate is Fate.out:
            counts = Counter(LOOKS[line.entry.state].phrase for line in lines)
            told = ", ".join(f"{number} {what}" for what, number in counts.items())
            out.print(Text(f"  {told}"))
            continue
        print_aligned([(_name(line.entry), _why(line)) for line in lines])
    if mail.per_second:
        out.print(f"At most {mail.per_second:g} a second.")


def _name(entry: "Entry") -> str:
    return entry.recipient_name or entry.key


def _why(line: "Line") -> str:
    """A letter that could go needs no word for its state."""
    from edu_pipeline.mail.plan import Fate

    state = "" if line.fate is Fate.later else LOOKS[line.entry.state].phrase
    return ": ".join(part for part in (state, line.why) if part)


def send_to_oneself(
    context: typer.Context,
    letter: Annotated[
        str, typer.Option(help="Key of the letter, as `mail show` and `mail status` name it.")
    ],
    to: Annotated[str, typer.Option(help="Your own address.")],
    by: By = None,
) -> None:
    """Send a copy of one letter to yourself, marked [TEST]. It never counts.

    Not while all sending is paused. The link to pause letters leads nowhere in it.
    """
    from contextlib import closing

    from edu_pipeline.mail.pace import Rules
    from edu_pipeline.mail.rehearsal import rehearse
    from edu_pipeline.wiring.environment import mail_room

    home: Home = context.obj
    room = mail_room(home)
    _refuse_strangers(room, to)
    with room.open_ledger() as ledger, closing(room.transport()) as transport:
        report = rehearse(
            ledger,
            transport,
            [letter],
            to=to,
            now=lambda: datetime.now(UTC),
            by=who(by),
            rules=Rules.of(room.settings, letter.partition(":")[0]),
            again=True,
        )
    if not report.sent:
        raise UserError(f"The copy did not go out, or it is not known. {report.stopped}")
    where = "" if transport.leaves else f": it lies in {home.outbox / 'test'}"
    out.print(f"A copy went to {to}{where}.", markup=False, soft_wrap=True)


def _refuse_strangers(room: "MailRoom", to: str) -> None:
    """A copy holds what the letter holds, so it may go no further than letters may."""
    from edu_pipeline.ground.addresses import is_address
    from edu_pipeline.mail.checks import is_allowed

    mail = room.settings.mail
    own = [address for address in (mail.redirect_to, mail.operator) if address]
    if not is_address(to):
        raise UserError("--to is no address. Give your own, such as --to you@school.org")
    if mail.leaves and not is_allowed(to, [*mail.allowed, *own]):
        raise UserError(
            "A copy holds what the letter holds, and letters may not go to that address. Add its "
            "domain to [mail] allowed in pipeline.toml, or make it the operator."
        )
