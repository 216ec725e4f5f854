"""Flat exports of systems in use, put in through `pipeline.toml` alone."""

from collections.abc import Callable
from datetime import date

import duckdb
import pytest

from edu_pipeline.landing.sources.school.doubts import doubts
from edu_pipeline.landing.sources.school.finding import column_questions
from edu_pipeline.landing.sources.school.school_problems import session_problems
from edu_pipeline.landing.sources.school.stage_facts import marks_found, sessions_found
from edu_pipeline_tests.landing.conftest import Facts, lines_told

Stage = Callable[..., Facts]
Land = Callable[..., duckdb.DuckDBPyConnection]
Messages = Callable[[duckdb.DuckDBPyConnection], list[str]]

ATTENDANCE = "select student_id, date, code, attended from stg_attendance order by 1, 2, session"
MONDAY = date(2026, 9, 7)


def asked(found: Facts) -> list[str]:
    """What has to be said about an export besides the settings."""
    rejected = found.con.sql("select rule from rejected_attendance").fetchall()
    looks = (doubts, column_questions)
    questions = [problem for look in looks for problem in look(*found)]
    return [*(rule for (rule,) in rejected), *(problem.message for problem in questions)]


def test_one_roster_files_need_only_to_be_pointed_at(land: Land, messages: Messages) -> None:
    con = land(
        {
            "students.csv": None,
            "staff.csv": None,
            "users.csv": (
                "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,givenName,"
                "familyName,email,grades\n"
                "u-007,,,true,org1,student,am,Ada,Moss,,07\n"
                "u-1,,,true,org1,teacher,cr,Carla,Reed,c@riverside.example,\n"
            ),
            "classes.csv": (
                "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,"
                "schoolSourcedId\n"
                "c-1,,,7A,07,k1,HR7A,homeroom,org1\n"
            ),
            "enrollments.csv": (
                "sourcedId,status,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,"
                "endDate\n"
                "e1,,c-1,org1,u-007,student,,2026-09-01,2027-06-30\n"
                "e2,,c-1,org1,u-1,teacher,true,2026-09-01,\n"
                "e3,,c-1,org1,u-9,administrator,,,\n"
            ),
            "attendance.csv": "studentSourcedId,date,status\nu-007,2026-09-07,Present\n",
            "homework.csv": (
                "sourcedId,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate\n"
                "r1,l1,u-007,fully graded,5,2026-09-08\nr2,l2,u-007,not submitted,,2026-09-09\n"
            ),
        },
        """
        [landing.students]
        files = ["school/users.csv"]
        where = { role = ["student"] }
        [landing.staff]
        files = ["school/users.csv"]
        where = { role = ["teacher"] }
        [landing.students.constants]
        school_id = "org1"
        [landing.homework.columns]
        due_date = "scoreDate"
        """,
    )
    assert messages(con) == []
    assert con.sql(
        "select student_id, given_name, grade, school_id from stg_students"
    ).fetchall() == [("u-007", "Ada", "07", "org1")]
    assert con.sql("select staff_id, email from stg_staff").fetchall() == [
        ("u-1", "c@riverside.example")
    ]
    assert con.sql("select class_id, class_name, class_type from stg_classes").fetchall() == [
        ("c-1", "7A", "homeroom")
    ]
    assert con.sql(
        "select person_id, role, begin_date, end_date from stg_enrollments order by 1"
    ).fetchall() == [
        ("u-007", "student", date(2026, 9, 1), date(2027, 6, 30)),
        ("u-1", "teacher", date(2026, 9, 1), date(9999, 12, 31)),
    ]
    assert con.sql(ATTENDANCE).fetchall() == [("u-007", MONDAY, "Present", 1)]
    assert con.sql("select assignment_id, status from stg_homework order by 1").fetchall() == [
        ("l1", "complete"),
        ("l2", "missing"),
    ]


