"""The fake is worth what it refuses, keeps and breaks."""

import copy
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from sendgrid.helpers.eventwebhook import EventWebhook  # type: ignore[import-untyped]

from edu_pipeline_tests.fake_sendgrid.faults import AMBIGUOUS
from edu_pipeline_tests.fake_sendgrid.process import FakeSendGrid
from edu_pipeline_tests.fake_sendgrid.store import Store
from edu_pipeline_tests.fake_sendgrid.validation import problems

NOW = datetime(2026, 10, 2, 15, tzinfo=UTC)
MAIL: Mapping[str, Any] = {
    "from": {"email": "reports@riverside.example", "name": "Riverside"},
    "personalizations": [{"to": [{"email": "ada@riverside.example", "name": "Ada Moss"}]}],
    "subject": "Your week",
    "content": [
        {"type": "text/plain", "value": "Hello"},
        {"type": "text/html", "value": "<p>Hello</p>"},
    ],
    "categories": ["edu_teachers"],
    "custom_args": {"edu_letter": "teachers:2026-W40:t_1"},
    "tracking_settings": {"open_tracking": {"enable": True}},
}


def changed(path: str, value: object) -> Any:
    """The mail with one thing changed; `path` as SendGrid names fields."""
    mail = copy.deepcopy(dict(MAIL))
    place: Any = mail
    *way, last = path.split(".")
    for step in way:
        place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
    place[last] = value
    return mail


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeSendGrid]:
    with FakeSendGrid(tmp_path_factory.mktemp("sendgrid")) as fake:
        yield fake


@pytest.fixture
def fake(running: FakeSendGrid) -> FakeSendGrid:
    running.reset()
    running.set(clock=NOW)
    return running


@pytest.fixture
def client(fake: FakeSendGrid) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {fake.key}"}
    with httpx.Client(base_url=fake.url, headers=headers, trust_env=False, timeout=5) as client:
        yield client


def post(client: httpx.Client, mail: Any = MAIL) -> httpx.Response:
    return client.post("/v3/mail/send", json=mail)


def search(client: httpx.Client, query: str, limit: int = 1000) -> httpx.Response:
    return client.post("/v3/logs", json={"query": query, "limit": limit})


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("from", {}, "from"),
        ("from.email", "nobody", "from.email"),
        ("personalizations", [], "personalizations"),
        ("personalizations", [{"to": [{"email": "a@b.example"}]}] * 1001, "personalizations"),
        ("personalizations.0.to", [], "personalizations.0.to"),
        ("personalizations.0.to.0.name", "Moss, Ada", "personalizations.0.to.0.name"),
        ("personalizations.0.to.0.name", 7, "personalizations.0.to.0.name"),
        ("personalizations.0.bcc", [{"email": "ADA@riverside.example"}], "personalizations.0.bcc"),
        ("subject", "", "subject"),
        ("content", [], "content"),
        ("content", [*reversed(MAIL["content"])], "content"),
        ("content.0.value", "", "content.0.value"),
        ("attachments", [{"content": "no base64!", "filename": "a"}], "attachments.0.content"),
        (
            "attachments",
            [{"content": "YQ==", "filename": "a", "disposition": "inline"}],
            "attachments.0.content_id",
        ),
        ("headers", {"Reply-To": "a@b.example"}, "headers"),
        ("headers", {"X-A": 1}, "headers.X-A"),
        ("headers", {"X-A": "ä"}, "headers.X-A"),
        ("categories", [f"c{n}" for n in range(11)], "categories"),
        ("categories", ["a", "a"], "categories"),
        ("categories", ["a" * 256], "categories"),
        ("custom_args", {"edu_letter": 1}, "custom_args.edu_letter"),
        ("custom_args", {"edu_letter": "x" * 10_000}, "custom_args"),
        ("mail_settings", {"sandbox_mode": {"enable": "true"}}, "mail_settings.sandbox_mode.enable"),
        ("tracking_settings", {"open_tracking": {"enable": 1}}, "tracking_settings.open_tracking.enable"),
        ("send_at", 99_999_999_999, "send_at"),
        ("colour", "red", ""),
    ],
)  # fmt: skip
def test_what_sendgrid_documents_as_wrong_is_refused_by_field(
    path: str, value: object, field: str
) -> None:
    assert problems(MAIL) == []
    assert [where for where, _ in problems(changed(path, value))] == [field]


