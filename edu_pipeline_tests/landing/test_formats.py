"""Published formats are recognised as sets of files and need no setting that they answer themselves."""

import csv
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from edu_pipeline.ground.warehouse import read_table
from edu_pipeline.landing.sources.school.agreement import schools_of_sets
from edu_pipeline.landing.sources.school.formats.format import spelt
from edu_pipeline.landing.sources.school.formats.recognition import Lying, recognised
from edu_pipeline.landing.sources.school.school_problems import work_of_two_systems
from edu_pipeline_tests.landing.conftest import Facts, Land
from edu_pipeline_tests.landing.test_workbook import workbook

EMPTY: Mapping[str, str | None] = dict.fromkeys(
    ("students.csv", "staff.csv", "classes.csv", "enrollments.csv")
)
"""Takes the tiny school's own rosters away."""
NOTHING = {**EMPTY, **dict.fromkeys(("calendar.csv", "attendance.csv"))}
"""All of it."""
OLD: Mapping[str, str] = {
    "manifest.csv": "propertyName,value\noneroster.version,1.1\nfile.users,bulk\n",
    "orgs.csv": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
    "N,active,,North,school,,\nS,active,,South,school,,\n",
    "users.csv": "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,givenName,"
    "familyName,email,grades\n"
    "007,active,,true,N,student,am,Ada,Moss,,07\n"
    '008,active,,true,"N,S",student,bo,Benedict,Oakley,,"07,08"\n'
    "T1,active,,true,N,teacher,cr,Carla,Reed,carla.reed@riverside.example,\n"
    "G1,active,,true,N,guardian,dm,Dora,Moss,dora@home.example,\n",
    "classes.csv": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,"
    "location,schoolSourcedId,termSourcedIds\n"
    'C1,active,,Maths,"07,08",X,m,scheduled,,S,Q1\n',
    "enrollments.csv": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,"
    "role,primary,beginDate,endDate\n"
    "E1,active,,C1,S,007,student,,,\nE2,active,,C1,S,008,student,,,\nE3,active,,C1,S,T1,teacher,true,,\n",
    "academicSessions.csv": "sourcedId,status,dateLastModified,title,type,startDate,endDate,"
    "parentSourcedId,schoolYear\nQ1,active,,Autumn,term,2026-09-01,2026-12-18,,2027\n",
}
EXAMPLES = Path(__file__).parents[2] / "docs" / "exports"
NEW: Mapping[str, str] = {
    **OLD,
    "manifest.csv": "propertyName,value\noneroster.version,1.2\n",
    "users.csv": "sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName,email,"
    "grades,preferredGivenName,primaryOrgSourcedId\n"
    "007,active,,true,am,Ada,Moss,,07,Addie,N\n008,active,,true,bo,Benedict,Oakley,,07,,\n"
    "T1,active,,true,cr,Carla,Reed,carla.reed@riverside.example,,,S\n"
    "G1,active,,true,dm,Dora,Moss,dora@home.example,,,N\n",
    "roles.csv": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,"
    "orgSourcedId\n"
    "R1,active,,007,primary,student,,,N\nR2,active,,008,primary,student,,,N\n"
    "R3,active,,T1,primary,teacher,,,S\nR4,active,,T1,secondary,guardian,,,S\n"
    "R5,active,,G1,primary,guardian,,,N\n",
}
TASKS: Mapping[str, str] = {
    "lineItems.csv": "sourcedId,status,dateLastModified,title,description,assignDate,dueDate,"
    "classSourcedId,categorySourcedId,gradingPeriodSourcedId,resultValueMin,resultValueMax\n"
    "L1,active,,Sums,,2026-09-08,2026-09-10,C1,K,Q1,0,10\n",
    "results.csv": "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,"
    "score,scoreDate,comment\n"
    "1,active,,L1,007,submitted,,2026-09-11,\n2,active,,L1,008,not submitted,,2026-09-11,\n",
}
PEOPLE = "select student_id, school_id, grade from stg_students order by 1"


