"""Attendance by the million, reduced to counts that add up."""

import duckdb

from edu_pipeline.facts.roster import WEEKS_OFF
from edu_pipeline.ground.sql import week_of
from edu_pipeline.model.school_calendar import WeekBegins, closing_day
from edu_pipeline.settings.landing import AttendanceExport
from edu_pipeline.settings.mail import Weekday, weekday_number


def build_counted_through(
    con: duckdb.DuckDBPyConnection,
    export: AttendanceExport,
    close_week: Weekday | None = None,
    week_begins: WeekBegins | None = None,
) -> None:
    """Make `counted_through`: one row per school, with the last day that counts.

    `submitted_through` is the latest day for which attendance was received; in an exceptions-only
    export, also the last school day before the date in the files' names (of several, the one that
    is furthest behind). Absences after the date in a snapshot's name are planned ones. Without
    attendance, the latest homework handed in stands in.

    `counted_through` is the same day, but in the running week, the latest of any school, not after
    `close_week`: a letter about Monday to Thursday is that also when Friday's registers are early.

    Args:
        con: The warehouse, with `stg_attendance`, `stg_homework`, `stg_student_schools`,
            `stg_school_days` and `landing_files`.
        export: How attendance is exported.
        close_week: Last weekday of the running week that counts; None: the last of the school week.
        week_begins: First day of the school week.
    """
    planned = "date > newest" if export.export == "snapshot" else "false"
    silent = "date < furthest_behind" if export.shape == "exceptions" else "false"
    last = closing_day(weekday_number(close_week), week_begins)
    con.execute(
        f"""
        create or replace table counted_through as
        with stamps as (
          select min(day) as furthest_behind, max(day) as newest from (
            select max(version)::date as day from landing_files
            where "table" = 'attendance' and stamped and current group by series
          )
        ),
        received as (
          select school_id, max(date) as day
          from stg_attendance
          join stg_student_schools as pupil
            on pupil.student_id = stg_attendance.student_id
            and date >= pupil.begin_date and date < pupil.end_date,
          stamps
          where submitted and ({planned}) is not true group by all
          union all
          select school_id, max(date) from stg_school_days, stamps
          where in_session and {silent} group by all
        ),
        handed_in as (
          select school_id, max(due_date) as day
          from stg_homework
          join stg_student_schools as pupil
            on pupil.student_id = stg_homework.student_id
            and due_date >= pupil.begin_date and due_date < pupil.end_date
          where status in ('complete', 'late')
            and school_id not in (select school_id from received)
          group by all
        ),
        latest as (
          select school_id, max(day) as submitted_through
          from (from received union all from handed_in) group by all
        )
        select school_id, submitted_through,
               least(
                 submitted_through,
                 {week_of("max(submitted_through) over ()", week_begins)} + {last}
               ) as counted_through
        from latest
        order by school_id
        """
    )


def build_student_days(
    con: duckdb.DuckDBPyConnection, export: AttendanceExport, absent_from: float | None = None
) -> None:
    """Make `student_days`: student × day that counts for attendance.

    A day counts when the student was enrolled in a class, the school in session, also for them, and
    the register in. Columns: `student_id`, `spell_begin` (the stretch of `student_spells`), `date`,
    `week_start`, `year_start`, `school_id`, `team` (as in `student_spells`), `possible`, `attended` (fractions of a day), `excused` (fraction missed and
    excused), `tardy`.

    Args:
        con: The warehouse, with `stg_attendance`, `stg_school_days`, `stg_days_off`,
            `student_spells` and `counted_through`.
        export: How attendance is exported. In an exceptions-only export every enrolled student
            was expected on every day in session, and there in all sessions without a row.
        absent_from: Share of a day from which all of it counts as missed, and else nothing; None: the
            share itself does.
    """
    if export.shape == "daily":
        join, unmarked = "join", "0"
    else:
        join = "left join"
        unmarked = "(case when share > 1 - 1e-9 then 0 else 1 - coalesce(share, 0) end)"
    con.execute(
        f"""
        create or replace table student_days as
        with marks as ({_marks_of_days(con)})
        select spell.student_id, spell.begin_date as spell_begin, day.date, week_start, year_start, spell.school_id, team,
               {unmarked} + coalesce(possible, 0) as possible,
               {unmarked} + coalesce(attended, 0) as attended,
               coalesce(missed_excused, 0) as excused, coalesce(tardy, false) as tardy
        from student_spells as spell
        join counted_through as through using (school_id)
        join stg_school_days as day
          on day.school_id = spell.school_id and day.in_session
          and day.date <= through.counted_through
          and day.date >= spell.begin_date and day.date < spell.end_date
        anti join stg_days_off as off on off.student_id = spell.student_id and off.date = day.date
        {join} marks on marks.student_id = spell.student_id and marks.date = day.date
        where coalesce(submitted, true) or {unmarked} > 0
        """
    )
    if absent_from is not None:
        con.execute(
            """
            update student_days
            set attended = if(possible - attended >= $absent_from * possible - 1e-9, 0, possible),
                excused = if(
                  possible - attended >= $absent_from * possible - 1e-9,
                  excused * possible / (possible - attended), 0
                )
            where attended > 1e-9 and attended < possible - 1e-9
            """,
            {"absent_from": absent_from},
        )


