"""An e-mail message from a frozen letter: the same letter gives the same bytes but for Date.

Addresses, headers, parts and ids are made here; wording and HTML come from the jobs, and how the
message leaves the house is the transports'.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email import headerregistry
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import lru_cache

from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.letter import Address, Image, Letter

# quickly found, because it begins with what is searched for and looks behind only there
_CID = re.compile(r"""cid:(?<=["']cid:)([^"']*)(?=["'])""")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_OURS = re.compile(
    r"(?i)from|to|cc|bcc|sender|reply-to|subject|date|message-id|auto-submitted|mime-version"
    r"|return-path|received|dkim-signature|(content|resent|x-sg)-.*"
)
"""Headers that the mail room or the carrier sets."""
_LONGEST_LINE = 998


class _Verbatim(headerregistry.UnstructuredHeader):
    """A header in ASCII: folded after commas, where the default would encode long addresses."""

    name: str

    def fold(self, *, policy: EmailPolicy) -> str:
        return f"{self.name}: {self}{policy.linesep}".replace(", ", f",{policy.linesep} ")


_POLICY = SMTP.clone(header_factory=headerregistry.HeaderRegistry(default_class=_Verbatim))


class UnsendableError(ValueError):
    """The letter cannot become a message; the sentence names the part, never its content."""


@dataclass(frozen=True)
class Envelope:
    """Who writes to whom about what, checked: no line breaks, plain addresses, free headers."""

    sender: headerregistry.Address
    recipient: headerregistry.Address
    reply_to: headerregistry.Address
    subject: str
    headers: Mapping[str, str]
    """More headers, such as List-Unsubscribe; ASCII."""


def envelope(letter: FrozenLetter) -> Envelope:
    """What every carrier needs to know of a letter besides its content.

    Raises:
        UnsendableError: A header holds a line break, an address is malformed, a header is not free.
    """
    return Envelope(
        sender=_mailbox("sender", letter.sender),
        recipient=_mailbox("recipient", letter.recipient),
        reply_to=_mailbox("reply-to", Address(letter.reply_to)),
        subject=_one_line("subject", letter.subject),
        headers={"Auto-Submitted": "auto-generated"}
        | {name: _free(name, letter.headers[name]) for name in sorted(letter.headers)},
    )


def message_id(letter: FrozenLetter) -> str:
    """The Message-ID that this letter always has."""
    return f"<{_hash(letter, 'message')}@{_domain(letter)}>"


def content_ids(letter: FrozenLetter) -> Mapping[str, str]:
    """By image name the Content-ID, which no image of any other letter has."""
    return {
        image.name: f"{_hash(letter, image.name)[:16]}.{_hash(letter, 'image')[:16]}"
        f"@{_domain(letter)}"
        for image in letter.images
    }


def with_images(letter: FrozenLetter | Letter, url: Callable[[Image], str]) -> str:
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
        UnsendableError: As `envelope` says, or an image is missing.
    """
    known = envelope(letter)
    cids = content_ids(letter)
    message = EmailMessage(policy=_POLICY)
    message["From"] = known.sender
    message["To"] = known.recipient
    message["Reply-To"] = known.reply_to
    message["Subject"] = known.subject
    message["Date"] = now
    message["Message-ID"] = message_id(letter)
    for name, value in known.headers.items():
        message[name] = value
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


def _free(name: str, value: str) -> str:
    if not _HEADER_NAME.fullmatch(name) or _OURS.fullmatch(name):
        raise UnsendableError("A letter may not set one of its headers; take it out of the letter.")
    _one_line("header", value)
    if not value.isascii() or any(len(piece) > _LONGEST_LINE // 2 for piece in value.split(", ")):
        raise UnsendableError("A header of the letter is not plain ASCII, or is too long.")
    return value


@lru_cache(maxsize=16)  # the sender's is the same in every letter, and asked for each image
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
