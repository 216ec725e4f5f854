"""Reading lists over HTTP, whole or not at all: tokens, patience, pages."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlparse

import httpx

from edu_pipeline.landing.stores import LandingError

PAGE = 1000
"""Objects that are asked for at once; a server may give fewer."""
_TRIES = 5
_BUSY = {429, 500, 502, 503, 504}
"""Answers after which asking again may help."""
_LONGEST = 120.0
"""Seconds that are waited at most before asking again."""
_TIMEOUT = 60.0
_UNAUTHORISED, _NOT_FOUND = 401, 404
Object = Mapping[str, Any]


class Rest:
    """A system that one logs in to with an id and a secret; close it after use."""

    def __init__(
        self,
        token_url: str,
        login: tuple[str, str],
        scope: str,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is asked yet.

        Args:
            token_url: Where it gives out tokens.
            login: Id and secret.
            scope: What is asked for.
            wait: Passes some seconds.
        """
        self._token_url, self._login, self._scope, self._wait = token_url, login, scope, wait
        self._http = httpx.Client(timeout=_TIMEOUT)
        self._token = ""

    def close(self) -> None:
        """Let go of its connections."""
        self._http.close()

    def pages(self, url: str, key: str) -> Iterator[list[Object]]:
        """All objects of a list, page by page, each of them once.

        The next page is where the answer's `Link` says, else behind what came so far; the end is where
        `X-Total-Count` says, else where no `Link` leads on, else at a page without objects.

        Args:
            url: Of the list.
            key: What the answer calls it.

        Raises:
            LandingError: The server does not give it, or gives less, more or other than it says.
        """
        seen: set[str] = set()
        following, linked = url, False
        while following:
            params = None if linked else {"limit": str(PAGE), "offset": str(len(seen))}
            answer = self._get(following, params)
            found = _objects(answer, url, key)
            before = len(seen)
            seen |= {each["sourcedId"] for each in found}
            if len(seen) < before + len(found):
                raise LandingError(
                    f"{url} gave an object twice, as if its list changed meanwhile or a page came again. Nothing was "
                    "changed; fetch again."
                )
            yield found
            said = answer.headers.get("X-Total-Count", "")
            total = int(said) if said.isdecimal() else None
            link = answer.links.get("next", {}).get("url")
            if total is not None and (len(seen) > total or (not found and len(seen) < total)):
                raise LandingError(
                    f"{url} says that it has {total:,} objects and gave {len(seen):,}. Nothing was changed; "
                    "fetch again."
                )
            if not found or (len(seen) == total if total is not None else linked and not link):
                return
            following, linked = (self._same_server(url, link), True) if link else (url, False)

    def _same_server(self, url: str, link: str) -> str:
        """A link of an answer; the token is for nobody else."""
        target = str(httpx.URL(url).join(link))
        if _origin(target) != _origin(url):
            raise LandingError(f"{url} leads on to another server, which is not asked.")
        return target

    def _get(self, url: str, params: Mapping[str, str] | None) -> httpx.Response:
        for fresh in (False, True):
            if fresh or not self._token:
                self._token = self._new_token()
            bearer = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
            answer = self._patiently("GET", url, headers=bearer, params=params)
            if answer.status_code != _UNAUTHORISED:
                break  # else the token ended, perhaps
        if answer.status_code == _NOT_FOUND:
            raise LandingError(
                f"{url} is not there (404). Check url and version of [[sources]], or say gradebook = false if "
                "the system has none."
            )
        if not answer.is_success:
            raise LandingError(
                f"{url} does not give what it was asked for ({answer.status_code}). Check what the system lets this "
                "id read. Nothing was changed."
            )
        return answer

    def _new_token(self) -> str:
        form = {"grant_type": "client_credentials"} | (
            {"scope": self._scope} if self._scope else {}
        )
        answer = self._patiently("POST", self._token_url, data=form, auth=self._login)
        try:
            token = answer.json()["access_token"] if answer.is_success else None
        except (ValueError, KeyError, TypeError):
            token = None
        if not isinstance(token, str):
            raise LandingError(
                f"{self._token_url} gives no token ({answer.status_code}). Check the id and the secret in the "
                "environment, and token_url and scope of [[sources]]."
            )
        return token

    def _patiently(self, method: str, url: str, **said: Any) -> httpx.Response:  # noqa: ANN401
        """Ask, and ask again where that may help; of the last answer, if there is none but errors, why."""
        for attempt in range(_TRIES):
            pause, why = 2.0**attempt, ""
            try:
                answer = self._http.request(method, url, **said)
                if answer.status_code not in _BUSY:
                    return answer
                why = f"answers {answer.status_code}"
                pause = _asked_to_wait(answer.headers.get("Retry-After", "")) or pause
            except httpx.TransportError as error:
                why = f"cannot be reached or stopped in the middle ({type(error).__name__})"
            if attempt < _TRIES - 1:
                self._wait(min(pause, _LONGEST))
        raise LandingError(f"{url} {why}, {_TRIES} times. Nothing was changed; fetch again later.")


def _objects(answer: httpx.Response, url: str, key: str) -> list[Object]:
    try:
        found = answer.json()[key]
        if isinstance(found, list) and all(isinstance(each["sourcedId"], str) for each in found):
            return found
    except (ValueError, KeyError, TypeError):
        pass
    raise LandingError(
        f"{url} answered something else than a list of {key} with a sourcedId each. Check url and version of "
        "[[sources]]. Nothing was changed."
    )


def _asked_to_wait(said: str) -> float | None:
    """Seconds of a `Retry-After`, which may be a date."""
    if said.isdecimal():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _origin(url: str) -> tuple[str, str]:
    place = urlparse(url)
    return place.scheme, place.netloc
