"""The page on how letters stand, as it is seen."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from edu_pipeline.mail.due import Period
from edu_pipeline.mail.events import Kind, MailEvent
from edu_pipeline.mail.ledger.controls import pause
from edu_pipeline.mail.ledger.events import record_events
from edu_pipeline.mail.ledger.store import Ledger, Queueing
from edu_pipeline.mail.letter import Address, Letter
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline.site.mail_page import write_mail_pages
from edu_pipeline_tests.browser.conftest import Opener, barriers, out_of_place
from edu_pipeline_tests.mail.letters import claimed, recorded

FIRST = date(2026, 1, 5)
WEEKS = 16
PERSON = "Ada Moss"


def letters(period: str, not_after: datetime) -> list[Letter]:
    return [
        Letter(
            campaign="teachers",
            period=period,
            recipient_key=f"t_{n:02}",
            recipient=Address(f"t{n}@riverside.example", PERSON),
            sender=Address("reports@riverside.example", "Riverside School"),
            reply_to="office@riverside.example",
            subject="Your week",
            html="<p>Hello</p>",
            text="Hello",
            images=(),
            not_after=not_after,
            names=frozenset({PERSON}),
            hold="Look at it." if n == 0 else None,
        )
        for n in range(12)
    ]


def event(ledger: Ledger, key: str, kind: Kind, at: datetime, *, machine: bool) -> MailEvent:
    name = f"{key} {kind} {machine}"
    return MailEvent(name, name, key, ledger.id, kind, at, "", machine, None, None)


def fill(ledger: Ledger) -> None:
    """Weeks of every kind: with a range of opens, few letters, doubts, drafts and a held one."""
    periods = []
    for week in range(WEEKS):
        monday = FIRST + timedelta(weeks=week)
        period, friday = f"2026-W{week + 2:02}", datetime(2026, 1, 9, 15, tzinfo=UTC)
        at = friday + timedelta(weeks=week)
        last = week == WEEKS - 1
        held = (
            "1,234 marks have a code that nobody mapped: 'QT'. Say what it means." if last else None
        )
        periods.append(
            Period(
                "teachers",
                period,
                monday.isoformat(),
                monday + timedelta(days=6),
                complete=True,
                held=held,
            )
        )
        batch = letters(period, at + timedelta(days=400))[: 5 if week == 4 else 12]
        ledger.queue(batch, now=at, by="test", rules=Queueing(approval=last))
        if last:
            continue
        events = []
        for n, letter in enumerate(batch[1:], start=1):
            claimed(ledger, letter.key, owner="test", transport="sendgrid", now=at)
            doubtful = week == WEEKS - 2 and n == 1
            state = State.unknown if doubtful else State.sent
            recorded(ledger, letter.key, state, now=at, transport_id="x")
            if not doubtful:
                events.append(event(ledger, letter.key, "delivered", at, machine=False))
                if n <= 4 + week % 5:
                    events.append(event(ledger, letter.key, "opened", at, machine=n % 3 == 0))
        record_events(ledger, events, now=at, tracking="individual")
    ledger.record_periods("teachers", periods)


@pytest.fixture(scope="module")
def page_on_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Home(tmp_path_factory.mktemp("home"))
    settings = Settings.model_validate({"mail": {"tracking": "individual"}})
    with Ledger(f"sqlite:///{home.root / 'ledger.db'}") as ledger:
        fill(ledger)
        pause(ledger, "We look first.", now=datetime(2026, 5, 1, tzinfo=UTC), by="carla")
        sheets = [("teachers", summary.period) for summary in ledger.periods()[:3]]
        return write_mail_pages(home, settings, ledger, *sheets)


def test_the_page_of_letters_can_be_read_on_a_telephone_and_on_a_wide_screen(
    page_on_disk: Path, open_page: Opener
) -> None:
    page = open_page(page_on_disk)
    for width in (375, 1200):
        assert out_of_place(page, width) == [], width
        assert page.locator("figure svg:visible").count() == 1
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("looks.contrast(false)") == [], scheme


def test_the_page_of_letters_says_what_to_do_and_names_nobody(
    page_on_disk: Path, open_page: Opener
) -> None:
    text = open_page(page_on_disk, width=1200).inner_text("body")
    assert text.index("1 unknown") < text.index("11 to be approved")
    assert "By carla since 2026-05-01 00:00 UTC: We look first." in text
    home = page_on_disk.parents[3]
    assert f"edu-pipeline --home {home} mail approve --week 2026-W17" in text
    assert "'QT'" in text
    assert PERSON not in page_on_disk.read_text(encoding="utf-8")


def test_every_proof_sheet_that_the_page_leads_to_is_there(
    page_on_disk: Path, open_page: Opener
) -> None:
    page = open_page(page_on_disk, width=1200)
    links = set(
        page.evaluate("[...document.querySelectorAll('section a[href]')].map((e) => e.href)")
    )
    assert len(links) == 4  # and the list of teachers
    assert all(Path(link.removeprefix("file://")).is_file() for link in links)


@pytest.mark.parametrize("path", ["index.html", "t_05.html"])
def test_a_teacher_s_letters_can_be_found_and_read_everywhere(
    path: str, page_on_disk: Path, open_page: Opener
) -> None:
    page = open_page(page_on_disk.parent / "to" / path)
    for width in (375, 1200):
        assert out_of_place(page, width) == [], width
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("looks.contrast(false)") == [], scheme
        assert barriers(page) == [], scheme


def test_the_newest_letter_is_shown_and_every_other_is_a_click_away(
    page_on_disk: Path, open_page: Opener
) -> None:
    page = open_page(page_on_disk, width=1200)
    page.click("a:text-is('Every letter, by teacher')")
    page.click(".people a[href='t_05.html']")
    seen = page.locator("section.letter:visible")
    assert seen.evaluate_all("(all) => all.map((each) => each.id)") == ["teachers:2026-W17:t_05"]
    page.click(".weeks a:text-is('Week of 13\u00a0April 2026')")
    assert seen.evaluate_all("(all) => all.map((each) => each.id)") == ["teachers:2026-W16:t_05"]
    assert "delivered" in seen.inner_text().lower()
    (frame,) = (each for each in page.frames if each.url.endswith("2026-W16/previews/t_05.html"))
    assert frame.inner_text("body") == "Hello"
