"""A real SMTP server (aiosmtpd) on loopback, which takes letters and does what a test asks of it."""

import asyncio
import ssl
import threading
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Office:
    """What the server does: takes everything, but for what a test asks of it."""

    def __init__(self) -> None:
        self.letters: list[Envelope] = []
        self.connections = 0
        self.guests: list[str | None] = []
        """As whom each letter's sender introduced itself."""
        self.answers: dict[str, list[str]] = {}
        """Command → answers; `hang up` and `be silent` are not answers."""

    def greeted(self) -> None:
        self.connections += 1

    async def answer(self, command: str, server: SMTP, otherwise: str) -> str:
        answer = (self.answers.get(command) or [otherwise]).pop(0)
        if answer == "hang up":
            abort(server)
            raise ConnectionAbortedError
        if answer == "be silent":
            await asyncio.sleep(30)
        return answer

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.guests.append(session.host_name)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self.answer("MAIL", server, "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del session, options
        envelope.rcpt_tos.append(address)
        return await self.answer("RCPT", server, "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        del session
        answer = await self.answer("letter", server, "250 OK")
        if answer.startswith("250"):
            self.letters.append(envelope)
        return answer


def abort(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()


class Server(SMTP):
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        answer = await self.event_handler.answer("DATA", self, "354")
        if answer != "354":
            await self.push(answer)
            return
        await super().smtp_DATA(arg)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.session is None:  # not again after STARTTLS
            self.event_handler.greeted()
        super().connection_made(transport)

    def _handle_client(self) -> Any:
        return self._quietly(super()._handle_client())

    async def _quietly(self, handling: Any) -> None:
        try:
            await handling
        except (ConnectionError, asyncio.CancelledError):
            abort(self)


class Door:
    """The office's server on a free port of loopback, on an event loop in a thread of its own."""

    def __init__(self, office: Office, tls: ssl.SSLContext | None, **more: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

        async def listen() -> asyncio.Server:
            return await self._loop.create_server(
                lambda: Server(office, loop=self._loop, **more), "127.0.0.1", 0, ssl=tls
            )

        self._server = asyncio.run_coroutine_threadsafe(listen(), self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        async def end() -> None:
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
