"""Why a letter must wait for a person: looked at for every letter of any job, before it is queued.

Pure. Each reason concerns one letter, so the others go out. A reason says what to do and quotes
nothing personal: it is kept in the ledger and shown to whoever looks after the mail.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from html import escape

from email_validator import EmailNotValidError, validate_email

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.letter import Address, Letter
from edu_pipeline.mail.names import Names, foreign_names
from edu_pipeline.mail.render import lint
from edu_pipeline.settings.mail import Mail

MOST_MESSAGE_BYTES = 30_000_000
"""SendGrid refuses more; many servers refuse less."""
_BASE64 = 1.37
"""What base64 with its line breaks makes of a byte."""
_QUOTED_PRINTABLE = 3
"""What quoted-printable makes of a byte at most."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNSUBSCRIBE_URL = re.compile(r"<(https://[^>]+)>")


def hold_reason(letter: Letter, known: Names, mail: Mail, *, alone: bool) -> str | None:
    """Why a letter must wait.

    Args:
        letter: As it would be sent; its address or name may be missing.
        known: Full names of everybody who must not be named to just anyone.
        mail: From the settings.
        alone: Whether no other letter of the period goes to its address.

    Returns:
        One sentence or more, its own `hold` first; None where it need not wait.
    """
    letter = replace(letter, recipient=_whole(letter.recipient))
    found = [
        *filter(None, [letter.hold]),
        *_address(letter, mail, alone=alone),
        *_headers(letter),
        *_nul(letter),
        *_way_out(letter, mail),
        *_size(letter),
        *lint(letter.html),
        *_names(letter, known),
    ]
    return " ".join(found) or None


NOT_ALLOWED = (
    "The recipient's address is outside [mail] allowed in pipeline.toml. Add its domain there, or "
    "correct the address in the source data."
)


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


def _address(letter: Letter, mail: Mail, *, alone: bool) -> Iterator[str]:
    email = letter.recipient.email
    if not email:
        yield "The recipient has no e-mail address. Add it in the source data."
    elif not can_be_addressed(email):
        yield "The recipient's e-mail address is not valid. Correct it in the source data."
    elif mail.leaves and mail.mode == "live" and not is_allowed(email, mail.allowed):
        yield NOT_ALLOWED
    if email and not alone:
        yield (
            "Another letter of the same period goes to the same address. Give each person their "
            "own in the source data."
        )
    for whose, sender in (("sender", letter.sender.email), ("reply-to", letter.reply_to)):
        if not can_be_addressed(sender):
            yield f"The {whose} address is not valid. Correct it in pipeline.toml."


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


def _way_out(letter: Letter, mail: Mail) -> Iterator[str]:
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
    address = (mail.postal_address or "").split()
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
