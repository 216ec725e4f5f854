"""Servers that answer byte by byte and never to the end, or take a letter in sips.

Every time-out of a single read is kept by them; only a deadline of the whole ends it. That these
tests end at all is what they are about.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from edu_pipeline.mail.letter import Image
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports import sendgrid_api
from edu_pipeline.mail.transports.deadline import Deadline
from edu_pipeline.mail.transports.sendgrid import SendGridTransport
from edu_pipeline.mail.transports.sendgrid_api import SendGridError
from edu_pipeline.mail.transports.smtp import SmtpTransport
from edu_pipeline.settings.mail import Mail, SendGrid, Smtp
from edu_pipeline_tests.mail.dripping import DRIP_SECONDS, Talk, drip, dripping
from edu_pipeline_tests.mail.letters import NOW, frozen_letter
from edu_pipeline_tests.mail.smtp_office import Door, Office

SECONDS = 0.3
MANY = 5.0
"""Seconds that are more than a deadline and a busy machine, and less than a drip's end."""
LARGE = frozen_letter(images=(Image("attendance", b"\x00" * 20_000_000),))
"""More than the buffers between two sockets hold."""
TLS_RECORD = b"\x16\x03\x03\x3f\x00"
"""The beginning of a handshake's record of 16,128 bytes."""


@contextmanager
def ends_in_time() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < MANY


def test_a_deadline_that_has_passed_gives_no_time() -> None:
    with pytest.raises(TimeoutError):
        Deadline(0).left()
    assert 0 < Deadline(60).left() <= 60


# SendGrid


@contextmanager
def sendgrid(talk: Talk, scheme: str = "http") -> Iterator[SendGridTransport]:
    with dripping(talk) as port:
        settings = SendGrid(url=f"{scheme}://127.0.0.1:{port}", timeout_seconds=SECONDS)
        with closing(
            SendGridTransport("SG.a.b", Mail(sendgrid=settings), clock=lambda: NOW)
        ) as transport:
            yield transport


