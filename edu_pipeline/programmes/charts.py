"""The charts of a programme's page: frames in, Vega-Lite specifications out.

Bars, dots and their labels are placed here to the pixel, so that no label is cut at any width.
Drawing is `charting.render`'s work; what is said beside a chart is the templates'.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal

import altair as alt
import polars as pl

from edu_pipeline.charting.theme import SUBTITLE_SIZE, TEXT_SIZE, Colours, vega_config
from edu_pipeline.ground.wording import percent

PROGRAMME = "Programme"
STAGES: Mapping[str, str] = {
    "enrolled": "enrolled",
    "passed": "passed",
    "certificate": "certificate",
    "core_complete": "core complete",
    "complete": "complete",
}
"""Stage of the funnel → what it is called beside its bar."""
NOT_SHOWN = "not shown"
FOLLOWED_DAYS = 3 * 365
"""What comes later is of few learners and of little use to anybody."""
BESIDE_FROM = 500
"""Pixels from which headings stand beside their bars, and not above them."""
_EM, _CAPITAL = 0.6, 0.15
"""Width of a character by the size of the font, and what a capital has more; hardly ever exceeded."""
_BAR, _GAP, _APART, _LINE = 16, 3, 18, 22
_ROW = 34
_TICKS = [0, 0.25, 0.5, 0.75, 1]
_YEAR, _HALF, _QUARTER = 365, 183, 91
_PALE = 0.45
_BAND = 0.22
_PANEL_HEIGHT = 150
_LABEL_ROOM = 20
"""Pixels above a curve's chart, for the label of one that ends at the top."""
Value = Mapping[str, Any]


def funnel_chart(
    funnel: pl.DataFrame,
    *,
    width: int,
    names: Mapping[str, str] = MappingProxyType({}),
    paint: Colours | None = None,
    title: str = "",
) -> dict[str, Any]:
    """Bars of the learners who reached each stage of every course, and of the programme.

    Args:
        funnel: `ProgrammeFunnel` of one programme, not empty.
        width: Of the whole chart, in CSS pixels.
        names: Course → what it is called; else its id stands there.
        paint: Others than the colours on paper.
        title: States the result; empty where it stands beside the chart.
    """
    paint = paint or Colours()
    groups = [
        (names.get(str(course), str(course)) if course else PROGRAMME, rows.rows(named=True))
        for (course,), rows in funnel.sort("position", maintain_order=True).group_by(
            "course_id", maintain_order=True
        )
    ]
    beside = width >= BESIDE_FROM
    left = _margin([name for name, _ in groups], width) if beside else 0
    room = (left or width) - 12
    texts = {
        (name, row["stage"]): _funnel_text(row, first=row is rows[0])
        for name, rows in groups
        for row in rows
    }
    scale = _scale(
        [(row["learners"], texts[name, row["stage"]]) for name, rows in groups for row in rows],
        width - left,
    )
    bars, labels, headings, top = [], [], [], 0
    for name, rows in groups:
        lines = _in_lines(name, room)
        headings += _stacked(lines, top + _BAR / 2)
        under = top + _LINE * len(lines)
        top += 0 if beside else _LINE * len(lines)
        for row in rows:
            end = left + max(1.0, scale * row["learners"])
            bars.append(_bar(left, end, top) | _looks(row["stage"], paint))
            labels.append({"x": end + 8, "y": top + _BAR / 2, "text": texts[name, row["stage"]]})
            top += _BAR + _GAP
        top = max(top + _APART - _GAP, under)
    layers = [
        _rects(bars),
        _words(labels, paint.ink),
        _words(headings, paint.ink, bold=True, limit=room),
    ]
    return _drawn(layers, width, top - _APART, paint, title)


def _funnel_text(row: Value, *, first: bool) -> str:
    share = "" if first or row["share"] is None else f" · {percent(row['share'])}"
    return f"{row['learners']:,} {stage_name(row['course_id'], row['stage'])}{share}"


def stage_name(course: str | None, stage: str) -> str:
    """What a stage of a course, or without one of the programme, is called."""
    return "any certificate" if course is None and stage == "certificate" else STAGES[stage]


def _looks(stage: str, paint: Colours) -> dict[str, Any]:
    """The further, the stronger; and every bar is named at its end."""
    if stage == "enrolled":
        return {"fill": paint.muted, "opacity": _PALE}
    return {"fill": paint.mine, "opacity": _PALE if stage == "passed" else 1}


