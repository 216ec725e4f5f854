"""What a teacher is told about the week: rows of the job's tables to a view model, and that to a letter.

Pure functions. Every word stands in the templates, which a school can replace; here is decided what
is true: which verdict, which student, which correction. Who gets a letter, when, and under which key
is the business of `edition` and the mail room.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import jinja2
import polars as pl

from edu_pipeline.ground import wording
from edu_pipeline.ground.templates import in_html, phrase, render_text
from edu_pipeline.ground.weeks import week_name
from edu_pipeline.mail.letter import Figure, Image, opaque_key
from edu_pipeline.mail.render import render_html
from edu_pipeline.settings.letters import Cutoffs, Letters, Notice, Targets
from edu_pipeline.teachers import charts
from edu_pipeline.teachers.charts import Drawing
from edu_pipeline.teachers.students import ClassNotes, Kind, StudentNote, first

WORDS = "letters/words.txt.j2"
"""Template with every sentence of the letters, as macros."""
_WEEK = timedelta(days=7)
_OUTSIDE = ("above", "below")
FEWEST_LISTED = 3
_EMPTY_LINES = re.compile(r"\n{3,}")


class Standing(StrEnum):
    """Where a rate stands against its target."""

    met = "met"
    near = "near"
    below = "below"


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
class SchoolWeek:
    """The letter's week in the calendar of one school."""

    start: date
    """Its Monday."""
    previous: date | None
    """The school week before, in the same school year."""
    first_full: date | None
    """The first full week of the school year."""
    days: Sequence[date]
    """The days in session."""
    full_days: int
    """Days in session of a full week."""
    through: date
    """The last day whose registers count here; before the last in session when closed early."""

    @property
    def closed_early(self) -> bool:
        """Whether days in session come after the last that counts."""
        return self.days[-1] > self.through

    @property
    def short(self) -> bool:
        """Whether the school was open for fewer days than in a full week."""
        return len(self.days) < self.full_days

    @property
    def after_break(self) -> bool:
        """Whether the week before had no school."""
        return self.previous is not None and self.start - self.previous > _WEEK


@dataclass(frozen=True)
class Source:
    """An export that the figures rest on."""

    table: str
    day: date
    """Of its newest file."""


@dataclass(frozen=True)
class Edition:
    """What all letters of one week share."""

    school: str
    """The school's name."""
    week: date
    """Monday of the letter's week."""
    schools: Mapping[str, SchoolWeek]
    """`school_id` → its week."""
    letters: Letters
    notice: Notice
    targets: Targets
    definitions: Mapping[str, tuple[str, str]]
    """Metric → its title and sentence, from the glossary."""
    sources: Sequence[Source]
    env: jinja2.Environment
    """From `mail.render.environment`; has the templates in `letters/`."""
    salt: str = ""
    """The ledger's, for keys that nobody else can make."""
    classes: Mapping[str, SchoolWeek] = field(default_factory=dict)
    """`class_id` → its week, of those that have a calendar of their own."""
    pause_url: Callable[[str], str] | None = None
    """Recipient key → where they pause these letters; None where there is no such page."""
    shortened: bool = False
    """Whether something was left out to keep the letter short, which it says."""

    def recipient_key(self, staff_id: str) -> str:
        """The opaque key of a member of staff."""
        return opaque_key("teacher", staff_id, self.salt)

    def words(self, macro: str, *about: object) -> str:
        """What a macro of the school's wording says."""
        return phrase(self.env, WORDS, macro, *about)


@dataclass(frozen=True)
class Comparison:
    """One row of the table; shares, None where there is no figure."""

    label: str
    this_week: float | None
    last_week: float | None
    start: float | None
    to_date: float | None


