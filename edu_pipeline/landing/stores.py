"""Where exports land: a folder, a bucket, or a folder of an SFTP server. Lists files and copies them.

What is left out of a listing, and when a file is complete, is for `zone`.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, cast
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from edu_pipeline.ground.files import replaced
from edu_pipeline.ground.wording import listed

if TYPE_CHECKING:
    from asyncssh import SFTPAttrs, SFTPClient

_T = TypeVar("_T")
_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
KEY, PASSPHRASE = "EDU_PIPELINE_SFTP_KEY", "EDU_PIPELINE_SFTP_PASSPHRASE"
PASSWORD, KNOWN_HOSTS = "EDU_PIPELINE_SFTP_PASSWORD", "EDU_PIPELINE_SFTP_KNOWN_HOSTS"
ACCESS = (*_AWS, KEY, PASSPHRASE, PASSWORD, KNOWN_HOSTS)
"""Variables of the environment that say how a landing zone is reached."""
_STALLED = 60
"""Seconds without an answer after which a server counts as gone."""
_CHUNK = 1 << 20
_DEEPEST = 32
"""Folders in folders, beyond which links go in a circle."""
_CHANGED = "{} changed while it was being fetched. Run again when the export has finished."


class LandingError(Exception):
    """The landing zone cannot be used; the message says what to do."""


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


class Store(Protocol):
    """A place that files lie in."""

    grows: bool
    """Whether a file is to be seen there before it is complete."""

    def files(self) -> Sequence[LandedFile]:
        """All files, in no order.

        Raises:
            LandingError: They cannot be listed.
        """

    def fetch(self, wanted: Mapping[LandedFile, Path]) -> None:
        """Copy files as they were listed, each whole or not at all.

        Raises:
            LandingError: One is not there any more, is another by now, or may not be read.
        """


def store_of(url: str, access: Mapping[str, str]) -> Store:
    """The store that a URL names.

    Args:
        url: `file://…`, `s3://…` or `sftp://…`.
        access: Of `ACCESS`, what the environment says.
    """
    return Server(url, access) if urlparse(url).scheme == "sftp" else Bucket(url, access)


class Bucket:
    """A folder of this machine or a bucket."""

    def __init__(self, url: str, access: Mapping[str, str]) -> None:
        self._url, self._access = url, access
        parsed = urlparse(url)
        self.folder = Path(url2pathname(parsed.path)) if parsed.scheme == "file" else None
        self.grows = self.folder is not None  # an object of a bucket is there when it is complete

    def files(self) -> Sequence[LandedFile]:
        """As `Store.files`; a link to nothing is an error, for nobody knows what it stands for."""
        try:
            found = [meta for chunk in obstore.list(self._store()) for meta in chunk]
        except BaseError as error:
            raise LandingError(self._unlisted(error)) from error
        for path in _dangling(self.folder) if self.folder else ():
            raise LandingError(
                f"{path} is a link to a file that is not there. Put the file itself into the landing zone, "
                "or remove the link."
            )
        return [
            LandedFile(meta["path"], meta["size"], meta["e_tag"] or "", meta["last_modified"])
            for meta in found
        ]

    def fetch(self, wanted: Mapping[LandedFile, Path]) -> None:
        """As `Store.fetch`."""
        store = self._store()
        for file, target in wanted.items():
            try:
                answer = obstore.get(store, file.path)
                if (answer.meta["e_tag"] or "") != file.e_tag:
                    raise LandingError(_CHANGED.format(file.path))
                with replaced(target) as draft, draft.open("wb") as out:
                    for chunk in answer:
                        out.write(chunk)
            except (BaseError, FileNotFoundError) as error:
                raise LandingError(
                    f"{file.path} was listed but cannot be read: {_first_line(error)}. "
                    "Run again when the export has finished."
                ) from error

    def _store(self) -> ObjectStore:
        if self.grows:
            return from_url(self._url)
        return from_url(
            self._url,
            # a server that is not there is told in a minute, not in three for each request
            retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=_STALLED)},
        )

    def _unlisted(self, error: Exception) -> str:
        told = f"The landing zone {self._url} cannot be listed: "
        if self.folder is not None:
            return f"{told}{_first_line(error)}. Check [landing] url in pipeline.toml."
        return (
            f"{told}{self._unsaid() or _first_line(error)}. Check [landing] url in pipeline.toml and the AWS_ "
            "variables of the environment: a server that is not Amazon's needs AWS_ENDPOINT_URL, too, and "
            "AWS_ALLOW_HTTP=true where it has no TLS."
        )

    def _unsaid(self) -> str:
        """What the environment lacks, unless this machine has rights of its own."""
        missing = [name for name in _AWS if name not in self._access]
        return f"the environment does not say {listed(missing)}" if missing else ""


class Server:
    """A folder of an SFTP server whose key is known."""

    grows = True

    def __init__(self, url: str, access: Mapping[str, str]) -> None:
        self._url, self._access, self._at = url, access, urlparse(url)
        path = unquote(self._at.path)
        # what begins with ~/ lies below the folder that one logs in to
        self._root = (path[3:] or ".") if path.startswith("/~/") else path or "/"

    def files(self) -> Sequence[LandedFile]:
        """As `Store.files`."""
        return self._run(self._files, f"The landing zone {self._url} cannot be listed")

    def fetch(self, wanted: Mapping[LandedFile, Path]) -> None:
        """As `Store.fetch`."""

        async def fetch(sftp: "SFTPClient") -> None:
            for file, target in wanted.items():
                with replaced(target) as draft:
                    await self._copy(sftp, file, draft)

        self._run(fetch, f"Exports of {self._url} cannot be fetched")

    async def _files(self, sftp: "SFTPClient") -> Sequence[LandedFile]:
        found, folders = [], [""]
        while folders:
            folder = folders.pop()
            if folder.count("/") > _DEEPEST:
                raise LandingError(f"{folder} on {self._url} goes in a circle. Remove its links.")
            for entry in await _soon(sftp.readdir(self._below(folder))):
                path = f"{folder}{entry.filename!s}"
                if str(entry.filename).startswith("."):
                    continue
                attrs = await self._behind(sftp, path, entry.attrs)
                if attrs.type == _FOLDER:
                    folders.append(f"{path}/")
                elif attrs.type == _FILE:
                    found.append(_landed(path, attrs))
        return found

    async def _behind(self, sftp: "SFTPClient", path: str, attrs: "SFTPAttrs") -> "SFTPAttrs":
        """What a path is, or what it is a link to."""
        if attrs.type != _LINK:
            return attrs
        if not await _soon(sftp.exists(self._below(path))):
            raise LandingError(
                f"{path} on {self._url} is a link to a file that is not there. Put the file itself there, "
                "or remove the link."
            )
        return await _soon(sftp.stat(self._below(path)))

    async def _copy(self, sftp: "SFTPClient", file: LandedFile, target: Path) -> None:
        size = 0
        source = await _soon(sftp.open(self._below(file.path), "rb"))
        with target.open("wb") as out:
            while chunk := await _soon(source.read(_CHUNK)):
                size += out.write(cast("bytes", chunk))
        now = _landed(file.path, await _soon(source.stat()))
        await _soon(source.close())
        if now != file or size != file.size:
            raise LandingError(_CHANGED.format(file.path))

    def _below(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}" if self._root != "." else path or "."

    def _run(self, work: "Callable[[SFTPClient], Awaitable[_T]]", failed: str) -> _T:
        """Do something on the server, in a connection of its own."""
        import asyncssh  # noqa: PLC0415 - slow to import, and most homes have a folder

        hosts = Path(self._access.get(KNOWN_HOSTS) or "~/.ssh/known_hosts").expanduser()

        async def connected() -> _T:
            # what a broken connection leaves behind is told once, in the sentence below
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)
            async with asyncssh.connect(
                self._at.hostname or "",
                self._at.port or 22,
                username=self._at.username or (),
                # never None, by which any key would do
                known_hosts=str(hosts) if hosts.is_file() else b"",
                config=None,
                connect_timeout=_STALLED,
                login_timeout=_STALLED,
                **self._proof(),
            ) as connection:
                try:
                    return await work(await _soon(connection.start_sftp_client()))
                except BaseException:
                    connection.abort()  # closing would wait for a server that may have stopped
                    raise

        try:
            return asyncio.run(connected())
        except asyncssh.HostKeyNotVerifiable as error:
            port = f" -p {self._at.port}" if self._at.port else ""
            raise LandingError(
                f"{failed}: {hosts} does not have the key that {self._at.hostname} shows. Get it with "
                f"ssh-keyscan{port} {self._at.hostname}, compare it with what the server's owner says, and add it "
                f"to that file; {KNOWN_HOSTS} names another one."
            ) from error
        except asyncssh.PermissionDenied as error:
            raise LandingError(
                f"{failed}: the server does not let {self._at.username or 'this user'} in. Set the environment "
                f"variable {PASSWORD}, or {KEY} to the path of a private key{self._unsaid()}."
            ) from error
        except TimeoutError as error:
            raise LandingError(
                f"{failed}: the server has not answered for {_STALLED} seconds. Nothing was changed; run again "
                "when it does."
            ) from error
        except (asyncssh.Error, OSError, ValueError) as error:
            raise LandingError(
                f"{failed}: {_first_line(error)}. Nothing was changed. Check [landing] url in pipeline.toml, and "
                "whether the server can be reached."
            ) from error

    def _unsaid(self) -> str:
        return "" if {KEY, PASSWORD} & self._access.keys() else "; neither is set"

    def _proof(self) -> dict[str, object]:
        """What to log in with; where nothing is said, what ssh would: its agent and its keys."""
        password, key = self._access.get(PASSWORD), self._access.get(KEY)
        if not password and not key:
            return {}
        keys = [str(Path(key).expanduser())] if key else None
        passphrase = self._access.get(PASSPHRASE)
        return {
            "password": password,
            "client_keys": keys,
            "agent_path": None,
            **({"passphrase": passphrase} if passphrase else {}),
        }


_FILE, _FOLDER, _LINK = 1, 2, 3
"""Types of SFTP's files."""


def _landed(path: str, attrs: "SFTPAttrs") -> LandedFile:
    size, changed = attrs.size or 0, attrs.mtime or 0
    return LandedFile(path, size, f"{size}-{changed}", datetime.fromtimestamp(changed, UTC))


async def _soon(answer: Awaitable[_T]) -> _T:
    """An answer of a server that may have stopped."""
    async with asyncio.timeout(_STALLED):
        return await answer


def _dangling(folder: Path) -> Iterator[str]:
    """Links below a folder to what is not there; of thousands of files, which are looked at every minute."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118 - a tenth of what a Path for each costs
            if os.path.islink(path) and not os.path.exists(path):  # noqa: PTH110, PTH114
                yield Path(path).relative_to(folder).as_posix()


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].removesuffix(".")
