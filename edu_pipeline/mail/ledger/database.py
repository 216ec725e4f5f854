"""The ledger's database: opening it, bringing it up to date, one sender at a time.

SQLite or PostgreSQL behind a URL, with a journal beside it that remembers what a ledger must not
forget: opening compares the two, so that a ledger which is another one, or not the newest, is not
taken for it. What is in a ledger, and by which rules it changes, is not known here.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from filelock import FileLock, Timeout

from edu_pipeline.mail.ledger.journal import (
    DamagedJournalError,
    Head,
    Journal,
    Line,
    Point,
    noted,
)
from edu_pipeline.mail.ledger.memory import memory
from edu_pipeline.mail.ledger.tables import IDENTITY, METADATA

HEAD = "0008"
"""The newest migration."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = sa.table("alembic_version", sa.column("version_num", sa.String))
_LOCK_WAIT_SECONDS = 60
_CONNECT_SECONDS = 30
_STANDING = "journalled"
_TURN = "sender"
"""Names the sender whose turn it is: one that lost its lock finds another's."""
_RESTORE = (
    "To put back the newest backup: edu-pipeline mail restore FILE; without one, what the journal "
    "remembers: edu-pipeline mail restore."
)
_OWN = "Each home has a journal of its own: look whether this one is."
_OLDER = (
    "{} is older than its journal {} remembers ({} entries are missing), as after a backup was "
    "restored, or where a copy of it is used elsewhere. Nothing was done. To take over what the "
    "journal remembers, without sending anything: edu-pipeline mail restore"
)


