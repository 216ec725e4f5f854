"""The proof sheet: pages on this machine that show every letter of a period side by side.

For the people who send; nothing here is delivered or published, and nothing is decided. What
is odd comes first. The pages need no script and open from disk.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import jinja2

from edu_pipeline.ground.files import write_whole
from edu_pipeline.ground.wording import in_points
from edu_pipeline.mail.ledger.approvals import review
from edu_pipeline.mail.ledger.reading import Entry
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import FOLDER
from edu_pipeline.mail.letter import Figure
from edu_pipeline.mail.mailing import options
from edu_pipeline.mail.mime import UnsendableError
from edu_pipeline.mail.states import LOOKS, Look, State
from edu_pipeline.mail.transports.folder import (
    file_stem,
    period_folder,
    write_readable,
)

PREVIEWS = "previews"
"""Folder, beside the delivered letters, of those that this outbox did not deliver."""
MOST_MOVED = 15
MOST_ALIKE = 12
"""Letters that are shown of those that wait for the same reason."""


_ORDER = {state: position for position, state in enumerate(LOOKS)}


@dataclass(frozen=True)
class Card:
    """One letter on the sheet; links are relative to the page and empty without a file."""

    entry: Entry
    look: Look
    html: str
    text: str
    eml: str


@dataclass(frozen=True)
class Section:
    """Letters that are looked at for the same reason."""

    title: str
    cards: Sequence[Card]
    more: int = 0
    """Not shown, for as many others have the same reason; they stand in the list of reasons."""


@dataclass(frozen=True)
class Reason:
    """Letters that are in one state for the same reason."""

    look: Look
    why: str
    cards: Sequence[Card]


@dataclass(frozen=True)
class Moved:
    """A figure, and the letters that state it."""

    label: str
    share: float | None
    """Numerator ÷ denominator; None where the denominator is 0."""
    change: float | None
    unusual: bool
    length: float
    """Size of the change as a share of the largest one in the table."""
    cards: Sequence[Card]


@dataclass(frozen=True)
class Movement:
    """The figures that moved most, and how many there are behind them."""

    shown: Sequence[Moved]
    less: int
    """Moved too, but not as much as those shown."""
    unusual: int
    """Of those, the unusual ones."""
    still: int
    incomparable: int
    """Nothing to compare them with."""


@dataclass(frozen=True)
class Count:
    """Letters in one state."""

    look: Look
    number: int


def write_proofs(
    outbox: Path,
    ledger: Ledger,
    campaign: str,
    period: str,
    templates: jinja2.Environment,
    *,
    school: str,
    title: str,
) -> Path:
    """Write a period's proof sheet.

    Letters that were not delivered into this outbox are written to `previews/` to be seen.

    Args:
        outbox: Where the folder transport delivers.
        ledger: Read only.
        campaign: Such as `teachers`.
        period: Such as `2026-W40`.
        templates: From `render.environment`; escapes what is put into `.html.j2`.
        school: What the home is called.
        title: What the campaign is called.

    Returns:
        The period's page.
    """
    folder = period_folder(outbox, campaign, period)
    entries = ledger.entries(campaign, period)
    cards = [_card(outbox, ledger, entry) for entry in entries]
    _remove_old_previews(folder, cards)
    page = folder / "index.html"
    html = templates.get_template("outbox/period.html.j2").render(
        school=school,
        title=title,
        period=period,
        total=len(entries),
        digest=_digest(ledger, campaign, period),
        options=options(campaign, period, ledger.campaigns()),
        counts=_counts(ledger.counts(campaign, period)),
        reasons=reasons_of(cards),
        movement=movement_of(cards, ledger.stated(campaign, period)),
        sections=arrange(cards),
    )
    write_whole(page, html.encode())
    return page


def folder_of(outbox: Path, entry: Entry) -> Path:
    """Where a letter's files are: as it was delivered there, or to be looked at."""
    folder = period_folder(outbox, entry.campaign, entry.period)
    delivered = LOOKS[entry.state].tone == "good" and entry.transport == FOLDER
    if delivered and (folder / f"{file_stem(entry)}.eml").exists():
        return folder
    return folder / PREVIEWS