def zipped(files: Mapping[str, str]) -> bytes:
    """A zip of files, as systems deliver it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as book:
        for name, text in files.items():
            book.writestr(name, text)
    return packed.getvalue()


def rows(con: Any, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = con.execute(sql).fetchall()
    return found


@pytest.mark.parametrize("files", [OLD, NEW], ids=["1.1", "1.2"])
def test_a_oneroster_zip_needs_no_setting(stage: Land, files: Mapping[str, str]) -> None:
    con = stage({**EMPTY, "all.zip": zipped(files)})
    assert rows(con, "select student_id from stg_students order by 1") == [("007",), ("008",)]
    assert rows(con, "select staff_id, email from stg_staff") == [
        ("T1", "carla.reed@riverside.example")
    ]
    assert rows(con, "select class_id, class_type, grade, school_id from stg_classes") == [
        ("C1", "scheduled", None, "S")  # of two grades, so of none
    ]
    assert rows(con, "select distinct begin_date::text, end_date::text from stg_enrollments") == [
        ("2026-09-01", "2026-12-18")  # as its term says
    ]
    assert rows(con, "select distinct format from landing_files where format is not null") == [
        (f"OneRoster {'1.2' if 'roles.csv' in files else '1.1'}",)
    ]


def test_who_is_at_several_schools_is_where_the_classes_are(stage: Land) -> None:
    con = stage({**EMPTY, **OLD})
    assert rows(con, PEOPLE) == [("007", "N", "07"), ("008", "1", None)]
    assert ("008", "S") in rows(con, "select student_id, school_id from stg_student_schools")


def test_results_have_their_class_and_due_date_from_line_items(stage: Land) -> None:
    con = stage({**EMPTY, **OLD, **TASKS})
    assert rows(
        con,
        "select student_id, assignment_id, class_id, due_date::text, status from stg_homework order by 1",
    ) == [
        ("007", "L1", "C1", "2026-09-10", "complete"),
        ("008", "L1", "C1", "2026-09-10", "missing"),
    ]


def test_work_that_came_late_is_late_where_oneroster_1_2_says_so(stage: Land) -> None:
    results = (
        "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,"
        "comment,textScore,classSourcedId,inProgress,incomplete,late,missing\n"
        "1,active,,L1,007,submitted,,,,,C1,false,false,TRUE,false\n"
        "2,active,,L1,008,not submitted,,,,,C1,false,false,true,true\n"
    )
    con = stage({**EMPTY, **NEW, **TASKS, "results.csv": results})
    assert rows(con, "select student_id, status from stg_homework order by 1") == [
        ("007", "late"),
        ("008", "missing"),
    ]


def test_a_file_that_changed_is_joined_anew(stage: Land) -> None:
    stage({**EMPTY, **OLD, **TASKS})
    later = TASKS["lineItems.csv"].replace("2026-09-10", "2026-09-11")
    con = stage({"lineItems.csv": later})
    assert rows(con, "select distinct due_date::text from stg_homework") == [("2026-09-11",)]


def test_headers_that_a_spreadsheet_shortened_are_still_the_formats(stage: Land) -> None:
    shorter = {
        name: text.replace("orgSourcedIds", "orgs")
        .replace("userSourcedId", "user")
        .replace("classSourcedId", "class")
        for name, text in OLD.items()
    }
    con = stage({**EMPTY, **shorter})
    assert rows(con, PEOPLE) == [("007", "N", "07"), ("008", "1", None)]
    assert rows(con, "select count(*) from stg_enrollments") == [(3,)]


def test_changes_come_on_top_of_the_last_whole(stage: Land) -> None:
    head, *_ = OLD["users.csv"].splitlines(keepends=True)
    changes = {
        "manifest.csv": "propertyName,value\noneroster.version,1.1\nfile.users,delta\nfile.enrollments,delta\n",
        "users.csv": head
        + "007,active,,true,N,student,am,Ada,Moss,,08\n"
        + "008,tobedeleted,,true,N,student,bo,Benedict,Oakley,,07\n"
        + "009,active,,true,N,student,eh,Ellen,Hill,,07\n",
        "enrollments.csv": OLD["enrollments.csv"].splitlines()[0]
        + "\nE2,tobedeleted,,C1,S,008,student,,,\nE4,active,,C1,S,009,student,,2026-10-01,\n",
    }
    older = {
        **changes,
        "users.csv": changes["users.csv"].replace("08\n", "12\n"),
    }
    con = stage(
        {
            **EMPTY,
            "roster_2026-09-01.zip": zipped(older),
            "roster_2026-09-02.zip": zipped(OLD),
            "roster_2026-09-03.zip": zipped(changes),
        }
    )
    # changes from before the whole are in it
    assert rows(con, PEOPLE) == [("007", "N", "08"), ("009", "N", "07")]
    assert rows(
        con,
        "select person_id, begin_date::text from stg_enrollments where role = 'student' order by 1",
    ) == [("007", "2026-09-01"), ("009", "2026-10-01")]
    assert rows(con, "select rule, count(*) from rejected_students group by all order by all") == [
        ("changed_by_a_later_file", 2),
        ("to_be_deleted", 1),
    ]


def test_somebody_whose_role_changed_is_no_student_any_more(stage: Land) -> None:
    head = OLD["users.csv"].splitlines()[0]
    changes = {
        "manifest.csv": "propertyName,value\noneroster.version,1.1\nfile.users,delta\n",
        "users.csv": f"{head}\n008,active,,true,N,teacher,bo,Benedict,Oakley,b@riverside.example,\n",
    }
    con = stage(
        {
            **EMPTY,
            "roster_2026-09-02.zip": zipped(OLD),
            "roster_2026-09-03.zip": zipped(changes),
        }
    )
    assert rows(con, "select student_id from stg_students") == [("007",)]
    assert rows(con, "select staff_id from stg_staff order by 1") == [("008",), ("T1",)]


def test_school_data_sync_has_a_file_for_each_role_and_writes_months_first(stage: Land) -> None:
    con = stage(
        {
            **EMPTY,
            "Student.csv": "SIS ID,School SIS ID,First Name,Last Name,Username,Grade,Student Number\n"
            "007,N,Ada,Moss,am,7,1\n",
            "Teacher.csv": "SIS ID,School SIS ID,First Name,Last Name,Username\n"
            "T1,N,Carla,Reed,carla.reed@riverside.example\n",
            "Section.csv": "SIS ID,School SIS ID,Section Name,Term StartDate,Term EndDate\n"
            "C1,N,Maths,9/1/2026,12/8/2026\n",
            "StudentEnrollment.csv": "Section SIS ID,SIS ID\nC1,007\n",
            "TeacherRoster.csv": "Section SIS ID,SIS ID\nC1,T1\n",
            "School.csv": "SIS ID,Name\nN,North\n",
        }
    )
    assert rows(
        con,
        "select person_id, role, begin_date::text, end_date::text from stg_enrollments order by 1",
    ) == [
        ("007", "student", "2026-09-01", "2026-12-09"),
        ("T1", "teacher", "2026-09-01", "2026-12-09"),
    ]
    assert rows(con, "select email from stg_staff") == [("carla.reed@riverside.example",)]


def test_a_login_is_an_address_with_the_domain_that_the_settings_say(land: Land) -> None:
    header = "SIS ID,School SIS ID,First Name,Last Name,Username\n"
    staff = {
        "sds/Teacher.csv": f"{header}T1,N,Carla,Reed,carla.reed\nT2,N,Eli,Wood,eli@other.example\nT3,N,Fay,Hunt,fay\n",
        "sds/TeacherRoster.csv": "Section SIS ID,SIS ID\nMAT,T1\n",
    }
    asked = "select message from landing_problems where kind = 'logins_for_addresses'"
    ((message,),) = rows(land({"staff.csv": None, **staff}), asked)
    assert message.startswith("2 of 3 addresses of staff have no @")
    con = land({}, '[landing.staff]\nemail_domain = "riverside.example"')
    assert rows(con, asked) == []
    assert rows(con, "select email from stg_staff order by staff_id") == [
        ("carla.reed@riverside.example",),
        ("eli@other.example",),
        ("fay@riverside.example",),
    ]


CLEVER: Mapping[str, str] = {
    "schools.csv": "School_id,School_name\nN,North\n",
    "students.csv": "School_id,Student_id,Last_name,First_name,Grade,Contact_name\n"
    "N,007,Moss,Ada,7,Dora Moss\nN,007,Moss,Ada,7,Paul Moss\nN,008,Oakley,Benedict,7,\n",
    "teachers.csv": "School_id,Teacher_id,Teacher_email,First_name,Last_name\n"
    "N,T1,carla.reed@riverside.example,Carla,Reed\nN,T2,eli.wood@riverside.example,Eli,Wood\n"
    "N,T3,fay.hunt@riverside.example,Fay,Hunt\n",
    "staff.csv": "School_id,Staff_id,Staff_email,First_name,Last_name\n"
    "N,T1,office@riverside.example,Olga,Stone\n",
    "sections.csv": "School_id,Section_id,Teacher_id,Teacher_2_id,Teacher_10_id,Name,Grade,Term_start,"
    "Term_end\nN,C1,T1,T3,T2,Maths,7,2026-09-01,2026-12-18\nN,C2,T2,,,Art,7,2026-09-01,2026-12-18\n",
    "enrollments.csv": "School_id,Section_id,Student_id\nN,C1,007\nN,C1,008\nN,C2,007\n",
    "attendance.csv": "Student_id,School_id,Section_id,Attendance_date,Attendance_type,"
    "Attendance_status,Excuse_code,Sis_id\n007,N,,2026-09-07,daily,tardy,,1\n"
    "008,N,,2026-09-07,daily,absent,,2\n",
}


def test_of_clever_teachers_are_the_staff_and_contacts_are_no_students(stage: Land) -> None:
    con = stage({**EMPTY, **CLEVER})
    assert rows(con, PEOPLE) == [("007", "N", "7"), ("008", "N", "7")]
    assert rows(con, "select staff_id, given_name from stg_staff order by 1") == [
        ("T1", "Carla"),
        ("T2", "Eli"),
        ("T3", "Fay"),
    ]
    assert rows(con, "select count(*) from rejected_students") == [(0,)]
    assert rows(con, "select student_id, attended from stg_attendance order by 1") == [
        ("007", 1),
        ("008", 0),
    ]


def test_all_teachers_of_a_clever_section_teach_it_in_its_term(stage: Land) -> None:
    con = stage({**EMPTY, **CLEVER})
    assert rows(
        con,
        "select class_id, string_agg(person_id, ' ' order by person_id), min(begin_date)::text, "
        "max(end_date)::text from stg_enrollments where role = 'teacher' group by 1 order by 1",
    ) == [("C1", "T1 T2 T3", "2026-09-01", "2026-12-19"), ("C2", "T2", "2026-09-01", "2026-12-19")]


POWERSCHOOL: Mapping[str, str] = {
    "Students.csv": "[1]ID,[1]Student_Number,LastFirst,Grade_Level,SchoolID,EntryDate,ExitDate,Enroll_Status\n"
    '41,007,"Moss, Ada",7,12,8/17/2026,6/12/2027,0\n42,008,"Oakley, Benedict",7,12,8/17/2026,9/16/2026,2\n'
    '43,009,"Hale, Emil",7,12,8/17/2026,6/12/2027,-1\n',
    "CC.csv": "ID,StudentID,SectionID,TermID,DateEnrolled,DateLeft\n"
    "1,41,71,3600,8/17/2026,6/12/2027\n2,42,-71,-3600,8/17/2026,9/16/2026\n"
    "3,41,-72,-3600,8/17/2026,8/17/2026\n4,42,-72,-3600,8/17/2026,9/16/2026\n",
    "Courses.csv": "Course_Number,Course_Name\nM,Maths\n",
    "Sections.csv": "ID,Course_Number,Expression,SchoolID,Teacher\n71,M,1(A),12,31\n72,M,2(A),12,32\n",
    "Teachers.csv": "ID,TeacherNumber,LastFirst,Email_Addr,SchoolID\n"
    '31,501,"Reed, Carla",carla.reed@riverside.example,12\n32,501,"Reed, Carla",carla.reed@riverside.example,14\n',
    "Attendance_Code.csv": "ID,SchoolID,YearID,Att_Code,Presence_Status_CD\n"
    "1,12,36,A,Absent\n2,12,36,K,Present\n3,12,36,,Present\n4,14,36,A,Present\n",
    "Attendance.csv": "ID,StudentID,SchoolID,Att_Date,Att_Mode_Code,Attendance_CodeID,PeriodID\n"
    "1,41,12,9/14/2026,ATT_ModeDaily,1,0\n2,42,12,9/14/2026,ATT_ModeDaily,2,0\n"
    "3,41,12,9/15/2026,ATT_ModeDaily,3,0\n4,42,12,9/15/2026,ATT_ModeDaily,4,0\n",
    "Calendar_Day.csv": "ID,Date_Value,InSession,SchoolID\n"
    + "".join(f"{day},9/{day}/2026,1,12\n" for day in range(14, 19)),
}
NEWER: Mapping[str, str] = {
    "Users.csv": 'DCID,LastFirst,Email_Addr,HomeSchoolID\n501,"Reed, Carla",carla.reed@riverside.example,12\n',
    "SchoolStaff.csv": "ID,Users_DCID,SchoolID\n31,501,12\n32,501,14\n",
}


def powerschool(other: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """The files of PowerSchool, and others, in a folder of their own instead of the tiny school's."""
    tables = {f"ps/{name}": text for name, text in {**POWERSCHOOL, **other}.items() if text}
    return {**EMPTY, "attendance.csv": None, "calendar.csv": None, **tables}


