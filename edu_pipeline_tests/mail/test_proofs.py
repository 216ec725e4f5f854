import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment
from edu_pipeline.mail.delivery import deliver
from edu_pipeline.mail.ledger.approvals import approve, review
from edu_pipeline.mail.ledger.store import Ledger, Queueing
from edu_pipeline.mail.ledger.suppressions import suppress
from edu_pipeline.mail.letter import Figure, Letter
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.proofs import MOST_ALIKE, write_proofs
from edu_pipeline.mail.states import LOOKS, State
from edu_pipeline.mail.transports.folder import FolderTransport
from edu_pipeline_tests.mail.letters import claimed, recorded

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)

LetterMaker = Callable[..., Letter]


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def queue(ledger: Ledger, *letters: Letter) -> None:
    ledger.queue(letters, now=NOW, by="test")


def deliver_all(ledger: Ledger, outbox: Path, now: datetime = NOW) -> None:
    deliver(
        ledger,
        FolderTransport(outbox),
        campaign="teachers",
        period="2026-W40",
        now=lambda: now,
        owner="test",
        rules=Rules(),
    )


def proofs(ledger: Ledger, outbox: Path, period: str = "2026-W40") -> str:
    return write_proofs(
        outbox,
        ledger,
        "teachers",
        period,
        environment([shipped("templates")]),
        school="Riverside School",
        title="Letters to teachers",
    ).read_text()


def shown(page: str) -> list[str]:
    return re.findall(r"<h3>(.*?)</h3>", page)


def titles(page: str) -> list[str]:
    return re.findall(r"<h2>(.*?) <span>", page)


