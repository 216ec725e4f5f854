"""The warehouse as a run of Dagster holds it, and its tables as Dagster's catalogue shows them."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from filelock import FileLock, Timeout
from pydantic import PrivateAttr

from edu_pipeline.ground.warehouse import (
    Connection,
    WarehouseBusyError,
    forget_holder,
    holder,
    home_lock,
    limit_memory,
    note_holder,
    open_warehouse,
    require_room,
)
from edu_pipeline.model.catalogue import SCHEMAS
from edu_pipeline.model.columns import descriptions, dtypes


def declared_columns(name: str) -> Mapping[str, dg.MetadataValue[Any]]:
    """The columns that a table's schema declares, for Dagster's catalogue; nothing without one."""
    schema = SCHEMAS.get(name)
    return {} if schema is None else _columns(dtypes(schema).items(), descriptions(schema))


def table_metadata(con: Connection, name: str) -> Mapping[str, dg.MetadataValue[Any]]:
    """Row count of a table, and the columns of one that has no schema, as Dagster shows them."""
    rows = con.execute(f'select count(*) from "{name}"').fetchall()[0][0]
    found: dict[str, dg.MetadataValue[Any]] = {"dagster/row_count": dg.MetadataValue.int(rows)}
    if name not in SCHEMAS:
        relation = con.table(name)
        found |= _columns(zip(relation.columns, relation.types, strict=True), {})
    return found


def _columns(
    kinds: Iterable[tuple[str, object]], meaning: Mapping[str, str]
) -> dict[str, dg.MetadataValue[Any]]:
    columns = [
        dg.TableColumn(column, str(kind), description=meaning.get(column)) for column, kind in kinds
    ]
    return {"dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns))}


class Warehouse(dg.ConfigurableResource[Any]):
    """The warehouse for the length of a run, which holds the home's lock."""

    path: str
    lock_path: str
    exports: str
    """The folder of this machine that they are read from."""
    _lock: FileLock | None = PrivateAttr(default=None)
    _opened: ExitStack = PrivateAttr(default_factory=ExitStack)
    _con: Connection | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Wait for a run that is writing; say so."""
        lock = Path(self.lock_path)
        self._lock = home_lock(lock)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            if context.log:
                context.log.info("%s holds this home. Waiting for it to end.", holder(lock))
            try:
                self._lock.acquire()
            except Timeout as error:
                raise WarehouseBusyError(
                    "Another run has been writing to this home for an hour. Look at it in the UI, "
                    "stop it if it hangs, and run again."
                ) from error
        run = context.run
        note_holder(self._lock, lock, f"The run “{run.job_name}”" if run else "A run")

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Let the next run in."""
        del context
        self._con = None
        self._opened.close()
        if self._lock is not None:
            forget_holder(self._lock, Path(self.lock_path))
            self._lock = None

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection for one operation.

        A run opens the file once: opening it takes longer than most operations.

        Raises:
            NoRoomError: There is too little room on the disk for a run.
        """
        if self._lock is None:
            with open_warehouse(Path(self.path)) as con:
                yield con
            return
        if self._con is None:
            require_room(Path(self.path), Path(self.exports))
            self._con = self._opened.enter_context(open_warehouse(Path(self.path)))
        with self._con.cursor() as con:
            limit_memory(con, Path(self.path))
            yield con
