"""One deadline for all that a request does on the wire, by a clock that nobody sets.

A time-out of a socket begins anew with every byte, so a server that sends one now and then would
hold a letter for ever. Here each step gets only what is left. What a request says, and what an
answer means, the carriers know.

Not bounded: looking up the name of a host, which the system does in its own time.
"""

import socket
import time


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
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
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
