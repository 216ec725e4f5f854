"""Ledgers of earlier releases, and of later ones."""

import hashlib
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from edu_pipeline.mail.ledger import migrations
from edu_pipeline.mail.ledger.database import HEAD, LedgerError
from edu_pipeline.mail.ledger.history import import_history, sent_before
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.tables import METADATA
from edu_pipeline.mail.letter import Figure, Image
from edu_pipeline.mail.states import State

FIRST = """
INSERT INTO schema_version VALUES (1);
INSERT INTO letters VALUES ('teachers:2026-W40:t_1', 'teachers', '2026-W40', 't_1',
  'ada@riverside.example', 'Ada Moss', 'reports@riverside.example', 'Riverside School',
  'office@riverside.example', 'Your week', '<p>Hello</p>', 'Hello', 'd1', '2026-10-07 18:00:00',
  '["looks odd"]', 'sent', '', 1, 'run 1', 'folder', '<id>', '2026-10-02 15:00:00',
  '2026-10-02 15:00:01', '2026-10-02 15:00:02');
INSERT INTO letters VALUES ('teachers:2026-W40:t_2', 'teachers', '2026-W40', 't_2',
  'ben@riverside.example', 'Ben Lake', 'reports@riverside.example', 'Riverside School',
  'office@riverside.example', 'Your week', '<p>Hello</p>', 'Hello', 'd2', '2026-10-07 18:00:00',
  '[]', 'pending', '', 0, NULL, NULL, NULL, '2026-10-02 15:00:00', NULL, NULL);
INSERT INTO images VALUES ('teachers:2026-W40:t_1', 'attendance-1', 0, CAST('one' AS {blob}));
INSERT INTO images VALUES ('teachers:2026-W40:t_2', 'attendance-1', 0, CAST('one' AS {blob}));
INSERT INTO figures VALUES ('teachers:2026-W40:t_1', 0, 'c_1/attendance_rate', '7B attendance',
  93, 100, NULL, {false});
INSERT INTO attempts VALUES (1, 'teachers:2026-W40:t_1', 1, '2026-10-02 15:00:02', 'folder',
  'sent', '', '<id>');
INSERT INTO changes VALUES (1, 'teachers:2026-W40:t_1', '2026-10-02 15:00:00', NULL, 'pending',
  'run 1', 'queued');
"""


@pytest.fixture
def first_release(empty_url: str) -> str:
    """URL of a ledger as the first release left it, with a letter sent and one waiting."""
    engine = sa.create_engine(empty_url)
    postgres = engine.dialect.name == "postgresql"
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__path__[0])))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(sa.text("DROP TABLE alembic_version"))
        rows = FIRST.format(
            blob="bytea" if postgres else "blob", false="false" if postgres else "0"
        )
        for statement in rows.split(";\n")[:-1]:
            connection.exec_driver_sql(statement)
    engine.dispose()
    return empty_url


def test_a_ledger_of_the_first_release_keeps_every_letter_and_its_story(
    first_release: str,
) -> None:
    with Ledger(first_release) as ledger:
        sent, waiting = ledger.entries("teachers", "2026-W40")
        assert (sent.state, sent.notes, sent.revision) == (State.sent, ("looks odd",), 1)
        assert (waiting.state, waiting.subject) == (State.pending, "Your week")
        letter = ledger.letter("teachers:2026-W40:t_1")
        assert (letter.recipient.email, letter.html) == ("ada@riverside.example", "<p>Hello</p>")
        assert letter.images == (Image("attendance-1", b"one"),)
        assert ledger.letter("teachers:2026-W40:t_2").images == letter.images
        assert ledger.stated("teachers", "2026-W40") == {
            sent.key: [Figure("c_1/attendance_rate", "7B attendance", 93, 100)]
        }
        assert [line.what for line in ledger.story(sent.key)] == [
            "new → pending",
            "attempt 1: sent",
        ]


def test_the_keys_of_an_earlier_ledger_stay_so_that_nobody_gets_a_letter_twice(
    first_release: str, tmp_path: Path
) -> None:
    with Ledger(first_release) as earlier, Ledger(f"sqlite:///{tmp_path / 'new.db'}") as new:
        assert earlier.salt == ""
        assert len(new.salt) == 32
        assert earlier.id != new.id