def test_clever_daily_rows_are_kept_and_section_rows_left_out(facts: Stage) -> None:
    found = facts(
        {
            "attendance.csv": (
                "School_id,Student_id,Section_id,Attendance_date,Attendance_type,Attendance_status,"
                "Excuse_code\n"
                "1,007,,2026-09-07,daily,tardy,\n"
                "1,007,MAT,2026-09-07,section,absent,\n"
            )
        },
        '[landing.attendance.where]\n"Attendance type" = ["daily"]',
    )
    assert asked(found) == []
    assert found.con.sql("select code, attended, tardy from stg_attendance").fetchall() == [
        ("tardy", 1, True)
    ]


def test_powerschool_headers_with_table_numbers_and_american_dates(
    land: Land, messages: Messages
) -> None:
    con = land(
        {
            "students.csv": (
                '[1]Student_Number,[1]LastFirst,[1]Grade_Level,Home_Room\n007,"Moss, Ada",7,7A\n'
            ),
            "classes.csv": None,
            "enrollments.csv": None,
            "attendance.csv": "[1]Student_Number,Att_Date,Att_Code\n007,9/7/2026,A\n",
        },
        """
        [landing.attendance]
        shape = "daily"
        date_formats = ["%m/%d/%Y"]
        [attendance.codes]
        A = "unexcused"
        """,
    )
    assert messages(con) == []
    assert con.sql(ATTENDANCE).fetchall() == [("007", MONDAY, "A", 0)]
    assert con.sql("select class_id, person_id from stg_enrollments").fetchall() == [("7A", "007")]


def test_of_two_powerschool_headers_that_differ_in_the_number_the_named_one_counts(
    people: Land,
) -> None:
    con = people(
        {"students.csv": "[1]Student_Number,[2]Student_Number\nx,007\n"},
        '[landing.students.columns]\nstudent_id = "[2]Student_Number"',
    )
    assert con.sql("select student_id from stg_students").fetchall() == [("007",)]


def test_aspen_exceptions_with_a_flag_column(facts: Stage) -> None:
    found = facts(
        {
            "attendance.csv": (
                "event_date,local_id,school_local_id,absence,tardy,dismissed,excused,reason,comment\n"
                "2026-09-07,007,1,1,0,0,1,,\n2026-09-07,008,1,0,1,0,0,NULL,\n"
            )
        },
        """
        [landing.attendance]
        shape = "exceptions"
        [landing.attendance.columns]
        code = "absence"
        [attendance.codes]
        1 = "absent"
        0 = "tardy"
        """,
    )
    assert asked(found) == []
    assert found.con.sql(ATTENDANCE).fetchall() == [
        ("007", MONDAY, "1", 0),
        ("008", MONDAY, "0", 1),
    ]


FLAGS = "event_date,local_id,absence,tardy,dismissed,excused,reason\n"


@pytest.mark.parametrize(
    ("cells", "code", "attended"),
    [
        ("1,0,0,1", "absent + excused", 0),
        ("true,false,false,false", "absent + unexcused", 0),
        ("1,0,0,", "absent", 0),
        ("N,Y,N,N", "tardy + unexcused", 1),
        ("0,1,1,0", "tardy + dismissed early + unexcused", 1),
        ("0,0,1,1", "dismissed early + excused", 1),
        (",,1,NULL", "dismissed early", 1),
        ("0,0,0,0", "not absent + unexcused", 1),
        # what only a person can know
        ("1,1,0,0", "absent + tardy + unexcused", None),
        ("1,0,1,1", "absent + dismissed early + excused", None),
        (",,,", "no flag", None),
        ("0,0,0,1", "not absent + excused", None),
        ("2,0,0,0", "absent = 2 + unexcused", None),
    ],
)
def test_aspen_says_yes_or_no_in_place_of_a_code(
    cells: str, code: str, attended: int | None, facts: Stage
) -> None:
    con, *_ = facts({"attendance.csv": f"{FLAGS}2026-09-07,007,{cells},\n"})
    if attended is None:
        assert con.sql("select rule, value from rejected_attendance").fetchall() == [
            ("unmapped_code", code)
        ]
    else:
        assert con.sql("select code, attended from stg_attendance").fetchall() == [(code, attended)]