@dataclass(frozen=True)
class RateWeek:
    """One rate of one class in the letter's week; shares from 0 to 1."""

    kind: str
    """`attendance` or `homework`."""
    value: float | None
    previous: float | None
    """In the school week before."""
    change: float | None
    usual: tuple[float, float] | None
    """The class's own usual range, from its past weeks of this school year."""
    verdict: str | None
    """`too_few_weeks`, `too_few_students`, `within`, `above` or `below`; None without a value."""
    gap: float | None
    """Difference from the grade team this week, where it is more than chance explains."""
    gap_to_date: float | None
    """The same from the start of the school year."""
    judged: bool
    """Whether the difference from the grade team could be judged at all."""
    target: float
    standing: Standing | None
    face: str
    """The settings' symbol of the standing; never shown without its words."""
    numerator: float
    denominator: float
    last_known: charts.Point | None
    """The week and value before this one, where this week has none."""
    long: charts.LongView | None
    """What the weeks before make of it, where that is worth a word."""
    year_so_far: float | None
    """Where it says more than last week, which was itself out of the usual range."""
    nothing: str | None
    """Why there is no value: `no_register`, `no_lesson`, `nobody_expected`, `no_results` or `none_this_year`."""
    rows: tuple[Comparison, ...]
    """Class, grade team, school; empty where the class has no figure all year."""
    in_lessons: bool = False
    """Whether it is of the class's own lessons, not of the whole days of its students."""

    @property
    def changed(self) -> bool:
        """Whether the week is outside what is usual for the class."""
        return self.verdict in _OUTSIDE


@dataclass(frozen=True)
class Correction:
    """What the last letter said and what it would say now."""

    name: str
    """Of the class."""
    kind: str
    week: date
    """Monday of the week it was about."""
    said: float
    now: float
    more: float
    """Student-days or pieces that came in since; negative where some were taken back."""
    last_week: bool
    """Whether that was the calendar week before this letter's."""
    in_lessons: bool = False
    """As `RateWeek` has it."""


