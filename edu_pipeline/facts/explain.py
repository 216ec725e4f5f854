"""The rows behind one figure of one class in one week, and those that were left out, and why.

Nothing is stored: the SQL reads what a refresh made. Students are ids, never names.
"""

from datetime import date

import duckdb
import polars as pl

_MEMBERS = """
    members as (
      select student_id, begin_date, end_date from class_spells
      where class_id = $class_id and begin_date < $week + 7 and end_date > $week
    )
"""
_PLACED = """
    left join student_spells as place
      on place.student_id = row.student_id
      and row.date >= place.begin_date and row.date < place.end_date
    left join counted_through as through on through.school_id = place.school_id
"""
_TOO_LATE = """
    when through.counted_through is null then 'no day of the school counts yet'
    when row.date > through.counted_through then 'after the last day counted'
"""


def _rejected(table: str) -> str:
    """SQL for the rejected rows of the students of the class; undated ones may be of the week."""
    return f"""
        select student_id, day as date, null as item, null as code,
               null as numerator, null as denominator, false as counted,
               case rule when 'same_key_later_row_counts' then 'superseded by a later row'
               else 'rejected: ' || replace(rule, '_', ' ') end as note, file, line
        from rejected_{table}
        where student_id in (select student_id from members)
          and (day is null or (day >= $week and day < $week + 7))
    """


def attendance_rows(con: duckdb.DuckDBPyConnection, class_id: str, week: date) -> pl.DataFrame:
    """The marks behind a class's attendance in a week.

    Args:
        con: The warehouse after a refresh.
        class_id: The class.
        week: Monday of the week.

    Returns:
        One row per mark of a student who was in the class in that week: `student_id`, `date`
        (empty: could not be read), `item` (the session), `code`, `numerator` and `denominator`
        (days attended and expected, empty where left out), `counted`, `note` (why it was left out),
        `file`, `line`. What an exceptions-only export does not mention has a row without a file.
        Counted rows first, of these the ones that lower the rate.
    """
    return _rows(
        con,
        class_id,
        week,
        f"""
        with {_MEMBERS},
        days as (
          select day.student_id, day.date, possible, attended
          from student_days as day join members as spell
            on spell.student_id = day.student_id
            and day.date >= spell.begin_date and day.date < spell.end_date
          where day.date >= $week and day.date < $week + 7
        ),
        marks as (
          select student_id, date, session, code, possible, attended, submitted, file, line
          from stg_attendance
          where student_id in (select student_id from members)
            and date >= $week and date < $week + 7
        ),
        counted as (
          select *, if(abs(attended - own) > 1e-9, 'by all of the day', null) as note
          from (
            select student_id, date, session, code, marks.possible, file, line, marks.attended as own,
                   -- a rule of the school's may have all or nothing of a day count
                   case when days.attended < 1e-9 then 0
                        when days.attended > days.possible - 1e-9 then marks.possible
                        else marks.attended end as attended
            from marks join days using (student_id, date)
            where submitted
          )
        ),
        silent as (
          select student_id, date, any_value(days.attended) - coalesce(sum(counted.attended), 0) as attended,
                 any_value(days.possible) - coalesce(sum(counted.possible), 0) as possible
          from days left join counted using (student_id, date)
          group by student_id, date
        ),
        others as (
          select row.student_id, row.date, row.session, row.code, row.file, row.line,
                 case
                   when spell.student_id is null then 'not in the class that day'
                   when open.date is null then 'the school was closed that day'
                   {_TOO_LATE}
                   else 'register not taken'
                 end as note
          from marks as row
          anti join counted on counted.file = row.file and counted.line = row.line
          {_PLACED}
          left join stg_school_days as open
            on open.school_id = place.school_id and open.date = row.date and open.in_session
          left join members as spell
            on spell.student_id = row.student_id
            and row.date >= spell.begin_date and row.date < spell.end_date
        ),
        rejected as ({_rejected("attendance")}),
        unmentioned as (
          select place.student_id, open.date
          from members as spell
          join student_spells as place using (student_id)
          join counted_through as through using (school_id)
          join stg_school_days as open
            on open.school_id = place.school_id and open.in_session
            and open.date >= $week and open.date < $week + 7
            and open.date >= spell.begin_date and open.date < spell.end_date
            and open.date >= place.begin_date and open.date < place.end_date
            and open.date <= through.counted_through
          anti join stg_days_off as off
            on off.student_id = place.student_id and off.date = open.date
          anti join days on days.student_id = place.student_id and days.date = open.date
          anti join marks on marks.student_id = place.student_id and marks.date = open.date
          anti join rejected on rejected.student_id = place.student_id and rejected.date = open.date
        )
        select student_id, date, session as item, code, attended as numerator,
               possible as denominator, true as counted, note, file, line
        from counted
        union all by name
        select student_id, date, attended as numerator, possible as denominator, true as counted,
               if(attended < 1e-9, 'no row: by all of the day', 'no row: present') as note
        from silent where possible > 1e-9
        union all by name
        select student_id, date, session as item, code, false as counted, note, file, line
        from others
        union all by name
        from rejected
        union all by name
        select student_id, date, false as counted, 'no row in the export' as note from unmentioned
        """,
    )


