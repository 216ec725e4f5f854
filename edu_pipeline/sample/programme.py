"""Exports of an invented MicroMasters programme as edX wrote them over the years, and the truth.

Five courses with a run in each era of edX's formats, re-exported and renamed as happens in reality.
What is in the files is decided here first and written second, so it is known what staging must find.
Pure: a seed in, bytes and frames out.
"""

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import quote

import polars as pl

PROGRAMME = "lead"
FOLDER = f"micromasters/{PROGRAMME}"
ORG = "Lumen_2"
COURSES = tuple(f"LEAD-{number}x" for number in range(1, 6))
PASS_MARK = 0.65
QUIZZES = 3
RESULTS = pl.Schema(
    {
        "programme_id": pl.String(),
        "course_id": pl.String(),
        "run": pl.String(),
        "learner_id": pl.String(),
        "grade": pl.Float64(),
        "track": pl.String(),
        "verification": pl.String(),
        "certificate_eligible": pl.Boolean(),
        "certificate_delivered": pl.Boolean(),
        "certificate_type": pl.String(),
        "enrolled": pl.Boolean(),
        "stamp": pl.Datetime("us"),
        "has_error": pl.Boolean(),
    }
)
LEARNERS = pl.Schema(
    {
        "learner_id": pl.String(),
        "username": pl.String(),
        "email": pl.String(),
        "name": pl.String(),
        "country": pl.String(),
        "language": pl.String(),
        "stamp": pl.Datetime("us"),
    }
)
_GIVEN = (
    "Ada",
    "Zoë",
    "José",
    "Mei",
    "Omar",
    "Sinéad",
    "Nan",
    "D'Arcy",
    "Anh",
    "Łukasz",
    "Ngũgĩ",
    "Eve",
)
_FAMILY = (
    "O'Neil",
    "Muñoz",
    'van "Pat" Dijk',
    "Smith, Jr.",
    "None-Such",
    "Ångström",
    "Li",
    "Ibn: Rushd",
    "Kovač",
    "Null",
)
_COUNTRIES = ("AU", "NA", "IE", "IN", "BR", "NG", None)


@dataclass(frozen=True)
class ProgrammeSample:
    """An invented programme."""

    settings: str
    """Its part of `pipeline.toml`."""
    files: Mapping[str, bytes]
    """Path below the landing zone → content."""
    results: pl.DataFrame
    """What each learner has in each run, as the exports that count say: columns `RESULTS`."""
    learners: pl.DataFrame
    """Every learner, by the newest exports that have them: columns `LEARNERS`."""


@dataclass(frozen=True)
class _Learner:
    number: int
    name: str
    country: str | None
    moved: int
    """Year from which they have another address."""
    anonymous: bool
    """Was only ever in a profile of 2013, which has no ids."""
    keen_from: str | None
    """The era from which they work through the programme; none: they look around."""

    @property
    def username(self) -> str:
        return f"u{self.number}'s" if self.number % 50 == 0 else f"user_{self.number}"

    @property
    def id(self) -> str:
        return f"u:{self.username}" if self.anonymous else str(100_000 + self.number)

    def email(self, year: int) -> str:
        new = ".new" if year >= self.moved else ""
        return f"o'{self.username.rstrip(chr(39) + 's')}{new}@learners.example"


@dataclass(frozen=True)
class _Run:
    era: str
    course: int
    """Place in the sequence, from 0."""
    name: str
    exported: datetime
    dates: Mapping[str, date]
    """As the settings list it; without any it is not listed."""
    going: bool = False

    @property
    def key(self) -> str:
        return f"{ORG}_{COURSES[self.course]}_{self.name}"

    @property
    def profile_exported(self) -> datetime:
        return self.exported + timedelta(minutes=1)


@dataclass
class _Attempt:
    learner: _Learner
    grade: float | None
    track: str
    verification: str
    enrolled: bool
    error: bool
    quizzes: list[str] = field(default_factory=list)


