"""SendGrid's v3 API on the wire: one pool of connections, the key, and what can be read.

Reads are tried again after a passing fault, writes never; each try has one deadline. Redirects are
not followed, because the key would go with them. No message here quotes an answer: it may hold an
address.
"""

import contextlib
import logging
import re
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import httpx

from edu_pipeline.mail.suppressed import Reason, Suppressed
from edu_pipeline.mail.transports.http_wire import Wire, within
from edu_pipeline.mail.transports.protocol import AskedTooOftenError, CarrierError
from edu_pipeline.settings.mail import SendGrid

for _talkative in ("httpx", "httpcore", "python_http_client"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)

LOG_LIMIT = 1000
"""Most rows that one search of the Email Logs gives; there are no further pages."""
LOG_DAYS = 30
LOG_PER_MINUTE = 6
"""So often may SendGrid's records of single mails be asked, of which the documentation speaks for
Email Activity; it names no limit for Email Logs."""
SUPPRESSION_LISTS: Mapping[str, Reason] = {
    "bounces": "bounce",
    "blocks": "block",
    "spam_reports": "complaint",
    "invalid_emails": "invalid",
    "unsubscribes": "unsubscribe",  # these are the global suppressions
}
_SUPPRESSION_PAGE = 500
_ERASE_AT_ONCE = 1000
_PAUSES = (0.5, 2.0)
_MINUTE = 60.0
_MOST_OF_AN_ANSWER = 64 * 1024
_KEY = re.compile(r"[\x21-\x7e]+")
_AT_HOME = frozenset({"localhost", "127.0.0.1", "::1"})
_MILLISECONDS_FROM = 10**11
"""So many seconds are thousands of years ahead."""
_EPOCH_FROM = 10**9
"""A smaller X-RateLimit-Reset counts seconds from now."""
_PASSING = frozenset({429, 500, 502, 503, 504})


def utc_now() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)


class SendGridError(CarrierError):
    """SendGrid could not be asked; the message says what to do and quotes nothing."""


@dataclass(frozen=True)
class Answer:
    """How SendGrid answered a mail: its status line is enough to know."""

    status: int
    headers: httpx.Headers
    content: bytes
    """The beginning of a refusal; empty where the connection broke after the status line."""


@dataclass(frozen=True)
class LoggedMail:
    """One row of the Email Logs."""

    sg_message_id: str
    to_email: str = field(repr=False)
    at: datetime

    @property
    def transport_id(self) -> str:
        """The X-Message-Id with which sending was answered."""
        return self.sg_message_id.split(".", 1)[0]


@dataclass(frozen=True)
class Search:
    """What the Email Logs answered."""

    mails: Sequence[LoggedMail]
    """In no order."""
    at: datetime | None
    """When, by SendGrid's own clock."""


