"""The pages that tie the rooms together, as Dagster sees them."""

import functools
from typing import Any

import dagster as dg
import polars as pl

from edu_pipeline.attainment.assets import TABLES
from edu_pipeline.attainment.metrics import Tables
from edu_pipeline.attainment.page import Frame, cohorts, scripts_beside
from edu_pipeline.attainment.publish import publish
from edu_pipeline.attainment.waiting import waiting_in
from edu_pipeline.charting.render import render_pngs
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.steps import Notes, picture, table
from edu_pipeline.ground.templates import environment
from edu_pipeline.ground.warehouse import Connection, read_table
from edu_pipeline.mail.mailing import CARRIER
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.model.gate import unreleased
from edu_pipeline.programmes.charts import funnel_chart
from edu_pipeline.programmes.nudges import campaign_of
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline.site.index_page import attainment_page, write_index_page
from edu_pipeline.site.mail_page import write_mail_page
from edu_pipeline.site.open_rates import open_rate_chart, spoken, told
from edu_pipeline.site.programme_page import WIDE, ProgrammeTables, write_programme_page

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
    """`data/site/mail/index.html`: how all letters stand, what to do, and how many were opened."""
    templates = environment([mail_room.home.templates, shipped("templates")])
    with mail_room.open_ledger() as ledger:
        page = write_mail_page(mail_room.home, mail_room.settings, ledger, templates)
    write_index_page(mail_room.home, mail_room.settings, templates)
    return {"page": dg.MetadataValue.path(page), **_previews(campaign_engagement)}


def _previews(engagement: pl.DataFrame) -> Notes:
    """Campaign → its chart; shares of whole campaigns, so nothing personal is in the event log."""
    found: dict[str, object] = {}
    for (campaign,), rows in engagement.group_by("campaign", maintain_order=True):
        rates = told(rows)
        if rates.is_empty():
            continue
        last = rates.drop_nulls("low").row(-1, named=True)
        title = f"{spoken((last['low'], last['high']))} of {last['period']} opened"
        chart = open_rate_chart(rates, width=_CHART_WIDTH, title=title)
        found |= _drawn(f"opened, {campaign}", chart, title)
    return found


def _drawn(name: str, chart: dict[str, Any], title: str) -> Notes:
    (png,) = render_pngs([chart])
    return picture(png, title, name=name)


@_page(pii="none", source="edx")
def programme_pages(
    programme_funnel: pl.DataFrame,
    course_retention: pl.DataFrame,
    time_to_next_course: pl.DataFrame,
    programme_completions: pl.DataFrame,
    programme_bridge: pl.DataFrame,
    certificate_reconciliation: pl.DataFrame,
    export_inventory: pl.DataFrame,
    landing_problems: pl.DataFrame,
    gate_releases: pl.DataFrame,
    nudge_summary: pl.DataFrame,
    nudge_periods: pl.DataFrame,
    home: Home,
    settings: Settings,
) -> Notes:
    """`data/site/programmes/<id>/index.html`: completion, retention and exports of each programme."""
    of_all = ProgrammeTables(
        funnel=programme_funnel,
        retention=course_retention,
        curves=time_to_next_course,
        completions=programme_completions,
        bridge=programme_bridge,
        reconciliation=certificate_reconciliation,
        inventory=export_inventory,
        problems=unreleased(landing_problems.filter(source="edx"), gate_releases),
        nudges=nudge_summary,
    )
    held = dict(nudge_periods.drop_nulls("held").select("campaign", "held").iter_rows())
    templates = environment([home.templates, shipped("templates")])
    notes: dict[str, object] = {}
    for programme in settings.programmes:
        why_held = held.get(campaign_of(programme.id))
        page = write_programme_page(home, settings, programme, of_all, templates, held=why_held)
        notes[f"page, {programme.id}"] = dg.MetadataValue.path(page)
        chart = funnel_chart(of_all.of(programme.id).funnel, width=WIDE, title=programme.title)
        notes |= _drawn(f"how far learners get, {programme.id}", chart, programme.title)
    write_index_page(home, settings, templates)
    return notes


@_page(pii="names", source="results", deps=[*_OF_COHORTS, *TABLES])
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
    templates = environment([home.templates, shipped("templates")])
    frame = Frame(templates, settings, scripts_beside("../"), settings.school.called)
    waiting = waiting_in(landing_problems, gate_releases)
    found = cohorts(tables, *landed, waiting=waiting)
    published = publish(attainment_page(home).parent, frame, found, waiting)
    write_index_page(home, settings, templates)
    return {"page": dg.MetadataValue.path(published)} if published else {}
