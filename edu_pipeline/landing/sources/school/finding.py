"""Everything that is wrong with staged exports, for a refresh and for an inspection alike."""

from collections.abc import Collection, Iterator

import duckdb
import polars as pl

from edu_pipeline.ground.sql import week_of
from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.landing.rules import SUPERSEDED, UNKNOWN, UNPARSEABLE
from edu_pipeline.landing.sources.school.agreement import (
    calendar_rivals,
    enrollment_days,
    homerooms_at_once,
    homework_outside,
    marked_days,
    marks_at_hand,
    marks_on_closed_days,
    marks_on_end_dates,
    marks_outside,
    moves_apart,
    names_for_ids,
    parts_that_repeat,
    registers,
    schools_of_sets,
    schools_without_days,
    teachers_unknown,
    terms_that_end_in_school,
    without_a_calendar,
    without_a_domain,
)
from edu_pipeline.landing.sources.school.belonging import (
    causes_of_unknown,
    classes_of_several_schools,
    enrollments_that_differ,
    homerooms_by_name,
    people_without_ids,
    rival_problems,
    stranger_problems,
    strangers_enrolled,
    students_twice,
    students_twice_by_file,
    zero_problems,
    zeros_lost,
)
from edu_pipeline.landing.sources.school.canonical import (
    CODES,
    as_found,
    resolved_headers,
    unread_names,
)
from edu_pipeline.landing.sources.school.code_sets import asked_as_set, code_set_problems
from edu_pipeline.landing.sources.school.disagreements import (
    ROSTER,
    apart_problems,
    calendar_problems,
    closed_problems,
    date_order_problems,
    days_problems,
    end_date_problems,
    group_problems,
    homeroom_problems,
    homework_outside_problems,
    login_problems,
    move_problems,
    name_problems,
    outside_problems,
    part_problems,
    register_problems,
    school_in_two_sets,
    staff_problems,
    term_problems,
    week_problems,
    year_problems,
)
from edu_pipeline.landing.sources.school.doubts import doubts
from edu_pipeline.landing.sources.school.due_dates import due_date_problems
from edu_pipeline.landing.sources.school.fields import DATES, WORDS
from edu_pipeline.landing.sources.school.lessons import days_and_lessons, lesson_problems
from edu_pipeline.landing.sources.school.losses import (
    RATES,
    attendance_lost,
    homework_lost,
    homework_problems,
    loss_problems,
    worse_rows_lost,
    worse_rows_problems,
)
from edu_pipeline.landing.sources.school.no_longer import SPELLS, no_longer
from edu_pipeline.landing.sources.school.older_files import classes_lost, days_replaced
from edu_pipeline.landing.sources.school.part_time import part_time, stays_unread
from edu_pipeline.landing.sources.school.rejections import (
    reject_counts,
    rows_received,
    unmapped_codes,
)
from edu_pipeline.landing.sources.school.roster_doubts import holidays_only, roster_doubts
from edu_pipeline.landing.sources.school.school_problems import (
    DATE_LIKE,
    change_problems,
    code_problems,
    date_advice,
    exception_problems,
    file_problems,
    row_problems,
    session_problems,
    shape_problems,
    version_problems,
    word_problems,
)
from edu_pipeline.landing.sources.school.school_staging import schools_of
from edu_pipeline.landing.sources.school.second_columns import second_columns
from edu_pipeline.landing.sources.school.stage_facts import (
    distinct_texts,
    lesson_files,
    marks_found,
    sessions_found,
    sessions_in_turn,
    sessions_proven,
)
from edu_pipeline.landing.sources.school.stage_roster import names_years
from edu_pipeline.landing.sources.school.telling_apart import several_problem, several_rows
from edu_pipeline.landing.sources.school.unread import unread_problems
from edu_pipeline.landing.sources.school.whole_or_parts import whole_or_parts
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.zone import Zone
from edu_pipeline.model.problems import Problem, problems_frame
from edu_pipeline.model.school_calendar import WeekBegins, week_begins_of
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import AttendanceExport, Landing

UNKNOWN_PEOPLE = (f"{UNKNOWN}student_id", f"{UNKNOWN}person_id")
"""Rules that rows about people break whom no export has."""


