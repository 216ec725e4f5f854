"""Grades of UK qualifications as points, each on the scale of its qualification.

A scale belongs to a stage, and points compare within a stage only: of key stage 4 they are those of 9–1 GCSEs,
where U is 0, with legacy and vocational grades as in the Department for Education's performance tables of
2019; of 16 to 18 one point is one A level grade, which is ten of the Department's performance points. Pure: a
text in, a number out; how often a text stands somewhere is for the caller to group.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

HIGHEST = 9.0
U = 0.0
KS4, POST_16 = "key stage 4", "16 to 18"


@dataclass(frozen=True)
class Scale:
    """The grades of a kind of qualification."""

    title: str
    """As people call it."""
    stage: str
    """Within which its points compare with those of other scales."""
    grades: Mapping[str, float]
    """Grade → points, the lowest first."""

    def label(self, points: float) -> str:
        """Points as people read them: the grade, else the number to two decimals."""
        named = next((grade for grade, value in self.grades.items() if value == points), None)
        return named or f"{round(points, 2):g}"

    def whole(self, points: float) -> str:
        """A whole grade, such as 4 for all from 4 to under 5: the grades that begin there."""
        named = [grade for grade, value in self.grades.items() if int(value) == points]
        return "/".join(named) or f"{points:g}"


def _scale(title: str, stage: str, **grades: float) -> Scale:
    return Scale(title, stage, MappingProxyType({"U": U, **grades}))


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
A_LEVEL: Mapping[str, float] = MappingProxyType(
    {"A*": 6.0, "A": 5.0, "B": 4.0, "C": 3.0, "D": 2.0, "E": 1.0}
)
"""60 to 10 performance points."""
AS_LEVEL: Mapping[str, float] = MappingProxyType({g: p for g, p in A_LEVEL.items() if g != "A*"})
"""Grades of half an A level."""
LEVEL_3: Mapping[str, float] = MappingProxyType({"D*": 5.0, "D": 3.5, "M": 2.5, "P": 1.5})
"""Applied general and technical awards of level 3: 50, 35, 25 and 15 performance points."""


def _upwards(grades: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(grades.items(), key=lambda each: each[1]))


GCSE: Final = "gcse"
SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        GCSE: _scale("GCSE 9–1", KS4, **{str(n): float(n) for n in range(1, 10)}),
        "letters": _scale("GCSE A*–G", KS4, **_upwards(LETTERS)),
        "level_2": _scale("Level 2, pass to distinction*", KS4, **_upwards(LEVEL_2)),
        "level_1": _scale("Level 1, pass to distinction", KS4, **_upwards(LEVEL_1)),
        "a_level": _scale("A level", POST_16, **_upwards(A_LEVEL)),
        "as_level": _scale("AS level", POST_16, **_upwards(AS_LEVEL)),
        "level_3": _scale("Level 3, pass to distinction*", POST_16, **_upwards(LEVEL_3)),
    }
)
"""Key → scale, as in the column `scale` of `stg_results`."""
STAGES: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        stage: tuple(key for key, scale in SCALES.items() if scale.stage == stage)
        for stage in (KS4, POST_16)
    }
)
"""Stage → the keys of its scales."""
VOCATIONAL: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {"level_1": LEVEL_1, "level_2": LEVEL_2, "level_3": LEVEL_3}
)

FAILED = ("U", "UU", "U-U", "U/U", "0-0", "FAIL", "UNCLASSIFIED", "UNGRADED")
WORDS: Mapping[str, str] = MappingProxyType(
    {"DISTINCTION": "D", "DIST": "D", "DIS": "D", "MERIT": "M", "MER": "M", "PASS": "P"}
)
ABSENT = frozenset(
    {
        *("X", "XX", "ABS", "ABSENT", "DNS", "DNA", "DNT", "NS", "NOTSAT", "DIDNOTSIT"),
        *("DIDNOTATTEND", "DIDNOTTAKE", "NOSHOW", "ILL", "MISSED", "AB"),
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
_FINE = re.compile(r"(?:([1-9])\s?([ABC])|([1-9]|[A-G]\*?|[DMP]\*?)\s?([-+=]))")
_THIRD: Mapping[str, int] = MappingProxyType({"+": 1, "A": 1, "=": 0, "B": 0, "-": -1, "C": -1})
"""How many thirds of a grade above it or below."""


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


def is_grade(text: str, own: Mapping[str, float] | None = None) -> bool:
    """Whether a cell is a grade of any scale."""
    return any(points_of(text, own, scale=scale) is not None for scale in (GCSE, "level_3"))


def points_of(
    text: str, own: Mapping[str, float] | None = None, *, scale: str = GCSE, double: bool = True
) -> float | None:
    """A grade in points.

    A grade cut finer, such as 5+ or 5a, is a third of the way to the next one; it is still that grade (`whole_of`).

    Args:
        text: As received: `7`, `4.5`, `5+`, `5c`, `U`, `A*`, `D*2`, `L1P`, `5-4`, `54`, `5/4`, `DMM`.
        own: Grades of the settings, which win.
        scale: Its qualification's. On those of key stage 4 numbers and unmistakable grades of its other
            scales are known as well; a `D` is the scale's own.
        double: Whether two figures without a mark between them, such as 54, are a double award.

    Returns:
        None where it is no grade.
    """
    grade = normal(text)
    for theirs, points in (own or {}).items():
        if normal(theirs) == grade:
            return float(points)
    if grade in FAILED:
        return U
    fine = _FINE.fullmatch(grade)
    if fine is not None:
        return _fine(fine[1] or fine[3], _THIRD[fine[2] or fine[4]], scale)
    return _plain(grade, scale, double=double)


def without_thirds(text: str) -> str:
    """A grade as exam boards cut it: `B` of `B+`."""
    fine = _FINE.fullmatch(normal(text))
    return fine[1] or fine[3] if fine is not None else normal(text)


def is_fine(text: str) -> bool:
    """Whether a grade is cut finer than exam boards cut it."""
    return _FINE.fullmatch(normal(text)) is not None


def whole_of(text: str, points: float, scale: str = GCSE) -> int:
    """The whole grade that somebody has, in points: 5 for 5+, 5= and 5-; 4 for a 5-4, which has no 5."""
    fine = _FINE.fullmatch(normal(text))
    base = _plain(fine[1] or fine[3], scale, double=False) if fine is not None else None
    return int(points if base is None else base)


def _plain(grade: str, scale: str, *, double: bool) -> float | None:
    if SCALES[scale].stage == POST_16:
        return _several(grade) if scale == "level_3" else SCALES[scale].grades.get(grade)
    vocational = scale in VOCATIONAL
    for found in (
        _number(grade),
        _double(grade, bare=double),
        _vocational(grade, scale if vocational else "level_2")
        if vocational or grade not in LETTERS
        else None,
        LETTERS.get(grade),
    ):
        if found is not None:
            return found
    return None


def _fine(grade: str, thirds: int, scale: str) -> float | None:
    """So many thirds of the way to the next grade of its kind."""
    points = _plain(grade, scale, double=False)
    if points is None or not thirds:
        return points
    of = SCALES[GCSE if grade.isdigit() else "letters" if scale == GCSE else scale].grades
    beyond = [each for each in of.values() if (each - points) * thirds > 0]
    away = min((abs(each - points) for each in beyond), default=0.0)
    return round(points + away / 3 * thirds, 6)


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


def _vocational(grade: str, scale: str) -> float | None:
    """`D*2`, `L2 D*`, `Level 2 Merit`, `*2`, `Dist*`, `Pass`, `L1P`, `P1`."""
    plain = re.sub(r"[\s_.-]|LEVEL", "", grade).replace("LEV", "L")
    found = re.fullmatch(r"(?:L?([123]))?([A-Z]*\*?)(?:L?([123]))?", plain)
    if found is None or (found[1] and found[3]):
        return None
    level, mark = found[1] or found[3] or scale[-1], found[2]
    if SCALES[f"level_{level}"].stage != SCALES[scale].stage:
        return None
    starred = mark.endswith("*")
    word = mark.rstrip("*")
    word = WORDS.get(word, word)
    if not word and starred:
        word = "D"
    mark = f"{word}*" if starred else word
    if plain == "L1P":
        return BTEC_LEVEL_1_PASS
    return VOCATIONAL[f"level_{level}"].get(mark)


def _several(grade: str) -> float | None:
    """A level 3 award of the size of one A level, of two or of three: the mean of its grades."""
    one = _vocational(grade, "level_3")
    if one is not None:
        return one
    parts = re.findall(r"[DMP]\*?", grade)
    if "".join(parts) != re.sub(r"[\s/,-]", "", grade) or not parts:
        return None
    points = [LEVEL_3.get(part) for part in parts]
    known = [each for each in points if each is not None]
    return round(sum(known) / len(known), 6) if len(known) == len(parts) <= 3 else None  # noqa: PLR2004


def speaks_of_vocation(text: str) -> bool:
    """Whether a grade can only be a vocational one, so that a `D` beside it is a distinction."""
    grade = without_thirds(text)
    award = _vocational(grade, "level_2") is not None or _several(grade) is not None
    return award and grade not in LETTERS
