"""The landing zone: which files lie there, what they hold, and how to read their bytes.

A zone is a URL: a folder, a bucket, a folder of a server. What a file means is for the source modules to say.
"""

import hashlib
import json
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.archives import (
    ARCHIVE,
    MEGABYTE,
    archive_of,
    bare_path,
    members,
    refused,
    unpacked,
)
from edu_pipeline.landing.stores import Bucket, LandedFile, LandingError, store_of
from edu_pipeline.settings.landing import SAMPLE_MARKER, Landing

ENDINGS = (".csv", ".txt", ".text", ".tsv", ".xlsx", ".xls", ".ods")
"""How the names of exports end, unless the settings name others."""
INTERCHANGE = ".xml"
"""How the names of Ed-Fi's exports end."""
SHEET = "#"
"""Stands between a workbook and its sheet, where sheets are files of their own."""
NOBODYS = re.compile(
    r"(^|/)(~\$[^/]*|\.[^/]*|thumbs\.db|desktop\.ini|readme[^/]*"
    r"|[^/]+\.(part|partial|filepart|crdownload|tmp))$",
    re.IGNORECASE,
)
"""What programs leave behind or have not finished, by its name, and what is for people to read."""


SETTLING = 2.0
"""Seconds that a file must have been as it is before it is read."""