def retention_chart(
    retention: pl.DataFrame,
    *,
    width: int,
    names: Mapping[str, str] = MappingProxyType({}),
    paint: Colours | None = None,
) -> dict[str, Any]:
    """A dot with its interval for every course that leads to a next one.

    Args:
        retention: `CourseRetention` of one programme, in sequence, not empty.
        width: Of the whole chart, in CSS pixels.
        names: Course → what it is called; else its id stands there.
        paint: Others than the colours on paper.
    """
    paint = paint or Colours()
    rows = retention.rows(named=True)
    pairs = [
        " → ".join(names.get(row[course], row[course]) for course in ("course_id", "to_course"))
        for row in rows
    ]
    texts = [f"{percent(row['share'])} of {row['passed']:,}" for row in rows]
    beside = width >= BESIDE_FROM
    left = _margin(pairs, width) if beside else _TEXT_HALF
    label = max(map(_text_width, texts))
    right = width - (label + 24 if beside else _TEXT_HALF)
    room = (left if beside else width - label) - 12
    dots, headings, labels, bottom = [], [], [], 0.0
    for row, name, text in zip(rows, pairs, texts, strict=True):
        top, lines = bottom, _in_lines(name, room)
        above = _LINE * (len(lines) - 1)
        y = top + _ROW / 2 + (above / 2 if beside else _LINE + above)
        bottom = y + _ROW / 2 + (above / 2 if beside else 0)
        low, at, high = (
            left + (right - left) * row[key] for key in ("share_low", "share", "share_high")
        )
        dots.append({"low": low, "at": at, "high": high, "y": y})
        heading = y if beside else top + _LINE / 2
        headings += _stacked(lines, heading - (above / 2 if beside else 0))
        labels.append({"x": width, "y": heading, "text": text})
    layers = [
        *_share_axis(left, right, bottom, paint),
        alt.Chart(alt.InlineData(values=dots))
        .mark_rule(color=paint.mine, opacity=_PALE, strokeWidth=5, strokeCap="round")
        .encode(x=_at("low"), x2="high:Q", y=_at("y")),
        alt.Chart(alt.InlineData(values=dots))
        .mark_circle(color=paint.mine, opacity=1, size=110, stroke=paint.paper, strokeWidth=2)
        .encode(x=_at("at"), y=_at("y")),
        _words(headings, paint.ink, bold=True, limit=room),
        _words(labels, paint.ink, align="right"),
    ]
    return _drawn(layers, width, bottom + _LINE, paint)


_TEXT_HALF = 20
"""Half of the widest tick label."""


def _share_axis(left: float, right: float, bottom: float, paint: Colours) -> list[alt.Chart]:
    ticks = [
        {"x": left + (right - left) * share, "y": bottom + 12, "top": 0, "bottom": bottom}
        | {"text": f"{share:.0%}".replace("%", "\u00a0%")}
        for share in _TICKS
    ]
    lines = (
        alt.Chart(alt.InlineData(values=ticks))
        .mark_rule(color=paint.grid)
        .encode(x=_at("x"), y=_at("top"), y2="bottom:Q")
    )
    return [lines, _words(ticks, paint.muted, align="center", size=SUBTITLE_SIZE)]


def next_course_chart(
    curve: pl.DataFrame, *, width: int, days: int, paint: Colours | None = None
) -> dict[str, Any]:
    """The share that has begun another course, by the days since the pass, with its interval.

    Args:
        curve: `TimeToNextCourse` of one course, as far as it may be read, which is beyond day 0.
        width: Of the whole chart, in CSS pixels.
        days: That the axis spans; the same for charts that are compared.
        paint: Others than the colours on paper.
    """
    paint = paint or Colours()
    left, bottom = 46, 24
    shown = (
        curve.sort("days")
        .filter(pl.col("days") <= days)
        .select("days", "share", "share_low", "share_high")
    )
    start = {"days": 0, "share": 0.0, "share_low": None, "share_high": None}
    steps: list[Value] = [start, *shown.rows(named=True)]
    end = min(days, int(curve.select(pl.col("days").max()).item()))
    steps = [{**step, "until": after["days"]} for step, after in pairwise([*steps, {"days": end}])]
    known = [step for step in steps if step["share_low"] is not None and step["share_low"] < 1]
    last = steps[-1]
    x = alt.X(
        "days:Q",
        scale=alt.Scale(domain=[0, days], nice=False),
        axis=_time_axis(paint, values=list(_marks(days)), labelExpr=_in_months(_marks(days))),
    )
    y = alt.Y(
        "share:Q",
        scale=alt.Scale(domain=[0, 1]),
        axis=_height_axis(
            paint,
            left,
            values=_TICKS[::2],
            labelExpr="format(datum.value * 100, 'd') + '\u00a0%'",
        ),
    )
    corners = [
        {"days": day, "share": step["share"]}
        for step in steps
        for day in (step["days"], step["until"])
    ]
    across, high = width - left - 12, _PANEL_HEIGHT - bottom
    text = percent(last["share"])
    begins = end / days * across - _text_width(text)
    over = [step for step in steps if step["until"] / days * across >= begins]
    layers = [
        alt.Chart(alt.InlineData(values=known))
        .mark_rect(color=paint.mine, opacity=_BAND)
        .encode(x=x, x2="until:Q", y=alt.Y("share_low:Q"), y2="share_high:Q"),
        alt.Chart(alt.InlineData(values=corners))
        .mark_line(color=paint.mine, strokeWidth=2.5)
        .encode(x=x, y=y, order="index:Q"),
        alt.Chart(alt.InlineData(values=[{"days": end, "share": last["share"]}]))
        .mark_text(
            **_beside_or_above(over, begins + 2 * _text_width(text) + 8 < across, high),
            text=text,
            fontSize=TEXT_SIZE,
            fontWeight="bold",
            color=paint.ink,
        )
        .encode(x=x, y=y),
    ]
    for number, corner in enumerate(corners):
        corner["index"] = number
    chart = alt.layer(*layers).properties(width=across, height=high)
    return _finished(chart.to_dict(), paint, "") | {
        "padding": {"left": 0, "top": _LABEL_ROOM, "bottom": 4, "right": 12}
    }


