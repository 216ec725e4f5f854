"""Histories of Dagster for runs of which nobody asks afterwards what they did."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
from dagster._core.event_api import EventRecordsResult
from dagster._core.instance.types import InstanceType
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.event_log import InMemoryEventLogStorage
from dagster._core.storage.event_log import in_memory as events
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.root import TemporaryLocalArtifactStorage
from dagster._core.storage.runs import InMemoryRunStorage
from dagster._core.storage.runs import in_memory as runs

for each in (
    events,
    runs,
):  # that they are of its newest version, which nobody asks of what is in memory
    vars(each)["stamp_alembic_rev"] = lambda *_: None


class NoEvents(InMemoryEventLogStorage):
    """Keeps no event: to write them down and to look for earlier ones took half of a small run.

    The result of a run has its events all the same.
    """

    def store_event(self, event: object) -> None:
        """Not kept."""

    def get_asset_records(self, asset_keys: object = None) -> Sequence[Any]:  # noqa: ARG002
        """None: no table was ever made before."""
        return []

    def fetch_observations(
        self, records_filter: object, limit: int, cursor: str | None = None, ascending: bool = False
    ) -> EventRecordsResult:
        """None, either."""
        del records_filter, limit, cursor, ascending
        return EventRecordsResult([], "", has_more=False)


def unkept() -> dg.DagsterInstance:
    """A history of one run; to ask what earlier runs did, take `DagsterInstance.ephemeral()`."""
    return dg.DagsterInstance(
        instance_type=InstanceType.EPHEMERAL,
        local_artifact_storage=TemporaryLocalArtifactStorage(),  # type: ignore[no-untyped-call]
        run_storage=InMemoryRunStorage(),
        event_storage=NoEvents(),
        compute_log_manager=NoOpComputeLogManager(),
        run_coordinator=DefaultRunCoordinator(),
        run_launcher=SyncInMemoryRunLauncher(),
    )
