"""The school's page for its leaders: attendance and homework by week and term, nobody named.

Of groups only: the school, its grade teams, and how many students have missed how much. What a rate is
and when it is unusual, the metric tables say; counts of students are shown as `chance.disclosure` allows.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import altair as alt
import jinja2
import polars as pl

from edu_pipeline.chance.disclosure import ALL, FEWEST_SHOWN, suppressed
from edu_pipeline.charting.render import Kept
from edu_pipeline.charting.theme import OF_A_PAGE, SUBTITLE_SIZE, vega_config
from edu_pipeline.glossary.metrics import definitions
from edu_pipeline.ground.files import write_whole
from edu_pipeline.ground.templates import phrase
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
from edu_pipeline.teachers.charts import Words, long_view
from edu_pipeline.teachers.letter import WORDS

METRICS = {"attendance_rate": "Attendance", "homework_rate": "Homework"}
_PARTS = {
    "attendance_rate": ("attended_days", "possible_days"),
    "homework_rate": ("homework_complete", "homework_due"),
}
"""Metric → the sums whose quotient it is."""
_DEFINED = (*METRICS, "usual", "phase", "team_difference", "missed")
_SCHOOL = "School"
_FEW_WEEKS = 4
"""School weeks that are put together, at the start of the year and now."""
_HELD_POINTS = 1.0
"""A change of fewer points is none that anybody should act on."""
_YEAR = timedelta(weeks=52)
"""By which a week is later than the same week of last year."""
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
    said, kept = definitions(settings), Kept(page)
    say = functools.partial(phrase, templates, WORDS)
    html = templates.get_template("site/school.html.j2").render(
        school=settings.called,
        week=day_month(_last(tables.schools)["week_start"]),
        schools=[
            {
                "title": f"School {of}" if len(ids) > 1 else "",
                "headlines": list(
                    headlines(
                        tables.schools.filter(school_id=of), tables.terms.filter(school_id=of)
                    )
                ),
                "charts": (charts := _charts(tables, of, kept, say)),
                "last_year": any(chart["last_year"] for chart in charts),
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
    """What has become of each metric: since the year began and since last year, and between terms.

    Args:
        weeks: `SchoolWeek` of one school.
        by_term: `SchoolTerm` of the same.
    """
    this_year = weeks.sort("week_start").filter(_of_this_year(by_term))
    newest = by_term.filter(pl.col("year_start") == pl.col("year_start").max())
    ended = newest.filter("finished").sort("first_date").tail(2)
    found = []
    for metric, name in METRICS.items():
        part, whole = _PARTS[metric]
        known = this_year.filter(pl.col(whole) > 0)
        if known.height < 2 * _FEW_WEEKS:
            if known.height:
                found.append(f"{name}: {percent(known[metric][-1])} in the last week.")
            continue
        first, last = known.head(_FEW_WEEKS), known.tail(_FEW_WEEKS)
        past = weeks.filter(
            pl.col("week_start").is_in((last["week_start"] - _YEAR).implode()), pl.col(whole) > 0
        )
        before, now = (float(each[part].sum()) / float(each[whole].sum()) for each in (first, last))
        sentence = (
            f"{name} {_moved(before, now)}: {percent(now)} in the last four school weeks, "
            f"{percent(before)} in the first four of the year"
        )
        if past.height == _FEW_WEEKS:
            then = float(past[part].sum()) / float(past[whole].sum())
            sentence += f", {percent(then)} in the same weeks of last year"
        found.append(f"{sentence}.")
        if ended.drop_nulls(metric).height == 2:  # noqa: PLR2004 - one beside the other
            before, now = ended[metric]
            found.append(
                f"{name} {_moved(before, now)} between {ended['term'][0]} and {ended['term'][1]}: "
                f"{percent(before)}, then {percent(now)}."
            )
    return found


def _of_this_year(by_term: pl.DataFrame) -> pl.Expr:
    """Whether a week is of the newest school year; all are where no calendar says when it began."""
    begun = by_term["year_start"].max()
    return pl.lit(True) if begun is None else pl.col("week_start") + pl.duration(days=6) >= begun


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
    before = {
        row["term"]: row
        for row in rows.filter(pl.col("year_start") < years.max(), "finished").iter_rows(named=True)
    }

    def changes(row: Mapping[str, Any], metric: str) -> str:
        found = [_signed(row[f"{metric}_change_previous"])]
        then = before.get(row["term"], {}).get(metric)
        if row["year_start"] == years.max() and row["finished"] and None not in (then, row[metric]):
            found.append(f"on last year {_signed(row[metric] - then)}")
        return "; ".join(filter(None, found))

    return [
        {
            "term": f"{row['term']}{'' if row['finished'] else ', so far'}",
            "from": f"{day_month(row['first_date'])} {row['first_date'].year}",
            **{metric: percent(row[metric]) for metric in METRICS},
            **{f"{metric}_change": changes(row, metric) for metric in METRICS},
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
            f"{counts[verdict]} {'is' if counts[verdict] == 1 else 'are'} {verdict}"
            for verdict in ("below", "above")
            if counts.get(verdict)
        ] or ["none is below or above"]
        found.append(
            f"{name} since the year began: of {sum(counts.values())} homerooms, {listed(apart)} "
            "the grade team by more than chance explains."
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


def _shown(school: pl.DataFrame, teams: pl.DataFrame, when: pl.Expr) -> pl.DataFrame:
    """The school and the teams that may be shown, of some weeks."""
    of_then = teams.filter(when)
    large = of_then.filter(pl.col("team").is_in(large_enough(of_then)))
    return pl.concat([school.filter(when), large.select(school.columns)])


def _charts(tables: SchoolTables, of: str, kept: Kept, say: Words) -> Sequence[Mapping[str, Any]]:
    """Per metric: its name, and a picture with words for the school and for each grade team."""
    school = tables.schools.filter(school_id=of).with_columns(team=pl.lit(_SCHOOL))
    teams = tables.teams.filter(school_id=of)
    now = _of_this_year(tables.terms.filter(school_id=of))
    before = _shown(school, teams, ~now).select(
        *("team", pl.col("week_start") + _YEAR),
        **{f"{metric}_last_year": metric for metric in METRICS},
    )
    both = _shown(school, teams, now).join(before, on=["team", "week_start"], how="left")
    found = []
    for metric, name in METRICS.items():
        rows = both.drop_nulls(metric)
        if rows.is_empty():
            continue
        columns = (metric, f"{metric}_usual_low", f"{metric}_last_year")
        low = min(_least(rows[column].drop_nulls()) for column in columns)
        floor = int(low * 20) / 20
        pictures = [
            _picture(part.sort("week_start"), metric, str(group), floor, kept, say)
            for group in sorted(rows["team"].unique(), key=_in_order)
            if (part := rows.filter(team=group)).height
        ]
        last_year = rows[f"{metric}_last_year"].count() > 0
        lead = out_of_range({each["group"]: each["verdict"] for each in pictures})
        found.append({"name": name, "lead": lead, "pictures": pictures, "last_year": last_year})
    return found


def out_of_range(verdicts: Mapping[str, str]) -> str:
    """Which groups are out of their usual range; that none is, only where all have one.

    Args:
        verdicts: Group → verdict of its last week, empty where it has none.
    """
    out = [group for group, verdict in verdicts.items() if verdict in {"above", "below"}]
    if out:
        return f"Out of the usual range: {listed(out)}."
    quiet = set(verdicts.values()) == {"within"}
    return "The school and its grade teams are in their usual range." if quiet else ""


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
    rows: pl.DataFrame, metric: str, group: str, floor: float, kept: Kept, say: Words
) -> Mapping[str, str]:
    last = rows.row(-1, named=True)
    told = f"{percent(last[metric])} in the week of {day_month(last['week_start'])}"
    verdict = last[f"{metric}_verdict"]
    if verdict in _WORDS:
        usual = span((last[f"{metric}_usual_low"], last[f"{metric}_usual_high"]))
        told += f", {_WORDS[verdict]} of {usual}"
    if long := long_view(rows, metric):
        told += f"; {say('long_view', long)}"
    if last[f"{metric}_last_year"] is not None:
        told += f"; {percent(last[f'{metric}_last_year'])} in the same week of last year"
    return {
        "group": group,
        "told": f"{told}.",
        "verdict": verdict or "",
        "svg": kept(weeks_chart(rows, metric, floor)),
    }


def weeks_chart(rows: pl.DataFrame, metric: str, floor: float) -> dict[str, Any]:
    """A metric week by week within its usual range, beside last year, as a Vega-Lite specification.

    Args:
        rows: `week_start`, the metric, its usual range and last year's, of one group in the order of weeks.
        metric: Its column.
        floor: Where the vertical axis begins, the same for all groups.
    """
    values = [
        {"week": week.isoformat(), "rate": rate, "low": low, "high": high, "before": before}
        for week, rate, low, high, before in rows.select(
            *("week_start", metric, f"{metric}_usual_low", f"{metric}_usual_high"),
            f"{metric}_last_year",
        ).iter_rows()
    ]
    return {**_of_weeks(floor), "datasets": {"weeks": values, "last": values[-1:]}}


@functools.cache
def _of_weeks(floor: float) -> Mapping[str, Any]:
    """The chart without its data: making it takes longer than drawing it."""
    paint = OF_A_PAGE
    words: dict[str, Any] = {
        "title": None,
        "labelColor": paint.muted,
        "labelFontSize": SUBTITLE_SIZE,
    }
    x = alt.X(
        "week:T",
        axis=alt.Axis(
            format="%b",
            tickCount="month",
            labelOverlap=True,
            grid=False,
            domainColor=paint.muted,
            tickColor=paint.muted,
            **words,
        ),
    )
    scale = alt.Scale(domain=[floor, 1.0], clamp=True)
    axis = alt.Axis(
        format=".0%", tickCount=3, domain=False, ticks=False, gridColor=paint.grid, **words
    )
    weeks, last = (alt.Chart(alt.NamedData(name)).encode(x=x) for name in ("weeks", "last"))
    chart = alt.layer(
        weeks.mark_area(color=paint.mine, opacity=0.16, clip=True).encode(
            y=alt.Y("low:Q", scale=scale), y2="high:Q"
        ),
        weeks.mark_line(color=paint.muted, strokeWidth=1.2, strokeDash=[4, 3]).encode(
            y=alt.Y("before:Q", scale=scale)
        ),
        weeks.mark_line(color=paint.mine, strokeWidth=2).encode(
            y=alt.Y("rate:Q", scale=scale, axis=axis)
        ),
        last.mark_circle(color=paint.mine, size=50, opacity=1).encode(
            y=alt.Y("rate:Q", scale=scale, axis=axis)
        ),
    ).properties(width=_WIDTH, height=_HEIGHT)
    spec = {**chart.to_dict(), "config": vega_config()}
    spec["config"]["background"] = None
    spec["padding"] = {"left": 2, "top": 6, "bottom": 2, "right": 8}
    return spec