def arrange(cards: Iterable[Card]) -> Sequence[Section]:
    """What needs a look first, then what has most notes, then by name; empty sections left out."""

    def by_name(card: Card) -> tuple[str, str, str]:
        entry = card.entry
        return (entry.subject.casefold(), entry.recipient_name.casefold(), entry.key)

    left = sorted(cards, key=by_name)

    def take(wanted: Callable[[Card], bool], order: Callable[[Card], int]) -> Sequence[Card]:
        taken = sorted((card for card in left if wanted(card)), key=order)
        left[:] = [card for card in left if not wanted(card)]
        return taken

    def by_state(card: Card) -> int:
        return _ORDER[card.entry.state]

    odd = take(lambda card: card.look.tone in {"bad", "doubt"}, by_state)
    withdrawn = take(lambda card: card.look.tone == "quiet", by_state)
    noted = take(lambda card: bool(card.entry.notes), lambda card: -len(card.entry.notes))
    seen: Counter[tuple[State, str]] = Counter()
    examples = []
    for card in odd:
        reason = (card.entry.state, card.entry.reason)
        seen[reason] += 1
        if seen[reason] <= MOST_ALIKE:
            examples.append(card)
    sections = [
        Section("Needs a look", examples, len(odd) - len(examples)),
        Section("With a note", noted),
        Section("As usual", left),
        Section("Not going out", withdrawn),
    ]
    return [section for section in sections if section.cards]


def reasons_of(cards: Iterable[Card]) -> Sequence[Reason]:
    """Why letters were not delivered: the worst state first, then the most frequent reason."""
    found: dict[tuple[State, str], list[Card]] = {}
    for card in sorted(cards, key=_by_recipient):
        if _has_a_reason(card):
            found.setdefault((card.entry.state, card.entry.reason), []).append(card)

    def order(item: tuple[tuple[State, str], list[Card]]) -> tuple[int, int, str]:
        (state, why), alike = item
        return (_ORDER[state], -len(alike), why)

    return [
        Reason(LOOKS[state], why, alike) for (state, why), alike in sorted(found.items(), key=order)
    ]


def movement_of(cards: Iterable[Card], stated: Mapping[str, Sequence[Figure]]) -> Movement | None:
    """The figures that moved most, unusual ones first, then by size of change.

    A figure that several letters state alike is one figure. Letters that are not going out have
    no say.

    Args:
        cards: The letters of a period.
        stated: Letter key → its figures.

    Returns:
        None where no letter states a figure.
    """
    found: dict[Figure, list[Card]] = {}
    for card in sorted(cards, key=_by_recipient):
        if card.look.tone != "quiet":
            for figure in dict.fromkeys(stated.get(card.entry.key, ())):
                found.setdefault(figure, []).append(card)
    if not found:
        return None

    def size(figure: Figure) -> float:
        return abs(in_points(figure.change or 0))

    def order(figure: Figure) -> tuple[bool, float, str, str]:
        return (not figure.unusual, -size(figure), figure.label.casefold(), figure.subject)

    moved = sorted((figure for figure in found if figure.unusual or size(figure)), key=order)
    others = Counter(figure.change is None for figure in found.keys() - set(moved))
    shown, less = moved[:MOST_MOVED], moved[MOST_MOVED:]
    largest = max(map(size, shown), default=0) or 1
    return Movement(
        shown=[
            Moved(
                label=figure.label,
                share=figure.numerator / figure.denominator if figure.denominator else None,
                change=figure.change,
                unusual=figure.unusual,
                length=size(figure) / largest,
                cards=found[figure],
            )
            for figure in shown
        ],
        less=len(less),
        unusual=sum(figure.unusual for figure in less),
        still=others[False],
        incomparable=others[True],
    )


def _has_a_reason(card: Card) -> bool:
    return card.look.tone in {"bad", "doubt"} or card.entry.state is State.suppressed


def _by_recipient(card: Card) -> tuple[str, str]:
    return (card.entry.recipient_name.casefold(), card.entry.key)


def _card(outbox: Path, ledger: Ledger, entry: Entry) -> Card:
    place = folder_of(outbox, entry)
    if place.name == PREVIEWS:
        with suppress(UnsendableError):  # it failed for that, and the card says so
            write_readable(place, ledger.letter(entry.key))
    sheet = period_folder(outbox, entry.campaign, entry.period)

    def link(suffix: str) -> str:
        file = place / f"{file_stem(entry)}.{suffix}"
        return quote(file.relative_to(sheet).as_posix()) if file.exists() else ""

    return Card(entry, LOOKS[entry.state], link("html"), link("txt"), link("eml"))


def _remove_old_previews(folder: Path, cards: Iterable[Card]) -> None:
    shown = {folder / link for card in cards for link in (card.html, card.text)}
    for path in (folder / PREVIEWS).glob("*"):
        if path not in shown:
            path.unlink()
    with suppress(OSError):  # not there, or not empty
        (folder / PREVIEWS).rmdir()


def _digest(ledger: Ledger, campaign: str, period: str) -> str:
    """Stands for what is to be approved; empty where nothing is."""
    seen = review(ledger, campaign, period)
    return seen.digest if seen.drafts else ""


def _counts(counts: Mapping[State, int]) -> Sequence[Count]:
    return [Count(look, counts[state]) for state, look in LOOKS.items() if counts.get(state)]
