"""The front page, `data/site/index.html`: how this week stands, what waits for whom, what is wrong.

It answers the first question of whoever opens it; what lies behind an answer is on the pages that it
leads to. Letters and problems are counted here, never named.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import jinja2

from edu_pipeline.ground.files import write_whole
from edu_pipeline.ground.templates import templates_of
from edu_pipeline.ground.warehouse import Connection
from edu_pipeline.ground.weeks import monday
from edu_pipeline.ground.wording import counted, day_month, long_date, moment
from edu_pipeline.mail.due import Period, newest_of_each
from edu_pipeline.mail.engagement import campaign_engagement
from edu_pipeline.mail.ledger.controls import paused
from edu_pipeline.mail.ledger.reports import events_frame
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import OUT, WAITING
from edu_pipeline.mail.mailing import options
from edu_pipeline.mail.states import LOOKS, Look, State
from edu_pipeline.mail.status import Standing, Status, status_of
from edu_pipeline.settings.home import Home, Settings, with_home
from edu_pipeline.settings.landing import SAMPLE_MARKER
from edu_pipeline.settings.mail import Mail
from edu_pipeline.site.data_page import Landed, data_page, landed_in, write_data_page
from edu_pipeline.site.glossary_page import glossary_page, write_glossary_page
from edu_pipeline.site.mail_page import mail_page, title_of
from edu_pipeline.site.open_rates import spoken
from edu_pipeline.site.programme_page import programme_page
from edu_pipeline.site.school_page import school_page
from edu_pipeline.teachers.edition import CAMPAIGN

DONE = Look("✓", "Done", "good", "")
WAITS = Look("○", "Waits", "wait", "")
WRONG = Look("‖", "Held", "doubt", "")
NOT_ASKED = Look("–", "Not needed", "quiet", "")
_MOST_PROBLEMS = 5


@dataclass(frozen=True)
class Stage:
    """One stage on the way of a week's letters."""

    name: str
    look: Look
    told: str


@dataclass(frozen=True)
class Way:
    """How far the newest letters of one campaign are."""

    title: str
    about: str
    """Such as `about 23 to 27 November`."""
    stages: Sequence[Stage]
    sentence: str
    """How they stand."""
    step: str | None
    """What to do next, ready to paste; None: nothing."""


@dataclass(frozen=True)
class Link:
    """A page, as it is named to people."""

    page: Path
    title: str
    about: str


def write_front_pages(
    home: Home, settings: Settings, con: Connection, ledger: Ledger, concerns: Sequence[str] = ()
) -> Path:
    """Write the front page and those on data and words, from what the warehouse and the ledger say now.

    Args:
        home: Whose pages.
        settings: Of the home.
        con: The warehouse.
        ledger: Read only.
        concerns: What else somebody should look at, in sentences.

    Returns:
        The front page.
    """
    templates, landed = templates_of(home.templates), landed_in(con, ledger, settings)
    write_data_page(home, settings, landed, templates)
    write_glossary_page(home, settings, templates)
    return write_home_page(home, settings, ledger, landed, templates, concerns)


def write_home_page(
    home: Home,
    settings: Settings,
    ledger: Ledger,
    landed: Landed,
    templates: jinja2.Environment,
    concerns: Sequence[str] = (),
) -> Path:
    """Write `data/site/index.html`, after any page that is new.

    Args:
        home: Whose pages.
        settings: The home's name, and what it has.
        ledger: Read only.
        landed: What the last refresh found.
        templates: From `render.environment`; escapes what is put into `.html.j2`.
        concerns: What else somebody should look at, in sentences.

    Returns:
        The page.
    """
    index = home.site / "index.html"
    engagement = campaign_engagement(
        ledger.letters_frame(), events_frame(ledger), tracking=settings.mail.tracking
    )
    periods = ledger.recorded_periods()
    html = templates.get_template("site/home.html.j2").render(
        school=settings.called,
        ui=settings.school.ui,
        moment=moment,
        written=datetime.now(settings.zone),
        made_up=(home.root / settings.landing.url / SAMPLE_MARKER).is_file(),
        pause=paused(ledger),
        ways=ways(
            periods,
            status_of(ledger.periods(), periods, engagement),
            settings,
            landed.problems,
        ),
        programmes_only=bool(settings.programmes) and not landed.understood,
        landed=landed,
        concerns=concerns,
        most=_MOST_PROBLEMS,
        data=data_page(home).relative_to(home.site).as_posix(),
        expected=_expected(landed.expected, datetime.now(settings.zone).date()),
        pages=[
            (link.page.relative_to(home.site).as_posix(), link.title, link.about)
            for link in _links(home, settings)
            if link.page.exists()
        ],
    )
    write_whole(index, with_home(home, html).encode())
    return index


def attainment_page(home: Home) -> Path:
    """Where the page is that leads to the cohorts' pages."""
    return home.site / "attainment" / "index.html"


def _links(home: Home, settings: Settings) -> Iterator[Link]:
    about = "Attendance and homework of the school and its grade teams, by week and by term."
    yield Link(school_page(home), "School", about)
    about = (
        "Exam results of each cohort against their baselines, to explore; with names and without."
    )
    yield Link(attainment_page(home), "Attainment", about)
    for programme in settings.programmes:
        about = "Who completed it, how far the others are, and which exports are missing."
        yield Link(programme_page(home, programme.id), programme.title, about)
    yield Link(mail_page(home), "Letters", "How they stand, what to look at, how many were opened.")
    about = "Every file, what it was taken for, and what became of its rows."
    yield Link(data_page(home), "Data", about)
    yield Link(glossary_page(home), "Words", "What every figure means, and what it counts.")


