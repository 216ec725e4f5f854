"""Made-up classes, and the letters about them, from the plain to the extreme."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from edu_pipeline.charting.render import render_pngs
from edu_pipeline.glossary.metrics import definitions
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment
from edu_pipeline.model.teachers import ClassWeek, StudentOfWeek
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.letters import Letters
from edu_pipeline.teachers import charts
from edu_pipeline.teachers.letter import (
    ClassView,
    Edition,
    LetterContent,
    SchoolWeek,
    Source,
    Teacher,
    class_view,
    compose,
)
from edu_pipeline.teachers.students import IN_LESSONS, ClassNotes, class_notes

SETTINGS = Settings()
FIRST_MONDAY = date(2026, 8, 31)
YEAR = [week for week in range(34) if week not in {7, 15, 16, 24}]
"""Calendar weeks of a school year with three breaks."""
ATTENDANCE = [0.93, 0.95, 0.94, 0.96, 0.92, 0.945, 0.955, 0.93, 0.94, 0.965] * 3
HOMEWORK = [0.85, 0.8, 0.88, 0.9, 0.86, 0.79, 0.84, 0.87, 0.83, 0.86] * 3

LONG = "Advanced Reading and Writing Workshop for Grades Seven and Eight (B)"
UNBROKEN = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunter"
ARABIC, HEBREW, CJK = "ليلى عبد الرحمن الحداد", "נועה בן־דוד", "佐藤 美咲"

ENV = environment([shipped("templates")])
EDITION = Edition(
    school="Riverside School",
    week=FIRST_MONDAY + timedelta(weeks=YEAR[-1]),
    schools={},
    letters=SETTINGS.letters,
    notice=SETTINGS.notice,
    targets=SETTINGS.targets,
    definitions=definitions(SETTINGS),
    sources=[Source("attendance", date(2027, 4, 23)), Source("homework", date(2027, 4, 22))],
    env=ENV,
)


@dataclass(frozen=True)
class Sample:
    """A letter, its charts, and the view that its figures come from."""

    views: Sequence[ClassView]
    content: LetterContent


def history(
    attendance: Sequence[float | None] = ATTENDANCE,
    homework: Sequence[float | None] = HOMEWORK,
    weeks: Sequence[int] = YEAR,
    usual: Mapping[str, tuple[float, float, str]] | None = None,
    team_rate: float | None = 0.945,
    **columns: Any,
) -> pl.DataFrame:
    """One class's `ClassWeek`; `usual` is rate → low, high and verdict of the last week."""
    rows = []
    for n in range(len(weeks)):
        row: dict[str, Any] = {
            "week_start": FIRST_MONDAY + timedelta(weeks=weeks[n]),
            "class_id": "c1",
            "class_name": "7B",
            "class_type": "homeroom",
            "grade": "7",
            "team": "Grade 7",
            "school_id": "s1",
            "days_in_session": 5,
            "days_submitted": 0 if attendance[n] is None else 5,
            "students": 24,
            "possible_days": 0.0 if attendance[n] is None else 120.0,
            "attended_days": 120 * (attendance[n] or 0),
            "lessons": None,
            "homework_due": 0 if homework[n] is None else 80,
            "homework_complete": round(80 * (homework[n] or 0)),
        }
        for column, values in (("attendance_rate", attendance), ("homework_rate", homework)):
            known = [value for value in values[: n + 1] if value is not None]
            row |= _rate(
                column, values[n], values[n - 1] if n else None, values[0], known, team_rate
            )
            if usual and column in usual and n == len(weeks) - 1 and values[n] is not None:
                low, high, verdict = usual[column]
                row |= {
                    f"{column}_usual_low": low,
                    f"{column}_usual_high": high,
                    f"{column}_verdict": verdict,
                }
        rows.append(row | columns)
    return ClassWeek.validate(pl.DataFrame(rows, infer_schema_length=None), cast=True)


def _rate(
    column: str,
    value: float | None,
    previous: float | None,
    start: float | None,
    known: Sequence[float],
    team: float | None,
) -> dict[str, Any]:
    to_date = sum(known) / len(known) if known else None
    return {
        column: value,
        f"{column}_previous": previous,
        f"{column}_change_previous": None
        if value is None or previous is None
        else value - previous,
        f"{column}_start": start,
        f"{column}_change_start": None if value is None or start is None else value - start,
        f"{column}_team": team,
        f"{column}_school": 0.938,
        f"{column}_usual_low": None,
        f"{column}_usual_high": None,
        f"{column}_usual_weeks": max(0, len(known) - 1),
        f"{column}_verdict": None if value is None else "too_few_weeks",
        **{f"{column}_phase{part}": None for part in ("", "_start", "_first", "_last", "_before")},
        f"{column}_team_verdict": None if value is None else "within",
        f"{column}_to_date": to_date,
        f"{column}_team_to_date": team,
        f"{column}_school_to_date": 0.935,
        f"{column}_team_verdict_to_date": None if to_date is None else "within",
    }