def _marks_of_days(con: duckdb.DuckDBPyConnection) -> str:
    """SQL of a student's day; of several sessions they are added up, which takes as long as all the rest."""
    ((is_several,),) = con.execute(
        "select count(distinct session) > 1 or count(class_id) > 0 from stg_attendance"
    ).fetchall()
    excused = "case when excused then possible - attended else 0 end"
    if not is_several:
        return f"select *, {excused} as missed_excused from stg_attendance"
    return f"""
        select student_id, date, sum(share) as share,
               sum(possible) as possible, sum(attended) as attended, sum({excused}) as missed_excused,
               bool_or(tardy) as tardy, bool_or(submitted) as submitted
        from stg_attendance group by student_id, date
    """


def build_student_weeks(con: duckdb.DuckDBPyConnection) -> None:
    """Make `student_weeks`: student × stretch of `student_spells` × week, over the days that count.

    Columns: `student_id`, `spell_begin`, `week_start`, `year_start`, `school_id`, `team`, `days`
    (a bit per weekday counted), `possible`, `attended`, `excused` (days), `tardy` (days).

    Args:
        con: The warehouse, with `student_days`.
    """
    con.execute(
        """
        create or replace table student_weeks as
        select student_id, spell_begin, week_start, any_value(year_start) as year_start,
               any_value(school_id) as school_id, any_value(team) as team,
               bit_or(1 << isodow(date)) as days,
               sum(possible) as possible, sum(attended) as attended, sum(excused) as excused,
               count(*) filter (tardy) as tardy
        from student_days
        group by student_id, spell_begin, week_start
        """
    )


def build_attendance_class_week(con: duckdb.DuckDBPyConnection) -> None:
    """Make `attendance_class_week`: class × week.

    `days_submitted`, `possible_days`, `attended_days`, over the students of the class on each day.
    Where attendance has marks of the lessons of a scheduled class, its `possible_days` and
    `attended_days` are student-lessons, and `lessons` is how many had a register; else it is empty.

    Args:
        con: The warehouse, with `student_days`, `student_weeks`, `class_spells` and
            `stg_attendance`.
    """
    con.execute(
        """
        create or replace table attendance_class_week as
        with days as (
          select spell.class_id, week.week_start, bit_count(bit_or(week.days)) as days_submitted,
                 sum(week.possible) as possible_days, sum(week.attended) as attended_days
          from student_weeks as week
          join class_spells as spell
            on spell.student_id = week.student_id
            and week.spell_begin >= spell.begin_date and week.spell_begin < spell.end_date
          group by all
        ),
        marks as (
          select class_id, student_id, date, session, lesson
          from stg_attendance where lesson is not null
        ),
        lessons as (
          select mark.class_id, week_start, count(distinct (mark.date, session)) as lessons,
                 count(*)::double as possible_days, sum(lesson) as attended_days
          from marks as mark
          join student_days as day using (student_id, date)
          join class_spells as spell
            on spell.class_id = mark.class_id and spell.student_id = mark.student_id
            and mark.date >= spell.begin_date and mark.date < spell.end_date
          where spell.class_type = 'scheduled'
          group by all
        )
        select days.class_id, days.week_start, days_submitted,
               if(own, coalesce(lessons.possible_days, 0), days.possible_days) as possible_days,
               if(own, coalesce(lessons.attended_days, 0), days.attended_days) as attended_days,
               if(own, coalesce(lessons, 0), null) as lessons
        from (
          select *, class_id in (select class_id from lessons) as own from days
        ) as days
        left join lessons using (class_id, week_start)
        order by all
        """
    )


