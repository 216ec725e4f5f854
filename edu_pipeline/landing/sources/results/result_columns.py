"""What every column of every export was taken for, on what evidence, and what else it might be. Pure.

Headers only: nothing that stands below them, so nothing of a student.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import polars as pl

from edu_pipeline.landing.sources.results.exam_order import SeriesNames
from edu_pipeline.landing.sources.results.header import Value, is_called, making, normal
from edu_pipeline.landing.sources.results.result_groups import OF_STUDENTS
from edu_pipeline.landing.sources.results.result_staging import Labels
from edu_pipeline.landing.sources.results.result_tables import Table, cohorts_of, paste
from edu_pipeline.landing.sources.results.series import is_in_settings, series_of
from edu_pipeline.landing.sources.results.unused import OF_KEY_STAGE_2
from edu_pipeline.model.attainment import REFERENCES, ResultColumns
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.grades import is_grade, is_nothing
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
    with_baseline = {cohort for table in tables if table.baseline for cohort in cohorts_of(table)}
    rows = [
        (ATTAINMENT_FOLDER + table.sheet.file, place, table.sheet.header[place], *told)
        for table, kept in zip(tables, agreed, strict=True)
        for place, told in sorted(_Told(table, kept, labels, settings, with_baseline).all().items())
    ]
    frame = pl.DataFrame(rows, schema=dtypes(ResultColumns), orient="row")
    return ResultColumns.validate(frame.sort("file", "place"))


Said = tuple[str, str | None, str | None, str, str | None, str | None]
"""Role, subject, series, evidence, what else it might be, the lines that make it that."""


class _Told:
    """The columns of one table."""

    def __init__(
        self,
        table: Table,
        kept: Table,
        labels: Labels,
        settings: Attainment,
        with_baseline: Collection[str],
    ) -> None:
        self._table, self._labels, self._settings = table, labels, settings
        self._kept = {value.place for value in kept.columns.values}
        self._asked = {*table.columns.unknown, *table.columns.beside}
        self._header = table.sheet.header
        cohorts = sorted(cohorts_of(table))
        self._cohort = cohorts[0] if cohorts else None
        self._series = labels.series.get(self._cohort or "", SeriesNames())
        self._measured = (
            self._cohort in with_baseline or settings.baseline in self._series.of.values()
        )
        """Whether there is a baseline already."""

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
            why = "its header, and numbers below"
            found[value.place] = ("stated difference", value.subject, None, why, None, None)
        found |= {value.place: self._grades(value) for value in columns.values}
        for place in columns.groups:
            found[place] = self._group(place)
        for place in columns.unused:
            found[place] = self._unused(place)
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
        filled = self._cells(place)
        grades = sum(
            n for text, n in Counter(filled).items() if is_grade(text, self._settings.grades)
        )
        if 2 * grades <= len(filled):
            return "group", None, None, why, None, None
        # sets 1 to 4 are written like grades, and so are grades of a subject of which nobody told us
        return "group", None, None, f"{why}, though grades may stand there", *self._else(place)

    def _unused(self, place: int) -> Said:
        """What is known and makes no figure; what may be a baseline, can be made it."""
        why, header, settings = (
            self._table.columns.unused[place],
            self._header[place],
            self._settings,
        )
        graded = any(
            is_grade(text) for text in {row.cells[place] for row in self._table.sheet.rows}
        )
        of_one = self._table.columns.subject is not None or self._table.subject is not None
        if why != OF_KEY_STAGE_2 or not (graded and of_one) or self._measured:
            return "not used", None, None, why, None, None
        lines = paste("attainment.series_names", {header: settings.baseline})
        return "not used", None, None, why, settings.baseline, lines

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
            return role, shown, None, _HEADER, None, None
        series = self._series.get(text)
        if series is None and not self._cells(value.place):
            return self._empty(text, shown)
        if series is None:
            return "asked about", shown, None, f"“{text}” has no place", None, None
        return self._of_series(text, shown, series)

    def _cells(self, place: int) -> list[str]:
        """Texts of a column that are not blank."""
        texts = [row.cells[place] for row in self._table.sheet.rows]
        return [text for text in texts if not is_nothing(text)]

    def _empty(self, text: str, shown: str | None) -> Said:
        """A column of a series of which nothing is there."""
        settings, known = self._settings, series_of(text, self._settings)
        why = f"“{text}”, and nothing is in it yet"
        if known is None:
            return "not used", shown, None, why, None, None
        role = {settings.final: "final", settings.baseline: "baseline"}.get(known, "sat")
        return role, shown, known, why, None, None

    def _of_series(self, text: str, shown: str | None, series: str) -> Said:
        settings = self._settings
        placed = next(each for each in self._series.order if each.name == series)
        if is_in_settings(text, settings):
            return placed.role, shown, series, "[attainment.series_names]", None, None
        why, other = f"“{text}”", None
        if text in self._series.inferred:
            why += ", by its order in the school year"
            mocks = [name for name in settings.sat if name not in (series, settings.final)]
            other = next(iter(mocks), None)
        elif placed.role == "sat" and series not in settings.series:
            why += f", {placed.evidence}"
        elif placed.role in REFERENCES and not self._measured:
            other = settings.baseline
        if other is None:
            return placed.role, shown, series, why, None, None
        lines = paste("attainment.series_names", {text: other})
        return placed.role, shown, series, why, other, lines

    def _left(self, place: int) -> Said:
        header = self._header[place]
        if any(normal(name) == normal(header) for name in self._settings.ignore):
            return "not read", None, None, "[attainment] ignore", None, None
        if header in self._table.columns.bare:
            return "asked about", None, None, "a series, and of no subject", None, None
        asked = next((each for each in self._asked if _ends(header, each)), None)
        if asked is not None:
            return (
                "asked about",
                None,
                None,
                "not known, and grades below",
                *self._else(place, asked),
            )
        return "not read", None, None, "no figure needs it", None, None

    def _else(self, place: int, asked: str | None = None) -> tuple[str, str | None]:
        """What makes a column that is none of what we know a grade; of which series, is asked elsewhere."""
        columns, header = self._table.columns, asked or self._header[place]
        if asked is not None and (columns.subject is not None or asked in columns.beside):
            return "a series", None
        if columns.subject is not None:
            return "a series", paste("attainment.series_names", {header: self._settings.sat[0]})
        subjects = making(header, self._settings, series=False)
        return "a subject", paste("attainment.subjects", subjects)


def _ends(header: str, text: str) -> bool:
    """Whether a header is a text, or begins or ends with it."""
    return header.startswith(text) or header.endswith(text)
