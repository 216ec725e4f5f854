from typing import Any

import pytest

from edu_pipeline_tests.facts.conftest import Facts, day

ROOMS = """
    7A homeroom Seven
    7B homeroom Seven
"""
ROOM = "7A homeroom Seven"
CLASS_WEEKS = "select * exclude (lessons) from attendance_class_week"
THROUGH = "select school_id, submitted_through, counted_through from counted_through"


def exceptions(**more: Any) -> dict[str, Any]:
    return {"shape": "exceptions", **more}


def test_days_attended_and_possible_add_up_over_students_and_days(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=ROOM,
        spells="7A s1\n7A s2",
        marks="s1 1mon-fri present\ns2 1mon-thu present\ns2 1fri absent",
    )

    assert query(CLASS_WEEKS) == [("7A", day("1mon"), 5, 10.0, 9.0)]


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
def test_a_code_means_the_same_in_both_shapes(facts: Facts, shape: str) -> None:
    meanings = [
        ("absent", 1, 0, 0, False),
        ("excused", 1, 0, 1, False),
        ("half", 1, 0.5, 0, False),
        ("half_excused", 1, 0.5, 0.5, False),
        ("not_expected", 0, 0, 0, False),
        ("present", 1, 1, 0, False),
        ("tardy", 1, 1, 0, True),
        ("unexcused", 1, 0, 0, False),
    ]
    query = facts(
        calendar="1mon",
        classes=ROOM,
        spells="\n".join(f"7A {code}" for code, *_ in meanings),
        marks="\n".join(f"{code} 1mon {code}" for code, *_ in meanings),
        shape=shape,
    )

    assert (
        query(
            "select student_id, possible, attended, excused, tardy from student_days order by all"
        )
        == meanings
    )


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
def test_each_day_counts_where_the_student_was(facts: Facts, shape: str) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=ROOMS,
        spells="7A s1 - 1wed\n7B s1 1wed -",
        marks="s1 1mon present\ns1 1tue absent\ns1 1wed-fri present",
        shape=shape,
        stamp="2mon",
    )

    assert query(CLASS_WEEKS) == [
        ("7A", day("1mon"), 2, 2.0, 1.0),
        ("7B", day("1mon"), 3, 3.0, 3.0),
    ]


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
def test_days_between_leaving_and_returning_count_nowhere(facts: Facts, shape: str) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=ROOM,
        spells="7A s1 1mon 1tue\n7A s1 1fri -",
        marks="s1 1mon-fri absent",
        shape=shape,
    )

    assert query("select date from student_days order by date") == [(day("1mon"),), (day("1fri"),)]


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
def test_a_student_in_two_homerooms_at_once_counts_once(facts: Facts, shape: str) -> None:
    query = facts(
        calendar="1mon-tue",
        classes=ROOMS,
        spells="7A s1 1mon -\n7B s1 1tue -",
        marks="s1 1mon present\ns1 1tue tardy",
        shape=shape,
    )

    assert query(CLASS_WEEKS) == [
        ("7A", day("1mon"), 1, 1.0, 1.0),
        ("7B", day("1mon"), 1, 1.0, 1.0),
    ]
    assert query("select sum(possible) from student_days") == [(2.0,)]


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
def test_a_student_of_two_classes_counts_in_each_and_once_in_the_team(
    facts: Facts, shape: str
) -> None:
    query = facts(
        calendar="1mon",
        classes=f"{ROOM}\nMAT class Seven\nENG class Seven",
        spells="7A s1\nMAT s1\nENG s1",
        marks="s1 1mon absent",
        shape=shape,
    )

    assert query(CLASS_WEEKS) == [
        (class_id, day("1mon"), 1, 1.0, 0.0) for class_id in ("7A", "ENG", "MAT")
    ]
    assert query("select team, possible_days from attendance_group_day order by team") == [
        ("Seven", 1.0),
        (None, 1.0),
    ]


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
def test_overlapping_enrollments_in_a_class_do_not_double_its_days(
    facts: Facts, shape: str
) -> None:
    query = facts(
        calendar="1mon-tue",
        classes="MAT class Seven",
        spells="MAT s1 1mon 1wed\nMAT s1 1tue -",
        marks="s1 1mon-tue tardy",
        shape=shape,
    )

    assert query(CLASS_WEEKS) == [("MAT", day("1mon"), 2, 2.0, 2.0)]


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
def test_attendance_of_a_student_in_no_class_counts_nowhere(facts: Facts, shape: str) -> None:
    query = facts(
        calendar="1mon-tue",
        classes=ROOM,
        spells="7A s1",
        students="s9 7 1",
        marks="s1 1mon-tue present\ns9 1mon-tue absent",
        shape=shape,
    )

    assert query("select distinct student_id from student_days") == [("s1",)]


