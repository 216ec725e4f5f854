"""The charts of a teacher's letter: one rate of one homeroom over the school year so far.

Specifications and their alt texts only, from rows of `class_week`; drawing them is
`charting.render`'s work, and the words around them are `letter`'s.
"""

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import altair as alt
import polars as pl

from edu_pipeline import wording
from edu_pipeline.charting import theme
from edu_pipeline.school_calendar import LONG_GAP_DAYS
from edu_pipeline.settings import Targets

WIDTH, HEIGHT = 552, 298
_LEFT, _TOP, _RIGHT, _BOTTOM = 54, 72, 156, 34
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
_LABEL_X = _PLOT_WIDTH + 24
_TITLE_CHARACTERS = 60
_NARROWEST = 5.0
"""Points that the y axis spans at least, so that noise is not blown up to mountains."""
_MOST_TICKS = 7
_STEPS = (1, 2, 5, 10, 20, 25)
_WEEKLY_TICKS_UP_TO = 6
_MONTHS_APART = 3
_WEEK = timedelta(days=7)

_DRAWN = ("school", "team", "mine")
"""Series from back to front."""
_END_DOTS: Mapping[str, int] = MappingProxyType({"mine": 110, "team": 30, "school": 30})
_LONE_DOT = 30
_LABEL_HEIGHTS: Mapping[str, float] = MappingProxyType(
    {"target": 18, "mine": 21, "team": 18, "school": 18}
)
"""Labels at the right, in the order they stand where values are equal, and their pixels."""


@dataclass(frozen=True)
class Rate:
    """One of the two rates that a letter is about."""

    kind: str
    column: str
    """In `class_week`, with `_previous`, `_start`, `_team` and `_school` beside it."""
    noun: str
    what: str
    gap: str
    """What a week without a figure is."""


ATTENDANCE = Rate(
    "attendance", "attendance_rate", "Attendance", "Weekly attendance", "weeks without a register"
)
HOMEWORK = Rate(
    "homework",
    "homework_rate",
    "Homework",
    "Homework handed in",
    "weeks without homework",
)
RATES = (ATTENDANCE, HOMEWORK)


@dataclass(frozen=True)
class ChartSpec:
    """A chart to draw, and what to read where it cannot be seen."""

    spec: dict[str, Any]
    alt: str


def class_histories(class_week: pl.DataFrame, week_start: date) -> dict[str, pl.DataFrame]:
    """Each class's school year up to a week, for the classes that have a row in that week.

    Args:
        class_week: `ClassWeek`, any order, any number of school years.
        week_start: Monday of the letter's week.

    Returns:
        `class_id` → its rows from the first week of the school year to this one, in order. A
        pause of more than `LONG_GAP_DAYS` separates school years.
    """
    gap = pl.col("week_start").diff().dt.total_days() > LONG_GAP_DAYS
    rows = (
        class_week.filter(pl.col("week_start") <= week_start)
        .sort("class_id", "week_start")
        .filter(pl.col("week_start").max().over("class_id") == week_start)
        .with_columns(year=gap.fill_null(value=False).cum_sum().over("class_id"))
        .filter(pl.col("year") == pl.col("year").max().over("class_id"))
        .drop("year")
    )
    return {
        str(history["class_id"][0]): history
        for history in rows.partition_by("class_id", maintain_order=True)
    }


def chart_specs(history: pl.DataFrame, targets: Targets) -> dict[str, ChartSpec]:
    """The charts of one class: `attendance` and `homework`, each only if there is any data.

    Args:
        history: One class's rows of `ClassWeek` up to the letter's week, in order.
        targets: From the settings; a grade's own cut-offs win.
    """
    grade = history["grade"][-1]
    aims = {"attendance": targets.attendance, "homework": targets.homework}
    return {
        rate.kind: ChartSpec(
            rate_chart(history, rate, target=aims[rate.kind].for_grade(grade).met),
            alt_text(history, rate, target=aims[rate.kind].for_grade(grade).met),
        )
        for rate in RATES
        if history[rate.column].is_not_null().any()
    }


def reference_week(history: pl.DataFrame) -> str:
    """What to call the school week before: `last week`, or after a break something truer."""
    weeks = history["week_start"]
    after_break = len(weeks) > 1 and weeks[-1] - weeks[-2] > _WEEK
    return "the last school week" if after_break else "last week"


