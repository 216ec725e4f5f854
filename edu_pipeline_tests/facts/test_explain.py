from collections.abc import Callable
from typing import Any

import duckdb
import polars as pl
import pytest

from edu_pipeline.facts.explain import attendance_rows, counted_through, homework_rows
from edu_pipeline_tests.facts.conftest import Facts, Rows, day

CLASSES = """
    7A homeroom Seven
    7B homeroom Seven
    MAT class Seven
"""
EXCEPTIONS: dict[str, Any] = {"shape": "exceptions", "stamp": "2mon"}
Reject = Callable[..., None]


@pytest.fixture
def reject(con: duckdb.DuckDBPyConnection) -> Reject:
    """Makes both tables of rejected rows; of attendance with these (line, rule, student, day)."""

    def make(*rows: tuple[int, str, str, str | None], table: str = "attendance") -> None:
        for name in ("attendance", "homework"):
            con.execute(
                f'create table rejected_{name} ("table" varchar, file varchar, line bigint, '
                "rule varchar, value varchar, student_id varchar, day date)"
            )
        for line, rule, student, on in rows:
            con.execute(
                f"insert into rejected_{table} values (?, 'school/x.csv', ?, ?, 'x', ?, ?)",  # noqa: S608
                [table, line, rule, student, day(on) if on else None],
            )

    return make


def brief(rows: pl.DataFrame) -> Rows:
    """Student, date, code and shares of the counted rows, in order of date and student."""
    counted = rows.filter("counted").sort("date", "student_id", "item", nulls_last=True)
    return counted.select("student_id", "date", "code", "numerator", "denominator").rows()


def left_out(rows: pl.DataFrame) -> Rows:
    others = rows.filter(~pl.col("counted")).sort("date", "student_id", "item", "line")
    return others.select("student_id", "date", "note").rows()


def sums(rows: pl.DataFrame) -> tuple[float, float]:
    counted = rows.filter("counted")
    return float(counted["numerator"].sum()), float(counted["denominator"].sum())


def test_every_mark_of_the_week_is_behind_the_figure_and_those_that_lower_it_come_first(
    facts: Facts, reject: Reject, con: duckdb.DuckDBPyConnection
) -> None:
    query = facts(
        calendar="1mon-tue 2mon",
        classes=CLASSES,
        spells="7A s1\n7A s2\n7B s3",
        marks="s1 1mon present\ns1 1tue half\ns2 1mon tardy\ns2 1tue not_expected\n"
        "s3 1mon-tue absent\ns1 2mon absent",
    )
    reject()
    rows = attendance_rows(con, "7A", day("1mon"))
    assert brief(rows) == [
        ("s1", day("1mon"), "present", 1.0, 1.0),
        ("s2", day("1mon"), "tardy", 1.0, 1.0),
        ("s1", day("1tue"), "half", 0.5, 1.0),
        ("s2", day("1tue"), "not_expected", 0.0, 0.0),
    ]
    assert rows["code"][0] == "half"
    assert left_out(rows) == []
    assert [sums(rows)] == query(
        "select attended_days, possible_days from attendance_class_week "
        "where class_id = '7A' and week_start = '2026-08-31'"
    )
    assert counted_through(con, "7A") == day("2mon")


def test_each_mark_that_was_left_out_says_why(
    facts: Facts, reject: Reject, con: duckdb.DuckDBPyConnection
) -> None:
    query = facts(
        calendar="1mon-thu 2mon",
        classes=CLASSES,
        spells="7A s1 - 1wed\n7B s1 1wed -\n7A s2\n7A s3",
        marks="""
            s1 1mon-wed present
            s2 1mon not_taken
            s2 1tue-wed absent
            s2 1fri absent
            s3 1mon-tue present
            s3 1thu present
        """,
        close_week="wednesday",
    )
    reject(
        (7, "unmapped_code", "s3", "1wed"),
        (8, "same_key_later_row_counts", "s3", "1tue"),
        (9, "unparseable_date", "s3", None),
        (10, "unmapped_code", "s3", "2mon"),
        (11, "unmapped_code", "s9", "1wed"),
    )
    rows = attendance_rows(con, "7A", day("1mon"))
    assert left_out(rows) == [
        ("s3", None, "rejected: unparseable date"),
        ("s2", day("1mon"), "register not taken"),
        ("s3", day("1tue"), "superseded by a later row"),
        ("s1", day("1wed"), "not in the class that day"),
        ("s3", day("1wed"), "rejected: unmapped code"),
        ("s3", day("1thu"), "after the last day counted"),
        ("s2", day("1fri"), "the school was closed that day"),
    ]
    assert sums(rows) == (4.0, 6.0)
    assert query(
        "select attended_days, possible_days from attendance_class_week where class_id = '7A'"
    ) == [(4.0, 6.0)]


def test_a_day_without_a_row_is_named_where_every_student_should_have_one(
    facts: Facts, reject: Reject, con: duckdb.DuckDBPyConnection
) -> None:
    facts(
        calendar="1mon-tue 1fri",
        classes=CLASSES,
        spells="7A s1\n7A s2 1tue -",
        marks="s1 1mon-tue present",
    )
    reject()
    rows = attendance_rows(con, "7A", day("1mon"))
    assert left_out(rows) == [("s2", day("1tue"), "no row in the export")]
    assert rows["file"].null_count() == 1


