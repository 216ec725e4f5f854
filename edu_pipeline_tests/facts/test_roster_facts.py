from edu_pipeline_tests.facts.conftest import OPEN_END, Facts, day

HOMEROOMS = """
    7A homeroom Seven
    7B homeroom Seven
"""
SPELLS = "select class_id, begin_date, end_date from class_spells order by begin_date, class_id"
STUDENTS = "select class_id, week_start, students from class_students"


def test_the_day_of_a_move_belongs_to_the_class_of_arrival(facts: Facts) -> None:
    query = facts(calendar="1mon-fri", classes=HOMEROOMS, spells="7A s1 1mon 1wed\n7B s1 1wed -")

    assert query(SPELLS) == [
        ("7A", day("1mon"), day("1wed")),
        ("7B", day("1wed"), OPEN_END),
    ]


def test_of_two_homerooms_at_once_the_one_begun_later_counts(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri",
        classes=HOMEROOMS,
        spells="7A s1 1mon 2fri\n7B s1 1wed 2tue",
    )

    assert query(SPELLS) == [
        ("7A", day("1mon"), day("1wed")),
        ("7B", day("1wed"), day("2tue")),
        ("7A", day("2tue"), day("2fri")),
    ]


def test_of_two_homerooms_begun_together_the_choice_does_not_depend_on_order(facts: Facts) -> None:
    for spells in ("7A s1\n7B s1", "7B s1\n7A s1"):
        query = facts(calendar="1mon-fri", classes=HOMEROOMS, spells=spells)

        assert [row[0] for row in query(SPELLS)] == ["7B"]


def test_a_student_may_be_in_a_homeroom_and_in_several_classes(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=HOMEROOMS + "MAT class Seven\nENG class Seven",
        spells="7A s1\nMAT s1\nENG s1",
    )

    assert query(STUDENTS) == [
        ("7A", day("1mon"), 1),
        ("ENG", day("1mon"), 1),
        ("MAT", day("1mon"), 1),
    ]


def test_overlapping_enrollments_in_one_class_count_a_student_once(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes="MAT class Seven",
        spells="MAT s1 1mon 1thu\nMAT s1 1wed 2mon\nMAT s2 1mon -",
    )
    overlapping = """
        select count(*) from class_spells as a join class_spells as b using (class_id, student_id)
        where a.begin_date < b.begin_date and a.end_date > b.begin_date
    """

    assert query(overlapping) == [(0,)]
    assert query(
        "select min(begin_date), max(end_date) from class_spells where student_id = 's1'"
    ) == [(day("1mon"), day("2mon"))]
    assert query(STUDENTS) == [("MAT", day("1mon"), 2)]


def test_a_student_who_leaves_and_returns_is_not_counted_between(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri 3mon-fri",
        classes=HOMEROOMS,
        spells="7A s1 1mon 2mon\n7A s1 3wed -\n7A s2",
    )

    assert query(STUDENTS) == [
        ("7A", day("1mon"), 2),
        ("7A", day("2mon"), 1),
        ("7A", day("3mon"), 2),
    ]


def test_the_end_date_is_the_first_day_out(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri 2mon-fri",
        classes=HOMEROOMS,
        spells="7A s1 1mon 2mon\n7A s2 1mon 2tue",
    )

    assert query(STUDENTS) == [("7A", day("1mon"), 2), ("7A", day("2mon"), 1)]


def test_who_was_enrolled_only_on_closed_days_is_not_a_student_of_the_week(facts: Facts) -> None:
    query = facts(
        calendar="1mon-tue 1fri 2mon-fri", classes=HOMEROOMS, spells="7A s1 1wed 1fri\n7A s2"
    )

    assert query(STUDENTS) == [("7A", day("1mon"), 1), ("7A", day("2mon"), 1)]


