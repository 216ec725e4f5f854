"""Which files and sheets are tables of results, whose, and of what: before any row is looked at."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import polars as pl

from edu_pipeline.ground.toml import toml_text
from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.sources.results.header import (
    WHO,
    Columns,
    known_names,
    making,
    one_header,
    pair,
    read_columns,
    shown_header,
    unknown_pair,
)
from edu_pipeline.landing.sources.results.series import (
    is_expectation,
    is_series,
    is_some_mock,
    series_of,
    sounds_like_series,
)
from edu_pipeline.landing.sources.results.sheets import Sheet, Stray, sheets_of
from edu_pipeline.landing.stores import LandedFile
from edu_pipeline.landing.tables.headers import word_set
from edu_pipeline.landing.versions import version_of
from edu_pipeline.landing.zone import ENDINGS
from edu_pipeline.model.subjects import is_known, tidy
from edu_pipeline.settings.attainment import Attainment

_FILLERS = word_set("and of the for results result data export grades")
_SHOWN = 6
LOOSE = "Results"
"""The cohort of loose files whose names say a series and nothing else."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Table:
    """A sheet that is understood."""

    sheet: Sheet
    columns: Columns
    baseline: bool
    """Whether it is a baseline of its own, not an export of results."""
    cohort: str | None
    """None where a column says it, or where a loose baseline is anybody's."""
    subject: str | None
    """That the sheet's or the file's name says."""
    series: str | None
    """As received; likewise."""

    @property
    def loose(self) -> bool:
        """Whether its file is in no cohort's folder."""
        return "/" not in self.sheet.path

    def texts(
        self, place: int | None, instead: str | None = None, own: str | None = None
    ) -> list[str | None]:
        """A column's cells, row by row, blank ones empty; without the column what stands instead.

        What a column of grades says of its `own` wins.
        """
        if own or place is None:
            return [own or instead] * len(self.sheet.rows)
        return [" ".join(row.cells[place].split()) or None for row in self.sheet.rows]

    def series_texts(self, own: str | None = None) -> list[str | None]:
        """The texts of the series, row by row, with the school year where a column tells them by it."""
        texts = self.texts(self.columns.series, self.series, own)
        if own or self.columns.year is None:
            return texts
        years = self.texts(self.columns.year)
        return [
            f"{text} {year}" if text and year else text
            for text, year in zip(texts, years, strict=True)
        ]


@dataclass(frozen=True)
class Found:
    """Everything that lies there."""

    tables: tuple[Table, ...]
    strays: tuple[Stray, ...]
    replaced: Mapping[str, tuple[str, int]]
    """File → the newer one that counts, and how many rows the older has."""


def find_tables(
    files: Mapping[str, bytes],
    settings: Attainment,
    baselines: Collection[str],
    cohort: str | None,
) -> Found:
    """Look at every file, and say what it is.

    Args:
        files: Path below `attainment/` → content.
        settings: The section of `pipeline.toml`.
        baselines: Files that are baselines whatever they are called.
        cohort: The cohort of all files; else what folder, column or file's name says.
    """
    replaced = _replaced(files)
    tables: list[Table] = []
    strays: list[Stray] = []
    for path in sorted(set(files) - set(replaced)):
        if not path.casefold().endswith(ENDINGS):
            endings = (
                f"the name of an export ends in {', '.join(ENDINGS)}. Save it as one of these."
            )
            strays.append(Stray(path, None, endings))
            continue
        for sheet in sheets_of(path, files[path], known_names(settings), WHO):
            if isinstance(sheet, Stray):
                strays.append(sheet)
                continue
            table = _table(one_header(sheet, settings), settings, path in baselines, cohort)
            reason = _not_understood(table, settings)
            if reason:
                strays.append(Stray(path, sheet.name, reason, len(sheet.rows)))
            else:
                tables.append(table)
    older = {}
    for path, newer in replaced.items():
        sheets = sheets_of(path, files[path], known_names(settings), WHO)
        older[path] = newer, sum(len(each.rows) for each in sheets if isinstance(each, Sheet))
    return Found(tuple(_with_cohorts(tables)), tuple(strays), older)


