from collections.abc import Mapping
from typing import Any

import duckdb
import pytest

from edu_pipeline.facts.students import build_class_spread, build_team_spread, students_of_week
from edu_pipeline_tests.facts.conftest import Facts, day

CLASSES = """
    7A homeroom Seven
    7B homeroom Seven
    MAT class Seven
"""
TEACHERS = "select * exclude (school_id) from attendance_teacher_week"


def spread(
    con: duckdb.DuckDBPyConnection, class_id: str, metric: str, window: str
) -> list[tuple[Any, ...]]:
    """Week, students, Σ whole, Σ whole², Σ part, Σ part², Σ part · whole of a class."""
    build_class_spread(con, late_counts=True)
    return con.execute(
        f"""
        select week_start, students, whole_1, whole_2, part_1, part_2, part_1_whole_1
        from class_spread
        where class_id = '{class_id}' and metric = '{metric}' and "window" = '{window}'
        """  # noqa: S608
    ).fetchall()


def student_of(
    con: duckdb.DuckDBPyConnection, week: str, class_id: str, *, late_counts: bool = True
) -> Mapping[str, dict[str, Any]]:
    found = students_of_week(con, day(week), late_counts=late_counts).filter(class_id=class_id)
    return {row["student_id"]: row for row in found.iter_rows(named=True)}


def test_a_student_in_two_classes_of_a_teacher_counts_once_for_the_teacher(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1\nMAT s2\n7B s2\n7A t1 - - teacher\nMAT t1 - - teacher",
        marks="s1 1mon-fri present\ns2 1mon-tue absent",
    )

    assert query(TEACHERS) == [("t1", day("1mon"), 2, 2, 5, 7.0, 5.0)]


def test_a_teacher_has_the_days_on_which_they_taught_the_class(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri 3mon-fri",
        classes=CLASSES,
        spells="7A s1\n7A t1 - 1wed teacher\n7A t2 1wed 2tue teacher\n7A t3 2tue 2wed teacher",
        marks="s1 1mon-fri present\ns1 2mon absent\ns1 2wed present",
    )

    assert query(TEACHERS) == [
        ("t1", day("1mon"), 1, 1, 2, 2.0, 2.0),
        ("t2", day("1mon"), 1, 1, 3, 3.0, 3.0),
        ("t2", day("2mon"), 1, 1, 1, 1.0, 0.0),
        ("t3", day("2mon"), 1, 1, 0, 0.0, 0.0),
    ]


def test_the_spread_sums_powers_over_students(facts: Facts, con: duckdb.DuckDBPyConnection) -> None:
    facts(
        calendar="1mon-fri 2mon-fri",
        classes=CLASSES,
        spells="7A s1\n7A s2",
        marks="s1 1mon-fri present\ns1 2mon-tue absent\ns2 1mon-tue half\ns2 2mon absent",
    )

    assert spread(con, "7A", "attendance_rate", "week") == [
        (day("1mon"), 2, 7, 29, 6, 26, 27),
        (day("2mon"), 2, 3, 5, 0, 0, 0),
    ]
    assert spread(con, "7A", "attendance_rate", "to_date") == [
        (day("1mon"), 2, 7, 29, 6, 26, 27),
        (day("2mon"), 2, 10, 58, 6, 26, 38),
    ]


def test_who_has_left_stays_in_the_spread_to_date_and_a_new_year_begins_anew(
    facts: Facts, con: duckdb.DuckDBPyConnection
) -> None:
    facts(
        calendar="1mon-fri 2mon-fri 10mon-fri",
        classes=CLASSES,
        spells="7A s1 - 2mon\n7A s2",
        marks="s1 1mon present\ns2 1mon present\ns2 2mon present\ns2 10mon present",
    )

    assert [row[:3] for row in spread(con, "7A", "attendance_rate", "to_date")] == [
        (day("1mon"), 2, 2),
        (day("2mon"), 2, 3),
        (day("10mon"), 1, 1),
    ]


def test_who_comes_back_to_a_class_has_both_stays_in_its_spread_to_date(
    facts: Facts, con: duckdb.DuckDBPyConnection
) -> None:
    facts(
        calendar="1mon-fri 2mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1 - 1wed\nMAT s1 2wed -",
        marks="s1 1mon-fri present\ns1 2mon-fri present",
    )

    assert spread(con, "MAT", "attendance_rate", "to_date") == [
        (day("1mon"), 1, 2, 4, 2, 4, 4),
        (day("2mon"), 1, 5, 25, 5, 25, 25),
    ]
    assert spread(con, "7A", "attendance_rate", "to_date") == [
        (day("1mon"), 1, 5, 25, 5, 25, 25),
        (day("2mon"), 1, 10, 100, 10, 100, 100),
    ]


def test_homework_is_spread_over_the_students_of_homerooms_only(
    facts: Facts, con: duckdb.DuckDBPyConnection
) -> None:
    facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1\n7A s2",
        marks="s1 1mon-fri present",
        homework="s1 w1 MAT 1mon complete\ns1 w2 - 1mon missing\ns2 w1 - 1mon late",
    )

    assert spread(con, "7A", "homework_rate", "week") == [(day("1mon"), 2, 3, 5, 2, 2, 3)]
    assert spread(con, "MAT", "homework_rate", "week") == []


