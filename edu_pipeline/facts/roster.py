"""Who was in which class on which day, without overlaps."""

import duckdb


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


def build_class_students(con: duckdb.DuckDBPyConnection) -> None:
    """Make `class_students`: class × school week: `students` enrolled on a day in session.

    Args:
        con: The warehouse, with `class_spells`, `stg_classes` and `stg_school_days`.
    """
    con.execute(
        """
        create or replace table class_students as
        with weeks as (
          select school_id, week_start, list(date) as days, min(date) as first, max(date) as last
          from stg_school_days where in_session group by all
        )
        select class_id, week_start, count(distinct student_id) as students
        from class_spells
        join stg_classes using (class_id)
        join weeks using (school_id)
        where class_spells.begin_date <= weeks.last and class_spells.end_date > weeks.first
          and len(list_filter(
            weeks.days,
            lambda day: day >= class_spells.begin_date and day < class_spells.end_date
          )) > 0
        group by all
        order by all
        """
    )
