"""Archives and compressed files: what is in them, and what of it is refused.

Nothing is written under a name that an archive says, and nothing grows beyond what the settings allow.
"""

import gzip
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile, ZipInfo

from edu_pipeline.landing.stores import LandedFile, LandingError

if TYPE_CHECKING:
    from _typeshed import SupportsRead

ARCHIVE, COMPRESSED = ".zip", ".gz"
"""How the names of archives end, and what stands behind the ending of a file that is compressed."""
OTHER_ARCHIVES = (".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz", ".bz2", ".xz", ".zst", ".tar.gz")
"""Endings of what is packed in ways that are not read."""
_IN_ARCHIVE = re.compile(rf"(.*?{re.escape(ARCHIVE)})/(.+)", re.IGNORECASE)
MEGABYTE = 1_000_000
_RATIO, _HARMLESS = 400, 50 * MEGABYTE
"""Exports are packed to a 20th, rarely to a 100th; what shrinks more and is as large as that is none."""
_PACKED = b"PK\x03\x04"
_CHUNK = 1 << 20
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
NOT_READ = "an archive of a kind that is not read. Unpack it and put what is in it here, or as .zip"
_NESTED = "an archive inside an archive. Unpack the outer one and put the inner one here"
_LINK = "a link, not a file. Pack the file itself, or put it here: what a link in an archive leads to is not read"
_OUTSIDE = "a name that leads out of its archive. Unpack it by hand, look at it, and put here what is an export"


class DamagedFileError(LandingError):
    """A file is there and cannot be unpacked; the message says why and what to do."""


def archive_of(path: str) -> tuple[str, str | None]:
    """The object that a file of `exports` lies in, and its name there; it may be the object itself."""
    found = _IN_ARCHIVE.match(path)
    return (found[1], found[2]) if found else (path, None)


def bare_path(path: str) -> str:
    """A path without what compression adds to it."""
    return path[: -len(COMPRESSED)] if path.casefold().endswith(COMPRESSED) else path


def members(archive: LandedFile, path: Path) -> list[LandedFile]:
    """The files of an archive, also those that will be refused; none where it cannot be opened."""
    try:
        with ZipFile(path) as book:
            return [
                replace(archive, path=f"{archive.path}/{member.filename}", size=member.file_size)
                for member in book.infolist()
                if not member.is_dir()
                and not any(_is_hidden(part) for part in member.filename.split("/"))
                and PurePosixPath(member.filename).stem.upper() != "README"
            ]
    except (BadZipFile, OSError):
        return []


def _is_hidden(part: str) -> bool:
    return part.startswith((".", "__")) and part != ".."


@contextmanager
def unpacked(local: Path, path: str, largest: int) -> Iterator[Path]:
    """A file out of its archive and not compressed: itself where it is so, else a copy for as long.

    Args:
        local: The archive, or the file.
        path: What it is called, in `Zone.exports`.
        largest: Bytes that a file, and all of an archive together, may have.

    Raises:
        DamagedFileError: It cannot be unpacked, or must not.
    """
    _, member = archive_of(path)
    if why := refused(local, largest):
        raise DamagedFileError(why)
    if path.casefold().endswith(ARCHIVE):
        raise DamagedFileError(_NO_ARCHIVE if member is None else _NESTED)
    compressed = path.casefold().endswith(COMPRESSED)
    if member is None and not compressed:
        yield local
        return
    with TemporaryDirectory(prefix="edu-unpacked-") as scratch:
        try:
            if member is not None:
                local = _member(local, member, Path(scratch, "member"), largest)
            if compressed:
                local = _decompressed(local, Path(scratch, "file"), largest)
        except _UNPACKING as error:
            raise DamagedFileError(_NO_ARCHIVE) from error
        yield local


def _member(archive: Path, member: str, copy: Path, largest: int) -> Path:
    with ZipFile(archive) as book:
        _refuse_member(book.getinfo(member))
        with book.open(member) as packed:
            _copy(packed, copy, largest)
    if why := refused(copy, largest):
        raise DamagedFileError(why)
    return copy


def _decompressed(local: Path, copy: Path, largest: int) -> Path:
    with gzip.open(local) as compressed:
        _copy(compressed, copy, min(largest, _most(local.stat().st_size)))
    return copy


def refused(path: Path, largest: int) -> str | None:
    """Why a file of this machine is not read, if so: it is too large, or will be when it is unpacked.

    Args:
        path: Of any kind; workbooks are archives, too.
        largest: Bytes that it, and all that is packed in it together, may have.
    """
    size = path.stat().st_size
    if size > largest:
        return _too_large(size)
    with path.open("rb") as file:
        if not file.read(4).startswith(_PACKED):
            return None
    try:
        with ZipFile(path) as book:
            return _bomb(book.infolist(), largest)
    except (BadZipFile, OSError):  # whoever reads it will say so
        return None


def _bomb(held: Sequence[ZipInfo], largest: int) -> str | None:
    whole = sum(member.file_size for member in held)
    if whole > largest:
        return f"unpacked it has {_too_large(whole)}"
    if whole > _most(sum(member.compress_size for member in held)):
        worst = max(held, key=lambda member: member.file_size)
        return (
            f"“{worst.filename}” in it is packed to less than a {_RATIO}th of its size, as no export is. Look at "
            "it; if it is one, unpack it and put what is in it here"
        )
    return None


def _refuse_member(member: ZipInfo) -> None:
    """Stop at a member of an archive that is none of its files."""
    if stat.S_ISLNK(member.external_attr >> 16):
        raise DamagedFileError(_LINK)
    parts = re.split(r"[/\\]", member.filename)
    if ".." in parts or not parts[0] or ":" in parts[0]:
        raise DamagedFileError(_OUTSIDE)


def _most(packed: int) -> int:
    """Bytes that so many packed ones may become."""
    return max(_HARMLESS, packed * _RATIO)


def _too_large(size: int) -> str:
    return (
        f"{size // MEGABYTE:,} MB, more than a file may have. If it is an export, raise in [landing]: "
        f"max_file_mb = {-(-size // MEGABYTE)}"
    )


def _copy(source: "SupportsRead[bytes]", target: Path, most: int) -> None:
    """Copy what an archive says is small and may not be."""
    left = most
    with target.open("wb") as out:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise DamagedFileError(
                    f"more than {most // MEGABYTE:,} MB when it is unpacked, as no export of its size is. Look "
                    "at it; if it is one, unpack it and put what is in it here"
                )
            out.write(chunk)
