"""Students, staff, classes, enrollments and the calendar, staged from tiny exports."""

from collections.abc import Callable
from datetime import date

import duckdb
import pytest

Land = Callable[..., duckdb.DuckDBPyConnection]

BEGINNING, END = date(1, 1, 1), date(9999, 12, 31)
SPELLS = "select class_id, person_id, role, begin_date, end_date from stg_enrollments order by all"
REJECTED = 'select "table", line, rule, value from rejected_rows order by all'
DAYS = "select date, school_id, in_session from stg_school_days order by all"


def test_of_rows_about_a_student_the_later_counts_and_only_one_that_differs_is_reported(
    people: Land,
) -> None:
    """009 is repeated for each contact; a row without its key is rejected."""
    con = people(
        {
            "students.csv": (
                "student_id,grade,contact\n007,7,\n008,7,\n007,8,\n009,7,a\n009,7,b\nNULL,7,\n  ,8,\n"
            )
        }
    )
    assert con.sql("select student_id, grade from stg_students order by 1").fetchall() == [
        ("007", "8"),
        ("008", "7"),
        ("009", "7"),
    ]
    assert con.sql(REJECTED.replace("rejected_rows", "rejected_students")).fetchall() == [
        ("students", 2, "same_key_later_row_counts", "007"),
        ("students", 7, "missing_student_id", None),
        ("students", 8, "missing_student_id", None),
    ]


def test_class_types_and_roles_are_understood_in_any_case(roster: Land) -> None:
    con = roster(
        {
            "classes.csv": ("class_id,class_type\na,Advisory\nb,SECTION\nc,Band\nHR-7A,homeroom\n"),
            "enrollments.csv": "class_id,person_id,role\na,007,Pupil\na,T1,CHIEF\n",
        },
        """
        [landing.classes.values.class_type]
        band = "scheduled"
        [landing.enrollments.values.role]
        Chief = "teacher"
        """,
    )
    assert con.sql(
        "select class_id, class_type, class_name from stg_classes order by 1"
    ).fetchall()[1:] == [("a", "homeroom", "a"), ("b", "scheduled", "b"), ("c", "scheduled", "c")]
    assert con.sql("select person_id, role from stg_enrollments order by 1").fetchall() == [
        ("007", "student"),
        ("T1", "teacher"),
    ]


def test_the_team_is_the_grade_where_the_export_names_none(roster: Land) -> None:
    con = roster(
        {"classes.csv": "class_id,class_type,grade,team\na,hr,7,Blue\nb,hr,7,\nc,hr,,\n"},
    )
    assert con.sql("select class_id, team from stg_classes order by 1").fetchall() == [
        ("a", "Blue"),
        ("b", "7"),
        ("c", "1"),
    ]


def test_enrollments_without_dates_are_open_on_both_ends(roster: Land) -> None:
    con = roster({"enrollments.csv": "class_id,person_id,role\nHR-7A,007,student\n"})
    assert con.sql(SPELLS).fetchall() == [("HR-7A", "007", "student", BEGINNING, END)]


@pytest.mark.parametrize(
    ("meaning", "last", "of_one_day", "rejected"),
    [
        (
            "exclusive",
            date(2026, 9, 8),
            [],
            [("enrollments", 4, "ends_after_it_begins", None)],
        ),
        (
            "inclusive",
            date(2026, 9, 9),
            [("MAT", "008", "student", date(2026, 9, 7), date(2026, 9, 8))],
            [],
        ),
    ],
)
def test_an_end_date_is_the_first_day_out_unless_the_settings_say_it_is_the_last_day_in(
    roster: Land,
    meaning: str,
    last: date,
    of_one_day: list[tuple[object, ...]],
    rejected: list[tuple[object, ...]],
) -> None:
    """So a spell of no day is rejected, or one of a day."""
    con = roster(
        {
            "enrollments.csv": (
                "class_id,person_id,role,begin_date,end_date\n"
                "HR-7A,007,student,2026-09-01,2026-09-08\nHR-7A,008,student,2026-09-01,9999-12-31\n"
                "MAT,008,student,2026-09-07,2026-09-07\n"
            )
        },
        f'[landing.enrollments]\nend_date = "{meaning}"',
    )
    assert con.sql(SPELLS).fetchall() == [
        ("HR-7A", "007", "student", date(2026, 9, 1), last),
        ("HR-7A", "008", "student", date(2026, 9, 1), END),
        *of_one_day,
    ]
    assert con.sql(REJECTED).fetchall() == rejected


