"""The ledger's database: opening it, bringing it up to date, one sender at a time.

SQLite or PostgreSQL behind a URL, with a journal beside it that remembers what a ledger must not
forget: opening compares the two, so that a ledger which is another one, or not the newest, is not
taken for it. What is in a ledger, and by which rules it changes, is not known here.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from filelock import FileLock, Timeout

from edu_pipeline.mail.ledger.journal import Head, Journal, Line, noted
from edu_pipeline.mail.ledger.memory import memory
from edu_pipeline.mail.ledger.tables import IDENTITY, METADATA

HEAD = "0008"
"""The newest migration."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = sa.table("alembic_version", sa.column("version_num", sa.String))
_LOCK_WAIT_SECONDS = 60
_COUNT = "journalled"
_RESTORE = (
    "To put back the newest backup: edu-pipeline mail restore FILE; without one, what the journal "
    "remembers: edu-pipeline mail restore."
)
_OLDER = (
    "{} is older than its journal {} remembers ({} entries are missing), as after a backup was "
    "restored, or where a copy of it is used elsewhere. Nothing was done. To take over what the "
    "journal remembers, without sending anything: edu-pipeline mail restore"
)


class LedgerError(Exception):
    """The ledger refuses; the message says what to do."""


class SenderBusyError(LedgerError):
    """Another sender is at work on this ledger."""


class OtherLedgerError(LedgerError):
    """The ledger is not the one that the journal remembers, or an older copy of it."""