@pytest.mark.parametrize("staff", [{}, {"Teachers.csv": None, **NEWER}], ids=["old", "newer"])
def test_powerschools_people_are_who_came_by_their_numbers(
    stage: Land, staff: Mapping[str, str | None]
) -> None:
    con = stage(powerschool(staff))
    assert rows(con, PEOPLE) == [("007", "12", "7"), ("008", "12", "7")]
    assert rows(con, "select staff_id, email from stg_staff") == [
        ("501", "carla.reed@riverside.example")
    ]
    assert rows(con, "select class_id, class_name, teacher_id from stg_classes order by 1") == [
        ("71", "Maths, period 1(A)", "501"),
        ("72", "Maths, period 2(A)", "501"),
    ]


@pytest.mark.parametrize("table", ["Students.", "STUDENTS.", "[1]"])
def test_powerschool_exports_of_any_kind_are_its_tables(stage: Land, table: str) -> None:
    """`student.export.text`, apart by tabs, whose headers may say the table, as its exports write them."""
    header, *lines = POWERSCHOOL["Students.csv"].split("\n")
    named = ",".join(f"{table}{name}" for name in header.split(","))
    text = "\n".join(["\t".join(line) for line in csv.reader([named, *lines])])
    con = stage(powerschool({"Students.csv": None, "student.export.text": text}))
    assert rows(con, PEOPLE) == [("007", "12", "7"), ("008", "12", "7")]


