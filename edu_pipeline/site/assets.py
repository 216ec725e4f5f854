"""The pages that tie the rooms together, as Dagster sees them."""

import functools
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import polars as pl

from edu_pipeline.attainment.assets import TABLES
from edu_pipeline.attainment.metrics import Tables
from edu_pipeline.attainment.page import Frame, cohorts
from edu_pipeline.attainment.publish import publish
from edu_pipeline.attainment.scripts import scripts_beside
from edu_pipeline.attainment.waiting import waiting_in
from edu_pipeline.charting.render import render_pngs
from edu_pipeline.facts.effect import followed_passes
from edu_pipeline.facts.run_results import ACCOUNTS, PERSONS, people_counts
from edu_pipeline.ground.steps import Notes, Table, picture, table
from edu_pipeline.ground.templates import templates_of
from edu_pipeline.ground.warehouse import Connection, read_table
from edu_pipeline.ground.wording import week_of
from edu_pipeline.mail.mailing import CARRIER
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.model.gate import unreleased
from edu_pipeline.programmes.charts import funnel_chart
from edu_pipeline.programmes.effect import FOLLOWED_DAYS, effect, effect_words, span
from edu_pipeline.programmes.nudges import campaign_of
from edu_pipeline.settings.home import PAGES, Home, Settings
from edu_pipeline.settings.programmes import Programme
from edu_pipeline.site.home_page import attainment_page, write_front_pages
from edu_pipeline.site.mail_page import write_mail_pages
from edu_pipeline.site.open_rates import open_rate_chart, spoken, told
from edu_pipeline.site.programme_page import WIDE, ProgrammeTables, write_programme_page
from edu_pipeline.site.school_page import SchoolTables, write_school_page

_CHART_WIDTH = 520
_page = functools.partial(table, "site", kinds={"html"})
_OF_COHORTS = (
    *("attainment_files", "stg_results", "cohort_students", "result_groups"),
    "attainment_notes",
)


@_page(pii="none", source=CARRIER)
def letters_page(
    campaign_engagement: pl.DataFrame,
    mail_room: MailRoom,
) -> Notes:
    """`data/site/mail`: how all letters stand, what to do, how many were opened, and everybody's letters."""
    with mail_room.open_ledger() as ledger:
        page = write_mail_pages(mail_room.home, mail_room.settings, ledger)
    return {**_page_note(mail_room.home, page), **_previews(campaign_engagement)}


def _page_note(home: Home, page: Path, name: str = "page") -> Notes:
    """A link to a page where the UI serves it, and its place on disk."""
    at = f"{PAGES}/{quote(page.relative_to(home.data).as_posix())}"
    return {name: dg.MetadataValue.url(at), f"{name}, on disk": dg.MetadataValue.path(page)}


def _previews(engagement: pl.DataFrame) -> Notes:
    """Campaign → its chart; shares of whole campaigns, so nothing personal is in the event log."""
    found: dict[str, object] = {}
    for (campaign,), rows in engagement.group_by("campaign", maintain_order=True):
        rates = told(rows)
        if rates.is_empty():
            continue
        last = rates.drop_nulls("low").row(-1, named=True)
        title = f"{spoken((last['low'], last['high']))} of the {week_of(last['period'])} opened"
        chart = open_rate_chart(rates, width=_CHART_WIDTH, title=title)
        found |= _drawn(f"opened, {campaign}", chart, title)
    return found


def _drawn(name: str, chart: dict[str, Any], title: str) -> Notes:
    (png,) = render_pngs([chart])
    return picture(png, title, name=name)


