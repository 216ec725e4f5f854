"""Readings of attendance and homework that have a rival: questions, never guesses.

Each looks at one kind of doubt, counts what it is about and says what to write into `pipeline.toml`. Rows
that share a key and rows that were lost are looked at elsewhere.
"""

from collections.abc import Collection, Iterator, Mapping

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals, quoted
from edu_pipeline.ground.toml import toml_key, toml_text
from edu_pipeline.ground.wording import counted, day_month, listed
from edu_pipeline.landing.rules import AFTER, UNMAPPED
from edu_pipeline.landing.sources.school.canonical import (
    CODES,
    described,
    resolved_headers,
    scored_files,
)
from edu_pipeline.landing.sources.school.fields import DATES, FIELDS
from edu_pipeline.landing.sources.school.parts_of_day import WHOLE_DAY, number_of, span_of
from edu_pipeline.landing.sources.school.school_problems import (
    school_problem,
)
from edu_pipeline.landing.sources.school.stage_facts import (
    HOMES,
    day_divided,
    distinct_texts,
    export_days,
    has_lessons,
)
from edu_pipeline.landing.sources.school.unread import HANDED_IN, words_of
from edu_pipeline.landing.sources.school.which_class import homework_of_no_class
from edu_pipeline.landing.tables.dates import is_moment
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import SCHOOL_TABLES
from edu_pipeline.settings.marks import GRADED

HALVES = 2
PERIOD_WORDS = ("period", "session", "lesson", "block")
SCORES = ("score", "points", "grade", "mark", "percent", "result", "earned")
"""What a header says that holds what a piece of homework was worth."""
NO_SCORE = ("min", "bonus", "extra", "penalty", "deduct", "possible", "curve")
"""What a header says of points that are 0 of whatever was handed in."""
_SOME_DAY = r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2}"
"""In a cell of when a piece was handed in: that it was."""
UNKNOWN_STATUS = 0.5
"""Share of pieces without a known outcome from which there is something to wonder at."""
PREFILLED = 0.5
"""Share of the marks of a day from which one to come is no typing error."""
ENOUGH_MARKS = 100
"""Of which one would be an absence, if absences were listed."""
FEW_WITHOUT = 0.01
"""Share of student-days without a mark that nobody wonders at."""
ENOUGH_PIECES = 10
MANY_STUDENTS, NEARLY_ALL = 0.2, 0.8
"""Share of a class of which none has a piece; share of the pieces that are set that the others have."""
MANY_WITHOUT = 0.05
"""Share of pieces that are not for every student of a class."""
PLANNED_DAYS = 31
"""How far ahead absences are known; a mark of a later day is a typing error."""
USUAL_EXCEPTIONS = 10
"""Students absent or late on days, where none is no chance."""
FEW_EXCEPTIONS = 3
"""The same of Saturdays and Sundays, when hardly any school is open on both."""
DATES_SHOWN = 4
SESSIONS_SHOWN = 8


