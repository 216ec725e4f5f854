"""Why a letter must wait for a person: looked at for every letter of any job, before it is queued.

Pure. Each reason concerns one letter, so the others go out. A reason says what to do and quotes
nothing personal: it is kept in the ledger and shown to whoever looks after the mail.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from html import escape

from email_validator import EmailNotValidError, validate_email

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.letter import Address, Letter
from edu_pipeline.mail.names import Names, foreign_names
from edu_pipeline.mail.render import lint
from edu_pipeline.settings.letters import is_nobodys

MOST_MESSAGE_BYTES = 30_000_000
"""SendGrid refuses more; many servers refuse less."""
_BASE64 = 1.37
"""What base64 with its line breaks makes of a byte."""
_QUOTED_PRINTABLE = 3
"""What quoted-printable makes of a byte at most."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNSUBSCRIBE_URL = re.compile(r"<(https://[^>]+)>")

NOT_ALLOWED = (
    "The recipient's address is outside [mail] allowed in pipeline.toml. Add its domain there, or "
    "correct the address in the source data."
)
NO_ADDRESSEE = (
    "The last refresh found nobody with this address in the exports, and these letters may go to nobody "
    'else (allowed = "learners"). Where that was set since, or newer exports have the address: '
    "edu-pipeline programmes nudge."
)
MADE_UP_SENDER = (
    "It would come from the made-up sample's sender, or from nobody. Say who writes: from_name and "
    "from_email of [letters], or of the programme's [programmes.post], in pipeline.toml."
)


@dataclass(frozen=True)
class Limit:
    """Whom letters of a campaign may reach where they leave the machine, and who may write them."""

    allowed: Collection[str] = ()
    """Addresses and domains."""
    is_addressee: Callable[[str], bool] | None = None
    """In the place of `allowed`: whether the exports have an address now."""

    def why_not_to(self, email: str) -> str | None:
        """Why a letter may not go to an address; None where it may."""
        if self.is_addressee is not None:
            return None if self.is_addressee(email) else NO_ADDRESSEE
        return None if is_allowed(email, self.allowed) else NOT_ALLOWED

    def why_not(self, email: str, sender: Address) -> str | None:
        """Why a letter may not leave the machine; None where it may."""
        return self.why_not_to(email) or why_not_from(sender)


def why_not_from(sender: Address) -> str | None:
    """Why nobody outside may get a letter of this sender; None where they may."""
    return MADE_UP_SENDER if is_nobodys(sender.email, sender.name) else None


def hold_reason(
    letter: Letter, known: Names, *, alone: bool, limit: Limit | None, postal_address: str | None
) -> str | None:
    """Why a letter must wait.

    Args:
        letter: As it would be sent; its address or name may be missing.
        known: Full names of everybody who must not be named to just anyone.
        alone: Whether no other letter of the period goes to its address.
        limit: Whom letters may reach; None where none leaves the machine.
        postal_address: What a letter must show that offers a way out.

    Returns:
        One sentence or more, its own `hold` first; None where it need not wait.
    """
    letter = replace(letter, recipient=_whole(letter.recipient))
    found = [
        *filter(None, [letter.hold]),
        *_address(letter, limit, alone=alone),
        *_headers(letter),
        *_nul(letter),
        *_way_out(letter, postal_address),
        *_size(letter),
        *lint(letter.html),
        *_names(letter, known),
    ]
    return " ".join(found) or None


def is_allowed(email: str, allowed: Collection[str]) -> bool:
    """Whether a letter may go to an address.

    Args:
        email: The address.
        allowed: Addresses, and domains such as `school.org`, which do not include `mail.school.org`.
    """
    address = same_address(email)
    known = {same_address(entry).removeprefix("@") for entry in allowed}
    return address in known or address.rpartition("@")[2] in known


def can_be_addressed(email: str) -> bool:
    """Whether every mail server takes such an address; not whether there is one."""
    try:
        validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return email.isascii()  # not every server takes other characters


def _whole(recipient: Address) -> Address:
    """A job may know of somebody without an address, or without a name."""
    return Address(recipient.email or "", recipient.name or "")


def _address(letter: Letter, limit: Limit | None, *, alone: bool) -> Iterator[str]:
    email = letter.recipient.email
    if not email:
        yield "The recipient has no e-mail address. Add it in the source data."
    elif not can_be_addressed(email):
        yield "The recipient's e-mail address is not valid. Correct it in the source data."
    elif limit and (why := limit.why_not_to(email)):
        yield why
    if email and not alone:
        yield (
            "Another letter of the same period goes to the same address. Give each person their "
            "own in the source data."
        )
    for whose, sender in (("sender", letter.sender.email), ("reply-to", letter.reply_to)):
        if not can_be_addressed(sender):
            yield f"The {whose} address is not valid. Correct it in pipeline.toml."
    if limit and (why := why_not_from(letter.sender)):
        yield why


def _headers(letter: Letter) -> Iterator[str]:
    for what, value in (
        ("recipient's name", letter.recipient.name),
        ("sender's name", letter.sender.name),
        ("subject", letter.subject),
        ("headers", "".join(f"{name}{value}" for name, value in letter.headers.items())),
    ):
        if _CONTROL.search(value):
            yield (
                f"The {what} would hold a line break or another control character, with which "
                "headers can be forged. Remove it in the source data."
            )


def _nul(letter: Letter) -> Iterator[str]:
    if "\x00" in letter.html or "\x00" in letter.text:
        yield (
            "Its text holds a character that no mail can hold (NUL). Look for it in the letter's "
            "proof, and remove it in the source data."
        )


def _way_out(letter: Letter, postal_address: str | None) -> Iterator[str]:
    if not letter.opt_out:
        return
    headers = {name.casefold(): value for name, value in letter.headers.items()}
    link = _UNSUBSCRIBE_URL.search(headers.get("list-unsubscribe", ""))
    if not (
        link
        and "list-unsubscribe-post" in headers
        and link[1] in letter.html
        and link[1] in letter.text
    ):
        yield (
            "There is no way to stop these letters. Set [mail] public_url in pipeline.toml, and "
            "show the link in the template's HTML and text."
        )
    address = (postal_address or "").split()
    if not address or not all(
        word in letter.text and escape(word, quote=False) in letter.html for word in address
    ):
        yield (
            "There is no postal address in it, as the law wants. Set [mail] postal_address in "
            "pipeline.toml, and show it in the template."
        )


def _size(letter: Letter) -> Iterator[str]:
    words = len(letter.html.encode()) + len(letter.text.encode())
    images = sum(len(image.png) for image in letter.images)
    size = words * _QUOTED_PRINTABLE + images * _BASE64
    if size > MOST_MESSAGE_BYTES:
        yield (
            f"The message has {size / 1e6:.0f} MB with its images; keep it below "
            f"{MOST_MESSAGE_BYTES / 1e6:.0f} MB, or it is refused. Use fewer or smaller images."
        )


def _names(letter: Letter, known: Names) -> Iterator[str]:
    if found := foreign_names(letter, known):
        whom = "1 person" if found == 1 else f"{found} people"
        yield (
            f"It shows the full name of {whom} whom this letter may not name. Look for it in the "
            "letter's proof, and correct the template that puts it there."
        )