@pytest.mark.parametrize("staff", [{}, {"Teachers.csv": None, **NEWER}], ids=["old", "newer"])
def test_whoever_teaches_a_section_besides_teaches_it_in_these_days(
    stage: Land, staff: Mapping[str, str | None]
) -> None:
    con = stage(
        powerschool(
            {
                **staff,
                "SectionTeacher.csv": "ID,SectionID,TeacherID,RoleID,Start_Date,End_Date\n"
                "1,71,31,25,8/17/2026,6/12/2027\n2,72,32,26,9/14/2026,1/15/2027\n",
            }
        )
    )
    assert rows(
        con,
        "select class_id, person_id, begin_date::text from stg_enrollments where role = 'teacher' order by all",
    ) == [("71", "501", "2026-08-17"), ("72", "501", "2026-09-14")]


def test_a_section_of_powerschool_that_was_left_counts_until_then(stage: Land) -> None:
    con = stage(powerschool({}))
    assert rows(
        con,
        "select class_id, person_id, end_date::text from stg_enrollments where role = 'student' order by all",
    ) == [("71", "007", "2027-06-12"), ("71", "008", "2026-09-16"), ("72", "008", "2026-09-16")]
    assert rows(con, "select line, rule from rejected_enrollments") == [
        (4, "ended_before_the_first_day")
    ]