def test_a_day_without_its_register_is_not_submitted(facts: Facts) -> None:
    query = facts(
        calendar="1mon-wed",
        classes=ROOMS,
        spells="7A s1\n7B s2",
        marks="s1 1mon present\ns1 1tue not_taken\ns1 1wed absent\ns2 1mon-wed present",
    )

    assert query(CLASS_WEEKS) == [
        ("7A", day("1mon"), 2, 2.0, 1.0),
        ("7B", day("1mon"), 3, 3.0, 3.0),
    ]


def test_a_day_on_which_nobody_was_expected_is_submitted_all_the_same(facts: Facts) -> None:
    query = facts(
        calendar="1mon-tue",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon present\ns1 1tue not_expected",
    )

    assert query(CLASS_WEEKS) == [("7A", day("1mon"), 2, 1.0, 1.0)]


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
def test_marks_on_a_closed_day_do_not_count(facts: Facts, shape: str) -> None:
    query = facts(
        calendar="1mon-tue 1fri",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon-fri excused",
        shape=shape,
    )

    assert query(CLASS_WEEKS) == [("7A", day("1mon"), 3, 3.0, 0.0)]


def test_sessions_of_a_day_add_up_to_fractions(facts: Facts) -> None:
    query = facts(
        calendar="1mon-tue",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon-tue present AM\ns1 1mon absent PM\ns1 1tue excused PM",
        sessions_per_day=2,
    )

    assert query("select possible, attended, excused from student_days order by date") == [
        (1.0, 0.5, 0.0),
        (1.0, 0.5, 0.5),
    ]


QUARTERS = (
    # Monday a quarter missed, Tuesday half, Wednesday three quarters, Thursday all, Friday nothing
    "s1 1mon excused 1\ns1 1mon present 2\ns1 1mon present 3\ns1 1mon present 4\n"
    "s1 1tue excused 1\ns1 1tue absent 2\ns1 1tue present 3\ns1 1tue present 4\n"
    "s1 1wed absent 1\ns1 1wed absent 2\ns1 1wed absent 3\ns1 1wed present 4\n"
    "s1 1thu absent 1\ns1 1thu absent 2\ns1 1thu absent 3\ns1 1thu absent 4\n"
    "s1 1fri present 1\ns1 1fri present 2\ns1 1fri present 3\ns1 1fri tardy 4"
)


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
@pytest.mark.parametrize(
    ("absent_from", "attended", "excused"),
    [
        (None, [0.75, 0.5, 0.25, 0.0, 1.0], [0.25, 0.25, 0.0, 0.0, 0.0]),
        (0.5, [1.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.5, 0.0, 0.0, 0.0]),
        (1.0, [1.0, 1.0, 1.0, 0.0, 1.0], [0.0] * 5),
        (0.25, [0.0, 0.0, 0.0, 0.0, 1.0], [1.0, 0.5, 0.0, 0.0, 0.0]),
    ],
)
def test_a_school_may_say_from_which_share_missed_all_of_a_day_counts_as_missed(
    facts: Facts, shape: str, absent_from: float | None, attended: list[float], excused: list[float]
) -> None:
    """Excused is the share of what was missed."""
    silent = "\n".join(row for row in QUARTERS.split("\n") if "present" not in row)
    query = facts(
        calendar="1mon-fri",
        classes=ROOM,
        spells="7A s1",
        marks=QUARTERS if shape == "daily" else silent,
        shape=shape,
        sessions_per_day=4,
        absent_from=absent_from,
    )
    found = query("select possible, attended, excused from student_days order by date")
    assert found == [(1.0, *each) for each in zip(attended, excused, strict=True)]


