"""Exports in a database, read by some settings: the counts that inspection and evidence rest on.

Cells are only counted here; which of them may be shown is for `inspection` to say.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import duckdb
import polars as pl

from edu_pipeline.ground.sql import quoted
from edu_pipeline.landing.sources.school.canonical import CODES, read_export, resolved_headers
from edu_pipeline.landing.sources.school.fields import DATES, OTHER_ROLES, WORDS
from edu_pipeline.landing.sources.school.school_columns import Resolved
from edu_pipeline.landing.sources.school.school_problems import MEANINGS
from edu_pipeline.landing.sources.school.suggestions import Line, with_lines
from edu_pipeline.landing.tables.csvfile import LISTED
from edu_pipeline.landing.tables.dates import parsed_date
from edu_pipeline.landing.tables.raw import RECEIVED
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import TableExport
from edu_pipeline.settings.marks import MARKS

LINKS: Sequence[tuple[str, str, tuple[tuple[str, str], ...]]] = (
    ("enrollments", "person_id", (("students", "student_id"), ("staff", "staff_id"))),
    ("enrollments", "class_id", (("classes", "class_id"), ("students", "homeroom_id"))),
    ("classes", "teacher_id", (("staff", "staff_id"),)),
    ("attendance", "student_id", (("students", "student_id"),)),
    ("homework", "student_id", (("students", "student_id"),)),
    ("homework", "class_id", (("classes", "class_id"), ("students", "homeroom_id"))),
)
"""(export, column) → where its ids should be found."""

MOST_PAIRS = 200
"""Of a code and what it is called beside it; with more it is something else."""


@dataclass(frozen=True)
class WordSeen:
    """A code or word, and what it is taken to mean."""

    text: str
    rows: int
    meaning: str | None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Reading:
    """The exports in a database, and the settings to read them by."""

    con: duckdb.DuckDBPyConnection
    files: pl.DataFrame
    settings: Settings
    made: dict[str, TableExport] = field(default_factory=dict)
    """Export → the settings by which `read_<table>` was made."""
    known: dict[tuple[str, ...], list[tuple[str | int, ...]]] = field(default_factory=dict)
    """Export as it is read now, and columns → `counts`."""

    def rows(self, table: str) -> str:
        """The table of an export's rows, as these settings read it."""
        export = self.settings.landing.export(table)
        if self.made.get(table) != export:
            read_export(self.con, table, self.files, export)
            self.made[table] = export
            for counted in [counted for counted in self.known if counted[0] == table]:
                del self.known[counted]
        return f"read_{table}"

    def counts(self, table: str, *columns: str) -> list[tuple[str | int, ...]]:
        """Distinct texts of columns and how many rows have them, of those that hold data."""
        rows, counted = self.rows(table), (table, *columns)
        if counted not in self.known:
            self.known[counted] = self.con.execute(
                f"select {', '.join(columns)}, count(*) from {rows} where _rule is null "
                "group by all order by all"
            ).fetchall()
        return self.known[counted]

    def having(self, settings: Settings) -> "Reading":
        """The same exports, read by other settings."""
        return replace(self, settings=settings)

    def ids(self, table: str, column: str) -> set[str]:
        """Distinct texts of a column."""
        return {str(found) for found, _ in self.counts(table, column) if found is not None}

    def raw_counts(self, table: str, header: str) -> Counter[str]:
        """Texts of a header of the files, whatever it is taken for."""
        rows = self.con.execute(
            f"select trim({quoted(header)}) as cell, count(*) from raw_{table} "
            "where cell <> '' group by all order by all"
        ).fetchall()
        return Counter(dict(rows))

    def beside(self, table: str, column: str, header: str) -> list[tuple[str, str]]:
        """Texts of a column and of a header of the files that stand in one row, each pair once; none of too many."""
        pairs = self.con.execute(
            f"select distinct {column}, coalesce(trim(raw.{quoted(header)}), '') "
            f"from {self.rows(table)} join raw_{table} as raw using (_file, _line) limit {MOST_PAIRS + 1}"
        ).fetchall()
        return pairs if len(pairs) <= MOST_PAIRS else []

    def tells_apart(self, table: str, column: str, header: str) -> bool:
        """Whether no text of a header stands beside two of a column."""
        found = self.con.execute(
            f"""
            select not exists (
              select trim(raw.{quoted(header)}) as cell
              from {self.rows(table)} as read join raw_{table} as raw using (_file, _line)
              where _rule is null and cell <> ''
              group by cell having count(distinct read.{column}) > 1
            )
            """
        ).fetchall()
        return bool(found[0][0])

    def headers(self, table: str) -> list[str]:
        """Every header of an export's files."""
        return [name for name in self.con.table(f"raw_{table}").columns if name not in RECEIVED]

    def resolved(self, table: str) -> Collection[Resolved]:
        """The headers of an export's files, understood."""
        return resolved_headers(table, self.files, self.settings.landing.export(table)).values()

    def lacks(self, table: str, column: str) -> bool:
        """Whether an export is there and has no such column, nor a constant for it."""
        found = self.resolved(table)
        return bool(found) and not any(column in each.found for each in found)

    def with_placeholders(self) -> "Reading":
        """Rows also of the exports that lack what only has to be said once for all of them."""
        lines = [
            Line(("landing", table, "constants"), column, word, "")
            for table, column, word in (
                ("classes", "class_type", "homeroom"),
                ("enrollments", "role", "student"),
            )
            if self.lacks(table, column)
        ]
        return self.having(with_lines(self.settings, lines))

    def sources(self, targets: Sequence[tuple[str, str]]) -> set[str]:
        """Ids of any of these (export, column)."""
        found: set[str] = set()
        return found.union(*(self.ids(*target) for target in targets))


