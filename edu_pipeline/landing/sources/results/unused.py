"""Columns that are no grade of an exam, no group and no question: each with the reason that people are told."""

import re

from edu_pipeline.landing.sources.results.series import sounds_like_series
from edu_pipeline.settings.attainment import Attainment

_PAPER = re.compile(
    r"\b(?:papers?|components?|comp|units?) ?\d\b|\bp[1-6]\b|\bpapers?\b|\bnea\b", re.IGNORECASE
)
_KEY_STAGE_2 = re.compile(r"\b(?:ks ?2|key stage ?2)\b", re.IGNORECASE)
OF_A_PAPER = "it is of one paper, and an exam counts as a whole"
OF_KEY_STAGE_2 = "it is of key stage 2, which is no exam of these and no baseline unless you say so"


def why_unused(header: str, settings: Attainment, *, measured: bool) -> str | None:
    """Why no figure is made of a column; None where it may be anything.

    Args:
        header: As received.
        settings: The section of `pipeline.toml`, which may say that it is a series.
        measured: Whether numbers or grades stand in it, or nothing: a word of few is a band, by which
            students can be grouped.
    """
    spelt = header.replace("_", " ")
    if sounds_like_series(header, settings) or not measured:
        return None
    if _PAPER.search(spelt):
        return OF_A_PAPER
    return OF_KEY_STAGE_2 if _KEY_STAGE_2.search(spelt) else None
