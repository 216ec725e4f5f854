"""What a ledger keeps of a person who was erased: counts, and nothing else."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.forgetting import (
    ERASED,
    ERASED_CONTENT,
    Person,
    as_known,
    compact,
    copies,
    erase,
    traces,
)
from edu_pipeline.mail.ledger.history import import_history
from edu_pipeline.mail.ledger.remembered import tombstones_frame
from edu_pipeline.mail.ledger.store import Cause, Ledger, Queueing
from edu_pipeline.mail.ledger.suppressions import import_suppressions, in_force, suppress
from edu_pipeline.mail.ledger.tables import EVENTS, METADATA
from edu_pipeline.mail.ledger.tombstones import is_forgotten, tombstone
from edu_pipeline.mail.letter import Figure, Letter
from edu_pipeline.mail.limits import limit_of
from edu_pipeline.mail.states import State
from edu_pipeline_tests.mail.letters import claimed, recorded

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
PERIOD = "2026-W40"
FIGURE = Figure("c_1/attendance_rate", "7B attendance", 46, 50)
TEACHER = Person(
    identifiers=frozenset({"staff:T7"}),
    recipient_keys=frozenset({"t_1"}),
    addresses=frozenset({"ada@riverside.example"}),
    names=frozenset({"Ada Moss"}),
)
STUDENT = Person(
    identifiers=frozenset({"student:100234"}),
    recipient_keys=frozenset(),
    addresses=frozenset(),
    names=frozenset({"Émile O'Dare"}),
)
NAMING = {
    "html": "<p>Absent</p><ul><li>O&#x27;Dare, <b>Emile</b>: 3 of 5 days</li></ul>",
    "text": "Absent: Émile O'Dare, 3 of 5 days\n",
    "images": (),
    "figures": (FIGURE,),
}

LetterMaker = Callable[..., Letter]


@pytest.fixture
def to_ada(make_letter: LetterMaker) -> Letter:
    return make_letter(
        "t_1",
        email="Ada@Riverside.example",
        figures=(FIGURE,),
        notes=("Ada Moss teaches it alone",),
        headers={"List-Unsubscribe": "<https://mail.example/out/t_1>"},
    )


@pytest.fixture
def naming(make_letter: LetterMaker) -> Letter:
    return make_letter("t_2", name="Ben Carter", **NAMING)


def queue(ledger: Ledger, *letters: Letter, **rules: object) -> None:
    ledger.queue(letters, now=NOW, by="test", rules=Queueing(**rules))  # type: ignore[arg-type]


def send(ledger: Ledger, letter: Letter, outcome: State = State.sent) -> None:
    assert claimed(ledger, letter.key, owner="me", transport="smtp", now=NOW)
    recorded(ledger, letter.key, outcome, now=NOW, transport_id="<m1>")


def everything(ledger: Ledger) -> str:
    """Every cell of every table, but how far the journal goes."""
    with ledger.connect() as connection:
        rows = [
            [str(cell) for cell in row]
            for table in METADATA.sorted_tables
            for row in connection.execute(sa.select(table))
            if row[0] != "journalled"
        ]
    return json.dumps(rows, ensure_ascii=False)


def forget(ledger: Ledger, person: Person) -> None:
    erase(ledger, as_known(ledger, person), now=NOW, by="clerk")


def test_of_letters_to_the_person_only_their_counts_are_left(
    ledger: Ledger, to_ada: Letter
) -> None:
    queue(ledger, to_ada, approval=True)
    ledger.cancel(to_ada.key, Cause(NOW, "clerk", "Ada Moss is on leave"))
    ledger.take_back_cancelling(to_ada.key, Cause(NOW, "clerk", "Ada Moss is back"))
    queue(ledger, to_ada)
    send(ledger, to_ada)
    ledger.absent_since(to_ada.key, NOW, "a delivery")
    with ledger.begin() as connection:
        event = {"event_id": "e1", "fingerprint": "f1", "campaign": "teachers", "period": PERIOD}
        connection.execute(
            EVENTS.insert().values(
                **event,
                letter_key=to_ada.key,
                kind="opened",
                machine=False,
                detail="mailbox ada@riverside.example",
                at=NOW,
                received_at=NOW,
            )
        )
    assert traces(ledger, TEACHER).letters == 1

    forget(ledger, TEACHER)

    left = everything(ledger)
    assert not re.search(r"\bada\b|moss|\bt_1\b|7B attendance|unsubscribe", left, re.IGNORECASE)
    (entry,) = ledger.entries("teachers", PERIOD)
    assert (entry.state, entry.email, entry.recipient_name) == (State.sent, "", "")
    assert (entry.subject, entry.notes, entry.sent_at) == (ERASED, (), NOW)
    frozen = ledger.letter(entry.key)
    assert (frozen.text, frozen.images, dict(frozen.headers)) == (f"{ERASED_CONTENT}\n", (), {})
    assert [line.what for line in ledger.story(entry.key)] == [
        "new → draft",
        "draft → cancelled",
        "cancelled → cancelled",
        "cancelled → pending",
        "pending → claimed",
        "claimed → sent",
        "attempt 1: sent",
        "opened",
    ]
    assert f"{ERASED} is on leave" in [line.why for line in ledger.story(entry.key)]
    # the carrier's own records still have it, and must not look like those of another ledger
    assert ledger.transport_ids("teachers", PERIOD) == {"<m1>"}


def test_nothing_is_queued_for_the_person_again(
    ledger: Ledger, to_ada: Letter, make_letter: LetterMaker
) -> None:
    forget(ledger, TEACHER)
    by_key = make_letter("t_1", email="new@riverside.example")
    by_address = make_letter("l_9", email="ADA@riverside.example ")
    for letter in (to_ada, by_key, by_address):
        assert ledger.queue([letter], now=NOW, by="test").forgotten == 1
    assert ledger.entries("teachers", PERIOD) == []


def test_the_person_is_struck_off_the_list_of_whom_letters_may_reach(ledger: Ledger) -> None:
    both = [("nudges.lead", "Ada@Riverside.example"), ("nudges.lead", "ben@riverside.example")]
    ledger.record_periods("nudges", [], both)
    assert "riverside" not in everything(ledger)
    forget(ledger, TEACHER)
    left = limit_of(ledger, "nudges.lead", "learners")
    assert left.why_not_to("ben@riverside.example") is None
    assert left.why_not_to("ada@riverside.example")


def test_a_tombstone_does_not_say_who_it_was(ledger: Ledger) -> None:
    forget(ledger, TEACHER)
    frame = tombstones_frame(ledger)
    assert set(frame["hash"]) == {
        tombstone(ledger.salt, name) for name in ("staff:T7", "t_1", "ada@riverside.example")
    }
    assert set(frame["salt"]) == {ledger.salt}
    assert tombstone("another salt", "t_1") not in set(frame["hash"])
    with ledger.connect() as connection:
        assert is_forgotten(connection, "nobody", "staff:T7")
        assert not is_forgotten(connection, "student:T7")


def test_a_letter_that_names_the_person_loses_its_content_and_keeps_its_figures(
    ledger: Ledger, naming: Letter, make_letter: LetterMaker
) -> None:
    other = make_letter("t_3", name="Cleo Finn")
    queue(ledger, naming, other)
    send(ledger, naming)
    before = ledger.letter(other.key)
    found = traces(ledger, STUDENT)
    assert (found.letters, set(found.naming), found.waiting) == (0, {naming.key}, 0)

    forget(ledger, STUDENT)

    erased = ledger.letter(naming.key)
    assert erased.text == f"{ERASED_CONTENT}\n"
    assert erased.recipient.name == "Ben Carter"
    assert erased.subject == naming.subject
    assert ledger.stated("teachers", PERIOD)[naming.key] == [FIGURE]
    assert not re.search("dare|mile", everything(ledger), re.IGNORECASE)
    assert ledger.letter(other.key) == before
    assert ledger.counts("teachers", PERIOD) == {State.sent: 1, State.pending: 1}


@pytest.mark.parametrize("state", [State.draft, State.pending, State.failed])
def test_one_that_has_not_gone_out_is_cancelled_and_written_anew(
    ledger: Ledger, naming: Letter, make_letter: LetterMaker, state: State
) -> None:
    queue(ledger, naming, approval=state is State.draft)
    if state is State.failed:
        send(ledger, naming, State.failed)
    forget(ledger, STUDENT)
    assert ledger.counts("teachers", PERIOD) == {State.cancelled: 1}
    queue(ledger, make_letter("t_2", name="Ben Carter", text="Nobody absent\n"))
    assert ledger.counts("teachers", PERIOD) == {State.pending: 1}
    assert ledger.letter(naming.key).text == "Nobody absent\n"


def test_an_erased_content_is_never_sent_even_if_somebody_of_the_same_name_is_in_the_new_one(
    ledger: Ledger, naming: Letter
) -> None:
    queue(ledger, naming)
    forget(ledger, STUDENT)
    queue(ledger, naming)
    assert ledger.counts("teachers", PERIOD) == {State.pending: 1}
    assert ledger.letter(naming.key).text == naming.text


def test_a_content_that_was_replaced_is_erased_and_the_letter_still_goes_out(
    ledger: Ledger, naming: Letter, make_letter: LetterMaker
) -> None:
    queue(ledger, naming)
    queue(ledger, make_letter("t_2", name="Ben Carter", text="Nobody absent\n"))
    forget(ledger, STUDENT)
    assert ledger.counts("teachers", PERIOD) == {State.pending: 1}
    assert ledger.letter(naming.key).text == "Nobody absent\n"
    assert "dare" not in everything(ledger).lower()


def test_a_letter_in_doubt_has_to_be_settled_first(ledger: Ledger, naming: Letter) -> None:
    queue(ledger, naming)
    claimed(ledger, naming.key, owner="me", transport="smtp", now=NOW)
    with pytest.raises(LedgerError, match=f"Settle them first.*{naming.key}"):
        forget(ledger, STUDENT)
    assert ledger.letter(naming.key).text == naming.text
    assert tombstones_frame(ledger).is_empty()
    ledger.resolve(naming.key, State.sent, Cause(NOW, "clerk", "asked"))
    forget(ledger, STUDENT)


def test_the_persons_own_letter_in_doubt_can_never_go_out_again(
    ledger: Ledger, to_ada: Letter
) -> None:
    queue(ledger, to_ada)
    send(ledger, to_ada, State.unknown)
    forget(ledger, TEACHER)
    assert ledger.counts("teachers", PERIOD) == {State.cancelled: 1}


def test_a_suppression_goes_on_holding_without_the_address(ledger: Ledger) -> None:
    address = "ada@riverside.example"
    now_by = {"now": NOW, "by": "clerk"}
    suppress(ledger, address, "*", "unsubscribe", source="person", **now_by)  # type: ignore[arg-type]
    import_history(ledger, b"campaign,period,email,date\nteachers,2026-W01,ada@riverside.example,2026-01-02\n", source="old.csv")  # fmt: skip
    assert traces(ledger, TEACHER).lines == 2
    forget(ledger, TEACHER)
    csv = b"email,scope,reason,at\nada@riverside.example,*,bounce,2026-10-01T10:00:00+00:00\n"
    assert import_suppressions(ledger, csv, now=NOW, by="clerk").new == 0
    assert not suppress(ledger, address, "*", "bounce", source="person", **now_by)  # type: ignore[arg-type]
    history = b"campaign,period,email,date\nteachers,2026-W02,ada@riverside.example,2026-01-09\n"
    assert import_history(ledger, history, source="old.csv").new == 0
    assert in_force(ledger).is_empty()
    assert address not in everything(ledger)


def test_an_earlier_address_and_name_are_known_by_the_key(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(ledger, make_letter("t_1", name="Ada Finn", email="finn@riverside.example"))
    found = as_known(ledger, TEACHER)
    assert found.addresses == {"ada@riverside.example", "finn@riverside.example"}
    assert found.names == {"Ada Moss", "Ada Finn"}


def test_an_address_that_somebody_else_uses_too_is_not_taken_from_them(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    queue(
        ledger,
        make_letter("t_1", email="office@riverside.example"),
        make_letter("t_2", email="office@riverside.example", name="Ben Carter"),
    )
    person = Person(frozenset(), frozenset({"t_1"}), frozenset(), frozenset())
    forget(ledger, person)
    assert [e.recipient_name for e in ledger.entries("teachers", PERIOD) if e.email] == [
        "Ben Carter"
    ]


def test_a_person_known_by_address_alone_is_found(ledger: Ledger, to_ada: Letter) -> None:
    queue(ledger, to_ada)
    person = Person(frozenset(), frozenset(), frozenset({"ada@riverside.example"}), frozenset())
    forget(ledger, person)
    assert ledger.queue([to_ada], now=NOW, by="test").forgotten == 1
    assert not re.search(r"\bada\b|moss", everything(ledger), re.IGNORECASE)


def test_forgetting_twice_changes_nothing(ledger: Ledger, to_ada: Letter, naming: Letter) -> None:
    queue(ledger, to_ada, naming)
    for person in (TEACHER, STUDENT):
        forget(ledger, person)
    before = everything(ledger)
    for person in (TEACHER, STUDENT):
        forget(ledger, person)
    assert everything(ledger) == before


def test_the_rest_of_the_ledger_is_not_touched(
    ledger: Ledger, make_letter: LetterMaker, to_ada: Letter
) -> None:
    other = make_letter("t_5", name="Ada Mossberg", email="ada@riverside.example.org")
    queue(ledger, other)
    before = everything(ledger)
    queue(ledger, other, to_ada)
    forget(ledger, TEACHER)
    assert ledger.letter(other.key).recipient.name == "Ada Mossberg"
    rows = [json.dumps(row, ensure_ascii=False) for row in json.loads(before)]
    assert all(row in everything(ledger) for row in rows)


def test_no_byte_is_left_in_the_files_of_a_sqlite_ledger(
    tmp_path: Path, to_ada: Letter, naming: Letter
) -> None:
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        queue(ledger, to_ada, naming)
        queue(ledger)
        assert b"Ada Moss" in b"".join(path.read_bytes() for path in tmp_path.iterdir())
        for person in (TEACHER, STUDENT):
            forget(ledger, person)
        assert compact(ledger)
        left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        for word in (b"Ada", b"Moss", b"ada@", b"Dare", b"T7", b"100234"):
            assert word not in left
        # the ledger goes on being one
        ledger.record_periods("teachers", [])
        assert ledger.counts("teachers", PERIOD) == {State.cancelled: 2}


def test_what_another_program_still_reads_is_said_not_to_be_gone(
    tmp_path: Path, to_ada: Letter
) -> None:
    file = tmp_path / "ledger.db"
    with Ledger(f"sqlite:///{file}") as ledger:
        queue(ledger, to_ada)
        with closing(sqlite3.connect(file)) as reader:
            reader.execute("begin")
            reader.execute("select count(*) from letters").fetchall()
            forget(ledger, TEACHER)
            assert not compact(ledger, wait_seconds=0)
        assert compact(ledger)


def test_copies_from_before_an_upgrade_are_found(tmp_path: Path) -> None:
    copy = tmp_path / "ledger.20260102T030405.before-0002.db"
    copy.touch()
    (tmp_path / "other.db").touch()
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        assert copies(ledger) == [copy]


def test_a_server_has_no_copies_and_can_be_compacted(postgres_url: str, to_ada: Letter) -> None:
    with Ledger(postgres_url) as ledger:
        queue(ledger, to_ada)
        forget(ledger, TEACHER)
        assert compact(ledger)
        assert copies(ledger) == ()
        assert ledger.counts("teachers", PERIOD) == {State.cancelled: 1}
