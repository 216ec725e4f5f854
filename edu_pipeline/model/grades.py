"""Grades of UK qualifications as points on the scale of 9–1 GCSEs, where U is 0.

Points of legacy and vocational grades are those of the Department for Education's performance tables
of 2019. Pure: a text in, a number out; how often a text stands somewhere is for the caller to group.
"""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

HIGHEST = 9.0
U = 0.0

LETTERS: Mapping[str, float] = MappingProxyType(
    {"A*": 8.5, "A": 7.0, "B": 5.5, "C": 4.0, "D": 3.0, "E": 2.0, "F": 1.5, "G": 1.0}
)
"""GCSEs before 2017, and IGCSEs that kept letters."""
LEVEL_2: Mapping[str, float] = MappingProxyType({"D*": 8.5, "D": 7.0, "M": 5.5, "P": 4.0})
"""Distinction, merit and pass of a vocational award at level 2, as BTEC and Cambridge give them."""
LEVEL_1: Mapping[str, float] = MappingProxyType({"D": 3.0, "M": 2.0, "P": 1.25})
"""The same at level 1."""
BTEC_LEVEL_1_PASS = 1.75
"""A BTEC at level 1 that is no tech award has only this grade, written L1P."""
FAILED = ("U", "UU", "U-U", "U/U", "0-0", "FAIL", "UNCLASSIFIED", "UNGRADED")
WORDS: Mapping[str, str] = MappingProxyType(
    {"DISTINCTION": "D", "DIST": "D", "DIS": "D", "MERIT": "M", "MER": "M", "PASS": "P"}
)
ABSENT = frozenset(
    {
        *(
            "X",
            "XX",
            "ABS",
            "ABSENT",
            "DNS",
            "DNA",
            "DNT",
            "NS",
            "NOTSAT",
            "DIDNOTSIT",
            "DIDNOTATTEND",
        ),
        *("DIDNOTTAKE", "NOSHOW", "ILL", "MISSED", "AB"),
    }
)
"""Marks that stand where a grade would, of somebody who did not sit the exam."""
NOTHING = frozenset(
    {
        *("", "-", "--", ".", "?", "#", "N/A", "NA", "#N/A", "#VALUE!", "#REF!", "#DIV/0!", "NAN"),
        *("NONE", "NULL", "TBC", "TBA", "PENDING", "Q"),
    }
)
"""What exports write where there is nothing (yet)."""

_PAIR = re.compile(r"([1-9])(?:\s*[-/&,+]\s*|\s+)([1-9])")
_MONTHS = (*("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),)
_DATES = (
    re.compile(r"\d{4}-(\d\d)-(\d\d)(?:[T ]00:00(?::00)?)?"),
    re.compile(rf"0?([1-9])[-/ ]({'|'.join(_MONTHS)})[A-Z]*(?:[-/ ]\d{{2,4}})?"),
    re.compile(rf"({'|'.join(_MONTHS)})[A-Z]*[-/ ]0?([1-9])"),
    re.compile(r"0?([1-9])/0?([1-9])/\d{2,4}"),
)
"""What Excel makes of 5-4; which of the two is the day does not matter."""


def normal(text: str) -> str:
    """A grade without what spellings differ in: case, spaces at its ends, ½, long dashes."""
    plain = unicodedata.normalize("NFKC", text.replace("½", ".5")).strip().upper()
    return re.sub("[‐‑‒–—−]", "-", plain)


def is_nothing(text: str) -> bool:
    """Whether a cell says that there is no grade (yet)."""
    return normal(text) in NOTHING


def is_absent(text: str) -> bool:
    """Whether a cell says that somebody did not sit the exam."""
    return re.sub(r"[\W_]", "", normal(text)) in ABSENT


def points_of(
    text: str,
    own: Mapping[str, float] | None = None,
    *,
    double: bool = True,
    vocational: bool = False,
    level: int = 2,
) -> float | None:
    """A grade in points, 0 to 9.

    Args:
        text: As received: `7`, `4.5`, `U`, `A*`, `D*2`, `L1P`, `5-4`, `54`, `5/4`.
        own: Grades of the settings, which win.
        double: Whether two figures without a mark between them, such as 54, are a double award.
        vocational: Whether `D` alone is a distinction, not the GCSE's letter.
        level: Of the qualification, 1 or 2, where a distinction, merit or pass does not say it itself.

    Returns:
        None where it is no grade.
    """
    grade = normal(text)
    for theirs, points in (own or {}).items():
        if normal(theirs) == grade:
            return float(points)
    if grade in FAILED:
        return U
    for found in (
        _number(grade),
        _double(grade, bare=double),
        _vocational(grade, level) if vocational or grade not in LETTERS else None,
        LETTERS.get(grade),
    ):
        if found is not None:
            return found
    return None


def _number(grade: str) -> float | None:
    if re.fullmatch(r"\d(?:[.,]\d*)?|[.,]\d+", grade) is None:
        return None
    points = float(grade.replace(",", "."))
    return points if points <= HIGHEST else None


def _double(grade: str, *, bare: bool) -> float | None:
    """The mean of a double award's two grades, which differ by one at most."""
    pair = re.fullmatch(r"([1-9])([1-9])(?:\.0+)?", grade) if bare else None
    if pair is not None and pair[1] < pair[2]:  # 54 is a double award, 45 a mark
        return None
    pair = pair or _PAIR.fullmatch(grade)
    for date in _DATES:
        pair = pair or date.fullmatch(grade)
    if pair is None:
        return None
    first, second = (
        _MONTHS.index(part[:3]) + 1 if part[:3] in _MONTHS else int(part) for part in pair.groups()
    )
    if max(first, second) > HIGHEST or abs(first - second) > 1:
        return None
    return (first + second) / 2


def _vocational(grade: str, of: int = 2) -> float | None:
    """`D*2`, `L2 D*`, `Level 2 Merit`, `*2`, `Dist*`, `Pass`, `L1P`, `P1`."""
    plain = re.sub(r"[\s_.-]|LEVEL", "", grade).replace("LEV", "L")
    found = re.fullmatch(r"(?:L?([12]))?([A-Z]*\*?)(?:L?([12]))?", plain)
    if found is None or (found[1] and found[3]):
        return None
    level, mark = found[1] or found[3] or str(of), found[2]
    starred = mark.endswith("*")
    word = mark.rstrip("*")
    word = WORDS.get(word, word)
    if not word and starred:
        word = "D"
    mark = f"{word}*" if starred else word
    if level == "1":
        return BTEC_LEVEL_1_PASS if plain == "L1P" else LEVEL_1.get(mark)
    return LEVEL_2.get(mark)


def speaks_of_vocation(text: str) -> bool:
    """Whether a grade can only be a vocational one, so that a `D` beside it is a distinction."""
    grade = normal(text)
    return grade not in LETTERS and _vocational(grade) is not None


def grade_name(points: float) -> str:
    """Points as people read them, to two decimals: `U`, `7`, `4.5`."""
    return "U" if points == U else f"{round(points, 2):g}"
