"""A server on loopback that never ends an answer: after some bytes, one now and then."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

DRIP_SECONDS = 0.02
"""Far below any time-out of a single read."""

Talk = Callable[[socket.socket, threading.Event], None]


def drip(wire: socket.socket, over: threading.Event, drop: bytes = b"x") -> None:
    """Bytes, one after the other, until the other side has had enough."""
    while not over.wait(DRIP_SECONDS):
        for at in range(len(drop)):
            wire.sendall(drop[at : at + 1])
            if over.wait(DRIP_SECONDS):
                return


@contextmanager
def dripping(talk: Talk) -> Iterator[int]:
    """Its port; `talk` has each connection, in a thread of its own."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def serve(wire: socket.socket) -> None:
        with wire, contextlib.suppress(OSError):
            wire.settimeout(30)
            talk(wire, over)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(wire,)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(30)
            for thread in threads:
                thread.join(30)
