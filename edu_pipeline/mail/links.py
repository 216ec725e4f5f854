"""Links by which a recipient stops letters, and the headers that let a mail program do it.

A link holds a signed token that says whose letters of which campaign, in opaque words. It does not
expire: a way out must work as long as the letter exists.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer

_PURPOSE = "edu-pipeline.out.1"
_LONGEST = 500
_OUT = re.compile(r"(?<=/out/)\.?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{20,}")
_NOBODY = "test"


@dataclass(frozen=True)
class Subscription:
    """The letters of one campaign to one person."""

    campaign: str
    recipient_key: str


def token(token_key: str, campaign: str, recipient_key: str) -> str:
    """A signed name of a subscription, safe in a URL; the same for each of its letters.

    Args:
        token_key: The ledger's secret; whoever has it can make links.
        campaign: Such as `teachers`.
        recipient_key: Opaque; anybody who has the link can read it.
    """
    return str(URLSafeSerializer(token_key, salt=_PURPOSE).dumps([campaign, recipient_key]))


def read_token(token_key: str, text: str) -> Subscription | None:
    """What a token names; None where it was not made with this key."""
    if len(text) > _LONGEST:
        return None
    try:
        campaign, recipient_key = URLSafeSerializer(token_key, salt=_PURPOSE).loads(text)
    except (BadData, ValueError, TypeError):
        return None
    return Subscription(str(campaign), str(recipient_key))


def opt_out_url(public_url: str, token: str) -> str:
    """Where the page of a token is, below the address under which `mail webhook` is reached."""
    return f"{public_url.rstrip('/')}/out/{token}"


def ways_out(public_url: str | None, token_key: str, campaign: str) -> Callable[[str], str] | None:
    """Recipient key → the link by which they stop a campaign's letters; None without a page."""
    if public_url is None:
        return None
    return lambda key: opt_out_url(public_url, token(token_key, campaign, key))


def disarmed(text: str) -> str:
    """Text or HTML whose opt-out links are nobody's: the page behind them says so."""
    return _OUT.sub(_NOBODY, text)


def opt_out_headers(url: str, mailto: str) -> Mapping[str, str]:
    """The headers of RFC 2369 and RFC 8058, for a button "unsubscribe" in mail programs.

    Args:
        url: From `opt_out_url`; RFC 8058 wants https.
        mailto: A mailbox that somebody reads, for programs that would rather write.

    Raises:
        ValueError: The URL is not https, so mail programs would not use it.
    """
    if not url.startswith("https://"):
        raise ValueError(
            "Links that stop letters must be https, or mail programs do not offer them. Set "
            "mail.public_url to the https address under which `edu-pipeline mail webhook` is reached."
        )
    return {
        "List-Unsubscribe": f"<{url}>, <mailto:{quote(mailto, safe='@+')}?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
