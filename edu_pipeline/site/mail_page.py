"""The pages on letters: how they stand, every period's proof sheet, and everybody's letters."""

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import polars as pl

from edu_pipeline.charting.render import Kept
from edu_pipeline.charting.theme import OF_A_PAGE
from edu_pipeline.glossary.metrics import definitions
from edu_pipeline.ground.files import write_whole
from edu_pipeline.ground.templates import templates_of
from edu_pipeline.ground.wording import week_of
from edu_pipeline.mail.engagement import FEWEST_DELIVERED, campaign_engagement
from edu_pipeline.mail.ledger.controls import paused
from edu_pipeline.mail.ledger.reports import events_frame
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.proofs import write_proofs
from edu_pipeline.mail.states import LOOKS, Look, State
from edu_pipeline.mail.status import Status, ToDo, status_of
from edu_pipeline.mail.transports.folder import period_folder
from edu_pipeline.programmes.nudges import campaign_of
from edu_pipeline.settings.home import Home, Settings, with_home
from edu_pipeline.site.letters_pages import sheets_behind, write_letters_pages
from edu_pipeline.site.open_rates import open_rate_chart, spoken, told
from edu_pipeline.teachers.edition import CAMPAIGN

_DEFINED = ("delivered", "open_rate", "clicked", "unknown_letters")
_RECENT = 12
_WIDE, _NARROW = 680, 210


def mail_page(home: Home) -> Path:
    """Where the page is."""
    return home.site / "mail" / "index.html"


def title_of(campaign: str, settings: Settings) -> str:
    """What a campaign is called, such as `Letters to teachers`."""
    if campaign == CAMPAIGN:
        return "Letters to teachers"
    titles = {campaign_of(each.id): each.title for each in settings.programmes}
    return f"Letters to learners of {titles.get(campaign, campaign)}"


def write_mail_pages(
    home: Home, settings: Settings, ledger: Ledger, *sheets: tuple[str, str]
) -> Path:
    """Write the pages from what the ledger says now.

    Args:
        home: Whose pages.
        settings: The tracking, and the definitions as this school has them.
        ledger: Read only.
        sheets: Campaigns and periods of which the proof sheet is written in any case; others are where
            their letters stand otherwise by now.

    Returns:
        The page that leads to all others.
    """
    school, templates = settings.called, templates_of(home.templates)
    behind = with_sheets(home, sheets_behind(home, ledger))
    (home.outbox / "index.html").unlink(missing_ok=True)  # of an earlier version: a list of sheets
    for campaign, period in dict.fromkeys((*sheets, *behind)):
        title = title_of(campaign, settings)
        write_proofs(home.outbox, ledger, campaign, period, templates, school=school, title=title)
    write_letters_pages(home, settings, ledger, templates, *sheets)
    engagement = campaign_engagement(
        ledger.letters_frame(), events_frame(ledger), tracking=settings.mail.tracking
    )
    said = [definitions(settings)[name] for name in _DEFINED]
    status = status_of(ledger.periods(), ledger.recorded_periods(), engagement)
    page = mail_page(home)
    html = templates.get_template("site/mail.html.j2").render(
        school=school,
        teachers=CAMPAIGN,
        title_of=functools.partial(title_of, settings=settings),
        pause=paused(ledger),
        status=status,
        to_do=_alike(status.to_do),
        charts=_charts(engagement, Kept(page)),
        definitions=said,
        looks=LOOKS,
        explained=_explained(status, {title for title, _ in said}),
        spoken=spoken,
        fewest=FEWEST_DELIVERED,
        recent=_RECENT,
        proofs=_proofs(home, ledger),
    )
    write_whole(page, with_home(home, html).encode())
    return page


def _alike(to_do: Iterable[ToDo]) -> Sequence[Sequence[ToDo]]:
    """What is to be done about letters, the periods together of which the same is said."""
    found: dict[tuple[str, State, str | None], list[ToDo]] = {}
    for each in to_do:
        found.setdefault((each.campaign, each.state, each.step), []).append(each)
    return list(found.values())


def _explained(status: Status, told_above: Collection[str]) -> Sequence[Look]:
    """The states that are on the page and not defined in the glossary."""
    there = {
        state
        for standings in status.campaigns.values()
        for standing in standings
        for state in standing.counts
    }
    return [look for state, look in LOOKS.items() if state in there and look.word not in told_above]


def _proofs(home: Home, ledger: Ledger) -> Mapping[tuple[str, str], str]:
    """Campaign and period → link to the proof sheet, where there is one."""
    return {
        (campaign, period): f"../../outbox/{quote(campaign)}/{quote(period)}/index.html"
        for campaign, period in with_sheets(
            home, [(known.campaign, known.period) for known in ledger.periods()]
        )
    }


def with_sheets(home: Home, periods: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """The campaigns and periods among these that have a proof sheet."""
    return [each for each in periods if (period_folder(home.outbox, *each) / "index.html").exists()]


def _charts(engagement: pl.DataFrame, kept: Kept) -> Mapping[str, Mapping[str, str]]:
    """Campaign → its chart as SVG for wide and narrow screens, and its last rate in words."""
    found = {}
    for (campaign,), rows in engagement.group_by("campaign", maintain_order=True):
        rates = told(rows)
        if rates.is_empty():
            continue
        last = rates.drop_nulls("low").row(-1, named=True)
        found[str(campaign)] = {
            "wide": kept(open_rate_chart(rates, width=_WIDE, colours=OF_A_PAGE)),
            "narrow": kept(open_rate_chart(rates.tail(_RECENT), width=_NARROW, colours=OF_A_PAGE)),
            "title": (
                f"{spoken((last['low'], last['high']))} of the {last['delivered']} letters of "
                f"the {week_of(last['period'])} were opened"
            ),
        }
    return found
