"""The page of a programme: how many completed it, how far the others are, which exports are missing.

It shows numbers of learners and nobody's name or id. What the numbers are is decided in
`programmes`; here they are put side by side.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from edu_pipeline.chance.disclosure import ALL, FEWEST_SHOWN
from edu_pipeline.charting.render import render_svg
from edu_pipeline.charting.theme import OF_A_PAGE
from edu_pipeline.glossary.metrics import definitions
from edu_pipeline.ground.files import write_whole
from edu_pipeline.model.nudges import DECISIONS
from edu_pipeline.programmes.charts import (
    FOLLOWED_DAYS,
    NOT_SHOWN,
    count_chart,
    funnel_chart,
    next_course_chart,
    retention_chart,
    stage_name,
    weeks_chart,
)
from edu_pipeline.programmes.funnel import (
    FEWEST_FOLLOWED,
    after_days,
    bridge_words,
    well_followed,
)
from edu_pipeline.programmes.inventory import sentences
from edu_pipeline.settings.home import Home, Settings, with_home
from edu_pipeline.settings.programmes import Programme

WIDE, NARROW, PANEL = 850, 340, 268
MARKS: Mapping[int, str] = {91: "3 months", 183: "6 months", 365: "1 year", 730: "2 years"}
"""Days after a pass at which the curves are read."""
MOST_COUNTRIES = 15
"""In the chart; the table has them all."""
MOST_REASONS = 8
"""In view; the others can be unfolded."""
FEWEST_WEEKS, MOST_WEEKS = 2, 26
"""From so many weeks on with a report there is something to see; so many stand in the table."""
NOT_AVAILABLE_YET = "eligible, certificates not available yet"
"""The reason of `CertificateReconciliation` that time settles."""
_UNKNOWN = "unknown"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class ProgrammeTables:
    """What the pages are made of, of all programmes."""

    funnel: pl.DataFrame
    """`ProgrammeFunnel`."""
    retention: pl.DataFrame
    """`CourseRetention`."""
    curves: pl.DataFrame
    """`TimeToNextCourse`."""
    completions: pl.DataFrame
    """`ProgrammeCompletions`."""
    bridge: pl.DataFrame
    """`ProgrammeBridge`."""
    reconciliation: pl.DataFrame
    """`CertificateReconciliation`."""
    inventory: pl.DataFrame
    """`ExportInventory`."""
    problems: pl.DataFrame
    """`LandingProblems` of edX that nobody has released."""
    nudges: pl.DataFrame
    """`NudgeSummary`."""
    weeks: pl.DataFrame
    """`ProgrammeWeeks`."""
    people: pl.DataFrame
    """`facts.run_results.people_counts`."""
    issued: pl.DataFrame
    """`CertificatesIssued`."""

    def of(self, programme_id: str) -> "ProgrammeTables":
        """The rows of one programme."""
        own = {
            field.name: getattr(self, field.name).filter(programme_id=programme_id)
            for field in fields(self)
            if field.name != "problems"
        }
        return replace(self, problems=self.problems.filter(part=programme_id), **own)


def programme_page(home: Home, programme_id: str) -> Path:
    """Where the page of a programme is."""
    return home.site / "programmes" / programme_id / "index.html"


def write_programme_page(
    home: Home,
    settings: Settings,
    programme: Programme,
    tables: ProgrammeTables,
    templates: jinja2.Environment,
    *,
    held: str | None = None,
    effect: str | None = None,
) -> Path:
    """Write the page from the tables of the last refresh.

    Args:
        home: Whose page.
        settings: The definitions as this home has them.
        programme: Which.
        tables: Of all programmes.
        templates: From `render.environment`; escapes what is put into `.html.j2`.
        held: Why its letters are held, if they are.
        effect: What they are good for, in words, if somebody is held out.

    Returns:
        The page.
    """
    own = tables.of(programme.id)
    titles = {course.id: course.title for course in programme.courses}
    page = programme_page(home, programme.id)
    html = templates.get_template("site/programme.html.j2").render(
        school=settings.called,
        programme=programme,
        as_of=_as_of(own),
        said=definitions(settings),
        stages=_stages(own),
        stage_name=stage_name,
        bridge=bridge_words(own.bridge).capitalize() if own.bridge.height else None,
        bridge_lines=own.bridge.rows(named=True),
        problems=own.problems["message"].to_list(),
        doubtful=own.problems["holds"].count() > 0,
        needed=_needed(own),
        exports=sentences(own.inventory, needed=False),
        titles=titles,
        funnel=_funnel(own, titles),
        retention=_retention(own, titles),
        curves=list(_curves(own, titles)),
        marks=MARKS,
        followed_days=FOLLOWED_DAYS,
        completions=_completions(own),
        fewest=FEWEST_SHOWN,
        fewest_followed=FEWEST_FOLLOWED,
        not_shown=NOT_SHOWN,
        reconciliation=_reconciliation(own),
        issued=_issued(own),
        nudges=_nudges(own),
        held=held,
        effect=effect,
        most_reasons=MOST_REASONS,
        people=next(own.people.iter_rows(named=True), None),
        weeks=_weeks(own),
    )
    write_whole(page, with_home(home, html).encode())
    return page


def _nudges(tables: ProgrammeTables) -> Mapping[str, Any] | None:
    """Learners by decision, and why in words, the commonest reason first.

    Reasons of fewer than `FEWEST_SHOWN` learners are counted together: they may say of a single one
    how they stand.
    """
    if tables.nudges.is_empty():
        return None
    by_decision = tables.nudges.group_by("decision").agg(pl.col("learners").sum())
    sorted_ = tables.nudges.sort("learners", "reason", descending=[True, False])
    few = sorted_.filter(pl.col("learners") < FEWEST_SHOWN)
    return {
        **dict.fromkeys(DECISIONS, 0),
        **dict(by_decision.iter_rows()),
        "reasons": sorted_.filter(pl.col("learners") >= FEWEST_SHOWN)["sentence"].to_list(),
        "few": {"learners": few["learners"].sum(), "reasons": few.height},
    }


def _as_of(tables: ProgrammeTables) -> date | None:
    return tables.inventory["as_of"][0] if tables.inventory.height else None


def _stages(tables: ProgrammeTables) -> Sequence[Mapping[str, Any]]:
    """The funnel as a table: every course, then the programme, with its stages."""
    return [
        {"course": course, "stages": rows.rows(named=True)}
        for (course,), rows in tables.funnel.group_by("course_id", maintain_order=True)
    ]


def _needed(tables: ProgrammeTables) -> Sequence[str]:
    """Exports to be downloaded, but for runs that a problem is about."""
    told = tables.problems["subject"].to_list()
    return sentences(tables.inventory.filter(~pl.col("run").is_in(told)))


def _both(
    draw: Any,  # noqa: ANN401 - of any chart
    frame: pl.DataFrame,
    titles: Mapping[str, str],
) -> Mapping[str, str]:
    """A chart for wide and for narrow screens."""
    return {
        name: render_svg(draw(frame, width=width, names=titles, paint=OF_A_PAGE))
        for name, width in (("wide", WIDE), ("narrow", NARROW))
    }


def _weeks(tables: ProgrammeTables) -> Mapping[str, Any] | None:
    """The weeks with a report and how many had completed then; none where there is only one."""
    weeks = tables.weeks.sort("week")
    if weeks.height < FEWEST_WEEKS:
        return None
    return {
        "first": weeks.row(0, named=True),
        "last": weeks.row(-1, named=True),
        "rows": weeks.tail(MOST_WEEKS).reverse().rows(named=True),
        "more": max(0, weeks.height - MOST_WEEKS),
        **{
            name: render_svg(weeks_chart(weeks, width=width, paint=OF_A_PAGE))
            for name, width in (("wide", WIDE), ("narrow", NARROW))
        },
    }


def _funnel(tables: ProgrammeTables, titles: Mapping[str, str]) -> Mapping[str, str] | None:
    """Nothing without a learner."""
    return _both(funnel_chart, tables.funnel, titles) if tables.funnel["learners"].sum() else None


def _retention(tables: ProgrammeTables, titles: Mapping[str, str]) -> Mapping[str, Any] | None:
    if tables.retention.is_empty():
        return None
    rows = tables.retention.rows(named=True)
    shares = [row["share"] for row in rows]
    return {
        "rows": rows,
        "lowest": min(shares),
        "highest": max(shares),
        **_both(retention_chart, tables.retention, titles),
    }


def _curves(tables: ProgrammeTables, titles: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """Each course's curve in sequence, and what it is at the marks.

    The axis of all spans the longest, but at least the first mark, so that it names a time.
    """
    followed = well_followed(tables.curves)
    days = min(FOLLOWED_DAYS, max([min(MARKS), *followed["days"]]))
    at_marks = after_days(followed, list(MARKS))
    for course in titles:
        curve = tables.curves.filter(course_id=course).sort("days")
        if curve.is_empty():
            continue
        read = {row["mark"]: row for row in at_marks.filter(course_id=course).rows(named=True)}
        drawn = followed.filter(course_id=course)
        yield {
            "course": course,
            "learners": curve["at_risk"][0],
            "at_once": drawn["share"].max(),
            "at": [read.get(mark) for mark in MARKS],
            "svg": render_svg(next_course_chart(drawn, width=PANEL, days=days, paint=OF_A_PAGE))
            if drawn["days"].sum()
            else "",
        }


def _completions(tables: ProgrammeTables) -> Mapping[str, Any]:
    """By year and by country, and the whole grid."""
    cells = {
        (r["period"], r["country"]): r["learners"] for r in tables.completions.rows(named=True)
    }
    periods = _names({period for period, _ in cells} - {ALL})
    of_country = {
        country: cells[ALL, country]
        for country in _names({country for _, country in cells} - {ALL})
    }
    by_size = sorted(of_country, key=lambda each: -(of_country[each] or 0))
    shown = [each for each in by_size if of_country[each] is not None]
    years = [(period, cells[period, ALL]) for period in periods]
    largest = [(each, of_country[each]) for each in shown[:MOST_COUNTRIES]]
    return {
        "total": cells.get((ALL, ALL), 0),
        "periods": periods,
        "grid": [
            (each, [cells[period, each] for period in periods], of_country[each])
            for each in by_size
        ],
        "totals": [total for _, total in years],
        "hidden": sorted(set(of_country) - set(shown)),
        "more": len(shown) - len(largest),
        "by_year": _counts(years),
        "by_country": _counts(largest),
    }


def _names(found: set[str]) -> list[str]:
    """Sorted, and last what is not known."""
    return sorted(found, key=lambda name: (name == _UNKNOWN, name))


def _counts(counts: Sequence[tuple[str, int | None]]) -> str:
    return render_svg(count_chart(counts, width=NARROW, paint=OF_A_PAGE)) if counts else ""


def _issued(tables: ProgrammeTables) -> Mapping[str, Any] | None:
    """Programme certificates that edX issued, and learners by how that goes with completion."""
    if tables.issued.is_empty():
        return None
    reasons = tables.issued["reason"].value_counts(sort=True)
    return {"issued": tables.issued["issued"].sum(), "reasons": reasons.rows()}


def _reconciliation(tables: ProgrammeTables) -> Mapping[str, Any]:
    """Results that agree, the others by reason, and these by run; those to come stand apart."""
    found = tables.reconciliation
    names = dict(tables.inventory.select("run", "run_name").iter_rows())
    differ = found.filter(~pl.col("reason").is_in(["agree", NOT_AVAILABLE_YET]))
    agree, to_come, others = (
        int(rows["learners"].sum())
        for rows in (found.filter(reason="agree"), found.filter(reason=NOT_AVAILABLE_YET), differ)
    )
    by_reason = differ.group_by("reason").agg(pl.col("learners").sum())
    return {
        "agree": agree,
        "total": agree + others,
        "to_come": to_come,
        "reasons": by_reason.sort("learners", "reason", descending=[True, False]).rows(named=True),
        "runs": [
            {**row, "name": f"{row['course_id']}/{names.get(row['run'], row['run'])}"}
            for row in differ.sort("course_id", "run", "reason").rows(named=True)
        ],
    }
