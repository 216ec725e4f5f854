"""The landing zone as a folder of an SFTP server, on a real one of this machine."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from edu_pipeline.landing import stores
from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.stores import KEY, KNOWN_HOSTS, PASSWORD, LandingError
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.landing import Landing

STUDENTS = b"student_id,given_name\n001,Ada\n"
SECRET = "not a real one"  # noqa: S105


class Sftp:
    """A server with a folder, which remembers what was read and can fail."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.read: list[str] = []
        self.stops_after: int | None = None
        """Bytes of a file after which the connection breaks."""
        self.is_silent = False
        """Whether it never answers a read."""
        self.port = 0
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.of_client = asyncssh.generate_private_key("ssh-ed25519")
        self._ready, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    async def _serve(self) -> None:
        async with await self._listen() as listener:
            self.port = listener.get_port()
            self._ready.set()
            await asyncio.to_thread(self._over.wait)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        sftp = self

        class Login(asyncssh.SSHServer):
            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == ("school", SECRET)

        class Files(asyncssh.SFTPServer):
            def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
                super().__init__(channel, chroot=str(sftp.root).encode())

            def open(self, path, pflags, attrs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
                sftp.read.append(path.decode().lstrip("/"))
                return super().open(path, pflags, attrs)

            async def read(self, file_obj, offset, size):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
                if sftp.is_silent:
                    file_obj.close()
                    await asyncio.sleep(3600)
                if sftp.stops_after is not None and offset + size > sftp.stops_after:
                    self.connection.abort()
                return super().read(file_obj, offset, size)

        allowed = self.of_client.export_public_key().decode()
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Login,
            server_host_keys=[self.key],
            authorized_client_keys=asyncssh.import_authorized_keys(allowed),
            sftp_factory=Files,
        )

    def known(self, key: asyncssh.SSHKey | None = None) -> str:
        """The line of `known_hosts` for this server."""
        return f"[127.0.0.1]:{self.port} {(key or self.key).export_public_key().decode()}"

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sftp]:
    root = tmp_path / "server"
    (root / "school").mkdir(parents=True)
    (root / "school" / "students.csv").write_bytes(STUDENTS)
    opened = Sftp(root)
    (tmp_path / "known_hosts").write_text(opened.known(), encoding="utf-8")
    yield opened
    opened.close()


def zone_of(server: Sftp, path: str = "/", **access: str) -> Zone:
    here = server.root.parent
    said = {PASSWORD: SECRET, KNOWN_HOSTS: str(here / "known_hosts"), **access}
    url = f"sftp://school@127.0.0.1:{server.port}{path}"
    return Zone(url, access={k: v for k, v in said.items() if v}, kept=here / "kept")


def test_exports_on_a_server_are_listed_and_read_like_those_of_a_folder(server: Sftp) -> None:
    (server.root / "school" / ".hidden").write_bytes(b"")
    (server.root / "README.txt").write_bytes(b"")
    files = survey(zone_of(server), Landing())
    assert files.select("path", "table", "size", "error").rows() == [
        ("school/students.csv", "students", len(STUDENTS), None)
    ]
    below = zone_of(server, "/school")
    assert [file.path for file in below.list()] == ["students.csv"]
    with below.local("students.csv") as path:
        assert path.read_bytes() == STUDENTS


def test_what_has_not_changed_on_a_server_is_fetched_once(server: Sftp) -> None:
    (server.root / "school" / "staff.csv").write_bytes(b"staff_id\nT1\n")
    survey(zone_of(server), Landing())
    assert sorted(server.read) == ["school/staff.csv", "school/students.csv"]
    survey(zone_of(server), Landing())
    assert len(server.read) == 2
    (server.root / "school" / "students.csv").write_bytes(STUDENTS + b"002,Bea\n")
    survey(zone_of(server), Landing())
    assert server.read[2:] == ["school/students.csv"]


