"""The landing zone: which files lie there, what they hold, and how to read their bytes.

A zone is a URL, a folder or a bucket. What a file means is for the source modules to say.
"""

import gzip
import hashlib
import json
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.parse import urlparse
from urllib.request import url2pathname
from zipfile import BadZipFile, ZipFile

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from edu_pipeline.settings.landing import SAMPLE_MARKER

ENDINGS = (".csv", ".txt", ".tsv", ".xlsx", ".xls", ".ods")
"""How the names of exports end, unless the settings name others."""
ARCHIVE, COMPRESSED = ".zip", ".gz"
"""How the names of archives end, and what stands behind the ending of a file that is compressed."""
SHEET = "#"
"""Stands between a workbook and its sheet, where sheets are files of their own."""
NOBODYS = re.compile(r"(^|/)(~\$[^/]*|\.[^/]*|thumbs\.db|desktop\.ini|readme[^/]*)$", re.IGNORECASE)
"""What programs leave behind, and what is for people to read."""
_IN_ARCHIVE = re.compile(rf"(.*?{re.escape(ARCHIVE)})/(.+)", re.IGNORECASE)


_UNPACKING = (
    BadZipFile,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,  # a password
    zlib.error,
)
_NO_ARCHIVE = (
    "an archive that cannot be opened; it may be cut short or have a password. Unpack it and put what "
    "is in it here"
)


class LandingError(Exception):
    """The landing zone cannot be used; the message says what to do."""


class DamagedFileError(LandingError):
    """A file is there and cannot be unpacked; the message says why and what to do."""


@dataclass(frozen=True)
class LandedFile:
    """One object of the zone, or of an archive there, not yet read."""

    path: str
    """Below the zone's root, with forward slashes; `week.zip/users.csv` lies in an archive."""
    size: int
    e_tag: str
    last_modified: datetime

    @property
    def landed_at(self) -> datetime:
        """When it was changed last, UTC, without zone."""
        return self.last_modified.astimezone(UTC).replace(tzinfo=None)


class Zone:
    """A folder or a bucket that exports land in."""

    def __init__(self, url: str, ignored: Iterable[str] = ()) -> None:
        self._url = url
        self._ignored = tuple(ignored)
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

    def ours(self) -> Sequence[LandedFile]:
        """As `list`, but for what the patterns say is not ours, and what programs leave behind.

        Raises:
            LandingError: The zone cannot be listed.
        """
        return [
            file
            for file in self.list()
            if not is_like(file.path, self._ignored) and not NOBODYS.search(file.path)
        ]

    def exports(self) -> Sequence[LandedFile]:
        """As `list`, with the files of archives in the place of the archives.

        An archive that cannot be opened stands for itself.

        Raises:
            LandingError: The zone cannot be listed, or an archive is not there any more.
        """
        found = []
        for file in self.list():
            if file.path.casefold().endswith(ARCHIVE):
                with self.local(file.path) as path:
                    found += _members(file, path) or [file]
            else:
                found.append(file)
        return sorted(found, key=lambda file: file.path)

    @contextmanager
    def unpacked(self, path: str) -> Iterator[Path]:
        """A file of `exports` as it is read: out of its archive, and not compressed.

        Raises:
            DamagedFileError: It cannot be unpacked.
            LandingError: It is not there any more, or may not be read.
        """
        archive, member = archive_of(path)
        with self.local(archive) as local, TemporaryDirectory(prefix="edu-unpacked-") as scratch:
            yield _unpacked(local, path, member, Path(scratch))

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


def _members(archive: LandedFile, path: Path) -> list[LandedFile]:
    """The files of an archive; none where it cannot be opened."""
    try:
        with ZipFile(path) as book:
            return [
                replace(archive, path=f"{archive.path}/{member.filename}", size=member.file_size)
                for member in book.infolist()
                if not member.is_dir()
                and not any(part.startswith((".", "__")) for part in member.filename.split("/"))
                and PurePosixPath(member.filename).stem.upper() != "README"
            ]
    except (BadZipFile, OSError):
        return []


def archive_of(path: str) -> tuple[str, str | None]:
    """The object that a file of `exports` lies in, and its name there; it may be the object itself."""
    found = _IN_ARCHIVE.match(path)
    return (found[1], found[2]) if found else (path, None)


def bare_path(path: str) -> str:
    """A path without what compression adds to it."""
    return path[: -len(COMPRESSED)] if path.casefold().endswith(COMPRESSED) else path


def _unpacked(local: Path, path: str, member: str | None, scratch: Path) -> Path:
    """A file out of its archive and not compressed.

    Args:
        local: The archive, or the file.
        path: What it is called.
        member: Its name in the archive, if it is in one.
        scratch: Where copies may be made.
    """
    if path.casefold().endswith(ARCHIVE):
        raise DamagedFileError(_NO_ARCHIVE)
    member_copy, copy = scratch / "member", scratch / "file"
    try:
        if member is not None:
            with (
                ZipFile(local) as book,
                book.open(member) as packed,
                member_copy.open("wb") as out,
            ):
                shutil.copyfileobj(packed, out)
            local = member_copy
        if not path.casefold().endswith(COMPRESSED):
            return local
        with gzip.open(local) as compressed, copy.open("wb") as out:
            shutil.copyfileobj(compressed, out)
    except _UNPACKING as error:
        raise DamagedFileError(_NO_ARCHIVE) from error
    return copy


def names_of(path: str) -> tuple[str, ...]:
    """What a file may be called: its path, and the paths it would have unpacked.

    `school/week.zip/OneRoster/users.csv` is `school/OneRoster/users.csv` and `school/users.csv`, and
    `school/all.xlsx#students` is `school/students.xlsx`. That a file is compressed is no part of it.
    """
    bare = bare_path(path)
    book, sheet, name = path.partition(SHEET)
    if sheet and (ending := PurePosixPath(book).suffix).casefold() in ENDINGS:
        bare = f"{book.rpartition('/')[0]}/{name}{ending}".lstrip("/")
    archive, member = archive_of(bare)
    if member is None:
        return tuple(dict.fromkeys((path, bare)))
    folder = archive.rpartition("/")[0]
    inner = (f"{folder}/{each}".lstrip("/") for each in (member, member.rpartition("/")[2]))
    return tuple(dict.fromkeys((path, bare, *inner)))


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


def exactly(path: str) -> str:
    """The pattern of one path alone."""
    return re.sub(r"([\[*?])", r"[\1]", path)


def is_like(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path is like a pattern, in any case; in an archive also by its name there."""
    return any(
        fnmatchcase(name.casefold(), pattern.casefold())
        for name in names_of(path)
        for pattern in patterns
    )
