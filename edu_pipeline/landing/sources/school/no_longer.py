"""Rows that do not count any more, or are of somebody who is gone, says a column that nobody reads."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

import duckdb

from edu_pipeline.ground.sql import quoted
from edu_pipeline.ground.toml import toml_key, toml_list
from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.sources.school.canonical import CODES
from edu_pipeline.landing.sources.school.fields import FALSE
from edu_pipeline.landing.sources.school.stage_facts import distinct_texts, register_days
from edu_pipeline.landing.sources.school.unread import (
    few_cells,
    rows_with,
    shown_cells,
    unread_question,
    words_of,
)
from edu_pipeline.landing.tables.headers import normal, word_set
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.home import Settings

REVERSALS = frozenset({"reversal", "cancellation", "deletion"})
"""What is said of rows that take another one back."""
VOID = REVERSALS | word_set(
    "void voided deleted cancelled canceled removed revoked reversed rejected retracted "
    "inactive superseded obsolete"
)
"""Headers of columns that are filled, and cells, of rows that do not count any more."""
STANDING = word_set("active current valid latest")
"""Headers of columns in which a no says so."""
LOGGED = word_set("op operation action change event")
UNDOING = word_set("d del delete deleted remove removed")
DOING = word_set(
    "i ins insert inserted a add added c create created new u upd update updated change "
    "changed edit edited modified"
)
"""What logs of changes say, under headers of `LOGGED`, of rows that were taken back, and of others."""
GONE = (
    r"(.* )?(inactive|withdrawn|withdrew|transferred(?! (in|from))|graduated?|left|leavers?|exited"
    r"|dropped(?! off)|former"
    r"|no[- ]?show|unenrolled|off[- ]roll)( .*)?"
)
"""Cells, in lower case, of people who are no longer there."""
GONE_ABROAD = r"(de )?baja|retirad[oa]|trasladad[oa]|egresad[oa]|abgemeldet|ausgetreten|abgegangen|radiée?|partie?"
"""The same under headers of `STATES` only: `Alta` and `Baja` are also high and low."""
LETTERS = frozenset("iwnt")
STATES = word_set("status state tag estado estatus situacion statut")
OF_PEOPLE = word_set(
    "is current currently flag indicator student pupil learner person enroll enrolled enrol "
    "enrolment enrollment membership member roll register registration record row school "
    "class section workflow sis code attendance mark homework assignment submission year reg "
    "enr stu stud ind yn withdrawal withdraw exit leaving district campus"
)
"""What headers say beside `status` or `active` of the row itself: an `Active Duty` is a parent's."""
NUMBERS = frozenset("123")
STATUSES = word_set("enrollstatus enrollmentstatus enrolmentstatus studentstatus")
"""Headers, normal, under which PowerSchool's numbers mean the same, as letters do under `STATES`."""
NOT_OF_ROWS = word_set(
    "reason comment comments note notes remark remarks description code type el ell eal esl "
    "lep iep sped sen lunch meal program programme gifted language medical bus transport hand "
    "portal account email device frl frpl title entry previous prior"
)
"""What headers say whose words are about something else than the row."""
REGISTER_WORDS = word_set("register roll attendance student is was")
SPELLS = {
    "students": "spell.person_id = parsed.student_id and spell.role = 'student'",
    "enrollments": "spell.class_id = parsed.class_id and spell.person_id = parsed.person_id",
}
"""Rosters → the spells in `stg_enrollments` that a row is about."""
FEW = 8
LATE_ENTRY = 3
"""Days after the last mark on which the spell of somebody who is gone may end."""
_WORD = r"-?\d|[^\W\d_][\w /()-]{0,23}"


