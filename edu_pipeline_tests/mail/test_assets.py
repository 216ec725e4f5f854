from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from edu_pipeline.mail.assets import gate_releases, mailed_before, open_ledger, said_before
from edu_pipeline.mail.due import Period
from edu_pipeline.mail.ledger import Release
from edu_pipeline.mail.ledger_tables import State
from edu_pipeline.mail.letter import Figure
from edu_pipeline.settings import Home
from edu_pipeline.warehouse import Warehouse, open_warehouse, read_table
from edu_pipeline_tests.mail.conftest import LetterMaker

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
WEEKS = dg.WeeklyPartitionsDefinition(start_date="2026-08-31", day_offset=1)
SAID_BEFORE = said_before(WEEKS, "teachers")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def table(home: Home, asset: dg.AssetsDefinition, week: str | None = None) -> pl.DataFrame:
    """An asset's table in the warehouse after it was made."""
    warehouse = Warehouse(path=str(home.warehouse), lock_path=str(home.lock))
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            [asset],
            instance=instance,
            partition_key=week,
            resources={"io_manager": warehouse, "home": home},
        )
    with open_warehouse(home.warehouse) as con:
        return read_table(con, asset.key.path[-1])


def test_a_week_reads_what_the_week_before_said_also_where_that_is_nothing(
    home: Home, make_letter: LetterMaker
) -> None:
    monday = date(2026, 9, 28)
    empty = table(home, SAID_BEFORE, "2026-09-28")
    with open_ledger(home) as ledger:
        ledger.record_periods(
            "teachers",
            [Period("teachers", "2026-W40", str(monday), monday, complete=True, held=None)],
        )
        ledger.queue(
            [make_letter(figures=(Figure("HR-7B/attendance_rate", "7B attendance", 93, 100),))],
            now=NOW,
            by="test",
        )
        ledger.claim("teachers:2026-W40:t_1", owner="me", transport="folder", now=NOW)
        ledger.record("teachers:2026-W40:t_1", State.sent, now=NOW)
    said = table(home, SAID_BEFORE, "2026-10-05")

    assert said.rows() == [
        (date(2026, 10, 5), "2026-W40", "t_1", "HR-7B/attendance_rate", 93.0, 100.0)
    ]
    assert empty.is_empty()
    assert empty.schema == said.schema


def test_it_is_known_whether_letters_ever_went_out(home: Home, make_letter: LetterMaker) -> None:
    with open_ledger(home) as ledger:
        ledger.queue([make_letter()], now=NOW, by="test")
        assert table(home, mailed_before).rows() == [(False,)]
        ledger.claim("teachers:2026-W40:t_1", owner="me", transport="folder", now=NOW)
        ledger.record("teachers:2026-W40:t_1", State.sent, now=NOW)
    assert table(home, mailed_before).rows() == [(True,)]


def test_the_gate_reads_what_was_released(home: Home) -> None:
    empty = table(home, gate_releases)
    with open_ledger(home) as ledger:
        ledger.release(Release("3f9a0c51d2", "The class left.", "carla", NOW))
    released = table(home, gate_releases)

    assert released.select("id", "reason", "by").rows() == [
        ("3f9a0c51d2", "The class left.", "carla")
    ]
    assert released["at"].to_list() == [NOW]
    assert empty.is_empty()
    assert empty.columns == released.columns
