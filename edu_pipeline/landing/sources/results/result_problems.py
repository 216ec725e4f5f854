"""What is wrong with exports of results, in sentences that say what to do.

A sentence names nobody; who is concerned stands beside it, for the page that staff see.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

import polars as pl

from edu_pipeline.ground.toml import toml_list, toml_text
from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.rules import NO_DATA
from edu_pipeline.landing.sources.results.asking import (
    SHOWN,
    Note,
    by_cohort,
    ignoring,
    quoted,
    some,
)
from edu_pipeline.landing.sources.results.names import normal_name
from edu_pipeline.landing.sources.results.result_tables import Found, cohorts_of, paste
from edu_pipeline.landing.sources.results.series import sounds_like_series
from edu_pipeline.model.attainment import NOTICES, AttainmentNotes
from edu_pipeline.model.columns import dtypes
from edu_pipeline.model.grades import normal as normal_grade
from edu_pipeline.model.problems import problems_frame
from edu_pipeline.model.quality import LandingProblems
from edu_pipeline.model.subjects import is_double, subject_key
from edu_pipeline.settings.attainment import ATTAINMENT_FOLDER, Attainment

LONGEST = 24
"""Characters of a cell that a sentence shows; what is longer may be anything."""
SHORT, SEVERAL = 3, 3
"""Characters of a text that tells nobody; students from whom on a longer one is of none of them."""
FIGURES = 2
"""Figures in a text, besides a year, that make no phone number, id or date of birth."""
_YEAR = re.compile(r"\b20\d\d\b")
_A_SCHOOLS = 4
"""Subjects from which on a file is a school's, not a department's."""
_TWO_FIGURES = re.compile(r"[1-9]{2}")
MARKS = 10
"""Points from which on a number is a mark or a percentage."""


def as_frame(notes: Iterable[Note]) -> pl.DataFrame:
    """`AttainmentNotes`, in the order given."""
    rows = [
        {
            **asdict(each.problem),
            "cohort": each.cohort,
            "number": each.number,
            "who": "; ".join(sorted(each.who)) or None,
            "id": each.problem.id,
        }
        for each in notes
    ]
    schema = dtypes(AttainmentNotes)
    frame = pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)
    return AttainmentNotes.validate(frame)


def result_problems(notes: pl.DataFrame) -> pl.DataFrame:
    """What a person must look at, without names.

    Args:
        notes: `AttainmentNotes`.

    Returns:
        `LandingProblems`, without `since`.
    """
    found = notes.filter(~pl.col("kind").is_in(NOTICES)).select(
        "id",
        "holds",
        "kind",
        "subject",
        "message",
        source=pl.lit("results"),
        table=pl.lit("results"),
        part="cohort",
        rows="number",
    )
    nothing = problems_frame([])
    return LandingProblems.validate(
        pl.concat([nothing, found], how="diagonal").select(nothing.columns)
    )


def file_problems(found: Found) -> Iterator[Note]:
    """Files and sheets that are not read, and baselines of no cohort."""
    read = {table.sheet.path for table in found.tables}
    for stray in found.strays:
        where = stray.path if stray.name is None else f"{stray.path}, sheet “{stray.name}”"
        message = f"{where} is not read: {stray.reason}"
        kind = "unreadable_file" if stray.rows is None else "not_understood"
        yield Note("not_read" if stray.path in read else kind, None, message)
    for path, (newer, _) in sorted(found.replaced.items()):
        message = f"{path} is not read: {newer} is a newer export of the same."
        yield Note("replaced", None, message)
    exports = [table for table in found.tables if not table.baseline]
    every = sorted({cohort for table in exports for cohort in cohorts_of(table)})
    for table in found.tables:
        if table.baseline and not cohorts_of(table):
            example = f"{ATTAINMENT_FOLDER}{every[0] if every else '2026'}/"
            which = (
                f"there are {len(every)} cohorts that it may be of ({some(every)})"
                if every
                else "there are no results that it may be of"
            )
            message = (
                f"{table.sheet.file} is a baseline, and {which}. Put it beside the results of its "
                f"cohort into a folder of their own, such as {example}"
            )
            yield Note("no_cohort", None, message)


def expectations(
    cohort: str, references: Sequence[str], has_exams: bool, settings: Attainment
) -> Iterator[Note]:
    """Targets and predictions, which are no results and no baseline unless the settings say so.

    Args:
        cohort: Whose.
        references: Its series of these kinds.
        has_exams: Whether it has grades of any exam.
        settings: The section of `pipeline.toml`.
    """
    if not references:
        return
    example = paste("attainment.series_names", {references[0]: settings.baseline})
    message = (
        f"{cohort}: {quoted(references)} {'says' if len(references) == 1 else 'say'} what somebody expects: no "
        f"result, and not the {settings.baseline}. The page can hold results against "
        f"{'it' if len(references) == 1 else 'them'}. If one is what results are measured by, add to "
        f"pipeline.toml: {example}\nTo leave {'it' if len(references) == 1 else 'them'} out: "
        f"{ignoring(references)}"
    )
    if not has_exams:
        message = f"{cohort}: there is no grade of an exam. {message}"
    yield Note("taken_for" if has_exams else "not_understood", cohort, message, len(references))


def inferred_series(cohort: str, inferred: Mapping[str, str]) -> Iterator[Note]:
    """Mocks that are told apart by their order in the school year."""
    if not inferred:
        return
    pairs = listed([f"“{theirs}” for {ours}" for theirs, ours in sorted(inferred.items())])
    message = (
        f"{cohort}: taken {pairs}, by their order in the school year. If that is wrong, say it in "
        "[attainment.series_names]."
    )
    yield Note("taken_for", cohort, message, len(inferred))


def unknown_series(
    bad: pl.DataFrame, settings: Attainment, names: Collection[str], finals: Collection[str]
) -> Iterator[Note]:
    """Series that are none of the settings'.

    While nobody has a final, the newest exam is the result, and one of these may be it.

    Args:
        bad: `cohort`, `student_id` and `received` of every grade concerned.
        settings: The section of `pipeline.toml`.
        names: Words of students' names: a cell that has one is not shown.
        finals: Cohorts that have results of the final.
    """
    for cohort, found in by_cohort(bad):
        counts = _counts(found["received"])
        telling = _telling(found, "received", names)
        shown = [
            text
            for text in counts
            if text in telling or (sounds_like_series(text, settings) and _is_nobodys(text, names))
        ][:SHOWN]
        lines = dict.fromkeys(shown, "…")
        message = (
            f"{cohort}: {counted(found.height, 'grade')} "
            f"{'is' if found.height == 1 else 'are'} of series that we do not know: "
            f"{_with_counts(counts, shown)}. Say in pipeline.toml which of {', '.join(settings.series)} "
            f"each is: {paste('attainment.series_names', lines or {'…': '…'})}"
            f"{f'{chr(10)}Of what is none, no figure is made: {ignoring(shown)}' if shown else ''}"
        )
        holds = cohort not in finals
        yield Note("unknown_series", cohort, message, found.height, holds=holds)


def no_core(results: pl.DataFrame, names: Collection[str], settings: Attainment) -> Iterator[Note]:
    """Cohorts with results in several subjects, none of which is English, or none maths.

    Args:
        results: `cohort`, `subject` of exams.
        names: Words of students' names: a text that has one is not shown.
        settings: The section of `pipeline.toml`.
    """
    for cohort, found in by_cohort(results):
        subjects = found["subject"].unique().sort().to_list()
        keys = set(map(subject_key, subjects))
        for what, those in (("English", settings.english), ("maths", settings.maths)):
            if len(subjects) < _A_SCHOOLS or not keys.isdisjoint(map(subject_key, those)):
                continue
            shown = _shown(subjects, names)
            more = ["others"] if len(subjects) > len(shown) else []
            message = (
                f"{cohort}: no subject is taken for {what}, so there is no figure of English and maths. There "
                f"are {listed([*shown, *more])}; if one is {what}, add to pipeline.toml: "
                f"{paste('attainment.subjects', {'…': those[0]})}"
            )
            yield Note("not_read", cohort, message)


def unknown_grades(bad: pl.DataFrame, names: Collection[str]) -> Iterator[Note]:
    """Texts that are no grades.

    Args:
        bad: `cohort`, `student_id` and `grade` of every cell concerned.
        names: Words of students' names: a cell that has one is not shown.
    """
    for cohort, found in by_cohort(bad):
        counts = _counts(found["grade"])
        shown = _telling(found, "grade", names)
        marks = sum(n for text, n in counts.items() if _is_mark(text))
        message = (
            f"{cohort}: {counted(found.height, 'cell')} "
            f"{'is no grade' if found.height == 1 else 'are no grades'} that we know"
            f"{f': {_with_counts(counts, shown)}' if shown else ''}. "
        )
        if marks > found.height / 2:
            message += (
                "They look like marks or standardised scores, of which nobody but the school knows "
                "the grades: put grades there."
            )
        elif shown:
            doubles = [text for text in shown if _TWO_FIGURES.fullmatch(text)]
            if doubles:
                message += (
                    f"{listed([f'“{text}”' for text in doubles])} may be a mark or, like "
                    f"{'-'.join(doubles[0][:2])}, a double award: only in a subject called so are two "
                    f"figures one. If it is, put {'-'.join(doubles[0][:2])} there. "
                )
            if others := [text for text in shown if text not in doubles]:
                lines = "\n".join(f"{toml_text(text)} = …" for text in others)
                message += (
                    f"Say in pipeline.toml how many points each is: "
                    f"[attainment.grades]\n{lines}"
                    f"\nor, of what is no grade: [attainment]\nno_grade = {toml_list(others)}"
                )
        else:
            message += "Look at them in rejected_rows."
        message = message.rstrip()
        yield Note("unknown_grade", cohort, message, found.height)


def no_grades(cells: pl.DataFrame) -> Iterator[Note]:
    """Cells of which the settings say that they are no grade.

    Args:
        cells: `cohort` and `grade` of these.
    """
    for cohort, found in by_cohort(cells):
        counts = _counts(found["grade"])
        one = found.height == 1
        message = (
            f"{cohort}: {counted(found.height, 'cell')} {'is' if one else 'are'} no grade, as "
            f"[attainment] no_grade says: {_with_counts(counts, list(counts))}."
        )
        yield Note("not_read", cohort, message, found.height)


def _is_mark(text: str) -> bool:
    try:
        return float(normal_grade(text).rstrip("%")) >= MARKS
    except ValueError:
        return False


def duplicates(bad: pl.DataFrame, names: Collection[str]) -> Iterator[Note]:
    """Results that stand there twice and differ; of baselines, where they are of different files.

    Args:
        bad: `cohort`, `student_id`, `name`, `subject`, `series`, `file`, `line` of every one, and
            whether its file is a `baseline`.
        names: Words of students' names: a cell that has one is not shown.
    """
    key = ["cohort", "student_id", "subject", "series"]
    several = pl.col("baseline").any().over(key) & (pl.col("file").n_unique().over(key) > 1)
    bad = bad.with_columns(several=several)
    for cohort, found in by_cohort(bad.filter("several")):
        number = found.select(key).n_unique()
        files = sorted(set(found["file"]))
        message = (
            f"{cohort}: two baselines given, in {listed(files)}, and they differ for "
            f"{counted(number, 'entry')}, of which none counts. Keep one: take the other out of its "
            "file, or leave the file out."
        )
        named = found.group_by("student_id", "subject").agg(pl.col("name").drop_nulls().first())
        who = {f"{name or student} ({of})" for student, of, name in named.iter_rows()}
        yield Note("duplicate_result", cohort, message, number, who=who)
    for cohort, found in by_cohort(bad.filter(~pl.col("several"))):
        results = found.group_by(key, maintain_order=True).agg("name", "file", "line")
        first = results.row(0, named=True)
        places = [
            f"{file} line {line}" for file, line in zip(first["file"], first["line"], strict=True)
        ]
        example = [*_shown([first["subject"]], names), first["series"]]
        doubles = any(map(is_double, results["subject"]))
        who = {
            f"{row['name'][0] or row['student_id']} ({row['subject']}, {row['series']})"
            for row in results.iter_rows(named=True)
        }
        message = (
            f"{cohort}: {counted(results.height, 'result')} "
            f"{'stands' if results.height == 1 else 'stand'} there more than once with different "
            f"grades, so none of these counts; such as {listed(example)} in "
            f"{listed(places)}. Correct the export; two students of one name need an id"
            f"{', and the two grades of a double award one cell, such as 5-4' if doubles else ''}."
        )
        yield Note("duplicate_result", cohort, message, results.height, who=who)


def without_id(cohort: str, names: Collection[str], files: Collection[str]) -> Iterator[Note]:
    """Students whom only their names tell apart."""
    if not names:
        return
    message = (
        f"{cohort}: {some(sorted(files))} {'has' if len(files) == 1 else 'have'} no student id, so "
        f"{counted(len(names), 'student')} {'is' if len(names) == 1 else 'are'} told apart by name, "
        "and two of one name would be one. Export it with a UPN or an admission number."
    )
    # how many they are, changes with every export, and a release should not lapse with it
    known_as = f"{cohort}: students are told apart by name."
    yield Note("id_is_name", cohort, message, len(names), known_as=known_as)


def nobody(cohort: str, file: str, lines: Collection[int], names: Collection[str]) -> Note:
    """Rows that are told apart as no other of their file is."""
    one = len(lines) == 1
    message = (
        f"{file}: {counted(len(lines), 'row')} without an id, or with one word or a figure for a name, "
        f"unlike the others ({'line' if one else 'lines'} {some([str(n) for n in sorted(lines)])}): "
        f"{'an average' if one else 'averages'}, or a student? {'It counts' if one else 'They count'} "
        "for nobody, and no figure is shown. Take out what is no student; give a student an id, or the "
        "whole name."
    )
    return Note("ambiguous_name", cohort, message, len(lines), who=names, holds=True)


def two_in_one(cohort: str, column: str, names: Collection[str]) -> Note:
    """Names that may be of two students, because a file says two things of them."""
    one = len(names) == 1
    message = (
        f"{cohort}: {counted(len(names), 'name')} {'has' if one else 'have'} two values of {column} in "
        f"one file: two students? Without an id they are one{'' if one else ' each'}. Export it with a "
        "UPN or an admission number, or write the names so that they differ."
    )
    return Note("ambiguous_name", cohort, message, len(names), who=names)


def restating(cohort: str, columns: Sequence[str]) -> Note:
    """Columns that say again how the result compares with the baseline."""
    one = len(columns) == 1
    message = (
        f"{cohort}: {listed([f'“{column}”' for column in columns])} {'says' if one else 'say'} again "
        f"how results differ from baselines, so {'it makes' if one else 'they make'} no groups."
    )
    return Note("not_read", cohort, message, len(columns))


def ambiguous(cohort: str, file: str, names: Collection[str]) -> Note:
    """Rows of results that only have a name, which two students have."""
    message = (
        f"{file}: {counted(len(names), 'name')} {'is' if len(names) == 1 else 'are'} those of more "
        "than one student, so its rows count for nobody. Export it with the id that the others have."
    )
    return Note("ambiguous_name", cohort, message, len(names), who=names)


def unmatched(
    cohort: str,
    file: str,
    unknown: Collection[str],
    shared: Collection[str],
    other_id: Collection[str],
    of: int,
) -> Iterator[Note]:
    """Students of a baseline file who are nobody in the results.

    Args:
        cohort: Of the baseline.
        file: It.
        unknown: Names, or ids, that nobody in the results has.
        shared: Names that more than one student has.
        other_id: Names that a student with another id has.
        of: How many students it has.
    """
    number = len(unknown) + len(shared) + len(other_id)
    if not number:
        return
    reasons = [
        (len(who), why)
        for who, why in (
            (unknown, f"in no result of {cohort}"),
            (shared, "of a name that several have"),
            (other_id, "with another id in the results"),
        )
        if who
    ]
    one = len(reasons) == 1
    why = ", ".join(reason if one else f"{those} {reason}" for those, reason in reasons)
    message = (
        f"{file}: {number} of {of} unmatched: {why}. Names are compared without case, "
        "accents, punctuation and order, and never guessed: correct them in one of the two files, or "
        "export both with the same id."
    )
    if other_id:
        message += (
            " Where an id is another than in the results: if its ids are the school's own, correct "
            "them; else take their column out."
        )
    who = [
        *unknown,
        *(f"{name} (more than one of this name)" for name in shared),
        *(f"{name} (another id in the results)" for name in other_id),
    ]
    yield Note("unmatched_baseline", cohort, message, number, who=who)


def unknown_subjects(
    cohort: str,
    file: str,
    without: Mapping[str, int],
    strange: Collection[str],
    names: Collection[str],
) -> Iterator[Note]:
    """Subjects of results of which a baseline file says nothing, although it has strange ones.

    Args:
        cohort: Of the baseline.
        file: It.
        without: Subject → students in it, of those that it does not have.
        strange: Its subjects that are none of the results'.
        names: Words of students' names: a text that has one is not shown.
    """
    if not without or not strange:
        return
    lacking = some(_shown(sorted(without), names))
    there = _shown(sorted(strange), names)
    lines = dict.fromkeys(there, "…")
    message = (
        f"{file} has no baseline for {lacking} ({counted(sum(without.values()), 'entry')}), and has "
        f"{some(there)}, which are no subjects of {cohort}. Where two are the same, "
        f"add to pipeline.toml: {paste('attainment.subjects', lines)}"
    )
    yield Note("unknown_subject", cohort, message, len(without))


def not_taken(cohort: str, file: str, number: int) -> Iterator[Note]:
    """Baselines in subjects that the student does not take, as prediction services give them."""
    if not number:
        return
    message = (
        f"{file}: {counted(number, 'baseline')} {'is' if number == 1 else 'are'} not used, of subjects "
        "that the student does not take."
    )
    yield Note("not_read", cohort, message, number)


def overall(cohort: str, file: str, students: int) -> Note:
    """A baseline without subject."""
    message = (
        f"{file} has one figure for each of {counted(students, 'student')} and says no subject, so it "
        "is not used. If it is to count for every subject of the student, add to pipeline.toml: "
        '[attainment]\noverall_baseline = "every_subject"'
    )
    return Note("overall_baseline", cohort, message, students)


def broken_rows(rejected: pl.DataFrame, told: Collection[str]) -> Iterator[Note]:
    """Rows that are not read, by rule and file.

    Args:
        rejected: `RejectedRows`.
        told: Rules that other problems are about.
    """
    found = (
        rejected.filter(~pl.col("rule").is_in([*told, *NO_DATA]))
        .group_by("file", "rule")
        .agg(rows=pl.len(), line=pl.col("line").min())
        .sort("file", "rule")
    )
    for file, rule, rows, line in found.iter_rows():
        message = (
            f"{file.removeprefix(ATTAINMENT_FOLDER)}: {counted(rows, 'row')} "
            f"{'is' if rows == 1 else 'are'} not read: {rule.replace('_', ' ')}, first in line {line}. "
            "Look at them in rejected_rows."
        )
        yield Note("rejected_rows", None, message, rows)


def _telling(found: pl.DataFrame, column: str, names: Collection[str]) -> list[str]:
    """Texts that surely belong into a column, the commonest first: short, or of several students.

    A cell that slipped may hold anybody's name or address, and does so in all of a student's rows.
    """
    several = dict(found.group_by(column).agg(pl.col("student_id").n_unique()).iter_rows())
    texts = _counts(found[column])
    return _shown([t for t in texts if len(t) <= SHORT or several[t] >= SEVERAL], names)


def _counts(texts: pl.Series) -> dict[str, int]:
    counts = texts.value_counts().sort(pl.col("count") * -1, texts.name)
    return dict(counts.iter_rows())


def _shown(texts: Collection[str], names: Collection[str]) -> list[str]:
    return [
        text
        for text in texts
        if sum(map(str.isdigit, _YEAR.sub("", text))) <= FIGURES and _is_nobodys(text, names)
    ][:SHOWN]


def _is_nobodys(text: str, names: Collection[str]) -> bool:
    """Whether a text is short, no address, and has no word of a student's name."""
    words = set(normal_name(text).split())
    return len(text) <= LONGEST and "@" not in text and not words & set(names)


def _with_counts(counts: Mapping[str, int], shown: Collection[str]) -> str:
    more = ["others"] if len(counts) > len(shown) else []
    return listed([*(f"“{text}” ({counts[text]:,})" for text in shown), *more])
