"""Students who are at school for a part of the time, where who has no row counts as present each day."""

import re
from collections.abc import Iterator, Sequence

import duckdb

from edu_pipeline.ground.sql import literals, quoted
from edu_pipeline.ground.toml import toml_key, toml_list, toml_text
from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.sources.school.fields import FALSE, TRUE
from edu_pipeline.landing.sources.school.no_longer import OF_PEOPLE, SPELLS, STATES
from edu_pipeline.landing.sources.school.school_problems import school_problem
from edu_pipeline.landing.sources.school.stage_facts import register_days
from edu_pipeline.landing.sources.school.unread import (
    few_cells,
    shown_cells,
    words_of,
)
from edu_pipeline.landing.tables.headers import word_set
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.home import Settings

SHARES = (
    *map(frozenset, (["fte"], ["parttime"], ["fulltime"], ["part", "time"], ["full", "time"])),
    *(
        frozenset({of, share})
        for of in ("enrolled", "enrollment", "enrolment", "membership")
        for share in ("percent", "percentage", "share")
    ),
    frozenset({"days", "week"}),
)
"""What headers say together of how much of the week somebody is at school."""
STAYS = {
    "begin": word_set("start begin beginning join joined admission admitted arrival arrived first"),
    "end": word_set(
        "leave leaving leaves left exit exited withdraw withdrawal withdrawn departure departed drop dropped "
        "discharge discharged unenrolled end last"
    ),
}
"""What headers say of the first day of somebody's stay, or the last."""
ENTERING = word_set("enroll enrolled enrol enrolment enrollment registration registered")
"""What headers say of a first day where they say no more than that it is a day, as Aspen's `registration_date`."""
OURS = {
    ("students", "begin"): "entry_date",
    ("students", "end"): "exit_date",
    ("enrollments", "begin"): "begin_date",
    ("enrollments", "end"): "end_date",
}
MODES = word_set("type mode pattern schedule timetable per")
PART_TIME = r"(part|half)[- ]?time( .*)?|pt"
"""Cells, in lower case, that say it in words."""
DAY_WORDS = word_set("date day on of")
PERCENT, WEEK = 100, 7
MOST_SHARES = 40


def stays_unread(
    con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str], settings: Settings
) -> Iterator[Problem]:
    """Questions about columns of the days on which somebody came or left, class by class.

    Args:
        con: The warehouse, with `raw_…`, `read_…` and the staging tables.
        table: One of `SPELLS`.
        names: `unread_names`.
        settings: How it is read.
    """
    export = settings.landing.export(table)
    for name in names if settings.landing.attendance.shape == "exceptions" else ():
        words = words_of(name)
        said = [end for end, known in STAYS.items() if words & known]
        if not said and words & ENTERING and words & DAY_WORDS:
            said = ["begin"]
        if len(said) != 1 or not words <= OF_PEOPLE.union(STAYS[said[0]], DAY_WORDS):
            continue
        cell = f"nullif(trim(raw.{quoted(name)}), '')"
        texts = con.sql(f"select distinct {cell} as text from raw_{table} as raw").pl()["text"]
        register_days(con, texts.drop_nulls(), export, settings.known_zone)
        ((unread,),) = con.execute("select count(*) from days where day is null").fetchall()
        within = "spell.begin_date <= day and spell.end_date > day"
        differs = {
            "begin": f"{within} and spell.begin_date < day and day > (select min(date) from stg_attendance)",
            "end": f"{within} + 1 and day < (select max(date) from stg_attendance)",
        }
        found = con.execute(
            f"""
            select spell.class_id, count(distinct spell.person_id)
            from read_{table} as parsed join raw_{table} as raw using (_file, _line)
            join days on days.text = {cell}
            join stg_enrollments as spell on {SPELLS[table]} and spell.role = 'student'
            where parsed._rule is null and {differs[said[0]]}
            group by all order by all
            """
        ).fetchall()
        con.unregister("days")
        when = "before they came" if said[0] == "begin" else "after they left"
        for class_id, students in () if unread else found:
            problem = school_problem(
                table,
                "unread_stay",
                name,
                f"The column {name} of {table}, which is not read, has days in the middle of the time that "
                f"{counted(students, 'student')} of class {class_id} {'is' if students == 1 else 'are'} enrolled: "
                f"if it says when they {'came' if said[0] == 'begin' else 'left'}, they count as present {when}. "
                f"Add to [landing.{table}.columns]: {OURS[table, said[0]]} = {toml_text(name)}",
                students,
                class_id=class_id,
                known_as=f"{name} of {table} may say when students came or left.",
            )
            yield problem.releasable("If it is right as it is read")


def part_time(
    con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str], settings: Settings
) -> Iterator[Problem]:
    """Questions about columns that say who is not expected every day, class by class.

    Whoever has marks of days on which they are not expected has had their days told apart.

    Args:
        con: The warehouse, with `raw_…`, `read_…` and the staging tables.
        table: One of `SPELLS`.
        names: `unread_names`.
        settings: How it is read.
    """
    if settings.landing.attendance.shape != "exceptions":
        return
    for name in names:
        cells = few_cells(con, table, name, MOST_SHARES) or []
        out = _parts_of_a_week(name, cells)
        if not out:
            continue
        found = con.execute(
            f"""
            select spell.class_id, count(distinct spell.person_id)
            from read_{table} as parsed join raw_{table} as raw using (_file, _line)
            join stg_enrollments as spell on {SPELLS[table]} and spell.role = 'student'
            where parsed._rule is null and trim(raw.{quoted(name)}) in {literals(out)}
              and spell.person_id not in (
                select student_id from stg_attendance where submitted and possible = 0
              )
            group by all order by all
            """
        ).fetchall()
        kept = toml_list(["", *(cell for cell in cells if cell not in out)])
        for class_id, students in found:
            problem = school_problem(
                table,
                "part_time",
                name,
                f"The column {name} of {table}, which is not read, says of {counted(students, 'student')} of "
                f"class {class_id} that they are at school for a part of the time ({shown_cells(out)}), and who "
                "has no row of attendance counts as expected and present on every school day. Export the days on "
                "which they are not expected with a code that is not_expected in [attendance.codes]; or leave "
                f"them and their enrollments out. Add to [landing.{table}.where]: {toml_key(name)} = {kept}",
                students,
                class_id=class_id,
                known_as=f"{name} of {table} says who is there for a part of the time.",
            )
            yield problem.releasable("If they are expected every day")


def _parts_of_a_week(name: str, cells: Sequence[str]) -> list[str]:
    """Of the cells of a column those that say that somebody is not there all the week."""
    words = words_of(name)
    said = [share for share in SHARES if share <= words]
    if not words <= OF_PEOPLE.union(MODES, STATES, *said):
        return []
    if not said:
        return [cell for cell in cells if re.fullmatch(PART_TIME, cell.casefold())]
    if words & {"part", "parttime"} and {cell.casefold() for cell in cells} <= {*TRUE, *FALSE}:
        return [cell for cell in cells if cell.casefold() in TRUE]
    shares = {cell: _number(cell) for cell in cells}
    most = max(filter(None, shares.values()), default=0)
    full = most if "days" in words else PERCENT if most > WEEK else 1
    return [
        cell
        for cell, share in shares.items()
        if (share is not None and share < full) or re.fullmatch(PART_TIME, cell.casefold())
    ]


def _number(cell: str) -> float | None:
    found = re.fullmatch(r"(\d*[.,]?\d+) ?%?", cell)
    return float(found[1].replace(",", ".")) if found else None
