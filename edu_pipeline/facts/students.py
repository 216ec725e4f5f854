"""Students in their classes: by week, how far they spread, and one week's list for the letters."""

from datetime import date

import duckdb
import polars as pl

from edu_pipeline.facts.homework import handed_in

_MOMENTS = {
    "students": "({whole} > 0)::int",
    "whole_1": "{whole}",
    "whole_2": "{whole} * {whole}",
    "whole_3": "{whole} * {whole} * {whole}",
    "part_1": "{part}",
    "part_2": "{part} * {part}",
    "part_3": "{part} * {part} * {part}",
    "part_1_whole_1": "{part} * {whole}",
    "part_2_whole_1": "{part} * {part} * {whole}",
    "part_1_whole_2": "{part} * {whole} * {whole}",
}
"""Sums over students of powers of `part` (days attended, pieces handed in) and `whole` (days
expected, pieces due): the spread and the skewness of their rates follow from these."""


def build_class_spread(con: duckdb.DuckDBPyConnection, *, late_counts: bool) -> None:
    """Make `class_spread`: class × week × metric × window: sums over the students of the class.

    `metric` is `attendance_rate` or, of homerooms only, `homework_rate`; `window` is `week` or
    `to_date` (the school year up to the week, also of students who have left since). With `part`
    and `whole` a student's numerator and denominator in the window: `students`, `whole_1`
    (Σ whole), `whole_2` (Σ whole²), `part_2_whole_1` (Σ part² · whole) and so on.

    Args:
        con: The warehouse, with `student_weeks`, `class_spells`, `homework_items`, `stg_classes`
            and `stg_school_days`.
        late_counts: Whether late homework is handed in.
    """
    con.execute(
        f"""
        create or replace table class_spread as
        with {_SCHOOL_YEARS},
        stays as (
          select class_id, student_id, list((begin_date, end_date) order by begin_date) as spells
          from class_spells group by all
        ),
        -- most classes of a student begin and end together: their running sums are the same
        alike as (
          select student_id, spells, row_number() over () as stay from stays group by all
        ),
        classes as (select class_id, stay from stays join alike using (student_id, spells)),
        spans as (select student_id, stay, unnest(spells) as span from alike),
        days as (
          select stay, year_start, week_start, sum(possible) as whole, sum(attended) as part
          from student_weeks as week
          join spans
            on spans.student_id = week.student_id
            and week.spell_begin >= span[1] and week.spell_begin < span[2]
          group by all
        ),
        pieces as (
          select homeroom_id as class_id, student_id, week_start, count(*) as whole,
                 count(*) filter ({handed_in(late_counts=late_counts)}) as part
          from homework_items where homeroom_id is not null group by all
        ),
        dated as (
          select pieces.*, year_start
          from pieces join stg_classes using (class_id) join school_years using (school_id)
          where week_start >= first_week and week_start < next_first_week
        ),
        {_sums("attendance", "class_id", "days", person="stay", members="join classes using (stay)", part="part")},
        {_sums("homework", "class_id", "dated", person="class_id, student_id", part="part")}
        select 'attendance_rate' as metric, * from attendance
        union all select 'homework_rate', * from homework
        order by metric, "window", class_id, week_start
        """
    )


def build_team_spread(con: duckdb.DuckDBPyConnection) -> None:
    """Make `team_spread`: school × team × week × metric × window: sums over the team's students.

    Columns as `class_spread`, of `whole` only.

    Args:
        con: The warehouse, with `student_weeks`, `homework_items` and `stg_school_days`.
    """
    con.execute(
        f"""
        create or replace table team_spread as
        with {_SCHOOL_YEARS},
        days as (
          select school_id, team, student_id, year_start, week_start, sum(possible) as whole
          from student_weeks where team is not null group by all
        ),
        pieces as (
          select school_id, team, student_id, week_start, count(*) as whole
          from homework_items where team is not null group by all
        ),
        dated as (
          select pieces.*, year_start
          from pieces join school_years using (school_id)
          where week_start >= first_week and week_start < next_first_week
        ),
        {_sums("attendance", "school_id, team", "days", person="school_id, team, student_id")},
        {_sums("homework", "school_id, team", "dated", person="school_id, team, student_id")}
        select 'attendance_rate' as metric, * from attendance
        union all select 'homework_rate', * from homework
        order by metric, "window", school_id, team, week_start
        """
    )


_SCHOOL_YEARS = """
    school_years as (
      select school_id, year_start, week_start as first_week,
             lead(week_start, 1, date '9999-12-31') over (
               partition by school_id order by year_start
             ) as next_first_week
      from stg_school_days where date = year_start
    )
"""


