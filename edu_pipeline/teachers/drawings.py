"""The pictures of a week's letters, as a table: whose they are, of what, and their alt texts.

What a chart shows is in `charts`; which of them a letter has, in `letter`.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from edu_pipeline.charting.render import drawn_from, render_pngs
from edu_pipeline.settings.letters import Targets
from edu_pipeline.teachers.charts import (
    Drawing,
    Words,
    chart_specs,
    class_histories,
    teacher_histories,
)

DRAWN: Mapping[str, type[pl.DataType]] = {
    "week_start": pl.Date,
    "subject": pl.String,
    "kind": pl.String,
    "png": pl.Binary,
    "alt": pl.String,
    "shows": pl.String,
    "drawn_from": pl.String,
}
"""`subject` is `class:…` or `staff:…`; where `drawn_from` is the same, so is the picture."""


def drawings_of_week(
    homerooms: pl.DataFrame,
    teachers: pl.DataFrame,
    school_week: pl.DataFrame,
    week: date,
    targets: Targets,
    words: Words,
    earlier: pl.DataFrame,
) -> pl.DataFrame:
    """A picture per homeroom and rate and per subject teacher's homework.

    Args:
        homerooms: `ClassWeek` of homerooms.
        teachers: `TeacherWeek` of subject teachers.
        school_week: `SchoolWeek`.
        week: Monday of the week.
        targets: As the settings have them.
        words: The templates' words.
        earlier: `DRAWN`: pictures that need not be drawn again.

    Returns:
        `DRAWN`.
    """
    histories = {
        **{f"class:{key}": rows for key, rows in class_histories(homerooms, week).items()},
        **{
            f"staff:{key}": rows
            for key, rows in teacher_histories(teachers, school_week, week, words).items()
        },
    }
    new = dict.fromkeys(earlier["drawn_from"], False)
    rows = []

    def to_draw() -> Iterator[dict[str, Any]]:
        for subject, history in histories.items():
            for kind, chart in chart_specs(history, targets, words).items():
                source = drawn_from(chart.spec)
                rows.append((week, subject, kind, chart.alt, chart.shows, source))
                if source not in new:
                    new[source] = True
                    yield chart.spec

    pngs = pl.Series("png", render_pngs(to_draw()), pl.Binary)
    sources = pl.Series(
        "drawn_from", [source for source, is_new in new.items() if is_new], pl.String
    )
    drawn = pl.concat(
        [earlier.select("drawn_from", "png").unique("drawn_from"), pl.DataFrame([sources, pngs])]
    )
    schema = {name: kind for name, kind in DRAWN.items() if name != "png"}
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .join(drawn, on="drawn_from", how="left", maintain_order="left")
        .select(*DRAWN)
    )


def by_subject(drawn: pl.DataFrame) -> Mapping[tuple[str, str], Drawing]:
    """(`subject`, `kind`) → its drawing.

    Args:
        drawn: `DRAWN`.
    """
    return {
        (row["subject"], row["kind"]): Drawing(row["png"], row["alt"], row["shows"])
        for row in drawn.iter_rows(named=True)
    }


def preview(drawn: pl.DataFrame, homerooms: pl.DataFrame) -> bytes | None:
    """The picture in which one student tells least: the largest homeroom's.

    Args:
        drawn: `DRAWN`.
        homerooms: `ClassWeek` of homerooms of the week.
    """
    largest = homerooms.sort("students")["class_id"].tail(1)
    found: list[bytes] = drawn.filter(pl.col("subject").is_in("class:" + largest))["png"].to_list()
    return found[0] if found else None
