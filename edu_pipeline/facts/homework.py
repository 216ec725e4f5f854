"""Homework by the million, reduced to counts that add up."""

import duckdb


def build_homework_items(con: duckdb.DuckDBPyConnection) -> None:
    """Make `homework_items`: student × assignment that counts.

    An item counts when it was due by the last day counted, its outcome is known (complete, late or
    missing) and the student was in the class on the due date; where the export names no class, in
    any. Columns: `student_id`, `assignment_id`, `class_id` (empty: not said), `homeroom_id`,
    `school_id`, `team` (as in `student_spells`), `due_date`, `week_start`, `status`.

    Args:
        con: The warehouse, with `stg_homework`, `class_spells`, `student_spells` and
            `counted_through`.
    """
    con.execute(
        """
        create or replace table homework_items as
        select item.student_id, item.assignment_id, item.class_id, homeroom_id, school_id, team,
               item.due_date, date_trunc('week', item.due_date)::date as week_start, item.status
        from stg_homework as item
        join student_spells as spell
          on spell.student_id = item.student_id
          and item.due_date >= spell.begin_date and item.due_date < spell.end_date
        join counted_through as through using (school_id)
        left join class_spells as class
          on class.student_id = item.student_id and class.class_id = item.class_id
          and item.due_date >= class.begin_date and item.due_date < class.end_date
        where item.status in ('complete', 'late', 'missing')
          and item.due_date <= through.counted_through
          and (item.class_id is null or class.class_id is not null)
        """
    )


def build_homework_class_week(con: duckdb.DuckDBPyConnection) -> None:
    """Make `homework_class_week`: class × week × status: `items`.

    A scheduled class has the homework it set, a homeroom all homework of its students.

    Args:
        con: The warehouse, with `homework_items`.
    """
    con.execute(
        """
        create or replace table homework_class_week as
        select class_id, week_start, status, count(*) as items
        from (
          select class_id, week_start, status from homework_items
          where class_id is not null and class_id is distinct from homeroom_id
          union all
          select homeroom_id, week_start, status from homework_items
          where homeroom_id is not null
        )
        group by all
        order by all
        """
    )


def build_homework_group_week(con: duckdb.DuckDBPyConnection) -> None:
    """Make `homework_group_week`: school × grade team (empty: the school) × week × status: `items`.

    Args:
        con: The warehouse, with `homework_items`.
    """
    con.execute(
        """
        create or replace table homework_group_week as
        select school_id, case grouping(team) when 1 then null else team end as team, week_start,
               status, count(*) as items
        from homework_items
        group by grouping sets (
          (school_id, team, week_start, status), (school_id, week_start, status)
        )
        having grouping(team) = 1 or team is not null
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