def build_attendance_group_day(con: duckdb.DuckDBPyConnection) -> None:
    """Make `attendance_group_day`: school × grade team (empty: the whole school) × date.

    `possible_days`, `attended_days`; every student-day counts once.

    Args:
        con: The warehouse, with `student_days`.
    """
    con.execute(
        """
        create or replace table attendance_group_day as
        select school_id, case grouping(team) when 1 then null else team end as team, date,
               sum(possible) as possible_days, sum(attended) as attended_days
        from student_days
        group by grouping sets ((school_id, team, date), (school_id, date))
        having grouping(team) = 1 or team is not null
        order by all
        """
    )


def build_attendance_teacher_week(con: duckdb.DuckDBPyConnection) -> None:
    """Make `attendance_teacher_week`: teacher × week with a student on a day in session.

    Columns: `staff_id`, `week_start`, `school_id` (that of most of their students), `classes` and
    `students` on a day in session, `days_submitted`, `possible_days`, `attended_days`; a student in
    several classes of the teacher counts once.

    Args:
        con: The warehouse, with `student_weeks`, `student_spells`, `class_spells`,
            `teacher_spells`, `stg_school_days`, `stg_days_off` and `counted_through`.
    """
    con.execute(
        f"""
        create or replace table attendance_teacher_week as
        with taught as (
          select staff_id, spell.class_id, student_id, stretch.school_id,
                 stretch.begin_date, stretch.end_date
          from student_spells as stretch
          join class_spells as spell using (student_id)
          join teacher_spells as teacher using (class_id)
          where stretch.begin_date >= spell.begin_date and stretch.begin_date < spell.end_date
            and stretch.begin_date >= teacher.begin_date and stretch.begin_date < teacher.end_date
        ),
        places as (
          select staff_id, school_id from taught group by staff_id, school_id
          qualify row_number() over (partition by staff_id order by count(*) desc, school_id) = 1
        ),
        open as (
          select distinct school_id, begin_date, end_date, week_start
          from (select distinct school_id, begin_date, end_date from taught)
          join stg_school_days using (school_id)
          where in_session and date >= begin_date and date < end_date
            and week_start <= (select max(counted_through) from counted_through)
        ),
        enrolled as (
          select staff_id, week_start, count(distinct class_id) as classes,
                 count(distinct student_id) as students
          from taught join open using (school_id, begin_date, end_date)
          anti join ({WEEKS_OFF}) using (student_id, week_start)
          group by all
        ),
        counted as (
          select staff_id, week_start, bit_count(bit_or(days)) as days_submitted,
                 sum(possible) as possible_days, sum(attended) as attended_days
          from (select distinct staff_id, student_id, begin_date as spell_begin from taught)
          join student_weeks using (student_id, spell_begin)
          group by all
        )
        select staff_id, week_start, school_id, classes, students,
               coalesce(days_submitted, 0) as days_submitted,
               coalesce(possible_days, 0) as possible_days,
               coalesce(attended_days, 0) as attended_days
        from enrolled join places using (staff_id)
        left join counted using (staff_id, week_start)
        order by staff_id, week_start
        """
    )


def build_student_attendance(con: duckdb.DuckDBPyConnection) -> None:
    """Make `student_attendance_sums`: one row per student, over the running school year.

    Columns as `model.teachers.StudentAttendance`, without the rate.

    Args:
        con: The warehouse, with `student_days`.
    """
    con.execute(
        """
        create or replace table student_attendance_sums as
        select student_id, arg_max(school_id, date) as school_id,
               sum(possible) as possible_days, sum(attended) as attended_days,
               sum(possible - attended) as absent_days, sum(excused) as excused_days,
               count(*) filter (tardy) as tardy_days,
               min(date) as first_date, max(date) as last_date
        from student_days
        join (select school_id, max(year_start) as year_start from student_days group by all)
          using (school_id, year_start)
        group by student_id
        order by student_id
        """
    )