BELOW = {"attendance_rate": (0.887, 0.972, "below"), "homework_rate": (0.74, 0.95, "within")}
WITHIN = {"attendance_rate": (0.887, 0.972, "within"), "homework_rate": (0.74, 0.95, "within")}
DROPPED = [*ATTENDANCE[:-1], 0.83]


def student(number: int, **columns: float) -> dict[str, Any]:
    """A row of `StudentOfWeek`: here every day, and nothing missing."""
    return {
        "week_start": EDITION.week,
        "class_id": "c1",
        "student_id": f"{number:03}",
        "possible_days": 5.0,
        "attended_days": 5.0,
        "excused_days": 0.0,
        "tardy_days": 0,
        "homework_due": 8,
        "homework_complete": 8,
        "homework_missing": 0,
        "possible_days_previous": 5.0,
        "absent_days_previous": 0.0,
        "homework_due_previous": 7,
        "homework_missing_previous": 0,
        "possible_days_to_date": 130.0,
        "absent_days_to_date": 3.0,
        "excused_days_to_date": 1.0,
        "homework_due_to_date": 200,
        "homework_missing_to_date": 20,
    } | columns


ABSENT = {"attended_days": 2.0, "absent_days_to_date": 12.0}
EXCUSED = {"attended_days": 3.0, "excused_days": 2.0}
ALL_AT_ONCE = {
    "attended_days": 2.5,
    "excused_days": 0.5,
    "absent_days_to_date": 15.5,
    "excused_days_to_date": 4.0,
    "homework_complete": 2,
    "homework_missing": 6,
}
BACK = {"absent_days_previous": 3.0}
CAUGHT_UP = {"homework_missing_previous": 5}
SOME: Sequence[tuple[str, Mapping[str, float]]] = (
    ("Zoë O’Brien", ABSENT),
    ("Ben Okafor", ALL_AT_ONCE),
    ("Nguyễn Thị Minh Khai", EXCUSED),
    ("Mia Fox", BACK),
    ("Ivo Král", CAUGHT_UP),
)


def notes(
    people: Sequence[tuple[str, Mapping[str, float]]] = SOME, *, lessons: bool = False
) -> ClassNotes:
    """What is said of these students."""
    rows = [student(n, **columns) for n, (_, columns) in enumerate(people)]
    names = {f"{n:03}": name for n, (name, _) in enumerate(people)}
    frame = StudentOfWeek.validate(pl.DataFrame(rows), cast=True)
    if lessons:
        return class_notes(frame, names, SETTINGS.notice, IN_LESSONS)
    return class_notes(frame, names, SETTINGS.notice)


def _letters(*, students: str = "full") -> Letters:
    return SETTINGS.letters.model_copy(update={"students": students})


def _school_week(rows: pl.DataFrame, *, closed_early: bool = True) -> SchoolWeek:
    start = rows["week_start"][-1]
    days = [start + timedelta(days=n) for n in range(5)]
    return SchoolWeek(
        start=start,
        previous=rows["week_start"][-2] if rows.height > 1 else None,
        first_full=rows["week_start"][0],
        days=days,
        full_days=5,
        through=days[-2] if closed_early else days[-1],
    )


def _subjects(*names: str) -> list[pl.DataFrame]:
    rates = itertools.cycle([0.88, 0.79, None, 0.91, 1.0])
    return [
        history(
            homework=[*HOMEWORK[:-1], rate],
            class_id=f"e{n}",
            class_name=name,
            class_type="scheduled",
            usual={"homework_rate": (0.6, 0.95, "above")} if rate == 1 else None,
        )
        for n, (name, rate) in enumerate(zip(names, rates, strict=False))
    ]


def _sample(
    classes: Sequence[tuple[pl.DataFrame, ClassNotes]],
    *,
    students: str = "full",
    closed_early: bool = True,
    given_name: str = "Ada",
    corrected: bool = False,
) -> Sample:
    letters = _letters(students=students)
    edition = Edition(**{**vars(EDITION), "letters": letters})
    views: list[ClassView] = []
    drawn: dict[tuple[str, str], charts.ChartSpec] = {}
    for rows, said in classes:
        known = {}
        if corrected:
            known = {"c1/attendance_rate": (rows["week_start"][-2], 111.0, 120.0)}
        views.append(
            class_view(
                rows,
                _school_week(rows, closed_early=closed_early),
                SETTINGS.targets,
                letters,
                said,
                known,
            )
        )
        if views[-1].homeroom:
            specs = charts.chart_specs(rows, SETTINGS.targets, EDITION.words)
            drawn |= {(f"class:{views[-1].class_id}", kind): spec for kind, spec in specs.items()}
    if not all(view.homeroom for view in views):
        drawn |= {("staff:t1", kind): spec for kind, spec in _all_classes(classes[-1][0]).items()}
    pngs = render_pngs([spec.spec for spec in drawn.values()], alone=True)
    pictures = {
        key: charts.Drawing(png, spec.alt, spec.shows)
        for (key, spec), png in zip(drawn.items(), pngs, strict=True)
    }
    teacher = Teacher("t1", given_name, "Moss", "ada@riverside.example")
    return Sample(views, compose(teacher, views, pictures, edition))


