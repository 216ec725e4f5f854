"""The charts of a teacher's letter: one rate of one class over the school year so far.

Specifications and their alt texts only, from rows of `class_week` or of one like it; drawing them
is `charting.render`'s work, and every sentence in them is the templates'.
"""

import functools
import hashlib
import itertools
import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import altair as alt
import polars as pl
import polars.selectors as cs

from edu_pipeline.charting import theme
from edu_pipeline.ground import wording
from edu_pipeline.model.school_calendar import LONG_GAP_DAYS
from edu_pipeline.settings.letters import Targets

WIDTH, HEIGHT = 424, 310
"""On a phone a letter's pictures are 343 pixels wide, so their smallest words are more than 10 pixels high."""
_LEFT, _TOP, _RIGHT, _BOTTOM = 50, 104, 140, 34
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
_LABEL_X = _PLOT_WIDTH + 20
_TITLE_CHARACTERS = 60
_TITLE_LINE, _SUBTITLE_LINE = 42, 62
"""Characters that have room beside one another; there is room for two lines of each."""
_NAME_CHARACTERS = 10
_NARROWEST = 5.0
"""Points that the y axis spans at least, so that noise is not blown up to mountains."""
_MOST_TICKS = 7
_STEPS = (1, 2, 5, 10, 20, 25)
_WEEKLY_TICKS_UP_TO = 6
_MONTHS_APART = 3
_WEEK = timedelta(days=7)
_WEEKS_NEW = 16
"""With a figure, for which a level is told; it takes half of them to be found."""
_BAND = "#d8e7f5"
_FINEST = 0.5
"""Per cent: a line that is less higher or lower looks the same."""
Words = Callable[..., str]
"""Macro of the templates and what it is about → its words."""

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


ATTENDANCE = Rate("attendance", "attendance_rate")
HOMEWORK = Rate("homework", "homework_rate")
RATES = (ATTENDANCE, HOMEWORK)


@dataclass(frozen=True)
class Point:
    """A share in a week."""

    week: date
    value: float


@dataclass(frozen=True)
class LongView:
    """A climb, a fall or a new level of a rate; shares from 0 to 1."""

    kind: str
    """`climbing`, `falling` or `level`."""
    since: date
    """Monday of its first week."""
    whole_year: bool
    """Whether that is the first of the school year."""
    first: float
    """Of a climb or fall: on its line in its first week; of a level: in all weeks before it."""
    last: float
    """On the line in this week; in all weeks of the level."""


@dataclass(frozen=True)
class Band:
    """A usual range and the weeks that it was made of; shares from 0 to 1."""

    since: date
    """Monday of the first of these weeks."""
    usual: tuple[float, float]
    """Of the last week."""
    risen: float
    """How much higher it is than in the first of these weeks, in a climb."""
    before: tuple[date, float] | None
    """The level of the phase before it: Monday of its first week and its share."""


@dataclass(frozen=True)
class ChartFacts:
    """What a chart's title, subtitle and alt text can say; shares are from 0 to 1."""

    kind: str
    name: str
    """What people call the class; empty in a title that has no room for it."""
    value: float | None
    """This week's."""
    verdict: str | None
    """Of this week: `too_few_weeks`, `too_few_students`, `within`, `above` or `below`."""
    band: Band | None
    """The range that is usual for the class."""
    long: LongView | None
    known: Point
    """The last one that there is."""
    highest: Point
    lowest: Point
    others: Sequence[tuple[str, float]]
    """Name and share of the groups drawn beside it, this week."""
    target: float
    first: date
    """Monday of the first week drawn."""
    last: date
    breaks: bool
    """Whether the line has gaps where there was no school."""
    empty_weeks: bool
    """Whether the line has gaps where there is no figure."""


