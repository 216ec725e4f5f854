"""One week's edition: who gets a letter, about which classes, and whether it must wait.

Pure. What a letter says is in `letter`; that it arrives is the mail room's business.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl

from edu_pipeline.ground import wording
from edu_pipeline.ground.templates import TemplateError
from edu_pipeline.ground.weeks import parse_week, week_name
from edu_pipeline.mail.due import PERIODS, Period
from edu_pipeline.mail.letter import Address, Letter
from edu_pipeline.mail.render import MOST_BYTES, UNWRITTEN, is_too_long
from edu_pipeline.model.gate import holds
from edu_pipeline.model.school_calendar import days_of_classes, school_weeks
from edu_pipeline.teachers.charts import Drawing, by_class, class_histories
from edu_pipeline.teachers.letter import (
    FEWEST_LISTED,
    ClassView,
    Edition,
    LetterContent,
    SchoolWeek,
    Source,
    Teacher,
    class_view,
    compose,
)
from edu_pipeline.teachers.metrics import WeekState
from edu_pipeline.teachers.students import IN_LESSONS, Kind, class_notes, shown_names, told_apart

CAMPAIGN = "teachers"
_CLASSES_NAMED = 8


def teachers_of(
    enrollments: pl.DataFrame,
    classes: pl.DataFrame,
    staff: pl.DataFrame,
    schools: Mapping[str, SchoolWeek],
) -> dict[str, tuple[Teacher, list[str]]]:
    """Who teaches which classes on the last day that the letters are about.

    Args:
        enrollments: `Enrollments`.
        classes: `Classes`.
        staff: `Staff`.
        schools: `school_id` → its week. A school without one has the last day of all.

    Returns:
        `staff_id` → the teacher and their `class_id`s, homerooms first, then by name.
    """
    days = {school: week.through for school, week in schools.items()}
    day = pl.col("school_id").replace_strict(days, default=max(days.values()), return_dtype=pl.Date)
    rows = (
        enrollments.filter(role="teacher")
        .join(classes, on="class_id")
        .filter((pl.col("begin_date") <= day) & (pl.col("end_date") > day))
        .join(staff, left_on="person_id", right_on="staff_id")
        .sort("person_id", pl.col("class_type") != "homeroom", "class_name", "class_id")
    )
    found: dict[str, tuple[Teacher, list[str]]] = {}
    for row in rows.iter_rows(named=True):
        teacher = Teacher(
            staff_id=row["person_id"],
            given_name=row["given_name"],
            family_name=row["family_name"],
            email=row["email"] or "",
        )
        _, class_ids = found.setdefault(teacher.staff_id, (teacher, []))
        if row["class_id"] not in class_ids:
            class_ids.append(row["class_id"])
    return found


def subject_teachers(enrollments: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Everyone who teaches a scheduled class at any time, one row each: `staff_id`.

    Args:
        enrollments: `Enrollments`.
        classes: `Classes`.
    """
    scheduled = classes.filter(pl.col("class_type") == "scheduled")
    taught = enrollments.filter(pl.col("role") == "teacher").join(
        scheduled, on="class_id", how="semi"
    )
    return taught.select(staff_id="person_id").unique()


def calendar_of_week(
    school_days: pl.DataFrame, counted_through: pl.DataFrame, week: date
) -> dict[str, SchoolWeek]:
    """The letter's week in every school's calendar.

    Args:
        school_days: `SchoolDays`.
        counted_through: school: `counted_through`.
        week: Monday of the week.

    Returns:
        `school_id` → its week, for the schools that were open and have figures.
    """
    days = school_days.join(counted_through.select("school_id", "counted_through"), on="school_id")
    return _weeks_of(days, week, "school_id")


def classes_of_week(
    school_days: pl.DataFrame,
    counted_through: pl.DataFrame,
    week: date,
    classes: pl.DataFrame,
    days_off: pl.DataFrame,
) -> dict[str, SchoolWeek]:
    """The letter's week of the classes that have a calendar of their own.

    Args:
        school_days: `SchoolDays`.
        counted_through: school: `counted_through`.
        week: Monday of the week.
        classes: `Classes`.
        days_off: `class_days_off`.

    Returns:
        `class_id` → its week.
    """
    days = days_of_classes(school_days, classes, days_off).join(
        counted_through.select("school_id", "counted_through"), on="school_id"
    )
    return _weeks_of(days, week, "class_id")


def _weeks_of(days: pl.DataFrame, week: date, whose: str) -> dict[str, SchoolWeek]:
    weeks = school_weeks(days, whose)
    lengths = weeks.select(whose, start_week="week_start", full_days="days_in_session")
    days = (
        days.filter(pl.col("in_session") & (pl.col("week_start") == week))
        .group_by(whose)
        .agg(days=pl.col("date").unique().sort(), counted_through=pl.col("counted_through").first())
        .join(weeks.filter(pl.col("week_start") == week), on=whose)
        .join(lengths, on=[whose, "start_week"], how="left")
    )
    found = {}
    for row in days.iter_rows(named=True):
        counted = [day for day in row["days"] if day <= row["counted_through"]]
        if counted:
            found[row[whose]] = SchoolWeek(
                start=week,
                previous=row["previous_week"],
                first_full=row["start_week"],
                days=row["days"],
                full_days=row["full_days"] or len(row["days"]),
                through=counted[-1],
            )
    return found