def test_enrollments_that_resolve_to_nothing_are_rejected_with_their_line(roster: Land) -> None:
    con = roster(
        {
            "enrollments.csv": (
                "class_id,person_id,role,begin_date\n"
                "HR-7A,007,student,2026-09-01\n"
                "HR-9Z,008,student,2026-09-01\n"
                "HR-7A,999,student,2026-09-01\n"
                "HR-7A,007,teacher,2026-09-01\n"
                "HR-7A,008,student,soon\n"
            )
        }
    )
    assert con.sql(SPELLS).fetchall() == [("HR-7A", "007", "student", date(2026, 9, 1), END)]
    assert con.sql(REJECTED).fetchall() == [
        ("enrollments", 3, "unknown_class_id", "HR-9Z"),
        ("enrollments", 4, "unknown_person_id", "999"),
        ("enrollments", 5, "unknown_person_id", "007"),
        ("enrollments", 6, "unparseable_begin_date", "soon"),
    ]


def test_homerooms_may_be_only_a_column_of_the_students(roster: Land) -> None:
    con = roster(
        {
            "students.csv": "student_id,grade,homeroom\n007,7,7A\n008,7,7A\n009,8,8B\n010,8,\n",
            "classes.csv": None,
            "enrollments.csv": None,
        }
    )
    assert con.sql(
        "select class_id, class_name, class_type, grade, team from stg_classes order by 1"
    ).fetchall() == [("7A", "7A", "homeroom", "7", "7"), ("8B", "8B", "homeroom", "8", "8")]
    assert con.sql(SPELLS).fetchall() == [
        ("7A", "007", "student", BEGINNING, END),
        ("7A", "008", "student", BEGINNING, END),
        ("8B", "009", "student", BEGINNING, END),
    ]


def test_a_class_without_a_grade_has_that_of_the_students_whose_homeroom_it_is(
    roster: Land,
) -> None:
    con = roster(
        {
            "students.csv": "student_id,grade,homeroom\n1,7,7A\n2,7,7A\n3,8,7A\n4,8,8A\n",
            "classes.csv": "class_id,class_type,grade\n7A,homeroom,\n8A,homeroom,9\n",
        }
    )
    found = con.sql("select class_id, grade, team from stg_classes order by all").fetchall()
    assert found == [("7A", "7", "7"), ("8A", "9", "9")]


def test_a_dated_homeroom_wins_over_the_column_of_the_students(roster: Land) -> None:
    con = roster(
        {
            "students.csv": "student_id,homeroom\n007,HR-7A\n008,HR-7A\n",
            "enrollments.csv": (
                "class_id,person_id,role,begin_date\n"
                "HR-7A,007,student,2026-09-01\nMAT,008,student,2026-09-01\n"
            ),
        }
    )
    assert con.sql(SPELLS).fetchall() == [
        ("HR-7A", "007", "student", date(2026, 9, 1), END),
        ("HR-7A", "008", "student", BEGINNING, END),
        ("MAT", "008", "student", date(2026, 9, 1), END),
    ]


def test_a_teacher_may_be_only_a_column_of_the_classes(roster: Land) -> None:
    con = roster(
        {
            "classes.csv": (
                "class_id,class_type,teacher\nHR-7A,homeroom,T1\nMAT,scheduled,T1\nART,scheduled,T9\n"
            ),
            "enrollments.csv": (
                "class_id,person_id,role,begin_date\nHR-7A,T1,teacher,2026-09-01\n"
            ),
        }
    )
    assert con.sql(SPELLS).fetchall() == [
        ("HR-7A", "T1", "teacher", date(2026, 9, 1), END),
        ("MAT", "T1", "teacher", BEGINNING, END),
    ]


def test_a_calendar_without_schools_is_every_schools(roster: Land) -> None:
    con = roster(
        {
            "students.csv": "student_id,school\n007,north\n008,south\n",
            "calendar.csv": "date,in_session,school\n2026-09-07,1,\n2026-09-08,0,north\n",
        }
    )
    assert con.sql(DAYS).fetchall() == [
        (date(2026, 9, 7), "north", True),
        (date(2026, 9, 7), "south", True),
        (date(2026, 9, 8), "north", False),
    ]


