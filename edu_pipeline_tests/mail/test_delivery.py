import multiprocessing
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from edu_pipeline.mail.delivery import DeliveryBusyError, DeliveryReport, deliver
from edu_pipeline.mail.ledger import FrozenLetter, Ledger
from edu_pipeline.mail.ledger_tables import State
from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.transports.folder import FolderTransport
from edu_pipeline.mail.transports.protocol import Outcome, Transport

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)

LetterMaker = Callable[..., Letter]


@dataclass(frozen=True)
class Postbox:
    """A folder transport that also writes down, outside the ledger, what really went out."""

    root: Path
    dies: str = ""
    forgets: bool = False
    name: str = "folder"

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
        last = letter.recipient_key == "t_2"
        if last and self.dies == "before writing":
            os._exit(9)
        outcome = FolderTransport(self.root / "outbox").send(letter, now)
        with (self.root / "went_out.txt").open("a") as file:
            file.write(f"{letter.recipient_key}\n")
        if last and self.dies == "after writing":
            os._exit(9)
        return outcome

    def find(self, letter: FrozenLetter) -> Outcome:
        if self.forgets:
            return Outcome.not_sent("never heard of it")
        return FolderTransport(self.root / "outbox").find(letter)


class DyingLedger(Ledger):
    """Dies right after a claim, or around the recording of an outcome, of the second letter."""

    dies = ""

    def claim(self, key: str, *, owner: str, transport: str, now: datetime) -> bool:
        claimed = super().claim(key, owner=owner, transport=transport, now=now)
        if key.endswith("t_2") and self.dies == "after claiming":
            os._exit(9)
        return claimed

    def record(
        self,
        key: str,
        outcome: State,
        *,
        now: datetime,
        detail: str = "",
        transport_id: str | None = None,
    ) -> None:
        super().record(key, outcome, now=now, detail=detail, transport_id=transport_id)
        if key.endswith("t_2") and self.dies == "after recording":
            os._exit(9)


def run(ledger: Ledger, transport: Transport, root: Path, now: datetime = NOW) -> DeliveryReport:
    return deliver(
        ledger,
        transport,
        campaign="teachers",
        period="2026-W40",
        now=lambda: now,
        owner="test",
        lock_path=root / "delivery.lock",
    )


def _deliver_and_die(url: str, root: Path, dies: str) -> None:
    with DyingLedger(url) as ledger:
        ledger.dies = dies
        run(ledger, Postbox(root, dies), root)


def kill_a_delivery(url: str, root: Path, dies: str) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_deliver_and_die, args=(url, root, dies)
    )
    process.start()
    process.join()
    assert process.exitcode == 9
    process.close()


def went_out(root: Path) -> Counter[str]:
    return Counter((root / "went_out.txt").read_text().split())


def queue(ledger: Ledger, *letters: Letter) -> None:
    ledger.queue(letters, now=NOW, by="test")