def test_a_week_wholly_closed_has_no_students(facts: Facts) -> None:
    query = facts(calendar="1mon-fri 3mon-fri", classes=HOMEROOMS, spells="7A s1")

    assert [week for _, week, _ in query(STUDENTS)] == [day("1mon"), day("3mon")]


def test_without_a_homeroom_school_and_team_are_the_students_own(facts: Facts) -> None:
    query = facts(
        calendar={"1": "1mon-fri", "2": "1mon-fri"},
        classes="7A homeroom Seven 1\nMAT class Maths 1",
        spells="MAT s1 1mon 1wed\n7A s1 1wed 1fri\nMAT s1 1wed 2mon",
        students="s1 8 2",
    )
    places = """
        select begin_date, end_date, homeroom_id, school_id, team
        from student_spells order by begin_date
    """

    assert query(places) == [
        (day("1mon"), day("1wed"), None, "2", "8"),
        (day("1wed"), day("1fri"), "7A", "1", "Seven"),
        (day("1fri"), day("2mon"), None, "2", "8"),
    ]


def test_a_teachers_enrollment_makes_no_student_even_under_the_same_id(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri", classes=HOMEROOMS, spells="7A 0042 - 1wed\n7B 0042 - - teacher"
    )

    assert query(STUDENTS) == [("7A", day("1mon"), 1)]


def test_a_teachers_stretches_in_a_class_are_merged_where_they_overlap_or_touch(
    facts: Facts,
) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=HOMEROOMS,
        spells="""
            7A t1 1mon 1wed teacher
            7A t1 1tue 1thu teacher
            7A t1 1thu 1fri teacher
            7A t1 2mon - teacher
            7B t1 1mon 1tue teacher
        """,
    )

    assert query("select * from teacher_spells") == [
        ("t1", "7A", day("1mon"), day("1fri")),
        ("t1", "7A", day("2mon"), OPEN_END),
        ("t1", "7B", day("1mon"), day("1tue")),
    ]


def test_a_students_stretch_ends_where_a_teacher_of_theirs_changes(facts: Facts) -> None:
    query = facts(
        calendar="1mon-fri",
        classes=HOMEROOMS,
        spells="""
            7A s1 1mon 1fri
            7A t1 - 1wed teacher
            7A t2 1wed - teacher
            7B t3 1tue - teacher
        """,
    )

    assert query("select begin_date, end_date from student_spells") == [
        (day("1mon"), day("1wed")),
        (day("1wed"), day("1fri")),
    ]


def test_days_off_are_expected_of_nobody_and_a_class_has_them_where_all_have(facts: Facts) -> None:
    for shape in ("daily", "exceptions"):
        query = facts(
            calendar="1mon-fri 2mon-fri",
            classes=HOMEROOMS + "MAT class Seven",
            spells="7A s1\n7A s2\n7B s3\nMAT s1\nMAT s3\n7A t1 - - teacher",
            marks="s1 1mon-fri present\ns2 1mon-fri present\ns3 1mon-fri present\ns3 2fri absent",
            off="s1 1wed\ns2 1wed\ns1 2mon-fri\ns2 2mon-fri",
            shape=shape,
        )

        weeks = query("select class_id, week_start, days_submitted from attendance_class_week")
        assert [row for row in weeks if row[1] == day("1mon")] == [
            ("7A", day("1mon"), 4),
            ("7B", day("1mon"), 5),
            ("MAT", day("1mon"), 5),
        ]
        assert query("select sum(possible) from student_days where week_start = '2026-08-31'") == [
            (4 + 4 + 5,)
        ]
        assert sorted(query(STUDENTS)) == [
            ("7A", day("1mon"), 2),
            ("7B", day("1mon"), 1),
            ("7B", day("2mon"), 1),
            ("MAT", day("1mon"), 2),
            ("MAT", day("2mon"), 1),
        ]
        assert query("select week_start from attendance_teacher_week") == [(day("1mon"),)]
        assert query("select class_id, date from class_days_off where date < '2026-09-07'") == [
            ("7A", day("1wed"))
        ]
