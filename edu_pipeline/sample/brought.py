"""The settings that a sample brings into a home, and takes away with it.

They stand in files of their own below `data/sample/`, so that nothing is written into a
`pipeline.toml` that a person keeps; `load_settings` reads them while the sample lies there, and
what `pipeline.toml` says wins. Not here: the exports that they belong to.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edu_pipeline.settings.home import Home
from edu_pipeline.settings.letters import SAMPLE_DOMAIN, SAMPLE_SENDER

SCHOOL = f"""
[school]
name = "Riverside School"
time_zone = "America/New_York"

[attendance.codes]
P = "present"
T = "tardy"
A = "unexcused"
E = "excused"
H = "half_day"

[letters]
from_name = "{SAMPLE_SENDER}"
from_email = "reports@{SAMPLE_DOMAIN}"
reply_to = "data.team@{SAMPLE_DOMAIN}"

[mail]
tracking = "individual"
"""
"""What the made-up school would say in its `pipeline.toml`."""
_HEAD = (
    "# Made up: what a sample brings with it. What pipeline.toml says wins.\n"
    "# `edu-pipeline sample --clear` takes this file away again.\n"
)


def bring(home: Home, kind: str, settings: str) -> Path:
    """Write a sample's settings, in the place of those of an earlier one of its kind.

    Args:
        home: Where.
        kind: Such as `school`.
        settings: TOML.
    """
    home.brought.mkdir(parents=True, exist_ok=True)
    path = home.brought / f"{kind}.toml"
    path.write_text(f"{_HEAD}\n{settings.strip()}\n", encoding="utf-8")
    return path


def take_away(home: Home) -> None:
    """Remove every sample's settings."""
    for path in home.brought.glob("*.toml"):
        path.unlink()
    if home.brought.is_dir() and not any(home.brought.iterdir()):
        home.brought.rmdir()


def said_otherwise(home: Home, settings: str) -> list[str]:
    """The keys of a sample's settings that `pipeline.toml` has a value of its own for."""
    own = tomllib.loads(home.config.read_text(encoding="utf-8-sig"))
    return list(_both(tomllib.loads(settings), own, ""))


def _both(brought: Mapping[str, Any], own: Mapping[str, Any], place: str) -> Iterator[str]:
    for key, value in brought.items():
        said = own.get(key, "")
        if isinstance(value, Mapping) and isinstance(said, Mapping):
            yield from _both(value, said, f"{place}{key}.")
        elif said != "" and not isinstance(value, list):
            yield f"{place}{key}"
