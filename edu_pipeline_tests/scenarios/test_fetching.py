"""Exports that come by themselves: from a server of OneRoster's interface, in a process of its own."""

import csv
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from edu_pipeline import cli
from edu_pipeline.landing.doors.fetch import fetch
from edu_pipeline.landing.doors.oneroster_rest import _day
from edu_pipeline.landing.stores import LandingError
from edu_pipeline.settings.home import SettingsError, load_settings
from edu_pipeline.settings.sources import Fetched
from edu_pipeline_tests import fake_oneroster
from edu_pipeline_tests.conftest import make_home, run_job
from edu_pipeline_tests.scenarios.test_formats import EXAMPLES, ONEROSTER, refreshed

SECRETS = {"EDU_PIPELINE_SIS_ID": "an-id", "EDU_PIPELINE_SIS_SECRET": "a-secret"}
PERSONAL = {"agentSourcedIds"}
"""Columns of the examples that do not land."""


class System:
    """The server, and what it is asked to do."""

    def __init__(self, port: int, version: str, folder: Path) -> None:
        self.root, self.version, self.landing = f"http://127.0.0.1:{port}", version, folder
        self.waited: list[float] = []

    def fails(self, faults: Mapping[str, str]) -> None:
        httpx.post(f"{self.root}/faults", json=faults)

    def log(self) -> Any:
        return httpx.get(f"{self.root}/log").json()

    def source(self, **said: object) -> Fetched:
        return Fetched.model_validate(
            {
                "name": "sis",
                "url": f"{self.root}/ims/oneroster/",
                "token_url": f"{self.root}/token",
                "version": self.version,
                **said,
            }
        )

    def fetch(self, **said: object) -> Path | None:
        return fetch(self.source(**said), self.landing, SECRETS, UTC, self.waited.append)

    @property
    def archive(self) -> Path:
        return self.landing / "school" / "sis.zip"


@pytest.fixture(scope="module")
def ports() -> Iterator[Mapping[str, int]]:
    servers = {
        version: subprocess.Popen(
            [sys.executable, fake_oneroster.__file__, EXAMPLES / f"oneroster-{version}", version],
            stdout=subprocess.PIPE,
            text=True,
        )
        for version in ("1.1", "1.2")
    }
    yield {version: int(server.stdout.readline()) for version, server in servers.items()}  # type: ignore[union-attr]
    for server in servers.values():
        server.kill()
        server.communicate()


@pytest.fixture
def system(ports: Mapping[str, int], tmp_path: Path) -> System:
    made = System(ports["1.2"], "1.2", tmp_path / "landing")
    made.fails({})
    return made


def rows(text: str) -> list[dict[str, str]]:
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    return [{k: "" if k in PERSONAL else v for k, v in row.items()} for row in found]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_what_is_fetched_is_the_set_of_files_that_one_could_have_put_there(
    ports: Mapping[str, int], tmp_path: Path, version: str
) -> None:
    system = System(ports[version], version, tmp_path / "landing")
    system.fails({})
    assert system.fetch() == system.archive
    with zipfile.ZipFile(system.archive) as book:
        landed = {name: book.read(name).decode() for name in book.namelist()}
    example = EXAMPLES / f"oneroster-{version}"
    names = {path.name for path in example.glob("*.csv")} - {"attendance.csv"}
    assert landed.keys() == names
    for name in names - {"manifest.csv", "roles.csv", "categories.csv"}:
        assert rows(landed[name]) == rows((example / name).read_text(encoding="utf-8")), name
    named = dict(csv.reader(io.StringIO(landed["manifest.csv"])))
    said = dict(csv.reader(io.StringIO((example / "manifest.csv").read_text(encoding="utf-8"))))
    assert {key for key in said if named.get(key) != said[key]} <= {
        "source.systemName",
        "source.systemCode",
    }
    if version == "1.2":
        kept = ("userSourcedId", "roleType", "role", "orgSourcedId")
        theirs = rows((example / "roles.csv").read_text(encoding="utf-8"))
        assert sorted(
            tuple(row[key] for key in kept) for row in rows(landed["roles.csv"])
        ) == sorted(tuple(row[key] for key in kept) for row in theirs)


def test_what_has_not_changed_lands_once(system: System) -> None:
    assert system.fetch()
    before = system.archive.stat().st_mtime_ns
    assert system.fetch() is None
    assert system.archive.stat().st_mtime_ns == before


