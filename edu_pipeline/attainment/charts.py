"""How a cohort's results look: one Vega-Lite template per chart, for pages and for documents.

Templates have named data sources and no data. A page fills and refills them as people hover and
click; `drawn` fills them for a picture. What a row of each source holds stands with its template.
Grades are points on the scale of a subject's qualification, whose axis a template has as parameters (`axis_of`).
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import altair as alt

from edu_pipeline.charting import theme
from edu_pipeline.model.grades import GCSE, SCALES

OUTCOMES = ("below", "met", "exceeded", "none")
SYMBOLS: Mapping[str, str] = {"below": "▼", "met": "●", "exceeded": "▲", "none": "◆"}
_FAR = 9
"""Points of the farthest difference."""
DISTRIBUTION_HEIGHT = 340
PROGRESS_HEIGHT = 300
ROW_HEIGHT = 26
"""Pixels of a subject or a group in charts that have a row for each."""
SPREAD, LIFT, CROWD = 0.62, 0.3, 12
"""How far dots of one grade stand apart across (of the distance between two series) and up (of a
grade), and the number of dots from which they are lifted at all."""
ROOM = 190
"""Pixels for the names of rows; the parameter `room` of charts that have them."""
_BOX_WIDTH = 0.66
"""Of the distance between two series; dots keep within it as well."""
APART_HEIGHT = 380
APART_WIDTHS: Mapping[str, int] = {"wide": 640, "narrow": 260}
"""Plots for which `named_apart` finds room for names."""
_SHAPES = ("triangle-down", "circle", "triangle-up", "diamond")
_ORIGIN = alt.Chart(alt.InlineData(values=[{"at": 0}]))
_LETTER, _LINE, _NAME, _AWAY = 6.6, 16, 20, 12
"""Pixels of a letter, a line, a name by itself, and from a dot to its name, in a plot with names."""

Rows = Sequence[Mapping[str, Any]]


def evenly(number: int, base: int) -> float:
    """The `number`-th, from 1, of places that fill 0 to 1 evenly, however many are taken.

    With 2 and 3 for across and up, they fill a square (Halton 1960).
    """
    place, share = 0.0, 1.0
    while number:
        number, digit = divmod(number, base)
        share /= base
        place += digit * share
    return place


@dataclass(frozen=True)
class Paint(theme.Colours):
    """Colours as SVG has them; those of outcomes for marks, and darker for words."""

    axis: str = theme.BASELINE
    whisker: str = "#6f7880"
    dot: str = "#3f5f7f"
    box: str = "#dfe8f1"
    below: str = theme.BELOW
    met: str = theme.MET
    exceeded: str = theme.EXCEEDED
    none: str = theme.MUTED
    below_ink: str = "#b04a00"
    met_ink: str = "#005f95"
    exceeded_ink: str = "#00705a"


ON_PAPER = Paint()
ON_PAGE = Paint(**{each.name: f"var(--{each.name.replace('_', '-')})" for each in fields(Paint)})
"""The page's own colours, so that charts follow it into the dark and onto paper."""