def _all_classes(rows: pl.DataFrame) -> dict[str, charts.ChartSpec]:
    together = rows.drop(pl.selectors.starts_with("attendance_rate")).with_columns(
        class_name=pl.lit(EDITION.words("your_classes")),
        line_name=pl.lit(EDITION.words("your_line")),
        homework_rate_team=pl.lit(None, pl.Float64),
    )
    return charts.chart_specs(together, SETTINGS.targets, EDITION.words)


SUBJECTS = ("English 7B", "English 7A", "English 8A", "English 8B", "Latin")
NOBODY = ClassNotes()


def _ordinary() -> Sample:
    return _sample([(history(DROPPED, usual=BELOW), notes())], corrected=True)


def _homeroom_and_five() -> Sample:
    taught = [
        (rows, notes(SOME[:3], lessons=True) if n == 1 else NOBODY)
        for n, rows in enumerate(_subjects(*SUBJECTS))
    ]
    return _sample([(history(DROPPED, usual=BELOW), notes()), *taught])


def _subject_only() -> Sample:
    return _sample([(rows, notes(SOME[:3], lessons=True)) for rows in _subjects(*SUBJECTS)])


def _quiet() -> Sample:
    return _sample([(history(usual=WITHIN), NOBODY)], closed_early=False)


def _one_student() -> Sample:
    one: dict[str, Any] = {
        "students": 1,
        "possible_days": 5.0,
        "attended_days": 4.0,
        "team": "Grade 7",
    }
    return _sample([(history([*ATTENDANCE[:-1], 0.8], **one), notes(SOME[:1]))])


def _sixty() -> Sample:
    cases = (ABSENT, ALL_AT_ONCE, EXCUSED, BACK, CAUGHT_UP)
    people = [(f"Maximiliane Featherstone {n}", cases[n % 5]) for n in range(60)]
    taught = [(rows, notes(people, lessons=True)) for rows in _subjects(*SUBJECTS)]
    return _sample([(history(DROPPED, usual=BELOW, students=60), notes(people)), *taught])


def _named(class_name: str, team: str, *people: str, given_name: str = "Ada") -> Sample:
    said = notes([(name, case) for name in people for case in (ALL_AT_ONCE, EXCUSED, BACK)])
    homeroom = history(DROPPED, usual=BELOW, class_name=class_name, team=team)
    taught = _subjects(f"{class_name} E", class_name)
    return _sample(
        [(homeroom, said), *((rows, said) for rows in taught)],
        given_name=given_name,
        corrected=True,
    )


def _flat(rate: float) -> Sample:
    flat = [rate] * len(YEAR)
    return _sample([(history(flat, flat, team_rate=rate), notes())])


def _no_register() -> Sample:
    rows = history([*ATTENDANCE[:-1], None], [None] * len(YEAR))
    return _sample([(rows, notes([SOME[0], SOME[3]]))])


def _names_nobody() -> Sample:
    return _sample(
        [(history(DROPPED, usual=BELOW), notes()), (_subjects("Latin")[0], notes(lessons=True))],
        students="none",
    )


SAMPLES = {
    "an ordinary homeroom": _ordinary,
    "a homeroom and five classes": _homeroom_and_five,
    "subjects only": _subject_only,
    "a quiet week": _quiet,
    "one student": _one_student,
    "sixty students": _sixty,
    "long names": lambda: _named(LONG, f"Team {LONG}", LONG, "Anna-Maria " * 7),
    "unbroken names": lambda: _named(UNBROKEN, UNBROKEN, UNBROKEN, given_name=UNBROKEN),
    "right to left": lambda: _named("כיתה ז׳2", "الصف السابع", ARABIC, HEBREW, given_name="ليلى"),
    "Chinese characters": lambda: _named("七年级二班", "七年级", CJK, given_name="美咲"),
    "100 %": lambda: _flat(1.0),
    "0 %": lambda: _flat(0.0),
    "no register": _no_register,
    "nobody named": _names_nobody,
}
"""What the letter is about → how to make it."""