def test_odd_letters_come_first_then_the_most_notes_then_by_subject(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(
        ledger,
        make_letter("t_1", subject="7A"),
        make_letter("t_2", subject="10B", notes=("a",)),
        make_letter("t_3", subject="7C", notes=("a", "b")),
        make_letter("t_4", subject="7D", hold="register missing", notes=("a", "b", "c")),
        make_letter("t_5", subject="7E"),
        make_letter("t_6", subject="7F\nBcc: x"),
        make_letter("t_7", subject="6Z"),
        make_letter("t_8", subject="7H"),
    )
    claimed(ledger, "teachers:2026-W40:t_5", owner="test", transport="other", now=NOW)
    recorded(ledger, "teachers:2026-W40:t_5", State.unknown, now=NOW, detail="connection lost")
    queue(
        ledger,
        *(
            make_letter("t_1", subject="7A"),
            make_letter("t_2", subject="10B", notes=("a",)),
            make_letter("t_3", subject="7C", notes=("a", "b")),
            make_letter("t_4", subject="7D", hold="register missing", notes=("a", "b", "c")),
            make_letter("t_6", subject="7F\nBcc: x"),
            make_letter("t_7", subject="6Z"),
        ),
    )
    deliver_all(ledger, outbox)
    page = proofs(ledger, outbox).replace("\nBcc: x", "")
    assert shown(page) == ["7E", "7F", "7D", "7C", "10B", "6Z", "7A", "7H"]
    assert titles(page) == [
        "Not delivered, and why",
        "Needs a look",
        "With a note",
        "As usual",
        "Not going out",
    ]
    assert "connection lost" in page
    assert "register missing" in page


def test_of_many_letters_that_wait_for_one_reason_some_are_shown_and_all_are_listed(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    alike = [
        make_letter(f"t_{n}", subject=f"all {n}", hold="The gate.") for n in range(MOST_ALIKE + 5)
    ]
    queue(ledger, make_letter("t_99", subject="other", hold="No address."), *alike)
    page = proofs(ledger, outbox)
    assert len(shown(page)) == MOST_ALIKE + 1
    assert "other" in shown(page)
    assert "5 more are like these" in page
    assert f"{MOST_ALIKE + 6}</span></h2>" in page
    links = set(re.findall(r'href="\S+/to/(t_\d+)\.html#', page))
    assert len(links) == MOST_ALIKE + 6


def test_the_top_counts_every_state(ledger: Ledger, make_letter: LetterMaker, outbox: Path) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"), make_letter("t_3", hold="look"))
    deliver_all(ledger, outbox)
    page = proofs(ledger, outbox)
    top = re.sub(r"<[^>]+>|[ \n]+", " ", page.split("<header>")[1].split("</header>")[0])
    assert re.sub(r" +", " ", top).endswith(
        "Week of 28\u00a0September 2026 3 letters ‖ 1 held ✓ 2 sent "
    )


def test_every_link_and_frame_leads_to_a_file(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2", hold="look"))
    deliver_all(ledger, outbox)
    folder = outbox / "teachers" / "2026-W40"
    links = set(re.findall(r'(?:href|src)="([^"]*)"', proofs(ledger, outbox)))
    assert links == {
        "../../../site/index.html",
        "../../../site/mail/index.html",
        "../../../site/mail/to/t_1.html#teachers%3A2026-W40%3At_1",
        "../../../site/mail/to/t_2.html#teachers%3A2026-W40%3At_2",
        "t_1.html",
        "t_1.txt",
        "t_1.eml",
        "previews/t_2.html",
        "previews/t_2.txt",
    }
    assert all((folder / link).exists() for link in links if "site/" not in link)


def test_a_held_letter_has_a_preview_only_until_it_is_delivered(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    preview = outbox / "teachers" / "2026-W40" / "previews"
    queue(ledger, make_letter(hold="look"))
    proofs(ledger, outbox)
    assert sorted(path.name for path in preview.iterdir()) == ["t_1.html", "t_1.txt"]
    assert "data:image/png;base64," in (preview / "t_1.html").read_text()
    queue(ledger, make_letter())
    deliver_all(ledger, outbox)
    page = proofs(ledger, outbox)
    assert not preview.exists()
    assert 'src="t_1.html"' in page


def test_an_expired_letter_is_not_shown_as_delivered(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(ledger, make_letter())
    deliver_all(ledger, outbox, now=NOW + timedelta(days=13))
    page = proofs(ledger, outbox)
    assert "no longer news" in page
    assert ".eml" not in page


def test_an_old_file_in_the_outbox_is_not_shown_for_a_letter_that_waits(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(ledger, make_letter(text="old"))
    deliver_all(ledger, outbox)
    with Ledger(f"sqlite:///{outbox.parent / 'new.db'}") as new:
        queue(new, make_letter(text="new"))
        page = proofs(new, outbox)
    assert 'src="previews/t_1.html"' in page
    assert (outbox / "teachers/2026-W40/previews/t_1.txt").read_text() == "new"


def test_a_letter_that_cannot_be_shown_is_still_on_the_sheet(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(ledger, make_letter(html='<img src="cid:lost">'))
    deliver_all(ledger, outbox)
    page = proofs(ledger, outbox)
    assert "This letter cannot be shown." in page
    assert "The HTML shows the image &#39;lost&#39;" in page


def test_what_people_wrote_is_text_and_not_markup(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    script = "<script>alert(1)</script>"
    queue(ledger, make_letter(subject=script, name=script, notes=(script,), hold=script))
    page = proofs(ledger, outbox)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)") == 6


def test_the_page_may_load_nothing_but_local_frames(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(ledger, make_letter())
    page = proofs(ledger, outbox)
    assert "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self' file:;" in page
    assert re.findall(r'<iframe [^>]*sandbox="([^"]*)"', page) == ["allow-same-origin"]
    assert "<script" not in page


def test_the_sheet_is_the_same_when_nothing_happened(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2", hold="look"))
    deliver_all(ledger, outbox)
    assert proofs(ledger, outbox) == proofs(ledger, outbox)


def test_no_file_is_named_after_a_person(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2", hold="look"))
    deliver_all(ledger, outbox)
    assert "Ada Moss" in proofs(ledger, outbox)
    assert not [
        path for path in outbox.rglob("*") if re.search("ada|moss|@", path.name, re.IGNORECASE)
    ]


def test_every_state_has_its_own_word_and_a_symbol() -> None:
    assert set(LOOKS) == set(State)
    assert len({look.word for look in LOOKS.values()}) == len(State)
    assert all(look.symbol and look.meaning for look in LOOKS.values())


def text_of(page: str, section: str) -> list[str]:
    """What one section of the page says, cell by cell."""
    part = page.partition(f"<h2>{section} <span>")[2].partition("</section>")[0]
    part = part.partition("</h2>")[2]
    return [
        cell
        for cell in (re.sub(r"\s+", " ", cell) for cell in re.split(r"<[^>]+>", part))
        if cell.strip()
    ]


def figure(subject: str, change: float | None, *, unusual: bool = False) -> Figure:
    return Figure(subject, subject, 9, 10, change, unusual=unusual)


def moved(page: str) -> list[str]:
    return re.findall(r'<th scope="row" role="rowheader">([^<]*\S)\s*<', page)


def test_letters_that_did_not_go_stand_first_once_per_reason(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(
        ledger,
        make_letter("t_1", name="Ada Moss", hold="Map the code QT."),
        make_letter("t_2", name="Ben Tan", hold="Map the code QT."),
        make_letter("t_3", name="Carla Reed", hold="The teacher has no address."),
        make_letter("t_4", name="Dan Ives", subject="7F\nBcc: x"),
        make_letter("t_5", name="Eve Oak"),
    )
    deliver_all(ledger, outbox)
    page = proofs(ledger, outbox)
    said = " ".join(text_of(page, "Not delivered, and why"))
    assert re.findall(r"\d \w+|Map the code QT|no address|line break|[A-Z]\w+ [A-Z]\w+", said) == [
        "1 refused",
        "line break",
        "Dan Ives",
        "2 held",
        "Map the code QT",
        "Ada Moss",
        "Ben Tan",
        "1 held",
        "no address",
        "Carla Reed",
    ]
    assert page.index("Not delivered, and why") < page.index('class="cards"')


def test_a_period_in_which_all_went_well_and_nothing_is_stated_has_only_its_letters(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(ledger, make_letter())
    deliver_all(ledger, outbox)
    assert titles(proofs(ledger, outbox)) == ["As usual"]


def test_unusual_figures_stand_before_those_that_moved_more(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    figures = (
        figure("little", 0.011),
        figure("much", -0.2),
        figure("odd and new", None, unusual=True),
        figure("odd", 0.03, unusual=True),
        figure("still", 0.0),
        figure("hardly", 0.0004),
        figure("new", None),
    )
    queue(ledger, make_letter(figures=figures))
    page = proofs(ledger, outbox)
    assert moved(page) == ["odd", "odd and new", "much", "little"]
    said = re.sub(r"\s+", " ", " ".join(text_of(page, "Moved most")))
    assert re.findall(r"[▲▼] \w+ [\d.]+ points|nothing to compare with(?= Ada)", said) == [
        "▲ up 3.0 points",
        "nothing to compare with",
        "▼ down 20.0 points",
        "▲ up 1.1 points",
    ]
    assert "90.0 %" in said
    assert "2 did not move and 1 has nothing to compare with." in said


def test_only_the_fifteen_that_moved_most_are_shown_and_the_others_counted(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(
        ledger,
        make_letter(figures=tuple(figure(f"f{n}", n / 100, unusual=n < 17) for n in range(1, 21))),
    )
    page = proofs(ledger, outbox)
    assert moved(page) == [f"f{n}" for n in range(16, 1, -1)]
    assert "5 moved less (1 of them unusual)" in page


def test_a_figure_of_several_letters_is_one_with_a_link_to_each(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    school = figure("school", -0.02)
    letters = [
        make_letter(f"t_{n}", name=f"Teacher {n}", figures=(school, school)) for n in range(1, 6)
    ]
    queue(ledger, *letters, make_letter("t_6", figures=(figure("withdrawn", 0.5),)))
    queue(ledger, *letters)
    deliver_all(ledger, outbox)
    page = proofs(ledger, outbox)
    table = page.split('<table class="moved"')[1].split("</table>")[0]
    assert moved(page) == ["school"]
    assert re.findall(r'href="([^"]*)"', table) == [
        f"../../../site/mail/to/t_{n}.html#teachers%3A2026-W40%3At_{n}" for n in range(1, 6)
    ]
    assert "and 2 more" in table


def test_a_figure_over_nothing_has_no_share(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(ledger, make_letter(figures=(Figure("a", "7B homework", 0, 0, -0.1),)))
    assert '<td role="cell" class="now">–</td>' in proofs(ledger, outbox)


def test_letters_to_be_approved_are_shown_with_the_digest_that_stands_for_exactly_these(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    ledger.queue([make_letter()], now=NOW, by="test", rules=Queueing(approval=True))
    seen = review(ledger, "teachers", "2026-W40")
    page = proofs(ledger, outbox)
    assert "1 to be approved" in page
    assert f"edu-pipeline mail approve --week 2026-W40 --digest {seen.digest}" in page
    approve(ledger, seen.drafts, now=NOW, by="carla")
    page = proofs(ledger, outbox)
    assert "1 approved" in page
    assert "--digest" not in page


def test_a_letter_to_somebody_who_paused_them_is_shown_with_the_reason(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    address = "t_1@riverside.example"
    suppress(ledger, address, "*", "unsubscribe", source="link", now=NOW, by="recipient")
    queue(ledger, make_letter())
    page = proofs(ledger, outbox)
    assert "1 not written to" in page
    assert page.count("The recipient paused these letters, or unsubscribed.") == 2


def test_a_correction_is_shown_beside_the_letter_that_it_corrects(
    ledger: Ledger, make_letter: LetterMaker, outbox: Path
) -> None:
    queue(ledger, make_letter(text="93 %"))
    deliver_all(ledger, outbox)
    again = make_letter(text="91 %")
    ledger.queue([again], now=NOW, by="test", rules=Queueing(correction="A register was late."))
    page = proofs(ledger, outbox)
    assert 'src="t_1.html"' in page
    assert 'src="previews/t_1~2.html"' in page
    deliver_all(ledger, outbox)
    assert 'href="t_1~2.eml"' in proofs(ledger, outbox)