def distribution(series: Sequence[str], paint: Paint = ON_PAPER) -> dict[str, Any]:
    """Box plots of the grades of each series, with a dot for every student, behind the boxes' lines.

    Data: `boxes` (x, q1, median, q3, low, high: whiskers, empty where they are not shown), `dots`
    (x, y, outcome; x is the series' place and a jitter; `none` where colours tell nothing), `marked`
    (x, y, outcome, size: what is pointed at).
    Parameters `labels`: lines of text below each series; `dot_size`, `dot_opacity`: the less, the more
    dots there are.
    """
    scale = alt.Scale(domain=[-0.5, len(series) - 0.5], nice=False)
    axis = _series_axis(len(series), paint)
    x, left = (alt.X(field, scale=scale, axis=axis) for field in ("x:Q", "left:Q"))
    y = _grade("y:Q", paint)
    low, high = _grade("low:Q", paint), _grade("high:Q", paint)
    boxes = alt.Chart(alt.NamedData("boxes"))
    sides = boxes.transform_calculate(
        left=alt.datum.x - _BOX_WIDTH / 2, right=alt.datum.x + _BOX_WIDTH / 2
    )
    middle = {"x": left, "x2": "right:Q", "y": _grade("q1:Q", paint), "y2": "q3:Q"}
    dot_scale = alt.Scale(
        domain=list(OUTCOMES), range=[paint.below, paint.met, paint.exceeded, paint.dot]
    )
    chart = alt.layer(
        sides.mark_rect(fill=paint.box, cornerRadius=2).encode(**middle),
        alt.Chart(alt.NamedData("dots"))
        .mark_point(
            filled=True,
            size=alt.ExprRef("dot_size"),
            opacity=alt.ExprRef("dot_opacity"),
            aria=False,
        )
        .encode(
            x=x,
            y=y,
            color=alt.Color("outcome:N", scale=dot_scale, legend=None),
            shape=alt.Shape(
                "outcome:N",
                scale=alt.Scale(domain=list(OUTCOMES), range=[*_SHAPES[:3], "circle"]),
                legend=None,
            ),
        ),
        boxes.mark_rule(color=paint.whisker, strokeWidth=1.5).encode(x=x, y=low, y2="q1:Q"),
        boxes.mark_rule(color=paint.whisker, strokeWidth=1.5).encode(x=x, y=high, y2="q3:Q"),
        sides.mark_rect(
            fillOpacity=0, stroke=paint.whisker, strokeWidth=1.5, cornerRadius=2
        ).encode(**middle),
        sides.mark_rule(color=paint.ink, strokeWidth=2.5).encode(
            x=left, x2="right:Q", y=_grade("median:Q", paint)
        ),
        alt.Chart(alt.NamedData("marked"))
        .mark_point(filled=True, opacity=1, stroke=paint.paper, strokeWidth=2, aria=False)
        .encode(
            x=x,
            y=y,
            color=_outcome_fill(paint),
            shape=_outcome_shapes(),
            size=alt.Size("size:Q", scale=None),
        ),
    ).resolve_scale(color="independent", shape="independent")
    return _template(
        chart,
        paint,
        height=DISTRIBUTION_HEIGHT,
        labels=[[name] for name in series],
        dot_size=26,
        dot_opacity=0.55,
        **axis_of(GCSE),
    )


