"""The exam results of an invented cohort as a school exports them, and the truth behind them.

A long export of all series, and the baselines in a file of their own, with other spellings of names and
subjects. What is wrong in the files is decided here, so it is known what landing must find. Pure: a
seed in, bytes and frames out.
"""

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

FOLDER = "attainment"
RESULTS_BY = 9
"""The month in which this year's final results are known."""
FINAL, BASELINE = "GCSE", "BASELINE"
SERIES = ("MOCK 1", "MOCK 2", FINAL)
RESULTS = pl.Schema(
    {
        "cohort": pl.String(),
        "student_id": pl.String(),
        "subject": pl.String(),
        "series": pl.String(),
        "points": pl.Float64(),
        "absent": pl.Boolean(),
    }
)
CORE = ("English Language", "English Literature", "Maths")
SCIENCE = "Combined Science"
SCIENCES = ("Biology", "Chemistry", "Physics")
SPORT = "Sport"
"""A vocational award, with grades such as D*2."""
OPTIONS = (
    "Art",
    "Business",
    "Computer Science",
    "Drama",
    "Food Prep. & Nutrition",
    "French",
    "Geography",
    "German",
    "History",
    "Music",
    "PE",
    "Religious Studies",
    "Spanish",
    SPORT,
)
CALLED = {
    "English Language": "Eng Lang",
    "English Literature": "Eng Lit",
    "Maths": "Mathematics",
    "PE": "Physical Education",
    "Religious Studies": "RS",
}
"""Subjects that the baseline file calls otherwise."""
NOT_TAUGHT = "Latin"
"""A subject that the baseline file has for everybody."""
_SEVERITY = {"French": -0.5, "German": -0.5, "Spanish": -0.4, "Computer Science": -0.5, "Art": 0.5}
"""How much easier or harder than English the subject is, in grades."""
_TEACHING = {"History": 0.6, "Geography": -0.6, "Music": 0.3}
"""What the school adds to the baseline, in grades."""
_VOCATIONAL = {0.0: "U", 1.75: "L1P", 4.0: "P2", 5.5: "M2", 7.0: "D2", 8.5: "D*2"}
_BEHIND = {"MOCK 1": 1.0, "MOCK 2": 0.5, FINAL: 0.0}
"""Grades that a series lies below the final one."""
ABSENT_SHARE = 0.02
DUPLICATES, REPEATS, UNKNOWN, MISSPELT = 2, 3, 2, 3
"""Results that stand there twice and differ; twice and the same; no grades; names misspelt."""
_GIVEN = (
    *("Ada", "Amira", "Ben", "Cerys", "Chidi", "Dafydd", "Élodie", "Farah", "Grace", "Hamza"),
    *("Imogen", "Jia", "Kofi", "Leah", "Mateusz", "Noor", "Owen", "Priya", "Reuben", "Siân"),
)
_FAMILY = (
    *(
        "Abara",
        "Bäcker",
        "Cole",
        "D'Souza",
        "Evans",
        "Fofanah",
        "Green",
        "Hughes",
        "Iqbal",
        "Jones",
    ),
    *("Kaur", "Lloyd-Price", "Mensah", "Nowak", "O'Neill", "Patel", "Quist", "Rahman", "Shah"),
    "van Dijk",
)
_HEADER = (
    *("UPN", "Student", "Gender", "PP", "SEN", "Class", "Teacher", "Subject", "Exam_Series"),
    "Score",
)


@dataclass(frozen=True)
class CohortSample:
    """An invented cohort."""

    files: Mapping[str, bytes]
    """Path below the landing zone → content."""
    results: pl.DataFrame
    """`RESULTS`: what landing must find, without duplicates, unknown grades and unmatched baselines."""
    unmatched: int
    """Students of the baseline file whom no name in the results is."""
    students: int
    """Students in the results."""


@dataclass(frozen=True)
class _Student:
    upn: str
    given: str
    family: str
    gender: str
    pp: str
    sen: str
    ability: float

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"


@dataclass(frozen=True)
class _Entry:
    student: _Student
    subject: str
    baseline: float
    points: Mapping[str, float | None]
    """Series → points; none: absent."""


def make_cohort(
    year: int, students: int = 180, seed: int = 11, series: Sequence[str] = SERIES
) -> CohortSample:
    """Invent a cohort.

    Args:
        year: The summer of its final exams; also what the cohort is called.
        students: How many, up to 400.
        seed: The same gives the same.
        series: Which have been sat: without the final one, outcomes are provisional.
    """
    rng = random.Random(f"{seed} {year}")  # noqa: S311 - nothing here is a secret
    people = _people(year, students, rng)
    entries = [_entry(one, subject, series, rng) for one in people for subject in _taken(rng)]
    rows = [(entry, name) for entry in entries for name in series]
    wrong = rng.sample([row for row in rows if _can_be_wrong(*row)], DUPLICATES + UNKNOWN)
    twice, unknown = wrong[:DUPLICATES], wrong[DUPLICATES:]
    misspelt = {one.upn for one in rng.sample(people, min(MISSPELT, students))}
    cohort = str(year)
    truth = [
        (cohort, entry.student.upn, entry.subject, name, entry.points[name])
        for entry, name in rows
        if (entry, name) not in wrong
    ]
    truth += [
        (cohort, entry.student.upn, entry.subject, BASELINE, entry.baseline)
        for entry in entries
        if entry.student.upn not in misspelt
    ]
    return CohortSample(
        {
            f"{FOLDER}/{year}/results.csv": _results_csv(rows, twice, unknown, rng),
            f"{FOLDER}/{year}/yellis_baseline.csv": _baseline_csv(people, entries, misspelt),
        },
        pl.DataFrame([(*row, row[-1] is None) for row in truth], schema=RESULTS, orient="row"),
        unmatched=len(misspelt),
        students=students,
    )


