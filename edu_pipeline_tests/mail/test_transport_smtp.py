"""Against a real SMTP server (aiosmtpd) on loopback, with a certificate made for the test."""

import functools
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from edu_pipeline.mail.mime import message_id, to_message
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.protocol import Outcome
from edu_pipeline.mail.transports.smtp import SmtpTransport
from edu_pipeline.settings.mail import Smtp
from edu_pipeline_tests.mail.letters import NOW, frozen_letter
from edu_pipeline_tests.mail.smtp_office import Door, Office

AUTHORITY = trustme.CA()
LETTER = frozen_letter()
PASSWORD = "correct horse"  # noqa: S105 - of the test server


@functools.cache
def certificate(*hosts: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*hosts).configure_cert(context)
    return context


@pytest.fixture
def trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@pytest.fixture
def office() -> Office:
    return Office()


Opener = Callable[..., SmtpTransport]


@pytest.fixture
def opened(office: Office, trust: ssl.SSLContext) -> Iterator[Opener]:
    """Starts a server for the office and gives a transport to it."""
    with ExitStack() as stack:

        def open_(
            security: str = "starttls",
            *,
            hosts: str = "localhost",
            host: str = "localhost",
            username: str | None = None,
            password: str | None = PASSWORD,
            trusted: ssl.SSLContext = trust,
            **more: Any,
        ) -> SmtpTransport:
            tls = certificate(hosts) if security == "tls" else None
            if security == "starttls":
                more["tls_context"] = certificate(hosts)
            door = Door(office, tls, **more)
            stack.callback(door.stop)
            transport = SmtpTransport(
                Smtp(
                    host=host,
                    port=door.port,
                    security=security,
                    username=username,
                    timeout_seconds=5,
                ),
                password,
                trusted,
            )
            stack.callback(transport.close)
            return transport

        yield open_


def show(outcome: Outcome) -> tuple[State, bool]:
    return outcome.state, outcome.stops


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_a_letter_arrives_as_it_was_frozen(office: Office, opened: Opener, security: str) -> None:
    letter = replace(LETTER, text=".\n..dots\n" + "ä" * 300)
    outcome = opened(security).send(letter, NOW)
    assert (outcome.state, outcome.transport_id) == (State.sent, message_id(letter))
    [arrived] = office.letters
    assert arrived.mail_from == "reports@riverside.example"
    assert arrived.rcpt_tos == ["t_1@riverside.example"]
    assert arrived.original_content == to_message(letter, NOW).as_bytes()


def test_the_server_hears_the_size_of_the_letter(office: Office, opened: Opener) -> None:
    opened().send(LETTER, NOW)
    assert office.letters[0].mail_options == [f"SIZE={len(to_message(LETTER, NOW).as_bytes())}"]


def test_letters_share_one_connection(office: Office, opened: Opener) -> None:
    transport = opened()
    states = [transport.send(frozen_letter(f"t_{n}"), NOW).state for n in range(3)]
    assert states == [State.sent] * 3
    assert office.connections == 1


# Before the server has taken DATA: provably not sent


def test_a_certificate_that_nobody_vouches_for_is_not_trusted_with_a_letter(
    office: Office, opened: Opener
) -> None:
    for security in ("starttls", "tls"):
        outcome = opened(security, trusted=ssl.create_default_context()).send(LETTER, NOW)
        assert outcome.state is State.pending
        assert "certificate" in outcome.detail
    assert office.letters == []


def test_a_certificate_of_another_host_is_not_trusted_with_a_letter(
    office: Office, opened: Opener
) -> None:
    outcome = opened(hosts="mail.elsewhere.example").send(LETTER, NOW)
    assert outcome.state is State.pending
    assert "certificate" in outcome.detail
    assert office.letters == []