def progress(series: Sequence[str], paint: Paint = ON_PAPER) -> dict[str, Any]:
    """Students' grades in one subject over the series, against the baseline.

    Data: `line` (who, x, y, outcome of the whole line, dashed: provisional, faint: of others than the
    one that all else is of), `points` (x, y, outcome; `none` for all but the one compared; hollow,
    text), `names` (x, y, text: whose line ends there), `reference` (y, text: the baseline, a dashed
    line; of both, under: whether the text stands below), `range` (x, low, high, low_text, high_text:
    lowest and highest result).
    Parameter `labels`: as for `distribution`.

    Args:
        series: Without the baseline, in order, and what stands at the right, where the range is.
        paint: Colours.
    """
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[-0.4, len(series) - 0.6], nice=False),
        axis=_series_axis(len(series), paint),
    )
    y = _grade("y:Q", paint)
    low, high = _grade("low:Q", paint), _grade("high:Q", paint)
    reference, points = (alt.Chart(alt.NamedData(name)) for name in ("reference", "points"))
    span, lines = alt.Chart(alt.NamedData("range")), alt.Chart(alt.NamedData("line"))
    label: dict[str, Any] = {"fontSize": theme.SUBTITLE_SIZE, "color": paint.muted}
    colour = _outcome_fill(paint)
    dashed = alt.StrokeDash(
        "dashed:N", scale=alt.Scale(domain=[False, True], range=[[1, 0], [3, 4]]), legend=None
    )
    # the page paints strokes first: words interrupt the lines that they would be struck through by
    behind: dict[str, Any] = {"stroke": paint.paper, "strokeWidth": 6, "strokeJoin": "round"}
    chart = alt.layer(
        reference.mark_rule(color=paint.ink, strokeDash=[6, 4], strokeWidth=1.6).encode(y=y),
        span.mark_rule(color=paint.muted, strokeWidth=2).encode(x=x, y=low, y2="high:Q"),
        span.mark_tick(color=paint.muted, thickness=2, size=16, orient="horizontal").encode(
            x=x, y=low
        ),
        span.mark_tick(color=paint.muted, thickness=2, size=16, orient="horizontal").encode(
            x=x, y=high
        ),
        *(
            lines.transform_filter(f"{'' if faint else '!'}datum.faint")
            .mark_line(strokeWidth=2.5, strokeJoin="round", opacity=0.45 if faint else 1)
            .encode(x=x, y=y, color=colour, strokeDash=dashed, detail="who:N")
            for faint in (True, False)
        ),
        span.mark_text(dy=6, baseline="top", **label, **behind).encode(
            x=x, y=low, text="low_text:N"
        ),
        span.mark_text(dy=-6, baseline="bottom", **label, **behind).encode(
            x=x, y=high, text="high_text:N"
        ),
        *(
            reference.transform_filter(f"{'' if under else '!'}datum.under")
            .mark_text(
                align="left", dy=13 if under else -11, **(label | behind | {"color": paint.ink})
            )
            .encode(x=alt.value(4), y=y, text="text:N")
            for under in (False, True)
        ),
        points.transform_filter("datum.hollow")
        .mark_point(filled=False, strokeWidth=2, size=90, opacity=1, fill=paint.paper)
        .encode(x=x, y=y, stroke=_outcome_stroke(paint), shape=_outcome_shapes()),
        points.transform_filter("!datum.hollow")
        .mark_point(filled=True, stroke=paint.paper, strokeWidth=1.5, size=170, opacity=1)
        .encode(x=x, y=y, color=colour, shape=_outcome_shapes()),
        *(
            points.transform_filter(f"{'' if under else '!'}datum.under")
            .mark_text(
                dy=17 if under else -15,
                fontSize=theme.TEXT_SIZE,
                fontWeight="bold",
                color=paint.ink,
                **behind,
            )
            .encode(x=x, y=y, text="text:N")
            for under in (False, True)
        ),
        alt.Chart(alt.NamedData("names"))
        .mark_text(align="left", dx=14, **(label | behind | {"color": paint.ink}))
        .encode(x=x, y=y, text="text:N"),
    )
    labels = [[name] for name in series]
    return _template(chart, paint, height=PROGRESS_HEIGHT, labels=labels, **axis_of(GCSE))


def across_subjects(paint: Paint = ON_PAPER) -> dict[str, Any]:
    """One student over all subjects: the result (symbol) against the baseline (bar).

    Data: `subjects` (subject, base, top, outcome, hollow: provisional, text, end: where the text
    begins, place: its row, from 0). Its height is `ROW_HEIGHT` × rows.
    """
    # layers of only those with a result, or a baseline, would put the others below them
    y = _row("subject:N", paint, sort=alt.EncodingSortField("place", op="min", order="ascending"))
    scale, axis = _grade_scale(room=3.6), _grade_axis(paint)
    x, top, end = (alt.X(field, scale=scale, axis=axis) for field in ("base:Q", "top:Q", "end:Q"))
    rows = alt.Chart(alt.NamedData("subjects"))
    both = rows.transform_filter("isValid(datum.base) && isValid(datum.top)")
    results = rows.transform_filter("isValid(datum.top)")
    colour = _outcome_fill(paint)
    chart = alt.layer(
        both.mark_rule(strokeWidth=4, opacity=0.45).encode(x=x, x2="top:Q", y=y, color=colour),
        rows.transform_filter("isValid(datum.base)")
        .mark_tick(color=paint.ink, thickness=3, size=ROW_HEIGHT - 8)
        .encode(x=x, y=y),
        results.transform_filter("!datum.hollow")
        .mark_point(filled=True, size=110, opacity=1, stroke=paint.paper, strokeWidth=1)
        .encode(x=top, y=y, color=colour, shape=_outcome_shapes()),
        results.transform_filter("datum.hollow")
        .mark_point(filled=False, size=90, opacity=1, strokeWidth=2, fill=paint.paper)
        .encode(x=top, y=y, stroke=_outcome_stroke(paint), shape=_outcome_shapes()),
        rows.mark_text(align="left", dx=12, fontSize=theme.SUBTITLE_SIZE).encode(
            x=end,
            y=y,
            text="text:N",
            color=_outcome_inks(paint),
        ),
    ).resolve_scale(color="independent")
    return _template(chart, paint, height=10 * ROW_HEIGHT, room=ROOM, **axis_of(GCSE))