def ways(
    periods: Iterable[Period],
    status: Status,
    settings: Settings,
    problems: Sequence[Mapping[str, object]],
) -> list[Way]:
    """How far the newest letters of every campaign are, the teachers' first.

    Args:
        periods: As the last refresh recorded them, oldest first.
        status: How all letters stand.
        settings: Of the home.
        problems: From `model.gate.standing`, those that nobody has released.
    """
    newest = newest_of_each(periods)
    order = sorted(newest, key=lambda campaign: (campaign != CAMPAIGN, campaign))
    return [
        _way(
            newest[campaign],
            title_of(campaign, settings),
            status,
            settings.mail,
            sum(
                each["source"] == ("school" if campaign == CAMPAIGN else "edx") for each in problems
            ),
        )
        for campaign in order
    ]


def _way(period: Period, title: str, status: Status, mail: Mail, problems: int) -> Way:
    standings = status.campaigns.get(period.campaign, ())
    standing = next((each for each in standings if each.period == period.period), None)
    counts = standing.counts if standing else {}
    stages = [
        *([_registers(period)] if period.campaign == CAMPAIGN else []),
        _checked(period, problems),
        _written(counts),
        _approved(counts, mail),
        _sent(counts, mail),
        _opened(standing),
    ]
    sentence, step = _next(period, counts, status)
    return Way(title, _days(period), stages, sentence, step)


def _days(period: Period) -> str:
    first = monday(date.fromisoformat(period.partition.rpartition("|")[2]))
    if period.campaign != CAMPAIGN:
        return f"in the week of {day_month(first)}"
    last = max(period.last_day, first)
    start = f"{first.day}" if first.month == last.month else day_month(first)
    return f"about {day_month(last) if first == last else f'{start} to {day_month(last)}'}"


def _registers(period: Period) -> Stage:
    if period.complete:
        return Stage("Landed", DONE, "All registers are in.")
    return Stage("Landed", WAITS, "Registers are missing.")


def _checked(period: Period, problems: int) -> Stage:
    if period.held:
        return Stage("Checked", WRONG, "Something holds them: see below.")
    return Stage(
        "Checked",
        DONE,
        f"{counted(problems, 'thing')} to look at; they hold no letter."
        if problems
        else "Nothing holds them.",
    )


def _written(counts: Mapping[State, int]) -> Stage:
    number = sum(counts.values())
    if not number:
        return Stage("Written", WAITS, "Not yet.")
    held = counts.get(State.held, 0)
    told = f"{counted(number, 'letter')}{f', {held} held' if held else ''}."
    return Stage("Written", WRONG if held else DONE, told)


def _approved(counts: Mapping[State, int], mail: Mail) -> Stage:
    if waiting := counts.get(State.draft, 0):
        return Stage("Approved", WAITS, f"{counted(waiting, 'letter')} to be approved.")
    if not mail.leaves or mail.approval == "none":
        return Stage("Approved", NOT_ASKED, "Not asked for.")
    return Stage("Approved", DONE if counts else WAITS, "Yes." if counts else "Not yet.")


def _sent(counts: Mapping[State, int], mail: Mail) -> Stage:
    out = sum(number for state, number in counts.items() if state in OUT)
    where = "Sent" if mail.leaves else "In the folder"
    bad = sum(counts.get(state, 0) for state in (State.unknown, State.failed))
    if bad:
        return Stage(where, WRONG, f"{out} out, {bad} refused or in doubt.")
    of = sum(counts.values())
    return Stage(where, DONE if out else WAITS, f"{out} of {of}." if out else "None yet.")


def _opened(standing: Standing | None) -> Stage:
    opened = standing.opened if standing else None
    if opened is None or opened.tracking == "off":
        return Stage("Opened", NOT_ASKED, "Nobody counts.")
    if opened.rate is not None:
        return Stage("Opened", DONE, f"{spoken(opened.rate)}.")
    return Stage("Opened", NOT_ASKED, "Too early, or too few, to tell.")


def _next(period: Period, counts: Mapping[State, int], status: Status) -> tuple[str, str | None]:
    """How a period's letters stand in one sentence, and what to do."""
    mine = [
        each
        for each in status.to_do
        if (each.campaign, each.period) == (period.campaign, period.period)
    ]
    of = options(period.campaign, period.period, status.campaigns)
    again = "run" if period.campaign == CAMPAIGN else "programmes nudge"
    waiting = sum(counts.get(state, 0) for state in WAITING - {State.draft, State.held})
    out = sum(number for state, number in counts.items() if state in OUT)
    if period.held:
        return "They are held until somebody has looked.", "edu-pipeline gate show"
    if mine:
        first = mine[0]
        told = f"{counted(first.number, 'letter')} {LOOKS[first.state].phrase}. {first.what}"
        return told, f"edu-pipeline {first.step}" if first.step else None
    if not counts:
        return "They have not been written yet.", f"edu-pipeline {again}"
    if waiting:
        return f"{counted(waiting, 'letter')} can go out.", f"edu-pipeline mail send {of}"
    return (
        f"{counted(out, 'letter')} {'is' if out == 1 else 'are'} out."
        if out
        else "None of them goes out."
    ), None


def _expected(by: date | None, today: date) -> str | None:
    """When exports must have come, for letters that do not yet exist."""
    if by is None:
        return None
    late = f" That is {counted((today - by).days, 'day')} ago." if today > by else ""
    return f"The next registers should be in by {long_date(by)}.{late}"
