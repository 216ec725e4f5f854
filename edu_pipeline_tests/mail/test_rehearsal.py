"""Copies to an operator: what they look like, and that they count nowhere."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path

from edu_pipeline.mail.ledger.controls import pause, resume
from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.letter import letter_key
from edu_pipeline.mail.links import opt_out_url, read_token, token
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.rehearsal import RehearsalReport, rehearse, rehearsed
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.folder import FolderTransport
from edu_pipeline.mail.transports.protocol import Outcome
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
        rules=Rules(),
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
    secret = ledger.identity("token_key")
    signed = token(secret, "teachers", "t_1")
    link = opt_out_url("https://letters.example", signed)
    written = make_letter(
        headers={"List-Unsubscribe": f"<{link}>"},
        html=f'<p>Hello</p><a href="{link}">Pause</a> <a href="https://a.example/out/of.this">x</a>',
        text=f"Hello\nPause: {link}\n",
    )
    ledger.queue([written], now=NOW, by="test")
    copy = rehearsed(ledger.letter(KEY), OPERATOR)
    assert copy.headers == {}
    assert signed not in copy.html + copy.text
    assert '<a href="https://letters.example/out/test">Pause</a>' in copy.html
    assert "https://a.example/out/of.this" in copy.html
    assert copy.text.endswith("Pause: https://letters.example/out/test\n")
    assert read_token(secret, "test") is None


@dataclass(frozen=True)
class Scripted(FolderTransport):
    """Answers with these outcomes, one after the other."""

    outcomes: list[Outcome] = field(default_factory=list)

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:  # noqa: ARG002
        return self.outcomes.pop(0)


def scripted(
    ledger: Ledger, make_letter: LetterMaker, *outcomes: Outcome
) -> tuple[RehearsalReport, int]:
    """What a rehearsal of five letters reports, and how many were tried."""
    recipients = [f"t_{number}" for number in range(1, 6)]
    ledger.queue(map(make_letter, recipients), now=NOW, by="test")
    transport = Scripted(Path(), outcomes=list(outcomes))
    report = rehearse(
        ledger,
        transport,
        [letter_key("teachers", "2026-W40", recipient) for recipient in recipients],
        to=OPERATOR,
        now=lambda: NOW,
        by="carla",
        rules=Rules(stop_after=2),
    )
    return report, len(outcomes) - len(transport.outcomes)


def test_while_sending_is_paused_no_copy_goes_out_either(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    pause(ledger, "storm", now=NOW, by="Kim")
    report, tried = scripted(ledger, make_letter, *[Outcome.sent("")] * 5)
    assert (report.sent, tried) == (0, 0)
    assert report.stopped == "Sending is paused by Kim since 2026-10-02 15:00 UTC: storm"
    resume(ledger, "", now=NOW, by="Kim")
    assert scripted(ledger, make_letter, *[Outcome.sent("")] * 5)[0].sent == 5


def test_a_rehearsal_ends_after_so_many_failures_in_a_row(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    bad, good = Outcome.refused("No."), Outcome.sent("")
    report, tried = scripted(ledger, make_letter, bad, good, bad, bad, good)
    assert (report.sent, report.not_sent, report.stopped, tried) == (1, 3, "No.", 4)


def test_a_rehearsal_ends_where_the_carrier_takes_no_more(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    later = Outcome.later("Too many.", timedelta(minutes=1))
    report, tried = scripted(ledger, make_letter, Outcome.sent(""), later)
    assert (report.sent, report.stopped, tried) == (1, "Too many.", 2)


def test_copies_go_no_faster_than_letters(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    ledger.queue([make_letter("t_1"), make_letter("t_2")], now=NOW, by="test")
    slept: list[float] = []
    rehearse(
        ledger,
        FolderTransport(tmp_path),
        [KEY, "teachers:2026-W40:t_2"],
        to=OPERATOR,
        now=lambda: NOW,
        by="carla",
        rules=Rules(per_second=2),
        sleep=slept.append,
        monotonic=lambda: 7.0,
    )
    assert slept == [0.5]
