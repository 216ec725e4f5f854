"""The proof sheet as it is seen, with real letters on it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from edu_pipeline.mail.delivery import deliver
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.letter import Address, Letter
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.transports.folder import FolderTransport, period_folder
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline.site.mail_page import write_mail_pages
from edu_pipeline_tests.browser.conftest import Opener, out_of_place
from edu_pipeline_tests.browser.letters import ARABIC, LONG, UNBROKEN, Sample

NOW = datetime(2027, 4, 23, 15, tzinfo=UTC)
ON_IT = (
    ("an ordinary homeroom", "Ada Moss", None),
    ("long names", LONG, None),
    ("unbroken names", UNBROKEN, f"No register of {UNBROKEN} is in; look at it and release it."),
    ("right to left", ARABIC, None),
    ("no register", "Ben Reed", "No register was taken on any day. Ask the office."),
)


@pytest.fixture
def sheet(tmp_path: Path, sample_of: Callable[[str], Sample]) -> Path:
    letters = []
    for n, (name, person, hold) in enumerate(ON_IT):
        content = sample_of(name).content
        letters.append(
            Letter(
                campaign="teachers",
                period="2027-W16",
                recipient_key=f"t_{n}",
                recipient=Address(f"t{n}@riverside.example", person),
                sender=Address("reports@riverside.example", "Riverside School"),
                reply_to="office@riverside.example",
                subject=content.subject,
                html=content.html,
                text=content.text,
                images=content.images,
                not_after=datetime(2027, 4, 28, 18, tzinfo=UTC),
                names=content.names,
                notes=content.notes,
                figures=content.figures,
                hold=hold,
            )
        )
    home, week = Home(tmp_path), ("teachers", "2027-W16")
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.queue(letters, now=NOW, by="test")
        deliver(
            ledger,
            FolderTransport(home.outbox),
            campaign="teachers",
            period="2027-W16",
            now=lambda: NOW,
            owner="test",
            rules=Rules(),
        )
        write_mail_pages(home, Settings(), ledger, week)
    return period_folder(home.outbox, *week) / "index.html"


def test_the_proof_sheet_can_be_read_on_a_telephone_and_on_a_wide_screen(
    sheet: Path, open_page: Opener
) -> None:
    page = open_page(sheet)
    for width in (375, 1400):
        assert out_of_place(page, width) == [], width
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("looks.contrast(false)") == [], scheme


def test_every_link_of_the_proof_sheet_leads_to_a_file(sheet: Path, open_page: Opener) -> None:
    page = open_page(sheet, width=1400)
    links = page.evaluate(
        "[...document.querySelectorAll('section a[href], iframe[src]')].map((e) => e.href || e.src)"
    )
    assert links
    assert [link for link in links if not Path(unquote(urlparse(link).path)).is_file()] == []


def test_a_letter_of_the_sheet_is_seen_between_the_others_of_its_recipient_with_a_way_back(
    sheet: Path, open_page: Opener
) -> None:
    page = open_page(sheet, width=1400)
    page.click(".links a:text-is('letter') >> nth=0")
    assert page.locator("section.letter:visible").count() == 1
    assert any("/outbox/" in frame.url and frame.inner_text("body") for frame in page.frames)
    page.click("a:text-is('All letters of that week')")
    assert Path(unquote(urlparse(page.url).path)) == sheet
    page.click(".trail a:text-is('Letters')")
    assert page.inner_text("h1") == "Letters"


def test_the_proof_sheet_lists_what_moved_and_why_letters_are_held(
    sheet: Path, open_page: Opener
) -> None:
    text = open_page(sheet, width=1400).inner_text("body")
    assert "Moved most" in text
    assert "No register was taken on any day. Ask the office." in text