def test_a_portion_says_how_much_of_an_absence_in_columns_of_yes_and_no_was_missed(
    facts: Stage,
) -> None:
    marks = "ATT_DATE,local_id,ATT_ABSENT_IND,ATT_TARDY_IND,ATT_PORTION_ABSENT\n2026-09-07,007,1,0,0.5\n"
    con, *_ = facts({"attendance.csv": marks})
    assert con.sql("select code, attended from stg_attendance").fetchall() == [("absent", 0.5)]


def test_columns_of_yes_and_no_are_read_only_where_there_is_no_code(facts: Stage) -> None:
    marks = "student_id,date,status,absent,tardy\n007,2026-09-07,present,1,0\n"
    con, *_ = facts({"attendance.csv": marks})
    assert con.sql("select code from stg_attendance").fetchall() == [("present",)]


def test_who_is_dismissed_early_is_no_ordinary_presence(facts: Stage) -> None:
    """Else a list of exceptions with some of them would pass for a row for everyone."""
    con, *_ = facts(
        {"attendance.csv": f"{FLAGS}2026-09-07,007,1,0,0,0,\n2026-09-07,008,0,0,1,0,\n"}
    )
    assert marks_found(con) == (1, 0)


def test_ed_fi_duration_says_how_much_of_the_day_was_missed(facts: Stage) -> None:
    found = facts(
        {
            "attendance.csv": (
                "EventDate,AttendanceEventCategory,EventDuration,StudentUniqueId,SchoolId\n"
                "2026-09-07,Excused Absence,0.25,007,1\n"
                "2026-09-08,Unexcused Absence,,007,1\n"
                "2026-09-09,Tardy,0.5,007,1\n"
                '2026-09-10,Excused Absence,"0,5",007,1\n'
            )
        },
        '[landing.attendance]\nshape = "exceptions"',
    )
    assert asked(found) == []
    assert found.con.sql(
        "select date, attended, excused, tardy from stg_attendance order by 1"
    ).fetchall() == [
        (date(2026, 9, 7), 0.75, True, False),
        (date(2026, 9, 8), 0, False, False),
        (date(2026, 9, 9), 1, None, True),
        (date(2026, 9, 10), 0.5, True, False),
    ]


def test_a_duration_in_minutes_is_a_problem(land: Land, messages: Messages) -> None:
    con = land(
        {"attendance.csv": "student_id,date,code,EventDuration\n007,2026-09-07,absent,240\n"}
    )
    assert con.sql("select count(*) from stg_attendance").fetchall() == [(0,)]
    assert messages(con) == [
        "1 of 1 rows of attendance are rejected: duration not between 0 and 1 "
        "(school/attendance.csv, line 2). It must be the part of the day, or of the session, such as 0.5 or "
        "50 %. If it is in minutes, add to [landing.attendance]: full_duration = …  # the minutes of all of "
        "it, such as 390"
    ]


