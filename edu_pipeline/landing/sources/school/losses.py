"""Rows that were left out, judged where they matter: by what they say, the week and the class.

A rate of a class moves with a single absence of its week, which is nothing among the rows of a year. What
was left out is bounded: had all of it been present, had all of it been absent.
"""

from collections.abc import Collection

import duckdb
import polars as pl

from edu_pipeline.ground.sql import literal, literals, week_of
from edu_pipeline.ground.wording import counted, day_month, percent
from edu_pipeline.landing.rules import (
    NO_DATA,
    OUTSIDE,
    SUPERSEDED,
    UNKNOWN,
    UNLISTED,
    UNMAPPED,
    UNPARSEABLE,
)
from edu_pipeline.landing.sources.school.school_problems import (
    ADVICE,
    DATE_LIKE,
    classes_told,
    few,
    school_problem,
)
from edu_pipeline.landing.sources.school.stage_facts import HOMES, day_divided
from edu_pipeline.model.problems import Problem
from edu_pipeline.model.school_calendar import WeekBegins
from edu_pipeline.settings.landing import AttendanceExport

RATES = ("now", "low", "high")
"""Of `attendance_lost`."""
PRINTED_WITH = 0.001
"""A rate is printed in per cent with one decimal; half of the last one is the most that may be unsure."""
MANY_OF_A_WEEK = 0.05
"""Share of a class's rows of a week."""
MOST_ROWS = 20_000
"""Rows that are looked at one by one: more make no other problem."""
_JUDGED_ELSEWHERE = (*NO_DATA, *OUTSIDE, UNMAPPED)


def attendance_lost(
    con: duckdb.DuckDBPyConnection,
    export: AttendanceExport,
    told: Collection[str] = (),
    week_begins: WeekBegins | None = None,
) -> pl.DataFrame:
    """What rejected rows of attendance could do to the rates of classes.

    A row whose day cannot be read may be about any day on which its student has too few marks; one
    whose code cannot, present or absent. In an exceptions-only export those without a mark count as
    present. Rows about people whom nobody knows are in no class.

    Args:
        con: The warehouse, with the staging tables and `rejected_attendance`.
        export: How attendance is exported.
        told: Rules that a problem of the whole export names already.
        week_begins: Of the school.

    Returns:
        rule × class × week: `rule`, `class_id`, `class_name`, `class_type`, `week`, `rows`, `absent`
        (of these, not known to be present), `first_day`; `now`, `low`, `high`, the class's rate
        as counted and as it could be; `of`, its marks, or its days where no mark means present; `file`, `line`, `value` of the first row.
    """
    parts, per_day = day_divided(con, export)
    of_day = f"/ {per_day}" if parts.by_day else ""
    exceptions = export.shape == "exceptions"
    # of a duration that is no part of a day nothing is known
    said = f"if(rule = {literal(SUPERSEDED)} or attended between 0 and possible, attended, null)"
    frame: pl.DataFrame = con.sql(
        f"""
        with lost as (
          select row_number() over () as n, student_id, day, rule, file, line, value,
                 coalesce(possible {of_day}, 1 / {per_day}) as possible,
                 coalesce({said} {of_day}, 0) as low,
                 coalesce({said} {of_day}, possible {of_day}, 1 / {per_day}) as high
          from rejected_attendance semi join stg_students using (student_id)
          where rule not in {literals(sorted({*_JUDGED_ELSEWHERE, *told}))} limit {MOST_ROWS}
        ),
        through as (
          select school_id, max(date) as last
          from stg_attendance join stg_students using (student_id) group by all
        ),
        spells as (
          select class_id, class_name, class_type, person_id as student_id, begin_date, end_date,
                 stg_classes.school_id
          from stg_enrollments join stg_classes using (class_id) where role = 'student'
        ),
        marked as (
          select student_id, date, count(*) as marks
          from stg_attendance semi join lost using (student_id) group by all
        ),
        -- where a row could belong
        placed as (
          select distinct lost.*, class_id, class_name, class_type, open.date,
                 {week_of("open.date", week_begins)} as week
          from lost join spells using (student_id)
          join stg_school_days as open
            on open.in_session and open.school_id = spells.school_id
            and open.date >= begin_date and open.date < end_date
            and (lost.day is null or open.date = lost.day)
          join through on through.school_id = open.school_id and open.date <= through.last
          left join marked on marked.student_id = lost.student_id and marked.date = open.date
          where coalesce(marks, 0) < {per_day} or rule = {literal(SUPERSEDED)}
        ),
        concerned as (select distinct class_id, week from placed),
        days as (
          select class_id, week, open.date, spells.student_id
          from concerned join spells using (class_id)
          join stg_school_days as open
            on open.in_session and open.school_id = spells.school_id
            and {week_of("open.date", week_begins)} = week
            and open.date >= begin_date and open.date < end_date
        ),
        kept as (
          select days.class_id, week, count(mark.date) as marks,
                 {"count(distinct (days.student_id, days.date))" if exceptions else "coalesce(sum(possible), 0)"} as possible,
                 {"count(distinct (days.student_id, days.date)) - coalesce(sum(possible - attended), 0)" if exceptions else "coalesce(sum(attended), 0)"} as attended
          from days left join stg_attendance as mark
            on mark.student_id = days.student_id and mark.date = days.date
          group by all
        ),
        bounded as (
          select rule, class_id, class_name, class_type, week, count(distinct n) as rows,
                 count(distinct n) filter (low < possible) as absent,
                 min(date) as first_day, arg_min(struct_pack(file := file, line := line, value := value), (file, line)) as example,
                 sum(possible) as possible, sum(low) as low, sum(high) as high
          from (select distinct on (n, class_id, week) * from placed order by n, class_id, week, date)
          group by rule, class_id, class_name, class_type, week
        )
        select rule, class_id, class_name, class_type, week, rows, absent, first_day,
               example.file as file, example.line as line, example.value as value, {"kept.possible" if exceptions else "kept.marks"} + rows as of,
               kept.attended / nullif(kept.possible, 0) as now,
               {_bound("low", exceptions=exceptions)} as low,
               {_bound("high", exceptions=exceptions)} as high
        from bounded join kept using (class_id, week)
        order by rule, class_type, class_name, class_id, week
        """
    ).pl()
    return frame


