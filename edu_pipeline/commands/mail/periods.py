"""A period's letters in words: which period is meant, how its letters stand, what to do next."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from edu_pipeline.commands.console import UserError, err, monday_of, out
from edu_pipeline.ground.weeks import week_name
from edu_pipeline.mail.mailing import options
from edu_pipeline.mail.states import LOOKS, State, in_words, step_for
from edu_pipeline.settings.home import Home, command, with_home
from edu_pipeline.wiring.mailings import mailing_of

if TYPE_CHECKING:
    from edu_pipeline.mail.ledger.reading import PeriodSummary
    from edu_pipeline.mail.ledger.store import Ledger
    from edu_pipeline.mail.plan import Conditions, Plan
    from edu_pipeline.mail.room import MailRoom

Week = Annotated[
    str | None,
    typer.Option(
        "--week",
        help="Week of the letters, such as 2026-W40. Default: the newest with letters.",
        show_default=False,
    ),
]
Campaign = Annotated[
    str | None,
    typer.Option(
        "--campaign",
        help="Whose letters, such as teachers; needed where several campaigns have letters about "
        "the week.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Outlook:
    """One period: its letters, and what a delivery would do with them now."""

    campaign: str
    period: str
    campaigns: Collection[str]
    """All that have letters."""
    counts: Mapping[State, int]
    conditions: "Conditions"
    plan: "Plan"
    redirect: bool
    """A delivery would be a rehearsal."""

    @property
    def name(self) -> str:
        """What people call it: its week, with the campaign where there are several."""
        return f"{self.period} ({self.campaign})" if len(self.campaigns) > 1 else self.period

    @property
    def options(self) -> str:
        """By which options commands mean it."""
        return options(self.campaign, self.period, self.campaigns)

    @property
    def stopped(self) -> bool:
        """Whether a person has to let the letters go that could go: the gate or the brake holds."""
        from edu_pipeline.mail.plan import Fate

        braked = self.conditions.held or self.conditions.pause
        return bool(braked and self.plan.of(Fate.later))

    @property
    def needs_a_person(self) -> bool:
        """Whether any letter waits for somebody to decide something."""
        from edu_pipeline.mail.plan import Fate

        waiting = {line.entry.state for line in self.plan.of(Fate.person)}
        return self.stopped or bool(waiting - {State.draft} if self.redirect else waiting)


def chosen(ledger: "Ledger", week: str | None, campaign: str | None, home: Home) -> "PeriodSummary":
    """The period that is meant: as said, else the newest with letters.

    Raises:
        UserError: There is none such, or several campaigns have letters about it.
    """
    known = ledger.periods()
    if not known:
        raise UserError(f"No letters have been written yet. Write some: {command(home, 'run')}")
    if campaign is not None:
        campaigns = sorted({summary.campaign for summary in known})
        known = [summary for summary in known if summary.campaign == campaign]
        if not known:
            raise UserError(
                f"There are no letters of a campaign {campaign}. Those that have some: "
                f"{', '.join(campaigns)}."
            )
    wanted = {known[0].period} if week is None else {week, week_name(monday_of(week))}
    found = [summary for summary in known if summary.period in wanted]
    if len(found) > 1:
        choices = "\n".join(
            f"  {options(each.campaign, each.period, {'', each.campaign})}"
            for each in sorted(found, key=lambda each: each.campaign)
        )
        raise UserError(
            f"Several campaigns have letters about {found[0].period}. Add to the command whose you "
            f"mean:\n{choices}"
        )
    if found:
        return found[0]
    again = mailing_of(known[0].campaign).write_again(known[0].campaign, week or "")
    raise UserError(
        f"There are no letters about {week}. The newest are about {known[0].period}. To write those "
        f"of a week: {command(home, again)}"
    )


def held_by_gate(ledger: "Ledger", campaign: str, period: str, home: Home) -> str | None:
    """Why none of a period's letters may go out, by the last refresh."""
    for known in ledger.recorded_periods():
        if (known.campaign, known.period) == (campaign, period):
            return with_home(home, known.held) if known.held else None
    return f"The last refresh has no figures for {period}, so nobody can tell whether they may be mailed."


def partition_of(ledger: "Ledger", summary: "PeriodSummary") -> str | None:
    """A period's key in Dagster; None where the last refresh does not know it."""
    for known in ledger.recorded_periods():
        if (known.campaign, known.period) == (summary.campaign, summary.period):
            return known.partition
    return None


