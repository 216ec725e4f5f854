"""Days on which a school is in session and some of its students are not: calendars per grade, track or class.

A calendar of one row per date and school has none, and costs nothing.
"""

import duckdb
import polars as pl

from edu_pipeline.landing.sources.school.stage_facts import HOMES
from edu_pipeline.landing.sources.school.stage_roster import one_spelling

GROUP = ("grade", "track", "class_id")


def stage_days_off(
    con: duckdb.DuckDBPyConnection, calendar: pl.DataFrame, tracks: pl.DataFrame
) -> None:
    """Make `stg_days_off` and `students_without_calendar`.

    The days of a student are those of their class where the calendar has days of it, else of their
    grade and track, else of everybody; a group has everybody's rows on dates without one of its own.
    The grade is the student's; in earlier school years, when it was another, their homeroom's.

    Args:
        con: The warehouse, with `stg_students`, `stg_student_schools`, `stg_classes`,
            `stg_enrollments` and `stg_school_days`.
        calendar: `CalendarDays`.
        tracks: `tracks_of` the students.
    """
    grouped = calendar.filter(pl.any_horizontal(pl.col(*GROUP) != "").any().over("school_id"))
    if grouped.is_empty():
        con.execute("create or replace table stg_days_off (student_id varchar, date date)")
        con.execute(
            "create or replace table students_without_calendar "
            "(student_id varchar, school_id varchar, kind varchar, value varchar, known varchar[])"
        )
        return
    grades = con.sql("select grade from stg_students union select grade from stg_classes").pl()[
        "grade"
    ]
    spelt = one_spelling(grouped["grade"], grades)
    con.register("calendar_rows", grouped.with_columns(pl.col("grade").replace(spelt)))
    con.register("tracks", tracks)
    con.execute(f"create or replace temp table calendar_days as {_CALENDARS}")
    con.execute(f"create or replace temp table grouped_students as {_PEOPLE}")
    con.execute(f"create or replace temp table days_of_groups as {_DAYS_OF_GROUPS}")
    con.execute(f"create or replace table stg_days_off as {_DAYS_OFF}")
    con.execute(f"create or replace table students_without_calendar as {_UNPLACED}")
    for name in ("calendar_days", "grouped_students", "days_of_groups"):
        con.execute(f"drop table {name}")
    con.unregister("calendar_rows")
    con.unregister("tracks")


_EVERYBODY = "grade = '' and track = '' and class_id = ''"
_CALENDARS = f"""
    -- every group and date on which the school is in session
    with groups as (select distinct school_id, grade, track, class_id from calendar_rows),
    dates as (
      select school_id, date,
             year_start = max(year_start) over (partition by school_id) as this_year
      from stg_school_days semi join groups using (school_id) where in_session
    )
    select school_id, grade, track, class_id, date, this_year,
           coalesce(own.in_session, every.in_session, false) as open
    from groups join dates using (school_id)
    left join calendar_rows as own using (school_id, grade, track, class_id, date)
    left join (
      select school_id, date, in_session from calendar_rows where {_EVERYBODY}
    ) as every using (school_id, date)
"""
_PEOPLE = f"""
    -- stretches of students in one school and homeroom
    select student_id, pupil.school_id,
           greatest(pupil.begin_date, coalesce(home.begin_date, pupil.begin_date)) as begin_date,
           least(pupil.end_date, coalesce(home.end_date, pupil.end_date)) as end_date,
           coalesce(student.grade, class.grade, '') as grade_now,
           coalesce(class.grade, student.grade, '') as grade_then,
           coalesce(track, '') as track
    from stg_student_schools as pupil join stg_students as student using (student_id)
    left join tracks using (student_id)
    left join {HOMES} as home
      on home.student_id = pupil.student_id
      and home.begin_date < pupil.end_date and home.end_date > pupil.begin_date
    left join stg_classes as class on class.class_id = home.class_id
    where pupil.school_id in (select school_id from calendar_days)
"""
_DAYS_OF_GROUPS = f"""
    with groups as (
      select distinct school_id, grade_now, grade_then, track from grouped_students
    ),
    theirs as (
      select groups.*, date, bool_or(open) as open
      from groups join calendar_days as day
        on day.school_id = groups.school_id and class_id = ''
        and (day.grade <> '' or day.track <> '')
        and day.grade in ('', if(this_year, grade_now, grade_then))
        and day.track in ('', groups.track)
      group by all
    )
    from theirs
    union all
    select groups.*, date, open
    from groups join (from calendar_days where {_EVERYBODY}) as every
      on every.school_id = groups.school_id
    anti join theirs
      on theirs.school_id = groups.school_id and theirs.grade_now = groups.grade_now
      and theirs.grade_then = groups.grade_then and theirs.track = groups.track
      and theirs.date = every.date
"""
_DAYS_OFF = """
    with of_classes as (
      select person_id as student_id, date, bool_or(open) as open
      from calendar_days as day join stg_enrollments as spell
        on spell.class_id = day.class_id and role = 'student'
        and date >= begin_date and date < end_date
      group by all
    )
    select student_id, date from of_classes where not open
    union
    select student_id, date
    from grouped_students as pupil join days_of_groups as day
      using (school_id, grade_now, grade_then, track)
    anti join of_classes using (student_id, date)
    where not open and date >= begin_date and date < end_date
    order by all
"""
_UNPLACED = """
    -- of schools whose calendars differ at all
    with known as (
      select school_id,
             list(distinct grade order by grade) filter (grade <> '') as grades,
             list(distinct track order by track) filter (track <> '') as tracks,
             list(distinct class_id order by class_id) filter (class_id <> '') as classes
      from calendar_days group by all
    )
    select distinct student_id, school_id,
           case when tracks is not null and not list_contains(tracks, track) then 'track'
                when grades is not null then 'grade' else 'class_id' end as kind,
           case kind when 'track' then track when 'grade' then grade_now else '' end as value,
           case kind when 'track' then tracks when 'grade' then grades else classes end as known
    from grouped_students as pupil join known using (school_id)
    semi join (from calendar_days where not open) as apart using (school_id)
    anti join days_of_groups using (school_id, grade_now, grade_then, track)
    anti join (
      select person_id as student_id from stg_enrollments join calendar_days using (class_id)
      where role = 'student'
    ) using (student_id)
    semi join (from stg_enrollments where role = 'student') as spell
      on spell.person_id = pupil.student_id
    order by all
"""
