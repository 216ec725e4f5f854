"""The chart of a campaign's open rate over its periods: a band, because nobody knows it better."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt
import polars as pl

from edu_pipeline.charting.theme import TEXT_SIZE, Colours, vega_config
from edu_pipeline.ground.wording import whole_percent
from edu_pipeline.mail.engagement import FEWEST_DELIVERED

_APART = 0.12
"""Of the height, so that two labels do not touch."""
_HEIGHT = 200
_MOST_LABELS = 12


def told(engagement: pl.DataFrame) -> pl.DataFrame:
    """The periods of one campaign in order, their rates empty where letters were too few to tell.

    Args:
        engagement: `CampaignEngagement`, of one campaign.

    Returns:
        `period`, `delivered`, `low`, `high`, from the first to the last period with a rate; empty
        without any.
    """
    enough = pl.col("delivered") >= FEWEST_DELIVERED
    rows = engagement.sort("period").select(
        "period",
        "delivered",
        low=pl.when(enough).then("open_rate_low"),
        high=pl.when(enough).then("open_rate_high"),
    )
    known = rows["low"].is_not_null().arg_true()
    return rows[known[0] : known[-1] + 1] if len(known) else rows.clear()


def spoken(rates: tuple[float, float]) -> str:
    """A rate as a range in whole points: `38 to 52 %`, or `38 %` where both ends are one."""
    low, high = (round(rate, 2) for rate in rates)
    if low == high:
        return whole_percent(low)
    return f"{100 * low:.0f} to {whole_percent(high)}"


def open_rate_chart(
    rates: pl.DataFrame, *, width: int, colours: Colours | None = None, title: str = ""
) -> dict[str, Any]:
    """The Vega-Lite specification.

    Args:
        rates: From `told`, not empty.
        width: Of the plot, in CSS pixels; labels at its right need 110 more.
        colours: Others than on paper.
        title: States the result; empty where it stands beside the chart.
    """
    paint = colours or Colours()
    rows = rates.rows(named=True)
    values = [
        {**row, "label": row["period"].rpartition("-")[2], "alone": _alone(rows, n)}
        for n, row in enumerate(rows)
    ]
    every = -(-len(values) // max(3, min(_MOST_LABELS, width // 45)))
    shown = [row["period"] for n, row in enumerate(values) if n % every == 0]
    labels = {row["period"]: row["label"] for row in values}
    x = alt.X(
        "period:O",
        sort=None,
        scale=alt.Scale(type="point", padding=0.5),
        axis=alt.Axis(
            title=None,
            labelAngle=0,
            values=shown,
            labelExpr=f"({_as_json(labels)})[datum.value]",
            domainColor=paint.muted,
            tickColor=paint.muted,
            labelColor=paint.muted,
        ),
    )
    y = alt.Y(
        "low:Q",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(
            title=None,
            format=".0%",
            values=[0, 0.25, 0.5, 0.75, 1],
            domain=False,
            ticks=False,
            gridColor=paint.grid,
            labelColor=paint.muted,
        ),
    )
    base = alt.Chart(alt.InlineData(values=values)).encode(x=x)
    layers: list[alt.Chart] = [
        base.mark_area(color=paint.mine, opacity=0.22).encode(y=y, y2="high:Q"),
        base.transform_filter("datum.alone")
        .mark_rule(color=paint.mine, opacity=0.22, strokeWidth=12)
        .encode(y=y, y2="high:Q"),
        base.mark_line(color=paint.mine, strokeWidth=1.2, strokeDash=[4, 3]).encode(y="high:Q"),
        base.mark_line(color=paint.mine, strokeWidth=3).encode(y=y),
        base.transform_filter("isValid(datum.low)")
        .mark_circle(color=paint.mine, size=45, opacity=1, stroke=paint.paper, strokeWidth=1.5)
        .encode(y=y),
    ]
    layers += [
        alt.Chart(alt.InlineData(values=[{"period": period, "low": at, "text": text}]))
        .mark_text(align="left", dx=10, fontSize=TEXT_SIZE, fontWeight=weight, color=colour)
        .encode(x=x, y=y, text="text:N")
        for period, at, text, weight, colour in _labels(values, paint)
    ]
    chart = alt.layer(*layers).properties(
        width=width, height=_HEIGHT, **({"title": title} if title else {})
    )
    spec = {**chart.to_dict(), "config": vega_config()}
    spec["config"]["background"] = paint.paper if title else None
    spec["padding"] = {"left": 4, "top": 8, "bottom": 4, "right": 14}
    return spec


def _alone(rows: Sequence[Mapping[str, Any]], n: int) -> bool:
    """Between two gaps a band has no width."""
    near = [rows[at]["low"] for at in (n - 1, n + 1) if 0 <= at < len(rows)]
    return rows[n]["low"] is not None and all(low is None for low in near)


def _labels(
    values: Sequence[Mapping[str, Any]], paint: Colours
) -> list[tuple[str, float, str, Literal["bold", "normal"], str]]:
    """Period, height, text, weight and colour of what is written beside the last rate."""
    last = [row for row in values if row["low"] is not None][-1]
    period, low, high = last["period"], last["low"], last["high"]
    if high - low < _APART:
        return [(period, (low + high) / 2, spoken((low, high)), "bold", paint.ink)]
    return [
        (period, low, f"{whole_percent(round(low, 2))} people", "bold", paint.ink),
        (period, high, f"{whole_percent(round(high, 2))} with programs", "normal", paint.muted),
    ]


def _as_json(labels: Mapping[str, str]) -> str:
    # periods and campaigns are made of letters, digits, dots and dashes
    return "{" + ", ".join(f"'{period}': '{label}'" for period, label in labels.items()) + "}"
