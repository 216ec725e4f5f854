"""What a user can meet is told in a sentence; what only we can mend stays a traceback."""

import errno
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from edu_pipeline.commands.console import UserError
from edu_pipeline.ground.mishaps import sentence
from edu_pipeline.ground.warehouse import (
    NoRoomError,
    WarehouseBrokenError,
    open_warehouse,
    require_room,
    room_needed,
)
from edu_pipeline.mail.ledger.database import LedgerError
from edu_pipeline.mail.ledger.store import Ledger


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UserError("Say which week."), "Say which week."),
        (OSError(errno.ENOSPC, "No space left on device", "data/x"), "The disk is full."),
        (OSError(errno.EROFS, "Read-only file system", "data/x"), "data/x may not be written"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "pipeline.toml"), "is in the way"),
        (sqlite3.OperationalError("disk I/O error"), "The disk is full."),
        (sqlite3.DatabaseError("file is not a database"), "Dagster's history"),
        (duckdb.IOException("Corrupt database file: checksum"), "data/warehouse.duckdb is damaged"),
        (duckdb.IOException("Could not read enough bytes"), "data/warehouse.duckdb is damaged"),
    ],
)
def test_a_mishap_has_a_sentence(error: Exception, told: str) -> None:
    assert told in str(sentence(error))


def test_a_mishap_is_known_also_where_another_error_came_of_it() -> None:
    outer = RuntimeError("the step failed")
    outer.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert "The disk is full." in str(sentence(outer))


def test_a_fault_of_ours_has_none() -> None:
    assert sentence(KeyError("weeks")) is None


def cut(path: Path) -> None:
    with open_warehouse(path) as con:
        con.execute("create table week as select range from range(100_000)")
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.write_bytes(b"junk" * 20), Path.mkdir, cut],
    ids=["junk", "folder", "cut"],
)
def test_a_warehouse_that_cannot_be_read_may_be_deleted(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(tmp_path / "warehouse.duckdb")
    with (
        pytest.raises(WarehouseBrokenError, match="Delete it; it holds nothing that cannot"),
        open_warehouse(tmp_path / "warehouse.duckdb"),
    ):
        pass


def test_a_damaged_ledger_must_come_back_from_a_backup(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"junk" * 200)
    with pytest.raises(LedgerError, match="put back the newest copy from your backup"):
        Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


def test_a_run_needs_room_for_its_tables_beside_those_that_there_are(tmp_path: Path) -> None:
    million = 1_000_000
    assert room_needed(0, 30 * million) == 190 * million  # the first time
    assert room_needed(300 * million, 30 * million) == 400 * million
    warehouse, free = tmp_path / "warehouse.duckdb", shutil.disk_usage(tmp_path).free
    require_room(warehouse, tmp_path)
    with warehouse.open("wb") as sparse:
        sparse.truncate(free)
    with pytest.raises(NoRoomError, match=r"MB are free, and a run may take [\d,]+ MB"):
        require_room(warehouse, tmp_path)
