"""What has landed, in a few lines: after a run, and on inspection, for the screen and for the UI.

An inspection is told in blocks of label and text; how a block looks is for who shows it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.ground.wording import counted, day_month, listed, percent
from edu_pipeline.landing.described import Block, Row
from edu_pipeline.landing.elsewhere import lying_elsewhere
from edu_pipeline.landing.fates import in_words, reasons
from edu_pipeline.landing.sources.edx.edx_reports import TABLES as EDX_TABLES
from edu_pipeline.landing.sources.school.placing import place
from edu_pipeline.landing.sources.school.school_described import (
    ColumnSeen,
    DatesSeen,
    ExportSeen,
    FileSeen,
    LinkSeen,
    SchoolSeen,
    WordsSeen,
    describe,
)
from edu_pipeline.landing.sources.school.school_problems import EXPECTED, NEEDED
from edu_pipeline.landing.sources.school.school_reading import WordSeen
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.quality import LandingFates
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import OF_SOME_SYSTEMS, SCHOOL_TABLES

KILOBYTE = 1024
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Landed:
    """One export: rows received, what became of them, and why some were not counted."""

    table: str
    received: int
    fates: str
    """Such as `250 counted, 1,220 the same as another row, 30 rejected`."""
    because: str


def landed(con: duckdb.DuckDBPyConnection) -> list[Landed]:
    """Every export in the order of `SCHOOL_TABLES`, then edX's and exam results, where there are any.

    A home that has no school has only these.

    Args:
        con: The warehouse after a refresh.
    """
    fates = read_table(con, "landing_fates")
    of_school = fates.filter(source="school")
    school = [
        _landed(table, of_school.filter(table=table))
        for table in SCHOOL_TABLES
        if table not in OF_SOME_SYSTEMS or table in of_school["table"]
    ]
    others = [
        _landed(f"edX {table.replace('_', ' ')}", fates.filter(source="edx", table=table))
        for table in EDX_TABLES.values()
        if table in fates.filter(source="edx")["table"]
    ]
    of_results = fates.filter(source="results")
    if of_results.height:
        others.append(_landed("exam results", of_results))
    told = read_table(con, "landing_problems").filter(pl.col("source") != "school")
    theirs = bool(told.height) or any(export.received for export in others)
    return others if theirs and not any(e.received for e in school) else [*school, *others]


def _landed(table: str, fates: pl.DataFrame) -> Landed:
    return Landed(table, int(fates["rows"].sum()), in_words(fates), ", ".join(reasons(fates)))


def blocks(inspection: SchoolSeen) -> list[Block]:
    """An inspection as text.

    Args:
        inspection: What was seen.
    """
    fates = inspection.fates
    found = [
        _export(export, fates.filter(source="school", table=export.table))
        for export in inspection.exports
    ]
    if inspection.absent:
        needed = [table for table in inspection.absent if table in NEEDED]
        others = [table for table in inspection.absent if table not in NEEDED]
        rows = [Row(table, "Letters cannot be made without it.", wrong=True) for table in needed]
        rows += [Row(table, _without(table)) for table in others]
        found.append(Block("Exports of which there is no file", tuple(rows)))
    if inspection.unplaced:
        rows = [Row(path, why, wrong=True) for path, why in inspection.unplaced.items()]
        found.append(Block("Files that are taken for nothing", tuple(rows)))
    if inspection.companions:
        rows = [Row(path, why) for path, why in inspection.companions.items()]
        found.append(Block("Files that are not needed", tuple(rows)))
    return found


def to_do(messages: Iterable[str]) -> list[Block]:
    """What to do, numbered."""
    rows = tuple(Row(str(n), text, wrong=True) for n, text in enumerate(messages, start=1))
    return [Block("To do, in order", rows)] if rows else []


def told_of_files(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    files: pl.DataFrame,
    problems: pl.DataFrame,
    settings: Settings,
) -> list[Block]:
    """What each file of a school is taken for and what its cells say, a block per export.

    Args:
        con: The warehouse, with `raw_…`.
        zone: Where the files lie.
        files: `LandingFiles`.
        problems: `LandingProblems`.
        settings: How they are read.
    """
    placing = place(zone, settings.landing, lying_elsewhere(files["path"]))
    fates = LandingFates.create_empty()  # they stand in a table of their own
    seen = SchoolSeen(
        exports=describe(con, files, settings, placing),
        unplaced=placing.unread(),
        companions=placing.companions,
        absent=tuple(table for table in SCHOOL_TABLES if table not in files["table"]),
        lines=(),
        files=files,
        problems=problems,
        fates=fates,
    )
    return blocks(seen)


def markdown(found: Iterable[Block]) -> str:
    """Blocks for Dagster's UI."""
    parts = []
    for block in found:
        rows = [
            f"| {_cell(row.label)} | {'⚠ ' if row.wrong else ''}{_cell(row.text)} |"
            for row in block.rows
        ]
        parts.append("\n".join([f"### {_cell(block.title)}", "", "| | |", "|---|---|", *rows]))
    return "\n\n".join(parts) or "There is no file."


