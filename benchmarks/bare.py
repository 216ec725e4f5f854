"""What parts of the project are measured against: the same work by the libraries alone, nothing else done.

.venv/bin/python benchmarks/bare.py read exports.duckdb data/landing/school/*.csv
.venv/bin/python benchmarks/bare.py sums data/warehouse.duckdb
.venv/bin/python benchmarks/bare.py pictures specs.json

Each prints the seconds that it took.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import vl_convert

SUMS = """
create temp table marks as
  select mark.*, room.class_id, class.grade, class.school_id, day.week_start
  from stg_attendance as mark
  join stg_enrollments as room
    on room.person_id = mark.student_id and room.role = 'student'
    and mark.date >= room.begin_date and mark.date < coalesce(room.end_date, date '9999-12-31')
  join stg_classes as class on class.class_id = room.class_id and class.class_type = 'homeroom'
  join stg_school_days as day
    on day.date = mark.date and day.school_id = class.school_id and day.in_session;
create temp table pieces as
  select piece.*, room.class_id as room_id, class.grade, class.school_id,
    date_trunc('week', piece.due_date) as week_start, piece.status in ('complete', 'late') as done
  from stg_homework as piece
  join stg_enrollments as room
    on room.person_id = piece.student_id and room.role = 'student'
    and piece.due_date >= room.begin_date
    and piece.due_date < coalesce(room.end_date, date '9999-12-31')
  join stg_classes as class on class.class_id = room.class_id and class.class_type = 'homeroom'
  where status in ('complete', 'late', 'missing');
create temp table attendance_of_classes as
  select *, rate - lag(rate) over (partition by class_id order by week_start) as change
  from (select class_id, week_start, sum(attended) / sum(possible) as rate from marks group by all);
create temp table attendance_of_teams as
  select school_id, grade, week_start, sum(attended) / sum(possible) as rate from marks group by all;
create temp table attendance_of_schools as
  select school_id, week_start, sum(attended) / sum(possible) as rate from marks group by all;
create temp table homework_of_rooms as
  select room_id, week_start, avg(done::int) as rate from pieces group by all;
create temp table homework_of_classes as
  select class_id, week_start, avg(done::int) as rate from pieces group by all;
create temp table homework_of_teams as
  select school_id, grade, week_start, avg(done::int) as rate from pieces group by all;
create temp table homework_of_schools as
  select school_id, week_start, avg(done::int) as rate from pieces group by all;
create temp table attendance_of_students as
  select student_id, week_start, sum(possible) - sum(attended) as days from marks group by all;
create temp table homework_of_students as
  select student_id, week_start, count(*) filter (not done) as missing from pieces group by all;
create temp table homework_of_teachers as
  select teacher.person_id, pieces.week_start, avg(done::int) as rate
  from pieces join stg_enrollments as teacher
    on teacher.class_id = pieces.class_id and teacher.role = 'teacher'
  group by all;
"""


def read(database: str, *exports: str) -> float:
    """Each export into a table, as DuckDB would by itself."""
    begin = time.perf_counter()
    with duckdb.connect(database) as con:
        for path in exports:
            con.execute(
                f'create or replace table "{Path(path).stem}" as from read_csv(?, all_varchar=true)',
                [path],
            )
    return time.perf_counter() - begin


def sums(database: str) -> float:
    """The sums that letters show: by class, teacher, team, school and student, week by week."""
    with duckdb.connect(database) as con:
        begin = time.perf_counter()
        con.execute(SUMS)
        return time.perf_counter() - begin


def pictures(specs: str) -> float:
    """Pictures of specifications that are compiled already, in one process."""
    compiled = [
        vl_convert.vegalite_to_vega(spec) for spec in json.loads(Path(specs).read_text("utf-8"))
    ]
    vl_convert.vega_to_png(compiled[0], scale=2)
    begin = time.perf_counter()
    for spec in compiled:
        vl_convert.vega_to_png(spec, scale=2)
    return time.perf_counter() - begin


if __name__ == "__main__":
    work: Callable[..., float] = {"read": read, "sums": sums, "pictures": pictures}[sys.argv[1]]
    print(work(*sys.argv[2:]))
