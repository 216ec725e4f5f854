import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import pytest

from edu_pipeline.mail.delivery import DeliveryReport, deliver
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.evidence import RestoredLedgerError
from edu_pipeline.mail.ledger.approvals import approve, review
from edu_pipeline.mail.ledger.controls import pause, resume
from edu_pipeline.mail.ledger.database import SenderBusyError
from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.ledger.store import Ended, Ledger, Queueing
from edu_pipeline.mail.ledger.suppressions import suppress
from edu_pipeline.mail.ledger.tombstones import bury
from edu_pipeline.mail.letter import Address, Letter
from edu_pipeline.mail.pace import Rules
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.folder import FolderTransport
from edu_pipeline.mail.transports.protocol import (
    AskedTooOftenError,
    Log,
    Logged,
    Outcome,
    Transport,
)
from edu_pipeline.settings.mail import Window
from edu_pipeline_tests.ledgers import FORKS
from edu_pipeline_tests.mail.letters import claimed

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)

PLAIN = Rules()

LetterMaker = Callable[..., Letter]


@dataclass(frozen=True)
class Postbox:
    """A folder transport that also writes down, outside the ledger, what really went out."""

    root: Path
    dies: str = ""
    forgets: bool = False
    name: str = "folder"
    connections: int = 1
    leaves: bool = False

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

    def log(self, letter_group: str) -> None:
        del letter_group

    def letter_key(self, line: Logged) -> None:
        del line

    def close(self) -> None:
        """Nothing is open."""


class DyingLedger(Ledger):
    """Dies right after a claim, or after the recording of an outcome, of the second letter."""

    dies = ""

    def exchange(
        self,
        ended: Collection[Ended],
        keys: Collection[str],
        *,
        owner: str,
        transport: str,
        now: datetime,
        only_addressees: bool = False,
    ) -> Sequence[FrozenLetter]:
        letters = super().exchange(
            ended, keys, owner=owner, transport=transport, now=now, only_addressees=only_addressees
        )
        claimed = [letter.recipient_key for letter in letters]
        recorded = [each.key.split(":")[2] for each in ended]
        if "t_2" in {"after claiming": claimed, "after recording": recorded}.get(self.dies, ()):
            os._exit(9)
        return letters