def _replaced(paths: Collection[str]) -> Mapping[str, str]:
    """Of files whose names differ in a date only, the older ones."""
    versions = defaultdict(list)
    for path in paths:
        version = version_of(LandedFile(path, 0, "", _LONG_AGO))
        if version.stamped:
            versions[version.series].append((version.at, path))
    return {
        path: newest
        for found in versions.values()
        for (_, newest) in [max(found)]
        for _, path in found
        if path != newest
    }


def _table(sheet: Sheet, settings: Attainment, said: bool, cohort: str | None) -> Table:
    plain = read_columns(sheet, settings)
    stem = stem_of(sheet.path)
    titles = [title for title in (sheet.name, stem) if title]
    baseline = said or (
        any(
            fnmatchcase(title.casefold(), pattern.casefold())
            for title in titles
            for pattern in settings.baseline_files
        )
        and not _has_sittings(sheet, plain, settings)
    )
    subject, series = _said_by(titles, settings)
    columns = plain
    if baseline or (subject is not None and plain.subject is None):
        columns = read_columns(sheet, settings, baseline=baseline, of=subject)
        if any(value.subject for value in columns.values):
            subject = None
    folder, _, below = sheet.path.partition("/")
    said_by_column = "cohort" in settings.columns and columns.cohort is not None
    if cohort is None and below and not said_by_column:
        cohort = folder
    elif cohort is None and columns.cohort is None and not baseline:
        by_title = columns.series is None and any(v.series is None for v in columns.values)
        cohort = _without_series(stem, settings) if by_title else stem
    return Table(sheet, columns, baseline, cohort, subject, series)


def stem_of(path: str) -> str:
    """A file's name without ending and date."""
    stem = PurePosixPath(version_of(LandedFile(path, 0, "", _LONG_AGO)).series).name
    return PurePosixPath(path).stem if stem == "*" else stem


def _has_sittings(sheet: Sheet, columns: Columns, settings: Attainment) -> bool:
    """Whether series that students sit are in it, whatever the file is called."""
    if columns.series is not None:
        texts = {row.cells[columns.series].strip() for row in sheet.rows}
        return any(is_some_mock(t) or series_of(t, settings) in settings.sat for t in texts if t)
    mocks = set(settings.sat) - {settings.final}
    said = {value.series for value in columns.values if value.series is not None}
    known = {series_of(text, settings) for text in said}
    beside = {settings.final, settings.baseline} <= known  # the final beside its estimates
    return beside or not mocks.isdisjoint(known) or any(map(is_some_mock, said))


def _said_by(titles: Collection[str], settings: Attainment) -> tuple[str | None, str | None]:
    """Subject and series that the names of sheet and file say, the sheet's first."""
    subject = series = None
    for title in (title.replace("_", " ").replace("-", " ") for title in titles):
        both = pair(title, settings)
        subject = subject or (both[0] if both else tidy(title) if is_known(title) else None)
        says = sounds_like_series(title, settings) or is_expectation(title)
        series = series or (both[1] if both else title if says else None)
        series = series or next(_series_within(title, settings), None)
    return subject, series


def _series_within(title: str, settings: Attainment) -> Iterator[str]:
    """Series that a name ends or begins with, such as `2026 cohort MOCK 1`."""
    words = title.split()
    for size in range(len(words) - 1, 0, -1):
        for text in (" ".join(words[-size:]), " ".join(words[:size])):
            if is_series(text, settings):
                yield text


def _without_series(stem: str, settings: Attainment) -> str:
    """What of a file's name is the cohort."""
    words = stem.replace("_", " ").replace("-", " ")
    if is_series(words, settings):
        years = [word for word in words.split() if word.isdigit() and len(word) == len("2026")]
        return " ".join(years) or LOOSE
    found = next(_series_within(words, settings), None)
    if found is None:
        return stem
    left = [word for word in words.replace(found, " ").split() if word.casefold() not in _FILLERS]
    return " ".join(left) or LOOSE


