"""Attendance and homework, from text to checked tables, in SQL.

The rules are those of `model.facts`; they stand here in SQL because these are the rows that come
by the million. Both exports go the same way: parse, meaning of the code, rules, later rows win.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals
from edu_pipeline.landing.rules import (
    AFTER,
    CLOSED,
    ELSEWHERE,
    MARKED_BY_DAY,
    NOT_EXPECTED,
    SUPERSEDED,
    UNKNOWN,
    UNMAPPED,
    UNPARSEABLE,
)
from edu_pipeline.landing.sources.school.canonical import ids_left_out, resolved_headers
from edu_pipeline.landing.sources.school.fields import KEYS
from edu_pipeline.landing.sources.school.parts_of_day import PartsOfDay, number_of, parts_of_day
from edu_pipeline.landing.tables.date_order import with_proven
from edu_pipeline.landing.tables.dates import days_read
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.settings.home import Settings
from edu_pipeline.settings.landing import AttendanceExport, FilesOfExport, TableExport
from edu_pipeline.settings.marks import ATTENDANCE_WORDS, DISMISSED, HOMEWORK_WORDS, in_two_cases


@dataclass(frozen=True)
class _Fact:
    """What differs between the two exports."""

    table: str
    day: str
    code: str
    columns: Mapping[str, str]
    """Column of the staging table → SQL over `parsed`."""
    rules: Mapping[str, tuple[str, str]]
    """Rule → (SQL that is true where it is broken, SQL of the value to show), in order."""
    first: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Those by which it does not matter what the code means."""
    adds: tuple[str, ...] = ()
    """Columns that a row which is left out would add to a figure."""
    shown: tuple[str, ...] = ()
    """Further columns that are kept of a row which is left out."""
    within: str | None = None
    """SQL of the file within which each day is a row of its own; None: the key has the day."""
    left_out: tuple[str, ...] = ()
    """Columns of the key that no file has."""
    staged: Mapping[str, str] = field(default_factory=dict)
    """Column → SQL over the rows that count, where it rests on others of them."""
    joins: str = ""
    """SQL of further tables that `columns` and `rules` need."""

    @property
    def key(self) -> Sequence[str]:
        return [name for name in KEYS[self.table] if name not in self.left_out]


HOMES = """(
  select person_id as student_id, class_id, begin_date, end_date
  from stg_enrollments semi join (from stg_classes where class_type = 'homeroom') using (class_id)
  where role = 'student'
)"""
"""SQL of the homerooms that students are in, and when."""
ENOUGH_DAYS = 5
"""Days with marks of all their sessions, from which it is no accident which these are."""
FURTHEST_AHEAD = timedelta(hours=14)
"""How far the zones east of Greenwich are ahead of it."""
TITLES = frozenset(
    {"title", "name", "assignmenttitle", "assignmentname", "homeworktitle", "taskname"}
)
"""Headers, normal, of what stands for an assignment's id and is none: it may come every week."""


def distinct_texts(con: duckdb.DuckDBPyConnection, table: str, *columns: str) -> pl.DataFrame:
    """The few different texts that stand in columns of rows by the million.

    Args:
        con: The warehouse, with `read_<table>`.
        table: The export.
        columns: Its columns; of several, the combinations that occur.
    """
    found: pl.DataFrame = con.sql(f"select distinct {', '.join(columns)} from read_{table}").pl()
    return found


def register_days(
    con: duckdb.DuckDBPyConnection, texts: pl.Series, export: TableExport, zone: str | None = None
) -> None:
    """Make `days`: each `text` and the `day` that it is, read as those of small tables are.

    Args:
        con: Where to; it is for the caller to unregister them.
        texts: As received, in any number: all of a column, which may prove how it is written.
        export: How its dates are written.
        zone: The school's, where it is known.
    """
    formats = with_proven(texts.drop_nulls().unique(), export.date_formats)
    con.register("days", days_read(texts, formats, zone))


