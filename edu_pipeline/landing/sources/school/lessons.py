"""Marks per lesson, held against the rosters and against each other: counts, and what is said of them."""

from collections.abc import Collection, Iterator, Sequence

import duckdb

from edu_pipeline.ground.sql import literal, quoted
from edu_pipeline.ground.toml import toml_key, toml_list
from edu_pipeline.ground.wording import counted
from edu_pipeline.landing.rules import MARKED_BY_DAY
from edu_pipeline.landing.sources.school.school_problems import few, school_problem
from edu_pipeline.landing.sources.school.stage_facts import has_lessons
from edu_pipeline.landing.tables.headers import normal
from edu_pipeline.landing.tables.raw import RECEIVED
from edu_pipeline.model.problems import Problem
from edu_pipeline.settings.landing import AttendanceExport

FEW_ASTRAY = 0.05
"""Share of marks for which it is ordinary that rosters are behind the timetable."""
MANY_ASTRAY = 0.2
"""Share of a class's marks from which its rate depends on it."""
MANY_SILENT = 0.5
"""Share of the days with absences from lessons on which it is odd that nobody missed the whole day."""
FEW_WHOLE = 0.1
"""Marks of whole days, to students' days with absences from lessons, below which they may be strays."""
FEW_MIXED = 0.05
"""Share of the days of students who have marks of lessons on which it is ordinary that there are none."""
FEW_THIN = 0.05
"""Share of a class's student-days of which it is ordinary that most lessons have no mark."""
DAILY = {"daily": "section", "att_modedaily": "att_modemeeting"}
"""Word of rows about a whole day → word of rows about a class, in one attendance export."""
DAILY_COLUMNS = frozenset({"attendancetype", "attmodecode", "type"})


def lesson_problems(
    con: duckdb.DuckDBPyConnection, export: AttendanceExport, by_lesson: Collection[str] = ()
) -> Iterator[Problem]:
    """What may be wrong with marks that name the class they were taken in.

    Args:
        con: The warehouse, with `raw_attendance` and the staging tables.
        export: How attendance is exported.
        by_lesson: `lesson_files`.
    """
    if by_lesson:
        yield from _hardly_a_day(con)
    if not has_lessons(con, "stg_attendance"):
        return
    several = """
        select count(*) > count(distinct (student_id, date)) from stg_attendance
    """
    yield from _unknown_length(con, export)
    if by_lesson:
        yield from _parts_of_what(con, by_lesson)
    if not con.execute(several).fetchall()[0][0]:
        return  # a mark a day, which is the day's whatever class took it
    yield from _unknown_classes(con)
    yield from _outside_the_class(con)
    yield from _days_beside_lessons(con, by_lesson)
    if export.shape == "daily":
        yield from _without_lessons(con)
        yield from _few_lessons(con)


def days_and_lessons(con: duckdb.DuckDBPyConnection, export: AttendanceExport) -> Iterator[Problem]:
    """Marks of whole days and marks of lessons that would be added up: nothing else tells them apart.

    Args:
        con: The warehouse, with `raw_attendance` and the staging tables.
        export: How attendance is exported.
    """
    if export.shape == "daily" and has_lessons(con, "stg_attendance"):
        return  # where a mark of the day decides it
    for name in _daily_columns(con):
        words = {
            word.casefold(): (word, rows)
            for word, rows in con.execute(
                f"""
                select trim({quoted(name)}) as word, count(*) from raw_attendance as received
                semi join stg_attendance as mark
                  on mark.file = received._file and mark.line = received._line
                where word is not null group by all
                """
            ).fetchall()
        }
        for day, lesson in DAILY.items():
            if day in words and lesson in words:
                (daily, rows), (single, others) = words[day], words[lesson]
                yield _problem(
                    "days_and_lessons",
                    name,
                    f"{counted(rows, 'mark')} of attendance {'is' if rows == 1 else 'are'} of whole days ({name} is "
                    f"{daily}) and {others:,} of single lessons ({single}), and both count. Say which of them "
                    f"decide a day. Add to [landing.attendance.where]: {toml_key(name)} = {toml_list((daily,))}",
                    rows + others,
                )


def _unknown_length(con: duckdb.DuckDBPyConnection, export: AttendanceExport) -> Iterator[Problem]:
    """Absences from single lessons, of which nobody said how many a day has."""
    if export.shape == "daily" or "sessions_per_day" in export.model_fields_set:
        return
    ((rows, most),) = con.execute(
        """
        select coalesce(sum(marks), 0)::bigint, coalesce(max(marks), 0)
        from (
          select count(*) as marks from stg_attendance
          where share = 1 and class_id in (
            select class_id from stg_classes where class_type = 'scheduled'
          ) group by student_id, date
        )
        """
    ).fetchall()
    if rows:
        yield _problem(
            "lessons_of_a_day",
            "class_id",
            f"{counted(rows, 'mark')} of attendance name the lesson they are about, up to {most} of a student "
            "on a day, and nothing says how many lessons a full day has: each counts as a whole day. Add to "
            f"[landing.attendance]: sessions_per_day = {max(most, 2)}  # or more, if a full day has more; 1, if "
            "the day's mark is taken in one of them.",
            rows,
        ).releasable("If it is right as it is read")


