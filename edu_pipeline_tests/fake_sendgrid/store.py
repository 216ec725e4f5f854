"""The fake's own durable ledger: what it accepted, in SQLite, committed before it answers."""

import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

LISTS = ("bounces", "blocks", "spam_reports", "invalid_emails", "unsubscribes")

_TABLES = """
create table if not exists mails (
    n integer primary key autoincrement,
    message_id text not null,
    sg_message_id text not null unique,
    at real not null,
    email text not null,
    status text not null,
    drop_reason text,
    payload text not null
);
create table if not exists suppressions (
    list text not null, email text not null, created integer not null, reason text not null,
    unique (list, email)
);
create table if not exists erasures (job_id text not null, email text not null);
create table if not exists requests (
    n integer primary key autoincrement,
    method text not null, path text not null, fault text, status integer, has_key integer not null
);
create table if not exists signing_key (pem blob not null);
"""


@dataclass(frozen=True)
class Accepted:
    """One mail to one recipient that the fake took."""

    message_id: str
    """The X-Message-Id."""
    sg_message_id: str
    """As events and logs have it: begins with the X-Message-Id and a dot."""
    at: float
    email: str
    status: str
    """As the logs show it."""
    drop_reason: str | None
    """Why it will be dropped instead of delivered."""
    payload: Mapping[str, Any]

    @property
    def custom_args(self) -> Mapping[str, str]:
        arguments: Mapping[str, str] = self.payload.get("custom_args", {})
        return arguments

    @property
    def categories(self) -> Sequence[str]:
        categories: Sequence[str] = self.payload.get("categories", [])
        return categories

    @property
    def letter(self) -> str | None:
        """The letter's key, as this project writes it."""
        return self.custom_args.get("edu_letter")

    @property
    def html(self) -> str:
        [value] = [p["value"] for p in self.payload["content"] if p["type"] == "text/html"]
        assert isinstance(value, str)
        return value


@dataclass(frozen=True)
class Request:
    """One request that reached the fake."""

    method: str
    path: str
    fault: str | None
    status: int | None
    """None where it was not answered."""
    has_key: bool
    """Whether it carried an Authorization header."""


class Store:
    """The SQLite file. The server writes, tests may read it at the same time."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = normal")
        self._connection.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def reset(self) -> None:
        for table in ("mails", "suppressions", "erasures", "requests"):
            self._connection.execute(f"delete from {table}")  # noqa: S608 - names are above

    def accept(self, payload: Mapping[str, Any], emails: Sequence[str], now: float) -> str:
        """Keep a mail, a row per recipient, and give its X-Message-Id."""
        message_id = uuid.uuid4().hex[:22]
        self._connection.execute("begin immediate")
        for number, email in enumerate(emails):
            self._connection.execute(
                "insert into mails (message_id, sg_message_id, at, email, status, drop_reason, "
                "payload) values (?, ?, ?, ?, ?, ?, ?)",
                (
                    message_id,
                    f"{message_id}.recvd-85abf8d92c-3qfgp-1-7890E356-43C.{number}",
                    now,
                    email,
                    "processed",
                    self._drop_reason(email),
                    json.dumps(payload),
                ),
            )
        self._connection.execute("commit")
        return message_id

    def _drop_reason(self, email: str) -> str | None:
        reasons = {
            "bounces": "Bounced Address",
            "spam_reports": "Spam Reporting Address",
            "invalid_emails": "Invalid",
            "unsubscribes": "Unsubscribed Address",
        }
        for name, reason in reasons.items():
            if any(row["email"].lower() == email.lower() for row in self.suppressed(name)):
                return reason
        return None

    def accepted(self) -> list[Accepted]:
        rows = self._connection.execute(
            "select message_id, sg_message_id, at, email, status, drop_reason, payload from mails "
            "order by n"
        )
        return [Accepted(**dict(row) | {"payload": json.loads(row["payload"])}) for row in rows]

    def set_status(self, sg_message_id: str, status: str) -> None:
        self._connection.execute(
            "update mails set status = ? where sg_message_id = ?", (status, sg_message_id)
        )

    def suppress(self, name: str, email: str, reason: str = "", at: float | None = None) -> None:
        assert name in LISTS
        self._connection.execute(
            "insert or ignore into suppressions values (?, ?, ?, ?)",
            (name, email, int(at or time.time()), reason),
        )

    def suppressed(self, name: str) -> list[dict[str, Any]]:
        rows = self._connection.execute(
            "select email, created, reason from suppressions where list = ? order by rowid", (name,)
        )
        return [dict(row) for row in rows]

    def erase(self, emails: Iterable[str]) -> str:
        job = str(uuid.uuid4())
        self._connection.executemany(
            "insert into erasures values (?, ?)", [(job, email) for email in emails]
        )
        return job

    def erased(self) -> list[str]:
        return [row[0] for row in self._connection.execute("select email from erasures")]

    def note(self, request: Request) -> None:
        self._connection.execute(
            "insert into requests (method, path, fault, status, has_key) values (?, ?, ?, ?, ?)",
            (request.method, request.path, request.fault, request.status, request.has_key),
        )

    def requests(self) -> list[Request]:
        rows = self._connection.execute(
            "select method, path, fault, status, has_key from requests order by n"
        )
        return [Request(**dict(row) | {"has_key": bool(row["has_key"])}) for row in rows]

    def signing_key(self) -> bytes | None:
        row = self._connection.execute("select pem from signing_key").fetchone()
        return bytes(row[0]) if row else None

    def keep_signing_key(self, pem: bytes) -> None:
        self._connection.execute("insert into signing_key values (?)", (pem,))
