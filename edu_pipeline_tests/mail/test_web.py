"""The server behind a letter's links, over a real socket."""

import base64
import json
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment
from edu_pipeline.mail import web
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.ledger.suppressions import has_stopped, in_force
from edu_pipeline.mail.links import Subscription, token
from edu_pipeline.mail.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookKeyError
from edu_pipeline.mail.states import State
from edu_pipeline.settings.home import School, Settings
from edu_pipeline.settings.mail import Mail, SendGrid
from edu_pipeline_tests.mail.conftest import LetterMaker
from edu_pipeline_tests.mail.letters import claimed, recorded
from edu_pipeline_tests.mail.serving import serving

MONDAY = datetime(2026, 10, 5, 8, tzinfo=UTC)
SECRET = ec.derive_private_key(20_261_121, ec.SECP256R1())
PUBLIC = base64.b64encode(
    SECRET.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
KEY = "teachers:2026-W40:t_1"
MINE = Subscription("teachers", "t_1")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Clock:
    now: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Site:
    """A server on loopback, and a browser that keeps nothing and follows nothing."""

    client: httpx.Client
    ledger: Ledger
    clock: Clock
    address: tuple[str, int]

    def post_events(self, body: bytes, **headers: str) -> httpx.Response:
        return self.client.post("/events", content=body, headers=signed(body) | headers)

    def state(self) -> State:
        (entry,) = self.ledger.entries("teachers", "2026-W40")
        return entry.state


def signed(body: bytes, at: datetime = MONDAY) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    signature = SECRET.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        SIGNATURE_HEADER: base64.b64encode(signature).decode(),
        TIMESTAMP_HEADER: timestamp,
        "Content-Type": "application/json",
    }


def settings(key: str | None = PUBLIC, public_url: str | None = None) -> Settings:
    return Settings(
        school=School(name="Riverside <School>"),
        mail=Mail(sendgrid=SendGrid(webhook_key=key), public_url=public_url),
    )