def result(history: pl.DataFrame, rate: Rate, *, named: bool = True) -> str:
    """The chart's finding, as its title: `Attendance in 7B is 93.3 %, up 0.7 points on last week`.

    Args:
        history: One class's rows of `ClassWeek`, in order, with at least one value of the rate.
        rate: Which rate.
        named: Whether to name the class; a title has no room for a long name.
    """
    last = history.row(-1, named=True)
    value, change = last[rate.column], last[f"{rate.column}_change_previous"]
    where = f" in {class_name(history)}" if named else ""
    if value is None:
        known = history.drop_nulls(rate.column).row(-1, named=True)
        return (
            f"{rate.noun}{where} was {wording.percent(known[rate.column])} "
            f"in the week of {wording.day_month(known['week_start'])}"
        )
    then = "" if change is None else f", {wording.compared(change, reference_week(history))}"
    return f"{rate.noun}{where} is {wording.percent(value)}{then}"


def class_name(history: pl.DataFrame) -> str:
    """What people call the class, on one line."""
    return " ".join(str(history["class_name"][-1]).split())


def team_name(history: pl.DataFrame) -> str:
    """What the grade team is called; a bare number gets a word."""
    team = " ".join(str(history["team"][-1]).split())
    word = "Grade" if history["team"][-1] == history["grade"][-1] else "Team"
    return team if any(c.isalpha() for c in team) else f"{word} {team}"


def rate_chart(history: pl.DataFrame, rate: Rate, *, target: float) -> dict[str, Any]:
    """The Vega-Lite specification of one rate of one class, with its data.

    Args:
        history: One class's rows of `ClassWeek` up to the letter's week, in order, with at least
            one value of the rate.
        rate: Which rate.
        target: The cut-off that counts as met, a share.
    """
    weeks = _calendar_weeks(history)
    values = _series(history, rate, weeks)
    ends = {name: known[-1] for name in values if (known := _known(values[name]))}
    ends["target"] = (len(weeks) - 1, target * 100)
    low, high, step = y_axis(
        [value for name in values for _, value in _known(values[name])] + [target * 100]
    )
    week_ticks = x_ticks(weeks)
    title = result(history, rate)
    if len(title) > _TITLE_CHARACTERS:
        title = result(history, rate, named=False)
    return {
        **_template(),
        "title": {"text": title, "subtitle": _subtitle(history, rate, weeks)},
        "params": [
            {"name": name, "value": value}
            for name, value in {
                "first": min(0, len(weeks) - 2),
                "last": len(weeks) - 1,
                "low": low,
                "high": high,
                "x_ticks": list(week_ticks),
                "x_labels": {str(week): label for week, label in week_ticks.items()},
                "y_ticks": list(range(low, high + 1, step)),
            }.items()
        ],
        "datasets": {
            "lines": [
                {"series": name, "week": week, "value": value, "dot": dot}
                for name in _DRAWN
                for week, (value, dot) in enumerate(
                    zip(values[name], _dots(name, values[name]), strict=True)
                )
            ],
            "ends": _end_labels(history, ends, low, high),
        },
    }


def alt_text(history: pl.DataFrame, rate: Rate, *, target: float) -> str:
    """The chart in words, from the same numbers; arguments as for `rate_chart`."""
    last = history.row(-1, named=True)
    known = history.drop_nulls(rate.column)
    others = [
        f"{name} {wording.percent(value)}"
        for name, value in (
            (team_name(history), last[f"{rate.column}_team"]),
            ("school", last[f"{rate.column}_school"]),
        )
        if value is not None
    ]
    sentences = [f"Line chart: {result(history, rate)}."]
    if others:
        sentences.append(f"This week: {', '.join(others)}.")
    if known.height > 1:
        sentences += [
            f"{word} {wording.percent(row[rate.column])} in the week of "
            f"{wording.day_month(row['week_start'])}."
            for word, row in (
                ("Highest", known.row(known[rate.column].arg_max() or 0, named=True)),
                ("Lowest", known.row(known[rate.column].arg_min() or 0, named=True)),
            )
        ]
    return " ".join([*sentences, f"Target {wording.whole_percent(target)}."])