def test_a_valid_mail_is_in_the_ledger_before_it_is_answered(
    fake: FakeSendGrid, client: httpx.Client
) -> None:
    answer = post(client)
    assert (answer.status_code, answer.content) == (202, b"")
    [mail] = fake.accepted()
    assert mail.message_id == answer.headers["X-Message-Id"]
    assert mail.sg_message_id.startswith(f"{mail.message_id}.recvd-")
    assert (mail.email, mail.letter) == ("ada@riverside.example", "teachers:2026-W40:t_1")
    assert fake.counts() == {"teachers:2026-W40:t_1": 1}


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Authorization": "Bearer SG.wrong"}, json.dumps(MAIL), 401),
        ({"Authorization": ""}, json.dumps(MAIL), 401),
        ({"Content-Type": "text/plain"}, json.dumps(MAIL), 415),
        ({}, "no json", 400),
        ({}, json.dumps(changed("subject", "")), 400),
        ({}, json.dumps(changed("subject", "x" * 30_000_000)), 413),
        ({}, json.dumps(changed("mail_settings.sandbox_mode", {"enable": True})), 200),
    ],
)
def test_what_is_refused_or_only_checked_is_not_in_the_ledger(
    fake: FakeSendGrid,
    client: httpx.Client,
    headers: dict[str, str],
    content: str,
    status: int,
) -> None:
    headers = {"Content-Type": "application/json"} | headers
    assert client.post("/v3/mail/send", content=content, headers=headers).status_code == status
    assert fake.accepted() == []


def test_faults_follow_the_script_then_stop(fake: FakeSendGrid, client: httpx.Client) -> None:
    fake.faults("rate_limited", None, "error_500_after", "forbidden")
    assert [post(client).status_code for _ in range(5)] == [429, 202, 500, 403, 202]
    assert len(fake.accepted()) == 3
    assert [request.fault for request in fake.requests()] == [
        "rate_limited",
        None,
        "error_500_after",
        "forbidden",
        None,
    ]


def test_faults_follow_the_address(fake: FakeSendGrid, client: httpx.Client) -> None:
    fake.faults(by_address={"b@riverside.example": ["forbidden", "unauthorized"]})
    other = changed("personalizations.0.to.0.email", "b@riverside.example")
    statuses = [post(client, mail).status_code for mail in (MAIL, other, MAIL, other, other)]
    assert statuses == [202, 403, 202, 401, 202]


def test_faults_by_chance_are_the_same_for_the_same_seed(
    fake: FakeSendGrid, client: httpx.Client
) -> None:
    def run(seed: int) -> list[str | None]:
        before = len(fake.requests())
        fake.faults(probability=0.5, kinds=("forbidden", "unauthorized"), seed=seed)
        for _ in range(30):
            post(client)
        return [request.fault for request in fake.requests()[before:]]

    first = run(1)
    assert first == run(1)
    assert first != run(2)
    assert Counter(first).keys() == {"forbidden", "unauthorized", None}
    assert len(AMBIGUOUS) > 3


def test_a_fault_that_is_not_known_is_an_error(fake: FakeSendGrid) -> None:
    with pytest.raises(httpx.HTTPError):
        fake.faults("no_such_fault")  # type: ignore[arg-type]


# Logs


def test_the_logs_answer_the_documented_queries_and_no_others(
    fake: FakeSendGrid, client: httpx.Client
) -> None:
    del fake
    post(client)
    good = (
        "to_email = 'ada@riverside.example' AND categories IN ('other', 'edu_teachers') AND "
        'sg_message_id_created_at >= TIMESTAMP "2026-10-02T14:00:00Z"'
    )
    [row] = search(client, good).json()["messages"]
    assert row["to_email"] == "ada@riverside.example"
    assert "custom_args" not in row
    details = client.get(f"/v3/logs/{row['sg_message_id']}").json()
    assert details["custom_args"] == {"edu_letter": "teachers:2026-W40:t_1"}
    nothing = 'sg_message_id_created_at > TIMESTAMP "2026-10-02T16:00:00Z"'
    assert search(client, nothing).json() == {"messages": []}
    assert client.get("/v3/logs/none").status_code == 404
    for bad in ("to_email IN ('a')", "to_email = 'o'brien'", "a = 'b'", "to_email = 'a' OR x"):
        assert search(client, bad).status_code == 400
    assert search(client, good, limit=1001).status_code == 400


def test_a_mail_is_in_the_logs_after_the_delay(fake: FakeSendGrid, client: httpx.Client) -> None:
    fake.set(log_delay=60, clock=NOW)
    post(client)
    assert search(client, "").json() == {"messages": []}
    fake.set(log_delay=60, clock=NOW + timedelta(seconds=61))
    [row] = search(client, "").json()["messages"]
    assert row["sg_message_id_created_at"] == "2026-10-02T15:00:00Z"


# Events


