"""What codes of attendance and statuses of homework mean: `[attendance]`, `[homework]`."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self, TypeVar

from pydantic import Field, model_validator

from edu_pipeline.settings.part import Part

Meaning = TypeVar("Meaning")


class Mark(Part):
    """What one attendance code means."""

    possible: float = Field(1.0, ge=0, le=1, description="Fraction of the session expected.")
    attended: float = Field(1.0, ge=0, le=1, description="Fraction of the session attended.")
    tardy: bool = Field(False, description="Came late; still attended.")
    excused: bool | None = Field(None, description="Whether the absence is excused.")
    submitted: bool = Field(True, description="False: the register was not taken.")

    @model_validator(mode="after")
    def _attended_within_possible(self) -> Self:
        if self.attended > self.possible:
            raise ValueError("attended cannot be more than possible")
        return self


MARKS: Mapping[str, Mark] = {
    "present": Mark(),
    "tardy": Mark(tardy=True),
    "absent": Mark(attended=0),
    "excused": Mark(attended=0, excused=True),
    "unexcused": Mark(attended=0, excused=False),
    "half_day": Mark(attended=0.5),
    "half_day_excused": Mark(attended=0.5, excused=True),
    "not_expected": Mark(possible=0, attended=0),
    "not_taken": Mark(possible=0, attended=0, submitted=False),
}

MarkName = Literal[
    "present",
    "tardy",
    "absent",
    "excused",
    "unexcused",
    "half_day",
    "half_day_excused",
    "not_expected",
    "not_taken",
]

HomeworkStatus = Literal["complete", "late", "missing", "exempt", "not_due", "unknown"]

DISMISSED = "dismissed early"
"""Left before the end of the day, which is no absence; who stays has no row because of it."""
_EXCUSED = ("excused", "unexcused")
ATTENDANCE_WORDS: Mapping[str, MarkName] = {
    "": "not_taken",
    "present": "present",
    "in attendance": "present",
    "tardy": "tardy",
    "late": "tardy",
    "absent": "absent",
    "excused absence": "excused",
    "unexcused absence": "unexcused",
    # of columns that say yes or no in place of a code
    **dict.fromkeys(("not absent", "not absent + unexcused"), "present"),
    "absent + excused": "excused",
    "absent + unexcused": "unexcused",
    DISMISSED: "present",
    **dict.fromkeys([f"{DISMISSED} + {of}" for of in _EXCUSED], "present"),
    f"tardy + {DISMISSED}": "tardy",
    **dict.fromkeys(
        [f"{late} + {of}" for late in ("tardy", f"tardy + {DISMISSED}") for of in _EXCUSED], "tardy"
    ),
}


@dataclass(frozen=True)
class CodeSet:
    """Codes that an authority publishes for all its schools, with the days on which they hold."""

    title: str
    begins: date
    ends: date
    """The first day on which another set holds."""
    codes: Mapping[str, MarkName]


DISTINCTIVE = frozenset({"/", "\\", "#"})
"""Marks of DfE's registers that other systems' codes hardly have."""
_FROM_2024 = date(2024, 8, 19)
_DFE: Mapping[str, MarkName] = {
    **dict.fromkeys(("/", "\\"), "present"),
    "L": "tardy",
    **dict.fromkeys("BPVW", "present"),  # at an approved educational activity
    **dict.fromkeys("CEIMRST", "excused"),
    **dict.fromkeys("GNOU", "unexcused"),
    **dict.fromkeys("DXZ#", "not_expected"),
    "-": "not_taken",
}
CODE_SETS: Mapping[str, CodeSet] = {
    "dfe-2022": CodeSet(
        "DfE's register codes of September 2022",
        date(2022, 9, 1),
        _FROM_2024,
        {**_DFE, "J": "present", "H": "excused", "Y": "not_expected"},
    ),
    "dfe-2024": CodeSet(
        "DfE's register codes of August 2024",
        _FROM_2024,
        date.max,
        {
            **_DFE,
            "K": "present",
            **dict.fromkeys(("C1", "C2", "J1"), "excused"),
            **dict.fromkeys(("Q", *(f"Y{n}" for n in range(1, 8))), "not_expected"),
        },
    ),
}
"""Name → set. England: "Working together to improve school attendance", statutory guidance of the
Department for Education, the editions of May 2022 and August 2024, which class each code for statistics as
attending, authorised or unauthorised absence, or no possible attendance; the latter carries out regulation
10 of the School Attendance (Pupil Registration) (England) Regulations 2024. What schools add (`0` to `9`,
`@`) is in none."""
CodeSetName = Literal["dfe-2022", "dfe-2024"]

_HOMEWORK: Mapping[str, HomeworkStatus] = {
    "": "unknown",
    "complete": "complete",
    "submitted": "complete",
    "graded": "complete",
    "fully graded": "complete",
    "partially graded": "complete",
    "late": "late",
    "submitted late": "late",
    "missing": "missing",
    "not submitted": "missing",
    "exempt": "exempt",
    "not due": "not_due",
    "no status set": "unknown",
}
_FLAGGED: Mapping[HomeworkStatus, Mapping[str, HomeworkStatus]] = {
    "complete": {"late": "late", "missing": "missing", "excused": "exempt"},
    "unknown": {"late": "late", "missing": "missing", "excused": "exempt"},
    "missing": {"late": "missing", "missing": "missing", "excused": "exempt"},
    "exempt": {"late": "exempt", "excused": "exempt"},
}
"""What a word means → what a flag beside it makes of that."""
HOMEWORK_WORDS: Mapping[str, HomeworkStatus] = {
    **_HOMEWORK,
    **{
        f"{word} + {flag}": flagged
        for word, meaning in _HOMEWORK.items()
        for flag, flagged in {"not late": meaning, **_FLAGGED.get(meaning, {})}.items()
        if word
    },
}

GRADED = ("graded", "fully graded", "partially graded")
"""Statuses that are complete unless the piece is worth nothing: then a person is asked."""


PRESENCE = re.compile(r"(.*?)\s*\((present|absent)\)")
"""A code, and what its own system says of it."""
LETTERS = 2
"""Of a code that is no word."""


class Attendance(Part):
    """What the attendance codes mean."""

    codes: dict[str, MarkName | Mark] = Field(
        default_factory=dict,
        description=(
            "Code = one of present, tardy, absent, excused, unexcused, half_day, "
            "half_day_excused, not_expected, not_taken; or a table such as "
            "{ attended = 0.25, excused = true }. An unknown code holds the mail."
        ),
    )
    code_set: CodeSetName | None = Field(
        None,
        description=(
            "Published codes that the school uses: `dfe-2024` are those of registers in England from "
            "19 August 2024 on, `dfe-2022` those until then. `codes` add to them and win over them."
        ),
    )
    absent_from: float | None = Field(
        None,
        gt=0,
        le=1,
        description=(
            "Share of a student's day from which, if it was missed, all of the day counts as missed; of any other "
            "day nothing does. `0.5`: who missed half a day or more was absent. Default: the share itself counts."
        ),
    )

    def mark(self, code: str) -> Mark | None:
        """The meaning of a code: as somebody said, as the set says, else in any case; None if nobody did.

        Where its own system says whether it is a presence, as in `X (absent)`, a meaning of `X` counts that
        agrees; without one an absence is known, and of a presence only whether it is tardy is not.
        """
        of_set = CODE_SETS[self.code_set].codes if self.code_set else {}
        found = (
            self.codes.get(code)
            or of_set.get(code)
            or _meaning(code, self.codes)
            or ATTENDANCE_WORDS.get(code.casefold())
        )
        if found is None and (told := PRESENCE.fullmatch(code)):
            bare, word = told.groups()
            meant = self.mark(bare) if bare else None
            if meant is not None and meant.possible and (meant.attended > 0) == (word == "present"):
                return meant
            found = "absent" if word == "absent" else "present" if not bare else None
        return MARKS[found] if isinstance(found, str) else found


class Homework(Part):
    """What the homework statuses mean."""

    codes: dict[str, HomeworkStatus] = Field(
        default_factory=dict,
        description=(
            "Status = one of complete, late, missing, exempt, not_due, unknown. Exempt, not due "
            "and unknown are outside the rate. An unknown status word holds the mail."
        ),
    )
    late_counts: bool = Field(True, description="Whether late homework counts as handed in.")

    def status(self, code: str) -> HomeworkStatus | None:
        """The meaning of a status: as written, else in any case; None where nobody mapped it."""
        return _meaning(code, self.codes) or HOMEWORK_WORDS.get(code.casefold())


def in_two_cases(
    codes: Collection[str], said: Mapping[str, object], words: Mapping[str, object]
) -> frozenset[str]:
    """Codes of a column that nobody mapped as they are written, and that may be none of those that are.

    A word in another case is the same, and so are letters where several stand there in both cases, as
    people type them; whether `e` is the `E` that was mapped cannot be known where it alone does.

    Args:
        codes: What stands in the column.
        said: Code → what it means, as somebody said.
        words: Plain word → what it means.
    """
    meanings: dict[str, list[object]] = {}
    for code, meaning in said.items():
        meanings.setdefault(code.casefold(), []).append(meaning)
    there = {code.casefold() for code in codes if code in said}
    others = [code for code in codes if code not in said and code.casefold() in meanings]
    twice = {code.casefold() for code in others} & there

    def is_another(code: str) -> bool:
        folded = code.casefold()
        first, *more = meanings[folded]
        if folded in there and folded in words:
            more.append(words[folded])
        short = folded in twice and len(twice) == 1 and len(code) <= LETTERS
        return short or any(each != first for each in more)

    return frozenset(filter(is_another, others))


def _meaning(code: str, codes: Mapping[str, Meaning]) -> Meaning | None:
    return codes.get(code) or {k.casefold(): v for k, v in codes.items()}.get(code.casefold())
