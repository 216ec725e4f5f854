"""What the database takes and what its errors tell, on SQLite and on PostgreSQL."""

import traceback
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import CONTENTS, HISTORY
from edu_pipeline.mail.letter import Figure
from edu_pipeline.mail.states import State
from edu_pipeline_tests.mail.conftest import LetterMaker

MONDAY = datetime(2026, 10, 5, 8, tzinfo=UTC)


def test_an_error_does_not_show_the_row_that_it_is_about(ledger: Ledger) -> None:
    row = {
        "campaign": "teachers",
        "period": "2026-W39",
        "email": "ada@riverside.example",
        "sent_on": date(2026, 9, 25),
        "source": "old.csv",
    }

    def twice() -> None:
        with ledger.begin() as connection:
            connection.execute(HISTORY.insert(), [row, row])

    with pytest.raises(sa.exc.IntegrityError, match="history") as caught:
        twice()
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.orig)
    assert "riverside" not in told


def test_an_error_without_a_row_still_says_what_it_is(ledger: Ledger) -> None:
    with ledger.connect() as connection, pytest.raises(sa.exc.DBAPIError) as caught:
        connection.execute(sa.text("SELECT nothing FROM nowhere"))
    assert "nowhere" in str(caught.value)  # the statement


def test_a_nul_in_a_letter_keeps_no_letter_from_being_queued(
    ledger: Ledger, make_letter: LetterMaker
) -> None:
    odd = make_letter(
        "t_1",
        text="Hel\x00lo",
        name="Ada\x00 Moss",
        hold="It holds a NUL.",
        notes=("a \x00 note",),
        figures=(Figure("c\x00", "7\x00B", 1, 2), Figure("d", "7\x00C", 1, 2)),
    )
    batch = [odd, make_letter("t_2")]
    assert ledger.queue(batch, now=MONDAY, by="test").new == 2
    assert ledger.queue(batch, now=MONDAY, by="test").unchanged == 2
    assert ledger.counts("teachers", "2026-W40") == {State.held: 1, State.pending: 1}
    with ledger.connect() as connection:
        texts = connection.scalars(sa.select(CONTENTS.c.text).order_by(CONTENTS.c.letter_key)).all()
    assert len(texts[0]) == len("Hel?lo")
    assert texts[1] == "Hello\n"