def export_days(files: pl.DataFrame, table: str, settings: Settings) -> pl.DataFrame:
    """The last day that each file of an export can know: that of its stamp, else when it landed.

    A stamp in the name of a delta may be that of its first day, so the later of both counts. Where
    the school's time zone is not known, the day is that of whoever is furthest ahead.

    Args:
        files: `LandingFiles`.
        table: The export.
        settings: How it is read.

    Returns:
        One row per `file`: `last_day`.
    """
    zone = settings.known_zone
    landed = (
        (pl.col("landed_at") + FURTHEST_AHEAD).dt.date()
        if zone is None
        else pl.col("landed_at").dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date()
    )
    stamp = pl.col("version").dt.date()
    if settings.landing.export(table).export == "delta":
        stamp = pl.max_horizontal(stamp, landed)
    return files.filter(pl.col("table") == table).select(
        file="path", last_day=pl.when("stamped").then(stamp).otherwise(landed)
    )


def stage_attendance(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    files: pl.DataFrame,
    lengths: pl.DataFrame | None = None,
) -> None:
    """Make `stg_attendance`, `rejected_attendance` and `repeated_attendance`.

    What is rejected of lessons has `possible` and `attended` as parts of the lesson.

    Args:
        con: The warehouse, with `read_attendance`, `stg_students`, `stg_student_schools`,
            `stg_enrollments`, `stg_classes`, `stg_school_days` and `stg_days_off`.
        settings: How the export is read, and what its codes mean.
        files: `LandingFiles`.
        lengths: date × school: `periods` of the day, where the calendar says.
    """
    export = settings.landing.attendance
    lessons = has_lessons(con, "read_attendance")
    texts = distinct_texts(con, "attendance", "date", "code", "session")
    parts = parts_of_day(_session_names(con, texts), export, lessons=lessons)
    if lengths is not None and not _fit(lengths, parts, texts, export):
        lengths = None
    known = parts.per_day if lengths is None else f"coalesce(length.periods, {parts.per_day})"
    per_day = f"case when {_SESSION} in {literals(parts.whole)} then 1 else {known} end"
    per_day = per_day if parts.whole and not parts.by_day else str(known)
    by_lesson = lesson_files(files)
    if by_lesson:  # beside which the marks of other files are of whole days
        per_day = f"case when parsed._file in {literals(by_lesson)} then {per_day} else 1 end"
    if lengths is not None:
        con.register("day_lengths", lengths)
    codes = texts["code"].unique().sort().to_list()
    unsaid = in_two_cases(codes, settings.attendance.codes, ATTENDANCE_WORDS)
    marks = {code: settings.attendance.mark(code) for code in codes if code not in unsaid}
    con.register(
        "code_meanings",
        pl.DataFrame(
            [
                (code, mark.possible, mark.attended, mark.tardy, mark.excused, mark.submitted)
                for code, mark in marks.items()
                if mark
            ],
            schema={
                "word": pl.String,
                "possible": pl.Float64,
                "attended": pl.Float64,
                "tardy": pl.Boolean,
                "excused": pl.Boolean,
                "submitted": pl.Boolean,
            },
            orient="row",
        ),
    )
    con.register("export_days", export_days(files, "attendance", settings))
    full = _full_duration(parts, known, per_day, export)
    duration, missed = _share("duration", full), _share("portion_absent", full)
    # a duration is that of what the code says: of the absence, or of the presence
    there = (
        f"case when {missed} is not null and not meaning.tardy "
        f"then meaning.possible * (1 - {missed}) "
        f"when {duration} is null then meaning.attended "
        f"when meaning.attended < meaning.possible then meaning.possible * (1 - {duration}) "
        f"when {duration} > 0 and not meaning.tardy then meaning.possible * {duration} "
        "else meaning.attended end"
    )
    closed = "(open.date is null or off.date is not null)"
    fact = _Fact(
        table="attendance",
        day="date",
        code="code",
        columns={
            "student_id": "parsed.student_id",
            "date": "days.day",
            "session": _SESSION,
            "class_id": "parsed.class_id",
            "code": "parsed.code",
            "possible": f"meaning.possible / {per_day}",
            "attended": f"{there} / {per_day}",
            "tardy": "meaning.tardy",
            "excused": "meaning.excused",
            "submitted": "meaning.submitted",
            "share": f"1 / {per_day}",
            # of exceptions nobody knows who was there in a lesson
            "lesson": (
                f"case when parsed.class_id is not null and meaning.submitted and meaning.possible > 0 "
                f"then {there} / meaning.possible end"
                if lessons and export.shape == "daily"
                else "null::double"
            ),
        },
        left_out=() if lessons else ("class_id",),
        staged=_shares(parts) if parts.by_day else {},
        joins=""
        if lengths is None
        else """
          left join day_lengths as length
            on length.date = days.day and length.school_id = pupil.school_id
        """,
        adds=("possible", "attended"),
        first=_marked_by_day(by_lesson) if by_lesson and export.shape == "exceptions" else {},
        rules={
            f"{name}_not_between_0_and_1": (
                f"parsed.{name} is not null and not coalesce({share} between 0 and 1, false)",
                f"parsed.{name}",
            )
            for name, share in (("duration", duration), ("portion_absent", missed))
        }
        | {
            AFTER: ("days.day > export_days.last_day", "days.day::varchar"),
            NOT_EXPECTED: (f"{closed} and meaning.possible = 0", "parsed.date"),
            CLOSED: (closed, "parsed.date"),
        },
    )
    _stage(con, texts, settings, fact, files)
    con.unregister("export_days")
    if lengths is not None:
        con.unregister("day_lengths")
    if export.shape == "daily":
        _leave_out_registers_not_taken(con)