@functools.cache
def mean_differences(paint: Paint = ON_PAPER) -> dict[str, Any]:
    """Mean differences with their intervals, a row for each subject or group.

    Data: `means` (row, mean, low, high: the interval, shrunk, hollow: provisional, text), in the order
    in which they are drawn. Its height is `ROW_HEIGHT` × rows. Parameter `most`: the largest absolute value on the axis.
    """
    y = _row("row:N", paint)

    def x(field: str) -> alt.X:
        return alt.X(field, scale=_around_zero(), axis=_difference_axis(paint))

    rows = alt.Chart(alt.NamedData("means"))
    chart = alt.layer(
        _ORIGIN.mark_rule(color=paint.ink, strokeWidth=1.2).encode(x=x("at:Q")),
        rows.mark_rule(color=paint.mine, strokeWidth=3, opacity=0.35).encode(
            x=x("low:Q"), x2="high:Q", y=y
        ),
        rows.mark_point(
            filled=False, shape="diamond", stroke=paint.ink, size=110, strokeWidth=1.5, opacity=1
        ).encode(x=x("shrunk:Q"), y=y),
        *(
            rows.transform_filter(f"{'' if hollow else '!'}datum.hollow")
            .mark_point(
                shape="circle",
                filled=True,
                fill=paint.paper if hollow else paint.mine,
                stroke=paint.mine,
                strokeWidth=2,
                size=70,
                opacity=1,
            )
            .encode(x=x("mean:Q"), y=y)
            for hollow in (False, True)
        ),
        rows.mark_text(align="left", dx=8, fontSize=theme.SUBTITLE_SIZE, color=paint.muted).encode(
            x=alt.value("width"), y=y, text="text:N"
        ),
    )
    return _template(chart, paint, height=10 * ROW_HEIGHT, most=2, room=ROOM)


def forecast(paint: Paint = ON_PAPER) -> dict[str, Any]:
    """Which share may reach a grade, a row for each subject: intervals of 80 and of 95 %.

    Data: `forecast` (row, share, low80, high80, low95, high95: shares, text), in the order in which they
    are drawn. Its height is `ROW_HEIGHT` × rows.
    """
    y = _row("row:N", paint)
    axis = _measure_axis(paint, title=None, labelExpr="datum.value * 100 + ' %'")

    def x(field: str) -> alt.X:
        return alt.X(field, scale=alt.Scale(domain=[0, 1]), axis=axis)

    rows = alt.Chart(alt.NamedData("forecast"))
    chart = alt.layer(
        rows.mark_rule(color=paint.mine, strokeWidth=2, opacity=0.45).encode(
            x=x("low95:Q"), x2="high95:Q", y=y
        ),
        rows.mark_rule(color=paint.mine, strokeWidth=9, opacity=0.45).encode(
            x=x("low80:Q"), x2="high80:Q", y=y
        ),
        rows.mark_tick(color=paint.ink, thickness=2, height=14).encode(x=x("share:Q"), y=y),
        rows.mark_text(align="left", dx=8, fontSize=theme.SUBTITLE_SIZE, color=paint.muted).encode(
            x=alt.value("width"), y=y, text="text:N"
        ),
    )
    return _template(chart, paint, height=10 * ROW_HEIGHT, room=ROOM)


def quadrants(baseline: str) -> Mapping[tuple[int, int], Sequence[str]]:
    """Sign of value added and of the subject residual → what that is, in words."""
    return {
        (across, up): (
            f"{'above' if across > 0 else 'below'} {baseline},",
            f"{'better' if up > 0 else 'worse'} than in others",
        )
        for across in (-1, 1)
        for up in (-1, 1)
    }