def test_a_busy_server_is_asked_again_when_it_says_and_a_token_is_renewed(system: System) -> None:
    system.fails({"2": "429", "4": "500", "6": "stops", "9": "expired"})
    tokens = system.log()["tokens"]
    assert system.fetch()
    assert system.waited == [7, 1, 1]
    assert system.log()["tokens"] == tokens + 2


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"all": "503"}, r"academicSessions answers 503, 5 times\. Nothing was changed"),
        ({"all": "stops"}, r"stopped in the middle \(RemoteProtocolError\), 5 times"),
        ({"5": "repeats", "6": "repeats"}, "gave an object twice"),
        ({"3": "promises", "4": "promises", "5": "promises"}, "says that it has"),
        ({"all": "elsewhere"}, "leads on to another server"),
        ({"all": "403"}, r"does not give what it was asked for \(403\)"),
        ({"all": "absent"}, r"is not there \(404\)"),
    ],
)
def test_a_server_that_does_not_give_all_changes_nothing(
    system: System, faults: Mapping[str, str], told: str
) -> None:
    system.fetch()
    before = system.archive.read_bytes()
    system.fails(faults)
    with pytest.raises(LandingError, match=told):
        system.fetch()
    assert system.archive.read_bytes() == before
    assert [path.name for path in system.archive.parent.iterdir()] == ["sis.zip"]


def test_a_server_without_counts_and_links_is_read_to_its_last_page(system: System) -> None:
    system.fetch()
    before = system.archive.read_bytes()
    system.fails({"all": "bare"})
    system.archive.unlink()
    system.fetch()
    assert system.archive.read_bytes() == before


def test_a_system_without_a_gradebook_is_not_asked_for_one(system: System) -> None:
    system.fetch(gradebook=False)
    assert not any("gradebook" in path for path in system.log()["log"])
    with zipfile.ZipFile(system.archive) as book:
        assert "results.csv" not in book.namelist()
        assert "file.results,absent" in book.read("manifest.csv").decode()


def test_a_secret_that_is_wrong_or_not_said_is_told_by_its_variable(system: System) -> None:
    wrong = {**SECRETS, "EDU_PIPELINE_SIS_SECRET": "wrong"}
    with pytest.raises(LandingError, match=r"gives no token \(401\)") as told:
        fetch(system.source(), system.landing, wrong, UTC)
    assert "wrong" not in str(told.value)
    with pytest.raises(LandingError, match="does not say EDU_PIPELINE_SIS_ID and EDU_PIPELINE_SIS"):
        fetch(system.source(), system.landing, {}, UTC)


def test_a_moment_is_due_on_the_school_s_day_and_midnight_is_a_day_without_an_hour() -> None:
    chicago = ZoneInfo("America/Chicago")
    assert _day("2026-09-08T04:59:00.000Z", chicago) == "2026-09-07"
    assert _day("2026-09-08T00:00:00.000Z", chicago) == "2026-09-08"
    assert _day("2026-09-08T04:59:00Z", None) == "2026-09-08"
    assert _day("2026-09-08", chicago) == "2026-09-08"
    assert _day("soon", chicago) == "soon"


def test_a_secret_goes_to_nobody_over_an_open_line(tmp_path: Path) -> None:
    home = make_home(
        tmp_path,
        {},
        '[[sources]]\nname = "sis"\nurl = "http://sis.example"\ntoken_url = "https://sis.example/t"\n',
    )
    with pytest.raises(SettingsError, match="must begin with https://"):
        load_settings(home)


def test_a_school_whose_system_is_asked_needs_only_its_registers_beside(
    ports: Mapping[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the command to figures; they are those of the example that is dropped by hand."""
    system = System(ports["1.2"], "1.2", tmp_path)
    system.fails({})
    source = system.source()
    registers = (EXAMPLES / "oneroster-1.2" / "attendance.csv").read_text(encoding="utf-8")
    config = f'[[sources]]\nname = "sis"\nurl = "{source.url}"\ntoken_url = "{source.token_url}"\n'
    home = make_home(tmp_path / "home", {"attendance.csv": registers}, config)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert run_job(home, "fetch_sis").success
    with pytest.raises(SystemExit) as ended:
        cli.app(["--home", str(home.root), "landing", "fetch"])
    assert ended.value.code == 0
    assert refreshed(home) == ([], ONEROSTER)
    landed = home.data / "landing" / "school" / "sis.zip"
    before = landed.read_bytes()
    monkeypatch.delenv("EDU_PIPELINE_SIS_SECRET")
    with pytest.raises(SystemExit) as ended:
        cli.app(["--home", str(home.root), "run"])
    assert (ended.value.code, landed.read_bytes()) == (1, before)
    assert not home.outbox.exists()
