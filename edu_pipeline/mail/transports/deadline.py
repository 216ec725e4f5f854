"""One deadline for all that a request does on the wire, by a clock that nobody sets.

A time-out of a socket begins anew with every byte, so a server that sends one now and then would
hold a letter for ever. Here each step gets only what is left, the look-up of the host's name too,
which the system does in its own time. What a request says, and what an answer means, the carriers know.
"""

import socket
import time
from queue import Empty, SimpleQueue
from threading import Thread


class Deadline:
    """So many seconds from its making on."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds; more than 0.

        Raises:
            TimeoutError: It has passed.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


def connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first address of a host that answers, each in its share of the time.

    Raises:
        OSError: There is none.
    """
    addresses = _addresses(host, port, deadline)
    refusal = OSError("the host has no address")
    for tried, address in enumerate(addresses):
        share = deadline.left() / (len(addresses) - tried)
        try:
            opened = socket.create_connection((address, port), share)
        except OSError as error:
            refusal = error
        else:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return opened
    raise refusal


def _addresses(host: str, port: int, deadline: Deadline) -> list[str]:
    """In a thread, which is left behind where nobody answers: a look-up cannot be broken off."""
    told: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits hears of it
            told.put(error)
        else:
            told.put(list(dict.fromkeys(str(address[0]) for *_, address in found)))

    Thread(target=look_up, daemon=True).start()
    try:
        answer = told.get(timeout=deadline.left())
    except Empty:
        raise TimeoutError("the host's name was not looked up in time") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def send_all(wire: socket.socket, content: bytes, deadline: Deadline) -> None:
    """Send everything, however slowly it is taken.

    Raises:
        OSError: It was not taken in time, or the connection is lost.
    """
    rest = memoryview(content)
    while rest:
        wire.settimeout(deadline.left())
        rest = rest[wire.send(rest) :]


def receive(wire: socket.socket, most: int, deadline: Deadline) -> bytes:
    """What comes next; nothing where the other side has ended.

    Raises:
        OSError: Nothing came in time, or the connection is lost.
    """
    wire.settimeout(deadline.left())
    return wire.recv(most)
