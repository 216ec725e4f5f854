"""What must be agreed before a figure is made of a cohort: its final, its baseline, its scale, who it is.

Each is said by the settings, or by the export with no rival reading; else it is a question, with what was
seen and the lines to paste, and what depends on it waits. Nothing is settled by the order of columns, and
nothing rests on one word where the data says otherwise. Pure. What is wrong with a single file, row or
cell is for `problems`.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.sources.results.header import Aside, Value, as_received, normal, pair
from edu_pipeline.landing.sources.results.series import (
    is_in_settings,
    is_of_an_earlier_year,
    series_of,
    year_group_in,
    year_in,
)
from edu_pipeline.landing.sources.results.tables import Table, cohorts_of, paste
from edu_pipeline.model.grades import HIGHEST, LETTERS, is_nothing, points_of
from edu_pipeline.model.grades import normal as normal_grade
from edu_pipeline.model.subjects import is_double, subject_key, tidy
from edu_pipeline.settings.attainment import Attainment

SHOWN = 6
"""Columns, values or subjects in one sentence."""
ORDINARY_LOSS = 0.1
"""Share of a subject's students in a series whose results may be unsure without moving its figures."""
FEW_LOST = 2
"""Below, an unsure result is one that slipped, whatever its share."""
_OTHER_COHORT = 0.05
"""Share of students of another year from which on a file is no longer of one cohort."""
_MARKS = 0.05
"""Share of numbers above the highest grade from which on a column has marks."""
_HALF_A_GRADE = 0.5
_SHORT = 3
"""Characters of a grade that a sentence shows; what is longer may be anything."""
_FIRST_SITTING = 11
"""The first year group that sits final exams."""
_NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Question:
    """What only somebody at the school can say."""

    kind: str
    cohort: str | None
    message: str
    number: int = 1
    subject: str | None = None
    """The subject whose figures wait; none: those of the cohort, if any."""
    holds: bool = False
    """Whether figures wait for the answer; else what is asked about is left out of them."""


# Columns of one table


def without_rivals(table: Table, settings: Attainment) -> tuple[Table, tuple[Question, ...]]:
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
            labels = tuple(sorted({_label(table, value, settings) for value in rivals}))
            asked[series, labels].append(_differ(table, rivals))
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
    return series_of(said, settings) or said


def _label(table: Table, value: Value, settings: Attainment) -> str:
    """What tells a column from its rivals: its header without the subject."""
    header = as_received(table.sheet.header)[value.place]
    both = pair(header, settings)
    return both[1] if both is not None and value.subject is not None else header


def _one_of(
    table: Table, values: Sequence[Value], settings: Attainment
) -> Collection[Value] | None:
    """Of columns that claim the same the ones that count; None where that is not known."""
    if len(values) == 1 or not _differ(table, values):
        return values
    said = [v for v in values if is_in_settings(_label(table, v, settings), settings)]
    if said and not _differ(table, said):
        return said
    if table.baseline or _claimed(table, values[0], settings) == settings.baseline:
        finer = [value for value in values if _is_fine(table, value, settings)]
        if finer and not _differ(table, finer) and not _differ(table, values, _HALF_A_GRADE):
            return finer
    return None


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
) -> Question:
    baseline = series == settings.baseline
    what = "the baseline" if baseline else f"“{series}”"
    cohorts = cohorts_of(table)
    twice = len(labels) == 1
    which = (
        f"two columns are called “{labels[0]}”"
        if twice
        else f"{listed([f'“{label}”' for label in labels])} may each be {what}"
    )
    message = (
        f"{table.sheet.file}: {which}, and they differ in {_number(entries, 'row')}. None of them counts"
        f"{', and nothing is measured against a baseline' if baseline else ''}: "
    )
    if twice:
        message += "take one out of the file, or give it another name."
    else:
        line = paste("attainment.series_names", {labels[0]: series})
        message += f"say which one is {what}, by a line in pipeline.toml such as {line}"
    return Question(
        "which_baseline" if baseline else "which_series",
        next(iter(cohorts)) if len(cohorts) == 1 else None,
        message,
        entries,
        holds=series == settings.final,
    )