def test_what_powerschools_code_says_of_presence_counts_and_what_it_leaves_open_is_asked(
    stage: Land,
) -> None:
    toml = '[attendance.codes]\nA = "unexcused"\n'
    con = stage(powerschool({}), toml)
    assert rows(
        con, "select student_id, date::text, code, attended, excused from stg_attendance order by 2"
    ) == [
        ("007", "2026-09-14", "A (absent)", 0, False),
        ("007", "2026-09-15", "(present)", 1, None),
    ]
    # another school's A is a presence, and nobody knows whether K is tardy
    assert rows(con, "select rule, value from rejected_attendance order by 2") == [
        ("unmapped_code", "A (present)"),
        ("unmapped_code", "K (present)"),
    ]


def test_powerschools_number_of_a_code_is_another_one_at_each_school_and_is_no_question(
    land: Land,
) -> None:
    marks = "".join(
        f"{2 * day + at},{who},{school},9/{day}/2026,ATT_ModeDaily,{code},0\n"
        for day in (14, 15, 16)
        for at, (who, school, code) in enumerate(((41, 12, 1), (43, 14, 5)))
    )
    tables = {
        "Students.csv": POWERSCHOOL["Students.csv"].replace("12,8/17/2026,6/12/2027,-1", "14,8/17/2026,6/12/2027,0"),
        "Attendance_Code.csv": f"{POWERSCHOOL['Attendance_Code.csv']}5,14,36,A,Absent\n",
        "Attendance.csv": f"{POWERSCHOOL['Attendance.csv'].splitlines()[0]}\n{marks}",
        "Calendar_Day.csv": "ID,Date_Value,InSession,SchoolID\n"
        + "".join(f"{school}{day},9/{day}/2026,1,{school}\n" for school in (12, 14) for day in (14, 15, 16)),
    }  # fmt: skip
    con = land(powerschool(tables), '[attendance.codes]\n"A (absent)" = "unexcused"\n')

    assert rows(con, "select count(distinct code), count(*) from stg_attendance") == [(1, 6)]
    asked = "select count(*) from landing_problems where message like '%Attendance_CodeID%'"
    assert rows(con, asked) == [(0,)]