class SendGridApi:
    """A client for one key. Safe to use from several threads."""

    def __init__(
        self,
        key: str,
        settings: SendGrid,
        *,
        connections: int = 1,
        clock: Callable[[], datetime] = utc_now,
        pause: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            SendGridError: The key or the URL cannot be used.
        """
        key = key.strip()
        if not _KEY.fullmatch(key):
            raise SendGridError(
                "The SendGrid API key holds a blank or another odd character. Copy it again into "
                "SENDGRID_API_KEY; it begins with SG."
            )
        if not _is_safe(settings.url):
            raise SendGridError(
                "The SendGrid key and student data go over https only. Write [mail.sendgrid] "
                'url = "https://api.sendgrid.com", or https://api.eu.sendgrid.com'
            )
        self._clock = clock
        self._pause = pause
        self._monotonic = monotonic
        self._asked: deque[float] = deque(maxlen=LOG_PER_MINUTE)
        url, self._seconds = settings.url.rstrip("/"), settings.timeout_seconds
        untimed = httpx.Timeout(None, pool=self._seconds)  # the wire keeps the time
        self._wire: httpx.BaseTransport = Wire(connections)
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=untimed,
            transport=self._wire,
            follow_redirects=False,
            trust_env=False,  # no proxy and no password file of whoever runs this
        )
        self._post_mail = partial(
            httpx.Request,
            "POST",
            httpx.URL(f"{url}/v3/mail/send"),
            headers=httpx.Headers({**self._client.headers, "Content-Type": "application/json"}),
            extensions={"timeout": untimed.as_dict()},
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def post_mail(self, content: bytes) -> Answer:
        """POST /v3/mail/send, once.

        Straight onto the wire: cookies and redirects, for which a client is, are not wanted.

        Raises:
            httpx.HTTPError: There was no answer.
        """
        with (
            within(self._seconds),
            contextlib.closing(
                self._wire.handle_request(self._post_mail(content=content))
            ) as answer,
        ):
            return Answer(answer.status_code, answer.headers, _beginning(answer))

    # The Email Logs

    def mails(
        self,
        category: str,
        since: datetime,
        *,
        until: datetime | None = None,
    ) -> Search:
        """All mails of a category that SendGrid took from `since` on.

        A search gives at most `LOG_LIMIT` rows. Where there are more, the time before and after the
        middle of these is searched: letters of a week go out together, whenever that was.

        Raises:
            SendGridError: SendGrid could not be asked, or the answer may be incomplete.
        """
        conditions = [
            f"categories IN ('{category}')",
            f"sg_message_id_created_at >= {_timestamp(since)}",
            *([f"sg_message_id_created_at < {_timestamp(until)}"] if until else []),
        ]
        request = {"query": " AND ".join(conditions), "limit": LOG_LIMIT}
        # a large week takes many searches: they wait only where SendGrid says so
        self._asked.append(self._monotonic())
        answer = self._ask("POST", "/v3/logs", json=request)
        at = said_at(answer.headers)
        with _as_documented():
            found = [_logged(row) for row in answer.json()["messages"]]
        if len(found) < LOG_LIMIT:
            return Search(found, at)
        middle = sorted(mail.at for mail in found)[len(found) // 2].replace(microsecond=0)
        if middle <= since:
            middle = since.replace(microsecond=0) + timedelta(seconds=1)
        if until and middle >= until:
            raise SendGridError("SendGrid's logs have more mails in one second than can be read.")
        halves = (
            self.mails(category, since, until=middle),
            self.mails(category, middle, until=until),
        )
        return Search([mail for half in halves for mail in half.mails], at)

    def custom_args(self, sg_message_id: str) -> Mapping[str, str] | None:
        """What was sent along with a mail of the logs; None where they do not have it (any more).

        Raises:
            AskedTooOftenError: The logs may not be asked now, and were not.
            SendGridError: SendGrid could not be asked.
        """
        path = f"/v3/logs/{urllib.parse.quote(sg_message_id, safe='')}"
        if seconds := self._seconds_until_asked():
            raise AskedTooOftenError(seconds)
        self._asked.append(self._monotonic())
        answer = self._ask("GET", path, may_miss=True)
        with _as_documented():
            arguments = answer.json().get("custom_args") if answer.is_success else None
        return arguments if isinstance(arguments, dict) else None

    def _seconds_until_asked(self) -> float:
        """How long the logs may not be asked again; 0: now."""
        if len(self._asked) < LOG_PER_MINUTE:
            return 0
        return max(self._asked[0] + _MINUTE - self._monotonic(), 0)

    # Suppressions

    def suppressions(self) -> Sequence[Suppressed]:
        """Every address to which SendGrid does not deliver, or once could not.

        Raises:
            SendGridError: SendGrid could not be asked.
        """
        with _as_documented():
            return [
                Suppressed(row["email"], reason, datetime.fromtimestamp(row["created"], UTC))
                for name, reason in SUPPRESSION_LISTS.items()
                for row in self._pages(f"/v3/suppression/{name}")
            ]

    def _pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        offset = 0
        before = None
        while page := self._ask(
            "GET", path, params={"limit": _SUPPRESSION_PAGE, "offset": offset}
        ).json():
            if page == before:
                raise SendGridError("SendGrid gave the same page of a list twice; ask again later.")
            yield from page
            offset += len(page)
            before = page

    # Erasing

    def erase(self, addresses: Iterable[str]) -> Sequence[str]:
        """Have SendGrid erase what it keeps of these recipients; gives the ids of its jobs.

        Erasing again does no harm, so this is tried again like a read.

        Raises:
            SendGridError: SendGrid could not be asked, or refused.
        """
        unique = sorted(set(addresses))
        batches = [unique[at : at + _ERASE_AT_ONCE] for at in range(0, len(unique), _ERASE_AT_ONCE)]
        path = "/v3/recipients/erasejob"
        with _as_documented():
            return [
                str(self._ask("POST", path, json={"email_addresses": batch}).json()["job_id"])
                for batch in batches
            ]

    def _ask(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, object] | None = None,
        params: Mapping[str, int] | None = None,
        may_miss: bool = False,
    ) -> httpx.Response:
        for usual in (*_PAUSES, None):
            pause = usual
            try:
                with within(self._seconds):
                    answer = self._client.request(method, path, json=json, params=params)
            except httpx.HTTPError as error:
                fault = f"SendGrid did not answer ({type(error).__name__}); try again later."
            else:
                missing = may_miss and answer.status_code == httpx.codes.NOT_FOUND
                if answer.is_success or missing:
                    return answer
                fault = _fault(answer.status_code, path)
                if answer.status_code not in _PASSING:
                    break
                if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    seconds = min(reset_after(answer.headers).total_seconds(), _MINUTE)
                    if may_miss:
                        raise AskedTooOftenError(seconds)
                    pause = None if pause is None else seconds
            if pause is not None:
                self._pause(pause)
        raise SendGridError(fault)


@contextlib.contextmanager
def _as_documented() -> Iterator[None]:
    """An answer that cannot be read as SendGrid's is an error without a word of it."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise SendGridError(
            "What answered is not SendGrid. Look at url in [mail.sendgrid] and at the network."
        ) from None