def test_pending_letters_go_out_and_held_ones_do_not(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2", hold="look"), make_letter("t_3"))
    report = run(ledger, Postbox(tmp_path), tmp_path)
    assert report.sent == 2
    assert report.counts == {State.sent: 2, State.held: 1}
    assert went_out(tmp_path) == {"t_1": 1, "t_3": 1}


def test_delivering_again_sends_nothing(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    run(ledger, Postbox(tmp_path), tmp_path)
    queue(ledger, make_letter("t_1"), make_letter("t_2", subject="Corrected"))
    again = run(ledger, Postbox(tmp_path), tmp_path)
    assert (again.sent, again.counts) == (0, {State.sent: 2})
    assert went_out(tmp_path) == {"t_1": 1, "t_2": 1}


def test_only_the_asked_period_is_delivered(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_1", period="2026-W39"))
    assert run(ledger, Postbox(tmp_path), tmp_path).sent == 1
    assert ledger.counts("teachers", "2026-W39") == {State.pending: 1}


def test_a_letter_that_is_no_longer_news_expires_instead_of_going_out(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2", not_after=NOW + timedelta(days=9)))
    report = run(ledger, Postbox(tmp_path), tmp_path, now=NOW + timedelta(days=8))
    assert (report.sent, report.expired) == (1, 1)
    assert went_out(tmp_path) == {"t_2": 1}


def test_a_letter_that_lapses_while_others_are_sent_is_not_sent(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, *(make_letter(f"t_{n}", not_after=NOW + timedelta(hours=8)) for n in range(9)))
    clock = (NOW + timedelta(hours=n) for n in range(100))
    report = deliver(
        ledger,
        Postbox(tmp_path),
        campaign="teachers",
        period="2026-W40",
        now=lambda: next(clock),
        owner="test",
        lock_path=tmp_path / "delivery.lock",
    )
    # hours 0 and 1 go to the start; each letter takes three looks at the clock
    assert (report.sent, report.counts) == (2, {State.sent: 2, State.pending: 7})


@dataclass
class Moody:
    """Answers each letter as it is told to; an exception is raised."""

    answers: dict[str, Outcome | Exception]
    asked: list[str] = field(default_factory=list)
    name: str = "moody"

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
        del now
        self.asked.append(letter.recipient_key)
        answer = self.answers.get(letter.recipient_key, Outcome.sent("id"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def find(self, letter: FrozenLetter) -> Outcome:
        del letter
        return Outcome.unknown("no records")


def test_one_letters_failure_does_not_keep_the_others(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 6)))
    moody = Moody(
        {
            "t_1": Outcome.refused("no such mailbox"),
            "t_2": Outcome.not_sent("connection refused"),
            "t_3": Outcome.unknown("connection lost"),
            "t_4": RuntimeError("ada@riverside.example exploded"),
        }
    )
    report = run(ledger, moody, tmp_path)
    assert (report.failed, report.not_sent, report.unknown, report.sent) == (1, 1, 2, 1)
    reasons = [entry.reason for entry in ledger.entries("teachers", "2026-W40")]
    assert reasons == [
        "no such mailbox",
        "connection refused",
        "connection lost",
        "The transport broke off (RuntimeError); it may be out.",
        "",
    ]


def test_only_what_provably_did_not_go_out_is_tried_again(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    test_one_letters_failure_does_not_keep_the_others(ledger, make_letter, tmp_path)
    again = Moody({})
    report = run(ledger, again, tmp_path, now=NOW + timedelta(days=3))
    assert again.asked == ["t_2"]
    assert report.counts == {State.sent: 2, State.failed: 1, State.unknown: 2}


def test_a_second_sender_is_told_to_wait(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter())
    with (
        FileLock(tmp_path / "delivery.lock"),
        pytest.raises(DeliveryBusyError, match="Another delivery is under way"),
    ):
        run(ledger, Postbox(tmp_path), tmp_path)
    assert ledger.counts("teachers", "2026-W40") == {State.pending: 1}
    assert run(ledger, Postbox(tmp_path), tmp_path).sent == 1


def test_progress_counts_up_to_all_letters(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    heard: list[tuple[int, int]] = []
    deliver(
        ledger,
        Postbox(tmp_path),
        campaign="teachers",
        period="2026-W40",
        now=lambda: NOW,
        owner="test",
        lock_path=tmp_path / "delivery.lock",
        on_progress=lambda done, total: heard.append((done, total)),
    )
    assert heard == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("dies", "found_sent", "found_unsent"),
    [
        ("after claiming", 0, 1),
        ("before writing", 0, 1),
        ("after writing", 1, 0),
        ("after recording", 0, 0),
    ],
)
def test_a_sender_killed_at_any_step_loses_nothing_and_sends_nothing_twice(
    ledger: Ledger,
    url: str,
    make_letter: LetterMaker,
    tmp_path: Path,
    dies: str,
    found_sent: int,
    found_unsent: int,
) -> None:
    letters = [make_letter(f"t_{n}") for n in range(1, 5)]
    queue(ledger, *letters)
    kill_a_delivery(url, tmp_path, dies)
    report = run(ledger, Postbox(tmp_path), tmp_path)
    assert (report.found_sent, report.found_unsent) == (found_sent, found_unsent)
    assert report.counts == {State.sent: 4}
    assert went_out(tmp_path) == {"t_1": 1, "t_2": 1, "t_3": 1, "t_4": 1}


def test_negative_control_a_transport_that_forgets_sends_twice(
    ledger: Ledger, url: str, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    kill_a_delivery(url, tmp_path, "after writing")
    run(ledger, Postbox(tmp_path, forgets=True), tmp_path)
    assert went_out(tmp_path) == {"t_1": 1, "t_2": 2}


def test_another_transport_may_not_settle_what_it_did_not_send(
    ledger: Ledger, url: str, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    kill_a_delivery(url, tmp_path, "after writing")
    other = Postbox(tmp_path / "elsewhere", name="smtp")
    report = run(ledger, other, tmp_path)
    assert report.counts == {State.sent: 1, State.unknown: 1}


def test_what_no_record_can_tell_stays_unknown_and_is_not_sent_again(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter())
    run(ledger, Moody({"t_1": Outcome.unknown("connection lost")}), tmp_path)
    later = Moody({})
    report = run(ledger, later, tmp_path, now=NOW + timedelta(days=30))
    assert (later.asked, report.counts) == ([], {State.unknown: 1})
