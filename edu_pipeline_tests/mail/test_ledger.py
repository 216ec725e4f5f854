import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.reading import Release
from edu_pipeline.mail.ledger.store import TRANSITIONS, Cause, Ledger, QueueResult, TransitionError
from edu_pipeline.mail.letter import Figure, Image, Letter
from edu_pipeline.mail.states import State
from edu_pipeline_tests.ledgers import FORKS
from edu_pipeline_tests.mail.letters import claimed, recorded

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
STALE = datetime(2026, 10, 8, tzinfo=UTC)
KEY = "teachers:2026-W40:t_1"

LetterMaker = Callable[..., Letter]


def queue(ledger: Ledger, *letters: Letter, now: datetime = NOW) -> QueueResult:
    return ledger.queue(letters, now=now, by="test")


def claim(ledger: Ledger, key: str = KEY, now: datetime = NOW) -> bool:
    return claimed(ledger, key, owner="me", transport="folder", now=now)


def state(ledger: Ledger, key: str = KEY) -> State:
    return next(e.state for e in ledger.entries("teachers", "2026-W40") if e.key == key)


def bring_to(ledger: Ledger, letter: Letter, wanted: State) -> None:
    queue(ledger, letter)
    if wanted is State.expired:
        ledger.expire(now=STALE, by="test")
    elif wanted is not State.pending:
        assert claim(ledger)
        if wanted is not State.claimed:
            recorded(ledger, KEY, wanted, now=NOW)
    assert state(ledger) is wanted


