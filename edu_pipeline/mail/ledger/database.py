"""The ledger's database: opening it, bringing it up to date, one sender at a time.

SQLite or PostgreSQL behind a URL. What is in it, and by which rules it changes, is not known here.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from filelock import FileLock, Timeout

from edu_pipeline.mail.ledger.tables import IDENTITY, METADATA

HEAD = "0005"
"""The newest migration."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = sa.table("alembic_version", sa.column("version_num", sa.String))
_LOCK_WAIT_SECONDS = 60


class LedgerError(Exception):
    """The ledger refuses; the message says what to do."""


class SenderBusyError(LedgerError):
    """Another sender is at work on this ledger."""


class Database:
    """A ledger's database, up to date.

    A context manager: leaving it closes the connections.

    Raises:
        LedgerError: It cannot be reached, or a newer release wrote it.
    """

    def __init__(self, url: str) -> None:
        try:
            # errors must not carry names, addresses and letters into logs
            self._engine = sa.create_engine(url, hide_parameters=True)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError):
            raise LedgerError(
                "The ledger's URL cannot be used. Write one such as "
                "postgresql+psycopg://user@host/name, and install edu-pipeline[postgresql]; or "
                "leave [mail] ledger out to keep it in data/ledger.db."
            ) from None
        _quote_nothing(self._engine)
        self._file: Path | None = None
        if self._engine.dialect.name == "postgresql":
            _replace_nul(self._engine)
        if self._engine.dialect.name == "sqlite":
            _prepare_sqlite(self._engine)
            if self._engine.url.database:
                self._file = Path(self._engine.url.database)
                self._file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._reach()
            self._bring_up_to_date()
        except BaseException:
            self._engine.dispose()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction, durable when the block is left.

        SQLite's driver would begin it at the first change only, and commit changes of the schema
        one by one. Begun at once, what it reads cannot change under it.
        """
        with self._engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A connection to read with."""
        with self._engine.connect() as connection:
            yield connection

    def identity(self, name: str) -> str:
        """What makes this ledger itself: its `id`, the `salt` of opaque keys, the `token_key`."""
        with self.connect() as connection:
            value = connection.scalar(sa.select(IDENTITY.c.value).where(IDENTITY.c.name == name))
        assert isinstance(value, str)  # noqa: S101 - written when the ledger was made
        return value

    @contextmanager
    def only_sender(self) -> Iterator[None]:
        """Keep every other sender out until the block is left or the process dies.

        A lock of the kernel, or of the PostgreSQL session: nothing that runs out.

        Raises:
            SenderBusyError: Another sender is at work.
        """
        busy = SenderBusyError(
            "Another delivery is under way. Wait until it has ended; what is then still pending "
            "goes out with the next one."
        )
        if self._file is None:
            with self._session_lock("sender", busy):
                yield
            return
        file_lock = FileLock(self._file.with_suffix(".sender"), timeout=0)
        try:
            file_lock.acquire()
        except Timeout:
            raise busy from None
        try:
            yield
        finally:
            file_lock.release()

    @contextmanager
    def _session_lock(self, purpose: str, busy: LedgerError) -> Iterator[None]:
        """A lock that ends with its PostgreSQL session, also where the process is killed."""
        engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            # the server needs a moment to see that a killed process is gone
            connection.execute(sa.text("SET lock_timeout = '3s'"))
            key = int.from_bytes(
                hashlib.sha256(f"edu_pipeline ledger {purpose}".encode()).digest()[:8], signed=True
            )
            try:
                connection.execute(sa.select(sa.func.pg_advisory_lock(key)))
            except sa.exc.OperationalError:
                raise busy from None
            try:
                yield
            finally:
                connection.invalidate()

    def _reach(self) -> None:
        try:
            self._engine.connect().close()
        except sa.exc.OperationalError:
            raise LedgerError(
                "The ledger's database cannot be reached. Is the server running, is the URL in "
                "[mail] ledger or EDU_PIPELINE_LEDGER_URL right, may this user log in?"
                if self._file is None
                else f"The ledger {self._file} cannot be opened: is the disk full or read-only, and has this "
                "user the right to write there?"
            ) from None
        except sa.exc.DatabaseError:
            raise LedgerError(
                f"The ledger {self._file} is damaged, or no ledger. It says what went out and cannot be "
                "computed again: put back the newest copy from your backup before anything is sent."
            ) from None

    def _bring_up_to_date(self) -> None:
        version = self._version()
        if version == HEAD:
            return
        with self._only_migration():
            version = self._version()
            if version == HEAD:
                return
            tables = sa.inspect(self._engine).get_table_names()
            if version is None and "letters" not in tables:
                self._make()
            else:
                self._migrate(version)

    def _version(self) -> str | None:
        with self._engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.scalar(sa.select(_VERSION.c.version_num))

    @contextmanager
    def _only_migration(self) -> Iterator[None]:
        busy = LedgerError("The ledger is being brought up to date. Try again in a minute.")
        if self._file is None:
            with self._session_lock("migration", busy):
                yield
            return
        try:
            with FileLock(self._file.with_suffix(".migration"), timeout=_LOCK_WAIT_SECONDS):
                yield
        except Timeout:
            raise busy from None

    def _make(self) -> None:
        with self.begin() as connection:
            METADATA.create_all(connection)
            connection.execute(
                sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            )
            connection.execute(_VERSION.insert().values(version_num=HEAD))
            connection.execute(IDENTITY.insert(), new_identity())

    def _migrate(self, version: str | None) -> None:
        from alembic import command  # noqa: PLC0415 - slow to import, and rarely needed
        from alembic.config import Config  # noqa: PLC0415
        from alembic.script import ScriptDirectory  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if version is not None and version not in known:
            raise LedgerError(
                f"A newer edu-pipeline wrote the ledger (its version is {version}, this one knows "
                f"{HEAD}). Use that release, or a newer one."
            )
        if self._file is not None:
            _keep_copy(self._file, f".before-{HEAD}.db")
        with self.begin() as connection:
            config.attributes["connection"] = connection
            if version is None:  # the first release knew no migrations
                command.stamp(config, "0001")
            command.upgrade(config, HEAD)