class Zone:
    """A folder or a bucket that exports land in, or a server's folder.

    What does not lie on this machine is fetched when it is listed, once: what has the size, the time and
    the mark of what was fetched before is not fetched again.
    """

    def __init__(
        self,
        url: str,
        landing: Landing | None = None,
        *,
        access: Mapping[str, str] | None = None,
        kept: Path | None = None,
    ) -> None:
        """Look at a landing zone.

        Args:
            url: Where it is.
            landing: What is ignored, and how large a file may be.
            access: Of `stores.ACCESS`, what the environment says.
            kept: The folder of this machine for what is fetched; for folders there is no need of one.
        """
        landing = landing or Landing()
        self.url, self._ignored = url, landing.ignore
        self.largest, self.most_rows = landing.max_file_mb * MEGABYTE, landing.max_rows
        self._store = store_of(url, access or {})
        self._folder = self._store.folder if isinstance(self._store, Bucket) else None
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        elif kept is None:
            raise ValueError(f"{url} needs a folder for what is fetched")
        self._kept = kept or Path()
        self._settled: set[LandedFile] = set()
        self._there: dict[str, LandedFile] = {}

    @property
    def here(self) -> Path:
        """The folder of this machine that its files are read from."""
        return self._folder or self._kept

    def glimpse(self) -> list[LandedFile]:
        """As `list`, complete or not, and nothing is fetched.

        Raises:
            LandingError: The zone cannot be listed.
        """
        found = sorted(
            (
                file
                for file in self._store.files()
                if not any(part.startswith(".") for part in file.path.split("/"))
                and PurePosixPath(file.path).stem.upper() != "README"
            ),
            key=lambda file: file.path,
        )
        self._there = {file.path: file for file in found}
        return found

    def list(self) -> list[LandedFile]:
        """All files but hidden ones and READMEs, by path, each of them complete.

        Raises:
            LandingError: The zone cannot be listed, or a file is still being written. An unreadable zone is
                not an empty one.
        """
        found = self.glimpse()
        self._settle([file for file in found if self._is_ours(file)])
        if self._folder is None:
            self._fetch([file for file in found if self._is_ours(file)])
            self._forget({self._place(file) for file in found})
        return found

    def ours(self) -> Sequence[LandedFile]:
        """As `list`, but for what the patterns say is not ours, and what programs leave behind.

        Raises:
            LandingError: The zone cannot be listed.
        """
        return [file for file in self.list() if self._is_ours(file)]

    def exports(self) -> Sequence[LandedFile]:
        """As `list`, with the files of archives in the place of the archives.

        An archive that cannot be opened stands for itself.

        Raises:
            LandingError: The zone cannot be listed, or an archive is not there any more.
        """
        found = []
        for file in self.list():
            if file.path.casefold().endswith(ARCHIVE):
                here = self._here(file.path)
                bomb = refused(here, self.largest)
                found += [file] if bomb else members(file, here) or [file]
            else:
                found.append(file)
        return sorted(found, key=lambda file: file.path)

    @contextmanager
    def unpacked(self, path: str) -> Iterator[Path]:
        """A file of `exports` as it is read: out of its archive, and not compressed.

        Raises:
            DamagedFileError: It cannot be unpacked, or is too large.
            LandingError: It is not there any more, or may not be read.
        """
        archive, _ = archive_of(path)
        with unpacked(self._here(archive), path, self.largest) as there:
            yield there

    @contextmanager
    def local(self, path: str) -> Iterator[Path]:
        """A file of the zone as a path of this machine, for readers that want one.

        Raises:
            LandingError: It is not there any more, may not be read, or is larger than the settings allow.
        """
        place = self._here(path)
        if why := refused(place, self.largest):
            raise LandingError(f"{path}: {why}.")
        yield place

    def content(self, path: str) -> str:
        """The digest of a file, of one that is too large, too."""
        return digest(self._here(path))

    def _here(self, path: str) -> Path:
        if self._folder is not None:
            place = self._folder / path
        else:
            if path not in self._there:
                self.glimpse()
            if path not in self._there:
                raise LandingError(_GONE.format(path))
            self._fetch([self._there[path]])
            place = self._place(self._there[path])
        if not place.is_file():
            raise LandingError(_GONE.format(path))
        return place

    def _is_ours(self, file: LandedFile) -> bool:
        return not is_like(file.path, self._ignored) and not NOBODYS.search(file.path)

    def _settle(self, found: Sequence[LandedFile]) -> None:
        """Stop if a file changes while it is looked at for as long as files settle."""
        new = {file for file in found if self._may_grow(file)}
        if not new:
            return
        time.sleep(SETTLING)
        again = {file.path: file for file in self.glimpse()}
        growing = sorted(file.path for file in new if again.get(file.path) != file)
        if growing:
            raise LandingError(
                f"{listed(growing[:3])}{' and others' if len(growing) > 3 else ''} changed while being looked "  # noqa: PLR2004
                "at: still being written, it seems. Nothing was read and nothing changed; run again when the "
                "export has finished."
            )
        self._settled |= new

    def _may_grow(self, file: LandedFile) -> bool:
        if not self._store.grows or file in self._settled:
            return False
        if self._folder is None:  # whose clock is not ours
            return not self._place(file).exists()
        return datetime.now(UTC) - file.last_modified < timedelta(seconds=SETTLING)

    def _fetch(self, files: Sequence[LandedFile]) -> None:
        """Fetch what is not kept here yet."""
        new = {file: self._place(file) for file in files}
        new = {file: place for file, place in new.items() if not place.exists()}
        if new:
            self._store.fetch(new)

    def _place(self, file: LandedFile) -> Path:
        """Where a file is kept that was fetched."""
        mark = json.dumps([self.url, file.path, file.size, file.e_tag, str(file.last_modified)])
        return self._kept / hashlib.sha256(mark.encode()).hexdigest()

    def _forget(self, kept: Collection[Path]) -> None:
        """Remove what was fetched and does not lie there any more, for it may be of people."""
        for place in self._kept.iterdir() if self._kept.is_dir() else ():
            if place not in kept and not place.name.startswith("."):  # drafts
                with suppress(OSError):  # another program may have it open
                    place.unlink()


_GONE = "{} was listed but cannot be read. Run again when the export has finished."


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


def of_pattern(pattern: str) -> str:
    """A pattern as it is said: the path, where it is of one alone."""
    return re.sub(r"\[([\[*?])\]", r"\1", pattern)


def is_like(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path is like a pattern, in any case; in an archive also by its name there."""
    return any(
        fnmatchcase(name.casefold(), pattern.casefold())
        for name in names_of(path)
        for pattern in patterns
    )