def test_a_server_that_does_not_encrypt_gets_nothing(office: Office, opened: Opener) -> None:
    plain = opened("none")
    asked = SmtpTransport(plain._settings.model_copy(update={"security": "starttls"}))
    assert show(asked.send(LETTER, NOW)) == (State.pending, True)
    assert office.letters == []


def test_a_server_that_is_not_there_leaves_the_letter_pending(unused_port: int) -> None:
    for host in ("127.0.0.1", "a..b"):
        transport = SmtpTransport(Smtp(host=host, port=unused_port, timeout_seconds=0.5))
        assert show(transport.send(LETTER, NOW)) == (State.pending, False)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("answer", "becomes"),
    [
        ("421 4.3.2 going down", State.pending),
        ("451 4.7.1 <t_1@riverside.example>: greylisted", State.pending),
        ("550 5.1.1 <t_1@riverside.example>: no such user", State.failed),
        ("552 5.3.4 too big", State.failed),
        ("hang up", State.pending),
    ],
)
def test_what_is_answered_before_the_letter_is_handed_over_decides(
    office: Office, opened: Opener, command: str, answer: str, becomes: State
) -> None:
    office.answers[command] = [answer]
    transport = opened("none")
    outcome = transport.send(LETTER, NOW)
    assert show(outcome) == (becomes, False)
    assert "riverside" not in outcome.detail
    assert answer == "hang up" or answer[:3] in outcome.detail
    assert transport.send(LETTER, NOW).state is State.sent
    assert len(office.letters) == 1


def test_a_server_that_falls_silent_before_data_leaves_the_letter_pending(
    office: Office, opened: Opener
) -> None:
    office.answers["RCPT"] = ["be silent"]
    transport = opened("none")
    transport._settings = transport._settings.model_copy(update={"timeout_seconds": 0.2})
    assert transport.send(LETTER, NOW).state is State.pending
    assert office.letters == []


# After it: only an answer tells


@pytest.mark.parametrize(
    ("answer", "becomes"),
    [
        ("250 2.0.0 queued", State.sent),
        ("451 4.3.0 try later", State.pending),
        ("421 4.3.2 going down", State.pending),
        ("554 5.7.1 t_1@riverside.example looks like spam", State.failed),
        ("354 what", State.unknown),
        ("hang up", State.unknown),
        ("be silent", State.unknown),
    ],
)
def test_what_is_answered_to_the_whole_letter_decides(
    office: Office, opened: Opener, answer: str, becomes: State
) -> None:
    office.answers["letter"] = [answer]
    transport = opened("none")
    transport._settings = transport._settings.model_copy(update={"timeout_seconds": 0.2})
    outcome = transport.send(LETTER, NOW)
    assert show(outcome) == (becomes, False)
    assert "riverside" not in outcome.detail


@pytest.mark.parametrize("answer", ["be silent", "354 what"])
def test_after_a_doubt_the_next_letter_has_a_connection_of_its_own(
    office: Office, opened: Opener, answer: str
) -> None:
    office.answers["letter"] = [answer]
    transport = opened("none")
    transport._settings = transport._settings.model_copy(update={"timeout_seconds": 0.2})
    assert transport.send(LETTER, NOW).state is State.unknown
    assert transport.send(frozen_letter("t_2"), NOW).state is State.sent
    assert office.connections == 2
    assert [letter.rcpt_tos for letter in office.letters] == [["t_2@riverside.example"]]


def test_a_refused_letter_does_not_cost_the_connection(office: Office, opened: Opener) -> None:
    office.answers["RCPT"] = ["550 no such user"]
    transport = opened()
    assert transport.send(LETTER, NOW).state is State.failed
    assert transport.send(frozen_letter("t_2"), NOW).state is State.sent
    assert office.connections == 1


def test_a_connection_that_died_between_letters_is_opened_again(
    office: Office, opened: Opener
) -> None:
    transport = opened()
    transport.send(LETTER, NOW)
    assert transport._server
    assert transport._server.sock
    transport._server.sock.shutdown(socket.SHUT_RDWR)
    assert transport.send(frozen_letter("t_2"), NOW).state is State.sent
    assert office.connections == 2


