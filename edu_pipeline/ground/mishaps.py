"""What is said of an error that is none of this program's: of disks, rights, damaged databases.

Pure; what is no error of a kind that a user can meet stays a traceback, for it is ours to mend.
"""

import errno
import sqlite3
from collections.abc import Iterator, Sequence

_FULL = "The disk is full. Make room on it, then run the same command again; nothing is lost."
_RIGHTS = (
    "may not be written or read: the disk is read-only, or this user has no right to. Give the right, or "
    "use a home on another disk: edu-pipeline init DIR"
)
_HISTORY = (
    "Dagster's history in data/dagster cannot be used. Move that folder away and run again: only the history "
    "of runs is lost."
)
_Known = Sequence[tuple[Sequence[str], str]]
"""Words of an error → what is said."""
_SQLITE: _Known = (
    (("full", "disk i/o"), _FULL),
    (("readonly", "read-only", "unable to open"), f"A database of this home {_RIGHTS}"),
    (("malformed", "not a database"), _HISTORY),
)
_DUCKDB: _Known = (
    (("no space", "disk full"), _FULL),
    (("read-only", "permission denied"), f"data/warehouse.duckdb {_RIGHTS}"),
    (
        ("corrupt", "checksum", "not a valid duckdb", "deserializ", "could not read enough bytes"),
        "data/warehouse.duckdb is damaged. Delete it; it holds nothing that cannot be computed again from the "
        "exports. Then: edu-pipeline run",
    ),
)


def sentence(error: BaseException) -> str | None:
    """What is wrong and what to do; None for what nobody but us can mend."""
    for each in _chain(error):
        if type(each).__module__.partition(".")[0] == "edu_pipeline":
            return str(each)
        if told := _of_system(each) or _of_database(each):
            return told
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it came from."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _of_system(error: BaseException) -> str | None:
    if not isinstance(error, OSError):
        return None
    where = error.filename or "A file"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _FULL
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where} {_RIGHTS}"
    if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST):
        return f"{where} is in the way: a folder where a file belongs, or a file where a folder does. Move it."
    return f"{where}: {error.strerror}." if error.errno and error.strerror else None


def _of_database(error: BaseException) -> str | None:
    """Of SQLite (the ledger and Dagster's history) and of DuckDB, which need not be imported yet."""
    if isinstance(error, sqlite3.Error):
        known = _SQLITE
    elif type(error).__module__.partition(".")[0] in ("duckdb", "_duckdb"):
        known = _DUCKDB
    else:
        return None
    text = str(error).casefold()
    return next((told for words, told in known if any(word in text for word in words)), None)