def read_request(wire: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += wire.recv(1)
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while length:
        length -= len(wire.recv(min(length, 65536)))


def after_request(answer: bytes, drop: bytes = b"x") -> Talk:
    def talk(wire: socket.socket, over: threading.Event) -> None:
        read_request(wire)
        wire.sendall(answer)
        drip(wire, over, drop)

    return talk


def handshake(wire: socket.socket, over: threading.Event) -> None:
    wire.recv(1)
    wire.sendall(TLS_RECORD)
    drip(wire, over)


def sip(wire: socket.socket, over: threading.Event) -> None:
    while not over.wait(DRIP_SECONDS) and wire.recv(1024):
        pass


@pytest.mark.parametrize(
    ("answer", "becomes"),
    [
        (b"", State.unknown),
        (b"HTTP/1.1 20", State.unknown),
        (b"HTTP/1.1 202 Accepted\r\nX-", State.unknown),
        (b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m1\r\nContent-Length: 60000\r\n\r\n", State.sent),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 60000\r\n\r\n", State.unknown),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 60000\r\n\r\n", State.failed),
        (b"HTTP/1.1 401 Who\r\nContent-Length: 60000\r\n\r\n", State.pending),
    ],
)
def test_a_sendgrid_that_drips_costs_one_letter_its_deadline(answer: bytes, becomes: State) -> None:
    with sendgrid(after_request(answer)) as transport, ends_in_time():
        outcome = transport.send(frozen_letter(), NOW)
    assert outcome.state is becomes
    assert outcome.transport_id == ("m1" if becomes is State.sent else None)


def test_headers_without_end_are_a_doubt() -> None:
    answers = after_request(b"HTTP/1.1 202 Accepted\r\n", b"a:b\r\n")
    with sendgrid(answers) as transport, ends_in_time():
        assert transport.send(frozen_letter(), NOW).state is State.unknown


def test_a_202_is_not_read_beyond_its_headers() -> None:
    answer = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m1\r\nContent-Length: 60000\r\n\r\n"
    with dripping(after_request(answer)) as port:
        settings = SendGrid(url=f"http://127.0.0.1:{port}", timeout_seconds=600)
        with (
            closing(SendGridTransport("SG.a.b", Mail(sendgrid=settings))) as transport,
            ends_in_time(),
        ):
            assert transport.send(frozen_letter(), NOW).state is State.sent


def test_a_handshake_that_drips_sends_nothing() -> None:
    with sendgrid(handshake, "https") as transport, ends_in_time():
        assert transport.send(frozen_letter(), NOW).state is State.pending


def test_a_sendgrid_that_takes_the_letter_in_sips_is_a_doubt() -> None:
    with sendgrid(sip) as transport, ends_in_time():
        assert transport.send(LARGE, NOW).state is State.unknown


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 60000\r\n\r\n",
    ],
)
def test_logs_that_drip_are_logs_that_cannot_be_asked(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    monkeypatch.setattr(sendgrid_api, "_PAUSES", (0,))
    with (
        sendgrid(after_request(answer)) as transport,
        ends_in_time(),
        pytest.raises(SendGridError),
    ):
        transport.log("edu_5f0c11aa_teachers_2026-W40")


# SMTP


@contextmanager
def smtp(talk: Talk, security: str = "none") -> Iterator[SmtpTransport]:
    with dripping(talk) as port:
        settings = Smtp(host="127.0.0.1", port=port, security=security, timeout_seconds=SECONDS)
        with closing(SmtpTransport(settings)) as transport:
            yield transport


def office_until(command: bytes, drop: bytes = b"x", begins: bytes = b"") -> Talk:
    """An office that answers well up to a command, and drips the answer to that."""

    def talk(wire: socket.socket, over: threading.Event) -> None:
        with wire.makefile("rb") as lines:
            if command != b"greeting":
                wire.sendall(b"220 office\r\n")
                for line in lines:
                    if line.startswith(command):
                        break
                    wire.sendall(b"354 go on\r\n" if line.startswith(b"DATA") else b"250 yes\r\n")
                    if line.startswith(b"DATA"):
                        while lines.readline() != b".\r\n":
                            pass
                        break
            wire.sendall(begins)
            drip(wire, over, drop)

    return talk


@pytest.mark.parametrize("drop", [b"x", b"250-more\r\n"])
@pytest.mark.parametrize(
    ("command", "becomes"),
    [
        (b"greeting", State.pending),
        (b"ehlo", State.pending),
        (b"mail", State.pending),
        (b"rcpt", State.pending),
        (b"DATA", State.pending),
        (b"the letter", State.unknown),
    ],
)
def test_a_mail_server_that_drips_costs_one_letter_its_deadline(
    command: bytes, becomes: State, drop: bytes
) -> None:
    with smtp(office_until(command, drop)) as transport, ends_in_time():
        outcome = transport.send(frozen_letter(), NOW)
    assert (outcome.state, outcome.stops) == (becomes, False)


def test_a_mail_servers_handshake_that_drips_sends_nothing() -> None:
    with smtp(handshake, "tls") as transport, ends_in_time():
        assert transport.send(frozen_letter(), NOW).state is State.pending


def test_a_mail_server_that_takes_the_letter_in_sips_is_a_doubt() -> None:
    def talk(wire: socket.socket, over: threading.Event) -> None:
        wire.sendall(b"220 office\r\n")
        for answer in (b"250 yes\r\n", b"250 yes\r\n", b"250 yes\r\n", b"354 go on\r\n"):
            while not wire.recv(1024).endswith(b"\r\n"):
                pass
            wire.sendall(answer)
        sip(wire, over)

    with smtp(talk) as transport, ends_in_time():
        assert transport.send(LARGE, NOW).state is State.unknown


# Names of hosts


@pytest.fixture
def nobody_knows_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The system waits for a name server that never answers."""
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [over.wait(60)][1:])
    monkeypatch.setattr(socket, "getfqdn", lambda *_: over.wait(60))
    yield
    over.set()


@pytest.mark.usefixtures("nobody_knows_names")
def test_a_name_that_is_not_looked_up_in_time_leaves_the_letter_pending() -> None:
    api = SendGrid(url="https://api.sendgrid.com", timeout_seconds=SECONDS)
    office = Smtp(host="mail.lake.example", timeout_seconds=SECONDS)
    for transport in (
        SendGridTransport("SG.a.b", Mail(sendgrid=api)),
        SmtpTransport(office),
    ):
        with closing(transport), ends_in_time():
            assert transport.send(frozen_letter(), NOW).state is State.pending


def test_a_mail_server_is_told_a_name_that_nobody_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = Office()
    door = Door(office, None, hostname="office")  # else it looks up its own
    monkeypatch.setattr(socket, "getfqdn", lambda *_: 1 / 0)
    monkeypatch.setattr(socket, "gethostname", lambda: "kims-machine")
    settings = Smtp(host="127.0.0.1", port=door.port, security="none")
    with closing(SmtpTransport(settings)) as transport:
        assert transport.send(frozen_letter(), NOW).state is State.sent
    door.stop()
    assert office.guests == ["[127.0.0.1]"]