def no_longer(
    con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str], settings: Settings
) -> Iterator[Problem]:
    """Questions about columns of few words, some of which say so while others do not.

    Args:
        con: The warehouse, with `raw_…`, `read_…` and the staging tables.
        table: One of `SPELLS` or `CODES`.
        names: `unread_names`.
        settings: How it is read.
    """
    for name in names:
        words = words_of(name)
        known = words & VOID or _is_of_day(table, name)
        others = NOT_OF_ROWS - {"type", "entry"} if table in CODES else NOT_OF_ROWS
        if words & others or not (known or _is_of_few_words(con, table, name)):
            continue
        cells = _rows_by_cell(con, table, name, settings)
        logged = words & LOGGED and {cell.casefold() for cell in cells} <= DOING | UNDOING
        out = [
            cell
            for cell in cells
            if _says_so(table, name, cell) or (logged and cell.casefold() in UNDOING)
        ]
        kept = [cell for cell in cells if cell not in out]
        count = sum(cells[cell] for cell in out)
        if count and kept:
            shown = "" if words & VOID else f" ({shown_cells(out)})"
            are = "it is" if count == 1 else "they are"
            more = "" if _is_of_day(table, name) else " any more"
            back = logged or {*words, *map(str.casefold, out)} & REVERSALS
            advice = (
                "Leaving these out would keep the rows that they take back: export only what still counts."
                if back
                else _advice(table, name, kept, settings)
            )
            yield unread_question(
                table,
                name,
                f"The column {name} of {table}, which is not read, says of {counted(count, 'row')}{shown} "
                f"that {'it does' if count == 1 else 'they do'} not count{more}; {are} counted. "
                f"{advice}",
                count,
            )


def _advice(table: str, name: str, kept: Sequence[str], settings: Settings) -> str:
    if _is_of_day(table, name) and settings.landing.attendance.shape == "exceptions":
        return (
            "Without a row they would count as present: export them with a code of their own, and add to "
            '[attendance.codes]: "…" = "not_expected"'
        )
    also = " and their enrollments" if table == "students" else ""
    ended = f"Export the day on which each of these ended, or leave them{also} out: add"
    where = f"[landing.{table}.where]: {toml_key(name)} = {toml_list(kept)}"
    return f"{ended if table in SPELLS else 'Add'} to {where}"


def _is_of_day(table: str, name: str) -> bool:
    """Whether it says if a day counts: PowerSchool's membership value, or if a register was taken."""
    words = words_of(name) - REGISTER_WORDS
    said = "membership" in normal(name) or words in ({"taken"}, {"expected"})
    return table == "attendance" and said


def _says_so(table: str, name: str, cell: str) -> bool:
    words, word = words_of(name), cell.casefold()
    if _is_of_day(table, name):
        return re.fullmatch(r"0+([.,]0+)?|no?|f|false", word) is not None
    if words & VOID:
        return word not in FALSE
    if words & STANDING and word in FALSE:
        return word != "" and _is_of_people(name, STANDING)
    if word in VOID or table in CODES:
        return word in VOID
    if words & STATES and re.fullmatch(GONE_ABROAD, word):
        return True
    letters = LETTERS if words & STATES and _is_of_people(name, STATES) else frozenset()
    numbers = NUMBERS if normal(name) in STATUSES else frozenset()
    return word in letters | numbers or re.fullmatch(GONE, word) is not None


def _is_of_people(name: str, besides: Collection[str]) -> bool:
    """Whether a header speaks of nothing but the row: `504 Status` and `Homeless Status` do not."""
    return words_of(name) <= OF_PEOPLE.union(besides) and not any(map(str.isdigit, name))


def _is_of_few_words(con: duckdb.DuckDBPyConnection, table: str, name: str) -> bool:
    cells = few_cells(con, table, name, FEW)
    return cells is not None and all(re.fullmatch(_WORD, cell) for cell in cells)


def _rows_by_cell(
    con: duckdb.DuckDBPyConnection, table: str, name: str, settings: Settings
) -> Mapping[str, int]:
    """Cell → the rows that it is about: of rosters those whose spell goes on after the last mark."""
    if table in CODES:
        counts = "possible > 0" if table == "attendance" else "true"
        rows = f"select cell, {counts} as goes_on from {rows_with(table, name)}"
    else:
        last = f"(select max(date) + {LATE_ENTRY} from stg_attendance)"
        ended = ""
        if table == "enrollments":
            texts = distinct_texts(con, table, "end_date")["end_date"]
            register_days(con, texts, settings.landing.enrollments, settings.known_zone)
            ended = f"and not coalesce(parsed.end_date in (select text from days where day <= {last}), false)"
        rows = f"""
            select coalesce(trim(raw.{quoted(name)}), '') as cell,
                   exists (
                     from stg_enrollments as spell where {SPELLS[table]} and spell.end_date > {last}
                   ) {ended} as goes_on
            from read_{table} as parsed join raw_{table} as raw using (_file, _line)
            where parsed._rule is null
        """
    found = con.execute(
        f"select cell, count(*) filter (goes_on) from ({rows}) group by all order by all"
    ).fetchall()
    if table == "enrollments":
        con.unregister("days")
    return dict(found)