def make_programme(through: date, learners: int = 300, seed: int = 5) -> ProgrammeSample:
    """Invent a programme.

    Args:
        through: Day of the newest exports; the newest runs are then under way, and for four more
            weeks people can upgrade in them and join them.
        learners: How many.
        seed: The same gives the same.
    """
    rng = random.Random(seed)  # noqa: S311 - nothing here is a secret
    people = [_learner(number, rng) for number in range(1, learners + 1)]
    runs = _runs(through)
    done: set[tuple[int, int]] = set()
    files: dict[str, bytes] = {}
    results: list[dict[str, object]] = []
    seen: dict[str, list[tuple[datetime, int, _Learner, bool]]] = {}
    for run in runs:
        attempts = [
            _attempt(run, person, rng)
            for person in people
            if (person.number, run.course) not in done and _takes(run, person, rng)
        ]
        done |= {(a.learner.number, run.course) for a in attempts if _certificate(run, a)[1]}
        files |= _files(run, attempts, rng)
        for attempt in attempts:
            results.append(_result(run, attempt))
            appearances = seen.setdefault(attempt.learner.id, [])
            if not attempt.learner.anonymous and not attempt.error:
                appearances.append((run.exported, 0, attempt.learner, False))
            if attempt.enrolled:
                appearances.append((run.profile_exported, 1, attempt.learner, True))
            if attempt.error:
                appearances.append((run.exported, -1, attempt.learner, False))
    return ProgrammeSample(
        settings=_settings(runs, through - timedelta(days=365)),
        files=files,
        results=pl.DataFrame(results, schema=RESULTS, orient="row"),
        learners=pl.DataFrame(
            [_known(appearances) for appearances in seen.values() if appearances],
            schema=LEARNERS,
            orient="row",
        ),
    )


def _learner(number: int, rng: random.Random) -> _Learner:
    return _Learner(
        number=number,
        name=f"{rng.choice(_GIVEN)} {rng.choice(_FAMILY)}",
        country=rng.choice(_COUNTRIES),
        moved=rng.choice((2015, 2017, 2019, 2100)),
        anonymous=number % 40 == 0,
        keen_from=rng.choice("ABCD") if rng.random() < 0.2 else None,  # noqa: PLR2004
    )


def _runs(through: date) -> list[_Run]:
    """A run of each course in each era, and one that is under way."""
    last = datetime(through.year, through.month, through.day, 9, 30)  # noqa: DTZ001 - UTC by convention
    first = last - timedelta(days=500)
    runs = []
    for course in range(len(COURSES)):
        later = timedelta(days=90 * course)
        runs += [
            _Run("A", course, "Jan_2013", datetime(2014, 1, 6, 8, 0) + 0.5 * later, {}),  # noqa: DTZ001
            _past("B", course, datetime(2016, 6, 1, 12, 15) + later),  # noqa: DTZ001
            _past("C", course, datetime(2018, 9, 3, 20, 38) + later),  # noqa: DTZ001
            _past("D", course, first + later),
            _going(course, last),
        ]
    return runs


def _past(era: str, course: int, exported: datetime) -> _Run:
    ends = exported.date() - timedelta(days=14)
    dates = {
        "starts": ends - timedelta(days=80),
        "ends": ends,
        "upgrade_deadline": ends - timedelta(days=20),
        "certificates_available": ends + timedelta(days=7),
        "verification_deadline": ends + timedelta(days=21),
        "enrolment_closes": ends - timedelta(days=30),
    }
    name = _trimester(dates["starts"]) + ("a" if era == "C" else "")
    return _Run(era, course, name, exported, dates)


def _going(course: int, exported: datetime) -> _Run:
    """People can upgrade in it, and join it at their own pace, for four weeks."""
    today = exported.date()
    dates = {
        "starts": today - timedelta(days=60),
        "ends": today + timedelta(days=40),
        "upgrade_deadline": today + timedelta(days=28),
        "certificates_available": today + timedelta(days=47),
        "verification_deadline": today + timedelta(days=54),
        "enrolment_closes": today + timedelta(days=28),
    }
    return _Run("D", course, _trimester(dates["starts"]), exported, dates, going=True)


def _trimester(day: date) -> str:
    return f"{(day.month - 1) // 4 + 1}T{day.year}"


def _takes(run: _Run, person: _Learner, rng: random.Random) -> bool:
    if person.anonymous:
        return run.era == "A" and run.course == 0
    if person.keen_from is not None:
        return run.era >= person.keen_from and rng.random() < 0.85  # noqa: PLR2004
    return rng.random() < 0.2 / (1 + 0.4 * run.course)


def _attempt(run: _Run, person: _Learner, rng: random.Random) -> _Attempt:
    free = "honor" if run.era == "B" else "audit"
    keen = person.keen_from is not None
    paid = rng.random() < (0.9 if keen else 0.3)
    error = run.era == "D" and rng.random() < 0.05  # noqa: PLR2004
    graded = not person.anonymous and not error
    worked = rng.random() < (0.97 if keen else 0.6)
    drawn = rng.betavariate(7, 1.6) if keen else rng.betavariate(2, 1.2)
    grade = round(min(1.0, drawn), 2) if worked else 0.0
    return _Attempt(
        learner=person,
        grade=grade if graded else None,
        track="verified" if paid else free,
        verification="N/A" if not paid else rng.choice(("ID Verified", "Not ID Verified")),
        # earlier reports list nobody who has left
        enrolled=run.era != "D" or error or rng.random() < 0.8,  # noqa: PLR2004
        error=error,
        quizzes=[rng.choice(("Not Attempted", "0.5", "1.0")) for _ in range(QUIZZES)],
    )


