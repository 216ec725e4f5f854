"""A whole round: refresh every table, write letters, deliver them, and say how it went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from edu_pipeline.commands.console import out, read_tables
from edu_pipeline.commands.jobs import run_job
from edu_pipeline.commands.mail.periods import outlook, print_outlook
from edu_pipeline.settings.home import Home, command, with_home
from edu_pipeline.settings.landing import SCHOOL_TABLES
from edu_pipeline.wiring.mailings import TEACHERS, mailing_of

if TYPE_CHECKING:
    from edu_pipeline.commands.mail.periods import Outlook
    from edu_pipeline.mail.due import Period
    from edu_pipeline.mail.room import MailRoom


@dataclass(frozen=True)
class Refreshed:
    """What a refresh leaves to be done."""

    periods: Sequence["Period"]
    """That letters can be about, oldest first."""
    problems: Sequence[str]
    """That somebody must look at, and nobody has released; they have been printed."""
    school: bool
    """Whether a school's exports are there, or nothing at all."""
    attendance: bool
    """Whether attendance has landed, so that there should be weeks with figures."""


def refresh(room: "MailRoom") -> Refreshed:
    """Compute every table again and say what landed."""
    run_job(room, "refresh", "Refreshing every table")
    return refreshed(room)


def refreshed(room: "MailRoom") -> Refreshed:
    """Say what the last refresh found."""
    with room.open_ledger() as ledger:
        periods = ledger.recorded_periods()
    problems, received = _print_landed(room)
    index = room.home.site / "index.html"
    if index.exists():
        out.print(f"Pages: {index}", markup=False, soft_wrap=True)
    school = not received.keys().isdisjoint(SCHOOL_TABLES)
    return Refreshed(periods, problems, school, received.get("attendance", 0) > 0)


def send(
    room: "MailRoom", period: "Period", told: Sequence[str] = (), *, even_if_old: bool = False
) -> bool:
    """Write a period's letters and deliver those that may go.

    Args:
        room: Whose.
        period: Of which letters.
        told: Problems that have been printed.
        even_if_old: Also when they are no longer news.

    Returns:
        Whether something must be looked at.
    """
    from edu_pipeline.charting.render import warm
    from edu_pipeline.mail.due import EVEN_IF_OLD_TAG
    from edu_pipeline.wiring.runs import RunFailedError

    before = _out_since(room, period)
    mailing = mailing_of(period.campaign)
    if mailing is TEACHERS and not before:  # else hardly a picture is new
        warm()
    title = period.period if mailing is TEACHERS else f"{period.period} ({period.campaign})"
    try:
        tags = {EVEN_IF_OLD_TAG: "true"} if even_if_old else {}
        run_job(room, mailing.send, f"Letters about {title}", period.partition, tags)
    except RunFailedError:
        with room.open_ledger() as ledger:  # some may have gone out before
            print_outlook(outlook(room, ledger, period.campaign, period.period), room.home, told)
        raise
    return tell(room, period, told, before)


def tell(
    room: "MailRoom",
    period: "Period",
    told: Sequence[str],
    before: Mapping[str, datetime | None] | None = None,
) -> bool:
    """Say how a period's letters stand.

    Args:
        room: Whose.
        period: Of which letters.
        told: Problems that have been printed.
        before: Those that were out before they were written again, and since when; None: they were
            not written again.

    Returns:
        Whether something must be looked at.
    """
    if mailing_of(period.campaign) is TEACHERS:
        _print_gaps(room.home, period)
    before = _out_since(room, period) if before is None else before
    seen = _print_letters(room, period, told, before)
    return bool(period.held) or seen.needs_a_person or not seen.counts


def is_written(room: "MailRoom", period: "Period") -> bool:
    """Whether a period has letters, and none that would go out now."""
    from edu_pipeline.mail.plan import Fate

    with room.open_ledger() as ledger:
        seen = outlook(room, ledger, period.campaign, period.period)
    return bool(seen.counts) and not seen.plan.of(Fate.now)