# Logging in


def accepts(good: str) -> Callable[..., AuthResult]:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        del server, session, envelope, mechanism
        assert isinstance(data, LoginPassword)
        return AuthResult(success=data.password == good.encode(), handled=False)

    return check


@pytest.mark.parametrize(
    ("command", "answer"),
    [("RCPT", "451 4.7.1 greylisted"), ("RCPT", "450 busy"), ("letter", "452 4.3.1 full")],
)
def test_a_letter_that_is_taken_later_keeps_no_other(
    office: Office, opened: Opener, command: str, answer: str
) -> None:
    office.answers[command] = [answer]
    transport = opened("none")
    outcome = transport.send(LETTER, NOW)
    assert (outcome.state, outcome.not_yet, outcome.retry_after) == (State.pending, True, None)
    assert transport.send(frozen_letter("t_2"), NOW).state is State.sent


@pytest.mark.parametrize(
    ("command", "answer"), [("RCPT", "421 4.3.2 going down"), ("MAIL", "451 4.3.0 try later")]
)
def test_a_server_that_is_busy_is_left_alone_longer_each_time(
    office: Office, opened: Opener, command: str, answer: str
) -> None:
    office.answers[command] = [answer] * 3
    transport = opened("none")
    outcomes = [transport.send(LETTER, NOW) for _ in range(4)]
    assert [outcome.retry_after for outcome in outcomes] == [
        *(timedelta(minutes=minutes) for minutes in (1, 2, 4)),
        None,
    ]
    assert [outcome.state for outcome in outcomes] == [*[State.pending] * 3, State.sent]
    office.answers[command] = [answer]
    assert transport.send(LETTER, NOW).retry_after == timedelta(minutes=1)


def test_the_letter_goes_out_after_a_login_over_tls(office: Office, opened: Opener) -> None:
    transport = opened(username="school", authenticator=accepts(PASSWORD), auth_required=True)
    assert transport.send(LETTER, NOW).state is State.sent
    assert len(office.letters) == 1


@pytest.mark.parametrize("password", ["wrong", "", "pässwörd"])
def test_a_login_that_is_not_accepted_ends_the_run(
    office: Office, opened: Opener, password: str
) -> None:
    transport = opened(username="school", password=password, authenticator=accepts(PASSWORD))
    outcome = transport.send(LETTER, NOW)
    assert show(outcome) == (State.pending, True)
    assert "EDU_PIPELINE_SMTP_PASSWORD" in outcome.detail
    assert not password or password not in outcome.detail
    assert office.letters == []


def test_a_server_that_wants_a_login_ends_the_run(office: Office, opened: Opener) -> None:
    outcome = opened(authenticator=accepts(PASSWORD), auth_required=True).send(LETTER, NOW)
    assert show(outcome) == (State.pending, True)
    assert office.letters == []


def test_a_server_without_logins_ends_the_run(opened: Opener) -> None:
    assert show(opened("none", username="school").send(LETTER, NOW)) == (State.pending, True)


def test_the_password_is_not_shown(opened: Opener) -> None:
    transport = opened(username="school")
    assert PASSWORD not in repr(transport) + str(transport)


# What a mail server cannot do


def test_a_letter_that_cannot_become_a_message_is_refused_without_a_connection(
    office: Office, opened: Opener
) -> None:
    assert opened().send(replace(LETTER, subject="a\nb"), NOW).state is State.failed
    assert office.connections == 0


def test_a_mail_server_cannot_be_asked_what_it_took(opened: Opener) -> None:
    transport = opened()
    transport.send(LETTER, NOW)
    outcome = transport.find(LETTER)
    assert (outcome.state, outcome.absent) == (State.unknown, False)


@pytest.fixture
def unused_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port
