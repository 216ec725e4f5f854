"""Dagster's web server with the home's pages beside it, under `/pages`: a browser opens no file from there.

Run as a module, with the names by which it may be asked for pages (with commas; `*` for any, nothing
for no pages, as they name people), and then the arguments of `dagster-webserver`.
"""

import importlib
import sys
from typing import Any

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response
from starlette.routing import Mount, Router
from starlette.staticfiles import StaticFiles

from edu_pipeline.settings.home import PAGES, Home
from edu_pipeline.wiring.environment import home_from_environment

_DAGSTERS: Any = importlib.import_module("dagster_webserver.cli")


class _Files(StaticFiles):
    """Files as they are now; a letter runs no script, for it would act as whoever is logged in."""

    def __init__(self, folder: str, *, scripts: bool) -> None:
        super().__init__(directory=folder, check_dir=False, html=True)
        self._scripts = scripts

    async def get_response(self, path: str, scope: Any) -> Response:  # noqa: ANN401 - Starlette's
        """A file, not to be kept by the browser or by anything between."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-store"
        if not self._scripts:
            response.headers["Content-Security-Policy"] = "script-src 'none'; object-src 'none'"
        return response


def pages_of(home: Home, hosts: list[str]) -> Mount:
    """The home's pages and letters, at the same places as in its data folder.

    Args:
        home: Whose.
        hosts: By which names they may be asked for, so that no other site's name leads to them.
    """
    folders = Router(
        [
            Mount("/site", _Files(str(home.site), scripts=True)),
            Mount("/outbox", _Files(str(home.outbox), scripts=False)),
        ]
    )
    return Mount(PAGES, TrustedHostMiddleware(folders, allowed_hosts=hosts))


def main() -> None:
    """Start the server."""
    hosts = sys.argv.pop(1).split(",")
    make = _DAGSTERS.create_app_from_workspace_process_context

    def with_pages(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - Dagster's
        app = make(*args, **options)
        if any(hosts):
            app.router.routes.insert(0, pages_of(home_from_environment(), hosts))
        return app

    # its command offers no other way to add a route
    _DAGSTERS.create_app_from_workspace_process_context = with_pages
    _DAGSTERS.main()


if __name__ == "__main__":
    main()
