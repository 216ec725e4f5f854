"""`edu-pipeline explain`: one figure of one class in one week, down to the rows of the exports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edu_pipeline.commands.console import HELD, READS, UserError, err, monday_of, out, read_tables
from edu_pipeline.ground.weeks import week_name
from edu_pipeline.ground.wording import NBSP, long_date, percent, plain
from edu_pipeline.settings.home import Home, Settings, command, load_settings

if TYPE_CHECKING:
    import polars as pl

SHOWN = 60
UNFOLDED = 300
"""Width of a page that is no screen: rows stay on one line for `grep`."""
ROUNDING = 1e-6


class Rate(StrEnum):
    """What can be explained."""

    attendance_rate = "attendance_rate"
    homework_rate = "homework_rate"


@dataclass(frozen=True)
class _Words:
    """What the columns are called for one rate."""

    item: str
    code: str
    numerator: str
    denominator: str
    stated: tuple[str, str]
    """Columns of `class_week` with the numerator and the denominator."""


_WORDS = {
    Rate.attendance_rate: _Words(
        "session", "code", "attended", "possible", ("attended_days", "possible_days")
    ),
    Rate.homework_rate: _Words(
        "assignment_id", "status", "handed_in", "due", ("homework_complete", "homework_due")
    ),
}


def explain(
    context: typer.Context,
    rate: Annotated[Rate, typer.Argument(help="The figure.", metavar="RATE")],
    of_class: Annotated[str, typer.Option("--class", help="A class's name or class_id.")],
    week: Annotated[str, typer.Option(help="Such as 2026-W40, or a date in it.")],
    csv: Annotated[
        Path | None,
        typer.Option("--csv", dir_okay=False, help="Write all rows to this file as well."),
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Show every row.")] = False,
) -> None:
    """Show where a class's figure comes from: the sum, the rule, and every row with file and line.

    Exit code 3 says that the rows do not add up to the figure.
    """
    from edu_pipeline.facts.files import write_csv
    from edu_pipeline.glossary.metrics import GLOSSARY, definition

    home: Home = context.obj
    settings = load_settings(home)
    monday = monday_of(week)
    class_id, name, of, stated, through, rows = _read(home, settings, rate, of_class, monday)
    words = _WORDS[rate]
    counted = rows.filter("counted")
    found = (float(counted["numerator"].sum()), float(counted["denominator"].sum()))

    metric = GLOSSARY[of]
    what = name if name == class_id else f"{name} ({class_id})"
    out.print(Text.assemble((metric.title, "bold"), f" of {what} in {week_name(monday)}"))
    out.print(_division(found, metric.title))
    out.print(f"Rule: {definition(of, settings)}", soft_wrap=True)
    if through:
        out.print(f"As of {long_date(through)}, the last day counted.")
    _print_rows(counted, words, f"Rows behind it: {counted.height}", show_all=show_all)
    left_out = rows.filter(~rows["counted"])
    _print_left_out(left_out, words, show_all=show_all)
    if csv:
        write_csv(_renamed(rows, words), csv)
        out.print(f"\nAll {rows.height} rows: {csv}", soft_wrap=True)
    if any(abs(a - b) > ROUNDING for a, b in zip(found, stated, strict=True)):
        err.print(
            Text.assemble(
                ("! ", "bold red"),
                f"The letters' table says {_division(stated, metric.title)}. The rows above are "
                f"not what it was made of. Run: {command(home, 'run')}",
            ),
            soft_wrap=True,
        )
        raise typer.Exit(HELD)


def _read(
    home: Home, settings: Settings, rate: Rate, of_class: str, monday: date
) -> "tuple[str, str, str, tuple[float, float], date | None, pl.DataFrame]":
    """Class id and name, the metric, the figure as `class_week` has it, the last day counted, the rows."""
    import polars as pl

    from edu_pipeline.facts.explain import (
        attendance_rows,
        counted_through,
        homework_rows,
        lesson_rows,
    )
    from edu_pipeline.ground.warehouse import hold, open_warehouse

    with hold(home.lock, READS, reads=True):  # over all reading, so that no refresh comes between
        classes, class_week = read_tables(home, ["stg_classes", "class_week"])
        class_id, name = find_class(classes, of_class)
        figures = class_week.filter(class_id=class_id).sort("week_start")
        figure = figures.filter(week_start=monday)
        if figure.is_empty():
            weeks = [week_name(day) for day in figures["week_start"]]
            ends = " to ".join(dict.fromkeys([*weeks[:1], *weeks[-1:]]))
            known = f"It has some for {ends}." if weeks else "It has none at all."
            raise UserError(f"{name} has no figures for {week_name(monday)}. {known}")
        metric = str(rate)
        numerator, denominator = figure.select(pl.col(*_WORDS[rate].stated).cast(pl.Float64)).row(0)
        with open_warehouse(home.warehouse, read_only=True) as con:
            if rate is Rate.homework_rate:
                late_counts = settings.homework.late_counts
                rows = homework_rows(con, class_id, monday, late_counts=late_counts)
            elif figure["lessons"].item() is None:
                rows = attendance_rows(con, class_id, monday)
            else:
                metric, rows = "lesson_rate", lesson_rows(con, class_id, monday)
            through = counted_through(con, class_id)
    return class_id, name, metric, (numerator, denominator), through, rows


def find_class(classes: "pl.DataFrame", wanted: str) -> tuple[str, str]:
    """The `class_id` and name of the class that people call so.

    Args:
        classes: `Classes`.
        wanted: A `class_id`, else a name, else a name in any case.

    Raises:
        UserError: No class is called so, or more than one.
    """
    known: Sequence[tuple[str, str]] = (
        classes.select("class_id", "class_name").sort("class_id").rows()
    )
    found = (
        [row for row in known if row[0] == wanted]
        or [row for row in known if row[1] == wanted]
        or [row for row in known if wanted.casefold() in {row[0].casefold(), row[1].casefold()}]
    )
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(class_id for class_id, _ in found)
        raise UserError(f"{len(found)} classes are called {wanted}. Say which by its id: {ids}")
    names = {text.casefold(): text for row in known for text in reversed(row)}
    near = [names[text] for text in get_close_matches(wanted.casefold(), names, n=5, cutoff=0.5)]
    hint = f"Did you mean {', '.join(near)}?" if near else f"There are {len(known)} classes."
    raise UserError(f"No class is called {wanted}. {hint}")


def _division(parts: tuple[float, float], title: str) -> str:
    numerator, denominator = parts
    if not denominator:
        return f"nothing to divide by: there is no {title.casefold()} rate"
    return (
        f"{plain(numerator)} ÷ {plain(denominator)} = {percent(numerator / denominator)}"
    ).replace(NBSP, " ")


def _print_left_out(rows: "pl.DataFrame", words: _Words, *, show_all: bool) -> None:
    if rows.is_empty():
        out.print("\nNothing was left out.")
        return
    reasons = rows["note"].value_counts(sort=True).sort("count", "note", descending=[True, False])
    told = ", ".join(f"{count} {note}" for note, count in reasons.iter_rows())
    _print_rows(rows, words, f"Left out: {told}", show_all=show_all)


def _print_rows(rows: "pl.DataFrame", words: _Words, title: str, *, show_all: bool) -> None:
    out.print(f"\n[bold]{title}[/]", soft_wrap=True)
    shown = rows if show_all else rows.head(SHOWN)
    columns: dict[str, list[str]] = {
        "student_id": _texts(shown["student_id"]),
        "date": _texts(shown["date"]),
        words.item: _texts(shown["item"]),
        words.code: _texts(shown["code"]),
        words.numerator: [plain(n) for n in shown["numerator"].drop_nulls()],
        words.denominator: [plain(n) for n in shown["denominator"].drop_nulls()],
        "file:line": [
            f"{file}:{line}" if file else ""
            for file, line in shown.select("file", "line").iter_rows()
        ],
        "note": _texts(shown["note"]),
    }
    columns = {heading: texts for heading, texts in columns.items() if any(texts)}
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in columns:
        number = heading in {words.numerator, words.denominator}
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*(Text(cell) for cell in cells))
    (out if out.is_terminal else Console(width=UNFOLDED)).print(table)
    if rows.height > shown.height:
        out.print(
            f"… and {rows.height - shown.height} more. All of them: --all, or --csv FILE.",
            style="dim",
        )


def _texts(column: "pl.Series") -> list[str]:
    return ["" if value is None else str(value) for value in column]


def _renamed(rows: "pl.DataFrame", words: _Words) -> "pl.DataFrame":
    return rows.rename(
        {
            "item": words.item,
            "code": words.code,
            "numerator": words.numerator,
            "denominator": words.denominator,
        }
    )