@dataclass(frozen=True)
class ChartSpec:
    """A chart to draw, and what to read where it cannot be seen."""

    spec: dict[str, Any]
    alt: str

    @property
    def shows(self) -> str:
        """A digest of what people can see in it: less than half a point in height is not seen."""
        return hashlib.sha256(json.dumps(_seen(self.spec), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Drawing:
    """A chart that is drawn."""

    png: bytes
    alt: str
    shows: str
    """`ChartSpec.shows`."""


def _seen(part: object) -> object:
    """A part of a specification with its shares rounded to what can be seen."""
    if isinstance(part, float):
        return round(part / _FINEST)
    if isinstance(part, dict):
        return {key: _seen(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_seen(value) for value in part]
    return part


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
    return by_class(rows)


def by_class(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """`class_id` → its rows, of a frame in which each class's stand together; nothing is copied."""
    found, place = {}, 0
    for class_id, height in rows.group_by("class_id", maintain_order=True).len().iter_rows():
        found[str(class_id)] = rows.slice(place, height)
        place += height
    return found


def teacher_histories(
    teacher_week: pl.DataFrame,
    school_week: pl.DataFrame,
    week_start: date,
    words: Words,
) -> dict[str, pl.DataFrame]:
    """Each teacher's homework over all their classes, in the shape of `class_histories`.

    Args:
        teacher_week: `TeacherWeek`.
        school_week: `SchoolWeek`, for the school's line.
        week_start: Monday of the letter's week.
        words: From the templates: `your_classes` and, for the line, `your_line`.

    Returns:
        `staff_id` → its weeks, without columns of attendance.
    """
    column = HOMEWORK.column
    rows = teacher_week.join(
        school_week.select("school_id", "week_start", pl.col(column).alias(f"{column}_school")),
        on=["school_id", "week_start"],
        how="left",
    ).select(
        "week_start",
        f"{column}_school",
        pl.col("staff_id").alias("class_id"),
        cs.starts_with(column) - cs.ends_with("_school"),
        pl.lit(None, pl.Float64).alias(f"{column}_team"),
        class_name=pl.lit(words("your_classes")),
        line_name=pl.lit(words("your_line")),
        team=pl.lit(""),
        grade=pl.lit(None, pl.String),
    )
    return class_histories(rows, week_start)


def chart_specs(history: pl.DataFrame, targets: Targets, words: Words) -> dict[str, ChartSpec]:
    """The charts of one class: `attendance` and `homework`, each only if there is any data.

    Args:
        history: One class's rows of `ClassWeek` up to the letter's week, in order. A rate whose
            columns are not there has no chart.
        targets: From the settings; a grade's own cut-offs win.
        words: From the templates: `chart_title`, `chart_subtitle` and `chart_alt`.
    """
    grade = history["grade"][-1]
    aims = {"attendance": targets.attendance, "homework": targets.homework}
    specs = {}
    for rate in RATES:
        if rate.column in history.columns and history[rate.column].is_not_null().any():
            facts = chart_facts(history, rate, target=aims[rate.kind].for_grade(grade).met)
            specs[rate.kind] = ChartSpec(
                rate_chart(history, rate, facts, words), words("chart_alt", facts)
            )
    return specs


def chart_facts(history: pl.DataFrame, rate: Rate, *, target: float) -> ChartFacts:
    """What can be said of one rate of one class.

    Args:
        history: As for `chart_specs`, with at least one value of the rate.
        rate: Which rate.
        target: The cut-off that counts as met, a share.
    """
    last = history.row(-1, named=True)
    points = [
        Point(*pair)
        for pair in history.drop_nulls(rate.column).select("week_start", rate.column).iter_rows()
    ]
    return ChartFacts(
        kind=rate.kind,
        name=class_name(history),
        value=last[rate.column],
        verdict=last[f"{rate.column}_verdict"],
        band=_band(history, rate.column),
        long=long_view(history, rate.column),
        known=points[-1],
        highest=max(points, key=lambda point: point.value),
        lowest=min(points, key=lambda point: point.value),
        others=[
            (name, value)
            for name, value in (
                (team_name(history), last[f"{rate.column}_team"]),
                ("School", last[f"{rate.column}_school"]),
            )
            if value is not None
        ],
        target=target,
        first=history["week_start"][0],
        last=last["week_start"],
        breaks=len(_calendar_weeks(history)) > history.height,
        empty_weeks=history[rate.column].is_null().any(),
    )


def long_view(history: pl.DataFrame, column: str) -> LongView | None:
    """What a rate has come to, where it shows in whole points; of a level, while it is new and lasts.

    It takes weeks until the next level is found, and until then nobody is told of one that is over:
    whose later half is nearer to the level before.

    Args:
        history: As for `chart_specs`.
        column: The rate's.
    """
    row = history.row(-1, named=True)
    kind, since = row[f"{column}_phase"], row[f"{column}_phase_start"]
    first = row[f"{column}_phase_{'before' if kind == 'level' else 'first'}"]
    last = row[f"{column}_phase_last"]
    if row[column] is None or first is None or round(first * 100) == round(last * 100):
        return None
    weeks = history.filter(pl.col("week_start") >= since)[column].drop_nulls().to_list()
    if kind == "level":
        lately = _mean(weeks[len(weeks) // 2 :])
        if len(weeks) > _WEEKS_NEW or abs(lately - first) < abs(lately - last):
            return None
    return LongView(kind, since, since == history["week_start"][0], first, last)


def _band(history: pl.DataFrame, column: str) -> Band | None:
    """The last week's usual range, of the phase that the week before it ended in."""
    last = history.row(-1, named=True)
    usual = last[f"{column}_usual_low"], last[f"{column}_usual_high"]
    if None in usual:
        return None
    row = history.row(-2, named=True) if history.height > 1 else last
    first = history["week_start"][0]
    # a phase may have begun before a pause that starts the picture anew
    since = max(row[f"{column}_phase_start"] or first, first)
    begun = history.filter(pl.col(f"{column}_phase_start") < since)[f"{column}_phase_start"]
    return Band(
        since,
        usual,
        risen=(row[f"{column}_phase_last"] or 0.0) - (row[f"{column}_phase_first"] or 0.0),
        before=(
            None if begun.is_empty() else (max(begun[-1], first), row[f"{column}_phase_before"])
        ),
    )


def class_name(history: pl.DataFrame) -> str:
    """What people call the class, on one line."""
    return wording.isolated(" ".join(str(history["class_name"][-1]).split()))


def team_name(history: pl.DataFrame) -> str:
    """What the grade team is called; a bare number gets a word."""
    team = " ".join(str(history["team"][-1]).split())
    word = "Grade" if history["team"][-1] == history["grade"][-1] else "Team"
    return wording.isolated(team) if any(c.isalpha() for c in team) else f"{word} {team}"


def rate_chart(
    history: pl.DataFrame, rate: Rate, facts: ChartFacts, words: Words
) -> dict[str, Any]:
    """The Vega-Lite specification of one rate of one class, with its data.

    Args:
        history: One class's rows of `ClassWeek` up to the letter's week, in order, with at least
            one value of the rate.
        rate: Which rate.
        facts: From `chart_facts`.
        words: As for `chart_specs`.
    """
    weeks = _calendar_weeks(history)
    values = _series(history, rate, weeks)
    ends = {name: known[-1] for name in values if (known := _known(values[name]))}
    ends["target"] = (len(weeks) - 1, facts.target * 100)
    band, level = _drawn_band(facts.band, weeks)
    low, high, step = y_axis(
        [value for name in values for _, value in _known(values[name])]
        + [facts.target * 100, *(row[end] for row in band for end in ("from", "to"))]
    )
    week_ticks = x_ticks(weeks)
    title = words("chart_title", facts)
    if len(title) > _TITLE_CHARACTERS:
        title = words("chart_title", replace(facts, name=""))
    return {
        **_template(),
        "title": {
            "text": _lines(title),
            "subtitle": textwrap.wrap(words("chart_subtitle", facts), _SUBTITLE_LINE),
        },
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
            "band": band,
            "level": level,
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


def _lines(title: str) -> list[str]:
    """A title on one line, or broken before its verdict."""
    head, comma, verdict = title.rpartition(", ")
    parts = [f"{head},", verdict] if comma and len(title) > _TITLE_LINE else [title]
    return [line for part in parts for line in textwrap.wrap(part, _TITLE_LINE)]


def _drawn_band(
    band: Band | None, weeks: Sequence[date]
) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """The ends of the band, and of the level before it, in per cent; a lone week is as wide as all."""
    if band is None:
        return [], []

    def per_cent(share: float) -> float:
        return round(100 * min(max(share, 0.0), 1.0), 3)

    place, last = weeks.index(band.since), len(weeks) - 1
    low, high = band.usual
    rows = [
        {"week": week, "from": per_cent(low - back), "to": per_cent(high - back)}
        for week, back in ((place if place < last else 0, band.risen), (last, 0.0))
    ]
    if band.before is None:
        return rows, []
    begun, share = band.before
    ends = weeks.index(begun), place - 1
    return rows, [{"week": week, "value": per_cent(share)} for week in ends]


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
    months = [wording.month_of_week(week)[:3] for week in weeks]
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
    own = history["line_name"][-1] if "line_name" in history.columns else class_name(history)
    names = {"mine": own, "team": team_name(history), "school": "School"}
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
                else _end_label(wording.percent(ends[series][1] / 100), names[series])
            ),
        }
        for series, place in zip(order, places, strict=True)
    ]


def _end_label(value: str, name: str) -> str:
    """A name that has no room beside its value is left out; the title has it."""
    return f"{value}  {name}" if len(name) <= _NAME_CHARACTERS else value


@functools.cache
def _template() -> Mapping[str, Any]:
    """The chart without anybody's data: Altair takes longer to build it than to draw it."""
    band, level, lines, ends = map(alt.NamedData, ("band", "level", "lines", "ends"))
    x = alt.X(
        "week:Q",
        scale=alt.Scale(
            domainMin=alt.ExprRef("first"), domainMax=alt.ExprRef("last"), nice=False, zero=False
        ),
        axis=alt.Axis(
            values=alt.ExprRef("x_ticks"),
            labelExpr="x_labels[datum.value]",
            labelFlush=False,
            labelOverlap="greedy",
            labelSeparation=6,
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
        alt.Chart(band).mark_area(color=_BAND).encode(x=x, y=alt.Y("from:Q"), y2="to:Q"),
        alt.Chart(level)
        .mark_line(color=theme.MINE, strokeWidth=1, strokeDash=[4, 3])
        .encode(x=x, y=y),
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
    config["title"] |= {
        "dx": 8 - _LEFT,
        "offset": 14,
        "limit": WIDTH - 16,
        "lineHeight": theme.TITLE_SIZE + 3,
        "subtitleLineHeight": theme.SUBTITLE_SIZE + 4,
    }
    return {**chart.to_dict(), "config": config}