def make_cohorts(through: date, seed: int = 11) -> list[CohortSample]:
    """Invent the cohort that had its final results last, and the next, which has sat one mock.

    Args:
        through: The day from which it is told which these are; results come out in August.
        seed: The same gives the same.
    """
    newest = through.year if through.month >= RESULTS_BY else through.year - 1
    return [
        make_cohort(newest, seed=seed),
        make_cohort(newest + 1, seed=seed, series=SERIES[:1]),
    ]


def _people(year: int, students: int, rng: random.Random) -> list[_Student]:
    names = [(given, family) for given in _GIVEN for family in _FAMILY]
    return [
        _Student(
            upn=f"Z{year}{number:08}",
            given=given,
            family=family,
            gender=rng.choice("FM"),
            pp=rng.choices("NY", (3, 1))[0],
            sen=rng.choices("NKE", (17, 2, 1))[0],
            ability=rng.gauss(0, 1),
        )
        for number, (given, family) in enumerate(rng.sample(names, students), start=1)
    ]


def _taken(rng: random.Random) -> list[str]:
    science = SCIENCES if rng.random() < 0.25 else (SCIENCE,)  # noqa: PLR2004
    return [*CORE, *science, *rng.sample(OPTIONS, 3 if science == SCIENCES else 4)]


def _entry(student: _Student, subject: str, series: Sequence[str], rng: random.Random) -> _Entry:
    expected = 5 + 1.5 * student.ability + _SEVERITY.get(subject, 0)
    baseline = min(max(round(2 * (expected + rng.gauss(0, 0.3))) / 2, 1.0), 9.0)
    final = baseline + _TEACHING.get(subject, 0) - 0.3 * (student.pp == "Y") + rng.gauss(0, 1)
    points: dict[str, float | None] = {}
    for name in series:
        absent = name != FINAL and rng.random() < ABSENT_SHARE
        reached = final - _BEHIND[name] + (rng.gauss(0, 0.5) if name != FINAL else 0)
        points[name] = None if absent else _as_grade(subject, reached)
    return _Entry(student, subject, baseline, points)


def _as_grade(subject: str, points: float) -> float:
    if subject == SPORT:
        return min(_VOCATIONAL, key=lambda each: abs(each - points))
    step = 2 if subject == SCIENCE else 1
    lowest = 1.0 if subject == SCIENCE else 0.0
    return min(max(round(step * points) / step, lowest), 9.0)


def _can_be_wrong(entry: _Entry, series: str) -> bool:
    return entry.points[series] is not None and entry.subject not in (SPORT, SCIENCE)


def _written(subject: str, points: float | None, rng: random.Random) -> str:
    """A grade in one of the spellings that exports have for it."""
    if points is None:
        return rng.choice(("X", "Abs", "x"))
    if subject == SPORT:
        return _VOCATIONAL[points]
    if subject == SCIENCE:
        high, low = int(points + 0.5), int(points)
        return rng.choice((f"{high}-{low}", f"{high}{low}", f"{high}/{low}"))
    return rng.choice(("0", "U")) if points == 0 else rng.choice((f"{points:g}", f"{points:g} "))


def _results_csv(
    rows: Sequence[tuple[_Entry, str]],
    twice: Sequence[tuple[_Entry, str]],
    unknown: Sequence[tuple[_Entry, str]],
    rng: random.Random,
) -> bytes:
    lines = []
    for entry, series in rows:
        student, points = entry.student, entry.points[series]
        known = (
            *(student.upn, student.name, student.gender, student.pp, student.sen),
            *(_class(entry), _teacher(entry), entry.subject, series),
        )
        grade = "5*" if (entry, series) in unknown else _written(entry.subject, points, rng)
        lines.append((*known, grade))
        if (entry, series) in twice:
            lines.append((*known, f"{(points or 0) + 1 if (points or 0) < 9 else 8:g}"))  # noqa: PLR2004
    lines += rng.sample([line for line in lines if line[-1].strip().isdigit()], REPEATS)
    table = _csv([_HEADER, *lines, ("Total", *("" for _ in _HEADER[1:]))])
    return ("Results export\n\n" + table).encode()


def _class(entry: _Entry) -> str:
    return f"11{'abc'[int(entry.student.upn[-3:]) % 3]}/{entry.subject[:2]}"


def _teacher(entry: _Entry) -> str:
    return f"T{sum(map(ord, _class(entry))) % 40 + 1:02}"


def _baseline_csv(
    people: Sequence[_Student], entries: Sequence[_Entry], misspelt: Iterable[str]
) -> bytes:
    """One row per student, a column per subject, semicolons, names as `Last, First`."""
    subjects = [*CORE, SCIENCE, *SCIENCES, *OPTIONS]
    of = {(entry.student.upn, entry.subject): entry.baseline for entry in entries}
    lines: list[Sequence[str]] = [
        ("Student", "Band", *(CALLED.get(subject, subject) for subject in subjects), NOT_TAUGHT)
    ]
    for one in sorted(people, key=lambda each: each.family):
        name = (
            f"{one.family.upper()}, {one.given}"
            if one.upn not in misspelt
            else f"{one.given}y {one.family}"
        )
        figures = [of.get((one.upn, subject)) for subject in subjects]
        band = "ABCD"[sum(one.ability < limit for limit in (0.7, 0, -0.7))]
        guess = f"{min(max(5 + 1.5 * one.ability, 1), 9):.1f}"
        cells = (guess if figure is None else f"{figure:.1f}" for figure in figures)
        lines.append((name, band, *cells, guess))
    return _csv(lines, delimiter=";").encode("cp1252")


def _csv(lines: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(lines)
    return text.getvalue()
