from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite import sqlite_event_log

from edu_pipeline.wiring.history import history_at_hand

NORMAL = 1


def synchronous(path: Path) -> int:
    engine = vars(sqlite_event_log)["create_engine"](f"sqlite:///{path}", poolclass=sa.NullPool)
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


def test_what_dagster_notes_stays_open_between_events_and_is_in_one_file_when_the_run_is_over(
    tmp_path: Path,
) -> None:
    @dg.asset
    def one() -> None:
        open_then.extend(path.stem for path in tmp_path.rglob("*.db-wal"))

    open_then: list[str] = []
    with (
        history_at_hand(tmp_path),
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
    ):
        run = dg.materialize([one], instance=instance)

    assert {"index", "runs", run.run_id} <= set(open_then)
    assert not list(tmp_path.rglob("*.db-wal"))
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert instance.get_latest_materialization_event(dg.AssetKey("one")) is not None
