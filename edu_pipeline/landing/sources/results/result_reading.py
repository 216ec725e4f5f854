"""Results, students and problems of the exports of all cohorts, from the files' bytes.

Pure, so that a command without a home reads a file as a refresh does. What is not understood is a
rejected row or a problem, never an error.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from edu_pipeline.landing.rules import NO_DATA
from edu_pipeline.landing.sources.results import result_problems as say
from edu_pipeline.landing.sources.results.asking import Note
from edu_pipeline.landing.sources.results.header import is_no_grade, is_no_subject, normal
from edu_pipeline.landing.sources.results.names import normal_name
from edu_pipeline.landing.sources.results.result_cells import CELLS, as_json, read_rows
from edu_pipeline.landing.sources.results.result_columns import columns_of
from edu_pipeline.landing.sources.results.result_groups import (
    FACTS,
    differences_of,
    groups_of,
    restating,
    two_in_one,
)
from edu_pipeline.landing.sources.results.result_people import unlike_names
from edu_pipeline.landing.sources.results.result_staging import (
    ENTRY,
    KEY,
    Labels,
    Sieve,
    dates_of,
    labels_of,
    people_of,
    with_points,
)
from edu_pipeline.landing.sources.results.result_tables import (
    Found,
    Table,
    cohorts_of,
    described,
    find_tables,
)
from edu_pipeline.landing.sources.results.row_fates import fates_of
from edu_pipeline.landing.sources.results.unsure import losses
from edu_pipeline.landing.sources.results.which_cohort import (
    cohorts_apart,
    groups_in,
    several_cohorts,
    year_group_of,
    years_in_series,
    years_of,
)
from edu_pipeline.landing.sources.results.which_scale import (
    columns_of_marks,
    fine_grades,
    other_scales,
    own_finals,
    with_scales,
)
from edu_pipeline.landing.sources.results.which_series import (
    doubtful_finals,
    letters_beside_numbers,
    no_subjects,
    rival_texts,
    silent_series,
    unknown_columns,
    unplaced_series,
    without_rivals,
)
from edu_pipeline.model.attainment import (
    REFERENCES,
    AttainmentFiles,
    CohortStudents,
    ExamSeries,
    Results,
)
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.quality import RejectedRows
from edu_pipeline.model.subjects import not_all
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER, Attainment

TABLE = "results"
"""What its rejected rows are called."""
PLACE = ["table", "row", "place", "subject"]
"""Of a cell; one of a baseline without a subject counts in each."""
NO_COHORT = "no_cohort"
IGNORED = "ignored"
NOBODY = "nobody_we_know"
NO_SUBJECT = "no_subject"
RIVAL = "another_may_be_it"
NOT_A_SUBJECT = "not_a_subject"
NO_SERIES = "no_series"
UNKNOWN_SERIES = "unknown_series"
UNKNOWN_GRADE = "unknown_grade"
AMBIGUOUS = "ambiguous_name"
UNMATCHED = "unmatched_baseline"
DUPLICATE = "different_results_for_one_series"
MARKS = "marks"
OTHER_SCALE = "other_scale"
UNSURE = "others_are_unsure"
TOLD = (
    *(NO_COHORT, NOBODY, UNKNOWN_SERIES, UNKNOWN_GRADE, AMBIGUOUS, UNMATCHED, DUPLICATE),
    *(MARKS, OTHER_SCALE, UNSURE, NOT_A_SUBJECT, RIVAL),
)
"""Rules of rejected rows that a problem of its own is about."""
_NOT_READ = (*NO_DATA, IGNORED)
"""Rules of rows that are about nobody, or left out by the settings."""
_REASONS = {
    UNKNOWN_GRADE: "their grades are none that we know",
    DUPLICATE: "they stand there more than once with different grades",
}


@dataclass(frozen=True)
class Landed:
    """What the exports of all cohorts say."""

    files: pl.DataFrame
    """`AttainmentFiles`."""
    columns: pl.DataFrame
    """`ResultColumns`."""
    results: pl.DataFrame
    """`Results`."""
    series: pl.DataFrame
    """`ExamSeries`."""
    students: pl.DataFrame
    """`CohortStudents`."""
    groups: pl.DataFrame
    """`ResultGroups`."""
    differences: pl.DataFrame
    """`StatedDifferences`."""
    notes: pl.DataFrame
    """`AttainmentNotes`."""
    rejected: pl.DataFrame
    """`RejectedRows`."""
    fates: pl.DataFrame
    """`LandingFates`."""
    seen: pl.DataFrame
    """Who stands in which file, kept nowhere: `cohort`, `student_id` (empty where it is not known),
    `name`, `path`."""


def _nobody(_student: str) -> bool:
    return False


def read_cohort(
    files: Mapping[str, bytes],
    settings: Attainment,
    *,
    baselines: Collection[str] = (),
    cohort: str | None = None,
    forgotten: Callable[[str], bool] = _nobody,
) -> Landed:
    """Read exam results, of all cohorts at once.

    Args:
        files: Name, or path below `attainment/`, → content. A folder is a cohort.
        settings: The section of `pipeline.toml`.
        baselines: Files that are baselines whatever they are called.
        cohort: The cohort of all of them; else what folder, column or file's name says.
        forgotten: Whether a student was erased, by id or normalised name: nothing of theirs comes in.
    """
    received = find_tables(files, settings, baselines, cohort)
    found, questions = _agreed(received, settings)
    reads = [read_rows(number, table) for number, table in enumerate(found.tables)]
    people = people_of(found.tables, reads, forgotten)
    rows = people.filter(~pl.col("forgotten").fill_null(value=False))
    cells = pl.concat([pl.DataFrame(schema=CELLS), *(read.cells for read in reads)]).join(
        rows, on=["table", "row"], maintain_order="left"
    )
    cells = cells.with_columns(spelt="subject", received="series")
    seen = years_of(found.tables, rows)
    labels = labels_of(cells, settings, year_group_of(seen), dates_of(found.tables, rows))
    sieve, notes = Sieve(reads), list(say.file_problems(found))
    steps = _Steps(found.tables, rows, labels, settings, sieve, notes, questions)
    cells = sieve.keep(cells, pl.col("cohort").is_not_null(), NO_COHORT)
    cells = sieve.keep(cells, ~_is_ignored(settings), IGNORED)
    cells = steps.of_grades(cells)
    cells = steps.of_subjects(cells)
    cells, unplaced = steps.in_series(labels.with_subjects(cells))
    seen = pl.concat([seen, years_in_series(cells)]).unique(maintain_order=True)
    ids = {
        t.sheet.file: t.sheet.header[next(iter(t.columns.ids.values()))]
        for t in found.tables
        if t.columns.ids
    }
    questions += unlike_names(rows, ids)
    questions += several_cohorts(seen)
    questions += cohorts_apart(found.tables, seen)
    questions += doubtful_finals(found.tables, cells, settings, groups_in(seen))
    cells = steps.of_students(cells)
    given = cells.filter("baseline").select("table", "row")
    cells = steps.with_baselines(cells)
    cells = sieve.keep(cells, pl.col("subject").is_not_null(), NO_SUBJECT)
    cells = steps.on_scale(cells)
    graded = steps.graded(cells)
    results = steps.sure(cells, graded)
    finals = set(results.filter(pl.col("series") == settings.final)["cohort"])
    steps.tell_of_series(results, finals)
    questions += unknown_columns(found.tables, finals, settings)
    notes += say.unknown_series(unplaced, settings, steps.names, finals)
    rejects = sieve.rejected()
    rejected = _rejected(rejects.filter(pl.col("rule") != IGNORED), people, found.tables)
    notes += say.broken_rows(rejected, TOLD)
    facts = steps.facts()
    differences = differences_of(facts.filter("stated"))
    groups = steps.groups(facts, results, differences)
    every_grade = pl.concat([given, graded], how="diagonal")
    finals_of = own_finals(results, settings)
    gcses = results.filter(~pl.col("cohort").is_in(list(finals_of)))
    notes += say.no_core(gcses.join(steps.order, on=["cohort", "series"]), steps.names, settings)
    told = _files(files, found, rows, results, rejected)
    columns = columns_of(received.tables, found.tables, labels, settings).join(
        told.select("file", "cohort"), on="file", how="left", maintain_order="left"
    )
    return Landed(
        files=told,
        columns=_with_own_finals(columns, finals_of, settings).drop("cohort"),
        results=_as_results(_with_own_finals(results, finals_of, settings)),
        series=_as_series(_with_own_finals(_series_of(labels, results), finals_of, settings)),
        students=_students(rows, results, settings),
        groups=groups,
        differences=differences,
        notes=say.as_frame([*questions, *notes]),
        rejected=rejected,
        fates=fates_of(found, people, results, every_grade, rejects, _NOT_READ),
        seen=rows.select("cohort", "student_id", "name", "path").unique(maintain_order=True),
    )


def _agreed(found: Found, settings: Attainment) -> tuple[Found, list[Note]]:
    """What lies there without columns of which nobody knows which one counts, and what is asked."""
    tables: list[Table] = []
    questions: list[Note] = []
    for table in found.tables:
        one, asked = without_rivals(table, settings)
        tables.append(one)
        questions += asked
    return replace(found, tables=tuple(tables)), questions


def _is_ignored(settings: Attainment) -> pl.Expr:
    """Whether the settings leave a cell's subject or series out."""
    names = [" ".join(name.split()).casefold() for name in settings.ignore]
    return pl.any_horizontal(
        pl.col(column).str.to_lowercase().is_in(names).fill_null(value=False)
        for column in ("spelt", "received")
    )


