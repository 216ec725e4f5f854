"""What the commands share: the screen, what a user can put right, reading a home's warehouse."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from edu_pipeline.settings import Home
from edu_pipeline.shipped import PROJECT

if TYPE_CHECKING:
    import polars as pl

HELD = 3
"""Exit code where something must be looked at."""
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class UserError(Exception):
    """Something that the user can put right; the message says how."""


def command(home: Home, rest: str) -> str:
    """A command on this home, ready to paste."""
    return f"edu-pipeline{'' if home.root == PROJECT else f' --home {home.root}'} {rest}"


def read_tables(home: Home, names: Sequence[str]) -> "list[pl.DataFrame]":
    """Tables of a home's warehouse, while no run writes to it.

    Raises:
        UserError: No refresh has come to its end yet.
    """
    from edu_pipeline.warehouse import home_lock, open_warehouse, read_table, tables

    if home.warehouse.is_file():
        with home_lock(home.lock), open_warehouse(home.warehouse, read_only=True) as con:
            if set(names) <= tables(con):
                return [read_table(con, name) for name in names]
    raise UserError(f"No refresh has come to its end yet. Run: {command(home, 'run')}")
