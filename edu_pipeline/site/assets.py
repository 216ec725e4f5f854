"""The pages that tie the rooms together, as Dagster sees them."""

import base64
from collections.abc import Mapping, Sequence

import dagster as dg
import polars as pl

from edu_pipeline.charting.render import render_pngs
from edu_pipeline.mail.render import environment
from edu_pipeline.mail.room import MailRoom
from edu_pipeline.shipped import shipped
from edu_pipeline.site.mail_page import write_mail_page
from edu_pipeline.site.open_rates import open_rate_chart, spoken, told

GROUP = "site"
OWNERS = ["team:data"]
_CHART_WIDTH = 520


@dg.asset(group_name=GROUP, owners=OWNERS, kinds={"html"}, tags={"pii": "none"})
def letters_page(
    campaign_engagement: pl.DataFrame,
    mail_room: dg.ResourceParam[MailRoom],
) -> dg.MaterializeResult[None]:
    """`data/site/mail/index.html`: how all letters stand, what to do, and how many were opened."""
    templates = environment([mail_room.home.templates, shipped("templates")])
    with mail_room.open_ledger() as ledger:
        page = write_mail_page(mail_room.home, mail_room.settings, ledger, templates)
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
        (png,) = render_pngs([open_rate_chart(rates, width=_CHART_WIDTH, title=title)])
        picture = base64.b64encode(png).decode()
        found[f"opened, {campaign}"] = dg.MetadataValue.md(
            f"![{title}](data:image/png;base64,{picture})"
        )
    return found


ASSETS: Sequence[dg.AssetsDefinition] = [letters_page]