_APART = (
    "{} and its journal {} have gone apart, as where a copy of the ledger was used elsewhere and put "
    "back: each has what the other lacks. Nothing was done. To take over what the journal remembers, "
    "without sending anything: edu-pipeline mail restore"
)
_GONE = (
    "The journal {} of {} is gone. Without it nobody can tell whether this is the newest ledger. Put the "
    "journal back; where [mail] journal names another place than before, move the file there; or, where it "
    "is lost: edu-pipeline mail restore"
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
        self._turn: str | None = None
        try:
            of = sa.make_url(url)
            if of.get_backend_name() == "postgresql":
                of = of.update_query_dict({"connect_timeout": str(_CONNECT_SECONDS), **of.query})
            # errors must not carry names, addresses and letters into logs
            self._engine = sa.create_engine(of, hide_parameters=True)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError):
            raise LedgerError(
                "The ledger's URL cannot be used. Write one such as "
                "postgresql+psycopg://user@host/name, and install edu-pipeline[postgresql]; or "
                "leave [mail] ledger out to keep it in data/ledger.db."
            ) from None
        _quote_nothing(self._engine)
        self.file: Path | None = None
        if self._engine.dialect.name == "postgresql":
            _replace_nul(self._engine)
            _tell_lost_connections(self._engine)
        if self._engine.dialect.name == "sqlite":
            _prepare_sqlite(self._engine)
            if self._engine.url.database:
                self.file = Path(self._engine.url.database)
                _tell_trouble(self._engine, self.file)
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self._migrating = FileLock(
                    self.file.with_suffix(".migration"), timeout=_LOCK_WAIT_SECONDS
                )
                journal = journal or self.file.with_suffix(".journal")
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
                    at, lines = self._counted(connection, self.journal, lines)
            if lines and self.journal:
                self.journal.append(at, lines)

    @contextmanager
    def _journalling(self) -> Iterator[None]:
        assert self.journal  # noqa: S101 - asked before
        path = self.journal.path
        try:
            with self.journal.locked():
                yield
        except DamagedJournalError:
            raise LedgerError(
                f"The ledger's journal {path} is damaged at its beginning, or empty: it does not say of "
                "which ledger it is. Nothing was done. Put back a copy of it; or go on with what can be "
                "read of it and what the ledger knows: edu-pipeline mail restore"
            ) from None
        except NotADirectoryError:
            raise LedgerError(
                f"The folder {path.parent} of the ledger's journal is not there. Is its disk or share "
                "mounted, and is [mail] journal right? Nothing was done."
            ) from None
        except OSError as error:
            raise LedgerError(
                f"The ledger's journal {path} cannot be read or written "
                f"({error.strerror or type(error).__name__}): look at the disk and its rights. "
                "What was under way is in doubt until it can."
            ) from None

    def _counted(
        self, connection: sa.Connection, journal: Journal, lines: list[Line]
    ) -> tuple[Point, list[Line]]:
        """Count lines in the transaction that they tell of; all are written where some are missing."""
        standing = standing_of(connection)
        if journal.head() is None:
            raise OtherLedgerError(_GONE.format(journal.path, self._named))
        last = journal.last()
        if last != standing.at:
            self._refuse_other(standing, last, journal)
            lines = [*memory(connection)]
        at = standing.at.after(len(lines))
        set_standing(connection, Standing(at, last))
        return at, lines

    def _meet_journal(self) -> None:
        """Compare the ledger with its journal, and write down what that lacks.

        Raises:
            OtherLedgerError: The journal remembers more, or another ledger.
        """
        journal = self.journal
        if journal is None:
            return
        with self._journalling():
            own = Head(*(self.identity(name) for name in ("id", "salt", "token_key")))
            head = self._head(journal, own)
            with self._engine.connect() as connection:
                standing = standing_of(connection)
            last = journal.last() if head else Point()
            if head == own:
                if last == standing.at or (self._adopts and standing.misses(last)):
                    return
                self._refuse_other(standing, last, journal)
            if head is None and standing.at.n and not self._adopts:
                raise OtherLedgerError(_GONE.format(journal.path, self._named))
            if head is not None and head.id != own.id and journal.forbids_a_new_ledger():
                raise OtherLedgerError(
                    f"{self._named} is another ledger than the one that the journal "
                    f"{journal.path} remembers, which has sent letters or knows opt-outs. "
                    f"Nothing was done. {_OWN} {_RESTORE}"
                )
            with self._engine.begin() as connection:
                lines = [*memory(connection)]
                at = standing.at.after(len(lines))
                set_standing(connection, Standing(at, last))
            journal.begin(own, at, lines)

    def _refuse_other(self, standing: "Standing", last: Point, journal: Journal) -> None:
        if not standing.misses(last):
            return
        missing = last.n - standing.at.n
        raise OtherLedgerError(
            _OLDER.format(self._named, journal.path, missing)
            if missing > 0
            else _APART.format(self._named, journal.path)
        )

    def _head(self, journal: Journal, own: Head) -> Head | None:
        """Of which ledger the journal is; one that does not say so is this one's where that is asked."""
        try:
            return journal.head()
        except DamagedJournalError:
            if not self._adopts:
                raise
        journal.begin(own, journal.last(), journal.lines())
        return own

    @property
    def _named(self) -> str:
        return f"The ledger {self.file}" if self.file else "The ledger in the database"

    def _is_empty_file(self) -> bool:
        file = self.file
        return file is not None and not (file.is_file() and file.stat().st_size)

    def _refuse_empty_file(self) -> None:
        if self.file and self.file.exists() and self._is_empty_file() and not self._adopts:
            raise OtherLedgerError(
                f"The ledger {self.file} is empty (0 bytes), and an empty file is no new ledger: "
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
            value = identity_in(connection, name)
        assert isinstance(value, str)  # noqa: S101 - written when the ledger was made
        return value

    @contextmanager
    def only_sender(self) -> Iterator[None]:
        """Keep every other sender out until the block is left or the process dies.

        A lock of the kernel, or of the PostgreSQL session: nothing that runs out. A session may be
        cut while its sender knows nothing of it, so there each has its turn, too: see `check_turn`.

        Raises:
            SenderBusyError: Another sender is at work.
        """
        if self.file:
            with sender_lock(self.file):
                yield
            return
        with self._session_lock("sender", _BUSY):
            self._turn = secrets.token_hex(8)
            with self.begin() as connection:
                set_identity(connection, _TURN, self._turn)
            try:
                yield
            finally:
                own = (IDENTITY.c.name == _TURN) & (IDENTITY.c.value == self._turn)
                self._turn = None
                with suppress(LedgerError), self.begin() as connection:
                    connection.execute(IDENTITY.delete().where(own))

    def check_turn(self, connection: sa.Connection) -> None:
        """Let nothing be claimed in this transaction once another sender has begun.

        Raises:
            SenderBusyError: One has: this sender's lock was lost.
        """
        if self._turn and self._turn != identity_in(connection, _TURN, lock=True):
            raise SenderBusyError(
                "Another delivery has begun, because the connection was cut that kept it out. This "
                "one has ended; what it had under way is in doubt, and the other goes on."
            )

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
        if self.file is None:
            with self._session_lock("migration", busy):
                yield
            return
        try:
            self._migrating.acquire()
        except Timeout:
            raise busy from None
        except OSError as error:
            raise _no_lock(self.file, error) from None
        try:
            yield
        finally:
            self._migrating.release()

    def _make(self) -> None:
        identity = new_identity()
        head = None
        if self.journal:
            with self._journalling():
                head = self.journal.head()
        if self.journal and head:
            if self._adopts:
                values = {"id": head.id, "salt": head.salt, "token_key": head.token_key}
                identity = [{"name": name, "value": value} for name, value in values.items()]
            elif self.journal.forbids_a_new_ledger():
                raise OtherLedgerError(
                    f"{self._named} is gone or empty, but the journal {self.journal.path} says that "
                    "letters went out, or that people do not want any. A new one would send them "
                    f"again. {_OWN} {_RESTORE}"
                )
        with self.begin() as connection:
            METADATA.create_all(connection)
            connection.execute(
                sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            )
            connection.execute(_VERSION.insert().values(version_num=HEAD))
            connection.execute(IDENTITY.insert(), [*identity, {"name": _STANDING, "value": "0"}])

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
        if self.file is not None:
            _keep_copy(self.file, f".before-{HEAD}.db")
        with self.begin() as connection:
            config.attributes["connection"] = connection
            if version is None:  # the first release knew no migrations
                command.stamp(config, "0001")
            command.upgrade(config, HEAD)


@contextmanager
def sender_lock(ledger: Path) -> Iterator[None]:
    """Keep every sender of a ledger that is a file out until the block is left.

    Raises:
        SenderBusyError: One is at work.
        LedgerError: The lock cannot be had at all.
    """
    lock = FileLock(ledger.with_suffix(".sender"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise _BUSY from None
    except OSError as error:
        raise _no_lock(ledger, error) from None
    try:
        yield
    finally:
        lock.release()


def _no_lock(ledger: Path, error: OSError) -> LedgerError:
    return LedgerError(
        f"Nothing can be written beside the ledger {ledger} ({error.strerror}): look at the disk and "
        "its rights."
    )


_BUSY = SenderBusyError(
    "Another delivery is under way. Wait until it has ended; what is then still pending goes out with "
    "the next one."
)


def identity_in(connection: sa.Connection, name: str, *, lock: bool = False) -> str | None:
    """What a ledger's identity says of a name; with `lock`, nobody changes it before the commit."""
    query = sa.select(IDENTITY.c.value).where(IDENTITY.c.name == name)
    return connection.scalar(query.with_for_update() if lock else query)


def set_identity(connection: sa.Connection, name: str, value: str) -> None:
    """Set that."""
    if not connection.execute(
        IDENTITY.update().where(IDENTITY.c.name == name).values(value=value)
    ).rowcount:
        connection.execute(IDENTITY.insert().values(name=name, value=value))


@dataclass(frozen=True)
class Standing:
    """How far a ledger has come, and where its journal stood when it came there."""

    at: Point = field(default_factory=Point)
    journal: Point | None = None
    """None: not known, of a ledger that an earlier release wrote."""

    def misses(self, last: Point) -> bool:
        """Whether a journal that goes up to `last` may know what this ledger does not."""
        if last == self.at or (last.n <= self.at.n and self.journal is None):
            return False
        return last != self.journal  # else a writer died between its commit and the journal


def standing_of(connection: sa.Connection) -> Standing:
    """How far the ledger has come; nobody changes it before the commit."""
    n, mark, *before = (identity_in(connection, _STANDING, lock=True) or "0").split(":") + [""] * 3
    journal = Point(int(before[0]), before[1]) if before[0] else None
    return Standing(Point(int(n), mark), journal)


def set_standing(connection: sa.Connection, standing: Standing) -> None:
    """Set that."""
    at, journal = standing.at, standing.journal or Point()
    set_identity(connection, _STANDING, f"{at.n}:{at.mark}:{journal.n}:{journal.mark}")


def new_identity() -> list[dict[str, str]]:
    """Rows of `identity` for a new ledger."""
    return [
        {"name": "id", "value": secrets.token_hex(4)},
        {"name": "salt", "value": secrets.token_hex(16)},
        {"name": "token_key", "value": secrets.token_hex(32)},
    ]


def _keep_copy(file: Path, suffix: str) -> None:
    copy = file.with_suffix(f".{datetime.now(UTC):%Y%m%dT%H%M%S}{suffix}")
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        copy.unlink(missing_ok=True)
        raise LedgerError(_trouble(file, error) or f"{file} cannot be copied.") from None


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


def _tell_lost_connections(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "handle_error")
    def _tell(context: sa.ExceptionContext) -> None:
        if context.is_disconnect:
            raise LedgerError(
                "The connection to the ledger's database was cut. What was under way is in doubt; the "
                "next delivery goes on."
            )


def _tell_trouble(engine: sa.Engine, file: Path) -> None:
    """What only a person can mend of SQLite's errors is a sentence."""

    @sa.event.listens_for(engine, "handle_error")
    def _tell(context: sa.ExceptionContext) -> None:
        if told := _trouble(file, context.original_exception):
            raise LedgerError(told)


def _trouble(file: Path, error: BaseException) -> str | None:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:  # the kind; more bits say more
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return (
                f"The ledger {file} cannot be written: the disk is full, or has a fault. Nothing of this "
                "step was noted. Make room, then go on."
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return (
                f"The ledger {file} cannot be opened: is the disk full or read-only, and has this "
                "user the right to write there?"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return (
                f"The ledger {file} is damaged, or no ledger. It says what went out and cannot be "
                "computed again: put back the newest copy from your backup before anything is sent: "
                "edu-pipeline mail restore FILE; without one, move the file away and take over what the "
                "journal remembers: edu-pipeline mail restore"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return (
                f"The ledger {file} is in use by another program that does not let go of it. Try again "
                "in a minute."
            )
        case _:
            return None


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