def _why(cells: pl.DataFrame, graded: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """Every cell with the rule because of which it does not count, if any."""
    known = graded.select(PLACE).unique().with_columns(known=pl.lit(value=True))
    sure = results.select(KEY).unique().with_columns(sure=pl.lit(value=True))
    return (
        cells.join(known, on=PLACE, how="left")
        .join(sure, on=KEY, how="left")
        .with_columns(
            why=pl.when(pl.col("known").is_null())
            .then(pl.lit(UNKNOWN_GRADE))
            .when(pl.col("sure").is_null())
            .then(pl.lit(DUPLICATE))
        )
    )


@dataclass
class _Steps:
    """From cells as received to results, with what is said and rejected on the way."""

    tables: Sequence[Table]
    rows: pl.DataFrame
    """By `people_of`, of who is not forgotten."""
    labels: Labels
    settings: Attainment
    sieve: Sieve
    notes: list[Note]
    questions: list[Note]

    @cached_property
    def names(self) -> Collection[str]:
        """Words of students' names, which no sentence may show, wherever they stand."""
        names = self.rows["name"].drop_nulls().unique()
        return {word for name in names for word in normal_name(name).split()}

    @cached_property
    def order(self) -> pl.DataFrame:
        """`cohort`, `series` and `rank` of exams in their order."""
        rows = [
            (cohort, name, rank)
            for cohort, of in self.labels.series.items()
            for rank, name in enumerate(of.called("sat", "final"))
        ]
        schema = {"cohort": pl.String, "series": pl.String, "rank": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    @cached_property
    def headed(self) -> Collection[str]:
        """Texts of series that headers, sheets and files say."""
        said = {value.series for table in self.tables for value in table.columns.values}
        said |= {table.series for table in self.tables if table.columns.series is None}
        return {text for text in said if text is not None}

    def of_grades(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Cells without those of which the settings say that they are no grade."""
        none = pl.col("grade").is_in(
            [text for text in cells["grade"].unique() if is_no_grade(text, self.settings)]
        )
        self.notes += say.no_grades(cells.filter(none))
        return cells.filter(~none)

    def of_subjects(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Cells without attendance, averages and the like, which stand among subjects."""
        strange = pl.col("spelt").map_elements(
            lambda text: is_no_subject(text, self.settings), pl.Boolean
        )
        self.questions += no_subjects(cells.filter(strange))
        return self.sieve.keep(cells, ~strange.fill_null(value=False), NOT_A_SUBJECT, "spelt")

    def in_series(self, cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Cells whose series is known, and those of series that have no place.

        Those of a file that says none are kept as the final, for whoever looks, and hold the page.
        """
        by_column = [n for n, table in enumerate(self.tables) if table.columns.series is not None]
        of_baselines = cells.filter("baseline").with_columns(series=pl.lit(self.settings.baseline))
        of_exports = cells.filter(~pl.col("baseline"))
        said = pl.col("series").is_not_null()
        silent = set(of_exports.filter(~said, ~pl.col("table").is_in(by_column))["table"])
        of_exports = self.sieve.keep(
            of_exports, said | ~pl.col("table").is_in(by_column), NO_SERIES
        )
        silence = pl.col("received").is_null()
        known = self.labels.with_series(of_exports).with_columns(
            series=pl.when(silence).then(pl.lit(self.settings.final)).otherwise("series")
        )
        placed = pl.col("series").is_not_null()
        # what a header says and has no place, is asked about as a column
        asked = pl.col("received").is_in(list(self.headed))
        known = known.filter(placed | ~asked)
        unplaced = known.filter(~placed)
        known = self.sieve.keep(known, placed, UNKNOWN_SERIES, "received")
        for number, table in enumerate(self.tables):
            if number in silent:
                self.notes.append(silent_series(table, self.settings))
        for cohort, of in sorted(self.labels.series.items()):
            self.notes += say.inferred_series(cohort, of.inferred)
        return pl.concat([known, of_baselines]), unplaced

    def tell_of_series(self, results: pl.DataFrame, finals: Collection[str]) -> None:
        """Say which series have no place, and which are no exams."""
        for cohort, of in self.labels.series.items():
            there = set(results.filter(pl.col("cohort") == cohort)["series"])
            references = [name for name in of.called(*REFERENCES) if name in there]
            exams = there.intersection(of.called("sat", "final"))
            asked = unplaced_series(cohort, of, self.headed, cohort in finals, self.settings)
            self.notes += say.expectations(cohort, references, bool(exams), self.settings)
            self.questions += asked

    def of_students(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Cells of students whom the results have."""
        named = self.rows.filter(pl.col("cohort").is_not_null())
        for (cohort, number), found in named.group_by("cohort", "table", maintain_order=True):
            labels = {how: set(of["label"]) for (how,), of in found.group_by("how")}
            unknown, unclear, other = (
                labels.get(how, set()) for how in ("unknown", "ambiguous", "other_id")
            )
            file, of = self.tables[number].sheet.file, found["person"].n_unique()
            if self.tables[number].baseline:
                self.notes += say.unmatched(cohort, file, unknown, unclear, other, of)
            elif unclear:
                self.notes.append(say.ambiguous(cohort, file, unclear))
        bare = named.filter("by_name", ~pl.col("baseline"))
        for (cohort,), found in bare.group_by("cohort", maintain_order=True):
            self.notes += say.without_id(cohort, set(found["student_id"]), set(found["file"]))
        nobody = pl.col("how") == "nobody"
        for (cohort, file), found in cells.filter(nobody).group_by(
            "cohort", "file", maintain_order=True
        ):
            self.notes.append(say.nobody(cohort, file, set(found["line"]), set(found["label"])))
        cells = self.sieve.keep(cells, ~nobody, NOBODY)
        known = pl.col("student_id").is_not_null()
        cells = self.sieve.keep(cells, known | pl.col("baseline"), AMBIGUOUS)
        return self.sieve.keep(cells, known, UNMATCHED)

    def with_baselines(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Cells with those of baseline files in the subjects that the student takes."""
        exports = cells.filter(~pl.col("baseline"))
        taken = exports.select(ENTRY).drop_nulls().unique(maintain_order=True)
        of_files = [exports]
        baselines = cells.filter("baseline")
        for (cohort, number), found in baselines.group_by("cohort", "table", maintain_order=True):
            file = self.tables[number].sheet.file
            overall = found.filter(pl.col("subject").is_null())
            if overall.height and self.settings.overall_baseline == "every_subject":
                of_files.append(
                    overall.drop("subject")
                    .join(taken, on=["cohort", "student_id"], maintain_order="left")
                    .select(exports.columns)
                )
            elif overall.height:
                self.notes.append(say.overall(cohort, file, overall["student_id"].n_unique()))
            with_subject = found.filter(pl.col("subject").is_not_null())
            of_files.append(with_subject.join(taken, on=ENTRY, how="semi", maintain_order="left"))
            if with_subject.height:
                here = taken.filter(pl.col("cohort") == cohort)
                subjects = set(with_subject["subject"])
                without = here.filter(~pl.col("subject").is_in(list(subjects)))
                counts = dict(without.group_by("subject").len().iter_rows())
                strange = subjects - set(here["subject"])
                self.notes += say.unknown_subjects(cohort, file, counts, strange, self.names)
                unused = with_subject.height - of_files[-1].height
                self.notes += say.not_taken(cohort, file, unused)
        return pl.concat(of_files)

    def on_scale(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Cells on the scales of their cohort's stage, with the `scale` of their qualification."""
        marks, asked = columns_of_marks(cells, self.tables, self.settings)
        self.questions += asked
        of_marks = cells.join(marks, on=["table", "place", "series"], how="semi")
        self.sieve.reject(of_marks, MARKS)
        cells = cells.join(
            marks, on=["table", "place", "series"], how="anti", maintain_order="left"
        )
        cells, others, asked = other_scales(
            with_scales(cells, self.tables, self.settings), self.settings
        )
        self.questions += asked
        self.notes += fine_grades(cells)
        self.sieve.reject(others, OTHER_SCALE)
        return cells

    def graded(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Cells with `points`, or of somebody who was absent."""
        cells = with_points(cells, self.settings)
        good = pl.col("points").is_not_null() | pl.col("absent")
        self.notes += say.unknown_grades(cells.filter(~good), self.names)
        return self.sieve.keep(cells, good, UNKNOWN_GRADE, "grade")

    def sure(self, cells: pl.DataFrame, graded: pl.DataFrame) -> pl.DataFrame:
        """One result per student, subject and series, of those of which few are unsure.

        Args:
            cells: All of them.
            graded: Of these, the grades and absences.
        """
        kept = self.without_rivals(graded)
        results = self.once(kept)
        cells = cells.join(graded.join(kept, on=PLACE, how="anti"), on=PLACE, how="anti")
        dropped, unsure = losses(_why(cells, kept, results), results, self.order, _REASONS)
        self.questions += unsure
        key = ["cohort", "subject", "series"]
        self.sieve.reject(results.join(dropped, on=key, how="semi"), UNSURE)
        return results.join(dropped, on=key, how="anti", maintain_order="left")

    def without_rivals(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Grades without those of which nobody knows whether they are of their series."""
        rivals, asked = rival_texts(cells, self.settings)
        on = ["cohort", "series", "received"]
        banded, letters = letters_beside_numbers(cells, self.settings)
        self.questions += [*asked, *letters]
        of_bands = pl.col("cohort").is_in(banded) & (pl.col("series") == self.settings.baseline)
        self.sieve.reject(cells.join(rivals, on=on, how="semi"), RIVAL)
        cells = cells.join(rivals, on=on, how="anti", maintain_order="left")
        return self.sieve.keep(cells, ~of_bands, RIVAL, "grade")

    def once(self, cells: pl.DataFrame) -> pl.DataFrame:
        """One result per student, subject and series; where several differ, none."""
        cells = cells.with_columns(
            agreed=pl.struct("points", "absent").n_unique().over(KEY) == 1
        ).sort("table", "row", maintain_order=True)
        self.notes += say.duplicates(cells.filter(~pl.col("agreed")), self.names)
        cells = self.sieve.keep(cells, pl.col("agreed"), DUPLICATE, "grade")
        return cells.unique(KEY, keep="first", maintain_order=True)

    def groups(
        self, facts: pl.DataFrame, results: pl.DataFrame, stated: pl.DataFrame
    ) -> pl.DataFrame:
        """`ResultGroups`, without columns that say again what is computed."""
        facts = facts.filter(~pl.col("stated"))
        for cohort, column, names in two_in_one(facts).iter_rows():
            self.notes.append(say.two_in_one(cohort, column, names))
        groups = groups_of(facts)
        final, baseline = (
            results.filter(pl.col("series") == name).select(*ENTRY, "points")
            for name in (self.settings.final, self.settings.baseline)
        )
        computed = final.join(baseline, on=ENTRY).select(
            *ENTRY, difference=pl.col("points") - pl.col("points_right")
        )
        again = pl.concat(
            restating(groups, differences.drop_nulls()) for differences in (stated, computed)
        ).unique(maintain_order=True)
        for (cohort,), of in again.sort("cohort", "column").group_by("cohort", maintain_order=True):
            self.notes.append(say.restating(str(cohort), of["column"].to_list()))
        return groups.join(again, on=["cohort", "column"], how="anti", maintain_order="left")

    def taught(self, table: Table, place: int) -> tuple[str | None, str]:
        """The subject of a class or a teacher, if anybody has a grade in it, and what the column is called."""
        header = table.sheet.header[place]
        subject, name = table.columns.of_subjects.get(place, (None, header))
        taken = any(self.labels.subject(each, subject or "") for each in cohorts_of(table))
        return (subject, name) if taken else (None, header)

    def facts(self) -> pl.DataFrame:
        """Further columns and stated differences, row by row, with the newest series last."""
        frames = [pl.DataFrame(schema=FACTS)]
        for number, table in enumerate(self.tables):
            columns = table.columns
            stated = {value.place: value.subject for value in columns.differences}
            for place in (*columns.groups, *stated):
                subject, name = self.taught(table, place)
                own = stated.get(place) or subject
                cells = {
                    "subject": table.texts(columns.subject, table.subject, own),
                    "series": table.series_texts(),
                    "value": table.texts(place),
                }
                frame = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)).select(
                    pl.all(),
                    table=pl.lit(number, pl.Int64),
                    row=pl.int_range(pl.len(), dtype=pl.Int64),
                    column=pl.lit(not_all(name)),
                    like=pl.lit(normal(name)),
                )
                told = frame.drop_nulls("value").join(self.rows, on=["table", "row"])
                told = told.drop_nulls("student_id")
                told = self.labels.with_series(self.labels.with_subjects(told))
                told = told.join(
                    self.order, on=["cohort", "series"], how="left", maintain_order="left"
                ).with_columns(
                    pl.col("rank").fill_null(-1),
                    order=pl.struct("table", "row").rank("ordinal").cast(pl.Int64),
                    final=pl.col("series").fill_null("") == self.settings.final,
                    stated=pl.lit(place in stated),
                    taught=pl.lit(subject is not None),
                )
                frames.append(told.select(list(FACTS)))
        return pl.concat(frames)


def _as_results(results: pl.DataFrame) -> pl.DataFrame:
    columns = list(dtypes(Results))
    return Results.validate(
        results.with_columns(file=ATTAINMENT_FOLDER + pl.col("file")).select(columns).sort(KEY)
    )


def _with_own_finals(
    frame: pl.DataFrame, finals: Mapping[str, str], settings: Attainment
) -> pl.DataFrame:
    """Rows of the final with what it is called in their cohort."""
    own = pl.col("cohort").replace_strict(finals, default=settings.final, return_dtype=pl.String)
    final = pl.col("series") == settings.final
    return frame.with_columns(series=pl.when(final).then(own).otherwise("series"))


def _series_of(labels: Labels, results: pl.DataFrame) -> pl.DataFrame:
    """`ExamSeries` of every cohort; targets and predictions that count nowhere are none."""
    there = set(results.select("cohort", "series").unique().iter_rows())
    rows = [
        (cohort, each.name, each.role, place, each.evidence)
        for cohort, of in labels.series.items()
        for place, each in enumerate(of.order)
        if each.role not in REFERENCES or (cohort, each.name) in there
    ]
    return pl.DataFrame(rows, schema=dtypes(ExamSeries), orient="row")


def _as_series(series: pl.DataFrame) -> pl.DataFrame:
    return ExamSeries.validate(series.sort("cohort", "place"))


def _students(rows: pl.DataFrame, results: pl.DataFrame, settings: Attainment) -> pl.DataFrame:
    of = ["cohort", "student_id"]
    exported = rows.filter(~pl.col("baseline"), pl.col("student_id").is_not_null())
    names = (
        exported.filter(pl.col("name").is_not_null())
        .group_by([*of, "name"])
        .len()
        .sort("len", "name", descending=[True, False])
        .unique(of, keep="first", maintain_order=True)
    )
    with_baseline = (
        results.filter(pl.col("series") == settings.baseline, pl.col("points").is_not_null())
        .select(*of, in_baseline=pl.lit(value=True))
        .unique()
    )
    students = (
        exported.select([*of, "by_name"])
        .unique()
        .join(names.select([*of, "name"]), on=of, how="left")
        .join(with_baseline, on=of, how="left")
        .with_columns(pl.col("in_baseline").fill_null(value=False), in_results=pl.lit(value=True))
    )
    return CohortStudents.validate(students.select(list(dtypes(CohortStudents))).sort(of))


def _rejected(rejects: pl.DataFrame, people: pl.DataFrame, tables: Sequence[Table]) -> pl.DataFrame:
    """`RejectedRows`, but for those about who was forgotten."""
    buried = people.filter("forgotten").select("table", "row")
    rows = [
        {
            "source": "results",
            "table": TABLE,
            "file": ATTAINMENT_FOLDER + tables[table].sheet.file,
            "line": tables[table].sheet.rows[row].line,
            "heading": "",
            "rule": rule,
            "value": value,
            "row": as_json(tables[table], row),
        }
        for table, row, rule, value in rejects.join(buried, on=["table", "row"], how="anti").rows()
    ]
    frame = pl.DataFrame(rows, schema=dtypes(RejectedRows), orient="row")
    return RejectedRows.validate(frame.sort("file", "line", "rule", "value"))


def _files(
    files: Mapping[str, bytes],
    found: Found,
    rows: pl.DataFrame,
    results: pl.DataFrame,
    rejected: pl.DataFrame,
) -> pl.DataFrame:
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    lines = []
    for number, table in enumerate(found.tables):
        file = ATTAINMENT_FOLDER + table.sheet.file
        here = rows.filter(pl.col("table") == number)
        cohorts = here["cohort"].drop_nulls().unique()
        lines.append(
            {
                "file": file,
                "path": ATTAINMENT_FOLDER + table.sheet.path,
                "cohort": cohorts[0] if len(cohorts) == 1 else None,
                "kind": "baseline" if table.baseline else "results",
                "shape": table.columns.shape,
                "read_as": described(table),
                "students": here["person"].n_unique(),
                "rows": len(table.sheet.rows),
                "results": results.filter(pl.col("table") == number).height,
                "rejected": rejected.filter(pl.col("file") == file)["line"].n_unique(),
                "sha256": digests[table.sheet.path],
            }
        )
    strays = [(stray.path, stray.file, stray.rows or 0) for stray in found.strays]
    older = [(path, path, rows) for path, (_, rows) in found.replaced.items()]
    for path, file, count in [*strays, *older]:
        lines.append(
            {
                "file": ATTAINMENT_FOLDER + file,
                "path": ATTAINMENT_FOLDER + path,
                "kind": "not_read",
                "rows": count,
                "sha256": digests[path],
                **dict.fromkeys(("shape", "read_as"), ""),
                **dict.fromkeys(("students", "results", "rejected"), 0),
            }
        )
    frame = pl.DataFrame(lines, schema=dtypes(AttainmentFiles), orient="row")
    return AttainmentFiles.validate(frame.sort("file"))
