"""The school's page for its leaders: attendance and homework by week and term, nobody named.

Of groups only: the school, its grade teams, and how many students have missed how much. What a rate is
and when it is unusual, the metric tables say; counts of students are shown as `chance.disclosure` allows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import jinja2
import polars as pl

from edu_pipeline.chance.disclosure import ALL, FEWEST_SHOWN, suppressed
from edu_pipeline.charting.render import render_svg
from edu_pipeline.charting.theme import OF_A_PAGE, SUBTITLE_SIZE, vega_config
from edu_pipeline.glossary.metrics import definitions
from edu_pipeline.ground.files import write_whole
from edu_pipeline.ground.wording import (
    day_month,
    in_points,
    listed,
    percent,
    points,
    span,
    whole_percent,
)
from edu_pipeline.settings.home import Home, Settings

METRICS = {"attendance_rate": "Attendance", "homework_rate": "Homework"}
_PARTS = {
    "attendance_rate": ("attended_days", "possible_days"),
    "homework_rate": ("homework_complete", "homework_due"),
}
"""Metric → the sums whose quotient it is."""
_DEFINED = (*METRICS, "usual", "team_difference", "missed")
_SCHOOL = "School"
_FEW_WEEKS = 4
"""School weeks that are put together, at the start of the year and now."""
_HELD_POINTS = 1.0
"""A change of fewer points is none that anybody should act on."""
_WIDTH, _HEIGHT = 250, 110
_WORDS = {
    "within": "in its usual range",
    "above": "above its usual range",
    "below": "below its usual range",
}


@dataclass(frozen=True)
class SchoolTables:
    """What the page is made of."""

    schools: pl.DataFrame
    """`SchoolWeek`."""
    teams: pl.DataFrame
    """`GradeWeek`."""
    terms: pl.DataFrame
    """`SchoolTerm`."""
    classes: pl.DataFrame
    """`ClassWeek`."""
    students: pl.DataFrame
    """`StudentAttendance`, with `grade`."""


def school_page(home: Home) -> Path:
    """Where the page is."""
    return home.site / "school" / "index.html"


def write_school_page(
    home: Home, settings: Settings, tables: SchoolTables, templates: jinja2.Environment
) -> Path | None:
    """Write the page; None where no week has figures, and then there is none.

    Args:
        home: Whose.
        settings: Names, and how much absence is too much.
        tables: Of the last refresh.
        templates: From `render.environment`; escapes what is put into `.html.j2`.
    """
    page = school_page(home)
    if tables.schools.is_empty():
        page.unlink(missing_ok=True)
        return None
    ids = tables.schools["school_id"].unique().sort().to_list()
    said = definitions(settings)
    html = templates.get_template("site/school.html.j2").render(
        school=settings.school.called,
        week=day_month(_last(tables.schools)["week_start"]),
        schools=[
            {
                "title": f"School {of}" if len(ids) > 1 else "",
                "headlines": list(
                    headlines(
                        tables.schools.filter(school_id=of), tables.terms.filter(school_id=of)
                    )
                ),
                "charts": _charts(tables, of),
                "terms": terms(tables.terms.filter(school_id=of)),
                "homerooms": homerooms(tables.classes.filter(school_id=of)),
                "missed": missed(
                    tables.students.filter(school_id=of), settings.notice.missed_share
                ),
            }
            for of in ids
        ],
        definitions=[said[name] for name in _DEFINED],
        fewest=FEWEST_SHOWN,
        percent=percent,
    )
    write_whole(page, html.encode())
    return page


def headlines(weeks: pl.DataFrame, by_term: pl.DataFrame) -> Sequence[str]:
    """What has become of each metric since the year began, a sentence each.

    Args:
        weeks: `SchoolWeek` of one school.
        by_term: `SchoolTerm` of the same.
    """
    this_year = weeks.sort("week_start")
    if not by_term.is_empty():
        begun = by_term["year_start"].max()
        this_year = this_year.filter(pl.col("week_start") + pl.duration(days=6) >= begun)
    found = []
    for metric, name in METRICS.items():
        part, whole = _PARTS[metric]
        known = this_year.filter(pl.col(whole) > 0)
        if known.height < 2 * _FEW_WEEKS:
            if known.height:
                found.append(f"{name}: {percent(known[metric][-1])} in the last week.")
            continue
        first, last = known.head(_FEW_WEEKS), known.tail(_FEW_WEEKS)
        before, now = (float(each[part].sum()) / float(each[whole].sum()) for each in (first, last))
        found.append(
            f"{name} {_moved(before, now)}: {percent(now)} in the last four school weeks, "
            f"{percent(before)} in the first four of the year."
        )
    return found


def _moved(before: float, now: float) -> str:
    change = in_points(now) - in_points(before)
    if abs(change) < _HELD_POINTS:
        return "has held"
    return f"is {'up' if change > 0 else 'down'} {points(change / 100)}"


def terms(by_term: pl.DataFrame) -> Sequence[Mapping[str, str]]:
    """The terms of the last two school years, the newest year last, as text.

    Args:
        by_term: `SchoolTerm` of one school.
    """
    years = by_term["year_start"].unique().sort().tail(2)
    rows = by_term.filter(pl.col("year_start").is_in(years.implode())).sort("first_date")
    return [
        {
            "term": f"{row['term']}{'' if row['finished'] else ', so far'}",
            "from": f"{day_month(row['first_date'])} {row['first_date'].year}",
            **{metric: percent(row[metric]) for metric in METRICS},
            **{f"{metric}_change": _signed(row[f"{metric}_change_previous"]) for metric in METRICS},
        }
        for row in rows.iter_rows(named=True)
    ]


def _signed(change: float | None) -> str:
    if change is None:
        return ""
    size = in_points(change)
    return "as before" if size == 0 else f"{'+' if size > 0 else '−'}{points(change)}"


def homerooms(classes: pl.DataFrame) -> Sequence[str]:
    """How many homerooms are where chance would put a part of their grade team, a sentence a metric.

    Args:
        classes: `ClassWeek` of one school.
    """
    last = classes.filter(
        pl.col("class_type") == "homeroom", pl.col("week_start") == classes["week_start"].max()
    )
    found = []
    for metric, name in METRICS.items():
        counts = dict(
            last.drop_nulls(f"{metric}_team_verdict_to_date")
            .group_by(f"{metric}_team_verdict_to_date")
            .len()
            .iter_rows()
        )
        if not counts:
            continue
        apart = [
            f"{counts[verdict]} {'is' if counts[verdict] == 1 else 'are'} {verdict} that"
            for verdict in ("below", "above")
            if counts.get(verdict)
        ]
        found.append(
            f"{name} since the year began: of {sum(counts.values())} homerooms, "
            f"{counts.get('within', 0)} are where chance alone could put a part of their grade team"
            + (f"; {listed(apart)}." if apart else ".")
        )
    return found


def missed(students: pl.DataFrame, too_much: float) -> Mapping[str, Any]:
    """How many students of each grade have missed how much of the year, without small numbers.

    Args:
        students: `StudentAttendance` with `grade`, of one school.
        too_much: The share of days from which on absence is chronic.

    Returns:
        `bands`, their names, and `rows` of a grade and a text per band and in all.
    """
    half = too_much / 2
    names = [
        f"{whole_percent(too_much)} or more",
        f"{whole_percent(half)} to {whole_percent(too_much)}",
        "less",
    ]
    share = pl.col("absent_days") / pl.col("possible_days")
    counts = (
        students.filter(pl.col("possible_days") > 0)
        .with_columns(
            grade=pl.col("grade").fill_null("–"),
            band=pl.when(share >= too_much)
            .then(pl.lit(names[0]))
            .when(share >= half)
            .then(pl.lit(names[1]))
            .otherwise(pl.lit(names[2])),
        )
        .group_by("grade", "band")
        .agg(n=pl.len().cast(pl.Int64))
    )
    if counts.is_empty():
        return {}
    shown = {
        (row, column): n for row, column, n in suppressed(counts, "grade", "band", "n").iter_rows()
    }
    bands = [*names, ALL]
    grades = [row for row in dict.fromkeys(row for row, _ in shown) if row != ALL]
    grades.sort(key=lambda grade: (len(grade), grade))

    def text(row: str, column: str) -> str:
        number = shown.get((row, column))
        return "…" if number is None else f"{number:,}"

    return {
        "bands": [*names, "students"],
        "rows": [
            ("All" if row == ALL else row, [text(row, column) for column in bands])
            for row in [*grades, ALL]
        ],
        "hidden": any(number is None for number in shown.values()),
    }


def _last(rows: pl.DataFrame) -> dict[str, Any]:
    return rows.sort("week_start").row(-1, named=True)


def _charts(tables: SchoolTables, of: str) -> Sequence[Mapping[str, Any]]:
    """Per metric: its name, and a picture with words for the school and for each grade team."""
    school = tables.schools.filter(school_id=of).with_columns(team=pl.lit(_SCHOOL))
    teams = tables.teams.filter(school_id=of)
    teams = teams.filter(pl.col("team").is_in(large_enough(teams)))
    both = pl.concat([school, teams.select(school.columns)])
    begun = tables.terms.filter(school_id=of)["year_start"].max()
    if begun is not None:
        both = both.filter(pl.col("week_start") + pl.duration(days=6) >= begun)
    found = []
    for metric, name in METRICS.items():
        rows = both.drop_nulls(metric)
        if rows.is_empty():
            continue
        low = min(_least(rows[metric]), _least(rows[f"{metric}_usual_low"].drop_nulls()))
        floor = int(low * 20) / 20
        pictures = [
            _picture(part.sort("week_start"), metric, str(group), (floor, 1.0))
            for group in sorted(rows["team"].unique(), key=_in_order)
            if (part := rows.filter(team=group)).height
        ]
        found.append({"name": name, "pictures": pictures})
    return found


def _in_order(team: str) -> tuple[bool, int, str]:
    """The school first, then `Grade 7` before `Grade 10`."""
    return (team != _SCHOOL, len(team), team)


def large_enough(teams: pl.DataFrame) -> list[str]:
    """The grade teams whose figures may be shown: of ten students or more, as of their last week.

    One that is left out follows from the school and the others, so one never goes alone.

    Args:
        teams: `GradeWeek` of one school.
    """
    last = teams.filter(pl.col("possible_days") > 0).sort("week_start").unique("team", keep="last")
    sizes = last.select("team", size=pl.col("possible_days") / pl.col("days_in_session")).sort(
        "size", "team"
    )
    small = sizes.filter(pl.col("size") < FEWEST_SHOWN).height
    return sizes["team"].to_list()[max(small, 2) if small else 0 :]


def _least(values: pl.Series) -> float:
    least = values.min()
    return float(least) if isinstance(least, float) else 1.0


def _picture(
    rows: pl.DataFrame, metric: str, group: str, domain: tuple[float, float]
) -> Mapping[str, str]:
    last = rows.row(-1, named=True)
    told = f"{percent(last[metric])} in the week of {day_month(last['week_start'])}"
    verdict = last[f"{metric}_verdict"]
    if verdict in _WORDS:
        usual = span((last[f"{metric}_usual_low"], last[f"{metric}_usual_high"]))
        told += f", {_WORDS[verdict]} of {usual}"
    return {
        "group": group,
        "told": f"{told}.",
        "unusual": "yes" if verdict in {"above", "below"} else "",
        "svg": render_svg(weeks_chart(rows, metric, domain)),
    }


def weeks_chart(rows: pl.DataFrame, metric: str, domain: tuple[float, float]) -> dict[str, Any]:
    """A metric week by week within its usual range, as a Vega-Lite specification.

    Args:
        rows: `week_start`, the metric and its usual range, of one group in the order of weeks.
        metric: Its column.
        domain: Of the vertical axis, the same for all groups.
    """
    paint = OF_A_PAGE
    values = [
        {"week": week.isoformat(), "rate": rate, "low": low, "high": high}
        for week, rate, low, high in rows.select(
            "week_start", metric, f"{metric}_usual_low", f"{metric}_usual_high"
        ).iter_rows()
    ]
    x = alt.X(
        "week:T",
        axis=alt.Axis(
            title=None,
            format="%b",
            tickCount="month",
            labelOverlap=True,
            grid=False,
            domainColor=paint.muted,
            tickColor=paint.muted,
            labelColor=paint.muted,
            labelFontSize=SUBTITLE_SIZE,
        ),
    )
    y = alt.Y(
        "rate:Q",
        scale=alt.Scale(domain=list(domain), clamp=True),
        axis=alt.Axis(
            title=None,
            format=".0%",
            tickCount=3,
            domain=False,
            ticks=False,
            gridColor=paint.grid,
            labelColor=paint.muted,
            labelFontSize=SUBTITLE_SIZE,
        ),
    )
    base = alt.Chart(alt.InlineData(values=values)).encode(x=x)
    last = alt.Chart(alt.InlineData(values=values[-1:])).encode(x=x)
    chart = alt.layer(
        base.mark_area(color=paint.mine, opacity=0.16, clip=True).encode(
            y=alt.Y("low:Q", scale=alt.Scale(domain=list(domain), clamp=True)), y2="high:Q"
        ),
        base.mark_line(color=paint.mine, strokeWidth=2).encode(y=y),
        last.mark_circle(color=paint.mine, size=50, opacity=1).encode(y=y),
    ).properties(width=_WIDTH, height=_HEIGHT)
    spec = {**chart.to_dict(), "config": vega_config()}
    spec["config"]["background"] = None
    spec["padding"] = {"left": 2, "top": 6, "bottom": 2, "right": 8}
    return spec
