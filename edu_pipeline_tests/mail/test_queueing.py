"""Who is not written to, what is corrected, and what went only into the folder."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from edu_pipeline.mail.ledger.history import import_history
from edu_pipeline.mail.ledger.store import Cause, Ledger, Queueing, QueueResult
from edu_pipeline.mail.ledger.suppressions import lift, suppress
from edu_pipeline.mail.ledger.tables import LETTERS, TOMBSTONES
from edu_pipeline.mail.ledger.tombstones import tombstone
from edu_pipeline.mail.letter import Figure, Letter
from edu_pipeline.mail.states import State
from edu_pipeline_tests.mail.conftest import LetterMaker
from edu_pipeline_tests.mail.letters import claimed, recorded

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
KEY = "teachers:2026-W40:t_1"
LIVE = Queueing(leaves=True)
CORRECT = Queueing(leaves=True, correction="The register of 7B came late.")


def queue(ledger: Ledger, *letters: Letter, rules: Queueing = LIVE) -> QueueResult:
    return ledger.queue(letters, now=NOW, by="test", rules=rules)


def send(ledger: Ledger, key: str = KEY, transport: str = "sendgrid") -> None:
    assert claimed(ledger, key, owner="me", transport=transport, now=NOW)
    recorded(ledger, key, State.sent, now=NOW, transport_id=f"id of {key}")


def states(ledger: Ledger) -> dict[str, State]:
    return {e.key: e.state for e in ledger.entries("teachers", "2026-W40")}


def test_a_preview_in_the_folder_does_not_keep_the_letter_from_going_out(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(), rules=Queueing())
    send(ledger, transport="folder")
    assert queue(ledger, make_letter(), rules=Queueing()).already_sent == 1
    assert queue(ledger, make_letter()).changed == 1
    assert states(ledger) == {KEY: State.pending}
    assert "it went only into the folder" in [line.why for line in ledger.story(KEY)]


def test_a_preview_that_is_no_longer_news_stays_in_the_folder(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(not_after=NOW), rules=Queueing())
    ledger.queue([make_letter()], now=NOW, by="test")
    send(ledger, transport="folder")
    assert queue(ledger, make_letter(not_after=NOW)).already_sent == 1
    assert states(ledger) == {KEY: State.sent}


def test_what_went_to_people_is_not_sent_again_by_going_back_to_the_folder(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    send(ledger)
    for rules in (Queueing(), LIVE):
        assert queue(ledger, make_letter(text="Other\n"), rules=rules).already_sent == 1
    assert states(ledger) == {KEY: State.sent}


def test_a_correction_goes_to_those_whose_letter_changed_and_says_what_it_is(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1", text="92 %\n"), make_letter("t_2", text="88 %\n"))
    send(ledger)
    send(ledger, "teachers:2026-W40:t_2")
    result = queue(
        ledger, make_letter("t_1", text="91 %\n"), make_letter("t_2", text="88 %\n"), rules=CORRECT
    )
    assert (result.corrections, result.already_sent) == (1, 1)
    assert states(ledger) == {
        KEY: State.sent,
        f"{KEY}:2": State.pending,
        "teachers:2026-W40:t_2": State.sent,
    }
    letter = ledger.letter(f"{KEY}:2")
    assert (letter.revision, letter.subject) == (2, "Corrected: Your week")
    assert letter.text.startswith("This letter corrects an earlier one. The register of 7B came")
    assert letter.text.endswith("91 %\n")
    assert "The register of 7B came late." in letter.html
    assert ledger.letter(KEY).text == "92 %\n"


def test_a_correction_goes_out_at_most_once_and_may_be_corrected_itself(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(text="92 %\n"))
    send(ledger)
    queue(ledger, make_letter(text="91 %\n"), rules=CORRECT)
    send(ledger, f"{KEY}:2")
    assert queue(ledger, make_letter(text="91 %\n"), rules=CORRECT).already_sent == 1
    assert queue(ledger, make_letter(text="90 %\n")).already_sent == 1
    assert queue(ledger, make_letter(text="90 %\n"), rules=CORRECT).corrections == 1
    assert states(ledger) == {
        KEY: State.sent,
        f"{KEY}:2": State.sent,
        f"{KEY}:3": State.pending,
    }


def test_a_waiting_correction_follows_the_data_and_vanishes_when_there_is_nothing_to_correct(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(text="92 %\n"))
    send(ledger)
    queue(ledger, make_letter(text="91 %\n"), rules=CORRECT)
    assert queue(ledger, make_letter(text="91 %\n")).unchanged == 1
    assert queue(ledger, make_letter(text="90 %\n")).changed == 1
    assert ledger.letter(f"{KEY}:2").text.endswith("90 %\n")
    assert "came late" in ledger.letter(f"{KEY}:2").text
    assert queue(ledger, make_letter(text="92 %\n")).cancelled == 1
    assert states(ledger) == {KEY: State.sent, f"{KEY}:2": State.cancelled}
    assert queue(ledger, make_letter(text="92 %\n"), rules=CORRECT).unchanged == 1
    assert states(ledger)[f"{KEY}:2"] is State.cancelled
    assert queue(ledger, make_letter(text="91 %\n"), rules=CORRECT).changed == 1
    assert states(ledger)[f"{KEY}:2"] is State.pending


def test_a_letter_that_has_not_gone_out_is_simply_written_anew(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(text="92 %\n"))
    assert queue(ledger, make_letter(text="91 %\n"), rules=CORRECT).corrections == 0
    assert states(ledger) == {KEY: State.pending}
    assert ledger.letter(KEY).subject == "Your week"


@pytest.mark.parametrize("outcome", [State.unknown, State.failed])
def test_a_letter_that_may_not_have_arrived_is_not_corrected(
    ledger: Ledger, make_letter: LetterMaker, outcome: State
) -> None:
    queue(ledger, make_letter(text="92 %\n"))
    assert claimed(ledger, KEY, owner="me", transport="sendgrid", now=NOW)
    recorded(ledger, KEY, outcome, now=NOW)
    assert queue(ledger, make_letter(text="91 %\n"), rules=CORRECT).corrections == 0


def test_after_a_correction_the_recipient_was_told_the_corrected_figures(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    was, became = (Figure("c_7b/rate", "7B attendance", n, 100) for n in (92, 91))
    queue(ledger, make_letter(text="92 %\n", figures=(was,)))
    send(ledger)
    queue(ledger, make_letter(text="91 %\n", figures=(became,)), rules=CORRECT)
    assert ledger.figures("teachers", "2026-W40")["numerator"].to_list() == [92]
    send(ledger, f"{KEY}:2")
    assert ledger.figures("teachers", "2026-W40")["numerator"].to_list() == [91]


def test_a_letter_to_somebody_who_must_not_be_written_to_is_kept_and_says_why(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    suppress(
        ledger, "T_1@riverside.example", "teachers", "unsubscribe", source="link", now=NOW, by="x"
    )
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    first, second = ledger.entries("teachers", "2026-W40")
    assert (first.state, second.state) == (State.suppressed, State.pending)
    assert first.reason == "The recipient paused these letters, or unsubscribed."
    lift(ledger, "t_1@riverside.example", "teachers", source="link", now=NOW, by="x")
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    assert states(ledger)[KEY] is State.pending


def test_who_unsubscribes_while_the_letter_waits_does_not_get_it(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_2"))
    suppress(ledger, "t_1@riverside.example", "*", "complaint", source="webhook", now=NOW, by="x")
    assert ledger.suppress_waiting(now=NOW, by="test") == 1
    assert states(ledger) == {KEY: State.suppressed, "teachers:2026-W40:t_2": State.pending}


def test_what_another_tool_sent_before_this_one_is_not_repeated(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    import_history(
        ledger,
        b"campaign,period,email,date\nteachers,2026-W40,T_1@riverside.example,2026-10-02\n",
        source="old.csv",
    )
    queue(ledger, make_letter("t_1"), make_letter("t_1", period="2026-W41"))
    (entry,) = ledger.entries("teachers", "2026-W40")
    assert (entry.state, str(date(2026, 10, 2)) in entry.reason) == (State.suppressed, True)
    assert ledger.counts("teachers", "2026-W41") == {State.pending: 1}


def test_nothing_is_kept_about_somebody_who_was_forgotten(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    with ledger.begin() as connection:
        for identifier in ("t_1", "t_2@riverside.example"):
            connection.execute(
                TOMBSTONES.insert().values(
                    hash=tombstone(ledger.salt, identifier), at=NOW, by="carla"
                )
            )
    result = queue(ledger, make_letter("t_1"), make_letter("t_2"), make_letter("t_3"))
    assert (result.forgotten, result.new) == (2, 1)
    assert list(states(ledger)) == ["teachers:2026-W40:t_3"]


def test_every_content_that_a_letter_had_is_kept(ledger: Ledger, make_letter: LetterMaker) -> None:
    for text in ("one\n", "two\n", "one\n", "three\n"):
        queue(ledger, make_letter(text=text))
    with ledger.connect() as connection:
        found = connection.exec_driver_sql("SELECT text FROM contents ORDER BY text").all()
    assert [row.text for row in found] == ["one\n", "three\n", "two\n"]
    assert ledger.letter(KEY).text == "three\n"


def test_what_a_person_cancelled_stays_cancelled_until_a_person_takes_it_back(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    cause = Cause(NOW, "carla", "Wrong week.")
    assert ledger.cancel(KEY, cause)
    assert queue(ledger, make_letter()).unchanged == 1
    assert queue(ledger, make_letter(text="Other\n")).unchanged == 1
    assert states(ledger) == {KEY: State.cancelled}
    assert ledger.take_back_cancelling(KEY, cause)
    assert queue(ledger, make_letter()).changed == 1
    assert states(ledger) == {KEY: State.pending}
    assert not ledger.take_back_cancelling(KEY, cause)


def test_a_letter_in_doubt_that_was_given_up_never_comes_back(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    assert claimed(ledger, KEY, owner="me", transport="sendgrid", now=NOW)
    recorded(ledger, KEY, State.unknown, now=NOW)
    cause = Cause(NOW, "carla", "Nobody can tell.")
    ledger.resolve(KEY, State.cancelled, cause)
    assert queue(ledger, make_letter(text="Other\n")).unchanged == 1
    assert not ledger.take_back_cancelling(KEY, cause)
    assert states(ledger) == {KEY: State.cancelled}


def test_what_another_tool_is_found_to_have_sent_is_taken_out_of_the_post(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter())
    import_history(
        ledger,
        b"campaign,period,email,date\nteachers,2026-W40,t_1@riverside.example,2026-10-02\n",
        source="old.csv",
    )
    assert ledger.suppress_waiting(now=NOW, by="test") == 1
    assert states(ledger) == {KEY: State.suppressed}


def test_a_batch_that_became_empty_takes_its_letters_out_of_the_post(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1"), make_letter("t_1", period="2026-W39"))
    assert ledger.queue([], now=NOW, by="test").cancelled == 0
    result = ledger.queue([], now=NOW, by="test", of=("teachers", "2026-W40"))
    assert result.cancelled == 1
    assert states(ledger) == {KEY: State.cancelled}
    assert ledger.counts("teachers", "2026-W39") == {State.pending: 1}


def test_who_got_only_files_in_the_folder_gets_the_letter_itself_and_no_correction(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter(text="92 %\n"), rules=Queueing())
    send(ledger, transport="folder")
    queue(ledger, make_letter(text="91 %\n"), rules=Queueing(correction="Late register."))
    send(ledger, f"{KEY}:2", transport="folder")
    queue(ledger, make_letter(text="91 %\n"))
    assert states(ledger) == {KEY: State.sent, f"{KEY}:2": State.pending}
    letter = ledger.letter(f"{KEY}:2")
    assert (letter.subject, letter.text) == ("Your week", "91 %\n")


@pytest.mark.parametrize("made_last", ["letters_by_period", "letters_by_recipient"])
def test_a_letter_is_looked_up_by_its_recipient_however_many_its_period_has(
    tmp_path: Path, make_letter: LetterMaker, made_last: str
) -> None:
    asked: list[str] = []
    (index,) = (each for each in LETTERS.indexes if each.name == made_last)
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        with ledger.begin() as connection:
            index.drop(connection)
            index.create(connection)
        with ledger.connect() as connection:
            sqlite = connection.connection.dbapi_connection
        assert sqlite is not None
        sqlite.set_trace_callback(asked.append)
        queue(ledger, make_letter())
        sqlite.set_trace_callback(None)
        looked_up = [each for each in asked if "ORDER BY letters.revision" in each]
        with ledger.connect() as connection:
            plans = [
                str(
                    connection.execute(
                        sa.text(f"explain query plan {each}".replace(":", "\\:"))
                    ).all()
                )
                for each in looked_up
            ]
    assert plans
    assert all("letters_by_recipient" in plan for plan in plans)