def periods_of(states: Sequence[WeekState], gate: pl.DataFrame) -> pl.DataFrame:
    """The weeks' states as the mail room keeps them.

    Args:
        states: From `week_states`.
        gate: `MailGate`.

    Returns:
        `mail.due.PERIODS`, one row per week.
    """
    held = {
        week: " ".join(reasons)
        for week, reasons in gate.filter(~pl.col("open") & pl.col("class_id").is_null())
        .group_by("week_start", maintain_order=True)
        .agg("reason")
        .iter_rows()
    }
    return pl.DataFrame(
        [
            Period(
                campaign=CAMPAIGN,
                period=week_name(state.week_start),
                partition=state.week_start.isoformat(),
                last_day=state.last_closed_day,
                complete=state.complete,
                held=held.get(state.week_start),
            )
            for state in states
        ],
        schema=PERIODS,
        orient="row",
    )


def sources(files: pl.DataFrame) -> list[Source]:
    """The exports that figures rest on, and the day of the newest file of each.

    Args:
        files: `LandingFiles`.
    """
    newest = (
        files.filter("current")
        .filter(pl.col("table").is_in(["attendance", "homework"]))
        .group_by("table")
        .agg(day=pl.col("version").max().dt.date())
        .sort("table")
    )
    return [Source(**row) for row in newest.iter_rows(named=True)]


def gaps(
    class_week: pl.DataFrame,
    staff: pl.DataFrame,
    teachers: Mapping[str, tuple[Teacher, list[str]]],
    week: date,
    *,
    only_homerooms: bool,
) -> pl.DataFrame:
    """Who gets no letter, and which classes nobody gets one about.

    Args:
        class_week: `ClassWeek`.
        staff: `Staff`.
        teachers: From `teachers_of`.
        week: Monday of the week.
        only_homerooms: Whether letters go only to teachers of homerooms.

    Returns:
        A sentence per row: `week_start`, `kind`, `sentence`; no names of people.
    """
    rows = class_week.filter(pl.col("week_start") == week)
    if only_homerooms:
        rows = rows.filter(pl.col("class_type") == "homeroom")
    taught = {class_id for _, class_ids in teachers.values() for class_id in class_ids}
    alone = rows.filter(~pl.col("class_id").is_in(taught))["class_name"].unique().sort().to_list()
    known = set(rows["class_id"])
    empty = [
        staff_id for staff_id, (_, class_ids) in teachers.items() if known.isdisjoint(class_ids)
    ]
    idle = staff.filter(~pl.col("staff_id").is_in(list(teachers))).height
    sentences = []
    if alone:
        more = len(alone) - _CLASSES_NAMED
        shown = wording.listed([*alone[:_CLASSES_NAMED], *([f"{more} more"] if more > 0 else [])])
        sentences.append(
            (
                "class_without_teacher",
                f"Nobody teaches {shown} in this week, so nobody gets a letter about "
                f"{'it' if len(alone) == 1 else 'them'}. Look at the enrollments export.",
            )
        )
    if empty:
        what = "homeroom" if only_homerooms else "class with students"
        sentences.append(
            (
                "teacher_without_students",
                f"{_people(len(empty))} no {what} in this week: no letter.",
            )
        )
    if idle:
        sentences.append(
            ("staff_without_class", f"{_people(idle)} no class in this week: no letter.")
        )
    return pl.DataFrame(
        [(week, *sentence) for sentence in sentences],
        schema={"week_start": pl.Date, "kind": pl.String, "sentence": pl.String},
        orient="row",
    )


def _people(number: int) -> str:
    return "1 member of staff has" if number == 1 else f"{number} members of staff have"


@dataclass(frozen=True)
class Tables:
    """What the letters of a week are made from."""

    class_week: pl.DataFrame
    """`ClassWeek`."""
    students_of_week: pl.DataFrame
    """`StudentOfWeek` of the week."""
    students: pl.DataFrame
    """`Students`."""
    said_before: pl.DataFrame
    """The figures of the campaign's last letters: `period`, `recipient_key`, `subject`,
    `numerator`, `denominator`."""
    gate: pl.DataFrame
    """`MailGate`."""