def test_a_day_with_one_session_taken_counts_that_session(facts: Facts) -> None:
    query = facts(
        calendar="1mon",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon present AM\ns1 1mon not_taken PM",
        sessions_per_day=2,
    )

    assert query("select possible, attended from student_days") == [(0.5, 0.5)]


def test_sessions_without_a_row_were_attended_in_an_exceptions_only_export(facts: Facts) -> None:
    query = facts(
        calendar="1mon-thu",
        classes=ROOM,
        spells="7A s1",
        marks="""
            s1 1mon absent P1
            s1 1mon tardy P2
            s1 1tue not_expected P1
            s1 1wed excused P1
            s1 1wed excused P2
            s1 1wed excused P3
            s1 1wed excused P4
        """,
        stamp="1fri",
        **exceptions(sessions_per_day=4),
    )

    rows = query("select possible, attended, excused, tardy from student_days order by date")
    assert rows == [
        (1.0, 0.75, 0.0, True),
        (0.75, 0.75, 0.0, False),
        (1.0, 0.0, 1.0, False),
        (1.0, 1.0, 0.0, False),
    ]


def test_students_without_any_row_were_always_there_in_an_exceptions_only_export(
    facts: Facts,
) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=ROOM,
        spells="7A s1\n7A s2\n7A s3 1wed -",
        marks="s1 1mon absent\ns1 1fri absent",
        **exceptions(),
    )

    assert query(CLASS_WEEKS) == [("7A", day("1mon"), 5, 13.0, 11.0)]
    assert query(
        "select student_id, possible_days, attended_days from student_attendance_sums"
    ) == [
        ("s1", 5.0, 3.0),
        ("s2", 5.0, 5.0),
        ("s3", 3.0, 3.0),
    ]


def test_a_mark_that_says_not_taken_is_no_presence_in_an_exceptions_only_export(
    facts: Facts,
) -> None:
    query = facts(
        calendar="1mon-tue",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon not_taken\ns1 1tue absent",
        **exceptions(),
    )

    assert query(CLASS_WEEKS) == [("7A", day("1mon"), 1, 1.0, 0.0)]


def test_an_exceptions_only_export_reaches_to_its_last_exception(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri",
        classes=ROOM,
        spells="7A s1\n7A s2",
        marks="s1 1mon absent\ns2 2tue absent",
        **exceptions(),
    )

    assert query(THROUGH) == [("1", day("2tue"), day("2tue"))]
    assert query(CLASS_WEEKS) == [
        ("7A", day("1mon"), 5, 10.0, 9.0),
        ("7A", day("2mon"), 2, 4.0, 3.0),
    ]


def test_a_stamped_exceptions_only_export_reaches_to_the_school_day_before(facts: Facts) -> None:
    query = facts(
        calendar="1mon-thu 2mon-fri",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon absent",
        stamp="2mon",
        **exceptions(),
    )

    assert query(THROUGH) == [("1", day("1thu"), day("1thu"))]


def test_silence_counts_only_as_far_as_the_file_that_is_furthest_behind(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon absent",
        stamp="2fri 1thu",
        **exceptions(),
    )

    assert query(THROUGH) == [("1", day("1wed"), day("1wed"))]


def test_an_absence_on_the_day_of_the_export_shows_that_the_day_is_in(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1fri absent",
        stamp="1fri",
        **exceptions(),
    )

    assert query(THROUGH) == [("1", day("1fri"), day("1fri"))]


@pytest.mark.parametrize("shape", ["daily", "exceptions"])
def test_absences_planned_for_days_after_the_export_do_not_count_yet(
    facts: Facts, shape: str
) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon-wed absent\ns1 2mon-fri excused",
        stamp="1thu",
        shape=shape,
    )

    assert query(THROUGH) == [("1", day("1wed"), day("1wed"))]
    assert query(CLASS_WEEKS) == [("7A", day("1mon"), 3, 3.0, 0.0)]


def test_a_delta_may_hold_days_after_the_date_in_its_name(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon-fri present",
        stamp="1mon",
        export="delta",
    )

    assert query(THROUGH) == [("1", day("1fri"), day("1fri"))]