def _certificate(run: _Run, attempt: _Attempt) -> tuple[bool, bool, str]:
    """Eligible, delivered, and of which type."""
    passed = attempt.grade is not None and attempt.grade >= PASS_MARK
    # what `eligible` means has changed: any pass, then a pass on a paid track
    eligible = passed and (run.era != "D" or attempt.track == "verified")
    delivered = eligible and not run.going and attempt.track != "audit"
    return eligible, delivered, attempt.track if delivered else "N/A"


def _result(run: _Run, attempt: _Attempt) -> dict[str, object]:
    eligible, delivered, kind = _certificate(run, attempt)
    in_report = attempt.grade is not None
    tail = in_report and run.era != "A"
    # a profile knows the track from 2017 on
    in_profile = attempt.enrolled and run.era in "CD"
    known = tail or in_profile
    return {
        "programme_id": PROGRAMME,
        "course_id": _course_id(run),
        "run": run.key,
        "learner_id": attempt.learner.id,
        "grade": attempt.grade,
        "track": attempt.track if known else None,
        "verification": attempt.verification if known else None,
        "certificate_eligible": eligible if tail else None,
        "certificate_delivered": delivered if tail else None,
        "certificate_type": kind if tail else None,
        "enrolled": attempt.enrolled,
        "stamp": run.exported if in_report or attempt.error else run.profile_exported,
        "has_error": attempt.error,
    }


def _known(appearances: Sequence[tuple[datetime, int, _Learner, bool]]) -> dict[str, object]:
    """A learner by the newest exports: (when, which kind, who, whether it is a profile)."""
    newest = sorted(appearances, key=lambda each: each[:2])
    person = newest[-1][2]
    with_email = [when for when, kind, _, _ in newest if kind >= 0]
    profiled = any(profile for *_, profile in newest)
    countries = any(profile and when.year > 2014 for when, _, _, profile in newest)  # noqa: PLR2004
    return {
        "learner_id": person.id,
        "username": person.username,
        "email": person.email(with_email[-1].year) if with_email else None,
        "name": person.name if profiled else None,
        "country": person.country if countries else None,
        "language": None,
        "stamp": newest[-1][0],
    }


def _course_id(run: _Run) -> str:
    return f"lead{run.course + 1}x"


def _settings(runs: Iterable[_Run], since: date) -> str:
    parts = [
        f'[[programmes]]\nid = "{PROGRAMME}"\ntitle = "Leading Change"\ncapstone = "lead5x"\n'
        f"nudges_since = {since}\n",
        *(
            f'[[programmes.courses]]\nid = "lead{number}x"\ntitle = "Leading Change {number}"\n'
            f'key = "course-v1:{ORG}+{course}"\npass_mark = {PASS_MARK}\n'
            f'link = "https://courses.example/lead{number}x"\n'
            for number, course in enumerate(COURSES, start=1)
        ),
        *(
            f'[[programmes.runs]]\ncourse = "{_course_id(run)}"\nrun = "{run.name}"\n'
            + "".join(f"{name} = {day}\n" for name, day in run.dates.items())
            + ("self_paced = true\n" if run.going else "")
            for run in sorted(runs, key=lambda run: run.exported)
            if run.dates
        ),
    ]
    return "\n".join(parts)


# How edX wrote it down


def _files(run: _Run, attempts: Sequence[_Attempt], rng: random.Random) -> dict[str, bytes]:
    graded = [attempt for attempt in attempts if attempt.grade is not None]
    found = {
        _path(run, "grade_report", run.exported): _grade_report(run, graded),
        _path(run, "student_profile_info", run.profile_exported): _profile(run, attempts),
        _path(run, "problem_grade_report", run.exported): _problem_report(graded),
    }
    if any(attempt.error for attempt in attempts):
        rows = [
            (attempt.learner.id, attempt.learner.username, "ValueError('no, subsection')")
            for attempt in attempts
            if attempt.error
        ]
        found[_path(run, "grade_report_err", run.exported)] = _csv(
            ("Student ID", "Username", "Error"), rows
        )
    if run.era in "CD":  # an earlier export of the same run, with other grades
        earlier = [
            _Attempt(
                a.learner,
                round(rng.random(), 2),
                "audit",
                "N/A",
                enrolled=True,
                error=False,
                quizzes=a.quizzes,
            )
            for a in graded
        ]
        when = run.exported - timedelta(days=24, minutes=7)
        found[_path(run, "grade_report", when)] = _grade_report(run, earlier)
    return found


