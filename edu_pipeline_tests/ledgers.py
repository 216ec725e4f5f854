"""Ledgers for the tests of more than one room, on SQLite and on PostgreSQL."""

import multiprocessing
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from edu_pipeline.mail.ledger.database import new_identity
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import IDENTITY, METADATA

FORKS = multiprocessing.get_context("forkserver")
"""Processes that begin with all of a sender imported."""
FORKS.set_forkserver_preload(["edu_pipeline_tests.faults.sender", "psycopg", "pytest"])


def postgres_programs() -> Path | None:
    """Debian keeps them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else found[-1].parent if found else None


@contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """URL of a PostgreSQL server of its own, on a socket in a folder; no network."""
    # a socket's path has at most 107 bytes, and the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"

    def call(program: str, *arguments: str) -> None:
        subprocess.run(
            [*user, str(programs / program), *arguments],
            check=True,
            capture_output=True,
            cwd=folder,
        )

    call("initdb", "-D", str(data), "-U", "tester", "--auth=trust", "--no-sync", "-E", "UTF8")
    call("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://tester@/postgres?host={folder}"
    finally:
        call("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_database(server_url: str) -> Iterator[str]:
    """URL of an empty database of a server."""
    name = f"t{uuid.uuid4().hex}"
    server = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        yield server_url.replace("/postgres?", f"/{name}?")
        with server.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        server.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a database on a PostgreSQL server of this session's own, with a ledger in it."""
    programs = postgres_programs()
    if programs is None:
        assert not os.environ.get("CI"), "PostgreSQL is not installed, and CI must not skip it"
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with (
        postgres_server(programs) as server_url,
        postgres_database(server_url) as database_url,
    ):
        with Ledger(database_url):
            pass
        yield database_url


@contextmanager
def _alone(url: str) -> Iterator[sa.Connection]:
    """A connection that waits for nobody whom a test left there."""
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        yield connection


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """URL of a new ledger: emptying one takes a fifth of making one."""
    with _alone(postgres) as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())
        connection.execute(IDENTITY.insert(), new_identity())
    return postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a ledger without anything in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def empty_url(url: str) -> Iterator[str]:
    """URL of a database where no ledger is yet, and where anything may be left behind."""
    if url.startswith("sqlite"):
        yield url
        return
    _drop_all(url)
    yield url
    _drop_all(url)
    with Ledger(url):
        pass


def _drop_all(url: str) -> None:
    with _alone(url) as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger(url) as opened:
        yield opened
