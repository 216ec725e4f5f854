import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.events import Kind, MailEvent
from edu_pipeline.mail.ledger.events import record_events
from edu_pipeline.mail.ledger.forgetting import Person, erase
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline.site.letters_pages import MOST_UNFOLDED, reached_mark
from edu_pipeline.site.mail_page import write_mail_pages
from edu_pipeline_tests.mail.letters import claimed, letter, recorded

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
ENV = environment([shipped("templates")])
WEEK = ("teachers", "2026-W40")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def queue(ledger: Ledger, *letters: Letter) -> None:
    ledger.queue(letters, now=NOW, by="test")


def out(ledger: Ledger, key: str, *reported: tuple[Kind, str]) -> None:
    """Send a letter by a carrier, and have it report."""
    claimed(ledger, key, owner="test", transport="sendgrid", now=NOW)
    recorded(ledger, key, State.sent, now=NOW, transport_id="x")
    report(ledger, key, *reported)


def report(ledger: Ledger, key: str, *reported: tuple[Kind, str]) -> None:
    events = [
        MailEvent(
            f"{key} {kind}", f"{key} {kind}", key, ledger.id, kind, NOW, why, False, None, None
        )
        for kind, why in reported
    ]
    record_events(ledger, events, now=NOW, tracking="individual")


def write(home: Home, ledger: Ledger, *sheets: tuple[str, str]) -> None:
    write_mail_pages(home, Settings(), ledger, *sheets)


def pages(home: Home) -> dict[str, str]:
    """Name → what the page says."""
    folder = home.site / "mail" / "to"
    return {
        page.stem: re.sub(
            r"[ \n]+", " ", re.sub(r"(?s)<style>.*</style>|<[^>]+>", " ", page.read_text())
        )
        for page in folder.glob("*.html")
    }


def test_a_teacher_s_page_has_every_letter_with_what_became_of_it(
    home: Home, ledger: Ledger
) -> None:
    queue(ledger, letter(period="2026-W39", subject="Before"))
    queue(ledger, letter(subject="Now"), letter("t_2", name="Ben Reed", hold="No register."))
    out(ledger, "teachers:2026-W39:t_1", ("delivered", ""), ("opened", ""))
    out(ledger, "teachers:2026-W40:t_1", ("bounced", "5.1.1"))
    write(home, ledger, ("teachers", "2026-W39"), WEEK)
    ada, ben = pages(home)["t_1"], pages(home)["t_2"]
    assert ada.index("Week of 28\u00a0September 2026") < ada.index("Week of 21\u00a0September 2026")
    assert ada.count("opened by a person") == 2  # in the list, and above the letter
    assert "5.1.1" in ada
    assert "No register." in ben
    assert "Ben Reed" not in ada
    html = (home.site / "mail" / "to" / "t_1.html").read_text()
    links = re.findall(r'<iframe src="([^"]+)"', html)
    assert len(links) == 2
    assert all((home.site / "mail" / "to" / link).resolve().is_file() for link in links)
    assert "Bounced" in pages(home)["index"].partition("Ada Moss")[2].partition("Ben Reed")[0]


def test_a_week_that_the_gate_holds_says_why_at_each_of_its_letters(
    home: Home, ledger: Ledger
) -> None:
    queue(ledger, letter())
    write(home, ledger, WEEK)
    held = Period(*WEEK, "2026-09-28", date(2026, 10, 2), complete=True, held="A file is odd.")
    ledger.record_periods("teachers", [held])
    write(home, ledger)
    assert "A file is odd." in pages(home)["t_1"]


def test_only_pages_of_whom_there_is_news_are_written(home: Home, ledger: Ledger) -> None:
    queue(ledger, letter(), letter("t_2", name="Ben Reed"))
    write(home, ledger, WEEK)
    for page in pages(home):
        (home.site / "mail" / "to" / f"{page}.html").write_text("as it was")
    write(home, ledger)
    assert set(pages(home).values()) == {"as it was"}
    out(ledger, "teachers:2026-W40:t_2", ("delivered", ""))
    write(home, ledger)
    assert pages(home)["t_1"] == "as it was"
    assert "Delivered" in pages(home)["t_2"]
    (home.site / "mail" / "to" / "t_1.html").unlink()
    report(ledger, "teachers:2026-W40:t_2", ("opened", ""))
    write(home, ledger)
    assert "Ada Moss" in pages(home)["t_1"]


def test_a_proof_sheet_says_what_the_carrier_reported_after_it_was_written(
    home: Home, ledger: Ledger
) -> None:
    queue(ledger, letter())
    out(ledger, "teachers:2026-W40:t_1")
    write(home, ledger, WEEK)
    report(ledger, "teachers:2026-W40:t_1", ("bounced", "5.1.1 invalid address"))
    write(home, ledger)
    assert "5.1.1 invalid address" in (home.outbox / "teachers/2026-W40/index.html").read_text()


def test_all_pages_are_written_again_where_they_would_look_otherwise(
    home: Home, ledger: Ledger
) -> None:
    queue(ledger, letter())
    write(home, ledger, WEEK)
    renamed = Settings.model_validate({"school": {"name": "Lakeside"}})
    write_mail_pages(home, renamed, ledger)
    assert "Lakeside" in pages(home)["t_1"]


def test_who_is_erased_has_no_page_and_is_on_no_list(home: Home, ledger: Ledger) -> None:
    queue(ledger, letter(), letter("t_2", name="Ben Reed"))
    write(home, ledger, WEEK)
    nobody: frozenset[str] = frozenset()
    erase(ledger, Person(nobody, frozenset({"t_1"}), nobody, nobody), now=NOW, by="test")
    reached_mark(home).unlink()
    write(home, ledger)
    assert set(pages(home)) == {"index", "t_2"}
    assert "Ada Moss" not in pages(home)["index"]


def test_namesakes_have_their_addresses_and_many_teachers_are_folded_by_initials(
    home: Home, ledger: Ledger
) -> None:
    queue(ledger, letter("t_1"), letter("t_2"), letter("t_3", name="Ben Reed"))
    write(home, ledger)
    few = pages(home)["index"]
    assert "t_1@riverside.example" in few
    assert "t_2@riverside.example" in few
    assert "t_3@riverside.example" not in few
    many = (letter(f"t_{n}", name=f"Ben Reed {n}") for n in range(3, MOST_UNFOLDED + 3))
    queue(ledger, letter("t_1"), letter("t_2"), *many)
    write(home, ledger)
    html = (home.site / "mail" / "to" / "index.html").read_text()
    assert re.findall(r"<summary>(\w)", html) == ["A", "B"]


def test_learners_have_pages_and_are_not_listed(home: Home, ledger: Ledger) -> None:
    learner = letter("l_1", name="Lea Learner")
    queue(ledger, Letter(**{**vars(learner), "campaign": "nudges.buslead"}))
    write(home, ledger, ("nudges.buslead", "2026-W40"))
    assert "Lea Learner" in pages(home)["l_1"]
    assert "Lea Learner" not in pages(home)["index"]