def _path(run: _Run, report: str, when: datetime) -> str:
    key = run.key
    if run.era == "A":
        key = quote(f"course-v1:{ORG}+{COURSES[run.course]}+{run.name}", safe="")
    elif run.going:
        key = f"course-v1_{key}"
    return f"{FOLDER}/{key}_{report}_{when:%Y-%m-%d-%H%M}.csv"


def _grade_report(run: _Run, attempts: Sequence[_Attempt]) -> bytes:
    quizzes = [f"Quiz {n}: People, teams" for n in range(1, QUIZZES + 1)]
    tail = (
        "Enrollment Track",
        "Verification Status",
        "Certificate Eligible",
        "Certificate Delivered",
        "Certificate Type",
    )
    headers: Mapping[str, Sequence[str]] = {
        "A": ("id", "email", "username", "grade", "HW 01", "HW 02", "HW Avg"),
        "B": ("id", "email", "username", "grade", "HW 01", "HW 02", "HW Avg", "Cohort Name", *tail),
        "C": ("Student ID", "Email", "Username", "Grade", *quizzes, "Quiz (Avg)", "Lab (Avg)", *tail),
        "D": ("Student ID", "Email", "Username", "Grade", *quizzes, "Quiz (Avg)", *tail, "Enrollment Status"),
    }  # fmt: skip
    header = list(headers[run.era])
    rows = [_grade_row(run, attempt) for attempt in attempts]
    plugin = run.era == "C" and run.course == 1
    if plugin:
        header = ["org_id", "course_run", "anonymous_user_id", *header]
        rows = [[ORG, run.name, "0a1b2c", *row] for row in rows]
    return _csv(
        header,
        rows,
        delimiter=";" if run.era == "B" and run.course == 2 else ",",  # noqa: PLR2004
        newline="\n" if run.era == "D" and run.course == 3 else "\r\n",  # noqa: PLR2004
        bom=run.era == "C" and run.course in (0, 1),
    )


def _grade_row(run: _Run, attempt: _Attempt) -> list[object]:
    learner = attempt.learner
    eligible, delivered, kind = _certificate(run, attempt)
    person = [learner.id, learner.email(run.exported.year), learner.username, attempt.grade]
    tail = [
        attempt.track,
        attempt.verification,
        "Y" if eligible else "N",
        "Y" if delivered else "N",
        kind,
    ]
    if run.era in "AB":
        cohort = ["[unassigned]"] if run.era == "B" else []
        return [*person, 0.5, 0.0, 0.25, *cohort, *(tail if run.era == "B" else [])]
    # the labs of era C have no grader: an average in the header, no cell in the rows
    status = ["enrolled" if attempt.enrolled else "unenrolled"] if run.era == "D" else []
    return [*person, *attempt.quizzes, 0.166666666667, *tail, *status]


def _profile(run: _Run, attempts: Sequence[_Attempt]) -> bytes:
    """Only of active enrolments."""
    year = run.profile_exported.year
    old = ["username", "name", "email", "language", "location", "year_of_birth", "gender"]
    old += ["level_of_education", "mailing_address", "goals"]
    more: Mapping[str, Sequence[str]] = {
        "A": (),
        "B": ("cohort", "team", "city", "country"),
        "C": ("enrollment_mode", "verification_status", "city", "country"),
        "D": ("enrollment_mode", "verification_status", "last_login", "date_joined", "external_user_key", "city", "country"),
    }  # fmt: skip
    with_id = run.era != "A"
    header = [*(["id"] if with_id else []), *old, *more[run.era]]
    rows = []
    for attempt in attempts:
        if not attempt.enrolled:
            continue
        learner = attempt.learner
        known: dict[str, object] = {
            "id": learner.id,
            "username": learner.username,
            "name": learner.name,
            "email": learner.email(year),
            "mailing_address": "1 Main Road,\nTown" if learner.number % 7 == 0 else None,
            "goals": 'to "learn"\r\nand grow' if learner.number % 11 == 0 else None,
            "cohort": "[unassigned]",
            "team": "[unavailable]",
            "country": learner.country,
            "enrollment_mode": attempt.track,
            "verification_status": attempt.verification,
        }
        rows.append([known.get(name) for name in header])
    # edX writes what is not there as the word None
    rows = [["None" if cell is None else cell for cell in row] for row in rows]
    return _csv(header, rows, bom=run.era == "C" and run.course == 0)


def _problem_report(attempts: Sequence[_Attempt]) -> bytes:
    rows = [
        (a.learner.id, a.learner.email(2000), a.learner.username, 0.01, "Not Attempted", 1)
        for a in attempts
    ]
    header = (
        "Student ID",
        "Email",
        "Username",
        "Grade",
        "Quiz 1: a - b (Earned)",
        "Quiz 1: a - b (Possible)",
    )
    return _csv(header, rows)


def _csv(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    delimiter: str = ",",
    newline: str = "\r\n",
    bom: bool = False,
) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")
