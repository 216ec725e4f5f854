import duckdb
import pytest

from edu_pipeline.facts.homework import homework_of_empty_classes
from edu_pipeline_tests.facts.conftest import Facts, day

ROOM = "7A homeroom Seven"
CLASSES = f"""
    {ROOM}
    MAT class Seven
    ENG class Seven
"""
PRESENT = "s1 1mon-fri present"
ITEMS = "select assignment_id, status from homework_items order by assignment_id"
CLASS_WEEKS = "select class_id, status, items from homework_class_week"


def test_only_homework_with_a_known_outcome_counts(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1",
        marks=PRESENT,
        homework="""
            s1 w1 MAT 1mon complete
            s1 w2 MAT 1mon late
            s1 w3 MAT 1mon missing
            s1 w4 MAT 1mon exempt
            s1 w5 MAT 1mon unknown
            s1 w6 MAT 1mon not_due
        """,
    )

    assert query(ITEMS) == [("w1", "complete"), ("w2", "late"), ("w3", "missing")]


def test_homework_counts_in_its_class_and_once_in_the_homeroom(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1\nENG s1",
        marks=PRESENT,
        homework="s1 w1 MAT 1mon complete\ns1 w2 ENG 1tue missing",
    )

    assert query(CLASS_WEEKS) == [
        ("7A", "complete", 1),
        ("7A", "missing", 1),
        ("ENG", "missing", 1),
        ("MAT", "complete", 1),
    ]


def test_homework_set_by_the_homeroom_itself_counts_there_once(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1",
        marks=PRESENT,
        homework="s1 w1 7A 1mon complete",
    )

    assert query(CLASS_WEEKS) == [("7A", "complete", 1)]


def test_homework_without_a_class_counts_in_the_homeroom_and_its_groups(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1\nENG s1",
        marks=PRESENT,
        homework="s1 w1 - 1mon complete",
    )

    assert query(CLASS_WEEKS) == [("7A", "complete", 1)]
    assert query("select team, items from homework_group_day order by team") == [
        ("Seven", 1),
        (None, 1),
    ]


def test_homework_due_outside_the_enrollment_in_its_class_does_not_count(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1 1tue 1thu\nENG s2",
        marks=PRESENT,
        homework="""
            s1 w1 MAT 1mon missing
            s1 w2 MAT 1tue complete
            s1 w3 MAT 1wed complete
            s1 w4 MAT 1thu missing
            s1 w5 ENG 1wed missing
        """,
    )

    assert query(ITEMS) == [("w2", "complete"), ("w3", "complete")]


def test_homework_of_a_class_nobody_is_enrolled_in_counts_like_homework_without_a_class(
    facts: Facts, con: duckdb.DuckDBPyConnection
) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1",
        marks=PRESENT,
        homework="s1 w1 ENG 1mon complete\ns1 w2 MAT 1mon missing",
    )

    assert query(CLASS_WEEKS) == [
        ("7A", "complete", 1),
        ("7A", "missing", 1),
        ("MAT", "missing", 1),
    ]
    assert homework_of_empty_classes(con) == 1


def test_a_teachers_homework_is_each_piece_of_their_classes_once(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="""
            7A s1
            MAT s1
            ENG s1
            7A t1 - - teacher
            MAT t1 - - teacher
            ENG t2 - 1wed teacher
        """,
        marks=PRESENT,
        homework="""
            s1 w1 MAT 1mon complete
            s1 w2 ENG 1tue missing
            s1 w3 ENG 1wed late
            s1 w4 - 1wed missing
        """,
    )

    assert query("select staff_id, status, items from homework_teacher_week") == [
        ("t1", "complete", 1),
        ("t1", "late", 1),
        ("t1", "missing", 2),
        ("t2", "missing", 1),
    ]


def test_homework_without_a_class_needs_an_enrollment_in_any(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=CLASSES,
        spells="MAT s1 1mon 1wed",
        marks=PRESENT,
        homework="s1 w1 - 1tue complete\ns1 w2 - 1wed missing",
    )

    assert query(ITEMS) == [("w1", "complete")]
    assert query(CLASS_WEEKS) == []


