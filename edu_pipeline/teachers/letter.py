"""What a homeroom teacher is told about the week: rows of `class_week` to words.

Pure functions from frames to a view model, and from that through templates to the letter's
content. Who gets it, when, and under which key is the business of `assets` and the mail room.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import jinja2
import polars as pl

from edu_pipeline import wording
from edu_pipeline.mail.letter import Image
from edu_pipeline.mail.render import render_html, render_text
from edu_pipeline.settings import Cutoffs, Targets
from edu_pipeline.teachers import charts

NOTABLE_CHANGE = 5.0
"""Percentage points of change from which a proof reader should look."""
NOTABLY_LOW = 0.8
_FRIDAY = timedelta(days=4)


class Standing(StrEnum):
    """Where a rate stands against its target."""

    met = "on target"
    near = "close to target"
    below = "below target"

    @property
    def face(self) -> str:
        """The emoji, never shown without the words."""
        return {"met": "🙂", "near": "😐", "below": "🙁"}[self.name]


def standing(rate: float, cutoffs: Cutoffs) -> Standing:
    """Judge a rate by its cut-offs, as it is printed if that is better for the class.

    Otherwise 94.96 % would be printed as 95.0 % and called short of a target of 95 %.
    """
    shown = max(rate, wording.in_points(rate) / 100)
    if shown >= cutoffs.met:
        return Standing.met
    return Standing.near if shown >= cutoffs.near else Standing.below


@dataclass(frozen=True)
class Teacher:
    """Who the letter is for."""

    staff_id: str
    given_name: str | None
    family_name: str | None
    email: str


@dataclass(frozen=True)
class LetterWeek:
    """The week that the letter is about."""

    start: date
    """Its Monday."""
    through: date
    """The last day whose registers count; before Friday when the week was closed early."""


@dataclass(frozen=True)
class Edition:
    """What all letters of one week share."""

    week: LetterWeek
    school: str
    """The school's name."""
    definitions: Sequence[tuple[str, str]]
    """Title and sentence of each metric, from the glossary."""
    env: jinja2.Environment
    """From `mail.render.environment`; has `letters/teacher.html.j2` and `letters/teacher.txt.j2`."""


@dataclass(frozen=True)
class Comparison:
    """One row of the table; shares, None where there is no figure."""

    label: str
    this_week: float | None
    last_week: float | None
    start: float | None


@dataclass(frozen=True)
class RateWeek:
    """One rate of one homeroom in the letter's week."""

    kind: str
    """`attendance` or `homework`."""
    title: str
    value: float | None
    change: float | None
    """Against the school week before."""
    target: float
    standing: Standing | None
    last_known: tuple[date, float] | None
    """The week and value before this one, where this week has none."""
    absence: str
    """What to say where there is no value this week."""
    counted: str
    """Numerator and denominator in words."""
    rows: tuple[Comparison, ...]
    """Homeroom, grade team, school; empty where the homeroom has no figure all year."""


@dataclass(frozen=True)
class HomeroomWeek:
    """One homeroom in the letter's week."""

    class_id: str
    name: str
    last_week: date | None
    start_week: date | None
    reference: str
    """What the school week before is called in a sentence."""
    days_in_session: int
    days_submitted: int
    students: int
    attendance: RateWeek
    homework: RateWeek

    @property
    def rates(self) -> tuple[RateWeek, RateWeek]:
        """In the order in which they are told."""
        return (self.attendance, self.homework)

    @property
    def last_week_title(self) -> str:
        """What the school week before is called above a column."""
        return self.reference.removeprefix("the ").capitalize()