@dataclass(frozen=True)
class ClassView:
    """One class in the letter's week."""

    class_id: str
    name: str
    team: str
    homeroom: bool
    week: SchoolWeek
    days_submitted: int
    students: int
    attendance: RateWeek
    homework: RateWeek
    notes: ClassNotes
    corrections: tuple[Correction, ...] = ()
    tells_homework: bool = True
    """False where the school exports none."""

    @property
    def rates(self) -> tuple[RateWeek, ...]:
        """Those that are told, in this order."""
        return (self.attendance, self.homework) if self.tells_homework else (self.attendance,)

    @property
    def days_closed(self) -> int:
        """Days in session that the letter is about."""
        return sum(day <= self.week.through for day in self.week.days)

    @property
    def registers_missing(self) -> int:
        """Days that the letter is about without a register of this class."""
        return max(0, self.days_closed - self.days_submitted)

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to say but that all is as usual."""
        news = any(
            rate.changed
            or rate.long is not None
            or (self.homeroom and not (rate.gap is None and rate.gap_to_date is None))
            or (rate.value is None and rate.nothing != "none_this_year")
            for rate in self.rates
        )
        return not news and self.notes.empty and not self.registers_missing

    def counted(self, group: str) -> Mapping[str, int]:
        """Students per kind of note in a group, for letters that name none."""
        notes: Sequence[StudentNote] = getattr(self.notes, group)
        found = Counter(reason.kind for note in notes for reason in note.reasons)
        return {str(kind): found[kind] for kind in Kind if found[kind]}


@dataclass(frozen=True)
class LetterContent:
    """A letter without its envelope."""

    subject: str
    html: str
    text: str
    images: tuple[Image, ...]
    notes: tuple[str, ...]
    figures: tuple[Figure, ...]
    names: frozenset[str]
    """Of the students in it."""
    as_of: tuple[str, ...] = ()
    """Its phrases about how fresh the data are, as its text and its HTML have them."""


@dataclass(frozen=True)
class Picture:
    """A chart in the letter, and its words."""

    image: Image
    alt: str


@dataclass(frozen=True)
class Part:
    """One class as a template shows it."""

    view: ClassView
    most: int
    """Students in one list."""
    pictures: tuple[Picture, ...] = ()

    def listed(self, group: str) -> tuple[Sequence[StudentNote], int]:
        """Notes of a group (`news`, `notice`, `excused`) to print, and how many more there are."""
        return first(getattr(self.view.notes, group), self.most)


def class_view(
    history: pl.DataFrame,
    week: SchoolWeek,
    targets: Targets,
    letters: Letters,
    notes: ClassNotes,
    said: Mapping[str, tuple[date, float, float]],
    *,
    tells_homework: bool = True,
) -> ClassView:
    """The view of one class's week.

    Args:
        history: One class's rows of `ClassWeek` from the start of the school year to the letter's
            week, in order, as `charts.class_histories` gives them.
        week: Of the class's school.
        targets: From the settings; the grade's own cut-offs win.
        letters: From the settings.
        notes: The students to name.
        said: Subject of a figure → the week, numerator and denominator that the recipient's last
            letter stated.
        tells_homework: False where the school exports no homework.
    """
    row = history.row(-1, named=True)
    aims = {"attendance": targets.attendance, "homework": targets.homework}
    nothing = {"attendance": _no_attendance(row), "homework": _no_homework(history)}
    attendance, homework = (
        _rate_week(history, week, rate, aims[rate.kind].for_grade(row["grade"]), letters, why)
        for rate, why in ((rate, nothing[rate.kind]) for rate in charts.RATES)
    )
    return ClassView(
        class_id=row["class_id"],
        name=charts.class_name(history),
        team=charts.team_name(history),
        homeroom=row["class_type"] == "homeroom",
        week=week,
        days_submitted=row["days_submitted"],
        students=row["students"],
        attendance=attendance,
        homework=homework,
        notes=notes,
        corrections=tuple(
            correction
            for rate in charts.RATES
            if (before := said.get(subject_of(row["class_id"], rate.column)))
            if (correction := _correction(history, rate, week, *before))
        ),
        tells_homework=tells_homework,
    )


def subject_of(class_id: str, column: str) -> str:
    """What a figure of a class is kept under in the ledger; an id may be made of a name."""
    return f"{opaque_key('class', class_id)}/{column}"


def compose(
    teacher: Teacher,
    views: Sequence[ClassView],
    pictures: Mapping[tuple[str, str], Drawing],
    edition: Edition,
) -> LetterContent:
    """One teacher's letter.

    Args:
        teacher: The recipient.
        views: Their classes, homerooms first; at least one.
        pictures: (`class:…` or `staff:…`, kind) → its chart; a missing one
            is left out, and so are those of a class with nothing to say. None where the blocks have
            no charts.
        edition: What all letters of the week share.

    Raises:
        TemplateError: A template cannot be used.
    """
    images: list[Image] = []

    def drawn(key: str) -> tuple[Picture, ...]:
        found = [(kind, pictures.get((key, kind))) for kind in ("attendance", "homework")]
        made = []
        for kind, picture in found:
            if picture:
                # class names may hold anything, so images are counted instead
                name = f"{kind}-{len(images) + 1}"
                image = Image(name, picture.png, picture.shows)
                images.append(image)
                made.append(Picture(image, picture.alt))
        return tuple(made)

    most = edition.notice.most
    homerooms = [
        Part(view, most, () if view.quiet else drawn(f"class:{view.class_id}"))
        for view in views
        if view.homeroom
    ]
    scheduled = [view for view in views if not view.homeroom]
    # many classes, and a list for each, would name a whole school
    taught = [Part(view, max(FEWEST_LISTED, most // len(scheduled))) for view in scheduled]
    taught_pictures = (
        drawn(f"staff:{teacher.staff_id}") if any(not part.view.quiet for part in taught) else ()
    )
    week = views[0].week
    context: dict[str, Any] = {
        "given_name": teacher.given_name,
        "school": edition.school,
        "week": week,
        "views": views,
        "homerooms": homerooms,
        "taught": taught,
        "taught_pictures": taught_pictures,
        "corrections": [correction for view in views for correction in view.corrections],
        "definitions": [
            edition.definitions[name] for name in _defined(views, edition.letters.blocks)
        ],
        "sources": edition.sources,
        "say": edition.words,
        "letters": edition.letters,
        "shortened": edition.shortened,
        "notice": edition.notice,
        "not_mine": _not_mine(edition, views),
        "pause_url": (
            edition.pause_url(edition.recipient_key(teacher.staff_id)) if edition.pause_url else ""
        ),
    }
    subject = edition.words("subject", views, week)
    context |= {"subject": subject, "preheader": edition.words("preheader", views)}
    named = edition.letters.students != "none"
    fresh = edition.words("as_of", week, edition.sources)
    return LetterContent(
        subject=subject.replace(wording.NBSP, " "),
        html=render_html(edition.env, "letters/teacher.html.j2", context),
        text=_EMPTY_LINES.sub("\n\n", render_text(edition.env, "letters/teacher.txt.j2", context)),
        images=tuple(images),
        notes=tuple(note for view in views for note in _proof_notes(view, edition)),
        figures=tuple(figure for view in views for figure in _figures(view)),
        names=frozenset(
            note.name
            for view in views
            for group in (view.notes.news, view.notes.notice, view.notes.excused)
            for note in group
            if named
        ),
        as_of=tuple(dict.fromkeys([fresh, in_html(fresh)])),
    )


def _rate_week(
    history: pl.DataFrame,
    week: SchoolWeek,
    rate: charts.Rate,
    cutoffs: Cutoffs,
    letters: Letters,
    nothing: str,
) -> RateWeek:
    column = rate.column
    row = history.row(-1, named=True)
    before = history[:-1].drop_nulls(column)
    value = row[column]
    by_week = {r["week_start"]: r for r in history.iter_rows(named=True)}
    last, start = by_week.get(week.previous, {}), by_week.get(week.first_full, {})
    numerator, denominator = COUNTS[column]
    judged = None if value is None else standing(value, cutoffs)
    usual = (row[f"{column}_usual_low"], row[f"{column}_usual_high"])
    rows = tuple(
        Comparison(
            label,
            this_week=row[f"{column}{suffix}"],
            last_week=last.get(f"{column}{suffix}"),
            start=start.get(f"{column}{suffix}"),
            to_date=row[f"{column}{suffix}_to_date"],
        )
        for label, suffix in (
            (charts.class_name(history), ""),
            (charts.team_name(history), "_team"),
            ("School", "_school"),
        )
    )
    return RateWeek(
        kind=rate.kind,
        value=value,
        previous=row[f"{column}_previous"],
        change=row[f"{column}_change_previous"],
        usual=None if None in usual else usual,
        verdict=row[f"{column}_verdict"],
        gap=_gap(row, column, ""),
        gap_to_date=_gap(row, column, "_to_date"),
        judged=row[f"{column}_team_verdict"] is not None,
        target=cutoffs.met,
        standing=judged,
        face="" if judged is None else getattr(letters.faces, judged),
        numerator=float(row[numerator]),
        denominator=float(row[denominator]),
        last_known=(
            charts.Point(before["week_start"][-1], before[column][-1])
            if value is None and before.height
            else None
        ),
        long=charts.long_view(history, column),
        year_so_far=(
            row[f"{column}_to_date"] if last.get(f"{column}_verdict") in _OUTSIDE else None
        ),
        nothing=nothing if value is None else None,
        rows=rows if history[column].is_not_null().any() else (),
        in_lessons=rate.kind == "attendance" and row["lessons"] is not None,
    )


COUNTS: Mapping[str, tuple[str, str]] = {
    "attendance_rate": ("attended_days", "possible_days"),
    "homework_rate": ("homework_complete", "homework_due"),
}
"""Rate → the columns of its numerator and denominator."""


def _gap(row: Mapping[str, Any], column: str, window: str) -> float | None:
    if row[f"{column}_team_verdict{window}"] not in _OUTSIDE:
        return None
    gap: float = row[f"{column}{window}"] - row[f"{column}_team{window}"]
    return gap


def _no_attendance(row: Mapping[str, Any]) -> str:
    if row["lessons"] is not None:
        return "no_lesson"
    return "no_register" if row["days_submitted"] == 0 else "nobody_expected"


def _no_homework(history: pl.DataFrame) -> str:
    known = history[charts.HOMEWORK.column].is_not_null().any()
    return "no_results" if known else "none_this_year"


def _correction(
    history: pl.DataFrame,
    rate: charts.Rate,
    week: SchoolWeek,
    about: date,
    numerator: float,
    denominator: float,
) -> Correction | None:
    """The line that corrects the last letter, where the figure would now be printed differently."""
    rows = history.filter(pl.col("week_start") == about)
    if rows.is_empty() or not denominator or about >= week.start:
        return None
    row = rows.row(0, named=True)
    said, now = numerator / denominator, row[rate.column]
    if now is None or wording.in_points(said) == wording.in_points(now):
        return None
    return Correction(
        name=charts.class_name(history),
        kind=rate.kind,
        week=about,
        said=said,
        now=now,
        more=row[COUNTS[rate.column][1]] - denominator,
        last_week=week.start - about == _WEEK,
        in_lessons=rate.kind == "attendance" and row["lessons"] is not None,
    )


def _figures(view: ClassView) -> list[Figure]:
    return [
        Figure(
            subject=subject_of(view.class_id, f"{rate.kind}_rate"),
            label=f"{view.name} {rate.kind}",
            numerator=rate.numerator,
            denominator=rate.denominator,
            change=rate.change,
            unusual=rate.changed,
        )
        for rate in view.rates
        if rate.value is not None
    ]


def _proof_notes(view: ClassView, edition: Edition) -> list[str]:
    """What is unusual, for the person who looks at the proofs; no names of people."""
    found = [edition.words("proof_note", view, rate) for rate in view.rates]
    if view.students == 1:
        found.append(edition.words("proof_one_student", view))
    return [note for note in found if note]


def _defined(views: Sequence[ClassView], blocks: Collection[str]) -> list[str]:
    """The glossary's names of what the letter shows, in the order in which it is explained."""
    loud = [view for view in views if not view.quiet]
    compared = any(view.homeroom and any(rate.rows for rate in view.rates) for view in loud)
    table = compared and "table" in blocks
    taught = any(not view.homeroom for view in views)
    missed = any(
        reason.kind in {Kind.missed, Kind.close}
        for view in views
        for note in view.notes.notice
        for reason in note.reasons
    )
    shown = {
        "attendance_rate": True,
        "lesson_rate": any(view.attendance.in_lessons for view in views),
        "homework_rate": any(view.tells_homework for view in views),
        "previous": table or taught,
        "start": table,
        "to_date": table or taught,
        "team": compared,
        "school": table or (bool(loud) and "charts" in blocks),
        "usual": any(view.homeroom or any(rate.usual for rate in view.rates) for view in views),
        "phase": any(rate.long for view in views for rate in view.rates),
        "team_difference": compared,
        "missed": missed,
    }
    return [name for name, wanted in shown.items() if wanted]


def _not_mine(edition: Edition, views: Sequence[ClassView]) -> str:
    """A link that starts an answer: whose student it is, the teacher writes, not the link."""
    to = edition.letters.answers_to
    names = wording.listed([view.name for view in views])
    subject = edition.words("not_mine_subject", names, week_name(edition.week))
    body = edition.words("not_mine_body", names, week_name(edition.week))
    return f"mailto:{quote(to, safe='@')}?subject={quote(subject)}&body={quote(body)}"