def _bound(side: str, *, exceptions: bool) -> str:
    if exceptions:  # without a row they count as present
        return f"(kept.attended - bounded.possible + bounded.{side}) / nullif(kept.possible, 0)"
    return f"(kept.attended + bounded.{side}) / nullif(kept.possible + bounded.possible, 0)"


def loss_problems(lost: pl.DataFrame, advice: str) -> list[Problem]:
    """Rejected rows that could move a printed figure.

    Args:
        lost: `attendance_lost`.
        advice: What to do about dates that cannot be read.

    Returns:
        Rule × class. What moves no figure is no problem: it is counted among the fates.
    """
    moved = (pl.col("low") - pl.col("now")).abs(), (pl.col("high") - pl.col("now")).abs()
    moves = pl.max_horizontal(*moved).fill_null(1.0) >= PRINTED_WITH / 2
    contradicts = pl.col("rule") == SUPERSEDED
    moving = lost.filter(
        pl.when(contradicts).then(pl.col("rows") > MANY_OF_A_WEEK * pl.col("of")).otherwise(moves)
    )
    problems = []
    for (rule,), rows in moving.group_by("rule", maintain_order=True):
        message = _sentence(str(rule), rows, advice)
        problems += [
            school_problem(
                "attendance",
                "rows_lost",
                str(rule),
                message,
                int(of["rows"].max() or 0),  # type: ignore[arg-type]
                first=of["first_day"].min(),
                class_id=str(class_id),
                known_as=message,
            ).releasable("If it cannot be corrected and the figures may go out as they are")
            for (class_id,), of in rows.group_by("class_id", maintain_order=True)
        ]
    return problems


