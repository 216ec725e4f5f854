"""A week's letters from the tables that they are made of: for a run, and to look at before one.

Who gets one and whether it waits is in `edition`, what it says in `letter`; how Dagster makes the tables,
in `assets`.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime

import jinja2
import polars as pl

from edu_pipeline.glossary.metrics import definitions
from edu_pipeline.ground.warehouse import Connection, read_table
from edu_pipeline.mail.due import not_after
from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.links import ways_out
from edu_pipeline.settings.home import Settings
from edu_pipeline.teachers.drawings import Drawings
from edu_pipeline.teachers.edition import (
    CAMPAIGN,
    Tables,
    calendar_of_week,
    classes_of_week,
    letters_of_week,
    sources,
    teachers_of,
)
from edu_pipeline.teachers.letter import Edition

OF_ALL = (
    *("class_week", "counted_through", "stg_school_days", "class_days_off", "stg_enrollments"),
    *("stg_classes", "stg_staff", "stg_students", "landing_files", "mail_gate", "ledger_identity"),
)
OF_WEEK = ("students_of_week", "letter_charts", "said_before")
"""Tables with a partition for each week, of which theirs is read."""


class NoFiguresError(Exception):
    """The week has none; the message says what to do."""


def tables_of(con: Connection, partition: str) -> Mapping[str, pl.DataFrame]:
    """What a week's letters are made of.

    Args:
        con: The warehouse after a refresh.
        partition: The week's Monday, such as `2026-09-28`.
    """
    return {name: read_table(con, name) for name in OF_ALL} | {
        name: read_table(con, name, partition) for name in OF_WEEK
    }


def week_of_letters(
    tables: Mapping[str, pl.DataFrame],
    week: date,
    settings: Settings,
    env: jinja2.Environment,
    *,
    now: datetime,
    tags: Mapping[str, str],
    only: Collection[str] | None = None,
) -> Iterator[Letter]:
    """The letters about a week.

    Args:
        tables: From `tables_of`.
        week: Its Monday.
        settings: Of the home.
        env: From `ground.templates.environment`.
        now: The time.
        tags: Of the run that makes them.
        only: `staff_id`s of those who get one; None: everybody who is due one.

    Raises:
        NoFiguresError: The week has none.
        TemplateError: No letter could be written.
    """
    days, through = tables["stg_school_days"], tables["counted_through"]
    schools = calendar_of_week(days, through, week)
    if not schools:
        raise NoFiguresError(
            f"There are no figures for the week of {week}. Run the refresh job, or choose a "
            "week that the class_week table has."
        )
    teachers = teachers_of(
        tables["stg_enrollments"], tables["stg_classes"], tables["stg_staff"], schools
    )
    identity = tables["ledger_identity"]
    yield from letters_of_week(
        [each for staff_id, each in teachers.items() if only is None or staff_id in only],
        Tables(
            tables["class_week"],
            tables["students_of_week"],
            tables["stg_students"],
            tables["said_before"],
            tables["mail_gate"],
        ),
        Drawings(tables["letter_charts"]),
        Edition(
            school=settings.called,
            week=week,
            schools=schools,
            classes=classes_of_week(
                days, through, week, tables["stg_classes"], tables["class_days_off"]
            ),
            letters=settings.letters,
            notice=settings.notice,
            targets=settings.targets,
            definitions=definitions(settings),
            sources=sources(tables["landing_files"]),
            env=env,
            salt=identity["salt"].item(),
            pause_url=ways_out(settings.mail.public_url, identity["token_key"].item(), CAMPAIGN),
        ),
        not_after(
            max(school.through for school in schools.values()),
            now=now,
            mail=settings.mail,
            zone=settings.zone,
            tags=tags,
        ),
    )
