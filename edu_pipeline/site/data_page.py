"""The page on data: every file, what it was taken for, what became of its rows, what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import jinja2
import polars as pl

from edu_pipeline.ground.files import write_whole
from edu_pipeline.ground.warehouse import Connection, read_table, tables
from edu_pipeline.ground.wording import day_month_short, moment
from edu_pipeline.landing.fates import in_words, reasons
from edu_pipeline.mail.due import Period, newest_of_each
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.model.gate import standing, unreleased
from edu_pipeline.model.school_calendar import next_registers
from edu_pipeline.settings.home import Home, Settings, with_home
from edu_pipeline.teachers.edition import CAMPAIGN

SOURCES = {
    "school": "The school’s exports",
    "results": "Exam results",
    "edx": "edX’s exports",
    "mail": "What the carrier reported",
}
"""What the sources of files are called."""
_NO_ROWS = {
    **dict.fromkeys(SOURCES, "No rows of its own."),
    "mail": "What it reports is in the ledger.",
}
HOLDS = {"letters": "It holds letters.", "nudges": "It holds nudges.", "page": "It holds a page."}
_MOST_FILES = 20
_PROBLEMS = ("landing_problems", "nudge_problems")


@dataclass(frozen=True)
class File:
    """A file, as it is shown."""

    path: str
    taken_for: str
    """The export, with the published format where it is of one."""
    landed: datetime
    fates: str
    """Such as `250 counted, 30 rejected: unknown student id 30`; nothing where no row was read."""
    wrong: str
    """Why it cannot be read; nothing where it can."""


@dataclass(frozen=True)
class Source:
    """What has landed from one kind of system."""

    of: str
    """As `landing_files` has it."""
    title: str
    newest: datetime
    """When the newest of its files last changed."""
    files: Sequence[File]


@dataclass(frozen=True)
class Landed:
    """What the last refresh found."""

    refreshed: datetime | None
    """When it looked; None: there was none."""
    sources: Sequence[Source]
    unknown: Sequence[str]
    """Files that are taken for nothing."""
    not_needed: Sequence[str]
    """Files that come with an export, and of which nothing is needed."""
    understood: Mapping[str, Sequence[tuple[str, str, bool]]]
    """Export of a school → label, text and whether it is doubtful, of how it was understood."""
    problems: Sequence[dict[str, object]]
    """Rows of `model.gate.standing`, those that nobody has released and that hold something first."""
    expected: date | None = None
    """By when the next registers should be in."""


def data_page(home: Home) -> Path:
    """Where the page is."""
    return home.site / "data" / "index.html"


def write_data_page(
    home: Home, settings: Settings, landed: Landed, templates: jinja2.Environment
) -> Path:
    """Write the page.

    Args:
        home: Whose.
        settings: The home's name.
        landed: What the last refresh found.
        templates: From `render.environment`; escapes what is put into `.html.j2`.

    Returns:
        The page.
    """
    page = data_page(home)
    html = templates.get_template("site/data.html.j2").render(
        school=settings.called,
        ui=settings.school.ui,
        landed=landed,
        holds=HOLDS,
        most=_MOST_FILES,
        moment=moment,
        day_month_short=day_month_short,
    )
    write_whole(page, with_home(home, html).encode())
    return page


def expected_by(con: Connection, newest: Period | None) -> date | None:
    """By when the next registers should be in; None: nobody can tell, or no school is to come.

    Args:
        con: The warehouse.
        newest: Of the letters to teachers, the newest period that was recorded.
    """
    if newest is None or "stg_school_days" not in tables(con):
        return None
    days = read_table(con, "stg_school_days")
    return next_registers(newest.last_day, days, complete=newest.complete)


def landed_in(con: Connection, ledger: Ledger, settings: Settings) -> Landed:
    """What the last refresh found, of all sources.

    Args:
        con: The warehouse; before the first refresh it has nothing.
        ledger: Read only: what was released.
        settings: The school's time zone.
    """
    there = tables(con)
    if not {"landing_files", "landing_fates"} <= there:
        return Landed(None, (), (), (), {}, ())
    files, fates = read_table(con, "landing_files"), read_table(con, "landing_fates")
    found = [read_table(con, name) for name in _PROBLEMS if name in there]
    problems = standing(unreleased(pl.concat(found), ledger.releases_frame())) if found else None
    known = files.filter(pl.col("source").is_not_null() & (pl.col("table") != ""))
    several = set(known.filter(pl.col("path").is_duplicated())["path"])
    beside = files.filter(pl.col("table") == "").sort("path")

    def at(moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone(settings.zone)

    def file(row: dict[str, object]) -> File:
        mine = fates.filter(file=row["path"])
        if row["path"] in several:
            mine = mine.filter(table=row["table"])
        because = ", ".join(reasons(mine))
        none = _NO_ROWS.get(str(row["source"]), "") if row["current"] else "A newer version counts."
        assert isinstance(row["landed_at"], datetime)  # noqa: S101 - the schema says so
        return File(
            path=str(row["path"]),
            taken_for=" · ".join(str(each) for each in (row["table"], row["format"]) if each),
            landed=at(row["landed_at"]),
            fates=(in_words(mine) or none) + (f": {because}" if because else ""),
            wrong=str(row["error"] or ""),
        )

    refreshed = files["listed_at"].max()
    return Landed(
        refreshed=at(refreshed) if isinstance(refreshed, datetime) else None,
        sources=[
            Source(of, SOURCES[of], max(each.landed for each in shown), shown)
            for of in SOURCES
            if (rows := known.filter(source=of).sort("table", "path")).height
            and (shown := [file(row) for row in rows.iter_rows(named=True)])
        ],
        unknown=beside.filter(pl.col("source").is_null())["path"].to_list(),
        not_needed=beside.drop_nulls("source")["path"].to_list(),
        understood=_understood(con) if "landing_report" in there else {},
        problems=problems.sort(pl.col("holds").is_null(), "message").rows(named=True)
        if problems is not None
        else (),
        expected=expected_by(con, newest_of_each(ledger.recorded_periods()).get(CAMPAIGN)),
    )


def _understood(con: Connection) -> Mapping[str, Sequence[tuple[str, str, bool]]]:
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for title, *row in read_table(con, "landing_report").iter_rows():
        found.setdefault(title, []).append((row[0], row[1], row[2]))
    return found
