"""Who was in which class on which day, without overlaps."""

import duckdb

WEEKS_OFF = """
    select student_id, week_start
    from stg_days_off join stg_student_schools as pupil using (student_id)
    join stg_school_days as day using (school_id, date)
    where date >= begin_date and date < end_date
    group by student_id, school_id, week_start
    having count(*) = (
      select count(*) from stg_school_days as whole
      where in_session and whole.school_id = pupil.school_id and whole.week_start = day.week_start
    )
"""
"""SQL of the weeks in which a student's school is in session on no day for them."""


def build_class_spells(con: duckdb.DuckDBPyConnection) -> None:
    """Make `class_spells`: class × student × stretch of days, from enrollments.

    Columns: `class_id`, `class_type`, `student_id`, `begin_date` ≤ day < `end_date`. Stretches of
    one student in one class never overlap. A student is in one homeroom at a time: where two
    overlap, the one that began later counts, as a student who moves belongs to where they arrived.

    Args:
        con: The warehouse, with `stg_enrollments` and `stg_classes`.
    """
    con.execute(
        """
        create or replace table class_spells as
        with spells as (
          select class_id, class_type, person_id as student_id, begin_date, end_date,
                 case class_type when 'homeroom' then '' else class_id end as slot
          from stg_enrollments join stg_classes using (class_id)
          where role = 'student'
        ),
        edges as (
          select student_id, slot, begin_date as day from spells
          union select student_id, slot, end_date from spells
        ),
        stretches as (
          select student_id, slot, day as begin_date,
                 lead(day) over (partition by student_id, slot order by day) as end_date
          from edges
        )
        select arg_max(spells.class_id, (spells.begin_date, spells.class_id)) as class_id,
               any_value(spells.class_type) as class_type,
               student_id, stretches.begin_date, stretches.end_date
        from stretches join spells using (student_id, slot)
        where stretches.end_date is not null
          and spells.begin_date <= stretches.begin_date and spells.end_date >= stretches.end_date
        group by student_id, slot, stretches.begin_date, stretches.end_date
        order by class_id, student_id, begin_date
        """
    )


def build_teacher_spells(con: duckdb.DuckDBPyConnection) -> None:
    """Make `teacher_spells`: teacher × class × stretch of days, from enrollments.

    Columns: `staff_id`, `class_id`, `begin_date` ≤ day < `end_date`. Stretches of one teacher in
    one class neither overlap nor touch.

    Args:
        con: The warehouse, with `stg_enrollments` and `stg_classes`.
    """
    con.execute(
        """
        create or replace table teacher_spells as
        with spells as (
          select person_id as staff_id, class_id, begin_date, end_date,
                 max(end_date) over (
                   partition by person_id, class_id order by begin_date
                   rows between unbounded preceding and 1 preceding
                 ) as ended
          from stg_enrollments semi join stg_classes using (class_id)
          where role = 'teacher'
        ),
        stretches as (
          select *, count(*) filter (ended is null or begin_date > ended) over (
                   partition by staff_id, class_id order by begin_date
                 ) as stretch
          from spells
        )
        select staff_id, class_id, min(begin_date) as begin_date, max(end_date) as end_date
        from stretches
        group by staff_id, class_id, stretch
        order by all
        """
    )


def build_student_spells(con: duckdb.DuckDBPyConnection) -> None:
    """Make `student_spells`: student × stretch of days in any class, and where they belonged.

    Columns: `student_id`, `begin_date` ≤ day < `end_date`, `homeroom_id` (empty: in none),
    `school_id`, `team`. Stretches of one student never overlap, and within one neither the
    student's classes nor their teachers change. The school is that of `stg_student_schools`; the
    team that of the homeroom, without one the student's grade.

    Args:
        con: The warehouse, with `class_spells`, `teacher_spells`, `stg_classes`, `stg_students`
            and `stg_student_schools`.
    """
    con.execute(
        """
        create or replace table student_spells as
        with edges as (
          select student_id, begin_date as day from class_spells
          union select student_id, end_date from class_spells
          union
          select student_id, day
          from class_spells as spell
          join (
            select class_id, begin_date as day from teacher_spells
            union select class_id, end_date from teacher_spells
          ) using (class_id)
          where day > spell.begin_date and day < spell.end_date
        ),
        stretches as (
          select student_id, day as begin_date,
                 lead(day) over (partition by student_id order by day) as end_date
          from edges
        ),
        placed as (
          select student_id, stretches.begin_date, stretches.end_date,
                 max(class_id) filter (class_type = 'homeroom') as homeroom_id
          from stretches join class_spells as spell using (student_id)
          where spell.begin_date <= stretches.begin_date and spell.end_date >= stretches.end_date
          group by all
        )
        select student_id, placed.begin_date, placed.end_date, placed.homeroom_id,
               pupil.school_id, coalesce(homeroom.team, student.grade) as team
        from placed
        join stg_students as student using (student_id)
        join stg_student_schools as pupil using (student_id)
        left join stg_classes as homeroom on homeroom.class_id = placed.homeroom_id
        where placed.begin_date >= pupil.begin_date and placed.begin_date < pupil.end_date
        order by student_id, placed.begin_date
        """
    )


def build_class_students(con: duckdb.DuckDBPyConnection) -> None:
    """Make `class_students`: class × school week: `students` enrolled on a day in session.

    Args:
        con: The warehouse, with `class_spells`, `stg_classes`, `stg_student_schools`,
            `stg_school_days` and `stg_days_off`.
    """
    con.execute(
        f"""
        create or replace table class_students as
        with spells as (
          select class_id, student_id, school_id, begin_date, end_date
          from class_spells join stg_classes using (class_id)
        ),
        -- few different stretches, so that days are joined to them and not to every student's
        open as (
          select distinct school_id, begin_date, end_date, week_start
          from (select distinct school_id, begin_date, end_date from spells)
          join stg_school_days using (school_id)
          where in_session and date >= begin_date and date < end_date
        )
        select class_id, week_start, count(distinct student_id) as students
        from spells join open using (school_id, begin_date, end_date)
        anti join ({WEEKS_OFF}) using (student_id, week_start)
        group by all
        order by all
        """
    )


def build_class_days_off(con: duckdb.DuckDBPyConnection) -> None:
    """Make `class_days_off`: class × date on which school is in session, and for none of its students.

    Args:
        con: The warehouse, with `class_spells` and `stg_days_off`.
    """
    con.execute(
        """
        create or replace table class_days_off as
        with off as (
          select class_id, date, count(distinct student_id) as students
          from class_spells join stg_days_off using (student_id)
          where date >= begin_date and date < end_date group by all
        )
        select class_id, date
        from off join class_spells as spell using (class_id)
        where date >= begin_date and date < end_date
        group by class_id, date having count(distinct student_id) = any_value(students)
        order by all
        """
    )
