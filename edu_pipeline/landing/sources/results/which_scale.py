"""On what scale grades stand: those of GCSEs, of another qualification, or none because they are marks. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.sources.results.asking import FEW, SHOWN, Note, quoted
from edu_pipeline.landing.sources.results.header import normal
from edu_pipeline.landing.sources.results.result_tables import Table, paste
from edu_pipeline.model.grades import HIGHEST, LETTERS, points_of
from edu_pipeline.model.grades import normal as normal_grade
from edu_pipeline.model.subjects import is_double
from edu_pipeline.settings.attainment import Attainment

_MARKS = 0.05
"""Share of numbers above the highest grade from which on a column has marks."""
_SHORT = 3
"""Characters of a grade that a sentence shows; what is longer may be anything."""
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
    sheet and file, which only say what letters are. A final that the settings call so is on the scale that they say.

    Args:
        cells: `table`, `row`, `grade`, `spelt` (the subject as received) and `received` (the series).
        tables: Of all cohorts.
        settings: The section of `pipeline.toml`.
    """
    schema = dict.fromkeys(("table", "row", "said", "title"), pl.Int64)
    rows: list[tuple[int, int, int | None, int | None]] = []
    for number, table in enumerate(tables):
        titles = [table.sheet.name or "", table.sheet.path.rpartition("/")[2]]
        title = next((level for text in titles if (level := level_of(text)) is not None), None)
        said: list[int | None] = [None] * len(table.sheet.rows)
        for place in table.columns.groups:
            texts = table.texts(place)
            values = set(filter(None, texts))
            if values and sum(map(bool, map(_QUALIFICATION.search, values))) * 2 > len(values):
                levels = {value: level_of(value) for value in values}
                said = [levels.get(text or "") for text in texts]
                break
        rows += [(number, place, level, title) for place, level in enumerate(said)]
    found = cells.join(
        pl.DataFrame(rows, schema=schema, orient="row"),
        on=["table", "row"],
        how="left",
        maintain_order="left",
    )
    own = level_of(settings.final)
    letters = ~pl.col("grade").str.contains(r"^\s*[0-9]")  # a year group says nothing of numbers
    around = pl.when(letters).then(pl.coalesce(_levels("received"), "title"))
    said_by = pl.coalesce(_levels("spelt"), "said", around)
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


def other_scales(cells: pl.DataFrame, settings: Attainment) -> Iterator[Note]:
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
            yield Note(
                "which_scale",
                str(cohort),
                f"{cohort}: all grades are letters, {quoted(sorted(found['plain'].unique()))}, and nothing "
                "says whether they are those of A levels or of old GCSEs. No figure is shown. If they are "
                "GCSEs, say so in the header or in the name of the file; else say in pipeline.toml how "
                f"many points each is worth: {_worth(found['plain'])}",
                found.height,
                holds=True,
            )


def _of_other_levels(cohort: str, found: pl.DataFrame, high: pl.DataFrame) -> Iterator[Note]:
    everywhere = set(high["subject"]) >= set(found["subject"])
    for level, what in ((3, "A levels, or other qualifications of level 3"), (0, "entry level")):
        of = high.filter(pl.col("level") == level)
        if of.is_empty():
            continue
        subjects = sorted(of["subject"].drop_nulls().unique())
        message = (
            f"{cohort}: {counted(of.height, 'grade')} in {quoted(subjects)} are of {what}, and the page "
            "has the scale of GCSEs, where the same letter is worth something else. They are not shown. "
            "Take them out of the file, or say in pipeline.toml how many points each is worth: "
            f"{_worth(of['plain'])}"
        )
        for subject in [None] if everywhere else subjects:
            yield Note("which_scale", cohort, message, of.height, subject, holds=True)


def _worth(grades: pl.Series) -> str:
    short = [grade for grade in sorted(grades.unique()) if len(grade) <= _SHORT]
    return "\n".join(["[attainment.grades]", *(f'"{grade}" = …' for grade in short[:SHOWN])])


def columns_of_marks(
    cells: pl.DataFrame, tables: Sequence[Table], settings: Attainment
) -> tuple[pl.DataFrame, list[Note]]:
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
        file, header = tables[number].sheet.file, tables[number].sheet.header[place]
        called = _called_marks(header, settings)
        marks = found.filter(pl.col("high") >= FEW, pl.col("high") >= _MARKS * pl.col("n"))
        if called and found["high"].sum() > 0:
            marks = found
        if marks.height:
            bad.append(marks.select(key))
            of, series = int(marks["n"].sum()), sorted(set(marks["series"]))
            message = (
                f"{file}: “{header}” has marks, or scores, and no grades: {marks['high'].sum()} of "
                f"{of} in {listed(series)} are above 9. Nobody but the school knows the "
                "boundaries, so none of them counts, whatever it is. Put grades there."
            )
        elif called and found["numbers"].all():
            of = int(found["n"].sum())
            message = (
                f"{file}: “{header}” may have marks, or grades from 1 to 9. No figure is shown. If they "
                f"are grades, add to pipeline.toml: {paste('attainment.columns', {'grade': header})}"
            )
        else:
            continue
        questions.append(Note("which_scale", str(cohort), message, of, holds=True))
    return pl.concat(bad), questions


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