Opener = Callable[[Settings], Site]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """What the ledger does on PostgreSQL is tested beside this."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def open_site(ledger: Ledger, make_letter: LetterMaker) -> Iterator[Opener]:
    ledger.queue([make_letter("t_1")], now=MONDAY, by="test")
    claimed(ledger, KEY, owner="test", transport="sendgrid", now=MONDAY)
    recorded(ledger, KEY, State.sent, now=MONDAY, transport_id="x")
    with ExitStack() as stack:

        def opener(wanted: Settings) -> Site:
            clock = Clock()
            application = web.app(ledger, wanted, environment([shipped("templates")]), clock)
            address = stack.enter_context(serving(application))
            client = httpx.Client(base_url=f"http://127.0.0.1:{address[1]}", trust_env=False)
            return Site(stack.enter_context(client), ledger, clock, address)

        yield opener


@pytest.fixture
def site(open_site: Opener) -> Site:
    return open_site(settings())


@pytest.fixture
def link(ledger: Ledger) -> str:
    return f"/out/{token(ledger.identity('token_key'), 'teachers', 't_1')}"


def batch(ledger: Ledger, *names: str) -> bytes:
    items = [
        {
            "event": name,
            "timestamp": int(MONDAY.timestamp()),
            "sg_event_id": f"id-{name}",
            "sg_message_id": "x.filter.0",
            "email": "t_1@riverside.example",
            "edu_letter": KEY,
            "edu_ledger": ledger.id,
        }
        for name in names
    ]
    return json.dumps(items).encode() + b"\r\n"


# Events


def test_signed_events_are_in_the_ledger_when_the_answer_comes(site: Site) -> None:
    answer = site.post_events(batch(site.ledger, "processed", "delivered"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert site.state() is State.delivered


@pytest.mark.parametrize(
    "headers",
    [
        {SIGNATURE_HEADER: ""},
        {SIGNATURE_HEADER: "no base64"},
        {TIMESTAMP_HEADER: str(int(MONDAY.timestamp()) + 1)},
        {TIMESTAMP_HEADER: "soon"},
        signed(b"another body"),
    ],
)
def test_events_with_a_wrong_signature_are_refused(site: Site, headers: dict[str, str]) -> None:
    answer = site.post_events(batch(site.ledger, "bounce"), **headers)
    assert (answer.status_code, answer.content) == (401, b"")
    assert site.state() is State.sent
    assert in_force(site.ledger).is_empty()


def test_events_without_a_signature_are_refused_before_they_are_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_: bytes) -> None:
        raise AssertionError

    monkeypatch.setattr(web, "parse", read)
    assert site.client.post("/events", content=b"[]").status_code == 401


def test_without_a_key_in_the_settings_every_event_is_refused(open_site: Opener) -> None:
    site = open_site(settings(key=None))
    assert site.post_events(batch(site.ledger, "delivered")).status_code == 401
    assert site.state() is State.sent


def test_a_key_that_is_none_is_told_before_anything_is_served(ledger: Ledger) -> None:
    with pytest.raises(WebhookKeyError, match="webhook_key"):
        web.app(ledger, settings(key="SG.secret"), environment([shipped("templates")]))


def test_the_same_post_again_is_taken_and_changes_nothing(site: Site) -> None:
    body = batch(site.ledger, "delivered", "unsubscribe")
    site.post_events(body)
    before = (site.ledger.story(KEY), in_force(site.ledger).rows())
    site.clock.now += timedelta(hours=25)
    assert site.post_events(body).status_code == 204
    assert (site.ledger.story(KEY), in_force(site.ledger).rows()) == before


def test_a_post_that_is_too_old_is_refused(site: Site) -> None:
    site.clock.now += timedelta(hours=27)
    assert site.post_events(batch(site.ledger, "delivered")).status_code == 401
    assert site.state() is State.sent


def test_what_is_signed_but_odd_is_taken_so_that_it_does_not_come_again(site: Site) -> None:
    for body in (b"", b"no json", b"[null, 7, {}]", b"\xff\xfe"):
        assert site.post_events(body).status_code == 204


def test_a_body_that_says_it_is_too_large_is_refused(site: Site) -> None:
    too_large = b"[" + b" " * web.MOST_EVENT_BYTES + b"]"
    assert site.post_events(too_large).status_code == 413


def test_a_body_that_grows_too_large_on_the_way_is_refused(site: Site) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(6):
            yield b" " * 1_000_000

    answer = site.client.post("/events", content=chunks())
    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413


def test_five_megabytes_of_events_are_taken(site: Site) -> None:
    body = batch(site.ledger, "delivered").rstrip()
    body += b" " * (web.MOST_EVENT_BYTES - len(body))
    assert site.post_events(body).status_code == 204
    assert site.state() is State.delivered


def test_a_post_that_breaks_off_is_not_taken_and_the_next_one_is(site: Site) -> None:
    body = batch(site.ledger, "delivered")
    head = "".join(f"{name}: {value}\r\n" for name, value in signed(body).items())
    request = f"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{head}\r\n"
    with socket.create_connection(site.address) as wire:
        wire.sendall(request.encode() + body[:-3])
    assert site.client.get("/").status_code == 404
    assert site.state() is State.sent
    assert site.post_events(body).status_code == 204


def test_when_the_ledger_does_not_answer_the_carrier_is_asked_to_come_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("t_1@riverside.example cannot be written")

    body = batch(site.ledger, "delivered")
    with monkeypatch.context() as patch:
        patch.setattr(web, "record_events", broken)
        assert site.post_events(body).status_code == 503
    assert "RuntimeError" in caplog.text
    assert "riverside" not in caplog.text
    assert site.post_events(body).status_code == 204
    assert site.state() is State.delivered


# The way out


def test_looking_at_the_page_stops_nothing(site: Site, link: str) -> None:
    for _ in range(3):
        page = site.client.get(link)
        assert site.client.head(link).status_code == 200
    assert page.status_code == 200
    assert page.text.count("<button") == 1
    assert has_stopped(site.ledger, MINE) is False


def test_the_button_stops_the_letters_and_another_takes_them_up_again(
    site: Site, link: str
) -> None:
    stopped = site.client.post(link, headers=FORM)
    assert stopped.status_code == 200
    assert f'action="{link}/again"' in stopped.text
    assert has_stopped(site.ledger, MINE) is True
    assert f'action="{link}/again"' in site.client.get(link).text
    resumed = site.client.post(f"{link}/again", headers=FORM)
    assert f'action="{link}"' in resumed.text
    assert has_stopped(site.ledger, MINE) is False


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (
            b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--',
            "multipart/form-data; boundary=x",
        ),
        (b"", "text/plain"),
    ],
)
def test_one_click_of_a_mail_program_stops_the_letters_without_redirects_or_cookies(
    site: Site, link: str, content: bytes, kind: str
) -> None:
    answer = site.client.post(link, content=content, headers={"Content-Type": kind})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert has_stopped(site.ledger, MINE) is True


def test_the_buttons_work_below_the_path_of_a_proxy(open_site: Opener, link: str) -> None:
    site = open_site(settings(public_url="https://school.example/letters/"))
    assert f'action="/letters{link}"' in site.client.get(link).text
    assert f'action="/letters{link}/again"' in site.client.post(link).text


def test_the_page_shows_nothing_of_the_person(site: Site, link: str) -> None:
    for page in (site.client.get(link), site.client.post(link), site.client.post(f"{link}/again")):
        for part in ("Ada", "Moss", "t_1", "riverside.example"):
            assert part not in page.text
        assert "Riverside &lt;School&gt;" in page.text


@pytest.mark.parametrize("path", ["", "/again"])
def test_an_unknown_link_is_told_in_a_sentence(site: Site, link: str, path: str) -> None:
    for wrong in ("/out/nothing", link[:-3], "/out/" + "x" * 2000, "/out/%00"):
        answer = site.client.post(wrong + path, headers=FORM)
        assert answer.status_code == 404
        assert "not known" in answer.text
        assert wrong[5:] not in answer.text
    assert has_stopped(site.ledger, MINE) is False


def test_a_genuine_link_to_somebody_of_whom_nothing_is_kept_is_unknown(site: Site) -> None:
    gone = f"/out/{token(site.ledger.identity('token_key'), 'teachers', 't_gone')}"
    for answer in (
        site.client.get(gone),
        site.client.post(gone),
        site.client.post(f"{gone}/again"),
    ):
        assert answer.status_code == 404


def test_a_form_that_is_too_large_is_refused_and_stops_nothing(site: Site, link: str) -> None:
    answer = site.client.post(link, content=b"x" * (web.MOST_FORM_BYTES + 1), headers=FORM)
    assert answer.status_code == 413
    assert has_stopped(site.ledger, MINE) is False


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/events"), ("PUT", "{link}"), ("DELETE", "{link}"), ("GET", "{link}/again")],
)
def test_other_methods_are_refused(site: Site, link: str, method: str, path: str) -> None:
    answer = site.client.request(method, path.format(link=link))
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert has_stopped(site.ledger, MINE) is False


# Every answer


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "{link}"),
        ("POST", "{link}"),
        ("GET", "/"),
        ("GET", "{link}/"),
        ("POST", "/events"),
        ("GET", "/events"),
    ],
)
def test_every_answer_says_what_must_not_be_done_with_it(
    site: Site, link: str, method: str, path: str
) -> None:
    answer = site.client.request(method, path.format(link=link))
    assert not answer.is_redirect
    headers = answer.headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-robots-tag"] == "noindex, nofollow"
    assert headers["x-content-type-options"] == "nosniff"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "script" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "set-cookie" not in headers
    assert "server" not in headers
    assert "<script" not in answer.text


def test_nothing_personal_and_no_link_comes_into_a_log(
    capfd: pytest.CaptureFixture[str],  # before the server takes its streams
    caplog: pytest.LogCaptureFixture,
    site: Site,
    link: str,
) -> None:
    caplog.set_level(logging.DEBUG, logger="edu_pipeline")
    caplog.set_level(logging.DEBUG, logger="uvicorn")
    site.post_events(batch(site.ledger, "bounce"))
    site.client.post("/events", content=b"[]")
    site.client.get(link)
    site.client.post(link)
    site.client.get("/out/nothing")
    out, err = capfd.readouterr()
    told = out + err + " ".join(r.getMessage() for r in caplog.records if r.name != "httpx")
    assert "new=1" in told
    for part in ("riverside", "t_1", "/out/", link[5:]):
        assert part not in told


def test_it_serves_this_machine_only_unless_told_otherwise() -> None:
    assert web.HOST == "127.0.0.1"