@_page(
    pii="none",
    source="edx",
    deps=[
        *("programme_progress", ACCOUNTS, PERSONS, "programme_runs"),
        *("stg_learners", "stg_people"),
    ],
)
def programme_pages(
    programme_funnel: pl.DataFrame,
    course_retention: pl.DataFrame,
    time_to_next_course: pl.DataFrame,
    programme_completions: pl.DataFrame,
    programme_bridge: pl.DataFrame,
    certificate_reconciliation: pl.DataFrame,
    certificates_issued: pl.DataFrame,
    export_inventory: pl.DataFrame,
    landing_problems: pl.DataFrame,
    gate_releases: pl.DataFrame,
    nudge_summary: pl.DataFrame,
    nudge_periods: pl.DataFrame,
    programme_weeks: pl.DataFrame,
    ledger_identity: pl.DataFrame,
    home: Home,
    settings: Settings,
    con: Connection,
) -> Notes:
    """`data/site/programmes/<id>/index.html`: completion, retention and exports of each programme."""
    of_all = ProgrammeTables(
        funnel=programme_funnel,
        retention=course_retention,
        curves=time_to_next_course,
        completions=programme_completions,
        bridge=programme_bridge,
        reconciliation=certificate_reconciliation,
        issued=certificates_issued,
        inventory=export_inventory,
        problems=unreleased(landing_problems.filter(source="edx"), gate_releases),
        nudges=nudge_summary,
        weeks=programme_weeks,
        people=people_counts(con),
    )
    held = dict(nudge_periods.drop_nulls("held").select("campaign", "held").iter_rows())
    templates = templates_of(home.templates)
    notes: dict[str, object] = {}
    for programme in settings.programmes:
        why_held = held.get(campaign_of(programme.id))
        page = write_programme_page(
            home,
            settings,
            programme,
            of_all,
            templates,
            held=why_held,
            effect=_effect(con, programme, ledger_identity["salt"].item(), settings),
        )
        notes |= _page_note(home, page, f"page, {programme.id}")
        chart = funnel_chart(
            of_all.of(programme.id).funnel,
            width=WIDE,
            names={course.id: course.title for course in programme.courses},
            title=programme.title,
        )
        notes |= _drawn(f"how far learners get, {programme.id}", chart, programme.title)
    return notes


def _effect(con: Connection, programme: Programme, salt: str, settings: Settings) -> str | None:
    """What letters are good for by those held out; None where nobody is."""
    days = span(programme, datetime.now(settings.zone).date())
    if days is None:
        return None
    return effect_words(
        effect(followed_passes(con, programme.id, *days, FOLLOWED_DAYS), programme, salt)
    )


@_page(pii="names", source="results", deps=[*_OF_COHORTS, "exam_series", "result_columns", *TABLES])
def attainment_pages(
    landing_problems: pl.DataFrame,
    gate_releases: pl.DataFrame,
    home: Home,
    settings: Settings,
    con: Connection,
) -> Notes:
    """`data/site/attainment`: each cohort's page for staff and without names, pictures of charts.

    A cohort with an open question has none; the list of cohorts says what to answer.
    """
    landed = [read_table(con, name) for name in _OF_COHORTS]
    tables = Tables(**{name: read_table(con, name) for name in TABLES})
    templates = templates_of(home.templates)
    frame = Frame(templates, settings, scripts_beside("../"), settings.called)
    waiting = waiting_in(landing_problems, gate_releases)
    found = cohorts(
        tables,
        *landed,
        attainment=settings.attainment,
        exam_series=read_table(con, "exam_series"),
        columns=read_table(con, "result_columns"),
        waiting=waiting,
        zone=settings.zone,
    )
    published = publish(attainment_page(home).parent, frame, found, waiting)
    return _page_note(home, published) if published else {}


@_page(pii="groups", source="school")
def school_page(
    school_week: pl.DataFrame,
    grade_week: pl.DataFrame,
    school_term: pl.DataFrame,
    class_week: pl.DataFrame,
    student_attendance: pl.DataFrame,
    stg_students: pl.DataFrame,
    home: Home,
    settings: Settings,
) -> Notes:
    """`data/site/school/index.html`: attendance and homework by grade team, week and term."""
    grades = stg_students.select("student_id", "grade").unique("student_id")
    of_all = SchoolTables(
        schools=school_week,
        teams=grade_week,
        terms=school_term,
        classes=class_week,
        students=student_attendance.join(grades, on="student_id", how="left"),
    )
    templates = templates_of(home.templates)
    page = write_school_page(home, settings, of_all, templates)
    return _page_note(home, page) if page else {}


def home_page(settings: Settings) -> Table:
    """The asset that leads to all others, and is written after whatever is new of them."""
    of_programmes = ["programme_pages", "nudge_problems"] if settings.programmes else []

    @_page(
        pii="none",
        deps=[
            *("landing_files", "landing_report", "landing_fates", "landing_problems"),
            *("mail_gate", "ledger_letters"),
            *("letters_page", "attainment_pages", "school_page", *of_programmes),
        ],
    )
    def home_page(con: Connection, mail_room: MailRoom) -> Notes:
        """`data/site/index.html`: how this week stands, and what to do; with the pages on data and words."""
        with mail_room.open_ledger() as ledger:
            page = write_front_pages(mail_room.home, settings, con, ledger)
        return _page_note(mail_room.home, page)

    return home_page