def find_problems(
    con: duckdb.DuckDBPyConnection,
    zone: Zone,
    files: pl.DataFrame,
    changes: pl.DataFrame,
    settings: Settings,
    released: Collection[str] = (),
) -> pl.DataFrame:
    """What a person must look at.

    Args:
        con: The warehouse, with `raw_…`, `read_…`, the staging tables and `rejected_…`.
        zone: Where exports land.
        files: `LandingFiles`.
        changes: `LandingChanges`.
        settings: How the exports are read, and what their codes mean.
        released: Ids of problems that somebody let go.

    Returns:
        `LandingProblems`, those that keep others from being looked for first.
    """
    by_format = "shape" not in settings.landing.attendance.model_fields_set
    ends_said = "end_date" in settings.landing.terms.model_fields_set
    settings = as_found(settings, files)
    landing = settings.landing
    words = {(table, column): read_table(con, f"read_{table}") for table, column in WORDS}
    unmapped = unmapped_codes(con)
    of_set, alone = asked_as_set(unmapped)
    # what nobody mapped may be the presences
    unsure = "attendance" in unmapped["table"]
    shape = [] if unsure else shape_problems(*marks_found(con), landing, by_format=by_format)
    holidays = list(holidays_only(con))
    asked = list(doubts(con, files, settings))
    whole_days = any(
        problem.kind == "whole_day_session" and problem.id not in released for problem in asked
    )
    marks = landing.attendance
    in_turn = marks.shape == "exceptions" and sessions_in_turn(
        con, "stg_attendance", marks.sessions_per_day
    )
    mixed = list(days_and_lessons(con, marks))
    named = name_problems(names_for_ids(con, files, landing))
    repeated = part_problems(parts_that_repeat(con, files, landing), files)
    problems = [
        *file_problems(files, landing),
        *version_problems(files, landing),
        *change_problems(changes),
        *word_problems(words, landing),
        *of_set,
        *code_problems(alone),
        *code_set_problems(con, settings.attendance),
        # marks of whole days beside sessions are no further session
        *(
            mixed
            if mixed or whole_days or in_turn or sessions_proven(con, marks)
            else session_problems(*sessions_found(con), landing)
        ),
        *shape,
        *named,
        *repeated,
        *_rows_left_out(
            con, files, settings, _standing([*named, *repeated], released), weighed=not shape
        ),
        *asked,
        *due_date_problems(con, files),
        *roster_doubts(con, files, settings, holidays),
        *lesson_problems(con, landing.attendance, lesson_files(files)),
        *column_questions(con, files, settings),
        *_disagreements(con, files, settings, holidays, released),
        *([] if ends_said else _ends_of_terms(con, files, landing)),
    ]
    if not any(problem.holds for problem in _standing(problems, released)):
        # what is wrong with an export is no second time wrong with those that it is held against
        problems += _of_marks(con, settings)
    if landing.attendance.shape == "exceptions":
        weeks = weeks_of_exceptions(con, files, landing.attendance, _week_begins(con, settings))
        problems += exception_problems(weeks)
    problems += classes_lost(con, zone, files, landing.enrollments)
    problems += days_replaced(con, zone, files, landing)
    return problems_frame(problems)


def column_questions(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, settings: Settings
) -> Iterator[Problem]:
    """Questions about columns that nobody reads, table by table.

    Args:
        con: The warehouse, with `raw_…`, `read_…` and the staging tables.
        files: `LandingFiles`.
        settings: How the exports are read, and what their codes mean.
    """
    for table in (*SPELLS, *CODES):
        if table not in files["table"]:
            continue
        export = settings.landing.export(table)
        names = unread_names(con, table, files, export)
        if table in SPELLS:
            yield from part_time(con, table, names, settings)
            yield from stays_unread(con, table, names, settings)
        yield from no_longer(con, table, names, settings)
        if table in CODES:
            found = resolved_headers(table, files, export).values()
            yield from second_columns(con, table, names, found, settings)
            yield from unread_problems(con, table, names, found, settings)


def _standing(problems: Collection[Problem], released: Collection[str]) -> list[Problem]:
    """Those that nobody let go: what follows from them need not be told."""
    return [problem for problem in problems if problem.id not in released]


