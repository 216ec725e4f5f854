"""Published sets of attendance codes: whether what stands in an export may be one, and whether it is of its days.

A set is never taken for the school's own because its codes fit: the same letters mean other things elsewhere.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date

import duckdb
import polars as pl

from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.sources.school.school_problems import between, school_problem
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.marks import CODE_SETS, DISTINCTIVE, Attendance

ENOUGH_MARKS = 2
"""Distinctive marks that must occur before a set is named."""
IN_WORDS: Mapping[str, str] = {
    "/": "present",
    "\\": "present",
    "L": "late(?!.*(after|unauthori))",
    "B": "off.?site|activity",
    "C": r"leave|\bauthori[sz]ed|exceptional",
    "C1": "perform|employ",
    "C2": "part.?time|reduced",
    "D": "dual|another (school|establishment)",
    "E": "exclu|suspen",
    "G": "holiday",
    "H": "holiday",
    "I": r"ill\b|illness|sick",
    "J": "interview",
    "J1": "interview",
    "K": "provision|local authority",
    "M": "medical|dental",
    "N": "no reason|reason not",
    "O": "unauthori[sz]ed",
    "P": "sport",
    "Q": "access",
    "R": "relig",
    "S": "study",
    "T": "travel",
    "U": "late|after regist",
    "V": "visit|trip",
    "W": "work",
    "X": "not required|non.?compulsory|not (be )?in school",
    "Y": "unable|exceptional",
    "Y1": "transport",
    "Y2": "travel",
    "Y3": "part of",
    "Y4": "whole|site",
    "Y5": "justice|detention|custod",
    "Y6": "health",
    "Y7": "unavoidable",
    "Z": "not on|prospective|on admission",
    "#": "clos|holiday",
}
"""Code of DfE's sets → what systems say beside it, in any case: the words of its description."""


def likely_set(codes: Mapping[str, date | None]) -> str | None:
    """The set that codes without a meaning may be of: the one of the last day, where its own marks stand.

    Args:
        codes: Code → the last day on which it stands. Letters must be of some set, as the school may use
            one that has ended; digits and signs may be its own.
    """
    last = max(filter(None, codes.values()), default=None)
    known = {code for each in CODE_SETS.values() for code in each.codes}
    strange = [code for code in codes if any(map(str.isalpha, code)) and code not in known]
    if last is None or strange or len(DISTINCTIVE.intersection(codes)) < ENOUGH_MARKS:
        return None
    return next((name for name, each in CODE_SETS.items() if each.begins <= last < each.ends), None)


def meanings_shown(name: str, codes: Collection[str]) -> str:
    """What some codes mean in a set, such as `'L' tardy, 'C' and 'I' excused`."""
    by_meaning: dict[str, list[str]] = {}
    for code, meaning in CODE_SETS[name].codes.items():
        if code in codes:
            by_meaning.setdefault(meaning, []).append(f"'{code}'")
    return ", ".join(
        f"{listed(theirs)} {meaning.replace('_', ' ')}" for meaning, theirs in by_meaning.items()
    )


def said_in_words(codes: Collection[str], beside: Iterable[tuple[str, str]]) -> bool:
    """Whether a column beside the codes says of each that it means what it means in its set.

    Args:
        codes: Those of a set that occur.
        beside: Code and what stands beside it, each pair once.
    """
    told = {(code, text) for code, text in beside if text and code in codes}
    wanted = {code for code in codes if code in IN_WORDS}
    return {code for code, _ in told} >= wanted and all(
        re.search(IN_WORDS[code], text, re.IGNORECASE) for code, text in told if code in IN_WORDS
    )


def asked_as_set(codes: pl.DataFrame) -> tuple[list[Problem], pl.DataFrame]:
    """One question, whether the school uses a set, in place of one for each of its codes.

    Args:
        codes: `rejections.unmapped_codes`.

    Returns:
        The question, if there is one, and the codes that remain.
    """
    found = codes.filter(table="attendance").unique("code", maintain_order=True)
    days = found.select("code", "last_date")
    name = likely_set(dict(days.iter_rows()))
    if name is None:
        return [], codes
    known = CODE_SETS[name]
    theirs = found.filter(pl.col("code").is_in([*known.codes]))
    rows = int(theirs["rows"].sum())
    message = (
        f"Nobody has said what the codes of attendance mean. {counted(theirs.height, 'code')} of {rows:,} "
        f"marks are among {known.title}: {meanings_shown(name, theirs['code'])}. If the school means another thing by one of "
        f'them, [attendance.codes] wins over the set. Add to [attendance]: code_set = "{name}"'
    )
    problem = school_problem(
        "attendance",
        "unmapped_code",
        name,
        message,
        rows,
        known_as=f"Codes of attendance among {known.title}.",
    )
    others = ~((pl.col("table") == "attendance") & pl.col("code").is_in(theirs["code"].to_list()))
    return [problem], codes.filter(others)


def code_set_problems(con: duckdb.DuckDBPyConnection, attendance: Attendance) -> Iterator[Problem]:
    """Marks of days on which another set held, in which their code is none or means another thing.

    Args:
        con: The warehouse, with `stg_attendance`.
        attendance: What the codes mean.
    """
    if attendance.code_set is None:
        return
    ours = CODE_SETS[attendance.code_set]
    for name, other in CODE_SETS.items():
        changed = [
            code
            for code, meaning in ours.codes.items()
            if code not in attendance.codes and other.codes.get(code) != meaning
        ]
        found = con.execute(
            "select code, count(*), min(date), max(date) from stg_attendance "
            "where list_contains($codes, code) and date >= $begins and date < $ends group by all order by 1",
            {"codes": changed, "begins": other.begins, "ends": other.ends},
        ).fetchall()
        for code, rows, first, last in found:
            yield school_problem(
                "attendance",
                "code_of_another_time",
                code,
                f"'{code}' appears {counted(rows, 'time')}{between(first, last)}, when {other.title} held, in "
                f"which it {_meaning(name, code)}; it is read as one of {ours.title}. Say in [attendance.codes] "
                "what it means.",
                rows,
                first=first,
                last=last,
            )


def _meaning(name: str, code: str) -> str:
    meaning = CODE_SETS[name].codes.get(code)
    return "is none" if meaning is None else f"means {meaning.replace('_', ' ')}"