def test_a_calendar_without_marks_lists_the_days_in_session(roster: Land) -> None:
    con = roster({"calendar.csv": "date\n2026-09-07\n2026-09-08\n"})
    assert con.sql("select date, in_session from stg_school_days order by 1").fetchall() == [
        (date(2026, 9, 7), True),
        (date(2026, 9, 8), True),
    ]


def test_days_of_the_calendar_that_cannot_be_read_are_rejected(roster: Land) -> None:
    con = roster({"calendar.csv": "date,in_session\n2026-09-07,Y\nmonday,Y\n2026-09-08,maybe\n"})
    assert con.sql("select line, rule, value from rejected_rows order by all").fetchall() == [
        (3, "unparseable_date", "monday"),
        (4, "unknown_in_session", "maybe"),
    ]


def test_the_year_begins_on_the_first_day_in_session_also_after_a_correction(roster: Land) -> None:
    con = roster(
        {"calendar.csv": "date,in_session\n2026-09-04,Y\n2026-09-07,Y\n2026-09-04,N\n"},
        '[landing.calendar]\nexport = "delta"',
    )
    assert con.sql(
        "select date, in_session, week_start, year_start from stg_school_days order by 1"
    ).fetchall() == [
        (date(2026, 9, 4), False, date(2026, 8, 31), date(2026, 9, 7)),
        (date(2026, 9, 7), True, date(2026, 9, 7), date(2026, 9, 7)),
    ]


def test_without_a_calendar_the_days_with_attendance_are_the_school_days(stage: Land) -> None:
    students = "".join(f"{i}\n" for i in range(100, 120))
    marks = "".join(f"{i},2026-09-{day:02},present\n" for day in (7, 8, 9) for i in range(100, 120))
    con = stage(
        {
            "calendar.csv": None,
            "enrollments.csv": None,
            "students.csv": f"student_id\n{students}",
            "attendance.csv": f"student_id,date,code\n{marks}100,2026-09-13,present\n",
        }
    )
    assert con.sql("select date, in_session from stg_school_days order by 1").fetchall() == [
        (date(2026, 9, 7), True),
        (date(2026, 9, 8), True),
        (date(2026, 9, 9), True),
    ]
    assert con.sql("select line, rule from rejected_rows").fetchall() == [(62, "school_closed")]


def test_an_exceptions_only_export_tells_no_school_days(stage: Land) -> None:
    con = stage({"calendar.csv": None}, '[landing.attendance]\nshape = "exceptions"')
    assert con.sql(DAYS).fetchall() == []


def test_dates_that_the_others_of_their_export_leave_no_other_reading_are_read(
    roster: Land,
) -> None:
    classes = "class_id,class_type,Term Start,Term End\nHR-7A,homeroom,7/1/2026,6/30/2027\n"
    enrolled = "class_id,person_id,role\nHR-7A,007,student\n"
    con = roster({"classes.csv": classes, "enrollments.csv": enrolled})
    assert con.sql(SPELLS).fetchall() == [
        ("HR-7A", "007", "student", date(2026, 7, 1), date(2027, 7, 1))
    ]
    con = roster({"classes.csv": classes.replace("6/30", "6/5")})
    assert con.sql("select rule from rejected_classes").fetchall() == [("unparseable_first_day",)]


def test_classes_of_one_name_are_told_apart_by_their_periods(roster: Land) -> None:
    con = roster(
        {
            "classes.csv": "sourcedId,title,classType,periods\n"
            "HR-7A,7A,homeroom,0\na,Art,scheduled,2\nb,Art,scheduled,5\nc,Music,scheduled,2\n"
        }
    )
    assert con.sql("select class_name from stg_classes order by class_id").fetchall() == [
        ("7A",),
        ("Art, period 2",),
        ("Art, period 5",),
        ("Music",),
    ]


