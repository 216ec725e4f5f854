"""E-mail addresses: their form, and how they are compared."""

import re

_ADDRESS = re.compile(r"""[^@\s<>()\[\]\\,;:"]{1,64}@[^@\s<>()\[\]\\,;:"]{1,255}""")


def same_address(email: str) -> str:
    """An address as it is compared: without spaces around it, in lower case."""
    return email.strip().lower()


def is_address(email: str) -> bool:
    """Whether it has the form of a mailbox; not whether there is one."""
    return bool(_ADDRESS.fullmatch(email)) and email.isprintable()