def _rows_left_out(
    con: duckdb.DuckDBPyConnection,
    files: pl.DataFrame,
    settings: Settings,
    told: Collection[Problem],
    *,
    weighed: bool,
) -> list[Problem]:
    """Rows that break rules or share a key: of whole exports, else where they matter.

    Not again those of files that are `told`, as they repeat others or have names for ids; against rates that are
    themselves in doubt they are not `weighed`.
    """
    landing, begins = settings.landing, _week_begins(con, settings)
    counts = reject_counts(con)
    several = {
        table: several_problem(found)
        for table in CODES
        if (found := several_rows(con, table, files, settings))
    }
    kinds = {
        kind: {each.table for each in told if each.kind == kind}
        for kind in ("names_for_ids", "parts_repeat", "two_rosters")
    }
    twice = kinds["parts_repeat"] | ({*ROSTER} if kinds["two_rosters"] else set())
    zeros = zeros_lost(con)
    # of these the zeros are told, which is more
    explained = {*zeros.filter(pl.col("rows") == pl.col("of"))["table"], *kinds["names_for_ids"]}
    causes = causes_of_unknown(con)
    # of students who stand there twice the ids are told
    others = counts.join(students_twice_by_file(con), on=["table", "rule", "file"], how="left")
    others = others.with_columns(pl.col("rows") - pl.col("told").fill_null(0)).filter(
        pl.col("rows") > 0
    )
    many = [
        problem
        for problem in row_problems(others, rows_received(con), files, landing, causes)
        if not (problem.table in {*several, *twice} and problem.subject == SUPERSEDED)
        and not (problem.table in explained and problem.subject in UNKNOWN_PEOPLE)
    ]
    known_rules = {
        table: {
            *(problem.subject for problem in many if problem.table == table),
            *([SUPERSEDED] if table in several else []),
        }
        for table in CODES
    }
    advice = {table: _date_advice(table, counts, landing) for table in CODES}
    lost = homework_problems(
        homework_lost(con, known_rules["homework"], begins), advice["homework"]
    )
    if weighed:
        rows = attendance_lost(con, landing.attendance, known_rules["attendance"], begins)
        if settings.attendance.absent_from is not None:  # any row may turn a whole day
            rows = rows.with_columns(pl.lit(None, pl.Float64).alias(each) for each in RATES)
        lost += loss_problems(rows, advice["attendance"])
    strangers = stranger_problems(strangers_enrolled(con), landing.attendance)
    known = {(problem.table, problem.subject) for problem in (*many, *lost)}
    known |= {(table, rule) for table in explained for rule in UNKNOWN_PEOPLE}
    rivals = rival_problems(
        classes_of_several_schools(con),
        enrollments_that_differ(con, landing.enrollments, settings.known_zone),
        students_twice(con),
        {*twice, *(problem.table for problem in many if problem.subject == SUPERSEDED)},
    )
    return [
        *several.values(),
        *many,
        *zero_problems(zeros),
        *strangers,
        *people_without_ids(con, landing.enrollments),
        *homerooms_by_name(con),
        *rivals,
        *lost,
        *worse_rows_problems(worse_rows_lost(con), known, landing.attendance),
    ]


def _week_begins(con: duckdb.DuckDBPyConnection, settings: Settings) -> WeekBegins | None:
    return week_begins_of(read_table(con, "stg_school_days"), settings.school.week_begins)


def _date_advice(table: str, counts: pl.DataFrame, landing: Landing) -> str:
    (day,) = DATES[table]
    dates = counts.filter(table=table, rule=f"{UNPARSEABLE}{day}")["values"].explode()
    return date_advice(
        [text for text in dates.drop_nulls() if DATE_LIKE.match(text)], table, landing
    )