def unknown_columns(
    tables: Sequence[Table], finals: Collection[str], settings: Attainment
) -> Iterator[Question]:
    """Columns of which we know neither subject nor series, although what stands there could be grades.

    Args:
        tables: Of all cohorts.
        finals: Cohorts that have results of the final: else one of these may be the result.
        settings: The section of `pipeline.toml`.
    """
    for table in tables:
        headers = table.columns.unknown
        if not headers or table.baseline:
            continue
        of_series = table.columns.subject is not None or table.subject is not None
        what, section, example = (
            ("series", "series_names", settings.final)
            if of_series
            else ("subject", "subjects", headers[0])
        )
        one = len(headers) == 1
        holds = of_series and not cohorts_of(table) <= set(finals)
        message = (
            f"{table.sheet.file}: {_some(headers)} {'is' if one else 'are'} no {what} that we know, and "
            f"what stands there could be grades. {'It is' if one else 'They are'} left out"
            f"{', and the page waits, because it may be the result' if holds else ''}. If one is a "
            f"{what}, add to pipeline.toml: {paste(f'attainment.{section}', {headers[0]: example})}\n"
            f"If it is none: {_ignore(headers)}"
        )
        yield Question("which_column", _only(table), message, len(headers), holds=holds)


# Series of a cohort


def unplaced_series(
    tables: Sequence[Table], finals: Collection[str], settings: Attainment
) -> Iterator[Question]:
    """Columns of exams without a place among the series.

    While no final has been sat, the newest exam is the result; so then figures wait for their place.

    Args:
        tables: Of all cohorts.
        finals: Cohorts that have results of the final.
        settings: The section of `pipeline.toml`.
    """
    for table in tables:
        asides = {aside.label: aside for aside in table.columns.unplaced}
        if not asides or table.baseline:
            continue
        earlier = [label for label in asides if is_of_an_earlier_year(label)]
        later = [label for label in asides if label not in earlier]
        cohorts = cohorts_of(table)
        holds = bool(later) and not cohorts <= set(finals)
        yield _unplaced(table, list(asides.values()), earlier, settings, holds=holds)


def _unplaced(
    table: Table,
    asides: Sequence[Aside],
    earlier: Collection[str],
    settings: Attainment,
    *,
    holds: bool,
) -> Question:
    labels = [aside.label for aside in asides]
    one = len(labels) == 1
    last = settings.series.index(settings.final)
    order = [
        *(tidy(label).upper() for label in earlier),
        *settings.series[:last],
        *(tidy(label).upper() for label in labels if label not in earlier),
        *settings.series[last:],
    ]
    message = (
        f"{table.sheet.file}: {_some(labels)} {'is' if one else 'are'} of exams, or of terms, that have no "
        f"place among {listed(list(settings.series))}, so {'it is' if one else 'they are'} left out. "
    )
    if earlier:
        year = "is of a year" if len(earlier) == 1 else "are of years"
        message += f"{_some(sorted(earlier))} {year} before the final exams and never the {settings.final}. "
    if holds:
        message += f"While no {settings.final} is there, the newest exam is the result, so the page waits. "
    message += (
        f"To show {'it' if one else 'them'}, give {'it a place' if one else 'them places'} in "
        f"pipeline.toml, in the order in which they were sat: [attainment]\nseries = {_array(order)}\n"
        f"To leave {'it' if one else 'them'} out: {_ignore(labels)}"
    )
    return Question("which_series", _only(table), message, len(labels), holds=holds)


def silent_series(table: Table, settings: Attainment) -> Question:
    """A table that says no series, neither in a column nor in a header, nor in its name."""
    stem = re.sub(r"\.\w+$", "", table.sheet.path.rpartition("/")[2])
    name = table.sheet.name or stem
    message = (
        f"{table.sheet.file} says no series, so nobody can know whether its grades are those of "
        f"{settings.final} or of {settings.sat[0]}. Say it in the name of the file, such as "
        f"“{settings.final} {stem}”, or in pipeline.toml: "
        f"{paste('attainment.series_names', {name: settings.final})}"
    )
    return Question("which_series", _only(table), message, len(table.sheet.rows), holds=True)


