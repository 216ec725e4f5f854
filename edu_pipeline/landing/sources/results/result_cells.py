"""The rows of a table, one by one: whose, and every grade that stands in them."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from edu_pipeline.landing.rules import REPEATED_HEADER, TOO_MANY_CELLS, TOTALS
from edu_pipeline.landing.sources.results.names import shown
from edu_pipeline.landing.sources.results.result_people import Person
from edu_pipeline.landing.sources.results.result_tables import Table
from edu_pipeline.landing.sources.results.sheets import Row
from edu_pipeline.landing.tables.headers import normal as normal_header
from edu_pipeline.model.grades import is_nothing

NO_STUDENT = "no_student"
_SUMS = r"(?:total|average|mean|median|count|sum|std dev|standard deviation|number of \w+)s?"
_TOTAL = re.compile(
    rf"(?:(?:grand|sub|class|cohort|school|year|group|overall)[ -]?)?{_SUMS}:?", re.IGNORECASE
)
_NO_NAME = re.compile(rf"\S*|.*[%+\d].*|(?:.* )?{_SUMS}(?: .*)?", re.IGNORECASE)
"""Of one word, or with a figure: where others' names are none of it, an average, or a class."""

CELLS = pl.Schema(
    {
        **dict.fromkeys(("table", "row", "place"), pl.Int64),
        **dict.fromkeys(("subject", "series", "grade"), pl.String),
    }
)
ENTRIES = pl.Schema({"table": pl.Int64, "row": pl.Int64, "person": pl.Int64, "cohort": pl.String})


@dataclass(frozen=True)
class Read:
    """A table's rows."""

    persons: tuple[Person, ...]
    """Everybody in it once."""
    odd: frozenset[int]
    """Of these, who is told as hardly another is: without an id, or by what is no name."""
    entries: pl.DataFrame
    """One per row that is about somebody: `person`, counted from 0, and `cohort`."""
    cells: pl.DataFrame
    """One per grade or absence as received; blank ones are nothing."""
    rejected: tuple[tuple[int, str, str | None], ...]
    """Row, rule and the text that broke it."""


def read_rows(number: int, table: Table) -> Read:
    """Read a table.

    Args:
        number: What `table` is in its frames.
        table: What its columns are.
    """
    persons: dict[Person, int] = {}
    cohorts = table.texts(None if table.cohort else table.columns.cohort, table.cohort)
    entries: list[tuple[int, int, int, str | None]] = []
    rejected: list[tuple[int, str, str | None]] = []
    columns = table.columns
    known: dict[tuple[str, ...], tuple[Person | None, str | None]] = {}
    for place, row in enumerate(table.sheet.rows):
        said = tuple(row.cells[each] for each in columns.who)
        if said not in known:  # a row per subject and series says the same over and over
            known[said] = _person(table, row), _no_data(table, said)
        person, rule = known[said]
        if row.beyond:
            rejected.append((place, TOO_MANY_CELLS, None))
        elif rule is not None:
            rejected.append((place, rule, " ".join(filter(str.strip, said))))
        elif person is None and any(
            not is_nothing(row.cells[value.place]) for value in columns.values
        ):
            rejected.append((place, NO_STUDENT, None))
        if person is not None and rule is None:
            index = persons.setdefault(person, len(persons))
            entries.append((number, place, index, cohorts[place]))
    frame = pl.DataFrame(entries, schema=ENTRIES, orient="row")
    broken = [place for place, *_ in rejected]
    cells = pl.concat([pl.DataFrame(schema=CELLS), *_cells(number, table)])
    return Read(
        tuple(persons),
        _odd(tuple(persons)),
        frame,
        cells.join(frame, on=["table", "row"], how="semi", maintain_order="left").filter(
            ~pl.col("row").is_in(broken)
        ),
        tuple(rejected),
    )


def _odd(persons: Sequence[Person]) -> frozenset[int]:
    bare = [n for n, person in enumerate(persons) if not person.ids]
    if 2 * len(bare) >= len(persons):
        bare = [n for n in bare if _NO_NAME.fullmatch(persons[n].name or "")]
    return frozenset(bare if 2 * len(bare) < len(persons) else ())


def _person(table: Table, row: Row) -> Person | None:
    columns = table.columns

    def cell(place: int | None) -> str:
        text = row.cells[place].strip() if place is not None else ""
        return "" if is_nothing(text) else text

    ids = tuple((kind, text) for kind, place in columns.ids.items() if (text := cell(place)))
    name = shown(cell(columns.name), cell(columns.given), cell(columns.family))
    return Person(ids, name) if ids or name else None


def _no_data(table: Table, said: Sequence[str]) -> str | None:
    """Whether a row is about others, or none, by what stands where a student should."""
    filled = [cell.strip() for cell in said if cell.strip()]
    if len(filled) == 1 and _TOTAL.fullmatch(filled[0]):
        return TOTALS
    header = [table.sheet.header[place] for place in table.columns.who]
    if [normal_header(cell) for cell in said] == [normal_header(name) for name in header]:
        return REPEATED_HEADER
    return None


def _cells(number: int, table: Table) -> Iterator[pl.DataFrame]:
    columns, rows = table.columns, len(table.sheet.rows)
    for value in columns.values:
        cells = {
            "table": [number] * rows,
            "row": range(rows),
            "place": [value.place] * rows,
            "subject": table.texts(columns.subject, table.subject, value.subject),
            "series": table.series_texts(value.series),
            "grade": table.texts(value.place),
        }
        frame = pl.DataFrame(cells, schema=CELLS).drop_nulls("grade")
        blank = [text for text in frame["grade"].unique() if is_nothing(text)]
        yield frame.filter(~pl.col("grade").is_in(blank))


def as_json(table: Table, row: int) -> str:
    """A row as it was received."""
    cells = zip(table.sheet.header, table.sheet.rows[row].cells, strict=True)
    return json.dumps(dict(cells), ensure_ascii=False)
