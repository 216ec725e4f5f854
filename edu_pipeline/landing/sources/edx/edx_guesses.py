"""What edX's reports themselves give reason for: columns of other names, pass marks.

Pure: frames in. What is guessed here decides no figure: it is printed for a person, or written into
`pipeline.toml` as what it is.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import polars as pl

from edu_pipeline.landing.sources.edx.edx_reports import NO_GRADE, Source
from edu_pipeline.settings.programmes import FREE_TRACKS, PAID_TRACKS

WRONG = 0.05
"""So many learners may be on the wrong side of a pass mark: edX has lists of exceptions."""


def _words(*words: str) -> Callable[[Sequence[str]], bool]:
    return lambda cells: bool(cells) and {cell.casefold() for cell in cells} <= {*words}


def _all(pattern: str) -> Callable[[Sequence[str]], bool]:
    return lambda cells: bool(cells) and all(re.fullmatch(pattern, cell) for cell in cells)


def _each_another(pattern: str) -> Callable[[Sequence[str]], bool]:
    return lambda cells: _all(pattern)(cells) and len({*cells}) == len(cells)


def _shares(cells: Sequence[str]) -> bool:
    found = [cell for cell in cells if cell.casefold() not in NO_GRADE]
    return _all(r"0(\.\d+)?|1(\.0+)?")(found)


_IDS, _NAMES = _each_another(r"\d+"), _each_another(r"[^\s@]+")
_ADDRESS = _all(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_TRACK = _words(*PAID_TRACKS, *FREE_TRACKS)
_YES_NO = _words("y", "n")
_VERIFICATION = ("n/a", "id verified", "not id verified")
Block = Sequence[tuple[str, Callable[[Sequence[str]], bool]]]
_BLOCKS: Mapping[Source, Sequence[Block]] = {
    "grades": (
        (("Student ID", _IDS), ("email", _ADDRESS), ("username", _NAMES), ("Grade", _shares)),
        (
            ("Enrollment Track", _TRACK),
            ("Verification Status", _words(*_VERIFICATION)),
            ("Certificate Eligible", _YES_NO),
            ("Certificate Delivered", _YES_NO),
            ("Certificate Type", _words("n/a", *PAID_TRACKS, *FREE_TRACKS)),
        ),
        (("Enrollment Status", _words("enrolled", "unenrolled")),),
    ),
    "profile": (
        (("id", _IDS), ("username", _NAMES), ("name", bool), ("email", _ADDRESS)),
        (("enrollment_mode", _TRACK),),
        (("verification_status", _words(*_VERIFICATION)),),
    ),
    "opt_ins": (
        (("user_id", _IDS), ("username", _NAMES), ("email", _ADDRESS)),
        (("is_opted_in_for_email", _words("true", "false")),),
    ),
}
"""Columns that edX writes side by side, and what all their cells look like."""


def guessed_columns(kind: Source, cells: pl.DataFrame) -> Mapping[str, str]:
    """A report's header → what edX calls that column, where its cells leave no other reading.

    Columns that edX writes side by side are told by all of them together, in one place only.

    Args:
        kind: What the report is read as.
        cells: Rows of it as text, under its headers in their order.
    """
    columns = [_filled(cells[name]) for name in cells.columns]
    found: dict[str, str] = {}
    for block in _BLOCKS.get(kind, ()):
        places = [
            start
            for start in range(len(columns) - len(block) + 1)
            if all(fits(columns[start + n]) for n, (_, fits) in enumerate(block))
        ]
        if len(places) == 1:
            names = cells.columns[places[0] : places[0] + len(block)]
            found |= {name: edx_s for name, (edx_s, _) in zip(names, block, strict=True)}
    return found


def _filled(cells: pl.Series) -> list[str]:
    said = cells.cast(pl.String).str.strip_chars().drop_nulls()
    return said.filter(said != "").to_list()


@dataclass(frozen=True)
class Mark:
    """A pass mark that a course may have."""

    mark: float
    above: float | None
    """The highest grade of anybody whom edX calls not eligible: the mark is higher."""
    up_to: float
    """The lowest of anybody whom it does call so: the mark is no higher."""

    @property
    def sentence(self) -> str:
        """Why, for a comment."""
        no = "nobody is not" if self.above is None else f"nobody up to {self.above:g}"
        return f"a guess: edX calls learners from {self.up_to:g} eligible for a certificate, {no}"


def guessed_mark(results: pl.DataFrame) -> Mark | None:
    """The pass mark of a course by whom edX calls eligible for a certificate.

    That of the fewest learners on the wrong side of it; of all between two of their grades the
    roundest, and of these the one nearest to the lower end of those who passed.

    Args:
        results: `grade`, `certificate_eligible`, `track`, `paid` of its learners, in all its runs.

    Returns:
        None where nobody is eligible, or nobody with a grade is not, or no mark parts them.
    """
    judged = results.filter(pl.col("grade") > 0).drop_nulls("certificate_eligible")
    # of other tracks edX calls nobody eligible, or those who are so on a site that sells nothing
    sold = pl.col("paid").fill_null(value=False)
    counts = sold if judged["paid"].any() else pl.col("certificate_eligible").any().over("track")
    judged = judged.filter(counts)
    yes = judged.filter("certificate_eligible")["grade"].sort()
    no = judged.filter(~pl.col("certificate_eligible"))["grade"].sort()
    if yes.is_empty() or no.is_empty():
        return None
    wrong, up_to = min(
        ((yes < each).sum() + (no >= each).sum(), each) for each in yes.unique().to_list()
    )
    if wrong > WRONG * judged.height:
        return None
    below = no.filter(no < up_to)
    above = None if below.is_empty() else float(below[-1])
    return Mark(_roundest(above or 0, up_to), above, up_to)


def _roundest(above: float, up_to: float) -> float:
    """The roundest number that is more than one and no more than the other."""
    for parts in (20, 100):
        if (mark := int(up_to * parts + 1e-9) / parts) > above:
            return mark
    return up_to


LIKE = 0.75
"""Names of this likeness may be one name, written otherwise."""


def alike(one: str, other: str) -> float:
    """How alike two names are, from 0 to 1; those that differ in case and punctuation only are one."""
    a, b = ("".join(filter(str.isalnum, name.casefold())) for name in (one, other))
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def same_numbers(one: str, other: str) -> bool:
    """Whether two names have the same digits: two runs of a year differ in one."""
    return re.sub(r"\D", "", one) == re.sub(r"\D", "", other)


_YEAR = re.compile(r"(?<!\d)(19|20)\d\d(?!\d)")
_SEASON = re.compile(r"[1-4]?[a-z]{1,9}", re.IGNORECASE)


def course_and_run(run_key: str) -> tuple[str, str]:
    """The course's key and the run's name in a run's key, by where a year stands.

    Args:
        run_key: As `Org_Course_Run`; each part may have `_` itself, so this is a guess.
    """
    parts = run_key.split("_")
    dated = (n for n in range(2, len(parts)) if _YEAR.search(parts[n]))
    at = next(dated, len(parts) - 1)
    if at > 2 and _YEAR.fullmatch(parts[at]) and _SEASON.fullmatch(parts[at - 1]):  # noqa: PLR2004
        at -= 1
    return "_".join(parts[:at]) or run_key, "_".join(parts[at:])


def courses_of(run_keys: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Keys of courses by name, each with its runs' names in the order of the keys."""
    found: dict[str, list[str]] = {}
    for key in dict.fromkeys(run_keys):
        course, run = course_and_run(key)
        found.setdefault(course, []).append(run)
    yield from sorted(found.items())
