"""The landing zone: which files lie there, what they hold, and how to read their bytes.

A zone is a URL, a folder or a bucket. What a file means is for the source modules to say.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.parse import urlparse
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from edu_pipeline.settings.landing import SAMPLE_MARKER

ENDINGS = (".csv", ".txt", ".tsv", ".xlsx", ".xls", ".ods")
"""How the names of exports end, unless the settings name others."""


class LandingError(Exception):
    """The landing zone cannot be used; the message says what to do."""


@dataclass(frozen=True)
class LandedFile:
    """One object of the zone, not yet read."""

    path: str
    """Below the zone's root, with forward slashes."""
    size: int
    e_tag: str
    last_modified: datetime


class Zone:
    """A folder or a bucket that exports land in."""

    def __init__(self, url: str) -> None:
        self._url = url
        parsed = urlparse(url)
        self._folder = Path(url2pathname(parsed.path)) if parsed.scheme == "file" else None
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)

    def list(self) -> list[LandedFile]:
        """All files but hidden ones and READMEs, by path.

        Raises:
            LandingError: The zone cannot be listed. An unreadable zone is not an empty one.
        """
        try:
            found = [meta for chunk in obstore.list(from_url(self._url)) for meta in chunk]
        except BaseError as error:
            raise LandingError(
                f"The landing zone {self._url} cannot be listed: {str(error).splitlines()[0]}. "
                "Check [landing] url in pipeline.toml and, for a bucket, the AWS_ settings."
            ) from error
        return sorted(
            (
                LandedFile(
                    path=meta["path"],
                    size=meta["size"],
                    e_tag=meta["e_tag"] or "",
                    last_modified=meta["last_modified"],
                )
                for meta in found
                if not any(part.startswith(".") for part in meta["path"].split("/"))
                and PurePosixPath(meta["path"]).stem.upper() != "README"
            ),
            key=lambda file: file.path,
        )

    @contextmanager
    def local(self, path: str) -> Iterator[Path]:
        """A file of the zone as a path of this machine, for readers that want one.

        Raises:
            LandingError: It is not there any more, or may not be read.
        """
        if self._folder is not None and (self._folder / path).is_file():
            yield self._folder / path
            return
        with TemporaryDirectory(prefix="edu-landing-") as scratch:
            target = Path(scratch) / "object"
            try:
                with target.open("wb") as out:
                    for chunk in obstore.get(from_url(self._url), path):
                        out.write(chunk)
            except (BaseError, FileNotFoundError) as error:
                raise LandingError(
                    f"{path} was listed but cannot be read: {str(error).splitlines()[0]}. "
                    "Run again when the export has finished."
                ) from error
            yield target


def digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(digests: Mapping[str, str]) -> str:
    """One digest over path → content digest: equal exactly when the files are equal."""
    return hashlib.sha256(json.dumps(sorted(digests.items())).encode()).hexdigest()


def invented_with_real(paths: Iterable[str], marker: str) -> str | None:
    """Why real exports must not lie beside the sample's, or None where they do not.

    Beside means in one of its folders: a school's exports say nothing about a cohort's results. What
    lies in no folder may be a school's.
    """
    try:
        sample = set(json.loads(marker)["files"])
    except (ValueError, KeyError, TypeError):
        return (
            f"{SAMPLE_MARKER} is not a marker this program wrote. Remove it and the sample's files "
            "by hand, then run again."
        )
    folders = {"", *(_folder(path) for path in sample)}
    foreign = sorted(path for path in paths if path not in sample and _folder(path) in folders)
    if not foreign:
        return None
    return (
        f"{', '.join(foreign[:3])}{' and others' if len(foreign) > 3 else ''} lies beside the "  # noqa: PLR2004
        "sample school's exports. Invented students must not be mixed with real ones: remove the "
        "sample with `edu-pipeline sample --clear`, then run again."
    )


def _folder(path: str) -> str:
    """The folder right below the zone's root that a path is in; nothing for none."""
    folder, _, below = path.partition("/")
    return folder if below else ""
