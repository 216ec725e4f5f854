"""From cells as received to results: subjects, series, students, baselines and points, step by step.

Each step takes the cells and gives them back with what it found; a cell that it can make nothing of
goes to the sieve.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from edu_pipeline.landing.sources.results.exam_order import Days, SeriesNames, read_series
from edu_pipeline.landing.sources.results.names import normal_name
from edu_pipeline.landing.sources.results.result_cells import ENTRIES, Read
from edu_pipeline.landing.sources.results.result_people import (
    People,
    Person,
    Resolved,
    shared_names,
)
from edu_pipeline.landing.sources.results.result_tables import Table, rows_of
from edu_pipeline.landing.tables.date_order import with_proven
from edu_pipeline.landing.tables.dates import parsed_date
from edu_pipeline.model.grades import is_absent, points_of, whole_of
from edu_pipeline.model.grades import normal as normal_grade
from edu_pipeline.model.qualifications import title_of_number
from edu_pipeline.model.subjects import is_double, not_all, subject_key, tidy
from edu_pipeline.settings.attainment import Attainment

REJECTS = pl.Schema(
    {"table": pl.Int64(), "row": pl.Int64(), "rule": pl.String(), "value": pl.String()}
)
KEY = ["cohort", "student_id", "subject", "series"]
ENTRY = ["cohort", "student_id", "subject"]


class Sieve:
    """Rows that did not make it, each once per rule and text."""

    def __init__(self, reads: Sequence[Read]) -> None:
        # those that were broken as such
        rows = [(number, *each) for number, read in enumerate(reads) for each in read.rejected]
        self._rejected = [pl.DataFrame(rows, schema=REJECTS, orient="row")]

    def keep(
        self, cells: pl.DataFrame, good: pl.Expr, rule: str, value: str | None = None
    ) -> pl.DataFrame:
        """The cells that are good; the rows of the others are rejected."""
        text = pl.lit(None) if value is None else pl.col(value)
        bad = cells.filter(~good).select(
            "table", "row", rule=pl.lit(rule), value=text.cast(pl.String)
        )
        self._rejected.append(bad)
        return cells.filter(good)

    def reject(self, cells: pl.DataFrame, rule: str) -> None:
        """The rows of cells are rejected."""
        self.keep(cells, pl.lit(value=False), rule, "grade")

    def rejected(self) -> pl.DataFrame:
        """All of them: `table`, `row`, `rule` and the text that broke it."""
        return pl.concat(self._rejected).unique(maintain_order=True)


# Who


_PEOPLE = pl.Schema(
    {
        "cohort": pl.String(),
        **dict.fromkeys(("table", "person"), pl.Int64()),
        **dict.fromkeys(("student_id", "how", "name", "label"), pl.String()),
        **dict.fromkeys(("by_name", "forgotten"), pl.Boolean()),
    }
)


def people_of(
    tables: Sequence[Table], reads: Sequence[Read], forgotten: Callable[[str], bool]
) -> pl.DataFrame:
    """Whom every row is about.

    Args:
        tables: What lies there.
        reads: Their rows.
        forgotten: Whether somebody was erased, by id or normalised name.

    Returns:
        One row per row of a table: `table`, `row`, `line`, `file`, `path`, `baseline`, `cohort`,
        `student_id` (empty where it is not known), `how` it is known, `name`, a `label` of it that is
        never empty, `by_name`, `forgotten`.
    """
    entries = pl.concat([pl.DataFrame(schema=ENTRIES), *(read.entries for read in reads)])
    pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for cohort, table, person in (
        entries.select("cohort", "table", "person").drop_nulls().unique(maintain_order=True).rows()
    ):
        pairs[cohort].append((table, person))
    found = [
        row for cohort, of in pairs.items() for row in _people(cohort, of, tables, reads, forgotten)
    ]
    people = pl.DataFrame(found, schema=_PEOPLE, orient="row")
    return entries.join(rows_of(tables), on=["table", "row"], maintain_order="left").join(
        people, on=["cohort", "table", "person"], how="left", maintain_order="left"
    )


def _people(
    cohort: str,
    of: Sequence[tuple[int, int]],
    tables: Sequence[Table],
    reads: Sequence[Read],
    forgotten: Callable[[str], bool],
) -> list[tuple[object, ...]]:
    everybody = [(table, number, reads[table].persons[number]) for table, number in of]
    students = People(
        person
        for table, number, person in everybody
        if not tables[table].baseline and number not in reads[table].odd
    )
    by_table: dict[int, list[Person]] = defaultdict(list)
    for table, _, person in everybody:
        by_table[table].append(person)
    shared = {n: shared_names(those) for n, those in by_table.items() if tables[n].baseline}
    comparable = {n: students.comparable(those) for n, those in by_table.items()}
    rows: list[tuple[object, ...]] = []
    for table, number, person in everybody:
        found = students.find(person, comparable[table])
        if found.kind == "name" and person.key in shared.get(table, ()):
            found = Resolved("ambiguous")
        elif found.kind == "unknown" and not tables[table].baseline:
            found = Resolved("nobody")
        known_as = {found.student_id, found.namesake, *(value for _, value in person.ids)}
        if not person.ids:
            known_as.add(normal_name(person.name or ""))
        rows.append(
            (
                cohort,
                table,
                number,
                found.student_id,
                found.kind,
                person.name,
                person.name or person.ids[0][1],
                found.student_id in students.by_name,
                any(forgotten(each) for each in known_as if each),
            )
        )
    return rows


# In what


@dataclass(frozen=True)
class Labels:
    """What the texts of subjects and series mean, by cohort."""

    subjects: Mapping[tuple[str, str], str]
    spelt: Mapping[tuple[str, str], str]
    """Cohort and `subject_key` → the subject as tables show it."""
    series: Mapping[str, SeriesNames]

    def with_subjects(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Cells with subjects as tables show them."""
        return _mapped(cells, "subject", self.subject)

    def subject(self, cohort: str, text: str) -> str | None:
        """A subject as tables show it; None for one of which there is no grade."""
        return self.subjects.get((cohort, text)) or self.spelt.get((cohort, subject_key(text)))

    def with_series(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Cells with series of the settings; empty where a text means none."""
        return _mapped(
            cells,
            "series",
            lambda cohort, text: self.series[cohort].get(text) if cohort in self.series else None,
        )


def _mapped(
    cells: pl.DataFrame, column: str, meaning: Callable[[str, str], str | None]
) -> pl.DataFrame:
    texts = cells.select("cohort", column).drop_nulls().unique()
    found = [(cohort, text, meaning(cohort, text)) for cohort, text in texts.iter_rows()]
    schema = {"cohort": pl.String, column: pl.String, "meaning": pl.String}
    frame = pl.DataFrame(found, schema=schema, orient="row")
    return (
        cells.join(frame, on=["cohort", column], how="left", maintain_order="left")
        .with_columns(pl.col("meaning").alias(column))
        .drop("meaning")
    )


def labels_of(
    cells: pl.DataFrame,
    settings: Attainment,
    groups: Mapping[str, int],
    dates: Mapping[str, Mapping[str, Days]],
) -> Labels:
    """What the texts of subjects and series in these cells mean.

    A subject is called as `[attainment.subjects]` says, else as most results spell it.

    Args:
        cells: `cohort`, `subject`, `series` as received, `baseline`.
        settings: The section of `pipeline.toml`.
        groups: Cohort → its year group, where it is known.
        dates: Cohort → text of a series → when its grades were given, where exports say it.
    """
    counts = (
        cells.select("cohort", "subject", "baseline")
        .drop_nulls()
        .group_by("cohort", "subject", "baseline")
        .len()
        .sort("cohort", "baseline", -pl.col("len").cast(pl.Int64), "subject")
    )
    own = {tidy(theirs).casefold(): tidy(ours) for theirs, ours in settings.subjects.items()}
    numbered = {text: title_of_number(text) for text in counts["subject"].unique()}
    own = {text.casefold(): title for text, title in numbered.items() if title} | own
    spelt: dict[tuple[str, str], str] = {}
    for ours in own.values():  # the settings' spelling wins
        for cohort in counts["cohort"].unique():
            spelt.setdefault((cohort, subject_key(ours)), ours)
    subjects = {}
    for cohort, text, _, _ in counts.iter_rows():
        name = own.get(text.casefold(), text)
        subjects[cohort, text] = not_all(spelt.setdefault((cohort, subject_key(name)), name))
    texts = cells.filter(~pl.col("baseline")).select("cohort", "series").drop_nulls().unique()
    series = {
        cohort: read_series(
            texts.filter(cohort=cohort)["series"], settings, groups.get(cohort), dates.get(cohort)
        )
        for cohort in cells["cohort"].drop_nulls().unique().sort()
    }
    return Labels(subjects, {each: not_all(name) for each, name in spelt.items()}, series)


# When


def dates_of(tables: Sequence[Table], rows: pl.DataFrame) -> Mapping[str, Mapping[str, Days]]:
    """Cohort → text of a series → the first and the last day on which its grades were given.

    A text of which a date cannot be read has none.

    Args:
        tables: Of all cohorts.
        rows: `table`, `row`, `cohort`.
    """
    frames = []
    for number, table in enumerate(tables):
        columns = table.columns
        if columns.date is None or columns.series is None:
            continue
        cells = {"series": table.series_texts(), "date": table.texts(columns.date)}
        frame = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)).with_row_index("row")
        told = frame.cast({"row": pl.Int64}).join(rows.filter(table=number), on="row")
        told = told.drop_nulls(["series", "date", "cohort"])
        formats = with_proven(told["date"].unique().sort(), ())
        frames.append(
            told.select(
                "cohort", "series", day=parsed_date(pl.col("date").str.strip_chars(), formats)
            )
        )
    found: dict[str, dict[str, Days]] = defaultdict(dict)
    if not frames:
        return found
    spans = (
        pl.concat(frames)
        .group_by("cohort", "series")
        .agg(first=pl.col("day").min(), last=pl.col("day").max(), bad=pl.col("day").null_count())
        .filter(pl.col("bad") == 0)
    )
    for cohort, series, first, last, _ in spans.iter_rows():
        found[cohort][series] = (first, last)
    return found


# How well


def with_points(cells: pl.DataFrame, settings: Attainment) -> pl.DataFrame:
    """Cells with `points`, the `whole` grade, and `absent`; none of them where a text is no grade.

    A `scale` is then the subject's: that of most of its grades. Of other series than the final, a mark of
    absence is one whatever the settings' grades say.
    """
    cells = cells.with_columns(final=pl.col("series") == settings.final)
    key = {
        **dict.fromkeys(("subject", "scale", "grade"), pl.String()),
        "final": pl.Boolean(),
    }
    own = {normal_grade(grade): points for grade, points in settings.grades.items()}
    rows = []
    for subject, scale, grade, final in cells.select(list(key)).unique().iter_rows():
        points = points_of(grade, own, scale=scale, double=is_double(subject))
        absent = is_absent(grade) and (points is None or not final)
        points = None if absent else points
        whole = None if points is None else whole_of(grade, points, scale)
        rows.append((subject, scale, grade, final, points, whole, absent))
    schema = {**key, "points": pl.Float64(), "whole": pl.Int64(), "absent": pl.Boolean()}
    meaning = pl.DataFrame(rows, schema=schema, orient="row")
    subjects_own = pl.col("scale").mode().sort().first().over("cohort", "subject")
    found = cells.join(meaning, on=list(key), how="left", maintain_order="left")
    return found.with_columns(scale=subjects_own)