def _disagreements(
    con: duckdb.DuckDBPyConnection,
    files: pl.DataFrame,
    settings: Settings,
    holidays: Collection[Problem],
    released: Collection[str],
) -> list[Problem]:
    """Where exports contradict themselves or one another, whatever the marks say."""
    landing = settings.landing
    schools = schools_of(con)
    days = read_table(con, "stg_school_days")
    ((through,),) = con.execute("select max(date) from stg_attendance where submitted").fetchall()
    named = names_years(read_table(con, "read_calendar"), schools, landing.calendar)
    known = con.execute(
        "select distinct school_id from stg_school_days where in_session order by 1"
    ).fetchall()
    staff = files.filter((pl.col("table") == "staff") & pl.col("current"))["path"].to_list()
    apart = apart_problems(marked_days(con), landing)
    swapped = [
        problem
        for table in ("attendance", "homework", "enrollments")
        for column in DATES[table]
        for texts in [distinct_texts(con, table, column)[column].drop_nulls()]
        for problem in date_order_problems(table, texts, landing)
    ]
    found = [
        *swapped,
        *school_in_two_sets(schools_of_sets(con, files)),
        *whole_or_parts(con, files, settings),
        *calendar_problems(*calendar_rivals(con, files, schools, landing)),
        *group_problems(without_a_calendar(con)),
        *apart,
        *homeroom_problems(homerooms_at_once(con)),
        *days_problems(
            schools_without_days(con),
            [school for (school,) in known],
            schools,
            "calendar" in files["table"],
        ),
        *staff_problems(*teachers_unknown(con), staff),
        *login_problems(*without_a_domain(con)),
        *week_problems(days, settings.school),
    ]
    if not apart:  # else these days are none
        # of a calendar of holidays that is told already
        found += [] if holidays else closed_problems(marks_on_closed_days(con), landing)
        years = year_problems(days, through, settings.school, named)
        found += [] if _standing(swapped, released) else years
    return found


def _ends_of_terms(
    con: duckdb.DuckDBPyConnection, files: pl.DataFrame, landing: Landing
) -> list[Problem]:
    """What is called `endDate` may be a term's last day, or, as OneRoster has it, the day after."""
    found = resolved_headers("terms", files, landing.terms).values()
    if "enddate" not in {normal(each.headers.get("last_day", "")) for each in found}:
        return []
    exclusive = landing.terms.end_date == "exclusive"
    return term_problems(terms_that_end_in_school(con, exclusive=exclusive), landing)


def _of_marks(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[Problem]:
    """Where marks contradict enrollments and calendars."""
    landing, begins = settings.landing, _week_begins(con, settings)
    daily = landing.attendance.shape == "daily"
    with marks_at_hand(con):
        return [
            *outside_problems(marks_outside(con, begins), *enrollment_days(con)),
            *homework_outside_problems(homework_outside(con, begins)),
            *end_date_problems(*marks_on_end_dates(con), landing),
            *(
                register_problems(registers(con, begins))
                if daily
                else move_problems(*moves_apart(con))
            ),
        ]


def weeks_of_exceptions(
    con: duckdb.DuckDBPyConnection,
    files: pl.DataFrame,
    export: AttendanceExport,
    week_begins: WeekBegins | None = None,
) -> pl.DataFrame:
    """Exceptions received, from the week of a school's first on to its last day that counts.

    That day is the one of the latest exception, or the last before the date in the files' names;
    what a snapshot says of days after that date is planned.

    Returns:
        One row per `school_id` and `week`: `days` in session, `rows` of exceptions on them.
    """
    stamped = files.filter(
        (pl.col("table") == "attendance") & pl.col("current") & pl.col("stamped")
    )
    stamps = stamped.group_by("series").agg(pl.col("version").max())["version"].dt.date()
    planned = "date > $newest" if export.export == "snapshot" else "false"
    found: pl.DataFrame = con.sql(
        f"""
        with marks as (
          select school_id, date, count(*) as rows
          from stg_attendance
          join stg_student_schools as pupil
            on pupil.student_id = stg_attendance.student_id
            and date >= pupil.begin_date and date < pupil.end_date
          where ({planned}) is not true group by all
        ),
        bounds as (
          select school_id, min(date) as first,
                 greatest(max(date), $furthest_behind::date - 1) as last
          from marks group by all
        )
        select school_id, {week_of("day.date", week_begins)} as week, count(*) as days,
               coalesce(sum(rows), 0)::bigint as rows, $newest::date as newest
        from stg_school_days as day join bounds using (school_id)
        left join marks using (school_id, date)
        where day.in_session and day.date <= last
          and {week_of("day.date", week_begins)} >= {week_of("first", week_begins)}
        group by all order by all
        """,
        params={"newest": stamps.max(), "furthest_behind": stamps.min()},
    ).pl()
    return found.drop("newest")