def _cell(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return "<br>".join(escaped.splitlines())


def _without(table: str) -> str:
    if table in EXPECTED:
        return "Needed where attendance comes as exceptions only."
    return "Homework is left out of the letters." if table == "homework" else "Not needed."


def _export(export: ExportSeen, fates: pl.DataFrame) -> Block:
    current = [file for file in export.files if file.current]
    replaced = [file.path for file in export.files if not file.current]
    rows: list[Row] = []
    for file in current:
        rows.append(Row("file", f"{file.path}: {file.why}"))
        rows.append(Row("", _facts(file), wrong=False))
        if file.error:
            rows.append(Row("cannot be read", file.error, wrong=True))
    if replaced:
        rows.append(Row("replaced", f"by a newer one: {', '.join(replaced)}"))
    readable = [file for file in current if not file.error]
    for file in {(f.columns, f.missing, f.unused): f for f in readable}.values():
        rows += _columns(file, alone=len({f.columns for f in readable}) == 1)
    rows += [_dates(dates) for dates in export.dates]
    rows += [_words(words) for words in export.words]
    rows += [_link(link) for link in export.links]
    if not fates.is_empty():
        because = ", ".join(reasons(fates))
        rows.append(Row("rows", in_words(fates) + (f": {because}" if because else "")))
    return Block(f"{export.table}: {counted(export.rows, 'row')}", tuple(rows))


def _facts(file: FileSeen) -> str:
    size = file.size / KILOBYTE
    shown = f"{size / KILOBYTE:.1f} MB" if size >= KILOBYTE else f"{size:.1f} kB"
    facts = [f"of {day_month(file.version)} {file.version.year}", shown]
    if not file.error:
        how = (
            f"sheet “{file.sheet}”"
            if file.sheet
            else DELIMITERS.get(file.delimiter, file.delimiter)
        )
        encoding = [] if file.sheet else [file.encoding]
        facts += [*encoding, how, f"header in line {file.header_line}", _rows(file)]
    return ", ".join(facts)


def _rows(file: FileSeen) -> str:
    if file.cells == 0:
        return counted(file.rows, "row")
    return f"{counted(file.rows, 'line')} of {counted(file.cells, 'row')} each"


def _columns(file: FileSeen, *, alone: bool) -> list[Row]:
    rows = [Row("columns" if alone else f"columns of {file.path}", _pairs(file.columns))]
    if file.missing:
        rows.append(Row("missing", ", ".join(file.missing), wrong=True))
    if file.unused:
        rows.append(Row("not read", ", ".join(file.unused)))
    return rows


def _pairs(columns: Sequence[ColumnSeen]) -> str:
    return "\n".join(
        column.ours
        if column.header == column.ours
        else f"{column.ours} ← {column.header} ({column.how})"
        for column in columns
    )


def _dates(dates: DatesSeen) -> Row:
    forms = ", ".join(
        f"{'no date' if form.text == '?' else form.text} ({form.cells:,})" for form in dates.forms
    )
    span = f"{dates.first} to {dates.last}, " if dates.first else ""
    return Row(
        dates.column, f"{span}written {forms}", wrong=any(f.text == "?" for f in dates.forms)
    )


def _words(words: WordsSeen) -> Row:
    shown = [f"{word.text or '(empty)'}{_meaning(word)} ({word.rows:,})" for word in words.words]
    if words.hidden:
        shown.append(f"{words.hidden} different texts that nobody mapped: likely the wrong column")
    wrong = bool(words.hidden) or any(word.meaning is None for word in words.words)
    return Row(words.column, ", ".join(shown), wrong=wrong)


def _meaning(word: WordSeen) -> str:
    if word.meaning is None:
        return " = ?"
    return "" if word.text.casefold() == word.meaning else f" = {word.meaning}"


def _link(link: LinkSeen) -> Row:
    where = listed(link.targets)
    share = "" if link.found == link.ids else f" ({percent(link.found / link.ids)})"
    text = f"{link.found:,} of {link.ids:,} ids{share} are in {where}"
    return Row(link.column, text, wrong=link.found < link.ids)