@dataclass
class Clock:
    """Stands still but while somebody sleeps, and where somebody sets it."""

    moment: datetime
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return sum(self.slept)

    def __call__(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


def run(
    ledger: Ledger,
    transport: Transport,
    now: datetime = NOW,
    rules: Rules = PLAIN,
    *,
    clock: Clock | None = None,
    adopt: bool = False,
) -> DeliveryReport:
    """One delivery: by `clock`, or at `now`, with waits that are real."""
    of_week = partial(
        deliver,
        ledger,
        transport,
        campaign="teachers",
        period="2026-W40",
        owner="test",
        rules=rules,
        adopt=adopt,
    )
    if clock is None:
        return of_week(now=lambda: now)
    return of_week(now=clock, sleep=clock.sleep, monotonic=clock.monotonic)


def _deliver_and_die(url: str, root: Path, dies: str) -> None:
    with DyingLedger(url) as ledger:
        ledger.dies = dies
        run(ledger, Postbox(root, dies))


def kill_a_delivery(url: str, root: Path, dies: str) -> None:
    process = FORKS.Process(target=_deliver_and_die, args=(url, root, dies))
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
    report = run(ledger, Postbox(tmp_path))
    assert report.sent == 2
    assert report.counts == {State.sent: 2, State.held: 1}
    assert went_out(tmp_path) == {"t_1": 1, "t_3": 1}


def test_delivering_again_sends_nothing(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    run(ledger, Postbox(tmp_path))
    queue(ledger, make_letter("t_1"), make_letter("t_2", subject="Corrected"))
    again = run(ledger, Postbox(tmp_path))
    assert (again.sent, again.counts) == (0, {State.sent: 2})
    assert went_out(tmp_path) == {"t_1": 1, "t_2": 1}


def test_only_the_asked_period_is_delivered(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_1", period="2026-W39"))
    assert run(ledger, Postbox(tmp_path)).sent == 1
    assert ledger.counts("teachers", "2026-W39") == {State.pending: 1}


def test_a_letter_that_is_no_longer_news_expires_instead_of_going_out(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2", not_after=NOW + timedelta(days=9)))
    report = run(ledger, Postbox(tmp_path), now=NOW + timedelta(days=8))
    assert (report.sent, report.expired) == (1, 1)
    assert went_out(tmp_path) == {"t_2": 1}


def test_a_letter_that_lapses_while_others_are_sent_is_not_sent(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, *(make_letter(f"t_{n}", not_after=NOW + timedelta(hours=8)) for n in range(5)))
    postbox = Postbox(tmp_path)

    def clock() -> datetime:
        two_are_out = (tmp_path / "went_out.txt").exists() and went_out(tmp_path).total() == 2
        return NOW + timedelta(hours=8 if two_are_out else 0)

    report = deliver(
        ledger,
        postbox,
        campaign="teachers",
        period="2026-W40",
        now=clock,
        owner="test",
        rules=Rules(),
    )
    assert (report.sent, report.counts) == (2, {State.sent: 2, State.pending: 3})


@dataclass
class Moody:
    """Answers each letter as it is told to, a list one by one; an exception is raised."""

    answers: Mapping[str, Outcome | Exception | list[Outcome]]
    asked: list[str] = field(default_factory=list)
    records: Sequence[Logged] | None = None
    """The reference of each line is the key of its letter."""
    asked_at: datetime | None = None
    looks: int = 1000
    """So many lines may be asked about."""
    found: Outcome = field(default_factory=lambda: Outcome.unknown("no records"))
    name: str = "moody"
    connections: int = 8
    leaves: bool = True

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
        del now
        self.asked.append(letter.recipient_key)
        answer = self.answers.get(letter.recipient_key, Outcome.sent("id"))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def find(self, letter: FrozenLetter) -> Outcome:
        del letter
        return self.found

    def log(self, letter_group: str) -> Log | None:
        if self.records is None or "2026-W40" not in letter_group:
            return None
        return Log(self.records, NOW - timedelta(days=30), self.asked_at)

    def letter_key(self, line: Logged) -> str | None:
        if not self.looks:
            raise AskedTooOftenError(60)
        self.looks -= 1
        return line.reference or None

    def close(self) -> None:
        """Nothing is open."""


def test_one_letters_failure_does_not_keep_the_others(
    ledger: Ledger, make_letter: LetterMaker
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
    report = run(ledger, moody)
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
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    test_one_letters_failure_does_not_keep_the_others(ledger, make_letter)
    again = Moody({})
    report = run(ledger, again, now=NOW + timedelta(days=3))
    assert again.asked == ["t_2"]
    assert report.counts == {State.sent: 2, State.failed: 1, State.unknown: 2}


def test_a_second_sender_is_told_to_wait(
    ledger: Ledger, url: str, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter())
    with (
        Ledger(url) as other,
        other.only_sender(),
        pytest.raises(SenderBusyError, match="Another delivery is under way"),
    ):
        run(ledger, Postbox(tmp_path))
    assert ledger.counts("teachers", "2026-W40") == {State.pending: 1}
    assert run(ledger, Postbox(tmp_path)).sent == 1


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
        rules=Rules(),
        on_progress=lambda done, total: heard.append((done, total)),
    )
    assert heard == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("dies", "found_sent", "found_unsent"),
    [
        ("after claiming", 0, 1),
        ("before writing", 0, 1),
        ("after writing", 1, 0),
        ("after recording", 0, 1),  # the third, claimed together with it
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
    report = run(ledger, Postbox(tmp_path))
    assert (report.found_sent, report.found_unsent) == (found_sent, found_unsent)
    assert report.counts == {State.sent: 4}
    assert went_out(tmp_path) == {"t_1": 1, "t_2": 1, "t_3": 1, "t_4": 1}


def test_negative_control_a_transport_that_forgets_sends_twice(
    ledger: Ledger, url: str, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    kill_a_delivery(url, tmp_path, "after writing")
    run(ledger, Postbox(tmp_path, forgets=True))
    assert went_out(tmp_path) == {"t_1": 1, "t_2": 2}


def test_another_transport_may_not_settle_what_it_did_not_send(
    ledger: Ledger, url: str, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    kill_a_delivery(url, tmp_path, "after writing")
    other = Postbox(tmp_path / "elsewhere", name="smtp")
    report = run(ledger, other)
    assert report.counts == {State.sent: 1, State.unknown: 1}


def test_what_no_record_can_tell_stays_unknown_and_is_not_sent_again(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    run(ledger, Moody({"t_1": Outcome.unknown("connection lost")}))
    later = Moody({})
    report = run(ledger, later, now=NOW + timedelta(days=30))
    assert (later.asked, report.counts) == ([], {State.unknown: 1})


def test_a_letter_that_the_carriers_records_do_not_have_is_sent_again_only_where_that_is_wanted(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    run(ledger, Moody({"t_1": Outcome.unknown("connection lost")}))
    for days in (0, 2):
        assert run(ledger, missing(timedelta(days=days))).counts == {State.unknown: 1}
    assert run(ledger, missing(timedelta(days=3)), rules=HOURLY).counts == {State.unknown: 1}
    again = missing(timedelta(days=3, hours=1))
    report = run(ledger, again, rules=HOURLY)
    assert (report.found_unsent, report.sent) == (1, 1)
    assert again.asked == ["t_1"]


HOURLY = Rules(auto_requeue=timedelta(minutes=60))


def missing(after: timedelta | None) -> Moody:
    """A carrier without the letter, so long after `NOW` by its own clock."""
    at = None if after is None else NOW + after
    return Moody({}, found=Outcome.missing("not in the records", at))


@pytest.mark.parametrize("jump", [timedelta(days=-2), timedelta(hours=2), timedelta(days=10)])
def test_a_clock_on_the_wall_that_jumps_sends_no_doubtful_letter_again(
    ledger: Ledger, make_letter: LetterMaker, jump: timedelta
) -> None:
    queue(ledger, make_letter())
    run(ledger, Moody({"t_1": Outcome.unknown("connection lost")}))
    for now, minutes in ((NOW, 0), (NOW + jump, 1), (NOW - jump, 59)):
        carrier = missing(timedelta(minutes=minutes))
        assert run(ledger, carrier, now, HOURLY).counts == {State.unknown: 1}
        assert carrier.asked == []
    assert run(ledger, missing(timedelta(minutes=60)), NOW + jump, HOURLY).found_unsent == 1


def test_an_attempt_that_ends_in_doubt_is_absent_anew(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    lost = {"t_1": Outcome.unknown("connection lost")}
    run(ledger, Moody(lost))
    run(ledger, missing(timedelta()), rules=HOURLY)
    again = replace(missing(timedelta(hours=1)), answers=lost)
    assert run(ledger, again, rules=HOURLY).unknown == 1
    assert run(ledger, missing(timedelta(hours=1)), rules=HOURLY).counts == {State.unknown: 1}
    assert run(ledger, missing(timedelta(hours=2)), rules=HOURLY).counts == {State.sent: 1}


def test_where_the_carrier_does_not_say_the_time_a_person_decides(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    run(ledger, Moody({"t_1": Outcome.unknown("connection lost")}))
    for days in range(3):
        report = run(ledger, missing(None), NOW + timedelta(days=days), HOURLY)
        assert report.counts == {State.unknown: 1}
        assert report.notes == (
            "1 in doubt are not in moody's records, which did not say what time it is. So "
            "auto_requeue_minutes does not send them again.",
            "In doubt: teachers:2026-W40:t_1. The next delivery asks again, and sends again what "
            "is still missing 60 minutes after it was first. Whoever knows better says so: "
            "edu-pipeline mail resolve arrived KEY (or send-again, give-up)",
        )


def in_doubt(ledger: Ledger, make_letter: LetterMaker, number: int) -> list[str]:
    """So many letters in doubt, t_1 and on; their keys."""
    names = [f"t_{n}" for n in range(1, number + 1)]
    queue(ledger, *map(make_letter, names))
    lost = Moody(dict.fromkeys(names, Outcome.unknown("connection lost")))
    run(ledger, lost, rules=Rules(stop_after=number + 1))
    return [f"teachers:2026-W40:{name}" for name in names]


def lines_of(*keys: str) -> list[Logged]:
    """The log's lines of these letters."""
    return [
        Logged(f"id {key}", key, NOW, f"{key.split(':')[2].upper()}@riverside.example")
        for key in keys
    ]


def test_doubts_that_may_not_all_be_looked_at_now_keep_no_letter_and_go_on_next_time(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    doubts = in_doubt(ledger, make_letter, 7)
    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 10)))
    clock = Clock(NOW)
    there = Moody({}, records=lines_of(*doubts[:5]), asked_at=NOW, looks=3)

    def again(carrier: Moody) -> DeliveryReport:
        return run(ledger, carrier, rules=HOURLY, clock=clock)

    first = again(there)
    assert (there.asked, clock.slept) == (["t_8", "t_9"], [])
    assert (first.sent, first.found_sent) == (2, 3)
    assert first.counts == {State.sent: 5, State.unknown: 4}
    assert first.notes[0] == (
        "2 entries of moody's log that may be letters in doubt were not looked at, because it may "
        "be asked only so often. The next delivery goes on, in a minute or later."
    )
    assert "In doubt: teachers:2026-W40:t_4, teachers:2026-W40:t_5, " in first.notes[1]
    second = again(replace(there, looks=3, asked_at=NOW + timedelta(hours=1)))
    assert (second.found_sent, second.found_unsent, second.sent) == (2, 2, 2)
    assert (second.counts, second.notes) == ({State.sent: 9}, ())


def test_lines_that_may_be_letters_that_the_ledger_lacks_are_waited_for_and_looked_at_first(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    [doubt] = in_doubt(ledger, make_letter, 1)
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    clock = Clock(NOW)

    @dataclass
    class Slow(Moody):
        """May be asked about one line a minute."""

        def letter_key(self, line: Logged) -> str | None:
            if self.looks > len(clock.slept) + 1:
                raise AskedTooOftenError(60)
            self.looks += 1
            return line.reference or None

    stranger = "teachers:2026-W40:t_2"
    carrier = Slow({}, records=[*lines_of(doubt), *lines_of(stranger)], looks=2)
    with pytest.raises(RestoredLedgerError, match="1 letters of 2026-W40"):
        run(ledger, carrier, rules=PLAIN, clock=clock)
    assert clock.slept == [60]
    assert carrier.asked == []
    assert ledger.counts("teachers", "2026-W40") == {State.unknown: 1, State.pending: 1}


def test_a_letter_in_doubt_is_not_missing_while_a_line_to_its_address_cannot_be_told(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    in_doubt(ledger, make_letter, 1)
    for hours in (0, 1, 2):
        line = Logged("id", "", NOW, "t_1@riverside.example")
        moody = Moody({}, records=[line], asked_at=NOW + timedelta(hours=hours))
        with pytest.raises(RestoredLedgerError):
            run(ledger, moody, rules=HOURLY)
    assert ledger.counts("teachers", "2026-W40") == {State.unknown: 1}


AHEAD = NOW + timedelta(days=25)


def test_by_a_clock_that_is_far_ahead_no_letter_expires_and_none_goes_out(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1", not_after=NOW + timedelta(days=5)))
    moody = Moody({})
    report = run(ledger, moody, now=AHEAD)
    assert (report.expired, report.counts, moody.asked) == (0, {State.pending: 1}, [])
    assert report.notes == (
        "1 letters are no longer news by this machine's clock (Tuesday, 27 October at 15:00), but "
        "the last that is known to have gone out or come back was on Friday, 02 October at 15:00. "
        "They wait and are not sent. If the clock is wrong, set it; if it is right, the next "
        "letters that go out settle it, or cancel these: edu-pipeline mail cancel",
    )
    again = run(ledger, moody)
    assert (again.sent, again.notes) == (1, ())


def test_a_claim_that_is_left_over_is_no_witness_for_a_clock_that_is_far_ahead(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    assert claimed(ledger, "teachers:2026-W40:t_1", owner="me", transport="moody", now=NOW)
    report = run(ledger, Moody({}), now=AHEAD)
    assert (report.expired, report.counts) == (0, {State.unknown: 1, State.pending: 1})


def test_after_the_holidays_old_letters_expire_once_a_new_one_has_gone_out(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2", not_after=AHEAD + timedelta(days=5)))
    first = run(ledger, Moody({}), now=AHEAD)
    assert (first.sent, first.expired) == (1, 0)
    assert run(ledger, Moody({}), now=AHEAD).expired == 1


def test_a_clock_that_is_set_back_and_forth_meanwhile_changes_no_pace_and_no_hourly_limit(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 6)))
    clock = Clock(NOW)

    @dataclass
    class Setting(Moody):
        """Somebody sets the clock while each letter is on its way."""

        def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
            hours = -5 if letter.recipient_key == "t_1" else 9
            clock.moment += timedelta(hours=hours)
            return super().send(letter, now)

    report = run(ledger, Setting({}), rules=Rules(per_second=2, per_hour=3), clock=clock)
    assert clock.slept == [0.5, 0.5, 0.5]
    assert report.sent == 3
    assert (
        report.stopped
        == "3 letters an hour are allowed; it goes on at Friday, 02 October at 16:00."
    )


def test_a_letter_found_in_the_carriers_records_is_sent(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    run(ledger, Moody({"t_1": Outcome.unknown("connection lost")}))
    there = Moody({}, found=Outcome.sent("id-7", "found in the records"))
    report = run(ledger, there)
    assert (report.found_sent, report.counts) == (1, {State.sent: 1})
    assert ledger.transport_ids("teachers", "2026-W40") == {"id-7"}


def test_too_many_failures_in_a_row_stop_the_delivery(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 8)))
    moody = Moody({f"t_{n}": Outcome.refused("no such mailbox") for n in (1, 2, 4, 5, 6, 7)})
    report = run(ledger, moody, rules=Rules(stop_after=3))
    assert moody.asked == ["t_1", "t_2", "t_3", "t_4", "t_5", "t_6"]
    assert report.counts == {State.failed: 5, State.sent: 1, State.pending: 1}
    assert report.trouble
    assert report.stopped == (
        "3 letters in a row did not go out or are in doubt. The last: no such mailbox"
    )


def test_a_carrier_that_lets_nobody_in_stops_the_delivery_at_once(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    moody = Moody({"t_1": Outcome.stop("The key is not valid.")})
    report = run(ledger, moody)
    assert (moody.asked, report.counts) == (["t_1"], {State.pending: 2})
    assert (report.stopped, report.trouble) == ("The key is not valid.", True)


def test_a_carrier_that_asks_for_patience_gets_the_letter_when_it_said(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    clock = Clock(NOW)
    soon = Outcome.later("too many", timedelta(seconds=30))
    moody = Moody({"t_1": [soon, Outcome.sent("id")]})
    report = run(ledger, moody, rules=PLAIN, clock=clock)
    assert moody.asked == ["t_1", "t_2", "t_1"]
    assert (report.sent, report.stopped) == (2, None)
    assert clock.slept == [30]


def test_a_carrier_that_asks_for_too_much_patience_gets_the_rest_with_the_next_delivery(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    moody = Moody({"t_1": Outcome.later("too many", timedelta(hours=2))})
    report = run(ledger, moody)
    assert report.counts == {State.pending: 2}
    assert report.stopped == "The carrier takes no more until Friday, 02 October at 17:00."
    assert not report.trouble


def test_letters_leave_no_faster_than_allowed(ledger: Ledger, make_letter: LetterMaker) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 5)))
    clock = Clock(NOW)
    run(ledger, Moody({}), rules=Rules(per_second=2), clock=clock)
    assert clock.slept == [0.5, 0.5, 0.5]


def test_what_is_too_much_for_an_hour_goes_in_the_next(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 6)))
    rules = Rules(per_hour=2)
    first = run(ledger, Moody({}), rules=rules)
    assert (first.sent, first.trouble) == (2, False)
    assert (
        first.stopped == "2 letters an hour are allowed; it goes on at Friday, 02 October at 16:00."
    )
    assert run(ledger, Moody({}), now=NOW + timedelta(minutes=59), rules=rules).sent == 0
    assert run(ledger, Moody({}), now=NOW + timedelta(minutes=61), rules=rules).sent == 2


def test_outside_the_sending_window_letters_wait(ledger: Ledger, make_letter: LetterMaker) -> None:
    queue(ledger, make_letter())
    rules = Rules(window=Window(days=("monday",), opens=time(7), closes=time(18)))
    report = run(ledger, Moody({}), rules=rules)
    assert report.counts == {State.pending: 1}
    assert report.stopped == "The sending window opens on Monday, 05 October at 07:00."
    assert run(ledger, Moody({}), now=datetime(2026, 10, 5, 8, tzinfo=UTC), rules=rules).sent == 1


def test_while_sending_is_paused_nothing_goes_out(ledger: Ledger, make_letter: LetterMaker) -> None:
    queue(ledger, make_letter())
    assert pause(ledger, "Fire drill.", now=NOW, by="carla")
    report = run(ledger, Moody({}))
    assert report.counts == {State.pending: 1}
    assert report.stopped == "Sending is paused by carla since 2026-10-02 15:00 UTC: Fire drill."
    assert not pause(ledger, "again", now=NOW, by="carla")
    assert resume(ledger, "Over.", now=NOW, by="ben")
    assert run(ledger, Moody({})).sent == 1
    assert not resume(ledger, "again", now=NOW, by="ben")


def test_a_pause_takes_effect_in_the_middle_of_a_delivery(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    class Alarmed(Moody):
        """Somebody pauses while the second letter is on its way."""

        def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
            if letter.recipient_key == "t_2":
                pause(ledger, "Stop!", now=now, by="carla")
            return super().send(letter, now)

    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 5)))
    assert run(ledger, Alarmed({})).counts == {State.sent: 2, State.pending: 2}


def test_several_letters_are_under_way_at_once_and_each_goes_once(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(40)))
    together = threading.Barrier(4, timeout=30)

    @dataclass
    class Meeting(Moody):
        """The first four meet on the way."""

        def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
            outcome = super().send(letter, now)
            if len(self.asked) <= 4:
                together.wait()
            return outcome

    meeting = Meeting({})
    report = run(ledger, meeting, rules=Rules(connections=4))
    assert report.counts == {State.sent: 40}
    assert Counter(meeting.asked).most_common(1)[0][1] == 1


def test_approved_letters_go_out_and_drafts_do_not(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    letters = [make_letter("t_1"), make_letter("t_2")]
    ledger.queue(letters, now=NOW, by="test", rules=Queueing(approval=True))
    draft = review(ledger, "teachers", "2026-W40").drafts[0]
    approve(ledger, [draft], now=NOW, by="carla")
    assert run(ledger, Moody({})).counts == {State.sent: 1, State.draft: 1}


def test_somebody_who_unsubscribed_meanwhile_gets_nothing(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    suppress(ledger, "t_1@riverside.example", "*", "unsubscribe", source="link", now=NOW, by="x")
    report = run(ledger, Moody({}))
    assert (report.suppressed, report.counts) == (1, {State.suppressed: 1, State.sent: 1})


def test_a_ledger_restored_from_a_backup_sends_nothing_until_a_person_decides(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    records = [Logged("id-1", "teachers:2026-W40:t_1", NOW)]
    moody = Moody({}, records=records)
    with pytest.raises(RestoredLedgerError, match="1 letters of 2026-W40"):
        run(ledger, moody)
    assert (moody.asked, ledger.counts("teachers", "2026-W40")) == ([], {State.pending: 2})
    report = run(ledger, moody, adopt=True)
    assert (moody.asked, report.counts) == ([], {State.sent: 1, State.pending: 1})
    assert "opt-outs" in (report.stopped or "")
    assert run(ledger, moody).counts == {State.sent: 2}
    assert ledger.transport_ids("teachers", "2026-W40") >= {"id-1"}


def test_taking_over_where_there_is_nothing_to_take_over_sends_nothing_either(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    moody = Moody({}, records=[])
    report = run(ledger, moody, adopt=True)
    assert (moody.asked, report.counts) == ([], {State.pending: 1})
    assert report.stopped == (
        "There was nothing to take over from moody's records of 2026-W40, which come late or may be "
        "none, and nothing was sent now. What the carrier does not know is still missing since a "
        "backup: opt-outs by the link, who was forgotten, pauses, cancelled letters. Settle that "
        "first, then send without --adopt."
    )


def test_records_of_what_the_ledger_knows_to_be_out_stop_nothing(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    first = Moody({"t_1": Outcome.sent("id-1"), "t_2": Outcome.unknown("connection lost")})
    run(ledger, first)
    records = [
        Logged("id-1", "", NOW),
        Logged("id-2", "teachers:2026-W40:t_2", NOW),
        Logged("id-3", "teachers:2026-W40:t_1", NOW),
    ]
    report = run(ledger, Moody({}, records=records))
    assert report.counts == {State.sent: 2}


def test_a_letter_that_only_the_carrier_knows_is_asked_about_too(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"))
    with pytest.raises(RestoredLedgerError):
        run(ledger, Moody({}, records=[Logged("id-1", "", NOW)]))


def test_where_the_carriers_records_cannot_be_asked_nothing_is_sent(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    class Silent(Moody):
        def log(self, letter_group: str) -> Log | None:
            del letter_group
            raise RuntimeError("ada@riverside.example exploded")

    queue(ledger, make_letter())
    report = run(ledger, Silent({}))
    assert report.counts == {State.pending: 1}
    assert report.trouble
    assert report.stopped == (
        "The carrier's records of what went out could not be asked (RuntimeError), so nothing was "
        "sent. Try again later."
    )


def test_a_letter_to_an_address_that_is_not_allowed_is_held_at_the_door(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    outside = make_letter("t_2", email="ada@elsewhere.example")
    queue(ledger, make_letter("t_1"), outside)
    moody = Moody({})
    rules = Rules(allowed=("riverside.example",))
    assert run(ledger, moody, rules=rules).counts == {State.sent: 1, State.held: 1}
    assert moody.asked == ["t_1"]
    assert "outside [mail] allowed" in ledger.entries("teachers", "2026-W40")[1].reason


def test_a_letter_of_the_samples_sender_is_held_at_the_door(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    sample = Address("reports@riverside.example", "Riverside School data")
    queue(ledger, make_letter("t_1"), make_letter("t_2", sender=sample))
    rules = Rules(allowed=("riverside.example",))
    assert run(ledger, Moody({}), rules=rules).counts == {State.sent: 1, State.held: 1}
    assert "Say who writes" in ledger.entries("teachers", "2026-W40")[1].reason


def test_letters_to_learners_reach_only_addresses_that_the_last_refresh_found(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, *(make_letter(key) for key in ("t_1", "t_2", "t_3")))
    found = [("teachers", "T_1@Riverside.example "), ("nudges.lead", "t_2@riverside.example")]
    ledger.record_periods("teachers", [], found)
    moody = Moody({})
    rules = Rules(allowed="learners")
    assert run(ledger, moody, rules=rules).counts == {State.sent: 1, State.held: 2}
    assert moody.asked == ["t_1"]
    assert "found nobody with this address" in ledger.entries("teachers", "2026-W40")[1].reason


def test_who_leaves_the_exports_while_letters_go_out_is_not_written_to(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    keys = ["t_1", "t_2", "t_3"]
    queue(ledger, *map(make_letter, keys))

    def found(*names: str) -> None:
        addresses = [("teachers", f"{name}@riverside.example") for name in names]
        ledger.record_periods("teachers", [], addresses)

    class Refreshed(Moody):
        def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
            found("t_1", "t_3")
            return super().send(letter, now)

    found(*keys)
    moody = Refreshed({})
    report = run(ledger, moody, rules=Rules(allowed="learners"))
    assert moody.asked == ["t_1", "t_3"]
    assert report.counts == {State.sent: 2, State.held: 1}


def test_the_folder_takes_letters_to_any_address(
    ledger: Ledger, make_letter: LetterMaker, tmp_path: Path
) -> None:
    queue(ledger, make_letter("t_1", email="ada@elsewhere.example"))
    assert run(ledger, Postbox(tmp_path), rules=Rules(allowed=())).sent == 1


def test_what_was_queued_when_no_approval_was_needed_waits_for_one_before_it_leaves(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    ledger.queue([make_letter("t_3")], now=NOW, by="test", rules=Queueing(approval=True))
    rules = Rules(approval=True)
    moody = Moody({})
    assert run(ledger, moody, rules=rules).counts == {State.cancelled: 2, State.draft: 1}
    queue(ledger, make_letter("t_1"), make_letter("t_2"), make_letter("t_3"))
    assert run(ledger, moody, rules=rules).counts == {State.draft: 3}
    approve(ledger, review(ledger, "teachers", "2026-W40").drafts[:1], now=NOW, by="carla")
    assert run(ledger, moody, rules=rules).counts == {State.sent: 1, State.draft: 2}
    assert moody.asked == ["t_1"]


@dataclass
class Meanwhile(Moody):
    """Something happens while the first letter is on its way."""

    happens: Callable[[], object] = lambda: None

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
        if not self.asked:
            self.happens()
        return super().send(letter, now)


def test_a_refresh_that_holds_the_week_meanwhile_stops_the_delivery(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    def hold() -> None:
        day = date(2026, 10, 2)
        ledger.record_periods(
            "teachers",
            [Period("teachers", "2026-W40", "2026-09-28", day, complete=True, held="Cut file.")],
        )

    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    report = run(ledger, Meanwhile({}, happens=hold))
    assert (report.counts, report.stopped) == ({State.sent: 1, State.pending: 1}, "Cut file.")


def test_somebody_who_unsubscribes_while_others_are_sent_gets_nothing(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    def leave() -> None:
        email = "t_2@riverside.example"
        suppress(ledger, email, "*", "unsubscribe", source="link", now=NOW, by="x")

    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    report = run(ledger, Meanwhile({}, happens=leave))
    assert report.counts == {State.sent: 1, State.suppressed: 1}


def test_a_carrier_that_asks_for_patience_again_and_again_is_left_for_the_next_delivery(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    clock = Clock(NOW)

    @dataclass
    class Busy(Moody):
        def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
            del now
            self.asked.append(letter.recipient_key)
            return Outcome.later("too many", timedelta(minutes=1))

    busy = Busy({})
    report = run(ledger, busy, rules=PLAIN, clock=clock)
    assert len(busy.asked) == 6
    assert report.counts == {State.pending: 1}
    assert report.stopped


def test_letters_that_are_taken_later_are_brought_again_after_growing_pauses(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 9)))
    clock = Clock(NOW)
    grey = Outcome.taken_later("Greylisted.")
    answers = {f"t_{n}": [grey, Outcome.sent("id")] for n in range(1, 8)}
    moody = Moody({**answers, "t_1": [grey, grey, Outcome.sent("id")], "t_8": grey})
    report = run(ledger, moody, rules=Rules(stop_after=2), clock=clock)
    assert clock.slept == [60, 120]
    assert moody.asked == [
        *[f"t_{n}" for n in range(1, 9)],
        *[f"t_{n}" for n in range(1, 9)],
        "t_1",
        "t_8",
    ]
    assert (report.sent, report.not_sent, report.trouble) == (7, 1, False)
    assert report.stopped == (
        "1 letters are not taken yet. The last: Greylisted. They wait for the next delivery."
    )
    assert run(ledger, Moody({})).counts == {State.sent: 8}


def test_taking_over_what_the_carrier_knows_sends_nothing_while_somebody_cannot_be_told(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    records = [Logged("id-1", "teachers:2026-W40:t_1", NOW), Logged("id-2", "", NOW)]
    moody = Moody({}, records=records)
    with pytest.raises(RestoredLedgerError, match="1 letters of 2026-W40 of which it does not"):
        deliver(
            ledger,
            moody,
            campaign="teachers",
            period="2026-W40",
            now=lambda: NOW,
            owner="carla",
            rules=PLAIN,
            adopt=True,
        )
    assert moody.asked == []
    assert ledger.counts("teachers", "2026-W40") == {State.sent: 1, State.pending: 1}


def test_a_letter_to_somebody_who_was_forgotten_since_surprises_nobody(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"))
    with ledger.begin() as connection:
        key = "letter:teachers:2026-W40:t_9"
        bury(connection, ledger.salt, [key], now=NOW, by="carla")
    records = [Logged("id-9", "teachers:2026-W40:t_9", NOW)]
    assert run(ledger, Moody({}, records=records)).sent == 1


def test_no_more_letters_are_claimed_at_once_than_there_are_connections(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(20)))
    together = threading.Barrier(3, timeout=30)
    claimed: list[int] = []

    @dataclass
    class Counting(Moody):
        """The first three meet on the way."""

        def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
            outcome = super().send(letter, now)
            if len(self.asked) <= 3:
                together.wait()
            claimed.append(ledger.counts("teachers", "2026-W40")[State.claimed])
            return outcome

    assert run(ledger, Counting({}), rules=Rules(connections=3)).sent == 20
    assert (len(claimed), max(claimed)) == (20, 3)


def test_a_letter_is_claimed_before_it_goes_and_its_outcome_is_known_before_the_next_one_does(
    ledger: Ledger, url: str, make_letter: LetterMaker
) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 4)))
    seen: list[list[State]] = []

    @dataclass
    class Watched(Moody):
        """Somebody looks into the ledger while each letter is on its way."""

        def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
            with Ledger(url) as other:
                seen.append([entry.state for entry in other.entries("teachers", "2026-W40")])
            return super().send(letter, now)

    run(ledger, Watched({}))
    claimed, sent, pending = State.claimed, State.sent, State.pending
    assert seen == [[claimed, pending, pending], [sent, claimed, pending], [sent, sent, claimed]]


def test_what_is_under_way_when_a_person_breaks_off_is_noted_and_nothing_else_claimed(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 6)))
    broken_off = threading.Event()

    @dataclass
    class Slow(Moody):
        def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
            if letter.recipient_key == "t_2":
                os.kill(os.getpid(), signal.SIGINT)
                assert broken_off.wait(30)
            return super().send(letter, now)

    def note_and_raise(*_: object) -> None:
        broken_off.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note_and_raise)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(ledger, Slow({}), rules=Rules(connections=2))
    finally:
        signal.signal(signal.SIGINT, before)
    counts = ledger.counts("teachers", "2026-W40")
    assert counts.keys() <= {State.sent, State.pending}
    assert counts[State.sent] >= 2


def test_a_fault_of_one_thread_leaves_only_its_letter_in_doubt(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    class Fault(BaseException):
        """Nothing that a transport may expect."""

    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 6)))
    together = threading.Barrier(2, timeout=30)

    @dataclass
    class Faulty(Moody):
        def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
            if letter.recipient_key in {"t_1", "t_2"}:
                together.wait()
            if letter.recipient_key == "t_1":
                raise Fault
            return super().send(letter, now)

    with pytest.raises(Fault):
        run(ledger, Faulty({}), rules=Rules(connections=2))
    states = {e.recipient_key: e.state for e in ledger.entries("teachers", "2026-W40")}
    assert states["t_1"] is State.claimed
    assert states["t_2"] is State.sent
    assert set(states.values()) <= {State.claimed, State.sent, State.pending}
    assert list(states.values()).count(State.claimed) == 1


def test_who_unsubscribed_is_known_by_an_address_in_any_case_of_any_alphabet(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1", email="ÄDA@riverside.example"))
    suppress(ledger, "äda@riverside.example", "*", "unsubscribe", source="link", now=NOW, by="x")
    assert ledger.not_to_be_sent().keys() == {"teachers:2026-W40:t_1"}
    assert run(ledger, Moody({})).counts == {State.suppressed: 1}


def test_a_pause_or_a_gate_that_came_after_the_last_look_lets_nothing_be_claimed(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"))
    key = "teachers:2026-W40:t_1"
    pause(ledger, "Stop!", now=NOW, by="carla")
    assert not claimed(ledger, key, owner="me", transport="moody", now=NOW)
    resume(ledger, "Over.", now=NOW, by="carla")
    day = date(2026, 10, 2)
    for held in ("Cut file.", None):
        period = Period("teachers", "2026-W40", "2026-09-28", day, complete=True, held=held)
        ledger.record_periods("teachers", [period])
        got = claimed(ledger, key, owner="me", transport="moody", now=NOW)
        assert got is (held is None)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_sender_whose_lock_was_cut_claims_nothing_more_once_another_has_begun(
    url: str, ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, *(make_letter(f"t_{n}") for n in range(1, 7)))
    rules = Rules(per_hour=4)
    other = Moody({})

    class Cut(Moody):
        """A pooler cuts the idle connection that holds the lock, and another sender comes."""

        def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
            if letter.recipient_key == "t_2":
                with ledger.connect() as connection:
                    connection.exec_driver_sql(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    )
                with Ledger(url) as another:
                    assert run(another, other, rules=rules).sent == 2
            return super().send(letter, now)

    first = Cut({})
    with pytest.raises(SenderBusyError, match="Another delivery has begun"):
        run(ledger, first, rules=rules)
    assert (first.asked, other.asked) == (["t_1", "t_2"], ["t_3", "t_4"])
    assert ledger.counts("teachers", "2026-W40") == {
        State.sent: 3,
        State.unknown: 1,
        State.pending: 2,
    }
    assert run(ledger, other, rules=rules).sent == 0