def test_queueing_the_same_batch_twice_changes_nothing(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    letters = [make_letter("t_1"), make_letter("t_2")]
    assert queue(ledger, *letters) == QueueResult(2, 0, 0, 0, 0)
    before = [ledger.letter(letter.key) for letter in letters]
    assert queue(ledger, *letters, now=LATER) == QueueResult(0, 2, 0, 0, 0)
    assert [ledger.letter(letter.key) for letter in letters] == before
    assert len(ledger.story(KEY)) == 1


def test_a_frozen_letter_is_what_was_queued(ledger: Ledger, make_letter: LetterMaker) -> None:
    letter = make_letter(images=(Image("b", b"2"), Image("a", b"1")))
    queue(ledger, letter)
    frozen = ledger.letter(KEY)
    assert frozen.images == (Image("b", b"2"), Image("a", b"1"))
    assert (frozen.recipient, frozen.sender) == (letter.recipient, letter.sender)
    assert (frozen.subject, frozen.html, frozen.text) == (letter.subject, letter.html, letter.text)
    assert (frozen.reply_to, frozen.digest) == (letter.reply_to, letter.digest)


def test_a_waiting_letter_whose_content_changed_is_replaced_with_its_images(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    changed = make_letter(subject="Corrected week", images=(Image("homework", b"new"),))
    assert queue(ledger, changed, now=LATER) == QueueResult(0, 0, 1, 0, 0)
    frozen = ledger.letter(KEY)
    assert (frozen.subject, frozen.images) == ("Corrected week", (Image("homework", b"new"),))
    assert frozen.digest == changed.digest
    assert [line.why for line in ledger.story(KEY)] == ["queued", "content changed"]


@pytest.mark.parametrize("out", [State.claimed, State.sent, State.unknown])
def test_a_letter_that_is_or_may_be_out_is_never_touched(
    ledger: Ledger, make_letter: LetterMaker, out: State
) -> None:
    bring_to(ledger, make_letter(), out)
    assert queue(ledger, make_letter(subject="Corrected")) == QueueResult(0, 0, 0, 1, 0)
    assert queue(ledger, make_letter(hold="a late register")) == QueueResult(0, 0, 0, 1, 0)
    assert queue(ledger, make_letter("t_2")).cancelled == 0
    assert ledger.letter(KEY).subject == "Your week"
    assert state(ledger) is out


def test_a_held_letter_waits_for_its_hold_to_vanish_and_back(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(hold="code QT is not mapped"))
    assert state(ledger) is State.held
    assert ledger.waiting("teachers", "2026-W40") == []
    assert not claim(ledger)
    assert queue(ledger, make_letter()).changed == 1
    assert ledger.waiting("teachers", "2026-W40") == [KEY]
    assert queue(ledger, make_letter(hold="register missing")).changed == 1
    [entry] = ledger.entries("teachers", "2026-W40")
    assert (entry.state, entry.reason) == (State.held, "register missing")
    assert queue(ledger, make_letter(hold="another reason")).changed == 1
    assert ledger.entries("teachers", "2026-W40")[0].reason == "another reason"


def test_a_waiting_letter_that_left_the_batch_is_cancelled_and_returns_with_it(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    stays, goes = make_letter("t_2"), make_letter("t_1")
    queue(ledger, stays, goes, make_letter("t_3", hold="look"))
    other_period = make_letter("t_1", period="2026-W39")
    queue(ledger, other_period)
    assert queue(ledger, stays) == QueueResult(0, 1, 0, 0, 2)
    assert state(ledger) is State.cancelled
    assert ledger.waiting("teachers", "2026-W39") == [other_period.key]
    assert queue(ledger, stays, goes) == QueueResult(0, 1, 1, 0, 0)
    assert state(ledger) is State.pending


def test_an_expired_letter_lives_again_only_with_a_later_date(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    bring_to(ledger, make_letter(), State.expired)
    assert queue(ledger, make_letter(), now=STALE) == QueueResult(0, 1, 0, 0, 0)
    assert queue(ledger, make_letter(not_after=STALE), now=STALE).unchanged == 1
    assert state(ledger) is State.expired
    fresh = make_letter(not_after=STALE + timedelta(days=1))
    assert queue(ledger, fresh, now=STALE).changed == 1
    assert state(ledger) is State.pending


def test_a_refused_letter_is_tried_again_only_when_it_changed(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    bring_to(ledger, make_letter(), State.failed)
    assert queue(ledger, make_letter()) == QueueResult(0, 1, 0, 0, 0)
    assert queue(ledger, make_letter(notes=("a new note",))) == QueueResult(0, 1, 0, 0, 0)
    assert state(ledger) is State.failed
    assert queue(ledger, make_letter(email="ada@riverside.example")).changed == 1
    assert state(ledger) is State.pending


def test_held_and_pending_letters_expire_and_sent_ones_do_not(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"), make_letter("t_3", hold="look"))
    assert claim(ledger)
    recorded(ledger, KEY, State.sent, now=NOW, transport_id="id")
    assert ledger.expire(now=STALE, by="test") == 2
    assert ledger.counts("teachers", "2026-W40") == {State.sent: 1, State.expired: 2}


def test_a_letter_can_be_claimed_once(ledger: Ledger, make_letter: LetterMaker) -> None:
    queue(ledger, make_letter())
    assert claim(ledger)
    assert not claim(ledger)


def test_a_letter_that_is_no_longer_news_cannot_be_claimed(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    assert not claim(ledger, now=make_letter().not_after)
    assert claim(ledger, now=make_letter().not_after - timedelta(seconds=1))


def test_a_claim_is_on_disk_when_it_returns(
    ledger: Ledger, url: str, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    claim(ledger)
    with Ledger(url) as other:
        assert state(other) is State.claimed
        assert not claim(other)


def _claim_all(url: str, start: "Barrier", won: "Queue[list[str]]") -> None:
    with Ledger(url) as ledger:
        keys = ledger.waiting("teachers", "2026-W40")
        start.wait()
        won.put([key for key in keys if claim(ledger, key)])


def test_of_two_processes_that_claim_the_same_letters_exactly_one_gets_each(
    ledger: Ledger, url: str, make_letter: LetterMaker
) -> None:
    letters = [make_letter(f"t_{n}") for n in range(100)]
    queue(ledger, *letters)
    start, won = FORKS.Barrier(2), FORKS.Queue()
    processes = [FORKS.Process(target=_claim_all, args=(url, start, won)) for _ in range(2)]
    for process in processes:
        process.start()
    claimed = sorted(won.get(timeout=60) + won.get(timeout=60))
    for process in processes:
        process.join()
        process.close()
    won.close()
    assert claimed == sorted(letter.key for letter in letters)


def test_a_left_over_claim_becomes_unknown_and_the_attempt_is_kept(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    claim(ledger)
    assert ledger.abandon_claims(now=LATER, by="next sender") == 1
    assert ledger.unknown("folder") == [KEY]
    assert ledger.unknown("another transport") == []
    assert ledger.waiting("teachers", "2026-W40") == ["teachers:2026-W40:t_2"]


def test_an_unknown_letter_is_settled_on_evidence_only_once(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    bring_to(ledger, make_letter(), State.unknown)
    cause = Cause(LATER, "office", "the teacher has it")
    ledger.resolve(KEY, State.sent, cause, "id")
    assert ledger.entries("teachers", "2026-W40")[0].sent_at == LATER
    with pytest.raises(TransitionError, match="nothing to resolve"):
        ledger.resolve(KEY, State.pending, cause)
    assert state(ledger) is State.sent


def test_a_result_can_be_recorded_only_for_a_claimed_letter(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    with pytest.raises(TransitionError, match="is pending, not claimed"):
        recorded(ledger, KEY, State.sent, now=NOW)
    assert state(ledger) is State.pending


def test_a_change_that_the_rules_do_not_know_is_refused_and_leaves_no_trace(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    bring_to(ledger, make_letter(), State.claimed)
    story = ledger.story(KEY)
    with pytest.raises(TransitionError, match="from claimed to delivered"):
        recorded(ledger, KEY, State.delivered, now=NOW)
    assert ledger.story(KEY) == story


def test_nothing_but_pending_leads_to_a_claim() -> None:
    assert [s for s, following in TRANSITIONS.items() if State.claimed in following] == [
        State.pending
    ]


def test_what_was_reported_back_never_leads_to_sending_again() -> None:
    reported = {State.delivered, State.dropped, State.bounced, State.complained}
    for state_ in reported:
        assert TRANSITIONS.get(state_, frozenset()) <= reported


def test_the_story_keeps_every_attempt_and_change_in_order(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    claim(ledger)
    recorded(ledger, KEY, State.pending, now=NOW, detail="disk full")
    claim(ledger, now=LATER)
    recorded(ledger, KEY, State.sent, now=LATER, transport_id="<id>")
    assert [line.what for line in ledger.story(KEY)] == [
        "new → pending",
        "pending → claimed",
        "claimed → pending",
        "attempt 1: pending",
        "pending → claimed",
        "claimed → sent",
        "attempt 2: sent",
    ]


def test_the_warehouse_copy_has_no_names_addresses_or_content(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(), make_letter("t_2", hold="look"))
    claim(ledger)
    recorded(ledger, KEY, State.sent, now=LATER, transport_id="<id>")
    frame = ledger.letters_frame()
    assert frame.select("key", "state", "queued_at", "sent_at", "attempts").rows() == [
        (KEY, "sent", NOW, LATER, 1),
        ("teachers:2026-W40:t_2", "held", NOW, None, 0),
    ]
    assert frame.columns[-1] == "digest"
    assert not any(secret in frame.write_csv() for secret in ("Moss", "riverside.example", "Hello"))


def test_an_empty_ledger_gives_the_same_columns(ledger: Ledger, make_letter: LetterMaker) -> None:
    empty = ledger.letters_frame()
    queue(ledger, make_letter())
    assert empty.schema == ledger.letters_frame().schema


def test_periods_are_listed_newest_first(ledger: Ledger, make_letter: LetterMaker) -> None:
    queue(ledger, make_letter(period="2026-W9", not_after=datetime(2026, 3, 4, tzinfo=UTC)))
    queue(ledger, make_letter(period="2026-W40"), make_letter("t_2", hold="look"))
    assert [(p.period, p.counts) for p in ledger.periods()] == [
        ("2026-W40", {State.pending: 1, State.held: 1}),
        ("2026-W9", {State.pending: 1}),
    ]


@pytest.mark.parametrize("part", ["", "../x", "a:b", "a/b", ".hidden", "ä"])
def test_a_key_that_could_leave_its_folder_or_be_read_two_ways_is_refused(
    ledger: Ledger, make_letter: LetterMaker, part: str
) -> None:
    with pytest.raises(LedgerError, match="recipient_key cannot be used in its key"):
        queue(ledger, make_letter(part), make_letter())
    assert ledger.periods() == []


def test_two_letters_to_one_recipient_in_a_batch_are_refused(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    with pytest.raises(LedgerError, match="twice in the batch"):
        queue(ledger, make_letter(), make_letter(subject="Again"))


def test_two_images_of_one_name_are_refused(ledger: Ledger, make_letter: LetterMaker) -> None:
    with pytest.raises(LedgerError, match="two images of one name"):
        queue(ledger, make_letter(images=(Image("a", b"1"), Image("a", b"2"))))


def test_a_time_without_zone_is_refused(ledger: Ledger, make_letter: LetterMaker) -> None:
    with pytest.raises(sa.exc.StatementError, match="time zone"):
        queue(ledger, make_letter(), now=datetime(2026, 10, 2))  # noqa: DTZ001 - the point


def test_sqlite_keeps_a_commit_through_a_power_cut(tmp_path: Path) -> None:
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger, ledger.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_what_is_known_of_a_campaigns_periods_is_replaced_whole(ledger: Ledger) -> None:
    def period(campaign: str, week: int) -> Period:
        monday = date.fromisocalendar(2026, week, 1)
        return Period(campaign, f"2026-W{week}", str(monday), monday, complete=True, held=None)

    ledger.record_periods("teachers", [period("teachers", 40), period("teachers", 41)])
    ledger.record_periods("nudges", [period("nudges", 40)])
    ledger.record_periods("teachers", [period("teachers", 42)])
    assert [(p.campaign, p.period) for p in ledger.recorded_periods()] == [
        ("nudges", "2026-W40"),
        ("teachers", "2026-W42"),
    ]
    ledger.record_periods("teachers", [])
    assert [p.campaign for p in ledger.recorded_periods()] == ["nudges"]


def test_an_error_of_the_database_carries_no_part_of_a_letter(
    empty_url: str, make_letter: LetterMaker
) -> None:
    letter = make_letter("t_1")
    with Ledger(empty_url) as ledger:
        with ledger.begin() as connection:
            connection.execute(sa.text("drop table content_images"))
        with pytest.raises(sa.exc.DatabaseError) as caught:
            queue(ledger, letter)
    assert letter.recipient.email not in str(caught.value)
    assert letter.html not in str(caught.value)


ATTENDANCE = Figure("HR-7B/attendance_rate", "7B attendance", 93, 100, -0.02, unusual=True)
HOMEWORK = Figure("HR-7B/homework_rate", "7B homework", 41.5, 50)


def said(ledger: Ledger, period: str = "2026-W40") -> list[tuple[object, ...]]:
    return ledger.figures("teachers", period).rows()


def test_the_figures_of_a_letter_are_kept_in_its_order(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1", figures=(HOMEWORK, ATTENDANCE)), make_letter("t_2"))
    assert ledger.stated("teachers", "2026-W40") == {KEY: [HOMEWORK, ATTENDANCE]}


def test_figures_were_said_only_by_letters_that_arrived(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    letters = [make_letter(f"t_{n}", figures=(ATTENDANCE,)) for n in range(1, 6)]
    queue(ledger, *letters)
    for number, outcome in ((1, State.sent), (2, State.failed), (3, State.unknown)):
        key = f"teachers:2026-W40:t_{number}"
        assert claim(ledger, key)
        recorded(ledger, key, outcome, now=NOW)
    assert said(ledger) == [("t_1", "HR-7B/attendance_rate", 93.0, 100.0)]
    assert said(ledger, "2026-W39") == []
    assert ledger.figures("teachers", "2026-W39").schema == ledger.figures("x", "y").schema


def test_a_figure_that_moved_where_nobody_sees_it_leaves_the_letter_as_it_was(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(figures=(ATTENDANCE,)))
    closer = dataclasses.replace(ATTENDANCE, numerator=92.996)
    assert queue(ledger, make_letter(figures=(closer,))).unchanged == 1
    assert ledger.stated("teachers", "2026-W40") == {KEY: [ATTENDANCE]}


def test_the_figures_of_a_changed_letter_are_those_of_its_content(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(figures=(ATTENDANCE, HOMEWORK)))
    other = dataclasses.replace(ATTENDANCE, numerator=91)
    assert queue(ledger, make_letter(text="91 %\n", figures=(other,))).changed == 1
    assert ledger.stated("teachers", "2026-W40") == {KEY: [other]}


def test_what_a_letter_said_stays_as_it_went_out(ledger: Ledger, make_letter: LetterMaker) -> None:
    bring_to(ledger, make_letter(figures=(ATTENDANCE,)), State.sent)
    queue(ledger, make_letter(figures=(HOMEWORK,)))
    assert ledger.stated("teachers", "2026-W40") == {KEY: [ATTENDANCE]}


def weeks(*names: str) -> list[Period]:
    """Periods such as `2026-W40`, each of the week that it names."""
    mondays = [date.fromisocalendar(int(name[:4]), int(name[-2:]), 1) for name in names]
    return [
        Period("teachers", name, day.isoformat(), day + timedelta(days=4), complete=True, held=None)
        for name, day in zip(names, mondays, strict=True)
    ]


def test_a_week_is_told_what_the_newest_week_before_it_said(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    ledger.record_periods("teachers", weeks("2026-W38", "2026-W39", "2026-W40", "2026-W41"))
    for period in ("2026-W38", "2026-W39", "2026-W40", "2026-W41"):
        queue(ledger, make_letter(period=period, figures=(ATTENDANCE,)))
        if period != "2026-W40":  # nothing of it went out
            assert claim(ledger, f"teachers:{period}:t_1")
            recorded(ledger, f"teachers:{period}:t_1", State.sent, now=NOW)
    week = date(2026, 10, 5)
    before = ledger.figures_before("teachers", week)
    assert before.rows() == [(week, "2026-W39", "t_1", "HR-7B/attendance_rate", 93.0, 100.0)]
    first = ledger.figures_before("teachers", date(2026, 9, 14))
    assert first.is_empty()
    assert first.schema == before.schema


def test_every_release_of_a_problem_and_by_whom_is_kept(ledger: Ledger) -> None:
    released = Release("3f9a0c51d2", "The class left in October.", "carla", NOW)
    ledger.release(released)
    ledger.release(Release("0aa1", "Checked.", "carla", NOW - timedelta(days=1)))
    again = dataclasses.replace(released, by="ben", at=LATER)
    ledger.release(again)
    assert [release.id for release in ledger.releases()] == ["0aa1", *["3f9a0c51d2"] * 2]
    assert ledger.releases()[2] == again
    assert ledger.releases()[1] == released
    assert ledger.releases_frame().rows()[1] == dataclasses.astuple(released)


def test_a_release_needs_a_reason(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="needs a reason"):
        ledger.release(Release("3f9a0c51d2", " ", "carla", NOW))
    assert ledger.releases_frame().is_empty()
    assert ledger.releases_frame().columns == ["id", "reason", "by", "at"]