def said_at(headers: httpx.Headers) -> datetime | None:
    """What time it is by the clock of whoever answered; None where it does not say."""
    try:
        at = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def reset_after(headers: httpx.Headers) -> timedelta:
    """How long a 429 lasts, by the clock of whoever answered; a minute where unsaid.

    A moment in unix seconds or milliseconds, or seconds from now. It is a clear no, so whatever it
    says, the letter is not in doubt.
    """
    try:
        seconds = int(headers.get("X-RateLimit-Reset", ""))
        if seconds >= _EPOCH_FROM:
            if seconds >= _MILLISECONDS_FROM:
                seconds //= 1000
            seconds -= int((said_at(headers) or utc_now()).timestamp())
        return timedelta(seconds=max(seconds, 1))
    except (ValueError, OverflowError):
        return timedelta(minutes=1)


def _is_safe(address: str) -> bool:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return False
    return bool(url.host) and (url.scheme == "https" or url.host in _AT_HOME)


def _beginning(answer: httpx.Response) -> bytes:
    """Of a refusal, which says why; of others only what costs no reading, for the connection's sake."""
    if not answer.is_client_error and answer.headers.get("Content-Length") != "0":
        return b""
    parts: list[bytes] = []
    with contextlib.suppress(httpx.HTTPError):  # the status line is there, and says enough
        for part in answer.iter_bytes():
            parts.append(part)
            if sum(map(len, parts)) >= _MOST_OF_AN_ANSWER:
                break
    return b"".join(parts)


def _fault(status: int, path: str) -> str:
    match status:
        case 401:
            return "SendGrid does not know the key (401). Put a valid one into SENDGRID_API_KEY."
        case 403 if path.startswith("/v3/logs"):
            return (
                "The SendGrid key may not read the Email Logs (403). Give it the permission for "
                "Email Activity; or, where the account has no Email Logs, set ask_logs = false in "
                "[mail.sendgrid], and nothing guards against a ledger restored from a backup."
            )
        case 403:
            return (
                "The SendGrid key may not read this (403). Give it the permissions for Email "
                "Activity, Suppressions and Recipients' Data Erasure, or full access."
            )
        case 429:
            return "SendGrid has been asked too often (429); try again in some minutes."
        case _:
            return f"SendGrid answered {status}; try again later."


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime('TIMESTAMP "%Y-%m-%dT%H:%M:%SZ"')


def _logged(row: Mapping[str, Any]) -> LoggedMail:
    at = datetime.fromisoformat(row["sg_message_id_created_at"])
    return LoggedMail(
        sg_message_id=row["sg_message_id"],
        to_email=row["to_email"],
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
    )
