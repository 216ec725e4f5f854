"""A page per recipient: every letter that was written to them, as it was sent, a click away.

Staff pages. Teachers are listed by name; a learner's page is led to by the proof sheet of a week in
which they were written to, and by nothing else.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import jinja2

from edu_pipeline.ground.files import write_changed, write_whole
from edu_pipeline.ground.wording import moment
from edu_pipeline.mail.ledger.reading import Entry
from edu_pipeline.mail.ledger.recipients import (
    Reached,
    Recipient,
    changed_periods,
    news_of,
    opened_by_people,
    reached,
    recipients,
)
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import OUT, WAITING
from edu_pipeline.mail.proofs import folder_of
from edu_pipeline.mail.states import LOOKS, Look
from edu_pipeline.mail.transports.folder import file_stem
from edu_pipeline.settings.home import Home, Settings, with_home
from edu_pipeline.teachers.edition import CAMPAIGN

_AT_ONCE = 200
"""Recipients whose letters are held in memory together."""
MOST_UNFOLDED = 60
"""Teachers up to whom the list is not folded by initials."""


@dataclass(frozen=True)
class Line:
    """A letter, as its recipient's page shows it."""

    entry: Entry
    look: Look
    why: str
    """Why it is not out; empty where it is, or nothing is known."""
    sent: datetime | None
    opened: bool
    """By a person, as far as anybody counted."""
    html: str
    """Link to the letter, relative to the page; empty where there is no copy of it."""


def letters_index(home: Home) -> Path:
    """The list of teachers that leads to their letters."""
    return home.site / "mail" / "to" / "index.html"


def reached_mark(home: Home) -> Path:
    """How far the pages of recipients go; without it all are written anew."""
    return letters_index(home).with_name(".reached")


def write_letters_pages(
    home: Home,
    settings: Settings,
    ledger: Ledger,
    templates: jinja2.Environment,
    *sheets: tuple[str, str],
) -> None:
    """Write the pages of whom there is news of since they were written, and the list of teachers.

    Args:
        home: Whose.
        settings: The school's name and time zone.
        ledger: Read only.
        templates: From `render.environment`; escapes what is put into `.html.j2`.
        sheets: Campaigns and periods whose letters have been written into the outbox anew.
    """
    now = reached(ledger)
    held = {
        (each.campaign, each.period): each.held for each in ledger.recorded_periods() if each.held
    }
    page = templates.get_template("site/letters_to.html.j2")
    shown = {"school": settings.called, "moment": moment}
    blank = page.render(**shown, name="", email="", lines=())
    look = hashlib.sha256(f"{blank}{sorted(held.items())}".encode()).hexdigest()
    mark = _mark(home)
    if mark == (look, now) and not sheets:
        return
    before = mark[1] if mark and mark[0] == look else Reached()
    everybody = recipients(ledger)
    news = news_of(ledger, before) | {
        entry.recipient_key for sheet in sheets for entry in ledger.entries(*sheet)
    }
    folder = letters_index(home).parent
    there = {file.stem for file in folder.glob("*.html")}
    known = {each.key: each for each in everybody}
    todo = sorted(key for key in known if key in news or key not in there)
    for start in range(0, len(todo), _AT_ONCE):
        some = todo[start : start + _AT_ONCE]
        for key, lines in _letters(home, ledger, settings.zone, some, held):
            who = known[key]
            html = page.render(**shown, name=who.name, email=who.email, lines=lines)
            write_changed(folder / f"{key}.html", with_home(home, html).encode())
    for gone in there - known.keys() - {"index"}:
        (folder / f"{gone}.html").unlink()
    teachers = [each for each in everybody if each.campaign == CAMPAIGN]
    index = templates.get_template("site/letters.html.j2").render(
        **shown, looks=LOOKS, groups=_groups(teachers), namesakes=_namesakes(teachers)
    )
    write_changed(letters_index(home), index.encode())
    write_whole(reached_mark(home), json.dumps({"look": look, **asdict(now)}).encode())


def sheets_behind(home: Home, ledger: Ledger) -> Sequence[tuple[str, str]]:
    """Campaigns and periods of letters that stand otherwise than their pages say."""
    mark = _mark(home)
    return changed_periods(ledger, mark[1]) if mark else ()


def _mark(home: Home) -> tuple[str, Reached] | None:
    """How the pages look that are there, and how far they go."""
    try:
        mark = json.loads(reached_mark(home).read_bytes())
        return mark["look"], Reached(mark["change"], mark["event"])
    except (OSError, ValueError, LookupError):
        return None


def _letters(
    home: Home,
    ledger: Ledger,
    zone: ZoneInfo,
    keys: Collection[str],
    held: Mapping[tuple[str, str], str],
) -> Iterator[tuple[str, Sequence[Line]]]:
    """Recipient → their letters, oldest week first."""
    opened = opened_by_people(ledger, keys)

    def order(entry: Entry) -> tuple[str, str, str, int]:
        return entry.recipient_key, entry.period, entry.campaign, entry.revision

    def line(entry: Entry) -> Line:
        file = folder_of(home.outbox, entry) / f"{file_stem(entry)}.html"
        out = entry.state in OUT
        gate = held.get((entry.campaign, entry.period)) if entry.state in WAITING else None
        return Line(
            entry=entry,
            look=LOOKS[entry.state],
            why="" if LOOKS[entry.state].tone == "good" else entry.reason or gate or "",
            sent=entry.sent_at.astimezone(zone) if out and entry.sent_at else None,
            opened=entry.key in opened,
            html=f"../../../{quote(file.relative_to(home.data).as_posix())}"
            if file.exists()
            else "",
        )

    entries = sorted(ledger.entries_to(keys), key=order)
    for key, theirs in groupby(entries, lambda entry: entry.recipient_key):
        yield key, [line(entry) for entry in theirs]


def _groups(teachers: Sequence[Recipient]) -> Sequence[tuple[str, Sequence[Recipient]]]:
    """Teachers by the initial of their name, or all in one group without a name."""
    if len(teachers) <= MOST_UNFOLDED:
        return [("", teachers)] if teachers else []
    initials = groupby(teachers, lambda each: each.name[:1].upper() or "–")
    return [(initial, list(group)) for initial, group in initials]


def _namesakes(teachers: Iterable[Recipient]) -> frozenset[str]:
    """Names that more than one has."""
    return frozenset(
        name
        for name, alike in groupby(teachers, lambda each: each.name.casefold())
        if len(list(alike)) > 1
    )