def has_lessons(con: duckdb.DuckDBPyConnection, rows: str) -> bool:
    """Whether any of the marks in a table names the class that it was taken in."""
    ((found,),) = con.execute(f"select count(class_id) > 0 from {rows}").fetchall()
    return bool(found)


def day_divided(con: duckdb.DuckDBPyConnection, export: AttendanceExport) -> tuple[PartsOfDay, int]:
    """How `stg_attendance` divides a day, and how many rows a student usually has on one."""
    names = [
        name for (name,) in con.execute("select distinct session from stg_attendance").fetchall()
    ]
    parts = parts_of_day(names, export, lessons=has_lessons(con, "stg_attendance"))
    if not parts.by_day:
        return parts, parts.per_day
    ((usual,),) = con.execute(
        "select coalesce(mode(marks), 1) from "
        "(select count(*) as marks from stg_attendance group by student_id, date)"
    ).fetchall()
    return parts, int(usual)


def lesson_files(files: pl.DataFrame) -> Sequence[str]:
    """The attendance files that have marks of lessons only.

    Args:
        files: `LandingFiles`.
    """
    attendance = files.filter((pl.col("table") == "attendance") & pl.col("current"))
    parts = attendance.select("path", "part").iter_rows()
    return [path for path, part in parts if FilesOfExport.of(part).lessons]