def _time_axis(paint: Colours, **ticks: Any) -> alt.Axis:  # noqa: ANN401 - as Altair has them
    """The axis below a curve."""
    return alt.Axis(
        title=None,
        grid=False,
        domainColor=paint.muted,
        tickColor=paint.muted,
        labelColor=paint.muted,
        labelFontSize=SUBTITLE_SIZE,
        labelFlush=True,
        **ticks,
    )


def _height_axis(paint: Colours, room: int, **ticks: Any) -> alt.Axis:  # noqa: ANN401
    """The axis beside a curve, in so many pixels."""
    return alt.Axis(
        title=None,
        domain=False,
        ticks=False,
        gridColor=paint.grid,
        labelColor=paint.muted,
        labelFontSize=SUBTITLE_SIZE,
        minExtent=room - 4,
        maxExtent=room - 4,
        **ticks,
    )


def weeks_chart(weeks: pl.DataFrame, *, width: int, paint: Colours | None = None) -> dict[str, Any]:
    """How many learners had completed at the end of each week: a line of steps, the last named.

    Args:
        weeks: `ProgrammeWeeks` of one programme, of two weeks at least.
        width: Of the whole chart, in CSS pixels.
        paint: Others than the colours on paper.
    """
    paint = paint or Colours()
    left, bottom = 46, 24
    rows = [
        {"week": week.isoformat(), "learners": learners}
        for week, learners in weeks.sort("week").select("week", "complete").iter_rows()
    ]
    most = max(row["learners"] for row in rows)
    x = alt.X("week:T", axis=_time_axis(paint, tickCount=max(2, width // 120), format="%b %Y"))
    y = alt.Y(
        "learners:Q",
        scale=alt.Scale(domain=[0, max(1, most)], nice=True),
        axis=_height_axis(paint, left, tickCount=min(3, max(1, most)), format=",d"),
    )
    text = f"{rows[-1]['learners']:,}"
    room = _text_width(text) + 12
    layers = [
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(color=paint.mine, strokeWidth=2.5, interpolate="step-after")
        .encode(x=x, y=y),
        alt.Chart(alt.InlineData(values=rows[-1:]))
        .mark_text(
            align="left", dx=6, text=text, fontSize=TEXT_SIZE, fontWeight="bold", color=paint.ink
        )
        .encode(x=x, y=y),
    ]
    chart = alt.layer(*layers).properties(width=width - left - room, height=_PANEL_HEIGHT - bottom)
    return _finished(chart.to_dict(), paint, "") | {
        "padding": {"left": 0, "top": 10, "bottom": 4, "right": room}
    }


def _beside_or_above(over: Sequence[Value], room: bool, high: float) -> dict[str, Any]:
    """Where the label of a curve's end stands: behind it, or above it and its intervals.

    Args:
        over: The steps that a label which ends with the curve would stand over; the last is its end.
        room: Whether it fits between the curve's end and the chart's.
        high: Pixels of the axis.
    """
    share = over[-1]["share"]
    if room:
        over_axis = (1 - share) * high - (high - TEXT_SIZE / 2 - 4)
        return {"align": "left", "baseline": "middle", "dx": 8, "dy": -max(0.0, over_axis)}
    top = max(max(step["share"], step["share_high"] or 0) for step in over)
    return {"align": "right", "baseline": "bottom", "dy": -(top - share) * high - 4}


def _marks(days: int) -> Sequence[int]:
    """Days that the axis names: as few as fit."""
    step = _QUARTER if days <= _YEAR else _HALF if days <= 2 * _YEAR - 100 else _YEAR
    return [step * n for n in range(days // step + 1)]


def _in_months(marks: Sequence[int]) -> str:
    names = {day: _since(day) for day in marks}
    return "({" + ", ".join(f"{day}: '{name}'" for day, name in names.items()) + "})[datum.value]"


def _since(day: int) -> str:
    """`0`, `6 months`, `1 year`."""
    months = round(day * 12 / _YEAR)
    if not months:
        return "0"
    if months % 12:
        return f"{months} months"
    return f"{months // 12} year{'' if months == 12 else 's'}"  # noqa: PLR2004


def count_chart(
    counts: Iterable[tuple[str, int | None]], *, width: int, paint: Colours | None = None
) -> dict[str, Any]:
    """A bar for every count, and words where one is left out.

    Args:
        counts: Name and number; none where it must not be shown.
        width: Of the whole chart, in CSS pixels.
        paint: Others than the colours on paper.
    """
    paint = paint or Colours()
    rows = list(counts)
    left = _margin([name for name, _ in rows], width)
    texts = [NOT_SHOWN if number is None else f"{number:,}" for _, number in rows]
    scale = _scale(
        [(number or 0, text) for (_, number), text in zip(rows, texts, strict=True)], width - left
    )
    bars: list[Value] = []
    labels: list[Value] = []
    muted: list[Value] = []
    headings: list[Value] = []
    for place, ((name, number), text) in enumerate(zip(rows, texts, strict=True)):
        top = place * (_BAR + 6)
        end = left + scale * (number or 0)
        headings.append({"x": 0, "y": top + _BAR / 2, "text": name})
        label = {"x": end + 8 if number else left, "y": top + _BAR / 2, "text": text}
        (muted if number is None else labels).append(label)
        if number:
            bars.append(_bar(left, end, top) | {"fill": paint.mine, "opacity": 1})
    layers = [
        _rects(bars),
        _words(labels, paint.ink),
        _words(muted, paint.muted),
        _words(headings, paint.ink, limit=left - 12),
    ]
    return _drawn(layers, width, len(rows) * (_BAR + 6) - 6, paint)


# Placing


def _text_width(text: str) -> float:
    return TEXT_SIZE * (_EM * len(text) + _CAPITAL * sum(map(str.isupper, text)))


def _margin(names: Sequence[str], width: int) -> float:
    """Room for headings at the left."""
    return min(max(map(_text_width, names), default=0) + 16, 0.4 * width)


def _in_lines(text: str, room: float) -> Sequence[str]:
    """A heading in as many lines as it needs."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _text_width(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _stacked(lines: Sequence[str], first: float) -> list[Value]:
    return [
        {"x": 0, "y": first + number * _LINE, "text": line} for number, line in enumerate(lines)
    ]


def _scale(bars: Sequence[tuple[int, str]], room: float) -> float:
    """Pixels for one learner, so that every bar has room with the label at its end."""
    return min(
        ((room - _text_width(text) - 8) / number for number, text in bars if number), default=0.0
    )


def _bar(left: float, right: float, top: float) -> dict[str, Any]:
    return {"left": left, "right": right, "top": top, "bottom": top + _BAR}


def _at(field: str) -> Any:  # noqa: ANN401 - X and Y alike
    """A place in pixels."""
    channel = alt.Y if field in {"y", "top"} else alt.X
    return channel(f"{field}:Q", scale=None, axis=None)


def _rects(bars: Sequence[Value]) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=bars))
        .mark_rect(cornerRadius=1)
        .encode(
            x=_at("left"),
            x2="right:Q",
            y=_at("top"),
            y2="bottom:Q",
            color=alt.Color("fill:N", scale=None),
            opacity=alt.Opacity("opacity:Q", scale=None),
        )
    )
    return chart


def _words(
    texts: Sequence[Value],
    colour: str,
    *,
    bold: bool = False,
    limit: float = 0,
    align: Literal["left", "center", "right"] = "left",
    size: int = TEXT_SIZE,
) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=texts))
        .mark_text(
            align=align,
            baseline="middle",
            color=colour,
            fontSize=size,
            fontWeight="bold" if bold else "normal",
            limit=limit,
        )
        .encode(x=_at("x"), y=_at("y"), text="text:N")
    )
    return chart


def _drawn(
    layers: Sequence[alt.Chart], width: float, height: float, paint: Colours, title: str = ""
) -> dict[str, Any]:
    chart = alt.layer(*layers).properties(width=width, height=height)
    return _finished(chart.to_dict(), paint, title)


def _finished(spec: dict[str, Any], paint: Colours, title: str) -> dict[str, Any]:
    """With a title it is a picture of its own, on paper; without one it is part of a page."""
    config = vega_config() | {"background": paint.paper if title else None}
    room = 12 if title else 0
    return {
        **spec,
        "config": config,
        "padding": {"left": room, "top": room + 2, "bottom": room + 2, "right": room},
        **({"title": title} if title else {}),
    }
