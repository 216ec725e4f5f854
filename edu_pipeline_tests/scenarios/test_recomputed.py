"""Every figure of the sample school, computed a second time from the CSV files in plain Python.

Nothing of the pipeline's own reckoning is used here: no polars, no SQL, no shared function.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from edu_pipeline.facts.students import students_of_week
from edu_pipeline.ground.warehouse import open_warehouse, read_table
from edu_pipeline.model.teachers import (
    ClassWeek,
    SchoolTerm,
    StudentAttendance,
    StudentHomework,
    StudentOfWeek,
    TeacherWeek,
)
from edu_pipeline.sample.landing import write_sample
from edu_pipeline.sample.school import make_school
from edu_pipeline.settings.home import Home
from edu_pipeline_tests.conftest import CODES, THROUGH, make_home, run_job

ATTENDED = {"P": 1.0, "T": 1.0, "A": 0.0, "E": 0.0, "H": 0.5}
Row = dict[str, Any]


@dataclass
class Sums:
    """Numerators and denominators of one class, team, school or student."""

    possible: float = 0
    attended: float = 0
    excused: float = 0
    tardy: int = 0
    days: set[date] = field(default_factory=set)
    statuses: Counter[str] = field(default_factory=Counter)

    def add_day(self, day: date, code: str) -> None:
        self.days.add(day)
        self.possible += 1
        self.attended += ATTENDED[code]
        self.excused += code == "E"
        self.tardy += code == "T"

    @property
    def due(self) -> int:
        return self.complete + self.statuses["missing"]

    @property
    def complete(self) -> int:
        return self.statuses["complete"] + self.statuses["late"]

    @property
    def rates(self) -> dict[str, float | None]:
        return {
            "attendance_rate": self.attended / self.possible if self.possible else None,
            "homework_rate": self.complete / self.due if self.due else None,
        }


def day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def change(now: float | None, then: float | None) -> float | None:
    return None if now is None or then is None else now - then


class School:
    """The exports as they lie on disk, and what follows from them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.students = {row["student_id"]: row for row in self.rows("students")}
        self.classes = {row["class_id"]: row for row in self.rows("classes")}
        self.open_days: dict[str, list[date]] = defaultdict(list)
        for row in self.rows("calendar"):
            if row["in_session"] == "Y":
                self.open_days[row["school_id"]].append(date.fromisoformat(row["date"]))

    def rows(self, table: str) -> list[dict[str, str]]:
        with (self.folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @cached_property
    def spells(self) -> dict[str, list[tuple[str, date, date]]]:
        """Student → class, first day, first day after."""
        found = defaultdict(list)
        for row in self.rows("enrollments"):
            if row["role"] == "student" and row["person_id"] in self.students:
                begin = day_of(row["begin_date"]) or date.min
                end = day_of(row["end_date"]) or date.max
                found[row["person_id"]].append((row["class_id"], begin, end))
        return found

    def classes_of(self, student: str, day: date) -> set[str]:
        return {name for name, begin, end in self.spells[student] if begin <= day < end}

    def homeroom_of(self, student: str, day: date) -> dict[str, str] | None:
        rooms = [
            self.classes[name]
            for name in self.classes_of(student, day)
            if self.classes[name]["class_type"] == "homeroom"
        ]
        assert len(rooms) <= 1
        return rooms[0] if rooms else None

    def school_of(self, student: str, day: date) -> str:
        return (self.homeroom_of(student, day) or self.students[student])["school_id"]

    @cached_property
    def marks(self) -> dict[tuple[str, date], str]:
        """Student and day → code; the later row counts."""
        found = {}
        for row in self.rows("attendance"):
            day = day_of(row["date"])
            student = self.students.get(row["student_id"])
            if day and student and day in self.open_days[student["school_id"]]:
                found[row["student_id"], day] = row["code"]
        return found

    @cached_property
    def last_day(self) -> date:
        return max(day for _, day in self.marks)

    @cached_property
    def student_days(self) -> list[tuple[str, date, str]]:
        """Student, day and code of every day that counts."""
        return [
            (student, day, code)
            for student in self.students
            for day in self.open_days[self.students[student]["school_id"]]
            if (code := self.marks.get((student, day)))
            if day <= self.last_day and self.classes_of(student, day)
        ]

    @cached_property
    def homework(self) -> list[tuple[str, str, date, str]]:
        """Student, class, due date and status of every item that counts."""
        latest = {}
        for row in self.rows("homework"):
            due = day_of(row["due_date"])
            if due and row["student_id"] in self.students and row["class_id"] in self.classes:
                item = row["student_id"], row["class_id"], due, row["status"]
                latest[row["student_id"], row["assignment_id"]] = item
        return [
            (student, class_id, due, status)
            for student, class_id, due, status in latest.values()
            if status in ("complete", "late", "missing")
            and due <= self.last_day
            and class_id in self.classes_of(student, due)
        ]

    @cached_property
    def sums(self) -> tuple[dict[Any, Sums], dict[str, Sums]]:
        """Of classes, teams and schools by week; and of students."""
        groups: dict[Any, Sums] = defaultdict(Sums)
        people: dict[str, Sums] = defaultdict(Sums)

        def whole(student: str, day: date) -> list[Sums]:
            home = self.homeroom_of(student, day)
            team = home["team"] if home else self.students[student]["grade"]
            school = self.school_of(student, day)
            week = monday(day)
            return [
                groups["team", school, team, week],
                groups["school", school, week],
                people[student],
            ]

        for student, day, code in self.student_days:
            own = [groups["class", name, monday(day)] for name in self.classes_of(student, day)]
            for one in (*own, *whole(student, day)):
                one.add_day(day, code)
        for student, class_id, due, status in self.homework:
            home = self.homeroom_of(student, due)
            names = {class_id} | ({home["class_id"]} if home else set())
            own = [groups["class", name, monday(due)] for name in names]
            for one in (*own, *whole(student, due)):
                one.statuses[status] += 1
        return groups, people

    @cached_property
    def lessons(self) -> list[tuple[str, str, date, date]]:
        """Teacher, class, first day, first day after."""
        return [
            (
                row["person_id"],
                row["class_id"],
                day_of(row["begin_date"]) or date.min,
                day_of(row["end_date"]) or date.max,
            )
            for row in self.rows("enrollments")
            if row["role"] == "teacher" and row["class_id"] in self.classes
        ]

    def teachers_of(self, classes: set[str], day: date) -> set[str]:
        return {
            who for who, name, begin, end in self.lessons if name in classes and begin <= day < end
        }

    def teacher_weeks(self) -> dict[tuple[str, date], Row]:
        """What adds up over all the classes of each teacher, every day and piece once."""
        sums: dict[tuple[str, date], Sums] = defaultdict(Sums)
        taught: dict[tuple[str, date], set[tuple[str, str]]] = defaultdict(set)
        for who, name, begin, end in self.lessons:
            for student, spells in self.spells.items():
                for class_id, first, last in spells:
                    for day in self.open_days[self.classes[name]["school_id"]]:
                        if class_id == name and max(begin, first) <= day < min(end, last):
                            taught[who, monday(day)].add((name, student))
        for student, day, code in self.student_days:
            for who in self.teachers_of(self.classes_of(student, day), day):
                sums[who, monday(day)].add_day(day, code)
        for student, class_id, due, status in self.homework:
            home = self.homeroom_of(student, due)
            for who in self.teachers_of({class_id} | ({home["class_id"]} if home else set()), due):
                sums[who, monday(due)].statuses[status] += 1
        return {
            (who, week): {
                "staff_id": who,
                "week_start": week,
                "classes": len({name for name, _ in pairs}),
                "students": len({student for _, student in pairs}),
                "days_submitted": len(sums[who, week].days),
                "possible_days": sums[who, week].possible,
                "attended_days": sums[who, week].attended,
                "homework_due": sums[who, week].due,
                "homework_complete": sums[who, week].complete,
                **sums[who, week].rates,
            }
            for (who, week), pairs in taught.items()
            if week <= self.last_day
        }

    def terms(self) -> dict[str, Row]:
        """The terms of the only school, beside the one before."""
        names: dict[date, str] = {
            date.fromisoformat(row["date"]): row["term"]
            for row in self.rows("calendar")
            if row["in_session"] == "Y"
        }
        sums: dict[str, Sums] = defaultdict(Sums)
        for _, day, code in self.student_days:
            sums[names[day]].add_day(day, code)
        for _, _, due, status in self.homework:
            sums[names[max(day for day in names if day <= due)]].statuses[status] += 1
        found: dict[str, Row] = {}
        before: Row = dict.fromkeys(Sums().rates)
        for term in dict.fromkeys(names[day] for day in sorted(names)):
            days = [day for day in names if names[day] == term]
            if min(days) > self.last_day:
                continue
            own = sums[term]
            found[term] = {
                "term": term,
                "first_date": min(days),
                "last_date": max(days),
                "finished": max(days) <= self.last_day,
                "days_in_session": len(days),
                "possible_days": own.possible,
                "attended_days": own.attended,
                "homework_due": own.due,
                "homework_complete": own.complete,
                **own.rates,
            }
            for metric, rate in own.rates.items():
                found[term][f"{metric}_previous"] = before[metric]
                found[term][f"{metric}_change_previous"] = change(rate, before[metric])
            before = own.rates
        return found

    def students_of(self, class_id: str, week: date) -> dict[str, Row]:
        """Every student of a class in a week: the week, the one before, the year so far."""
        open_days = self.open_days[self.classes[class_id]["school_id"]]
        last = max(day for day in open_days if monday(day) == week and day <= self.last_day)
        before = max(monday(day) for day in open_days if monday(day) < week)
        windows = {"": week, "_previous": before, "_to_date": None}
        sums: dict[tuple[str, str], Sums] = defaultdict(Sums)
        everything = self.classes[class_id]["class_type"] == "homeroom"
        for student, day, code in self.student_days:
            for window, only in windows.items():
                if day <= last and only in (None, monday(day)):
                    sums[student, window].add_day(day, code)
        for student, setter, due, status in self.homework:
            for window, only in windows.items():
                if (
                    monday(due) <= week
                    and only in (None, monday(due))
                    and (everything or setter == class_id)
                ):
                    sums[student, window].statuses[status] += 1
        found = {}
        for student in self.students:
            if class_id in self.classes_of(student, last):
                now, then, year = (sums[student, window] for window in windows)
                found[student] = {
                    "week_start": week,
                    "class_id": class_id,
                    "student_id": student,
                    "possible_days": now.possible,
                    "attended_days": now.attended,
                    "excused_days": now.excused,
                    "tardy_days": now.tardy,
                    "homework_due": now.due,
                    "homework_complete": now.complete,
                    "homework_missing": now.due - now.complete,
                    "possible_days_previous": then.possible,
                    "absent_days_previous": then.possible - then.attended,
                    "homework_due_previous": then.due,
                    "homework_missing_previous": then.due - then.complete,
                    "possible_days_to_date": year.possible,
                    "absent_days_to_date": year.possible - year.attended,
                    "excused_days_to_date": year.excused,
                    "homework_due_to_date": year.due,
                    "homework_missing_to_date": year.due - year.complete,
                }
        return found

    @cached_property
    def class_weeks(self) -> dict[tuple[date, str], Row]:
        groups, _ = self.sums
        enrolled: dict[tuple[date, str], set[str]] = defaultdict(set)
        for student, spells in self.spells.items():
            for name, begin, end in spells:
                for day in self.open_days[self.classes[name]["school_id"]]:
                    if begin <= day < end:
                        enrolled[monday(day), name].add(student)
        found = {}
        for (week, name), students in enrolled.items():
            if week > self.last_day:
                continue
            room = self.classes[name]
            school = room["school_id"]
            lengths = Counter(monday(day) for day in self.open_days[school])
            often = Counter(lengths.values())
            usual = max(often, key=lambda length: (often[length], length))
            start = min(one for one, length in lengths.items() if length >= usual)
            previous = max((one for one in lengths if one < week), default=None)
            own = groups["class", name, week]
            row: Row = {
                **{
                    column: room[column] for column in ("class_name", "class_type", "grade", "team")
                },
                "class_id": name,
                "school_id": school,
                "week_start": week,
                "days_in_session": lengths[week],
                "days_submitted": len(own.days),
                "students": len(students),
                "possible_days": own.possible,
                "attended_days": own.attended,
                "homework_due": own.due,
                "homework_complete": own.complete,
            }
            beside = {
                "previous": groups["class", name, previous].rates,
                "start": groups["class", name, start if start <= week else None].rates,
                "team": groups["team", school, room["team"], week].rates,
                "school": groups["school", school, week].rates,
            }
            for metric, rate in own.rates.items():
                row[metric] = rate
                row |= {f"{metric}_{name}": rates[metric] for name, rates in beside.items()}
                for then in ("previous", "start"):
                    row[f"{metric}_change_{then}"] = change(rate, beside[then][metric])
            found[week, name] = row
        return found

    def student_tables(self) -> tuple[dict[str, Row], dict[str, Row]]:
        _, people = self.sums
        attendance = {
            student: {
                "student_id": student,
                "school_id": self.school_of(student, max(own.days)),
                "possible_days": own.possible,
                "attended_days": own.attended,
                "absent_days": own.possible - own.attended,
                "excused_days": own.excused,
                "tardy_days": own.tardy,
                "attendance_rate": own.rates["attendance_rate"],
                "first_date": min(own.days),
                "last_date": max(own.days),
            }
            for student, own in people.items()
            if own.days
        }
        homework = {
            student: {
                "student_id": student,
                "homework_due": own.due,
                "homework_complete": own.complete,
                "homework_late": own.statuses["late"],
                "homework_missing": own.statuses["missing"],
                "homework_rate": own.rates["homework_rate"],
            }
            for student, own in people.items()
            if own.due
        }
        return attendance, homework


@pytest.fixture(scope="module")
def exceptions(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same school, of whose attendance only exceptions are exported, refreshed."""
    config = f'[landing.attendance]\nshape = "exceptions"\n{CODES}'
    home = make_home(tmp_path_factory.mktemp("exceptions"), {}, config)
    tables = make_school(students=132, through=THROUGH, shape="exceptions")
    write_sample(home.data / "landing", tables)
    run_job(home, "refresh_school")
    return home


@pytest.fixture(scope="module")
def school(refreshed_sample: Home) -> School:
    return School(refreshed_sample.data / "landing" / "school")


def computed(home: Home, table: str) -> list[Row]:
    with open_warehouse(home.warehouse, read_only=True) as con:
        return read_table(con, table).to_dicts()


def assert_same(found: list[Row], expected: dict[Any, Row], key: tuple[str, ...]) -> None:
    """Row by row, every column that was expected, rates to nine places."""
    by_key = {tuple(row[name] for name in key): row for row in found}
    wanted = {tuple(row[name] for name in key): row for row in expected.values()}
    assert len(by_key) == len(found)
    assert by_key.keys() == wanted.keys()
    for row_key, row in wanted.items():
        same = {column: by_key[row_key][column] for column in row}
        assert same == pytest.approx(row, abs=1e-9), row_key


def test_class_week_is_what_the_exports_say(refreshed_sample: Home, school: School) -> None:
    found = computed(refreshed_sample, "class_week")
    expected = school.class_weeks

    assert set(found[0]) == set(ClassWeek.column_names())
    assert {row["class_id"] for row in found} == set(school.classes)
    assert max(row["week_start"] for row in found) == monday(THROUGH)
    assert_same(found, expected, ("week_start", "class_id"))


def test_student_tables_are_what_the_exports_say(refreshed_sample: Home, school: School) -> None:
    attendance, homework = school.student_tables()
    found_attendance = computed(refreshed_sample, "student_attendance")
    found_homework = computed(refreshed_sample, "student_homework")

    assert set(found_attendance[0]) == set(StudentAttendance.column_names())
    assert set(found_homework[0]) == set(StudentHomework.column_names())
    assert_same(found_attendance, attendance, ("student_id",))
    assert_same(found_homework, homework, ("student_id",))


@pytest.mark.parametrize(
    "table",
    [
        "class_week",
        "teacher_week",
        "grade_week",
        "school_week",
        "school_term",
        "student_attendance",
        "student_homework",
    ],
)
def test_exceptions_only_gives_the_same_figures_as_a_row_for_every_day(
    refreshed_sample: Home, exceptions: Home, table: str
) -> None:
    assert computed(refreshed_sample, table) == computed(exceptions, table)


def test_teacher_week_is_what_the_exports_say(refreshed_sample: Home, school: School) -> None:
    found = computed(refreshed_sample, "teacher_week")

    assert set(found[0]) == set(TeacherWeek.column_names())
    assert_same(found, school.teacher_weeks(), ("staff_id", "week_start"))


def test_school_term_is_what_the_exports_say(refreshed_sample: Home, school: School) -> None:
    found = computed(refreshed_sample, "school_term")

    assert set(found[0]) == set(SchoolTerm.column_names())
    assert [row["term"] for row in found] == ["Trimester 1", "Trimester 2", "Trimester 3"]
    assert_same(found, school.terms(), ("term",))


@pytest.mark.parametrize("class_id", ["HR-7B", "MAT-7B"])
@pytest.mark.parametrize("week", [monday(THROUGH), date(2025, 11, 10)])
def test_the_students_of_a_class_are_what_the_exports_say(
    refreshed_sample: Home, school: School, class_id: str, week: date
) -> None:
    with open_warehouse(refreshed_sample.warehouse, read_only=True) as con:
        rows = students_of_week(con, week, late_counts=True).filter(class_id=class_id).to_dicts()

    assert set(rows[0]) == set(StudentOfWeek.column_names())
    assert_same(rows, school.students_of(class_id, week), ("student_id",))


def bent(share: float) -> float:
    """The scale on which weeks are judged."""
    return float(special.betainc(0.75, 0.75, min(max(share, 0), 1)))


@dataclass(frozen=True)
class Past:
    """Weeks of one phase: their places, (attended, expected), and the slope that they are judged by."""

    weeks: list[tuple[int, float, float]]
    slope: float

    def fit(self, *, line: bool) -> Callable[[float], float]:
        """Their mean, or their line, on the bent scale."""
        x, y, n = self.columns
        found = np.polyfit(x, y, int(line), w=np.sqrt(n))
        return lambda place: float(np.polyval(found, place))

    @property
    def columns(self) -> tuple[list[int], list[float], list[float]]:
        return (
            [place for place, _, _ in self.weeks],
            [bent(a / n) for _, a, n in self.weeks],
            [n for _, _, n in self.weeks],
        )

    def left(self, *, line: bool) -> float:
        fitted = self.fit(line=line)
        return sum(n * (y - fitted(x)) ** 2 for x, y, n in zip(*self.columns, strict=True))

    @property
    def whole(self) -> float:
        return sum(n for _, _, n in self.weeks)

    @property
    def unit(self) -> float:
        """One student-day or piece more or less, in an average week."""
        average = self.whole / len(self.weeks)
        mean = sum(attended for _, attended, _ in self.weeks) / self.whole
        return (bent(mean + 1 / average) - bent(mean - 1 / average)) / 2 * float(average**0.5)

    @property
    def span(self) -> float:
        x, _, n = self.columns
        middle = sum(place * size for place, size in zip(x, n, strict=True)) / self.whole
        return sum(size * (place - middle) ** 2 for place, size in zip(x, n, strict=True))

    def sure(self, effect: float, left: float) -> bool:
        freedom = len(self.weeks) - 2
        sigma = max((left / freedom) ** 0.5, self.unit)
        return bool(abs(effect) > special.stdtrit(freedom, 1 - 0.0001 / 2) * sigma)

    def after(self) -> "Past":
        """The phase that these weeks leave the class in."""
        if len(self.weeks) < 8:
            return Past(self.weeks, 0.0)
        splits = [
            (Past(self.weeks[:place], 0.0), Past(self.weeks[place:], 0.0))
            for place in range(4, len(self.weeks) - 3)
        ]
        early, late = min(splits, key=lambda parts: sum(part.left(line=False) for part in parts))
        left = early.left(line=False) + late.left(line=False)
        fitted = self.fit(line=True)
        slope, of_line = fitted(1) - fitted(0), self.left(line=True)
        if self.sure(slope * self.span**0.5, of_line) and of_line <= 1.2 * left:
            first, last = self.weeks[0][0], self.weeks[-1][0]
            half = Past([week for week in self.weeks if week[0] >= (first + last + 1) // 2], 0.0)
            later = half.fit(line=True)
            goes_on = (later(1) - later(0)) / slope >= 0.5
            return Past(self.weeks, slope if goes_on else 0.0)
        apart = late.fit(line=False)(0) - early.fit(line=False)(0)
        error = (1 / early.whole + 1 / late.whole) ** 0.5
        if min(len(early.weeks), len(late.weeks)) >= 8 and self.sure(apart / error, left):
            return late
        return Past(self.weeks, 0.0)

    def usual(self, week: int, size: float) -> tuple[float, float]:
        """The range of a week of so many student-days."""
        line = self.slope != 0
        fitted = self.fit(line=line)
        count = len(self.weeks) - line
        z = [(y - fitted(x)) * n**0.5 for x, y, n in zip(*self.columns, strict=True)]
        moving = sum(abs(now - then) for then, now in pairwise(z)) / (len(z) - 1)
        deviation = (sum(one**2 for one in z) / (count - 1)) ** 0.5
        sigma = max(moving / 1.1283791670955126, deviation, self.unit)
        student = float(special.stdtrit(0.68 * (count - 1) + 1, 1 - 0.0027 / 2))
        x, _, n = self.columns
        middle = sum(place * each for place, each in zip(x, n, strict=True)) / self.whole
        further = (week - middle) ** 2 / self.span if line else 0.0
        half = student * sigma * (1 / size + 1 / self.whole + further) ** 0.5
        low, high = (
            special.betaincinv(0.75, 0.75, min(max(end, 0), 1))
            for end in (fitted(week) - half, fitted(week) + half)
        )
        return float(low), float(high)


@pytest.mark.parametrize("class_id", ["HR-7B", "MAT-8A"])
def test_usual_ranges_and_years_to_date_are_what_the_exports_say(
    refreshed_sample: Home, school: School, class_id: str
) -> None:
    rows = school.class_weeks
    weeks = [rows[key] for key in sorted(rows) if key[1] == class_id]
    found = [row for row in computed(refreshed_sample, "class_week") if row["class_id"] == class_id]
    judged, phases = 0, set[tuple[str, date]]()

    for metric, numerator, denominator in (
        ("attendance_rate", "attended_days", "possible_days"),
        ("homework_rate", "homework_complete", "homework_due"),
    ):
        past = Past([], 0.0)
        for number, (week, row) in enumerate(zip(weeks, found, strict=True)):
            low, high = None, None
            verdict: str | None = "too_few_weeks" if week[denominator] else None
            if len(past.weeks) >= 8 and week[denominator]:
                low, high = past.usual(number, week[denominator])
                share, judged = week[metric], judged + 1
                verdict = "below" if share < low else "above" if share > high else "within"
            assert row[f"{metric}_usual_weeks"] == len(past.weeks)
            assert row[f"{metric}_verdict"] == verdict
            assert row[f"{metric}_usual_low"] == pytest.approx(low, abs=1e-9)
            assert row[f"{metric}_usual_high"] == pytest.approx(high, abs=1e-9)
            if week[denominator]:
                past = Past(
                    [*past.weeks, (number, week[numerator], week[denominator])], 0.0
                ).after()
            if len(past.weeks) >= 8:
                place = past.weeks[0][0]
                before = any(one[denominator] for one in weeks[:place])
                begun = weeks[place if before else 0]["week_start"]
                assert row[f"{metric}_phase_start"] == begun
                trend = "climbing" if past.slope > 0 else "falling"
                assert row[f"{metric}_phase"] == (trend if past.slope else "level")
                phases.add((row[f"{metric}_phase"], row[f"{metric}_phase_start"]))
            whole = [(one[numerator], one[denominator]) for one in weeks[: number + 1]]
            attended, expected = (sum(part) for part in zip(*whole, strict=True))
            to_date = attended / expected if expected else None
            assert row[f"{metric}_to_date"] == pytest.approx(to_date, abs=1e-9)
    assert judged > 20
    assert len(phases) > 1