def _sums(
    name: str, unit: str, source: str, *, person: str, members: str = "", part: str = "0"
) -> str:
    """Common table expressions ending in `name`: unit × week × window with the moments.

    `source` has a row per `person` and week; `members` joins it to the units that the person is of.

    Running sums of powers are sums of what each week adds to every student's power, so that
    students without a row in a week, or who have left, keep what they had.
    """
    names = [moment for moment in _MOMENTS if part != "0" or "part" not in moment]

    def term(moment: str, whole: str, part: str) -> str:
        return _MOMENTS[moment].format(whole=whole, part=part)

    weekly = ", ".join(f"sum({term(each, 'w', 'p')}) as week_{each}" for each in names)
    added = ", ".join(
        f"sum({term(each, 'w_all', 'p_all')} - {term(each, '(w_all - w)', '(p_all - p)')})"
        f" as added_{each}"
        for each in names
    )
    key = f"{unit}, year_start, week_start"
    return f"""
        {name}_running as (
          select *, whole as w, {part} as p,
                 sum(whole) over so_far as w_all, sum({part}) over so_far as p_all
          from {source}
          where whole > 0
          window so_far as (partition by {person}, year_start order by week_start)
        ),
        {name}_weeks as (
          select {key}, {weekly}, {added} from {name}_running {members} group by all
        ),
        {name} as (
          select {key}, 'week' as "window",
                 {", ".join(f"week_{each}::double as {each}" for each in names)}
          from {name}_weeks
          union all
          select {key}, 'to_date',
                 {", ".join(f"(sum(added_{each}) over so_far)::double" for each in names)}
          from {name}_weeks
          window so_far as (partition by {unit}, year_start order by week_start)
        )
    """


def students_of_week(
    con: duckdb.DuckDBPyConnection, week: date, *, late_counts: bool
) -> pl.DataFrame:
    """Every student of every class in a week: the week, the one before and the year so far.

    Attendance is all of the student's, in whatever class, because it follows the student. Homework
    is what the class set, in a homeroom all of the student's.

    Args:
        con: The warehouse, with `class_spells`, `student_spells`, `student_weeks`,
            `homework_items`, `stg_school_days` and `counted_through`.
        week: Monday of the week.
        late_counts: Whether late homework is handed in.

    Returns:
        The columns of `model.teachers.StudentOfWeek`: class × student enrolled on the last day of
        the week that counts.
    """
    complete = handed_in(late_counts=late_counts)
    sums = ", ".join(
        f"coalesce(sum({amount}) filter ({when}), 0){kind} as {name}{suffix}"
        for suffix, when in _WINDOWS.items()
        for name, amount, kind in (
            ("possible_days", "possible", "::double"),
            ("attended_days", "attended", "::double"),
            ("excused_days", "excused", "::double"),
            ("tardy_days", "tardy", "::bigint"),
            ("homework_due", "due", "::bigint"),
            ("homework_complete", "complete", "::bigint"),
        )
    )
    found: pl.DataFrame = con.sql(
        f"""
        with days as (
          select school_id, date, week_start, year_start
          from stg_school_days join counted_through using (school_id)
          where in_session and date <= counted_through and week_start <= $week
        ),
        through as (
          select school_id, max(date) as day from days where week_start = $week group by school_id
        ),
        years as (
          select school_id, year_start, week_start as first_week
          from days where date = year_start
          qualify row_number() over (partition by school_id order by date desc) = 1
        ),
        before as (
          select school_id, max(week_start) as previous_week
          from days join years using (school_id, year_start)
          where week_start < $week group by school_id
        ),
        members as (
          select class.class_id, class.student_id, class_type,
                 year_start, first_week, previous_week
          from class_spells as class
          join student_spells as spell using (student_id)
          left join through using (school_id)
          join (select max(day) as last_day from through)
            on coalesce(day, last_day) >= class.begin_date
            and coalesce(day, last_day) < class.end_date
            and coalesce(day, last_day) >= spell.begin_date
            and coalesce(day, last_day) < spell.end_date
          join years using (school_id) left join before using (school_id)
        ),
        pieces as (
          select student_id, class_id, due_date, week_start,
                 count(*) as due, count(*) filter ({complete}) as complete
          from homework_items where week_start <= $week group by all
        ),
        records as (
          select class_id, member.student_id, previous_week, week.week_start,
                 possible, attended, excused, tardy, 0 as due, 0 as complete
          from members as member join student_weeks as week using (student_id)
          where week.week_start between first_week and $week
          union all
          select member.class_id, member.student_id, previous_week, week_start,
                 0, 0, 0, 0, due, complete
          from members as member join pieces as piece
            on piece.student_id = member.student_id
            and (class_type = 'homeroom' or piece.class_id = member.class_id)
          where due_date >= year_start
          union all
          select class_id, student_id, previous_week, null, 0, 0, 0, 0, 0, 0 from members
        ),
        sums as (select class_id, student_id, {sums} from records group by class_id, student_id)
        select $week as week_start, class_id, student_id,
               possible_days, attended_days, excused_days, tardy_days,
               homework_due, homework_complete,
               homework_due - homework_complete as homework_missing,
               possible_days_previous,
               possible_days_previous - attended_days_previous as absent_days_previous,
               homework_due_previous,
               homework_due_previous - homework_complete_previous as homework_missing_previous,
               possible_days_to_date,
               possible_days_to_date - attended_days_to_date as absent_days_to_date,
               excused_days_to_date, homework_due_to_date,
               homework_due_to_date - homework_complete_to_date as homework_missing_to_date
        from sums
        order by class_id, student_id
        """,
        params={"week": week},
    ).pl()
    return found


_WINDOWS = {
    "": "week_start = $week",
    "_previous": "week_start = previous_week",
    "_to_date": "week_start is not null",
}
