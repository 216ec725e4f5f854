"""The pictures of a week's letters, as a table: whose they are, of what, and their alt texts.

What a chart shows is in `charts`; which of them a letter has, in `letter`.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from edu_pipeline.charting.render import drawn_from, render_pngs
from edu_pipeline.ground.parts import in_parts
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
AT_ONCE = 200
"""Pictures that are in memory together."""


def drawings_of_week(
    homerooms: pl.DataFrame,
    teachers: pl.DataFrame,
    school_week: pl.DataFrame,
    week: date,
    targets: Targets,
    words: Words,
    earlier: pl.DataFrame,
) -> Iterator[pl.DataFrame]:
    """A picture per homeroom and rate and per subject teacher's homework.

    Args:
        homerooms: `ClassWeek` of homerooms.
        teachers: `TeacherWeek` of subject teachers.
        school_week: `SchoolWeek`.
        week: Monday of the week.
        targets: As the settings have them.
        words: The templates' words.
        earlier: `DRAWN`: pictures that need not be drawn again.

    Yields:
        `DRAWN`, some at a time; at least once.
    """
    histories = {
        **{f"class:{key}": rows for key, rows in class_histories(homerooms, week).items()},
        **{
            f"staff:{key}": rows
            for key, rows in teacher_histories(teachers, school_week, week, words).items()
        },
    }
    known = frozenset(earlier["drawn_from"])
    rows: deque[dict[str, Any]] = deque()

    def to_draw() -> Iterator[dict[str, Any]]:
        for subject, history in histories.items():
            for kind, chart in chart_specs(history, targets, words).items():
                source = drawn_from(chart.spec)
                row = {"week_start": week, "subject": subject, "kind": kind, "png": None}
                rows.append(row | {"alt": chart.alt, "shows": chart.shows, "drawn_from": source})
                if source not in known:
                    yield chart.spec

    def drawn() -> Iterator[dict[str, Any]]:
        for png in render_pngs(to_draw()):
            while rows[0]["drawn_from"] in known:
                yield rows.popleft()
            yield {**rows.popleft(), "png": png}
        yield from rows

    pngs = earlier.select("drawn_from", before="png").unique("drawn_from")
    for part in in_parts(drawn(), AT_ONCE):
        yield (
            pl.DataFrame(part, schema=dict(DRAWN), orient="row")
            .join(pngs, on="drawn_from", how="left", maintain_order="left")
            .with_columns(png=pl.coalesce("png", "before"))
            .drop("before")
        )


class Drawings(Mapping[tuple[str, str], Drawing]):
    """(`subject`, `kind`) → its drawing, taken out of a frame of `DRAWN` when it is asked for."""

    def __init__(self, drawn: pl.DataFrame) -> None:
        self._drawn = drawn
        self._places = {key: n for n, key in enumerate(drawn.select("subject", "kind").iter_rows())}

    def __getitem__(self, key: tuple[str, str]) -> Drawing:
        row = self._drawn.row(self._places[key], named=True)
        return Drawing(row["png"], row["alt"], row["shows"])

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def preview(drawn: pl.DataFrame, homerooms: pl.DataFrame) -> bytes | None:
    """The picture in which one student tells least: the largest homeroom's.

    Args:
        drawn: `DRAWN`.
        homerooms: `ClassWeek` of homerooms of the week.
    """
    largest = homerooms.sort("students")["class_id"].tail(1)
    found: list[bytes] = drawn.filter(pl.col("subject").is_in("class:" + largest))["png"].to_list()
    return found[0] if found else None
