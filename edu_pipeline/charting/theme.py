"""Colours, type and sizes that all charts share, and the Vega-Lite configuration made of them.

What a chart shows is the business of the job that draws it.
"""

from dataclasses import dataclass
from typing import Any

BELOW, MET, EXCEEDED = "#D55E00", "#0072B2", "#009E73"
"""Outcomes; told apart by the colour-blind, and never without ▼ ● ▲ and a word."""

MINE = "#0b63ad"
TEAM = "#6f7c89"
SCHOOL = "#8792a0"
INK = "#1b2733"
MUTED = "#5a6672"
GRID = "#eceff2"
BASELINE = "#b9c1c9"
PAPER = "#ffffff"

FONT = "Liberation Sans"
"""Comes with the renderer, so charts look the same on every machine; it has ▲ and ▼."""

TITLE_SIZE = 17
LABEL_SIZE = 16
TEXT_SIZE = 14
SUBTITLE_SIZE = 13


@dataclass(frozen=True)
class Colours:
    """Of a chart that is not on paper: as Vega-Lite or, in a page, CSS has them."""

    mine: str = MINE
    ink: str = INK
    muted: str = MUTED
    grid: str = GRID
    paper: str = PAPER


OF_A_PAGE = Colours(
    mine="var(--wait)",
    ink="var(--ink)",
    muted="var(--soft)",
    grid="var(--line)",
    paper="var(--desk)",
)
"""The variables that the frame of all pages sets, for light and dark."""


def vega_config() -> dict[str, Any]:
    """Top-level `config` of every chart: titles on the left, a horizontal grid, no frame."""
    return {
        "background": PAPER,
        "font": FONT,
        "view": {"stroke": None},
        "title": {
            "anchor": "start",
            "frame": "group",
            "color": INK,
            "fontSize": TITLE_SIZE,
            "fontWeight": "bold",
            "subtitleColor": MUTED,
            "subtitleFontSize": SUBTITLE_SIZE,
            "subtitlePadding": 5,
        },
        "axis": {
            "title": None,
            "labelColor": MUTED,
            "labelFontSize": TEXT_SIZE,
            "labelPadding": 5,
            "gridColor": GRID,
            "tickColor": BASELINE,
            "domainColor": BASELINE,
        },
    }
