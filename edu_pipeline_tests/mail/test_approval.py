"""A person approves exactly what goes out."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from edu_pipeline.mail.ledger.approvals import approve, review
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.store import Cause, Ledger, Queueing, QueueResult
from edu_pipeline.mail.letter import Figure, Image, Letter, Moved
from edu_pipeline.mail.states import State
from edu_pipeline_tests.mail.conftest import LetterMaker

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
LIVE = Queueing(approval=True, leaves=True)
RATE = Figure("c_7b/attendance_rate", "7B attendance", 921, 1000)


def queue(ledger: Ledger, *letters: Letter, rules: Queueing = LIVE) -> QueueResult:
    return ledger.queue(letters, now=NOW, by="test", rules=rules)


def states(ledger: Ledger) -> dict[str, State]:
    return {e.recipient_key: e.state for e in ledger.entries("teachers", "2026-W40")}


def approve_all(ledger: Ledger) -> int:
    return approve(ledger, review(ledger, "teachers", "2026-W40").drafts, now=NOW, by="carla")


def test_a_letter_is_a_draft_until_somebody_approves_it_and_only_then_released(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    assert ledger.release_approved("teachers", "2026-W40", now=NOW, by="test") == 0
    assert states(ledger) == {"t_1": State.draft, "t_2": State.draft}
    assert approve_all(ledger) == 2
    assert states(ledger) == {"t_1": State.approved, "t_2": State.approved}
    assert ledger.release_approved("teachers", "2026-W40", now=NOW, by="test") == 2
    assert states(ledger) == {"t_1": State.pending, "t_2": State.pending}
    assert [
        line.by for line in ledger.story("teachers:2026-W40:t_1") if line.what == "approved"
    ] == ["carla"]


def test_after_a_late_register_only_the_letters_that_changed_wait_again(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    letters = [make_letter(f"t_{n}", text="92.1 %\n", figures=(RATE,)) for n in range(1, 41)]
    queue(ledger, *letters)
    approve_all(ledger)
    later = dataclasses.replace(RATE, numerator=919)
    changed = [make_letter(f"t_{n}", text="91.9 %\n", figures=(later,)) for n in (1, 2)]
    result = queue(ledger, *changed, *letters[2:])
    assert (result.unchanged, result.changed) == (38, 2)
    found = review(ledger, "teachers", "2026-W40")
    assert found.approved == 38
    assert [(draft.key, draft.changed, draft.moved) for draft in found.drafts] == [
        (f"teachers:2026-W40:t_{n}", True, (Moved("7B attendance", 0.921, 0.919),)) for n in (1, 2)
    ]


def test_a_content_that_was_approved_before_needs_no_second_approval(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(text="92.1 %\n"))
    approve_all(ledger)
    queue(ledger, make_letter(text="91.9 %\n"))
    assert states(ledger) == {"t_1": State.draft}
    queue(ledger, make_letter(text="92.1 %\n"))
    assert states(ledger) == {"t_1": State.approved}
    assert ledger.letter("teachers:2026-W40:t_1").text == "92.1 %\n"


def test_a_letter_from_a_newer_export_that_says_the_same_stays_approved(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    friday = make_letter(text="92 %, data of Friday\n", as_of=("data of Friday",))
    monday = make_letter(text="92 %, data of Monday\n", as_of=("data of Monday",))
    queue(ledger, friday)
    approve_all(ledger)
    assert queue(ledger, monday).unchanged == 1
    assert states(ledger) == {"t_1": State.approved}
    assert ledger.letter("teachers:2026-W40:t_1").text == friday.text


def test_a_picture_that_shows_the_same_leaves_the_approval(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(images=(Image("attendance", b"one", shows="92 94 93"),)))
    approve_all(ledger)
    same = make_letter(images=(Image("attendance", b"two", shows="92 94 93"),))
    other = make_letter(images=(Image("attendance", b"two", shows="92 94 90"),))
    assert queue(ledger, same).unchanged == 1
    assert queue(ledger, other).changed == 1
    assert states(ledger) == {"t_1": State.draft}


def test_what_changed_between_looking_and_approving_is_not_approved(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    seen = review(ledger, "teachers", "2026-W40")
    queue(ledger, make_letter("t_1"), make_letter("t_2", text="Other\n"))
    assert review(ledger, "teachers", "2026-W40").digest != seen.digest
    with pytest.raises(LedgerError, match="nothing was approved"):
        approve(ledger, seen.drafts, now=NOW, by="carla")
    assert states(ledger) == {"t_1": State.draft, "t_2": State.draft}


def test_the_digest_of_a_review_is_the_same_while_nothing_changed(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"))
    assert (
        review(ledger, "teachers", "2026-W40").digest
        == review(ledger, "teachers", "2026-W40").digest
    )


def test_held_letters_are_not_offered_for_approval(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1", hold="look"), make_letter("t_2"))
    assert [d.key for d in review(ledger, "teachers", "2026-W40").drafts] == [
        "teachers:2026-W40:t_2"
    ]
    assert approve_all(ledger) == 1
    assert states(ledger)["t_1"] is State.held


def test_a_letter_whose_hold_is_lifted_still_needs_its_approval(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1", hold="look"))
    queue(ledger, make_letter("t_1"))
    assert states(ledger) == {"t_1": State.draft}


def test_approval_that_is_switched_on_later_holds_what_was_pending(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), rules=Queueing(leaves=True))
    assert states(ledger) == {"t_1": State.pending}
    queue(ledger, make_letter("t_1"))
    assert states(ledger) == {"t_1": State.draft}
    queue(ledger, make_letter("t_1"), rules=Queueing(leaves=True))
    assert states(ledger) == {"t_1": State.pending}


def test_an_approved_letter_that_is_already_released_stays_released(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"))
    approve_all(ledger)
    ledger.release_approved("teachers", "2026-W40", now=NOW, by="test")
    assert queue(ledger, make_letter("t_1")).unchanged == 1
    assert states(ledger) == {"t_1": State.pending}


def test_an_approved_letter_expires_like_any_other(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"))
    approve_all(ledger)
    assert ledger.expire(now=NOW + timedelta(days=8), by="test") == 1
    assert states(ledger) == {"t_1": State.expired}


def test_who_cancels_a_letter_takes_its_approval_back(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    approve_all(ledger)
    key = "teachers:2026-W40:t_1"
    cause = Cause(NOW, "carla", "Wrong week.")
    assert ledger.cancel(key, cause)
    assert ledger.take_back_cancelling(key, cause)
    queue(ledger, make_letter())
    assert states(ledger) == {"t_1": State.draft}
    later = NOW + timedelta(hours=1)
    approve(ledger, review(ledger, "teachers", "2026-W40").drafts, now=later, by="carla")
    queue(ledger, make_letter())
    assert states(ledger) == {"t_1": State.approved}
