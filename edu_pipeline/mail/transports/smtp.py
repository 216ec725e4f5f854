"""The transport to a mail server over SMTP: one connection, one letter after the other.

One deadline holds for a letter, from the connection to the last answer.

What the server has answered decides. Before it has taken the command DATA a lost connection means
that nothing went out; after that it may have, until the answer to the whole message is there.
"""

import contextlib
import io
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.mime import UnsendableError, envelope, message_id, to_message
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.deadline import Deadline, connected, receive, send_all
from edu_pipeline.mail.transports.protocol import Logged, Outcome
from edu_pipeline.settings.mail import Smtp

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_LOGIN_NEEDED = frozenset({530, 534, 535, 538})
_ENHANCED = re.compile(rb"^[245]\.\d{1,3}\.\d{1,3}\b")
_OK = 250
_CLOSING = 421
_PATIENCE = timedelta(minutes=1)
"""For a server that is busy; twice as long each time that it still is."""

_LOST = (OSError, smtplib.SMTPServerDisconnected)


class SmtpTransport:
    """Sends through the mail server of `[mail.smtp]`."""

    name = "smtp"
    connections = 1
    leaves = True

    def __init__(
        self, settings: Smtp, password: str | None = None, trust: ssl.SSLContext | None = None
    ) -> None:
        """`trust` says whose certificates count; by default those that the system trusts."""
        self._settings = settings
        self._password = password
        self._trust = trust or ssl.create_default_context()
        self._server: _Server | None = None
        self._busy = 0

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
        """Try once, over the open connection where there is one that lives."""
        try:
            content = to_message(letter, now).as_bytes()
            known = envelope(letter)
        except UnsendableError as error:
            return Outcome.refused(str(error))
        server = self._ready(Deadline(self._settings.timeout_seconds))
        if isinstance(server, Outcome):
            outcome = server
        else:
            addresses = known.sender.addr_spec, known.recipient.addr_spec
            outcome = _hand_over(server, *addresses, content, message_id(letter))
            if outcome.state is not State.sent:
                self._start_afresh(server, outcome)
        return self._longer_each_time(outcome)

    def _longer_each_time(self, outcome: Outcome) -> Outcome:
        if outcome.retry_after is None:
            self._busy = 0
            return outcome
        self._busy += 1
        return replace(outcome, retry_after=outcome.retry_after * 2 ** (self._busy - 1))

    def find(self, letter: FrozenLetter) -> Outcome:
        """A mail server cannot be asked what it took."""
        del letter
        return Outcome.unknown(
            "A mail server keeps no records that can be asked. Ask the recipient, then say so: "
            "edu-pipeline mail resolve"
        )

    def log(self, letter_group: str) -> None:
        """A mail server keeps no records that can be asked."""
        del letter_group

    def letter_key(self, line: Logged) -> None:
        """There is no log whose lines could be asked about."""
        del line

    def close(self) -> None:
        """Take leave of the server."""
        if self._server:
            self._server.deadline = Deadline(self._settings.timeout_seconds)
            with contextlib.suppress(*_LOST, smtplib.SMTPException):
                self._server.quit()
        self._drop()

    def _drop(self) -> None:
        if self._server:
            self._server.close()
        self._server = None

    def _start_afresh(self, server: smtplib.SMTP, outcome: Outcome) -> None:
        """A connection that may still owe an answer is dropped: it would be taken for another's."""
        try:
            usable = outcome.state is not State.unknown and server.rset()[0] == _OK
        except (*_LOST, smtplib.SMTPException):
            usable = False
        if not usable:
            self._drop()

    def _ready(self, deadline: Deadline) -> smtplib.SMTP | Outcome:
        """A connection that answers, or why there is none; nothing of a letter was sent."""
        if self._server:
            self._server.deadline = deadline
            if _lives(self._server):
                return self._server
        self._drop()
        try:
            server = self._connect(deadline)
            refusal = self._log_in(server)
        except ssl.SSLCertVerificationError as error:
            refusal = Outcome.not_sent(
                f"The mail server's certificate is not to be trusted ({error.verify_message}). "
                "Write its host in [mail.smtp] as in the certificate, or repair the certificate."
            )
        except smtplib.SMTPNotSupportedError:
            refusal = Outcome.stop(
                "The mail server does not offer what [mail.smtp] asks for: encryption by STARTTLS, "
                "or a login. Change security, port or username."
            )
        except smtplib.SMTPResponseException as error:
            why = f"The mail server takes no letters now ({error.smtp_code})."
            busy = error.smtp_code // 100 == 4  # noqa: PLR2004 - 4xx
            refusal = Outcome.later(why, _PATIENCE) if busy else Outcome.not_sent(why)
        except (*_LOST, smtplib.SMTPException, UnicodeError) as error:
            refusal = Outcome.not_sent(
                f"The mail server cannot be reached ({type(error).__name__}). Look at host, port "
                "and security in [mail.smtp]."
            )
        if refusal is None:
            return server
        self._drop()
        return refusal

    def _connect(self, deadline: Deadline) -> smtplib.SMTP:
        wanted = self._settings
        trust = self._trust if wanted.security == "tls" else None
        server = self._server = _Server(wanted.host, wanted.port, deadline, trust)
        if wanted.security == "starttls":
            server.starttls(context=self._trust)
        return server

    def _log_in(self, server: smtplib.SMTP) -> Outcome | None:
        server.ehlo_or_helo_if_needed()
        if not self._settings.username:
            return None
        try:
            server.login(self._settings.username, self._password or "")
        except smtplib.SMTPAuthenticationError as error:
            if 400 <= error.smtp_code < 500:  # noqa: PLR2004 - 4xx
                why = f"The mail server cannot log in now ({error.smtp_code})."
                return Outcome.later(why, _PATIENCE)
            return Outcome.stop(
                f"The mail server does not accept the login ({error.smtp_code}). Look at username in "
                "[mail.smtp] and at EDU_PIPELINE_SMTP_PASSWORD."
            )
        except UnicodeError:
            return Outcome.stop(
                "EDU_PIPELINE_SMTP_PASSWORD and username in [mail.smtp] may hold only ASCII; "
                "choose another password."
            )
        return None