@pytest.mark.parametrize(("term", "spell", "counts"), [
    (("2026-09-07", "2026-12-18"), ("", ""), ("2026-09-07", "2026-12-19")),
    (("2026-09-07", "2026-12-18"), ("2026-08-20", ""), ("2026-09-07", "2026-12-19")),
    (("2026-09-07", "2026-12-18"), ("2026-10-01", "2027-06-30"), ("2026-10-01", "2026-12-19")),
    (("2026-09-07", "2026-12-18"), ("2026-10-01", "2026-11-01"), ("2026-10-01", "2026-11-01")),
    (("2026-09-07", ""), ("2026-08-20", "2026-11-01"), ("2026-09-07", "2026-11-01")),
    # dropped before the term begins, added after it
    (("2026-09-07", "2026-12-18"), ("2026-08-20", "2026-09-07"), "class_is_not_on"),
    (("2026-09-07", "2026-12-18"), ("2026-12-19", ""), "class_is_not_on"),
    # a typing error bounds no days that are known
    (("2026-12-18", "2026-09-07"), ("2026-10-01", "2026-11-01"), ("2026-10-01", "2026-11-01")),
    (("2026-12-18", "2026-09-07"), ("", ""), "ends_after_it_begins"),
])  # fmt: skip
def test_nobody_is_in_a_class_before_its_term_or_after_it(
    roster: Land, term: tuple[str, str], spell: tuple[str, str], counts: tuple[str, str] | str
) -> None:
    classes = (
        f"class_id,class_type,Term Start Date,Term End Date\nMAT,scheduled,{term[0]},{term[1]}\n"
    )
    rows = f"class_id,person_id,role,begin_date,end_date\nMAT,007,student,{spell[0]},{spell[1]}\n"
    con = roster({"classes.csv": classes, "enrollments.csv": rows})
    found = con.sql("select begin_date::varchar, end_date::varchar from stg_enrollments").fetchall()
    rules = con.sql("select rule from rejected_enrollments").fetchall()
    assert (found or rules) == [counts if isinstance(counts, tuple) else (counts,)]
    assert len(found) + len(rules) == 1


def test_who_has_left_school_has_left_the_class_whatever_its_own_end_date_says(
    roster: Land,
) -> None:
    con = roster(
        {
            "students.csv": "student_id,entry_date,exit_date\n"
            "007,2026-09-01,2026-11-13\n"
            "008,2026-10-01,2026-09-20\n"  # came back, so the exit is an earlier one
            "009,2025-09-01,2026-07-01\n",  # no day in the class: it is not about this year
            "enrollments.csv": "class_id,person_id,role,begin_date,end_date\n"
            "HR-7A,007,student,2026-09-07,2026-12-18\n"
            "HR-7A,008,student,2026-09-07,2026-12-18\n"
            "HR-7A,009,student,2026-09-07,2026-12-18\n",
        }
    )
    assert con.sql(
        "select person_id, end_date::varchar from stg_enrollments where role = 'student' order by 1"
    ).fetchall() == [("007", "2026-11-13"), ("008", "2026-12-18"), ("009", "2026-12-18")]


def test_a_class_with_a_row_for_each_term_runs_from_the_first_to_the_last(roster: Land) -> None:
    terms = ("2026-09-01,2026-10-23", "2026-11-02,2026-12-18")
    for first, second in (terms, terms[::-1]):
        con = roster(
            {
                "classes.csv": "class_id,class_type,first_day,last_day\nHR-7A,homeroom,2026-09-01,\n"
                f"MAT,scheduled,{first}\nMAT,scheduled,{second}\n",
                "enrollments.csv": "class_id,person_id,role\nMAT,007,student\n",
            }
        )
        assert con.sql(
            "select begin_date::varchar, end_date::varchar from stg_enrollments where class_id = 'MAT'"
        ).fetchall() == [("2026-09-01", "2026-12-19")]


def test_a_student_who_came_back_is_there_though_an_earlier_stay_ended(roster: Land) -> None:
    con = roster(
        {
            "students.csv": "student_id,entry_date,exit_date\n"
            "007,2026-10-15,\n007,2026-09-01,2026-10-01\n",
            "enrollments.csv": "class_id,person_id,role,begin_date,end_date\n"
            "HR-7A,007,student,2026-09-01,2026-12-18\n",
        }
    )
    assert con.sql(
        "select end_date::varchar from stg_enrollments where role = 'student'"
    ).fetchall() == [("2026-12-18",)]
