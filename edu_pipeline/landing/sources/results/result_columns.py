"""What every column of every export was taken for, on what evidence, and what else it might be. Pure.

Headers only: nothing that stands below them, so nothing of a student.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from edu_pipeline.landing.sources.results.asking import ignoring
from edu_pipeline.landing.sources.results.exam_order import SeriesNames
from edu_pipeline.landing.sources.results.header import Value, is_called, normal
from edu_pipeline.landing.sources.results.result_groups import OF_STUDENTS
from edu_pipeline.landing.sources.results.result_staging import Labels
from edu_pipeline.landing.sources.results.result_tables import Table, cohorts_of, paste
from edu_pipeline.landing.sources.results.series import is_in_settings
from edu_pipeline.model.attainment import REFERENCES, ResultColumns
from edu_pipeline.model.columns import dtypes
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER, Attainment, Column

_HEADER, _CELLS = "its header", "what stands in it"


def columns_of(
    tables: Sequence[Table], agreed: Sequence[Table], labels: Labels, settings: Attainment
) -> pl.DataFrame:
    """Every column of every table.

    Args:
        tables: Of all cohorts, as they were received.
        agreed: The same without columns of which nobody knows which one counts.
        labels: What texts of subjects and series mean.
        settings: The section of `pipeline.toml`.

    Returns:
        `ResultColumns`.
    """
    rows = [
        (ATTAINMENT_FOLDER + table.sheet.file, place, table.sheet.header[place], *told)
        for table, kept in zip(tables, agreed, strict=True)
        for place, told in sorted(_Told(table, kept, labels, settings).all().items())
    ]
    frame = pl.DataFrame(rows, schema=dtypes(ResultColumns), orient="row")
    return ResultColumns.validate(frame.sort("file", "place"))


Said = tuple[str, str | None, str | None, str, str | None, str | None]
"""Role, subject, series, evidence, what else it might be, the lines that make it that."""


class _Told:
    """The columns of one table."""

    def __init__(self, table: Table, kept: Table, labels: Labels, settings: Attainment) -> None:
        self._table, self._labels, self._settings = table, labels, settings
        self._kept = {value.place for value in kept.columns.values}
        self._asked = {*table.columns.unknown, *table.columns.beside}
        self._header = table.sheet.header
        cohorts = sorted(cohorts_of(table))
        self._cohort = cohorts[0] if cohorts else None
        self._series = labels.series.get(self._cohort or "", SeriesNames())

    def all(self) -> Mapping[int, Said]:
        """Place → what is said of its column."""
        columns = self._table.columns
        found: dict[int, Said] = {}
        for kind, place in columns.ids.items():
            found[place] = self._plain(place, kind, "student_id")
        said: Sequence[tuple[int | None, str, Column]] = (
            (columns.name, "name", "name"),
            (columns.given, "given name", "given_name"),
            (columns.family, "family name", "family_name"),
            (columns.cohort, "cohort", "cohort"),
            (columns.subject, "subject", "subject"),
            (columns.series, "series", "series"),
        )
        for at, role, column in said:
            if at is not None:
                found[at] = self._plain(at, role, column)
        found |= {
            place: (role, None, None, _HEADER, None, None)
            for place, role in ((columns.year, "school year"), (columns.date, "date"))
            if place is not None
        }
        for value in columns.differences:
            found[value.place] = (
                *("stated difference", value.subject, None, "its header, and numbers below"),
                *("nothing", ignoring([self._header[value.place]])),
            )
        found |= {value.place: self._grades(value) for value in columns.values}
        for place in columns.groups:
            found[place] = self._group(place)
        for place in range(len(self._header)):
            if place not in found:
                found[place] = self._left(place)
        return found

    def _plain(self, place: int, role: str, column: Column) -> Said:
        header, settings = self._header[place], self._settings
        if normal(settings.columns.get(column, "")) == normal(header):
            return role, None, None, "[attainment.columns]", None, None
        why = _HEADER if is_called(header, role) else _CELLS
        return role, None, None, why, None, None

    def _group(self, place: int) -> Said:
        if place in self._table.columns.of_subjects:
            subject, what = self._table.columns.of_subjects[place]
            shown = self._labels.subject(self._cohort or "", subject) or subject
            return f"group {what}", shown, None, _HEADER, None, None
        if normal(self._header[place]) in OF_STUDENTS:
            return "group", None, None, _HEADER, None, None
        why = "no subject and no series that we know"
        return "group", None, None, why, *self._else_subject(place)

    def _grades(self, value: Value) -> Said:
        table, settings = self._table, self._settings
        text = value.series or table.series
        subject = value.subject or table.subject
        shown = self._labels.subject(self._cohort or "", subject or "") or subject
        if value.place not in self._kept:
            return "asked about", shown, None, "several columns may be the one", None, None
        if table.baseline:
            why = "its file holds baselines only"
            return "baseline", shown, settings.baseline, why, None, None
        if text is None:
            role = "grade" if table.columns.series is not None else "grade of no series"
            return role, shown, None, _HEADER, "nothing", ignoring([self._header[value.place]])
        series = self._series.get(text)
        if series is None:
            lines = paste("attainment.series_names", {text: settings.sat[0]})
            return "asked about", shown, None, f"“{text}” has no place", settings.sat[0], lines
        return self._of_series(text, shown, series)

    def _of_series(self, text: str, shown: str | None, series: str) -> Said:
        settings = self._settings
        placed = next(each for each in self._series.order if each.name == series)
        if is_in_settings(text, settings):
            return placed.role, shown, series, "[attainment.series_names]", None, None
        why, other = f"“{text}”", ""
        if text in self._series.inferred:
            why += ", by its order in the school year"
            other = next((name for name in settings.sat if name != series), "")
        elif placed.role == "sat" and series not in settings.series:
            why += f", {placed.evidence}"
            other = settings.sat[0]
        elif placed.role in REFERENCES:
            other = settings.baseline
        if not other:
            return placed.role, shown, series, why, None, None
        lines = paste("attainment.series_names", {text: other})
        return placed.role, shown, series, why, other, lines

    def _left(self, place: int) -> Said:
        header = self._header[place]
        if any(normal(name) == normal(header) for name in self._settings.ignore):
            return "not read", None, None, "[attainment] ignore", None, None
        if any(
            header == each or header.endswith(each) or header.startswith(each)
            for each in self._asked
        ):
            return (
                "asked about",
                None,
                None,
                "not known, and grades below",
                *self._else_subject(place),
            )
        return "not read", None, None, "no figure needs it", None, None

    def _else_subject(self, place: int) -> tuple[str, str]:
        header = self._header[place]
        if self._table.columns.subject is not None:
            return "a series", paste("attainment.series_names", {header: self._settings.sat[0]})
        return "a subject", paste("attainment.subjects", {header: header})
