"""One week's edition: who gets a letter, about which homerooms, and whether it must wait.

Pure. What a letter says is in `letter`; that it arrives is the mail room's business.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from email_validator import EmailNotValidError, validate_email

from edu_pipeline.gate import holds
from edu_pipeline.mail.due import PERIODS, Period
from edu_pipeline.mail.letter import Address, Letter, opaque_key
from edu_pipeline.mail.render import lint
from edu_pipeline.school_calendar import week_name
from edu_pipeline.settings import Letters, Targets
from edu_pipeline.teachers.charts import class_histories
from edu_pipeline.teachers.letter import Edition, Teacher, compose, homeroom_week
from edu_pipeline.teachers.metrics import WeekState

CAMPAIGN = "teachers"


@dataclass(frozen=True)
class Envelope:
    """What all letters of a week have outside."""

    letters: Letters
    not_after: datetime


def homeroom_teachers(
    enrollments: pl.DataFrame, classes: pl.DataFrame, staff: pl.DataFrame, day: date
) -> dict[str, tuple[Teacher, list[str]]]:
    """Who teaches which homerooms on a day.

    Args:
        enrollments: `Enrollments`.
        classes: `Classes`.
        staff: `Staff`.
        day: The last day that the letters are about.

    Returns:
        `staff_id` → the teacher and their homerooms' `class_id`s, by class name.
    """
    rows = (
        enrollments.filter(
            (pl.col("role") == "teacher")
            & (pl.col("begin_date") <= day)
            & (pl.col("end_date") > day)
        )
        .join(classes.filter(pl.col("class_type") == "homeroom"), on="class_id")
        .join(staff, left_on="person_id", right_on="staff_id")
        .sort("person_id", "class_name", "class_id")
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


def homerooms_without_teacher(
    class_week: pl.DataFrame, teachers: Mapping[str, tuple[Teacher, list[str]]], week: date
) -> list[str]:
    """Names of the homerooms of a week that nobody gets a letter about."""
    taught = {class_id for _, class_ids in teachers.values() for class_id in class_ids}
    rows = class_week.filter(
        (pl.col("week_start") == week)
        & (pl.col("class_type") == "homeroom")
        & ~pl.col("class_id").is_in(taught)
    )
    return rows["class_name"].sort().to_list()


def letters_of_week(
    teachers: Iterable[tuple[Teacher, list[str]]],
    class_week: pl.DataFrame,
    pictures: Mapping[tuple[str, str], tuple[bytes, str]],
    gate: pl.DataFrame,
    targets: Targets,
    edition: Edition,
    envelope: Envelope,
) -> list[Letter]:
    """Every teacher's letter, held where the gate, the address or the lint says so.

    Args:
        teachers: From `homeroom_teachers`.
        class_week: `ClassWeek`.
        pictures: (`class_id`, kind) → chart as PNG and its alt text.
        gate: `MailGate`.
        targets: From the settings.
        edition: What the letters share inside.
        envelope: What they share outside.

    Raises:
        TemplateError: A template cannot be used.
    """
    week = edition.week.start
    histories = class_histories(class_week, week)
    made = []
    for teacher, class_ids in teachers:
        about = [class_id for class_id in class_ids if class_id in histories]
        if not about:
            continue
        homerooms = [homeroom_week(histories[class_id], targets) for class_id in about]
        content = compose(teacher, homerooms, pictures, edition)
        name = " ".join(filter(None, (teacher.given_name, teacher.family_name)))
        reasons = [holds(gate, week, about), _bad_address(teacher.email), *lint(content.html)]
        made.append(
            Letter(
                campaign=CAMPAIGN,
                period=week_name(week),
                recipient_key=opaque_key("teacher", teacher.staff_id),
                recipient=Address(teacher.email, name),
                sender=Address(envelope.letters.from_email, envelope.letters.from_name),
                reply_to=envelope.letters.reply_to or envelope.letters.from_email,
                subject=content.subject,
                html=content.html,
                text=content.text,
                images=content.images,
                not_after=envelope.not_after,
                names=frozenset(filter(None, (teacher.given_name, teacher.family_name))),
                notes=content.notes,
                hold=" ".join(filter(None, reasons)) or None,
            )
        )
    return made


def _bad_address(email: str) -> str | None:
    if not email:
        return "The teacher has no e-mail address. Add it to the staff export."
    try:
        validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return "The teacher's e-mail address is not valid. Correct it in the staff export."
    return None
