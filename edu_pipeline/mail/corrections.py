"""How a letter says that it corrects one that went out."""

from dataclasses import replace

from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.render import with_note

_SUBJECT = "Corrected: "


def corrected(letter: Letter, why: str) -> Letter:
    """The letter with a subject and a first line that say what it corrects."""
    html, text = with_note(letter.html, letter.text, f"This letter corrects an earlier one. {why}")
    return replace(letter, subject=f"{_SUBJECT}{letter.subject}", html=html, text=text)
