"""Names of students, made comparable: by case, accents, punctuation and order, never by likeness."""

import re
import unicodedata

_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
"""Letters that are no letter with an accent."""


def shown(name: str | None, given: str | None = None, family: str | None = None) -> str | None:
    """A student's name as people read it, given name first; None where there is none."""
    if given or family:
        parts = (given, family)
    else:
        last, comma, first = (name or "").partition(",")
        parts = (first, last) if comma else (last, "")
    found = " ".join(" ".join(filter(None, parts)).split())
    return found or None


def normal_name(name: str) -> str:
    """A name in small letters without accents and punctuation, such as `zoe o brien`.

    `Last, First` is turned round.
    """
    turned = shown(name) or ""
    letters = unicodedata.normalize("NFKD", turned.casefold().translate(_PLAIN))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[\W_]+", " ", plain.translate(_PLAIN)).split())


def match_key(name: str) -> str:
    """What two spellings of one name have in common: `O'Brien`, `OBrien` and `O Brien` are one."""
    return normal_name(name).replace(" ", "")