def received(sent: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [event for request in sent["requests"] for event in json.loads(request["body"])]


def test_events_are_signed_over_the_timestamp_and_the_raw_body(
    fake: FakeSendGrid, client: httpx.Client
) -> None:
    post(client)
    [request] = fake.events(plan={"teachers:2026-W40:t_1": ["delivered"]})["requests"]
    prefix = "X-Twilio-Email-Event-Webhook"
    signature = request["headers"][f"{prefix}-Signature"]
    timestamp = request["headers"][f"{prefix}-Timestamp"]
    webhook = EventWebhook(fake.public_key())
    assert request["body"].endswith("\r\n")
    assert webhook.verify_signature(request["body"], signature, timestamp)
    assert not webhook.verify_signature(request["body"].rstrip(), signature, timestamp)
    assert not webhook.verify_signature(request["body"], signature, f"{timestamp}1")


def test_events_are_as_planned_and_carry_the_custom_arguments_at_the_top(
    fake: FakeSendGrid, client: httpx.Client
) -> None:
    post(client)
    plan = ["processed", "delivered", "machine_open", "open", "click", "spamreport"]
    events = received(fake.events(plan={"ada@riverside.example": plan}))
    assert [event["event"] for event in events] == [
        "processed",
        "delivered",
        "open",
        "open",
        "click",
        "spamreport",
    ]
    assert {event["edu_letter"] for event in events} == {"teachers:2026-W40:t_1"}
    assert [event.get("sg_machine_open", False) for event in events][2:4] == [True, False]
    assert {event["category"] for event in events} == {"edu_teachers"}
    assert fake.accepted()[0].status == "delivered"
    spam = client.get("/v3/suppression/spam_reports").json()
    assert [row["email"] for row in spam] == ["ada@riverside.example"]


def test_a_bounced_address_is_dropped_the_next_time(
    fake: FakeSendGrid, client: httpx.Client
) -> None:
    post(client)
    [bounce] = received(fake.events(plan={"ada@riverside.example": ["bounce"]}))
    assert (bounce["event"], bounce["type"]) == ("bounce", "bounce")
    assert post(client).status_code == 202
    second = fake.accepted()[1].sg_message_id
    events = [event for event in received(fake.events()) if event["sg_message_id"] == second]
    assert [(event["event"], event["reason"]) for event in events] == [
        ("dropped", "Bounced Address")
    ]


def test_asking_for_events_again_gives_the_same_events(
    fake: FakeSendGrid, client: httpx.Client
) -> None:
    for _ in range(5):
        post(client)
    first, second = (received(fake.events(seed=3)) for _ in range(2))
    assert first == second
    assert len({event["sg_event_id"] for event in first}) == len(first) >= 10


def test_events_come_twice_under_the_same_and_under_another_id_in_any_order(
    fake: FakeSendGrid, client: httpx.Client
) -> None:
    for _ in range(5):
        post(client)
    plain = received(fake.events())
    disturbed = received(fake.events(duplicates=1, reissued=1, shuffle=True, batch=4))
    assert len(disturbed) == 3 * len(plain)
    ids = Counter(event["sg_event_id"] for event in disturbed)
    assert sorted(ids.values()) == [1] * len(plain) + [2] * len(plain)
    assert [e["timestamp"] for e in disturbed] != sorted(e["timestamp"] for e in disturbed)


def test_events_land_as_files(fake: FakeSendGrid, client: httpx.Client, tmp_path: Path) -> None:
    post(client)
    plan = {"ada@riverside.example": ["processed", "delivered", "open"]}
    fake.events(plan=plan, folder=tmp_path / "events", batch=2)
    files = sorted((tmp_path / "events").iterdir())
    assert [len(json.loads(file.read_bytes())) for file in files] == [2, 1]


def test_events_are_posted_to_a_receiver(fake: FakeSendGrid, client: httpx.Client) -> None:
    bodies = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["X-Twilio-Email-Event-Webhook-Signature"]
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204 if len(bodies) == 1 else 401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    post(client)
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        plan = {"ada@riverside.example": ["processed", "delivered"]}
        url = f"http://127.0.0.1:{server.server_port}/events"
        told = fake.events(plan=plan, url=url, batch=1)
        server.shutdown()
    assert told["statuses"] == [204, 401]
    assert len(bodies) == 2


# The process


def test_it_ends_with_the_process_that_started_it_and_its_ledger_stays(tmp_path: Path) -> None:
    with FakeSendGrid(tmp_path) as fake:
        headers = {"Authorization": f"Bearer {fake.key}"}
        httpx.post(f"{fake.url}/v3/mail/send", json=MAIL, headers=headers, trust_env=False)
        assert fake._process.stdin
        fake._process.stdin.close()
        assert fake._process.wait(10) == 0
    with Store(tmp_path / "sendgrid.db") as store:
        assert len(store.accepted()) == 1
    with FakeSendGrid(tmp_path) as again:
        assert len(again.accepted()) == 1


def test_it_can_be_started_by_hand() -> None:
    command = [sys.executable, "-m", "edu_pipeline_tests.fake_sendgrid", "--help"]
    project = Path(__file__).parents[2]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=project)
    assert "--db" in shown.stdout