@pytest.mark.parametrize(
    ("settings", "marks", "right"),
    [
        pytest.param(
            "full_duration = 390",
            # three days: all missed, 130 of 390 minutes missed, half of it missed as a share
            ["09-07,,absent,390", "09-08,,absent,130", "09-09,,absent,50%", "09-10,,present,"],
            [(1, 0), (1, 2 / 3), (1, 0.5), (1, 1)],
            id="a row a day",
        ),
        pytest.param(
            "full_duration = 180",
            # AM all missed; PM 90 of 180; ALL of the day is twice 180, of which 90 missed
            ["09-07,AM,absent,180", "09-08,PM,absent,90", "09-09,ALL,absent,90"],
            [(0.5, 0), (0.5, 0.25), (1, 0.75)],
            id="halves of the day",
        ),
        pytest.param(
            "full_duration = 60",
            # a day of three lessons of 60 minutes: 15 of the first missed
            ["09-07,1,absent,15", "09-07,2,present,", "09-07,3,present,60"],
            [(1 / 3, 0.25), (1 / 3, 1 / 3), (1 / 3, 1 / 3)],
            id="periods",
        ),
    ],
)
def test_a_duration_in_minutes_is_the_part_of_what_a_full_one_has(
    land: Land, settings: str, marks: list[str], right: list[tuple[float, float]]
) -> None:
    rows = "".join(f"007,2026-{mark}\n" for mark in marks)
    con = land(
        {"attendance.csv": f"student_id,date,session,code,EventDuration\n{rows}"},
        f"[landing.attendance]\n{settings}",
    )
    found = con.sql("select possible, attended from stg_attendance order by line").fetchall()
    assert found == [pytest.approx(each) for each in right]


def test_more_minutes_than_a_full_day_has_are_no_part_of_it(land: Land) -> None:
    con = land(
        {"attendance.csv": "student_id,date,code,EventDuration\n007,2026-09-07,absent,400\n"},
        "[landing.attendance]\nfull_duration = 390",
    )
    assert con.sql("select rule from rejected_attendance").fetchall() == [
        ("duration_not_between_0_and_1",)
    ]


def test_uk_sessions_halve_the_day_and_marks_are_case_sensitive(
    land: Land, messages: Messages
) -> None:
    con = land(
        {
            "students.csv": "UPN,Surname,Forename,Year.Group,Reg\n007,Moss,Ada,7,7A\n",
            "classes.csv": None,
            "enrollments.csv": None,
            "attendance.csv": (
                "UPN,Surname,Forename,Date,Session,Session.Mark\n"
                "007,Moss,Ada,07/09/2026,AM,/\n007,Moss,Ada,07/09/2026,PM,N\n"
                "007,Moss,Ada,08/09/2026,AM,L\n007,Moss,Ada,08/09/2026,PM,\\\n"
                "007,Moss,Ada,09/09/2026,AM,X\n007,Moss,Ada,09/09/2026,PM,\n"
            ),
        },
        r"""
        [landing.attendance]
        date_formats = ["%d/%m/%Y"]
        sessions_per_day = 2
        [attendance.codes]
        "/" = "present"
        "\\" = "present"
        L = "tardy"
        N = "unexcused"
        X = "not_expected"
        """,
    )
    assert messages(con) == []
    assert con.sql(
        "select date, session, possible, attended, tardy, submitted from stg_attendance order by 1, 2"
    ).fetchall() == [
        (date(2026, 9, 7), "AM", 0.5, 0.5, False, True),
        (date(2026, 9, 7), "PM", 0.5, 0, False, True),
        (date(2026, 9, 8), "AM", 0.5, 0.5, True, True),
        (date(2026, 9, 8), "PM", 0.5, 0.5, False, True),
        (date(2026, 9, 9), "AM", 0, 0, False, True),
        (date(2026, 9, 9), "PM", 0, 0, False, False),
    ]


def test_two_sessions_a_day_that_the_settings_do_not_expect_are_a_problem(facts: Stage) -> None:
    marks = (
        "student_id,date,session,code\n"
        "007,2026-09-07,AM,present\n007,2026-09-07,PM,present\n008,2026-09-07,AM,absent\n"
    )
    con, _, settings = facts({"attendance.csv": marks})
    (problem,) = session_problems(*sessions_found(con), settings.landing)
    assert problem.message == (
        "A student has up to 2 marks on one day, where the settings expect 1. "
        "Add to [landing.attendance]: sessions_per_day = 2"
    )
    con, _, settings = facts({}, lines_told(problem.message))
    assert session_problems(*sessions_found(con), settings.landing) == []
    assert con.sql("select sum(possible) from stg_attendance").fetchall() == [(1.5,)]