@dataclass(frozen=True)
class LetterContent:
    """A letter without its envelope."""

    subject: str
    html: str
    text: str
    images: tuple[Image, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Picture:
    image: Image
    alt: str


@dataclass(frozen=True)
class _Block:
    """What a template shows of one homeroom."""

    homeroom: HomeroomWeek
    sentence: str
    basis: str
    """What the figures rest on."""
    pictures: tuple[_Picture, ...]


def homeroom_week(history: pl.DataFrame, targets: Targets) -> HomeroomWeek:
    """The view of one homeroom's week.

    Args:
        history: One class's rows of `ClassWeek` from the start of the school year to the letter's
            week, in order, as `charts.class_histories` gives them.
        targets: From the settings; the grade's own cut-offs win.
    """
    week = history.row(-1, named=True)
    attended, expected = week["attended_days"], week["possible_days"]
    attendance = _rate_week(
        history,
        charts.ATTENDANCE,
        targets.attendance.for_grade(week["grade"]),
        absence=_no_attendance(week),
        counted=f"{attended:g} of {expected:g} student-days",
    )
    homework = _rate_week(
        history,
        charts.HOMEWORK,
        targets.homework.for_grade(week["grade"]),
        absence=_no_homework(history),
        counted=f"{week['homework_complete']} of {week['homework_due']} pieces handed in",
    )
    start = _start_row(history, charts.ATTENDANCE) or _start_row(history, charts.HOMEWORK)
    return HomeroomWeek(
        class_id=week["class_id"],
        name=charts.class_name(history),
        last_week=history["week_start"][-2] if history.height > 1 else None,
        start_week=start["week_start"] if start else None,
        reference=charts.reference_week(history),
        days_in_session=week["days_in_session"],
        days_submitted=week["days_submitted"],
        students=week["students"],
        attendance=attendance,
        homework=homework,
    )


def sentence(homeroom: HomeroomWeek) -> str:
    """What happened, in one sentence; a change too small to mean anything is not called one."""
    attendance, homework = homeroom.rates
    if attendance.value is None:
        first = f"{attendance.absence} in {homeroom.name} this week{_last_known(attendance)}"
    else:
        first = (
            f"Attendance in {homeroom.name} was {wording.percent(attendance.value)} this week"
            f"{_compared(attendance, homeroom)}"
        )
    if homework.value is None:
        second = homework.absence[0].lower() + homework.absence[1:] + _last_known(homework)
    else:
        second = (
            f"{wording.percent(homework.value)} of homework was handed in"
            f"{_compared(homework, homeroom)}"
        )
    return f"{first}; {second}."


def days_counted(homeroom: HomeroomWeek, week: LetterWeek) -> str:
    """How much of the week is in the figures: `Mon–Thu, 4 of 5 days`, or only `4 of 5 days`."""
    total = homeroom.days_in_session
    days = f"{homeroom.days_submitted} of {total} {'day' if total == 1 else 'days'}"
    if week.through >= week.start + _FRIDAY:
        return days
    through = wording.weekday(week.through)[:3]
    return f"{'Mon' if through == 'Mon' else f'Mon–{through}'}, {days}"


def basis(homeroom: HomeroomWeek, week: LetterWeek) -> str:
    """What the figures rest on: days, students, numerators and denominators, as of when."""
    students = "1 student" if homeroom.students == 1 else f"{homeroom.students} students"
    counted = [
        f"{rate.title}: {rate.counted}." for rate in homeroom.rates if rate.value is not None
    ]
    return " ".join(
        [
            f"{days_counted(homeroom, week)}, {students}.",
            *counted,
            f"Figures up to {wording.long_date(week.through)}.",
        ]
    )


def compose(
    teacher: Teacher,
    homerooms: Sequence[HomeroomWeek],
    pictures: Mapping[tuple[str, str], tuple[bytes, str]],
    edition: Edition,
) -> LetterContent:
    """One teacher's letter.

    Args:
        teacher: The recipient.
        homerooms: Theirs, in the order in which they are told; at least one.
        pictures: (`class_id`, kind) → the chart as PNG and its alt text; a missing one is left out.
        edition: What all letters of the week share.

    Raises:
        TemplateError: A template cannot be used.
    """
    week = edition.week
    blocks = [
        _Block(
            homeroom,
            sentence(homeroom),
            basis(homeroom, week),
            tuple(
                # class names may hold anything, so images are counted instead
                _Picture(Image(f"{rate.kind}-{number}", png), alt)
                for rate in homeroom.rates
                if (found := pictures.get((homeroom.class_id, rate.kind)))
                for png, alt in [found]
            ),
        )
        for number, homeroom in enumerate(homerooms, start=1)
    ]
    context: dict[str, Any] = {
        "subject": subject(homerooms, week),
        "preheader": _preheader(homerooms),
        "given_name": teacher.given_name,
        "school": edition.school,
        "week": week,
        "blocks": blocks,
        "names": wording.listed([homeroom.name for homeroom in homerooms]),
        "definitions": edition.definitions,
    }
    return LetterContent(
        subject=context["subject"],
        html=render_html(edition.env, "letters/teacher.html.j2", context),
        text=render_text(edition.env, "letters/teacher.txt.j2", context),
        images=tuple(picture.image for block in blocks for picture in block.pictures),
        notes=tuple(note for homeroom in homerooms for note in notes(homeroom)),
    )


def subject(homerooms: Sequence[HomeroomWeek], week: LetterWeek) -> str:
    """Classes, week and figures; nobody's name."""
    names = wording.listed([homeroom.name for homeroom in homerooms])
    if len(homerooms) == 1:
        figures = [
            f"{rate.kind} {wording.percent(rate.value)}"
            for rate in homerooms[0].rates
            if rate.value is not None
        ]
    else:
        known = [(h.name, h.attendance.value) for h in homerooms]
        rates = [
            f"{wording.percent(value)} in {name}" for name, value in known if value is not None
        ]
        figures = [f"attendance {wording.listed(rates)}"] if rates else []
    said = ", ".join(figures) or "no figures this week"
    return f"{names}, week of {wording.day_month(week.start)}: {said}".replace(wording.NBSP, " ")


def notes(homeroom: HomeroomWeek) -> list[str]:
    """What is unusual, for the person who looks at the proofs."""
    found = []
    for rate in homeroom.rates:
        if rate.value is None:
            found.append(rate.absence[0].lower() + rate.absence[1:])
            continue
        if rate.change is not None and abs(wording.in_points(rate.change)) >= NOTABLE_CHANGE:
            found.append(f"{rate.kind} {wording.compared(rate.change, homeroom.reference)}")
        if rate.value < NOTABLY_LOW and rate.kind == "attendance":
            found.append(f"attendance below {wording.whole_percent(NOTABLY_LOW)}")
    if homeroom.students == 1:
        found.append("one student only")
    return [f"{homeroom.name}: {note}" for note in found]


def _rate_week(
    history: pl.DataFrame, rate: charts.Rate, cutoffs: Cutoffs, *, absence: str, counted: str
) -> RateWeek:
    week = history.row(-1, named=True)
    before = history[:-1].drop_nulls(rate.column)
    value = week[rate.column]
    earlier = {
        "last_week": _last_row(history, rate) or {},
        "start": _start_row(history, rate) or {},
    }
    rows = tuple(
        Comparison(
            label,
            this_week=week[f"{rate.column}{suffix}"],
            **{name: row.get(f"{rate.column}{suffix}") for name, row in earlier.items()},
        )
        for label, suffix in (
            (charts.class_name(history), ""),
            (charts.team_name(history), "_team"),
            ("School", "_school"),
        )
    )
    return RateWeek(
        kind=rate.kind,
        title=rate.noun,
        value=value,
        change=week[f"{rate.column}_change_previous"],
        target=cutoffs.met,
        standing=None if value is None else standing(value, cutoffs),
        last_known=(
            (before["week_start"][-1], before[rate.column][-1])
            if value is None and before.height
            else None
        ),
        absence=absence,
        counted=counted,
        rows=rows if history[rate.column].is_not_null().any() else (),
    )


def _last_row(history: pl.DataFrame, rate: charts.Rate) -> dict[str, Any] | None:
    """The school week before, unless the class had no students in it."""
    if history.height == 1:
        return None
    row = history.row(-2, named=True)
    same = row[rate.column] == history[f"{rate.column}_previous"][-1]
    return row if same else None


def _start_row(history: pl.DataFrame, rate: charts.Rate) -> dict[str, Any] | None:
    """The first full week of the year: known by the value that `_start` repeats."""
    start = history[f"{rate.column}_start"][-1]
    if start is None:
        return None
    found = history.filter(pl.col(rate.column) == start).sort(
        "days_in_session", descending=True, maintain_order=True
    )
    return found.row(0, named=True)


def _no_attendance(week: Mapping[str, Any]) -> str:
    return "No register was taken" if week["days_submitted"] == 0 else "No student was expected"


def _no_homework(history: pl.DataFrame) -> str:
    if history[charts.HOMEWORK.column].is_not_null().any():
        return "No homework results are known for this week"
    return "No homework has been recorded this school year"


def _last_known(rate: RateWeek) -> str:
    if rate.last_known is None:
        return ""
    week, value = rate.last_known
    return f" (last known: {wording.percent(value)}, week of {wording.day_month(week)})"


def _compared(rate: RateWeek, homeroom: HomeroomWeek) -> str:
    return "" if rate.change is None else f", {wording.compared(rate.change, homeroom.reference)}"


def _preheader(homerooms: Sequence[HomeroomWeek]) -> str:
    several = len(homerooms) > 1
    return " ".join(
        f"{f'{homeroom.name}: ' if several else ''}{rate.title} {rate.standing.value} "
        f"({wording.whole_percent(rate.target)})."
        for homeroom in homerooms
        for rate in homeroom.rates
        if rate.standing
    )
