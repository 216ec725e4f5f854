"""Made-up cohorts as they land, with some students whose grades are known by heart."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from edu_pipeline.attainment.metrics import cohort_tables
from edu_pipeline.attainment.page import Cohort, cohorts
from edu_pipeline.model.attainment import (
    AttainmentNotes,
    CohortStudents,
    ResultGroups,
    Results,
    StatedDifferences,
)
from edu_pipeline.model.columns import dtypes
from edu_pipeline.settings.attainment import Attainment

ATTAINMENT = Attainment()
GIVEN = [
    "Ada",
    "Bilal",
    "Chloe",
    "Daniel",
    "Esme",
    "Femi",
    "Grace",
    "Hassan",
    "Isla",
    "Jakub",
    "Kezia",
    "Liam",
    "Maya",
    "Noah",
    "Orla",
    "Priya",
]
FAMILY = [
    "Adeyemi",
    "Brown",
    "Clarke",
    "Davies",
    "Evans",
    "Fox",
    "Green",
    "Hughes",
    "Iqbal",
    "Jones",
    "Khan",
    "Lewis",
    "Moss",
    "Nowak",
    "Owens",
    "Patel",
    "Reed",
    "Singh",
    "Taylor",
    "Usman",
    "Vance",
    "Walsh",
    "Young",
    "Zielinski",
]
CORE = ("English Language", "English Literature", "Maths")
OPTIONS = (
    *("Combined Science", "Geography", "History", "French", "Spanish", "Art", "Computer Science"),
    *("Drama", "Music", "PE", "Food Preparation and Nutrition", "Religious Studies", "Business"),
    *("Design and Technology", "Media Studies", "Sociology", "Psychology", "Dance", "German"),
    *("Statistics", "Photography", "Economics", "Engineering"),
)
SMALL = "Latin"
NASTY = "</script><script>window.hacked = true</script>"
KNOWN: Mapping[str, Mapping[str, Sequence[float | str | None]]] = {
    # MOCK 1, MOCK 2, GCSE, BASELINE
    "Nadia Okonkwo-Lindqvist": {
        "Maths": (4, 3, 6, 7),
        "Art": (5, 5, 6, 6),
        "History": (4, 6, 8, 6.5),
    },
    "Quentin Ziegler": {"Maths": ("X", 0, 2, None), "Art": (3, 3, 3, 3)},
    "Wilhelmina Xu": {"Maths": (5, None, None, 5.5), "Spanish": (4, 4, 5, 4)},
    NASTY: {"Maths": (5, 5, 5, 5)},
}


def landed(
    students: int = 120, subjects: int = 25, *, seed: int = 6, final: bool = True
) -> dict[str, pl.DataFrame]:
    """What the landing room would hand over."""
    random_ = random.Random(seed)  # noqa: S311 - invented grades
    names: list[str] = []
    for family in FAMILY * (1 + students // (len(GIVEN) * len(FAMILY))):
        names += [f"{given} {family}" for given in GIVEN]
    random_.shuffle(names)
    options = OPTIONS[: subjects - len(CORE)]
    results, people = [], []
    groups: list[tuple[str, str | None, str, str]] = []
    for n in range(students):
        student = f"{1000 + n}"
        ability = random_.gauss(5.2, 1.5)
        people.append((student, names[n] if names.count(names[n]) == 1 else f"{names[n]} {n}"))
        chosen = [*CORE, *random_.sample(options, min(6, len(options)))]
        if n % 30 == 7:
            chosen.append(SMALL)
        gender, premium = random_.choice(["Female", "Male"]), random_.random() < 0.28
        groups.append((student, None, "Gender", gender))
        groups.append((student, None, "Pupil premium", "Yes" if premium else "No"))
        for subject in chosen:
            groups.append((student, subject, "Class", f"{subject[:2]}{1 + n % 3}"))
            level = ability + random_.gauss(0, 0.7) + {"Maths": 0.4, "French": -0.5}.get(subject, 0)
            baseline = round(min(9, max(0.5, level + random_.gauss(0, 0.4))) * 10) / 10
            grades: list[float | str | None] = [
                _grade(level - 1.1 + random_.gauss(0, 0.8)),
                _grade(level - 0.6 + random_.gauss(0, 0.7)),
                _grade(level + 0.05 - 0.5 * premium + random_.gauss(0, 0.8)) if final else None,
                baseline if random_.random() > 0.03 else None,
            ]
            if random_.random() < 0.03:
                grades[random_.randrange(2)] = "X"
            results += _rows(student, subject, grades)
    for n, (name, taken) in enumerate(KNOWN.items()):
        student = f"k{n}"
        people.append((student, name))
        for subject, known in taken.items():
            results += _rows(student, subject, known if final else (*known[:2], None, known[3]))
    return {
        "results": pl.DataFrame(
            [("Year 11, 2026", *row, "results.csv", n + 2) for n, row in enumerate(results)],
            schema=dtypes(Results),
            orient="row",
        ),
        "students": pl.DataFrame(
            [("Year 11, 2026", *person, False, True, True) for person in people],
            schema=dtypes(CohortStudents),
            orient="row",
        ),
        "groups": pl.DataFrame(
            [("Year 11, 2026", *group) for group in groups],
            schema=dtypes(ResultGroups),
            orient="row",
        ),
        "files": pl.DataFrame(
            {
                "cohort": ["Year 11, 2026"],
                "kind": ["results"],
                "landed_at": [datetime(2026, 8, 21, 6)],  # noqa: DTZ001 - as the warehouse has it
            }
        ),
        "problems": pl.DataFrame(
            [
                (
                    "unmatched_baseline",
                    "Year 11, 2026",
                    1,
                    "1 of 124 students of the baseline file has no results. Correct the spelling.",
                    "Otis Unmatched",
                    "1f2e3d4c5b",
                    "",
                    None,
                )
            ],
            schema=dtypes(AttainmentNotes),
            orient="row",
        ),
    }


def _grade(level: float) -> float:
    return float(min(9, max(0, round(level))))


def _rows(
    student: str, subject: str, grades: Sequence[float | str | None]
) -> list[tuple[str | float | None, ...]]:
    return [
        (student, subject, series, f"{grade}", "gcse", None, None, True)
        if isinstance(grade, str)
        else (student, subject, series, f"{grade:g}", "gcse", grade, int(grade), False)
        for series, grade in zip(ATTAINMENT.series, grades, strict=True)
        if grade is not None
    ]


def cohort(frames: Mapping[str, pl.DataFrame], attainment: Attainment = ATTAINMENT) -> Cohort:
    """The cohort with its tables."""
    tables = cohort_tables(
        frames["results"],
        frames["students"],
        frames["groups"],
        frames.get("stated", pl.DataFrame(schema=dtypes(StatedDifferences))),
        attainment,
    )
    names = ("files", "results", "students", "groups", "problems")
    (found,) = cohorts(tables, *(frames[name] for name in names), attainment=attainment)
    return found
