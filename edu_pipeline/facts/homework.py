"""Homework by the million, reduced to counts that add up."""

import duckdb

from edu_pipeline.ground.sql import end_of_week, week_of
from edu_pipeline.model.school_calendar import WeekBegins


def handed_in(*, late_counts: bool) -> str:
    """SQL that is true where a homework `status` means handed in."""
    return "status in ('complete', 'late')" if late_counts else "status = 'complete'"


def build_homework_items(
    con: duckdb.DuckDBPyConnection, week_begins: WeekBegins | None = None
) -> None:
    """Make `homework_items`: student × assignment that counts.

    An item counts when it was due by the last day counted (where that is the last in session of its
    week, by the end of that week, if the export is of then), its outcome is known (complete, late or missing)
    and the student was in the class on the due date; where the export names no class, or one that
    nobody is ever enrolled in, in any class. Columns: `student_id`, `assignment_id`, `class_id` (empty: none with students), `homeroom_id`,
    `school_id`, `team` (as in `student_spells`), `due_date`, `week_start`, `status`.

    Args:
        con: The warehouse, with `stg_homework`, `stg_school_days`, `landing_files`, `class_spells`,
            `student_spells` and `counted_through`.
        week_begins: First day of the school week.
    """
    con.execute(
        f"""
        create or replace table homework_items as
        select item.student_id, item.assignment_id, class.class_id, homeroom_id, school_id, team,
               item.due_date, {week_of("item.due_date", week_begins)} as week_start, item.status
        from stg_homework as item
        join student_spells as spell
          on spell.student_id = item.student_id
          and item.due_date >= spell.begin_date and item.due_date < spell.end_date
        join (
          -- what is due on the weekend belongs to the week whose registers are all in
          select school_id, case
                   when exists (
                     from stg_school_days as day
                     where day.school_id = through.school_id and day.in_session
                       and day.date > counted_through
                       and day.date <= {end_of_week("counted_through", week_begins)}
                   ) then counted_through
                   else greatest(
                     counted_through,
                     least({end_of_week("counted_through", week_begins)}, exported.day)
                   )
                 end as due_through
          from counted_through as through, (
            select max(if(stamped, version, landed_at))::date as day
            from landing_files where "table" = 'homework' and current
          ) as exported
        ) as through using (school_id)
        left join class_spells as class
          on class.student_id = item.student_id and class.class_id = item.class_id
          and item.due_date >= class.begin_date and item.due_date < class.end_date
        where item.status in ('complete', 'late', 'missing')
          and item.due_date <= through.due_through
          and (
            class.class_id is not null or item.class_id is null
            or item.class_id not in (select class_id from class_spells)
          )
        """
    )


def homework_of_empty_classes(con: duckdb.DuckDBPyConnection) -> int:
    """Homework rows whose class nobody is ever enrolled in.

    They count for the students' homerooms, teams and schools, and for no class.

    Args:
        con: The warehouse, with `stg_homework` and `class_spells`.
    """
    found = con.execute(
        """
        select count(*) from stg_homework
        where class_id is not null and class_id not in (select class_id from class_spells)
        """
    ).fetchall()
    return int(found[0][0])


def build_homework_days(con: duckdb.DuckDBPyConnection) -> None:
    """Make `homework_days`: class (empty: none) × homeroom (empty: none) × due date × status.

    Also `school_id` and `team`, as in `homework_items`; `items`.

    Args:
        con: The warehouse, with `homework_items`.
    """
    con.execute(
        """
        create or replace table homework_days as
        select class_id, homeroom_id, school_id, team, due_date, week_start, status,
               count(*) as items
        from homework_items
        group by all
        order by all
        """
    )


def build_homework_class_week(con: duckdb.DuckDBPyConnection) -> None:
    """Make `homework_class_week`: class × week × status: `items`.

    A scheduled class has the homework it set, a homeroom all homework of its students.

    Args:
        con: The warehouse, with `homework_days`.
    """
    con.execute(
        """
        create or replace table homework_class_week as
        select class_id, week_start, status, sum(items)::bigint as items
        from (
          select class_id, week_start, status, items from homework_days
          where class_id is not null and class_id is distinct from homeroom_id
          union all
          select homeroom_id, week_start, status, items from homework_days
          where homeroom_id is not null
        )
        group by all
        order by all
        """
    )


def build_homework_group_day(con: duckdb.DuckDBPyConnection) -> None:
    """Make `homework_group_day`: school × grade team (empty: the school) × due date × status.

    Args:
        con: The warehouse, with `homework_days`.
    """
    con.execute(
        """
        create or replace table homework_group_day as
        select school_id, case grouping(team) when 1 then null else team end as team, due_date,
               status, sum(items)::bigint as items
        from homework_days
        group by grouping sets ((school_id, team, due_date, status), (school_id, due_date, status))
        having grouping(team) = 1 or team is not null
        order by all
        """
    )


def build_homework_teacher_week(con: duckdb.DuckDBPyConnection) -> None:
    """Make `homework_teacher_week`: teacher × week × status: `items`.

    What the teacher's scheduled classes set and all homework of the students of their homerooms;
    every piece once.

    Args:
        con: The warehouse, with `homework_days` and `teacher_spells`.
    """
    con.execute(
        """
        create or replace table homework_teacher_week as
        select staff_id, week_start, status, sum(items)::bigint as items
        from (
          select staff_id, week_start, status, items
          from homework_days join teacher_spells using (class_id)
          where due_date >= begin_date and due_date < end_date
          union all
          select home.staff_id, week_start, status, items
          from homework_days as day
          join teacher_spells as home
            on home.class_id = day.homeroom_id
            and due_date >= home.begin_date and due_date < home.end_date
          left join teacher_spells as own
            on own.class_id = day.class_id and own.staff_id = home.staff_id
            and due_date >= own.begin_date and due_date < own.end_date
          where own.staff_id is null
        )
        group by all
        order by all
        """
    )


def build_student_homework(con: duckdb.DuckDBPyConnection) -> None:
    """Make `student_homework_counts`: student × status over the running school year: `items`.

    Args:
        con: The warehouse, with `homework_items` and `stg_school_days`.
    """
    con.execute(
        """
        create or replace table student_homework_counts as
        select student_id, status, count(*) as items
        from homework_items
        join (
          select through.school_id, max(year_start) as year_start
          from stg_school_days as day join counted_through as through using (school_id)
          where day.in_session and day.date <= through.counted_through
          group by all
        ) using (school_id)
        where due_date >= year_start
        group by all
        order by all
        """
    )
