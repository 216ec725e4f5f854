"""Which series a column is of, which is the final, and which of several columns counts. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from edu_pipeline.ground.toml import toml_list
from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.sources.results.asking import (
    SHOWN,
    Note,
    by_cohort,
    ignoring,
    only_cohort,
    quoted,
)
from edu_pipeline.landing.sources.results.exam_order import SeriesNames
from edu_pipeline.landing.sources.results.header import Value, as_received, making, normal, pair
from edu_pipeline.landing.sources.results.result_tables import Table, cohorts_of, paste
from edu_pipeline.landing.sources.results.series import (
    is_in_settings,
    is_of_an_earlier_year,
    leaving_year_in,
    may_be_final,
    said_of,
    series_of,
    sounds_like_series,
    year_group_in,
    year_in,
)
from edu_pipeline.model.grades import LETTERS, is_nothing, points_of
from edu_pipeline.model.grades import normal as normal_grade
from edu_pipeline.model.subjects import is_half, subject_key, tidy
from edu_pipeline.settings.attainment import Attainment

_HALF_A_GRADE = 0.5
_SECTIONS = {"series": "series_names", "subject": "subjects"}
_MARKS = re.compile(r"%|\b(?:ums|marks?|raw|per ?cent(?:age)?)\b", re.IGNORECASE)
"""Words of columns in which marks stand, beside those of the grades."""
_FIRST_SITTING = 11
"""The first year group that sits final exams."""


def without_rivals(table: Table, settings: Attainment) -> tuple[Table, tuple[Note, ...]]:
    """A table without columns of which several claim to be one series of one subject.

    Several that never differ say the same. Of a baseline's points and its grades the finer count. Else
    the one that the settings name counts, or none does.

    Args:
        table: As its columns were read.
        settings: The section of `pipeline.toml`.
    """
    claims: dict[tuple[str | None, str], list[Value]] = defaultdict(list)
    for value in table.columns.values:
        subject = value.subject or table.subject
        claims[subject and subject_key(subject), _claimed(table, value, settings)].append(value)
    out: set[int] = set()
    asked: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
    for (_, series), rivals in claims.items():
        kept = _one_of(table, rivals, settings)
        if kept is None:
            graded = _without_marks(table, rivals, settings)
            labels = tuple(sorted({_label(table, value, settings) for value in graded}))
            asked[series, labels].append(_differ(table, graded))
        out |= {value.place for value in rivals if value not in (kept or ())}
    values = tuple(value for value in table.columns.values if value.place not in out)
    questions = tuple(
        _rivals(table, series, labels, sum(entries), settings)
        for (series, labels), entries in sorted(asked.items())
    )
    return replace(table, columns=replace(table.columns, values=values)), questions


def _claimed(table: Table, value: Value, settings: Attainment) -> str:
    """The series that a column is of, or the text that says one."""
    if table.baseline:
        return settings.baseline
    said = value.series or table.series or ""
    known = series_of(said, settings)
    if known is None and sounds_like_series(said, settings):
        return " ".join(map(str, said_of(said).key))
    return known or (settings.final if may_be_final(said, settings) else said)


def _label(table: Table, value: Value, settings: Attainment) -> str:
    """What tells a column from its rivals: its header without the subject."""
    header = as_received(table.sheet.header)[value.place]
    both = pair(header, settings)
    if value.subject is None or is_half(value.subject):
        return header
    return both[1] if both is not None else value.series or header


def _one_of(
    table: Table, values: Sequence[Value], settings: Attainment
) -> Collection[Value] | None:
    """Of columns that claim the same the ones that count; None where that is not known."""
    if len(values) == 1 or not _differ(table, values):
        known = [v for v in values if series_of(v.series or table.series or "", settings)]
        return known or values
    said = [v for v in values if is_in_settings(_label(table, v, settings), settings)]
    if said and not _differ(table, said):
        return said
    graded = _without_marks(table, values, settings)
    if len(graded) < len(values):
        return _one_of(table, graded, settings)
    if table.baseline or _claimed(table, values[0], settings) == settings.baseline:
        finer = [value for value in values if _is_fine(table, value, settings)]
        if finer and not _differ(table, finer) and not _differ(table, values, _HALF_A_GRADE):
            return finer
    return None


def _without_marks(table: Table, values: Sequence[Value], settings: Attainment) -> Sequence[Value]:
    """Columns but those that their headers call marks, where others are there."""
    graded = [v for v in values if not _MARKS.search(_label(table, v, settings))]
    return graded or values


def _differ(table: Table, values: Sequence[Value], by: float = 0.0) -> int:
    """Rows in which columns have different grades, by more than so many points."""
    several = 0
    for row in table.sheet.rows:
        texts = {row.cells[v.place].strip() for v in values if not is_nothing(row.cells[v.place])}
        points = [points_of(text) for text in texts]
        known = [each for each in points if each is not None]
        if len(known) == len(points):
            several += max(known, default=0) - min(known, default=0) > by + 1e-9
        else:
            several += len(texts) > 1
    return several


def _is_fine(table: Table, value: Value, settings: Attainment) -> bool:
    points = [points_of(row.cells[value.place], settings.grades) for row in table.sheet.rows]
    return any(each is not None and each != int(each) for each in points)


def _rivals(
    table: Table, series: str, labels: Sequence[str], entries: int, settings: Attainment
) -> Note:
    baseline = series == settings.baseline
    what = "the baseline" if baseline else f"“{series}”"
    twice = len(labels) == 1
    which = (
        f"two columns are called “{labels[0]}”"
        if twice
        else f"{listed([f'“{label}”' for label in labels])} may each be {what}"
    )
    message = (
        f"{table.sheet.file}: {which}, and they differ in {counted(entries, 'row')}. None of them counts"
        f"{', and nothing is measured against a baseline' if baseline else ''}: "
    )
    if twice:
        message += "take one out of the file, or give it another name."
    else:
        lines = [paste("attainment.series_names", {label: series}) for label in labels[:SHOWN]]
        if any(is_half(v.subject or "") for v in table.columns.values):
            message += "the two grades of one award belong into one column, such as 5-4; else "
        message += f"say which one is {what}, in pipeline.toml: " + "\nor: ".join(lines)
    return Note(
        "which_baseline" if baseline else "which_series",
        only_cohort(table),
        message,
        entries,
        holds=series == settings.final,
    )


def rival_texts(cells: pl.DataFrame, settings: Attainment) -> tuple[pl.DataFrame, list[Note]]:
    """Texts in rows, or in several files, that mean one series and differ: which of them is it?

    Args:
        cells: `cohort`, `student_id`, `subject`, `series`, `received`, `points`, `absent`, `baseline` of grades.
        settings: The section of `pipeline.toml`.

    Returns:
        `cohort`, `series` and `received` of those that do not count, and the questions.
    """
    key = ["cohort", "student_id", "subject", "series"]
    said = cells.filter(~pl.col("baseline")).drop_nulls([*key, "received"])
    clash = (
        said.group_by(key)
        .agg(
            pl.col("received").unique().sort(),
            grades=pl.struct("points", "absent").n_unique(),
        )
        .filter(pl.col("received").list.len() > 1, pl.col("grades") > 1)
    )
    out: list[tuple[str, str, str]] = []
    notes = []
    for (cohort, series), of in clash.sort(key).group_by("cohort", "series", maintain_order=True):
        texts = sorted(set(of["received"].explode()))
        known = [text for text in texts if is_in_settings(text, settings)]
        out += [(str(cohort), str(series), text) for text in texts if text not in known]
        if known:
            continue
        baseline = series == settings.baseline
        what = "the baseline" if baseline else f"“{series}”"
        lines = [
            paste("attainment.series_names", {text: str(series)})
            if series in settings.series
            else ignoring([other for other in texts if other != text])
            for text in texts[:SHOWN]
        ]
        message = (
            f"{cohort}: {listed([f'“{text}”' for text in texts])} may each be {what}, and they differ in "
            f"{counted(of.height, 'entry')}. None of them counts"
            f"{', and nothing is measured against a baseline' if baseline else ''}: say which one is {what}, "
            f"in pipeline.toml: " + "\nor: ".join(lines)
        )
        kind = "which_baseline" if baseline else "which_series"
        notes.append(Note(kind, str(cohort), message, of.height, holds=series == settings.final))
    schema = dict.fromkeys(("cohort", "series", "received"), pl.String)
    return pl.DataFrame(out, schema=schema, orient="row"), notes


def letters_beside_numbers(
    cells: pl.DataFrame, settings: Attainment
) -> tuple[list[str], list[Note]]:
    """Cohorts whose baseline has letters only where results are numbers: bands, or grades of old?

    Args:
        cells: `cohort`, `series`, `grade` of grades.
        settings: The section of `pipeline.toml`; letters that it gives points are grades.
    """
    own = {normal_grade(grade) for grade in settings.grades}
    found, notes = [], []
    for cohort, of in by_cohort(cells.drop_nulls("cohort")):
        letters = {
            normal_grade(text) for text in of.filter(series=settings.baseline)["grade"].unique()
        }
        results = of.filter(pl.col("series").is_in(settings.sat))["grade"]
        numbers = results.str.contains(r"\d").sum()
        if not letters or not letters <= set(LETTERS) - own or 2 * numbers < len(results):
            continue
        if results.is_empty():
            continue
        found.append(cohort)
        points = "\n".join(f'"{letter}" = …' for letter in sorted(letters)[:SHOWN])
        message = (
            f"{cohort}: the baseline has letters, {quoted(sorted(letters))}, and results are numbers: are "
            "these bands, or grades? It does not count, and nothing is measured against a baseline. If they "
            f"are grades, say in pipeline.toml how many points each is: [attainment.grades]\n{points}"
        )
        notes.append(Note("which_baseline", cohort, message))
    return found, notes


def unknown_columns(
    tables: Sequence[Table], finals: Collection[str], settings: Attainment
) -> Iterator[Note]:
    """Columns of which we know neither subject nor series, although what stands there could be grades.

    Args:
        tables: Of all cohorts.
        finals: Cohorts that have results of the final: else one of these may be the result.
        settings: The section of `pipeline.toml`.
    """
    for table in tables:
        columns, waits = table.columns, not cohorts_of(table) <= set(finals)
        if columns.bare:
            yield _of_no_subject(table)
        of_series = columns.subject is not None or table.subject is not None
        for headers, is_series in ((columns.unknown, of_series), (columns.beside, True)):
            if not headers or table.baseline:
                continue
            what, which = "subject", ""
            if is_series:
                what, which = "series", f" and which of {listed(list(settings.series))}"
            lines: dict[str, str] = {}
            for header in headers[:SHOWN]:
                lines |= making(header, settings, series=is_series)
            one, holds = len(headers) == 1, is_series and waits
            message = (
                f"{table.sheet.file}: {quoted(headers)} {'is' if one else 'are'} no {what} that we know, and "
                f"what stands there could be grades. {'It is' if one else 'They are'} left out"
                f"{', and the page waits, because it may be the result' if holds else ''}. Say in "
                f"pipeline.toml which is a {what}{which}: {paste(f'attainment.{_SECTIONS[what]}', lines)}\n"
                f"and which is none: {ignoring(headers)}"
            )
            yield Note("which_column", only_cohort(table), message, len(headers), holds=holds)


def _of_no_subject(table: Table) -> Note:
    """Columns of a series that say no subject, where others do."""
    headers = table.columns.bare
    one = len(headers) == 1
    subject = next(value.subject for value in table.columns.values if value.subject)
    out = f"leave {'it' if one else 'them'} out: {ignoring(headers)}"
    if not {value.series for value in table.columns.values}.isdisjoint(headers):
        # the line would leave out those of the subjects, too
        out = f"take {'it' if one else 'them'} out of the file, or give another name."
    message = (
        f"{table.sheet.file}: {quoted(headers)} {'says' if one else 'say'} no subject, and other columns do, so "
        f"no figure is made of {'it' if one else 'them'}. If one is of a subject, call it so, such as “{subject} "
        f"{headers[0]}”; if none is, {out}"
    )
    return Note("which_column", only_cohort(table), message, len(headers))


def no_subjects(cells: pl.DataFrame) -> Iterator[Note]:
    """What stands among subjects and is none.

    Args:
        cells: `cohort` and `spelt`, the subject as received, of what is left out.
    """
    for cohort, found in by_cohort(cells):
        texts = found["spelt"].unique().sort().to_list()
        message = (
            f"{cohort}: {quoted(texts)} {'stands' if len(texts) == 1 else 'stand'} among the subjects and "
            f"{'is' if len(texts) == 1 else 'are'} none that we know, so no figure is made of "
            f"{'it' if len(texts) == 1 else 'them'}. That it stays so: {ignoring(texts)}\n"
            f"If one is a subject: {paste('attainment.subjects', {texts[0]: texts[0]})}"
        )
        yield Note("which_column", cohort, message, found.height)


def unplaced_series(
    cohort: str, of: SeriesNames, headers: Collection[str], has_final: bool, settings: Attainment
) -> Iterator[Note]:
    """Columns of exams of which it is not known where they stand among the others.

    While no final has been sat, the newest exam is the result; so then figures wait for their place.

    Args:
        cohort: Whose.
        of: Its series.
        headers: Texts of series that headers, sheets and files have.
        has_final: Whether it has results of the final.
        settings: The section of `pipeline.toml`.
    """
    labels = [text for text in of.unplaced if text in headers]
    if not labels:
        return
    earlier = [label for label in labels if is_of_an_earlier_year(label)]
    later = [label for label in labels if label not in earlier]
    holds = bool(later) and not has_final
    one = len(labels) == 1
    placed = of.called("sat", "final")
    last = placed.index(settings.final)
    order = list(
        dict.fromkeys(
            [
                *(tidy(label).upper() for label in earlier),
                *placed[:last],
                *(tidy(label).upper() for label in later),
                *placed[last:],
            ]
        )
    )
    message = (
        f"{cohort}: {quoted(labels)} {'is' if one else 'are'} of exams, or of terms, and nothing says when "
        f"{'it was' if one else 'they were'} sat among {listed(placed)}, so {'it is' if one else 'they are'} "
        "left out. "
    )
    if of.maybe_final:
        message += (
            f"{quoted(of.maybe_final)} may be a term, or the {settings.final}; if it is, add to "
            f"pipeline.toml: {paste('attainment.series_names', {of.maybe_final[0]: settings.final})}\n"
        )
    if earlier:
        year = "is of a year" if len(earlier) == 1 else "are of years"
        message += (
            f"{quoted(earlier)} {year} before the final exams and never the {settings.final}. "
        )
    if holds:
        message += f"While no {settings.final} is there, the newest exam is the result, so the page waits. "
    message += (
        f"To show {'it' if one else 'them'}, give {'it a place' if one else 'them places'} in "
        "pipeline.toml, in the order in which they were sat: [attainment]\n"
        f"series = {toml_list(order)}\n"
        f"To leave {'it' if one else 'them'} out: {ignoring(labels)}"
    )
    yield Note("which_series", cohort, message, len(labels), holds=holds)


def silent_series(table: Table, settings: Attainment) -> Note:
    """A table that says no series, neither in a column nor in a header, nor in its name."""
    stem = re.sub(r"\.\w+$", "", table.sheet.path.rpartition("/")[2])
    name = table.sheet.name or stem
    headers, values = table.sheet.header, table.columns.values
    silent = [headers[value.place] for value in values if value.series is None]
    beside = len(silent) < len(values)  # others say one
    where = (
        f"header, such as “{silent[0]} {settings.final}”"
        if beside
        else (f"name of the file, such as “{settings.final} {stem}”")
    )
    message = (
        f"{table.sheet.file} says no series{f' of {quoted(silent)}' if beside else ''}, so nobody can "
        f"know whether {'these' if beside else 'its'} grades are those of {settings.final} or of "
        f"{settings.sat[0]}. Say it in the {where}, or in pipeline.toml: "
        f"{paste('attainment.series_names', {name: settings.final})}"
        f"{f'{chr(10)}To leave them out: {ignoring(silent)}' if beside else ''}"
    )
    return Note("which_series", only_cohort(table), message, len(table.sheet.rows), holds=True)


def doubtful_finals(
    tables: Sequence[Table],
    cells: pl.DataFrame,
    settings: Attainment,
    groups: Mapping[str, set[int]],
) -> Iterator[Note]:
    """Finals that the rest of the export contradicts: of a year group that sits none, of another year.

    Args:
        tables: Of all cohorts.
        cells: `cohort`, `table`, `received` (the text of the series, if any), `series`, `baseline`.
        settings: The section of `pipeline.toml`.
        groups: Cohort → year groups that columns say.
    """
    finals = cells.filter(pl.col("series") == settings.final, pl.col("received").is_not_null())
    found = finals.select("cohort", "table", "received").unique(maintain_order=True)
    mocks = [name for name in settings.sat if name != settings.final]
    of_mocks = cells.filter(pl.col("series").is_in(mocks), ~pl.col("baseline"))
    sat = {
        cohort: dict(of.select("series", "received").rows()) for cohort, of in by_cohort(of_mocks)
    }
    for cohort, number, received in found.iter_rows():
        if is_in_settings(received, settings):
            continue
        table = tables[number]
        titles = [table.sheet.name or "", table.sheet.path.replace("_", " ")]
        said = {group for title in titles if (group := year_group_in(title))}
        wrong = {group for group in said | groups.get(cohort, set()) if group < _FIRST_SITTING}
        line = paste("attainment.series_names", {received: settings.final})
        if wrong and wrong == said | groups.get(cohort, set()):
            group = max(wrong)
            yield Note(
                "which_series",
                cohort,
                f"{table.sheet.file}: “{received}” would be {settings.final}, which Year {group} has not "
                f"sat, and the export is of Year {group}. No figure is shown. Say in pipeline.toml "
                f"what it is: {paste('attainment.series_names', {received: settings.sat[0]})}\n"
                f"or, if it is the final after all: {line}",
                holds=True,
            )
        years = {int(year) for year in re.findall(r"\b(20\d\d)\b", cohort)}
        year = year_in(received)
        others = sat.get(cohort, {})
        if (
            year
            and not years
            and others
            and leaving_year_in(received) not in map(leaving_year_in, filter(None, others.values()))
            and "gcse" not in normal(received)
        ):
            first = min(others)
            yield Note(
                "which_series",
                cohort,
                f"{table.sheet.file}: “{received}” may be the {settings.final}, or an exam of the year before "
                f"{first}, and nothing says in which year this cohort leaves. No figure is shown. Give "
                f"the file, or its folder, the year in its name, or say in pipeline.toml what it is: {line}",
                holds=True,
            )
        if (
            years
            and year
            and year not in {*years, min(years) + 1}
            and "gcse" not in normal(received)
        ):
            yield Note(
                "which_series",
                cohort,
                f"{table.sheet.file}: “{received}” would be {settings.final} of {cohort}, and says another "
                f"year. No figure is shown. Say in pipeline.toml what it is: {line}\n"
                "or, if it is an exam of a year before: [attainment]\n"
                f"series = {toml_list([tidy(received).upper(), *settings.series])}",
                holds=True,
            )
