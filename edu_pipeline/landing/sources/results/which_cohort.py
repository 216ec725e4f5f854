"""Whether the students of a cohort are one, by what is said of their year and year group. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import polars as pl

from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.sources.results.asking import (
    FEW,
    NEARLY_ALL,
    SHOWN,
    Note,
    by_cohort,
    ignoring,
)
from edu_pipeline.landing.sources.results.header import normal
from edu_pipeline.landing.sources.results.result_tables import Table, cohorts_of, paste, stem_of
from edu_pipeline.landing.sources.results.series import leaving_year_in, year_group_in
from edu_pipeline.landing.tables.headers import word_set

_OTHER_COHORT = 0.05
"""Share of students of another year from which on a file is no longer of one cohort."""
_YEAR = re.compile(r"20\d\d(?:\s*[-/–]\s*(?:20)?\d\d)?")
_YEAR_GROUP = re.compile(r"(?:year|yr|y|nc ?year|nc)?\s*(7|8|9|10|11|12|13)", re.IGNORECASE)
_FORM = re.compile(r"(?:year|yr|y)?[\W_]?(7|8|9|10|11|12|13)[\W_]?[A-Za-z]\w*.*", re.IGNORECASE)
_FORM_FIRST = re.compile(r"(7|8|9|10|11|12|13)[\W_]?[A-Za-z]\d?\b")
_NO_COHORT = word_set("birth born dob entry entered admission joined start started date of")
_FORMS = word_set("form reg registration tutor class")
_SCHOOLS = frozenset(
    {
        *("school", "school name", "school id", "school code", "academy", "academy name"),
        *("establishment", "establishment name", "centre name", "centre number", "centre no"),
        *("urn", "laestab", "la estab", "dfe number", "estab", "campus", "organisation"),
    }
)
"""Headers of where somebody is a student."""

_SEEN = dict.fromkeys(
    ("cohort", "student_id", "kind", "where", "header", "year", "value"), pl.String
)
_COLUMNS, _SERIES, _SHEETS, _FILES = "columns", "series", "names of sheets", "names of files"
_TOGETHER = "columns and names together"
_STRENGTH = {_COLUMNS: 0, _SHEETS: 1, _FILES: 2}
"""Of a student the first of these counts that says anything; a series is of an exam."""


def groups_in(seen: pl.DataFrame) -> Mapping[str, set[int]]:
    """Cohort → year groups that columns say."""
    found: dict[str, set[int]] = defaultdict(set)
    for cohort, year in seen.filter(kind="group", where=_COLUMNS).select("cohort", "year").rows():
        found[cohort].add(int(year))
    return found


def year_group_of(seen: pl.DataFrame) -> Mapping[str, int]:
    """Cohort → its year group, where all that says one, its own name too, says the same.

    Args:
        seen: `years_of`.
    """
    found = {cohort: set(of["year"]) for cohort, of in by_cohort(seen.filter(kind="group"))}
    for cohort in seen["cohort"].unique():
        if group := _group_in(cohort):
            found.setdefault(cohort, set()).add(str(group))
    return {cohort: int(min(years)) for cohort, years in found.items() if len(years) == 1}


def years_in_series(cells: pl.DataFrame) -> pl.DataFrame:
    """The same as `years_of`, by what the texts of series say.

    Args:
        cells: `cohort`, `student_id`, `received` (the text of the series, if any), `baseline`.
    """
    of_exports = cells.filter(~pl.col("baseline"))
    told = of_exports.select("cohort", "student_id", value="received")
    return pl.concat([pl.DataFrame(schema=_SEEN), *_in_texts(_SERIES, told)])


def years_of(tables: Sequence[Table], rows: pl.DataFrame) -> pl.DataFrame:
    """Academic years, year groups and forms of students, by columns and the names of sheets and files.

    Args:
        tables: Of all cohorts.
        rows: `table`, `row`, `cohort`, `student_id`.

    Returns:
        `cohort`, `student_id`, `kind`, `where`, `header`, `year`, `value`: each once.
    """
    frames = [pl.DataFrame(schema=_SEEN)]
    for number, table in enumerate(tables):
        if table.baseline:
            continue
        here = rows.filter(table=number)
        path = PurePosixPath(table.sheet.path.removeprefix(f"{table.cohort}/"))
        for where, text in (
            (_SHEETS, table.sheet.name),
            (_FILES, str(path.parent / stem_of(str(path)))),
        ):
            told = here.select("cohort", "student_id", value=pl.lit(text, pl.String))
            frames += _in_texts(where, told)
        unused = [table.columns.cohort] if table.cohort is not None else []
        for place in (*table.columns.groups, *(p for p in unused if p is not None)):
            texts, header = table.texts(place), table.sheet.header[place]
            kind, years = _years(header, set(filter(None, texts)))
            column = pl.DataFrame(
                list(enumerate(texts)), schema={"row": pl.Int64, "value": pl.String}, orient="row"
            )
            if kind is not None:
                told = column.join(here, on="row")
                frames.append(_seen(told, kind, _COLUMNS, header, years))
    return pl.concat(frames).unique(maintain_order=True)


def _in_texts(where: str, told: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for kind, said in (("year", leaving_year_in), ("group", _group_in)):
        texts = told["value"].drop_nulls().unique()
        if kind == "year" and where != _SERIES:  # where two figures may be anything
            texts = texts.filter(texts.str.contains(r"20\d\d"))
        years = {text: str(year) for text in texts if (year := said(text))}
        yield _seen(told, kind, where, "", years)


def _group_in(text: str) -> int | None:
    form = _FORM_FIRST.match(text)
    return year_group_in(text) or (int(form[1]) if form else None)


def _seen(
    told: pl.DataFrame, kind: str, where: str, header: str, years: Mapping[str, str]
) -> pl.DataFrame:
    year = pl.col("value").replace_strict(years, default=None, return_dtype=pl.String)
    found = told.with_columns(
        kind=pl.lit(kind), where=pl.lit(where), header=pl.lit(header), year=year
    )
    return found.select(list(_SEEN)).drop_nulls(["cohort", "student_id", "year"]).unique()


def _years(header: str, values: Collection[str]) -> tuple[str | None, Mapping[str, str]]:
    """What a column says of years or schools, and which each of its values is."""
    if normal(header) in _SCHOOLS:
        return "school", {value: value for value in values}
    words = set(normal(header).split())
    if not words.isdisjoint(_NO_COHORT):
        return None, {}
    by_form = not words.isdisjoint(_FORMS)
    about_years = any("year" in word or word in ("yr", "nc", "cohort") for word in words)
    for kind, pattern, fits in (
        ("year", _YEAR, about_years or "leavers" in words),
        ("group", _YEAR_GROUP, about_years or all(not value.isdigit() for value in values)),
        ("group", _FORM, by_form or all(value[:1] in "Yy" for value in values)),
    ):
        found = {value: match for value in values if (match := pattern.fullmatch(value.strip()))}
        if fits and values and len(found) >= NEARLY_ALL * len(values):
            return kind, {value: match[match.lastindex or 0] for value, match in found.items()}
    return None, {}


def several_cohorts(seen: pl.DataFrame) -> Iterator[Note]:
    """Cohorts in which students of several years are: told by what says one of each of them."""
    asked = set()
    by = ["cohort", "kind", "where"]
    strength = pl.col("where").replace_strict(_STRENGTH, default=None, return_dtype=pl.Int64)
    strongest = strength == strength.min().over("cohort", "kind", "student_id")
    together = seen.filter(strongest).with_columns(where=pl.lit(_TOGETHER))
    every = pl.concat([seen.sort(by, maintain_order=True), together])
    for (cohort, kind, where), found in every.group_by(by, maintain_order=True):
        years = found.group_by("student_id").agg(pl.col("year").unique())
        alone = years.filter(pl.col("year").list.len() == 1)
        counts = alone.group_by(pl.col("year").list.first()).len().sort(pl.col("year").str.zfill(9))
        others = sum(counts["len"]) - max(counts["len"], default=0)
        if (cohort, kind) in asked or not others or alone.height < NEARLY_ALL * years.height:
            continue  # the same students over several years
        asked.add((cohort, kind))
        headers = found["header"].unique(maintain_order=True).to_list()
        what = "Year " if kind == "group" else ""
        which = listed([f"{what}{year} ({n:,})" for year, n in counts.head(SHOWN).iter_rows()])
        says = f"“{headers[0]}” says" if where == _COLUMNS else f"{where} say"
        message = (
            f"{cohort}: {says} students of {which}{' …' if counts.height > SHOWN else ''}, so "
            "this is not one cohort, and a figure of all together says nothing. "
        )
        values = found["value"]
        if where != _COLUMNS:
            message += "Put each year into a folder of its own, which is a cohort."
        elif kind == "group" and not any(_YEAR_GROUP.fullmatch(v) for v in values):
            message += "Put each year group into a folder of its own, which is a cohort. "
        else:
            message += (
                "If each is a cohort, add to pipeline.toml: "
                f"{paste('attainment.columns', {'cohort': headers[0]})}\n"
            )
        if where == _COLUMNS:
            message += f"If they are one all the same: {ignoring(headers)}"
        holds = others >= FEW and others >= _OTHER_COHORT * alone.height
        yield Note("which_cohort", str(cohort), message, others, holds=holds)


def cohorts_apart(tables: Sequence[Table], seen: pl.DataFrame) -> Iterator[Note]:
    """Cohorts of one year group, which a column says of one and only a name of the other.

    Folders are cohorts because somebody made them; what a column says is one, or a loose file, may be
    a part of another.

    Args:
        tables: Of all cohorts.
        seen: `years_of`.
    """
    exports = [table for table in tables if not table.baseline]
    loose = {table.cohort for table in exports if table.loose}
    columns = seen.filter(kind="group", where=_COLUMNS)
    by_column = {
        (match[1], cohort)
        for table in exports
        if table.cohort is None
        for cohort in cohorts_of(table)
        if (match := _YEAR_GROUP.fullmatch(cohort))
    }
    parts = {row for row in columns.select("year", "cohort").rows() if row[1] in loose}
    named = seen.filter(pl.col("where").is_in([_SHEETS, _FILES]), kind="group")
    asked = named.join(columns, on=["cohort", "student_id"], how="anti")
    for cohort, group in asked.select("cohort", "year").unique().sort(pl.all()).rows():
        rivals = by_column | (parts if cohort in loose else set())
        both = sorted({cohort, *(other for year, other in rivals if year == group)})
        years = {leaving_year_in(each) for each in both if re.search(r"20\d\d", each)}
        if len(both) == 1 or len(years) > 1:
            continue
        for each in both:
            yield Note(
                "which_cohort",
                each,
                f"{each}: {listed([f'“{name}”' for name in both])} are each of Year {group}, by a column of "
                "one file and by the name of another, and nobody can know whether they are one cohort. No "
                "figure is shown. Put each cohort into a folder of its own, or give all files the column, "
                "and say in [attainment.columns] that it is the cohort.",
                holds=True,
            )
