"""An e-mail message from a frozen letter: the same letter gives the same bytes but for Date.

Addresses, headers, parts and ids are made here; wording and HTML come from the jobs, and how the
message leaves the house is the transports'.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from email import headerregistry
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.policy import SMTP

from edu_pipeline.mail.ledger import FrozenLetter
from edu_pipeline.mail.letter import Address, Image

_CID = re.compile(r"""(?<=["'])cid:([^"']*)(?=["'])""")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


class UnsendableError(ValueError):
    """The letter cannot become a message; the sentence names the part, never its content."""


def message_id(letter: FrozenLetter) -> str:
    """The Message-ID that this letter always has."""
    return f"<{_hash(letter, 'message')}@{_domain(letter)}>"


def with_images(letter: FrozenLetter, url: Callable[[Image], str]) -> str:
    """The letter's HTML with every `cid:NAME` replaced by that image's URL.

    Raises:
        UnsendableError: The HTML shows an image that the letter does not carry.
    """
    urls = {image.name: url(image) for image in letter.images}

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if name not in urls:
            raise UnsendableError(f"The HTML shows the image {name!r}, which is not in the letter.")
        return urls[name]

    return _CID.sub(replaced, letter.html)


def to_message(letter: FrozenLetter, now: datetime) -> EmailMessage:
    """Text and HTML as alternatives, the images related to the HTML.

    Raises:
        UnsendableError: A header holds a line break, an address is malformed, an image is missing.
    """
    cids = {
        image.name: f"{_hash(letter, image.name)[:16]}.{_hash(letter, 'image')[:16]}"
        f"@{_domain(letter)}"
        for image in letter.images
    }
    message = EmailMessage(policy=SMTP)
    message["From"] = _mailbox("sender", letter.sender)
    message["To"] = _mailbox("recipient", letter.recipient)
    message["Reply-To"] = _mailbox("reply-to", Address(letter.reply_to))
    message["Subject"] = _one_line("subject", letter.subject)
    message["Date"] = now
    message["Message-ID"] = message_id(letter)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(
        with_images(letter, lambda image: f"cid:{cids[image.name]}"),
        subtype="html",
        cte="quoted-printable",
    )
    html = next(part for part in message.iter_parts() if part.get_content_subtype() == "html")
    for image in letter.images:
        html.add_related(
            image.png,
            maintype="image",
            subtype="png",
            cid=f"<{cids[image.name]}>",
            disposition="inline",
            filename=f"{image.name}.png",
        )
    message.set_boundary(f"=_{_hash(letter, 'alternative')}")
    if html.is_multipart():
        html.set_boundary(f"=_{_hash(letter, 'related')}")
    return message


def _hash(letter: FrozenLetter, purpose: str) -> str:
    text = f"{letter.key}\n{letter.digest}\n{purpose}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _domain(letter: FrozenLetter) -> str:
    return _mailbox("sender", letter.sender).domain


def _one_line(part: str, value: str) -> str:
    if _CONTROL.search(value):
        raise UnsendableError(
            f"The {part} holds a line break or control character; remove it in the source data."
        )
    return value


def _mailbox(part: str, address: Address) -> headerregistry.Address:
    name = _one_line(f"{part}'s name", address.name)
    email = _one_line(f"{part}'s address", address.email)
    try:
        mailbox = headerregistry.Address(name, addr_spec=email)
    except (HeaderParseError, ValueError, IndexError):
        mailbox = headerregistry.Address()
    if not mailbox.username or not mailbox.domain or not email.isascii():
        raise UnsendableError(
            f"The {part}'s address is not a plain e-mail address; correct it in the source data."
        ) from None
    return mailbox