@pytest.fixture
def second_release(first_release: str) -> str:
    """URL of a ledger as the release before `about` left it, with a line of history."""
    engine = sa.create_engine(first_release)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__path__[0])))
        config.attributes["connection"] = connection
        command.stamp(config, "0001")
        command.upgrade(config, "0002")
        connection.exec_driver_sql(
            "INSERT INTO history VALUES ('teachers', '2026-W39', 'ada@riverside.example', "
            "'2026-09-25', 'old-tool.csv')"
        )
    engine.dispose()
    return first_release


def test_history_of_an_earlier_ledger_stays_and_more_can_come(second_release: str) -> None:
    with Ledger(second_release) as ledger:
        assert len(ledger.entries("teachers", "2026-W40")) == 2
        content = (
            b"campaign,period,email,date,about\n"
            b"teachers,2026-W39,ada@riverside.example,2026-09-25,\n"
            b"teachers,2026-W39,ada@riverside.example,2026-09-26,c_1/rate\n"
        )
        done = import_history(ledger, content, source="again.csv")
        assert (done.new, done.known) == (1, 1)
        with ledger.connect() as connection:
            day = sent_before(campaign="teachers", period="2026-W39", email="ada@riverside.example")
            before = connection.scalar(sa.select(day))
            context = MigrationContext.configure(connection, opts={"compare_type": False})
            assert compare_metadata(context, METADATA) == []
    assert before == date(2026, 9, 25)


def test_pictures_that_are_the_same_are_kept_once(first_release: str) -> None:
    with Ledger(first_release) as ledger, ledger.connect() as connection:
        found = connection.execute(sa.text("SELECT sha256, png FROM images")).all()
    assert [(row.sha256, bytes(row.png)) for row in found] == [
        (hashlib.sha256(b"one").hexdigest(), b"one")
    ]


def test_a_migrated_ledger_is_like_a_new_one(first_release: str) -> None:
    with Ledger(first_release) as ledger, ledger.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, METADATA) == []


def test_the_newest_migration_is_the_version_of_a_new_ledger() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_an_sqlite_ledger_is_copied_before_it_is_changed(
    first_release: str, tmp_path: Path
) -> None:
    if not first_release.startswith("sqlite"):
        return
    Ledger(first_release).__exit__(None, None, None)
    (copy,) = tmp_path.glob(f"ledger.*.before-{HEAD}.db")
    engine = sa.create_engine(f"sqlite:///{copy}")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT version FROM schema_version")) == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM letters")) == 2
    engine.dispose()


def test_a_migration_that_breaks_leaves_the_ledger_as_it_was(first_release: str) -> None:
    engine = sa.create_engine(first_release)
    with engine.begin() as connection:  # in the way of the last table that is made
        connection.execute(sa.text("CREATE TABLE controls (id INTEGER)"))
    with pytest.raises(sa.exc.DatabaseError):
        Ledger(first_release)
    with engine.begin() as connection:
        assert "alembic_version" not in sa.inspect(connection).get_table_names()
        assert connection.scalar(sa.text("SELECT count(subject) FROM letters")) == 2
        connection.execute(sa.text("DROP TABLE controls"))
    engine.dispose()
    with Ledger(first_release) as ledger:
        assert len(ledger.entries("teachers", "2026-W40")) == 2


def test_a_ledger_of_a_newer_release_is_refused_and_left_alone(empty_url: str) -> None:
    with Ledger(empty_url) as ledger, ledger.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0099'"))
    with pytest.raises(LedgerError, match="its version is 0099"):
        Ledger(empty_url)


def test_a_database_that_cannot_be_reached_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be reached"):
        Ledger(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}")


@pytest.mark.parametrize("url", ["no url", "nosuchdatabase://host/name"])
def test_a_url_that_is_none_is_said_in_a_sentence_without_the_url(url: str) -> None:
    with pytest.raises(LedgerError, match="cannot be used") as caught:
        Ledger(url)
    assert url not in str(caught.value)