def _not_understood(table: Table, settings: Attainment) -> str | None:
    """Why a sheet is not read, and what to do."""
    columns, header = table.columns, table.sheet.header
    known = known_names(settings)(header)
    if not known:
        return (
            "none of its column names is known. If its first line has no column names, export it "
            'with them; else say in [attainment.columns] which is which, such as name = "…".'
        )
    seen = shown_header(header, settings)
    if not columns.who:
        return f'no column says whose row it is. {seen} Add to [attainment.columns]: name = "…"'
    strange = list(dict.fromkeys((*columns.beside, *columns.unknown)))
    if not columns.values and strange:
        what, section = "series", "attainment.series_names"
        line: Mapping[str, str] = {strange[0]: settings.sat[0]}
        if unknown_pair(strange[0], settings) is not None:
            what, section = "subject", "attainment.subjects"
            line = making(strange[0], settings, series=False)
        return (
            f"{listed([f'“{text}”' for text in strange[:_SHOWN]])} {'is' if len(strange) == 1 else 'are'} no "
            f"series and no subject that we know, and no other column has grades. If one is a {what}, add to "
            f"pipeline.toml: {paste(section, line)}"
        )
    if not columns.values:
        return (
            f'no column has grades. {seen} Add to [attainment.columns]: grade = "…", or say in '
            "[attainment.series_names] or [attainment.subjects] what its columns are."
        )
    if not table.baseline and (
        columns.subject is None
        and table.subject is None
        and not all(value.subject for value in columns.values)
    ):
        return f'no column says the subject. {seen} Add to [attainment.columns]: subject = "…"'
    return None


def _with_cohorts(tables: Collection[Table]) -> Iterator[Table]:
    """Tables with loose baselines given to the only cohort that they can be of."""
    exports = [table for table in tables if not table.baseline]
    loose = {cohort for table in exports if table.loose for cohort in cohorts_of(table)}
    every = {cohort for table in exports for cohort in cohorts_of(table)}
    only = next(iter(loose if len(loose) == 1 else every), None)
    for table in tables:
        if table.baseline and table.cohort is None and table.columns.cohort is None:
            one = len(loose) == 1 or len(every) == 1
            yield replace(table, cohort=only if one else None)
        else:
            yield table


def rows_of(tables: Sequence[Table]) -> pl.DataFrame:
    """Every row of every table: `table`, `row`, `line`, `file`, `path`, `baseline`."""
    return pl.DataFrame(
        [
            (number, place, row.line, table.sheet.file, table.sheet.path, table.baseline)
            for number, table in enumerate(tables)
            for place, row in enumerate(table.sheet.rows)
        ],
        schema={
            **dict.fromkeys(("table", "row", "line"), pl.Int64),
            **dict.fromkeys(("file", "path"), pl.String),
            "baseline": pl.Boolean,
        },
        orient="row",
    )


def cohorts_of(table: Table) -> set[str]:
    """The cohorts that a table's rows are of."""
    if table.cohort is not None:
        return {table.cohort}
    place = table.columns.cohort
    if place is None:
        return set()
    return {cell for row in table.sheet.rows if (cell := tidy(row.cells[place]))}


def described(table: Table) -> str:
    """What the columns of a table were taken for."""
    columns, header = table.columns, table.sheet.header
    parts = [f"{kind} = {header[place]}" for kind, place in columns.ids.items()]
    for what, place in (
        ("name", columns.name),
        ("given name", columns.given),
        ("family name", columns.family),
        ("cohort", columns.cohort),
        ("subject", columns.subject),
        ("series", columns.series),
        ("school year", columns.year),
        *(("difference", value.place) for value in columns.differences),
    ):
        if place is not None:
            parts.append(f"{what} = {header[place]}")
    parts.append(f"grades = {', '.join(header[value.place] for value in columns.values)}")
    if columns.groups:
        parts.append(f"also kept = {', '.join(header[place] for place in columns.groups)}")
    taken = {
        *columns.who,
        columns.cohort,
        columns.subject,
        columns.series,
        columns.year,
        *columns.groups,
    }
    taken |= {value.place for value in (*columns.values, *columns.differences)}
    left = [name for place, name in enumerate(header) if place not in taken]
    if left:
        parts.append(f"not read = {', '.join(left)}")
    return "; ".join(parts)


def paste(section: str, lines: Mapping[str, str]) -> str:
    """Lines of `pipeline.toml`, ready to paste."""
    return f"[{section}]\n" + "\n".join(
        f"{toml_text(ours)} = {toml_text(theirs)}" for ours, theirs in lines.items()
    )
