"""Made-up programmes, from the plain to the extreme, as the tables that their pages show."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import dataframely as dy
import polars as pl

from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.completion import (
    CertificateReconciliation,
    CertificatesIssued,
    CourseRetention,
    ExportInventory,
    ProgrammeBridge,
    ProgrammeFunnel,
    ProgrammeWeeks,
    TimeToNextCourse,
)
from edu_pipeline.model.nudges import NudgeSummary
from edu_pipeline.model.problems import Problem, problems_frame
from edu_pipeline.programmes.funnel import (
    course_retention,
    programme_completions,
    time_to_next_course,
)
from edu_pipeline.settings.programmes import Programme
from edu_pipeline.site.programme_page import ProgrammeTables

TODAY = date(2026, 11, 21)
ID = "lead"
LONG = "leadership-for-people-in-very-large-organisations-1x"
Rows = Sequence[Mapping[str, Any]]


def programme(
    courses: Sequence[str] = ("a1", "b2", "c3"), title: str = "Leading Change"
) -> Programme:
    """Its last course is the capstone, but of a programme of one."""
    return Programme.model_validate(
        {
            "id": ID,
            "title": title,
            "old_rule": True,
            "courses": [
                {"id": course, "title": f"UQx_C{n}X", "pass_mark": 0.65}
                for n, course in enumerate(courses)
            ],
            "capstone": courses[-1] if len(courses) > 1 else None,
        }
    )


def frame(schema: type[dy.Schema], rows: Rows) -> pl.DataFrame:
    """Rows of the programme; what a row leaves out is empty."""
    filled = [
        {name: row.get(name, ID if name == "programme_id" else None) for name in dtypes(schema)}
        for row in rows
    ]
    return schema.validate(pl.DataFrame(filled, schema=dtypes(schema)), cast=True)


def tables(
    of: Programme,
    *,
    learners: int = 1204,
    completions: Mapping[tuple[str, str], int] | None = None,
    curves: pl.DataFrame | None = None,
    inventory: Rows = (),
    problems: Sequence[str] = (),
    reconciliation: Mapping[str, int] | None = None,
    nudges: Mapping[str, int] | None = None,
    weeks: int = 30,
) -> ProgrammeTables:
    """Tables of a programme in which ever fewer get on."""
    courses = [course.id for course in of.courses]
    funnel: list[Mapping[str, Any]] = []
    pairs = []
    for place, course in enumerate(courses, start=1):
        enrolled = learners // place
        stages = {"enrolled": enrolled, "passed": enrolled // 2, "certificate": enrolled // 5}
        funnel += _stages(place, course, stages)
        if place < len(courses):
            pairs.append((course, courses[place], enrolled // 2, enrolled // 3))
    whole = {
        "enrolled": learners,
        "certificate": learners // 3,
        "core_complete": learners // 9,
        "complete": learners // 16,
    }
    funnel += _stages(len(courses) + 1, None, whole)
    old, new = learners // 7, learners // 9
    bridge = ("old rule", old), ("audit passes", new - old), *(
        (line, 0)
        for line in (
            "the capstone or a second choice counted as a course",
            "certificates that the old rule did not see",
        )
    ), ("new rule", new), ("with the capstone", learners // 16)  # fmt: skip
    return ProgrammeTables(
        weeks=frame(
            ProgrammeWeeks,
            [
                {"week": date(2026, 1, 5) + timedelta(weeks=n)}
                | dict.fromkeys(("complete", "core_complete"), learners // 16 * n // weeks)
                | dict.fromkeys(("certificates", "passes", "verified"), learners * n // weeks)
                for n in range(1, weeks + 1)
            ],
        ),
        people=pl.DataFrame({"programme_id": [ID], "people": [3], "accounts": [7]}),
        funnel=frame(ProgrammeFunnel, funnel),
        retention=course_retention(
            pl.DataFrame(
                [(ID, *pair) for pair in pairs if pair[2]],
                schema=["programme_id", "course_id", "to_course", "passed", "went_on"],
                orient="row",
            )
        )
        if any(pair[2] for pair in pairs)
        else CourseRetention.create_empty(),
        curves=TimeToNextCourse.create_empty() if curves is None else curves,
        completions=programme_completions(
            pl.DataFrame(
                [(ID, *cell, number) for cell, number in (completions or {}).items()],
                schema={
                    "programme_id": pl.String,
                    "period": pl.String,
                    "country": pl.String,
                    "learners": pl.Int64,
                },
                orient="row",
            )
        ),
        bridge=frame(
            ProgrammeBridge,
            [
                {"position": n, "line": line, "learners": number}
                for n, (line, number) in enumerate(bridge, start=1)
            ],
        ),
        reconciliation=frame(
            CertificateReconciliation,
            [
                {"course_id": courses[0], "run": "UQx_C0X_1T2026", "reason": why, "learners": n}
                for why, n in (reconciliation or {}).items()
            ],
        ),
        inventory=frame(ExportInventory, inventory),
        problems=problems_frame(
            Problem("edx", "reports", "unknown_file", text[:20], text, None, part=ID)
            for text in problems
        ),
        issued=frame(
            CertificatesIssued,
            [
                {"learner_id": str(n), "issued": n < 3, "complete": n > 0, "reason": why}
                for n, why in enumerate(
                    (
                        "issued, and not complete by the exports",
                        "issued, and complete",
                        "issued, and complete",
                        "complete, and none issued",
                    )
                )
            ]
            if nudges
            else [],
        ),
        nudges=frame(
            NudgeSummary,
            [
                {"decision": "none", "reason": why, "learners": n, "sentence": f"{n:,} {why}"}
                for why, n in (nudges or {}).items()
            ],
        ),
    )


def _stages(position: int, course: str | None, stages: Mapping[str, int]) -> Rows:
    enrolled = stages["enrolled"]
    return [
        {
            "position": position,
            "course_id": course,
            "stage": stage,
            "learners": number,
            "share": number / enrolled if enrolled else None,
        }
        for stage, number in stages.items()
    ]


def curve(course: str, went_on: Mapping[int, int], waiting: Mapping[int, int]) -> pl.DataFrame:
    """A curve from the learners who went on, and those who still may, by day."""
    rows = [
        (ID, course, day, went_on.get(day, 0), waiting.get(day, 0))
        for day in sorted({*went_on, *waiting})
    ]
    columns = ["programme_id", "course_id", "days", "went_on", "waiting"]
    return time_to_next_course(pl.DataFrame(rows, schema=columns, orient="row"))


def run(course: str, name: str, **kinds: int | None) -> Rows:
    """The two exports of a run, by their age; none where one is missing."""
    return [
        {
            "course_id": course,
            "run": f"UQx_{course}_{name}",
            "run_name": name,
            "kind": kind,
            "stamp": None if age is None else datetime(2026, 11, 21) - timedelta(days=age),  # noqa: DTZ001
            "age_days": age,
            "listed": True,
            "needed": age is None or age > 7,
            "sentence": f"{word} missing" if age is None else f"{word} {age} days old",
            "as_of": TODAY,
        }
        for kind, word, age in (
            ("profile", "profile", kinds["profile"]),
            ("grades", "grade report", kinds["grades"]),
        )
    ]


ORDINARY = programme()
_YEARS = {
    (str(year), country): number
    for year in range(2018, 2027)
    for country, number in {"AU": 30 + year % 7, "IN": 22, "NZ": year % 4, "unknown": 11}.items()
    if number
}


def _ordinary() -> tuple[Programme, ProgrammeTables]:
    return ORDINARY, tables(
        ORDINARY,
        completions=_YEARS,
        curves=pl.concat(
            [
                curve("a1", {10: 90, 40: 60, 200: 30, 700: 5}, {1200: 80, 300: 40}),
                curve("b2", {100: 1}, {150: 12}),
                curve("c3", {5: 3}, {}),
                curve("d4", {2: 3}, {40: 12, 80: 3, 2000: 1}),
                curve("e5", {690: 30}, {700: 20}),
                curve("f6", {}, {20: 40}),
            ]
        ),
        inventory=[
            *run("b2", "3T2026", profile=None, grades=41),
            *run("a1", "1T2026", profile=3, grades=3),
        ],
        problems=[
            "notes.txt is not read: its name is none that edX gives a report, such as "
            "UQx_BUSLEAD1x_1T2027_grade_report_2027-05-01-0930.csv. Give it back its name."
        ],
        reconciliation={
            "agree": 311,
            "eligible, not delivered": 4,
            "eligible, certificates not available yet": 21,
            "passed, not eligible: identity not verified": 9,
        },
        nudges={
            "get no letter: b2/3T2026 has no upgrade_deadline": 412,
            "are told to go on with c3": 38,
            "was written to on 3 October": 1,
            "are staff": 9,
        },
    )


def _long() -> tuple[Programme, ProgrammeTables]:
    of = programme((LONG, LONG.replace("1x", "2x"), "z"), "Führung <b>& Wandel</b> " * 4)
    return of, tables(
        of,
        learners=1_204_117,
        completions={("2026", "AU"): 120_000, ("2026", "IN"): 8, ("2025", "IN"): 9},
        curves=curve(LONG, {1: 900_000}, {40: 100_000}),
        inventory=run(LONG, "3T2026", profile=400, grades=None),
        reconciliation={"agree": 1, "delivered, not eligible": 1_000_000},
    )


def _few() -> tuple[Programme, ProgrammeTables]:
    of = programme(("only",), "A Programme of One")
    return of, tables(
        of,
        learners=16,
        completions={("2026", "AU"): 1},
        curves=curve("only", {3: 1, 900: 1}, {3000: 1}),
        inventory=run("only", "1T2026", profile=2, grades=2),
    )


def _everybody() -> tuple[Programme, ProgrammeTables]:
    countries = {("2026", f"{a}{b}"): 10 + ord(a) for a in "ABCDE" for b in "KLMN"}
    return ORDINARY, tables(
        ORDINARY, completions=countries, curves=curve("a1", {0: 50, 1: 50}, {}), learners=90
    )


PROGRAMMES: Mapping[str, Callable[[], tuple[Programme, ProgrammeTables]]] = {
    "an ordinary programme": _ordinary,
    "long names and large numbers": _long,
    "few learners": _few,
    "everybody goes on": _everybody,
    "no export yet": lambda: (ORDINARY, tables(ORDINARY, learners=0)),
}
