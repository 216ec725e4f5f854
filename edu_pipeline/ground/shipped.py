"""Files that come with the package beside its modules: templates, and what a new home starts with."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
PROJECT = _PACKAGE.parent
"""The checkout's root: the home of whoever names no other."""


def shipped(name: str) -> Path:
    """Where a shipped file or folder is, in a checkout or in an installed package."""
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.exists() else PROJECT / name