def _sentence(rule: str, rows: pl.DataFrame, advice: str) -> str:
    classes, shown = classes_told(rows)
    weeks = shown["week"].unique().sort().to_list()
    when = (
        f"the week of {day_month(weeks[0])} {weeks[0].year}"
        if len(weeks) == 1
        else f"{len(weeks)} weeks from {day_month(weeks[0])} {weeks[0].year}"
    )
    first = shown.row(0, named=True)
    number = int(shown.group_by("class_id").agg(pl.col("rows").max())["rows"].sum())
    value = first["value"]
    example = (
        f", such as {value!r}"
        if (value and rule.startswith(UNPARSEABLE) and DATE_LIKE.match(value))
        or (value and rule.endswith("_between_0_and_1") and _is_number(value))
        else ""
    )
    what = counted(number, "row")
    now, low, high = (
        percent(float(value)) if (value := found) is not None else ""  # type: ignore[arg-type]
        for found in (shown["now"].min(), shown["low"].min(), shown["high"].max())
    )
    figure = f"is {low}" if low == high else f"is between {low} and {high}"
    range_ = (
        f" With {'it' if number == 1 else 'them'}, attendance there {figure}, not {now}."
        if now and low
        else ""
    )
    cure = advice if rule.startswith(UNPARSEABLE) else ""
    if rule in ADVICE and rule.endswith("_between_0_and_1"):
        cure = f" {ADVICE[rule]}"
    return (
        f"{what} of attendance about {classes} in {when} could not be used: "
        f"{rule.replace('_', ' ')}{example} ({first['file']}, line {first['line']}).{range_}{cure}"
    )


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace(",", "", 1).isdigit()


MANY_PIECES = 0.2
"""Share of a class's homework of a week."""


def homework_lost(
    con: duckdb.DuckDBPyConnection,
    told: Collection[str] = (),
    week_begins: WeekBegins | None = None,
) -> pl.DataFrame:
    """Rejected rows of homework beside what the classes they are about have in a week.

    A piece without a due date is due in no week. One whose due date cannot be read may be due in any,
    so it is held against a usual one.

    Args:
        con: The warehouse, with the staging tables and `rejected_homework`.
        told: Rules that a problem of the whole export names already.
        week_begins: Of the school.

    Returns:
        rule × class × week (empty: unknown): `rule`, `class_id`, `class_name`, `week`, `rows`, `of`
        (pieces with an outcome that were kept), `file`, `line` of the first row.
    """
    judged = sorted({*_JUDGED_ELSEWHERE, SUPERSEDED, UNLISTED, *told})
    found: pl.DataFrame = con.sql(
        f"""
        with homes as {HOMES},
        lost as (
          select rule, student_id, class_id, day, file, line
          from rejected_homework semi join stg_students using (student_id)
          where rule not in {literals(judged)}
        ),
        placed as (
          select rule, class_id, day, file, line from lost semi join stg_classes using (class_id)
          union
          select rule, homes.class_id, day, file, line from lost join homes using (student_id)
          where day is null or day >= begin_date and day < end_date
        ),
        kept as (
          select student_id, class_id, due_date from stg_homework
          where status in ('complete', 'late', 'missing')
        ),
        weeks as (
          select class_id, {week_of("due_date", week_begins)} as week, count(*) as pieces
          from (
            select class_id, due_date from kept semi join placed using (class_id)
            union all
            select homes.class_id, due_date from kept join homes using (student_id)
            where due_date >= begin_date and due_date < end_date
              and homes.class_id is distinct from kept.class_id
              and homes.class_id in (select class_id from placed)
          ) group by all
        ),
        usual as (select class_id, median(pieces) as pieces from weeks group by all),
        sums as (
          select rule, class_id, {week_of("day", week_begins)} as week, count(*) as rows,
                 min(file) as file, arg_min(line, (file, line)) as line
          from placed group by all
        )
        select rule, class_id, class_name, sums.week, rows,
               coalesce(if(sums.week is null, usual.pieces, weeks.pieces), 0)::bigint as of, file, line
        from sums join stg_classes using (class_id)
        left join usual using (class_id)
        left join weeks on weeks.class_id = sums.class_id and weeks.week = sums.week
        order by all
        """
    ).pl()
    return found