def test_homework_due_after_the_last_counted_day_does_not_count_yet(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1",
        marks="s1 1mon-fri present",
        homework="s1 w1 MAT 1thu complete\ns1 w2 MAT 1fri complete\ns1 w3 MAT 2mon complete",
        close_week="thursday",
    )

    assert query(ITEMS) == [("w1", "complete")]


def test_homework_of_the_weekend_belongs_to_the_week_before_it(facts: Facts) -> None:
    query = facts(
        calendar="0sun 1mon-thu 1sun",
        classes=CLASSES,
        spells="7A s1\nMAT s1",
        marks="s1 0sun present\ns1 1mon-thu present",
        homework="s1 w1 MAT 1fri complete\ns1 w2 MAT 1sat complete\ns1 w3 MAT 1sun complete",
        week_begins="sunday",
    )

    assert query(ITEMS) == [("w1", "complete"), ("w2", "complete")]
    assert query("select distinct week_start from homework_items") == [(day("1mon"),)]


def test_homework_belongs_to_the_homeroom_of_its_due_date(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=f"{CLASSES}\n7B homeroom Other",
        spells="7A s1 - 1wed\n7B s1 1wed -\nMAT s1",
        marks=PRESENT,
        homework="s1 w1 MAT 1tue complete\ns1 w2 MAT 1wed missing",
    )

    assert query(CLASS_WEEKS) == [
        ("7A", "complete", 1),
        ("7B", "missing", 1),
        ("MAT", "complete", 1),
        ("MAT", "missing", 1),
    ]


def test_overlapping_enrollments_do_not_double_homework(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=f"{CLASSES}\n7B homeroom Seven",
        spells="7A s1\n7B s1 1mon -\nMAT s1 1mon 1fri\nMAT s1 1tue -",
        marks=PRESENT,
        homework="s1 w1 MAT 1wed complete",
    )

    assert query(CLASS_WEEKS) == [("7B", "complete", 1), ("MAT", "complete", 1)]


def test_a_week_belongs_to_homework_by_due_date_also_at_the_weekend(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1",
        marks="s1 1mon-fri present\ns1 2mon present",
        homework="s1 w1 MAT 1sun complete\ns1 w2 MAT 2mon complete",
    )

    assert query("select assignment_id, week_start from homework_items order by 1") == [
        ("w1", day("1mon")),
        ("w2", day("2mon")),
    ]


def test_homework_of_a_team_name_shared_by_two_schools_is_not_mixed(facts: Facts) -> None:
    query = facts(
        calendar={"1": "1mon", "2": "1mon"},
        classes="7A homeroom Seven 1\n7X homeroom Seven 2",
        spells="7A s1\n7X s2",
        students="s1 7 1\ns2 7 2",
        marks="s1 1mon present\ns2 1mon present",
        homework="s1 w1 - 1mon complete\ns2 w1 - 1mon missing",
    )

    assert query(
        "select school_id, team, status, items from homework_group_day order by school_id, team"
    ) == [
        ("1", "Seven", "complete", 1),
        ("1", None, "complete", 1),
        ("2", "Seven", "missing", 1),
        ("2", None, "missing", 1),
    ]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("s1 1mon present\ns1 10mon-fri present", [("s1", "complete", 1)]),
        ("s1 1mon-fri present", [("s1", "missing", 1)]),
    ],
)
def test_a_students_homework_begins_with_the_school_year_of_the_last_counted_day(
    facts: Facts, marks: str, expected: list[tuple[str, str, int]]
) -> None:
    query = facts(
        calendar="1mon-fri 10mon-fri",
        classes=CLASSES,
        spells="7A s1\nMAT s1",
        marks=marks,
        homework="s1 w1 MAT 1mon missing\ns1 w2 MAT 10tue complete",
    )

    assert query("select student_id, status, items from student_homework_counts") == expected
