"""How headers are compared."""

import functools
import re


@functools.lru_cache(maxsize=10_000)
def normal(header: str) -> str:
    """A header without case, punctuation and PowerSchool's `[1]`, so spellings compare equal."""
    return re.sub(r"[\W_]", "", re.sub(r"^\s*\[\d+\]", "", header.casefold()))


def word_set(text: str) -> frozenset[str]:
    """The words of a text: for lists of what headers and cells say."""
    return frozenset(text.split())