def letters_of_week(
    teachers: Iterable[tuple[Teacher, list[str]]],
    tables: Tables,
    pictures: Mapping[tuple[str, str], Drawing],
    edition: Edition,
    not_after: datetime,
) -> Iterator[Letter]:
    """Every teacher's letter, held where the gate says so or where it could not be written.

    Args:
        teachers: From `teachers_of`.
        tables: What they are made from.
        pictures: (`class:…` or `staff:…`, kind) → its chart.
        edition: What the letters share.
        not_after: When they are no longer news.

    Raises:
        TemplateError: No letter could be written.
    """
    histories = class_histories(tables.class_week, edition.week)
    rosters = by_class(tables.students_of_week.sort("class_id", maintain_order=True))
    names = shown_names(tables.students, edition.letters.students)
    homerooms = _homerooms(tables, edition.week)
    said = _said(tables.said_before)
    nobody = tables.students_of_week.clear()
    homework = any(source.table == "homework" for source in edition.sources)
    made, faults = 0, list[str]()
    for teacher, class_ids in teachers:
        key = edition.recipient_key(teacher.staff_id)
        views = []
        here = {
            student: names.get(student, student)
            for class_id in class_ids
            for student in rosters.get(class_id, nobody)["student_id"]
        }
        if edition.letters.students == "full":
            here = told_apart(here, homerooms)
        for class_id in class_ids:
            history = histories.get(class_id)
            if history is None:
                continue
            week = edition.classes.get(class_id) or edition.schools.get(history["school_id"][-1])
            if week is None:
                continue
            homeroom = history["class_type"][-1] == "homeroom"
            if edition.letters.to == "homeroom_teachers" and not homeroom:
                continue
            notes = class_notes(
                rosters.get(class_id, nobody),
                here,
                edition.notice,
                frozenset(Kind) if homeroom else IN_LESSONS,
            )
            views.append(
                class_view(
                    history,
                    week,
                    edition.targets,
                    edition.letters,
                    notes,
                    said.get(key, {}),
                    tells_homework=homework,
                )
            )
        if views:
            gate = holds(tables.gate, edition.week, [view.class_id for view in views])
            try:
                content, fault = _fitting(teacher, views, pictures, edition), None
            except TemplateError as error:
                content, fault = _NOTHING, str(error)
                faults.append(fault)
            reasons = " ".join(filter(None, (gate, fault)))
            made += 1
            yield _letter(teacher, key, views, content, reasons, edition, not_after)
    if made and len(faults) == made:
        raise TemplateError(" ".join(dict.fromkeys(faults)))


def _fitting(
    teacher: Teacher,
    views: Sequence[ClassView],
    pictures: Mapping[tuple[str, str], Drawing],
    edition: Edition,
) -> LetterContent:
    """A letter that mail programs show whole: with many classes, without the tables of comparisons.

    Where that is not enough, fewer students are listed, and the letter says how many more there are.
    """
    blocks = tuple(block for block in edition.letters.blocks if block != "table")
    letters = edition.letters.model_copy(update={"blocks": blocks})
    without_tables = replace(edition, letters=letters, shortened=True)
    notice = edition.notice.model_copy(update={"most": FEWEST_LISTED})
    for each in (edition, without_tables, replace(without_tables, notice=notice)):
        content = compose(teacher, views, pictures, each)
        if len(content.html) < MOST_BYTES // 2 or not is_too_long(content.html):
            break
    return content


def _homerooms(tables: Tables, week: date) -> dict[str, str]:
    """Student → what their homeroom is called in the week."""
    homerooms = tables.class_week.filter(
        (pl.col("week_start") == week) & (pl.col("class_type") == "homeroom")
    )
    placed = tables.students_of_week.join(homerooms, on="class_id").sort("class_id")
    return dict(placed.select("student_id", "class_name").iter_rows())


_NOTHING = LetterContent(*UNWRITTEN, images=(), notes=(), figures=(), names=frozenset())


def _letter(
    teacher: Teacher,
    key: str,
    views: Sequence[ClassView],
    content: LetterContent,
    hold: str,
    edition: Edition,
    not_after: datetime,
) -> Letter:
    name = " ".join(filter(None, (teacher.given_name, teacher.family_name)))
    # classes, teams and schools are sometimes called after people
    called = {edition.school, *(name for view in views for name in (view.name, view.team))}
    return Letter(
        campaign=CAMPAIGN,
        period=week_name(edition.week),
        recipient_key=key,
        recipient=Address(teacher.email, name),
        sender=Address(*edition.letters.sender),
        reply_to=edition.letters.answers_to,
        subject=content.subject,
        html=content.html,
        text=content.text,
        images=content.images,
        not_after=not_after,
        names=content.names
        | called
        | set(filter(None, (teacher.given_name, teacher.family_name, name))),
        notes=content.notes,
        figures=content.figures,
        hold=hold or None,
        as_of=content.as_of,
    )


def _said(before: pl.DataFrame) -> dict[str, dict[str, tuple[date, float, float]]]:
    """Recipient → subject of a figure → week, numerator and denominator as stated."""
    said: dict[str, dict[str, tuple[date, float, float]]] = {}
    for row in before.iter_rows(named=True):
        figure = parse_week(row["period"]), row["numerator"], row["denominator"]
        said.setdefault(row["recipient_key"], {})[row["subject"]] = figure
    return said
