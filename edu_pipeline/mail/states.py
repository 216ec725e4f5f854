"""How a letter stands, and the one vocabulary for it: word, symbol, meaning, what to do.

The shell, the pages, Dagster's checks and the docs say it with these words and no others.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where a letter stands."""

    draft = "draft"
    approved = "approved"
    pending = "pending"
    claimed = "claimed"
    sent = "sent"
    failed = "failed"
    unknown = "unknown"
    suppressed = "suppressed"
    held = "held"
    expired = "expired"
    cancelled = "cancelled"
    delivered = "delivered"
    bounced = "bounced"
    dropped = "dropped"
    complained = "complained"


@dataclass(frozen=True)
class Look:
    """How a state is shown; colour never says it alone."""

    symbol: str
    word: str
    """Also, in small letters, what comes after a number of letters."""
    tone: str
    """A class in the style sheet: bad, doubt, wait, good or quiet."""
    meaning: str
    """A sentence for somebody who sees the word for the first time."""
    to_do: str = ""
    """What a person should do about it; before a command, if there is one."""
    command: str = ""
    """What does it, of `edu-pipeline`; `{options}` say which period, `{which}` which letters."""

    @property
    def phrase(self) -> str:
        """What comes after a number of letters."""
        return self.word.lower()


LOOKS: Mapping[State, Look] = MappingProxyType(
    {
        State.unknown: Look(
            "?",
            "Unknown",
            "doubt",
            "It may have gone out or not, and is not sent again on its own.",
            "They may or may not have gone out. The next delivery asks the carrier, where it keeps "
            "records, before it sends anything. If it cannot tell, ask a recipient or look into its "
            "records, then say what became of them:",
            'mail resolve arrived|send-again|give-up {which} --reason "…"',
        ),
        State.complained: Look(
            "✕",
            "Marked as spam",
            "bad",
            "It arrived, and its recipient reported it as spam.",
            "Their recipients are not written to any more. Talk to them.",
        ),
        State.failed: Look(
            "✕",
            "Refused",
            "bad",
            "The carrier did not take it.",
            "The proof sheet says why. When that is put right:",
            'mail resolve send-again {which} --reason "…"',
        ),
        State.bounced: Look(
            "✕",
            "Bounced",
            "bad",
            "The recipient's mail server sent it back.",
            "Correct the addresses in the source data; the proof sheet shows whose.",
        ),
        State.dropped: Look(
            "✕",
            "Dropped",
            "bad",
            "The carrier took it and did not deliver it.",
            "The proof sheet says why.",
        ),
        State.held: Look(
            "‖",
            "Held",
            "doubt",
            "Something must be put right before it may go out.",
            "The proof sheet says for each what must be put right; the next run then takes it up.",
        ),
        State.expired: Look(
            "⊘", "No longer news", "doubt", "It was too old before it could go out."
        ),
        State.draft: Look(
            "○",
            "To be approved",
            "wait",
            "It waits for somebody to approve it.",
            "Look at the proof sheet, then:",
            "mail approve {options}",
        ),
        State.approved: Look("○", "Approved", "wait", "It goes out with the next delivery."),
        State.pending: Look("○", "Ready to go", "wait", "It goes out with the next delivery."),
        State.claimed: Look("○", "On the way", "wait", "A delivery is at work on it."),
        State.sent: Look("✓", "Sent", "good", "The carrier took it."),
        State.delivered: Look("✓", "Delivered", "good", "The recipient's mail server took it."),
        State.suppressed: Look(
            "–",
            "Not written to",
            "quiet",
            "Its recipient is not to be written to, or had it already.",
        ),
        State.cancelled: Look(
            "–", "Cancelled", "quiet", "Somebody took it back, or there is no reason for it."
        ),
    }
)
"""In the order of urgency, in which counts and letters are shown."""
_MOST_NAMED = 3
"""Letters that a command names one by one; of more it says the period."""


def in_words(counts: Mapping[State, int]) -> str:
    """`2 held, 37 to be approved`; nothing where there are no letters."""
    told = (f"{counts[state]} {look.phrase}" for state, look in LOOKS.items() if counts.get(state))
    return ", ".join(told)


def step_for(state: State, options: str, keys: Collection[str] = ()) -> str | None:
    """The command that does what is to be done about letters in a state, without `edu-pipeline`.

    Args:
        state: Theirs.
        options: Such as `--week 2026-W40`: by which commands mean their period.
        keys: Theirs; none: of all letters of the period.
    """
    which = " ".join(sorted(keys)) if 0 < len(keys) <= _MOST_NAMED else options
    return LOOKS[state].command.format(options=options, which=which) or None