def test_one_school_in_two_sets_is_asked_about_and_two_schools_are_not(stage: Land) -> None:
    south = {
        name: text.replace("00", "10").replace("T1", "U1").replace("C1", "D1")
        for name, text in CLEVER.items()
    }
    sets = {f"{folder}/{name}": text for folder, files in (("a", CLEVER), ("b", south)) for name, text in files.items()}  # fmt: skip
    con = stage({**EMPTY, "attendance.csv": None, **sets})
    files = read_table(con, "landing_files")
    assert schools_of_sets(con, files).rows() == [
        ("N", "Clever", ["school/a/students.csv", "school/b/students.csv"])
    ]
    con = stage({f"b/{name}": text.replace("N,", "S,") for name, text in south.items()})
    assert schools_of_sets(con, read_table(con, "landing_files")).rows() == []


def test_an_export_that_the_settings_name_comes_from_there(stage: Land) -> None:
    toml = '[landing.students]\nfiles = ["school/pupils.csv"]\n'
    con = stage({**EMPTY, **OLD, "pupils.csv": "student_id,grade\n007,9\n"}, toml)
    assert rows(con, "select student_id, grade from stg_students") == [("007", "9")]
    assert rows(con, "select staff_id from stg_staff") == [("T1",)]


def test_files_are_joined_as_the_settings_say(stage: Land) -> None:
    toml = """
        [landing.students.parts."school/students*"]
        columns = { grade = "year.group" }
        join = { year = { files = ["school/years*"], on = "student_id", key = "id" } }
        """
    con = stage(
        {
            "students.csv": "student_id,given_name,family_name\n007,Ada,Moss\n008,Benedict,Oakley\n",
            "years.csv": "id,group\n007,8\n",
        },
        toml,
    )
    assert rows(con, "select student_id, grade from stg_students order by 1") == [
        ("007", "8"),
        ("008", None),
    ]