def apart(baseline: str, paint: Paint = ON_PAPER) -> dict[str, Any]:
    """Value added beside the subject residual: a dot for each subject, in quadrants with names.

    Data: `apart` (x: value added, y: residual, hollow: provisional, size: area, name, side: where it
    stands, from `named_apart`). Parameter `most`: the largest absolute value on both axes.
    """
    x, y = (
        channel(field, scale=_around_zero(), axis=_difference_axis(paint, title, padding))
        for channel, field, title, padding in (
            # below the lowest label of the other axis
            (alt.X, "x:Q", f"value added: result − {baseline}", 16),
            (alt.Y, "y:Q", "residual: against own other subjects", 5),
        )
    )
    rows = alt.Chart(alt.NamedData("apart"))
    words: dict[str, Any] = {
        "fontSize": 12,
        "fontStyle": "italic",
        "color": paint.muted,
        "lineHeight": _LINE,
    }
    beside: Mapping[str, dict[str, Any]] = {
        "right": {"align": "left", "dx": _AWAY},
        "left": {"align": "right", "dx": -_AWAY},
        "above": {"dy": -_AWAY - 1},
        "below": {"dy": _AWAY + 1},
    }
    chart = alt.layer(
        *(
            _ORIGIN.mark_rule(color=paint.axis, strokeWidth=1.5).encode(where)
            for where in (
                alt.X("at:Q", scale=_around_zero()),
                alt.Y("at:Q", scale=_around_zero()),
            )
        ),
        *(
            _ORIGIN.mark_text(
                text=list(text),
                align="left" if across < 0 else "right",
                baseline="top" if up > 0 else "line-bottom",
                dx=-6 * across,
                dy=6 if up > 0 else -6 - _LINE,
                **words,
            ).encode(
                x=alt.value(0 if across < 0 else "width"), y=alt.value(0 if up > 0 else "height")
            )
            for (across, up), text in quadrants(baseline).items()
        ),
        *(
            rows.transform_filter(f"{'' if hollow else '!'}datum.hollow")
            .mark_point(
                shape="circle",
                filled=True,
                fill=paint.paper if hollow else paint.mine,
                stroke=paint.mine,
                strokeWidth=2,
                opacity=0.85,
            )
            .encode(x=x, y=y, size=alt.Size("size:Q", scale=None))
            for hollow in (False, True)
        ),
        *(
            rows.transform_filter(f"datum.side == '{side}'")
            .mark_text(fontSize=12, color=paint.ink, **where)
            .encode(x=x, y=y, text="name:N")
            for side, where in beside.items()
        ),
    )
    return _template(chart, paint, height=APART_HEIGHT, most=2)


def named_apart(points: Rows, most: float, width: int, baseline: str) -> Sequence[str]:
    """On which side of its dot each name of `apart` has room; empty where it has none.

    Args:
        points: With x, y and name; the first ones get theirs first.
        most: As for `apart`.
        width: Of the plot in pixels.
        baseline: As for `apart`.
    """
    height = APART_HEIGHT

    def place(point: Mapping[str, Any]) -> tuple[float, float]:
        return (point["x"] / most + 1) * width / 2, (1 - point["y"] / most) * height / 2

    taken = [(x - 9, y - 9, x + 9, y + 9) for x, y in map(place, points)]
    for (across, up), text in quadrants(baseline).items():
        wide, high = max(map(len, text)) * _LETTER + 6, 2 * _LINE + 6
        x, y = 0.0 if across < 0 else width - wide, 0.0 if up > 0 else height - high
        taken.append((x, y, x + wide, y + high))
    found = []
    for point in points:
        x, y = place(point)
        wide, half = len(point["name"]) * _LETTER, _NAME / 2
        boxes = {
            "right": (x + _AWAY, y - half, x + _AWAY + wide, y + half),
            "left": (x - _AWAY - wide, y - half, x - _AWAY, y + half),
            "above": (x - wide / 2, y - _AWAY - _NAME, x + wide / 2, y - _AWAY),
            "below": (x - wide / 2, y + _AWAY, x + wide / 2, y + _AWAY + _NAME),
        }
        side = next(
            (
                name
                for name, (left, top, right, bottom) in boxes.items()
                if left >= 0
                and right <= width
                and top >= 0
                and bottom <= height
                and not any(
                    left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
                    for other in taken
                )
            ),
            "",
        )
        if side:
            taken.append(boxes[side])
        found.append(side)
    return found


