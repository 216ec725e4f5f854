"""Attendance and homework rows: what they mean, what is wrong with them, which of two counts."""

from collections.abc import Callable
from datetime import date

import duckdb

from edu_pipeline.landing.sources.school.doubts import doubts
from edu_pipeline_tests.landing.conftest import Facts

Stage = Callable[..., Facts]
Land = Callable[..., duckdb.DuckDBPyConnection]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]

REJECTED = "select line, rule, value from rejected_{} order by all"
HOMEWORK = "student_id,assignment_id,class_id,due_date,status\n"


def test_a_mark_is_a_fraction_of_a_day(facts: Stage) -> None:
    con, *_ = facts(
        {
            "attendance.csv": (
                "student_id,date,code\n007,2026-09-07,H\n007,2026-09-08,Q\n007,2026-09-09,\n"
                "007,2026-09-10,LATE\n"
            )
        },
        '[attendance.codes]\nH = "half_day_excused"\nQ = { attended = 0.25, excused = false }',
    )
    assert con.sql(
        "select possible, attended, tardy, excused, submitted from stg_attendance order by date"
    ).fetchall() == [
        (1, 0.5, False, True, True),
        (1, 0.25, False, False, True),
        (0, 0, False, None, False),
        (1, 1, True, None, True),
    ]


def test_each_rule_rejects_its_row_and_the_first_that_is_broken_is_named(facts: Stage) -> None:
    con, *_ = facts(
        {
            "attendance.csv": (
                "student_id,date,code\n"
                "007,2026-09-07,present\n"
                ",2026-09-07,present\n"
                "007,,present\n"
                "007,07/09/2026,present\n"
                "999,2026-09-07,present\n"
                "007,2026-09-08,QT\n"
                "007,2026-09-12,present\n"
                "007,2026-09-09,present,more\n"
                "999,soon,QT\n"
            )
        }
    )
    assert con.sql(REJECTED.format("attendance")).fetchall() == [
        (3, "missing_student_id", None),
        (4, "missing_date", None),
        (5, "unparseable_date", "07/09/2026"),
        (6, "unknown_student_id", "999"),
        (7, "unmapped_code", "QT"),
        (8, "school_closed", "2026-09-12"),
        (9, "too_many_cells", "more"),
        (10, "unparseable_date", "soon"),
    ]
    assert con.sql("select student_id, date from stg_attendance").fetchall() == [
        ("007", date(2026, 9, 7))
    ]


def test_a_corrected_mark_in_the_same_snapshot_counts_unless_the_correction_is_bad(
    facts: Stage,
) -> None:
    con, *_ = facts(
        {
            "attendance.csv": (
                "student_id,date,code\n007,2026-09-07,absent\n007,2026-09-07,tardy\n"
                "008,2026-09-07,absent\n008,2026-09-07,QT\n"
            )
        }
    )
    assert con.sql("select student_id, code from stg_attendance order by 1").fetchall() == [
        ("007", "tardy"),
        ("008", "absent"),
    ]
    assert con.sql(REJECTED.format("attendance")).fetchall() == [
        (2, "same_key_later_row_counts", None),
        (5, "unmapped_code", "QT"),
    ]


def test_homework_statuses_mean_what_the_systems_mean(facts: Stage) -> None:
    words = {
        "Submitted": "complete",
        "partially graded": "complete",
        "Submitted late": "late",
        "Not submitted": "missing",
        "No status set": "unknown",
        "": "unknown",
        "Handed in": "complete",
    }
    rows = "".join(
        f"007,a{number},MAT,2026-09-08,{word}\n" for number, word in enumerate(words, start=1)
    )
    found = facts({"homework.csv": HOMEWORK + rows}, '[homework.codes]\n"handed in" = "complete"')
    assert list(doubts(*found)) == []
    assert found.con.sql("select status from stg_homework order by assignment_id").fetchall() == [
        (status,) for status in words.values()
    ]


def test_homework_is_checked_row_by_row_and_may_be_due_on_a_closed_day(facts: Stage) -> None:
    con, *_ = facts(
        {
            "homework.csv": HOMEWORK
            + "007,a1,MAT,2026-09-08,complete\n"
            + "007,a2,,2026-09-08,late\n"
            + "007,,MAT,2026-09-08,late\n"
            + "007,a3,XXX,2026-09-08,late\n"
            + "999,a1,MAT,2026-09-08,late\n"
            + "007,a4,MAT,tomorrow,late\n"
            + "007,a5,MAT,2026-09-08,eaten\n"
            + "007,a6,MAT,2026-09-12,complete\n"
        }
    )
    assert con.sql(
        "select assignment_id, class_id, due_date from stg_homework order by 1"
    ).fetchall() == [
        ("a1", "MAT", date(2026, 9, 8)),
        ("a2", None, date(2026, 9, 8)),
        ("a6", "MAT", date(2026, 9, 12)),
    ]
    assert con.sql(REJECTED.format("homework")).fetchall() == [
        (4, "missing_assignment_id", None),
        (5, "unknown_class_id", "XXX"),
        (6, "unknown_student_id", "999"),
        (7, "unparseable_due_date", "tomorrow"),
        (8, "unmapped_code", "eaten"),
    ]


def test_a_mark_is_judged_by_the_calendar_of_the_school_of_that_day(stage: Land) -> None:
    con = stage(
        {
            "students.csv": "student_id,school_id\n007,2\n",
            "classes.csv": "class_id,class_type,school_id\nA,homeroom,1\nC,homeroom,2\n",
            "enrollments.csv": (
                "class_id,person_id,role,begin_date,end_date\n"
                "A,007,student,2026-09-01,2026-09-09\nC,007,student,2026-09-09,\n"
            ),
            "calendar.csv": (
                "date,school_id,in_session\n2026-09-08,1,Y\n2026-09-08,2,N\n2026-09-09,1,N\n"
                "2026-09-09,2,Y\n"
            ),
            "attendance.csv": (
                "student_id,date,code\n007,2026-09-08,present\n007,2026-09-09,present\n"
            ),
        }
    )
    assert con.sql("select count(*) from stg_attendance").fetchall() == [(2,)]
