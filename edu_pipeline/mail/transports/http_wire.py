"""HTTP whose requests keep to one `Deadline` each, from the connection to the last byte read.

httpx has no such thing: its time-outs are those of single reads. So its pool of connections gets
a network of ours, and everything else stays httpx's.
"""

import contextlib
import select
import ssl
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from socket import socket

import httpcore
import httpx

from edu_pipeline.mail.transports.deadline import Deadline, connected, receive, send_all

_deadline: ContextVar[Deadline] = ContextVar("deadline")
"""Of the request that this thread is at."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is asked and read over a `Wire` in here, by this thread, has so long in all."""
    before = _deadline.set(Deadline(seconds))
    try:
        yield
    finally:
        _deadline.reset(before)


class Wire(httpx.HTTPTransport):
    """A pool of connections, without a proxy or a password file of whoever runs this.

    Its requests are made `within` a time.
    """

    def __init__(self, connections: int) -> None:
        """Nothing is opened yet."""
        trust = httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=trust, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=httpx.Limits().keepalive_expiry,
            network_backend=_Network(),
        )


class _Network(httpcore.NetworkBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        del timeout, local_address, socket_options
        with _told_as(httpcore.ConnectTimeout, httpcore.ConnectError):
            return _Stream(connected(host, port, _deadline.get()))


class _Stream(httpcore.NetworkStream):
    def __init__(self, wire: socket) -> None:
        self._wire = wire

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        with _told_as(httpcore.ReadTimeout, httpcore.ReadError):
            return receive(self._wire, max_bytes, _deadline.get())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        with _told_as(httpcore.WriteTimeout, httpcore.WriteError):
            send_all(self._wire, buffer, _deadline.get())

    def close(self) -> None:
        self._wire.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        del timeout
        try:
            with _told_as(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._wire.settimeout(_deadline.get().left())
                return _Stream(ssl_context.wrap_socket(self._wire, server_hostname=server_hostname))
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> bool | None:
        if info != "is_readable":
            return None
        # an idle connection with something to read is one that the server has ended
        watched = select.poll()
        watched.register(self._wire, select.POLLIN)
        return bool(watched.poll(0))


@contextlib.contextmanager
def _told_as(late: type[Exception], lost: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise lost(str(error)) from error