def homework_problems(lost: pl.DataFrame, advice: str) -> list[Problem]:
    """Rejected homework that is much of what a class has in a week.

    Args:
        lost: `homework_lost`.
        advice: What to do about dates that cannot be read.

    Returns:
        Rule × class.
    """
    many = pl.col("rows") > MANY_PIECES * (pl.col("rows") + pl.col("of"))
    problems = []
    for (rule,), rows in lost.filter(many & (pl.col("rows") > 1)).group_by(
        "rule", maintain_order=True
    ):
        classes = few(rows["class_name"].unique(maintain_order=True).to_list())
        most = rows.sort("rows", descending=True).row(0, named=True)
        when = (
            f"in the week of {day_month(most['week'])} {most['week'].year}"
            if most["week"]
            else "without a day"
        )
        message = (
            f"Rows of homework about {classes} could not be used, up to {most['rows']:,} {when} where "
            f"{most['of']:,} could: {str(rule).replace('_', ' ')} ({most['file']}, line "
            f"{most['line']}).{advice if str(rule).startswith(UNPARSEABLE) else ''}"
        )
        problems += [
            school_problem(
                "homework",
                "rows_lost",
                str(rule),
                message,
                int(of["rows"].max() or 0),  # type: ignore[arg-type]
                first=of["week"].min(),
                class_id=str(class_id),
                known_as=message,
            ).releasable("If it cannot be corrected and the figures may go out as they are")
            for (class_id,), of in rows.group_by("class_id", maintain_order=True)
        ]
    return problems


_BAD_AND_GOOD = {
    "attendance": ("attended < possible", "attended = possible and possible > 0"),
    "homework": ("status = 'missing'", "status in ('complete', 'late')"),
}
"""Export → SQL that is true for rows that lower a rate, and for those that raise it."""


def worse_rows_lost(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Rejected rows by what they say, beside what was kept.

    Args:
        con: The warehouse, with the staging tables and `rejected_…` of attendance and homework.

    Returns:
        One row per `table` and `rule`: `bad` rows lost, absences or missing homework, and `good` rows
        lost; `bad_kept`, `good_kept`; `file`, `line` of the first.
    """
    parts = [
        f"""
        select {literal(table)} as "table", rule, count(*) filter ({bad}) as bad,
               count(*) filter ({good}) as good,
               (select count(*) from stg_{table} where {bad}) as bad_kept,
               (select count(*) from stg_{table} where {good}) as good_kept,
               min(file) as file, arg_min(line, (file, line)) as line
        from rejected_{table} where rule not in {literals((*_JUDGED_ELSEWHERE, SUPERSEDED))}
        group by rule
        """
        for table, (bad, good) in _BAD_AND_GOOD.items()
    ]
    found: pl.DataFrame = con.sql(f"{' union all '.join(parts)} order by all").pl()
    return found


MANY_ABSENCES = 0.05
FEW_ABSENCES = 2
OF_NOBODY = ("missing_student_id", f"{UNKNOWN}student_id")
"""Rules that rows break of which nobody knows whose they are."""


def worse_rows_problems(
    found: pl.DataFrame, told: Collection[tuple[str, str]], attendance: AttendanceExport
) -> list[Problem]:
    """Absences that are lost far more often than other marks: what is left looks better than it was.

    Where only absences have rows, one that is about nobody is a student who seems to be present.

    Args:
        found: `worse_rows_lost`.
        told: Tables and rules that another problem names already.
        attendance: How attendance is exported.
    """
    exceptions = attendance.shape == "exceptions"
    problems = []
    for row in found.iter_rows(named=True):
        table, rule = row["table"], row["rule"]
        of = row["bad"] + row["bad_kept"]
        share, usual = row["bad"] / max(of, 1), row["good"] / max(row["good"] + row["good_kept"], 1)
        few = row["bad"] < FEW_ABSENCES or share <= max(MANY_ABSENCES, 2 * usual)
        nobody = exceptions and table == "attendance" and rule in OF_NOBODY and row["bad"] > 0
        if (few and not nobody) or (table, rule) in told:
            continue
        what = "absences in attendance" if table == "attendance" else "missing pieces of homework"
        where = f"{rule.replace('_', ' ')} ({row['file']}, line {row['line']})."
        sentence = (
            f"{row['bad']:,} of {of:,} {what} are rejected, and hardly any other row: {where} Without "
            "them everything seems to be in order."
        )
        if few:
            sentence = (
                f"{row['bad']:,} of {of:,} {what} {'is' if row['bad'] == 1 else 'are'} rejected: {where} "
                "Who was absent seems to have been present."
            )
        if rule.startswith(UNKNOWN):
            sentence += (
                " They seem to be exported with other ids: export them again, or say in "
                f"[landing.{table}.columns] which column holds the same ids."
            )
        problem = school_problem(
            table,
            "absences_lost",
            rule,
            sentence,
            row["bad"],
            known_as=f"{what} are rejected by {rule}: {row['bad']} rows.",
        )
        problems.append(problem.releasable("If that is right"))
    return problems
