"""An application behind a real socket on loopback, in a thread of the test's process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from edu_pipeline.mail import web


@contextmanager
def serving(application: Starlette) -> Iterator[tuple[str, int]]:
    """Its address, as long as it is served."""
    listener = socket.create_server(("127.0.0.1", 0))
    ready = threading.Event()

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready.set()

    server = Announced(web.server_config(application, host="127.0.0.1", port=0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert ready.wait(30)
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join(30)