def new_identity() -> list[dict[str, str]]:
    """Rows of `identity` for a new ledger."""
    return [
        {"name": "id", "value": secrets.token_hex(4)},
        {"name": "salt", "value": secrets.token_hex(16)},
        {"name": "token_key", "value": secrets.token_hex(32)},
    ]


def _keep_copy(file: Path, suffix: str) -> None:
    copy = file.with_suffix(f".{datetime.now(UTC):%Y%m%dT%H%M%S}{suffix}")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _quote_nothing(engine: sa.Engine) -> None:
    """PostgreSQL's errors quote rows, with names and addresses: only code and constraint are told."""

    @sa.event.listens_for(engine, "handle_error")
    def _shorten(context: sa.ExceptionContext) -> None:
        told = context.original_exception
        code = getattr(told, "sqlstate", None)
        if code is None:  # not by PostgreSQL's server
            return
        constraint = told.diag.constraint_name  # type: ignore[attr-defined]
        text = f"SQLSTATE {code}" + (f", constraint {constraint}" if constraint else "")
        told.args = (text,)
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.args = (f"({type(told).__name__}) {text}",)


def _replace_nul(engine: sa.Engine) -> None:
    """PostgreSQL's texts cannot hold NUL, and one must not keep a whole batch from being queued."""

    def clean(row: Any) -> Any:  # noqa: ANN401 - parameters of a statement, by name
        return {
            name: value.replace("\x00", "\ufffd") if isinstance(value, str) else value
            for name, value in row.items()
        }

    @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
    def _clean(
        _connection: object,
        _cursor: object,
        statement: str,
        parameters: Any,  # noqa: ANN401 - of one row or of many
        _context: object,
        _many: bool,
    ) -> tuple[str, Any]:
        if isinstance(parameters, Mapping):
            return statement, clean(parameters)
        return statement, [clean(row) for row in parameters]


def _lower(text: str | None) -> str | None:
    return text and text.lower()


def _prepare_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
        # as Python and PostgreSQL write small letters, not only those of ASCII
        connection.create_function("lower", 1, _lower, deterministic=True)
        for pragma in (
            "busy_timeout = 30000",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")