def test_a_teams_sizes_are_of_all_its_students(
    facts: Facts, con: duckdb.DuckDBPyConnection
) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="7A s1\n7B s2\n7B s1 1wed -",
        marks="s1 1mon-fri present\ns2 1mon-tue present",
    )
    build_team_spread(con)

    assert query(
        "select team, students, whole_1, whole_2 from team_spread "
        "where metric = 'attendance_rate' and \"window\" = 'week'"
    ) == [("Seven", 2, 7, 29)]


def test_a_student_of_the_week_has_the_week_the_week_before_and_the_year(
    facts: Facts, con: duckdb.DuckDBPyConnection
) -> None:
    facts(
        calendar="1mon-fri 3mon-fri 4mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1",
        marks="""
            s1 1mon absent
            s1 1tue-fri present
            s1 3mon-tue excused
            s1 3wed-fri present
            s1 4mon half
            s1 4tue tardy
            s1 4wed half_excused
        """,
        homework="""
            s1 w1 MAT 1mon missing
            s1 w2 MAT 2mon missing
            s1 w3 MAT 3mon complete
            s1 w4 - 3tue missing
            s1 w5 MAT 4mon late
            s1 w6 - 4tue complete
        """,
    )
    week = {
        "possible_days": 3.0,
        "attended_days": 2.0,
        "excused_days": 0.5,
        "tardy_days": 1,
        "homework_due": 2,
        "homework_complete": 2,
        "homework_missing": 0,
        "possible_days_previous": 5.0,
        "absent_days_previous": 2.0,
        "homework_due_previous": 2,
        "homework_missing_previous": 1,
        "possible_days_to_date": 13.0,
        "absent_days_to_date": 4.0,
        "excused_days_to_date": 2.5,
        "homework_due_to_date": 6,
        "homework_missing_to_date": 3,
    }
    scheduled = {"homework_due": 1, "homework_complete": 1, "homework_due_previous": 1}
    scheduled |= {"homework_missing_previous": 0, "homework_due_to_date": 4}
    scheduled |= {"homework_missing_to_date": 2}
    key = {"week_start": day("4mon"), "student_id": "s1"}

    assert student_of(con, "4mon", "7A")["s1"] == {**key, "class_id": "7A", **week}
    assert student_of(con, "4mon", "MAT")["s1"] == {**key, "class_id": "MAT", **week, **scheduled}
    strict = student_of(con, "4mon", "MAT", late_counts=False)["s1"]
    assert (strict["homework_complete"], strict["homework_missing"]) == (0, 1)


def test_a_past_week_knows_nothing_of_later_ones(
    facts: Facts, con: duckdb.DuckDBPyConnection
) -> None:
    facts(
        calendar="1mon-fri 2mon-fri",
        classes=CLASSES,
        spells="7A s1",
        marks="s1 1mon-fri present\ns1 2mon-fri absent",
        homework="s1 w1 - 1mon complete\ns1 w2 - 2mon missing",
    )
    row = student_of(con, "1mon", "7A")["s1"]

    assert (row["possible_days_to_date"], row["absent_days_to_date"]) == (5, 0)
    assert (row["homework_due_to_date"], row["homework_missing_to_date"]) == (1, 0)
    assert (row["possible_days_previous"], row["homework_due_previous"]) == (0, 0)


@pytest.mark.parametrize(("room", "students"), [("7A", set()), ("7B", {"s1", "s2"})])
def test_the_students_of_a_week_are_those_of_its_last_day_with_all_their_days(
    facts: Facts, con: duckdb.DuckDBPyConnection, room: str, students: set[str]
) -> None:
    facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="7A s1 - 1wed\n7B s1 1wed -\n7B s2",
        marks="s1 1mon-tue absent\ns1 1wed-fri present",
    )
    found = student_of(con, "1mon", room)

    assert set(found) == students
    if students:
        assert (found["s1"]["possible_days"], found["s1"]["attended_days"]) == (5, 3)
        assert found["s2"]["possible_days"] == 0


def test_a_new_school_year_begins_without_the_old_one(
    facts: Facts, con: duckdb.DuckDBPyConnection
) -> None:
    facts(
        calendar="1mon-fri 10wed-fri",
        classes=CLASSES,
        spells="7A s1",
        marks="s1 1mon-fri absent\ns1 10wed-fri present",
        homework="s1 w1 - 1mon missing\ns1 w2 - 10thu complete",
    )
    row = student_of(con, "10mon", "7A")["s1"]

    assert (row["possible_days_to_date"], row["absent_days_to_date"]) == (3, 0)
    assert row["possible_days_previous"] == 0
    assert (row["homework_due_to_date"], row["homework_missing_to_date"]) == (1, 0)


def test_each_school_has_its_own_last_day_of_the_week(
    con: duckdb.DuckDBPyConnection, facts: Facts
) -> None:
    facts(
        calendar={"1": "1mon-fri", "2": "1mon-fri"},
        classes="7A homeroom Seven 1\n8C homeroom Eight 2",
        spells="7A s1 1mon 1thu\n7A s2\n8C s3 1mon 1thu\n8C s4",
        students="s1 7 1\ns2 7 1\ns3 8 2\ns4 8 2",
        marks="s1 1mon-wed absent\ns2 1mon-wed present\ns3 1mon-wed present\ns4 1mon-fri present",
    )
    assert student_of(con, "1mon", "7A").keys() == {"s1", "s2"}
    assert student_of(con, "1mon", "8C").keys() == {"s4"}