def outlook(
    room: "MailRoom", ledger: "Ledger", campaign: str, period: str, held: str | None = None
) -> Outlook:
    """What would become of a period's letters now.

    Args:
        room: Whose.
        ledger: Read only.
        campaign: Such as `teachers`.
        period: Such as `2026-W40`.
        held: Why none may go out, besides what the gate says.
    """
    from edu_pipeline.mail.plan import conditions_of, plan

    entries = ledger.entries(campaign, period)
    conditions = conditions_of(
        ledger,
        campaign,
        period,
        now=datetime.now(UTC),
        settings=room.settings,
        held=held_by_gate(ledger, campaign, period, room.home) or held,
    )
    return Outlook(
        campaign=campaign,
        period=period,
        campaigns=ledger.campaigns(),
        counts=ledger.counts(campaign, period),
        conditions=conditions,
        plan=plan(entries, conditions),
        redirect=room.settings.mail.mode == "redirect",
    )


def write_pages(room: "MailRoom", ledger: "Ledger", campaign: str, period: str) -> None:
    """Bring the proof sheet and the pages on all letters up to date."""
    from edu_pipeline.site.mail_page import write_mail_pages

    with err.status("Writing the pages …"):
        write_mail_pages(room.home, room.settings, ledger, (campaign, period))


def letters(number: int) -> str:
    """`1 letter`, `2 letters`."""
    return "1 letter" if number == 1 else f"{number} letters"


def reasons(seen: Outlook, told: Collection[str] = ()) -> Iterator[str]:
    """Why letters are not out, worst first: `2 held: The teacher has no address.`.

    Sentences that are `told` above are not told again.
    """
    from edu_pipeline.mail.plan import Fate

    found = Counter(
        (line.entry.state, _less(line.why, told))
        for line in seen.plan.lines
        if line.why and line.fate is not Fate.out
    )
    order = list(LOOKS)

    def rank(item: tuple[tuple[State, str], int]) -> tuple[int, int, str]:
        (state, why), number = item
        return (order.index(state), -number, why)

    for (state, why), number in sorted(found.items(), key=rank):
        yield f"{number} {LOOKS[state].phrase}: {why}"


def _less(why: str, told: Collection[str]) -> str:
    rest = why
    for sentence in told:
        rest = rest.replace(sentence, "")
    if rest == why:
        return why
    return f"See the lines marked ! above. {' '.join(rest.split())}".rstrip()


def next_step(seen: Outlook, home: Home) -> str | None:
    """What to do about a period's letters, ready to paste; None where nothing waits."""
    from edu_pipeline.mail.plan import NO_NEWS, Fate

    waiting = seen.plan.of(Fate.person)
    asked = {line.entry.state for line in waiting}
    goes = bool(
        seen.plan.of(Fate.now)
        or seen.plan.of(Fate.later)
        or asked & {State.approved, State.pending}
    )
    again = mailing_of(seen.campaign).write_again(seen.campaign, seen.period)
    send = f"mail send {seen.options}"
    old = any(line.fate is Fate.never and line.why == NO_NEWS for line in seen.plan.lines)

    def settle(state: State) -> str | None:
        keys = [line.entry.key for line in waiting if line.entry.state is state]
        return step_for(state, seen.options, keys)

    steps = (
        (seen.stopped and bool(seen.conditions.held), "gate show"),
        # it asks the carrier about those in doubt, too
        (State.unknown in asked and goes and not seen.stopped, send),
        (State.unknown in asked, settle(State.unknown)),
        (State.failed in asked, settle(State.failed)),
        (State.draft in asked, settle(State.draft)),
        (seen.stopped, "mail resume"),
        (goes, send),
        (State.held in asked, again),
        (old, f"{again} --even-if-old"),
    )
    return next((command(home, step) for due, step in steps if due and step), None)


def print_outlook(seen: Outlook, home: Home, told: Collection[str] = ()) -> None:
    """A period's letters by state, the reasons but for those `told` above, and the next step."""
    counted = in_words(seen.counts) or "nobody gets one"
    out.print(Text.assemble(f"Letters about {seen.name}: ", (counted, "bold")), soft_wrap=True)
    for line in reasons(seen, told):
        out.print(Text(f"  {line}"), soft_wrap=True)
    step = next_step(seen, home)
    if step and seen.redirect:
        rehearse = command(home, f"mail send {seen.options}")
        out.print(Text(f'Rehearse ([mail] mode = "redirect"): {rehearse}'), soft_wrap=True)
        out.print(Text(f'For real: mode = "live" in pipeline.toml, then {step}'), soft_wrap=True)
    elif step:
        out.print(Text(f"Next: {step}"), soft_wrap=True)