def looked_at(files: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Path → format, and the paths whose headers were looked at."""
    seen: list[str] = []

    def header(path: str) -> list[str]:
        seen.append(path)
        return files[path].split()

    lying = [Lying(path, path.rpartition("/")[2], path.rpartition("/")[0]) for path in files]
    nothing: Callable[[str], list[Mapping[str, str]]] = lambda _: []  # noqa: E731
    found = recognised(lying, header, nothing)
    return {path: each.format for path, each in found.items()}, seen


def test_of_a_folder_whose_names_are_no_set_no_header_is_looked_at() -> None:
    plain = dict.fromkeys(("a/students", "a/classes", "a/enrollments", "a/attendance"), "id")
    assert looked_at(plain) == ({}, [])


def test_files_that_are_named_so_and_have_other_columns_are_no_set() -> None:
    found, seen = looked_at(
        {
            "a/users": "sourcedId givenName familyName role",
            "a/classes": "sourcedId title classType schoolSourcedId",
            "a/enrollments": "id class",
        }
    )
    assert (found, len(seen)) == ({}, 3)


def test_sets_of_several_formats_may_lie_together() -> None:
    found, _ = looked_at(
        {
            "a/users": "sourcedId givenName familyName role",
            "a/classes": "sourcedId title classType schoolSourcedId",
            "a/enrollments": "classSourcedId userSourcedId role",
            "a/lineItems": "sourcedId title dueDate classSourcedId",
            "a/StudentEnrollment": "Section_SIS_ID SIS_ID",
        }
    )
    assert {*found.values()} == {"OneRoster 1.1", "School Data Sync v1"}


def test_files_of_several_folders_are_no_set() -> None:
    found, _ = looked_at(
        {
            "a/users": "sourcedId givenName familyName role",
            "b/classes": "sourcedId title classType schoolSourcedId",
            "a/enrollments": "classSourcedId userSourcedId role",
        }
    )
    assert found == {}


@pytest.mark.parametrize(
    ("files", "path", "other"),
    [
        (
            {**NEW, "roles.csv": None},
            "school/users.csv",
            "roles (columns userSourcedId, role, orgSourcedId) of OneRoster 1.2",
        ),
        ({**OLD, "results.csv": TASKS["results.csv"]}, "school/results.csv", "lineItems"),
    ],
)
def test_what_a_set_lacks_is_said(
    read_exports: Callable[..., Facts], files: Mapping[str, str], path: str, other: str
) -> None:
    found = read_exports(files, among=()).files.filter(path=path)
    assert found.height
    assert all(f"without {other}" in error for error in found["error"])


def test_the_sheets_of_a_workbook_are_a_set(stage: Land) -> None:
    sheets = {
        name.removesuffix(".csv"): [*csv.reader(text.splitlines())] for name, text in NEW.items()
    }
    con = stage({**EMPTY, "all.xlsx": workbook(sheets)})
    assert rows(con, "select student_id, given_name from stg_students order by 1") == [
        ("007", "Addie"),
        ("008", "Benedict"),
    ]


def test_folders_with_dates_are_versions_as_zips_are(stage: Land) -> None:
    head, *people = OLD["users.csv"].splitlines(keepends=True)
    later = {**OLD, "users.csv": head + "".join(people[1:])}  # 007 has left
    changes = {
        "manifest.csv": "propertyName,value\noneroster.version,1.1\nfile.users,delta\n",
        "users.csv": f"{head}009,active,,true,N,student,eh,Ellen,Hill,,07\n",
    }
    con = stage(
        {
            **EMPTY,
            **{
                f"roster-{day}/{name}": text
                for day, files in (
                    ("2026-09-01", OLD),
                    ("2026-10-01", later),
                    ("2026-10-02", changes),
                )
                for name, text in files.items()
            },
        }
    )
    assert rows(con, "select student_id from stg_students order by 1") == [("008",), ("009",)]


@pytest.mark.parametrize(
    ("others", "asks"),
    [
        ([("results.csv", "OneRoster 1.1", True)], True),
        ([("results.csv", "OneRoster 1.1", False)], False),
        ([("b.csv", "Canvas", True)], False),
        ([("homework.csv", None, True)], False),
    ],
)
def test_work_that_two_systems_tell_of_is_asked_about(
    others: list[tuple[str, str | None, bool]], *, asks: bool
) -> None:
    files = pl.DataFrame(
        [("a.csv", "Canvas", True), *others],
        schema=["path", "format", "current"],
        orient="row",
    ).with_columns(table=pl.lit("homework"))
    problems = [*work_of_two_systems(files)]
    assert len(problems) == asks
    if asks:
        assert "Canvas (a.csv) and OneRoster 1.1 (results.csv)" in problems[0].message
        assert 'ignore = ["results.csv"]' in problems[0].message
        assert problems[0].holds == "letters"


def test_changes_without_the_whole_hold_letters(land: Land) -> None:
    changes = {
        **OLD,
        "manifest.csv": "propertyName,value\noneroster.version,1.1\nfile.users,delta\n",
    }
    con = land({**EMPTY, **changes})
    assert rows(
        con, "select subject, holds is not null from landing_problems where kind = 'changes_alone'"
    ) == [("school/users.csv", True)]


def test_an_export_that_is_not_there_is_called_as_its_format_calls_it(land: Land) -> None:
    con = land({**EMPTY, **{name: text for name, text in OLD.items() if name != "users.csv"}})
    messages = rows(con, "select message from landing_problems where kind = 'missing_export'")
    assert ["users of OneRoster 1.1" in message for (message,) in messages] == [True, True]


@pytest.mark.parametrize(
    ("example", "gone", "told"),
    [
        ("powerschool", "CC", "It is CC of PowerSchool"),
        ("powerschool", "Sections", "It is Sections of PowerSchool"),
        ("powerschool", "Teachers", "It is Users or Teachers of PowerSchool"),
        ("clever", "enrollments", "It is enrollments of Clever"),
    ],
)
def test_a_set_that_lacks_one_file_of_its_roster_says_which(
    land: Land, example: str, gone: str, told: str
) -> None:
    files = {path.name: path.read_bytes() for path in (EXAMPLES / example).iterdir()}
    con = land({**NOTHING, **files, f"{gone}.csv": None})
    assert [
        told in message
        for (message,) in rows(
            con, "select message from landing_problems where kind <> 'unmapped_code'"
        )
    ] == [True]


def test_one_roster_of_two_systems_is_one_question(land: Land) -> None:
    clever = {"students.csv", "teachers.csv", "sections.csv"}
    files = {
        path.name: path.read_bytes()
        for folder in ("oneroster-1.1", "clever")
        for path in (EXAMPLES / folder).iterdir()
        if folder != "clever" or path.name in clever
    }
    con = land({**NOTHING, **files})
    ((kind, message),) = rows(con, "select distinct kind, message from landing_problems")
    assert kind == "two_rosters"
    assert (
        "Clever (school/students.csv) and OneRoster 1.1 (school/users.csv) have 4 students"
        in message
    )


@pytest.mark.parametrize(
    ("column", "header", "found"),
    [
        ("Grade", "Homeroom/Grade", False),
        ("ID", "Counselor.ID", False),
        ("ID", "STUDENTS.ID", True),
        ("schoolReference.schoolId", "schoolReference/schoolId", True),
        ("gradeLevelDescriptor", "gradeLevels/0/gradeLevelDescriptor", True),
        ("Grade", "Siblings.0.Grade", False),
    ],
)
def test_a_column_is_found_in_its_table_and_its_list_and_below_nothing_else(
    column: str, header: str, found: bool
) -> None:
    assert (spelt(column, ["Name", header], "Students") == header) == found
