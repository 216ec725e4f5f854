from pathlib import Path

import sqlalchemy as sa

from edu_pipeline.ground.history import history_at_hand

NORMAL = 1


def synchronous(path: Path) -> int:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("pragma synchronous").scalar_one())


def test_only_the_history_waits_less_for_the_disk_and_only_while_a_run_writes(
    tmp_path: Path,
) -> None:
    history, ledger = tmp_path / "dagster" / "runs.db", tmp_path / "ledger.db"
    history.parent.mkdir()
    usual = synchronous(ledger)
    with history_at_hand(history.parent):
        assert (synchronous(history), synchronous(ledger)) == (NORMAL, usual)
    assert synchronous(history) == usual != NORMAL


def test_what_was_written_is_in_the_one_file_when_the_run_is_over(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with history_at_hand(tmp_path):
        engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("create table events (id integer)")
        assert path.with_name("runs.db-wal").exists()
    assert not path.with_name("runs.db-wal").exists()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from events").scalar_one() == 0