def lesson_rows(con: duckdb.DuckDBPyConnection, class_id: str, week: date) -> pl.DataFrame:
    """The marks behind the attendance of a class in its own lessons in a week.

    Args:
        con: The warehouse after a refresh.
        class_id: A scheduled class whose lessons have marks.
        week: Monday of the week.

    Returns:
        One row per mark taken in the class, with the columns of `attendance_rows`; `numerator` and
        `denominator` are lessons.
    """
    return _rows(
        con,
        class_id,
        week,
        f"""
        with {_MEMBERS},
        judged as (
          select row.*,
                 case
                   when not row.submitted then 'register not taken'
                   when spell.student_id is null then 'not in the class that day'
                   {_TOO_LATE}
                   when day.student_id is null then 'the school was closed that day'
                   when row.lesson is null then 'not expected'
                 end as note
          from stg_attendance as row
          {_PLACED}
          left join student_days as day
            on day.student_id = row.student_id and day.date = row.date
          left join members as spell
            on spell.student_id = row.student_id
            and row.date >= spell.begin_date and row.date < spell.end_date
          where row.class_id = $class_id and row.date >= $week and row.date < $week + 7
        )
        select student_id, date, session as item, code,
               case when note is null then lesson end as numerator,
               case when note is null then 1 end as denominator,
               note is null as counted, note, file, line
        from judged
        union all by name
        ({_rejected("attendance")})
        """,
    )


def homework_rows(
    con: duckdb.DuckDBPyConnection, class_id: str, week: date, *, late_counts: bool
) -> pl.DataFrame:
    """The homework behind a class's rate in a week, by due date.

    Args:
        con: The warehouse after a refresh.
        class_id: A homeroom has all homework of its students, another class what it set.
        week: Monday of the week.
        late_counts: Whether late homework is handed in.

    Returns:
        One row per piece of a student who was in the class in that week, with the columns of
        `attendance_rows`: `item` is the assignment, `code` the status, `numerator` 1 where it was
        handed in, `denominator` 1. A rejected row may be of another class that the student is in.
    """
    handed_in = "row.status in ('complete', 'late')" if late_counts else "row.status = 'complete'"
    return _rows(
        con,
        class_id,
        week,
        f"""
        with {_MEMBERS},
        pieces as (
          select student_id, due_date as date, assignment_id, class_id, status, file, line
          from stg_homework
          where student_id in (select student_id from members)
            and due_date >= $week and due_date < $week + 7
            and (
              class_id = $class_id
              or $class_id in (select class_id from stg_classes where class_type = 'homeroom')
            )
        ),
        items as (
          select student_id, assignment_id, class_id, due_date from homework_items
          where class_id = $class_id or homeroom_id = $class_id
        ),
        found as (
          select *, exists (
                   from items
                   where items.student_id = piece.student_id and items.due_date = piece.date
                     and items.assignment_id = piece.assignment_id
                     and (items.class_id = piece.class_id or items.class_id is null)
                 ) as counted
          from pieces as piece
        ),
        judged as (
          select row.*, {handed_in} as handed_in,
                 case
                   when counted then null
                   when row.status = 'unknown' then 'status unknown'
                   when row.status in ('exempt', 'not_due') then replace(row.status, '_', ' ')
                   when spell.student_id is null then 'not in the class that day'
                   {_TOO_LATE}
                   else 'not in the class that set it that day'
                 end as note
          from found as row
          {_PLACED}
          left join members as spell
            on spell.student_id = row.student_id
            and row.date >= spell.begin_date and row.date < spell.end_date
        )
        select student_id, date, assignment_id as item, status as code,
               case when counted then handed_in::integer end as numerator,
               case when counted then 1 end as denominator, counted, note, file, line
        from judged
        union all by name
        ({_rejected("homework")})
        """,
    )


def counted_through(con: duckdb.DuckDBPyConnection, class_id: str) -> date | None:
    """The last day that counts for a class's school; None where none does."""
    found = con.execute(
        """
        select counted_through from counted_through join stg_classes using (school_id)
        where class_id = ?
        """,
        [class_id],
    ).fetchone()
    return found[0] if found else None


def _rows(con: duckdb.DuckDBPyConnection, class_id: str, week: date, query: str) -> pl.DataFrame:
    found: pl.DataFrame = con.sql(
        f"""
        select student_id, date, item, code, numerator::double as numerator,
               denominator::double as denominator, counted, note, file, line
        from ({query})
        order by counted desc, numerator < denominator desc, date nulls last, student_id, item,
                 file, line
        """,
        params={"class_id": class_id, "week": week},
    ).pl()
    return found
