"""The proof sheet: pages on this machine that show every letter of a period side by side.

For the people who send; nothing here is delivered or published, and nothing is decided. What
is odd comes first. The pages need no script and open from disk.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import jinja2

from edu_pipeline.mail.ledger import Entry, Ledger
from edu_pipeline.mail.ledger_tables import State
from edu_pipeline.mail.mime import UnsendableError
from edu_pipeline.mail.transports.folder import period_folder, write_readable, write_whole

PREVIEWS = "previews"
"""Folder, beside the delivered letters, of those that this outbox did not deliver."""


@dataclass(frozen=True)
class Look:
    """How a state is shown; colour never says it alone."""

    symbol: str
    word: str
    tone: str
    """A class in the style sheet: bad, doubt, wait, good or quiet."""


LOOKS: Mapping[State, Look] = {
    State.failed: Look("✕", "Refused", "bad"),
    State.bounced: Look("✕", "Bounced", "bad"),
    State.dropped: Look("✕", "Dropped", "bad"),
    State.complained: Look("✕", "Marked as spam", "bad"),
    State.unknown: Look("?", "Unknown", "doubt"),
    State.held: Look("‖", "Held", "doubt"),
    State.expired: Look("⊘", "Expired", "doubt"),
    State.draft: Look("○", "Draft", "wait"),
    State.approved: Look("○", "Approved", "wait"),
    State.pending: Look("○", "Waiting", "wait"),
    State.claimed: Look("○", "On its way", "wait"),
    State.sent: Look("✓", "Sent", "good"),
    State.delivered: Look("✓", "Delivered", "good"),
    State.suppressed: Look("–", "Suppressed", "quiet"),
    State.cancelled: Look("–", "Cancelled", "quiet"),
}
"""In the order in which counts and letters are shown."""

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


@dataclass(frozen=True)
class Count:
    """Letters in one state."""

    look: Look
    number: int


def write_proofs(
    outbox: Path, ledger: Ledger, campaign: str, period: str, templates: jinja2.Environment
) -> Path:
    """Write a period's proof sheet and the outbox's list of periods.

    Letters that were not delivered into this outbox are written to `previews/` to be seen.

    Args:
        outbox: Where the folder transport delivers.
        ledger: Read only.
        campaign: Such as `teachers`.
        period: Such as `2026-W40`.
        templates: From `render.environment`; escapes what is put into `.html.j2`.

    Returns:
        The period's page.
    """
    folder = period_folder(outbox, campaign, period)
    entries = ledger.entries(campaign, period)
    cards = [_card(folder, ledger, entry) for entry in entries]
    _remove_old_previews(folder, cards)
    page = folder / "index.html"
    _render(
        templates,
        "outbox/period.html.j2",
        page,
        campaign=campaign,
        period=period,
        total=len(entries),
        counts=_counts(ledger.counts(campaign, period)),
        sections=arrange(cards),
    )
    _render(
        templates,
        "outbox/index.html.j2",
        outbox / "index.html",
        periods=[
            {
                "campaign": known.campaign,
                "period": known.period,
                "href": f"{quote(known.campaign)}/{quote(known.period)}/index.html",
                "total": sum(known.counts.values()),
                "counts": _counts(known.counts),
            }
            for known in ledger.periods()
            if (period_folder(outbox, known.campaign, known.period) / "index.html").exists()
        ],
    )
    return page


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
    sections = [
        Section("Needs a look", odd),
        Section("With a note", noted),
        Section("As usual", left),
        Section("Not going out", withdrawn),
    ]
    return [section for section in sections if section.cards]


def _card(folder: Path, ledger: Ledger, entry: Entry) -> Card:
    key = entry.recipient_key
    delivered = LOOKS[entry.state].tone == "good" and (folder / f"{key}.eml").exists()
    if not delivered:
        with suppress(UnsendableError):  # it failed for that, and the card says so
            write_readable(folder / PREVIEWS, ledger.letter(entry.key))
    place = "" if delivered else f"{PREVIEWS}/"

    def link(suffix: str) -> str:
        name = f"{place}{key}.{suffix}"
        return quote(name) if (folder / name).exists() else ""

    return Card(entry, LOOKS[entry.state], link("html"), link("txt"), link("eml"))


def _remove_old_previews(folder: Path, cards: Iterable[Card]) -> None:
    shown = {folder / link for card in cards for link in (card.html, card.text)}
    for path in (folder / PREVIEWS).glob("*"):
        if path not in shown:
            path.unlink()
    with suppress(OSError):  # not there, or not empty
        (folder / PREVIEWS).rmdir()


def _counts(counts: Mapping[State, int]) -> Sequence[Count]:
    return [Count(look, counts[state]) for state, look in LOOKS.items() if counts.get(state)]


def _render(templates: jinja2.Environment, name: str, path: Path, **values: object) -> None:
    write_whole(path, templates.get_template(name).render(**values).encode())
