"""Copies to an operator: what they look like, and that they count nowhere."""

from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path

from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import State
from edu_pipeline.mail.rehearsal import RehearsalReport, rehearse, rehearsed
from edu_pipeline.mail.transports.folder import FolderTransport
from edu_pipeline_tests.mail.conftest import LetterMaker

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
KEY = "teachers:2026-W40:t_1"
OPERATOR = "carla@riverside.example"


def run(ledger: Ledger, tmp_path: Path, *, again: bool = False) -> RehearsalReport:
    return rehearse(
        ledger,
        FolderTransport(tmp_path / "outbox"),
        [KEY],
        to=OPERATOR,
        now=lambda: NOW,
        by="carla",
        again=again,
    )


def test_a_rehearsal_goes_to_the_operator_marked_as_a_test(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    ledger.queue([make_letter()], now=NOW, by="test")
    assert run(ledger, tmp_path).sent == 1
    (file,) = (tmp_path / "outbox").rglob("*.eml")
    message = BytesParser(policy=policy.default).parsebytes(file.read_bytes())
    assert message["To"] == OPERATOR
    assert message["Subject"] == "[TEST] Your week"
    body = message.get_body(("plain",))
    assert body
    assert body.get_content().startswith("This is a test. The letter itself would go to Ada Moss.")


def test_a_rehearsal_counts_nowhere_but_is_in_the_letters_story(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    ledger.queue([make_letter()], now=NOW, by="test")
    before = ledger.letters_frame()
    run(ledger, tmp_path)
    assert ledger.letters_frame().equals(before)
    assert ledger.counts("teachers", "2026-W40") == {State.pending: 1}
    assert ledger.attempts_since(datetime(2026, 1, 1, tzinfo=UTC), "folder") == []
    assert ledger.story(KEY)[-1].what == "rehearsal: sent"
    assert not ledger.has_sent()


def test_the_same_letter_is_rehearsed_once_unless_it_changed_or_is_asked_for_again(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    ledger.queue([make_letter()], now=NOW, by="test")
    run(ledger, tmp_path)
    assert run(ledger, tmp_path) == RehearsalReport(sent=0, known=1, not_sent=0, stopped=None)
    assert run(ledger, tmp_path, again=True).sent == 1
    ledger.queue([make_letter(text="Other\n")], now=NOW, by="test")
    assert run(ledger, tmp_path).sent == 1


def test_an_operator_cannot_unsubscribe_somebody_by_trying_the_link_of_a_copy(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    headers = {"List-Unsubscribe": "<https://letters.example/out/token>"}
    ledger.queue([make_letter(headers=headers)], now=NOW, by="test")
    letter = ledger.letter(KEY)
    assert letter.headers == headers
    assert rehearsed(letter, OPERATOR).headers == {}