def test_registers_not_taken_do_not_move_the_last_day(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon-tue present\ns1 1wed-fri not_taken",
    )

    assert query(THROUGH) == [("1", day("1tue"), day("1tue"))]


def test_days_after_the_closing_day_of_the_running_week_do_not_count_yet(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon-fri present\ns1 2mon-fri absent",
        close_week="thursday",
    )

    assert query(THROUGH) == [("1", day("2fri"), day("2thu"))]
    assert query(CLASS_WEEKS) == [
        ("7A", day("1mon"), 5, 5.0, 5.0),
        ("7A", day("2mon"), 4, 4.0, 0.0),
    ]


def test_all_days_count_of_a_running_week_that_begins_before_its_monday(facts: Facts) -> None:
    query = facts(
        calendar="0sun 1mon-thu 1sun 2mon-thu",
        classes=ROOM,
        spells="7A s1",
        marks="s1 0sun present\ns1 1mon-thu present\ns1 1sun absent\ns1 2mon-thu present",
        week_begins="sunday",
    )

    assert query(THROUGH) == [("1", day("2thu"), day("2thu"))]
    assert query(CLASS_WEEKS) == [
        ("7A", day("1mon"), 5, 5.0, 5.0),
        ("7A", day("2mon"), 5, 5.0, 4.0),
    ]


def test_all_days_count_of_a_week_that_is_past_for_another_school(facts: Facts) -> None:
    query = facts(
        calendar={"1": "1mon-fri 2mon-fri", "2": "1mon-fri 2mon-fri"},
        classes="7A homeroom Seven 1\n7X homeroom Seven 2",
        spells="7A s1\n7X s2",
        students="s1 7 1\ns2 7 2",
        marks="s1 1mon-fri present\ns1 2mon present\ns2 1mon-fri present",
        close_week="thursday",
    )

    assert query(THROUGH) == [
        ("1", day("2mon"), day("2mon")),
        ("2", day("1fri"), day("1fri")),
    ]


def test_without_attendance_the_latest_homework_handed_in_is_the_last_day(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri",
        classes=ROOM,
        spells="7A s1",
        homework="s1 w1 - 1tue complete\ns1 w2 - 2mon late\ns1 w3 - 2thu missing",
    )

    assert query(THROUGH) == [("1", day("2mon"), day("2mon"))]


def test_homework_does_not_move_the_last_day_where_there_is_attendance(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=ROOM,
        spells="7A s1",
        marks="s1 1mon present",
        homework="s1 w1 - 1thu complete",
    )

    assert query(THROUGH) == [("1", day("1mon"), day("1mon"))]


def test_a_team_name_shared_by_two_schools_is_two_teams(facts: Facts) -> None:
    query = facts(
        calendar={"1": "1mon", "2": "1mon"},
        classes="7A homeroom Seven 1\n7X homeroom Seven 2",
        spells="7A s1\n7X s2\n7X s3",
        students="s1 7 1\ns2 7 2\ns3 7 2",
        marks="s1 1mon present\ns2 1mon absent\ns3 1mon present",
    )

    assert query("select * from attendance_group_day order by school_id, team") == [
        ("1", "Seven", day("1mon"), 1.0, 1.0),
        ("1", None, day("1mon"), 1.0, 1.0),
        ("2", "Seven", day("1mon"), 2.0, 1.0),
        ("2", None, day("1mon"), 2.0, 1.0),
    ]


def test_a_student_without_team_counts_in_the_school_alone(facts: Facts) -> None:
    query = facts(
        calendar="1mon",
        classes=f"{ROOM}\nMAT class Seven",
        spells="7A s1\nMAT s2",
        students="s2 - 1",
        marks="s1 1mon present\ns2 1mon absent",
    )

    assert query(
        "select team, possible_days, attended_days from attendance_group_day order by team"
    ) == [
        ("Seven", 1.0, 1.0),
        (None, 2.0, 1.0),
    ]