def _out_since(room: "MailRoom", period: "Period") -> Mapping[str, datetime | None]:
    """The letters of a period that are out, and since when."""
    from edu_pipeline.mail.ledger.tables import OUT

    with room.open_ledger() as ledger:
        entries = ledger.entries(period.campaign, period.period)
    return {entry.key: entry.sent_at for entry in entries if entry.state in OUT}


def _print_landed(room: "MailRoom") -> tuple[list[str], Mapping[str, int]]:
    """Print what landed, and what must be looked at.

    Returns:
        `Refreshed.problems`, and export → rows received.
    """
    import polars as pl

    from edu_pipeline.attainment.checks import agreement
    from edu_pipeline.commands.gate import recorded_problems, releases_of
    from edu_pipeline.ground.warehouse import home_lock, open_warehouse, read_table
    from edu_pipeline.landing.report import landed
    from edu_pipeline.model.attainment import NOTICES
    from edu_pipeline.model.gate import unreleased
    from edu_pipeline.programmes.gate import FIRST_AUDIENCE

    home = room.home
    with home_lock(home.lock), open_warehouse(home.warehouse) as con:
        exports, problems = landed(con), recorded_problems(con, room.settings)
        disagreements = (
            read_table(con, name) for name in ("attainment_disagreements", "stated_differences")
        )
        notes = agreement(*disagreements)[1]
        done = read_table(con, "attainment_notes").filter(pl.col("kind").is_in(NOTICES))
    standing = unreleased(problems, releases_of(room)).unique("id", maintain_order=True)
    # it waits for who wants to send, and no figure depends on it
    later = standing.filter(kind=FIRST_AUDIENCE)["message"]
    standing = standing.filter(pl.col("kind") != FIRST_AUDIENCE)
    standing = standing.sort(pl.col("holds").is_null(), "message")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("export")
    table.add_column("rows", justify="right")
    table.add_column("what became of them")
    table.add_column("because")
    for export in exports:
        table.add_row(export.table, f"{export.received:,}", export.fates, export.because)
    out.print()
    out.print(table)
    messages: list[str] = standing["message"].to_list()
    for holds, message in zip(standing["holds"], messages, strict=True):
        mark = ("! ", "bold yellow" if holds is None else "bold red")
        out.print(Text.assemble(mark, with_home(home, message)), soft_wrap=True)
    for message in notes:
        out.print(Text.assemble(("! ", "bold yellow"), message), soft_wrap=True)
    for message in [*later, *done["message"].unique(maintain_order=True)]:
        out.print(Text(f"  {with_home(home, message)}"), soft_wrap=True)
    out.print()
    return [*messages, *notes], {export.table: export.received for export in exports}


def _print_gaps(home: Home, period: "Period") -> None:
    (gaps,) = read_tables(home, ["letter_gaps"])
    for week, sentence in gaps.select("week_start", "sentence").iter_rows():
        if week.isoformat() == period.partition:
            out.print(sentence, markup=False, soft_wrap=True)


def _print_letters(
    room: "MailRoom",
    period: "Period",
    told: Sequence[str],
    before: Mapping[str, datetime | None],
) -> "Outlook":
    """Say how a period's letters stand, and what is next."""
    from edu_pipeline.mail.transports.folder import period_folder

    home, mail = room.home, room.settings.mail
    now_out = _out_since(room, period)
    with room.open_ledger() as ledger:
        seen = outlook(room, ledger, period.campaign, period.period)
    if seen.redirect:
        out.print(
            f'A rehearsal ([mail] mode = "redirect"): copies go to {mail.redirect_to}, and nobody '
            "else is written to.",
            markup=False,
            soft_wrap=True,
        )
    print_outlook(seen, home, told)
    if again := sum(sent_at == now_out.get(key) for key, sent_at in before.items()):
        out.print(f"{again} of them went out in an earlier run and were not sent again.")
    page = period_folder(home.outbox, period.campaign, period.period) / "index.html"
    out.print(f"Look at them: {page}", soft_wrap=True)
    out.print(f"Runs and tables: {command(home, 'ui')}", soft_wrap=True)
    return seen