class Database:
    """A ledger's database, up to date.

    A context manager: leaving it closes the connections.

    Args:
        url: Of SQLAlchemy.
        journal: Its journal; a SQLite ledger has one beside it where none is named, one on
            PostgreSQL then has none.
        adopt: Open it although the journal remembers more, to take that over; a ledger that is
            gone is made anew as the one that it was. Only for `adoption`.

    Raises:
        OtherLedgerError: The journal remembers more, or another ledger.
        LedgerError: It cannot be reached, or a newer release wrote it.
    """

    def __init__(self, url: str, journal: Path | None = None, *, adopt: bool = False) -> None:
        self._adopts = adopt
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
                self._migrating = FileLock(
                    self._file.with_suffix(".migration"), timeout=_LOCK_WAIT_SECONDS
                )
                journal = journal or self._file.with_suffix(".journal")
        self.journal = Journal(journal) if journal else None
        try:
            # who makes a file leaves it empty for a moment
            with self._only_migration() if self._is_empty_file() else nullcontext():
                self._refuse_empty_file()
                self._reach()
                self._bring_up_to_date()
            self._meet_journal()
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
        one by one. Begun at once, what it reads cannot change under it. What is to be remembered
        is in the journal when the block is left: after the ledger has it, before anybody acts on it.

        Raises:
            OtherLedgerError: Another copy of this ledger wrote the journal since; nothing changed.
        """
        with ExitStack() as until_written:
            with self._engine.begin() as connection:
                noted(connection)  # of a transaction that broke off
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                lines = noted(connection)
                if lines and self.journal:
                    until_written.enter_context(self._journalling())
                    lines = self._counted(connection, self.journal, lines)
            if lines and self.journal:
                self.journal.append(lines)

    @contextmanager
    def _journalling(self) -> Iterator[None]:
        assert self.journal  # noqa: S101 - asked before
        try:
            with self.journal.locked():
                yield
        except OSError as error:
            raise LedgerError(
                f"The ledger's journal {self.journal.path} cannot be read or written "
                f"({error.strerror or type(error).__name__}): look at the disk and its rights. "
                "What was under way is in doubt until it can."
            ) from None

    def _counted(
        self, connection: sa.Connection, journal: Journal, lines: list[Line]
    ) -> list[Line]:
        """The lines with the numbers that the ledger has counted them by, in its transaction."""
        before, last = count_of(connection) or 0, journal.last() if journal.head() else 0
        if last > before:
            raise OtherLedgerError(_OLDER.format(self._named, journal.path, last - before))
        set_count(connection, before + len(lines))
        if last < before:  # a writer died between its commit and the journal
            return [{**line, "n": before + len(lines)} for line in memory(connection)]
        return [{**line, "n": before + at} for at, line in enumerate(lines, 1)]

    def _meet_journal(self) -> None:
        """Compare the ledger with its journal, and write down what that lacks.

        Raises:
            OtherLedgerError: The journal remembers more, or another ledger.
        """
        if self.journal is None:
            return
        with self._journalling():
            own = Head(*(self.identity(name) for name in ("id", "salt", "token_key")))
            head = self.journal.head()
            with self._engine.connect() as connection:
                count = count_of(connection)
            last = self.journal.last() if head else 0
            if head == own and last == count:
                return
            if head == own and last > (count or 0):
                if not self._adopts:
                    raise OtherLedgerError(
                        _OLDER.format(self._named, self.journal.path, last - (count or 0))
                    )
                return
            if head is None and count and not self._adopts:
                raise OtherLedgerError(
                    f"The journal {self.journal.path} of {self._named} is gone. Without it nobody "
                    "can tell whether this is the newest ledger. Put the journal back; or, where it "
                    "is lost: edu-pipeline mail restore"
                )
            if head is not None and head.id != own.id and self.journal.forbids_a_new_ledger():
                raise OtherLedgerError(
                    f"{self._named} is another ledger than the one that the journal "
                    f"{self.journal.path} remembers, which has sent letters or knows opt-outs. "
                    f"Nothing was done. {_RESTORE}"
                )
            if head != own:
                self.journal.begin(own)
            with self._engine.begin() as connection:
                lines = [*memory(connection)]
                # of a ledger that never counted: it has something to count from now on
                count = max(count or 0, bool(lines))
                set_count(connection, count)
            if lines:
                self.journal.append({**line, "n": count} for line in lines)

    @property
    def _named(self) -> str:
        return f"The ledger {self._file}" if self._file else "The ledger in the database"

    def _is_empty_file(self) -> bool:
        file = self._file
        return file is not None and not (file.is_file() and file.stat().st_size)

    def _refuse_empty_file(self) -> None:
        if self._file and self._file.exists() and self._is_empty_file() and not self._adopts:
            raise OtherLedgerError(
                f"The ledger {self._file} is empty (0 bytes), and an empty file is no new ledger: "
                f"it may have been cut off. {_RESTORE} Only where there never was one: delete the "
                "file."
            )

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
            with self._migrating:
                yield
        except Timeout:
            raise busy from None

    def _make(self) -> None:
        identity = new_identity()
        if self.journal and (head := self.journal.head()):
            if self._adopts:
                values = {"id": head.id, "salt": head.salt, "token_key": head.token_key}
                identity = [{"name": name, "value": value} for name, value in values.items()]
            elif self.journal.forbids_a_new_ledger():
                raise OtherLedgerError(
                    f"{self._named} is gone or empty, but the journal {self.journal.path} says that "
                    "letters went out, or that people do not want any. A new one would send them "
                    f"again. {_RESTORE}"
                )
        with self.begin() as connection:
            METADATA.create_all(connection)
            connection.execute(
                sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            )
            connection.execute(_VERSION.insert().values(version_num=HEAD))
            connection.execute(IDENTITY.insert(), [*identity, {"name": _COUNT, "value": "0"}])

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


def count_of(connection: sa.Connection) -> int | None:
    """How many lines the ledger has had written to its journal; None where it never had one."""
    value = connection.scalar(
        sa.select(IDENTITY.c.value).where(IDENTITY.c.name == _COUNT).with_for_update()
    )
    return None if value is None else int(value)


def set_count(connection: sa.Connection, count: int) -> None:
    """Set that number."""
    new = {"value": str(count)}
    if not connection.execute(
        IDENTITY.update().where(IDENTITY.c.name == _COUNT).values(new)
    ).rowcount:
        connection.execute(IDENTITY.insert().values(name=_COUNT, **new))


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
