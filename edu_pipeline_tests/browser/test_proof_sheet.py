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
from edu_pipeline.mail.proofs import write_proofs
from edu_pipeline.mail.transports.folder import FolderTransport
from edu_pipeline_tests.browser.conftest import Opener
from edu_pipeline_tests.browser.letters import ARABIC, ENV, LONG, UNBROKEN, Sample

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
    outbox = tmp_path / "outbox"
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.queue(letters, now=NOW, by="test")
        deliver(
            ledger,
            FolderTransport(outbox),
            campaign="teachers",
            period="2027-W16",
            now=lambda: NOW,
            owner="test",
            rules=Rules(),
        )
        return write_proofs(outbox, ledger, "teachers", "2027-W16", ENV)


def test_the_proof_sheet_can_be_read_on_a_telephone_and_on_a_wide_screen(
    sheet: Path, open_page: Opener
) -> None:
    for shown in (sheet, sheet.parents[2] / "index.html"):
        page = open_page(shown)
        for width in (375, 1400):
            page.set_viewport_size({"width": width, "height": 900})
            for check in ("sideways", "cut", "overlapping", "squeezed"):
                assert page.evaluate(f"looks.{check}()") == [], (shown.name, width, check)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("looks.contrast(false)") == [], (shown.name, scheme)


def test_every_link_of_the_proof_sheet_leads_to_a_file(sheet: Path, open_page: Opener) -> None:
    for shown in (sheet, sheet.parents[2] / "index.html"):
        page = open_page(shown, width=1400)
        links = page.evaluate(
            "[...document.querySelectorAll('a[href], iframe[src]')].map((e) => e.href || e.src)"
        )
        assert links
        assert [link for link in links if not Path(unquote(urlparse(link).path)).is_file()] == []


def test_the_proof_sheet_lists_what_moved_and_why_letters_are_held(
    sheet: Path, open_page: Opener
) -> None:
    text = open_page(sheet, width=1400).inner_text("body")
    assert "Moved most" in text
    assert "No register was taken on any day. Ask the office." in text