def test_codes_in_a_constant_serve_a_list_of_absentees(facts: Stage) -> None:
    found = facts(
        {"attendance.csv": "student_id,date\n007,2026-09-07\n"},
        """
        [landing.attendance]
        shape = "exceptions"
        [landing.attendance.constants]
        code = "absent"
        """,
    )
    assert asked(found) == []
    assert found.con.sql(ATTENDANCE).fetchall() == [("007", MONDAY, "absent", 0)]


def test_a_constant_does_not_fill_the_blanks_of_a_column(people: Land) -> None:
    con = people(
        {
            "students.csv": "student_id,grade\n007,\n008,8\n",
            "students_2.csv": "student_id\n009\n",
        },
        '[landing.students.constants]\ngrade = "7"',
    )
    assert con.sql("select student_id, grade from stg_students order by 1").fetchall() == [
        ("007", None),
        ("008", "8"),
        ("009", "7"),
    ]


ROLES = "select class_id, person_id, role from stg_enrollments order by all"
ENROLLED = [("HR-7A", "007", "student"), ("HR-7A", "T1", "teacher")]


def test_school_data_sync_has_a_file_for_each_role(roster: Land) -> None:
    header = "Section SIS ID,SIS ID\n"
    files = {
        "enrollments.csv": None,
        "StudentEnrollment.csv": f"{header}HR-7A,007\n",
        "TeacherRoster.csv": "Section SIS ID,Teacher SIS ID\nHR-7A,T1\n",
    }
    files_of = '[landing.enrollments]\nfiles = ["school/StudentE*", "school/TeacherRoster*"]\n'
    for columns in ("", '[landing.enrollments.columns]\nperson_id = "SIS ID"\n'):
        con = roster(files, f"{files_of}{columns}")
        assert con.sql(ROLES).fetchall() == ENROLLED


def test_files_of_an_export_may_write_a_column_in_other_capitals(
    roster: Land,
) -> None:
    staged = roster(
        {
            "students-north.csv": "student_id,given_name,Élan\n007,Ada,1\n",
            "students-south.csv": "Student_ID,GIVEN_NAME,élan\n008,Benedict,2\n",
            "students.csv": None,
        },
        '[landing.students]\nfiles = ["school/students-*"]\n',
    )
    assert staged.sql("select * from raw_students").columns == [
        *("_file", "_line", "_landed_at", "_version", "_cells", "_overflow"),
        *("student_id", "given_name", "Élan", "élan"),
    ]
    names = "select student_id, given_name from stg_students order by all"
    assert staged.sql(names).fetchall() == [("007", "Ada"), ("008", "Benedict")]


def test_files_of_an_export_may_differ_in_columns_and_constants(roster: Land, land: Land) -> None:
    files = {
        "enrollments.csv": "class_id,person_id,role\nHR-7A,007,student\n",
        "enrollments_staff.csv": "class_id,Staff No.\nHR-7A,T1\n",
    }
    part = '[landing.enrollments.parts."school/enrollments_staff*"]\n'
    con = roster(
        files, f'{part}columns = {{ person_id = "Staff No." }}\nconstants.role = "teacher"'
    )
    assert con.sql(ROLES).fetchall() == ENROLLED
    misspelt = land(
        files, f'{part}columns = {{ person_id = "Staff No." }}\nconstants.rule = "teacher"'
    )
    messages = misspelt.sql(
        "select message from landing_problems where kind in ('missing_column', 'unknown_column') order by kind"
    ).fetchall()
    assert len(messages) == 2
    assert (
        '[landing.enrollments.parts."school/enrollments_staff.csv".constants]: role = "…"'
        in messages[0][0]
    )
    assert "has rule, which is none of its columns" in messages[1][0]