def doubts(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """Every question about attendance and homework that the data raise.

    Args:
        con: The warehouse, with `raw_…`, `read_…`, the staging tables and `rejected_…`.
        files: `LandingFiles`.
        settings: How the exports are read, and what their codes mean.
    """
    yield from _columns_of_one_name(con, files, settings)
    yield from _empty_codes_beside_others(con, files, settings)
    yield from _blank_marks(con, settings)
    yield from _blank_homework(con, files, settings)
    yield from _blank_days(con, settings)
    yield from _moments_without_a_zone(con, settings)
    yield from _whole_days_beside_sessions(con, settings)
    yield from _shorter_days(con, files, settings)
    yield from _days_to_come(con, settings)
    yield from _homework_without_outcome(con)
    yield from homework_of_no_class(con, files, settings)
    yield from _days_without_exceptions(con, settings)
    yield from _weekdays_without_exceptions(con, settings)
    yield from _nobody_absent(con, settings)
    yield from _nothing_missing(con)
    yield from _without_homework(con)
    yield from _graded_with_nothing(con, files, settings)


def _columns_of_one_name(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    for table in SCHOOL_TABLES:
        for path, found in resolved_headers(table, files, settings.landing.export(table)).items():
            for ours, copies in found.repeated.items():
                first = found.headers[ours]
                if found.how[ours] == "setting":
                    continue
                differs = " or ".join(
                    f"nullif(trim({quoted(copy)}), '') <> coalesce(trim({quoted(first)}), '')"
                    for copy in copies
                )
                rows = con.execute(
                    f"select count(*) from raw_{table} where _file = ? and ({differs})", [path]
                ).fetchall()[0][0]
                if rows:
                    several = listed([toml_text(name) for name in (first, *copies)])
                    yield _question(
                        table,
                        "columns_of_one_name",
                        first,
                        f"{path} has {len(copies) + 1} columns of the same name, {first}, and they differ in "
                        f"{rows:,} rows; only the first is read, as {ours}. If they are several marks of a "
                        "day, export a row per mark; else say which it is, the later ones being called "
                        f"{several}, in [landing.{table}.columns]: {ours} = {toml_text(first)}",
                        rows,
                        f"Columns of one name, {first}, in {path}.",
                    )


def _empty_codes_beside_others(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """A column of codes in which nothing stands, where another could be it and is filled."""
    for table, ours in CODES.items():
        export = settings.landing.export(table)
        field = next(field for field in FIELDS[table] if field.name == ours)
        known = {normal(name) for name in field.names}
        for path, found in resolved_headers(table, files, export).items():
            first = found.headers.get(ours)
            others = [name for name in found.unread if normal(name) in known]
            if first is None or not others or found.how[ours] == "setting":
                continue
            counts = ", ".join(
                f"count(nullif(trim({quoted(name)}), ''))" for name in (first, *others)
            )
            ((filled, *rivals),) = con.execute(
                f"select {counts} from raw_{table} where _file = ?", [path]
            ).fetchall()
            likely = [name for name, cells in zip(others, rivals, strict=True) if cells]
            if not filled and likely:
                yield _question(
                    table,
                    "empty_column",
                    first,
                    f"{path}: nothing stands in the column {first}, which is taken for {ours}, and "
                    f"{listed(likely)} may be it. Add to [landing.{table}.columns]: "
                    f"{ours} = {toml_text(likely[0])}",
                    0,
                )


def _blank_marks(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Problem]:
    """Blank marks beside others that all mean the same: the blank may be how the rest is entered.

    In a daily export blanks of whole registers are registers not taken.
    """
    daily = settings.landing.attendance.shape == "daily"
    if "" in settings.attendance.codes or _has_unmapped(con, "attendance"):
        return
    found = dict(con.execute("select code, count(*) from stg_attendance group by code").fetchall())
    marks = {code: settings.attendance.mark(code) for code in sorted(found) if code}
    there = {
        code: mark.attended >= mark.possible and (daily or not mark.tardy)
        for code, mark in marks.items()
        if mark and mark.submitted and mark.possible
    }
    if len(set(there.values())) != 1:
        return
    ((blanks,),) = con.execute(
        f"""
        with placed as (
          select coalesce(mark.class_id, home.class_id) as class_id, date, session, code
          from stg_attendance as mark left join {HOMES} as home
            on mark.student_id = home.student_id
            and mark.date >= home.begin_date and mark.date < home.end_date
        ),
        registers as (
          select *, bool_or(code <> '') over (partition by class_id, date, session) as begun
          from placed
        )
        select if(bool_or(code = '' and {"begun" if daily else "true"}), count(*) filter (code = ''), 0)
        from registers
        """
    ).fetchall()
    if blanks:
        present = next(iter(there.values()))
        shown = listed([f"'{code}'" for code in list(there)[:SESSIONS_SHOWN]])
        all_are, other = ("present", "absent") if present else ("absent", "present")
        yield _question(
            "attendance",
            "blank_codes",
            "code",
            f"{counted(blanks, 'mark')} of attendance {'is' if blanks == 1 else 'are'} blank, and all others "
            f"({shown}) mean {all_are}: does blank mean {other}, or that the register was not taken, as it is "
            f'read now? Add to [attendance.codes]: "" = "…"  # {other}, or not_taken.',
            blanks,
            f"Blank marks of attendance beside {shown}.",
        )


def _has_unmapped(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether there are codes that nobody mapped: what they mean is asked first."""
    found = con.execute(
        f"select count(*) from rejected_{table} where rule = {literal(UNMAPPED)}"
    ).fetchall()
    return bool(found[0][0])


def _blank_homework(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """Pieces without a status that were due before the file was written, beside complete ones only."""
    if "" in settings.homework.codes or _has_unmapped(con, "homework"):
        return
    read = resolved_headers("homework", files, settings.landing.homework)
    scored = scored_files("homework", files, settings.landing.homework)
    with_status = [
        path for path, found in read.items() if "status" in {*found.headers, *found.said}
    ]
    for paths in (scored, frozenset(with_status) - scored):
        if paths:
            yield from _blank_among(con, files, settings, paths, scored=paths == scored)


def _blank_among(
    con: duckdb.DuckDBPyConnection,
    files: pl.DataFrame,
    settings: Settings,
    paths: Collection[str],
    *,
    scored: bool,
) -> Iterator[Problem]:
    theirs = f"stg_homework where file in {literals(sorted(paths))}"
    ((complete, missing),) = con.execute(
        "select count(*) filter (status in ('complete', 'late')), count(*) filter (status = 'missing') "
        f"from {theirs}"
    ).fetchall()
    if bool(complete) == bool(missing) and not scored:
        return
    con.register("export_days", export_days(files, "homework", settings))
    ((blanks,),) = con.execute(
        f"""
        with theirs as (from {theirs}),
        blank as (
          select _file as file, _line as line, _heading as heading from read_homework
          where status = ''
        )
        select count(*) from theirs semi join blank using (file, line, heading)
        join export_days using (file) where due_date < last_day
        """
    ).fetchall()
    con.unregister("export_days")
    if not blanks:
        return
    due = f"though the day {'it was' if blanks == 1 else 'they were'} due is over"
    pieces = f"{counted(blanks, 'piece')} of homework {'has' if blanks == 1 else 'have'}"
    if scored:
        sentence = (
            f"{pieces} no score {due}: not handed in, or not graded yet? A gradebook of scores does not say. "
            'Add to [homework.codes]: "" = "…"  # missing, or unknown.'
        )
        known_as = "Homework without a score."
    else:
        outcome, other = ("complete", "missing") if complete else ("missing", "complete")
        sentence = (
            f"{pieces} no status {due}, and all others are {outcome}: does blank mean {other}, or that nobody "
            f'knows, as it is read now? Add to [homework.codes]: "" = "…"  # {other}, or unknown.'
        )
        known_as = f"Homework without a status beside {outcome} only."
    yield _question("homework", "blank_codes", "status", sentence, blanks, known_as)


def _blank_days(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Problem]:
    """Days of the calendar of which nothing says whether they are in session, beside some that say it."""
    if "" in settings.landing.calendar.values.get("in_session", {}):
        return
    found = con.execute(
        """
        select _file, count(*) - count(in_session) as blanks, min(in_session)
        from read_calendar where _rule is null and date is not null
        group by all having blanks > 0 and count(in_session) > 0 order by all
        """
    ).fetchall()
    for path, blanks, word in found:
        yield _question(
            "calendar",
            "blank_days",
            path,
            f"{counted(blanks, 'day')} of {path} {'does' if blanks == 1 else 'do'} not say whether school was "
            f"in session, where others say '{word}': {'it is' if blanks == 1 else 'they are'} taken for "
            'school days. Add to [landing.calendar.values.in_session]: "" = "…"  # true or false.',
            blanks,
            f"Days of {path} that do not say whether they are in session.",
        )


def _moments_without_a_zone(
    con: duckdb.DuckDBPyConnection, settings: Settings
) -> Iterator[Problem]:
    if settings.known_zone is not None:
        return
    for table in CODES:
        (day,) = DATES[table]
        texts = distinct_texts(con, table, day).filter(is_moment(pl.col(day)))[day]
        if texts.len():
            yield _question(
                table,
                "zone_not_said",
                day,
                f"{day} of {table} is written as moments in UTC, such as {texts.sort()[0]}, and which day that "
                'is depends on the time zone. Add to [school]: time_zone = "…"  # such as '
                '"America/New_York"',
                texts.len(),
                f"{day} of {table} is written in UTC.",
            )


def _whole_days_beside_sessions(
    con: duckdb.DuckDBPyConnection, settings: Settings
) -> Iterator[Problem]:
    parts, per_day = day_divided(con, settings.landing.attendance)
    if per_day == 1 or has_lessons(con, "stg_attendance"):
        return
    understood = "false"
    if parts.whole:  # and the only mark of their day
        understood = (
            f"session in {literals(parts.whole)} and (student_id, date) not in "
            f"(select (student_id, date) from stg_attendance where session not in {literals(parts.whole)})"
        )
    found = dict(
        con.execute(
            f"select session, count(*) from stg_attendance where not ({understood}) "
            "group by all order by all"
        ).fetchall()
    )
    spans = [name for name in found if span_of(name)]
    # of blocks such as 1-2, 3-4 and 5-6 a day has three
    if (
        spans
        and max(map(number_of, found), default=0) <= per_day
        and max(map(span_of, spans)) <= per_day
    ):
        shown = listed([f"'{name}'" for name in spans[:SESSIONS_SHOWN]])
        rows = sum(found[name] for name in spans)
        yield _question(
            "attendance",
            "whole_day_session",
            " ".join(spans),
            f"{counted(rows, 'row')} of attendance {'is' if rows == 1 else 'are'} of {shown}: if that means "
            f"several periods, each counts as one of {per_day} sessions only. Export a row for each period.",
            rows,
            f"Sessions of several periods: {shown}.",
        )
    whole = [name for name in found if not name or normal(name) in WHOLE_DAY]
    words = [name for name in found if not any(map(str.isdigit, name))]
    if not whole and words and per_day == HALVES and len(found) > HALVES:
        whole = sorted(found, key=lambda name: (found[name], name))[: len(found) - HALVES]
    if not whole or len(whole) == len(found):
        return
    others = [name for name in found if name not in whole][:SESSIONS_SHOWN]
    shown = listed([f"'{name}'" if name else "no session" for name in whole])
    rows = sum(found[name] for name in whole)
    counts = "counts as a day" if parts.by_day else f"counts as one of {per_day} sessions only"
    if {*whole} <= {*parts.whole}:
        counts = "counts as a day beside its sessions"
    yield _question(
        "attendance",
        "whole_day_session",
        " ".join(whole),
        f"{counted(rows, 'row')} of attendance with {shown} {'stands' if rows == 1 else 'stand'} where others have {listed(others)}: if that means the "
        f"whole day, each {counts}. Export a row for each session, or "
        f"leave them out with [landing.attendance.where].",
        rows,
        f"Sessions {shown} beside others.",
    )


def _shorter_days(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """Days with fewer sessions than a day has, as the calendar says: without a mark all count as there."""
    attendance = settings.landing.attendance
    if attendance.shape != "exceptions" or attendance.sessions_per_day == 1:
        return
    for path, found in resolved_headers("calendar", files, settings.landing.calendar).items():
        understood = found.headers.get("periods", "")
        for name in (*found.unread, understood):
            if not any(word in normal(name) for word in PERIOD_WORDS):
                continue
            number = f"try_cast(trim({quoted(name)}) as integer)"
            days, fewest, most = con.execute(
                f"select count(*) filter ({number} between 1 and {attendance.sessions_per_day - 1}), "
                f"min({number}), max({number}) from raw_calendar where _file = ?",
                [path],
            ).fetchall()[0]
            longest = attendance.sessions_per_day - (name == understood)
            if days and most is not None and most <= longest:
                yield _question(
                    "calendar",
                    "shorter_days",
                    name,
                    f"The calendar's column {name} says that {days:,} {'day has' if days == 1 else 'days have'} "
                    f"fewer sessions (down to {fewest}) than sessions_per_day = "
                    f"{attendance.sessions_per_day}: who misses all of them would be absent for a part of "
                    "the day only.",
                    days,
                    f"Shorter days in {name} of {path}.",
                )


def _days_to_come(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Problem]:
    """Marks of days that had not come: of a daily export typing errors, of one of exceptions planned.

    A day on which most students are marked, and all as present, is filled in before it comes. What is
    excused in the next weeks is planned, of students who have marks before.
    """
    if settings.landing.attendance.shape != "daily":
        return
    codes = distinct_texts(con, "attendance", "code")["code"].drop_nulls()
    marks = {code: settings.attendance.mark(code) for code in codes}
    excused = sorted(code for code, mark in marks.items() if mark and mark.excused)
    is_excused = f"code in {literals(excused)}" if excused else "false"
    found = con.execute(
        f"""
        with usual as (
          select median(marks) as marks
          from (select count(*) as marks from stg_attendance group by date)
        ),
        prefilled as (
          select day from rejected_attendance where rule = {literal(AFTER)} and possible > 0
          group by all
          having bool_and(attended = possible)
            and count(*) > {PREFILLED} * (select marks from usual)
        ),
        planned as (
          select _file as file, _line as line, _heading as heading
          from read_attendance semi join stg_attendance using (student_id)
          where {is_excused}
        ),
        told as (
          select * from rejected_attendance
          where rule = {literal(AFTER)} and possible > 0 and not (
            attended < possible and day <= (select max(date) from stg_attendance) + {PLANNED_DAYS}
            and (file, line, heading) in (select (file, line, heading) from planned)
          )
        )
        select count(*), list(distinct day order by day)[:{DATES_SHOWN}], count(distinct day),
               min(file), arg_min(line, (file, line))
        from told anti join prefilled using (day)
        """
    ).fetchall()
    rows, days, different, file, line = found[0]
    if rows:
        shown = listed([f"{day_month(day)} {day.year}" for day in days])
        more = " and other days" if different > len(days) else ""
        yield school_problem(
            "attendance",
            "days_to_come",
            AFTER,
            f"{counted(rows, 'mark')} of attendance {'is' if rows == 1 else 'are'} about "
            f"{shown}{more}, which had not come when the file was written ({file}, line {line}): "
            f"{'it counts' if rows == 1 else 'they count'} nowhere. Correct the date and export attendance again.",
            rows,
            holds=False,
            known_as=f"Marks of {shown}{more}.",
        ).releasable("If it may stay so")


def _homework_without_outcome(con: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    """Homework of which nothing counts, because no status says anything."""
    pieces, unknown, known = con.execute(
        """
        select count(*), count(*) filter (status = 'unknown'),
               count(*) filter (status in ('complete', 'late', 'missing'))
        from stg_homework
        """
    ).fetchall()[0]
    if pieces and not known and unknown >= UNKNOWN_STATUS * pieces:
        yield _question(
            "homework",
            "no_outcome",
            "status",
            f"Of {pieces:,} rows of homework none has a known outcome: {unknown:,} are without a status "
            "that says whether it was handed in. Say in [landing.homework.columns] which column has it: "
            'status = "…"',
            unknown,
            "No homework has a known outcome.",
        )


_EXCEPTIONS_BY_DAY = """
    marks as (
      select school_id, date, count(distinct mark.student_id) as students
      from stg_attendance as mark join stg_student_schools as pupil
        on pupil.student_id = mark.student_id and date >= begin_date and date < end_date
      group by all
    )
"""
"""SQL of how many students of a school were absent or late on a day; of other days there is nothing."""


def _days_without_exceptions(
    con: duckdb.DuckDBPyConnection, settings: Settings
) -> Iterator[Problem]:
    """Single school days without an exception: closed, or an export with a gap; everyone would be present."""
    if settings.landing.attendance.shape != "exceptions":
        return
    found = con.execute(
        f"""
        with {_EXCEPTIONS_BY_DAY},
        usual as (
          select school_id, median(students) as students, min(date) as first, max(date) as last
          from marks group by all having median(students) >= {USUAL_EXCEPTIONS}
        )
        select school_id, list(date order by date), any_value(usual.students)
        from stg_school_days as day join usual using (school_id)
        where day.in_session and date > first and date < last
          and (school_id, date) not in (select (school_id, date) from marks)
          -- weeks that have none are told elsewhere
          and (school_id, date_trunc('week', date)) in
            (select (school_id, date_trunc('week', date)) from marks)
        group by all order by all
        """
    ).fetchall()
    for school, days, usual in found:
        shown = listed([f"{day_month(day)} {day.year}" for day in days[:DATES_SHOWN]])
        more = " and other days" if len(days) > DATES_SHOWN else ""
        yield _question(
            "attendance",
            "day_without_exceptions",
            f"{school} {days[0]}",
            f"Nobody of school {school} was absent or late on {shown}{more}, where about {round(usual)} students a "
            "day are usual, and everyone counts as present. If there was no school, export the calendar again "
            "without; if the marks are missing, export attendance again.",
            len(days),
            f"Days without an exception at school {school}: {shown}{more}.",
        )


def _weekdays_without_exceptions(
    con: duckdb.DuckDBPyConnection, settings: Settings
) -> Iterator[Problem]:
    """Days of the week on which nobody is ever absent: a calendar may have all of them in session."""
    if settings.landing.attendance.shape != "exceptions":
        return
    found = con.execute(
        f"""
        with {_EXCEPTIONS_BY_DAY},
        bounds as (select school_id, min(date) as first, max(date) as last from marks group by all),
        weekdays as (
          select school_id, isodow(date) as weekday, dayname(date) as called, count(*) as days,
                 coalesce(sum(students), 0) as students
          from stg_school_days join bounds using (school_id) left join marks using (school_id, date)
          where in_session and date between first and last group by all
        ),
        usual as (
          select school_id, sum(students) / sum(days) as students
          from weekdays where students > 0 group by all
        ),
        silent as (
          select school_id, list(called || 's' order by weekday) as called, sum(days)::bigint as days,
                 list_has_all(list(weekday), [6, 7]) as weekends, sum(days * usual.students) as expected
          from weekdays join usual using (school_id)
          where weekdays.students = 0 and (days > 1 or weekday > 5) group by all
        )
        select school_id, called, days from silent
        where expected >= if(weekends, {FEW_EXCEPTIONS}, {USUAL_EXCEPTIONS}) order by all
        """
    ).fetchall()
    for school, called, days in found:
        yield _question(
            "calendar",
            "weekdays_without_exceptions",
            school,
            f"Nobody of school {school} was ever absent or late on {listed(called)}, of which the calendar has "
            f"{counted(days, 'day')} in session, and everyone counts as present. If there is no school on them, "
            "export the calendar without them, or with a column in_session that says so.",
            days,
            f"No exceptions on {listed(called)} at school {school}.",
        )


def _nobody_absent(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Problem]:
    """A daily export in which all were there, beside students whose register has no row of them."""
    ((marks, absent),) = con.execute(
        "select count(*), count(*) filter (attended < possible) from stg_attendance where possible > 0"
    ).fetchall()
    if settings.landing.attendance.shape != "daily" or absent or marks < ENOUGH_MARKS:
        return
    ((days, without),) = con.execute(
        f"""
        with taken as (select distinct student_id, date from stg_attendance where possible > 0),
        registers as (
          select distinct class_id, date from taken join {HOMES} as home using (student_id)
          where date >= begin_date and date < end_date
        ),
        expected as (
          select distinct home.student_id, registers.date
          from registers join {HOMES} as home using (class_id)
          where date >= begin_date and date < end_date
        )
        select (select count(*) from expected),
               (select count(*) from expected anti join taken using (student_id, date))
                 - (select count(*) from rejected_attendance)
        """
    ).fetchall()
    if 1 < without >= FEW_WITHOUT * days:
        yield _question(
            "attendance",
            "nobody_absent",
            "code",
            f"All {marks:,} marks of attendance mean present, and {without:,} of {days:,} student-days on "
            "which others of the class are marked have none: it seems to list only who was there. Export "
            "a mark of everybody, or the absences alone.",
            without,
            "Attendance lists nobody as absent.",
        )


def _nothing_missing(con: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    """Homework of which none is missing, beside students of the class who have no row of a piece."""
    ((pieces, missing),) = con.execute(
        """
        select count(*) filter (status in ('complete', 'late')),
               count(*) filter (status not in ('complete', 'late'))
        from stg_homework
        """
    ).fetchall()
    if missing or pieces < ENOUGH_PIECES:
        return
    ((pairs, without),) = con.execute(
        """
        with lacking as (
          select spell.class_id
          from stg_enrollments as spell anti join stg_homework as piece
            on piece.class_id = spell.class_id and piece.student_id = spell.person_id
            and due_date >= begin_date and due_date < end_date
          where role = 'student'
          group by all having count(distinct person_id) >= 2
        ),
        pieces as (
          select distinct class_id, assignment_id, due_date
          from stg_homework semi join lacking using (class_id)
        ),
        pairs as (
          select distinct person_id as student_id, class_id, assignment_id
          from pieces join stg_enrollments using (class_id)
          where role = 'student' and due_date >= begin_date and due_date < end_date
        )
        select (select count(*) from pairs),
               (select count(*) from pairs anti join stg_homework
                  using (student_id, class_id, assignment_id))
        """
    ).fetchall()
    if without > MANY_WITHOUT * pairs:
        yield _question(
            "homework",
            "nothing_missing",
            "status",
            f"None of {pieces:,} pieces of homework is missing, and of {without:,} of {pairs:,} that were due "
            "in a class its student has no row: it seems to list only what was handed in. Export a row "
            "for each student and piece.",
            without,
            "Homework lists nothing as missing.",
        )


def _without_homework(con: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    """Students of a class who have no piece at all, where the others have nearly every one."""
    found = con.execute(
        f"""
        with lacking as (
          select spell.class_id
          from stg_enrollments as spell anti join stg_homework as piece
            on piece.class_id = spell.class_id and piece.student_id = spell.person_id
            and due_date >= begin_date and due_date < end_date
          where role = 'student'
          group by all having count(distinct person_id) >= 2
        ),
        pieces as (
          select distinct class_id, assignment_id, due_date
          from stg_homework semi join lacking using (class_id)
        ),
        pairs as (
          select distinct class_id, person_id as student_id, assignment_id
          from pieces join stg_enrollments using (class_id)
          where role = 'student' and due_date >= begin_date and due_date < end_date
        ),
        had as (
          select class_id, student_id, count(*) as due,
                 count(*) filter (
                   (class_id, student_id, assignment_id) in
                     (select (class_id, student_id, assignment_id) from stg_homework)
                 ) as pieces,
                 student_id in (select student_id from rejected_homework) as told
          from pairs group by all
        )
        select class_id, count(*) filter (pieces = 0 and not told) as without, count(*) as students
        from had group by all
        having without >= greatest(2, {MANY_STUDENTS} * students)
          and sum(pieces) >= {NEARLY_ALL} * sum(due) filter (pieces > 0)
          and students - without >= without and sum(pieces) >= {ENOUGH_PIECES}
        order by all
        """
    ).fetchall()
    for class_id, without, students in found:
        problem = school_problem(
            "homework",
            "students_without_homework",
            "student_id",
            f"In class {class_id}, {without} of {students} students have no piece of homework at all, though the "
            "others have nearly every one: the file may be cut short, or they have left. Export homework again, "
            "or end their enrollments.",
            without,
            class_id=class_id,
        )
        yield problem.releasable("If that is right")


def _graded_with_nothing(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """Graded with 0, or without a score that others of the piece have: never handed in, or a bad one."""
    said = {code.casefold() for code in settings.homework.codes}
    words = [word for word in GRADED if word not in said]
    if not words:
        return
    found: Mapping[str, int] = {}
    column = ""
    for path, read in resolved_headers("homework", files, settings.landing.homework).items():
        status = read.headers.get("status")
        scored = [
            name
            for name in read.unread
            if normal(name).endswith(SCORES) and not any(map(normal(name).count, NO_SCORE))
        ]
        if status is None or not scored:
            continue
        cells = [f"rtrim(trim(coalesce({quoted(name)}, '')), '% ')" for name in scored]
        handed_in = [
            f"not regexp_matches(coalesce({quoted(name)}, ''), {literal(_SOME_DAY)})"
            for name in read.unread
            if words_of(name) & HANDED_IN
        ]
        piece = read.headers.get("assignment_id", status)
        counts = con.execute(
            f"""
            with graded as (
              select _line as line, {described(f"trim({quoted(status)})")} as word, {quoted(piece)} as piece,
                     {" and ".join(handed_in or ["true"])} as never,
                     {" or ".join(f"coalesce(try_cast({cell} as double) = 0, false)" for cell in cells)} as nothing,
                     concat({", ".join(cells)}) = '' as blank
              from raw_homework where _file = ? and lower(word) in {literals(words)}
            )
            select word, count(*) from (
              select word, line,
                     never and (nothing or blank and not bool_and(blank) over (partition by piece)) as asked
              from graded
            ) semi join (
              select line from stg_homework where file = ? and status in ('complete', 'late')
            ) using (line)
            where asked group by all order by all
            """,
            [path, path],
        ).fetchall()
        if counts:
            found, column = dict(counts), scored[0]
    for word, rows in found.items():
        yield _question(
            "homework",
            "graded_with_nothing",
            word,
            f"{counted(rows, 'piece')} of homework {'is' if rows == 1 else 'are'} "
            f"'{word}' with a {column} of 0 or none: handed in, or never? If handed in, add to [homework.codes]: "
            f'{toml_key(word)} = "complete"; if not, export these with a status of their own.',
            rows,
            f"Homework is '{word}' with a {column} of 0.",
        )


def _question(
    table: str, kind: str, subject: str, sentence: str, rows: int, known_as: str = ""
) -> Problem:
    """What holds letters until somebody answers, or says that it is right as it is read."""
    problem = school_problem(table, kind, subject, sentence, rows, known_as=known_as)
    return problem.releasable("If it is right as it is read")
