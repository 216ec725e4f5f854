"""The pages that tie the rooms together, as Dagster sees them."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from edu_pipeline.attainment.assets import TABLES
from edu_pipeline.attainment.metrics import Tables
from edu_pipeline.attainment.page import Frame, cohorts, scripts_beside
from edu_pipeline.attainment.publish import publish
from edu_pipeline.charting.render import render_pngs
from edu_pipeline.ground.shipped import shipped
from edu_pipeline.ground.templates import environment
from edu_pipeline.ground.warehouse import Warehouse, read_table
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.programmes.charts import funnel_chart
from edu_pipeline.programmes.nudges import campaign_of
from edu_pipeline.settings.home import Home, Settings
from edu_pipeline.site.index_page import attainment_page, write_index_page
from edu_pipeline.site.mail_page import write_mail_page
from edu_pipeline.site.open_rates import open_rate_chart, spoken, told
from edu_pipeline.site.programme_page import WIDE, ProgrammeTables, write_programme_page

GROUP = "site"
OWNERS = ["team:data"]
_CHART_WIDTH = 520
_OF_COHORTS = (
    *("attainment_files", "stg_results", "cohort_students", "result_groups"),
    "attainment_notes",
)


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"html"}, tags={"pii": "none"})
def letters_page(
    campaign_engagement: pl.DataFrame,
    mail_room: dg.ResourceParam[MailRoom],
) -> dg.MaterializeResult[None]:
    """`data/site/mail/index.html`: how all letters stand, what to do, and how many were opened."""
    templates = environment([mail_room.home.templates, shipped("templates")])
    with mail_room.open_ledger() as ledger:
        page = write_mail_page(mail_room.home, mail_room.settings, ledger, templates)
    write_index_page(mail_room.home, mail_room.settings, templates)
    return dg.MaterializeResult(
        metadata={"page": dg.MetadataValue.path(page), **_previews(campaign_engagement)}
    )


def _previews(engagement: pl.DataFrame) -> Mapping[str, dg.MetadataValue[str]]:
    """Campaign → its chart; shares of whole campaigns, so nothing personal is in the event log."""
    found = {}
    for (campaign,), rows in engagement.group_by("campaign", maintain_order=True):
        rates = told(rows)
        if rates.is_empty():
            continue
        last = rates.drop_nulls("low").row(-1, named=True)
        title = f"{spoken((last['low'], last['high']))} of {last['period']} opened"
        found[f"opened, {campaign}"] = _preview(
            open_rate_chart(rates, width=_CHART_WIDTH, title=title), title
        )
    return found


def _preview(chart: dict[str, Any], title: str) -> dg.MetadataValue[str]:
    (png,) = render_pngs([chart])
    picture = base64.b64encode(png).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{picture})")


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"html"}, tags={"pii": "none"})
def programme_pages(
    programme_funnel: pl.DataFrame,
    course_retention: pl.DataFrame,
    time_to_next_course: pl.DataFrame,
    programme_completions: pl.DataFrame,
    programme_bridge: pl.DataFrame,
    certificate_reconciliation: pl.DataFrame,
    export_inventory: pl.DataFrame,
    landing_problems: pl.DataFrame,
    nudge_summary: pl.DataFrame,
    nudge_periods: pl.DataFrame,
    home: dg.ResourceParam[Home],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """`data/site/programmes/<id>/index.html`: completion, retention and exports of each programme."""
    of_all = ProgrammeTables(
        funnel=programme_funnel,
        retention=course_retention,
        curves=time_to_next_course,
        completions=programme_completions,
        bridge=programme_bridge,
        reconciliation=certificate_reconciliation,
        inventory=export_inventory,
        problems=landing_problems.filter(source="edx"),
        nudges=nudge_summary,
    )
    held = dict(nudge_periods.drop_nulls("held").select("campaign", "held").iter_rows())
    templates = environment([home.templates, shipped("templates")])
    metadata: dict[str, dg.MetadataValue[str]] = {}
    for programme in settings.programmes:
        why_held = held.get(campaign_of(programme.id))
        page = write_programme_page(home, settings, programme, of_all, templates, held=why_held)
        metadata[f"page, {programme.id}"] = dg.MetadataValue.path(page)
        chart = funnel_chart(of_all.of(programme.id).funnel, width=WIDE, title=programme.title)
        metadata[f"how far learners get, {programme.id}"] = _preview(chart, programme.title)
    write_index_page(home, settings, templates)
    return dg.MaterializeResult(metadata=metadata)


@dg.asset(
    group_name=GROUP,
    owners=OWNERS,
    kinds={"html"},
    tags={"pii": "names"},
    deps=[*_OF_COHORTS, *TABLES],
)
def attainment_pages(
    home: dg.ResourceParam[Home],
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult[None]:
    """`data/site/attainment`: each cohort's page for staff and without names, pictures of charts."""
    with warehouse.connect() as con:
        landed = [read_table(con, name) for name in _OF_COHORTS]
        tables = Tables(**{name: read_table(con, name) for name in TABLES})
    templates = environment([home.templates, shipped("templates")])
    frame = Frame(templates, settings, scripts_beside("../"), settings.school.called)
    found = cohorts(tables, *landed)
    published = publish(attainment_page(home).parent, frame, found)
    write_index_page(home, settings, templates)
    if published is None:
        return dg.MaterializeResult()
    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.path(published)})


ASSETS: Sequence[dg.AssetsDefinition] = [letters_page, attainment_pages]
OF_PROGRAMMES: Sequence[dg.AssetsDefinition] = [programme_pages]