def _hardly_a_day(con: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    """Schools of which some days have marks of their own, and hardly any beside those of lessons."""
    found = con.execute(
        f"""
        with placed as (
          select school_id, mark.* from stg_student_schools as place join (
            select student_id, day, true as lesson from rejected_attendance
            where rule = {literal(MARKED_BY_DAY)}
            union all
            select student_id, date, false from stg_attendance
          ) as mark on mark.student_id = place.student_id and day >= begin_date and day < end_date
        ),
        days as (
          select school_id, day, count(*) filter (lesson) as lessons, count(*) filter (not lesson) as whole,
                 count(distinct student_id) filter (lesson) as students
          from placed group by all
        )
        select school_id, sum(lessons)::bigint as lessons, count(*) filter (lessons > 0) as days,
               count(*) filter (lessons > 0 and whole = 0) as silent, sum(whole)::bigint as whole
        from days group by all
        having lessons > 0 and (silent > {MANY_SILENT} * days or whole < {FEW_WHOLE} * sum(students))
        order by all
        """
    ).fetchall()
    for school, rows, days, silent, whole in found:
        yield school_problem(
            "attendance",
            "days_and_lessons",
            school,
            f"School {school} has {counted(rows, 'mark')} of lessons on {counted(days, 'day')}, and {whole:,} of whole "
            f"days, none on {silent:,} of these days. As it has such marks, they decide its days, and those of lessons "
            "count nowhere. If its days are to be those of its lessons, leave its marks of whole days out with "
            '[landing.attendance.parts."…".where].',
            rows,
            holds=True,
        ).releasable("If marks of whole days decide its days")


def _parts_of_what(con: duckdb.DuckDBPyConnection, by_lesson: Collection[str]) -> Iterator[Problem]:
    """Durations of absences from lessons, which may be parts of the lesson or of the day."""
    ((rows, example),) = con.execute(
        """
        select count(*), min(trim(duration)) from read_attendance as received
        semi join (from stg_attendance where attended < possible and not tardy) as mark
          on mark.file = received._file and mark.line = received._line
        where _file in $by_lesson and coalesce(try_cast(replace(duration, ',', '.') as double), 1) not in (0, 1)
        """,
        {"by_lesson": [*by_lesson]},
    ).fetchall()
    if rows:
        yield _problem(
            "duration_of_lessons",
            "duration",
            f"{counted(rows, 'absence')} from lessons {'has' if rows == 1 else 'have'} a duration such as {example}: it "
            "is read as the part of the lesson that was missed. If it is a part of the day, export these files "
            "without it: each is then an absence from a whole lesson.",
            rows,
        ).releasable("If it is the part of the lesson")


def _unknown_classes(con: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    """Lessons of classes that the classes export does not have: they count for the day only."""
    ((rows, of, ids),) = con.execute(
        """
        select coalesce(sum(rows) filter (not known), 0)::bigint, sum(rows)::bigint,
               coalesce(list(class_id order by class_id) filter (not known), [])
        from (
          select class_id, class_id in (select class_id from stg_classes) as known, count(*) as rows
          from stg_attendance where class_id is not null group by all
        )
        """
    ).fetchall()
    if rows > FEW_ASTRAY * of:
        yield _problem(
            "unknown_lessons",
            "class_id",
            f"{rows:,} of {of:,} marks of lessons are of classes that are not in the classes export "
            f"({few(ids)}): they count in the days of their students, and in the rate of no class. Export the "
            "classes again, or say in [landing.attendance.columns] which column holds the same ids: "
            'class_id = "…"',
            rows,
        ).releasable("If it is right that these have no figures of their own")


def _outside_the_class(con: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    """Lessons of classes in which the student is not enrolled on the day."""
    found = con.execute(
        f"""
        with marks as (
          select mark.class_id, student_id, date
          from stg_attendance as mark semi join (
            from stg_classes where class_type = 'scheduled'
          ) as class using (class_id) where lesson is not null
        ),
        judged as (
          select class_id, date, exists (
            from stg_enrollments as spell
            where spell.class_id = marks.class_id and spell.person_id = marks.student_id
              and role = 'student' and marks.date >= begin_date and marks.date < end_date
          ) as enrolled
          from marks
        )
        select class_id, count(*) filter (not enrolled) as outside, count(*) as marks,
               min(date) filter (not enrolled), max(date) filter (not enrolled)
        from judged group by all
        having outside > 1 and outside > {FEW_ASTRAY} * marks
        order by all
        """
    ).fetchall()
    for class_id, outside, marks, first, last in found:
        yield school_problem(
            "attendance",
            "lessons_outside",
            class_id,
            f"{outside:,} of {marks:,} marks taken in class {class_id} are of students who are not enrolled in it "
            "on the day: they count in the days of these students, and not in the rate of the class. Correct "
            "the enrollments, or begin_date and end_date in them.",
            outside,
            holds=outside >= MANY_ASTRAY * marks,
            first=first,
            last=last,
            class_id=class_id,
        ).releasable("If the enrollments are right")


def _days_beside_lessons(
    con: duckdb.DuckDBPyConnection, by_lesson: Collection[str]
) -> Iterator[Problem]:
    """Marks without a class on days that have marks of lessons too: the first decide the day."""
    found = con.execute(
        """
        with beside as (
          select file, line, class_id is not null as lesson, bool_or(class_id is null) over day as whole,
                 bool_or(class_id is not null) over day as lessons
          from stg_attendance window day as (partition by student_id, date)
        )
        select count(*) filter (whole and lessons and not lesson), list(distinct file) filter (lesson)
        from beside
        """
    ).fetchall()
    rows, files = found[0]
    if by_lesson and {*files} <= {*by_lesson}:
        return
    if rows and not _told_apart(con):
        yield _problem(
            "day_beside_lessons",
            "class_id",
            f"{counted(rows, 'mark')} of attendance {'names' if rows == 1 else 'name'} no class, on days on which "
            "the same students have marks of lessons, and nothing says that these are of the whole day: they "
            "are taken for that. Leave out what does not count with [landing.attendance.where]; or, if all lessons "
            'are in files of their own, say so: [landing.attendance.parts."…"] lessons = true',
            rows,
        ).releasable("If they are of the whole day")


def _daily_columns(con: duckdb.DuckDBPyConnection) -> Sequence[str]:
    """Headers that may say of marks whether they are of the whole day."""
    names = con.table("raw_attendance").columns
    return [name for name in names if name not in RECEIVED and normal(name) in DAILY_COLUMNS]


def _told_apart(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether a column of the export says of marks without a class that they are of the whole day."""
    for name in _daily_columns(con):
        words = con.execute(
            f"""
            select distinct lower(trim(raw.{quoted(name)})), class_id is null
            from stg_attendance as mark join raw_attendance as raw
              on raw._file = mark.file and raw._line = mark.line
            """
        ).fetchall()
        days = {word for word, whole in words if whole}
        lessons = {word for word, whole in words if not whole}
        if days <= {*DAILY} and lessons <= {*DAILY.values()}:
            return True
    return False


def _without_lessons(con: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    """Students who have marks of lessons on some days, and one of the whole day only on others."""
    ((days, of),) = con.execute(
        """
        with days as (
          select student_id, date, bool_and(class_id is not null) as lessons
          from stg_attendance group by all
        ),
        mixed as (select student_id from days group by all having count(distinct lessons) = 2)
        select count(*) filter (not lessons), count(*) from days semi join mixed using (student_id)
        """
    ).fetchall()
    if min(days, of - days) > FEW_MIXED * of:
        yield _problem(
            "days_and_lessons",
            "class_id",
            f"Students with marks of lessons have only one of the whole day on {days:,} of {of:,} days: these count "
            "by that mark, the others by their lessons. If both are exported, leave one of them out with "
            "[landing.attendance.where].",
            days,
        ).releasable("If each day has the marks that count")


def _few_lessons(con: duckdb.DuckDBPyConnection) -> Iterator[Problem]:
    """Days on which hardly a lesson of a student has a mark, though others of the school have theirs.

    A short day is short for most.
    """
    ((thin, of, first, last),) = con.execute(
        """
        with days as (
          select student_id, date, count(*) filter (submitted) as marks
          from stg_attendance where class_id is not null group by all
        ),
        placed as (
          select days.*, school_id,
                 median(marks) over (partition by days.student_id) as usual,
                 median(marks) over (partition by school_id, date) as of_day
          from days join stg_student_schools as pupil
            on pupil.student_id = days.student_id and date >= begin_date and date < end_date
        )
        select count(*) filter (thin), count(*), min(date) filter (thin), max(date) filter (thin)
        from (select *, 2 * marks < usual and 2 * marks < of_day as thin from placed)
        """
    ).fetchall()
    if thin > FEW_THIN * of:
        yield _problem(
            "few_lessons",
            "class_id",
            f"On {thin:,} of {of:,} student-days fewer than half of the lessons that are usual have a mark, and "
            "the day is judged by these: registers may be missing. Export attendance again when they are in.",
            thin,
            first=first,
            last=last,
        ).releasable("If there were no more lessons")


def _problem(kind: str, subject: str, sentence: str, rows: int, **more: object) -> Problem:
    return school_problem("attendance", kind, subject, sentence, rows, holds=True, **more)  # type: ignore[arg-type]
