"""What is said of landed files, whatever the source: what each is taken for, and lines about it.

Here is the shape only; what is said is for the sources (`sources/…/described`), how it looks for who
shows it.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Row:
    """One line of a block."""

    label: str
    text: str
    wrong: bool = False
    """Whether somebody must look at it."""


@dataclass(frozen=True)
class Block:
    """What is said about one thing."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Taken:
    """A file, and what it is taken for."""

    path: str
    source: Literal["school", "edx", "results"] | None
    taken_for: str | None
    """Such as attendance, or grade report of UQx_BUSLEAD1x_1T2027; None: nothing that is read."""
    why: str
    """The evidence; of what is taken for nothing the reason."""
    counts: bool = True
    """Whether its rows are read; not those of a file that a newer one replaces."""
    rows: int | None = None
    error: str | None = None
    """Why it cannot be read."""


@dataclass(frozen=True)
class Described:
    """What one source has to say."""

    taken: tuple[Taken, ...]
    blocks: tuple[Block, ...]