def test_a_students_sums_begin_with_the_running_school_year(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 10mon-fri",
        classes=ROOM,
        spells="7A s1\n7A s2 - 2mon",
        marks="s1 1mon-fri absent\ns2 1mon-fri absent\ns1 10mon tardy\ns1 10tue excused\ns1 10wed half",
    )

    assert query("select * from student_attendance_sums") == [
        ("s1", "1", 3.0, 1.5, 1.5, 1.0, 1, day("10mon"), day("10wed"))
    ]


def test_a_students_sums_follow_them_to_another_school(facts: Facts) -> None:
    query = facts(
        calendar={"1": "1mon-fri", "2": "1tue-fri"},
        classes="7A homeroom Seven 1\n7X homeroom Seven 2",
        spells="7A s1 - 1wed\n7X s1 1wed -\n7A s2",
        students="s1 7 2",
        marks="s1 1mon-tue absent\ns1 1wed-fri present\ns2 1mon-fri present",
    )

    assert query(
        "select school_id, possible_days, attended_days from student_attendance_sums where student_id = 's1'"
    ) == [("2", 5.0, 3.0)]


def test_a_teams_sums_weigh_homerooms_by_their_student_days(facts: Facts) -> None:
    query = facts(
        calendar="1mon",
        classes=ROOMS,
        spells="7A s1\n7B s2\n7B s3\n7B s4",
        marks="s1 1mon absent\ns2 1mon present\ns3 1mon present\ns4 1mon present",
    )

    assert query("select possible_days, attended_days from attendance_group_day") == [
        (4.0, 3.0),
        (4.0, 3.0),
    ]


def test_a_session_not_taken_leaves_the_silent_rest_of_an_exceptions_only_day(
    facts: Facts,
) -> None:
    query = facts(
        calendar="1mon",
        classes=ROOM,
        spells="7A s1\n7A s2",
        marks="s1 1mon not_taken PM\ns2 1mon absent AM",
        **exceptions(sessions_per_day=2),
    )

    assert query("select possible, attended from student_days order by student_id") == [
        (0.5, 0.5),
        (1.0, 0.5),
    ]


LESSONS = """
    7A homeroom Seven
    MAT scheduled Seven
    ART scheduled Seven
"""
BOTH = "7A s1\n7A s2\nMAT s1\nMAT s2\nART s1"


def test_a_class_has_the_rate_of_its_own_lessons_and_a_homeroom_that_of_the_days(
    facts: Facts,
) -> None:
    """s1 misses half of Monday, in MAT; s2 has MAT alone, so misses all of Tuesday with it."""
    query = facts(
        calendar="1mon-wed",
        classes=LESSONS,
        spells=BOTH,
        marks="""
            s1 1mon absent @MAT
            s1 1mon present @ART
            s1 1tue-wed present @MAT
            s2 1mon present @MAT
            s2 1tue absent @MAT
        """,
    )

    assert query(
        "select class_id, days_submitted, lessons, possible_days, attended_days "
        "from attendance_class_week order by all"
    ) == [("7A", 3, None, 5.0, 3.5), ("ART", 3, 1, 1.0, 1.0), ("MAT", 3, 3, 5.0, 3.0)]


def test_a_lesson_of_who_is_not_in_the_class_counts_in_the_day_and_not_in_the_class(
    facts: Facts,
) -> None:
    query = facts(
        calendar="1mon",
        classes=LESSONS,
        spells=BOTH,
        marks="s1 1mon present @ART\ns2 1mon absent @ART\ns2 1mon present @MAT",
    )

    assert query("select student_id, attended from student_days order by all") == [
        ("s1", 1.0),
        ("s2", 0.5),
    ]
    assert query(
        "select lessons, possible_days, attended_days from attendance_class_week where class_id = 'ART'"
    ) == [(1, 1.0, 1.0)]


def test_a_class_without_a_lesson_in_a_week_has_no_rate_of_its_students_days_instead(
    facts: Facts,
) -> None:
    query = facts(
        calendar="1mon 2mon",
        classes=LESSONS,
        spells=BOTH,
        marks="s1 1mon present @ART\ns1 2mon present @MAT",
    )

    assert query(
        "select lessons, possible_days from attendance_class_week "
        "where class_id = 'ART' order by week_start"
    ) == [(1, 1.0), (0, 0.0)]
