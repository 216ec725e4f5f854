"""No row is lost: what was received is staged, rejected or superseded."""

import json
from collections.abc import Callable

import duckdb
import polars as pl

Land = Callable[..., duckdb.DuckDBPyConnection]
Fates = Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]

MESSY = (
    "student_id,date,code,note\n"
    "007,2026-09-07,present,\n"  # 2
    "007,2026-09-07,absent,corrected\n"  # 3
    "007,2026-09-07,absent,corrected\n"  # 4
    "\n"
    '008,2026-09-08,tardy,"two\nlines"\n'  # 6
    "008,2026-09-31,present,\n"  # 8
    "999,2026-09-07,present,\n"  # 9
    "008,2026-09-12,present,\n"  # 10
    "008,2026-09-09,?!,\n"  # 11
    "008\n"  # 12
    "008,2026-09-10,present,,,too,many\n"  # 13
)


def test_received_is_staged_and_rejected_and_superseded(stage: Land, fates: Fates) -> None:
    con = stage({"attendance.csv": MESSY})
    assert con.sql("select line, rule from rejected_rows order by 1").fetchall() == [
        (2, "same_key_later_row_counts"),
        (8, "unparseable_date"),
        (9, "unknown_student_id"),
        (10, "school_closed"),
        (11, "unmapped_code"),
        (12, "missing_code"),
        (13, "too_many_cells"),
    ]
    (received,) = con.execute("select count(*) from raw_attendance").fetchall()
    (staged,) = con.execute("select count(*) from stg_attendance").fetchall()
    assert received[0] == 10 == staged[0] + 7 + 1  # and line 3, which line 4 repeats
    found = fates(con).filter(table="attendance").group_by("fate").agg(pl.col("rows").sum())
    assert found.sort("fate").rows() == [
        ("counted", 2),
        ("outside", 1),
        ("rejected", 5),
        ("same", 1),
        ("superseded", 1),
    ]


def test_a_rejected_row_is_kept_whole_as_it_was_received(stage: Land) -> None:
    con = stage(
        {
            "attendance.csv": (
                'student_id,date,code,"it\'s ""a"" note"\n 999 ,2026-09-07,,"x ""y"", ü\nz"\n'
            )
        }
    )
    ((text,),) = con.execute("select row from rejected_rows").fetchall()
    assert json.loads(text) == {
        "student_id": " 999 ",
        "date": "2026-09-07",
        "code": None,
        'it\'s "a" note': 'x "y", ü\nz',
    }


def test_rejected_rows_of_all_exports_stand_in_one_table(stage: Land) -> None:
    con = stage(
        {
            "staff.csv": "staff_id,email\nT1,c@riverside.example\n,x@riverside.example\n",
            "calendar.csv": "date\n2026-09-07\nnever\n",
            "attendance.csv": "student_id,date,code\n,2026-09-07,present\n",
        }
    )
    assert con.sql(
        'select "table", file, line, rule from rejected_rows order by all'
    ).fetchall() == [
        ("attendance", "school/attendance.csv", 2, "missing_student_id"),
        ("calendar", "school/calendar.csv", 3, "unparseable_date"),
        ("staff", "school/staff.csv", 3, "missing_staff_id"),
    ]
