"""POST /_fake/events: events for accepted mails, into a folder, to a URL, or handed back."""

import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edu_pipeline_tests.fake_sendgrid import webhook
from edu_pipeline_tests.fake_sendgrid.store import Accepted, Store


@dataclass(frozen=True)
class Produced:
    """Signed requests, and where they go."""

    events: int
    requests: Sequence[tuple[bytes, Mapping[str, str]]]
    folder: Path | None
    url: str | None

    def deliver(self) -> dict[str, Any]:
        """Hand them over; says how many there were and what the receiver answered."""
        statuses = []
        for number, (raw, headers) in enumerate(self.requests):
            if self.folder:
                self.folder.mkdir(parents=True, exist_ok=True)
                stamp = headers["X-Twilio-Email-Event-Webhook-Timestamp"]
                (self.folder / f"events-{stamp}-{number:04}.json").write_bytes(raw)
            if self.url:
                statuses.append(_post(self.url, raw, headers))
        handed = [] if self.folder or self.url else self.requests
        return {
            "events": self.events,
            "statuses": statuses,
            "requests": [{"body": raw.decode(), "headers": headers} for raw, headers in handed],
        }


def produce(store: Store, request: Mapping[str, Any], timestamp: str) -> Produced:
    """Events for every mail that was accepted; `plan` says what happens to a letter or address."""
    plan: Mapping[str, Sequence[str]] = request.get("plan") or {}
    chances = {**webhook.DEFAULT_CHANCES, **(request.get("chances") or {})}
    seed = request.get("seed", 0)
    events: list[webhook.Event] = []
    for mail in store.accepted():
        kinds = _planned(mail, plan) if plan else webhook.story(mail, chances, seed)
        events += webhook.events_of(mail, kinds)
        _remember(store, mail, kinds)
    events = webhook.disturbed(
        events,
        duplicates=request.get("duplicates", 0),
        reissued=request.get("reissued", 0),
        shuffle=request.get("shuffle", False),
        seed=seed,
    )
    size = request.get("batch", 100)
    raws = [webhook.body(events[at : at + size]) for at in range(0, len(events), size)]
    folder = request.get("folder")
    return Produced(
        events=len(events),
        requests=[(raw, webhook.signed_headers(store, raw, timestamp)) for raw in raws],
        folder=Path(folder) if folder else None,
        url=request.get("url"),
    )


def _planned(mail: Accepted, plan: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return plan.get(mail.letter or "", plan.get(mail.email, ()))


def _remember(store: Store, mail: Accepted, kinds: Sequence[str]) -> None:
    for kind in kinds:
        if kind in webhook.STATUS:
            store.set_status(mail.sg_message_id, webhook.STATUS[kind])
        if kind in webhook.LIST:
            store.suppress(webhook.LIST[kind], mail.email, f"seen as {kind}")


def _post(url: str, raw: bytes, headers: Mapping[str, str]) -> int:
    request = urllib.request.Request(url, raw, dict(headers))  # noqa: S310 - loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
