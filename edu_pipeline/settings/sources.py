"""`[[sources]]` of `pipeline.toml`: systems that exports are fetched from before they are read."""

import datetime as dt
from typing import Annotated, Literal
from urllib.parse import urlparse

from pydantic import AfterValidator, Field, StringConstraints

from edu_pipeline.settings.part import Part

_HERE = ("127.0.0.1", "localhost", "::1")


def _safe(url: str) -> str:
    place = urlparse(url)
    if place.scheme != "https" and not (place.scheme == "http" and place.hostname in _HERE):
        raise ValueError(f"{url!r} must begin with https://, for a secret is sent there")
    if place.username or place.password:
        raise ValueError("a secret must not stand in a file: take it out of the address")
    return url.rstrip("/")


_Url = Annotated[str, AfterValidator(_safe)]


class Fetched(Part):
    """A system that exports are fetched from."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description=(
            "Short name: small letters, digits and `_`. What is fetched lands as `school/<name>.zip`; "
            "`EDU_PIPELINE_<NAME>_ID` and `EDU_PIPELINE_<NAME>_SECRET` in the environment log in."
        )
    )
    kind: Literal["oneroster"] = Field("oneroster", description="What it speaks.")
    url: _Url = Field(
        description="Where its interface begins, such as `https://sis.example/ims/oneroster`."
    )
    token_url: _Url = Field(description="Where it gives out tokens (OAuth 2, client credentials).")
    version: Literal["1.1", "1.2"] = Field("1.2", description="Of OneRoster.")
    scope: str = Field(
        "", description="What to ask for, where it needs to be told; default: as OneRoster has it."
    )
    gradebook: bool = Field(True, description="Whether assignments and results are fetched, too.")
    at: dt.time = Field(
        dt.time(5), description="When the UI fetches it every day, in the school's time zone."
    )

    @property
    def variables(self) -> tuple[str, str]:
        """The variables of the environment with its id and its secret."""
        return f"EDU_PIPELINE_{self.name.upper()}_ID", f"EDU_PIPELINE_{self.name.upper()}_SECRET"