def test_silence_is_presence_in_an_exceptions_only_export(
    facts: Facts, reject: Reject, con: duckdb.DuckDBPyConnection
) -> None:
    query = facts(
        calendar="1mon-wed 2mon",
        classes=CLASSES,
        spells="7A s1\n7A s2 1wed -",
        marks="s1 1mon absent AM\ns1 1tue not_taken AM\ns1 1tue tardy PM",
        sessions_per_day=2,
        **EXCEPTIONS,
    )
    reject()
    rows = attendance_rows(con, "7A", day("1mon"))
    assert brief(rows) == [
        ("s1", day("1mon"), "absent", 0.0, 0.5),
        ("s1", day("1mon"), None, 0.5, 0.5),
        ("s1", day("1tue"), "tardy", 0.5, 0.5),
        ("s1", day("1wed"), None, 1.0, 1.0),
        ("s2", day("1wed"), None, 1.0, 1.0),
    ]
    assert set(rows.filter(pl.col("file").is_null())["note"]) == {"no row: present"}
    assert left_out(rows) == [("s1", day("1tue"), "register not taken")]
    assert [sums(rows)] == query("select attended_days, possible_days from attendance_class_week")


def test_where_all_or_nothing_of_a_day_counts_rows_say_so(
    facts: Facts, reject: Reject, con: duckdb.DuckDBPyConnection
) -> None:
    """A quarter of Monday missed, half of Tuesday: Monday counts whole, Tuesday not at all."""
    query = facts(
        calendar="1mon-tue 2mon",
        classes=CLASSES,
        spells="7A s1",
        marks="s1 1mon absent 1\ns1 1tue absent 1\ns1 1tue absent 2",
        sessions_per_day=4,
        absent_from=0.5,
        **EXCEPTIONS,
    )
    reject()
    rows = attendance_rows(con, "7A", day("1mon"))
    assert sorted(rows.select("date", "numerator", "denominator", "note").rows()) == [
        (day("1mon"), 0.25, 0.25, "by all of the day"),
        (day("1mon"), 0.75, 0.75, "no row: present"),
        (day("1tue"), 0.0, 0.25, None),
        (day("1tue"), 0.0, 0.25, None),
        (day("1tue"), 0.0, 0.5, "no row: by all of the day"),
    ]
    assert [sums(rows)] == query("select attended_days, possible_days from attendance_class_week")


HOMEWORK = """
    s1 w1 MAT 1mon complete
    s1 w2 MAT 1mon late
    s1 w3 - 1tue missing
    s1 w4 MAT 1tue exempt
    s1 w5 - 1tue unknown
    s1 w6 7B 1tue complete
    s1 w7 - 1fri missing
    s2 w1 MAT 1wed complete
    s2 w2 - 1wed missing
"""


@pytest.fixture
def homework(facts: Facts, reject: Reject) -> Callable[[str], Rows]:
    query = facts(
        calendar="1mon-fri 2mon",
        classes=CLASSES,
        spells="7A s1\nMAT s1\n7A s2 - 1wed\n7B s2 1wed -\nMAT s2 - 1wed\n7B s3",
        marks="s1 1mon-thu present",
        homework=HOMEWORK,
    )
    reject((5, "unmapped_code", "s1", "1tue"), table="homework")
    return query


def test_a_homeroom_has_all_homework_of_its_students(
    homework: Callable[[str], Rows], con: duckdb.DuckDBPyConnection
) -> None:
    rows = homework_rows(con, "7A", day("1mon"), late_counts=True)
    assert brief(rows) == [
        ("s1", day("1mon"), "complete", 1.0, 1.0),
        ("s1", day("1mon"), "late", 1.0, 1.0),
        ("s1", day("1tue"), "missing", 0.0, 1.0),
    ]
    assert left_out(rows) == [
        ("s1", day("1tue"), "rejected: unmapped code"),
        ("s1", day("1tue"), "exempt"),
        ("s1", day("1tue"), "status unknown"),
        ("s1", day("1tue"), "not in the class that set it that day"),
        ("s2", day("1wed"), "not in the class that day"),
        ("s2", day("1wed"), "not in the class that day"),
        ("s1", day("1fri"), "after the last day counted"),
    ]
    assert homework("select sum(items) from homework_class_week where class_id = '7A'") == [(3,)]


def test_a_scheduled_class_has_the_homework_that_it_set(
    homework: Callable[[str], Rows], con: duckdb.DuckDBPyConnection
) -> None:
    rows = homework_rows(con, "MAT", day("1mon"), late_counts=False)
    assert brief(rows) == [
        ("s1", day("1mon"), "complete", 1.0, 1.0),
        ("s1", day("1mon"), "late", 0.0, 1.0),
    ]
    assert left_out(rows) == [
        ("s1", day("1tue"), "rejected: unmapped code"),
        ("s1", day("1tue"), "exempt"),
        ("s2", day("1wed"), "not in the class that day"),
    ]
    assert homework("select sum(items) from homework_class_week where class_id = 'MAT'") == [(2,)]
