"""Columns of attendance and homework that nobody reads and that may say how a row counts.

Most columns of an export are of no concern: names, comments, who entered it and when. A few say that
a row counts for less, for more days than one or not at all; they are asked about where what stands in
them is not what the codes say already.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literals, quoted
from edu_pipeline.ground.toml import toml_key, toml_list, toml_text
from edu_pipeline.ground.wording import counted, listed
from edu_pipeline.landing.sources.school.fields import DATES, FALSE, MISSING, TRUE
from edu_pipeline.landing.sources.school.parts_of_day import WHOLE_DAY
from edu_pipeline.landing.sources.school.school_columns import Resolved
from edu_pipeline.landing.sources.school.school_problems import FULL_DURATION, school_problem
from edu_pipeline.landing.sources.school.stage_facts import distinct_texts, register_days
from edu_pipeline.landing.tables.date_order import is_date
from edu_pipeline.landing.tables.headers import normal, word_set
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.home import Settings

UNITS = word_set(
    "minutes minute mins min hours hour hrs periods lessons blocks sessions halves minuten "
    "stunden std fehlminuten fehlstunden heures demi uren minutos horas minuti ore"
)
DAYS = word_set("days tage fehltage jours dias giorni dagen")
SHARES = word_set("portion fraction duration length value amount day") | DAYS
MISSED = word_set("absence absent absences missed attendance attended present")
"""What headers say that hold how much of a day somebody was away or there."""
NOT_MISSED = word_set(
    "late tardy lateness arrival ytd cumulative year term rate possible expected scheduled "
    "remaining percent percentage average"
)
PARTS = frozenset({"half", "portion", "daypart"})
BEGINNINGS = word_set("from start begin out")
BACK = word_set("back return returned returns returning")
"""What headers say that hold the first day after an absence."""
ENDS = word_set("to end until till through thru last in")
NOT_ENDS = word_set(
    "term year semester quarter class course section school enrollment week month marking "
    "grading cycle trimester modified updated changed edited saved entered created recorded "
    "sent notified mailed printed contacted submitted login sync synced"
)
"""What headers say besides of days that are not those of an absence, such as `Last Modified`."""
FLAGS = {
    "missing": ("missing",),
    "late": ("late", "missing"),
    "excused": ("exempt", "not_due"),
    "exempt": ("exempt", "not_due"),
    **dict.fromkeys(("optional", "extra", "unpublished", "omit", "omitted"), ("exempt", "not_due")),
}
"""What a flag of homework is called → the outcomes that say the same."""
NO_FLAGS = word_set("published required mandatory count counts include included")
"""Flags of homework of which a no says that it is exempt."""
FLAG_WORDS = word_set(
    "is was flag flagged submission assignment homework in for to toward towards the final "
    "grade credit"
)
LATE = word_set("t l late tardy")
"""Codes, in lower case, of late arrivals even where they are mapped to an absence."""
ARRIVED = word_set("arrival arrived arrives late tardy lateness")
COUNTS = word_set(
    "ytd cumulative count number total times average rate percent year term semester quarter"
)
"""What headers say that hold how often somebody was late."""
SIGNED = word_set("time sign signed check checked clock scan scanned")
"""What headers say of when somebody came; the latter beside `in`."""
KINDS = word_set("category type kind group categoria categorie kategorie tipo typ art")
NO_HOMEWORK = (
    r"tests?|quiz(zes)?|exams?|mid-?terms?|assessments?|summative|participation|classwork|in[- ]class"
    r"|klausur(en)?|klassenarbeit(en)?|pr[üu]fung(en)?|ex[aá]men(es)?|pruebas?|contr[oô]les?|interrogations?"
)
"""What gradebooks call, under headers of `KINDS`, what is not done at home."""
ACTIVITIES = word_set("activity activities club clubs excursion")
"""What headers say of where somebody was instead, or from where they were away."""
ACTIVITY = (
    r"clubs?|activit(y|ies)|(field|school|class|day) ?trips?|excursi[oó]n(es)?|outings?|extra-?curricular"
    r"|after[- ]?school|school[- ](event|business|sponsored|related)|athletics|rehearsals?|sortie|ausflug"
    r"|klassenfahrt|arbeitsgemeinschaft"
)
"""What cells say of it under any other header than those of `REMARKS`."""
REMARKS = word_set("comment comments note notes remark remarks description teacher")
HANDED_IN = word_set("submitted submission turned handed")
_MOMENT = (
    r"(.*[ T])?(?P<hour>\d{1,2})[:.](?P<minute>\d{2})([:.]\d{2}(\.\d+)?)?Z?"
    r"( ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_TIME = r"\d{1,2}[:.]\d{2}([:.]\d{2})?( ?[AaPp]\.?[Mm]\.?)?"
_AMOUNT = r"-?\d+([.,:]\d+)? ?(%|h|hrs?|hours?|m|mins?|minutes?)?"
VALUES_SHOWN = 3
MOST_WORDS = 40
SEVERAL = 3
"""Rows that have the same amount on a day, from which it is no accident."""
MANY_AT_ONCE = 10
"""Students who came late at once, from which school began later for them."""
MOST = 0.5


def unread_problems(
    con: duckdb.DuckDBPyConnection,
    table: str,
    names: Sequence[str],
    found: Collection[Resolved],
    settings: Settings,
) -> Iterator[Problem]:
    """Questions about columns of attendance or homework that nobody reads.

    Args:
        con: The warehouse, with `raw_…`, `read_…` and the staging tables.
        table: attendance or homework.
        names: `unread_names`.
        found: Its headers, understood.
        settings: How it is read.
    """
    if table == "homework":
        yield from _flags(con, names, settings)
        yield from _handed_in(con, names, settings)
        yield from _no_homework(con, names)
        return
    read = {ours for each in found for ours in each.headers}
    said = not read.isdisjoint({"duration", "portion_absent"})
    if not said:
        yield from _amounts(con, names)
        yield from _arrivals(con, names, settings)
    if settings.landing.attendance.shape == "exceptions":
        sessions = {each.headers["session"] for each in found if "session" in each.headers}
        yield from _activities(con, [*names, *sorted(sessions)])
        yield from _last_days(con, names, settings)
        yield from _several_days(con, names)
        if not said and "session" not in read:
            yield from _times(con, names)
    if not said and "session" not in read:
        yield from _parts(con, names)


def words_of(header: str) -> frozenset[str]:
    """The words of a header: `absent` and `minutes` of `AbsentMinutes`, `Absent Minutes` and so on.

    Without accents: `journees` of `Journées`.
    """
    plain = re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFKD", header))
    found = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", plain)
    return frozenset(word.casefold() for word in found)


def rows_with(table: str, name: str) -> str:
    """SQL of the rows that count, with what stands in a column nobody reads (`cell`, never null)."""
    return f"""(
        select mark.*, coalesce(trim(raw.{quoted(name)}), '') as cell
        from stg_{table} as mark
        join raw_{table} as raw on raw._file = mark.file and raw._line = mark.line
    )"""


def cells_of(con: duckdb.DuckDBPyConnection, rows: str, where: str = "true") -> Sequence[str]:
    """The different cells of `rows_with`."""
    found = con.execute(f"select distinct cell from {rows} where {where} order by 1").fetchall()
    return [cell for (cell,) in found]


def few_cells(
    con: duckdb.DuckDBPyConnection, table: str, name: str, most: int
) -> Sequence[str] | None:
    """The different cells of a column as received, without empty ones; None of one with too many."""
    cell = f"trim({quoted(name)})"
    found = con.execute(
        f"select distinct {cell} from raw_{table} where {cell} <> '' limit {most + 1}"
    ).fetchall()
    return sorted(cell for (cell,) in found) if len(found) <= most else None


def shown_cells(cells: Sequence[str]) -> str:
    """A few of several cells: only such as are numbers, times, dates or flags, never a name."""
    return listed([f"'{cell}'" for cell in cells if cell][:VALUES_SHOWN])


def _activities(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> Iterator[Problem]:
    """Absences from a club or for a field trip, which may be none from school.

    Of what stands there nothing is shown: it may be a remark, or who leads the club.
    """
    for name in names:
        cells = few_cells(con, "attendance", name, MOST_WORDS) or []
        if words_of(name) & REMARKS or all(map(is_date, cells)):
            continue
        likely = [cell for cell in cells if re.search(rf"\b({ACTIVITY})\b", cell, re.IGNORECASE)]
        kept = ["…"]
        if words_of(name) & ACTIVITIES:
            likely = [
                cell for cell in cells if cell.casefold() not in FALSE and cell not in MISSING
            ]
            kept = ["", *(cell for cell in cells if cell not in likely)]
        ((count,),) = con.execute(
            f"select count(*) from {rows_with('attendance', name)} "
            f"where cell in {literals([*likely, ''])} and cell <> '' and attended < possible"
        ).fetchall()
        if count:
            yield unread_question(
                "attendance",
                name,
                f"The column {name} of attendance speaks of activities in {counted(count, 'absence')}: who was "
                "away from one, or at one for the school, may not have been absent from school. To leave these "
                f"out, add to [landing.attendance.where]: {toml_key(name)} = {toml_list(kept)}",
                count,
            )


def _amounts(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> Iterator[Problem]:
    """How much of a day was missed, where absences of one kind have different amounts."""
    for name in names:
        words = words_of(name)
        if not words.isdisjoint(NOT_MISSED) or words.isdisjoint(UNITS | SHARES):
            continue
        rows = rows_with("attendance", name)
        cells = cells_of(con, rows, "cell <> '' and not tardy")
        if not all(
            re.fullmatch(_AMOUNT, cell, re.IGNORECASE) or normal(cell) in WHOLE_DAY
            for cell in cells
        ):
            continue
        number = "try_cast(replace(rtrim(cell, '% '), ',', '.') as double) / if(ends_with(cell, '%'), 100, 1)"
        share, different, fractions = con.execute(
            f"""
            select coalesce(bool_and(amount between 0 and 1) filter (cell <> ''), false),
                   count(distinct cell),
                   count(*) filter (
                     amount not in (attended / possible, 1 - attended / possible)
                   )
            from (select *, {number} as amount from {rows} where not tardy and possible > 0)
            """
        ).fetchall()[0]
        there = bool(words & {"present", "attended"})
        ours = "duration" if there else "portion_absent"
        if share and different > 1 and fractions:
            yield unread_question(
                "attendance",
                name,
                f"The column {name} of attendance, which is not read, has parts of a whole ({shown_cells(cells)}): if "
                f"it says how much of the day was missed, {counted(fractions, 'row')} "
                f"{'counts' if fractions == 1 else 'count'} wrongly. Add to [landing.attendance.columns]: "
                f"{ours} = {toml_text(name)}",
                fractions,
            )
        if share or words.isdisjoint(
            UNITS | {"duration", "length"} | (MISSED if "value" in words else set())
        ):
            continue
        ((unequal,),) = con.execute(
            f"""
            select coalesce(sum(rows) filter (cells > 1), 0)
            from (
              select count(*) as rows, count(distinct cell) as cells from {rows}
              where not tardy and attended {"> 0" if there else "< possible"} group by attended / possible
            )
            """
        ).fetchall()
        if cells and unequal and not _is_of_the_day(con, rows):
            yield unread_question(
                "attendance",
                name,
                f"The column {name} of attendance, which is not read, differs between "
                f"{'presences' if there else 'absences'} ({shown_cells(cells)}): if it says how long somebody was "
                f"{'there' if there else 'away'}, {counted(int(unequal), 'row')} may count for too much. Add to "
                f"[landing.attendance.columns]: {ours} = {toml_text(name)}  # and to [landing.attendance]: "
                f"{FULL_DURATION}",
                int(unequal),
            )


def _is_of_the_day(con: duckdb.DuckDBPyConnection, rows: str) -> bool:
    """Whether all of a day and session have the same, as where it is how long these are.

    Each amount but that of a whole day must be that of several at once: two may have left together.
    """
    absence = "not tardy and attended < possible"
    number = r"try_cast(replace(regexp_extract(cell, '\d+([.,]\d+)?'), ',', '.') as double)"
    for of, kind in (("true", "true"), (absence, "attended / possible")):
        for grade in ("true", "grade"):
            ((proven,),) = con.execute(
                f"""
                with said as (
                  select min(cell) as cell, count(distinct cell) as cells, count(*) as rows,
                         school_id, session, date, {grade} as grade, {kind} as kind
                  from {rows} join stg_students using (student_id) where {of} group by all
                )
                select bool_and(cells = 1) and count(distinct cell) = count(distinct cell) filter (
                  rows >= {SEVERAL} or cell = (select arg_max(cell, {number}) from said)
                ) from said
                """
            ).fetchall()
            if proven:
                return True
    return False


def _parts(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> Iterator[Problem]:
    """Words for the part of a day that was missed."""
    for name in names:
        words = words_of(name)
        if not (words & PARTS or {"part", "day"} <= words) or words & NOT_MISSED:
            continue
        rows = rows_with("attendance", name)
        cells = cells_of(con, rows, "not tardy and attended < possible")
        if len(cells) > 1 and not all(re.fullmatch(_AMOUNT, cell) for cell in cells if cell):
            ((absences,),) = con.execute(
                f"select count(*) from {rows} where not tardy and attended < possible"
            ).fetchall()
            yield unread_question(
                "attendance",
                name,
                f"The column {name} of attendance, which is not read, has {len(cells)} different texts in "
                f"{counted(absences, 'absence')}: if it says which part of the day was missed, some count for "
                "too much. Export the part as a number (0.5 for half a day) and add to "
                '[landing.attendance.columns]: portion_absent = "…"  # if it is the session of each row, add '
                f"session = {toml_text(name)} instead, and sessions_per_day to [landing.attendance].",
                absences,
            )


def _times(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> Iterator[Problem]:
    """From when to when somebody was away, where it differs from absence to absence."""
    where = "not tardy and attended < possible"
    cells = {
        name: [cell for cell in cells_of(con, rows_with("attendance", name), where) if cell]
        for name in names
        if words_of(name) & (BEGINNINGS | ENDS)
    }
    times = {
        name: found
        for name, found in cells.items()
        if found and all(re.fullmatch(_TIME, cell) for cell in found)
    }
    first = [name for name in times if words_of(name) & BEGINNINGS]
    last = [name for name in times if words_of(name) & ENDS]
    if first and last and max(len(times[first[0]]), len(times[last[0]])) > 1:
        shown = shown_cells(sorted({*times[first[0]], *times[last[0]]}))
        yield unread_question(
            "attendance",
            f"{first[0]} {last[0]}",
            f"The columns {first[0]} and {last[0]} of attendance, which are not read, differ between absences "
            f"({shown}): if they say when somebody was away, absences of a part of the day count as whole days. "
            "Export how much of the day was missed (0.5 for half of it) and add to "
            '[landing.attendance.columns]: portion_absent = "…"',
            0,
        )


def _arrivals(
    con: duckdb.DuckDBPyConnection, names: Sequence[str], settings: Settings
) -> Iterator[Problem]:
    """When somebody came or how late, where who is late counts for less and only the code says who is.

    Of an export with codes for it only present marks as late as one of these are odd.
    """
    marks = {code: settings.attendance.mark(code) for code in settings.attendance.codes}
    late = {
        code.casefold(): code
        for code, mark in marks.items()
        if mark and mark.attended < mark.possible and (mark.tardy or code.casefold() in LATE)
    }
    for name in names if late else ():
        words = words_of(name)
        if words & COUNTS or (words.isdisjoint(ARRIVED) and not ("in" in words and words & SIGNED)):
            continue
        # each school, session and day of the week may begin at another time
        rows = con.execute(
            f"""
            select (school_id, session, isodow(date))::varchar, (school_id, grade, session, date)::varchar,
                   lower(code), cell, attended = possible and possible > 0 and not tardy, count(*)
            from {rows_with("attendance", name)} join stg_students using (student_id)
            group by all order by all
            """
        ).fetchall()
        minutes = {cell: _minutes(cell) for *_, cell, _, _ in rows if cell}
        first: dict[str, float] = {}
        for when, _, code, cell, _, _ in rows:
            if code in late and (minute := minutes.get(cell)):
                first[when] = min(minute, first.get(when, minute))
        if None in minutes.values() or (len({row[3] for row in rows}) <= 1 and not first):
            continue
        odd = _came_late(rows, minutes, first)
        if odd:
            latest = sorted(odd, key=lambda cell: -(minutes[cell] or 0))
            yield unread_question(
                "attendance",
                name,
                f"The column {name} of attendance, which is not read, has {shown_cells(latest)} in "
                f"{counted(odd.total(), 'row')} whose code says present"
                f"{', as late as others whose code says late' if first else ''}. A late arrival counts "
                "for less, as [attendance.codes] says, and only its code tells of it: if these came late, "
                f"export them with the code of late arrivals ({listed(sorted(late.values()))}).",
                odd.total(),
            )


def _came_late(
    rows: Sequence[tuple[str, str, str, str, bool, int]],
    minutes: Mapping[str, float | None],
    first: Mapping[str, float],
) -> Counter[str]:
    """Arrivals of those whose code says present that are as late as the first late one, and of how many.

    Where most came that late, school began later: after snow, or for the little ones.
    """
    came: Counter[str] = Counter()
    after: dict[str, Counter[str]] = defaultdict(Counter)
    for when, day, _, cell, there, count in rows:
        came[day] += count if there and cell else 0
        if there and (minutes.get(cell) or 0) >= first.get(when, float("inf") if first else 1):
            after[day][cell] += count
    odd: Counter[str] = Counter()
    for day, cells in after.items():
        if not first or cells.total() <= max(MOST * came[day], MANY_AT_ONCE):
            odd.update(cells)
    return odd


def _minutes(cell: str) -> float | None:
    """The minute of the day, or how many minutes somebody was late; None where it is neither."""
    if found := re.fullmatch(_MOMENT, cell):
        half = (found["half"] or "").casefold()
        hour = int(found["hour"]) % 12 + 12 * (half == "p") if half else int(found["hour"])
        return 60 * hour + int(found["minute"])
    number = re.fullmatch(r"(\d+)([.,]\d+)?( ?min.*)?", cell)
    return float(number[1]) if number else None


def _handed_in(
    con: duckdb.DuckDBPyConnection, names: Sequence[str], settings: Settings
) -> Iterator[Problem]:
    """Homework that is complete and was handed in after it was due, where late does not count."""
    for name in () if settings.homework.late_counts else names:
        if words_of(name).isdisjoint(HANDED_IN):
            continue
        later = "day > found.due_date and status = 'complete'"
        count = rows_by_day(con, "homework", name, settings, later)
        if count:
            yield unread_question(
                "homework",
                name,
                f"The column {name} of homework, which is not read, has a later day than the one it was due "
                f"in {counted(count, 'row')} whose status says complete, and late homework does not count, as "
                "[homework] late_counts = false says. If these were late, export them with a status that "
                "says so, such as late.",
                count,
            )


def _last_days(
    con: duckdb.DuckDBPyConnection, names: Sequence[str], settings: Settings
) -> Iterator[Problem]:
    """The last day of an absence that goes on: only its first is counted."""
    for name in names:
        words = words_of(name)
        if words.isdisjoint((ENDS | BACK) - {"in"}) or words & (NOT_ENDS | NOT_MISSED):
            continue
        between = (
            "exists (from stg_school_days as open where in_session "
            "and open.date > found.date and open.date < day)"
        )
        later = "day > found.date" if words.isdisjoint(BACK) else between
        longer = rows_by_day(con, "attendance", name, settings, later)
        if longer:
            yield unread_question(
                "attendance",
                name,
                f"The column {name} of attendance, which is not read, has a later day than the row in "
                f"{counted(longer, 'row')}: if an absence lasts until then, only its first day is counted. Export "
                "a row for each day of an absence.",
                longer,
            )


def _several_days(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> Iterator[Problem]:
    """How many days an absence lasts that has a row for its first one only.

    A number that grows from absence to absence, or that all rows of a student share, is a count of them.
    """
    for name in names:
        words = words_of(name)
        if words.isdisjoint(DAYS) or words & NOT_MISSED:
            continue
        rows = rows_with("attendance", name)
        ((longer, counts),) = con.execute(
            f"""
            with numbered as (
              select date, try_cast(replace(cell, ',', '.') as double) as days,
                     lead(date) over each as next, lag(days) over each as before,
                     count(*) over (partition by student_id) as rows
              from {rows} where not tardy and attended < possible
              window each as (partition by student_id order by date)
            )
            select count(*) filter (days > 1 and (next is null or days <= (
                     select count(distinct open.date) from stg_school_days as open
                     where in_session and open.date >= numbered.date and open.date < next
                   ))),
                   coalesce(bool_and(
                     days - before in (0.5, 1) or (days = before and days >= rows)
                   ), false)
            from numbered
            """
        ).fetchall()
        if longer and not counts:
            yield unread_question(
                "attendance",
                name,
                f"The column {name} of attendance, which is not read, is more than 1 in "
                f"{counted(longer, 'absence')} without a row on the days that follow: if it says how many days an "
                "absence lasts, only its first is counted. Export a row for each day of an absence.",
                longer,
            )


def rows_by_day(
    con: duckdb.DuckDBPyConnection, table: str, name: str, settings: Settings, where: str
) -> int:
    """How many rows of `found` have a `day` in a column nobody reads of which something is true.

    Args:
        con: The warehouse, with `raw_…`, `read_…` and the staging tables.
        table: attendance or homework.
        name: A column, of which nothing is counted unless it has days and nothing else.
        settings: How the exports are read.
        where: SQL of what must be true.
    """
    rows, (date,) = rows_with(table, name), DATES[table]
    cells = [cell for cell in cells_of(con, rows) if cell]
    if not all(map(is_date, cells)):
        return 0
    both = pl.concat([distinct_texts(con, table, date)[date], pl.Series(date, cells, pl.String)])
    register_days(con, both.unique(), settings.landing.export(table), settings.known_zone)
    ((count,),) = con.execute(
        f"select count(*) from {rows} as found join days on days.text = cell where {where}"
    ).fetchall()
    con.unregister("days")
    return int(count)


def _flags(
    con: duckdb.DuckDBPyConnection, names: Sequence[str], settings: Settings
) -> Iterator[Problem]:
    """Flags of homework that contradict its status."""
    for name in names:
        words = words_of(name) - FLAG_WORDS
        flag = next(iter(words)) if len(words) == 1 else ""
        if flag in NO_FLAGS:
            yes_words, says = FALSE[1:], (*FLAGS["exempt"], "unknown")
        elif flag in FLAGS and not (flag == "late" and settings.homework.late_counts):
            yes_words, says = (*TRUE, flag), FLAGS[flag]
        else:
            continue
        rows = rows_with("homework", name)
        cells = cells_of(con, rows)
        flagged = f"lower(cell) in {literals(yes_words)}"
        ((differ, others),) = con.execute(
            f"""
            select count(*) filter ({flagged} and status not in {literals(says)}),
                   count(*) filter (not {flagged})
            from {rows}
            """
        ).fetchall()
        if not differ or not others:
            continue
        yes = [cell for cell in cells if cell.casefold() in yes_words]
        no = [cell for cell in cells if cell not in yes]
        if flag in {"missing", "late"}:
            codes = [f'{toml_key(cell)} = "{flag}"' for cell in yes]
            codes += [f'{toml_key(cell)} = "complete"' for cell in no]
            advice = (
                f"If the flag is right, add to [landing.homework.columns]: status = {toml_text(name)}  # and "
                f"to [homework.codes]: {', '.join(codes)}."
            )
        else:
            advice = (
                "If the flag is right, leave them out: add to [landing.homework.where]: "
                f"{toml_key(name)} = {toml_list(no)}"
            )
        yield unread_question(
            "homework",
            name,
            f"The column {name} of homework, which is not read, is {shown_cells(yes)} for "
            f"{counted(differ, 'piece')} whose status says something else. {advice}",
            differ,
        )


def _no_homework(con: duckdb.DuckDBPyConnection, names: Sequence[str]) -> Iterator[Problem]:
    """What a gradebook has besides homework."""
    for name in names:
        if words_of(name).isdisjoint(KINDS):
            continue
        counts = con.execute(
            f"select cell, count(*) from {rows_with('homework', name)} group by all order by all"
        ).fetchall()
        out = {
            cell: rows
            for cell, rows in counts
            if re.search(rf"\b({NO_HOMEWORK})\b", cell, re.IGNORECASE)
            and "home" not in cell.casefold()
        }
        kept = [cell for cell, _ in counts if cell not in out]
        if out and kept:
            yield unread_question(
                "homework",
                name,
                f"The column {name} of homework, which is not read, says of {counted(sum(out.values()), 'piece')} "
                f"({shown_cells([*out])}) that it is no homework, and all are counted. To leave them out, add to "
                f"[landing.homework.where]: {toml_key(name)} = {toml_list(kept)}",
                sum(out.values()),
            )


def unread_question(table: str, name: str, sentence: str, rows: int) -> Problem:
    """What holds letters until somebody says what a column means."""
    problem = school_problem(
        table,
        "unread_column",
        name,
        sentence,
        rows,
        known_as=f"The column {name} of {table} may say how a row counts.",
    )
    return problem.releasable("If it is right as it is read")