def test_what_is_gone_from_a_server_is_kept_here_no_longer(server: Sftp) -> None:
    kept = server.root.parent / "kept"
    zone_of(server).list()
    assert len(list(kept.iterdir())) == 1
    (server.root / "school" / "students.csv").unlink()
    assert zone_of(server).list() == []
    assert list(kept.iterdir()) == []


def test_a_private_key_of_the_environment_is_enough(server: Sftp, tmp_path: Path) -> None:
    key = tmp_path / "key"
    server.of_client.write_private_key(key)
    assert zone_of(server, **{PASSWORD: "", KEY: str(key)}).list()


def test_a_server_whose_key_is_not_known_is_asked_nothing(server: Sftp, tmp_path: Path) -> None:
    other = server.known(asyncssh.generate_private_key("ssh-ed25519"))
    for content in ("", other):
        (tmp_path / "known_hosts").write_text(content, encoding="utf-8")
        with pytest.raises(LandingError, match=r"does not have the key.*ssh-keyscan -p"):
            zone_of(server).list()
    with pytest.raises(LandingError, match="does not have the key"):
        zone_of(server, **{KNOWN_HOSTS: str(tmp_path / "none")}).list()


def test_who_may_not_log_in_is_told_which_variables_say_the_key(
    server: Sftp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        LandingError, match=f"{PASSWORD}, or {KEY} to the path of a private key\\.$"
    ):
        zone_of(server, **{PASSWORD: "wrong"}).list()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(LandingError, match="neither is set"):
        zone_of(server, **{PASSWORD: ""}).list()


def test_a_server_that_cannot_be_reached_is_no_empty_landing_zone(server: Sftp) -> None:
    reached = zone_of(server)
    server.close()
    with pytest.raises(LandingError, match=r"cannot be listed: .*Nothing was changed"):
        reached.list()


def test_a_folder_that_a_server_does_not_have_is_no_empty_one(server: Sftp) -> None:
    with pytest.raises(LandingError, match=r"cannot be listed: No such file"):
        zone_of(server, "/elsewhere").list()


def test_a_server_that_stops_in_the_middle_of_a_file_changes_nothing(server: Sftp) -> None:
    zone_of(server).list()
    kept = server.root.parent / "kept"
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    (server.root / "school" / "attendance.csv").write_bytes(b"student_id,date,code\n" * 100_000)
    server.stops_after = 1_500_000
    with pytest.raises(LandingError, match=r"cannot be fetched: .*Nothing was changed"):
        zone_of(server).list()
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before
    server.stops_after = None
    assert len(zone_of(server).list()) == 2


def test_a_server_that_no_longer_answers_is_waited_for_so_long_and_no_longer(
    server: Sftp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "_STALLED", 0.3)
    server.is_silent = True
    with pytest.raises(LandingError, match="has not answered"):
        zone_of(server).list()


def test_a_file_that_grows_on_a_server_waits_and_is_not_fetched(
    server: Sftp, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = server.root / "school" / "students.csv"

    rows = [b"002,Bea\n"]

    def pass_by(_: float) -> None:
        for row in rows:
            growing.write_bytes(growing.read_bytes() + row)

    monkeypatch.setattr(time, "sleep", pass_by)
    with pytest.raises(LandingError, match=r"^school/students\.csv changed while being looked at"):
        zone_of(server).list()
    assert server.read == []
    rows.clear()
    assert len(zone_of(server).list()) == 1


def test_links_on_a_server_are_followed_and_one_to_nothing_is_told(server: Sftp) -> None:
    school = server.root / "school"
    (school / "staff.csv").symlink_to("students.csv")
    assert [file.path for file in zone_of(server).list()] == [
        "school/staff.csv",
        "school/students.csv",
    ]
    (school / "classes.csv").symlink_to("nowhere.csv")
    with pytest.raises(LandingError, match=r"^school/classes\.csv on .* is a link to a file that"):
        zone_of(server).list()