class _Server(smtplib.SMTP):
    """A connection whose every step keeps to the deadline that is set; smtplib's own time each read."""

    def __init__(
        self, host: str, port: int, deadline: Deadline, trust: ssl.SSLContext | None
    ) -> None:
        """Connect, by TLS where there is a `trust`, and hear the greeting."""
        self.deadline = deadline
        self._trust = trust
        super().__init__(host, port, local_hostname="localhost")  # else it looks up this machine's
        if self.sock:
            self.local_hostname = _own_name(self.sock)

    def connect(
        self, host: str = "", port: int = 0, source_address: object = None
    ) -> tuple[int, bytes]:
        del source_address
        self.sock = connected(host, port, self.deadline)
        if self._trust:
            self.sock.settimeout(self.deadline.left())
            self.sock = self._trust.wrap_socket(self.sock, server_hostname=host)
        return self.getreply()

    def getreply(self) -> tuple[int, bytes]:
        if self.sock and not self.file:
            self.file = io.BufferedReader(_Answers(self.sock, self))
        code, text = super().getreply()
        if self.sock:
            with contextlib.suppress(TimeoutError):  # the answer came in time
                self.sock.settimeout(self.deadline.left())  # for a handshake, which may come next
        return code, text

    def send(self, s: "ReadableBuffer | str") -> None:
        if not self.sock:
            raise smtplib.SMTPServerDisconnected("not connected")
        try:
            send_all(
                self.sock, s.encode("ascii") if isinstance(s, str) else bytes(s), self.deadline
            )
        except OSError:
            self.close()
            raise


def _own_name(wire: socket.socket) -> str:
    """What this machine is called towards a mail server; asks nobody."""
    name = socket.gethostname()
    if "." in name and name.isascii():
        return name
    address: str = wire.getsockname()[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


class _Answers(io.RawIOBase):
    def __init__(self, wire: socket.socket, server: _Server) -> None:
        self._wire = wire
        self._server = server

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        into = memoryview(buffer)
        got = receive(self._wire, len(into), self._server.deadline)
        into[: len(got)] = got
        return len(got)


def _lives(server: smtplib.SMTP) -> bool:
    try:
        return server.noop()[0] == _OK
    except (*_LOST, smtplib.SMTPException):
        return False


def _hand_over(
    server: smtplib.SMTP, sender: str, recipient: str, content: bytes, transport_id: str
) -> Outcome:
    size = [f"size={len(content)}"] if server.has_extn("size") else []
    steps: tuple[tuple[str, Callable[[], tuple[int, bytes]], tuple[int, ...]], ...] = (
        ("sender", lambda: server.mail(sender, size), (250,)),
        ("recipient", lambda: server.rcpt(recipient), (250, 251, 252)),
        ("letter", lambda: server.docmd("DATA"), (354,)),
    )
    try:
        for part, command, good in steps:
            code, text = command()
            if code not in good:
                return _answered(part, code, text, otherwise=Outcome.not_sent)
    except (*_LOST, smtplib.SMTPException) as error:
        return Outcome.not_sent(
            f"The mail server hung up before it was given the letter ({type(error).__name__})."
        )
    # from here on, the letter may be out
    try:
        server.send(_with_dots(content))
        code, text = server.getreply()
    except (*_LOST, smtplib.SMTPException) as error:
        return Outcome.unknown(
            f"The mail server did not say whether it took the letter ({type(error).__name__})."
        )
    if code == _OK:
        return Outcome.sent(transport_id)
    return _answered("letter", code, text, otherwise=Outcome.unknown)


def _answered(part: str, code: int, text: bytes, *, otherwise: Callable[[str], Outcome]) -> Outcome:
    """What an answer other than yes means; its text is left out, it may quote an address."""
    enhanced = _ENHANCED.match(text)
    answer = f"{code} {enhanced[0].decode()}" if enhanced else str(code)
    match code // 100:
        case 4:
            why = f"The mail server does not take the {part} now ({answer})."
            if code == _CLOSING or part == "sender":  # so it is with every letter
                return Outcome.later(why, _PATIENCE)
            return Outcome.taken_later(why)
        case 5 if code in _LOGIN_NEEDED:
            return Outcome.stop(
                f"The mail server wants a login ({answer}). Fill username in [mail.smtp] and "
                "EDU_PIPELINE_SMTP_PASSWORD."
            )
        case 5:
            return Outcome.refused(f"The mail server refuses the {part} ({answer}).")
        case _:
            return otherwise(f"The mail server answered the {part} with {answer}.")


def _with_dots(content: bytes) -> bytes:
    """A message as DATA wants it: leading dots doubled, a line with one dot at its end."""
    end = b"" if content.endswith(b"\r\n") else b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", content) + end + b".\r\n"
