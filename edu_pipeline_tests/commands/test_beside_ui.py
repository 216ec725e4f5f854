"""The home's pages, as the web server of Dagster's UI has them beside it."""

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from edu_pipeline.settings.home import Home
from edu_pipeline.wiring.beside_ui import pages_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    for folder, html in ((home.site / "mail", "All letters"), (home.outbox / "w", "A letter")):
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(html)
    (home.data / "ledger.db").write_text("secret")
    return home


def asked(home: Home, path: str, host: str = "localhost") -> tuple[int, str]:
    app = Starlette(routes=[pages_of(home, ["localhost"])])

    async def ask() -> httpx.Response:
        way = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=way, base_url=f"http://{host}") as client:
            return await client.get(path)

    answer = asyncio.run(ask())
    return answer.status_code, answer.headers.get("Content-Security-Policy", "")


def test_pages_and_letters_are_where_they_lie_beside_one_another(home: Home) -> None:
    assert asked(home, "/pages/site/mail/index.html") == (200, "")
    status, rules = asked(home, "/pages/outbox/w/index.html")
    assert status == 200
    assert "script-src 'none'" in rules


@pytest.mark.parametrize(
    "path",
    [
        "/pages/ledger.db",
        "/pages/site/../ledger.db",
        "/pages/site/%2e%2e/ledger.db",
        "/pages/outbox/..%2fledger.db",
    ],
)
def test_nothing_else_of_the_home_is_served(home: Home, path: str) -> None:
    assert asked(home, path)[0] == 404


def test_a_name_that_is_not_the_server_s_gets_no_page(home: Home) -> None:
    assert asked(home, "/pages/site/mail/index.html", "elsewhere.example")[0] == 400
