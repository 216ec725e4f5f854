"""One real browser for the room, without a network."""

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, Playwright, Request, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from edu_pipeline.teachers.letter import LetterContent
from edu_pipeline_tests.browser.letters import SAMPLES, Sample

LOOKS = (Path(__file__).parent / "looks.js").read_text(encoding="utf-8")
NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "These tests look at letters in Chromium, and none was found. Install it with the system's "
    "package manager (apt-get install chromium), or by .venv/bin/playwright install chromium"
)
ON_DISK = ("data:", "file:", "about:", "blob:")

Opener = Callable[..., Page]


def out_of_place(page: Page, width: int) -> list[str]:
    """What does not fit, is cut, or lies over something else in a page of this width."""
    page.set_viewport_size({"width": width, "height": 900})
    checks = ("sideways", "cut", "overlapping", "squeezed")
    return [f"{check}: {each}" for check in checks for each in page.evaluate(f"looks.{check}()")]


def barriers(page: Page) -> list[str]:
    """What axe finds that keeps somebody from reading or using a page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html']}"
        for each in found
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For one module: Playwright's event loop must be gone before a test of another room runs."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        if browser is None:
            if os.environ.get("CI"):
                pytest.fail(MISSING)
            pytest.skip(MISSING)
        yield browser
        browser.close()


def _launch(playwright: Playwright) -> Browser | None:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    options = ["--no-sandbox"] if root else []
    if found:
        return playwright.chromium.launch(executable_path=found, args=options)
    with suppress(PlaywrightError):
        return playwright.chromium.launch(args=options)
    return None


@pytest.fixture(scope="module")
def _shown(chromium: Browser) -> Iterator[Page]:
    """One page for a module: a new one would be a new process, which reads every script again."""
    context = chromium.new_context(offline=True)
    context.add_init_script(LOOKS)
    yield context.new_page()
    context.close()


@pytest.fixture
def open_page(_shown: Page) -> Iterator[Opener]:
    """Shows a file, or a page from its HTML; nothing but the disk may be asked for."""
    wanted: list[str] = []

    def note(request: Request) -> None:
        wanted.append(request.url)

    def open_in_browser(shown: str | Path, width: int = 600) -> Page:
        _shown.set_viewport_size({"width": width, "height": 900})
        if isinstance(shown, Path):
            _shown.goto(shown.as_uri())
        else:
            _shown.goto("about:blank")
            _shown.set_content(shown)
        return _shown

    _shown.on("request", note)
    yield open_in_browser
    _shown.remove_listener("request", note)
    _shown.emulate_media(media="null", color_scheme="null")
    assert [url for url in wanted if not url.startswith((*ON_DISK, "cid:"))] == []


@pytest.fixture(scope="session")
def sample_of() -> Callable[[str], Sample]:
    """Each letter once in a session: most of the time goes into its charts."""
    made: dict[str, Sample] = {}

    def sample(name: str) -> Sample:
        if name not in made:
            made[name] = SAMPLES[name]()
        return made[name]

    return sample


def as_seen(content: LetterContent) -> str:
    """A letter's HTML with its pictures in it, as a mail client puts them in."""
    html = content.html
    for image in content.images:
        data = base64.b64encode(image.png).decode()
        html = html.replace(f"cid:{image.name}", f"data:image/png;base64,{data}")
    return html
