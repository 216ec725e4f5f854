"""What exports look like before any run: what each file is taken for, and what its cells say.

The files are read into a database in memory by the same functions as in a refresh; the warehouse is
not touched. Nothing that may be a name is kept: cells are shown only where they are dates or codes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import polars as pl

from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.sources.school.canonical import CODES, as_found, resolved_headers
from edu_pipeline.landing.sources.school.fields import DATES, FIELDS
from edu_pipeline.landing.sources.school.finding import find_problems
from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.sources.school.placing import Placing, place
from edu_pipeline.landing.sources.school.school_columns import Resolved
from edu_pipeline.landing.sources.school.school_evidence import STEPS
from edu_pipeline.landing.sources.school.school_fates import school_fates
from edu_pipeline.landing.sources.school.school_problems import MANY_CODES, MEANINGS
from edu_pipeline.landing.sources.school.school_reading import (
    LINKS,
    Reading,
    WordSeen,
    codes_seen,
    texts_of,
    word_meaning,
)
from edu_pipeline.landing.sources.school.school_staging import STAGED, stage_table
from edu_pipeline.landing.sources.school.suggestions import Line, with_lines
from edu_pipeline.landing.tables.date_order import DateForm, date_forms
from edu_pipeline.landing.tables.dates import parsed_date
from edu_pipeline.landing.tables.raw import load_raw
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.quality import LandingChanges
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import SCHOOL_TABLES


@dataclass(frozen=True)
class ColumnSeen:
    """One of our columns in a file."""

    ours: str
    header: str
    how: str
    """`setting`, `name`, `alias`, `likeness`, `constant`, `headers` or `cells`."""


@dataclass(frozen=True)
class FileSeen:
    """A file that is taken for an export."""

    path: str
    why: str
    size: int
    landed_at: datetime
    version: datetime
    current: bool
    encoding: str
    delimiter: str
    sheet: str | None
    header_line: int
    rows: int
    cells: int
    """Of a wide table, the columns of which each makes a row of every line."""
    columns: tuple[ColumnSeen, ...]
    missing: tuple[str, ...]
    """Our columns that are needed and were not found."""
    unused: tuple[str, ...]
    """Headers that are not read."""
    error: str | None


@dataclass(frozen=True)
class DatesSeen:
    """A column of dates."""

    column: str
    first: date | None
    last: date | None
    forms: tuple[DateForm, ...]


@dataclass(frozen=True)
class WordsSeen:
    """A column of codes or words. Too many that nobody mapped are none, and are only counted."""

    column: str
    words: tuple[WordSeen, ...]
    hidden: int = 0


@dataclass(frozen=True)
class LinkSeen:
    """Ids of one export that should be found in others."""

    column: str
    targets: tuple[str, ...]
    ids: int
    found: int


@dataclass(frozen=True)
class ExportSeen:
    """One export, over its files."""

    table: str
    files: tuple[FileSeen, ...]
    rows: int
    dates: tuple[DatesSeen, ...]
    words: tuple[WordsSeen, ...]
    links: tuple[LinkSeen, ...]


@dataclass(frozen=True)
class SchoolSeen:
    """Everything that can be said of a landing zone without a run."""

    exports: tuple[ExportSeen, ...]
    unplaced: Mapping[str, str]
    """Path → why it is taken for nothing, and what to do."""
    companions: Mapping[str, str]
    """Path → why nobody needs it."""
    absent: tuple[str, ...]
    """Exports of which there is no file."""
    lines: tuple[Line, ...]
    """What to add to `pipeline.toml`; the certain ones are assumed in all the rest."""
    files: pl.DataFrame
    """`LandingFiles`."""
    problems: pl.DataFrame
    """`LandingProblems`: what remains when these lines are in."""
    fates: pl.DataFrame
    """`LandingFates`, of the rows as they are read then."""


def inspect_school(
    zone: Zone,
    settings: Settings,
    elsewhere: Mapping[str, str] | None = None,
) -> SchoolSeen:
    """Look at a landing zone.

    Args:
        zone: Where the files lie.
        settings: Of the home.
        elsewhere: Path → why it is another source's.

    Raises:
        LandingError: The zone cannot be listed, or real exports lie beside invented ones.
    """
    with duckdb.connect(config={"python_enable_replacements": False}) as con:
        read, lines, placing = evidence(con, zone, settings, elsewhere)
        files = read.files
        exports = _describe_all(read, placing)
        problems = _problems(read, zone, with_lines(settings, lines))
        fates = school_fates(con, files, read.settings)
    said = {line.section[1] for line in lines if line.key == "date_formats"}
    return SchoolSeen(
        exports=exports,
        unplaced=placing.unplaced,
        companions=placing.companions,
        absent=tuple(table for table in SCHOOL_TABLES if table not in files["table"]),
        lines=tuple(sorted(lines, key=lambda line: _place_of(line.section))),
        files=files,
        fates=fates,
        # what is asked in a line is not said again
        problems=problems.filter(
            ~pl.col("kind").is_in(["unmapped_code", "unmapped_word"])
            & ~(pl.col("subject").str.starts_with("unparseable") & pl.col("table").is_in(said))
        ),
    )


def evidence(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    settings: Settings,
    elsewhere: Mapping[str, str] | None = None,
) -> tuple[Reading, Sequence[Line], Placing]:
    """Read a landing zone into `raw_…` and find out by what lines it can be read.

    Args:
        con: Where to.
        zone: Where the files lie.
        settings: Of the home.
        elsewhere: Path → why it is another source's.

    Returns:
        The exports, read with these lines; the lines; and what each file is taken for.

    Raises:
        LandingError: The zone cannot be listed, or real exports lie beside invented ones.
    """
    asked, placing = settings, place(zone, settings.landing, elsewhere)
    lines = list(placing.lines)
    settings = with_lines(settings, lines)
    files = survey(zone, settings.landing)
    settings = as_found(settings, files)
    for table in SCHOOL_TABLES:
        load_raw(con, zone, table, files)
    read = Reading(con, files, settings)
    for step in STEPS:
        found = step(read)
        joins = any(line.section[2:3] == ("parts",) for line in found)
        if joins and (joined := with_lines(asked, found)) != asked:
            # what is joined has to be read before anything is said of it
            read, more, placing = evidence(con, zone, joined, elsewhere)
            return read, [*found, *more], placing
        lines += found
        read = read.having(with_lines(read.settings, found))
    return read, lines, placing


def _place_of(section: Sequence[str]) -> tuple[int, int, Sequence[str]]:
    """Landing first, exports in their usual order, codes last."""
    if section[0] != "landing":
        return (1, 0, section)
    return (0, SCHOOL_TABLES.index(section[1]), section[2:])


def describe(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings, placing: Placing
) -> tuple[ExportSeen, ...]:
    """Every export that is there.

    Args:
        con: With `raw_…` and `read_…` of every export.
        files: `LandingFiles`.
        settings: To read them by.
        placing: Why files that no pattern matched are taken for what they are.
    """
    made = {table: settings.landing.export(table) for table in SCHOOL_TABLES}
    return _describe_all(Reading(con, files, settings, made), placing)


def _describe_all(read: Reading, placing: Placing) -> tuple[ExportSeen, ...]:
    return tuple(
        _describe(read, table, placing) for table in SCHOOL_TABLES if table in read.files["table"]
    )


def _describe(read: Reading, table: str, placing: Placing) -> ExportSeen:
    rows = read.con.execute(f"select count(*) from {read.rows(table)}").fetchall()[0][0]
    return ExportSeen(
        table=table,
        files=tuple(
            _file(read, table, file, placing)
            for file in read.files.filter(table=table).iter_rows(named=True)
        ),
        rows=rows,
        dates=tuple(
            dates for column in DATES.get(table, ()) if (dates := _dates(read, table, column)).forms
        ),
        words=tuple(words for words in _words(read, table) if words.words or words.hidden),
        links=tuple(
            _link(read, *link) for link in LINKS if link[0] == table and read.ids(table, link[1])
        ),
    )


def _file(
    read: Reading, table: str, file: Mapping[str, object], placing: Placing
) -> FileSeen:  # fmt: skip
    path, header = str(file["path"]), file["header"]
    export = read.settings.landing.export(table)
    found = resolved_headers(table, read.files, export).get(path)
    columns: list[ColumnSeen] = []
    missing: list[str] = []
    for field in FIELDS[table]:
        if found and field.name in found.headers:
            how = found.how[field.name]
            columns.append(ColumnSeen(field.name, found.headers[field.name], how))
        elif found and field.name in found.constants:
            columns.append(ColumnSeen(field.name, found.constants[field.name], "constant"))
        elif found and field.name in found.said:
            columns.append(ColumnSeen(field.name, *_wide(field.name, found)))
        elif found and field.required:
            missing.append(field.name)
    preamble = file["preamble"]
    assert isinstance(header, list)  # noqa: S101 - a column of LandingFiles
    assert isinstance(preamble, int)  # noqa: S101
    received = read.con.execute(
        f"select count(*) from raw_{table} where _file = ?", [path]
    ).fetchall()[0][0]
    return FileSeen(
        path=path,
        why=placing.why.get(path)
        or (f"it is a file of {file['format']}" if file["format"] else "")
        or f"its name is like {_pattern(path, table, export.files)}",
        size=file["size"],  # type: ignore[arg-type]
        landed_at=file["landed_at"],  # type: ignore[arg-type]
        version=file["version"],  # type: ignore[arg-type]
        current=bool(file["current"]),
        encoding=str(file["encoding"]),
        delimiter=str(file["delimiter"]),
        sheet=file["sheet"],  # type: ignore[arg-type]
        header_line=preamble + 1,
        rows=received,
        cells=len(found.cells) if found else 0,
        columns=tuple(columns),
        missing=tuple(missing),
        unused=found.unread if found else (),
        error=file["error"],  # type: ignore[arg-type]
    )


def _wide(ours: str, found: Resolved) -> tuple[str, str]:
    """The headers, or the cells below them, that say one of our columns, and which of both."""
    first, last = found.cells[0].header, found.cells[-1].header
    headers = f"{counted(len(found.cells), 'column')}, {first} to {last}"
    return headers, "headers" if any(ours in cell.says for cell in found.cells) else "cells"


def _pattern(path: str, table: str, patterns: Sequence[str] | None) -> str:
    return ", ".join(patterns) if patterns else f"school/{table}*{re.sub(r'^.*(?=[.])', '', path)}"


def _dates(read: Reading, table: str, column: str) -> DatesSeen:
    texts = texts_of(read, table, column)
    formats = read.settings.landing.export(table).date_formats
    frame = pl.DataFrame({"text": list(texts)}, schema={"text": pl.String})
    days = (
        frame.select(day=parsed_date(pl.col("text"), list(formats)))["day"].drop_nulls().to_list()
    )
    return DatesSeen(
        column, min(days, default=None), max(days, default=None), date_forms(texts, formats)
    )


def _words(read: Reading, table: str) -> list[WordsSeen]:
    seen = []
    if table in CODES:
        seen.append(_shown(CODES[table], codes_seen(read, table)))
    for export, column in MEANINGS:
        if export == table:
            words = [
                WordSeen(text, rows, word_meaning(read.settings, table, column, text))
                for text, rows in texts_of(read, table, column).items()
            ]
            seen.append(_shown(column, words))
    return seen


def _shown(column: str, words: Sequence[WordSeen]) -> WordsSeen:
    unknown = [word for word in words if word.meaning is None]
    if len(unknown) <= MANY_CODES:
        return WordsSeen(column, tuple(words))
    return WordsSeen(column, tuple(w for w in words if w.meaning is not None), len(unknown))


def _link(read: Reading, table: str, column: str, targets: Sequence[tuple[str, str]]) -> LinkSeen:
    ids, known = read.ids(table, column), read.sources(targets)
    return LinkSeen(
        column, tuple(dict.fromkeys(name for name, _ in targets)), len(ids), sum(i in known for i in ids)
    )  # fmt: skip


def _problems(read: Reading, zone: Zone, settings: Settings) -> pl.DataFrame:
    """What a refresh with these settings would find, by staging as it does."""
    con, files = read.con, read.files
    for table in SCHOOL_TABLES:
        read.rows(table)
    for table in STAGED:
        stage_table(con, table, files, settings)
    return find_problems(con, zone, files, LandingChanges.create_empty(), settings)