def doubtful_finals(
    tables: Sequence[Table],
    cells: pl.DataFrame,
    settings: Attainment,
    groups: Mapping[str, set[int]],
) -> Iterator[Question]:
    """Finals that the rest of the export contradicts: of a year group that sits none, of another year.

    Args:
        tables: Of all cohorts.
        cells: `cohort`, `table`, `received` (the text of the series, if any), `series`.
        settings: The section of `pipeline.toml`.
        groups: Cohort → year groups that columns say.
    """
    finals = cells.filter(pl.col("series") == settings.final, pl.col("received").is_not_null())
    found = finals.select("cohort", "table", "received").unique(maintain_order=True)
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
            yield Question(
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
        if (
            years
            and year
            and year not in {*years, min(years) + 1}
            and "gcse" not in normal(received)
        ):
            yield Question(
                "which_series",
                cohort,
                f"{table.sheet.file}: “{received}” would be {settings.final} of {cohort}, and says another "
                f"year. No figure is shown. Say in pipeline.toml what it is: {line}",
                holds=True,
            )


# Who the cohort is

_YEAR = re.compile(r"20\d\d(?:\s*[-/–]\s*(?:20)?\d\d)?")
_YEAR_GROUP = re.compile(r"(?:year|yr|y|nc ?year|nc)?\s*(7|8|9|10|11|12|13)", re.IGNORECASE)
_FORM = re.compile(r"(7|8|9|10|11|12|13)[\W_]?[A-Za-z]\w*.*")
_NO_COHORT = frozenset(
    [
        "birth",
        "born",
        "dob",
        "entry",
        "entered",
        "admission",
        "joined",
        "start",
        "started",
        "date",
        "of",
    ]
)
_FORMS = frozenset({"form", "reg", "registration", "tutor", "class"})


@dataclass(frozen=True)
class YearsSeen:
    """What columns say of the year of students."""

    frame: pl.DataFrame
    """`cohort`, `student_id`, `kind`, `header`, `year`, `value`: each once."""

    def groups(self) -> Mapping[str, set[int]]:
        """Cohort → year groups."""
        rows = self.frame.filter(pl.col("kind") == "group").select("cohort", "year").unique()
        found: dict[str, set[int]] = defaultdict(set)
        for cohort, year in rows.iter_rows():
            found[cohort].add(int(year))
        return found


def years_of(tables: Sequence[Table], rows: pl.DataFrame) -> YearsSeen:
    """Academic years, year groups and forms of students.

    Args:
        tables: Of all cohorts.
        rows: `table`, `row`, `cohort`, `student_id`.
    """
    schema = {
        "cohort": pl.String,
        "student_id": pl.String,
        "kind": pl.String,
        "header": pl.String,
        "year": pl.String,
        "value": pl.String,
    }
    frames = [pl.DataFrame(schema=schema)]
    for number, table in enumerate(tables):
        if table.baseline:
            continue
        unused = [table.columns.cohort] if table.cohort is not None else []
        for place in (*table.columns.groups, *(p for p in unused if p is not None)):
            texts = table.texts(place, None)
            kind, years = _years(table.sheet.header[place], set(filter(None, texts)))
            if kind is None:
                continue
            column = pl.DataFrame(
                {
                    "table": [number] * len(texts),
                    "row": range(len(texts)),
                    "year": [years.get(text or "") for text in texts],
                    "value": texts,
                },
                schema={
                    "table": pl.Int64,
                    "row": pl.Int64,
                    "year": pl.String,
                    "value": pl.String,
                },
            )
            told = column.join(rows, on=["table", "row"]).with_columns(
                kind=pl.lit(kind), header=pl.lit(table.sheet.header[place])
            )
            frames.append(
                told.drop_nulls(["cohort", "student_id", "year"]).select(list(schema)).unique()
            )
    return YearsSeen(pl.concat(frames).unique(maintain_order=True))


def _years(header: str, values: Collection[str]) -> tuple[str | None, Mapping[str, str]]:
    """What a column says of years, and the year of each of its values."""
    words = set(normal(header).split())
    if not words.isdisjoint(_NO_COHORT):
        return None, {}
    by_form = not words.isdisjoint(_FORMS)
    about_years = any("year" in word or word in ("yr", "nc", "cohort") for word in words)
    for kind, pattern, fits in (
        ("year", _YEAR, about_years or "leavers" in words),
        ("group", _YEAR_GROUP, about_years or all(not value.isdigit() for value in values)),
        ("group", _FORM, by_form),
    ):
        found = {value: match for value in values if (match := pattern.fullmatch(value.strip()))}
        if fits and values and len(found) >= _NEARLY_ALL * len(values):
            return kind, {value: match[match.lastindex or 0] for value, match in found.items()}
    return None, {}


def several_cohorts(seen: YearsSeen) -> Iterator[Question]:
    """Cohorts in which students of several years are: told by columns in which each has one."""
    for (cohort, kind), found in seen.frame.group_by("cohort", "kind", maintain_order=True):
        years = found.group_by("student_id").agg(pl.col("year").unique(), pl.col("header").first())
        alone = years.filter(pl.col("year").list.len() == 1)
        if alone.height < _NEARLY_ALL * years.height:
            continue  # the same students over several years
        counts = alone.group_by(pl.col("year").list.first()).len().sort("year")
        largest = counts["len"].max()
        others = alone.height - (largest if isinstance(largest, int) else 0)
        if not others:
            continue
        headers = found["header"].unique(maintain_order=True).to_list()
        by_number = counts.sort(pl.col("year").str.zfill(9))
        what = "Year " if kind == "group" else ""
        which = listed([f"{what}{year} ({n:,})" for year, n in by_number.head(SHOWN).iter_rows()])
        of_form = all(
            not _YEAR_GROUP.fullmatch(v) and not _YEAR.fullmatch(v) for v in found["value"]
        )
        message = (
            f"{cohort}: “{headers[0]}” says students of {which}{' …' if counts.height > SHOWN else ''}, so "
            "this is not one cohort, and a figure of all together says nothing. "
        )
        if of_form:
            message += "Put each year group into a folder of its own, which is a cohort. "
        else:
            message += (
                "If each is a cohort, add to pipeline.toml: "
                f"{paste('attainment.columns', {'cohort': headers[0]})}\n"
            )
        message += f"If they are one all the same: {_ignore(headers)}"
        holds = others >= FEW_LOST and others >= _OTHER_COHORT * alone.height
        yield Question("which_cohort", str(cohort), message, others, holds=holds)


# On what scale

_LEVEL_3 = re.compile(
    r"\b(a[ -]?levels?(?! ?[12])|gce|as[ -]?levels?|a2|level ?3|l3|ks ?5|key stage 5|sixth form|"
    r"t[ -]?levels?|ib|y(?:ea)?r? ?1[23])\b",
    re.IGNORECASE,
)
_LEVEL_1 = re.compile(
    r"\b(?:level|lev|l) ?1\b(?!\s*(?:/|&|-|and|or)\s*(?:level|l)? ?2)", re.IGNORECASE
)
_LEVEL_2 = re.compile(
    r"\b(gcses?|igcses?|ks ?4|key stage 4|(?:level|lev|l) ?(?:1 ?/ ?)?2)\b", re.IGNORECASE
)
_ENTRY = re.compile(r"\bentry level\b|\bel ?[123]\b", re.IGNORECASE)
_QUALIFICATION = re.compile(
    rf"{_LEVEL_3.pattern}|{_LEVEL_1.pattern}|{_LEVEL_2.pattern}|{_ENTRY.pattern}|\b(?:btec|ncfe|vcert)\b",
    re.IGNORECASE,
)


def level_of(text: str) -> int | None:
    """The level of a qualification that a text says: 0 (entry) to 3; None: it says none."""
    spelt = text.replace("_", " ")
    for level, pattern in ((0, _ENTRY), (3, _LEVEL_3), (1, _LEVEL_1), (2, _LEVEL_2)):
        if pattern.search(spelt):
            return level
    return None


def with_levels(cells: pl.DataFrame, tables: Sequence[Table], settings: Attainment) -> pl.DataFrame:
    """Cells with `level`, of which qualification they are; empty where nothing says it.

    The subject's own name wins over a column of qualifications, that over the series and the names of
    sheet, file and folder. A final that the settings call so is on the scale that they say.

    Args:
        cells: `table`, `row`, `spelt` (the subject as received) and `received` (the series).
        tables: Of all cohorts.
        settings: The section of `pipeline.toml`.
    """
    frames = [
        pl.DataFrame(
            schema={"table": pl.Int64, "row": pl.Int64, "said": pl.Int64, "title": pl.Int64}
        )
    ]
    for number, table in enumerate(tables):
        size = len(table.sheet.rows)
        titles = [table.sheet.name or "", table.sheet.path.rpartition("/")[2]]
        title = next((level for text in titles if (level := level_of(text)) is not None), None)
        said: list[int | None] = [None] * size
        for place in table.columns.groups:
            texts = table.texts(place, None)
            values = set(filter(None, texts))
            if values and sum(map(bool, map(_QUALIFICATION.search, values))) * 2 > len(values):
                levels = {value: level_of(value) for value in values}
                said = [levels.get(text or "") for text in texts]
                break
        frames.append(
            pl.DataFrame(
                {
                    "table": [number] * size,
                    "row": range(size),
                    "said": said,
                    "title": [title] * size,
                },
                schema=frames[0].schema,
            )
        )
    found = cells.join(pl.concat(frames), on=["table", "row"], how="left", maintain_order="left")
    own = level_of(settings.final)
    said_by = pl.coalesce(_levels("spelt"), "said", _levels("received"), "title")
    return found.with_columns(level=pl.when(said_by == own).then(None).otherwise(said_by)).drop(
        "said", "title"
    )


def _levels(column: str) -> pl.Expr:
    return pl.col(column).map_elements(level_of, return_dtype=pl.Int64)


def on_scale(settings: Attainment) -> pl.Expr:
    """Whether a cell, with `level`, is of a qualification that the scale of GCSEs has, or of settings."""
    own = [normal_grade(grade) for grade in settings.grades]
    plain = pl.col("grade").map_elements(normal_grade, return_dtype=pl.String)
    other = pl.col("level").is_in([0, 3]).fill_null(value=False)
    return pl.col("baseline") | (pl.col("series") == settings.baseline) | ~other | plain.is_in(own)


def other_scales(cells: pl.DataFrame, settings: Attainment) -> Iterator[Question]:
    """Grades of qualifications that stand on another scale than GCSEs.

    Args:
        cells: With `level`, `cohort`, `subject`, `series`, `received`, `grade`, `baseline`.
        settings: The section of `pipeline.toml`; grades that it names are worth what it says.
    """
    own = {normal_grade(grade) for grade in settings.grades}
    of_exams = cells.filter(~pl.col("baseline"), pl.col("series") != settings.baseline)
    letters = list(LETTERS)
    grades = of_exams.with_columns(
        plain=pl.col("grade").map_elements(normal_grade, return_dtype=pl.String)
    ).filter(~pl.col("plain").is_in(list(own)))
    for (cohort,), found in grades.group_by("cohort", maintain_order=True):
        high = found.filter(pl.col("level").is_in([0, 3]))
        if not high.is_empty():
            yield from _of_other_levels(str(cohort), found, high)
        elif (
            found["level"].null_count() == found.height
            and not found.is_empty()
            and found["plain"].is_in([*letters, "U", "X"]).all()
            and found["plain"].is_in(letters[:6]).any()
            and settings.final == "GCSE"
            and not any("gcse" in normal(text) for text in found["received"].drop_nulls().unique())
        ):
            yield Question(
                "which_scale",
                str(cohort),
                f"{cohort}: all grades are letters, {_some(sorted(found['plain'].unique()))}, and nothing "
                "says whether they are those of A levels or of old GCSEs. No figure is shown. If they are "
                "GCSEs, say so in the header or in the name of the file; else say in pipeline.toml how "
                f"many points each is worth: {_worth(found['plain'])}",
                found.height,
                holds=True,
            )


def _of_other_levels(cohort: str, found: pl.DataFrame, high: pl.DataFrame) -> Iterator[Question]:
    everywhere = set(high["subject"]) >= set(found["subject"])
    for level, what in ((3, "A levels, or other qualifications of level 3"), (0, "entry level")):
        of = high.filter(pl.col("level") == level)
        if of.is_empty():
            continue
        subjects = sorted(of["subject"].drop_nulls().unique())
        message = (
            f"{cohort}: {_number(of.height, 'grade')} in {_some(subjects)} are of {what}, and the page "
            "has the scale of GCSEs, where the same letter is worth something else. They are not shown. "
            "Take them out of the file, or say in pipeline.toml how many points each is worth: "
            f"{_worth(of['plain'])}"
        )
        for subject in [None] if everywhere else subjects:
            yield Question("which_scale", cohort, message, of.height, subject, holds=True)


def _worth(grades: pl.Series) -> str:
    short = [grade for grade in sorted(grades.unique()) if len(grade) <= _SHORT]
    return "\n".join(["[attainment.grades]", *(f'"{grade}" = …' for grade in short[:SHOWN])])


def columns_of_marks(
    cells: pl.DataFrame, tables: Sequence[Table], settings: Attainment
) -> tuple[pl.DataFrame, list[Question]]:
    """Columns in which marks stand: also what could be a grade there is none.

    Args:
        cells: `table`, `place`, `received`, `series`, `cohort`, `grade`, `points`, `absent`, `spelt`.
        tables: Of all cohorts.
        settings: The section of `pipeline.toml`.

    Returns:
        `table`, `place` and `series` of marks, and the questions.
    """
    exams = cells.filter(~pl.col("baseline"), pl.col("series") != settings.baseline)
    key = ["table", "place", "series"]
    counts = (
        exams.with_columns(high=pl.struct("grade", "spelt").map_elements(_is_high, pl.Boolean))
        .group_by("cohort", *key, maintain_order=True)
        .agg(
            n=pl.len(),
            high=pl.col("high").sum(),
            numbers=pl.col("grade").map_elements(_is_whole, pl.Boolean).all(),
        )
    )
    bad, questions = [pl.DataFrame(schema={name: cells.schema[name] for name in key})], []
    for (cohort, number, place), found in counts.group_by(
        "cohort", "table", "place", maintain_order=True
    ):
        table = tables[number]
        header = table.sheet.header[place]
        called = _called_marks(header, settings)
        high = (pl.col("high") >= FEW_LOST) & (pl.col("high") >= _MARKS * pl.col("n"))
        marks = found.filter(high)
        if called and found["high"].sum() > 0:
            marks = found
        series = sorted(set(marks["series"]))
        if marks.is_empty():
            if called and found["numbers"].all():
                questions.append(_maybe_marks(str(cohort), table, header, int(found["n"].sum())))
            continue
        bad.append(marks.select(key))
        questions.append(
            Question(
                "which_scale",
                str(cohort),
                f"{table.sheet.file}: “{header}” has marks, or scores, and no grades: {marks['high'].sum()} of "
                f"{marks['n'].sum()} in {listed(series)} are above 9. Nobody but the school knows the "
                "boundaries, so none of them counts, whatever it is. Put grades there.",
                int(marks["n"].sum()),
                holds=True,
            )
        )
    return pl.concat(bad), questions


def _maybe_marks(cohort: str, table: Table, header: str, number: int) -> Question:
    return Question(
        "which_scale",
        cohort,
        f"{table.sheet.file}: “{header}” may have marks, or grades from 1 to 9. No figure is shown. If they "
        f"are grades, add to pipeline.toml: {paste('attainment.columns', {'grade': header})}",
        number,
        holds=True,
    )


def _called_marks(header: str, settings: Attainment) -> bool:
    if normal(settings.columns.get("grade", "")) == normal(header):
        return False
    words = set(normal(header).split())
    return "%" in header or not words.isdisjoint({"mark", "marks", "raw", "percent", "percentage"})


def _is_high(cell: Mapping[str, str | None]) -> bool:
    """Whether a number is above the highest grade, and no double award."""
    grade = normal_grade(cell["grade"] or "").rstrip("% ")
    try:
        number = float(grade.replace(",", "."))
    except ValueError:
        return re.fullmatch(r"\d+ ?/ ?\d\d+", grade) is not None
    double = is_double(cell["spelt"] or "") and points_of(grade) is not None
    return number > HIGHEST and not double


def _is_whole(grade: str) -> bool:
    return re.fullmatch(r"\d", grade.strip()) is not None


# How much is unsure


@dataclass(frozen=True)
class Loss:
    """Figures that would be of those few who are left."""

    dropped: pl.DataFrame
    """`cohort`, `subject`, `series` of which no result counts, and others of the subject do."""
    questions: tuple[Question, ...]


def losses(
    cells: pl.DataFrame, good: pl.DataFrame, settings: Attainment, reasons: Mapping[str, str]
) -> Loss:
    """Subjects and series of which too many results are unsure to show the others.

    A mock beside a final is left out; else the subject waits. Who has a grade and who has none is not
    chance where only some were written wrongly.

    Args:
        cells: Every grade and absence whose series is known: `cohort`, `student_id`, `subject`,
            `series`, `why` (a key of `reasons`; empty where it is sure).
        good: Of these, the ones that count.
        settings: The section of `pipeline.toml`.
        reasons: What happened to those that do not.
    """
    key = ["cohort", "subject", "series"]
    entry = [*key, "student_id"]
    known = cells.drop_nulls(entry)
    counts = (
        known.group_by(entry)
        .agg(pl.col("why").drop_nulls().first())
        .join(good.select(entry).unique(), on=entry, how="anti")
        .drop_nulls("why")
        .group_by(key)
        .agg(lost=pl.len(), why=pl.col("why").mode().sort().first())
        .join(known.group_by(key).agg(of=pl.col("student_id").n_unique()), on=key)
        .filter(pl.col("lost") >= FEW_LOST, pl.col("lost") > ORDINARY_LOSS * pl.col("of"))
        .sort(key)
    )
    finals = good.filter(pl.col("series") == settings.final).select("cohort", "subject").unique()
    counts = counts.join(
        finals.with_columns(final=pl.lit(value=True)), on=["cohort", "subject"], how="left"
    ).with_columns(
        holds=(pl.col("series") == settings.final)
        | (pl.col("final").is_null() & (pl.col("series") != settings.baseline))
    )
    questions = []
    for row in counts.iter_rows(named=True):
        what = (
            "Nothing of the subject is shown"
            if row["holds"]
            else f"{row['series']} is left out of the subject"
        )
        questions.append(
            Question(
                "too_much_unsure",
                row["cohort"],
                f"{row['cohort']}: in {row['subject']}, {row['lost']} of {row['of']} results of "
                f"{row['series']} are not sure, because {reasons[row['why']]}; figures of the others would "
                f"be figures of chance. {what} until the export is corrected.",
                row["lost"],
                row["subject"],
                holds=row["holds"],
            )
        )
    return Loss(counts.filter(~pl.col("holds")).select(key), tuple(questions))


def _only(table: Table) -> str | None:
    cohorts = cohorts_of(table)
    return next(iter(cohorts)) if len(cohorts) == 1 else None


def _some(texts: Sequence[str]) -> str:
    shown = [f"“{text}”" for text in texts[:SHOWN]]
    return listed([*shown, *(["others"] if len(texts) > SHOWN else [])])


def _array(texts: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"


def _ignore(texts: Sequence[str]) -> str:
    return f"[attainment]\nignore = {_array(texts)}"


def _number(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"
