"""Whether the students of a cohort are one: what columns say of their academic year and year group. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from edu_pipeline.ground.wording import listed
from edu_pipeline.landing.sources.results.asking import (
    FEW,
    NEARLY_ALL,
    SHOWN,
    Question,
    ignoring,
)
from edu_pipeline.landing.sources.results.header import normal
from edu_pipeline.landing.sources.results.result_tables import Table, paste

_OTHER_COHORT = 0.05
"""Share of students of another year from which on a file is no longer of one cohort."""
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
        if fits and values and len(found) >= NEARLY_ALL * len(values):
            return kind, {value: match[match.lastindex or 0] for value, match in found.items()}
    return None, {}


def several_cohorts(seen: YearsSeen) -> Iterator[Question]:
    """Cohorts in which students of several years are: told by columns in which each has one."""
    for (cohort, kind), found in seen.frame.group_by("cohort", "kind", maintain_order=True):
        years = found.group_by("student_id").agg(pl.col("year").unique(), pl.col("header").first())
        alone = years.filter(pl.col("year").list.len() == 1)
        if alone.height < NEARLY_ALL * years.height:
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
        message += f"If they are one all the same: {ignoring(headers)}"
        holds = others >= FEW and others >= _OTHER_COHORT * alone.height
        yield Question("which_cohort", str(cohort), message, others, holds=holds)
