"""How a letter says that it corrects one that went out."""

from dataclasses import replace

from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.names import Names
from edu_pipeline.mail.render import with_note

LONGEST_REASON = 500
"""Characters: the note fits into what `render.MOST_BYTES` leaves for it."""
_SUBJECT = "Corrected: "


def corrected(letter: Letter, why: str) -> Letter:
    """The letter with a subject and a first line that say what it corrects."""
    html, text = with_note(letter.html, letter.text, f"This letter corrects an earlier one. {why}")
    return replace(letter, subject=f"{_SUBJECT}{letter.subject}", html=html, text=text)


def unfit(why: str, known: Names) -> str | None:
    """Why a reason cannot stand in every corrected letter; None where it can. Does not quote it.

    Args:
        why: What was wrong, as readers would see it.
        known: Everybody whose name must not be shown to just anyone.
    """
    if known.in_text(why):
        return (
            "The reason of the correction names somebody, and every corrected letter would say it. "
            "Say it without a name."
        )
    if len(why) > LONGEST_REASON:
        return (
            f"The reason of the correction has {len(why)} characters; a sentence will do, and "
            f"{LONGEST_REASON} are the most."
        )
    if not why.isprintable():
        return "The reason of the correction has a line break or control character. Take it out."
    return None