def y_axis(values: Sequence[float]) -> tuple[int, int, int]:
    """Lowest and highest value and step of an axis of percentages that fits the values.

    Whole steps with some air, never outside 0 to 100, at least `_NARROWEST` points high and with
    at most `_MOST_TICKS` lines.
    """
    lowest, highest = min(values), max(values)
    air = max((_NARROWEST - (highest - lowest)) / 2, 0.04 * (highest - lowest))
    lowest, highest = lowest - air, highest + air
    for step in _STEPS:
        low = max(0, int(lowest // step) * step)
        high = min(100, -int(-highest // step) * step)
        if (high - low) / step <= _MOST_TICKS - 1:
            break
    return low, high, step


def x_ticks(weeks: Sequence[date]) -> dict[int, str]:
    """Position of a week → its label: every week of a short history, else the months.

    A month begins with the week whose Thursday lies in it, as in ISO weeks.
    """
    if len(weeks) <= _WEEKLY_TICKS_UP_TO:
        return {n: wording.day_month_short(week) for n, week in enumerate(weeks)}
    months = [wording.month(week + timedelta(days=3))[:3] for week in weeks]
    starts = [n for n in range(len(weeks)) if n == 0 or months[n] != months[n - 1]]
    if len(starts) > 1 and starts[1] < _MONTHS_APART:
        starts = starts[1:]
    return {n: months[n] for n in starts}


def spread(
    wanted: Sequence[float], heights: Sequence[float], low: float, high: float
) -> list[float]:
    """Centres of labels in one column, as near as possible to where they belong.

    Least squares under the condition that no two overlap (pool adjacent violators).

    Args:
        wanted: Where each label belongs, ascending.
        heights: Room that each needs.
        low: Lowest centre allowed.
        high: Highest centre allowed, where the labels fit at all.
    """
    offsets = [0.0]
    for above, below in itertools.pairwise(heights):
        offsets.append(offsets[-1] + (above + below) / 2)
    pools: list[list[float]] = []
    for place, offset in zip(wanted, offsets, strict=True):
        pools.append([place - offset])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    top = max(low, high - offsets[-1])
    placed = [min(max(_mean(pool), low), top) for pool in pools for _ in pool]
    return [place + offset for place, offset in zip(placed, offsets, strict=True)]


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def _calendar_weeks(history: pl.DataFrame) -> list[date]:
    first, last = history["week_start"][0], history["week_start"][-1]
    return [first + n * _WEEK for n in range((last - first) // _WEEK + 1)]


def _series(
    history: pl.DataFrame, rate: Rate, weeks: Sequence[date]
) -> dict[str, list[float | None]]:
    """Percentages per calendar week; a week without a row is empty, which breaks the line."""
    columns = {
        "mine": rate.column,
        "team": f"{rate.column}_team",
        "school": f"{rate.column}_school",
    }
    return {
        name: [
            None if share is None else round(share * 100, 3) for share in map(by_week.get, weeks)
        ]
        for name, column in columns.items()
        for by_week in [dict(zip(history["week_start"], history[column], strict=True))]
    }


def _known(values: Sequence[float | None]) -> list[tuple[int, float]]:
    return [(week, value) for week, value in enumerate(values) if value is not None]


def _dots(series: str, values: Sequence[float | None]) -> list[int]:
    """Areas of the dots: at a line's end, and where a week between gaps makes no line."""
    end = max((week for week, _ in _known(values)), default=None)
    padded = [None, *values, None]
    return [
        _END_DOTS[series]
        if week == end
        else (_LONE_DOT if padded[week] is None and padded[week + 2] is None else 0)
        for week in range(len(values))
    ]


def _end_labels(
    history: pl.DataFrame, ends: Mapping[str, tuple[int, float]], low: float, high: float
) -> list[dict[str, Any]]:
    names = {"mine": class_name(history), "team": team_name(history), "school": "School"}
    pixel = (high - low) / _PLOT_HEIGHT
    order = sorted((s for s in _LABEL_HEIGHTS if s in ends), key=lambda s: -ends[s][1])
    places = spread(
        [(high - ends[s][1]) / pixel for s in order],
        [_LABEL_HEIGHTS[s] for s in order],
        0,
        _PLOT_HEIGHT,
    )
    return [
        {
            "series": series,
            "week": ends[series][0],
            "value": ends[series][1],
            "label_at": high - place * pixel,
            "label": (
                f"target {wording.whole_percent(ends[series][1] / 100)}"
                if series == "target"
                else f"{wording.percent(ends[series][1] / 100)}  {names[series]}"
            ),
        }
        for series, place in zip(order, places, strict=True)
    ]


def _subtitle(history: pl.DataFrame, rate: Rate, weeks: Sequence[date]) -> str:
    first, last = (wording.month(week + timedelta(days=3)) for week in (weeks[0], weeks[-1]))
    if len(weeks) == 1:
        when = f"week of {wording.day_month(weeks[0])}"
    else:
        when = first if first == last else f"{first} to {last}"
    breaks, empty = len(weeks) > history.height, bool(history[rate.column].is_null().any())
    gaps = {
        (False, False): "",
        (True, False): " Gaps are school breaks.",
        (False, True): f" Gaps are {rate.gap}.",
        (True, True): " Gaps are school breaks and empty weeks.",
    }
    return f"{rate.what}, {when}.{gaps[breaks, empty]}"


@functools.cache
def _template() -> Mapping[str, Any]:
    """The chart without anybody's data: Altair takes longer to build it than to draw it."""
    lines, ends = alt.NamedData("lines"), alt.NamedData("ends")
    x = alt.X(
        "week:Q",
        scale=alt.Scale(
            domainMin=alt.ExprRef("first"), domainMax=alt.ExprRef("last"), nice=False, zero=False
        ),
        axis=alt.Axis(
            values=alt.ExprRef("x_ticks"),
            labelExpr="x_labels[datum.value]",
            labelFlush=False,
            labelPadding=8,
            tickCount=_MOST_TICKS * 4,
            title=None,
            grid=False,
        ),
    )
    y = alt.Y(
        "value:Q",
        scale=alt.Scale(
            domainMin=alt.ExprRef("low"), domainMax=alt.ExprRef("high"), nice=False, zero=False
        ),
        axis=alt.Axis(
            values=alt.ExprRef("y_ticks"),
            labelExpr=f"datum.value + '{wording.NBSP}%'",
            tickCount=_MOST_TICKS,
            title=None,
            domain=False,
            ticks=False,
        ),
    )
    series = [*_DRAWN, "target"]
    colour = alt.Color(
        "series:N",
        scale=alt.Scale(domain=series, range=[theme.SCHOOL, theme.TEAM, theme.MINE, theme.MUTED]),
        legend=None,
    )
    dash = alt.StrokeDash(
        "series:N",
        scale=alt.Scale(domain=series, range=[[5, 3], [1, 0], [1, 0], [1, 3]]),
        legend=None,
    )
    mine = alt.datum.series == "mine"
    label = alt.Y("label_at:Q")
    labels: dict[str, Any] = {
        "align": "left",
        "baseline": "middle",
        "limit": WIDTH - _LEFT - _LABEL_X - 2,
    }
    chart = alt.layer(
        alt.Chart(ends)
        .transform_filter(alt.datum.series == "target")
        .mark_rule(color=theme.MUTED, strokeDash=[1, 3], strokeWidth=1.4)
        .encode(y=y),
        alt.Chart(lines)
        .mark_line(strokeCap="round", strokeJoin="round")
        .encode(
            x=x,
            y=y,
            color=colour,
            strokeDash=dash,
            strokeWidth=alt.StrokeWidth(
                "series:N",
                scale=alt.Scale(type="ordinal", domain=series, range=[1.6, 1.6, 3, 1]),
                legend=None,
            ),
        ),
        alt.Chart(ends)
        .transform_filter("datum.week == last")
        .mark_rule(strokeWidth=1)
        .encode(
            x=alt.value(_PLOT_WIDTH + 7),
            x2=alt.value(_LABEL_X - 4),
            y=y,
            y2="label_at:Q",
            color=colour,
            strokeDash=dash,
        ),
        alt.Chart(lines)
        .transform_filter("datum.dot > 0 && isValid(datum.value)")
        .mark_point(filled=True, stroke=theme.PAPER, strokeWidth=1.5, opacity=1)
        .encode(x=x, y=y, color=colour, size=alt.Size("dot:Q", scale=None)),
        alt.Chart(ends)
        .transform_filter(mine)
        .mark_text(**labels, fontSize=theme.LABEL_SIZE, fontWeight="bold", color=theme.MINE)
        .encode(x=alt.value(_LABEL_X), y=label, text="label:N"),
        alt.Chart(ends)
        .transform_filter(~mine)
        .mark_text(**labels, fontSize=theme.TEXT_SIZE, color=theme.MUTED)
        .encode(x=alt.value(_LABEL_X), y=label, text="label:N"),
    ).properties(
        width=_PLOT_WIDTH,
        height=_PLOT_HEIGHT,
        padding={"left": _LEFT, "top": _TOP, "right": _RIGHT, "bottom": _BOTTOM},
        autosize="none",
    )
    config = theme.vega_config()
    config["title"] |= {"dx": 8 - _LEFT, "offset": 16, "limit": WIDTH - 16}
    return {**chart.to_dict(), "config": config}