def texts_of(read: Reading, table: str, column: str) -> dict[str, int]:
    """Text of a column → rows that have it."""
    return {str(text): int(rows) for text, rows in read.counts(table, column) if text is not None}


def word_meaning(settings: Settings, table: str, column: str, word: str) -> str | None:
    """What a word of `class_type`, `role` or `in_session` is taken for."""
    said = settings.landing.export(table).values.get(column, {})
    words = {**WORDS[table, column], **{their.casefold(): our for their, our in said.items()}}
    folded = word.casefold()
    # as `stage_roster` does: several that mean the same are one
    each = {words.get(one.strip(), one.strip()) for one in folded.split(LISTED)}
    meaning = each.pop() if len(each) == 1 else words.get(folded, folded)
    allowed = {*MEANINGS[table, column], *(OTHER_ROLES if column == "role" else ())}
    return meaning if meaning in allowed else None


def codes_seen(read: Reading, table: str) -> list[WordSeen]:
    """Codes with their days, the commonest first."""
    (day,) = DATES[table]
    formats = read.settings.landing.export(table).date_formats
    frame = pl.DataFrame(
        read.counts(table, CODES[table], day),
        schema={"code": pl.String, "day": pl.String, "rows": pl.Int64},
        orient="row",
    )
    frame = frame.with_columns(day=parsed_date(pl.col("day"), list(formats)))
    codes = frame.group_by("code").agg(
        pl.col("rows").sum(), first=pl.col("day").min(), last=pl.col("day").max()
    )
    return [
        WordSeen(code, rows, code_meaning(read.settings, table, code), first, last)
        for code, rows, first, last in codes.sort(-pl.col("rows"), "code").iter_rows()
    ]


def code_meaning(settings: Settings, table: str, code: str) -> str | None:
    """The name of what a code is taken to mean."""
    if table == "homework":
        return settings.homework.status(code)
    mark = settings.attendance.mark(code)
    if mark is None:
        return None
    named = (name for name, known in MARKS.items() if known == mark)
    return next(named, f"{mark.attended:g} of {mark.possible:g} attended")
