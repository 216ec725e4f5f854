"""The small server behind the links in letters: a carrier's events come in, recipients get out.

It stands behind a proxy that speaks https. Nothing here tells who is written to: pages name the
campaign, logs hold numbers, and requests are not logged at all, because a link is a key.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

import jinja2
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edu_pipeline.ground.templates import render_text
from edu_pipeline.mail import signature
from edu_pipeline.mail.events import parse
from edu_pipeline.mail.ledger import suppressions
from edu_pipeline.mail.ledger.database import Database
from edu_pipeline.mail.ledger.events import record_events
from edu_pipeline.mail.links import Subscription, opt_out_url, read_token
from edu_pipeline.settings.home import Settings

MOST_EVENT_BYTES = 5_000_000
MOST_FORM_BYTES = 10_000
HOST = "127.0.0.1"
PORT = 8025

_PATIENCE_SECONDS = 30
_MOST_AT_ONCE = 40
_LOG = logging.getLogger(__name__)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def _utc_now() -> datetime:
    return datetime.now(UTC)


def app(
    ledger: Database,
    settings: Settings,
    templates: jinja2.Environment,
    now: Callable[[], datetime] = _utc_now,
) -> Starlette:
    """The server's application.

    Without a webhook key in the settings, every event is refused.

    Args:
        ledger: Open as long as the server runs.
        settings: Whose letters, which key, which tracking.
        templates: From `render.environment`, with the folder `web`.
        now: The clock.

    Raises:
        WebhookKeyError: The webhook key in the settings is none.
    """
    if settings.mail.sendgrid.webhook_key is not None:
        signature.load(settings.mail.sendgrid.webhook_key)
    pages = _Pages(ledger, settings, templates, now, ledger.identity("token_key"))
    application = Starlette(
        routes=[
            Route("/events", pages.events, methods=["POST"], max_body_size=MOST_EVENT_BYTES),
            Route("/out/{token}", pages.out, methods=["GET", "POST"]),
            Route("/out/{token}/again", pages.again, methods=["POST"]),
        ],
        middleware=[Middleware(_Guarded)],
        exception_handlers={HTTPException: pages.refused},
        max_body_size=MOST_FORM_BYTES,
    )
    application.router.redirect_slashes = False
    return application


def serve(application: Starlette, *, host: str = HOST, port: int = PORT) -> None:
    """Serve until interrupted.

    Only this machine can reach it unless `host` says otherwise: a proxy in front of it speaks https
    to the world.
    """
    uvicorn.Server(server_config(application, host=host, port=port)).run()


def server_config(application: Starlette, *, host: str, port: int) -> uvicorn.Config:
    """How it is served: no log of requests, and no guessing from a proxy's headers."""
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        limit_concurrency=_MOST_AT_ONCE,
        timeout_graceful_shutdown=10,
    )


@dataclass(frozen=True)
class _Pages:
    ledger: Database
    settings: Settings
    templates: jinja2.Environment
    now: Callable[[], datetime]
    token_key: str

    async def events(self, request: Request) -> Response:
        """Take the carrier's events: nothing is read before the signature is, and 204 means kept."""
        raw = await _body(request)
        key = self.settings.mail.sendgrid.webhook_key
        if key is None or not signature.verify(
            key,
            raw,
            request.headers.get(signature.SIGNATURE_HEADER),
            request.headers.get(signature.TIMESTAMP_HEADER),
            self.now(),
        ):
            _LOG.warning("Events refused: not signed with mail.sendgrid.webhook_key, or too old.")
            return Response(status_code=401)
        parsed = parse(raw)
        counts = await _from_ledger(
            record_events,
            self.ledger,
            parsed.events,
            now=self.now(),
            tracking=self.settings.mail.tracking,
        )
        _LOG.info("%s, malformed %d, ignored %d", counts, parsed.malformed, parsed.ignored)
        return Response(status_code=204)

    async def out(self, request: Request) -> Response:
        """Show a button; only pressing it stops letters, because scanners follow every link.

        Mail programs post RFC 8058's form here. Whatever the form says: who posts wants out.
        """
        wanted = self._subscription(request)
        if request.method != "POST":
            stopped = await _from_ledger(suppressions.has_stopped, self.ledger, wanted)
            return self._page(request, wanted, stopped=stopped, done=False)
        await _body(request)
        known = await _from_ledger(suppressions.stop, self.ledger, wanted, now=self.now())
        return self._page(request, wanted, stopped=True if known else None, done=True)

    async def again(self, request: Request) -> Response:
        """Take letters up again."""
        wanted = self._subscription(request)
        await _body(request)
        known = await _from_ledger(suppressions.resume, self.ledger, wanted, now=self.now())
        return self._page(request, wanted, stopped=False if known else None, done=True)

    async def refused(self, request: Request, error: Exception) -> Response:
        """Say in a sentence why a request was refused."""
        del request  # what was asked for may be a key
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        return HTMLResponse(self._rendered("refused", status=status), status, headers)

    def _subscription(self, request: Request) -> Subscription:
        subscription = read_token(self.token_key, request.path_params["token"])
        if subscription is None:
            raise HTTPException(404)
        return subscription

    def _page(
        self, request: Request, wanted: Subscription, *, stopped: bool | None, done: bool
    ) -> Response:
        if stopped is None:  # no letter to this person is known any more
            raise HTTPException(404)
        # below the path at which a proxy shows this server
        base = urlsplit(self.settings.mail.public_url or "").path
        here = opt_out_url(base, request.path_params["token"])
        return HTMLResponse(
            self._rendered("out", campaign=wanted.campaign, here=here, stopped=stopped, done=done)
        )

    def _rendered(self, template: str, **values: object) -> str:
        context = {"school": self.settings.called, **values}
        return render_text(self.templates, f"web/{template}.html.j2", context)


async def _body(request: Request) -> bytes:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await request.body()
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None


async def _from_ledger(
    ask: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Answer:
    """Ask the ledger beside the event loop; where it fails, the carrier comes again later."""
    try:
        return await run_in_threadpool(ask, *args, **kwargs)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not kept; try again
        # only the kind: the text may hold an address
        _LOG.error("The ledger did not take a request: %s", type(error).__name__)
        raise HTTPException(503) from None


class _Guarded:
    """Says to browsers and search engines what they must not do with any answer."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._inner(scope, receive, guarded)
