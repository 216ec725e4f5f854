"""What several rooms of tests share: small homes and the sample school."""

import gc
import itertools
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import sqlalchemy as sa
from filelock import FileLock

from edu_pipeline.definitions import build_definitions
from edu_pipeline.landing import zone
from edu_pipeline.sample.landing import write_sample
from edu_pipeline.sample.school import make_school
from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.environment import mail_room
from edu_pipeline_tests.histories import unkept
from edu_pipeline_tests.ledgers import (  # noqa: F401 - fixtures, with one server for all rooms
    empty_url,
    ledger,
    postgres,
    postgres_url,
    url,
)

THROUGH = date(2026, 5, 15)
"""Last day of the sample school's data: a Friday, with all registers in."""
WEEK = date(2026, 5, 11)
WRITTEN_FROM = ("students_of_week", "said_before", "letter_charts")
"""Tables of `send_letters` that a week's letters are written from."""

CODES = """
[letters]
blocks = ["figures", "news", "notice", "table"]  # without charts, which take most of a run's time

[attendance.codes]
P = "present"
T = "tardy"
A = "unexcused"
E = "excused"
H = "half_day"
"""


_NUMBERS = itertools.count()

NO_HISTORY = """
event_log_storage: {module: edu_pipeline_tests.histories, class: NoEvents}
telemetry: {enabled: false}
"""
"""A `dagster.yaml` by which runs from the shell leave no events, which take a third of their time."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for a process, a server or a page."""
    return (os.cpu_count() or 1) + 1


def pytest_configure() -> None:
    """xdist's processes, and those that tests start: to share a few rows out takes longer than it saves."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")


def pytest_collection_finish() -> None:
    """What was imported and collected is there to the end: nobody need look again whether it is garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_unconfigure() -> None:
    """At the end it is garbage: libraries count what they find left of theirs."""
    gc.unfreeze()


@sa.event.listens_for(sa.engine.Engine, "connect")
def _do_not_wait_for_the_disk(connection: object, _: object) -> None:
    """No test loses power, so Dagster's history need not be on the disk; ledgers say so again."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")


@pytest.fixture(autouse=True)
def _files_are_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test has written is complete."""
    monkeypatch.setattr(zone, "SETTLING", 0)


def make_home(root: Path, files: Mapping[str, str], config: str = CODES) -> Home:
    """A home with these exports (name → CSV text) and this `pipeline.toml`."""
    home = Home(root)
    school = home.data / "landing" / "school"
    school.mkdir(parents=True, exist_ok=True)
    home.config.write_text(config, encoding="utf-8")
    for name, text in files.items():
        (school / name).write_text(text, encoding="utf-8")
    return home


def run_job(
    home: Home,
    job: str,
    instance: dg.DagsterInstance | None = None,
    week: date | None = None,
    only: Sequence[str] = (),
    up_to: Sequence[str] = (),
) -> dg.ExecuteInProcessResult:
    """Run a job of a home in this process, or `only` some of its assets, as a person may in the UI.

    `up_to` some of them leaves out what does not make these: most of a run of a tiny school's time.
    """
    definitions = build_definitions(mail_room(home))
    resolved = definitions.resolve_job_def(job)
    if up_to:
        made = dg.AssetSelection.assets(*up_to).upstream()
        keys = made.resolve(definitions.resolve_asset_graph())
        only = [key.path[-1] for key in keys & resolved.asset_layer.selected_asset_keys]
    with instance or unkept() as history:
        return resolved.execute_in_process(
            instance=history,
            partition_key=week.isoformat() if week else None,
            run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
            asset_selection=[dg.AssetKey(name) for name in only] or None,
        )


@pytest.fixture(scope="session")
def refreshed_sample(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the sample school, refreshed; for all tests of the session, so look only."""
    own = tmp_path_factory.getbasetemp()
    # whoever needs it first makes it for all of xdist's processes; a warehouse is open in one at a time
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    made, done = shared / "sample", shared / "sample.done"
    with FileLock(shared / "sample.lock"):
        if not done.exists():
            home = make_home(made, {})
            write_sample(home.data / "landing", make_school(students=132, through=THROUGH))
            run_job(home, "refresh")
            done.touch()
    return Home(Path(shutil.copytree(made, tmp_path_factory.mktemp("sample") / "home")))


@pytest.fixture
def sample_home(refreshed_sample: Home, tmp_path: Path) -> Home:
    """A copy of a home with the sample school, refreshed; nothing queued or sent yet."""
    shutil.copytree(refreshed_sample.root, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def home_of(tmp_path: Path) -> Callable[..., Home]:
    """Makes a home from CSV texts."""

    def make(files: Mapping[str, str], config: str = CODES) -> Home:
        return make_home(tmp_path / "home", files, config)

    return make


@pytest.fixture(scope="session")
def _database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"python_enable_replacements": False}) as opened:
        yield opened


@pytest.fixture
def another(
    _database: duckdb.DuckDBPyConnection,
) -> Iterator[Callable[[], duckdb.DuckDBPyConnection]]:
    """Opens empty warehouses in memory for tests of several: attached to one, ten times as quick as new ones."""
    with ExitStack() as opened:

        def attached() -> duckdb.DuckDBPyConnection:
            con = opened.enter_context(_database.cursor())
            name = f"w{next(_NUMBERS)}"
            con.execute(f"attach ':memory:' as {name}; use {name}")
            opened.callback(con.execute, f"use memory; detach {name}")
            return con

        yield attached


@pytest.fixture
def con(_database: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse in memory: what a test writes is taken back, which is quicker than a new one."""
    _database.execute("begin")
    yield _database
    _database.execute("rollback")