def reach(values: Sequence[float]) -> float:
    """The largest absolute value of an axis around 0 that has room for all of these."""
    most = max([0.0, *map(abs, values)])
    return min(_FAR, max(0.5, -(-most * 2 // 1) / 2))


def matrix(
    rows: str, columns: str, grades: Sequence[str], paint: Paint = ON_PAPER
) -> dict[str, Any]:
    """A table of counts, shaded by their share of the row.

    Data: `cells` (row, column: of `grades`; share, text).

    Args:
        rows: What the rows are, such as BASELINE.
        columns: What the columns are, such as GCSE.
        grades: Whole grades as they are written, the lowest first.
        paint: Colours.
    """
    x = alt.X(
        "column:N",
        sort=list(grades),
        axis=alt.Axis(
            title=columns,
            orient="top",
            labelAngle=0,
            domain=False,
            ticks=False,
            labelColor=paint.muted,
            titleColor=paint.ink,
        ),
    )
    y = alt.Y(
        "row:N",
        sort=list(reversed(grades)),
        axis=alt.Axis(
            title=rows, domain=False, ticks=False, labelColor=paint.muted, titleColor=paint.ink
        ),
    )
    cells = alt.Chart(alt.NamedData("cells"))
    chart = alt.layer(
        cells.mark_rect(fill=paint.mine, stroke=paint.paper).encode(
            x=x,
            y=y,
            fillOpacity=alt.FillOpacity(
                "share:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 0.7]), legend=None
            ),
        ),
        cells.mark_text(fontSize=theme.SUBTITLE_SIZE, color=paint.ink).encode(
            x=x, y=y, text="text:N"
        ),
    )
    return _template(chart, paint, height=10 * ROW_HEIGHT)


def drawn(
    template: Mapping[str, Any],
    data: Mapping[str, Rows],
    *,
    title: str,
    subtitle: str | Sequence[str] = "",
    size: tuple[int, int],
    **params: object,
) -> dict[str, Any]:
    """A template with its data, for a document.

    Args:
        template: From one of the functions above.
        data: Name of a source → its rows; sources that are not named are empty.
        title: States what is shown.
        subtitle: How many, when, who is left out.
        size: Width and height of the plot in CSS pixels.
        **params: Values of its parameters.
    """
    # a template may have data of its own, such as where 0 is
    sources = dict.fromkeys(sorted(_sources(template)), ()) | template.get("datasets", {})
    return {
        **template,
        "title": {"text": title, "subtitle": subtitle},
        "params": [
            {**param, "value": params.get(param["name"], param["value"])}
            for param in template["params"]
        ],
        "datasets": {name: list(data.get(name, rows)) for name, rows in sources.items()},
        "width": size[0],
        "height": size[1],
        "padding": 12,
        "autosize": {"type": "pad"},
        "background": theme.PAPER,
    }


def _sources(part: object) -> set[str]:
    if isinstance(part, Mapping):
        data = part.get("data")
        named = {data["name"]} if isinstance(data, Mapping) and set(data) == {"name"} else set()
        return named.union(*(_sources(value) for value in part.values()))
    if isinstance(part, list):
        return set[str]().union(*(_sources(value) for value in part))
    return set()


def _template(
    chart: alt.LayerChart | alt.FacetChart, paint: Paint, *, height: int, **params: object
) -> dict[str, Any]:
    config = theme.vega_config()
    config |= {
        "background": None,
        "title": config["title"] | {"color": paint.ink, "subtitleColor": paint.muted},
        "axis": config["axis"]
        | {"labelColor": paint.muted, "domainColor": paint.axis, "gridColor": paint.grid},
        # a chart is one picture, which its place on the page names
        "aria": False,
        "mark": config.get("mark", {}) | {"aria": False},
    }
    del config["background"]
    return {
        # what is wrong with a template, a test finds; looking for it takes longer than all else
        **chart.to_dict(validate=False),
        "config": config,
        "params": [{"name": name, "value": value} for name, value in params.items()],
        "width": 500,
        "height": height,
        "background": None,
        "padding": {"left": 2, "top": 6, "right": 6, "bottom": 2},
        "autosize": {"type": "fit-x", "contains": "padding"},
    }


def _series_axis(number: int, paint: Paint) -> alt.Axis:
    return alt.Axis(
        title=None,
        values=list(range(number)),
        labelExpr="labels[datum.value]",
        labelOverlap=False,
        labelLimit=alt.ExprRef(f"width / {number}"),
        labelColor=paint.ink,
        labelPadding=8,
        labelLineHeight=19,
        grid=False,
        ticks=False,
        domainColor=paint.axis,
    )


def axis_of(scale: str) -> Mapping[str, Any]:
    """What the axis of grades has on a scale: where it ends, where grades stand, and what they are called."""
    grades = SCALES[scale].grades
    return {
        "top": max(grades.values()),
        "ticks": list(grades.values()),
        "names": {f"{points:g}": grade for grade, points in grades.items()},
    }


def _grade_scale(room: float = 0.35) -> alt.Scale:
    """From U to the highest, with room for words beyond."""
    return alt.Scale(
        domainMin=-0.35, domainMax=alt.ExprRef(f"top + {room}"), nice=False, zero=False
    )


def _grade_axis(paint: Paint) -> alt.Axis:
    return alt.Axis(
        title=None,
        values=alt.ExprRef("ticks"),
        labelExpr="names[datum.value] || datum.label",
        labelOverlap=False,
        grid=True,
        gridColor=paint.grid,
        domain=False,
        ticks=False,
        labelColor=paint.muted,
    )


def _grade(field: str, paint: Paint) -> alt.Y:
    return alt.Y(field, scale=_grade_scale(), axis=_grade_axis(paint))


def _row(field: str, paint: Paint, sort: alt.EncodingSortField | None = None) -> alt.Y:
    return alt.Y(
        field,
        sort=sort,
        scale=alt.Scale(paddingInner=0.2, paddingOuter=0.2),
        axis=alt.Axis(
            title=None,
            domain=False,
            ticks=False,
            labelColor=paint.ink,
            labelLimit=alt.ExprRef("room"),
            grid=False,
        ),
    )


def _around_zero() -> alt.Scale:
    return alt.Scale(domainMin=alt.ExprRef("-most"), domainMax=alt.ExprRef("most"))


def _difference_axis(paint: Paint, title: str | None = None, padding: int = 5) -> alt.Axis:
    return _measure_axis(
        paint,
        title=title,
        titleColor=paint.ink,
        titleFontSize=theme.SUBTITLE_SIZE,
        titleFontWeight="normal",
        format="+.1f",
        labelExpr="datum.value == 0 ? '0' : replace(datum.label, '-', '−')",
        labelPadding=padding,
    )


def _measure_axis(paint: Paint, **own: Any) -> alt.Axis:  # noqa: ANN401 - as Altair has them
    """An axis along which something is measured, with a line at each of a few steps."""
    return alt.Axis(
        tickCount=5,
        grid=True,
        gridColor=paint.grid,
        domain=False,
        ticks=False,
        labelFlush=False,
        labelColor=paint.muted,
        **own,
    )


def _outcome_scale(paint: Paint) -> alt.Scale:
    colours = [paint.below, paint.met, paint.exceeded, paint.none]
    return alt.Scale(domain=list(OUTCOMES), range=colours)


def _outcome_fill(paint: Paint) -> alt.Color:
    return alt.Color("outcome:N", scale=_outcome_scale(paint), legend=None)


def _outcome_stroke(paint: Paint) -> alt.Stroke:
    return alt.Stroke("outcome:N", scale=_outcome_scale(paint), legend=None)


def _outcome_inks(paint: Paint) -> alt.Color:
    inks = [paint.below_ink, paint.met_ink, paint.exceeded_ink, paint.muted]
    return alt.Color("outcome:N", scale=alt.Scale(domain=list(OUTCOMES), range=inks), legend=None)


def _outcome_shapes() -> alt.Shape:
    return alt.Shape(
        "outcome:N", scale=alt.Scale(domain=list(OUTCOMES), range=list(_SHAPES)), legend=None
    )