def _marked_by_day(lessons: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """The rule of absences in these files where those from days are exported besides, school by school."""
    by_day = f"""
        pupil.school_id in (
          select place.school_id from read_attendance as mark
          join days as marked on marked.text = mark.date
          join stg_student_schools as place on place.student_id = mark.student_id
            and marked.day >= place.begin_date and marked.day < place.end_date
          where mark._rule is null and mark._file not in {literals(lessons)}
        )
    """
    return {MARKED_BY_DAY: (f"parsed._file in {literals(lessons)} and {by_day}", "parsed.class_id")}


# some write it beside the date: `21 Sep 2026 AM`
_SESSION = (
    "coalesce(parsed.session, case when right(parsed.date, 1) in ('M', 'm') "
    "and not contains(parsed.date, ':') then upper(right(parsed.date, 2)) end, '')"
)


def _fit(
    lengths: pl.DataFrame, parts: PartsOfDay, texts: pl.DataFrame, export: AttendanceExport
) -> bool:
    """Whether the lengths of days are those of the sessions, or lessons, that absences are about."""
    numbers = [number_of(name) for name in texts["session"].drop_nulls().unique()]
    most = int(lengths["periods"].max() or 0)  # type: ignore[arg-type]
    said = "sessions_per_day" in export.model_fields_set
    counted = any(numbers) and max(numbers) <= most
    return counted and (parts.per_day == most if said else parts.per_day == 1)


def _session_names(con: duckdb.DuckDBPyConnection, texts: pl.DataFrame) -> Sequence[str]:
    """What sessions are called, of `distinct_texts` with `date` and `session`."""
    con.register("parsed", texts)
    found = con.execute(f"select distinct {_SESSION} from parsed order by 1").fetchall()
    con.unregister("parsed")
    return [name for (name,) in found]


def _shares(parts: PartsOfDay) -> dict[str, str]:
    """SQL of the day's part of lessons and periods: 1 ÷ those that took place for the student.

    A mark of the whole day beside them decides the day.
    """
    part = _is_part(parts, "class_id", "session")
    took_place = f"count(*) filter ({part} and (possible > 0 or not submitted)) over day"
    day = "(partition by student_id, date)"
    share = (
        f"case when not {part} then 1 when bool_or(not {part}) over day then 0 "
        f"else 1 / greatest(1, {took_place}) end"
    ).replace("over day", f"over {day}")
    return {
        "share": share,
        "possible": f"possible * ({share})",
        "attended": f"attended * ({share})",
    }


def _is_part(parts: PartsOfDay, class_id: str, session: str) -> str:
    """SQL of whether a mark is about a lesson or period, where days are divided by these."""
    return f"({class_id} is not null or {session} not in {literals(['', *parts.whole])})"


def _full_duration(
    parts: PartsOfDay, known: str | int, per_day: str, export: AttendanceExport
) -> str:
    """SQL of the duration of all that a row is about; of a whole day beside lessons nobody knows it."""
    if export.full_duration == 1:
        return "1"
    if parts.by_day:
        return f"case when {_is_part(parts, 'parsed.class_id', _SESSION)} then {export.full_duration} end"
    return f"{export.full_duration} * {known} / ({per_day})"


def _share(column: str, full: str) -> str:
    """SQL of a part of a whole, such as 0.5, 0,5, 50 % or 195 of 390; null where it is no number."""
    return (
        f"(try_cast(replace(rtrim(parsed.{column}, '% \u00a0\u202f'), ',', '.') as double)"
        f" / if(ends_with(parsed.{column}, '%'), 100, {full}))"
    )


def _leave_out_registers_not_taken(con: duckdb.DuckDBPyConnection) -> None:
    """Where more marks of a homeroom are blank than not and nobody is there, its register is not in.

    What stands there is the office's: absences reported by telephone, without those who came.
    """
    con.execute(
        f"""
        create or replace temp table office_only as
        with blank as (
          select date, session, count(*) as marks from stg_attendance
          where not submitted group by all
        ),
        placed as (
          select student_id, mark.date, mark.session, mark.class_id as lesson,
                 coalesce(mark.class_id, home.class_id) as class_id, submitted, attended > 0 as came
          from stg_attendance as mark semi join blank using (date, session)
          left join {HOMES} as home using (student_id)
          where home.class_id is null or mark.date >= begin_date and mark.date < end_date
        ),
        registers as (
          select class_id, date, session from placed group by all
          having count(*) filter (not submitted) > count(*) filter (submitted)
            and count(*) filter (submitted) > 0 and not bool_or(submitted and came)
        )
        select distinct student_id, date, session, lesson
        from placed join registers using (class_id, date, session) where submitted
        """
    )
    con.execute(
        """
        update stg_attendance
        set submitted = false, possible = 0, attended = 0, lesson = null, tardy = false
        from office_only as register
        where stg_attendance.student_id = register.student_id
          and stg_attendance.date = register.date and stg_attendance.session = register.session
          and stg_attendance.class_id is not distinct from register.lesson
        """
    )
    con.execute("drop table office_only")


def stage_homework(con: duckdb.DuckDBPyConnection, settings: Settings, files: pl.DataFrame) -> None:
    """Make `stg_homework`, `rejected_homework` and `repeated_homework`.

    A piece is a student's, an assignment's and, where the export names one, a class's; where it has
    several due dates in one file, or only a title, each due date is a piece.

    Args:
        con: The warehouse, with `read_homework`, `stg_students`, `stg_student_schools`, `stg_classes`
            `stg_school_days` and `stg_days_off`.
        settings: How the export is read, and what its statuses mean.
        files: `LandingFiles`.
    """
    texts = distinct_texts(con, "homework", "due_date", "status")
    codes = texts["status"].unique().sort().to_list()
    unsaid = in_two_cases(codes, settings.homework.codes, HOMEWORK_WORDS)
    statuses = {code: settings.homework.status(code) for code in codes if code not in unsaid}
    con.register(
        "code_meanings",
        pl.DataFrame(
            [(code, status) for code, status in statuses.items() if status],
            schema={"word": pl.String, "status": pl.String},
            orient="row",
        ),
    )
    titled = {
        path
        for path, found in resolved_headers("homework", files, settings.landing.homework).items()
        if normal(found.headers.get("assignment_id", "")) in TITLES
        # a header is a title, unless the id is in it
        or any(not cell.says.get("assignment_id", "0").isdigit() for cell in found.cells)
    }
    within = (
        f"case when _file in {literals(sorted(titled))} then '' else _file end"
        if titled
        else "_file"
    )
    fact = _Fact(
        table="homework",
        day="due_date",
        code="status",
        columns={
            "student_id": "parsed.student_id",
            "assignment_id": "parsed.assignment_id",
            "class_id": "parsed.class_id",
            "due_date": "days.day",
            "status": "meaning.status",
        },
        shown=("class_id", "status"),
        rules={
            "missing_assignment_id": ("parsed.assignment_id is null", "null"),
            f"{UNKNOWN}class_id": (
                "parsed.class_id is not null and parsed.class_id not in (select class_id from stg_classes)",
                "parsed.class_id",
            ),
        },
        within=within,
    )
    _stage(con, texts, settings, fact, files)


def _stage(
    con: duckdb.DuckDBPyConnection,
    texts: pl.DataFrame,
    settings: Settings,
    fact: _Fact,
    files: pl.DataFrame,
) -> None:
    day, table = fact.day, fact.table
    export = settings.landing.export(table)
    register_days(con, texts[day], export, settings.known_zone)
    rules: Mapping[str, tuple[str, str]] = {
        "missing_student_id": ("parsed.student_id is null", "null"),
        f"missing_{day}": (f"parsed.{day} is null", "null"),
        f"{UNPARSEABLE}{day}": ("days.day is null", f"parsed.{day}"),
        ELSEWHERE: (
            "student.student_id is null and parsed.student_id in "
            f"({ids_left_out('students', 'student_id', files, settings.landing.students)})",
            "parsed.student_id",
        ),
        f"{UNKNOWN}student_id": ("student.student_id is null", "parsed.student_id"),
        **fact.first,
        UNMAPPED: ("meaning.word is null", f"parsed.{fact.code}"),
        **fact.rules,
    }
    rule = " ".join(f"when {broken} then {literal(name)}" for name, (broken, _) in rules.items())
    value = " ".join(f"when {broken} then {shown}" for broken, shown in rules.values())
    last_day = "left join export_days on export_days.file = parsed._file" if AFTER in rules else ""
    con.execute(
        f"""
        create or replace temp table judged as
        select parsed._file, parsed._line, parsed._heading, parsed._version,
               case when parsed._rule is not null then parsed._rule {rule} end as rule,
               case when parsed._rule is not null then parsed._value {value} end as value,
               days.day as _day, parsed.student_id as _student_id,
               {", ".join(f"{sql} as {name}" for name, sql in fact.columns.items())}
        from read_{table} as parsed
        left join days on days.text = parsed.{day}
        left join stg_students as student on student.student_id = parsed.student_id
        left join code_meanings as meaning on meaning.word = parsed.{fact.code}
        left join stg_student_schools as pupil
          on pupil.student_id = parsed.student_id
          and days.day >= pupil.begin_date and days.day < pupil.end_date
        left join stg_school_days as open
          on open.date = days.day and open.school_id = pupil.school_id and open.in_session
        left join stg_days_off as off
          on off.date = days.day and off.student_id = parsed.student_id
        {last_day}
        {fact.joins}
        """
    )
    con.unregister("code_meanings")
    con.unregister("days")
    adds = "".join(f", {name}" for name in (*fact.adds, *fact.shown))
    con.execute(
        f"""
        create or replace table rejected_{table} as
        select {literal(table)} as "table", _file as file, _line as line, _heading as heading,
               rule, value, _student_id as student_id, _day as day{adds}
        from judged where rule is not null
        """
    )
    _set_repeated_apart(con, export, fact)
    staged = {**{name: name for name in fact.columns}, **fact.staged}
    con.execute(
        f"""
        create or replace table stg_{table} as
        select {", ".join(f"{sql} as {name}" for name, sql in staged.items())}, _file as file, _line as line,
               _heading as heading
        from judged where rule is null
        """
    )
    con.execute("drop table judged")


def _set_repeated_apart(con: duckdb.DuckDBPyConnection, export: TableExport, fact: _Fact) -> None:
    """Of rows with the same key the latest counts; a snapshot's others are reported if they differ.

    Makes `repeated_<table>`: the others, counted by `file`, whether they `differ` from the one that
    counts and whether that one stands in the same file (`here`).
    """
    key, values = fact.key, ", ".join(fact.columns)
    keys = ", ".join(key)
    alike = " and ".join(f"judged.{name} is not distinct from twice.{name}" for name in key)
    older, apart = "false", keys
    if fact.within is not None:  # of the newest file each due date is a piece of its own
        newest = f"first_value({fact.within}) over (partition by {keys} order by _version desc, _file desc)"
        older, apart = f"{newest} is distinct from {fact.within}", f"{keys}, {fact.day}"
    kept = "".join(f", {name} - first_value({name}) over latest as {name}" for name in fact.adds)
    con.execute(
        f"""
        create or replace temp table again as
        with twice as (
          select {keys} from judged where rule is null group by all having count(*) > 1
        ),
        repeated as (
          select *, judged.rowid as _row, {older} as older from judged semi join twice on {alike} where rule is null
        ),
        ranked as (
          select _row, _file, _line, _heading, older, _student_id, _day,
                 row_number() over latest as place,
                 first_value(_file) over latest = _file and not older as here,
                 first_value(older) over latest
                   or first_value(({values})) over latest is distinct from ({values}) as differs
                 {kept}
          from repeated
          window latest as (
            partition by {apart} order by older, _version desc, _file desc, _line desc
          )
        )
        from ranked where place > 1 or older
        """
    )
    con.execute(
        f"""
        create or replace table repeated_{fact.table} as
        select _file as file, differs, here, count(*) as rows from again group by all
        """
    )
    con.execute("delete from judged where rowid in (select _row from again)")
    if export.export == "snapshot":
        con.execute(
            f"""
            insert into rejected_{fact.table} by name
            select {literal(fact.table)} as "table", _file as file, _line as line, _heading as heading,
                   {literal(SUPERSEDED)} as rule, _student_id as student_id, _day as day
                   {"".join(f", {name}" for name in fact.adds)}
            from again where differs
            """
        )
    con.execute("drop table again")


def attendance_dates(con: duckdb.DuckDBPyConnection, export: AttendanceExport) -> pl.DataFrame:
    """School days where no calendar was exported: dates with a row for every student.

    A date with less than a tenth of the students of a school's median date is taken for a typing
    error, and so is one with a single student where others have several.

    Args:
        con: The warehouse, with `read_attendance` and `stg_student_schools`.
        export: Its section of `pipeline.toml`; an exceptions-only export gives no dates.

    Returns:
        date × school: `date`, `school_id`.
    """
    if export.shape == "exceptions":
        return pl.DataFrame(schema={"date": pl.Date, "school_id": pl.String})
    register_days(con, distinct_texts(con, "attendance", "date")["date"], export)
    dates: pl.DataFrame = con.sql(
        """
        with dated as (
          select day as date, school_id, count(distinct parsed.student_id) as students
          from read_attendance as parsed join days on text = parsed.date
          join stg_student_schools as pupil
            on pupil.student_id = parsed.student_id and day >= begin_date and day < end_date
          group by all
        ),
        usual as (select school_id, median(students) as students from dated group by all)
        select date, school_id
        from dated join usual using (school_id)
        where dated.students >= usual.students / 10
          and (dated.students > 1 or usual.students < 4)
        order by all
        """
    ).pl()
    con.unregister("days")
    return dates


def sessions_found(con: duckdb.DuckDBPyConnection) -> tuple[int, list[str]]:
    """The most rows that a student has on one day, and what sessions are called.

    Args:
        con: The warehouse, with `stg_attendance`.
    """
    found = con.execute("select distinct session from stg_attendance order by 1").fetchall()
    names = [name for (name,) in found]
    if len(names) <= 1:  # then a day has one row, as rows of one key have been set apart
        return len(names), names
    most: int = con.execute(
        """
        select max(marks)
        from (select count(*) as marks from stg_attendance group by student_id, date)
        """
    ).fetchall()[0][0]
    return most, names


def sessions_proven(con: duckdb.DuckDBPyConnection, export: AttendanceExport) -> bool:
    """Whether it is known without the settings what part of a day each mark is about.

    Args:
        con: The warehouse, with `stg_attendance`.
        export: How attendance is exported.
    """
    said = "sessions_per_day" in export.model_fields_set
    ((parts,),) = con.execute("select coalesce(min(share), 1) < 1 from stg_attendance").fetchall()
    return not said and bool(parts)


def sessions_in_turn(con: duckdb.DuckDBPyConnection, rows: str, per_day: int) -> bool:
    """Whether days have their sessions in turn: 1 to 4 on A days, 5 to 8 on B days, and never another.

    Args:
        con: The warehouse.
        rows: A table of marks.
        per_day: How many sessions a day has, as the settings say.
    """
    found = con.execute(
        f"select list(distinct session) from {rows} where session <> '' group by date"
    ).fetchall()
    days = [frozenset(names) for (names,) in found]
    full = [names for names in days if len(names) == per_day]
    turns = {*full}
    return (
        len(full) >= ENOUGH_DAYS
        and len(turns) > 1
        and sum(map(len, turns)) == len(frozenset().union(*turns))
        and all(any(names <= turn for turn in turns) for names in days)
    )


def marks_found(con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Marks that count in a rate, and how many of them are present and on time.

    Args:
        con: The warehouse, with `stg_attendance`.
    """
    ((marks, present),) = con.execute(
        f"""
        select count(*), count(*) filter (attended >= possible and not tardy)
        from stg_attendance
        where submitted and possible > 0 and not starts_with(code, {literal(DISMISSED)})
        """
    ).fetchall()
    return marks, present
