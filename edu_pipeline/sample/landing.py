"""Putting a sample into a landing zone, marked as invented, and taking it out again.

Not here: inventing it, and reading what lies in a landing zone.
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from edu_pipeline.settings.landing import SAMPLE_MARKER
from edu_pipeline.settings.letters import SAMPLE_DOMAIN

_SETTLED_SECONDS = 10
_FOR_EXPORTS = Path("school")
"""Below a landing zone, as `init` makes it for a school's own."""


class SampleError(Exception):
    """The sample cannot be written or removed; the message says what to do."""


def write_sample(landing: Path, tables: Mapping[str, pl.DataFrame]) -> list[Path]:
    """Write tables as CSV files under `landing/school`, after the marker that calls them invented.

    Files of an earlier sample are replaced. The marker is written first, so that there is no
    moment at which invented people could be taken for real ones.

    Args:
        landing: The landing zone's folder; it is made if it does not exist.
        tables: Frames by table name, as `make_school` returns them.

    Returns:
        The CSV files written, one per table.

    Raises:
        SampleError: The folder holds files that no earlier sample put there, or a marker that
            cannot be trusted. Nothing is written then.
    """
    return write_files(
        landing,
        {f"school/{table}.csv": frame.write_csv().encode() for table, frame in tables.items()},
    )


def write_files(landing: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write an invented home's exports; those of an earlier sample in other folders stay.

    Args:
        landing: The landing zone's folder; it is made if it does not exist.
        files: Path below it → content.

    Returns:
        The files written.

    Raises:
        SampleError: As `write_sample`.
    """
    earlier = _marked_files(landing)
    foreign = own_files(landing)
    if foreign:
        raise SampleError(
            f"{landing} already holds {len(foreign)} file(s) that are not part of a sample, such as "
            f"{foreign[0].relative_to(landing).as_posix()}. Move them away, or write the sample "
            "into another home: invented students must not mix with real ones."
        )
    paths = [landing / path for path in files]
    folders = {path.partition("/")[0] for path in files}
    stale = [path for path in earlier if path.relative_to(landing).parts[0] in folders]
    kept = [path for path in earlier if path not in stale]
    for path in set(stale) - set(paths):
        path.unlink(missing_ok=True)
    landing.mkdir(parents=True, exist_ok=True)
    marker = {
        "files": [path.relative_to(landing).as_posix() for path in (*kept, *paths)],
        "email_domain": SAMPLE_DOMAIN,
        "since": (sample_since(landing) or datetime.now(UTC)).isoformat(timespec="seconds"),
    }
    (landing / SAMPLE_MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
    # what is here for some time is not waited for, as a file is that may still be growing
    written = time.time() - _SETTLED_SECONDS
    for path, content in zip(paths, files.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (written, written))
    return paths


def clear_sample(landing: Path) -> list[Path]:
    """Remove the files that the marker names, and the marker after them.

    Args:
        landing: The landing zone's folder.

    Returns:
        The files removed; empty when there is no sample.

    Raises:
        SampleError: The marker cannot be read or names a file outside the folder. Nothing is
            removed then.
    """
    marker = landing / SAMPLE_MARKER
    removed = [path for path in [*_marked_files(landing), marker] if path.is_file()]
    for path in removed:
        path.unlink(missing_ok=True)
    folders = {folder for path in removed for folder in path.relative_to(landing).parents}
    for folder in sorted(folders - {Path(), _FOR_EXPORTS}, reverse=True):
        with suppress(OSError):  # something of somebody else's lies there
            (landing / folder).rmdir()
    return removed


def sample_since(landing: Path) -> datetime | None:
    """When the sample came that lies there, the first of several; None where none does."""
    marker = landing / SAMPLE_MARKER
    try:
        return datetime.fromisoformat(json.loads(marker.read_text(encoding="utf-8"))["since"])
    except FileNotFoundError:
        return None
    except (KeyError, ValueError, TypeError):  # as an older version wrote it
        there = [
            path.stat().st_mtime for path in (marker, *_marked_files(landing)) if path.exists()
        ]
        return datetime.fromtimestamp(min(there), UTC)


def own_files(landing: Path) -> list[Path]:
    """What lies in the landing zone and is not the sample's."""
    return sorted(set(files_in(landing)) - set(_marked_files(landing)))


def _marked_files(landing: Path) -> list[Path]:
    """The files that the marker names, each of them inside the landing zone."""
    marker = landing / SAMPLE_MARKER
    if not marker.exists():
        return []
    try:
        names = json.loads(marker.read_text(encoding="utf-8"))["files"]
        paths = [landing / name for name in names]
    except (ValueError, KeyError, TypeError) as error:
        raise SampleError(
            f"{marker} is not a marker this program wrote. Remove the sample's files and the "
            "marker by hand."
        ) from error
    home = landing.resolve()
    if any(home not in path.resolve().parents for path in paths):
        raise SampleError(
            f"{marker} names a file outside {landing}, so nothing was touched. Remove the "
            "sample's files and the marker by hand."
        )
    return paths


def files_in(landing: Path) -> list[Path]:
    """What lies in the landing zone, without the marker, a README and housekeeping files."""
    return [
        path
        for path in landing.rglob("*")
        if (path.is_file() or path.is_symlink())
        and path != landing / SAMPLE_MARKER
        and path.stem.upper() != "README"
        and path.name not in {".gitkeep", ".gitignore", ".DS_Store"}
    ]
