"""HTTP by hand on asyncio: a framework would not let the fake reset, hang and cut."""

import asyncio
import json
import re
import socket
import struct
import sys
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Any

from edu_pipeline_tests.fake_sendgrid import validation
from edu_pipeline_tests.fake_sendgrid.faults import ACCEPTED, Fault, Faults
from edu_pipeline_tests.fake_sendgrid.store import LISTS, Accepted, Request, Store

LARGEST = 30_000_000
MOST_LOGS = 1000
MOST_SUPPRESSED = 500
MOST_ERASED = 5000

_CONDITION = re.compile(
    r"(?P<field>\w+) ?(?:"
    r"= ?'(?P<equal>[^']*)'"
    r"|IN ?\((?P<list>'[^']*'(?:, ?'[^']*')*)\)"
    r"|(?P<order>[<>]=?) ?TIMESTAMP \"(?P<moment>[^\"]*)\")"
)
_EQUAL = frozenset({"sg_message_id", "subject", "to_email", "reason"})


@dataclass(frozen=True)
class Call:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    content: object = None
    """Sent as JSON; bytes as HTML."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self, at: float) -> bytes:
        if self.content is None:
            body, kind = b"", "text/plain"
        elif isinstance(self.content, bytes):
            body, kind = self.content, "text/html"
        else:
            body, kind = json.dumps(self.content).encode(), "application/json"
        headers = {
            "Server": "nginx",
            "Date": formatdate(at, usegmt=True),
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


def refusal(status: int, message: str, where: str | None = None) -> Answer:
    """An error as SendGrid writes it."""
    return Answer(status, {"errors": [{"message": message, "field": where, "help": None}]})


class FakeServer:
    """The fake's state, and what it answers."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._settings(log_delay=0.0, clock=None, most_logs=MOST_LOGS)

    def _settings(self, *, log_delay: float, clock: str | None, most_logs: int) -> None:
        self.faults = Faults()
        self.log_delay = log_delay
        self.most_logs = most_logs
        moment = datetime.fromisoformat(clock).timestamp() if clock else time.time()
        self._ahead = moment - time.time()

    def now(self) -> float:
        return time.time() + self._ahead

    # The wire

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return False
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        url = urllib.parse.urlsplit(target)
        path = urllib.parse.unquote(url.path)
        if path.startswith("/_fake/"):
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            told = await self._admin(path, json.loads(body or b"{}"))
            writer.write(told.encoded(self.now()))
            await writer.drain()
            return True
        is_mail = (method, path) == ("POST", "/v3/mail/send")
        fault = self.faults.before_body() if is_mail else self.faults.for_read()
        body = b""
        if fault != "reset_before_body":
            body = await reader.readexactly(int(headers.get("content-length", 0)))
        call = Call(method, path, dict(urllib.parse.parse_qsl(url.query)), headers, body)
        if is_mail:
            fault = fault or self.faults.for_body(body.decode(errors="replace"))
            answer = self._mail(call, fault)
        else:
            answer = self._read(call) if fault is None else self._disturbed(fault, call)
        self._store.note(
            Request(
                method, path, fault, answer.status if answer else None, "authorization" in headers
            )
        )
        return await self._send(reader, writer, answer, fault)

    async def _send(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: Answer | None,
        fault: Fault | None,
    ) -> bool:
        if answer is not None:
            encoded = answer.encoded(self.now())
            writer.write(encoded[:-20] if fault == "cut_body" else encoded)
            await writer.drain()
            return fault != "cut_body"
        if fault in {"hang", "hang_before"}:
            await reader.read()  # until the client has had enough
        elif fault in {"reset_before_body", "reset_after_body"}:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        return False

    # POST /v3/mail/send

    def _mail(self, call: Call, fault: Fault | None) -> Answer | None:
        if fault is not None and fault not in ACCEPTED:
            return self._disturbed(fault, call)
        refused = self._unwelcome(call)
        if refused:
            return refused
        if len(call.body) >= LARGEST:
            return self._disturbed("too_large", call)
        payload = _json(call.body)
        problems = validation.problems(payload)
        if problems:
            errors = [{"message": text, "field": at, "help": None} for at, text in problems]
            return Answer(400, {"errors": errors})
        if validation.is_sandboxed(payload):
            return Answer(200)
        message_id = self._store.accept(payload, validation.recipients(payload), self.now())
        return self._accepted(message_id, fault)

    def _accepted(self, message_id: str, fault: Fault | None) -> Answer | None:
        match fault:
            case None:
                return Answer(202, headers={"X-Message-Id": message_id})
            case "no_message_id":
                return Answer(202)
            case "cut_body":
                return Answer(202, {"padding": "." * 40}, {"X-Message-Id": message_id})
            case "error_500_after":
                return refusal(500, "Internal Server Error")
            case "error_503_after":
                return Answer(503, b"<html>Service Temporarily Unavailable</html>")
            case _:
                return None

    def _disturbed(self, fault: Fault, call: Call) -> Answer | None:  # noqa: PLR0911 - one per case
        match fault:
            case "rate_limited":
                reset = int(self.now()) + self.faults.reset_after_seconds
                limits = {"Limit": "600", "Remaining": "0", "Reset": str(reset)}
                headers = {f"X-RateLimit-{name}": value for name, value in limits.items()}
                return Answer(429, {"errors": [{"message": "too many requests"}]}, headers)
            case "redirect":
                return Answer(302, headers={"Location": f"{self.faults.elsewhere}{call.path}"})
            case "portal":
                return Answer(200, b"<html>Welcome to the guest network. Log in.</html>")
            case "bad_request":
                quoted = f"Does not contain a valid address: {_first_recipient(call.body)}"
                return refusal(400, quoted, "personalizations.0.to.0.email")
            case "unauthorized":
                return refusal(401, "The provided authorization grant is invalid, expired, or …")
            case "forbidden":
                return refusal(403, "The from address does not match a verified Sender Identity.")
            case "not_found":
                return Answer(404, b"<html>404 Not Found</html>")
            case "too_large":
                return Answer(413, b"<html><h1>413 Request Entity Too Large</h1></html>")
            case "error_500_before":
                return refusal(500, "Internal Server Error")
            case _:
                return None

    def _unwelcome(self, call: Call) -> Answer | None:
        if call.headers.get("authorization") != f"Bearer {self._key}":
            return refusal(401, "The provided authorization grant is invalid, expired, or revoked")
        if "accept" not in call.headers:
            return refusal(406, "Missing Accept header")
        if call.method == "POST" and call.headers.get("content-type") != "application/json":
            return refusal(415, "Content-Type should be application/json.")
        return None

    # Reads

    def _read(self, call: Call) -> Answer:  # noqa: PLR0911 - one per case
        refused = self._unwelcome(call)
        if refused:
            return refused
        match (call.method, call.path.removeprefix("/v3/").split("/")):
            case ("POST", ["logs"]):
                return self._search(json.loads(call.body))
            case ("GET", ["logs", sg_message_id]):
                return self._details(sg_message_id)
            case ("GET", ["suppression", name]) if name in LISTS:
                return self._suppressed(name, call.query)
            case ("GET", ["asm", "suppressions", "global", email]):
                known = {row["email"] for row in self._store.suppressed("unsubscribes")}
                return Answer(200, {"recipient_email": email} if email in known else {})
            case ("POST", ["recipients", "erasejob"]):
                return self._erase(json.loads(call.body))
            case ("GET", ["user", "webhooks", "event", "settings", "signed", *_]):
                return Answer(200, {"public_key": self.public_key()})
            case _:
                return refusal(404, "not found")

    def _visible(self) -> list[Accepted]:
        latest = self.now() - self.log_delay
        return [mail for mail in self._store.accepted() if mail.at <= latest]

    def _search(self, request: Mapping[str, Any]) -> Answer:
        limit = request.get("limit", 10)
        if not isinstance(limit, int) or not 1 <= limit <= MOST_LOGS:
            return refusal(400, "limit must be between 1 and 1000", "limit")
        found = self._visible()
        for text in request.get("query", "").split(" AND "):
            condition = _CONDITION.fullmatch(text.strip())
            if text.strip() and not (condition and _is_allowed(condition)):
                return refusal(400, "invalid query", "query")
            if condition:
                found = [mail for mail in found if _meets(mail, condition)]
        found.sort(key=lambda mail: -mail.at)
        summaries = [_summary(mail) for mail in found[: min(limit, self.most_logs)]]
        return Answer(200, {"messages": summaries})

    def _details(self, sg_message_id: str) -> Answer:
        for mail in self._visible():
            if mail.sg_message_id == sg_message_id:
                summary = _summary(mail)
                del summary["sg_message_id_created_at"]
                args = {"custom_args": mail.custom_args, "category": mail.categories}
                more = {"api_key_id": "fake", "client_ip": "192.0.2.9", "events": []}
                return Answer(200, summary | args | more)
        return refusal(404, "message not found")

    def _suppressed(self, name: str, query: Mapping[str, str]) -> Answer:
        rows = self._store.suppressed(name)
        rows = [row for row in rows if row["created"] >= int(query.get("start_time", 0))]
        offset = int(query.get("offset", 0))
        limit = min(int(query.get("limit", MOST_SUPPRESSED)), MOST_SUPPRESSED)
        return Answer(200, rows[offset : offset + limit])

    def _erase(self, request: Mapping[str, Any]) -> Answer:
        emails = request.get("email_addresses")
        if not isinstance(emails, list) or not 1 <= len(emails) <= MOST_ERASED:
            return refusal(400, "between 1 and 5000 addresses", "email_addresses")
        for email in emails:
            if "@" not in email:
                return refusal(400, f"Email_address {email} is not valid", "email_addresses")
        return Answer(202, {"job_id": self._store.erase(emails)})

    # What the tests say to it: /_fake/…

    def public_key(self) -> str:
        from edu_pipeline_tests.fake_sendgrid import webhook  # noqa: PLC0415 - a quick start

        return webhook.public_key(self._store)

    async def _admin(self, path: str, request: Mapping[str, Any]) -> Answer:
        match path.removeprefix("/_fake/"):
            case "faults":
                self.faults = Faults(request)
            case "settings":
                self._settings(**request)
            case "reset":
                self._store.reset()
                self._settings(log_delay=0.0, clock=None, most_logs=MOST_LOGS)
            case "suppress":
                self._store.suppress(**request)
            case "events":
                from edu_pipeline_tests.fake_sendgrid.events import produce  # noqa: PLC0415

                loop = asyncio.get_running_loop()
                made = produce(self._store, request, str(int(self.now())))
                return Answer(200, await loop.run_in_executor(None, made.deliver))
            case _:
                return refusal(404, "no such thing")
        return Answer(200, {})


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _first_recipient(body: bytes) -> str:
    try:
        return str(json.loads(body)["personalizations"][0]["to"][0]["email"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""


def _created(mail: Accepted) -> str:
    return datetime.fromtimestamp(mail.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _summary(mail: Accepted) -> dict[str, Any]:
    return {
        "from_email": mail.payload["from"]["email"],
        "sg_message_id": mail.sg_message_id,
        "subject": mail.payload["subject"],
        "to_email": mail.email,
        "status": mail.status,
        "sg_message_id_created_at": _created(mail),
    }


def _is_allowed(condition: re.Match[str]) -> bool:
    name = condition["field"]
    if condition["equal"] is not None:
        return name in _EQUAL
    if condition["list"] is not None:
        return name in {"categories", "status"}
    return name == "sg_message_id_created_at"


def _meets(mail: Accepted, condition: re.Match[str]) -> bool:
    values = {
        "sg_message_id": mail.sg_message_id,
        "subject": mail.payload["subject"],
        "to_email": mail.email,
        "reason": "",
    }
    if condition["equal"] is not None:
        return bool(values[condition["field"]] == condition["equal"])
    if condition["list"] is not None:
        asked = set(re.findall(r"'([^']*)'", condition["list"]))
        own = mail.categories if condition["field"] == "categories" else [mail.status]
        return bool(asked & set(own))
    moment = datetime.fromisoformat(condition["moment"]).timestamp()
    at = float(int(mail.at))
    return {
        ">": at > moment,
        "<": at < moment,
        ">=": at >= moment,
        "<=": at <= moment,
    }[condition["order"]]


async def run(db: Path, *, key: str, port: int, with_parent: bool) -> None:
    """Serve until cancelled, or until standard input closes."""
    with Store(db) as store:
        server = await asyncio.start_server(FakeServer(store, key).serve, "127.0.0.1", port)
        async with server:
            port = server.sockets[0].getsockname()[1]
            print(json.dumps({"url": f"http://127.0.0.1:{port}"}), flush=True)  # noqa: T201
            if with_parent:
                await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
            else:
                await server.serve_forever()
